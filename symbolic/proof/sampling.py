"""Random values for the inputs of systems, and what they say about pairs of arrays.

    left = 6, 8; right = 2, 2; m = 3, 4   ->   left = m · right

Numbers find candidates and refute; they never prove.  The evaluator is handed in, so this room
stays without one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import permutations, product
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..dependence import solved_for
from ..equation import Array, Size, System, size_symbol, size_symbols

Values: TypeAlias = Mapping[str, Any]
Evaluate: TypeAlias = Callable[[System, Values, Mapping[str, int]], Values]
"""All arrays of a system from values for its inputs and its sizes."""

Changed: TypeAlias = Callable[[Array, Any, np.random.Generator, int], Any]
"""An input, what was drawn for it, and the number of the point -> what to take instead."""

TOLERANCE = 1e-8
"""Relative to the largest entry; two arrays that agree to this are worth a proof."""

NOISE = 1e-11
"""Entries below this part of an array's largest may be zero."""

_SMALL = 1e-8
_NUDGE = 1e-9

SIZES = (2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Sample:
    """One choice of sizes and values, evaluated on both sides."""

    sizes: dict[sp.Symbol, int]
    left: Values
    right: Values


@dataclass(frozen=True)
class Match:
    """left[axes in order] = factor · right[axes permuted by `order`], at every point sampled.

    `order` lists, for each axis of the right array whose size is not 1, the axis of the left.
    """

    factor: sp.Expr
    order: tuple[int, ...]


def sample(
    left: System, right: System, evaluate: Evaluate, points: int = 3, seed: int = 0,
    changed: Changed | None = None,
) -> list[Sample]:
    """Both systems evaluated at random points; points where the evaluator fails are left out.

    `changed` may change what was drawn for an input, at each point.
    """
    inputs = {array.name: array for array in (*right.inputs, *left.inputs)}
    shapes = [array.shape for array in inputs.values()]
    shapes += [*left.shapes.values(), *right.shapes.values()]
    shapes += [(array.classes,) for array in inputs.values() if array.classes is not None]
    symbols = sorted(size_symbols(shapes), key=str)
    found, smaller = [], nearer if solved_for(left) | solved_for(right) else _as_drawn
    for number in range(points):
        random = np.random.default_rng((seed, number))
        sizes = {symbol: int(random.choice(SIZES)) for symbol in symbols}
        if len(symbols) <= len(SIZES):
            chosen = random.permutation(SIZES)  # distinct, so that no two sizes are confused
            sizes = {s: int(chosen[place]) for place, s in enumerate(symbols)}
        sizes = lifted(inputs.values(), sizes)
        named = {str(symbol): value for symbol, value in sizes.items()}
        try:
            values = {name: draw(array, sizes, random) for name, array in inputs.items()}
            values = {name: smaller(inputs[name], value) for name, value in values.items()}
            if changed is not None:
                values = {name: changed(inputs[name], value, random, number)
                          for name, value in values.items()}
            first = evaluate(left, _own(left, values), named)
            second = first if right == left else evaluate(right, _own(right, values), named)
            if _has_small(first, second):
                nudged = {name: _nudged(inputs[name], value, random)
                          for name, value in values.items()}
                first = _quiet(first, evaluate(left, _own(left, nudged), named))
                second = first if right == left else _quiet(
                    second, evaluate(right, _own(right, nudged), named))
        except (ValueError, TypeError, KeyError, IndexError, MemoryError):
            continue
        found.append(Sample(sizes, first, second))
    return found


def nearer(array: Array, drawn: Any) -> Any:
    """What was drawn for an input, small: where something is solved for, near where it has one
    solution, that every search finds."""
    return drawn / 4 if array.kind == "real" else drawn


def _as_drawn(array: Array, drawn: Any) -> Any:
    return drawn


def lifted(arrays: Iterable[Array], sizes: Mapping[sp.Symbol, int]) -> dict[sp.Symbol, int]:
    """The sizes, made larger as far as the arrays need: to the least ones that they state, and so
    that every axis (of n - k entries) has an entry."""
    found, known = dict(sizes), list(arrays)
    for array in known:
        for name, least in array.least:
            symbol = size_symbol(name)
            found[symbol] = max(found.get(symbol, least), least)
    for _ in range(20):
        lengths = ((size, int(size.xreplace({s: sp.Integer(n) for s, n in found.items()})))
                   for array in known for size in array.shape if size.free_symbols <= found.keys())
        size, length = next(((s, n) for s, n in lengths if n < 1), (None, 1))
        if size is None:
            break
        grows = [symbol for symbol in found if size.coeff(symbol).is_positive]
        if not grows:
            break
        found[grows[0]] += 2 - length
    return found


def _has_small(*sides: Values) -> bool:
    """Whether some array, beside the others, may be what rounding left of a zero."""
    tops = [float(np.max(np.abs(value))) for side in sides for value in side.values()
            if np.size(value) and np.asarray(value).dtype.kind == "f"]
    tops = [top for top in tops if np.isfinite(top)]
    return any(0 < top <= _SMALL * max(tops) for top in tops)


def _nudged(array: Array, value: Any, random: np.random.Generator) -> Any:
    """An input changed by a billionth, where its kind is not one of whole numbers."""
    if array.kind in ("integer", "labels", "mask", "one_hot", "sign"):
        return value
    return value * (1 + _NUDGE * random.standard_normal(np.shape(value)))


def _quiet(values: Values, nudged: Values) -> Values:
    """Zeros for the arrays that a nudge of the inputs changes by a good part of themselves: they
    are rounding, at whatever scale."""
    found = dict(values)
    for name, value in values.items():
        if np.asarray(value).dtype.kind == "f" and np.size(value):
            top = float(np.max(np.abs(value)))
            if float(np.max(np.abs(value - nudged[name]))) > 1e-3 * top:
                found[name] = np.zeros_like(value)
    return found


def _own(system: System, values: Values) -> Values:
    return {array.name: values[array.name] for array in system.inputs}


def draw(
    array: Array, sizes: Mapping[sp.Symbol, int], random: np.random.Generator, integers: int = 3
) -> Any:
    """A random array of the declared shape and kind; real entries are normal, of size one.

    integers: how many values an entry has whose number of classes is not declared.
    """
    by = {symbol: sp.Integer(number) for symbol, number in sizes.items()}
    shape = tuple(int(size.xreplace(by)) for size in array.shape)
    match array.kind:
        case "one_hot":
            return one_hot(random, shape, array.along)
        case "probability":
            positive = random.uniform(0.1, 1.0, size=shape)
            return positive / positive.sum(axis=array.along, keepdims=True)
        case "interval":
            return within(array, random.uniform(0.05, 0.95, size=shape))
        case "sign":
            return 2.0 * random.integers(2, size=shape) - 1
        case "positive":
            return random.uniform(0.2, 2.0, size=shape)
        case "mask":
            return random.integers(2, size=shape).astype(float)
        case "symmetric" | "orthogonal" | "invertible":
            return square(array.kind, shape[0], random)
        case "labels" | "integer":
            top = integers if array.classes is None else int(array.classes.xreplace(by))
            return random.integers(top, size=shape)
    return random.standard_normal(shape)


def one_hot(random: np.random.Generator, shape: tuple[int, ...], along: int = -1) -> Any:
    """Zeros with a single 1 along one axis, at random."""
    count = shape[along]
    rest = list(shape)
    rest.pop(along)
    return np.moveaxis(np.eye(count)[random.integers(count, size=rest)], -1, along)


def within(array: Array, share: Any) -> Any:
    """Numbers in an array's interval, from numbers between 0 and 1; beyond a missing end they grow
    without bound as these come near to it."""
    low, high = (None if end is None else float(end) for end in array.bounds)
    if low is not None and high is not None:
        return low + (high - low) * share
    if low is not None:
        return low + share / (1 - share) ** 0.5
    if high is not None:
        return high - (1 - share) / share**0.5
    return np.log(share / (1 - share))


def square(kind: str, size: int, random: np.random.Generator) -> Any:
    """A random matrix of one of the kinds of square ones; an invertible one is far from singular.
    """
    matrix = random.standard_normal((size, size))
    if kind == "symmetric":
        return (matrix + matrix.T) / np.sqrt(2)
    orthogonal = np.linalg.qr(matrix)[0]
    if kind == "orthogonal":
        return orthogonal
    other = np.linalg.qr(random.standard_normal((size, size)))[0]
    return orthogonal * random.uniform(0.5, 2.0, size) @ other


def is_finite(points: list[Sample], side: str, name: str) -> bool:
    return all(bool(np.all(np.isfinite(getattr(point, side)[name]))) for point in points)


def agreement(points: list[Sample], left: str, right: str) -> bool | None:
    """Do the arrays agree at all points (True), differ at one (False), or is it unclear (None)?"""
    if not points:
        return None
    verdict: bool | None = True
    for point in points:
        a, b = np.asarray(point.left[left], float), np.asarray(point.right[right], float)
        if a.size != b.size or np.squeeze(a).shape != np.squeeze(b).shape:
            return False
        if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
            verdict = None
            continue
        gap = _gap(np.squeeze(a), np.squeeze(b))
        if gap > 1e-6:
            return False
        if gap > TOLERANCE:
            verdict = None
    return verdict


def _gap(a: NDArray[Any], b: NDArray[Any]) -> float:
    scale = max(float(np.max(np.abs(a))), float(np.max(np.abs(b))))
    return float(np.max(np.abs(a - b))) / scale if scale > 0 else 0.0


Fingerprint: TypeAlias = NDArray[Any] | None


def fingerprint(points: list[Sample], side: str, name: str) -> Fingerprint:
    """Numbers that scaling and transposing an array leave as they are; None where not finite."""
    found = []
    for point in points:
        entries = np.asarray(getattr(point, side)[name], float).ravel()
        norm = float(np.linalg.norm(entries))
        if not np.isfinite(norm):
            return None
        unit = entries / norm if norm > 0 else entries
        found += [unit.size, norm > 0, float(np.sum(unit**4)), abs(float(np.sum(unit**3)))]
    return np.array(found, float)


def match(
    points: list[Sample],
    left: tuple[str, tuple[Size, ...]],
    right: tuple[str, tuple[Size, ...]],
) -> Match | None:
    """How the left array is the right one, up to axes and a factor in the sizes; None if not."""
    axes_left = [axis for axis, size in enumerate(left[1]) if size != 1]
    axes_right = [axis for axis, size in enumerate(right[1]) if size != 1]
    if not points or len(axes_left) != len(axes_right):
        return None
    for order in permutations(axes_left):
        if any(
            left[1][a] != right[1][b] for a, b in zip(order, axes_right, strict=True)
        ):
            continue
        pairs = []
        for point in points:
            a = np.asarray(point.left[left[0]], float).transpose(
                *order, *(axis for axis in range(len(left[1])) if axis not in order)
            )
            b = np.asarray(point.right[right[0]], float)
            pairs.append((np.squeeze(a), np.squeeze(b)))
        factor = _factor(points, pairs)
        if factor is not None:
            return Match(factor, order)
    return None


def _factor(
    points: list[Sample], pairs: list[tuple[NDArray[Any], NDArray[Any]]]
) -> sp.Expr | None:
    ratios = []
    for a, b in pairs:
        if a.shape != b.shape or not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
            return None
        place = np.unravel_index(int(np.argmax(np.abs(b))), b.shape)
        if b[place] == 0:
            if np.any(a):
                return None
            continue
        ratio = float(a[place] / b[place])
        if ratio == 0 or _gap(a, ratio * b) > TOLERANCE:
            return None
        ratios.append(ratio)
    if len(ratios) < len(pairs):
        return None if ratios else sp.S.One
    return size_monomial(points, ratios)


def size_monomial(points: list[Sample], ratios: list[float]) -> sp.Expr | None:
    """The rational number times powers of sizes that takes the given values at the points.

    None where there is none, or no point.
    """
    if not points:
        return None
    symbols = sorted(points[0].sizes, key=str)
    known = [[float(point.sizes[symbol]) for symbol in symbols] for point in points]
    for exponents in _exponents(len(symbols)):
        numbers = [
            ratio / math.prod(size**e for size, e in zip(at, exponents, strict=True) if e)
            for ratio, at in zip(ratios, known, strict=True)
        ]
        if max(abs(x - numbers[0]) for x in numbers) > TOLERANCE * abs(numbers[0]):
            continue
        simple = Fraction(numbers[0]).limit_denominator(1000)
        if simple and abs(float(simple) - numbers[0]) <= TOLERANCE * abs(numbers[0]):
            result = sp.Rational(simple.numerator, simple.denominator)
            for symbol, exponent in zip(symbols, exponents, strict=True):
                result *= symbol**exponent
            return result
    return None


@cache
def _exponents(count: int) -> list[tuple[int, ...]]:
    """Exponents of up to `count` sizes, the simplest first."""
    if count <= 4:
        found = list(product(range(-2, 3), repeat=count))
    else:
        found = [(0,) * count]
        for first in range(count):
            for second in range(first + 1):
                for one, two in product((-2, -1, 1, 2), (-1, 0, 1)):
                    entry = [0] * count
                    entry[first] += one
                    entry[second] += two if second != first else 0
                    found.append(tuple(entry))
    return sorted(set(found), key=lambda e: (sum(map(abs, e)), tuple(-x for x in e)))
