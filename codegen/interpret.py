"""Any list of equations, evaluated as it stands: the reference the other spellings are held to.

Each term is evaluated on the grid of all its indices at once, its body by ``sympy.lambdify``.
That is slow for large products and right for everything the equation type can say (gathers,
windows, guards, ties, recurrences).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..symbolic.equation import (
    INDEX_VALUE,
    NAMED,
    Equation,
    Implicit,
    Item,
    Read,
    Size,
    System,
    Term,
    equations_of,
    term_reads,
)
from ..symbolic.evaluator import Evaluator, Grid, Shape
from .arguments import as_computed, fitted
from .spelling import scalar

Values = dict[str, NDArray[Any]]


def _inverse(matrix: NDArray[Any]) -> NDArray[Any]:
    """The inverse; LinAlgError (a ValueError) for a matrix that is singular but for rounding."""
    if matrix.size and np.any(np.linalg.cond(matrix) * np.finfo(float).eps > 1e-3):
        raise np.linalg.LinAlgError("singular matrix")
    return np.asarray(np.linalg.inv(matrix))


STEPS, ROUNDINGS, ASIDE = 100, 64, 1e-7
"""Of Newton's method: how many steps it may take, how small the last is, in roundings of 1 + the
largest entry, and how far aside slopes are looked for, in double precision."""


def unsolved(name: str) -> str:
    """What is said where an unknown was not found."""
    return (f"{name} was not found in {STEPS} steps of Newton's method; expected an equation with "
            "a solution near the start, and a slope there that is not singular; start nearer")


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
    known = fitted(system.inputs, [arrays[array.name] for array in system.inputs], known)
    # Overflow and division by zero give inf and nan, which the caller sees in the results.
    with np.errstate(all="ignore"):
        walk = _Floats(known, arrays)
        walk.run(system.items)
    return walk.arrays


def evaluate_item(item: Item, arrays: Values, known: Mapping[sp.Symbol, int]) -> None:
    """Adds what an equation or a recurrence defines to `arrays`."""
    walk = _Floats(known, arrays)
    walk.run([item])
    arrays.update(walk.arrays)


class _Floats(Evaluator[NDArray[Any]]):
    """Values in floats, or in complex numbers."""

    def term(
        self, equation: Equation, term: Term, grid: Grid, shape: Shape, free: int
    ) -> tuple[NDArray[Any], Sequence[NDArray[Any]]]:
        reads = [self._read(read, grid) for read in term.reads]
        reads = [read if read.dtype.kind in "fc" else read.astype(float) for read in reads]
        symbols = tuple(sorted((s for s in term.body.free_symbols if s.is_integer), key=str))
        sizes = [self.sizes[s] or np.float64(0) for s in symbols]  # whose inverse is no error
        body = scalar(term.body, len(reads), symbols)(*reads, *sizes)
        body, mask = np.broadcast_to(np.asarray(body), shape), self.mask(term, grid, shape)
        if equation.reduction in NAMED:
            return MATRIX_FUNCTIONS[equation.reduction](np.where(mask, body, 0)), ()
        if equation.reduction == "sum":
            return np.where(mask, body, 0).sum(axis=tuple(range(free, len(shape)))), ()
        flat = np.where(mask, body, -np.inf).reshape(*shape[:free], math.prod(shape[free:]))
        top = flat.max(axis=-1)
        if equation.reduction == "logsumexp":
            return top + np.log(np.exp(flat - top[..., None]).sum(axis=-1)), ()
        return top, [np.asarray(p) for p in np.unravel_index(flat.argmax(axis=-1), shape[free:])]

    def added(self, total: NDArray[Any], part: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(total + part)

    def zeros(self, shape: Shape) -> NDArray[Any]:
        return np.zeros(shape)

    def awaited(self, shape: Shape, are_places: bool) -> NDArray[Any]:
        return np.zeros(shape, np.int64 if are_places else result_type(self.arrays))

    def store(self, name: str, equation: Equation, at: Grid, value: Any) -> None:
        if at:
            self.arrays[name][self.within(np.shape(value), equation, at)] = value
        elif name == equation.name:
            self.arrays[name] = np.array(value, dtype=_type_of(equation, value, self.arrays))
        else:
            self.arrays[name] = value

    def solve(self, item: Implicit) -> None:
        """By Newton's method with slopes by differences, which are exact enough to go by."""
        self.run(item.equations[:1])
        start, name = self.arrays[item.equations[0].name], item.unknown.name
        x = start.astype(result_type(self.arrays) if start.dtype.kind != "c" else start.dtype)
        if any(array.dtype.kind == "c" for array in self.arrays.values()):
            x = x.astype(complex)
        step, nearest, small = np.zeros_like(x), np.inf, 0.0
        eps = float(np.finfo(x.dtype).eps)
        aside = ASIDE * (eps / 2.0**-52)**0.5
        for _ in range(STEPS):
            value = self.gone_through(item, x)
            gap = np.max(np.abs(value - x), initial=0)
            if not gap <= nearest:
                if nearest <= small:  # as near as rounding lets it
                    return
                step = step / 2  # too far
                x = np.asarray(x - step)
                continue
            slope = np.eye(x.size, dtype=x.dtype)
            for place in range(x.size):
                moved = x.copy()
                size = aside * (1 + abs(moved.flat[place]))
                moved.flat[place] += size
                slope[:, place] -= (self.gone_through(item, moved) - value).ravel() / size
            try:
                step = np.linalg.solve(slope, (value - x).ravel()).reshape(x.shape)
            except np.linalg.LinAlgError:
                break
            small = ROUNDINGS * eps * (1 + np.max(np.abs(x), initial=0))
            x, nearest = np.asarray(x + step), gap
            if np.max(np.abs(step), initial=0) <= small < np.inf:
                self.gone_through(item, x)
                return
        raise ValueError(unsolved(name))

    def labels(self, read: Read, grid: Grid) -> Any:
        return self._read(read, grid).astype(np.int64)

    def _read(self, read: Read, grid: Grid) -> NDArray[Any]:
        if read.array == INDEX_VALUE:
            return np.asarray(self.subscript(read.at[0], grid))
        array = self.arrays[read.array]
        places = self.places(read, array.shape, grid)[0]
        if array.size == 0:  # beside a guard that holds nowhere there are places, but no entry
            return np.zeros(np.broadcast_shapes(*map(np.shape, places)), array.dtype)
        return np.asarray(array[places])


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


