"""Entries that are -inf: masks of attention, and paths that are not there.

    S = np.where(mask, X, -np.inf);  P = np.exp(S - S.max(1, keepdims=True))
    ->   P = where(mask, exp(X - max), 0)

Equations hold finite numbers.  Such an array is one without values, which no result may read, with
two others beside it: its numbers, whatever they are where it is -inf, and where that is.  What is
done with it here is done with both; anything else reads the one without values, and fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..layers.builder import Operand
from .assignment import assigned
from .session import Session
from .source import fail

WHY = ("entries that are -inf are used in a way that is not traced; a sum, a product or a "
       "logarithm of them is no number")


def is_beyond(session: Session, value: Any) -> bool:
    """Whether a number, an array of numbers or a traced array has an entry -inf."""
    if isinstance(value, session.tracers):
        return value.operand.name in session.infinite  # type: ignore[attr-defined]
    if type(value) in (float, np.float64, np.float32):  # a size says that it is a float, too
        return bool(value == -math.inf)
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and bool(np.any(
        np.isneginf(value)))


def any_beyond(session: Session, values: Any) -> bool:
    return any(is_beyond(session, value) or (
        isinstance(value, (list, tuple)) and any_beyond(session, value)) for value in values)


def numbers(session: Session, value: Any) -> Any:
    """The value with any numbers in the place of -inf."""
    if not is_beyond(session, value):
        return value
    if isinstance(value, session.tracers):
        return session.array(session.infinite[value.operand.name][0])  # type: ignore[attr-defined]
    return np.where(np.isneginf(value), 0.0, value) if isinstance(value, np.ndarray) else 0


def places(session: Session, value: Any) -> Any:
    """Where the value is -inf: a mask, True or False."""
    if not is_beyond(session, value):
        return False
    if isinstance(value, session.tracers):
        return session.array(session.infinite[value.operand.name][1],  # type: ignore[attr-defined]
                             "bool")
    return np.isneginf(value) if isinstance(value, np.ndarray) else True


def beyond(session: Session, value: Any, mask: Any) -> Any:
    """The traced array of `value` that is -inf where the mask holds."""
    value, mask = session.call("broadcast_arrays", value, mask)
    return session.array(_operand(session, value.operand, mask.operand))


def _operand(session: Session, value: Operand, mask: Operand) -> Operand:
    made = session.unseen_array(value.shape, WHY)
    session.infinite[made.name] = value, mask
    return made


def both(session: Session, change: Callable[..., Operand]) -> Callable[..., Operand]:
    """A rearrangement of operands, done with the numbers and the places of those that have -inf."""
    def changed(*operands: Operand) -> Operand:
        if not any(operand.name in session.infinite for operand in operands):
            return change(*operands)
        found = [session.infinite.get(operand.name) for operand in operands]
        values = [operand if pair is None else pair[0]
                  for operand, pair in zip(operands, found, strict=True)]
        masks = [_nowhere(session, operand) if pair is None else pair[1]
                 for operand, pair in zip(operands, found, strict=True)]
        return _operand(session, change(*values), change(*masks))

    return changed


def after_assignment(session: Session, array: Any, chosen: Any, value: Any) -> Operand:
    """The array after array[chosen] = value."""
    old = array.operand
    if not is_beyond(session, value) and old.name not in session.infinite:
        return assigned(session, old, chosen, session.entry(value))
    mask = places(session, array)
    before = _nowhere(session, old) if mask is False else mask.operand
    return _operand(
        session,
        assigned(session, numbers(session, array).operand, chosen,
                 session.entry(numbers(session, value))),
        assigned(session, before, chosen, session.entry(places(session, value))))


def _nowhere(session: Session, operand: Operand) -> Operand:
    made: Operand = session.call("zeros_like", session.array(operand), bool).operand
    return made


# --- what is done with them ---------------------------------------------------------------------


def _where(session: Session, condition: Any, yes: Any, no: Any) -> Any:
    if is_beyond(session, condition):
        fail(WHY)
    if isinstance(yes, float) and is_beyond(session, yes) and not is_beyond(session, no):
        return beyond(session, no, session.call("where", condition, True, False))
    if isinstance(no, float) and is_beyond(session, no) and not is_beyond(session, yes):
        is_mask = getattr(condition, "kind", None) == "bool"
        left = session.ufunc(np.logical_not, "__call__", (condition,), {}) if is_mask else (
            session.call("where", condition, False, True))
        return beyond(session, yes, left)
    return beyond(session, session.call("where", condition, numbers(session, yes),
                                        numbers(session, no)),
                  session.call("where", condition, places(session, yes), places(session, no)))


def _either(session: Session, name: str, left: Any, right: Any) -> Any:
    """A sum, or a difference from finite numbers."""
    if name == "subtract" and is_beyond(session, right):
        fail("-inf is taken from a number; " + WHY)
    found = session.ufunc(getattr(np, name), "__call__",
                          (numbers(session, left), numbers(session, right)), {})
    masks = [mask for mask in (places(session, left), places(session, right)) if mask is not False]
    mask = masks[0] if len(masks) == 1 else session.ufunc(np.logical_or, "__call__", masks, {})
    return beyond(session, found, mask)


def _scaled(session: Session, name: str, left: Any, right: Any) -> Any:
    """A multiple by a positive number."""
    factor = left if is_beyond(session, right) else right
    positive = not getattr(factor, "ndim", 0) and not isinstance(factor, session.tracers) and (
        not is_beyond(session, factor)) and bool(factor > 0)
    if not positive or (name != "multiply" and factor is left):
        fail("-inf times or by what may be negative or 0; " + WHY)
    found = session.ufunc(getattr(np, name), "__call__",
                          (numbers(session, left), numbers(session, right)), {})
    return beyond(session, found, places(session, right if factor is left else left))


def _exp(session: Session, value: Any) -> Any:
    made = session.ufunc(np.exp, "__call__", (numbers(session, value),), {})
    return session.call("where", places(session, value), 0, made)


def _maximum(session: Session, left: Any, right: Any) -> Any:
    if is_beyond(session, left) and is_beyond(session, right):
        fail("the larger of two arrays that both have entries -inf; " + WHY)
    low, other = (left, right) if is_beyond(session, left) else (right, left)
    larger = session.ufunc(np.maximum, "__call__", (numbers(session, low), other), {})
    return session.call("where", places(session, low), other, larger)


def _max(session: Session, a: Any, axis: Any = None, keepdims: Any = False, **options: Any) -> Any:
    """The least number, of all along the axis, is not above the largest that is not -inf."""
    session.assume("no maximum is taken of entries that are all -inf")
    value = numbers(session, a)
    least = session.call("min", value, axis=axis, keepdims=True)
    filled = session.call("where", places(session, a), least, value)
    return session.call("max", filled, axis=axis, keepdims=keepdims, **options)


def _logsumexp(session: Session, a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    top = _max(session, a, axis, keepdims=True)
    powers = _exp(session, _either(session, "subtract", a, top))
    total = session.call("sum", powers, axis=axis, keepdims=True)
    found = session.ufunc(np.log, "__call__", (total,), {}) + top
    return found if keepdims else session.call("squeeze", found, (
        tuple(range(found.ndim)) if axis is None else axis))


def _full(session: Session, shape: Any, fill_value: Any, *_: Any, **__: Any) -> Any:
    return beyond(session, session.call("zeros", shape), session.call("ones", shape, bool))


def _compared(session: Session, name: str, left: Any, right: Any) -> Any:
    """Whether an entry is -inf."""
    array: Any = left if isinstance(left, session.tracers) else right
    other = right if array is left else left
    if not isinstance(other, session.tracers) and is_beyond(session, other):
        mask = session.call("broadcast_to", places(session, array), session.call("shape", array))
        return mask if name == "equal" else session.ufunc(
            np.logical_not, "__call__", (mask,), {})
    fail(WHY)


def _full_like(session: Session, a: Any, *_: Any, **__: Any) -> Any:
    return _full(session, a.shape, -math.inf)


def _apart(name: str) -> Callable[..., Any]:
    """A function that rearranges entries, done with the numbers and the places."""
    def function(session: Session, a: Any, *args: Any, **options: Any) -> Any:
        if isinstance(a, (list, tuple)):
            values = [session.call("asarray", numbers(session, x)) for x in a]
            masks = [places(session, x) if is_beyond(session, x) else session.call(
                "zeros_like", value, bool) for x, value in zip(a, values, strict=True)]
            return beyond(session, session.call(name, values, *args, **options),
                          session.call(name, masks, *args, **options))
        return beyond(session, session.call(name, numbers(session, a), *args, **options),
                      session.call(name, places(session, a), *args, **options))

    return function


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "where": _where,
    "full": _full,
    "full_like": _full_like,
    "max": _max,
    "amax": _max,
    "logsumexp": _logsumexp,
    "isinf": lambda session, x: _compared(session, "equal", x, -math.inf),
    "isneginf": lambda session, x: _compared(session, "equal", x, -math.inf),
    "isfinite": lambda session, x: _compared(session, "not_equal", x, -math.inf),
    "isnan": lambda session, x: session.call("isnan", numbers(session, x)),
    "array": lambda session, a, *_, **__: beyond(session, numbers(session, a), places(session, a)),
    "asarray": lambda session, a, *_, **__: a if isinstance(a, session.tracers) else beyond(
        session, numbers(session, a), places(session, a)),
    **{name: _apart(name) for name in (
        "tril", "triu", "reshape", "ravel", "broadcast_to", "stack", "concatenate", "repeat",
        "tile", "roll", "copy")},
}
"""By the names of NumPy's functions; views need none, as :func:`both` does what they do."""

UFUNCS: dict[str, Callable[..., Any]] = {
    **{name: lambda session, x, y, name=name: _either(session, name, x, y)
       for name in ("add", "subtract")},
    **{name: lambda session, x, y, name=name: _scaled(session, name, x, y)
       for name in ("multiply", "divide", "true_divide")},
    **{name: lambda session, x, y, name=name: _compared(session, name, x, y)
       for name in ("equal", "not_equal")},
    "exp": _exp,
    "maximum": _maximum,
}
