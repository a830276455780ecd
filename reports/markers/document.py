"""A document's markers brought up to date: nothing outside of them changes by a byte."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from .latex_and_rst import latex_comments, rst_comments
from .markdown import html_comments, markdown_comments
from .marker import Comment, Marker, MarkerError, Problem, Request, digest, paired, parse_request

SYNTAXES = {
    ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html",
    ".tex": "latex", ".rst": "rst", ".ipynb": "notebook",
}
"""File suffix -> kind of document."""
_SCANS: dict[str, Callable[[str], Iterator[Comment]]] = {
    "markdown": markdown_comments, "html": html_comments,
    "latex": latex_comments, "rst": rst_comments,
}
_CLOSING = {
    "markdown": "<!-- /gradproof{} -->", "html": "<!-- /gradproof{} -->",
    "latex": "% /gradproof{}", "rst": ".. /gradproof{}",
}

Resolve = Callable[[Request, bool, str], str]
"""(request, whether it is a block, kind of document) -> text; a ValueError says what is wrong."""
Verify = Callable[[Request, str, str], tuple[str, str]]
"""(request, the text, kind of document) -> ("", "") or (kind of problem, message); of an author's
text, or of a verdict that was generated."""


@dataclass
class Outcome:
    """A document after its markers were gone through.

    text: with every generated text up to date; as it was where there is an error.
    """

    text: str
    markers: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the document has to be left as it is."""
        return any(problem.kind in ("error", "edited") for problem in self.problems)


def embedded(
    text: str, syntax: str, resolve: Resolve, verify: Verify, force: bool = False
) -> Outcome:
    """The document with its generated texts up to date, and what is wrong with it.

    A generated text that does not have its checksum was changed by hand; it stays and is a
    problem, unless `force`.  A document with errors stays as it was.
    """
    markers, problems = paired(_SCANS[syntax](text), text)
    parts: list[str] = []
    place = 0
    for marker in markers:
        try:
            request = parse_request(marker.opening.text)
            if request.verify:
                kind, message = verify(request, _unwrapped(marker, text), syntax)
                if kind:
                    problems.append(Problem(kind, marker.line, f"{request}: {message}"))
                continue
            generated = resolve(request, marker.block, syntax)
            new = _renewed(marker, text, syntax, generated)
            kind, message = verify(request, generated, syntax) if request.is_verdict else ("", "")
            if kind:
                problems.append(Problem(kind, marker.line, f"{request}: {message}"))
        except ValueError as error:
            problems.append(Problem("error", marker.line, str(error)))
            continue
        old = text[marker.opening.end : marker.closing.end]
        inside = _unwrapped(marker, text)
        if not force and digest(inside) != marker.stated and (inside.strip() or marker.stated):
            problems.append(Problem("edited", marker.line, _edited(marker, request)))
        elif new != old:
            problems.append(Problem("stale", marker.line, f"{request} is not up to date"))
        parts += [text[place : marker.opening.end], new]
        place = marker.closing.end
    problems.sort(key=lambda problem: problem.line)
    outcome = Outcome("".join([*parts, text[place:]]), len(markers), problems)
    if not outcome.failed and outcome.text != text:
        after, _ = paired(_SCANS[syntax](outcome.text), outcome.text)
        if not _same(markers, after):
            outcome.problems = [Problem(
                "error", markers[0].line, "with the generated texts in it, some markers of this "
                "document would stand in code; put blank lines around them")]
    if outcome.failed:
        outcome.text = text
    return outcome


def _same(before: list[Marker], after: list[Marker]) -> bool:
    """Whether the markers of a document are still the markers that they were."""
    return [(m.opening.text, m.opening.prefix, m.block) for m in before] == [
        (m.opening.text, m.opening.prefix, m.block) for m in after]


def _edited(marker: Marker, request: Request) -> str:
    if marker.stated:
        return (f"{request}: the generated text was changed by hand; --force replaces it, a marker "
                "'gradproof verify ...' keeps it and holds it against the derivation")
    return (f"{request}: the text between the comments was not generated; empty it, or replace it "
            "with --force, or hold it against the derivation with 'gradproof verify ...'")


def _unwrapped(marker: Marker, text: str) -> str:
    """The text between, with plain line ends, without the layout of a block."""
    inside = re.sub("\r\n?", "\n", text[marker.opening.end : marker.closing.start])
    if not marker.block:
        return inside.strip("\n") if marker.opening.ends else inside
    prefix = marker.opening.prefix
    lines = [
        line[len(prefix):] if line.startswith(prefix) else "" if line == prefix.rstrip() else line
        for line in inside.split("\n")
    ]
    if marker.closing.prefix and lines and not lines[-1].strip(" \t>"):
        lines.pop()
    return "\n".join(lines).strip("\n")


def _renewed(marker: Marker, text: str, syntax: str, generated: str) -> str:
    """What stands between the comments from now on, and the closing comment."""
    closing = _CLOSING[syntax].format(f" {digest(generated)}")
    newline = _newline(text, marker.opening.end)
    if not marker.block:
        if syntax == "markdown" and marker.opening.item:
            raise MarkerError("renderers of Markdown take a line that begins with a comment for "
                              "HTML; put a word before the marker, or put its two comments on "
                              "lines of their own")
        if "\n" in generated:
            raise MarkerError("this is a block of several lines; put the two comments on lines of "
                              "their own")
        return (newline if syntax == "latex" else "") + generated + closing
    prefix = marker.opening.prefix
    lines = [f"{prefix}{line}" if line else prefix.rstrip() for line in generated.split("\n")]
    apart = [prefix.rstrip()] if syntax in ("markdown", "rst") else []
    return newline.join(["", *apart, *lines, *apart, f"{prefix}{closing}"])


def _newline(text: str, place: int) -> str:
    """The line end that the document uses there."""
    found = text.find("\n", place)
    if found < 0:
        found = text.find("\n")
    return "\r\n" if found > 0 and text[found - 1] == "\r" else "\n"


# --- bytes --------------------------------------------------------------------------------------


def syntax_of(path: PurePath) -> str:
    """The kind of a document, by its suffix; MarkerError for one that is not known."""
    found = SYNTAXES.get(path.suffix.lower())
    if found is None:
        raise MarkerError(f"documents are {', '.join(SYNTAXES)}; got {path.suffix or 'no suffix'}")
    return found


def decoded(data: bytes, encoding: str = "utf-8") -> tuple[str, Callable[[str], bytes]]:
    """A document's text, and the way back to bytes: byte-order mark and encoding are kept.

    Raises MarkerError for bytes that are not text in `encoding`.
    """
    marks = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
             (codecs.BOM_UTF16_BE, "utf-16-be"))
    mark, codec = next(((m, c) for m, c in marks if data.startswith(m)), (b"", encoding))

    def encode(text: str) -> bytes:
        try:
            return mark + text.encode(codec)
        except UnicodeEncodeError as error:
            raise MarkerError(f"{text[error.start]!r} cannot be written in {codec}") from None

    try:
        text = data[len(mark):].decode(codec)
    except UnicodeDecodeError as error:
        raise MarkerError(f"is not {codec} text (byte {error.start + len(mark)}); another encoding "
                          "is stated in pyproject.toml: [tool.gradproof] encoding = \"latin-1\""
                          ) from None
    except LookupError:
        raise MarkerError(f"there is no encoding {codec!r}") from None
    if encode(text) != data:
        raise MarkerError(f"does not read back as the same bytes in {codec}")
    return text, encode
