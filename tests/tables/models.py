"""Small models, one or more for each type of layer, and values that fit them."""

from typing import Any

import numpy as np

from gradproof.symbolic.equation import Size
from gradproof.symbolic.specs.model import Model

CE = "cross_entropy_from_logits"
DENSE = {"type": "dense", "units": 3}

CASES: dict[str, Model] = {
    "lenet": Model("m 1 8 8", [
        {"type": "conv2d", "channels": 2, "kernel": 3, "padding": 1, "activation": "relu"},
        {"type": "max_pool2d", "kernel": 2}, {"type": "conv2d", "channels": 3, "kernel": [2, 3]},
        "tanh", {"type": "avg_pool2d", "kernel": 2, "stride": 1}, "flatten", DENSE,
    ], CE),
    "conv1d": Model("m 2 9", [
        {"type": "conv1d", "channels": 3, "kernel": 3, "stride": 2, "dilation": 2, "bias": False},
        {"type": "max_pool1d", "kernel": 2, "stride": 1}, {"type": "avg_pool1d", "kernel": 2},
        "flatten", DENSE]),
    "batch norm": Model("m 4", [{"type": "dense", "units": 5, "bias": False}, "batch_norm", "relu",
                                DENSE]),
    "layer norm": Model("m n", [{"type": "dense", "units": 4}, "layer_norm", "gelu", DENSE]),
    "rms norm": Model("m n", ["rms_norm", {"type": "dense", "units": 4, "activation": "silu"}]),
    "group norm": Model("m 4 6", [{"type": "group_norm", "groups": 2}, "flatten", DENSE]),
    "dropout": Model("m n", [{"type": "dropout", "keep": 0.75}, DENSE], CE),
    "residual": Model("m n", [
        {"type": "dense", "units": "n", "activation": "tanh", "name": "inner"},
        {"type": "add", "inputs": ["inner", "input"]},
        {"type": "multiply", "inputs": ["inner", "input"]}, DENSE]),
    "concat and split": Model("m 5", [
        {"type": "split", "sizes": [2, 3], "name": "halves"},
        {"type": "dense", "units": 2, "inputs": ["halves.1"], "name": "right"},
        {"type": "concat", "inputs": ["halves.0", "right", "input"]}, DENSE]),
    "reshape": Model("m 6", [{"type": "reshape", "shape": "m 2 3"}, {"type": "mean", "axis": 1},
                             "softmax", {"type": "activation", "function": "z*tanh(z) + z"}]),
    "log softmax": Model("m n", [DENSE, "log_softmax"]),
    "attention": Model("m T 4", [
        {"type": "dense", "units": 4, "name": "q"},
        {"type": "dense", "units": 4, "inputs": ["input"], "name": "k"},
        {"type": "dense", "units": 2, "inputs": ["input"], "name": "v"},
        {"type": "attention", "inputs": ["q", "k", "v"], "causal": True}]),
    "cross attention": Model("m T 4", [
        {"type": "dense", "units": 6, "name": "memory"},
        {"type": "multi_head_attention", "heads": 2, "inputs": ["input", "memory"]}]),
    "transformer": Model("m T", [
        {"type": "embedding", "units": 4},
        {"type": "transformer_block", "heads": 2, "units": 3, "causal": True},
        "layer_norm", {"type": "dense", "units": 7}], CE, kind="labels 7"),
    "post-norm": Model("m T 4", [
        {"type": "transformer_block", "heads": 2, "units": 3, "norm_first": False,
         "activation": "tanh"}]),
    "rnn": Model("T m n", [{"type": "rnn", "units": 2}, "last", DENSE], CE),
    "lstm": Model("T m n", [{"type": "lstm", "units": "h"}, "last", DENSE], CE),
    "gru": Model("T m n", [{"type": "gru", "units": 2}, DENSE], CE, sample_weights=True),
    "gru as published": Model("T m n", [{"type": "gru", "units": 2, "reset_after": False},
                                        "last", DENSE], l2=0.5),
    "options": Model("m n", [DENSE], CE, l1="lam", label_smoothing=0.1, sample_weights=True),
}

SIZES = {"m": 4, "n": 5, "T": 3, "h": 2}


def values_for(model: Model, seed: int = 0) -> dict[str, Any]:
    """Random arrays; masks of zeros and ones, labels, targets that sum to one where they must."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for array in model.system().inputs:
        shape = tuple(number(size) for size in array.shape)
        if array.kind == "labels":
            values[array.name] = rng.integers(0, number(array.classes), shape)
        elif array.kind == "mask":
            values[array.name] = (rng.uniform(size=shape) < 0.7).astype(float)
        elif array.kind == "probability":
            values[array.name] = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        else:
            values[array.name] = rng.normal(size=shape)
    return values


def number(size: Size) -> int:
    return int(size.subs({symbol: SIZES[str(symbol)] for symbol in size.free_symbols}))
