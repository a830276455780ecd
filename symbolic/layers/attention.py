"""Attention as rows of forward equations (Vaswani et al. 2017): one head, several, a block.

Heads are an axis like any other, so a projection is one matrix a head: W_Q has shape
(heads, d, k), and Concat(head_1, ...) W_O is a sum over heads of head W_O[head].
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from ..equation import Guard, Index, Read, Term, Within, slot
from ..functions import Opaque
from .builder import Builder, Operand, ShapeError
from .feedforward import activation as applied
from .feedforward import add, dense
from .norms import EPSILON, layer_norm


def attention(
    b: Builder,
    q: Operand,
    k: Operand,
    v: Operand,
    *,
    causal: bool = False,
    mask: Operand | None = None,
) -> Operand:
    """softmax(Q Kᵀ/√d) V: q (..., n, d), k (..., m, d), v (..., m, e), all leading axes alike.

    `causal` lets place i see the places j <= i alone; `mask` (n, m) is added to Q Kᵀ/√d.

    >>> print(gp.equations("y = attention(q, k, v)", q="n d", k="m d", v="m e"))
    S[i<n, j<m] = Σ_k<d q[i, k]*k[j, k]/sqrt(d)
    t1[i<n] = logsumexp Σ_j<m S[i, j]
    P[i<n, j<m] = exp(S[i, j] - t1[i])
    y[i<n, j<e] = Σ_j1<m P[i, j1]*v[j1, j]
    """
    if q.ndim < 2 or k.ndim != q.ndim or v.ndim != q.ndim:
        raise ShapeError("attention takes q (..., n, d), k (..., m, d) and v (..., m, e), got "
                         f"{q}, {k} and {v}")
    if q.shape[-1] != k.shape[-1] or k.shape[:-1] != v.shape[:-1] or q.shape[:-2] != k.shape[:-2]:
        raise ShapeError(f"{q}, {k} and {v} do not fit: q and k need the same last axis, k and v "
                         "the same places, all the same leading axes")
    if causal and q.shape[-2] != k.shape[-2]:
        raise ShapeError(f"causal attention needs as many queries as keys, got {q} and {k}")
    lead = b.axes(q)[:-1]
    taken = [index.name for index in lead]
    (*_, place, inner) = b.named(
        (*q.shape[:-1], k.shape[-2], q.shape[-1]), [*taken, "j", "k"]
    )
    row = tuple(index.symbol for index in lead)
    front = row[:-1]
    reads = [Read(q.name, (*row, inner.symbol)), Read(k.name, (*front, place.symbol, inner.symbol))]
    terms = [Term(slot(0) * slot(1) / sp.sqrt(q.shape[-1]), tuple(reads), (inner,))]
    if mask is not None:
        if mask.shape != (q.shape[-2], k.shape[-2]):
            raise ShapeError(f"the mask {mask} needs the shape ({q.shape[-2]}, {k.shape[-2]})")
        terms.append(Term(slot(0), (Read(mask.name, (row[-1], place.symbol)),)))
    scores = b.emit(b.fresh("S"), (*lead, place), terms)
    weights = _attended(b, scores, lead, place, causal)
    return b.matmul(weights, v)


def _attended(
    b: Builder, scores: Operand, lead: tuple[Index, ...], place: Index, causal: bool
) -> Operand:
    """The softmax of the scores over the places that may be seen.

    A place that may not be seen is left out of log Σ exp and has the weight 0: no -∞ is added,
    whose derivative would have to be explained away.
    """
    row = tuple(index.symbol for index in lead)
    seen: tuple[Guard, ...] = (
        (Within(sp.S.Zero, place.symbol, row[-1] + 1),) if causal else ()
    )
    read = Read(scores.name, (*row, place.symbol))
    level = b.emit(None, lead, [Term(slot(0), (read,), (place,), seen)], "logsumexp")
    term = Term(sp.exp(slot(0) - slot(1)), (read, Read(level.name, row)), (), seen)
    return b.emit(b.fresh("P"), (*lead, place), [term])


def multi_head_attention(
    b: Builder,
    x: Operand,
    wq: Operand,
    wk: Operand,
    wv: Operand,
    wo: Operand,
    *,
    memory: Operand | None = None,
    causal: bool = False,
) -> Operand:
    """Σ_h head_h W_O[h] with head_h = attention(x W_Q[h], y W_K[h], y W_V[h]).

    x (..., n, d); wq, wk (heads, d, k), wv (heads, d, e), wo (heads, e, f); the result is
    (..., n, f).  y is `memory` (..., m, d) where it is given (cross-attention), else x.
    """
    source = x if memory is None else memory
    for weight in (wq, wk, wv, wo):
        if weight.ndim != 3 or weight.shape[0] != wq.shape[0]:
            raise ShapeError(f"each projection needs a shape (heads, in, out), got {weight}")
    heads = attention(
        b, _projected(b, x, wq, "Q"), _projected(b, source, wk, "K"),
        _projected(b, source, wv, "V"), causal=causal,
    )
    if wo.shape[1] != heads.shape[-1]:
        raise ShapeError(f"{wo} is for heads of size {wo.shape[1]}, they have {heads.shape[-1]}")
    axes = b.axes(heads)  # (..., head, place, inner)
    *front, head, place, inner = axes
    (*_, out) = b.named((*heads.shape, wo.shape[-1]), [*(i.name for i in axes), "e"])
    reads = (
        Read(heads.name, tuple(index.symbol for index in axes)),
        Read(wo.name, (head.symbol, inner.symbol, out.symbol)),
    )
    return b.emit(None, (*front, place, out), [Term(slot(0) * slot(1), reads, (head, inner))])


def _projected(b: Builder, x: Operand, w: Operand, name: str) -> Operand:
    """x W[head] for each head: (..., heads, n, k)."""
    if x.ndim < 2 or x.shape[-1] != w.shape[1]:
        raise ShapeError(f"{x} cannot be projected by {w}: the last axis of the one is the second "
                         "of the other")
    *front, place, inner = b.axes(x)
    names = [index.name for index in (*front, place, inner)]
    *_, head, out = b.named((*x.shape, w.shape[0], w.shape[2]), [*names, "h", "k"])
    reads = (
        Read(x.name, tuple(index.symbol for index in (*front, place, inner))),
        Read(w.name, (head.symbol, inner.symbol, out.symbol)),
    )
    return b.emit(b.fresh(name), (*front, head, place, out),
                  [Term(slot(0) * slot(1), reads, (inner,))])


@dataclass(frozen=True)
class BlockWeights:
    """The parameters of a transformer block; γ, β are those of its two layer norms."""

    wq: Operand
    wk: Operand
    wv: Operand
    wo: Operand
    w1: Operand
    b1: Operand
    w2: Operand
    b2: Operand
    gamma1: Operand
    beta1: Operand
    gamma2: Operand
    beta2: Operand


def transformer_block(
    b: Builder,
    x: Operand,
    weights: BlockWeights,
    activation: type[Opaque] | None,
    *,
    causal: bool = False,
    norm_first: bool = True,
    eps: sp.Expr = EPSILON,
) -> Operand:
    """Attention and a two-layer network, each with a residual and a layer norm.

    x (..., n, d).  With `norm_first` (Xiong et al. 2020) y = x + MHA(LN(x)), out = y + FF(LN(y));
    without (Vaswani et al. 2017) the norms come after the sums.
    """
    w = weights

    def attend(y: Operand) -> Operand:
        return multi_head_attention(b, y, w.wq, w.wk, w.wv, w.wo, causal=causal)

    def feed(y: Operand) -> Operand:
        hidden = applied(b, dense(b, y, w.w1, w.b1), activation)
        return dense(b, hidden, w.w2, w.b2)

    if norm_first:
        y = add(b, [x, attend(layer_norm(b, x, w.gamma1, w.beta1, eps=eps))])
        return add(b, [y, feed(layer_norm(b, y, w.gamma2, w.beta2, eps=eps))])
    y = layer_norm(b, add(b, [x, attend(x)]), w.gamma1, w.beta1, eps=eps)
    return layer_norm(b, add(b, [y, feed(y)]), w.gamma2, w.beta2, eps=eps)
