"""A JAX array of a trace: a traced array that nothing changes in place.

``y += 1`` binds y anew, and what else looks at the array keeps its value; ``x.at[...]`` gives a
changed copy.  What a method does is what the function of jax.numpy by its name does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from ..held import Held
from ..masked import Masked, attribute_error
from ..sizes import Number
from ..source import SESSION, fail
from ..tracer import DTYPES, Tracer


class Array(Held):
    """A JAX array of a trace around a traced one."""

    _called = "Array"
    methods: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """What methods call, the array first."""

    def __init__(self, value: Any) -> None:
        self.value = value

    shape = property(lambda self: tuple(self.value.shape))
    ndim = property(lambda self: int(self.value.ndim))
    size = property(lambda self: self.value.size)
    T = property(lambda self: wrapped(self.value.T))
    mT = property(lambda self: wrapped(self.value.mT))  # noqa: N815
    real = property(lambda self: self)
    at = property(lambda self: _At(self.value))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Which code may branch on."""
        if self.value.kind == "float":
            self.value.session.assume("arrays of floats are of float64, which .dtype is asked for")
        return DTYPES[self.value.kind]

    def astype(self, dtype: Any) -> Array:
        return wrapped(cast(self.value, dtype))  # type: ignore[no-any-return]

    def reshape(self, *shape: Any) -> Array:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return wrapped(self.value.reshape(*map(plain, wanted)))  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Array:
        return wrapped(self.value.transpose(*axes))  # type: ignore[no-any-return]

    def copy(self) -> Array:
        return self

    def __getattr__(self, name: str) -> Any:
        if name in self.methods:
            method = self.methods[name]
            return lambda *args, **options: method(self, *args, **options)
        if name == "__array_namespace__":
            return lambda **_: SESSION.get().rebound(sys.modules["jax.numpy"])
        if name.startswith("__"):
            raise AttributeError(name)
        fail(f"an array's .{name} is not traced", attribute_error(name))

    def __deepcopy__(self, memo: object) -> Array:
        return self

    def __iter__(self) -> Iterator[Any]:
        return (wrapped(part) for part in self.value)

    def __getitem__(self, key: Any) -> Any:
        return wrapped(self.value[plain(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        fail("arrays of JAX's are not changed in place; write x = x.at[...].set(...)")


class _At:
    """x.at: changed copies of an array, by places."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, key: Any) -> _Place:
        return _Place(self._value, plain(key))


class _Place:
    """x.at[key]"""

    def __init__(self, value: Any, key: Any) -> None:
        self._value = value
        self._key = key

    def get(self) -> Any:
        return wrapped(self._value[self._key])

    def set(self, values: Any) -> Any:
        made = self._value.copy()
        made[self._key] = plain(values)
        return wrapped(made)

    def add(self, values: Any) -> Any:
        """Summed where a place is named more than once."""
        made = self._value.copy()
        SESSION.get().ufunc(np.add, "at", (made, self._key, plain(values)), {})
        return wrapped(made)

    def multiply(self, values: Any) -> Any:
        return self._changed(lambda old: old * plain(values))

    def divide(self, values: Any) -> Any:
        return self._changed(lambda old: old / plain(values))

    def _changed(self, change: Callable[[Any], Any]) -> Any:
        parts = self._key if isinstance(self._key, tuple) else (self._key,)
        if any(isinstance(one, (Tracer, np.ndarray, list)) for one in parts):
            fail("x.at[...] of places in an array, which may name one more than once, is traced "
                 "with set and add alone")
        made = self._value.copy()
        made[self._key] = change(made[self._key])
        return wrapped(made)

    def __getattr__(self, name: str) -> Any:
        fail(f"x.at[...].{name} is not traced")


def cast(value: Any, dtype: Any) -> Any:
    """A traced array as another type, which is exact or refused."""
    if dtype is None:
        return value
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        fail(f"dtype={dtype!r} is not traced")
    if wanted.kind not in "fiub":
        fail(f"a cast to {wanted} is not traced")
    made = value if isinstance(value, (Tracer, Masked)) else SESSION.get().call("array", value)
    return made.astype(wanted)


def plain(value: Any) -> Any:
    """What is in arrays of JAX's, containers included."""
    if isinstance(value, Array):
        return value.value
    if hasattr(type(value), "addressable_shards"):
        return outside(value)
    if isinstance(value, slice):
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def outside(value: Any) -> Any:
    """A constant array of JAX's, with its numbers."""
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiub":
        fail(f"an array of {numbers.dtype} is not traced")
    SESSION.get().stored(numbers.dtype)
    return SESSION.get().call("array", numbers)


def wrapped(value: Any) -> Any:
    """What a row gave, with an array of JAX's in the place of each of NumPy's."""
    if isinstance(value, Masked):
        fail("x[mask], which has an unknown number of entries, is not traced; use jnp.where")
    if isinstance(value, Tracer):
        return Array(value)
    if isinstance(value, (np.ndarray, np.generic)) or (
            isinstance(value, Number) and value.kind is None):
        return Array(SESSION.get().call("array", value))
    if type(value) in (list, tuple):
        return type(value)(map(wrapped, value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # as slogdet gives it
        return type(value)(*map(wrapped, value))
    return value


def _install(name: str) -> None:
    def operation(self: Array, *others: Any) -> Any:
        return wrapped(getattr(self.value, name)(*map(plain, others)))

    setattr(Array, name, operation)


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul", "and", "or", "xor", "floordiv",
              "mod"):
    _install(f"__{_name}__")
    _install(f"__r{_name}__")
for _name in ("neg", "pos", "abs", "invert", "lt", "le", "gt", "ge", "eq", "ne"):
    _install(f"__{_name}__")
