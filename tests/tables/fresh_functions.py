"""Functions of PyTorch in the styles of training libraries, written before anything was mended by
them.  The line that makes a wrong one wrong ends with ``# planted``.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch.autograd import Function

import gradproof as gp

RIGHT: list[tuple[Any, dict[str, Any]]] = []
AGREES = ("Snake", "CausalAttentionLSE", "TemporalShift", "Sparsemax")
"""Right ones that are not proved: an angle and its double, a log-sum-exp without what is masked,
`size // 2`, a sort."""
WRONG: list[tuple[Any, dict[str, Any]]] = []


def right(**inputs):
    def keep(function):
        RIGHT.append((function, inputs))
        return function
    return keep


def wrong(**inputs):
    def keep(function):
        WRONG.append((function, inputs))
        return function
    return keep


LABELS = gp.Array("m", kind="labels", classes="v")


@right(a="m n", b="m n")
class SiLUMul(Function):
    """Recomputes the activation in backward."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return F.silu(a) * b

    @staticmethod
    def backward(ctx, dc):
        a, b = ctx.saved_tensors
        sig = torch.sigmoid(a)
        silu = a * sig
        db = dc * silu
        da = dc * (silu * (1 - sig) + sig) * b
        return da, db


@wrong(a="m n", b="m n")
class SiLUMulSlope(SiLUMul):
    @staticmethod
    def backward(ctx, dc):
        a, b = ctx.saved_tensors
        sig = torch.sigmoid(a)
        silu = a * sig
        db = dc * silu
        da = dc * (silu * (1 - silu) + sig) * b  # planted
        return da, db


@right(x="m v", target=LABELS, scale=1e-3)
class CrossEntropyZ(Function):
    """With the square of log Z, the gradient made in the forward pass."""

    @staticmethod
    def forward(ctx, x, target, scale):
        lse = torch.logsumexp(x, dim=-1)
        picked = x.gather(1, target.unsqueeze(1)).squeeze(1)
        loss = (lse - picked + scale * lse ** 2).mean()
        prob = torch.softmax(x, dim=-1)
        grad = prob * (1 + 2 * scale * lse).unsqueeze(1)
        grad = grad.scatter_add(1, target.unsqueeze(1), -torch.ones_like(picked).unsqueeze(1))
        ctx.save_for_backward((grad / x.shape[0]).detach())
        return loss

    @staticmethod
    def backward(ctx, grad_output):
        (grad,) = ctx.saved_tensors
        return grad * grad_output, None, None


@wrong(x="m v", target=LABELS, scale=1e-3)
class CrossEntropyZOnce(CrossEntropyZ):
    @staticmethod
    def forward(ctx, x, target, scale):
        lse = torch.logsumexp(x, dim=-1)
        picked = x.gather(1, target.unsqueeze(1)).squeeze(1)
        loss = (lse - picked + scale * lse ** 2).mean()
        prob = torch.softmax(x, dim=-1)
        grad = prob * (1 + scale * lse).unsqueeze(1)  # planted
        grad = grad.scatter_add(1, target.unsqueeze(1), -torch.ones_like(picked).unsqueeze(1))
        ctx.save_for_backward((grad / x.shape[0]).detach())
        return loss


@right(x="m v", target=LABELS, cap=30.0)
class SoftCappedCrossEntropy(Function):
    @staticmethod
    def forward(ctx, x, target, cap):
        t = torch.tanh(x / cap)
        logp = F.log_softmax(cap * t, dim=-1)
        ctx.save_for_backward(t, logp, target)
        return F.nll_loss(logp, target, reduction="sum")

    @staticmethod
    def backward(ctx, g):
        t, logp, target = ctx.saved_tensors
        dz = logp.exp() - F.one_hot(target, logp.shape[-1])
        return g * dz * (1 - t * t), None, None


@wrong(x="m v", target=LABELS, cap=30.0)
class SoftCapForgotten(SoftCappedCrossEntropy):
    @staticmethod
    def backward(ctx, g):
        t, logp, target = ctx.saved_tensors
        dz = logp.exp() - F.one_hot(target, logp.shape[-1])
        return g * dz * (1 - t), None, None  # planted


