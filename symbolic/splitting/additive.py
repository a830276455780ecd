"""Whether a loss is a sum over the samples of a batch, decided by its equations.

    L = c(m) · Σ_s<m f(X[s], Y[s], W; m) + r(W; m)

Every array that a loss is computed from is one of three things.  It is *free* of the samples (W,
and what is computed of it); or it has one axis of length m, and each place of it is computed from
the same place of the data, and what is free; or it is *summed*: a sum over m of such terms, and
from there on read by expressions alone that are linear in what is summed.  A loss that is summed,
at the end of such equations, is what is written above.  Whatever else an equation may do, take the
largest over m, read two places, or divide by what was summed over m, is refused with its name:
the answer is no unless the equations say yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import sympy as sp

from ..dependence import needed_part
from ..equation import (
    MATRIX_VALUED,
    Array,
    Equation,
    EquationError,
    Index,
    Item,
    Read,
    Recurrence,
    System,
    Term,
    equations_of,
    guard_subscripts,
    slot,
    term_reads,
)


class NotAdditiveError(EquationError):
    """A loss that is no sum over the samples: the equation that says so, and why."""


@dataclass
class Roles:
    """What the arrays are: those with an axis of samples, by the place of that axis; the summed;
    all others are free."""

    size: sp.Symbol
    along: dict[str, int] = field(default_factory=dict)
    summed: set[str] = field(default_factory=set)


def roles(system: System, loss: str, size: sp.Symbol) -> Roles:
    """The roles of the arrays that a loss is computed from.

    Raises NotAdditiveError where the loss is no sum over the samples that `size` counts, naming
    the first equation that hinders it.
    """
    found = Roles(size)
    part = needed_part(system, [loss])
    for array in part.inputs:
        _input(array, found)
    if not found.along:
        raise NotAdditiveError(f"the batch does not split along {size}: {loss} reads no input with "
                               f"an axis of length {size}")
    for item in part.items:
        _item(item, found)
    if loss not in found.summed:
        raise NotAdditiveError(f"the batch does not split along {size}: {loss} is no sum over it")
    return found


def linear(body: sp.Expr, slots: Iterable[sp.Symbol]) -> tuple[sp.Expr, sp.Expr] | None:
    """A body as what is linear in some slots and what is free of them; None where it is not linear.

    Read off as it is written: each summand is a slot times what is free of them, or free of them.
    """
    asked = tuple(slots)
    first, rest = sp.S.Zero, sp.S.Zero
    for summand in sp.Add.make_args(sp.expand(body)):
        if not summand.has(*asked):
            rest += summand
        elif summand.as_independent(*asked, as_Add=False)[1] in asked:
            first += summand
        else:
            return None
    return first, rest


def summed_slots(term: Term, summed: Iterable[str]) -> list[sp.Symbol]:
    """The slots of a term's body that stand for summed arrays."""
    return [slot(place) for place, read in enumerate(term.reads) if read.array in summed]


# --- an array at a time ---------------------------------------------------------------------------


def _input(array: Array, found: Roles) -> None:
    size = found.size
    axes = [place for place, n in enumerate(array.shape) if size in n.free_symbols]
    classes = array.classes
    if classes is not None and size in classes.free_symbols:
        raise NotAdditiveError(f"the batch does not split along {size}: the input {array.name} "
                               "holds places in the batch")
    if not axes:
        return
    if len(axes) > 1 or array.shape[axes[0]] != size:
        shape = ", ".join(map(str, array.shape))
        raise NotAdditiveError(f"the batch does not split along {size}: the input {array.name} has "
                               f"the shape ({shape}); expected one axis of length {size}")
    if array.kind in ("one_hot", "probability") and array.along % len(array.shape) == axes[0]:
        raise NotAdditiveError(f"the batch does not split along {size}: the input {array.name} is "
                               "declared to sum to one over the samples")
    found.along[array.name] = axes[0]


def _item(item: Item, found: Roles) -> None:
    group = equations_of(item)
    if isinstance(item, Equation):
        _equation(item, found)
        return
    for equation in group:  # they read each other
        _refuse_axes(equation, found)
        if isinstance(item, Recurrence) and any(
                index.name == item.loop and index.size == found.size for index in equation.out):
            _refuse(equation, found, "each sample is computed from the one before")
        for place, index in enumerate(equation.out):
            if index.size == found.size:
                found.along.update(dict.fromkeys((equation.name, *equation.argmax), place))
    for equation in group:
        _equation(equation, found)
        if equation.name in found.summed:
            _refuse(equation, found, f"a sum over {found.size} stands in a group of equations that "
                                     "are solved together")


