"""How sizes, places and loop variables are called in a text, which of them it has to define, and
how what is computed of them is spelled: by integers alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import sympy as sp

from ..symbolic.display.layout import ADD, ATOM, MUL, POW, Piece, Style, body
from ..symbolic.equation import EquationError, Size, System, fresh_name, index_symbol
from ..symbolic.matrices.nodes import Place, Span
from .identifiers import identifier

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
        self._sought: list[sp.Symbol] = []
        """Sizes that are being read off, which none of them may need."""
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
            self._sizes[name] = f"    {name} = {self._found(symbol)}"
        return name

    def _found(self, symbol: sp.Symbol) -> str:
        """A size read off the inputs' shapes: a length, or what is left of one that is made of it
        and of others."""
        for array in self.system.inputs:
            if symbol in array.shape:
                return f"{array.name}.shape[{array.shape.index(symbol)}]"
        for array in self.system.inputs:
            for axis, size in enumerate(array.shape):
                factor = sp.expand(size).coeff(symbol)
                rest = sp.expand(size - factor * symbol)
                if factor == 0 or {symbol, *self._sought} & (
                        factor.free_symbols | rest.free_symbols):
                    continue
                self._sought.append(symbol)
                try:
                    return self._solved(f"{array.name}.shape[{axis}]", factor, rest)
                except EquationError:  # another size of it is not known
                    continue
                finally:
                    self._sought.pop()
        raise EquationError(f"size {symbol} is not the length of any input's axis")

    def _solved(self, length: str, factor: sp.Expr, rest: sp.Expr) -> str:
        """n of a length that is factor · n + rest."""
        if factor == -1:
            return f"{self.size_text(rest)} - {length}"
        text = length
        if rest != 0:
            taken = self.size_text(-rest)
            text += f" - {taken[1:]}" if taken.startswith("-") and not rest.is_Add else (
                f" + {taken}" if not taken.startswith("-") else f" - ({self.size_text(rest)})")
        if factor == 1:
            return text
        over = self.size_text(factor)
        held = over if factor.is_Integer or factor.is_Symbol else f"({over})"
        return f"{text} // {held}" if rest == 0 else f"({text}) // {held}"

    def is_plain(self, text: str) -> bool:
        """Whether an expression without axes is one of Python's own numbers: it has numbers and
        sizes in it and nothing of an array."""
        known = {*self._sizes, *self.indices.values()}
        # Functions of numbers give numbers, but for one.
        return all(found.group() in known or (found.group() != "np.arange" and (
            found.group().startswith("np.") or text[found.end():].startswith("(")))
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


# --- sizes and places as text that computes integers ---------------------------------------------

quotient = sp.Function("quotient")
"""Python's a // b: quotient(a, b) of integers."""


class _IntegerStyle(Style):
    """Expressions whose every part is a Python integer: no float has a place in a shape."""

    def __init__(self, name: Callable[[sp.Symbol], str]) -> None:
        self.name = name

    def size(self, symbol: sp.Symbol) -> str:
        return self.name(symbol)

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        if name == "quotient":  # binds as a product does, but neither a factor nor a minus may join
            above, below = arguments
            return Piece(f"{self.hold(above, MUL)} // {self.hold(below, POW)}", ADD)
        if name in ("Max", "Min"):
            return Piece(f"{name.lower()}({', '.join(a.text for a in arguments)})", ATOM)
        raise EquationError(f"no source text for {name} in a size; compile it instead")


def as_quotients(value: sp.Expr) -> sp.Expr:
    """The value with every quotient, rounded down or exact, as a quotient of integers."""
    if isinstance(value, sp.ceiling):
        return -as_quotients(sp.floor(-value.args[0], evaluate=False))
    rounded = isinstance(value, sp.floor)
    above, below = sp.fraction(sp.together(value.args[0] if rounded else value))
    if below != 1:
        return quotient(as_quotients(above), as_quotients(below))
    if rounded:
        return as_quotients(above)
    return value.func(*map(as_quotients, value.args)) if value.args else value


def integer_text(
    value: sp.Expr, name: Callable[[sp.Symbol], str], first: frozenset[sp.Symbol] = frozenset()
) -> str:
    """A size or a place as Python text: those of its symbols that are `first` (indices) come
    before the others (sizes) and before numbers.

    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> integer_text(sp.floor((n - 3) / 2) + 1, str)
    '(n - 3) // 2 + 1'
    """
    whole, style = as_quotients(value), _IntegerStyle(name)
    parts = sorted(whole.args if whole.is_Add else [whole], key=lambda part: (
        bool(part.is_number), not part.free_symbols & first, str(part)))
    if not whole.is_Add or parts[0].as_coeff_Mul()[0].is_negative:
        return body(whole, [], style).text
    text = ""
    for part in parts:
        number = part.as_coeff_Mul()[0]
        shown = body(abs(number) * part / number, [], style).text
        text += f" {'-' if number.is_negative else '+'} {shown}" if text else shown
    return text
