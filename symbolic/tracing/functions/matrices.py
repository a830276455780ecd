"""np.linalg on traced arrays: what the named operations of equations are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sympy as sp

from ...equation import MATRIX_VALUED, Read, Reduction, Term, slot
from ..session import Session
from ..source import fail
from ..tracer import Tracer
from .ufuncs import apply


def _named(operation: Reduction) -> Callable[..., Any]:
    """The inverse, the determinant, or the logarithm of its absolute value, of square matrices."""
    def named(session: Session, a: Any) -> Any:
        array = a if isinstance(a, Tracer) else session.call("asarray", a)
        operand = array.operand
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


MATRICES: dict[str, Callable[..., Any]] = {
    "linalg.inv": _named("inv"),
    "linalg.det": _named("det"),
    "linalg.slogdet": _slogdet,
    "linalg.solve": _solve,
}
