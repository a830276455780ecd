"""A layer run twice at each point, before anything is judged.

This gives the cotangents their shapes, and finds what makes every comparison void: a pass that
fails, that draws at random, or that changes its inputs.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import failure_of, in_one_line
from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, by_default, unseen
from gradproof.checks.layer_calls import LayerFails, Run
from gradproof.checks.layer_objects.finding import OwnParameter
from gradproof.checks.points import Point, flat
from gradproof.checks.returned import Keyed, LayerError, ReturnedError
from gradproof.limits.calls import called


@dataclass(frozen=True)
class CheckedLayer:
    """A layer with its inputs and constants, as functions of arrays by name."""

    run: Run
    taken: Inputs
    constants: Mapping[str, Any]
    general: General

    def fresh_constants(self) -> dict[str, Any]:
        """Copies, as a layer may keep its state in one of them."""
        return copy.deepcopy(dict(self.constants))

    def defaults(self, source: Any) -> tuple[str, ...]:
        """What is to be said of what its passes, and what makes it, have by default."""
        made_by = [source] if inspect.isclass(source) or inspect.isfunction(source) else []
        cls = source if inspect.isclass(source) else type(source)
        passes = [one for one in (self.run.forward, self.run.backward) if one is not None]
        return (*by_default([*made_by, *passes], {*self.taken.given, *self.constants}),
                *unseen(passes, [source, *cls.__mro__[:-1]]))

    def outputs(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        found: tuple[Any, ...] = called(partial(
            self.run.call, self.taken.at(values), self.fresh_constants(), None))
        return found

    def gradients(
        self, arguments: Mapping[str, Any], values: Mapping[str, Any], cotangents: Sequence[str],
        written: dict[str, None] | None = None,
    ) -> dict[str, Any]:
        """By name; `arguments` are in their containers, and the layer may write into them.

        written: is told of cotangents that it wrote into.
        """
        bars = [np.array(values[name]) for name in cotangents]
        found: dict[str, Any] = called(partial(
            self.run.call, arguments, self.fresh_constants(), bars))
        if written is not None:
            written.update((name, None) for name, bar in zip(cotangents, bars, strict=True)
                           if not _same(bar, values[name]))
        return {name: np.array(array) if isinstance(array, np.ndarray) else array
                for name, array in found.items()}  # it may write into the same arrays again


def expected(taken: Inputs) -> list[str]:
    """The inputs that a layer is expected to have gradients for."""
    return taken.real


@dataclass(frozen=True)
class Rehearsal:
    """What was seen when the layer ran at each point.

    points: with values for the cotangents.  cotangents: their names, in the order of the outputs;
    none for a scalar output whose backward pass needs none.  names: what there are gradients for.
    mutated: the inputs into which the layer wrote; written: the cotangents.
    keyed: what was returned beside.
    """

    points: tuple[Point, ...]
    cotangents: tuple[str, ...]
    names: tuple[str, ...]
    mutated: tuple[str, ...]
    written: tuple[str, ...]
    keyed: Keyed


def suited(
    point: Point, outputs: Callable[[Mapping[str, Any]], Any], parameters: Sequence[OwnParameter]
) -> Point:
    """The point, with values of the parameters that the layer can take.

    What is drawn need not be such (a variance below zero); then they are near what the layer
    began with, or just that.
    """
    starts = {one.name: np.asarray(one.start) for one in parameters}
    if any(np.shape(point.values[name]) != start.shape for name, start in starts.items()):
        return point
    rng = np.random.default_rng(8)
    near = {name: start * np.exp(0.3 * rng.normal(size=start.shape))
            for name, start in starts.items()}
    for values in ({}, near, starts):
        made = replace(point, values={**point.values, **values})
        try:
            with np.errstate(all="ignore"):
                if all(np.all(np.isfinite(out)) for out in outputs(made.values)):
                    return made
        except Exception:  # values that it cannot take; whatever else fails will fail again
            continue
    return point


def rehearsed(
    layer: CheckedLayer, points: Sequence[Point], wrt: Sequence[str] | None, seed: int
) -> Rehearsal:
    """Runs the layer twice at each point.  Raises LayerFails where it gives no one value."""
    names = list(wrt or ())
    made: list[Point] = []
    mutated: dict[str, None] = {}
    written: dict[str, None] = {}
    bars: tuple[str, ...] = ()
    for place, point in enumerate(points):
        try:
            outputs = _outputs(layer, point)
        except LayerFails:
            if point.elsewhere:  # at sizes of our choice, which need not suit the layer
                continue
            raise
        scalar = all(out.ndim == 0 for out in outputs)
        if not (layer.run.needs_none and scalar):
            bars = _cotangent_names(len(outputs), {array.name for array in layer.taken.arrays})
        rng = np.random.default_rng([seed, len(points), place])
        weights = [rng.normal(size=out.shape) for out in outputs]
        values = {**point.values, **dict(zip(bars, weights, strict=False))}
        made.append(replace(point, values=values))
        found = []
        for _ in range(2):
            arguments = layer.taken.at(values)
            sized = 1 not in point.sizes.values() and not point.elsewhere
            with _reasons(f"backward fails at {point}", is_fact=sized):
                found.append(layer.gradients(arguments, values, bars, written))
            mutated.update(dict.fromkeys(_changed(layer.taken, arguments, values)))
        names = names or _found_names(found[0], layer)
        for name in names:
            if not _same(*(gradients.get(name, 0.0) for gradients in found)):
                raise LayerFails(f"backward gives two gradients of {name} at {point}: {_SEED}")
    keyed = layer.run.seen.keyed
    beyond = [key for name, key in keyed.keys.items() if name not in names]
    keyed = replace(keyed, unasked=(*keyed.unasked, *beyond))
    return Rehearsal(tuple(made), bars, tuple(names), tuple(mutated), tuple(written), keyed)


_SEED = "seed or switch off what is random, or hand a mask in as an input of kind 'mask'"


def _outputs(layer: CheckedLayer, point: Point) -> list[Any]:
    """The outputs at a point, the same each time, as arrays of numbers."""
    with _reasons(f"forward fails at {point}"):
        outputs, again = (
            [np.asarray(out) for out in layer.outputs(point.values)] for _ in range(2)
        )
    for out, other in zip(outputs, again, strict=True):
        if out.dtype.kind not in "fiub":
            raise LayerError(f"forward returns {out!r:.60}, expected an array of numbers")
        if not _same(out, other):
            raise LayerFails(f"forward gives two results at {point}: {_SEED}")
    return outputs


@contextmanager
def _reasons(what: str, is_fact: bool = False) -> Iterator[None]:
    """What the user's code raises becomes a reason; a LayerError stays one.

    is_fact: it may be a fact about the gradient: the sizes are meant, and the loss works.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except (LayerError, ReturnedError):
        raise
    except Exception as error:
        raised = failure_of(error) if is_fact else None
        raise LayerFails(f"{what}: {in_one_line(error)}", raised) from error


