"""A gradient function that raises, has two answers or gives no real numbers: what is said of it,
and whether that is a fact about it.

Arrays that do not fit, a name or a key that is not there: where the loss works, a gradient that
ends so is wrong.  What a function raises by itself (a refusal), what it lacks of the machine, and
what gradproof's own code raises around it say nothing of the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from gradproof.limits.calls import ExitedError, NotReturnedError
from gradproof.numeric import rounding_bound
from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.tracing.source import is_users, line_of

FACTS = (ValueError, TypeError, LookupError, AttributeError, NameError, ArithmeticError)
"""Exceptions that say that arrays, names or keys do not fit; LinAlgError is a ValueError."""

_NUMPY = str(Path(np.__file__).parent)
_OURS = __name__.split(".")[0]


@dataclass(frozen=True)
class Failure:
    """text: what was raised, in one line.  place: the user's line.  is_fact: see above."""

    text: str
    place: SourceLine | None = None
    is_fact: bool = False


def failure_of(error: BaseException) -> Failure:
    """What an exception of the user's code says."""
    frames = list(_frames(error.__traceback__))
    place = next((line_of(frame.f_code.co_filename, number)
                  for frame, number in reversed(frames) if is_users(frame)), None)
    ours = bool(frames) and _module(frames[-1][0]) == _OURS
    refused = place is not None and place.text.startswith(("raise", "assert"))
    is_fact = isinstance(error, FACTS) and place is not None and not ours and not refused
    said = f"{error}" if isinstance(error, ExitedError | NotReturnedError) else \
        f"{type(error).__name__}: {error}"
    return Failure(said, place, is_fact)


def in_one_line(error: BaseException) -> str:
    """An exception of the user's code in one line, with the line that it comes from."""
    found = failure_of(error)
    return found.text + (f" ({found.place})" if found.place is not None else "")


def run_elsewhere(gradient: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """Runs a gradient at the same numbers in another order, so that what it remembers of other
    calls is not of these. A loss that returns its gradients, too, is run before them."""
    try:
        with np.errstate(all="ignore"):
            gradient({name: np.flip(value) if np.ndim(value) else value
                      for name, value in values.items()})
    except (Exception, SystemExit):  # inputs that it need not take
        return


def unsteady(first: Mapping[str, Any], second: Mapping[str, Any], point: object) -> str:
    """What to say of two calls that gave different gradients for the same arrays; "" for none.

    The order of a threaded sum may move the last bits; anything more is a draw, or state.
    """
    for name, array in first.items():
        other = second.get(name)
        if other is None or other.shape != array.shape or array.dtype == object:
            continue
        apart = ~((array == other) | (np.isnan(array) & np.isnan(other)))
        with np.errstate(invalid="ignore"):
            apart &= ~(np.abs(array - other) <= rounding_bound(array, other))
        if np.any(apart):
            at = tuple(int(place) for place in np.argwhere(apart)[0])
            return (f"two calls of the gradient function at {point} gave {array[at]:.12g} and "
                    f"{other[at]:.12g} for the same entry of {name}: it draws random numbers, or "
                    "keeps state from call to call; seed it, or make it new for each call")
    return ""


def _frames(step: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    """The frames of a traceback with their lines, the innermost last; NumPy's are left out."""
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(_NUMPY):
            yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).split(".")[0]


IMAGINARY = 1e-12
"""Relative: an imaginary part that rounding may leave, as in an inverse Fourier transform."""


def not_real(value: Any, array: Any) -> str:
    """What is to be said of a gradient that is no array of real numbers; else empty."""
    if array.dtype.kind == "c":
        largest = float(np.max(np.abs(array.imag), initial=0))
        if largest <= IMAGINARY * np.max(np.abs(array.real), initial=0):
            return ""
        return f"is complex, with an imaginary part of up to {largest:.3g}; real numbers are due"
    if array.dtype.kind in "fiub" or (array.dtype == object and array.size and all(
            isinstance(entry, Real) for entry in array.flat)):
        return ""
    what = "None" if value is None else f"an array of {array.dtype}" if isinstance(
        value, np.ndarray) else f"a {type(value).__name__}"
    return f"is {what}, expected an array of real numbers"
