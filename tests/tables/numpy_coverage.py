"""What NumPy and SciPy have and a trace has not, computed from their own lists of names.

    python tests/tables/numpy_coverage.py docs/tracing.md

brings the lists of that page up to date; the message that each missing name gives is what a trace
of a call of it fails with.
"""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.symbolic.tracing.functions.array_functions import FUNCTIONS, REFUSED
from gradproof.symbolic.tracing.functions.matrices import REFUSED_MATRICES
from gradproof.symbolic.tracing.functions.ufuncs import (
    ARITHMETIC,
    COMPARISONS,
    LOGICAL,
    REDUCTIONS,
    ROUNDING,
)
from gradproof.symbolic.tracing.outside.of_numpy import NUMPY_FILES
from gradproof.symbolic.tracing.run import TraceError, trace
from gradproof.symbolic.tracing.tracer import Tracer

LEFT_OUT = frozenset({
    "array2string", "array_repr", "array_str", "asmatrix", "bmat", "busday_count", "busday_offset",
    "datetime_as_string", "datetime_data", "get_include", "getbufsize", "geterr", "geterrcall",
    "info", "is_busday", "isdtype", "nested_iters", "printoptions", "set_printoptions",
    "get_printoptions", "setbufsize", "seterr", "seterrcall", "show_config", "show_runtime",
    "test", "typename", "mintypecode", "common_type", "result_type", "promote_types", "can_cast",
    "min_scalar_type", "issubdtype", "may_share_memory", "shares_memory", "iterable", "frombuffer",
    "fromstring", "fromregex", "packbits", "unpackbits", "base_repr", "binary_repr", "isfortran",
    "format_float_positional", "format_float_scientific", "require", "from_dlpack", "einsum_path",
    "savez_compressed",
})
"""Functions of text, files, dates and memory, which compute no array of numbers."""
MEMORY = frozenset({
    "base", "byteswap", "ctypes", "data", "device", "dump", "dumps", "flags", "getfield", "itemset",
    "newbyteorder", "setfield", "setflags", "strides", "to_device", "tobytes", "tofile", "tostring",
    "nbytes", "itemsize",
})
"""Attributes of arrays that tell of their memory."""
METHODS = ("reduce", "accumulate", "outer", "at", "reduceat")
"""Methods of ufuncs."""
Lists = tuple[list[str], list[str]]


def coverage() -> dict[str, Lists]:
    """By part of NumPy: the names that are traced, and those that are not.

    A name with an underscore, a module, a class and a function of text or files is in neither.
    """
    found = {title: _sorted(_names(module), prefix) for title, module, prefix in (
        ("functions", np, ""), ("np.linalg", np.linalg, "linalg."))}
    found["methods and attributes of arrays"] = (
        [name for name in _of_arrays() if hasattr(Tracer, name)],
        [name for name in _of_arrays() if not hasattr(Tracer, name)])
    found["methods of ufuncs"] = (
        [f"{name}.reduce" for name in sorted(REDUCTIONS)] + ["add.accumulate", "add.at",
                                                            "subtract.at", "every other's outer",
                                                            "accumulate of what is traced"],
        ["reduceat", "at of other ufuncs"])
    return found


def coverage_of_scipy(module: Any) -> Lists:
    """The same of scipy.special, which is handed over, as SciPy need not be there."""
    traced: list[str] = []
    missing: list[str] = []
    for name in sorted(set(module.__all__)):
        value = getattr(module, name)
        if callable(value) and not isinstance(value, type):
            own = value.__name__ if isinstance(value, np.ufunc) else name
            has = own in ARITHMETIC or {f"scipy.special.{own}", own} & FUNCTIONS.keys()
            (traced if has else missing).append(name)
    return traced, missing


def _of_arrays() -> list[str]:
    return [name for name in dir(np.ndarray) if not name.startswith("_") and name not in MEMORY]


def _names(module: Any) -> Iterator[tuple[str, object]]:
    for name in sorted(dir(module)):
        value = getattr(module, name)
        if _is_function(name, value):
            yield name, value


def _sorted(names: Iterator[tuple[str, object]], prefix: str) -> Lists:
    traced: list[str] = []
    missing: list[str] = []
    for name, value in names:
        (traced if _is_traced(prefix + name, value) else missing).append(name)
    return traced, missing


def _is_function(name: str, value: object) -> bool:
    return callable(value) and not isinstance(value, (type, types.ModuleType)) and not (
        name.startswith("_") or name in LEFT_OUT or name in NUMPY_FILES)


def _is_traced(name: str, value: object) -> bool:
    if isinstance(value, np.ufunc):
        own = value.__name__
        return own in ARITHMETIC or own in COMPARISONS or own in LOGICAL or own in ROUNDING or (
            own in FUNCTIONS)
    return name in FUNCTIONS and name not in {**REFUSED, **REFUSED_MATRICES}


def table() -> str:
    """The coverage as a section of Markdown."""
    lines = [line for title, lists in coverage().items() for line in _section(title, lists)]
    lines += ["### Why not", "", "| call | what a trace says |", "|---|---|"]
    for name in sorted({**REFUSED, **REFUSED_MATRICES}):
        plain = np.linalg if name.startswith("linalg.") else np
        own = getattr(plain, name.removeprefix("linalg."), None)
        if own is not None:
            lines.append(f"| `np.{name}` | {message(own)} |")
    return "\n".join(lines)


def _section(title: str, lists: Lists) -> list[str]:
    traced, missing = lists
    return [f"### {title}: {len(traced)} traced, {len(missing)} not", "",
            *_wrapped(f"Traced: {_listed(traced)}."), "",
            *_wrapped(f"Not traced: {_listed(missing)}."), ""]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_on_hyphens=False, break_long_words=False)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


SCIPY_PART = "## SciPy's functions"


def brought_up_to_date(page: str, special: Any = None) -> str:
    """The page with its lists as they are now; that of scipy.special where it is handed over."""
    before, _, rest = page.partition("### functions:")
    _, _, scipy = rest.partition(SCIPY_PART)
    version = ".".join(np.__version__.split(".")[:2])
    made = re.sub(r"\(of NumPy [\d.]+\)", f"(of NumPy {version})", before) + table().rstrip() + "\n"
    if special is not None:
        head, _, _ = scipy.partition("### scipy.special")
        traced, missing = coverage_of_scipy(special)
        scipy = head + "\n".join((
            f"### scipy.special: {len(traced)} traced, {len(missing)} not", "",
            *_wrapped(f"Traced: {_listed(traced)}.")))
    return f"{made}\n{SCIPY_PART}{scipy.rstrip()}\n" if scipy else made


def message(call: Callable[..., Any], shape: str = "n n") -> str:
    """What a trace of a call fails with, without the line; empty where it is traced."""
    try:
        trace(call, {"x": shape})
    except TraceError as error:
        return str(error).partition("\n")[0].split(": ", 1)[-1]
    return ""


if __name__ == "__main__":
    try:
        special = importlib.import_module("scipy.special")
    except ImportError:
        special = None  # type: ignore[assignment]
    for name in sys.argv[1:]:
        text = brought_up_to_date(Path(name).read_text(encoding="utf-8"), special)
        Path(name).write_text(text, encoding="utf-8")
