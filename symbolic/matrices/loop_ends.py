"""Where a recurrence begins and ends: guarded terms as one term and a value at the boundary.

    [1 <= t] f(h[t-1]) + [t = 0] f(h0)   is   f(h[t-1])   with   h[-1] = h0,
    [1 <= t] f(h[t-1])                   is   f(h[t-1])   with   h[-1] = 0,   if f(0) = 0,

and the same at the other end, where an adjoint reads t + 1.  Each equality holds for all values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal, TypeAlias

import sympy as sp

from ..equation import (
    INDEX_VALUE,
    Equation,
    Guard,
    Index,
    Read,
    Recurrence,
    Size,
    System,
    Term,
    Within,
    index_symbol,
    slot,
    subscript_indices,
)
from ..solving import holds
from ..substitution import substitute_term

Side: TypeAlias = Literal[-1, 1]
"""Before the first step, or behind the last."""

Boundaries: TypeAlias = Mapping[tuple[str, Side], str]
"""The array that an array is one step beyond an end; the empty name where it is zero."""


@dataclass(frozen=True)
class Loops:
    """The arrays that recurrences define, each with the place of its loop axis and the loop's
    name, and their values beyond the ends; shapes: of all arrays that are read."""

    places: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    boundaries: Boundaries = field(default_factory=dict)
    shapes: Mapping[str, tuple[Size, ...]] = field(default_factory=dict)


def loops_of(system: System) -> Loops:
    """The loop axes of a system's arrays, and what their guarded terms say of the boundaries."""
    groups = [item for item in system.items if isinstance(item, Recurrence)]
    places = {
        equation.name: next(p for p, i in enumerate(equation.out) if i.name == group.loop)
        for group in groups for equation in group.equations
    }
    names = {equation.name: group.loop for group in groups for equation in group.equations}
    if not places:
        return Loops()
    found = Loops(places, names, shapes=system.shapes)
    return replace(found, boundaries=_boundaries(system, found))


def _boundaries(system: System, loops: Loops) -> Boundaries:
    """The values beyond the ends that guarded terms state."""
    found: dict[tuple[str, Side], str] = {}
    unknown: set[tuple[str, Side]] = set()
    for equation in map(settled, system.equations):
        otherwise = equation.name in loops.places and _starts_otherwise(equation, loops.places)
        for terms, needed, _ in _merges(equation, loops):
            lone = len(terms) == len(equation.terms)
            for key, value in needed.items():
                found[key] = found.get(key) or value  # a name says more than zero
                if otherwise and lone and key[1] == -1:
                    unknown.add(key)
    return {key: value for key, value in found.items() if value or key not in unknown}


def initial_names(loops: Loops) -> dict[str, tuple[str, str]]:
    """h0 -> (h, "-1") where h[-1] is h0: h₀ would be read as h at the first step."""
    return {
        value: (array, "-1") for (array, side), value in loops.boundaries.items()
        if side == -1 and value.rstrip("0123456789") == array
    }


def numbered_like_entries(system: System, loops: Loops) -> frozenset[str]:
    """h0 and h1 beside a recurrence h, whose steps are h₀ and h₁; u0 where u is read at a number,
    u[0]."""
    entered = {read.array for equation in system.equations for read in equation.reads
               if any(not isinstance(entry, Read) and entry.is_Integer for entry in read.at)}
    return frozenset(
        name for name in system.shapes if name not in loops.places
        and (stem := name.rstrip("0123456789")) != name and stem in loops.places.keys() | entered)


def _starts_otherwise(equation: Equation, places: Mapping[str, int]) -> bool:
    """Whether a recurrence says with a term of its own what happens at the first step: then what
    it reads before that is some expression, and not zero."""
    step = equation.out[places[equation.name]]
    return any(span_of(guard, step.symbol, step.size) == (0, 1)
               for term in equation.terms for guard in term.guards)


