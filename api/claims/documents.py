"""The formulas of a document in Markdown or LaTeX, each with the line that it begins in."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^( {0,3})(```+|~~~+)[^\n]*\n.*?(?:^\1 {0,3}\2[^\n]*$|\Z)", re.M | re.S)
_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_MATH = re.compile(
    r"\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|\\\((?P<c>.+?)\\\)"
    r"|(?<![\\$\w])\$(?P<d>(?!\s)[^$\n]+?)(?<![\s\\])\$(?![\d$])"
    r"|\\begin\{(?P<e>equation|align|gather|eqnarray|multline|displaymath)(?P<s>\*?)\}"
    r"(?P<f>.+?)\\end\{(?P=e)(?P=s)\}", re.S)


def formulas_of(text: str, suffix: str) -> Iterator[tuple[int, str]]:
    """The formulas between $, $$, \\[ \\], \\( \\) and in environments, as they stand."""
    fenced = {}
    if suffix.lower() in (".tex", ".ltx"):
        plain = re.sub(r"(?<!\\)%[^\n]*", lambda found: " " * len(found[0]), text)
        plain = re.sub(r"\\begin\{(verbatim|lstlisting|minted)\*?\}.*?\\end\{\1\*?\}", _blank,
                       plain, flags=re.S)
    else:
        for found in _FENCE.finditer(text):
            first = found[0].split("\n", 1)[0].strip("`~ ")
            if first == "math":
                fenced[found.start()] = found[0].split("\n", 1)[1].rsplit("\n", 1)[0]
        plain = _SPAN.sub(_blank, _COMMENT.sub(_blank, _FENCE.sub(_blank, text)))
    places = dict(fenced)
    for found in _MATH.finditer(plain):
        inner = next(part for part in (found["a"], found["b"], found["c"], found["d"], found["f"])
                     if part)
        places[found.start()] = inner
    for start in sorted(places):
        yield text.count("\n", 0, start) + 1, places[start]


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
