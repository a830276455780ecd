"""Numerical safeguards of a program, and the program without them.

    p = clip(σ(z), 1e-7, 1 - 1e-7)   ->   p = σ(z),        which holds where 1e-7 < p < 1 - 1e-7
    log(p + 1e-8)                    ->   log(p),          which holds up to the added 1e-8

A safeguard is a bound next to 0 or 1 on a value, a bound far out on what an exponential is taken
of, or a small number added to what a logarithm, a root or a denominator is taken of.  It keeps
floating-point numbers from overflowing; the formula that is meant is the one without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from .equation import Equation, System, Term, is_unnamed, slot
from .functions import Opaque, without_opaque

SMALL = sp.Rational(1, 10**4)
"""A bound nearer than this to 0 or 1 is a safeguard."""

ADDED = sp.Rational(1, 10**6)
"""A number of at most this size that is added is one; more, and it is meant (as in layer norm)."""

FAR = 15
"""A bound beyond this on an exponential's argument is one."""


@dataclass(frozen=True)
class Safeguard:
    """What was taken out: bounds on the array `of` ("" for one without a name), or an addition."""

    of: str
    low: sp.Expr | None = None
    high: sp.Expr | None = None
    added: sp.Expr | None = None

    def __str__(self) -> str:
        if self.added is not None:
            return f"up to the added {_short(self.added)}"
        bounds = [_short(end) for end in (self.low, self.high) if end is not None]
        if not self.of:
            many = len(bounds) > 1
            return (f"where the bound{'s' * many} {', '.join(bounds)} "
                    f"{'do' if many else 'does'} not act")
        low, high = ("" if end is None else _short(end) for end in (self.low, self.high))
        if low:
            return f"where {low} < {self.of}" + (f" < {high}" if high else "")
        return f"where {self.of} < {high}"


def _short(number: sp.Expr) -> str:
    """A literal as one writes it: 1e-07, 1 - 1e-07.

    >>> _short(sp.Rational(1, 10**7)), _short(1 - sp.Rational(1, 10**7))
    ('1e-07', '1 - 1e-07')
    """
    if 0 < abs(1 - number) <= SMALL:
        return f"1 {'-' if number < 1 else '+'} {float(abs(1 - number)):g}"
    return f"{float(number):g}"


def without_safeguards(system: System) -> tuple[System, tuple[Safeguard, ...]]:
    """The system without its safeguards, and what they were."""
    taking = _Taking(_readers(system))
    return system.mapped(taking.freed), tuple(taking.merged(system))


Readers: TypeAlias = Mapping[str, Sequence[tuple[str, Term]]]
"""array -> who reads it: the name and the term."""


def _readers(system: System) -> Readers:
    found: dict[str, list[tuple[str, Term]]] = {}
    for equation in system.equations:
        for term in equation.terms:
            for name in dict.fromkeys(read.array for read in term.reads):
                found.setdefault(name, []).append((equation.name, term))
    return found


