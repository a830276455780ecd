"""Proofs between arrays: tables of identities and of near misses, and what a refutation says."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from proofs import first_wrong, prove_all, prove_equal
from reduced import reduced

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive.adjoint import reverse
from gradproof.symbolic.equation import (
    Array,
    Equal,
    Equation,
    Index,
    Read,
    Recurrence,
    System,
    Term,
    Within,
    index_symbol,
    size_symbol,
    slot,
)
from gradproof.symbolic.functions import RELU, SIGMOID, SOFTPLUS, TANH, derivative, leaky_relu
from gradproof.symbolic.layers.builder import Builder, Operand
from gradproof.symbolic.proof.prover import Proof
from gradproof.symbolic.validation import validate

m, n, h, o = map(size_symbol, "mnho")


class Expr:
    """An operand with NumPy's operators, so that a table of identities can be read."""

    def __init__(self, builder: Builder, operand: Operand) -> None:
        self.builder = builder
        self.operand = operand

    def map(self, body: Callable[..., Any], *others: Expr, name: str | None = None) -> Expr:
        operands = [self.operand, *(other.operand for other in others)]
        return Expr(self.builder, self.builder.pointwise(body, *operands, name=name))

    def _binary(self, other: Any, body: Callable[[Any, Any], Any]) -> Expr:
        if isinstance(other, Expr):
            return self.map(body, other)
        return self.map(lambda x: body(x, sp.sympify(other)))

    def __add__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: x + y)

    def __radd__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: y + x)

    def __sub__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: y - x)

    def __mul__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: x * y)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: x / y)

    def __rtruediv__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: y / x)

    def __pow__(self, other: Any) -> Expr:
        return self._binary(other, lambda x, y: x**y)

    def __neg__(self) -> Expr:
        return self.map(lambda x: -x)

    def __matmul__(self, other: Expr) -> Expr:
        return Expr(self.builder, self.builder.matmul(self.operand, other.operand))

    @property
    def T(self) -> Expr:  # noqa: N802
        return Expr(self.builder, self.builder.transpose(self.operand))

    def over(self, *axes: int, keep: bool = False, how: Any = "sum") -> Expr:
        places = axes or None
        return Expr(
            self.builder,
            reduced(self.builder, self.operand, places, keepdims=keep, reduction=how),
        )

    def emit(self, out: tuple[Index, ...], terms: list[Term], **options: Any) -> Expr:
        return Expr(self.builder, self.builder.emit(None, out, terms, **options))


def exp(x: Expr) -> Expr:
    return x.map(sp.exp)


def log(x: Expr) -> Expr:
    return x.map(sp.log)


def sqrt(x: Expr) -> Expr:
    return x.map(sp.sqrt)


def sigmoid(x: Expr) -> Expr:
    return x.map(SIGMOID)


def tanh(x: Expr) -> Expr:
    return x.map(TANH)


def relu(x: Expr) -> Expr:
    return x.map(RELU)


def slope(function: Any, x: Expr) -> Expr:
    return x.map(derivative(function))


def positive(x: Expr) -> Expr:
    return x.map(lambda z: sp.Piecewise((1, z > 0), (0, True)))


def where(condition: Callable[..., Any], yes: Expr, no: Expr, on: Expr) -> Expr:
    return on.map(lambda c, y, z: sp.Piecewise((y, condition(c)), (z, True)), yes, no)


def softmax(z: Expr) -> Expr:
    e = exp(z)
    return e / e.over(-1, keep=True)


def shifted_softmax(z: Expr) -> Expr:
    return softmax(z - z.over(-1, keep=True, how="max"))


def shift(x: Expr, by: int) -> Expr:
    """x[i + by] for a vector, 0 beyond its ends."""
    (size,) = x.operand.shape
    i = Index("i", size)
    at = i.symbol + by
    term = Term(
        slot(0), (Read(x.operand.name, (at,)),), (), (Within(sp.S.Zero, at, size),)
    )
    return x.emit((i,), [term])


def trace(x: Expr) -> Expr:
    k = Index("k", x.operand.shape[0])
    return x.emit((), [Term(slot(0), (Read(x.operand.name, (k.symbol, k.symbol)),), (k,))])


