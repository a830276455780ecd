"""Worked lines: each entry as formula = substituted numbers = result.

An entry of an equation is unrolled over its concrete indices into a step: an ordered sum of
summands, each laid out twice by one walk (with symbols, and with numbers in their place), with
brackets where precedence or a minus asks for them.  How many digits are printed is decided by
reading the printed line back (:mod:`reread`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import sympy as sp

from ...symbolic.display.layout import ADD, ATOM, MUL, POW, Piece, body
from ...symbolic.display.text_and_latex import LatexStyle
from ...symbolic.display.writer import Writer
from ...symbolic.equation import INDEX_VALUE, NAMED, Equation, Read, Term, slot, slots_of
from ...symbolic.exact.numbers import Value
from ...symbolic.functions import Opaque
from ..content import Relation, Side, summands
from .digits import LINE_DIGITS, Shown, show
from .figures import At, Figures, Place
from .reread import Reader, UnreadableError

MOST_SUMMANDS = 12
"""Of one entry that is worked out; a longer sum is left to the formula of the whole array."""
MORE_DIGITS = 12
"""How many digits an operand may be given beyond the result's before a line is at fault."""


Leaf: TypeAlias = Callable[[Read, At], Piece]
"""How a read entry is written: its symbol, or its number."""


class DigitsError(AssertionError):
    """A printed line whose result does not follow from its printed operands."""


@dataclass(frozen=True)
class WorkedLine:
    """One worked entry.

    array, place: which entry it is ("W1.updated" for an updated parameter).
    checked: whether the printed line was read back and gave the printed result.
    """

    array: str
    place: Place
    formula: Relation
    value: Value
    checked: bool


class NumbersStyle(LatexStyle):
    """Numbers in place of symbols: a dot between factors, size symbols by their value."""

    times = r" \cdot "

    def __init__(self, sizes: Mapping[sp.Symbol, int]) -> None:
        self.sizes = sizes

    def size(self, symbol: sp.Symbol) -> str:
        return str(self.sizes[symbol]) if symbol in self.sizes else super().size(symbol)


@dataclass(frozen=True)
class EntryNames:
    """How entries are written: subscripts count from 1, axes of size one have none."""

    writer: Writer
    figures: Figures

    def entry(self, array: str, place: Place) -> str:
        if array == INDEX_VALUE:
            return str(place[0])
        return self.writer.name(array, self.subscripts(array, place), latex=True)

    def subscripts(self, array: str, place: Place) -> list[str]:
        shape = self.figures.shapes.get(array, ())
        return [str(i + 1) for i, size in zip(place, shape, strict=True) if size != 1]


