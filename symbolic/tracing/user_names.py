"""The names of the user's modules as traced code reads them, each copied when first read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from .source import fail, is_users, spelled

_OF_PROCESS = frozenset({"__name__", "__file__", "__package__", "__spec__", "__loader__",
                         "__cached__", "__builtins__"})
"""Names of a module that are others where it is imported and where it is the program."""


def _of_process(name: str, value: Any) -> Any:
    """What stands at such a name, which may be said, and handed on, and decides nothing."""
    if isinstance(value, str):
        return Said(value)
    if is_users(sys._getframe(2)):
        fail(f"{name} differs from run to run")
    return value


class Said(str):
    """A text of the process: it may be said, and what a function does with it is not seen."""

    def __getattribute__(self, name: str) -> Any:
        if is_users(sys._getframe(1)):
            fail(f"{str.__str__(self)!r}, the name or place of a module, differs from run to run")
        return super().__getattribute__(name)

    def __str__(self) -> str:
        return spelled(self, str.__str__(self))

    def __format__(self, spec: str) -> str:
        return spelled(self, str.__format__(self, spec))


def _install(name: str) -> None:
    plain = getattr(str, name)

    def method(self: Said, *args: Any) -> Any:
        if is_users(sys._getframe(1)):
            fail(f"{str.__str__(self)!r}, the name or place of a module, differs from run to run")
        return plain(self, *args)

    setattr(Said, name, method)


for _name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__len__",
              "__contains__", "__getitem__", "__iter__", "__add__", "__mul__", "__rmul__",
              "__mod__", "__repr__"):
    _install(_name)


OWN_SLOTS = ("__dict__", "__weakref__", "_abc_impl")
"""What every class has."""


class Globals(dict[str, Any]):
    """A module's names, each copied when it is first read.

    Python reads the globals of a function through ``__getitem__`` where they are no plain dict.
    """

    def __init__(self, names: Mapping[str, Any], rebind: Callable[[Any], Any]) -> None:
        super().__init__(names)
        self._rebind = rebind
        self._read = {"__builtins__"}

    def __getitem__(self, name: str) -> Any:
        if name in _OF_PROCESS:
            return _of_process(name, super().__getitem__(name))
        return self._copied(name)

    def _copied(self, name: str) -> Any:
        value = super().__getitem__(name)
        if name not in self._read:
            self._read.add(name)
            value = self._rebind(value)
            super().__setitem__(name, value)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._read.add(name)
        super().__setitem__(name, value)

    def settle(self, names: Iterable[str]) -> None:
        """Copies what is going to be read by another way."""
        for name in [*names]:
            if name in self:
                self._copied(name)

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def setdefault(self, name: str, default: Any = None) -> Any:
        self.settle([name])
        self._read.add(name)
        return super().setdefault(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        self.settle([name])
        return super().pop(name, *default)

    def __iter__(self) -> Iterator[str]:  # with which dict(...) and ** read name by name
        return super().__iter__()

    def values(self) -> Any:
        self.settle(self)
        return super().values()

    def items(self) -> Any:
        self.settle(self)
        return super().items()


class ModuleNames(ModuleType):
    """A module of the user's, whose functions and classes are copied when they are read."""

    def __init__(self, name: str, names: dict[str, Any], module: ModuleType) -> None:
        super().__init__(name)
        self.__dict__.pop("__doc__", None)
        self.__dict__.update(_names=names, _module=module)

    def __setattr__(self, name: str, value: Any) -> None:
        """As its functions see it, and as the state that it is."""
        self._names[name] = value

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        return getattr(self._module, name)


def slots_of(cls: type) -> tuple[str, ...]:
    """The attributes of a class that stand in slots, by the names that they have there."""
    found = vars(cls).get("__slots__", ())
    names = (found,) if isinstance(found, str) else tuple(found)
    return tuple(f"_{cls.__name__.lstrip('_')}{name}"
                 if name.startswith("__") and not name.endswith("__") else name
                 for name in names if name not in OWN_SLOTS)
