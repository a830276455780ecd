"""Exact numbers as people write them.

    >>> decimal(sp.Rational(1, 100)), decimal(sp.Rational(1, 3))
    ('0.01', '')
"""

from __future__ import annotations

import math
from fractions import Fraction

import sympy as sp


def decimal(value: sp.Expr) -> str:
    """0.01 for 1/100: a fraction as a decimal where that ends and reads better; else empty."""
    if not value.is_Rational or value.q <= 8:
        return ""
    shown = repr(float(value))
    if "e" in shown:  # 0.00001, which Python writes as 1e-05
        shown = f"{float(value):.6f}".rstrip("0")
    return shown if sp.Rational(shown) == value else ""


LONG = 2**128
"""Numbers beyond it are not taken apart: SymPy factors a polynomial modulo a prime as large as its
coefficients, and looks for that among numbers of so many digits."""


def has_long_numbers(body: sp.Expr) -> bool:
    """Whether a fraction in an expression has a numerator or a denominator beyond ``LONG``."""
    return any(max(abs(number.p), number.q) > LONG for number in body.atoms(sp.Rational))


def factored(body: sp.Expr) -> sp.Expr:
    """sp.factor of an expression, or the expression itself where that would take seconds, or
    where cases in it are nothing that SymPy factors.

    >>> x = sp.Symbol("x")
    >>> factored(x**2 + x), factored(x**2 + 2**200 * x) == x**2 + 2**200 * x
    (x*(x + 1), True)
    """
    if has_long_numbers(body):
        return body
    try:
        return sp.factor(body)
    except sp.PolynomialError:
        return body


SHORT = 1000
"""The largest denominator of a fraction that a float may be meant as."""


def meant(value: float) -> sp.Expr | None:
    """The fraction, the multiple of π or 1/π, the root of one, or the multiple of log 2, log 10 or
    their reciprocals, whose float this is, if there is a short one.

    >>> meant(1 / 3), meant(2**0.5), meant(0.7978845608028654), meant(0.123456789012345)
    (1/3, sqrt(2), sqrt(2)/sqrt(pi), None)
    >>> meant(2.302585092994046)
    log(10)
    """
    last = 2 * math.ulp(value)  # what a difference or a quotient of such floats may be off by
    near = Fraction(value).limit_denominator(SHORT)
    if near and abs(float(near) - value) <= last:
        return sp.Rational(near.numerator, near.denominator)
    sign = 1 if value > 0 else -1
    for unit, name in _UNITS:
        times = Fraction(value / unit).limit_denominator(SHORT)
        if _is_short(times) and abs(float(times) * unit - value) <= last:
            return sp.Rational(times.numerator, times.denominator) * name
        if name.has(sp.log):
            continue
        square = Fraction(value**2 / unit).limit_denominator(SHORT)
        if _is_short(square) and abs(math.sqrt(square * unit) - abs(value)) <= last:
            return sign * sp.sqrt(sp.Rational(square.numerator, square.denominator) * name)
    return None


_UNITS: tuple[tuple[float, sp.Expr], ...] = (
    (1.0, sp.S.One), (math.pi, sp.pi), (1 / math.pi, 1 / sp.pi),
    *((math.log(k) ** way, sp.log(k) ** way) for k in (2, 10) for way in (1, -1)))


def _is_short(fraction: Fraction) -> bool:
    return bool(fraction) and max(abs(fraction.numerator), fraction.denominator) < SHORT
