"""How much rounding a computed gradient may carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evaluation import EPS, Array
from .noise import STAIRS, third_differences

# Roundings granted to a number computed by an unknown number of operations. A sum of n terms of
# random sign errs by about sqrt(n) roundings of its largest term (N. J. Higham, Accuracy and
# Stability of Numerical Algorithms, 2002, §2.8): 64 covers 4096 terms.
ROUNDINGS = 64.0

NOISES = 32.0
"""How many standard deviations of its own noise a program may be off by."""


def precision(array: Array) -> float:
    """The relative precision of the array's dtype; of float64 for integers."""
    if np.issubdtype(array.dtype, np.inexact):
        return float(np.finfo(array.dtype).eps)
    return EPS


def rounding_bound(array: Array, *others: Array) -> float:
    """64·eps·max|entry|, eps of the coarsest dtype among the arrays.

    A heuristic, and stated as one: the true bound needs the sum of absolute terms, which a finished
    array no longer shows. It holds where no entry is a difference of terms far larger than every
    entry of the array; where that is in doubt, measure with `measured_rounding`.
    """
    arrays = (array, *others)
    eps = max(precision(a) for a in arrays)
    return ROUNDINGS * eps * max(largest(a) for a in arrays)


def largest(array: Array) -> float:
    """The largest finite magnitude, 0 if there is none."""
    magnitudes = np.abs(np.asarray(array, dtype=np.float64))
    return float(np.max(magnitudes, initial=0.0, where=np.isfinite(magnitudes)))


def measured_rounding(
    gradient: Callable[[Mapping[str, Array]], Mapping[str, Array]], inputs: Mapping[str, Array]
) -> dict[str, NDArray[np.float64]]:
    """The rounding error of a gradient function: its result against itself at extended precision.

    A wrong formula is as wrong at extended precision, so this sees rounding and nothing else.
    float32 inputs are repeated in float64, float64 ones in long double where that is wider.
    Names whose gradient does not come out wider (the code casts, or the platform has no wider type)
    are left out. The result is four times the difference, plus four roundings, entry by entry.
    """
    wider = {name: _widened(np.asarray(array)) for name, array in inputs.items()}
    with np.errstate(all="ignore"):
        plain = gradient({name: np.array(array) for name, array in inputs.items()})
    try:
        with np.errstate(all="ignore"):
            fine = gradient(wider)
    except Exception:
        # Any exception: np.linalg, SciPy and asserted dtypes refuse long double in their own ways,
        # and that is no fault of the gradient.
        return {}
    measured: dict[str, NDArray[np.float64]] = {}
    for name, array in plain.items():
        coarse, exact = np.asarray(array), np.asarray(fine.get(name, array))
        if exact.shape != coarse.shape or not precision(exact) < precision(coarse):
            continue
        error = np.abs(coarse.astype(exact.dtype) - exact).astype(np.float64)
        if np.all(np.isfinite(error)):
            size = np.abs(exact).astype(np.float64)
            measured[name] = 4 * (error + precision(coarse) * size)
    return measured


def own_noise(
    gradient: Callable[[Mapping[str, Array]], Mapping[str, Array]], inputs: Mapping[str, Array],
    wrt: Sequence[str], seed: int = 0, of: Sequence[str] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """How irregular the entries of a computed gradient are as functions of the inputs `wrt`.

    Single precision inside of a double program, or a difference of nearly equal numbers, makes
    stairs of a smooth function; a wrong formula is as smooth as a right one. Entry by entry, the
    noise along one random direction that two spacings of points have in common (see `noise`), a
    standard deviation. Entries that are not finite have none. `of` names the results, where they
    are not keyed by the inputs.
    """
    keys = wrt if of is None else of
    random = np.random.default_rng(seed)
    start = {name: np.asarray(inputs[name], dtype=np.float64) for name in wrt}
    along = {name: random.choice([-1.0, 1.0], array.shape) * np.maximum(np.abs(array), 1e-3)
             for name, array in start.items()}

    def at(t: float) -> dict[str, Array]:
        moved = {name: (array + t * along[name]).astype(np.asarray(inputs[name]).dtype)
                 for name, array in start.items()}
        with np.errstate(all="ignore"):
            found = gradient({**{name: np.array(a) for name, a in inputs.items()}, **moved})
        return {name: np.asarray(found[name], dtype=np.float64) for name in keys}

    levels = []
    for spacing in STAIRS:
        seen = [at(spacing * step) for step in range(1, 11)]
        levels.append({name: third_differences(np.stack([s[name] for s in seen]))
                       for name in keys})
    return {name: np.max([np.minimum(one[name], other[name]) for one, other in pairwise(levels)],
                         axis=0)
            for name in keys}


def noise_bound(
    gradient: Callable[[Mapping[str, Array]], Mapping[str, Array]], inputs: Mapping[str, Array],
    name: str, *arrays: Array, wrt: Sequence[str] = (),
) -> NDArray[np.float64]:
    """How far a program's gradient by an input may be off, entry by entry, for want of digits: what
    its own noise explains, and the roundings of the arrays that are compared.  wrt: the inputs,
    where the gradient is not keyed by its input."""
    noise = own_noise(gradient, inputs, wrt or [name], of=[name])[name]
    return np.asarray(NOISES * noise + rounding_bound(*arrays))


def _widened(array: Array) -> NDArray[Any]:
    if not np.issubdtype(array.dtype, np.floating):
        return array.copy()
    return array.astype(np.float64 if array.dtype.itemsize < 8 else np.longdouble)
