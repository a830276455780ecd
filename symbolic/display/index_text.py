"""Index forms written out: every entry with its subscripts, every sum with its index.

    y[i] = [1 <= i] x[i - 1] + Σ_k W[i, k] x[k]   ->   yᵢ = [1 ≤ i] xᵢ₋₁ + Σ_k Wᵢₖ xₖ

What matrix form says in one symbol stays one symbol here, too: entries of a softmax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from ..equation import (
    INDEX_VALUE,
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Term,
    Within,
    guard_subscripts,
    slot,
    slots_of,
    subscript_indices,
    term_reads,
)
from ..matrices.leaves import leaf, summand
from ..matrices.nodes import Diagonal, Leaf, Node, Pointwise, Softmax, walk
from ..matrices.put_in import fronts, put_in
from .layout import ADD, ATOM, MUL, Piece, body, numbers_in_front
from .logistic import with_sigmoids
from .matrix_text import node_text
from .notation import subscripted
from .pen import Pen, Written, affine
from .traces import trace


def index_form(
    equation: Equation, pen: Pen, alone: Callable[[Term], str] = lambda term: ""
) -> Written:
    """An equation without lone places (:mod:`lone_places`), with indices and Σ.

    alone: what a term of a sum is written as by itself, where that needs no indices.
    """
    lead = [index.name for index in equation.out]
    left = pen.name(equation.name, pen.conventions.worth_showing(equation.name, lead))
    if not equation.terms:
        return Written(left, "0")
    text = ""
    texts = [alone(term) or term_text(equation, term, pen).text for term in equation.terms]
    begin = next((place for place, shown in enumerate(texts) if not shown.startswith("-")), 0)
    for shown in (texts[begin], *texts[:begin], *texts[begin + 1:]):
        if not text:
            text = shown
        else:
            text += f" - {shown[1:].lstrip()}" if shown.startswith("-") else f" + {shown}"
    return Written(left, text)


def place_form(equation: Equation, pen: Pen) -> str:
    """(at₁, at₂)ᵢ = argmax ...: where a maximum is attained, in the order of its indices.

    The pen's medium is one that writes places.
    """
    lead = [index.name for index in equation.out]
    at = pen.conventions.worth_showing(equation.name, lead)
    names = ", ".join(map(pen.name, equation.argmax))
    left = pen.name(equation.argmax[0], at) if len(equation.argmax) == 1 \
        else subscripted(f"({names})", at, pen.medium.latex)
    return f"{left} = {term_text(equation, equation.terms[0], pen).text}"


def term_text(equation: Equation, term: Term, pen: Pen) -> Piece:
    """One summand: what stands in front of its sum, the sum, its guards, its body."""
    # Entries of a softmax, where there are any: exp(z - Λ) would show what nobody wrote.
    softened = _softened(equation, term, pen)
    whole, leaves, over = softened or (*_entries(term, pen), term.over)
    over = [index for index in over if index.size != 1]
    number, outside = sp.S.One, sp.S.One
    if over and equation.reduction == "sum":  # numbers and sizes stand in front of the sum
        number, rest = whole.as_coeff_Mul()
        number, factors = numbers_in_front(number, sp.Mul.make_args(rest))
        rest = sp.Mul(*factors)
        outside, whole = rest.as_independent(*slots_of(rest), as_Add=False)
        traced = None if softened or term.guards else _traced(whole, term, leaves, over, pen)
        if traced is not None:
            return _multiplied(number, outside, traced, pen)
    elif equation.reduction == "sum" and term.guards:  # a minus in front of the conditions
        number = sp.S.NegativeOne if whole.as_coeff_Mul()[0].is_negative else number
        whole = number * whole
    shown = body(with_sigmoids(whole), leaves, pen.medium.style)
    # What is of indices alone first: where it holds, the places that other guards read are there.
    telling = sorted(_telling(term, pen), key=lambda guard: (
        any(isinstance(part, Read) for part in guard_subscripts(guard)),
        not isinstance(guard, Within)))
    guards = "".join(map(pen.guard, telling))
    ranges = [(index, _is_seen(index, term, pen)) for index in over]
    return _multiplied(number, outside, _reduced(equation, ranges, guards, shown, pen), pen)


def _traced(
    whole: sp.Expr, term: Term, leaves: Sequence[Piece], over: Sequence[Index], pen: Pen
) -> Piece | None:
    """A sum around a circle of matrices as a trace, behind what does not depend on its indices."""
    inside = _bound_slots(term, over)
    summed, fixed = (sp.Mul(*(factor for factor in sp.Mul.make_args(whole)
                              if factor.free_symbols.isdisjoint(inside) is not wanted))
                     for wanted in (True, False))
    traced = trace(summed, term.reads, over, pen)
    if traced is None or fixed == 1:
        return traced
    return body(fixed * slot(len(leaves)), [*leaves, traced], pen.medium.style)


def _bound_slots(term: Term, over: Sequence[Index]) -> set[sp.Symbol]:
    """The slots of what is read at an index that is summed over."""
    bound = {index.symbol for index in over}
    return {slot(place) for place, read in enumerate(term.reads)
            if bound & {symbol for entry in read.at for symbol in subscript_indices(entry)}}


def _is_seen(index: Index, term: Term, pen: Pen) -> bool:
    """Whether an axis that is read at the index alone shows how far it runs."""
    shapes = pen.conventions.shapes
    primal = pen.conventions.notation.adjoints
    seen = set()
    for read in term_reads(term):
        put_in = pen.conventions.inline.get(read.array)
        if read.array == INDEX_VALUE or (put_in is not None and not _runs(put_in.form)):
            continue
        shape = shapes.get(read.array, shapes.get(primal.get(read.array, ""), ()))
        for axis, entry in enumerate(read.at):
            if entry == index.symbol:
                seen.add(shape[axis] if axis < len(shape) else index.size)
    return seen == {index.size}


def _entry(read: Read, pen: Pen) -> Piece:
    """An entry of an array; of what has no line of its own, as (A x)ᵢ."""
    found = pen.conventions.inline.get(read.array)
    if found is None:
        return pen.entry(read)
    return _inside(found.form, read, pen)


def _inside(form: Node, read: Read, pen: Pen) -> Piece:
    at = [pen.subscript(part) for part in read.at]
    if isinstance(form, Diagonal) and form.of is None:
        return Piece(f"[{' = '.join(at)}]")
    piece = node_text(form, pen)
    if not read.at or not _runs(form):
        return Piece(piece.text, piece.level)
    held = pen.medium.style.hold(piece, ATOM)
    return Piece(subscripted(held, at, pen.medium.latex))


def _entries(term: Term, pen: Pen) -> tuple[sp.Expr, list[Piece]]:
    """A body and the entries in its slots, the numbers in front of what has no line of its own with
    the body's: ½ Σ Sᵢⱼ Dᵢⱼ for Σ (½ S)ᵢⱼ Dᵢⱼ."""
    whole, leaves = term.body, []
    for place, read in enumerate(term.reads):
        found = pen.conventions.inline.get(read.array)
        front, (bare,) = fronts([found.form]) if found else (sp.S.One, (None,))
        if not found or bare is None or front == 1 or not _runs(found.form):
            leaves.append(_entry(read, pen))
            continue
        whole = whole.xreplace({slot(place): front * slot(place)})
        leaves.append(_inside(bare, read, pen))
    return whole, leaves


