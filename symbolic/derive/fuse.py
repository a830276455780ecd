"""A forward pass as a reader wants it: what an operation at a time gave is put together.

    t1 = X W, t2 = t1 + b, A = tanh(t2)   ->   t2 = X W + b, A = tanh(t2)

A trace or a parsed text has one equation an operation; a reader wants Z = X W + b.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..dependence import arrays_read, readers_of, solved_for
from ..equation import (
    Equation,
    Item,
    Read,
    Recurrence,
    System,
    is_unnamed,
    slot,
    slots_of,
    term_reads,
)
from ..substitution import map_reads, rename_arrays, substitute_term
from ..validation import validate
from .rewrite import inline


def fuse_forward(system: System, keep: set[str]) -> System:
    """The forward pass with unnamed intermediates (t1, t2, ...) put into what reads them.

    A trace or a parsed text has one equation an operation; a reader wants Z = X W + b.
    """
    keep = keep | solved_for(system)
    loops = {e.name: item for item in system.items if isinstance(item, Recurrence)
             for e in item.equations}
    flat = _without_units(list(system.equations), keep | loops.keys())
    flat = _smooth_maxima(_once_each(flat, keep), keep)
    levels = {equation.name for equation in flat if equation.reduction == "logsumexp"}
    left = {equation.name: equation for equation in flat}
    reading_of = readers_of(flat)
    for name in [name for name in left if is_unnamed(name) and name not in keep]:
        target = left[name]
        reading = [left[reader] for reader in reading_of.get(name, ())]
        put = _put_into(reading, target, loops, levels)
        if put is None:
            continue
        del left[name]
        left |= {equation.name: equation for equation in put}
        # Its readers now read what it read; searching all equations again would be quadratic.
        for array in arrays_read(target):
            del reading_of[array][name]
            reading_of[array] |= {equation.name: None for equation in reading}
    return validate(replace(system, items=tuple(_regrouped(system.items, left))))


def _put_into(
    reading: Sequence[Equation], target: Equation, loops: Mapping[str, Recurrence],
    levels: Collection[str],
) -> list[Equation] | None:
    """The readers of an equation with its right side in them; None where it keeps its name."""
    if not reading or (len(reading) > 1 and not is_short(target)):
        return None
    if target.name in loops and not _at_the_same_step(target, reading, loops):
        return None
    put = []
    for reader in reading:
        made = inline(reader, target)
        if made is None:
            return None
        put.append(made)
    if _is_softmax(target, levels) and any(
        term.over and term.body.has(sp.exp) for equation in put for term in equation.terms
    ):
        return None  # its gradient is written in its value; in a logarithm it is a difference
    return put


def _regrouped(items: Iterable[Item], left: Mapping[str, Equation]) -> Iterator[Item]:
    """What is left of the items, each equation in its place."""
    for item in items:
        if not isinstance(item, Equation):
            kept = tuple(left[e.name] for e in item.equations if e.name in left)
            yield replace(item, equations=kept)
        elif item.name in left:
            yield left[item.name]


def _is_softmax(equation: Equation, levels: Collection[str]) -> bool:
    """exp(z - Λ) with Λ a log Σ exp."""
    return (equation.is_pointwise and isinstance(equation.terms[0].body, sp.exp)
            and any(read.array in levels for read in equation.reads))


def _at_the_same_step(
    target: Equation, reading: Sequence[Equation], loops: Mapping[str, Recurrence]
) -> bool:
    """Whether an equation of a loop is read in that loop alone, and at the step it is for."""
    loop = loops[target.name]
    place = next(p for p, index in enumerate(target.out) if index.name == loop.loop)
    return all(
        loops.get(reader.name) is loop
        and all(read.at[place] == target.out[place].symbol
                for read in reader.reads if read.array == target.name)
        for reader in reading
    )


def _without_units(equations: list[Equation], keep: set[str]) -> list[Equation]:
    """Unnamed arrays lose the axes of length 1 that keepdims gave them."""
    for place in range(len(equations)):
        equation = equations[place]  # as the ones before have left it
        name = equation.name
        axes = [axis for axis, index in enumerate(equation.out) if index.size == 1]
        if not axes or not is_unnamed(name) or name in keep or equation.argmax:
            continue

        def shorter(read: Read, name: str = name, axes: Sequence[int] = axes) -> Read:
            if read.array != name:
                return read
            return Read(name, tuple(e for axis, e in enumerate(read.at) if axis not in axes))

        zeros = {equation.out[axis].symbol: sp.S.Zero for axis in axes}
        out = tuple(index for axis, index in enumerate(equation.out) if axis not in axes)
        terms = tuple(substitute_term(term, zeros) for term in equation.terms)
        equations = [
            replace(e, out=out, terms=terms) if e.name == name
            else replace(e, terms=tuple(map_reads(term, shorter) for term in e.terms))
            if any(read.array == name for read in e.reads) else e
            for e in equations
        ]
    return equations


def _once_each(equations: list[Equation], keep: set[str]) -> list[Equation]:
    """Unnamed arrays with the same right side as one."""
    kept: list[Equation] = []
    names: dict[str, str] = {}
    first: dict[object, str] = {}

    for equation in equations:  # in order, so that what two names for one made alike meets too
        moved = rename_arrays(equation, names)
        key = (moved.out, moved.terms, moved.reduction)
        if is_unnamed(equation.name) and equation.name not in keep and key in first:
            names[equation.name] = first[key]
            continue
        first.setdefault(key, equation.name)
        kept.append(moved if names else equation)
    return kept


def _smooth_maxima(equations: list[Equation], keep: set[str]) -> list[Equation]:
    """f Σ exp z as f exp(log Σ exp z) where it divides exponentials or stands in a logarithm, for a
    number f, such as the 1/n of a mean.

    So exp(z)/Σ exp z is a softmax, finite for every z.
    """
    for place in range(len(equations)):
        equation = equations[place]
        name = equation.name
        terms = equation.terms
        if (not is_unnamed(name) or name in keep or equation.reduction != "sum"
                or len(terms) != 1 or not terms[0].over or terms[0].guards
                or not terms[0].reads):
            continue
        factor, power = terms[0].body.as_independent(*slots_of(terms[0].body), as_Add=False)
        if not isinstance(power, sp.exp) or not factor.is_positive:
            continue
        reading = {
            e.name: _with_level(e, name, factor) for e in equations
            if any(read.array == name for read in e.reads)
        }
        if not reading or None in reading.values():
            continue
        changed = {n: e for n, e in reading.items() if e is not None}
        level = replace(equation, reduction="logsumexp",
                        terms=(replace(terms[0], body=power.args[0]),))
        equations = [level if e is equation else changed.get(e.name, e) for e in equations]
    return equations


def _with_level(reader: Equation, name: str, factor: sp.Expr) -> Equation | None:
    """The reader of f Σ exp z with f exp(Λ) for it; None where exp(Λ) would stand by itself."""
    terms = []
    for term in reader.terms:
        if any(read.array == name for read in set(term_reads(term)) - set(term.reads)):
            return None
        levels = {slot(p): factor * sp.exp(slot(p))
                  for p, r in enumerate(term.reads) if r.array == name}
        body = sp.powsimp(term.body.xreplace(levels), combine="exp", deep=True)
        for part in body.atoms(sp.log):
            if part.has(*levels):
                body = body.xreplace({part: sp.expand_log(part)})
        if any(power.args[0].as_coeff_Mul()[1] in levels for power in body.atoms(sp.exp)):
            return None
        terms.append(replace(term, body=body))
    return replace(reader, terms=tuple(terms))


def is_short(equation: Equation) -> bool:
    """A copy, a constant, or a constant multiple: nothing is lost by writing it out again."""
    return equation.is_pointwise and sp.count_ops(equation.terms[0].body) <= 1
