"""How a layer that is an object is made of its inputs, and which two methods are its passes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from gradproof.checks.inputs import Inputs, leaves
from gradproof.checks.layer_calls import Gathering, Run, orders
from gradproof.checks.layer_objects.custom_rules import JAX
from gradproof.checks.layer_objects.finding import NOTHING, Own, OwnParameter
from gradproof.checks.layer_objects.frameworks import TORCH
from gradproof.checks.layer_objects.making import flushes, preparation, prepared
from gradproof.checks.layer_objects.places import Path, held, reached
from gradproof.checks.layer_objects.planning import planned, rates
from gradproof.checks.layer_objects.running import (
    SAVED_EARLIER,
    Plan,
    built,
    forward,
    moved,
    passes,
    ran,
)
from gradproof.checks.layer_objects.slopes import TARGETS, Of, settled, slope_of
from gradproof.checks.layer_objects.sources import Found, copied, found_in, order
from gradproof.checks.layer_objects.updates import is_linear, optimisers, rate_of
from gradproof.checks.points import Point, flat
from gradproof.checks.returned import LayerError
from gradproof.limits.calls import called


@dataclass(frozen=True)
class LayerObject:
    """A layer as an object with two passes, or what makes one of parameters.

    first: the inputs of its forward pass, in order.  methods: its two methods, where they are
    plain functions.  by: what it has gradients for, where that is said or its style says so.
    """

    make: Callable[..., Any]
    title: str
    taken: Inputs
    constants: Mapping[str, Any]
    plan: Plan
    first: tuple[str, ...] = ()
    methods: tuple[Callable[..., Any] | None, ...] = (None, None)
    by: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls, source: Any, taken: Inputs, constants: Mapping[str, Any], point: Point,
        wrt: Sequence[str] | None = None, of: Of | None = None,
    ) -> LayerObject:
        """wrt: what is asked for, if that is said.  of: what a derivative is a function of.

        LayerError for what is no layer, LayerFails where it cannot be made.
        """
        found = found_in(source, taken, constants, point)
        if found.methods.style == "layer" and _is_alike(found, taken.given):
            slope = replace(found, methods=replace(found.methods, style="slope"))
            made = cls._of(slope, taken, constants, point, wrt, of)
            if len(made.first) > 1 or (made.plan.slope is not None and made.plan.slope.is_right):
                return made
        return cls._of(found, taken, constants, point, wrt, of)

    @classmethod
    def _of(
        cls, found: Found, taken: Inputs, constants: Mapping[str, Any], point: Point,
        wrt: Sequence[str] | None, of: Of | None,
    ) -> LayerObject:
        constants = {**constants, **rates(found, constants)}
        plan = planned(found, taken, constants)
        ahead = getattr(found.layer, plan.methods.ahead)
        first = tuple(name for name in order(ahead, taken.given) if name in plan.entering)
        ahead, behind = (getattr(type(found.layer), name, None)
                         for name in (plan.methods.ahead, plan.methods.behind))
        is_plain = inspect.isfunction(behind) or (
            inspect.ismethod(behind) and plan.methods.is_static)  # another object's
        if plan.arrays is JAX:  # what is called backward is not the user's own function
            ahead = behind = None
        made = cls(found.make, found.title, taken, constants, plan, first,
                   (ahead if inspect.isfunction(ahead) else None, behind if is_plain else None),
                   tuple(wrt) if wrt is not None else None)
        if plan.arrays is TORCH:
            return made._with_changed(point)
        if plan.methods.style == "layer":
            made = made._prepared(point)._with_updates(point)
        if plan.methods.style == "slope":
            return made._with_slope(found.layer, point, of)
        if plan.methods.style == "joint" and wrt is None:
            return made._with_returned(found.layer, point)
        return made

    def _with_changed(self, point: Point) -> LayerObject:
        """With the inputs that it says that it changes."""
        layer = self.made(point)
        try:
            with np.errstate(all="ignore"):
                self._forward(layer, point)
        except Exception:  # it will fail again where its failure is the finding
            return self
        said = (SAVED_EARLIER,) if layer.writes_what_it_saved else ()
        return replace(self, plan=replace(self.plan, changed=layer.changed, remarks=said))

    def _prepared(self, point: Point) -> LayerObject:
        """With the methods called that make its parameters, where its first pass needs them.

        LayerError where there are some, and none can be called with what is known.
        """
        def runs(layer: Any) -> bool:
            return bool(self.ahead(layer, point))

        declared = [leaf.shape for name in self.first for leaf in leaves(self.taken.declared[name])]
        known = [int(size) if size.is_Integer else 0 for size in (declared or [()])[0]]
        calls, needs = preparation(lambda: self.made(point), runs,
                                   known if all(known[1:]) else None)
        if needs:
            raise LayerError(
                f"{self.title}: its {self.plan.methods.ahead} does not run on a new object, which "
                f"may need {needs} first. Hand over a function that makes one, as in\n"
                f"def make():\n    layer = {self.title}(...)\n    layer.{needs}\n    return layer")
        return replace(self, make=partial(prepared, self.make, calls)) if calls else self

    def _with_updates(self, point: Point) -> LayerObject:
        """With where it holds optimisers, and the inputs that its second pass changes."""
        try:
            layer = self.made(point)
        except Exception:  # it will fail again where its failure is the finding
            return self
        plan = replace(self.plan, optimisers=dict.fromkeys(optimisers(layer)),
                       flushes=flushes(layer))
        seats = _seats(layer, flat({name: plan.named[name] for name in plan.own},
                                   self.taken.at(point.values)))
        looking = replace(self, plan=replace(plan, moved=seats))
        heard: dict[Path, bool | None] = {}
        after, found = looking._tried(point, _normal(looking, point), heard=heard)
        plan = replace(plan, optimisers=heard)
        if after is None:
            return replace(self, plan=plan)
        moved = {name: path for name, path in seats.items()
                 if not np.array_equal(reached(after, path), point.values[name])}
        looking = replace(self, plan=replace(plan, moved=moved))
        stepped = frozenset(name for name in moved if name not in found
                            and looking._is_step(name, moved[name], point))
        return replace(looking, plan=replace(looking.plan, stepped=stepped))

    def _tried(
        self, point: Point, back: Sequence[Any], inside: Sequence[OwnParameter] = (),
        heard: dict[Path, bool | None] | None = None,
    ) -> tuple[Any, Mapping[str, Any]]:
        """A new object after both passes, and the gradients that were found; None where it
        fails."""
        arguments = {**self.taken.at(point.values), **{one.name: one.start for one in inside}}
        plan = replace(self.plan, inside=tuple(inside))
        gathering = Gathering(_further(orders(self.taken, self.first, plan.own, self.by), inside))
        try:
            with np.errstate(all="ignore"):
                layer = self.made(point)
                _, found = called(partial(ran, layer, None, plan, gathering, arguments,
                                          copy.deepcopy(dict(self.constants)), back, heard))
        except Exception:  # it will fail again where its failure is the finding
            return None, {}
        return layer, found

    def _is_step(
        self, name: str, path: Path, point: Point, inside: Sequence[OwnParameter] = ()
    ) -> bool:
        """Whether what backward changes an array by is a rate times a map of the cotangents."""
        def step(back: Sequence[Any]) -> Any:
            after, _ = self._tried(point, back, inside)
            if after is None or rate_of(after, self.constants) is None:
                return None
            start = next((one.start for one in inside if one.name == name),
                         point.values.get(name))
            return np.asarray(reached(after, path)) - start

        back = _normal(self, point, inside)
        moved = step(back) if back else None
        return moved is not None and bool(np.any(moved)) and is_linear(step, back)

    def steps(self, one: OwnParameter, found: Sequence[OwnParameter], point: Point) -> bool:
        return self._is_step(one.name, one.paths[0], point, found)

    def _with_slope(self, layer: Any, point: Point, of: Of | None) -> LayerObject:
        """With how its derivative is called, which numbers decide where names do not."""
        methods, known = self.plan.methods, {**self.taken.at(point.values), **self.constants}
        title = f"{self.title}.{methods.behind}" if methods.behind != "f_prime" else self.title
        derivative = getattr(layer, methods.behind)
        slope = slope_of(derivative, self.first, tuple(self.constants), title)
        real = [name for name in self.first if name in self.taken.real]
        by = self.by or [name for name in real if name.lower() not in TARGETS] or real
        slope = settled(
            slope, lambda arguments: forward(layer, self.plan, arguments, arguments)[0][0],
            derivative, known, by, of, title)
        return replace(self, plan=replace(self.plan, slope=slope), by=tuple(by))

    def _with_returned(self, layer: Any, point: Point) -> LayerObject:
        """With what the one method returns gradients for, where their shapes say so."""
        real = [name for name in self.first if name in self.taken.real]
        try:
            with np.errstate(all="ignore"):
                _, saved = self._forward(layer, point)
        except Exception:  # it will fail again where its failure is the finding
            return self
        arrays = [one for one in saved if one is not None]
        if len(arrays) == 1 and isinstance(arrays[0], tuple | list):
            arrays = list(arrays[0])
        if len(arrays) in (0, len(real)) or any(isinstance(one, Mapping) for one in arrays):
            return self
        fit = [names for names in combinations(real, len(arrays)) if all(
            np.shape(point.values[name]) == np.shape(one)
            for name, one in zip(names, arrays, strict=True))]
        likely = [names for names in fit if not any(name.lower() in TARGETS for name in names)]
        if len(found := likely or fit) != 1:
            raise LayerError(
                f"{self.title} returns {len(arrays)} gradients, and which of "
                f"{', '.join(real)} they are by cannot be told from their shapes; say it, as in "
                f"wrt={list(real[:len(arrays)])}")
        return replace(self, by=found[0]) if found else self

    def run(
        self, wrt: Sequence[str] | None, own: Own = NOTHING,
        instead: Callable[..., Any] | None = None,
    ) -> Run:
        """own: what it makes itself.  instead: is called in the place of its method `backward`."""
        plan, gathering = self.with_own(own).plan, self.gathering(wrt, own)
        return Run(
            partial(passes, self.make, instead, plan, gathering), plan.signature.needs_none,
            gathering.seen, self.methods[1], partial(self.run, wrt, own), self.methods[0],
            plan.slope.remarks if plan.slope is not None else plan.remarks,
            plan.methods.style == "joint", bool(plan.places),
            partial(moved, self.make, plan) if plan.has_tangents else None)

    def with_own(self, own: Own) -> LayerObject:
        """The layer that is handed the parameters that it makes itself."""
        return replace(self, plan=replace(self.plan, inside=own.parameters, kept=own.kept,
                                          is_lazy=own.is_lazy))

    def gathering(self, wrt: Sequence[str] | None, own: Own) -> Gathering:
        """What takes its gradients from what backward returned and left."""
        left = {one.name: one.left for one in own.parameters if one.gradients}
        named = orders(self.taken, self.first, self.plan.own, wrt)
        return Gathering(_further(named, own.parameters), left=left)

    # What `own_parameters` asks for.

    def made(self, point: Point) -> Any:
        return built(self.make, self.plan, self.taken.at(point.values),
                      copy.deepcopy(dict(self.constants)))

    def original(self, point: Point) -> Any:
        if isinstance(self.make, partial) and self.make.func is copied and not self.plan.is_lazy:
            return self.make.args[0]
        return self.made(point)

    def run_before(self) -> LayerObject:
        return replace(self, plan=replace(self.plan, is_lazy=True))

    def ahead(self, layer: Any, point: Point) -> tuple[Any, ...]:
        return tuple(map(np.asarray, self._forward(layer, point)[0]))

    def _forward(self, layer: Any, point: Point) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        found: tuple[tuple[Any, ...], tuple[Any, ...]] = called(partial(
            forward, layer, self.plan, self.taken.at(point.values),
            copy.deepcopy(dict(self.constants))))
        return found

    def behind(
        self, layer: Any, point: Point, weights: Sequence[Any], inside: Sequence[OwnParameter]
    ) -> Mapping[str, Any]:
        arguments = {**self.taken.at(point.values), **{one.name: one.start for one in inside}}
        scalar = all(np.ndim(weight) == 0 for weight in weights)
        back = () if self.plan.signature.needs_none and scalar else weights
        gathering = Gathering(_further(orders(self.taken, self.first, self.plan.own, self.by),
                                       inside),
                              left=dict.fromkeys((one.name for one in inside), _nothing))
        plan = replace(self.plan, inside=tuple(inside))
        _, found = called(partial(ran, layer, None, plan, gathering, arguments,
                                  copy.deepcopy(dict(self.constants)), back))
        return {one.name: found[one.name] for one in inside if one.name in found}


def _normal(
    layer: LayerObject, point: Point, inside: Sequence[OwnParameter] = ()
) -> tuple[Any, ...]:
    """Cotangents of the shape of the outputs; none where the outputs cannot be had."""
    try:
        with np.errstate(all="ignore"):
            made = layer.made(point)
            for one in inside:
                one.put(made, one.start)
            outputs = layer.ahead(made, point)
    except Exception:  # it will fail again where its failure is the finding
        return ()
    if layer.plan.signature.needs_none and all(out.ndim == 0 for out in outputs):
        return ()
    rng = np.random.default_rng(4)
    return tuple(rng.normal(size=out.shape) for out in outputs)


def _seats(layer: Any, given: Mapping[str, Any]) -> dict[str, Path]:
    """Where an object holds the arrays that it was made of: these, or equal ones."""
    there = held(layer)
    found = {}
    for name, value in given.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            continue
        same = [one.paths[0] for one in there if one.value is value] or [
            one.paths[0] for one in there if np.array_equal(one.value, value)]
        if len(same) == 1:
            found[name] = same[0]
    return found


def _nothing(_: Any) -> list[tuple[str, Any]]:
    return []


def _further(
    named: Sequence[Sequence[str]], inside: Sequence[OwnParameter]
) -> tuple[tuple[str, ...], ...]:
    """The orders of a tuple of gradients, with those by parameters that the layer makes itself."""
    every = tuple(one.name for one in inside)
    alone = tuple(one.name for one in inside if not one.gradients)
    further = [made for order in named for group in (every, alone)
               for made in ((*order, *group), (*group, *order))]
    return tuple(dict.fromkeys((*map(tuple, named), *further)))


def _is_alike(found: Found, given: Mapping[str, Any]) -> bool:
    """Whether the two methods take the same, which no cotangent is called like: then the second may
    be a derivative, and is one where there are several."""
    ahead, behind = (order(getattr(found.layer, name), given)
                     for name in (found.methods.ahead, found.methods.behind))
    every = inspect.signature(getattr(found.layer, found.methods.behind)).parameters
    return bool(ahead) and ahead == behind and list(every)[:len(behind)] == behind
