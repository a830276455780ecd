"""Bodies whose exponentials would overflow on the way to a finite value, written so that they do
not.

    x/(1 + exp(-x))                   ->  x sigmoid(x)
    exp(x)/(1 + exp(x))²              ->  sigmoid(x) sigmoid(-x)
    log(1 - sigmoid(s z))             ->  -softplus(s z)
    2/(exp(x) + exp(-x))              ->  2 sigmoid(x) sigmoid(-x)/(sigmoid(x)² + sigmoid(-x)²)

A quotient of polynomials in E = exp(u) is written in a = sigmoid(u) and b = sigmoid(-u), which lie
between 0 and 1, are exact where they are small, and have E = a/b, 1 + E = 1/b: a polynomial of
degree d in E is one that has degree d in a and b, divided by bᵈ.  If its coefficients are positive,
that is bounded away from 0, since a + b = 1; so nothing overflows but what is large itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import permutations, product
from math import gcd, lcm

import sympy as sp

from ..symbolic.functions import SIGMOID, SOFTPLUS, Opaque, Z, in_sigmoid
from ..symbolic.rationals import factored
from .largest import SMALL, as_quotient, is_taken_out, over_softplus

STEEP = (sp.exp, sp.sinh, sp.cosh)
"""Functions that overflow."""

LARGEST = 150
"""Operations in a body up to which it is written anew."""

MOST = 4
"""Sigmoids in a sum whose ends are looked at."""

_E = sp.Dummy("E", positive=True)


@lru_cache(maxsize=4096)
def steadied(body: sp.Expr) -> sp.Expr:
    """The body with exponentials that would overflow on the way written so that they do not; as it
    is where no such spelling is found."""
    return over_softplus(_without_risk(body))


def _without_risk(body: sp.Expr) -> sp.Expr:
    if not body.has(*STEEP, Opaque, sp.tanh) or not at_risk(body):
        return _gathered(body)
    if sp.count_ops(body) > LARGEST:
        return _gathered(body)
    tried = _gathered(body)
    for written in (tried, _gathered(_in_exponentials(body))):
        tried = _steady(written)
        if not at_risk(tried):
            return tried
    return _steady(_gathered(body))


def _gathered(body: sp.Expr) -> sp.Expr:
    """exp a · exp b as exp(a + b)."""
    return sp.powsimp(body, combine="exp", deep=True) if body.has(sp.exp) else body


class _Below(sp.Dummy):  # type: ignore[misc]  # SymPy has no types
    """An exponential with the largest of its sum taken out."""


def at_risk(body: sp.Expr) -> bool:
    """Whether a body may overflow, or divide by zero, or lose its digits, on the way to a value
    that is finite: by an exponential beside what vanishes, or by the inverse or the logarithm of
    what may vanish or overflow."""
    body = body.xreplace({  # what is at most 1, and 1 somewhere in its sum
        power: _Below(positive=True) for power in body.atoms(sp.exp) if is_taken_out(power)})
    for part in sp.preorder_traversal(body):
        if isinstance(part, sp.log) and not part.args[0].is_Symbol:
            if part.has(*STEEP) or _may_vanish(part.args[0]):
                return True
        elif part.is_Pow and part.exp.is_negative:
            if part.base.has(*STEEP) or _may_vanish(part.base):
                return True
        elif part.is_Mul:
            curved = [factor for factor in part.args if factor.has(*STEEP) or is_curved(factor)]
            if len(curved) > 1 and any(factor.has(*STEEP) for factor in curved):
                return True
    return False


def is_curved(part: sp.Expr) -> bool:
    """Whether it applies what saturates: tanh, or what is rational in one exponential."""
    return bool(part.has(sp.tanh)) or any(map(_is_rational, part.atoms(Opaque)))


def _is_rational(applied: Opaque) -> bool:
    """Whether a named function is rational in one exponential of its argument."""
    return in_sigmoid(type(applied).definition) is not None


def _may_vanish(part: sp.Expr) -> bool:
    """Whether named functions may bring an expression near to zero, as far as their ends say."""
    if not is_curved(part):
        return False
    if part.has(sp.tanh, _Below) or any(not isinstance(f, SIGMOID) for f in part.atoms(Opaque)):
        return True
    arguments: dict[sp.Expr, sp.Symbol] = {}  # sigmoid(-u) is 1 where sigmoid(u) is 0
    for applied in sorted(part.atoms(SIGMOID), key=sp.default_sort_key):
        if -applied.args[0] not in arguments:
            arguments[applied.args[0]] = sp.Dummy()
    if len(arguments) > MOST:
        return True
    values = {SIGMOID(u): value for u, value in arguments.items()}
    values |= {SIGMOID(-u): 1 - value for u, value in arguments.items()}
    named = part.xreplace(values)
    return not all(
        named.xreplace(dict(zip(arguments.values(), end, strict=True))).is_nonzero
        for end in product((sp.S.Zero, sp.S.One), repeat=len(arguments)))


def _in_exponentials(body: sp.Expr) -> sp.Expr:
    """Named functions and tanh that are rational in one exponential, written so."""
    body = body.replace(
        lambda part: isinstance(part, Opaque) and _is_rational(part),
        lambda part: _in_exponentials(type(part).definition.xreplace({Z: part.args[0]})))
    return body.replace(lambda part: isinstance(part, sp.tanh),
                        lambda part: 1 - 2 / (sp.exp(2 * part.args[0]) + 1))


# --- the spelling -------------------------------------------------------------------------------


def _steady(body: sp.Expr) -> sp.Expr:
    """The body with every quotient in exponentials in sigmoids, the innermost first."""
    if not body.has(*STEEP):
        return body
    body = body.rewrite([sp.sinh, sp.cosh], sp.exp) if body.has(sp.sinh, sp.cosh) else body
    inside: dict[sp.Expr, sp.Expr] = {}
    plain = _with_values(body, inside)
    return _in_sigmoids(plain).xreplace(inside)


def _with_values(body: sp.Expr, inside: dict[sp.Expr, sp.Expr]) -> sp.Expr:
    """The body as a quotient of polynomials in exponentials and in values: what else it applies,
    by the names that stand for it."""
    if isinstance(body, sp.exp) and not body.args[0].has(*STEEP):
        return body
    if body.is_Add or body.is_Mul or (body.is_Pow and body.exp.is_Rational):
        return body.func(*(_with_values(part, inside) for part in body.args))
    if not body.has(*STEEP):
        return body
    value = sp.Dummy(real=True)
    if isinstance(body, sp.log):
        inside[value] = _logarithm(body.args[0])
    elif isinstance(body, sp.Piecewise):
        inside[value] = sp.Piecewise(*((_steady(part), held) for part, held in body.args))
    else:
        inside[value] = body.func(*map(_steady, body.args))
    return value


def _in_sigmoids(body: sp.Expr) -> sp.Expr:
    """Largest parts that are quotients in exponentials of one argument, written in its sigmoid."""
    if not body.has(sp.exp) or isinstance(body, sp.exp):
        return body
    found = _factors(body)
    if found is not None and found.divides:
        return found.value()
    if body.is_Mul:
        together = _together(body.args)
        if len(together) > 1:
            return sp.Mul(*map(_in_sigmoids, together))
    shifted = None if body.is_Add else as_quotient(body)
    if shifted is not None and shifted.divides:
        return shifted.value()
    if body.is_Add or body.is_Mul or (body.is_Pow and body.exp.is_Rational):
        return body.func(*map(_in_sigmoids, body.args))
    return body


def _together(factors: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Products of factors, one for those whose exponentials read the same values."""
    found: dict[frozenset[sp.Symbol], list[sp.Expr]] = {}
    for factor in factors:
        read = frozenset(s for power in factor.atoms(sp.exp) for s in power.free_symbols)
        joined = [factor]
        for other in [key for key in found if key & read]:
            joined, read = found.pop(other) + joined, read | other
        found[read] = found.get(read, []) + joined
    return [sp.Mul(*joined) for joined in found.values()]


