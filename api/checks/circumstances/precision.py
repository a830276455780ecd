"""Float32 and bfloat16: gradients there, against those of the same numbers in float64.

A backward pass may lose digits as any program does: what its inputs' last digits change of its
gradients, and what rounding leaves of them, is allowed many times over.  What is left is a pass
that computes something else at that precision, or that does not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.circumstances.ways import Due, NotTakenError, Values

BITS = {"float32": 24, "bfloat16": 8}
"""Of a type's mantissa."""
GROSS = {"float32": 1e-3, "bfloat16": 0.25}
"""Relative to the largest entry: what no loss of digits of a usable program comes to."""
TIMES = 30.0
"""By how much more than what the last digits of the inputs change."""

At = Callable[[str, Values], Mapping[str, Any]]
"""The gradients at a precision, in doubles, for values that have no more digits.  NotTakenError
where the forward pass does not run there."""


def narrow(at: At, values: Values, names: Sequence[str], due: Due) -> dict[str, str]:
    """What is to be said of each gradient that is another one at a precision, or fails in float32.

    To fail in bfloat16 is no silent mistake, and few functions are written for it: `loud_in` says
    it.
    """
    said: dict[str, str] = {}
    for title, bits in BITS.items():
        there = {name: _rounded(value, bits) for name, value in values.items()}
        try:
            found = at(title, there)
        except NotTakenError:
            continue
        except Exception as error:
            if title != "float32":
                continue
            wrong = dict.fromkeys(names, f"fails in {title}: {in_one_line(error)}")
        else:
            wrong = _apart(title, found, there, due, 2.0**-bits)
        for name, text in wrong.items():
            said.setdefault(name, text)
    return said


def loud_in(title: str, at: At, values: Values) -> list[str]:
    """What is assumed where a backward pass fails at a precision at which its forward pass runs."""
    try:
        at(title, {name: _rounded(value, BITS[title]) for name, value in values.items()})
    except NotTakenError:
        return []
    except Exception as error:
        return [f"it is not used in {title}, where backward fails: {in_one_line(error)}"]
    return []


def _rounded(value: Any, bits: int) -> Any:
    if np.asarray(value).dtype.kind != "f":
        return value
    mantissa, exponent = np.frexp(value)
    return np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)


def _apart(
    title: str, found: Mapping[str, Any], there: Values, due: Due, digit: float
) -> dict[str, str]:
    wanted, moves, said = due(there), dict[str, Any](), dict[str, str]()
    rng = np.random.default_rng(6)
    for _ in range(3):
        near = {name: value * (1 + digit * rng.choice([-1, 1], size=np.shape(value)))
                if np.asarray(value).dtype.kind == "f" else value for name, value in there.items()}
        with np.errstate(all="ignore"):
            for name, value in due(near).items():
                moves[name] = np.maximum(np.abs(value - wanted[name]), moves.get(name, 0.0))
    for name, one in found.items():
        other = np.asarray(wanted[name])
        if one.shape != other.shape or not np.all(np.isfinite(other)):
            continue
        largest = float(np.max(np.abs(other), initial=0.0))
        allowed = TIMES * float(np.max(moves[name], initial=0.0)) + GROSS[title] * max(largest, 1.0)
        with np.errstate(all="ignore"):
            gap = float(np.max(np.abs(one - other), initial=0.0))
        if not gap <= allowed:
            said[name] = (f"wrong in {title}: it differs by {gap:.2g} from what it gives in "
                          f"float64, of {largest:.2g} at most")
    return said
