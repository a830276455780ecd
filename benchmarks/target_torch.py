"""The losses of `target_rows.py` as they are written in PyTorch, by its own layers and losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

Tensors = Mapping[str, Any]


def xor(v: Tensors) -> Any:
    a1 = torch.sigmoid(v["X"] @ v["W1"] + v["b1"])
    a2 = torch.sigmoid(a1 @ v["W2"] + v["b2"])
    return 0.5 * ((a2 - v["Y"]) ** 2).sum()


def tanh_logistic(v: Tensors) -> Any:
    z2 = torch.tanh(v["X"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]
    return functional.binary_cross_entropy_with_logits(z2, v["Y"], reduction="sum") / len(z2)


def relu_regression(v: Tensors) -> Any:
    a = torch.relu(v["X"] @ v["W1"] + v["b1"])
    a = torch.relu(a @ v["W2"] + v["b2"])
    return functional.mse_loss(a @ v["W3"] + v["b3"], v["Y"], reduction="sum") / len(a)


def classifier(v: Tensors) -> Any:
    a = torch.relu(v["X"] @ v["W1"] + v["b1"])
    a = torch.relu(a @ v["W2"] + v["b2"])
    return functional.cross_entropy(a @ v["W3"] + v["b3"], v["Y"])


def deep(v: Tensors) -> Any:
    a = v["X"]
    for layer in range(1, 9):
        a = a @ v[f"W{layer}"] + v[f"b{layer}"]
        a = torch.tanh(a) if layer < 8 else a
    return functional.mse_loss(a, v["Y"])


def convolution(v: Tensors) -> Any:
    z = torch.relu(functional.conv2d(v["X"], v["W1"], v["b1"], padding=1))
    return functional.cross_entropy(z.reshape(len(z), -1) @ v["W4"] + v["b4"], v["Y"])


def lstm(v: Tensors) -> Any:
    gates = "ifgo"
    W, U = (torch.cat([v[f"{kind}{gate}1"] for gate in gates], 1).T for kind in "WU")
    b = torch.cat([v[f"b{gate}1"] for gate in gates])
    start = torch.zeros(1, v["X"].shape[1], U.shape[1], dtype=b.dtype)
    _, h, _ = torch.lstm(v["X"], (start, start), (W, U, b, torch.zeros_like(b)), True, 1, 0.0,
                         True, False, False)
    return functional.cross_entropy(h[0] @ v["W3"] + v["b3"], v["Y"])


def block(v: Tensors, activation: Callable[[Any], Any] = functional.gelu) -> Any:
    x = v["X"]
    n = x.shape[-1:]
    t1 = functional.layer_norm(x, n, v["gamma1"], v["beta1"])
    q, k, u = (torch.einsum("mtn,hns->mhts", t1, v[name]) for name in ("WQ1", "WK1", "WV1"))
    p = functional.scaled_dot_product_attention(q, k, u)
    t5 = x + torch.einsum("mhts,hsn->mtn", p, v["WO1"])
    z = functional.layer_norm(t5, n, v["gammaF1"], v["betaF1"]) @ v["WF1"] + v["bF1"]
    return functional.mse_loss(t5 + activation(z) @ v["WG1"] + v["bG1"], v["Y"])


LOSSES: dict[str, Callable[[Tensors], Any]] = {
    "xor": xor, "tanh": tanh_logistic, "relu": relu_regression, "classifier": classifier,
    "classifier32": classifier, "deep": deep, "convolution": convolution, "lstm": lstm,
    "gelu": block, "gelu32": block, "block32": lambda v: block(v, torch.relu)}
"""By the rows' names."""


def run(row: str, values: Mapping[str, Any], wrt: Mapping[str, Any]) -> Callable[[], Any]:
    """What computes the loss and the gradients."""
    torch.set_num_threads(1)
    tensors = {name: torch.from_numpy(one).requires_grad_(name in wrt)
               for name, one in values.items()}
    parameters = [tensors[name] for name in wrt]
    loss = LOSSES[row]

    def made() -> Any:
        value = loss(tensors)
        return value.detach(), dict(zip(wrt, torch.autograd.grad(value, parameters), strict=True))

    return made
