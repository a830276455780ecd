"""Jacobians, Hessians and products with them, of what a derivation's forward pass computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gradproof.codegen.compile import compile_system
from gradproof.codegen.source import array_source
from gradproof.symbolic.derive import higher_orders as orders
from gradproof.symbolic.display.pen import Setting
from gradproof.symbolic.display.temporaries import inlined
from gradproof.symbolic.display.text_and_latex import plain
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import Equation, System


@dataclass(frozen=True)
class Derivative:
    """One array of derivatives: ``str`` is Unicode mathematics, what it reads included.

    name: the array's own name (``"H"``).  shape: its axes' sizes, the output's in front.
    steps: the equations that are computed on the way, and its own as the last.
    """

    name: str
    system: System
    steps: tuple[Equation, ...]
    writer: Writer

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.system.shapes[self.name]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the arrays that :meth:`compile`'s function takes."""
        return tuple(array.name for array in self.system.inputs)

    def __str__(self) -> str:
        return "\n".join(str(self.writer.text(step)) for step in self.steps)

    def latex(self) -> str:
        """The array's equation in LaTeX, without delimiters, after those that it reads: rows of an
        ``aligned`` where there are several.  For amsmath, KaTeX and MathJax."""
        lines = [plain(str(self.writer.latex(step))) for step in self.steps]
        if len(lines) == 1:
            return lines[0]
        rows = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
        return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def numpy_source(self, name: str = "derivative") -> str:
        """Readable source of ``derivative(inputs) -> array`` for arrays of floats, NumPy alone.

        Raises EquationError for an equation that no source text can be written for, naming it.
        """
        return array_source(
            self.system, self.name, name=name, row_vectors=self.writer.row_vectors,
            summary=f"The array {self.name}, of shape ({', '.join(map(str, self.shape))}).",
        )

    def compile(self) -> Callable[..., Any]:
        """``derivative(**arrays)`` in NumPy, by input name: the array itself.

        A missing or unknown input is a TypeError, a wrong shape a ValueError.
        """
        run = compile_system(self.system, [self.name], self.writer.row_vectors)
        return lambda **arrays: run(**arrays)[0]


def derivative(derived: orders.Derivatives, known: System, writer: Writer) -> Derivative:
    """A derived array with what it reads beyond `known`, in the notation of `writer`."""
    (name,) = derived.of.values()
    before = {equation.name for equation in known.equations}
    notation = replace(writer.notation, adjoints=dict(derived.adjoints))
    own = replace(writer, notation=notation, shapes=derived.system.shapes, diagonals=True,
                  setting=Setting.of(derived.system), leading={name: derived.leading})
    own = replace(own, inline={key: form for key, form in writer.inline.items() if key in before})
    own = inlined(own, [e for e in derived.system.equations if e.name not in before], [name])
    names = own.mentioned(derived.system, [name])
    steps = tuple(e for e in derived.system.equations
                  if e.name in names and e.name not in before)
    return Derivative(name, derived.system, steps, own)
