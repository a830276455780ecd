"""What arrays and functions of other libraries have in common in a trace.

An array of theirs holds a traced one (:class:`Held`); what they have and the tables of their
folders have not is named when it is called (:class:`Untraced`).
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, ClassVar

from .session import Holder
from .source import fail, spelled


def is_followed(function: FunctionType) -> bool:
    """Whether a library's function is traced as code where it has no row: JAX's without a public
    name, as the rules of its own functions are, and PyTorch's backward operators in Python."""
    module, name = str(function.__module__), function.__name__
    return module.startswith("torch._decomp.") or (module.split(".")[0] == "jax" and (
        name.startswith("_") or name == "<lambda>" or "<locals>" in function.__qualname__))


class Held(Holder):
    """A library's array around a traced one, in `value`; what it is called stands in messages."""

    __array_priority__ = 2000
    __hash__ = None  # type: ignore[assignment]
    _called: ClassVar[str]

    def __repr__(self) -> str:
        return spelled(self, f"{self._called}({self.value!r})")

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return spelled(self, f"{self._called}({self.value!r})")

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    __int__ = __index__ = __complex__ = __float__

    def __len__(self) -> int:
        return len(self.value)

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail(f"an array ({self._called}) is made one of NumPy's by code that is not traced")

    def __reduce_ex__(self, protocol: Any) -> Any:
        fail(f"an array ({self._called}) is pickled, and a trace has only formulas")


class Untraced:
    """A function or class that has no row.  page: where those are listed that have one."""

    def __init__(self, name: str, page: str) -> None:
        self._name = name
        self._page = page

    def __call__(self, *args: Any, **options: Any) -> Any:
        fail(f"{self._name} is not traced; write it with functions that are ({self._page} lists "
             "them)")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Untraced(f"{self._name}.{name}", self._page)
