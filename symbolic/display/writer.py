"""Equations written out: in matrix form where one reads well, with indices where none does.

    Z[i, j] = Σ_k X[i, k] W[k, j] + b[j]   ->   Z = X W + b      (readable, matrix_text)
    s[i] = Σ_j A[i, j]² B[j, i, j]         ->   sᵢ = Σ_j Aᵢⱼ² Bⱼᵢⱼ   (index_text)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from ..dependence import needed_items
from ..equation import (
    Equation,
    Read,
    System,
    Term,
    equations_of,
    size_names,
    slot,
    term_reads,
)
from ..matrices.guard_spans import with_spans
from ..matrices.kronecker import Kronecker, kronecker_form
from ..matrices.leaves import summand
from ..matrices.loop_ends import beyond, loop_indices, merged
from ..matrices.nodes import Leaf, Node, Product, Series, Total, Where, walk
from ..solving import prune
from .index_letters import lettered, with_free_steps
from .index_text import index_form, place_form
from .layout import body
from .lone_places import without_lone_places
from .matrix_text import node_text
from .pen import Conventions, Pen, Way, Written
from .readable import Readable, readable_form, steps_in, written
from .text_and_latex import LATEX, TEXT, Medium


@dataclass(frozen=True)
class Writer(Conventions):
    """Writes equations in one notation; see :class:`Conventions` for the fields."""

    _forms: dict[Equation, Readable | None] = field(
        default_factory=dict, init=False, repr=False, compare=False)

    def latex(self, equation: Equation) -> Written:
        """In LaTeX."""
        return self._write(equation, LATEX)

    def text(self, equation: Equation) -> Written:
        """In Unicode."""
        return self._write(equation, TEXT)

    def notes(self, equation: Equation, latex: bool = False) -> tuple[str, ...]:
        """What the values are that the written equation reads beyond the ends of a loop, and the
        places of a maximum."""
        equation = self._merged(equation)
        found: list[str] = []
        if self.setting.places.keys() & {*equation.argmax}:
            medium = replace(LATEX if latex else TEXT, place=True)
            found += self._places(equation, Pen(self, medium))
        steps = loop_indices(equation, self.setting.loops)
        for (array, side), value in beyond(equation, self.setting.loops).items():
            step, size = next((index.name, str(index.size)) for index in steps)
            if side == 1 and not value:
                found.append(
                    rf"\text{{terms at }} {step} + 1 \text{{ vanish at }} {step} = {size} - 1"
                    if latex else f"terms at {step} + 1 vanish at {step} = {size} - 1")
                continue
            given = self.name(value, latex=latex) if value else "0"
            if value in self.notation.entries:  # which would say that it is itself
                given = rf"\mathrm{{{value}}}" if latex else value
            found.append(f"{self.name(array, ['-1' if side == -1 else size], latex)} = {given}")
        return tuple(dict.fromkeys(found))

    def _places(self, equation: Equation, pen: Pen) -> Iterator[str]:
        """Where a maximum is attained: at 0 along an axis of length 1."""
        lone = {name: index.size == 1
                for name, index in zip(equation.argmax, equation.terms[0].over, strict=True)}
        yield from (f"{pen.name(name)} = 0" for name in lone
                    if lone[name] and name in self.setting.places)
        rest = tuple(name for name in lone if not lone[name])
        if rest:
            yield place_form(replace(self._lettered(equation), argmax=rest), pen)

    # --- what is mentioned ----------------------------------------------------------------------

    def reads(self, equation: Equation) -> frozenset[str]:
        """The arrays that the written equation mentions on its right side."""
        equation = self._merged(equation)
        found = self._form(equation)
        if found is not None:
            return _leaves(found.form)
        names: set[str] = set()
        for term in equation.terms:
            made = summand(equation, term, {}, (), self.setting.levels)
            names |= {read.array for read in term_reads(term)} if made is None else {
                node.array for top in made.leaves for node in walk(top) if isinstance(node, Leaf)}
        shown = [_leaves(self.inline[name].form) if name in self.inline else {name}
                 for name in names]
        return frozenset().union(*shown)

    def mentioned(self, system: System, names: Iterable[str]) -> frozenset[str]:
        """The arrays `names` and what their written equations mention, and so on."""
        wanted = set(names)
        for item in needed_items(system, wanted, self.reads):
            for equation in equations_of(item):
                wanted |= {equation.name} | self.reads(equation)
        return frozenset(wanted)

    def whole_form(self, equation: Equation) -> Node | None:
        """The matrix form of the whole array; None where it is written in slices or with
        indices."""
        found = self._form(self._merged(equation))
        return found.form if found is not None and not found.at else None

    # --- choice of form -------------------------------------------------------------------------

    def _write(self, equation: Equation, medium: Medium) -> Written:
        pen = Pen(self, medium)
        equation = self._merged(equation)
        if not equation.terms:  # an array that does not reach the loss
            return Written(pen.name(equation.name), "0")
        rest = self._rest(equation)
        if rest is not None:
            return Written("0", self._equal(rest, pen).right)
        return self._equal(equation, pen)

    def _equal(self, equation: Equation, pen: Pen) -> Written:
        found = self._form(equation)
        if found is not None:
            return written(found, equation, pen)
        equation = self._lettered(equation)
        return self._compressed(equation, pen) or index_form(
            equation, pen, lambda term: self._alone(equation, term, pen))

    def _rest(self, equation: Equation) -> Equation | None:
        """F of what is solved for as x = x - F(x), which is written 0 = F(x); else None."""
        if equation.name not in self.setting.solved:
            return None
        itself = Read(equation.name, tuple(index.symbol for index in equation.out))
        for place, term in enumerate(equation.terms):
            at = slot(term.reads.index(itself)) if itself in term.reads else None
            if at is None or term.over or term.guards or not any(
                    part.is_Number and part >= 1 for part in (
                        part / at for part in sp.Add.make_args(term.body))):
                continue
            body, reads = prune(sp.expand_mul(term.body - at, deep=False), term.reads)
            terms = (*equation.terms[:place], replace(term, body=body, reads=reads),
                     *equation.terms[place + 1:])
            return replace(equation, terms=tuple(
                replace(t, body=sp.expand_mul(-t.body, deep=False)) for t in terms if t.body != 0))
        return None

    def _alone(self, equation: Equation, term: Term, pen: Pen) -> str:
        """A number among others that is a product of matrices, xᵀ A x; "" for any other term."""
        if equation.out or len(equation.terms) < 2 or equation.reduction != "sum":
            return ""
        lone = replace(equation, terms=(term,))
        found = self._form(lone)
        nodes = [] if found is None or found.at else list(walk(found.form))
        if found is None or not any(isinstance(node, Product) for node in nodes) or any(
                isinstance(node, Total | Series | Where) or (
                    isinstance(node, Leaf) and node.array in self.inline) for node in nodes):
            return ""
        return written(found, lone, pen).right

    def _form(self, equation: Equation) -> Readable | None:
        """The matrix form that reads well; None without one."""
        if equation not in self._forms:  # asked for by what is shown and by every text of it
            self._forms[equation] = readable_form(equation, self)
        return self._forms[equation]

    def lettered(self, equation: Equation) -> Equation:
        """With i, j, k for its indices, steps of a loop left as they are."""
        return self._lettered(self._merged(equation))

    def _merged(self, equation: Equation) -> Equation:
        """As it is written: ends of loops left to what is beyond them, steps told from sizes."""
        equation = with_spans(merged(equation, self.setting.loops))
        steps = steps_in(equation, self)
        return with_free_steps(equation, steps, self._taken) if steps else equation

    @cached_property
    def _taken(self) -> frozenset[str]:
        return frozenset(size_names(self.shapes.values()) | self.shapes.keys())

    def _lettered(self, equation: Equation) -> Equation:
        equation = without_lone_places(equation, self.shapes_read(equation))
        return lettered(equation, self._taken, steps_in(equation, self))

    def _compressed(self, equation: Equation, pen: Pen) -> Written | None:
        """A derivative by a matrix as a sum of Kronecker products; None where it is none."""
        leading = self.leading.get(equation.name)
        text = ""
        for product in kronecker_form(equation, leading) or () if leading is not None else ():
            shown = self._kronecker(product, pen)
            if shown is None:
                return None
            negative = product.number.is_negative
            if text:
                text += f" {'-' if negative else '+'} {shown}"
            else:
                text = ("-" if negative else "") + shown
        return Written(pen.name(equation.name), text) if text else None

    def _kronecker(self, product: Kronecker, pen: Pen) -> str | None:
        """|number| · left ⊗ right; None where a side has no matrix form."""
        medium, pieces = pen.medium, []
        for side in (product.left, product.right):
            found = self._form(side)
            if found is None:
                return None
            way: Way = "column" if product.column else "row"
            try:
                pieces.append(node_text(found.form, pen, way if len(side.out) == 1 else None))
            except NotImplementedError:
                return None
        text = medium.kronecker(product.way, pieces[0], pieces[1], "K" in self.shapes)
        if abs(product.number) == 1:
            return text
        held = medium.style.bracket(text) if product.way == "product" else text
        return f"{body(abs(product.number), [], medium.style).text}{medium.product}{held}"


def _leaves(form: Node) -> frozenset[str]:
    return frozenset(node.array for node in walk(form) if isinstance(node, Leaf))
