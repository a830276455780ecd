"""Rows and columns: how code spells products with vectors, and which arrays are columns by name.

    z[j] = Σ_i x[i] W[i, j]       ->   rows: x W, with no transposition, rather than Wᵀ x
    mu[s] = Σ_j X[s, j]/n         ->   mu has a value for each row of X: a column
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..equation import Equation, Read, System
from .loop_ends import loop_indices, loops_of, merged
from .nodes import Product, Transposed, walk
from .recognise import matrix_form


def prefers_rows(system: System) -> bool:
    """Whether products with vectors read better with the vector on the left (x W): the way with
    fewer transpositions, columns (A x) where it makes no difference."""
    loops, shapes = loops_of(system), system.shapes
    count = {True: 0, False: 0}
    for whole in system.equations:
        equation = merged(whole, loops)
        fixed = [index.name for index in loop_indices(equation, loops)]
        for rows in count:
            form = matrix_form(equation, rows, shapes, fixed=fixed)
            count[rows] += sum(
                isinstance(factor, Transposed)
                for node in (walk(form) if form is not None else ())
                if isinstance(node, Product) and len(node.axes) == 1 for factor in node.factors
            )
    return count[True] < count[False]


def beside_rows(system: System, names: Collection[str]) -> set[str]:
    """The arrays with a value for each row of a wider one, and for no column of any, as the
    equations of the arrays `names` read them.

    With samples as rows these are columns: means and variances of each, log Σ exp, weights of
    samples.  One with two axes has a value for each row of a stack of matrices.
    """
    rows: set[str] = set()
    others: set[str] = set()
    for equation in (e for e in system.equations if e.name in names):
        for name, at, beside in _places(equation):
            for wide in beside:
                if wide == at:
                    continue
                if len(wide) == len(at) + 1 and wide[:len(at)] == at:
                    rows.add(name)
                elif wide[len(wide) - len(at):] == at or len(at) == 2:
                    others.add(name)
    return rows - others - {array.name for array in system.inputs if array.is_integer}


Place = tuple[str, ...]


def _places(equation: Equation) -> Iterator[tuple[str, Place, list[Place]]]:
    """Each array with one or two axes, where it is read or defined, and where others are then."""
    out = tuple(index.name for index in equation.out)
    for term in equation.terms:
        reads = [(read.array, at) for read in term.reads if (at := _plain(read.at)) is not None]
        wide = [at for _, at in reads]
        if 1 <= len(out) <= 2:
            yield equation.name, out, [at for at in wide if len(at) > len(out)]
        for name, at in reads:
            if 1 <= len(at) <= 2 and len(set(at)) == len(at):
                yield name, at, [*wide, out]


def _plain(at: Sequence[object]) -> Place | None:
    """Subscripts that are indices by themselves."""
    if any(isinstance(entry, Read) or not getattr(entry, "is_Symbol", False) for entry in at):
        return None
    return tuple(map(str, at))
