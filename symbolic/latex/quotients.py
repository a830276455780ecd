"""Derivatives as they stand in a formula: which parts are a fraction of ∂, and of what by what."""

from __future__ import annotations

from dataclasses import dataclass

from .scripts import Scripts
from .trees import Node

DIFFERENTIALS = ("∂", "d")


@dataclass(frozen=True)
class Quotient:
    """∂above/∂below, as written; `above` is None where it stands behind."""

    above: Node | None
    below: Node
    node: Node


def together(nodes: list[Node]) -> Node:
    """Factors side by side as one product."""
    return nodes[0] if len(nodes) == 1 else Node(
        "product", "", nodes[0].start, nodes[-1].end, tuple(nodes))


def inline(parts: list[Node], place: int) -> tuple[Node, int] | None:
    r"""{\partial y}/{\partial z}, ∂L/∂z or dL/dz as a fraction, and where what is behind begins."""
    part = parts[place]
    flat = part.kind == "name" and part.text in DIFFERENTIALS
    slash = place + (2 if flat else 1)
    if slash + 1 >= len(parts) or parts[slash].kind != "op" or parts[slash].text != "/":
        return None
    below = parts[slash + 1]
    length = 1
    if below.kind == "name" and below.text in DIFFERENTIALS and slash + 2 < len(parts):
        below, length = together(parts[slash + 1:slash + 3]), 2
    above = together(parts[place:slash])
    if differentiated(above) is None or differentiated(below) is None:
        return None
    return Node("fraction", "", above.start, below.end, (above, below)), slash + 1 + length


def second(node: Node) -> tuple[Node | None, Node, Node] | None:
    """What is differentiated twice (None where it stands behind), and by what."""
    if node.kind != "fraction":
        return None
    above, below = node.parts
    upper = list(above.parts) if above.kind == "product" else [above]
    head = Scripts.of(upper[0])
    if head.base.kind != "name" or head.base.text not in DIFFERENTIALS or head.downs or [
            up.text for up in head.ups] != ["2"]:
        return None
    of = together(upper[1:]) if upper[1:] else None
    lower = list(below.parts) if below.kind == "product" else [below]
    signs = [part.kind == "name" and part.text in DIFFERENTIALS for part in lower]
    if signs == [True, False, True, False]:
        return of, lower[1], lower[3]
    if signs == [True, False] and lower[1].kind == "scripts":
        *scripts, last = lower[1].parts
        if last.kind == "up" and last.parts[0].text == "2":
            base = scripts[0] if len(scripts) == 1 else Node(
                "scripts", "", lower[1].start, last.start, tuple(scripts))
            return of, base, base
    return None


def differentiated(node: Node) -> Node | None:
    """x of ∂x."""
    if node.kind == "product" and node.parts[0].kind == "name" and \
            node.parts[0].text in DIFFERENTIALS and len(node.parts) > 1:
        return together(list(node.parts[1:]))
    return None
