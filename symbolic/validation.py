"""What makes a :class:`System` valid: the rules of the type, checked, with the equation named.

    y[i] = x[j]   ->   EquationError: y: index j is not bound
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from .equation import (
    INDEX_VALUE,
    MATRIX_VALUED,
    NAMED,
    SQUARE,
    Equation,
    EquationError,
    Implicit,
    Read,
    Recurrence,
    System,
    Term,
    equations_of,
    guard_subscripts,
    index_symbol,
    slot,
    slot_number,
    subscript_indices,
    subscript_reads,
    term_reads,
)


def validate(system: System) -> System:
    """The system itself, if it is valid; an EquationError that names the equation, if not.

    Checked: single assignment; each array read after it is defined (in a recurrence: at a shifted
    loop index); as many subscripts as axes; gathers through integer arrays only; bodies in their
    own slots; no index that is not bound; sizes that depend on outer indices alone.
    """
    known: dict[str, int] = {}
    integers: set[str] = set()
    for array in system.inputs:
        if array.name in known:
            raise EquationError(f"input {array.name!r} is declared twice")
        if array.kind in SQUARE and (
            len(array.shape) != 2 or sp.expand(array.shape[0] - array.shape[1]) != 0
        ):
            raise EquationError(f"input {array.name!r} is declared {array.kind}, expected a square "
                                f"matrix such as \"n n\", got the shape {array.shape}")
        known[array.name] = len(array.shape)
        if array.is_integer:
            integers.add(array.name)
    for item in system.items:
        group = equations_of(item)
        if isinstance(item, Recurrence):
            _validate_recurrence(item)
            for equation in group:  # first all of them: a later one may be read, one step before
                _define(equation, known, integers)
            for equation in group:
                _validate_equation(equation, known, integers)
        elif isinstance(item, Implicit):
            _validate_implicit(item, known, integers)
        else:
            _validate_equation(item, known, integers)
            _define(item, known, integers)
    return system


def _validate_implicit(group: Implicit, known: dict[str, int], integers: set[str]) -> None:
    """The start reads what stands before the group; what is between it and the unknown may read
    the unknown, too."""
    start, *between, unknown = group.equations
    if [index.size for index in start.out] != [index.size for index in unknown.out]:
        raise EquationError(f"{unknown.name}: the shape {unknown.shape} of what is solved for is "
                            f"not that of its start, {start.shape}")
    _validate_equation(start, known, integers)
    _define(start, known, integers)
    _define(unknown, known, integers)
    for equation in between:
        _validate_equation(equation, known, integers)
        _define(equation, known, integers)
    _validate_equation(unknown, known, integers)


def _define(equation: Equation, known: dict[str, int], integers: set[str]) -> None:
    for name in (equation.name, *equation.argmax):
        if name in known:
            raise EquationError(f"{name!r} is assigned twice; an equation defines a new array")
        known[name] = len(equation.out)
    integers.update(equation.argmax)


def _validate_recurrence(group: Recurrence) -> None:
    inside = {equation.name for equation in group.equations}
    position = {equation.name: place for place, equation in enumerate(group.equations)}
    for equation in group.equations:
        axis = [place for place, index in enumerate(equation.out) if index.name == group.loop]
        if not axis:
            raise EquationError(f"{equation.name}: in a recurrence over {group.loop!r} but has no "
                                "such index on its left side")
        for read in equation.reads:
            if read.array not in inside:
                continue
            target = next(e for e in group.equations if e.name == read.array)
            place = next(p for p, index in enumerate(target.out) if index.name == group.loop)
            if place >= len(read.at):
                continue  # a wrong number of subscripts, reported with the other such errors
            entry = read.at[place]
            shift = (
                sp.expand(entry - index_symbol(group.loop))
                if not isinstance(entry, Read)
                else sp.nan
            )
            behind = shift.is_Integer and shift * group.direction < 0
            same = shift == 0 and position[read.array] < position[equation.name]
            if not (behind or same):
                raise EquationError(
                    f"{equation.name}: reads {read} inside the recurrence over {group.loop!r} "
                    "before it is computed"
                )


def _validate_equation(equation: Equation, known: Mapping[str, int], integers: set[str]) -> None:
    where = equation.name
    names = [index.name for index in equation.out]
    if len(set(names)) != len(names):
        raise EquationError(f"{where}: an index stands twice on the left side: {names}")
    if equation.reduction != "sum" and len(equation.terms) != 1:
        raise EquationError(f"{where}: a {equation.reduction} has one term, got "
                            f"{len(equation.terms)}")
    if equation.reduction in NAMED:
        whole = equation.reduction in MATRIX_VALUED
        matrix = equation.out[-2:] if whole else equation.terms[0].over
        bound = 0 if whole else 2
        if (len(matrix) != 2 or len(equation.terms[0].over) != bound
                or sp.expand(matrix[0].size - matrix[1].size) != 0):
            raise EquationError(f"{where}: {equation.reduction} needs a square matrix, got "
                                f"{list(matrix)}")
    if equation.argmax and (
        equation.reduction != "max" or len(equation.argmax) != len(equation.terms[0].over)
    ):
        raise EquationError(f"{where}: argmax needs one array for each index of a maximum")
    for term in equation.terms:
        _validate_term(where, equation, term, known, integers)


def _validate_term(
    where: str, equation: Equation, term: Term, known: Mapping[str, int], integers: set[str]
) -> None:
    _validate_body(where, term)
    bound: set[str] = set()
    for index in (*equation.out, *term.over):
        if index.name in bound:
            raise EquationError(f"{where}: index {index.name!r} is bound twice")
        bound.add(index.name)
    _validate_reads(where, term, known)
    _validate_subscripts(where, term, {index_symbol(name) for name in bound}, integers)


def _validate_body(where: str, term: Term) -> None:
    """A scalar in the term's own slots and in sizes."""
    if not isinstance(term.body, sp.Expr):
        raise EquationError(f"{where}: the body is no scalar SymPy expression: {term.body!r}")
    slots = {slot(position) for position in range(len(term.reads))}
    for symbol in term.body.free_symbols:
        if slot_number(symbol) is not None:
            if symbol not in slots:
                raise EquationError(f"{where}: the body uses {symbol} but has "
                                    f"{len(term.reads)} reads")
        elif not (symbol.is_integer and symbol.is_positive):
            raise EquationError(f"{where}: the body uses {symbol}, which is neither a slot nor a "
                                "size")


