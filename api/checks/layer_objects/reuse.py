"""A layer used again: in training one object runs forward and backward, step after step."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.layer_calls import Gathering
from gradproof.checks.layer_objects.calling import LayerObject
from gradproof.checks.layer_objects.running import flush, ran
from gradproof.checks.points import Point
from gradproof.checks.results import Check
from gradproof.checks.returned import HOLDERS
from gradproof.limits.calls import called
from gradproof.numeric import compare_gradient, noise_bound, rounding_bound
from gradproof.symbolic.equation import Array


@dataclass(frozen=True)
class Reuse:
    """What a second use of a layer shows.

    wrong: by name, why its gradient is wrong in a second step; left: the names whose gradient,
    after two forward passes, is not that of the second.
    """

    wrong: Mapping[str, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        return (f"after two forward passes, backward does not give the gradient by "
                f"{', '.join(self.left)} of the second") if self.left else ""


FIRST_USE = Reuse()

GROSS = 1e-3
"""How much of the largest entry a derivative of a layer with a state has to be off by: what the
layer keeps may have fewer digits than its inputs."""


def used_again(
    layer: LayerObject, gathering: Gathering, point: Point, cotangents: Sequence[str]
) -> Reuse:
    """Two steps of one object on different inputs, held against a new object's step on the second:
    on as many samples, on more of them and on fewer.

    A gradient that is added to what was there (``self.dW += ...``) may have both steps'.  A layer
    whose second output is another than a new one's keeps a state that is meant, and its gradients
    by its inputs are held against differences of that second output.
    """
    steps = _Steps(layer, gathering, point, tuple(cotangents))
    try:
        with np.errstate(all="ignore"):
            return steps.compared()
    except Exception:  # it ran once, which is all that is asked of it
        return FIRST_USE


@dataclass(frozen=True)
class _Steps:
    layer: LayerObject
    gathering: Gathering
    point: Point
    cotangents: tuple[str, ...]

    def compared(self) -> Reuse:
        moved = {name: 0.2 - 1.3 * value for name in self.layer.plan.entering
                 if (value := self.point.values.get(name)) is not None
                 and np.asarray(value).dtype.kind == "f"}
        one, other = dict(self.point.values), {**self.point.values, **moved}
        reuse = self._after(one, other)
        for said, values in self._of_other_lengths(other):
            if reuse.wrong:
                break
            try:
                found = self._after(one, values, said)
            except Exception:  # it takes one number of samples, and says so
                continue
            reuse = replace(reuse, wrong=found.wrong)
        return reuse

    def _after(self, one: Mapping[str, Any], other: Mapping[str, Any], on: str = "") -> Reuse:
        """What a step on some inputs leaves for one on others."""
        _, first = self._step(self._new(), one)
        outputs, alone = self._step(self._new(), other)
        used = self._ready(one)
        again, second = self._step(used, other)
        if not _close(again, outputs):
            return Reuse(self._with_state(one, other, first))
        wrong = {
            name: f"right in a first step; in a second step of the same layer, {on or 'on other'} "
                  "inputs, it is not the gradient there: the layer keeps something of the first"
            for name in alone
            if not self._is(other, name, second[name], alone[name])
            and not self._is_sum(other, name, second[name], first[name], alone[name])
            and not (_appends(used) and _close([second[name]], [first[name]]))
        }
        if on:
            return Reuse(wrong)
        twice = self._new()
        self._step(twice, one, backward=False)
        ahead, late = self._step(twice, other)
        left = tuple(name for name in alone if name not in wrong and _close(ahead, outputs)
                     and not self._is(other, name, late[name], alone[name]))
        return Reuse(wrong, left)

    def _of_other_lengths(
        self, values: Mapping[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """More samples and fewer of them, in words and as inputs; none where no size is theirs."""
        entering, size = self._samples()
        length = self.point.sizes.get(str(size), 0)
        if not length:
            return
        for other in (length + 2, *range(max(length - 1, 1), length)):
            made = dict(values)
            for array in entering:
                for axis in (place for place, n in enumerate(array.shape) if n == size):
                    made[array.name] = np.take(
                        made[array.name], np.arange(other) % length, axis=axis)
            outputs, _ = self._step(self._new(), made, backward=False)
            rng = np.random.default_rng(other)
            made.update((name, rng.normal(size=np.shape(out)))
                        for name, out in zip(self.cotangents, outputs, strict=True))
            yield f"with {size} = {other} after {length}, on other", made

    def _samples(self) -> tuple[list[Array], sp.Expr | None]:
        """The inputs of the first pass, and the size that counts their samples: the first that
        nothing else has."""
        arrays = {array.name: array for array in self.layer.taken.arrays}
        entering = [arrays[name] for name in self.layer.plan.entering if name in arrays]
        bound = {symbol for array in arrays.values() for size in array.shape
                 if array not in entering or not size.is_Symbol for symbol in size.free_symbols}
        sizes = (size for array in entering for size in array.shape)
        return entering, next((n for n in sizes if n.is_Symbol and n not in bound), None)

    def _with_state(
        self, one: Mapping[str, Any], other: Mapping[str, Any], first: Mapping[str, Any]
    ) -> dict[str, str]:
        """The gradients by inputs that are none of the second output of a layer with a state.

        Not those by parameters: on these depends what it keeps, through which none may go.
        """
        def output(values: Mapping[str, Any]) -> float:
            outputs, _ = self._step(self._ready(one), values, backward=False)
            bars = [values[name] for name in self.cotangents] or [1.0] * len(outputs)
            return float(sum(np.sum(bar * out) for bar, out in zip(bars, outputs, strict=True)))

        _, second = self._step(self._ready(one), other)
        names = [name for name in second if name in self.layer.plan.entering
                 and np.asarray(other.get(name)).dtype.kind == "f"]
        wrong = {}
        for name in names:
            claims = [second[name], second[name] - first[name]
                      if np.shape(first[name]) == np.shape(second[name]) else second[name]]
            if all(self._is_gross(output, other, name, claim) for claim in claims):
                wrong[name] = ("right in a first step; in a second step of the same layer it is "
                               "not the gradient of what the layer, which keeps a state, returns "
                               "there")
        return wrong

    @staticmethod
    def _is_gross(output: Any, values: Mapping[str, Any], name: str, claimed: Any) -> bool:
        found = compare_gradient(output, values, {name: claimed}, budget=400)[name]
        return any(probe.gap > GROSS * max(float(np.max(np.abs(claimed), initial=0.0)),
                                           abs(probe.estimate.value)) for probe in found.wrong)

    def _ready(self, one: Mapping[str, Any]) -> Any:
        """An object that has made a step."""
        used = self._new()
        self._step(used, one)
        flush(used, self.layer.plan)
        return used

    def _is_sum(
        self, values: Mapping[str, Any], name: str, found: Any, first: Any, second: Any
    ) -> bool:
        """Whether a gradient is both steps', added."""
        return np.shape(first) == np.shape(second) and self._is(
            values, name, found, np.asarray(first) + second)

    def _is(self, values: Mapping[str, Any], name: str, found: Any, due: Any) -> bool:
        """Whether a gradient is what is due, but for what the layer's arithmetic loses there."""
        if np.shape(found) != np.shape(due) or _close([found], [due]):
            return bool(np.shape(found) == np.shape(due))
        allowed = noise_bound(lambda at: self._step(self._new(), at)[1], values, name, found, due)
        return bool(np.all(np.abs(found - due) <= allowed))

    def _new(self) -> Any:
        made = self.layer.made(self.point)
        for one in self.layer.plan.kept:
            one.put(made, one.start)
        return made

    def _step(
        self, used: Any, values: Mapping[str, Any], backward: bool = True
    ) -> tuple[list[Any], dict[str, Any]]:
        """The outputs and the gradients of a step, copied."""
        arguments = {**self.layer.taken.at(values),
                     **{one.name: np.array(values[one.name]) for one in self.layer.plan.inside}}
        back = [np.array(values[name]) for name in self.cotangents] if backward else None
        outputs, found = called(partial(ran, used, None, self.layer.plan, self.gathering, arguments,
                                        copy.deepcopy(dict(self.layer.constants)), back))
        return list(map(np.array, outputs)), {
            name: np.array(value) for name, value in (found or {}).items()}


def _appends(used: Any) -> bool:
    """Whether gradients stand in lists, to which a second step may append."""
    return any(isinstance(held := getattr(used, holder, None), list) and held
               for holder in HOLDERS)


def _close(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return all(np.shape(left) == np.shape(right)
               and np.all((left == right) | (np.isnan(left) & np.isnan(right))
                          | (np.abs(left - right) <= rounding_bound(left, right)))
               for left, right in zip(one, other, strict=True))


def used(made: Check, reuse: Reuse) -> Check:
    """A check with what a second use of the layer showed."""
    if made.name in reuse.wrong and made.verdict != "refuted":
        return replace(made, verdict="refuted", scope="", reason=reuse.wrong[made.name])
    return replace(made, notes=(*made.notes, reuse.note)) if made.name in reuse.left else made
