"""Jacobians, Hessians and products with them, of what a derivation's forward pass computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal, TypeAlias, get_args

from gradproof.codegen.compile import compile_system
from gradproof.codegen.diagonals.compressed import compressed
from gradproof.codegen.loops.c_library import compile_c
from gradproof.codegen.loops.numba_library import compile_numba
from gradproof.codegen.source import array_source
from gradproof.symbolic.derive import higher_orders as orders
from gradproof.symbolic.display.notation import Mark, Notation
from gradproof.symbolic.display.pen import Setting
from gradproof.symbolic.display.temporaries import inlined
from gradproof.symbolic.display.text_and_latex import plain
from gradproof.symbolic.display.typst import typst
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import MATRIX_VALUED, Equation, System, is_unnamed, size_names

USUAL: orders.Layout = "numerator"
"""The layout that is not said beneath a formula."""

Target: TypeAlias = Literal["numpy", "c", "numba"]
"""What a compiled function runs as."""


def check_target(target: str) -> None:
    """Raises ValueError for a target that there is not."""
    if target not in get_args(Target):
        raise ValueError(f"target: expected one of {', '.join(get_args(Target))}, got {target!r}")


@dataclass(frozen=True)
class Derivative:
    """One array of derivatives: ``str`` is Unicode mathematics, what it reads included.

    name: the array's own name (``"H"``).  shape: its axes' sizes, the output's in front.
    steps: the equations that are computed on the way, and its own as the last.
    meanings: what the arrays on the way are that have a letter for a name.
    layout: of a Jacobian, which of its axes stand in front; of a symmetric matrix's gradient, by
        which convention it is one.
    """

    name: str
    system: System
    steps: tuple[Equation, ...]
    writer: Writer
    meanings: Mapping[str, str] = field(default_factory=dict)
    layout: str = ""

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.system.shapes[self.name]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the arrays that :meth:`compile`'s function takes."""
        return tuple(array.name for array in self.system.inputs)

    def __str__(self) -> str:
        lines = [str(self.writer.text(step)) for step in self.steps]
        told = [f"{self.writer.name(array)}: {said}" for array, said in self.meanings.items()]
        said = [self.layout] if self.layout and not self.layout.startswith(USUAL) else []
        return "\n".join([*lines, *told, *said])

    def latex(self) -> str:
        """The array's equation in LaTeX, without delimiters, after those that it reads: rows of an
        ``aligned`` where there are several.  For amsmath, KaTeX and MathJax."""
        lines = [plain(str(self.writer.latex(step))) for step in self.steps]
        if len(lines) == 1:
            return lines[0]
        rows = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
        return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"

    def typst(self) -> str:
        """What :meth:`latex` says, in Typst's mathematics, without the signs $ around it."""
        return typst(self.latex())

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def numpy_source(self, name: str = "derivative") -> str:
        """Readable source of ``derivative(inputs) -> array`` for arrays of floats, NumPy alone.

        Raises EquationError for an equation that no source text can be written for, naming it.
        """
        return array_source(
            self.system, self.name, name=name, row_vectors=self.writer.row_vectors,
            summary=f"The array {self.name}, of shape ({', '.join(map(str, self.shape))})"
                    + (f"; {self.layout}." if self.layout else "."),
        )

    def compile(self, target: Target = "numpy") -> Callable[..., Any]:
        """``derivative(**arrays)`` by input name: the array itself.

        A missing or unknown input is a TypeError, a wrong shape a ValueError.
        target: as for a gradient's ``compile``, "numpy", "c" or "numba".
        """
        check_target(target)
        if target != "numpy":
            loops = compile_c if target == "c" else compile_numba
            compiled = loops(compressed(self.system, [self.name]), [self.name], ())
            return lambda **arrays: compiled(**arrays)[0]
        run = compile_system(self.system, [self.name], self.writer.row_vectors, fit=True)
        return lambda **arrays: run(**arrays)[0]