@dataclass(frozen=True)
class Worker:
    """Makes the worked lines of one evaluated system.

    functions: the named functions that occur, by what is printed for them.
    """

    names: EntryNames
    functions: Mapping[str, type[Opaque]]
    digits: int = LINE_DIGITS

    def lines(self, equation: Equation, places: Iterable[Place]) -> list[WorkedLine]:
        return [self.line(equation, place) for place in places]

    def line(self, equation: Equation, place: Place) -> WorkedLine:
        """The entry of `equation` at `place`."""
        figures = self.names.figures
        at = {i.symbol: p for i, p in zip(equation.out, place, strict=True)}
        name, value = self.names.entry(equation.name, place), figures[equation.name][place]
        if equation.reduction in NAMED:
            return self._of_matrices(equation, place, name, value)
        return self._line(equation.name, place, name, _Unrolled(self, equation, at), value)

    def is_long(self, equation: Equation, place: Place) -> bool:
        """Whether an entry has more summands than a reader adds up."""
        at = {i.symbol: p for i, p in zip(equation.out, place, strict=True)}
        figures = self.names.figures
        return sum(len(list(figures.instances(term, at)))
                   for term in equation.terms) > MOST_SUMMANDS

    def in_symbols(self, equation: Equation, place: Place) -> WorkedLine:
        """An array of one number by its formula, in which no numbers are put."""
        written, value = self.names.writer.latex(equation), self.names.figures[equation.name][place]
        result = show(value, self.digits)
        sides = (Side("=", summands(written.right)),
                 Side("=" if result.exact else r"\approx", (result.latex,)))
        return WorkedLine(equation.name, place, Relation(written.left, sides), value, False)

    def _of_matrices(
        self, equation: Equation, place: Place, name: str, value: Value
    ) -> WorkedLine:
        """An entry of an inverse or a determinant, in which no numbers are put."""
        whole = self.names.writer.latex(equation).right
        at = " ".join(self.names.subscripts(equation.name, place))
        result = show(value, self.digits)
        sides = (Side("=", (rf"({whole}) _{{{at}}}" if at else whole,)),
                 Side("=" if result.exact else r"\approx", (result.latex,)))
        return WorkedLine(equation.name, place, Relation(name, sides), value, False)

    def update(self, parameter: str, gradient: str, place: Place, rate: Fraction) -> WorkedLine:
        """w ← w - η ∂L/∂w for one entry; its value is the updated one."""
        figures, arithmetic = self.names.figures, self.names.figures.arithmetic
        old, slope = figures[parameter][place], figures[gradient][place]
        new = arithmetic.add(old, arithmetic.multiply(-rate, slope))
        step = _Update(self, parameter, gradient, place, rate)
        name = self.names.entry(parameter, place)
        return self._line(f"{parameter}.updated", place, name, step, new)

    # --- digits ---------------------------------------------------------------------------------

    def _line(
        self, array: str, place: Place, name: str, step: _Step, value: Value
    ) -> WorkedLine:
        """The line with as few operand digits as let a reader find the printed result.

        Where digits cancel beyond all that are printed (1 - σ(80)), the numbers would say nothing
        of the result, and are left out.
        """
        result = show(value, self.digits)
        reader = Reader(self.functions)
        told = True
        try:
            for more in range(MORE_DIGITS + 1):
                numbers = step.substituted(self.digits + more)
                if reader.gives(_text(numbers.chunks), result):
                    break
            else:
                if not reader.allows(_text(numbers.chunks), result, numbers.operands):
                    raise DigitsError(f"{name}: the operands shown, {_text(numbers.chunks)}, do "
                                      f"not give the result shown, {result.latex}")
                # Else the result is so near a half that no operands decide its last digit.
                told = reader.nearly(_text(numbers.chunks), result)
            checked = told
        except UnreadableError:
            checked = False
        formula = self._formula(name, step, numbers if told else None, result)
        return WorkedLine(array, place, formula, value, checked)

    def _formula(
        self, name: str, step: _Step, numbers: Substituted | None, result: Shown
    ) -> Relation:
        plain = numbers is not None and all(operand.exact for operand in numbers.operands)
        sides = [Side(step.relation, step.symbolic)]
        if numbers is not None and _text(numbers.chunks) != result.latex:
            sides.append(Side("=" if plain else r"\approx", numbers.chunks))
        sides.append(Side("=" if result.exact and plain else r"\approx", (result.latex,)))
        return Relation(name, tuple(sides))


@dataclass(frozen=True)
class Substituted:
    """A formula with numbers in it, in pieces between which a row may be broken."""

    chunks: tuple[str, ...]
    operands: tuple[Shown, ...]


class _Step:
    """A formula laid out with symbols and with numbers."""

    symbolic: tuple[str, ...]
    relation = "="

    def substituted(self, digits: int) -> Substituted:
        raise NotImplementedError


class _Unrolled(_Step):
    """The right side of an equation at one entry, every Σ written out."""

    def __init__(self, worker: Worker, equation: Equation, at: At) -> None:
        self.names = worker.names
        self.equation = equation
        figures = self.names.figures
        self.instances = [
            (term, list(figures.instances(term, at))) for term in equation.terms
        ]
        self.symbolic = self._lay_out(LatexStyle(), self._symbol)

    def substituted(self, digits: int) -> Substituted:
        operands: list[Shown] = []

        def number(read: Read, at: At) -> Piece:
            shown = show(self.names.figures.read(read, at), digits)
            operands.append(shown)
            return shown.piece

        chunks = self._lay_out(NumbersStyle(self.names.figures.sizes), number)
        return Substituted(chunks, tuple(operands))

    def _symbol(self, read: Read, at: At) -> Piece:
        text = self.names.entry(read.array, self.names.figures.place(read, at))
        return Piece(text, POW if text.startswith(r"\frac") else ATOM)

    def _lay_out(self, style: LatexStyle, leaf: Leaf) -> tuple[str, ...]:
        chunks: list[str] = []
        for term, instances in self.instances:
            if instances:
                for chunk in _term(self.equation, term, instances, style, leaf):
                    chunks.append(chunk if not chunks or chunk.opens else chunk.joined())
        return tuple(map(str, chunks)) or ("0",)


