"""Equations as a Python function of loops, which Numba compiles."""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from ...symbolic import escaping
from ...symbolic.equation import INDEX_VALUE, Equation, EquationError, Read, Subscript, System
from ..identifiers import identifier
from .c_functions import CALLED as CALLED_IN_C
from .columns import columns_of
from .numba_functions import FUNCTIONS, JIT, brought
from .operands import Operand, Product
from .writing import Loops, Writing, loops

CALLED = {**CALLED_IN_C, "abs": "abs", "exp": "exp", "log": "log", "root": "pow",
          "gammaln": "math.lgamma"}

_NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
          "acosh": "arccosh", "atanh": "arctanh", "ceil": "ceil"}
_MATH = frozenset(("lgamma", "pi", "e"))
KNOWN = frozenset(("abs", "int", "float", "min", "max", "pow", "math.lgamma", *(
    f"np.{name}" for name in ("sqrt", "sin", "cos", "tan", "sinh", "cosh", "floor",
                              *_NUMPY.values()))))
"""Functions that a body may call."""

FEW = range(8)
"""Columns that are summed one after another: an array of sums would take longer."""

RESERVED = frozenset((*FUNCTIONS, *keyword.kwlist, "np", "math", "njit", "value", "sum", "sums",
                      "next", "abs", "int", "float", "min", "max", "pow", "range", "quotient",
                      "k_", "left_", "right_", "out_", "places_", "sizes_", "work_", "at_",
                      "real_", "int_", "carray_"))


class _Body(PythonCodePrinter):  # type: ignore[misc]  # SymPy has no types
    """Scalar bodies; NumPy's functions raise nothing where Python's would."""

    def __init__(self) -> None:
        super().__init__({"user_functions": CALLED})

    def doprint(self, expr: Any, assign_to: Any = None) -> str:
        text: str = super().doprint(expr, assign_to)
        return re.sub(r"\bmath\.(\w+)", lambda found: found[0] if found[1] in _MATH
                      else found[1] if found[1] in FUNCTIONS
                      else f"np.{_NUMPY.get(found[1], found[1])}", text)

    def _print_Function(self, part: sp.Function) -> str:  # noqa: N802  # as SymPy calls it
        if part.func.__name__ == "quotient":
            above, below = (self._print(one) for one in part.args)
            return f"(({above})//({below}))"
        text: str = super()._print_Function(part)
        return text


@dataclass(frozen=True)
class NumbaSource:
    """A function of arrays that returns its results in a tuple.

    text: with what it imports.  steps: its statements, those of each item; called: the functions
    that these call, of those that the text brings along.
    """

    name: str
    text: str
    steps: tuple[tuple[str, ...], ...]
    called: frozenset[str]
    writing: Writing


