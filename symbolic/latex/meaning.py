"""What a formula means for a system: its sides as values, whose equations are appended to it.

Sums, fractions and powers are here; names in :mod:`naming`, products in :mod:`products`,
functions in :mod:`calls`, derivatives in :mod:`derivatives`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from fractions import Fraction

import sympy as sp

from ..equation import System
from ..layers.builder import Builder
from ..limits import MAX_BITS, MAX_EXPONENT, power_bits
from ..limits import number as limited
from .calls import Calls
from .choices import Choices
from .derivatives import Derivatives
from .named_calls import INDICATORS, NamedCalls
from .names import Store
from .naming import Naming
from .products import Products
from .scripts import Scripts, index_letter, is_transpose
from .symbols import stem_of
from .trees import Node, Source
from .values import COLUMN, ROW, Algebra, FitError, Val, number


class Meaning(Naming, Products, Calls, NamedCalls, Derivatives):
    """One reading of one formula.

    layers: the numbers of its letters for layers.  sizes: what indices were seen to run over.
    """

    def __init__(
        self, store: Store, source: Source, choices: Choices, layers: Mapping[str, int],
        sizes: dict[str, sp.Expr],
    ) -> None:
        self.store = store
        self.context = store.context
        self.source = source
        self.choices = choices
        self.layers = dict(layers)
        self.sizes = sizes
        self.unsized = False
        self.ends: dict[str, sp.Expr] = {}  # names of the text for lengths
        self.notes: list[str] = []
        self.written: dict[str, tuple[str, ...]] = {}  # what arrays are written as functions of
        self._start()

    def _start(self) -> None:
        self.known = self.store.system.names
        self.words = frozenset(name for name in self.context.system.shapes
                               if len(name) > 1 and name.isalpha() and name.isascii())
        builder = Builder()
        for array in self.store.system.inputs:
            builder.input(array)
        builder.adopt(self.store.system)
        self.algebra = Algebra(builder, [*self.context.sizes])

    def system(self) -> System:
        return self.algebra.builder.build()

    def fits(self, node: Node, error: FitError) -> FitError:
        """The error with its place."""
        return error if "column " in str(error)[:9] else FitError(
            self.source.located(node.start, str(error)))

    # --- the walk -------------------------------------------------------------------------------

    def value(self, node: Node) -> Val:
        match node.kind:
            case "number":
                exactly = limited(node.text) if "/" not in node.text else None
                return number(sp.Rational(node.text) if exactly is None else
                              sp.Rational(exactly.numerator, exactly.denominator))
            case "name" | "scripts":
                return self.scripted(Scripts.of(node), node)
            case "sum":
                return self._sum(node)
            case "product":
                return self.product_of(node)
            case "fraction":
                return self.fraction(node)
            case "root":
                inner = self.value(node.parts[0])
                return self.algebra.pointwise(sp.sqrt, inner)
            case "group":
                return self._group(node)
            case "big":
                return self._big(node)
            case "matrix":
                return self._matrix(node)
        self.source.fail(node, f"{self.source.of(node)!r} has no value here: a {node.kind} is not "
                               "read in this place")

    def _sum(self, node: Node) -> Val:
        values, signs, sign = [], [], 1
        for part in node.parts:
            if part.kind == "sign":
                sign = -1 if part.text == "-" else 1
                if part.text == "pm":
                    self.source.fail(part, "± states two formulas; write one of them")
                continue
            values.append(self.value(part))
            signs.append(sign)
            sign = 1
        eyes = all(value.special == "eye" for value in values)
        if eyes:
            values = [replace(value, special="") for value in values]
        try:
            total = self.algebra.pointwise(
                lambda *x: sp.Add(*(s * y for s, y in zip(signs, x, strict=True))), *values)
            return replace(total, special="eye") if eyes else total
        except FitError as error:
            raise self.fits(node, error) from None

    def _group(self, node: Node) -> Val:
        inner = node.parts[0]
        if node.text == "square" and inner.kind == "chain":  # [z > 0]
            return self.truth(inner)
        if node.text in ("round", "square", "curly"):
            return self.value(inner)
        if node.text == "bars":
            found = self.value(inner)
            if found.matrix_axes == {ROW, COLUMN}:
                return self.algebra.square_named(found, "det")
            return self.absolute(found)
        if node.text == "norm":
            return self._norm(Scripts(node))
        if node.text == "angles" and inner.kind == "list" and len(inner.parts) == 2:
            left, right = map(self.value, inner.parts)
            return self.all_summed(self.algebra.pointwise(lambda x, y: x * y, left, right))
        self.source.fail(node, "brackets of this kind are not read here")

    def all_summed(self, value: Val) -> Val:
        over = [label for label in value.axes if label in (ROW, COLUMN)]
        return self.algebra.settle(value, over) if over else value

    def _big(self, node: Node) -> Val:
        """Σ with what stands below it."""
        *scripts, body = node.parts
        if node.text != "sum":
            self.source.fail(node, "products Π are not read here; write their logarithm, or the "
                                   "factors")
        inner = self.value(body)
        ends = [script.parts[0] for script in scripts if script.kind == "up"]
        for label, other, start in self._bound(node, scripts):
            if other is not None:
                inner = self._without(inner, label, other)
            for end in ends:
                self._check_end(end, start, label, inner)
            try:
                inner = self.algebra.total(inner, label, self.sizes.get(label))
            except FitError as error:
                raise self.fits(node, error) from None
        return inner

    def _bound(self, node: Node, scripts: list[Node]) -> list[tuple[str, str | None, int]]:
        """The indices of a sum, what each is not to be, and from where it counts."""
        below = [script.parts[0] for script in scripts if script.kind == "down"]
        if not below:
            self.source.fail(node, "over what the sum runs is not said; write \\sum_i")
        found: list[tuple[str, str | None, int]] = []
        parts = below[0].parts if below[0].kind == "list" else (below[0],)
        if below[0].kind == "product" and all(p.kind == "name" for p in below[0].parts):
            parts = below[0].parts
        for part in parts:
            label, other, start = part, None, 1
            if part.kind == "chain":
                label, relation, bound = part.parts[:3]
                if relation.text in ("neq", "ne"):
                    other = str(index_letter(bound, self.source))
                elif relation.text != "=" or bound.text not in ("0", "1"):
                    self.source.fail(bound, "a sum runs over a whole axis here, from 1")
                else:
                    start = int(bound.text)
            letter = index_letter(label, self.source)
            found.append((str(letter), other, start))
        return found

    def _check_end(self, end: Node, start: int, label: str, value: Val) -> None:
        """A sum runs over all of an axis; a name for how long that is may be the text's own, and
        is the same length wherever it stands."""
        size = value.axes.get(label, self.sizes.get(label))
        if size is None:
            return  # which is an error of its own
        own: dict[sp.Symbol, str] = {}
        length = sp.expand(self._length(end, {*value.axes, *self.sizes}, own) - start + 1)
        if length in own:
            size, stated = self.ends.setdefault(own[length], size), size
            length = stated
        elif own:
            self.source.fail(end, "a sum runs over a whole axis here: from 1 to its length")
        if sp.expand(length - size) != 0:
            raise FitError(self.source.located(
                end.start, f"the sum over {label} has {length} terms where there are {size}"))

    def _length(self, end: Node, indices: Collection[str], own: dict[sp.Symbol, str]) -> sp.Expr:
        """What is above a sum as an expression in sizes; own: names that are none of these."""
        if end.kind == "number" and end.text.isdigit():
            return sp.Integer(end.text)
        if end.kind == "name" and end.text in self.context.sizes:
            return self.context.sizes[end.text]
        if end.kind == "scripts" or (end.kind == "name" and end.text not in indices):
            symbol = sp.Dummy()
            own[symbol] = "".join(self.source.of(end).split()).strip("{}")
            return symbol
        if end.kind == "sum":
            total, sign = sp.S.Zero, 1
            for part in end.parts:
                if part.kind == "sign":
                    sign = -1 if part.text == "-" else 1
                else:
                    total, sign = total + sign * self._length(part, indices, own), 1
            return total
        self.source.fail(end, "a sum runs over a whole axis here: from 1 to its length")

    def _without(self, value: Val, label: str, other: str) -> Val:
        size = value.axes.get(label) or self.sizes.get(label)
        if size is None:
            self.unsized = True
            return value
        same = self.algebra.delta(label, other, size)
        return self.algebra.pointwise(lambda x, d: x * (1 - d), value, same)

    def _matrix(self, node: Node) -> Val:
        """Numbers and entries in rows and columns."""
        if node.text in ("cases", "vmatrix"):
            self.source.fail(node, "cases and determinants written out are not read here")
        rows = [[self.value(cell) for cell in row.parts] for row in node.parts if row.parts]
        if len({len(row) for row in rows}) != 1 or any(
                cell.axes or cell.special for row in rows for cell in row):
            self.source.fail(node, "a matrix is read with numbers, or entries, in rows of one "
                                   "length")
        return self.algebra.literal(rows)

    def scripted(self, found: Scripts, node: Node) -> Val:
        base = found.base
        if base.font == "bb" and base.text != "I":
            self.source.fail(base, f"{self.source.of(base)} is not read: an expectation, a set or "
                                   "a probability is no array")
        if base.font == "cal" and base.text not in self.context.named:
            self.source.fail(base, f"the name {self.source.of(base)} is not known here")
        if base.kind != "name":
            if base.kind == "group" and base.text == "norm":
                return self._norm(found)
            return self.raised(self.lowered(self.value(base), found.downs, node), found, node)
        if base.parts and base.text not in self.context.named:  # \mathbf{b a}^T: the T is at a
            last = base.parts[-1] if node.kind != "scripts" else Node(
                "scripts", "", base.parts[-1].start, node.end, (base.parts[-1], *node.parts[1:]))
            return self.value(Node("product", "", node.start, node.end, (*base.parts[:-1], last)))
        if base.text in INDICATORS and len(found.downs) == 1 and found.downs[0].kind == "chain":
            return self.raised(self.truth(found.downs.pop()), found, node)
        value = self.named(stem_of(base), found, node)
        return self.raised(value, found, node)

    def _norm(self, found: Scripts) -> Val:
        """A norm with what is raised or lowered at it."""
        downs = {down.text for down in found.downs}
        inner = self.value(found.base.parts[0])
        if downs - {"1", "2", "F", "f"} or len(downs) > 1:
            self.source.fail(found.downs[0], "norms are read without an index, with 1, 2 or F")
        if inner.matrix_axes == {ROW, COLUMN} and downs <= {"1", "2"} and (
                downs == {"1"} or not self.choices.ask("which norm of a matrix is meant", (
                    "not said", "the root of the sum of its squares"))):
            self.source.fail(found.base, "which norm of a matrix is meant is not said; write "
                             "\\|X\\|_F for the root of the sum of its squares, or answer it")
        if downs == {"1"}:
            return self.raised(self.all_summed(self.absolute(inner)), found, found.base)
        squares = self.all_summed(self.algebra.pointwise(lambda x: x**2, inner))
        if len(found.ups) == 1 and found.ups[0].text == "2":
            return squares
        return self.raised(self.algebra.pointwise(sp.sqrt, squares), found, found.base)

    # --- what is raised or lowered at a value ---------------------------------------------------

    def lowered(self, value: Val, downs: list[Node], node: Node) -> Val:
        if not downs:
            return value
        letters = [index_letter(down, self.source) for down in downs]
        axes = [label for label in (ROW, COLUMN) if label in value.axes]
        if len(letters) != len(axes) or not all(isinstance(x, str) for x in letters):
            self.source.fail(node, f"{value.shape} has {len(axes)} axes, got {len(letters)} "
                                   "indices")
        for label, letter in zip(axes, letters, strict=True):
            self.sizes[str(letter)] = value.axes[label]
        return self.algebra.renamed(self.algebra.settle(value),
                                    dict(zip(axes, map(str, letters), strict=True)))

    def raised(self, value: Val, found: Scripts, node: Node) -> Val:
        if found.primes and value.reads and not value.matrix_axes and not value.special:
            self.source.fail(node, "a prime at a number: a derivative is written f'(x)")
        if found.primes % 2:
            value = self.algebra.transposed(value)
        for up in found.ups:
            value = self._power(value, up)
        return value

    def _power(self, value: Val, up: Node) -> Val:
        if is_transpose(up):
            return self._turned(value, up)
        entrywise = up.kind == "product" and up.parts[0].text == "⊙"
        exponent = self.value(up.parts[1] if entrywise else up)
        if exponent.axes and value.axes and not entrywise:
            self.source.fail(up, "an exponent is one number here")
        if value.special == "eye" and not exponent.axes and not entrywise:  # (2 I)^{-1}
            plain = self.algebra.pointwise(lambda x, n: x**n, replace(value, special=""), exponent)
            return replace(plain, special="eye")
        matrix = value.matrix_axes == {ROW, COLUMN} or value.special
        if matrix and exponent.body == -1 and not entrywise:
            return self.algebra.square_named(value, "inv")
        if matrix and exponent.body == 2 and not entrywise and not value.special:
            square = sp.expand(value.axes[ROW] - value.axes[COLUMN]) == 0
            if square and self.choices.ask("the square of a matrix",
                                           ("entry by entry", "times itself")):
                return self.algebra.product(value, value)
        self._check_power(value, exponent, up)
        return self.algebra.pointwise(lambda x, n: x**n, value, exponent)

    def _turned(self, value: Val, up: Node) -> Val:
        if up.text != "⊤" and value.reads and not value.axes and not any(
                len(self.algebra.shape(name)) for name, _ in value.reads):
            self.source.fail(up, f"{up.text} above a number: a transpose has no meaning there, "
                                 f"and {up.text} is not known as an exponent")
        return self.algebra.transposed(value)

    def _check_power(self, value: Val, exponent: Val, up: Node) -> None:
        """Numbers that a computer can hold."""
        base, power = value.body, exponent.body
        if (power.is_Rational and abs(power) > MAX_EXPONENT) or (
                base.is_Rational and power.is_Rational and power_bits(
                    Fraction(int(base.p), int(base.q)), int(power)) > MAX_BITS):
            self.source.fail(up, f"a power is at most {MAX_EXPONENT}, and a number has at most "
                                 f"{MAX_BITS} bits")
