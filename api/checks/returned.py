"""Whose gradient is which, in what a backward pass returned or left on its layer.

One list of keys for every door: a dict is keyed ``dW``, ``grad_W``, ``W_grad``, ``d_W``, ``W.grad``
or ``W``.  What is beside them is never passed over in silence: see :class:`Keyed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

SPELLINGS = ("d{}", "grad_{}", "{}_grad", "d_{}", "{}.grad")
"""How a key says that it holds the gradient by a name."""

HOLDERS = ("grads", "gradients", "grad", "dparams", "derivatives")
"""Attributes that hold gradients, as a dict or as a list in the order of the parameters."""

PARAMETERS = ("params", "parameters", "weights")


class ReturnedError(ValueError):
    """Gradients that came back otherwise than was asked for: what was expected, what came."""


class LayerError(ValueError):
    """A layer that cannot be checked as it stands: what was expected, what came, what to do."""


# --- keys ---------------------------------------------------------------------------------------


def spelled(name: str) -> tuple[str, ...]:
    """The keys that say "gradient by `name`"."""
    return tuple(spelling.format(name) for spelling in SPELLINGS)


def keys_for(name: str) -> tuple[str, ...]:
    """Every key under which the gradient by `name` comes back; the name alone says least.

    >>> keys_for("W1")
    ('dW1', 'grad_W1', 'W1_grad', 'd_W1', 'W1.grad', 'W1')
    """
    return (*spelled(name), name)


@dataclass(frozen=True)
class Keyed:
    """What was returned, sorted out.

    keys: the key of a dict that was taken for each name; names without one are left out.
    beside: by name, the keys that were not taken: the parameter itself, or a second gradient.
    differing: names with two gradients in one dict that are not equal.
    elsewhere: by name, where on a layer another gradient was found than the one that was taken.
    used_up: names whose gradient backward neither returns nor leaves, but updates by.
    unasked: keys that are no gradient by any of the names.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    differing: frozenset[str] = frozenset()
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    used_up: frozenset[str] = frozenset()
    unasked: tuple[str, ...] = ()

    def notes(self, name: str) -> tuple[str, ...]:
        """What is to be said of the gradient by `name`, as sentences."""
        key = self.keys.get(name, name)
        return (*(
            f"{name!r} beside {key!r} is taken for the parameter itself, and is not checked"
            if other == name else f"{key!r} is taken for the gradient; {other!r} is not checked"
            for other in self.beside.get(name, ())
        ), *(f"another gradient, in {place}, is not checked"
             for place in self.elsewhere.get(name, ())), *(
            ["the gradient is what backward hands to an optimiser, or steps along by its rate"]
            if name in self.used_up else []))

    def doubt(self, name: str) -> str:
        """Why it cannot be told which gradient is meant; empty where it can."""
        if name not in self.differing:
            return ""
        keys = [self.keys[name], *(other for other in self.beside[name] if other != name)]
        return (f"the gradients returned as {' and '.join(map(repr, keys))} differ; which is meant "
                "cannot be told")

    def compared(self, values: Mapping[str, Any]) -> Keyed:
        """The same, where the dict's values say which names have two different gradients."""
        return replace(self, differing=frozenset(
            name for name, others in self.beside.items() for other in others
            if other != name and _is_another(values[other], values[self.keys[name]])
        ))


def _is_another(one: Any, other: Any) -> bool:
    """Whether these are numbers that differ; of the stand-ins of a trace that is not asked."""
    plain = np.ndarray | np.generic | int | float
    if one is other or not (isinstance(one, plain) and isinstance(other, plain)):
        return False
    left, right = np.asarray(one), np.asarray(other)
    equal_nan = left.dtype.kind in "fc" and right.dtype.kind in "fc"
    return not np.array_equal(left, right, equal_nan=equal_nan)


def sorted_out(keys: Iterable[Any], names: Sequence[str], inputs: Sequence[str] = ()) -> Keyed:
    """Which of the keys holds the gradient by each of the names.

    inputs: arrays of the program beside the names; a key that is one of them need not be "d" of
        another (``dx``, where the program has x and a step dx).

    >>> found = sorted_out(["W", "dW", "b", "b3"], ["W", "b"])
    >>> found.keys, found.unasked
    ({'W': 'dW', 'b': 'b'}, ('b3',))
    >>> found.notes("W")
    ("'W' beside 'dW' is taken for the parameter itself, and is not checked",)

    Raises ReturnedError for a key that may as well be the gradient by another name.
    """
    given = list(dict.fromkeys(map(str, keys)))
    known = list(dict.fromkeys((*names, *inputs)))
    claims = {name: [key for key in keys_for(name) if key in given] for name in known}
    for key in given:
        for name in known:
            if key in known and key != name and key in claims[name] and key in claims[key]:
                loser = _loser(key, name, claims, names)
                claims[loser] = [claim for claim in claims[loser] if claim != key]
    taken = {name: claims[name][0] for name in names if claims[name]}
    beside = {name: tuple(claims[name][1:]) for name in taken if len(claims[name]) > 1}
    said = {claim for name in names for claim in claims[name]}
    return Keyed(taken, beside, unasked=tuple(key for key in given if key not in said))


