"""PyTorch's modules for traced code: copies whose parameters are arrays of the trace.

A module's `forward`, the user's or PyTorch's own, runs as any traced function does; what a module
is besides (its parameters, its buffers, its parts) stands in a copy that computes nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from ..session import Holder
from ..source import SESSION, fail
from ..tracer import Tracer
from .overridden import instead_of
from .tensor import Tensor, prepared, wrapped

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_STORES = ("_parameters", "_buffers", "_modules")
_LETTERS = {"Embedding": "E", "EmbeddingBag": "E", "LayerNorm": "N", "RMSNorm": "N",
            "BatchNorm1d": "N", "BatchNorm2d": "N", "GroupNorm": "N"}
"""What the results of modules are called, with the number of the module's parameters; others Z."""


class Kept:
    """A parameter or a buffer as it is: what stands for it is looked up when it is read."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def read(self) -> Any:
        session = SESSION.get()
        found = session.standing.get(id(self._tensor))
        if found is None:
            if self._tensor.grad_fn is not None:
                fail("a tensor of a module was computed of others before the module is called, and "
                     "its gradient goes to these; compute it in forward")
            found = wrapped(session.call("array", self._tensor.detach().cpu().numpy()))
            found.value.input_name = "a tensor of a module"  # by which a change in place is seen
            session.standing[id(self._tensor)] = found
        return found


class Elsewhere(Tensor):
    """A parameter or a buffer that code also has by another name, in a list, a closure or a file.
    """

    def __init__(self, tensor: Any) -> None:
        self._at = id(tensor)
        self._is_picked = False

    @property
    def value(self) -> Any:
        return SESSION.get().standing[self._at].value

    @value.setter
    def value(self, made: Any) -> None:
        SESSION.get().standing[self._at].value = made


class Network:
    """torch.nn.Module for traced code."""

    training: bool
    forward: Callable[..., Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.update({name: {} for name in _STORES}, training=True, _hooked="", _id=0)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.__dict__["_hooked"]:
            fail(f"a {type(self).__name__} has {self.__dict__['_hooked']}, and what hooks do is "
                 "not traced; remove them (weight_norm and spectral_norm are hooks, too)")
        made = self.forward(*args, **kwargs)
        self._speak(args, made)
        return made

    def _speak(self, args: Any, made: Any) -> None:
        """What the result is called where the user has no name for it."""
        names = SESSION.get().spoken
        if not isinstance(made, Tensor) or not isinstance(made.value, Tracer) or (
                made.value.operand.name in names):
            return
        number = SESSION.get().numbers.get(self.__dict__["_id"])
        name = None
        if number is not None:
            name = _LETTERS.get(type(self).__name__, "Z") + number
        elif args and type(self).__module__ == "torch.nn.modules.activation":
            name = activated(args[0])
        if name:
            names[made.value.operand.name] = name

    def __getattr__(self, name: str) -> Any:
        for store in _STORES:
            if name in self.__dict__.get(store, ()):
                found = self.__dict__[store][name]
                return found.read() if isinstance(found, Kept) else found
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        for store in ("_parameters", "_buffers"):
            if name in self.__dict__.get(store, ()):
                fail(f"{name}, a parameter or buffer of a module, is assigned: its next call has "
                     "another one; hand it in as an input, and return the new one")
        kept = self.__dict__["_modules"] if isinstance(value, Network) else self.__dict__
        kept[name] = value

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        fail("a buffer is registered while the module runs")

    def children(self) -> Iterator[Any]:
        return iter(self.__dict__["_modules"].values())

    def named_children(self) -> Iterator[tuple[str, Any]]:
        return iter(self.__dict__["_modules"].items())

    def modules(self) -> Iterator[Any]:
        yield self
        for one in self.children():
            yield from one.modules()

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        ahead = f"{prefix}." if prefix else ""
        for name, kept in self.__dict__["_parameters"].items():
            if kept is not None:
                yield f"{ahead}{name}", kept.read()
        for name, one in self.named_children() if recurse else ():
            yield from one.named_parameters(f"{ahead}{name}")

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        return (value for _, value in self.named_parameters(recurse=recurse))


def activated(value: Any) -> str | None:
    """What an activation of an array is called: A1 of Z1."""
    if not isinstance(value, Tensor) or not isinstance(value.value, Tracer):
        return None
    name = SESSION.get().spoken.get(value.value.operand.name, "")
    return f"A{name[1:]}" if re.match(r"Z(?:\d|_)", name) else None


def is_module_class(value: Any) -> bool:
    """Whether it is a class of PyTorch's modules, or of the user's under them."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "nn") and isinstance(value, type) and issubclass(
        value, torch.nn.Module)


