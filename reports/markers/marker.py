"""Markers: a comment opens, a comment closes, the text between is generated.

    <!-- gradproof 2-2-1 L = .6f -->0.274541<!-- /gradproof 1f0c9a7b -->

What stands in an opening comment is read here, and comments are put into pairs; where comments are
found in a kind of document is in :mod:`embed_markdown` and :mod:`embed_lines`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from ...symbolic.limits import MAX_MARKERS, MAX_QUANTITY

SETTINGS = ("format", "flavor", "loss", "target", "delta", "file", "as")
"""Keys of a marker, beside ``symbols.NAME``."""
_SETTING = re.compile(r"""(?:^|\s)([A-Za-z_][\w.]*)=("[^"]*"|[^\s"=]+)$""")
_NUMBER = re.compile(r"[-+ ]?,?(\.\d+)?[feg%]?")


class MarkerError(ValueError):
    """A marker that cannot be used; the message says what was expected."""


@dataclass(frozen=True)
class Request:
    """What a marker asks for.

    number: the format of a number (".6f"; "" for the usual one), None where a formula is asked for.
    verify: whether the text between is the author's own and is held against the quantity.
    """

    spec: str
    quantity: str
    number: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    verify: bool = False

    def setting(self, key: str) -> str:
        return dict(self.settings).get(key, "")

    @property
    def is_verdict(self) -> bool:
        """Whether it asks what became of the check of a hand-written pass."""
        return self.quantity.startswith("check.")

    @property
    def notation(self) -> tuple[tuple[str, str], ...]:
        """The settings that change how or what is derived, rather than how it is written."""
        return tuple((key, value) for key, value in self.settings
                     if key in ("loss", "target", "delta") or key.startswith("symbols."))

    def __str__(self) -> str:
        number = "" if self.number is None else f" = {self.number}".rstrip()
        return f"{self.spec} {self.quantity}{number}"


def parse_request(text: str) -> Request:
    """The request of an opening comment, `text` being what follows the word gradproof.

    Raises MarkerError for a missing part, or an unknown setting with the nearest known one.
    """
    if len(text) > MAX_QUANTITY:
        raise MarkerError(f"a marker has at most {MAX_QUANTITY} characters, got {len(text)}")
    rest = " ".join(text.split())
    verify = rest == "verify" or rest.startswith("verify ")
    if verify:
        rest = rest[len("verify"):].strip()
    settings: dict[str, str] = {}
    number: str | None = None
    while found := _SETTING.search(rest):
        key, value = found[1], found[2].strip('"')
        if key not in SETTINGS and not key.startswith("symbols."):
            if not value.startswith("."):
                raise MarkerError(f"unknown setting {key!r}; {near(key, SETTINGS)}")
            rest, number = f"{rest[:found.start(2) - 1]}", value  # E=.6f, without the spaces
            continue
        if key in settings:
            raise MarkerError(f"setting {key!r} is given twice")
        settings[key] = value
        rest = rest[: found.start()].rstrip()
    spec, _, quantity = rest.partition(" ")
    quantity = quantity.strip()
    if number is None and "=" in quantity:
        quantity, _, number = (part.strip() for part in quantity.partition("="))
    if not spec or not quantity:
        raise MarkerError("expected a spec and a quantity, such as '2-2-1 W1.gradient' or "
                          f"'2-2-1 L = .6f', got {' '.join(text.split())!r}")
    if number is not None and not _NUMBER.fullmatch(number):
        raise MarkerError(f"{number!r} is no format of a number; expected one such as .6f, .3e "
                          "or .4g")
    return Request(spec, quantity, number, tuple(sorted(settings.items())), verify)


def near(name: str, known: Iterable[str]) -> str:
    """The nearest known name, or what there is: the end of a message."""
    names = list(dict.fromkeys(known))
    found = get_close_matches(name, names, n=1)
    if not found:
        found = get_close_matches(name.lower(), [n.lower() for n in names], n=1)
        found = [n for n in names if found and n.lower() == found[0]]
    return f"did you mean {found[0]!r}?" if found else f"expected one of {', '.join(names)}"


def digest(generated: str) -> str:
    """The checksum that a closing comment carries."""
    return hashlib.sha256(generated.encode("utf-8", "surrogatepass")).hexdigest()[:8]


@dataclass(frozen=True)
class Problem:
    """Something to be said about a line of a document.

    kind: "error" (the document cannot be processed), "stale", "edited" (a generated text was
    changed by hand), "refuted" or "undecided" (a verified text, or the pass that a verdict is of).
    """

    kind: str
    line: int
    message: str


@dataclass(frozen=True)
class Comment:
    """One opening or closing comment.

    begins, ends: whether nothing but `prefix` (white space, quotation signs) stands before it on
    its line, and nothing behind it.  item: whether it is the first text of its line.
    """

    opens: bool
    text: str
    start: int
    end: int
    line: int
    begins: bool
    ends: bool
    prefix: str = ""
    item: bool = False


@dataclass(frozen=True)
class Marker:
    """A pair of comments.  block: whether they stand on lines of their own."""

    opening: Comment
    closing: Comment
    block: bool

    @property
    def line(self) -> int:
        return self.opening.line

    @property
    def stated(self) -> str:
        """The checksum in the closing comment; "" where there is none yet."""
        return self.closing.text.strip()


def paired(comments: Iterable[Comment], text: str) -> tuple[list[Marker], list[Problem]]:
    """Comments in pairs; what is unclosed, nested or never opened is a problem."""
    markers: list[Marker] = []
    problems: list[Problem] = []
    opening: Comment | None = None
    for comment in comments:
        if comment.opens:
            if opening is not None:
                problems.append(Problem("error", comment.line, "a marker inside the marker of line "
                                        f"{opening.line}; close that one with /gradproof first"))
            opening = comment
        elif opening is None:
            problems.append(Problem("error", comment.line, "/gradproof closes no marker; the "
                                    "comment that opens it is missing or stands in code"))
        else:
            markers.append(Marker(opening, comment, _is_block(opening, comment, text)))
            opening = None
    if len(markers) > MAX_MARKERS:
        problems.append(Problem("error", markers[MAX_MARKERS].line,
                                f"a document has at most {MAX_MARKERS:,} markers"))
    if opening is not None:
        problems.append(Problem("error", opening.line, "the marker is not closed; expected a "
                                "comment /gradproof behind it"))
    return markers, problems


def _is_block(opening: Comment, closing: Comment, text: str) -> bool:
    if not (opening.begins and closing.ends):
        return False
    alone = opening.ends and closing.begins
    return alone or not text[opening.end : closing.start].strip()
