"""Systems without flattened axes: an axis of size m t becomes two, of sizes m and t.

    x[r] = Σ_i,j [r = t i + j] z[i, j],  y[r] = f(x[r])   ->   y[i, j] = f(z[i, j])

Which digits a size has is read off the reshapes; where two of them disagree (a flattened matrix
and its flattened transpose) its axes stay as they are.  What is computed is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

import sympy as sp

from ..equation import (
    INDEX_VALUE,
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Size,
    Subscript,
    System,
    Term,
    Within,
    fresh_name,
    index_symbol,
    slot,
    subscript_reads,
)
from ..mixed_radix import by_digits, flat_place, largest
from ..solving import solve_equation
from ..substitution import substitute_guard, substitute_subscript

Radices: TypeAlias = Mapping[Size, tuple[Size, ...]]
"""For a size the sizes of the digits, the highest first, that its indices have."""


class NotInDigitsError(Exception):
    """The systems have no flattened axes, or some that do not come apart."""


def in_digits(systems: Iterable[tuple[System, Iterable[str]]]) -> list[System]:
    """Systems, each down to its wanted arrays, without flattened axes; or NotInDigitsError."""
    given = [(system, list(wanted)) for system, wanted in systems]
    if any(not isinstance(item, Equation) for system, _ in given for item in system.items):
        raise NotInDigitsError
    radices = _radices([system for system, _ in given])
    symbolic = {size: digits for size, digits in radices.items() if size.free_symbols}
    for tried in (radices, symbolic):  # a 6 that is 2 times 3 here may be no product elsewhere
        if not tried:
            break
        try:
            return [_Splitter(system, tried).run(wanted) for system, wanted in given]
        except NotInDigitsError:
            continue
    raise NotInDigitsError


# --- which digits -------------------------------------------------------------------------------


def _radices(systems: Iterable[System]) -> Radices:
    """By size, the finest digits that the systems' subscripts are made of."""
    found: dict[Size, set[tuple[Size, ...]]] = {}
    for system in systems:
        for equation in system.equations:
            for term in equation.terms:
                for digits in _ways(term, equation):
                    found.setdefault(sp.expand(sp.Mul(*digits)), set()).add(digits)
    made: dict[Size, tuple[Size, ...]] = {}
    for size in sorted(found, key=lambda s: (len(sp.Mul.make_args(s)), str(s))):
        refined = {tuple(part for digit in digits for part in made.get(digit, (digit,)))
                   for digits in found[size]}
        finest = max(refined, key=len)
        if all(_is_coarser(digits, finest) for digits in refined):
            made[size] = finest
    return made


def _ways(term: Term, equation: Equation) -> Iterator[tuple[Size, ...]]:
    """Digits in which a size is written in a term."""
    sizes = {index.symbol: index.size for index in (*equation.out, *term.over)}
    for guard in term.guards:
        if isinstance(guard, Within):
            found = _block(guard, sizes)
            if found is not None:
                yield found
        elif not isinstance(guard.left, Read) and not isinstance(guard.right, Read):
            left, right = (_mixed_radix(side, sizes) for side in (guard.left, guard.right))
            if left is not None and right is not None:
                yield from _common(left, right)
    for entry in _subscripts(term):
        digits = _mixed_radix(entry, sizes)
        if digits is not None and len(digits) > 1:
            yield digits


def _common(left: tuple[Size, ...], right: tuple[Size, ...]) -> Iterator[tuple[Size, ...]]:
    """What the sizes on either side are made of, where two flattened places are equal."""
    one, other = list(left), list(right)
    parts: tuple[list[Size], list[Size]] = [], []
    while one and other:
        low, below = one[-1], other[-1]
        over, under = sp.cancel(low / below), sp.cancel(below / low)
        if not over.is_integer and not under.is_integer:
            return
        step = below if over.is_integer else low
        for rest, made in ((one, parts[0]), (other, parts[1])):
            made.append(step)
            rest[-1] = sp.cancel(rest[-1] / step)
            if rest[-1] == 1:
                rest.pop()
                if len(made) > 1:
                    yield tuple(reversed(made))
                made.clear()


def _subscripts(term: Term) -> Iterator[sp.Expr]:
    entries: list[Subscript] = [entry for read in term.reads for entry in read.at]
    entries += [side for guard in term.guards if isinstance(guard, Equal)
                for side in (guard.left, guard.right)]
    for entry in entries:
        if isinstance(entry, Read):
            yield from (inner for read in subscript_reads(entry) for inner in read.at
                        if not isinstance(inner, Read))
        else:
            yield entry


