"""Functions that were written before anything was mended by them, in the styles of public code.

The line that makes a wrong one wrong ends with ``# planted``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

import gradproof as gp

RIGHT: list[tuple[Any, dict[str, Any]]] = []
WRONG: list[tuple[Any, dict[str, Any]]] = []
LABELS = gp.Array("m", kind="labels", classes="n")


def right(**inputs):
    def kept(function):
        RIGHT.append((function, inputs))
        return function
    return kept


def wrong(**inputs):
    def kept(function):
        WRONG.append((function, inputs))
        return function
    return kept


@right(x="m k", weight="n k", bias="n")
class LinearFunction(Function):
    @staticmethod
    def forward(x, weight, bias):
        output = x.mm(weight.t())
        output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, bias = inputs
        ctx.save_for_backward(x, weight, bias)

    @staticmethod
    def backward(ctx, grad_output):
        x, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(x)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias

@right(x="m n")
class SumAndSquare(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x.sum(-1), x * x

    @staticmethod
    def backward(ctx, g1, g2):
        (x,) = ctx.saved_tensors
        if g1 is None and g2 is None:
            return None
        out = torch.zeros_like(x)
        if g1 is not None:
            out = out + g1.unsqueeze(-1)
        if g2 is not None:
            out = out + 2 * x * g2
        return out

@right(x="m n")
class MaxWithIndex(Function):
    @staticmethod
    def forward(ctx, x):
        values, indices = x.max(dim=-1)
        ctx.save_for_backward(indices)
        ctx.mark_non_differentiable(indices)
        ctx.shape = x.shape
        return values, indices

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_values, _):
        (indices,) = ctx.saved_tensors
        grad = grad_values.new_zeros(ctx.shape)
        return grad.scatter_(-1, indices.unsqueeze(-1), grad_values.unsqueeze(-1))

@right(x="m n")
class ScaledExpInPlace(Function):
    @staticmethod
    def forward(ctx, x, scale=2.0):
        y = torch.exp(scale * x)
        ctx.scale = scale
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y * ctx.scale, None

@right(a="m n", b="m n", c="m n")
class AddN(Function):
    @staticmethod
    def forward(ctx, *args):
        ctx.n = len(args)
        total = args[0]
        for a in args[1:]:
            total = total + a
        return total

    @staticmethod
    def backward(ctx, g):
        return (g,) * ctx.n

@right(logits="m n", target=LABELS)
class CrossEntropy(Function):
    @staticmethod
    def forward(ctx, logits, target, label_smoothing=0.1):
        m = logits.max(dim=-1, keepdim=True).values
        e = (logits - m).exp()
        z = e.sum(-1, keepdim=True)
        p = e / z
        logp = logits - m - z.log()
        n = logits.size(0)
        nll = -logp[torch.arange(n), target]
        smooth = -logp.mean(-1)
        ctx.save_for_backward(p, target)
        ctx.eps = label_smoothing
        return ((1 - label_smoothing) * nll + label_smoothing * smooth).mean()

    @staticmethod
    def backward(ctx, g):
        p, target = ctx.saved_tensors
        n, c = p.shape
        grad = p.clone()
        grad[torch.arange(n), target] -= 1 - ctx.eps
        grad -= ctx.eps / c
        return grad * (g / n), None, None

@right(q="t d", k="s d", v="s d")
class Attn(Function):
    @staticmethod
    def forward(ctx, q, k, v):
        scale = 1 / math.sqrt(q.shape[-1])
        p = torch.softmax(q @ k.transpose(-2, -1) * scale, dim=-1)
        ctx.save_for_backward(q, k, v, p)
        ctx.scale = scale
        return p @ v

    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        dv = p.transpose(-2, -1) @ do
        dp = do @ v.transpose(-2, -1)
        delta = (p * dp).sum(-1, keepdim=True)
        ds = p * (dp - delta)
        return ds @ k * ctx.scale, ds.transpose(-2, -1) @ q * ctx.scale, dv

@right(A="n n", b="n")
class Solve(Function):
    @staticmethod
    def forward(ctx, A, b):
        x = torch.linalg.solve(A, b)
        ctx.save_for_backward(A, x)
        return x

    @staticmethod
    def backward(ctx, g):
        A, x = ctx.saved_tensors
        gb = torch.linalg.solve(A.t(), g)
        return -torch.outer(gb, x), gb

@torch.library.custom_op("gradproof_blind::smul", mutates_args=())
def smul(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x.sin() * y


def smul_setup(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def smul_backward(ctx, g):
    x, y = ctx.saved_tensors
    return g * x.cos() * y, g * x.sin()


smul.register_autograd(smul_backward, setup_context=smul_setup)
right(x="m n", y="m n")(smul)

@right(x="m n")
@jax.custom_jvp
def jlog1pexp(x):
    return jnp.log1p(jnp.exp(x))


@jlog1pexp.defjvp
def jvp_1(primals, tangents):
    (x,), (t,) = primals, tangents
    return jlog1pexp(x), jax.nn.sigmoid(x) * t

@right(x="m n", y="m n")
@jax.custom_jvp
def jxy(x, y):
    return jnp.sin(x) * y


jxy.defjvps(lambda x_dot, out, x, y: jnp.cos(x) * x_dot * y,
            lambda y_dot, out, x, y: jnp.sin(x) * y_dot)

@right(x="m n", w="n k")
@partial(jax.custom_vjp, nondiff_argnums=(2,))
def jdense(x, w, act="tanh"):
    z = x @ w
    return jnp.tanh(z) if act == "tanh" else jax.nn.relu(z)


def dense_fwd(x, w, act):
    y = jdense(x, w, act)
    return y, (x, w, y)


def dense_bwd(act, res, g):
    x, w, y = res
    d = g * (1 - y ** 2) if act == "tanh" else g * (y > 0)
    return d @ w.T, x.T @ d


jdense.defvjp(dense_fwd, dense_bwd)

@right(x="m n", scale="n")
@jax.custom_vjp
def jl2norm(x, scale):
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True) * scale


def norm_fwd(x, scale):
    nrm = jnp.linalg.norm(x, axis=-1, keepdims=True)
    u = x / nrm
    return jl2norm(x, scale), (u, nrm, scale)


def norm_bwd(res, g):
    u, nrm, scale = res
    gs = g * scale
    return (gs - u * jnp.sum(gs * u, -1, keepdims=True)) / nrm, jnp.sum(g * u, axis=0)


jl2norm.defvjp(norm_fwd, norm_bwd)

@right(x="m n", y="m n")
@jax.custom_vjp
def jz(x, y):
    return x * y


def product_fwd(x, y):
    return x.value * y.value, (x.value, y.value)


def product_bwd(res, g):
    x, y = res
    if isinstance(g, jax.custom_derivatives.SymbolicZero):
        return jnp.zeros_like(x), jnp.zeros_like(y)
    return g * y, g * x


jz.defvjp(product_fwd, product_bwd, symbolic_zeros=True)

@wrong(x="m k", weight="n k", bias="n")
class LinearMean(LinearFunction):
    @staticmethod
    def backward(ctx, grad_output):
        x, weight, _ = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(x)
        if ctx.needs_input_grad[2]:
            grad_bias = grad_output.mean(0)  # planted
        return grad_input, grad_weight, grad_bias

@wrong(x="m n")
class UniformOnly(Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.softmax(x, -1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        dot = (y * g).sum(0, keepdim=True)  # planted
        return y * (g - dot)

@wrong(x="m n")
class NoneCrash(SumAndSquare):
    @staticmethod
    def backward(ctx, g1, g2):
        (x,) = ctx.saved_tensors
        return g1.unsqueeze(-1) + 2 * x * g2  # planted

@wrong(x="m n")
class ViewUpstream(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        flat = g.view(-1)  # planted
        return (2 * x.reshape(-1) * flat).view(x.shape)

@wrong(x="m n")
class WritesUpstream(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g.mul_(x.cos())  # planted

@wrong(x="m n")
class ReadsMemory(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        raw = torch.as_strided(g, x.shape, (x.shape[1], 1))  # planted
        return 2 * x * raw

@wrong(x="m n")
class SavedThenWritten(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.y = y
        y.add_(1)  # planted
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.y

@wrong(x="m n", gamma="n")
class RmsEps(Function):
    @staticmethod
    def forward(ctx, x, gamma, eps=1e-3):
        r = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(x, gamma, r)
        return x * r * gamma

    @staticmethod
    def backward(ctx, dy):
        x, gamma, r = ctx.saved_tensors
        dyg = dy * gamma
        s = (dyg * x).sum(-1, keepdim=True)
        dx = r * dyg - r.pow(3) * x * s  # planted
        return dx, (dy * x * r).sum(0), None

@wrong(logits="m n", target=LABELS)
class CEForgetsUpstream(CrossEntropy):
    @staticmethod
    def backward(ctx, g):
        p, target = ctx.saved_tensors
        n, c = p.shape
        grad = p.clone()
        grad[torch.arange(n), target] -= 1 - ctx.eps
        grad -= ctx.eps / c
        return grad / n, None, None  # planted

@wrong(q="t d", k="s d", v="s d")
class AttnNoScale(Attn):
    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        dv = p.transpose(-2, -1) @ do
        dp = do @ v.transpose(-2, -1)
        delta = (p * dp).sum(-1, keepdim=True)
        ds = p * (dp - delta)
        return ds @ k, ds.transpose(-2, -1) @ q * ctx.scale, dv  # planted

@wrong(A="n n", b="n")
class SolveNoTranspose(Solve):
    @staticmethod
    def backward(ctx, g):
        A, x = ctx.saved_tensors
        gb = torch.linalg.solve(A, g)  # planted
        return -torch.outer(gb, x), gb

@wrong(x="m n")
class RoundSTE(Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, g):
        return g  # planted

@wrong(x="m n")
@jax.custom_jvp
def jsoftplus_bad(x):
    return jnp.log1p(jnp.exp(x))


@jsoftplus_bad.defjvp
def jvp_2(primals, tangents):
    (x,), (t,) = primals, tangents
    return jsoftplus_bad(x), (1 - jax.nn.sigmoid(x)) * t  # planted

@wrong(x="m n", y="m n")
@jax.custom_jvp
def jdrops(x, y):
    return jnp.sin(x) * y


@jdrops.defjvp
def jvp_3(primals, tangents):
    (x, y), (xd, yd) = primals, tangents
    return jdrops(x, y), jnp.cos(x) * xd * y + jnp.sin(y) * yd  # planted

@wrong(x="m n")
@jax.custom_vjp
def jclip(x):
    return jnp.clip(x, -1, 1)


jclip.defvjp(lambda x: (jclip(x), x), lambda x, g: (g * (jnp.abs(x) < 2),))  # planted
