"""The places of a function at which an edit can be made: its statements and their expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import chain
from types import CodeType

from gradproof.repair.candidates import Ingredient, ingredients
from gradproof.repair.edits import (
    SYMBOLS,
    Change,
    Context,
    Edit,
    Slot,
    function_name,
    is_module,
)
from gradproof.repair.in_scope import InScope, expression, unary_functions
from gradproof.repair.masks import chosen, masks
from gradproof.repair.missing_parts import OMISSIONS
from gradproof.repair.program import FunctionSource, Program, Scope
from gradproof.repair.ranking import Group
from gradproof.repair.wrong_parts import SLIPS, counted

LONGEST = 60
"""Characters of an expression that may be proposed as a missing part."""

KEPT = ("print", "open", "exec", "eval", "input", "__import__", "isinstance", "len", "range")
"""Functions whose arguments are left alone (of `range`, only whole bounds change)."""


MUTATING = ("at", "append", "extend", "insert", "update", "fill", "put", "copyto", "add",
            "subtract", "multiply", "divide")
"""Functions that may be called for what they change; other such calls are left alone."""


@dataclass
class Edits:
    """All single edits of the functions of a program.

    observed: the variables before each line that ran.
    constants: factors that the numbers suggest.
    right: keys of returned gradients that need no edit.
    loss: the loss and what it calls; its numbers and expressions may be what is missing.
    """

    program: Program
    observed: Mapping[tuple[CodeType, int], Scope]
    constants: Sequence[tuple[Fraction, dict[int, int]]] = ()
    right: Set[str] = frozenset()
    loss: Sequence[FunctionSource] = ()
    _of_loss: tuple[str, ...] = ()
    _numbers: tuple[str, ...] = ()
    _assigned: Mapping[str, tuple[ast.expr, ...]] = field(default_factory=dict)
    _found: dict[tuple[CodeType, int], tuple[Ingredient, ...]] = field(default_factory=dict)
    _scopes: dict[tuple[CodeType, int], InScope | None] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Group]:
        """Statement by statement."""
        self._of_loss = tuple(chain.from_iterable(map(_pool, self.loss)))
        self._numbers = tuple(dict.fromkeys(chain.from_iterable(map(_numbers, self.loss))))
        self._assigned = _assignments(self.loss)
        for source in self.program.sources:
            pool, node = (*_pool(source), *self._of_loss), source.node
            if any(isinstance(inner, ast.While) for inner in ast.walk(node)):
                continue
            if isinstance(node, ast.Lambda):
                yield Group(source.file, range(node.lineno, node.lineno + 1), partial(
                    self._expression, source, Slot(node, "body"), "term", node.lineno, pool))
            else:
                yield from self._body(source, node, "body", pool)

    def _body(
        self, source: FunctionSource, holder: ast.AST, name: str, pool: Sequence[str]
    ) -> Iterator[Group]:
        statements: list[ast.stmt] = getattr(holder, name)
        for place, statement in enumerate(statements):
            if self._scope(source, statement.lineno) is None:
                continue
            slot, last = Slot(holder, name, place), statement.end_lineno or statement.lineno
            if isinstance(statement, ast.For | ast.If | ast.With):
                last = statement.lineno
                for inner in ("body", "orelse")[:1 + hasattr(statement, "orelse")]:
                    yield from self._body(source, statement, inner, pool)
            if hasattr(statement, "is_made"):
                continue
            yield Group(source.file, range(statement.lineno, last + 1), partial(
                chain, self._statement(source, slot, pool), self._moves(source, slot)))

    def _statement(self, source: FunctionSource, slot: Slot, pool: Sequence[str]) -> Iterator[Edit]:
        statement: ast.stmt = slot.get()
        line = statement.lineno
        match statement:
            case ast.AugAssign(target=target, op=op):
                for other, symbol in SYMBOLS.items():
                    if not isinstance(op, other):
                        cost = 0.8 if {type(op), other} == {ast.Add, ast.Sub} else 1.2
                        change = Change(
                            cost, f"{SYMBOLS.get(type(op), '?')}= where {symbol}= is due", other)
                        yield Edit(source, Slot(statement, "op"), change, line)
                stored = statement
                yield Edit(source, slot, Change(
                    1.3, "= is due: nothing is to be accumulated",
                    _placed(ast.Assign([stored.target], stored.value), stored)), line)
            case ast.Assign(targets=[ast.Name() | ast.Subscript() as target]):
                assigned = statement
                for symbol, other in (("+", ast.Add), ("-", ast.Sub), ("*", ast.Mult)):
                    yield Edit(source, slot, Change(
                        1.5, f"{symbol}= is due: it is overwritten",
                        _placed(
                            ast.AugAssign(target, other(), assigned.value), assigned)), line)
        yield from self._as_the_loss_says(source, statement)
        if isinstance(statement, ast.AugAssign | ast.Assign):
            yield Edit(source, slot, Change(
                2.0, "this statement is too much",
                _placed(ast.Pass(), statement)), line)
            for target in getattr(statement, "targets", None) or [statement.target]:  # type: ignore[union-attr]
                if isinstance(target, ast.Subscript):
                    yield from self._expression(source, Slot(target, "slice"), "index", line, pool)
        if isinstance(statement, ast.AugAssign | ast.Assign | ast.Return | ast.AnnAssign) \
                and statement.value is not None:
            yield from self._expression(source, Slot(statement, "value"), "term", line, pool)
        elif isinstance(statement, ast.For):
            yield from self._expression(source, Slot(statement, "iter"), "other", line, pool)
            for change in counted(statement.iter):
                yield Edit(source, Slot(statement, "iter"), change, line)
        elif isinstance(statement, ast.If):
            yield from self._expression(source, Slot(statement, "test"), "other", line, pool)
        elif (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
              and function_name(statement.value) in MUTATING):
            yield from self._expression(source, Slot(statement, "value"), "other", line, pool)

    def _as_the_loss_says(self, source: FunctionSource, statement: ast.stmt) -> Iterator[Edit]:
        """What the loss assigns to the same name, where the forward pass is written twice."""
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            name, mine = ast.unparse(statement.targets[0]), ast.unparse(statement.value)
            for value in self._assigned.get(name, ()):
                text = ast.unparse(value)
                if text != mine:
                    yield Edit(source, Slot(statement, "value"), Change(
                        0.9, f"the loss computes {name} otherwise", partial(expression, text),
                    ), statement.lineno)

    def _moves(self, source: FunctionSource, slot: Slot) -> Iterator[Edit]:
        """The statement further down: an array is changed before its last use."""
        holder, name, place = slot.holder, slot.field, slot.index or 0
        statements: list[ast.stmt] = getattr(holder, name)
        if not isinstance(statements[place], ast.Assign | ast.AugAssign):
            return
        last = len(statements) - isinstance(statements[-1], ast.Return)
        moved = statements[place]
        for to in range(place + 1, last):
            if isinstance(moved, ast.Assign) and not _reads(statements[to + 1:], moved.targets):
                break  # it would be of no use there
            order = [*statements[:place], *statements[place + 1:to + 1], statements[place],
                     *statements[to + 1:]]
            yield Edit(source, Slot(holder, name), Change(
                1.9 + 0.05 * (to - place), "this statement comes too early", order,
            ), statements[place].lineno)

    def _expression(
        self, source: FunctionSource, slot: Slot, level: str, line: int, pool: Sequence[str]
    ) -> Iterator[Edit]:
        node = slot.get()
        if not isinstance(node, ast.expr) or isinstance(node, ast.Starred | ast.JoinedStr):
            return
        scope = self._scope(source, line)
        if scope is None:
            return

        def text(part: ast.AST) -> str:
            return " ".join((source.segment(part) or ast.unparse(part)).split())

        here = scope.value_of(ast.unparse(node)) if level in ("term", "factor") else None
        shape = None if here is None else here.shape
        context = Context(scope, level, text, self._ingredients(source, line, scope, pool), shape,
                      self.constants, self._numbers)
        if not isinstance(node, ast.Dict | ast.Tuple | ast.List | ast.Slice | ast.Lambda):
            for rule in (*SLIPS, *OMISSIONS, chosen):
                for change in rule(node, context):
                    yield Edit(source, slot, change, line)
        elif isinstance(node, ast.Dict | ast.Tuple | ast.List):
            yield from _reordered(source, node, line)
        for inner, below in _parts(node, level):
            if isinstance(node, ast.Dict) and inner.index is not None:
                key = node.keys[inner.index]
                if isinstance(key, ast.Constant) and key.value in self.right:
                    continue
            yield from self._expression(source, inner, below, line, pool)

    def _ingredients(
        self, source: FunctionSource, line: int, scope: InScope, pool: Sequence[str]
    ) -> tuple[Ingredient, ...]:
        key = source.function.__code__, line
        if key not in self._found:
            self._found[key] = ingredients(scope, pool, self._numbers)
        return self._found[key]

    def _scope(self, source: FunctionSource, line: int) -> InScope | None:
        """What is in scope at a line; None where the line did not run."""
        code = source.function.__code__
        if (code, line) not in self._scopes:
            names = source.function.__globals__
            closed = source.function.__closure__ or ()
            enclosed = dict(zip(code.co_freevars, (_content(cell) for cell in closed), strict=True))
            found = self.observed.get((code, line))
            self._scopes[code, line] = None if found is None else InScope(
                found, {**names, **enclosed}, unary_functions({**names, **enclosed}, source.file),
                source.segment(source.node) or "")
        return self._scopes[code, line]


def _reads(statements: Sequence[ast.stmt], targets: Sequence[ast.expr]) -> bool:
    """Whether one of the assigned names is read later, or entries of what it names are set."""
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    if len(names) < len(targets):
        return True
    return any(isinstance(node, ast.Name) and node.id in names
               for statement in statements for node in ast.walk(statement))


def _content(cell: object) -> object:
    try:
        return cell.cell_contents  # type: ignore[attr-defined]
    except ValueError:
        return None


def _placed(new: ast.stmt, old: ast.stmt) -> ast.stmt:
    return ast.copy_location(new, old)


def _reordered(
    source: FunctionSource, node: ast.Dict | ast.Tuple | ast.List, line: int
) -> Iterator[Edit]:
    """Two entries of what is returned, exchanged."""
    name = "values" if isinstance(node, ast.Dict) else "elts"
    entries = getattr(node, name)
    for i in range(len(entries)):
        for j in range(i):
            order = list(entries)
            order[i], order[j] = order[j], order[i]
            yield Edit(source, Slot(node, name),
                       Change(1.9, "two entries are exchanged", order), line)


PARTS: dict[type[ast.AST], tuple[tuple[str, str], ...]] = {
    ast.UnaryOp: (("operand", "factor"),),
    ast.Attribute: (("value", "term"),),
    ast.Subscript: (("value", "container"), ("slice", "index")),
    ast.Slice: (("lower", "index"), ("upper", "index")),
    ast.Tuple: (("elts", "entry"),),
    ast.List: (("elts", "entry"),),
    ast.Dict: (("values", "term"),),
    ast.Compare: (("left", "other"), ("comparators", "other")),
    ast.IfExp: (("body", "same"), ("orelse", "same")),
}
"""Node type: the fields that hold expressions, each with its level.

