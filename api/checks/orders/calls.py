"""Functions as SciPy calls them, ``f(x, *args)``, as functions of arrays by name.

The calls are partials that hold the user's functions, so that a trace can run them with its
stand-ins.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from gradproof.checks.inputs import Inputs, meant
from gradproof.checks.subject import Declared, Values
from gradproof.limits.calls import called
from gradproof.symbolic.equation import Array
from gradproof.symbolic.tracing.run import Trace, trace

# --- what is taken of a result --------------------------------------------------------------------


Pick: TypeAlias = Callable[[Any], Any]
"""What is taken of what a function returns."""


def as_it_is(found: Any) -> Any:
    return found


def whole(found: Any) -> Any:
    """An array of what may be a list of numbers or of rows, or a sparse matrix."""
    if isinstance(found, list | tuple):
        return np.stack([whole(part) for part in found]) if found else np.array(found)
    return found.toarray() if hasattr(found, "toarray") else found


def first(found: Any) -> Any:
    """The value of what may be a pair (value, gradient)."""
    return found[0] if is_pair(found) else found


def second(found: Any) -> Any:
    """The gradient of a pair (value, gradient), or the gradients by name."""
    return found[1] if isinstance(found[1], Mapping) else whole(found[1])


def total(found: Any) -> Any:
    """The sum over samples of what may be a pair."""
    return np.sum(whole(first(found)))


def is_pair(found: Any) -> bool:
    """Whether it is a value and its gradient, as SciPy's ``jac=True`` has them."""
    return isinstance(found, tuple) and len(found) == 2 and (
        isinstance(found[1], Mapping) or (len(getattr(found[0], "shape", ())) == 0
        and len(getattr(found[1], "shape", ())) > 0))


