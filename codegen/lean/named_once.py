"""Values that are computed once: an operation on the same values as one before it has its name.

Arrays that are stored into, and views of them, are new values after each store, and named for
another one only behind the last; in a loop, they change from its beginning to its end.  What was
computed on a condition is known under the same condition later on.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .flat import Flat, names_in

FRESH = frozenset({
    "exp", "log", "sqrt", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan",
    "arcsinh", "arccosh", "arctanh", "abs", "sign", "log1p", "expm1", "maximum", "minimum",
    "logaddexp", "square", "sum", "max", "argmax", "where", "einsum", "tensordot", "outer",
    "zeros", "full", "arange", "heaviside",
})
"""Functions of NumPy whose arrays share no memory with what they are given (but an einsum of one
array, which may be a view of it)."""


def roots_of(flat: Flat) -> dict[str, frozenset[str]]:
    """For each name, the names whose memory it may have, its own among them."""
    roots = {name: frozenset({name}) for name in flat.arguments}

    def block(body: Sequence[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Assign):
                value = node.value
                held: frozenset[str] = frozenset()
                if not is_fresh(value):
                    held = frozenset().union(*(roots.get(n, frozenset()) for n in names_in(value)))
                for target in node.targets:
                    if not isinstance(target, ast.Subscript):
                        for name in names_in(target):
                            roots[name] = roots.get(name, frozenset({name})) | held
            elif isinstance(node, ast.For | ast.If):
                block(node.body)

    block(flat.body)
    return roots


def is_fresh(value: ast.expr) -> bool:
    """Whether an operation makes an array of its own for certain."""
    if isinstance(value, ast.BinOp | ast.UnaryOp | ast.Compare):
        return True
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    holder, name = value.func.value, value.func.attr
    if isinstance(holder, ast.Name) and holder.id == "np":
        return name in FRESH and (name != "einsum" or len(value.args) > 2)
    return name in ("copy", "astype") and not value.keywords


def stored(statements: Iterable[ast.stmt], roots: Mapping[str, frozenset[str]]) -> set[str]:
    """The names whose memory some statements change, or that they bind again."""
    found: set[str] = set()
    for node in statements:
        if isinstance(node, ast.For | ast.If):
            found |= stored(node.body, roots)
        elif isinstance(node, ast.AugAssign):
            found |= _base(node.target, roots)
        elif isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Call)  # np.add.at(a, places, values)
            found |= _base(node.value.args[0], roots)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            found |= _base(node.targets[0], roots)
    return found


def _base(target: ast.expr, roots: Mapping[str, frozenset[str]]) -> set[str]:
    name = target.value if isinstance(target, ast.Subscript) else target
    assert isinstance(name, ast.Name)
    return {name.id, *roots.get(name.id, ())}


def bound(statements: Iterable[ast.stmt]) -> Counter[str]:
    """How often each name is bound."""
    found: Counter[str] = Counter()
    for node in statements:
        if isinstance(node, ast.For):
            found.update([str(ast.unparse(node.target)), *bound(node.body).elements()])
        elif isinstance(node, ast.If):
            found.update(bound(node.body))
        elif isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Subscript):
            found.update(names_in(node.targets[0]))
    return found


def named_once(flat: Flat) -> None:
    """Takes out what is computed a second time."""
    numbering = _Numbering(flat)
    flat.body = numbering.block(flat.body, {})
    flat.returned = [numbering.same.get(name, name) for name in flat.returned]


def unchanging(flat: Flat) -> set[str]:
    """Names that are bound once, and whose memory nothing changes."""
    roots, times = roots_of(flat), bound(flat.body)
    changed = stored(flat.body, roots)
    return {name for name in roots if times[name] <= 1 and name not in changed
            and not roots[name] & changed}


def last_stores(body: Sequence[ast.stmt], roots: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """The place of the last statement that changes the memory of a name, statements counted from
    the first to the last, heads of loops and conditions among them."""
    found: dict[str, int] = {}
    place = 0

    def block(statements: Sequence[ast.stmt]) -> None:
        nonlocal place
        for node in statements:
            here = place = place + 1
            if isinstance(node, ast.For | ast.If):
                block(node.body)
            else:
                found.update(dict.fromkeys(stored([node], roots), here))

    block(body)
    return found


def without_unread(flat: Flat) -> None:
    """Takes out what nothing reads."""
    parts, before = 0, -1
    while parts != before:
        every = [part for node in flat.body for part in ast.walk(node)]
        parts, before = len(every), parts
        read = {*flat.returned}
        for part in every:
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
                read.add(part.id)
            elif isinstance(part, ast.AugAssign):
                read.update(names_in(part.target))
        flat.body = _read(flat.body, read)


def _read(body: Sequence[ast.stmt], read: set[str]) -> list[ast.stmt]:
    made: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.For | ast.If):
            node.body = _read(node.body, read)
            if not node.body:
                if isinstance(node, ast.If) or not read & {*names_in(node.target)}:
                    continue
                node.body = [ast.Pass()]  # what its counter is at the end is read
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (
                node.targets[0].id not in read):
            continue
        if not isinstance(node, ast.Pass):
            made.append(node)
    return made


class _Numbering:
    def __init__(self, flat: Flat) -> None:
        self.roots = roots_of(flat)
        self.times = bound(flat.body)
        self.stores = last_stores(flat.body, self.roots)
        self.place = 0
        self.versions: Counter[str] = Counter()
        self.same: dict[str, str] = {}

    def _is_fixed(self, name: str) -> bool:
        """Whether a name that is bound has its value from here on."""
        return name in self.roots and self.times[name] <= 1 and all(
            self.stores.get(one, 0) <= self.place for one in {name, *self.roots[name]})

    def block(
        self, body: Sequence[ast.stmt], known: Mapping[str, str],
        found: dict[str, str] | None = None,
    ) -> list[ast.stmt]:
        """The statements without what is known before them, or named in them before; what is known
        at their end is added to `found`."""
        here, made = dict(known), list[ast.stmt]()
        again = bound(body)
        on_condition: dict[str, dict[str, str]] = {}
        for node in body:
            self.place += 1
            if isinstance(node, ast.For | ast.If):
                made.append(self._inside(node, here, on_condition, again))
                continue
            node = _Renamed(self.same).visit(node)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if self._is_fixed(name) and not isinstance(node.value, ast.Constant):
                    if isinstance(node.value, ast.Name) and self._is_fixed(node.value.id):
                        self.same[name] = node.value.id
                        continue
                    key = self._key(node.value)
                    if key in here and self._is_fixed(here[key]):
                        self.same[name] = here[key]
                        continue
                    here[key] = name
                self.versions[name] += 1
            else:
                self.versions.update({*stored([node], self.roots), *bound([node])})
            made.append(node)
        if found is not None:
            found.update(here)
        return made

    def _inside(
        self, node: ast.For | ast.If, here: Mapping[str, str],
        on_condition: dict[str, dict[str, str]], again: Mapping[str, int],
    ) -> ast.stmt:
        head = node.iter if isinstance(node, ast.For) else node.test
        changed = [*stored([node], self.roots),
                   *(name for name in bound([node]) if self.times[name] > 1)]
        self.versions.update(changed)
        same: dict[str, str] = {}
        if isinstance(node, ast.If) and not any(map(again.get, names_in(head))):
            same = on_condition.setdefault(ast.dump(head), same)
        inside = self.block(node.body, {**here, **same}, same) or [ast.Pass()]
        self.versions.update(changed)
        head = _Renamed(self.same).visit(head)
        return ast.For(node.target, head, inside, []) if isinstance(node, ast.For) else ast.If(
            head, inside, [])

    def _key(self, value: ast.expr) -> str:
        """An operation with the versions of what it reads."""
        names = sorted({root for name in names_in(value)
                        for root in self.roots.get(name, frozenset({name}))})
        return ast.dump(value) + str([(n, self.versions[n]) for n in names if n != "np"])


class _Renamed(ast.NodeTransformer):
    def __init__(self, same: Mapping[str, str]) -> None:
        self.same = same

    def visit_Name(self, node: ast.Name) -> ast.expr:  # as ast calls it
        return ast.Name(self.same[node.id], node.ctx) if node.id in self.same else node
