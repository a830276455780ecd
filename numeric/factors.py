"""A measured ratio as a small rational times a monomial in the sizes.

A number alone has many such names (4 is 4, m and m² at m = 2); several size assignments leave few,
and the simplest of those is taken, with the equally simple ones beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import prod

_POWERS = (0, 1, -1, 2, -2)
_SMALL = sorted(
    {Fraction(sign * n, d) for sign in (1, -1) for n in range(1, 5) for d in range(1, 5)}
)
# With more sizes than this the search names factors by chance, and takes long.
_MOST_SIZES = 5


@dataclass(frozen=True)
class Factor:
    """coefficient · Π size^exponent; exponents of 0 are left out."""

    coefficient: Fraction
    exponents: Mapping[str, int] = field(default_factory=dict)

    def at(self, sizes: Mapping[str, int]) -> float:
        """The number, at these sizes."""
        powers = (Fraction(sizes[name]) ** power for name, power in self.exponents.items())
        return float(self.coefficient * prod(powers, start=Fraction(1)))

    @property
    def inverse(self) -> Factor:
        return Factor(1 / self.coefficient, {n: -p for n, p in self.exponents.items()})

    @property
    def is_one(self) -> bool:
        return self.coefficient == 1 and not self.exponents

    @property
    def complexity(self) -> int:
        """How much there is to say: powers, and a coefficient other than one; a sign is cheapest.

        In tenths, so that a size goes before a number of the same value (1/m before 1/4 at m = 4).
        """
        c = abs(self.coefficient)
        number = 0 if c == 1 else 10 if c in (2, Fraction(1, 2)) else 25
        sign = 5 if self.coefficient < 0 else 0
        # A square is one mistake, but a rarer one than a product of two sizes is not.
        return number + sign + sum(9 + 4 * (abs(p) - 1) for p in self.exponents.values())

    def __str__(self) -> str:
        """As a product: `1/2 · m · o`, `−1 / n²`."""
        above = [_power(n, p) for n, p in self.exponents.items() if p > 0]
        below = [_power(n, -p) for n, p in self.exponents.items() if p < 0]
        sign = "−" if self.coefficient < 0 else ""
        size = abs(self.coefficient)
        head = [] if size == 1 and above else [str(size)]
        text = sign + " · ".join([*head, *above])
        return f"{text} / {_group(below)}" if below else text

    @property
    def as_fraction(self) -> str:
        """As one fraction: `2/(m·o)`."""
        above = [_power(n, p) for n, p in self.exponents.items() if p > 0]
        below = [_power(n, -p) for n, p in self.exponents.items() if p < 0]
        size = abs(self.coefficient)
        if size.numerator != 1 or not above:
            above.insert(0, str(size.numerator))
        if size.denominator != 1:
            below.insert(0, str(size.denominator))
        sign = "−" if self.coefficient < 0 else ""
        return sign + "·".join(above) + (f"/{_group(below)}" if below else "")


def name_ratios(
    ratios: Sequence[float],
    sizes: Sequence[Mapping[str, int]],
    accuracy: float,
    extra: Sequence[Fraction] = (),
) -> list[Factor]:
    """Factors that give every ratio at its sizes, the simplest first; empty if none does.

    ratios    one a size assignment, not zero
    accuracy  relative, of each ratio
    extra     further coefficients to consider, beside ±n/d with n, d ≤ 4
    """
    if not ratios or not all(ratios):
        return []
    shared = set.intersection(*(set(s) for s in sizes))
    # A size that is 1 everywhere cannot be told from no size at all.
    names = sorted(n for n in shared if any(s[n] != 1 for s in sizes))[:_MOST_SIZES]
    coefficients = [*_SMALL, *extra]
    found = []
    for powers in product(_POWERS, repeat=len(names)):
        exponents = {n: p for n, p in zip(names, powers, strict=True) if p}
        rest = ratios[0] / Factor(Fraction(1), exponents).at(sizes[0])
        nearest = min(coefficients, key=lambda c: abs(float(c) - rest))
        factor = Factor(nearest, exponents)
        if all(
            abs(factor.at(s) - ratio) <= accuracy * abs(ratio)
            for ratio, s in zip(ratios, sizes, strict=True)
        ):
            found.append(factor)
    return sorted(found, key=lambda f: f.complexity)


def _power(name: str, power: int) -> str:
    return name + {1: "", 2: "²"}.get(power, f"^{power}")


def _group(factors: list[str]) -> str:
    return factors[0] if len(factors) == 1 else f"({'·'.join(factors)})"
