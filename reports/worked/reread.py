"""Printed numbers read back as a reader would: does the line's right side give its result?

This is a parser of the LaTeX that worked lines are printed in, not of the step it was printed
from, so a bracket that was lost in printing is found, too.  All arithmetic is on intervals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp
from mpmath.ctx_iv import MPIntervalContext

from ...symbolic.functions import Opaque, Z
from .digits import Shown

_TOKEN = re.compile(
    r"\s+|(?P<number>\d+(?:\.\d+)?(?: \\times 10\^\{-?\d+\})?)"
    r"|(?P<name>(?:\\mathrm\{[^}]*\}|\\mathbf\{[^}]*\}|\\text\{[^}]*\}|\\[a-zA-Z]+|[a-z])'*)"
    r"|(?P<sign>[-+(){}\[\]^~,=])"
)
_POWER_OF_TEN = re.compile(r"(.*) \\times 10\^\{(-?\d+)\}")
_OPEN = (r"\left", r"\bigl")
_CLOSE = (r"\right", r"\bigr")


_LEAST = 20_000
"""Binary places beyond which an end of an interval is 0, or beyond all bounds."""


class UnreadableError(ValueError):
    """LaTeX beyond what worked lines are printed in."""


@cache
def interval_context() -> Any:
    context = MPIntervalContext()
    context.dps = 60
    return context


class Reader:
    """Reads right sides of worked lines; `functions` are the named ones, as they are printed."""

    def __init__(self, functions: Mapping[str, type[Opaque]]) -> None:
        self.functions = functions
        self.context = interval_context()

    def gives(self, text: str, result: Shown) -> bool:
        """Whether the printed operands, taken at their word, round to the printed result.

        That result then lies in the interval that the operands' rounding allows.  What is printed
        as 0 may be off by as much as 50 digits are; a result that is smaller still may not.
        """
        none = 0 if result.decimal else Fraction(1, 10**45)
        return self._off(text, result) <= result.unit / 2 + abs(result.decimal) / 10**40 + none

    def nearly(self, text: str, result: Shown) -> bool:
        """The same, but for what lies so near the half between two results that no digits tell."""
        return self._off(text, result) <= result.unit * (Fraction(1, 2) + Fraction(1, 10**8))

    def _off(self, text: str, result: Shown) -> Fraction:
        low, high = self.ends(self.read(text, {}))
        return max(abs(low - result.decimal), abs(high - result.decimal))

    def allows(self, text: str, result: Shown, operands: Sequence[Shown]) -> bool:
        """Whether the printed result lies where the rounding of the printed operands allows."""
        low, high = self.between(text, operands)
        half = result.unit / 2 + abs(result.decimal) / 10**40
        return low - half <= result.decimal <= high + half

    def between(self, text: str, operands: Sequence[Shown]) -> tuple[Fraction, Fraction]:
        """The ends of what the printed operands may mean, given how they are rounded."""
        units: dict[str, Fraction] = {}
        for operand in operands:
            key = operand.latex.lstrip("-")
            units[key] = max(units.get(key, Fraction(0)), operand.unit)
        return self.ends(self.read(text, units))

    def read(self, text: str, units: Mapping[str, Fraction]) -> Any:
        """The interval of a printed expression; `units` are the last places of rounded numbers.

        Raises UnreadableError for what worked lines do not contain.
        """
        return _Parse(self, text, units).whole()

    def ends(self, found: Any) -> tuple[Fraction, Fraction]:
        """Both ends of an interval, exactly."""
        ends = []
        for end in (found.a, found.b):
            mantissa, exponent = _man_exp(end)
            if mantissa and exponent + abs(int(mantissa)).bit_length() < -_LEAST:
                # of the end alone, outwards: what is printed is 0 to any number of digits
                ends.append(Fraction(mantissa > 0 and end is found.b, 2**_LEAST)
                            - Fraction(mantissa < 0 and end is found.a, 2**_LEAST))
                continue
            if exponent > _LEAST:
                raise UnreadableError("a number beyond all that are printed")
            ends.append(mantissa * Fraction(2) ** exponent)
        return ends[0], ends[1]

    def number(self, text: str, units: Mapping[str, Fraction]) -> Any:
        found = _POWER_OF_TEN.fullmatch(text)
        value = Fraction(found[1]) * Fraction(10) ** int(found[2]) if found else Fraction(text)
        half = units.get(text, Fraction(0)) / 2
        return self._hull(self._exactly(value - half), self._exactly(value + half))

    def _exactly(self, value: Fraction) -> Any:
        return self.context.mpf(value.numerator) / value.denominator

    def _hull(self, *parts: Any) -> Any:
        return self.context.mpf([min(p.a for p in parts), max(p.b for p in parts)])

    def apply(self, name: str, arguments: Sequence[Any]) -> Any:
        """A named function of intervals."""
        if name in (r"\max", r"\min"):
            choose = max if name == r"\max" else min
            return self.context.mpf([choose(a.a for a in arguments),
                                     choose(a.b for a in arguments)])
        (argument,) = arguments
        if name in self.functions:
            return self.of_definition(self.functions[name].definition, argument)
        stem = name.lstrip("\\")
        if stem in ("exp", "log", "sin", "cos", "tan"):
            return getattr(self.context, stem)(argument)
        if stem == "tanh":
            return 1 - 2 / (self.context.exp(2 * argument) + 1)
        raise UnreadableError(f"no function {name}")

    def of_definition(self, part: sp.Expr, z: Any) -> Any:
        """A definition in z over the interval `z`: an enclosure, tight for a single number."""
        if part == Z:
            return z
        if part.is_Rational:
            return self.context.mpf(int(part.p)) / int(part.q)
        if part.is_NumberSymbol:
            return self.context.pi if part == sp.pi else self.context.e
        if isinstance(part, sp.Piecewise):
            return self._cases(part, z)
        values = [self.of_definition(argument, z) for argument in part.args]
        if part.is_Add:
            return sum(values[1:], values[0])
        if part.is_Mul:
            product = values[0]
            for value in values[1:]:
                product = product * value
            return product
        if part.is_Pow and part.exp.is_Integer:
            return values[0] ** int(part.exp)
        if part.is_Pow and not isinstance(part, sp.exp):
            return self.context.exp(values[1] * self.context.log(values[0]))
        if isinstance(part, Opaque):
            return self.of_definition(type(part).definition, values[0])
        return self.apply("\\" + part.func.__name__, values)

    def _cases(self, part: sp.Piecewise, z: Any) -> Any:
        """The first case that holds; the hull of all that may, where the interval cannot tell."""
        possible = []
        for value, condition in part.args:
            certain = self._certain(condition, z)
            if certain is False:
                continue
            possible.append(self.of_definition(value, z))
            if certain:
                break
        return self._hull(*possible)

    def _certain(self, condition: Any, z: Any) -> bool | None:
        if condition in (sp.true, sp.false):
            return bool(condition)
        difference = self.of_definition(condition.lhs - condition.rhs, z)
        low, high = difference.a, difference.b
        match condition:
            case sp.StrictGreaterThan():
                return True if low > 0 else False if high <= 0 else None
            case sp.GreaterThan():
                return True if low >= 0 else False if high < 0 else None
            case sp.StrictLessThan():
                return True if high < 0 else False if low >= 0 else None
            case sp.LessThan():
                return True if high <= 0 else False if low > 0 else None
        raise UnreadableError(f"no reading of the condition {condition}")


def _man_exp(end: Any) -> tuple[Fraction, int]:
    """Mantissa and exponent of an end of an interval, which is itself an interval of one point."""
    sign, mantissa, exponent, _ = end._mpi_[0]
    if mantissa == 0 and exponent != 0:
        raise UnreadableError("not finite")
    return Fraction(int(-mantissa if sign else mantissa)), exponent


class _Parse:
    """Recursive descent over one printed expression."""

    def __init__(self, reader: Reader, text: str, units: Mapping[str, Fraction]) -> None:
        self.reader, self.text, self.units = reader, text, units
        self.tokens = list(self._scan(text))
        self.place = 0

    def _scan(self, text: str) -> Iterator[tuple[str, str]]:
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise UnreadableError(f"unexpected {text[place:place + 12]!r}")
            place = found.end()
            if found.lastgroup and found[0] not in (*_OPEN, *_CLOSE):
                yield found.lastgroup, found[0]

    def whole(self) -> Any:
        value = self.total()
        if self.place != len(self.tokens):
            raise UnreadableError(f"{self.peek()!r} is left of {self.text!r}")
        return value

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        found = self.peek()
        if not found or (expected and found != expected):
            raise UnreadableError(f"expected {expected or 'more'}, got {found!r} in {self.text!r}")
        self.place += 1
        return found

    def total(self) -> Any:
        negative = self.peek() == "-"
        if negative:
            self.take()
        value = -self.product() if negative else self.product()
        while self.peek() in ("+", "-"):
            sign = self.take()
            value = value + self.product() if sign == "+" else value - self.product()
        return value

    def product(self) -> Any:
        value = self.power()
        while self.peek() in (r"\cdot", "~"):
            self.take()
            value = value * self.power()
        return value

    def power(self) -> Any:
        value = self.atom()
        if self.peek() == "^":
            self.take()
            exponent = self.braced()
            low, high = (int(end) for end in self.reader.ends(exponent))
            if low != high:
                raise UnreadableError(f"a power that is not whole in {self.text!r}")
            value = value**low
        return value

    def braced(self) -> Any:
        self.take("{")
        value = self.total()
        self.take("}")
        return value

    def atom(self) -> Any:
        kind, text = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        self.take()
        if kind == "number":
            return self.reader.number(text, self.units)
        if text == "(":
            value = self.total()
            self.take(")")
            return value
        if text == r"\frac":
            return self.braced() / self.braced()
        if text == r"\sqrt":
            return self.reader.context.sqrt(self.braced())
        if text == r"\pi":
            return self.reader.context.pi
        if kind == "name" and self.peek() == "(":
            return self.reader.apply(text, self._arguments())
        if text == "e":
            return self.reader.context.e
        raise UnreadableError(f"no reading of {text!r} in {self.text!r}")

    def _arguments(self) -> list[Any]:
        self.take("(")
        values = [self.total()]
        while self.peek() == ",":
            self.take()
            values.append(self.total())
        self.take(")")
        return values
