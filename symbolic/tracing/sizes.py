"""Sizes while a function is traced: exact numbers with symbols in them.

A comparison that does not hold or fail for all sizes alike is a TraceError, never just False.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from ..elementwise import NotRealError, power, real_body
from .source import SESSION, fail

Exact: TypeAlias = Callable[[float], sp.Expr]


def exact(value: Any) -> sp.Expr | None:
    """A Python or NumPy number, or a Number, as an exact expression; None for anything else.

    A float is the decimal that it prints as.
    """
    if isinstance(value, Number):
        return value.expression
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return sp.Integer(int(value))
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            fail(f"{value} is no real number; exact equations cannot hold it")
        return _decimal(value)
    return None


def _decimal(value: Any) -> sp.Rational:
    """The decimal; one of fifteen digits or more is noted, as 1/3 may have been meant."""
    found = sp.Rational(str(value))
    session = SESSION.get(None)
    if session is not None and len(str(found.p)) > 14:
        session.assume(f"the constant {value!s} is taken as exactly that decimal")
    return found


class Number:
    """An expression in sizes: `m`, `m*n`, `1/m`, `sqrt(m)`; or an exact constant: 3, pi."""

    __slots__ = ("expression",)

    def __init__(self, expression: sp.Expr) -> None:
        self.expression = expression

    def __repr__(self) -> str:
        return str(self.expression)

    def __format__(self, spec: str) -> str:
        return format(float(self) if spec and not self.expression.free_symbols else str(self))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(hasattr(x, "__array_function__") and not isinstance(x, np.ndarray) for x in inputs):
            return NotImplemented
        return SESSION.get().ufunc(ufunc, method, inputs, kwargs)

    # --- arithmetic -----------------------------------------------------------------------------

    def _with(self, other: Any, body: Callable[[sp.Expr, sp.Expr], sp.Expr]) -> Any:
        value = exact(other)
        if value is None:
            return NotImplemented
        return number(body(self.expression, value))

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y - x)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y / x)

    def __pow__(self, other: Any) -> Any:
        return self._with(other, power)

    def __rpow__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: power(y, x))

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, _whole)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: _whole(y, x))

    def __mod__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x - y * _whole(x, y))

    def __rmod__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y - x * _whole(y, x))

    def __neg__(self) -> Number:
        return Number(-self.expression)

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return self if self >= 0 else -self

    # --- comparison -----------------------------------------------------------------------------

    def _decide(self, other: Any, question: str, wanted: str) -> Any:
        value = exact(other)
        if value is None:
            return NotImplemented
        answer = getattr(sp.expand(self.expression - value), wanted)
        if answer is None:
            fail(f"cannot decide {self} {question} {value}, which holds for some sizes only; give "
                 "the sizes as numbers in the shapes, or take the branch out")
        return bool(answer)

    def __eq__(self, other: object) -> Any:
        return self._decide(other, "==", "is_zero")

    def __ne__(self, other: object) -> Any:
        return self._decide(other, "!=", "is_nonzero")

    def __lt__(self, other: Any) -> Any:
        return self._decide(other, "<", "is_negative")

    def __le__(self, other: Any) -> Any:
        return self._decide(other, "<=", "is_nonpositive")

    def __gt__(self, other: Any) -> Any:
        return self._decide(other, ">", "is_positive")

    def __ge__(self, other: Any) -> Any:
        return self._decide(other, ">=", "is_nonnegative")

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __hash__(self) -> int:
        whole = self.expression.is_Integer
        return hash(int(self.expression)) if whole else hash(self.expression)

    # --- conversion -----------------------------------------------------------------------------

    def __index__(self) -> int:
        if not self.expression.is_Integer:
            fail(f"the size {self} is symbolic here, and a number is needed; give that size as a "
                 "number in the shapes")
        return int(self.expression)

    __int__ = __index__

    def __float__(self) -> float:
        if self.expression.free_symbols:
            fail(f"the size {self} is symbolic here, and a float is needed")
        return float(self.expression)

    @property
    def is_whole(self) -> bool:
        return bool(self.expression.is_integer)


def number(expression: sp.Expr) -> Number:
    """An expression that is a real number for all sizes; else a TraceError."""
    try:
        return Number(real_body(sp.sympify(expression)))
    except NotRealError as error:
        fail(f"the number {error}")


def _whole(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    quotient = left / right
    if quotient.is_integer:
        return quotient
    if left.is_Rational and right.is_Rational:
        return sp.floor(quotient)
    fail(f"cannot divide the size {left} by {right} without a remainder for all sizes")


class SizeRange:
    """``range(m)`` or ``np.arange(m)`` of a symbolic size: a subscript, not a loop."""

    def __init__(self, size: sp.Expr) -> None:
        self.size = size

    def __iter__(self) -> Iterator[int]:
        fail(f"cannot loop over the symbolic size {self.size}; write the loop as an array "
             f"operation, or give {self.size} as a number in the shapes")

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail(f"an arange of the symbolic size {self.size} can only be used as a subscript")

    def __len__(self) -> int:
        fail(f"the length {self.size} is symbolic here, and a number is needed")
