"""Loops compiled by Numba in this process, and called with arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ...symbolic.equation import System
from .blas import has_blas
from .bound import Compiled, Kernel, bound
from .memory import places
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

    @cache
    def made(real: np.dtype[Any]) -> Compiled:
        function = _compiled(source, real)
        call = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
        return Compiled(call(function.address), (), function)

    is_joined = bool(joined.products) and not what.products and has_blas()
    return Kernel(
        "numba", writing.system, writing.items, writing.sizes,
        tuple(array.name for array in writing.system.inputs), writing.results,
        tuple(writing.inner), writing.shapes,
        tuple(places(writing.items, writing.inner, writing.shapes, what.products)), made,
        cache(lambda: _kernel(joined)) if is_joined else None,
        tuple(one.work for one in joined.products.values()))


def _compiled(source: NumbaSource, real: np.dtype[Any]) -> Any:
    """A function of two tables for Numba: of pointers to the arrays, and of sizes."""
    import math

    from numba import carray, cfunc, njit, types

    writing = source.writing
    lines = [f"{writing.names[size]} = sizes_[{k}]" for k, size in enumerate(writing.sizes)]
    inputs = writing.system.inputs
    arrays = [*(array.name for array in inputs), *writing.results, *writing.inner]
    for k, array in enumerate(arrays):
        kind = "int_" if array in writing.integers and k < len(inputs) else "real_"
        lines.append(_array(source, array, f"places_[{k}]", kind))
    text = "\n\n\n".join([*source.helpers, "\n".join(
        ["def table(places_, sizes_):", *(f"    {line}" for line in (*lines, *source.body))])])
    space: dict[str, Any] = {"np": np, "math": math, "njit": njit, "carray_": carray,
                             "real_": real.type, "int_": np.int64}
    exec(text, space)  # names and numbers of its own alone
    pointers = types.CPointer(types.voidptr), types.CPointer(types.int64)
    return cfunc(types.void(*pointers), error_model="numpy")(space["table"])


def _array(source: NumbaSource, array: str, place: str, kind: str) -> str:
    name, shape = source.writing.names[array], shape_text(source.writing, array)
    if shape == "()":
        return f"{name} = carray_({place}, (1,), {kind}).reshape(())"
    return f"{name} = carray_({place}, {shape}, {kind})"
