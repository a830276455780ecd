"""What a pass has from the pass before it, though it follows from the parameters.

    for i in range(n):                        Y = sigmoid(X @ w)
        w += rate * X.T @ (T - Y)     ->      w += rate * X.T @ (T - Y)
        Y = sigmoid(X @ w)

Lines at the end of a pass that compute such values are run ahead of it, where that gives just what
the pass began with.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof.programs.replays import replayed
from gradproof.programs.slices import Demand, Slice, Slicer


def carried(slicer: Slicer, moving: Set[int]) -> dict[str, Slice]:
    """By name, the lines that give what a pass began with under it, of what follows from the
    parameters.

    moving: the statements that move parameters, which are not run for it.
    """
    seen = slicer.seen
    end = len(seen.site.body)
    found: dict[str, Slice] = {}
    for name in sorted(slicer.read_first & {*vars(seen.start)} - slicer.varied):
        if not isinstance(getattr(seen.start, name), np.ndarray | float | np.floating):
            continue
        before = slicer.sliced([Demand(name, ast.Name(name, ast.Load()), end)], moving)
        if before.kept and name not in before.handed and not before.frozen and _is_same(
                before, name):
            found[name] = before
    return found


def with_carried(made: Slice, known: Mapping[str, Slice]) -> Slice:
    """The slice with the lines ahead of it that its values follow from."""
    ahead: set[int] = set()
    handed = dict.fromkeys(made.handed)
    outside = made.outside
    for name in made.handed:
        if name in known and name not in made.frozen:
            before = known[name]
            ahead.update(before.kept)
            del handed[name]
            handed.update(dict.fromkeys(before.handed))
            outside |= before.outside
    return replace(made, ahead=tuple(sorted(ahead)), handed=tuple(handed), outside=outside)


def _is_same(before: Slice, name: str) -> bool:
    """Whether the lines give what the pass began with."""
    start: Any = getattr(before.seen.start, name)
    try:
        with np.errstate(all="ignore"):
            found = replayed(before, [])({})[name]
    except Exception:  # they need what only the rest of the pass gives them
        return False
    return np.shape(found) == np.shape(start) and bool(
        np.allclose(found, start, rtol=1e-9, atol=0, equal_nan=True))