def diagonal_times(x: Expr, y: Expr) -> Expr:
    """Σ_j [i = j] x[i] y[j]."""
    (size,) = x.operand.shape
    i, j = Index("i", size), Index("j", size)
    reads = Read(x.operand.name, (i.symbol,)), Read(y.operand.name, (j.symbol,))
    term = Term(slot(0) * slot(1), reads, (j,), (Equal(i.symbol, j.symbol),))
    return x.emit((i,), [term])


class Inputs:
    """The inputs that the tables use, declared when first asked for."""

    DECLARED: ClassVar = {
        "X": Array("X", (m, n)),
        "W": Array("W", (n, h)),
        "V": Array("V", (h, o)),
        "S": Array("S", (n, n)),
        "R": Array("R", (n, n)),
        "b": Array("b", (h,)),
        "Z": Array("Z", (m, h)),
        "U": Array("U", (m, h)),
        "P": Array("P", (m, h), kind="positive"),
        "Q": Array("Q", (m, h), kind="positive"),
        "Y": Array("Y", (m, h), kind="one_hot"),
        "M": Array("M", (m, h), kind="mask"),
        "x": Array("x", (n,)),
        "y": Array("y", (n,)),
        "w": Array("w", (n,)),
        "t": Array("t", (m,)),
        "c": Array("c", (m,), kind="labels", classes=h),
    }

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._made: dict[str, Expr] = {}

    def __getattr__(self, name: str) -> Expr:
        if name not in self._made:
            self._made[name] = Expr(self._builder, self._builder.input(self.DECLARED[name]))
        return self._made[name]


Sides = Callable[[Inputs], tuple[Expr, Expr]]


def system_of(sides: Sides) -> tuple[System, str, str]:
    builder = Builder()
    left, right = sides(Inputs(builder))
    return builder.build(), left.operand.name, right.operand.name


def prove(sides: Sides, numbers: bool = True) -> Proof:
    system, left, right = system_of(sides)
    return prove_equal(system, left, right, evaluate if numbers else None)


def gather(p: Expr, labels: Expr) -> Expr:
    """p[i, labels[i]]."""
    i = Index("i", p.operand.shape[0])
    row = Read(labels.operand.name, (i.symbol,))
    return p.emit((i,), [Term(slot(0), (Read(p.operand.name, (i.symbol, row)),))])


def one_hot(p: Expr, labels: Expr) -> Expr:
    """[k = labels[i]] in the shape of p."""
    i, k = Index("i", p.operand.shape[0]), Index("k", p.operand.shape[1])
    row = Read(labels.operand.name, (i.symbol,))
    return p.emit((i, k), [Term(sp.S.One, (), (), (Equal(k.symbol, row),))])