def _runs(form: Node) -> bool:
    """Whether a form differs from entry to entry: a number repeated along its axes has none."""
    return any(map(_runs, form.arguments)) if isinstance(form, Pointwise) else any(form.axes)


def _reduced(
    equation: Equation, over: Sequence[tuple[Index, bool]], guards: str, shown: Piece, pen: Pen
) -> Piece:
    """A body with its guards under the sign of the equation's reduction.

    over: the bound indices, each with whether a reader sees how far it runs.
    """
    medium, reduction = pen.medium, equation.reduction
    below = [medium.below(index.name, "" if is_seen else affine(index.size, medium.latex))
             for index, is_seen in over]
    if guards and reduction not in ("logsumexp", "max"):
        shown = Piece(guards.removesuffix(medium.gap) if shown.text == "1"
                      else guards + medium.style.hold(shown, MUL), MUL)
    if reduction == "max" and not below and not guards:
        return shown  # of one place alone
    if reduction == "max":  # the places that a guard leaves out take no part, whatever their sign
        names = ", ".join(below)
        names += f": {guards.strip()}" if guards else ""
        return Piece(medium.maximum(names) + medium.style.hold(shown, MUL), MUL)
    if reduction in NAMED:
        return medium.named(reduction, shown)
    signs = "".join(map(medium.sum, below))
    if reduction == "logsumexp":
        inner = medium.style.call("exp", [shown])
        return medium.style.call("log", [Piece(signs + guards + inner.text, MUL)])
    return Piece(signs + medium.style.hold(shown, MUL), MUL) if over else shown