def _mixed_radix(
    place: sp.Expr, sizes: Mapping[sp.Symbol, Size]
) -> tuple[Size, ...] | None:
    """The sizes of the indices of which a subscript is the flattened place; None for others."""
    place = sp.expand(place)
    indices = [symbol for symbol in place.free_symbols if symbol in sizes]
    if not indices or place.as_independent(*indices, as_Add=True)[0] != 0:
        return None
    strides = {symbol: place.coeff(symbol) for symbol in indices}
    left, stride, found = dict(strides), sp.S.One, []
    while left:
        fitting = [symbol for symbol, rate in left.items() if sp.expand(rate - stride) == 0]
        if len(fitting) != 1:
            return None
        del left[fitting[0]]
        found.append(sizes[fitting[0]])
        stride = sp.expand(stride * found[-1])
    return tuple(reversed(found))


def _block(guard: Guard, sizes: Mapping[sp.Symbol, Size]) -> tuple[Size, ...] | None:
    """Of [0 <= r - t i < t], the digits m and t of r < m t."""
    if not isinstance(guard, Within):
        return None
    span = sp.expand(guard.high - guard.low)
    value = sp.expand(guard.value - guard.low)
    for symbol, size in sizes.items():
        count = sp.cancel(size / span)
        if not span.is_number and value.coeff(symbol) == 1 and count != 1 and count.is_integer:
            return (count, span)
    return None


def _is_coarser(digits: tuple[Size, ...], finest: tuple[Size, ...]) -> bool:
    """Whether neighbours in `finest` multiply to `digits`."""
    rest = list(finest)
    for digit in digits:
        made: sp.Expr = sp.S.One
        while rest and sp.expand(made - digit) != 0:
            made = sp.expand(made * rest.pop(0))
        if sp.expand(made - digit) != 0:
            return False
    return not rest


# --- the systems in them ------------------------------------------------------------------------


