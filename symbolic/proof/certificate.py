"""A proof's steps gone through again, in finite fields: nothing of a normal form is used.

    s = (x + y)²,  t = x² + 2 x y + y²,  step s = t   ->   equal residues at random x, y: holds

Every array is evaluated twice.  Floating-point numbers decide the conditions, so that a branch is
one that real numbers take; residues modulo primes say, with those branches, whether two arrays
are the same expression.  An identity of degree d fails to be told from a mistake with probability
d/p for each entry (Schwartz 1980, Zippel 1979).

The primes are a Cunningham chain, p' = 2p + 1: an exponent modulo p is a power in the field of
p', where exp(a + b) = exp(a) exp(b) and exp(0) = 1 hold.  So a value has residues in some fields
of the chain, one field less for each exponential it is in.  A value may also carry a logarithm,
a + log e, until that is multiplied by more than a whole number.  What has no residues (roots,
other uses of logarithms) has no opinion here; :mod:`recheck` looks at it in real numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..dependence import needed_part
from ..equation import Array, System, size_symbols
from ..evaluator import NotComputableError, size_number
from .reevaluation import Evaluation
from .residues import CHAIN, Value
from .sampling import lifted, one_hot, within

SIZES: tuple[tuple[int, ...], ...] = ((2, 3, 4, 5), (3, 2, 5, 4), (1,), (2,), (3, 1, 2))
"""Sizes to look at, taken in turn by the symbols: different ones, all 1, all equal, some 1."""

BUDGET = 60_000
"""Summands to evaluate at one choice of sizes; a larger one is passed over."""

Objects: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Claim:
    """left[axes in order] = factor · right, axes of length 1 aside; see ``sampling.Match``."""

    left: str
    right: str
    factor: sp.Expr
    order: tuple[int, ...]


def contradicted(
    left: System, right: System, proofs: Mapping[str, Sequence[Claim]], data: Collection[str] = (),
) -> dict[str, str]:
    """What speaks against the steps of proofs: the name of a proof -> which step, and where.

    `data` are inputs that may hold the numbers they are compared with; half of their entries are
    small whole numbers.  A proof that is missing has nothing against it.
    """
    against: dict[str, str] = {}
    claims = {claim for steps in proofs.values() for claim in steps}
    sides = (needed_part(left, {claim.left for claim in claims}),
             needed_part(right, {claim.right for claim in claims}))
    for seed, choice in enumerate(SIZES):
        sizes = _sizes(sides, choice)
        if not _is_small(sides, sizes):
            continue
        random = np.random.default_rng((7, seed))
        inputs = {array.name: array for side in sides for array in side.inputs}
        try:
            drawn = {name: draw(array, sizes, random, name in data)
                     for name, array in inputs.items()}
        except NotComputableError:
            continue
        with np.errstate(all="ignore"):
            values = [_evaluated(side, drawn, sizes) for side in sides]
        for name, steps in proofs.items():
            for claim in steps:
                if name not in against and _differs(claim, values, sizes):
                    shown = ", ".join(f"{symbol} = {number}" for symbol, number in sizes.items())
                    against[name] = (f"{claim.left} and {claim.right} differ in a finite field"
                                     f"{shown and ' at '}{shown}")
        if not sizes:  # the same again would tell little
            break
    return against


def _evaluated(
    system: System, drawn: Mapping[str, Value], sizes: Mapping[sp.Symbol, int]
) -> Mapping[str, Value]:
    """The arrays of a system that have residues."""
    found = Evaluation(sizes, {array.name: drawn[array.name] for array in system.inputs})
    found.run(system.items)
    return found.arrays


def _differs(
    claim: Claim, values: Sequence[Mapping[str, Value]], sizes: Mapping[sp.Symbol, int]
) -> bool:
    """Are both sides known, and not the same in a field in which both have residues?"""
    one, other = values[0].get(claim.left), values[1].get(claim.right)
    if one is None or other is None or one.has_logarithm or other.has_logarithm:
        return False
    top, bottom = sp.fraction(sp.together(claim.factor))
    for level in sorted(one.residues.keys() & other.residues.keys()):
        prime = CHAIN[level]
        first, second = one.residues[level], other.residues[level]
        rest = [axis for axis in range(first.ndim) if axis not in claim.order]
        first = np.squeeze(first.transpose(*claim.order, *rest))
        second = np.squeeze(second)
        if first.shape != second.shape:
            return True
        scale = [size_number(part, sizes) % prime for part in (top, bottom)]
        if np.any((first * scale[1] - second * scale[0]) % prime):
            return True
    return False


# --- points -------------------------------------------------------------------------------------


def _sizes(sides: Iterable[System], choice: Sequence[int]) -> dict[sp.Symbol, int]:
    shapes = [shape for side in sides for shape in side.shapes.values()]
    shapes += [(a.classes,) for side in sides for a in side.inputs if a.classes is not None]
    symbols = sorted(size_symbols(shapes), key=str)
    inputs = [array for side in sides for array in side.inputs]
    return lifted(inputs, {symbol: choice[place % len(choice)]
                           for place, symbol in enumerate(symbols)})


def _is_small(sides: Iterable[System], sizes: Mapping[sp.Symbol, int]) -> bool:
    """Do all shapes exist at these sizes, with no more summands than the budget?"""
    total = 0
    for side in sides:
        for equation in side.equations:
            for term in equation.terms:
                try:
                    lengths = [size_number(i.size, sizes) for i in (*equation.out, *term.over)]
                except NotComputableError:  # a size that depends on an outer index
                    continue
                if min(lengths, default=1) < 1:
                    return False
                total += int(np.prod(lengths, dtype=float))
    return total <= BUDGET


def draw(
    array: Array, sizes: Mapping[sp.Symbol, int], random: np.random.Generator, is_data: bool
) -> Value:
    """Entries of an input as its kind demands: numbers for conditions, residues beside them."""
    shape = tuple(size_number(size, sizes) for size in array.shape)
    if array.kind in ("integer", "labels", "mask", "one_hot", "sign"):
        return Value.of_integers(_whole_numbers(array, shape, sizes, random))
    shown = random.standard_normal(shape)
    residues = {level: random.integers(1, prime, shape) for level, prime in enumerate(CHAIN)}
    if array.kind == "probability":
        shown = np.abs(shown) + 0.1
        shown = shown / shown.sum(axis=array.along, keepdims=True)
        for level, prime in enumerate(CHAIN):
            known = np.moveaxis(residues[level], array.along, -1)[..., :-1]
            rest = (1 - known.sum(axis=-1, keepdims=True)) % prime
            residues[level] = np.moveaxis(np.concatenate([known, rest], axis=-1), -1, array.along)
    elif array.kind == "positive":
        shown = np.abs(shown) + 0.1
    elif array.kind == "interval":
        shown = np.asarray(within(array, random.uniform(0.05, 0.95, shape)))
    elif array.kind == "symmetric":
        shown = shown + shown.T
        residues = {level: np.triu(r) + np.triu(r, 1).T for level, r in residues.items()}
    elif array.kind == "orthogonal":
        raise NotComputableError("orthogonal")
    found = Value(shown, residues)
    if is_data and array.kind in ("real", "constant"):
        some = random.random(shape) < 0.5
        found = Value.of_integers(random.integers(-1, 3, shape)).where(some, found)
    return found


def _whole_numbers(
    array: Array, shape: tuple[int, ...], sizes: Mapping[sp.Symbol, int],
    random: np.random.Generator,
) -> Objects:
    if array.kind == "one_hot":
        return np.asarray(one_hot(random, shape, array.along).astype(np.int64))
    if array.kind == "sign":
        return 2 * random.integers(2, size=shape) - 1
    top = 2 if array.kind == "mask" else 3
    if array.classes is not None:
        top = size_number(array.classes, sizes)
    return random.integers(top, size=shape)
