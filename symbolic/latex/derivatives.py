r"""Derivatives as formulas write them: \frac{\partial L}{\partial W}, \nabla_W L, chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..equation import EquationError, slot
from .scripts import Scripts
from .trees import Node, Source
from .values import COLUMN, ROW, Algebra, FitError, Val

if TYPE_CHECKING:
    from .choices import Choices
    from .names import Context, Store

DIFFERENTIALS = ("∂", "d")


@dataclass(frozen=True)
class Quotient:
    """∂above/∂below, as written; `above` is None where it stands behind."""

    above: Node | None
    below: Node
    node: Node


class Derivatives:
    """Derivatives of a reading."""

    algebra: Algebra
    choices: Choices
    source: Source
    context: Context
    store: Store
    value: Callable[[Node], Val]
    array: Callable[[str, list[Node], Node], Val]
    fits: Callable[[Node, FitError], FitError]
    named: Callable[[str, Scripts, Node], Val]
    raised: Callable[[Val, Scripts, Node], Val]

    def fraction(self, node: Node) -> Val:
        quotient = self._quotient(node)
        if quotient is None:
            above, below = map(self.value, node.parts)
            try:
                return self.algebra.pointwise(lambda x, y: x / y, above, below)
            except FitError as error:
                raise self.fits(node, error) from None
        if quotient.above is None:
            self.source.fail(node, "what is differentiated is missing behind the derivative")
        return self._by_shape(*self._raw([quotient]), node)

    def derived(self, parts: list[Node], place: int) -> tuple[Val, int] | None:
        """A derivative that begins at a part: a chain of fractions, ∇_W L, d/dx of what follows,
        dW."""
        part = parts[place]
        head = Scripts.of(part)
        if head.base.kind == "name" and head.base.text == "∇":
            return self._nabla(parts, place, head)
        if part.kind == "name" and part.text == "d" and place + 1 < len(parts) and \
                "d" not in self.context.named:
            return self._differential(parts, place)
        first = self._quotient(part)
        if first is None:
            return None
        if first.above is None:
            behind = parts[place + 1:]
            if not behind:
                return None
            inner = behind[0] if len(behind) == 1 else Node(
                "product", "", behind[0].start, behind[-1].end, tuple(behind))
            whole = Quotient(inner, first.below, part)
            return self._by_shape(*self._raw([whole]), part), len(parts)
        chain, end = [first], place + 1
        while end < len(parts):
            dot = parts[end].kind == "op" and parts[end].text in ("·", "×")
            after = end + dot
            following = self._quotient(parts[after]) if after < len(parts) else None
            if following is None or following.above is None or not self._linked(
                    chain[-1], following):
                break
            chain.append(following)
            end = after + 1
        return self._by_shape(*self._raw(chain), part), end

    def _linked(self, one: Quotient, other: Quotient) -> bool:
        """Whether a chain rule runs through an array as a whole: no indices at it."""
        assert other.above is not None
        if self._spelled(one.below) != self._spelled(other.above):
            return False
        return bool(self.value(one.below).matrix_axes)

    def _spelled(self, node: Node) -> str:
        return "".join(self.source.text[node.start:node.end].split()).strip("{}")

    def _quotient(self, node: Node) -> Quotient | None:
        if node.kind != "fraction":
            return None
        above, below = node.parts
        lower = _of(below)
        if lower is None or (below.parts[0].text == "d" and "d" in self.context.named):
            return None
        if above.kind == "name" and above.text in DIFFERENTIALS:
            return Quotient(None, lower, node)
        upper = _of(above)
        return None if upper is None else Quotient(upper, lower, node)

    def _raw(self, chain: list[Quotient]) -> tuple[Val, Val, Val]:
        """The product of Jacobians summed over all that is between, with labels "<…" for the axes
        of what is differentiated and ">…" for those of what by; and these two themselves."""
        total: Val | None = None
        for quotient in chain:
            assert quotient.above is not None
            made, above, below = self._jacobian(quotient)
            if total is None:
                total, first = made, above
                continue
            between = {label: f"|{label[1:]}" for label in total.axes if label[0] == ">"}
            left = self.algebra.renamed(total, between)
            right = self.algebra.renamed(made, {f"<{label[1:]}": label for label in
                                                between.values()})
            joined = self.algebra._free(left, right)
            total = self.algebra.settle(joined, tuple(between.values()))
        assert total is not None
        return total, first, below

    def _jacobian(self, quotient: Quotient) -> tuple[Val, Val, Val]:
        assert quotient.above is not None
        below = self.value(quotient.below)
        if below.body != slot(0) or len(below.reads) != 1:
            self.source.fail(quotient.below, "a derivative is by an array that has a name, not by "
                                             f"{self.source.of(quotient.below)!r}")
        above = self.algebra.settle(self.value(quotient.above))
        (by, places), = below.reads
        (of, outer), = above.reads if above.reads else (("", ()),)
        if not of:
            return Val(slot(0) * 0), above, below
        if by.startswith("own_") and by not in {name for name, _ in above.reads}:
            raise FitError(f"{self.source.of(quotient.above)!r} does not depend on it")
        try:
            system, name = self.context.rule(self.algebra.builder.build(), of, by)
        except EquationError as error:
            self.source.fail(quotient.node, str(error))
        self.algebra.builder.adopt(system)
        shown = tuple(f"<{at}" if at in (ROW, COLUMN) else at for at in outer)
        inner = tuple(f">{at}" if at in (ROW, COLUMN) else at for at in places)
        axes = {label: size for label, size in zip((*shown, *inner), system.shapes[name],
                                                   strict=True) if isinstance(label, str)}
        return Val(slot(0), ((name, (*shown, *inner)),), axes), above, below

    def _by_shape(self, made: Val, above: Val, below: Val, node: Node) -> Val:
        """The derivative as the number, column, row or matrix that it is in a layout."""
        outer, inner = above.matrix_axes, below.matrix_axes
        layout = self.context.layout
        names: dict[str, str] = {}
        if not outer:
            names = {f">{label}": label for label in inner}
            if layout == "numerator":
                names = {f">{ROW}": COLUMN, f">{COLUMN}": ROW}
        elif not inner:
            names = {f"<{label}": label for label in outer}
        elif len(outer) == len(inner) == 1:
            numerator = layout == "numerator" or (not layout and self.choices.ask(
                "the derivative of a vector by a vector",
                ("numerator layout: entry i, j is ∂yᵢ/∂xⱼ",
                 "denominator layout: entry i, j is ∂yⱼ/∂xᵢ")) == 0)
            (one,), (other,) = outer, inner
            names = {f"<{one}": ROW, f">{other}": COLUMN} if numerator else {
                f"<{one}": COLUMN, f">{other}": ROW}
        return self.algebra.renamed(made, names)

    def _nabla(self, parts: list[Node], place: int, head: Scripts) -> tuple[Val, int]:
        if place + 1 >= len(parts):
            self.source.fail(parts[place], "what ∇ is taken of is missing")
        end = place + 2
        while end < len(parts) and parts[end - 1].kind in ("number", "fraction") and self.value(
                parts[end - 1]).is_number:  # ∇ ½ ‖x‖²: of what a number stands before
            end += 1
        taken = tuple(parts[place + 1:end])
        of = taken[0] if len(taken) == 1 else Node("product", "", taken[0].start, taken[-1].end,
                                                   taken)
        if not head.downs:
            self.source.fail(parts[place], "by what ∇ is taken is not said; write \\nabla_W")
        lowered = next(script for script in parts[place].parts if script.kind == "down")
        by = lowered.parts[0]
        if end < len(parts) and parts[end].kind == "group":
            end += 1  # ∇_θ J(θ)
        return self._by_shape(*self._raw([Quotient(of, by, parts[place])]), parts[place]), end

    def _differential(self, parts: list[Node], place: int) -> tuple[Val, int] | None:
        """dW^{(l)}: the loss's derivative, as programs call it."""
        head = Scripts.of(parts[place + 1])
        stem = f"d{head.base.text}"
        if stem not in self.context.named:
            return None
        found = self.named(stem, head, parts[place + 1])
        return self.raised(found, head, parts[place + 1]), place + 2


def _of(node: Node) -> Node | None:
    """x of ∂x."""
    if node.kind == "product" and node.parts[0].kind == "name" and \
            node.parts[0].text in DIFFERENTIALS and len(node.parts) > 1:
        rest = node.parts[1:]
        return rest[0] if len(rest) == 1 else Node("product", "", rest[0].start, rest[-1].end,
                                                   rest)
    return None
