"""A text as statements that do one operation each, the functions it brings along written out.

    Z = X @ W + b              ->    t1 = X @ W
                                     Z = t1 + b
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .bindings import is_plain, named_for_one_thing


class NotFlatError(Exception):
    """A statement that is none of those below."""


SHORT = {"sigmoid": "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"}
"""Functions in a shorter spelling, for where an overflow is no warning: 1/inf is the 0 it is."""


@dataclass
class Flat:
    """The statements of a function: assignments of one operation on names and plain numbers to a
    name, stores into parts of arrays, loops, conditions, and what is returned.

    plain: names of numbers, sizes and loop variables; loose: those of loops, which change.
    preamble: what stands above the function.
    """

    arguments: list[str]
    body: list[ast.stmt]
    returned: list[str]
    plain: set[str]
    loose: set[str]
    preamble: ast.Module
    taken: set[str]


def flat(text: str, name: str = "run") -> Flat:
    """The function of a text.  Raises NotFlatError for a statement that a text never has."""
    tree = ast.parse(text)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    main = functions.pop(name)
    for short in functions.keys() & SHORT.keys():
        functions[short] = ast.parse(SHORT[short]).body[0]  # type: ignore[assignment]
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
        node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)} | {*functions, "np"}
    maker = _Flattening(functions, taken, *named_for_one_thing(main, taken))
    maker.differences = {ast.dump(node) for node in ast.walk(main)
                         if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)}
    body: list[ast.stmt] = []
    *statements, last = main.body
    maker.block(statements, body)
    if not isinstance(last, ast.Return) or not isinstance(last.value, ast.Tuple):
        raise NotFlatError(ast.unparse(last))
    returned = [maker.returned(one, body) for one in last.value.elts]
    rest = [node for node in tree.body if node is not main]
    return Flat([a.arg for a in main.args.args], body, returned, maker.plain, maker.loose,
                ast.Module(rest, []), taken)


@dataclass
class _Flattening:
    functions: dict[str, ast.FunctionDef]
    taken: set[str]
    plain: set[str]
    loose: set[str]
    differences: set[str] = field(default_factory=set)
    number: int = 0

    # --- statements -----------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt], out: list[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement, out)

    def _statement(self, node: ast.stmt, out: list[ast.stmt]) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            self._assign(node.targets[0], node.value, out)
        elif isinstance(node, ast.AugAssign):
            value = self.atom(node.value, out)
            out.append(ast.AugAssign(self._target(node.target, out), node.op, value))
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            inside: list[ast.stmt] = []
            if not self.is_plain(node.iter):
                raise NotFlatError(ast.unparse(node))
            self.block(node.body, inside)
            out.append(ast.For(node.target, node.iter, inside, []))
        elif isinstance(node, ast.If) and not node.orelse:
            test = node.test if self.is_plain(node.test) else self.atom(node.test, out)
            inside = []
            self.block(node.body, inside)
            out.append(ast.If(test, inside, []))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            out.append(ast.Expr(self.simple(node.value, out)))
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            raise NotFlatError(ast.unparse(node))

    def _assign(self, target: ast.expr, value: ast.expr, out: list[ast.stmt]) -> None:
        names = [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]
        if not isinstance(target, ast.Subscript) and self.plain.issuperset(names):
            out.append(ast.Assign([target], value))
        elif isinstance(target, ast.Name):
            out.append(ast.Assign([target], self.simple(value, out)))
        elif isinstance(target, ast.Subscript):
            held = self.atom(value, out)
            out.append(ast.Assign([self._target(target, out)], held))
        else:
            out.append(ast.Assign([target], self.simple(value, out)))

    def _target(self, target: ast.expr, out: list[ast.stmt]) -> ast.Name | ast.Subscript:
        if isinstance(target, ast.Name):
            return target
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            return ast.Subscript(target.value, self._inline(target.slice, out), ast.Store())
        raise NotFlatError(ast.unparse(target))

    # --- expressions ----------------------------------------------------------------------------

    def is_plain(self, node: ast.expr) -> bool:
        """Whether an expression is of numbers and sizes alone, no array's entries."""
        return is_plain(node, lambda name: name.id in self.plain)

    def atom(self, node: ast.expr, out: list[ast.stmt]) -> ast.expr:
        """A name that holds the value, or the expression where it is plain."""
        if isinstance(node, ast.Name) or self.is_plain(node):
            return node
        value = self.simple(node, out)
        if isinstance(value, ast.Name) or self.is_plain(value):
            return value
        name = self.new("t")
        out.append(ast.Assign([ast.Name(name, ast.Store())], value))
        return ast.Name(name, ast.Load())

    def returned(self, node: ast.expr, out: list[ast.stmt]) -> str:
        """The name of a result."""
        value = self.atom(node, out)
        if isinstance(value, ast.Name):
            return value.id
        name = self.new("t")
        out.append(ast.Assign([ast.Name(name, ast.Store())], value))
        return name

    def new(self, stem: str) -> str:
        while f"{stem}{self.number}" in self.taken:
            self.number += 1
        self.taken.add(f"{stem}{self.number}")
        return f"{stem}{self.number}"

    def simple(self, node: ast.expr, out: list[ast.stmt]) -> ast.expr:
        """One operation on atoms."""
        if isinstance(node, ast.Name) or self.is_plain(node):
            return node
        if isinstance(node, ast.BinOp):
            return self._operation(node, out)
        if isinstance(node, ast.UnaryOp):
            return ast.UnaryOp(node.op, self.atom(node.operand, out))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self.atom(node.left, out), self.atom(node.comparators[0], out)
            return ast.Compare(left, node.ops, [right])
        if isinstance(node, ast.Call):
            return self._call(node, out)
        if isinstance(node, ast.Attribute):
            return ast.Attribute(self.atom(node.value, out), node.attr, ast.Load())
        if isinstance(node, ast.Subscript):
            return ast.Subscript(self.atom(node.value, out), self._inline(node.slice, out),
                                 ast.Load())
        raise NotFlatError(ast.unparse(node))

    def _operation(self, node: ast.BinOp, out: list[ast.stmt]) -> ast.expr:
        power = node.right.value if isinstance(node.right, ast.Constant) else None
        if not isinstance(node.op, ast.Pow) or type(power) is not int or power not in (2, 3, 4):
            return ast.BinOp(self.atom(node.left, out), node.op, self.atom(node.right, out))
        base = node.left
        if power % 2 == 0 and isinstance(base, ast.BinOp) and isinstance(base.op, ast.Sub):
            turned = ast.BinOp(base.right, base.op, base.left)
            base = turned if ast.dump(turned) in self.differences else base
        held = self.atom(base, out)
        square = _numpy("square", held)
        if power == 2:
            return square
        twice = self.atom(square, out)
        return _numpy("square", twice) if power == 4 else ast.BinOp(twice, ast.Mult(), held)

    def _call(self, node: ast.Call, out: list[ast.stmt]) -> ast.expr:
        function = node.func
        if isinstance(function, ast.Name) and function.id in self.functions:
            before = len(out)
            try:
                written = self._written_out(self.functions[function.id], node, out)
            except NotFlatError:  # the function is called as it is
                del out[before:]
                written = None
            if written is not None:
                return written
        if isinstance(function, ast.Attribute) and not _is_numpy(function):
            function = ast.Attribute(self.atom(function.value, out), function.attr, ast.Load())
        keywords = [ast.keyword(word.arg, self._inline(word.value, out)) for word in node.keywords]
        return ast.Call(function, [self._inline(part, out) for part in node.args], keywords)

    def _inline(self, node: ast.expr, out: list[ast.stmt]) -> ast.expr:
        """An argument, or a subscript: tuples and slices stay, their parts are atoms."""
        if self.is_plain(node):
            return node
        if isinstance(node, ast.Tuple):
            return ast.Tuple([self._inline(part, out) for part in node.elts], ast.Load())
        if isinstance(node, ast.List):
            return ast.List([self._inline(part, out) for part in node.elts], ast.Load())
        return self.atom(node, out)

    def _written_out(
        self, function: ast.FunctionDef, call: ast.Call, out: list[ast.stmt]
    ) -> ast.expr | None:
        """What a function of assignments and one return computes; None for another one."""
        body = [s for s in function.body
                if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        if not body or not isinstance(body[-1], ast.Return) or body[-1].value is None or not all(
                isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and
                len(s.targets) == 1 for s in body[:-1]):
            return None
        names = [one.arg for one in function.args.args]
        values = dict(zip(names[len(names) - len(function.args.defaults):],
                          function.args.defaults, strict=True))
        values |= dict(zip(names, call.args, strict=False))
        values |= {str(word.arg): word.value for word in call.keywords}
        known = {name: self.atom(value, out) for name, value in values.items()}
        for statement in body[:-1]:
            assert isinstance(statement, ast.Assign)
            target = statement.targets[0]
            assert isinstance(target, ast.Name)
            known[target.id] = self.atom(_Put(known).visit(copied(statement.value)), out)
        return self.simple(_Put(known).visit(copied(body[-1].value)), out)


class _Put(ast.NodeTransformer):
    """Names replaced by what they stand for."""

    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:  # as ast calls it
        return self.known.get(node.id, node)


def copied(node: ast.expr) -> ast.expr:
    made: ast.expr = ast.parse(ast.unparse(node), mode="eval").body
    return made


def names_in(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _numpy(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load()),
                    list(arguments), [])


def _is_numpy(node: ast.Attribute) -> bool:
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return isinstance(inner, ast.Name) and inner.id == "np"
