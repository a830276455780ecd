"""Any list of equations, evaluated as it stands: the reference the other spellings are held to.

Each term is evaluated on the grid of all its indices at once, its body by ``sympy.lambdify``.
That is slow for large products and right for everything the equation type can say (gathers,
windows, guards, ties, recurrences).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..symbolic.equation import (
    INDEX_VALUE,
    NAMED,
    Equal,
    Equation,
    Guard,
    Item,
    Read,
    Recurrence,
    Subscript,
    System,
    Term,
    index_symbol,
)
from .arguments import as_computed
from .sizes import bind_sizes, size_number
from .spelling import scalar

Values = dict[str, NDArray[Any]]
Grid = dict[sp.Symbol, NDArray[np.int64]]


def _inverse(matrix: NDArray[Any]) -> NDArray[Any]:
    """The inverse; LinAlgError (a ValueError) for a matrix that is singular but for rounding."""
    if np.any(np.linalg.cond(matrix) * np.finfo(float).eps > 1e-3):
        raise np.linalg.LinAlgError("singular matrix")
    return np.asarray(np.linalg.inv(matrix))


MATRIX_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "inv": _inverse,
    "cholesky": np.linalg.cholesky,
    "det": np.linalg.det,
    "logdet": lambda matrix: np.linalg.slogdet(matrix)[1],
}
"""The named operations, each on the last two axes."""


def evaluate(
    system: System, values: Mapping[str, Any], sizes: Mapping[str, int] | None = None
) -> Values:
    """Every array of the system, inputs included, from values for the inputs.

    Sizes are read off the inputs' shapes; `sizes` adds those that no shape shows.
    Raises ValueError when an input is missing or its shape does not fit.
    """
    arrays: Values = {}
    known = {sp.Symbol(k, integer=True, positive=True): int(v) for k, v in (sizes or {}).items()}
    for array in system.inputs:
        if array.name not in values:
            raise ValueError(f"no value for input {array.name!r}; expected shape {array.shape}")
    arrays.update(as_computed(system, values))
    for array in system.inputs:
        bind_sizes(array.name, array.shape, arrays[array.name].shape, known)
    for array in system.inputs:
        expected = tuple(size_number(size, known) for size in array.shape)
        if expected != arrays[array.name].shape:
            raise ValueError(f"{array.name}: expected shape {array.shape} = {expected}, got "
                             f"{arrays[array.name].shape}")
    # Overflow and division by zero give inf and nan, which the caller sees in the results.
    with np.errstate(all="ignore"):
        for item in system.items:
            evaluate_item(item, arrays, known)
    return arrays


def evaluate_item(item: Item, arrays: Values, known: Mapping[sp.Symbol, int]) -> None:
    """Adds what an equation or a recurrence defines to `arrays`."""
    if isinstance(item, Recurrence):
        _evaluate_recurrence(item, arrays, known)
    else:
        _evaluate_equation(item, arrays, known)


def _at(size: sp.Expr, at: Grid) -> sp.Expr:
    """A size that depends on the loop index, at the loop index's value."""
    return size.xreplace({symbol: sp.Integer(int(place)) for symbol, place in at.items()})


def _evaluate_equation(
    equation: Equation, arrays: Values, known: Mapping[sp.Symbol, int], at: Grid | None = None
) -> None:
    """Defines `equation.name` in `arrays`; `at` fixes the loop index of a recurrence."""
    axes = [index for index in equation.out if index.symbol not in (at or {})]
    total: NDArray[Any] | None = None
    for term in equation.terms:
        part, places = _evaluate_term(equation, term, axes, arrays, known, at or {})
        total = part if total is None else total + part
        if places is not None and equation.argmax:
            shape = total.shape
            for name, place in zip(equation.argmax, places, strict=True):
                if at:
                    arrays[name][_step_of(equation, at)] = place.reshape(shape)
                else:
                    arrays[name] = place.reshape(shape)
    shape = tuple(size_number(_at(index.size, at or {}), known) for index in axes)
    value = np.zeros(shape) if total is None else np.broadcast_to(total, shape)
    if at:
        arrays[equation.name][_step_of(equation, at)] = value
    else:
        arrays[equation.name] = np.array(value, dtype=_type_of(equation, value, arrays))


def _step_of(equation: Equation, at: Grid) -> tuple[int | slice, ...]:
    """Where a step of a recurrence stands in the equation's arrays."""
    return tuple(int(at[i.symbol]) if i.symbol in at else slice(None) for i in equation.out)