def _cotangent_names(count: int, taken: set[str]) -> tuple[str, ...]:
    names = ["dout"] if count == 1 else [f"dout{place + 1}" for place in range(count)]
    return tuple(name if name not in taken else f"{name}_" for name in names)


def _changed(
    taken: Inputs, arguments: Mapping[str, Any], values: Mapping[str, Any]
) -> Iterator[str]:
    """The inputs that the layer wrote into."""
    for key, value in arguments.items():
        for name, array in flat(taken.arguments[key], value).items():
            if not _same(array, values[name]):
                yield name


def _same(left: Any, right: Any) -> bool:
    one, other = np.asarray(left), np.asarray(right)
    return one.shape == other.shape and bool(np.all((one == other) | (one != one)))


def _found_names(found: Mapping[str, Any], layer: CheckedLayer) -> list[str]:
    """What is checked where `wrt` does not say; LayerError for what has no gradient."""
    seen = layer.run.seen.text
    missing = [name for name in expected(layer.taken) if name not in found]
    if missing and not layer.run.is_partial:
        raise LayerError(f"no gradient for {', '.join(missing)}: {seen}. Say what to check with "
                         "wrt=[...], or give what needs no gradient kind='constant'")
    names = [array.name for array in layer.taken.arrays
             if array.name in found and not array.is_integer]
    if not names:
        raise LayerError(f"nothing to check: {seen}")
    return names