def merged(equation: Equation, loops: Loops) -> Equation:
    """The equation with its guards at the ends of a loop left to the values beyond them."""
    if not loops.places:
        return equation
    equation = settled(equation)
    changed = True
    while changed:  # a merge changes the terms that the next is looked for in
        changed = False
        for terms, needed, read in _merges(equation, loops):
            if all(loops.boundaries.get(key) == value for key, value in needed.items()) and all(
                    key in loops.boundaries for key in read if key[1] == -1):
                equation, changed = replace(equation, terms=terms), True
                break
    return _with_loop_names(equation, loops)


def settled(equation: Equation) -> Equation:
    """The equation with each bound index that a guard lets have one value alone at that value."""
    if equation.reduction != "sum":
        return equation
    return replace(equation, terms=tuple(map(_settled, equation.terms)))


def _settled(term: Term) -> Term:
    for index in term.over:
        for guard in term.guards:
            span = span_of(guard, index.symbol, index.size)
            if span is not None and sp.expand(span[1] - span[0]) == 1:
                there = span[0]
                kept = tuple(g for g in term.guards if g is not guard)
                if not (there.is_nonnegative and (index.size - 1 - there).is_nonnegative):
                    kept += (Within(sp.S.Zero, there, index.size),)  # there need be no such place
                rest = replace(term, guards=kept,
                               over=tuple(other for other in term.over if other is not index))
                return _settled(substitute_term(rest, {index.symbol: there}))
    return term


def _with_loop_names(equation: Equation, loops: Loops) -> Equation:
    """The loop's own name for an index that counts its steps, where it is free to have it."""
    taken = {index.name for index in equation.out}
    taken |= {index.name for term in equation.terms for index in term.over}
    for index in loop_indices(equation, loops):
        wish = next((
            loops.names[read.array] for read in equation.reads if read.array in loops.places
            and index.symbol in subscript_indices(read.at[loops.places[read.array]])
        ), index.name)
        if wish in taken or index not in equation.out:
            continue
        taken.add(wish)
        by = {index.symbol: index_symbol(wish)}
        equation = replace(
            equation,
            out=tuple(replace(i, name=wish) if i == index else i for i in equation.out),
            terms=tuple(substitute_term(term, by) for term in equation.terms),
        )
    return equation


def loop_indices(equation: Equation, loops: Loops) -> tuple[Index, ...]:
    """The indices of an equation that count the steps of a loop."""
    symbols: set[sp.Symbol] = set()
    if equation.name in loops.places:
        symbols.add(equation.out[loops.places[equation.name]].symbol)
    for read in equation.reads:
        place = loops.places.get(read.array)
        if place is not None and not isinstance(read.at[place], Read):
            symbols |= subscript_indices(read.at[place])
    indices = (*equation.out, *(index for term in equation.terms for index in term.over))
    return tuple(dict.fromkeys(index for index in indices if index.symbol in symbols))