@right(x="m n", w="v n", target=LABELS)
class FusedLinearCrossEntropy(Function):
    """Both gradients are made ahead and scaled by what comes from above."""

    @staticmethod
    def forward(ctx, x, w, target):
        logits = x @ w.t()
        p = torch.softmax(logits, dim=-1)
        loss = -torch.log_softmax(logits, dim=-1)[torch.arange(x.size(0)), target].mean()
        p = p - F.one_hot(target, w.size(0)).to(p.dtype)
        p = p / x.size(0)
        ctx.save_for_backward(p @ w, p.t() @ x)
        return loss

    @staticmethod
    def backward(ctx, grad_output):
        dx, dw = ctx.saved_tensors
        return grad_output * dx, grad_output * dw, None


@wrong(x="m n", w="v n", target=LABELS)
class FusedLinearForgetsUpstream(FusedLinearCrossEntropy):
    @staticmethod
    def backward(ctx, grad_output):
        dx, dw = ctx.saved_tensors
        return grad_output * dx, dw, None  # planted


@right(y_pred="m n", y_true=gp.Array("m n", kind="positive"))
class KLBatchMean(Function):
    @staticmethod
    def forward(ctx, y_pred, y_true):
        ctx.save_for_backward(y_pred, y_true)
        return (y_true * (y_true.log() - y_pred)).sum() / y_pred.shape[0]

    @staticmethod
    def backward(ctx, g):
        y_pred, y_true = ctx.saved_tensors
        n = y_pred.shape[0]
        return -y_true * g / n, (y_true.log() + 1 - y_pred) * g / n


@wrong(y_pred="m n", y_true=gp.Array("m n", kind="positive"))
class KLMeanOfAll(KLBatchMean):
    @staticmethod
    def backward(ctx, g):
        y_pred, y_true = ctx.saved_tensors
        n = y_pred.numel()  # planted
        return -y_true * g / n, (y_true.log() + 1 - y_pred) * g / n


@right(p="m n", q="m n")
class JensenShannon(Function):
    """Of log probabilities, beta one half."""

    @staticmethod
    def forward(ctx, p, q):
        one, other = p.exp(), q.exp()
        log_m = (0.5 * (one + other)).log()
        ctx.save_for_backward(p, q, log_m)
        return 0.5 * (one * (p - log_m)).sum() + 0.5 * (other * (q - log_m)).sum()

    @staticmethod
    def backward(ctx, g):
        p, q, log_m = ctx.saved_tensors
        return 0.5 * p.exp() * (p - log_m) * g, 0.5 * q.exp() * (q - log_m) * g


@right(x="m n", weight="n", eps=1e-6, offset=1.0)
class OffsetRMSNorm(Function):
    @staticmethod
    def forward(ctx, x, weight, eps, offset):
        rstd = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        ctx.offset = offset
        ctx.save_for_backward(x, weight, rstd)
        return x * rstd * (offset + weight)

    @staticmethod
    def backward(ctx, dy):
        x, weight, rstd = ctx.saved_tensors
        m = dy * (weight + ctx.offset)
        dx = rstd * m
        dx = dx + rstd * (-(1 / x.shape[-1]) * rstd * rstd * (m * x).sum(-1, keepdim=True) * x)
        return dx, (dy * (x * rstd)).sum(dim=0), None, None


@wrong(x="m n", weight="n", eps=1e-6, offset=1.0)
class OffsetForgotten(OffsetRMSNorm):
    @staticmethod
    def backward(ctx, dy):
        x, weight, rstd = ctx.saved_tensors
        m = dy * weight  # planted
        dx = rstd * m
        dx = dx + rstd * (-(1 / x.shape[-1]) * rstd * rstd * (m * x).sum(-1, keepdim=True) * x)
        return dx, (dy * (x * rstd)).sum(dim=0), None, None


@right(x="m n", residual="m n", weight="n", eps=1e-6)
class FusedAddRMSNorm(Function):
    @staticmethod
    def forward(ctx, x, residual, weight, eps):
        s = x + residual
        rstd = (s.pow(2).mean(-1, keepdim=True) + eps).rsqrt()
        ctx.save_for_backward(s, weight, rstd)
        return s * rstd * weight, s

    @staticmethod
    def backward(ctx, dy, ds_out):
        s, weight, rstd = ctx.saved_tensors
        s_hat = s * rstd
        wdy = weight * dy
        c1 = (s_hat * wdy).mean(-1, keepdim=True)
        ds = (wdy - s_hat * c1) * rstd + ds_out
        return ds, ds.clone(), (dy * s_hat).sum(0), None


