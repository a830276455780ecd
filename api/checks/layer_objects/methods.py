"""Which methods of an object are its passes: the names that public code gives them, in one table.

Names are compared without underscores and in lower case, so ``forwardPass`` is ``forward_pass``.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gradproof.checks.returned import LayerError

Style: TypeAlias = Literal["layer", "slope", "joint", "closure"]
"""layer: its second method takes the cotangent.  slope: its second method is the derivative of the
first, and takes what that takes, or its result.  joint: one method returns value and gradients.
closure: one method returns its value and the second pass, a function of the cotangent."""

FORWARD = ("forward", "forwardpass", "forwardprop", "forwardpropagate", "forwardpropagation",
           "propagateforward", "feedforward", "fprop", "fwdprop", "forwards", "fwd", "call",
           "beginupdate", "__call__")
"""The first pass of a layer."""

BACKWARD = ("backward", "backwardpass", "backwardprop", "backwardpropagate",
            "backwardpropagation", "propagatebackward", "backprop", "backpropagate",
            "backpropagation", "bprop", "bwdprop", "backwards", "bwd", "back", "vjp", "pullback")
"""The second pass of a layer, which takes the cotangent."""

VALUE = ("__call__", "forward", "fn", "func", "function", "f", "value", "activation", "activate",
         "activationfunction", "act", "loss", "cost", "lossfunction", "computeloss",
         "calculateloss", "objective", "compute", "calculate", "evaluate", "call", "apply",
         "transfer")
"""A function with a derivative beside it."""

SLOPE = ("derivative", "gradient", "grad", "prime", "deriv", "diff", "slope", "df", "dfn", "dfunc",
         "fprime", "fnprime", "fder", "derive", "derivate", "differentiate", "dvalue",
         "activationderivative", "activationprime", "activationgrad", "dactivation",
         "lossderivative", "lossgrad", "lossgradient", "lossprime", "dloss", "costderivative",
         "computegradient", "calculategradient", "backward", "delta")
"""The derivative of such a function."""

JOINT = ("loss", "lossandgrad", "lossandgradient", "lossandgradients", "lossgrad", "cost",
         "costandgrad", "costandgradient", "forwardbackward", "valueandgrad", "computeloss",
         "objective", "__call__")
"""A method that returns a value and its gradients."""


@dataclass(frozen=True)
class Methods:
    """The names of the two methods, which are one where it returns both.

    is_static: the second is a plain function, which is not handed the object.
    """

    ahead: str
    behind: str
    style: Style = "layer"
    is_static: bool = False


def plain(name: str) -> str:
    """A name as the tables have it."""
    return name if name.startswith("__") else name.replace("_", "").lower()


def methods_of(layer: Any, title: str) -> Methods:
    """LayerError for an object that has no pair of such methods, with what it has."""
    there = _callables(layer)
    ahead, behind = _first(there, FORWARD), _first(there, BACKWARD)
    if ahead and behind:
        return Methods(ahead, behind, "layer", is_static(layer, behind))
    value = _first(there, VALUE)
    slope = _first({key: name for key, name in there.items() if name != value}, SLOPE)
    if value and slope:
        return Methods(value, slope, "slope", is_static(layer, slope))
    joint = _first(there, JOINT)
    if joint and not behind:
        return Methods(joint, joint, "joint", is_static(layer, joint))
    missing = "backward" if ahead else "forward"
    raise LayerError(f"{title}: expected an object with two passes, such as forward and backward, "
                     f"and it has no {missing} by any of the names that are known; it has "
                     f"{', '.join(there.values()) or 'nothing'}. Hand both passes over: "
                     f"gp.check_layer(forward, backward, ...)")


def is_static(layer: Any, name: str) -> bool:
    """Whether a method of an object, or of a class, is a plain function."""
    owner = layer if isinstance(layer, type) else type(layer)
    return isinstance(inspect.getattr_static(owner, name, None), staticmethod)


def _callables(layer: Any) -> dict[str, str]:
    """The methods of an object by plain name; its attributes are not asked for their values."""
    found: dict[str, str] = {}
    for name in dir(layer):
        if name.startswith("_") and name != "__call__":
            continue
        value = inspect.getattr_static(layer, name, None)
        if callable(value) or isinstance(value, staticmethod | classmethod):
            found.setdefault(plain(name), name)
    return found


def _first(there: Mapping[str, str], names: Sequence[str]) -> str:
    return next((there[name] for name in names if name in there), "")
