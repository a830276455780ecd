"""Definitions put into the forms that read them: a temporary is what it is.

    Aᵀ t₂, t₂ = 2 (t₁ - b), t₁ = A x   ->   2 Aᵀ (A x - b)

Bodies that meet become one, numbers and sizes go to the front of a product, and products within
products are written without brackets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from ..equation import slot, slot_number, slots_of
from .nodes import (
    Applied,
    Diagonal,
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Series,
    Softmax,
    Total,
    Transposed,
    Where,
    walk,
)


@dataclass(frozen=True)
class Definition:
    """The form of an array, and the names of its axes in the order of the array's own."""

    form: Node
    axes: tuple[str, ...]


def can_be_put(form: Node) -> bool:
    """Whether a form stands by itself: its indices are written nowhere."""
    return not any(isinstance(node, Where | Series | Einsum) or (
        isinstance(node, Leaf) and node.part) for node in walk(form))


def weight(form: Node) -> int:
    """How much a reader sees in a form: its arrays, and sums written with 1."""
    return sum(2 if isinstance(node, Total) else isinstance(node, Leaf | Diagonal)
               for node in walk(form))


def put_in(node: Node, known: Mapping[str, Definition]) -> Node:
    """The form with the definitions for the arrays that they are of."""
    if isinstance(node, Leaf):
        found = known.get(node.array)
        if found is None or node.part or "" in node.axes:
            return node
        return renamed(found.form, dict(zip(found.axes, node.axes, strict=True)), node.array)
    if isinstance(node, Pointwise):
        parts = [put_in(part, known) for part in node.arguments]
        return _merged(node.body, [
            _transposed(part) if isinstance(part, Product) and len(part.axes) == 2
            and part.axes == node.axes[::-1]
            else part for part in parts], node.axes)
    if isinstance(node, Transposed):
        return _transposed(put_in(node.of, known))
    if isinstance(node, Product):
        return _product([_long(factor, known) for factor in node.factors], node.axes)
    if isinstance(node, Outer):
        front, (column, row) = fronts([_long(node.column, known), _long(node.row, known)])
        return _scaled(front, Outer(column, row))
    if isinstance(node, Total) and node.reduction == "sum":
        front, (inner,) = fronts([_long(node.of, known)])
        return _scaled(front, replace(node, of=inner))
    if isinstance(node, Diagonal | Softmax | Applied | Total):
        return node if node.of is None else replace(node, of=_long(node.of, known))
    if isinstance(node, Where | Series):
        return replace(node, of=put_in(node.of, known))
    return node


def _long(node: Node, known: Mapping[str, Definition]) -> Node:
    """The form with definitions put in, of which something is made that asks how long it is: as
    it was where they are one number all along an axis, since 1ᵀ 3 does not say of how many."""
    made = put_in(node, known)
    told = {axis for part in walk(made) if isinstance(part, Leaf | Diagonal) for axis in part.axes}
    return made if {axis for axis in node.axes if axis} <= told else node


def _transposed(node: Node) -> Node:
    """(A B)ᵀ as Bᵀ Aᵀ, and a sum such as S + Sᵀ as it is."""
    if isinstance(node, Transposed):
        return node.of
    if len(node.axes) != 2:
        return Transposed(node)
    front, (bare,) = fronts([node])
    if front != 1:
        return _scaled(front, _transposed(bare))
    row, column = node.axes
    if isinstance(node, Product) and all(len(factor.axes) == 2 for factor in node.factors):
        return Product(tuple(map(_transposed, reversed(node.factors))), (column, row))
    if isinstance(node, Pointwise) and can_be_put(node):
        there = _summands(renamed(node, {row: column, column: row}, ""))
        if there is not None and there == _summands(node):
            return replace(node, axes=(column, row))
    return Transposed(node)


def _summands(node: Node) -> set[tuple[sp.Expr, Node]] | None:
    """The terms of a sum of matrices, each with its number; None for another body."""
    assert isinstance(node, Pointwise)
    found = set()
    for term in sp.Add.make_args(node.body):
        number, rest = term.as_coeff_Mul()
        places = [p for p in range(len(node.arguments)) if rest == slot(p)]
        if not places:
            return None
        argument = canonical(node.arguments[places[0]])
        found.add((number, argument))
    return found


