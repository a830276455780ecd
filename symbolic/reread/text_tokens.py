"""Unicode formulas as tokens.

    ∂L/∂W⁽¹⁾ = x[2i]ᵀ δₖ   ->   name ∂L/∂ W 1, op =, name x at (2i), post T, name δ at k
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .trees import ReadBackError

Kind = Literal["number", "name", "call", "ones", "op", "post", "at", "over", "end"]

SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ₊₋", "0123456789aehijklmnoprstuvx+-",
                      strict=True))
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ˡᴸᵗ", "0123456789+-lLt", strict=True))
FRACTIONS = {"½": "1/2", "¼": "1/4"}
SIGNS = ("argmax_", "max_", "<=", ">=", "==", "!=", *"+-⊙⊘/⊗√()[]{},;=<>≤≥≠|:·")
_INDEX = r"\w+(?:<[\w·+\-*/()]+)?"
WORDS = ("and", "or", "if", "otherwise")


@dataclass(frozen=True)
class Token:
    """kind: of "name", `text` is the stem, `prefix` the ∂L/∂ before it, `layer` what it has as
    (l).  "at" is a subscript: `places`, or a `run` of single signs that has yet to be parted.
    "over" is Σ or max with the `places` below it.  glued: whether no space stands before it."""

    kind: Kind
    text: str = ""
    prefix: str = ""
    layer: str = ""
    places: tuple[str, ...] = ()
    run: bool = False
    glued: bool = field(default=False, compare=False)


def tokens(text: str) -> list[Token]:
    """The tokens of a formula.  Raises ReadBackError for a sign that none begins with."""
    return [*_scan(text), Token("end")]


def _scan(text: str) -> Iterator[Token]:
    place, glued = 0, False
    while place < len(text):
        if text[place] == " ":
            place, glued = place + 1, False
            continue
        found = (_number(text, place) or _script(text, place, glued) or _sum(text, place)
                 or _name(text, place) or _sign(text, place, glued))
        if found is None:
            raise ReadBackError(f"{text!r}: nothing is written {text[place]!r}")
        token, place = found
        yield Token(token.kind, token.text, token.prefix, token.layer, token.places, token.run,
                    glued)
        glued = token.kind != "op" or token.text in (")", "]", "}")


Found = tuple[Token, int] | None


def _number(text: str, place: int) -> Found:
    if text[place] in FRACTIONS:
        return Token("number", FRACTIONS[text[place]]), place + 1
    found = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII).match(text, place)
    return (Token("number", found[0]), found.end()) if found else None


def _script(text: str, place: int, glued: bool) -> Found:
    """What is raised or lowered behind something."""
    if text[place] == "ᵀ":
        return Token("post", "T"), place + 1
    if text[place] in "∘^":
        mark, place = text[place], place + 1
        entrywise = "∘" if mark == "∘" else ""
        if mark == "∘" and text[place:place + 1] == "^":
            place += 1
            mark = "^"
        if mark == "^":
            return Token("post", f"{entrywise}^"), place
        exponent, end = _run(text, place, SUPERSCRIPTS)
        return Token("post", f"∘{exponent}"), end
    if text[place] in SUPERSCRIPTS:
        exponent, end = _run(text, place, SUPERSCRIPTS)
        return Token("post", "inv" if exponent == "-1" else exponent), end
    if text[place] in SUBSCRIPTS:
        run, end = _run(text, place, SUBSCRIPTS)
        return Token("at", run, run=True), end
    if text[place] == "[" and glued:
        end = _closing(text, place)
        return Token("at", places=tuple(parted(text[place + 1:end]))), end + 1
    return None


def _run(text: str, place: int, table: dict[str, str]) -> tuple[str, int]:
    end = place
    while end < len(text) and text[end] in table:
        end += 1
    return "".join(table[sign] for sign in text[place:end]), end


def _closing(text: str, place: int) -> int:
    depth = 0
    for end in range(place, len(text)):
        depth += (text[end] in "[(") - (text[end] in "])")
        if depth == 0:
            return end
    raise ReadBackError(f"{text!r}: a bracket is not closed")


def parted(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets."""
    depth, start = 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "[({") - (sign in "])}")
        if sign == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def _sum(text: str, place: int) -> Found:
    found = re.compile(rf"Σ_({_INDEX})").match(text, place)
    if found:
        return Token("over", "Σ", places=(found[1],)), found.end()
    found = re.compile(rf"(arg)?max_({_INDEX}(?:, {_INDEX})*)").match(text, place)
    if found:
        return Token("over", f"{found[1] or ''}max", places=tuple(found[2].split(", "))), \
            found.end()
    return None


def _name(text: str, place: int) -> Found:
    prefix = ""
    found = re.compile(r"∂([^/ ∂]+)/∂").match(text, place)
    if found:
        prefix, place = found[1], found.end()
    stem, place = _stem(text, place)
    if not stem:
        return None
    if stem in WORDS and not prefix:
        return Token("op", stem), place
    layer = ""
    if text[place:place + 1] == "⁽":
        end = text.index("⁾", place)
        layer = "".join(SUPERSCRIPTS[sign] for sign in text[place + 1:end])
        place = end + 1
    end = place
    while text[end:end + 1] == "′":
        end += 1
    if text[end:end + 1] == "(" and not layer and not prefix:
        return Token("call", stem + "'" * (end - place)), end
    return Token("name", stem, prefix, layer), place


def _stem(text: str, place: int) -> tuple[str, int]:
    """A word: letters, digits and underscores, none of them raised or lowered."""
    end = place
    while end < len(text) and text[end] not in SUBSCRIPTS and text[end] not in SUPERSCRIPTS and (
            text[end] == "_" or text[end].isalnum() or unicodedata.combining(text[end])
    ) and text[end] not in "ᵀ½¼":
        end += 1
    return text[place:end], end


def _sign(text: str, place: int, glued: bool) -> Found:
    for sign in SIGNS:
        if text.startswith(sign, place):
            return Token("op", sign), place + len(sign)
    return None
