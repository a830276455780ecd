"""Quotients and logarithms of sums of several exponentials, with the largest exponent taken out.

    a/(a + q exp(u))              ->  a exp(-m)/(a exp(-m) + q exp(u - m)),    m = max(0, u)
    log(p exp(u) + q exp(v))      ->  m + log(p exp(u - m) + q exp(v - m)),    m = max(u, v)

Whatever m is, both sides are equal; with this m nothing overflows, and a sum has an exponential
that is 1.  What divides by a softplus, or takes its logarithm, has the larger part of it taken out
in the same way, with g = softplus/sigmoid, which is 1 or more:

    log softplus(u)               ->  log g(u) - softplus(-u)
    sigmoid(u)/softplus(u)        ->  1/g(u),       and the other way round
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import sympy as sp

from ..symbolic.functions import SIGMOID, SOFTPLUS, SOFTPLUS_RATIO

SMALL = 80
"""Operations in a quotient of several exponentials up to which it is cancelled: SymPy's greatest
common divisor of polynomials in ten symbols takes seconds at twice as many."""

MAXIMUM = sp.Function("maximum")

TERMS = 8
"""Terms of a denominator up to which the largest is taken out."""


@dataclass(frozen=True)
class Shifted:
    """Σ n exp(t) / Σ d exp(u), each sum with its largest exponential taken out."""

    numerator: Sequence[tuple[sp.Expr, sp.Expr]]
    denominator: Sequence[tuple[sp.Expr, sp.Expr]]

    @property
    def divides(self) -> bool:
        """Whether an exponential is divided by."""
        return any(exponent != 0 for _, exponent in self.denominator)

    def value(self) -> sp.Expr:
        top = _largest(self.denominator)
        return _below(self.numerator, top) / _below(self.denominator, top)

    def logarithm(self) -> sp.Expr:
        above, below = _largest(self.numerator), _largest(self.denominator)
        over, under = _below(self.numerator, above), _below(self.denominator, below)
        return above - below + (-sp.log(under) if over == 1 else sp.log(over / under))


def _largest(terms: Sequence[tuple[sp.Expr, sp.Expr]]) -> sp.Expr:
    return reduce(MAXIMUM, (exponent for _, exponent in terms))


def _below(terms: Sequence[tuple[sp.Expr, sp.Expr]], top: sp.Expr) -> sp.Expr:
    return sp.Add(*(factor * sp.exp(exponent - top) for factor, exponent in terms))


def as_quotient(body: sp.Expr) -> Shifted | None:
    """The body as a quotient of sums of exponentials with factors; None for what is none."""
    names = {power: sp.Dummy(positive=True) for power in
             sorted(body.atoms(sp.exp), key=sp.default_sort_key)}
    if not names or sp.count_ops(body) > SMALL or any(map(is_taken_out, names)):
        return None
    plain = body.xreplace(names)
    if not plain.is_rational_function(*names.values()):
        return None
    sums, parts = [], sp.fraction(sp.cancel(plain))
    if not all(part.is_polynomial(*names.values()) for part in parts):
        return None  # cancelling leaves what stands in cases as it is
    for part in parts:
        terms: dict[sp.Expr, sp.Expr] = {}
        for powers, factor in sp.Poly(part, *names.values()).terms():
            exponent = sp.expand(sum(
                n * power.args[0] for n, power in zip(powers, names, strict=True)))
            terms[exponent] = terms.get(exponent, 0) + factor
        sums.append([(factor, exponent) for exponent, factor in terms.items() if factor != 0])
    above, below = sums
    fits = 0 < len(above) <= 2 * TERMS and len(below) <= TERMS
    return Shifted(above, below) if fits else None


def is_taken_out(power: sp.exp) -> bool:
    """Whether an exponential is of a difference to the largest exponent."""
    return bool(power.args[0].has(MAXIMUM))


def over_softplus(body: sp.Expr) -> sp.Expr:
    """The body with the quotients and logarithms of softplus that are finite where it vanishes."""
    if not body.has(SOFTPLUS):
        return body
    body = body.replace(
        lambda part: isinstance(part, sp.log) and isinstance(part.args[0], SOFTPLUS),
        lambda part: sp.log(SOFTPLUS_RATIO(u := part.args[0].args[0])) - SOFTPLUS(-u))
    return body.replace(lambda part: part.is_Mul and part.has(SOFTPLUS), _quotient)


def _quotient(product: sp.Expr) -> sp.Expr:
    powers = product.as_powers_dict()
    for whole in [base for base in powers if isinstance(base, SOFTPLUS)]:
        (argument,), power = whole.args, powers[whole]
        against = powers.get(SIGMOID(argument), sp.S.Zero)
        if power.is_Rational and against.is_Rational and power * against < 0:
            both = sp.sign(power) * min(abs(power), abs(against))
            product *= (SOFTPLUS_RATIO(argument) * SIGMOID(argument) / whole)**both
    return product
