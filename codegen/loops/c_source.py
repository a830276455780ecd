"""Equations as a C function that stands alone, and its header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy.printing.c import C99CodePrinter

from ...symbolic.equation import (
    INDEX_VALUE,
    Equation,
    Item,
    Read,
    Size,
    Subscript,
    System,
)
from .c_functions import CALLED, FUNCTIONS, GEMM, KNOWN, MACROS, RESERVED, VECTORS
from .columns import columns_of
from .operands import Operand, Product
from .writing import Loops, Writing, loops


@dataclass(frozen=True)
class CSource:
    """A C function ``name(sizes, inputs, results, work)``.

    header declares it and ``name_work(sizes)``, the number of reals that `work` has to have; text
    defines both and includes what it needs of C's own headers.  sizes, inputs, results: what the
    parameters stand for, in their order.  inner: the arrays in `work`.  shapes: of arrays in
    memory.  items: what is computed.
    """

    name: str
    text: str
    header: str
    sizes: tuple[sp.Symbol, ...]
    inputs: tuple[str, ...]
    results: tuple[str, ...]
    inner: tuple[str, ...]
    shapes: Mapping[str, tuple[Size, ...]]
    system: System
    items: tuple[Item, ...]


def c_source(system: System, results: Sequence[str], *, name: str = "gradient") -> CSource:
    """The arrays in `results` as a C function of the system's inputs, row after row.

    Compile it with ``-Dreal=float`` for single precision.  Raises EquationError for what has no
    loops: an inverse, a factorization, an equation that is solved; a function that C lacks; and
    ValueError for a name that is no C identifier.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in RESERVED or MACROS.fullmatch(
            name):
        raise ValueError(f"expected a C identifier that the text does not use itself, got {name!r}")
    return c_of(loops(system, results), name)


def c_of(what: Loops, name: str = "gradient") -> CSource:
    """Loops in C.  Where there are products of matrices among them, a BLAS's gemm, in Fortran's
    convention and of the precision of `real`, is a further parameter behind `work`."""
    return _C(what, name).source()


def vectors_of(what: Loops) -> CSource:
    """The same for a compiler that is asked for vectors: with what says where there may be some,
    and sums over other axes than the last one for some of its places at once.  Each array on the
    way is a parameter, which may have the memory of what is not read any more."""
    return _Vectors(what, "gradient").source()


class _Body(C99CodePrinter):  # type: ignore[misc]  # SymPy has no types
    """Scalar bodies, their functions by the text's own names."""

    def __init__(self) -> None:
        super().__init__({"user_functions": CALLED})

    def _print_Pow(self, part: sp.Pow) -> str:  # noqa: N802  # as SymPy calls it
        base, exponent = part.as_base_exp()
        if exponent.is_Integer and 2 <= exponent <= 4:
            held = self.parenthesize(base, sp.printing.precedence.PRECEDENCE["Pow"])
            return f"({'*'.join([held] * int(exponent))})"
        text: str = super()._print_Pow(part)
        return text


