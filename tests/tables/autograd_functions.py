"""Autograd functions of PyTorch as they are written in public code, right ones and wrong ones.

The line that makes a wrong one wrong ends with ``# planted``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch.autograd import Function

import gradproof as gp

LABELS = gp.Array("m", kind="labels", classes="n")


@dataclass(frozen=True)
class Case:
    """A function, what it is checked on, and what is said of it.

    agrees: why it is not proved.  elsewhere: why another line than the planted one is named; cause:
    what is said of it then.
    """

    function: Any
    inputs: dict[str, Any] = field(default_factory=dict)
    agrees: str = ""
    elsewhere: str = ""
    cause: str = ""

    @property
    def name(self) -> str:
        return str(self.function.__name__)


# --- activations --------------------------------------------------------------------------------


class Swish(Function):
    @staticmethod
    def forward(ctx, x):
        result = x * torch.sigmoid(x)
        ctx.save_for_backward(x)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        x = ctx.saved_tensors[0]
        sigmoid_x = torch.sigmoid(x)
        return grad_output * (sigmoid_x * (1 + x * (1 - sigmoid_x)))


class MishFunction(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.mul(torch.tanh(F.softplus(x)))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        x_sigmoid = torch.sigmoid(x)
        x_tanh_sp = F.softplus(x).tanh()
        return grad_output.mul(x_tanh_sp + x * x_sigmoid * (1 - x_tanh_sp * x_tanh_sp))


class GeluErf(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input * 0.5 * (1.0 + torch.erf(input / math.sqrt(2.0)))

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        cdf = 0.5 * (1.0 + torch.erf(input / math.sqrt(2.0)))
        pdf = torch.exp(-0.5 * input * input) / math.sqrt(2.0 * math.pi)
        return grad_output * (cdf + input * pdf)


class GeluTanh(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 0.5 * (1.0 + torch.tanh(0.79788456 * x * (1 + 0.044715 * x * x)))

    @staticmethod
    def backward(ctx, g):
        x = ctx.saved_tensors[0]
        tanh_out = torch.tanh(0.79788456 * x * (1 + 0.044715 * x * x))
        inner = 0.79788456 + 3 * 0.79788456 * 0.044715 * x * x
        ff = 0.5 * x * ((1 - tanh_out * tanh_out) * inner) + 0.5 * (1 + tanh_out)
        return ff * g


class GeluTanhFactored(Function):
    """Whose numbers meet tensors one at a time, so that none is rounded before."""

    @staticmethod
    def forward(ctx, x):
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)
        ctx.save_for_backward(x, inner)
        return 0.5 * x * (1 + torch.tanh(inner))

    @staticmethod
    def backward(ctx, grad_output):
        x, inner = ctx.saved_tensors
        t = torch.tanh(inner)
        d_inner = math.sqrt(2 / math.pi) * (1 + x ** 2 * 3 * 0.044715)
        return grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t ** 2) * d_inner)


class Softplus(Function):
    @staticmethod
    def forward(ctx, x, beta):
        ctx.beta = beta
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(beta * x)) / beta

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_x = grad_output * torch.sigmoid(ctx.beta * x)
        return grad_x, None


class Elu(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        out = torch.where(x > 0, x, alpha * (torch.exp(x) - 1))
        ctx.save_for_backward(x, out)
        ctx.alpha = alpha
        return out

    @staticmethod
    def backward(ctx, grad_output):
        x, out = ctx.saved_tensors
        slope = torch.where(x > 0, torch.ones_like(x), out + ctx.alpha)
        return grad_output * slope, None


class HardSwish(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.clamp(x + 3, 0, 6) / 6

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_input = torch.where(x >= 3, grad_output, grad_output * (x / 3 + 0.5))
        grad_input = grad_input.masked_fill(x <= -3, 0.0)
        return grad_input


class QuickGelu(Function):
    @staticmethod
    def forward(ctx, x):
        gate = torch.sigmoid(1.702 * x)
        ctx.save_for_backward(x, gate)
        return x * gate

    @staticmethod
    def backward(ctx, dy):
        x, gate = ctx.saved_tensors
        dgate = 1.702 * gate * (1 - gate)
        return dy * (gate + x * dgate)


class SquaredRelu(Function):
    @staticmethod
    def forward(ctx, input):
        r = input.clamp(min=0)
        ctx.save_for_backward(r)
        return r.pow(2)

    @staticmethod
    def backward(ctx, grad_output):
        (r,) = ctx.saved_tensors
        return 2 * grad_output * r


class ReluInPlaceMask(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


class LeakyRelu(Function):
    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        return torch.where(x > 0, x, slope * x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_x = None
        if ctx.needs_input_grad[0]:
            mask = (x > 0).to(grad_output.dtype)
            grad_x = grad_output * (mask + ctx.slope * (1 - mask))
        return grad_x, None


class ClampFunction(Function):
    @staticmethod
    def forward(ctx, x, low, high):
        ctx.save_for_backward(x)
        ctx.low, ctx.high = low, high
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        inside = (x >= ctx.low) & (x <= ctx.high)
        return grad_output * inside, None, None


class ExpSetup(Function):
    @staticmethod
    def forward(x):
        return x.exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result


# --- gated units --------------------------------------------------------------------------------


class Glu(Function):
    @staticmethod
    def forward(ctx, x):
        a, b = x.chunk(2, dim=-1)
        gate = torch.sigmoid(b)
        ctx.save_for_backward(a, gate)
        return a * gate

    @staticmethod
    def backward(ctx, grad_output):
        a, gate = ctx.saved_tensors
        grad_a = grad_output * gate
        grad_b = grad_output * a * gate * (1 - gate)
        return torch.cat([grad_a, grad_b], dim=-1)


class SwiGlu(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return F.silu(a) * b

    @staticmethod
    def backward(ctx, dc):
        a, b = ctx.saved_tensors
        sig_a = torch.sigmoid(a)
        silu_a = a * sig_a
        db = dc * silu_a
        da = dc * (silu_a * (1 - sig_a) + sig_a) * b
        return da, db


class GeGlu(Function):
    @staticmethod
    def forward(ctx, gate, up):
        ctx.save_for_backward(gate, up)
        return F.gelu(gate) * up

    @staticmethod
    def backward(ctx, grad_output):
        gate, up = ctx.saved_tensors
        cdf = 0.5 * (1 + torch.erf(gate * 0.5 ** 0.5))
        pdf = torch.exp(-gate.pow(2) / 2) / (2 * math.pi) ** 0.5
        grad_up = grad_output * gate * cdf
        grad_gate = grad_output * up * (cdf + gate * pdf)
        return grad_gate, grad_up


class ScaleShift(Function):
    """Written in place into a tensor of its own."""

    @staticmethod
    def forward(ctx, x, scale, shift):
        ctx.save_for_backward(x, scale)
        out = x.clone()
        out.mul_(scale)
        out += shift
        return out

    @staticmethod
    def backward(ctx, grad_output):
        x, scale = ctx.saved_tensors
        grad_x = grad_output * scale
        grad_scale = (grad_output * x).sum(dim=0)
        grad_shift = grad_output.sum(dim=0)
        return grad_x, grad_scale, grad_shift


class MulAdd(Function):
    """PyTorch's tutorial on custom operators, with a number."""

    @staticmethod
    def forward(ctx, a, b, c):
        ctx.save_for_backward(a, b)
        ctx.c = c
        return a * b + c

    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        grad_a, grad_b = None, None
        if ctx.needs_input_grad[0]:
            grad_a = grad * b
        if ctx.needs_input_grad[1]:
            grad_b = grad * a
        return grad_a, grad_b, None


