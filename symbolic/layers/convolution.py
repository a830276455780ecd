"""Convolution and pooling as forward equations, on a :class:`Builder`.

An entry of the output is a sum (or a maximum) over a window of the input, whose subscripts say
where the window lies; zeros around the input are a guard that keeps those subscripts inside:

    y[n, f, i] = b[f] + Σ_cu [0 <= 2 i + u - 1 < w] w[f, c, u] x[n, c, 2 i + u - 1]

Sizes are symbolic; kernels, strides, paddings and dilations are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from ..equation import Guard, Index, Read, Size, Term, Within, as_size, slot
from .builder import Builder, Operand, ShapeError


def conv(
    b: Builder,
    x: Operand,
    w: Operand,
    bias: Operand | None = None,
    *,
    spatial: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Operand:
    """Cross-correlation over the last axes, as frameworks compute a "convolution".

        y[n, f, i, j] = b[f] + Σ_cuv w[f, c, u, v] x[n, c, s i + d u - p, s j + d v - p]

    x (n, c, *spatial), w (f, c, *kernel), b (f,), with `spatial` axes at the end, one or two;
    zeros around x.

    >>> print(gp.equations("y = conv1d(x, w, padding=1)", x="m c t", w="f c 3"))
    y[n<m, f<f, i<t] = Σ_c<c Σ_u<3 [0 <= i + u - 1 < t]w[f, c, u]*x[n, c, i + u - 1]
    """
    expect_spatial(x, spatial)
    if w.ndim != x.ndim:
        raise ShapeError(f"expected w of shape (f, c, *kernel), one kernel size for each of the "
                         f"{spatial} spatial axes; got {w}")
    if w.shape[1] != x.shape[1]:
        raise ShapeError(f"{w} is for {w.shape[1]} channels, {x} has {x.shape[1]}")
    kernel = w.numbers(range(2, w.ndim), "the kernel")
    out = b.named(
        (x.shape[0], w.shape[0], *_places(x, kernel, stride, padding, dilation)),
        ("n", "f", "i", "j")[: x.ndim],
    )
    bound = b.named((x.shape[1], *kernel), ("c", "u", "v")[: w.ndim - 1])
    at, guards = _window(x, out[2:], bound[1:], stride, padding, dilation)
    read_x = Read(x.name, (out[0].symbol, bound[0].symbol, *at))
    read_w = Read(w.name, (out[1].symbol, *(index.symbol for index in bound)))
    terms = [Term(slot(0) * slot(1), (read_w, read_x), bound, guards)]
    if bias is not None:
        bias.expect((w.shape[0],), "the bias")
        terms.append(Term(slot(0), (Read(bias.name, (out[1].symbol,)),)))
    return b.emit(None, out, terms)


def pool(
    b: Builder,
    x: Operand,
    kernel: int | Sequence[int],
    *,
    spatial: int,
    mean: bool,
    stride: int | None = None,
    padding: int = 0,
) -> Operand:
    """The maximum, or the mean, over windows of the last axes of x (n, c, *spatial).

    The stride is the kernel (its first size) unless it is given.  A maximum takes no place outside
    of x and the first of equal values; a mean counts zeros outside in.

    >>> print(gp.equations("y = max_pool1d(x, kernel=2)", x="m c t"))
    y[n<m, c<c, i<floor(t/2)] = max Σ_u<2 x[n, c, 2*i + u]
    """
    expect_spatial(x, spatial)
    sizes = kernel_sizes(kernel, spatial)
    step = stride if stride is not None else int(sizes[0])
    if any(2 * padding > size for size in sizes):
        raise ShapeError(f"a padding of {padding} is more than half of the kernel {sizes}")
    out = b.named((*x.shape[:2], *_places(x, sizes, step, padding, 1)),
                  ("n", "c", "i", "j")[: x.ndim])
    bound = b.named(sizes, ("u", "v")[:spatial])
    at, guards = _window(x, out[2:], bound, step, padding, 1)
    read = Read(x.name, (out[0].symbol, out[1].symbol, *at))
    if mean:
        return b.emit(None, out, [Term(slot(0) / sp.Mul(*sizes), (read,), bound, guards)])
    return b.emit(None, out, [Term(slot(0), (read,), bound, guards)], "max")


def expect_spatial(x: Operand, spatial: int) -> None:
    """ShapeError unless x has the axes (n, c) and then as many as are spatial."""
    if x.ndim != spatial + 2:
        raise ShapeError(f"expected an input with n, c and {spatial} spatial, that is, "
                         f"{spatial + 2} axes; got {x}")


def kernel_sizes(kernel: int | Sequence[int], spatial: int) -> list[sp.Integer]:
    """One size for each spatial axis: a single one is that of each."""
    sizes = [kernel] * spatial if isinstance(kernel, int) else kernel
    if len(sizes) != spatial:
        raise ShapeError(f"a kernel of {len(sizes)} sizes for {spatial} spatial axes")
    return list(map(sp.Integer, sizes))


def _places(
    x: Operand, kernel: Sequence[sp.Expr], stride: int, padding: int, dilation: int
) -> list[Size]:
    """How many windows fit along each spatial axis."""
    counts = []
    for size, width in zip(x.shape[2:], kernel, strict=True):
        room = sp.expand(size + 2 * padding - dilation * (width - 1) - 1)
        if room.is_Integer and room < 0:
            raise ShapeError(f"a window of {dilation * (width - 1) + 1} does not fit {x} with a "
                             f"padding of {padding}")
        counts.append(as_size(sp.floor(room / stride) + 1))
    return counts


def _window(
    x: Operand,
    places: Sequence[Index],
    offsets: Sequence[Index],
    stride: int,
    padding: int,
    dilation: int,
) -> tuple[list[sp.Expr], tuple[Guard, ...]]:
    """Subscripts of the spatial axes of x, and the guards that keep them inside where zeros are
    around it."""
    at = [
        stride * place.symbol + dilation * offset.symbol - padding
        for place, offset in zip(places, offsets, strict=True)
    ]
    if not padding:
        return at, ()
    return at, tuple(Within(sp.S.Zero, entry, size)
                     for entry, size in zip(at, x.shape[2:], strict=True))