def _equation(equation: Equation, found: Roles) -> None:
    _refuse_axes(equation, found)
    axis = next((p for p, index in enumerate(equation.out) if index.size == found.size), None)
    if axis is None:
        for term in equation.terms:
            _term_of_all(equation, term, found)
        return
    if equation.reduction in MATRIX_VALUED and axis >= len(equation.out) - 2:
        _refuse(equation, found, f"{equation.reduction} takes a matrix whose rows are samples")
    for term in equation.terms:
        if _bound(term, found):
            _refuse(equation, found, "each sample is computed from all of them")
        _expect_own_place(equation, term, equation.out[axis], found)
        for read in term_reads(term):
            if read.array in found.summed:
                _refuse(equation, found, f"each sample reads {read.array}, which is summed over "
                                         f"{found.size}")
    found.along.update(dict.fromkeys((equation.name, *equation.argmax), axis))


def _term_of_all(equation: Equation, term: Term, found: Roles) -> None:
    """A term of an array without an axis of samples."""
    bound = _bound(term, found)
    if len(bound) > 1:
        _refuse(equation, found, "it reads pairs of samples")
    if bound and (bound[0].size != found.size):
        _refuse(equation, found, f"it goes over an axis of length {bound[0].size}")
    if bound and equation.reduction != "sum":
        _refuse(equation, found, f"{equation.reduction} over {found.size} is no sum")
    _expect_own_place(equation, term, bound[0] if bound else None, found)
    slots = summed_slots(term, found.summed)
    read = [one.array for one in term_reads(term) if one.array in found.summed]
    if read:
        if bound:
            _refuse(equation, found, f"what it sums over {found.size} reads {read[0]}, which was "
                                     f"summed over {found.size} before")
        if equation.reduction != "sum" or len(read) != len(slots):
            _refuse(equation, found, f"it reads {read[0]}, which is summed over {found.size}, in "
                                     "another way than as a part of a sum")
        if linear(term.body, slots) is None:
            _refuse(equation, found, f"it is not linear in {', '.join(dict.fromkeys(read))}, summed"
                                     f" over {found.size}")
    if bound or read:
        found.summed.add(equation.name)


def _expect_own_place(
    equation: Equation, term: Term, sample: Index | None, found: Roles
) -> None:
    """That a term reads arrays of samples at the place of its own sample, and nothing by where that
    place is."""
    own = None if sample is None else sample.symbol
    hidden = {found.size} | ({own} if own is not None else set())
    for read in term_reads(term):
        axis = found.along.get(read.array)
        for place, subscript in enumerate(read.at):
            if place == axis:
                if isinstance(subscript, Read) or own is None or subscript != own:
                    _refuse(equation, found, f"it reads {read!r}, another place than that of its "
                                             "own sample")
            elif not isinstance(subscript, Read) and subscript.free_symbols & hidden:
                _refuse(equation, found, f"it reads {read!r}, which depends on where in the batch "
                                         "a sample stands")
    for guard in term.guards:
        for subscript in guard_subscripts(guard):
            if not isinstance(subscript, Read) and subscript.free_symbols & hidden:
                _refuse(equation, found, f"{guard!r} depends on where in the batch a sample stands")


def _refuse_axes(equation: Equation, found: Roles) -> None:
    """Arrays of pairs of samples, and axes into which samples were flattened with others."""
    axes = [index for index in equation.out if found.size in index.size.free_symbols]
    if len(axes) > 1:
        _refuse(equation, found, "it has a place for each pair of samples")
    if axes and axes[0].size != found.size:
        _refuse(equation, found, f"it has an axis of length {axes[0].size}, not {found.size}")


def _bound(term: Term, found: Roles) -> list[Index]:
    return [index for index in term.over if found.size in index.size.free_symbols]


def _refuse(equation: Equation, found: Roles, why: str) -> NoReturn:
    raise NotAdditiveError(f"the batch does not split along {found.size}: {why}: {equation!r}")


def inputs_along(system: System, found: Roles) -> Mapping[str, int]:
    """The inputs that have an axis of samples, with its place."""
    return {array.name: found.along[array.name] for array in system.inputs
            if array.name in found.along}
