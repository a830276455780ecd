"""Gradients that a backward pass uses up itself: handed to an optimiser, or stepped along.

Of ``self.W = self.optimizer.update(self.W, grad_W)`` the gradient is what is handed over; of
``self.W -= learning_rate * grad_W`` it is the step, by the rate.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.layer_objects.methods import methods_of, plain
from gradproof.checks.layer_objects.places import Path, Step, put, reached
from gradproof.checks.returned import LayerError

UPDATES = ("update", "step", "apply", "applygradient", "applygradients", "applygrad", "getupdate",
           "getupdates", "computeupdate", "updateparams", "updateparameters", "updateweights",
           "optimize", "optimise", "minimize", "calculate", "run")
"""Methods of an optimiser that take a parameter and its gradient."""

RATES = ("learning_rate", "lr", "eta", "learningrate", "learn_rate", "rate", "step_size",
         "l_rate", "lrate")
"""What the factor of a step is called, as a parameter of backward or an attribute."""

RATE = 0.3
"""The rate that a backward pass is handed which asks for one; a step without it is no gradient."""


@dataclass
class Recorder:
    """Stands where an optimiser stood: it knows what it got, and takes a plain step of its own.

    instead_of: that optimiser, which is asked for all else.  is_in_place: whether it changes the
    parameter itself, and does not return a new one; None where that is not known yet.
    parameters: the arrays that are parameters, as they stand when backward begins.
    """

    instead_of: Any = None
    is_in_place: bool | None = None
    calls: list[tuple[Any, Any]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if plain(name) in UPDATES:
            return partial(self._told, name)
        if name.startswith("__") or self.instead_of is None:
            raise AttributeError(name)
        return getattr(self.instead_of, name)

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        return self._told("__call__", *arrays, **named)

    def _told(self, method: str, *arrays: Any, **named: Any) -> Any:
        given = [one for one in (*arrays, *named.values()) if hasattr(one, "shape")]
        known = [one for one in given if any(one is p for p in self.parameters.values())]
        if len(given) != 2 or len(known) != 1:
            return given[0] if given else None
        if self.is_in_place is None:
            self.is_in_place = self._changes(method, arrays, named)
        (parameter,), gradient = known, given[given[0] is known[0]]
        self.calls.append((parameter, gradient))
        if self.is_in_place:
            parameter -= RATE * gradient
            return None
        return parameter - RATE * gradient  # with which nothing of this step may be computed

    def _changes(self, method: str, arrays: Sequence[Any], named: Mapping[str, Any]) -> bool:
        """Whether the optimiser writes into what it is handed, or leaves it and returns another."""
        if self.instead_of is None:
            return False
        given, other = copy.deepcopy((arrays, dict(named)))
        try:
            returned = getattr(copy.deepcopy(self.instead_of), method)(*given, **other)
        except Exception:  # what it is handed does not suit it
            return False
        return returned is None or any(returned is one for one in given)

    def __copy__(self) -> Recorder:
        return self

    def __deepcopy__(self, memo: Any) -> Recorder:
        return self


def handed(
    recorders: Sequence[tuple[Path, Recorder]], parameters: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """By name, what was handed over with each parameter: one array at each call."""
    found: dict[str, list[Any]] = {}
    for calls in {id(one.calls): one.calls for _, one in recorders}.values():
        for parameter, gradient in calls:
            for name, value in parameters.items():
                if value is parameter:
                    found.setdefault(name, []).append(gradient)
    return found


def optimisers(layer: Any) -> tuple[Path, ...]:
    """Where an object holds optimisers: objects with such a method that are no layers."""
    found: list[Path] = []
    for name, value in list(getattr(layer, "__dict__", {}).items()):
        inner: Iterator[tuple[Path, Any]] = iter([((Step(name),), value)])
        if isinstance(value, Mapping):
            inner = (((Step(name), Step(key, True)), one) for key, one in value.items())
        elif isinstance(value, list):
            inner = (((Step(name), Step(k, True)), one) for k, one in enumerate(value))
        found += [path for path, one in inner if is_optimiser(one, str(path[0].key))]
    return tuple(found)


def is_optimiser(value: Any, name: str) -> bool:
    """Whether an object is an optimiser, by its methods or by what it is called."""
    if value is None or type(value).__module__ in ("builtins", "numpy") or isinstance(value, type):
        return isinstance(value, Recorder)
    if is_layer(value):
        return False
    there = {plain(key) for key in dir(value) if not key.startswith("_")}
    called = "opt" in name.lower() or "optim" in type(value).__name__.lower()
    return bool(there.intersection(UPDATES)) or (called and callable(value))


def is_layer(value: Any) -> bool:
    """Whether an object has two passes, or a derivative."""
    try:
        return methods_of(value, "").style in ("layer", "slope")
    except LayerError:
        return False


@contextmanager
def recorded(
    layer: Any, places: Mapping[Path, bool | None]
) -> Iterator[list[tuple[Path, Recorder]]]:
    """Recorders in the places of an object's optimisers, for a time.

    places: for each, whether it changes parameters in place, as far as that is known.
    """
    before = [(path, reached(layer, path)) for path in places]
    made = []
    for path, one in before:
        recorder = one if isinstance(one, Recorder) else Recorder(one)
        recorder.calls, recorder.is_in_place = [], places[path]
        if recorder is not one:
            put(layer, path, recorder)
        made.append((path, recorder))
    try:
        yield made
    finally:
        for path, one in before:
            put(layer, path, one)


def rate_of(layer: Any, known: Mapping[str, Any]) -> Any:
    """The factor of a step: of the arguments of backward, else an attribute; None without one."""
    for place in (known, getattr(layer, "__dict__", {})):
        for name in RATES:
            value = place.get(name)
            if isinstance(value, int | float) and value:
                return value
    return None


def is_linear(step: Callable[[Sequence[Any]], Any], back: Sequence[Any]) -> bool:
    """Whether a step is a linear map of the cotangents, as a gradient is: an optimiser's, or one
    with weight decay, is not.

    step: the step for cotangents, or None.
    """
    other = [np.cos(3 * np.arange(np.size(one)) + 1.0).reshape(np.shape(one)) for one in back]
    one, two, both = (step(made) for made in (
        back, other, [2 * a - 3 * b for a, b in zip(back, other, strict=True)]))
    return all(made is not None for made in (one, two, both)) and bool(
        np.allclose(both, 2 * one - 3 * two, rtol=1e-7, atol=1e-9 * (1 + np.max(np.abs(both)))))