IDENTITIES: dict[str, Sides] = {
    "associativity": lambda a: (a.X @ (a.W @ a.V), (a.X @ a.W) @ a.V),
    "distributivity": lambda a: (
        a.X.T @ (a.X @ a.w - a.t), a.X.T @ (a.X @ a.w) - a.X.T @ a.t),
    "transpose of a product": lambda a: ((a.X @ a.W).T, a.W.T @ a.X.T),
    "transpose of exp": lambda a: (exp(a.Z).T, exp(a.Z.T)),
    "trace is cyclic": lambda a: (trace(a.X.T @ (a.X @ a.S)), trace(a.S @ (a.X.T @ a.X))),
    "gram matrix is symmetric": lambda a: (exp(a.X @ a.X.T), exp(a.X @ a.X.T).T),
    "quadratic form": lambda a: (
        a.w @ ((a.S + a.S.T) @ a.w), 2 * (a.w @ (a.S @ a.w))),
    "square of a sum": lambda a: (a.x.over() ** 2, a.x.over() * a.x.over()),
    "row times column": lambda a: (
        (a.Z.over(-1) * a.Z.over(-1)).over(), (a.Z.over(-1) ** 2).over()),
    "ones": lambda a: ((a.Z * 0 + 1).over(0), a.b * 0 + m),
    "mean": lambda a: (a.Z.over(0) / m, (a.Z / m).over(0)),
    "scale moved": lambda a: (
        a.X.T @ ((a.X @ a.W + a.b) / m), (a.X.T @ (a.X @ a.W + a.b)) / m),
    "binomial": lambda a: ((a.Z - a.U) ** 2, a.Z**2 - 2 * a.Z * a.U + a.U**2),
    "variance": lambda a: (
        ((a.Z - a.Z.over(0) / m) ** 2).over(0), (a.Z**2).over(0) - a.Z.over(0) ** 2 / m),
    "centred sum is zero": lambda a: (
        (a.Z - a.Z.over(0) / m).over(0), a.b * 0),
    "diagonal guard": lambda a: (diagonal_times(a.x, a.y), a.x * a.y),
    "shift moved": lambda a: ((shift(a.x, 1) * shift(a.y, 1)), shift(a.x * a.y, 1)),
    "sigmoid by hand": lambda a: (sigmoid(a.Z), 1 / (1 + exp(-a.Z))),
    "sigmoid the other way": lambda a: (sigmoid(a.Z), exp(a.Z) / (1 + exp(a.Z))),
    "sigmoid slope in a": lambda a: (
        slope(SIGMOID, a.Z), sigmoid(a.Z) * (1 - sigmoid(a.Z))),
    "sigmoid slope in exp": lambda a: (
        slope(SIGMOID, a.Z), exp(-a.Z) / (1 + exp(-a.Z)) ** 2),
    "sigmoid slope expanded": lambda a: (
        slope(SIGMOID, a.Z), 1 / (exp(a.Z) + 2 + exp(-a.Z))),
    "sigmoid of minus": lambda a: (sigmoid(-a.Z), 1 - sigmoid(a.Z)),
    "sigmoid stable": lambda a: (
        sigmoid(a.Z),
        where(lambda z: z >= 0, 1 / (1 + exp(-a.Z)), exp(a.Z) / (1 + exp(a.Z)), a.Z)),
    "tanh in exp": lambda a: (
        tanh(a.Z), (exp(a.Z) - exp(-a.Z)) / (exp(a.Z) + exp(-a.Z))),
    "tanh in sigmoid": lambda a: (tanh(a.Z), 2 * sigmoid(2 * a.Z) - 1),
    "tanh of SymPy": lambda a: (tanh(a.Z), a.Z.map(sp.tanh)),
    "tanh slope": lambda a: (slope(TANH, a.Z), 1 - tanh(a.Z) ** 2),
    "sech squared": lambda a: (slope(TANH, a.Z), 1 / a.Z.map(sp.cosh) ** 2),
    "softplus": lambda a: (a.Z.map(SOFTPLUS), log(1 + exp(a.Z))),
    "softplus slope": lambda a: (slope(SOFTPLUS, a.Z), sigmoid(a.Z)),
    "softplus stable": lambda a: (
        a.Z.map(SOFTPLUS), relu(a.Z) + log(1 + exp(-a.Z.map(sp.Abs)))),
    "log sigmoid": lambda a: (log(sigmoid(a.Z)), -log(1 + exp(-a.Z))),
    "log odds": lambda a: (log(sigmoid(a.Z) / (1 - sigmoid(a.Z))), a.Z + 0),
    "partial fractions": lambda a: (
        1 / ((1 + exp(a.Z)) * (2 + exp(a.Z))), 1 / (1 + exp(a.Z)) - 1 / (2 + exp(a.Z))),
    "partial fractions under a sum": lambda a: (
        (1 / ((1 + exp(a.Z)) * (2 + exp(a.Z)))).over(),
        (1 / (1 + exp(a.Z))).over() - (1 / (2 + exp(a.Z))).over()),
    "partial fractions of inputs": lambda a: (
        (1 / (a.P * (a.P + a.Q))).over(0), ((1 / a.P - 1 / (a.P + a.Q)) / a.Q).over(0)),
    "log of a product": lambda a: (log(a.P * a.Q), log(a.P) + log(a.Q)),
    "log of a power": lambda a: (log(a.P**3 / a.Q), 3 * log(a.P) - log(a.Q)),
    "sqrt of a product": lambda a: (sqrt(a.P * a.Q), sqrt(a.P) * sqrt(a.Q)),
    "inverse sqrt": lambda a: (
        (a.Z**2 + 1) / sqrt(a.Z**2 + 1), sqrt(a.Z**2 + 1)),
    "norm": lambda a: (
        a.Z / sqrt((a.Z**2).over(-1, keep=True)) ** 3 * (a.Z**2).over(-1, keep=True),
        a.Z / sqrt((a.Z**2).over(-1, keep=True))),
    "sqrt of a square": lambda a: (sqrt(a.Z**2), a.Z.map(sp.Abs)),
    "softmax shift": lambda a: (softmax(a.Z), shifted_softmax(a.Z)),
    "softmax by logsumexp": lambda a: (
        softmax(a.Z), exp(a.Z - a.Z.over(-1, keep=True, how="logsumexp"))),
    "log softmax": lambda a: (
        log(softmax(a.Z)), a.Z - a.Z.over(-1, keep=True, how="logsumexp")),
    "logsumexp shift": lambda a: (
        a.Z.over(-1, keep=True, how="logsumexp"),
        log(exp(a.Z - a.Z.over(-1, keep=True, how="max")).over(-1, keep=True))
        + a.Z.over(-1, keep=True, how="max")),
    "softmax rows sum to one": lambda a: (softmax(a.Z).over(), a.t.over() * 0 + m),
    "softmax cross-entropy": lambda a: (
        # p (Σ_k y_k - ...) from d(-Σ y log p): p_j Σ_k y_k - y_j
        softmax(a.Z) * a.Y.over(-1, keep=True) - a.Y, softmax(a.Z) - a.Y),
    "softmax jacobian": lambda a: (
        softmax(a.Z) * (a.U - (a.U * softmax(a.Z)).over(-1, keep=True)),
        softmax(a.Z) * a.U
        - softmax(a.Z) * (exp(a.Z) * a.U).over(-1, keep=True) / exp(a.Z).over(-1, keep=True)),
    "relu as a product": lambda a: (relu(a.Z), a.Z * positive(a.Z)),
    "relu as a maximum": lambda a: (relu(a.Z), a.Z.map(lambda z: sp.Max(z, 0))),
    "relu by abs": lambda a: (relu(a.Z), (a.Z + a.Z.map(sp.Abs)) / 2),
    "relu mask of its output": lambda a: (slope(RELU, a.Z), positive(relu(a.Z))),
    "relu mask, not strict": lambda a: (
        slope(RELU, a.Z), a.Z.map(lambda z: sp.Piecewise((1, z >= 0), (0, True)))),
    "leaky relu": lambda a: (
        a.Z.map(leaky_relu(sp.Rational(1, 10))),
        a.Z.map(lambda z: sp.Max(z, z / 10))),
    "where": lambda a: (
        where(lambda z: z > 0, a.U, a.Z * 0, a.Z), a.U * positive(a.Z)),
    "sign": lambda a: (a.Z.map(sp.sign), 2 * positive(a.Z) - 1),
    "threshold implied": lambda a: (
        positive(a.Z) * positive(a.Z - 6), positive(a.Z - 6)),
    "clip": lambda a: (
        a.Z.map(lambda z: sp.Min(sp.Max(z, -1), 1)),
        a.Z.map(lambda z: sp.Piecewise((1, z > 1), (-1, z < -1), (z, True)))),
    "mask is idempotent": lambda a: ((a.M * a.Z * a.M).over(0), (a.M * a.Z).over(0)),
    "exp of a mask": lambda a: (exp(a.M * a.Z), a.M * exp(a.Z) + (1 - a.M)),
    "label and one-hot": lambda a: (
        gather(log(softmax(a.Z)), a.c), (one_hot(a.Z, a.c) * log(softmax(a.Z))).over(-1)),
    "one-hot of labels sums to one": lambda a: (one_hot(a.Z, a.c).over(-1), a.t * 0 + 1),
    "attention scale": lambda a: (
        (a.X @ a.W) / sp.sqrt(h) / sp.sqrt(h), (a.X @ a.W) / h),
    "exp of a scaled product": lambda a: (
        exp((a.X @ a.W) / sp.sqrt(h)), exp((a.X / sp.sqrt(h)) @ a.W)),
}

