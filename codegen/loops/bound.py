"""Loops bound to arrays: compiled functions of tables of pointers, called with NumPy's arrays."""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ...symbolic.equation import Equation, EquationError, Item, Read, Size, System, equations_of
from ...symbolic.evaluator import Grid, NotComputableError, Places, size_number
from ..arguments import REMEMBERED, Arguments, fitted, is_below
from ..lean.apart import apart_from
from ..lean.keyed import keyed_text
from .memory import Place, laid_out

SINGLE = 2**24
"""Up to this number, every whole one is a float32."""

LARGE = 2**14
"""From so many multiplications a product is left to a BLAS, whose call takes about 1 µs."""


FRESH = 2**10
"""Results of so many entries are new arrays at each call; smaller ones are copied, which is less
work for one."""


@dataclass(frozen=True)
class Kernel:
    """What is bound: loops over `items` of a system.

    language: what they are written in, as the target is called.  sizes, inputs, results, inner:
    what stands in its tables, in their order, and the arrays on the way.  shapes: of arrays in
    memory.  places: where the latter stand.  made: for float32 or float64, what is compiled.
    large: the same with products of matrices by a BLAS, for sizes with a product of so much work;
    None without one.
    """

    language: str
    system: System
    items: tuple[Item, ...]
    sizes: tuple[sp.Symbol, ...]
    inputs: tuple[str, ...]
    results: tuple[str, ...]
    inner: tuple[str, ...]
    shapes: Mapping[str, tuple[Size, ...]]
    places: tuple[Place, ...]
    made: Callable[[np.dtype[Any]], Compiled]
    large: Callable[[], Kernel] | None = None
    products: tuple[sp.Expr, ...] = ()

    def of(self, sizes: Mapping[sp.Symbol, int]) -> Kernel:
        """The one for these sizes."""
        most = max((size_number(work, sizes) for work in self.products), default=0)
        return self if self.large is None or most < LARGE else self.large()


@dataclass(frozen=True)
class Compiled:
    """A function of a table of pointers and one of numbers.

    pointers: further ones, behind the arrays' places.  kept: what has to live as long.
    """

    function: Any
    pointers: tuple[int, ...]
    kept: Any


class Gradient:
    """``f(**arrays) -> (the first result, the others by their keys)``, or the dict alone where all
    have keys.

    made_of: the function that makes it and its arguments; a copy, and a pickled one, is compiled
    anew.  order: the results' places, one for each that is asked for.
    """

    def __init__(
        self, kernel: Kernel, made_of: tuple[Callable[..., Any], tuple[Any, ...]],
        order: Sequence[int], keys: Sequence[str], workspace: bool, arguments: Arguments,
    ) -> None:
        self._made_of = made_of
        self._language = kernel.language
        self._arguments = arguments
        self._calls = Bound(kernel, order, tuple(keys), workspace, arguments)

    def __call__(self, **arrays: Any) -> Any:
        last = self._calls.last
        if last is not None:
            try:
                found = last(**arrays)
            except TypeError:  # other names than the inputs'
                found = None
            if found is not None:
                return found
        given, is_complex = self._arguments(arrays)
        if is_complex:
            raise TypeError(f"target {self._language!r} computes with real numbers, and an input "
                            "is complex")
        return self._calls(given)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._made_of


def bound(
    kernel: Kernel, maker: Callable[..., Any], system: System, results: Sequence[str],
    keys: Sequence[str], workspace: bool,
) -> Gradient:
    """The function of the system's inputs that `maker`, of the later arguments, is to return."""
    distinct = list(dict.fromkeys(results))
    return Gradient(kernel, (maker, (system, results, keys, workspace)),
                    [distinct.index(name) for name in results], keys, workspace,
                    Arguments(system))


_OWN = frozenset(("held", "table", "function", "lock", "table_at", "numbers_at", "ndarray", "kept",
                  "apart", "empty", "real", "at",
                  *(f"{stem}{k}" for stem in ("r", "dtype", "shape") for k in range(1000))))
"""What the function that binds a call refers to."""


