"""What a wrong backward pass does with what it is handed: found by handing it something else.

    g  for x.round()                       ->   a straight-through estimator
    -g for x                               ->   a gradient reversal
    2 x  for 2 x g                         ->   the upstream gradient is not used
    (db, da)  for (da, db)                 ->   each in the other's place
    -B g B  for -Bᵀ g Bᵀ, of B = A⁻¹       ->   right with Aᵀ in the place of A
    dW[idx] = g  for Σ over equal indices  ->   what is named twice is not added

Each is said only where it is so at every point that was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradproof.numeric import rounding_bound

Values = Mapping[str, Any]
Gradients = Callable[[Values], Mapping[str, Any]]
Seen = Sequence[tuple[Values, Any, Any, Mapping[str, int]]]


def misuses(
    gradients: Gradients, bars: Sequence[str], names: Sequence[str]
) -> dict[str, Callable[[Seen], str]]:
    """By input, what says how its gradient is wrong."""
    return {name: partial(misused, gradients, bars, name) for name in names}


def misused(gradients: Gradients, bars: Sequence[str], name: str, seen: Seen) -> str:
    """In words; "" for nothing of these.

    gradients: what the pass gives for inputs and upstream gradients, which are called `bars`.
    name: the input whose gradient was claimed, by values, what is due, and sizes, at some points.
    """
    seen = [one for one in seen if np.size(one[1]) > 1 and np.shape(one[1]) == np.shape(one[2])]
    if not seen or not bars:
        return ""
    for rule in (_handed_on, _unused, _exchanged, _turned, _named_twice):
        try:
            with np.errstate(all="ignore"):
                told = rule(gradients, bars, name, seen)
        except Exception:  # what it does not take says nothing
            continue
        if told:
            return told
    return ""


def _handed_on(gradients: Gradients, bars: Sequence[str], name: str, seen: Seen) -> str:
    """The upstream gradient itself, or a multiple, in the place of the derivative."""
    for bar in bars:
        if any(np.shape(values[bar]) != np.shape(claimed) for values, claimed, _, _ in seen):
            continue
        if all(_same(due, values[bar]) for values, _, due, _ in seen):
            factors = {round(float(np.vdot(values[bar], claimed) / np.vdot(
                values[bar], values[bar])), 9) for values, claimed, _, _ in seen}
            (factor,) = factors if len(factors) == 1 else (1.0,)
            if factor < 0 and all(_same(claimed, factor * values[bar])
                                  for values, claimed, _, _ in seen):
                return (f"a gradient reversal: forward hands {name} on, whose derivative is {bar} "
                        f"itself, and backward gives {factor:.9g} times that")
        if all(_same(claimed, values[bar]) for values, claimed, _, _ in seen) and not (
                _is_multiple(bar, seen)):
            why = "whose derivative is 0 almost everywhere" if _is_zero(seen) else "which it is not"
            return (f"a straight-through estimator: backward hands {bar} on as if forward were the "
                    f"identity, {why}")
        if _is_zero(seen) and all(
                np.all((claimed == 0) | (claimed == values[bar]))
                for values, claimed, _, _ in seen):
            return (f"a straight-through estimator: backward hands {bar} on where a mask lets it, "
                    "and the derivative of forward is 0 almost everywhere")
    return ""


def _is_zero(seen: Seen) -> bool:
    return all(not np.any(due) for _, _, due, _ in seen)


def _is_multiple(bar: str, seen: Seen) -> bool:
    """Whether what is due is everywhere the same number, not 0, times the upstream gradient: then
    a factor is missing, and nothing is estimated."""
    values, _, due, _ = seen[0]
    factor = float(np.vdot(values[bar], due) / np.vdot(values[bar], values[bar]))
    return factor != 0 and all(_same(due, factor * values[bar]) for values, _, due, _ in seen)


def _unused(gradients: Gradients, bars: Sequence[str], name: str, seen: Seen) -> str:
    """What is due depends on an upstream gradient by which the claim does not change."""
    found: list[str] = []
    if not any(np.any(claimed) for _, claimed, _, _ in seen):
        return ""  # a zero is no factor's absence
    for bar in bars:
        other = [gradients({**values, bar: 2.5 * np.flip(values[bar]) + 1})[name]
                 for values, _, _, _ in seen]
        if all(_same(claimed, one)
               for (_, claimed, _, _), one in zip(seen, other, strict=True)):
            found.append(bar)
    if not found or not any(np.any(due) for _, _, due, _ in seen):
        return ""
    if len(found) < len(bars) and all(
            _same(gradients({**values, **{bar: 0 * values[bar] for bar in bars
                                          if bar not in found}})[name], 0 * claimed)
            for values, claimed, _, _ in seen):
        return f"of the upstream gradients, {', '.join(found)} is not used"
    return f"the upstream gradient {', '.join(found)} is not used: by the chain rule it is a factor"


def _exchanged(gradients: Gradients, bars: Sequence[str], name: str, seen: Seen) -> str:
    """What is due here is returned for another input."""
    others = [key for key in gradients(seen[0][0]) if key != name]
    for other in others:
        if all(_same(gradients(values)[other], due) for values, _, due, _ in seen):
            return f"the gradient by {name} is returned in the place of that by {other}"
    return ""


def _turned(gradients: Gradients, bars: Sequence[str], name: str, seen: Seen) -> str:
    """Right with a square matrix transposed."""
    seen = [one for one in seen if max(one[3].values(), default=2) > 1]
    for key in seen[0][0] if seen else ():
        if not all(_is_square(values[key]) for values, _, _, _ in seen):
            continue
        other = [{**values, key: np.swapaxes(values[key], -1, -2).copy()}
                 for values, _, _, _ in seen]
        made = [np.asarray(gradients(values)[name]) for values in other]
        if all(_same(one, claimed) for one, (_, claimed, _, _) in zip(made, seen, strict=True)):
            continue  # it is not computed of that
        for also in ("", ", and the result transposed") if made[0].ndim > 1 else ("",):
            turned = [np.swapaxes(one, -1, -2) for one in made] if also else made
            if all(_same(one, due) for one, (_, _, due, _) in zip(turned, seen, strict=True)):
                return f"it is right with the transpose of {key} in the place of {key}{also}"
    return ""


def _is_square(value: Any) -> bool:
    shape = np.shape(value)
    return len(shape) > 1 and shape[-1] == shape[-2] > 1


def _named_twice(gradients: Gradients, bars: Sequence[str], name: str, seen: Seen) -> str:
    """Wrong in the rows alone that an array of places names more than once."""
    for key, value in seen[0][0].items():
        if np.asarray(value).dtype.kind not in "iu":
            continue
        wrong = 0
        for values, claimed, due, _ in seen:
            rows = np.array([not _same(one, other)
                             for one, other in zip(claimed, due, strict=True)])
            counts = np.bincount(np.ravel(values[key]), minlength=len(rows))
            if len(counts) != len(rows) or np.any(rows & (counts < 2)):
                break
            wrong += int(np.sum(rows))
        else:
            if wrong:
                return (f"wrong where {key} names a place more than once: what is written there "
                        "again takes the place of what was written, and is not added to it")
    return ""


def _same(one: Any, other: Any) -> bool:
    left, right = np.asarray(one), np.asarray(other)
    return left.shape == right.shape and bool(np.all(
        (left == right) | (np.abs(left - right) <= 100 * rounding_bound(left, right))))