class LegendrePolynomial3(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)


# --- norms --------------------------------------------------------------------------------------


class LayerNorm(Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        ctx.eps = eps
        mu = x.mean(-1, keepdim=True)
        var = (x - mu).pow(2).mean(-1, keepdim=True)
        y = (x - mu) / (var + eps).sqrt()
        ctx.save_for_backward(y, var, weight)
        return weight * y + bias

    @staticmethod
    def backward(ctx, grad_output):
        y, var, weight = ctx.saved_tensors
        g = grad_output * weight
        mean_g = g.mean(dim=-1, keepdim=True)
        mean_gy = (g * y).mean(dim=-1, keepdim=True)
        gx = 1.0 / torch.sqrt(var + ctx.eps) * (g - y * mean_gy - mean_g)
        return gx, (grad_output * y).sum(dim=0), grad_output.sum(dim=0), None


class LayerNorm2d(Function):
    """Over the channels of images (NAFNet)."""

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        ctx.eps = eps
        _, C, _, _ = x.size()
        mu = x.mean(1, keepdim=True)
        var = (x - mu).pow(2).mean(1, keepdim=True)
        y = (x - mu) / (var + eps).sqrt()
        ctx.save_for_backward(y, var, weight)
        y = weight.view(1, C, 1, 1) * y + bias.view(1, C, 1, 1)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        eps = ctx.eps
        _, C, _, _ = grad_output.size()
        y, var, weight = ctx.saved_tensors
        g = grad_output * weight.view(1, C, 1, 1)
        mean_g = g.mean(dim=1, keepdim=True)
        mean_gy = (g * y).mean(dim=1, keepdim=True)
        gx = 1. / torch.sqrt(var + eps) * (g - y * mean_gy - mean_g)
        return gx, (grad_output * y).sum(dim=3).sum(dim=2).sum(dim=0), grad_output.sum(
            dim=3).sum(dim=2).sum(dim=0), None


class RmsNorm(Function):
    @staticmethod
    def forward(ctx, X, W, eps):
        n_cols = X.shape[-1]
        rstd = torch.rsqrt(X.pow(2).sum(-1, keepdim=True) / n_cols + eps)
        ctx.save_for_backward(X, W, rstd)
        return X * rstd * W

    @staticmethod
    def backward(ctx, dY):
        X, W, rstd = ctx.saved_tensors
        n_cols = X.shape[-1]
        m = dY * W
        dX = rstd * m
        dX += rstd * (-(1 / n_cols) * rstd * rstd * (m * X).sum(-1, keepdim=True) * X)
        dW = torch.sum(dY * X * rstd, dim=0)
        return dX, dW, None


class GroupNorm(Function):
    """Two groups."""

    @staticmethod
    def forward(ctx, x, eps):
        b, c, length = x.shape
        grouped = x.reshape(b, 2, c // 2, length)
        mean = grouped.mean(dim=(2, 3), keepdim=True)
        var = grouped.var(dim=(2, 3), unbiased=False, keepdim=True)
        inv = torch.rsqrt(var + eps)
        x_hat = (grouped - mean) * inv
        ctx.save_for_backward(x_hat, inv)
        return x_hat.reshape(b, c, length)

    @staticmethod
    def backward(ctx, grad_output):
        x_hat, inv = ctx.saved_tensors
        dy = grad_output.reshape(x_hat.shape)
        mean_dy = dy.mean(dim=(2, 3), keepdim=True)
        mean_dyx = (dy * x_hat).mean(dim=(2, 3), keepdim=True)
        dx = inv * (dy - mean_dy - x_hat * mean_dyx)
        return dx.reshape(grad_output.shape), None


class BatchNorm(Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        mean = x.mean(dim=0)
        var = x.var(dim=0, unbiased=False)
        inv_std = 1.0 / torch.sqrt(var + eps)
        x_hat = (x - mean) * inv_std
        ctx.save_for_backward(x_hat, gamma, inv_std)
        return gamma * x_hat + beta

    @staticmethod
    def backward(ctx, grad_output):
        x_hat, gamma, inv_std = ctx.saved_tensors
        N = grad_output.shape[0]
        grad_beta = grad_output.sum(dim=0)
        grad_gamma = (grad_output * x_hat).sum(dim=0)
        dx_hat = grad_output * gamma
        grad_x = inv_std / N * (
            N * dx_hat - dx_hat.sum(dim=0) - x_hat * (dx_hat * x_hat).sum(dim=0))
        return grad_x, grad_gamma, grad_beta, None


class L2Normalise(Function):
    @staticmethod
    def forward(ctx, x, eps):
        norm = torch.sqrt((x * x).sum(dim=1, keepdim=True) + eps)
        y = x / norm
        ctx.save_for_backward(y, norm)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        y, norm = ctx.saved_tensors
        inner = (grad_output * y).sum(dim=1, keepdim=True)
        return (grad_output - y * inner) / norm, None


class CosineSimilarity(Function):
    @staticmethod
    def forward(ctx, a, b):
        na = a.norm(dim=-1, keepdim=True)
        nb = b.norm(dim=-1, keepdim=True)
        cos = (a * b).sum(-1, keepdim=True) / (na * nb)
        ctx.save_for_backward(a, b, na, nb, cos)
        return cos.squeeze(-1)

    @staticmethod
    def backward(ctx, grad_output):
        a, b, na, nb, cos = ctx.saved_tensors
        g = grad_output.unsqueeze(-1)
        grad_a = g * (b / (na * nb) - cos * a / na.pow(2))
        grad_b = g * (a / (na * nb) - cos * b / nb.pow(2))
        return grad_a, grad_b


# --- softmax and losses -------------------------------------------------------------------------


class Softmax(Function):
    @staticmethod
    def forward(ctx, x):
        exps = torch.exp(x - x.amax(dim=-1, keepdim=True))
        output = exps / exps.sum(dim=-1, keepdim=True)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        (output,) = ctx.saved_tensors
        inner = (grad_output * output).sum(dim=-1, keepdim=True)
        return output * (grad_output - inner)


class LogSoftmax(Function):
    @staticmethod
    def forward(ctx, x):
        output = x - torch.logsumexp(x, dim=-1, keepdim=True)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        (output,) = ctx.saved_tensors
        return grad_output - output.exp() * grad_output.sum(dim=-1, keepdim=True)


class LogSumExp(Function):
    @staticmethod
    def forward(ctx, x):
        top = x.max(dim=1, keepdim=True).values
        out = (x - top).exp().sum(dim=1).log() + top.squeeze(1)
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx, grad_output):
        x, out = ctx.saved_tensors
        return grad_output.unsqueeze(1) * torch.exp(x - out.unsqueeze(1))


class CrossEntropyMean(Function):
    @staticmethod
    def forward(ctx, logits, target):
        log_probs = F.log_softmax(logits, dim=1)
        loss = F.nll_loss(log_probs, target)
        ctx.save_for_backward(log_probs, target)
        return loss

    @staticmethod
    def backward(ctx, grad_output):
        log_probs, target = ctx.saved_tensors
        grad = log_probs.exp()
        grad[torch.arange(grad.shape[0]), target] -= 1
        grad = grad / grad.shape[0]
        return grad * grad_output, None


class CrossEntropySum(Function):
    @staticmethod
    def forward(ctx, logits, target):
        probs = torch.softmax(logits, dim=-1)
        ctx.save_for_backward(probs, target)
        picked = probs.gather(1, target.unsqueeze(1))
        return -torch.log(picked).sum()

    @staticmethod
    def backward(ctx, grad_output):
        probs, target = ctx.saved_tensors
        one_hot = F.one_hot(target, probs.size(1)).to(probs.dtype)
        return grad_output * (probs - one_hot), None


class CrossEntropyNone(Function):
    @staticmethod
    def forward(ctx, logits, target):
        rows = torch.arange(logits.size(0))
        lse = torch.logsumexp(logits, dim=-1)
        ctx.save_for_backward(logits, lse, target)
        return lse - logits[rows, target]

    @staticmethod
    def backward(ctx, dloss):
        logits, lse, target = ctx.saved_tensors
        rows = torch.arange(logits.size(0))
        dlogits = torch.exp(logits - lse.unsqueeze(-1))
        dlogits[rows, target] -= 1.0
        dlogits = dlogits * dloss.unsqueeze(-1)
        return dlogits, None


class NllLoss(Function):
    @staticmethod
    def forward(ctx, log_probs, target):
        ctx.save_for_backward(log_probs, target)
        picked = log_probs.gather(1, target.view(-1, 1)).squeeze(1)
        return -picked.mean()

    @staticmethod
    def backward(ctx, grad_output):
        log_probs, target = ctx.saved_tensors
        n = log_probs.shape[0]
        grad = torch.zeros_like(log_probs)
        grad.scatter_(1, target.view(-1, 1), -1.0 / n)
        return grad * grad_output, None


class LabelSmoothing(Function):
    @staticmethod
    def forward(ctx, logits, labels, smoothing):
        num_classes = logits.size(1)
        log_probs = F.log_softmax(logits, dim=1)
        target = torch.full_like(log_probs, 0.0) + smoothing / num_classes
        target = target + (1 - smoothing) * F.one_hot(labels, num_classes)
        ctx.save_for_backward(log_probs, target)
        return -(target * log_probs).sum(dim=1)

    @staticmethod
    def backward(ctx, grad_output):
        log_probs, target = ctx.saved_tensors
        grad = log_probs.exp() - target
        return grad * grad_output.unsqueeze(1), None, None


class MseLoss(Function):
    @staticmethod
    def forward(ctx, y_pred, y):
        ctx.save_for_backward(y_pred, y)
        return ((y_pred - y) ** 2).mean()

    @staticmethod
    def backward(ctx, grad_output):
        y_pred, y = ctx.saved_tensors
        grad_input = 2 * (y_pred - y) / y_pred.numel()
        return grad_output * grad_input, -grad_output * grad_input


class HuberLoss(Function):
    @staticmethod
    def forward(ctx, pred, target, delta):
        diff = pred - target
        ctx.save_for_backward(diff)
        ctx.delta = delta
        small = diff.abs() <= delta
        loss = torch.where(small, 0.5 * diff ** 2, delta * (diff.abs() - 0.5 * delta))
        return loss.sum()

    @staticmethod
    def backward(ctx, grad_output):
        (diff,) = ctx.saved_tensors
        grad = torch.clamp(diff, -ctx.delta, ctx.delta) * grad_output
        return grad, -grad, None


class BceWithLogits(Function):
    @staticmethod
    def forward(ctx, logits, targets):
        ctx.save_for_backward(logits, targets)
        return F.binary_cross_entropy_with_logits(logits, targets)

    @staticmethod
    def backward(ctx, grad_output):
        logits, targets = ctx.saved_tensors
        grad_logits = (torch.sigmoid(logits) - targets) / logits.numel()
        grad_targets = -logits / logits.numel()
        return grad_output * grad_logits, grad_output * grad_targets


# --- attention ----------------------------------------------------------------------------------


class Attention(Function):
    @staticmethod
    def forward(ctx, q, k, v):
        scale = q.size(-1) ** -0.5
        scores = torch.matmul(q, k.transpose(-2, -1)) * scale
        p = torch.softmax(scores, dim=-1)
        ctx.save_for_backward(q, k, v, p)
        ctx.scale = scale
        return torch.matmul(p, v)

    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        dv = torch.matmul(p.transpose(-2, -1), do)
        dp = torch.matmul(do, v.transpose(-2, -1))
        delta = (dp * p).sum(dim=-1, keepdim=True)
        ds = p * (dp - delta) * ctx.scale
        dq = torch.matmul(ds, k)
        dk = torch.matmul(ds.transpose(-2, -1), q)
        return dq, dk, dv


class FlashAttentionReference(Function):
    """With the sums of exponentials, and delta by the output (FlashAttention-2)."""

    @staticmethod
    def forward(ctx, q, k, v, sm_scale):
        s = torch.einsum("bhqd,bhkd->bhqk", q, k) * sm_scale
        lse = torch.logsumexp(s, dim=-1, keepdim=True)
        o = torch.einsum("bhqk,bhkd->bhqd", torch.exp(s - lse), v)
        ctx.save_for_backward(q, k, v, o, lse)
        ctx.sm_scale = sm_scale
        return o

    @staticmethod
    def backward(ctx, do):
        q, k, v, o, lse = ctx.saved_tensors
        s = torch.einsum("bhqd,bhkd->bhqk", q, k) * ctx.sm_scale
        p = torch.exp(s - lse)
        delta = (do * o).sum(dim=-1, keepdim=True)
        dv = torch.einsum("bhqk,bhqd->bhkd", p, do)
        dp = torch.einsum("bhqd,bhkd->bhqk", do, v)
        ds = p * (dp - delta) * ctx.sm_scale
        dq = torch.einsum("bhqk,bhkd->bhqd", ds, k)
        dk = torch.einsum("bhqk,bhqd->bhkd", ds, q)
        return dq, dk, dv, None


def rotate_half(x):
    x1, x2 = x.chunk(2, dim=-1)
    return torch.cat((-x2, x1), dim=-1)


class Rotary(Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        x1, x2 = x.chunk(2, dim=-1)
        return torch.cat([x1 * cos - x2 * sin, x1 * sin + x2 * cos], dim=-1)

    @staticmethod
    def backward(ctx, grad):
        cos, sin = ctx.saved_tensors
        g1, g2 = grad.chunk(2, dim=-1)
        return torch.cat([g1 * cos + g2 * sin, g2 * cos - g1 * sin], dim=-1), None, None


class RotateHalf(Function):
    @staticmethod
    def forward(ctx, x):
        return rotate_half(x)

    @staticmethod
    def backward(ctx, grad):
        return -rotate_half(grad)


class Embedding(Function):
    @staticmethod
    def forward(ctx, weight, indices):
        ctx.save_for_backward(indices)
        ctx.num_embeddings = weight.size(0)
        return weight[indices]

    @staticmethod
    def backward(ctx, grad_output):
        (indices,) = ctx.saved_tensors
        grad_weight = grad_output.new_zeros(ctx.num_embeddings, grad_output.size(1))
        grad_weight.index_add_(0, indices, grad_output)
        return grad_weight, None


# --- products -----------------------------------------------------------------------------------


class LinearFunction(Function):
    """PyTorch's notes on extending it."""

    @staticmethod
    def forward(input, weight, bias):
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def setup_context(ctx, inputs, output):
        input, weight, bias = inputs
        ctx.save_for_backward(input, weight, bias)

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class Linear3d(Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        grad_x = grad_output @ weight
        flat_grad = grad_output.reshape(-1, grad_output.shape[-1])
        flat_x = x.reshape(-1, x.shape[-1])
        grad_weight = flat_grad.t() @ flat_x
        grad_bias = flat_grad.sum(dim=0)
        return grad_x, grad_weight, grad_bias


class Bilinear(Function):
    @staticmethod
    def forward(ctx, x, w, y):
        ctx.save_for_backward(x, w, y)
        return torch.einsum("bi,oij,bj->bo", x, w, y)

    @staticmethod
    def backward(ctx, g):
        x, w, y = ctx.saved_tensors
        gx = torch.einsum("bo,oij,bj->bi", g, w, y)
        gw = torch.einsum("bo,bi,bj->oij", g, x, y)
        gy = torch.einsum("bo,oij,bi->bj", g, w, x)
        return gx, gw, gy


class Conv1d(Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        windows = x.unfold(2, weight.shape[2], 1)
        ctx.save_for_backward(windows, weight)
        return torch.einsum("nclk,ock->nol", windows, weight) + bias.view(1, -1, 1)

    @staticmethod
    def backward(ctx, grad_output):
        windows, weight = ctx.saved_tensors
        length, taps = grad_output.shape[2], weight.shape[2]
        grad_weight = torch.einsum("nol,nclk->ock", grad_output, windows)
        grad_bias = grad_output.sum(dim=(0, 2))
        grad_x = grad_output.new_zeros(
            grad_output.shape[0], weight.shape[1], length + taps - 1)
        for k in range(taps):
            grad_x[:, :, k : k + length] += torch.einsum(
                "nol,oc->ncl", grad_output, weight[:, :, k])
        return grad_x, grad_weight, grad_bias


class Conv1dByTaps(Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return F.conv1d(x, weight, bias)

    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        length = grad_output.shape[2]
        grad_x = torch.zeros_like(x)
        grad_weight = torch.zeros_like(weight)
        for k in range(weight.shape[2]):
            window = x[:, :, k : k + length]
            grad_weight[:, :, k] = torch.einsum("nol,ncl->oc", grad_output, window)
            grad_x[:, :, k : k + length] += torch.einsum(
                "nol,oc->ncl", grad_output, weight[:, :, k])
        return grad_x, grad_weight, grad_output.sum(dim=(0, 2))


class MatmulTransposed(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a.t() @ b.t()

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        grad_a = (g @ b).t()
        grad_b = g.t() @ a.t()
        return grad_a, grad_b


class LoraLinear(Function):
    @staticmethod
    def forward(ctx, x, w, a, b, scaling):
        ctx.save_for_backward(x, w, a, b)
        ctx.scaling = scaling
        return x @ w.t() + scaling * (x @ a.t()) @ b.t()

    @staticmethod
    def backward(ctx, grad_output):
        x, w, a, b = ctx.saved_tensors
        grad_hidden = ctx.scaling * (grad_output @ b)
        grad_x = grad_output @ w + grad_hidden @ a
        grad_w = grad_output.t() @ x
        grad_a = grad_hidden.t() @ x
        grad_b = ctx.scaling * grad_output.t() @ (x @ a.t())
        return grad_x, grad_w, grad_a, grad_b, None


class Inverse(Function):
    @staticmethod
    def forward(ctx, a):
        inv = torch.inverse(a)
        ctx.save_for_backward(inv)
        return inv

    @staticmethod
    def backward(ctx, grad_output):
        (inv,) = ctx.saved_tensors
        return -inv.t() @ grad_output @ inv.t()


class Solve(Function):
    @staticmethod
    def forward(ctx, a, b):
        x = torch.linalg.solve(a, b)
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx, grad_output):
        a, x = ctx.saved_tensors
        grad_b = torch.linalg.solve(a.t(), grad_output)
        grad_a = -grad_b @ x.t()
        return grad_a, grad_b


class LogDet(Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return torch.linalg.slogdet(a)[1]

    @staticmethod
    def backward(ctx, grad_output):
        (a,) = ctx.saved_tensors
        return grad_output * torch.inverse(a).t()


# --- sums and writes ----------------------------------------------------------------------------


class CumSum(Function):
    @staticmethod
    def forward(ctx, x):
        return x.cumsum(dim=1)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.flip(1).cumsum(dim=1).flip(1)


class RowMax(Function):
    @staticmethod
    def forward(ctx, x):
        out, index = x.max(dim=1, keepdim=True)
        ctx.save_for_backward(index)
        ctx.shape = x.shape
        return out

    @staticmethod
    def backward(ctx, grad_output):
        (index,) = ctx.saved_tensors
        grad_input = torch.zeros(ctx.shape, dtype=grad_output.dtype)
        grad_input.scatter_(1, index, grad_output)
        return grad_input


class Differences(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x[:, 1:] - x[:, :-1]

    @staticmethod
    def backward(ctx, grad_output):
        grad_x = torch.zeros(ctx.shape)
        grad_x[:, 1:] += grad_output
        grad_x[:, :-1] -= grad_output
        return grad_x


class MomentsFunction(Function):
    @staticmethod
    def forward(ctx, x):
        mean = x.mean(dim=1)
        centred = x - mean.unsqueeze(1)
        ctx.save_for_backward(centred)
        return mean, (centred ** 2).mean(dim=1)

    @staticmethod
    def backward(ctx, grad_mean, grad_var):
        (centred,) = ctx.saved_tensors
        n = centred.shape[1]
        from_mean = (grad_mean / n).unsqueeze(1)
        from_var = 2.0 / n * centred * grad_var.unsqueeze(1)
        return from_mean + from_var


class LstmCell(Function):
    """The pointwise part of a cell, from the gates before their nonlinearities."""

    @staticmethod
    def forward(ctx, gates, c):
        i, f, o, u = gates.chunk(4, dim=1)
        i, f, o, u = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o), torch.tanh(u)
        new_c = f * c + i * u
        tanh_c = torch.tanh(new_c)
        ctx.save_for_backward(i, f, o, u, c, tanh_c)
        return o * tanh_c, new_c

    @staticmethod
    def backward(ctx, grad_h, grad_c):
        i, f, o, u, c, tanh_c = ctx.saved_tensors
        d_o = tanh_c * grad_h
        d_c = o * grad_h * (1 - tanh_c ** 2) + grad_c
        d_gates = torch.cat([d_c * u * i * (1 - i), d_c * c * f * (1 - f),
                             d_o * o * (1 - o), d_c * i * (1 - u ** 2)], dim=1)
        return d_gates, d_c * f


class ResidualTanh(Function):
    @staticmethod
    def forward(ctx, x, w):
        h = torch.tanh(x @ w)
        ctx.save_for_backward(x, w, h)
        return x + h

    @staticmethod
    def backward(ctx, grad_output):
        x, w, h = ctx.saved_tensors
        grad_z = grad_output * (1 - h * h)
        grad_x = grad_output + grad_z @ w.t()
        grad_w = x.t() @ grad_z
        return grad_x, grad_w


NORM = {"x": "m n", "weight": "n", "bias": "n", "eps": 1e-5}
HEADS = {"q": "b h t d", "k": "b h s d", "v": "b h s d", "sm_scale": 0.5}
SINGLE = {"q": "t d", "k": "s d", "v": "s e"}
ROTATED = {"x": "t 2*d", "cos": "t d", "sin": "t d", "wrt": ["x"]}
ROWS = {"logits": "m n", "target": LABELS}
PICKED = {"weight": "n d", "indices": LABELS}
X = {"x": "m n"}
SQUARE = {"a": "n n"}

RIGHT = [
    Case(Swish, X), Case(MishFunction, X), Case(GeluErf, {"input": "m n"}),
    Case(GeluTanh, X, agrees="3 * 0.79788456 * 0.044715 is rounded by Python before it is traced"),
    Case(GeluTanhFactored, X),
    Case(Softplus, {**X, "beta": 2.0}), Case(Elu, {**X, "alpha": 1.0}), Case(HardSwish, X),
    Case(QuickGelu, X), Case(SquaredRelu, {"input": "m n"}),
    Case(ReluInPlaceMask, {"input": "m n"}), Case(LeakyRelu, {**X, "slope": 0.1}),
    Case(ClampFunction, {**X, "low": -1.0, "high": 1.0}), Case(ExpSetup, X),
    Case(Glu, {"x": "m 2*n"}), Case(SwiGlu, {"a": "m n", "b": "m n"}),
    Case(GeGlu, {"gate": "m n", "up": "m n"}),
    Case(ScaleShift, {**X, "scale": "n", "shift": "n"}),
    Case(MulAdd, {"a": "m n", "b": "m n", "c": 3.0}), Case(LegendrePolynomial3, {"input": "m"}),
    Case(LayerNorm, NORM),
    Case(LayerNorm2d, {"x": "b c h w", "weight": "c", "bias": "c", "eps": 1e-6}),
    Case(RmsNorm, {"X": "m n", "W": "n", "eps": 1e-6}),
    Case(GroupNorm, {"x": "b 2*c l", "eps": 1e-5}),
    Case(BatchNorm, {"x": "m n", "gamma": "n", "beta": "n", "eps": 1e-5}),
    Case(L2Normalise, {**X, "eps": 1e-6}), Case(CosineSimilarity, {"a": "m n", "b": "m n"}),
    Case(Softmax, X), Case(LogSoftmax, X), Case(LogSumExp, X), Case(CrossEntropyMean, ROWS),
    Case(CrossEntropySum, ROWS), Case(CrossEntropyNone, ROWS),
    Case(NllLoss, {"log_probs": "m n", "target": LABELS}),
    Case(LabelSmoothing, {"logits": "m n", "labels": LABELS, "smoothing": 0.1}),
    Case(MseLoss, {"y_pred": "m n", "y": "m n"}),
    Case(HuberLoss, {"pred": "m n", "target": "m n", "delta": 1.0}),
    Case(BceWithLogits, {"logits": "m n", "targets": "m n"}),
    Case(Attention, SINGLE), Case(FlashAttentionReference, HEADS), Case(Rotary, ROTATED),
    Case(RotateHalf, {"x": "t 2*d"}), Case(Embedding, PICKED),
    Case(LinearFunction, {"input": "m n", "weight": "k n", "bias": "k"}),
    Case(Linear3d, {"x": "b t n", "weight": "k n", "bias": "k"}),
    Case(Bilinear, {"x": "m n", "w": "o n k", "y": "m k"}),
    Case(Conv1d, {"x": "n c l+2", "weight": "o c 3", "bias": "o"},
         agrees="Tensor.unfold is not traced"),
    Case(Conv1dByTaps, {"x": "n c l+2", "weight": "o c 3", "bias": "o"},
         agrees="what is added by slices in a loop is not brought to one form with windows"),
    Case(MatmulTransposed, {"a": "k m", "b": "n k"}),
    Case(LoraLinear, {"x": "m n", "w": "k n", "a": "r n", "b": "k r", "scaling": 0.5}),
    Case(Inverse, SQUARE), Case(Solve, {"a": "n n", "b": "n k"}), Case(LogDet, SQUARE),
    Case(CumSum, X, agrees="sums that run backward are not brought to one form"),
    Case(RowMax, X), Case(Differences, X), Case(MomentsFunction, X),
    Case(LstmCell, {"gates": "m 4*n", "c": "m n"}), Case(ResidualTanh, {"x": "m n", "w": "n n"}),
]


# --- wrong ones ---------------------------------------------------------------------------------


class UpstreamIgnored(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        x = ctx.saved_tensors[0]
        sigmoid_x = torch.sigmoid(x)
        return sigmoid_x * (1 + x * (1 - sigmoid_x))  # planted


class UpstreamAsOnes(MseLoss):
    @staticmethod
    def backward(ctx, grad_output):
        y_pred, y = ctx.saved_tensors
        grad_input = 2 * (y_pred - y) / y_pred.numel()
        return grad_input, -grad_input  # planted


class UpstreamFirstEntry(CrossEntropyNone):
    """A kernel that takes the gradient of the loss to be one number."""

    @staticmethod
    def backward(ctx, dloss):
        logits, lse, target = ctx.saved_tensors
        rows = torch.arange(logits.size(0))
        dlogits = torch.exp(logits - lse.unsqueeze(-1))
        dlogits[rows, target] -= 1.0
        dlogits = dlogits * dloss[0]  # planted
        return dlogits, None


class MeanForgotten(MseLoss):
    @staticmethod
    def backward(ctx, grad_output):
        y_pred, y = ctx.saved_tensors
        grad_input = 2.0 * (y_pred - y)  # planted
        return grad_output * grad_input, -grad_output * grad_input


class MeanOverClasses(CrossEntropyMean):
    @staticmethod
    def backward(ctx, grad_output):
        log_probs, target = ctx.saved_tensors
        grad = log_probs.exp()
        grad[torch.arange(grad.shape[0]), target] -= 1
        grad = grad / grad.shape[1]  # planted
        return grad * grad_output, None


class BiasOverWrongAxis(Linear3d):
    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        grad_x = grad_output @ weight
        grad_weight = torch.einsum("btk,btn->kn", grad_output, x)
        grad_bias = grad_output.sum(dim=(0, 2))  # planted
        return grad_x, grad_weight, grad_bias


class BiasAsMean(ScaleShift):
    @staticmethod
    def backward(ctx, grad_output):
        x, scale = ctx.saved_tensors
        grad_x = grad_output * scale
        grad_scale = (grad_output * x).sum(dim=0)
        grad_shift = grad_output.mean(dim=0)  # planted
        return grad_x, grad_scale, grad_shift


class WeightTransposed(LinearFunction):
    @staticmethod
    def backward(ctx, grad_output):
        input, weight, _ = ctx.saved_tensors
        grad_input = grad_output.mm(weight)
        grad_weight = input.t().mm(grad_output)  # planted
        grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class InputByTransposedWeight(LinearFunction):
    @staticmethod
    def backward(ctx, grad_output):
        input, weight, _ = ctx.saved_tensors
        grad_input = grad_output.mm(weight.t())  # planted
        grad_weight = grad_output.t().mm(input)
        grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class LayerNormNoProjection(LayerNorm):
    @staticmethod
    def backward(ctx, grad_output):
        y, var, weight = ctx.saved_tensors
        g = grad_output * weight
        mean_g = g.mean(dim=-1, keepdim=True)
        gx = 1.0 / torch.sqrt(var + ctx.eps) * (g - mean_g)  # planted
        return gx, (grad_output * y).sum(dim=0), grad_output.sum(dim=0), None


class LayerNormNoWeight(LayerNorm):
    @staticmethod
    def backward(ctx, grad_output):
        y, var, weight = ctx.saved_tensors
        g = grad_output * weight
        mean_g = g.mean(dim=-1, keepdim=True)
        mean_gy = (grad_output * y).mean(dim=-1, keepdim=True)  # planted
        gx = 1.0 / torch.sqrt(var + ctx.eps) * (g - y * mean_gy - mean_g)
        return gx, (grad_output * y).sum(dim=0), grad_output.sum(dim=0), None


class EpsForgotten(LayerNorm):
    @staticmethod
    def backward(ctx, grad_output):
        y, var, weight = ctx.saved_tensors
        g = grad_output * weight
        mean_g = g.mean(dim=-1, keepdim=True)
        mean_gy = (g * y).mean(dim=-1, keepdim=True)
        gx = 1.0 / torch.sqrt(var) * (g - y * mean_gy - mean_g)  # planted
        return gx, (grad_output * y).sum(dim=0), grad_output.sum(dim=0), None


class RmsNormNoProjection(RmsNorm):
    @staticmethod
    def backward(ctx, dY):
        X, W, rstd = ctx.saved_tensors
        m = dY * W
        dX = rstd * m  # planted
        dW = torch.sum(dY * X * rstd, dim=0)
        return dX, dW, None


class RmsNormOnePower(RmsNorm):
    @staticmethod
    def backward(ctx, dY):
        X, W, rstd = ctx.saved_tensors
        m = dY * W
        inner = (m * X).mean(-1, keepdim=True)
        dX = rstd * m - rstd * rstd * inner * X  # planted
        dW = torch.sum(dY * X * rstd, dim=0)
        return dX, dW, None


class BatchNormConstantStatistics(BatchNorm):
    @staticmethod
    def backward(ctx, grad_output):
        x_hat, gamma, inv_std = ctx.saved_tensors
        grad_beta = grad_output.sum(dim=0)
        grad_gamma = (grad_output * x_hat).sum(dim=0)
        grad_x = grad_output * gamma * inv_std  # planted
        return grad_x, grad_gamma, grad_beta, None


class GroupNormOneAxis(GroupNorm):
    @staticmethod
    def backward(ctx, grad_output):
        x_hat, inv = ctx.saved_tensors
        dy = grad_output.reshape(x_hat.shape)
        mean_dy = dy.mean(dim=(2, 3), keepdim=True)
        mean_dyx = (dy * x_hat).mean(dim=3, keepdim=True)  # planted
        dx = inv * (dy - mean_dy - x_hat * mean_dyx)
        return dx.reshape(grad_output.shape), None


class ScaleForgotten(Attention):
    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        dv = torch.matmul(p.transpose(-2, -1), do)
        dp = torch.matmul(do, v.transpose(-2, -1))
        delta = (dp * p).sum(dim=-1, keepdim=True)
        ds = p * (dp - delta)  # planted
        dq = torch.matmul(ds, k)
        dk = torch.matmul(ds.transpose(-2, -1), q)
        return dq, dk, dv


class KeysByTheWrongTurn(Attention):
    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        dv = torch.matmul(p.transpose(-2, -1), do)
        dp = torch.matmul(do, v.transpose(-2, -1))
        delta = (dp * p).sum(dim=-1, keepdim=True)
        ds = p * (dp - delta) * ctx.scale
        dq = torch.matmul(ds, k)
        dk = torch.matmul(ds, q)  # planted
        return dq, dk, dv


class DeltaOverQueries(Attention):
    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        dv = torch.matmul(p.transpose(-2, -1), do)
        dp = torch.matmul(do, v.transpose(-2, -1))
        delta = (dp * p).sum(dim=-2, keepdim=True)  # planted
        ds = p * (dp - delta) * ctx.scale
        dq = torch.matmul(ds, k)
        dk = torch.matmul(ds.transpose(-2, -1), q)
        return dq, dk, dv


class RotatedForward(Rotary):
    @staticmethod
    def backward(ctx, grad):
        cos, sin = ctx.saved_tensors
        g1, g2 = grad.chunk(2, dim=-1)
        return torch.cat([g1 * cos - g2 * sin, g1 * sin + g2 * cos], dim=-1), None, None  # planted


class OutputTakenForInput(Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.sigmoid(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)  # planted
        return grad_output * s * (1 - s)


class TanhOfInput(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.tanh(x)

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        slope = 1 - y * y  # planted
        return grad_output * slope


class SavedThenWritten(Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.exp(x)
        ctx.save_for_backward(y)
        y.sub_(1)  # planted
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * y


class UpstreamWritten(MulAdd):
    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        grad_a = grad.mul_(b)
        grad_b = grad * a  # planted
        return grad_a, grad_b, None


class WrongSign(MseLoss):
    @staticmethod
    def backward(ctx, grad_output):
        y_pred, y = ctx.saved_tensors
        grad_input = grad_output * 2 * (y_pred - y) / y_pred.numel()
        grad_y = grad_input  # planted
        return grad_input, grad_y


class ErfDerivativeOfTanh(GeluTanh):
    @staticmethod
    def backward(ctx, g):
        x = ctx.saved_tensors[0]
        cdf = 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))  # planted
        pdf = torch.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        return g * (cdf + x * pdf)


class StraightThroughClamp(Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(-1.0, 1.0)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.clone()  # planted


class StraightThroughSign(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x.abs() <= 1)  # planted


class GradientReversal(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.neg() * ctx.alpha, None  # planted


class SkipForgotten(ResidualTanh):
    @staticmethod
    def backward(ctx, grad_output):
        x, w, h = ctx.saved_tensors
        grad_z = grad_output * (1 - h * h)
        grad_x = grad_z @ w.t()  # planted
        grad_w = x.t() @ grad_z
        return grad_x, grad_w


class SkipCountedTwice(ResidualTanh):
    @staticmethod
    def backward(ctx, grad_output):
        x, w, h = ctx.saved_tensors
        grad_z = grad_output * (1 - h * h)
        grad_x = grad_output + grad_z @ w.t()
        grad_w = x.t() @ grad_z
        grad_x = grad_x + grad_output  # planted
        return grad_x, grad_w


class DiagonalSoftmax(Softmax):
    @staticmethod
    def backward(ctx, grad_output):
        (output,) = ctx.saved_tensors
        return grad_output * output * (1 - output)  # planted


class LogSoftmaxOverRows(LogSoftmax):
    @staticmethod
    def backward(ctx, grad_output):
        (output,) = ctx.saved_tensors
        total = grad_output.sum(dim=0, keepdim=True)  # planted
        return grad_output - output.exp() * total


class BroadcastNotReduced(Function):
    """A scale for all entries, whose gradient keeps the column axis."""

    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x, scale)
        return x * scale

    @staticmethod
    def backward(ctx, grad_output):
        x, scale = ctx.saved_tensors
        grad_x = grad_output * scale
        grad_scale = (grad_output * x)[:1]  # planted
        return grad_x, grad_scale


class ClampWrongSide(SquaredRelu):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(max=0)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * (input > 0)  # planted


class SwappedOutputs(SwiGlu):
    @staticmethod
    def backward(ctx, dc):
        a, b = ctx.saved_tensors
        sig_a = torch.sigmoid(a)
        silu_a = a * sig_a
        db = dc * silu_a
        da = dc * (silu_a * (1 - sig_a) + sig_a) * b
        return db, da  # planted


class GateSlopeForgotten(SwiGlu):
    @staticmethod
    def backward(ctx, dc):
        a, b = ctx.saved_tensors
        sig_a = torch.sigmoid(a)
        silu_a = a * sig_a
        db = dc * silu_a
        da = dc * sig_a * b  # planted
        return da, db


class HalvesSwapped(Glu):
    @staticmethod
    def backward(ctx, grad_output):
        a, gate = ctx.saved_tensors
        grad_a = grad_output * gate
        grad_b = grad_output * a * gate * (1 - gate)
        return torch.cat([grad_b, grad_a], dim=-1)  # planted


class HuberDeltaForgotten(HuberLoss):
    @staticmethod
    def backward(ctx, grad_output):
        (diff,) = ctx.saved_tensors
        small = diff.abs() <= ctx.delta
        slope = torch.where(small, diff, torch.sign(diff))  # planted
        grad = slope * grad_output
        return grad, -grad, None


class NotAccumulated(Embedding):
    @staticmethod
    def backward(ctx, grad_output):
        (indices,) = ctx.saved_tensors
        grad_weight = grad_output.new_zeros(ctx.num_embeddings, grad_output.size(1))
        grad_weight[indices] = grad_output  # planted
        return grad_weight, None


class InverseNotTransposed(Inverse):
    @staticmethod
    def backward(ctx, grad_output):
        (inv,) = ctx.saved_tensors
        return -inv @ grad_output @ inv  # planted


class SmoothingForgotten(LabelSmoothing):
    @staticmethod
    def forward(ctx, logits, labels, smoothing):
        num_classes = logits.size(1)
        log_probs = F.log_softmax(logits, dim=1)
        target = torch.full_like(log_probs, 0.0) + smoothing / num_classes
        target = target + (1 - smoothing) * F.one_hot(labels, num_classes)
        ctx.save_for_backward(log_probs, labels)
        return -(target * log_probs).sum(dim=1)

    @staticmethod
    def backward(ctx, grad_output):
        log_probs, labels = ctx.saved_tensors
        one_hot = F.one_hot(labels, log_probs.size(1))
        grad = log_probs.exp() - one_hot  # planted
        return grad * grad_output.unsqueeze(1), None, None


class SumsForward(CumSum):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.cumsum(dim=1)  # planted


class CellPathForgotten(LstmCell):
    @staticmethod
    def backward(ctx, grad_h, grad_c):
        i, f, o, u, c, tanh_c = ctx.saved_tensors
        d_o = tanh_c * grad_h
        d_c = o * grad_h * (1 - tanh_c ** 2)  # planted
        d_gates = torch.cat([d_c * u * i * (1 - i), d_c * c * f * (1 - f),
                             d_o * o * (1 - o), d_c * i * (1 - u ** 2)], dim=1)
        return d_gates, d_c * f


class SecondNormForgotten(CosineSimilarity):
    @staticmethod
    def backward(ctx, grad_output):
        a, b, na, nb, cos = ctx.saved_tensors
        g = grad_output.unsqueeze(-1)
        grad_a = g * (b / (na * nb) - cos * a / na.pow(2))
        grad_b = g * (a / (na * nb) - cos * b / nb)  # planted
        return grad_a, grad_b


EQUAL = {"input": "m n", "weight": "n n", "bias": "n"}

WRONG = [
    Case(UpstreamIgnored, X),
    Case(UpstreamAsOnes, {"y_pred": "m n", "y": "m n"},
         elsewhere="the line before lacks the factor as well",
         cause="is not used"),
    Case(UpstreamFirstEntry, ROWS),
    Case(MeanForgotten, {"y_pred": "m n", "y": "m n"}),
    Case(MeanOverClasses, ROWS, elsewhere="the wrong factor may stand in any line of the chain",
         cause="multiply by n/m"),
    Case(BiasOverWrongAxis, {"x": "b k k", "weight": "k k", "bias": "k"}),
    Case(BiasAsMean, {**X, "scale": "n", "shift": "n"}),
    Case(WeightTransposed, EQUAL),
    Case(InputByTransposedWeight, EQUAL),
    Case(LayerNormNoProjection, NORM),
    Case(LayerNormNoWeight, NORM, elsewhere="the line that uses it is named"),
    Case(EpsForgotten, NORM),
    Case(RmsNormNoProjection, {"X": "m n", "W": "n", "eps": 1e-6}),
    Case(RmsNormOnePower, {"X": "m n", "W": "n", "eps": 1e-6}),
    Case(BatchNormConstantStatistics, {"x": "m n", "gamma": "n", "beta": "n", "eps": 1e-5}),
    Case(GroupNormOneAxis, {"x": "b 2*c l", "eps": 1e-5},
         elsewhere="the line that uses it is named"),
    Case(ScaleForgotten, SINGLE),
    Case(KeysByTheWrongTurn, {"q": "t d", "k": "t d", "v": "t e"}),
    Case(DeltaOverQueries, SINGLE, elsewhere="the line that uses it is named"),
    Case(RotatedForward, ROTATED),
    Case(OutputTakenForInput, X, elsewhere="the line that saves the output is named"),
    Case(TanhOfInput, X),
    Case(SavedThenWritten, X, elsewhere="the line that uses what was written is named",
         cause="after it has saved it"),
    Case(UpstreamWritten, {"a": "m n", "b": "m n", "c": 3.0}),
    Case(WrongSign, {"y_pred": "m n", "y": "m n"}),
    Case(ErfDerivativeOfTanh, X, elsewhere="the line that uses it is named",
         cause="another formula for nearly the same function"),
    Case(StraightThroughClamp, X, elsewhere="no line is named",
         cause="a straight-through estimator"),
    Case(StraightThroughSign, X),
    Case(GradientReversal, {**X, "alpha": 1.0}),
    Case(SkipForgotten, {"x": "m n", "w": "n n"}),
    Case(SkipCountedTwice, {"x": "m n", "w": "n n"},
         elsewhere="the first of the two sums is named"),
    Case(DiagonalSoftmax, X),
    Case(LogSoftmaxOverRows, X, elsewhere="the line that uses it is named"),
    Case(BroadcastNotReduced, {"x": "m n", "scale": "1 n"}),
    Case(ClampWrongSide, {"input": "m n"}),
    Case(SwappedOutputs, {"a": "m n", "b": "m n"},
         elsewhere="the first of what is returned is named",
         cause="in the place of that by b"),
    Case(GateSlopeForgotten, {"a": "m n", "b": "m n"}),
    Case(HalvesSwapped, {"x": "m 2*n"}),
    Case(HuberDeltaForgotten, {"pred": "m n", "target": "m n", "delta": 0.5}),
    Case(NotAccumulated, PICKED, elsewhere="no line is named",
         cause="names a place more than once"),
    Case(InverseNotTransposed, SQUARE, elsewhere="the line that saves the inverse is named",
         cause="the transpose of a"),
    Case(SmoothingForgotten, {"logits": "m n", "labels": LABELS, "smoothing": 0.1},
         elsewhere="the line that uses it is named"),
    Case(SumsForward, X),
    Case(CellPathForgotten, {"gates": "m 4*n", "c": "m n"}),
    Case(SecondNormForgotten, {"a": "m n", "b": "m n"}),
]