class _Splitter:
    def __init__(self, system: System, radices: Radices) -> None:
        self.system = system
        self.radices = radices
        self.inputs = {array.name for array in system.inputs}
        self.shapes = system.shapes

    def run(self, wanted: list[str]) -> System:
        made: list[Equation] = []
        for equation in self.system.equations:
            made.append(self._equation(equation))
            if equation.name in wanted and any(size in self.radices for size in equation.shape):
                made[-1] = replace(made[-1], name=self._called(equation.name, wanted))
                made.append(self._flattened(equation, made[-1]))
        by_name = {name: self._called(name, wanted) for name in wanted
                   if name not in self.inputs and any(s in self.radices for s in self.shapes[name])}
        renamed = []
        for equation in made:
            terms = tuple(replace(term, reads=tuple(
                Read(by_name.get(read.array, read.array), read.at) for read in term.reads))
                for term in equation.terms)
            renamed.append(equation if equation.name in by_name else replace(equation, terms=terms))
        return by_digits(System(self.system.inputs, tuple(renamed))).mapped(solve_equation)

    @staticmethod
    def _called(name: str, wanted: list[str]) -> str:
        return f"{name} in digits" if name in wanted else name

    def _flattened(self, equation: Equation, split: Equation) -> Equation:
        """The array itself, of the one with its axes in digits."""
        digits = iter(split.out)
        bound: list[Index] = []
        guards: list[Guard] = []
        at: list[Subscript] = []
        taken = {index.name for index in equation.out}
        for index in equation.out:
            if index.size not in self.radices:
                next(digits)
                at.append(index.symbol)
                continue
            own = []
            for _ in self.radices[index.size]:
                digit = next(digits)
                own.append(Index(fresh_name(digit.name, taken), digit.size))
                taken.add(own[-1].name)
            bound += own
            at += [digit.symbol for digit in own]
            guards.append(Equal(index.symbol, flat_place(own)))
        return Equation(equation.name, equation.out, (
            Term(slot(0), (Read(split.name, tuple(at)),), tuple(bound), tuple(guards)),))

    def _equation(self, equation: Equation) -> Equation:
        indices = [*equation.out, *(index for term in equation.terms for index in term.over)]
        if equation.reduction in NAMED and any(index.size in self.radices for index in indices):
            raise NotInDigitsError
        if equation.argmax and any(index.size in self.radices
                                   for term in equation.terms for index in term.over):
            raise NotInDigitsError
        taken = {index.name for index in indices}
        out, by = self._split(equation.out, taken)
        terms = tuple(self._term(term, by, out, taken) for term in equation.terms)
        return replace(equation, out=out, terms=terms)

    def _split(
        self, indices: Iterable[Index], taken: set[str]
    ) -> tuple[tuple[Index, ...], dict[sp.Symbol, sp.Expr]]:
        """Indices in digits, and what the old ones are in them."""
        found: list[Index] = []
        by: dict[sp.Symbol, sp.Expr] = {}
        for index in indices:
            own = []
            for size in self.radices.get(index.size, (index.size,)):
                own.append(index if size == index.size else Index(fresh_name(index.name, taken),
                                                                  size))
                taken.add(own[-1].name)
            found += own
            if len(own) > 1:
                by[index.symbol] = flat_place(own)
        return tuple(found), by

    def _term(
        self, term: Term, outer: Mapping[sp.Symbol, sp.Expr], out: tuple[Index, ...],
        taken: set[str],
    ) -> Term:
        over, by = self._split(term.over, taken)
        by = {**outer, **by}
        sizes = {index_symbol(index.name): index.size for index in (*out, *over)}
        reads = tuple(self._read(read, by, sizes) for read in term.reads)
        guards = tuple(self._guard(guard, by, sizes) for guard in term.guards)
        return replace(term, reads=reads, over=over, guards=guards)

    def _guard(
        self, guard: Guard, by: Mapping[sp.Symbol, sp.Expr], sizes: Mapping[sp.Symbol, Size]
    ) -> Guard:
        if isinstance(guard, Equal):
            return Equal(self._subscript(guard.left, by, sizes),
                         self._subscript(guard.right, by, sizes))
        moved = substitute_guard(guard, by)
        assert isinstance(moved, Within)
        return _in_one_block(moved, sizes) or moved

    def _subscript(
        self, entry: Subscript, by: Mapping[sp.Symbol, sp.Expr], sizes: Mapping[sp.Symbol, Size]
    ) -> Subscript:
        if isinstance(entry, Read):
            return self._read(entry, by, sizes)
        return sp.expand(substitute_subscript(entry, by))

    def _read(
        self, read: Read, by: Mapping[sp.Symbol, sp.Expr], sizes: Mapping[sp.Symbol, Size]
    ) -> Read:
        at = [self._subscript(entry, by, sizes) for entry in read.at]
        if read.array in self.inputs or read.array == INDEX_VALUE:
            return Read(read.array, tuple(at))
        entries: list[Subscript] = []
        for entry, size in zip(at, self.shapes[read.array], strict=True):
            if size not in self.radices:
                entries.append(entry)
            elif isinstance(entry, Read):
                raise NotInDigitsError
            else:
                entries += _digits_of(entry, self.radices[size], sizes)
        return Read(read.array, tuple(entries))


def _in_one_block(guard: Within, sizes: Mapping[sp.Symbol, Size]) -> Equal | None:
    """[0 <= t i + j - t k < t] with j < t is [i = k]; None for other guards."""
    span = sp.expand(guard.high - guard.low)
    try:
        above, _ = _digits_of(guard.value - guard.low, (sp.S.One, span), sizes)
    except NotInDigitsError:
        return None
    if not above.free_symbols & sizes.keys():
        return None
    parts = sp.Add.make_args(above)
    left = sp.Add(*(part for part in parts if not part.could_extract_minus_sign()))
    return Equal(left, sp.expand(left - above))


def _digits_of(
    place: sp.Expr, radices: tuple[Size, ...], sizes: Mapping[sp.Symbol, Size]
) -> list[sp.Expr]:
    """The digits of a flattened place, where they are expressions; else NotInDigitsError."""
    found: list[sp.Expr] = []
    indices = sorted(sizes.keys() & place.free_symbols, key=str)
    rest = sp.expand(place)
    for radix in reversed(radices[1:]):
        low: list[sp.Expr] = []
        high: list[sp.Expr] = []
        for part in sp.Add.make_args(rest):
            quotient = sp.cancel(part / radix)  # a whole number of the radix
            (high if quotient == 0 or (quotient.is_integer and not sp.denom(
                quotient).free_symbols) else low).append(part)
        digit = sp.Add(*low)
        inside = sp.expand(radix - 1 - largest(digit, indices, sizes)), sp.expand(
            -largest(-digit, indices, sizes))
        if not all(bound.is_nonnegative for bound in inside):
            raise NotInDigitsError
        found.append(digit)
        rest = sp.expand(sp.Add(*high) / radix)
    return [rest, *reversed(found)]
