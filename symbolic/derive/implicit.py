"""What is known by an equation alone, x = f(x, θ): its slope, and the implicit function theorem.

    A = I - ∂f/∂x      Aᵀ u = x̄,  θ̄ = (∂f/∂θ)ᵀ u      A ẋ = (∂f/∂θ) θ̇

An equation F(x, θ) = 0 is the fixed point of f = x - F, so that A = ∂F/∂x.  Where f is a
continuously differentiable function near the point and A has an inverse there, x is one of θ, and
these are its derivatives (Krantz & Parks, The Implicit Function Theorem, 2002, theorem 3.3.1; in
reverse Christianson, Optimization Methods and Software 3, 1994).  How x was found does not matter.

The slope is derived by the rule itself, of the equations with the unknown as an input.  An axis
along which the entries of x are found apart from one another (the samples of a batch) stands in
front of A, once.  Of several axes that hang together, A is inverted as the matrix of their places
in row-major order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

import sympy as sp

from ..equation import (
    NAMED,
    Array,
    Equal,
    Equation,
    Implicit,
    Index,
    Item,
    Read,
    System,
    Term,
    equations_of,
    fresh_name,
    index_symbol,
    slot,
)
from ..mixed_radix import flat_place
from ..substitution import rename_arrays, rename_bound, substitute_term
from .named_operations import Companions
from .rewrite import inline, tidy
from .simplifier import Simplifier, final_items

Jacobian: TypeAlias = Callable[[System, str, str], tuple[System, str]]
"""Extends a system by ∂output/∂input, the axes of the output in front, and names it."""


def with_slopes(
    system: System, active: Iterable[str], fresh: Callable[[str], str], rule: Jacobian,
    inverted: bool = True,
) -> tuple[System, Companions]:
    """The system with ∂(x - f)/∂x behind every group that is solved for an active x, and with the
    inverse of it if it is to be `inverted`; and the names of what the rule reads by the name of x.
    """
    wanted = set(active)
    items: list[Item] = []
    names: dict[str, tuple[str, ...]] = {}
    for item in system.items:
        items.append(item)
        if not isinstance(item, Implicit) or item.unknown.name not in wanted:
            continue
        unknown, coupled = item.unknown, coupled_axes(item)
        if not item.slope:
            found, slope = slope_of(item, system, fresh, rule)
            items[-1:] = [replace(item, slope=slope), *found]
            item = replace(item, slope=slope)
        names[unknown.name] = (item.slope,)
        if coupled and inverted:
            names[unknown.name] = (_inverse(system, items, item, fresh),)
    return replace(system, items=tuple(items)), names


def _inverse(
    system: System, items: list[Item], group: Implicit, fresh: Callable[[str], str]
) -> str:
    """The name of the inverse of the group's slope, which is appended unless the system has it."""
    slope = group.slope
    out = next(equation.out for item in (*items, *system.items) for equation in equations_of(item)
               if equation.name == slope)
    if len(coupled_axes(group)) > 1:
        square = _square(slope, out, len(coupled_axes(group)))
        slope = _there(system, square, "M", fresh, items)
        out = square.out
    read = Read(slope, tuple(index.symbol for index in out))
    made = Equation("", out, (Term(slot(0), (read,)),), "inv")
    return _there(system, made, f"{slope}_inv", fresh, items)


def _there(system: System, made: Equation, name: str, fresh: Callable[[str], str],
           items: list[Item]) -> str:
    """The name of an array that is what an equation says, which is appended unless the system has
    it."""
    for item in system.items:
        if isinstance(item, Equation) and item.reduction == made.reduction and (
                replace(made, name=item.name, out=item.out, terms=tuple(substitute_term(
                    term, {one.symbol: other.symbol for one, other in zip(
                        made.out, item.out, strict=False)}) for term in made.terms)) == item):
            return item.name
    found = replace(made, name=fresh(name))
    items.append(found)
    return found.name


def _square(slope: str, out: tuple[Index, ...], count: int) -> Equation:
    """A[.., i, j, k, l] as the matrix of row n i + j and column n k + l, for `count` axes that hang
    together."""
    front, row, column = out[:-2 * count], out[-2 * count:-count], out[-count:]
    taken = {index.name for index in out}
    flattened = []
    for part in (row, column):
        name = fresh_name(part[0].name, taken)
        taken.add(name)
        flattened.append(Index(name, sp.Mul(*(index.size for index in part))))
    same = tuple(Equal(flattened[place].symbol, flat_place(part))
                 for place, part in enumerate((row, column)))
    read = Read(slope, tuple(index.symbol for index in out))
    return Equation("", (*front, *flattened), (Term(slot(0), (read,), (*row, *column), same),))


def coupled_axes(group: Implicit) -> tuple[int, ...]:
    """The axes of the unknown along which an entry is found together with others."""
    return tuple(axis for axis in range(len(group.unknown.out)) if not _is_apart(group, axis))


def _is_apart(group: Implicit, axis: int) -> bool:
    """Whether entries of the unknown at one place of an axis are found from that place alone."""
    places = {group.unknown.name: axis}
    for equation in group.equations[1:]:
        if equation.reduction in NAMED and any(read.array in places for read in equation.reads):
            return False
        met = {read.at[places[read.array]] for read in equation.reads if read.array in places}
        if not met:
            continue
        symbols = [index.symbol for index in equation.out]
        (entry, *others) = met
        if others or entry not in symbols:
            return False
        place = symbols.index(entry)
        if places.setdefault(equation.name, place) != place:
            return False
    return True


