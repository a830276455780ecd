"""How long the memory of the values in a flat text is read."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .flat import Flat, names_in
from .named_once import roots_of

FOREVER = 10**9


@dataclass(frozen=True)
class Lives:
    """places: of each statement, by its identity.  loops: those that a name is bound in.
    ends: the place of the last statement that reads the memory of a name.  uses: how many
    statements read the name itself.  roots: whose memory a name may have.
    """

    places: Mapping[int, int]
    loops: Mapping[str, tuple[int, ...]]
    ends: Mapping[str, int]
    uses: Mapping[str, int]
    last: Mapping[str, int]
    roots: Mapping[str, frozenset[str]]


def lives(flat: Flat) -> Lives:
    places: dict[int, int] = {}
    bound: dict[str, tuple[int, ...]] = dict.fromkeys(flat.arguments, ())
    reads: list[tuple[str, int, tuple[int, ...]]] = []
    last: dict[int, int] = {}

    def block(body: Sequence[ast.stmt], path: tuple[int, ...]) -> None:
        for node in body:
            place = places[id(node)] = len(places)
            if isinstance(node, ast.For | ast.If):
                head = node.iter if isinstance(node, ast.For) else node.test
                reads.extend((name, place, path) for name in names_in(head))
                block(node.body, (*path, id(node)) if isinstance(node, ast.For) else path)
                last[id(node)] = len(places)
                continue
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                if not isinstance(target, ast.Subscript):
                    for name in names_in(target):
                        bound[name] = _shared(bound.get(name, path), path)
            reads.extend((name, place, path) for name in names_in(node)
                         if not (targets and isinstance(targets[0], ast.Name)
                                 and name == targets[0].id))

    block(flat.body, ())
    own: dict[str, int] = {}
    uses: dict[str, int] = {}
    for name, place, path in reads:
        inner = path[len(bound.get(name, ())):]
        own[name] = max(own.get(name, 0), last[inner[0]] if inner else place)
        uses[name] = uses.get(name, 0) + 1
    own.update(dict.fromkeys(flat.returned, FOREVER))
    roots = roots_of(flat)
    ends: dict[str, int] = {}
    for name, whose in roots.items():
        for root in whose:
            ends[root] = max(ends.get(root, 0), own.get(name, 0))
    return Lives(places, bound, ends, uses, own, roots)


def _shared(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return one[:same]
