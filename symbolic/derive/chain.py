"""From a system and its loss to named gradient equations, each with the way it came about.

The rule (:mod:`adjoint`) says what is true; this file decides what a reader is shown: which
adjoints keep a name (δ), which are put into their only reader, and in what order the rewrites are
applied.  Every form an equation went through is kept, with its reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sympy as sp

from ..dependence import arrays_read, reached
from ..equation import Array, Equation, EquationError, Item, Recurrence, Size, System, slot
from ..matrices.leaves import Levels, levels_of
from ..matrices.orientation import prefers_rows
from ..matrices.recognise import Einsum, matrix_form, walk
from ..validation import validate
from .adjoint import recorded, reverse
from .declared import Declarations, use_declared
from .fuse import fuse_forward, is_short
from .kinks import Kink, find_kinks
from .rewrite import (
    cancelled,
    inline,
    is_value,
    reuse_values,
    slopes_in_outputs,
    sum_rows,
    tidy,
)

Role = Literal["forward", "adjoint", "gradient"]


@dataclass(frozen=True)
class Form:
    """One form of an equation.

    `rule` says which rewrite made it of the form before: "forward", "chain rule", "insert",
    "slope in output", "named value", "row sums", "declared", "cancel", "per sample".  `uses` names
    what that rewrite used (arrays inserted, equations passed through, inputs assumed of; the
    sentences that were declared).
    """

    equation: Equation
    rule: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A named equation and all the forms it went through; the last is the one to use.

    `of` is the array whose adjoint this is (its own name for a forward equation).  `relies` are
    declarations without which what it reads need not exist (an inverse).
    """

    name: str
    role: Role
    of: str
    forms: tuple[Form, ...]
    relies: tuple[str, ...] = ()

    @property
    def equation(self) -> Equation:
        return self.forms[-1].equation


