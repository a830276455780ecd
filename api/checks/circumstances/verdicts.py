"""A result with what was seen of a backward pass in the circumstances of a framework."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.causes.failures import failure_of
from gradproof.checks.circumstances.applied import Applied, Values, quietly
from gradproof.checks.circumstances.lines import first_other_line
from gradproof.checks.circumstances.precision import narrow
from gradproof.checks.circumstances.tensors import (
    Due,
    Way,
    differing,
    plain,
    shared,
    unseen_writes,
    ways,
)
from gradproof.checks.circumstances.twice import second
from gradproof.checks.inputs import Inputs
from gradproof.checks.layer_objects.calling import LayerObject
from gradproof.checks.points import Point
from gradproof.checks.results import PASSES, CheckResult
from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.tracing.run import Trace

SHARED = ("wrong where its upstream gradient goes to others as well, as in F(x) + h: it writes "
          "into what it is handed, and h is handed the same; change a clone")


@dataclass(frozen=True)
class Looked:
    """What is looked at: a function, with values of inputs and of upstream gradients (`bars`).

    due: the gradients that its passes give.  empty: inputs with an axis without entries, by the
    size that is 0, with the shapes of what is differentiated by.  keeps_others: forward saves more
    than inputs and outputs; None where backward is not to be differentiated.  ends: something in
    the passes is told to be a constant, as by detach().
    """

    applied: Applied
    values: Values
    bars: Sequence[str]
    due: Due
    empty: Mapping[str, Values]
    at: str
    keeps_others: bool | None = None
    ends: bool = True


def looked(
    source: Any, layer: LayerObject, taken: Inputs, point: Point, bars: Sequence[str], due: Due,
    hand: Trace | None,
) -> Looked | None:
    """What a function of PyTorch's is looked at with, at a point; None where it takes containers.
    """
    arrays = {array.name: array for array in taken.arrays}
    if set(arrays) != set(taken.given):
        return None
    made = layer.made(point)
    layer.ahead(made, point)
    rest = {name: one.default for name, one in inspect.signature(made.forward).parameters.items()
            if name not in arrays and one.default is not one.empty}
    given = [place for place, name in enumerate(made.names)
             if name in arrays or name in layer.constants]  # a last default is not handed over
    torch = sys.modules["torch"]
    is_function = isinstance(source, type) and issubclass(source, torch.autograd.Function)
    applied = Applied(source.apply if is_function else source,
                      made.names[:max(given) + 1],
                      {**rest, **layer.constants}, taken.real, made.materialize_grads,
                      layer.plan.changed)
    return Looked(applied, point.values, bars, due, _empties(taken, point), str(point),
                  None if made.is_once else made.keeps_others,
                  any("no_grad" not in stop for stop in hand.stops) if hand is not None else True)


def _empties(taken: Inputs, point: Point) -> dict[str, Values]:
    """Inputs without entries along an axis, by the size that is 0."""
    found: dict[str, Values] = {}
    for size in point.sizes:
        shapes = {array.name: tuple(int(sp.sympify(part).subs(
            {symbol: 0 if str(symbol) == size else point.sizes[str(symbol)]
             for symbol in part.free_symbols})) for part in array.shape) for array in taken.arrays}
        found[size] = {name: np.zeros(shape, np.asarray(point.values[name]).dtype)
                       for name, shape in shapes.items()}
    return found


def in_circumstances(result: CheckResult, looked: Looked) -> CheckResult:
    """The result, where what passes is refuted that is wrong in a circumstance."""
    if result.verdict not in PASSES:
        return result
    with quietly(), np.errstate(all="ignore"):
        wrong, place = _found(looked)
    if not wrong:
        with quietly(), np.errstate(all="ignore"):
            loose = _attempt(partial(unseen_writes, looked.applied, looked.values, looked.bars,
                                     looked.due), [])
            again = None if looked.keeps_others is None else _attempt(partial(
                second, looked.applied, looked.values, looked.bars, looked.due), None)
        return _assuming(_twice(result, looked, again), loose, looked.bars)
    checks = tuple(replace(check, verdict="refuted", scope="", reason=wrong[check.name],
                           entry=None) if check.name in wrong else check
                   for check in result.checks)
    first = f"first wrong: {place}" if place is not None else ""
    return replace(result, checks=checks, place=result.place or place,
                   first_wrong=result.first_wrong or first)


def _found(looked: Looked) -> tuple[dict[str, str], SourceLine | None]:
    """The gradients that are wrong in some circumstance, with that; and the line."""
    usual = partial(plain, looked.applied, looked.values, looked.bars)
    first = Way("PyTorch itself calls it", usual, looked.due(looked.values))
    for way in (first, *ways(looked.applied, looked.values, looked.bars, looked.due)):
        wrong, place = _wrong(way, usual, looked)
        if wrong:
            return wrong, place
    if _attempt(partial(shared, looked.applied, looked.values, looked.bars), False):
        return dict.fromkeys(looked.applied.wrt, SHARED), _writing(looked)
    for size, values in looked.empty.items():
        if wrong := _attempt(partial(_empty, looked, size, values), {}):
            return wrong, None
    return _attempt(partial(narrow, looked.applied, looked.values, looked.bars, looked.due),
                    {}), None


def _wrong(
    way: Way, usual: Callable[[], Any], looked: Looked
) -> tuple[dict[str, str], SourceLine | None]:
    try:
        found = way.run()
    except Exception as error:
        raised = failure_of(error)
        return dict.fromkeys(looked.applied.wrt,
                             f"fails where {way.said}: {raised.text}"), _own(raised.place)
    apart = differing(found, way.due)
    if not apart:
        return {}, None
    said = {name: f"wrong where {way.said}: it differs by {gap:.3g} at {looked.at}"
            if gap < float("inf") else f"of another shape where {way.said}"
            for name, gap in apart.items()}
    return said, _attempt(partial(first_other_line, usual, way.run), None)


def _own(place: SourceLine | None) -> SourceLine | None:
    """A line of the user's; PyTorch's own, where it refuses what backward returns, is none."""
    theirs = str(Path(sys.modules["torch"].__file__ or "").parent)
    return None if place is None or place.filename.startswith(theirs) else place


def _writing(looked: Looked) -> SourceLine | None:
    """The line that writes into an upstream gradient, which raises where it may not be written."""
    torch = sys.modules["torch"]

    def run() -> Any:
        tensors = looked.applied.tensors(looked.values, looked.applied.wrt)
        outputs = looked.applied.outputs(tensors)
        back = [torch.from_numpy(np.array(looked.values[name])).reshape(-1)[:1].expand(
            np.shape(looked.values[name])) for name in looked.bars]
        return looked.applied.gradients(tensors, outputs, back)

    try:
        run()
    except Exception as error:
        return _own(failure_of(error).place)
    return None


def _empty(looked: Looked, size: str, values: Values) -> dict[str, str]:
    """Of outputs without entries all gradients are zeros; a pass that needs entries raises."""
    torch, applied = sys.modules["torch"], looked.applied
    tensors = applied.tensors(values, applied.wrt)
    outputs = applied.outputs(tensors)
    if any(out.numel() for out in outputs):
        return {}
    found = applied.gradients(tensors, outputs, [torch.zeros_like(out) for out in outputs])
    return {name: f"wrong where {size} = 0: it is no zero, and the output has no entries"
            for name, one in found.items() if bool((one != 0).any())}


def _twice(
    result: CheckResult, looked: Looked, wrong: Mapping[str, float] | None
) -> CheckResult:
    """With what is known of the derivative of backward.

    Where backward is proved and reads inputs, outputs and upstream gradients alone, PyTorch
    differentiates a formula that is proved.
    """
    if wrong is None:
        return result
    if wrong:
        by = ", ".join(f"{name}: {gap:.2g}" for name, gap in wrong.items())
        why = ("what forward computes and saves is a constant in it; save inputs and outputs "
               "alone, " if looked.keeps_others else "")
        said = (f"a second derivative through it is wrong at {looked.at} (by {by}): {why}"
                f"{'or ' if why else ''}mark backward once_differentiable")
    elif result.verdict == "proved" and not looked.keeps_others and not looked.ends:
        said = ("a second derivative through it is proved as well: backward reads inputs, outputs "
                "and upstream gradients alone")
    else:
        said = f"a second derivative through it agrees with differences at {looked.at}"
    return replace(result, checks=tuple(
        replace(check, notes=(*check.notes, said)) for check in result.checks))


def _assuming(result: CheckResult, loose: Sequence[str], bars: Sequence[str]) -> CheckResult:
    """What is not seen to be written into is assumed not to be."""
    if not loose:
        return result
    which = ", ".join("the output" if name in bars else name for name in loose)
    said = (f"nobody writes into {which} between the passes: backward reads it as it is then, and "
            "PyTorch does not see that (ctx.save_for_backward lets it)")
    return replace(result, checks=tuple(
        replace(check, assumptions=(*check.assumptions, said)) for check in result.checks))


def _attempt(run: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return run()
    except Exception:  # what a circumstance cannot be made for says nothing
        return otherwise
