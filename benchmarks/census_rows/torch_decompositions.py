"""Rows of PyTorch's own backward operators in Python, `torch._decomp.decompositions`.

What is around each (casts to other types, `out=`) is taken off: the function itself is looked at.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from public_rows.row import Row

import gradproof as gp

from .torch_rules import rule

REAL, POSITIVE = gp.Array("m n"), gp.Array("m n", kind="positive")
UNIT = gp.Array("m n", kind="interval", low=0, high=1)

Ahead = Callable[..., Any]
ONE: dict[str, list[tuple[str, Any, Ahead, Ahead]]] = {
    # a name, what the input is, the function, its gradient by: the rule, g, x, the value
    "tanh_backward": [("", REAL, torch.tanh, lambda back, g, x, y: back(g, y))],
    "sigmoid_backward": [("", REAL, torch.sigmoid, lambda back, g, x, y: back(g, y))],
    "softplus_backward": [("", REAL, F.softplus, lambda back, g, x, y: back(g, x, 1.0, 20.0))],
    "elu_backward": [
        ("of x", REAL, lambda x: F.elu(x, 0.7),
         lambda back, g, x, y: back(g, 0.7, 1.0, 1.0, False, x)),
        ("of the value", REAL, lambda x: F.elu(x, 0.7),
         lambda back, g, x, y: back(g, 0.7, 1.0, 1.0, True, y))],
    "hardsigmoid_backward": [("", REAL, F.hardsigmoid, lambda back, g, x, y: back(g, x))],
    "hardtanh_backward": [("", REAL, F.hardtanh, lambda back, g, x, y: back(g, x, -1.0, 1.0))],
    "hardswish_backward": [("", REAL, F.hardswish, lambda back, g, x, y: back(g, x))],
    "threshold_backward": [("", REAL, torch.relu, lambda back, g, x, y: back(g, x, 0.0))],
    "leaky_relu_backward": [
        ("", REAL, lambda x: F.leaky_relu(x, 0.1), lambda back, g, x, y: back(g, x, 0.1, False))],
    "gelu_backward": [
        ("erf", REAL, F.gelu, lambda back, g, x, y: back(g, x)),
        ("tanh", REAL, lambda x: F.gelu(x, approximate="tanh"),
         lambda back, g, x, y: back(g, x, "tanh"))],
    "mish_backward": [("", REAL, F.mish, lambda back, g, x, y: back(g, x))],
    "silu_backward": [("", REAL, F.silu, lambda back, g, x, y: back(g, x))],
    "log_sigmoid_backward": [("", REAL, lambda x: F.logsigmoid(x),
                              lambda back, g, x, y: back(g, x, torch.exp(-torch.abs(x))))],
    "logit_backward": [("", UNIT, torch.logit, lambda back, g, x, y: back(g, x))],
    "glu_backward": [("", "m 4", F.glu, lambda back, g, x, y: back(g, x, -1))],
    "_softmax_backward_data": [("", REAL, lambda x: torch.softmax(x, 1),
                                lambda back, g, x, y: back(g, y, 1, torch.float64))],
    "_log_softmax_backward_data": [("", REAL, lambda x: torch.log_softmax(x, 1),
                                    lambda back, g, x, y: back(g, y, 1, torch.float64))],
    "select_backward": [("", "5 n", lambda x: x.select(0, 2),
                         lambda back, g, x, y: back(g, x.shape, 0, 2))],
    "slice_backward": [("", "5 n", lambda x: x[1:4],
                        lambda back, g, x, y: back(g, x.shape, 0, 1, 4, 1))],
    "diagonal_backward": [("", "n n", lambda x: torch.diagonal(x),
                           lambda back, g, x, y: back(g, x.shape, 0, 0, 1))],
    "unfold_backward": [("", "m 6", lambda x: x.unfold(1, 3, 3),
                         lambda back, g, x, y: back(g, x.shape, 1, 3, 3))],
    "native_dropout_backward": [("", REAL, lambda x: 2 * x, lambda back, g, x, y: back(
        g, torch.ones_like(x), 2.0))],
}
"""Functions of one array, by the name of the operator."""
REDUCED = ("none", "mean", "sum")
LOSSES: dict[str, tuple[Any, Any, Ahead, tuple[Any, ...]]] = {
    # input, target, the loss, what else is handed over behind the reduction
    "mse_loss_backward": (REAL, REAL, F.mse_loss, ()),
    "smooth_l1_loss_backward": (REAL, REAL, F.smooth_l1_loss, (1.0,)),
    "huber_loss_backward": (REAL, REAL, F.huber_loss, (1.0,)),
    "soft_margin_loss_backward": (REAL, REAL, F.soft_margin_loss, ()),
    "binary_cross_entropy_backward": (UNIT, UNIT, F.binary_cross_entropy, ()),
}
BOUND = ("x (1 - x) is taken as 1e-12 where it is less",)
KNOWN = {f"binary_cross_entropy_backward, {reduction}": BOUND for reduction in ("none", "sum")}
"""What is not the derivative everywhere, and why."""
HOME = "torch._decomp.decompositions"


def rows() -> Iterator[Row]:
    for name, found in ONE.items():
        for said, kind, ahead, back in found:
            yield Row("torch._decomp", f"{name} {said}".strip(), HOME,
                      lambda module, name=name, kind=kind, ahead=ahead, back=back: one(
                          inspect.unwrap(getattr(module, name)), kind, ahead, back))
    for name, (x, target, loss, more) in LOSSES.items():
        for number, reduction in enumerate(REDUCED):
            yield Row("torch._decomp", f"{name}, {reduction}", HOME,
                      lambda module, name=name, x=x, target=target, loss=loss, more=more,
                      number=number: of_loss(inspect.unwrap(getattr(module, name)), x, target, loss,
                                             number, more),
                      known=KNOWN.get(f"{name}, {reduction}", ()))
    for place, by in enumerate(("x", "weight")):
        yield Row("torch._decomp", f"_prelu_kernel_backward by {by}", HOME,
                  lambda module, place=place: prelu(
                      inspect.unwrap(module._prelu_kernel_backward), place))
    for place, by in enumerate(("x", "weight", "bias")):
        yield Row("torch._decomp", f"native_layer_norm_backward by {by}", HOME,
                  lambda module, place=place: layer_norm(
                      inspect.unwrap(module.native_layer_norm_backward), place))


def one(found: Ahead, kind: Any, ahead: Ahead, back: Ahead) -> Any:
    made = rule(1, lambda given: ahead(*given),
                lambda given, result, grad: (back(found, grad, given[0], result),))
    return gp.check_layer(made, inputs={"a": kind}, repair_seconds=0, time_limit=240)


def of_loss(
    found: Ahead, x: Any, target: Any, loss: Ahead, number: int, more: tuple[Any, ...]
) -> Any:
    def back(given: Any, result: Any, grad: Any) -> Any:
        weights = (None,) if loss is F.binary_cross_entropy else ()
        return found(grad, *given, *weights, number, *more), None

    made = rule(2, lambda given: loss(*given, reduction=REDUCED[number]), back)
    return gp.check_layer(made, inputs={"a": x, "b": target}, wrt=["a"], repair_seconds=0,
                          time_limit=240)


def prelu(found: Ahead, place: int) -> Any:
    made = rule(2, lambda given: torch.where(given[0] > 0, given[0], given[1] * given[0]),
                lambda given, result, grad: found(grad, *given))
    return gp.check_layer(made, inputs={"a": REAL, "b": REAL}, wrt=["ab"[place]], repair_seconds=0,
                          time_limit=240)


def layer_norm(found: Ahead, place: int) -> Any:
    def back(given: Any, result: Any, grad: Any) -> Any:
        x, weight, bias = given
        mean = x.mean(-1, keepdim=True)
        rstd = torch.rsqrt(((x - mean) ** 2).mean(-1, keepdim=True) + 1e-5)
        return found(grad, x, list(weight.shape), mean, rstd, weight, bias, [True, True, True])

    made = rule(3, lambda given: F.layer_norm(given[0], given[1].shape, given[1], given[2], 1e-5),
                back)
    return gp.check_layer(made, inputs={"a": "m n", "b": "n", "c": "n"}, wrt=["abc"[place]],
                          repair_seconds=0, time_limit=240)
