"""The rule: the chain rule on index equations, backwards and forwards.

    x̄k[q]  +=  Σ_{out ∪ over}  [Ik = q] [guards]   ȳ[out] · ∂f/∂xk[Ik]

    y[i] = Σ_k W[i, k] x[k]²   ->   dx[k] = Σ_i dy[i] W[i, k] 2 x[k],  dW[i, k] = dy[i] x[k]²

SymPy's ``diff`` differentiates the scalar body f, once for each body that occurs up to names; the
rest is bookkeeping of indices.  What comes out is a list of equations of the same type, so
second derivatives are the rule once more.  There is no rule for any particular layer.

Source: reverse accumulation, Linnainmaa (1970); in index form, Laue, Mitterreiter & Giesen (2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import sympy as sp

from ..dependence import between
from ..equation import (
    NAMED,
    Equal,
    Equation,
    EquationError,
    Guard,
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
    slot,
)
from ..solving import prune, solve
from ..substitution import rename_bound, substitute_term
from ..validation import validate
from .named_operations import Companions, named_slope
from .recording import FreshNames, recorded


@lru_cache(maxsize=4096)
def partial(body: sp.Expr, position: int) -> sp.Expr:
    """∂body/∂slot(position), by SymPy."""
    return sp.diff(body, slot(position))


@dataclass(frozen=True)
class Derived:
    """A system extended by derivative equations, and what they are called.

    `of` maps an array's name to the name of its adjoint (or tangent, or Jacobian).
    """

    system: System
    of: Mapping[str, str]


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
        sweep.pending[output].append(_seed(sweep.out(output), cotangent, prefix))
    items: list[Item] = []
    for item in reversed(system.items):
        if isinstance(item, Recurrence):
            items += sweep.go_back(item)
        elif item.name in active:
            # All readers stand below and have sent back: the adjoint is complete.
            items.append(sweep.define(item.name))
            sweep.send_back(item)
    items += [sweep.define(array.name) for array in system.inputs if array.name in active]
    for name in wanted:
        if name not in active:  # the output does not depend on it
            sweep.name(name)
            items.append(sweep.define(name))
    return Derived(validate(system.extended(items)), sweep.bars)


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
        placed = (_at_out(term, out, self._prefix, loop) for term in self.pending[array])
        terms = tuple(term for term in placed if term is not None)
        return Equation(self.bars[array], (*self._prefix, *out), terms)

    def send_back(self, equation: Equation) -> None:
        """Each occurrence in an equation gets its term of the rule."""
        own = tuple(index.symbol for index in equation.out)
        bar = Read(self.bars[equation.name], (*self._lead, *own))
        for term, position, read in occurrences(equation):
            if read.array in self.pending:
                sent = _pullback(equation, term, position, bar, self._companions)
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


def forward(system: System, tangents: Mapping[str, str]) -> Derived:
    """The tangent of every array that depends on the keys of `tangents` (a directional derivative).

    `tangents` maps an array's name to the name of the array that holds its tangent.
    """
    system, companions = recorded(system, tangents)
    names = FreshNames(system)
    dots = dict(tangents)

    def push(equation: Equation) -> Equation:
        """The tangent of an equation whose own has a name already."""
        terms = tuple(
            _pushforward(equation, term, position, dots[read.array], companions)
            for term, position, read in occurrences(equation) if read.array in dots
        )
        return Equation(dots[equation.name], equation.out, terms)

    items: list[Item] = []
    for item in system.items:
        group = equations_of(item)
        if isinstance(item, Recurrence):
            if any(read.array in dots for equation in group for read in equation.reads):
                for name in sorted(equation.name for equation in group):
                    dots[name] = names.fresh(name + "_dot")
                items.append(replace(item, equations=tuple(map(push, group))))
        elif any(read.array in dots for _, _, read in occurrences(item)):
            dots[item.name] = names.fresh(item.name + "_dot")
            items.append(push(item))
    return Derived(validate(system.extended(items)), dots)


def jacobian(system: System, output: str, wrt: Iterable[str]) -> Derived:
    """J[out, in] = ∂output[out]/∂input[in] for each name in `wrt`, output axes in front."""
    shape = system.shapes[output]
    taken = {index.name for equation in system.equations
             for index in (*equation.out, *(i for term in equation.terms for i in term.over))}
    prefix: list[Index] = []
    for size in shape:
        prefix.append(Index(fresh_name("p", taken | {index.name for index in prefix}), size))
    return reverse(system, output, wrt, prefix=prefix)


# --- the terms of the rule ----------------------------------------------------------------------


def occurrences(equation: Equation) -> Iterator[tuple[Term, int, Read]]:
    """(term, slot position, read) for every real occurrence in an equation's bodies."""
    for term in equation.terms:
        for position, read in enumerate(term.reads):
            yield term, position, read


