"""What follows from what: one walk over the equations of a system, asked in several ways.

    y = f(a, b), L = Σ y:   ancestors of L are y, L;   descendants of a are a, y, L

Whatever asks which arrays a result needs, which a parameter reaches, or which part of a system to
keep, asks it here.  The walk goes on until nothing new is met, since the equations of a recurrence
may read what stands below them; one sweep in program order would lose that.  Places of maxima
(`argmax`) are computed with their equation: whoever reads them needs it, but no derivative
passes through them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from .equation import Equation, Implicit, Item, System, equations_of

Point = TypeVar("Point", bound=Hashable)
Reads: TypeAlias = Callable[[Equation], Iterable[str]]
"""The arrays that an equation is computed from, or those that somebody sees in it."""


def arrays_read(equation: Equation) -> Iterable[str]:
    """The arrays that occur in an equation, those inside subscripts and guards included."""
    return dict.fromkeys(read.array for read in equation.reads)


def reached(
    starts: Iterable[Point], onward: Callable[[Point], Iterable[Point]], depth: int | None = None
) -> dict[Point, None]:
    """The starts and everything that `onward` leads to, the nearest first, each once.

    With a `depth`, what is at most so many steps away.

    >>> list(reached([7], lambda n: [n // 2, n - 1] if n > 1 else []))
    [7, 3, 6, 1, 2, 5, 4]
    >>> list(reached([7], lambda n: [n // 2, n - 1], depth=1))
    [7, 3, 6]
    """
    found = dict.fromkeys(starts)  # a dict and no set, so that the order is the same in every run
    edge = list(found)
    while edge and depth != 0:
        edge = list(dict.fromkeys(
            near for here in edge for near in onward(here) if near not in found
        ))
        found.update(dict.fromkeys(edge))
        depth = None if depth is None else depth - 1
    return found


# --- backwards: what a result is computed from --------------------------------------------------


def ancestors(system: System, names: Iterable[str]) -> list[str]:
    """The computed arrays that the named ones are computed from, and they, in program order."""
    equations = list(system.equations)
    needed = _needed([(equation,) for equation in equations], names, arrays_read)
    return [equations[place].name for place in needed]


def operands(system: System, name: str, depth: int) -> list[str]:
    """The computed arrays that an array is computed from, in at most `depth` equations."""
    computed = {equation.name: equation for equation in system.equations}
    found = reached(
        [name], lambda known: (a for a in arrays_read(computed[known]) if a in computed), depth
    )
    return list(found)[1:]


def needed_items(
    system: System, names: Iterable[str], reads: Reads = arrays_read
) -> list[Item]:
    """The items that the named arrays are computed from, in program order, recurrences whole.

    `reads` says what an equation is computed from, where that is less than what occurs in it.
    """
    needed = _needed([equations_of(item) for item in system.items], names, reads)
    return [system.items[place] for place in needed]


def needed_part(system: System, names: Iterable[str]) -> System:
    """The named arrays with the inputs and items that they are computed from."""
    wanted = set(names)
    items = needed_items(system, wanted)
    wanted.update(a for item in items for e in equations_of(item) for a in arrays_read(e))
    return System(tuple(array for array in system.inputs if array.name in wanted), tuple(items))


def _needed(groups: Sequence[Sequence[Equation]], names: Iterable[str], reads: Reads) -> list[int]:
    """The places of the groups that the named arrays are computed from, in their order."""
    home = {name: place for place, group in enumerate(groups)
            for equation in group for name in (equation.name, *equation.argmax)}

    def sources(place: int) -> Iterable[int]:
        return (home[name] for equation in groups[place] for name in reads(equation)
                if name in home)

    return sorted(reached((home[name] for name in names if name in home), sources))


def solved_for(system: System) -> set[str]:
    """The arrays that are known by an equation in which they stand themselves."""
    return {item.unknown.name for item in system.items if isinstance(item, Implicit)}


def slopes_solved(system: System) -> dict[str, str]:
    """Slopes of what is solved for, and their inverses -> what that is."""
    found = {item.slope: item.unknown.name for item in system.items if isinstance(item, Implicit)}
    if not found:
        return {}
    return found | {
        equation.name: found[read.array] for equation in system.equations
        if equation.reduction == "inv" for read in equation.reads if read.array in found}


# --- forwards: what a parameter reaches ---------------------------------------------------------


def readers_of(equations: Iterable[Equation]) -> dict[str, dict[str, None]]:
    """array -> the names of the equations in which it occurs, in their order."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for equation in equations:
        for name in arrays_read(equation):
            found[name][equation.name] = None
    return found


def descendants(equations: Iterable[Equation], names: Iterable[str]) -> set[str]:
    """The named arrays and those whose value depends on theirs through more than a place."""
    readers = readers_of(equations)
    return set(reached(names, lambda name: readers.get(name, ())))


def between(system: System, output: str, wrt: Iterable[str]) -> set[str]:
    """The arrays through which `output` depends on `wrt`, ends included, places left out."""
    computed = {equation.name: equation for equation in system.equations}
    useful = reached(
        [output], lambda name: arrays_read(computed[name]) if name in computed else ()
    )
    return descendants(computed.values(), wrt) & useful.keys()


# --- parts of a system --------------------------------------------------------------------------


def restricted(system: System, names: Container[str]) -> System:
    """The system with the items whose arrays are all among `names`; groups stay whole."""
    return replace(system, items=tuple(
        item for item in system.items
        if all(e.name in names for e in equations_of(item)[isinstance(item, Implicit):])
    ))


def until(system: System, name: str) -> System:
    """The system down to the item that computes an array; what is computed after it is left out.

    Raises KeyError where no equation computes it.
    """
    for place, item in enumerate(system.items):
        if any(equation.name == name for equation in equations_of(item)):
            return replace(system, items=system.items[: place + 1])
    raise KeyError(name)
