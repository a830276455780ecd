"""Equations as one NumPy function: the text that is printed of them, run behind a check of the
arguments.

What has no text, and what of complex numbers a text may take the modulus, is evaluated as it
stands, by :mod:`interpret`, between the stretches of text before and after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from ..symbolic.equation import Array, EquationError, Item, System, equations_of
from ..symbolic.functions import TANH, Opaque
from ..symbolic.special import Special
from .arguments import (
    REMEMBERED,
    SCALARS_WIDEN,
    Arguments,
    Sizes,
    fitted,
    is_below,
    owned,
)
from .diagonals.compressed import compressed
from .identifiers import pronounceable
from .interpret import Values, evaluate_item
from .lean.fitted import fitted as fitted_text
from .lean.flat import NotFlatError
from .lean.keyed import keyed
from .saturated import needed, prepared
from .source import Printing, function_text

Step: TypeAlias = Callable[[Values, Sizes], None]
"""Adds arrays to those there are so far."""


def compile_system(
    system: System,
    results: Sequence[str],
    row_vectors: bool = True,
    keys: Sequence[str] | None = None,
    *,
    fit: bool = False,
    workspace: bool = False,
) -> Callable[..., Any]:
    """A function of the system's inputs (by keyword) that returns the arrays in `results`.

    keys: of all results but the first; the function returns that one and a dict of the others.  Of
    all results: it returns the dict alone.
    fit: the text is fitted to the types and shapes of each kind of call, at the first such call
    (some milliseconds), for which its roundings are other ones.
    workspace: the function returns the same arrays at each call with the same types and shapes,
    with new values in them, and allocates no others; not for several threads at once.

    Only what the results need is computed.  Integers given for a real input are taken as floats;
    results share no memory with the inputs or each other.  Raises TypeError for a missing or
    unknown input and ValueError for a shape or a label that does not fit, naming the input, or for
    a size of 0 where an entry along it is read by its number, or is the largest.
    """
    return _Compiled(system, tuple(results), row_vectors, keys, fit, workspace)


class _Compiled:
    """What :func:`compile_system` returns; a copy of it, and a pickled one, is compiled anew."""

    def __init__(
        self, system: System, results: tuple[str, ...], row_vectors: bool,
        keys: Sequence[str] | None, fit: bool, workspace: bool,
    ) -> None:
        self._made_of = system, results, row_vectors, keys, fit, workspace
        spoken, names = pronounceable(compressed(prepared(system), results))
        self._program = _Program(spoken, tuple(names[name] for name in results), row_vectors)
        self._arguments = Arguments(system)
        self._inputs = system.inputs
        self._keys = keys
        self._fitting = _Fitting(self._program, self._arguments, keys, workspace) if (
            fit or workspace) else None

    def __call__(self, **arrays: Any) -> Any:
        fitting = self._fitting
        if fitting is not None and fitting.last is not None:
            try:
                found = fitting.last(**arrays)
            except TypeError:  # other names than the inputs'
                found = None
            if found is not None:
                return found
        given, is_complex = self._arguments(arrays)
        last = None if fitting is None or is_complex else fitting.of(arrays, given)
        if last is not None:
            return last(**arrays)
        made = owned(self._program.quiet(given, is_complex, self._inputs), given)
        return keyed(made, self._keys)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Compiled, self._made_of


class _Fitting:
    """The text of a program, fitted to the types and shapes that it is called with.

    last: the latest of its functions: of the arrays by name; it returns None where they are not of
    its types and shapes.
    """

    def __init__(
        self, program: _Program, arguments: Arguments, keys: Sequence[str] | None,
        workspace: bool,
    ) -> None:
        self.program = program
        self.arguments = arguments
        self.keys = keys
        self.workspace = workspace
        self.last: Callable[..., Any] | None = None
        self._made: dict[Any, Callable[..., Any]] = {}
        self._has_text = not SCALARS_WIDEN and bool(arguments.names)

    def of(
        self, arrays: Mapping[str, Any], given: Sequence[Any]
    ) -> Callable[..., Any] | None:
        """The function for arrays like these; None where they are not taken as they are, or where
        there is no text."""
        names = self.arguments.names
        if not self._has_text or any(
                arrays[name] is not one for name, one in zip(names, given, strict=True)):
            return None
        kinds = tuple([(type(one), one.dtype, one.shape) for one in given])
        made = self._made.get(kinds)
        if made is None:
            if len(self._made) >= REMEMBERED:
                self._made.clear()
            made = self._fitted(given)
            if made is None:
                return None
            self._made[kinds] = made
        self.last = made
        return made  # another thread may have set another one as the last

    def _fitted(self, given: Sequence[Any]) -> Callable[..., Any] | None:
        text = self.program.text_of_all
        if text is None or any(not n for one in given for n in one.shape):
            self._has_text = text is not None
            return None
        try:
            function = fitted_text(text, given, self.keys, self.workspace)
        except NotFlatError:
            self._has_text = False
            return None
        names, checked = self.arguments.names, self.arguments.checks(given)
        if not checked and names == [array.name for array in self.program.system.inputs]:
            return function

        def call(**arrays: Any) -> Any:
            if arrays.keys() != set(names):
                return None
            for name, number in checked:  # of these shapes; of others, they may be any
                if getattr(arrays[name], "dtype", None) != np.int64 or not is_below(
                        arrays[name], number):
                    return None
            return function(*[arrays[name] for name in names])

        return call


@dataclass(frozen=True)
class _Program:
    """What computes the results from the inputs' values, in their order.

    known: the sizes by the inputs' shapes, as far as these were given before.
    """

    system: System
    results: tuple[str, ...]
    row_vectors: bool
    known: dict[Any, Sizes] = field(default_factory=dict)

    @cached_property
    def items(self) -> list[Item]:
        return needed(self.system, self.results)

    def quiet(
        self, given: Sequence[Any], is_complex: bool, inputs: Sequence[Array]
    ) -> Sequence[Any]:
        """What `run` gives, without warnings.  Raises ValueError where an entry is read along an
        axis that has none."""
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            try:
                return self.run(given, is_complex)
            except (IndexError, ValueError) as error:
                none = [f"{size} = 0" for size, n in fitted(inputs, given).items() if not n]
                if not none:
                    raise
                raise ValueError(f"{', '.join(none)}: expected sizes of 1 or more, since an entry "
                                 f"is read that is not there ({error})") from None

    def run(self, given: Sequence[Any], is_complex: bool) -> Sequence[Any]:
        if self.text is not None and not is_complex:
            return self.text(*given)  # type: ignore[no-any-return]
        arrays: Values = dict(zip((a.name for a in self.system.inputs), given, strict=True))
        known = self._sizes(given)
        for step in self.complex_steps if is_complex else self.steps:
            step(arrays, known)
        return [arrays[name] for name in self.results]

    def _sizes(self, given: Sequence[Any]) -> Sizes:
        """The sizes that the inputs show, by the names that they have in the text."""
        shapes = tuple([np.shape(one) for one in given])
        found = self.known.get(shapes)
        if found is None:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            found = self.known[shapes] = fitted(self.system.inputs, given)
        return found

    @cached_property
    def text_of_all(self) -> str | None:
        """All of it as one text; None where an item has none."""
        try:
            return self._text(self.items, self.results)
        except EquationError:
            return None

    @cached_property
    def text(self) -> Callable[..., Any] | None:
        return None if self.text_of_all is None else _function(self.text_of_all)

    @cached_property
    def steps(self) -> list[Step]:
        return self._steps(self._has_text)

    @cached_property
    def complex_steps(self) -> list[Step]:
        return self._steps(lambda item: _is_analytic(item) and self._has_text(item))

    def _has_text(self, item: Item) -> bool:
        try:
            printing = Printing(self.system, self.row_vectors)
            printing.lines(item)
        except EquationError:
            return False
        return True

    def _steps(self, is_text: Callable[[Item], bool]) -> list[Step]:
        """The items in stretches, by text where they have one that serves."""
        steps: list[Step] = []
        known: list[str] = []
        for written, stretch in groupby(self.items, is_text):
            items = list(stretch)
            steps += [self._stretch(items, known)] if written else map(_interpreted, items)
            known += _made(items)
        return steps

    def _stretch(self, items: Sequence[Item], known: Sequence[str]) -> Step:
        made, before = _made(items), tuple(known)
        function = _function(self._text(items, made, before))
        names = [*(array.name for array in self.system.inputs), *before]

        def run(arrays: Values, sizes: Sizes) -> None:
            found = function(*[arrays[name] for name in names])
            arrays.update(zip(made, found, strict=True))

        return run

    def _text(
        self, items: Sequence[Item], results: Sequence[str], known: Sequence[str] = ()
    ) -> str:
        returned = [f"    return {''.join(f'{name}, ' for name in results)}"]
        return function_text(self.system, items, results, returned, name="run", known=known,
                             row_vectors=self.row_vectors)


def _function(text: str) -> Callable[..., Any]:
    """A text as a function.  All names in it are identifiers, which hold nothing to be run."""
    namespace: dict[str, Any] = {}
    exec(compile(text, "<equations>", "exec"), namespace)
    return namespace["run"]  # type: ignore[no-any-return]


def _interpreted(item: Item) -> Step:
    return lambda arrays, sizes: evaluate_item(item, arrays, sizes)


def _made(items: Sequence[Item]) -> list[str]:
    """The arrays that items define, places of maxima included."""
    equations = System((), tuple(items)).equations
    return [name for e in equations for name in (e.name, *e.argmax)]


def _is_analytic(item: Item) -> bool:
    """Whether the text of an item is right for complex numbers: it takes no modulus, compares
    nothing and calls no function of its own."""
    equations = equations_of(item)
    return all(
        e.reduction != "max" and not any(
            isinstance(part, sp.Piecewise | sp.Abs | sp.sign | sp.erf | Special)
            or (isinstance(part, Opaque) and type(part) is not TANH)
            for term in e.terms for part in sp.preorder_traversal(term.body))
        for e in equations
    )
