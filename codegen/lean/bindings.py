"""Names that stand for one thing throughout: where a text binds one anew, what is bound there has
a name of its own.

    n = x.sum(0)                         n = x.sum(0)
    y = x / n                     ->     y = x / n
    n = x.shape[0]                       n0 = x.shape[0]
    return y / n                         return y / n0

Bindings of which one read may see either belong together: they are of one name, and one kind.
Numbers that change may share a name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

INTEGERS = frozenset({"max", "min", "int", "float", "range", "reversed", "overlap", "slice"})
"""Functions that give no arrays where they are given none."""

Reaching: TypeAlias = dict[str, frozenset[int]]
"""For each name, the bindings that may be its latest, by their numbers."""


def is_plain(node: ast.expr, is_number: Callable[[ast.Name], bool]) -> bool:
    """Whether an expression is of numbers and sizes alone, no array's entries."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return is_number(node)
    if isinstance(node, ast.Attribute):  # np.pi, a size's own
        return isinstance(node.value, ast.Name) and node.value.id == "np"
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    if isinstance(node, ast.Call):
        return (isinstance(node.func, ast.Name) and node.func.id in INTEGERS
                and not node.keywords and all(is_plain(one, is_number) for one in node.args))
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.BoolOp | ast.Tuple
                  | ast.Slice | ast.List):
        return all(is_plain(part, is_number) for part in ast.iter_child_nodes(node)
                   if isinstance(part, ast.expr))
    return False


def named_for_one_thing(main: ast.FunctionDef, taken: set[str]) -> tuple[set[str], set[str]]:
    """Gives the bindings in a function names that stand for one thing each, in place.  Returns
    those of numbers and sizes, and which of these change, by a loop or on a condition."""
    found = _Bindings()
    now: Reaching = {one.arg: found.bind(one.arg, one, None, False) for one in main.args.args}
    found.block(main.body, now, False)
    return _renamed(found, taken)


@dataclass(frozen=True)
class _Binding:
    """node: the name that is bound.  value: to what, or through what a counter goes; None of an
    argument.  looped: whether a loop binds it."""

    name: str
    node: ast.AST
    value: ast.expr | None
    looped: bool


class _Bindings:
    """every: the bindings.  together: for each, one that it belongs to, itself for the first.
    reads: names that are read, with a binding that they may see."""

    def __init__(self) -> None:
        self.every: list[_Binding] = []
        self.together: list[int] = []
        self.reads: dict[int, tuple[ast.Name, int]] = {}
        self._numbers: dict[int, int] = {}

    def bind(
        self, name: str, node: ast.AST, value: ast.expr | None, looped: bool
    ) -> frozenset[int]:
        number = self._numbers.setdefault(id(node), len(self.every))
        if number == len(self.every):  # a loop's statements are looked at more than once
            self.every.append(_Binding(name, node, value, looped))
            self.together.append(number)
        return frozenset({number})

    def block(self, body: Sequence[ast.stmt], now: Reaching, looped: bool) -> None:
        """What statements bind and read; `now` is what reaches the first, then what leaves."""
        for node in body:
            if isinstance(node, ast.Assign):
                self._read(node, now)
                for target in node.targets:
                    now.update({part.id: self.bind(part.id, part, node.value, looped)
                                for part in _bound(target)})
            elif isinstance(node, ast.AugAssign):
                self._read(node, now)
                for part in _bound(node.target):  # it belongs to what it was
                    made = self.bind(part.id, part, node.value, looped)
                    self._join(made | now.get(part.id, made))
                    now[part.id] = made
            elif isinstance(node, ast.For):
                self._read(node.iter, now)
                self._loop(node, now)
            elif isinstance(node, ast.If):
                self._read(node.test, now)
                other = dict(now)
                self.block(node.body, now, looped)
                self.block(node.orelse, other, looped)
                _merge(now, other)
            else:
                self._read(node, now)

    def _loop(self, node: ast.For, now: Reaching) -> None:
        """What leaves the last statement reaches the first one, too."""
        before: Reaching | None = None
        while before != now:
            before, inside = dict(now), dict(now)
            inside.update({part.id: self.bind(part.id, part, node.iter, True)
                           for part in _bound(node.target)})
            self.block(node.body, inside, True)
            _merge(now, inside)

    def _read(self, node: ast.AST, now: Reaching) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id in now:
                self._join(now[part.id])
                self.reads[id(part)] = part, min(now[part.id])

    def _join(self, numbers: Iterable[int]) -> None:
        first, *rest = sorted({self.first(number) for number in numbers})
        for number in rest:
            self.together[number] = first

    def first(self, number: int) -> int:
        """The first of the bindings that one belongs to."""
        while self.together[number] != number:
            number = self.together[number]
        return number


def _renamed(found: _Bindings, taken: set[str]) -> tuple[set[str], set[str]]:
    """New names for what its name does not stand for at first, but for numbers that change, which
    may have one name as those before them; the names of numbers, and of the loose."""
    groups: dict[int, list[_Binding]] = {}
    for number, one in enumerate(found.every):
        groups.setdefault(found.first(number), []).append(one)
    plain = _numbers(found, groups)
    loose = _changing(found, groups, plain)
    kinds = {first: "loose" if first in loose else "fixed" if first in plain else "array"
             for first in groups}
    names: dict[int, str] = {}
    before: dict[str, int] = {}
    for first, (one, *_) in groups.items():
        other = before.setdefault(one.name, first)
        keeps = other == first or kinds[other] == kinds[first] == "loose"
        names[first] = one.name if keeps else _new(one.name, taken)
    for first, own in groups.items():
        for one in own:
            if isinstance(one.node, ast.Name):
                one.node.id = names[first]
    for node, number in found.reads.values():
        node.id = names[found.first(number)]
    return {names[first] for first in plain}, {names[first] for first in loose}


def _numbers(found: _Bindings, groups: dict[int, list[_Binding]]) -> set[int]:
    """The groups of bindings to numbers and sizes alone."""
    plain, before = set(groups), -1

    def is_number(node: ast.Name) -> bool:
        return id(node) in found.reads and found.first(found.reads[id(node)][1]) in plain

    while len(plain) != before:
        before = len(plain)
        plain -= {first for first, own in groups.items() if any(
            one.value is None or not is_plain(one.value, is_number) for one in own)}
    return plain


def _changing(
    found: _Bindings, groups: dict[int, list[_Binding]], plain: set[int]
) -> set[int]:
    """The groups of numbers that are bound more than once, or by a loop, or of such numbers."""
    loose, before = set[int](), -1
    while len(loose) != before:
        before = len(loose)
        loose |= {first for first in plain if len(groups[first]) > 1 or groups[first][0].looped
                  or any(id(part) in found.reads and
                         found.first(found.reads[id(part)][1]) in loose
                         for one in groups[first] if one.value is not None
                         for part in ast.walk(one.value))}
    return loose


def _bound(target: ast.expr) -> Iterator[ast.Name]:
    return (part for part in ast.walk(target)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))


def _merge(now: Reaching, other: Reaching) -> None:
    for name, numbers in other.items():
        now[name] = now.get(name, frozenset()) | numbers


def _new(name: str, taken: set[str]) -> str:
    number = 0
    while f"{name}{number}" in taken:
        number += 1
    taken.add(f"{name}{number}")
    return f"{name}{number}"
