"""Numbers as they are printed: so many digits, and whether those are all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction

from ...symbolic.display.layout import ADD, ATOM, MUL, Piece
from ...symbolic.exact.numbers import Value

LINE_DIGITS = 6
"""Significant digits of results in worked lines."""
TABLE_DIGITS = 15
"""Significant digits in the table of exact figures, which has at least nine decimals."""
TABLE_DECIMALS = 9
MOST_DIGITS = 40
"""Digits that a format may ask for; exact figures are known to fifty."""
_PLAIN = range(-5, 10)
"""Decimal exponents of numbers that are written without a power of ten."""
_BITS = 3400
_NOTHING = Fraction(1, 10**1000)
"""What is smaller than this is a zero that no precision could tell from zero."""


class UndefinedError(ValueError):
    """A number that is infinite or undefined, so that there is nothing to print."""


@dataclass(frozen=True)
class Shown:
    """A printed number: its LaTeX, the decimal that this says, and the unit of its last place.

    `exact` when the decimal is the number itself rather than a rounding of it.
    """

    latex: str
    decimal: Fraction
    unit: Fraction
    exact: bool

    @property
    def piece(self) -> Piece:
        """For laying out: a negative number is as loose as a difference, so it gets brackets."""
        if self.latex.startswith("-"):
            return Piece(self.latex, ADD)
        return Piece(self.latex, MUL if r"\times" in self.latex else ATOM)


def fraction(value: Value) -> Fraction:
    """The exact value of a Fraction or of a binary number.

    Raises UndefinedError for an infinity, and for what has no value.
    """
    if isinstance(value, Fraction):
        return value
    if not value._mpf_[1] and value._mpf_[2]:
        raise UndefinedError("is infinite or undefined at these values")
    sign, mantissa, exponent, bits = value._mpf_  # man_exp has no sign
    if mantissa and exponent + bits < -_BITS:
        return Fraction(0)
    if exponent > _BITS:
        raise UndefinedError("is larger than any number that is printed, 1e1000")
    whole = Fraction(int(-mantissa if sign else mantissa))
    result = whole * 2**exponent if exponent >= 0 else whole / 2**-exponent
    return Fraction(0) if abs(result) < _NOTHING else result


def rounded(value: Value, digits: int) -> Decimal:
    """To `digits` significant digits, half to even."""
    number = fraction(value)
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN, Emin=-10**6, Emax=10**6)
    return context.divide(Decimal(number.numerator), Decimal(number.denominator))


def show(value: Value, digits: int = LINE_DIGITS) -> Shown:
    """With `digits` significant digits; fewer when these are all there are."""
    number = fraction(value)
    decimal = rounded(number, digits)
    is_exact = isinstance(value, Fraction) and Fraction(decimal) == number
    if not number:
        return Shown("0", number, Fraction(0), True)
    exponent = decimal.adjusted()
    places = digits - 1 - exponent
    if exponent in _PLAIN:
        text = f"{decimal:.{max(places, 0)}f}"
        if is_exact and "." in text:
            text = text.rstrip("0").rstrip(".")
        latex = text
    else:
        mantissa = f"{decimal.scaleb(-exponent):.{digits - 1}f}"
        if is_exact:
            mantissa = mantissa.rstrip("0").rstrip(".")
        latex = rf"{mantissa} \times 10^{{{exponent}}}"
    unit = Fraction(0) if is_exact else Fraction(10) ** -places
    return Shown(latex, Fraction(decimal), unit, is_exact)


def tabled(value: Value) -> str:
    """For the table of exact figures: 15 significant digits and at least nine decimals."""
    number = fraction(value)
    if not number:
        return f"{0:.{TABLE_DIGITS}f}"
    decimal = rounded(number, TABLE_DIGITS)
    exponent = decimal.adjusted()
    if exponent < _PLAIN.start:
        return f"{decimal.scaleb(-exponent):.{TABLE_DIGITS - 1}f}e{exponent:+03d}"
    decimals = max(TABLE_DIGITS - 1 - exponent, TABLE_DECIMALS)
    return f"{rounded(number, exponent + 1 + decimals):.{decimals}f}"


def formatted(value: Fraction, form: str) -> str:
    """A number by a format such as .6f, rounded half to even from its exact value.

    Raises ValueError for more digits than are known.
    """
    digits = re.search(r"\.(\d+)", form)
    if digits and int(digits[1]) > MOST_DIGITS:
        raise ValueError(f"{form!r}: exact figures are good for {MOST_DIGITS} digits")
    with localcontext() as context:
        context.prec = 60
        shown = format(Decimal(value.numerator) / Decimal(value.denominator), form)
    return shown.lstrip("-") if shown.startswith("-") and not shown.strip("-0.e+%") else shown