@wrong(x="m n", residual="m n", weight="n", eps=1e-6)
class FusedAddDropsResidual(FusedAddRMSNorm):
    @staticmethod
    def backward(ctx, dy, ds_out):
        s, weight, rstd = ctx.saved_tensors
        s_hat = s * rstd
        wdy = weight * dy
        c1 = (s_hat * wdy).mean(-1, keepdim=True)
        ds = (wdy - s_hat * c1) * rstd  # planted
        return ds, ds.clone(), (dy * s_hat).sum(0), None


@right(x="m n", alpha="1", gamma="n", beta="n")
class DyT(Function):
    @staticmethod
    def forward(ctx, x, alpha, gamma, beta):
        t = torch.tanh(alpha * x)
        ctx.save_for_backward(x, alpha, gamma, t)
        return gamma * t + beta

    @staticmethod
    def backward(ctx, dy):
        x, alpha, gamma, t = ctx.saved_tensors
        du = dy * gamma * (1 - t ** 2)
        return alpha * du, (du * x).sum().reshape(1), (dy * t).sum(0), dy.sum(0)


@wrong(x="m n", alpha="1", gamma="n", beta="n")
class DyTAlphaMean(DyT):
    @staticmethod
    def backward(ctx, dy):
        x, alpha, gamma, t = ctx.saved_tensors
        du = dy * gamma * (1 - t ** 2)
        return alpha * du, (du * x).mean().reshape(1), (dy * t).sum(0), dy.sum(0)  # planted


