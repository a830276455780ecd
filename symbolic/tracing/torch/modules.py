"""The stand-ins of PyTorch's modules for traced code, and what makes tensors from nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..held import Untraced
from ..outside.draws import refused
from ..sizes import Number
from ..source import SESSION, fail
from ..stand_ins import MathStandIn
from ..tracer import Tracer
from . import elementwise, layers, shapes, sums
from .applied import apply_of
from .networks import Elsewhere, activated, is_module_class
from .recurrent import CELLS
from .tensor import TYPES, Numpy, Row, Shape, Tensor, plain, prepared, run, sized, wrapped

DRAWN = ("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson",
         "rand_like", "randn_like", "randint_like", "manual_seed", "seed", "get_rng_state",
         "set_rng_state", "dropout", "alpha_dropout", "feature_dropout", "gumbel_softmax")
"""What draws at random, or says how."""
UNWRITTEN = ("empty", "empty_like", "empty_strided", "new_empty")
PLAIN = ("no_grad", "enable_grad", "inference_mode", "set_grad_enabled", "is_grad_enabled",
         "device", "Size", "_assert", "is_scripting", "is_tracing", "is_compiling")
"""What computes nothing with tensors and is let through."""
UNTRACKED = ("no_grad", "inference_mode", "set_grad_enabled")
"""What makes constants for a second derivative; the passes themselves run under the first."""

def _made(name: str) -> Row:
    """zeros, ones: of sizes, or of one tuple of them."""
    return lambda xp, *size, dtype=None: getattr(xp, name)(sized(size), dtype=_type(dtype))


def _like(name: str) -> Row:
    return lambda xp, input, *fill, dtype=None: getattr(xp, name)(
        input.shape, *fill, dtype=_type(dtype, input.kind))


def _type(dtype: Any, kind: str = "float") -> Any:
    if dtype is not None:
        return Tensor.kinds[dtype]
    return {"float": float, "int": int, "bool": bool}[kind]


def tensor(xp: Any, data: Any, dtype: Any = None) -> Any:
    """A copy, through which PyTorch does not differentiate."""
    parts = data if isinstance(data, (list, tuple)) else [data]
    if any(isinstance(one, Tracer) for one in parts):
        xp.stops("a tensor that is made of another one's values is a constant")
    made = xp.array(data)
    return made if dtype is None else made.astype(_type(dtype))


def arange(xp: Any, *args: Any, dtype: Any = None) -> Any:
    made = xp.arange(*args)
    return made if dtype is None else made.astype(_type(dtype))


def full(xp: Any, size: Any, fill_value: Any, dtype: Any = None) -> Any:
    return xp.full(tuple(size), fill_value, dtype=None if dtype is None else _type(dtype))


def eye(xp: Any, n: Any, m: Any = None, dtype: Any = None) -> Any:
    return xp.eye(n, m, dtype=_type(dtype))


def linspace(xp: Any, start: Any, end: Any, steps: Any) -> Any:
    return xp.linspace(start, end, steps)


def as_tensor(xp: Any, data: Any, dtype: Any = None) -> Any:
    """The tensor itself, where it is one."""
    made = data if isinstance(data, Tracer) else xp.array(data)
    return made if dtype is None else made.astype(_type(dtype), copy=False)


def _cast(wide: Any) -> Row:
    return lambda xp, input: input.astype(np.dtype(wide), copy=False)


_LIKE: dict[str, Row] = {"zeros_like": _like("zeros"), "ones_like": _like("ones"),
                         "full_like": _like("full")}
CREATION: dict[str, Row] = {
    "zeros": _made("zeros"), "ones": _made("ones"), "full": full, "eye": eye, "tensor": tensor,
    "as_tensor": as_tensor, "asarray": as_tensor, "scalar_tensor": tensor, "arange": arange,
    "linspace": linspace, **_LIKE,
}

Tensor.methods = {
    **elementwise.METHODS, **shapes.METHODS,
    "new_zeros": lambda xp, input, *size, dtype=None: xp.zeros(
        sized(size), dtype=_type(dtype, input.kind)),
    "new_ones": lambda xp, input, *size, dtype=None: xp.ones(
        sized(size), dtype=_type(dtype, input.kind)),
    "new_full": lambda xp, input, size, fill, dtype=None: xp.full(
        tuple(size), fill, dtype=_type(dtype, input.kind)),
    "new_tensor": lambda xp, input, data, dtype=None: tensor(xp, data, dtype=dtype),
    **{name: _cast(TYPES[name]) for name in ("double", "float", "half", "long", "int", "bool")},
}

Tensor.in_place = frozenset(elementwise.METHODS) | {
    "copy", "fill", "zero", "scatter", "scatter_add", "index_add", "tril", "triu", "cumsum",
    "cumprod"}

MODULES: dict[str, Mapping[str, Row]] = {
    "torch": {**elementwise.FUNCTIONS, **shapes.FUNCTIONS, **CREATION,
              "_weight_norm": layers.weight_norm},
    "torch.nn.functional": layers.FUNCTIONAL,
    "torch.special": {**elementwise.SPECIAL, "softmax": sums.softmax,
                      "log_softmax": sums.log_softmax, "logsumexp": sums.logsumexp},
    "torch.linalg": sums.LINALG, "torch._VF": CELLS,
}
"""The rows of each module."""


class TorchStandIn(ModuleType):
    """A module of PyTorch's for traced code."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__)
        prepared(sys.modules["torch"])
        super().__setattr__("_module", module)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("__"):
            fail(f"an attribute of the module {self._module.__name__} is set: {name}")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        return of_torch(found, self._module.__name__, name)


