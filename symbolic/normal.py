"""The normal form of an array: its entry as a polynomial in the inputs' entries and in atoms.

Equations are inlined into each other; what stays opaque is nonlinear.  Two arrays with equal
normal forms are equal for all values and all sizes (over the exact reals, where no denominator
vanishes, away from the kinks that are noted on the way).  Different normal forms prove nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from . import conditions, contraction, denominators, guards, scalars
from .conditions import maximum, step
from .contraction import contract
from .equation import (
    INDEX_VALUE,
    Array,
    Equation,
    Index,
    Read,
    Recurrence,
    Subscript,
    System,
    Term,
    guard_subscripts,
    slot,
)
from .functions import Opaque, Z
from .guards import guard_poly, size_poly, value
from .indices import Sub
from .polynomial import (
    NONNEGATIVE,
    POSITIVE,
    UNKNOWN,
    Poly,
    Table,
    UnsupportedError,
    add_to,
    constant,
    number,
    plus,
    scaled,
)
from .scalars import absolute, exponential, logarithm, opaque, power

Name: TypeAlias = tuple[str, str]
"""A side and the name of an array there."""

Environment: TypeAlias = Mapping[sp.Symbol, Sub]


def new_table(budget: int) -> Table:
    """An empty table that knows every kind of atom."""
    table = Table(budget)
    for room in (scalars, guards, conditions, denominators, contraction):
        room.register(table)
    return table


@dataclass
class Notes:
    """What a normal form relied on."""

    kinks: set[str] = field(default_factory=set)
    assumptions: set[str] = field(default_factory=set)

    def add(self, other: Notes) -> None:
        self.kinks |= other.kinks
        self.assumptions |= other.assumptions


class Forms:
    """Normal forms of the arrays of several systems with common inputs, each computed once.

    `systems` maps a side to a system.  An array with more monomials than `longest` is cut: read
    as an array of its own, with its `definitions` at hand.
    """

    def __init__(self, table: Table, systems: Mapping[str, System], longest: int = 12) -> None:
        self.table = table
        self.longest = longest
        self.definitions: dict[int, Poly] = {}
        self.systems = systems
        self.shapes = {side: system.shapes for side, system in systems.items()}
        self.forms: dict[Name, Poly] = {}
        self.notes: dict[Name, Notes] = {}
        self._argmax: dict[Name, tuple[int, tuple[Sub, ...]]] = {}
        self._inputs: dict[str, Array] = {}
        self._equations: dict[Name, Equation] = {}
        self._recurrent: set[Name] = set()
        self._maximum_of: dict[Name, str] = {}
        for side, system in systems.items():
            for array in system.inputs:
                self._inputs.setdefault(array.name, array)
            for item in system.items:
                group = item.equations if isinstance(item, Recurrence) else (item,)
                for equation in group:
                    self._equations[side, equation.name] = equation
                    self._maximum_of.update(
                        {(side, name): equation.name for name in equation.argmax}
                    )
                    if isinstance(item, Recurrence):
                        self._recurrent.add((side, equation.name))

    def places(self, name: Name) -> tuple[Sub, ...]:
        """The subscripts of an array in its own form: a placeholder for each axis, 0 for a 1."""
        return tuple(
            self.table.zero if size == 1 else self.table.placeholder(axis, size)
            for axis, size in enumerate(self.shapes[name[0]][name[1]])
        )

    def form(self, name: Name) -> Poly:
        """The entry of the array at its placeholders."""
        if name not in self.forms:
            table = self.table
            before = table.kinks, table.assumptions
            table.kinks, table.assumptions = set(), set()
            try:
                poly = self._compute(name)
            except UnsupportedError:
                poly = self._opaque(name)
            finally:
                found = Notes(table.kinks, table.assumptions)
                table.kinks, table.assumptions = before
            self.forms[name] = poly
            self.notes[name] = found
            if len(poly) > self.longest and not self.is_input(name):
                self.cut(name, poly)
        return self.forms[name]

    def is_input(self, name: Name) -> bool:
        return name[1] in self._inputs

    def cut(self, name: Name, poly: Poly) -> Poly:
        """Lets the array be read as an array of its own from here on; `poly` stays known.

        Returns its new form, a single factor.
        """
        table = self.table
        places = self.places(name)
        args = tuple(place for place in places if place >= 0)
        base = table.base(
            "cut", name, free=args, sign=scalars.sign(table, poly),
            thin=scalars.is_thin(table, poly),
        )
        self.definitions.setdefault(base, poly)
        self.forms[name] = table.entry(base, args)
        return self.forms[name]

    def scalar(self, expression: sp.Expr, values: Mapping[sp.Symbol, Poly]) -> Poly:
        """A scalar expression in the given polynomials."""
        return _Scalar(self.table, values).poly(expression)

    def _compute(self, name: Name) -> Poly:
        side, array = name
        if array in self._inputs:
            return self._input(array, self.places(name))
        if name in self._recurrent or name not in self._equations:
            return self._opaque(name)
        return self._equation(side, self._equations[name])

    def _opaque(self, name: Name) -> Poly:
        base = self.table.base("opaque", name, thin=False)
        return self.table.entry(base, self.places(name))

    def _input(self, name: str, args: tuple[Sub, ...]) -> Poly:
        array = self._inputs[name]
        base = self.table.base(
            "input",
            array,
            sign=POSITIVE if array.kind == "positive"
            else NONNEGATIVE if array.kind in ("one_hot", "probability", "mask", "labels")
            else UNKNOWN,
            idempotent=array.kind in ("one_hot", "mask"),
            thin=array.kind in ("real", "positive", "probability", "constant"),
        )
        return self.table.entry(base, args)

    # --- equations ------------------------------------------------------------------------------

    def _equation(self, side: str, equation: Equation) -> Poly:
        outer = self._bind(equation.out, self.places((side, equation.name)))
        total: Poly = {}
        for term in equation.terms:
            bound = tuple(
                self.table.zero if index.size == 1 else self.table.fresh(index.size)
                for index in term.over
            )
            at = {**outer, **self._bind(term.over, bound)}
            indices = [index for index in bound if index >= 0]
            body = self._body(side, term, at)
            guard = self.table.product(
                guard_poly(
                    self.table, g, tuple(self._sub(side, s, at) for s in guard_subscripts(g))
                )
                for g in term.guards
            )
            if equation.reduction == "sum":
                add_to(total, contract(self.table, self.table.times(body, guard), indices))
            elif equation.reduction == "logsumexp":
                powers = self.table.times(exponential(self.table, body), guard)
                return logarithm(self.table, contract(self.table, powers, indices))
            else:
                return self._maximum(side, equation, body, guard, bound)
        return total

    def _maximum(
        self, side: str, equation: Equation, body: Poly, guard: Poly, bound: Sequence[Sub]
    ) -> Poly:
        if guard != {(): 1}:
            raise UnsupportedError("a maximum under a guard")
        peak, places = maximum(self.table, body, [index for index in bound if index >= 0])
        for name, index in zip(equation.argmax, bound, strict=False):
            if index in places:
                self._argmax[side, name] = places[index]
        return peak

    @staticmethod
    def _bind(indices: Sequence[Index], subs: Sequence[Sub]) -> dict[sp.Symbol, Sub]:
        return {index.symbol: sub for index, sub in zip(indices, subs, strict=True)}

    def _body(self, side: str, term: Term, at: Environment) -> Poly:
        values = {
            slot(place): self._read(side, read, at) for place, read in enumerate(term.reads)
        }
        return _Scalar(self.table, values).poly(term.body)

    def _read(self, side: str, read: Read, at: Environment) -> Poly:
        subs = tuple(self._sub(side, entry, at) for entry in read.at)
        if read.array == INDEX_VALUE:
            return value(self.table, subs[0])
        name = side, read.array
        shape = self.shapes[side][read.array]
        if read.array in self._inputs:
            units = zip(subs, shape, strict=True)
            return self._input(
                read.array, tuple(self.table.zero if s == 1 else sub for sub, s in units)
            )
        if name in self._maximum_of:
            return value(self.table, self._gather(side, read, subs))
        poly = self.form(name)
        self._relied_on(name)
        by = {
            place: sub
            for place, sub in zip(self.places(name), subs, strict=True)
            if place >= 0 and place != sub
        }
        return self.table.substitute(poly, by)

    def _relied_on(self, name: Name) -> None:
        self.table.kinks |= self.notes[name].kinks
        self.table.assumptions |= self.notes[name].assumptions

    def _sub(self, side: str, entry: Subscript, at: Environment) -> Sub:
        if isinstance(entry, Read):
            subs = tuple(self._sub(side, inner, at) for inner in entry.at)
            return subs[0] if entry.array == INDEX_VALUE else self._gather(side, entry, subs)
        if entry.is_Symbol and entry in at:
            return at[entry]
        if entry == 0:
            return self.table.zero
        symbols = [symbol for symbol in entry.free_symbols if symbol in at]
        rest = sp.expand(entry)
        parts = []
        for symbol in symbols:
            factor = rest.coeff(symbol)
            rest = sp.expand(rest - factor * symbol)
            parts.append((at[symbol], factor))
        if rest.free_symbols & at.keys():
            raise UnsupportedError(f"the subscript {entry} is not affine")
        return self.table.combine(rest, parts)

    def _gather(self, side: str, read: Read, subs: tuple[Sub, ...]) -> Sub:
        name = side, read.array
        if read.array in self._inputs:
            array = self._inputs[read.array]
            base = self.table.base(
                "input", array, thin=False,
                sign=NONNEGATIVE if array.kind == "labels" else UNKNOWN,
            )
            return self.table.gather(base, subs, array.classes)
        if name in self._maximum_of:
            source = side, self._maximum_of[name]
            self.form(source)
            self._relied_on(source)
            if name in self._argmax:
                base, args = self._argmax[name]
                by = dict(zip(self.places(source), subs, strict=True))
                moved = tuple(self.table.moved(entry, by) for entry in args)
                return self.table.gather(base, moved, None)
        base = self.table.base("opaque", name, thin=False)
        return self.table.gather(base, subs, None)


class _Scalar:
    """A body as a polynomial, given polynomials for its symbols."""

    def __init__(self, table: Table, values: Mapping[sp.Symbol, Poly]) -> None:
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
            inner = _Scalar(table, {**self.values, Z: self.poly(e.args[0])})
            return inner.poly(type(e).definition)
        if isinstance(e, sp.log):
            return logarithm(table, self.poly(e.args[0]))
        if isinstance(e, sp.Abs):
            return absolute(table, self.poly(e.args[0]))
        if isinstance(e, sp.sign):
            inside = self.poly(e.args[0])
            return plus(step(table, inside), step(table, scaled(inside, -1)), -1)
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
        apart = plus(above, below)
        return {
            sp.Gt: above,
            sp.Lt: below,
            sp.Ge: plus(constant(1), below, -1),
            sp.Le: plus(constant(1), above, -1),
            sp.Ne: apart,
            sp.Eq: plus(constant(1), apart, -1),
        }[type(condition)]