def as_range(guard: Guard) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(low, value, high) with low <= value < high; None for a guard that gathers.

    [a = b] is 0 <= a - b < 1.
    """
    if isinstance(guard, Within):
        return guard.low, sp.expand(guard.value), guard.high
    if isinstance(guard.left, Read) or isinstance(guard.right, Read):
        return None
    return sp.S.Zero, sp.expand(guard.left - guard.right), sp.S.One


def span_of(guard: Guard, symbol: sp.Symbol, size: Size) -> tuple[sp.Expr, sp.Expr] | None:
    """The values low <= t < high that a guard on t alone allows; None for any other guard."""
    found = as_range(guard)
    if found is None:
        return None
    low, value, high = found
    step = value.coeff(symbol)
    shift = sp.expand(value - step * symbol)
    free = {s for part in (shift, low, high) for s in part.free_symbols}
    if step not in (1, -1) or any(not s.is_positive for s in free):
        return None
    if step == -1:  # low <= c - t < high is c - high < t <= c - low
        low, high, shift = sp.expand(1 - high), sp.expand(1 - low), -shift
    low, high = sp.expand(low - shift), sp.expand(high - shift)
    low = sp.S.Zero if low.is_negative else low
    return low, size if sp.expand(high - size).is_nonnegative else high


def _merges(
    equation: Equation, loops: Loops
) -> Iterator[tuple[tuple[Term, ...], dict[tuple[str, Side], str], set[tuple[str, Side]]]]:
    """The terms with one guarded term (and its twin at the end) merged, what that needs, and all
    that is read beyond the end then: zero times what is not there says nothing."""
    if equation.reduction != "sum":
        return
    for term in equation.terms:
        for index in (*equation.out, *term.over):
            end = _end(term, index, loops.places)
            if end is None:
                continue
            side, guard, shifted = end
            open_term = replace(term, guards=tuple(g for g in term.guards if g is not guard))
            merge = _with_twin(equation, term, open_term, index, side, shifted, loops.places)
            if merge is None and _is_inside(equation, open_term, index, side, shifted, loops):
                merge = _with_zero(term, side, shifted)
            if merge is not None:
                twin, needed = merge
                yield tuple(
                    open_term if t is term else t for t in equation.terms if t is not twin
                ), needed, {(term.reads[place].array, side) for place in shifted}


def _end(
    term: Term, index: Index, places: Mapping[str, int]
) -> tuple[Side, Guard, list[int]] | None:
    """(the end that a guard keeps a term away from, the guard, the reads that would be beyond)."""
    shifted: dict[Side, list[int]] = {-1: [], 1: []}
    for place, read in enumerate(term.reads):
        axis = places.get(read.array)
        if axis is None or isinstance(read.at[axis], Read):
            continue
        shift = sp.expand(read.at[axis] - index.symbol)
        if shift in (-1, 1):
            shifted[-1 if shift == -1 else 1].append(place)
    for guard in term.guards:
        span = span_of(guard, index.symbol, index.size)
        if span is None:
            continue
        if shifted[-1] and span == (1, index.size):
            return -1, guard, shifted[-1]
        if shifted[1] and span == (0, sp.expand(index.size - 1)):
            return 1, guard, shifted[1]
    return None


_Merge: TypeAlias = tuple[Term | None, dict[tuple[str, Side], str]]
"""The term that says what happens at the end, if any, and the values beyond it."""


def _with_twin(
    equation: Equation, term: Term, open_term: Term, index: Index, side: Side,
    shifted: Sequence[int], places: Mapping[str, int],
) -> _Merge | None:
    """A term that is this one at the end, with other arrays (or zero) for what lies beyond."""
    last = sp.S.Zero if side == -1 else sp.expand(index.size - 1)
    at_end = substitute_term(open_term, {index.symbol: last})
    over = tuple(other for other in open_term.over if other != index)
    for twin in equation.terms:
        if twin is term or len(twin.over) != len(over):
            continue
        here = _at_the_end(twin, index, last, bound=index in term.over)
        if here is None or here.guards != at_end.guards or here.over != over:
            continue
        # What each read beyond the end may be: zero, or an array read there in its place.
        choices: list[list[tuple[str, Read | None]]] = []
        for place in shifted:
            rest = _rest(at_end.reads[place], places)
            choices.append([("", None), *((r.array, r) for r in here.reads if r.at == rest)])
        for chosen in product(*choices):
            if _agree(at_end, here, dict(zip(shifted, chosen, strict=True))):
                return twin, {(term.reads[place].array, side): name
                              for place, (name, _) in zip(shifted, chosen, strict=True)}
    return None


def _is_inside(
    equation: Equation, term: Term, index: Index, side: Side, shifted: Sequence[int], loops: Loops
) -> bool:
    """Whether all else that a term reads is there at the end that its guard kept it away from:
    b[m - t - 2] is not at t = m - 1, and 0 times it would say nothing.  That terms at t + 1 vanish
    is said of them all."""
    last = sp.S.Zero if side == -1 else sp.expand(index.size - 1)
    ranges = {other.symbol: other.size for other in (*equation.out, *term.over)}

    def there(read: Read, told: Collection[sp.Expr], but: int | None = None) -> bool:
        shape = loops.shapes.get(read.array)
        for axis, entry in enumerate(read.at):
            if isinstance(entry, Read):
                if not there(entry, ()):
                    return False
            elif (index.symbol in entry.free_symbols and axis != but and shape is not None
                  and entry not in told):
                at = sp.expand(entry.xreplace({index.symbol: last}))
                if not (any(isinstance(guard, Within) and guard.low == 0 and guard.value == entry
                            and guard.high == shape[axis] for guard in term.guards)
                        or holds(Within(sp.S.Zero, at, shape[axis]), ranges)):
                    return False
        return True

    behind = {index.symbol + 1} if side == 1 else set()
    return all(there(read, behind, loops.places[read.array] if place in shifted else None)
               for place, read in enumerate(term.reads) if read.array != INDEX_VALUE)


def _with_zero(term: Term, side: Side, shifted: Sequence[int]) -> _Merge | None:
    """No term: what would be read beyond the end is zero, if the term is zero then.

    One array that is zero may do; a term that is zero where several are needs them all.
    """
    for lone in [*shifted, None] if len(shifted) > 1 else shifted:
        gone = [place for place in shifted
                if lone is None or term.reads[place].array == term.reads[lone].array]
        if _vanishes(term.body, gone):
            return None, {(term.reads[place].array, side): "" for place in gone}
    return None


def _vanishes(body: sp.Expr, places: Sequence[int]) -> bool:
    """Whether the body is zero, whatever else it reads, where these reads are."""
    put = sp.expand(body).xreplace({slot(place): sp.S.Zero for place in places})
    return bool(put == 0)


def _at_the_end(term: Term, index: Index, last: sp.Expr, bound: bool) -> Term | None:
    """A term that holds at the last (first) step alone, there; None where it holds elsewhere."""
    if bound and index not in term.over:
        return term
    for guard in term.guards:
        span = span_of(guard, index.symbol, index.size)
        if span is not None and span == (last, sp.expand(last + 1)):
            rest = replace(term, guards=tuple(g for g in term.guards if g is not guard))
            return substitute_term(rest, {index.symbol: last})
    return None


def _rest(read: Read, places: Mapping[str, int]) -> tuple[object, ...]:
    axis = places[read.array]
    return (*read.at[:axis], *read.at[axis + 1:])


def _agree(one: Term, other: Term, beyond: Mapping[int, tuple[str, Read | None]]) -> bool:
    """Whether the bodies are the same, with other reads (or zero) for those beyond the end."""
    move: dict[sp.Symbol, sp.Expr] = {}
    for place, read in enumerate(one.reads):
        put = beyond[place][1] if place in beyond else read
        if put is None:
            move[slot(place)] = sp.S.Zero
        elif put in other.reads:
            move[slot(place)] = slot(other.reads.index(put))
        else:
            return False
    return bool(sp.expand(one.body.xreplace(move) - other.body) == 0)


def beyond(equation: Equation, loops: Loops) -> dict[tuple[str, Side], str]:
    """The values beyond an end that an equation's merged form reads."""
    found: dict[tuple[str, Side], str] = {}
    symbols = [index.symbol for index in loop_indices(equation, loops)]
    for term in equation.terms:
        for read in term.reads:
            axis = loops.places.get(read.array)
            if axis is None or isinstance(read.at[axis], Read):
                continue
            for symbol in symbols:
                shift = sp.expand(read.at[axis] - symbol)
                sides: tuple[tuple[int, Side], ...] = ((-1, -1), (1, 1))
                for step, side in sides:
                    if shift == step and (read.array, side) in loops.boundaries:
                        found[read.array, side] = loops.boundaries[read.array, side]
    return found
