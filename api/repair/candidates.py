"""What may have been left out, taken from what is there: quantities, slopes in them, other parts.

Ingredients are spelled as a user would; each is evaluated once, so that only those whose shape
fits are tried.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gradproof.repair.in_scope import InScope

MASK = "({0} > 0)"
SLOPES = ("{0} * (1 - {0})", "(1 - {0} ** 2)", "(1 - {0})", MASK)
FALLING = "(1 - {0})"
"""Of the slopes, the one that is but a part of one."""

IMPLIED = ("(", "np.sign(")
"""How masks begin that what the loss calls implies."""

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


Proposal = tuple[float, str, bool, str, tuple[int, ...] | None]
"""Cost, text, whether it is a term alone, what it is a function of, and its shape, where that is
known without computing it."""


def ingredients(
    scope: InScope, pool: Sequence[str], numbers: Sequence[str]
) -> tuple[Ingredient, ...]:
    """All ingredients at a line, the likeliest first.

    pool: expressions of the same function.  numbers: those of the loss.
    """
    found: dict[str, Ingredient] = {}
    entries = dict.fromkeys(_entries(pool))
    values = {text: value for text in entries if (value := scope.value_of(text)) is not None}
    values |= {q.text: np.asarray(q.value) for q in (*scope.arrays, *scope.scalars)}
    shapes = {text: value.shape for text, value in values.items()}
    for cost, text, added, of, shape in _proposed(scope, pool, numbers, shapes):
        if text in found:
            continue
        value = values.get(text)
        if shape is None or (value is None and text == MASK.format(of)):
            value = scope.value_of(text)
        if value is not None:
            shape = value.shape
        if shape is not None:
            no_mask = IDLE * (value is not None and value.dtype.kind == "b" and bool(np.all(value)))
            found[text] = Ingredient(cost + no_mask, text, shape, added, of, text in entries)
    return tuple(sorted(found.values(), key=lambda part: part.cost))


def _proposed(
    scope: InScope, pool: Sequence[str], numbers: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
) -> Iterator[Proposal]:
    """What may be missing.  shapes: of the entries and quantities in scope."""
    scalars = [q.text for q in scope.scalars if not q.is_count]
    yield from ((0.0, text, False, "", shape) for text, shape in shapes.items()
                if (shape or text in scalars) and text not in scope.unused)
    for array in scope.unused:
        yield -0.5, array, False, "", shapes[array]
        yield from ((-0.4, f"{array} / {size}", False, "", shapes[array])
                    for size in scope.sizes.values())
    yield from ((0.3, text, False, "", None) for text in pool if text.startswith(IMPLIED))
    yield from ((0.4, number, True, "", ()) for number in dict.fromkeys(("1", *numbers)))
    for array, shape in shapes.items():
        if shape:
            yield from _of_array(array, shape, scope, [*scalars, *numbers])
    yield from ((0.6 + 0.01 * len(text), text, False, "", None) for text in pool)
    yield from ((1.0, text, False, "", shape) for text, shape in _products(scope))
    yield from ((1.3, f"{one.text} * {other.text}", False, "", one.shape)
                for one, other in combinations(scope.arrays, 2) if one.shape == other.shape)


def _of_array(
    array: str, shape: tuple[int, ...], scope: InScope, numbers: Sequence[str]
) -> Iterator[Proposal]:
    """Functions and multiples of an array."""
    yield from ((0.5, f"{name}({array})", False, array, None) for name in scope.functions)
    yield from ((0.6, form.format(array), False, "" if form == FALLING else array, shape)
                for form in SLOPES)
    yield from ((1.0, form.format(array), False, "", shape) for form in ELEMENTARY)
    yield from ((0.8, f"{n} * {array}", True, "", shape) for n in (*numbers, 2))
    yield from ((1.1, f"2 * {n} * {array}", True, "", shape) for n in numbers)


def _entries(pool: Sequence[str]) -> Iterator[str]:
    """The entries of lists and dicts among the expressions of a function, as it names them."""
    for text in pool:
        with suppress(SyntaxError):  # what ast spells wrongly, such as a tuple of slices
            if isinstance(ast.parse(text, mode="eval").body, ast.Subscript):
                yield text


def _products(scope: InScope) -> Iterator[tuple[str, tuple[int, int]]]:
    """Matrix products of two arrays that share the length of an axis, with their shapes."""
    matrices = [q for q in scope.arrays if len(q.shape) == 2]
    for left in matrices:
        for right in matrices:
            if left is right:
                continue
            for turned, mark in ((left.shape, ""), (left.shape[::-1], ".T")):
                outer, inner = turned
                if inner == right.shape[0]:
                    yield f"{left.text}{mark} @ {right.text}", (outer, right.shape[1])
                if inner == right.shape[1]:
                    yield f"{left.text}{mark} @ {right.text}.T", (outer, right.shape[0])
