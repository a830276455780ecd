r"""What a formula has for the eye alone, blanked: every other sign keeps its column.

    \left( a \right) \,\big| \label{e}   ->        ( a        )

Bars are told apart here: what opens becomes ⟦ (and ⦃ for a norm), what closes ⟧ (⦄).
"""

from __future__ import annotations

import re

from .trees import Source

_SPACES = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\s*\.?"
    r"|\\(?:quad|qquad|displaystyle|textstyle|limits|nolimits|nonumber|notag|hfill|thinspace"
    r"|middle|mathstrut|small|scriptstyle)(?![a-zA-Z])"
    r"|\\(?:label|tag\*?|phantom|vspace|hspace|color)\s*\{[^{}]*\}|(?<!\\)\\[,;:! ]|~|\\/|\$"
    r"|\\(?:begin|end)\s*\{(?:aligned|align\*?|split|gathered|gather\*?|equation\*?|eqnarray\*?"
    r"|alignat\*?|multline\*?|displaymath|math)\}(?:\{\d+\})?(?:\[[tbc]\])?"
)
_WORDS = re.compile(r"\\(?:text|mbox|textrm|textit|textbf|mathrm|intertext)\s*\{([^{}]*)\}")
_FORBIDDEN = re.compile(
    r"\\(?:input|include|write\d*|immediate|openin|openout|read|def|edef|gdef|xdef|let|newcommand"
    r"|renewcommand|providecommand|catcode|csname|usepackage|require|directlua|special|href|url"
    r"|includegraphics|loop|expandafter|DeclareMathOperator|verb|lstinputlisting)(?![a-zA-Z])")
_PAIRED = {r"\lvert": "⟦", r"\rvert": "⟧", r"\lVert": "⦃", r"\rVert": "⦄", r"\lbrace": "{",
           r"\rbrace": "}"}
_BETWEEN = re.compile(
    r"\\(?:text|mbox|textrm|mathrm|rm|intertext)\s*\{\s*(?:and|and so|and hence|and thus|so"
    r"|hence|thus|therefore|且|和|及|以及|因此|所以|从而)\s*\}")
"""Words between two formulas; a condition, such as "if", is none of them."""
_PRIMED = re.compile(r"\^\s*\{\s*('+)\s*\}")
_COMMENT = re.compile(r"(?<!\\)%.*")
_MATRICES = re.compile(r"\\(begin|end)\s*\{(?:[bpvV]?matrix|smallmatrix|array|cases)\}")


_BREAK = re.compile(r"\\\\\*?(?:\[[^\]\d]*[-\d.]+\s*[a-z]{2}\])?")


def masked(text: str) -> str:
    """The formula with blanks for what has no meaning, of the same length.

    Raises LatexError for a command that would read, write or define something.
    """
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        Source(text).fail(forbidden.start(), f"{forbidden[0]} is not read: a formula states "
                          "something, it reads no files and defines no commands")
    blanked = _COMMENT.sub(_blank, text)
    blanked = _SPACES.sub(_blank, blanked)
    blanked = _BETWEEN.sub(lambda found: ",".rjust(len(found[0])), blanked)
    blanked = _PRIMED.sub(lambda found: found[1].rjust(len(found[0])), blanked)
    blanked = blanked.replace("−", "-").replace("，", ",").replace("。", ".")
    blanked = re.sub(r"\\vert(?![a-zA-Z])", "|".rjust(5), blanked)
    for command in (r"\lvert", r"\rvert", r"\lVert", r"\rVert"):
        blanked = re.sub(re.escape(command) + r"(?![a-zA-Z])",
                         lambda found: _PAIRED[found[0]].rjust(len(found[0])), blanked)
    return _bars(_marks(blanked))


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _marks(text: str) -> str:
    """Without the & of alignments; in a matrix they part its entries."""
    depth, signs = 0, list(text)
    places = {found.start(): found[1] for found in _MATRICES.finditer(text)}
    for place, sign in enumerate(text):
        if place in places:
            depth += 1 if places[place] == "begin" else -1
        if sign == "&" and depth <= 0 and text[place - 1:place] != "\\":
            signs[place] = " "
    return "".join(signs)


def _bars(text: str) -> str:
    r"""| and \| as brackets: in each pair of braces they open and close by turns."""
    signs = list(text)
    opened: list[dict[str, bool]] = [{}]
    place = 0
    while place < len(text):
        sign = text[place]
        double = text.startswith("||", place) and not opened[-1].get("b", False)
        if double or text.startswith(r"\|", place) or text.startswith(r"\Vert", place):
            length = 5 if text[place + 1] == "V" else 2
            is_open = opened[-1].get("n", False)
            signs[place:place + length] = ("⦄" if is_open else "⦃").rjust(length)
            opened[-1]["n"] = not is_open
            place += length
            continue
        if sign == "\\":
            place += 2
            continue
        if sign in "({[":
            opened.append({})
        elif sign in ")}]" and len(opened) > 1:
            opened.pop()
        elif sign == "|":
            is_open = opened[-1].get("b", False)
            signs[place] = "⟧" if is_open else "⟦"
            opened[-1]["b"] = not is_open
        place += 1
    return "".join(signs)


def parted(text: str) -> list[tuple[int, str]]:
    r"""The formulas of a text, with where each begins: rows of an alignment, and what stands
    between words; a row that begins with a sign goes on the one before it.

    >>> parted(r"a &= b \\ &= c \\ d &= e")
    [(0, 'a &= b    &= c '), (17, ' d &= e')]
    """
    found: list[tuple[int, str]] = []
    for start, row in _rows(text):
        begins = re.match(r"(?:\s|&|\\qquad|\\quad|\{\})*"
                          r"(?:=|\+|-|\\approx|\\cdot|\\times|\\odot|≈|\\equiv)", row)
        if begins and found:
            before, first = found[-1]
            found[-1] = before, first + "  " + row
        else:
            found.append((start, row))
    return found


def _rows(text: str) -> list[tuple[int, str]]:
    """Rows, and what stands apart in one, where each part states something: a = b \\quad c = d."""
    depth, start, rows, place = 0, 0, [], 0
    matrices = {found.start(): found[1] for found in _MATRICES.finditer(text)}
    nested = 0
    while place < len(text):
        if place in matrices:
            depth += 1 if matrices[place] == "begin" else -1
        sign = text[place]
        if text.startswith(r"\\", place):
            if depth <= 0:
                rows.append((start, text[start:place]))
                spaced = _BREAK.match(text, place)
                place = start = spaced.end() if spaced else place + 2
                nested = 0
                continue
            place += 2
            continue
        apart = _APART.match(text, place) if sign == "\\" and depth <= 0 == nested else None
        if apart and _STATES.search(text[start:place]) and _STATES.search(
                re.split(r"\\\\|\\q?quad|\\hspace", text[apart.end():])[0]):
            rows.append((start, text[start:place]))
            place = start = apart.end()
            continue
        if sign == "\\":
            place += 1
        elif sign in "({[":
            nested += 1
        elif sign in ")}]":
            nested -= 1
        place += 1
    return [*rows, (start, text[start:])]


_APART = re.compile(r"(?:\\q?quad(?![a-zA-Z])\s*|\\hspace\*?\s*\{[^{}]*\}\s*)+")
_STATES = re.compile(r"=|\\approx|≈|\\leftarrow|\\gets")
