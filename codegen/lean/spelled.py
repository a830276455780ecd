"""A flat text for arrays of the types and shapes that were seen: each operation by the call that
does it in the least time, into memory that is no longer read where there is some.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import single
from .flat import Flat, names_in
from .lives import FOREVER, Lives, lives
from .measured import Measured, Seen
from .pool import Pool, zeros
from .stores import BINARY, Stores, rows_of

COMPARED: dict[type[ast.cmpop], np.ufunc] = {
    ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Lt: np.less, ast.LtE: np.less_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}
SMALL = 4096
"""Products up to this size are summed as a BLAS dot product: it sums in another order, which for
more entries would be less exact than NumPy's pairs."""


class Spelled(Stores):
    """The lines of a function, and the objects that it refers to.

    workspace: whether arrays of its own stay allocated between calls.
    """

    def __init__(
        self, flat: Flat, seen: Measured, space: dict[str, Any], workspace: bool
    ) -> None:
        self.flat = flat
        self.arrays = seen.arrays
        self.space = {**space, **seen.numbers}
        self.lives: Lives = lives(flat)
        self.rows = rows_of(flat, self.space)
        self.pool = Pool() if workspace else None
        self._bound: dict[tuple[str, Any], str] = {}
        self.lines: list[str] = []
        self.gone: set[str] = set()
        """Names that are not bound any more, or never were: of a value joined into another."""
        self.spare: list[str] = []
        """Names of arrays whose memory is free."""
        self.taken: set[str] = set()
        """Names whose memory another one has since."""
        self.alive: set[str] = set()
        """Names that are bound, and not given back."""
        self.made = {node.targets[0].id: self.lives.places[id(node)] for node in flat.body
                      if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
                      and self._owns(node.targets[0].id)}
        self.held: dict[str, set[str]] = {}
        """The buffers that a name's values stand in."""
        self._block(flat.body, "", ())
        self.block = None
        """The memory of the workspace."""
        if self.pool is not None:
            self.block, parts = self.pool.arrays()
            self.space |= parts

    # --- statements -----------------------------------------------------------------------------

    def _block(self, body: Sequence[ast.stmt], indent: str, path: tuple[int, ...]) -> None:
        place = 0
        while place < len(body):
            node, after = body[place], body[place + 1] if place + 1 < len(body) else None
            started, place = place, place + 1
            if isinstance(node, ast.For | ast.If):
                head = (f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}:"
                        if isinstance(node, ast.For) else f"if {ast.unparse(node.test)}:")
                self.lines.append(indent + head)
                before = len(self.lines)
                self._block(node.body, indent + "    ",
                            (*path, id(node)) if isinstance(node, ast.For) else path)
                del self.lines[before - (len(self.lines) == before):before]  # known numbers alone
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                joined = self._joined(node, after, indent)
                place += joined
                if joined:
                    self.gone.add(node.targets[0].id)
                else:
                    self._assigned(node.targets[0].id, node, indent, path)
            elif isinstance(node, ast.AugAssign):
                self.lines += [indent + line for line in self._added(node)]
            else:
                self.lines += [indent + line for line in self._stored(node)]
            done = self.lives.places[id(body[place - 1])]
            if self.pool is None and not indent:
                self.alive.update(one.targets[0].id for one in body[started:place] if isinstance(
                    one, ast.Assign) and isinstance(one.targets[0], ast.Name))
                self._let_go(done)

    def _let_go(self, place: int) -> None:
        """What nothing reads any more: arrays are kept for what is still to come that is like them,
        else given back, and views of them, too."""
        self.alive -= self.gone
        found = []
        for name in sorted(self.alive):
            roots = self.lives.roots.get(name, frozenset())
            if self.lives.last.get(name, 0) > place or name in self.flat.plain:
                continue
            self.gone.add(name)
            seen = self.arrays.get(name)
            if roots == {name} and not roots & self.taken and seen is not None and seen.owns and (
                    self.lives.ends.get(name, 0) <= place):
                self.spare.append(name)
            else:
                found.append(name)
        wanted = {self.arrays[name].kind for name, its in self.made.items()
                  if self.spare and its > place}
        idle = [name for name in self.spare if self.arrays[name].kind not in wanted]
        self.spare = [name for name in self.spare if name not in idle]
        if found or idle:
            self.lines.append(f"del {', '.join([*found, *idle])}")

    def _owns(self, name: str) -> bool:
        return name in self.arrays and name not in self.flat.arguments and (
            self.arrays[name].owns)

    def _joined(self, node: ast.Assign, after: ast.stmt | None, indent: str) -> bool:
        """Whether a value and the one statement after it that reads it became one line."""
        assert isinstance(node.targets[0], ast.Name)
        name = node.targets[0].id
        if not isinstance(after, ast.Assign) or self.lives.uses.get(name) != 1 or (
                self.lives.ends.get(name, 0) >= FOREVER):
            return False
        target, value = after.targets[0], after.value
        if isinstance(target, ast.Name) and isinstance(value, ast.Call) and (
                ast.unparse(value) == f"np.sum({name})"):
            text = self._dot(node.value)
            if text:
                self.lines.append(f"{indent}{target.id} = {text}")
            return bool(text)
        if isinstance(target, ast.Subscript) and isinstance(value, ast.Name) and (
                value.id == name and self._fits(target, name)):
            text = self._call(node.value, ast.unparse(target), in_part=True)
            if text:
                self.lines.append(indent + text)
            return bool(text)
        return False

    def _dot(self, value: ast.expr) -> str:
        """Σ a b of small arrays of one shape."""
        pair: list[ast.expr] = []
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
            pair = [value.left, value.right]
        elif isinstance(value, ast.Call) and ast.unparse(value.func) == "np.square":
            pair = [value.args[0], value.args[0]]
        seen = [self._seen(part) for part in pair]
        first = seen[0] if seen else None
        if first is None or first.dtype.kind != "f" or not first.is_ordered or (
                first.size > SMALL or first.dtype.itemsize < 8 or any(
                    s is None or not s.is_ordered or (s.dtype, s.shape) != (
                        first.dtype, first.shape) for s in seen)):
            return ""
        return f"{self.bind('vdot', np.vdot)}({', '.join(map(ast.unparse, pair))})"

    def _assigned(
        self, name: str, node: ast.Assign, indent: str, path: tuple[int, ...]
    ) -> None:
        if name in self.space and name in self.flat.plain - self.flat.loose:
            self.gone.add(name)
            return  # a number that is known
        if name in self.rows:
            self.space[name] = np.arange(self.rows[name])
            self.gone.add(name)
            return
        seen = self.arrays.get(name)
        out = self._out(name, node, path) if seen is not None and seen.owns else ""
        text = self._call(node.value, out)
        if not text and out:
            text = self._filled(node.value, out)
        if not text or not out:
            unused = self.held.pop(name, None)
            if self.pool is not None and unused == {out}:
                self.pool.drop(out)
        elif out in self.spare:
            self.spare.remove(out)
        if text and out:
            self.taken |= self.lives.roots.get(out, frozenset())
        text = text or ast.unparse(ast.fix_missing_locations(node.value))
        self.lines.append(f"{indent}{name} = {text}")

    def _out(self, name: str, node: ast.Assign, path: tuple[int, ...]) -> str:
        """Memory for the values of a name: that of an operand which is not read any more, or else
        of the workspace."""
        seen, place = self.arrays[name], self.lives.places[id(node)]
        elementwise = not isinstance(node.value, ast.BinOp) or not isinstance(
            node.value.op, ast.MatMult)
        for operand in names_in(node.value) if elementwise and self._ufunc(node.value) else ():
            if self._is_free(operand, seen, place) and (
                    self.lives.loops.get(operand) == path == self.lives.loops.get(name)):
                self._keep(name, operand)
                return operand
        if self.pool is None:
            like = [one for one in self.spare if self.arrays[one].kind == seen.kind]
            return like[-1] if like and not path else ""
        if not seen.shape:
            return ""
        self.held[name] = {made := self.bind("buffer", None, place)}
        outer = path[len(self.lives.loops.get(name, path)):]
        start = self.lives.places[outer[0]] if outer else place  # the next step reads it
        self.pool.take(made, seen, start, self.lives.ends.get(name, 0))
        return made

    def _keep(self, name: str, operand: str) -> None:
        """All buffers that an operand may have memory of are those of a name from here on."""
        found = [self.held[root] for root in self.lives.roots[operand] if root in self.held]
        self.held[name] = set[str]().union(*found)
        if self.pool is not None:
            self.pool.keep(self.held[name], self.lives.ends.get(name, 0))

    def _is_free(self, name: str, wanted: Seen, place: int) -> bool:
        """Whether the memory of a name is like that which is wanted, and of no array that is read
        after a place."""
        seen = self.arrays.get(name)
        return seen is not None and seen.is_whole and (
            seen.kind == wanted.kind) and all(
            root not in self.flat.arguments and self.lives.ends.get(root) == place
            for root in self.lives.roots.get(name, ()))

    # --- operations -----------------------------------------------------------------------------

    def _ufunc(self, value: ast.expr) -> tuple[np.ufunc, list[ast.expr]] | None:
        """An operation entry by entry, or a product of matrices, and what it is of."""
        if isinstance(value, ast.BinOp) and type(value.op) in BINARY:
            return BINARY[type(value.op)], [value.left, value.right]
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            return np.negative, [value.operand]
        if isinstance(value, ast.Compare):
            return COMPARED[type(value.ops[0])], [value.left, value.comparators[0]]
        if isinstance(value, ast.Call) and not value.keywords:
            function = self._named(value.func)
            if isinstance(function, np.ufunc) and function.nout == 1 and (
                    function.nin == len(value.args)):
                return function, value.args
        return None

    def _named(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.space.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (
                node.value.id == "np"):
            return getattr(np, node.attr, None)
        return None

    def _call(self, value: ast.expr, out: str, in_part: bool = False) -> str:
        """An operation as a call that leaves its values in `out`, which may be a part of an array;
        "" where it has none."""
        found = self._ufunc(value)
        if found is None or self._is_single_erfc(value):
            return self._reduction(value, out, in_part)
        function, operands = found
        seen = [s for s in map(self._seen, operands) if s is not None and s.shape]
        if not seen:
            return ""
        texts = [self._atom(part, seen[0]) for part in operands]
        # NumPy wants the keyword where one may take the array for a third operand
        tail = "" if not out else f", out={out}" if function in (np.maximum, np.minimum) else (
            f", {out}")
        if function is np.matmul:
            # np.dot writes in C order alone; in what order spare memory is, the arguments decide
            both = not in_part and len(seen) == 2 and seen[0].dtype == seen[1].dtype and (
                len(seen[0].shape) == len(seen[1].shape) == 2 and seen[0].dtype.kind == "f") and (
                out not in self.spare)
            whole: Callable[..., Any] = np.dot if both else np.matmul
            return f"{self.bind(whole.__name__, whole)}({', '.join(texts)}{tail})"
        if not out and isinstance(value, ast.BinOp | ast.Compare) and texts == list(
                map(ast.unparse, operands)):
            return ast.unparse(ast.fix_missing_locations(value))
        return f"{self.bind(function.__name__, function)}({', '.join(texts)}{tail})"

    def _is_single_erfc(self, value: ast.expr) -> bool:
        """Whether a value is erfc, as a text brings it along, of many numbers of 32 bits."""
        if not isinstance(value, ast.Call) or ast.unparse(value.func) != "erfc" or not any(
                isinstance(node, ast.ImportFrom) and node.module == "scipy.special"
                for node in ast.walk(self.flat.preamble)):
            return False
        seen = self._seen(value.args[0])
        return seen is not None and seen.dtype == np.float32 and seen.size >= SMALL

    def _reduction(self, value: ast.expr, out: str, in_part: bool) -> str:
        """A sum or a maximum along axes, or erfc in single precision."""
        if self._is_single_erfc(value):
            of = ast.unparse(value.args[0])  # type: ignore[attr-defined]  # a call
            return f"{self.bind('erfc_single', single.erfc)}({of}{f', {out}' if out else ''})"
        if not isinstance(value, ast.Call) or len(value.args) != 1 or (
                ast.unparse(value.func) not in ("np.sum", "np.max")):
            return ""
        of, seen = ast.unparse(value.args[0]), self._seen(value.args[0])
        words = {str(word.arg): ast.unparse(word.value) for word in value.keywords}
        is_sum = ast.unparse(value.func) == "np.sum"
        if seen is None or seen.dtype.kind != "f" or not words.keys() <= {"axis", "keepdims"}:
            return ""
        # a product of BLAS leaves its values in whole arrays alone
        text = ""
        if is_sum and words in ({}, {"axis": "0"}) and not in_part:
            text = self._plain_sum(of, seen, bool(words), out)
        if text or "axis" not in words:
            return text
        function = (np.add if is_sum else np.maximum).reduce
        keep = f", {words['keepdims']}" if "keepdims" in words else ""
        whole = self.bind("sum_along" if is_sum else "max_along", function, is_sum)
        return f"{whole}({of}, {words['axis']}, None, {out or None}{keep})"

    def _plain_sum(self, of: str, seen: Seen, by_rows: bool, out: str) -> str:
        """Σ_i x[i, j], or the sum of a small array, as a product with ones, that of another one as
        it is; "" for others."""
        if not by_rows and not out and not (seen.is_ordered and self._has_few(seen)):
            return f"{self.bind('sum_along', np.add.reduce, True)}({of}, None)"
        if not seen.is_ordered:
            return ""
        if by_rows and len(seen.shape) == 2:
            ones = self.bind("ones", np.ones(seen.shape[0], seen.dtype),
                             (seen.shape[0], seen.dtype))
            return f"{self.bind('dot', np.dot)}({ones}, {of}{f', {out}' if out else ''})"
        if not by_rows and self._has_few(seen):
            ones = self.bind("ones", np.ones(seen.size), (seen.size, seen.dtype))
            return f"{self.bind('vdot', np.vdot)}({ones}, {of})"
        return ""

    def _has_few(self, seen: Seen) -> bool:
        return seen.size <= SMALL and seen.dtype == float

    def _filled(self, value: ast.expr, out: str) -> str:
        """Zeros in memory that is there."""
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "np.zeros":
            return f"{self.bind('zeros', zeros)}({out})"
        return ""
