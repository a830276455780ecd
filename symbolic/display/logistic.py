"""σ where it stands, though it was written with exp, or as its slope over itself.

    exp(u)/(1 + exp(u)) -> σ(u)      1/(1 + exp(u)) -> 1 - σ(u)      σ′(u)/σ(u) -> 1 - σ(u)
"""

from __future__ import annotations

import sympy as sp

from ..functions import SIGMOID, derivative

_SLOPE = derivative(SIGMOID)


def with_sigmoids(body: sp.Expr) -> sp.Expr:
    """The body with σ for what is σ, where that makes it shorter."""
    if not body.has(sp.exp, _SLOPE):
        return body
    made = _walked(body)
    return made if sp.count_ops(made) <= sp.count_ops(body) else body


def _walked(part: sp.Expr) -> sp.Expr:
    """Products before their factors: exp(u) goes with what it is divided by."""
    if part.is_Mul or part.is_Pow:
        part = _factor(part)
    return part.func(*map(_walked, part.args)) if part.args else part


def _factor(part: sp.Expr) -> sp.Expr:
    """A product with its quotients by 1 + exp(u) and by σ(u) as σ."""
    powers = dict((factor, sp.S.One) if isinstance(factor, sp.exp) else factor.as_base_exp()
                  for factor in sp.Mul.make_args(part))
    for base, exponent in powers.items():
        if exponent != -1:
            continue
        if base.is_Add and len(base.args) == 2 and base.args[0] == 1 and isinstance(
                base.args[1], sp.exp):
            growing = base.args[1]
            u = growing.args[0]
            if growing in powers:
                return _factor(part / growing * base * SIGMOID(u))
            return _factor(part * base * SIGMOID(-u))
        if isinstance(base, SIGMOID) and powers.get(_SLOPE(base.args[0])) == 1:
            return _factor(part * base / _SLOPE(base.args[0]) * (1 - base))
    return part
