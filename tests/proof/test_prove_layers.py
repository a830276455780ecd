"""Hand-written backward passes of common layers, proven against the derived ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
from proofs import prove_all
from reduced import reduced

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive.adjoint import reverse
from gradproof.symbolic.equation import (
    Array,
    Equal,
    Index,
    Read,
    Term,
    size_symbol,
    slot,
)
from gradproof.symbolic.functions import RELU, SIGMOID, TANH
from gradproof.symbolic.layers.builder import Builder, Operand

m, n, h, o = map(size_symbol, "mnho")
EPS = sp.Rational(1, 100000)

Backward = Callable[[Builder, dict[str, Operand]], dict[str, Operand]]
Forward = Callable[[Builder, dict[str, Operand]], Operand]


def prove_layer(
    arrays: list[Array], forward: Forward, backward: Backward, wrong: bool = False
) -> dict[str, Any]:
    """The gradients of `backward`, keyed by input, against those derived from `forward`."""
    b = Builder()
    output = forward(b, {array.name: b.input(array) for array in arrays})
    cotangent = None
    if output.shape:
        cotangent = "G"
        b.input(Array("G", output.shape))
        arrays = [*arrays, Array("G", output.shape)]
    hand = Builder()
    made = backward(hand, {array.name: hand.input(array) for array in arrays})
    derived = reverse(b.build(), output.name, made, cotangent=cotangent)
    pairs = {derived.of[name]: operand.name for name, operand in made.items()}
    return prove_all(derived.system, hand.build(), pairs, evaluate)


def total(b: Builder, x: Operand, *axes: int, keep: bool = True) -> Operand:
    return reduced(b, x, axes or None, keepdims=keep)


def standardised(b: Builder, x: Operand, axis: int) -> tuple[Operand, Operand]:
    size = x.shape[axis]
    mean = b.pointwise(lambda s: s / size, total(b, x, axis))
    centred = b.pointwise(lambda s, t: s - t, x, mean)
    variance = total(b, b.pointwise(lambda s: s**2 / size, centred), axis)
    spread = b.pointwise(lambda v: sp.sqrt(v + EPS), variance)
    return b.pointwise(lambda s, t: s / t, centred, spread), spread


def norm_layer(axis: int) -> tuple[list[Array], Forward, Backward]:
    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        hat, _ = standardised(b, a["X"], axis)
        return b.pointwise(lambda s, g, t: s * g + t, hat, a["g"], a["t"])

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        size = a["X"].shape[axis]
        hat, spread = standardised(b, a["X"], axis)
        d = b.pointwise(lambda s, t: s * t, a["G"], a["g"])
        inner = total(b, b.pointwise(lambda s, t: s * t, d, hat), axis)
        dx = b.pointwise(
            lambda d, s, hat, t, spread: (size * d - s - hat * t) / (size * spread),
            d, total(b, d, axis), hat, inner, spread,
        )
        dg = total(b, b.pointwise(lambda s, t: s * t, a["G"], hat), 0, keep=False)
        return {"X": dx, "g": dg, "t": total(b, a["G"], 0, keep=False)}

    return [Array("X", (m, h)), Array("g", (h,)), Array("t", (h,))], forward, backward


def softmax(b: Builder, z: Operand) -> Operand:
    top = reduced(b, z, [-1], keepdims=True, reduction="max")
    e = b.pointwise(lambda s, t: sp.exp(s - t), z, top)
    return b.pointwise(lambda s, t: s / t, e, total(b, e, -1))


def attention() -> tuple[list[Array], Forward, Backward]:
    def weights(b: Builder, a: dict[str, Operand]) -> Operand:
        scores = b.matmul(a["Q"], b.transpose(a["K"]))
        return softmax(b, b.pointwise(lambda s: s / sp.sqrt(h), scores))

    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        return b.matmul(weights(b, a), a["V"])

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        p = weights(b, a)
        dp = b.matmul(a["G"], b.transpose(a["V"]))
        row = total(b, b.pointwise(lambda s, t: s * t, dp, p), -1)
        ds = b.pointwise(lambda p, d, r: p * (d - r) / sp.sqrt(h), p, dp, row)
        return {
            "Q": b.matmul(ds, a["K"]),
            "K": b.matmul(b.transpose(ds), a["Q"]),
            "V": b.matmul(b.transpose(p), a["G"]),
        }

    return [Array("Q", (m, h)), Array("K", (n, h)), Array("V", (n, o))], forward, backward


def cross_entropy_of_labels() -> tuple[list[Array], Forward, Backward]:
    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        logs = b.pointwise(
            lambda s, t: s - t,
            a["Z"], reduced(b, a["Z"], [-1], keepdims=True, reduction="logsumexp"),
        )
        i = Index("i", m)
        row = Read("y", (i.symbol,))
        picked = Term(-slot(0) / m, (Read(logs.name, (i.symbol, row)),), (i,))
        return b.emit(None, (), [picked])

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        p = softmax(b, a["Z"])
        i, k = Index("i", m), Index("k", h)
        row = Read("y", (i.symbol,))
        chosen = b.emit(None, (i, k), [Term(sp.S.One, (), (), (Equal(k.symbol, row),))])
        return {"Z": b.pointwise(lambda p, c: (p - c) / m, p, chosen)}

    return [Array("Z", (m, h)), Array("y", (m,), kind="labels", classes=h)], forward, backward


def cross_entropy_one_hot() -> tuple[list[Array], Forward, Backward]:
    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        p = softmax(b, a["Z"])
        return reduced(b, b.pointwise(lambda p, y: -y * sp.log(p) / m, p, a["Y"]))

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        return {"Z": b.pointwise(lambda p, y: (p - y) / m, softmax(b, a["Z"]), a["Y"])}

    return [Array("Z", (m, h)), Array("Y", (m, h), kind="one_hot")], forward, backward


def pointwise_loss(
    loss: Callable[..., sp.Expr], slope: Callable[..., sp.Expr]
) -> tuple[list[Array], Forward, Backward]:
    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        return reduced(b, b.pointwise(loss, a["z"], a["y"]))

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        return {"z": b.pointwise(slope, a["z"], a["y"])}

    return [Array("z", (m,)), Array("y", (m,))], forward, backward


def convolution() -> tuple[list[Array], Forward, Backward]:
    """y[i] = Σ_u x[i + u] w[u], of valid size."""
    k, size = size_symbol("k"), size_symbol("q")
    i, u = Index("i", size), Index("u", k)

    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        reads = Read("x", (i.symbol + u.symbol,)), Read("w", (u.symbol,))
        return b.emit(None, (i,), [Term(slot(0) * slot(1), reads, (u,))])

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        reads = Read("x", (i.symbol + u.symbol,)), Read("G", (i.symbol,))
        dw = b.emit(None, (u,), [Term(slot(0) * slot(1), reads, (i,))])
        j = Index("j", k + size - 1)
        back = Read("G", (i.symbol,)), Read("w", (u.symbol,))
        scatter = Term(slot(0) * slot(1), back, (i, u), (Equal(i.symbol + u.symbol, j.symbol),))
        return {"w": dw, "x": b.emit(None, (j,), [scatter])}

    return [Array("x", (k + size - 1,)), Array("w", (k,))], forward, backward


def row_maximum() -> tuple[list[Array], Forward, Backward]:
    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        return reduced(b, a["Z"], [-1], reduction="max")

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        top = reduced(b, a["Z"], [-1], keepdims=True, reduction="max")
        i, k = Index("i", m), Index("k", h)
        reads = (
            Read("Z", (i.symbol, k.symbol)),
            Read(top.name, (i.symbol, sp.S.Zero)),
            Read("G", (i.symbol,)),
        )
        body = sp.Piecewise((slot(2), slot(0) >= slot(1)), (sp.S.Zero, True))
        return {"Z": b.emit(None, (i, k), [Term(body, reads)])}

    return [Array("Z", (m, h))], forward, backward


def residual_block() -> tuple[list[Array], Forward, Backward]:
    """x + relu(x W + b) V with ½Σ(·)²; the hand-written mask reads the activation."""

    def block(b: Builder, a: dict[str, Operand]) -> tuple[Operand, Operand]:
        hidden = b.pointwise(lambda s, t: RELU(s + t), b.matmul(a["X"], a["W"]), a["b"])
        return hidden, b.pointwise(lambda s, t: s + t, a["X"], b.matmul(hidden, a["V"]))

    def forward(b: Builder, a: dict[str, Operand]) -> Operand:
        return reduced(b, b.pointwise(lambda s: s**2 / 2, block(b, a)[1]))

    def backward(b: Builder, a: dict[str, Operand]) -> dict[str, Operand]:
        hidden, out = block(b, a)
        back = b.matmul(out, b.transpose(a["V"]))
        mask = b.pointwise(
            lambda d, s: d * sp.Piecewise((1, s > 0), (0, True)), back, hidden
        )
        through = b.matmul(mask, b.transpose(a["W"]))
        return {
            "V": b.matmul(b.transpose(hidden), out),
            "W": b.matmul(b.transpose(a["X"]), mask),
            "b": total(b, mask, 0, keep=False),
            "X": b.pointwise(lambda s, t: s + t, out, through),
        }

    arrays = [Array("X", (m, n)), Array("W", (n, h)), Array("b", (h,)), Array("V", (h, n))]
    return arrays, forward, backward


def sig(z: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-z))


GELU = sp.sqrt(2 / sp.pi)

LAYERS: dict[str, tuple[list[Array], Forward, Backward]] = {
    "layer norm": norm_layer(1),
    "batch norm": norm_layer(0),
    "attention": attention(),
    "cross-entropy of labels": cross_entropy_of_labels(),
    "cross-entropy, one-hot": cross_entropy_one_hot(),
    "convolution": convolution(),
    "row maximum": row_maximum(),
    "residual block": residual_block(),
    "logits, stable": pointwise_loss(
        lambda z, y: sp.Max(z, 0) - z * y + sp.log(1 + sp.exp(-sp.Abs(z))),
        lambda z, y: sig(z) - y),
    "swish": pointwise_loss(
        lambda z, y: y * z * SIGMOID(z),
        lambda z, y: y * (z * sig(z) + sig(z) * (1 - z * sig(z)))),
    "gelu by tanh": pointwise_loss(
        lambda z, y: y * z * (1 + sp.tanh(GELU * (z + z**3 / 20))) / 2,
        lambda z, y: y * ((1 + sp.tanh(GELU * (z + z**3 / 20))) / 2
                          + z / 2 * (1 - sp.tanh(GELU * (z + z**3 / 20)) ** 2)
                          * GELU * (1 + 3 * z**2 / 20))),
    "elu": pointwise_loss(
        lambda z, y: y * sp.Piecewise((z, z > 0), (sp.exp(z) - 1, True)),
        lambda z, y: y * sp.Piecewise((1, z > 0), (sp.exp(z), True))),
    "elu slope in the output": pointwise_loss(
        lambda z, y: y * sp.Piecewise((z, z > 0), (sp.exp(z) - 1, True)),
        lambda z, y: y * sp.Piecewise(
            (1, z > 0), (1 + sp.Piecewise((z, z > 0), (sp.exp(z) - 1, True)), True))),
    "huber": pointwise_loss(
        lambda z, y: sp.Piecewise(
            ((z - y) ** 2 / 2, sp.Abs(z - y) <= 1), (sp.Abs(z - y) - sp.Rational(1, 2), True)),
        lambda z, y: sp.Min(sp.Max(z - y, -1), 1)),
    "softsign": pointwise_loss(
        lambda z, y: y * z / (1 + sp.Abs(z)),
        lambda z, y: y / (1 + sp.Abs(z)) ** 2),
    "mish": pointwise_loss(
        lambda z, y: y * z * TANH(sp.log(1 + sp.exp(z))),
        lambda z, y: y * sp.exp(z) * (4 * (z + 1) + 4 * sp.exp(2 * z) + sp.exp(3 * z)
                                      + sp.exp(z) * (4 * z + 6))
        / (2 * sp.exp(z) + sp.exp(2 * z) + 2) ** 2),
    "arctan": pointwise_loss(
        lambda z, y: y * sp.atan(z - y), lambda z, y: y / (1 + (z - y) ** 2)),
    "sine": pointwise_loss(lambda z, y: sp.sin(z * y), lambda z, y: y * sp.cos(y * z)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_proven(name: str) -> None:
    start = time.perf_counter()
    with np.errstate(all="ignore"):
        proofs = prove_layer(*LAYERS[name])
    for array, proof in proofs.items():
        assert proof.equal, (array, proof.reason, proof.difference)
    assert time.perf_counter() - start < 5
