"""Symbols in MathML, and where they are defined.

MathML has no links that every browser follows, and who hears a formula read aloud finds none in it;
so a symbol by itself stands in a link, and a display has the links of its symbols beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.entities import html5
from xml.etree import ElementTree as Xml

from ..content import Section, Table, plain
from ..mathml import mathml
from .document import ReportData

_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(\w+;)")
_FIRST = frozenset({"msub", "msup", "msubsup", "munder", "mover", "munderover"})
"""Elements whose first child is the symbol, and the others what stands around it."""


@dataclass(frozen=True)
class Target:
    """Where a symbol is defined, and what is said of it there."""

    anchor: str
    title: str


class Symbols:
    """The symbols of a report by how their MathML begins: a letter and what is raised beside it."""

    def __init__(self, targets: Mapping[tuple[str, str], Target]) -> None:
        self.targets = targets

    def met(self, markup: str) -> list[Target]:
        """What the symbols of a formula are, each once, in their order."""
        return list(dict.fromkeys(self._walk(_read(markup)))) if self.targets else []

    def alone(self, markup: str) -> Target | None:
        """What a formula is that is one symbol and nothing else."""
        if not self.targets:
            return None
        node = _inside(_read(markup))
        found = self._found(node)
        return found if node.tag in _FIRST or not len(node) else None

    def _found(self, node: Xml.Element) -> Target | None:
        return next((self.targets[key] for key in (*_with_gate(node), _key(node))
                     if key in self.targets), None)

    def _walk(self, node: Xml.Element) -> Iterator[Target]:
        if node.tag == "annotation":
            return
        found = self._found(node) if node.tag in _FIRST or not len(node) else None
        if found is not None:
            yield found
        elif node.tag in _FIRST:  # what stands around a letter are its subscripts
            yield from self._walk(node[0])
        else:
            for child in node:
                yield from self._walk(child)


def _with_gate(node: Xml.Element) -> Iterator[tuple[str, str]]:
    """What the keys of W_{o,ij}^{(1)} and a^o_t would be with the gate at the letter."""
    if node.tag in ("msub", "msubsup"):
        letter, below, *above = ("".join(part.itertext()) for part in node)
        yield letter + below.partition(",")[0], "".join(above)
        if above:
            yield letter + above[0], ""


def _inside(tree: Xml.Element) -> Xml.Element:
    """What a formula is made of, without what only holds it."""
    node = tree
    while node.tag in ("math", "semantics", "mrow") and len(node):
        if len([child for child in node if child.tag != "annotation"]) != 1:
            break
        node = node[0]
    return node


def _read(markup: str) -> Xml.Element:
    """MathML of an HTML page, which has names for characters that XML has not."""
    return Xml.fromstring(_ENTITY.sub(lambda found: html5[found[1]], markup))


def _key(node: Xml.Element) -> tuple[str, str]:
    """The letter, and what stands above it; a letter alone has nothing there."""
    if node.tag in _FIRST and len(node) > 1:
        raised = node[-1] if node.tag in ("msup", "msubsup") else None
        return ("".join(node[0].itertext()),
                "" if raised is None else "".join(raised.itertext()))
    return ("".join(node.itertext()) if node.tag in ("mi", "mtext") else "", "")


def symbols_of(report: ReportData) -> Symbols:
    """The arrays of a report, each with the equation, or the row of a table, that defines it."""
    chain, writer = report.chain, report.writer
    if chain is None or writer is None:
        return Symbols({})
    rows = dict(_defined(report.sections))
    equations = {step.name: step.equation for step in chain.steps}
    printed = report.printed_labels
    found: dict[tuple[str, str], Target | None] = {}
    for name, shape in chain.system.shapes.items():
        label = report.labels.get(name, "")
        if label in printed:
            target = Target(anchor(label), str(writer.text(equations[name])))
        elif name in rows:
            target = Target(f"array-{name}", rows[name])
        else:
            continue
        axes = ["i", "j", "k", "l", "p", "q"][:len(shape)]
        for at in ([], axes):
            key = _key(_inside(_read(mathml(writer.name(name, at, latex=True)))))
            if key[0]:  # two arrays of one letter, t₁ and t₂, lead nowhere
                known = found.setdefault(key, target)
                found[key] = target if known == target else None
    return Symbols({key: target for key, target in found.items() if target is not None})


def anchor(label: str) -> str:
    """Where the equation of this number stands: "(3)" is at eq-3."""
    return f"eq-{label.strip('()')}"


def _defined(sections: Iterable[Section]) -> Iterable[tuple[str, str]]:
    """Arrays that a row of a table defines, with what the row says."""
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                for names, row in zip(block.about, block.rows, strict=False):
                    for name in names:
                        yield name, f"{name}: {plain(row[-1])}" if len(names) == 1 else name
