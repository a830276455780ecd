"""Rules of JAX's in the styles of its libraries, written before anything was mended by them.

The line that makes a wrong one wrong ends with ``# planted``.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import gradproof as gp

RIGHT: list[tuple[Any, dict[str, Any]]] = []
WRONG: list[tuple[Any, dict[str, Any]]] = []
PASSES = ("logdet", "segment_sum", "causal", "horner", "cosine")
"""Right ones that were not seen proved: they were run where time ran out."""


def ruled(fun, fwd, bwd):
    made = jax.custom_vjp(fun)
    made.defvjp(fwd, bwd)
    return made


def both(fun, fwd, right, wrong=None, **inputs):
    RIGHT.append((ruled(fun, fwd, right), inputs))
    if wrong is not None:
        WRONG.append((ruled(fun, fwd, wrong), inputs))


def safe_norm(x):
    sq = jnp.sum(x * x, axis=-1, keepdims=True)
    return jnp.where(sq > 0, jnp.sqrt(jnp.where(sq > 0, sq, 1.0)), 0.0)


def safe_norm_fwd(x):
    n = safe_norm(x)
    return n, (x, n)


def safe_norm_bwd(res, g):
    x, n = res
    return (jnp.where(n > 0, x / jnp.where(n > 0, n, 1.0), 0.0) * g,)


def safe_norm_wrong(res, g):
    x, n = res
    return (jnp.where(n > 0, x / jnp.where(n > 0, n * n, 1.0), 0.0) * g,)  # planted


both(safe_norm, safe_norm_fwd, safe_norm_bwd, safe_norm_wrong, x="m n")


def huber(pred, target):
    err = pred - target
    a = jnp.abs(err)
    q = jnp.minimum(a, 1.0)
    return 0.5 * q**2 + (a - q)


both(huber, lambda p, t: (huber(p, t), p - t),
     lambda err, g: (g * jnp.clip(err, -1.0, 1.0), -g * jnp.clip(err, -1.0, 1.0)),
     lambda err, g: (g * jnp.clip(err, -1.0, 1.0), g * jnp.clip(err, -1.0, 1.0)),  # planted
     pred="m n", target="m n")


def bce(logits, labels):
    logp, lognotp = jax.nn.log_sigmoid(logits), jax.nn.log_sigmoid(-logits)
    return -labels * logp - (1.0 - labels) * lognotp


both(bce, lambda x, y: (bce(x, y), (x, y)),
     lambda res, g: (g * (jax.nn.sigmoid(res[0]) - res[1]), -g * res[0]),
     lambda res, g: (g * (jax.nn.sigmoid(res[0]) - 1), -g * res[0]),  # planted
     logits="m n", labels="m n")


def logmeanexp(x):
    return jax.nn.logsumexp(x, axis=0) - jnp.log(x.shape[0])


both(logmeanexp, lambda x: (logmeanexp(x), x),
     lambda x, g: (g * jax.nn.softmax(x, axis=0),),
     lambda x, g: (g * jax.nn.softmax(x, axis=0) / x.shape[0],),  # planted
     x="m n")


def logdet(a):
    return jnp.linalg.slogdet(a)[1]


both(logdet, lambda a: (logdet(a), a), lambda a, g: (g * jnp.linalg.inv(a).T,),
     lambda a, g: (g * jnp.linalg.inv(a),),  # planted
     a="n n")


def leapfrog(q, p, k):
    half = p - 0.05 * (q @ k)
    moved = q + 0.1 * half
    return moved, half - 0.05 * (moved @ k)


def leapfrog_fwd(q, p, k):
    half = p - 0.05 * (q @ k)
    moved = q + 0.1 * half
    return (moved, half - 0.05 * (moved @ k)), (q, moved, k)


def leapfrog_bwd(res, gs):
    q, moved, k = res
    gq, gp_ = gs
    gq = gq - 0.05 * gp_ @ k.T
    gk = -0.05 * moved.T @ gp_
    ghalf = gp_ + 0.1 * gq
    return gq - 0.05 * ghalf @ k.T, ghalf, gk - 0.05 * q.T @ ghalf


def leapfrog_wrong(res, gs):
    q, moved, k = res
    gq, gp_ = gs
    gq = gq - 0.05 * gp_ @ k.T
    gk = -0.05 * moved.T @ gp_
    ghalf = gp_ + 0.1 * gs[0]  # planted
    return gq - 0.05 * ghalf @ k.T, ghalf, gk - 0.05 * q.T @ ghalf


both(leapfrog, leapfrog_fwd, leapfrog_bwd, leapfrog_wrong, q="m n", p="m n", k="n n")


def rms(params, x):
    return x * lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + 1e-6) * (
        1 + params["scale"]) + params["bias"]


def rms_fwd(params, x):
    return rms(params, x), (params, x)


def rms_bwd(res, g):
    params, x = res
    r = lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + 1e-6)
    h = g * (1 + params["scale"])
    dx = r * (h - x * r**2 * jnp.mean(h * x, axis=-1, keepdims=True))
    return {"scale": jnp.sum(g * x * r, 0), "bias": jnp.sum(g, 0)}, dx


def rms_wrong(res, g):
    params, x = res
    r = lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + 1e-6)
    h = g * (1 + params["scale"])
    dx = r * (h - x * r * jnp.mean(h * x, axis=-1, keepdims=True))  # planted
    return {"scale": jnp.sum(g * x * r, 0), "bias": jnp.sum(g, 0)}, dx


both(rms, rms_fwd, rms_bwd, rms_wrong, params={"scale": "n", "bias": "n"}, x="m n")


def geglu(x):
    a, b = jnp.split(x, 2, axis=-1)
    return a * jax.nn.gelu(b, approximate=False)


def geglu_bwd(x, g):
    a, b = jnp.split(x, 2, axis=-1)
    cdf = 0.5 * (1 + lax.erf(b / jnp.sqrt(2.0)))
    pdf = jnp.exp(-0.5 * b * b) / jnp.sqrt(2 * jnp.pi)
    return (jnp.concatenate([g * b * cdf, g * a * (cdf + b * pdf)], axis=-1),)


def geglu_wrong(x, g):
    a, b = jnp.split(x, 2, axis=-1)
    cdf = 0.5 * (1 + lax.erf(b / jnp.sqrt(2.0)))
    pdf = jnp.exp(-0.5 * b * b) / jnp.sqrt(2 * jnp.pi)
    return (jnp.concatenate([g * a * (cdf + b * pdf), g * b * cdf], axis=-1),)  # planted


both(geglu, lambda x: (geglu(x), x), geglu_bwd, geglu_wrong, x="m 2*n")


def rope(x, cos, sin):
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def rope_bwd(res, g):
    cos, sin = res
    a, b = jnp.split(g, 2, axis=-1)
    return jnp.concatenate([a * cos + b * sin, b * cos - a * sin], axis=-1), None, None


both(rope, lambda x, cos, sin: (rope(x, cos, sin), (cos, sin)), rope_bwd,
     x="t 2*d", cos=gp.Array("t d", kind="constant"), sin=gp.Array("t d", kind="constant"))


def segment_sum(data, ids, base):
    return base.at[ids].add(data)


both(segment_sum, lambda data, ids, base: (segment_sum(data, ids, base), ids),
     lambda ids, g: (g[ids], None, g),
     data="m n", ids=gp.Array("m", kind="labels", classes="k"), base="k n")


def causal(q, k, v):
    t, d = q.shape
    s = jnp.einsum("id,jd->ij", q, k) / jnp.sqrt(d)
    s = jnp.where(jnp.tril(jnp.ones((t, t), bool)), s, -jnp.inf)
    return jax.nn.softmax(s, axis=-1) @ v


def causal_fwd(q, k, v):
    t, d = q.shape
    s = jnp.einsum("id,jd->ij", q, k) / jnp.sqrt(d)
    s = jnp.where(jnp.tril(jnp.ones((t, t), bool)), s, -jnp.inf)
    p = jax.nn.softmax(s, axis=-1)
    return p @ v, (q, k, v, p)


def causal_bwd(res, g):
    q, k, v, p = res
    dp = g @ v.T
    ds = p * (dp - jnp.sum(dp * p, axis=-1, keepdims=True)) / jnp.sqrt(q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ g


def causal_wrong(res, g):
    q, k, v, p = res
    dp = g @ v.T
    ds = p * (dp - jnp.sum(dp * p, axis=-1, keepdims=True))  # planted
    return ds @ k, ds.T @ q, p.T @ g


both(causal, causal_fwd, causal_bwd, causal_wrong, q="t d", k="t d", v="t e")


def group_norm(x, groups=2):
    m, c = x.shape
    y = x.reshape(m, groups, c // groups)
    mean = y.mean(-1, keepdims=True)
    var = y.var(-1, keepdims=True)
    return ((y - mean) * lax.rsqrt(var + 1e-5)).reshape(m, c)


def group_norm_fwd(x, groups):
    m, c = x.shape
    y = x.reshape(m, groups, c // groups)
    r = lax.rsqrt(y.var(-1, keepdims=True) + 1e-5)
    return group_norm(x, groups), ((y - y.mean(-1, keepdims=True)) * r, r)


def group_norm_bwd(groups, res, g):
    hat, r = res
    g = g.reshape(hat.shape)
    dx = r * (g - g.mean(-1, keepdims=True) - hat * (g * hat).mean(-1, keepdims=True))
    return (dx.reshape(dx.shape[0], -1),)


normalised = jax.custom_vjp(group_norm, nondiff_argnums=(1,))
normalised.defvjp(group_norm_fwd, group_norm_bwd)
RIGHT.append((normalised, {"x": "m 2*n", "groups": 2}))


def laplacian(x):
    return jnp.roll(x, 1, axis=-1) + jnp.roll(x, -1, axis=-1) - 2 * x


both(laplacian, lambda x: (laplacian(x), None), lambda _, g: (laplacian(g),), x="m n")


def horner(x, c, degree=3):
    y = c[degree] * jnp.ones_like(x)
    for i in range(degree - 1, -1, -1):
        y = y * x + c[i]
    return y


def horner_bwd(degree, res, g):
    x, c = res
    slope = degree * c[degree] * jnp.ones_like(x)
    for i in range(degree - 1, 0, -1):
        slope = slope * x + i * c[i]
    powers = jnp.stack([jnp.sum(g * x**i) for i in range(degree + 1)])
    return g * slope, powers


polynomial = jax.custom_vjp(horner, nondiff_argnums=(2,))
polynomial.defvjp(lambda x, c, degree: (horner(x, c, degree), (x, c)), horner_bwd)
RIGHT.append((polynomial, {"x": "m", "c": "4", "degree": 3}))


@jax.custom_jvp
def xlogx(x):
    return x * jnp.log(x)


xlogx.defjvps(lambda dx, _, x: dx * (jnp.log(x) + 1.0))
RIGHT.append((xlogx, {"x": gp.Array("m", kind="positive")}))


@jax.custom_jvp
def cosine(x, y):
    return jnp.sum(x * y, -1) / (jnp.linalg.norm(x, axis=-1) * jnp.linalg.norm(y, axis=-1))


@cosine.defjvp
def cosine_jvp(primals, tangents):
    (x, y), (dx, dy) = primals, tangents
    nx, ny = (jnp.linalg.norm(one, axis=-1, keepdims=True) for one in (x, y))
    u, v = x / nx, y / ny
    c = jnp.sum(u * v, axis=-1, keepdims=True)
    dot = jnp.sum((v - c * u) / nx * dx + (u - c * v) / ny * dy, axis=-1)
    return c[..., 0], dot


RIGHT.append((cosine, {"x": "m n", "y": "m n"}))


@jax.custom_jvp
def entropy(logits):
    logp = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(logp) * logp, axis=-1)


@entropy.defjvp
def entropy_wrong(primals, tangents):
    (logits,), (dot,) = primals, tangents
    logp = jax.nn.log_softmax(logits)
    p = jnp.exp(logp)
    h = entropy(logits)
    return h, -jnp.sum(p * (logp - h[..., None]) * dot, axis=-1)  # planted


WRONG.append((entropy, {"logits": "m n"}))


@jax.custom_jvp
def entropy_right(logits):
    logp = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(logp) * logp, axis=-1)


@entropy_right.defjvp
def entropy_jvp(primals, tangents):
    (logits,), (dot,) = primals, tangents
    logp = jax.nn.log_softmax(logits)
    p = jnp.exp(logp)
    h = entropy_right(logits)
    return h, -jnp.sum(p * (logp + h[..., None]) * dot, axis=-1)


RIGHT.append((entropy_right, {"logits": "m n"}))
