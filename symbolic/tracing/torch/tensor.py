"""A PyTorch tensor of a trace: a traced array that answers to the methods of torch.Tensor.

What a method does stands in the tables of this folder, in NumPy's words; a method whose name ends
with an underscore writes its result into the tensor.  Tensors are views of one another where the
traced arrays in them are.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..functions.ufuncs import ARITHMETIC, apply
from ..held import Held
from ..masked import Masked, attribute_error
from ..sizes import Number
from ..source import SESSION, fail
from ..stand_ins import NumpyStandIn
from ..tracer import Tracer

Row = Callable[..., Any]
"""Of NumPy (:class:`Numpy`), and then what PyTorch's function takes, arrays in the place of
tensors."""


class Numpy:
    """NumPy for the rows of a table; `special` are SciPy's functions by name."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._numpy = NumpyStandIn(session, np)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)

    def special(self, name: str, *args: Any, **options: Any) -> Any:
        if name in ARITHMETIC:
            return apply(self._session, name, args)
        return self._session.call(f"scipy.special.{name}", *args, **options)

    def assume(self, said: str) -> None:
        self._session.assume(said)

    def stops(self, said: str) -> None:
        """PyTorch does not differentiate any further here."""
        self._session.stops[self._session.here(said)] = None

    def spoken(self, name: str, value: Any) -> None:
        """What an array is called where the user has no name for it."""
        if isinstance(value, Tracer):
            self._session.spoken.setdefault(value.operand.name, name)


class Shape(tuple[Any, ...]):
    """torch.Size: the sizes of a tensor."""

    __slots__ = ()

    def numel(self) -> Any:
        count: Any = 1
        for size in self:
            count = count * size
        return count


class Extremes(NamedTuple):
    """What torch.max(x, dim) and the like return."""

    values: Any
    indices: Any


