"""Where markers stand in LaTeX and reStructuredText, whose comments end with their line.

    % gradproof: 2-2-1 forward                  .. gradproof: 2-2-1 forward
    ...                                         ...
    % /gradproof 1f0c9a7b                       .. /gradproof 1f0c9a7b

In LaTeX a comment also swallows the end of its line, so a marker may stand inside a sentence:
``the loss is % gradproof: 2-2-1 L = .6f``, on the next line ``0.274541% /gradproof 1f0c9a7b``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .marker import Comment

_TEX = re.compile(r"(?P<escape>\\[\\%])|%[ \t]*(?P<close>/?)gradproof(?P<text>[^\r\n]*)|"
                  r"(?P<comment>%)|\\begin\{(?P<raw>verbatim\*?|lstlisting|minted|Verbatim|comment)"
                  r"\}|\\verb\*?(?P<verb>[^A-Za-z\s*])")
_RST = re.compile(r"(?P<indent>[ \t]*)\.\. (?P<close>/?)gradproof(?P<text>.*)")
_LITERAL = re.compile(r"[ \t]*\.\. (?:code|code-block|sourcecode|parsed-literal|literalinclude|"
                      r"raw|math|highlight|doctest|testcode|testoutput|productionlist)::|.*::\s*$")


def latex_comments(text: str) -> Iterator[Comment]:
    """The comments of markers in LaTeX, outside of verbatim environments."""
    if "gradproof" not in text:
        return
    place, line, counted = 0, 1, 0
    while found := _TEX.search(text, place):
        place = found.end()
        if found["raw"]:
            end = text.find(f"\\end{{{found['raw']}}}", place)
            place = len(text) if end < 0 else end
        elif found["verb"]:
            stop = _line_end(text, place)
            end = text.find(found["verb"], place, stop)
            place = stop if end < 0 else end + 1
        elif found["comment"]:
            place = _line_end(text, place)
        elif found["text"] is not None and _is_marker(found["close"], found["text"]):
            line += text.count("\n", counted, found.start())
            counted = found.start()
            before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
            yield Comment(
                not found["close"], found["text"].removeprefix(":"), found.start(), found.end(),
                line, begins=not before.strip(), ends=True,
                prefix=before if not before.strip() else "",
            )


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _is_marker(close: str, behind: str) -> bool:
    """`gradproof: ...` opens and `/gradproof` closes; `gradproof::` is a directive."""
    if close:
        return not behind.strip() or behind[0].isspace()
    return behind.startswith(":") and not behind.startswith("::")


def rst_comments(text: str) -> Iterator[Comment]:
    """The comments of markers in reStructuredText, outside of literal blocks."""
    if "gradproof" not in text:
        return
    place = 0
    literal: int | None = None
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole.rstrip("\r")
        start, place = place, place + len(whole) + 1
        if not line.strip():
            continue
        indent = len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())
        if literal is not None and indent > literal:
            continue
        literal = None
        found = _RST.fullmatch(line)
        if found and _is_marker(found["close"], found["text"]):
            yield Comment(
                not found["close"], found["text"].removeprefix(":"),
                start + len(found["indent"]), start + len(line), number,
                begins=True, ends=True, prefix=found["indent"],
            )
        elif _LITERAL.match(line):
            literal = indent