def slope_of(
    group: Implicit, system: System, fresh: Callable[[str], str], rule: Jacobian
) -> tuple[list[Item], str]:
    """Equations for A = ∂(x - f)/∂x at the values of the group, and its name: A[.., i, j] with the
    axes in front that are apart, or A[..] where all of them are."""
    unknown = group.unknown
    small = _opened(group, system)
    found, jacobian = rule(small, f"{unknown.name}_next", unknown.name)
    slope = _slope(found[jacobian], coupled_axes(group), fresh_name("A", found.names))
    slope = _lettered(slope, unknown)
    known = {equation.name for equation in small.equations}
    given = [item for item in found.items if not _made_by(item).isdisjoint(known)]
    added = [item for item in found.items if item not in given]
    made = _simplified(replace(found, items=tuple(given)), replace(found, items=tuple(added)),
                       jacobian)
    last = made[-1]
    put = inline(slope, last) if isinstance(last, Equation) and last.name == jacobian else None
    made = [*made, slope] if put is None else [*made[:-1], tidy(put)]
    names = {e.name: fresh(e.name) for item in made for e in equations_of(item)}
    names[f"{unknown.name}_next"] = unknown.name
    return [_renamed(item, names) for item in made], names[slope.name]


def _slope(jacobian: Equation, coupled: Collection[int], name: str) -> Equation:
    """I - J on the axes that are coupled, for each place of the others."""
    count = len(jacobian.out) // 2
    first, second = jacobian.out[:count], jacobian.out[count:]
    apart = [axis for axis in range(count) if axis not in coupled]
    at = tuple(index.symbol for index in (*first, *(
        first[axis] if axis in apart else index for axis, index in enumerate(second))))
    same = tuple(Equal(first[axis].symbol, second[axis].symbol) for axis in coupled)
    return Equation(
        name,
        (*(first[axis] for axis in apart), *(first[axis] for axis in coupled),
         *(second[axis] for axis in coupled)),
        (Term(sp.S.One, (), (), same), Term(-slot(0), (Read(jacobian.name, at),))))


def _lettered(slope: Equation, unknown: Equation) -> Equation:
    """The slope with the unknown's letters for the first of its axes."""
    taken: set[str] = set()
    letters = []
    for place, index in enumerate(slope.out):
        wish = unknown.out[place].name if place < len(unknown.out) else index.name
        letters.append(fresh_name(wish, taken))
        taken.add(letters[-1])
    by = {index.symbol: index_symbol(letter)
          for index, letter in zip(slope.out, letters, strict=True)}
    terms = tuple(substitute_term(rename_bound(t, taken), by) for t in slope.terms)
    return replace(slope, terms=terms, out=tuple(
        Index(letter, index.size) for index, letter in zip(slope.out, letters, strict=True)))


def _simplified(given: System, added: System, keep: str) -> list[Item]:
    simplifier = Simplifier(given, added, {keep})
    return list(final_items(added.items, simplifier.run()))


def _opened(group: Implicit, system: System) -> System:
    """The group as f of its unknown: a system with the unknown, and all that stands before the
    group, as inputs."""
    _, *between, unknown = group.equations
    inside = {equation.name for equation in between} | {unknown.name}
    read = dict.fromkeys(read.array for e in group.equations[1:] for read in e.reads
                         if read.array not in inside)
    inputs = {array.name: array for array in system.inputs}
    places = {name for equation in system.equations for name in equation.argmax}
    shapes = system.shapes
    outside = [inputs.get(name) or Array(
        name, shapes[name], kind="integer" if name in places else "real")
        for name in read if name in shapes]
    here = Array(unknown.name, unknown.shape, axes=tuple(index.name for index in unknown.out))
    last = replace(unknown, name=f"{unknown.name}_next")
    return System((here, *outside), (*between, last))


def _made_by(item: Item) -> set[str]:
    return {name for e in equations_of(item) for name in (e.name, *e.argmax)}


def _renamed(item: Item, names: Mapping[str, str]) -> Item:
    if isinstance(item, Equation):
        return rename_arrays(item, names)
    return replace(item, equations=tuple(rename_arrays(e, names) for e in item.equations))


# --- the rule -----------------------------------------------------------------------------------


def solved(
    name: str, given: str, lead: tuple[Index, ...], out: tuple[Index, ...], group: Implicit,
    slope: str, transposed: bool,
) -> Equation:
    """`name` with A `name` = `given`, or Aᵀ `name` = `given`; `slope` is A⁻¹, or A itself where the
    entries of the unknown are apart.

    lead, out: the axes of a derivative, and the unknown's own.
    """
    symbols = [index.symbol for index in out]
    front = [index.symbol for index in lead]
    coupled = coupled_axes(group)
    apart = [symbol for axis, symbol in enumerate(symbols) if axis not in coupled]
    if not coupled:
        reads = Read(given, (*front, *symbols)), Read(slope, tuple(apart))
        return Equation(name, (*lead, *out), (Term(slot(0) / slot(1), reads),))
    taken = {index.name for index in (*lead, *out)}
    bound: dict[int, Index] = {}
    for axis in coupled:
        bound[axis] = Index(fresh_name(out[axis].name, taken), out[axis].size)
        taken.add(bound[axis].name)
    here = flat_place([out[axis] for axis in coupled])
    there = flat_place(list(bound.values()))
    pair = (there, here) if transposed else (here, there)
    at = [bound[place].symbol if place in bound else symbol for place, symbol in enumerate(symbols)]
    reads = Read(slope, (*apart, *pair)), Read(given, (*front, *at))
    return Equation(name, (*lead, *out), (Term(slot(0) * slot(1), reads, tuple(bound.values())),))