def _multiplied(number: sp.Expr, outside: sp.Expr, summed: Piece, pen: Pen) -> Piece:
    """number · outside · summed, a minus in front."""
    sign, outside = outside.as_coeff_Mul()
    number *= sign  # apart from sums of sizes, into which SymPy multiplies it
    negative = number.is_negative
    if abs(number) * outside == 1:
        return pen.medium.style.negate(summed) if negative else summed
    front = body(abs(number) * outside, [], pen.medium.style)
    text = f"{pen.medium.style.hold(front, MUL)}{pen.medium.gap}{summed.text}"
    return Piece(("-" if negative else "") + text, ADD if negative else MUL)


def _softened(
    equation: Equation, term: Term, pen: Pen
) -> tuple[sp.Expr, list[Piece], Sequence[Index]] | None:
    """A body with entries of softmaxes, its pieces, and the indices that are still summed over;
    None where there are none."""
    shapes = pen.conventions.shapes  # else the first of several places is broadcast
    made = summand(equation, term, shapes, (), pen.conventions.setting.levels)
    if made is None or not any(isinstance(node, Softmax) for node in made.leaves):
        return None
    sizes = {index.symbol: index.size for index in (*equation.out, *term.over)}
    entries: dict[object, Read] = {}
    for read in term.reads:
        entries.setdefault(leaf(read, sizes, shapes), read)
    pieces = []
    for node in made.leaves:
        if isinstance(node, Leaf):
            pieces.append(_entry(entries[node], pen))
        elif isinstance(node, Softmax) and not _is_plain_stack(node):
            return None
        else:
            try:
                whole = put_in(node, pen.conventions.inline)
                held = pen.medium.style.hold(node_text(whole, pen), ATOM)
            except NotImplementedError:
                return None
            pieces.append(Piece(subscripted(held, node.axes, pen.medium.latex)))
    return made.body, pieces, [index for index in term.over if index.name in made.over]


def _is_plain_stack(node: Softmax) -> bool:
    """Whether a softmax is of a matrix, or of a stack whose parts all have its axes."""
    return len(node.axes) < 3 or all(inner.axes == node.axes for inner in walk(node.of)
                                     if isinstance(inner, Leaf))


def _telling(term: Term, pen: Pen) -> list[Guard]:
    """The guards of a term without those that others imply: the place of a maximum lies among
    the places that it is taken of."""
    places = pen.conventions.setting.places
    at = {sp.expand(value): places[place.array]
          for guard in term.guards if isinstance(guard, Equal)
          for place, value in ((guard.left, guard.right), (guard.right, guard.left))
          if isinstance(place, Read) and not isinstance(value, Read) and place.array in places}
    return [guard for guard in term.guards if not (
        isinstance(guard, Within) and guard.low == 0
        and at.get(sp.expand(guard.value)) == guard.high)]
