"""Data at the numbers that a program compares them with.

    where(y == 1, p**2, p**3)   ->   half of y's entries are 1

Entries drawn from a density meet such a number never, data do: 0 for missing, 1 for a class.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from ..equation import Array, System, Term, slot
from ..functions import without_opaque

USUAL = (-1.0, 0.0, 1.0)
"""What data are coded with, where they are compared with one another."""


def compared_values(systems: Iterable[System], data: Collection[str]) -> dict[str, list[float]]:
    """Inputs among `data` that are compared, each with the numbers to try for its entries.

    An array that is compared through what is computed of it gets the usual numbers, as do the
    rows of probabilities, which may be 0 or 1.
    """
    found: dict[str, set[float]] = {}
    for system in systems:
        sources = _sources(system, data)
        for equation in system.equations:
            for term in equation.terms:
                for condition in without_opaque(term.body).atoms(Relational):
                    _note(condition, term, sources, found)
    return {name: sorted(values) for name, values in found.items()}


def _sources(system: System, data: Collection[str]) -> dict[str, frozenset[str]]:
    """array -> the inputs that it follows from, for those that follow from `data` alone."""
    known = {array.name: frozenset([array.name]) for array in system.inputs if array.name in data}
    for equation in system.equations:
        reads = {read.array for read in equation.reads}
        if reads <= known.keys():
            known[equation.name] = frozenset().union(*(known[name] for name in reads))
    return known


def _note(
    condition: Relational, term: Term, sources: Mapping[str, frozenset[str]],
    found: dict[str, set[float]],
) -> None:
    gap = condition.lhs - condition.rhs
    places = [place for place in range(len(term.reads)) if slot(place) in gap.free_symbols]
    arrays = [term.reads[place].array for place in places]
    if not arrays or not sources.keys() >= set(arrays):
        return
    values: set[float] = set(USUAL)
    if len(places) == 1 and sources[arrays[0]] == {arrays[0]}:
        symbol = slot(places[0])
        slope = sp.diff(gap, symbol)
        constant = gap - slope * symbol
        if slope.is_Rational and slope and constant.is_Rational:
            values = {float(-constant / slope)}
    for array in arrays:
        for name in sources[array]:
            found.setdefault(name, set()).update(values)


def at_compared_values(
    array: Array, drawn: Any, values: Collection[float], random: np.random.Generator, number: int
) -> Any:
    """The drawn entries, half of them (at odd points all) set to such numbers, as far as the
    array's kind allows."""
    share = 1.0 if number % 2 else 0.5
    if array.kind == "probability":
        rows = random.integers(0, drawn.shape[-1], drawn.shape[:-1])
        chosen = random.random(drawn.shape[:-1]) < share
        return np.where(chosen[..., None], np.eye(drawn.shape[-1])[rows], drawn)
    allowed = [value for value in values if array.kind != "positive" or value > 0]
    if array.kind not in ("real", "positive", "constant") or not allowed:
        return drawn
    return np.where(random.random(drawn.shape) < share, random.choice(allowed, drawn.shape), drawn)
