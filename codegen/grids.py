"""Equations that are neither one expression nor a sum over slices, written on their indices.

    y[i] = Σ_j [j <= i] x[j]²   ->   i = np.arange(n)
                                     j = np.arange(n)
                                     y = np.sum(np.where(j < i[:, None] + 1, x**2, 0), axis=-1)

Each array stands with its places, A[i, j - 1], on axes that broadcast; a product that is summed is
an einsum of its factors, so that no array has more axes than one of them.  This says everything
that the equation type can say, and is what a text has of what no other form fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters

import sympy as sp

from ..symbolic.display.layout import ATOM, Piece
from ..symbolic.equation import (
    INDEX_VALUE,
    NAMED,
    Equation,
    EquationError,
    Guard,
    Index,
    Read,
    Size,
    Subscript,
    Term,
    guard_subscripts,
    slot,
    slot_number,
    slot_numbers,
    subscript_indices,
)
from .expressions import APPLIED, Expressions, conditions
from .identifiers import identifier


@dataclass(frozen=True)
class _Value:
    """A text, and the indices whose axes it has: in the order of the target's, from some of them
    on, with a length of 1 where it has none."""

    text: str
    level: int
    axes: frozenset[str]
    is_array: bool = True


class Grids:
    """Lines for equations, on their indices."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.names = expressions.names
        self.uses = 0
        self._needed: dict[str, str] = {}
        self._rows: dict[tuple[sp.Symbol, Size], str] = {}
        self._sizes: dict[sp.Symbol, Size] = {}

    def lines(self, equation: Equation, loop: str = "") -> list[str]:
        """An array, or in a `loop` one step of it.  Raises EquationError for sizes that are not
        known, and functions that have no text."""
        self.uses += 1
        before = dict(self.names.indices)
        self._needed, self._rows = {}, {}
        for index in (*equation.out, *(i for term in equation.terms for i in term.over)):
            if index.name != loop:  # whatever a loop above has called so
                self.names.indices.pop(index.symbol, None)
        try:
            body = self._step(equation, loop) if loop else self._whole(equation)
        finally:
            self.names.indices = before
        return [*self._needed.values(), *body]

    def _whole(self, equation: Equation) -> list[str]:
        if not equation.terms:
            return [f"{equation.name} = np.zeros({self.names.shape_text(equation.shape)}, "
                    f"{self.names.dtype()})"]
        parts = [self._term(equation, term, equation.out) for term in equation.terms]
        text = " + ".join(part.text if len(parts) == 1 else self._held(part) for part in parts)
        axes = {axis for part in parts for axis in part.axes}
        kind = self.names.dtype()
        if not self._reads_floats(equation):
            text = f"np.asarray({text}).astype({kind})"
        if axes != {index.name for index in equation.out}:
            text = f"np.broadcast_to({text}, {self.names.shape_text(equation.shape)}).copy()"
        elif equation.out:
            text = f"{text}.copy()" if _is_name(text) else text
        return [f"{equation.name} = {text}", *self._places(equation, equation.out)]

    def _step(self, equation: Equation, loop: str) -> list[str]:
        """One step, whose places are those of the loop's index."""
        out = tuple(index for index in equation.out if index.name != loop)
        counter = self.names.indices[next(
            i.symbol for i in equation.out if i.name == loop)]
        at = ", ".join(counter if index.name == loop else ":" for index in equation.out)
        while at.endswith(", :"):
            at = at.removesuffix(", :")
        lines = []
        for term in equation.terms:
            tests = [] if equation.reduction != "sum" else list(dict.fromkeys(
                text for guard in term.guards if self._is_given(guard)
                for text in conditions(guard, [(i.symbol, i.size) for i in equation.out],
                                       lambda part: self._place(part, ()))))
            value = self._term(equation, term, out, in_step=True)
            sign = "=" if equation.reduction != "sum" else "+="
            line = f"{equation.name}[{at}] {sign} {value.text}"
            lines += [f"if {' and '.join(tests)}:", f"    {line}"] if tests else [line]
        return [*lines, *(f"{name}[{at}] = {value.partition(' = ')[2]}" for name, value in zip(
            equation.argmax, self._places(equation, out), strict=True))]

    def _is_given(self, guard: Guard) -> bool:
        """Whether a guard is about indices that have a value alone."""
        return all(symbol in self.names.indices or symbol.is_positive
                   for part in guard_subscripts(guard) for symbol in subscript_indices(part))

    def _reads_floats(self, equation: Equation) -> bool:
        """Whether an array of floats has a say in a value: one that its body does not have is
        read for nothing but its axes."""
        return any(read.array not in self.expressions.integers and read.array != INDEX_VALUE
                   for term in equation.terms for number, read in enumerate(term.reads)
                   if slot(number) in term.body.free_symbols)

    # --- terms ----------------------------------------------------------------------------------

    def _term(
        self, equation: Equation, term: Term, out: Sequence[Index], in_step: bool = False
    ) -> _Value:
        """A term on the axes of `out`; `in_step`: under tests of what has a value there."""
        indices = (*out, *term.over)
        self._sizes = {index.symbol: index.size for index in indices}
        for index in indices:
            if any(not symbol.is_positive for symbol in index.size.free_symbols):
                raise EquationError(f"{equation.name}: no source text for the axis {index}, whose "
                                    "size is another for each step; compile it instead")
        guards = tuple(g for g in term.guards if not (
            in_step and equation.reduction == "sum" and self._is_given(g)))
        if equation.reduction == "sum" and term.over:
            product = self._product(term, guards, out)
            if product is not None:
                return product
        low = equation.reduction in ("max", "logsumexp")
        value = self._body(term, guards, indices, "-np.inf" if low else "0")
        if equation.reduction in NAMED:
            wide = self._widened(value, indices)
            return _Value(f"np.linalg.{APPLIED[equation.reduction].format(wide.text)}", ATOM,
                          frozenset(index.name for index in out))
        if not term.over:
            return value
        if not low and not {index.name for index in term.over} <= value.axes:
            value = self._widened(value, indices)
        return self._reduced(equation, self._widened(value, indices) if low else value, term.over)

    def _reduced(self, equation: Equation, value: _Value, over: Sequence[Index]) -> _Value:
        places = [place - len(over) for place in range(len(over))]
        axis = str(places[0]) if len(places) == 1 else str(tuple(places))
        kept = value.axes - {index.name for index in over}
        if equation.reduction == "logsumexp":
            self.expressions.functions.bring("logsumexp")
            return _Value(f"logsumexp({value.text}, axis={axis})", ATOM, kept)
        name = {"sum": "np.sum", "max": "np.max"}[equation.reduction]
        return _Value(f"{name}({value.text}, axis={axis})", ATOM, kept)

    def _places(self, equation: Equation, out: Sequence[Index]) -> list[str]:
        """Where a maximum is attained, the first place of all."""
        if not equation.argmax:
            return []
        (term,) = equation.terms
        indices = (*out, *term.over)
        self._sizes = {index.symbol: index.size for index in indices}
        value = self._widened(self._body(term, term.guards, indices, "-np.inf"), indices)
        if len(term.over) == 1:
            return [f"{equation.argmax[0]} = np.argmax({value.text}, axis=-1)"]
        flat = self.names.shape_text([*(index.size for index in out), sp.Integer(-1)])
        sizes = self.names.shape_text([index.size for index in term.over])
        found = (f"np.unravel_index(np.argmax(np.reshape({value.text}, {flat}), axis=-1), "
                 f"{sizes})")
        return [f"{name} = {found}[{place}]" for place, name in enumerate(equation.argmax)]

    def _widened(self, value: _Value, indices: Sequence[Index]) -> _Value:
        """The value with all axes, none of length 1 in place of a longer one."""
        if value.axes == {index.name for index in indices}:
            return value
        shape = self.names.shape_text([index.size for index in indices])
        return _Value(f"np.broadcast_to({value.text}, {shape})", ATOM,
                      frozenset(index.name for index in indices))

    def _body(
        self, term: Term, guards: Sequence[Guard], indices: Sequence[Index], fill: str
    ) -> _Value:
        """A term's body where its guards hold, and `fill` elsewhere."""
        target = tuple(index.name for index in indices)
        sizes = {index.symbol: index.size for index in indices}
        leaves = [self._leaf(read, sizes, target) for read in term.reads]
        used = {slot_number(symbol) for symbol in term.body.free_symbols} - {None}
        axes = frozenset().union(*(leaf.axes for n, leaf in enumerate(leaves) if n in used))
        piece = self.expressions.style.written(
            term.body, [Piece(leaf.text, leaf.level, leaf.is_array) for leaf in leaves])
        if not guards:
            return _Value(piece.text, piece.level, axes, piece.array)
        mask = self._mask(guards, sizes, target)
        text = f"np.where({mask.text}, {piece.text}, {fill})"
        if not piece.array:
            text += f".astype({self.expressions.style.kind()})"
        return _Value(text, ATOM, axes | mask.axes)

    def _mask(
        self, guards: Sequence[Guard], sizes: dict[sp.Symbol, Size], target: tuple[str, ...]
    ) -> _Value:
        halves = [half for guard in guards for half in conditions(
            guard, list(sizes.items()), lambda part: self._place(part, target))]
        axes = frozenset(
            str(symbol) for guard in guards for part in guard_subscripts(guard)
            for symbol in subscript_indices(part) if symbol in sizes)
        joined = halves[0] if len(halves) == 1 else " & ".join(f"({half})" for half in halves)
        return _Value(joined or "True", 0, axes)

    # --- products of arrays ---------------------------------------------------------------------

    def _product(
        self, term: Term, guards: Sequence[Guard], out: Sequence[Index]
    ) -> _Value | None:
        """A number times arrays, summed: an einsum of the arrays, each on its own axes, and of the
        guards as factors; None for another body."""
        found = _factors(term)
        indices = (*out, *term.over)
        if found is None or len(indices) > 20:
            return None
        factor, reads = found
        order = [index.name for index in indices]
        letters = dict(zip(order, ascii_letters[8:], strict=False))
        operands = [*(self._factor_of_guard(guard, order) for guard in guards),
                    *(self._factor(read, order) for read in reads)]
        covered = {axis for _, axes in operands for axis in axes}
        if not {index.name for index in term.over} <= covered:
            return None
        kept = [index.name for index in out if index.name in covered]
        subscripts = ",".join(_spelled(axes, letters) for _, axes in operands)
        text = (f'np.einsum("{subscripts}->{_spelled(kept, letters)}", '
                f'{", ".join(text for text, _ in operands)}, optimize=True)')
        text += _new_axes(kept, out)
        if factor == 1:
            return _Value(text, ATOM, frozenset(kept))
        piece = self.expressions.style.written(factor * slot(0), [Piece(text, ATOM, True)])
        return _Value(piece.text, piece.level, frozenset(kept))

    def _factor_of_guard(self, guard: Guard, order: Sequence[str]) -> tuple[str, list[str]]:
        """A guard as an array of ones and zeros, and its axes."""
        held = self._mask([guard], self._sizes, tuple(order)).axes
        axes = [name for name in order if name in held]
        text = self._mask([guard], self._sizes, tuple(axes)).text
        return (f"({text}).astype({self.names.dtype()})" if axes else f"float({text})"), axes

    def _factor(self, read: Read, order: Sequence[str]) -> tuple[str, list[str]]:
        """An array that is multiplied, on axes of its own."""
        own = self._axes(read, self._sizes)
        axes = [str(entry) for entry in read.at] if self._is_plain(read, self._sizes) else [
            name for name in order if name in own]
        return self._leaf(read, self._sizes, tuple(axes)).text, axes

    # --- arrays at their places -----------------------------------------------------------------

    def _axes(self, read: Read, sizes: Iterable[sp.Symbol]) -> set[str]:
        return {str(symbol) for symbol in subscript_indices(read) if symbol in sizes}

    def _leaf(self, read: Read, sizes: dict[sp.Symbol, Size], target: tuple[str, ...]) -> _Value:
        """An occurrence of an array on the axes of `target`."""
        axes = frozenset(self._axes(read, sizes))
        kind = self.names.dtype() if read.array in self.expressions.integers else ""
        if read.array == INDEX_VALUE:
            text = self._place(read.at[0], target)
            held = f"({text})" if not _is_name(text) else text
            return _Value(f"{held}.astype({self.names.dtype()})" if axes else held, ATOM, axes,
                          bool(axes))
        shape = self.names.shapes[read.array]
        plain = self._whole_axes(read, sizes)
        others = [entry for entry in read.at if str(entry) not in plain]
        if len(plain) == len(set(plain)) and not any(
                symbol in sizes for entry in others for symbol in subscript_indices(entry)):
            places = [":" if str(entry) in plain else self._place(entry, ()) for entry in read.at]
            while places and places[-1] == ":":
                places.pop()
            array = f"{read.array}[{', '.join(places)}]" if places else read.array
            text = self.expressions.viewed(
                Piece(array, ATOM, bool(plain)), tuple(plain), tuple(target)).text
        else:
            places = [self._inside(entry, size, sizes, target)
                      for entry, size in zip(read.at, shape, strict=True)]
            text = f"{read.array}[{', '.join(places)}]" if places else read.array
        return _Value(f"{text}.astype({kind})" if kind and axes else text, ATOM, axes, bool(axes))

    def _whole_axes(self, read: Read, sizes: dict[sp.Symbol, Size]) -> list[str]:
        """The subscripts that are an index which runs over the whole axis."""
        return [str(entry) for entry, size in zip(read.at, self.names.shapes[read.array],
                                                  strict=True)
                if not isinstance(entry, Read) and entry in sizes
                and sp.expand(sizes[entry] - size) == 0]

    def _is_plain(self, read: Read, sizes: dict[sp.Symbol, Size]) -> bool:
        whole = self._whole_axes(read, sizes) if read.array != INDEX_VALUE else []
        return len(whole) == len(set(whole)) == len(read.at)

    def _inside(
        self, entry: Subscript, size: Size, sizes: dict[sp.Symbol, Size], target: tuple[str, ...]
    ) -> str:
        """A subscript; one that leaves the axis, where a guard does not hold, is moved inside."""
        text = self._place(entry, target)
        if isinstance(entry, Read) or not entry.free_symbols & sizes.keys():
            return text
        ends = [entry, entry]
        for symbol in entry.free_symbols & sizes.keys():
            rising = entry.coeff(symbol).is_nonnegative
            for k in (0, 1):
                ends[k] = ends[k].xreplace(
                    {symbol: sp.S.Zero if rising == (k == 0) else sizes[symbol] - 1})
        low, high = (sp.expand(end) for end in ends)
        if (low + size).is_nonnegative and sp.expand(size - 1 - high).is_nonnegative:
            return text  # from the end, where no guard holds
        return f"np.clip({text}, 0, {self.names.size_text(sp.expand(size - 1))})"

    def _place(self, part: Subscript, target: tuple[str, ...]) -> str:
        """A subscript, with its indices along the axes of `target`."""
        if isinstance(part, Read):
            if part.array == INDEX_VALUE:
                return self._place(part.at[0], target)
            places = ", ".join(
                self._inside(entry, size, self._sizes, target)
                for entry, size in zip(part.at, self.names.shapes[part.array], strict=True))
            return f"{part.array}[{places}]" if places else part.array
        before = dict(self.names.indices)
        for symbol in part.free_symbols - before.keys():
            if not symbol.is_positive:
                self.names.indices[symbol] = self._along(symbol, target, before)
        text = self.names.size_text(part)
        self.names.indices = before
        return text

    def _along(
        self, symbol: sp.Symbol, target: tuple[str, ...], given: dict[sp.Symbol, str]
    ) -> str:
        """An index as the numbers along its axis, which a line above holds."""
        size = self._sizes[symbol]
        if (symbol, size) not in self._rows:
            taken = {*self.names.taken, *given.values(), *self._rows.values()}
            self._rows[symbol, size] = identifier(str(symbol), taken)
        row = self._rows[symbol, size]
        self._needed[row] = f"{row} = np.arange({self.names.size_text(size)})"
        deep = len(target) - target.index(str(symbol)) - 1
        return f"{row}[:{', None' * deep}]" if deep else row

    def _held(self, value: _Value) -> str:
        return self.expressions.style.hold(Piece(value.text, value.level, True), 1)


def _factors(term: Term) -> tuple[sp.Expr, list[Read]] | None:
    """A body as a number (of sizes, too) and two or more arrays that it is multiplied by."""
    parts = sp.Mul.make_args(sp.sympify(term.body))
    places = [slot_number(part) if part.is_Symbol else None for part in parts]
    number = sp.Mul(*(part for part, place in zip(parts, places, strict=True) if place is None))
    reads = [term.reads[place] for place in places if place is not None]
    return None if len(reads) < 2 or slot_numbers(number) else (number, reads)


def _spelled(axes: Iterable[str], letters: Mapping[str, str]) -> str:
    return "".join(letters[axis] for axis in axes)


def _new_axes(kept: Sequence[str], out: Sequence[Index]) -> str:
    """The subscript that puts in an axis of length 1 for each that is missing behind the first."""
    view = [":" if index.name in kept else "None" for index in out]
    while view and view[0] == "None":
        view.pop(0)
    return f"[{', '.join(view)}]" if "None" in view else ""


def _is_name(text: str) -> bool:
    return text.isidentifier()