def _logarithm(inner: sp.Expr) -> sp.Expr:
    """log of a quotient in exponentials as a sum of softplus; log(exp a + exp b) as
    a + softplus(b - a)."""
    inside: dict[sp.Expr, sp.Expr] = {}
    plain = _with_values(inner, inside)
    found = _factors(plain)
    if found is not None and found.is_positive and found.scale.is_negative is not True:
        return found.logarithm().xreplace(inside)
    parts = sp.Add.make_args(plain)
    if len(parts) == 2 and all(part == 1 or isinstance(part, sp.exp) for part in parts):
        first, second = sorted((sp.S.Zero if part == 1 else part.args[0] for part in parts),
                               key=lambda exponent: bool(exponent != 0))
        return first + SOFTPLUS(second - first)
    shifted = as_quotient(plain)
    if shifted is not None:
        return shifted.logarithm().xreplace(inside)
    return sp.log(_in_sigmoids(plain).xreplace(inside))



class _Factors:
    """scale · Eᵏ (1 + E)ʲ Π p(a, b)ⁿ with E = exp(unit), a = sigmoid(unit) and b = 1 - a."""

    def __init__(self, unit: sp.Expr) -> None:
        self.unit = unit
        self.scale: sp.Expr = sp.S.One
        self.power: sp.Rational = sp.S.Zero
        self.sums: sp.Rational = sp.S.Zero
        self.polynomials: list[tuple[tuple[sp.Expr, ...], sp.Rational]] = []
        self.divides = False
        """Whether a sum is divided by."""

    @staticmethod
    def _is_bounded(coefficients: tuple[sp.Expr, ...], exponent: sp.Rational) -> bool:
        """Whether p(a, b)ⁿ overflows at none of the ends, and is as real as p(E)ⁿ."""
        if not exponent.is_Integer:
            return _all_positive(coefficients)
        ends = coefficients[0], coefficients[-1]
        return exponent > 0 or all(end.is_number and end.is_nonzero for end in ends)

    def take(self, base: sp.Expr, exponent: sp.Rational) -> bool:
        """One factor more; False where it may vanish at an end and is divided by."""
        if not base.has(_E):
            self.scale *= base**exponent
        elif base == _E:
            self.power += exponent
        else:
            coefficients = tuple(reversed(sp.Poly(base, _E).all_coeffs()))
            if not self._is_bounded(coefficients, exponent):
                return False
            self.divides |= exponent < 0
            self.sums += exponent * (len(coefficients) - 1)
            if len(coefficients) == 2 and coefficients[0] == coefficients[1]:
                self.scale *= coefficients[0]**exponent
            else:
                self.polynomials.append((coefficients, exponent))
        return True

    def take_power(self, part: sp.Expr, root: sp.Rational) -> bool:
        """The factors of partʳ, a quotient of polynomials in E; False where one cannot be taken."""
        if not part.is_rational_function(_E):
            return False
        try:
            apart = factored(sp.together(part))
        except (sp.PolynomialError, NotImplementedError):
            return False
        for factor in sp.Mul.make_args(apart):
            base, exponent = factor.as_base_exp() if factor.has(_E) else (factor, sp.S.One)
            sign = -1 if base.has(_E) and sp.Poly(base, _E).LC().is_negative else 1
            if root != 1 and (sign < 0 or not (base.has(_E) or base.is_positive)):
                return False  # a root of what may be negative does not come apart
            self.scale *= sp.Integer(sign)**exponent
            if not self.take(sp.expand(sign * base) if sign < 0 else base, exponent * root):
                return False
        return True

    def halve(self) -> None:
        """Written in Eⁿ, where no other powers of E occur."""
        odd = [degree for coefficients, _ in self.polynomials
               for degree, c in enumerate(coefficients) if c != 0]
        plain = self.sums - sum(n * (len(c) - 1) for c, n in self.polynomials)
        step = gcd(*odd, *(int(self.power) if self.power.is_Integer else 1, int(bool(plain))))
        if step > 1:
            self.unit, self.power, self.sums = step * self.unit, self.power / step, self.sums / step
            held, self.polynomials = self.polynomials, []
            for coefficients, exponent in held:
                kept = coefficients[::step]
                if len(kept) == 2 and kept[0] == kept[1]:
                    self.scale *= kept[0]**exponent
                else:
                    self.polynomials.append((kept, exponent))

    @property
    def is_positive(self) -> bool:
        return all(_all_positive(coefficients) for coefficients, _ in self.polynomials)

    def _bounded(self) -> Iterator[tuple[sp.Expr, sp.Rational]]:
        a, b = SIGMOID(self.unit), SIGMOID(-self.unit)
        for coefficients, exponent in self.polynomials:
            degree = len(coefficients) - 1
            yield sp.Add(*(
                c * a**k * b**(degree - k) for k, c in enumerate(coefficients))), exponent

    def value(self) -> sp.Expr:
        """The value; what grows in it without bounds is an exponential, or 1 + one."""
        up, down = self.power, -self.sums - self.power  # the powers of a and of b
        if self.sums <= 0:
            rest = max(0, -down) - max(0, -up)
            up, down = max(0, min(up, -self.sums)), max(0, min(down, -self.sums))
            grown = SIGMOID(self.unit)**up * SIGMOID(-self.unit)**down * sp.exp(rest * self.unit)
        else:
            lower = min(max(-self.power, 0), self.sums)
            grown = ((1 + sp.exp(-self.unit))**lower * (1 + sp.exp(self.unit))**(self.sums - lower)
                     * sp.exp((self.power + lower) * self.unit))
        return self.scale * grown * sp.Mul(*(base**n for base, n in self._bounded()))

    def logarithm(self) -> sp.Expr:
        """The logarithm; log(1 + Eⁿ) is a softplus by itself."""
        sums, total, rest = self.sums, sp.S.Zero, _Factors(self.unit)
        for coefficients, exponent in self.polynomials:
            if len(set(coefficients)) == 2 and not any(coefficients[1:-1]) \
                    and coefficients[0] == coefficients[-1]:
                degree = len(coefficients) - 1
                total += exponent * (SOFTPLUS(degree * self.unit) + sp.log(coefficients[0]))
                sums -= exponent * degree
            else:
                rest.polynomials.append((coefficients, exponent))
        up, down = self.power, -sums - self.power
        if up * down >= 0 and sums:
            total += -up * SOFTPLUS(-self.unit) - down * SOFTPLUS(self.unit)
        else:
            total += self.power * self.unit + sums * SOFTPLUS(self.unit)
        total += sum(exponent * sp.log(base) for base, exponent in rest._bounded())
        return total + sp.log(self.scale)


