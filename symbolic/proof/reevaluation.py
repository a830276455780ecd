"""Arrays of a system as residues, equation by equation; see :mod:`residues`.

    y[i] = Σ_j A[i, j] x[j]   ->   the same sum in every field
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..equation import (
    INDEX_VALUE,
    Equal,
    Equation,
    Guard,
    Index,
    Item,
    Read,
    Subscript,
    Term,
    index_symbol,
    slot,
)
from .residue_bodies import Body
from .residues import CHAIN, CLOSE, ZERO, Residues, UnknownError, Value, whole

Grid: TypeAlias = dict[sp.Symbol, Any]


class Evaluation:
    """The arrays of a system by name; those without residues are left out."""

    def __init__(self, sizes: Mapping[sp.Symbol, int], inputs: Mapping[str, Value]) -> None:
        self.sizes = sizes
        self.arrays: dict[str, Value] = dict(inputs)

    def run(self, item: Item) -> None:
        """Defines what an equation or a recurrence defines, as far as it has residues."""
        if isinstance(item, Equation):
            self._try(item, {})
            return
        loop = next(index for index in item.equations[0].out if index.name == item.loop)
        steps = range(whole(loop.size, self.sizes))
        for equation in item.equations:
            shape = tuple(whole(index.size, self.sizes) for index in equation.out)
            self.arrays[equation.name] = Value.of_integers(np.zeros(shape, np.int64))
        for step in steps if item.direction == 1 else reversed(steps):
            for equation in item.equations:
                if not self._try(equation, {index_symbol(item.loop): step}):
                    for other in item.equations:
                        self.arrays.pop(other.name, None)
                    return

    def _try(self, equation: Equation, at: Grid) -> bool:
        try:
            self._define(equation, at)
        except (UnknownError, KeyError, ZeroDivisionError, OverflowError):
            return False
        return True

    def _define(self, equation: Equation, at: Grid) -> None:
        axes = [index for index in equation.out if index.symbol not in at]
        shape = tuple(whole(index.size, {**self.sizes, **at}) for index in axes)
        total = Value.of_integers(np.zeros(shape, np.int64))
        places: Sequence[NDArray[Any]] = ()
        for term in equation.terms:
            part, places = self._term(equation, term, axes, shape, at)
            total = part if len(equation.terms) == 1 else total + part
        total = total.mapped(lambda e: np.broadcast_to(e, shape)).known()
        self._store(equation.name, equation, at, total)
        for name, place in zip(equation.argmax, places, strict=False):
            self._store(name, equation, at, Value.of_integers(place.reshape(shape)))

    def _store(self, name: str, equation: Equation, at: Grid, value: Value) -> None:
        if not at:
            self.arrays[name] = value
            return
        if value.inside:
            raise UnknownError("a logarithm in a recurrence")
        where = tuple(at[i.symbol] if i.symbol in at else slice(None) for i in equation.out)
        whole_shape = tuple(whole(index.size, self.sizes) for index in equation.out)
        old = self.arrays.get(name, Value.of_integers(np.zeros(whole_shape, np.int64)))
        shown = old.shown.copy()
        shown[where] = value.shown
        residues = {}
        for level in old.residues.keys() & value.residues.keys():
            residues[level] = old.residues[level].copy()
            residues[level][where] = value.residues[level]
        self.arrays[name] = Value(shown, residues)

    def _term(
        self, equation: Equation, term: Term, axes: Sequence[Index], shape: tuple[int, ...],
        at: Grid,
    ) -> tuple[Value, Sequence[NDArray[Any]]]:
        over = tuple(whole(index.size, {**self.sizes, **at}) for index in term.over)
        grid, wide = dict(at), (*shape, *over)
        for axis, index in enumerate((*axes, *term.over)):
            lengths = [1] * len(wide)
            lengths[axis] = wide[axis]
            grid[index.symbol] = np.arange(wide[axis]).reshape(lengths)
        reads = {slot(place): self._read(read, grid) for place, read in enumerate(term.reads)}
        body = Body(self.sizes, reads).value(term.body)
        body = body.mapped(lambda e: np.broadcast_to(e, wide))
        mask = np.ones(wide, dtype=bool)
        for guard in term.guards:
            mask = mask & self._holds(guard, grid)
        inner = tuple(range(len(shape), len(wide)))
        if equation.reduction == "sum":
            return (body.where(mask, ZERO).total(inner) if inner or term.guards else body), ()
        if equation.reduction == "logsumexp":
            return body.exponential().where(mask, ZERO).total(inner).logarithm(), ()
        if equation.reduction == "max":
            return _maximum(body, mask, shape, over)
        return _matrix(equation.reduction, body.where(mask, ZERO).plain()), ()

    def _read(self, read: Read, grid: Grid) -> Value:
        if read.array == INDEX_VALUE:
            return Value.of_integers(self._subscript(read.at[0], grid))
        array = self.arrays[read.array]
        # A place outside the array is only reached where a guard is false, so any entry will do.
        places = tuple(np.clip(self._subscript(entry, grid), 0, size - 1)
                       for entry, size in zip(read.at, array.shown.shape, strict=True))
        return array.mapped(lambda e: np.asarray(e[places]))

    def _subscript(self, subscript: Subscript, grid: Grid) -> Any:
        if isinstance(subscript, Read):
            return np.asarray(self._read(subscript, grid).shown).astype(np.int64)
        if subscript.is_Symbol:
            return grid[subscript] if subscript in grid else self.sizes[subscript]
        if subscript.is_Integer:
            return int(subscript)
        parts = [self._subscript(part, grid) for part in subscript.args]
        if subscript.is_Add:
            return sum(parts)
        if subscript.is_Mul:
            return reduce(lambda x, y: x * y, parts)
        raise UnknownError(f"the subscript {subscript}")

    def _holds(self, guard: Guard, grid: Grid) -> Any:
        if isinstance(guard, Equal):
            return self._subscript(guard.left, grid) == self._subscript(guard.right, grid)
        low, value, high = (self._subscript(e, grid) for e in (guard.low, guard.value, guard.high))
        return (low <= value) & (value < high)


def _maximum(
    body: Value, mask: Any, shape: tuple[int, ...], over: tuple[int, ...]
) -> tuple[Value, Sequence[NDArray[Any]]]:
    """The largest entry and its first place; unknown where rounding would choose it."""
    flat = body.plain().mapped(lambda e: e.reshape(*shape, -1))
    shown = np.where(np.broadcast_to(mask, body.shown.shape).reshape(*shape, -1),
                     flat.shown, -np.inf)
    if np.any(np.isnan(shown)) or np.any(np.all(np.isinf(shown), axis=-1)):
        raise UnknownError("a maximum of nothing")
    top = shown.max(axis=-1, keepdims=True)
    near = shown >= top - CLOSE * (1 + np.abs(top))
    first = np.argmax(near, axis=-1)[..., None]
    for residue in flat.residues.values():
        if np.any(near & (residue != np.take_along_axis(residue, first, -1))):
            raise UnknownError("a maximum too close to tell")
    found = flat.mapped(lambda e: np.take_along_axis(e, first, -1)[..., 0])
    return found, [np.asarray(p) for p in np.unravel_index(first[..., 0], over)]


def _matrix(name: str, matrices: Value) -> Value:
    """Inverses or determinants over the last two axes, by elimination in each field."""
    if name == "cholesky":
        raise UnknownError("a Cholesky factor")
    outer = matrices.shown.shape[:-2]
    shown_det = np.linalg.det(matrices.shown)
    if np.any(np.abs(shown_det) < CLOSE):
        raise UnknownError("a singular matrix")
    inverses: Residues = {}
    determinants: Residues = {}
    for level, entries in matrices.residues.items():
        inverses[level] = np.zeros(entries.shape, np.int64)
        determinants[level] = np.zeros(outer, np.int64)
        for place in np.ndindex(*outer):
            inverses[level][place], determinants[level][place] = _eliminated(
                entries[place], CHAIN[level])
    if name == "inv":
        return Value(np.linalg.inv(matrices.shown), inverses)
    found = Value(np.asarray(shown_det), determinants)
    if name == "det":
        return found
    return found.where(shown_det > 0, found.times_whole(-1)).logarithm()


def _eliminated(matrix: NDArray[Any], prime: int) -> tuple[NDArray[Any], int]:
    """The inverse and the determinant modulo a prime."""
    size, determinant = len(matrix), 1
    wide = np.concatenate([matrix % prime, np.eye(size, dtype=np.int64)], axis=1)
    for column in range(size):
        pivots = np.flatnonzero(wide[column:, column])
        if not len(pivots):
            raise UnknownError("a singular matrix")
        row = column + int(pivots[0])
        if row != column:
            wide[[column, row]], determinant = wide[[row, column]], -determinant
        lead = int(wide[column, column])
        determinant = determinant * lead % prime
        wide[column] = wide[column] * pow(lead, -1, prime) % prime
        for other in range(size):
            if other != column:
                wide[other] = (wide[other] - wide[other, column] * wide[column]) % prime
    return wide[:, size:], determinant % prime
