"""Which arrays of a layer its forward pass reads, and where backward leaves their gradients.

The layer is run with each of its arrays replaced: what changes the output is read.  An array that
is read and has a gradient is a parameter, which is checked as one that was handed in; one without
is kept as it is, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Protocol

import numpy as np
import sympy as sp

from gradproof.checks.layer_objects.places import (
    Held,
    Path,
    gradient_places,
    held,
    in_order,
    is_real,
    looked_in,
    name_of,
    put,
    reached,
    shown,
)
from gradproof.checks.points import Point
from gradproof.checks.returned import LayerError
from gradproof.symbolic.assumptions import Assumption
from gradproof.symbolic.equation import Array, Kind, size_symbol

MOST = 300
"""Arrays of one layer that are looked at."""


@dataclass(frozen=True)
class OwnParameter:
    """An array that a layer makes itself.

    paths: where it stands.  gradients: where backward leaves its gradient; none where it returns
    it.  start: its numbers as the layer made them.  followers: where views of it stand, each with
    the shape that it is brought to; None is its transpose.  is_stepped: its gradient is the step
    that backward takes, by the rate.
    """

    name: str
    paths: tuple[Path, ...]
    start: Any
    gradients: tuple[Path, ...] = ()
    followers: tuple[tuple[Path, tuple[int, ...] | None], ...] = ()
    is_stepped: bool = False

    @property
    def is_array(self) -> bool:
        """Whether it is expected to have a gradient: not a single number, nor whole ones."""
        return isinstance(self.start, np.ndarray) and self.start.dtype.kind == "f"

    def put(self, layer: Any, value: Any) -> Any:
        """Puts a value in its place, and returns what was put there."""
        if isinstance(value, np.ndarray):
            value = np.array(value) if isinstance(self.start, np.ndarray) else value[()]
        if isinstance(self.start, np.ndarray) and type(self.start) is not np.ndarray:
            made = self.start.copy()  # what it is beside an array, backward may need
            np.copyto(made, value, casting="same_kind")
            value = made
        for path in self.paths:
            put(layer, path, value)
        for path, shape in self.followers:
            put(layer, path, value.T if shape is None else value.reshape(shape))
        return value

    def followed(self, other: OwnParameter) -> OwnParameter:
        """The same, where the other array is a view of this one, and so moves with it."""
        one, view = self.start, other.start
        if not (isinstance(one, np.ndarray) and isinstance(view, np.ndarray)
                and one.size == view.size and np.may_share_memory(one, view)):
            return self
        if view.shape == one.shape[::-1] and view.strides == one.strides[::-1]:
            shape = None if one.ndim > 1 else one.shape
        elif one.flags.c_contiguous and view.flags.c_contiguous:
            shape = view.shape
        else:
            return self
        return replace(self, followers=(*self.followers, *((p, shape) for p in other.paths)))

    def left(self, layer: Any) -> list[tuple[str, Any]]:
        """The places at which backward left a gradient for it, and what is there."""
        found = ((shown(path), reached(layer, path)) for path in self.gradients)
        return [(place, value) for place, value in found if value is not None]


@dataclass(frozen=True)
class Own:
    """What a layer holds: its parameters, as inputs too, and the arrays that are kept.

    unchecked: the names of arrays without a gradient, each with where it was looked for.
    is_lazy: it makes them when its forward pass first runs.
    """

    parameters: tuple[OwnParameter, ...] = ()
    arrays: tuple[Array, ...] = ()
    kept: tuple[OwnParameter, ...] = ()
    unchecked: tuple[tuple[str, str], ...] = ()
    is_lazy: bool = False

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What was taken from the numbers that the layer began with."""
        return tuple(Assumption(array.name, "given positive") for array in self.arrays
                     if array.kind == "positive")


NOTHING = Own()


class Calls(Protocol):
    """How a layer is made and run, for :func:`own_parameters`."""

    def made(self, point: Point) -> Any:
        """A new layer."""

    def original(self, point: Point) -> Any:
        """The layer that was given, which is only looked at; or a new one."""

    def run_before(self) -> Calls:
        """The same, of a layer whose forward pass has run once."""

    def ahead(self, layer: Any, point: Point) -> tuple[Any, ...]:
        """Its outputs, as arrays."""

    def behind(
        self, layer: Any, point: Point, weights: Sequence[Any], inside: Sequence[OwnParameter]
    ) -> Mapping[str, Any]:
        """Runs both passes: the gradients that backward returns for arrays that it has."""

    def steps(self, one: OwnParameter, found: Sequence[OwnParameter], point: Point) -> bool:
        """Whether backward changes an array by a rate times what may be its gradient."""


