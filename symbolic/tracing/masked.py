"""``x[mask]``: entries in unknown number."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from ..layers.builder import Operand
from .session import Entry, Session
from .sizes import Number, size_of
from .source import TraceAttributeError, TraceError, fail, spelled

OPPOSITE = {">": "<=", "<=": ">", "<": ">=", ">=": "<", "==": "!=", "!=": "=="}


class Masked(np.lib.mixins.NDArrayOperatorsMixin):
    """``x[mask]``: entries (rows, where the mask has fewer axes) to be changed one by one and put
    back, counted, or summed.

    `value` holds all entries, those that the mask does not select included; nobody sees those.
    flipped: whether this is the transpose, x[mask].T.
    """

    def __repr__(self) -> str:
        return spelled(self, f"<traced {self.session.shown(self.mask.last_seen)} selects>")

    def __init__(self, session: Session, mask: Any, value: Entry, flipped: bool = False) -> None:
        self.session = session
        self.mask = mask
        self.value = value
        self.flipped = flipped
        self.age = session.age

    def under(self, mask: Any) -> Any:
        """All entries, where `mask` is the mask that selected these."""
        session = self.session
        if self.age != session.age:
            fail("keeps state between calls: x[mask] is that of an earlier call")
        one, other = mask.operand, self.mask.operand
        compared = session.comparisons.get(one.name)
        if one != other and (compared is None or compared != session.comparisons.get(other.name)):
            fail("entries selected by one mask are put together with those that another selects")
        value = self.value
        return session.array(value) if isinstance(value, Operand) else Number(value)

    def whole(self) -> Any:
        """All entries, with 0 for those that the mask does not select."""
        value = self.under(self.mask)
        shape = value.shape if isinstance(self.value, Operand) else self.mask.shape
        return self.session.call("where", leading(self.session, self.mask, shape), value, 0)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        kwargs.pop("out", None)  # z[mask] *= 2 assigns the result to z[mask] itself
        if ufunc is np.matmul and method == "__call__":
            return product(self.session, *inputs)
        if method != "__call__" or kwargs:
            fail(f"np.{ufunc.__name__}.{method} of x[mask], which has an unknown number of entries")
        if any(getattr(x, "ndim", 0) > self._rest for x in inputs if not isinstance(x, Masked)):
            fail("x[mask] goes together with numbers and with y[mask]; use np.where")
        if self.flipped or any(x.flipped for x in inputs if isinstance(x, Masked)):
            fail("x[mask].T is traced as a factor of a matrix product only")
        if len({x.mask.ndim for x in inputs if isinstance(x, Masked)}) > 1:
            fail("entries selected by one mask are put together with those that another selects")
        masked = [x for x in inputs if isinstance(x, Masked)]
        most = max(x.ndim for x in masked)
        whole = [_widened(x, self.mask, most) if isinstance(x, Masked) else x for x in inputs]
        made = self.session.ufunc(ufunc, method, whole, {})
        return Masked(self.session, self.mask, self.session.entry(made))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = str(function.__name__)
        if name in ("sum", "mean") and isinstance(args[0], Masked):
            return getattr(args[0], name)(*args[1:], **kwargs)
        if name == "dot" and not kwargs:
            return product(self.session, *args)
        if name == "transpose" and len(args) == 1:
            return self.T
        fail(f"np.{name} of x[mask], which has an unknown number of entries; use the mask as a "
             "factor")

    # --- counted --------------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """How many axes x[mask] has."""
        return 1 + (self.value.ndim - self.mask.ndim if isinstance(self.value, Operand) else 0)

    @property
    def _rest(self) -> int:
        return self.ndim - 1

    def count(self) -> Any:
        """How many entries the mask selects."""
        return self.session.call("sum", self.mask)

    @property
    def shape(self) -> tuple[Any, ...]:
        rest = self.value.shape[self.mask.ndim :] if isinstance(self.value, Operand) else ()
        found = (self.count(), *map(size_of, rest))
        return found[::-1] if self.flipped else found

    @property
    def size(self) -> Any:
        found = self.count()
        for size in self.shape[:-1] if self.flipped else self.shape[1:]:
            found = found * size
        return found

    # --- summed ---------------------------------------------------------------------------------

    def sum(self, axis: Any = None, **options: Any) -> Any:
        """The sum of the entries that the mask selects; of its rows with axis=0."""
        if options or axis not in (None, 0) or self.flipped:
            fail("x[mask].sum is traced of all entries, or along axis=0")
        axes = None if axis is None else tuple(range(self.mask.ndim))
        return self.session.call("sum", self.whole(), axis=axes)

    def mean(self, axis: Any = None, **options: Any) -> Any:
        """Their mean; not a number where there are none, as in NumPy."""
        count = self.count() if axis == 0 else self.size
        return self.session.ufunc(np.divide, "__call__", (self.sum(axis, **options), count), {})

    @property
    def T(self) -> Masked:  # noqa: N802
        if self.ndim > 2:
            fail("x[mask].T is traced of rows of a matrix")
        return Masked(self.session, self.mask, self.value, self.ndim == 2 and not self.flipped)

    def transpose(self) -> Masked:
        return self.T

    def dot(self, other: Any) -> Any:
        return product(self.session, self, other)

    def copy(self) -> Masked:
        return Masked(self.session, self.mask, self.value, self.flipped)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        fail(f"x[mask] has an unknown number of entries, so .{name} is not traced; use the mask as "
             "a factor", attribute_error(name))

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail("x[mask] has an unknown number of entries; use the mask as a factor, or np.where")


def product(session: Session, left: Any, right: Any) -> Any:
    """A matrix product with x[mask]: row by row, or the sum over the rows that are selected."""
    if not isinstance(left, Masked):
        if isinstance(left, (int, float, Number)) or not getattr(left, "ndim", 0):
            return left * right
        if right.flipped:
            return product(session, right.T, session.call("transpose", left)).T
        fail("a matrix product along x[mask], which has an unknown number of entries")
    if not isinstance(right, Masked):
        if isinstance(right, (int, float, Number)) or not getattr(right, "ndim", 0):
            return left * right
        if left.flipped or left.ndim < 2:
            fail("a matrix product along x[mask], which has an unknown number of entries")
        made = session.call("matmul", left.under(left.mask), right)
        return Masked(session, left.mask, made.operand)
    right.under(left.mask)  # both by the same mask
    if right.flipped or left.ndim > 2 or (left.ndim == 2 and not left.flipped) \
            or left.mask.ndim > 1 or right.ndim > 2:
        fail("this matrix product of entries that a mask selects is not traced; use np.where")
    rows = left.whole()
    return session.call("matmul", rows.T if left.ndim == 2 else rows, right.whole())


def _widened(masked: Masked, mask: Any, most: int) -> Any:
    """All entries, with axes of one row for those that others have behind the mask's."""
    value = masked.under(mask)
    gap = most - masked.ndim
    if not gap or not isinstance(masked.value, Operand):
        return value
    fail("entries and rows that a mask selects are put together; give them as many axes, as in "
         "x[mask] * y[mask][:, None]")


