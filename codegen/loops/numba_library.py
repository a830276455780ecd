"""Loops compiled by Numba, kept by what they are made of, and called with arrays."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any

import numpy as np

from ...symbolic.equation import System
from .blas import has_blas
from .bound import Compiled, Kernel, bound
from .c_library import folder
from .memory import Place, places
from .numba_functions import JIT, brought
from .numba_source import NumbaSource, numba_of, shape_text
from .products import with_products
from .writing import Loops, loops


class NoNumbaError(RuntimeError):
    """Numba is not installed; the message says what to do."""


def compile_numba(
    system: System, results: Sequence[str], keys: Sequence[str], workspace: bool = False
) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """``f(**arrays) -> (the first result, the others by their keys)``, compiled by Numba at the
    first call, for each precision.

    Takes arrays as :func:`c_library.compile_c` does, and raises as that does, NoNumbaError where
    Numba is not installed.
    """
    what = loops(system, results)
    kernel = _kernel(what)
    try:
        import numba  # noqa: F401  # whether it is there
    except ImportError:
        raise NoNumbaError("target 'numba' needs Numba, which is not installed: "
                           "pip install 'gradproof[numba]', or take the target 'numpy' or 'c'"
                           ) from None
    return bound(kernel, compile_numba, system, results, keys, workspace)


def _kernel(what: Loops) -> Kernel:
    source = numba_of(what)
    joined = what if what.products else with_products(what)
    writing = source.writing

    stand = places(writing.items, writing.inner, writing.shapes, what.products)

    @cache
    def made(real: np.dtype[Any]) -> Compiled:
        function = _compiled(_text(source, real, stand))
        call = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
        return Compiled(call(function.address), (), function)

    is_joined = bool(joined.products) and not what.products and has_blas()
    return Kernel(
        "numba", writing.system, writing.items, writing.sizes,
        tuple(array.name for array in writing.system.inputs), writing.results,
        tuple(writing.inner), writing.shapes,
        tuple(stand), made,
        cache(lambda: _kernel(joined)) if is_joined else None,
        tuple(one.work for one in joined.products.values()))


def _compiled(text: str) -> Any:
    """A function of two tables, which Numba compiles or has kept: of pointers to the arrays, and of
    sizes."""
    from numba import cfunc, types

    key = hashlib.sha256(text.encode()).hexdigest()
    kept = folder("numba") / f"{key}.py"
    kept.with_name("__pycache__").mkdir(mode=0o700, exist_ok=True)  # nobody else's to write to
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            made = Path(scratch, kept.name)
            made.write_text(text, encoding="utf-8")
            os.replace(made, kept)  # whole or not at all, however many do it at once
    # what Numba links has the names of modules: two of one name would be taken for each other
    module = sys.modules[f"gradproof_{key}"] = ModuleType(f"gradproof_{key}")
    exec(compile(text, str(kept), "exec"), vars(module))  # names and numbers of its own alone
    pointers = types.CPointer(types.voidptr), types.CPointer(types.int64)
    function: Any
    try:
        function = cfunc(types.void(*pointers), error_model="numpy", cache=True)(module.table)
    except (OSError, EOFError, UnpicklingError):  # what is kept is not whole
        function = cfunc(types.void(*pointers), error_model="numpy")(module.table)
    return function


def _text(source: NumbaSource, real: np.dtype[Any], stand: Sequence[Place]) -> str:
    """A module with a function for each step; those that differ in names alone have one.

    Arrays of one shape in one place have one name: what is written where it is read is seen to be
    written entry by entry, and computed for several entries at once.
    """
    writing = source.writing
    same: dict[str, str] = {}
    for place in stand:
        first: dict[tuple[Any, ...], str] = {}
        for name in place.names:
            same[writing.names[name]] = first.setdefault(
                writing.shapes[name], writing.names[name])
    lines = [f"{writing.names[size]} = sizes_[{k}]" for k, size in enumerate(writing.sizes)]
    inputs = writing.system.inputs
    arrays = [*(array.name for array in inputs), *writing.results, *writing.inner]
    for k, array in enumerate(arrays):
        kind = "int64" if array in writing.integers and k < len(inputs) else real.name
        lines.append(_array(source, array, f"places_[{k}]", f"np.{kind}"))
    given = {writing.names[thing] for thing in (*writing.sizes, *arrays)}
    functions: dict[tuple[str, ...], str] = {}
    for step in source.steps:
        renamed, names = _anew(step, {**{name: name for name in writing.names.values()}, **same})
        taken = [k for k, name in enumerate(names) if name in given]
        head = f"({', '.join(f'x{k}_' for k in taken)}):"
        name = functions.setdefault((head, *renamed), f"step{len(functions)}_")
        lines.append(f"{name}({', '.join(names[k] for k in taken)})")
    steps = ["\n    ".join([f"{JIT}\ndef {name}{head}", *step])
             for (head, *step), name in functions.items()]
    helpers = brought(source.called, real == np.float32)
    table = "\n    ".join(["def table(places_, sizes_):", *lines])
    return "\n\n\n".join([
        "import math\n\nimport numpy as np\nfrom numba import carray as carray_\n"
        "from numba import njit", *helpers, *steps, table]) + "\n"


def _anew(lines: Sequence[str], names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Statements without comments, with names by the order in which they occur; and these names,
    as `names` has them."""
    found: dict[str, str] = {}

    def other(one: re.Match[str]) -> str:
        name = names.get(one[0])
        return one[0] if name is None else found.setdefault(name, f"x{len(found)}_")

    said = [re.sub(r"(?<![\w.])[^\W\d]\w*", other, line) for line in lines
            if not line.lstrip().startswith("#")]
    return said, [*found]


def _array(source: NumbaSource, array: str, place: str, kind: str) -> str:
    name, shape = source.writing.names[array], shape_text(source.writing, array)
    if shape == "()":
        return f"{name} = carray_({place}, (1,), {kind}).reshape(())"
    return f"{name} = carray_({place}, {shape}, {kind})"