@dataclass
class _Taking:
    """Safeguards as they are taken out of one equation after the other; `found` by its name."""

    readers: Readers
    found: dict[str, list[Safeguard]] = field(default_factory=dict)

    def freed(self, equation: Equation) -> Equation:
        terms = []
        for term in equation.terms:
            body = term.body.replace(lambda part: isinstance(part, sp.Piecewise),
                                     partial(self._unbounded, equation, term))
            if body == term.body and not body.has(Opaque):
                body = self._without_additions(equation, term)
            terms.append(replace(term, body=body))
        return replace(equation, terms=tuple(terms))

    def _note(self, equation: Equation, safeguard: Safeguard) -> None:
        self.found.setdefault(equation.name, []).append(safeguard)

    # --- bounds ---------------------------------------------------------------------------------

    def _unbounded(self, equation: Equation, term: Term, body: sp.Piecewise) -> sp.Expr:
        """What is bounded by a literal, if the pieces are nothing but such a bound."""
        bound = _bound(body)
        if bound is None:
            return body
        value, literal, is_low = bound
        sources = [read.array for place, read in enumerate(term.reads) if value == slot(place)]
        source = sources[0] if sources else ""
        near = any(0 < abs(literal - end) <= SMALL for end in (0, 1))
        far = abs(literal) >= FAR and (
            term.body.has(sp.exp) or self._is_exponent(equation.name))
        paired = literal in (0, 1) and (source in self.found or isinstance(value, sp.Piecewise)
                                        or self._is_near_bound(equation, term))
        if not (near or far or paired):
            return body
        whole = body == term.body and not is_unnamed(equation.name)
        name = equation.name if whole else "" if is_unnamed(source) else source
        self._note(equation, Safeguard(name, literal if is_low else None,
                                       None if is_low else literal))
        return value

    def _is_near_bound(self, equation: Equation, term: Term) -> bool:
        """Whether a term, or what reads its equation, has a bound near 0 or 1."""
        readers = (reader for _, reader in self.readers.get(equation.name, ()))
        return any(_has_near_bound(one.body) for one in (term, *readers))

    def _is_exponent(self, name: str, depth: int = 4) -> bool:
        """Whether an array, or what is made of it entry by entry, is an exponential's argument."""
        return depth > 0 and any(
            without_opaque(term.body).has(sp.exp)
            or (not term.over and self._is_exponent(reader, depth - 1))
            for reader, term in self.readers.get(name, ()))

    # --- additions ------------------------------------------------------------------------------

    def _without_additions(self, equation: Equation, term: Term) -> sp.Expr:
        """The body without small numbers that are added in a logarithm, a root, a denominator."""
        def freed(inside: sp.Expr) -> sp.Expr:
            number, rest = inside.as_coeff_Add()
            whole = sp.S.One if number.is_Rational and abs(number - 1) <= ADDED else sp.S.Zero
            small = number - whole
            if rest.is_number or not number.is_Rational or not 0 < abs(small) <= ADDED:
                return inside
            self._note(equation, Safeguard("", added=small))
            return rest + whole

        changed = term.body.replace(lambda part: isinstance(part, sp.log),
                                    lambda part: sp.log(freed(part.args[0])))
        changed = changed.replace(lambda part: isinstance(part, sp.Pow) and _is_delicate(part),
                                  lambda part: sp.Pow(freed(part.base), part.exp))
        if changed.is_Add and len(equation.terms) == 1 and self._is_taken(equation.name):
            return freed(changed)
        return changed

    def _is_taken(self, name: str) -> bool:
        """Whether all readers take a logarithm or a root of an array, or divide by it."""
        terms = [term for _, term in self.readers.get(name, ())]
        return bool(terms) and all(
            any(_is_within(term.body, slot(place)) for place, read in enumerate(term.reads)
                if read.array == name) for term in terms)

    # --- what was found -------------------------------------------------------------------------

    def merged(self, system: System) -> Iterator[Safeguard]:
        """The safeguards, each once, the two bounds of a clip as one."""
        single = {equation.name: equation.terms[0].reads[0].array for equation in system.equations
                  if len(equation.terms) == 1 and len(equation.terms[0].reads) == 1}
        names = system.names
        clips: dict[str, Safeguard] = {}
        told: dict[Safeguard, None] = {}
        for name, guards in self.found.items():
            for guard in guards:
                if guard.added is not None:
                    told[guard] = None
                    continue
                under = clips.pop(name, None) or clips.pop(single.get(name, ""), None)
                if under is not None:
                    guard = Safeguard(guard.of or under.of,
                                      guard.low if guard.low is not None else under.low,
                                      guard.high if guard.high is not None else under.high)
                # A name that is assigned twice has a number in a trace: p_2 is p.
                stem = guard.of.rstrip("0123456789").removesuffix("_")
                clips[name] = replace(guard, of=stem if stem in names else guard.of)
        yield from dict.fromkeys([*clips.values(), *told])


def _bound(body: sp.Piecewise) -> tuple[sp.Expr, sp.Expr, bool] | None:
    """(value, literal, whether it is a lower bound) of max(value, literal) or of a minimum."""
    if len(body.args) != 2 or not isinstance(body.args[0][1], Relational):
        return None
    (first, condition), (second, _) = body.args
    value, literal = (first, second) if second.is_number else (second, first)
    if not literal.is_Rational or value.is_number or isinstance(condition, sp.Eq | sp.Ne):
        return None
    gap = sp.expand(condition.lhs - condition.rhs)
    turned = [way for way in (1, -1) if sp.expand(gap - way * (value - literal)) == 0]
    if not turned:
        return None
    asks_more = isinstance(condition, sp.StrictGreaterThan | sp.GreaterThan) == (turned[0] > 0)
    return value, literal, asks_more == (value == first)


def _has_near_bound(body: sp.Expr) -> bool:
    bounds = (_bound(part) for part in body.atoms(sp.Piecewise))
    return any(0 < abs(found[1] - end) <= SMALL for found in bounds if found for end in (0, 1))


def _is_within(body: sp.Expr, symbol: sp.Symbol) -> bool:
    """Whether a logarithm, a root or a denominator is taken of what has the symbol."""
    body = without_opaque(body)
    return any(symbol in part.args[0].free_symbols for part in body.atoms(sp.log)) or any(
        symbol in part.base.free_symbols for part in body.atoms(sp.Pow) if _is_delicate(part))


def _is_delicate(power: sp.Pow) -> bool:
    return bool(power.exp.is_Rational and (power.exp < 0 or not power.exp.is_Integer))
