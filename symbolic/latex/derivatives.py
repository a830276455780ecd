r"""Derivatives as formulas write them: \frac{\partial L}{\partial W}, \nabla_W L, chains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sympy as sp

from ..dependence import ancestors
from ..equation import EquationError, Read, System, slot
from .quotients import DIFFERENTIALS, Quotient, differentiated, inline, second, together
from .scripts import Scripts
from .trees import Node, Source
from .values import COLUMN, ROW, Algebra, FitError, Val

if TYPE_CHECKING:
    from .choices import Choices
    from .names import Context, Store

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
        twice = second(node)
        if twice is not None:
            return self._hessian(*twice, node)
        quotient = self._quotient(node)
        if quotient is None:
            above, below = map(self.value, node.parts)
            try:
                return self.algebra.pointwise(lambda x, y: x / y, above, below)
            except FitError as error:
                raise self.fits(node, error) from None
        if quotient.above is None:
            self.source.fail(node, "what is differentiated is missing behind the derivative")
        return self._single(quotient, node)

    def _single(self, quotient: Quotient, node: Node) -> Val:
        """∂y/∂x; of a function of each entry, ∂σ(z)/∂z, the vector of its slopes is another
        reading than the Jacobian matrix."""
        assert quotient.above is not None
        above, below = self.value(quotient.above), self.value(quotient.below)
        body = self.of_each_entry(above, below) if below.matrix_axes else None
        if body is not None and self.choices.ask(
                "the derivative of a function of each entry by its argument",
                ("the matrix of a vector by a vector", "entry by entry")):
            return Val(sp.diff(body, slot(0)), below.reads, below.axes)
        return self._by_shape(*self._raw([quotient]), node)

    def of_each_entry(self, above: Val, below: Val) -> sp.Expr | None:
        """The function of one entry that a value applies to each of an array; None for others."""
        if above.axes != below.axes or len(above.reads) != 1 or below.body != slot(0):
            return None
        if above.reads == below.reads:
            return above.body if above.body != slot(0) else None
        (name, places), = above.reads
        equation = next((each for each in self.context.system.equations if each.name == name),
                        None)
        if above.body != slot(0) or equation is None or len(equation.terms) != 1 or (
                equation.reduction != "sum" or places != below.reads[0][1]):
            return None
        (term,) = equation.terms
        here = Read(below.reads[0][0], tuple(index.symbol for index in equation.out))
        return term.body if term.reads == (here,) and not (term.over or term.guards) else None

    def derived(self, parts: list[Node], place: int) -> tuple[Val, int] | None:
        """A derivative that begins at a part: a chain of fractions, ∇_W L, d/dx of what follows,
        dW."""
        part = parts[place]
        head = Scripts.of(part)
        if head.base.kind == "name" and (head.base.text == "∇" or (
                head.base.text == "∂" and head.downs)):
            return self._nabla(parts, place, head)
        slashed = inline(parts, place)
        if slashed is not None:
            fraction, after = slashed
            return self.fraction(fraction), after
        twice = second(part)
        if twice is not None:
            return self._second_of(twice, parts, place)
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
            return self._single(whole, part), len(parts)
        return self._chained(first, parts, place)

    def _chained(self, first: Quotient, parts: list[Node], place: int) -> tuple[Val, int]:
        """A chain of fractions, from the first on."""
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
        if len(chain) == 1:
            return self._single(first, parts[place]), end
        return self._by_shape(*self._raw(chain), parts[place]), end

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
        lower = differentiated(below)
        if lower is None or (below.parts[0].text == "d" and "d" in self.context.named):
            return None
        if above.kind == "name" and above.text in DIFFERENTIALS:
            return Quotient(None, lower, node)
        upper = differentiated(above)
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
        return self._jacobian_of(self.value(quotient.above), quotient)

    def _jacobian_of(self, of_value: Val, quotient: Quotient) -> tuple[Val, Val, Val]:
        below = self.value(quotient.below)
        if below.body != slot(0) or len(below.reads) != 1:
            self.source.fail(quotient.below, "a derivative is by an array that has a name, not by "
                                             f"{self.source.of(quotient.below)!r}")
        above = self.algebra.settle(of_value)
        (by, places), = below.reads
        (of, outer), = above.reads if above.reads else (("", ()),)
        if not of:
            return Val(slot(0) * 0), above, below
        if by.startswith("own_") and by not in {name for name, _ in above.reads}:
            raise FitError(f"{self.source.of(quotient.above or quotient.node)!r} does not depend "
                           "on it")
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
        elif len(outer) == len(inner) == 1 and outer != inner:
            # a column by a row, ∂y/∂xᵀ, or a row by a column: the matrix that they span
            (one,), (other,) = outer, inner
            names = {f"<{one}": one, f">{other}": other}
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
        """∇_W L, ∂_w L, ∇f(x), ∇²_w L: of the number behind it, or of all that stands there."""
        sign = head.base.text
        if place + 1 >= len(parts):
            self.source.fail(parts[place], f"what {sign} is taken of is missing")
        order = self._order(head)
        end = place + 2
        while end < len(parts) and parts[end - 1].kind in ("number", "fraction") and self.value(
                parts[end - 1]).is_number:  # ∇ ½ ‖x‖²: of what a number stands before
            end += 1
        call = end < len(parts) and parts[end].kind == "group" and parts[end - 1].kind in (
            "name", "scripts")
        after = end + call  # ∇_θ J(θ)
        if not head.downs:
            return self._total(parts, place, after, order, call)
        lowered = next(script for script in parts[place].parts if script.kind == "down")
        by, node = lowered.parts[0], parts[place]
        last = after
        while last < len(parts) and parts[last].kind not in ("op", "sign"):
            last += 1
        if last > after and (not self._is_of(parts[place + 1:after], by) or self.choices.ask(
                f"{self.source.text[parts[place].start:parts[last - 1].end]!r:.60}: what "
                f"{sign} is of", ("the next factor", "all that stands behind it"))):
            after = last
        taken = together(parts[place + 1:after])
        if order == 2:
            return self._hessian(taken, by, by, node), after
        return self._by_shape(*self._raw([Quotient(taken, by, node)]), node), after

    def _order(self, head: Scripts) -> int:
        if not head.ups:
            return 1
        if len(head.ups) == 1 and head.ups[0].text == "2" and head.base.text == "∇":
            return 2
        self.source.fail(head.ups[0], f"{head.base.text} is read without an exponent, or as ∇² "
                                      "for second derivatives")

    def _is_of(self, nodes: list[Node], by: Node) -> bool:
        """Whether what stands there is a number that depends on what is differentiated by."""
        value, array = self.value(together(nodes)), self.value(by)
        if value.axes or not array.reads:
            return False
        names = [name for name, _ in value.reads]
        return array.reads[0][0] in {*names, *_above(self.algebra.builder.build(), names)}

    def _total(
        self, parts: list[Node], place: int, end: int, order: int, call: bool
    ) -> tuple[Val, int]:
        """∇f(x) by all that f is of, which the brackets say: one array, or several numbers."""
        node = parts[place]
        if not call:
            self.source.fail(node, "by what ∇ is taken is not said; write \\nabla_W")
        inner = parts[end - 1].parts[0]
        wanted = list(inner.parts) if inner.kind == "list" else [inner]
        taken = together(parts[place + 1:end])
        if len(wanted) == 1:
            if order == 2:
                return self._hessian(taken, wanted[0], wanted[0], node), end
            return self._by_shape(*self._raw([Quotient(taken, wanted[0], node)]), node), end
        if any(self.value(each).axes for each in wanted):
            self.source.fail(node, "by which of these ∇ is taken is not said; write \\nabla_W")
        if order == 2:
            rows = [[self._hessian(taken, one, other, node) for other in wanted] for one in wanted]
        else:
            rows = [[self._by_shape(*self._raw([Quotient(taken, one, node)]), node)]
                    for one in wanted]
        return self.algebra.literal([[self.algebra.settle(cell) for cell in row] for row in rows]
                                    ), end

    def _second_of(
        self, second: tuple[Node | None, Node, Node], parts: list[Node], place: int
    ) -> tuple[Val, int] | None:
        """A second derivative at a part, of what stands above, or of all that is behind it."""
        above, one, other = second
        if above is not None:
            return self._hessian(above, one, other, parts[place]), place + 1
        behind = parts[place + 1:]
        if not behind:
            self.source.fail(parts[place], "what is differentiated is missing behind the "
                                           "derivative")
        return self._hessian(together(behind), one, other, parts[place]), len(parts)

    def _hessian(self, above: Node | None, one: Node, other: Node, node: Node) -> Val:
        """∂²f/∂x∂xᵀ of a number f: entry i, j is ∂²f/∂x_i∂x_j; also ∂²f/∂x_i∂x_j itself."""
        if above is None:
            self.source.fail(node, "what is differentiated is missing behind the derivative")
        value = self.value(above)
        if value.matrix_axes:
            self.source.fail(node, "second derivatives are read of one number")
        first, _, by = self._jacobian_of(value, Quotient(above, one, node))
        names = {f">{label}": "<first" for label in by.matrix_axes}
        if len(names) > 1:
            self.source.fail(one, "second derivatives are read by vectors and numbers, not by a "
                                  "matrix")
        gradient = self.algebra.renamed(first, names)
        second, _, also = self._jacobian_of(gradient, Quotient(above, other, node))
        if len(also.matrix_axes) != len(by.matrix_axes):
            self.source.fail(other, "second derivatives are read by two vectors, or two numbers")
        return self.algebra.renamed(second, {
            "<first": ROW, **{f">{label}": COLUMN for label in also.matrix_axes}})

    def _differential(self, parts: list[Node], place: int) -> tuple[Val, int] | None:
        """dW^{(l)}: the loss's derivative, as programs call it."""
        head = Scripts.of(parts[place + 1])
        stem = f"d{head.base.text}"
        if stem not in self.context.named:
            return None
        found = self.named(stem, head, parts[place + 1])
        return self.raised(found, head, parts[place + 1]), place + 2


def _above(system: System, names: list[str]) -> set[str]:
    """All arrays that some are computed from."""
    computed = set(ancestors(system, names))
    return computed | {read.array for equation in system.equations if equation.name in computed
                       for read in equation.reads}
