"""Equations whose terms hold along a diagonal, written into that diagonal.

    H[i, j, k, l] = u[i] v[j] w[k, l] + [i = k] M[j, l]    ->    H = np.einsum(...)
                                                                i = np.arange(m)
                                                                H[i, :, i, :] += M
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...symbolic.equation import Equation, Index, Term
from ..expressions import Expressions
from ..patches import Scope
from .compressed import LEAST, Pair, along, diagonal_of


def diagonal_writes(
    equation: Equation, expressions: Expressions, scope: Scope,
    rest: Callable[[Equation], list[str]],
) -> list[str]:
    """The lines that compute an equation with terms along diagonals; none for another one, or
    where what stands there is no expression.

    rest: the lines of an equation that are without such terms.
    """
    if equation.reduction != "sum" or equation.argmax or len(equation.out) < LEAST:
        return []
    off: list[Term] = []
    groups: dict[tuple[Pair, ...], list[Term]] = {}
    for term in equation.terms:
        pairs, on = _diagonals(term, equation)
        if pairs:
            groups.setdefault(pairs, []).append(on)
        else:
            off.append(term)
    names, lines = expressions.names, list[str]()
    for number, (pairs, terms) in enumerate(sorted(groups.items(), key=lambda g: len(g[0]))):
        rows, places, order = _places(pairs, equation, names.fresh)
        form = scope.form(replace(equation, name="", out=order, terms=tuple(terms)))
        if form is None:
            return []
        value = expressions.added(form, tuple(index.name for index in order)).text
        numbers = [f"{row} = np.arange({names.size_text(size)})" for row, size in rows.items()]
        lines += [line for line in numbers if line not in lines]
        sign = "+=" if off or number else "="
        lines.append(f"{equation.name}[{', '.join(places)}] {sign} {value}")
    if not lines:
        return []
    if off:
        return [*rest(replace(equation, terms=tuple(off))), *lines]
    zeros = f"np.zeros({names.shape_text(equation.shape)}, {names.dtype()})"
    return [f"{equation.name} = {zeros}", *lines]


def _diagonals(term: Term, equation: Equation) -> tuple[tuple[Pair, ...], Term]:
    """The pairs of axes that a term holds along, one after the other, and it on them."""
    pairs: list[Pair] = []
    while (pair := diagonal_of(term, equation)) is not None:
        if any(symbol in before for before in pairs for symbol in pair):
            return (), term  # along a diagonal of three axes
        pairs.append(pair)
        term = along(term, pair)
    return tuple(pairs), term


def _places(
    pairs: Sequence[Pair], equation: Equation, variable: Callable[[str], str]
) -> tuple[dict[str, object], list[str], tuple[Index, ...]]:
    """The numbers of rows that are named, the subscripts of the diagonals, and the axes that the
    part there has."""
    sizes = {index.symbol: index for index in equation.out}
    rows: dict[str, object] = {}
    at: dict[object, str] = {}
    for number, pair in enumerate(pairs):
        row = variable(sizes[pair[0]].name)
        rows[row] = sizes[pair[0]].size
        deep = len(pairs) - number - 1
        at.update(dict.fromkeys(pair, f"{row}[:{', None' * deep}]" if deep else row))
    places = [at.get(index.symbol, ":") for index in equation.out]
    chosen = [place for place, text in enumerate(places) if text != ":"]
    dropped = {pair[1] for pair in pairs}
    first = [sizes[pair[0]] for pair in pairs]
    others = [index for index in equation.out if index not in first and (
        index.symbol not in dropped)]
    # NumPy puts what arrays pick in front where slices stand between them
    before = chosen[0] if chosen == list(range(chosen[0], chosen[-1] + 1)) else 0
    while places and places[-1] == ":":
        places.pop()
    return rows, places, (*others[:before], *first, *others[before:])
