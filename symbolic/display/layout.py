"""Laying out bodies and matrix operations as text: one walk, a style for each target.

SymPy's printers sort factors and terms; a reader expects the order in which things were written.
So the walk is ours: factors and terms come in the order of the arrays they read, numbers first,
a minus never first where a plus can be; brackets go where precedence asks for them.  The styles
(:class:`Latex`, :class:`Text`, the generator's NumPy) say how each operation is spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy as sp

from ..equation import slot, slot_numbers
from ..functions import Opaque
from ..rationals import decimal
from .notation import superscript

ADD, MUL, POW, ATOM = 1, 2, 3, 4
"""Precedences, loosest first."""


@dataclass(frozen=True)
class Piece:
    """Laid-out text, how tightly it holds together, and whether it stands for an array."""

    text: str
    level: int = ATOM
    array: bool = False


class Style:
    """How operations are spelled.  The default methods write plain one-line mathematics."""

    hadamard = " * "
    times = " * "
    minus = "-"

    def bracket(self, text: str) -> str:
        return f"({text})"

    def number(self, value: sp.Expr) -> Piece:
        text = decimal(value) or str(value)
        return Piece(text, MUL if "/" in text else ATOM)

    def size(self, symbol: sp.Symbol) -> str:
        return str(symbol)

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        return Piece(f"{self.hold(numerator, MUL)}/{self.hold(denominator, POW)}", MUL,
                     numerator.array or denominator.array)

    def power(self, base: Piece, exponent: sp.Expr) -> Piece:
        return Piece(f"{self.hold(base, ATOM)}**{exponent}", POW, base.array)

    def general_power(self, base: Piece, exponent: Piece) -> Piece:
        """A power whose exponent is no number."""
        shown = f"{self.hold(base, ATOM)}**{self.hold(exponent, ATOM)}"
        return Piece(shown, POW, base.array or exponent.array)

    def root(self, base: Piece) -> Piece:
        return self.call("sqrt", [base])

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        return Piece(f"{name}({', '.join(a.text for a in arguments)})", ATOM,
                     any(a.array for a in arguments))

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        return self.call(function.title + "'" * function.order, [argument])

    def cases(self, pieces: Sequence[tuple[Piece, Piece | None]]) -> Piece:
        """Values with their conditions; the last has None: otherwise."""
        shown = ", ".join(
            value.text + (f" if {condition.text}" if condition else " otherwise")
            for value, condition in pieces
        )
        return Piece("{" + shown + "}", ATOM, any_array(pieces))

    def relation(self, left: Piece, sign: str, right: Piece) -> Piece:
        return Piece(f"{left.text} {sign} {right.text}", ADD, left.array or right.array)

    def hold(self, piece: Piece, level: int) -> str:
        """The text, in brackets when it is looser than `level`."""
        return piece.text if piece.level >= level else self.bracket(piece.text)

    def negate(self, piece: Piece) -> Piece:
        return Piece(self.minus + self.hold(piece, MUL), ADD, piece.array)


def any_array(pieces: Sequence[tuple[Piece, Piece | None]]) -> bool:
    """Whether cases stand for an array: a value does or, as in {1 if x > 0}, a condition."""
    return any(piece.array for case in pieces for piece in case if piece is not None)


def body(expression: sp.Expr, leaves: Sequence[Piece], style: Style) -> Piece:
    """A scalar body with `leaves` in its slots."""
    by = {slot(place): leaf for place, leaf in enumerate(leaves)}

    def write(part: sp.Expr) -> Piece:
        known: Piece | None = by.get(part)
        if known is not None:
            return known
        if part.is_Symbol:
            return Piece(style.size(part))
        if part.is_Number or part.is_NumberSymbol:
            shown = style.number(abs(part))
            return style.negate(shown) if part.is_negative else shown
        if part.is_Add:
            content, rest = part.primitive()
            # SymPy multiplies 2 (a - y) out; a reader does not.
            if content != 1 and all(abs(t.as_coeff_Mul()[0]) == 1 for t in rest.args):
                inner = style.hold(write(rest), POW)
                front = style.times.join([style.number(content).text, inner])
                return Piece(front, MUL, write(rest).array)
            return _sum([write_signed(term) for term in _in_order(part.args)], style)
        if part.is_Mul:
            negative, shown = write_signed(part)
            return style.negate(shown) if negative else shown
        if part.is_Pow or isinstance(part, sp.exp):
            return write_power(part)
        if isinstance(part, Opaque):
            return style.opaque(type(part), write(part.args[0]))
        if isinstance(part, sp.Piecewise):
            return style.cases([
                (write(value), None if condition is sp.true else write_relation(condition))
                for value, condition in part.args
            ])
        if part.is_Function:
            return style.call(part.func.__name__, [write(argument) for argument in part.args])
        raise NotImplementedError(f"no layout for {part}")

    def write_relation(condition: sp.Expr) -> Piece:
        if isinstance(condition, sp.Or | sp.And | sp.Not):
            raise NotImplementedError(f"no layout for the condition {condition}; write it as "
                                      "nested where(z > 0, ...)")
        signs = {sp.StrictGreaterThan: ">", sp.StrictLessThan: "<", sp.GreaterThan: ">=",
                 sp.LessThan: "<=", sp.Equality: "==", sp.Unequality: "!="}
        return style.relation(write(condition.lhs), signs[condition.func], write(condition.rhs))

    def write_power(part: sp.Expr) -> Piece:
        if isinstance(part, sp.exp):
            return style.call("exp", [write(part.args[0])])
        base, exponent = part.as_base_exp()
        if isinstance(base, sp.exp):
            return style.call("exp", [write(base.args[0] * exponent)])
        if exponent == sp.Rational(1, 2):
            return style.root(write(base))
        if exponent.is_number and exponent.is_negative:
            return style.fraction(style.number(sp.S.One), write(base**-exponent))
        if slot_numbers(exponent):
            return style.general_power(write(base), write(exponent))
        return style.power(write(base), exponent)

    def write_signed(part: sp.Expr) -> tuple[bool, Piece]:
        """(whether a minus stands in front, the rest)."""
        number, rest = part.as_coeff_Mul()
        if part.is_Number:
            return bool(part.is_negative), style.number(abs(part))
        if not part.is_Mul:
            return False, write(part)
        above: list[sp.Expr] = []
        below: list[sp.Expr] = []
        for factor in _in_order(sp.Mul.make_args(rest)):
            base, exponent = factor.as_base_exp()
            inverse = exponent.is_number and exponent.is_negative
            if inverse and not isinstance(factor, sp.exp):
                below.append(base**-exponent)
            elif factor != 1:
                above.append(factor)
        size = abs(number)
        if size.q != 1 and above and not below:
            product = _product(1, above, write, style)
            front = style.times.join([style.number(size).text, style.hold(product, MUL)])
            return bool(number.is_negative), Piece(front, MUL, product.array)
        numerator = _product(size.p, above, write, style)
        if size.q == 1 and not below:
            return bool(number.is_negative), numerator
        denominator = _product(size.q, below, write, style)
        return bool(number.is_negative), style.fraction(numerator, denominator)

    return write(expression)


def _product(
    number: int, factors: Sequence[sp.Expr], write: Callable[[sp.Expr], Piece], style: Style
) -> Piece:
    """A number, then scalars, then arrays joined entry by entry."""
    pieces = [write(factor) for factor in factors]
    scalars = [piece for piece in pieces if not piece.array]
    arrays = [piece for piece in pieces if piece.array]
    if number != 1 or not pieces:
        scalars.insert(0, style.number(sp.Integer(number)))
    parts = []
    if scalars:
        parts.append(style.times.join(style.hold(piece, MUL if len(pieces) < 2 and number == 1
                                                 else POW) for piece in scalars))
    if arrays:
        single = len(arrays) == 1 and not scalars
        parts.append(style.hadamard.join(style.hold(a, MUL if single else POW) for a in arrays))
    if len(parts) == 1 and len(scalars) + len(arrays) == 1:
        return (scalars or arrays)[0]
    return Piece(style.times.join(parts), MUL, bool(arrays))


def _sum(terms: Sequence[tuple[bool, Piece]], style: Style) -> Piece:
    """Terms with their signs, a positive one first if there is one."""
    ordered = sorted(terms, key=lambda term: term[0])
    text = ""
    for place, (negative, piece) in enumerate(ordered):
        shown = style.hold(piece, MUL)
        if place == 0:
            text = style.minus + shown if negative else shown
        else:
            text += (" - " if negative else " + ") + shown
    return Piece(text, ADD, any(piece.array for _, piece in terms))


def _in_order(parts: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Numbers, then sizes, then by the first array read, simple before composed."""

    def key(part: sp.Expr) -> tuple[int, int, int, str]:
        slots = slot_numbers(part)
        kind = 0 if part.is_number else 1 if not slots else 2
        return kind, min(slots, default=-1), int(sp.count_ops(part)), str(part)

    return sorted(parts, key=key)