NEAR_MISSES: dict[str, Sides] = {
    "sigmoid slope of a, not of z": lambda a: (
        slope(SIGMOID, a.Z), slope(SIGMOID, sigmoid(a.Z))),
    "tanh slope without the square": lambda a: (slope(TANH, a.Z), 1 - tanh(a.Z)),
    "square matrix transposed": lambda a: (a.X @ a.S, a.X @ a.S.T),
    "gram the other way": lambda a: (a.S.T @ a.S, a.S @ a.S.T),
    "trace of another order": lambda a: (
        trace(a.S @ (a.R @ (a.S.T @ a.R))), trace(a.S @ (a.S.T @ (a.R @ a.R)))),
    "wrong axis": lambda a: (a.S.over(0), a.S.over(1)),
    "missing 1/m": lambda a: (a.Z.over(0) / m, a.Z.over(0)),
    "mean over the wrong axis": lambda a: (a.Z.over() / m, a.Z.over() / h),
    "off by one": lambda a: (shift(a.x, 1), shift(a.x, 2)),
    "shift back": lambda a: (shift(shift(a.x, 1), -1), a.x + 0),
    "other denominator": lambda a: (1 / (1 + exp(a.Z)), 1 / (1 - exp(a.Z))),
    "other maximum": lambda a: (
        a.Z.map(lambda z, u: sp.Max(z, u), a.U), a.Z.map(lambda z, u: sp.Max(z, -u), a.U)),
    "other maximum over an axis": lambda a: (
        a.S.over(0, how="max"), a.S.over(1, how="max")),
    "other threshold": lambda a: (positive(a.Z), positive(a.Z - 1)),
    "step of minus": lambda a: (positive(a.Z), positive(-a.Z)),
    "relu mask of its output, not strict": lambda a: (
        slope(RELU, a.Z), relu(a.Z).map(lambda z: sp.Piecewise((1, z >= 0), (0, True)))),
    "log of a sum": lambda a: (log(a.P + a.Q), log(a.P) + log(a.Q)),
    "softmax over the other axis": lambda a: (softmax(a.S), softmax(a.S.T).T),
    "softmax without its sum": lambda a: (
        softmax(a.Z) * (a.U - (a.U * softmax(a.Z)).over(-1, keep=True)),
        softmax(a.Z) * (1 - softmax(a.Z)) * a.U),
    "one-hot assumed of any array": lambda a: (
        softmax(a.Z) * a.U.over(-1, keep=True) - a.U, softmax(a.Z) - a.U),
    "square is not idempotent": lambda a: ((a.P * a.P).over(0), a.P.over(0)),
    "sum of squares": lambda a: ((a.x**2).over(), a.x.over() ** 2),
    "abs is not the identity": lambda a: (sqrt(a.Z**2), a.Z + 0),
    "pairs at the diagonal": lambda a: (
        a.x.emit((), [_pairs(n, lambda x, y: sp.Piecewise((1, x > y), (0, True)))]),
        a.x.emit((), [_pairs(n, lambda x, y: sp.Piecewise((0, y > x), (1, True)))])),
    "label of the wrong row": lambda a: (
        gather(a.Z, a.c).over(), (one_hot(a.Z, a.c) * a.U).over()),
}


