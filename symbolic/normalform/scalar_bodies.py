"""The scalar body of a term as a polynomial.

    Piecewise((a, x > 0), (b, True))   ->   a [x > 0] + b (1 - [x > 0])
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.core.relational import Relational

from ..functions import Opaque, Z
from .conditions import step
from .guards import size_poly
from .nonlinear import absolute, exponential, logarithm, opaque, power
from .polynomial import (
    POSITIVE,
    Atoms,
    Poly,
    UnsupportedError,
    add_to,
    constant,
    number,
    plus,
    scaled,
)


class BodyReader:
    """A body as a polynomial, given polynomials for its symbols."""

    def __init__(self, table: Atoms, values: Mapping[sp.Symbol, Poly]) -> None:
        self.table = table
        self.values = values
        self.known: dict[sp.Expr, Poly] = {}

    def poly(self, expression: sp.Expr) -> Poly:
        if expression not in self.known:
            self.known[expression] = self._poly(expression)
        return self.known[expression]

    def _poly(self, e: sp.Expr) -> Poly:
        table = self.table
        if e in self.values:
            return self.values[e]
        if e.is_Rational:
            return constant(number(e))
        if e.is_Float:
            return constant(number(sp.Rational(str(e))))
        if e.is_Symbol:
            return size_poly(table, e)
        if e.is_Add:
            total: Poly = {}
            for part in e.args:
                add_to(total, self.poly(part))
            return total
        if e.is_Mul:
            return table.product(sorted(map(self.poly, e.args), key=len))
        if e is sp.E or isinstance(e, sp.exp):
            return exponential(table, self.poly(e.args[0]) if e.args else constant(1))
        if e.is_Pow:
            return self._power(e.base, e.exp)
        if e.is_NumberSymbol:
            return table.entry(table.base("constant", e, sign=POSITIVE))
        if not e.is_finite and e.is_number:
            raise UnsupportedError(f"the number {e}")
        return self._function(e)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Poly:
        if exponent.is_Rational:
            return power(self.table, self.poly(base), number(exponent))
        product = self.table.times(self.poly(exponent), logarithm(self.table, self.poly(base)))
        return exponential(self.table, product)

    def _function(self, e: sp.Expr) -> Poly:
        table = self.table
        if isinstance(e, Opaque):
            inner = BodyReader(table, {**self.values, Z: self.poly(e.args[0])})
            return inner.poly(type(e).definition)
        if isinstance(e, sp.log):
            return logarithm(table, self.poly(e.args[0]))
        if isinstance(e, sp.Abs):
            return absolute(table, self.poly(e.args[0]))
        if isinstance(e, sp.sign):
            inside = self.poly(e.args[0])
            return plus(step(table, inside), step(table, scaled(inside, -1)), -1)
        if isinstance(e, sp.Heaviside):
            inside = self.poly(e.args[0])
            above, below = step(table, inside), step(table, scaled(inside, -1))
            level = plus(constant(1), plus(above, below), -1)
            return plus(above, table.times(self.poly(e.args[1]), level))
        if isinstance(e, (sp.Max, sp.Min)):
            way = 1 if isinstance(e, sp.Max) else -1
            total = self.poly(e.args[0])
            for argument in e.args[1:]:
                gap = plus(self.poly(argument), total, -1)
                total = plus(total, table.times(gap, step(table, scaled(gap, way))))
            return total
        if isinstance(e, sp.Piecewise):
            total, left = {}, constant(1)
            for branch, condition in e.args:
                holds = table.times(left, self._condition(condition))
                if holds:
                    add_to(total, table.times(holds, self.poly(branch)))
                left = plus(left, holds, -1)
            return total
        if isinstance(e, sp.tan):
            sine, cosine = self.poly(sp.sin(e.args[0])), self.poly(sp.cos(e.args[0]))
            return table.times(sine, power(table, cosine, -1))
        if isinstance(e, (sp.tanh, sp.sinh, sp.cosh, sp.coth, sp.sech, sp.csch)):
            return self.poly(e.rewrite(sp.exp))
        return opaque(table, e.func, [self.poly(argument) for argument in e.args])

    def _condition(self, condition: sp.Basic) -> Poly:
        table = self.table
        if condition in (sp.true, sp.false):
            return constant(int(bool(condition)))
        if isinstance(condition, sp.Not):
            return plus(constant(1), self._condition(condition.args[0]), -1)
        if isinstance(condition, sp.And):
            return table.product(map(self._condition, condition.args))
        if isinstance(condition, sp.Or):
            none = table.product(
                plus(constant(1), self._condition(part), -1) for part in condition.args
            )
            return plus(constant(1), none, -1)
        if not isinstance(condition, Relational):
            raise UnsupportedError(f"the condition {condition}")
        gap = plus(self.poly(condition.lhs), self.poly(condition.rhs), -1)
        above, below = step(table, gap), step(table, scaled(gap, -1))
        apart = plus(above, below)  # all but what is equal, or all where that has measure zero
        return {
            sp.Gt: above,
            sp.Lt: below,
            sp.Ge: plus(constant(1), below, -1),
            sp.Le: plus(constant(1), above, -1),
            sp.Ne: apart,
            sp.Eq: plus(constant(1), apart, -1),
        }[type(condition)]
