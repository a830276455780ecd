"""Arrays that are others in another shape: equations that are no more than that, and copies where
an array that is returned would have the memory of another."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from ..symbolic.equation import (
    Equal,
    Equation,
    Index,
    Read,
    Size,
    System,
    Term,
    Within,
    index_symbol,
    slot,
)
from ..symbolic.mixed_radix import by_digits


def reshaped(equation: Equation, shapes: Mapping[str, tuple[Size, ...]]) -> str | None:
    """The array that the equation is a reshape of; None where it is more than that.

    y[i, k] = Σ_cj [k = n c + j] x[i, c, j] reads the place i n m + k of x at the place
    i n m + n c + j of y, where the shapes have as many entries.
    """
    if equation.reduction != "sum" or len(equation.terms) != 1:
        return None
    (term,) = equation.terms
    if term.body != slot(0) or len(term.reads) != 1 or not equation.out:
        return None
    (read,) = term.reads
    places = _places(equation, read, shapes)
    if places is None:
        return None
    here, there = places
    gap = sp.expand(here - there)
    bound = {index.symbol for index in term.over}
    if not bound <= gap.free_symbols or (gap == 0) != (not term.guards):
        return None
    if gap == 0:
        return read.array
    if not _is_read_whole(equation, read, shapes) or not (
            gap.free_symbols.isdisjoint({i.symbol for i in equation.out} & {*read.at})):
        return None  # [i = 0] x[0] is one entry of x, and zeros
    asked = _differences(equation, term)
    wanted = _differences(equation, Term(slot(0), (read,), term.over, (Equal(here, there),)))
    return read.array if asked is not None and asked == wanted else None


def _is_read_whole(
    equation: Equation, read: Read, shapes: Mapping[str, tuple[Size, ...]]
) -> bool:
    """Whether the indices of a read run through every entry of its array."""
    sizes = {index.symbol: index.size
             for index in (*equation.out, *(i for term in equation.terms for i in term.over))}
    return len({*read.at}) == len(read.at) and all(
        sizes.get(entry) == size
        for entry, size in zip(read.at, shapes[read.array], strict=True))


def flattened(equation: Equation, shapes: Mapping[str, tuple[Size, ...]]) -> Equation | None:
    """The equation over the shape of the arrays that it reads, whose reshape it is; None where it
    is none.

    y[i, k] = a[i n + k] - b[i n + k] is y'[p] = a[p] - b[p], written in rows of n.
    """
    reads = [read for term in equation.terms for read in term.reads]
    if equation.reduction != "sum" or not reads or not equation.out:
        return None
    shape = shapes.get(reads[0].array, ())
    if any(term.over or term.guards for term in equation.terms) or any(
        read.at != reads[0].at or shapes.get(read.array) != shape for read in reads
    ):
        return None
    places = _places(equation, reads[0], shapes)
    if places is None or not shape or sp.expand(places[0] - places[1]) != 0:
        return None
    out = tuple(Index(f"p{axis}", size) for axis, size in enumerate(shape))
    at = tuple(index.symbol for index in out)
    return replace(equation, out=out, terms=tuple(
        replace(term, reads=tuple(Read(read.array, at) for read in term.reads))
        for term in equation.terms))


def _places(
    equation: Equation, read: Read, shapes: Mapping[str, tuple[Size, ...]]
) -> tuple[sp.Expr, sp.Expr] | None:
    """Where an entry of the equation and the one that it reads stand, row after row; None where
    the two arrays have not as many entries."""
    shape = shapes.get(read.array, ())
    entries = [entry for entry in read.at if not isinstance(entry, Read)]
    if not len(entries) == len(read.at) == len(shape) or (
        sp.expand(sp.Mul(*equation.shape) - sp.Mul(*shape)) != 0
    ):
        return None
    return (_place([index.symbol for index in equation.out], equation.shape),
            _place(entries, shape))


def _place(entries: Sequence[sp.Expr], shape: Sequence[Size]) -> sp.Expr:
    """Where an entry stands when the array is written row after row."""
    place: sp.Expr = sp.S.Zero
    for entry, size in zip(entries, shape, strict=True):
        place = place * size + entry
    return place


def _differences(equation: Equation, term: Term) -> set[sp.Expr] | None:
    """What a term's equalities say is zero, digit by digit; None for any other guard."""
    split = by_digits(System((), (Equation(equation.name, equation.out, (term,)),)))
    found = set()
    for guard in next(split.equations).terms[0].guards:
        if not isinstance(guard, Equal) or isinstance(guard.left, Read) or isinstance(
                guard.right, Read):
            return None
        gap = sp.expand(guard.left - guard.right)
        lead = min((s for s in gap.free_symbols if not s.is_positive), key=str,
                   default=index_symbol(""))
        found.add(-gap if gap.coeff(lead).could_extract_minus_sign() else gap)
    return found


def in_digits(
    read: Read, sizes: Mapping[sp.Symbol, Size], shape: Sequence[Size]
) -> tuple[tuple[Size, ...], tuple[sp.Expr, ...]] | None:
    """The shape in which an array has an axis for each index of a place that is a number in a mixed
    radix, and the indices: W[n m i + m j + k, l] reads the entry i, j, k, l of W as (p, n, m, q).
    None where no place is one, or where it does not run along its whole axis.
    """
    axes: list[Size] = []
    at: list[sp.Expr] = []
    for entry, size in zip(read.at, shape, strict=True):
        digits = [] if isinstance(entry, Read) else sorted(
            entry.free_symbols & sizes.keys(), key=lambda s: (sp.count_ops(entry.coeff(s)), str(s)))
        if len(digits) < 2:
            axes.append(size)
            at.append(entry)
            continue
        order = _radix(entry, digits, sizes)
        if not order or sp.expand(sp.Mul(*(sizes[s] for s in order)) - size) != 0:
            return None
        axes += [sizes[s] for s in order]
        at += order
    return (tuple(axes), tuple(at)) if len(axes) > len(shape) else None