def _loser(key: str, name: str, claims: Mapping[str, Sequence[str]], names: Sequence[str]) -> str:
    """Of the input called `key` and of `name`, of which it may be the gradient: whose it is not."""
    if len(claims[key]) > 1:  # {"dx", "ddx"}: the input dx has a key of its own
        return key
    if name in claims[name]:  # {"x", "dx"}: both are keyed by name
        return name
    if key not in names:
        return key
    if name not in names:
        return name
    raise ReturnedError(f"the key {key!r} may be for the gradient by {name} or by {key}; key them "
                        f"{f'grad_{name}'!r} and {f'grad_{key}'!r}, or say which with wrt=[...]")


# --- what a gradient function returns -----------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """The gradients that are asked for.

    names: what they are by, in the order of a tuple.  inputs: the program's arrays, as for
    :func:`sorted_out`.  what: the function, for messages.
    """

    names: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    what: str = "gradient"

    def keyed(self, returned: Any) -> Keyed:
        """The keys of what was returned, sorted out; of what is no dict there is nothing to say."""
        returned = unpaired(returned)
        if not isinstance(returned, Mapping):
            return Keyed()
        found = sorted_out(returned, self.names, self.inputs)
        return found.compared({str(key): value for key, value in returned.items()})

    def by_name(self, returned: Any) -> dict[str, Any]:
        """What was returned, by name.

        A dict is keyed as :func:`keys_for` says; a tuple or list follows the order of the names;
        one array is for one name.  A pair of a number and a dict is (loss, gradients).  Raises
        ReturnedError where a gradient is missing, or too many are there to tell.
        """
        found = self.present(returned)
        missing = [name for name in self.names if name not in found]
        if missing:
            raise ReturnedError(
                f"{self.what}: expected gradients keyed {missing[0]!r} or 'd{missing[0]}', "
                f"got the keys {sorted(map(str, unpaired(returned)))}")
        return found

    def present(self, returned: Any) -> dict[str, Any]:
        """The same, where a dict may lack some of the gradients, but not all."""
        returned, names = unpaired(returned), self.names
        if isinstance(returned, Mapping):
            keys = sorted_out(returned, names, self.inputs).keys
            if names and not keys:
                raise ReturnedError(
                    f"{self.what}: expected gradients keyed {names[0]!r} or 'd{names[0]}', "
                    f"got the keys {sorted(map(str, returned))}")
            values = {str(key): value for key, value in returned.items()}
            return {name: values[keys[name]] for name in names if name in keys}
        if not isinstance(returned, tuple | list):
            returned = (returned,)
        if len(returned) != len(names):
            raise ReturnedError(
                f"{self.what}: expected {len(names)} gradients, for {', '.join(names)}, got "
                f"{len(returned)}; return a dict keyed by name to be sure of the order")
        return dict(zip(names, returned, strict=True))

    def found(self, returned: Any) -> tuple[str, ...]:
        """The names that there is something for.  Raises ReturnedError where that cannot be told.
        """
        returned, names = unpaired(returned), self.names
        if isinstance(returned, Mapping):
            keys = sorted_out(returned, names, self.inputs).keys
            if not keys:
                raise ReturnedError(
                    f"{self.what}: expected a dict keyed by inputs ({names[0]!r} or "
                    f"'d{names[0]}'), got the keys {sorted(map(str, returned))}")
            return tuple(name for name in names if name in keys)
        count = len(returned) if isinstance(returned, tuple | list) else 1
        if count != len(names):
            raise ReturnedError(f"{self.what}: returns {count} arrays for the {len(names)} inputs "
                                f"{', '.join(names)}; say which with wrt=[...]")
        return names


def unpaired(returned: Any) -> Any:
    """The gradients of a pair (loss, gradients)."""
    pair = isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], Mapping)
    return returned[1] if pair else returned


# --- what a layer returns, or has ---------------------------------------------------------------


Left: TypeAlias = Callable[[Any], list[tuple[str, Any]]]
"""Of a layer: the places at which it has a gradient, in words, and what is there."""


@dataclass
class Seen:
    """What backward left behind when it last ran, for messages.

    keyed: of the dicts that it returned, the keys and what is to be said of them.
    order: of a tuple of gradients, whose they are.
    beside: what forward returned that may be an output, and is not taken for one.
    """

    text: str = ""
    beside: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    keyed: Keyed = field(default_factory=Keyed)


def collected(
    returned: Any, layer: Any, own: Mapping[str, Any], orders: Sequence[Sequence[str]],
    seen: Seen, left: Mapping[str, Left], inputs: Mapping[str, Any], used_up: Mapping[str, Any],
) -> dict[str, Any]:
    """Gradients by input name; names without one are left out.

    returned: what backward returns: a dict, an array, or a tuple of these (nested at will), whose
        arrays stand in the one of the `orders` that has as many names.
    layer: the object, where there is one; it is asked for what was not returned.
    own: the arrays by name that the layer was made of.
    seen: is told what there was.
    left: by name, how to get what backward left for a parameter that the layer makes itself.
    inputs: the arrays by name; their shapes decide between orders of one length.
    used_up: gradients by name that backward handed to an optimiser or stepped along, which it
        does not return.
    """
    names = list(dict.fromkeys((*(name for order in orders for name in order), *left)))
    seen.text = f"backward returns {_described(returned)}{_left_on(layer)}"
    sequence: list[Any] = []
    by_key: dict[str, Any] = {}
    _take(returned, sequence, by_key)
    seen.keyed = sorted_out(by_key, names).compared(by_key)
    found = {**used_up, **{name: by_key[key] for name, key in seen.keyed.keys.items()}}
    if returned is not None and sequence:
        found.update(_ordered(sequence, [
            [name for name in order if name not in found] for order in orders
        ], seen, inputs))
    elsewhere: dict[str, tuple[str, ...]] = {}
    for name in names if layer is not None else ():
        places = [("what backward returns" if name in seen.keyed.keys or name not in used_up
                   else "what an optimiser is handed", found[name])] if name in found else []
        places += left[name](layer) if name in left else _on(layer, name, own, names)
        if places:
            (_, found[name]), *rest = places
            elsewhere[name] = tuple(place for place, value in rest
                                    if _is_another(value, found[name]))
    seen.keyed = replace(seen.keyed, elsewhere=elsewhere, used_up=frozenset(
        name for name in used_up if found.get(name) is used_up[name]))
    return found


def _take(value: Any, sequence: list[Any], by_key: dict[str, Any]) -> None:
    """The arrays of (nested) containers: those with a key, which None is none for, and the rest."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, Mapping):
                _take(inner, sequence, by_key)
            elif isinstance(inner, list | tuple) and any(hasattr(one, "shape") for one in inner):
                _take({_placed(str(key), k): one for k, one in enumerate(inner)}, sequence, by_key)
            elif str(key) in by_key:
                raise LayerError(f"backward returns two gradients keyed {str(key)!r}; which of "
                                 "them is meant cannot be told")
            elif inner is not None:
                by_key[str(key)] = inner
    elif isinstance(value, tuple | list):
        for inner in value:
            _take(inner, sequence, by_key)
    else:
        sequence.append(value)


