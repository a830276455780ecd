"""Scalar bodies as functions of exact numbers: fractions while they stay rational, else mpf.

A value is a Fraction for as long as only +, -, x, / and whole powers have touched it, so that
0.3825 is printed as exactly that; the first exponential makes it a binary number of `digits`
decimal digits in a context of its own (mpmath's global precision is left alone).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from numbers import Rational
from typing import Any, TypeAlias

import sympy as sp
from mpmath.ctx_mp import MPContext

from ...symbolic.equation import slot, slot_number
from ...symbolic.functions import Opaque, Z

Value: TypeAlias = Any
"""A Fraction, or an mpf of the arithmetic that made it."""

LONGEST_FRACTION = 2000
"""Bits of a denominator beyond which a fraction is rounded to the working precision."""


def exact(number: object) -> Fraction:
    """The number somebody wrote: a float is the shortest decimal that reads back as it.

    Raises ValueError for what is no finite real number.
    """
    if isinstance(number, Fraction):
        return number
    if isinstance(number, bool) or number is None:
        raise ValueError(f"expected a number, got {number!r}")
    if hasattr(number, "item"):  # a NumPy scalar
        number = number.item()
    try:
        if isinstance(number, float):
            return Fraction(repr(number))
        if isinstance(number, int | str | Decimal | Rational):
            return Fraction(number)
    except (ValueError, OverflowError, ZeroDivisionError):
        pass
    raise ValueError(f"expected a finite number, got {number!r}")


class Arithmetic:
    """Operations on values at a working precision of `digits` decimal digits."""

    def __init__(self, digits: int) -> None:
        self.context = MPContext()
        self.context.dps = digits
        self.digits = digits

    def real(self, value: Value) -> Any:
        """The value as an mpf of this arithmetic."""
        if isinstance(value, Fraction):
            return self.context.mpf(value.numerator) / value.denominator
        return value

    def add(self, left: Value, right: Value) -> Value:
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return self._short(left + right)
        return self.real(left) + self.real(right)

    def multiply(self, left: Value, right: Value) -> Value:
        if isinstance(left, Fraction):
            if not left:
                return left
            if isinstance(right, Fraction):
                return self._short(left * right)
        elif isinstance(right, Fraction) and not right:
            return right
        return self.real(left) * self.real(right)

    def power(self, base: Value, exponent: Value) -> Value:
        whole = isinstance(exponent, Fraction) and exponent.denominator == 1
        if whole and isinstance(base, Fraction) and (base or exponent > 0):
            return self._short(base ** int(exponent))
        if whole:
            return self.real(base) ** int(exponent) if base or exponent > 0 else self.context.nan
        return self.real(base) ** self.real(exponent)

    def call(self, name: str, argument: Value) -> Value:
        """A function of mpmath by its name; exp(0) and log(1) stay exact."""
        if isinstance(argument, Fraction):
            if name == "exp" and not argument:
                return Fraction(1)
            if name == "log" and argument == 1:
                return Fraction(0)
        if name == "log" and argument <= 0:
            return self.context.nan
        return getattr(self.context, name)(self.real(argument))

    def _short(self, value: Fraction) -> Value:
        return self.real(value) if value.denominator.bit_length() > LONGEST_FRACTION else value

    def is_finite(self, value: Value) -> bool:
        return isinstance(value, Fraction) or bool(
            isinstance(value, self.context.mpf) and self.context.isfinite(value)
        )


Body: TypeAlias = Callable[[Sequence[Value], Arithmetic], Value]


class NotComputableError(ValueError):
    """A body with a function that has no exact evaluation here; the message names it."""


def compiled(body: sp.Expr, sizes: Mapping[sp.Symbol, int] | None = None) -> Body:
    """The body as a function of the values in its slots; `sizes` are numbers for size symbols."""
    known = {symbol: Fraction(number) for symbol, number in (sizes or {}).items()}
    return _compiled(body, known, None)


def compiled_function(function: type[Opaque]) -> Body:
    """A named scalar function, by its definition in z, as a function of one value."""
    return _compiled_definition(function.definition)


@cache
def _compiled_definition(definition: sp.Expr) -> Body:
    return _compiled(definition, {}, Z)


def _compiled(
    part: sp.Expr, known: Mapping[sp.Symbol, Fraction], variable: sp.Symbol | None
) -> Body:
    def walk(part: sp.Expr) -> Body:
        if part.is_Symbol:
            return symbol(part)
        if part.is_Rational:
            constant = Fraction(int(part.p), int(part.q))
            return lambda x, arithmetic: constant
        if part.is_Float:
            decimal = Fraction(Decimal(str(part)))
            return lambda x, arithmetic: decimal
        if part.is_NumberSymbol:
            name = {"Exp1": "e", "Pi": "pi"}.get(type(part).__name__, "")
            if name:
                return lambda x, arithmetic: +getattr(arithmetic.context, name)
        if part.is_Add:
            return _folded([walk(a) for a in part.args], Arithmetic.add)
        if part.is_Mul:
            return _folded([walk(a) for a in part.args], Arithmetic.multiply)
        if isinstance(part, Opaque):
            function, inner = compiled_function(type(part)), walk(part.args[0])
            return lambda x, arithmetic: function((inner(x, arithmetic),), arithmetic)
        if isinstance(part, sp.Piecewise):
            return cases([(walk(value), condition) for value, condition in part.args])
        if isinstance(part, sp.exp):
            return called("exp", part)
        if part.is_Pow:
            base, exponent = walk(part.base), walk(part.exp)
            return lambda x, ar: ar.power(base(x, ar), exponent(x, ar))
        names = {"Abs": "fabs", "ln": "log"}
        name = part.func.__name__
        if part.is_Function and len(part.args) == 1 and name in _CALLABLE:
            return called(names.get(name, name), part)
        raise NotComputableError(f"no exact evaluation of {part}")

    def symbol(part: sp.Symbol) -> Body:
        if part == variable:
            return lambda x, arithmetic: x[0]
        if part in known:
            size = known[part]
            return lambda x, arithmetic: size
        place = slot_number(part)
        if place is None or slot(place) != part:
            raise NotComputableError(f"no value for {part}")
        return lambda x, arithmetic: x[place]

    def called(name: str, part: sp.Expr) -> Body:
        inner = walk(part.args[0])
        return lambda x, arithmetic: arithmetic.call(name, inner(x, arithmetic))

    def cases(pieces: Sequence[tuple[Body, Any]]) -> Body:
        tests = [(value, holds(condition)) for value, condition in pieces]

        def choose(x: Sequence[Value], arithmetic: Arithmetic) -> Value:
            for value, test in tests:
                if test(x, arithmetic):
                    return value(x, arithmetic)
            return arithmetic.context.nan

        return choose

    def holds(condition: Any) -> Callable[[Sequence[Value], Arithmetic], bool]:
        if condition in (True, False, sp.true, sp.false):
            return lambda x, arithmetic: bool(condition)
        if isinstance(condition, sp.And | sp.Or):
            parts = [holds(entry) for entry in condition.args]
            join = all if isinstance(condition, sp.And) else any
            return lambda x, arithmetic: join(test(x, arithmetic) for test in parts)
        left, right = walk(condition.lhs), walk(condition.rhs)
        compare = _COMPARE[condition.func]
        return lambda x, ar: bool(compare(ar.add(left(x, ar), ar.multiply(Fraction(-1),
                                                                          right(x, ar)))))

    return walk(part)


def _folded(parts: Sequence[Body], operation: Callable[..., Value]) -> Body:
    first, *others = parts

    def fold(x: Sequence[Value], arithmetic: Arithmetic) -> Value:
        total = first(x, arithmetic)
        for part in others:
            total = operation(arithmetic, total, part(x, arithmetic))
        return total

    return fold


_CALLABLE = {"log", "ln", "sin", "cos", "tan", "atan", "asin", "acos", "sinh", "cosh", "tanh",
             "erf", "Abs", "sign"}
_COMPARE: Mapping[Any, Callable[[Value], bool]] = {
    sp.StrictGreaterThan: lambda d: d > 0,
    sp.GreaterThan: lambda d: d >= 0,
    sp.StrictLessThan: lambda d: d < 0,
    sp.LessThan: lambda d: d <= 0,
    sp.Equality: lambda d: d == 0,
    sp.Unequality: lambda d: d != 0,
}
