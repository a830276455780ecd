"""Rows of mygrad: its operations, `op(x)` and `op.backward_var(grad, index)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from public_rows.row import Row

import gradproof as gp

REAL, POSITIVE = gp.Array("m n"), gp.Array("m n", kind="positive")
INSIDE = gp.Array("m n", kind="interval", low=-1, high=1)
ACUTE = gp.Array("m n", kind="interval", low=0, high=1)
BEYOND_1 = gp.Array("m n", kind="interval", low=1)
MATH, NN = "mygrad.math", "mygrad.nnet"

ONE: dict[str, dict[str, Any]] = {
    f"{MATH}.misc.ops": {"Abs": REAL, "Sqrt": POSITIVE, "Cbrt": POSITIVE},
    f"{MATH}.arithmetic.ops": {"Reciprocal": POSITIVE, "Square": REAL, "Positive": REAL,
                               "Negative": REAL},
    f"{MATH}.trigonometric.ops": {
        "Sin": REAL, "Sinc": REAL, "Cos": REAL, "Tan": ACUTE, "Csc": ACUTE, "Sec": ACUTE,
        "Cot": ACUTE, "Arcsin": INSIDE, "Arccos": INSIDE, "Arctan": REAL, "Arccsc": BEYOND_1,
        "Arcsec": BEYOND_1, "Arccot": POSITIVE},
    f"{MATH}.exp_log.ops": {"Exp": REAL, "Exp2": REAL, "Expm1": REAL, "Log": POSITIVE,
                            "Log2": POSITIVE, "Log10": POSITIVE, "Log1p": POSITIVE},
    f"{MATH}.hyperbolic_trig.ops": {
        "Sinh": REAL, "Cosh": REAL, "Tanh": REAL, "Csch": POSITIVE, "Sech": REAL,
        "Coth": POSITIVE, "Arcsinh": REAL, "Arccosh": BEYOND_1, "Arctanh": INSIDE,
        "Arccsch": POSITIVE, "Arccoth": BEYOND_1},
    f"{NN}.activations.relu": {"ReLu": REAL}, f"{NN}.activations.selu": {"SELU": REAL},
    f"{NN}.activations.sigmoid": {"Sigmoid": REAL},
}
"""By module: operations of one array."""
TWO: dict[str, dict[str, tuple[Any, Any]]] = {
    f"{MATH}.misc.ops": {"Maximum": (REAL, REAL), "Minimum": (REAL, REAL),
                         "MatMul": ("b m n", "n k")},
    f"{MATH}.arithmetic.ops": {"Add": (REAL, "n"), "Subtract": (REAL, "m 1"),
                               "Multiply": (REAL, "n"), "Divide": (REAL, POSITIVE),
                               "Power": (POSITIVE, REAL)},
    f"{MATH}.trigonometric.ops": {"Arctan2": (REAL, REAL)},
    f"{MATH}.exp_log.ops": {"Logaddexp": (REAL, REAL), "Logaddexp2": (REAL, REAL)},
}
"""By module: operations of two arrays."""
OPTIONS: dict[str, dict[str, list[tuple[Any, dict[str, Any]]]]] = {
    f"{MATH}.sequential.ops": {
        "Sum": [(REAL, {"axis": 0}), (REAL, {"axis": 1, "keepdims": True}), (REAL, {"axis": None})],
        "Mean": [(REAL, {"axis": 0}), (REAL, {"axis": None})],
        "Prod": [(gp.Array("m 3", kind="positive"), {"axis": 1})],
        "CumSum": [(REAL, {"axis": 0})], "CumProd": [(gp.Array("m 3", kind="positive"),
                                                      {"axis": 1})],
        "Variance": [(REAL, {"axis": 0, "ddof": 0, "keepdims": False}),
                     (REAL, {"axis": 1, "ddof": 1, "keepdims": True})],
        "StdDev": [(REAL, {"axis": 0, "ddof": 0, "keepdims": False})],
    },
    f"{NN}.activations.elu": {"ELU": [(REAL, {"alpha": 0.5})]},
    f"{NN}.activations.softmax": {"Softmax": [(REAL, {})], "LogSoftmax": [(REAL, {})]},
    "mygrad.linalg.ops": {"Norm": [(REAL, {"axis": 1}), (REAL, {"axis": 0, "ord": 1})]},
    "mygrad.tensor_manip.transpose_like.ops": {
        "Transpose": [("m n k", {"axes": (2, 0, 1)})],
        "MoveAxis": [("m n k", {"source": 0, "destination": 2})],
        "SwapAxes": [("m n k", {"axis1": 0, "axis2": 2})],
        "Roll": [(REAL, {"shift": 1, "axis": 0})]},
    "mygrad.tensor_manip.array_shape.ops": {
        "Reshape": [("m 6", {"newshape": (-1, 2, 3)})], "Squeeze": [("m 1 n", {"axis": 1})],
        "Ravel": [(REAL, {})], "ExpandDims": [(REAL, {"axis": 1})],
        "BroadcastTo": [("4", {"shape": (3, 4)})]},
    "mygrad.tensor_manip.tiling.ops": {"Repeat": [("m 4", {"repeats": 3, "axis": 1})]},
}
"""By module: operations of one array and of options."""


class Box:
    """What an operation reads of a tensor of mygrad's."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.ndim, self.shape, self.dtype = data.ndim, data.shape, data.dtype

    def __gt__(self, other: Any) -> Any:
        return self.data > other


def rows() -> Iterator[Row]:
    for module, operations in ONE.items():
        for name, kind in operations.items():
            yield row(module, name, [kind])
    for module, pairs in TWO.items():
        for name, kinds in pairs.items():
            for place in (0, 1):
                yield row(module, name, kinds, place)
    for module, called in OPTIONS.items():
        for name, calls in called.items():
            for kind, options in calls:
                yield row(module, name, [kind], options=options)


def row(
    module: str, name: str, kinds: Sequence[Any], place: int = 0,
    options: dict[str, Any] | None = None,
) -> Row:
    said = ", ".join(f"{key}={value!r}" for key, value in (options or {}).items())
    what = name + (f" by {'xy'[place]}" if len(kinds) > 1 else "") + (f" ({said})" if said else "")
    return Row("mygrad", what, module, lambda found: checked(
        getattr(found, name), kinds, place, options or {}))


def checked(
    operation: Callable[[], Any], kinds: Sequence[Any], place: int, options: dict[str, Any]
) -> Any:
    def called(*arrays: Any) -> Any:
        made = operation()
        return made(*map(Box, arrays), **options), (made, arrays)

    def backward(dout: Any, kept: Any) -> Any:
        made, arrays = kept
        found = made.backward_var(dout, place)
        return made.grad_post_process_fn(found, arrays[place].shape)

    forward = (lambda x: called(x)) if len(kinds) == 1 else (lambda x, y: called(x, y))
    return gp.check_layer(forward, backward, inputs=dict(zip("xy", kinds, strict=False)),
                          wrt=["xy"[place]], repair_seconds=0, time_limit=240)
