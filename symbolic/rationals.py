"""Exact numbers as people write them.

    >>> decimal(sp.Rational(1, 100)), decimal(sp.Rational(1, 3))
    ('0.01', '')
"""

from __future__ import annotations

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
