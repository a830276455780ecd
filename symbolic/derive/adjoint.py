"""The rule: the chain rule on index equations, backwards and forwards.

    x̄k[q]  +=  Σ_{out ∪ over}  [Ik = q] [guards]   ȳ[out] · ∂f/∂xk[Ik]

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

from ..dependence import between, descendants
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
    fresh_name,
    index_symbol,
    slot,
)
from ..solving import prune, solve
from ..substitution import rename_bound, substitute_term
from ..validation import validate
from .named_operations import Companions, named_slope, with_companions


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
    system, companions = _recorded(system, wanted)
    names = _Names(system)
    for name in (output, *wanted, *([cotangent] if cotangent else [])):
        if name not in names.shapes:
            raise EquationError(f"no array {name!r} to differentiate; there are "
                                f"{sorted(names.shapes)}")
    shape = names.shapes[output]
    if cotangent is None and not prefix and shape:
        raise EquationError(f"{output} has shape {shape}, not a scalar: give a cotangent, or ask "
                            "for a Jacobian")
    active = sorted(between(system, output, wanted))
    bars: dict[str, str] = {}
    for name in active:
        bars[name] = names.fresh("d" + name)
    pending: dict[str, list[Term]] = {name: [] for name in active}
    lead = tuple(index.symbol for index in prefix)

    def define(name: str, loop: int | None = None) -> Equation:
        """The adjoint of `name` as the sum of what its readers have sent back."""
        out = names.out(name, avoid=[index.name for index in prefix])
        terms = []
        for term in pending[name]:
            moved = _at_out(term, out, prefix, loop)
            if moved is not None:
                terms.append(moved)
        return Equation(bars[name], (*prefix, *out), tuple(terms))

    def send_back(equation: Equation) -> None:
        """Each occurrence in `equation` gets its term of the rule."""
        bar = Read(bars[equation.name], (*lead, *(index.symbol for index in equation.out)))
        for term, position, read in occurrences(equation):
            if read.array in pending:
                pending[read.array].append(_pullback(equation, term, position, bar, companions))

    if output in active:
        seed_out = names.out(output, avoid=[index.name for index in prefix])
        pending[output].append(_seed(seed_out, cotangent, prefix))
    items: list[Item] = []
    for item in reversed(system.items):
        if isinstance(item, Recurrence):
            group = [equation for equation in item.equations if equation.name in active]
            for equation in reversed(group):
                send_back(equation)
            adjoints = tuple(define(equation.name, next(
                p for p, index in enumerate(equation.out) if index.name == item.loop
            )) for equation in reversed(group))
            if adjoints:
                adjoints = _same_loop(adjoints, group, item.loop, bars)
                items.append(Recurrence(item.loop, 1 if item.direction < 0 else -1, adjoints))
        elif item.name in active:
            items.append(define(item.name))
            send_back(item)
    for array in system.inputs:
        if array.name in active:
            items.append(define(array.name))
    for name in wanted:
        if name not in active:
            bars[name] = names.fresh("d" + name)
            out = names.out(name, avoid=[index.name for index in prefix])
            items.append(Equation(bars[name], (*prefix, *out), ()))
    return Derived(validate(system.extended(items)), bars)


def forward(system: System, tangents: Mapping[str, str]) -> Derived:
    """The tangent of every array that depends on the keys of `tangents` (a directional derivative).

    `tangents` maps an array's name to the name of the array that holds its tangent.
    """
    system, companions = _recorded(system, tangents)
    names = _Names(system)
    dots = dict(tangents)

    def push(equation: Equation) -> Equation | None:
        terms = []
        for term, position, read in occurrences(equation):
            if read.array in dots:
                terms.append(_pushforward(equation, term, position, dots[read.array], companions))
        if not terms:
            return None
        return Equation(dots[equation.name], equation.out, tuple(terms))

    items: list[Item] = []
    for item in system.items:
        if isinstance(item, Recurrence):
            inside = {equation.name for equation in item.equations}
            depends = any(read.array in dots for eq in item.equations for read in eq.reads)
            if depends:
                for name in sorted(inside):
                    dots[name] = names.fresh(name + "_dot")
                pushed = [push(equation) for equation in item.equations]
                kept = tuple(
                    made or Equation(dots[equation.name], equation.out, ())
                    for made, equation in zip(pushed, item.equations, strict=True)
                )
                items.append(Recurrence(item.loop, item.direction, kept))
        elif any(read.array in dots for read in item.reads):
            dots[item.name] = names.fresh(item.name + "_dot")
            made = push(item)
            if made is None:
                del dots[item.name]
            else:
                items.append(made)
    return Derived(validate(system.extended(items)), dots)


def jacobian(system: System, output: str, wrt: Iterable[str]) -> Derived:
    """J[out, in] = ∂output[out]/∂input[in] for each name in `wrt`, output axes in front."""
    shape = system.shapes[output]
    taken = {index.name for equation in system.equations for index in equation.out}
    prefix: list[Index] = []
    for size in shape:
        prefix.append(Index(fresh_name("p", taken | {index.name for index in prefix}), size))
    return reverse(system, output, wrt, prefix=prefix)


def recorded(system: System, wrt: Iterable[str]) -> System:
    """The system with what the rule will ask for: places of maxima, and inverses beside those
    determinants that depend on `wrt`.  Differentiating adds equations behind these alone."""
    return _recorded(system, wrt)[0]


def _recorded(system: System, wrt: Iterable[str]) -> tuple[System, Companions]:
    system = record_argmax(system)
    return with_companions(system, descendants(system.equations, wrt), _Names(system).fresh)


def record_argmax(system: System) -> System:
    """The system with a name for every place where a maximum is attained."""
    names = _Names(system)

    def named(equation: Equation) -> Equation:
        if equation.reduction != "max" or equation.argmax:
            return equation
        at = tuple(names.fresh(equation.name + "_at") for _ in equation.terms[0].over)
        return replace(equation, argmax=at)

    items: list[Item] = [
        replace(item, equations=tuple(map(named, item.equations)))
        if isinstance(item, Recurrence)
        else named(item)
        for item in system.items
    ]
    return replace(system, items=tuple(items))


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


# --- names --------------------------------------------------------------------------------------


class _Names:
    """Fresh names, and the indices of an array's left side."""

    def __init__(self, system: System) -> None:
        self.shapes: dict[str, tuple[Size, ...]] = system.shapes
        self.taken = set(self.shapes)
        self._out = {equation.name: equation.out for equation in system.equations}
        self._axes = {array.name: array.axes for array in system.inputs}

    def fresh(self, name: str) -> str:
        name = fresh_name(name, self.taken)
        self.taken.add(name)
        return name

    def out(self, name: str, avoid: Iterable[str] = ()) -> tuple[Index, ...]:
        if name in self._out:
            found = self._out[name]
        else:
            shape = self.shapes[name]
            letters = self._axes.get(name) or tuple("ijklpqrs"[: len(shape)])
            found = tuple(map(Index, letters, shape))
        taken = set(avoid)
        out: list[Index] = []
        for index in found:
            fresh = fresh_name(index.name, taken)
            taken.add(fresh)
            out.append(Index(fresh, index.size))
        return tuple(out)