def _pairs(size: sp.Expr, body: Callable[[Any, Any], Any]) -> Term:
    i, j = Index("i", size), Index("j", size)
    reads = Read("x", (i.symbol,)), Read("x", (j.symbol,))
    return Term(body(slot(0), slot(1)), reads, (i, j))


@pytest.mark.parametrize("numbers", [True, False], ids=["sampled", "unsampled"])
@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_is_proven(name: str, numbers: bool) -> None:
    proof = prove(IDENTITIES[name], numbers)
    assert proof.equal, (proof.reason, proof.difference)


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_is_never_proven(name: str) -> None:
    assert prove(NEAR_MISSES[name], numbers=False).equal is None
    assert prove(NEAR_MISSES[name]).equal is False


def test_assumption_is_listed_only_where_it_was_used() -> None:
    used = prove(IDENTITIES["softmax cross-entropy"])
    assert [*map(str, used.assumptions)] == ["the rows of Y sum to one"]
    assert prove(IDENTITIES["softmax jacobian"]).assumptions == ()


def test_kinks_are_listed() -> None:
    proof = prove(IDENTITIES["relu mask, not strict"])
    assert [str(kink) for kink in proof.kinks] == ["Z[i1, i2] = 0"]
    assert [kink.array for kink in proof.kinks] == ["Z"]
    assert prove(IDENTITIES["sigmoid slope in a"]).kinks == ()


# --- networks -----------------------------------------------------------------------------------


