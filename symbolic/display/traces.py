"""Sums around a circle of matrices as traces.

    Σ_i Σ_j A[i, j] X[j, i]   ->   tr(A X)          Σ_i X[i, i]   ->   tr(X)
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from ..equation import INDEX_VALUE, Index, Read, slot
from ..matrices.nodes import Product
from ..matrices.put_in import fronts
from .layout import Piece
from .matrix_text import node_text
from .pen import Pen, name_piece
from .text_and_latex import joined


def trace(body: sp.Expr, reads: Sequence[Read], over: Sequence[Index], pen: Pen) -> Piece | None:
    """A sum of a product of matrices as a trace; None for any other, and for Σ Aᵢⱼ Bᵢⱼ."""
    slots = {slot(place): read for place, read in enumerate(reads)}
    factors = [slots.get(factor) for factor in sp.Mul.make_args(body)]
    whole = [read for read in factors if read is not None and _is_matrix(read, over, pen)]
    if not over or len(whole) != len(factors) or len(whole) != len(over):
        return None
    found = _circle(sorted(whole, key=list(reads).index))
    if found is None or (len(found) == 2 and found[1][1]):
        return None
    if 2 * sum(turned for _, turned in found) > len(found):  # a trace is that of the transpose
        found = [(read, not turned) for read, turned in reversed(found)]
    pieces: list[Piece] = []
    for read, turned in found:
        made = _written(read, turned, pen)
        if made is None:
            return None
        pieces += made
    inner = pieces[0] if len(pieces) == 1 else joined(pieces, pen.medium, True)
    return Piece(pen.medium.style.call("tr", [inner]).text)


def _is_matrix(read: Read, over: Sequence[Index], pen: Pen) -> bool:
    """Whether a read is of a whole matrix, at two of the indices that are summed over."""
    conventions, sizes = pen.conventions, {index.symbol: index.size for index in over}
    name = conventions.notation.adjoints.get(read.array, read.array)
    shape = conventions.shapes.get(read.array, conventions.shapes.get(name, ()))
    return (read.array != INDEX_VALUE and name not in conventions.setting.loops.places
            and name not in conventions.notation.entries and len(shape) == 2 == len(read.at)
            and all(not isinstance(place, Read) and sizes.get(place) == size
                    for place, size in zip(read.at, shape, strict=True)))


def _circle(reads: Sequence[Read]) -> list[tuple[Read, bool]] | None:
    """The matrices in the order in which they meet, each with whether it is transposed."""
    first, *rest = reads
    start, here = first.at
    found = [(first, False)]
    while rest:
        met = [read for read in rest if here in read.at]
        if here == start or len(met) != 1:
            return None
        rest.remove(met[0])
        turned = met[0].at[0] != here
        here = met[0].at[0] if turned else met[0].at[1]
        found.append((met[0], turned))
    return found if here == start else None


def _written(read: Read, turned: bool, pen: Pen) -> list[Piece] | None:
    """A matrix, or the factors of the product that it is put in for."""
    put = pen.conventions.inline.get(read.array)
    if put is None:
        pieces = [name_piece(pen.name(read.array), array=True)]
    elif put.form.axes != put.axes:
        return None
    else:
        form = fronts([put.form])[1][0]  # its number stands in front of the trace
        flat = not turned and isinstance(form, Product) and all(
            len(factor.axes) == 2 for factor in form.factors)
        parts = form.factors if flat and isinstance(form, Product) else (form,)
        try:
            pieces = [node_text(part, pen) for part in parts]
        except NotImplementedError:
            return None
    return [pen.medium.transpose(piece) for piece in pieces] if turned else pieces