class Device:
    """Where a tensor lies: handed on it says nothing of values; asked what it is, it is the CPU."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def _asked(self) -> Any:
        self._session.assume("tensors are on the CPU")
        return sys.modules["torch"].device("cpu")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._asked(), name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) or bool(self._asked() == other)

    def __hash__(self) -> int:
        return hash(self._asked())

    def __str__(self) -> str:
        return str(self._asked())


class Tensor(Held):
    """A tensor of a trace around `value`: a traced array, or what a mask leaves of one."""

    _called = "tensor"
    methods: ClassVar[Mapping[str, Row]] = {}
    in_place: ClassVar[Collection[str]] = ()
    """Methods whose names with an underscore write their result into the tensor; transpose_ and
    the like turn the tensor itself."""
    types: ClassVar[Mapping[str, Any]] = {}
    """The dtypes of traced arrays, by kind, as PyTorch has them."""
    kinds: ClassVar[Mapping[Any, Any]] = {}
    """NumPy's dtypes, by PyTorch's."""
    is_tracking: ClassVar[Callable[[], bool]] = lambda: True
    """Whether PyTorch would differentiate what is computed now."""
    layout: ClassVar[Any] = None
    is_sparse = is_quantized = is_meta = False

    def __init__(self, value: Any, is_picked: bool = False) -> None:
        self.value = value
        self._is_picked = is_picked

    # --- what is asked of it --------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        return Shape(self.value.shape)

    def size(self, dim: Any = None) -> Any:
        return self.shape if dim is None else self.shape[int(dim)]

    @property
    def ndim(self) -> int:
        return int(self.value.ndim)

    def dim(self) -> int:
        return self.ndim

    ndimension = dim

    def numel(self) -> Any:
        return self.shape.numel()

    nelement = numel

    @property
    def dtype(self) -> Any:
        """Which code may branch on."""
        if self.value.kind == "float":
            self.value.session.assume("tensors of floats are of float64, which .dtype is asked for")
        return self.types[self.value.kind]

    @property
    def data(self) -> Tensor:
        return self.detach()  # type: ignore[no-any-return]

    @property
    def T(self) -> Tensor:  # noqa: N802
        return wrapped(self.value.T)  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:  # noqa: N802
        return wrapped(self.value.mT)  # type: ignore[no-any-return]

    @property
    def device(self) -> Device:
        return Device(self.value.session)

    @property
    def is_cuda(self) -> bool:
        self.value.session.assume("tensors are on the CPU")
        return False

    def to(self, *args: Any, **options: Any) -> Tensor:
        """As another type; where it lies, and in what order, says nothing of its values."""
        if options.pop("copy", False):
            return wrapped(self.value.copy()).to(*args, **options)  # type: ignore[no-any-return]
        for wanted in (*args, *options.values()):
            if isinstance(wanted, Tensor):
                return self.to(wanted.dtype)
            if isinstance(wanted, type(self.types["float"])) and wanted not in self.kinds:
                fail(f"a cast to {wanted} is not traced")
            if wanted in self.kinds:
                return wrapped(self.value.astype(self.kinds[wanted], copy=False))  # type: ignore[no-any-return]
        return self

    def type_as(self, other: Tensor) -> Tensor:
        return self.to(other.dtype)

    def __getattr__(self, name: str) -> Any:
        if name in self.methods:
            return Method(self, self.methods[name])
        if name.endswith("_") and name[:-1] in self.in_place:
            return Method(self, self.methods[name[:-1]], is_in_place=True)
        if name.startswith("__"):
            raise AttributeError(name)
        fail(f"a tensor's .{name} is not traced", attribute_error(name))

    def __deepcopy__(self, memo: object) -> Tensor:
        return Tensor(self.value.copy())

    def __iter__(self) -> Iterator[Any]:
        return (wrapped(part) for part in self.value)

    # --- subscripts -----------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        made = self.value[plain(key)]
        return Tensor(made, is_picked=not getattr(made, "ndim", 1))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._own()
        self.value[plain(key)] = plain(value)

    def write(self, value: Any) -> Tensor:
        """Makes `value`, which broadcasts to this one's shape, the value of this tensor."""
        self._own()
        made = plain(value)
        if self.value.ndim:
            self.value.replace(made)
        else:
            kept = self.value
            self.value = SESSION.get().call("array", made)
            if kept.input_name is not None:
                SESSION.get().mutated[kept.input_name] = None
        return self

    def shares(self) -> None:
        """Says that another tensor looks at this one, which has no axes."""
        self._is_picked = True

    def _own(self) -> None:
        if self._is_picked:
            fail("a tensor without axes is changed in place that another one looks at; assign to "
                 "x[i] itself, or change a clone")
        if isinstance(self.value, Masked):
            fail("x[mask], which is a copy, is changed in place")


TYPES = {"float64": np.float64, "double": np.float64, "float32": np.float32, "float": np.float32,
         "float16": np.float16, "half": np.float16, "int64": np.int64, "long": np.int64,
         "int32": np.int32, "int": np.int32, "bool": np.bool_, "int16": np.int16, "int8": np.int8,
         "uint8": np.uint8}
"""PyTorch's types, as NumPy has them."""


def prepared(torch: Any) -> None:
    """Tells the tensors of a trace the types that PyTorch has."""
    if not Tensor.kinds:
        Tensor.kinds = {getattr(torch, name): np.dtype(wide) for name, wide in TYPES.items()}
        Tensor.types = {"float": torch.float64, "int": torch.int64, "bool": torch.bool}
        Tensor.is_tracking = torch.is_grad_enabled
        Tensor.layout = torch.strided


class Method:
    """A method of a tensor, bound to it."""

    def __init__(self, tensor: Tensor, row: Row, is_in_place: bool = False) -> None:
        self._tensor = tensor
        self._row = row
        self._is_in_place = is_in_place

    def __call__(self, *args: Any, **options: Any) -> Any:
        made = run(self._row, self._tensor, *args, **options)
        return self._tensor.write(made) if self._is_in_place else made


