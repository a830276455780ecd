"""Products as one product of matrices each: an einsum of two arrays, a tensordot, a matmul of a
stack with one matrix, and a matmul that a loop does row by row.

    np.einsum("abc,dce->adbe", x, y)    ->    x.reshape(m n, p) @ y.transpose(1, 0, 2).reshape(p, q)
    for t in range(T): z = x[t] @ W     ->    y = x @ W, before the loop, and z = y[t] in it
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from math import prod
from string import ascii_letters

from .flat import Flat, names_in
from .measured import Measured, Seen
from .named_once import roots_of, stored


def as_products(flat: Flat, seen: Measured) -> None:
    """Writes the products of a flat text anew, for the shapes that were seen."""
    writing = _Writing(flat, seen)
    flat.body = writing.block(flat.body)


class _Writing:
    def __init__(self, flat: Flat, seen: Measured) -> None:
        self.flat = flat
        self.arrays = dict(seen.arrays)
        self.numbers = seen.numbers
        self.roots = roots_of(flat)
        self.number = 0

    def new(self) -> str:
        while f"p{self.number}" in self.flat.taken:
            self.number += 1
        self.flat.taken.add(f"p{self.number}")
        return f"p{self.number}"

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for node in body:
            if isinstance(node, ast.For):
                inside = self.block(node.body)
                made += self._before_loop(node, inside)
                made.append(ast.For(node.target, node.iter, inside, []))
            elif isinstance(node, ast.If):
                made.append(ast.If(node.test, self.block(node.body), []))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                made += self._product(node.targets[0].id, node.value) or [node]
            else:
                made.append(node)
        return made

    # --- one product ----------------------------------------------------------------------------

    def _product(self, name: str, value: ast.expr) -> list[ast.stmt]:
        """The statements that compute a product; none where it is left as it is."""
        found = self._labels(value)
        if found is None or name not in self.arrays:
            return []
        left, right, (one, two, out) = found
        if len({*one}) < len(one) or len({*two}) < len(two) or len({*out}) < len(out):
            return []
        if {*out} - {*one} - {*two} or ({*one} ^ {*two}) - {*out}:
            return []  # a label that is summed in one of them alone
        return self._matmul(name, (left, one), (right, two), out)

    def _labels(self, value: ast.expr) -> tuple[str, str, tuple[str, str, str]] | None:
        """Two arrays that are multiplied, and their axes as an einsum has them."""
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
            return self._stack(value)
        if not isinstance(value, ast.Call):
            return None
        called, arguments = ast.unparse(value.func), list(value.args)
        if called == "np.einsum" and len(arguments) == 3:
            one, two = self._pair(arguments[1:])
            if one is None or two is None:
                return None
            sides, _, out = ast.literal_eval(arguments[0]).partition("->")
            first, second = sides.split(",")
            return ast.unparse(arguments[1]), ast.unparse(arguments[2]), (first, second, out)
        if called == "np.tensordot" and len(arguments) == 2 and value.keywords:
            one, two = self._pair(arguments)
            if one is not None and two is not None:
                return self._tensordot(arguments, value.keywords[0].value, one, two)
        return None

    def _stack(self, value: ast.BinOp) -> tuple[str, str, tuple[str, str, str]] | None:
        """A stack of matrices times one matrix."""
        one, two = self._pair([value.left, value.right])
        if one is None or two is None or not one.is_ordered or (
                len(one.shape) < 3 or len(two.shape) != 2):
            return None
        axes = ascii_letters[:len(one.shape)]
        return (ast.unparse(value.left), ast.unparse(value.right),
                (axes, axes[-1] + "Z", axes[:-1] + "Z"))

    def _tensordot(
        self, arguments: Sequence[ast.expr], axes: ast.expr, one: Seen, two: Seen
    ) -> tuple[str, str, tuple[str, str, str]]:
        first, second = ast.literal_eval(axes)
        first, second = ([side] if isinstance(side, int) else list(side)
                         for side in (first, second))
        labels = list(ascii_letters[:len(one.shape)])
        others = list(ascii_letters[26:26 + len(two.shape)])
        for mine, yours in zip(first, second, strict=True):
            others[yours] = labels[mine]
        out = [x for x in labels if x not in others] + [x for x in others if x not in labels]
        return (ast.unparse(arguments[0]), ast.unparse(arguments[1]),
                ("".join(labels), "".join(others), "".join(out)))

    def _pair(self, nodes: Sequence[ast.expr]) -> tuple[Seen | None, Seen | None]:
        one, two = (self.arrays.get(n.id) if isinstance(n, ast.Name) else None for n in nodes)
        if one is None or two is None or one.dtype != two.dtype or one.dtype.kind != "f":
            return None, None
        return one, two

    def _matmul(
        self, name: str, left: tuple[str, str], right: tuple[str, str], out: str
    ) -> list[ast.stmt]:
        """The product as transposes and reshapes around one matmul."""
        sizes = dict(zip(left[1], self.arrays[left[0]].shape, strict=True)) | dict(
            zip(right[1], self.arrays[right[0]].shape, strict=True))
        both = [x for x in left[1] if x in right[1]]
        stacks, summed = [x for x in both if x in out], [x for x in both if x not in out]
        rows, columns = ([x for x in out if x in side[1] and x not in both]
                         for side in (left, right))
        summed.sort(key=left[1].index)
        made: list[ast.stmt] = []
        texts = [self._arranged(made, array, labels, (stacks, *parts), sizes)
                 for (array, labels), parts in (
                     (left, (rows, summed)), (right, (summed, columns)))]
        order = [*stacks, *rows, *columns]
        steps = [f"{texts[0]} @ {texts[1]}"]
        if len(rows) != 1 or len(columns) != 1:
            steps.append(f"{{}}.reshape({tuple(sizes[x] for x in order)})")
        if order != list(out):
            steps.append(f"{{}}.transpose({_at(list(out), order)})")
        text = ""
        for step in steps[:-1]:
            text = self._made(made, step.format(text))
        return made + ast.parse(f"{name} = {steps[-1].format(text)}").body

    def _arranged(
        self, made: list[ast.stmt], array: str, labels: str,
        parts: tuple[list[str], list[str], list[str]], sizes: Mapping[str, int],
    ) -> str:
        """The name of an array as a stack of matrices: its stacks, rows and columns."""
        stacks, rows, columns = parts
        order, text = [*stacks, *rows, *columns], array
        if order != list(labels):
            text = self._made(made, f"{text}.transpose({_at(order, labels)})")
        shape = [*map(sizes.__getitem__, stacks),
                 *(prod(map(sizes.__getitem__, part)) for part in (rows, columns))]
        if shape != [sizes[x] for x in order]:
            text = self._made(made, f"{text}.reshape({tuple(shape)})")
        return text

    def _made(self, made: list[ast.stmt], text: str) -> str:
        name = self.new()
        made += ast.parse(f"{name} = {text}").body
        return name

    # --- loops ----------------------------------------------------------------------------------

    def _before_loop(self, loop: ast.For, inside: list[ast.stmt]) -> list[ast.stmt]:
        """Products x[t] @ W of the steps of a loop, as one; `inside` reads its parts."""
        steps = self._steps(loop)
        if steps is None:
            return []
        counter = ast.unparse(loop.target)
        changed = stored([loop], self.roots) | {
            name for node in ast.walk(loop) if isinstance(node, ast.Assign)
            for name in names_in(node.targets[0])}
        rows: dict[str, str] = {}
        made: list[ast.stmt] = []
        for place, node in enumerate(inside):
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            name, value = node.targets[0].id, node.value
            if isinstance(value, ast.Subscript) and ast.unparse(value.slice) == counter and (
                    isinstance(value.value, ast.Name)):
                rows[name] = value.value.id
            if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.MatMult):
                continue
            whole, matrix = rows.get(ast.unparse(value.left), ""), ast.unparse(value.right)
            if not self._are_rows(whole, matrix, steps) or any(
                    {one, *self.roots.get(one, ())} & changed for one in (whole, matrix)):
                continue
            stack, other = self.arrays[whole], self.arrays[matrix]
            product = self.new()
            size = (*stack.shape[:2], other.shape[1])
            flat = self._made(made, f"{whole}.reshape({prod(stack.shape[:2]), stack.shape[2]})")
            rowwise = self._made(made, f"{flat} @ {matrix}")
            made += ast.parse(f"{product} = {rowwise}.reshape({size})").body
            inside[place] = ast.parse(f"{name} = {product}[{counter}]").body[0]
        return made

    def _are_rows(self, whole: str, matrix: str, steps: int) -> bool:
        """Whether there is a matrix for each of the steps, and another one that they multiply."""
        stack, other = self.arrays.get(whole), self.arrays.get(matrix)
        return stack is not None and other is not None and stack.is_ordered and (
            len(stack.shape) == 3 and len(other.shape) == 2 and stack.shape[0] == steps
            and stack.dtype == other.dtype)

    def _steps(self, loop: ast.For) -> int | None:
        """How many steps a loop over 0, 1, ..., in either direction, takes."""
        over = loop.iter
        if isinstance(over, ast.Call) and ast.unparse(over.func) == "reversed":
            over = over.args[0]
        if not isinstance(over, ast.Call) or ast.unparse(over.func) != "range" or (
                len(over.args) != 1):
            return None
        end = over.args[0]
        if isinstance(end, ast.Constant) and isinstance(end.value, int):
            return end.value
        found = self.numbers.get(end.id) if isinstance(end, ast.Name) else None
        return found if isinstance(found, int) else None


def _at(labels: Sequence[str], within: str | Sequence[str]) -> str:
    return ", ".join(str(list(within).index(x)) for x in labels)
