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
from typing import TypeAlias

from ..flat import Flat, names_in
from ..measured import Measured, Seen
from ..named_once import roots_of, stored
from .axes import broadcast_labels, is_plain, matmul_labels, tensordot_labels, viewed
from .contractions import (
    MOST,
    Factor,
    Tree,
    cheapest,
    kept_axes,
    leaves,
    pair_cost,
)
from .mirrored import Mirrored, mirrored
from .pairs import Pairs

Order: TypeAlias = "tuple[Mirrored | None, Tree, Tree]"
"""In what order factors are multiplied: a half, of the first tree, that comes twice, and then that,
it once more, and the rest; without a half, the second tree alone is of all factors."""


def as_products(flat: Flat, seen: Measured) -> None:
    """Writes the products of a flat text anew, for the shapes that were seen."""
    writing = _Writing(flat, seen)
    flat.body = writing.block(flat.body)


class _Writing(Pairs):
    def __init__(self, flat: Flat, seen: Measured) -> None:
        super().__init__(flat, seen)
        self.arrays = dict(seen.arrays)
        self.numbers = seen.numbers
        self.roots = roots_of(flat)
        self.uses = Counter(name for node in flat.body for name in names_in(node))
        self.uses.update(flat.returned * 2)
        self.once: set[str] = set()
        """Views that one statement alone reads, of views that are so."""
        self.parts: set[str] = set()
        """Products that are taken apart."""
        self.inside: dict[str, set[str]] = {}
        """The products that are there for one product alone, it among them."""
        self.gone: set[str] = set()
        """Products that are not there if the order is another one."""

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
        self._remember_view(name, value)
        self.parts, self.gone = set(), set()
        found = self._factors(value)
        if found is None or not is_plain(*found[:2]) or (
                name not in self.arrays and found[1]):
            return []
        given, every, sizes = found
        shape = tuple(map(sizes.__getitem__, every))
        out = "".join(x for x in every if sizes[x] != 1)
        factors = [self.based(*one) for one in given]
        by_entries = isinstance(value, ast.BinOp) and not isinstance(value.op, ast.MatMult)
        there = None if len(factors) > 2 or by_entries or name not in self.lasting else (
            self._there(factors[0], factors[1], out))
        if there is not None:
            made: list[ast.stmt] = []
            text = self.whole(made, there, out, shape)
            return made + ast.parse(f"{name} = {text}").body
        self._take_in(name, given, factors)
        whole = self._taken_apart(factors, sizes)
        cost, order = self._in_order(factors, whole, out, sizes)
        target = name if len(out) == len(every) else self.new()
        made = []
        if order is not None:
            self._in_halves(made, target, order, whole, out, sizes)
            self.known.forget(self.gone)
            self.inside[name] |= {node.targets[0].id for node in made  # type: ignore[attr-defined]
                                  } & self.lasting
        elif _is_rewritten(value, given, self.arrays):
            made = self._as_pair(target, factors, out, sizes)
        self._remember(name, factors, (whole if len(whole) < 2 * MOST else factors, out, cost))
        if made and target != name:
            made += ast.parse(f"{name} = {target}.reshape({shape})").body
        return made

    def _take_in(self, name: str, given: Sequence[Factor], factors: Sequence[Factor]) -> None:
        """What a product is put together of, that nothing else reads."""
        self.parts = {base for (array, _), (base, _) in zip(given, factors, strict=True)
                      if base in self.known.factors and self.uses[base] == 2
                      and (array == base or array in self.once)}
        self.gone = set[str]().union(*map(self.inside.__getitem__, self.parts))
        self.inside[name] = {name, *self.gone}

    def _as_pair(
        self, target: str, factors: Sequence[Factor], out: str, sizes: Mapping[str, int]
    ) -> list[ast.stmt]:
        """The product of two; none where one alone has an axis that is summed over."""
        one, two = ({*labels} for _, labels in factors)
        if (one ^ two) - {*out}:
            return []
        write = self.matmul if one - {*out} else self.pair
        return write(target, factors[0], factors[1], out, sizes)

    def _remember(
        self, name: str, factors: Sequence[Factor], found: tuple[list[Factor], str, float]
    ) -> None:
        """Of a product: its factors, the letters of its axes and its cost."""
        if name in self.lasting and all(array in self.lasting or array not in self.shapes
                                        for array, _ in factors):
            self.known.factors[name] = found
            if len(factors) == 2:
                self.known.add(factors[0], factors[1], name, found[1])

    def _remember_view(self, name: str, value: ast.expr) -> None:
        """Of an array that is another one with its axes in another order, or more or fewer ones
        of length 1: which."""
        of, places = viewed(name, value, self.arrays)
        if of and name in self.lasting and of in self.lasting and name in self.arrays:
            before = self.known.views.get(of)
            if before is None or of in self.once:
                self.once |= {name} if self.uses[name] == 2 else set()
            base, own = before or (of, tuple(range(len(self.arrays[of].shape))))
            self.known.views[name] = base, tuple(
                None if axis is None else own[axis] for axis in places)

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
        return broadcast_labels([number or next(rest) for number in sides], self.arrays)

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
        self, factors: Sequence[Factor], whole: Sequence[Factor], out: str,
        sizes: Mapping[str, int],
    ) -> tuple[float, Order | None]:
        """The least cost of a product of products, or of more than two arrays, and its order; no
        order where it stands so."""
        as_it_stands = sum(self.known.factors[array][2] for array in self.parts)
        if len(factors) == 2:
            as_it_stands += pair_cost(factors[0][1], factors[1][1], out, sizes)
        found: list[tuple[float, Order]] = []
        halves = mirrored(whole, out) if len(whole) <= 2 * MOST else None
        if halves is not None and len(halves.half) <= MOST and len(halves.rest) <= MOST - 2:
            half, rest = ([whole[place] for place in part] for part in (halves.half, halves.rest))
            own = self._of_half(halves, whole, out)
            first, inner = cheapest(half, own, sizes, self._is_there)
            second, outer = cheapest([("", own), ("", halves.other(own)), *rest], out, sizes,
                                     self._is_there)
            found.append((first + second, (halves, inner, outer)))
        if 2 < len(whole) <= MOST:
            cost, tree = cheapest(whole, out, sizes, self._is_there)
            found.append((cost, (None, 0, tree)))
        cost, order = min(found, key=lambda one: one[0], default=(as_it_stands, None))
        if len(factors) == 2 and cost > 0.8 * as_it_stands:
            return as_it_stands, None
        return cost, order

    def _of_half(self, halves: Mirrored, whole: Sequence[Factor], out: str) -> str:
        """The letters of a half that the rest, the other half, or the result has; those that are
        still to be summed over first."""
        own = dict.fromkeys(x for place in halves.half for x in whole[place][1])
        others = {x for place, (_, labels) in enumerate(whole) if place not in halves.half
                  for x in labels}
        return "".join(sorted((x for x in own if x in out or x in others),
                              key=lambda x: out.find(x)))

    def _in_halves(
        self, made: list[ast.stmt], name: str, order: Order, whole: Sequence[Factor], out: str,
        sizes: Mapping[str, int],
    ) -> None:
        """The statements that multiply factors in an order."""
        halves, inner, tree = order
        factors = whole
        if halves is not None:
            own = self._of_half(halves, whole, out)
            half = self._multiplied(made, inner, [whole[place] for place in halves.half], own,
                                    sizes)
            factors = [half, (half[0], halves.other(half[1])),
                       *(whole[place] for place in halves.rest)]
        self._multiplied(made, tree, factors, out, sizes, name)

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
        if {*one[1], *two[1]} == {*kept} and not name:  # what is summed over later in front
            kept = "".join(sorted(kept, key=out.find))
        there = self._there(one, two, kept)
        if there is not None and name:
            text = self.whole(made, there, out, tuple(map(sizes.__getitem__, out)))
            made += ast.parse(f"{name} = {text}").body
            return name, out
        if there is not None:
            return there
        if name:
            made += self.pair(name, one, two, kept, sizes)
            return name, out
        target = self.new()
        alike = self.alike(one, two, kept)
        if alike is None:
            self.shapes[target] = tuple(map(sizes.__getitem__, kept))
            made += self.pair(target, one, two, kept, sizes)
        else:
            kept, self.shapes[target] = alike
            made += ast.parse(f"{target} = {one[0]} * {two[0]}").body
        if all(array in self.lasting or array not in self.shapes for array in (one[0], two[0])):
            self.lasting.add(target)
            self.known.add(one, two, target, kept)
        return target, kept

    def _is_there(self, one: Factor, two: Factor, kept: str) -> bool:
        return self._there(one, two, kept) is not None

    def _there(self, one: Factor, two: Factor, kept: str) -> Factor | None:
        found = self.known.find(one, two, kept)
        return None if found is None or found[0] in self.gone else found

    def _taken_apart(self, factors: Sequence[Factor], sizes: dict[str, int]) -> list[Factor]:
        """The factors, products that nothing else reads as theirs, whose axes get letters, too,
        and numbers as one."""
        made: list[Factor] = []
        for array, labels in factors:
            if array not in self.parts:
                made.append((array, labels))
                continue
            parts, own, _ = self.known.factors[array]
            free = [x for x in ascii_letters if x not in sizes]
            letters = dict(zip(own, labels, strict=True))
            for one, its in parts:
                lengths = [n for n in self.shapes.get(one, ()) if n != 1]
                for x, n in zip(its, lengths, strict=True):
                    if x not in letters:
                        letters[x] = free.pop(0)
                    sizes[letters[x]] = n
                made.append((one, "".join(map(letters.__getitem__, its))))
        numbers = [array for array, _ in made if array not in self.shapes]
        if len(numbers) < 2:
            return made
        return [*(one for one in made if one[0] in self.shapes), (f"({' * '.join(numbers)})", "")]

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