def standing_network(
    value: Any, rebound: Callable[[Any], Any], keep: Callable[[Any, Any], Any]
) -> Any:
    """What traced code gets for a module; None for what is none.

    rebound: of anything, that for traced code.  keep: says so before the copy is filled.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return None
    if value is torch.nn.Module:
        return Network
    if isinstance(value, FunctionType | Plan):
        return instead_of(value) if isinstance(value, FunctionType) else value.announced()
    if isinstance(value, type) or not isinstance(value, torch.nn.Module):
        return None
    prepared(torch)
    made = keep(value, object.__new__(rebound(type(value))))
    filled: dict[str, Any] = {"_hooked": ", ".join(_hooks(value)), "_id": id(value)}
    for name, item in vars(value).items():
        if name in ("_parameters", "_buffers"):
            filled[name] = {key: None if one is None else Kept(one) for key, one in item.items()}
        elif name == "_modules":
            filled[name] = {key: rebound(one) for key, one in item.items()}
        elif name not in _plumbing(torch) and not name.startswith("_flat_weight"):
            filled[name] = Kept(item) if isinstance(item, torch.Tensor) else rebound(item)
    filled["_buffers"] |= {name: filled.pop(name) for name, item in [*filled.items()]
                           if isinstance(item, Kept)}
    made.__dict__.update(filled)
    return made


def _hooks(module: Any) -> list[str]:
    """The kinds of hooks that a module has, and that all modules have."""
    shared = vars(sys.modules["torch.nn.modules.module"])
    return [name.strip("_").replace("_", " ") for name in (
        *(name for name in _HOOKS if vars(module).get(name)),
        *(f"global{name}" for name in _HOOKS if shared.get(f"_global{name}")))]


def _plumbing(torch: Any) -> set[str]:
    """What PyTorch keeps in every module for itself."""
    return set(vars(torch.nn.Module())) - {*_STORES, "training"}


# --- a module as a function of its inputs and its parameters ------------------------------------


@dataclass(frozen=True)
class Plan:
    """How a module is called with arrays by name.

    tensors: by name, the identity of the parameter or buffer that it stands for.
    numbers: by identity, the number of a module's parameters.
    given: by the parameter of forward, the name of the input; each goes by keyword.
    beside: by the parameter of the loss, the name of the input, likewise.
    is_unpacked: whether several outputs are as many arguments of the loss.
    constants: what else forward is handed, by name.
    """

    tensors: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[int, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    is_unpacked: bool = True
    constants: Mapping[str, Any] = field(default_factory=dict)

    def announced(self) -> Plan:
        """Itself, which goes first: what comes after it may hold the parameters."""
        SESSION.get().parameters = frozenset(self.tensors.values())
        return self


def run_network(plan: Plan, network: Any, loss: Any, /, **arrays: Any) -> Any:
    """What a module returns, or the loss of it, for traced arrays by name."""
    session, torch = SESSION.get(), sys.modules["torch"]
    prepared(torch)
    session.numbers = plan.numbers
    session.standing.update({tensor: tensors(arrays[name])
                             for name, tensor in plan.tensors.items()})
    with torch.enable_grad():
        made = network(**{name: tensors(arrays[key]) for name, key in plan.given.items()},
                       **plan.constants)
        if loss is None:
            return arrays_in(made)
        values = made if isinstance(made, tuple) and plan.is_unpacked else (made,)
        found = arrays_in(loss(*values, **{
            name: tensors(arrays[key]) for name, key in plan.beside.items()}))
        if isinstance(found, Tracer):
            session.suggest(found.operand, "L", -1)
        return found


def tensors(value: Any) -> Any:
    """Traced arrays as tensors, containers included."""
    if isinstance(value, Tracer):
        return wrapped(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(tensors, value))
    if isinstance(value, dict):
        return {key: tensors(inner) for key, inner in value.items()}
    return value


def arrays_in(value: Any) -> Any:
    """The traced arrays that stand in tensors, containers included."""
    if isinstance(value, Holder):
        return value.value
    if isinstance(value, (list, tuple)):
        return tuple(map(arrays_in, value))
    if isinstance(value, dict):
        return {key: arrays_in(inner) for key, inner in value.items()}
    return value
