"""Scalar expressions on arrays of exact numbers, entry by entry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any, Generic

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from ..evaluator import Entries, NotComputableError
from ..functions import Opaque, Z
from ..special import values_of
from .numbers import FUNCTIONS, Arithmetic, Value, Values

_SIGNS: Mapping[Any, frozenset[int]] = {
    sp.Gt: frozenset({1}), sp.Ge: frozenset({0, 1}), sp.Lt: frozenset({-1}),
    sp.Le: frozenset({-1, 0}), sp.Eq: frozenset({0}), sp.Ne: frozenset({-1, 1}),
}
"""The signs of left - right with which a comparison holds."""


def value_of(body: sp.Expr, arithmetic: Arithmetic, known: Mapping[sp.Symbol, Values]) -> Values:
    """The value of `body` where its symbols have the values `known`.

    Arrays are broadcast.  Raises NotComputableError for a function or symbol that is not known.
    """
    return Scalars(arithmetic, known).value(body)


class Bodies(ABC, Generic[Entries]):
    """The values of expressions in `known`, in some arithmetic; each subexpression is evaluated
    once."""

    def __init__(self, known: Mapping[sp.Symbol, Entries]) -> None:
        self.known: dict[sp.Basic, Entries] = dict(known)

    def value(self, e: sp.Expr) -> Entries:
        """The value of an expression.  Raises NotComputableError."""
        if e not in self.known:
            self.known[e] = self._value(e)
        return self.known[e]

    @abstractmethod
    def _value(self, e: sp.Expr) -> Entries: ...

    @abstractmethod
    def compared(self, left: sp.Expr, right: sp.Expr, signs: frozenset[int]) -> Any:
        """Where the sign of left - right is one of these."""

    def holds(self, condition: sp.Basic) -> Any:
        """Where a condition holds."""
        if condition in (sp.true, sp.false):
            return bool(condition)
        if isinstance(condition, sp.Not):
            return np.logical_not(self.holds(condition.args[0]))
        if isinstance(condition, sp.And | sp.Or):
            join = np.logical_and if isinstance(condition, sp.And) else np.logical_or
            return reduce(join, map(self.holds, condition.args))
        if not isinstance(condition, Relational):
            raise NotComputableError(f"no exact evaluation of {condition}")
        return self.compared(condition.lhs, condition.rhs, _SIGNS[type(condition)])


class Scalars(Bodies[Values]):
    """Values that are exact numbers, or arrays of them."""

    def __init__(self, arithmetic: Arithmetic, known: Mapping[sp.Symbol, Values]) -> None:
        super().__init__(known)
        self.arithmetic = arithmetic

    def _value(self, e: sp.Expr) -> Values:
        arithmetic = self.arithmetic
        if e.is_Rational:
            return Fraction(int(e.p), int(e.q))
        if e.is_Float:
            return Fraction(Decimal(str(e)))
        if e.is_NumberSymbol:
            return arithmetic.constant(type(e).__name__)
        if e.is_Add or e.is_Mul:
            operation = arithmetic.add if e.is_Add else arithmetic.multiply
            return reduce(_each(operation, 2), map(self.value, e.args))
        if isinstance(e, Opaque):
            inside = {Z: self.value(e.args[0])}
            return value_of(type(e).definition, arithmetic, inside)
        if isinstance(e, sp.Piecewise):
            return self._cases(e)
        if isinstance(e, sp.Max | sp.Min):
            return reduce(_each(self._larger if isinstance(e, sp.Max) else self._smaller, 2),
                          map(self.value, e.args))
        if e.is_Pow:
            return _each(arithmetic.power, 2)(self.value(e.base), self.value(e.exp))
        if e.is_Function:
            return self._function(e)
        raise NotComputableError(f"no value for {e}" if e.is_Symbol else
                                 f"no exact evaluation of {e}")

    def _function(self, e: sp.Expr) -> Values:
        """Of one argument, or Heaviside with its value at 0."""
        name = e.func.__name__
        arithmetic, argument = self.arithmetic, self.value(e.args[0])
        if name == "Abs":
            return _each(abs, 1)(argument)
        if name in ("sign", "Heaviside"):
            middle = Fraction(0) if name == "sign" else self.value(e.args[1])
            below = Fraction(-1 if name == "sign" else 0)
            steps = {1: Fraction(1), 0: middle, -1: below, None: arithmetic.nan}
            return _each(lambda x: steps[arithmetic.sign(x, Fraction(0))], 1)(argument)
        if (name not in FUNCTIONS and values_of(name) is None) or len(e.args) != 1:
            raise NotComputableError(f"no exact evaluation of {e}")
        return _each(lambda x: arithmetic.call(name, x), 1)(argument)

    def _cases(self, e: sp.Expr) -> Values:
        """Branches that are not taken may have no value."""
        result: Values = self.arithmetic.nan
        for branch, condition in reversed(e.args):
            chosen: Any = np.where(self.holds(condition), self.value(branch), result)
            result = chosen if chosen.ndim else chosen[()]
        return result

    def compared(self, left: sp.Expr, right: sp.Expr, signs: frozenset[int]) -> Any:
        decided = _each(lambda x, y: self.arithmetic.sign(x, y) in signs, 2)
        return np.asarray(decided(self.value(left), self.value(right)), dtype=bool)

    def _larger(self, left: Value, right: Value) -> Value:
        sign = self.arithmetic.sign(left, right)
        return self.arithmetic.nan if sign is None else left if sign >= 0 else right

    def _smaller(self, left: Value, right: Value) -> Value:
        sign = self.arithmetic.sign(left, right)
        return self.arithmetic.nan if sign is None else left if sign <= 0 else right


def _each(operation: Callable[..., Any], arguments: int) -> Callable[..., Values]:
    """An operation on numbers, on arrays of them."""
    on_arrays: Callable[..., Values] = np.frompyfunc(operation, arguments, 1)
    return on_arrays
