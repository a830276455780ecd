"""Windows over traced arrays, convolutions, running products, integrals, polynomials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from ...equation import Index, Read, Term, fresh_name, slot
from ...layers.builder import Operand
from ..session import Session
from ..sizes import Number, exact
from ..source import fail
from .sequences import along, as_array, counted, one_axis, running_product
from .ufuncs import LOGICAL, apply


def _cumprod(session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Factor by factor: of an axis of a symbolic size as a recurrence along it."""
    if out is not None:
        fail("np.cumprod with out= is not traced")
    array, place = one_axis(session, a, axis)
    if array.shape[place].expression.is_Integer:
        return _accumulated(session, "multiply", a, axis, "np.cumprod")
    return running_product(session, counted(array), place)


def accumulated(session: Session, name: str, a: Any, axis: Any) -> Any:
    """ufunc.accumulate along an axis whose size is a number."""
    return _accumulated(session, name, a, axis, f"np.{name}.accumulate")


def _accumulated(session: Session, name: str, a: Any, axis: Any, title: str) -> Any:
    array, place = one_axis(session, a, axis)
    size = array.shape[place].expression
    if not size.is_Integer:
        fail(f"{title} along the symbolic size {size} has no equation; give it as a number")
    if name in LOGICAL:
        fail(f"{title} is not traced; use np.all or np.any of the parts")
    first = along(array, place, 0)
    parts = [counted(first) if name in ("add", "multiply") else first]
    for k in range(1, int(size)):
        parts.append(apply(session, name, (parts[-1], along(array, place, k))))
    return session.call("stack", parts, place)


# --- windows ------------------------------------------------------------------------------------


def _windows(session: Session, x: Any, window_shape: Any, axis: Any = None, *, subok: Any = False,
             writeable: Any = False) -> Any:
    """y[i, .., u, ..] = x[i + u, ..]: the windows' axes stand last."""
    array = as_array(session, x)
    shape = tuple(window_shape) if isinstance(window_shape, (tuple, list)) else (window_shape,)
    axes = tuple(range(array.ndim)) if axis is None else (
        tuple(axis) if isinstance(axis, (tuple, list)) else (axis,))
    if len(axes) != len(shape):
        fail(f"sliding_window_view: {len(shape)} windows for {len(axes)} axes")
    indices = session.builder.axes(array.operand)
    out, at = list(indices), [index.symbol for index in indices]
    for size, place in zip(map(exact, shape), axes, strict=True):
        k = int(place) % array.ndim
        if size is None or not size.is_positive:
            fail(f"sliding_window_view with the window {shape!r:.60}")
        count = sp.expand(out[k].size - size + 1)
        if not count.is_positive:
            session.assume(f"{count} >= 1, for windows of {size} entries", count - 1)
        out[k] = Index(out[k].name, count)
        out.append(Index(fresh_name("u", {index.name for index in out}), size))
        at[k] = at[k] + out[-1].symbol

    def written(base: Operand, value: Operand) -> Operand:
        fail("sliding_window_view gives what is not to be written into")

    return array.view(lambda base: session.builder.emit(None, tuple(out), [
        Term(slot(0), (Read(base.name, tuple(at)),))]), written)


