"""JAX's loops of known length and its trees, for traced code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..sizes import Number
from ..source import SESSION, fail
from .array import Array, plain


def leaves(tree: Any) -> Iterator[Any]:
    """What is in the containers of a tree, in JAX's order: of a dict, by its keys."""
    if tree is None:
        return
    if isinstance(tree, (list, tuple)):
        for one in tree:
            yield from leaves(one)
    elif isinstance(tree, dict):
        for key in sorted(tree):
            yield from leaves(tree[key])
    else:
        yield tree


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: Any = None) -> Any:
    if is_leaf is not None:
        fail("tree_map with is_leaf= is not traced")
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: tree_map(f, tree[key], *(one[key] for one in rest)) for key in sorted(tree)}
    if isinstance(tree, (list, tuple)):
        made = [tree_map(f, *parts) for parts in zip(tree, *rest, strict=True)]
        return made if isinstance(tree, list) else (
            type(tree)(*made) if hasattr(tree, "_fields") else tuple(made))
    return f(tree, *rest)


def _count(size: Any, name: str) -> int:
    if isinstance(size, Number) and not size.expression.is_Integer:
        fail(f"lax.{name} over the symbolic size {size}: its steps are taken one by one; give it "
             "as a number in the shapes")
    return int(size)


def scan(
    f: Callable[..., Any], init: Any, xs: Any = None, length: Any = None, reverse: Any = False,
    unroll: Any = 1,
) -> Any:
    """Step by step, as many as there are; `unroll` says nothing of values."""
    sizes = [one.shape[0] for one in leaves(xs)] or [length]
    count = _count(sizes[0], "scan")
    if any(_count(one, "scan") != count for one in sizes):
        fail("lax.scan over arrays of different lengths")
    carry, kept = init, []
    for step in reversed(range(count)) if reverse else range(count):
        at = step
        carry, out = f(carry, tree_map(lambda one: one[at], xs))  # noqa: B023
        kept.append(out)
    if reverse:
        kept.reverse()
    if not kept:
        fail("lax.scan of no steps is not traced")
    return carry, tree_map(
        lambda *parts: Array(SESSION.get().call("stack", list(map(plain, parts)), 0)), *kept)


def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any, unroll: Any = None
) -> Any:
    value = init_val
    for step in range(_count(lower, "fori_loop"), _count(upper, "fori_loop")):
        value = body_fun(step, value)
    return value


def as_it_is(fun: Any = None, **options: Any) -> Any:
    """jax.jit and the like, which compute what the function computes."""
    return fun if fun is not None else as_it_is


CONTROL: dict[str, dict[str, Any]] = {
    "jax.lax": {"scan": scan, "fori_loop": fori_loop},
    "jax.tree_util": {"tree_map": tree_map, "tree_leaves": lambda tree: list(leaves(tree))},
    "jax.tree": {"map": tree_map, "leaves": lambda tree: list(leaves(tree))},
    "jax": {"jit": as_it_is, "checkpoint": as_it_is, "remat": as_it_is},
}
"""By module, what is called as it stands here."""
