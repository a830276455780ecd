"""NumPy's elementwise functions on traced arrays: what each ufunc is as a body."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from ... import elementwise
from ...elementwise import SCALARS
from ...equation import Index, Read, Term
from ...functions import STEP
from ...layers.builder import Operand, broadcast
from ..assignment import scattered
from ..constant_places import one_by_one, parts
from ..masked import OPPOSITE
from ..places import comparing, integer_entry
from ..session import Dtype, Entry, Session
from ..sizes import Number, exact, number
from ..source import fail
from ..subscripts import selectors
from ..tracer import Tracer
from ..unbounded import UFUNCS as UNBOUNDED
from ..unbounded import any_beyond

Body = Callable[..., sp.Expr]


def _scalar(name: str) -> Body:
    return SCALARS[name].body


ARITHMETIC: dict[str, Body] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "true_divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "power": elementwise.power,
    "float_power": elementwise.power,
    "pow": elementwise.power,
    "absolute": _scalar("abs"),
    "fabs": _scalar("abs"),
    "heaviside": lambda x, y: STEP(x) + y * (1 - STEP(x) - STEP(-x)),
    "fmax": _scalar("maximum"),
    "fmin": _scalar("minimum"),
    "conjugate": lambda x: x,
    "deg2rad": lambda x: x * sp.pi / 180,
    "radians": lambda x: x * sp.pi / 180,
    "degrees": lambda x: x * 180 / sp.pi,
    "rad2deg": lambda x: x * 180 / sp.pi,
    "logaddexp2": lambda x, y: _scalar("logaddexp")(x * sp.log(2), y * sp.log(2)) / sp.log(2),
    "copysign": lambda x, y: _scalar("abs")(x) * elementwise.where(
        "<", y, sp.S.Zero, -sp.S.One, sp.S.One),
    **{
        name: _scalar(name)
        for name in ("square", "sqrt", "exp", "log", "log1p", "expm1", "log2", "log10", "tanh",
                     "maximum", "minimum", "sign", "logaddexp", "reciprocal", "sin", "cos", "tan",
                     "arctan", "sinh", "cosh", "arcsin", "arccos", "arcsinh", "arccosh", "arctanh",
                     "arctan2", "exp2", "cbrt", "hypot",
                     # SciPy's
                     "erf", "erfc", "expit", "log_expit", "logit", "ndtr", "xlogy", "entr")
    },
}  # fmt: skip

COMPARISONS = {
    "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==",
    "not_equal": "!=",
}  # fmt: skip

LOGICAL: dict[str, Body] = {
    "logical_not": lambda x: 1 - x,
    "invert": lambda x: 1 - x,
    "bitwise_not": lambda x: 1 - x,
    "logical_and": lambda x, y: x * y,
    "bitwise_and": lambda x, y: x * y,
    "logical_or": lambda x, y: x + y - x * y,
    "bitwise_or": lambda x, y: x + y - x * y,
    "logical_xor": lambda x, y: x + y - 2 * x * y,
    "bitwise_xor": lambda x, y: x + y - 2 * x * y,
}
"""Of masks, whose entries are 0 and 1."""

ROUNDING: dict[str, Callable[[Any], Any]] = {
    "floor": math.floor, "ceil": math.ceil, "trunc": math.trunc, "rint": round,
}
"""Of numbers alone, and then of those that are rounded alike for all sizes."""

EXACT_INTEGERS = {"add", "subtract", "multiply", "negative", "positive", "absolute", "square",
                  "power", "maximum", "minimum", "sign"}  # fmt: skip
REDUCTIONS = {"add": "sum", "maximum": "max", "minimum": "min", "multiply": "prod",
              "logaddexp": "logsumexp", "logical_and": "all", "logical_or": "any",
              "fmax": "max", "fmin": "min"}  # fmt: skip
OF_MATRICES = ("matmul", "vecdot", "matvec", "vecmat")
"""Functions of whole arrays that NumPy counts among the ufuncs."""


def call(session: Session, ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """`ufunc` as NumPy's protocol hands it over: called, reduced, or written into `out`."""
    name = str(ufunc.__name__)
    options = dict(options)
    out = options.pop("out", None)
    if method == "reduce" and name in REDUCTIONS:
        axis = options.pop("axis", inputs[1] if len(inputs) > 1 else 0)
        return session.call(REDUCTIONS[name], _together(session, inputs[0]), axis=axis, **options)
    if method == "outer":
        first, second = (session.call("asarray", x) for x in inputs)
        return apply(session, name, (first.reshape((*first.shape, *(1,) * second.ndim)), second))
    if method == "at" and name in ("add", "subtract") and isinstance(inputs[0], Tracer):
        target, key, value = inputs
        return _add_at(session, target, key, -value if name == "subtract" else value)
    if method == "accumulate":
        axis = options.pop("axis", inputs[1] if len(inputs) > 1 else 0)
        if name == "add":
            return session.call("cumsum", inputs[0], axis=axis, **options)
        return session.call("accumulate", name, inputs[0], axis)
    if method != "__call__":
        fail(f"np.{name}.{method} is not traced; write it with sums and products")
    chosen = options.pop("where", True)
    check_dtype(session, name, options.get("dtype"))
    for option in options:
        if option not in ("dtype", "casting", "subok", "order"):
            fail(f"np.{name} with {option}= is not traced")
    result = apply(session, name, inputs)
    target = out[0] if isinstance(out, tuple) else out
    if chosen is not True:
        result = _where_chosen(session, name, result, chosen, target)
    return result if target is None else _into(name, target, result)


