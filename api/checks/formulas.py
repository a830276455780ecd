"""Checks of formulas in text: a loss, its gradients, or both.

``gp.check("L = sum((X @ w - y)**2)/2", {"w": "X.T @ (X @ w - y)"}, X="m n", w="n", y="m")``.
What a loss in text computes on the way has its name in the gradients' text as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradproof.checks.functions import returned_names, rows_assumed, scalar_result
from gradproof.checks.inputs import Inputs, takes
from gradproof.checks.judging import judge
from gradproof.checks.measuring import Subject
from gradproof.checks.points import by_parameter
from gradproof.checks.results import CheckResult
from gradproof.checks.returned import key_of
from gradproof.codegen.compile import compile_system
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import System
from gradproof.symbolic.text.grammar import FormulaError, Statement, parse_statements
from gradproof.symbolic.text.statements import OUTPUT, parse_equations
from gradproof.symbolic.tracing.run import Place, Trace, trace

Gradient = Callable[..., Any] | str | Mapping[str, str]


@dataclass(frozen=True)
class _Side:
    """A loss or its gradients: as equations (TraceError where there are none), and as numbers."""

    traced: Callable[[], Trace]
    at: Callable[[Mapping[str, Any]], Any]


def check_formulas(
    loss: Callable[..., Any] | str,
    gradient: Gradient,
    wrt: Sequence[str] | None,
    given: Mapping[str, Any],
    seed: int,
) -> CheckResult:
    """:func:`gradproof.check` where one side or both are text.

    Raises FormulaError with line and column for text that is no formula, ValueError for inputs.
    """
    taken = Inputs.of(given)
    real = [array.name for array in taken.arrays if not array.is_integer]
    names = taken.chosen(real if wrt is None else wrt)
    above = ""
    if isinstance(loss, str):
        above, output = _named(loss, OUTPUT)
        left = _text_side(above, output, taken)
    else:
        left = _function_side("loss", loss, taken)
    if isinstance(gradient, str | Mapping):
        text, found = _gradients(gradient, names if wrt is not None else (), real, above)
        names = [name for name in names if name in found]
        right = _text_side(text, {f"d{name}": found[name] for name in names}, taken)
    else:
        right = _function_side("gradient", gradient, taken)
        if wrt is None:
            names = returned_names(gradient, taken, taken.points(seed)[0], names)
    derived: System | None = None
    of: Mapping[str, str] = {}
    assumed: tuple[str, ...] = ()
    hand: Trace | None = None
    reason = ""
    try:
        traced = left.traced()
        chain = differentiate(traced.system, scalar_result(traced), names)
        derived, of, assumed = chain.system, chain.of, rows_assumed(chain)
        hand = right.traced()
    except ValueError as error:
        reason = f"not traced: {error}"
    return judge(
        Subject(derived, of, tuple(names), left.at,
                lambda values: by_parameter(right.at(values), names, "gradient"),
                hand, reason, assumed=assumed),
        taken.points(seed),
    )


def _function_side(what: str, function: Callable[..., Any], taken: Inputs) -> _Side:
    if not callable(function):
        raise ValueError(f"{what}: expected a function or text, got {function!r:.60}")
    takes(what, function, taken.given)
    return _Side(lambda: trace(function, taken.declared),
                 lambda values: function(**taken.at(values)))


def _text_side(text: str, result: str | dict[str, str], taken: Inputs) -> _Side:
    """Equations as text, of which `result` names one or several."""
    system = parse_equations(text, {array.name: array for array in taken.arrays})
    names = [result] if isinstance(result, str) else list(result.values())
    computed = compile_system(system, names)
    source = text.split("\n")
    lines = {statement.name: Place("formula", statement.line, source[statement.line - 1].strip())
             for statement in parse_statements(text)}

    def at(values: Mapping[str, Any]) -> Any:
        arrays = computed(**{array.name: values[array.name] for array in system.inputs})
        return arrays[0] if isinstance(result, str) else dict(zip(result, arrays, strict=True))

    made = Trace(system, result if isinstance(result, str) else dict(result),
                 dict(taken.arguments), lines)
    return _Side(lambda: made, at)


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


def _gradients(
    gradient: str | Mapping[str, str], wanted: Sequence[str], real: Sequence[str], above: str
) -> tuple[str, dict[str, str]]:
    """The gradients' text behind that of the loss, and the name of each gradient in it.

    A dict has a formula (or statements of which the last counts) for each input; text assigns to
    dw, grad_w or w_grad.
    """
    if isinstance(gradient, str):
        text = f"{above}\n{gradient}" if above else gradient
        assigned = {s.name: s.name for s in parse_statements(gradient) if s.name}
        found = {name: key for name in real if (key := key_of(name, assigned)) is not None}
        found = {name: key for name, key in found.items() if name != key}
        if not found:
            raise FormulaError(f"gradient: expected an assignment to d{real[0]} or to another of "
                               f"{', '.join(f'd{name}' for name in real)}, got "
                               f"{', '.join(assigned) or 'none'}")
    else:
        parts, found = [above] if above else [], {}
        for key, formula in gradient.items():
            name = next((n for n in real if key in (n, f"d{n}", f"grad_{n}")), None)
            if name is None:
                raise FormulaError(f"gradient: {key!r} is no input that one can differentiate by; "
                                   f"expected some of {', '.join(real)}")
            part, found[name] = _named(formula, f"d{name}")
            parts.append(part)
        text = "\n".join(parts)
        if not found:
            raise FormulaError("gradient: nothing to check; the dict is empty")
    missing = [name for name in wanted if name not in found]
    if missing:
        raise FormulaError(f"gradient: no formula for {missing[0]}; there are formulas for "
                           f"{', '.join(found)}")
    return text, found
