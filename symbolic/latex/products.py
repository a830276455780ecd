"""Products: which factors stand side by side, what is a call, and what a dot means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .choices import Choices
from .trees import Node, Source
from .values import COLUMN, ROW, Algebra, FitError, Val

if TYPE_CHECKING:
    from .names import Context


@dataclass(frozen=True)
class Factor:
    """A factor, and the sign before it: "" where it stands beside the one before."""

    sign: str
    value: Val
    node: Node


_FIRST = "{!r:.60}: which product is taken first"
_ORDERS = ("what stands side by side", "from left to right")


class Products:
    """Products of a reading."""

    algebra: Algebra
    choices: Choices
    source: Source
    context: Context
    fits: Callable[[Node, FitError], FitError]
    called: Callable[[list[Node], int], tuple[Val, int] | None]
    derived: Callable[[list[Node], int], tuple[Val, int] | None]
    value: Callable[[Node], Val]
    words: frozenset[str]

    def product_of(self, node: Node) -> Val:
        return self._multiplied(self.factors(list(node.parts), node), node)

    def joined(self, parts: list[Node]) -> list[Node]:
        """Letters without a space between them that are together a declared name, such as LL."""
        found: list[Node] = []
        place = 0
        while place < len(parts):
            run = self._run(parts, place)
            names = [(part.parts[0] if part.kind == "scripts" else part) for part in run]
            length = next((length for length in range(len(run), 1, -1) if "".join(
                name.text for name in names[:length]) in self.words), 1)
            word = "".join(name.text for name in names[:length])
            if length > 1 and all(name.text in self.context.system.shapes
                                  for name in names[:length]) and self.choices.ask(
                    f"{word}", ("the array of this name", "a product")):
                length = 1
            last = run[length - 1] if length > 1 else parts[place]
            if length > 1:
                name = Node("name", word, names[0].start, names[length - 1].end)
                last = name if last.kind == "name" else Node(
                    "scripts", "", name.start, last.end, (name, *last.parts[1:]))
            found.append(last)
            place += length
        return found

    @staticmethod
    def _run(parts: list[Node], place: int) -> list[Node]:
        """Names that follow each other without a space; scripts end a run."""
        run: list[Node] = []
        for part in parts[place:]:
            name = part.parts[0] if part.kind == "scripts" else part
            if name.kind != "name" or (run and run[-1].end != name.start):
                break
            run.append(part)
            if part.kind == "scripts":
                break
        return run

    def factors(self, parts: list[Node], node: Node) -> list[Factor]:
        """The factors, calls and derivatives taken together."""
        parts = self.joined(parts)
        found: list[Factor] = []
        place, sign = 0, ""
        minus = False
        while place < len(parts):
            part = parts[place]
            if part.kind in ("op", "sign"):
                if part.kind == "sign":
                    minus = minus != (part.text == "-")
                elif not found or sign:
                    self.source.fail(part, f"{self.source.of(part)!r} stands where a factor is "
                                           "expected")
                else:
                    sign = part.text
                place += 1
                continue
            taken = self.derived(parts, place) or self.called(parts, place)
            value, after = taken or (self.value(part), place + 1)
            if minus:
                value = self.algebra.pointwise(lambda x: -x, value)
                minus = False
            last = parts[after - 1]
            found.append(Factor(sign, value, Node("product", "", part.start, last.end)))
            place, sign = after, ""
        if sign or not found:
            self.source.fail(node.end, "a factor is missing")
        return found

    def _multiplied(self, factors: list[Factor], node: Node) -> Val:
        """Side by side first, then the signs from left to right; where another order fits, too, it
        is asked."""
        mixed = any(not f.sign and f.value.matrix_axes and any(
            g.sign in ("⊙", "×", "·", "*", "⊘") for g in factors[1:place])
            for place, f in enumerate(factors))
        slashed = any(f.sign == "/" and place + 1 < len(factors) and not factors[place + 1].sign
                      for place, f in enumerate(factors))
        if slashed and self.choices.ask(
                f"{self.source.of(node)!r:.60}: what the slash divides by",
                ("the one factor behind it", "all that stands beside that")):
            return self._in_runs(factors, node)
        if slashed:
            return self._in_order(factors, node)
        if not mixed:
            return self._in_order(factors, node)
        try:
            in_runs = self._in_runs(factors, node)
        except FitError:
            return self._in_order(factors, node)
        try:
            in_order = self._in_order(factors, node)
        except FitError:
            return in_runs
        return in_order if self.choices.ask(
            _FIRST.format(self.source.of(node)), _ORDERS) else in_runs

    def _in_order(self, factors: list[Factor], node: Node) -> Val:
        total = factors[0].value
        for factor in factors[1:]:
            total = self._times(factor.sign, total, factor.value, factor.node)
        return total

    def _in_runs(self, factors: list[Factor], node: Node) -> Val:
        runs: list[list[Factor]] = []
        for factor in factors:
            if factor.sign or not runs:
                runs.append([factor])
            else:
                runs[-1].append(factor)
        made = [Factor(run[0].sign, self._in_order(run, node), run[0].node) for run in runs]
        return self._in_order(made, node)

    def _times(self, sign: str, left: Val, right: Val, node: Node) -> Val:
        try:
            if sign == "":
                return self._beside(left, right, node)
            if sign == "@":
                return self.algebra.product(left, right)
            if sign in ("⊙",):
                return self.algebra.pointwise(lambda x, y: x * y, left, right)
            if sign in ("/", "⊘"):
                if right.matrix_axes and not left.matrix_axes and not left.is_number:
                    raise FitError(f"division by {right.shape}")
                return self.algebra.pointwise(lambda x, y: x / y, left, right)
            if sign == "⊗":
                return self._outer(left, right)
            return self._dotted(sign, left, right, node)
        except FitError as error:
            raise self.fits(node, error) from None

    def _beside(self, left: Val, right: Val, node: Node) -> Val:
        """A product of matrices; of what does not fit so, entry by entry is another reading."""
        try:
            return self.algebra.product(left, right)
        except FitError:
            alike = left.matrix_axes == right.matrix_axes and all(
                left.axes[label] == right.axes[label] for label in left.matrix_axes)
            if not alike or not self.choices.ask(
                    f"{self.source.of(node)!r:.40} beside what has its shape",
                    ("a product of matrices", "read entry by entry, though no ⊙ is written")):
                raise
        return self.algebra.pointwise(lambda x, y: x * y, left, right)

    def _outer(self, left: Val, right: Val) -> Val:
        if left.matrix_axes == right.matrix_axes and len(left.matrix_axes) == 1:
            column = left if ROW in left.axes else self.algebra.transposed(left)
            row = right if COLUMN in right.axes else self.algebra.transposed(right)
            return self.algebra.product(column, row)
        raise FitError("⊗ is read between two vectors, x yᵀ")

    def _dotted(self, sign: str, left: Val, right: Val, node: Node) -> Val:
        """· × * between arrays: whichever products fit; where several do, it is asked."""
        if not left.matrix_axes or not right.matrix_axes or left.special or right.special:
            return self.algebra.product(left, right)
        ways: list[tuple[str, Callable[[], Val]]] = []
        fits = left.axes.get(COLUMN) == right.axes.get(ROW)
        if fits:
            ways.append(("matrix product", lambda: self.algebra.product(left, right)))
        if left.matrix_axes == right.matrix_axes and all(
                left.axes[label] == right.axes[label] for label in left.matrix_axes):
            ways.append(("entry by entry",
                         lambda: self.algebra.pointwise(lambda x, y: x * y, left, right)))
            if len(left.matrix_axes) == 1 and sign != "*":
                ways.append(("sum of the products", lambda: self._inner(left, right)))
        if not ways:
            raise FitError(f"{left.shape} {sign} {right.shape}: neither the inner sizes nor the "
                           "shapes agree")
        if len(ways) == 1:
            return ways[0][1]()
        asked = self.choices.ask(f"the {sign} before {self.source.of(node)!r:.40}",
                                 [name for name, _ in ways])
        return ways[asked][1]()

    def _inner(self, left: Val, right: Val) -> Val:
        both = self.algebra.pointwise(lambda x, y: x * y, left, right)
        return self.algebra.settle(both, tuple(left.matrix_axes))
