"""Naming what is wrong with a gradient, from its numbers alone.

Each rule below is a hypothesis about how `claimed` came from `true`; they are tried from the
simplest to the most special, and one is only reported if it reproduces every number given. So the
more size assignments are given, the less can be said by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from .bounded import bounded, constant, damped, diagonal, triangle
from .diagnosis_data import Case, Diagnosis, Kind, Observation
from .evaluation import Array
from .factors import Factor
from .rounding import largest

ACCURACY = 1e-9
# No entry further off than this part of the largest: no term is missing, something is inexact.
_NEAR = 1e-2


def diagnose(
    observations: Sequence[tuple[Array, Array, Mapping[str, int]]],
    *,
    accuracy: float = ACCURACY,
    claimed_name: str = "hand-written",
    true_name: str = "derived",
) -> Diagnosis | None:
    """The simplest explanation of the difference; None if no rule explains all of it.

    observations  (claimed, true, sizes), best at several sizes; true may hold nan for unknown
    accuracy      of `true`, relative to the largest entry
    Raises ValueError if there is no observation.
    """
    if not observations:
        raise ValueError("expected at least one observation (claimed, true, sizes)")
    data = [
        Observation(np.asarray(c, dtype=np.float64), np.asarray(t, dtype=np.float64), s)
        for c, t, s in observations
    ]
    case = Case(data, accuracy, claimed_name, true_name)
    for rule in _RULES:
        found = rule(case)
        if found is not None:
            return found
    return None


def _equal(case: Case) -> Diagnosis | None:
    if all(case.same(o.claimed, o.true) for o in case.data):
        return Diagnosis("equal", f"{case.claimed} = {case.true}", Fraction(1), ratio=1.0)
    return None


def _zero(case: Case) -> Diagnosis | None:
    if not case.aligned or any(np.any(o.claimed) for o in case.data):
        return None
    return Diagnosis(
        "zero", f"{case.claimed} = 0 everywhere: the gradient is never computed, or overwritten"
    )


def _factor(case: Case) -> Diagnosis | None:
    ratios = case.ratios([o.claimed for o in case.data])
    if ratios is None:
        return None
    right = [o.sizes for o in case.data if case.same(o.claimed, o.true)]
    named = case.factors(ratios)
    if right and not named:
        return None  # _one_size knows more
    if named and named[0].is_one:
        return None  # nearly equal, and no factor mends that
    if named and right and not all(
            sizes.get(name) == 1 for sizes in right for name in named[0].exponents):
        return _hard_coded(case, named[0], right[0])
    if named:
        return _named("sign" if _is_minus_one(named[0]) else "factor", case, ratios, named, "")
    if max(ratios) - min(ratios) > 4 * case.accuracy * abs(ratios[0]):
        return None
    ratio = ratios[0]
    text = f"{case.claimed} = {ratio:.10g} × {case.true}: multiply by {1 / ratio:.10g}"
    return Diagnosis("factor", text, ratio=ratio)


def _one_size(case: Case) -> Diagnosis | None:
    right = [o.sizes for o in case.data if case.same(o.claimed, o.true)]
    if not right:
        return None
    ratios = case.ratios([o.claimed for o in case.data])
    if ratios is not None:
        named = case.factors(ratios, _reciprocals(right[0]))
        if named:
            return _hard_coded(case, named[0], right[0])
    if not any(right):
        return None  # right and wrong without a size to tell them apart
    wrong = [o.sizes for o in case.data if not case.same(o.claimed, o.true)]
    said = _where_right(f"{case.claimed} = {case.true}", right, wrong)
    return Diagnosis("one_size", said) if said else None


def _where_right(
    equal: str, right: Sequence[Mapping[str, int]], wrong: Sequence[Mapping[str, int]]
) -> str:
    """What tells the sizes at which it is right from the others; empty where that is chance."""
    at = list(dict.fromkeys(map(_sizes_text, right)))
    if any(sizes in right for sizes in wrong):
        return (f"right at {' or '.join(at)}, and wrong for other values there: a case that "
                "depends on the values")
    if all(1 in sizes.values() for sizes in right):
        # There a sum is its summand, and much is right by chance.
        ones = [name for name in right[0] if all(s[name] == 1 for s in right)
                and all(s[name] != 1 for s in wrong)]
        return f"{equal} only at {ones[0]} = 1" if ones else ""
    # An axis of length 1 has no neighbours: its first entry is its last.
    for name in right[0]:
        if {s[name] for s in wrong} == {1} and all(s[name] > 1 for s in right):
            return (f"right at {' and '.join(at)}, and wrong at {name} = 1: an axis of length 1 "
                    "is a case of its own")
    return f"{equal} only at {' or '.join(at)}, of the sizes that were tried"


def _hard_coded(case: Case, factor: Factor, right: Mapping[str, int]) -> Diagnosis:
    """A factor that is 1 at a size; a number in the place of a size where it is the one over the
    other, which every observation bears out."""
    at = _sizes_text({name: right[name] for name in factor.exponents})
    text = f"{case.claimed} = {factor} × {case.true}, right only at {at}: "
    for name, power in factor.exponents.items():
        number = factor.coefficient ** -power  # of 4/m and of m/4
        if len(factor.exponents) == 1 and abs(power) == 1 and number == right[name]:
            text += f"as with {number} in the place of {name}; "
    text += f"multiply by {factor.inverse.as_fraction}"
    return Diagnosis("one_size", text, factor.coefficient, dict(factor.exponents))


def _transpose(case: Case) -> Diagnosis | None:
    if any(o.claimed.ndim != 2 for o in case.data):
        return None
    ratios = case.ratios([o.claimed.T for o in case.data])
    if ratios is None:
        return None
    named = case.factors(ratios)
    return _named("transpose", case, ratios, named, "ᵀ") if named else None


def _reshaped(case: Case) -> Diagnosis | None:
    if case.aligned or not all(
        o.claimed.size == o.true.size and case.same(o.claimed.ravel(), o.true.ravel())
        for o in case.data
    ):
        return None
    got, due = case.data[0].claimed.shape, case.data[0].true.shape
    return Diagnosis("reshaped", f"{case.claimed} has shape {got} where {due} is due: reshape it")


def _permuted(case: Case) -> Diagnosis | None:
    if not case.aligned or any(np.any(np.isnan(o.true)) for o in case.data):
        return None
    for axis in range(case.data[0].true.ndim):
        if all(case.same(np.flip(o.claimed, axis), o.true) for o in case.data):
            text = f"{case.claimed} is {case.true} reversed along axis {axis}"
            return Diagnosis("permuted", text)
    if all(case.same(np.sort(o.claimed, axis=None), np.sort(o.true, axis=None)) for o in case.data):
        text = f"{case.claimed} holds the entries of {case.true} in another order"
        return Diagnosis("permuted", text)
    return None


def _part(case: Case) -> Diagnosis | None:
    """One entry, or all wrong entries within one slice, at the same place in every observation."""
    if not case.aligned:
        return None
    wrong = [case.differs(o.claimed, o.true) for o in case.data]
    if any(w.size < 2 or not w.any() for w in wrong):
        return None
    places = [np.argwhere(w) for w in wrong]
    for origin in (0, -1):  # counted from the front, or from the back
        moved = [p + origin * np.array(w.shape) for p, w in zip(places, wrong, strict=True)]
        every = np.concatenate(moved)
        fixed = [int(c[0]) if np.all(c == c[0]) else None for c in every.T]
        free = fixed.count(None)
        if free == 0:
            return _entry(case, tuple(fixed))
        if free == len(fixed) - 1 and len(fixed) > 1:
            axis = next(i for i, f in enumerate(fixed) if f is not None)
            if all(w.shape[axis] > 1 for w in wrong):
                return _slice(case, tuple(fixed), axis)
    return None


def _entry(case: Case, index: tuple[int | None, ...]) -> Diagnosis:
    at = tuple(i for i in index if i is not None)
    first = case.data[0]
    text = (
        f"only entry {list(at)} is wrong: {case.claimed} {first.claimed[at]:.10g}, "
        f"{case.true} {first.true[at]:.10g}"
    )
    return Diagnosis("entry", text, index=index)


def _slice(case: Case, index: tuple[int | None, ...], axis: int) -> Diagnosis:
    two = len(index) == 2
    what = ("row", "column")[axis] if two else f"slice of axis {axis},"
    text = f"only {what} {index[axis]} of {case.claimed} is wrong"
    return Diagnosis("slice", text, index=index)


def _constant_added(case: Case) -> Diagnosis | None:
    if not case.aligned or not all(
        np.isfinite(o.claimed - o.true).sum() > 1 for o in case.data
    ):
        return None
    added = [float(np.nanmedian(o.claimed - o.true)) for o in case.data]
    if not all(case.same(o.claimed, o.true + a) for o, a in zip(case.data, added, strict=True)):
        return None
    amount = f"{added[0]:.10g}"
    if max(added) - min(added) > 1e3 * case.accuracy * abs(added[0]):
        amount = "a constant that depends on the sizes"
    return Diagnosis("constant_added", f"{case.claimed} = {case.true} + {amount} at every entry")


def _near(case: Case) -> Diagnosis | None:
    if not case.aligned or not all(np.all(np.isfinite(o.claimed)) for o in case.data):
        return None
    apart = 0.0
    for o in case.data:
        size = largest(o.true)
        gaps = np.abs(o.claimed - o.true)
        if size == 0 or np.all(np.isnan(gaps)):
            return None
        apart = max(apart, float(np.nanmax(gaps)) / size)
    if apart > _NEAR:
        return None
    text = (
        f"{case.claimed} is within {100 * apart:.2g} % of the largest {case.true} entry "
        "everywhere: the derivative of another formula for nearly the same function (an "
        "approximation on one side only), or a constant with too few digits"
    )
    return Diagnosis("near", text)


def _named(
    kind: Kind, case: Case, ratios: list[float], named: list[Factor], mark: str
) -> Diagnosis:
    best = named[0]
    equals = f"{case.true}{mark}" if best.is_one else f"{best} × {case.true}{mark}"
    if _is_minus_one(best):
        equals = f"−{case.true}{mark}"
    advice = [] if not mark else ["transpose it"]
    if not best.is_one:
        advice.append(
            "change the sign" if _is_minus_one(best) else f"multiply by {best.inverse.as_fraction}"
        )
    alike = [f for f in named[1:] if case.one_assignment or f.complexity <= best.complexity + 1]
    ratio = ratios[0] if max(ratios) - min(ratios) <= 4 * case.accuracy * abs(ratios[0]) else None
    text = f"{case.claimed} = {equals}: {' and '.join(advice)}"
    return Diagnosis(
        kind, text, best.coefficient, dict(best.exponents), ratio, None, tuple(map(str, alike[:3]))
    )


def _is_minus_one(factor: Factor) -> bool:
    return factor.coefficient == -1 and not factor.exponents


def _reciprocals(sizes: Mapping[str, int]) -> list[Fraction]:
    """Coefficients that make a monomial 1 at these sizes."""
    values = [Fraction(v) for v in sizes.values()]
    products = [*values, *(v * w for i, v in enumerate(values) for w in values[i:])]
    quotients = [v / w for v in values for w in values]
    return [*products, *(1 / p for p in products), *quotients]


def _sizes_text(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sizes.items()) or "one observation"


# From the simplest mistake to the most special.
_RULES: tuple[Callable[[Case], Diagnosis | None], ...] = (
    _equal,
    _zero,
    _factor,
    diagonal,
    triangle,
    damped,
    constant,
    bounded,
    _transpose,
    _one_size,
    _reshaped,
    _part,
    _permuted,
    _constant_added,
    _near,
)
