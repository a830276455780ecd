"""What a computation divides by, where that may be zero.

    y = x**2 / x  ->  x      z = a / sqrt(Σ x²)  ->  Σ x²      s = 1 / (1 + exp(-x))  ->  nothing

A proof holds where no divisor vanishes.  What cancels, or what one side alone divides by, is no
longer seen in a formula, so it is compared here: pointwise definitions are read through, and two
divisors are the same where their factors are, whatever their arrays are called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256

import sympy as sp

from ..dependence import needed_part, solved_for
from ..equation import Equation, Read, System, Term, slot
from .kinks import signed

DEEP = 12
"""Pointwise definitions that are read through, one in another."""
LONG = 80
"""Operations of an expression that is read through or factored."""
LARGE = 12
"""Numerators and denominators of exponents, beyond which a power is not taken apart."""


def divisors(entries: Entries, names: Iterable[str]) -> dict[str, str]:
    """What the named arrays divide by where it may be zero: a key by which it is known, and text.
    """
    found: dict[str, str] = {}
    for equation in needed_part(entries.system, names).equations:
        for term in equation.terms:
            for base in _bases(term.body):
                for factor in _factors(entries.value(term, base)):
                    if not entries.is_nonzero(factor):
                        found.setdefault(*entries.told(factor, equation))
    return found


def _bases(body: sp.Expr) -> Iterator[sp.Expr]:
    """What a body divides by, but in a case of its own, which may leave out where it is zero."""
    if isinstance(body, sp.Piecewise):
        return
    if isinstance(body, sp.Pow) and body.exp.is_number and body.exp.is_negative:
        yield body.base
    for part in body.args:
        yield from _bases(part)


def _factors(value: sp.Expr) -> Iterator[sp.Expr]:
    """The factors of a value, each without its power and its sign: where it is zero, one of them
    is, if it is finite."""
    if value.count_ops() <= LONG and not value.has(sp.Piecewise):
        value = _factored(value)
    for factor in sp.Mul.make_args(value):
        if isinstance(factor, sp.Pow) and factor.exp.is_number:
            yield from () if factor.exp.is_negative else _factors(factor.base)
        elif not factor.is_number:
            found = factor.as_content_primitive()[1]
            yield min(found, -found, key=lambda part: (len(str(part)), str(part)))


def _factored(value: sp.Expr) -> sp.Expr:
    """A value as a product, in which functions and powers that are no small ones are left as they
    are: beside exp(x / 10**8), exp(x) would be a polynomial of that degree."""
    whole = sorted((part for part in value.atoms(sp.Function, sp.Pow)
                    if not isinstance(part, sp.Pow) or not _is_small(part.exp)), key=str)
    letters = {part: sp.Symbol(f"_whole{place}") for place, part in enumerate(whole)}
    found = sp.factor(value.xreplace(letters))
    return found.xreplace({letter: part for part, letter in letters.items()})


def _is_small(exponent: sp.Expr) -> bool:
    return bool(exponent.is_Rational and abs(exponent.p) <= LARGE and exponent.q <= LARGE)


class Entries:
    """The entries of a system's arrays, written in those that have no pointwise definition."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.equations: dict[str, Equation] = {e.name: e for e in system.equations}
        self._solved = solved_for(system)
        self._names: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self._known = {array.name: "positive" for array in system.inputs if array.is_positive}
        for equation in self.equations.values():
            self._sign(equation)

    def _sign(self, equation: Equation) -> None:
        if equation.reduction not in ("sum", "max"):
            return
        terms = [signed(term, self._known) for term in equation.terms]
        if all(term.is_positive for term in terms) and not any(
                term.guards for term in equation.terms):
            self._known[equation.name] = "positive"
        elif all(term.is_nonnegative for term in terms):
            self._known[equation.name] = "nonnegative"

    def value(self, term: Term, part: sp.Expr, depth: int = 0) -> sp.Expr:
        """A part of a term's body, in entries."""
        return part.xreplace({slot(place): self._entry(read, depth)
                              for place, read in enumerate(term.reads) if part.has(slot(place))})

    def _entry(self, read: Read, depth: int) -> sp.Expr:
        equation = self.equations.get(read.array)
        plain = not any(isinstance(at, Read) for at in read.at)
        if equation is not None and equation.is_pointwise and plain and (
                depth < DEEP and read.array not in self._solved):
            moved = {index.symbol: at for index, at in zip(equation.out, read.at, strict=True)}
            (term,) = equation.terms
            if not any(isinstance(at, Read) for inner in term.reads for at in inner.at):
                reads = tuple(Read(inner.array, tuple(at.xreplace(moved) for at in inner.at))  # type: ignore[union-attr]
                              for inner in term.reads)
                value = self.value(Term(term.body, reads), term.body, depth + 1)
                if value.count_ops() <= LONG:
                    return value
        at = f"[{', '.join(map(str, read.at))}]" if read.at else ""
        label = f"{self._name(read.array)}{at}"
        self._shown[label] = f"{read.array}{at}"
        return sp.Symbol(label, real=True, **{known: True for known in (
            self._known.get(read.array),) if known})

    def _name(self, array: str) -> str:
        """A name by which an array is known in any system: what defines it."""
        equation = self.equations.get(array)
        if array not in self._names:
            # Where it reads itself: what is solved for has any name.
            self._names[array] = "_itself" if array in self._solved else array
            if equation is not None:
                parts = sorted(f"{self.value(term, term.body)} {term.guards}"
                               for term in equation.terms)
                text = _renamed(f"{equation.reduction} {parts}", equation)
                self._names[array] = "_" + sha256(text.encode()).hexdigest()[:12]
        return self._names[array]

    def is_nonzero(self, value: sp.Expr) -> bool:
        """Whether a value is never zero, for the signs that are known."""
        return bool(value.is_nonzero or signed(Term(value), {}).is_positive)

    def told(self, value: sp.Expr, equation: Equation) -> tuple[str, str]:
        """The key and the text of a divisor."""
        text = str(value)
        shown = re.sub(r"_[0-9a-f]{12}(\[[^\]]*\])?", lambda m: self._shown.get(m[0], m[0]), text)
        return _renamed(text, equation), shown


def _renamed(text: str, equation: Equation) -> str:
    """A text in which the indices of an equation are called by the order in which they occur."""
    own = {str(index.symbol) for index in equation.out} | {
        str(index.symbol) for term in equation.terms for index in term.over}
    called: dict[str, str] = {}
    return re.sub(r"[A-Za-z_]\w*", partial(_called, own, called), text)


def _called(own: set[str], called: dict[str, str], found: re.Match[str]) -> str:
    name = found[0]
    return called.setdefault(name, f"i{len(called)}") if name in own else name
