"""Products that are a product with itself under other letters, as second derivatives are: one half
is multiplied out, and read twice.

    Σ_s X[s, p] W[j] q[s] X[s, r] W[k]    ->    f[s, p, j] = X[s, p] W[j],    Σ_s (q f)[s, p, j] f
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .contractions import Factor


@dataclass(frozen=True)
class Mirrored:
    """half: places of the factors that come once more under other letters.  letters: which.
    rest: places of the factors that are neither."""

    half: tuple[int, ...]
    letters: Mapping[str, str]
    rest: tuple[int, ...]

    def other(self, labels: str) -> str:
        """The letters of the other half."""
        return _put(self.letters, labels)


def mirrored(factors: Sequence[Factor], out: str) -> Mirrored | None:
    """The half of a product of two factors or more that it has twice; None without one."""
    arrays = Counter(array for array, labels in factors if labels)
    if sum(count // 2 for count in arrays.values()) < 2:
        return None
    letters = _exchanged(factors, {}, len(factors))
    if not letters or {*_put(letters, out)} != {*out}:
        return None
    moved = [place for place, (_, labels) in enumerate(factors) if {*labels} & letters.keys()]
    half = _one_side(factors, moved, letters, out)
    if half is None or len(half) < 2:
        return None
    return Mirrored(half, letters, tuple(
        place for place in range(len(factors)) if place not in moved))


def _put(letters: Mapping[str, str], labels: str) -> str:
    return "".join(letters.get(x, x) for x in labels)


def _exchanged(
    factors: Sequence[Factor], letters: dict[str, str], depth: int
) -> dict[str, str] | None:
    """As many letters to exchange as there are so that the factors are the same ones, those given
    among them; None where there are none."""
    there = Counter(factors)
    images = Counter((array, _put(letters, labels)) for array, labels in factors)
    lacking = [one for one in factors if there[one] != images[one]]
    for array, labels in (lacking[:1] or factors) if depth else ():
        for other, its in factors:
            exchanged = _with(letters, labels, its) if other == array else None
            whole = exchanged and _exchanged(factors, exchanged, depth - 1)
            if whole:
                return whole
    return None if lacking else letters


def _with(letters: Mapping[str, str], labels: str, its: str) -> dict[str, str] | None:
    """Letters to exchange, those of two factors among them; None where they are no others."""
    found = {**letters, **{x: x for x in labels if x not in letters}}
    for x, y in zip(labels, its, strict=True):
        if found.setdefault(x, y) not in (x, y) or found.setdefault(y, x) not in (x, y):
            return None
        found |= {x: y, y: x}
    if any(found[found[x]] != x for x in found) or any(
            found[x] != y for x, y in letters.items()):
        return None
    exchanged = {x: y for x, y in found.items() if x != y}
    return exchanged if len(exchanged) > len(letters) else None


def _one_side(
    factors: Sequence[Factor], moved: Sequence[int], letters: Mapping[str, str], out: str
) -> tuple[int, ...] | None:
    """Of the factors with letters that are exchanged, those on one side of the mirror; None where
    some hang together with their images."""
    waiting = sorted(moved, key=lambda place: min(
        (out.find(x) for x in factors[place][1] if x in out), default=len(out)))
    half: list[int] = []
    gone: set[int] = set()
    for start in waiting:
        if start in gone:
            continue
        together, reached = [start], {*factors[start][1]} & letters.keys()
        for place in together:
            reached |= {*factors[place][1]} & letters.keys()
            together += [other for other in waiting if other not in together and other not in gone
                         and {*factors[other][1]} & reached]
        if reached & {letters[x] for x in reached}:
            return None
        gone.update(together)
        for place in together:
            array, labels = factors[place]
            image = next((other for other in waiting if other not in gone
                          and factors[other] == (array, _put(letters, labels))), None)
            if image is None:
                return None
            gone.add(image)
        half += together
    return tuple(sorted(half))
