"""What text and LaTeX differ in beyond the style of scalar bodies: transposes, sums, products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..matrices.kronecker import Way
from .layout import ATOM, MUL, POW, Latex, Piece, Style, Text


@dataclass(frozen=True)
class Target:
    """What the two written forms differ in beyond the style of scalar bodies."""

    style: Style
    latex: bool
    ones: str
    product: str
    gap: str
    at_most: str
    place: bool = False
    """Whether what is written is the place of a maximum rather than its value."""

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
        if operation == "cholesky":
            return self.style.call("chol", [matrix])
        name = r"\det" if self.latex else "det"
        shown = f"{name}{self.style.bracket(matrix.text)}"
        if operation == "logdet":
            shown = rf"\log \lvert {shown} \rvert" if self.latex else f"log |{shown}|"
        return Piece(shown, POW)

    def kronecker(self, way: Way, left: Piece, right: Piece) -> str:
        """left ⊗ right and its kin; ⊗ binds less than the product of matrices."""
        if way == "diagonal":
            return self.style.call("diag", [self.style.call("vec", [left])]).text
        if way == "outer":
            first, second = (self.style.call("vec", [piece]) for piece in (left, right))
            return self.product.join([first.text, self.transpose(second).text])
        mark = r" \otimes " if self.latex else " ⊗ "
        shown = mark.join(self.style.hold(piece, MUL) for piece in (left, right))
        return shown if way == "product" else self.style.bracket(shown) + self.product + "K"

    def sum(self, index: str, size: str) -> str:
        return rf"\sum _{{{index}}} " if self.latex else f"Σ_{index} "

    def maximum(self, names: str) -> str:
        if self.latex:
            return (r"\arg" if self.place else "") + rf"\max _{{{names}}} "
        return f"{'arg' if self.place else ''}max_{names} "


LATEX = Target(Latex(), True, r"\mathbf{1}", r" ", r" ", r"\le")
TEXT = Target(Text(), False, "1", " ", " ", "≤")


def joined(pieces: Sequence[Piece], target: Target, array: bool) -> Piece:
    return Piece(target.product.join(target.style.hold(p, POW) for p in pieces), MUL, array)