@dataclass(frozen=True)
class Chain:
    """A loss differentiated: what :func:`differentiate` returns.

    system: inputs, forward and backward equations in the order they are computed.
    steps: the same equations with their forms; `inlined` those that were put into others.
    of: array name -> name of its adjoint.
    assumed: inputs whose declaration (rows sum to one) a rewrite used.
    """

    system: System
    loss: str
    wrt: tuple[str, ...]
    steps: tuple[Step, ...]
    inlined: Mapping[str, Step]
    of: Mapping[str, str]
    assumed: tuple[str, ...]
    kinks: tuple[Kink, ...]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Everything that was assumed of the inputs and used, as sentences."""
        return self._assumed_by(self.steps)

    def assumed_by(self, step: Step) -> tuple[str, ...]:
        """What a formula holds under: what its own forms used, and those of what it reads."""
        return self._assumed_by([step])

    def _assumed_by(self, formulas: Iterable[Step]) -> tuple[str, ...]:
        steps = {**self.inlined, **{step.name: step for step in self.steps}}

        def sources(name: str) -> Iterable[str]:
            step = steps[name]
            put_in = (name for form in step.forms if form.rule == "insert" for name in form.uses)
            return (array for array in (*arrays_read(step.equation), *put_in)
                    if array in steps and steps[array].role != "forward")

        starts = (step.name for step in formulas if step.role != "forward")
        found: set[str] = set()
        for name in reached(starts, sources):
            found |= set(steps[name].relies)
            for form in steps[name].forms:
                if form.rule == "row sums":
                    found |= {f"the rows of {array} sum to one" for array in form.uses}
                elif form.rule == "declared":
                    found |= set(form.uses)
        return tuple(sorted(found))

    def step(self, name: str) -> Step:
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step {name!r}; there are {[step.name for step in self.steps]}")


def differentiate(
    system: System,
    loss: str,
    wrt: Iterable[str],
    *,
    cotangent: str | None = None,
    named: Iterable[str] = (),
    per_sample: Size | None = None,
) -> Chain:
    """The gradients of `loss` by `wrt`, with every adjoint on the way, simplified step by step.

    `cotangent` names an input that stands for the loss's adjoint, for an output that is no
    scalar.  The adjoints of `named` keep their name however short they are.  `per_sample` is the
    batch size by which adjoints that are not gradients are multiplied, so that they are per
    sample and the 1/m stands in the gradients.
    """
    wanted, shapes = tuple(wrt), system.shapes
    for name in wanted:
        if name not in shapes:
            raise EquationError(f"cannot differentiate by {name!r}: there is no such array; "
                                f"expected some of {sorted(shapes)}")
    rows = any(array.kind == "symmetric" for array in system.inputs) and prefers_rows(system)
    system = recorded(fuse_forward(system, {loss, *wanted}), wanted)
    derived = reverse(system, loss, wanted, cotangent=cotangent)
    source = {bar: name for name, bar in derived.of.items()}
    gradients = {derived.of[name] for name in wanted}
    forward_items = derived.system.items[: len(system.items)]
    backward_items = derived.system.items[len(system.items) :]
    inputs = {array.name: array for array in system.inputs}
    simplifier = Simplifier(
        forward=tuple(System(system.inputs, forward_items).equations),
        backward=tuple(System(system.inputs, backward_items).equations),
        inputs=inputs,
        keep=gradients | {derived.of[name] for name in named if name in derived.of},
        levels=levels_of(system),
        hidden={derived.of[name] for name in levels_of(system) if name in derived.of},
        rows=rows,
    )
    steps = simplifier.run()
    if per_sample is not None:
        steps = _per_sample(steps, gradients, per_sample)
    items: list[Item] = list(forward_items)
    final = {step.name: step.equation for step in steps}
    for item in backward_items:
        if isinstance(item, Recurrence):
            kept = tuple(final[e.name] for e in item.equations if e.name in final)
            if kept:
                items.append(replace(item, equations=kept))
        elif item.name in final:
            items.append(final[item.name])
    forward_steps = tuple(
        Step(e.name, "forward", e.name, (Form(e, "forward"),))
        for e in System(system.inputs, forward_items).equations
    )
    backward_steps = tuple(
        replace(step, role="gradient" if step.name in gradients else "adjoint",
                of=source[step.name])
        for step in steps
    )
    inlined = {
        name: replace(step, of=source[name]) for name, step in simplifier.inlined.items()
    }
    return Chain(
        validate(replace(derived.system, items=tuple(items))),
        loss,
        wanted,
        (*forward_steps, *backward_steps),
        inlined,
        derived.of,
        tuple(sorted(simplifier.assumed)),
        tuple(find_kinks((step.equation for step in forward_steps), wanted)),
    )


class Simplifier:
    """Goes through raw derivative equations in order; see :meth:`run`.

    `forward` are the equations before them, `keep` the names that no other equation takes in,
    `hidden` those that a reader is not to see if it can be helped; `rows` says that vectors are
    written as rows.
    """

    def __init__(
        self,
        forward: Sequence[Equation],
        backward: Sequence[Equation],
        inputs: Mapping[str, Array],
        keep: set[str],
        hidden: Iterable[str] = (),
        levels: Levels | None = None,
        rows: bool = False,
    ) -> None:
        self.hidden = set(hidden)
        self.levels = levels or {}
        self.backward = backward
        self.inputs = inputs
        self.keep = keep
        self.inlined: dict[str, Step] = {}
        self.assumed: set[str] = set()
        self._declared = Declarations.of(inputs, forward, rows)
        self._done: dict[str, Equation] = {}
        self._pointwise: dict[str, list[Equation]] = defaultdict(list)
        for equation in forward:
            if is_value(equation) and equation.terms[0].reads:
                self._pointwise[equation.terms[0].reads[0].array].append(equation)
        # The adjoint of the output itself, 1 or the identity, is not worth a word where it is put
        # in.
        self._seeds = {e.name for e in backward if all(not t.reads for t in e.terms)}
        self._reader_count = Counter(
            name for e in backward for name in {read.array for read in e.reads}
        )

    def run(self) -> list[Step]:
        """The steps that keep their name; the others end in ``inlined``."""
        steps: dict[str, Step] = {}
        for raw in self.backward:
            via = tuple(dict.fromkeys(term.via for term in raw.terms if term.via))
            forms = [Form(self._with_seeds(raw), "chain rule", via)]
            self._insert(forms)
            self._rewrite(forms)
            self._insert(forms)  # what row sums made short may go in now
            self._cancel(forms)
            self._done[raw.name] = forms[-1].equation
            steps[raw.name] = Step(raw.name, "adjoint", raw.name, tuple(forms),
                                   self._declared.relied_on(forms[-1].equation))
        needed = reached(
            (name for name in steps if name in self.keep),
            lambda name: (array for array in arrays_read(self._done[name]) if array in steps),
        )
        self.inlined = {name: step for name, step in steps.items() if name not in needed}
        return [step for name, step in steps.items() if name not in self.inlined]

    def _with_seeds(self, equation: Equation) -> Equation:
        """The adjoint of the output is known: nobody is to read ∂L/∂L."""
        for read in equation.reads:
            if read.array in self._seeds - self.keep and read.array in self._done:
                equation = inline(equation, self._done[read.array]) or equation
        return equation

    def _insert(self, forms: list[Form]) -> None:
        """Puts adjoints into this equation where that loses nothing."""
        equation = forms[-1].equation
        used: list[str] = []
        changed = True
        while changed:
            changed = False
            for read in list(equation.reads):
                target = self._done.get(read.array)
                if target is None or read.array in self.keep:
                    continue
                put = inline(equation, target)
                if put is None and read.array in self.hidden:
                    put = self._with_sum(equation, target)
                if put is not None and self._pays(equation, target, put):
                    equation, changed = put, True
                    if target.name not in self._seeds:
                        used.append(target.name)
                    break
        if used:
            forms.append(Form(equation, "insert", tuple(dict.fromkeys(used))))
        elif equation != forms[-1].equation:
            forms[-1] = replace(forms[-1], equation=equation)

    def _with_sum(self, equation: Equation, target: Equation) -> Equation | None:
        """A row sum put into its only reader, where the sum is still taken once for a row."""
        if self._reader_count[target.name] != 1:
            return None
        put = inline(equation, target, costly=True)
        form = None if put is None else matrix_form(put, levels=self.levels)
        return None if form is None or any(
            isinstance(node, Einsum) for node in walk(form)) else put

    def _pays(self, equation: Equation, target: Equation, put: Equation) -> bool:
        """An only reader takes its target in; several readers take in what makes them shorter."""
        if is_short(target) or not target.terms or target.name in self._seeds:
            return True
        if self._reader_count[target.name] == 1:
            return True
        if not target.is_pointwise or not put.terms:
            return not put.terms
        named, _ = reuse_values(put, self._near(put))
        sloped, _ = slopes_in_outputs(named, self._near(named))
        return _length(tidy(cancelled(sloped))) <= _length(equation)

    def _rewrite(self, forms: list[Form]) -> None:
        equation = forms[-1].equation
        named, values = reuse_values(equation, self._near(equation))
        if values:
            forms.append(Form(named, "named value", values))
        sloped, outputs = slopes_in_outputs(named, self._near(named))
        if outputs:
            forms.append(Form(sloped, "slope in output", outputs))
        self._cancel(forms)
        summed, used = sum_rows(forms[-1].equation, self.inputs)
        if used:
            self.assumed |= used
            forms.append(Form(summed, "row sums", tuple(sorted(used))))
        shorter, sentences = use_declared(forms[-1].equation, self._declared)
        if sentences:
            forms.append(Form(shorter, "declared", sentences))

    def _near(self, equation: Equation) -> list[Equation]:
        """The pointwise forward equations of arrays that an equation reads, in forward order.

        Twice over, since a value that is named first may be what another one reads.
        """
        arrays = dict.fromkeys(read.array for term in equation.terms for read in term.reads)
        near = [e for array in arrays for e in self._pointwise.get(array, ())]
        return near + [e for first in near for e in self._pointwise.get(first.name, ())]

    def _cancel(self, forms: list[Form]) -> None:
        """Like terms added and bodies shortened: a form of its own when that shortens anything."""
        before = forms[-1]
        after = cancelled(tidy(before.equation))
        if after == before.equation:
            return
        if _length(after) < _length(before.equation):
            forms.append(Form(after, "cancel"))
        else:
            forms[-1] = replace(before, equation=after)


def _length(equation: Equation) -> int:
    """How long an equation reads: operations in its bodies, and one for each term and sum."""
    return sum(
        int(sp.count_ops(term.body, visual=False)) + 1 + len(term.over)
        for term in equation.terms
    )


def _per_sample(steps: Sequence[Step], gradients: set[str], size: Size) -> list[Step]:
    """Every adjoint that is no gradient multiplied by the batch size, its readers divided."""
    scaled = {step.name for step in steps if step.name not in gradients}

    def rescale(equation: Equation) -> Equation:
        factor = size if equation.name in scaled else sp.S.One
        terms = []
        for term in equation.terms:
            by = {
                slot(place): slot(place) / size
                for place, read in enumerate(term.reads)
                if read.array in scaled
            }
            terms.append(replace(term, body=factor * term.body.xreplace(by)))
        return cancelled(tidy(replace(equation, terms=tuple(terms))))

    result = []
    for step in steps:
        after = rescale(step.equation)
        forms = step.forms
        if after != step.equation:
            forms = (*forms, Form(after, "per sample", (str(size),)))
        result.append(replace(step, forms=forms))
    return result
