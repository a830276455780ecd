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

from ..flat import Flat, names_in
from ..measured import Measured, Seen
from ..named_once import roots_of, stored
from .contractions import (
    MOST,
    Factor,
    Tree,
    broadcast_labels,
    cheapest,
    kept_axes,
    leaves,
    matmul_labels,
    new_axes,
    pair_cost,
    tensordot_labels,
    turned,
)
from .pairs import Pairs


def as_products(flat: Flat, seen: Measured) -> None:
    """Writes the products of a flat text anew, for the shapes that were seen."""
    writing = _Writing(flat, seen)
    flat.body = writing.block(flat.body)


class _Writing(Pairs):
    def __init__(self, flat: Flat, seen: Measured) -> None:
        super().__init__(flat)
        self.arrays = dict(seen.arrays)
        self.numbers = seen.numbers
        self.roots = roots_of(flat)
        self.uses = Counter(name for node in flat.body for name in names_in(node))
        self.uses.update(flat.returned * 2)
        self.parts: set[str] = set()
        """Products that are taken apart: they are not there if the order is another one."""

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
        if found is None or not _is_plain(*found[:2]) or (
                name not in self.arrays and found[1]):
            return []
        factors, out, sizes = found
        by_entries = isinstance(value, ast.BinOp) and not isinstance(value.op, ast.MatMult)
        there = None if len(factors) > 2 or by_entries else self._there(
            factors[0], factors[1], out)
        if there is not None:
            turned_to: list[ast.stmt] = []
            text = self.aligned(turned_to, there, out)
            return turned_to + ast.parse(f"{name} = {text}").body
        whole = self._taken_apart(factors, sizes)
        cost, made = self._in_order(name, factors, whole, out, sizes)
        if not made and _is_rewritten(value, factors, self.arrays) and not (
                {*factors[0][1]} ^ {*factors[1][1]}) - {*out}:
            one, two = factors
            summed = {*one[1]} - {*out}
            made = self.matmul(name, one, two, out, sizes) if summed else self.pair(
                name, one, two, out, sizes)
        if name in self.lasting and all(array in self.lasting or array not in self.arrays
                                        for array, _ in factors):
            self.known.factors[name] = whole if len(whole) < MOST else factors, out, cost
            if len(factors) == 2:
                self.known.add(self.based(factors[0]), self.based(factors[1]), name, out)
        return made

    def _remember_axes(self, name: str, value: ast.expr) -> None:
        """Of an array that is another one with its axes in another order, or new ones: which."""
        of, order = turned(value, self.arrays)
        if order and name in self.lasting and of in self.lasting:
            base, before = self.known.turned.get(of, (of, tuple(range(len(order)))))
            self.known.turned[name] = base, tuple(before[axis] for axis in order)
        of, places = new_axes(value)
        if places and name in self.lasting and of in self.lasting and of in self.arrays and (
                len(self.arrays[of].shape) == len(places)):
            self.known.widened[name] = of, places

    def _factors(self, value: ast.expr) -> tuple[list[Factor], str, dict[str, int]] | None:
        """Arrays that are multiplied, the letters of their axes and of the result's, and their
        sizes."""
        found = None
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
            pair = self._like([value.left, value.right])
            found = None if pair is None else matmul_labels(pair, self.arrays)
        elif isinstance(value, ast.BinOp):
            return self._by_entries(value)
        elif isinstance(value, ast.Call):
            called, arguments = ast.unparse(value.func), list(value.args)
            if called == "np.einsum" and 3 <= len(arguments) <= MOST + 1:
                names = self._like(arguments[1:])
                sides, _, out = ast.literal_eval(arguments[0]).partition("->")
                if names is not None and "." not in sides:
                    found = list(zip(names, sides.split(","), strict=True)), out
            elif called == "np.tensordot" and len(arguments) == 2 and value.keywords:
                names = self._like(arguments)
                if names is not None:
                    found = tensordot_labels(names, value.keywords[0].value, self.arrays)
        return None if found is None else (*found, {
            x: n for array, labels in found[0]
            for x, n in zip(labels, self.arrays[array].shape, strict=True)})

    def _by_entries(
        self, value: ast.BinOp
    ) -> tuple[list[Factor], str, dict[str, int]] | None:
        """A product entry by entry, or a quotient by a number."""
        left, right = value.left, value.right
        sides = [self._number(left), self._number(right)]
        if isinstance(value.op, ast.Div) and sides[1]:
            sides[1] = f"(1 / {sides[1]})"
        elif not isinstance(value.op, ast.Mult):
            return None
        like = self._like([node for node, number in zip((left, right), sides, strict=True)
                           if not number])
        if like is None or not any(name in self.arrays and self.arrays[name].shape
                                   for name in like):
            return None
        rest = iter(like)
        return broadcast_labels([number or next(rest) for number in sides], self.arrays,
                                self.known.widened)

    def _number(self, node: ast.expr) -> str:
        """An expression of numbers and sizes alone, in parentheses; "" for another one."""
        names = {*names_in(node)} - {"np"}
        plain = not isinstance(node, ast.Name) or node.id in self.flat.plain
        return f"({ast.unparse(node)})" if plain and names <= (
            self.flat.plain - self.flat.loose) else ""

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
        as_it_stands = sum(self.known.factors[array][2] for array, _ in factors
                           if self._is_part(array))
        if len(factors) == 2:
            as_it_stands += pair_cost(factors[0][1], factors[1][1], out, sizes)
        if not 2 < len(whole) <= MOST:
            return as_it_stands, []
        cost, tree = cheapest(whole, out, sizes, lambda one, two, kept: (
            self._there(one, two, kept) is not None))
        if len(factors) == 2 and cost > 0.8 * as_it_stands:
            return as_it_stands, []
        made: list[ast.stmt] = []
        self._multiplied(made, tree, whole, out, sizes, name)
        self.known.forget(self.parts)
        return cost, made

    def _multiplied(
        self, made: list[ast.stmt], tree: Tree, factors: Sequence[Factor], out: str,
        sizes: Mapping[str, int], name: str = "",
    ) -> Factor:
        """The product of a tree of factors, with the axes that others, or the result, have."""
        if isinstance(tree, int):
            return factors[tree]
        one, two = (self._multiplied(made, part, factors, out, sizes) for part in tree)
        own = {*leaves(tree)}
        kept = out if name else kept_axes(one[1], two[1], (
            labels for place, (_, labels) in enumerate(factors) if place not in own), out)
        there = self._there(one, two, kept)
        if there is not None and not name:
            return there
        if not one[1] and not two[1] and not name and not {one[0], two[0]} & self.arrays.keys():
            return f"({one[0]} * {two[0]})", ""  # a number
        target = name or self.new()
        if there is not None:
            made += ast.parse(f"{target} = {self.aligned(made, there, out)}").body
        else:
            made += self.pair(target, one, two, kept, sizes)
        return target, kept

    def _there(self, one: Factor, two: Factor, kept: str) -> Factor | None:
        found = self.known.find(self.based(one), self.based(two), kept)
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
                for x, n in zip(its, self.arrays[one].shape if its else (), strict=True):
                    if x not in letters:
                        letters[x] = free.pop(0)
                    sizes[letters[x]] = n
                made.append((one, "".join(map(letters.__getitem__, its))))
        return made

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
            flat = self.named(made, f"{whole}.reshape({prod(stack.shape[:2]), stack.shape[2]})")
            rowwise = self.named(made, f"{flat} @ {matrix}")
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
        return len(factors) == 2
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.MatMult):
        return False
    one, two = (arrays[array] for array, _ in factors)
    return one.is_ordered and len(one.shape) > 2 and len(two.shape) == 2
