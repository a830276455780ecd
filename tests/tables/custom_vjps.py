"""Functions under jax.custom_vjp as they are written in public code, right ones and wrong ones.

The line that makes a wrong one wrong ends with ``# planted``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import gradproof as gp

LABELS = gp.Array("m", kind="labels", classes="n")


@dataclass(frozen=True)
class Case:
    """A function and what it is checked on; agrees: why it is not proved."""

    name: str
    function: Any
    inputs: dict[str, Any] = field(default_factory=dict)
    agrees: str = ""


RIGHT: list[Case] = []
WRONG: list[Case] = []


def ruled(fun: Callable[..., Any], fwd: Any, bwd: Any, **options: Any) -> Any:
    made = jax.custom_vjp(fun, **options)
    made.defvjp(fwd, bwd)
    return made


def right(name: str, function: Any, agrees: str = "", **inputs: Any) -> None:
    RIGHT.append(Case(name, function, inputs, agrees))


def wrong(name: str, function: Any, **inputs: Any) -> None:
    WRONG.append(Case(name, function, inputs))


def entrywise(function: Callable[..., Any], slope: Callable[..., Any]) -> Any:
    """An activation with its slope."""
    def fun(x):
        return function(x)

    def fwd(x):
        return fun(x), x

    def bwd(x, g):
        return (g * slope(x),)

    return ruled(fun, fwd, bwd)


# --- activations --------------------------------------------------------------------------------


def swish_slope(x):
    s = jax.nn.sigmoid(x)
    return s + x * s * (1 - s)


def gelu_slope(x):
    inner = jnp.sqrt(2 / jnp.pi) * (x + 0.044715 * x**3)
    t = jnp.tanh(inner)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * jnp.sqrt(2 / jnp.pi) * (1 + 0.134145 * x**2)


def mish_slope(x):
    t = jnp.tanh(jax.nn.softplus(x))
    return t + x * (1 - t * t) * jax.nn.sigmoid(x)


right("swish", entrywise(jax.nn.silu, swish_slope), x="m n")
right("gelu", entrywise(jax.nn.gelu, gelu_slope), x="m n")
right("mish", entrywise(lambda x: x * jnp.tanh(jax.nn.softplus(x)), mish_slope), x="m n")
right("tanh", entrywise(jnp.tanh, lambda x: 1 - jnp.tanh(x) ** 2), x="m n")
right("softplus", entrywise(jax.nn.softplus, jax.nn.sigmoid), x="m n")
right("relu", entrywise(lambda x: jnp.maximum(x, 0), lambda x: jnp.where(x > 0, 1.0, 0.0)), x="m n")
right("log_cosh", entrywise(lambda x: jnp.logaddexp(x, -x) - jnp.log(2.0), jnp.tanh), x="m n")
right("log1pexp", entrywise(lambda x: jnp.log1p(jnp.exp(x)), lambda x: 1 - 1 / (1 + jnp.exp(x))),
      x="n")


@jax.custom_vjp
def gated(x, gate):
    return x * jax.nn.sigmoid(gate)


def gated_fwd(x, gate):
    return gated(x, gate), (x, jax.nn.sigmoid(gate))


def gated_bwd(res, g):
    x, s = res
    return g * s, g * x * s * (1 - s)


gated.defvjp(gated_fwd, gated_bwd)
right("gated", gated, x="m n", gate="m n")


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def powered(x, exponent=3):
    return x**exponent


powered.defvjp(lambda x, exponent: (powered(x, exponent), x),
               lambda exponent, x, g: (exponent * x ** (exponent - 1) * g,))
right("powered", powered, x="m n", exponent=4)


@jax.custom_vjp
def swiglu(x, w, v):
    return jax.nn.silu(x @ w) * (x @ v)


def swiglu_fwd(x, w, v):
    return swiglu(x, w, v), (x, w, v)


def swiglu_bwd(res, g):
    x, w, v = res
    a, b = x @ w, x @ v
    s = jax.nn.sigmoid(a)
    da = g * b * (s * (1 + a * (1 - s)))
    db = g * a * s
    return da @ w.T + db @ v.T, x.T @ da, x.T @ db


swiglu.defvjp(swiglu_fwd, swiglu_bwd)
right("swiglu", swiglu, x="m n", w="n h", v="n h")

# --- norms and products -------------------------------------------------------------------------


def normed(x, w, b):
    mu = x.mean(-1, keepdims=True)
    var = ((x - mu) ** 2).mean(-1, keepdims=True)
    r = lax.rsqrt(var + 1e-5)
    hat = (x - mu) * r
    return hat * w + b, (hat, r, w)


def layer_norm(x, w, b):
    return normed(x, w, b)[0]


def layer_norm_bwd(res, g):
    hat, r, w = res
    gx = g * w
    mean = gx.mean(-1, keepdims=True)
    along = (gx * hat).mean(-1, keepdims=True)
    return (gx - mean - hat * along) * r, (g * hat).sum(0), g.sum(0)


right("layer_norm", ruled(layer_norm, normed, layer_norm_bwd), x="m n", w="n", b="n")


def rms_norm(x, w):
    return x * lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6) * w


def rms_norm_bwd(res, g):
    x, w = res
    r = lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)
    return (r * g * w - x * r**3 * jnp.mean(g * w * x, axis=-1, keepdims=True),
            jnp.sum(g * x * r, axis=0))


right("rms_norm", ruled(rms_norm, lambda x, w: (rms_norm(x, w), (x, w)), rms_norm_bwd),
      x="m n", w="n")


def linear(x, w, b):
    return jnp.dot(x, w) + b


def linear_fwd(x, w, b):
    return linear(x, w, b), (x, w)


def linear_bwd(res, g):
    x, w = res
    return jnp.dot(g, w.T), jnp.dot(x.T, g), jnp.sum(g, axis=0)


right("linear", ruled(linear, linear_fwd, linear_bwd), x="m n", w="n k", b="k")


def batched(a, b):
    return jnp.einsum("bij,bjk->bik", a, b)


def batched_bwd(res, g):
    a, b = res
    return jnp.einsum("bik,bjk->bij", g, b), jnp.einsum("bij,bik->bjk", a, g)


right("batched", ruled(batched, lambda a, b: (batched(a, b), (a, b)), batched_bwd),
      a="s m n", b="s n k")


def softmax(x):
    e = jnp.exp(x - lax.stop_gradient(x.max(axis=-1, keepdims=True)))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_fwd(x):
    p = softmax(x)
    return p, p


def softmax_bwd(p, g):
    return (p * (g - jnp.sum(g * p, axis=-1, keepdims=True)),)


right("softmax", ruled(softmax, softmax_fwd, softmax_bwd), x="m n")


def logsumexp(x):
    return jax.nn.logsumexp(x, axis=-1)


right("logsumexp", ruled(logsumexp, lambda x: (logsumexp(x), x),
                         lambda x, g: (jax.nn.softmax(x, axis=-1) * g[:, None],)), x="m n")


def cross_entropy(logits, labels):
    logp = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(logp, labels[:, None], axis=-1).mean()


def cross_entropy_bwd(res, g):
    logits, labels = res
    hot = jax.nn.one_hot(labels, logits.shape[-1])
    return g * (jax.nn.softmax(logits) - hot) / logits.shape[0], None


right("cross_entropy", ruled(cross_entropy, lambda x, y: (cross_entropy(x, y), (x, y)),
                             cross_entropy_bwd), logits="m n", labels=LABELS)


def mse(y, t):
    return jnp.mean((y - t) ** 2)


right("mse", ruled(mse, lambda y, t: (mse(y, t), (y, t)), lambda res, g: (
    2 * g * (res[0] - res[1]) / res[0].size, -2 * g * (res[0] - res[1]) / res[0].size)),
      y="m n", t="m n")


def attention(q, k, v):
    return jax.nn.softmax(q @ k.T / jnp.sqrt(q.shape[-1])) @ v


def attention_fwd(q, k, v):
    return attention(q, k, v), (q, k, v)


def attention_bwd(res, g):
    q, k, v = res
    scale = 1 / jnp.sqrt(q.shape[-1])
    p = jax.nn.softmax(q @ k.T * scale)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) * scale
    return ds @ k, ds.T @ q, p.T @ g


right("attention", ruled(attention, attention_fwd, attention_bwd), q="m d", k="t d", v="t e")

# --- places, trees, several outputs, loops ------------------------------------------------------


def embedding(table, places):
    return table[places]


right("embedding", ruled(
    embedding, lambda table, places: (table[places], (table, places)),
    lambda res, g: (jnp.zeros_like(res[0]).at[res[1]].add(g), None)),
      table="n d", places=LABELS)


def pair(x, y):
    return x * y, x + y


right("pair", ruled(pair, lambda x, y: (pair(x, y), (x, y)),
                    lambda res, g: (g[0] * res[1] + g[1], g[0] * res[0] + g[1])),
      x="m n", y="m n")


def shifted(x):
    return x.at[0].set(0.0).at[1:].multiply(2.0)


right("shifted", ruled(shifted, lambda x: (shifted(x), None),
                       lambda res, g: ((2 * g).at[0].set(0.0),)), x="3 n")


def rotate(x, angle):
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([a * jnp.cos(angle) - b * jnp.sin(angle),
                            a * jnp.sin(angle) + b * jnp.cos(angle)], axis=-1)


def rotate_bwd(angle, g):
    return rotate(g, -angle), jnp.zeros_like(angle)


def rotary(x):
    return rotate(x, 0.3)


right("rotary", ruled(rotary, lambda x: (rotary(x), None),
                      lambda res, g: (rotate(g, -0.3),)), x="m 2*k")


def recurrent(x, a):
    def step(h, now):
        h = a * h + now
        return h, h

    return lax.scan(step, jnp.zeros_like(x[0]), x)[1]


def recurrent_fwd(x, a):
    h = recurrent(x, a)
    return h, (a, h)


def recurrent_bwd(res, g):
    a, h = res

    def step(carry, now):
        carry = now + a * carry
        return carry, carry

    dh = lax.scan(step, jnp.zeros_like(g[0]), g, reverse=True)[1]
    before = jnp.concatenate([jnp.zeros_like(h[:1]), h[:-1]])
    return dh, (dh * before).sum(0)


right("recurrent", ruled(recurrent, recurrent_fwd, recurrent_bwd), x="4 n", a="n")


def solved(a, b):
    return jnp.linalg.solve(a, b)


def solved_bwd(res, g):
    a, y = res
    db = jnp.linalg.solve(a.T, g)
    return -jnp.outer(db, y), db


right("solved", ruled(solved, lambda a, b: (lambda y: (y, (a, y)))(solved(a, b)), solved_bwd),
      a="n n", b="n")

# --- wrong ones ---------------------------------------------------------------------------------


def swish_wrong(x):
    s = jax.nn.sigmoid(x)
    return s + x * (1 - s)  # planted


def tanh_wrong(x):
    t = jnp.tanh(x)
    return 1 - t  # planted


def gelu_wrong(x):
    t = jnp.tanh(jnp.sqrt(2 / jnp.pi) * (x + 0.044715 * x**3))
    return 0.5 * (1 + t)  # planted


wrong("swish_wrong", entrywise(jax.nn.silu, swish_wrong), x="m n")
wrong("tanh_wrong", entrywise(jnp.tanh, tanh_wrong), x="m n")
wrong("gelu_wrong", entrywise(jax.nn.gelu, gelu_wrong), x="m n")


def gated_swapped(res, g):
    _, s = res
    dx = g * s
    dgate = g * s * (1 - s)  # planted
    return dx, dgate


wrong("gated_wrong", ruled(gated.fun, gated_fwd, gated_swapped), x="m n", gate="m n")


def layer_norm_wrong(res, g):
    hat, r, w = res
    gx = g * w
    along = (gx * hat).mean(-1, keepdims=True)
    dx = (gx - hat * along) * r  # planted
    return dx, (g * hat).sum(0), g.sum(0)


wrong("layer_norm_wrong", ruled(layer_norm, normed, layer_norm_wrong), x="m n", w="n", b="n")


def rms_norm_wrong(res, g):
    x, w = res
    r = lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)
    dx = r * g * w - x * r**2 * jnp.mean(g * w * x, axis=-1, keepdims=True)  # planted
    return dx, jnp.sum(g * x * r, axis=0)


wrong("rms_norm_wrong", ruled(rms_norm, lambda x, w: (rms_norm(x, w), (x, w)), rms_norm_wrong),
      x="m n", w="n")


def linear_wrong(res, g):
    x, w = res
    db = jnp.mean(g, axis=0)  # planted
    return g @ w.T, x.T @ g, db


wrong("linear_wrong", ruled(linear, linear_fwd, linear_wrong), x="m n", w="n k", b="k")


def batched_wrong(res, g):
    a, b = res
    da = jnp.einsum("bij,bkj->bik", g, b)
    db = jnp.einsum("bij,bik->bjk", 2 * a, g)  # planted
    return da, db


wrong("batched_wrong", ruled(batched, lambda a, b: (batched(a, b), (a, b)), batched_wrong),
      a="s m n", b="s n k")


def softmax_wrong(p, g):
    inner = jnp.sum(g, axis=-1, keepdims=True)  # planted
    return (p * (g - inner * p),)


wrong("softmax_wrong", ruled(softmax, softmax_fwd, softmax_wrong), x="m n")


def logsumexp_wrong(x, g):
    p = jax.nn.softmax(x, axis=0)  # planted
    return (p * g[:, None],)


wrong("logsumexp_wrong", ruled(logsumexp, lambda x: (logsumexp(x), x), logsumexp_wrong), x="m n")


def cross_entropy_wrong(res, g):
    logits, labels = res
    hot = jax.nn.one_hot(labels, logits.shape[-1])
    dx = g * (jax.nn.softmax(logits) - hot)  # planted
    return dx, None


wrong("cross_entropy_wrong", ruled(cross_entropy, lambda x, y: (cross_entropy(x, y), (x, y)),
                                   cross_entropy_wrong), logits="m n", labels=LABELS)


def attention_wrong(res, g):
    q, k, v = res
    scale = 1 / jnp.sqrt(q.shape[-1])
    p = jax.nn.softmax(q @ k.T * scale)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))  # planted
    return ds @ k, ds.T @ q, p.T @ g


wrong("attention_wrong", ruled(attention, attention_fwd, attention_wrong), q="m d", k="t d",
      v="t e")


def embedding_wrong(res, g):
    table, places = res
    made = jnp.zeros_like(table).at[places].set(g)  # planted
    return made, None


wrong("embedding_wrong", ruled(embedding, lambda table, places: (table[places], (table, places)),
                               embedding_wrong), table="n d", places=LABELS)


def pair_wrong(res, g):
    x, y = res
    dx = g[0] * y
    dy = g[0] * x + g[1]
    return dx, dy  # planted


wrong("pair_wrong", ruled(pair, lambda x, y: (pair(x, y), (x, y)), pair_wrong), x="m n", y="m n")


def straight_through(x):
    return jnp.round(x)


wrong("straight_through", ruled(straight_through, lambda x: (jnp.round(x), None),
                                lambda res, g: (g,)), x="m n")  # planted
wrong("reversed", ruled(lambda x: 1.0 * x, lambda x: (1.0 * x, None),
                        lambda res, g: (-g,)), x="m n")  # planted
