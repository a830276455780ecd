"""The rule: the chain rule on index equations, backwards and forwards.

    x̄k[q]  +=  Σ_{out ∪ over}  [Ik = q] [guards]   ȳ[out] · ∂f/∂xk[Ik]

    y[i] = Σ_k W[i, k] x[k]²   ->   dx[k] = Σ_i dy[i] W[i, k] 2 x[k],  dW[i, k] = dy[i] x[k]²

SymPy's ``diff`` differentiates the scalar body f, once for each body that occurs up to names; the
rest is bookkeeping of indices.  What comes out is a list of equations of the same type, so
second derivatives are the rule once more.  There is no rule for any particular layer.

Source: reverse accumulation, Linnainmaa (1970); in index form, Laue, Mitterreiter & Giesen (2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..dependence import between, descendants
from ..equation import (
    Equation,
    EquationError,
    Implicit,
    Index,
    Item,
    Read,
    Recurrence,
    Size,
    System,
    Term,
    equations_of,
    fresh_name,
    index_symbol,
)
from ..substitution import rename_bound, substitute_term
from ..validation import validate
from .implicit import solved, with_slopes
from .named_operations import Companions, with_companions
from .recording import FreshNames, record_argmax
from .term_rule import at_out, occurrences, pullback, pushforward, seed


@dataclass(frozen=True)
class Derived:
    """A system extended by derivative equations, and what they are called.

    `of` maps an array's name to the name of its adjoint (or tangent, or Jacobian); `solved` are
    what equations were solved for on the way, u with Aᵀ u = x̄.
    """

    system: System
    of: Mapping[str, str]
    solved: tuple[str, ...] = ()


def recorded(system: System, wrt: Iterable[str]) -> tuple[System, Companions]:
    """The system with what the rule will ask for: places of maxima, inverses beside determinants
    and slopes behind what is solved for that depend on `wrt`.  Differentiating adds equations
    behind these alone."""
    system, wanted = record_argmax(system), list(wrt)
    fresh = FreshNames(system).fresh
    if any(isinstance(item, Implicit) for item in system.items):
        system, slopes = with_slopes(
            system, descendants(system.equations, wanted), fresh, _whole_jacobian)
    else:
        slopes = {}
    system, companions = with_companions(
        system, descendants(system.equations, wanted), fresh)
    return system, {**companions, **slopes}


def with_every_slope(system: System) -> System:
    """The system with the slope of everything that is solved for behind it, for who solves it."""
    if not any(isinstance(item, Implicit) and not item.slope for item in system.items):
        return system
    system = record_argmax(system)
    return with_slopes(system, system.names, FreshNames(system).fresh, _whole_jacobian,
                       inverted=False)[0]


def _whole_jacobian(system: System, output: str, by: str) -> tuple[System, str]:
    found = jacobian(system, output, [by])
    return found.system, found.of[by]


def reverse(
    system: System,
    output: str,
    wrt: Iterable[str],
    *,
    cotangent: str | None = None,
    prefix: Sequence[Index] = (),
) -> Derived:
    """The adjoints of `wrt`, and of everything between them and `output`.

    Without `cotangent` or `prefix`, `output` must be a scalar, whose adjoint is 1.  `cotangent`
    names an array of the output's shape that takes its place (a vector-Jacobian product).
    `prefix` holds one index for each axis of the output: all adjoints get these axes in front,
    and are Jacobians.  Raises EquationError for an unknown name or a shape that does not fit.
    """
    wanted = list(wrt)
    system, companions = recorded(system, wanted)
    sweep = _Sweep(FreshNames(system), companions, tuple(prefix))
    _check_asked(sweep.names.shapes, output, wanted, cotangent, prefix)
    active = between(system, output, wanted)
    for name in sorted(active):
        sweep.name(name)
    if output in active:  # else nothing asked for reaches it, and every adjoint is zero
        sweep.pending[output].append(seed(sweep.out(output), cotangent, prefix))
    items: list[Item] = []
    for item in reversed(system.items):
        if isinstance(item, Recurrence):
            items += sweep.go_back(item)
        elif isinstance(item, Implicit):
            items += sweep.go_through(item)
        elif item.name in active:
            # All readers stand below and have sent back: the adjoint is complete.
            items.append(sweep.define(item.name))
            sweep.send_back(item)
    items += [sweep.define(array.name) for array in system.inputs if array.name in active]
    for name in wanted:
        if name not in active:  # the output does not depend on it
            sweep.name(name)
            items.append(sweep.define(name))
    return Derived(validate(system.extended(items)), sweep.bars, tuple(sweep.solved))


def _check_asked(
    shapes: Mapping[str, tuple[Size, ...]], output: str, wrt: Sequence[str],
    cotangent: str | None, prefix: Sequence[Index],
) -> None:
    for name in (output, *wrt, *([cotangent] if cotangent else [])):
        if name not in shapes:
            raise EquationError(f"no array {name!r} to differentiate; there are {sorted(shapes)}")
    if cotangent is None and not prefix and shapes[output]:
        raise EquationError(f"{output} has shape {shapes[output]}, not a scalar: give a "
                            "cotangent, or ask for a Jacobian")


class _Sweep:
    """One way back through a system: what has been sent to each array, until it is its turn.

    `bars` are the names of the adjoints, `pending` the terms of those that are not defined yet.
    """

    def __init__(
        self, names: FreshNames, companions: Companions, prefix: tuple[Index, ...]
    ) -> None:
        self.names = names
        self.bars: dict[str, str] = {}
        self.pending: dict[str, list[Term]] = {}
        self.solved: list[str] = []
        self._companions = companions
        self._prefix = prefix
        self._lead = tuple(index.symbol for index in prefix)

    def name(self, array: str) -> None:
        """Lets an array have an adjoint."""
        self.bars[array] = self.names.fresh("d" + array)
        self.pending[array] = []

    def out(self, array: str) -> tuple[Index, ...]:
        """An array's own indices, away from those of the output."""
        return self.names.out(array, avoid=[index.name for index in self._prefix])

    def define(self, array: str, loop: int | None = None) -> Equation:
        """The adjoint of an array as the sum of what its readers have sent back."""
        out = self.out(array)
        placed = (at_out(term, out, self._prefix, loop) for term in self.pending[array])
        terms = tuple(term for term in placed if term is not None)
        return Equation(self.bars[array], (*self._prefix, *out), terms)

    def send_back(self, equation: Equation) -> None:
        """Each occurrence in an equation gets its term of the rule."""
        own = tuple(index.symbol for index in equation.out)
        bar = Read(self.bars[equation.name], (*self._lead, *own))
        for term, position, read in occurrences(equation):
            if read.array in self.pending:
                sent = pullback(equation, term, position, bar, self._companions)
                self.pending[read.array].append(sent)

    def go_back(self, item: Recurrence) -> list[Item]:
        """The adjoint of a recurrence: one that runs the other way.

        All of its equations send back before one is defined, since they read one another.
        """
        group = [equation for equation in reversed(item.equations)
                 if equation.name in self.pending]
        for equation in group:
            self.send_back(equation)
        adjoints = tuple(
            self.define(equation.name, next(
                place for place, index in enumerate(equation.out) if index.name == item.loop
            )) for equation in group
        )
        if not adjoints:
            return []
        adjoints = _same_loop(adjoints, group, item.loop, self.bars)
        return [Recurrence(item.loop, 1 if item.direction < 0 else -1, adjoints)]


    def go_through(self, item: Implicit) -> list[Item]:
        """The adjoint of what is solved for, x, by the implicit function theorem (:mod:`implicit`).

        What reads x, or what is computed of x in the group, sends back x̄; of Aᵀ u = x̄ the equation
        of x sends back u to all else.
        """
        _, *between, unknown = item.equations
        between = [equation for equation in reversed(between) if equation.name in self.pending]
        items: list[Item] = []
        if unknown.name in self.pending:
            items += self._sent_from_outside(unknown.name, between)
            items.append(self.define(unknown.name))
            whole = self.bars[unknown.name]
            self.solved.append(self.names.fresh("u"))
            items.append(solved(
                self.solved[-1], whole, self._prefix, self.out(unknown.name), item,
                self._companions[unknown.name][0], transposed=True))
            self.bars[unknown.name] = self.solved[-1]
            self.send_back(unknown)  # to x itself, too, which is not asked again
            self.bars[unknown.name] = whole
        for equation in between:
            items.append(self.define(equation.name))
            self.send_back(equation)
        return items

    def _sent_from_outside(self, unknown: str, between: Sequence[Equation]) -> list[Item]:
        """Adds to what is sent to the unknown what others send to what is computed of it."""
        items: list[Item] = []
        pending, bars = self.pending, dict(self.bars)
        self.pending = {name: list(pending[name])
                        for name in (unknown, *(equation.name for equation in between))}
        for equation in between:
            if self.pending[equation.name]:
                self.bars[equation.name] = self.names.fresh(f"d{equation.name}_outside")
                items.append(self.define(equation.name))
                self.send_back(equation)
        pending[unknown] = self.pending[unknown]
        self.pending, self.bars = pending, bars
        return items


