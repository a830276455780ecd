"""Special functions of one number: log Γ and its derivatives, and the normal quantile.

    d/dx gammaln(x) = digamma(x),  d/dx digamma(x) = trigamma(x),  ...    (DLMF 5.2, 5.15)
    d/dp ndtri(p) = √(2π) exp(ndtri(p)²/2)                                (of Φ(ndtri(p)) = p)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist
from typing import Any, NamedTuple

import mpmath
import sympy as sp

from .made import Made

HIGHEST = 8
"""Derivatives of log |Γ| that printed and compiled code has names for."""
NAMES = ("gammaln", "digamma", "trigamma")


class Special(sp.Function, metaclass=Made):  # type: ignore[misc]  # SymPy has no types
    """A function of a real number that is none of SymPy's elementary ones."""

    nargs = 1

    def _eval_is_extended_real(self) -> bool | None:
        real: bool | None = self.args[0].is_extended_real
        return real

    _eval_is_real = _eval_is_extended_real


class LogGamma(Special):
    """log |Γ| (order 0), or its derivative of that order."""

    order: int

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return log_gamma(self.order + 1)(self.args[0])


class ndtri(Special):  # noqa: N801  # its name is what it is called by everywhere
    """The quantile of the normal distribution."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.sqrt(2 * sp.pi) * sp.exp(self**2 / 2)


def log_gamma(order: int = 0) -> Any:
    """The derivative of that order of log |Γ|, as a function of a SymPy expression.

    >>> sp.diff(log_gamma()(sp.Symbol("x")), sp.Symbol("x"))
    digamma(x)
    """
    return _log_gamma(order)


@cache
def _log_gamma(order: int) -> Any:
    name = NAMES[order] if order < len(NAMES) else f"polygamma{order - 1}"
    return type(name, (LogGamma,), {"order": order, "made_by": (log_gamma, (order,))})


class Values(NamedTuple):
    """How a special function is computed: of a float, with a ValueError where it has no value, and
    of a number of an mpmath context."""

    of_float: Callable[[float], float]
    precisely: Callable[[Any, Any], Any]


def values_of(name: str) -> Values | None:
    """How the special function of that name is computed; None for other names."""
    if name == "ndtri":
        return Values(_quantile, lambda context, p: (
            context.sqrt(2) * context.erfinv(2 * p - 1)))
    order = _order(name)
    if order is None:
        return None
    if order == 0:
        return Values(math.lgamma, lambda context, x: context.log(abs(context.gamma(x))))
    return Values(lambda x: float(mpmath.fp.psi(order - 1, x)),
                  lambda context, x: context.psi(order - 1, x))


def _order(name: str) -> int | None:
    """Which derivative of log |Γ| a function of that name is."""
    if name in NAMES:
        return NAMES.index(name)
    digits = name.removeprefix("polygamma")
    return int(digits) + 1 if name.startswith("polygamma") and digits.isdigit() else None


def _quantile(p: float) -> float:
    """In double precision: NormalDist's, and one step of Newton's on it."""
    if not 0 < p < 1:
        raise ValueError(f"no quantile of {p}")
    z = NormalDist().inv_cdf(p)
    gap = math.erfc(-z / math.sqrt(2)) / 2 - p if z < 0 else (1 - p) - math.erfc(
        z / math.sqrt(2)) / 2
    return z - gap * math.sqrt(2 * math.pi) * math.exp(z * z / 2)


SPELLED = ("ndtri", *(log_gamma(order).__name__ for order in range(HIGHEST)))
"""The names that printed and compiled code has."""
