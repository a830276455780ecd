"""One trace under way: the equations so far, where each came from, and what was assumed.

The operations on traced arrays are functions of a session; it hands each new equation its source
line and learns from the user's variables what the arrays are called.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from types import FrameType
from typing import Any, Literal, TypeAlias

import numpy as np
import sympy as sp

from ..dependence import needed_part
from ..elementwise import NotRealError, real_body
from ..equation import (
    Array,
    Equation,
    Read,
    Size,
    System,
    equations_of,
    size_symbol,
    slot,
    slot_number,
)
from ..equation import Kind as ArrayKind
from ..layers.builder import Builder, Operand, ShapeError
from ..mixed_radix import by_digits
from ..places import SourceLine, said_place
from ..substitution import map_reads, rename_arrays
from .sizes import Number, exact, number
from .source import Place, TraceError, assigned_name, fail, place_of, user_frames
from .unwritten import Blank

Dtype: TypeAlias = Literal["float", "int", "bool"]
Entry: TypeAlias = Operand | sp.Expr
"""An array, or an exact number."""


def taken_as_exact(dtype: Any) -> str:
    """What is assumed of numbers of a dtype that cannot hold the exact ones; empty for the wide."""
    kept = np.dtype(dtype)
    narrow = {"f": kept.itemsize < 8, "i": kept.itemsize < 4, "u": True}.get(kept.kind, False)
    return f"numbers of {kept} are taken as exact" if narrow else ""


class Holder:
    """What user code holds a traced array in, where that is no array of NumPy's."""

    value: Any