def _into(name: str, target: Any, result: Any) -> Any:
    """``out=``: a traced array whose entries become those of the result."""
    if not isinstance(target, Tracer):
        fail(f"np.{name} writes a traced result into an array of numbers; make that array with "
             "np.zeros or np.empty inside the function")
    if result.ndim != target.ndim:
        fail(f"np.{name} writes {result} into {target}, which has other axes")
    return target.replace(result)


def _add_at(session: Session, target: Tracer, key: Any, value: Any) -> None:
    """``np.add.at``: what is added to an entry that is named twice is added twice."""
    listed = one_by_one(session, target.operand, key)
    if listed is None:
        chosen = selectors(session, target.operand, key)
        target.write(scattered(session, target.operand, chosen, session.entry(value)))
        return
    for single, part in zip(listed.keys, parts(session, target, listed, key, value), strict=True):
        _add_at(session, target, single, part)


def _together(session: Session, value: Any) -> Any:
    """``np.maximum.reduce([x, y, z])``: the arrays of a list as one."""
    if isinstance(value, (list, tuple)):
        return session.call("stack", session.call("broadcast_arrays", *value))
    return value


def _where_chosen(session: Session, name: str, found: Any, chosen: Any, target: Any) -> Any:
    """What ``where=`` selects of a result, and the rest of `out`; without one it is unwritten."""
    if not isinstance(chosen, Tracer) or chosen.kind != "bool":
        fail(f"np.{name} with where={type(chosen).__name__} is traced with a mask")
    rest = session.call("empty_like", found) if target is None else target
    left = session.blank.get(rest.operand.name)
    made = where(session, chosen, found, rest)
    if left is not None:
        session.mark(made.operand, left.under(chosen.operand.name, None))
    return made


def check_dtype(session: Session, name: str, dtype: Any) -> None:
    """A result of whole numbers would be rounded; exact equations are not."""
    session.stored(dtype)
    if dtype is not None and np.dtype(dtype).kind != "f":
        fail(f"np.{name} with dtype={np.dtype(dtype)} would round; only floats are traced")


def apply(session: Session, name: str, inputs: Any) -> Any:
    """The ufunc `name` of its inputs."""
    if any_beyond(session, inputs) and name in UNBOUNDED:
        return UNBOUNDED[name](session, *inputs)
    if name in OF_MATRICES or name in ("isnan", "isinf", "isfinite"):
        return session.call(name, *inputs)
    if name not in ARITHMETIC and f"scipy.special.{name}" in session.functions:
        return session.call(f"scipy.special.{name}", *inputs)
    entries = [session.entry(value) for value in inputs]
    kinds = [_kind(value) for value in inputs]
    if name in ("divide", "true_divide") and isinstance(entries[0], Operand) and (
            entries[0] == entries[1]):  # what cancels in the body is seen nowhere else
        session.assume(f"{session.called(entries[0])} is not 0, by which it is divided")
    if name in COMPARISONS:
        if (guarded := _guarded(session, COMPARISONS[name], inputs)) is not None:
            return guarded
        return _compare(session, COMPARISONS[name], entries)
    if name in LOGICAL:
        return _logical(session, name, inputs, entries, kinds)
    if name in ROUNDING and all(isinstance(value, (int, float, Number)) for value in inputs):
        return Number(exact(ROUNDING[name](number(entries[0]))))
    if name not in ARITHMETIC:
        package = "np" if hasattr(np, name) else "scipy.special"
        fail(f"{package}.{name} is not traced; write it with arithmetic, exp, log, tanh, maximum, "
             "where")
    return _arithmetic(session, name, inputs, entries, kinds)


def _arithmetic(
    session: Session, name: str, inputs: Any, entries: list[Entry], kinds: list[Dtype]
) -> Any:
    """A row of ARITHMETIC, where truth values and whole numbers give what they give in NumPy."""
    masks = all(kind == "bool" for kind in kinds)
    if masks and name in ("negative", "subtract"):
        fail(f"NumPy does not {name.removesuffix('ive')} arrays of bool; use ~mask, or 1 - mask")
    if name == "reciprocal" and "float" not in kinds:
        fail("np.reciprocal of integers rounds; write 1 / x")
    if masks and name == "add":
        return _logical(session, "logical_or", inputs, entries, kinds)
    dtype: Dtype = "float"
    if masks and name == "multiply":
        dtype = "bool"
    elif all(kind in ("bool", "int") for kind in kinds) and name in EXACT_INTEGERS:
        dtype = "int"
    return result(session, session.pointwise(ARITHMETIC[name], *entries), dtype)


