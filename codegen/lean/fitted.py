"""A text as a function for arguments of the types and shapes of some that are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from .apart import apart_from
from .flat import flat
from .keyed import keyed_text
from .masks import masks_of_outputs
from .measured import measured
from .named_once import named_once, without_unread
from .narrowed import narrowed
from .products.writing import as_products
from .quiet import switches
from .spelled import Spelled
from .uncopied import uncopied
from .views_last import views_last

Function = Callable[..., Any]
"""Of the arguments; None where they are not of these types and shapes."""
KEPT = 31 * 2**20
"""Bytes: from 32 MiB on, glibc gives each array back to the system, whatever was freed before."""
_ONE_AT_A_TIME = Lock()
"""CPython 3.11 counts the depth of syntax trees for all threads together, and raises SystemError
where two read trees at once."""


def fitted(
    text: str, given: Sequence[Any], keys: Sequence[str] | None = None, workspace: bool = False
) -> Function:
    """The function ``run`` of a text for arguments like those given, whose values count for
    nothing; with a `workspace`, it returns the same arrays each time and allocates none.

    keys: of all results but the first, or of all, which are then returned as a dict.

    Raises NotFlatError for a text that has other statements than printed ones have, and what a run
    of the text raises.
    """
    with _ONE_AT_A_TIME:
        made = spelled(text, given, keys, workspace)
        if not workspace:
            _let_memory_be_kept(made)
        return compiled(made.text, made.space)


@dataclass(frozen=True)
class Text:
    """The text of a function, what it refers to, and the bytes of all the arrays that it makes."""

    text: str
    space: dict[str, Any]
    bytes: int


def _let_memory_be_kept(made: Text) -> None:
    """glibc gives the memory of arrays back to the system, and asks for it again page by page,
    until one as large as they are together was given back: such a one, which nobody writes to."""
    np.empty(min(made.bytes, KEPT), np.uint8)


def spelled(
    text: str, given: Sequence[Any], keys: Sequence[str] | None = None, workspace: bool = False
) -> Text:
    """What `fitted` compiles."""
    statements = flat(text)
    space: dict[str, Any] = {}
    # All names in it are identifiers, which hold nothing to be run.
    exec(compile(statements.preamble, "<equations>", "exec"), space)
    named_once(statements)
    with np.errstate(all="ignore"):
        seen = measured(statements, space, given)
        if views_last(statements, seen) | uncopied(statements, seen):
            named_once(statements)
            seen = measured(statements, space, given)
        as_products(statements, seen)
        named_once(statements)
        without_unread(statements)
        masks_of_outputs(statements)
        seen = measured(statements, space, given)
        if narrowed(statements, seen):
            seen = measured(statements, space, given)
        made = Spelled(statements, seen, space, workspace)
    copied = _shared(seen.results, given, made)
    tests = [_unlike(name, one, made) for name, one in zip(
        statements.arguments, given, strict=True)]
    apart = "" if made.block is None else made.bind("apart", apart_from([made.block]))
    values = [f"{name}.copy()" if copy else name for name, copy in zip(
        statements.returned, copied, strict=True)]
    returned = keyed_text(values, None if keys is None else [*map(repr, keys)])
    quiet, as_before = (made.bind(stem, switch) for stem, switch in zip(
        ("quiet", "as_before"), switches(), strict=True))
    lines = [f"def run({', '.join(statements.arguments)}):",
             *(f"    if {test}:\n        return None" for test in tests),
             *(f"    if {name}.base is not None:\n"
               f"        {name} = {apart}({name})" for name in statements.arguments if apart),
             f"    {made.bind('warned', None)} = {quiet}()", "    try:",
             *(f"        {line}" for line in made.lines or ["pass"]),
             "    finally:", f"        {as_before}({made.bind('warned', None)})",
             f"    return {returned}"]
    owned = sum(one.size * one.dtype.itemsize for one in seen.arrays.values() if one.owns)
    return Text("\n".join(lines) + "\n", made.space, owned)


def _unlike(name: str, one: Any, made: Spelled) -> str:
    """Whether an argument is of another type or shape than the one that was given."""
    kind, dtype = made.bind("kind", type(one)), made.bind("dtype", one.dtype)
    # the type of an array from a pickle, or another process, is an object of its own
    return (f"{name}.__class__ is not {kind} or {name}.dtype is not {dtype} and "
            f"{name}.dtype != {dtype} or {name}.shape != {one.shape}")


def compiled(text: str, space: dict[str, Any]) -> Function:
    exec(compile(text, "<fitted>", "exec"), space)
    made: Function = space["run"]
    return made


def _shared(results: Sequence[Any], given: Sequence[Any], made: Spelled) -> list[bool]:
    """Which results have memory of an argument, or of a result before them, or may not be
    written to.  What was a copy of arguments in this order may be a view of others: a reshape."""
    before, found = [one for one in given if isinstance(one, np.ndarray)], []
    roots = {*made.flat.arguments}
    for name, result in zip(made.flat.returned, results, strict=True):
        own = made.lives.roots.get(name, frozenset())
        array = isinstance(result, np.ndarray)
        found.append(array and (not result.flags.writeable or not roots.isdisjoint(own) or any(
            np.may_share_memory(result, one) for one in before)))
        before += [result] if array else []
        roots |= own
    return found