def own_parameters(
    calls: Calls, points: Sequence[Point], taken: Sequence[str], sizes: Sequence[str],
    wrt: Sequence[str] | None,
) -> Own:
    """The parameters that a layer makes itself.

    taken: names that mean something else.  sizes: those of them that are sizes.
    Raises ValueError for a name in `wrt` that the layer does not have.
    """
    look = _Look(calls, points[0], points, tuple(taken))
    found, later = look.found(), replace(look, calls=calls.run_before())
    is_lazy = later.finds_more(found)
    if is_lazy:
        look, found = later, later.found()
    names = [one.name for one in found]
    asked = names if wrt is None else wrt
    if unknown := [name for name in asked if name not in (*taken, *names)]:
        known = [*(name for name in taken if name not in sizes), *names]
        raise ValueError(f"wrt: {unknown[0]!r} is no input; expected some of {known}")
    declared = look.declared([one for one in found if one.name in asked])
    parameters, kept = _with_views([one for one, _ in declared.values()], found)
    missing = [one for one in kept if one.name in asked]
    if wrt is not None and missing:
        raise LayerError(f"no gradient for {missing[0].name}: {look.said(missing[0])}")
    return Own(tuple(parameters), tuple(array for _, array in declared.values()),
               tuple(one for one in kept if look.is_fixed(one)),
               tuple((one.name, look.said(one)) for one in missing), is_lazy)


def _with_views(
    parameters: Sequence[OwnParameter], found: Sequence[OwnParameter]
) -> tuple[list[OwnParameter], list[OwnParameter]]:
    """The parameters, with those of the other arrays that are views of them; and the rest."""
    names = {one.name for one in parameters}
    kept = [one for one in found if one.is_array and one.name not in names]
    views = {view.name for view in kept for one in parameters if one.followed(view) is not one}
    return ([reduce(OwnParameter.followed, kept, one) for one in parameters],
            [other for other in kept if other.name not in views])


