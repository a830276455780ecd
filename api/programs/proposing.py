"""Losses that a program may mean: where it states none, those of the differences that it computes,
and where its steps pull a parameter to zero besides, the stated one with a weight decay.

    error = y - output            ->   np.sum((y - output)**2) / 2, or a cross-entropy
    w -= rate * (dw + 0.1 * w)    ->   loss + 0.1/2 * np.sum(w**2)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from gradproof.programs.copies import shown
from gradproof.programs.parameters import Parameter
from gradproof.programs.replays import Input
from gradproof.programs.watching import Pass

if TYPE_CHECKING:
    from gradproof.checks.results import Check, CheckResult

MOST = 6
"""Differences of a pass that are looked at."""

FORMS = ("np.sum(({y} - {a})**2) / 2", "-np.sum({y}*np.log({a}) + (1 - {y})*np.log(1 - {a}))",
         "-np.sum({y}*np.log({a}))")

STEP, DIRECTIONS = 1e-5, 2
NEAR, FITS, EXACT = 1e-3, 1e-5, 1e-6
"""How far the slopes along different directions may be apart, relative, where a loss is looked for
and where there are several; and where differences of the loss say no more."""
SMALL, SAME, LONGEST, SHORT = 1e-3, 1e-7, 100_000, 100
"""Entries that are smaller than this part of the largest say nothing of a factor; how far ratios
may be apart; the largest denominator of a factor that several entries show, or a single one."""
FITTED = 1e-7
"""How far entries may be from the sum of slope and decay, relative to the largest."""


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


def of_the_pass(seen: Pass, loss: ast.expr, data: Sequence[str]) -> Iterator[str]:
    """A loss of all the data as one of the part that a pass has: ``mse(y, f(X))`` as ``mse(t,
    f(x))``, where ``x = X[i]`` or ``for x, t in zip(X, y)``.

    data: the names of that part, or of its place.
    """
    loss = _as_assigned(loss, seen)
    known = {**vars(seen.start), **{name: value for now in seen.after.values()
                                    for name, value in now.items()}}
    parts: dict[str, ast.expr] = {}
    for name in {node.id for node in ast.walk(loss) if isinstance(node, ast.Name)}:
        whole = known.get(name)
        if isinstance(whole, np.ndarray) and whole.ndim:
            held = [ast.Name(one, ast.Load()) for one in data if _is_part(known.get(one), whole)]
            if found := [*held, *_cuts(seen, name, {*data})]:
                parts[name] = found[0]
    if parts:
        yield ast.unparse(_Put(parts).visit(ast.parse(ast.unparse(loss), mode="eval").body))


def _as_assigned(loss: ast.expr, seen: Pass) -> ast.expr:
    """What a pass assigns to a name that stands for its loss; other expressions as they are."""
    if isinstance(loss, ast.Name):
        for node in reversed(seen.site.body):
            if isinstance(node, ast.Assign) and any(
                    getattr(part, "id", "") == loss.id for part in node.targets):
                return node.value
    return loss


def _cuts(seen: Pass, name: str, places: Set[str]) -> Iterator[ast.expr]:
    """What a pass takes of an array at places by their names: ``X[i:i + 1]``."""
    for node in (node for statement in seen.site.body for node in ast.walk(statement)):
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == name and places & {
                part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)}:
            yield node


class _Put(ast.NodeTransformer):
    def __init__(self, instead: Mapping[str, ast.expr]) -> None:
        self._instead = instead

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._instead.get(node.id, node)


def _is_part(part: Any, whole: np.ndarray) -> bool:
    """Whether an array, or a number, is an entry or are entries of an array along its first axis.
    """
    if not isinstance(part, np.ndarray | np.generic | float) or np.size(part) == whole.size:
        return False
    rows = np.asarray(part)
    rows = rows[np.newaxis] if rows.ndim == whole.ndim - 1 else rows
    return rows.shape[1:] == whole.shape[1:] and rows.ndim == whole.ndim and all(
        np.any(np.all((whole == row).reshape(len(whole), -1), axis=1)) for row in rows)


def slopes(
    loss: Callable[..., Any], gradient: Callable[..., Any], inputs: Sequence[Input],
    parameters: Sequence[Parameter],
) -> np.ndarray:
    """Slopes of a loss by those that gradients claim, along a few directions; none where it is no
    loss of such arrays."""
    rng = np.random.default_rng(2)
    start = {one.name: one.start for one in inputs}
    ratios = []
    try:
        with np.errstate(all="ignore"):
            claimed = gradient(**start)
            for one in parameters:
                for _ in range(DIRECTIONS):
                    way = rng.normal(size=np.shape(one.start))
                    ends = [loss(**{**start, one.name: one.start + sign * STEP * way})
                            for sign in (1, -1)]
                    slope = float(ends[0] - ends[1]) / (2 * STEP)
                    ratios.append(slope / float(np.sum(claimed[one.name] * way)))
    except Exception:  # it is no loss of such arrays
        return np.array([])
    return np.array(ratios)


def goes_down(ratios: np.ndarray, near: float = NEAR) -> bool:
    """Whether gradients are those of a loss up to a factor, by their slopes."""
    return bool(ratios.size and np.all(np.isfinite(ratios)) and np.all(ratios > 0)
                and np.ptp(ratios) <= near * np.max(ratios))


def closer(steps: np.ndarray, gradients: np.ndarray) -> list[bool]:
    """By parameter, whether it is the step that is the slope of a loss, and not the gradient with a
    name, to which a program adds a weight decay or which it divides by a number.  Where that is
    so of one, steps stand for all whose gradient is not the slope."""
    if _is_closer(steps, gradients):
        return [True] * (steps.size // DIRECTIONS)
    if steps.size != gradients.size:
        return [False] * (gradients.size // DIRECTIONS)
    pairs = list(zip(by_parameter(steps), by_parameter(gradients), strict=True))
    found = [_is_closer(step, gradient) and _off(step) < EXACT for step, gradient in pairs]
    return [is_step or (any(found) and not _off(gradient) < EXACT)
            for is_step, (_, gradient) in zip(found, pairs, strict=True)]


def by_parameter(ratios: np.ndarray) -> np.ndarray:
    return ratios.reshape(-1, DIRECTIONS)


def _is_closer(steps: np.ndarray, gradients: np.ndarray) -> bool:
    if not goes_down(steps) or not goes_down(gradients):
        return goes_down(steps)
    spreads = [float(np.ptp(ratios) / np.max(ratios)) for ratios in (steps, gradients)]
    return max(spreads[0], EXACT) < spreads[1] / 10 or max(_off(steps), EXACT) < _off(
        gradients) / 10


def _off(ratios: np.ndarray) -> float:
    return float(np.max(np.abs(ratios - 1)))


# --- weight decay ---------------------------------------------------------------------------------


def with_decay(
    result: CheckResult, parameters: Sequence[Parameter], loss: str, scale: float = 1.0
) -> CheckResult:
    """A result in which a gradient with a decay is undecided: the loss that is stated may lack it.

    scale: by what the result's own loss is larger than the one that is stated.
    """
    found = {by.name: part / scale for one, by in zip(result, parameters, strict=True)
             if (part := _decay(one, by)) is not None}
    if not found or any(one.verdict == "refuted" and one.name not in found for one in result):
        return result
    whole = loss + "".join(
        f" + {found[by.name]:.6g}/2 * np.sum({shown(by.paths[0])}**2)"
        for by in parameters if by.name in found)
    return replace(result, first_wrong="", place=None, repair=None, unrepaired="", checks=tuple(
        replace(one, verdict="undecided", diagnosis="", reason=(
            f"{by.text} pulls {one.name} to zero, too (weight decay), of which {loss} knows "
            f"nothing; with it: --loss=\"{whole}\"")) if one.name in found else one
        for one, by in zip(result, parameters, strict=True)))


def as_numbers(check: Check) -> tuple[Fraction, Mapping[int, int]] | None:
    """hand-written / derived, where the entries that are shown have one ratio, a short fraction."""
    pairs = [(hand, derived) for _, derived, hand, _ in check.sample]
    largest = max((abs(derived) for _, derived in pairs), default=0.0)
    ratios = [hand / derived for hand, derived in pairs if abs(derived) > SMALL * largest]
    if check.verdict != "refuted" or not ratios or not np.all(np.isfinite(ratios)):
        return None
    found = Fraction(ratios[0]).limit_denominator(LONGEST if len(ratios) > 1 else SHORT)
    if not found or any(abs(ratio - found) > SAME * abs(found) for ratio in ratios):
        return None
    return found, {}


def _decay(check: Check, by: Parameter) -> float | None:
    """The decay of a refuted step, relative to the slope; None where it is no such step."""
    start = np.asarray(by.start, dtype=float)
    rows = [(derived, start[place], hand) for place, derived, hand, _ in check.sample]
    if check.verdict != "refuted" or len(rows) < 3:
        return None
    table = np.array(rows)
    slope, decay = np.linalg.lstsq(table[:, :2], table[:, 2], rcond=None)[0]
    rest = np.max(np.abs(table[:, :2] @ (slope, decay) - table[:, 2]))
    least = FITTED * np.max(np.abs(table[:, 2]))
    if slope <= 0 or decay * np.max(np.abs(table[:, 1])) <= least or rest > least:
        return None
    return float(decay / slope)
