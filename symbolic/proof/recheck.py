"""A second opinion on a proof: both sides at small sizes, without normal forms.

Inputs are random fractions, and values stay fractions while the equations are rational; from the
first exponential on they are real numbers of 60 digits, whose identities (exp(a + b), the order,
a sum of positive numbers) are those that a proof may use, which independent unknowns, or a finite
field, would not keep.  What differs here is different; nothing of the prover's is used to say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from operator import add, mul
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from mpmath.ctx_mp import MPContext
from numpy.typing import NDArray
from sympy.core.relational import Relational

from ..dependence import needed_part
from ..equation import (
    INDEX_VALUE,
    NAMED,
    Array,
    Equal,
    Equation,
    Guard,
    Read,
    Subscript,
    System,
    Term,
    index_symbol,
    size_symbols,
    slot,
)
from ..functions import Opaque, Z

DIGITS = 60
APART = 1e-30
"""Relative to the largest entry: 30 of the 60 digits may be lost on the way."""
BUDGET = 8000
"""Scalar bodies to evaluate, about: a tenth of a second or two."""
POINTS = 2
_DENOMINATOR = 1024

Objects: TypeAlias = NDArray[Any]
Grid: TypeAlias = dict[sp.Symbol, Any]


class UnsettledError(Exception):
    """No value: outside the domain, beyond the budget, or a function unknown here."""


def second_opinion(left: System, right: System, pairs: Mapping[str, str]) -> dict[str, str]:
    """What speaks against left = right, by left name: where, and by how much.

    A pair that is missing has nothing against it: its values are the same, or have no opinion.
    """
    against: dict[str, str] = {}
    sides = [needed_part(left, pairs), needed_part(right, pairs.values())]
    looked = 0
    for seed in range(2 * POINTS):
        if looked == POINTS:
            break
        try:
            values = _values(sides, seed)
        except UnsettledError:
            continue
        looked += 1
        for first, second in pairs.items():
            gap = _gap(values[0].arrays[first], values[1].arrays[second])
            if gap:
                sizes = ", ".join(f"{s} = {n}" for s, n in values[0].sizes.items())
                against.setdefault(first, f"{gap} at random fractions{sizes and ' with '}{sizes}")
    return against


def _values(sides: Sequence[System], seed: int) -> list[Evaluation]:
    """Both sides at one point, in fractions if that goes."""
    sizes = _sizes(sides, seed)
    if sum(_cost(system, sizes) for system in sides) > BUDGET:
        sizes = dict.fromkeys(sizes, 2)
        if sum(_cost(system, sizes) for system in sides) > BUDGET:
            raise UnsettledError
    inputs = {array.name: array for system in sides for array in system.inputs}
    random = np.random.default_rng((seed, len(sizes)))
    drawn = {name: _draw(array, sizes, random, seed >= POINTS) for name, array in inputs.items()}
    try:
        return [_evaluated(system, drawn, sizes, None) for system in sides]
    except UnsettledError:  # not rational, or a division by zero in a branch not taken
        context = MPContext()
        context.dps = DIGITS
        return [_evaluated(system, drawn, sizes, context) for system in sides]


def _sizes(sides: Sequence[System], seed: int) -> dict[sp.Symbol, int]:
    """Small sizes, different ones for the first symbols."""
    shapes = [shape for system in sides for shape in system.shapes.values()]
    symbols = sorted(size_symbols(shapes), key=str)
    chosen = ((2, 3, 4, 2, 3), (3, 2, 2, 4, 3))[seed % 2]
    return {symbol: chosen[place % len(chosen)] for place, symbol in enumerate(symbols)}


def _cost(system: System, sizes: Mapping[sp.Symbol, int]) -> int:
    total = 0
    for equation in system.equations:
        for term in equation.terms:
            count = 1
            for index in (*equation.out, *term.over):
                count *= _whole(index.size, sizes)
            total += count
    return total


def _draw(array: Array, sizes: Mapping[sp.Symbol, int], random: np.random.Generator,
          positive: bool) -> Objects:
    """Fractions of the declared kind; `positive` where others have no value."""
    shape = tuple(_whole(size, sizes) for size in array.shape)
    if array.is_integer:
        top = 3 if array.classes is None else _whole(array.classes, sizes)
        return random.integers(top, size=shape)
    if array.kind == "mask":
        return _fractions(random.integers(2, size=shape), 1)
    if array.kind == "one_hot":
        return _fractions(np.eye(shape[-1], dtype=int)[random.integers(shape[-1], size=shape[:-1])],
                          1)
    if array.kind == "probability":
        whole = random.integers(1, _DENOMINATOR, size=shape)
        total = np.broadcast_to(whole.sum(axis=-1, keepdims=True), shape)
        return np.asarray(np.frompyfunc(Fraction, 2, 1)(whole.astype(object),
                                                        total.astype(object)), dtype=object)
    if array.kind == "orthogonal":
        return _rotation(shape[0], random)
    whole = random.integers(1, 2 * _DENOMINATOR, size=shape)
    if array.kind != "positive" and not positive:
        signs = random.permutation(np.resize((-1, 1), whole.size))  # both, where there are two
        whole = whole * signs.reshape(shape)
    if array.kind == "symmetric":
        whole = np.triu(whole) + np.triu(whole, 1).T
    return _fractions(whole, _DENOMINATOR)


def _rotation(size: int, random: np.random.Generator) -> Objects:
    """An orthogonal matrix of fractions: the product of two reflections I - 2 v vᵀ / vᵀ v."""
    unit = _fractions(np.eye(size, dtype=int), 1)
    made = unit
    for _ in range(2):
        along = _fractions(random.integers(1, _DENOMINATOR, size=size), 1)
        made = made @ (unit - np.multiply.outer(along, along) * (2 / (along @ along)))
    return np.asarray(made)


def _fractions(whole: NDArray[Any], denominator: int) -> Objects:
    made = np.empty(whole.shape, dtype=object)
    for place in np.ndindex(*whole.shape):
        made[place] = Fraction(int(whole[place]), denominator)
    return made


def _whole(size: sp.Expr, known: Mapping[sp.Symbol, Any]) -> int:
    value = size.xreplace({symbol: sp.Integer(int(n)) for symbol, n in known.items()})
    if not value.is_Integer:
        raise UnsettledError
    return int(value)


def _gap(first: Objects, second: Objects) -> str:
    """How far two arrays are apart, "" for not at all."""
    first, second = np.squeeze(np.asarray(first)), np.squeeze(np.asarray(second))
    if first.shape != second.shape:
        return f"shapes {first.shape} and {second.shape}"
    differences = [abs(a - b) for a, b in zip(first.flat, second.flat, strict=True)]
    widest = max(differences, default=0)
    if not widest:
        return ""
    exact = isinstance(widest, Fraction | int)
    scale = max(abs(entry) for side in (first, second) for entry in side.flat)
    if not exact and widest <= APART * max(scale, APART):
        return ""
    return f"the two sides differ by {float(widest):.3g}"


# --- evaluation ---------------------------------------------------------------------------------


@dataclass
class Evaluation:
    """Arrays of fractions, or of real numbers of a context, entry by entry."""

    sizes: dict[sp.Symbol, int]
    context: MPContext | None
    arrays: dict[str, Objects] = field(default_factory=dict)

    def number(self, value: Any) -> Any:
        """A fraction or integer in this arithmetic."""
        if self.context is None:
            return value if isinstance(value, Fraction) else Fraction(value)
        if isinstance(value, Fraction):
            return self.context.mpf(value.numerator) / value.denominator
        return self.context.mpf(int(value))

    def real(self) -> MPContext:
        if self.context is None:
            raise UnsettledError
        return self.context

    def define(self, equation: Equation, at: Grid) -> None:
        axes = [index for index in equation.out if index.symbol not in at]
        shape = tuple(_whole(index.size, {**self.sizes, **at}) for index in axes)
        total: Any = np.full(shape, self.number(0), dtype=object)
        for term in equation.terms:
            part, places = self._term(equation, term, shape, axes, at)
            total = total + part
            for name, place in zip(equation.argmax, places, strict=False):
                self._store(name, equation, at, place.reshape(shape))
        value = np.empty(shape, dtype=object)
        value[...] = total
        self._store(equation.name, equation, at, value)

    def _store(self, name: str, equation: Equation, at: Grid, value: NDArray[Any]) -> None:
        if not at:
            self.arrays[name] = value
            return
        where = tuple(at[i.symbol] if i.symbol in at else slice(None) for i in equation.out)
        if name not in self.arrays:
            whole = tuple(_whole(index.size, self.sizes) for index in equation.out)
            self.arrays[name] = np.full(whole, self.number(0), dtype=object)
        self.arrays[name][where] = value

    def _term(
        self, equation: Equation, term: Term, shape: tuple[int, ...], axes: Sequence[Any], at: Grid
    ) -> tuple[Any, Sequence[NDArray[Any]]]:
        over = tuple(_whole(index.size, {**self.sizes, **at}) for index in term.over)
        grid, wide = dict(at), (*shape, *over)
        for axis, index in enumerate((*axes, *term.over)):
            lengths = [1] * len(wide)
            lengths[axis] = wide[axis]
            grid[index.symbol] = np.arange(wide[axis]).reshape(lengths)
        reads = {slot(k): self._read(read, grid) for k, read in enumerate(term.reads)}
        body = np.empty(wide, dtype=object)
        body[...] = Scalars(self, reads).value(term.body)
        mask = np.ones(wide, dtype=bool)
        for guard in term.guards:
            mask = mask & self._holds(guard, grid)
        reduced = tuple(range(len(shape), len(wide)))
        if equation.reduction in NAMED:
            return self._named(equation.reduction, np.where(mask, body, self.number(0))), ()
        if equation.reduction == "sum":
            return np.where(mask, body, self.number(0)).sum(axis=reduced), ()
        if equation.reduction == "logsumexp":
            powers = Scalars(self, {}).unary("exp", body)
            summed = np.where(mask, powers, self.number(0)).sum(axis=reduced)
            return Scalars(self, {}).unary("log", summed), ()
        flat = np.where(mask, body, float("-inf")).reshape(*shape, -1)
        best = np.argmax(flat, axis=-1)
        top = np.take_along_axis(flat, np.expand_dims(best, -1), -1)[..., 0]
        return top, [np.asarray(p) for p in np.unravel_index(best, over)]

    def _named(self, name: str, matrices: Objects) -> Objects:
        context = self.real()
        outer = matrices.shape[:-2]
        found = np.empty(matrices.shape if name == "inv" else outer, dtype=object)
        for place in np.ndindex(*outer):
            matrix = context.matrix(matrices[place].tolist())
            if name == "inv":
                found[place] = np.array((matrix**-1).tolist(), dtype=object)
            else:
                value = context.det(matrix)
                found[place] = value if name == "det" else context.log(abs(value))
        return found

    def _read(self, read: Read, grid: Grid) -> Any:
        if read.array == INDEX_VALUE:
            return np.asarray(self._subscript(read.at[0], grid)).astype(object)
        array = self.arrays[read.array]
        # A place outside the array is only reached where a guard is false, so any entry will do.
        return array[tuple(np.clip(self._subscript(entry, grid), 0, size - 1)
                           for entry, size in zip(read.at, array.shape, strict=True))]

    def _subscript(self, subscript: Subscript, grid: Grid) -> Any:
        if isinstance(subscript, Read):
            return np.asarray(self._read(subscript, grid)).astype(np.int64)
        return self._affine(subscript, grid)

    def _affine(self, e: sp.Expr, grid: Grid) -> Any:
        if e.is_Symbol:
            return grid[e] if e in grid else self.sizes[e]
        if e.is_Integer:
            return int(e)
        if e.is_Add or e.is_Mul:
            return reduce(add if e.is_Add else mul, (self._affine(a, grid) for a in e.args))
        raise UnsettledError

    def _holds(self, guard: Guard, grid: Grid) -> Any:
        if isinstance(guard, Equal):
            return self._subscript(guard.left, grid) == self._subscript(guard.right, grid)
        low, value, high = (self._affine(e, grid) for e in (guard.low, guard.value, guard.high))
        return (low <= value) & (value < high)


def _evaluated(system: System, drawn: Mapping[str, Objects], sizes: dict[sp.Symbol, int],
               context: MPContext | None) -> Evaluation:
    found = Evaluation(sizes, context)
    for array in system.inputs:
        values = drawn[array.name]
        if values.dtype == object:
            values = np.asarray(np.frompyfunc(found.number, 1, 1)(values), dtype=object)
        found.arrays[array.name] = values
    try:
        for item in system.items:
            if isinstance(item, Equation):
                found.define(item, {})
                continue
            loop = next(index for index in item.equations[0].out if index.name == item.loop)
            steps = range(_whole(loop.size, sizes))
            for step in steps if item.direction == 1 else reversed(steps):
                for equation in item.equations:
                    found.define(equation, {index_symbol(item.loop): step})
    except (ZeroDivisionError, OverflowError, ValueError, TypeError, KeyError) as error:
        raise UnsettledError from error
    if context is not None and not all(
        context.isfinite(entry) for equation in system.equations
        for entry in found.arrays[equation.name].flat
    ):
        raise UnsettledError
    return found


class Scalars:
    """Scalar expressions on arrays of numbers."""

    def __init__(self, at: Evaluation, values: Mapping[sp.Expr, Any]) -> None:
        self.at = at
        self.known: dict[sp.Expr, Any] = dict(values)

    def value(self, e: sp.Expr) -> Any:
        if e not in self.known:
            self.known[e] = self._value(e)
        return self.known[e]

    def _value(self, e: sp.Expr) -> Any:
        number = self.at.number
        if e.is_Rational:
            return number(Fraction(int(e.p), int(e.q)))
        if e.is_Float:
            return number(Fraction(str(e)))
        if e.is_Symbol:
            return number(self.at.sizes[e])
        if e.is_Add or e.is_Mul:
            return reduce(add if e.is_Add else mul, map(self.value, e.args))
        if e is sp.E or e is sp.pi:
            return +(self.at.real().e if e is sp.E else self.at.real().pi)
        if e.is_Pow:
            return self._power(e)
        if isinstance(e, Opaque):
            inner = Scalars(self.at, {Z: self.value(e.args[0])})
            return inner.value(type(e).definition)
        if isinstance(e, sp.Piecewise):
            result: Any = self.at.context.nan if self.at.context else None
            for branch, condition in reversed(e.args):
                result = np.where(self._condition(condition), self.value(branch), result)
            return result
        if isinstance(e, sp.Max | sp.Min):
            choose = max if isinstance(e, sp.Max) else min
            return reduce(np.frompyfunc(choose, 2, 1), map(self.value, e.args))
        if isinstance(e, sp.Abs):
            return abs(self.value(e.args[0]))
        if isinstance(e, sp.sign):
            return self._each(lambda x: number((x > 0) - (x < 0)), self.value(e.args[0]))
        if isinstance(e, sp.Heaviside):
            middle = self.value(e.args[1])
            return self._each(lambda x: middle if x == 0 else number(int(x > 0)),
                              self.value(e.args[0]))
        if e.is_Function and len(e.args) == 1 and e.func.__name__ in _KNOWN:
            return self.unary(e.func.__name__, self.value(e.args[0]))
        raise UnsettledError

    def _power(self, e: sp.Expr) -> Any:
        base = self.value(e.base)
        if e.exp.is_Integer:
            return self._each(lambda x: self._whole_power(x, int(e.exp)), base)
        context, exponent = self.at.real(), self.value(e.exp)
        return np.frompyfunc(
            lambda x, y: x**y if x > 0 else context.nan, 2, 1)(base, exponent)

    def _whole_power(self, x: Any, exponent: int) -> Any:
        if exponent < 0 and x == 0 and self.at.context is not None:
            return self.at.context.nan
        return x**exponent

    def unary(self, name: str, value: Any) -> Any:
        context = self.at.real()
        function = getattr(context, name)
        if name == "log":
            return self._each(lambda x: function(x) if x > 0 else context.nan, value)
        return self._each(function, value)

    @staticmethod
    def _each(function: Callable[[Any], Any], value: Any) -> Any:
        return np.frompyfunc(function, 1, 1)(value)

    def _condition(self, condition: sp.Basic) -> Any:
        if condition in (sp.true, sp.false):
            return bool(condition)
        if isinstance(condition, sp.Not):
            return np.logical_not(self._condition(condition.args[0]))
        if isinstance(condition, sp.And | sp.Or):
            join = np.logical_and if isinstance(condition, sp.And) else np.logical_or
            return reduce(join, map(self._condition, condition.args))
        if not isinstance(condition, Relational):
            raise UnsettledError
        compare = _COMPARED[type(condition)]
        return np.asarray(compare(self.value(condition.lhs), self.value(condition.rhs)), dtype=bool)


_KNOWN = frozenset({"exp", "log", "sin", "cos", "tan", "atan", "asin", "acos", "sinh", "cosh",
                    "tanh", "coth", "sech", "csch", "asinh", "erf", "erfc"})
_COMPARED: Mapping[Any, Callable[[Any, Any], Any]] = {
    sp.Gt: np.greater, sp.Ge: np.greater_equal, sp.Lt: np.less, sp.Le: np.less_equal,
    sp.Eq: np.equal, sp.Ne: np.not_equal,
}
