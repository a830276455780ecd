"""Weighted and masked sums of traced arrays, covariances, and questions about their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from ..session import Session
from ..sizes import Number
from ..source import fail
from .products import written
from .selecting import as_mask
from .sequences import as_array, product
from .ufuncs import apply, check_dtype, where


def _average(session: Session, a: Any, axis: Any = None, weights: Any = None,
             returned: Any = False, keepdims: Any = False) -> Any:
    if returned:
        fail("np.average with returned= is not traced")
    if weights is None:
        return session.call("mean", a, axis=axis, keepdims=keepdims)
    array, weights = as_array(session, a), as_array(session, weights)
    if weights.ndim != array.ndim:
        if axis is None or weights.ndim != 1:
            fail("np.average: the weights have other axes than the array")
        shape = [1] * array.ndim
        shape[int(axis)] = weights.shape[0]
        weights = session.call("reshape", weights, tuple(shape))
    whole = session.call("broadcast_to", weights, array.shape)
    return session.call("sum", array * weights, axis=axis, keepdims=keepdims) / session.call(
        "sum", whole, axis=axis, keepdims=keepdims)


# --- of chosen entries --------------------------------------------------------------------------


def chosen(session: Session, name: str, a: Any, axis: Any, keepdims: Any, options: dict[str, Any]
           ) -> Any:
    """A reduction with ``where=`` or ``initial=``, which are taken from `options`; None without."""
    mask, initial = (None if value is np._NoValue else value for value in (
        options.pop("where", None), options.pop("initial", None)))
    mask = None if mask is True else mask
    if mask is None and initial is None:
        return None
    array = as_array(session, a)
    if mask is not None and name in ("max", "min") and initial is None:
        fail(f"np.{name} with where= needs initial=")
    if mask is not None:
        mask = as_mask(session, session.call("broadcast_to", mask, array.shape))
        neutral = {"max": initial, "min": initial, "prod": 1}.get(name, 0)
        array = where(session, mask, array, neutral)
    found = session.call("sum" if name == "mean" else name, array, axis=axis, keepdims=keepdims)
    if name == "mean":
        return found / session.call("sum", mask, axis=axis, keepdims=keepdims)
    if initial is None:
        return found
    combined = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply"}[name]
    return apply(session, combined, (found, initial))


def _product(session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
             keepdims: Any = False, **options: Any) -> Any:
    check_dtype(session, "prod", dtype)
    found = chosen(session, "prod", a, axis, keepdims, options)
    return written(product(session, a, axis, dtype, None, keepdims, **options) if found is None
                   else found, out)


def _finite(session: Session, what: str) -> None:
    session.assume(f"every entry that {what} is given is a finite number")


def _without_nan(name: str) -> Callable[..., Any]:
    """np.nansum and the like, of arrays in which every entry is a number."""
    def function(session: Session, a: Any, *args: Any, **options: Any) -> Any:
        _finite(session, f"nan{name}")
        return session.call(name, a, *args, **options)

    return function


def _asked(name: str, answer: bool) -> Callable[..., Any]:
    """np.isnan and the like, of arrays in which every entry is a number."""
    def function(session: Session, x: Any) -> Any:
        _finite(session, name)
        array = as_array(session, x)
        if not array.ndim:
            return answer
        return session.call("full", array.shape, answer, bool)

    return function


# --- truth values -------------------------------------------------------------------------------


def _every(name: str) -> Callable[..., Any]:
    """np.all and np.any: the least and the greatest of truth values."""
    def function(session: Session, a: Any, axis: Any = None, keepdims: Any = False, **options: Any
                 ) -> Any:
        if options.get("out") is not None or options.get("where", True) not in (
                True, np._NoValue):
            fail(f"np.{name} with {', '.join(f'{option}=' for option in options)} is not traced")
        found = session.call("min" if name == "all" else "max", as_mask(session, a), axis=axis,
                             keepdims=keepdims)
        return apply(session, "greater", (found, 0))

    return function


def _isclose(session: Session, a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8,
             equal_nan: Any = False) -> Any:
    near = apply(session, "absolute", (as_array(session, a) - b,))
    return near <= atol + rtol * apply(session, "absolute", (as_array(session, b),))


def _same(session: Session, a1: Any, a2: Any, equal_nan: Any = False) -> Any:
    first, second = as_array(session, a1), as_array(session, a2)
    gaps = [sp.expand((x - y).expression) for x, y in zip(first.shape, second.shape, strict=False)]
    if first.ndim != second.ndim or any(gap.is_nonzero for gap in gaps):
        return False
    if any(gaps):
        fail(f"np.array_equal of {first} and {second}: they are as large for some sizes only")
    return _every("all")(session, apply(session, "equal", (first, second)))


# --- covariances --------------------------------------------------------------------------------


def _cov(session: Session, m: Any, y: Any = None, rowvar: Any = True, bias: Any = False,
         ddof: Any = None, fweights: Any = None, aweights: Any = None, **options: Any) -> Any:
    if y is not None or fweights is not None or aweights is not None:
        fail("np.cov is traced of one array, without weights")
    array = as_array(session, m)
    if array.ndim != 2:
        return session.call("var", array, ddof=1 if ddof is None and not bias else ddof or 0)
    rows = array if rowvar else session.call("transpose", array)
    several = rows.shape[0].expression - 1
    if not several.is_positive:  # of one row NumPy gives a number
        session.assume(f"{rows.shape[0].expression} >= 2, for np.cov", several - 1)
    count = rows.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    session.assume(f"{count.expression} >= 1, for np.cov", count.expression - 1)
    centred = rows - session.call("mean", rows, axis=1, keepdims=True)
    return session.call("matmul", centred, session.call("transpose", centred)) / count


def _corrcoef(session: Session, x: Any, y: Any = None, rowvar: Any = True, **options: Any) -> Any:
    if y is not None:
        x, rowvar = session.call("stack", [x, y]), True
    covariance = _cov(session, x, rowvar=rowvar, bias=True)
    scale = apply(session, "sqrt", (session.call("diag", covariance),))
    return covariance / session.call("outer", scale, scale)


def _ptp(session: Session, a: Any, axis: Any = None, **options: Any) -> Any:
    return session.call("max", a, axis=axis, **options) - session.call("min", a, axis=axis,
                                                                       **options)


def _median(session: Session, a: Any, axis: Any = None, **options: Any) -> Any:
    """Of two numbers, their mean; of one, itself: more need an order."""
    array = as_array(session, a)
    size = sp.Mul(*(s.expression for s in array.shape)) if axis is None else (
        array.shape[int(axis)].expression)
    if size in (1, 2):
        return session.call("mean", array, axis=axis, **options)
    fail(f"np.median of {Number(size)} entries needs their order, which has no equation")


STATISTICS: dict[str, Callable[..., Any]] = {
    "prod": _product,
    "average": _average,
    **{f"nan{name}": _without_nan(name) for name in (
        "sum", "mean", "prod", "max", "min", "std", "var", "cumsum", "argmax", "argmin",
        "cumprod")},
    "isnan": _asked("isnan", False),
    "isinf": _asked("isinf", False),
    "isfinite": _asked("isfinite", True),
    "isposinf": _asked("isposinf", False),
    "isneginf": _asked("isneginf", False),
    "all": _every("all"),
    "any": _every("any"),
    "isclose": _isclose,
    "allclose": lambda session, a, b, *rest, **options: _every("all")(
        session, _isclose(session, a, b, *rest, **options)),
    "array_equal": _same,
    "cov": _cov,
    "corrcoef": _corrcoef,
    "ptp": _ptp,
    "median": _median,
}
