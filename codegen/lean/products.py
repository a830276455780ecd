"""Products as one product of matrices each: an einsum, a tensordot, a matmul of a stack with one
matrix, and a matmul that a loop does row by row.  Of more than two factors, two at a time.

    np.einsum("abc,dce->adbe", x, y)    ->    x.reshape(m n, p) @ y.transpose(1, 0, 2).reshape(p, q)
    for t in range(T): z = x[t] @ W     ->    y = x @ W, before the loop, and z = y[t] in it
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from string import ascii_letters

from .contractions import (
    CALL,
    MOST,
    Factor,
    Known,
    kept_axes,
    matmul_labels,
    order_of,
    tensordot_labels,
    turned,
)
from .flat import Flat, names_in
from .measured import Measured, Seen
from .named_once import roots_of, stored, unchanging


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
        self.lasting = unchanging(flat)
        self.uses = Counter(name for node in flat.body for name in names_in(node))
        self.uses.update(flat.returned * 2)
        self.number = 0
        self.known = Known()
        self.parts: set[str] = set()
        """Products that are taken apart: they are not there if the order is another one."""

    def new(self) -> str:
        while f"p{self.number}" in self.flat.taken:
            self.number += 1
        self.flat.taken.add(f"p{self.number}")
        return f"p{self.number}"

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        before, self.known = self.known, self.known.copy()
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
        self.known = before
        return made

    # --- one product ----------------------------------------------------------------------------

    def _product(self, name: str, value: ast.expr) -> list[ast.stmt]:
        """The statements that compute a product; none where it is left as it is."""
        self._remember_axes(name, value)
        self.parts = set()
        found = self._factors(value)
        if found is None or not _is_plain(*found) or (name not in self.arrays and found[1]):
            return []
        factors, out = found
        sizes = {x: n for array, labels in factors
                 for x, n in zip(labels, self.arrays[array].shape, strict=True)}
        there = None if len(factors) > 2 else self._there(factors[0], factors[1], out)
        if there is not None:
            turned_to: list[ast.stmt] = []
            text = self._aligned(turned_to, there, out)
            return turned_to + ast.parse(f"{name} = {text}").body
        whole = self._taken_apart(factors, sizes)
        cost, made = self._in_order(name, factors, whole, out, sizes)
        if not made and len(factors) == 2 and _is_rewritten(value, factors, self.arrays) and not (
                {*factors[0][1]} ^ {*factors[1][1]}) - {*out}:
            summed = {*factors[0][1]} - {*out}
            one, two = factors
            made = self._matmul(name, one, two, out, sizes) if summed else self._pair(
                name, one, two, out, sizes, None)
        if name in self.lasting and all(array in self.lasting for array, _ in factors):
            self.known.factors[name] = whole, out, cost
            if len(factors) == 2:
                self.known.add(self._based(factors[0]), self._based(factors[1]), name, out)
        return made

    def _remember_axes(self, name: str, value: ast.expr) -> None:
        """Of an array that is another one with its axes in another order: which."""
        of, order = turned(value, self.arrays)
        if order and name in self.lasting and of in self.lasting:
            base, before = self.known.turned.get(of, (of, tuple(range(len(order)))))
            self.known.turned[name] = base, tuple(before[axis] for axis in order)

    def _based(self, factor: Factor) -> Factor:
        """The array whose axes stand in another order, with their letters in its own."""
        array, labels = factor
        base, order = self.known.turned.get(array, (array, tuple(range(len(labels)))))
        return base, "".join(labels[order.index(axis)] for axis in range(len(labels)))

    def _factors(self, value: ast.expr) -> tuple[list[Factor], str] | None:
        """Arrays that are multiplied, and the letters of their axes and of the result's."""
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
            pair = self._like([value.left, value.right])
            return None if pair is None else matmul_labels(pair, self.arrays)
        if not isinstance(value, ast.Call):
            return None
        called, arguments = ast.unparse(value.func), list(value.args)
        if called == "np.einsum" and 3 <= len(arguments) <= MOST + 1:
            names = self._like(arguments[1:])
            sides, _, out = ast.literal_eval(arguments[0]).partition("->")
            if names is not None and "." not in sides:
                return list(zip(names, sides.split(","), strict=True)), out
        if called == "np.tensordot" and len(arguments) == 2 and value.keywords:
            names = self._like(arguments)
            if names is not None:
                return tensordot_labels(names, value.keywords[0].value, self.arrays)
        return None

    def _like(self, nodes: Sequence[ast.expr]) -> list[str] | None:
        """The names of arrays of floats of one type; None where some are not."""
        names = [node.id if isinstance(node, ast.Name) else "" for node in nodes]
        seen = [self.arrays.get(name) for name in names]
        kinds = {None if one is None else one.dtype for one in seen}
        return names if len(kinds) == 1 and all(
            one is not None and one.dtype.kind == "f" for one in seen) else None

    # --- several factors ------------------------------------------------------------------------

    def _in_order(
        self, name: str, factors: Sequence[Factor], whole: Sequence[Factor], out: str,
        sizes: Mapping[str, int],
    ) -> tuple[float, list[ast.stmt]]:
        """A product of products, or of more than two arrays, in the order of least cost, and that;
        no statements where it stands so."""
        as_it_stands = CALL + float(prod(sizes[x] for x in {x for f in factors for x in f[1]}))
        as_it_stands += sum(self.known.factors[array][2] for array, _ in factors
                            if self._is_part(array))
        if not 2 < len(whole) <= MOST:
            return as_it_stands, []
        cost, pairs = order_of(whole, out, sizes, self._known_axes)
        if len(factors) == 2 and cost > 0.8 * as_it_stands:
            return as_it_stands, []
        made: list[ast.stmt] = []
        left = list(whole)
        for place, (one, two) in enumerate(pairs):
            first, second = left[one], left[two]
            left = [factor for number, factor in enumerate(left) if number not in (one, two)]
            last = place == len(pairs) - 1
            kept = out if last else kept_axes(first, second, left, out)
            there = self._there(first, second, kept)
            if there is not None and not last:
                left.append(there)
                continue
            own = name if last else self.new()
            made += self._pair(own, first, second, kept, sizes, there)
            left.append((own, kept))
        self.known.forget(self.parts)
        return cost, made

    def _known_axes(self, one: Factor, two: Factor, kept: str) -> str | None:
        found = self._there(one, two, kept)
        return None if found is None else found[1]

    def _there(self, one: Factor, two: Factor, kept: str) -> Factor | None:
        found = self.known.find(self._based(one), self._based(two), kept)
        return None if found is None or found[0] in self.parts else found

    def _is_part(self, array: str) -> bool:
        """Whether an array is a product that one other alone reads."""
        return array in self.known.factors and self.uses[array] == 2

    def _taken_apart(self, factors: Sequence[Factor], sizes: dict[str, int]) -> list[Factor]:
        """The factors, products that nothing else reads as theirs, whose axes get letters, too."""
        made: list[Factor] = []
        self.parts = {array for array, _ in factors if self._is_part(array)}
        for array, labels in factors:
            if not self._is_part(array):
                made.append((array, labels))
                continue
            parts, own, _ = self.known.factors[array]
            free = [x for x in ascii_letters if x not in sizes]
            letters = dict(zip(own, labels, strict=True))
            for one, its in parts:
                for x, n in zip(its, self.arrays[one].shape, strict=True):
                    if x not in letters:
                        letters[x] = free.pop(0)
                    sizes[letters[x]] = n
                made.append((one, "".join(map(letters.__getitem__, its))))
        return made

    def _pair(
        self, name: str, one: Factor, two: Factor, out: str, sizes: Mapping[str, int],
        there: Factor | None,
    ) -> list[ast.stmt]:
        """The product of two arrays, summed over the axes that `out` has not."""
        made: list[ast.stmt] = []
        if there is not None:
            return ast.parse(f"{name} = {self._aligned(made, there, out)}").body
        one, two = (self._summed(made, factor, other, out) for factor, other in (
            (one, two), (two, one)))
        both = {*one[1]} & {*two[1]}
        summed = both - {*out}
        alone = ({*one[1]} ^ {*two[1]}) & {*out}
        if summed and (alone or not both - summed) and out:
            return made + self._matmul(name, one, two, out, sizes)
        order = one[1] + "".join(x for x in two[1] if x not in one[1]) if summed else out
        texts = [self._aligned(made, factor, order) for factor in (one, two)]
        product = f"{texts[0]} * {texts[1]}"
        if summed:
            axes = tuple(place for place, x in enumerate(order) if x in summed)
            along = f", axis={axes[0] if len(axes) == 1 else axes}" if out else ""
            product = f"np.sum({self._made(made, product)}{along})"
            kept = "".join(x for x in order if x not in summed)
            if kept != out:
                product = f"{self._made(made, product)}.transpose({_at(out, kept)})"
        return made + ast.parse(f"{name} = {product}").body

    def _summed(
        self, made: list[ast.stmt], factor: Factor, other: Factor, out: str
    ) -> Factor:
        """A factor summed over the axes that it alone has."""
        array, labels = factor
        axes = tuple(p for p, x in enumerate(labels) if x not in other[1] and x not in out)
        if not axes:
            return factor
        name = self._made(made, f"np.sum({array}, axis={axes[0] if len(axes) == 1 else axes})")
        return name, "".join(x for p, x in enumerate(labels) if p not in axes)

    def _aligned(self, made: list[ast.stmt], factor: Factor, order: str) -> str:
        """An array as it broadcasts against one with the axes of `order`."""
        text, labels = factor
        own = [x for x in order if x in labels]
        if own != list(labels):
            text = self._made(made, f"{text}.transpose({_at(own, labels)})")
        if own and len(own) < len(order):
            parts = [":" if x in labels else "None" for x in order]
            while parts[0] == "None":
                del parts[0]
            if len(parts) > len(own):
                text = self._made(made, f"{text}[{', '.join(parts)}]")
        return text

    def _matmul(
        self, name: str, left: Factor, right: Factor, out: str, sizes: Mapping[str, int]
    ) -> list[ast.stmt]:
        """The product as transposes and reshapes around one matmul."""
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
        alone = (0, 1) if not stacks else (1,)  # a vector stays one
        if len(rows) not in alone or len(columns) not in alone:
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
        """The name of an array as a stack of matrices: its stacks, rows and columns.  One that is
        there the other way around is turned, which copies nothing."""
        stacks, rows, columns = parts
        order, text = [*stacks, *rows, *columns], array
        base, own = self._based((array, labels))
        both = [tuple(own.index(x) for x in part) for part in (rows, columns)]
        if not stacks and array in self.lasting:
            there = self.known.arranged.get((base, both[0], both[1]))
            turned_there = self.known.arranged.get((base, both[1], both[0]))
            if there is not None or turned_there is not None:
                return there or self._made(made, f"{turned_there}.T")
        if order != list(labels):
            text = self._made(made, f"{text}.transpose({_at(order, labels)})")
        shape = [*map(sizes.__getitem__, stacks),
                 *(prod(map(sizes.__getitem__, part)) for part in (rows, columns)
                   if part or stacks)]
        if shape != [sizes[x] for x in order]:
            text = self._made(made, f"{text}.reshape({tuple(shape)})")
            if not stacks and array in self.lasting:
                self.known.arranged[base, both[0], both[1]] = text
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


def _is_plain(factors: Sequence[Factor], out: str) -> bool:
    """Whether no array is read along a diagonal, and every axis of the result is one of theirs."""
    every = [labels for _, labels in factors]
    return all(len({*labels}) == len(labels) for labels in (out, *every)) and (
        {*out} <= {x for labels in every for x in labels})


def _is_rewritten(
    value: ast.expr, factors: Sequence[Factor], arrays: Mapping[str, Seen]
) -> bool:
    """Whether a product of two arrays is none that NumPy does as one product: a stack of matrices
    times one, an einsum, a tensordot."""
    if isinstance(value, ast.Call):
        return True
    one, two = (arrays[array] for array, _ in factors)
    return one.is_ordered and len(one.shape) > 2 and len(two.shape) == 2


def _at(labels: Sequence[str], within: str | Sequence[str]) -> str:
    return ", ".join(str(list(within).index(x)) for x in labels)