def _evaluate_term(
    equation: Equation,
    term: Term,
    axes: list[Any],
    arrays: Values,
    known: Mapping[sp.Symbol, int],
    at: Grid,
) -> tuple[NDArray[Any], list[NDArray[np.int64]] | None]:
    indices = [*axes, *term.over]
    sizes = [size_number(_at(index.size, at), known) for index in indices]
    grid: Grid = dict(at)
    for axis, (index, count) in enumerate(zip(indices, sizes, strict=True)):
        shape = [1] * len(indices)
        shape[axis] = count
        grid[index.symbol] = np.arange(count).reshape(shape)
    reads = [_read(read, arrays, grid, known) for read in term.reads]
    reads = [read if read.dtype.kind in "fc" else read.astype(float) for read in reads]
    symbols = tuple(sorted((s for s in term.body.free_symbols if s.is_integer), key=str))
    body = scalar(term.body, len(reads), symbols)(*reads, *(known[s] for s in symbols))
    body = np.broadcast_to(np.asarray(body), sizes)
    mask = np.ones(sizes, dtype=bool)
    for guard in term.guards:
        mask = mask & holds(guard, arrays, grid, known)
    if equation.reduction in NAMED:
        return MATRIX_FUNCTIONS[equation.reduction](np.where(mask, body, 0)), None
    over = tuple(range(len(axes), len(indices)))
    if equation.reduction == "sum":
        return np.where(mask, body, 0).sum(axis=over), None
    floor = np.where(mask, body, -np.inf)
    flat = floor.reshape(*sizes[: len(axes)], -1)
    top = flat.max(axis=-1)
    if equation.reduction == "logsumexp":
        return top + np.log(np.exp(flat - top[..., None]).sum(axis=-1)), None
    best = np.unravel_index(flat.argmax(axis=-1), sizes[len(axes) :])
    return top, list(best)


def _subscript(
    subscript: Subscript, arrays: Values, grid: Grid, known: Mapping[sp.Symbol, int]
) -> NDArray[Any]:
    if isinstance(subscript, Read):
        return _read(subscript, arrays, grid, known)
    free = sorted(subscript.free_symbols, key=str)
    values = [grid[s] if s in grid else known[s] for s in free]
    if subscript.is_Symbol:
        return np.asarray(values[0])
    return np.asarray(_affine(subscript, tuple(free))(*values))


@lru_cache(maxsize=4096)
def _affine(subscript: sp.Expr, free: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    # An index and a size may share a name.
    names = [sp.Dummy() for _ in free]
    renamed = subscript.xreplace(dict(zip(free, names, strict=True)))
    return sp.lambdify(names, renamed, modules="numpy")  # type: ignore[no-any-return]


def _read(
    read: Read, arrays: Values, grid: Grid, known: Mapping[sp.Symbol, int]
) -> NDArray[Any]:
    if read.array == INDEX_VALUE:
        return _subscript(read.at[0], arrays, grid, known)
    array = arrays[read.array]
    # A place outside the array is only reached where a guard is false, so any entry will do.
    places = [
        np.clip(_subscript(entry, arrays, grid, known), 0, size - 1).astype(np.int64)
        for entry, size in zip(read.at, array.shape, strict=True)
    ]
    return np.asarray(array[tuple(places)])


def holds(
    guard: Guard, arrays: Values, grid: Grid, known: Mapping[sp.Symbol, int]
) -> NDArray[np.bool_]:
    """Where a guard holds on a grid of its indices' values."""
    if isinstance(guard, Equal):
        left = _subscript(guard.left, arrays, grid, known)
        return np.asarray(left == _subscript(guard.right, arrays, grid, known))
    low, value, high = (
        _subscript(part, arrays, grid, known) for part in (guard.low, guard.value, guard.high)
    )
    return np.asarray((low <= value) & (value < high))


def _evaluate_recurrence(
    group: Recurrence, arrays: Values, known: Mapping[sp.Symbol, int]
) -> None:
    symbol = index_symbol(group.loop)
    loop = next(index for index in group.equations[0].out if index.name == group.loop)
    count = size_number(loop.size, known)
    for equation in group.equations:
        shape = tuple(size_number(index.size, known) for index in equation.out)
        arrays[equation.name] = np.zeros(shape, dtype=result_type(arrays))
        for name in equation.argmax:
            arrays[name] = np.zeros(shape, dtype=np.int64)
    steps = range(count) if group.direction == 1 else reversed(range(count))
    for step in steps:
        for equation in group.equations:
            _evaluate_equation(equation, arrays, known, {symbol: np.asarray(step)})


def _type_of(equation: Equation, value: NDArray[Any], arrays: Values) -> np.dtype[Any]:
    """The type of what was computed, in the precision of the floats that it was computed from: by
    numbers and places alone it is that of all that there is."""
    if value.dtype.kind == "c":
        return value.dtype
    read = {read.array for read in equation.reads} & arrays.keys()
    floats = {name: arrays[name] for name in read if arrays[name].dtype.kind == "f"}
    return result_type(floats or {n: a for n, a in arrays.items() if a.dtype.kind != "c"})


def result_type(arrays: Values) -> np.dtype[Any]:
    """The floating-point type that the arrays so far are together; a plain number has a say in
    none."""
    floats = [array.dtype for array in arrays.values()
              if isinstance(array, np.ndarray | np.generic) and array.dtype.kind in "fc"]
    return np.result_type(*floats) if floats else np.dtype(float)
