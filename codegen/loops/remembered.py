"""Equations that are there already, whatever their indices are called."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import sympy as sp

from ...symbolic.equation import Equal, Guard, Index, Read, Term, guard_subscripts, slot


class Remembered:
    """Arrays by what they are.

    fixed: the index of the steps in which those are that are kept here.
    """

    def __init__(self, fixed: sp.Symbol | None = None) -> None:
        self.fixed = fixed
        self._arrays: dict[Hashable, tuple[str, tuple[Any, ...]]] = {}

    def beside(self, fixed: sp.Symbol) -> Remembered:
        """These, for equations in the steps of a recurrence, which are kept for themselves."""
        made = Remembered(fixed)
        made._arrays = dict(self._arrays)
        return made

    def rename(self, old: str, new: str) -> None:
        self._arrays = {key: (new if name == old else name, out)
                        for key, (name, out) in self._arrays.items()}

    def keep(self, name: str, out: Sequence[Index], term: Term) -> Read:
        """The entries of an array, which is one term."""
        found = self._key(out, term)
        if found is not None:
            key, names = found
            self._arrays[key] = name, tuple(names[i.symbol] for i in out)
        return Read(name, tuple(i.symbol for i in out))

    def read(self, out: Sequence[Index], term: Term, permuted: bool = True) -> Read | None:
        """The entries of the array that there is; with its axes in another order if it may be."""
        found = self._key(out, term)
        if found is None or found[0] not in self._arrays:
            return None
        (key, names), own = found, {name: symbol for symbol, name in found[1].items()}
        name, there = self._arrays[key]
        if not permuted and there != tuple(names[i.symbol] for i in out):
            return None
        return Read(name, tuple(own[one] for one in there))

    def _key(self, out: Sequence[Index], term: Term
             ) -> tuple[Hashable, dict[sp.Symbol, sp.Symbol]] | None:
        """What a term is, its indices in the order of its arrays' names; None with places that
        are read."""
        subscripts = [at for read in term.reads for at in read.at] + [
            at for guard in term.guards for at in guard_subscripts(guard)]
        if any(isinstance(at, Read) for at in subscripts):
            return None
        order = sorted(range(len(term.reads)), key=lambda k: (term.reads[k].array, k))
        names = self._named_as_met(out, term, order)

        def renamed(guard: Guard) -> Hashable:
            return isinstance(guard, Equal), tuple(
                sp.sympify(at).xreplace(names) for at in guard_subscripts(guard))

        slots = {slot(k): slot(new) for new, k in enumerate(order)}
        key = (
            term.body.xreplace(slots),
            tuple((term.reads[k].array, tuple(sp.sympify(at).xreplace(names)
                                              for at in term.reads[k].at)) for k in order),
            frozenset(map(renamed, term.guards)),
            frozenset((names[i.symbol], i.size) for i in term.over),
            frozenset((names[i.symbol], i.size) for i in out),
        )
        return key, names

    def _named_as_met(self, out: Sequence[Index], term: Term, order: Sequence[int]
                      ) -> dict[sp.Symbol, sp.Symbol]:
        """Indices by new names, in the order in which reads have them."""
        own = [i.symbol for i in (*out, *term.over)]
        met = [s for k in order for at in term.reads[k].at
               for s in sorted(sp.sympify(at).free_symbols, key=str) if s in own]
        return {symbol: symbol if symbol == self.fixed else sp.Symbol(f"_{place}", integer=True)
                for place, symbol in enumerate(dict.fromkeys((*met, *own)))}
