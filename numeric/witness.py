"""Measuring a gradient within a budget: entry by entry, or by screening and bisection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .differences import derivative_along, unit
from .evaluation import COMPLEX_COST, EPS, Array, Evaluator
from .probe import Probe

Floats = NDArray[np.float64]

# Evaluations for one derivative: two complex ones, or a sweep of real ones.
_COMPLEX_PROBE = 2 * COMPLEX_COST
_REAL_PROBE = 60
_DIRECTIONS = 4
_SAMPLES = 4
# Wrong entries to locate before saying that there are many.
_LOCATE = 3


class Witness:
    """The measured gradient of one input, beside the claimed one.

    evaluator  the loss at its point, without defect
    claimed    float64, of the input's shape
    allowance  rounding granted to each claimed entry, same shape
    suspects   flat indices of entries to measure before any other

    `probes` holds everything measured, in order.
    """

    def __init__(
        self, evaluator: Evaluator, name: str, claimed: Floats, allowance: Floats, seed: int,
        suspects: Sequence[int] = (),
    ) -> None:
        self._evaluator = evaluator
        self._name = name
        self.claimed = claimed
        self._allowance = allowance
        self._suspects = tuple(suspects)
        self._rng = np.random.default_rng(seed)
        self._entries: dict[tuple[int, ...], Probe] = {}
        self.probes: list[Probe] = []

    @property
    def gradient(self) -> Floats:
        """Measured entries; nan where an entry was not measured, the mean of sides at a kink."""
        measured = np.full(self.claimed.shape, np.nan)
        for probe in self.probes:
            if probe.entry is not None:
                measured[probe.entry] = probe.estimate.value
        return measured

    def examine(self, budget: int) -> None:
        """Spend about `budget` evaluations where they tell most."""
        start = self._evaluator.cost
        # The first direction also finds out whether the complex step may be believed.
        first = self.along(self._direction(np.ones(self.claimed.size, dtype=bool)))
        if not first.estimate.usable:
            return
        per_entry = _COMPLEX_PROBE if self._evaluator.analytic.get(self._name) else _REAL_PROBE
        if self.claimed.size * per_entry <= budget - (self._evaluator.cost - start):
            for flat in range(self.claimed.size):
                self.entry(flat)
            return
        self._screen()

    def entry(self, flat: int) -> Probe:
        """Measure one entry, given by its flat index, once."""
        index = tuple(int(i) for i in np.unravel_index(flat, self.claimed.shape))
        if index not in self._entries:
            direction = unit(self.claimed, index)
            probe = self._probe(direction, index)
            if probe.verdict == "refuted":  # a contradiction must not be rounding
                probe = self._probe(direction, index, careful=True)
            self.probes.append(probe)
            self._entries[index] = probe
        return self._entries[index]

    def along(self, direction: Array, entry: tuple[int, ...] | None = None) -> Probe:
        """Measure along one direction."""
        probe = self._probe(direction, entry)
        self.probes.append(probe)
        return probe

    def _probe(
        self, direction: Array, entry: tuple[int, ...] | None, careful: bool = False
    ) -> Probe:
        estimate = derivative_along(self._evaluator, self._name, direction, careful)
        moved = direction != 0
        weights = np.abs(direction[moved])
        # Systematic roundings of entries may all point one way; the grant is per entry, and a
        # claim's own noise adds up like a random walk at least four times over.
        squares = float(np.sqrt(np.sum(np.square(weights * self._allowance[moved]))))
        with np.errstate(invalid="ignore"):
            products = self.claimed[moved] * direction[moved]
            claimed = float(np.sum(products))
            # Summing the claim along the direction rounds as well.
            summing = 4 * EPS * float(np.sqrt(np.sum(np.square(products))))
        if not np.isfinite(summing):
            summing = 0.0
        factor = 1.0 if entry is not None else 4.0
        return Probe(entry, int(moved.sum()), claimed, estimate, factor * squares + summing)

    def _direction(self, chosen: NDArray[np.bool_]) -> Floats:
        """Random signs, and sizes in [1/2, 1] so that equal and opposite errors do not cancel."""
        size = self.claimed.size
        signs = self._rng.choice([-1.0, 1.0], size)
        weights = self._rng.uniform(0.5, 1.0, size)
        return np.where(chosen, signs * weights, 0.0).reshape(self.claimed.shape)

    def _screen(self) -> None:
        size = self.claimed.size
        if any(self.entry(flat).verdict == "refuted" for flat in self._suspects):
            return  # what a search would find is found
        for flat in self._samples():
            self.entry(flat)
        left = np.ones(size, dtype=bool)
        for _ in range(_LOCATE):
            contradicted = self._contradicted(left)
            if contradicted is None:
                return
            found = self._locate(contradicted)
            if found is None:
                return
            left[found] = False

    def _contradicted(self, chosen: NDArray[np.bool_]) -> Floats | None:
        """A direction over the chosen entries in which the claim is refuted, None if none is."""
        if not chosen.any():
            return None
        for _ in range(_DIRECTIONS):
            direction = self._direction(chosen)
            if self.along(direction).verdict == "refuted":
                return direction
        return None

    def _locate(self, direction: Floats) -> int | None:
        """Halve the entries of a contradicted direction; None if the contradiction gets lost."""
        flat_direction = direction.ravel()
        entries = np.flatnonzero(flat_direction)
        while len(entries) > 1:
            halves = np.array_split(entries, 2)
            probes = [self._probe(self._only(flat_direction, half), None) for half in halves]
            excess = [p.gap / p.bound if p.bound else p.gap for p in probes]
            worse = int(np.nanargmax(excess)) if not np.all(np.isnan(excess)) else 0
            if probes[worse].verdict != "refuted":
                break
            entries = halves[worse]
        for flat in entries[:2]:
            if self.entry(int(flat)).verdict == "refuted":
                return int(flat)
        return None

    def _only(self, direction: Floats, entries: NDArray[np.intp]) -> Floats:
        part = np.zeros_like(direction)
        part[entries] = direction[entries]
        return part.reshape(self.claimed.shape)

    def _samples(self) -> list[int]:
        """The largest claimed entry, one that is not finite if any, and a few at random."""
        magnitudes = np.abs(self.claimed.ravel())
        special = int(np.argmax(np.where(np.isnan(magnitudes), np.inf, magnitudes)))
        drawn = self._rng.choice(self.claimed.size, min(_SAMPLES, self.claimed.size), False)
        return list(dict.fromkeys([special, *(int(i) for i in drawn)]))