class _Python(Writing):
    language = "Numba's Python"
    reserved, known, called, brought = RESERVED, KNOWN, CALLED, FUNCTIONS
    infinity, cast = "np.inf", "float({})"
    printer = _Body()

    def pronounced(self, name: str) -> str:
        return identifier(re.sub(r"\W", "_", name))

    def is_free(self, name: str) -> bool:
        return not name.startswith("__")

    def function(self, name: str) -> str:
        self.used.add(name)
        return name

    def place(self, subscript: Subscript) -> str:
        return f"int({self.entry(subscript)})" if isinstance(subscript, Read) else self.integer(
            subscript)

    def entry(self, read: Read) -> str:
        if read.array == INDEX_VALUE:
            return f"float({self.place(read.at[0])})"
        places = ", ".join(self.place(at) for at in self.stored(read.array, read.at))
        return f"{self.names[read.array]}[{places or '()'}]"

    def told(self, equation: Equation) -> str:
        return f"# {equation!r}"

    def for_each(self, i: str, size: str, upwards: bool) -> str:
        return f"for {i} in range({size}):" if upwards else (
            f"for {i} in range({size} - 1, -1, -1):")

    def if_all(self, tests: Sequence[str]) -> str:
        return f"if {' and '.join(tests)}:"

    def summed(self, body: str) -> str:
        return f"sum = {self.function('added')}(sum, {body})"

    def in_columns(self, equation: Equation, at: tuple[Subscript, ...]) -> list[str] | None:
        found = columns_of(equation)
        if found is None or found.column.size in FEW:
            return None
        j, size = self.named(found.column.symbol, found.column.name), self.integer(
            found.column.size)
        factor = "" if found.factor == 1 else (
            f"({self._body(replace(equation.terms[0], body=found.factor))})*")
        return [f"sums = np.empty({size})", *self._loops(found.rows, [
            "sums[:] = 0.0",
            *self._loops([*found.term.over, found.column], [
                f"sums[{j}] += {self._body(found.term)}"]),
            *self._loops([found.column], [
                f"{self.entry(Read(equation.name, at))} = {factor}sums[{j}]"])])]

    def copied(self, one: str, other: str, array: str) -> list[str]:
        return [f"{one}[...] = np.ascontiguousarray({other}).reshape({one}.shape)"]

    def product(self, product: Product) -> list[str]:
        rows, inner, columns = map(self.integer, (product.rows, product.inner, product.columns))
        left = self._operand(product.left, rows, inner)
        right = self._operand(product.right, inner, columns)
        places = itertools.takewhile(bool, self.stored(product.out.array, product.out.at))
        out = self._part(product.out.array, [*places])
        return [f"out_ = {out}.reshape(({rows}, {columns}))",
                f"np.dot({left}, {right}, out_)"]

    def _part(self, array: str, places: Sequence[Subscript]) -> str:
        """What of an array stands at places along its first axes."""
        name = self.names[array]
        return f"{name}[{', '.join([*map(self.place, places), '...'])}]" if places else name

    def _operand(self, operand: Operand, rows: str, columns: str) -> str:
        """A matrix, contiguous; its array as it is where that has the matrix's axes last."""
        first, lengths = operand.first, dict(operand.lengths)
        name, shape = self.names[first.array], self.shapes[first.array]
        axes = self.stored(first.array, [lengths.get(axis) for axis in range(len(first.at))])
        places = self.stored(first.array, first.at)
        ahead = next(k for k, length in enumerate(axes) if length is not None)
        if all(length == n for length, n in zip(axes[ahead:], shape[ahead:], strict=True)):
            text = self._part(first.array, places[:ahead])
        else:
            text = f"np.ascontiguousarray({name}[" + ", ".join(
                self.place(at) if length is None else f":{self.integer(length)}"
                for at, length in zip(places, axes, strict=True)) + "])"
        whole = (columns, rows) if operand.turned else (rows, columns)
        return f"{text}.reshape(({', '.join(whole)}))" + ".T"*operand.turned

    def source(self, summary: str) -> NumbaSource:
        steps = [tuple(self.item(item)) for item in self.items]
        body = itertools.chain.from_iterable(steps)
        lines = self._head()
        returned = ", ".join(self.names[r] + ("" if self.shapes[r] else "[()]")
                             for r in self.results)
        told = [f'"""{escaping.python(summary)}"""'] if summary else []
        arguments = ", ".join(self.names[a.name] for a in self.system.inputs)
        function = "\n".join([JIT, f"def {self.name}({arguments}):", *(
            f"    {line}" for line in (*told, *lines, *body, f"return {returned},"))])
        called = frozenset(self.used & FUNCTIONS.keys())
        text = "\n\n\n".join(["", *brought(called), function])
        head = "import math\n\n" if "math." in text else ""
        return NumbaSource(self.name, f"{head}import numpy as np\nfrom numba import njit{text}\n",
                           tuple(steps), called, self)

    def _head(self) -> list[str]:
        """The sizes, and arrays for what is computed."""
        inputs = self.system.inputs
        real = next((self.names[a.name] for a in inputs if not a.is_integer), None)
        kind = f"{real}.dtype" if real else "np.float64"
        seen: dict[sp.Symbol, str] = {}
        for array in inputs:
            for axis, size in enumerate(array.shape):
                if size in self.sizes:
                    seen.setdefault(size, f"{self.names[array.name]}.shape[{axis}]")
        hidden = [str(size) for size in self.sizes if size not in seen]
        if hidden:
            raise EquationError(f"no input has an axis of the length {hidden[0]} alone")
        return [*(f"{self.names[size]} = {seen[size]}" for size in self.sizes),
                *(f"{self.names[array]} = np.empty({shape_text(self, array)}, {kind})"
                  for array in (*self.results, *self.inner))]


def shape_text(writing: Writing, array: str) -> str:
    """The shape of an array, as a tuple."""
    sizes = [writing.integer(n) for n in writing.shapes[array]]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def numba_source(
    system: System, results: Sequence[str], *, name: str = "gradient", summary: str = ""
) -> NumbaSource:
    """The arrays in `results` as a function of loops over the system's inputs, which returns them
    in a tuple, for ``numba.njit``; arrays are of one floating-point type.

    Raises EquationError for what has no loops, as :func:`c_source.c_source` does, and ValueError
    for a name that is no identifier.
    """
    if identifier(name) != name or name in RESERVED:
        raise ValueError(f"expected a Python name that the text does not use itself, got {name!r}")
    return numba_of(loops(system, results), name, summary)


def numba_of(what: Loops, name: str = "gradient", summary: str = "") -> NumbaSource:
    """Loops in Python; where there are products of matrices among them, for contiguous arrays."""
    return _Python(what, name).source(summary)