def run(row: Row, *args: Any, **options: Any) -> Any:
    """A row called on tensors: its result in tensors, written to `out=` where that is given."""
    _heeded()
    out = options.pop("out", None)
    named = {_ALIASES.get(name, name): plain(value) for name, value in options.items()
             if name not in HARMLESS}
    taken = inspect.signature(row).parameters
    if any(one.kind is one.VAR_POSITIONAL for one in taken.values()):
        args = (*args, *(named.pop(name) for name in _LISTED if name in named))
    for name in named:
        if name not in taken:
            fail(f"{name}= of a function of PyTorch's is not traced")
    made = wrapped(row(Numpy(SESSION.get()), *map(plain, args), **named))
    if isinstance(made, Tensor) and not made.ndim:
        for one in args:
            if isinstance(one, Tensor) and (made.value is one.value or looks_into(made.value)):
                made.shares()
                one.shares()
    return made if out is None else out.write(made)


def _heeded() -> None:
    """Notes that what is computed now is not differentiated."""
    if not Tensor.is_tracking() and not (session := SESSION.get()).stops:
        session.stops[session.here("it is computed under torch.no_grad")] = None


def looks_into(value: Any) -> bool:
    """Whether a traced array is a view of another one."""
    return isinstance(value, Tracer) and value.is_view


HARMLESS = frozenset({"device", "layout", "requires_grad", "pin_memory", "memory_format",
                      "non_blocking", "_stacklevel"})
"""Options that say nothing of values."""
_LISTED = ("dims", "shape", "size", "sizes", "repeats", "tensors")
"""Parameters that are a tuple, or as many arguments."""
_ALIASES = {"axis": "dim", "keepdims": "keepdim"}
"""NumPy's names of parameters, which PyTorch takes as well."""


def plain(value: Any) -> Any:
    """What is in tensors, containers included."""
    if isinstance(value, Tensor):
        return value.value
    if hasattr(type(value), "untyped_storage"):
        fail("a tensor is read that stands in an object which is not traced; hand it in as an "
             "input")
    if isinstance(value, slice):
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    if type(value) in (list, tuple, Shape):
        made = [plain(one) for one in value]
        return made if isinstance(value, list) else tuple(made)
    return value


def wrapped(value: Any) -> Any:
    """What a row gave, with a tensor in the place of each array."""
    if isinstance(value, (Tracer, Masked)):
        return Tensor(value)
    if isinstance(value, (np.ndarray, np.generic)) or (
            isinstance(value, Number) and value.kind is None):
        return Tensor(SESSION.get().call("array", value))
    if type(value) in (list, tuple):
        return type(value)(wrapped(one) for one in value)
    if isinstance(value, Extremes):
        return Extremes(*map(wrapped, value))
    return value


def is_one(size: Any) -> bool:
    """Whether a size is the number 1; one that is symbolic is not."""
    return bool(size.expression == 1 if isinstance(size, Number) else size == 1)


def sized(shape: Any) -> tuple[Any, ...]:
    """The sizes of `f(2, 3)` or `f((2, 3))`, which were handed over as a tuple of arguments."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        return tuple(shape[0])
    return tuple(shape)


# --- operators ----------------------------------------------------------------------------------


def _install(name: str) -> None:
    def operation(self: Tensor, *others: Any) -> Any:
        _heeded()
        found = getattr(self.value, name)(*map(plain, others))
        return wrapped(found)

    setattr(Tensor, name, operation)


def _install_in_place(name: str) -> None:
    def operation(self: Tensor, other: Any) -> Tensor:
        _heeded()
        return self.write(getattr(self.value, f"__{name}__")(plain(other)))

    setattr(Tensor, f"__i{name}__", operation)


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul", "and", "or", "xor", "floordiv",
              "mod"):
    _install(f"__{_name}__")
    _install(f"__r{_name}__")
    _install_in_place(_name)
for _name in ("neg", "pos", "abs", "invert", "lt", "le", "gt", "ge", "eq", "ne"):
    _install(f"__{_name}__")
