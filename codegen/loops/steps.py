"""What the steps of a recurrence keep for themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ...symbolic.equation import Item, Read, Recurrence, equations_of, index_symbol


def kept_for_a_step(items: Sequence[Item], results: Collection[str]) -> Mapping[str, int]:
    """Arrays of recurrences that are read in the step alone that has computed them, and the places
    of their loops' axes: a step may have the memory of the one before."""
    found = {name: axis for item in items if isinstance(item, Recurrence)
             for name, axis in _arrays(item) if name not in results}
    for item in items:
        there: set[str] = set()
        for equation in equations_of(item):
            for read in equation.reads:
                axis = found.get(read.array)
                if axis is not None and not (
                        read.array in there and isinstance(item, Recurrence)
                        and _is_in_step(read, axis, item)):
                    del found[read.array]
            there |= {equation.name, *equation.argmax}
    return found


def _arrays(group: Recurrence) -> Iterator[tuple[str, int]]:
    for equation in group.equations:
        axis = [i.name for i in equation.out].index(group.loop)
        yield from ((name, axis) for name in (equation.name, *equation.argmax))


def _is_in_step(read: Read, axis: int, group: Recurrence) -> bool:
    return bool(read.at[axis] == index_symbol(group.loop))