"same" is the level of the node itself, "entry" an index within an index and else a term.
"""


def _parts(node: ast.expr, level: str) -> Iterator[tuple[Slot, str]]:
    """The expressions directly inside one, and their level."""
    if isinstance(node, ast.BinOp):
        yield from _operands(node, level)
    elif isinstance(node, ast.Call):
        yield from _arguments(node)
    elif not isinstance(node, ast.Attribute) or node.attr == "T":
        own = {"same": level, "entry": "index" if level == "index" else "term"}
        for name, below in PARTS.get(type(node), ()):
            held = getattr(node, name)
            if isinstance(held, list):
                yield from ((Slot(node, name, at), own.get(below, below))
                            for at in range(len(held)))
            elif held is not None and not (name == "slice" and _is_key(held)):
                yield Slot(node, name), own.get(below, below)


def _operands(node: ast.BinOp, level: str) -> Iterator[tuple[Slot, str]]:
    below = "term" if isinstance(node.op, ast.Add | ast.Sub | ast.MatMult) else "factor"
    if level == "index":
        below = "index"
    yield Slot(node, "left"), below
    yield Slot(node, "right"), "other" if isinstance(node.op, ast.Pow) else below


def _arguments(node: ast.Call) -> Iterator[tuple[Slot, str]]:
    """Of functions whose arguments may be edited; a method's object is one of them."""
    func, name = node.func, function_name(node)
    if name in KEPT and name != "range":
        return
    if isinstance(func, ast.Attribute) and not is_module(func.value):
        yield Slot(func, "value"), "container" if func.attr in MUTATING else "term"
    for at in range(len(node.args)):
        yield Slot(node, "args", at), "index" if name == "range" else "term"
    for word in node.keywords:
        if word.arg not in ("axis", "keepdims", "dtype", "out"):
            yield Slot(word, "value"), "other"


