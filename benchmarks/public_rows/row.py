"""A row: how a gradient is got out of a package, and what is known of it."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from gradproof.checks.results import CheckResult

_NUMBER = itertools.count()


@dataclass(frozen=True)
class Edit:
    """A mistake: text of one line that is put in the place of other text of a module.

    old: as it stands in the module, once or more; `nth` says which.  Every new text keeps the
    number of lines.
    """

    old: str
    new: str
    nth: int = 0


@dataclass(frozen=True)
class Row:
    """One gradient.

    check: what runs the check; it is handed the module that `module` names, with `edit` made where
        there is one.
    wrong: why a gradient that is published is not the derivative of the function beside it: texts
        of which one is in what is said.
    """

    package: str
    what: str
    module: str
    check: Callable[[Any], CheckResult]
    edit: Edit | None = None
    known: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        return self.edit is not None or bool(self.known)

    def run(self, edits: Path) -> CheckResult:
        """Runs the check; `edits` is a folder that copies with a mistake in them are put into."""
        module = importlib.import_module(self.module)
        return self.check(module if self.edit is None else edited(module, self.edit, edits))

    def is_told(self, found: CheckResult) -> bool:
        """Whether a refutation names the line that was edited, or what is known to be wrong."""
        if found.verdict != "refuted":
            return False
        if self.edit is None:
            return any(text in str(found) for text in self.known)
        line = _line(importlib.import_module(self.module), self.edit)
        lines = [found.place.line] if found.place else []
        lines += [found.repair.line] if found.repair else []
        return bool(lines) and lines[0] == line

    def told(self, found: CheckResult) -> str:
        weakest = next(check for check in found if check.verdict == "refuted")
        if self.edit is None:
            said = weakest.diagnosis or weakest.reason
            return said.splitlines()[0][:110]
        at = found.place.line if found.place else found.repair.line if found.repair else None
        true = _line(importlib.import_module(self.module), self.edit)
        return f"line {true}" + ("" if at == true else f", told as {at or 'no line'}")


def edited(module: ModuleType, edit: Edit, folder: Path) -> ModuleType:
    """A copy of the module with the mistake in it, in the package that it comes from."""
    text, start = _found(module, edit)
    text = text[:start] + edit.new + text[start + len(edit.old):]
    name = f"{module.__name__}_edited_{next(_NUMBER)}"
    path = folder / f"{name.rpartition('.')[2]}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


def _found(module: ModuleType, edit: Edit) -> tuple[str, int]:
    """The module's text and where in it the old text starts."""
    if module.__file__ is None or edit.old.count("\n") != edit.new.count("\n"):
        raise ValueError(f"{module.__name__}: expected a file, and as many lines as there were")
    text, start = Path(module.__file__).read_text(encoding="utf-8"), -1
    for _ in range(edit.nth + 1):
        start = text.find(edit.old, start + 1)
        if start < 0:
            raise ValueError(f"{module.__name__} has not {edit.nth + 1} times {edit.old!r}")
    return text, start


def _line(module: ModuleType, edit: Edit) -> int:
    text, start = _found(module, edit)
    return text.count("\n", 0, start) + 1
