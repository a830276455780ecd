"""σ where it stands, though it was written with exp, or as its slope over itself.

    exp(u)/(1 + exp(u)) -> σ(u)      1/(1 + exp(u)) -> σ(-u)      σ′(u)/σ(u) -> σ(-u)
    c σ(u) + c σ(-u) -> c
    1 - σ(-u) -> σ(u)                1 - σ(u) -> σ(-u), where σ(u) stands nowhere else

σ(-u) is 1 - σ(u), and keeps its digits where σ(u) is all but 1.
"""

from __future__ import annotations

import sympy as sp

from ..functions import SIGMOID, derivative

_SLOPE = derivative(SIGMOID)


def with_sigmoids(body: sp.Expr) -> sp.Expr:
    """The body with σ for what is σ, where that makes it shorter."""
    if not body.has(sp.exp, _SLOPE, SIGMOID):
        return body
    made = _mirrored(_walked(body))
    return made if sp.count_ops(made) <= sp.count_ops(body) else body


def _walked(part: sp.Expr) -> sp.Expr:
    """Products before their factors: exp(u) goes with what it is divided by."""
    if part.is_Mul or part.is_Pow:
        part = _factor(part)
    part = part.func(*map(_walked, part.args)) if part.args else part
    return _paired(part) if part.is_Add else part


def _paired(total: sp.Expr) -> sp.Expr:
    """c for each c σ(u) with its c σ(-u): the two are 1."""
    terms = list(total.args)
    for term in total.args:
        for applied in term.atoms(SIGMOID) & {*sp.Mul.make_args(term)}:
            factor = term / applied
            other = factor * SIGMOID(-applied.args[0])
            if term != other and term in terms and other in terms:
                terms.remove(term)
                terms.remove(other)
                terms.append(factor)
    return sp.Add(*terms)


def _factor(part: sp.Expr) -> sp.Expr:
    """A product with its quotients by 1 + exp(u) and by σ(u) as σ."""
    factors = list(sp.Mul.make_args(part))
    for place, factor in enumerate(factors):
        base, exponent = factor.as_base_exp()
        if exponent != -1 or isinstance(factor, sp.exp):
            continue
        others = factors[:place] + factors[place + 1:]
        if base.is_Add and len(base.args) == 2 and base.args[0] == 1 and isinstance(
                base.args[1], sp.exp):
            growing = base.args[1]
            if growing in others:
                others.remove(growing)
                return _factor(sp.Mul(*others, SIGMOID(growing.args[0])))
            return _factor(sp.Mul(*others, SIGMOID(-growing.args[0])))
        if isinstance(base, SIGMOID) and _SLOPE(base.args[0]) in others:
            others.remove(_SLOPE(base.args[0]))
            return _factor(sp.Mul(*others, 1 - base))
    return part


def _mirrored(body: sp.Expr) -> sp.Expr:
    """1 - σ(u) as σ(-u), where that is shorter: the u of σ(u) stands nowhere else in a σ."""
    for applied in sorted(body.atoms(SIGMOID), key=sp.default_sort_key):
        (inner,), mark = applied.args, sp.Dummy()
        left = body.replace(
            lambda part, one=applied: part.is_Add and (part == 1 - one or part == one - 1),
            lambda part, one=applied, mark=mark: mark if part == 1 - one else -mark)
        if mark in left.free_symbols and applied not in left.atoms(SIGMOID):
            body = left.xreplace({mark: SIGMOID(-inner)})
    return body
