"""Readable NumPy source of a gradient: what a person would write, from the same matrix form.

The text depends on NumPy alone; helper functions (sigmoid, a user's formula and its slope) are
written out above the gradient, each in a spelling that does not overflow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..symbolic.equation import Equation, System
from .needed import needed
from .printing import Printing


def gradient_source(
    system: System,
    loss: str,
    gradients: Mapping[str, str],
    *,
    name: str = "gradient",
    row_vectors: bool = True,
    comments: Mapping[str, str] | None = None,
    summary: str = "",
) -> str:
    """Source text of ``name(inputs) -> (loss, {parameter: gradient})``, for arrays of floats.

    `gradients` maps parameters to the arrays that hold their gradients; `comments` may give a
    formula to be set behind an array's line.  Raises EquationError for an equation that is no sum
    of matrix forms over slices or places, naming it.
    """
    pairs = ", ".join(f'"{parameter}": {array}' for parameter, array in gradients.items())
    returned = [f"    return {loss}, {{{pairs}}}"]
    if len(returned[0]) > 98:
        rows = [f'        "{p}": {array},' for p, array in gradients.items()]
        returned = [f"    return {loss}, {{", *rows, "    }"]
    return _function_text(system, [loss, *gradients.values()], returned, name=name,
                          row_vectors=row_vectors, comments=comments or {}, summary=summary)


def array_source(
    system: System, array: str, *, name: str, row_vectors: bool = True, summary: str = ""
) -> str:
    """Source text of ``name(inputs) -> array``.  Raises as :func:`gradient_source` does."""
    return _function_text(system, [array], [f"    return {array}"], name=name,
                          row_vectors=row_vectors, comments={}, summary=summary)


def _function_text(
    system: System,
    results: Sequence[str],
    returned: Sequence[str],
    *,
    name: str,
    row_vectors: bool,
    comments: Mapping[str, str],
    summary: str,
) -> str:
    """A function of the system's inputs that computes `results` and ends in `returned`."""
    printer = Printing(system, row_vectors)
    own = _Copies(system, results)
    lines: list[str] = []
    for item in needed(system, results):
        note = comments.get(item.name, "") if isinstance(item, Equation) else ""
        for line in map(own, printer.lines(item)):
            fits = note and len(line) + len(note) < 94
            lines.append(f"    {line}  # {note}" if fits else f"    {line}")
            note = ""
    arguments = ", ".join(array.name for array in system.inputs)
    head = [f"def {name}({arguments}):"]
    if summary:
        head.append(f'    """{summary}"""')
    parts = ["import numpy as np\n", *printer.helpers(),
             "\n".join([*head, *printer.size_lines(), *lines, *returned]) + "\n"]
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


_CALLED = r"\((?:[^()]|\([^()]*\))*\)"
_VIEW = re.compile(
    rf"(\w+) = (?:np\.reshape\()?([^\W\d]\w*)((?:\.T\b|\.(?:reshape|swapaxes|transpose){_CALLED}"
    rf"|\[[^\[\]]*\])*)(?:, {_CALLED}\))?"
)
"""name = array, or a view of one: array.T, array[:, None], array.reshape(...)."""


class _Copies:
    """Puts ``.copy()`` where an array that is returned would be (a view of) an input or of another
    one returned: who changes a gradient in place must change nothing else."""

    def __init__(self, system: System, results: Sequence[str]) -> None:
        self.names = system.names
        self.scalars = {name for name, shape in system.shapes.items() if not shape}
        self.results = {*results} - self.scalars
        self.taken = {*results, *(array.name for array in system.inputs)}
        self.owners: dict[str, str] = {}

    def __call__(self, line: str) -> str:
        found = _VIEW.fullmatch(line)
        if found is None or self._picks(found[3]):
            return line
        name, read = found[1], found[2]
        owner = self.owners.get(read, read)
        if name in self.results and owner in self.taken:
            return f"{line}.copy()"
        self.owners[name] = owner
        if name in self.results:
            self.taken.add(owner)
        return line

    def _picks(self, views: str) -> bool:
        """Whether a subscript is an array of integers, whose result has memory of its own."""
        return any(self.names & {*re.findall(r"\w+", at)}
                   for at in re.findall(r"\[[^\[\]]*\]", views))
