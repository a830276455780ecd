"""What a statement of a program reads and writes, by the names of its scope.

What is called decides what may change: a function of the user's may write into what it is handed,
NumPy's do so in a few cases that are known.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, ModuleType
from typing import Any

import numpy as np

from gradproof.checks.hand_files import read_outside
from gradproof.programs.copies import attribute, is_drawn_from, is_mutable
from gradproof.repair.edits import function_name

PLAIN = frozenset({"shape", "ndim", "size", "dtype"})
"""What is asked of an array without its numbers."""

CREATING = frozenset({
    "zeros", "ones", "empty", "full", "eye", "arange", "zeros_like", "ones_like", "empty_like",
    "full_like", "len", "range", "int", "float", "list", "dict", "shape", "size", "max", "min",
})
"""Functions that make something of sizes alone."""

IN_PLACE = frozenset({"fill", "sort", "put", "resize", "itemset", "partition"})
"""Methods of arrays that write into them."""

FIRST_WRITTEN = frozenset({"copyto", "put", "fill_diagonal", "at", "shuffle", "place", "putmask"})
"""Functions of NumPy that write into their first argument."""

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Effects:
    """What a statement does to the names of a scope.

    reads: names that it reads; by_value: those of them of whose numbers it makes use.
    sets: names that it assigns whatever they were; touches: those that it may change.
    """

    reads: frozenset[str]
    by_value: frozenset[str]
    sets: frozenset[str]
    touches: frozenset[str]

    @property
    def writes(self) -> frozenset[str]:
        return self.sets | self.touches


def effects(statement: ast.stmt, values: Values) -> Effects:
    """What a statement may do, where the names of its scope have such values."""
    reads, by_value = set[str](), set[str]()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            reads.add(node.id)
            by_value |= outside(values.get(node.id))
        elif isinstance(node, ast.AugAssign):
            by_value |= {base(node.target)}
    by_value |= _by_value(statement)
    reads |= by_value
    stored = {node.id for node in ast.walk(statement)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del)}
    touches = set(_touched(statement, values))
    if isinstance(statement, ast.AugAssign):
        touches |= stored
        stored = set()
    elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
        stored = {statement.name}
    elif not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom):
        touches |= stored  # on one of several ways
        stored = set()
    if isinstance(statement, ast.Import | ast.ImportFrom):
        stored = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return Effects(frozenset(reads), frozenset(by_value), frozenset(stored),
                   frozenset(touches - stored))


def only_added_to(statement: ast.stmt) -> frozenset[str]:
    """The names that a statement reads for ``name += ...`` alone."""
    nodes = list(ast.walk(statement))
    return frozenset(base(node.target) for node in nodes if isinstance(node, ast.AugAssign)) - {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def base(node: ast.AST) -> str:
    """The name at which an expression such as ``a.b[0].c`` begins; "" where it is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def words_of(node: ast.AST) -> Iterator[str]:
    """The words of an expression such as ``self.history["loss"]``."""
    for part in ast.walk(node):
        word = getattr(part, "id", getattr(part, "attr", getattr(part, "value", None)))
        if isinstance(word, str):
            yield word


def _by_value(node: ast.AST) -> set[str]:
    """The names that are read otherwise than for a shape."""
    found: set[str] = set()
    left: list[ast.AST] = [node]
    while left:
        part = left.pop()
        if isinstance(part, ast.Attribute) and part.attr in PLAIN:
            continue
        if isinstance(part, ast.Call) and function_name(part) in (
                "len", "zeros_like", "ones_like", "empty_like", "shape", "size"):
            left += part.args[1:]
            continue
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            found.add(part.id)
        left += ast.iter_child_nodes(part)
    return found