def _merged(body: sp.Expr, parts: Iterable[Node], axes: tuple[str, ...]) -> Node:
    """One body over all that the bodies among its arguments are of."""
    arguments: list[Node] = []

    def place(node: Node) -> sp.Expr:
        if node not in arguments:
            arguments.append(node)
        return slot(arguments.index(node))

    move = {}
    for position, part in enumerate(parts):
        if isinstance(part, Pointwise):
            inside = {slot(p): place(inner) for p, inner in enumerate(part.arguments)}
            move[slot(position)] = part.body.xreplace(inside)
        else:
            move[slot(position)] = place(part)
    made = body.xreplace(move)
    if made == slot(0) and arguments[0].axes == axes:
        return arguments[0]
    used = [p for p in range(len(arguments)) if slot(p) in made.free_symbols]
    return Pointwise(made.xreplace({slot(p): slot(new) for new, p in enumerate(used)}),
                     tuple(arguments[p] for p in used), axes)


def fronts(parts: Iterable[Node]) -> tuple[sp.Expr, list[Node]]:
    """What numbers and sizes the parts have in front, and the parts without."""
    front, bare = sp.S.One, []
    for part in parts:
        if isinstance(part, Pointwise) and part.arguments:
            number, body = part.body.as_independent(*slots_of(part.body), as_Add=False)
            content, body = sp.factor_terms(body).as_coeff_Mul() if body.is_Add else (
                sp.S.One, body)
            front *= number * content
            part = part.arguments[0] if body == slot(0) and (
                part.arguments[0].axes == part.axes) else replace(part, body=body)
        bare.append(part)
    return front, bare


def _scaled(front: sp.Expr, node: Node) -> Node:
    return node if front == 1 else Pointwise(front * slot(0), (node,), node.axes)


def _product(factors: list[Node], axes: tuple[str, ...]) -> Node:
    front, bare = fronts(factors)
    flat: list[Node] = []
    for place, factor in enumerate(bare):
        ends = place == 0 and len(factor.axes) == 1, place == len(bare) - 1
        if isinstance(factor, Product) and (
                len(factor.axes) == 2
                or (ends[0] and len(factor.factors[0].axes) == 1 and not ends[1])
                or (ends[1] and len(factor.factors[-1].axes) == 1)):
            flat += factor.factors
        else:
            flat.append(factor)
    return _scaled(front, Product(tuple(flat), axes))


def renamed(node: Node, by: Mapping[str, str], mark: str) -> Node:
    """The form with other names for its axes; those that are summed inside get ones of their
    own, since the same letter may run outside."""

    def name(axis: str) -> str:
        return by.get(axis, f"{axis} {mark}") if axis else axis

    def names(axes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(name, axes))

    def walked(part: Node) -> Node:
        if isinstance(part, Leaf):
            return replace(part, axes=names(part.axes))
        if isinstance(part, Transposed):
            return Transposed(walked(part.of))
        if isinstance(part, Product):
            return Product(tuple(map(walked, part.factors)), names(part.axes))
        if isinstance(part, Outer):
            return Outer(walked(part.column), walked(part.row))
        if isinstance(part, Total):
            return replace(part, of=walked(part.of), over=names(part.over))
        if isinstance(part, Softmax):
            return replace(part, of=walked(part.of), over=name(part.over))
        if isinstance(part, Pointwise):
            return Pointwise(part.body, tuple(map(walked, part.arguments)), names(part.axes))
        if isinstance(part, Diagonal):
            return Diagonal(None if part.of is None else walked(part.of), names(part.axes))
        if isinstance(part, Applied):
            return replace(part, of=walked(part.of), axes=names(part.axes))
        raise NotImplementedError(part)

    return walked(node)


# --- like terms ---------------------------------------------------------------------------------


def canonical(form: Node) -> Node:
    """The form with names for its summed axes that depend on how it is built alone, so that equal
    forms are equal; a form whose indices are written stays."""
    if not can_be_put(form):
        return form
    free = {axis: axis for axis in form.axes}
    order: dict[str, str] = {}
    for node in walk(form):
        for axis in node.axes:
            if axis and axis not in free:
                order.setdefault(axis, f"#{len(order)}")
    return renamed(form, {**free, **order}, "")


def collected(form: Node) -> Node:
    """A sum with equal terms as one, and with a factor that products have in common at an end in
    front or behind: A x + Aᵀ x is (A + Aᵀ) x."""
    if not isinstance(form, Pointwise):
        return form
    form = _like_terms(form)
    if not isinstance(form, Pointwise):
        return form
    if not form.body.is_Add:
        return _behind_scalars(form)
    for at_end in (True, False):
        made = _common_factor(form, at_end)
        if made is not None:
            return collected(made) if isinstance(made, Pointwise) else made
    return form


def _behind_scalars(form: Pointwise) -> Node:
    """A sum behind numbers, sizes and scalars: (P V - V)/m."""
    factors = sp.Mul.make_args(form.body)
    sums = [factor for factor in factors if factor.is_Add]
    others = [factor for factor in factors if not factor.is_Add]
    if len(sums) != 1 or any(form.arguments[slot_number(s) or 0].axes
                             for factor in others for s in slots_of(factor)):
        return form
    before = Pointwise(sums[0], form.arguments, form.axes)
    inner = collected(before)
    if inner == before:
        return form
    return _merged(sp.Mul(*others) * slot(len(form.arguments)), [*form.arguments, inner],
                   form.axes)


