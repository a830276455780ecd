"""Code that takes another way for some sizes: each case of them is checked for itself.

    if x.shape[0] == 1: ...     ->   checked for m = 1, and for m >= 2

What is proved in every case is proved for all sizes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import sympy as sp

from gradproof.checks.inputs import Inputs, each, is_numbers
from gradproof.checks.results import Check, CheckResult
from gradproof.limits.deadline import left
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.tracing.source import SizeBranch

Given: TypeAlias = Mapping[str, Any]
"""Inputs by name."""

CASES = 8
"""Cases that are looked at; code that asks for more is left unproved."""
LAST = 4
"""The largest value of a size that is a case of its own."""


def by_sizes(run: Callable[[Given], CheckResult], given: Given) -> CheckResult:
    """A check; where a comparison of a size left it unproved, of every case of that size.

    run: checks for inputs that are given as shapes.  A case that is refuted refutes the whole; what
    one case leaves open is open, as the check says that knows no cases.
    """
    whole = run(given)
    if whole.branch is None or whole.verdict == "refuted" or any(map(is_numbers, given.values())):
        return whole
    enough, declared = left() / 2, Inputs.of(given).declared
    cases, done = _split(declared, whole.branch), list[tuple[Given, CheckResult]]()
    while cases and len(cases) + len(done) <= CASES and left() > enough:
        inputs = cases.pop(0)
        try:
            found = run(inputs)
        except ValueError:  # an axis of n - k for n = 1
            return whole
        if found.verdict == "refuted":
            said = f"of the case {_shown(inputs)}, which the code tells apart"
            return replace(found, branch=whole.branch, checks=tuple(
                replace(check, notes=(*check.notes, said), diagnosis=check.diagnosis.replace(
                    "for all sizes", "in that case")) if check.verdict == "refuted"
                else whole[check.name] for check in found.checks))
        if found.branch is not None:
            further = _split(inputs, found.branch)
            if not further:
                return whole
            cases = [*further, *cases]
        else:
            done.append((inputs, found))
    if cases or not done:
        return whole
    return replace(done[0][1], checks=tuple(
        _joined(check, [(inputs, one[check.name]) for inputs, one in done], declared)
        for check in whole.checks))


def _split(declared: Given, branch: SizeBranch) -> list[Given]:
    """The inputs with the size beyond its last value, and at each of the others."""
    size, least = size_symbol(branch.size), _least(declared).get(branch.size, 1)
    if not least <= branch.last <= LAST:
        return []

    def beyond(array: Array) -> Array:
        if size not in sp.Tuple(*array.shape).free_symbols:
            return array
        kept = tuple(one for one in array.least if one[0] != branch.size)
        return replace(array, least=(*kept, (branch.size, branch.last + 1)))

    def at(number: int) -> Callable[[Array], Array]:
        by = {size: sp.Integer(number)}
        return lambda array: replace(
            array, shape=tuple(one.xreplace(by) for one in array.shape),
            classes=None if array.classes is None else array.classes.xreplace(by),
            least=tuple(one for one in array.least if one[0] != branch.size))

    made = [beyond, *map(at, range(least, branch.last + 1))]
    return [{name: each(spec, change) for name, spec in declared.items()} for change in made]


def _shown(declared: Given) -> str:
    shapes = list[str]()

    def noted(array: Array) -> Array:
        least = dict(array.least)
        sizes = (f"{size}>={least[str(size)]}" if str(size) in least else str(size)
                 for size in array.shape)
        shapes.append(f"{array.name} {' × '.join(sizes)}")
        return array

    for spec in declared.values():
        each(spec, noted)
    return ", ".join(shapes)


def _least(declared: Given) -> dict[str, int]:
    found: dict[str, int] = {}

    def noted(array: Array) -> Array:
        for name, least in array.least:
            found[name] = max(found.get(name, 1), least)
        return array

    for spec in declared.values():
        each(spec, noted)
    return found


def _joined(whole: Check, cases: list[tuple[Given, Check]], declared: Given) -> Check:
    """One gradient's check of all cases, the first of which is that of the large sizes."""
    checks = [check for _, check in cases]
    if any(check.verdict != "proved" for check in checks):
        return whole
    least = _least(declared)
    for inputs, check in cases:  # what a case needs beyond its own least sizes, all need
        own = _least(inputs)
        for name, number in _LEAST.findall(_apart(check.scope)[0]):
            if number and int(number) > own.get(name, 1):
                least[name] = max(least.get(name, 1), int(number))
    sizes, rest = _apart(checks[0].scope)
    sizes = _LEAST.sub(lambda found: found[1] + (
        f" >= {least[found[1]]}" if least.get(found[1], 1) > 1 else ""), sizes)
    said = dict.fromkeys(one for check in checks for one in check.assumptions)
    crossed = dict.fromkeys(one for check in checks for one in check.kinks)
    return replace(checks[0], scope=sizes + rest, assumptions=tuple(said), kinks=tuple(crossed),
                   notes=(*checks[0].notes, f"proved for {len(cases)} cases of sizes, which the "
                                            "code tells apart"))


_LEAST = re.compile(r"(\w+)(?: >= (\d+))?(?=,|$)")


def _apart(scope: str) -> tuple[str, str]:
    """The sizes of a scope, and what it says behind them: ", with -k + n >= 1, for 0 < p < 1"."""
    at = re.search(r", (?:with|for) |$", scope)
    assert at is not None
    return scope[:at.start()], scope[at.start():]
