"""Losses that a program may mean where it states none: those of the differences that it computes.

    error = y - output     ->   np.sum((y - output)**2) / 2, or a cross-entropy
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradproof.programs.parameters import Parameter
from gradproof.programs.replays import Input
from gradproof.programs.watching import Pass

MOST = 6
"""Differences of a pass that are looked at."""

FORMS = ("np.sum(({y} - {a})**2) / 2", "-np.sum({y}*np.log({a}) + (1 - {y})*np.log(1 - {a}))",
         "-np.sum({y}*np.log({a}))")

STEP = 1e-5
NEAR = 1e-3
"""How far the slopes along different directions may be apart, relative."""


def proposals(seen: Pass) -> Iterator[str]:
    """Losses of what the pass takes the difference of, as the program would write them."""
    found: dict[tuple[str, str], None] = {}
    for statement in seen.site.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and all(
                    isinstance(side, ast.Name | ast.Attribute) for side in (node.left, node.right)):
                found[ast.unparse(node.left), ast.unparse(node.right)] = None
    for left, right in list(found)[:MOST]:
        for form in FORMS:
            yield form.format(y=left, a=right)
            if form is not FORMS[0]:
                yield form.format(y=right, a=left)


def goes_down(
    loss: Callable[..., Any], gradient: Callable[..., Any], inputs: Sequence[Input],
    parameters: Sequence[Parameter],
) -> bool:
    """Whether gradients are those of a loss up to a factor, by slopes along a few directions."""
    rng = np.random.default_rng(2)
    start = {one.name: one.start for one in inputs}
    ratios = []
    try:
        with np.errstate(all="ignore"):
            claimed = gradient(**start)
            for one in parameters:
                for _ in range(2):
                    way = rng.normal(size=np.shape(one.start))
                    ends = [loss(**{**start, one.name: one.start + sign * STEP * way})
                            for sign in (1, -1)]
                    slope = float(ends[0] - ends[1]) / (2 * STEP)
                    ratios.append(slope / float(np.sum(claimed[one.name] * way)))
    except Exception:  # it is no loss of such arrays
        return False
    found = np.array(ratios)
    return bool(np.all(np.isfinite(found)) and np.all(found > 0)
                and np.ptp(found) <= NEAR * np.max(found))
