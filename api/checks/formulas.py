"""Sides of a check in text: a loss, its gradients.

``gp.check("L = sum((X @ w - y)**2)/2", {"w": "X.T @ (X @ w - y)"}, X="m n", w="n", y="m")``.
What a loss in text computes on the way has its name in the gradients' text as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, leaves
from gradproof.checks.points import number_of
from gradproof.checks.returned import Asked, Keyed, sorted_out
from gradproof.checks.subject import Declared, Side, Values
from gradproof.codegen.compile import compile_system
from gradproof.derivations.sources import stated_equations
from gradproof.symbolic.equation import System
from gradproof.symbolic.functions import STOP_GRADIENT
from gradproof.symbolic.text.grammar import parse_statements
from gradproof.symbolic.text.statements import OUTPUT
from gradproof.symbolic.text.trees import FormulaError, Statement
from gradproof.symbolic.tracing.run import Names, SourceLine, Trace

_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class TextSide:
    """Equations as text, of which `result` names one, or one for each gradient."""

    text: str
    result: str | Mapping[str, str]
    taken: Inputs

    @property
    def wanted(self) -> list[str]:
        return [self.result] if isinstance(self.result, str) else list(self.result.values())

    @cached_property
    def names(self) -> frozenset[str]:
        """What the text gives names to, and the indices of its recurrences: no names of sizes."""
        return frozenset(_NAME.findall(self.text))

    def system(self, declared: Declared) -> System:
        return stated_equations(
            self.text, {array.name: array for spec in declared.values() for array in leaves(spec)})

    def traced(self, declared: Declared) -> Trace:
        source = self.text.split("\n")
        lines = {
            said.name: SourceLine("formula", said.line, source[said.line - 1].strip())
            for said in parse_statements(self.text)
        }
        result: Names = self.result if isinstance(self.result, str) else dict(self.result)
        return Trace(self.system(declared), result, dict(self.taken.arguments), lines)

    def at(self, values: Values) -> Any:
        *first, last = self._computed
        for computed in first:
            try:
                return self._result(computed(values))
            except ValueError:  # sizes that this declaration does not have
                continue
        return self._result(last(values))

    @cached_property
    def _computed(self) -> list[_Computed]:
        """The text as a function: as it was declared, and for given arrays of any size."""
        general = General(self.taken, self.names)
        systems = [self.system(self.taken.declared)]
        for declared in general.declarations() if general.given else ():
            try:
                systems.append(self.system(declared))
            except FormulaError:  # it is for the given sizes alone
                continue
        return [_Computed(system, self.wanted) for system in systems]

    def _result(self, arrays: Sequence[Any]) -> Any:
        if isinstance(self.result, str):
            return arrays[0]
        return dict(zip(self.result, arrays, strict=True))


@dataclass(frozen=True)
class _Computed:
    """Equations for inputs of some declaration, compiled when they are first needed."""

    system: System
    wanted: Sequence[str]

    @cached_property
    def _run(self) -> Callable[..., Sequence[Any]]:
        return compile_system(self.system, self.wanted)

    def __call__(self, values: Values) -> Sequence[Any]:
        return self._run(**{array.name: number_of(values[array.name])
                            for array in self.system.inputs})


def text_loss(loss: str, taken: Inputs) -> TextSide:
    """The side that a loss in text is; FormulaError where it is none for these inputs."""
    side = TextSide(*_named(loss, OUTPUT), taken)
    system = side.system(taken.declared)
    if any(term.body.has(STOP_GRADIENT) for made in system.equations for term in made.terms):
        raise FormulaError("a loss with stop_gradient is derived, not checked: what it stops is "
                           "seen by differences of the loss; give what is stopped as an input, of "
                           'gp.Array("m", kind="constant")')
    return side


def text_gradient(
    gradient: str | Mapping[str, str], asked: Asked, required: bool, loss: Side, taken: Inputs
) -> tuple[TextSide, Keyed]:
    """The side that gradients in text are, and which of the formulas are the gradients asked for.

    A dict has a formula (or statements of which the last counts) for each input; text assigns to
    dw, grad_w or w_grad.  Both may read what a loss in text computes.  Raises FormulaError for a
    key that is no input, and where a formula is missing that is `required`, or all are.
    """
    real = [array.name for array in taken.arrays if not array.is_integer]
    if isinstance(gradient, str):
        text, keyed = gradient, _assigned(gradient, real)
        found = dict(keyed.keys)
    else:
        formulas = {str(key): formula for key, formula in gradient.items()}
        keyed = _keyed(formulas, real)
        named = {name: _named(formulas[key], f"d{name}") for name, key in keyed.keys.items()}
        found = {name: result for name, (_, result) in named.items()}
        text = "\n".join(part for part, _ in named.values())
    missing = [name for name in asked.names if name not in found] if required else []
    if missing:
        raise FormulaError(f"gradient: no formula for {missing[0]}; there are formulas for "
                           f"{', '.join(found)}")
    above = f"{loss.text}\n" if isinstance(loss, TextSide) and loss.text else ""
    side = TextSide(above + text, {f"d{name}": found[name] for name in found}, taken)
    side.system(taken.declared)
    return side, replace(
        keyed, keys={name: keyed.keys[name] for name in asked.names if name in found},
        unasked=tuple(key for name, key in keyed.keys.items() if name not in asked.names))


def _assigned(gradient: str, real: Sequence[str]) -> Keyed:
    """Which assignments of a text are the gradients; the others are on the way to them."""
    names = [statement.name for statement in parse_statements(gradient) if statement.name]
    keyed = sorted_out([name for name in names if name not in real], real)
    if not keyed.keys:
        raise FormulaError(f"gradient: expected an assignment to d{real[0]} or to another of "
                           f"{', '.join(f'd{name}' for name in real)}, got "
                           f"{', '.join(names) or 'none'}")
    return keyed


def _keyed(gradient: Mapping[str, str], real: Sequence[str]) -> Keyed:
    """Which formulas of a dict are the gradients."""
    keyed = sorted_out(gradient, real)
    if keyed.unasked:
        raise FormulaError(f"gradient: {keyed.unasked[0]!r} is no input that one can differentiate "
                           f"by; expected some of {', '.join(real)}")
    if not keyed.keys:
        raise FormulaError("gradient: nothing to check; the dict is empty")
    return replace(keyed, differing=frozenset(
        name for name, others in keyed.beside.items() for other in others
        if other != name and gradient[other] != gradient[keyed.keys[name]]))


def _named(text: str, name: str) -> tuple[str, str]:
    """The text with a name for its last statement if it has none, and the last one's name."""
    statements = parse_statements(text)
    if not statements:
        raise FormulaError(f"{name}: expected a formula, got only a comment")
    last: Statement = statements[-1]
    if last.name:
        return text, last.name
    lines = text.split("\n")
    line = lines[last.line - 1]
    lines[last.line - 1] = f"{line[:last.column - 1]}{name} = {line[last.column - 1:]}"
    return "\n".join(lines), name