class _Chunk(str):
    """A part of a sum; `opens` when it continues a bracket that an earlier part opened."""

    opens = False

    def joined(self) -> str:
        """With the sign that joins it to what stands before."""
        return f" - {self[1:].lstrip()}" if self.startswith("-") else f" + {self}"


def _inner(text: str) -> _Chunk:
    chunk = _Chunk(text)
    chunk.opens = True
    return chunk


def _term(
    equation: Equation, term: Term, instances: Sequence[At], style: LatexStyle, leaf: Leaf
) -> list[_Chunk]:
    """One term, unrolled; factors that all summands share stand before a bracket."""
    is_sum = equation.reduction == "sum"
    single = is_sum and len(instances) == 1
    factor, inside = (sp.S.One, term.body) if single else _shared(equation, term.body)
    pieces = [body(inside, [leaf(read, at) for read in term.reads], style) for at in instances]
    if is_sum and inside == slot(0) and len(equation.terms) + len(instances) > 2:
        pieces = [_held_sum(piece, style) for piece in pieces]  # 1 + (-2), not 1 - 2
    if equation.reduction == "max":
        return [_Chunk(style.call("max", pieces).text)]
    if equation.reduction == "logsumexp":
        return _bracketed(r"\log", [style.call("exp", [piece]).text for piece in pieces])
    if single:
        return [_Chunk(pieces[0].text)]
    summands = [style.hold(piece, MUL) if _is_sum(piece) else piece.text for piece in pieces]
    if factor == 1:
        return [_Chunk(text) for text in summands]
    return _bracketed(_in_front(factor, style), summands)


def _held_sum(piece: Piece, style: LatexStyle) -> Piece:
    return Piece(style.bracket(piece.text), ATOM) if piece.level == ADD else piece


def _in_front(factor: sp.Expr, style: LatexStyle) -> str:
    """A factor as it stands before a bracket: nothing for 1, the sign alone for -1."""
    sign = "-" if factor.as_coeff_Mul()[0].is_negative else ""
    if abs(factor) == 1:
        return sign
    dot = r" \cdot " if isinstance(style, NumbersStyle) else " "
    return f"{sign}{body(abs(factor), [], style).text}{dot}"


def _is_sum(piece: Piece) -> bool:
    return piece.level == ADD and (" + " in piece.text or " - " in piece.text)


def _shared(equation: Equation, expression: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """(the number and sizes in front, the rest) of a summand; a minus moves in front, too."""
    if equation.reduction != "sum":
        return sp.S.One, expression
    slots = slots_of(expression)
    outside, inside = expression.as_independent(*slots, as_Add=False)
    return outside, inside


def _bracketed(front: str, summands: Sequence[str]) -> list[_Chunk]:
    chunks = [_Chunk(rf"{front}\bigl( {summands[0]}")]
    chunks += [_inner(_Chunk(text).joined()) for text in summands[1:]]
    last = _inner(chunks[-1] + r" \bigr)")
    last.opens = len(chunks) > 1
    return [*chunks[:-1], last]


class _Update(_Step):
    """w ← w - η ∂L/∂w."""

    relation = r"\leftarrow"

    def __init__(
        self, worker: Worker, parameter: str, gradient: str, place: Place, rate: Fraction
    ) -> None:
        self.names, self.rate = worker.names, rate
        self.reads = [worker.names.figures[name][place] for name in (parameter, gradient)]
        old, slope = (worker.names.entry(name, place) for name in (parameter, gradient))
        self.symbolic = (rf"{old} - \eta {slope}",)

    def substituted(self, digits: int) -> Substituted:
        operands = (show(self.reads[0], digits), show(self.rate, digits + 6),
                    show(self.reads[1], digits))
        expression = slot(0) - slot(1) * slot(2)
        shown = body(expression, [operand.piece for operand in operands], NumbersStyle({}))
        return Substituted((shown.text,), operands)


def _text(chunks: Sequence[str]) -> str:
    return "".join(chunks)
