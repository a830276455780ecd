"""A program's text as Python reads it: a file, or the cells of a notebook one after the other.

A notebook is data (JSON): its code cells become one text, in which places are told by cell and
line.  What is no Python (magics, shell commands) is left out, and said.
"""

from __future__ import annotations

import ast
import json
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradproof.checks.hand_files import HandError, source_of
from gradproof.symbolic.limits import MAX_NOTEBOOK, read_file
from gradproof.symbolic.places import said_place, told_by_cell

NOTEBOOK = ".ipynb"

_SHOWN_TIMES = ("%%time", "%%timeit", "%%capture", "%%gradproof")
"""Cell magics whose cell is Python."""

_MAGIC = re.compile(r"^(?P<indent>\s*)(?:[%!?]|[\w.\[\], ]+=\s*[%!])|^.*\?\s*$")


@dataclass(frozen=True)
class ProgramText:
    """What a program is: the name of its file, its text, and lines that were left out of it.

    before: what was run before it, which may say what is a size of what.
    """

    file: str
    text: str
    left_out: tuple[str, ...] = ()
    before: str = ""

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree.  Raises HandError with the place."""
        try:
            return ast.parse(self.text, self.file)
        except SyntaxError as error:
            raise HandError(f"{said_place(self.file, error.lineno or 1)}: {error.msg}") from None

    def shown(self) -> None:
        """Lets messages show its lines, whatever it was read from."""
        lines = self.text.splitlines(True)
        linecache.cache[self.file] = (len(self.text), None, lines, self.file)


def read_program(path: str | Path) -> ProgramText:
    """The program in a Python file or a notebook.  HandError with what is wrong with it.
    """
    file = Path(path)
    if file.suffix == NOTEBOOK:
        return _notebook(file)
    return ProgramText(str(path), source_of(file))


def _notebook(file: Path) -> ProgramText:
    lines: list[str] = []
    cells: list[tuple[int, str]] = []
    left_out: list[str] = []
    for number, code in _cells(file):
        cells.append((len(lines) + 1, f"cell {number}"))
        kept, without = python_alone(code)
        left_out += [f"cell {number}, line {line}: {text}" for line, text in without]
        lines += kept
    told_by_cell(str(file), cells)
    return ProgramText(str(file), "".join(f"{line}\n" for line in lines), tuple(left_out))


def _cells(file: Path) -> Iterator[tuple[int, str]]:
    """The code cells, each with its number among all cells, from 1."""
    try:
        made = json.loads(read_file(file, MAX_NOTEBOOK))
    except FileNotFoundError:
        raise HandError(f"{file}: there is no such file; expected a notebook") from None
    except OSError as error:
        raise HandError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise HandError(f"{file}: expected a notebook in JSON: {error}") from None
    cells: Any = made.get("cells") if isinstance(made, dict) else None
    if cells is None and isinstance(made, dict):  # nbformat 3
        sheets = made.get("worksheets")
        cells = sheets[0].get("cells") if isinstance(sheets, list) and sheets else None
    if not isinstance(cells, list):
        raise HandError(f"{file}: expected a notebook, a JSON object with a list of \"cells\"")
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            yield number, "".join(map(str, source)) if isinstance(source, list) else str(source)


def python_alone(code: str) -> tuple[list[str], list[tuple[int, str]]]:
    """The lines of a cell that are Python, with blank ones for those that are not; and those."""
    lines = code.splitlines()
    without: list[tuple[int, str]] = []
    start = next((line for line in lines if line.strip()), "")
    if start.startswith("%%"):
        if start.split()[0] not in _SHOWN_TIMES:
            return [""] * len(lines), [(1, f"{start} (the whole cell)")]
        at = lines.index(start)
        without.append((at + 1, start))
        lines[at] = ""
    if not _parses("\n".join(lines)):
        for at, line in enumerate(lines):
            if found := _MAGIC.match(line):
                without.append((at + 1, line.strip()))
                lines[at] = f"{found['indent'] or ''}pass"
    return lines, without


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):
        return False
    return True