class Session:
    """The state of one trace; `functions` are the NumPy functions by name, `ufunc` the others."""

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        ufunc: Callable[..., Any],
        wrap: Callable[[Session, Operand, Dtype], Any],
    ) -> None:
        self.functions = functions
        self.tracers: type = object
        self.unbounded: Mapping[str, Callable[..., Any]] = {}
        self.any_beyond: Callable[..., bool] = lambda session, values: False
        self.rebound: Callable[[Any], Any] = lambda value: value
        """Of the user's functions, classes and objects, those for traced code."""
        self.parameters: frozenset[int] = frozenset()  # by identity, those of a module
        self.age = 0
        self.unordered = False
        """Whether a set was gone through whose order differs from process to process."""
        self.handed: dict[int, tuple[Any, dict[str, Any]]] = {}
        """By identity, functions and classes that are no copies, and the attributes they had."""
        self._ufunc = ufunc
        self._wrap = wrap
        self.ruled: dict[int, Any] = {}  # by identity, functions whose rule a library would follow
        self._fresh()

    def _fresh(self) -> None:
        self.builder = Builder()
        self.lines: dict[str, SourceLine] = {}
        self.stacks: dict[str, tuple[Place, ...]] = {}
        # The frames are kept, so that no other gets the identity of one that has ended.
        self._calls: dict[int, tuple[int, FrameType]] = {}
        self.assumptions: dict[str, None] = {}
        self.decimals: dict[str, None] = {}
        self.least: dict[str, int] = {}
        self.stated: dict[str, int] = {}
        self.mutated: dict[str, None] = {}
        self.comparisons: dict[str, tuple[str, Entry, Entry]] = {}
        self.integers: set[str] = set()
        self.flattened: dict[str, Operand] = {}
        """By name, integer arrays whose axes a reshape has made one: what they were."""
        self.unseen: dict[str, str] = {}
        self.infinite: dict[str, tuple[Operand, Operand]] = {}
        """By name, arrays with entries -inf: their numbers, and where they are that."""
        self.blank: dict[str, Blank] = {}
        self.standing: dict[int, Any] = {}  # by identity, for tensors of a library's module
        self.numbers: Mapping[int, str] = {}
        """By identity, the numbers of modules in the names of what they return."""
        self.spoken: dict[str, str] = {}
        """What an array is called where the user has no name for it."""
        self.stops: dict[str, None] = {}
        """Where a library is told not to differentiate, which says nothing of values."""
        self.applied: list[Any] = []
        self.rows: dict[str, int] = {}
        self._marked: set[str] = set()
        self.said_names: dict[str, tuple[int, str]] = {}
        self.statements: list[tuple[str, tuple[int, int] | None, str | None]] = []
        self.noted = 0

    # --- calls after the first ------------------------------------------------------------------

    def begin_again(self) -> None:
        """For another call of the function: arrays of the call before are told from its own."""
        self.age += 1
        self._before = self.builder
        self._kept: dict[str, Operand] = {}
        self._fresh()

    def size(self, size: Size) -> Size:
        """A size of the inputs; each call has its own, so that a size that is kept shows."""
        if not self.age:
            return size
        return size.xreplace({symbol: size_symbol(f"{symbol}{AGAIN}")
                              for symbol in size.free_symbols})

    def kept(self, old: Operand, called: str) -> Operand:
        """An array of the call before: made anew where no input went into it, else unseen."""
        if old.name not in self._kept:
            if _is_constant(old, self._before.equations, set()):
                self._repeat(needed_for({old.name}, self._before.equations))
            else:  # of this call's sizes, as what a running mean is added to
                self._kept[old.name] = self.unseen_array(
                    tuple(map(self.size, old.shape)),
                    f"keeps state between calls: {called} is that of an earlier call")
        return self._kept[old.name]

    def follows(self, value: Any, sizes: Set[sp.Symbol]) -> bool:
        """Whether a value is made of these sizes alone, and of no input."""
        if isinstance(value, (list, tuple)):
            return all(self.follows(entry, sizes) for entry in value)
        if isinstance(value, dict):
            return all(self.follows(entry, sizes) for entry in value.values())
        if isinstance(value, self.tracers):
            return _is_constant(value.operand, self.builder.equations, sizes)  # type: ignore[attr-defined]
        found = value.expression.free_symbols if isinstance(value, Number) else set()
        return bool(found <= sizes)

    def _repeat(self, equations: Sequence[Equation]) -> None:
        """The equations of an array of constants once more."""
        def again(read: Read) -> Read:
            return Read(self._kept[read.array].name, read.at)

        for equation in equations:
            terms = [map_reads(term, again) for term in equation.terms]
            self._kept[equation.name] = self.builder.emit(
                None, equation.out, terms, reduction=equation.reduction)

    def unseen_array(self, shape: tuple[Size, ...], why: str, kind: ArrayKind = "real"
    ) -> Operand:
        """An array whose values no formula gives; `why` is the failure if a result reads it."""
        name = self.builder.fresh("unseen")
        self.unseen[name] = self.here(why)
        return self.builder.input(Array(name, shape, kind))

    def ufunc(self, ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
        return self._ufunc(self, ufunc, method, inputs, kwargs)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The traced NumPy function of that name."""
        beyond = self.unbounded.get(name)
        if beyond is not None and self.any_beyond(self, [*args, *kwargs.values()]):
            return beyond(self, *args, **kwargs)
        return self.functions[name](self, *args, **kwargs)

    def assume(self, assumption: str, nonnegative: sp.Expr | None = None) -> None:
        """Notes what is taken for granted; that n - 2 is `nonnegative` is a least value of n."""
        self.assumptions[assumption] = None
        rest, sized = (nonnegative or sp.S.Zero).as_coeff_Add()
        if sized.is_Symbol and sized.is_positive:
            self.least[str(sized)] = max(self.least.get(str(sized), 1), int(-rest))

    def occupied(self, count: sp.Expr, what: str) -> None:
        """A part of an axis is taken to have entries."""
        self.assume(f"{count} >= 1, for {what}", count - 1)

    def stored(self, dtype: Any) -> None:
        """Notes that numbers go into arrays of a dtype."""
        if said := taken_as_exact(dtype):
            self.assume(said)

    def array(self, operand: Operand, dtype: Dtype = "float") -> Any:
        """A traced array that holds `operand`, whose equations belong to the user's line."""
        self.note()
        return self._wrap(self, operand, dtype)

    def equation(self, name: str) -> Equation | None:
        """What defines an array; None for an input."""
        equations = self.builder.equations
        if len(self.rows) < len(equations):
            self.rows.update({made.name: place for place, made in enumerate(equations)})
        place = self.rows.get(name)
        return None if place is None else equations[place]

    # --- building -------------------------------------------------------------------------------

    def entry(self, value: Any) -> Entry:
        """A traced array's operand, or a number's exact value; arrays of numbers become constants.
        """
        if isinstance(value, self.tracers):
            return value.operand  # type: ignore[attr-defined]
        found = exact(value)
        if found is None:
            return self.call("array", value).operand
        return found

    def pointwise(self, body: Callable[..., sp.Expr], *entries: Entry) -> Operand | Number:
        """body(entries), entry by entry; a Number where no array is among them."""
        operands = tuple(dict.fromkeys(e for e in entries if isinstance(e, Operand)))
        scalars = [slot(operands.index(e)) if isinstance(e, Operand) else e for e in entries]
        try:
            expression = real_body(sp.sympify(body(*scalars)))
            if not operands:
                return number(expression)
            return self.builder.pointwise(expression, *operands)
        except NotRealError as error:
            fail(f"the operation {error}")
        except ShapeError as error:
            fail(f"{error} ({' and '.join(map(self.shown, operands))})")

    def shaped(self, operation: Callable[..., Operand], *operands: Operand) -> Operand:
        """operation(*operands) with a misfit of shapes reported at the user's line."""
        try:
            return operation(*operands)
        except ShapeError as error:
            message = str(error)
            for operand in operands:
                message = re.sub(rf"\b{operand.name}\b", self.called(operand), message)
            fail(message)

    def shown(self, operand: Operand) -> str:
        return str(replace(operand, name=self.called(operand)))

    def mark(self, operand: Operand, left: Blank | None) -> None:
        """Which entries of an array nobody has written; None if there are none."""
        self._marked.add(operand.name)
        self.blank.pop(operand.name, None)
        if left is not None:
            self.blank[operand.name] = left

    def here(self, message: str) -> str:
        """A message that shows the user's line."""
        at = place_of(frame) if (frame := next(user_frames(), None)) else None
        if at is None:
            return message
        return f"{said_place(at.filename, at.line)}: {message}\n    {at.text}"

    def _spoilt(self, equation: Equation) -> None:
        """What is computed of an array without values has none, wherever that may be."""
        if self.blank and equation.name not in self._marked:
            for read in equation.reads:
                if read.array in self.blank:
                    for name in (equation.name, *equation.argmax):
                        self.blank[name] = self.blank[read.array].anywhere()

    # --- names ----------------------------------------------------------------------------------

    def called(self, operand: Operand) -> str:
        """What the user's code calls an array, as far as that is known."""
        return self.said_names.get(operand.name, (0, operand.name))[1]

    def note(self) -> None:
        """Gives the equations since the last note their line, and reads the user's variables.

        A variable of an outer function names an array before one of a function that it called.
        """
        frames = list(user_frames())
        place = place_of(frames[0]) if frames else None
        stack = tuple(map(self._placed, reversed(frames)))
        for equation in self.builder.equations[self.noted :]:
            self._spoilt(equation)
            statement = (id(frames[0]), frames[0].f_lineno) if frames else None
            target = assigned_name(frames[0]) if frames else None
            self.statements.append((equation.name, statement, target))
            if place is not None:
                self.lines[equation.name] = place
                self.stacks[equation.name] = stack
        self.noted = len(self.builder.equations)
        for depth, frame in enumerate(reversed(frames)):
            for name, value in frame.f_locals.items():
                self._called(name, value, depth)

    def _placed(self, frame: FrameType) -> Place:
        number, _ = self._calls.setdefault(id(frame), (len(self._calls), frame))
        return Place(number, frame.f_code.co_filename, frame.f_lineno)

    def _called(self, name: str, value: Any, depth: int) -> None:
        value = value.value if isinstance(value, Holder) else value
        if isinstance(value, self.tracers) and (
                value.session is self and value.age == self.age):  # type: ignore[attr-defined]
            self.suggest(value.last_seen, name, 2 * depth)  # type: ignore[attr-defined]
        elif type(value) is dict and len(value) < 200:
            for key, inner in value.items():
                inner = inner.value if isinstance(inner, Holder) else inner
                if isinstance(key, str) and isinstance(inner, self.tracers) and (
                        inner.age == self.age):  # type: ignore[attr-defined]
                    self.suggest(inner.last_seen, key, 2 * depth + 1)  # type: ignore[attr-defined]

    def suggest(self, operand: Operand, name: str, depth: int = 1000) -> None:
        """A name for an array; the one with the smallest depth, and of those the first, is kept."""
        name = name.lstrip("_")
        known = self.said_names.get(operand.name)
        if name.isidentifier() and (known is None or depth < known[0]):
            self.said_names[operand.name] = (depth, name)

    def _seen(self, system: System, results: set[str]) -> System:
        """The system without unseen arrays; a failure where a result depends on one."""
        for name in sorted(results & self.blank.keys()):
            raise TraceError(self.blank[name].why)
        if not self.unseen:
            return system
        for equation in needed_for(results, self.builder.equations):
            for read in equation.reads:
                if read.array in self.unseen:
                    raise TraceError(self.unseen[read.array])
        for name in results & self.unseen.keys():
            raise TraceError(self.unseen[name])
        gone = set(self.unseen)
        items = []
        for item in system.items:
            group = equations_of(item)
            if gone.isdisjoint(read.array for equation in group for read in equation.reads):
                items.append(item)
            else:
                gone |= {name for equation in group for name in (equation.name, *equation.argmax)}
        return replace(system, items=tuple(items), inputs=tuple(
            array for array in system.inputs if array.name not in gone))

    def finished(self, results: set[str]) -> tuple[System, dict[str, str]]:
        """The system with the user's names in it, and the new name of each array."""
        for place, (name, statement, target) in enumerate(self.statements):
            following = self.statements[place + 1 : place + 2]
            if target and (not following or following[0][1] != statement):
                self.suggest(Operand(name, ()), target, 500)
        system = by_digits(self._seen(self.builder.build(), results))
        inputs = {array.name for array in system.inputs}
        names = {name: name for name in inputs}
        taken = set(inputs) | {name for e in system.equations for name in (e.name, *e.argmax)}
        given = {e.name: self.said_names.get(e.name, (0, ""))[1] for e in system.equations}
        often = Counter([*given.values(), *inputs])
        for equation in system.equations:
            wanted, spoken = given[equation.name], self.spoken.get(equation.name, "")
            if not wanted or (spoken and spoken not in taken and often[wanted] > 1):
                wanted = spoken
            names[equation.name] = _unused(wanted, taken) if wanted else equation.name
            taken.add(names[equation.name])
        self.lines = {names[name]: place for name, place in self.lines.items() if name in names}
        self.stacks = {names[name]: stack for name, stack in self.stacks.items() if name in names}
        self._calls.clear()
        return system.mapped(lambda equation: rename_arrays(equation, names)), names


def _is_constant(
    operand: Operand, equations: Sequence[Equation], sizes: Set[sp.Symbol]
) -> bool:
    """Whether an array follows from these sizes, and from no input."""
    needed = needed_for({operand.name}, equations)
    made = {equation.name for equation in needed}
    if operand.name not in made or any(equation.argmax for equation in needed):
        return False
    return all(read.array in made for equation in needed for read in equation.reads) and all(
        size.free_symbols <= sizes for equation in needed for size in (
            *equation.shape, *(index.size for term in equation.terms for index in term.over))
    ) and all(slot_number(symbol) is not None or symbol in sizes for equation in needed
              for term in equation.terms for symbol in term.body.free_symbols)


AGAIN = "_of_the_next_call"


def needed_for(names: set[str], equations: Sequence[Equation]) -> list[Equation]:
    """The equations that the named arrays depend on, in their order."""
    return list(needed_part(System((), tuple(equations)), names).equations)


def _unused(name: str, taken: set[str]) -> str:
    """The name, with _2, _3, ... behind it where it is taken: the user assigned it again."""
    if name not in taken:
        return name
    count = 2
    while f"{name}_{count}" in taken:
        count += 1
    return f"{name}_{count}"