def derivative(derived: orders.Derivatives, known: System, writer: Writer) -> Derivative:
    """A derived array with what it reads beyond `known`, in the notation of `writer`."""
    (name,) = derived.of.values()
    before = {equation.name for equation in known.equations}
    notation = _notation(derived, writer.notation)
    clashing = notation.clashing(derived.system.shapes)
    notation = replace(notation, plain={*notation.plain, *clashing})
    own = replace(writer, notation=notation, shapes=derived.system.shapes, diagonals=True,
                  setting=Setting.of(derived.system), leading={name: derived.leading})
    own = replace(own, inline={key: form for key, form in writer.inline.items() if key in before})
    added = [e for e in derived.system.equations if e.name not in before]
    own = inlined(own, added, [name], _nameless(derived, added))
    names = own.mentioned(derived.system, [name])
    steps = tuple(e for e in added if e.name in names)
    told = {e.name: _meaning(e.name, derived, notation) for e in steps
            if e.name in notation.lettered}
    return Derivative(name, derived.system, steps, own, told)


def layout_line(writer: Writer, output: str, wrt: str, layout: orders.Layout) -> str:
    """What is said of a Jacobian's axes: J[i, j] = ∂y[i]/∂x[j]."""
    of, by = writer.name(output), writer.name(wrt)
    first = of if layout == "numerator" else by
    return f"{layout} layout: ∂{of}/∂{by} with the axes of {first} in front"


def symmetry_line(writer: Writer, name: str, kind: orders.Symmetry) -> str:
    """What is said of the gradient by a symmetric matrix."""
    of = f"∂{writer.notation.loss}/∂{writer.name(name)}"
    if kind == "paired":
        return (f"paired: {of} + ({of})ᵀ - I ⊙ {of}, by the entries on and below the diagonal, "
                "each of which stands for two")
    return f"projected: ({of} + ({of})ᵀ)/2, the gradient among symmetric matrices"


def _notation(derived: orders.Derivatives, notation: Notation) -> Notation:
    """With letters of their own for second derivatives, and marks for those along a direction."""
    first = {bar: of for bar, of in derived.adjoints.items() if bar not in derived.seconds}
    marked: dict[str, tuple[str, Mark]] = {
        **{array: (of, "dot") for array, of in derived.tangents.items() if of not in first},
        **{array: (of, "bar") for array, of in derived.cotangents.items()}}
    others = [array for array in (*derived.seconds, *derived.tangents) if array not in marked]
    order = {name: place for place, name in enumerate(derived.new)}
    others = sorted((array for array in others if array in order), key=order.__getitem__)
    return replace(notation, adjoints=first, marked=marked,
                   lettered=dict(zip(others, _letters(derived.system), strict=False)))


LETTERS = "DGFQRPSUVWMNBCXYZA"


def _letters(system: System) -> Iterator[tuple[str, str]]:
    """Letters that no array and no size has, alone or with a number; then the first numbered."""
    taken = {name.rstrip("0123456789") for name in (*system.names,
                                                    *size_names(system.shapes.values()))}
    free = [letter for letter in LETTERS if letter not in taken]
    yield from ((letter, "") for letter in free)
    yield from (((free or ["D"])[0], str(number)) for number in count(1))


def _nameless(derived: orders.Derivatives, added: Iterable[Equation]) -> set[str]:
    """Arrays that need no line though they have a name: inverses beside determinants, and
    derivatives by, or of, what nobody named."""
    of = {**derived.seconds, **derived.tangents, **derived.cotangents}
    return {e.name for e in added if e.reduction in MATRIX_VALUED} | {
        array for array, name in of.items()
        if is_unnamed(derived.adjoints.get(name, name))}


def _meaning(array: str, derived: orders.Derivatives, notation: Notation) -> str:
    """What a letter stands for: a derivative of the output by an array on the way, or of an adjoint
    along the direction."""
    if array in derived.tangents:
        return f"the derivative of {notation.text(derived.tangents[array])} along the direction"
    by = notation.text(derived.seconds[array])
    return (f"the derivative of {notation.text(derived.output)} by {by}, "
            "the axes of the first in front")
