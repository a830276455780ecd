"""Norms as forward equations, on a :class:`Builder`: a mean, a variance, what is scaled by them.

    mu[i] = Σ_j x[i, j]/n,  var[i] = Σ_j (x[i, j] - mu[i])²/n
    y[i, j] = γ[j] (x[i, j] - mu[i])/√(var[i] + ε) + β[j]

Which axes are averaged and which one has a gain and a shift tells the norms apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from ..equation import Read, Term, slot
from .builder import Builder, Operand, ShapeError
from .rearrange import reshape

EPSILON = sp.Rational(1, 100_000)
"""What norms add to a variance unless they are told otherwise."""

Axes = Sequence[int]


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
    x.expect_axis()
    return _norm(b, x, [x.ndim - 1], x.ndim - 1, gamma, beta, eps)


def rms_norm(
    b: Builder, x: Operand, gamma: Operand | None = None, *, eps: sp.Expr = EPSILON
) -> Operand:
    """x / √(mean x² + ε) over the last axis (Zhang & Sennrich 2019); γ of its size.

    >>> print(gp.equations("y = rms_norm(x)", x="m n"))
    ms[i<m] = Σ_j<n x[i, j]**2/n
    y[i<m, j<n] = x[i, j]/sqrt(ms[i] + 1/100000)
    """
    x.expect_axis()
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
    """Mean and variance over the axes `over`, and x scaled by them."""
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
    """The mean of body(arguments) over some axes."""
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
    # With a gain or a shift, papers call what they act on x̂; without, it is the output itself.
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
        vector.expect((x.shape[axis],), what)
        here = slot(len(reads))
        body = body * here if what == "the gain" else body + here
        reads.append(Read(vector.name, (axes[axis].symbol,)))
    return b.emit(None, axes, [Term(body, tuple(reads))])