def network(builder: Builder, sizes: list[sp.Expr], scale: Any = 1) -> dict[str, Expr]:
    """A chain of tanh layers with ½Σ(a - y)², its adjoints as derived and as written by hand."""
    at: dict[str, Expr] = {}

    def named(name: str, expr: Expr) -> Expr:
        at[name] = expr
        return expr

    def declare(name: str, *shape: sp.Expr) -> Expr:
        return Expr(builder, builder.input(Array(name, shape)))

    depth = len(sizes) - 1
    a = named("A0", declare("X", m, sizes[0]))
    y = declare("Y", m, sizes[-1])
    for layer in range(1, depth + 1):
        w = named(f"W{layer}", declare(f"W{layer}", sizes[layer - 1], sizes[layer]))
        b = declare(f"b{layer}", sizes[layer])
        a = named(f"A{layer}", tanh(named(f"Z{layer}", a @ w + b)))
    d = (a - y) * scale
    for layer in range(depth, 0, -1):
        dz = d * slope(TANH, at[f"Z{layer}"])
        at[f"dW{layer}"] = at[f"A{layer - 1}"].T @ dz
        at[f"db{layer}"] = dz.over(0)
        d = dz @ at[f"W{layer}"].T
    delta = (a - y) * (1 - a**2)
    for layer in range(depth, 0, -1):
        at[f"hand dW{layer}"] = at[f"A{layer - 1}"].T @ delta
        at[f"hand db{layer}"] = delta.over(0)
        delta = (delta @ at[f"W{layer}"].T) * (1 - at[f"A{layer - 1}"] ** 2)
    return at


def gradient_pairs(at: dict[str, Expr], depth: int) -> dict[str, str]:
    return {
        at[f"d{kind}{layer}"].operand.name: at[f"hand d{kind}{layer}"].operand.name
        for layer in range(1, depth + 1)
        for kind in "Wb"
    }


def test_deep_chain() -> None:
    builder = Builder()
    depth = 20
    at = network(builder, [size_symbol(f"n{layer}") for layer in range(depth + 1)])
    system = builder.build()
    pairs = gradient_pairs(at, depth)
    start = time.perf_counter()
    proofs = prove_all(system, system, pairs, evaluate)
    assert all(proof.equal for proof in proofs.values())
    assert time.perf_counter() - start < 20


def test_ratio_of_the_loss_scales() -> None:
    builder = Builder()
    at = network(builder, [n, h, o], scale=sp.Integer(2) / (m * o))
    system = builder.build()
    for proof in prove_all(system, system, gradient_pairs(at, 2), evaluate).values():
        assert proof.equal is False
        assert proof.ratio == 2 / (m * o)


def cross_entropy_network() -> tuple[System, dict[str, str]]:
    b = Builder()
    x = b.input(Array("X", (m, n)))
    y = b.input(Array("Y", (m, o)))
    w1, b1 = b.input(Array("W1", (n, h))), b.input(Array("b1", (h,)))
    w2, b2 = b.input(Array("W2", (h, o))), b.input(Array("b2", (o,)))
    z1 = b.pointwise(lambda s, t: s + t, b.matmul(x, w1), b1, name="Z1")
    a1 = b.pointwise(TANH, z1, name="A1")
    z2 = b.pointwise(lambda s, t: s + t, b.matmul(a1, w2), b2, name="Z2")
    a2 = b.pointwise(lambda z: 1 / (1 + sp.exp(-z)), z2, name="A2")
    da2 = b.pointwise(lambda a, t: (-t / a + (1 - t) / (1 - a)) / m, a2, y, name="dA2")
    dz2 = b.pointwise(lambda d, z: d * derivative(SIGMOID)(z), da2, z2, name="dZ2")
    b.matmul(b.transpose(a1), dz2, name="dW2")
    reduced(b, dz2, [0], name="db2")
    da1 = b.matmul(dz2, b.transpose(w2), name="dA1")
    dz1 = b.pointwise(lambda d, z: d * derivative(TANH)(z), da1, z1, name="dZ1")
    b.matmul(b.transpose(x), dz1, name="dW1")
    reduced(b, dz1, [0], name="db1")
    e2 = b.pointwise(lambda a, t: a - t, a2, y, name="hand_dZ2")
    b.pointwise(lambda g: g / m, b.matmul(b.transpose(a1), e2), name="hand_dW2")
    b.pointwise(lambda g: g / m, reduced(b, e2, [0]), name="hand_db2")
    back = b.matmul(e2, b.transpose(w2))
    e1 = b.pointwise(lambda d, a: d * (1 - a**2), back, a1, name="hand_dZ1")
    b.pointwise(lambda g: g / m, b.matmul(b.transpose(x), e1), name="hand_dW1")
    b.pointwise(lambda g: g / m, reduced(b, e1, [0]), name="hand_db1")
    return b.build(), {f"d{p}": f"hand_d{p}" for p in ("W1", "b1", "W2", "b2")}


