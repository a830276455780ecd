"""Sizes while a function is traced: exact numbers with symbols in them.

A comparison that does not hold or fail for all sizes alike is a TraceError, never just False.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import partial
from numbers import Complex
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import sympy as sp

from ..elementwise import NotRealError, power, real_body
from ..rationals import meant
from ..shapes import from_least
from .source import (
    SESSION,
    SizeBranch,
    SizeBranchError,
    TraceAttributeError,
    TraceError,
    asked_by_user,
    fail,
    spelled,
)


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


def _decimal(value: Any) -> sp.Expr:
    """The decimal.  One of fifteen digits or more that is the float of a short fraction, of the
    root of one, or of such a multiple of π, was meant as that (1/3, 2**0.5); what it is taken as is
    noted."""
    found = sp.Rational(str(value))
    if len(str(found.p)) <= 14:
        return found
    short = meant(float(value)) if type(value) in (float, np.float64) else None
    session = SESSION.get(None)
    if session is not None and short is None:
        session.decimals[str(value)] = None
    elif session is not None:
        session.assume(f"the constant {value!s} is taken as {short}")
    return found if short is None else short


Kind: TypeAlias = Literal["int", "float"] | None
"""What Python takes a number as; None where it may be a NumPy scalar."""


def _kind_of(value: Any) -> Kind:
    if isinstance(value, Number):
        return value.kind
    if isinstance(value, np.generic):
        return None
    return "int" if isinstance(value, int) else "float" if isinstance(value, float) else None


class Number:
    """An expression in sizes: `m`, `m*n`, `1/m`, `sqrt(m)`; or an exact constant: 3, pi.

    What Python does with a number and a formula cannot (to hash it, to spell it, to ask for its
    type or its bits) is exact where it holds for all sizes alike, and else fails.
    """

    __slots__ = ("expression", "kind")
    stood_for: ClassVar[dict[Kind, type]] = {"int": int, "float": float}
    """What user code takes as the type of a number of each kind."""

    def __init__(self, expression: sp.Expr, kind: Kind = None) -> None:
        self.expression = expression
        self.kind = kind

    @property  # type: ignore[misc]  # as mocks and proxies do, so that isinstance(n, int) holds
    def __class__(self) -> type:
        return self.stood_for.get(self.kind, Number)

    def __repr__(self) -> str:
        return spelled(self, str(self.expression))

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        constant = bool(spec) and not self.expression.free_symbols
        return spelled(self, format(float(self.expression), spec) if constant
                       else str(self.expression))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(hasattr(x, "__array_function__") and not isinstance(x, np.ndarray) for x in inputs):
            return NotImplemented
        return SESSION.get().ufunc(ufunc, method, inputs, kwargs)

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail(f"the size {self} is made an array by code that is not traced")

    def __reduce_ex__(self, protocol: Any) -> Any:
        fail(f"the size {self} is pickled")

    def __copy__(self) -> Number:
        return self

    def __deepcopy__(self, memo: object) -> Number:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        like = {"int": int, "float": float, None: np.float64}[self.kind]
        known = hasattr(like, name) and asked_by_user()
        fail(f"the size {self} is asked for .{name}, which is not traced",
             TraceError if known else TraceAttributeError)

    # --- arithmetic -----------------------------------------------------------------------------

    def _with(
        self, other: Any, body: Callable[[sp.Expr, sp.Expr], sp.Expr], whole: bool = True
    ) -> Any:
        value = exact(other)
        if value is None:
            return NotImplemented
        kinds = (self.kind, _kind_of(other))
        kind: Kind = None
        if None not in kinds:
            kind = "int" if whole and "float" not in kinds else "float"
        return number(body(self.expression, value), kind)

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
        return self._with(other, operator.truediv, whole=False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y / x, whole=False)

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        value = exact(other)
        raised = self._with(other, power, value is not None and bool(value.is_nonnegative))
        return raised if modulo is None or value is None else raised % modulo

    def __rpow__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: power(y, x), bool(self.expression.is_nonnegative))

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, _whole)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: _whole(y, x))

    def __mod__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x - y * _whole(x, y))

    def __rmod__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y - x * _whole(y, x))

    def __divmod__(self, other: Any) -> Any:
        return (self // other, self % other)

    def __rdivmod__(self, other: Any) -> Any:
        return (other // self, other % self)

    def __lshift__(self, other: Any) -> Any:
        return self * 2**other

    def __rlshift__(self, other: Any) -> Any:
        return other * 2**self

    def __rshift__(self, other: Any) -> Any:
        return self // 2**other

    def __rrshift__(self, other: Any) -> Any:
        return other // 2**self

    def __neg__(self) -> Number:
        return Number(-self.expression, self.kind)

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return self if self >= 0 else -self

    def __invert__(self) -> Any:
        return -self - 1

    def _bits(self, other: Any, operation: Callable[[int, int], int]) -> Any:
        value = exact(other)
        if value is None:
            return NotImplemented
        if not self.expression.is_Integer or not value.is_Integer:
            fail(f"the bits of the size {self} are asked for, and differ from size to size")
        return Number(sp.Integer(operation(int(self.expression), int(other))), self.kind)

    def __and__(self, other: Any) -> Any:
        return self._bits(other, operator.and_)

    def __or__(self, other: Any) -> Any:
        return self._bits(other, operator.or_)

    def __xor__(self, other: Any) -> Any:
        return self._bits(other, operator.xor)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    # --- rounding -------------------------------------------------------------------------------

    def _rounded(self, way: Callable[[Any], int], digits: int = 0) -> Any:
        """A whole number as it is, a constant rounded; others differ from size to size."""
        if self.expression.is_integer and digits >= 0:
            return Number(self.expression, "int")
        if not self.expression.is_Rational:
            fail(f"{self} is rounded, which differs from size to size")
        return way(Fraction(int(self.expression.p), int(self.expression.q)))

    def __round__(self, digits: Any = None) -> Any:
        if digits is None:
            return self._rounded(round)
        if self.kind == "int" and int(digits) >= 0:
            return self
        fail(f"{self} is rounded to {digits} digits")

    def __floor__(self) -> Any:
        return self._rounded(math.floor)

    def __ceil__(self) -> Any:
        return self._rounded(math.ceil)

    def __trunc__(self) -> Any:
        return self._rounded(math.trunc)

    def is_integer(self) -> bool:
        """As `float.is_integer`: whether it is whole, for all sizes or for none."""
        if self.expression.is_integer is None:
            fail(f"whether {self} is whole differs from size to size")
        return bool(self.expression.is_integer)

    # --- comparison -----------------------------------------------------------------------------

    def _decide(self, other: Any, question: str, wanted: str) -> Any:
        value = exact(other)
        if value is None:
            if isinstance(other, (Complex, Decimal, sp.Basic)):
                fail(f"the size {self} is compared with a {type(other).__name__}")
            return NotImplemented
        session, difference = SESSION.get(None), sp.expand(self.expression - value)
        if session is not None and session.stated:
            difference = from_least(difference, session.stated)
        answer = getattr(difference, wanted)
        if answer is None:
            fail(f"cannot decide {self} {question} {value}, which holds for some sizes only; give "
                 "the sizes as numbers in the shapes, or take the branch out",
                 partial(SizeBranchError, branch=SizeBranch.of(sp.expand(self.expression - value))))
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
        if not self.expression.is_Integer:
            fail(f"the size {self} is looked up in a dict or a set, and what is found there "
                 "differs from size to size; give that size as a number in the shapes")
        return hash(int(self.expression))

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

    def __complex__(self) -> complex:
        return complex(float(self))

    real = property(lambda self: self)
    imag = property(lambda self: Number(sp.S.Zero, self.kind))
    numerator = property(lambda self: self._fraction(self))
    denominator = property(lambda self: self._fraction(1))

    def _fraction(self, found: Any) -> Any:
        if self.kind != "int":
            fail(f"{self} is taken apart as a fraction")
        return found

    def conjugate(self) -> Number:
        return self

    @property
    def is_whole(self) -> bool:
        return bool(self.expression.is_integer)


def number(expression: sp.Expr, kind: Kind = None) -> Number:
    """An expression that is a real number for all sizes; else a TraceError."""
    try:
        return Number(real_body(sp.sympify(expression)), kind)
    except NotRealError as error:
        fail(f"the number {error}")


def size_of(size: sp.Expr) -> Number:
    """A size of an array, which is an int."""
    return Number(size, "int")


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

    def __repr__(self) -> str:
        return spelled(self, f"range({self.size})")

    def __iter__(self) -> Iterator[int]:
        fail(f"cannot loop over the symbolic size {self.size}; write the loop as an array "
             f"operation, or give {self.size} as a number in the shapes")

    def __getitem__(self, key: Any) -> SizeRange:
        whole = key[-1:] == (slice(None),) and all(entry is None for entry in key[:-1]) if (
            isinstance(key, tuple)) else key == slice(None)
        if not whole:
            fail(f"a part of an arange of the symbolic size {self.size}")
        return self

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail(f"an arange of the symbolic size {self.size} can only be used as a subscript")

    def __len__(self) -> int:
        fail(f"the length {self.size} is symbolic here, and a number is needed")
