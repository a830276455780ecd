"""What NumPy has and a trace has not, computed from NumPy's own lists of names.

    python -m gradproof.symbolic.tracing.functions.coverage docs/tracing.md

brings the lists of that page up to date.
"""

from __future__ import annotations

import re
import sys
import textwrap
import types
from pathlib import Path

import numpy as np

from ..draws import NUMPY_FILES
from .array_functions import FUNCTIONS, REFUSED
from .matrices import REFUSED_MATRICES
from .ufuncs import ARITHMETIC, COMPARISONS, LOGICAL, ROUNDING

LEFT_OUT = frozenset({
    "array2string", "array_repr", "array_str", "asmatrix", "bmat", "busday_count", "busday_offset",
    "datetime_as_string", "datetime_data", "get_include", "getbufsize", "geterr", "geterrcall",
    "info", "is_busday", "isdtype", "nested_iters", "printoptions", "set_printoptions",
    "get_printoptions", "setbufsize", "seterr", "seterrcall", "show_config", "show_runtime",
    "test", "typename", "mintypecode", "common_type", "result_type", "promote_types", "can_cast",
    "min_scalar_type", "issubdtype", "may_share_memory", "shares_memory", "iterable", "frombuffer",
    "fromstring", "fromregex", "packbits", "unpackbits", "base_repr", "binary_repr", "isfortran",
    "format_float_positional", "format_float_scientific", "require", "from_dlpack", "einsum_path",
})
"""Functions of text, files, dates and memory, which compute no array of numbers."""


def coverage() -> dict[str, tuple[list[str], list[str]]]:
    """By part of NumPy: the names that are traced, and those that are not.

    A name with an underscore, a module, a class and a function of text or files is in neither.
    """
    found = {}
    for title, module, prefix in (("functions", np, ""), ("np.linalg", np.linalg, "linalg.")):
        traced: list[str] = []
        missing: list[str] = []
        for name in sorted(dir(module)):
            value = getattr(module, name)
            if _is_function(name, value):
                (traced if _is_traced(prefix + name, value) else missing).append(name)
        found[title] = (traced, missing)
    return found


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
    lines = []
    for title, (traced, missing) in coverage().items():
        lines += [f"### {title}: {len(traced)} traced, {len(missing)} not", "",
                  *_wrapped(f"Traced: {_listed(traced)}."), "",
                  *_wrapped(f"Not traced: {_listed(missing)}."), ""]
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_on_hyphens=False, break_long_words=False)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def brought_up_to_date(page: str) -> str:
    """The page with its lists, which end it, as they are now."""
    before, _, _ = page.partition("### functions:")
    version = ".".join(np.__version__.split(".")[:2])
    return re.sub(r"\(of NumPy [\d.]+\)", f"(of NumPy {version})", before) + table().rstrip() + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        text = brought_up_to_date(Path(name).read_text(encoding="utf-8"))
        Path(name).write_text(text, encoding="utf-8")