def _placed(key: str, place: int) -> str:
    """The key of a list's entry: dW_0 for dW, W_0_grad for W_grad."""
    for spelling in SPELLINGS:
        _, after = spelling.split("{}")
        if after and key.endswith(after):
            return f"{key.removesuffix(after)}_{place}{after}"
    return f"{key}_{place}"


def _ordered(
    sequence: Sequence[Any], orders: Sequence[Sequence[str]], seen: Seen,
    inputs: Mapping[str, Any],
) -> dict[str, Any]:
    """By name, in the first order of their number; one in which the shapes fit goes before."""
    of_length = [tuple(order) for order in orders if len(order) == len(sequence)]
    if of_length:
        if seen.order not in of_length:
            seen.order = next((order for order in of_length if all(
                _fits(inputs.get(name), value)
                for name, value in zip(order, sequence, strict=True))), of_length[0])
        return {name: value for name, value in zip(seen.order, sequence, strict=True)
                if value is not None}
    expected = " or ".join(dict.fromkeys(
        f"{len(order)} ({', '.join(order)})" for order in orders if order))
    raise LayerError(f"{seen.text}, expected {expected}; return a dict keyed by name, say what "
                     "it is for with wrt=[...], or give what needs no gradient kind='constant'")


def _fits(one: Any, gradient: Any) -> bool:
    return gradient is None or (isinstance(one, np.ndarray) and isinstance(gradient, np.ndarray)
                                and one.shape == gradient.shape)


def _on(
    layer: Any, name: str, own: Mapping[str, Any], names: Sequence[str]
) -> Iterator[tuple[str, Any]]:
    """Where a layer holds the gradient of `name`, and what it holds there."""
    for attribute in spelled(name):
        found = getattr(layer, attribute, None)
        if found is not None:
            yield f"the attribute {attribute}", found
    found = getattr(getattr(layer, name, None), "grad", None)
    if found is not None and not callable(found):
        yield f"{name}.grad", found
    for attribute in HOLDERS:
        held = getattr(layer, attribute, None)
        if isinstance(held, Mapping):
            filled = {str(key): value for key, value in held.items() if value is not None}
            key = sorted_out(filled, names).keys.get(name)
            if key is not None:
                yield f"{attribute}[{key!r}]", filled[key]
        elif isinstance(held, list | tuple) and name in own:
            place = _place(layer, name, own)
            if place < len(held):
                yield f"{attribute}[{place}]", held[place]


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
