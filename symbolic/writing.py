"""Equations written out: in matrix form where they have one, with indices where they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from .equation import NAMED, Equal, Equation, Guard, Read, Size, Subscript, System, Term, slot
from .functions import SIGMOID, A, Opaque, Z, derivative, in_output, in_sigmoid
from .layout import ADD, ATOM, MUL, POW, Latex, Piece, Style, Text, body
from .matrix import (
    Applied,
    Diagonal,
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Total,
    Transposed,
    aligned,
    matrix_form,
    walk,
)
from .notation import Notation


@dataclass(frozen=True)
class Written:
    """An equation as two sides."""

    left: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


@dataclass(frozen=True)
class Writer:
    """Writes equations in one notation.

    row_vectors: vectors are rows (x W + b) rather than columns (W x + b).
    shapes: of all arrays; an axis of size 1 needs no subscript.
    diagonals: [i = j] v is written diag(v), and so is a vector that scales rows or columns.
    """

    notation: Notation
    row_vectors: bool
    shapes: Mapping[str, tuple[Size, ...]]
    diagonals: bool = False

    def latex(self, equation: Equation) -> Written:
        """In LaTeX."""
        return self._write(equation, _LATEX)

    def text(self, equation: Equation) -> Written:
        """In Unicode."""
        return self._write(equation, _TEXT)

    def name(self, array: str, at: Sequence[str] = (), latex: bool = False) -> str:
        """An array, or an entry of it, as this notation writes it."""
        return self.notation.latex(array, at) if latex else self.notation.text(array, at)

    def indexed(self, equation: Equation, latex: bool = False) -> Written:
        """With indices and Σ, whatever the equation."""
        return self._with_indices(equation, _LATEX if latex else _TEXT)

    # --- choice of form -------------------------------------------------------------------------

    def _write(self, equation: Equation, target: _Target) -> Written:
        form = matrix_form(equation, self.row_vectors, diagonals=self.diagonals)
        out = tuple(index.name for index in equation.out)
        if form is None or not self._reads_well(form, out):
            return self._with_indices(equation, target)
        left = self.name(equation.name, latex=target.latex)
        if not equation.terms:
            return Written(left, "0")
        return Written(left, self._node(aligned(form, out), target).text)

    def _reads_well(self, form: Node, out: tuple[str, ...]) -> bool:
        """Whether the matrix form needs no convention beyond the one for biases."""
        for node in walk(form):
            if isinstance(node, Einsum):
                return False
            if isinstance(node, Total) and (node.reduction != "sum" or not node.axes
                                            or len(node.of.axes) != 2):
                return False
            if isinstance(node, Pointwise):
                bias = node.axes[-1:] if self.row_vectors else node.axes[:1]
                for argument in node.arguments:
                    axes = argument.axes
                    plain = not axes or axes == node.axes or tuple(reversed(axes)) == node.axes
                    if not plain and (axes != bias or not _only_added(node, argument)):
                        return False
            if isinstance(node, Leaf) and len(node.axes) > 2:
                return False
        return len(out) <= 2 and bool(out or not isinstance(form, Pointwise) or not any(
            isinstance(node, Total) for node in walk(form)))

    # --- matrix form ----------------------------------------------------------------------------

    def _node(self, node: Node, target: _Target) -> Piece:
        if isinstance(node, Leaf):
            text = self.name(node.array, latex=target.latex)
            return Piece(text, POW if text.startswith((r"\frac", "∂")) else ATOM, bool(node.axes))
        if isinstance(node, Transposed):
            return target.transpose(self._node(node.of, target))
        if isinstance(node, Product):
            pieces = [self._node(factor, target) for factor in node.factors]
            return _joined(pieces, target, bool(node.axes))
        if isinstance(node, Outer):
            column, row = self._node(node.column, target), self._node(node.row, target)
            if self.row_vectors:
                column = target.transpose(column)
            else:
                row = target.transpose(row)
            return _joined([column, row], target, True)
        if isinstance(node, Total):
            inner = self._node(node.of, target)
            ones = Piece(target.ones, ATOM)
            if node.over == node.of.axes[:1]:
                return _joined([target.transpose(ones), inner], target, True)
            return _joined([inner, ones], target, True)
        if isinstance(node, Diagonal):
            if node.of is None:
                return Piece("I", ATOM, True)
            vector = self._node(node.of, target)
            return Piece(target.style.call("diag", [vector]).text, ATOM, True)
        if isinstance(node, Applied):
            return target.named(node.operation, self._node(node.of, target))
        if isinstance(node, Pointwise):
            arguments = [self._node(aligned(a, node.axes), target) for a in node.arguments]
            return body(node.body, arguments, target.style)
        raise NotImplementedError(f"no matrix spelling for {node}")

    # --- index form -----------------------------------------------------------------------------

    def _with_indices(self, equation: Equation, target: _Target) -> Written:
        lead = [index.name for index in equation.out]
        left = self.name(equation.name, self._shown(equation.name, lead), target.latex)
        if not equation.terms:
            return Written(left, "0")
        pieces = [self._term(term, equation.reduction, target) for term in equation.terms]
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

    def _term(self, term: Term, reduction: str, target: _Target) -> Piece:
        leaves = []
        for read in term.reads:
            at = self._shown(read.array, [self._subscript(e, target) for e in read.at])
            text = self.name(read.array, at, target.latex)
            leaves.append(Piece(text, POW if text.startswith((r"\frac", "∂")) else ATOM))
        number, rest = term.body.as_coeff_Mul()
        over = [index for index in term.over if index.size != 1]
        outer = number if over and reduction == "sum" else sp.S.One
        outside, inside = sp.S.One, rest if outer != 1 or number == 1 else term.body
        if over and reduction == "sum":
            inside, outside = inside.as_independent(*_slots(inside), as_Add=False)[::-1]
        shown = body(inside, leaves, target.style)
        guards = "".join(self._guard(guard, target) for guard in term.guards)
        if guards:
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
            summed = target.style.call("log", [Piece(signs + inner.text, MUL)])
        else:
            names = ", ".join(index.name for index in over)
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

    def _subscript(self, entry: Subscript, target: _Target) -> str:
        if isinstance(entry, Read):
            return self.name(entry.array, [self._subscript(e, target) for e in entry.at],
                             target.latex)
        return str(entry).replace(" ", "")

    def _guard(self, guard: Guard, target: _Target) -> str:
        if isinstance(guard, Equal):
            left, right = (self._subscript(side, target) for side in (guard.left, guard.right))
            return f"[{left} = {right}]{target.gap}"
        last, at_most = sp.expand(guard.high - 1), target.at_most
        return f"[{guard.low} {at_most} {guard.value} {at_most} {last}]{target.gap}"


def _slots(expression: sp.Expr) -> list[sp.Symbol]:
    return [symbol for symbol in expression.free_symbols if str(symbol).startswith("_x")]


def _only_added(node: Pointwise, argument: Node) -> bool:
    """Whether a broadcast argument is a plain summand, as a bias is."""
    place = slot(node.arguments.index(argument))
    return node.body.is_Add and place in node.body.args


def _joined(pieces: Sequence[Piece], target: _Target, array: bool) -> Piece:
    return Piece(target.product.join(target.style.hold(p, POW) for p in pieces), MUL, array)


@dataclass(frozen=True)
class _Target:
    """What the two written forms differ in beyond the style of scalar bodies."""

    style: Style
    latex: bool
    ones: str
    product: str
    gap: str
    at_most: str

    def transpose(self, piece: Piece) -> Piece:
        held = self.style.hold(piece, ATOM)
        if not self.latex:
            return Piece(f"{held}ᵀ", POW, piece.array)
        if "^" in held and not held.endswith(")"):
            held = self.style.bracket(held)
        return Piece(rf"{held}^{{\top}}", POW, piece.array)

    def named(self, operation: str, matrix: Piece) -> Piece:
        if operation == "inv":
            held = self.style.hold(matrix, ATOM)
            if self.latex and "^" in held and not held.endswith(")"):
                held = self.style.bracket(held)
            return Piece(held + ("^{-1}" if self.latex else "⁻¹"), POW, True)
        name = r"\det" if self.latex else "det"
        shown = f"{name}{self.style.bracket(matrix.text)}"
        if operation == "logdet":
            shown = rf"\log \lvert {shown} \rvert" if self.latex else f"log |{shown}|"
        return Piece(shown, POW)

    def sum(self, index: str, size: str) -> str:
        return rf"\sum _{{{index}}} " if self.latex else f"Σ_{index} "

    def maximum(self, names: str) -> str:
        return rf"\max _{{{names}}} " if self.latex else f"max_{names} "


_LATEX = _Target(Latex(), True, r"\mathbf{1}", r" ", r" ", r"\le")
_TEXT = _Target(Text(), False, "1", " ", " ", "≤")


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
