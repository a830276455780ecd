"""A second opinion on a proof: both sides at small sizes, without normal forms.

Inputs are random fractions, and values stay fractions while the equations are rational; from the
first exponential on they are real numbers of 60 digits, whose identities (exp(a + b), the order,
a sum of positive numbers) are those that a proof may use, which independent unknowns, or a finite
field, would not keep.  What differs here is different; nothing of the prover's is used to say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..dependence import needed_part
from ..equation import Array, System, size_symbols
from ..evaluator import NotComputableError, operations, size_number
from ..exact.evaluation import Evaluation, fractions
from ..exact.numbers import Arithmetic
from .sampling import lifted, one_hot, within

DIGITS = 60
APART = 1e-30
"""Relative to the largest entry: 30 of the 60 digits may be lost on the way."""
BUDGET = 8000
"""Scalar bodies to evaluate, about: a tenth of a second or two."""
POINTS = 2
_DENOMINATOR = 1024

Objects: TypeAlias = NDArray[Any]


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
            one, other = _values(sides, seed)
        except NotComputableError:  # outside the domain, beyond the budget, an unknown function
            continue
        looked += 1
        for first, second in pairs.items():
            gap = _gap(one, other, first, second)
            if gap:
                sizes = ", ".join(f"{s} = {n}" for s, n in one.sizes.items())
                against.setdefault(first, f"{gap} at random fractions{sizes and ' with '}{sizes}")
    return against


def _values(sides: Sequence[System], seed: int) -> list[Evaluation]:
    """Both sides at one point."""
    sizes = _sizes(sides, seed)
    equations = [equation for system in sides for equation in system.equations]
    if operations(equations, sizes) > BUDGET:
        sizes = lifted([a for system in sides for a in system.inputs], dict.fromkeys(sizes, 2))
        if operations(equations, sizes) > BUDGET:
            raise NotComputableError("beyond the budget")
    inputs = {array.name: array for system in sides for array in system.inputs}
    random = np.random.default_rng((seed, len(sizes)))
    drawn = {name: _draw(array, sizes, random, seed >= POINTS) for name, array in inputs.items()}
    arithmetic = Arithmetic(DIGITS)
    return [_evaluated(system, drawn, sizes, arithmetic) for system in sides]


def _evaluated(
    system: System, drawn: Mapping[str, Objects], sizes: Mapping[sp.Symbol, int],
    arithmetic: Arithmetic,
) -> Evaluation:
    found = Evaluation(arithmetic, sizes, {a.name: drawn[a.name] for a in system.inputs})
    try:
        found.run(system.items)
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise NotComputableError(str(error)) from error
    if not all(arithmetic.is_finite(entry) for equation in system.equations
               for entry in found.arrays[equation.name].flat):
        raise NotComputableError("a value that is not finite")
    return found


def _sizes(sides: Sequence[System], seed: int) -> dict[sp.Symbol, int]:
    """Small sizes, different ones for the first symbols."""
    shapes = [shape for system in sides for shape in system.shapes.values()]
    symbols = sorted(size_symbols(shapes), key=str)
    chosen = ((2, 3, 4, 2, 3), (3, 2, 2, 4, 3))[seed % 2]
    inputs = [array for system in sides for array in system.inputs]
    return lifted(inputs, {symbol: chosen[place % len(chosen)]
                           for place, symbol in enumerate(symbols)})


def _draw(array: Array, sizes: Mapping[sp.Symbol, int], random: np.random.Generator,
          positive: bool) -> Objects:
    """Fractions of the declared kind; `positive` where others have no value."""
    shape = tuple(size_number(size, sizes) for size in array.shape)
    if array.kind in ("integer", "labels"):
        top = 3 if array.classes is None else size_number(array.classes, sizes)
        return fractions(random.integers(top, size=shape))
    if array.kind == "mask":
        return fractions(random.integers(2, size=shape))
    if array.kind == "one_hot":
        return fractions(one_hot(random, shape, array.along).astype(int))
    if array.kind == "sign":
        return fractions(2 * random.integers(2, size=shape) - 1)
    if array.kind == "interval":
        share = random.integers(1, _DENOMINATOR, size=shape) / _DENOMINATOR  # a dyadic fraction
        drawn = np.asarray(within(array, share))
        return fractions(np.round(drawn * 2**40).astype(np.int64), 2**40)
    if array.kind == "probability":
        whole = random.integers(1, _DENOMINATOR, size=shape)
        total = np.broadcast_to(whole.sum(axis=array.along, keepdims=True), shape)
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
    return fractions(whole, _DENOMINATOR)


def _rotation(size: int, random: np.random.Generator) -> Objects:
    """An orthogonal matrix of fractions: the product of two reflections I - 2 v vᵀ / vᵀ v."""
    unit = fractions(np.eye(size, dtype=int))
    made = unit
    for _ in range(2):
        along = fractions(random.integers(1, _DENOMINATOR, size=size))
        made = made @ (unit - np.multiply.outer(along, along) * (2 / (along @ along)))
    return np.asarray(made)


def _gap(left: Evaluation, right: Evaluation, first: str, second: str) -> str:
    """How far two arrays are apart, "" for not at all."""
    one, other = np.squeeze(left.arrays[first]), np.squeeze(right.arrays[second])
    if one.shape != other.shape:
        return f"shapes {one.shape} and {other.shape}"
    arithmetic = left.arithmetic
    differences = [abs(arithmetic.add(a, arithmetic.multiply(Fraction(-1), b)))
                   for a, b in zip(one.flat, other.flat, strict=True)]
    widest: Any = Fraction(0)
    for difference in differences:
        if arithmetic.sign(difference, widest) == 1:
            widest = difference
    if not widest:
        return ""
    if not isinstance(widest, Fraction):
        scale = max(abs(arithmetic.real(entry)) for side in (one, other) for entry in side.flat)
        if widest <= APART * max(scale, APART):
            return ""
    return f"the two sides differ by {float(widest):.3g}"
