"""Conditions of pieces as relations joined by and, or: x > 0, (x > 0) & (x < 1).

Where a value with pieces is put into a condition, SymPy makes a choice between conditions of it:

    {1 if {x if x > -1, -1} < 1}   ->   ITE(x > -1, x < 1, True)   ->   (x <= -1) | (x < 1)

Everything that reads conditions (printers, generated code, normal forms, evaluation) knows the
right side.
"""

from __future__ import annotations

import sympy as sp


def as_relations(expression: sp.Basic) -> sp.Basic:
    """An equal expression, or condition, without a choice between conditions.

    >>> x = sp.Symbol("x", real=True)
    >>> as_relations(sp.ITE(x > -1, x < 1, True))
    (x <= -1) | (x < 1)
    """
    if not expression.has(sp.ITE, sp.Not):
        return expression
    parts = [as_relations(part) for part in expression.args]
    if isinstance(expression, sp.ITE):
        return _chosen(*parts)
    if isinstance(expression, sp.Not):
        return _negated(parts[0])
    return expression.func(*parts)


def _negated(condition: sp.Basic) -> sp.Basic:
    if isinstance(condition, sp.And | sp.Or):
        join = sp.Or if isinstance(condition, sp.And) else sp.And
        return join(*map(_negated, condition.args))
    return sp.Not(condition)


def _chosen(condition: sp.Basic, yes: sp.Basic, no: sp.Basic) -> sp.Basic:
    if yes == sp.true or no == sp.false:
        join = sp.Or if yes == sp.true else sp.And
        return join(condition, no if yes == sp.true else yes)
    if yes == sp.false or no == sp.true:
        join = sp.And if yes == sp.false else sp.Or
        return join(_negated(condition), no if yes == sp.false else yes)
    return sp.Or(sp.And(condition, yes), sp.And(_negated(condition), no))
