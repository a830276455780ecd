"""Items of a system as NumPy statements, from the same matrix form as its formulas."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ..symbolic.display.layout import ATOM, MUL, POW, Piece, body
from ..symbolic.equation import (
    EquationError,
    Guard,
    Item,
    Recurrence,
    System,
    fresh_name,
    index_symbol,
    slot,
)
from ..symbolic.functions import SIGMOID, STEP, XLOGX, A, Opaque, Z, in_output, in_sigmoid
from ..symbolic.matrices.leaves import levels_of
from ..symbolic.matrices.nodes import Place
from ..symbolic.matrices.recognise import (
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
)
from .axes import alignment_plan, as_tensordot, einsum_subscripts, present
from .blocks import Blocks, conditions, taken_names
from .bundled import (
    LOG_SOFTMAX_SOURCE,
    LOGSUMEXP_SOURCE,
    SIGMOID_SOURCE,
    SOFTMAX_SOURCE,
    XLOGX_SOURCE,
)
from .gathers import RANGE
from .needed import shown_axes
from .numpy_style import NumPyStyle
from .patches import Scope

USED = frozenset({"np", "math", "range", "reversed", "float"})
"""What printed code refers to; an array of such a name would hide it."""


class Printing:
    """Right sides of equations as NumPy expressions, and the helpers they call for."""

    def __init__(self, system: System, row_vectors: bool) -> None:
        self.system = system
        self.row_vectors = row_vectors
        self.levels = levels_of(system)
        self.shapes = dict(system.shapes)
        self.indices: dict[sp.Symbol, str] = {}
        self.blocks = Blocks(self, system, Scope(row_vectors, self.shapes, self.levels))
        self.style = NumPyStyle(self)
        self._helpers: dict[str, str] = {}
        self._names: dict[type[Opaque], str] = {}
        self._sizes: dict[str, str] = {}
        self._dtype = ""
        for array in system.inputs:
            if not array.name.isidentifier() or keyword.iskeyword(array.name):
                raise EquationError(f"{array.name!r} is no Python name; rename the input")
        sizes = {str(s) for shape in self.shapes.values() for n in shape for s in n.free_symbols}
        for name in (self.shapes.keys() | sizes) & USED:
            raise EquationError(f"{name!r} has a meaning in the NumPy code; rename the array or "
                                "the size")

    def lines(self, item: Item) -> list[str]:
        """The statements that compute an item, without indentation."""
        if isinstance(item, Recurrence):
            return self.blocks.recurrence(item)
        if item.argmax:
            return self.blocks.maximum(item)
        form = matrix_form(item, self.row_vectors, self.shapes, levels=self.levels)
        if form is None:
            return self.blocks.equation(item)
        if not item.terms:
            return [f"{item.name} = np.zeros({self._shape_text(item.shape)}, {self.dtype()})"]
        out, units = shown_axes(item)
        return [f"{item.name} = {self.shaped(aligned(form, out), out, item.shape, units)}"]

    def shaped(
        self, node: Node, axes: tuple[str, ...], shape: Sequence[sp.Expr],
        units: tuple[Any, ...] = (),
    ) -> str:
        """A form as an expression that has all its axes, those of length 1 put in."""
        text = self.node(node).text
        if present(node) == node.axes:
            return self._with_units(text, node, units) if units else text
        if units and axes:  # a value that lacks axes has them before those of length 1 are put in
            kept = [size for size, unit in zip(shape, units, strict=True) if unit is not None]
            whole = Piece(f"np.broadcast_to({text}, {self._shape_text(kept)})", ATOM)
            return f"{self._with_units(whole.text, node, units)}.copy()"
        return f"np.broadcast_to({text}, {self._shape_text(shape)}).copy()"

    def added(self, node: Node, axes: tuple[str, ...]) -> Piece:
        """A form that is added to an array with these axes."""
        return self._aligned(node, axes)

    def _shape_text(self, shape: Sequence[sp.Expr]) -> str:
        sizes = ", ".join(self.size_text(size) for size in shape)
        return f"({sizes}{',' if len(shape) == 1 else ''})"

    def _with_units(self, text: str, node: Node, units: Sequence[Any]) -> str:
        """Axes of length 1 put in, where the value has none."""
        held = self.style.hold(Piece(text, self.node(node).level), ATOM)
        return f"{held}[{', '.join(':' if part == slice(None) else 'None' for part in units)}]"

    # --- nodes ----------------------------------------------------------------------------------

    def node(self, node: Node) -> Piece:
        if isinstance(node, Leaf):
            return Piece(self._leaf(node), ATOM, bool(node.axes))
        if isinstance(node, Transposed):
            turned = "T" if len(node.axes) == 2 else "swapaxes(-1, -2)"
            return Piece(f"{self.style.hold(self.node(node.of), ATOM)}.{turned}", ATOM, True)
        if isinstance(node, Product):
            factors = [self.style.hold(self.node(factor), POW) for factor in node.factors]
            return Piece(" @ ".join(factors), MUL, bool(node.axes))
        if isinstance(node, Outer):
            return Piece(f"np.outer({self.node(node.column).text}, {self.node(node.row).text})",
                         ATOM, True)
        if isinstance(node, Total):
            return self._total(node)
        if isinstance(node, Softmax):
            name = "log_softmax" if node.log else "softmax"
            self._helpers[name] = LOG_SOFTMAX_SOURCE if node.log else SOFTMAX_SOURCE
            along = node.axes.index(node.over) - len(node.axes)
            tail = "" if along == -1 else f", axis={along + len(node.axes)}"
            return Piece(f"{name}({self.node(node.of).text}{tail})", ATOM, True)
        if isinstance(node, Where):
            masks = [half for guard in node.guards for half in self._mask(guard, node)]
            mask = masks[0] if len(masks) == 1 else " & ".join(f"({half})" for half in masks)
            fill = "-np.inf" if node.lowest else "0"
            return Piece(f"np.where({mask}, {self.node(node.of).text}, {fill})", ATOM, True)
        if isinstance(node, Einsum):
            found = as_tensordot(node)
            if found is not None:
                pair = ", ".join(self.node(operand).text for operand in found[0])
                return Piece(f"np.tensordot({pair}, axes={_short(found[1])})", ATOM, True)
            operands = ", ".join(self.node(operand).text for operand in node.operands)
            if len(node.operands) > 1:
                operands += ", optimize=True"
            return Piece(f'np.einsum("{einsum_subscripts(node)}", {operands})', ATOM, True)
        if isinstance(node, Applied):
            name = {"inv": "inv({})", "cholesky": "cholesky({})", "det": "det({})",
                    "logdet": "slogdet({})[1]"}[node.operation]
            return Piece("np.linalg." + name.format(self.node(node.of).text), ATOM,
                         bool(node.axes))
        assert isinstance(node, Pointwise)  # diagonals are asked for by writers alone
        arguments = [self._aligned(argument, node.axes) for argument in node.arguments]
        return self.style.written(node.body, arguments)

    def _mask(self, guard: Guard, node: Where) -> list[str]:
        """A guard as arrays of truth values, its indices as places along the axes."""
        before = dict(self.indices)
        for place, (axis, size) in enumerate(zip(node.axes, node.sizes, strict=True)):
            deep = ", None" * (len(node.axes) - place - 1)
            view = f"[:{deep}]" if deep else ""
            self.indices[index_symbol(axis)] = f"np.arange({self.size_text(size)}){view}"
        halves = conditions(guard, [(index_symbol(axis), size) for axis, size in zip(
            node.axes, node.sizes, strict=True)], self.size_text)
        self.indices = before
        return halves

    def _leaf(self, node: Leaf) -> str:
        """An array, or a slice of it."""
        if node.array == RANGE:
            return self._range(node.part[0])
        shape = self.shapes[node.array]
        shown = [self.place_text(place, size) for place, size in
                 zip(node.part, shape, strict=False)]
        while shown and shown[-1] == ":":
            shown.pop()
        return f"{node.array}[{', '.join(shown)}]" if shown else node.array

    def _range(self, place: Place) -> str:
        """The numbers of a part of 0, 1, 2, ..."""
        if not isinstance(place, Span):
            text = self.size_text(sp.sympify(place))
            return text if text.isidentifier() or text.isdigit() else f"({text})"
        ends = [self.size_text(place.start)] if place.start != 0 or place.step != 1 else []
        step = [str(place.step)] if place.step != 1 else []
        return f"np.arange({', '.join([*ends, self.size_text(place.stop), *step])})"

    def place_text(self, place: Place, size: sp.Expr | None) -> str:
        if place is None:
            return ":"
        if not isinstance(place, Span):
            return self.size_text(place)
        start = "" if place.start == 0 else self.size_text(place.start)
        stop = "" if size is not None and place.stop == size else self.size_text(place.stop)
        return f"{start}:{stop}" + (f":{place.step}" if place.step != 1 else "")

    def place_of(self, node: Total) -> Piece:
        """Where a maximum over one axis is attained."""
        whole = self._total(node)
        return replace(whole, text=whole.text.replace("np.max(", "np.argmax(", 1))

    def _total(self, node: Total) -> Piece:
        inner = self.node(node.of).text
        last = 0 if present(node.of) == node.of.axes else len(node.of.axes)
        places = [place - last for place, axis in enumerate(node.of.axes) if axis in node.over]
        axis = str(places[0]) if len(places) == 1 else str(tuple(places))
        if node.reduction == "logsumexp":
            self._helpers["logsumexp"] = LOGSUMEXP_SOURCE
            return Piece(f"logsumexp({inner}, axis={axis})", ATOM, bool(node.axes))
        name = {"sum": "np.sum", "max": "np.max"}[node.reduction]
        tail = "" if not node.axes else f", axis={axis}"
        return Piece(f"{name}({inner}{tail})", ATOM, bool(node.axes))

    def _aligned(self, node: Node, target: tuple[str, ...]) -> Piece:
        piece = self.node(node)
        order, index = alignment_plan(present(node), target)
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

    # --- functions ------------------------------------------------------------------------------

    def apply(self, function: type[Opaque], argument: Piece) -> Piece:
        """A named function of an argument: NumPy's own, or a helper that is added to the text."""
        if function.numpy is not None and function.order == 0:
            if function in _OWN_SOURCE:
                self._helpers[function.title] = _OWN_SOURCE[function]
            return Piece(function.numpy.format(z=argument.text), ATOM, argument.array)
        definition = function.definition
        if definition == STEP.definition:
            if self.style.lone_steps:
                return Piece(f"np.heaviside({argument.text}, 0)", ATOM, argument.array)
            held = self.style.hold(argument, POW)
            return Piece(f"({held} > 0)", ATOM, argument.array)
        return Piece(f"{self._helper(function)}({argument.text})", ATOM, argument.array)

    def _helper(self, function: type[Opaque]) -> str:
        if function in self._names:
            return self._names[function]
        stem = function.title + "_prime" * function.order
        name, number = stem, 1
        taken = {*self._names.values(), *self.system.names, *(f.title for f in _OWN_SOURCE)}
        while name in taken:
            number += 1
            name = f"{stem}{number}"
        self._names[function] = name
        definition = function.definition
        polynomial = in_output(function) if function.order and function.base.numpy else None
        bounded = in_sigmoid(definition)
        if polynomial is not None:
            definition = polynomial.xreplace({A: function.base(Z)})
        elif bounded is not None:
            definition = sp.factor(bounded[0]).xreplace({A: SIGMOID(bounded[1])})
        z = Piece("z", ATOM, True)
        shown = self.style.written(definition.xreplace({Z: slot(0)}), [z]).text
        if isinstance(definition, sp.Piecewise) and all(v.is_number for v, _ in definition.args):
            shown += ".astype(np.result_type(z, 1.0))"  # numbers alone do not say the precision
        self._helpers.pop(name, None)
        self._helpers[name] = f"def {name}(z):\n    return {shown}\n"
        return name

    def need(self, name: str, source: str) -> None:
        """A helper function that the text must bring."""
        self._helpers[name] = source

    def helpers(self) -> list[str]:
        """Their definitions.  Raises EquationError where an array has the name of one."""
        for name in self._helpers.keys() & self.shapes.keys():
            raise EquationError(f"{name!r} is a function in the NumPy code; rename the array")
        return list(self._helpers.values())

    # --- sizes ----------------------------------------------------------------------------------

    def size(self, symbol: sp.Symbol) -> str:
        if symbol in self.indices:
            return self.indices[symbol]
        name = str(symbol)
        if name not in self._sizes:
            for array in self.system.inputs:
                if symbol in array.shape:
                    self._sizes[name] = f"    {name} = {array.name}.shape[" \
                                        f"{array.shape.index(symbol)}]"
                    break
            else:
                raise EquationError(f"size {name} is not the length of any input's axis")
        return name

    def is_size(self, text: str) -> bool:
        """Whether this is the name of a size."""
        return text in self._sizes

    def size_text(self, size: sp.Expr) -> str:
        """A size or a place, indices before sizes before numbers: t + 1, T - 1."""
        parts = sorted(size.args if size.is_Add else [size], key=lambda part: (
            bool(part.is_number), not part.free_symbols & self.indices.keys(), str(part)))
        if not size.is_Add or parts[0].as_coeff_Mul()[0].is_negative:
            return body(size, [], self.style).text
        text = ""
        for part in parts:
            number = part.as_coeff_Mul()[0]
            shown = body(abs(number) * part / number, [], self.style).text
            text += f" {'-' if number.is_negative else '+'} {shown}" if text else shown
        return text

    def size_names(self) -> list[str]:
        """The sizes that the text names."""
        return list(self._sizes)

    def size_lines(self) -> list[str]:
        return [*self._sizes.values(), *self._dtype_lines()]

    # --- precision ------------------------------------------------------------------------------

    def dtype(self) -> str:
        """The name of the floating-point type that the inputs are together."""
        if not self._dtype:
            taken = taken_names(self.system.names, self.system.shapes)
            self._dtype = fresh_name("dtype", taken)
        return self._dtype

    def _dtype_lines(self) -> list[str]:
        if not self._dtype:
            return []
        reals = [array.name for array in self.system.inputs if not array.is_integer]
        head = f"    {self._dtype} = np.result_type("
        rows, row = [], head
        for name in [*reals, "1.0)"]:
            more = name if name.endswith(")") else f"{name}, "
            if len(row) + len(more) > 98:
                rows.append(row.rstrip())
                row = " " * len(head)
            row += more
        return [*rows, row]


def _short(axes: tuple[tuple[int, ...], tuple[int, ...]]) -> str:
    """((0,), (1,)) as (0, 1)."""
    return str(tuple(side[0] for side in axes) if len(axes[0]) == 1 else axes)


_OWN_SOURCE = {SIGMOID: SIGMOID_SOURCE, XLOGX: XLOGX_SOURCE}
"""Functions that the text brings by their own name, in a spelling of their own."""
