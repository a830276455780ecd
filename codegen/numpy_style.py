"""Scalar bodies as NumPy expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import sympy as sp

from ..symbolic.display.layout import ADD, ATOM, MUL, OR, POW, Piece, Style, any_array, body
from ..symbolic.equation import EquationError, slots_of
from ..symbolic.functions import Opaque
from ..symbolic.special import SPELLED
from .names import Names
from .spelling import INTEGER_END, bounded_branches, near_zero
from .stable import steadied

CALLED = {
    "Abs": "abs", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
    "acosh": "arccosh", "atanh": "arctanh", "maximum": "maximum", "minimum": "minimum",
    **{name: name for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh",
                               "sign", "log1p", "expm1")},
}
"""SymPy's functions (and what bounds a branch), as NumPy calls them."""

class Called(Protocol):
    """What knows how functions are called in the text."""

    def apply(self, function: type[Opaque], argument: Piece) -> Piece: ...

    def bring(self, name: str) -> None: ...


class NumPyStyle(Style):
    """Bodies in NumPy, in the precision of what they read."""

    lone_steps = False
    """Whether a condition stands for a number by itself, not as a factor of one."""

    def __init__(self, names: Names, functions: Called) -> None:
        self.names = names
        self.functions = functions
        self._kind = ""
        self._truths: set[str] = set()
        self._rounded: dict[sp.Symbol, str] = {}

    def written(self, expression: sp.Expr, leaves: Sequence[Piece]) -> Piece:
        """A body with `leaves` in its slots, in a spelling that does not overflow.

        Raises EquationError for a function or a condition that has no text.
        """
        before, self.lone_steps = self.lone_steps, has_lone_step(expression)
        spelled = near_zero(bounded_branches(steadied(expression))).replace(
            lambda part: isinstance(part, sp.floor | sp.ceiling), self._integer)
        try:
            return body(spelled, leaves, self)
        except NotImplementedError as reason:
            raise EquationError(f"no source text for {expression}: {reason}") from None
        finally:
            self.lone_steps = before

    def of_argument(self, expression: sp.Expr, name: str) -> str:
        """The text of a function of one array."""
        before, self._kind = self._kind, f"np.result_type({name}, 1.0)"
        shown = self.written(expression, [Piece(name, ATOM, True)]).text
        self._kind = before
        return shown

    def kind(self) -> str:
        """What the floating-point type is called where the text stands."""
        return self._kind or self.names.dtype()

    def _integer(self, part: sp.Expr) -> sp.Symbol:
        """A quotient of sizes rounded down, as a symbol that is written as integers are."""
        symbol = sp.Symbol(f"#{part}", positive=True)
        self._rounded[symbol] = f"({self.names.size_text(part)})"
        return symbol

    # --- operations -----------------------------------------------------------------------------

    def number(self, value: sp.Expr) -> Piece:
        if value.is_Integer:
            return Piece(str(value) if abs(value) < INTEGER_END else repr(float(value)))
        if value.is_Rational:
            short = repr(float(value))
            if sp.Rational(short) == value:
                return Piece(short)
            if len(str(value)) < 20:
                return Piece(f"{value.p} / {value.q}", MUL)
        constants = {sp.pi: "np.pi", sp.E: "np.e"}
        return Piece(constants.get(value, repr(float(value))))

    def size(self, symbol: sp.Symbol) -> str:
        return self._rounded[symbol] if symbol in self._rounded else self.names.size(symbol)

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        return Piece(f"{self.hold(numerator, MUL)} / {self.hold(denominator, POW)}", MUL,
                     numerator.array or denominator.array)

    def power(self, base: Piece, exponent: sp.Expr) -> Piece:
        shown = self.number(exponent) if exponent.is_number else body(exponent, [], self)
        return Piece(f"{self.hold(base, ATOM)}**{self.hold(shown, ATOM)}", POW, base.array)

    def root(self, base: Piece) -> Piece:
        if self._is_plain(base):  # np.sqrt of it would widen float32
            return Piece(f"{self.hold(base, ATOM)}**0.5", POW)
        return self.call("sqrt", [base])

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        inner = ", ".join(argument.text for argument in arguments)
        if name in ("erf", "erfc", "log_erfc", "erfc_ratio") or name in SPELLED:  # NumPy has none
            self.functions.bring(name)
            return Piece(f"{name}({inner})", ATOM, arguments[0].array)
        if name not in CALLED:
            raise EquationError(f"no source text for the function {name}; compile it instead")
        if all(map(self._is_plain, arguments)):
            return Piece(f"float(np.{CALLED[name]}({inner}))", ATOM)
        return Piece(f"np.{CALLED[name]}({inner})", ATOM, any(a.array for a in arguments))

    def _is_plain(self, piece: Piece) -> bool:
        return not piece.array and self.names.is_plain(piece.text)

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        applied = self.functions.apply(function, argument)
        if self._is_plain(argument):  # of a number, NumPy's functions make double precision
            return Piece(f"float({applied.text})", ATOM)
        return applied

    # --- conditions -----------------------------------------------------------------------------

    def truth(self, condition: str, array: bool) -> Piece:
        """A condition as the factor that it is."""
        self._truths.add(f"({condition})")
        return Piece(f"({condition})", ATOM, array)

    def negate(self, piece: Piece) -> Piece:
        """NumPy has no minus of a truth value: -((x > 0) * y), where -(x > 0) * y would be it."""
        if any(piece.text.startswith(truth) for truth in self._truths):
            return super().negate(Piece(self.bracket(piece.text), ATOM, piece.array))
        return super().negate(piece)

    def cases(self, pieces: Sequence[tuple[Piece, Piece | None]]) -> Piece:
        *chosen, (otherwise, _) = pieces
        if len(chosen) == 1 and otherwise.text == "0" and chosen[0][0].text == "1":
            condition = chosen[0][1]
            assert condition is not None
            if self.lone_steps and self.names.is_plain(condition.text):  # of a loop's variable
                return Piece(f"float({condition.text})", ATOM)
            if self.lone_steps:
                return Piece(f"({condition.text}).astype({self.kind()})", ATOM, condition.array)
            return self.truth(condition.text, condition.array)
        text, numbers = otherwise.text, self._is_plain(otherwise)
        for place, (value, condition) in enumerate(reversed(chosen)):
            assert condition is not None
            plain = self._is_plain(value)
            if numbers and not plain and place:  # numbers do not say the precision
                text += f".astype({self.kind()})"
            text = f"np.where({condition.text}, {value.text}, {text})"
            numbers = numbers and plain
        return Piece(text + (f".astype({self.kind()})" if numbers else ""), ATOM, any_array(pieces))

    def relation(self, left: Piece, sign: str, right: Piece) -> Piece:
        return Piece(f"{self.hold(left, ADD)} {sign} {self.hold(right, ADD)}", ADD,
                     left.array or right.array)

    def between(self, low: Piece, above: str, of: Piece, below: str, high: Piece) -> Piece:
        # low < x < high asks for the truth of an array
        return self.joined("and", [self.relation(low, above, of), self.relation(of, below, high)])

    def joined(self, word: str, conditions: Sequence[Piece]) -> Piece:
        sign = " & " if word == "and" else " | "
        shown = sign.join(self.hold(condition, ATOM) for condition in conditions)
        return Piece(shown, OR, any(condition.array for condition in conditions))


def has_lone_step(body: sp.Expr) -> bool:
    """Whether a step is no factor beside arrays' values alone: as a truth value it has no sum and
    no minus, and times a number it is of double precision."""
    if is_step(body):
        return True
    parts = body.args
    if body.is_Mul:
        rest = [part for part in parts if not is_step(part) and part != -1]
        if rest and all(slots_of(part) for part in rest):
            parts = rest
    return any(map(has_lone_step, parts))


def is_step(part: sp.Basic) -> bool:
    definition = type(part).definition if isinstance(part, Opaque) else part
    return isinstance(definition, sp.Piecewise) and [v for v, _ in definition.args] == [1, 0]
