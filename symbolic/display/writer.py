"""Equations written out: in matrix form where they have one, with indices where they do not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from ..dependence import needed_items
from ..equation import (
    NAMED,
    Equal,
    Equation,
    Guard,
    Read,
    Size,
    Subscript,
    System,
    Term,
    Within,
    equations_of,
    guard_subscripts,
    size_names,
    slot,
    slots_of,
    subscript_indices,
    term_reads,
)
from ..functions import SIGMOID, A, Opaque, Z, derivative, in_output, in_sigmoid
from ..matrices.kronecker import kronecker_form
from ..matrices.leaves import Levels, leaf, levels_of, summand
from ..matrices.loop_ends import Loops, beyond, loop_indices, loops_of, merged
from ..matrices.recognise import (
    Applied,
    Diagonal,
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Series,
    Softmax,
    Span,
    Total,
    Transposed,
    Where,
    aligned,
    matrix_form,
    walk,
    without_units,
)
from ..matrices.repeated_vectors import gathered
from .index_letters import indices_of, lettered, with_letters
from .layout import ADD, ATOM, MUL, POW, Latex, Piece, Style, Text, body
from .notation import Notation, subscripted
from .text_and_latex import LATEX, TEXT, Target, joined


@dataclass(frozen=True)
class Written:
    """An equation as two sides."""

    left: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


@dataclass(frozen=True)
class Setting:
    """What an equation's text depends on beyond itself: log Σ exp that are parts of a softmax,
    recurrences with the values beyond their ends, and places of maxima that something reads,
    each with how many places there are."""

    levels: Levels = field(default_factory=dict)
    loops: Loops = field(default_factory=Loops)
    places: Mapping[str, Size] = field(default_factory=dict)

    @classmethod
    def of(cls, system: System) -> Setting:
        read = {r.array for equation in system.equations for r in equation.reads}
        places = {name: index.size for equation in system.equations if equation.argmax
                  for name, index in zip(equation.argmax, equation.terms[0].over, strict=True)
                  if name in read}
        return cls(levels_of(system), loops_of(system), places)


@dataclass(frozen=True)
class Writer:
    """Writes equations in one notation.

    row_vectors: vectors are rows (x W + b) rather than columns (W x + b).
    shapes: of all arrays; an axis of size 1 needs no subscript.
    diagonals: [i = j] v is written diag(v), and so is a vector that scales rows or columns.
    setting: what is known of the system that the equations are from.
    bias_last: a vector that is added to every row stands by itself (X + b), one with an entry for
        each row has 1ᵀ behind it; the other way round where it is False.  By default: row_vectors.
    leading: derivative -> how many of its axes are those of what is differentiated; the others are
        what by.  A derivative by a matrix is then written as a matrix, with ⊗.
    """

    notation: Notation
    row_vectors: bool
    shapes: Mapping[str, tuple[Size, ...]]
    diagonals: bool = False
    setting: Setting = field(default_factory=Setting)
    bias_last: bool | None = None
    leading: Mapping[str, int] = field(default_factory=dict)
    _forms: dict[Equation, tuple[Node, list[str]] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False)

    def latex(self, equation: Equation) -> Written:
        """In LaTeX."""
        return self._write(equation, LATEX)

    def text(self, equation: Equation) -> Written:
        """In Unicode."""
        return self._write(equation, TEXT)

    def name(self, array: str, at: Sequence[str] = (), latex: bool = False) -> str:
        """An array, or an entry of it, as this notation writes it."""
        return self.notation.latex(array, at) if latex else self.notation.text(array, at)

    def indexed(self, equation: Equation, latex: bool = False) -> Written:
        """With indices and Σ, whatever the equation."""
        return self._with_indices(equation, LATEX if latex else TEXT)

    def notes(self, equation: Equation, latex: bool = False) -> tuple[str, ...]:
        """What the values are that the written equation reads beyond the ends of a loop, and the
        places of a maximum."""
        equation = merged(equation, self.setting.loops)
        found = [self._places(equation, LATEX if latex else TEXT)] \
            if self.setting.places.keys() & {*equation.argmax} else []
        steps = loop_indices(equation, self.setting.loops)
        for (array, side), value in beyond(equation, self.setting.loops).items():
            size = next(str(index.size) for index in steps)
            if side == 1 and not value and not latex:
                found.append(f"terms at {steps[0].name} + 1 vanish at {steps[0].name} = {size} - 1")
                continue
            at = "-1" if side == -1 else size
            given = self.name(value, latex=latex) if value else "0"
            if value in self.notation.entries:  # which would say that it is itself
                given = rf"\mathrm{{{value}}}" if latex else value
            found.append(f"{self.name(array, [at], latex)} = {given}")
        return tuple(dict.fromkeys(found))

    def _places(self, equation: Equation, target: Target) -> str:
        """(at₁, at₂)ᵢ = argmax ...: where a maximum is attained, in the order of its indices."""
        equation = lettered(equation, self._sizes, self._steps(equation))
        at = self._shown(equation.name, [index.name for index in equation.out])
        names = ", ".join(self.name(name, latex=target.latex) for name in equation.argmax)
        left = self.name(equation.argmax[0], at, target.latex) if len(equation.argmax) == 1 \
            else subscripted(f"({names})", at, target.latex)
        right = self._term(equation, equation.terms[0], replace(target, place=True))
        return f"{left} = {right.text}"

    # --- choice of form -------------------------------------------------------------------------

    def _write(self, equation: Equation, target: Target) -> Written:
        equation = merged(equation, self.setting.loops)
        if not equation.terms:
            return Written(self.name(equation.name, latex=target.latex), "0")
        found = self._form(equation)
        if found is None:
            equation = lettered(equation, self._sizes, self._steps(equation))
            compressed = self._kronecker(equation, target)
            return compressed or self._with_indices(equation, target)
        form, at = found
        return Written(self.name(equation.name, at, target.latex), self._node(form, target).text)

    def _kronecker(self, equation: Equation, target: Target) -> Written | None:
        """A derivative by a matrix as a sum of Kronecker products; None where it is none."""
        leading = self.leading.get(equation.name)
        products = None if leading is None else kronecker_form(equation, leading)
        shown = ""
        for product in products or ():
            sides = [self._form(side) for side in (product.left, product.right)]
            if None in sides:
                return None
            pieces = [self._node(found[0], target) for found in sides if found is not None]
            for place, side in enumerate((product.left, product.right)):
                if len(side.out) == 1 and product.column == self.row_vectors:
                    pieces[place] = target.transpose(pieces[place])
            text = target.kronecker(product.way, *pieces)
            number, sign = abs(product.number), "-" if product.number.is_negative else "+"
            if number != 1:
                held = target.style.bracket(text) if product.way == "product" else text
                text = f"{body(number, [], target.style).text}{target.product}{held}"
            lead = "-" if sign == "-" else ""
            shown += f" {sign} {text}" if shown else lead + text
        return Written(self.name(equation.name, latex=target.latex), shown) if shown else None

    def reads(self, equation: Equation) -> frozenset[str]:
        """The arrays that the written equation mentions on its right side."""
        equation = merged(equation, self.setting.loops)
        found = self._form(equation)
        if found is not None:
            return frozenset(node.array for node in walk(found[0]) if isinstance(node, Leaf))
        names: set[str] = set()
        for term in equation.terms:
            made = summand(equation, term, {}, (), self.setting.levels)
            names |= {read.array for read in term_reads(term)} if made is None else {
                node.array for top in made.leaves for node in walk(top) if isinstance(node, Leaf)}
        return frozenset(names)

    def mentioned(self, system: System, names: Iterable[str]) -> frozenset[str]:
        """The arrays `names` and what their written equations mention, and so on."""
        wanted = set(names)
        for item in needed_items(system, wanted, self.reads):
            for equation in equations_of(item):
                wanted |= {equation.name} | self.reads(equation)
        return frozenset(wanted)

    def _form(self, equation: Equation) -> tuple[Node, list[str]] | None:
        """The matrix form that reads well, and the left side's subscripts; None without one."""
        if equation not in self._forms:  # asked for by what is shown and by every text of it
            self._forms[equation] = self._formed(equation)
        return self._forms[equation]

    def _formed(self, equation: Equation) -> tuple[Node, list[str]] | None:
        for fixed in self._slicings(equation):
            shown = [name for name in fixed if name not in self._steps(equation)]
            named = with_letters(equation, shown, self._sizes)
            at = [new.name for old, new in zip(equation.out, named.out, strict=True)
                  if old.name in fixed]
            letters = {new.name for old, new in zip(indices_of(equation), indices_of(named),
                                                    strict=True) if old.name in fixed}
            form = matrix_form(
                named, self.row_vectors, self._shapes(named), self.diagonals,
                fixed=letters, levels=self.setting.levels,
            )
            out = tuple(i.name for i in without_units(named).out if i.name not in letters)
            if form is not None and self._reads_well(form, out):
                return aligned(form, out), at
        return None

    @cached_property
    def _sizes(self) -> frozenset[str]:
        """The names of sizes, which are no letters for indices."""
        return frozenset(size_names(self.shapes.values()))

    def _steps(self, equation: Equation) -> set[str]:
        return {index.name for index in loop_indices(equation, self.setting.loops)}

    def _shapes(self, equation: Equation) -> dict[str, tuple[Size, ...]]:
        """The shapes of what an equation reads, those of adjoints from their arrays."""
        names = {read.array for read in equation.reads}
        primal = self.notation.adjoints
        return {name: self.shapes[key] for name in names
                for key in (name if name in self.shapes else primal.get(name, name),)
                if key in self.shapes}

    def _slicings(self, equation: Equation) -> Iterator[tuple[str, ...]]:
        """The sets of indices that may stand as subscripts: steps of a loop always do, leading
        axes where the whole arrays have no matrix form."""
        steps = tuple(index.name for index in indices_of(equation)
                      if index.name in self._steps(equation))
        yield tuple(dict.fromkeys(steps))
        widest: list[str] = []
        for term in equation.terms:
            for read in term.reads:
                plain = [str(entry) for entry in read.at
                         if not isinstance(entry, Read) and entry.is_Symbol]
                names = [name for name in plain if name not in steps]
                widest = max(widest, names, key=len)
        for count in range(1, len(widest) - 1):
            yield (*dict.fromkeys(steps), *widest[:count])

    def _reads_well(self, form: Node, out: tuple[str, ...]) -> bool:
        """Whether the matrix form needs no convention beyond the one for biases."""
        nodes = list(walk(form))
        products = any(isinstance(node, Product | Outer | Total) for node in nodes)
        for node in nodes:
            if isinstance(node, Einsum):
                return False
            if isinstance(node, Total):
                last_two = node.of.axes[-2:]
                if node.reduction != "sum" or len(node.over) != 1:
                    return False
                if not out or node.over[0] not in last_two:
                    return False
            if isinstance(node, Pointwise) and not all(
                self._broadcasts(argument.axes, node.axes) for argument in node.arguments
            ):
                return False
            if isinstance(node, Where) and not (
                node.lowest or all(self._is_step(guard, out) for guard in node.guards)
            ):
                return False
            if isinstance(node, Leaf) and self.diagonals and len(node.axes) > 2:
                return False
            if isinstance(node, Leaf) and not products and any(
                isinstance(place, Span) for place in node.part
            ):
                return False
        return bool(out or not isinstance(form, Pointwise | Series) or not any(
            isinstance(node, Total) for node in nodes))

    def _is_step(self, guard: Guard, out: tuple[str, ...]) -> bool:
        return not {str(s) for p in guard_subscripts(guard) for s in subscript_indices(p)} & {*out}

    def _broadcasts(self, axes: tuple[str, ...], target: tuple[str, ...]) -> bool:
        """Whether a reader knows along which axes an argument is repeated."""
        axes = tuple(axis for axis in axes if axis)
        stack = target[:-2]
        if len(axes) >= 2 and axes[-2:] in (target[-2:], target[:-3:-1]):
            return axes[:-2] == stack[len(stack) - len(axes) + 2:]
        return not axes or axes in (target[-1:], (*stack, *target[-2:-1]))

    def _across(self, target: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The axes of vectors that are not repeated without a word but have 1ᵀ behind them."""
        if len(target) < 2:
            return ()
        if self.diagonals:
            return target[:-1], target[-1:]
        rows = self.row_vectors if self.bias_last is None else self.bias_last
        return (target[:-1],) if rows else (target[-1:],)

    # --- matrix form ----------------------------------------------------------------------------

    def _node(self, node: Node, target: Target) -> Piece:
        if isinstance(node, Leaf):
            text = self._leaf(node, target)
            return Piece(text, POW if text.startswith((r"\frac", "∂")) else ATOM, bool(node.axes))
        if isinstance(node, Transposed):
            return target.transpose(self._node(node.of, target))
        if isinstance(node, Product):
            pieces = [self._node(factor, target) for factor in node.factors]
            if len(node.factors[0].axes) == len(node.factors[-1].axes) == 1:
                end = -1 if self.row_vectors else 0  # uᵀ A v of columns, u A vᵀ of rows
                pieces[end] = target.transpose(pieces[end])
            return joined(pieces, target, bool(node.axes))
        if isinstance(node, Outer):
            column, row = self._node(node.column, target), self._node(node.row, target)
            if self.row_vectors:
                column = target.transpose(column)
            else:
                row = target.transpose(row)
            return joined([column, row], target, True)
        if isinstance(node, Total):
            inner = self._node(node.of, target)
            ones = Piece(target.ones, ATOM)
            lone = len(node.of.axes) == 1 and not self.row_vectors
            if lone or node.over == node.of.axes[-2:-1]:
                return joined([target.transpose(ones), inner], target, bool(node.axes))
            return joined([inner, ones], target, bool(node.axes))
        if isinstance(node, Series):
            signs = "".join(target.sum(name, "") for name in node.over)
            inner = self._node(node.of, target)
            return Piece(signs + target.style.hold(inner, MUL), MUL, bool(node.axes))
        if isinstance(node, Softmax):
            return self._softmax(node, target)
        if isinstance(node, Where):
            held = target.style.hold(self._node(node.of, target), MUL)
            guards = "".join(self._guard(guard, target) for guard in node.guards)
            return Piece(guards + held, MUL, bool(node.axes))
        if isinstance(node, Diagonal):
            if node.of is None:
                return Piece("I", ATOM, True)
            vector = self._node(node.of, target)
            return Piece(target.style.call("diag", [vector]).text, ATOM, True)
        if isinstance(node, Applied):
            return target.named(node.operation, self._node(node.of, target))
        if isinstance(node, Pointwise):
            for across in self._across(node.axes):
                node = gathered(node, across)
            pieces = [self._argument(a, node.axes, target) for a in node.arguments]
            return body(node.body, pieces, target.style)
        raise NotImplementedError(f"no matrix spelling for {node}")

    def _argument(self, node: Node, axes: tuple[str, ...], target: Target) -> Piece:
        """An argument of a pointwise body, a vector across the others as a matrix (v 1ᵀ)."""
        piece = self._node(aligned(node, axes), target)
        named = tuple(axis for axis in node.axes if axis)
        if isinstance(node, Leaf) and node.part and len(axes) > 1 and named == axes[-1:]:
            # One step's vector stands for one sample's: that it is repeated has to be said.
            row = piece if self.row_vectors else target.transpose(piece)
            return joined([Piece(target.ones, ATOM), row], target, True)
        if named not in self._across(axes):
            return piece
        ones = Piece(target.ones, ATOM)
        if named == axes[:-1]:
            return joined([piece, target.transpose(ones)], target, True)
        return joined([ones, target.transpose(piece)], target, True)

    def _softmax(self, node: Softmax, target: Target) -> Piece:
        """softmax(Z); the axis is named where it is not the last."""
        masked = node.of if isinstance(node.of, Where) else None
        inner = [self._node(masked.of if masked else node.of, target)]
        if masked:
            places = ", ".join(self._condition(guard, target) for guard in masked.guards)
            inner = [Piece(f"{inner[0].text};{target.gap}{places}")]
        place = node.axes.index(node.over)
        if place != len(node.axes) - 1:
            inner.append(Piece((r"\mathrm{axis}" if target.latex else "axis") + f"={place}"))
        shown = target.style.call("softmax", inner).text
        if not node.log:
            return Piece(shown, ATOM, True)
        return Piece((r"\log " if target.latex else "log ") + shown, MUL, True)

    def _leaf(self, node: Leaf, target: Target) -> str:
        """An array, with subscripts for one slice of it, with ranges for a part."""
        if not node.part:
            return self.name(node.array, latex=target.latex)
        ranges = any(isinstance(place, Span) for place in node.part)
        at = []
        for place in node.part:
            if isinstance(place, Span):
                step = f":{place.step}" if place.step != 1 else ""
                at.append(f"{_plain(place.start)}:{_plain(place.stop)}{step}")
            elif place is not None:
                at.append(_plain(place))
            elif ranges:
                at.append(":")
        return self.name(node.array, at, target.latex)

    # --- index form -----------------------------------------------------------------------------

    def _with_indices(self, equation: Equation, target: Target) -> Written:
        lead = [index.name for index in equation.out]
        left = self.name(equation.name, self._shown(equation.name, lead), target.latex)
        if not equation.terms:
            return Written(left, "0")
        pieces = [self._term(equation, term, target) for term in equation.terms]
        text = pieces[0].text
        for piece in pieces[1:]:
            shown = piece.text
            text += f" - {shown[1:].lstrip()}" if shown.startswith("-") else f" + {shown}"
        return Written(left, text)

    def _shown(self, array: str, at: Sequence[str]) -> list[str]:
        """The subscripts worth showing: those of axes longer than one."""
        primal = self.notation.adjoints.get(array, array)
        shape = self.shapes.get(array, self.shapes.get(primal, ()))
        if len(shape) != len(at):
            return list(at)
        return [entry for entry, size in zip(at, shape, strict=True) if size != 1]

    def _entry(self, read: Read, target: Target) -> Piece:
        at = self._shown(read.array, [self._subscript(e, target) for e in read.at])
        text = self.name(read.array, at, target.latex)
        return Piece(text, POW if text.startswith((r"\frac", "∂")) else ATOM)

    def _softened(
        self, equation: Equation, term: Term, target: Target
    ) -> tuple[sp.Expr, list[Piece]] | None:
        """A body with entries of softmaxes, and its pieces; None where there are none."""
        made = summand(equation, term, {}, (), self.setting.levels)
        if made is None or not any(isinstance(node, Softmax) for node in made.leaves):
            return None
        pieces = []
        for node in made.leaves:
            if isinstance(node, Leaf):
                plain = [p for read in term.reads for p in [read] if leaf(
                    p, {i.symbol: i.size for i in (*equation.out, *term.over)}, {}) == node]
                pieces.append(self._entry(plain[0], target))
            else:
                held = target.style.hold(self._node(node, target), ATOM)
                pieces.append(Piece(subscripted(held, node.axes, target.latex)))
        return made.body, pieces

    def _term(self, equation: Equation, term: Term, target: Target) -> Piece:
        reduction = equation.reduction
        soft = self._softened(equation, term, target)
        if soft is not None:
            whole, leaves = soft
        else:
            whole, leaves = term.body, [self._entry(read, target) for read in term.reads]
        number, rest = whole.as_coeff_Mul()
        over = [index for index in term.over if index.size != 1]
        outer = number if over and reduction == "sum" else sp.S.One
        outside, inside = sp.S.One, rest if outer != 1 or number == 1 else whole
        if over and reduction == "sum":
            inside, outside = inside.as_independent(*slots_of(inside), as_Add=False)[::-1]
        shown = body(inside, leaves, target.style)
        guards = "".join(self._guard(guard, target) for guard in self._telling(term))
        if guards and reduction not in ("logsumexp", "max"):
            shown = Piece(guards + target.style.hold(shown, MUL), MUL)
        if not over and reduction == "sum":
            return shown
        signs = "".join(
            target.sum(index.name, str(index.size)) for index in over
        )
        if reduction == "sum":
            summed = Piece(signs + target.style.hold(shown, MUL), MUL)
        elif reduction in NAMED:
            summed = target.named(reduction, shown)
        elif reduction == "logsumexp":
            inner = target.style.call("exp", [shown])
            summed = target.style.call("log", [Piece(signs + guards + inner.text, MUL)])
        else:  # the places that a guard leaves out take no part, whatever their sign
            names = ", ".join(index.name for index in over)
            if guards:
                names = f"{names}: {guards.strip()}"
            summed = Piece(target.maximum(names) + target.style.hold(shown, MUL), MUL)
        factor = outer * outside
        if factor == 1:
            return summed
        if factor == -1:
            return target.style.negate(summed)
        negative = factor.as_coeff_Mul()[0].is_negative
        front = body(abs(outer) * outside, [], target.style)
        text = f"{front.text}{target.gap}{summed.text}"
        return Piece(("-" if negative else "") + text, ADD if negative else MUL)

    def _telling(self, term: Term) -> list[Guard]:
        """The guards of a term without those that others imply: the place of a maximum lies among
        the places that it is taken of."""
        at = {sp.expand(value): self.setting.places[place.array]
              for guard in term.guards if isinstance(guard, Equal)
              for place, value in ((guard.left, guard.right), (guard.right, guard.left))
              if isinstance(place, Read) and not isinstance(value, Read)
              and place.array in self.setting.places}
        return [guard for guard in term.guards if not (
            isinstance(guard, Within) and guard.low == 0
            and at.get(sp.expand(guard.value)) == guard.high)]

    def _subscript(self, entry: Subscript, target: Target) -> str:
        if isinstance(entry, Read):
            return self.name(entry.array, [self._subscript(e, target) for e in entry.at],
                             target.latex)
        return _affine(entry, target.latex).replace(" + ", "+").replace(" - ", "-")

    def _guard(self, guard: Guard, target: Target) -> str:
        return f"[{self._condition(guard, target)}]{target.gap}"

    def _condition(self, guard: Guard, target: Target) -> str:
        if isinstance(guard, Equal):
            sides = [guard.left, guard.right]
            if getattr(guard.right, "is_Symbol", False):  # an index is on the left: t = T - 1
                sides.sort(key=lambda side: not getattr(side, "is_Symbol", False))
            return " = ".join(self._subscript(side, target) for side in sides)
        bounds = (guard.low, guard.value, sp.expand(guard.high - 1))
        shown = f" {target.at_most} ".join(_affine(bound, target.latex) for bound in bounds)
        return shown.replace("#", "")  # of an index that is not seen elsewhere


def _affine(place: sp.Expr, latex: bool) -> str:
    """A place as people write it: 2i + u - 1, and H i (in text H·i)."""
    shown = re.sub(r"(?<=\d)\*(?=[^\W\d])", "", str(place))
    return re.sub(r"(?<!\*)\*(?!\*)", " " if latex else "·", shown)


def _plain(place: sp.Expr) -> str:
    """A place without spaces, the index first: t-1, T-1."""
    return str(place).replace(" ", "")


def slope_identity(function: type[Opaque], output: str, latex: bool) -> str | None:
    """σ′(z) = a (1 - a), where the slope is a polynomial in the output; else the definition."""
    made = derivative(function)
    if not hasattr(made, "definition"):  # a constant slope
        return None
    style: Style = Latex() if latex else Text()
    z = Piece("z")
    polynomial = in_output(made)
    name = style.opaque(made, z).text
    if polynomial is not None:
        shown = body(polynomial.xreplace({A: slot(0)}), [Piece(output)], style)
        return f"{name} = {shown.text}"
    definition = made.definition
    bounded = in_sigmoid(definition)
    if bounded is not None:
        definition = bounded[0].xreplace({A: SIGMOID(bounded[1])})
    shown = body(definition.xreplace({Z: slot(0)}), [z], style)
    return f"{name} = {shown.text}"


def used_functions(system: System) -> tuple[type[Opaque], ...]:
    """The named functions that a system's equations apply, derivatives left out."""
    found = {
        type(applied).base
        for equation in system.equations for term in equation.terms
        for applied in term.body.atoms(Opaque)
    }
    return tuple(sorted(found, key=lambda function: function.title))


def function_definition(function: type[Opaque], latex: bool) -> str:
    """f(z) = ..., f′(z) = ...: a function's definition and the slope that follows from it."""
    style: Style = Latex() if latex else Text()
    z = Piece("z")
    shown = body(function.definition.xreplace({Z: slot(0)}), [z], style).text
    head = style.opaque(function, z).text
    slope = slope_identity(function, f"{function.latex_name}(z)" if latex else head, latex)
    return f"{head} = {shown}" + (f", {slope}" if slope else "")