def of_torch(found: Any, module: str, name: str) -> Any:
    """What traced code gets for something of PyTorch's that stands in a module by a name."""
    if isinstance(found, ModuleType):
        return TorchStandIn(found) if found.__name__.split(".")[0] == "torch" else found
    _noted(found)
    row = MODULES.get(module, {}).get(name)
    if row is not None:
        return _function(row, name)
    if isinstance(found, float):
        return getattr(MathStandIn(SESSION.get()), name) if name in ("pi", "e") else found
    if name in DRAWN:
        return refused(f"torch.{name}", "numbers are drawn at random in it; hand them in as an "
                                        "argument")
    if name in UNWRITTEN:
        return _unwritten(name)
    if name == "Tensor":
        return TensorType
    if is_module_class(found):
        return SESSION.get().rebound(found)
    if name in ("finfo", "iinfo"):
        SESSION.get().assume("tensors are of the types that were handed over")
        return found
    if name in PLAIN or not callable(found) or (
            isinstance(found, type) and issubclass(found, BaseException)):
        return found
    return Untraced(f"{module}.{name}", "docs/pytorch.md")


def _noted(found: Any) -> None:
    """Says that a pass has a hold of what keeps its own autograd from what it computes."""
    torch = sys.modules["torch"]
    if isinstance(found, type) and any(found is getattr(torch, name) for name in UNTRACKED):
        SESSION.get().stops[f"what torch.{found.__name__} keeps untracked is a constant"] = None


def standing_torch(value: Any, copied: Callable[[Any], Any]) -> Any:
    """What traced code gets for a module, a function, a class or a tensor of PyTorch's that it has
    by a name of its own; None for what is not PyTorch's, or is let through.

    copied: of a class of the user's, that for traced code.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    _noted(value)
    if isinstance(value, torch.Tensor):
        prepared(torch)
        session = SESSION.get()
        if id(value) in session.parameters:
            return Elsewhere(value)
        return wrapped(session.call("array", value.detach().cpu().numpy()))
    if isinstance(value, torch.Size):
        return Shape(value)
    if isinstance(value, ModuleType):
        return TorchStandIn(value) if value.__name__.split(".")[0] == "torch" else None
    if value is torch.Tensor:
        return TensorType
    if isinstance(value, type) and issubclass(value, torch.autograd.Function) and (
            value.__module__.split(".")[0] != "torch"):
        made = copied(_without_torch(value))
        made.apply = apply_of(value)
        return made
    name = getattr(value, "__name__", "") if isinstance(value, _FUNCTIONS) else ""
    for module in MODULES if isinstance(name, str) and name else ():
        owner = sys.modules.get(module)
        for spelled in (name, name.partition("_")[2]):  # torch.linalg.inv is called linalg_inv
            if owner is not None and spelled and getattr(owner, spelled, None) is value:
                prepared(torch)
                return of_torch(value, module, spelled)
    return None


def _without_torch(function: type) -> type:
    """An autograd function as a class that is copied as any other of the user's: what it keeps in
    its attributes is state; of PyTorch's own methods of it `apply` alone is traced."""
    names: dict[str, Any] = {}
    for base in reversed(function.__mro__):
        if base.__module__.split(".")[0] not in ("torch", "builtins"):
            names |= {name: item for name, item in vars(base).items()
                      if name not in ("__dict__", "__weakref__", "_backward_cls")}
    return type(function.__name__, (), names)


ACTIVATIONS = elementwise.ACTIVATIONS.keys()


def _function(row: Row, name: str) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        into = args[0] if options.pop("inplace", False) and name in ACTIVATIONS else None
        made = _tensors(run(row, *args, **options), args)
        if into is not None:
            made = into.write(made)
        if name in ACTIVATIONS and args and (called := activated(args[0])):
            Numpy(SESSION.get()).spoken(called, plain(made))
        return made

    function.__name__ = name
    return function


def _tensors(made: Any, args: Any) -> Any:
    """Numbers that PyTorch returns as tensors without axes."""
    if isinstance(made, Number) and any(isinstance(one, Tensor) for one in args):
        return wrapped(SESSION.get().call("array", made))
    return made


def _unwritten(name: str) -> Callable[..., Any]:
    """torch.empty: entries that nobody wrote, which are told from those that somebody did."""

    def function(*size: Any, dtype: Any = None) -> Any:
        given = plain(size)
        like = name.endswith("_like")
        shape = given[0].shape if like else sized(given)
        kind = given[0].kind if like else "float"
        return wrapped(Numpy(SESSION.get()).empty(shape, dtype=_type(dtype, kind)))

    return function


class _TensorType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)

    def __getattr__(cls, name: str) -> Any:
        row = Tensor.methods.get(name)
        if row is None:
            fail(f"torch.Tensor.{name} is not traced")
        return _function(row, name)


class TensorType(metaclass=_TensorType):
    """torch.Tensor: asked for, and the place of its methods."""


_FUNCTIONS = (FunctionType, BuiltinFunctionType)
