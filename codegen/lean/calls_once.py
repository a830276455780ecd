"""Calls in a printed text that are made more than once on the same values get a name.

    Z = gelu(t) @ W                     gelu_t = gelu(t)
    dW = gelu(t).T @ dZ        ->       Z = gelu_t @ W
                                        dW = gelu_t.T @ dZ

The text stays as it is elsewhere: what is replaced are the characters of a call.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .flat import Flat, names_in
from .named_once import bound, roots_of, stored

COSTLY = frozenset({
    "exp", "log", "sqrt", "tanh", "sin", "cos", "tan", "sinh", "cosh", "log1p", "expm1",
    "logaddexp", "einsum", "tensordot",
})
"""NumPy's functions whose values are worth a name."""


@dataclass(frozen=True)
class _Call:
    """A call, the place of its statement in a block, and the statement's first line."""

    node: ast.Call
    place: int
    line: int


def named_calls(
    lines: Sequence[str], arrays: Collection[str], functions: Collection[str],
    new: Callable[[str], str],
) -> list[str]:
    """The statements of a function with the calls of `functions`, and of NumPy's costly ones, on
    arrays that they name twice in one block named before the first of them.

    arrays: that the statements are given.  new: a name like a wish that is free.
    """
    made = "\n".join(lines).split("\n")
    while True:
        body = ast.parse("\n".join(made)).body
        roots = roots_of(Flat([*arrays], body, [], set(), set(), ast.Module([], []), set()))
        found = _repeated(body, roots, functions)
        if not found:
            return made
        _replaced(made, found, [new(_wish(calls[0].node, roots)) for calls in found])


def _repeated(
    body: Sequence[ast.stmt], roots: Mapping[str, frozenset[str]], functions: Collection[str]
) -> list[list[_Call]]:
    """Groups of like calls of which none holds another one's, the longest first."""
    if any(isinstance(part, ast.For) and part.orelse for node in body for part in ast.walk(node)):
        return []
    blocks = list(_blocks(body))
    groups = _alike(blocks, roots, functions)
    written = {*stored(body, roots)}
    written |= {root for name in written for root in roots.get(name, ())}
    chosen: list[list[_Call]] = []
    inside: set[int] = set()
    for (number, _), calls in sorted(groups.items(), key=lambda item: -len(item[0][1])):
        parts = {id(part) for call in calls for part in ast.walk(call.node)}
        block = blocks[number]
        if len(calls) > 1 and not parts & inside and _keeps(calls, block, roots) and not any(
                _may_be_written(block[call.place], written, roots) for call in calls):
            inside |= parts
            chosen.append(calls)
    return chosen


def _alike(
    blocks: Sequence[Sequence[ast.stmt]], roots: Mapping[str, frozenset[str]],
    functions: Collection[str],
) -> dict[tuple[int, str], list[_Call]]:
    """The costly calls on arrays, by the number of their block and what they say."""
    groups: dict[tuple[int, str], list[_Call]] = {}
    for number, block in enumerate(blocks):
        for place, node in enumerate(block):
            for part in _always(node):
                if isinstance(part, ast.Call) and _is_costly(part, functions) and (
                        part.lineno == part.end_lineno and {*names_in(part)} & roots.keys()):
                    groups.setdefault((number, ast.dump(part)), []).append(
                        _Call(part, place, node.lineno))
    return groups


def _blocks(body: Sequence[ast.stmt]) -> Iterator[Sequence[ast.stmt]]:
    yield body
    for node in body:
        if isinstance(node, ast.For | ast.If):
            yield from _blocks(node.body)


def _always(node: ast.stmt) -> list[ast.AST]:
    """The parts of a statement's value, where all of them are computed, once each."""
    parts = [*ast.walk(node.value)] if isinstance(node, ast.Assign | ast.AugAssign) else []
    return [] if any(isinstance(part, ast.comprehension | ast.Lambda | ast.IfExp | ast.BoolOp)
                     for part in parts) else parts


def _is_costly(call: ast.Call, functions: Collection[str]) -> bool:
    name = call.func
    if isinstance(name, ast.Name):
        return name.id in functions
    return isinstance(name, ast.Attribute) and ast.unparse(name.value) == "np" and (
        name.attr in COSTLY)


def _keeps(
    calls: Sequence[_Call], block: Sequence[ast.stmt], roots: Mapping[str, frozenset[str]]
) -> bool:
    """Whether nothing that the calls read is changed between the first and the last one."""
    read = set[str]()
    for name in names_in(calls[0].node):
        read |= {name, *roots.get(name, ())}
    between = block[calls[0].place:max(call.place for call in calls)]
    return not read & ({*stored(between, roots), *bound(between)})


def _may_be_written(
    node: ast.stmt, written: Collection[str], roots: Mapping[str, frozenset[str]]
) -> bool:
    """Whether a statement binds a value that is changed in place, which no other may be then."""
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and not {target.id, *roots.get(target.id, ())}.isdisjoint(
            written) for target in node.targets)


def _replaced(
    lines: list[str], found: Sequence[Sequence[_Call]], names: Sequence[str]
) -> None:
    """Puts names for groups of calls into the lines, and what they stand for before them."""
    edits: list[tuple[int, int, int, str]] = []
    before: list[tuple[int, str]] = []
    for calls, name in zip(found, names, strict=True):
        line, first = min(call.line for call in calls) - 1, calls[0].node
        indent = len(lines[line]) - len(lines[line].lstrip())
        text = lines[first.lineno - 1].encode()[first.col_offset:first.end_col_offset].decode()
        before.append((line, f"{' ' * indent}{name} = {text}"))
        edits += [(call.node.lineno - 1, call.node.col_offset, call.node.end_col_offset or 0, name)
                  for call in calls]
    for line, start, end, name in sorted(edits, reverse=True):
        whole = lines[line].encode()
        lines[line] = (whole[:start] + name.encode() + whole[end:]).decode()
    for line, text in sorted(before, reverse=True):
        lines.insert(line, text)


def _wish(call: ast.Call, arrays: Collection[str]) -> str:
    """gelu_t of gelu(t), tanh_c of np.tanh(c[t]): the function, and the first array in the call."""
    parts = [part for part in ast.walk(call) if isinstance(part, ast.Name) and part.id in arrays]
    first = min(parts, key=lambda part: (part.lineno, part.col_offset))
    return f"{ast.unparse(call.func).removeprefix('np.')}_{first.id}"
