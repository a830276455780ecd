"""Data at the numbers that a program compares them with.

    where(y == 1, p**2, p**3)   ->   half of y's entries are 1

Entries drawn from a density meet such a number never, data do: 0 for missing, 1 for a class.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from ..equation import Array, System, Term, slot
from ..functions import without_opaque
from .sampling import one_hot

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


def equated_values(systems: Iterable[System], arrays: Collection[str]) -> dict[str, list[float]]:
    """Inputs among `arrays` of which a program asks equality, each with the numbers it asks for.

    To be asked to lie below a number and to lie above it is the same.  What is computed of several
    entries gets the number 0.
    """
    found: dict[str, set[float]] = {}
    for system in systems:
        affine, sources = _affine(system, arrays), _sources(system, arrays)
        sides: dict[tuple[str, float], set[str]] = {}
        for equation in system.equations:
            for term in equation.terms:
                for condition in without_opaque(term.body).atoms(Relational):
                    for name, value, side in _asked(condition, term, affine, sources):
                        sides.setdefault((name, value), set()).add(side)
        for (name, value), asked in sides.items():
            if "=" in asked or len(asked) == 2:
                found.setdefault(name, set()).add(value)
    return {name: sorted(values) for name, values in found.items()}


Affine: TypeAlias = dict[str, tuple[str, sp.Expr, sp.Expr]]
"""array -> (input, a, b), where each entry is a times an entry of the input plus b."""


def _affine(system: System, arrays: Collection[str]) -> Affine:
    one, none = sp.S.One, sp.S.Zero
    known: Affine = {a.name: (a.name, one, none) for a in system.inputs if a.name in arrays}
    for equation in system.equations:
        if equation.is_pointwise and len(equation.terms[0].reads) == 1:
            source = known.get(equation.terms[0].reads[0].array)
            slope, constant = _linear(without_opaque(equation.terms[0].body), slot(0))
            if source is not None and slope is not None:
                known[equation.name] = (source[0], slope * source[1],
                                        slope * source[2] + constant)
    return known


def _asked(
    condition: Relational, term: Term, affine: Affine, sources: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, float, str]]:
    """(input, number, which side of it) for the inputs that a condition asks of."""
    gap = condition.lhs - condition.rhs
    places = [place for place in range(len(term.reads)) if slot(place) in gap.free_symbols]
    names = [term.reads[place].array for place in places]
    side = "=" if isinstance(condition, sp.Eq | sp.Ne) else \
        "<" if isinstance(condition, sp.StrictLessThan | sp.LessThan) else ">"
    if len(names) == 1 and names[0] in affine:
        slope, constant = _linear(gap, slot(places[0]))
        if slope is None:
            return
        name, inner, shift = affine[names[0]]
        turned = {"<": ">", ">": "<"}.get(side, side) if slope * inner < 0 else side
        yield name, float((-constant / slope - shift) / inner), turned
    elif side == "=":
        for name in frozenset().union(*(sources.get(array, frozenset()) for array in names)):
            yield name, 0.0, side


def _linear(gap: sp.Expr, symbol: sp.Symbol) -> tuple[sp.Expr | None, sp.Expr]:
    """(a, b) with gap = a · symbol + b for numbers a ≠ 0 and b; (None, gap) for another."""
    slope = sp.diff(gap, symbol)
    constant = sp.expand(gap - slope * symbol)
    if slope.is_number and slope.is_real and slope and constant.is_number and constant.is_real:
        return slope, constant
    return None, gap


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
        slope, constant = _linear(gap, slot(places[0]))
        if slope is not None:
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
        chosen = random.random(drawn.shape)[..., :1] < share
        if array.along not in (-1, drawn.ndim - 1):
            chosen = random.random() < share
        return np.where(chosen, one_hot(random, drawn.shape, array.along), drawn)
    low, high = array.bounds
    allowed = [value for value in values
               if (low is None or value > low) and (high is None or value < high)]
    if array.kind not in ("real", "positive", "interval", "constant") or not allowed:
        return drawn
    return np.where(random.random(drawn.shape) < share, random.choice(allowed, drawn.shape), drawn)
