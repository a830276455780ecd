"""The normal form of an array: its entry as a polynomial in the inputs' entries and in atoms.

    t = X w, L = Σ_i t[i]²   ->   L is Σ_i (Σ_k X[i, k] w[k])², written in atoms

Equations are inlined into each other; what stays opaque is nonlinear.  Two arrays with equal
normal forms are equal for all values and all sizes (over the exact reals, where no denominator
vanishes, away from the kinks that are noted on the way).  Different normal forms prove nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import sympy as sp

from ..assumptions import Assumption
from ..dependence import descendants
from ..equation import (
    INDEX_VALUE,
    SQUARE,
    Array,
    Equation,
    Implicit,
    Index,
    Read,
    Recurrence,
    Subscript,
    System,
    Term,
    equations_of,
    guard_subscripts,
    slot,
)
from . import (
    conditions,
    contraction,
    denominators,
    equalities,
    guards,
    matrix_atoms,
    nonlinear,
)
from .conditions import maximum
from .contraction import contract
from .folds import fold as folded
from .guards import guard_poly, value
from .indices import Sub
from .nonlinear import exponential, logarithm
from .polynomial import (
    NONNEGATIVE,
    POSITIVE,
    UNKNOWN,
    Atoms,
    Crossing,
    Poly,
    UnsupportedError,
    add_to,
    constant,
    plus,
    scaled,
)
from .scalar_bodies import BodyReader
from .signs import is_thin, sign

Name: TypeAlias = tuple[str, str]
"""A side and the name of an array there."""

Environment: TypeAlias = Mapping[sp.Symbol, Sub]


def new_atoms(budget: int) -> Atoms:
    """An empty table that knows every kind of atom."""
    table = Atoms(budget)
    for room in (nonlinear, guards, conditions, equalities, denominators, contraction,
                 matrix_atoms):
        room.register(table)
    return table


@dataclass
class Notes:
    """What a normal form relied on."""

    kinks: set[Crossing] = field(default_factory=set)
    assumptions: set[Assumption] = field(default_factory=set)

    def add(self, other: Notes) -> None:
        self.kinks |= other.kinks
        self.assumptions |= other.assumptions


class Forms:
    """Normal forms of the arrays of several systems with common inputs, each computed once.

    `systems` maps a side to a system.  An array with more monomials than `longest` is cut: read
    as an array of its own, with its `definitions` at hand.  `data` are inputs that nothing is
    differentiated by: their entries may be the very numbers that they are compared with.
    """

    def __init__(self, table: Atoms, systems: Mapping[str, System], longest: int = 12,
                 data: Collection[str] = ()) -> None:
        self.table = table
        self.data = frozenset(data)
        self.varied = {
            (side, name) for side, system in systems.items()
            for name in descendants(system.equations, [
                array.name for array in system.inputs if array.name not in self.data])
        } if data else None
        self.longest = longest
        self.definitions: dict[int, Poly] = {}
        self.systems = systems
        self.shapes = {side: system.shapes for side, system in systems.items()}
        self.forms: dict[Name, Poly] = {}
        self.notes: dict[Name, Notes] = {}
        self._argmax: dict[Name, tuple[int, tuple[Sub, ...]]] = {}
        self._inputs: dict[str, Array] = {}
        self._equations: dict[Name, Equation] = {}
        self.recurrent: dict[Name, tuple[Name, ...]] = {}
        self.unknowns: dict[Name, tuple[Name, ...]] = {}
        self.folds: dict[int, Poly] = {}
        self.unproven: Name | None = None  # an unknown whose equation is what is asked about
        self._maximum_of: dict[Name, str] = {}
        for side, system in systems.items():
            for array in system.inputs:
                self._inputs.setdefault(array.name, array)
            for item in system.items:
                group = equations_of(item)
                for equation in group:
                    self._equations[side, equation.name] = equation
                    self._maximum_of |= {(side, name): equation.name for name in equation.argmax}
                    if isinstance(item, Recurrence):
                        self.recurrent[side, equation.name] = tuple(
                            (side, other.name) for other in group)
                if isinstance(item, Implicit):
                    self.unknowns[side, item.unknown.name] = tuple(
                        (side, e.name) for e in group[1:])

    def places(self, name: Name) -> tuple[Sub, ...]:
        """The subscripts of an array in its own form: a placeholder for each axis, 0 for a 1."""
        return tuple(self.table.zero if size == 1 else self.table.placeholder(axis, size)
                     for axis, size in enumerate(self.shapes[name[0]][name[1]]))

    def form(self, name: Name) -> Poly:
        """The entry of the array at its placeholders."""
        if name not in self.forms:
            with self._noted() as found:
                try:
                    poly = self._compute(name)
                except UnsupportedError:
                    poly = self._opaque(name)
                if self.folds:
                    poly = self.table.rewrite(poly, {}, self.folds)
            self.forms[name] = poly
            self.notes[name] = found
            self.fold(name, poly)
            if len(poly) > self.longest and not self.is_input(name):
                self.cut(name, poly)
        return self.forms[name]

    @contextmanager
    def _noted(self) -> Iterator[Notes]:
        """What normal forms rely on while the block runs."""
        table = self.table
        before = table.kinks, table.assumptions
        notes = Notes()
        table.kinks, table.assumptions = notes.kinks, notes.assumptions
        try:
            yield notes
        finally:
            table.kinks, table.assumptions = before

    def is_input(self, name: Name) -> bool:
        return name[1] in self._inputs

    def cut(self, name: Name, poly: Poly) -> Poly:
        """Lets the array be read as one of its own; `poly` stays known.  Returns its new form."""
        table = self.table
        args = tuple(place for place in self.places(name) if place >= 0)
        base = table.base(
            "cut", name, free=args, sign=sign(table, poly),
            thin=is_thin(table, poly), given=self._is_given(name))
        self.definitions.setdefault(base, poly)
        self.forms[name] = table.entry(base, args)
        for unknown, group in self.unknowns.items():  # x = tanh(z), with z a cut from here on
            if name in group and name != unknown in self.forms:
                self.fold(unknown, self.forms[unknown])
        return self.forms[name]

    def scalar(self, expression: sp.Expr, values: Mapping[sp.Symbol, Poly]) -> Poly:
        return BodyReader(self.table, values).poly(expression)

    def _compute(self, name: Name) -> Poly:
        side, array = name
        if array in self._inputs:
            return self._input(array, self.places(name))
        if name in self.recurrent or name in self.unknowns:
            args = tuple(place for place in self.places(name) if place >= 0)
            return self.table.entry(self.cut_base(name), args)
        if name not in self._equations:
            return self._opaque(name)
        return self._equation(side, self._equations[name])

    def cut_base(self, name: Name) -> int:
        """The base whose entries are those of an array of a recurrence, or solved for."""
        return self.table.base("cut", name, free=tuple(p for p in self.places(name) if p >= 0),
                               thin=False, given=self._is_given(name))

    def right_side(self, name: Name) -> tuple[Poly, Notes]:
        """What an equation of a group says its array is, in entries of that group."""
        return self.side_of(name, self._equations[name])

    def side_of(self, name: Name, equation: Equation) -> tuple[Poly, Notes]:
        """What another equation would say that an array is."""
        with self._noted() as notes:
            return self._equation(name[0], equation), notes

    def fold(self, name: Name, entry: Poly) -> None:
        """Lets an unknown, whose entry it is, be read wherever its own right side stands."""
        if name not in self.unknowns or name == self.unproven:
            return
        with suppress(UnsupportedError):
            said, notes = self.right_side(name)
            found = folded(self.table, said, entry, [p for p in self.places(name) if p >= 0])
            if found is not None:
                self.folds[found[0]] = found[1]
                self.notes[name].add(notes)

    def _is_given(self, name: Name) -> bool:
        return self.varied is not None and name not in self.varied

    def _opaque(self, name: Name) -> Poly:
        return self.table.entry(self.table.base(
            "opaque", name, thin=False, given=self._is_given(name)), self.places(name))

    def _input(self, name: str, args: tuple[Sub, ...]) -> Poly:
        array = self._inputs[name]
        if array.kind == "sign":  # y = 2 [y > 0] - 1, so that y² = 1, and the cases are seen
            positive = self._entry(replace(array, name=f"[{name} > 0]", kind="mask"), args)
            return plus(scaled(positive, 2), constant(-1))
        return self._entry(array, args)

    def _entry(self, array: Array, args: tuple[Sub, ...]) -> Poly:
        name = array.name
        base = self.table.base(
            "input",
            array,
            given=name in self.data or array.kind == "probability",
            sign=POSITIVE if array.is_positive
            else NONNEGATIVE if array.kind in ("one_hot", "probability", "mask", "labels")
            else UNKNOWN,
            idempotent=array.kind in ("one_hot", "mask"),
            thin=array.kind in ("real", "positive", "interval", "probability", "constant",
                                *SQUARE),
            symmetries=((1, 0),) if array.kind == "symmetric" else (),
        )
        if array.kind == "symmetric":
            self.table.assumptions.add(Assumption(name, "symmetric"))
        return self.table.entry(base, args)

    # --- equations ------------------------------------------------------------------------------

    def _equation(self, side: str, equation: Equation) -> Poly:
        outer = self._bind(equation.out, self.places((side, equation.name)))
        total: Poly = {}
        for term in equation.terms:  # of which sums alone have several
            bound = tuple(
                self.table.zero if index.size == 1 else self.table.fresh(index.size)
                for index in term.over
            )
            at, indices = {**outer, **self._bind(term.over, bound)}, [i for i in bound if i >= 0]
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
            elif equation.reduction == "max":
                return self._maximum(side, equation, body, guard, bound)
            else:
                matrix = self.table.times(body, guard)
                return self._named(equation, matrix, tuple(outer.values()), bound)
        return total

    def _named(
        self, equation: Equation, matrix: Poly, outer: Sequence[Sub], bound: Sequence[Sub]
    ) -> Poly:
        """An inverse or a determinant of the matrix that the term states."""
        if equation.reduction == "inv":
            return matrix_atoms.inverse(self.table, matrix, *outer[-2:])
        if equation.reduction == "cholesky":
            raise UnsupportedError("a Cholesky factor")
        found = matrix_atoms.determinant(self.table, matrix, *bound)
        return found if equation.reduction == "det" else logarithm(self.table, found)

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
        values = {slot(place): self._read(side, read, at) for place, read in enumerate(term.reads)}
        return BodyReader(self.table, values).poly(term.body)

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
        # The form is that of the entry at the placeholders, which move to where it is read.
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
                "input", array, thin=False, given=read.array in self.data,
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
                return self._attained_at(base, tuple(self.table.moved(e, by) for e in args))
        base = self.table.base("opaque", name, thin=False)
        return self.table.gather(base, subs, None)

    def _attained_at(self, base: int, args: tuple[Sub, ...]) -> Sub:
        """The place of a maximum, by what the maximum is taken of at these subscripts."""
        table, known = self.table, self.table.bases[base]
        items, bound, place = known.data
        size = table.size(bound[place])
        if all(map(table.is_plain, args)) and len(set(args)) == len(args):
            return table.gather(base, args, size)
        fresh = {index: table.fresh(table.size(index)) for index in bound}
        at = {**dict(zip(known.free, args, strict=True)), **fresh}
        places = maximum(table, table.substitute(dict(items), at), fresh.values())[1]
        found = places.get(fresh[bound[place]])
        return table.gather(base, args, size) if found is None else table.gather(*found, size)
