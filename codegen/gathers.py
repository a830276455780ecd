"""Integer arrays in subscripts and guards, as NumPy takes them.

x[s[i], j] is an array of its own, x[s]; a guard [a = s[i]] is a comparison of arrays; a sum over
the i with [s[i] = a] for an index a of the left side adds values at places, np.add.at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from ..symbolic.equation import (
    INDEX_VALUE,
    Equal,
    Equation,
    Index,
    Read,
    Size,
    Subscript,
    Term,
    slot,
    subscript_indices,
)

RANGE = "#range"
"""The name of the array 0, 1, 2, ..., which has no end."""

ENDLESS = (sp.oo,)
"""Its shape."""


def compared(equation: Equation, every: bool = False) -> Equation:
    """The equation with each guard on the entries of an integer array (or `every` equality) as a
    factor that is 1 where it holds and 0 elsewhere, and with values of indices as reads of
    :data:`RANGE`."""
    if equation.reduction != "sum":
        return replace(equation, terms=tuple(map(_valued, equation.terms)))
    return replace(equation, terms=tuple(
        _valued(_compared(term, every)) for term in equation.terms))


def _compared(term: Term, every: bool) -> Term:
    reads, body = list(term.reads), term.body

    def value(side: Subscript) -> sp.Expr:
        if isinstance(side, Read):
            reads.append(side)
            return slot(len(reads) - 1)
        indices = [symbol for symbol in side.free_symbols if not symbol.is_positive]
        if not indices:
            return side
        # A place in a window, i - 2 k, is one value where one of its indices is solved for.
        lone = len(indices) == 1
        reads.append(Read(INDEX_VALUE, (indices[0] if lone else side,)))
        return side.xreplace({indices[0]: slot(len(reads) - 1)}) if lone else slot(len(reads) - 1)

    guards = []
    for guard in term.guards:
        if isinstance(guard, Equal) and (
            every or isinstance(guard.left, Read) or isinstance(guard.right, Read)
        ):
            sides = sorted((guard.left, guard.right), key=lambda side: not isinstance(side, Read))
            body *= sp.Piecewise((sp.S.One, sp.Eq(value(sides[0]), value(sides[1]))),
                                 (sp.S.Zero, True))
        else:
            guards.append(guard)
    return replace(term, body=body, reads=tuple(reads), guards=tuple(guards))


def _valued(term: Term) -> Term:
    return replace(term, reads=tuple(
        Read(RANGE, read.at) if read.array == INDEX_VALUE else read for read in term.reads
    ))


# --- x[s] as an array ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Gathered:
    """A read with integer arrays among its subscripts: the text of the array that it is, the
    indices of its axes, and its shape."""

    text: str
    axes: tuple[Subscript, ...]
    shape: tuple[Size, ...]


def gathered(
    read: Read, sizes: Mapping[sp.Symbol, Size], shapes: Mapping[str, tuple[Size, ...]],
    place_text: Mapping[sp.Symbol, str],
) -> Gathered | None:
    """x[s[i], j] as x[s] with the axes i, j; None for a read without integer arrays, or with more
    in a subscript than one array or one index.

    `place_text` says what stands for an index that runs beside an integer array with it.
    """
    chosen = _chosen(read, sizes)
    if chosen is None or read.array == INDEX_VALUE:  # which is no array
        return None
    text: list[str] = []
    advanced: list[int] = []
    plain: dict[int, sp.Symbol] = {}
    for place, (entry, size) in enumerate(zip(read.at, shapes[read.array], strict=True)):
        if isinstance(entry, Read):
            if list(entry.at) != chosen[len(chosen) - len(entry.at):]:
                return None  # axes in another order: a transposition
            text.append(entry.array)
        elif entry in chosen:
            deep = len(chosen) - chosen.index(entry) - 1
            text.append(place_text[entry] + (f"[:{', None' * deep}]" if deep else ""))
        elif sizes.get(entry) == size:
            plain[place] = entry
            text.append(":")
            continue
        else:
            return None
        advanced.append(place)
    axes = _axes(advanced, chosen, plain)
    if len(set(axes)) < len(axes):
        return None
    while text[-1] == ":":
        text.pop()
    return Gathered(f"{read.array}[{', '.join(text)}]", tuple(axes),
                    tuple(sizes[axis] for axis in axes))


def _chosen(read: Read, sizes: Mapping[sp.Symbol, Size]) -> list[sp.Symbol] | None:
    """The indices of the integer arrays in a read, each once; None where it has no such array or
    one of them another entry."""
    inner = [entry for entry in read.at if isinstance(entry, Read)]
    entries = [e for entry in inner for e in entry.at if not isinstance(e, Read) and e in sizes]
    if not inner or len(entries) < sum(len(entry.at) for entry in inner):
        return None
    return list(dict.fromkeys(entries))


def _axes(
    advanced: Sequence[int], chosen: Sequence[sp.Symbol], plain: Mapping[int, sp.Symbol]
) -> list[sp.Symbol]:
    """The axes of what NumPy picks by arrays at the places `advanced`: theirs stand where those
    are, if they stand together, else in front."""
    together = list(advanced) == list(range(advanced[0], advanced[-1] + 1))
    front = [place for place in plain if together and place < advanced[0]]
    return [*(plain[p] for p in front), *chosen, *(plain[p] for p in plain if p not in front)]


# --- values added at places ---------------------------------------------------------------------


@dataclass(frozen=True)
class Scatter:
    """Values, an equation of their own, that are added at the places of an array in `labels` along
    one axis of the result (`axis`), all of the others as they are."""

    values: Equation
    labels: str
    axis: int


def scatter(equation: Equation, term: Term) -> Scatter | None:
    """Σ_i [s[i] = a] f(i, ...) for an index a of the left side; None for any other term."""
    if equation.reduction != "sum":
        return None
    for guard in term.guards:
        if not isinstance(guard, Equal):
            continue
        for labels, place in ((guard.left, guard.right), (guard.right, guard.left)):
            found = _scattered(equation, term, guard, labels, place)
            if found is not None:
                return found
    return None


def _scattered(
    equation: Equation, term: Term, guard: Equal, labels: Subscript, place: Subscript
) -> Scatter | None:
    symbols = [index.symbol for index in equation.out]
    if not isinstance(labels, Read) or isinstance(place, Read) or place not in symbols:
        return None
    over = {index.symbol: index for index in term.over}
    lead = tuple(over[e] for e in labels.at if not isinstance(e, Read) and e in over)
    rest = replace(term, guards=tuple(g for g in term.guards if g is not guard))
    elsewhere = {s for read in rest.reads for e in read.at for s in subscript_indices(e)}
    if rest.guards or place in elsewhere or len(set(lead)) < len(labels.at):
        return None
    axis = symbols.index(place)
    out: Sequence[Index] = equation.out
    values = Equation(
        f"{equation.name} at {labels.array}", (*out[:axis], *lead, *out[axis + 1:]),
        (replace(rest, over=tuple(index for index in term.over if index not in lead)),))
    return Scatter(values, labels.array, axis)