def forward(system: System, tangents: Mapping[str, str]) -> Derived:
    """The tangent of every array that depends on the keys of `tangents` (a directional derivative).

    `tangents` maps an array's name to the name of the array that holds its tangent.
    """
    system, companions = recorded(system, tangents)
    push = _Push(FreshNames(system), companions, dict(tangents))
    items = [made for item in system.items for made in push.through(item)]
    return Derived(validate(system.extended(items)), push.dots)


@dataclass(frozen=True)
class _Push:
    """One way forward through a system; `dots` are the names of the tangents so far."""

    names: FreshNames
    companions: Companions
    dots: dict[str, str]

    def through(self, item: Item) -> list[Item]:
        """The tangents of what an item defines, as far as they are not zero."""
        if isinstance(item, Implicit):
            return self._solved(item)
        group = equations_of(item)
        if not any(read.array in self.dots for equation in group
                   for _, _, read in occurrences(equation)):
            return []
        for name in sorted(equation.name for equation in group):
            self.dots[name] = self.names.fresh(name + "_dot")
        pushed = tuple(self._pushed(e, self.dots, self.dots[e.name]) for e in group)
        return [replace(item, equations=pushed)] if isinstance(item, Recurrence) else [*pushed]

    def _pushed(self, equation: Equation, dots: Mapping[str, str], name: str) -> Equation:
        """The tangent of an equation, by those that have theirs in `dots`."""
        terms = tuple(
            pushforward(equation, term, position, dots[read.array], self.companions)
            for term, position, read in occurrences(equation) if read.array in dots
        )
        return Equation(name, equation.out, terms)

    def _in_order(
        self, equations: Iterable[Equation], dots: dict[str, str], ending: str
    ) -> list[Item]:
        made: list[Item] = []
        for equation in equations:
            if any(read.array in dots for _, _, read in occurrences(equation)):
                known = dict(dots)  # of the unknown, nothing is by itself
                dots[equation.name] = self.names.fresh(equation.name + ending)
                made.append(self._pushed(equation, known, dots[equation.name]))
        return made

    def _solved(self, item: Implicit) -> list[Item]:
        """The tangents of what holds together: A ẋ is what comes from outside."""
        *between, unknown = item.equations[1:]
        outside = dict(self.dots)
        made = self._in_order((*between, unknown), outside, "_outside")
        if unknown.name not in outside:
            self.dots.update(outside)
            return made
        self.dots[unknown.name] = self.names.fresh(unknown.name + "_dot")
        made.append(solved(
            self.dots[unknown.name], outside[unknown.name], (), unknown.out, item,
            self.companions[unknown.name][0], transposed=False))
        return made + self._in_order(between, self.dots, "_dot")


