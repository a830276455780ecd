"""Which form of an equation reads well: the matrix form that a reader takes in without a key.

    A[i] = Σ_k W[i, k] x[k]                 -> W x: a product, taken
    y[i, j] = Σ_k A[i, k] B[j, k] C[i, j, k] -> none: indices say it better

A matrix form may be right and yet need a convention nobody has been told (along which axes is a
vector repeated? which axis does the sum run over?).  Then the equation is tried with leading axes
as subscripts, and is written with indices where that does not help either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..equation import Equation, Guard, Index, Read, guard_subscripts, size_names, subscript_indices
from ..matrices.loop_ends import loop_indices
from ..matrices.nodes import (
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Series,
    Span,
    Total,
    Where,
    aligned,
    walk,
)
from ..matrices.put_in import collected, put_in
from ..matrices.recognise import matrix_form, without_units
from .fits import fits
from .index_letters import indices_of, with_letters
from .matrix_text import node_text
from .pen import Conventions, Pen, Written
from .text_and_latex import TEXT


@dataclass(frozen=True)
class Readable:
    """A matrix form, its axes in the order of the left side's, `out`, of which `at` are subscripts,
    by the names that they have in the text."""

    form: Node
    at: tuple[str, ...]
    out: tuple[Index, ...]


def readable_form(equation: Equation, conventions: Conventions) -> Readable | None:
    """The first matrix form that reads well; None where indices read better."""
    if equation.name in conventions.setting.slopes:  # I - diag(1 - x²) W
        conventions = replace(conventions, diagonals=True)
    steps = steps_in(equation, conventions)
    taken = size_names(conventions.shapes.values()) | conventions.shapes.keys()
    for fixed in _slicings(equation, steps):
        # A step keeps the loop's own letter: hₜ is known by its t.
        shown = [name for name in fixed if name not in steps]
        named = with_letters(equation, shown, taken)
        letters = {new.name for old, new in zip(indices_of(equation), indices_of(named),
                                                strict=True) if old.name in fixed}
        form = matrix_form(
            named, conventions.row_vectors, conventions.shapes_read(named), conventions.diagonals,
            fixed=letters, levels=conventions.setting.levels, identities=True,
        )
        out = tuple(i.name for i in without_units(named).out if i.name not in letters)
        if form is not None and reads_well(form, out, conventions.diagonals):
            at = tuple(new.name for old, new in zip(equation.out, named.out, strict=True)
                       if old.name in fixed)
            found = Readable(aligned(form, out), at, named.out)
            whole = replace(found, form=collected(put_in(found.form, conventions.inline)))
            for readable in (whole, found) if whole != found else (found,):
                if is_algebra(readable, named, conventions):
                    return readable
    return None


def written(found: Readable, equation: Equation, pen: Pen) -> Written:
    """An equation in matrix form; NotImplementedError for a form that has no spelling.

    What the left side is, a column or a row, the right side is written as.
    """
    fixed = set(found.at)
    places = [index.name if index.name in fixed else ":" for index in found.out]
    while places and places[-1] == ":":
        places.pop()
    out = [index for index in found.out if index.name not in fixed]
    way = pen.conventions.way(
        equation.name, ["" if index.size == 1 else index.name for index in out])
    right = node_text(found.form, pen, way)
    return Written(pen.name(equation.name, places), right.text)


def is_algebra(found: Readable, equation: Equation, conventions: Conventions) -> bool:
    """Whether a form has a spelling that, read back, has the shape of what it is the form of."""
    try:
        text = written(found, equation, Pen(conventions, TEXT))
    except NotImplementedError:
        return False
    shown = {node.array for node in walk(found.form) if isinstance(node, Leaf)}
    return fits(equation, found.at, text.right, conventions, shown)


def steps_in(equation: Equation, conventions: Conventions) -> set[str]:
    """The names of the indices that are steps of a loop: all of them, so that Σ_t says how far it
    runs."""
    loops = conventions.setting.loops
    lengths = {shape[place] for name, place in loops.places.items()
               for shape in [conventions.shapes.get(name, ())] if place < len(shape)}
    return {index.name for index in loop_indices(equation, loops) if index.size in lengths}


def _slicings(equation: Equation, steps: set[str]) -> Iterator[tuple[str, ...]]:
    """The sets of indices that may stand as subscripts: steps of a loop always do, leading
    axes where the whole arrays have no matrix form, but none that counts one place."""
    running = tuple(dict.fromkeys(
        index.name for index in indices_of(equation) if index.name in steps
    ))
    yield running
    lone = {index.name for index in indices_of(equation) if index.size == 1}
    widest: list[str] = []
    for term in equation.terms:
        for read in term.reads:
            plain = [str(entry) for entry in read.at
                     if not isinstance(entry, Read) and entry.is_Symbol]
            widest = max(widest, [name for name in plain if name not in running], key=len)
    for count in range(1, len(widest) - 1):
        if widest[count - 1] not in lone:
            yield (*running, *(name for name in widest[:count] if name not in lone))


def reads_well(form: Node, out: tuple[str, ...], diagonals: bool = False) -> bool:
    """Whether the matrix form needs no convention beyond the one for biases."""
    nodes = list(walk(form))
    products = any(isinstance(node, Product | Outer | Total) for node in nodes)
    if not all(_is_plain(node, out) for node in nodes):
        return False
    leaves = [node for node in nodes if isinstance(node, Leaf)]
    if diagonals and any(len(leaf.axes) > 2 for leaf in leaves):
        return False
    if any(isinstance(place, Span) and place.start.is_negative for leaf in leaves
           for place in leaf.part):
        return False
    # A part of an array (x[1:n]) is a matrix to multiply with; by itself, indices say it better.
    if not products and any(isinstance(place, Span) for leaf in leaves for place in leaf.part):
        return False
    # A number made of sums, 1ᵀ(...)1, is read more easily as Σ.
    return bool(out) or not (isinstance(form, Pointwise | Series) and any(
        isinstance(node, Total) for node in nodes))


def _is_plain(node: Node, out: tuple[str, ...]) -> bool:
    """Whether a reader knows, from the node alone, which axes meet and which are summed."""
    if isinstance(node, Einsum):
        return False
    if isinstance(node, Total):
        return (node.reduction == "sum" and len(node.over) == 1 and bool(out)
                and node.over[0] in node.of.axes[-2:])
    if isinstance(node, Pointwise):
        return all(_broadcasts(argument.axes, node.axes) for argument in node.arguments)
    if isinstance(node, Where):
        return bool(node.lowest) or not any(_depends(guard, out) for guard in node.guards)
    return True


def _depends(guard: Guard, out: Iterable[str]) -> bool:
    """Whether a condition is another one for each entry, not for each step of a loop."""
    inside = {str(s) for part in guard_subscripts(guard) for s in subscript_indices(part)}
    return not inside.isdisjoint(out)


def _broadcasts(axes: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """Whether a reader knows along which axes an argument is repeated."""
    axes = tuple(axis for axis in axes if axis)
    stack = whole[:-2]
    if len(axes) >= 2 and axes[-2:] in (whole[-2:], whole[:-3:-1]):
        return axes[:-2] == stack[len(stack) - len(axes) + 2:]
    return not axes or axes in (whole[-1:], (*stack, *whole[-2:-1]))
