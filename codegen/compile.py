"""Equations as one NumPy function: matrix products where they are products, ``lambdify`` where
the body is scalar, and the reference evaluator for whatever has no matrix form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

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
from ..symbolic.matrix import (
    Applied,
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Softmax,
    Span,
    Total,
    Transposed,
    Where,
    aligned,
    matrix_form,
    walk,
    without_units,
)
from ..symbolic.matrix_leaves import Levels, levels_of
from ..symbolic.matrix_nodes import Place
from .alignment import alignment, as_tensordot, einsum_subscripts, present
from .gathers import RANGE
from .interpret import MATRIX_FUNCTIONS, bind_sizes, evaluate_item, holds, result_type, size_number
from .kronecker import kronecker_step
from .patches import Patch, Scope, overlap_range, patches, squeezed
from .spelling import scalar, stable_logs
from .steady import integer

Environment = dict[str, Any]
Evaluator = Callable[[Environment, Mapping[sp.Symbol, int]], Any]


def compile_system(
    system: System, results: Sequence[str], row_vectors: bool = True
) -> Callable[..., tuple[Any, ...]]:
    """A function of the system's inputs (by keyword) that returns the arrays in `results`.

    Only what the results need is computed.  Raises TypeError for a missing or unknown input and
    ValueError for a shape that does not fit, naming the input.
    """
    steps = [_step(item, system, row_vectors) for item in needed(system, results)]
    names = [array.name for array in system.inputs]

    def run(**arrays: Any) -> tuple[Any, ...]:
        unknown = arrays.keys() - set(names)
        missing = [name for name in names if name not in arrays]
        if unknown or missing:
            raise TypeError(f"expected the inputs {names}; missing {missing}, unknown "
                            f"{sorted(unknown)}")
        environment: Environment = {name: np.asarray(value) for name, value in arrays.items()}
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
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            for step in steps:
                step(environment, sizes)
        return tuple(environment[name] for name in results)

    return run


def needed(system: System, results: Sequence[str]) -> list[Item]:
    """The items that the results depend on, in order, their logarithms in stable form."""
    forward = list(system.equations)
    levels, shapes = levels_of(system), system.shapes
    wanted = set(results)
    kept: list[Item] = []
    for item in reversed(system.items):
        if isinstance(item, Recurrence):
            if wanted & {equation.name for equation in item.equations}:
                wanted |= {read.array for e in item.equations for read in e.reads}
                kept.append(item)
        elif wanted & {item.name, *item.argmax}:
            spelled = stable_logs(item, forward)
            wanted |= arrays_read(spelled, shapes, levels)
            kept.append(spelled)
    return kept[::-1]


def arrays_read(
    equation: Equation, shapes: Mapping[str, tuple[sp.Expr, ...]], levels: Levels
) -> set[str]:
    """The arrays that an equation's value is computed from: no log Σ exp inside a softmax."""
    found = {read.array for read in equation.reads}
    form = matrix_form(equation, shapes=shapes, levels=levels) if found & levels.keys() else None
    return found if form is None or equation.argmax else {
        node.array for node in walk(form) if isinstance(node, Leaf)
    }


Step = Callable[[Environment, dict[sp.Symbol, int]], None]


def _step(item: Item, system: System, row_vectors: bool) -> Step:
    scope = Scope(row_vectors, system.shapes, levels_of(system))
    found: Step | None
    if isinstance(item, Recurrence):
        found = _recurrence(item, scope)
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
    value = _evaluator(aligned(form, out))
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
    value = _evaluator(patch.form)
    region = [_place(place) for place in patch.region]
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


