"""Reports in other languages: a document that is made, put into another one sentence by sentence.

A language is one file of gettext's, locale/zh.po.  What it translates are sentences as they are
read, with what stands in them as {placeholders}, whose name says what may stand there:

    {x}, {y}, ...      a formula, a name of the program, a number of an equation
    {n}, {n1}, ...     a number in the text
    {name}, {name1}    anything, which is left as it is: what somebody else called something
    {list}, {list1}    several of these with commas and "and": the messages of the context "list"
    {part}, {part1}    a part of a sentence that is a message of its own

Whole documents are translated, and not the words where they are written, since findings, kinks and
reasons arrive as sentences from folders that say them to programs as well.  Numbers stay as they
are.  A sentence that no message fits stays in English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from .content import (
    Block,
    Bullets,
    Display,
    Listing,
    Paragraph,
    Picture,
    Prose,
    Run,
    Section,
    Table,
    Worked,
)

LANGUAGES = ("en", "zh")
_RUN = 0xE000
"""Characters of no script, which stand for what is no text while a sentence is looked up."""
_BESIDE_WIDE = re.compile(r"(?<=[（）、，。；：“”]) | (?=[（）、，。；：“”])")
_MANY = 6000
_ANY_RUN = f"[{chr(_RUN)}-{chr(_RUN + _MANY)}]"
_WITHIN = r"(?:(?!\. ).)+?"
"""What is no more than a part of one sentence."""
_MAY_STAND = {"n": r"\d[\d.,]*(?:e[+-]?\d+)?|[⅓½]", "name": ".+?", "list": _WITHIN, "part": _WITHIN}


class LanguageError(ValueError):
    """A language that there is no catalogue of, or a catalogue that cannot be read."""


@dataclass(frozen=True)
class _Message:
    """What a sentence has to be like, and what it is in the other language."""

    pattern: re.Pattern[str]
    said: str
    literal: int


@dataclass(frozen=True)
class Language:
    """A language by its code, with what its catalogue says; English has nothing to say."""

    code: str
    messages: tuple[_Message, ...] = ()
    lists: tuple[_Message, ...] = ()

    def text(self, text: str) -> str:
        """A sentence, or several; what is not known stays as it is."""
        bare = text.strip()
        if not self.messages or not re.search(r"[A-Za-z]", bare):
            return text
        found = self._found(bare, self.messages)
        if found is None:
            parts = re.split(r"(?<=[.:]) (?=\S)", bare)
            if len(parts) == 1:
                return text
            return "".join(self._joint(parts))
        return found

    def _joint(self, parts: list[str]) -> Iterator[str]:
        """Sentences behind one another, the longest that are known together."""
        while parts:
            for count in range(len(parts), 0, -1):
                found = self._found(" ".join(parts[:count]), self.messages)
                if found is not None or count == 1:
                    yield found if found is not None else parts[0] + (" " if parts[1:] else "")
                    parts = parts[count:]
                    break

    def _found(self, text: str, messages: tuple[_Message, ...]) -> str | None:
        """By the message with most letters of its own that fits."""
        for message in messages:
            fits = message.pattern.fullmatch(text)
            if fits is not None:
                put = {name: self._part(name, part) for name, part in fits.groupdict().items()}
                said = "".join(put[part] if place % 2 else part
                               for place, part in enumerate(re.split(r"\{(\w+)\}", message.said)))
                return _BESIDE_WIDE.sub("", said)
        return None

    def _part(self, name: str, text: str) -> str:
        kind = name.rstrip("0123456789")
        if kind == "list":
            found = self._found(text, self.lists)
            return text if found is None else found
        if kind != "part":
            return text
        found = self._found(text, self.messages)  # which may begin with a comma or a blank
        return self.text(text) if found is None else found

    def prose(self, prose: Prose) -> Prose:
        """Runs with their words translated; formulas and names stay what they are."""
        runs = [run for run in prose if not isinstance(run, str)]
        if not self.messages or len(runs) > _MANY:
            return prose
        signs = iter(range(_RUN, _RUN + len(runs)))
        text = "".join(run if isinstance(run, str) else chr(next(signs)) for run in prose)
        ends = re.fullmatch(r"(\s*)(.*?)(\s*)", text, re.DOTALL)
        assert ends is not None
        said = self.text(ends[2])
        found: list[Run] = []
        for part in re.split(f"({_ANY_RUN})", ends[1] + said + ends[3]):
            if len(part) == 1 and _RUN <= ord(part) < _RUN + len(runs):
                found.append(runs[ord(part) - _RUN])
            elif part:
                found.append(part)
        return tuple(found)

    def section(self, section: Section) -> Section:
        return replace(section, title=self.prose(section.title),
                       blocks=tuple(self._block(block) for block in section.blocks))

    def _block(self, block: Block) -> Block:
        match block:
            case Paragraph():
                return Paragraph(self.prose(block.prose))
            case Bullets():
                return Bullets(tuple(map(self.prose, block.items)))
            case Picture():
                return Picture(self.prose(block.caption), block.drawing.translated(self.text))
            case Worked():
                return replace(block, left_out=self.prose(block.left_out))
            case Table():
                return replace(block, header=tuple(map(self.prose, block.header)),
                               rows=tuple(tuple(map(self.prose, row)) for row in block.rows))
            case Display() | Listing():
                return block


@cache
def language(code: str, context: str = "") -> Language:
    """A language by its code, with the messages of a context of its own, such as "audit".

    Raises LanguageError for a code that has no catalogue.
    """
    if code not in LANGUAGES:
        raise LanguageError(f"language: expected one of {', '.join(LANGUAGES)}, got {code!r}")
    if code == "en":
        return Language(code)
    text = files(__package__).joinpath("locale", f"{code}.po").read_text(encoding="utf-8")
    made: dict[str, list[_Message]] = {"": [], "list": []}
    for of, message, said in catalogue(text):
        made.setdefault(of, []).append(_Message(re.compile(_pattern(message), re.DOTALL), said,
                                      len(re.sub(r"\{\w+\}", "", message))))
    for messages in made.values():
        messages.sort(key=lambda message: -message.literal)
    return Language(code, (*(made.get(context, ()) if context else ()), *made[""]),
                    tuple(made["list"]))


def _pattern(message: str) -> str:
    """What a message fits, as a regular expression."""
    found = ""
    for place, part in enumerate(re.split(r"\{(\w+)\}", message)):
        if place % 2 == 0:
            found += re.escape(part)
            continue
        kind = part.rstrip("0123456789")
        found += f"(?P<{part}>{_MAY_STAND.get(kind, _ANY_RUN)})"
    return found


_LINE = re.compile(r'(?:(msgctxt|msgid|msgstr) +)?(".*")')


def catalogue(text: str) -> list[tuple[str, str, str]]:
    """The messages of a .po file: context, message, translation; without those that have none.

    >>> catalogue('msgctxt "list"\\nmsgid "{list} and "\\n"{x}"\\nmsgstr "{list} 和 {x}"\\n')
    [('list', '{list} and {x}', '{list} 和 {x}')]

    Raises LanguageError for a line that is none of gettext's.
    """
    entries: list[dict[str, str]] = [{}]
    key = ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None or not (found[1] or key):
            raise LanguageError(f"line {number}: expected msgid or msgstr and a text in quotes")
        if found[1]:
            if "msgstr" in entries[-1]:
                entries.append({})
            key = found[1]
        entries[-1][key] = entries[-1].get(key, "") + str(json.loads(found[2]))
    return [(entry.get("msgctxt", ""), entry["msgid"], entry["msgstr"]) for entry in entries
            if entry.get("msgid") and entry.get("msgstr")]
