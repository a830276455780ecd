"""What is handed over as a layer: an object, a class or function that makes one, functions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.inputs import Inputs
from gradproof.checks.layer_calls import LayerFails, in_order, taken_constants
from gradproof.checks.layer_objects.autograd_functions import (
    custom_op_of,
    is_autograd_function,
    no_module,
    of_autograd_function,
    of_custom_op,
)
from gradproof.checks.layer_objects.blobs import (
    MOST,
    output_of,
    takes_blobs,
    takes_nothing,
    with_attributes,
    with_blobs,
)
from gradproof.checks.layer_objects.contexts import as_object, takes_context, with_context
from gradproof.checks.layer_objects.custom_jvps import of_custom_jvp
from gradproof.checks.layer_objects.custom_rules import custom_of, of_custom_vjp
from gradproof.checks.layer_objects.methods import Methods, Style, is_static, methods_of
from gradproof.checks.layer_objects.running import made
from gradproof.checks.points import Point
from gradproof.checks.returned import LayerError


@dataclass(frozen=True)
class Found:
    """An object with two passes: how it is made, and one that was made.

    own, fixed: the inputs and constants that it is made of.
    """

    make: Callable[..., Any]
    title: str
    layer: Any
    methods: Methods
    own: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


def found_in(
    source: Any, taken: Inputs, constants: Mapping[str, Any], point: Point
) -> Found:
    """An object, a class, a function that makes one, or a function that returns value and
    gradients."""
    title = getattr(source, "__name__", type(source).__name__)
    source = _with_passes(source, taken, constants)
    if _is_object(source) and not takes_blobs(source):
        found = _unmade(source, title)
        return _attributes(found, taken, point) or found
    if takes_blobs(source):
        source = _blobs(source, taken, point)
    if not callable(source):
        raise LayerError(f"expected a layer, a class or a function that makes one, got {title}")
    if isinstance(source, type) and (passes := _plain_passes(source, title)):
        if takes_context(getattr(source, passes.ahead), taken.given):
            source = with_context(source, {
                name: getattr(source, name) for name in (passes.ahead, passes.behind)})
        else:
            return _unmade(as_object(title, source.__module__, {
                name: getattr(source, name) for name in (passes.ahead, passes.behind)}), title)
    own, fixed = tuple(order(source, taken.given)), taken_constants(source, constants)
    values = taken.at(point.values)
    try:
        layer = made(source, own, fixed, values, copy.deepcopy(dict(constants)))
    except Exception as error:
        raise LayerFails(f"{title} fails at {point}: {in_one_line(error)}") from error
    if not isinstance(source, type) and (style := _style_of(layer)):
        one = as_object(title, getattr(source, "__module__", ""), {"__call__": source})
        return replace(_unmade(one, title),
                       methods=Methods("__call__", "__call__", style, is_static=True))
    if isinstance(layer, np.ndarray | float | int | np.generic | tuple):
        raise LayerError(f"{title} returns {_said(layer)}; expected a layer, or a value with its "
                         f"gradients (loss, dx); a backward pass that is a function of its own is "
                         f"the second argument, as in gp.check_layer({title}, backward, ...)")
    found = Found(source, title, layer, methods_of(layer, title), own, fixed)
    return _attributes(found, taken, point) or found


def _with_passes(source: Any, taken: Inputs, constants: Mapping[str, Any]) -> Any:
    """A class with two passes, of a function to which another library gives a derivative."""
    names = tuple(taken.given), tuple(constants)
    if (ruled := custom_of(source, "custom_vjp")) is not None:
        return of_custom_vjp(ruled, names[0])
    if (ruled := custom_of(source, "custom_jvp")) is not None:
        return of_custom_jvp(ruled, names[0])
    if is_autograd_function(source):
        return of_autograd_function(source, *names)
    no_module(source)
    if (operator := custom_op_of(source)) is not None:
        return of_custom_op(operator, *names)
    return source


def _blobs(source: Any, taken: Inputs, point: Point) -> Any:
    """A layer of Caffe's, with as many blobs on top as it asks for."""
    make = source if isinstance(source, type) else partial(copied, source)
    module = source.__module__
    for tops in range(1, MOST + 1):
        made = with_blobs(make, tuple(taken.given), taken.real, tops, module)
        try:
            with np.errstate(all="ignore"):
                made().forward(**taken.at(point.values))
        except IndexError:
            continue
        except Exception:  # it will fail again where its failure is the finding
            return made
        return made
    return with_blobs(make, tuple(taken.given), taken.real, 1, module)


def _attributes(found: Found, taken: Inputs, point: Point) -> Found | None:
    """A layer that is handed nothing, and has its arrays on itself."""
    ahead, behind = found.methods.ahead, found.methods.behind
    if found.methods.style != "layer" or not takes_nothing(found.layer, ahead, behind):
        return None
    names = [name for name in taken.given if name not in found.own]
    values = taken.at(point.values)
    try:
        output = output_of(copied(found.layer), ahead, {name: values[name] for name in names})
    except Exception as error:
        raise LayerFails(f"{found.title} fails at {point}: {in_one_line(error)}") from error
    if not output or found.own:
        raise LayerError(f"{found.title}: {ahead}() takes nothing, and which attribute is its "
                         "output cannot be told; expected one that it sets, such as Y or out")
    cls = with_attributes(found.make, ahead, behind, names, output, type(found.layer).__module__)
    return Found(cls, found.title, cls(), Methods("forward", "backward"))


def _unmade(layer: Any, title: str) -> Found:
    """Of an object that is there; each run begins with the object as it is now."""
    try:
        methods = methods_of(layer, title)
    except LayerError:
        methods = Methods("__call__", "__call__")
    return Found(partial(copied, layer), title, copied(layer), methods)


def _is_object(source: Any) -> bool:
    """Whether it is a layer, and no class or function that makes one."""
    if isinstance(source, type | FunctionType | MethodType | BuiltinFunctionType | partial):
        return False
    try:
        return methods_of(source, "").style != "joint" or not callable(source)
    except LayerError:
        return False


def _plain_passes(owner: type, title: str) -> Methods | None:
    """The passes of a class that are plain functions."""
    try:
        found = methods_of(owner, title)
    except LayerError:
        return None
    return found if found.is_static and is_static(owner, found.ahead) else None


def _style_of(returned: Any) -> Style | None:
    """What a function returned that is no layer: a value with its gradients, or with a function
    of the cotangent."""
    if not isinstance(returned, tuple) or len(returned) < 2:
        return None
    if callable(returned[-1]):
        return "closure"
    return "joint" if np.ndim(returned[0]) == 0 and isinstance(
        returned[0], float | int | np.generic | np.ndarray) else None


def _said(value: Any) -> str:
    return f"{len(value)} values" if isinstance(value, tuple) else "an array or a number"


def order(function: Callable[..., Any], given: Mapping[str, Any]) -> list[str]:
    """The given inputs that a function takes, in its order; all of them of a built-in."""
    return list(given) if isinstance(function, np.ufunc) else in_order(function, given)


def copied(layer: Any) -> Any:
    return copy.deepcopy(layer)
