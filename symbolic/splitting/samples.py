"""The share that each sample has in a loss, and the gradients of these shares.

    L = (1/m) Σ_s f(s; W) + λ Σ W²      L[s] = (1/m) f(s; W)      dW[s, i, j] = ∂L[s]/∂W[i, j]

Where the loss is a sum over the samples (:mod:`additive`), its terms without the sum are what each
sample adds to it.  What is computed of parameters alone gets a place for each sample, as if every
sample had parameters of its own; the gradients by these are derived by the rule, which leaves
exactly the sum over the samples away; and what is the same for all samples is computed once again.
So no sample is ever looked at alone, and nothing is differentiated twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

import sympy as sp

from ..dependence import descendants, needed_part
from ..derive.chain import differentiate
from ..derive.steps import Chain, Form, Step
from ..equation import (
    SQUARE,
    Array,
    Equation,
    Implicit,
    Index,
    Item,
    Read,
    System,
    Term,
    equations_of,
    fresh_name,
    guard_subscripts,
    slot,
    term_reads,
)
from ..solving import prune
from ..substitution import map_reads, rename_bound, substitute_term
from ..validation import validate
from .additive import NotAdditiveError, Roles, linear, roles, summed_slots


@dataclass(frozen=True)
class Shares:
    """The shares in a loss and their gradients, as a chain whose loss has an axis of samples.

    own: the arrays that had a place for each sample before, with its axis: their gradients are
    those of the batch.  apart: the arrays of the loss with a part that no sample has a share in.
    """

    chain: Chain
    own: frozenset[str]
    apart: tuple[str, ...]


def shares(
    system: System, loss: str, wrt: Sequence[str], size: sp.Symbol, *,
    named: Iterable[str] = (), rows: bool | None = None,
) -> Shares:
    """The gradients of each sample's share in a loss, with the samples' axis in front.

    named, rows: as for :func:`chain.differentiate`.

    Raises NotAdditiveError where the loss is no sum over the samples that `size` counts, naming
    the equation; or for an array of `wrt` that is a sum over them.
    """
    found = roles(system, loss, size)
    for name in wrt:
        if name in found.summed:
            raise NotAdditiveError(f"{name} is a sum over {size}: no sample has one of its own to "
                                   "differentiate by")
    shapes = system.shapes
    needed = needed_part(system, [loss])
    reached = {array.name for array in needed.inputs}
    inputs = (*needed.inputs, *(
        array for array in system.inputs if array.name in wrt and array.name not in reached))
    own = frozenset(name for name in wrt if size in {
        symbol for n in shapes[name] for symbol in n.free_symbols})
    one = _OfOne(found, frozenset(descendants(needed.equations, set(wrt) - own)) - {*found.along}
                 - found.summed)
    spread = one.spread(replace(needed, inputs=inputs))
    total = fresh_name("total", spread.names)
    place = Index(fresh_name("s", {str(size)}), size)
    spread = spread.extended([Equation(total, (), (
        Term(slot(0), (Read(loss, (place.symbol,)),), (place,)),))])
    chain = differentiate(validate(spread), total, wrt, named=named, rows=rows)
    return Shares(_gathered(chain, one, loss, total, system.inputs), own, tuple(one.apart))


def _gathered(
    chain: Chain, one: _OfOne, loss: str, total: str, inputs: tuple[Array, ...]
) -> Chain:
    """The chain with its loss in shares, and what is the same for all samples computed once."""
    kept = {loss, *(chain.of[name] for name in chain.wrt)}
    items = tuple(one.gathered(item, kept) for item in chain.system.items if (
        not isinstance(item, Equation) or item.name != total))
    system = validate(replace(needed_part(System(inputs, items), kept), inputs=inputs))
    made = {equation.name: equation for equation in system.equations}
    pairs = next((e for e in made.values() if [i.size for i in e.out].count(one.size) > 1), None)
    if pairs is not None:
        raise NotAdditiveError(f"the gradients of samples: {pairs!r} has a place for each pair of "
                               "them")
    steps = tuple(_step(step, made[step.name], chain) for step in chain.steps if step.name in made)
    of = {name: bar for name, bar in chain.of.items() if name not in (loss, total)}
    return replace(chain, system=system, loss=loss, steps=steps, inlined={}, of=of, source=None,
                   kinks=tuple(kink for kink in chain.kinks if kink.equation in made),
                   stated=chain.assumptions)


def _step(step: Step, equation: Equation, chain: Chain) -> Step:
    """A step as it is computed, with what it holds under."""
    if step.role == "forward":
        return replace(step, forms=(Form(equation, "forward"),))
    return replace(step, forms=(Form(equation, "share", assumes=chain.assumed_by(step)),))


class _OfOne:
    """Every sample with parameters of its own: those and what is computed of them get an axis.

    flat: the arrays that have that axis, and the same values for all samples.
    """

    def __init__(self, found: Roles, active: frozenset[str]) -> None:
        self.size = found.size
        self.summed = found.summed
        self.flat = set(active)
        self.apart: dict[str, None] = {}

    def spread(self, system: System) -> System:
        """The system with that axis in front."""
        for equation in system.equations:
            if equation.name in self.flat:
                self.flat |= {*equation.argmax}
        inputs = tuple(self._own(array) if array.name in self.flat else array
                       for array in system.inputs)
        items = tuple(replace(item, slope="") if isinstance(item, Implicit) else item
                      for item in system.items)
        return System(inputs, items).mapped(self._equation)

    def _own(self, array: Array) -> Array:
        axes = (fresh_name("s", array.axes), *array.axes) if array.axes else ()
        if array.kind in SQUARE:  # what is declared of a matrix is not declared of a stack of them
            return Array(array.name, (self.size, *array.shape), axes=axes)
        along = array.along if array.along < 0 else array.along + 1
        return replace(array, shape=(self.size, *array.shape), axes=axes, along=along)

    def _equation(self, equation: Equation) -> Equation:
        if equation.name in self.summed:
            return self._share(equation)
        if equation.name in self.flat:
            sample = self._sample(equation)
            return replace(equation, out=(sample, *equation.out), terms=tuple(
                self._read(rename_bound(term, [sample.name]), sample, self.flat)
                for term in equation.terms))
        for sample in equation.out:
            if sample.size == self.size:
                return replace(equation, terms=tuple(
                    self._read(term, sample, self.flat) for term in equation.terms))
        return equation

    def _share(self, equation: Equation) -> Equation:
        """A sum over the samples without that sum, and without what is free of the samples."""
        sample, terms = self._sample(equation), []
        for term in equation.terms:
            bound = next((index for index in term.over if index.size == self.size), None)
            slots = summed_slots(term, self.summed)
            if bound is not None:
                term = replace(term, over=tuple(i for i in term.over if i != bound))
                term = substitute_term(rename_bound(term, [sample.name]), {
                    bound.symbol: sample.symbol})
            elif slots:
                split = linear(term.body, slots)
                assert split is not None  # `roles` has asked
                if split[1] != 0:
                    self.apart[equation.name] = None
                body, reads = prune(split[0], term.reads)
                term = rename_bound(replace(term, body=body, reads=reads), [sample.name])
            else:
                self.apart[equation.name] = None
                continue
            terms.append(self._read(term, sample, self.flat | self.summed))
        return replace(equation, out=(sample, *equation.out), terms=tuple(terms))

    def _sample(self, equation: Equation) -> Index:
        """The index of samples: by the name that it has in the equation, where it has one."""
        taken = {index.name for index in equation.out}
        bound = [index.name for term in equation.terms for index in term.over
                 if index.size == self.size]
        return Index(fresh_name((bound or ["s"])[0], taken), self.size)

    def _read(self, term: Term, sample: Index, arrays: Set[str]) -> Term:
        """A term that reads arrays at its own sample."""
        return map_reads(term, lambda read: Read(read.array, (sample.symbol, *read.at))
                         if read.array in arrays else read)

    # --- and back again -----------------------------------------------------------------------

    def gathered(self, item: Item, kept: Set[str]) -> Item:
        """An item as it is computed where what is the same for all samples is so once; the `kept`
        have their axis whatever they are."""
        names = {equation.name for equation in equations_of(item)}
        if not names & self.flat:
            found = tuple(map(self._without, equations_of(item)))
            if names & kept or not isinstance(item, Equation) or not self._is_the_same(found[0]):
                return _with(item, found)
        self.flat |= names | {at for equation in equations_of(item) for at in equation.argmax}
        return _with(item, [self._without(replace(e, out=e.out[1:])) for e in equations_of(item)])

    def _is_the_same(self, equation: Equation) -> bool:
        """Whether it is computed of what is the same for all samples, nothing of a sample's."""
        if not equation.out or equation.out[0].size != self.size or not equation.terms:
            return False
        sample = equation.out[0].symbol
        return not any(
            sample in symbols for term in equation.terms for symbols in [
                *(s.free_symbols for read in term_reads(term) for s in read.at
                  if not isinstance(s, Read)),
                *(s.free_symbols for guard in term.guards for s in guard_subscripts(guard)
                  if not isinstance(s, Read))])

    def _without(self, equation: Equation) -> Equation:
        return replace(equation, terms=tuple(
            map_reads(term, lambda read: Read(read.array, read.at[1:])
                      if read.array in self.flat else read) for term in equation.terms))


def _with(item: Item, group: Sequence[Equation]) -> Item:
    return group[0] if isinstance(item, Equation) else replace(item, equations=tuple(group))
