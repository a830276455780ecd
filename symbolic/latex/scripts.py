"""What is raised and lowered at a name: its layer, its indices, a transpose, a power."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .trees import Node, Source

LAYER_LETTERS = ("l", "ℓ", "L")


@dataclass
class Scripts:
    """A name or a part of a formula with all its scripts; ups and downs in their order."""

    base: Node
    ups: list[Node] = field(default_factory=list)
    downs: list[Node] = field(default_factory=list)
    primes: int = 0

    @classmethod
    def of(cls, node: Node) -> Scripts:
        if node.kind != "scripts":
            return cls(node)
        found = cls.of(node.parts[0])
        for script in node.parts[1:]:
            if script.kind == "prime":
                found.primes += len(script.text)
            elif script.kind == "up":
                for up in _several(script.parts[0]):
                    if up.kind == "name" and up.text in ("′", "'"):
                        found.primes += 1
                    else:
                        found.ups.append(up)
            else:
                found.downs += _lowered(script.parts[0])
        return found


def _several(node: Node) -> Iterator[Node]:
    """[l] T of ^{[l]T} and of ^{[l]^T} apart; what stands in no brackets is one."""
    first = node.parts[0] if node.parts else node
    if node.kind == "scripts" and first.kind == "group" and all(
            script.kind in ("prime", "up") for script in node.parts[1:]):
        yield first
        for script in node.parts[1:]:
            if script.kind == "prime":
                yield Node("name", "′", script.start, script.end)
            else:
                yield from _several(script.parts[0])
        return
    if node.kind == "product" and (first.kind == "group" or (
            len(node.parts) == 2 and node.parts[1].text in ("T", "⊤", "′"))):
        for part in node.parts:
            yield from _several(part)
        return
    if node.kind == "sum" and len(node.parts) == 2 and is_transpose(node.parts[1]):  # X^{-T}
        one = Node("number", "1", node.start, node.end)
        yield Node("sum", "", node.start, node.end, (node.parts[0], one))
        yield node.parts[1]
        return
    if node.kind == "list" and node.parts:
        for part in node.parts:
            yield from _several(part)
        return
    yield node


def _lowered(node: Node) -> list[Node]:
    """i, j of _{ij} and _{i,j}; 1, 1 of _{11}."""
    if node.kind in ("list", "product"):
        return [inner for part in node.parts for inner in _lowered(part)]
    if node.kind == "number" and node.text.isdigit() and len(node.text) == 2:
        return [Node("number", digit, node.start, node.end) for digit in node.text]
    return [node]


def layer_of(node: Node, letters: Mapping[str, int], bracketed: bool = True) -> int | None:
    """The layer that a script names: (2), [l+1], l, L-1; None where it names none."""
    if node.kind == "group" and node.text in ("round", "square", "curly"):
        return layer_of(node.parts[0], letters)
    if node.kind == "number" and node.text.isdigit() and bracketed:
        return int(node.text)
    if node.kind == "name":
        return letters.get(node.text)
    if node.kind == "sum":
        total, sign = 0, 1
        for part in node.parts:
            if part.kind == "sign":
                sign = -1 if part.text == "-" else 1
                continue
            found = layer_of(part, letters)
            if found is None:
                return None
            total, sign = total + sign * found, 1
        return total
    return None


def layer_letters(node: Node) -> set[str]:
    """The letters for a layer that a formula has in its superscripts (or single subscripts)."""
    found = set()
    for part in node.all():
        if part.kind in ("up", "down"):
            inner = part.parts[0]
            names = {leaf.text for leaf in inner.all() if leaf.kind == "name"}
            raised = part.kind == "up"
            if raised and (inner.kind in ("group", "name", "product", "scripts", "sum")):
                found |= names & set(LAYER_LETTERS)
            if not raised and inner.kind in ("name", "sum"):
                found |= names & {"l", "ℓ", "L"}
    return found


def is_transpose(node: Node) -> bool:
    return node.kind == "name" and node.text in ("⊤", "T", "t")


def index_letter(node: Node, source: Source) -> str | int:
    """An index: its letter, or its number."""
    if node.kind == "number" and node.text.isdigit():
        return int(node.text)
    if node.kind == "name" and node.font != "word" and len(node.text) <= 2:
        return node.text
    source.fail(node, f"{source.of(node)!r} is no index that is read here; expected a letter or "
                      "a number")
