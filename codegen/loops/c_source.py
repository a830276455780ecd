"""Equations as a C function: a loop for each index, a local sum for each reduction.

    y[i] = Σ_j A[i, j] x[j]     ->     for (long i = 0; i < m; i++) {
                                           double sum = 0;
                                           for (long j = 0; j < n; j++)
                                               sum += A[n*i + j]*x[j];
                                           y[i] = sum;
                                       }

Scalar bodies are SymPy's C, in the spelling that is finite wherever the value is.  What depends on
no summed index is multiplied once.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import sympy as sp
from sympy.printing.c import C99CodePrinter

from ...symbolic.dependence import arrays_read, needed_items
from ...symbolic.equation import (
    INDEX_VALUE,
    NAMED,
    Equal,
    Equation,
    EquationError,
    Guard,
    Implicit,
    Index,
    Item,
    Read,
    Recurrence,
    Subscript,
    System,
    Term,
    size_symbols,
    slot,
    slot_number,
    slots_of,
)
from ..identifiers import pronounceable
from ..names import as_quotients
from ..saturated import Saturated, prepared
from ..spelling import stable
from ..views import reshaped
from .c_functions import CALLED, FUNCTIONS, KNOWN, MACROS, RESERVED


@dataclass(frozen=True)
class CSource:
    """A C function ``name(sizes, inputs, results, work)``.

    header declares it and ``name_work(sizes)``, the number of reals that `work` has to have; text
    defines both and includes what it needs of C's own headers.  sizes, inputs, results: what the
    parameters stand for, in their order.  items: what is computed.
    """

    name: str
    text: str
    header: str
    sizes: tuple[sp.Symbol, ...]
    inputs: tuple[str, ...]
    results: tuple[str, ...]
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
    whole, names = pronounceable(prepared(system))
    wanted = tuple(dict.fromkeys(names[result] for result in results))
    spelled = cache(Saturated(whole).steady)
    steps = {e for item in whole.items if not isinstance(item, Equation) for e in item.equations}
    items = [item if not isinstance(item, Equation) else spelled(item) for item in needed_items(
        whole, wanted, lambda e: arrays_read(e if e in steps else spelled(e)))]
    return _Writing(whole, items, wanted, name).source()


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


class _Writing:
    def __init__(
        self, system: System, items: Sequence[Item], results: tuple[str, ...], name: str
    ) -> None:
        self.system = system
        self.items = items
        self.results = results
        self.name = name
        self.shapes = system.shapes
        self.printer = _Body()
        self.used: set[str] = set()
        self._names: dict[Hashable, str] = {}
        self._taken = {*RESERVED, name, f"{name}_work"}
        self.integers = {array.name for array in system.inputs if array.is_integer}
        made = [e for item in items for e in (
            (item,) if isinstance(item, Equation) else item.equations)]
        self.inner = [n for e in made for n in (e.name, *e.argmax) if n not in results]
        for array in (*(a.name for a in system.inputs), *results, *self.inner):
            self.named(array, array)
        bound = [(i.size,) for e in made for t in e.terms for i in t.over]
        shapes = [*(a.shape for a in system.inputs), *(self.shapes[n] for n in (
            *results, *self.inner)), *bound]
        self.sizes = tuple(s for s in size_symbols(shapes) if s.is_positive)
        for size in self.sizes:
            self.named(size, str(size))

    # --- names and integers ---------------------------------------------------------------------

    def named(self, thing: Hashable, name: str) -> str:
        """What an array, a size or an index is called."""
        if thing not in self._names:
            made = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
            made = f"_{made}" if made[0].isdigit() else made
            made = f"x{made}" if made.startswith("_") else made
            while made in self._taken or MACROS.fullmatch(made):
                made += "_"
            self._taken.add(made)
            self._names[thing] = made
        return self._names[thing]

    def integer(self, value: sp.Expr) -> str:
        """A size or a place."""
        if value.has(sp.Mod):
            raise EquationError(f"no C for {value} in a subscript")
        whole = as_quotients(sp.sympify(value))
        self.used |= {"quotient"} if whole.has(sp.Function("quotient")) else set()
        text: str = self.printer.doprint(whole.xreplace(self._symbols(whole)))
        return text

    def _symbols(self, value: sp.Expr, cast: str = "") -> dict[sp.Symbol, sp.Symbol]:
        """Sizes and indices by their names in C."""
        return {s: sp.Symbol(cast + self.named(s, str(s)), integer=True)
                for s in value.free_symbols if slot_number(s) is None}

    def place(self, subscript: Subscript) -> str:
        if isinstance(subscript, Read):
            return f"(long){self.entry(subscript)}"
        return self.integer(subscript)

    def entry(self, read: Read) -> str:
        """An entry of an array, row after row."""
        if read.array == INDEX_VALUE:
            return f"(double)({self.place(read.at[0])})"
        name, shape = self._names[read.array], self.shapes[read.array]
        if not read.at:
            return f"{name}[0]"
        if not any(isinstance(at, Read) for at in read.at):
            place: sp.Expr = sp.S.Zero
            for at, size in zip(read.at, shape, strict=True):
                place = place * size + at
            return f"{name}[{self.integer(sp.expand(place) if place.is_Add else place)}]"
        text = ""
        for at, size in zip(read.at, shape, strict=True):
            one = self.place(at)
            text = f"({text})*({self.integer(size)}) + {one}" if text else one
        return f"{name}[{text}]"

    # --- loops ----------------------------------------------------------------------------------

    def source(self) -> CSource:
        lines: list[str] = []
        for item in self.items:
            lines += self._item(item)
        sizes = [f"long {self._names[s]}" for s in self.sizes]
        inputs = [f"const {'int64_t' if a.name in self.integers else 'real'} *restrict "
                  f"{self._names[a.name]}" for a in self.system.inputs]
        copied = [r for r in self.results if r in {a.name for a in self.system.inputs}]
        if copied:
            raise EquationError(f"{copied[0]}: an input is no result in C")
        outputs = [f"real *restrict {self._names[r]}" for r in self.results]
        arguments = _wrapped([*sizes, *inputs, *outputs, "real *restrict work"])
        held, total = [], "0"
        for array in self.inner:
            held.append(f"    real *{self._names[array]} = work + ({total});")
            total = f"{total} + {self._count(array)}" if total != "0" else self._count(array)
        work = f"size_t {self.name}_work({', '.join(sizes) or 'void'})"
        declared = f"void {self.name}({arguments})"
        functions = [FUNCTIONS[name] for name in FUNCTIONS if name in self.used]
        header = _HEADER.format(name=self.name, guard=f"{self.name.upper()}_H", work=work,
                                declared=declared)
        text = "\n".join([
            "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n",
            "#ifndef real\n#define real double\n#endif\n", *functions,
            f"{work}\n{{", *(f"    (void){self._names[s]};" for s in self.sizes),
            f"    return (size_t)({total});\n}}\n", f"{declared}\n{{", *held,
            "    (void)work;", *("    " + line for line in lines), "}", ""])
        return CSource(self.name, text, header, self.sizes,
                       tuple(a.name for a in self.system.inputs), self.results,
                       self.system, tuple(self.items))

    def _count(self, array: str) -> str:
        return "*".join(f"({self.integer(n)})" for n in self.shapes[array]) or "1"

    def _item(self, item: Item) -> list[str]:
        if isinstance(item, Equation):
            return self._equation(item)
        if isinstance(item, Implicit):
            raise EquationError(f"no C for {item.unknown.name}, which is solved for")
        assert isinstance(item, Recurrence)
        loop = next(i for i in item.equations[0].out if i.name == item.loop)
        lines: list[str] = []
        for equation in item.equations:
            lines += self._equation(equation, item.loop)
        return self._loop(loop, lines, item.direction == 1)

    def _loop(self, index: Index, inside: Sequence[str], upwards: bool = True) -> list[str]:
        i, size = self.named(index.symbol, index.name), self.integer(index.size)
        head = (f"for (long {i} = 0; {i} < {size}; {i}++) {{" if upwards
                else f"for (long {i} = {size} - 1; {i} >= 0; {i}--) {{")
        return [head, *("    " + line for line in inside), "}"]

    def _loops(self, indices: Sequence[Index], inside: Sequence[str]) -> list[str]:
        lines = list(inside)
        for index in reversed(indices):
            lines = self._loop(index, lines)
        return lines

    def _equation(self, equation: Equation, loop: str = "") -> list[str]:
        if equation.reduction in NAMED:
            raise EquationError(f"{equation.name}: no C for {equation.reduction} of a matrix")
        alike = None if loop else reshaped(equation, self.shapes)
        if alike is not None and alike not in self.integers:
            one, other = self._names[equation.name], self._names[alike]
            return [f"/* {equation.name} is {alike} in another shape */",
                    f"for (long next = 0; next < {self._count(equation.name)}; next++) {{",
                    f"    {one}[next] = {other}[next];", "}"]
        out = [index for index in equation.out if index.name != loop]
        target = self.entry(Read(equation.name, tuple(i.symbol for i in equation.out)))
        if equation.reduction == "sum":
            lines = self._sum(equation, target)
        else:
            lines = self._extreme(equation, target)
        told = f"/* {equation!r} */".replace("*/", "* /", repr(equation).count("*/"))
        whole = self._loops(out, lines)
        return [told, *(whole if out or len(lines) == 1 else ["{", *(
            "    " + line for line in lines), "}"])]

    def _sum(self, equation: Equation, target: str) -> list[str]:
        if equation.is_pointwise:
            return [f"{target} = {self._body(equation.terms[0])};"]
        lines = ["double value = 0;"]
        for term in equation.terms:
            outside, inside = _parted(term)
            if not term.over:
                lines += self._guarded(term.guards, [f"value += {self._body(term)};"])
                continue
            own = {index.symbol for index in term.over}
            late = [g for g in term.guards if _symbols_of(g) & own]
            early = [g for g in term.guards if g not in late]
            body = self._guarded(late, [f"sum += {self._body(inside)};"])
            factor = "" if outside == 1 else f"({self._body(replace(term, body=outside))})*"
            lines += self._guarded(early, [
                "{", "    double sum = 0;",
                *("    " + line for line in self._loops(term.over, body)),
                f"    value += {factor}sum;", "}"])
        return [*lines, f"{target} = value;"]

    def _extreme(self, equation: Equation, target: str) -> list[str]:
        """A maximum with its first place, or log Σ exp with the largest taken out."""
        (term,) = equation.terms
        body, places = self._body(term), [
            self.entry(Read(name, tuple(i.symbol for i in equation.out)))
            for name in equation.argmax]
        taken = [f"{place} = {self.named(i.symbol, i.name)};"
                 for place, i in zip(places, term.over, strict=True)] if places else []
        lines = ["double value = -INFINITY;", *(f"{place} = 0;" for place in places)]
        lines += self._loops(term.over, self._guarded(term.guards, [
            f"const double next = {body};", "if (value == value && !(next <= value)) {",
            "    value = next;", *("    " + one for one in taken), "}"]))
        if equation.reduction == "max":
            return [*lines, f"{target} = value;"]
        lines += ["double sum = 0;", *self._loops(term.over, self._guarded(
            term.guards, [f"sum += exp({body} - value);"]))]
        return [*lines, f"{target} = value + log(sum);"]

    def _guarded(self, guards: Sequence[Guard], lines: Sequence[str]) -> list[str]:
        if not guards:
            return list(lines)
        tests = [f"{self.place(g.left)} == {self.place(g.right)}" if isinstance(g, Equal) else
                 f"{self.place(g.low)} <= {self.place(g.value)} && "
                 f"{self.place(g.value)} < {self.place(g.high)}" for g in guards]
        return [f"if ({' && '.join(dict.fromkeys(tests))}) {{", *("    " + one for one in lines),
                "}"]

    # --- bodies ---------------------------------------------------------------------------------

    def _body(self, term: Term) -> str:
        """A scalar body on its entries.  Raises EquationError for a function that C lacks."""
        spelled = sp.sympify(stable(term.body))
        names = {slot(n): sp.Symbol(self.entry(read), real=True)
                 for n, read in enumerate(term.reads)}
        shown = spelled.xreplace({**self._symbols(spelled, "(double)"), **names})
        called = {type(part).__name__ for part in shown.atoms(sp.Function)} | {
            str(part.func) for part in shown.atoms(sp.core.function.AppliedUndef)}
        self.used |= {CALLED[one] for one in called if one in CALLED} & FUNCTIONS.keys()
        try:
            text: str = self.printer.doprint(shown)
        except NotImplementedError as error:
            raise EquationError(f"no C for {term.body}: {error}") from None
        known = re.findall(r"\b([a-z_]\w*)\(", text)
        if "Not supported in C" in text or not {*known} <= KNOWN | {*CALLED.values()}:
            raise EquationError(f"no C for {term.body}")
        return text


def _parted(term: Term) -> tuple[sp.Expr, Term]:
    """The factor of a body that depends on no summed index, and the term without it."""
    own = {index.symbol for index in term.over}
    moving = {slot(n) for n, read in enumerate(term.reads)
              if any(_symbols_in(at) & own for at in read.at)}
    fixed = [f for f in sp.Mul.make_args(term.body) if not f.free_symbols & moving]
    if not fixed or not slots_of(term.body):
        return sp.S.One, term
    outside = sp.Mul(*fixed)
    return outside, replace(term, body=term.body / outside)


def _symbols_in(subscript: Subscript) -> set[sp.Symbol]:
    if isinstance(subscript, Read):
        return {s for at in subscript.at for s in _symbols_in(at)}
    return set(sp.sympify(subscript).free_symbols)


def _symbols_of(guard: Guard) -> set[sp.Symbol]:
    parts = ((guard.left, guard.right) if isinstance(guard, Equal)
             else (guard.low, guard.value, guard.high))
    return {s for part in parts for s in _symbols_in(part)}


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