class Bound:
    """A function bound to arrays of its own for the results, for one kind of call after another.

    last: the latest, of arrays by name; None where they are not of its kind.
    """

    def __init__(
        self, source: Kernel, order: Sequence[int], keys: tuple[str, ...], workspace: bool,
        arguments: Arguments,
    ) -> None:
        self.source = source
        self.order = order
        self.keys = keys
        self.workspace = workspace
        self.arguments = arguments
        self.last: Callable[..., Any] | None = None
        self._made: dict[Any, Callable[..., Any]] = {}

    def __call__(self, given: Sequence[Any]) -> Any:
        kinds = [one.dtype for one in given if one.dtype.kind == "f"]
        real = np.result_type(*kinds) if kinds else np.dtype(float)
        real = np.dtype(np.float32) if real == np.float32 else np.dtype(np.float64)
        taken = [np.ascontiguousarray(one, np.int64 if array.is_integer else real).reshape(
            np.shape(one)) for one, array in zip(given, self.arguments.system.inputs, strict=True)]
        key = real, tuple(one.shape for one in taken)
        function = self._made.get(key)
        if function is None:
            if len(self._made) >= REMEMBERED:
                self._made.clear()
            function = self._made[key] = self._fitted(taken, real)
        self.last = function
        return function(**dict(zip(self.arguments.names, taken, strict=True)))

    def _fitted(self, given: Sequence[Any], real: np.dtype[Any]) -> Callable[..., Any]:
        sizes = fitted(self.source.system.inputs, given)
        none = [f"{size} = 0" for size, n in sizes.items() if not n]
        if none:
            raise ValueError(f"{', '.join(none)}: expected sizes of 1 or more")
        source = self.source.of(sizes)
        if real == np.float32:
            check_single(source, sizes)
        check_places(source, sizes)
        shapes = {name: tuple(size_number(n, sizes) for n in source.shapes[name])
                  for name in (*source.results, *source.inner)}
        fresh = [name for name in source.results
                 if not self.workspace and math.prod(shapes[name]) >= FRESH]
        results = [np.empty(() if name in fresh else shapes[name], real)
                   for name in source.results]
        made = source.made(real)
        numbers = (ctypes.c_long * max(len(sizes), 1))(*(sizes[s] for s in source.sizes))
        starts, counted = _starts(source, shapes)
        work = np.empty(counted + 1, real)
        bases = {name: one.ctypes.data for name, one in zip(source.results, results, strict=True)}
        bases[""] = work.ctypes.data
        written = [*source.results, *source.inner]
        table = (ctypes.c_void_p * (len(given) + len(written) + len(made.pointers)))(
            *([None] * len(given)), *(bases[starts[name][0]] + starts[name][1] * real.itemsize
                                      for name in written), *made.pointers)
        lines, space = _made_anew(fresh, source.results, shapes, {
            len(given) + place: starts[name] for place, name in enumerate(written)}, real)
        space["kept"] = work, made, numbers
        return self._caller(given, results, made.function, (table, numbers), (lines, space))

    def _caller(
        self, given: Sequence[Any], results: Sequence[Any], function: Any,
        tables: tuple[Any, Any], fresh: tuple[list[str], dict[str, Any]],
    ) -> Callable[..., Any]:
        """A call for arrays of these types and shapes: an array that was given the time before is
        not asked for its place again.  fresh: lines that make results anew, and what they call."""
        wanted, checked = self.arguments.names, self.arguments.checks(given)
        plain = not checked and list(self.source.inputs) == wanted and not {*wanted} & _OWN
        names = wanted if plain else [f"x{k}" for k in range(len(given))]
        lines = [f"def run({', '.join(names)}):", "    with lock:"]
        for k, (name, one) in enumerate(zip(names, given, strict=True)):
            lines += [f"        if {name} is not held[{k}]:",
                      f"            if {name}.__class__ is not ndarray or "
                      f"not {name}.flags.c_contiguous: return None",
                      *([f"            {name} = apart({name})"] if self.workspace else []),
                      f"            held[{k}], table[{k}] = None, "
                      f"{name}.__array_interface__['data'][0]",
                      f"            held[{k}] = {name}",
                      # which may be set in place; that of an array from a pickle is another object
                      f"        if {name}.shape != {one.shape} or {name}.dtype is not dtype{k} "
                      f"and {name}.dtype != dtype{k}: return None"]
        lines += [f"        {line}" for line in fresh[0]]
        whole = "r{}" if self.workspace else "r{}.copy()"
        values = [f"r{k}" if f"shape{k}" in fresh[1] else whole.format(k) if results[k].shape
                  else f"r{k}[()]" for k in self.order]
        lines += ["        function(table_at, numbers_at)",
                  f"        return {keyed_text(values, [*map(repr, self.keys)])}"]
        space: dict[str, Any] = {
            "held": [None] * len(given), "table": tables[0], "function": function,
            "lock": threading.Lock(), "table_at": ctypes.addressof(tables[0]),
            "numbers_at": ctypes.addressof(tables[1]), "ndarray": np.ndarray,
            "apart": apart_from(results), **fresh[1],
            **{f"r{k}": one for k, one in enumerate(results)},
            **{f"dtype{k}": one.dtype for k, one in enumerate(given)}}
        exec("\n".join(lines), space)  # names and numbers of its own alone
        run: Any = space["run"]
        if plain:
            return run  # type: ignore[no-any-return]
        positions = set(wanted)

        def call(**arrays: Any) -> Any:
            if arrays.keys() != positions:
                return None
            for name, number in checked:  # of these shapes; of others, they may be any
                if getattr(arrays[name], "dtype", None) != np.int64 or not is_below(
                        arrays[name], number):
                    return None
            return run(*[arrays[name] for name in wanted])

        return call


