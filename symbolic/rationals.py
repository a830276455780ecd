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