# --- styles -------------------------------------------------------------------------------------


class Text(Style):
    """Unicode mathematics for a terminal."""

    hadamard = " ⊙ "
    times = " "
    minus = "-"

    def number(self, value: sp.Expr) -> Piece:
        halves = {sp.Rational(1, 2): "½", sp.Rational(1, 4): "¼"}
        return Piece(halves[value]) if value in halves else super().number(value)

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        sign = "/"
        if denominator.array:
            sign = " ⊘ "
        return Piece(
            f"{self.hold(numerator, MUL)}{sign}{self.hold(denominator, POW)}", MUL,
            numerator.array or denominator.array,
        )

    def power(self, base: Piece, exponent: sp.Expr) -> Piece:
        shown = str(exponent)
        mark = superscript(shown) if shown.lstrip("-").isdigit() else f"^({shown})"
        return Piece(self.hold(base, ATOM) + ("∘" if base.array else "") + mark, POW, base.array)

    def general_power(self, base: Piece, exponent: Piece) -> Piece:
        shown = f"{self.hold(base, ATOM)}^{self.hold(exponent, ATOM)}"
        return Piece(shown, POW, base.array or exponent.array)

    def root(self, base: Piece) -> Piece:
        return Piece(f"√{self.hold(base, ATOM)}", POW, base.array)

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        name = {"sigmoid": "σ", "relu": "ReLU"}.get(function.title, function.title)
        if function.title == "step":
            return Piece(f"[{argument.text} > 0]", ATOM, argument.array)
        return self.call(name + "′" * function.order, [argument])