def shown_axes(equation: Equation) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The axes of a matrix form, and the index that adds the axes of length 1 it leaves out."""
    kept = {index.name for index in without_units(equation).out}
    units = tuple(slice(None) if index.name in kept else None for index in equation.out)
    out = tuple(index.name for index in equation.out if index.name in kept)
    return out, () if len(out) == len(equation.out) else units


def _evaluator(node: Node) -> Evaluator:
    """The node as a function of the arrays there are so far."""
    if isinstance(node, Leaf):
        return _leaf(node)
    if isinstance(node, Transposed):
        inner = _evaluator(node.of)
        if len(node.axes) == 2:
            return lambda environment, sizes: inner(environment, sizes).T
        return lambda environment, sizes: inner(environment, sizes).swapaxes(-1, -2)
    if isinstance(node, Product):
        factors = [_evaluator(factor) for factor in node.factors]

        def product(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
            result = factors[0](environment, sizes)
            for factor in factors[1:]:
                result = result @ factor(environment, sizes)
            return result

        return product
    if isinstance(node, Outer):
        column, row = _evaluator(node.column), _evaluator(node.row)
        return lambda environment, sizes: np.multiply.outer(
            column(environment, sizes), row(environment, sizes)
        )
    if isinstance(node, Total):
        return _total(node)
    if isinstance(node, Softmax):
        logits, along = _evaluator(node.of), node.axes.index(node.over)
        soft = log_softmax if node.log else softmax
        return lambda environment, sizes: soft(logits(environment, sizes), along)
    if isinstance(node, Where):
        return _where(node)
    if isinstance(node, Einsum):
        found = as_tensordot(node)
        if found is not None:
            (left, right), summed = map(_evaluator, found[0]), found[1]
            return lambda environment, sizes: np.tensordot(
                left(environment, sizes), right(environment, sizes), summed
            )
        operands = [_evaluator(operand) for operand in node.operands]
        subscripts = einsum_subscripts(node)
        return lambda environment, sizes: np.einsum(
            subscripts, *(operand(environment, sizes) for operand in operands), optimize=True
        )
    if isinstance(node, Applied):
        matrix, function = _evaluator(node.of), MATRIX_FUNCTIONS[node.operation]
        return lambda environment, sizes: function(matrix(environment, sizes))
    assert isinstance(node, Pointwise)  # diagonals are asked for by writers alone
    return _pointwise(node)


def _where(node: Where) -> Evaluator:
    inner, axes = _evaluator(node.of), node.axes
    fill = -np.inf if node.lowest else 0.0

    def masked(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
        value = np.asarray(inner(environment, sizes))
        if value.ndim < len(axes):  # a number
            counts = [int(size.xreplace(sizes)) for size in node.sizes]
            value = np.broadcast_to(value, counts)
        grid = {index_symbol(axis): np.arange(count).reshape(-1, *[1] * (len(axes) - place - 1))
                for place, (axis, count) in enumerate(zip(axes, value.shape, strict=True))}
        mask = np.asarray(True)
        for guard in node.guards:
            mask = mask & holds(guard, environment, grid, sizes)
        return np.where(mask, value, fill)

    return masked


def _leaf(node: Leaf) -> Evaluator:
    name = node.array
    if not node.part:
        return lambda environment, sizes: environment[name]
    places = [_place(place) for place in node.part]
    if name == RANGE:
        (place,), runs = places, bool(node.axes)

        def numbers(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
            found = place(sizes)
            return np.arange(found.start, found.stop, found.step) if runs else found

        return numbers
    if all(place is None for place in node.part[1:]) and node.part[0] is not None:
        first = places[0]  # x[t]
        return lambda environment, sizes: environment[name][first(sizes)]
    return lambda environment, sizes: environment[name][
        tuple([place(sizes) for place in places])
    ]


def _place(place: Place) -> Callable[[Mapping[sp.Symbol, int]], Any]:
    """A place along an axis as an index that NumPy takes."""
    if place is None:
        return lambda sizes: slice(None)
    if not isinstance(place, Span):
        return integer(place)
    start, stop, step = integer(place.start), integer(place.stop), place.step
    return lambda sizes: slice(start(sizes), stop(sizes), step)


def _total(node: Total) -> Evaluator:
    inner = _evaluator(node.of)
    # From the end: a value may lack leading axes that nothing in it has.
    last = len(node.of.axes)
    axes = tuple(place - last for place, axis in enumerate(node.of.axes) if axis in node.over)
    reductions: dict[str, Callable[..., Any]] = {
        "sum": np.sum, "max": np.max, "logsumexp": logsumexp
    }
    reduce = reductions[node.reduction]
    return lambda environment, sizes: reduce(inner(environment, sizes), axis=axes)


def logsumexp(z: NDArray[Any], axis: tuple[int, ...]) -> Any:
    """log Σ exp z over some axes; the largest entry is taken out, so nothing overflows."""
    top = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(z - top), axis=axis))


def softmax(z: NDArray[Any], axis: int) -> NDArray[Any]:
    """exp z / Σ exp z along an axis; the largest entry is taken out, so nothing overflows."""
    powers = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=axis, keepdims=True))


def log_softmax(z: NDArray[Any], axis: int) -> NDArray[Any]:
    """log softmax z along an axis, finite where the probability underflows."""
    below = z - np.max(z, axis=axis, keepdims=True)
    return np.asarray(below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True)))


def _pointwise(node: Pointwise) -> Evaluator:
    arguments = [_evaluator(argument) for argument in node.arguments]
    places = [alignment(present(argument), node.axes) for argument in node.arguments]
    symbols = tuple(sorted((s for s in node.body.free_symbols if s.is_integer), key=str))
    body = scalar(node.body, len(arguments), symbols)

    def apply(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
        values = [
            place(argument(environment, sizes))
            for argument, place in zip(arguments, places, strict=True)
        ]
        return body(*values, *(sizes[symbol] for symbol in symbols))

    return apply
