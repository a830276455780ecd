"""Stores into parts of arrays, by the quickest call.  A diagonal that is given by the numbers of
its rows is a view: no numbers are read then, and nothing is copied.

    j = np.arange(4)
    H[:, j, :, j] += M      ->      part = H.diagonal(0, 1, 3).transpose(2, 0, 1)
                                    part.setflags(True)        which NumPy's diagonals are not
                                    np.add(part, M, part)
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from .flat import Flat, names_in
from .measured import Seen
from .named_once import unchanging

BINARY: dict[type[ast.operator], np.ufunc] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.MatMult: np.matmul,
}


def rows_of(flat: Flat, numbers: Mapping[str, Any]) -> dict[str, int]:
    """How many there are of the arrays 0, 1, ... of a text that nothing changes or returns, by
    their names."""
    found: dict[str, int] = {}
    lasting = unchanging(flat) - {*flat.returned}
    for node in [part for whole in flat.body for part in ast.walk(whole)]:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        name, value = node.targets[0].id, node.value
        if name in lasting and isinstance(value, ast.Call) and not value.keywords and (
                ast.unparse(value.func) == "np.arange") and len(value.args) == 1 and (
                {*names_in(value.args[0])} <= flat.plain - flat.loose & numbers.keys()):
            count = eval(ast.unparse(value.args[0]), dict(numbers))  # of sizes alone
            if type(count) is int:
                found[name] = count
    return found


class Stores:
    """rows: how many there are of arrays 0, 1, ..., by their names."""

    flat: Flat
    arrays: Mapping[str, Seen]
    space: dict[str, Any]
    rows: Mapping[str, int]
    _bound: dict[tuple[str, Any], str]

    def bind(self, stem: str, thing: Any, key: Any = None) -> str:
        """A name of the text's own for an object."""
        key = (stem, id(thing) if key is None else key)
        if key not in self._bound:
            name = stem
            while name in self.flat.taken:
                name += "_"
            self.flat.taken.add(name)
            self.space[name] = thing
            self._bound[key] = name
        return self._bound[key]

    def _seen(self, node: ast.expr) -> Seen | None:
        return self.arrays.get(node.id) if isinstance(node, ast.Name) else None

    def _atom(self, node: ast.expr, beside: Seen) -> str:
        """An operand; a number as an array of no axes, which NumPy takes in less time."""
        text = ast.unparse(node)
        if (beside.dtype.kind == "f" and not isinstance(node, ast.Name)) or (
                isinstance(node, ast.Name) and node.id in self.flat.plain):
            names = {*names_in(node)} - {"np"}
            if names <= self.space.keys() and not names & self.flat.loose:
                number = eval(text, dict(self.space))  # of sizes and numbers alone
                if type(number) in (int, float) and beside.dtype.kind == "f":
                    made = np.array(number, beside.dtype)
                    if np.isfinite(made) or not np.isfinite(number):
                        return self.bind("number", made, (text, beside.dtype))
        return text

    def _fits(self, target: ast.Subscript, name: str) -> bool:
        """Whether a part of an array is one that the values of a name fill."""
        whole, part = self._seen(target.value), self.arrays.get(name)
        if whole is None or part is None or whole.dtype != part.dtype or not part.shape:
            return False
        entries = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        if any(isinstance(one, ast.Slice) and {*names_in(one)} & self.flat.loose
               for one in entries) or not {*names_in(target.slice)} <= {*self.flat.plain, "np"}:
            return False
        try:
            at = ast.unparse(ast.Subscript(ast.Name("_", ast.Load()), target.slice, ast.Load()))
            found = eval(at, {**self.space, **dict.fromkeys(self.flat.loose, 0),
                              "_": np.broadcast_to(0, whole.shape)})
            return bool(found.shape == part.shape)
        except (IndexError, TypeError):
            return False

    def _stored(self, node: ast.stmt) -> list[str]:
        """The lines that give a part of an array its values."""
        plain = ast.unparse(ast.fix_missing_locations(node))
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        view = self._diagonal(target) if isinstance(target, ast.Subscript) else ""
        if not view:
            return [plain]
        assert isinstance(node, ast.Assign)
        part = self.bind("part", None, "part")
        return [f"({part} := {view}).setflags(True)", f"{part}[...] = {ast.unparse(node.value)}"]

    def _added(self, node: ast.AugAssign) -> list[str]:
        """The lines that add to a part of an array, or change it otherwise."""
        plain = ast.unparse(ast.fix_missing_locations(node))
        target = node.target
        if not isinstance(target, ast.Subscript) or type(node.op) not in BINARY:
            return [plain]
        view, whole = self._diagonal(target), self._seen(target.value)
        part = self.bind("part", None, "part")
        function = self.bind(BINARY[type(node.op)].__name__, BINARY[type(node.op)])
        if view:
            assert whole is not None
            return [f"({part} := {view}).setflags(True)",
                    f"{function}({part}, {self._atom(node.value, whole)}, {part})"]
        every = isinstance(target.slice, ast.Constant) and target.slice.value is ...
        entries = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        if not {*names_in(target.slice)} <= {*self.flat.plain, "np"} or (
                whole is None or not whole.shape) or (
                isinstance(target.slice, ast.Constant) and not every) or (
                not every and len(entries) >= len(whole.shape) and not any(
                    isinstance(one, ast.Slice) for one in entries)):
            return [plain]  # one entry is no array
        return [f"{function}({part} := {ast.unparse(target)}, {self._atom(node.value, whole)}, "
                f"{part})"]

    def _diagonal(self, target: ast.Subscript) -> str:
        """A part of an array as a view, where it is a diagonal, x[:, j, :, j] with the numbers j
        of all rows, with its axes in the order of NumPy's result; "" for another part."""
        whole = self._seen(target.value)
        entries = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        texts = [ast.unparse(entry) for entry in entries]
        at = [axis for axis, text in enumerate(texts) if text != ":"]
        if whole is None or len(at) != 2 or texts[at[0]] != texts[at[1]] or any(
                self.rows.get(texts[axis]) != whole.shape[axis] for axis in at):
            return ""
        others = len(whole.shape) - 2
        # what arrays pick stands in front where a slice is between them
        before = at[0] if at[1] == at[0] + 1 else 0
        order = (*range(before), others, *range(before, others))
        turned = f".transpose({', '.join(map(str, order))})" if before < others else ""
        return f"{ast.unparse(target.value)}.diagonal(0, {at[0]}, {at[1]}){turned}"
