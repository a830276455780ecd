"""Matrix forms as NumPy expressions, a method for each kind of node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ..symbolic.display.layout import ATOM, MUL, POW, Piece
from ..symbolic.equation import (
    Equal,
    EquationError,
    Guard,
    Read,
    Size,
    index_symbol,
    slot,
)
from ..symbolic.matrices.loop_ends import span_of
from ..symbolic.matrices.nodes import (
    Applied,
    Einsum,
    Leaf,
    Node,
    Outer,
    Place,
    Pointwise,
    Product,
    Softmax,
    Span,
    Total,
    Transposed,
    Where,
    walk,
)
from .axes import alignment_plan, as_stack, as_tensordot, einsum_subscripts, present
from .called import Functions
from .gathers import RANGE
from .names import Names

APPLIED = {"inv": "inv({})", "cholesky": "cholesky({})", "det": "det({})",
           "logdet": "slogdet({})[1]"}
"""The named operations in np.linalg."""


class Expressions:
    """Right sides of equations as NumPy expressions."""

    def __init__(self, names: Names, functions: Functions) -> None:
        self.names = names
        self.functions = functions
        self.style = functions.style
        self.integers = {array.name for array in names.system.inputs if array.is_integer}
        self.integers |= {name for e in names.system.equations for name in e.argmax} | {RANGE}

    def shaped(
        self, node: Node, axes: tuple[str, ...], shape: Sequence[Size], units: tuple[Any, ...] = (),
    ) -> str:
        """A form as an expression that has all its axes, those of length 1 put in, and is of the
        floating-point type."""
        if not self._reads_floats(node):  # a number, or comparisons of places
            return self._counted(node, axes, shape, units)
        text = self.node(node).text
        if present(node) == node.axes:
            return self._with_units(text, node, units) if units else text
        if units and axes:  # a value that lacks axes has them before those of length 1 are put in
            kept = [size for size, unit in zip(shape, units, strict=True) if unit is not None]
            whole = f"np.broadcast_to({text}, {self.names.shape_text(kept)})"
            return f"{self._with_units(whole, node, units)}.copy()"
        return f"np.broadcast_to({text}, {self.names.shape_text(shape)}).copy()"

    def _counted(
        self, node: Node, axes: tuple[str, ...], shape: Sequence[Size], units: tuple[Any, ...]
    ) -> str:
        """The same of a form in which no array of floats has a say in the type."""
        piece = self.node(node)
        missing = [a for a in axes if a not in present(node)]
        wide, kind = self.names.shape_text(shape), self.style.kind()
        if len(missing) == len(axes):
            return f"np.full({wide}, {piece.text}, {kind})"
        held = self.style.hold(piece, ATOM)
        text = held if held.endswith(f".astype({kind})") else f"{held}.astype({kind})"
        if units:
            kept = [size for size, unit in zip(shape, units, strict=True) if unit is not None]
            text = f"np.broadcast_to({text}, {self.names.shape_text(kept)})" if missing else text
            return f"np.reshape({text}, {wide}){'.copy()' if missing else ''}"
        return f"np.broadcast_to({text}, {wide}).copy()" if missing else text

    def _reads_floats(self, node: Node) -> bool:
        return any(isinstance(part, Leaf) and not self._is_integer(part) for part in walk(node))

    def _is_integer(self, node: Node) -> bool:
        """Whether an array of integers, a part of one, or one picked from it by another."""
        return isinstance(node, Leaf) and node.array.split("[")[0] in self.integers

    def _with_units(self, text: str, node: Node, units: Sequence[Any]) -> str:
        """Axes of length 1 put in, where the value has none."""
        held = self.style.hold(Piece(text, self.node(node).level), ATOM)
        return f"{held}[{', '.join(':' if part == slice(None) else 'None' for part in units)}]"

    # --- nodes ----------------------------------------------------------------------------------

    def node(self, node: Node) -> Piece:
        """Raises EquationError for what has no text."""
        return _WRITTEN[type(node)](self, node)

    def _whole(self, node: Node) -> str:
        """The text of an operand that must have all of its axes: a body may lack some."""
        text = self.node(node).text
        if present(node) == node.axes:
            counts = node.axes and self._is_integer(node)  # which would widen what they multiply
            return f"{text}.astype({self.style.kind()})" if counts else text
        if isinstance(node, Where) and node.sizes:
            return f"np.broadcast_to({text}, {self.names.shape_text(node.sizes)})"
        raise EquationError(f"no source text for {text}, which lacks axes; compile it instead")

    def _transposed(self, node: Transposed) -> Piece:
        turned = "T" if len(node.axes) == 2 else "swapaxes(-1, -2)"
        return Piece(f"{self._held(node.of, ATOM)}.{turned}", ATOM, True)

    def _held(self, node: Node, level: int) -> str:
        whole = present(node) == node.axes and not self._is_integer(node)
        return self.style.hold(self.node(node), level) if whole else self._whole(node)

    def _product(self, node: Product) -> Piece:
        factors = [self._held(factor, POW) for factor in node.factors]
        ends = [len(node.factors[place].axes) for place in (0, -1)]
        if ends == [2, 1]:  # from the vector: no product of two matrices
            while len(factors) > 2:
                factors[-2:] = [f"({factors[-2]} @ {factors[-1]})"]
        return Piece(" @ ".join(factors), MUL, bool(node.axes))

    def _outer(self, node: Outer) -> Piece:
        return Piece(f"np.outer({self._whole(node.column)}, {self._whole(node.row)})", ATOM, True)

    def _softmax(self, node: Softmax) -> Piece:
        name = "log_softmax" if node.log else "softmax"
        self.functions.bring(name)
        along = node.axes.index(node.over)
        tail = "" if along == len(node.axes) - 1 else f", axis={along}"
        return Piece(f"{name}({self._whole(node.of)}{tail})", ATOM, True)

    def _where(self, node: Where) -> Piece:
        masks = [half for guard in node.guards for half in self._mask(guard, node)]
        mask = masks[0] if len(masks) == 1 else " & ".join(f"({half})" for half in masks)
        value = self.node(node.of)
        plain = not value.array and self.names.is_plain(value.text)
        if plain and value.text == "1" and not node.lowest and self.names.is_plain(mask):
            return Piece(f"float({mask})", ATOM)  # of a loop's variable
        if plain and value.text == "1" and not node.lowest:
            return Piece(f"({mask}).astype({self.style.kind()})", ATOM, True)
        fill = "-np.inf" if node.lowest else "0"
        typed = f".astype({self.style.kind()})" if plain else ""
        return Piece(f"np.where({mask}, {value.text}, {fill}){typed}", ATOM, True)

    def _mask(self, guard: Guard, node: Where) -> list[str]:
        """A guard as arrays of truth values, its indices as places along the axes."""
        before = dict(self.names.indices)
        for place, (axis, size) in enumerate(zip(node.axes, node.sizes, strict=False)):
            deep = ", None" * (len(node.axes) - place - 1)
            view = f"[:{deep}]" if deep else ""
            text = f"np.arange({self.names.size_text(size)}){view}"
            self.names.indices[index_symbol(axis)] = text
        indices = [(index_symbol(axis), size)
                   for axis, size in zip(node.axes, node.sizes, strict=False)]
        halves = conditions(guard, indices, lambda part: (
            self._labels(part, node) if isinstance(part, Read) else self.names.size_text(part)))
        self.names.indices = before
        return halves

    def _labels(self, read: Read, node: Where) -> str:
        """The entries of an array of integers in a mask, along the axes that it has."""
        axes: list[str] = []
        shown: list[str] = []
        sizes = dict(zip(node.axes, node.sizes, strict=False))
        for entry, size in zip(read.at, self.names.shapes[read.array], strict=True):
            runs = not isinstance(entry, Read) and entry.is_Symbol and not entry.is_positive
            if runs and sizes.get(str(entry)) == size:
                axes.append(str(entry))
                shown.append(":")
            elif isinstance(entry, Read) or {*map(str, entry.free_symbols)} & {*node.axes}:
                raise EquationError(f"no source text for {read} in a guard; compile it instead")
            else:
                shown.append(self.names.size_text(entry))
        while shown and shown[-1] == ":":
            shown.pop()
        text = f"{read.array}[{', '.join(shown)}]" if shown else read.array
        return self.viewed(Piece(text, ATOM, True), tuple(axes), node.axes).text

    def _einsum(self, node: Einsum) -> Piece:
        found = as_tensordot(node)
        if found is not None:
            pair = ", ".join(map(self._whole, found[0]))
            return Piece(f"np.tensordot({pair}, axes={_short(found[1])})", ATOM, True)
        stack = as_stack(node)
        if stack is not None:
            left, right, turned, order = stack
            held = f"{self._held(right, ATOM)}.T" if turned else self._held(right, POW)
            product = Piece(f"{self._held(left, POW)} @ {held}", MUL, True)
            if order == tuple(range(len(order))):
                return product
            return Piece(f"{self.style.hold(product, ATOM)}.transpose{order}", ATOM, True)
        operands = ", ".join(map(self._whole, node.operands))
        if len(node.operands) > 1:
            operands += ", optimize=True"
        return Piece(f'np.einsum("{einsum_subscripts(node)}", {operands})', ATOM, True)

    def _applied(self, node: Applied) -> Piece:
        text = APPLIED[node.operation].format(self._whole(node.of))
        return Piece(f"np.linalg.{text}", ATOM, bool(node.axes))

    def _pointwise(self, node: Pointwise) -> Piece:
        arguments = []
        for place, argument in enumerate(node.arguments):
            piece = self.added(argument, node.axes)
            if self._is_integer(argument) and _is_value(node.body, slot(place)):
                text = f"{self.style.hold(piece, ATOM)}.astype({self.style.kind()})"
                lone = self.names.is_plain(piece.text) and not argument.axes  # a loop's variable
                piece = piece if lone else Piece(text, ATOM, piece.array)
            arguments.append(piece)
        return self.style.written(node.body, arguments)

    def _leaf(self, node: Leaf) -> Piece:
        """An array, or a slice of it."""
        if node.array == RANGE:
            return Piece(self._range(node.part[0]), ATOM, bool(node.axes))
        shape = self.names.shapes[node.array]
        shown = [self.names.place_text(place, size) for place, size in
                 zip(node.part, shape, strict=False)]
        while shown and shown[-1] == ":":
            shown.pop()
        text = f"{node.array}[{', '.join(shown)}]" if shown else node.array
        return Piece(text, ATOM, bool(node.axes))

    def _range(self, place: Place) -> str:
        """The numbers of a part of 0, 1, 2, ..."""
        if not isinstance(place, Span):
            text = self.names.size_text(sp.sympify(place))
            return text if text.isidentifier() or text.isdigit() else f"({text})"
        ends = [self.names.size_text(place.start)] if place.start != 0 or place.step != 1 else []
        step = [str(place.step)] if place.step != 1 else []
        return f"np.arange({', '.join([*ends, self.names.size_text(place.stop), *step])})"

    def _total(self, node: Total) -> Piece:
        whole = set(node.over) <= set(present(node.of))
        lacks = whole and present(node.of) != node.of.axes  # axes that are not summed
        inner = self.node(node.of).text if lacks else self._whole(node.of)
        last = 0 if not whole or present(node.of) == node.of.axes else len(node.of.axes)
        places = [place - last for place, axis in enumerate(node.of.axes) if axis in node.over]
        axis = str(places[0]) if len(places) == 1 else str(tuple(places))
        if node.reduction == "logsumexp":
            self.functions.bring("logsumexp")
            return Piece(f"logsumexp({inner}, axis={axis})", ATOM, bool(node.axes))
        name = {"sum": "np.sum", "max": "np.max"}[node.reduction]
        tail = "" if not node.axes else f", axis={axis}"
        return Piece(f"{name}({inner}{tail})", ATOM, bool(node.axes))

    def place_of(self, node: Total) -> Piece:
        """Where a maximum over one axis is attained."""
        whole = self._total(node)
        return replace(whole, text=whole.text.replace("np.max(", "np.argmax(", 1))

    def added(self, node: Node, target: tuple[str, ...]) -> Piece:
        """A form as it broadcasts against an array with the axes of `target`."""
        return self.viewed(self.node(node), present(node), target)

    def viewed(self, piece: Piece, axes: tuple[str, ...], target: tuple[str, ...]) -> Piece:
        """An array with `axes` as it broadcasts against one with those of `target`."""
        order, index = alignment_plan(axes, target)
        text = piece.text
        if order is not None:
            held = self.style.hold(piece, ATOM)
            text = f"{held}.T" if order == (1, 0) else f"{held}.transpose{order}"
        if index is not None:
            parts = ["0" if p == 0 else "None" if p is None else ":" for p in index]
            held = text if order is not None else self.style.hold(piece, ATOM)
            text = f"{held}[{', '.join(parts)}]"
        changed = order is not None or index is not None
        return Piece(text, ATOM if changed else piece.level, bool(target))


_WRITTEN: Mapping[type, Callable[[Expressions, Any], Piece]] = {
    Leaf: Expressions._leaf, Transposed: Expressions._transposed, Product: Expressions._product,
    Outer: Expressions._outer, Total: Expressions._total, Softmax: Expressions._softmax,
    Where: Expressions._where, Einsum: Expressions._einsum, Applied: Expressions._applied,
    Pointwise: Expressions._pointwise,
}
"""Diagonals and series are asked for by writers of formulas alone."""


def conditions(
    guard: Guard, indices: Sequence[tuple[sp.Symbol, Size]], text: Callable[[Any], str]
) -> list[str]:
    """A guard as Python comparisons, without the half that an index's range implies."""
    if isinstance(guard, Equal):
        return [f"{text(guard.left)} == {text(guard.right)}"]
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


def _is_value(body: sp.Expr, symbol: sp.Symbol) -> bool:
    """Whether a symbol stands in a body, not only in its conditions."""
    if isinstance(body, sp.Piecewise):
        return any(_is_value(value, symbol) for value, _ in body.args)
    return bool(body == symbol) or any(_is_value(part, symbol) for part in body.args)


def _short(axes: tuple[tuple[int, ...], tuple[int, ...]]) -> str:
    """((0,), (1,)) as (0, 1)."""
    return str(tuple(side[0] for side in axes) if len(axes[0]) == 1 else axes)
