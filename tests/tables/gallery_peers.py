"""What the rows of the gallery are in PyTorch: functions of the arrays by name and of `torch`.

The module is an argument, so that the rows can be read without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Peer = Callable[[Mapping[str, Any], Any], Any]


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "identity": lambda z, torch: z,
    "sigmoid": lambda z, torch: torch.sigmoid(z),
    "tanh": lambda z, torch: torch.tanh(z),
    "relu": lambda z, torch: torch.relu(z),
    "leaky_relu": lambda z, torch: torch.nn.functional.leaky_relu(z),
    "softplus": lambda z, torch: torch.nn.functional.softplus(z),
    "elu": lambda z, torch: torch.nn.functional.elu(z),
    "selu": lambda z, torch: torch.nn.functional.selu(z),
    "gelu": lambda z, torch: torch.nn.functional.gelu(z),
    "gelu_tanh": lambda z, torch: torch.nn.functional.gelu(z, approximate="tanh"),
    "silu": lambda z, torch: torch.nn.functional.silu(z),
    "swish": lambda z, torch: torch.nn.functional.silu(z),
    "mish": lambda z, torch: torch.nn.functional.mish(z),
    "softsign": lambda z, torch: torch.nn.functional.softsign(z),
    # The slope of hardsigmoid is 1/6 in float32 there.
    "hard_sigmoid": lambda z, torch: torch.nn.functional.relu6(z + 3) / 6,
    "hard_tanh": lambda z, torch: torch.nn.functional.hardtanh(z),
}

LOSS_TERMS: dict[str, Callable[[Any, Any, Any, float], Any]] = {
    "half_squared_error": lambda a, y, f, e: f.mse_loss(a, y, reduction="none") / 2,
    "mean_squared_error": lambda a, y, f, e: f.mse_loss(a, y, reduction="none"),
    "mean_absolute_error": lambda a, y, f, e: f.l1_loss(a, y, reduction="none"),
    "huber": lambda a, y, f, e: f.huber_loss(a, y, reduction="none"),
    # The double backward of binary_cross_entropy adds 1e-12 to its denominators there.
    "binary_cross_entropy": lambda a, y, f, e: -y * a.log() - (1 - y) * (1 - a).log(),
    "binary_cross_entropy_from_logits": lambda z, y, f, e: f.binary_cross_entropy_with_logits(
        z, y, reduction="none"),
    # PyTorch's takes logits; the rows of p sum to one, so that log p are logits of p.
    "cross_entropy": lambda p, y, f, e: -((1 - e) * y + e / y.shape[-1]) * p.log(),
    "cross_entropy_from_logits": lambda z, y, f, e: f.cross_entropy(
        z, y, reduction="none", label_smoothing=e),
    "kl_divergence": lambda p, y, f, e: f.kl_div(p.log(), y, reduction="none"),
    "kl_divergence_from_logits": lambda z, y, f, e: f.kl_div(
        z.log_softmax(-1), y, reduction="none"),
    "hinge": lambda z, y, f, e: f.relu(1 - y * z),
    # multi_margin_loss has no second derivative there.
    "multiclass_hinge": lambda z, y, f, e: (1 - y) * f.relu(
        z - (y * z).sum(-1, keepdim=True) + 1),
    "poisson": lambda z, y, f, e: f.poisson_nll_loss(z, y, reduction="none"),
}
"""The terms of each loss, entry by entry or sample by sample; the last argument is ε of smoothed
labels."""


def conv(kind: str = "conv", **options: Any) -> Peer:
    def peer(t: Mapping[str, Any], torch: Any) -> Any:
        function = getattr(torch.nn.functional, f"{kind}{t['X'].ndim - 2}d")
        return function(t["X"], t["W1"], t.get("b1"), **options)

    return peer


def depthwise(t: Mapping[str, Any], torch: Any) -> Any:
    function = getattr(torch.nn.functional, f"conv{t['X'].ndim - 2}d")
    return function(t["X"], t["W1"][:, None], t["b1"], groups=t["X"].shape[1])


def pool(kind: str, *arguments: int) -> Peer:
    def peer(t: Mapping[str, Any], torch: Any) -> Any:
        return getattr(torch.nn.functional, f"{kind}_pool{t['X'].ndim - 2}d")(t["X"], *arguments)

    return peer


def normed(x: Any, t: Mapping[str, Any], torch: Any, suffix: str = "1") -> Any:
    gain, shift = t[f"gamma{suffix}"], t[f"beta{suffix}"]
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gain, shift, 1e-5)


def attended(q: Any, k: Any, v: Any, torch: Any, causal: bool) -> Any:
    """By the kernel that has second derivatives."""
    kernels = torch.nn.attention
    with kernels.sdpa_kernel(kernels.SDPBackend.MATH):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


def attention(causal: bool) -> Peer:
    return lambda t, torch: attended(*(t["X"] @ t[f"W{n}"] for n in (1, 2, 3)), torch, causal)


def heads(x: Any, memory: Any, t: Mapping[str, Any], torch: Any, causal: bool, n: int = 1) -> Any:
    q, k, v = (torch.einsum("sti,hik->shtk", of, t[f"{w}{n}"])
               for w, of in (("WQ", x), ("WK", memory), ("WV", memory)))
    made = attended(q, k, v, torch, causal)
    return torch.einsum("shtk,hke->ste", made, t[f"WO{n}"])


def block(causal: bool, norm_first: bool) -> Peer:
    def peer(t: Mapping[str, Any], torch: Any) -> Any:
        def attend(x: Any) -> Any:
            return heads(x, x, t, torch, causal)

        def feed(x: Any) -> Any:
            hidden = torch.nn.functional.gelu(x @ t["WF1"] + t["bF1"])
            return hidden @ t["WG1"] + t["bG1"]

        x = t["X"]
        if norm_first:
            x = x + attend(normed(x, t, torch))
            return x + feed(normed(x, t, torch, "F1"))
        x = normed(x + attend(x), t, torch)
        return normed(x + feed(x), t, torch, "F1")

    return peer


def recurrent(kind: str, gates: Sequence[str], **options: Any) -> Peer:
    """PyTorch's own layer; its second bias is zero but for that within the reset of a GRU."""

    def peer(t: Mapping[str, Any], torch: Any) -> Any:
        n, h = t["X"].shape[-1], t[f"U{gates[0]}1"].shape[0]
        zero = [torch.zeros(h, dtype=torch.float64)] * len(gates)
        weights = {
            "weight_ih_l0": torch.cat([t[f"W{gate}1"].T for gate in gates]),
            "weight_hh_l0": torch.cat([t[f"U{gate}1"].T for gate in gates]),
            "bias_ih_l0": torch.cat([t[f"b{gate}1"] for gate in gates]),
            "bias_hh_l0": torch.cat([*zero[:-1], t.get("c1", zero[-1])]),
        }
        module = getattr(torch.nn, kind)(n, h, dtype=torch.float64, **options)
        return torch.func.functional_call(module, weights, (t["X"],))[0]

    return peer


def gru_as_published(t: Mapping[str, Any], torch: Any) -> Any:
    x, states = t["X"], []
    h = torch.zeros(x.shape[1], t["Ur1"].shape[0], dtype=torch.float64)
    for now in x:
        r, z = (torch.sigmoid(now @ t[f"W{g}1"] + h @ t[f"U{g}1"] + t[f"b{g}1"]) for g in "rz")
        n = torch.tanh(now @ t["Wn1"] + (r * h) @ t["Un1"] + t["bn1"])
        h = (1 - z) * n + z * h
        states.append(h)
    return torch.stack(states)


def split(t: Mapping[str, Any], torch: Any) -> Any:
    left, right = torch.split(t["X"], [2, 3], -1)
    return torch.cat([torch.tanh(right), left], -1)


def dense(t: Mapping[str, Any], torch: Any, output: str = "identity") -> Any:
    z = t["X"] @ t["W1"] + t["b1"]
    return torch.softmax(z, -1) if output == "softmax" else FUNCTIONS[output](z, torch)
