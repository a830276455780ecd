"""Bodies whose exponentials would overflow on the way to a finite value, written so that they do
not."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from ..symbolic.functions import SIGMOID, SOFTPLUS, A, Z, in_sigmoid


@lru_cache(maxsize=4096)
def steadied(body: sp.Expr) -> sp.Expr:
    """The body with exponentials that would overflow on the way written so that they do not.

    log(1 + exp u) = softplus(u); exp a · exp b = exp(a + b); what is a polynomial in
    exp u / (1 + exp u) is one in sigmoid(u).
    """
    if not body.has(sp.exp):
        return body
    body = sp.powsimp(body, combine="exp", deep=True)
    body = body.replace(lambda part: isinstance(part, sp.log), _without_sum_of_powers)
    return _in_sigmoids(body)


def _without_sum_of_powers(log: sp.Expr) -> sp.Expr:
    """log(exp a + exp b) = a + softplus(b - a), 1 standing for exp 0."""
    parts = sp.Add.make_args(log.args[0])
    exponents = [
        sp.S.Zero if part == 1 else part.args[0]
        for part in parts if part == 1 or isinstance(part, sp.exp)
    ]
    if len(parts) != 2 or len(exponents) != 2:
        return log
    first, second = sorted(exponents, key=lambda exponent: bool(exponent != 0))
    return first + SOFTPLUS(second - first)


def _in_sigmoids(body: sp.Expr) -> sp.Expr:
    """Largest parts that have exponentials of one argument, written in its sigmoid."""
    powers = body.atoms(sp.exp)
    if not powers or body in powers:
        return body
    unit = min((power.args[0] for power in powers), key=sp.default_sort_key)
    unit = unit.as_coeff_Mul()[1]
    others = body.free_symbols - unit.free_symbols
    if all((power.args[0] / unit).is_Rational for power in powers) and not unit.is_number:
        names = {symbol: sp.Dummy(real=True) for symbol in others}
        inner = body.xreplace({power: sp.exp(power.args[0] / unit * Z) for power in powers})
        if not inner.free_symbols & unit.free_symbols:
            found = in_sigmoid(inner.xreplace(names))
            if found is not None:
                polynomial, exponent = found
                back = {dummy: symbol for symbol, dummy in names.items()}
                value = SIGMOID(exponent.xreplace({Z: unit}))
                return sp.factor(polynomial).xreplace(back).xreplace({A: value})
    if body.is_Add or body.is_Mul or (body.is_Pow and body.exp.is_Integer):
        return body.func(*map(_in_sigmoids, body.args))
    return body