def leading(session: Session, mask: Any, shape: Any) -> Any:
    """A mask of the leading axes of a shape, for all of its entries."""
    if [sp.expand(exact.expression - size) for exact, size in zip(
            mask.shape, (s.expression for s in shape), strict=False)] != [0] * mask.ndim:
        fail(f"the mask {mask} has another shape than ({', '.join(map(str, shape))})")
    if mask.ndim == len(shape):
        return mask
    whole = session.call("reshape", mask, (*mask.shape, *(1,) * (len(shape) - mask.ndim)))
    return session.call("broadcast_to", whole, shape)


class MaskPlaces:
    """One of the arrays of np.nonzero(mask), which stand for the mask where they are together."""

    def __init__(self, session: Session, mask: Any, axis: int) -> None:
        self.session = session
        self.mask = mask
        self.axis = axis

    @property
    def size(self) -> Any:
        return self.session.call("sum", self.mask)

    @property
    def shape(self) -> tuple[Any]:
        return (self.size,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        fail(f"the places where a mask holds are in unknown number, so .{name} is not traced; use "
             "them, or the mask, as a subscript", attribute_error(name))

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail("the places where a mask holds are used as numbers; use them as a subscript")

    __iter__ = __getitem__ = __array__


def mask_in(key: Any) -> Any:
    """The mask that a subscript is: a mask, or all arrays of np.nonzero of one; else None."""
    if isinstance(key, MaskPlaces):
        key = (key,)
    if isinstance(key, tuple) and key and all(isinstance(entry, MaskPlaces) for entry in key):
        mask = key[0].mask
        if all(entry.mask is mask and entry.axis == k for k, entry in enumerate(key)) and len(
                key) == mask.ndim:
            return mask
        fail("the places where a mask holds are a subscript without those of its other axes")
    return key if getattr(key, "kind", None) == "bool" else None


def attribute_error(name: str) -> type[TraceError]:
    """The error of a missing attribute; ``hasattr`` may take one that arrays lack as missing."""
    return TraceError if hasattr(np.ndarray, name) else TraceAttributeError
