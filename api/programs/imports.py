"""Modules beside a program, which are imported with a look into their loops, too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import Any

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