def _touched(statement: ast.stmt, values: Values) -> Iterator[str]:
    """The names whose values a statement may change in place."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(
                node.ctx, ast.Store | ast.Del):
            yield base(node)
        elif isinstance(node, ast.AugAssign):
            yield base(node.target)
        elif isinstance(node, ast.Call):
            yield from (name for name in _touched_by(node, values) if name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names


def _touched_by(call: ast.Call, values: Values) -> Iterator[str]:
    name = function_name(call)
    yield from (base(word.value) for word in call.keywords if word.arg == "out")
    if isinstance(call.func, ast.Attribute):
        owner = values.get(base(call.func.value))
        if isinstance(owner, ModuleType):
            if _is_plain_module(owner):
                if name in FIRST_WRITTEN and call.args:
                    yield base(call.args[0])
                return
        elif isinstance(owner, np.ndarray):
            if name in IN_PLACE:
                yield base(call.func.value)
            return
        elif isinstance(owner, str | bytes | int | float | np.generic):
            return
        elif not is_drawn_from(attribute(call.func.value, values)):
            yield base(call.func.value)
            if isinstance(owner, list | dict | set):
                return
    else:
        function = values.get(name)
        if function is None or isinstance(function, BuiltinFunctionType | np.ufunc) or (
                _is_plain_module(inspect.getmodule(function))):
            return
    for argument in (*call.args, *(word.value for word in call.keywords)):
        if is_mutable(values.get(base(argument))):
            yield base(argument)
    yield from outside(values.get(base(call.func)), written=True)


def _is_plain_module(module: Any) -> bool:
    """Whether a module is a library, and not the user's."""
    file = getattr(module, "__file__", None)
    return isinstance(module, ModuleType) and module.__name__ != "__main__" and (
        file is None or "site-packages" in file or file.startswith(_STANDARD))


_STANDARD = str(inspect.getfile(ast)).rsplit("/", 1)[0]


def outside(value: Any, written: bool = False) -> frozenset[str]:
    """The names of its file that a function or a class of the user's reads: what may change there.

    Arrays, containers and numbers, which may be sizes.

    written: those that a function says it assigns.
    """
    found: set[str] = set()
    for function in _functions(value):
        if written:
            found |= _assigned_outside(function)
        else:
            found |= {name for name, inner in read_outside(function).items()
                      if is_mutable(inner) or isinstance(inner, int | float | np.number)}
    return frozenset(found)


def _functions(value: Any) -> Iterator[Callable[..., Any]]:
    if inspect.isfunction(value):
        if not _is_plain_module(inspect.getmodule(value)):
            yield value
    elif inspect.isclass(value) or hasattr(value, "__dict__"):
        kind = value if inspect.isclass(value) else type(value)
        if kind.__module__ == "builtins" or _is_plain_module(inspect.getmodule(kind)):
            return
        for part in kind.__mro__:
            if part.__module__ not in ("builtins", "abc", "typing"):
                yield from (inner for inner in vars(part).values() if inspect.isfunction(inner))


def _assigned_outside(function: Any) -> frozenset[str]:
    """The names of its file, or of a function around it, that a function assigns."""
    import dis

    code = function.__code__
    return frozenset(step.argval for step in dis.get_instructions(code) if (
        step.opname == "STORE_GLOBAL"
        or (step.opname == "STORE_DEREF" and step.argval in code.co_freevars)))


# --- forms --------------------------------------------------------------------------------------


def is_of_sizes(statement: ast.stmt, values: Values) -> bool:
    """Whether a statement assigns what follows from sizes and numbers in its text alone.

    ``m = X.shape[0]``, ``dW = np.zeros_like(W)``, ``grads = {}``.
    """
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    for node in ast.walk(statement.value):
        if isinstance(node, ast.Call) and function_name(node) not in CREATING:
            return False
        if isinstance(node, ast.Lambda | ast.Await | ast.NamedExpr | ast.JoinedStr):
            return False
    arrays = {name for name in _by_value(statement.value) if isinstance(
        values.get(name), np.ndarray | list | dict) or hasattr(values.get(name), "__dict__")}
    return not {name for name in arrays if not isinstance(values.get(name), ModuleType)
                and not inspect.isroutine(values.get(name))}


def updated(tree: ast.AST) -> frozenset[str]:
    """The words by which a program names what it moves by a step: ``W1 -= ...``, ``self.b = self.b
    + ...``, ``weights = [w - s*d for ...]``; "[]" for items such as ``parameters[key] -= ...``.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            found |= _words(node.target)
        elif isinstance(node, ast.Assign):
            for target, value in assigned(node):
                if moves(target, value):
                    found |= _words(target)
    return frozenset(found)


def goes_down_in(body: Sequence[ast.stmt]) -> bool:
    """Whether statements subtract from something that they keep: ``W -= ...``, ``W = W - ...``."""
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub) and not isinstance(
                node.value, ast.Constant):
            return True
        if isinstance(node, ast.Assign) and any(
                moves(target, value) and isinstance(value, ast.BinOp)
                and isinstance(value.op, ast.Sub) and not isinstance(value.right, ast.Constant)
                for target, value in assigned(node)):
            return True
    return False


def assigned(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What an assignment assigns to what: ``a, b = a - s, b - t`` is two of them."""
    for target in node.targets:
        if isinstance(target, ast.Tuple | ast.List) and isinstance(
                node.value, ast.Tuple | ast.List) and len(target.elts) == len(node.value.elts):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


