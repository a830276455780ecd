"""Memory for arrays on the way: one that nothing reads any more gives its place to others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...symbolic.equation import Equation, Item, equations_of
from ..views import reshaped

APART = 16
"""Arrays start at multiples of so many entries."""


@dataclass(frozen=True)
class Place:
    """Arrays of one size that stand in one place, one after the other.

    start, end: the numbers of the items that compute the first and that read the last of them.
    result: the one of them that is returned, whose memory it is; "" without one.
    """

    names: tuple[str, ...]
    start: int
    end: int
    result: str = ""


def places(
    items: Sequence[Item], inner: Collection[str], shapes: Mapping[str, tuple[Any, ...]],
    products: Collection[str] = (),
) -> list[Place]:
    """Where the arrays in `inner` stand, and the results.  An array that is read for the last time,
    entry by entry, where another is computed, gives its place to that one; the same in another
    shape has it, too.
    """
    ends = {read.array: number for number, item in enumerate(items)
            for e in equations_of(item) for read in e.reads}
    found: dict[str, Place] = {}
    for number, item in enumerate(items):
        for equation in equations_of(item):
            for name in (equation.name, *equation.argmax):
                other = _given(item, name, number, found, shapes) if (
                    name not in products and name not in equation.argmax) else None
                if other is None:
                    found[name] = Place((name,), number, max(ends.get(name, 0), number),
                                        "" if name in inner else name)
                    continue
                joined = replace(other, names=(*other.names, name))
                joined = replace(joined, end=max(other.end, ends.get(name, 0))) if (
                    name in inner) else replace(joined, result=name)
                found.update(dict.fromkeys(joined.names, joined))
    return list(dict.fromkeys(found.values()))


def _given(
    item: Item, name: str, number: int, found: Mapping[str, Place],
    shapes: Mapping[str, tuple[Any, ...]],
) -> Place | None:
    """The place that an equation's array may have of one that it reads."""
    if not isinstance(item, Equation) or item.reduction != "sum":
        return None
    alike, out = reshaped(item, shapes), tuple(i.symbol for i in item.out)
    for array in dict.fromkeys(read.array for read in item.reads):
        place = found.get(array)
        if place is None or place.result:  # nothing is written over what is returned
            continue
        if array == alike or (
                place.end == number and shapes[array] == shapes[name]
                and not any(term.over for term in item.terms)
                and all(read.at == out for read in item.reads if read.array == array)):
            return place
    return None


def laid_out(
    found: Sequence[Place], counts: Mapping[str, int], hosts: Collection[str] = ()
) -> tuple[dict[str, tuple[str, int]], int]:
    """The memory in which arrays stand, and where they start there: that of a result in `hosts`
    which is computed after the last of them is read, or "", one that they share; and how many
    entries that has.

    The largest ones come first, each as low as those leave it that are there at the same time.
    counts: how many entries each array has.
    """
    starts: dict[str, tuple[str, int]] = {}
    put: dict[str, list[tuple[Place, int, int]]] = {"": []}
    sizes = {place: -(-max(counts[n] for n in place.names) // APART) * APART for place in found}
    free = {place.result: (place.start, counts[place.result]) for place in found
            if place.result in hosts}
    for place in sorted((one for one in found if not one.result), key=lambda one: -sizes[one]):
        for host in (*free, ""):
            start = _lowest(place, sizes[place], put.setdefault(host, []))
            until, most = free.get(host, (place.end + 1, start + sizes[place]))
            if place.end < until and start + sizes[place] <= most:
                break
        put[host].append((place, start, start + sizes[place]))
        starts.update(dict.fromkeys(place.names, (host, start)))
    return starts, max((high for *_, high in put[""]), default=0)


def _lowest(place: Place, size: int, put: Sequence[tuple[Place, int, int]]) -> int:
    """The first start that keeps off what is there at the same time."""
    start = 0
    for other, low, high in sorted(put, key=lambda one: one[1]):
        at_once = other.start <= place.end and place.start <= other.end
        if at_once and low < start + size and start < high:
            start = high
    return start
