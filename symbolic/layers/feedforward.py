"""Layers that are one or two forward equations each, on a :class:`Builder`.

Each function here and in its neighbours states what a layer computes and nothing else: shapes are
symbolic, and gradients follow by the rule.  Vectors such as a bias or a gain are optional where a
layer is used without them.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from ..equation import Read, Term, slot
from ..functions import Opaque
from .builder import Builder, Operand, ShapeError
from .rearrange import axis_of, part, reshape


def dense(b: Builder, x: Operand, w: Operand, bias: Operand | None = None) -> Operand:
    """x W + b over the last axis: x (..., n), W (n, h), b (h,).

    >>> print(gp.equations("z = dense(x, W, b)", x="m n", W="n h", b="h"))
    z[i<m, j<h] = Σ_j1<n x[i, j1]*W[j1, j] + b[j]
    """
    out, term = b.product_term(x, w)
    terms = [term]
    if bias is not None:
        bias.expect((w.shape[-1],), "the bias")
        terms.append(Term(slot(0), (b.read(bias, out),)))
    return b.emit(None, out, terms)


def activation(
    b: Builder, x: Operand, function: type[Opaque] | None, name: str | None = None
) -> Operand:
    """f(x) entry by entry; the identity where `function` is None."""
    return b.pointwise(slot(0) if function is None else function(slot(0)), x, name=name)


def flatten(b: Builder, x: Operand, start: int = 1) -> Operand:
    """The axes from `start` on as one, in row-major order."""
    place = axis_of(x, start)
    return reshape(b, x, (*x.shape[:place], sp.Mul(*x.shape[place:])))


def dropout(b: Builder, x: Operand, mask: Operand, keep: sp.Expr) -> Operand:
    """x mask / keep ("inverted" dropout): a mask of zeros and ones, each one with probability
    `keep`; x and the mask of one shape."""
    mask.expect(x.shape, "the mask")
    return b.pointwise(slot(0) * slot(1) / keep, x, mask)


def softmax(b: Builder, x: Operand, axis: int = -1, *, log: bool = False) -> Operand:
    """exp(x - Λ), or x - Λ, with Λ = log Σ exp x over an axis, of any shape but a scalar's."""
    x.expect_axis()
    place = axis_of(x, axis)
    axes = b.axes(x)
    kept = tuple(index for p, index in enumerate(axes) if p != place)
    everything = Read(x.name, tuple(index.symbol for index in axes))
    level = b.emit(None, kept, [Term(slot(0), (everything,), (axes[place],))], "logsumexp")
    body = slot(0) - slot(1)
    reads = (everything, Read(level.name, tuple(index.symbol for index in kept)))
    return b.emit(None, axes, [Term(body if log else sp.exp(body), reads)])


# --- several inputs, several outputs ------------------------------------------------------------


def add(b: Builder, parts: Sequence[Operand]) -> Operand:
    """The sum of arrays that broadcast."""
    return b.pointwise(sp.Add(*map(slot, range(len(parts)))), *parts)


def multiply(b: Builder, parts: Sequence[Operand]) -> Operand:
    """The product, entry by entry, of arrays that broadcast: a gate."""
    return b.pointwise(sp.Mul(*map(slot, range(len(parts)))), *parts)


def split(b: Builder, x: Operand, sizes: Sequence[int], axis: int = -1) -> tuple[Operand, ...]:
    """An axis in parts of the given sizes, which add up to it."""
    if sp.expand(x.shape[axis_of(x, axis)] - sum(sizes)) != 0:
        raise ShapeError(f"the sizes {list(sizes)} do not add up to axis {axis} of {x}")
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    return tuple(part(b, x, axis, start, start + size)
                 for start, size in zip(starts, sizes, strict=True))


def mean(b: Builder, x: Operand, axis: int = -1) -> Operand:
    """The mean over one axis, which is then gone."""
    place = axis_of(x, axis)
    return b.contract(slot(0) / x.shape[place], x, over=[place])