def _validate_reads(where: str, term: Term, known: Mapping[str, int]) -> None:
    """Arrays that are there, with as many subscripts as axes."""
    for read in term_reads(term):
        if read.array == INDEX_VALUE:
            if len(read.at) != 1:
                raise EquationError(f"{where}: an index value has one subscript, got {read}")
        elif read.array not in known:
            raise EquationError(f"{where}: reads {read.array!r}, which nothing before it defines")
        elif len(read.at) != known[read.array]:
            raise EquationError(f"{where}: {read} has {len(read.at)} subscripts, {read.array} has "
                                f"{known[read.array]} axes")


def _validate_subscripts(
    where: str, term: Term, bound: set[sp.Symbol], integers: set[str]
) -> None:
    """Gathers through integer arrays alone, and indices that something binds."""
    outer = [entry for read in term.reads for entry in read.at]
    outer += [entry for guard in term.guards for entry in guard_subscripts(guard)]
    for entry in outer:
        for inner in subscript_reads(entry):
            if inner.array not in integers and inner.array != INDEX_VALUE:
                raise EquationError(f"{where}: {inner.array} is used as a subscript but holds no "
                                    "integers")
        for symbol in subscript_indices(entry):
            if symbol not in bound and not symbol.is_positive:
                raise EquationError(f"{where}: index {symbol} is not bound")