def _all_positive(coefficients: tuple[sp.Expr, ...]) -> bool:
    """Whether a polynomial in E > 0 is positive, and is at both of its ends."""
    return all(c.is_number and c.is_nonnegative for c in coefficients) and bool(
        coefficients[0].is_positive and coefficients[-1].is_positive)


def _factors(body: sp.Expr) -> _Factors | None:
    """The body in factors, if it is a quotient of polynomials in exponentials of one argument."""
    body = _homogeneous(body)
    rates = _rates(body)
    if rates is None:
        return None
    unit = next(iter(rates.values()))[1]
    number = sp.Rational(gcd(*(int(rate.p) for rate, _ in rates.values())),
                         lcm(*(int(rate.q) for rate, _ in rates.values())))
    plain = body.xreplace({power: _E**(rate / number) for power, (rate, _) in rates.items()})
    roots = [factor for factor in sp.Mul.make_args(plain)
             if factor.is_Pow and factor.has(_E) and not factor.exp.is_Integer]
    found = _Factors(number * unit)
    parts = [(sp.Mul(*(f for f in sp.Mul.make_args(plain) if f not in roots)), sp.S.One),
             *(root.as_base_exp() for root in roots)]
    if not all(found.take_power(part, root) for part, root in parts):
        return None
    found.halve()
    return found


