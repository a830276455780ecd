"""Scalar bodies of terms, on values that are residues.

    Body(sizes, {x: values}).value(x**2 - 1)   ->   the values of x² - 1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..evaluator import NotComputableError
from ..exact.scalars import Bodies
from ..functions import Opaque, Z
from ..special import values_of
from .residues import CHAIN, ONE, Value


class Body(Bodies[Value]):
    """Scalar expressions on values."""

    def __init__(self, sizes: Mapping[sp.Symbol, int], values: Mapping[sp.Expr, Value]) -> None:
        super().__init__(values)
        self.sizes = sizes

    def _value(self, e: sp.Expr) -> Value:
        if e.is_Float:
            e = sp.Rational(str(e))
        if e.is_Rational:
            return Value.of_fraction(int(e.p), int(e.q))
        if e.is_Symbol:
            return Value.of_integers(self.sizes[e])
        if e.is_Add:
            return reduce(Value.__add__, map(self.value, e.args))
        if e.is_Mul:
            return self._product(e)
        if e is sp.E or isinstance(e, sp.exp):
            return (self.value(e.args[0]) if e.args else ONE).exponential()
        if e.is_Pow and e.exp.is_Integer:
            return self.value(e.base).to_the(int(e.exp))
        if isinstance(e, Opaque):
            return Body(self.sizes, {Z: self.value(e.args[0])}).value(type(e).definition)
        if isinstance(e, sp.log):
            return self.value(e.args[0]).logarithm()
        if isinstance(e, sp.Piecewise):
            return self._pieces(e)
        return self._function(e)

    def _product(self, e: sp.Expr) -> Value:
        number, rest = e.as_coeff_Mul()
        if number.is_Integer and number != 1:
            return self.value(rest).times_whole(int(number))
        return reduce(Value.__mul__, map(self.value, e.args))

    def _pieces(self, e: sp.Expr) -> Value:
        result: Value | None = None
        for branch, condition in reversed(e.args):
            value = self.value(branch)
            result = value if result is None else value.where(self.holds(condition), result)
        assert result is not None
        return result

    def _function(self, e: sp.Expr) -> Value:
        if isinstance(e, sp.Max | sp.Min):
            way = 1 if isinstance(e, sp.Max) else -1
            return reduce(lambda x, y: x.where((x + y.times_whole(-1)).sign() * way >= 0, y),
                          map(self.value, e.args))
        if isinstance(e, sp.Abs | sp.sign):
            inside = self.value(e.args[0]).plain()
            signs = Value.of_integers(inside.sign())
            return inside * signs if isinstance(e, sp.Abs) else signs
        if isinstance(e, sp.Heaviside):
            side = self.value(e.args[0]).sign()
            return Value.of_integers(side > 0).where(side != 0, self.value(e.args[1]))
        if isinstance(e, sp.tanh | sp.sinh | sp.cosh | sp.coth | sp.sech | sp.csch):
            return self.value(e.rewrite(sp.exp))
        if isinstance(e, sp.sin | sp.cos | sp.tan):
            return _circular(e.func, self.value(e.args[0]).plain())
        if e.is_Function and len(e.args) == 1:
            return _oracle(e.func.__name__, self.value(e.args[0]).plain())
        raise NotComputableError(f"the value of {e}")

    def compared(self, left: sp.Expr, right: sp.Expr, signs: frozenset[int]) -> Any:
        return np.isin((self.value(left) + self.value(right).times_whole(-1)).sign(), [*signs])


def _oracle(name: str, value: Value) -> Value:
    """A function of which nothing is known but that equal arguments have equal values."""
    special = values_of(name)
    known = getattr(math, name, None) if special is None else special.of_float
    if known is None:
        raise NotComputableError(f"the function {name}")
    real = np.frompyfunc(lambda x: _real(known, x), 1, 1)
    return Value(np.asarray(real(value.shown), dtype=float),
                 {k: _scrambled(name, r, CHAIN[k]) for k, r in value.residues.items()})


def _circular(function: Any, value: Value) -> Value:
    """Sine, cosine or tangent by the tangent of the half, which is odd and else unknown."""
    half = Value(np.tan(value.shown / 2), {
        k: (_scrambled("half", r, CHAIN[k]) - _scrambled("half", -r % CHAIN[k], CHAIN[k]))
        % CHAIN[k] for k, r in value.residues.items()})
    square = half * half
    below = ONE + square
    if function is sp.sin:
        return half.times_whole(2) * below.to_the(-1)
    above = ONE + square.times_whole(-1)
    if function is sp.cos:
        return above * below.to_the(-1)
    return half.times_whole(2) * above.to_the(-1)


def _real(function: Callable[[float], float], x: float) -> float:
    try:
        return function(x)
    except (ValueError, OverflowError):
        return math.nan


@cache
def _seed(name: str) -> int:
    return int(sum(ord(letter) * 257**place for place, letter in enumerate(name)) % 2**31)


def _scrambled(name: str, residue: NDArray[Any], prime: int) -> NDArray[Any]:
    """A fixed function without structure (the finaliser of SplitMix64, Steele et al. 2014)."""
    word = residue.astype(np.uint64) + np.uint64(_seed(name) * 2654435761 % 2**63)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((word ^ (word >> np.uint64(31))) % np.uint64(prime)).astype(np.int64)
