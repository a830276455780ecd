"""What the values of a flat text are, seen in one run of it: their types, shapes and memory."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .flat import Flat, names_in


@dataclass(frozen=True)
class Seen:
    """What every value of a name was like.

    owns: whether it was an array without gaps, with memory of its own.  is_ordered: whether it was
    in C order.  is_whole: whether it was without gaps and may be written to.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    owns: bool
    is_ordered: bool
    is_whole: bool

    @property
    def kind(self) -> tuple[np.dtype[Any], tuple[int, ...], tuple[int, ...]]:
        return self.dtype, self.shape, self.strides

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass
class Measured:
    """What was seen in a run.

    arrays: of each name that was always an array of one type and shape.  numbers: the values of
    names that no loop changes and that are numbers or types.  scalars: names that were always
    numbers of NumPy's, as entries of arrays are.  results: those returned.
    """

    arrays: dict[str, Seen] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    results: tuple[Any, ...] = ()
    _unlike: set[str] = field(default_factory=set)

    def see(self, name: str, value: Any) -> None:
        found = None
        if not isinstance(value, np.generic):
            self.scalars.discard(name)
        elif name not in self.arrays and name not in self._unlike:
            self.scalars.add(name)
        if type(value) is np.ndarray:
            ordered = bool(value.flags.c_contiguous)
            whole = bool(value.flags.writeable) and _has_no_gaps(value)
            owns = value.base is None and value.flags.owndata and whole
            found = Seen(value.dtype, value.shape, value.strides, owns, ordered, whole)
        if found is None or name in self._unlike or self.arrays.get(name, found) != found:
            self._unlike.add(name)
            self.arrays.pop(name, None)
        else:
            self.arrays[name] = found


def measured(flat: Flat, space: dict[str, Any], given: Sequence[Any]) -> Measured:
    """A run of the text in `space`, which has its functions, on arguments.

    Raises what the text raises.
    """
    seen = Measured()
    look, number = (_free(stem, flat) for stem in ("see", "number"))
    fixed = flat.plain - flat.loose

    def watched(body: Sequence[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for node in body:
            if isinstance(node, ast.For):
                counted = [name for name in names_in(node.target) if name not in flat.plain]
                first = [one for name in counted for one in ast.parse(
                    f"{look}({name!r}, {name})").body]  # of what is an array elsewhere
                made.append(ast.For(node.target, node.iter, first + watched(node.body), []))
                continue
            if isinstance(node, ast.If):
                made.append(ast.If(node.test, watched(node.body), []))
                continue
            made.append(node)
            if isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Subscript):
                for name in names_in(node.targets[0]):
                    made += ast.parse(f"{number}[{name!r}] = {name}" if name in fixed
                                      else f"{look}({name!r}, {name})").body
        return made

    text = function_of("watched", flat.arguments, watched(flat.body), flat.returned)
    local = {**space, look: seen.see, number: seen.numbers}
    # The names in the text are identifiers, which hold nothing to be run.
    exec(compile(text, "<measured>", "exec"), local)
    for name, value in zip(flat.arguments, given, strict=True):
        seen.see(name, value)
    # The function and the names that it reads hold each other, and with them all that was seen.
    function: Callable[..., tuple[Any, ...]] = local.pop("watched")
    seen.results = function(*given)
    return seen


def function_of(
    name: str, arguments: Sequence[str], body: Sequence[ast.stmt], returned: Sequence[str]
) -> str:
    """The text of a function."""
    whole = "\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in body)
    inside = "".join(f"    {line}\n" for line in whole.splitlines())
    return (f"def {name}({', '.join(arguments)}):\n{inside}"
            f"    return {''.join(f'{one}, ' for one in returned)}\n")


def _has_no_gaps(array: NDArray[Any]) -> bool:
    """Whether an array is in C order but for the order of its axes."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return bool(array.transpose(order).flags.c_contiguous)


def _free(stem: str, flat: Flat) -> str:
    while stem in flat.taken:
        stem += "_"
    flat.taken.add(stem)
    return stem