class _C(Writing):
    language = "C"
    reserved, known, called, brought = RESERVED, KNOWN, CALLED, FUNCTIONS
    new, end, zero, infinity, close = "double ", ";", "0", "INFINITY", ("}",)
    differs, cast = "{} && !({})", "(double){}"
    printer = _Body()
    head = ""

    def pronounced(self, name: str) -> str:
        made = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        made = f"_{made}" if made[0].isdigit() else made
        return f"x{made}" if made.startswith("_") else made

    def is_free(self, name: str) -> bool:
        return MACROS.fullmatch(name) is None

    def place(self, subscript: Subscript) -> str:
        if isinstance(subscript, Read):
            return f"(long){self.entry(subscript)}"
        return self.integer(subscript)

    def entry(self, read: Read) -> str:
        """An entry of an array, row after row."""
        if read.array == INDEX_VALUE:
            return f"(double)({self.place(read.at[0])})"
        name, shape = self.names[read.array], self.shapes[read.array]
        places = self.stored(read.array, read.at)
        if not places:
            return f"{name}[0]"
        if not any(isinstance(at, Read) for at in places):
            place: sp.Expr = sp.S.Zero
            for at, size in zip(places, shape, strict=True):
                place = place * size + at
            return f"{name}[{self.integer(sp.expand(place) if place.is_Add else place)}]"
        text = ""
        for at, size in zip(places, shape, strict=True):
            one = self.place(at)
            text = f"({text})*({self.integer(size)}) + {one}" if text else one
        return f"{name}[{text}]"

    def told(self, equation: Equation) -> str:
        return f"/* {equation!r} */".replace("*/", "* /", repr(equation).count("*/"))

    def for_each(self, i: str, size: str, upwards: bool) -> str:
        return (f"for (long {i} = 0; {i} < {size}; {i}++) {{" if upwards
                else f"for (long {i} = {size} - 1; {i} >= 0; {i}--) {{")

    def if_all(self, tests: Sequence[str]) -> str:
        return f"if ({' && '.join(tests)}) {{"

    def block(self, lines: Sequence[str]) -> list[str]:
        return ["{", *("    " + line for line in lines), "}"]

    def copied(self, one: str, other: str, array: str) -> list[str]:
        return [f"/* {array} is {other} in another shape */",
                f"for (long next = 0; next < {self.count(array)}; next++) {{",
                f"    {one}[next] = {other}[next];", "}"]

    def product(self, product: Product) -> list[str]:
        sizes = ", ".join(map(self.integer, (product.rows, product.inner, product.columns)))
        left, right = map(self._operand, (product.left, product.right))
        return [f"multiply(gemm, {sizes}, {left}, {right}, &{self.entry(product.out)});"]

    def _operand(self, operand: Operand) -> str:
        return f"&{self.entry(operand.first)}, {self.apart(operand)}, {operand.turned:d}"

    def written(self) -> tuple[list[str], list[str], str]:
        """The parameters that are written, what stands where in them, and how many entries there
        are on the way."""
        outputs = [f"real *restrict {self.names[r]}" for r in self.results]
        held, total = [], "0"
        for array in self.inner:
            held.append(f"    real *{self.names[array]} = work + ({total});")
            total = f"{total} + {self.count(array)}" if total != "0" else self.count(array)
        return [*outputs, "real *restrict work"], [*held, "    (void)work;"], total

    def source(self) -> CSource:
        lines: list[str] = []
        for item in self.items:
            lines += self.item(item)
        sizes = [f"long {self.names[s]}" for s in self.sizes]
        inputs = [f"const {'int64_t' if a.name in self.integers else 'real'} *restrict "
                  f"{self.names[a.name]}" for a in self.system.inputs]
        written, held, total = self.written()
        arguments = _wrapped([*sizes, *inputs, *written,
                              *(["gemm_t *gemm"] if self.products else [])])
        work = f"size_t {self.name}_work({', '.join(sizes) or 'void'})"
        declared = f"void {self.name}({arguments})"
        functions = [FUNCTIONS[name] for name in FUNCTIONS if name in self.used]
        header = _HEADER.format(name=self.name, guard=f"{self.name.upper()}_H", work=work,
                                declared=declared)
        text = "\n".join([
            "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n",
            "#ifndef real\n#define real double\n#endif\n",
            *([self.head] if self.head else []), *functions,
            *([GEMM] if self.products else []),
            f"{work}\n{{", *(f"    (void){self.names[s]};" for s in self.sizes),
            f"    return (size_t)({total});\n}}\n", f"{declared}\n{{", *held,
            *("    " + line for line in lines), "}", ""])
        return CSource(self.name, text, header, self.sizes,
                       tuple(a.name for a in self.system.inputs), self.results,
                       tuple(self.inner), self.shapes, self.system, self.items)


class _Vectors(_C):
    head = VECTORS

    def written(self) -> tuple[list[str], list[str], str]:
        return [f"real *{self.names[array]}" for array in (*self.results, *self.inner)], [], "0"

    def copied(self, one: str, other: str, array: str) -> list[str]:
        told, loop, *rest = super().copied(one, other, array)
        return [told, f"if ({one} != {other})", *("    " + line for line in (loop, *rest))]

    def at_once(self, loop: Sequence[str], summed: bool = False) -> list[str]:
        return ["#pragma omp simd" + " reduction(+:sum)" * summed, *loop]

    def in_columns(self, equation: Equation, at: tuple[Subscript, ...]) -> list[str] | None:
        found = columns_of(equation)
        if found is None:
            return None
        j, size = self.named(found.column.symbol, found.column.name), self.integer(
            found.column.size)
        each = f"for (long {j} = first; {j} < end; {j}++)"
        target = self.entry(Read(equation.name, at))
        factor = "" if found.factor == 1 else (
            f"({self._body(replace(equation.terms[0], body=found.factor))})*")
        return self._loops(found.rows, [
            f"for (long first = 0; first < {size}; first += 64) {{",
            f"    const long end = first + 64 < {size} ? first + 64 : {size};",
            "    double sums[64] = {0};",
            *("    " + line for line in self._loops(found.term.over, self.at_once(
                [each, f"    sums[{j} - first] += {self._body(found.term)};"]))),
            *("    " + line for line in self.at_once(
                [each, f"    {target} = {factor}sums[{j} - first];"])),
            "}"])


def _wrapped(parts: Sequence[str]) -> str:
    """Parameters, in lines of up to 96 characters."""
    rows, row = [], ""
    for part in parts:
        if row and len(row) + len(part) > 90:
            rows.append(row + ",")
            row = part
        else:
            row = f"{row}, {part}" if row else part
    return "\n    ".join([*rows, row])


_HEADER = """\
#ifndef {guard}
#define {guard}

#include <stddef.h>
#include <stdint.h>

#ifndef real
#define real double
#endif

#ifdef __cplusplus
#define restrict
extern "C" {{
#endif

/* The number of reals that {name} is to be given as work. */
{work};

/* Arrays row after row; the first ones are read, the later ones and work are written. */
{declared};

#ifdef __cplusplus
}}
#undef restrict
#endif

#endif
"""
