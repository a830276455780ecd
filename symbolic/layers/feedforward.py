"""Layers as rows of forward equations, on a :class:`Builder`.

Each function here states what a layer computes and nothing else: shapes are symbolic (kernels,
strides and numbers of groups are numbers), and gradients follow by the rule.  Vectors such as a
bias or a gain are optional where a layer is used without them.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from ..equation import Guard, Index, Read, Size, Term, Within, as_size, slot
from .builder import Builder, Operand, ShapeError
from .rearrange import axis_of, reshape

EPSILON = sp.Rational(1, 100_000)
"""What norms add to a variance unless they are told otherwise."""

Axes = Sequence[int]


def dense(b: Builder, x: Operand, w: Operand, bias: Operand | None = None) -> Operand:
    """x W + b over the last axis: x (..., n), W (n, h), b (h,)."""
    out, term = b.product_term(x, w)
    terms = [term]
    if bias is not None:
        _expect(bias, (w.shape[-1],), "the bias")
        terms.append(Term(slot(0), (b.read(bias, out),)))
    return b.emit(None, out, terms)


# --- convolution and pooling --------------------------------------------------------------------


def conv(
    b: Builder,
    x: Operand,
    w: Operand,
    bias: Operand | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Operand:
    """Cross-correlation over the last axes, as frameworks compute a "convolution".

        y[n, f, i, j] = b[f] + Σ_cuv w[f, c, u, v] x[n, c, s i + d u - p, s j + d v - p]

    x (n, c, *spatial), w (f, c, *kernel) with one or two spatial axes, b (f,); zeros around x.
    """
    spatial = x.ndim - 2
    if spatial not in (1, 2) or w.ndim != x.ndim:
        raise ShapeError("a convolution takes x of shape (n, c, *spatial) and w of shape "
                         f"(f, c, *kernel) with one or two spatial axes, got {x} and {w}")
    if w.shape[1] != x.shape[1]:
        raise ShapeError(f"{w} is for {w.shape[1]} channels, {x} has {x.shape[1]}")
    kernel = [_number(size, f"the kernel of {w}") for size in w.shape[2:]]
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
        _expect(bias, (w.shape[0],), "the bias")
        terms.append(Term(slot(0), (Read(bias.name, (out[1].symbol,)),)))
    return b.emit(None, out, terms)


def max_pool(
    b: Builder, x: Operand, kernel: int | Axes, *, stride: int | None = None, padding: int = 0
) -> Operand:
    """The maximum over windows of the last axes of x (n, c, *spatial); the stride is the kernel
    unless it is given.  Places outside of x take no part; of equal values the first counts."""
    return _pool(b, x, kernel, stride, padding, mean=False)


def avg_pool(
    b: Builder, x: Operand, kernel: int | Axes, *, stride: int | None = None, padding: int = 0
) -> Operand:
    """The mean over windows of the last axes of x (n, c, *spatial), zeros outside counted in."""
    return _pool(b, x, kernel, stride, padding, mean=True)


def _pool(
    b: Builder, x: Operand, kernel: int | Axes, stride: int | None, padding: int, mean: bool
) -> Operand:
    spatial = x.ndim - 2
    if spatial not in (1, 2):
        raise ShapeError("pooling takes x of shape (n, c, *spatial) with one or two spatial axes, "
                         f"got {x}")
    sizes = [sp.Integer(k) for k in ([kernel] * spatial if isinstance(kernel, int) else kernel)]
    if len(sizes) != spatial:
        raise ShapeError(f"a kernel of {len(sizes)} sizes for the {spatial} spatial axes of {x}")
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


def _places(
    x: Operand, kernel: Sequence[sp.Expr], stride: int, padding: int, dilation: int
) -> list[Size]:
    """How many windows fit along each spatial axis."""
    for name, value, least in (("stride", stride, 1), ("padding", padding, 0),
                               ("dilation", dilation, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ShapeError(f"expected a {name} of {least} or more, got {value!r}")
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


def flatten(b: Builder, x: Operand, start: int = 1) -> Operand:
    """The axes from `start` on as one, in row-major order."""
    place = axis_of(x, start)
    return reshape(b, x, (*x.shape[:place], sp.Mul(*x.shape[place:])))


# --- norms --------------------------------------------------------------------------------------


def batch_norm(
    b: Builder,
    x: Operand,
    gamma: Operand | None = None,
    beta: Operand | None = None,
    *,
    eps: sp.Expr = EPSILON,
) -> Operand:
    """Each channel (axis 1) of x (n, c, ...) normalised over all else, by the statistics of this
    batch (Ioffe & Szegedy 2015); γ, β (c,)."""
    if x.ndim < 2:
        raise ShapeError(f"batch norm takes x of shape (n, c, ...), got {x}")
    return _norm(b, x, [p for p in range(x.ndim) if p != 1], 1, gamma, beta, eps)


def layer_norm(
    b: Builder,
    x: Operand,
    gamma: Operand | None = None,
    beta: Operand | None = None,
    *,
    eps: sp.Expr = EPSILON,
) -> Operand:
    """The last axis of x normalised (Ba, Kiros & Hinton 2016); γ, β of its size."""
    _expect_axis(x)
    return _norm(b, x, [x.ndim - 1], x.ndim - 1, gamma, beta, eps)


def rms_norm(
    b: Builder, x: Operand, gamma: Operand | None = None, *, eps: sp.Expr = EPSILON
) -> Operand:
    """x / √(mean x² + ε) over the last axis (Zhang & Sennrich 2019); γ of its size."""
    _expect_axis(x)
    squares = _mean(b, slot(0) ** 2, (x,), [x.ndim - 1], "ms")
    return _scaled(b, x, None, squares, [x.ndim - 1], x.ndim - 1, gamma, None, eps)


def group_norm(
    b: Builder,
    x: Operand,
    gamma: Operand | None = None,
    beta: Operand | None = None,
    *,
    groups: int,
    eps: sp.Expr = EPSILON,
) -> Operand:
    """Groups of channels (axis 1) of x (n, c, ...) normalised with all behind them, sample by
    sample (Wu & He 2018); γ, β (c,)."""
    if x.ndim < 2:
        raise ShapeError(f"group norm takes x of shape (n, c, ...), got {x}")
    width = sp.cancel(x.shape[1] / groups)
    if not width.is_integer:
        raise ShapeError(f"the {x.shape[1]} channels of {x} do not fall into {groups} groups for "
                         "all sizes")
    split = reshape(b, x, (x.shape[0], sp.Integer(groups), width, *x.shape[2:]))
    normal = _norm(b, split, list(range(2, split.ndim)), 1, None, None, eps)
    joined = reshape(b, normal, x.shape)
    if gamma is None and beta is None:
        return joined
    return _affine(b, joined, 1, gamma, beta)


def _norm(
    b: Builder,
    x: Operand,
    over: Axes,
    channel: int,
    gamma: Operand | None,
    beta: Operand | None,
    eps: sp.Expr,
) -> Operand:
    mean = _mean(b, slot(0), (x,), over, "mu")
    axes = b.axes(x)
    kept = tuple(index.symbol for place, index in enumerate(axes) if place not in over)
    everything = Read(x.name, tuple(index.symbol for index in axes))
    bound = tuple(axes[place] for place in over)
    out = tuple(index for place, index in enumerate(axes) if place not in over)
    count = sp.Mul(*(index.size for index in bound))
    deviation = (slot(0) - slot(1)) ** 2 / count
    variance = b.emit(b.fresh("var"), out,
                      [Term(deviation, (everything, Read(mean.name, kept)), bound)])
    return _scaled(b, x, mean, variance, over, channel, gamma, beta, eps)


def _mean(
    b: Builder, body: sp.Expr, arguments: tuple[Operand, ...], over: Axes, name: str
) -> Operand:
    count = sp.Mul(*(arguments[0].shape[place] for place in over))
    return b.contract(body / count, *arguments, over=over, name=b.fresh(name))


def _scaled(
    b: Builder,
    x: Operand,
    mean: Operand | None,
    square: Operand,
    over: Axes,
    channel: int,
    gamma: Operand | None,
    beta: Operand | None,
    eps: sp.Expr,
) -> Operand:
    """γ (x - mean) / √(square + ε) + β, the normalised array with a name of its own."""
    axes = b.axes(x)
    kept = tuple(index.symbol for place, index in enumerate(axes) if place not in over)
    reads = [Read(x.name, tuple(index.symbol for index in axes)), Read(square.name, kept)]
    above = slot(0)
    if mean is not None:
        reads.append(Read(mean.name, kept))
        above -= slot(2)
    named = gamma is not None or beta is not None
    normal = b.emit(b.fresh("xhat") if named else None, axes,
                    [Term(above / sp.sqrt(slot(1) + eps), tuple(reads))])
    return _affine(b, normal, channel, gamma, beta) if named else normal


def _affine(
    b: Builder, x: Operand, axis: int, gamma: Operand | None, beta: Operand | None
) -> Operand:
    """γ x + β with a gain and a shift for each entry of an axis."""
    axes = b.axes(x)
    body, reads = slot(0), [Read(x.name, tuple(index.symbol for index in axes))]
    for vector, what in ((gamma, "the gain"), (beta, "the shift")):
        if vector is None:
            continue
        _expect(vector, (x.shape[axis],), what)
        here = slot(len(reads))
        body = body * here if what == "the gain" else body + here
        reads.append(Read(vector.name, (axes[axis].symbol,)))
    return b.emit(None, axes, [Term(body, tuple(reads))])


# --- masks and softmax --------------------------------------------------------------------------


def dropout(b: Builder, x: Operand, mask: Operand, keep: sp.Expr) -> Operand:
    """x mask / keep ("inverted" dropout): a mask of zeros and ones, each one with probability
    `keep`."""
    _expect(mask, x.shape, "the mask")
    return b.pointwise(slot(0) * slot(1) / keep, x, mask)


def softmax(b: Builder, x: Operand, axis: int = -1, *, log: bool = False) -> Operand:
    """exp(x - Λ), or x - Λ, with Λ = log Σ exp x over an axis."""
    _expect_axis(x)
    place = axis_of(x, axis)
    axes = b.axes(x)
    kept = tuple(index for p, index in enumerate(axes) if p != place)
    everything = Read(x.name, tuple(index.symbol for index in axes))
    level = b.emit(None, kept, [Term(slot(0), (everything,), (axes[place],))], "logsumexp")
    body = slot(0) - slot(1)
    reads = (everything, Read(level.name, tuple(index.symbol for index in kept)))
    return b.emit(None, axes, [Term(body if log else sp.exp(body), reads)])


# --- small things -------------------------------------------------------------------------------


def _number(size: Size, what: str) -> sp.Expr:
    if not size.is_Integer:
        raise ShapeError(f"{what} needs numbers, got the size {size}")
    return size


def _expect(operand: Operand, shape: tuple[Size, ...], what: str) -> None:
    if operand.shape != shape:
        raise ShapeError(f"{what} {operand} needs the shape ({', '.join(map(str, shape))})")


def _expect_axis(x: Operand) -> None:
    if not x.ndim:
        raise ShapeError(f"expected an array with an axis, got the scalar {x.name}")
