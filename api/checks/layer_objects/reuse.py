"""A layer used again: in training one object runs forward and backward, step after step."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.layer_calls import Gathering
from gradproof.checks.layer_objects.calling import LayerObject
from gradproof.checks.layer_objects.running import flush, ran
from gradproof.checks.points import Point
from gradproof.checks.results import Check
from gradproof.checks.returned import HOLDERS
from gradproof.limits.calls import called
from gradproof.numeric import noise_bound, rounding_bound


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


def used_again(
    layer: LayerObject, gathering: Gathering, point: Point, cotangents: Sequence[str]
) -> Reuse:
    """Two steps of one object on different inputs, held against a new object's step on the second.

    A gradient that is added to what was there (``self.dW += ...``) may have both steps'.  A layer
    whose second output is another than a new one's keeps a state that is meant, and is left.
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
        _, first = self._step(self._new(), one)
        outputs, alone = self._step(self._new(), other)
        used = self._new()
        self._step(used, one)
        flush(used, self.layer.plan)
        again, second = self._step(used, other)
        wrong = {
            name: "right in a first step; in a second step of the same layer, on other inputs, it "
                  "is not the gradient there: the layer keeps something of the first"
            for name in alone if _close(again, outputs)
            and not self._is(other, name, second[name], alone[name])
            and not self._is(other, name, second[name], np.asarray(first[name]) + alone[name])
            and not (_appends(used) and _close([second[name]], [first[name]]))
        }
        twice = self._new()
        self._step(twice, one, backward=False)
        ahead, late = self._step(twice, other)
        left = tuple(name for name in alone if name not in wrong and _close(ahead, outputs)
                     and not self._is(other, name, late[name], alone[name]))
        return Reuse(wrong, left)

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
