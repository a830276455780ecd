"""A place in the user's source, in words: ``script.py:12``, ``notebook.ipynb: cell 3, line 4``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

_CELLS: dict[str, Sequence[tuple[int, str]]] = {}
_ALONE: set[str] = set()
NUMBERED: list[Callable[[str], object]] = []
"""Who knows by what number a notebook calls the cell that a file is; asked of files that nobody has
told of."""


def told_by_cell(file: str, cells: Sequence[tuple[int, str]], alone: bool = False) -> None:
    """Says of what parts a file's text was put together.

    cells: the first line of each, in order, and what it is called.  alone: the file's own name says
    nothing to anybody.
    """
    _CELLS[file] = tuple(cells)
    if alone:
        _ALONE.add(file)


def said_place(file: str, line: int) -> str:
    """A line of a file, as it is told to its author.

    >>> said_place("script.py", 12)
    'script.py:12'
    >>> told_by_cell("net.ipynb", [(1, "cell 2"), (9, "cell 3")])
    >>> said_place("net.ipynb", 12)
    'net.ipynb: cell 3, line 4'
    """
    cell, within = in_cell(file, line)
    if not cell:
        return f"{file}:{line}"
    return f"{cell}, line {within}" if file in _ALONE else f"{file}: {cell}, line {within}"


def in_cell(file: str, line: int) -> tuple[str, int]:
    """The part of a file in which a line stands, "" for a file of one part, and the line there."""
    if file not in _CELLS:
        number = next((known for ask in NUMBERED if (known := ask(file)) is not None), None)
        if number is not None:
            told_by_cell(file, [(1, f"cell [{number}]")], alone=True)
    cells = _CELLS.get(file, ())
    at = bisect_right([first for first, _ in cells], line) - 1
    return ("", line) if at < 0 else (cells[at][1], line - cells[at][0] + 1)


class SourceLine(NamedTuple):
    """A line of source: its file, its number, and its text."""

    filename: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{said_place(self.filename, self.line)}: {self.text}"