def _is_key(node: ast.AST) -> bool:
    """Whether a subscript is the key of a dict."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _assignments(sources: Sequence[FunctionSource]) -> dict[str, tuple[ast.expr, ...]]:
    """What functions assign, by the text of the target."""
    found: dict[str, tuple[ast.expr, ...]] = {}
    for node in chain.from_iterable(ast.walk(source.node) for source in sources):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            name = ast.unparse(node.targets[0])
            found[name] = (*found.get(name, ()), node.value)
    return found


def _numbers(source: FunctionSource) -> tuple[str, ...]:
    """The numbers that stand in a function's source."""
    found = {repr(node.value): None for node in ast.walk(source.node)
             if isinstance(node, ast.Constant) and type(node.value) in (int, float)}
    return tuple(found)


def _pool(source: FunctionSource) -> tuple[str, ...]:
    """The compound expressions of a function, by text, each once."""
    found: dict[str, None] = {}
    names = [argument.arg for argument in source.node.args.args]
    for node in ast.walk(source.node):
        loaded = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        compound = isinstance(node, ast.BinOp | ast.Call | ast.Subscript | ast.Compare)
        if loaded and (compound or (isinstance(node, ast.Attribute) and node.attr == "T")):
            text = ast.unparse(node)
            if len(text) <= LONGEST and not text.startswith("range("):
                found[text] = None
        found.update(dict.fromkeys(text for text in masks(node) if len(text) <= LONGEST))
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            for name in names:  # the same part of another array
                part = ast.Subscript(ast.Name(name, ast.Load()), node.slice, ast.Load())
                found[ast.unparse(part)] = None
    return tuple(found)
