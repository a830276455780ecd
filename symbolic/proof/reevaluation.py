"""Arrays of a system as residues, equation by equation; see :mod:`residues`.

    y[i] = Σ_j A[i, j] x[j]   ->   the same sum in every field
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..equation import INDEX_VALUE, Equation, Item, Read, Term, equations_of, slot
from ..evaluator import Evaluator, Grid, NotComputableError, Shape
from .residue_bodies import Body
from .residues import CHAIN, CLOSE, ZERO, Residues, Value


class Evaluation(Evaluator[Value]):
    """The arrays of a system by name; those without residues are left out."""

    def run(self, items: Iterable[Item]) -> None:
        """Defines what an equation or a recurrence defines, as far as it has residues."""
        for item in items:
            try:
                super().run([item])
            except (NotComputableError, KeyError, ZeroDivisionError, OverflowError):
                for equation in equations_of(item):
                    self.arrays.pop(equation.name, None)

    def term(
        self, equation: Equation, term: Term, grid: Grid, shape: Shape, free: int
    ) -> tuple[Value, Sequence[Value]]:
        reads = {slot(place): self._read(read, grid) for place, read in enumerate(term.reads)}
        body = Body(self.sizes, reads).value(term.body)
        body = body.mapped(lambda e: np.broadcast_to(e, shape))
        mask = self.mask(term, grid, shape)
        inner = tuple(range(free, len(shape)))
        if equation.reduction == "sum":
            return (body.where(mask, ZERO).total(inner) if inner or term.guards else body), ()
        if equation.reduction == "logsumexp":
            return body.exponential().where(mask, ZERO).total(inner).logarithm(), ()
        if equation.reduction == "max":
            return _maximum(body, mask, shape[:free], shape[free:])
        return _matrix(equation.reduction, body.where(mask, ZERO).plain()), ()

    def added(self, total: Value, part: Value) -> Value:
        return total + part

    def zeros(self, shape: Shape) -> Value:
        return Value.of_integers(np.zeros(shape, np.int64))

    def awaited(self, shape: Shape, are_places: bool) -> Value:
        return self.zeros(shape)

    def store(self, name: str, equation: Equation, at: Grid, value: Value) -> None:
        value = value.known()
        if not at:
            self.arrays[name] = value
            return
        if value.inside:
            raise NotComputableError("a logarithm in a recurrence")
        where, old = self.within(value.shown.shape, equation, at), self.arrays[name]
        shown = old.shown.copy()
        shown[where] = value.shown
        residues = {}
        for level in old.residues.keys() & value.residues.keys():
            residues[level] = old.residues[level].copy()
            residues[level][where] = value.residues[level]
        self.arrays[name] = Value(shown, residues)

    def labels(self, read: Read, grid: Grid) -> Any:
        return np.asarray(self._read(read, grid).shown).astype(np.int64)

    def _read(self, read: Read, grid: Grid) -> Value:
        if read.array == INDEX_VALUE:
            return Value.of_integers(self.subscript(read.at[0], grid))
        array = self.arrays[read.array]
        places, _ = self.places(read, array.shown.shape, grid)
        if array.shown.size == 0:  # beside a guard that holds nowhere there are places
            return Value.of_integers(np.zeros(np.broadcast_shapes(*map(np.shape, places)), int))
        return array.mapped(lambda e: np.asarray(e[places]))


def _maximum(
    body: Value, mask: Any, shape: Shape, over: Shape
) -> tuple[Value, Sequence[Value]]:
    """The largest entry and its first place; unknown where rounding would choose it."""
    flat = body.plain().mapped(lambda e: e.reshape(*shape, -1))
    shown = np.where(np.broadcast_to(mask, body.shown.shape).reshape(*shape, -1),
                     flat.shown, -np.inf)
    if np.any(np.isnan(shown)) or np.any(np.all(np.isinf(shown), axis=-1)):
        raise NotComputableError("a maximum of nothing")
    top = shown.max(axis=-1, keepdims=True)
    near = shown >= top - CLOSE * (1 + np.abs(top))
    first = np.argmax(near, axis=-1)[..., None]
    for residue in flat.residues.values():
        if np.any(near & (residue != np.take_along_axis(residue, first, -1))):
            raise NotComputableError("a maximum too close to tell")
    found = flat.mapped(lambda e: np.take_along_axis(e, first, -1)[..., 0])
    return found, list(map(Value.of_integers, np.unravel_index(first[..., 0], over)))


def _matrix(name: str, matrices: Value) -> Value:
    """Inverses or determinants over the last two axes, by elimination in each field."""
    if name == "cholesky":
        raise NotComputableError("a Cholesky factor")
    outer = matrices.shown.shape[:-2]
    shown_det = np.linalg.det(matrices.shown)
    if np.any(np.abs(shown_det) < CLOSE):
        raise NotComputableError("a singular matrix")
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
            raise NotComputableError("a singular matrix")
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
