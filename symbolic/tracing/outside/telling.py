"""Attributes that tell of the process and not of the arrays: addresses, hashes, frames.

What they give differs from process to process, or with every call, and no state of the user's
shows it.  Code that names one of them is not traced where it is called.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType

NAMES = frozenset({
    "__subclasses__", "__hash__", "__sizeof__", "__self__", "__reduce__", "__reduce_ex__",
    "__traceback__", "tb_frame", "tb_next", "f_back", "gi_frame", "cr_frame", "ag_frame",
    "__array_interface__", "__array_struct__", "__warningregistry__", "ctypes",
})
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")


@lru_cache(maxsize=4096)
def told(code: CodeType) -> str:
    """The telling attribute that code names; empty without one."""
    if NAMES.isdisjoint(code.co_names) and NAMES.isdisjoint(
            constant for constant in code.co_consts if isinstance(constant, str)):
        return ""
    for step in dis.get_instructions(code):
        named = step.opname in _ATTRIBUTES or (step.opname == "LOAD_CONST" and step.argval not in
                                               ("ctypes", *_qualified(code)))
        if named and isinstance(step.argval, str) and step.argval in NAMES:
            return step.argval
    return ""


def _qualified(code: CodeType) -> Iterator[str]:
    """The names of what is defined in code, which are constants of it."""
    return (inner.co_qualname for inner in code.co_consts if isinstance(inner, CodeType))


def inside(code: CodeType) -> Iterator[CodeType]:
    """Code, and the functions defined in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from inside(inner)
