"""A small system entry by entry: every array taken apart into scalars with names of their own.

    Z = X W of (1, 2)(2, 1)   ->   Z[0,0] = X[0,0] W[0,0] + X[0,1] W[1,0]

The scalar system is differentiated by the same rule, so its gradients are a second derivation;
:func:`disagreements` compares them with the matrix form's, entry by entry and exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import sympy as sp

from ..equation import (
    INDEX_VALUE,
    NAMED,
    Array,
    Equation,
    EquationError,
    Implicit,
    Read,
    Recurrence,
    Size,
    System,
    Term,
    index_symbol,
    slot,
)
from ..evaluator import Grid, Places, Point, size_number
from ..solving import prune
from ..validation import validate
from .chain import differentiate
from .steps import Chain

Sizes = Mapping[sp.Symbol, int]


def entry(array: str, at: Sequence[int]) -> str:
    """The name of an entry, counted from 0 as NumPy does: W1[0,1]; a scalar keeps its name."""
    return f"{array}[{','.join(map(str, at))}]" if at else array


def count_entries(system: System, sizes: Sizes) -> int:
    """How many scalars the unrolled system would have."""
    return sum(prod(size_number(size, sizes) for size in shape) for shape in system.shapes.values())


def unroll(system: System, sizes: Sizes | None = None) -> System:
    """The system with one scalar equation for each entry; every size must be a number.

    Raises NotComputableError where a size is not known, EquationError where an equation gathers or
    keeps an argmax.
    """
    known = dict(sizes or {})
    entries = _Entries(known)
    inputs = [
        Array(entry(array.name, at), (), "real")
        for array in system.inputs
        for at in _places(array.shape, known)
    ]
    equations: list[Equation] = []
    for item in system.items:
        if isinstance(item, Implicit):
            raise EquationError(f"{item.unknown.name} is solved for, which entry by entry is not "
                                "worked out")
        if isinstance(item, Recurrence):
            equations += _unroll_recurrence(item, entries)
        else:
            equations += _unroll_equation(item, entries)
    return validate(System(tuple(inputs), tuple(equations)))


def entry_chain(system: System, loss: str, wrt: Sequence[str], sizes: Sizes | None = None) -> Chain:
    """The gradients of `loss` by every entry of `wrt`, derived on scalars."""
    scalars = unroll(system, sizes)
    known = dict(sizes or {})
    shapes = system.shapes
    names = [entry(name, at) for name in wrt for at in _places(shapes[name], known)]
    return differentiate(scalars, loss, names)


def disagreements(entries: Chain, chain: Chain, sizes: Sizes | None = None) -> list[str]:
    """The gradient entries whose two derivations are not the same rational function.

    Both are compared with every adjoint inserted, down to forward values, so that neither leans
    on the other's intermediates.  An empty list is the claim that the two forms agree.
    """
    forward = {step.name for step in entries.steps if step.role == "forward"}
    ours = _inserted(entries.system, forward)
    theirs = _inserted(unroll(chain.system, sizes), forward)
    # The matrix form may have used that rows sum to one, the entries know nothing of it.
    rows = _last_of_rows(chain, dict(sizes or {}))
    return [
        name
        for name in (entries.of[parameter] for parameter in entries.wrt)
        if name not in theirs
        or sp.cancel(sp.together((ours[name] - theirs[name]).xreplace(rows))) != 0
    ]


def _last_of_rows(chain: Chain, sizes: Sizes) -> dict[sp.Symbol, sp.Expr]:
    """For each row that the matrix form assumed to sum to one: its last entry as 1 - the rest."""
    last: dict[sp.Symbol, sp.Expr] = {}
    for name in chain.assumed:
        *outer, width = chain.system.shapes[name]
        count = size_number(width, sizes)
        for at in _places(outer, sizes):
            row = [sp.Symbol(entry(name, (*at, k)), real=True) for k in range(count)]
            last[row[-1]] = 1 - sp.Add(*row[:-1])
    return last


def _inserted(system: System, forward: set[str]) -> dict[str, sp.Expr]:
    """Every adjoint entry as an expression in inputs and forward values.

    Forward values that are exponentials or logarithms (softmax) are inserted, too, since there
    are algebraic relations among them.
    """
    values: dict[str, sp.Expr] = {}
    for equation in system.equations:
        transcendental = any(term.body.has(sp.exp, sp.log) for term in equation.terms)
        if equation.name in forward and not transcendental:
            continue
        values[equation.name] = sp.Add(*(
            term.body.xreplace({
                slot(place): values.get(read.array, sp.Symbol(read.array, real=True))
                for place, read in enumerate(term.reads)
            })
            for term in equation.terms
        ))
    return values


class _Entries(Places):
    def labels(self, read: Read, grid: Grid) -> Any:
        raise EquationError(f"{read}: a gather has no entry form")

    def read(self, read: Read, at: Grid) -> Read:
        """The entry that an occurrence is."""
        if read.array == INDEX_VALUE:
            raise EquationError(f"{read}: the value of an index has no entry form")
        return Read(entry(read.array, [int(self.subscript(part, at)) for part in read.at]), ())


def _unroll_recurrence(group: Recurrence, entries: _Entries) -> Iterator[Equation]:
    """The entries step by step, in the direction of the loop: h[0,...], then h[1,...]."""
    step = index_symbol(group.loop)
    made = [(at[step], place, equation) for place, whole in enumerate(group.equations)
            for at, equation in _unrolled(whole, entries)]
    yield from (equation for *_, equation in sorted(
        made, key=lambda one: (group.direction * one[0], one[1])))


def _unroll_equation(equation: Equation, entries: _Entries) -> Iterator[Equation]:
    yield from (made for _, made in _unrolled(equation, entries))


def _unrolled(equation: Equation, entries: _Entries) -> Iterator[tuple[Point, Equation]]:
    """The equations of the entries, each with the place that it is for."""
    if equation.reduction == "max" or equation.argmax:
        raise EquationError(f"{equation.name}: a maximum has no entry form")
    if equation.reduction in NAMED:
        raise EquationError(f"{equation.name}: {equation.reduction} has no entry form")
    numbers = {symbol: sp.Integer(number) for symbol, number in entries.sizes.items()}
    for at in entries.points(equation.out, {}):
        bodies: list[sp.Expr] = []
        reads: list[Read] = []
        for term in equation.terms:
            for point in entries.points(term.over, at):
                if not all(entries.holds(guard, point) for guard in term.guards):
                    continue
                shift = len(reads)  # each summand brings its own reads; prune joins equal ones
                by = {slot(p): slot(p + shift) for p in range(len(term.reads))}
                bodies.append(term.body.xreplace(by | numbers))
                reads += [entries.read(read, point) for read in term.reads]
        total = (
            sp.log(sp.Add(*map(sp.exp, bodies)))
            if equation.reduction == "logsumexp"
            else sp.Add(*bodies)
        )
        body, used = prune(total, reads)
        name = entry(equation.name, [at[index.symbol] for index in equation.out])
        yield at, Equation(name, (), (Term(body, used),) if body != 0 else ())


def _places(shape: Sequence[Size], sizes: Sizes) -> Iterator[tuple[int, ...]]:
    return product(*(range(size_number(size, sizes)) for size in shape))
