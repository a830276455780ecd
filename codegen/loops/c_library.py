"""C functions compiled for this machine, and kept by what they are made of."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...symbolic.equation import System
from .blas import gemm, has_blas
from .bound import Compiled, Kernel, bound
from .c_source import vectors_of
from .memory import places
from .products import with_products
from .writing import Loops, loops

OPTIONS = ("-O3", "-fPIC", "-shared", "-fno-math-errno")

VECTORS = ("-DVECTORS", "-fopenmp-simd", "-fno-trapping-math", "-ffp-contract=off",
           "-march=native", "-Wl,-z,defs")
"""For functions of several numbers at once, where the C library has all of them; else the link
fails.  Roundings stay those of single operations."""


@cache
def machine() -> str:
    """What this machine's processor has: a kept library may be read by another one."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    named = ("vendor_id", "cpu family", "model", "flags", "Features")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(named)))


class NoCompilerError(RuntimeError):
    """There is no C compiler, or it failed; the message says what to do."""


def compiler() -> tuple[str, ...]:
    """The C compiler, with the options that $CC may have: $CC, else cc, gcc or clang.

    Raises NoCompilerError where there is none.
    """
    named = os.environ.get("CC")
    choices = [(named,), tuple(named.split())] if named else [("cc",), ("gcc",), ("clang",)]
    for name, *options in filter(None, choices):
        found = shutil.which(name)
        if found:
            return (found, *options)
    raise NoCompilerError(
        "target 'c' needs a C compiler, and found none"
        + (f" called {named!r} (the environment's CC)" if named else " (cc, gcc, clang)")
        + "; install one, say where it is by CC, or take the target 'numpy'")


def folder(language: str = "c") -> Path:
    """Where what is compiled is kept: the user's state folder, which no restored cache writes to,
    where nobody else may write; else a new one."""
    try:
        named = os.environ.get("XDG_STATE_HOME", "")  # no use where it is relative
        home = Path(named) if os.path.isabs(named) else Path.home() / ".local" / "state"
        base = home / "gradproof" / language
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = base.lstat()
        own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if stat.S_ISDIR(found.st_mode) and own and not found.st_mode & 0o022 and os.access(
                base, os.W_OK | os.X_OK):
            return base
    except (OSError, RuntimeError):
        pass
    return _folder_of_this_process(language)


@cache
def _folder_of_this_process(language: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"gradproof-{language}-"))


def built(text: str, real: str) -> ctypes.PyDLL:
    """A C text compiled with `real` as its floating-point type, or the library that was."""
    made_by = compiler()
    key = hashlib.sha256("\0".join(
        [text, real, *made_by, *OPTIONS, *VECTORS, machine()]).encode()).hexdigest()
    kept = folder() / f"{key}.so"
    try:
        return ctypes.PyDLL(str(kept))
    except OSError:  # there is none, or none that this machine can load
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            source, made = Path(scratch, "gradient.c"), Path(scratch, "gradient.so")
            source.write_text(text, encoding="utf-8")
            for options in ((*OPTIONS, *VECTORS), OPTIONS):
                done = subprocess.run(
                    [*made_by, *options, f"-Dreal={real}", str(source), "-o", str(made), "-lm"],
                    capture_output=True, text=True, errors="replace", check=False)
                if not done.returncode and made.exists():
                    break
            else:
                said = done.stderr.strip()[:500] or f"exit code {done.returncode}, no library"
                raise NoCompilerError(f"{' '.join(made_by)} failed: {said}") from None
            os.replace(made, kept)  # whole or not at all, however many do it at once
    return ctypes.PyDLL(str(kept))


def compile_c(
    system: System, results: Sequence[str], keys: Sequence[str], workspace: bool = False
) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """``f(**arrays) -> (the first result, the others by their keys)`` in C.

    Arrays are taken as by :func:`compile.compile_system`; those of one precision, row after row,
    are read where they are, others are copied.  Raises EquationError for what has no C,
    NoCompilerError, and at a call ValueError for a size of 0.
    """
    what = loops(system, results)
    compiler()
    return bound(_kernel(what), compile_c, system, results, keys, workspace)


def _kernel(what: Loops) -> Kernel:
    source = vectors_of(what)
    joined = what if what.products else with_products(what)
    sizes = [f"n[{k}]" for k in range(len(source.sizes))]
    count = len(source.inputs) + len(source.results) + len(source.inner) + bool(
        what.products)
    arguments = ", ".join([*sizes, *(f"p[{k}]" for k in range(count))])
    text = (f"{source.text}\nvoid {source.name}_table(void **p, const long *n)\n"
            f"{{\n    (void)n;\n    {source.name}({arguments});\n}}\n")

    def made(real: np.dtype[Any]) -> Compiled:
        kept = built(text, "float" if real == np.float32 else "double")
        function = getattr(kept, f"{source.name}_table")
        function.restype, function.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p]
        return Compiled(function, (gemm(real),) if what.products else (), kept)

    is_joined = bool(joined.products) and not what.products and has_blas()
    return Kernel(
        "c", source.system, source.items, source.sizes, source.inputs, source.results,
        source.inner, source.shapes,
        tuple(places(source.items, source.inner, source.shapes, what.products)), made,
        cache(lambda: _kernel(joined)) if is_joined else None,
        tuple(one.work for one in joined.products.values()))
