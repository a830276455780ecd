"""Markers in a notebook's Markdown cells: only the strings of these cells' sources are rewritten.

The file is not parsed and dumped again; where its strings stand is found, so that the formatting
of everything else stays as it is, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .document import Outcome, Resolve, Verify, embedded
from .marker import MarkerError, Problem, Request

_TOKEN = re.compile(r'["{}\[\]]|[-+.\w]+')
_DECODER = json.JSONDecoder()
UNREAD = frozenset({"outputs", "attachments", "metadata"})
"""Keys whose values are stepped over: an output may have millions of entries."""


@dataclass
class _Node:
    """A JSON value with its place in the text; strings, lists and objects have their contents."""

    start: int
    end: int
    text: str | None = None
    items: list[_Node] = field(default_factory=list)
    keys: dict[str, _Node] = field(default_factory=dict)
    is_list: bool = False


def embedded_notebook(
    text: str, resolve: Resolve, verify: Verify, force: bool = False
) -> Outcome:
    """As ``embedded``, for a notebook; lines of problems are those of the file."""
    if "gradproof" not in text:
        return Outcome(text)
    parts: list[str] = []
    place = 0
    whole = Outcome(text)

    def resolved(request: Request, block: bool, syntax: str) -> str:
        return resolve(request, block, "notebook")

    for source in _sources(text):
        lines = source.items if source.is_list else [source]
        before = "".join(line.text or "" for line in lines)
        found = embedded(before, "markdown", resolved, verify, force)
        whole.markers += found.markers
        whole.problems += [_placed(problem, lines, text) for problem in found.problems]
        if found.text != before:
            parts += [text[place : source.start], _written(source, found.text, text)]
            place = source.end
    whole.text = text if whole.failed else "".join([*parts, text[place:]])
    return whole


def _placed(problem: Problem, lines: list[_Node], text: str) -> Problem:
    """The line of the file in which the cell's line stands."""
    passed = 1
    for node in lines:
        inside = (node.text or "").count("\n")
        if problem.line <= passed + inside - (1 if (node.text or "").endswith("\n") else 0):
            return replace(problem, line=text.count("\n", 0, node.start) + 1)
        passed += inside
    return replace(problem, line=text.count("\n", 0, lines[-1].start) + 1)


def _written(source: _Node, new: str, text: str) -> str:
    """The JSON of a cell's source, spelled as the old one was."""
    old = text[source.start : source.end]
    ascii_only = "\\u" in old and old.isascii()

    def literal(line: str) -> str:
        return json.dumps(line, ensure_ascii=ascii_only)

    if not source.is_list:
        return literal(new)
    kept = {item.text: text[item.start : item.end] for item in source.items}
    first, last = source.items[0], source.items[-1]
    opening = text[source.start : first.start]
    between = "," + opening[1:]
    if len(source.items) > 1:
        between = text[first.end : source.items[1].start]
    lines = [kept.get(line) or literal(line) for line in new.splitlines(keepends=True)]
    return opening + between.join(lines) + text[last.end : source.end]


def _sources(text: str) -> Iterator[_Node]:
    """The sources of the Markdown cells; MarkerError for what is no notebook."""
    root = _parsed(text)
    cells = root.keys.get("cells")
    if cells is None or not cells.is_list:
        raise MarkerError("is no notebook of format 4: there is no list 'cells'")
    for cell in cells.items:
        kind, source = cell.keys.get("cell_type"), cell.keys.get("source")
        if kind is None or kind.text != "markdown" or source is None:
            continue
        lines = [source] if source.text is not None else source.items
        if lines and all(line.text is not None for line in lines):
            yield source


def _parsed(text: str) -> _Node:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MarkerError(f"is not valid JSON: {error}") from None
    root = _Node(0, len(text))
    stack: list[_Node] = [root]
    keys: list[str | None] = [None]
    place = 0
    while found := _TOKEN.search(text, place):
        start, place = found.start(), found.end()
        mark = found[0]
        if mark in ("{", "["):
            if keys[-1] in UNREAD and not stack[-1].is_list:
                place = _DECODER.raw_decode(text, start)[1]
                _add(stack[-1], keys, _Node(start, place))
                continue
            node = _Node(start, 0, is_list=mark == "[")
            _add(stack[-1], keys, node)
            stack.append(node)
            keys.append(None)
        elif mark in ("}", "]"):
            stack.pop().end = place
            keys.pop()
        elif mark == '"':
            content, place = _DECODER.raw_decode(text, start)
            if _is_key(text, place, stack[-1]):
                keys[-1] = content
            else:
                _add(stack[-1], keys, _Node(start, place, content))
        else:
            _add(stack[-1], keys, _Node(start, place))
    return root.items[0] if root.items else root


def _is_key(text: str, place: int, inside: _Node) -> bool:
    if inside.is_list:
        return False
    while place < len(text) and text[place].isspace():
        place += 1
    return place < len(text) and text[place] == ":"


def _add(parent: _Node, keys: list[str | None], node: _Node) -> None:
    key = keys[-1]
    if not parent.is_list and key is not None:
        parent.keys[key] = node
        keys[-1] = None
    else:
        parent.items.append(node)
