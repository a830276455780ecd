"""Sizes and places as text that computes integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from ..symbolic.display.layout import ADD, ATOM, MUL, POW, Piece, Style, body
from ..symbolic.equation import EquationError

_quotient = sp.Function("quotient")
"""Python's a // b: quotient(a, b) of integers."""


class _IntegerStyle(Style):
    """Expressions whose every part is a Python integer: no float has a place in a shape."""

    def __init__(self, name: Callable[[sp.Symbol], str]) -> None:
        self.name = name

    def size(self, symbol: sp.Symbol) -> str:
        return self.name(symbol)

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        if name == "quotient":  # binds as a product does, but neither a factor nor a minus may join
            above, below = arguments
            return Piece(f"{self.hold(above, MUL)} // {self.hold(below, POW)}", ADD)
        if name in ("Max", "Min"):
            return Piece(f"{name.lower()}({', '.join(a.text for a in arguments)})", ATOM)
        raise EquationError(f"no source text for {name} in a size; compile it instead")


def _whole(value: sp.Expr) -> sp.Expr:
    """The value with every quotient, rounded down or exact, as a quotient of integers."""
    if isinstance(value, sp.ceiling):
        return -_whole(sp.floor(-value.args[0], evaluate=False))
    rounded = isinstance(value, sp.floor)
    above, below = sp.fraction(sp.together(value.args[0] if rounded else value))
    if below != 1:
        return _quotient(_whole(above), _whole(below))
    if rounded:
        return _whole(above)
    return value.func(*map(_whole, value.args)) if value.args else value


def integer_text(
    value: sp.Expr, name: Callable[[sp.Symbol], str], first: frozenset[sp.Symbol] = frozenset()
) -> str:
    """A size or a place as Python text: those of its symbols that are `first` (indices) come
    before the others (sizes) and before numbers.

    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> integer_text(sp.floor((n - 3) / 2) + 1, str)
    '(n - 3) // 2 + 1'
    """
    whole, style = _whole(value), _IntegerStyle(name)
    parts = sorted(whole.args if whole.is_Add else [whole], key=lambda part: (
        bool(part.is_number), not part.free_symbols & first, str(part)))
    if not whole.is_Add or parts[0].as_coeff_Mul()[0].is_negative:
        return body(whole, [], style).text
    text = ""
    for part in parts:
        number = part.as_coeff_Mul()[0]
        shown = body(abs(number) * part / number, [], style).text
        text += f" {'-' if number.is_negative else '+'} {shown}" if text else shown
    return text
