"""Shapes for the parameters of a layer that nobody has given: by what they are called, and by what
fits.

Each layout is a way in which layers are written; what runs, with gradients of the shapes of their
parameters, is taken, and said.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from gradproof.checks.layer_objects.methods import plain
from gradproof.checks.layer_objects.slopes import TARGETS
from gradproof.checks.layers import fits
from gradproof.symbolic.equation import Array, Kind
from gradproof.symbolic.shapes import parse_shape

ROLES: dict[str, tuple[str, ...]] = {
    "data": ("x", "input", "inputs", "data", "z", "a", "aprev", "inp", "inputdata", "layerinput",
             "xt", "u", "logits", "scores", "ypred", "yhat", "pred", "preds", "predictions",
             "predicted", "outputs", "output", "p", "prob", "probs", "features", "images", "img"),
    "weight": ("w", "weight", "weights", "kernel", "kernels", "filters", "theta", "wout"),
    "bias": ("b", "bias", "biases", "b0", "w0"),
    "vector": ("gamma", "beta", "scale", "shift", "gain"),
    "label": tuple(map(plain, TARGETS)),
    "state": ("h", "hprev", "prevh", "h0", "aprev0", "c", "cprev", "prevc", "c0", "hidden"),
    "recurrent": ("wh", "whh", "uh", "waa"),
    "entering": ("wx", "wxh", "wax", "win"),
    "width": ("inputsize", "inputdim", "indim", "nin", "ninputs", "infeatures", "numinputs",
              "insize", "ninput", "inputunits", "dimin", "fanin", "inputs", "nfeatures", "dim"),
    "units": ("outputsize", "outputdim", "outdim", "nout", "noutputs", "outfeatures", "numoutputs",
              "outsize", "noutput", "units", "nunits", "outputunits", "dimout", "numout", "neurons",
              "nneurons", "hiddensize", "nhidden", "numhidden", "numunits"),
}
"""What parameters are, by their plain names."""

LAYOUTS: tuple[dict[str, Any], ...] = (
    {"data": "m n", "weight": "n h", "bias": "h", "vector": "n", "state": "m h",
     "recurrent": "h h", "entering": "n h"},
    {"data": "m n", "weight": "n h", "bias": "1 h", "vector": "1 n", "state": "m h",
     "recurrent": "h h", "entering": "n h"},
    {"data": "n m", "weight": "h n", "bias": "h 1", "vector": "n 1", "state": "h m",
     "recurrent": "h h", "entering": "h n"},
    {"data": "m 4", "weight": "4 3", "bias": "3", "vector": "4", "width": 4, "units": 3},
    {"data": "4 m", "weight": "3 4", "bias": "3 1", "vector": "4 1", "width": 4, "units": 3},
    {"data": "4 1", "weight": "3 4", "bias": "3 1", "vector": "4 1", "width": 4, "units": 3},
    {"data": "m n", "weight": "n 4*h", "bias": "4*h", "state": "m h", "recurrent": "h 4*h",
     "entering": "n 4*h"},
    {"data": "n", "weight": "h n", "bias": "h", "vector": "n"},
    {"data": "m 3 n", "weight": "n h", "bias": "h", "vector": "n", "state": "m h",
     "recurrent": "h h", "entering": "n h"},
    {"data": "m 2 n", "weight": "n 4*h", "bias": "4*h", "state": "m h", "recurrent": "h 4*h",
     "entering": "n 4*h"},
    {"data": "2 2 4 4", "weight": "3 2 3 3", "bias": "3", "vector": "2"},
    {"data": "2 2 4 4", "weight": "3 2 3 3", "bias": "3", "vector": "1 2 1 1"},
)
"""Shapes by role: rows, columns, sizes in numbers, gates side by side, sequences, images."""

SETTINGS: dict[str, Any] = {
    "bnparam": {"mode": "train"}, "lnparam": {}, "gnparam": {}, "reg": 0.1, "stride": 1, "pad": 0,
    "padding": 0, "eps": 1e-5, "epsilon": 1e-5, "convparam": {"stride": 1, "pad": 1},
    "poolparam": {"pool_height": 2, "pool_width": 2, "stride": 2}, "alpha": 0.1, "slope": 0.1,
    "dropoutparam": {"mode": "test", "p": 0.5}, "training": True, "train": True, "lambd": 0.1,
    "lam": 0.1, "delta": 1.0, "g": 2, "groups": 2, "numgroups": 2,
}
"""Values for settings, by their plain names."""


def guessed(
    forward: Any, backward: Any, makes: Callable[..., Any] | None, first: Callable[..., Any]
) -> list[dict[str, Any]]:
    """Inputs on which a layer runs, with gradients of the right shapes; none where none is found.

    Of the first layout that does, all that its targets may be.  forward, backward: as `check_layer`
    takes them.  makes: what takes a layer's parameters; first: its first pass.
    """
    names = [*_needed(makes), *_needed(first)] if makes is not None else _needed(first)
    for layout in LAYOUTS:
        found = [inputs for inputs in _candidates(names, first, layout)
                 if not fits(forward, backward, inputs)]
        if found:
            return found
    return []


def proposed(makes: Callable[..., Any] | None, first: Callable[..., Any]) -> str:
    """Keywords that say the shapes, as a user would begin to write them."""
    names = [*_needed(makes), *_needed(first)] if makes is not None else _needed(first)
    layout = {**LAYOUTS[0], "label": "m", "width": 4, "units": 3}
    return said({name: SETTINGS.get(plain(name), layout.get(_role(name, ""), "..."))
                 for name in dict.fromkeys(names)})


def said(inputs: Mapping[str, Any]) -> str:
    """Inputs as keywords of a call.

    >>> said({"x": "m n", "y": _array("m", "labels", "n"), "reg": 0.1})
    'x="m n", y=gp.Array("m", kind="labels n"), reg=0.1'
    """
    return ", ".join(f"{name}={_said(value)}" for name, value in inputs.items())


def _said(value: Any) -> str:
    if not isinstance(value, Array):
        return f'"{value}"' if isinstance(value, str) else repr(value)
    shape = " ".join(map(str, value.shape))
    kind = f"labels {value.classes}" if value.kind == "labels" else value.kind
    ends = "".join(f", {end}={number}" for end, number in (("low", value.low), ("high", value.high))
                   if number is not None)
    return f'gp.Array("{shape}", kind="{kind}"{ends})'


def _needed(function: Callable[..., Any] | None) -> list[str]:
    """The parameters without a default; a cotangent's and the object's are none."""
    if function is None:
        return []
    return [p.name for p in inspect.signature(function).parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            and p.name not in ("self", "ctx", "context")]


def _role(name: str, otherwise: str) -> str:
    key = plain(name)
    return next((role for role, names in ROLES.items() if key in names),
                otherwise if key not in SETTINGS else "")


def _candidates(
    names: Sequence[str], first: Callable[..., Any], layout: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Inputs in a layout that has something for each of the names."""
    entering = _needed(first)[:1]
    roles = {name: _role(name, "data" if name in entering else "") for name in names}
    if "label" in roles.values() and "data" not in roles.values():
        roles[next(name for name in names if roles[name] == "label")] = "data"
    values = {name: layout.get(role, SETTINGS.get(plain(name))) for name, role in roles.items()}
    if any(value is None and roles[name] != "label" for name, value in values.items()):
        return
    labels = list(_labels(layout)) if "label" in roles.values() else [None]
    for low, high in ((None, None), (0, 1)):
        for label in labels:
            yield {name: label if role == "label" else _within(values[name], low, high)
                   if role == "data" else values[name] for name, role in roles.items()}
        if not labels[0]:
            return


def _array(shape: str, kind: Kind, classes: str = "") -> Array:
    return Array("", parse_shape(shape), kind,
                 classes=parse_shape(classes)[0] if classes else None)


def _within(shape: str, low: int | None, high: int | None) -> Any:
    if low is None or high is None:
        return shape
    return replace(_array(shape, "interval"), low=sp.Rational(low), high=sp.Rational(high))


def _labels(layout: Mapping[str, Any]) -> Iterator[Any]:
    """Targets for data of a shape: the same, one of its columns for each row, a row of 0 and 1."""
    *rows, last = str(layout["data"]).split()
    yield layout["data"]
    if rows:
        yield _array(" ".join(rows), "labels", last)
        yield _array(str(layout["data"]), "one_hot")
        weight = str(layout.get("weight", "")).split()
        if weight and weight[-1] != last:
            yield _array(" ".join(rows), "labels", weight[-1])
