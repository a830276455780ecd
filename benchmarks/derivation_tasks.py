"""The tasks of ``derivation.py``, each written in every tool that can state it.

A task is a network of some size; a tool's function goes from nothing to the gradients by all its
parameters.  gradproof and tensorgrad have symbolic sizes, where a width says "n"; JAX needs
numbers.  Importing this module imports no tool: each function brings its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tool = Callable[..., object]

BATCH, STEPS, PLACES, HEADS = 8, 100, 16, 4
"""Sizes that JAX is given where the others have symbols m, T, T and (always numbers) 4 heads."""


# --- gradproof ----------------------------------------------------------------------------------


def gradproof_dense(depth: int, width: Any) -> object:
    import gradproof as gp

    return gp.derive(gp.Network([width] * (depth + 1), activation="tanh"))


def gradproof_transformer(blocks: int) -> object:
    import gradproof as gp

    block = {"type": "transformer_block", "heads": HEADS, "units": "f", "causal": True}
    return gp.derive(gp.Model("m T 32", [block] * blocks, "mean_squared_error"))


def gradproof_lstm() -> object:
    import gradproof as gp

    layers: list[Any] = [{"type": "lstm", "units": "h"}, "last"]
    return gp.derive(gp.Model("T m n", layers, "mean_squared_error"))


def gradproof_lstm_unrolled(steps: int) -> object:
    """The same three steps as one would write them out, in equation text."""
    import gradproof as gp

    lines = []
    for t in range(1, steps + 1):
        for gate in "ifgo":
            carried = f" + h{t - 1} @ U{gate}" if t > 1 else ""
            function = "tanh" if gate == "g" else "sigmoid"
            lines.append(f"{gate}{t} = {function}(x{t} @ W{gate}{carried} + b{gate})")
        kept = f"f{t} * c{t - 1} + " if t > 1 else ""
        lines += [f"c{t} = {kept}i{t} * g{t}", f"h{t} = o{t} * tanh(c{t})"]
    lines.append(f"L = sum((h{steps} - y)**2)")
    shapes = {f"x{t}": "m n" for t in range(1, steps + 1)} | {"y": "m h"}
    parameters = [f"{letter}{gate}" for letter in "WUb" for gate in "ifgo"]
    for name in parameters:
        shapes[name] = {"W": "n h", "U": "h h", "b": "h"}[name[0]]
    return gp.derive(gp.equations("\n".join(lines), **shapes), wrt=parameters)


# --- JAX ----------------------------------------------------------------------------------------


def _traced(loss: Callable[..., Any], parameters: Any, *data: tuple[int, ...]) -> object:
    """The jaxpr of the gradient; shapes are all that is given."""
    import jax
    import jax.numpy as jnp

    def abstract(shape: tuple[int, ...]) -> Any:
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    made = jax.tree.map(abstract, parameters, is_leaf=lambda part: isinstance(part, tuple))
    return jax.make_jaxpr(jax.grad(loss))(made, *map(abstract, data))


def jax_dense(depth: int, width: int) -> object:
    import jax.numpy as jnp

    def loss(layers: Any, x: Any, y: Any) -> Any:
        for place, layer in enumerate(layers, 1):
            x = x @ layer["W"] + layer["b"]
            if place < len(layers):
                x = jnp.tanh(x)
        return jnp.sum((x - y) ** 2) / 2

    layers = [{"W": (width, width), "b": (width,)}] * depth
    return _traced(loss, layers, (BATCH, width), (BATCH, width))


def jax_transformer(blocks: int) -> object:
    import jax
    import jax.numpy as jnp

    def norm(x: Any, gamma: Any, beta: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return gamma * centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) + beta

    def block(x: Any, w: Any) -> Any:
        y = norm(x, w["gamma1"], w["beta1"])
        q, k, v = (jnp.einsum("mti,hik->mhtk", y, w[name]) for name in ("WQ", "WK", "WV"))
        scores = jnp.einsum("mhik,mhjk->mhij", q, k) / q.shape[-1] ** 0.5
        seen = jnp.tril(jnp.ones((x.shape[1], x.shape[1]), bool))
        weights = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), axis=-1)
        x = x + jnp.einsum("mhij,mhjk,hke->mie", weights, v, w["WO"])
        y = norm(x, w["gamma2"], w["beta2"])
        return x + jax.nn.gelu(y @ w["W1"] + w["b1"], approximate=False) @ w["W2"] + w["b2"]

    def loss(layers: Any, x: Any, y: Any) -> Any:
        for layer in layers:
            x = block(x, layer)
        return ((x - y) ** 2).mean()

    d, f = 32, 64
    head = d // HEADS
    shapes = {
        **dict.fromkeys(("WQ", "WK", "WV"), (HEADS, d, head)), "WO": (HEADS, head, d),
        **dict.fromkeys(("gamma1", "beta1", "gamma2", "beta2", "b2"), (d,)),
        "W1": (d, f), "b1": (f,), "W2": (f, d),
    }
    return _traced(loss, [shapes] * blocks, (BATCH, PLACES, d), (BATCH, PLACES, d))


def jax_lstm(steps: int, scan: bool) -> object:
    import jax
    import jax.numpy as jnp

    def step(w: Any, state: Any, x: Any) -> Any:
        h, c = state
        z = {gate: x @ w[f"W{gate}"] + h @ w[f"U{gate}"] + w[f"b{gate}"] for gate in "ifgo"}
        c = jax.nn.sigmoid(z["f"]) * c + jax.nn.sigmoid(z["i"]) * jnp.tanh(z["g"])
        return jax.nn.sigmoid(z["o"]) * jnp.tanh(c), c

    def loss(w: Any, xs: Any, y: Any) -> Any:
        state = jnp.zeros_like(y), jnp.zeros_like(y)
        if scan:
            state, _ = jax.lax.scan(lambda s, x: (step(w, s, x), None), state, xs)
        else:
            for x in xs:
                state = step(w, state, x)
        return ((state[0] - y) ** 2).mean()

    n, h = 16, 32
    shapes = {f"{letter}{gate}": {"W": (n, h), "U": (h, h), "b": (h,)}[letter]
              for letter in "WUb" for gate in "ifgo"}
    return _traced(loss, shapes, (steps, BATCH, n), (BATCH, h))


# --- tensorgrad ---------------------------------------------------------------------------------


def _simplified(loss: Any, parameters: list[Any]) -> object:
    return [loss.grad(parameter).full_simplify(expand=False) for parameter in parameters]


def tensorgrad_dense(depth: int) -> object:
    """Of one width n; its sizes are symbols always."""
    import tensorgrad as tg
    from sympy import symbols
    from tensorgrad import functions

    m, size = symbols("m n")
    a: Any = tg.Variable("X", m=m, k0=size)
    parameters = []
    for layer in range(1, depth + 1):
        w = tg.Variable(f"W{layer}", **{f"k{layer - 1}": size, f"k{layer}": size})
        b = tg.Variable(f"b{layer}", **{f"k{layer}": size})
        a = a @ w + b @ tg.Ones(m=m)
        if layer < depth:
            a = functions.tanh(a)
        parameters += [w, b]
    error = a - tg.Variable("Y", **{"m": m, f"k{depth}": size})
    return _simplified(functions.frobenius2(error), parameters)


def tensorgrad_lstm_unrolled(steps: int) -> object:
    import tensorgrad as tg
    from sympy import symbols
    from tensorgrad import functions

    m, n, h = symbols("m n h")
    w = {g: tg.Variable(f"W{g}", i=n, j=h) for g in "ifgo"}
    u = {g: tg.Variable(f"U{g}", k=h, j=h) for g in "ifgo"}
    b = {g: tg.Variable(f"b{g}", j=h) for g in "ifgo"}
    state: Any = None
    cell: Any = None
    for t in range(1, steps + 1):
        x = tg.Variable(f"x{t}", m=m, i=n)
        z = {}
        for g in "ifgo":
            total = x @ w[g] + b[g] @ tg.Ones(m=m)
            if state is not None:
                total = total + state.rename(j="k") @ u[g]
            z[g] = functions.tanh(total) if g == "g" else functions.sigmoid(total)
        cell = z["i"] * z["g"] if cell is None else z["f"] * cell + z["i"] * z["g"]
        state = z["o"] * functions.tanh(cell)
    loss = functions.frobenius2(state - tg.Variable("y", m=m, j=h))
    return _simplified(loss, [*w.values(), *u.values(), *b.values()])


# --- SymPy --------------------------------------------------------------------------------------


def sympy_scalars(depth: int, width: int) -> object:
    """One sample; the loss is an expression in every weight, differentiated by each."""
    import sympy as sp

    a = list(sp.symbols(f"x:{width}"))
    parameters: list[Any] = []
    for layer in range(1, depth + 1):
        w = sp.Matrix(width, width, sp.symbols(f"w{layer}_:{width}:{width}"))
        b = list(sp.symbols(f"b{layer}_:{width}"))
        z = [sum(a[i] * w[i, j] for i in range(width)) + b[j] for j in range(width)]
        a = [sp.tanh(entry) for entry in z] if layer < depth else z
        parameters += [*w, *b]
    loss = sum((one - other) ** 2 for one, other in zip(a, sp.symbols(f"y:{width}"), strict=True))
    return [sp.diff(loss / 2, parameter) for parameter in parameters]


def _matrix_network(activation: bool) -> Any:
    """½‖W₂ f(W₁ x + b₁) + b₂ - y‖² as a matrix expression, and its parameters."""
    import sympy as sp

    n, h, o = sp.symbols("n h o", integer=True, positive=True)
    x, y = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("y", o, 1)
    w1, b1 = sp.MatrixSymbol("W1", h, n), sp.MatrixSymbol("b1", h, 1)
    w2, b2 = sp.MatrixSymbol("W2", o, h), sp.MatrixSymbol("b2", o, 1)
    hidden = w1 * x + b1
    if activation:
        hidden = hidden.applyfunc(sp.tanh)
    error = w2 * hidden + b2 - y
    return error.T * error, [w1, b1, w2, b2]


def sympy_matrices(activation: bool) -> object:
    loss, parameters = _matrix_network(activation)
    return [loss.diff(parameter) for parameter in parameters]


def sympy_arrays(activation: bool) -> object:
    from sympy.tensor.array.expressions.arrayexpr_derivatives import array_derive

    loss, parameters = _matrix_network(activation)
    return [array_derive(loss, parameter) for parameter in parameters]


TOOLS: dict[str, Tool] = {
    name: made for name, made in list(globals().items())
    if name.startswith(("gradproof_", "jax_", "tensorgrad_", "sympy_"))
}
"""Every function above by its name: the tool, an underscore, the task."""
