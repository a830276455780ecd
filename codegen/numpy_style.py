"""Scalar bodies as NumPy expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import sympy as sp

from ..symbolic.display.layout import ADD, ATOM, MUL, POW, Piece, Style, body
from ..symbolic.functions import Opaque
from .bundled import ERF_SOURCE
from .spelling import bounded_branches
from .stable import steadied


class Names(Protocol):
    """What knows how functions and sizes are called in the text."""

    def size(self, symbol: sp.Symbol) -> str: ...

    def is_size(self, text: str) -> bool: ...

    def apply(self, function: type[Opaque], argument: Piece) -> Piece: ...

    def need(self, name: str, source: str) -> None: ...


class NumPyStyle(Style):
    """Bodies in NumPy; opaque functions ask `printer` for their name."""

    lone_steps = False
    """Whether a condition stands for a number by itself, not as a factor of one."""

    def __init__(self, printer: Names) -> None:
        self.printer = printer

    def written(self, expression: sp.Expr, leaves: Sequence[Piece]) -> Piece:
        """A body with `leaves` in its slots, in a spelling that does not overflow."""
        before, self.lone_steps = self.lone_steps, has_lone_step(expression)
        shown = body(bounded_branches(steadied(expression)), leaves, self)
        self.lone_steps = before
        return shown

    def number(self, value: sp.Expr) -> Piece:
        if value.is_Integer:
            return Piece(str(value))
        if value.is_Rational:
            short = repr(float(value))
            if sp.Rational(short) == value:
                return Piece(short)
            if len(str(value)) < 20:
                return Piece(f"{value.p} / {value.q}", MUL)
        constants = {sp.pi: "np.pi", sp.E: "np.e"}
        return Piece(constants.get(value, repr(float(value))))

    def size(self, symbol: sp.Symbol) -> str:
        return self.printer.size(symbol)

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        return Piece(f"{self.hold(numerator, MUL)} / {self.hold(denominator, POW)}", MUL,
                     numerator.array or denominator.array)

    def power(self, base: Piece, exponent: sp.Expr) -> Piece:
        shown = self.number(exponent) if exponent.is_number else Piece(str(exponent), ADD)
        return Piece(f"{self.hold(base, ATOM)}**{self.hold(shown, ATOM)}", POW, base.array)

    def root(self, base: Piece) -> Piece:
        if self._is_plain(base):  # np.sqrt of it would widen float32
            return Piece(f"{base.text}**0.5", POW)
        return self.call("sqrt", [base])

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        if name == "erf":  # NumPy has none
            self.printer.need("erf", ERF_SOURCE)
            return Piece(f"erf({arguments[0].text})", ATOM, arguments[0].array)
        inner = ", ".join(argument.text for argument in arguments)
        if all(map(self._is_plain, arguments)):
            return Piece(f"float(np.{name}({inner}))", ATOM)
        return Piece(f"np.{name}({inner})", ATOM, any(a.array for a in arguments))

    def _is_plain(self, piece: Piece) -> bool:
        """Whether it is one of Python's own numbers: a decimal, π, a size."""
        return piece.text in ("np.pi", "np.e") or piece.text.replace(".", "", 1).isdigit() or (
            self.printer.is_size(piece.text))

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        return self.printer.apply(function, argument)

    def cases(self, pieces: Sequence[tuple[Piece, Piece | None]]) -> Piece:
        *chosen, (otherwise, _) = pieces
        if len(chosen) == 1 and otherwise.text == "0" and chosen[0][0].text == "1":
            condition = chosen[0][1]
            assert condition is not None
            if self.lone_steps:
                return Piece(f"np.where({condition.text}, 1.0, 0.0)", ATOM, condition.array)
            return Piece(f"({condition.text})", ATOM, condition.array)
        text = otherwise.text
        for value, condition in reversed(chosen):
            assert condition is not None
            text = f"np.where({condition.text}, {value.text}, {text})"
        return Piece(text, ATOM, True)


def has_lone_step(body: sp.Expr) -> bool:
    """Whether a step is no factor of an array's value: as a bool it has no sum and no minus."""
    if is_step(body):
        return True
    parts = body.args
    if body.is_Mul:
        rest = [part for part in parts if not is_step(part)]
        if any(str(symbol).startswith("_x") for part in rest for symbol in part.free_symbols):
            parts = rest
    return any(map(has_lone_step, parts))


def is_step(part: sp.Basic) -> bool:
    definition = type(part).definition if isinstance(part, Opaque) else part
    return isinstance(definition, sp.Piecewise) and [v for v, _ in definition.args] == [1, 0]
