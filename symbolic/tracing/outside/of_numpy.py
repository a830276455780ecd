"""NumPy's files, settings and clock, which are no part of a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..source import fail
from .draws import Unseen, refused

_FILES = "a file's contents are not a part of the function; hand the array in as an argument"
_MACHINE = "it differs from machine to machine"
NUMPY_FILES = {
    **dict.fromkeys(("load", "loadtxt", "genfromtxt", "fromfile", "memmap", "save", "savez",
                     "savetxt"), _FILES),
    "fromregex": _FILES, "DataSource": _FILES, "open_memmap": _FILES,
    "show_config": _MACHINE, "show_runtime": _MACHINE,
}


def _errors(plain: Callable[..., Any]) -> Callable[..., Any]:
    """np.errstate and np.seterr, which must not turn a value into an exception."""
    def call(*args: Any, **options: Any) -> Any:
        for value in (*args, *options.values()):
            if value in ("raise", "call", "log"):
                fail(f"np.{plain.__name__} turns into a branch what depends on values")
        return plain(*args, **options)

    return call


def _printing(plain: Callable[..., Any]) -> Callable[..., Any]:
    """np.printoptions, which gives the settings that it found."""
    @contextmanager
    def call(**options: Any) -> Iterator[Any]:
        with plain(**options):
            yield Unseen("np.printoptions")

    return call


_SETTING = "a setting is a state that is kept between calls"

NUMPY_STATE: dict[str, Callable[[Any], Any]] = {
    **{name: lambda plain, name=name: refused(f"np.{name}", _SETTING)  # type: ignore[misc]
       for name in ("geterr", "geterrcall", "getbufsize", "setbufsize", "get_printoptions")},
    "printoptions": _printing, "errstate": _errors, "seterr": _errors,
    "seterrcall": lambda plain: refused(
        "np.seterrcall", "it turns into a branch what depends on values"),
}


def without_clock(values: Any, depth: int = 3) -> None:
    """Fails where a text among the arguments is one that NumPy reads as a time of the clock."""
    for value in values:
        if isinstance(value, (str, np.str_)) and value.strip().lower() in ("now", "today"):
            fail(f"{str(value)!r} may be read as the time of the call, which differs from run to "
                 "run")
        if isinstance(value, (list, tuple)) and depth:
            without_clock(value, depth - 1)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "US":
            without_clock(value.ravel().tolist(), 0)