def jacobian(system: System, output: str, wrt: Iterable[str]) -> Derived:
    """J[out, in] = ∂output[out]/∂input[in] for each name in `wrt`, output axes in front."""
    shape = system.shapes[output]
    taken = {index.name for equation in system.equations
             for index in (*equation.out, *(i for term in equation.terms for i in term.over))}
    prefix: list[Index] = []
    for size in shape:
        prefix.append(Index(fresh_name("p", taken | {index.name for index in prefix}), size))
    return reverse(system, output, wrt, prefix=prefix)


def _same_loop(
    adjoints: tuple[Equation, ...], group: Sequence[Equation], loop: str, bars: Mapping[str, str]
) -> tuple[Equation, ...]:
    """The adjoint group with the loop's own name on the loop axis of each left side."""
    renamed = []
    for adjoint in adjoints:
        primal = next(equation for equation in group if bars[equation.name] == adjoint.name)
        lead = len(adjoint.out) - len(primal.out)
        place = lead + next(p for p, index in enumerate(primal.out) if index.name == loop)
        old = adjoint.out[place]
        if old.name != loop:
            clash = {index.name for term in adjoint.terms for index in term.over}
            terms = tuple(rename_bound(t, [loop]) if loop in clash else t for t in adjoint.terms)
            by = {old.symbol: index_symbol(loop)}
            adjoint = Equation(
                adjoint.name,
                tuple(
                    Index(loop, index.size) if p == place else index
                    for p, index in enumerate(adjoint.out)
                ),
                tuple(substitute_term(term, by) for term in terms),
            )
        renamed.append(adjoint)
    return tuple(renamed)
