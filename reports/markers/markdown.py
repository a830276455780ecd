"""Where markers stand in Markdown and HTML: in comments, outside of code.

What a Markdown renderer takes for code (fences, spans, indented blocks) is text here, and so is a
comment inside another; a document is gone through once, from left to right.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from .marker import Comment

_RAW = "|".join("".join(f"[{c}{c.upper()}]" for c in name)
                for name in ("script", "style", "textarea", "title"))
_MARKDOWN = re.compile(rf"(?P<ticks>`+)|(?P<tildes>~{{3,}})|(?P<escape>\\[`<\\])|"
                       rf"(?P<comment><!--)|(?P<raw><(?:{_RAW})\b)")
_HTML = re.compile(rf"(?P<comment><!--)|(?P<raw><(?:{_RAW})\b)")
_FIRST = re.compile(r"[`~\\<]")
"""With what a token begins: a set of characters is searched ten times as fast as a branch."""
_FENCED = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*")
_MARKER = re.compile(r"<!--\s*(?P<close>/?)gradproof\b(?P<text>.*)-->", re.S)
_BLANK = re.compile(r"^[ \t>]*\r?\n", re.M)
_LEAD = re.compile(r"[ \t]+")
_TICKS = re.compile(r"`+")
_BEFORE = re.compile(r"[ \t>]*")
_BEHIND = re.compile(r"[^\S\n]*(?:\n|\Z)")
_ITEM = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)*")
_CONTAINER = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)]|!!!|\?\?\?\+?|===!?|\[\^[^\]]+\]:|:)(?=\s)|"
                        r"[ \t>]*\[\^[^\]]+\]:")


def markdown_comments(text: str) -> Iterator[Comment]:
    """The comments of markers in Markdown."""
    return _comments(text, _MARKDOWN)


def html_comments(text: str) -> Iterator[Comment]:
    """The comments of markers in HTML."""
    return _comments(text, _HTML)


def _comments(text: str, tokens: re.Pattern[str]) -> Iterator[Comment]:
    if "gradproof" not in text:
        return
    spans = _Spans(text)
    lines = _Lines(text)
    opened = False
    place = 0
    while first := _FIRST.search(text, place):
        found = tokens.match(text, first.start())
        if found is None:
            place = first.end()
            continue
        kind = found.lastgroup
        place = found.end()
        if kind in ("ticks", "tildes") and _opens_fence(text, found, lines):
            place = _fence_end(text, found[0], found.end())
        elif kind == "ticks":
            place = spans.end(found.start(), found.end())
        elif kind == "raw":
            closing = re.compile(f"</{found[0][1:]}", re.I).search(text, found.end())
            place = closing.end() if closing else len(text)
        elif kind == "comment":
            end = text.find("-->", found.end())
            end = len(text) if end < 0 else end + 3
            marker = _MARKER.fullmatch(text, found.start(), end)
            if marker and (tokens is _HTML or (opened and marker["close"])
                           or not lines.indented_code(found.start())):
                opened = not marker["close"]
                yield _comment(text, marker, lines)
            place = end


def _comment(text: str, marker: re.Match[str], lines: _Lines) -> Comment:
    number, start, _ = lines.around(marker.start())
    at = marker.start()
    before = _BEFORE.fullmatch(text, start, at)  # nothing is copied: a line may be long
    return Comment(
        not marker["close"], marker["text"].strip(), at, marker.end(), number,
        begins=before is not None, ends=_BEHIND.match(text, marker.end()) is not None,
        prefix=before[0] if before else "", item=_ITEM.fullmatch(text, start, at) is not None,
    )


def _opens_fence(text: str, found: re.Match[str], lines: _Lines) -> bool:
    """Whether a run of three or more begins a line, and no backtick follows on it."""
    if found.end() - found.start() < 3:
        return False
    _, start, end = lines.around(found.start())
    if found[0][0] == "`" and text.find("`", found.end(), end) >= 0:
        return False
    return _FENCED.fullmatch(text, start, found.start()) is not None


def _fence_end(text: str, fence: str, place: int) -> int:
    """Behind the line that closes a fence; the end of the text where none does."""
    closing = re.compile(rf"^[ \t>]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*\r?$", re.M)
    found = closing.search(text, place)
    return found.end() if found else len(text)


class _Spans:
    """Code spans: a run of backticks ends at the next run of the same length in its paragraph."""

    def __init__(self, text: str) -> None:
        self.ends: dict[int, list[int]] = {}
        self.starts: dict[int, list[int]] = {}
        self.blanks = [found.start() for found in _BLANK.finditer(text)]
        for run in _TICKS.finditer(text):
            length = run.end() - run.start()
            self.starts.setdefault(length, []).append(run.start())
        self.length = len(text)

    def end(self, start: int, stop: int) -> int:
        """Behind the span that opens with the run, or behind the run where it opens none."""
        length = stop - start
        runs = self.starts.get(length, [])
        place = bisect_right(runs, start)
        if place == len(runs):
            return stop
        blank = bisect_right(self.blanks, start)
        paragraph = self.blanks[blank] if blank < len(self.blanks) else self.length
        return runs[place] + length if runs[place] < paragraph else stop


class _Lines:
    """Lines by number, and whether one is an indented code block."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def around(self, place: int) -> tuple[int, int, int]:
        """The number of the line of `place`, its start and its end."""
        number = bisect_right(self.starts, place)
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return number, start, end

    def indented_code(self, place: int) -> bool:
        """Four columns in, and inside no list, quotation, note or paragraph."""
        number, start, _ = self.around(place)
        lead = _LEAD.match(self.text, start, place)
        indent = _width(lead[0]) if lead else 0
        if indent < 4 or _CONTAINER.match(self.text, start, place):
            return False
        blank = False
        for above in range(number - 2, -1, -1):
            line = self.text[self.starts[above] : self.starts[above + 1]]
            if not line.strip():
                blank = True
                continue
            if _CONTAINER.match(line) and _width(line) < indent:
                return False
            if _width(line) < 4:
                return blank
        return True


def _width(line: str) -> int:
    """The columns of white space that a line begins with."""
    shown = line.expandtabs(4)
    return len(shown) - len(shown.lstrip(" "))
