"""What an array is a function of: f(x), f'(x), h_θ(x^{(i)}); and indicators, 𝟙(z > 0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sympy as sp

from ..dependence import ancestors
from ..elementwise import comparison
from ..equation import Equation, slot
from .scripts import Scripts
from .symbols import stem_of
from .trees import Node, Source
from .values import COLUMN, ROW, Algebra, Val

if TYPE_CHECKING:
    from .names import Context

INDICATORS = ("bb 1", "bold 1", "1", "𝟏", "I")
"""What stands before a comparison: 𝟙(z > 0)."""
COMPARED = {">": ">", "gt": ">", "<": "<", "lt": "<", ">=": ">=", "geq": ">=", "ge": ">=",
            "geqslant": ">=", "≥": ">=", "<=": "<=", "leq": "<=", "le": "<=", "leqslant": "<=",
            "≤": "<="}


class NamedCalls:
    """Calls of arrays, by what they are computed from."""

    algebra: Algebra
    source: Source
    context: Context
    written: dict[str, tuple[str, ...]]
    value: Callable[[Node], Val]
    array: Callable[[str, list[Node], Node, Node | None], Val]
    of_each_entry: Callable[[Val, Val], sp.Expr | None]
    kronecker: Callable[[list[Node]], Val]

    def called_by_name(
        self, stem: str, head: Scripts, argument: Scripts, node: Node
    ) -> Val | None:
        """𝟙(z > 0), and f(x) where f is an array; None for what is neither."""
        inner = argument.base.parts[0]
        if stem in INDICATORS and inner.kind == "chain" and not (head.ups or head.downs):
            return self.truth(inner)
        if argument.base.text != "round":
            return None
        return self._value_at(stem, head, argument, node)

    def truth(self, node: Node) -> Val:
        """1 where a comparison holds, 0 where it does not; 𝟙(i = j) of indices is Kronecker's."""
        if len(node.parts) == 3 and node.parts[1].text == "=" and all(
                part.kind == "name" and len(part.text) == 1 and part.text not in self.context.named
                for part in (node.parts[0], node.parts[2])):
            return self.kronecker([node.parts[0], node.parts[2]])
        if len(node.parts) != 3 or node.parts[1].text not in COMPARED:
            self.source.fail(node, "an indicator is read of one comparison with <, >, ≤ or ≥, or "
                                   "of two indices, i = j")
        left, relation, right = node.parts
        return self.algebra.pointwise(
            lambda x, y: comparison(COMPARED[relation.text], x, y),
            self.value(left), self.value(right))

    def _value_at(
        self, stem: str, head: Scripts, argument: Scripts, node: Node
    ) -> Val | None:
        """A computed array with what it is computed from, f(x, y), or its slope, f'(x)."""
        array, head = self._meant(stem, head)
        equation = next((each for each in self.context.system.equations if each.name == array),
                        None)
        if equation is None or head.ups:
            return None
        inner = argument.base.parts[0]
        items = list(inner.parts) if inner.kind == "list" else [inner]
        items = [item for item in items if item.kind != "op"]
        parameters = [down for down in head.downs if down.kind == "name"
                      and down.text in self.context.named]
        found = [self._bare(item) for item in (*items, *parameters)]
        above = self._above(array)
        arrays = [value.reads[0][0] for value in found if value is not None]
        if len(arrays) < len(found) or not above.issuperset(arrays):
            self._refuse_other(equation, array, argument, head, above)
            return None
        self._check_order(array, arrays, argument)
        left = [down for down in head.downs if down not in parameters]
        value = self.array(array, left, node, self._sample_of(array, items))
        return value if not head.primes else self._slope(value, found, head, node)

    def _meant(self, stem: str, head: Scripts) -> tuple[str, Scripts]:
        """The array that is called, and what stands at it beside its name: a text's own symbol
        has scripts, L_{ridge}(w)."""
        for symbol in self.context.scripted:
            rest = Scripts(head.base, list(head.ups), list(head.downs), head.primes)
            if symbol.taken_off(stem_of(head.base), rest):
                return symbol.array, rest
        return self.context.named.get(stem, {}).get("", ""), head

    def _above(self, array: str) -> set[str]:
        system = self.context.system
        needed = set(ancestors(system, [array]))
        return {read.array for each in system.equations if each.name in needed
                for read in each.reads}

    def _refuse_other(
        self, equation: Equation, array: str, argument: Scripts, head: Scripts, above: set[str]
    ) -> None:
        """f(x + 1) may be f at another value, or a product; the formula does not say which."""
        names = {value.reads[0][0] for part in argument.base.all()
                 if (value := self._bare(part)) is not None}
        if head.primes and names & above:
            self.source.fail(argument.base, f"{array}' is read of what {array} is computed from, "
                                            f"as in {array}'(x), not of an expression")
        if not equation.out and names & above and array not in names:
            self.source.fail(argument.base, f"{array} at other values, or a product? write a dot "
                                            "for a product; other values are not read")

    def _check_order(self, array: str, arrays: list[str], argument: Scripts) -> None:
        """f(x, y) and f(y, x) are not the same."""
        before = self.written.setdefault(array, tuple(arrays))
        common = [name for name in arrays if name in before]
        if common != [name for name in before if name in common]:
            self.source.fail(argument.base, f"{array} is written of the same in another order")

    def _sample_of(self, array: str, items: list[Node]) -> Node | None:
        """The sample that is asked for by an argument, h(x^{(i)})."""
        raised = []
        for item in items:
            value = self._bare(item)
            if value is not None and value.reads[0][0] in self.context.samples and any(
                    at not in (ROW, COLUMN) for at in value.reads[0][1]):
                raised.append(item)
        if not raised:
            return None
        scripts = Scripts.of(raised[0])
        if len(raised) > 1 or array not in self.context.samples:
            self.source.fail(raised[0], f"{array} is not said to have samples")
        sample = (scripts.ups or scripts.downs)[0]
        return sample.parts[0] if sample.kind == "group" else sample

    def _slope(
        self, value: Val, found: list[Val | None], head: Scripts, node: Node
    ) -> Val:
        """f'(x) of one number, or of a function of each entry."""
        body = self.of_each_entry(value, found[0]) if len(found) == 1 and found[0] else None
        if body is None or found[0] is None:
            self.source.fail(node, "a prime is read at a function of each entry of one array")
        return Val(sp.diff(body, slot(0), head.primes), found[0].reads, found[0].axes)

    def _bare(self, node: Node) -> Val | None:
        """The value of a name that stands alone; None for what else there is."""
        if node.kind not in ("name", "scripts") or Scripts.of(node).base.kind != "name" or \
                Scripts.of(node).base.text not in self.context.named:
            return None
        value = self.value(node)
        return value if value.body == slot(0) and len(value.reads) == 1 else None