# --- a call --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """An argument that holds several: what a boosting library's data set is to an objective.

    contents: (what it is called there, the array's name), as in get_label() and .label.
    """

    contents: tuple[tuple[str, str], ...]


class Contents:
    """What an objective sees of a data set: get_label(), get_weight(), ..., None for what it has
    not."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = arrays

    def __getattr__(self, name: str) -> Any:
        arrays = self.__dict__["arrays"]
        if name in arrays:
            return arrays[name]
        if name.startswith("get_"):
            return partial(arrays.get, name.removeprefix("get_"))
        raise AttributeError(f"a data set here has {', '.join(arrays)}, not {name}")


@dataclass(frozen=True)
class Entry:
    """An argument that is one entry of an array: a parameter of ``curve_fit``, of all of them."""

    name: str
    place: int


Argument: TypeAlias = "str | Box | Entry"


@dataclass(frozen=True)
class Call:
    """A user's function as one of arrays by name.

    order: what is handed over by position; keywords: by name, and what.  fixed: constants by name.
    pick: what is taken of what it returns.
    """

    function: Callable[..., Any]
    order: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    pick: Callable[[Any], Any] = as_it_is

    @property
    def is_partly_named(self) -> bool:
        """Whether it is handed all by place, and has the names of some of them."""
        named = _Parameters(self.function).named
        return not self.keywords and not named.keys().isdisjoint(map(str, self.order)) and not (
            {*map(str, self.order)} <= named.keys())

    @property
    def names(self) -> frozenset[str]:
        """The arrays and constants that it is handed."""
        handed = (*self.order, *(argument for _, argument in self.keywords))
        return frozenset(name for argument in handed for name in _names(argument))

    @property
    def filled(self) -> set[str]:
        """The function's own names of what it is handed."""
        own = [name for name, _ in zip(_Parameters(self.function).named, self.order, strict=False)]
        return {*own, *(name for name, _ in self.keywords)}

    def at(self, values: Values) -> Any:
        """What it returns for arrays by name, which are copied."""
        names = self.names - self.fixed.keys()
        return called(partial(self.run, **{name: np.array(values[name]) for name in names}))

    def traced(self, declared: Declared) -> Trace:
        """Its equations; ValueError (TraceError) where there are none."""
        return called(partial(trace, self.run, declared))

    @property
    def run(self) -> Callable[..., Any]:
        return partial(_run, self.function, self.order, self.keywords, dict(self.fixed), self.pick)

    def with_function(self, function: Callable[..., Any]) -> Call:
        return replace(self, function=function)


@dataclass(frozen=True)
class CallSide:
    """One of the two sides of a check: a user's function that is called in a way of its own."""

    call: Call
    taken: Inputs

    @property
    def function(self) -> Callable[..., Any]:
        return self.call.function

    def with_function(self, function: Callable[..., Any]) -> CallSide:
        return replace(self, call=self.call.with_function(function))

    def at(self, values: Values) -> Any:
        return called(partial(self.call.run, **self.taken.at(values)))

    def traced(self, declared: Declared) -> Trace:
        return self.call.traced(declared)


def _names(argument: Argument) -> list[str]:
    if isinstance(argument, Box):
        return [name for _, name in argument.contents]
    return [argument if isinstance(argument, str) else argument.name]


def _run(
    function: Callable[..., Any], order: Sequence[Argument],
    keywords: Sequence[tuple[str, Argument]], fixed: Mapping[str, Any],
    pick: Callable[[Any], Any], /, **arguments: Any,
) -> Any:
    known = {**arguments, **fixed}

    def made(argument: Argument) -> Any:
        if isinstance(argument, str):
            return known[argument]
        if isinstance(argument, Entry):
            return known[argument.name][argument.place]
        return Contents({key: known[name] for key, name in argument.contents})

    return pick(function(*[made(argument) for argument in order],
                         **{name: made(argument) for name, argument in keywords}))


# --- arguments ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arguments:
    """What a function is called with: `by` first, as a rule, then the rest.

    names: in the order of the function.  given: inputs by name.  fixed: constants.
    entries: names that are entries of the input `by`.
    """

    names: tuple[str, ...]
    given: Mapping[str, Any]
    fixed: Mapping[str, Any]
    by: str
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def packed(self, names: Sequence[str]) -> Arguments:
        """The same where numbers that the function takes one by one are entries of one array.

        ValueError where one of them is an array.
        """
        values = [self.given.get(name, self.fixed.get(name)) for name in names]
        if unfit := [name for name, value in zip(names, values, strict=True) if (
                value.split() if isinstance(value, str) else getattr(value, "shape", ()))]:
            raise ValueError(f"wrt: {unfit[0]} is an array; several names are for parameters that "
                             'are numbers, as curve_fit has them (shape "")')
        free = next(name for name in ("params", "theta", "params_") if name not in self.names)
        given = {name: value for name, value in self.given.items() if name not in names}
        numbers = all(isinstance(value, int | float | np.ndarray | np.number) for value in values)
        given[free] = np.array(values, dtype=float) if numbers else str(len(names))
        fixed = {name: value for name, value in self.fixed.items() if name not in names}
        entries = {name: Entry(free, place) for place, name in enumerate(names)}
        return replace(self, given=given, fixed=fixed, by=free, entries=entries)

    def call(
        self, what: str, function: Any, pick: Callable[[Any], Any], extra: str = ""
    ) -> Call:
        """A further function of the same arguments, with `extra` behind the first.

        By name where it has these names, else by position.  ValueError where neither fits.
        """
        if not callable(function):
            raise ValueError(f"{what}: expected a function, got {function!r:.60}")
        place = 1 + max(self.names.index(name) for name in (self.entries or [self.by]))
        names = (*self.names[:place], *([extra] if extra else []), *self.names[place:])
        taken = _Parameters(function)
        if taken.fit_by_name(names):
            placed, named = taken.split([name for name in taken.named if name in names])
            return Call(function, self._made(placed),
                        tuple(zip(named, self._made(named), strict=True)), self.fixed, pick)
        if taken.fit_in_order(names):
            return Call(function, self._made(names), (), self.fixed, pick)
        raise ValueError(f"{what}: its parameters are {', '.join(p.name for p in taken.all)}; it "
                         f"is called with {', '.join(names)}, in this order or by these names")

    def _made(self, names: Sequence[str]) -> tuple[Argument, ...]:
        return tuple(self.entries.get(name, name) for name in names)


def arguments_of(
    what: str, function: Any, given: Mapping[str, Any], args: Sequence[Any],
    constants: Mapping[str, Any], by: str | None,
) -> Arguments:
    """The arguments of a function (x, *args): those given by name, and `args` by position.

    Numbers that are whole, truth values, text among the `args`, None and functions are constants.
    ValueError for what does not fit.
    """
    if not callable(function):
        raise ValueError(f"{what}: expected a function, got {function!r:.60}")
    values = _Parameters(function).filled(what, {**given, **constants}, args)
    chosen = next(iter(values)) if by is None and values else str(by)
    fixed = {name: value for name, value in values.items()
             if _is_constant(value) and not (name in given and isinstance(value, str))
             and not (name == chosen and isinstance(value, int))}
    if chosen not in values or chosen in fixed:
        raise ValueError(f"wrt: expected one of {', '.join(values) or '(nothing is given)'}, to "
                         f"differentiate by, got {chosen!r}")
    free = {name: value for name, value in values.items() if name not in fixed}
    return Arguments(tuple(values), free, fixed, chosen)


class _Parameters:
    """What a function takes: `named` are those that are not of any number, `needed` of them those
    without a default.  A built-in does not say what it takes; calling it will tell."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.is_said, self.all = True, list[inspect.Parameter]()
        try:
            self.all = list(inspect.signature(function).parameters.values())
        except (ValueError, TypeError):
            self.is_said = False
        many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        self.named = {p.name: p for p in self.all if p.kind not in many}
        self.needed = [name for name, p in self.named.items() if p.default is p.empty]
        self.takes_any = not self.is_said or len(self.named) < len(self.all)

    def filled(
        self, what: str, by_name: Mapping[str, Any], args: Sequence[Any]
    ) -> dict[str, Any]:
        """All values by name, in the function's order; `args` are those that no name is given for.

        ValueError for what is too much, and for what is missing.
        """
        if not self.takes_any and (unknown := [n for n in by_name if n not in self.named]):
            raise ValueError(f"{what}: has no parameter {unknown[0]!r}; its parameters are "
                             f"{', '.join(self.named)}{meant(unknown[0], self.named)}")
        free = [name for name in self.named if name not in by_name]
        if args and self.takes_any:
            free += [f"arg{place}" for place in range(1, len(args) + 1 - len(free))]
        if len(args) > len(free):
            raise ValueError(f"{what}: args has {len(args)} entries, for the parameters "
                             f"{', '.join(free) or '(none is left)'}")
        values = {**by_name, **dict(zip(free, args, strict=False))}
        if missing := [name for name in self.needed if name not in values]:
            raise ValueError(f"{what}: give its parameter {missing[0]!r} a shape, as in "
                             f"{missing[0]}=\"n\", an array, or a place in args")
        order = [*(name for name in self.named if name in values),
                 *(name for name in values if name not in self.named)]
        return {name: values[name] for name in order}

    def fit_by_name(self, names: Sequence[str]) -> bool:
        return not self.named.keys().isdisjoint(names) and {*self.needed} <= {*names}

    def fit_in_order(self, names: Sequence[str]) -> bool:
        """Whether it can be called with these, none of them in another's place."""
        ordered = [p for p in self.named.values() if p.kind is not p.KEYWORD_ONLY]
        least = sum(p.default is p.empty for p in ordered)
        most = len(ordered)
        if not self.is_said or any(p.kind is p.VAR_POSITIONAL for p in self.all):
            most = len(names)
        return least <= len(names) <= most and all(
            p.name not in names or p.name == name
            for p, name in zip(ordered, names, strict=False))

    def split(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """Those that are handed over by their places alone, and the others."""
        placed = [n for n in names if self.named[n].kind is inspect.Parameter.POSITIONAL_ONLY]
        return placed, [name for name in names if name not in placed]


def floating(value: Any) -> Any:
    """What is differentiated by: whole numbers are meant as floats."""
    if isinstance(value, str | Array | Mapping):
        return value
    array = np.asarray(value)
    return array.astype(float) if array.dtype.kind in "iub" else array


def _is_constant(value: Any) -> bool:
    return value is None or callable(value) or isinstance(value, str | bool | int)