@dataclass(frozen=True)
class _Look:
    """A layer looked at in one point."""

    calls: Calls
    point: Point
    points: Sequence[Point]
    taken: tuple[str, ...]

    def found(self) -> list[OwnParameter]:
        """What the layer holds that its forward pass reads; none where it gives no one output."""
        layer = self._made()
        if layer is None:
            return []
        candidates = self._not_handed(held(layer)[:MOST])
        first = self.calls.original(self.point)  # a copy has no views
        made = [OwnParameter(name, h.paths, reached(first, h.paths[0]))
                for name, h in zip(_named(candidates, self.taken), candidates, strict=True)]
        made = [replace(one, start=h.value) if one.start is None else one
                for one, h in zip(made, candidates, strict=True)]
        plain, again = self._outputs(made, {}), self._outputs(made, {})
        if plain is None or again is None or not _equal(plain, again):
            return []
        return [one for one in made if self._is_read(one, made, plain)]

    def _made(self) -> Any:
        try:
            return self.calls.made(self.point)
        except Exception:  # it will fail again where its failure is the finding
            return None

    def _not_handed(self, candidates: Sequence[Held]) -> list[Held]:
        """Those that are not handed in, nor follow from what is handed in alone."""
        inputs = {name: value for name, value in self.point.values.items() if is_real(value)}
        moved = {name: 1.37 * np.asarray(value) + 0.11 for name, value in inputs.items()}
        seen = []
        for by in (moved, {}):  # each is looked at before the next: it may be one object
            try:
                made = self.calls.made(replace(self.point, values={**self.point.values, **by}))
            except Exception:  # of values that do not suit it
                return list(candidates)
            seen.append([reached(made, one.paths[0]) for one in candidates])
        return [one for one, other, same in zip(candidates, *seen, strict=True)
                if _equal([one.value], [other]) or not _equal([one.value], [same])]

    def _outputs(
        self, made: Sequence[OwnParameter], by: Mapping[str, Any]
    ) -> tuple[Any, ...] | None:
        """The outputs with arrays replaced by name; None where the layer fails."""
        try:
            with np.errstate(all="ignore"):
                layer = self.calls.made(self.point)
                for one in made:
                    one.put(layer, by.get(one.name, one.start))
                try:
                    return self.calls.ahead(layer, self.point)
                finally:
                    for one in made:  # it may be one object for every call
                        one.put(layer, one.start)
        except Exception:  # another value that it cannot take
            return None

    def _is_read(
        self, one: OwnParameter, made: Sequence[OwnParameter], plain: Sequence[Any]
    ) -> bool:
        rng = np.random.default_rng(5)
        start = np.asarray(one.start)
        for other in (start + rng.normal(size=start.shape), np.full(start.shape, np.nan)):
            outputs = self._outputs(made, {one.name: other})
            if outputs is None or not _equal(plain, outputs):
                return True
        return False

    def with_gradients(self, found: Sequence[OwnParameter]) -> list[OwnParameter]:
        """Those for which backward returns a gradient or leaves one, each with where."""
        layer, returned = self._run(found)
        made = []
        for one in found:
            if one.name in returned:
                made.append(one)
            elif layer is not None and (places := self._left(layer, one, found)):
                made.append(replace(one, gradients=places))
            elif one.is_array and self.calls.steps(one, found, self.point):
                made.append(replace(one, is_stepped=True))
        return made

    def finds_more(self, before: Sequence[OwnParameter]) -> bool:
        """Whether it finds a parameter with a gradient that was not among those found before."""
        known, found = {one.paths[0] for one in before}, self.found()
        if all(one.paths[0] in known for one in found):
            return False
        try:
            return any(one.paths[0] not in known for one in self.with_gradients(found))
        except LayerError:
            return False

    def _run(self, found: Sequence[OwnParameter]) -> tuple[Any, Mapping[str, Any]]:
        """The layer after both passes, and what backward returned for the arrays."""
        rng = np.random.default_rng(6)
        arrays = [one for one in found if isinstance(one.start, np.ndarray)]
        outputs = self._outputs(found, {})
        layer = self._made()
        if outputs is None or layer is None:
            return None, {}
        weights = [rng.normal(size=np.shape(out)) for out in outputs]
        for one in found:
            one.put(layer, one.start)
        try:
            with np.errstate(all="ignore"):
                return layer, self.calls.behind(layer, self.point, weights, arrays)
        except LayerError:
            raise
        except Exception:  # it will fail again where its failure is the finding
            return None, {}

    @staticmethod
    def _left(layer: Any, one: OwnParameter, found: Sequence[OwnParameter]) -> tuple[Path, ...]:
        """Where the layer holds something that can be the gradient of an array."""
        others = {path for other in found for path in other.paths}
        places = dict.fromkeys(place for path in one.paths
                               for place in gradient_places(layer, path))
        there = tuple(place for place in places
                      if place not in others and _is_numbers(reached(layer, place)))
        return there or in_order(layer, one.name, [
            (other.name, np.shape(other.start)) for other in found if other.is_array])

    def declared(
        self, found: Sequence[OwnParameter]
    ) -> dict[str, tuple[OwnParameter, Array]]:
        """By name those that have a gradient, each with its declaration, where there is one."""
        return {one.name: (one, array) for one in self.with_gradients(found)
                if (array := self.array(one)) is not None}

    def array(self, one: OwnParameter) -> Array | None:
        """Its declaration; None where its shape is none of the inputs' sizes."""
        shapes = []
        for point in self.points:
            try:
                value = reached(self.calls.made(point), one.paths[0])
            except Exception:  # at sizes that do not suit the layer
                continue
            shapes.append((point.sizes, np.shape(value)))
        axes: list[Any] = []
        if not shapes or len({len(shape) for _, shape in shapes}) > 1:
            return None
        for axis, first in enumerate(shapes[0][1]):
            if all(shape[axis] == first for _, shape in shapes):
                axes.append(sp.Integer(first))
                continue
            of = [name for name in shapes[0][0]
                  if all(sizes.get(name) == shape[axis] for sizes, shape in shapes)]
            if not of:
                return None
            axes.append(size_symbol(of[0]))
        return Array(one.name, tuple(axes), self._kind(one))

    def is_fixed(self, one: OwnParameter) -> bool:
        """Whether it has one shape whatever comes in, as a state for each sample has not."""
        array = self.array(one)
        return array is not None and all(size.is_Integer for size in array.shape)

    def _kind(self, one: OwnParameter) -> Kind:
        """Positive where it is so at first, and numbers of both signs give no finite output."""
        start = np.asarray(one.start)
        drawn = np.random.default_rng(7).normal(size=start.shape) - 1
        if not start.size or not np.all(start > 0):
            return "real"
        outputs = self._outputs([one], {one.name: drawn})
        fine = outputs is not None and all(np.all(np.isfinite(out)) for out in outputs)
        return "real" if fine else "positive"

    def said(self, one: OwnParameter) -> str:
        """Why an array is not checked."""
        places = dict.fromkeys(place for path in one.paths for place in looked_in(path))
        return (f"{shown(one.paths[0])} is read by forward, and no gradient for it was found in "
                f"what backward returns, nor in {', '.join(places)}")


def _named(candidates: Sequence[Held], taken: Sequence[str]) -> Iterator[str]:
    """A name for each, by the last word of its path where that says enough."""
    short = [name_of(one.paths[0]) for one in candidates]
    used = set(taken)
    for one, name in zip(candidates, short, strict=True):
        if short.count(name) > 1:
            name = name_of(one.paths[0], whole=True)
        while name in used:
            name += "_"
        used.add(name)
        yield name


def _equal(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(
        np.shape(left) == np.shape(right)
        and bool(np.all((np.asarray(left) == right) | ((left != left) & (right != right))))
        for left, right in zip(one, other, strict=True))


def _is_numbers(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind in "fiu")
    return isinstance(value, float | int | np.number) and not isinstance(value, bool)