class Latex(Style):
    """LaTeX that KaTeX, MathJax, GitHub's Markdown and TeX all take: one row, no environments
    but cases, no commands outside the common subset."""

    hadamard = r" \odot "
    times = " "

    def bracket(self, text: str) -> str:
        tall = r"\frac" in text or r"\sum" in text
        return rf"\left( {text} \right)" if tall else f"({text})"

    def number(self, value: sp.Expr) -> Piece:
        if decimal(value):
            return Piece(decimal(value))
        if value.is_Rational and value.q != 1:
            return Piece(rf"\frac{{{value.p}}}{{{value.q}}}", POW)
        return Piece({"pi": r"\pi", "E": "e"}.get(str(value), str(value)))

    def size(self, symbol: sp.Symbol) -> str:
        return str(symbol) if len(str(symbol)) == 1 else rf"\mathrm{{{symbol}}}".replace("_", r"\_")

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        if denominator.array:
            return Piece(
                rf"{self.hold(numerator, POW)} \oslash {self.hold(denominator, POW)}", MUL, True
            )
        if numerator.array and numerator.text.count(r"\odot") + len(numerator.text) > 12:
            one = self.number(sp.S.One).text
            factor = rf"\frac{{{one}}}{{{denominator.text}}}"
            return Piece(f"{factor} {self.hold(numerator, MUL)}", MUL, True)
        return Piece(rf"\frac{{{numerator.text}}}{{{denominator.text}}}", POW, numerator.array)

    def power(self, base: Piece, exponent: sp.Expr) -> Piece:
        mark = rf"\circ {exponent}" if base.array else str(exponent)
        held = self.hold(base, ATOM)
        if "^" in held and not held.endswith(")") and not held.startswith("("):
            held = self.bracket(held)
        return Piece(f"{held}^{{{mark}}}", POW, base.array)

    def general_power(self, base: Piece, exponent: Piece) -> Piece:
        held = self.hold(base, ATOM)
        if "^" in held and not held.startswith("("):
            held = self.bracket(held)
        return Piece(f"{held}^{{{exponent.text}}}", POW, base.array or exponent.array)

    def root(self, base: Piece) -> Piece:
        return Piece(rf"\sqrt{{{base.text}}}", ATOM, base.array)

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        known = {"exp", "log", "tanh", "sin", "cos", "max", "min"}
        shown = f"\\{name}" if name in known else rf"\mathrm{{{name}}}"
        inner = ", ".join(argument.text for argument in arguments)
        return Piece(shown + self._round(inner), ATOM, any(a.array for a in arguments))

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        if function.title == "step":
            return Piece(rf"\mathbf{{1}}[{argument.text} \gt 0]", ATOM, argument.array)
        mark = "'" * function.order
        return Piece(function.latex_name + mark + self._round(argument.text), ATOM, argument.array)

    def _round(self, inner: str) -> str:
        return rf"\left( {inner} \right)" if r"\frac" in inner else f"({inner})"

    def cases(self, pieces: Sequence[tuple[Piece, Piece | None]]) -> Piece:
        """On one row: value [condition] + ..., with Iverson brackets."""
        shown = []
        held = []
        for value, condition in pieces:
            if condition is not None:
                held.append(condition.text)
                mark = condition.text
            else:
                mark = r"\text{otherwise}"
            if value.text != "0":
                shown.append(rf"{self.hold(value, POW)}~[{mark}]")
        return Piece(" + ".join(shown), ADD, any_array(pieces))

    def relation(self, left: Piece, sign: str, right: Piece) -> Piece:
        spelled = {">": r"\gt", "<": r"\lt", ">=": r"\ge", "<=": r"\le", "==": "=",
                   "!=": r"\ne"}[sign]
        return Piece(f"{left.text} {spelled} {right.text}", ADD, left.array or right.array)