def test_two_layers_with_cross_entropy() -> None:
    system, pairs = cross_entropy_network()
    for numbers in (None, evaluate):
        start = time.perf_counter()
        proofs = prove_all(system, system, pairs, numbers)
        assert all(proof.equal for proof in proofs.values())
        assert time.perf_counter() - start < 3
    steps = {(step.left, step.right): step.factor for step in proofs["dW1"].steps}
    assert steps["dZ1", "hand_dZ1"] == 1 / m


def hand_written(dz1: Callable[[Any, Any], Any]) -> tuple[System, System]:
    """The derived side, and a hand-written one in a system of its own with its own dZ1."""
    system, _ = cross_entropy_network()
    b = Builder()
    x, y, w1, b1, w2, b2 = (b.input(array) for array in system.inputs[:1] + system.inputs[1:])
    a1 = b.pointwise(TANH, b.pointwise(lambda s, t: s + t, b.matmul(x, w1), b1), name="A1")
    a2 = b.pointwise(
        SIGMOID, b.pointwise(lambda s, t: s + t, b.matmul(a1, w2), b2), name="A2"
    )
    e2 = b.pointwise(lambda a, t: a - t, a2, y, name="delta2")
    e1 = b.pointwise(dz1, b.matmul(e2, b.transpose(w2)), a1, name="delta1")
    b.pointwise(lambda g: g / m, b.matmul(b.transpose(x), e1), name="W1_gradient")
    return system, b.build()


def test_first_wrong_names_the_missing_factor() -> None:
    derived, hand = hand_written(lambda d, a: d)
    proof = prove_all(derived, hand, {"dW1": "W1_gradient"}, evaluate)["dW1"]
    assert proof.equal is False
    wrong = first_wrong(derived, hand, ("dW1", "W1_gradient"), evaluate)
    assert wrong is not None
    assert (wrong.right, wrong.instead) == ("delta1", "dZ1")
    a1 = sp.Symbol("A1", real=True)
    assert wrong.ratio is not None
    assert sp.expand(wrong.ratio * m - (1 - a1**2)) == 0


def test_first_wrong_of_a_right_program_is_nothing() -> None:
    derived, hand = hand_written(lambda d, a: d * (1 - a**2))
    assert prove_all(derived, hand, {"dW1": "W1_gradient"}, evaluate)["dW1"].equal
    assert first_wrong(derived, hand, ("dW1", "W1_gradient"), evaluate) is None


# --- random systems -----------------------------------------------------------------------------


def random_expression(choose: random.Random, a: Inputs, depth: int) -> Expr:
    """A random array of shape (n,)."""
    if depth == 0:
        return choose.choice([a.x, a.y, a.w])
    one = random_expression(choose, a, depth - 1)
    two = random_expression(choose, a, choose.randrange(depth))
    return choose.choice([
        lambda: one + two,
        lambda: one * two,
        lambda: one - 2 * two,
        lambda: a.S @ one,
        lambda: one @ a.S,
        lambda: one * two.over(),
        lambda: sigmoid(one),
        lambda: relu(one),
        lambda: tanh(one - two),
        lambda: two / (1 + exp(one)),
        lambda: softmax(one),
        lambda: shift(one, choose.choice([-1, 1])),
        lambda: positive(one - two),
    ])()


@pytest.mark.slow
@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_proven_equal_is_numerically_equal(seed: int) -> None:
    """Random pairs and a rewritten copy: whatever is proven without numbers holds in numbers."""
    choose = random.Random(seed)
    builder = Builder()
    a = Inputs(builder)
    arrays = [random_expression(choose, a, 2) for _ in range(3)]
    arrays.append(random_expression(random.Random(choose.randrange(4)), a, 1))
    arrays.append(arrays[0] * 1 + 0)
    system = builder.build()
    values = np.random.default_rng(seed)
    numbers = {
        array.name: values.standard_normal([4] * len(array.shape)) for array in system.inputs
    }
    known = evaluate(system, numbers)
    names = [array.operand.name for array in arrays]
    assert prove_equal(system, names[0], names[-1]).equal
    for place, left in enumerate(names):
        for right in names[:place]:
            if prove_equal(system, left, right).equal:
                np.testing.assert_allclose(known[left], known[right], rtol=1e-7, atol=1e-9)


