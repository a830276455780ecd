"""Arrays of a trace: they look like NumPy arrays to the user's code and write down equations.

An array holds the name of its current value.  Assignment in place gives it another one; views
(`x.T`, `x[0]`, a reshape) know the array that they look into, so that a change on either side is
seen on the other, as NumPy has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ..layers.builder import Operand
from .assignment import assigned
from .constant_places import one_by_one, parts
from .masked import OPPOSITE, Masked, attribute_error, leading, mask_in
from .session import Dtype, Session
from .sizes import Number, size_of
from .source import fail, goes_on_where, spelled
from .subscripts import Fixed, Gather, read, selectors
from .unbounded import after_assignment, both

DTYPES = {"float": np.dtype(float), "int": np.dtype(int), "bool": np.dtype(bool)}


@dataclass(frozen=True)
class Link:
    """How a view looks into `base`: `forward` reads it, `backward` is the base after a write.

    Where it depends on the memory layout whether NumPy makes a view or a copy, both are None.
    """

    base: Tracer
    forward: Callable[[Operand], Operand] | None
    backward: Callable[[Operand, Operand], Operand] | None


class Tracer:
    """An array of a trace."""

    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, session: Session, value: Operand, dtype: Dtype, link: Link | None = None
    ) -> None:
        self.session = session
        self.kind: Dtype = dtype
        self.input_name: str | None = None
        self.age = session.age
        self._value = value
        self._link = link
        self._writes = 0
        self._seen = link.base.writes if link else 0

    # --- the current value ----------------------------------------------------------------------

    @property
    def writes(self) -> int:
        """How often the memory under this array was written to."""
        return self._link.base.writes if self._link else self._writes

    @property
    def last_seen(self) -> Operand:
        """The value when it was last read or written."""
        return self._value

    @property
    def operand(self) -> Operand:
        """The current value."""
        link = self._link
        if self.age != self.session.age:
            self._from_before()
        elif link is not None and self._seen != link.base.writes:
            if link.forward is None:
                fail("an array is read through a reshape after it was changed in place; whether "
                     "that is a view or a copy depends on the memory layout. Reshape a copy")
            self._value = link.forward(link.base.operand)
            self.session.note()
            self._seen = link.base.writes
        return self._value

    def _from_before(self) -> None:
        """Gives an array of an earlier call its value in this one."""
        link = self._link
        self.age = self.session.age
        self.input_name = None
        if link is not None and link.forward is not None:
            self._value = link.forward(link.base.operand)
            self._seen = link.base.writes
        else:
            self._link = None
            self._value = self.session.kept(self._value, f"an array of {self.ndim} axes")
        self.session.note()

    def write(self, value: Operand) -> None:
        """Makes `value`, of the same shape, the value of this array and of what it looks into."""
        link = self._link
        if link is not None:
            if link.backward is None:
                fail("an array is changed in place through a reshape; whether that is a view or a "
                     "copy depends on the memory layout. Change a copy")
            link.base.write(link.backward(link.base.operand, value))
            self._seen = link.base.writes
            self.age = self.session.age
        else:
            if self.age != self.session.age:
                self.age, self.input_name = self.session.age, None
            self._writes += 1
            if self.input_name is not None:
                self.session.mutated[self.input_name] = None
        self._value = value
        self.session.note()

    def replace(self, value: Any) -> Tracer:
        """Writes an array or a number that broadcasts to this one's shape (``x[...] = value``)."""
        self._check_dtype(value)
        chosen = selectors(self.session, self.operand, ...)
        self.write(after_assignment(self.session, self, chosen, value))
        return self

    def _check_dtype(self, value: Any) -> None:
        kind = value.kind if isinstance(value, Tracer) else None
        if self.kind != "float" and (kind == "float" or isinstance(value, float)):
            fail(f"NumPy does not write floats into an array of {DTYPES[self.kind]}")

    def view(
        self,
        forward: Callable[[Operand], Operand] | None = None,
        backward: Callable[[Operand, Operand], Operand] | None = None,
    ) -> Tracer:
        """An array that looks into this one; NumPy's own ``x.view()`` looks at all of it."""
        if forward is None or backward is None:
            return self.view(lambda base: base, lambda base, value: value)
        if not callable(backward) or isinstance(forward, type):
            fail("x.view of another type is not traced")
        forward, backward = both(self.session, forward), both(self.session, backward)
        made = Tracer(self.session, forward(self.operand), self.kind, Link(self, forward, backward))
        self.session.note()
        return made

    def uncertain(self, value: Operand) -> Tracer:
        """An array that is a view or a copy of this one, which NumPy decides by memory layout."""
        self.session.note()
        return Tracer(self.session, value, self.kind, Link(self, None, None))

    # --- NumPy's protocols ----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.session.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = str(function.__name__)
        if ".linalg" in str(function.__module__):
            name = f"linalg.{name}"
        if name not in self.session.functions:
            fail(f"np.{name} is not traced; write it with sums, products and elementwise functions")
        return self.session.call(name, *args, **kwargs)

    def __array__(self, *_: Any, **__: Any) -> Any:
        fail(f"the values of {self} are needed here, and a trace has only formulas; use NumPy "
             "functions on it")

    # --- conversions that a symbol does not have ------------------------------------------------

    def __repr__(self) -> str:
        return spelled(self, f"<traced {self.session.shown(self.last_seen)}>")

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return spelled(self, f"<traced {self.session.shown(self.last_seen)}>")

    def __reduce_ex__(self, protocol: Any) -> Any:
        fail(f"{self} is pickled, and a trace has only formulas")

    def __bool__(self) -> bool:
        if (needed := goes_on_where()) is not None:
            self.session.assume(f"`{needed[1]}` stops nothing")
            return needed[0]
        fail(f"a branch depends on the value of {self}; use np.where, or a mask as a factor")

    def __float__(self) -> float:
        fail(f"float() of {self}: return the array itself")

    __int__ = __index__ = __complex__ = __float__

    def __getattr__(self, name: str) -> Any:
        if name == "__array_namespace__" and hasattr(np.ndarray, name):  # of the Array API
            return lambda **_: self.session.rebound(np)
        if name.startswith("__"):
            raise AttributeError(name)
        fail(f"arrays of a trace have no .{name}", attribute_error(name))

    def __len__(self) -> int:
        return int(size_of(self.operand.shape[0])) if self.operand.ndim else fail(
            f"len() of {self}, which has no axis")

    def __iter__(self) -> Iterator[Any]:
        if not self.operand.ndim:
            fail(f"a loop over {self}, which has no axis")
        if not (size := self.operand.shape[0]).is_Integer:
            fail(f"a loop over the symbolic size {size} of {self}; write it as an array operation, "
                 f"or give {size} as a number in the shapes")
        return (self[at] for at in range(int(size)))

    # --- shape ----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[Number, ...]:
        return tuple(map(size_of, self._value.shape))

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> Number:
        return size_of(sp.Mul(*self._value.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        return DTYPES[self.kind]

    real = property(lambda self: self)
    is_view = property(lambda self: self._link is not None)

    mT = property(lambda self: self.session.call("swapaxes", self, -1, -2))  # noqa: N815

    @property
    def T(self) -> Any:  # noqa: N802
        return self.session.call("transpose", self)

    def transpose(self, *axes: Any) -> Any:
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], (int, Number)) else axes
        return self.session.call("transpose", self, order or None)

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return self.session.call("reshape", self, wanted, order)

    def copy(self, order: str = "C") -> Tracer:
        return Tracer(self.session, self.operand, self.kind)

    __copy__ = copy

    def __deepcopy__(self, memo: object) -> Tracer:
        return self.copy()

    def astype(self, dtype: Any, copy: bool = True, **_: Any) -> Tracer:
        wanted = np.dtype(dtype)
        if wanted.kind == "b" and self.kind != "bool":
            return self.session.ufunc(np.not_equal, "__call__", (self, 0), {})  # type: ignore[no-any-return]
        if not copy and wanted == DTYPES[self.kind]:
            return self
        if wanted.kind == "f" or DTYPES[self.kind] == wanted or self.kind == "bool":
            self.session.stored(wanted)
            kind: Dtype = "float" if wanted.kind == "f" else "int"
            return Tracer(self.session, self.operand, "bool" if wanted.kind == "b" else kind)
        fail(f"astype({wanted}) of {self} would round; only floats are traced")

    def item(self, *at: Any) -> Tracer:
        return self.session.call("item", self, *at)  # type: ignore[no-any-return]

    def fill(self, value: Any) -> None:
        self.replace(value)

    def tolist(self) -> Any:
        return [part.tolist() if part.ndim else part for part in self] if self.ndim else self

    flat = property(lambda self: self.session.call("ravel", self))

    # --- subscripts -----------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if (mask := mask_in(key)) is not None:
            leading(self.session, mask, self.shape)
            return Masked(self.session, mask, self.operand)
        session = self.session
        if (listed := one_by_one(session, self.operand, key)) is not None:
            made = session.call("stack", [self[single] for single in listed.keys], listed.axis)
            shape = made.shape
            return made if len(listed.shape) == 1 else session.call("reshape", made, (
                *shape[: listed.axis], *listed.shape, *shape[listed.axis + 1 :])).copy()
        chosen = selectors(session, self.operand, key)
        copied = not self.ndim or any(isinstance(selector, Gather) for selector in chosen)
        if copied or all(isinstance(selector, Fixed) for selector in chosen):
            taken = both(session, lambda base: read(session, base, chosen))
            return session.array(taken(self.operand), self.kind)
        return self.view(
            lambda base: read(session, base, chosen),
            lambda base, value: assigned(session, base, chosen, value),
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        session = self.session
        if (mask := mask_in(key)) is not None:
            return self._write_under(mask, value)
        self._check_dtype(value)
        if (listed := one_by_one(session, self.operand, key, writing=True)) is not None:
            for single, part in zip(listed.keys, parts(session, self, listed, key, value),
                                    strict=True):
                self[single] = part
            return
        chosen = selectors(session, self.operand, key)
        self.write(after_assignment(session, self, chosen, value))

    def _write_under(self, mask: Any, value: Any) -> None:
        """``x[mask] = value``"""
        session = self.session
        whole = leading(session, mask, self.shape)
        if isinstance(value, Masked):
            value = value.under(mask)
        elif getattr(value, "ndim", 0) > self.ndim - mask.ndim or isinstance(value, (list, tuple)):
            fail("a mask selects the entries to assign; assign a number, or use np.where")
        self._check_dtype(value)
        left = session.blank.get(self.operand.name)
        made = session.call("where", whole, value, self).operand
        if left is not None and session.entry(value) not in session.blank:
            masks = session.comparisons.get(mask.operand.name, mask.operand.name)
            opposite = (OPPOSITE[masks[0]], *masks[1:]) if isinstance(masks, tuple) else None
            session.mark(made, left.under(masks, opposite))
        self.write(made)


# --- operators ----------------------------------------------------------------------------------


def _install(name: str, ufunc: Any) -> None:
    """`x + y`, `y + x` and `x += y` as NumPy's operators define them."""

    def plain(self: Tracer, other: Any) -> Any:
        return self.session.ufunc(ufunc, "__call__", (self, other), {})

    def reflected(self: Tracer, other: Any) -> Any:
        return self.session.ufunc(ufunc, "__call__", (other, self), {})

    def in_place(self: Tracer, other: Any) -> Any:
        result = self.session.ufunc(ufunc, "__call__", (self, other), {})
        if not self.ndim:
            return result  # a NumPy scalar is bound anew
        if result.kind == "float" and self.kind != "float":
            fail(f"NumPy does not write floats into an array of {DTYPES[self.kind]}")
        if result.ndim != self.ndim or not all(map(_same, result.shape, self.shape)):
            fail(f"{result.session.shown(result.operand)} does not fit into {self} in place")
        self.write(result.operand)
        return self

    setattr(Tracer, f"__{name}__", plain)
    setattr(Tracer, f"__r{name}__", reflected)
    setattr(Tracer, f"__i{name}__", in_place)


def _same(one: Number, other: Number) -> bool:
    return bool(sp.expand(one.expression - other.expression) == 0)


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
    "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or, "floordiv": np.floor_divide,
    "mod": np.remainder, "xor": np.bitwise_xor,
}.items():  # fmt: skip
    _install(_name, _ufunc)


def _install_unary(name: str, ufunc: Any) -> None:
    """`-x`, and the comparisons, which NumPy does not define from the right."""

    def operation(self: Tracer, *others: Any) -> Any:
        return self.session.ufunc(ufunc, "__call__", (self, *others), {})

    setattr(Tracer, f"__{name}__", operation)


for _name, _ufunc in {
    "neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert,
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
}.items():  # fmt: skip
    _install_unary(_name, _ufunc)


def _install_method(name: str) -> None:
    def method(self: Tracer, *args: Any, **kwargs: Any) -> Any:
        return self.session.call(name, self, *args, **kwargs)

    setattr(Tracer, name, method)


for _name in ("sum", "mean", "max", "min", "var", "std", "argmax", "dot", "clip", "trace",
              "flatten", "ravel", "squeeze", "swapaxes", "all", "any", "prod", "cumsum", "repeat",
              "argmin", "diagonal", "take", "nonzero", "cumprod", "ptp", "conj", "conjugate",
              "choose", "compress"):  # fmt: skip
    _install_method(_name)
