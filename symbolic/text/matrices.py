"""Matrices by the names that equations in text call them: diag, eye and einsum, which state index
equations like any other (a diagonal is the guard [i = j]), and the named operations inv, cholesky,
det and logdet.

>>> print(gp.equations('y = einsum("ij,kj->ik", A, B)', A="m n", B="k n"))
y[i<m, k<k] = Σ_j<n A[i, j]*B[k, j]
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sympy as sp

from ..equation import MATRIX_VALUED, Equal, Index, Read, Reduction, Size, Term, fresh_name, slot
from ..layers.builder import Operand
from .trees import Node
from .values import Value, Values, entries

_SUBSCRIPTS = re.compile(r"(?P<inputs>[a-z]*(,[a-z]*)*)->(?P<out>[a-z]*)")


def diag(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
    """The matrix with a vector on its diagonal; the diagonal of a square matrix."""
    operand = values.settle(argument(0))
    if operand.ndim == 1:
        row, column = _square(values, operand)
        read = Read(operand.name, (row.symbol,))
        term = Term(slot(0), (read,), (), (Equal(row.symbol, column.symbol),))
        return entries(values.builder.emit(None, (row, column), [term]))
    if operand.ndim == 2 and operand.shape[0] == operand.shape[1]:
        index = values.builder.axes(operand)[0]
        read = Read(operand.name, (index.symbol, index.symbol))
        return entries(values.builder.emit(None, (index,), [Term(slot(0), (read,))]))
    values.source.fail(node, f"diag takes a vector or a square matrix, got {operand}")


def _square(values: Values, operand: Operand) -> tuple[Index, Index]:
    """Two indices that run over the axis of a vector."""
    (row,) = values.builder.axes(operand)
    return row, Index(fresh_name("j" if row.name == "i" else row.name, {row.name}), row.size)


def eye(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
    """The identity matrix of a size."""
    value = argument(0)
    if value.operands or not (value.body.is_integer and value.body.is_positive):
        values.source.fail(node, "eye takes a size, such as eye(n) where a shape names n")
    row, column = Index("i", value.body), Index("j", value.body)
    term = Term(sp.S.One, (), (), (Equal(row.symbol, column.symbol),))
    return entries(values.builder.emit(None, (row, column), [term]))


def einsum(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
    """einsum("ij,jk->ik", A, B): the operands multiplied, summed over what is not right of ->."""
    text = node.arguments[0].text if node.arguments and node.arguments[0].kind == "string" else ""
    found = _SUBSCRIPTS.fullmatch(text.replace(" ", ""))
    if found is None:
        values.source.fail(node, 'einsum starts with subscripts such as "ij,jk->ik"')
    inputs, out = found["inputs"].split(","), found["out"]
    operands = [values.settle(argument(place + 1)) for place in range(len(node.arguments) - 1)]
    if len(operands) != len(inputs):
        values.source.fail(node, f"the subscripts {text!r} are for {len(inputs)} arrays, got "
                                 f"{len(operands)}")
    sizes: dict[str, Size] = {}
    for letters, operand in zip(inputs, operands, strict=True):
        if len(letters) != operand.ndim:
            values.source.fail(node, f"{letters!r} has {len(letters)} subscripts, {operand}")
        for letter, size in zip(letters, operand.shape, strict=True):
            if sp.expand(sizes.setdefault(letter, size) - size) != 0:
                values.source.fail(node, f"{letter!r} runs over {sizes[letter]} and over {size}")
    if len(set(out)) < len(out) or not set(out) <= set(sizes):
        values.source.fail(node, f"right of -> stand different subscripts of the arrays, got "
                                 f"{out!r}")
    indices = {letter: Index(letter, size) for letter, size in sizes.items()}
    reads = tuple(
        Read(operand.name, tuple(indices[letter].symbol for letter in letters))
        for letters, operand in zip(inputs, operands, strict=True)
    )
    body = sp.Mul(*map(slot, range(len(reads))))
    over = tuple(index for letter, index in indices.items() if letter not in out)
    made = values.builder.emit(None, tuple(map(indices.__getitem__, out)),
                               [Term(body, reads, over)])
    return entries(made)


def named(operation: Reduction) -> Callable[[Values, Node, Callable[[int], Value]], Value]:
    """inv, cholesky (of the symmetric part), det or logdet (of the absolute value) of a square
    matrix."""

    def apply(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
        operand = values.settle(argument(0))
        if operand.ndim < 2 or sp.expand(operand.shape[-1] - operand.shape[-2]) != 0:
            values.source.fail(node, f"{node.text} takes a square matrix (or a stack of them), got "
                                     f"{operand}")
        indices = values.builder.axes(operand)
        if operation == "cholesky":  # of (A + Aᵀ)/2: what it is of a matrix that is not symmetric
            order = [*range(operand.ndim - 2), operand.ndim - 1, operand.ndim - 2]
            turned = values.builder.transpose(operand, order)
            name = values.builder.fresh(f"{operand.name}_sym")
            operand = values.builder.pointwise((slot(0) + slot(1)) / 2, operand, turned, name=name)
        reads = (Read(operand.name, tuple(index.symbol for index in indices)),)
        out, over = ((indices, ()) if operation in MATRIX_VALUED
                     else (indices[:-2], indices[-2:]))
        return entries(values.builder.emit(None, out, [Term(slot(0), reads, over)], operation))

    return apply
