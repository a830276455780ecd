"""Products of matrices as a BLAS is given them: where their factors stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp

from ...symbolic.equation import Index, Read, Size


@dataclass(frozen=True)
class Operand:
    """A matrix in an array.

    first: its first entry.  turned: whether it stands with its rows and columns the other way
    around.  axis: the one along which the rows of what stands there follow each other.  lengths:
    of the array's axes that are the matrix, by their places.
    """

    first: Read
    turned: bool
    axis: int
    lengths: tuple[tuple[int, Size], ...]


@dataclass(frozen=True)
class Product:
    """``out[stack, rows, columns] = Σ left[stack, rows, inner] right[stack, inner, columns]``.

    out: its first entry, behind which rows and columns stand side by side.  stack: indices, for
    each of which there is one.  Each of rows, inner and columns is a product of sizes.
    """

    left: Operand
    right: Operand
    out: Read
    stack: tuple[Index, ...]
    rows: Size
    inner: Size
    columns: Size

    @property
    def work(self) -> Size:
        """How many multiplications it takes."""
        return sp.Mul(*(i.size for i in self.stack), self.rows, self.inner, self.columns)

    def called(self, name: str) -> Product:
        """The same in an array of another name."""
        return replace(self, out=Read(name, self.out.at))


def operand(
    read: Read, shape: Sequence[Size], own: Sequence[Index], inner: Sequence[Index]
) -> Operand | None:
    """An array as a matrix of `own` rows and `inner` columns; None where the axes of the two do
    not stand side by side, in this order, with one of the two last."""
    places = []
    for group in (own, inner):
        axes = [read.at.index(i.symbol) for i in group]
        if axes != list(range(axes[0], axes[0] + len(axes))) or any(
                shape[axis] != i.size for axis, i in list(zip(axes, group, strict=True))[1:]):
            return None
        places.append(axes)
    (rows, columns), end = places, len(shape) - 1
    if end not in (rows[-1], columns[-1]):
        return None
    turned = rows[-1] == end
    first = Read(read.array, tuple(sp.S.Zero if axis in (*rows, *columns) else at
                                   for axis, at in enumerate(read.at)))
    lengths = {read.at.index(i.symbol): i.size for i in (*own, *inner)}
    return Operand(first, turned, (columns if turned else rows)[-1],
                   tuple(sorted(lengths.items())))