def _starts(
    source: Kernel, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, tuple[str, int]], int]:
    """Where each array that is written starts: the result whose memory it has, "" for working
    memory, and the number of entries before it; and how many entries of working memory there are.
    """
    counts = {name: math.prod(shape) for name, shape in shapes.items()}
    starts, counted = laid_out(
        source.places, counts, [name for name in source.results if counts[name] >= FRESH])
    starts |= {name: (one.result, 0) for one in source.places if one.result
               for name in one.names}
    return starts, counted


def _made_anew(
    fresh: Sequence[str], results: Sequence[str], shapes: Mapping[str, tuple[int, ...]],
    starts: Mapping[int, tuple[str, int]], real: np.dtype[Any],
) -> tuple[list[str], dict[str, Any]]:
    """Lines that make results anew and set the places of the table that are in them, and what the
    lines refer to.  starts: by places of the table."""
    lines, space = [], dict[str, Any]()
    for name in fresh:
        k = results.index(name)
        lines += [f"r{k} = empty(shape{k}, real)", f"at = r{k}.__array_interface__['data'][0]"]
        lines += [f"table[{place}] = at + {entries * real.itemsize}"
                  for place, (host, entries) in starts.items() if host == name]
        space[f"shape{k}"] = shapes[name]
    return lines, space | {"empty": np.empty, "real": real}


def check_single(source: Kernel, sizes: Mapping[sp.Symbol, int]) -> None:
    """Raises ValueError where the place of a maximum is a number that no float32 is: it is kept
    among the reals."""
    for equation in (e for item in source.items for e in equations_of(item) if e.argmax):
        for index in equation.terms[0].over:
            if size_number(index.size, sizes) > SINGLE:
                raise ValueError(
                    f"{equation.name}: expected an axis of up to {SINGLE} entries, got "
                    f"{index.size} = {size_number(index.size, sizes)}: the place of a maximum is "
                    "kept as a float32; give float64, or take the target 'numpy'")


class _Numbers(Places):
    def labels(self, read: Read, grid: Grid) -> Any:
        raise NotComputableError(str(read))


def check_places(source: Kernel, sizes: Mapping[sp.Symbol, int]) -> None:
    """Raises ValueError for an entry that is read where an array has none: loops would read on.

    Labels are checked where they are given.
    """
    numbers, shapes = _Numbers(sizes), source.system.shapes
    for equation in (e for item in source.items for e in equations_of(item)):
        for term in equation.terms:
            indices = (*equation.out, *term.over)
            try:
                lengths = [numbers.number(index.size) for index in indices]
            except NotComputableError as error:
                raise EquationError(
                    f"no {source.language} for {equation.name}: {error}") from None
            grid = {index.symbol: np.arange(length).reshape(
                [-1 if k == place else 1 for k in range(len(indices))])
                for place, (index, length) in enumerate(zip(indices, lengths, strict=True))}
            for read in term.reads:
                _check_read(numbers, equation, term.guards, read, shapes.get(read.array, ()), grid)


def _check_read(
    numbers: _Numbers, equation: Equation, guards: Sequence[Any], read: Read,
    shape: Sequence[sp.Expr], grid: Grid,
) -> None:
    for entry, size in zip(read.at, shape, strict=False):
        if isinstance(entry, Read):
            continue
        found, length = np.asarray(numbers.subscript(entry, grid)), numbers.number(size)
        wrong = (found < 0) | (found >= length)
        for guard in guards if wrong.any() else ():
            try:
                wrong = wrong & numbers.holds(guard, grid)
            except NotComputableError:  # of labels
                continue
        if wrong.any():
            raise ValueError(f"{equation.name} reads {read}, and an axis of {read.array} has "
                             f"{length} entries")
