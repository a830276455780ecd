"""What is solved for, read wherever its own right side stands.

    x = tanh(W x + b)   ->   tanh(W x + b) is x, in 1 - tanh(W x + b)², too
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from .indices import Sub
from .polynomial import Atoms, Poly, constant, plus, scaled


def fold(
    table: Atoms, said: Poly, entry: Poly, places: Sequence[Sub]
) -> tuple[int, Poly] | None:
    """The base of the one factor F with a F + c, which is `said` to be the entry of an array at its
    places, and what F then is, in the base's own placeholders; None where it is none."""
    factors = [mono for mono in said if mono]
    if len(factors) != 1 or len(factors[0]) != 1:
        return None
    ((base, args, exponent),) = factors[0]
    free = table.bases[base].free
    if exponent != 1 or len(free) != len(args) or sorted(args) != sorted(places):
        return None
    number = scaled(plus(entry, constant(said.get((), 0)), -1), 1 / Fraction(said[factors[0]]))
    if any(base in table.inner(other) for mono in number for other, _, _ in mono):
        return None  # it is folded already, and would be read in itself
    return base, table.substitute(number, dict(zip(args, free, strict=True)))