def _slope(
    equation: Equation, term: Term, position: int, companions: Companions
) -> tuple[Term, sp.Expr, tuple[Read, ...]]:
    """∂y/∂(one occurrence): the term whose indices it is summed over, a body, and its reads."""
    slope = partial(term.body, position)
    if equation.reduction in NAMED:
        moved, factor, more = named_slope(equation, term, companions)
        return moved, factor * slope, (*moved.reads, *more)
    if equation.reduction != "logsumexp":
        return term, slope, term.reads
    # y = log Σ exp f, so ∂y/∂f = exp(f - y).
    value = Read(equation.name, tuple(index.symbol for index in equation.out))
    return term, sp.exp(term.body - slot(len(term.reads))) * slope, (*term.reads, value)


def _chosen(equation: Equation, term: Term) -> tuple[Guard, ...]:
    """A maximum lets only the place where it was attained take part."""
    at = tuple(index.symbol for index in equation.out)
    return tuple(
        Equal(index.symbol, Read(name, at))
        for index, name in zip(term.over, equation.argmax, strict=True)
    ) if equation.reduction == "max" else ()


def _linear(
    slope: sp.Expr, reads: tuple[Read, ...], factor: Read
) -> tuple[sp.Expr, tuple[Read, ...]]:
    """slope · factor, the factor in slot 0."""
    # In slot 0, since factors are printed in the order of their slots: the adjoint first.
    moved = slope.xreplace({slot(place): slot(place + 1) for place in range(len(reads))})
    return prune(slot(0) * moved, (factor, *reads))


def _pullback(
    equation: Equation, term: Term, position: int, bar: Read, companions: Companions
) -> Term:
    """The rule's summand for one occurrence, its guards [I = q] still to be written."""
    term, slope, reads = _slope(equation, term, position, companions)
    target = term.reads[position]
    body, used = _linear(slope, reads, bar)
    # The occurrence's own subscripts ride along as the last read until `q` is known.
    return Term(
        body,
        (*used, target),
        (*equation.out, *term.over),
        (*term.guards, *_chosen(equation, term)),
        via=equation.name,
    )


def _at_out(
    term: Term, out: tuple[Index, ...], prefix: Sequence[Index], loop: int | None = None
) -> Term | None:
    """A summand written for the left side x̄[out]: [I = q] added and solved.

    The equality of a `loop` axis comes first: what is read must be a number of steps away.
    """
    names = [index.name for index in (*prefix, *out)]
    renamed = rename_bound(term, names)
    *reads, target = renamed.reads
    equalities = tuple(
        Equal(entry, index.symbol) for entry, index in zip(target.at, out, strict=True)
    )
    first = () if loop is None else (equalities[loop],)
    placed = replace(renamed, reads=tuple(reads), guards=(*first, *renamed.guards, *equalities))
    solved = solve(placed, (*prefix, *out))
    if solved is None or solved.body == 0:
        return None
    body, used = prune(solved.body, solved.reads)
    return replace(solved, body=body, reads=used)


def _seed(out: tuple[Index, ...], cotangent: str | None, prefix: Sequence[Index]) -> Term:
    """The adjoint of the output itself: 1, a given array, or the identity matrix."""
    symbols = tuple(index.symbol for index in out)
    target = Read("", symbols)
    if prefix:
        guards = tuple(Equal(p.symbol, q) for p, q in zip(prefix, symbols, strict=True))
        return Term(sp.S.One, (target,), out, guards)
    if cotangent is None:
        return Term(sp.S.One, (target,), out)
    return Term(slot(0), (Read(cotangent, symbols), target), out)


def _pushforward(
    equation: Equation, term: Term, position: int, dot: str, companions: Companions
) -> Term:
    term, slope, reads = _slope(equation, term, position, companions)
    body, used = _linear(slope, reads, Read(dot, term.reads[position].at))
    guards = (*term.guards, *_chosen(equation, term))
    pushed = replace(term, body=body, reads=used, guards=guards, via=equation.name)
    return pushed


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