def moves(target: ast.expr, value: ast.expr) -> bool:
    """Whether an assignment is a step from the target's own value, or from that of the same key in
    what the target is a copy of."""
    text = ast.unparse(target)

    def is_it(part: ast.expr) -> bool:
        return ast.unparse(part) == text or (
            isinstance(part, ast.Subscript) and isinstance(target, ast.Subscript)
            and isinstance(target.slice, ast.BinOp | ast.JoinedStr | ast.Constant)
            and isinstance(getattr(target.slice, "value", ""), str)
            and ast.dump(part.slice) == ast.dump(target.slice))

    if isinstance(value, ast.Call) and function_name(value) in ("list", "tuple") and value.args:
        value = value.args[0]
    if isinstance(value, ast.ListComp | ast.GeneratorExp):
        inside = any(ast.unparse(node) == text for made in value.generators
                     for node in ast.walk(made.iter) if isinstance(node, ast.expr))
        return inside and isinstance(value.elt, ast.BinOp) and isinstance(
            value.elt.op, ast.Add | ast.Sub)
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add | ast.Sub):
        return False
    left = [value.left, value.right] if isinstance(value.op, ast.Add) else [value.left]
    while left:
        part = left.pop()
        if is_it(part):
            return True
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add | ast.Sub):
            left += [part.left]
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult):
            left += [part.left, part.right]
    return False


def is_shuffled(statement: ast.stmt, name: str) -> bool:
    """Whether a statement has a library write into an array: ``rng.shuffle(X)``."""
    return any(isinstance(node, ast.Call) and function_name(node) in FIRST_WRITTEN and node.args
               and base(node.args[0]) == name for node in ast.walk(statement))


def is_put_back(value: ast.expr, name: str) -> bool:
    """Whether a value is what a name has, put back into its bounds: ``np.clip(W, -1, 1)``,
    ``W / norm(W)``."""
    if isinstance(value, ast.Call):
        return function_name(value) in ("clip", "maximum", "minimum") and any(
            base(part) == name for part in (value.func, *value.args))
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div) \
        and base(value.left) == name


def _words(target: ast.expr) -> set[str]:
    if isinstance(target, ast.Name):
        return {target.id}
    if isinstance(target, ast.Attribute):
        return {target.attr}
    if isinstance(target, ast.Subscript):
        return {"[]", *_words(target.value)}
    return set()


def aliases(body: Sequence[ast.stmt]) -> dict[str, set[str]]:
    """By a name, the names of what it may be a part of: ``for layer in self.layers``."""
    found: dict[str, set[str]] = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.For | ast.comprehension):
                target, value = node.target, node.iter
            elif isinstance(node, ast.Assign) and not isinstance(node.value, ast.Call):
                target, value = node.targets[0], node.value
            else:
                continue
            if isinstance(value, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Constant):
                continue
            of = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    found.setdefault(part.id, set()).update(of - {part.id})
    return found


def targets(statement: ast.stmt) -> frozenset[str]:
    """The names that a statement itself assigns, wholly or in part."""
    return frozenset(base(node) for node in ast.walk(statement) if isinstance(
        node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(
        node.ctx, ast.Store | ast.Del))


def asks_sizes(statement: ast.stmt) -> bool:
    """Whether a statement asks for a size of an array, rather than for a number of the text."""
    return any((isinstance(node, ast.Attribute) and node.attr in ("shape", "size"))
               or (isinstance(node, ast.Call) and function_name(node) == "len")
               for node in ast.walk(statement))


def first_set(done: Sequence[Effects]) -> frozenset[str]:
    """Names that are assigned before they are read."""
    read: set[str] = set()
    found: set[str] = set()
    for effect in done:
        read |= effect.reads - found
        found |= effect.sets - read
    return frozenset(found)


def only_says(statement: ast.stmt) -> bool:
    """Whether a statement prints, and does nothing else that is wanted."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and (
        function_name(statement.value) in ("print", "display", "set_description", "set_postfix"))


def defines(statement: ast.stmt) -> Iterable[str]:
    """The names under which a statement leaves a function of its own."""
    if isinstance(statement, ast.FunctionDef):
        yield statement.name
    elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
        yield from (node.id for node in statement.targets if isinstance(node, ast.Name))
