"""The four equations of backpropagation, for a layer l of a network of any depth.

    z(l) = W(l) a(l-1) + b(l), a(l) = f(z(l))   ->   δ(l) = W(l+1)ᵀ δ(l+1) ⊙ f'(z(l))

The network is a recurrence over l with layer widths n(l); its adjoint, by the same rule as
everything else, is a recurrence that runs the other way.  The loss is left open: it enters as its
gradient by the last activation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from ..equation import (
    Array,
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
from ..functions import Z, scalar_function
from ..solving import solve, solve_equation
from ..substitution import substitute_term
from ..validation import validate
from .adjoint import reverse
from .rewrite import inline

DEPTH = size_symbol("L")
WIDTH = sp.Function("n", integer=True, positive=True)


@dataclass(frozen=True)
class LayerRule:
    """One equation of the general rule: a name, where it holds, and why (formulas in `$`)."""

    name: str
    equation: Equation
    scope: str
    reason: str


def layered_system(columns: bool = True, *, linear: bool = False) -> System:
    """Z[l] = W[l] A[l-1] + b[l], A[l] = f(Z[l]) for l = 1 ... L with A[0] = X, one sample.

    linear: without activations, A[l] = Z[l].  The axis of layers has L + 1 places, so that l counts
    layers as people do.
    """
    layer, last = index_symbol("l"), DEPTH
    here, before = Index("j", WIDTH(layer)), Index("i", WIDTH(layer - 1))
    loop = Index("l", last + 1)
    f = scalar_function("f", sp.Function("phi", real=True)(Z), "f")
    inner = (Within(sp.S.One, layer, last + 1),)
    first = (Within(sp.S.Zero, layer, sp.S.One),)
    weight_at = (layer, here.symbol, before.symbol) if columns else (
        layer, before.symbol, here.symbol)
    z = Equation("Z", (loop, here), (
        Term(slot(0) * slot(1), (Read("W", weight_at), Read("A", (layer - 1, before.symbol))),
             (before,), inner),
        Term(slot(0), (Read("b", (layer, here.symbol)),), (), inner),
    ))
    a = Equation("A", (loop, here), (
        Term(slot(0), (Read("X", (here.symbol,)),), (), first),
        Term(slot(0) if linear else f(slot(0)), (Read("Z", (layer, here.symbol)),), (), inner),
    ))
    outputs = Index("j", WIDTH(last))
    y = Equation("output", (outputs,), (Term(slot(0), (Read("A", (last, outputs.symbol)),)),))
    shape_w = (last + 1, WIDTH(layer), WIDTH(layer - 1))
    axes_w = ("l", "j", "i")
    if not columns:
        shape_w, axes_w = (shape_w[0], shape_w[2], shape_w[1]), ("l", "i", "j")
    return validate(System(
        (
            Array("X", (WIDTH(sp.S.Zero),), axes=("j",)),
            Array("W", shape_w, axes=axes_w),
            Array("b", (last + 1, WIDTH(layer)), axes=("l", "j")),
            Array("gradient", (WIDTH(last),), axes=("j",)),
        ),
        (Recurrence("l", 1, (z, a)), y),
    ))


def layer_rules(columns: bool = True) -> tuple[LayerRule, ...]:
    """δ at the last layer, δ at a layer before it, and the gradients of W and b, as derived."""
    derived = reverse(layered_system(columns), "output", ["W", "b"], cotangent="gradient")
    raw = {e.name: solve_equation(e) for e in derived.system.equations}
    # δ(l) is dZ with dA put in: the raw rule keeps both, a reader knows one.
    outer = inline(raw["dA"], raw["doutput"])
    assert outer is not None
    delta = inline(raw["dZ"], outer)
    assert delta is not None
    layer = index_symbol("l")
    last = _at_layer(delta, DEPTH, None)
    inner = _at_layer(delta, layer, DEPTH - 1)
    weights, biases = (_at_layer(raw[name], layer, DEPTH) for name in ("dW", "db"))
    return (
        LayerRule("delta_last", last, "l = L",
                  "$z$ at the last layer reaches the loss through $a = f(z)$ alone"),
        LayerRule("delta", inner, "1 ≤ l < L",
                  "$z$ at layer $l$ reaches the loss through $a$ at layer $l$, and that through "
                  "$z$ at layer $l + 1$, which is linear in it"),
        LayerRule("W", weights, "1 ≤ l ≤ L",
                  "$W$ at layer $l$ occurs in $z$ at layer $l$ alone, times $a$ at layer $l - 1$"),
        LayerRule("b", biases, "1 ≤ l ≤ L", "$b$ at layer $l$ is added to $z$ at layer $l$"),
    )


def through_layers(columns: bool = True, *, linear: bool = False) -> tuple[Equation, bool]:
    """How the gradient of an output by the input goes through a layer, of any depth and any widths,
    and whether it is the same at every input.

    That is so where none of the equations that lead to it reads X, or a Z or A that is made of it;
    the network is then W x + b of one W and one b, since its gradient is constant.
    """
    derived = reverse(layered_system(columns, linear=linear), "output", ["X"], cotangent="gradient")
    raw = {e.name: solve_equation(e) for e in derived.system.equations}
    needed, found = ["dX"], set()
    while needed:
        name = needed.pop()
        if name not in found:
            found.add(name)
            needed += [read.array for read in raw[name].reads] if name in raw else []
    outer = inline(raw["dA"], raw["doutput"])
    assert outer is not None
    delta = inline(raw["dZ"], outer)
    assert delta is not None
    return _at_layer(delta, index_symbol("l"), DEPTH - 1), not found & {"X", "Z", "A"}


def _at_layer(equation: Equation, layer: sp.Expr, count: sp.Expr | None) -> Equation:
    """The equation at one layer, its layer axis gone and layers written into the arrays' names.

    With `count`, `layer` is any of the layers 1 ... count; without, it is the one layer given.
    Which of the terms hold there follows from the guards.
    """
    loop = index_symbol("l")
    # Layers are counted from 1 here, places of an axis from 0: l is offset + 1.
    offset = Index("offset", count) if count is not None else None
    place = layer if offset is None else offset.symbol + 1
    rest = tuple(
        Index(index.name, index.size.xreplace({loop: place}))
        for index in equation.out if index.symbol != loop
    )
    scope = rest if offset is None else (offset, *rest)
    back = {} if offset is None else {offset.symbol: layer - 1}
    terms = []
    for term in equation.terms:
        solved = solve(substitute_term(term, {loop: place}), scope)
        if solved is not None:
            terms.append(_named_by_layer(substitute_term(solved, back)))
    out = tuple(Index(index.name, index.size.xreplace(back)) for index in rest)
    return Equation(f"{equation.name}({layer})", out, tuple(terms))


LAYERED = ("Z", "A", "W", "b", "dZ", "dA", "dW", "db")


def _named_by_layer(term: Term) -> Term:
    """W[l + 1, j, i] as W(l + 1)[j, i]."""
    return replace(term, reads=tuple(
        Read(f"{read.array}({sp.sstr(read.at[0]).replace(' ', '')})", read.at[1:])
        if read.array in LAYERED else read
        for read in term.reads
    ))
