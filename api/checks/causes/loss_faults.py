"""A loss that is no loss: what it was to return, what it returned, and what to do about it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.points import Point
from gradproof.limits.calls import NotReturnedError


def loss_fault(loss: Callable[[Mapping[str, Any]], Any], point: Point) -> str:
    """Why the loss has no value at a point, in words; empty where it returns one number."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = loss(point.values)
    except NotReturnedError as error:
        return f"the loss {error} at {point}"
    except Exception as error:
        return f"the loss fails at {point}: {in_one_line(error)}"
    wrong = _no_number(value)
    return f"the loss returns {wrong} at {point}, expected one real number" if wrong else ""


def _no_number(value: Any) -> str:
    """What a value is that is no real number, and what may be meant; empty for one."""
    if value is None:
        return "None (is a `return` missing?)"
    try:
        array = np.asarray(value)
    except ValueError:  # lists of several lengths
        return f"{value!r:.60}"
    if array.dtype.kind == "c":
        return "a complex number (take its real part, or abs)"
    if array.dtype.kind not in "fiub":
        return f"{value!r:.60}"
    if array.size == 0:
        return f"an array without entries, of shape {array.shape}"
    if array.size > 1:
        return (f"an array of shape {array.shape} (is a sum or a mean missing? A Jacobian is for "
                "gp.check_jacobian, a gradient and a second derivative per sample for "
                "gp.check_objective)")
    return ""