@right(x="b c t", alpha=gp.Array("c", kind="positive"))
class Snake(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        a = alpha[None, :, None]
        ctx.save_for_backward(x, alpha)
        return x + torch.sin(a * x) ** 2 / a

    @staticmethod
    def backward(ctx, g):
        x, alpha = ctx.saved_tensors
        a = alpha.view(1, -1, 1)
        s2 = torch.sin(2 * a * x)
        dx = g * (1 + s2)
        da = (g * (x * s2 / a - torch.sin(a * x) ** 2 / a ** 2)).sum(dim=(0, 2))
        return dx, da


@wrong(x="b c t", alpha=gp.Array("c", kind="positive"))
class SnakeOneTerm(Snake):
    @staticmethod
    def backward(ctx, g):
        x, alpha = ctx.saved_tensors
        a = alpha.view(1, -1, 1)
        s2 = torch.sin(2 * a * x)
        dx = g * (1 + s2)
        da = (g * (x * s2 / a)).sum(dim=(0, 2))  # planted
        return dx, da


@right(x="b c t", weight="c")
class PReLUFunction(Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return torch.where(x > 0, x, weight.view(1, -1, 1) * x)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        neg = (x <= 0).to(g.dtype)
        dx = g * (1 - neg) + g * neg * weight[None, :, None]
        dw = (g * neg * x).sum((0, 2))
        return dx, dw


@wrong(x="b c t", weight="c")
class PReLUWeightOverTime(PReLUFunction):
    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        neg = (x <= 0).to(g.dtype)
        dx = g * (1 - neg) + g * neg * weight[None, :, None]
        dw = (g * neg * x).sum(2).mean(0)  # planted
        return dx, dw


@right(x="b h w c", gamma="c", beta="c", eps=1e-6)
class GlobalResponseNorm(Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        gx = torch.sqrt((x * x).sum(dim=(1, 2), keepdim=True))
        den = gx.mean(dim=-1, keepdim=True) + eps
        nx = gx / den
        ctx.save_for_backward(x, gamma, gx, den, nx)
        return x + gamma * (x * nx) + beta

    @staticmethod
    def backward(ctx, g):
        x, gamma, gx, den, nx = ctx.saved_tensors
        gg = g * gamma
        dn = (gg * x).sum(dim=(1, 2), keepdim=True)
        dgx = dn / den - (dn * gx).sum(-1, keepdim=True) / (den * den) / x.shape[-1]
        dx = g + gg * nx + dgx * x / gx
        return dx, (g * x * nx).sum((0, 1, 2)), g.sum((0, 1, 2)), None


@wrong(x="b h w c", gamma="c", beta="c", eps=1e-6)
class GlobalResponseNormNoMean(GlobalResponseNorm):
    @staticmethod
    def backward(ctx, g):
        x, gamma, gx, den, nx = ctx.saved_tensors
        gg = g * gamma
        dn = (gg * x).sum(dim=(1, 2), keepdim=True)
        dgx = dn / den - (dn * gx).sum(-1, keepdim=True) / (den * den)  # planted
        dx = g + gg * nx + dgx * x / gx
        return dx, (g * x * nx).sum((0, 1, 2)), g.sum((0, 1, 2)), None


@right(x="m n", v="k n", g="k 1")
class WeightNormLinear(Function):
    @staticmethod
    def forward(ctx, x, v, g):
        norm = v.norm(dim=1, keepdim=True)
        w = v * (g / norm)
        ctx.save_for_backward(x, v, g, norm)
        return x @ w.T

    @staticmethod
    def backward(ctx, dy):
        x, v, g, norm = ctx.saved_tensors
        dw = dy.T @ x
        dg = (dw * v).sum(1, keepdim=True) / norm
        dv = g / norm * dw - g * dg / norm.pow(2) * v
        return dy @ (v * (g / norm)), dv, dg


@wrong(x="m n", v="k n", g="k 1")
class WeightNormOneNorm(WeightNormLinear):
    @staticmethod
    def backward(ctx, dy):
        x, v, g, norm = ctx.saved_tensors
        dw = dy.T @ x
        dg = (dw * v).sum(1, keepdim=True) / norm
        dv = g / norm * dw - g * dg / norm * v  # planted
        return dy @ (v * (g / norm)), dv, dg


@right(x="m n", t=gp.Array("m n", kind="mask"), alpha=0.25, gamma=2.0)
class SigmoidFocal(Function):
    @staticmethod
    def forward(ctx, x, t, alpha, gamma):
        p = torch.sigmoid(x)
        ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
        p_t = p * t + (1 - p) * (1 - t)
        a_t = alpha * t + (1 - alpha) * (1 - t)
        ctx.save_for_backward(p, t, ce, p_t, a_t)
        ctx.gamma = gamma
        return (a_t * (1 - p_t) ** gamma * ce).sum()

    @staticmethod
    def backward(ctx, g):
        p, t, ce, p_t, a_t = ctx.saved_tensors
        gamma = ctx.gamma
        dp_t = p * (1 - p) * (2 * t - 1)
        first = -gamma * (1 - p_t) ** (gamma - 1) * dp_t * ce
        second = (1 - p_t) ** gamma * (p - t)
        return g * a_t * (first + second), None, None, None


@wrong(x="m n", t=gp.Array("m n", kind="mask"), alpha=0.25, gamma=2.0)
class FocalOneTerm(SigmoidFocal):
    @staticmethod
    def backward(ctx, g):
        p, t, _, p_t, a_t = ctx.saved_tensors
        second = (1 - p_t) ** ctx.gamma * (p - t)
        return g * a_t * second, None, None, None  # planted


@right(logits="m n", target=gp.Array("m n", kind="positive"), eps=1.0, wrt=["logits"])
class SoftDice(Function):
    @staticmethod
    def forward(ctx, logits, target, eps):
        p = logits.sigmoid()
        inter = (p * target).sum()
        total = p.sum() + target.sum()
        dice = (2 * inter + eps) / (total + eps)
        ctx.save_for_backward(p, target, total, dice)
        ctx.eps = eps
        return 1 - dice

    @staticmethod
    def backward(ctx, g):
        p, target, total, dice = ctx.saved_tensors
        dp = -(2 * target - dice) / (total + ctx.eps)
        return g * dp * p * (1 - p), None, None


@right(x="m n", y="m n", tau=0.1)
class InfoNCE(Function):
    @staticmethod
    def forward(ctx, x, y, tau):
        logits = x @ y.t() / tau
        labels = torch.arange(x.shape[0])
        ctx.tau = tau
        ctx.save_for_backward(x, y, logits.softmax(dim=1))
        return F.cross_entropy(logits, labels)

    @staticmethod
    def backward(ctx, g):
        x, y, p = ctx.saved_tensors
        m = x.shape[0]
        d = (p - torch.eye(m)) * (g / (m * ctx.tau))
        return d @ y, d.t() @ x, None


@wrong(x="m n", y="m n", tau=0.1)
class InfoNCENoTemperature(InfoNCE):
    @staticmethod
    def backward(ctx, g):
        x, y, p = ctx.saved_tensors
        m = x.shape[0]
        d = (p - torch.eye(m)) * (g / m)  # planted
        return d @ y, d.t() @ x, None


@right(a="m n", p="m n", n="m n", margin=1.0)
class TripletSquared(Function):
    @staticmethod
    def forward(ctx, a, p, n, margin):
        dp = (a - p).pow(2).sum(1)
        dn = (a - n).pow(2).sum(1)
        loss = F.relu(dp - dn + margin)
        ctx.save_for_backward(a, p, n, (loss > 0).to(a.dtype))
        return loss.mean()

    @staticmethod
    def backward(ctx, g):
        a, p, n, active = ctx.saved_tensors
        c = (2 * g / a.shape[0]) * active.unsqueeze(1)
        return c * (n - p), c * (p - a), c * (a - n), None


@wrong(a="m n", p="m n", n="m n", margin=1.0)
class TripletSigns(TripletSquared):
    @staticmethod
    def backward(ctx, g):
        a, p, n, active = ctx.saved_tensors
        c = (2 * g / a.shape[0]) * active.unsqueeze(1)
        return c * (n - p), c * (p - a), c * (n - a), None  # planted


@right(chosen="m", rejected="m", ref_chosen="m", ref_rejected="m", beta=0.1)
class DPOLoss(Function):
    @staticmethod
    def forward(ctx, chosen, rejected, ref_chosen, ref_rejected, beta):
        h = beta * ((chosen - rejected) - (ref_chosen - ref_rejected))
        ctx.save_for_backward(h)
        ctx.beta = beta
        return -F.logsigmoid(h).mean()

    @staticmethod
    def backward(ctx, g):
        (h,) = ctx.saved_tensors
        d = -g * ctx.beta * torch.sigmoid(-h) / h.numel()
        return d, -d, -d, d, None


@wrong(chosen="m", rejected="m", ref_chosen="m", ref_rejected="m", beta=0.1)
class DPOSigmoidTurned(DPOLoss):
    @staticmethod
    def backward(ctx, g):
        (h,) = ctx.saved_tensors
        d = -g * ctx.beta * torch.sigmoid(h) / h.numel()  # planted
        return d, -d, -d, d, None


@right(q="b h t d", k="b h t d", v="b h t d")
class CausalAttentionLSE(Function):
    """Keeps the output and the log-sum-exp alone."""

    @staticmethod
    def forward(ctx, q, k, v):
        scale = q.shape[-1] ** -0.5
        s = torch.einsum("bhid,bhjd->bhij", q, k) * scale
        mask = torch.ones(q.shape[2], k.shape[2]).triu(1).bool()
        s = s.masked_fill(mask, float("-inf"))
        lse = torch.logsumexp(s, dim=-1, keepdim=True)
        o = torch.exp(s - lse) @ v
        ctx.save_for_backward(q, k, v, o, lse)
        return o

    @staticmethod
    def backward(ctx, do):
        q, k, v, o, lse = ctx.saved_tensors
        scale = q.shape[-1] ** -0.5
        s = torch.einsum("bhid,bhjd->bhij", q, k) * scale
        mask = torch.ones(q.shape[2], k.shape[2]).triu(1).bool()
        p = torch.exp(s.masked_fill(mask, float("-inf")) - lse)
        dv = p.transpose(-2, -1) @ do
        dp = do @ v.transpose(-2, -1)
        delta = (do * o).sum(-1, keepdim=True)
        ds = p * (dp - delta) * scale
        return ds @ k, ds.transpose(-2, -1) @ q, dv


@wrong(q="b h t d", k="b h t d", v="b h t d")
class CausalAttentionNoDelta(CausalAttentionLSE):
    @staticmethod
    def backward(ctx, do):
        q, k, v, _, lse = ctx.saved_tensors
        scale = q.shape[-1] ** -0.5
        s = torch.einsum("bhid,bhjd->bhij", q, k) * scale
        mask = torch.ones(q.shape[2], k.shape[2]).triu(1).bool()
        p = torch.exp(s.masked_fill(mask, float("-inf")) - lse)
        dv = p.transpose(-2, -1) @ do
        dp = do @ v.transpose(-2, -1)
        delta = do.sum(-1, keepdim=True)  # planted
        ds = p * (dp - delta) * scale
        return ds @ k, ds.transpose(-2, -1) @ q, dv


@right(x="b c 2*h 2*w")
class SpaceToDepth(Function):
    @staticmethod
    def forward(ctx, x):
        b, c, h, w = x.shape
        ctx.shape = x.shape
        y = x.view(b, c, h // 2, 2, w // 2, 2)
        return y.permute(0, 1, 3, 5, 2, 4).reshape(b, c * 4, h // 2, w // 2)

    @staticmethod
    def backward(ctx, g):
        b, c, h, w = ctx.shape
        y = g.reshape(b, c, 2, 2, h // 2, w // 2)
        return y.permute(0, 1, 4, 2, 5, 3).reshape(b, c, h, w)


@wrong(x="b c 2*h 2*w")
class SpaceToDepthTurned(SpaceToDepth):
    @staticmethod
    def backward(ctx, g):
        b, c, h, w = ctx.shape
        y = g.reshape(b, c, 2, 2, h // 2, w // 2)
        return y.permute(0, 1, 4, 3, 5, 2).reshape(b, c, h, w)  # planted


@right(x="b t c")
class TemporalShift(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.fold = x.shape[-1] // 2
        out = torch.zeros_like(x)
        out[:, :-1] = x[:, 1:]
        return out

    @staticmethod
    def backward(ctx, g):
        dx = torch.zeros_like(g)
        dx[:, 1:] = g[:, :-1]
        return dx


@right(x="b 4 n", decay="n")
class EMAFour(Function):
    """An exponential average of four steps."""

    @staticmethod
    def forward(ctx, x, decay):
        a = torch.sigmoid(decay)
        h, hs = torch.zeros_like(x[:, 0]), []
        for t in range(x.shape[1]):
            h = a * h + (1 - a) * x[:, t]
            hs.append(h)
        y = torch.stack(hs, 1)
        ctx.save_for_backward(x, a, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, a, y = ctx.saved_tensors
        dx, da, dh = torch.zeros_like(x), torch.zeros_like(a), torch.zeros_like(g[:, 0])
        for t in reversed(range(x.shape[1])):
            dh = dh + g[:, t]
            before = y[:, t - 1] if t > 0 else torch.zeros_like(dh)
            dx[:, t] = (1 - a) * dh
            da = da + (dh * (before - x[:, t])).sum(0)
            dh = a * dh
        return dx, da * a * (1 - a)


@wrong(x="b 4 n", decay="n")
class EMANotCarried(EMAFour):
    @staticmethod
    def backward(ctx, g):
        x, a, y = ctx.saved_tensors
        dx, da, dh = torch.zeros_like(x), torch.zeros_like(a), torch.zeros_like(g[:, 0])
        for t in reversed(range(x.shape[1])):
            dh = g[:, t]  # planted
            before = y[:, t - 1] if t > 0 else torch.zeros_like(dh)
            dx[:, t] = (1 - a) * dh
            da = da + (dh * (before - x[:, t])).sum(0)
            dh = a * dh
        return dx, da * a * (1 - a)


@right(x="m n", v="n k")
class FactorizationMachine(Function):
    @staticmethod
    def forward(ctx, x, v):
        xv = x @ v
        ctx.save_for_backward(x, v, xv)
        return 0.5 * (xv ** 2 - (x ** 2) @ (v ** 2)).sum(dim=1)

    @staticmethod
    def backward(ctx, g):
        x, v, xv = ctx.saved_tensors
        g = g[:, None]
        dx = g * (xv @ v.t() - x * (v ** 2).sum(dim=1))
        dv = x.t() @ (g * xv) - ((x ** 2).t() @ g) * v
        return dx, dv


@wrong(x="m n", v="n k")
class FactorizationMachineWhole(FactorizationMachine):
    @staticmethod
    def backward(ctx, g):
        x, v, xv = ctx.saved_tensors
        g = g[:, None]
        dx = g * (xv @ v.t() - x * (v ** 2).sum(dim=1))
        dv = x.t() @ (g * xv)  # planted
        return dx, dv


@right(x="m n", scale="1", bias="1")
class StarReLU(Function):
    @staticmethod
    def forward(ctx, x, scale, bias):
        r = F.relu(x)
        ctx.save_for_backward(r, scale)
        return scale * r * r + bias

    @staticmethod
    def backward(ctx, g):
        r, scale = ctx.saved_tensors
        return 2 * scale * r * g, (g * r * r).sum().view(1), g.sum().view(1)


@right(src="m n", index=gp.Array("m", kind="labels", classes="k"), out="k n")
class ScatterInto(Function):
    @staticmethod
    def forward(ctx, src, index, out):
        ctx.save_for_backward(index)
        return out.index_add(0, index, src)

    @staticmethod
    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        return g.index_select(0, index), None, g


@right(x="m n")
class Sparsemax(Function):
    @staticmethod
    def forward(ctx, x):
        z = x.sort(dim=-1, descending=True).values
        k = torch.arange(1, x.shape[-1] + 1)
        total = z.cumsum(-1) - 1
        size = (k * z > total).sum(-1, keepdim=True)
        tau = total.gather(-1, size - 1) / size
        y = (x - tau).clamp(min=0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        on = (y > 0).to(g.dtype)
        mean = (g * on).sum(-1, keepdim=True) / on.sum(-1, keepdim=True)
        return on * (g - mean)
