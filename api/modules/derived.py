"""A program's derivation: a module's or a function's, with what it is called and what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradproof.codegen.frameworks.passes import Passes
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.deriving import of_equations
from gradproof.modules.naming import Named
from gradproof.symbolic.dependence import needed_items
from gradproof.symbolic.equation import (
    Array,
    EquationError,
    System,
    fresh_name,
    is_unnamed,
    size_names,
)
from gradproof.symbolic.specs.program import Program
from gradproof.symbolic.substitution import rename_arrays
from gradproof.symbolic.tracing.run import Trace, TraceError

MATRICES = ("U", "V", "S", "R", "G", "D", "F", "J")
VECTORS = ("u", "v", "s", "r", "q", "g", "e", "d")
"""What arrays are called that nobody named."""
ROUNDS = 4
"""Derivations until all that has a line has a name: one that has is not put into others."""


class ProgramDerivation(Derivation):
    """A derivation of a module or a function, which is called `title`.

    parameters: by the name that a parameter has in formulas, its path in the module.
    upstream: by output, the name of its upstream gradient, where there is no loss.
    taken: what was taken for granted by the trace.  fixed: letters that had to be numbers.
    tensors: by name, the parameters and buffers themselves; trained: those that are parameters.
    """

    parameters: Mapping[str, str]
    title: str
    tensors: Mapping[str, Any]
    trained: tuple[str, ...]
    upstream: Mapping[str, str]
    taken: tuple[str, ...]
    fixed: Mapping[str, int]
    is_module: bool

    def arrays(self) -> dict[str, Any]:
        """The parameters and buffers as NumPy's arrays of double precision, by name."""
        return {name: tensor.detach().cpu().double().numpy()
                for name, tensor in self.tensors.items()}

    @property
    def legend(self) -> tuple[str, ...]:
        """A line a parameter: what it is in the module, and its sizes."""
        shapes = self.chain.system.shapes
        rows = [(self.writer.notation.text(name), path, " × ".join(map(str, shapes[name])) or "1")
                for name, path in self.parameters.items()]
        wide = [max((len(row[k]) for row in rows), default=0) for k in (0, 1)]
        return tuple(f"{row[0]:{wide[0]}}  {row[1]:{wide[1]}}  {row[2]}" for row in rows)

    @property
    def _taken(self) -> tuple[str, ...]:
        """What was taken for granted before there were equations."""
        return (*self.taken, *(f"{name} = {number}, as the parameters have it"
                               for name, number in self.fixed.items()))

    @property
    def assumptions(self) -> tuple[str, ...]:
        return (*super().assumptions, *self._taken)

    @property
    def program(self) -> Program:
        """What a report tells of the program."""
        return Program(
            self.title, "module" if self.is_module else "function", self.parameters,
            frozenset({*self.tensors} - {*self.trained}), self.upstream, self._taken,
            self.writer.row_vectors)

    def _passes(self, upstream: str = "", constants: Iterable[str] = ()) -> Passes:
        buffers = {*self.tensors} - {*self.trained}
        return super()._passes(next(iter(self.upstream.values()), ""), buffers)

    def _summary(self, title: str, loss: bool = True) -> str:
        for output, name in self.upstream.items():
            of = f"the gradients of a loss whose own by {output if not loss else 'it'} is {name}."
            return f"The output {output}, and {of}" if loss else of[0].upper() + of[1:]
        return super()._summary(title, loss)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(
            ["Parameters", *(f"  {line}" for line in self.legend)] if self.parameters else [])])


def held(traced: Trace, title: str, found: Sequence[Named] = ()) -> None:
    """TraceError for what a derivative of the values would not say."""
    if traced.stops:
        raise TraceError(f"{traced.stops[0]}\n    {title} is not derived: what stands there is a "
                         "constant for its gradients; hand it in as an input, and leave it out of "
                         "wrt=")
    for name in traced.mutated:
        path = next((one.path for one in found if one.name == name), name)
        raise TraceError(f"{title} changes {path} in place: its next call computes with other "
                         "values, and no formula says which; hand it in, and return the new one")


def by_values(ruled: Iterable[str]) -> Iterator[str]:
    """What is said of functions that have a rule of their own for gradients."""
    for one in ruled:
        yield (f"{one} is derived by its values, not by its own rule, which gp.check_layer looks "
               "at")


