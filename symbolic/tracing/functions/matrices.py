"""np.linalg on traced arrays: what the named operations of equations are, and norms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import sympy as sp

from ...equation import MATRIX_VALUED, Read, Reduction, Term, slot
from ..session import Session
from ..sizes import Number, exact
from ..source import fail
from .sequences import as_array
from .ufuncs import apply


def _named(operation: Reduction) -> Callable[..., Any]:
    """The inverse, the Cholesky factor, the determinant, or the logarithm of its absolute value."""
    def named(session: Session, a: Any) -> Any:
        operand = as_array(session, a).operand
        if operand.ndim < 2 or sp.expand(operand.shape[-1] - operand.shape[-2]) != 0:
            fail(f"np.linalg.{operation} takes square matrices, got {session.shown(operand)}")
        indices = session.builder.axes(operand)
        reads = (Read(operand.name, tuple(index.symbol for index in indices)),)
        out, over = (indices, ()) if operation in MATRIX_VALUED else (indices[:-2], indices[-2:])
        return session.array(session.builder.emit(
            None, out, [Term(slot(0), reads, over)], operation))

    return named


class SlogdetResult(NamedTuple):
    """As NumPy's: the sign of a determinant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


def _slogdet(session: Session, a: Any) -> SlogdetResult:
    sign = apply(session, "sign", (_named("det")(session, a),))
    return SlogdetResult(sign, _named("logdet")(session, a))


def _solve(session: Session, a: Any, b: Any) -> Any:
    return session.call("matmul", _named("inv")(session, a), b)


def _cholesky(session: Session, a: Any, *, upper: Any = False) -> Any:
    """The lower factor.  It reads one triangle, and is the factor where the matrix is symmetric."""
    session.assume("every matrix that is factored by cholesky is symmetric and positive definite")
    lower = _named("cholesky")(session, a)
    return session.call("swapaxes", lower, -1, -2) if upper else lower


def _matrix_power(session: Session, a: Any, n: Any) -> Any:
    array = as_array(session, a)
    count = exact(n)
    if count is None or not count.is_Integer or abs(count) > 64:
        fail(f"np.linalg.matrix_power with the power {n!r:.40} is traced with whole numbers")
    if count == 0:
        return session.call("eye", array.shape[-1]) + 0 * array
    factor = _named("inv")(session, array) if count < 0 else array
    made = factor
    for _ in range(abs(int(count)) - 1):
        made = session.call("matmul", made, factor)
    return made


# --- norms --------------------------------------------------------------------------------------


def _norm(
    session: Session, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False
) -> Any:
    array = as_array(session, x)
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else axis
    if isinstance(axes, tuple) and len(axes) == 1:
        (axes,) = axes
    if ord is None:
        return _root_of_squares(session, array, axes, keepdims)
    if axes is None:
        if array.ndim > 2:
            fail(f"np.linalg.norm with ord={ord!r} takes a vector or a matrix, or axis=")
        axes = 0 if array.ndim == 1 else (0, 1)
    if isinstance(axes, tuple):
        return _of_matrix(session, array, ord, axes, keepdims)
    return vector_norm(session, array, ord, axes, keepdims)


def _root_of_squares(session: Session, array: Any, axes: Any, keepdims: Any) -> Any:
    squares = session.call("sum", array * array, axis=axes, keepdims=keepdims)
    return apply(session, "sqrt", (squares,))


def vector_norm(session: Session, array: Any, ord: Any, axes: Any, keepdims: Any) -> Any:
    """(Σ |x|^p)^(1/p), the largest or the least |x|, or how many are not 0."""
    if ord == 2:
        return _root_of_squares(session, array, axes, keepdims)
    size = apply(session, "absolute", (array,))
    if ord in (math.inf, -math.inf):
        return session.call("max" if ord > 0 else "min", size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return session.call("sum", apply(session, "not_equal", (array, 0)) * 1.0, axis=axes,
                            keepdims=keepdims)
    power = exact(ord)
    if power is None:
        fail(f"np.linalg.norm with ord={ord!r:.40}")
    if power == 1:
        return session.call("sum", size, axis=axes, keepdims=keepdims)
    whole = array if power.is_Integer and power % 2 == 0 else size
    return session.call("sum", whole ** Number(power), axis=axes, keepdims=keepdims) ** Number(
        1 / power)


def _of_matrix(session: Session, array: Any, ord: Any, axes: Any, keepdims: Any) -> Any:
    if ord == "fro":
        return _root_of_squares(session, array, axes, keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        fail(f"np.linalg.norm of a matrix with ord={ord!r} is made of its singular values, which "
             "have no equation; the numbers are compared")
    rows, columns = (int(axis) % array.ndim for axis in axes)
    over, rest = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = session.call("sum", apply(session, "absolute", (array,)), axis=over, keepdims=True)
    found = session.call("max" if ord > 0 else "min", sums, axis=rest, keepdims=True)
    return found if keepdims else session.call("squeeze", found, (rows, columns))


def _vector_norm(session: Session, x: Any, *, axis: Any = None, keepdims: Any = False,
                 ord: Any = 2) -> Any:
    return vector_norm(session, as_array(session, x), ord, axis, keepdims)


def _matrix_norm(session: Session, x: Any, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    return _of_matrix(session, as_array(session, x), ord, (-2, -1), keepdims)


def _of_values(name: str, what: str) -> Callable[..., Any]:
    def refuse(session: Session, *_: Any, **__: Any) -> Any:
        fail(f"np.linalg.{name} is not traced: {what} have no equation; the numbers are compared")

    return refuse


REFUSED_MATRICES: dict[str, Callable[..., Any]] = {
    f"linalg.{name}": _of_values(name, what) for name, what in {
        "eig": "eigenvalues", "eigh": "eigenvalues", "eigvals": "eigenvalues",
        "eigvalsh": "eigenvalues", "svd": "singular values", "svdvals": "singular values",
        "matrix_rank": "ranks", "cond": "condition numbers", "qr": "orthogonal factors",
        "pinv": "pseudo-inverses", "lstsq": "least squares by singular values",
    }.items()
}
"""With an error that says why."""

MATRICES: dict[str, Callable[..., Any]] = {
    **REFUSED_MATRICES,
    "linalg.inv": _named("inv"),
    "linalg.det": _named("det"),
    "linalg.slogdet": _slogdet,
    "linalg.solve": _solve,
    "linalg.cholesky": _cholesky,
    "linalg.matrix_power": _matrix_power,
    "linalg.norm": _norm,
    "linalg.vector_norm": _vector_norm,
    "linalg.matrix_norm": _matrix_norm,
    "linalg.matrix_transpose": lambda session, x: session.call("swapaxes", x, -1, -2),
}
