"""What may have been left out, taken from what is there: quantities, slopes in them, other parts.

Ingredients are spelled as a user would; each is evaluated once, so that only those whose shape
fits are tried.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gradproof.repair.in_scope import InScope

SLOPES = ("{0} * (1 - {0})", "(1 - {0} ** 2)", "(1 - {0})", "({0} > 0)")
FALLING = "(1 - {0})"
"""Of the slopes, the one that is but a part of one."""

IDLE = 1.5
"""What a mask costs more that lets everything through."""

ELEMENTARY = ("np.exp(-{0})", "np.exp({0})", "np.tanh({0})")


@dataclass(frozen=True)
class Ingredient:
    """An expression that may be missing.

    cost: the cheaper, the likelier.  added: it is a likely term, but no likely factor.
    of: the array that it is a function of, and perhaps the slope of another function there.
    entry: it is an entry of a list or dict, as the function names it.
    """

    cost: float
    text: str
    shape: tuple[int, ...]
    added: bool = False
    of: str = ""
    entry: bool = False


def ingredients(
    scope: InScope, pool: Sequence[str], numbers: Sequence[str]
) -> tuple[Ingredient, ...]:
    """All ingredients at a line, the likeliest first.

    pool: expressions of the same function.  numbers: those of the loss.
    """
    found: dict[str, Ingredient] = {}
    entries = {*_entries(pool)}
    for cost, text, added, of in _proposed(scope, pool, numbers):
        if text not in found:
            value = scope.value_of(text)
            if value is not None:
                no_mask = IDLE * (value.dtype.kind == "b" and bool(np.all(value)))
                found[text] = Ingredient(cost + no_mask, text, value.shape, added, of,
                                         text in entries)
    return tuple(sorted(found.values(), key=lambda part: part.cost))


def _proposed(
    scope: InScope, pool: Sequence[str], numbers: Sequence[str]
) -> Iterator[tuple[float, str, bool, str]]:
    arrays = list(dict.fromkeys((*_entries(pool), *(q.text for q in scope.arrays))))
    scalars = [q.text for q in scope.scalars if not q.is_count]
    yield from ((0.0, text, False, "") for text in (*arrays, *scalars) if text not in scope.unused)
    for array in scope.unused:
        yield -0.5, array, False, ""
        yield from ((-0.4, f"{array} / {size}", False, "") for size in scope.sizes.values())
    yield from ((0.4, number, True, "") for number in dict.fromkeys(("1", *numbers)))
    for array in arrays:
        yield from ((0.5, f"{name}({array})", False, array) for name in scope.functions)
        yield from ((0.6, form.format(array), False, "" if form == FALLING else array)
                    for form in SLOPES)
        yield from ((1.0, form.format(array), False, "") for form in ELEMENTARY)
        yield from ((0.8, f"{number} * {array}", True, "") for number in (*scalars, 2, *numbers))
        yield from ((1.1, f"2 * {number} * {array}", True, "") for number in (*scalars, *numbers))
    yield from ((0.6 + 0.01 * len(text), text, False, "") for text in pool)
    yield from ((1.0, text, False, "") for text in _products(scope))
    yield from ((1.3, f"{one.text} * {other.text}", False, "")
                for one, other in combinations(scope.arrays, 2) if one.shape == other.shape)


def _entries(pool: Sequence[str]) -> Iterator[str]:
    """The entries of lists and dicts among the expressions of a function, as it names them."""
    for text in pool:
        with suppress(SyntaxError):  # what ast spells wrongly, such as a tuple of slices
            if isinstance(ast.parse(text, mode="eval").body, ast.Subscript):
                yield text


def _products(scope: InScope) -> Iterator[str]:
    """Matrix products of two arrays that share the length of an axis."""
    matrices = [q for q in scope.arrays if len(q.shape) == 2]
    for left in matrices:
        for right in matrices:
            if left is not right:
                for first, inner in ((left.text, left.shape[1]), (f"{left.text}.T", left.shape[0])):
                    if inner == right.shape[0]:
                        yield f"{first} @ {right.text}"
                    if inner == right.shape[1]:
                        yield f"{first} @ {right.text}.T"
