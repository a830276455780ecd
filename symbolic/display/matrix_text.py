"""Matrix forms written out: one function for each kind of node.

    Product(Xᵀ, δ)   -> Xᵀ δ          Softmax(Z) -> softmax(Z)
    Total(δ, over i) -> 1ᵀ δ          Pointwise(1 - a²) -> 1 - A∘²
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..matrices.nodes import (
    Applied,
    Diagonal,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Series,
    Softmax,
    Span,
    Total,
    Transposed,
    Where,
    aligned,
)
from ..matrices.repeated_vectors import put_together, with_outer
from .layout import ATOM, MUL, Piece, body
from .logistic import with_sigmoids
from .pen import Pen, Way, name_piece
from .text_and_latex import joined


def node_text(node: Node, pen: Pen, way: Way | None = None) -> Piece:
    """A matrix form as text; NotImplementedError for one that has no spelling (an einsum).

    A vector stands as a column or as a row: `way`, or as it comes with the fewest transpositions.
    """
    write = _WRITERS.get(type(node))
    if write is None:
        raise NotImplementedError(f"no matrix spelling for {node}")
    return write(node, pen, way)


def natural(node: Node, pen: Pen) -> Way | None:
    """Whether a vector comes as a column or as a row; None for what is no vector, or is either."""
    if isinstance(node, Leaf):
        return pen.conventions.way(node.array, node.axes)
    if isinstance(node, Transposed):
        inner = natural(node.of, pen)
        return None if inner is None else _OTHER[inner]
    if isinstance(node, Product):
        if len(node.axes) != _stack(node) + 1:
            return None
        return "column" if len(named_axes(node.factors[-1])) <= _stack(node) + 1 else "row"
    if isinstance(node, Softmax | Where | Series):
        return natural(node.of, pen)
    if isinstance(node, Pointwise):
        ways = [natural(part, pen) for part in node.arguments
                if len(named_axes(part)) == len(named_axes(node))]
        columns, rows = ways.count("column"), ways.count("row")
        if columns == rows:
            return pen.conventions.vectors if columns else None
        return "column" if columns > rows else "row"
    return None


def _stack(node: Product) -> int:
    """How many leading axes the factors of a product have beside rows and columns."""
    return max(2, *(len(named_axes(factor)) for factor in node.factors)) - 2


def named_axes(node: Node) -> tuple[str, ...]:
    """The axes of a node without those of length 1 that are broadcast."""
    return tuple(axis for axis in node.axes if axis)


def _turned(piece: Piece, here: Way | None, way: Way | None, pen: Pen) -> Piece:
    """A vector that stands one way, the other way."""
    return piece if way is None or here is None or here == way else pen.medium.transpose(piece)


def _leaf(node: Leaf, pen: Pen, way: Way | None) -> Piece:
    """An array, with subscripts for one slice of it, with ranges for a part."""
    ranges = any(isinstance(place, Span) for place in node.part)
    at = []
    for place in node.part:
        if isinstance(place, Span):
            step = f":{place.step}" if place.step != 1 else ""
            at.append(f"{pen.subscript(place.start)}:{pen.subscript(place.stop)}{step}")
        elif place is not None:
            at.append(pen.subscript(place))
        elif ranges or any(later is not None for later in node.part[len(at):]):
            at.append(":")
    if len(at) == len(node.part) and not ranges and not any(node.axes):
        at = pen.conventions.worth_showing(node.array, at)  # x₂ of one row x, not x[:,2]
    elif ":" in at and len(at) == pen.conventions.rank(node.array):
        # b[:,0,:] of one matrix b: in b[:,0] the places would be those of its rows and columns
        at += [":"] * (len(node.part) - len(at))
    piece = name_piece(pen.name(node.array, at), bool(node.axes))
    return _turned(piece, natural(node, pen), way, pen)


def _transposed(node: Transposed, pen: Pen, way: Way | None) -> Piece:
    return pen.medium.transpose(node_text(node.of, pen, _OTHER[way] if way else None))


def _product(node: Product, pen: Pen, way: Way | None) -> Piece:
    """Factors side by side; a vector in front is a row, one at the end a column."""
    here = natural(node, pen)
    made = _beside(node.factors, _stack(node), bool(node.axes), pen)
    if way is None or here is None or here == way:
        return made
    # γ δᵀ as a column is δ γᵀ; A x as a row is (A x)ᵀ, since xᵀ Aᵀ has one ᵀ more.
    flipped = _beside([factor if len(named_axes(factor)) <= _stack(node) + 1 else
                       aligned(factor, (*factor.axes[:-2], factor.axes[-1], factor.axes[-2]))
                       for factor in reversed(node.factors)], _stack(node), True, pen)
    turned = pen.medium.transpose(made)
    return min(flipped, turned, key=lambda piece: piece.text.count(pen.medium.transposed))


def _beside(factors: Sequence[Node], stack: int, array: bool, pen: Pen) -> Piece:
    ends: dict[int, Way] = {0: "row", len(factors) - 1: "column"}
    pieces = [node_text(factor, pen,
                        ends.get(place) if len(named_axes(factor)) <= stack + 1 else None)
              for place, factor in enumerate(factors)]
    return joined(pieces, pen.medium, array)


def _outer(node: Outer, pen: Pen, way: Way | None) -> Piece:
    pair = [node_text(node.column, pen, "column"), node_text(node.row, pen, "row")]
    return joined(pair, pen.medium, True)


def _total(node: Total, pen: Pen, way: Way | None) -> Piece:
    """1ᵀ A, a row, or Aᵀ 1, a column, for the sum over rows; A 1 or (A 1)ᵀ for that over columns;
    1ᵀ v for a number."""
    medium, ones = pen.medium, Piece(pen.medium.ones, ATOM, True)
    if len(named_axes(node.of)) == 1:
        pair = [medium.transpose(ones), node_text(node.of, pen, "column")]
        return joined(pair, medium, bool(node.axes))
    if way is None and len(named_axes(node.of)) > 2:
        raise NotImplementedError("a stack of vectors that is no matrix")
    inner = node_text(node.of, pen)
    over_rows = node.over == node.of.axes[-2:-1]
    here: Way = way or ("row" if over_rows else "column")
    if here == "row" and not over_rows:
        return medium.transpose(joined([inner, ones], medium, True))
    if (here == "row") != over_rows:
        inner = medium.transpose(inner)
    pair = [medium.transpose(ones), inner] if here == "row" else [inner, ones]
    return joined(pair, medium, bool(node.axes))


def _series(node: Series, pen: Pen, way: Way | None) -> Piece:
    signs = "".join(pen.medium.sum(name) for name in node.over)
    held = pen.medium.style.hold(node_text(node.of, pen, way), MUL)
    return Piece(signs + held, MUL, bool(node.axes))


def _softmax(node: Softmax, pen: Pen, way: Way | None) -> Piece:
    """softmax(Z); the axis is named where it is not the last."""
    medium = pen.medium
    masked = node.of if isinstance(node.of, Where) else None
    inner = [node_text(masked.of if masked else node.of, pen)]
    if masked:
        places = ", ".join(map(pen.condition, masked.guards))
        inner = [Piece(f"{inner[0].text};{medium.gap}{places}")]
    # an axis of length 1 may be none of the printed ones
    place = node.axes.index(node.over) if node.over in node.axes else len(node.axes) - 1
    if place != len(node.axes) - 1:
        inner.append(Piece((r"\mathrm{axis}" if medium.latex else "axis") + f"={place}"))
    piece = Piece(medium.style.call("softmax", inner).text, ATOM, True)
    if node.log:
        piece = Piece((r"\log " if medium.latex else "log ") + piece.text, MUL, True)
    return _turned(piece, natural(node, pen), way, pen)


def _where(node: Where, pen: Pen, way: Way | None) -> Piece:
    held = pen.medium.style.hold(node_text(node.of, pen, way), MUL)
    return Piece("".join(map(pen.guard, node.guards)) + held, MUL, bool(node.axes))


def _diagonal(node: Diagonal, pen: Pen, way: Way | None) -> Piece:
    if node.of is None:
        return Piece("I", ATOM, True)
    return Piece(pen.medium.style.call("diag", [node_text(node.of, pen)]).text, ATOM, True)


def _applied(node: Applied, pen: Pen, way: Way | None) -> Piece:
    return pen.medium.named(node.operation, node_text(node.of, pen))


def _pointwise(node: Pointwise, pen: Pen, way: Way | None) -> Piece:
    if way or len(named_axes(node)) == 1:
        here = natural(node, pen)
        made = _vector_body(node, way or here, pen)
        if way is None or here is None or here == way:
            return made
        # (x - μ)ᵀ rather than xᵀ - μᵀ
        turned = pen.medium.transpose(_vector_body(node, here, pen))
        return min(turned, made, key=lambda piece: (
            piece.text.count(pen.medium.transposed), len(piece.text)))
    node = with_outer(replace(node, body=with_sigmoids(node.body)))
    for across in pen.conventions.across(node.axes):
        node = put_together(node, across)
    pieces = [_argument(argument, node.axes, pen) for argument in node.arguments]
    return body(node.body, pieces, pen.medium.style)


def _vector_body(node: Pointwise, way: Way | None, pen: Pen) -> Piece:
    """A body over vectors that all stand one way."""
    pieces = [node_text(part, pen, way if named_axes(part) else None) for part in node.arguments]
    return body(with_sigmoids(node.body), pieces, pen.medium.style)


def _argument(node: Node, axes: tuple[str, ...], pen: Pen) -> Piece:
    """An argument of a pointwise body, a vector across the others as a matrix (v 1ᵀ, 1 vᵀ)."""
    medium, ones = pen.medium, Piece(pen.medium.ones, ATOM, True)
    axes, named = tuple(axis for axis in axes if axis), named_axes(node)
    across: Way | None = None
    if len(axes) > 1 and named and len(named) < len(axes):
        if named in (axes[:-1], axes[-2:-1]):
            across = "column"
        elif named in (axes[-1:], (*axes[:-2], axes[-1])):
            across = "row"
    if across and len(named) > 1 and isinstance(node, Leaf) and natural(node, pen) is None:
        raise NotImplementedError("a matrix is no stack of vectors")
    piece = node_text(aligned(node, axes), pen, across)
    if across is None:
        return piece
    # One step's vector stands for one sample's: that it is repeated has to be said.
    step = isinstance(node, Leaf) and bool(node.part)
    if across == pen.conventions.repeated and not step:
        return piece
    if across == "column":
        return joined([piece, medium.transpose(ones)], medium, True)
    return joined([ones, piece], medium, True)


_OTHER: dict[Way, Way] = {"column": "row", "row": "column"}
_WRITERS: dict[type, Callable[[Any, Pen, Way | None], Piece]] = {
    Leaf: _leaf, Transposed: _transposed, Product: _product, Outer: _outer, Total: _total,
    Series: _series, Softmax: _softmax, Where: _where, Diagonal: _diagonal, Applied: _applied,
    Pointwise: _pointwise,
}