# --- texts that are tried -----------------------------------------------------------------------


CLOSE = 1e-9
"""How far what a text computes may be from its equation, of the largest entry."""


def computes(
    item: Item, lines: Sequence[str], shapes: Mapping[str, tuple[Size, ...]],
    integers: Collection[str], definitions: Sequence[str],
) -> bool:
    """Whether `lines`, below `definitions`, compute the arrays of an item, tried on small arrays.

    Indices, guards and gathers leave many ways to write an equation down: what is written on its
    indices is a text only where it gives what the equation gives, at two choices of sizes.

    shapes: of all arrays.  integers: those that hold places.
    """
    equations = equations_of(item)
    made = [name for e in equations for name in (e.name, *e.argmax)]
    terms = [term for e in equations for term in e.terms]
    read = sorted({r.array for term in terms for r in term_reads(term)} - {*made, INDEX_VALUE})
    inner = [*(i.size for term in terms for i in term.over), *(term.body for term in terms)]
    choices = [(sizes, lengths) for sizes in _choices([*inner, *(
                   n for name in (*read, *made) for n in shapes[name])])
               if (lengths := _lengths(read, shapes, sizes)) is not None]
    try:
        with np.errstate(all="ignore"):
            return bool(choices) and all(
                _alike(item, lines, _drawn(lengths, integers, number), sizes, definitions, made)
                for number, (sizes, lengths) in enumerate(choices))
    except Exception:  # a text that fails is none
        return False


def _lengths(
    names: Sequence[str], shapes: Mapping[str, tuple[Size, ...]], sizes: Mapping[sp.Symbol, int]
) -> dict[str, list[int]] | None:
    """The lengths of arrays' axes; None where the sizes leave an axis none."""
    found = {name: [int(n.xreplace(sizes)) for n in shapes[name]] for name in names}
    return None if any(length < 1 for axes in found.values() for length in axes) else found


def _drawn(
    lengths: Mapping[str, Sequence[int]], integers: Collection[str], number: int
) -> Values:
    """Random arrays; the places 0 and 1, which every axis has, for those that hold places."""
    random = np.random.default_rng(number)
    return {name: random.integers(0, 2, axes) if name in integers
            else random.uniform(-1 + number, 1 + number, axes) for name, axes in lengths.items()}


def _choices(parts: Sequence[sp.Expr]) -> Sequence[Mapping[sp.Symbol, int]]:
    """Different numbers for the sizes in some expressions: rising ones, and falling ones."""
    symbols = sorted({s for part in parts for s in part.free_symbols if s.is_positive}, key=str)
    return (dict(zip(symbols, range(2, len(symbols) + 2), strict=True)),
            dict(zip(symbols, range(len(symbols) + 3, 3, -1), strict=True)))


def _alike(
    item: Item, lines: Sequence[str], arrays: Values, sizes: Mapping[sp.Symbol, int],
    definitions: Sequence[str], made: Sequence[str],
) -> bool:
    expected = dict(arrays)
    evaluate_item(item, expected, sizes)
    space: dict[str, Any] = {"np": np, "dtype": np.dtype(float), **arrays,
                             **{str(symbol): size for symbol, size in sizes.items()}}
    # The text's names are identifiers of its own, and hold nothing that could be run.
    exec("\n\n".join(["import numpy as np", *definitions, "\n".join(lines)]), space)
    for name in made:
        one, other = np.asarray(space[name]), np.asarray(expected[name])
        bound = CLOSE * (1 + np.max(np.abs(other[np.isfinite(other)]), initial=0))
        if one.shape != other.shape or not np.allclose(one, other, 0, bound, equal_nan=True):
            return False
    return True
