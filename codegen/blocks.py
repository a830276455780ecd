"""Source lines of what is more than one expression: sums over slices, and loops over steps."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import sympy as sp

from ..symbolic.display.layout import Piece
from ..symbolic.equation import (
    Equal,
    Equation,
    EquationError,
    Guard,
    Read,
    Recurrence,
    Size,
    System,
    index_symbol,
)
from ..symbolic.matrices.loop_ends import Loops, Side, loops_of, merged, span_of
from ..symbolic.matrices.nodes import Node, Place, Total
from .axes import present
from .gathers import Scatter, gathered, scatter
from .patches import Patch, Scope, patches, squeezed, windows
from .reshaping import reshaped

OVERLAP_SOURCE = '''\
def overlap(count, step, shift, size):
    """The i < count with 0 <= step * i + shift < size: (first, last + 1)."""
    first = max(0, -(shift // step))
    return first, max(first, min(count, (size - 1 - shift) // step + 1))
'''


class Printer(Protocol):
    """What writes expressions."""

    indices: dict[sp.Symbol, str]
    shapes: dict[str, tuple[Size, ...]]

    def shaped(self, node: Node, axes: tuple[str, ...], shape: Sequence[Size]) -> str: ...

    def added(self, node: Node, axes: tuple[str, ...]) -> Piece: ...

    def place_text(self, place: Place, size: Size | None) -> str: ...

    def size_text(self, size: sp.Expr) -> str: ...

    def need(self, name: str, source: str) -> None: ...

    def dtype(self) -> str: ...

    def node(self, node: Node) -> Piece: ...

    def place_of(self, node: Total) -> Piece: ...


class Blocks:
    """Lines for the items of a system that are no single expression."""

    def __init__(self, printer: Printer, system: System, scope: Scope) -> None:
        self.printer = printer
        self.system = system
        self.scope = scope
        self.loops = loops_of(system)

    def equation(self, equation: Equation) -> list[str]:
        """An equation as a sum over slices.  Raises EquationError where it is none."""
        alike = reshaped(equation, self.printer.shapes)
        if alike is not None:
            return [f"{equation.name} = {alike}.reshape({self._sized(equation.shape)})"]
        narrow = squeezed(equation)
        if narrow is not equation:
            shape = ", ".join(map(self.printer.size_text, equation.shape))
            comma = "," if len(equation.shape) == 1 else ""
            name = equation.name
            return [*self.equation(narrow), f"{name} = np.reshape({name}, ({shape}{comma}))"]
        equation, scattered = self._parted(self._gathered(equation))
        found = patches(equation, self.scope)
        if found is None:
            raise EquationError(f"{equation.name}: no source text, since it has no matrix form: "
                                f"{equation!r}; compile it instead")
        largest = equation.reduction == "max"
        name, lines = equation.name, []
        first = found[0] if found else None
        if first is not None and first.is_everywhere and not largest:
            value = self.printer.shaped(first.form, first.axes, equation.shape)
            # Of its own, and of floats: what is added into it may be one where this is a count.
            whole = not equation.out or "broadcast_to" in value or any(
                mark in value for mark in "<>=")
            own = any(mark in value for mark in "(+*/@")
            copied = f"{value.removesuffix('.copy()')} + 0.0" if whole else value
            lines.append(f"{name} = {copied if own or whole else f'{value}.copy()'}")
            found = found[1:]
        else:
            lines.append(f"{name} = {self._empty(equation.shape, largest)}")
        for patch in found:
            lines += self._patch(patch, name, None, equation, largest)
        return lines + [line for one in scattered for line in self._scatter(name, one)]

    # --- integer arrays -------------------------------------------------------------------------

    def _gathered(self, equation: Equation) -> Equation:
        """The equation with x[s[i], j] as a read of an array that is written x[s]."""

        def plain(read: Read, sizes: Mapping[sp.Symbol, Size]) -> Read:
            texts = {symbol: f"np.arange({self.printer.size_text(size)})"
                     for symbol, size in sizes.items()}
            found = gathered(read, sizes, self.printer.shapes, texts)
            if found is None:
                return read
            self.printer.shapes[found.text] = found.shape
            return Read(found.text, found.axes)

        terms = []
        for term in equation.terms:
            sizes = {index.symbol: index.size for index in (*equation.out, *term.over)}
            terms.append(replace(term, reads=tuple(plain(read, sizes) for read in term.reads)))
        return replace(equation, terms=tuple(terms))

    def _parted(self, equation: Equation) -> tuple[Equation, list[Scatter]]:
        """The terms that are sums over slices, and those that are added at places."""
        found = [(term, scatter(equation, term)) for term in equation.terms]
        rest = tuple(term for term, one in found if one is None)
        return replace(equation, terms=rest), [one for _, one in found if one is not None]

    def _scatter(self, name: str, one: Scatter) -> list[str]:
        form = self.scope.form(one.values)
        if form is None:
            raise EquationError(f"{name}: no source text for the values that are added at "
                                f"{one.labels}: {one.values!r}; compile it instead")
        axes = tuple(index.name for index in one.values.out)
        value = self.printer.shaped(form, axes, one.values.shape)
        at = f"({', '.join(['slice(None)'] * one.axis + [one.labels])})" if one.axis else one.labels
        return [f"np.add.at({name}, {at}, {value})"]

    def maximum(self, equation: Equation) -> list[str]:
        """A maximum and the place of it, the first where there are several.

        Raises EquationError where it is taken over several axes that are no window.
        """
        narrow = squeezed(equation)
        if narrow is not equation:
            sized = self._sized(equation.shape)
            return [*self.maximum(narrow), *(f"{name} = np.reshape({name}, {sized})"
                                             for name in (equation.name, *equation.argmax))]
        name, shape = equation.name, equation.shape
        patch = windows(equation, self.scope)
        if patch is None:
            return self._whole_maximum(equation)
        lines, indent = self._opened(patch, equation)
        value, larger = self._fresh("value"), self._fresh("larger")
        places = ", ".join(self._places(patch, None, equation))
        at = f"[{places}]" if places else ""
        steps = [f"{value} = {self.printer.added(patch.form, patch.axes).text}",
                 f"{larger} = {value} > {name}{at}"]
        for place, index in zip(equation.argmax, equation.terms[0].over, strict=True):
            counter = self._variable(index.name)
            steps.append(f"{place}{at} = np.where({larger}, {counter}, {place}{at})")
        steps.append(f"{name}{at} = np.maximum({name}{at}, {value})")
        return [f"{name} = {self._empty(shape, True)}",
                *(f"{place} = np.zeros({self._sized(shape)}, int)" for place in equation.argmax),
                *lines, *(indent + line for line in steps)]

    def _whole_maximum(self, equation: Equation) -> list[str]:
        """A maximum over a whole axis and its place."""
        form = self.scope.form(replace(equation, argmax=()))
        (place, *more) = equation.argmax
        if more or not isinstance(form, Total) or present(form.of) != form.of.axes:
            raise EquationError(f"{equation.name}: no source text for the places of a maximum over "
                                f"several axes: {equation!r}; compile it instead")
        return [f"{equation.name} = {self.printer.node(form).text}",
                f"{place} = {self.printer.place_of(form).text}"]

    def recurrence(self, group: Recurrence) -> list[str]:
        """A recurrence as a loop.  Raises EquationError for a step that has no matrix form."""
        loop = next(i for i in group.equations[0].out if i.name == group.loop)
        counter = self._variable(group.loop)
        count = self.printer.size_text(loop.size)
        lines = [f"{e.name} = {self._empty(e.shape, False)}" for e in group.equations]
        steps = f"range({count})"
        lines.append(f"for {counter} in {steps if group.direction == 1 else f'reversed({steps})'}:")
        starts, equations = self._started(group)
        lines += [f"    {line}" for line in starts]
        scope = replace(self.scope, fixed=(group.loop,), shapes=self.printer.shapes)
        for equation in equations:
            found = patches(equation, scope) if equation.reduction == "sum" else None
            if found is None:
                raise EquationError(f"{equation.name}: no source text, since a step of the loop "
                                    f"over {group.loop!r} has no matrix form: {equation!r}; "
                                    "compile it instead")
            place = next(p for p, i in enumerate(equation.out) if i.name == group.loop)
            for number, patch in enumerate(found):
                lines += [f"    {line}" for line in self._patch(
                    patch, equation.name, (place, counter), equation, False, first=number == 0)]
        return lines

    # --- the ends of a loop ---------------------------------------------------------------------

    def _started(self, group: Recurrence) -> tuple[list[str], list[Equation]]:
        """Lines that choose what stands for h[t - 1] at the first step, and equations with it."""
        given = Loops(self.loops.places, self.loops.names,
                      {key: value for key, value in self.loops.boundaries.items() if value})
        names: dict[tuple[str, Side], str] = {}
        symbol = index_symbol(group.loop)

        def placed(read: Read) -> Read:
            axis = given.places.get(read.array)
            if axis is None or isinstance(read.at[axis], Read):
                return read
            shift = sp.expand(read.at[axis] - symbol)
            side: Side = -1 if shift == -1 else 1
            if shift not in (-1, 1) or (read.array, side) not in given.boundaries:
                return read
            names[read.array, side] = self._neighbour(read.array, side, axis)
            return Read(names[read.array, side], (*read.at[:axis], *read.at[axis + 1:]))

        equations = [
            replace(e, terms=tuple(replace(t, reads=tuple(map(placed, t.reads))) for t in e.terms))
            for e in (merged(equation, given) for equation in group.equations)
        ]
        lines = []
        size = next(i.size for i in group.equations[0].out if i.name == group.loop)
        for (array, side), name in names.items():
            at = [":"] * given.places[array] + [self.printer.size_text(symbol + side)]
            there = f"{array}[{', '.join(at)}]"
            inside = f"{self.printer.size_text(symbol)} > 0" if side == -1 else (
                f"{self.printer.size_text(symbol)} < {self.printer.size_text(size - 1)}")
            lines.append(f"{name} = {there} if {inside} else {given.boundaries[array, side]}")
        return lines, equations

    def _neighbour(self, array: str, side: Side, axis: int) -> str:
        """The name of an array's value one step before (or after), which has no loop axis."""
        name = f"{array}_before" if side == -1 else f"{array}_after"
        while name in self.system.names:
            name += "_"
        shape = self.system.shapes[array]
        self.printer.shapes[name] = (*shape[:axis], *shape[axis + 1:])
        return name

    # --- patches --------------------------------------------------------------------------------

    def _patch(
        self, patch: Patch, name: str, step: tuple[int, str] | None, equation: Equation,
        largest: bool, first: bool = False,
    ) -> list[str]:
        """The lines that add a patch to an array: at a `step`, the place of the loop's axis and
        the counter that stands there."""
        lines, indent = self._opened(patch, equation)
        places = self._places(patch, step, equation)
        target = f"{name}[{', '.join(places)}]" if places else name
        value = self.printer.added(patch.form, patch.axes).text
        whole = first and patch.is_everywhere
        if largest:
            target = target if places else f"{name}[...]"
            return [*lines, f"{indent}{target} = np.maximum({target}, {value})"]
        return [*lines, f"{indent}{target if places else name} {'=' if whole else '+='} {value}"]

    def _opened(self, patch: Patch, equation: Equation) -> tuple[list[str], str]:
        """The loops and conditions of a patch, and how far in what they are about stands."""
        lines: list[str] = []
        indent = ""
        for index in patch.loops:
            count = self.printer.size_text(index.size)
            lines.append(f"{indent}for {self._variable(index.name)} in range({count}):")
            indent += "    "
        for overlap in patch.overlaps:
            self.printer.need("overlap", OVERLAP_SOURCE)
            ends = [self._variable(str(end), end) for end in (overlap.first, overlap.last)]
            values = [self.printer.size_text(sp.sympify(value)) for value in (
                overlap.count, overlap.step, overlap.shift, overlap.size)]
            lines.append(f"{indent}{', '.join(ends)} = overlap({', '.join(values)})")
        indices = [(index.symbol, index.size) for index in (*equation.out, *patch.loops)]
        tests = list(dict.fromkeys(
            text for guard in patch.conditions
            for text in conditions(guard, indices, self.printer.size_text)
        ))
        if tests:
            lines.append(f"{indent}if {' and '.join(tests)}:")
            indent += "    "
        return lines, indent

    def _places(
        self, patch: Patch, step: tuple[int, str] | None, equation: Equation
    ) -> list[str]:
        """Where in an array a patch goes, without what is whole at the end."""
        own = [size for place, size in enumerate(equation.shape)
               if step is None or place != step[0]]
        places = [self.printer.place_text(p, s) for p, s in zip(patch.region, own, strict=True)] \
            if patch.region else [":"] * len(own)
        if step is not None:
            places.insert(*step)
        while places and places[-1] == ":":
            places.pop()
        return places

    def _empty(self, shape: Sequence[Size], largest: bool) -> str:
        sized, kind = self._sized(shape), self.printer.dtype()
        return f"np.full({sized}, -np.inf, {kind})" if largest else f"np.zeros({sized}, {kind})"

    def _sized(self, shape: Sequence[Size]) -> str:
        inner = ", ".join(map(self.printer.size_text, shape))
        return f"({inner}{',' if len(shape) == 1 else ''})"

    def _fresh(self, name: str) -> str:
        """A name that no array, size or index has."""
        return self._variable(name, sp.Symbol(f"#{name}"))

    def _variable(self, name: str, symbol: sp.Symbol | None = None) -> str:
        """A name for a loop's variable that no array or size has."""
        symbol = index_symbol(name) if symbol is None else symbol
        if symbol not in self.printer.indices:
            taken = taken_names(self.system.names, self.system.shapes)
            taken |= set(self.printer.indices.values())
            while name in taken or not name.isidentifier() or keyword.iskeyword(name):
                name = f"{name.rstrip('#')}_"
            self.printer.indices[symbol] = name
        return self.printer.indices[symbol]


def taken_names(
    names: Collection[str], shapes: Mapping[str, tuple[Size, ...]]
) -> set[str]:
    """The names of arrays and of sizes."""
    return {*names, *(str(s) for shape in shapes.values() for n in shape for s in n.free_symbols)}


def conditions(
    guard: Guard, indices: Sequence[tuple[sp.Symbol, Size]], text: Callable[[sp.Expr], str]
) -> list[str]:
    """A guard as Python comparisons, without the half that an index's range implies."""
    if isinstance(guard, Equal):
        left, right = guard.left, guard.right
        assert not isinstance(left, Read)
        assert not isinstance(right, Read)
        return [f"{text(left)} == {text(right)}"]
    for symbol, size in indices:
        span = span_of(guard, symbol, size)
        if span is not None and symbol in guard.value.free_symbols:
            low, high = span
            above = [f"{text(symbol)} > {text(low - 1)}"] if low != 0 else []
            below = [f"{text(symbol)} < {text(high)}"] if high != size else []
            return [*above, *below]
    implied = guard.low == 0 and any(symbol == guard.value for symbol, _ in indices)
    above = [] if implied else [f"{text(guard.value)} >= {text(guard.low)}"]
    return [*above, f"{text(guard.value)} < {text(guard.high)}"]
