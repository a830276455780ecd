"""The axes of products by letters, and arrays that are views of others."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from string import ascii_letters

import numpy as np

from ..measured import Seen
from .contractions import Factor, Places


def matmul_labels(
    pair: Sequence[str], arrays: Mapping[str, Seen]
) -> tuple[list[Factor], str] | None:
    """The axes of a matmul; None where a stack is repeated over more than a matrix."""
    one, two = (arrays[name].shape for name in pair)
    stacks = max(len(one), len(two)) - 2
    if min(len(one), len(two)) < 1 or (len(one) > 2 and len(two) > 2 and one[:-2] != two[:-2]):
        return None
    if stacks > 0 and min(len(one), len(two)) < 2:
        return None
    axes = ascii_letters[:max(stacks, 0)]
    left = (axes if len(one) > 2 else "") + ("Y" if len(one) > 1 else "") + "X"
    right = (axes if len(two) > 2 else "") + "X" + ("Z" if len(two) > 1 else "")
    out = axes + ("Y" if len(one) > 1 else "") + ("Z" if len(two) > 1 else "")
    return [(pair[0], left), (pair[1], right)], out


def tensordot_labels(
    pair: Sequence[str], axes: ast.expr, arrays: Mapping[str, Seen]
) -> tuple[list[Factor], str]:
    one, two = (arrays[name].shape for name in pair)
    first, second = ast.literal_eval(axes)
    first, second = ([side] if isinstance(side, int) else list(side) for side in (first, second))
    labels = list(ascii_letters[:len(one)])
    others = list(ascii_letters[26:26 + len(two)])
    for mine, yours in zip(first, second, strict=True):
        others[yours] = labels[mine]
    out = [x for x in labels if x not in others] + [x for x in others if x not in labels]
    return [(pair[0], "".join(labels)), (pair[1], "".join(others))], "".join(out)


def broadcast_labels(
    pair: Sequence[str], arrays: Mapping[str, Seen]
) -> tuple[list[Factor], str, dict[str, int]]:
    """The axes of a product entry by entry, and their sizes; what is no array, a number, has
    none.  An axis of length 1 along which entries are repeated is one of its own."""
    shapes = [arrays[name].shape if name in arrays else () for name in pair]
    whole = np.broadcast_shapes(*shapes)
    out = ascii_letters[:len(whole)]
    sizes, factors = dict(zip(out, whole, strict=True)), []
    for number, (name, shape) in enumerate(zip(pair, shapes, strict=True)):
        labels = list(out[len(out) - len(shape):])
        for place, n in enumerate(shape):
            if n != sizes[labels[place]]:
                labels[place] = ascii_letters[26 + 26 * number // 2 + place]
                sizes[labels[place]] = 1
        factors.append((name, "".join(labels)))
    return factors, out, sizes


def is_plain(factors: Sequence[Factor], out: str) -> bool:
    """Whether no array is read along a diagonal, and every axis of the result is one of theirs."""
    every = [labels for _, labels in factors]
    return all(len({*labels}) == len(labels) for labels in (out, *every)) and (
        {*out} <= {x for labels in every for x in labels})


# --- views -----------------------------------------------------------------------------------


def viewed(name: str, value: ast.expr, arrays: Mapping[str, Seen]) -> tuple[str, Places]:
    """The array that the value of a name is with its axes in another order, or with more or fewer
    axes of length 1, and the places of its axes; "" for another value."""
    of, order = turned(value, arrays)
    if of:
        return of, order
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) and (
            value.value.id in arrays):
        return _of_entries(value, arrays[value.value.id].shape)
    of = _reshaped(value)
    if of not in arrays or name not in arrays:
        return "", ()
    before, after = arrays[of].shape, arrays[name].shape
    if [n for n in before if n != 1] != [n for n in after if n != 1]:
        return "", ()
    places = iter([axis for axis, n in enumerate(before) if n != 1])
    return of, tuple(None if n == 1 else next(places) for n in after)


def _of_entries(value: ast.Subscript, shape: Sequence[int]) -> tuple[str, Places]:
    """That of x[:, None, 0], where an axis that is left out has length 1."""
    assert isinstance(value.value, ast.Name)
    entries = value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]
    texts = [ast.unparse(entry) for entry in entries]
    if not {*texts} <= {":", "None", "0", "-1"}:
        return "", ()
    places: list[int | None] = []
    axis = 0
    for text in texts:
        if text == "None":
            places.append(None)
            continue
        if text == ":":
            places.append(axis)
        elif shape[axis] != 1:
            return "", ()
        axis += 1
    return value.value.id, (*places, *range(axis, len(shape)))


def _reshaped(value: ast.expr) -> str:
    """The array that is reshaped; "" for another value."""
    if not isinstance(value, ast.Call) or value.keywords or not isinstance(
            value.func, ast.Attribute) or value.func.attr != "reshape":
        return ""
    of = value.func.value
    if isinstance(of, ast.Name) and of.id == "np":
        of = value.args[0]
    return of.id if isinstance(of, ast.Name) else ""


def turned(value: ast.expr, arrays: Mapping[str, Seen]) -> tuple[str, tuple[int, ...]]:
    """The array that an expression is with its axes in an order, and that; "" for others."""
    node = value.func if isinstance(value, ast.Call) else value
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or (
            node.value.id not in arrays):
        return "", ()
    axes = list(range(len(arrays[node.value.id].shape)))
    if isinstance(value, ast.Attribute) and node.attr == "T":
        return node.value.id, tuple(reversed(axes))
    if not isinstance(value, ast.Call) or node.attr not in ("swapaxes", "transpose"):
        return "", ()
    try:
        given = [ast.literal_eval(part) for part in value.args]
    except ValueError:
        return "", ()
    if node.attr == "transpose":
        flat = given[0] if len(given) == 1 and isinstance(given[0], tuple) else given
        return node.value.id, tuple(axes[place] for place in flat)
    one, two = given
    axes[one], axes[two] = axes[two], axes[one]
    return node.value.id, tuple(axes)
