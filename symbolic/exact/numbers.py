"""Arithmetic on numbers that are fractions for as long as they can be.

A value is a Fraction while only +, -, x, / and whole powers have touched it, so that 0.3825 is
exactly that; the first exponential makes it a binary number of `digits` decimal digits, in a
context of its own (mpmath's global precision is left alone).  Where there is no value it is nan, or
an infinity for log 0.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any, TypeAlias

from mpmath.ctx_mp import MPContext

from ..evaluator import NotComputableError
from ..limits import LimitError
from ..limits import number as written
from ..special import values_of

Value: TypeAlias = Any
"""A Fraction, or an mpf of the arithmetic that made it."""
Values: TypeAlias = Any
"""An array of Value, dtype object; or one Value, which stands for all entries."""

LONGEST_FRACTION = 2000
"""Bits of a denominator beyond which a fraction is rounded to the working precision."""
FUNCTIONS = frozenset({
    "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
    "acosh", "atanh", "coth", "sech", "csch", "erf", "erfc",
})
"""Functions of one number that are known, under SymPy's name and mpmath's."""


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
            return written(number)
        if isinstance(number, int | Decimal | str):
            return Fraction(number) if "/" in str(number)[:200] else written(number)
        if isinstance(number, Rational):
            return Fraction(number)
    except LimitError:
        raise
    except (ValueError, OverflowError, ZeroDivisionError):
        pass
    raise ValueError(f"expected a finite number, got {number!r}")


class Arithmetic:
    """Operations on values at a working precision of `digits` decimal digits."""

    def __init__(self, digits: int) -> None:
        self.context = MPContext()
        self.context.dps = digits
        self.digits = digits
        self.nan: Any = self.context.nan

    def real(self, value: Value) -> Any:
        """The value as an mpf of this arithmetic."""
        if isinstance(value, Fraction):
            return self.context.mpf(value.numerator) / value.denominator
        return value

    def add(self, left: Value, right: Value) -> Value:
        if isinstance(left, Fraction):
            if isinstance(right, Fraction):
                return self._short(left + right)
            return self.real(left) + right if left else right
        if isinstance(right, Fraction):
            return left + self.real(right) if right else left
        return left + right

    def multiply(self, left: Value, right: Value) -> Value:
        """0 log 0 is 0, its limit; 0 times what has no value has none."""
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return self._short(left * right)
        if (isinstance(left, Fraction) and not left) or (isinstance(right, Fraction) and not right):
            other = right if isinstance(left, Fraction) else left
            return self.nan if self.context.isnan(other) else Fraction(0)
        return self.real(left) * self.real(right)

    def power(self, base: Value, exponent: Value) -> Value:
        """Of a positive base, and of any other with a whole exponent; else nan."""
        whole = isinstance(exponent, Fraction) and exponent.denominator == 1
        if not base:
            return base if exponent > 0 else Fraction(1) if exponent == 0 else self.nan
        if whole and isinstance(base, Fraction):
            return self._short(base ** int(exponent))
        if whole:
            return base ** int(exponent)
        return self.real(base) ** self.real(exponent) if base > 0 else self.nan

    def call(self, name: str, argument: Value) -> Value:
        """One of FUNCTIONS; exp(0) and log(1) stay exact, and outside the domain it is nan."""
        if isinstance(argument, Fraction):
            if name == "exp" and not argument:
                return Fraction(1)
            if name == "log" and argument == 1:
                return Fraction(0)
        if name == "log" and argument <= 0:
            return self.nan if argument else self.context.ninf
        try:
            special = values_of(name)
            found = getattr(self.context, name)(self.real(argument)) if special is None else (
                special.precisely(self.context, self.real(argument)))
        except (OverflowError, ZeroDivisionError, ValueError):
            return self.nan
        return found if isinstance(found, self.context.mpf) else self.nan  # a complex number

    def constant(self, name: str) -> Value:
        """Exp1 or Pi, by SymPy's name."""
        known = {"Exp1": "e", "Pi": "pi"}
        if name not in known:
            raise NotComputableError(f"no exact evaluation of {name}")
        return +getattr(self.context, known[name])

    def sign(self, left: Value, right: Value) -> int | None:
        """Of left - right; None where that has no value."""
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return (left > right) - (left < right)
        left, right = self.real(left), self.real(right)
        if self.context.isnan(left) or self.context.isnan(right):
            return None
        return int(left > right) - int(left < right)

    def is_finite(self, value: Value) -> bool:
        return isinstance(value, Fraction) or bool(self.context.isfinite(value))

    def _short(self, value: Fraction) -> Value:
        return self.real(value) if value.denominator.bit_length() > LONGEST_FRACTION else value