def test_guarded_halves_make_a_whole() -> None:
    """A concatenation read back in one piece: Σ over guarded halves is the sum of the parts."""
    b = Builder()
    first, second = b.input(Array("p", (m,))), b.input(Array("q", (n,)))
    i = Index("i", m + n)
    at = index_symbol("i")
    joined = b.emit(
        None,
        (i,),
        [
            Term(slot(0), (Read("p", (at,)),), (), (Within(sp.S.Zero, at, m),)),
            Term(slot(0), (Read("q", (at - m,)),), (), (Within(m, at, m + n),)),
        ],
    )
    left = reduced(b, joined)
    right = b.pointwise(lambda s, t: s + t, reduced(b, first), reduced(b, second))
    system = b.build()
    assert prove_equal(system, left.name, right.name).equal


def test_first_wrong_names_a_wrong_slope() -> None:
    derived, hand = hand_written(lambda d, a: d * (1 - a))
    wrong = first_wrong(derived, hand, ("dW1", "W1_gradient"), evaluate)
    assert wrong is not None
    assert (wrong.right, wrong.instead) == ("delta1", "dZ1")
    a1 = sp.Symbol("A1", real=True)
    assert sp.expand(wrong.ratio * m - (1 + a1)) == 0


# --- recurrences --------------------------------------------------------------------------------


def recurrent(fused: bool, wrong: bool = False) -> System:
    """h[t] = tanh(x[t] W + h[t-1] U), as one equation or with its argument named."""
    steps = size_symbol("T")
    t, j, k = Index("t", steps), Index("j", h), Index("k", h)
    before = t.symbol - 1
    inputs = (Array("x", (steps, h)), Array("U", (h, h)), Array("v", (h,)))
    at = Read("U", (j.symbol, k.symbol) if wrong else (k.symbol, j.symbol))
    terms = (
        Term(slot(0), (Read("x", (t.symbol, j.symbol)),)),
        Term(slot(0) * slot(1), (Read("h", (before, k.symbol)), at), (k,),
             (Within(sp.S.One, t.symbol, steps),)),
    )
    here = (t.symbol, j.symbol)
    if fused:
        # the argument twice: tanh(z) = 2σ(2z) - 1, from an array scaled by two
        group = (
            Equation("twice", (t, j), tuple(
                Term(2 * term.body, term.reads, term.over, term.guards) for term in terms)),
            Equation("h", (t, j), (Term(2 * SIGMOID(slot(0)) - 1, (Read("twice", here),)),)),
        )
    else:
        group = (
            Equation("z", (t, j), terms),
            Equation("h", (t, j), (Term(TANH(slot(0)), (Read("z", here),)),)),
        )
    total = Equation("L", (), (
        Term(slot(0) * slot(1), (Read("h", here), Read("v", (j.symbol,))), (t, j)),))
    return validate(System(inputs, (Recurrence("t", 1, group), total)))


def test_recurrences_are_proven_by_induction() -> None:
    proof = prove_all(recurrent(False), recurrent(True), {"L": "L"}, evaluate)["L"]
    assert proof.equal, proof.difference
    assert ("h", "h", 1) in {(step.left, step.right, step.factor) for step in proof.steps}


def test_another_recurrence_is_not() -> None:
    proof = prove_all(recurrent(False), recurrent(True, wrong=True), {"L": "L"}, evaluate)["L"]
    assert proof.equal is False
    numberless = prove_all(recurrent(False), recurrent(True, wrong=True), {"L": "L"})["L"]
    assert numberless.equal is None


def test_backpropagation_through_time_is_proven_for_any_number_of_steps() -> None:
    one = reverse(recurrent(False), "L", ["U", "x"])
    two = reverse(recurrent(True), "L", ["U", "x"])
    pairs = {one.of[name]: two.of[name] for name in ("U", "x")}
    for proof in prove_all(one.system, two.system, pairs, evaluate).values():
        assert proof.equal, proof.difference