def _like_terms(form: Pointwise) -> Node:
    keys: list[Node] = []
    move = {}
    for place, argument in enumerate(form.arguments):
        key = canonical(argument)
        if key not in keys:
            keys.append(key)
        move[slot(place)] = slot(keys.index(key))
    return _merged(form.body.xreplace(move), keys, form.axes)


def _common_factor(form: Pointwise, at_end: bool) -> Node | None:
    """The largest group of terms c M v with one v (or v M) as c' (M + ...) v; None for none."""
    groups: dict[Node, list[tuple[sp.Expr, Node]]] = {}
    for term in form.body.args:
        rest = term.as_coeff_Mul()[1]
        found = [p for p in range(len(form.arguments)) if rest == slot(p)]
        product = form.arguments[found[0]] if found else None
        if not isinstance(product, Product) or len(product.factors) < 2:
            continue
        factors = product.factors
        shared, others = (factors[-1], factors[:-1]) if at_end else (factors[0], factors[1:])
        if len(shared.axes) > 2 or any(len(other.axes) != 2 for other in others):
            continue
        groups.setdefault(_apart(shared, at_end), []).append((term, product))
    if len(form.body.args) == 2:
        for term in form.body.args:
            _add_lone(form, term, groups, at_end)
    if not groups or max(map(len, groups.values())) < 2:
        return None
    shared, terms = max(groups.items(), key=lambda item: len(item[1]))
    return _taken_out(form, shared, terms, at_end)


def _add_lone(
    form: Pointwise, term: sp.Expr, groups: dict[Node, list[tuple[sp.Expr, Node]]], at_end: bool
) -> None:
    """V as I V, where another term is P V with one matrix P."""
    rest = term.as_coeff_Mul()[1]
    found = [p for p in range(len(form.arguments)) if rest == slot(p)]
    lone = form.arguments[found[0]] if found else None
    if not isinstance(lone, Leaf | Transposed) or not lone.axes or lone.axes != form.axes:
        return
    meets = lone.axes[0] if at_end else lone.axes[-1]
    fellows = groups.get(renamed(lone, {**{axis: axis for axis in lone.axes}, meets: "#met"}, ""))
    if fellows and all(isinstance(product, Product) and len(product.factors) == 2
                       for _, product in fellows):
        inner = renamed(lone, {**{axis: axis for axis in lone.axes}, meets: "#same"}, "")
        eye = Diagonal(None, (meets, "#same") if at_end else ("#same", meets))
        fellows.append((term, Product((eye, inner) if at_end else (inner, eye), form.axes)))


def _is_diagonal(node: Node) -> bool:
    """Whether it is diag(v), both of whose axes are one of the whole."""
    return len(node.axes) == 2 and node.axes[0] == node.axes[1]


def _apart(shared: Node, at_end: bool) -> Node:
    """A factor by itself: what it meets the others along has one name."""
    axes = shared.axes
    if _is_diagonal(shared):
        return shared
    meets = axes[-2:][0] if at_end or len(axes) == 1 else axes[-1]
    return renamed(shared, {**{axis: axis for axis in axes}, meets: "#met"}, "")


def _taken_out(
    form: Pointwise, shared: Node, terms: list[tuple[sp.Expr, Node]], at_end: bool
) -> Node:
    inside: list[Node] = []
    total = sp.S.Zero
    for term, product in terms:
        assert isinstance(product, Product)
        factors = product.factors[:-1] if at_end else product.factors[1:]
        old = product.factors[-1 if at_end else 0]
        meets = old.axes[-2:][0] if at_end or len(old.axes) == 1 else old.axes[-1]
        own = [axis for axis in product.axes if axis not in shared.axes]
        mark = shared.axes[0] if _is_diagonal(shared) else "#met"
        axes = (*own, mark) if at_end else (mark, *own)
        whole: Node = factors[0] if len(factors) == 1 else Product(
            tuple(factors), tuple(meets if axis == mark else axis for axis in axes))
        inside.append(renamed(whole, {**{axis: axis for axis in own}, meets: mark}, str(term)))
        total += term.as_coeff_Mul()[0] * slot(len(inside) - 1)
    axes = inside[0].axes
    rest = form.body - sp.Add(*(term for term, _ in terms))
    middle = collected(_merged(total, inside, axes))
    pair = (middle, shared) if at_end else (shared, middle)
    return _merged(rest + slot(len(form.arguments)),
                   [*form.arguments, _product(list(pair), form.axes)], form.axes)
