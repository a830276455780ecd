"""What is handed in in place of derivatives and is made of their own entries.

    max(h, c), |h|, a constant; of a matrix the diagonal alone, one triangle, or H + c I
"""

from __future__ import annotations

import numpy as np

from .diagnosis_data import Case, Diagnosis
from .evaluation import Array

_ENOUGH = 2
"""Entries that have to be at a bound before it is one."""


def constant(case: Case) -> Diagnosis | None:
    """One number at every entry, everywhere."""
    if not case.aligned:
        return None
    values = np.concatenate([o.claimed.ravel() for o in case.data])
    if values.size <= _ENOUGH or not np.all(values == values[0]) or values[0] == 0:
        return None
    text = f"{case.claimed} is the constant {values[0]:.10g}, whatever {case.true} is"
    return Diagnosis("constant", text)


def bounded(case: Case) -> Diagnosis | None:
    """max(h, c), min(h, c), or |h|."""
    if not case.aligned or any(np.any(np.isnan(o.true)) for o in case.data):
        return None
    if all(case.same(o.claimed, np.abs(o.true)) for o in case.data):
        return Diagnosis("bounded", f"{case.claimed} = |{case.true}|: the sign is lost")
    for name, extreme, cut in (("max", np.min, np.maximum), ("min", np.max, np.minimum)):
        end = float(extreme([extreme(o.claimed) for o in case.data if o.claimed.size] or [np.nan]))
        if not np.isfinite(end):
            continue
        moved = sum(int(np.sum(case.differs(o.claimed, o.true))) for o in case.data)
        kept = sum(int(np.sum(~case.differs(o.claimed, o.true) & (o.true != 0)))
                   for o in case.data)
        if moved >= _ENOUGH and kept and all(
                case.same(o.claimed, cut(o.true, end)) for o in case.data):
            side = "below" if name == "max" else "above"
            return Diagnosis("bounded", f"{case.claimed} = {name}({case.true}, {end:.10g}): it is "
                                        f"bounded {side}, which is a safeguard, not the derivative")
    return None


def diagonal(case: Case) -> Diagnosis | None:
    """Of square matrices the diagonal alone, as a matrix or as a vector."""
    if not all(_is_square(o.true) for o in case.data):
        return None
    if all(_same_diagonal(case, o.claimed, o.true) for o in case.data):
        what = "" if case.aligned else ", as a vector"
        return Diagnosis("diagonal", f"{case.claimed} is the diagonal of {case.true} alone{what}: "
                                     "the other entries are missing")
    return None


def damped(case: Case) -> Diagnosis | None:
    """A multiple of the identity added, of one size everywhere."""
    if not case.aligned or not all(_is_square(o.true) for o in case.data) or not any(
            o.true.size > 1 for o in case.data):
        return None
    parts = [np.diag(_matrix(o.claimed - o.true)) for o in case.data]
    added = float(parts[0][0])
    if added == 0 or not all(
            case.same(_matrix(o.claimed), _matrix(o.true) + added * np.eye(len(part)))
            for o, part in zip(case.data, parts, strict=True)):
        return None
    return Diagnosis("damped", f"{case.claimed} = {case.true} + {added:.10g} × the identity: it is "
                               "damped, which helps a solver, and is not the derivative")


def triangle(case: Case) -> Diagnosis | None:
    """Of symmetric matrices one triangle alone."""
    if not case.aligned or not all(_is_square(o.true) and o.true.ndim == 2 for o in case.data) or \
            not all(case.same(o.true, o.true.T) for o in case.data):
        return None
    for side, part in (("upper", np.triu), ("lower", np.tril)):
        for which, keep in ((f"the {side} triangle alone", 0), (
                f"the {side} triangle alone, without its diagonal", 1)):
            offset = keep if side == "upper" else -keep
            if all(case.same(o.claimed, part(o.true, offset)) for o in case.data):
                text = f"{case.claimed} is {which} of {case.true}: the other is its transpose"
                return Diagnosis("triangle", text)
    return None


def _is_square(array: Array) -> bool:
    half = array.ndim // 2
    return array.ndim > 0 and array.ndim % 2 == 0 and array.shape[:half] == array.shape[half:]


def _matrix(array: Array) -> Array:
    size = int(np.sqrt(array.size))
    return array.reshape(size, size)


def _same_diagonal(case: Case, claimed: Array, true: Array) -> bool:
    size = int(np.sqrt(true.size))
    entries = np.diag(_matrix(true))
    if claimed.size == size and claimed.shape == true.shape[:true.ndim // 2]:
        return case.same(claimed.ravel(), entries)
    return claimed.shape == true.shape and case.same(claimed.reshape(size, size), np.diag(entries))
