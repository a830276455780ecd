"""Equations as one NumPy function: matrix products where they are products, ``lambdify`` where
the body is scalar, and the reference evaluator for whatever has no matrix form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from ..symbolic.equation import (
    Equal,
    Equation,
    Guard,
    Item,
    Read,
    Recurrence,
    System,
    guard_subscripts,
    index_symbol,
)
from ..symbolic.matrices.leaves import levels_of
from ..symbolic.matrices.recognise import Node, Pointwise, Total, aligned, matrix_form
from .arguments import as_computed, bounds, check_range, owned
from .axes import alignment, present
from .compiled_loops import loop_step
from .evaluators import Environment, evaluator, place_of
from .interpret import bind_sizes, evaluate_item, result_type, size_number
from .kronecker_step import kronecker_step
from .needed import needed, shown_axes
from .patches import Patch, Scope, overlap_range, patches, squeezed
from .stable import integer


def compile_system(
    system: System, results: Sequence[str], row_vectors: bool = True
) -> Callable[..., tuple[Any, ...]]:
    """A function of the system's inputs (by keyword) that returns the arrays in `results`.

    Only what the results need is computed.  Integers given for a real input are taken as floats;
    results share no memory with the inputs or each other.  Raises TypeError for a missing or
    unknown input and ValueError for a shape or a label that does not fit, naming the input.
    """
    steps = [_step(item, system, row_vectors) for item in needed(system, results)]
    names = [array.name for array in system.inputs]
    limits = bounds(system)

    def run(**arrays: Any) -> tuple[Any, ...]:
        unknown = arrays.keys() - set(names)
        missing = [name for name in names if name not in arrays]
        if unknown or missing:
            raise TypeError(f"expected the inputs {names}; missing {missing}, unknown "
                            f"{sorted(unknown)}")
        given = as_computed(system, arrays)
        environment: Environment = dict(given)
        sizes: dict[sp.Symbol, int] = {}
        for array in system.inputs:
            bind_sizes(array.name, array.shape, environment[array.name].shape, sizes)
        for array in system.inputs:
            found = environment[array.name].shape
            for size, number in zip(array.shape, found, strict=True):
                if size_number(size, sizes) != number:
                    raise ValueError(
                        f"{array.name}: expected shape ({', '.join(map(str, array.shape))})"
                        + "".join(f", {s} = {n}" for s, n in sizes.items()) + f"; got {found}"
                    )
        for name, below in limits.items():
            for size in below:
                if size.free_symbols <= sizes.keys():  # a number of classes need not be a shape's
                    check_range(name, given[name], size, size_number(size, sizes))
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            for step in steps:
                step(environment, sizes)
        return owned([environment[name] for name in results],
                     [*arrays.values(), *given.values()])

    return run


Step = Callable[[Environment, dict[sp.Symbol, int]], None]


def _step(item: Item, system: System, row_vectors: bool) -> Step:
    scope = Scope(row_vectors, system.shapes, levels_of(system))
    found: Step | None
    if isinstance(item, Recurrence):
        found = _recurrence(item, scope)
        if found is not None:
            found = loop_step(item, system, row_vectors, found)
    elif item.argmax or not item.terms:
        found = None
    else:
        form = matrix_form(item, row_vectors, system.shapes, levels=scope.levels)
        found = _assignment(item, form) if form is not None else (
            kronecker_step(item, lambda side: _step(side, system, row_vectors))
            or _patched(item, scope))

    def interpreted(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> None:
        evaluate_item(item, environment, sizes)

    return found or interpreted


def _assignment(item: Equation, form: Node) -> Step:
    """An equation by its matrix form."""
    out, units = shown_axes(item)
    value = evaluator(aligned(form, out))
    shape = item.shape
    full = form.axes == out and not units and not isinstance(form, Pointwise | Total)
    name = item.name

    def run(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> None:
        result = value(environment, sizes)
        if units:
            kept = (s for s, place in zip(shape, units, strict=True) if place is not None)
            inner = tuple(size_number(size, sizes) for size in kept)
            result = np.broadcast_to(result, inner)[units]
        if not full:  # a body that reads less than all axes, such as a constant
            wide = tuple(size_number(size, sizes) for size in shape)
            if np.shape(result) != wide:
                result = np.array(np.broadcast_to(result, wide))
        environment[name] = result

    return run


def _reshaped(item: Equation, step: Step | None) -> Step | None:
    """A step whose result gets the axes of length 1 that an equation has on its left side."""
    shape = [integer(size) for size in item.shape]

    def run(environment: Environment, sizes: dict[sp.Symbol, int]) -> None:
        assert step is not None
        step(environment, sizes)
        wide = tuple(size(sizes) for size in shape)
        environment[item.name] = np.reshape(environment[item.name], wide)

    return None if step is None else run


def _patched(item: Equation, scope: Scope) -> Step | None:
    """An equation as a sum over slices; None where it has no such form."""
    narrow = squeezed(item)
    found = patches(narrow, scope)
    if found is None:
        return None
    if narrow is not item:
        return _reshaped(item, _patched(narrow, scope))
    parts = [_patch(patch, item.reduction == "max") for patch in found]
    shape = [integer(size) for size in item.shape]
    start = -np.inf if item.reduction == "max" else 0.0

    def run(environment: Environment, sizes: dict[sp.Symbol, int]) -> None:
        wide = tuple(size(sizes) for size in shape)
        result = np.full(wide, start, dtype=result_type(environment))
        for part in parts:
            part(result, environment, sizes)
        environment[item.name] = result

    return run


def _recurrence(group: Recurrence, scope: Scope) -> Step | None:
    """A recurrence as a loop over its steps, each of them in matrix form."""
    inside = replace(scope, fixed=(group.loop,))
    lines = []
    for equation in group.equations:
        found = patches(equation, inside) if equation.reduction == "sum" else None
        if found is None:
            return None
        place = next(p for p, index in enumerate(equation.out) if index.name == group.loop)
        lines.append((equation.name, [integer(size) for size in equation.shape], place,
                      [_patch(patch, False, number == 0 and patch.is_everywhere)
                       for number, patch in enumerate(found)]))
    symbol = index_symbol(group.loop)
    count = integer(next(i.size for i in group.equations[0].out if i.name == group.loop))

    def run(environment: Environment, sizes: dict[sp.Symbol, int]) -> None:
        kind = result_type(environment)
        for name, shape, _, _ in lines:
            environment[name] = np.zeros(tuple(size(sizes) for size in shape), dtype=kind)
        steps = range(count(sizes))
        here = dict(sizes)
        for step in steps if group.direction == 1 else reversed(steps):
            here[symbol] = step
            for name, _, place, parts in lines:
                slot_of = environment[name][(slice(None),) * place + (step, ...)]
                for part in parts:
                    part(slot_of, environment, here)

    return run


def _patch(
    patch: Patch, largest: bool, first: bool = False
) -> Callable[[Any, Environment, dict[sp.Symbol, int]], None]:
    """Adds a patch to a result, takes the larger of the two, or sets it as the `first` there."""
    value = evaluator(patch.form)
    region = [place_of(place) for place in patch.region]
    spread = alignment(present(patch.form), patch.axes)
    holds = [_condition(guard) for guard in patch.conditions]
    overlaps = [(o, [integer(part) for part in (o.count, o.shift, o.size)])
                for o in patch.overlaps]
    symbols = [index.symbol for index in patch.loops]
    counts = [int(index.size) for index in patch.loops]

    def add(result: Any, environment: Environment, sizes: dict[sp.Symbol, int]) -> None:
        for hold in holds:
            if not hold(sizes):
                return
        for overlap, (count, shift, size) in overlaps:
            sizes[overlap.first], sizes[overlap.last] = overlap_range(
                count(sizes), overlap.step, shift(sizes), size(sizes)
            )
        found = spread(value(environment, sizes))
        at = tuple([place(sizes) for place in region]) if region else ...
        if largest:
            result[at] = np.maximum(result[at], found)
        elif first:
            result[at] = found
        else:
            result[at] += found

    if not symbols:
        return add

    def loop(result: Any, environment: Environment, sizes: dict[sp.Symbol, int]) -> None:
        here = dict(sizes)
        for values in np.ndindex(*counts):
            here.update(zip(symbols, values, strict=True))
            add(result, environment, here)

    return loop


def _condition(guard: Guard) -> Callable[[Mapping[sp.Symbol, int]], bool]:
    """A guard on indices that have a value."""
    parts = [integer(part) for part in guard_subscripts(guard) if not isinstance(part, Read)]
    if isinstance(guard, Equal):
        left, right = parts
        return lambda known: left(known) == right(known)
    low, value, high = parts
    return lambda known: low(known) <= value(known) < high(known)
