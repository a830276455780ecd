"""Sums that already have a name, named rather than taken again, and sums that are 0.

    named_sums   Σ_k A[i, k] x[k] d    with z[i] = Σ_k A[i, k] x[k]     ->   z[i] d
    centred      Σ_k (x[k] - μ) d      with μ = 1/n Σ_k x[k]            ->   0

A sum is named where a term has all that it is of, and nothing else in the term depends on its
index; what is centred is split, each part named, and kept where they cancel.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from ..equation import (
    Equal,
    Equation,
    Index,
    Item,
    Read,
    Term,
    Within,
    guard_subscripts,
    is_unnamed,
    slot,
    slots_of,
    subscript_indices,
)
from ..solving import holds, prune
from ..substitution import substitute_read
from .rewrite import tidy

READS, PARTS, MANY = 6, 12, 12
"""Reads of a sum that is looked for, summands that a body is split into, and sums that begin with
one array, at most."""


@dataclass(frozen=True)
class NamedSums:
    """The sums of a forward pass, by the first array that they read."""

    by_array: Mapping[str, Sequence[Equation]]

    @staticmethod
    def of(items: Iterable[Item], every: bool = False) -> NamedSums:
        """Those of items that have a name of their own, or `every` one; none of a recurrence."""
        found: dict[str, list[Equation]] = defaultdict(list)
        for equation in items:
            if isinstance(equation, Equation) and is_sum(equation) and (
                    every or not is_unnamed(equation.name)):
                found[equation.terms[0].reads[0].array].append(equation)
        return NamedSums(found)

    def near(self, term: Term) -> list[Equation]:
        arrays = dict.fromkeys(read.array for read in term.reads)
        return [equation for array in arrays for equation in self.by_array.get(array, ())
                if len(self.by_array[array]) <= MANY]


def is_sum(equation: Equation) -> bool:
    """y[out] = Σ_over f(...), without conditions, of few arrays each read at indices alone."""
    if equation.reduction != "sum" or len(equation.terms) != 1:
        return False
    (term,) = equation.terms
    if term.body.is_number:
        return False
    return bool(term.over) and not term.guards and 0 < len(term.reads) <= READS and all(
        not isinstance(entry, Read) and (entry.is_Symbol or entry.is_number)
        for read in term.reads for entry in read.at)


def named_sums(equation: Equation, known: NamedSums) -> tuple[Equation, tuple[str, ...]]:
    """The equation with names for sums that have one, and which these are."""
    if equation.reduction != "sum" or not known.by_array:
        return equation, ()
    used: dict[str, None] = {}
    terms = tuple(_named(term, known, used, equation.out) for term in equation.terms)
    return (tidy(replace(equation, terms=terms)), tuple(used)) if used else (equation, ())


def centred(equation: Equation, known: NamedSums) -> tuple[Equation, tuple[str, ...]]:
    """The equation without the sums that are 0 by what a name stands for, and by which names."""
    if equation.reduction != "sum" or not known.by_array:
        return equation, ()
    used: dict[str, None] = {}
    kept = []
    for term in equation.terms:
        zero: dict[str, None] = {}
        if term.over and not term.guards and known.near(term) and _is_zero(
                equation, term, known, zero):
            used |= zero
        else:
            kept.append(term)
    return (replace(equation, terms=tuple(kept)), tuple(used)) if used else (equation, ())


def _is_zero(
    equation: Equation, term: Term, known: NamedSums, used: dict[str, None]
) -> bool:
    """Whether a term's summands, those that are sums with a name under it, cancel."""
    parts = sp.Add.make_args(sp.expand(term.body))
    if not 1 < len(parts) <= PARTS:
        return False
    terms = []
    for part in parts:
        body, reads = prune(part, term.reads)
        own = replace(term, body=body, reads=reads)
        terms.append(_counted(_named(own, known, used, equation.out)))
    left = tidy(replace(equation, terms=tuple(terms)))
    return bool(used) and all(sp.expand(found.body) == 0 for found in left.terms)


def _counted(term: Term) -> Term:
    """Σ over an index that nothing has as a factor."""
    held = _indices(term)
    idle = [index for index in term.over if index.symbol not in held]
    return replace(term, body=term.body * sp.Mul(*(index.size for index in idle)),
                   over=tuple(index for index in term.over if index not in idle))


def _indices(term: Term) -> set[sp.Symbol]:
    return {symbol for read in term.reads for entry in read.at
            for symbol in subscript_indices(entry)} | {
        symbol for guard in term.guards for part in guard_subscripts(guard)
        for symbol in subscript_indices(part)}


def _named(
    term: Term, known: NamedSums, used: dict[str, None], out: Sequence[Index]
) -> Term:
    """The term with a name for each sum that has one."""
    changed = bool(term.over)
    while changed:
        changed = False
        for source in known.near(term) if term.over else ():
            made = _with_name(term, source, out)
            if made is not None:
                term, changed = made, True
                used[source.name] = None
                break
    return term


def _with_name(term: Term, source: Equation, out: Sequence[Index]) -> Term | None:
    """The term with the name of one sum; None where it has no such sum."""
    (wanted,) = source.terms
    if len(wanted.over) > len(term.over) or Counter(r.array for r in wanted.reads) - Counter(
            r.array for r in term.reads):
        return None
    for placed in placements(wanted.reads, term.reads, source.out, wanted.over):
        made = _factored(term, source, placed) if inside(source, placed, term, out) else None
        if made is not None:
            return made
    return None


