"""How the two passes of a layer are called: what goes into which, and what nothing takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradproof.checks.inputs import Inputs, meant, takes
from gradproof.checks.layer_calls import Signature, all_used, taken_constants
from gradproof.checks.layer_objects.custom_rules import JAX
from gradproof.checks.layer_objects.frameworks import NUMPY, TORCH, Arrays
from gradproof.checks.layer_objects.running import Plan
from gradproof.checks.layer_objects.sources import Found
from gradproof.checks.layer_objects.updates import RATE, RATES
from gradproof.checks.returned import LayerError


def rates(found: Found, constants: Mapping[str, Any]) -> dict[str, float]:
    """The rate by which a backward pass updates its parameters, where it asks for one."""
    if found.methods.style != "layer":
        return {}
    parameters = inspect.signature(getattr(found.layer, found.methods.behind)).parameters
    return {name: RATE for name, parameter in parameters.items()
            if name in RATES and name not in constants and parameter.default is parameter.empty}


def planned(found: Found, taken: Inputs, constants: Mapping[str, Any]) -> Plan:
    """How the layer is called.  LayerError for an input or a constant that nothing takes."""
    layer, methods, title = found.layer, found.methods, found.title
    arrays = getattr(type(layer), "arrays", NUMPY)
    arrays = arrays if isinstance(arrays, Arrays) else NUMPY
    entering = tuple(name for name in taken.given if name not in found.own)
    forward = getattr(layer, methods.ahead)
    built_in = isinstance(forward, np.ufunc)  # its parameters are its arrays, in their order
    parameters = list(entering if built_in else inspect.signature(forward).parameters)
    for name in entering:
        if name not in parameters and not _takes_any(forward):
            raise LayerError(f"{name!r} is a parameter neither of {title}({_listed(found.make)}) "
                             f"nor of its {methods.ahead}({', '.join(parameters)})"
                             f"{meant(name, parameters)}")
    places: tuple[str, ...] = ()
    fixed_ahead = () if built_in else taken_constants(forward, constants)
    if not built_in:
        takes(methods.ahead, forward, dict.fromkeys((*entering, *fixed_ahead)))
    signature, used = Signature(), tuple[str, ...]()
    if methods.style == "layer":
        if arrays in (TORCH, JAX):  # what backward takes are the cotangents of the outputs
            signature = Signature(whole=True)
            places = tuple(layer.names if arrays is TORCH else taken.real)
        else:
            signature = Signature.of(getattr(layer, methods.behind), entering, constants)
        used = signature.keywords
    elif methods.style == "closure":
        signature = Signature(("dout",))
    elif methods.style == "slope":
        used = taken_constants(getattr(layer, methods.behind), constants)
    all_used(constants, (*found.fixed, *fixed_ahead, *used))
    return Plan(found.own, found.fixed, dict(taken.arguments), methods, entering, fixed_ahead,
                signature, is_built_in=built_in, arrays=arrays, places=places,
                has_tangents=arrays is JAX and hasattr(layer, "tangents"))


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def _listed(function: Callable[..., Any]) -> str:
    return ", ".join(inspect.signature(function).parameters)
