"""Numbers as they are printed: so many digits, and whether those are all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    if not number:  # a value that is too small to be printed is about 0, and is not 0
        nothing = value == 0 if isinstance(value, Fraction) else not value._mpf_[1]
        return Shown("0", number, Fraction(0), nothing)
    exponent = decimal.adjusted()
    places = digits - 1 - exponent
    if exponent in _PLAIN:
        text = f"{decimal:.{max(places, 0)}f}"
        latex = _bare(text) if is_exact else text
    else:
        mantissa = f"{decimal.scaleb(-exponent):.{digits - 1}f}"
        mantissa = _bare(mantissa) if is_exact else mantissa
        latex = rf"{mantissa} \times 10^{{{exponent}}}"
    unit = Fraction(0) if is_exact else Fraction(10) ** -places
    return Shown(latex, Fraction(decimal), unit, is_exact)


def tabled(value: Value, digits: int = TABLE_DIGITS) -> str:
    """For tables of exact figures: `digits` significant digits and at least nine decimals (with
    fifteen); fewer where these are all there are."""
    number = fraction(value)
    if not number:
        return "0"
    decimal = rounded(number, digits)
    exponent = decimal.adjusted()
    is_exact = isinstance(value, Fraction) and Fraction(decimal) == number
    if exponent < _PLAIN.start:
        mantissa = f"{decimal.scaleb(-exponent):.{digits - 1}f}"
        return f"{_bare(mantissa) if is_exact else mantissa}e{exponent:+03d}"
    decimals = max(digits - 1 - exponent, TABLE_DECIMALS if digits >= TABLE_DIGITS else 0)
    shown = f"{rounded(number, exponent + 1 + decimals):.{decimals}f}"
    return _bare(shown) if is_exact else shown


def _bare(decimal: str) -> str:
    """Without zeros at the end of a fraction."""
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def show_all(values: Sequence[Value], digits: int = LINE_DIGITS) -> tuple[list[str], bool]:
    """Numbers of one array with equally many decimals, so that they stand below one another: the
    largest has `digits` significant digits, a small one three at least; and whether all of them
    are printed in full.  Numbers too far apart, or too large or small, are printed one by one.
    """
    shown = [show(value, digits) for value in values]
    known = [part for part in shown if part.decimal]
    if not known or any(r"\times" in part.latex for part in known):
        return [part.latex for part in shown], all(part.exact for part in shown)
    exponents = [int(rounded(part.decimal, digits).adjusted()) for part in known]
    most = max(digits - 1 - max(exponents), 0)
    if max(exponents) - min(exponents) > digits - 3:
        return [part.latex for part in shown], all(part.exact for part in shown)
    needed = max(len(part.latex.partition(".")[2]) for part in known)
    places = min(max(most, 2 - min(exponents)), needed)
    scale = Fraction(10) ** places
    made = [round(fraction(value) * scale) for value in values]  # half to even
    exact = all(isinstance(value, Fraction) and value * scale == whole
                for value, whole in zip(values, made, strict=True))
    return [_fixed(whole, places) for whole in made], exact


def _fixed(whole: int, places: int) -> str:
    """A whole number of units of the last of so many decimals."""
    text = str(abs(whole)).rjust(places + 1, "0")
    sign = "-" if whole < 0 else ""
    return f"{sign}{text[:-places]}.{text[-places:]}" if places else f"{sign}{text}"


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
