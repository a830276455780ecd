"""How sizes, places and loop variables are called in a text, and which of them it has to define."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sympy as sp

from ..symbolic.equation import EquationError, Size, System, fresh_name, index_symbol
from ..symbolic.matrices.nodes import Place, Span
from .identifiers import identifier
from .sizes import integer_text

_WORD = re.compile(r"[^\W\d][\w.]*")


class Names:
    """The names in a text of a system whose own names are identifiers.

    shapes: of every array, and of what stands for one (``x[s]``, the step before).
    indices: what stands for an index: a loop's variable, ``np.arange(n)``.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.shapes = dict(system.shapes)
        self.indices: dict[sp.Symbol, str] = {}
        self._sizes: dict[str, str] = {}
        self._dtype = ""
        self.taken = {*self.shapes, *(
            str(s) for shape in self.shapes.values() for n in shape for s in n.free_symbols)}

    # --- sizes ----------------------------------------------------------------------------------

    def size(self, symbol: sp.Symbol) -> str:
        """A size, or an index that has a value.  Raises EquationError for a size that is not the
        length of any input's axis."""
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

    def is_plain(self, text: str) -> bool:
        """Whether an expression without axes is one of Python's own numbers: it has numbers and
        sizes in it and nothing of an array."""
        known = {*self._sizes, *self.indices.values()}
        return all(found.group() in known or found.group().startswith("np.")
                   or text[found.end():].startswith("(")  # a function, of which it is a number
                   for found in _WORD.finditer(text))

    def size_text(self, size: sp.Expr) -> str:
        """A size or a place, indices before sizes before numbers: t + 1, T - 1, w // 2."""
        return integer_text(size, self.size, frozenset(self.indices))

    def shape_text(self, shape: Sequence[Size]) -> str:
        """(m, n), or (n,)."""
        sizes = ", ".join(map(self.size_text, shape))
        return f"({sizes}{',' if len(shape) == 1 else ''})"

    def place_text(self, place: Place, size: Size | None) -> str:
        """A place or a part of an axis of length `size` as a subscript."""
        if place is None:
            return ":"
        if not isinstance(place, Span):
            return self.size_text(place)
        start = "" if place.start == 0 else self.size_text(place.start)
        stop = "" if size is not None and place.stop == size else self.size_text(place.stop)
        return f"{start}:{stop}" + (f":{place.step}" if place.step != 1 else "")

    # --- names of the text's own ----------------------------------------------------------------

    def variable(self, name: str, symbol: sp.Symbol | None = None) -> str:
        """A name for a loop's variable that no array or size has."""
        symbol = index_symbol(name) if symbol is None else symbol
        if symbol not in self.indices:
            self.indices[symbol] = identifier(name, {*self.taken, *self.indices.values()})
        return self.indices[symbol]

    def fresh(self, name: str) -> str:
        """A name that no array, size or index has."""
        return self.variable(name, sp.Symbol(f"#{name}"))

    def new(self, name: str) -> str:
        """A name for one more array of the text's own."""
        made = identifier(name, {*self.taken, *self.indices.values()})
        self.taken.add(made)
        return made

    def dtype(self) -> str:
        """The name of the floating-point type that the inputs are together."""
        if not self._dtype:
            self._dtype = fresh_name("dtype", self.taken)
        return self._dtype

    def lines(self) -> list[str]:
        """What defines the sizes and the type that the text names."""
        return [*self._sizes.values(), *self._dtype_lines()]

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