def _factored(
    term: Term, source: Equation, placed: Mapping[sp.Symbol, sp.Expr]
) -> Term | None:
    (wanted,) = source.terms
    bound = _bound(term, wanted, placed)
    if not bound:
        return None
    symbols = {index.symbol for index in bound}
    places = [term.reads.index(substitute_read(read, placed)) for read in wanted.reads]
    inside = {slot(place) for place, read in enumerate(term.reads)
              if any(symbols & subscript_indices(entry) for entry in read.at)}
    outside = [part for guard in term.guards for part in guard_subscripts(guard)]
    if not inside <= set(map(slot, places)) or any(
            symbols & subscript_indices(part) for part in outside):
        return None
    value = wanted.body.xreplace({slot(p): slot(place) for p, place in enumerate(places)})
    rest = _divided(term.body, value)
    if rest is None or inside & set(slots_of(rest)):
        return None
    name = Read(source.name, tuple(placed[index.symbol] for index in source.out))
    body, reads = prune(rest * slot(len(term.reads)), (*term.reads, name))
    return replace(term, body=body, reads=reads,
                   over=tuple(index for index in term.over if index not in bound))


def _bound(
    term: Term, wanted: Term, placed: Mapping[sp.Symbol, sp.Expr]
) -> list[Index]:
    """The indices of a term that those of a sum are; none where they are not."""
    bound: list[Index] = []
    for index in wanted.over:
        found = next((i for i in term.over if i.symbol == placed[index.symbol]), None)
        if found is None or found in bound or found.size != index.size:
            return []
        bound.append(found)
    return bound


def _divided(body: sp.Expr, value: sp.Expr) -> sp.Expr | None:
    """body / value where the factors of `value` are among those of `body`, so that nothing is
    divided by that was not before."""
    rest = dict(factor.as_base_exp() for factor in sp.Mul.make_args(body))
    number = sp.S.One
    for factor in sp.Mul.make_args(value):
        base, exponent = factor.as_base_exp()
        if base.is_number:
            number *= factor
            continue
        there = rest.get(base)
        if there is None or not exponent.is_Rational or not there.is_Rational or (
                exponent * there < 0 or abs(there) < abs(exponent)):
            return None
        rest[base] = there - exponent
    return sp.Mul(*(base**exponent for base, exponent in rest.items())) / number


# --- where an equation's indices are ------------------------------------------------------------

TRIED = 64
"""Ways of placing an equation's indices that are looked at."""


def placements(
    wanted: Sequence[Read], reads: Sequence[Read], *indices: Sequence[Index]
) -> Iterator[Mapping[sp.Symbol, sp.Expr]]:
    """How the indices of an equation must be set for all `wanted` to be among a term's reads: no
    two alike, since 1/h is no diagonal entry of K[i, j] = exp(-(x[i] - x[j])²)/h to a reader."""
    symbols = {index.symbol for part in indices for index in part}
    units = {index.symbol: sp.S.Zero for part in indices for index in part if index.size == 1}
    left = [TRIED]

    def placed(place: int, so_far: dict[sp.Symbol, sp.Expr]
               ) -> Iterator[Mapping[sp.Symbol, sp.Expr]]:
        if place == len(wanted):
            set_to = [entry for entry in so_far.values() if entry.free_symbols]
            if so_far.keys() | units.keys() == symbols and len(set(set_to)) == len(set_to):
                yield {**units, **so_far}
            return
        for read in dict.fromkeys(reads):
            if read.array != wanted[place].array or left[0] <= 0:
                continue
            left[0] -= 1
            found = _fitted(wanted[place], read, symbols, so_far)
            if found is not None:
                yield from placed(place + 1, found)

    return placed(0, {})


def inside(
    source: Equation, placed: Mapping[sp.Symbol, sp.Expr], term: Term, out: Sequence[Index]
) -> bool:
    """Whether an equation has a value at the places it is set to, wherever the term of an equation
    with the indices `out` holds: what it reads may go on beyond its own ends."""
    ranges = {index.symbol: index.size for index in (*out, *term.over)}
    moved: dict[sp.Symbol, sp.Expr] = {}
    for guard in term.guards:
        if isinstance(guard, Within) and guard.value in ranges and guard.value not in moved:
            moved[guard.value] = guard.value + guard.low
            ranges[guard.value] = guard.high - guard.low
    fixed = {one: other for guard in term.guards if isinstance(guard, Equal)
             for one, other in ((guard.left, guard.right), (guard.right, guard.left))
             if isinstance(one, sp.Symbol) and one in ranges and not isinstance(other, Read)
             and one not in other.free_symbols}
    return all(
        holds(Within(sp.S.Zero, entry, index.size), ranges)
        for index in source.out
        for entry in [sp.expand(placed[index.symbol].xreplace(fixed).xreplace(moved))])


def _fitted(
    wanted: Read, read: Read, symbols: set[sp.Symbol], so_far: Mapping[sp.Symbol, sp.Expr]
) -> dict[sp.Symbol, sp.Expr] | None:
    found = dict(so_far)
    for entry, there in zip(wanted.at, read.at, strict=True):
        if entry in symbols and not isinstance(there, Read):
            if found.setdefault(entry, there) != there:
                return None
        elif entry != there:
            return None
    return found
