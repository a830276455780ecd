"""Matrix forms written out: one function for each kind of node.

    Product(Xᵀ, δ)   -> Xᵀ δ          Softmax(Z) -> softmax(Z)
    Total(δ, over i) -> 1ᵀ δ          Pointwise(1 - a²) -> 1 - A∘²
"""

from __future__ import annotations

from collections.abc import Callable
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
from ..matrices.repeated_vectors import put_together
from .layout import ATOM, MUL, Piece, body
from .pen import Pen, name_piece, unspaced
from .text_and_latex import joined


def node_text(node: Node, pen: Pen) -> Piece:
    """A matrix form as text; NotImplementedError for one that has no spelling (an einsum)."""
    write = _WRITERS.get(type(node))
    if write is None:
        raise NotImplementedError(f"no matrix spelling for {node}")
    return write(node, pen)


def _leaf(node: Leaf, pen: Pen) -> Piece:
    """An array, with subscripts for one slice of it, with ranges for a part."""
    ranges = any(isinstance(place, Span) for place in node.part)
    at = []
    for place in node.part:
        if isinstance(place, Span):
            step = f":{place.step}" if place.step != 1 else ""
            at.append(f"{unspaced(place.start)}:{unspaced(place.stop)}{step}")
        elif place is not None:
            at.append(unspaced(place))
        elif ranges:
            at.append(":")
    return name_piece(pen.name(node.array, at), bool(node.axes))


def _transposed(node: Transposed, pen: Pen) -> Piece:
    return pen.medium.transpose(node_text(node.of, pen))


def _product(node: Product, pen: Pen) -> Piece:
    pieces = [node_text(factor, pen) for factor in node.factors]
    if len(node.factors[0].axes) == len(node.factors[-1].axes) == 1:
        end = -1 if pen.conventions.row_vectors else 0  # uᵀ A v of columns, u A vᵀ of rows
        pieces[end] = pen.medium.transpose(pieces[end])
    return joined(pieces, pen.medium, bool(node.axes))


def _outer(node: Outer, pen: Pen) -> Piece:
    column, row = node_text(node.column, pen), node_text(node.row, pen)
    if pen.conventions.row_vectors:
        column = pen.medium.transpose(column)
    else:
        row = pen.medium.transpose(row)
    return joined([column, row], pen.medium, True)


def _total(node: Total, pen: Pen) -> Piece:
    inner, ones = node_text(node.of, pen), Piece(pen.medium.ones, ATOM)
    # 1ᵀ A sums over rows, A 1 over columns; of a lone column, 1ᵀ v is the sum.
    lone = len(node.of.axes) == 1 and not pen.conventions.row_vectors
    from_left = lone or node.over == node.of.axes[-2:-1]
    pair = [pen.medium.transpose(ones), inner] if from_left else [inner, ones]
    return joined(pair, pen.medium, bool(node.axes))


def _series(node: Series, pen: Pen) -> Piece:
    signs = "".join(pen.medium.sum(name) for name in node.over)
    held = pen.medium.style.hold(node_text(node.of, pen), MUL)
    return Piece(signs + held, MUL, bool(node.axes))


def _softmax(node: Softmax, pen: Pen) -> Piece:
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
    shown = medium.style.call("softmax", inner).text
    if not node.log:
        return Piece(shown, ATOM, True)
    return Piece((r"\log " if medium.latex else "log ") + shown, MUL, True)


def _where(node: Where, pen: Pen) -> Piece:
    held = pen.medium.style.hold(node_text(node.of, pen), MUL)
    return Piece("".join(map(pen.guard, node.guards)) + held, MUL, bool(node.axes))


def _diagonal(node: Diagonal, pen: Pen) -> Piece:
    if node.of is None:
        return Piece("I", ATOM, True)
    return Piece(pen.medium.style.call("diag", [node_text(node.of, pen)]).text, ATOM, True)


def _applied(node: Applied, pen: Pen) -> Piece:
    return pen.medium.named(node.operation, node_text(node.of, pen))


def _pointwise(node: Pointwise, pen: Pen) -> Piece:
    for across in pen.conventions.across(node.axes):
        node = put_together(node, across)
    pieces = [_argument(argument, node.axes, pen) for argument in node.arguments]
    return body(node.body, pieces, pen.medium.style)


def _argument(node: Node, axes: tuple[str, ...], pen: Pen) -> Piece:
    """An argument of a pointwise body, a vector across the others as a matrix (v 1ᵀ)."""
    medium = pen.medium
    piece, ones = node_text(aligned(node, axes), pen), Piece(medium.ones, ATOM)
    named = tuple(axis for axis in node.axes if axis)
    if isinstance(node, Leaf) and node.part and len(axes) > 1 and named == axes[-1:]:
        # One step's vector stands for one sample's: that it is repeated has to be said.
        row = piece if pen.conventions.row_vectors else medium.transpose(piece)
        return joined([ones, row], medium, True)
    if named not in pen.conventions.across(axes):
        return piece
    if named == axes[:-1]:
        return joined([piece, medium.transpose(ones)], medium, True)
    return joined([ones, medium.transpose(piece)], medium, True)


_WRITERS: dict[type, Callable[[Any, Pen], Piece]] = {
    Leaf: _leaf, Transposed: _transposed, Product: _product, Outer: _outer, Total: _total,
    Series: _series, Softmax: _softmax, Where: _where, Diagonal: _diagonal, Applied: _applied,
    Pointwise: _pointwise,
}
