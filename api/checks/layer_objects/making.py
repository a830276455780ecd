"""A layer that makes its parameters in a method of their own: initialize(), build(input_shape).

It is called where the forward pass does not run without it, with what its parameters are called:
the shape of a sample, an optimiser.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.layer_objects.methods import plain
from gradproof.checks.layer_objects.updates import Recorder

SHAPED = ("setinputshape", "setshape", "setinputdim")
"""Methods that tell a layer what it is handed, before it makes its parameters."""

PREPARES = ("build", "initialize", "initialise", "init", "initparams", "initparameters",
            "initializeparams", "initializeparameters", "initweights", "initializeweights",
            "setup", "create", "compile", "reset", "resetparameters", "connectto", "connect",
            "makeparams", "makeweights", "setweights", "createweights")
"""Methods that make a layer's parameters."""

SHAPE_NAMES = ("inputshape", "inshape", "shape", "inputdims", "inputdimensions", "prevshape")
SIZE_NAMES = ("inputsize", "indim", "inputdim", "nin", "ninputs", "infeatures", "inputs",
              "numinputs", "inputunits", "nfeatures", "dim", "insize", "ninput")
OPTIMISER_NAMES = ("optimizer", "optimiser", "opt", "optim", "solver")

FLUSHES = ("flushgradients", "flush", "flushgrads", "zerograd", "zerograds", "zerogradients",
           "cleargrad", "cleargrads", "cleargradients", "resetgrad", "resetgrads",
           "resetgradients", "clearcache", "resetcache", "clearstate", "resetstate", "resetstates",
           "resethiddenstate", "resethidden")
"""Methods by which a layer forgets a step before the next."""

Calls = tuple[tuple[str, Mapping[str, Any]], ...]
"""Methods to be called on a new object, each with its arguments."""


def prepared(make: Callable[..., Any], calls: Calls, /, **arguments: Any) -> Any:
    """A new object that has made its parameters."""
    layer = make(**arguments)
    for name, given in calls:
        getattr(layer, name)(**copy.deepcopy(dict(given)))
    return layer


def preparation(
    make: Callable[[], Any], runs: Callable[[Any], bool], shape: Sequence[int] | None
) -> tuple[Calls, str]:
    """What is to be called on a new object so that its forward pass runs, with what tells it what
    it is handed, where it has that.  Where nothing helps, the call that may be missing, as its
    author would write it.

    shape: of what it is handed, with the axis of samples; None where it is not in numbers.
    """
    try:
        layer = make()
    except Exception:  # it will fail again where its failure is the finding
        return (), ""
    there = {plain(name): name for name in dir(layer)
             if not name.startswith("_") and callable(inspect.getattr_static(layer, name, None))}
    before = _calls(layer, [there[name] for name in SHAPED if name in there], shape)
    for calls in (before, ()):
        if _tried(make, calls, runs):
            return calls, ""
    candidates = [there[name] for name in PREPARES if name in there]
    for one in _calls(layer, candidates, shape):
        for calls in ((one,), (*before, one)):
            if _tried(make, calls, runs):
                return calls, ""
    return (), f"{candidates[0]}({_listed(layer, candidates[0])})" if candidates else ""


def flushes(layer: Any) -> tuple[str, ...]:
    """The methods by which an object forgets a step, of those that take nothing and work."""
    found = []
    for name in dir(layer):
        if plain(name) in FLUSHES and callable(inspect.getattr_static(layer, name, None)):
            try:
                getattr(copy.deepcopy(layer), name)()
            except Exception:  # it takes something, or is not made for that
                continue
            found.append(name)
    return tuple(found)


def _listed(layer: Any, name: str) -> str:
    return ", ".join(inspect.signature(getattr(layer, name)).parameters)


def _tried(make: Callable[[], Any], calls: Calls, runs: Callable[[Any], bool]) -> bool:
    try:
        with np.errstate(all="ignore"):
            return runs(prepared(make, calls))
    except Exception:  # another way may do
        return False


def _calls(layer: Any, names: Sequence[str], shape: Sequence[int] | None) -> Calls:
    """The methods with arguments for all their parameters; others are left out."""
    made = []
    for name in names:
        given: dict[str, Any] = {}
        try:
            parameters = inspect.signature(getattr(layer, name)).parameters.values()
        except (TypeError, ValueError):
            continue
        for parameter in parameters:
            value = _argument(parameter, shape)
            if value is not None:
                given[parameter.name] = value
            elif parameter.default is parameter.empty and parameter.kind not in (
                    parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                break
        else:
            made.append((name, given))
    return tuple(made)


def _argument(parameter: inspect.Parameter, shape: Sequence[int] | None) -> Any:
    name = plain(parameter.name)
    if name in OPTIMISER_NAMES:
        return Recorder()
    if shape and name in SHAPE_NAMES:
        return tuple(shape[1:])
    return shape[-1] if shape and name in SIZE_NAMES else None
