"""Equations whose subscripts mix indices or whose terms are guarded, as sums over slices.

y[i] = Σ_u w[u] x[2i + u - 1] is, for each u, a product with every second entry of x: for u in
range(3) something is added to a part of y.  So is the adjoint of it, the guards of a pad, a
concatenation, a shifted axis.  No grid of all indices is ever made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import sympy as sp

from ..symbolic.display.index_letters import lettered
from ..symbolic.equation import (
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Size,
    Term,
    Within,
    fresh_name,
    guard_subscripts,
    subscript_indices,
    term_reads,
)
from ..symbolic.matrices.leaves import Levels, leaf
from ..symbolic.matrices.loop_ends import as_range, settled
from ..symbolic.matrices.nodes import Node, Place, Total, aligned
from ..symbolic.matrices.recognise import matrix_form
from ..symbolic.substitution import substitute_term
from .axes import leaves_an_axis
from .gathers import ENDLESS, RANGE, compared

MOST = 64
"""Steps up to which an index of a window is a loop."""


@dataclass(frozen=True)
class Overlap:
    """The values of an index below `count` with 0 <= step·index + shift < size, as a range
    from `first` to `last`, symbols that stand for its ends."""

    first: sp.Symbol
    last: sp.Symbol
    count: Size
    step: int
    shift: sp.Expr
    size: sp.Expr


@dataclass(frozen=True)
class Patch:
    """A matrix form that is added into a region of the result (or is compared with it, for a
    maximum), for all values of `loops`, where the `conditions` on loops hold.

    An empty region is the whole result.
    """

    form: Node
    axes: tuple[str, ...]
    region: tuple[Place, ...] = ()
    loops: tuple[Index, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    conditions: tuple[Guard, ...] = ()

    @property
    def is_everywhere(self) -> bool:
        """Whether it is a summand of every entry, once."""
        return not (self.region or self.loops or self.overlaps or self.conditions)


def squeezed(equation: Equation) -> Equation:
    """The equation without the axes of length 1 on its left side; itself where it has none."""
    if all(index.size != 1 for index in equation.out):
        return equation
    units = {index.symbol: sp.S.Zero for index in equation.out if index.size == 1}
    return replace(
        equation,
        out=tuple(index for index in equation.out if index.size != 1),
        terms=tuple(substitute_term(term, units) for term in equation.terms),
    )


@dataclass(frozen=True)
class Scope:
    """What forms are made in: how vectors are written, shapes, and indices that have a value."""

    row_vectors: bool
    shapes: Mapping[str, tuple[Size, ...]]
    levels: Levels = field(default_factory=dict)
    fixed: Collection[str] = ()

    def form(self, equation: Equation, loops: Collection[Index] = ()) -> Node | None:
        """The matrix form with some further indices at a value."""
        fixed = {*self.fixed, *(index.name for index in loops)}
        form = matrix_form(equation, self.row_vectors, self.shapes, fixed=fixed,
                           levels=self.levels)
        axes = tuple(index.name for index in equation.out if index.name not in fixed)
        return None if form is None else aligned(form, axes)


def patches(equation: Equation, scope: Scope) -> list[Patch] | None:
    """The equation as patches, what holds everywhere first; None where it has no such form."""
    if equation.argmax or equation.reduction in (*NAMED, "logsumexp"):
        return None
    scope = replace(scope, shapes={**scope.shapes, RANGE: ENDLESS})
    equation = compared(decided(lettered(settled(equation))))
    together: dict[tuple[Guard, ...], list[Term]] = {}
    apart: list[Term] = []
    for term in equation.terms:
        conditions = tuple(g for g in term.guards if _is_fixed(g, scope.fixed))
        plain = replace(term, guards=tuple(g for g in term.guards if g not in conditions))
        whole = not plain.guards and _is_sliced(replace(equation, terms=(plain,)), scope)
        if whole:
            together.setdefault(conditions, []).append(plain)
        else:
            apart.append(term)
    found = []
    for conditions, terms in sorted(together.items(), key=lambda item: len(item[0])):
        group = replace(equation, terms=tuple(terms))
        form = scope.form(group)
        if form is None:
            return None
        axes = tuple(i.name for i in equation.out if i.name not in scope.fixed)
        found.append(Patch(form, axes, conditions=conditions))
    for term in apart:
        patch = _Window(equation, term, scope).patch()
        if patch is None:  # along a diagonal: [i = k] as a factor that is 1 there
            factored = compared(replace(equation, terms=(term,)), every=True).terms[0]
            patch = _Window(equation, factored, scope).patch() if factored != term else None
            if patch is not None and leaves_an_axis(patch.form, scope.shapes):
                patch = None  # what the factor makes 0 is not there at all
        if patch is None:
            return None
        found.append(patch)
    return sorted(found, key=lambda patch: not patch.is_everywhere)


def windows(equation: Equation, scope: Scope) -> Patch | None:
    """A maximum with its place as comparisons, one for each place in a window; None without."""
    scope = replace(scope, shapes={**scope.shapes, RANGE: ENDLESS})
    equation = compared(lettered(equation))
    return _Window(equation, equation.terms[0], scope).window()


def decided(equation: Equation) -> Equation:
    """The equation without guards that say nothing, [p = p], and terms that are nowhere."""
    if equation.reduction != "sum":
        return equation
    terms = []
    for term in equation.terms:
        ranges = [(guard, as_range(guard)) for guard in term.guards]
        numbers = {
            guard: bool(found[0] <= found[1] < found[2])
            for guard, found in ranges
            if found is not None and all(part.is_number for part in found)
        }
        if all(numbers.values()):
            terms.append(replace(term, guards=tuple(g for g in term.guards if g not in numbers)))
    return replace(equation, terms=tuple(terms))


def _is_fixed(guard: Guard, fixed: Collection[str]) -> bool:
    """Whether a guard is a condition on indices that have a value."""
    parts = guard_subscripts(guard)
    return not any(isinstance(part, Read) for part in parts) and all(
        symbol.is_positive or str(symbol) in fixed
        for part in parts for symbol in subscript_indices(part)
    )


def _is_sliced(equation: Equation, scope: Scope) -> bool:
    sizes = {i.symbol: i.size for t in equation.terms for i in (*equation.out, *t.over)
             if i.name not in scope.fixed}
    return all(leaf(read, sizes, scope.shapes) is not None
               for term in equation.terms for read in term.reads)


class _Window:
    """One guarded term on its way to a patch."""

    def __init__(self, equation: Equation, term: Term, scope: Scope) -> None:
        self.equation = equation
        self.scope = scope
        self.term = term
        self.region: dict[Index, sp.Expr] = {
            index: index.symbol for index in equation.out if index.name not in scope.fixed
        }
        self.running: list[Index] = [*self.region, *term.over]
        self.loops: list[Index] = []
        self.overlaps: list[Overlap] = []
        self.conditions: list[Guard] = []

    def window(self) -> Patch | None:
        """The patch, with all that the term is a maximum over as loops; None where an axis of it
        is too long."""
        for index in self.term.over:
            if not (index.size.is_Integer and index.size <= MOST):
                return None
            self._loop_over(index)
        return self.patch()

    def patch(self) -> Patch | None:
        """The patch; None where a subscript stays mixed or gathers."""
        while (mixed := self._mixed()) is not None:
            if not any(step() for _, step in self._ways(mixed)):
                return None
        while self.term.guards:
            guard, *rest = self.term.guards
            self.term = replace(self.term, guards=tuple(rest))
            if not self._restrict(guard):
                return None
        return self._formed()

    # --- one index a subscript ------------------------------------------------------------------

    def _names(self, expression: sp.Expr) -> list[Index]:
        return [index for index in self.running if index.symbol in expression.free_symbols]

    def _mixed(self) -> sp.Expr | Guard | None:
        """A subscript with several running indices, or a guard with them."""
        for read in self.term.reads:
            for entry in read.at:
                if not isinstance(entry, Read) and len(self._names(entry)) > 1:
                    return entry
        for guard in self.term.guards:
            parts = [p for p in guard_subscripts(guard) if not isinstance(p, Read)]
            if len(self._names(sp.Add(*(sp.Dummy() * p for p in parts)))) > 1:
                return guard
        return None

    def _ways(self, mixed: sp.Expr | Guard) -> list[tuple[int, Callable[[], bool]]]:
        """What may part mixed indices, the fewest loops first: an index of few values as a loop;
        an index that a guard gives by the others, or gives up to few values."""
        parts = [mixed] if isinstance(mixed, sp.Expr) else guard_subscripts(mixed)
        ways: list[tuple[int, Callable[[], bool]]] = []
        for guard in self.term.guards:
            if any(isinstance(part, Read) for part in guard_subscripts(guard)):
                continue
            if isinstance(guard, Equal):
                ways.append((1, partial(self._solve, guard)))
            elif len(self._names(guard.value)) > 1:
                width = sp.expand(guard.high - guard.low)
                if width.is_Integer and width <= MOST:
                    ways.append((int(width), partial(self._solve, guard)))
        ways += [
            (int(index.size), partial(self._loop_over, index)) for index in self.running
            if index.size.is_Integer and index.size <= MOST
            and any(not isinstance(p, Read) and index.symbol in p.free_symbols for p in parts)
        ]
        return sorted(ways, key=lambda way: way[0])

    def _loop_over(self, index: Index) -> bool:
        self.running.remove(index)
        self.loops.append(index)
        return True

    def _solve(self, guard: Guard) -> bool:
        """An index by what a guard says it is, with a loop over the values that it leaves."""
        loop = None
        found = as_range(guard)
        if found is None:
            return False
        low, value, high = found
        if isinstance(guard, Within):
            taken = {i.name for i in (*self.running, *self.loops, *self.term.over, *self.region)}
            taken |= {read.array for read in term_reads(self.term)}
            taken |= {str(s) for i in self.running for s in i.size.free_symbols}
            loop = Index(fresh_name("u", taken), sp.expand(high - low))
            value = sp.expand(value - low - loop.symbol)
        target = self._solvable(value)
        if target is None:
            return False
        if loop is not None:
            self.loops.append(loop)
        self.term = replace(self.term, guards=tuple(g for g in self.term.guards if g is not guard))
        self._put(target, sp.expand(target.symbol - value * value.coeff(target.symbol)))
        return True

    def _solvable(self, value: sp.Expr) -> Index | None:
        """The index to solve for: one of the left side whose axis then runs with a bound one."""
        found = [index for index in self._names(value) if value.coeff(index.symbol) in (1, -1)]
        out = [i for i in found if self.region.get(i) == i.symbol]
        return next(iter([*out, *found]), None)

    def _put(self, index: Index, value: sp.Expr) -> None:
        by = {index.symbol: value}
        self.running.remove(index)
        self.term = substitute_term(replace(
            self.term,
            over=tuple(other for other in self.term.over if other != index),
            guards=(*self.term.guards, Within(sp.S.Zero, index.symbol, index.size)),
        ), by)
        self.region = {axis: sp.expand(place.xreplace(by))
                       for axis, place in self.region.items()}

    # --- guards as ranges -----------------------------------------------------------------------

    def _restrict(self, guard: Guard) -> bool:
        """A guard as a condition on loops, or as a range of the one index it has."""
        bounds = as_range(guard)
        if bounds is None:
            return False
        low, value, high = bounds
        if self._names(low) or self._names(high):  # [0 <= t < i + 1] is [0 <= t] [0 <= i - t]
            return self._at_least(value - low) and self._at_least(high - 1 - value)
        found = self._names(value)
        if not found:
            self.conditions.append(guard)
            return True
        (index,) = found
        step = value.coeff(index.symbol)
        if not step.is_Integer or step == 0:
            return False
        shift = sp.expand(value - step * index.symbol - low)
        size = sp.expand(high - low)
        if step < 0:  # 0 <= shift - |step| i < size
            step, shift = -step, sp.expand(size - 1 - shift)
        self._narrow(index, int(step), shift, size)
        return True

    def _at_least(self, gap: sp.Expr) -> bool:
        """The same for [0 <= gap]: below one more than the most that it can be."""
        gap = sp.expand(gap)
        most = gap
        for index in (*self.equation.out, *self.running, *self.loops):
            slope = gap.coeff(index.symbol)
            most = most.xreplace({index.symbol: index.size - 1 if slope.is_positive else sp.S.Zero})
        return self._restrict(Within(sp.S.Zero, gap, sp.expand(most + 1)))

    def _narrow(self, index: Index, step: int, shift: sp.Expr, size: sp.Expr) -> None:
        """The index from the first of its values with 0 <= step i + shift < size on."""
        first, last = self._ends(index, step, shift, size)
        if first == 0 and last == index.size:
            return
        count = sp.expand(last - first)
        new = Index(index.name, count)
        by = {index.symbol: index.symbol + first}
        self.running[self.running.index(index)] = new
        over = tuple(new if other == index else other for other in self.term.over)
        self.term = replace(substitute_term(replace(self.term, over=()), by), over=over)
        self.region = {
            (new if axis == index else axis): sp.expand(place.xreplace(by))
            for axis, place in self.region.items()
        }

    def _ends(
        self, index: Index, step: int, shift: sp.Expr, size: sp.Expr
    ) -> tuple[sp.Expr, sp.Expr]:
        """First and last (exclusive): written out where that is plain, else to be computed."""
        if step == 1:
            first, last = -shift, sp.expand(size - shift)
            low = sp.S.Zero if first.is_nonpositive else first if first.is_nonnegative else None
            beyond = sp.expand(last - index.size)
            high = index.size if beyond.is_nonnegative else last if beyond.is_nonpositive else None
            if low is not None and high is not None and sp.expand(high - low).is_nonnegative:
                return low, high
        stem = index.name
        while any(str(overlap.first) == f"{stem}0" for overlap in self.overlaps):
            stem += "_"
        first, last = (sp.Symbol(f"{stem}{end}", integer=True, nonnegative=True) for end in (0, 1))
        self.overlaps.append(Overlap(first, last, index.size, step, shift, size))
        return first, last

    # --- the form -------------------------------------------------------------------------------

    def _formed(self) -> Patch | None:
        out: list[Index] = []
        for place in self.region.values():
            here = self._names(place)
            if len(here) > 1 or any(index in out for index in here):
                return None
            out += here
        over = tuple(index for index in self.running if index not in out)
        made = Equation(self.equation.name, tuple(out),
                        (replace(self.term, over=over, guards=()),), self.equation.reduction)
        form = self.scope.form(made, self.loops)
        if form is None:
            return None
        if isinstance(form, Total) and not form.over:  # a maximum of one value
            form = form.of
        region: list[Place] = []
        for axis, place in self.region.items():
            size = next(i.size for i in self.equation.out if i.name == axis.name)
            there = leaf(Read("", (place,)), {i.symbol: i.size for i in out}, {"": (size,)})
            if there is None:
                return None
            region.append(there.part[0] if there.part else None if there.axes[0] else place)
        whole = all(place is None for place in region)
        return Patch(form, tuple(i.name for i in out), () if whole else tuple(region),
                     tuple(self.loops), tuple(self.overlaps), tuple(self.conditions))