def _radix(
    entry: sp.Expr, digits: Sequence[sp.Symbol], sizes: Mapping[sp.Symbol, Size]
) -> list[sp.Symbol]:
    """The digits of a place, the highest first; none where it is no number of such digits."""
    left, weight, order = list(digits), sp.expand(1), list[sp.Symbol]()
    while left:
        lowest = next((s for s in left if sp.expand(entry.coeff(s) - weight) == 0), None)
        if lowest is None:
            return []
        left.remove(lowest)
        order.insert(0, lowest)
        weight = sp.expand(weight * sizes[lowest])
    rest = sp.expand(entry - sum(entry.coeff(s) * s for s in order))
    return order if rest == 0 else []


MOST_PLACES = 25
"""Places in a kernel up to which a convolution is one product of windows, which have as many times
the entries of what they are taken from; larger ones are added place by place."""


@dataclass(frozen=True)
class Window:
    """Two axes in the place of one: x[step[0]*i + step[1]*u + shift] for i < size[0], u < size[1],
    the smaller one second, and 0 beyond the ends of x."""

    axis: int
    indices: tuple[sp.Symbol, sp.Symbol]
    sizes: tuple[Size, Size]
    steps: tuple[int, int]
    shift: sp.Expr


def in_windows(term: Term, sizes: Mapping[sp.Symbol, Size], shapes: Mapping[str, Sequence[Size]]
               ) -> tuple[Term, dict[int, list[Window]]] | None:
    """A product that reads entries a i + b u + c, as one without the guards that keep these within
    their arrays, and the windows by the places of the reads; None where there are none."""
    if len(term.reads) < 2:
        return None
    found: dict[int, list[Window]] = {}
    kernel = 1
    guards = list(term.guards)
    for number, read in enumerate(term.reads):
        shape = shapes.get(read.array, ())
        for axis, (entry, size) in enumerate(zip(read.at, shape, strict=False)):
            indices = set() if isinstance(entry, Read) else entry.free_symbols & sizes.keys()
            if isinstance(entry, Read) or len(indices) != 2:
                continue
            window = _window(axis, entry, indices, sizes)
            if window is None or term.body.xreplace({slot(number): sp.S.Zero}) != 0:
                return None
            kernel *= int(window.sizes[1])
            found.setdefault(number, []).append(window)
            guards = [g for g in guards if not (
                isinstance(g, Within) and g.low == 0 and sp.expand(g.value - entry) == 0
                and sp.expand(g.high - size) == 0)]
    if not found or kernel > MOST_PLACES:
        return None
    return replace(term, guards=tuple(guards)), found


def _window(
    axis: int, entry: sp.Expr, indices: Collection[sp.Symbol], sizes: Mapping[sp.Symbol, Size]
) -> Window | None:
    """A place as one of a window: of two indices, one of which takes few values."""
    few = sorted((s for s in indices if sizes[s].is_Integer and sizes[s] <= MOST_PLACES),
                 key=lambda s: (int(sizes[s]), str(s)))
    if not few:
        return None
    inner = few[0]
    (outer,) = set(indices) - {inner}
    steps = entry.coeff(outer), entry.coeff(inner)
    shift = sp.expand(entry - steps[0] * outer - steps[1] * inner)
    if not all(step.is_Integer and step != 0 for step in steps) or (
            shift.free_symbols & sizes.keys()):
        return None
    return Window(axis, (outer, inner), (sizes[outer], sizes[inner]),
                  (int(steps[0]), int(steps[1])), shift)


# --- in a text -----------------------------------------------------------------------------------

_CALLED = r"\((?:[^()]|\([^()]*\))*\)"
_VIEW = re.compile(
    rf"(?:np\.reshape\()?([^\W\d]\w*)((?:\.T\b|\.(?:reshape|swapaxes|transpose){_CALLED}"
    rf"|\[[^\[\]]*\])*)(?:, {_CALLED}\))?"
)
"""An array, or a view of one: array.T, array[:, None], array.reshape(...)."""


def is_view(text: str) -> bool:
    """Whether an expression may have the memory of an array that it reads."""
    return _VIEW.fullmatch(text) is not None


class Copies:
    """Puts ``.copy()`` where an array that is returned would be (a view of) an input or of another
    one returned, and a plus, which copies, where a number would be: who changes a gradient in place
    must change nothing else."""

    def __init__(self, system: System, results: Sequence[str]) -> None:
        self.names = system.names
        self.scalars = {name for name, shape in system.shapes.items() if not shape}
        self.results = {*results}
        self.taken = {*results, *(array.name for array in system.inputs)}
        self.owners: dict[str, str] = {}

    def __call__(self, line: str) -> str:
        name, _, value = line.partition(" = ")
        found = _VIEW.fullmatch(value) if name.isidentifier() else None
        if found is None or self._picks(found[2]):
            return line
        read = found[1]
        owner = self.owners.get(read, read)
        if name in self.results and owner in self.taken:
            if name not in self.scalars:
                return f"{line}.copy()"
            return line if value.endswith("]") else f"{name} = +{value}"  # x[0] is a number
        self.owners[name] = owner
        if name in self.results:
            self.taken.add(owner)
        return line

    def _picks(self, views: str) -> bool:
        """Whether a subscript is an array of integers, whose result has memory of its own."""
        return any(self.names & {*re.findall(r"\w+", at)}
                   for at in re.findall(r"\[[^\[\]]*\]", views))
