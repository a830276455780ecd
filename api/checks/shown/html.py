"""A result in a notebook: a table of verdicts, the line that is wrong, the edit that mends it.

It loads nothing and runs nothing; all text goes through one escaping function.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gradproof.symbolic.escaping import html
from gradproof.symbolic.places import SourceLine, in_cell, said_place

if TYPE_CHECKING:
    from gradproof.repair.search import Repair

COLOURS = {"proved": "#1a7f37", "agrees": "#1a7f37", "undecided": "#9a6700", "refuted": "#cf222e"}
MONO = "font-family:monospace;white-space:pre;text-align:left"
AROUND = 2
"""Lines that are shown before and after the one that is marked."""


def result_html(result: Any, taken: Sequence[str] = ()) -> str:
    """A `CheckResult` as HTML.  taken: what was taken for what, said before it."""
    parts = [f'<div style="margin:0.3em 0">{_verdict(result.verdict)}</div>']
    if taken:
        lines = "<br>".join(html(line) for line in taken)
        parts.append(f'<div style="font-size:90%;opacity:0.8">{lines}</div>')
    rows = "".join(_row(check) for check in result)
    parts.append('<table style="border-collapse:collapse"><thead><tr>'
                 f'{_cell("gradient", "th")}{_cell("", "th")}{_cell("", "th")}</tr></thead>'
                 f"<tbody>{rows}</tbody></table>")
    if result.common:
        parts.append(f"<div>{html(result.common)}</div>")
    if result.place is not None:
        parts.append(_marked(result.place, result.first_wrong))
    if result.repair is not None:
        parts += _repair(result.repair)
    elif result.unrepaired:
        parts.append(f"<div>{html(result.unrepaired)}</div>")
    story = html(str(result))
    parts.append("<details><summary>the whole story</summary>"
                 f'<pre style="{MONO}">{story}</pre></details>')
    return f'<div class="gradproof">{"".join(parts)}</div>'


def _verdict(word: str) -> str:
    return f'<b style="color:{COLOURS.get(word, "inherit")}">{html(word)}</b>'


def _cell(inside: str, tag: str = "td") -> str:
    return (f'<{tag} style="text-align:left;vertical-align:top;padding:0.1em 0.8em 0.1em 0">'
            f"{inside}</{tag}>")


def _row(check: Any) -> str:
    said = check.scope if check.verdict in ("proved", "agrees") else check.diagnosis or check.reason
    if check.verdict == "refuted" and check.entry is not None:
        said += (f"; entry {list(check.entry)}: yours {check.hand:.6g}, "
                 f"right {check.derived:.6g}")
    name = f'<code>{html(check.name)}</code>'
    return f"<tr>{_cell(name)}{_cell(_verdict(check.verdict))}{_cell(html(said))}</tr>"


def _marked(place: SourceLine, first_wrong: str) -> str:
    """The lines around a place, which is marked."""
    where = said_place(place.filename, place.line)
    cell, _ = in_cell(place.filename, place.line)
    rows = "".join(_code_line(number, text, number == place.line)
                   for number, text in _around(place.filename, place.line, cell))
    rows = rows or _code_line(place.line, place.text, True)
    below = "".join(f"<div>{html(line.strip())}</div>" for line in first_wrong.splitlines()[1:])
    return (f'<div style="margin-top:0.4em">first wrong: {html(where)}</div>'
            f'<div style="overflow-x:auto">{rows}</div>{below}')


def _around(file: str, line: int, cell: str) -> Iterator[tuple[int, str]]:
    lines = linecache.getlines(file)
    for number in range(max(line - AROUND, 1), min(line + AROUND, len(lines)) + 1):
        if in_cell(file, number)[0] == cell:
            yield number, lines[number - 1].rstrip("\r\n")


def _code_line(number: int, text: str, is_marked: bool, colour: str = "") -> str:
    shown = "border-left:3px solid #cf222e;background:rgba(207,34,46,0.15);" if is_marked else (
        "border-left:3px solid transparent;")
    return f'<div style="{MONO};{shown}{colour}">{html(text) or "&nbsp;"}</div>'


def _repair(repair: Repair) -> Iterator[str]:
    """The edits, as lines that go and lines that come."""
    held = "is proved" if repair.verified == "proved" else "agrees with the numbers"
    yield f'<div style="margin-top:0.4em">with this every gradient {held}:</div>'
    for one in (repair, *repair.further):
        yield (f"<div>{html(said_place(one.file, one.line))}: {html(one.explanation)}</div>")
        for sign, text, colour in (("-", one.old, "rgba(207,34,46,0.12)"),
                                   ("+", one.new, "rgba(26,127,55,0.15)")):
            for line in text.splitlines():
                yield _code_line(one.line, f"{sign} {line}", False, f"background:{colour};")