def derivation_of(
    traced: Trace, found: Sequence[Named], wrt: Iterable[str] | None, rows: bool, *,
    title: str, is_module: bool = False, has_loss: bool = False,
    fixed: Mapping[str, int] | None = None,
) -> ProgramDerivation:
    """The derivation of what a trace returns: of a loss, or of an output by its upstream gradient.

    found: the parameters and buffers among its inputs.  rows: whether vectors are rows.
    title: what the module or function is called.
    """
    system, outputs = traced.system, list(traced.results.values())
    is_scalar = len(outputs) == 1 and not system.shapes[outputs[0]]
    if has_loss and not is_scalar:
        raise EquationError("derive: expected a loss that returns one number, and it returns "
                            f"{_said(system, outputs)}")
    if wrt is None:
        wrt = _wanted(system, found, is_scalar)
    system, output, upstream = _seeded(system, outputs, is_scalar)
    # What code computes and does not use has no line.
    system = replace(system, items=tuple(needed_items(system, {output})))
    parts = _parts(system, {one.name for one in found})
    made = of_equations(system, output, list(wrt), rows, upstream=upstream, named=parts,
                        into=ProgramDerivation)
    for _ in range(ROUNDS):
        if not (letters := _letters(made)):
            break
        system = system.mapped(lambda each, by=letters: rename_arrays(each, by))  # type: ignore[misc]
        made = of_equations(system, output, list(wrt), rows, upstream=upstream, named=parts,
                            into=ProgramDerivation)
    made.parameters = {one.name: one.path for one in found}
    made.tensors = {one.name: one.tensor for one in found}
    made.trained = tuple(one.name for one in found if not one.is_buffer)
    ruled = dict.fromkeys(call.function.__name__ for call in traced.applied)
    made.upstream, made.fixed = upstream, dict(fixed or {})
    made.taken = (*traced.assumptions, *by_values(ruled))
    made.title, made.is_module = title, is_module
    return made


def _wanted(system: System, found: Sequence[Named], is_loss: bool) -> list[str]:
    own = {one.name for one in found}
    real = [array.name for array in system.inputs
            if array.name not in own and not array.is_integer and not array.truths]
    by = [one.name for one in found if not one.is_buffer and one.tensor.requires_grad]
    return by if is_loss and by else [*real, *by]


def _parts(system: System, parameters: set[str]) -> list[str]:
    """Parts of parameters that have names, such as the weights of a gate: a reader wants their
    gradients."""
    return [equation.name for equation in system.equations if not is_unnamed(equation.name)
            and equation.is_pointwise and {read.array for read in equation.reads} <= parameters]


def _letters(derivation: Derivation) -> dict[str, str]:
    """Names for what nobody named and yet has a line of its own."""
    system, used = derivation.chain.system, {*derivation.chain.system.names}
    used |= {str(size) for size in size_names(system.shapes.values())}
    found = {}
    spoken = [formula.name for formula in derivation.shown()]
    spoken += derivation.chain.forward  # which reports show, too
    spoken += [name for kink in derivation.chain.kinks for name in (kink.equation, kink.array)]
    for name in dict.fromkeys(spoken):
        if not is_unnamed(name) or name not in system.shapes:
            continue
        equation = system[name]
        letters = (("lse",) if equation.reduction == "logsumexp" else ("M", "m") if (
            equation.reduction == "max") else MATRICES if len(equation.out) > 1 else VECTORS)
        made = next((one for one in letters if one not in used), None)
        found[name] = made or fresh_name(f"{letters[0]}1", used)
        used.add(found[name])
    return found


def _said(system: System, outputs: Sequence[str]) -> str:
    return " and ".join(f"{name} of shape ({', '.join(map(str, system.shapes[name]))})"
                        for name in outputs) or "none"


def _seeded(
    system: System, outputs: Sequence[str], is_scalar: bool
) -> tuple[System, str, dict[str, str]]:
    """The equations with an upstream gradient for what is no loss."""
    if len(outputs) != 1:
        raise EquationError("derive: the module returns "
                            f"{len(outputs)} arrays; give the loss of them: loss=lambda a, b: ...")
    (output,) = outputs
    if is_unnamed(output):
        wanted = next(name for name in (("L", "loss", "value") if is_scalar else (
            "y", "out", "value")) if name not in system.names)
        system = system.mapped(lambda each: rename_arrays(each, {output: wanted}))
        return _seeded(system, [wanted], is_scalar)
    if is_scalar:
        return system, output, {}
    name = fresh_name(f"d{output}", system.names)
    array = Array(name, system.shapes[output], "constant")
    return replace(system, inputs=(*system.inputs, array)), output, {output: name}
