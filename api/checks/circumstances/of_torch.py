"""A function of PyTorch's in the circumstances in which PyTorch may call it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import failure_of
from gradproof.checks.circumstances.applied import Applied, quietly
from gradproof.checks.circumstances.lines import first_other_line
from gradproof.checks.circumstances.precision import loud_in, narrow
from gradproof.checks.circumstances.tensors import plain, shared, unseen_writes, ways
from gradproof.checks.circumstances.twice import held, weights_of
from gradproof.checks.circumstances.ways import Due, NotTakenError, Values, Way, Wrong, not_zero
from gradproof.checks.inputs import Inputs
from gradproof.checks.layer_objects.calling import LayerObject
from gradproof.checks.points import Point
from gradproof.numeric import Comparison
from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.tracing.run import Trace

SHARED = ("wrong where its upstream gradient goes to others as well, as in F(x) + h: it writes "
          "into what it is handed, and h is handed the same; change a clone")
ONCE = ("once_differentiable", "does not require grad")
"""What PyTorch says of a backward pass that it does not differentiate."""
LACKS = ("not implemented for", "not supported", "unsupported")
"""What it says of an operation that it has not at a precision."""


@dataclass(frozen=True)
class OfTorch:
    """A function, with values of inputs and of upstream gradients (`bars`).

    due: the gradients that its passes give.  empty: inputs with an axis without entries, by the
    size that is 0.  keeps_others: forward saves more than inputs and outputs; None where backward
    is not to be differentiated.  ends: something in the passes is told to be a constant, as by
    detach().
    """

    applied: Applied
    values: Values
    bars: Sequence[str]
    due: Due
    empty: Mapping[str, Values]
    at: str
    keeps_others: bool | None = None
    ends: bool = True

    def quietly(self) -> Any:
        return quietly()

    def _usual(self) -> Mapping[str, Any]:
        return plain(self.applied, self.values, self.bars)

    def ways(self) -> Iterator[Way]:
        yield Way("PyTorch itself calls it", self._usual, self.due(self.values))
        yield from ways(self.applied, self.values, self.bars, self.due)

    def line(self, way: Way) -> SourceLine | None:
        return first_other_line(self._usual, way.run)

    def own(self, place: SourceLine | None) -> SourceLine | None:
        """PyTorch's own line, where it refuses what backward returns, is none."""
        theirs = str(Path(sys.modules["torch"].__file__ or "").parent)
        return None if place is None or place.filename.startswith(theirs) else place

    def further(self) -> Iterator[tuple[Wrong, SourceLine | None]]:
        names = self.applied.wrt
        try:
            is_shared = shared(self.applied, self.values, self.bars)
        except Exception:  # where it cannot be tried, nothing is said
            is_shared = False
        if is_shared:
            yield dict.fromkeys(names, SHARED), self._writing()
        for size, values in self.empty.items():
            try:
                yield self._empty(size, values), None
            except Exception:  # a pass that needs entries says so
                continue
        yield narrow(self._at, self.values, names, self.due), None

    def _writing(self) -> SourceLine | None:
        """The line that writes into an upstream gradient, which raises where it may not be
        written."""
        torch = sys.modules["torch"]
        tensors = self.applied.tensors(self.values, self.applied.wrt)
        outputs = self.applied.outputs(tensors)
        back = [torch.from_numpy(np.array(self.values[name])).reshape(-1)[:1].expand(
            np.shape(self.values[name])) for name in self.bars]
        try:
            self.applied.gradients(tensors, outputs, back)
        except Exception as error:
            return self.own(failure_of(error).place)
        return None

    def _empty(self, size: str, values: Values) -> Wrong:
        torch = sys.modules["torch"]
        tensors = self.applied.tensors(values, self.applied.wrt)
        outputs = self.applied.outputs(tensors)
        if any(out.numel() for out in outputs):
            return {}
        return not_zero(size, self.applied.gradients(
            tensors, outputs, [torch.zeros_like(out) for out in outputs]))

    def _at(self, title: str, there: Values) -> Mapping[str, Any]:
        """The gradients in float32 or bfloat16."""
        torch = sys.modules["torch"]
        dtype = getattr(torch, title)
        with quietly(dtype if title == "float32" else torch.float32):
            tensors = self.applied.tensors(there, self.applied.wrt, dtype=dtype)
            try:
                outputs = self.applied.outputs(tensors)
            except Exception as error:
                raise NotTakenError from error
            if any(not torch.isfinite(out).all() for out in outputs):
                raise NotTakenError
            back = [torch.from_numpy(np.array(there[name])).to(out.dtype)
                    for name, out in zip(self.bars, outputs, strict=True)]
            try:
                found = self.applied.gradients(tensors, outputs, back)
            except Exception as error:
                if any(text in str(error) for text in LACKS):
                    raise NotTakenError from error
                raise
        return {name: one.double().numpy() for name, one in found.items()}

    def second(self) -> Mapping[str, Comparison] | None:
        """The derivative by each input and upstream gradient; None where there is none."""
        if self.keeps_others is None:
            return None
        torch, names = sys.modules["torch"], self.applied.wrt
        weights = weights_of(self.values, names)
        tensors = self.applied.tensors(self.values, names)
        outputs = self.applied.outputs(tensors)
        back = [torch.from_numpy(np.array(self.values[name])).requires_grad_()
                for name in self.bars]
        first = torch.autograd.grad(outputs, [tensors[name] for name in names], back,
                                    create_graph=True, allow_unused=True)
        total = sum((one * torch.from_numpy(weights[name])).sum()
                    for name, one in zip(names, first, strict=True) if one is not None)
        leaves = [*(tensors[name] for name in names), *back]
        try:
            found = torch.autograd.grad(total, leaves, allow_unused=True)
        except RuntimeError as error:
            if any(text in str(error) for text in ONCE):
                return None
            raise

        def weighed(at: Values) -> float:
            made = self.due(at)
            return float(sum(np.sum(made[name] * weights[name]) for name in names))

        return held(weighed, self.values, {
            name: np.zeros(np.shape(self.values[name])) if one is None
            else one.detach().cpu().numpy()
            for name, one in zip([*names, *self.bars], found, strict=True)})

    def of_second(self, is_wrong: bool, is_proved: bool) -> str:
        """Where backward is proved and reads inputs, outputs and upstream gradients alone, PyTorch
        differentiates a formula that is proved."""
        if is_wrong:
            why = ("what forward computes and saves is a constant in it; save inputs and outputs "
                   "alone, or " if self.keeps_others else "")
            return f"{why}mark backward once_differentiable"
        if is_proved and not self.keeps_others and not self.ends:
            return "backward reads inputs, outputs and upstream gradients alone"
        return ""

    def assumed(self) -> list[str]:
        """What is not seen to be written into is assumed not to be."""
        said = loud_in("bfloat16", self._at, self.values)
        loose = unseen_writes(self.applied, self.values, self.bars, self.due)
        if not loose:
            return said
        which = ", ".join("the output" if name in self.bars else name for name in loose)
        return [*said, f"nobody writes into {which} between the passes: backward reads it as it is "
                "then, and PyTorch does not see that (ctx.save_for_backward lets it)"]


def of_torch(
    source: Any, layer: LayerObject, taken: Inputs, point: Point, wrt: Sequence[str],
    bars: Sequence[str], due: Due, hand: Trace | None,
    empty: Mapping[str, Values],
) -> OfTorch | None:
    """A function of PyTorch's at a point; None where it takes containers."""
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
                      {**rest, **layer.constants}, wrt, made.materialize_grads,
                      layer.plan.changed)
    return OfTorch(applied, point.values, bars, due, empty, str(point),
                   None if made.is_once else made.keeps_others,
                   hand is None or bool(hand.applied) or any(
                       "it is computed under" not in stop for stop in hand.stops))
