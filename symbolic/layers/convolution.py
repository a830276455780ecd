"""Convolution and pooling as forward equations, on a :class:`Builder`.

An entry of the output is a sum (or a maximum) over a window of the input, whose subscripts say
where the window lies; zeros around the input are a guard that keeps those subscripts inside:

    y[n, f, i] = b[f] + Σ_cu [0 <= 2 i + u - 1 < w] w[f, c, u] x[n, c, 2 i + u - 1]

Sizes are symbolic; kernels, strides, paddings and dilations are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import sympy as sp

from ..equation import Equal, Guard, Index, Read, Size, Term, Within, as_size, slot
from ..solving import solve
from .builder import Builder, Operand, ShapeError
from .rearrange import reshape


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
    groups: int = 1,
) -> Operand:
    """Cross-correlation over the last axes, as frameworks compute a "convolution".

        y[n, f, i, j] = b[f] + Σ_cuv w[f, c, u, v] x[n, c, s i + d u - p, s j + d v - p]

    x (n, c, *spatial), w (f, c, *kernel), b (f,), with `spatial` axes at the end, one to three;
    zeros around x.  Of several `groups` each has its share of the c and of the f, and w is
    (f, c/groups, *kernel).

    >>> print(gp.equations("y = conv1d(x, w, padding=1)", x="m c t", w="f c 3"))
    y[n<m, f<f, i<t] = Σ_c<c Σ_u<3 [0 <= i + u - 1 < t]w[f, c, u]*x[n, c, i + u - 1]
    """
    expect_spatial(x, spatial)
    if w.ndim != x.ndim:
        raise ShapeError(f"expected w of shape (f, c, *kernel), one kernel size for each of the "
                         f"{spatial} spatial axes; got {w}")
    if groups > 1:
        return _in_groups(b, x, w, bias, groups, (stride, padding, dilation))
    if w.shape[1] != x.shape[1]:
        raise ShapeError(f"{w} is for {w.shape[1]} channels, {x} has {x.shape[1]}")
    return _convolved(b, x, w, bias, 2, "nf", "c", (stride, padding, dilation))


Steps: TypeAlias = tuple[int, int, int]
"""Stride, padding, dilation."""


def _convolved(
    b: Builder, x: Operand, w: Operand, bias: Operand | None, first: int, kept: str, summed: str,
    steps: Steps,
) -> Operand:
    """The sum over windows; `kept` names the axes of the output before the spatial ones, which
    begin at axis `first` of x, and `summed` those before the kernel's over which it is a sum.

    Axes g are shared by x, w and y, n is of x alone, f of w alone.
    """
    spatial = x.ndim - first
    kernel = w.numbers(range(w.ndim - spatial, w.ndim), "the kernel")
    sizes = {"n": x.shape[0], "f": w.shape[kept.index("f") - 1] if "f" in kept else sp.S.One,
             "g": x.shape[1], "c": x.shape[first - 1]}
    out = b.named((*(sizes[name] for name in kept), *_places(x, kernel, *steps, first)),
                  (*kept, "i", "j", "k")[: len(kept) + spatial])
    bound = b.named((*(sizes[name] for name in summed), *kernel),
                    (*summed, "u", "v", "q")[: len(summed) + spatial])
    at, guards = _window(x, out[len(kept):], bound[len(summed):], *steps)
    named = {**{name: index.symbol for name, index in zip(kept, out, strict=False)},
             **{name: index.symbol for name, index in zip(summed, bound, strict=False)}}
    read_x = Read(x.name, (*(named[name] for name in "ngc" if name in named), *at))
    read_w = Read(w.name, (*(named[name] for name in "gfc" if name in named),
                           *(index.symbol for index in bound[len(summed):])))
    terms = [Term(slot(0) * slot(1), (read_w, read_x), bound, guards)]
    if bias is not None:
        own = [name for name in "gf" if name in kept]
        bias.expect(tuple(sizes[name] for name in own), "the bias")
        terms.append(Term(slot(0), (Read(bias.name, tuple(named[name] for name in own)),)))
    return b.emit(None, out, terms)


def _in_groups(
    b: Builder, x: Operand, w: Operand, bias: Operand | None, groups: int, steps: Steps
) -> Operand:
    """Channels and filters as (groups, those of one), each group by itself, and joined again."""
    widths = [sp.cancel(size / groups) for size in (x.shape[1], w.shape[0])]
    for width, size, array in zip(widths, (x.shape[1], w.shape[0]), (x, w), strict=True):
        if not width.is_integer:
            raise ShapeError(f"{size} of {array} do not fall into {groups} groups for all sizes")
    if sp.expand(w.shape[1] - widths[0]) != 0:
        raise ShapeError(f"{w} is for {w.shape[1]} channels, {x} has {widths[0]} in a group")
    if bias is not None:
        bias.expect((w.shape[0],), "the bias")
        bias = reshape(b, bias, (sp.Integer(groups), widths[1]))
    parts = reshape(b, x, (x.shape[0], sp.Integer(groups), widths[0], *x.shape[2:]))
    filters = reshape(b, w, (sp.Integer(groups), widths[1], *w.shape[1:]))
    made = _convolved(b, parts, filters, bias, 3, "ngf", "c", steps)
    return reshape(b, made, (made.shape[0], w.shape[0], *made.shape[3:]))


def depthwise(
    b: Builder, x: Operand, w: Operand, bias: Operand | None = None, *, spatial: int,
    stride: int = 1, padding: int = 0, dilation: int = 1,
) -> Operand:
    """Each channel by a kernel of its own; x (n, c, *spatial), w (c, *kernel), b (c,).

    >>> print(gp.equations("y = depthwise_conv1d(x, w)", x="m c t", w="c 3"))
    y[n<m, g<c, i<t - 2] = Σ_u<3 w[g, u]*x[n, g, i + u]
    """
    expect_spatial(x, spatial)
    if w.ndim != x.ndim - 1 or w.shape[0] != x.shape[1]:
        raise ShapeError(f"expected w of shape ({x.shape[1]}, *kernel), a kernel for each channel "
                         f"of {x}; got {w}")
    return _convolved(b, x, w, bias, 2, "ng", "", (stride, padding, dilation))


def transposed(
    b: Builder, x: Operand, w: Operand, bias: Operand | None = None, *, spatial: int,
    stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1,
) -> Operand:
    """What a convolution sends back: each entry of x adds its multiple of the kernel to the output.

        y[n, f, o] = b[f] + Σ_ciu [s i + d u - p = o] w[c, f, u] x[n, c, i]

    x (n, c, *spatial), w (c, f, *kernel), b (f,); the output has s (i - 1) + d (k - 1) + 1 - 2 p
    entries on a spatial axis, and `output_padding` more behind them.
    """
    expect_spatial(x, spatial)
    if w.ndim != x.ndim or w.shape[0] != x.shape[1]:
        raise ShapeError(f"expected w of shape ({x.shape[1]}, f, *kernel), with the channels of "
                         f"{x} in front; got {w}")
    kernel = w.numbers(range(2, w.ndim), "the kernel")
    sizes = [sp.expand(stride * (size - 1) + dilation * (width - 1) + 1 - 2 * padding
                       + output_padding)
             for size, width in zip(x.shape[2:], kernel, strict=True)]
    if not output_padding < max(stride, dilation):
        raise ShapeError(f"an output padding of {output_padding} is less than the stride or the "
                         "dilation")
    out = b.named((x.shape[0], w.shape[1], *map(as_size, sizes)),
                  ("n", "f", "o", "p", "q")[: x.ndim])
    bound = b.named((x.shape[1], *x.shape[2:], *kernel),
                    ("c", *("i", "j", "k")[:spatial], *("u", "v", "t")[:spatial]))
    source, offsets = bound[1 : 1 + spatial], bound[1 + spatial :]
    guards = tuple(
        Equal(stride * place.symbol + dilation * offset.symbol - padding, entry.symbol)
        for place, offset, entry in zip(source, offsets, out[2:], strict=True))
    read_x = Read(x.name, (out[0].symbol, bound[0].symbol, *(i.symbol for i in source)))
    read_w = Read(w.name, (bound[0].symbol, out[1].symbol, *(i.symbol for i in offsets)))
    term = solve(Term(slot(0) * slot(1), (read_w, read_x), bound, guards), out)
    assert term is not None
    terms = [term]
    if bias is not None:
        bias.expect((w.shape[1],), "the bias")
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
                  ("n", "c", "i", "j", "k")[: x.ndim])
    bound = b.named(sizes, ("u", "v", "q")[:spatial])
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
    x: Operand, kernel: Sequence[sp.Expr], stride: int, padding: int, dilation: int, first: int = 2
) -> list[Size]:
    """How many windows fit along each spatial axis; the axis `first` is the first of them."""
    counts = []
    for size, width in zip(x.shape[first:], kernel, strict=True):
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
                     for entry, size in zip(at, x.shape[x.ndim - len(at):], strict=True))