def _rates(body: sp.Expr) -> dict[sp.Expr, tuple[sp.Rational, sp.Expr]] | None:
    """Every exponential with its argument as (number, one argument of all of them)."""
    powers = sorted(body.atoms(sp.exp), key=sp.default_sort_key)
    if not powers:
        return None
    unit = powers[0].args[0].as_coeff_Mul()[1]
    unit = -unit if unit.could_extract_minus_sign() else unit
    rates = {power: sp.cancel(sp.expand(power.args[0]) / sp.expand(unit)) for power in powers}
    if unit.is_number or not all(rate.is_Rational for rate in rates.values()):
        return None
    return {power: (rate, unit) for power, rate in rates.items()}


def _homogeneous(body: sp.Expr) -> sp.Expr:
    """exp a/(exp a + exp b) as 1/(1 + exp(b - a)), where that leaves one argument."""
    powers = sorted(body.atoms(sp.exp), key=sp.default_sort_key)
    if not 2 <= len(powers) <= 4 or _rates(body) is not None or sp.count_ops(body) > SMALL:
        return body
    exponents = [power.args[0] for power in powers]
    for last, first in permutations(exponents, 2):
        degrees = [_degree(exponent, last, sp.expand(first - last)) for exponent in exponents]
        if None in degrees:
            continue
        common, names = sp.Dummy(positive=True), [sp.Dummy(positive=True) for _ in powers]
        moved = sp.cancel(body.xreplace({
            power: common**degree * name
            for power, name, degree in zip(powers, names, degrees, strict=True)}))
        moved = moved.xreplace({
            name: sp.exp(sp.expand(exponent - degree * last))
            for name, exponent, degree in zip(names, exponents, degrees, strict=True)})
        if not moved.has(common):
            return moved
    return body


def _degree(exponent: sp.Expr, last: sp.Expr, unit: sp.Expr) -> int | None:
    """The d for which exponent - d · last is a number of units."""
    return next((degree for degree in (0, 1, 2, -1)
                 if sp.cancel(sp.expand(exponent - degree * last) / unit).is_Rational), None)