def result(session: Session, made: Operand | Number, dtype: Dtype = "float") -> Any:
    return made if isinstance(made, Number) else session.array(made, dtype)


def common_dtype(values: Sequence[Any]) -> Dtype:
    """The dtype of an array that holds the entries of all `values`."""
    kinds = {_kind(value) for value in values}
    if len(kinds) == 1:
        return kinds.pop()
    return "float" if "float" in kinds else "int"


def _kind(value: Any) -> Dtype:
    if isinstance(value, Tracer):
        return value.kind
    if isinstance(value, Number):
        return "int" if value.kind == "int" or (value.kind is None and value.is_whole) else "float"
    if isinstance(value, bool) or getattr(value, "dtype", None) == np.dtype(bool):
        return "bool"
    return "int" if isinstance(value, (int, np.integer)) else "float"


def _guarded(session: Session, operator: str, inputs: Any) -> Any:
    """``y[:, None] == np.arange(k)``, ``np.arange(t)[:, None] >= np.arange(t)``: the comparison of
    places as a guard, [y[i] = j]; None where other numbers are compared."""
    if not any(isinstance(x, Tracer) for x in inputs) or not all(
            isinstance(x, (int, Number, Tracer)) and _kind(x) == "int" for x in inputs):
        return None
    out, sides = _places(session, inputs)
    symbols = {index.symbol for index in out}
    if None in sides or not any(isinstance(side, sp.Expr) and side.free_symbols & symbols
                                for side in sides):
        return None
    if operator not in ("==", "!=") and any(isinstance(side, Read) for side in sides):
        return None
    equal = OPPOSITE[operator] if operator == "!=" else operator
    guard = comparing(equal, sides[0], sides[1], out)
    made = session.array(session.builder.emit(None, out, [Term(sp.S.One, (), (), (guard,))]),
                         "bool")
    return apply(session, "logical_not", (made,)) if operator == "!=" else made


def _places(session: Session, inputs: Any) -> tuple[tuple[Index, ...], list[Any]]:
    """The axes of arrays of whole numbers together, and what stands there as places: expressions
    in the indices, entries of an integer input, or None."""
    operands = [x.operand if isinstance(x, Tracer) else Operand("", ()) for x in inputs]
    shape = session.shaped(lambda *given: Operand("", broadcast(*(x.shape for x in given))),
                           *operands).shape
    out = session.builder.indices(shape, [x for x in operands if x.name])
    sides: list[Any] = [
        integer_entry(session, operand, session.builder.read(operand, out).at)
        if operand.name else exact(value) for value, operand in zip(inputs, operands, strict=True)]
    return out, sides


def _compare(session: Session, operator: str, entries: list[Entry]) -> Any:
    made = session.pointwise(lambda x, y: elementwise.comparison(operator, x, y), *entries)
    if isinstance(made, Operand):
        session.comparisons[made.name] = (operator, entries[0], entries[1])
    return result(session, made, "bool")


def _logical(
    session: Session, name: str, inputs: Any, entries: list[Entry], kinds: list[Dtype]
) -> Any:
    masks = [
        entry if kind == "bool" else session.entry(_compare(session, "!=", [entry, sp.S.Zero]))
        for entry, kind in zip(entries, kinds, strict=True)
    ]
    if not name.startswith("logical") and any(kind != "bool" for kind in kinds):
        fail(f"np.{name} of numbers works on their bits; it is traced of masks only")
    made = session.pointwise(LOGICAL[name], *masks)
    if isinstance(made, Operand) and len(masks) == 1 and isinstance(masks[0], Operand):
        known = session.comparisons.get(masks[0].name)
        if known is not None:
            session.comparisons[made.name] = (OPPOSITE[known[0]], *known[1:])
    return result(session, made, "bool")


def where(session: Session, condition: Any, yes: Any, no: Any) -> Any:
    """``np.where``: piecewise in what the mask compares, so that each branch keeps its derivative
    and a branch that is not taken does not spoil the value."""
    entry, kind = session.entry(condition), _kind(condition)
    operator, left, right = "!=" if kind != "bool" else ">", entry, sp.S.Zero
    if isinstance(entry, Operand) and entry.name in session.comparisons:
        operator, left, right = session.comparisons[entry.name]
    made = session.pointwise(
        lambda *x: elementwise.where(operator, *x),
        left, right, session.entry(yes), session.entry(no),
    )  # fmt: skip
    return result(session, made, common_dtype((yes, no)))
