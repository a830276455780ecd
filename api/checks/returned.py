"""Where the gradients are that a backward pass has computed: returned, or left on the layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HOLDERS = ("grads", "gradients", "grad", "dparams", "derivatives")
"""Attributes that hold gradients, as a dict or as a list in the order of the parameters."""

PARAMETERS = ("params", "parameters", "weights")


class LayerError(ValueError):
    """A layer that cannot be checked as it stands: what was expected, what came, what to do."""


def collected(
    returned: Any, layer: Any, own: Mapping[str, Any], orders: Sequence[Sequence[str]],
    seen: dict[str, str],
) -> dict[str, Any]:
    """Gradients by input name; names without one are left out.

    returned: what backward returns: a dict, an array, or a tuple of these (nested at will), whose
        arrays stand in the one of the `orders` that has as many names.
    layer: the object, where there is one; it is asked for what was not returned.
    own: the arrays by name that the layer was made of.
    seen: is told what there was, for messages.
    """
    names = list(dict.fromkeys(name for order in orders for name in order))
    seen["text"] = f"backward returns {_described(returned)}{_left_on(layer)}"
    sequence: list[Any] = []
    keyed: dict[str, Any] = {}
    _take(returned, sequence, keyed)
    found = {name: keyed[key] for name in names
             if (key := key_of(name, keyed)) is not None and keyed[key] is not None}
    if returned is not None and sequence:
        found.update(_ordered(sequence, [
            [name for name in order if name not in found] for order in orders
        ], seen))
    if layer is not None:
        for name in names:
            if name not in found:
                gradient = _on(layer, name, own)
                if gradient is not None:
                    found[name] = gradient
    return found


def _take(value: Any, sequence: list[Any], keyed: dict[str, Any]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, Mapping):
                _take(inner, sequence, keyed)
            else:
                keyed[str(key)] = inner
    elif isinstance(value, tuple | list):
        for inner in value:
            _take(inner, sequence, keyed)
    else:
        sequence.append(value)


def _ordered(
    sequence: Sequence[Any], orders: Sequence[Sequence[str]], seen: Mapping[str, str]
) -> dict[str, Any]:
    for order in orders:
        if len(order) == len(sequence):
            return {name: value for name, value in zip(order, sequence, strict=True)
                    if value is not None}
    expected = " or ".join(dict.fromkeys(
        f"{len(order)} ({', '.join(order)})" for order in orders if order))
    raise LayerError(f"{seen['text']}, expected {expected}; return a dict keyed by name, say what "
                     "it is for with wrt=[...], or give what needs no gradient kind='constant'")


def key_of(name: str, keyed: Mapping[str, Any]) -> str | None:
    """The key under which a dict holds the gradient by `name`, or None."""
    for key in (name, f"d{name}", f"grad_{name}", f"{name}_grad"):
        if key in keyed:
            return key
    return None


# --- on the layer -------------------------------------------------------------------------------


def _on(layer: Any, name: str, own: Mapping[str, Any]) -> Any:
    """The gradient of `name` that a layer holds, or None."""
    for attribute in (f"d{name}", f"grad_{name}", f"{name}_grad"):
        found = getattr(layer, attribute, None)
        if found is not None:
            return found
    found = getattr(getattr(layer, name, None), "grad", None)
    if found is not None and not callable(found):
        return found
    for attribute in HOLDERS:
        held = getattr(layer, attribute, None)
        if isinstance(held, Mapping):
            key = key_of(name, held)
            if key is not None and held[key] is not None:
                return held[key]
        elif isinstance(held, list | tuple) and name in own:
            place = _place(layer, name, own)
            if place < len(held):
                return held[place]
    return None


def _place(layer: Any, name: str, own: Mapping[str, Any]) -> int:
    """Where in a list of gradients that of `name` is: where `params` has the array itself.

    Without such a list, the order is that in which the layer takes its parameters.
    """
    for attribute in PARAMETERS:
        held = getattr(layer, attribute, None)
        if isinstance(held, list | tuple):
            for place, array in enumerate(held):
                if array is own[name]:
                    return place
    return list(own).index(name)


# --- messages -----------------------------------------------------------------------------------


def _described(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return f"a dict keyed {', '.join(map(str, value)) or '(empty)'}"
    if isinstance(value, tuple | list):
        return f"{len(value)} gradients"
    return "one gradient"


def _left_on(layer: Any) -> str:
    if layer is None:
        return ""
    held = [name for name in getattr(layer, "__dict__", {}) if not name.startswith("_")]
    return f"; the layer has the attributes {', '.join(held) or '(none)'}"
