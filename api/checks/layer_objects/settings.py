"""What of the keywords of a layer check is an input, and what is handed on as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WORDS = frozenset((
    "train", "training", "test", "testing", "eval", "evaluate", "inference", "predict", "same",
    "valid", "full", "causal", "reflect", "replicate", "zeros", "constant", "max", "avg", "average",
    "mean", "sum", "none", "relu", "leaky_relu", "tanh", "sigmoid", "softmax", "linear",
    "identity", "gelu", "elu", "selu", "softplus", "channels_first", "channels_last", "nchw",
    "nhwc"))
"""Texts that are settings, and no names of sizes."""

NAMES = frozenset((
    "mode", "padding", "activation", "activation_function", "act", "act_fn", "reduction", "init",
    "initializer", "dtype", "data_format", "phase", "nonlinearity", "pool_type", "pooling"))
"""Parameters whose texts are settings, whatever they are."""


def sorted_out(
    given: Mapping[str, Any], constants: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs, and what is handed on as it is.

    >>> sorted_out({"x": "m n", "stride": 2, "bn_param": {"mode": "train", "eps": 1e-5}}, {})
    ({'x': 'm n'}, {'stride': 2, 'bn_param': {'mode': 'train', 'eps': 1e-05}})

    Raises ValueError for a name that is given as both.
    """
    sizes = {word for value in given.values() if isinstance(value, str) and " " in value.strip()
             for word in value.split()}
    fixed = {name: value for name, value in given.items()
             if is_setting(name, value) and not (isinstance(value, str) and value in sizes)}
    for name in constants:
        if name in given:
            raise ValueError(f"{name!r} is given as an input and as a constant")
    arrays = {name: value for name, value in given.items() if name not in fixed}
    return arrays, {**fixed, **constants}


def is_setting(name: str, value: Any) -> bool:
    """Whether a value is no array and no shape: a number, a bool, None, a word such as "train", a
    function, or a dict, a tuple of such.

    A dict with a word in it is one of settings, with all that it has.
    """
    if isinstance(value, Mapping):
        return bool(value) and (
            any(isinstance(inner, str) and is_setting(str(key), inner)
                for key, inner in value.items())
            or all(is_setting(str(key), inner) for key, inner in value.items()))
    if isinstance(value, str):
        return name in NAMES or value.lower() in WORDS
    if isinstance(value, tuple):
        return all(isinstance(inner, int | None) for inner in value)
    return value is None or isinstance(value, bool | int | float)


def with_reference(reference: Any, shapes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inputs; a reference that is no function is the shape of one that is called so."""
    is_input = reference is not None and not callable(reference)
    return {**shapes, "reference": reference} if is_input else shapes
