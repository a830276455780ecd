"""Text and LaTeX: how each spells scalar bodies (the styles), and matrices and sums (the media).

    A transposed, z over an array   ->   Aᵀ, z ⊘ A   and   A^{\\top}, z \\oslash A
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp

from ..functions import ABS, Opaque
from ..matrices.kronecker import Way
from ..rationals import decimal
from .function_names import function_name, known_slope
from .layout import ADD, ATOM, MUL, POW, Piece, Style, any_array, body
from .notation import superscript


class TextStyle(Style):
    """Unicode mathematics for a terminal."""

    hadamard = " ⊙ "
    times = " "
    minus = "-"
    behind_number = MUL

    def number(self, value: sp.Expr) -> Piece:
        signs = {sp.Rational(1, 2): "½", sp.Rational(1, 4): "¼", sp.pi: "π", sp.E: "e"}
        return Piece(signs[value]) if value in signs else super().number(value)

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
        mark = "∘^" if base.array or exponent.array else "^"
        shown = f"{self.hold(base, ATOM)}{mark}{self.hold(exponent, ATOM)}"
        return Piece(shown, POW, base.array or exponent.array)

    def root(self, base: Piece) -> Piece:
        return Piece(f"√{self.hold(base, ATOM)}", POW, base.array)

    def indicator(self, condition: Piece) -> Piece:
        return Piece(f"[{condition.text}]", ATOM, condition.array)

    def relation(self, left: Piece, sign: str, right: Piece) -> Piece:
        spelled = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}.get(sign, sign)
        return super().relation(left, spelled, right)

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        if name in ("Abs", "abs") and "|" not in arguments[0].text:
            return Piece(f"|{arguments[0].text}|", ATOM, arguments[0].array)
        shown = super().call(function_name(name, latex=False), arguments)
        return replace(shown, level=POW) if " " in shown.text.partition("(")[0] else shown

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        base, order = known_slope(function)
        if base.title == "step":
            return Piece(f"[{argument.text} > 0]", ATOM, argument.array)
        if base is ABS and order == 1:
            return self.call("sign", [argument])
        name = {"sigmoid": "σ", "relu": "ReLU"}.get(base.title, base.title)
        return self.call(name + "′" * order, [argument])


class FactorStyle(TextStyle):
    """A factor between two arrays, in names as they are spelled: (2·m)/n, 1/(1 - A1)."""

    times = "·"
    behind_number = POW

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        return Piece(f"{self.hold(numerator, POW)}/{self.hold(denominator, ATOM)}", MUL)


def factor_text(factor: sp.Expr) -> str:
    """A factor whose symbols are names of arrays or sizes.

    >>> m, n, y = sp.symbols("m n Y", positive=True)
    >>> factor_text(2 * m / n), factor_text(1 / (y * (1 - y)))
    ('(2·m)/n', '1/(Y·(1 - Y))')
    """
    return body(factor, [], FactorStyle()).text


class LatexStyle(Style):
    """LaTeX that KaTeX, MathJax, GitHub's Markdown and TeX all take: one row, no environments
    but cases, no commands outside the common subset."""

    hadamard = r" \odot "
    times = " "
    behind_number = MUL

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
        # A long numerator would make a tall line; the factor in front reads as well.
        if numerator.array and numerator.text.count(r"\odot") + len(numerator.text) > 12:
            one = self.number(sp.S.One).text
            factor = rf"\frac{{{one}}}{{{denominator.text}}}"
            return Piece(f"{factor} {self.hold(numerator, MUL)}", MUL, True)
        return Piece(rf"\frac{{{numerator.text}}}{{{denominator.text}}}", POW, numerator.array)

    def power(self, base: Piece, exponent: sp.Expr) -> Piece:
        mark = rf"\circ {exponent}" if base.array else str(exponent)
        held = self.hold(base, ATOM)
        if "^" in held and not held.endswith(")") and not held.startswith("("):
            held = self.bracket(held)  # TeX refuses a double superscript
        return Piece(f"{held}^{{{mark}}}", POW, base.array)

    def general_power(self, base: Piece, exponent: Piece) -> Piece:
        held = self.hold(base, ATOM)
        if "^" in held and not held.startswith("("):
            held = self.bracket(held)
        array = base.array or exponent.array
        mark = r"\circ " if array else ""
        return Piece(f"{held}^{{{mark}{exponent.text}}}", POW, array)

    def root(self, base: Piece) -> Piece:
        return Piece(rf"\sqrt{{{base.text}}}", ATOM, base.array)

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        if name in ("Abs", "abs") and r"\lvert" not in (text := arguments[0].text):
            left, right = (r"\left\lvert", r"\right\rvert") if r"\frac" in text else (
                r"\lvert", r"\rvert")
            return Piece(f"{left} {text} {right}", ATOM, arguments[0].array)
        shown = function_name(name, latex=True)
        inner = ", ".join(argument.text for argument in arguments)
        return Piece(shown + self._round(inner), POW if "Gamma" in shown else ATOM,
                     any(a.array for a in arguments))

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        base, order = known_slope(function)
        if base.title == "step":
            return Piece(rf"\mathbf{{1}}[{argument.text} \gt 0]", ATOM, argument.array)
        if base is ABS and order < 2:
            return self.call(("abs", "sign")[order], [argument])
        return Piece(base.latex_name + "'" * order + self._round(argument.text), ATOM,
                     argument.array)

    def indicator(self, condition: Piece) -> Piece:
        return Piece(rf"\mathbf{{1}}[{condition.text}]", ATOM, condition.array)

    def _round(self, inner: str) -> str:
        return rf"\left( {inner} \right)" if r"\frac" in inner else f"({inner})"

    def cases(self, pieces: Sequence[tuple[Piece, Piece | None]]) -> Piece:
        """On one row, in braces: {value if condition, value otherwise}."""
        shown = ", ".join(
            value.text + (rf" \text{{ if }} {condition.text}" if condition
                          else r" \text{ otherwise}")
            for value, condition in pieces
        )
        tall = r"\frac" in shown
        left, right = (r"\left\lbrace", r"\right\rbrace") if tall else (r"\lbrace", r"\rbrace")
        return Piece(f"{left} {shown} {right}", ATOM, any_array(pieces))

    def relation(self, left: Piece, sign: str, right: Piece) -> Piece:
        spelled = {">": r"\gt", "<": r"\lt", ">=": r"\ge", "<=": r"\le", "==": "=",
                   "!=": r"\ne"}[sign]
        return Piece(f"{left.text} {spelled} {right.text}", ADD, left.array or right.array)

    def joined(self, word: str, conditions: Sequence[Piece]) -> Piece:
        plain = super().joined(word, conditions)
        return replace(plain, text=plain.text.replace(f" {word} ", rf"~\text{{{word}}}~"))


@dataclass(frozen=True)
class Medium:
    """What the two written forms differ in beyond the style of scalar bodies."""

    style: Style
    latex: bool
    ones: str
    product: str
    gap: str
    at_most: str
    place: bool = False
    """Whether what is written is the place of a maximum rather than its value."""

    @property
    def transposed(self) -> str:
        """The mark of a transposition."""
        return r"^{\top}" if self.latex else "ᵀ"

    def transpose(self, piece: Piece) -> Piece:
        held = self.style.hold(piece, ATOM)
        if not self.latex:
            return Piece(f"{held}{self.transposed}", POW, piece.array)
        if "^" in held and not held.endswith(")"):
            held = self.style.bracket(held)
        return Piece(f"{held}{self.transposed}", POW, piece.array)

    def named(self, operation: str, matrix: Piece) -> Piece:
        if operation == "inv":
            held = self.style.hold(matrix, ATOM)
            if self.latex and "^" in held and not held.endswith(")"):
                held = self.style.bracket(held)
            return Piece(held + ("^{-1}" if self.latex else "⁻¹"), POW, True)
        if operation == "cholesky":
            return self.style.call("chol", [matrix])
        name = r"\det" if self.latex else "det"
        shown = f"{name}{self.style.bracket(matrix.text)}"
        if operation == "logdet":
            shown = rf"\log \lvert {shown} \rvert" if self.latex else f"log |{shown}|"
        return Piece(shown, POW)

    def kronecker(self, way: Way, left: Piece, right: Piece, taken: bool = False) -> str:
        """left ⊗ right and its kin; ⊗ binds less than the product of matrices.  taken: K is an
        array's name, so that the commutation matrix is 𝒦."""
        if way == "diagonal":
            return self.style.call("diag", [self.style.call("vec", [left])]).text
        if way == "outer":
            first, second = (self.style.call("vec", [piece]) for piece in (left, right))
            return self.product.join([first.text, self.transpose(second).text])
        mark = r" \otimes " if self.latex else " ⊗ "
        shown = mark.join(self.style.hold(piece, MUL) for piece in (left, right))
        if way == "product":
            return shown
        commuting = "K" if not taken else r"\mathcal{K}" if self.latex else "𝒦"
        return self.style.bracket(shown) + self.product + commuting

    def below(self, index: str, bound: str) -> str:
        """An index below a bound, where that is not seen elsewhere."""
        return index if not bound else rf"{index} \lt {bound}" if self.latex \
            else f"{index}<{bound.replace(' ', '')}"

    def sum(self, index: str) -> str:
        return rf"\sum _{{{index}}} " if self.latex else f"Σ_{index} "

    def maximum(self, names: str) -> str:
        if self.latex:
            return (r"\arg" if self.place else "") + rf"\max _{{{names}}} "
        return f"{'arg' if self.place else ''}max_{names} "


def plain(latex: str) -> str:
    """LaTeX as TeX itself has it: < for the \\lt that survives Markdown and HTML.

    >>> plain(r"x \\lt 2")
    'x < 2'
    """
    return re.sub(r"\\(lt|gt)(?![A-Za-z])", lambda found: "<>"[found[1] == "gt"], latex)


LATEX = Medium(LatexStyle(), True, r"\mathbf{1}", r" ", r" ", r"\le")
TEXT = Medium(TextStyle(), False, "1", " ", " ", "≤")


def joined(pieces: Sequence[Piece], medium: Medium, array: bool) -> Piece:
    return Piece(medium.product.join(medium.style.hold(p, POW) for p in pieces), MUL, array)