def _convolve(session: Session, a: Any, v: Any, mode: Any = "full") -> Any:
    """Σ_u v[u] x[i - u], as the windows of a padded vector times the reversed kernel."""
    signal, kernel = as_array(session, a), as_array(session, v)
    if signal.ndim != 1 or kernel.ndim != 1:
        fail("np.convolve takes vectors")
    if not kernel.shape[0].expression.is_Integer:
        signal, kernel = kernel, signal
    size = kernel.shape[0].expression
    other = signal.shape[0].expression
    if not size.is_Integer or (other.is_Integer and size > other):
        signal, kernel, size, other = kernel, signal, other, size
    if not size.is_Integer:
        fail("np.convolve is traced where the size of one vector is a number")
    ends = {"full": (size - 1, size - 1), "valid": (0, 0),
            "same": (size // 2, size - 1 - size // 2)}
    if mode not in ends:
        fail(f"np.convolve with mode={mode!r}")
    if mode == "same" and not sp.expand(other - size).is_nonnegative:
        session.assume(f"{other} >= {size}, for np.convolve", other - size)
    padded = session.call("pad", signal, tuple(map(Number, map(sp.sympify, ends[mode]))))
    return session.call("matmul", _windows(session, padded, Number(size)),
                        session.call("flip", kernel))


def _correlate(session: Session, a: Any, v: Any, mode: Any = "valid") -> Any:
    first, second = as_array(session, a), as_array(session, v)
    size, other = first.shape[0].expression, second.shape[0].expression
    if mode == "same" or (not sp.expand(size - other).is_nonnegative and mode == "valid" and not (
            other.is_Integer and not size.is_Integer)):
        fail("np.correlate is traced of a vector and one that is no longer, mode='valid' or 'full'")
    return _convolve(session, first, session.call("flip", second), mode)


# --- integrals and polynomials ------------------------------------------------------------------


def _trapezoid(session: Session, y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    array, place = one_axis(session, y, axis)
    if x is not None:
        steps = session.call("diff", as_array(session, x))
        if steps.ndim != 1:
            fail("np.trapezoid is traced with x= of one axis")
        shape = [1] * array.ndim
        shape[place] = steps.shape[0]
        dx = session.call("reshape", steps, tuple(shape))
    both = along(array, place, slice(1, None)) + along(array, place, slice(None, -1))
    return session.call("sum", both * dx / 2, axis=place)


def _gradient(session: Session, f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1
              ) -> Any:
    array = as_array(session, f)
    if edge_order != 1 or len(varargs) > 1 or any(
            isinstance(h, (list, tuple)) or getattr(h, "ndim", 0) for h in varargs) or (
            axis is None and array.ndim != 1):
        fail("np.gradient is traced along one axis, with one distance between the places")
    place = 0 if axis is None else int(axis) % array.ndim
    step = varargs[0] if varargs else 1
    inner = (along(array, place, slice(2, None)) - along(array, place, slice(None, -2))) / 2
    first = along(array, place, slice(1, 2)) - along(array, place, slice(None, 1))
    last = along(array, place, slice(-1, None)) - along(array, place, slice(-2, -1))
    return session.call("concatenate", [first, inner, last], place) / step


def _polyval(session: Session, p: Any, x: Any) -> Any:
    """Horner's scheme, the highest power first."""
    made: Any = 0
    for coefficient in p if not isinstance(p, np.ndarray) else p.tolist():
        made = made * x + coefficient
    return made


def _sinc(session: Session, x: Any) -> Any:
    """sin(π x)/(π x), and 1 at 0."""
    array = as_array(session, x)
    at_zero = apply(session, "equal", (array, 0))
    angle = session.call("where", at_zero, 1, array * Number(sp.pi))
    return session.call("where", at_zero, 1, apply(session, "sin", (angle,)) / angle)


def _vander(session: Session, x: Any, N: Any = None, increasing: Any = False) -> Any:
    count = exact(x.shape[0] if N is None else N)
    if count is None or not count.is_Integer:
        fail("np.vander is traced with a number of columns, N=")
    powers: Sequence[int] = range(int(count))
    return session.call("stack", [x**k for k in (powers if increasing else powers[::-1])], 1)


def _linspace(session: Session, start: Any, stop: Any, num: Any = 50, endpoint: Any = True,
              **options: Any) -> Any:
    count = exact(num)
    ends = [bool(getattr(end, "ndim", 0)) for end in (start, stop)]
    if any(options.values()) or count is None or any(ends):
        fail("np.linspace is traced between numbers")
    parts = Number(count - 1 if endpoint else count)
    if parts.expression.free_symbols:
        session.assume(f"{parts.expression} >= 1, for np.linspace", parts.expression - 1)
    return start + session.call("asarray", session.call("arange", Number(count))) * (
        (stop - start) / parts if parts.expression != 0 else 0)


SIGNALS: dict[str, Callable[..., Any]] = {
    "cumprod": _cumprod,
    "cumulative_prod": lambda session, x, axis=None: _cumprod(session, x, axis),
    "cumulative_sum": lambda session, x, axis=None: session.call("cumsum", x, axis),
    "sliding_window_view": _windows,
    "convolve": _convolve,
    "correlate": _correlate,
    "trapezoid": _trapezoid,
    "trapz": _trapezoid,
    "gradient": _gradient,
    "polyval": _polyval,
    "vander": _vander,
    "sinc": _sinc,
    "linspace": _linspace,
}
