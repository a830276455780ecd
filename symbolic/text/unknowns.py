"""What is solved for, in the text of equations; the unknown is the name on the left.

    x = fixed_point(tanh(W @ x + b), start=zeros(n))       x = f(x)
    E = root(E - e*sin(E) - M, start=M)                    F(E) = 0, as E = E - F(E)
    w = minimum(sum((X @ w - y)**2)/2, start=zeros(n))     where the gradient by w is 0
"""

from __future__ import annotations

import sympy as sp

from ..equation import EquationError
from ..layers.builder import Operand, ShapeError
from ..layers.unknowns import Unknown
from .trees import Statement
from .values import Values, entries

WORDS = ("fixed_point", "root", "minimizer")


def is_solved_for(statement: Statement) -> bool:
    """Whether a statement solves for its left side."""
    return statement.value.kind == "call" and statement.value.text in WORDS


def solved_for(
    values: Values, statement: Statement, arrays: dict[str, Operand]
) -> Operand:
    """The unknown of a statement; `arrays` are those that have a name, which it is added to."""
    node, name = statement.value, statement.name
    given = values.keywords(node, ("start",))
    if len(node.arguments) != 1 or not given:
        values.source.fail(node, f"{node.text} takes one expression in {name} and start=..., such "
                                 f"as {name} = {node.text}(..., start=zeros(n))")
    start = values.value(given["start"])
    begin = values.settle(start)
    unknown = Unknown(values.builder, name, begin)
    arrays[name] = unknown.operand
    try:
        value = values.value(node.arguments[0])
        if node.text == "minimizer":
            number = values.settle(value)
            if number.ndim:
                values.source.fail(node, f"what is smallest is a number, such as sum(...), "
                                         f"got {number}")
            value = entries(values.derivative(node, number, unknown.operand))
        return unknown.close(
            sp.sympify(value.body), *value.operands, root=node.text != "fixed_point")
    except (ShapeError, EquationError) as error:
        values.source.fail(node, str(error))
