"""What a term reads as the leaves of a matrix form: whole arrays, slices of them, softmaxes.

    X[i, j]         -> X               x[2*i + 1] -> x[1:2*n+1:2]        h[t - 1, j] -> h[t-1]
    exp(z[i] - Λ)   -> softmax(z)[i]

A subscript that is an index by itself runs over an axis; s·i + c runs over a part of one; an
expression without a running index stands at one place.  exp(z - Λ) and z - Λ with Λ = log Σ exp z
are the softmax of z and its logarithm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sympy as sp

from ..equation import (
    INDEX_VALUE,
    Equation,
    Guard,
    Index,
    Read,
    Size,
    Subscript,
    System,
    Term,
    guard_subscripts,
    index_symbol,
    slot,
    subscript_indices,
)
from ..substitution import substitute_guard, substitute_read
from .nodes import Leaf, Node, Place, Pointwise, Softmax, Span, Where

Shapes = Mapping[str, tuple[Size, ...]]
Levels = Mapping[str, Equation]
"""Arrays that are log Σ exp along one axis, by name."""


def levels_of(system: System) -> dict[str, Equation]:
    """The equations of a system that are log Σ exp along one axis, by the name of their array."""
    return {
        equation.name: equation for equation in system.equations
        if equation.reduction == "logsumexp" and len(equation.terms[0].over) == 1
        and not any(isinstance(part, Read) for guard in equation.terms[0].guards
                    for part in guard_subscripts(guard))
    }


def softmaxes(system: System, levels: Levels) -> dict[str, int]:
    """The arrays exp(z - Λ), with Λ = log Σ exp z: name -> the axis along which they sum to one."""
    found = {}
    for equation in system.equations if levels else ():
        if not equation.is_pointwise or not isinstance(equation.terms[0].body, sp.exp):
            continue
        (term,) = equation.terms
        sizes = {index.symbol: index.size for index in equation.out}
        for place, read in enumerate(term.reads):
            level = levels.get(read.array)
            arguments = () if level is None else _arguments(term, read, level, sizes)
            for inner, over, guards in arguments:
                if not guards and sp.expand(term.body.args[0] - inner + slot(place)) == 0:
                    found[equation.name] = [index.name for index in equation.out].index(over)
    return found


@dataclass(frozen=True)
class Summand:
    """A term with what it reads as nodes: `body` in as many slots as there are `leaves`, where
    the `guards` hold."""

    body: sp.Expr
    leaves: tuple[Node, ...]
    over: tuple[str, ...]
    guards: tuple[Guard, ...] = ()


def summand(
    equation: Equation, term: Term, shapes: Shapes, fixed: Collection[str], levels: Levels
) -> Summand | None:
    """The term over leaves; None where a subscript is none that a slice could have.

    `fixed` indices stand as subscripts and run over no axis.
    """
    sizes = {index.symbol: index.size for index in (*equation.out, *term.over)
             if index.name not in fixed}
    body, marks, guards = _softened(term, sizes, levels)
    used = body.free_symbols.union(*(mark.inner.free_symbols for mark in marks))
    leaves: dict[int, Leaf] = {}
    for place, read in enumerate(term.reads):
        if slot(place) in used:
            found = leaf(read, sizes, shapes)
            if found is None:
                return None
            leaves[place] = found
    entries: list[_Entry] = [((place, 1), slot(place), node) for place, node in leaves.items()]
    for mark in marks:
        entries += _softmaxes(mark, leaves, len(term.reads), sizes)
    left = body.free_symbols
    shown = sorted((entry for entry in entries if entry[1] in left),
                   key=lambda entry: entry[0])
    move = {symbol: slot(new) for new, (_, symbol, _) in enumerate(shown)}
    nodes = tuple(node for _, _, node in shown)
    made = Summand(body.xreplace(move), nodes, tuple(index.name for index in term.over), guards)
    return _counted(made, term.over) if marks and equation.reduction == "sum" else made


def _counted(made: Summand, over: Sequence[Index]) -> Summand:
    """A softmax need not have all axes of its Λ: a sum over one that is not left counts it."""
    left = {axis for node in made.leaves for axis in node.axes} | {
        str(symbol) for guard in made.guards for part in guard_subscripts(guard)
        for symbol in subscript_indices(part)}
    times = sp.Mul(*(index.size for index in over if index.name not in left))
    return replace(made, body=times * made.body,
                   over=tuple(name for name in made.over if name in left))


_Entry: TypeAlias = tuple[tuple[int, int], sp.Symbol, Node]
"""A leaf with the symbol that stands for it, after the place that it has among the factors."""


def _softmaxes(
    mark: _Mark, leaves: Mapping[int, Leaf], count: int, sizes: Mapping[sp.Symbol, Size]
) -> list[_Entry]:
    """A softmax and its logarithm, where their argument stood, so that factors keep their order."""
    of = mark.inner.free_symbols
    inside = [place for place in leaves if slot(place) in of]
    axes = _axes_together([leaves[place] for place in inside], [str(s) for s in sizes])
    arguments = [leaves.get(place, Leaf("", ())) for place in range(count)]
    inner: Node = pointwise(mark.inner, arguments, axes)
    if mark.guards:  # what takes no part is -∞, whose exponential is zero
        inner = Where(inner, mark.guards,
                      tuple(sizes[index_symbol(axis)] for axis in inner.axes), True)
    return [((min(inside), 0), mark.probability, Softmax(inner, mark.over, False)),
            ((min(inside), 0), mark.logarithm, Softmax(inner, mark.over, True))]


def leaf(read: Read, sizes: Mapping[sp.Symbol, Size], shapes: Shapes) -> Leaf | None:
    """A read as an array or a slice of it; `sizes` are those of the indices that run."""
    if read.array == INDEX_VALUE:
        return None
    shape = shapes.get(read.array, ())
    axes: list[str] = []
    part: list[Place] = []
    for place, entry in enumerate(read.at):
        found = _place(entry, shape[place] if place < len(shape) else None, sizes)
        if found is None:
            return None
        axes += found[0]
        part.append(found[1])
    named = [axis for axis in axes if axis]
    if len(set(named)) < len(named):
        return None  # a diagonal
    whole = all(place is None for place in part)
    return Leaf(read.array, tuple(axes), () if whole else tuple(part))


def _place(
    entry: Subscript, size: Size | None, sizes: Mapping[sp.Symbol, Size]
) -> tuple[tuple[str, ...], Place] | None:
    """The axis that a subscript runs along, if any, and where it reads; None for no slice.

    `size` is that of the array's axis, where it is known.
    """
    if isinstance(entry, Read):
        return None
    running = [symbol for symbol in entry.free_symbols if symbol in sizes]
    if not running:  # the one place of an axis of length 1 is broadcast
        return (("",), None) if entry == 0 and size in (None, 1) else ((), entry)
    if len(running) > 1:
        return None  # x[i + j] is no slice: a convolution stays with its indices
    (symbol,) = running
    if entry == symbol and size in (None, sizes[symbol]):
        return (str(symbol),), None
    step = sp.expand(entry).coeff(symbol)
    start = sp.expand(entry - step * symbol)
    if not (step.is_Integer and step > 0) or symbol in start.free_symbols:
        return None
    # With a step, an end behind the last place, so that no place at all is no negative end.
    stop = sp.expand(start + step * sizes[symbol])
    return (str(symbol),), Span(start, stop, int(step))


def pointwise(body: sp.Expr, leaves: Sequence[Node], axes: tuple[str, ...]) -> Node:
    """A body over the leaves it uses; the leaf itself when it is nothing more."""
    symbols = body.free_symbols
    used = [p for p in range(len(leaves)) if slot(p) in symbols]
    body = body.xreplace({slot(p): slot(new) for new, p in enumerate(used)})
    arguments = tuple(leaves[p] for p in used)
    if body == slot(0) and arguments[0].axes == axes:
        return arguments[0]
    return Pointwise(body, arguments, axes)


def _axes_together(leaves: Sequence[Node], order: Sequence[str]) -> tuple[str, ...]:
    """The axes of several leaves: in the order of one that has them all, else in the given."""
    names = {axis for node in leaves for axis in node.axes if axis}
    for node in leaves:
        if set(node.axes) == names:
            return node.axes
    return tuple(axis for axis in order if axis in names)


# --- softmax ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mark:
    """Symbols that stand for the softmax of `inner` along `over`, and for its logarithm."""

    inner: sp.Expr
    over: str
    probability: sp.Symbol
    logarithm: sp.Symbol
    guards: tuple[Guard, ...] = ()


def _softened(
    term: Term, sizes: Mapping[sp.Symbol, Size], levels: Levels
) -> tuple[sp.Expr, list[_Mark], tuple[Guard, ...]]:
    """The body with marks where it says exp(z - Λ) or z - Λ, and the guards that are left.

    A sum over some places alone is a softmax that is zero elsewhere: a product with it needs no
    guard of its own.
    """
    body, marks, guards = term.body, [], term.guards

    def parts(at: tuple[int, Read]) -> int:
        """How many other Λ a Λ is made of: first those that say what a softmax is of as a whole."""
        level = levels.get(at[1].array)
        return 0 if level is None else sum(read.array in levels for read in level.reads)

    for place, read in sorted(enumerate(term.reads), key=parts, reverse=True):
        level = levels.get(read.array)
        if level is None or slot(place) not in body.free_symbols:
            continue
        for inner, over, inside in _arguments(term, read, level, sizes):
            mark = _Mark(inner, over, sp.Symbol(f"_p{place}", real=True),
                         sp.Symbol(f"_l{place}", real=True), inside)
            put = _marked(body, slot(place), mark)
            if put is None or (inside and not _masks(put, mark, guards)):
                continue
            body, guards = put, tuple(g for g in guards if g not in inside)
            marks.append(mark)
            break
    return _as_products(body, marks), marks, guards


def _as_products(body: sp.Expr, marks: Sequence[_Mark]) -> sp.Expr:
    """exp(log softmax(u) + log softmax(v)) as the product of the two."""
    known = {mark.logarithm: mark.probability for mark in marks}

    def product(power: sp.Expr) -> sp.Expr:
        pairs = [(known.get(log), times) for times, log in (
            term.as_coeff_Mul() for term in sp.Add.make_args(power.args[0]))]
        if any(of is None or times < 0 for of, times in pairs):
            return power
        return sp.Mul(*(of**times for of, times in pairs))

    return body.replace(lambda part: isinstance(part, sp.exp), product) if len(marks) > 1 else body


def _masks(body: sp.Expr, mark: _Mark, guards: Sequence[Guard]) -> bool:
    """Whether the body is a multiple of the softmax, and guarded as that is."""
    return (set(mark.guards) <= set(guards) and mark.probability in sp.Mul.make_args(body)
            and mark.logarithm not in body.free_symbols)


def _arguments(
    term: Term, read: Read, level: Equation, sizes: Mapping[sp.Symbol, Size]
) -> Sequence[tuple[sp.Expr, str, tuple[Guard, ...]]]:
    """What z can be, in the term's own slots, the index that Λ sums over there, and where."""
    (source,) = level.terms
    (bound,) = source.over
    by = {index.symbol: entry for index, entry in zip(level.out, read.at, strict=True)}
    if any(isinstance(entry, Read) for entry in read.at):
        return []
    used = [r for place, r in enumerate(source.reads) if source.body.has(slot(place))]
    if not any(bound.symbol in subscript_indices(entry) for r in used for entry in r.at):
        return []  # of a constant along the axis: there is nothing that a softmax is taken of
    taken = {symbol for entry in read.at for symbol in subscript_indices(entry)}
    found = []
    for symbol, size in sizes.items():
        if size != bound.size or symbol in taken:
            continue  # not the axis that Λ sums over, or one that Λ itself is read at
        reads = [substitute_read(r, {**by, bound.symbol: symbol}) for r in source.reads]
        if all(r in term.reads for r in reads):
            move = {slot(p): slot(term.reads.index(r)) for p, r in enumerate(reads)}
            guards = tuple(
                substitute_guard(guard, {**by, bound.symbol: symbol}) for guard in source.guards
            )
            found.append((source.body.xreplace(move), str(symbol), guards))
    return found


def _marked(body: sp.Expr, level: sp.Symbol, mark: _Mark) -> sp.Expr | None:
    """The body with z - Λ marked; None where that would not make it shorter."""
    # Λ = z - log softmax(z): where z cancels, the body says log softmax, or exp of it.
    put = body.xreplace({level: mark.inner - mark.logarithm})
    forms = (put, sp.expand(put))
    put = min(forms, key=lambda form: sp.count_ops(form))
    longer = sp.count_ops(put) - sp.count_ops(body)
    if longer > 0 or (longer == 0 and len(put.free_symbols) >= len(body.free_symbols)):
        return None

    def power(part: sp.Expr) -> sp.Expr:
        times = part.args[0] / mark.logarithm
        return mark.probability**times if times.is_number else part

    return put.replace(lambda part: isinstance(part, sp.exp), power)
