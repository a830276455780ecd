"""A number as a marker's format asks for it."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from fractions import Fraction

from .marker import MarkerError

DIGITS = 40
"""Digits of a number at most; exact figures are known to fifty."""


def formatted(value: Fraction, form: str) -> str:
    """A number by a format such as .6f, rounded half to even from its exact value."""
    digits = re.search(r"\.(\d+)", form)
    if digits and int(digits[1]) > DIGITS:
        raise MarkerError(f"{form!r}: exact figures are good for {DIGITS} digits")
    with localcontext() as context:
        context.prec = 60
        shown = format(Decimal(value.numerator) / Decimal(value.denominator), form)
    return shown.lstrip("-") if shown.startswith("-") and not shown.strip("-0.e+%") else shown
