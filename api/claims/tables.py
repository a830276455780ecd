"""Tables that a text has, in Markdown: what stands in a column, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence


class TableError(ValueError):
    """A table, or a column of one, that is not there."""


def cells(text: str) -> list[list[str]]:
    """The rows of a table in Markdown, its header first, without the line of dashes.

    >>> cells("| a | b |\\n|---|---|\\n| 1 | x \\\\| y |")
    [['a', 'b'], ['1', 'x | y']]

    Raises TableError where rows differ in length, or there is nothing below a header.
    """
    rows = []
    for line in text.splitlines():
        line = line.strip()
        if not line:
            continue
        parts = [part.replace("\\|", "|").strip()
                 for part in re.split(r"(?<!\\)\|", line.strip("|"))]
        if not all(re.fullmatch(r":?-+:?", part) for part in parts):
            rows.append(parts)
    if len(rows) < 2 or len({len(row) for row in rows}) != 1:
        raise TableError("expected a table in Markdown, a header and rows of as many cells, got "
                         f"{[len(row) for row in rows]} cells")
    return rows


def column(text: str, name: str | int, rows: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What each row is about, and its cell in a column, by the column's header or its number.

    rows: what the cells are of, a quantity a row ("" for a row that is left out); without it the
    cells stand for themselves.
    """
    header, *body = cells(text)
    if isinstance(name, int):
        if not 1 <= name <= len(header):
            raise TableError(f"there is no column {name}; there are {len(header)}")
        place = name - 1
    elif name in header:
        place = header.index(name)
    else:
        raise TableError(f"there is no column {name!r}; there are {', '.join(header)}")
    if rows and len(rows) != len(body):
        raise TableError(f"the table has {len(body)} rows, {len(rows)} are named")
    for number, row in enumerate(body):
        if not rows or rows[number]:
            yield rows[number] if rows else "", row[place].strip("$").strip()
