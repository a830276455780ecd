"""``x[mask]``: entries in unknown number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers.builder import Operand
from .session import Entry, Session
from .sizes import Number
from .source import TraceAttributeError, TraceError, fail, spelled

OPPOSITE = {">": "<=", "<=": ">", "<": ">=", ">=": "<", "==": "!=", "!=": "=="}


class Masked(np.lib.mixins.NDArrayOperatorsMixin):
    """``x[mask]``: entries to be changed one by one and put back.

    `value` holds all entries, those that the mask does not select included; nobody sees those.
    """

    def __repr__(self) -> str:
        return spelled(self, f"<traced {self.session.shown(self.mask.last_seen)} selects>")

    def __init__(self, session: Session, mask: Any, value: Entry) -> None:
        self.session = session
        self.mask = mask
        self.value = value
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

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        kwargs.pop("out", None)  # z[mask] *= 2 assigns the result to z[mask] itself
        if method != "__call__" or kwargs:
            fail(f"np.{ufunc.__name__}.{method} of x[mask], which has an unknown number of entries")
        if any(getattr(x, "ndim", 0) for x in inputs if not isinstance(x, Masked)):
            fail("x[mask] goes together with numbers and with y[mask]; use np.where")
        whole = [x.under(self.mask) if isinstance(x, Masked) else x for x in inputs]
        made = self.session.ufunc(ufunc, method, whole, {})
        return Masked(self.session, self.mask, self.session.entry(made))

    def sum(self) -> Any:
        """The sum of the entries that the mask selects."""
        whole = self.session.call("where", self.mask, self.under(self.mask), 0)
        return self.session.call("sum", whole)

    def mean(self) -> Any:
        """Their mean; not a number where there are none, as in NumPy."""
        count = self.session.call("sum", self.mask)
        return self.session.ufunc(np.divide, "__call__", (self.sum(), count), {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        fail(f"x[mask] has an unknown number of entries, so .{name} is not traced; use the mask as "
             "a factor", attribute_error(name))

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail("x[mask] has an unknown number of entries; use the mask as a factor, or np.where")


def attribute_error(name: str) -> type[TraceError]:
    """The error of a missing attribute; ``hasattr`` may take one that arrays lack as missing."""
    return TraceError if hasattr(np.ndarray, name) else TraceAttributeError
