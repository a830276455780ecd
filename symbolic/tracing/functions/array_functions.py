"""NumPy functions of whole arrays on traced arrays: reductions, and the table of all.

One row of ``FUNCTIONS`` for each; each takes the session and then what NumPy's function takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from ...equation import Reduction, slot
from ...layers.builder import Operand
from ..session import Dtype, Session
from ..sizes import Number
from ..source import fail
from ..tracer import Tracer
from .assembly import ASSEMBLY
from .creation import ARRAYS, CREATION
from .matrices import MATRICES
from .products import PRODUCTS, written
from .rearrange import SHAPES
from .selecting import SELECTING
from .sequences import SEQUENCES
from .signals import SIGNALS, accumulated
from .special import SCIPY
from .statistics import STATISTICS, chosen
from .ufuncs import apply, check_dtype
from .unknowns import SOLVERS

Function = Callable[..., Any]


def axes_of(session: Session, operand: Operand, axis: Any) -> list[int] | None:
    """The axes that ``axis=`` names, counted from the front; None for all."""
    if axis is None:
        return None
    found = []
    for entry in axis if isinstance(axis, (tuple, list)) else (axis,):
        place = int(entry)
        if not -operand.ndim <= place < operand.ndim:
            fail(f"there is no axis {place} in {session.shown(operand)}")
        found.append(place % operand.ndim)
    return found


def unsupported(name: str, options: dict[str, Any]) -> None:
    """Options that change a result and are not traced; those that do not are let through."""
    for option, value in options.items():
        harmless = value is None or value is np._NoValue or option in ("dtype", "like", "copy")
        if not harmless and not (option == "where" and value is True):
            fail(f"np.{name} with {option}= is not traced")


# --- reductions ---------------------------------------------------------------------------------


def _operand(session: Session, value: Any) -> Operand:
    entry = session.entry(value)
    return entry if isinstance(entry, Operand) else session.builder.pointwise(entry)


def _reduction(name: str, reduction: Reduction, sign: int = 1) -> Function:
    """-max(-x) is a minimum."""

    def reduce(
        session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
        keepdims: Any = False, **options: Any,
    ) -> Any:
        check_dtype(session, name, dtype)
        if (found := chosen(session, name, a, axis, keepdims, options)) is not None:
            return written(found, out)
        unsupported(name, options)
        operand = _operand(session, a)
        axes = axes_of(session, operand, axis)
        body = sign * slot(0)
        if name == "mean":
            over = range(operand.ndim) if axes is None else axes
            body = slot(0) / sp.Mul(*(operand.shape[place] for place in over))
        keep = keepdims is True or keepdims == 1
        made = session.builder.contract(
            body, operand, over=axes, keepdims=keep, reduction=reduction
        )
        if sign == -1:
            made = session.builder.pointwise(-slot(0), made)
        kind: Dtype = a.kind if isinstance(a, Tracer) else "float"
        if name == "sum" and kind == "bool":
            kind = "int"
        return written(session.array(made, "float" if name == "mean" else kind), out)

    return reduce


def _variance(root: bool) -> Function:
    def variance(
        session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
        ddof: Any = 0, keepdims: Any = False, **options: Any,
    ) -> Any:
        unsupported("var", options)
        check_dtype(session, "var", dtype)
        if not isinstance(ddof, int):
            fail(f"np.var with ddof={ddof!r}: expected a whole number")
        centred = a - session.call("mean", a, axis=axis, keepdims=True)
        found = session.call("mean", centred * centred, axis=axis, keepdims=keepdims)
        if ddof:
            operand = _operand(session, a)
            axes = axes_of(session, operand, axis)
            count = sp.Mul(*(size for k, size in enumerate(operand.shape)
                             if axes is None or k in axes))
            scaled = session.pointwise(lambda x: x * count / (count - ddof), session.entry(found))
            assert isinstance(scaled, Operand)
            found = session.array(scaled)
        return written(apply(session, "sqrt", (found,)) if root else found, out)

    return variance


def _argmax(session: Session, a: Any, axis: Any = None, out: Any = None, **options: Any) -> Any:
    unsupported("argmax", {**options, "out": out})
    if axis is None and a.ndim != 1:
        a, axis = session.call("ravel", a), 0
    operand = _operand(session, a)
    session.builder.contract(slot(0), operand, over=axes_of(session, operand, axis),
                             reduction="max")
    made = session.builder.equations[-1]
    session.integers.update(made.argmax)
    return session.array(Operand(made.argmax[0], made.shape), "int")


def _clip(session: Session, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None,
          **options: Any) -> Any:
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    unsupported("clip", {**options, "out": out})
    found = a
    for name, bound, endless in (("maximum", low, -math.inf), ("minimum", high, math.inf)):
        unbounded = not isinstance(bound, Number) and isinstance(bound, float) and bound == endless
        if bound is not None and not unbounded:
            found = apply(session, name, (found, bound))
    return session.call("copy", a) if found is a else found


def _of_shape(name: str) -> Function:
    def ask(session: Session, a: Any, axis: Any = None) -> Any:
        found = getattr(a, name) if isinstance(a, Tracer) else getattr(np, name)(a)
        return found if axis is None else a.shape[int(axis)]

    return ask


def _isscalar(session: Session, element: Any) -> bool:
    if isinstance(element, Tracer) and not element.ndim:
        fail(f"np.isscalar of {element} depends on how NumPy came to it; ask for its shape instead")
    return isinstance(element, Number)


def _result_type(session: Session, *arrays_and_dtypes: Any) -> np.dtype[Any]:
    """Of traced arrays as of such as NumPy would have; Python's numbers give way, as in NumPy 2."""
    alike = {"int": 1, "float": 1.0, None: np.float64(1)}
    return np.result_type(*(
        one.dtype if isinstance(one, Tracer) else alike[one.kind] if isinstance(one, Number)
        else one for one in arrays_and_dtypes))


def _refused(name: str, advice: str) -> Function:
    def refuse(session: Session, *args: Any, **kwargs: Any) -> Any:
        fail(f"np.{name} is not traced; {advice}")

    return refuse


REFUSED: dict[str, Function] = {
    "sort": _refused("sort", "an order of values has no equation"),
    "argsort": _refused("argsort", "an order of values has no equation"),
}
"""With an error that says what to do instead."""

FUNCTIONS: dict[str, Function] = {
    **REFUSED,
    **CREATION,
    **ARRAYS,
    **PRODUCTS,
    **SHAPES,
    **SEQUENCES,
    **SELECTING,
    **STATISTICS,
    **SIGNALS,
    **ASSEMBLY,
    **{f"scipy.{name}": function for name, function in {**SCIPY, **SOLVERS}.items()},
    **MATRICES,
    "sum": _reduction("sum", "sum"),
    "mean": _reduction("mean", "sum"),
    "logsumexp": _reduction("logsumexp", "logsumexp"),
    "accumulate": accumulated,
    "max": _reduction("max", "max"),
    "amax": _reduction("max", "max"),
    "min": _reduction("min", "max", -1),
    "amin": _reduction("min", "max", -1),
    "var": _variance(root=False),
    "std": _variance(root=True),
    "argmax": _argmax,
    "clip": _clip,
    "shape": _of_shape("shape"),
    "ndim": _of_shape("ndim"),
    "size": _of_shape("size"),
    "isscalar": _isscalar,
    "iscomplexobj": lambda session, x: False,
    "isrealobj": lambda session, x: True,
    "result_type": _result_type,
}

