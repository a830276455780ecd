"""Equations as loops over their indices, whatever the language: a loop for each index, a local sum
for each reduction.

    y[i] = Σ_j A[i, j] x[j]     ->     for (long i = 0; i < m; i++) {
                                           double sum = 0;
                                           for (long j = 0; j < n; j++)
                                               sum += A[n*i + j]*x[j];
                                           y[i] = sum;
                                       }

Scalar bodies are SymPy's, in the spelling that is finite wherever the value is.  What depends on no
summed index is multiplied once.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import sympy as sp

from ...symbolic.dependence import arrays_read, needed_items
from ...symbolic.equation import (
    NAMED,
    Equal,
    Equation,
    EquationError,
    Guard,
    Implicit,
    Index,
    Item,
    Read,
    Recurrence,
    Size,
    Subscript,
    System,
    Term,
    size_symbols,
    slot,
    slot_number,
    slots_of,
)
from ..identifiers import pronounceable
from ..names import as_quotients
from ..saturated import Saturated, prepared
from ..spelling import stable
from ..views import reshaped
from .operands import Operand, Product
from .steps import kept_for_a_step


@dataclass(frozen=True)
class Loops:
    """What is written: the items that the results need, on names that are identifiers.

    further: shapes of arrays that the system has not.  products: equations that are products of
    matrices, by their names.
    """

    system: System
    items: tuple[Item, ...]
    results: tuple[str, ...]
    further: Mapping[str, tuple[Size, ...]] = field(default_factory=dict)
    products: Mapping[str, Product] = field(default_factory=dict)


def loops(system: System, results: Sequence[str]) -> Loops:
    """What of a system its results need, in the spelling that is finite."""
    whole, names = pronounceable(prepared(system))
    wanted = tuple(dict.fromkeys(names[result] for result in results))
    spelled = cache(Saturated(whole).steady)
    steps = {e for item in whole.items if not isinstance(item, Equation) for e in item.equations}
    items = [item if not isinstance(item, Equation) else spelled(item) for item in needed_items(
        whole, wanted, lambda e: arrays_read(e if e in steps else spelled(e)))]
    return Loops(whole, tuple(items), wanted)


class Writing(ABC):
    """Loops in one language, whose words are the constants and the abstract methods."""

    language = ""
    reserved: Collection[str] = ()
    known: Collection[str] = ()
    """Functions that a body may call, by the language's own names."""
    called: Mapping[str, str] = {}
    """What scalar bodies call, as the language calls it."""
    brought: Mapping[str, str] = {}
    """Functions that a text brings along."""
    new, end, zero, infinity, differs = "", "", "0.0", "", "{} and not ({})"
    close: tuple[str, ...] = ()
    cast = "{}"
    printer: Any

    def __init__(self, what: Loops, name: str) -> None:
        self.system = what.system
        self.items = what.items
        self.results = what.results
        self.name = name
        self.steps = kept_for_a_step(self.items, self.results)
        self.shapes = {name: self.stored(name, shape) for name, shape in (
            *self.system.shapes.items(), *what.further.items())}
        self.products = what.products
        self.used: set[str] = set()
        self.names: dict[Hashable, str] = {}
        self._taken = {*self.reserved, name, f"{name}_work"}
        self.integers = {array.name for array in self.system.inputs if array.is_integer}
        self._name_all()
        copied = [r for r in self.results if r in {a.name for a in self.system.inputs}]
        if copied:
            raise EquationError(f"{copied[0]}: an input is no result in {self.language}")

    def _name_all(self) -> None:
        """Names for all arrays and sizes."""
        made = [e for item in self.items for e in (
            (item,) if isinstance(item, Equation) else item.equations)]
        self.inner = [n for e in made for n in (e.name, *e.argmax) if n not in self.results]
        for array in (*(a.name for a in self.system.inputs), *self.results, *self.inner):
            self.named(array, array)
        bound = [(i.size,) for e in made for t in e.terms for i in t.over]
        shapes = [*(a.shape for a in self.system.inputs), *(self.shapes[n] for n in (
            *self.results, *self.inner)), *bound]
        self.sizes = tuple(s for s in size_symbols(shapes) if s.is_positive)
        for size in self.sizes:
            self.named(size, str(size))

    # --- words ----------------------------------------------------------------------------------

    @abstractmethod
    def pronounced(self, name: str) -> str:
        """A name as an identifier."""

    @abstractmethod
    def is_free(self, name: str) -> bool:
        """Whether the language has the name for nothing else."""

    @abstractmethod
    def entry(self, read: Read) -> str:
        """An entry of an array."""

    @abstractmethod
    def place(self, subscript: Subscript) -> str:
        """An index, or an entry of an array of places."""

    @abstractmethod
    def told(self, equation: Equation) -> str:
        """A comment."""

    @abstractmethod
    def for_each(self, i: str, size: str, upwards: bool) -> str:
        """The head of a loop."""

    @abstractmethod
    def if_all(self, tests: Sequence[str]) -> str:
        """The head of what is done only where tests hold."""

    @abstractmethod
    def copied(self, one: str, other: str, array: str) -> list[str]:
        """All entries of an array as those of another in another shape."""

    @abstractmethod
    def product(self, product: Product) -> list[str]:
        """A product of matrices, by a BLAS."""

    def block(self, lines: Sequence[str]) -> list[str]:
        """Statements with variables of their own."""
        return list(lines)

    def at_once(self, loop: Sequence[str], summed: bool = False) -> list[str]:
        """A loop whose steps are independent of each other, but for a sum."""
        return list(loop)

    def summed(self, body: str) -> str:
        """A step of a sum, whose order may be any."""
        return f"sum += {body}{self.end}"

    def in_columns(self, equation: Equation, at: tuple[Subscript, ...]) -> list[str] | None:
        """A sum whose last index is that of its arrays, for some of its places at once; None for
        one loop in another.  at: the places of the equation's array."""
        return None

    # --- names and integers ---------------------------------------------------------------------

    def named(self, thing: Hashable, name: str) -> str:
        """What an array, a size or an index is called."""
        if thing not in self.names:
            made = self.pronounced(name)
            while made in self._taken or not self.is_free(made):
                made += "_"
            self._taken.add(made)
            self.names[thing] = made
        return self.names[thing]

    def integer(self, value: sp.Expr) -> str:
        """A size or a place."""
        if value.has(sp.Mod):
            raise EquationError(f"no {self.language} for {value} in a subscript")
        whole = as_quotients(sp.sympify(value))
        self.used |= {"quotient"} if whole.has(sp.Function("quotient")) else set()
        text: str = self.printer.doprint(whole.xreplace(self._symbols(whole)))
        return text

    def _symbols(self, value: sp.Expr, cast: str = "{}") -> dict[sp.Symbol, sp.Symbol]:
        """Sizes and indices by their names."""
        return {s: sp.Symbol(cast.format(self.named(s, str(s))), integer=True)
                for s in value.free_symbols if slot_number(s) is None}

    def stored(self, array: str, axes: Sequence[Any]) -> tuple[Any, ...]:
        """Of something for each axis, that for those that stand in memory: all but the loop's,
        where one step after another has the same place."""
        step = self.steps.get(array)
        return tuple(one for axis, one in enumerate(axes) if axis != step)

    def apart(self, operand: Operand) -> str:
        """How many entries are from one row of what stands there to the next."""
        array = operand.first.array
        step = self.steps.get(array)
        axis = operand.axis - (step is not None and step < operand.axis)
        return self.integer(sp.Mul(*self.shapes[array][axis + 1:]))

    def count(self, array: str) -> str:
        """How many entries an array has."""
        return "*".join(f"({self.integer(n)})" for n in self.shapes[array]) or "1"

    # --- loops ----------------------------------------------------------------------------------

    def item(self, item: Item) -> list[str]:
        """The statements that compute an item."""
        if isinstance(item, Equation):
            return self._equation(item)
        if isinstance(item, Implicit):
            raise EquationError(f"no {self.language} for {item.unknown.name}, which is solved for")
        assert isinstance(item, Recurrence)
        loop = next(i for i in item.equations[0].out if i.name == item.loop)
        lines: list[str] = []
        for equation in item.equations:
            lines += self._equation(equation, item.loop)
        return self._loop(loop, lines, item.direction == 1)

    def _loop(self, index: Index, inside: Sequence[str], upwards: bool = True) -> list[str]:
        i, size = self.named(index.symbol, index.name), self.integer(index.size)
        return [self.for_each(i, size, upwards), *("    " + line for line in inside), *self.close]

    def _loops(self, indices: Sequence[Index], inside: Sequence[str]) -> list[str]:
        lines = list(inside)
        for index in reversed(indices):
            lines = self._loop(index, lines)
        return lines

    def _fast_loops(self, indices: Sequence[Index], inside: Sequence[str], summed: bool
                    ) -> list[str]:
        """Loops the innermost of which may do several of its steps at once."""
        if not indices:
            return list(inside)
        return self._loops(indices[:-1], self.at_once(self._loop(indices[-1], inside), summed))

    def _equation(self, equation: Equation, loop: str = "") -> list[str]:
        if equation.reduction in NAMED:
            raise EquationError(
                f"{equation.name}: no {self.language} for {equation.reduction} of a matrix")
        if equation.name in self.products:
            product = self.products[equation.name]
            return [self.told(equation), *self._guarded(
                equation.terms[0].guards, self._loops(product.stack, self.product(product)))]
        alike = None if loop else reshaped(equation, self.shapes)
        if alike is not None and alike not in self.integers:
            return self.copied(self.names[equation.name], self.names[alike], equation.name)
        out = [index for index in equation.out if index.name != loop]
        target = self.entry(Read(equation.name, tuple(i.symbol for i in equation.out)))
        columns = self.in_columns(replace(equation, out=tuple(out)), tuple(
            i.symbol for i in equation.out))
        if columns is not None:
            return [self.told(equation), *columns]
        if equation.reduction == "sum":
            lines = self._sum(equation, target)
        else:
            lines = self._extreme(equation, target)
        whole = self._loops(out, lines) if any(t.over for t in equation.terms) else (
            self._fast_loops(out, lines, False))
        return [self.told(equation), *(whole if out or len(lines) == 1 else self.block(lines))]

    def _sum(self, equation: Equation, target: str) -> list[str]:
        end = self.end
        if equation.is_pointwise:
            return [f"{target} = {self._body(equation.terms[0])}{end}"]
        lines = [f"{self.new}value = {self.zero}{end}"]
        for term in equation.terms:
            outside, inside = parted(term)
            if not term.over:
                lines += self._guarded(term.guards, [f"value += {self._body(term)}{end}"])
                continue
            own = {index.symbol for index in term.over}
            late = [g for g in term.guards if guard_symbols(g) & own]
            early = [g for g in term.guards if g not in late]
            body = self._guarded(late, [self.summed(self._body(inside))])
            factor = "" if outside == 1 else f"({self._body(replace(term, body=outside))})*"
            loops = self._loops(term.over, body) if late else self._fast_loops(
                term.over, body, True)
            lines += self._guarded(early, self.block([
                f"{self.new}sum = {self.zero}{end}", *loops,
                f"value += {factor}sum{end}"]))
        return [*lines, f"{target} = value{end}"]

    def _extreme(self, equation: Equation, target: str) -> list[str]:
        """A maximum with its first place, or log Σ exp with the largest taken out."""
        (term,) = equation.terms
        end = self.end
        body, places = self._body(term), [
            self.entry(Read(name, tuple(i.symbol for i in equation.out)))
            for name in equation.argmax]
        taken = [f"{place} = {self.named(i.symbol, i.name)}{end}"
                 for place, i in zip(places, term.over, strict=True)] if places else []
        lines = [f"{self.new}value = -{self.infinity}{end}",
                 *(f"{place} = 0{end}" for place in places)]
        const = f"const {self.new}" if self.new else ""
        lines += self._loops(term.over, self._guarded(term.guards, [
            f"{const}next = {body}{end}",
            self.if_all([self.differs.format("value == value", "next <= value")]),
            f"    value = next{end}", *("    " + one for one in taken), *self.close]))
        if equation.reduction == "max":
            return [*lines, f"{target} = value{end}"]
        exp, log = (self.function(name) for name in ("exp", "log"))
        lines += [f"{self.new}sum = {self.zero}{end}", *self._fast_loops(
            term.over, self._guarded(term.guards, [self.summed(f"{exp}({body} - value)")]), True)]
        return [*lines, f"{target} = value + {log}(sum){end}"]

    def function(self, name: str) -> str:
        """An elementary function, as the language calls it."""
        return name

    def _guarded(self, guards: Sequence[Guard], lines: Sequence[str]) -> list[str]:
        if not guards:
            return list(lines)
        tests: list[str] = []
        for g in guards:
            tests += ([f"{self.place(g.left)} == {self.place(g.right)}"] if isinstance(g, Equal)
                      else [f"{self.place(g.low)} <= {self.place(g.value)}",
                            f"{self.place(g.value)} < {self.place(g.high)}"])
        return [self.if_all(list(dict.fromkeys(tests))), *("    " + one for one in lines),
                *self.close]

    # --- bodies ---------------------------------------------------------------------------------

    def _body(self, term: Term) -> str:
        """A scalar body on its entries.  Raises EquationError for a function that there is not."""
        spelled = sp.sympify(stable(term.body))
        names = {slot(n): sp.Symbol(self.entry(read), real=True)
                 for n, read in enumerate(term.reads)}
        shown = spelled.xreplace({**self._symbols(spelled, self.cast), **names})
        called = {type(part).__name__ for part in shown.atoms(sp.Function)} | {
            str(part.func) for part in shown.atoms(sp.core.function.AppliedUndef)}
        self.used |= {self.called[one] for one in called if one in self.called
                      } & self.brought.keys()
        try:
            text: str = self.printer.doprint(shown)
        except NotImplementedError as error:
            raise EquationError(f"no {self.language} for {term.body}: {error}") from None
        known = re.findall(r"\b([a-z_][\w.]*)\(", text)
        if "Not supported in" in text or not {*known} <= {
                *self.known, *self.called.values()}:
            raise EquationError(f"no {self.language} for {term.body}")
        return text


def parted(term: Term) -> tuple[sp.Expr, Term]:
    """The factor of a body that depends on no summed index, and the term without it."""
    own = {index.symbol for index in term.over}
    moving = {slot(n) for n, read in enumerate(term.reads)
              if any(symbols_in(at) & own for at in read.at)}
    factors = sp.Mul.make_args(term.body)
    fixed = [f for f in factors if not f.free_symbols & moving]
    if not fixed or not slots_of(term.body):
        return sp.S.One, term
    inside = sp.Mul(*(f for f in factors if f not in fixed))  # no quotient: a factor may be 0
    return sp.Mul(*fixed), replace(term, body=inside)


def symbols_in(subscript: Subscript) -> set[sp.Symbol]:
    """The indices and sizes of a place."""
    if isinstance(subscript, Read):
        return {s for at in subscript.at for s in symbols_in(at)}
    return set(sp.sympify(subscript).free_symbols)


def guard_symbols(guard: Guard) -> set[sp.Symbol]:
    """The indices and sizes of a guard."""
    parts = ((guard.left, guard.right) if isinstance(guard, Equal)
             else (guard.low, guard.value, guard.high))
    return {s for part in parts for s in symbols_in(part)}
