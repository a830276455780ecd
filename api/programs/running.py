"""A program run, as ``python FILE`` would run it, with a look at its loops; modules beside it are
imported with a look into theirs, too."""

from __future__ import annotations

import ast
import builtins
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import Any

from gradproof.checks.hand_files import HandError, on_path
from gradproof.limits.deadline import TimeLimitError, bounded
from gradproof.programs.options import Options
from gradproof.programs.texts import ProgramText
from gradproof.programs.watching import CALL, Accept, Enough, Watcher
from gradproof.symbolic.places import said_place


def run_watched(
    text: ProgramText, names: dict[str, Any], options: Options, seconds: float = 60.0,
    accept: Accept = lambda _: True,
) -> Watcher:
    """Runs a program, as ``__main__``, until it has been seen to train, or to its end.

    names: its variables, which it fills.  seconds: how long it may run.  accept: whether two passes
    that were seen are those that train.  Raises HandError with the line at which the program fails
    before anything was seen.
    """
    watcher = Watcher(text.file, options.line, accept)
    further = options.call
    text.shown()
    error: BaseException | None = None

    def run() -> None:
        tree = watcher.watch(text.tree, text.file, names, _parsed(text.before))
        with watched_imports(Path(text.file).resolve().parent, watcher.watch):
            exec(compile(tree, text.file, "exec", dont_inherit=True), names)
            if further:
                called = ProgramText(CALL, further)
                called.shown()
                tree = watcher.watch(called.tree, CALL, names, text.tree.body)
                exec(compile(tree, CALL, "exec", dont_inherit=True), names)

    try:
        bounded(seconds, run)
    except Enough:
        pass
    except HandError:
        raise
    except (Exception, SystemExit) as raised:
        error = raised
    watcher.gives_back()
    if error is not None and not watcher.passes:
        raise HandError(_failed(text.file, error)) from error
    return watcher


def main_module(file: str) -> dict[str, Any]:
    """The names of a module that is ``__main__``, as for ``python FILE``."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # windows would wait for somebody
    on_path(Path(file).resolve().parent)
    module = ModuleType("__main__")
    module.__file__ = file
    module.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.argv[:] = [file]
    return vars(module)


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError:  # a cell that was none
        return []


def _failed(file: str, error: BaseException) -> str:
    if isinstance(error, TimeLimitError):
        return (f"{file}: was not seen to train within {error.seconds:.3g} s "
                "(--time-limit says how long it may take)")
    number, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            number = step.tb_lineno
        step = step.tb_next
    return f"{said_place(file, number)}: {type(error).__name__} while the file was run: {error}"


# --- modules beside it ----------------------------------------------------------------------------

Watch = Callable[[ast.Module, str, dict[str, Any]], ast.Module]
"""Told of a file's tree, its name and the names of its module; gives the tree to be run."""


class _Loader(SourceFileLoader):
    """Loads a module of a folder as it is told to watch it."""

    watch: Watch

    def exec_module(self, module: ModuleType) -> None:
        source = decode_source(self.get_data(self.path))
        tree = self.watch(ast.parse(source, self.path), self.path, vars(module))
        exec(compile(tree, self.path, "exec", dont_inherit=True), vars(module))


class _Finder(MetaPathFinder):
    """Finds modules in a folder, and below it."""

    def __init__(self, folder: Path, watch: Watch) -> None:
        self._folder, self._watch = folder, watch

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or not spec.origin or type(spec.loader) is not SourceFileLoader:
            return None
        file = Path(spec.origin)
        if self._folder not in file.parents or "site-packages" in file.parts:
            return None
        loader = _Loader(fullname, spec.origin)
        loader.watch = self._watch
        spec.loader = loader
        return spec


@contextmanager
def watched_imports(folder: Path, watch: Watch) -> Iterator[None]:
    """While this lasts, modules of the folder are imported as `watch` says."""
    finder = _Finder(folder, watch)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
