"""The logarithm of the gamma function and its derivatives, each a function of one number.

    d/dx gammaln(x) = digamma(x),  d/dx digamma(x) = trigamma(x),  ...    (DLMF 5.2, 5.15)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import sympy as sp

HIGHEST = 8
"""Derivatives of log |Γ| that printed and compiled code has names for."""
NAMES = ("gammaln", "digamma", "trigamma")


class Special(sp.Function):  # type: ignore[misc]  # SymPy has no types
    """log |Γ| (order 0), or its derivative of that order, of a real number."""

    nargs = 1
    order: int

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return log_gamma(self.order + 1)(self.args[0])

    def _eval_is_extended_real(self) -> bool | None:
        real: bool | None = self.args[0].is_extended_real
        return real

    _eval_is_real = _eval_is_extended_real


@cache
def log_gamma(order: int = 0) -> Any:
    """The derivative of that order of log |Γ|, as a function of a SymPy expression.

    >>> sp.diff(log_gamma()(sp.Symbol("x")), sp.Symbol("x"))
    digamma(x)
    """
    name = NAMES[order] if order < len(NAMES) else f"polygamma{order - 1}"
    return type(name, (Special,), {"order": order})


def order_of(name: str) -> int | None:
    """Which derivative of log |Γ| a function of that name is; None for other names."""
    if name in NAMES:
        return NAMES.index(name)
    digits = name.removeprefix("polygamma")
    return int(digits) + 1 if name.startswith("polygamma") and digits.isdigit() else None


def in_floats(order: int) -> Callable[[float], float]:
    """The function of a float; ValueError at a pole."""
    return math.lgamma if order == 0 else lambda x: float(mpmath.fp.psi(order - 1, x))


def precisely(order: int, context: Any, value: Any) -> Any:
    """Its value in an mpmath context."""
    return context.log(abs(context.gamma(value))) if order == 0 else context.psi(order - 1, value)
