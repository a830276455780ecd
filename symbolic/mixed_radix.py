"""Equalities of flattened places, digit by digit.

What a reshape leaves, [k l + p = k l' + p'] with p, p' < k, is [p = p'] [l = l']: two numbers in a
mixed radix are equal when their digits are.  As one guard it cannot be solved for an index; as two
it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from .equation import Equal, Equation, Guard, Index, Read, Size, System, Term


def flat(digits: Iterable[sp.Expr], sizes: Iterable[Size]) -> sp.Expr:
    """The number that digits make, n i + j: the place of an entry in row-major order."""
    place: sp.Expr = sp.S.Zero
    for digit, size in zip(digits, sizes, strict=True):
        place = sp.expand(place * size + digit)
    return place


def flat_place(indices: Sequence[Index]) -> sp.Expr:
    """The place, in row-major order, of the entry at these indices."""
    return flat((index.symbol for index in indices), (index.size for index in indices))


def by_digits(system: System) -> System:
    """The system with the equalities in its guards split into those of their digits."""
    return system.mapped(_equation)


def _equation(equation: Equation) -> Equation:
    if not any(isinstance(guard, Equal) for term in equation.terms for guard in term.guards):
        return equation
    return replace(equation, terms=tuple(_term(term, equation.out) for term in equation.terms))


def _term(term: Term, out: tuple[Index, ...]) -> Term:
    sizes = {index.symbol: index.size for index in (*out, *term.over)}
    guards: list[Guard] = []
    for guard in term.guards:
        guards += in_digits(guard, sizes)
    return replace(term, guards=tuple(guards))


def in_digits(guard: Guard, sizes: Mapping[sp.Symbol, sp.Expr]) -> list[Guard]:
    """The guard, or one for each digit; `sizes` are those of the indices."""
    if not isinstance(guard, Equal) or isinstance(guard.left, Read) \
            or isinstance(guard.right, Read):
        return [guard]
    indices = sorted(sizes.keys() & (guard.left - guard.right).free_symbols, key=str)
    digits = list(_digits(sp.expand(guard.left - guard.right), indices, sizes))
    if len(digits) == 1:
        return [guard]
    return [_equality(digit) for digit in digits]


def _digits(
    gap: sp.Expr, indices: list[sp.Symbol], sizes: Mapping[sp.Symbol, sp.Expr]
) -> Iterator[sp.Expr]:
    """Expressions that vanish together when the gap does, the lowest digit first."""
    summands = sp.Add.make_args(gap)
    weights = {abs(part.as_independent(*indices)[0]) for part in summands} - {sp.S.One}
    common = sp.gcd_list(list(summands)).as_independent(*indices)[0]
    if len(summands) > 1 and common.is_positive and common != 1:
        yield from _digits(sp.expand(gap / common), indices, sizes)
        return
    for radix in sorted(weights, key=lambda weight: (
            sp.count_ops(weight), weight if weight.is_number else 0, str(weight))):
        low = [part for part in summands if not _is_multiple(part, radix)]
        if not radix.is_positive or not 0 < len(low) < len(summands):
            continue
        digit = sp.Add(*low)
        most = largest(digit, indices, sizes), largest(-digit, indices, sizes)
        if all(sp.expand(radix - bound).is_positive for bound in most):
            yield from _digits(digit, indices, sizes)
            yield from _digits(sp.expand((gap - digit) / radix), indices, sizes)
            return
    yield gap


def _is_multiple(part: sp.Expr, radix: sp.Expr) -> bool:
    return bool(sp.denom(sp.cancel(part / radix)) == 1)


def _whole_digits(
    gap: sp.Expr, indices: list[sp.Symbol], sizes: Mapping[sp.Symbol, sp.Expr]
) -> Iterator[sp.Expr]:
    """The same where the radices are numbers: [4 k + 2 l + p = 2 q + r]."""
    parts = [(part, int(part.as_coeff_Mul()[0])) for part in sp.Add.make_args(gap)]
    for radix in sorted({abs(coefficient) for _, coefficient in parts} - {1}):
        low = sp.Add(*(part for part, coefficient in parts if coefficient % radix))
        most = largest(low, indices, sizes), largest(-low, indices, sizes)
        if low != 0 and all(sp.expand(radix - bound).is_positive for bound in most):
            yield low
            yield from _whole_digits(sp.expand((gap - low) / radix), indices, sizes)
            return
    yield gap


def largest(
    digit: sp.Expr, indices: list[sp.Symbol], sizes: Mapping[sp.Symbol, sp.Expr]
) -> sp.Expr:
    """The most that an expression with whole coefficients can be; ∞ where a coefficient's sign
    depends on sizes."""
    total = digit.as_independent(*indices, as_Add=True)[0] if digit.free_symbols else digit
    for index in indices:
        coefficient = digit.coeff(index)
        grows = sp.sympify(coefficient > 0)
        if grows not in (sp.true, sp.false):
            return sp.oo
        total += coefficient * (sizes[index] - 1) if grows else 0
    return total


def _equality(digit: sp.Expr) -> Equal:
    """[digit = 0] with its positive part on the left."""
    parts = sp.Add.make_args(digit)
    left = [part for part in parts if not part.could_extract_minus_sign()]
    return Equal(sp.Add(*left), sp.Add(*left) - digit)
