"""A small derivation entry by entry: each scalar as a SymPy expression, and as the NumPy function
that ``sympy.lambdify`` makes of it.

The expressions come from the rule on scalars and the functions from SymPy's printer, so that a
gradient computed here owes nothing to matrix forms or to printed programs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from gradproof.codegen.spelling import scalar
from gradproof.numeric.rounding import largest, precision
from gradproof.symbolic.dependence import restricted
from gradproof.symbolic.derive.by_entries import count_entries, entry, entry_chain
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.equation import Equation, EquationError, System, size_symbol, slot
from gradproof.symbolic.evaluator import NotComputableError

ENTRIES = 300
"""Scalars in a forward pass up to which the entry form is worth having."""


Values: TypeAlias = Mapping[str, Any]
"""Numbers by the names of scalars, or arrays of them: many points at once."""


@dataclass(frozen=True)
class Scalar:
    """A scalar equation: its right side as a body in slots, and the scalars that they stand for."""

    body: sp.Expr
    reads: tuple[str, ...]

    @staticmethod
    def of(equation: Equation) -> Scalar:
        reads = tuple(dict.fromkeys(read.array for read in equation.reads))
        return Scalar(sp.Add(*(
            term.body.xreplace({slot(place): slot(reads.index(read.array))
                                for place, read in enumerate(term.reads)})
            for term in equation.terms)), reads)

    @property
    def expression(self) -> sp.Expr:
        """The right side in a real symbol for each scalar that it reads."""
        return self.body.xreplace({slot(place): sp.Symbol(name, real=True)
                                   for place, name in enumerate(self.reads)})

    @cached_property
    def function(self) -> Callable[[Values], Any]:
        """The same as a function of the scalars that it reads, by name."""
        made = scalar(self.body, len(self.reads), ())
        return lambda values: made(*[values[name] for name in self.reads])


def scalars(system: System) -> dict[str, Scalar]:
    """The equations of an entry form.  Raises EquationError for a system whose arrays have axes."""
    wide = [name for name, shape in system.shapes.items() if shape]
    if wide:
        raise EquationError(f"{wide[0]} is an array, no scalar: ask for the entry form, "
                            "derivation.entries(), which has an expression for each entry")
    return {equation.name: Scalar.of(equation) for equation in system.equations}


def entry_gradient(
    system: System, loss: str, wrt: Sequence[str], sizes: Mapping[str, int], limit: int = ENTRIES
) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """``gradient(**arrays) -> (loss, {name: array})`` of a forward pass with sizes as numbers,
    derived scalar by scalar and computed by lambdified functions.

    Raises EquationError for more than `limit` scalars and for what has no entry form (a maximum, a
    gather, an inverse), NotComputableError for a size without a number.
    """
    known = {size_symbol(name): number for name, number in sizes.items()}
    count = count_entries(system, known)
    if count > limit:
        raise EquationError(f"the entry form would have {count} scalars; it is for systems of up "
                            f"to {limit}")
    chain = entry_chain(system, loss, wrt, known)
    steps = {name: found.function for name, found in scalars(chain.system).items()}

    def gradient(**arrays: Any) -> tuple[Any, dict[str, Any]]:
        given = {name: np.asarray(arrays[name]) for name in (a.name for a in system.inputs)}
        values = {entry(name, at): array[at] for name, array in given.items()
                  for at in product(*map(range, array.shape))}
        with np.errstate(all="ignore"):
            for name, function in steps.items():
                values[name] = function(values)
        return values[loss], {
            name: np.array([values[chain.of[entry(name, at)]]
                            for at in product(*map(range, given[name].shape))]
                           ).reshape(given[name].shape)
            for name in wrt
        }

    return gradient


# --- a second derivation -------------------------------------------------------------------------

SECOND = 24
"""Scalars in a forward pass up to which a check derives it a second time."""


def doubts(
    chain: Chain, values: Mapping[str, Any], derived: Mapping[str, Any], sizes: Mapping[str, int]
) -> dict[str, str]:
    """Why a derived gradient is not to be relied on, by name: the one scalar by scalar differs by
    more than half of the digits.  None where there is no such form, or where inputs were assumed to
    be of a kind, which scalars are not, or what was derived is no gradient.
    """
    if chain.assumptions or not chain.steps:
        return {}
    forward = [step.name for step in chain.steps if step.role == "forward"]
    try:
        run = entry_gradient(restricted(chain.system, forward), chain.loss, chain.wrt, sizes,
                             limit=SECOND)
    except (EquationError, NotComputableError):
        return {}
    given = {array.name: np.asarray(values[array.name]) for array in chain.system.inputs}
    loss, slopes = run(**given)
    # Rounding is of the size of what was added up, which a gradient that is nearly 0 hides.
    scale = max(1.0, *map(largest, (np.asarray(loss), *given.values(), *slopes.values())))
    coarse = max((precision(array) for array in given.values() if array.dtype.kind == "f"),
                 default=0.0)
    found = {}
    for name, gradient in derived.items():
        gap = largest(np.asarray(gradient, float) - slopes[name])
        if gap > math.sqrt(max(coarse, precision(np.asarray(gradient)))) * scale:
            found[name] = (f"two derivations of the gradient differ by {gap:.2g}, in arrays and "
                           "entry by entry: a fault of gradproof, please report it")
    return found
