"""Whether what was written is matrix algebra: the text read back by who knows the text alone.

    β = γ (δ ⊙ X)ᵀ   β a column, γ a row   ->   no: a row is given to a column

The parser and the shapes are :mod:`gradproof.symbolic.reread`; here it is only told how the arrays
of an equation are called, how large they are and what the convention for vectors is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sympy as sp

from ..equation import Equation, Size, size_names, size_symbol
from ..reread.parsing import Names, expression
from ..reread.shapes import Convention, check
from ..reread.trees import Constant, Entry, Range, ReadBackError, Statement, Tree
from .pen import Conventions

FIRST = 101
"""Sizes are numbers from here on, so that no two are alike that need not be, and none is 1."""


def fits(
    equation: Equation, at: Sequence[str], right: str, conventions: Conventions,
    shown: Collection[str] = (),
) -> bool:
    """Whether the right side, as text, has the shape of what is left of the array at the indices
    `at`; True where shapes are not known.  shown: arrays of the text beside those it reads."""
    known = {**conventions.shapes_read(equation),
             equation.name: tuple(index.size for index in equation.out)}
    known |= {name: conventions.shapes[name] for name in shown if name in conventions.shapes}
    arrays = dict.fromkeys([equation.name, *(read.array for read in equation.reads), *shown])
    for name in [name for name in arrays if name in conventions.notation.entries]:
        del arrays[name]  # h0, written as h at -1
        loop = conventions.notation.entries[name][0]
        arrays[loop] = None
        known[loop] = conventions.shapes.get(loop, ())
    if any(name not in known for name in arrays):
        return True
    shapes = {name: known[name] for name in arrays}
    sizes = {name: FIRST + place
             for place, name in enumerate(sorted(size_names(shapes.values())))}
    numbers = {name: _numbers(shape, sizes) for name, shape in shapes.items()}
    standing = {name: (*shape, 1) if conventions.is_upright(name) else shape
                for name, shape in numbers.items()}
    places: list[Tree | Range] = [Constant(index.name) if index.name in at else Range(None, None)
              for index in equation.out]
    while places and isinstance(places[-1], Range):
        places.pop()
    try:
        check(Statement(Entry(equation.name, tuple(places)),
                        expression(right, _names(shapes, conventions))),
              Convention(standing, conventions.vectors, conventions.repeated, sizes))
    except ReadBackError:
        return False
    return True


def _numbers(shape: tuple[Size, ...], sizes: Mapping[str, int]) -> tuple[int, ...]:
    by = {size_symbol(name): sp.Integer(number) for name, number in sizes.items()}
    return tuple(int(size.xreplace(by)) for size in shape)


def _names(shapes: Mapping[str, tuple[Size, ...]], conventions: Conventions) -> Names:
    """How the arrays are written, by themselves and as entries."""
    written: dict[str, list[str]] = {}
    for name, shape in shapes.items():
        if conventions.notation.adjoints.get(name, name) in conventions.notation.entries:
            continue
        written[name] = [conventions.name(name)]
        if shape:
            written[name].append(conventions.name(name, ["i"]))
    return Names.of(written, {name: sum(size != 1 for size in shape)
                              for name, shape in shapes.items()})
