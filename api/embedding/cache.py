"""What was rendered before, in the user's cache folder, by the hash of all that it depends on.

JSON of strings: nothing in it is executed.  A file that cannot be read, is for something else or
does not have its checksum is as good as none; a folder that cannot be written is no error.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from gradproof.reports.replacing import replace_bytes

ROOMS = ("gradproof", "gradproof.symbolic", "gradproof.codegen", "gradproof.numeric",
         "gradproof.reports")
KEPT = 200
"""Cache files that are kept, the latest."""


def cache_folder() -> Path:
    """The platform's folder for what can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "gradproof" / "embed"


@cache
def program() -> str:
    """A hash of this program and of what it computes with; a changed line changes it."""
    versions = f"{version('gradproof')} {version('sympy')} {sys.version_info[:2]}"
    state = hashlib.sha256(versions.encode())
    for room in ROOMS:
        spec = find_spec(room)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                state.update(file.name.encode() + b"\0" + file.read_bytes())
    return state.hexdigest()


def key_of(*parts: str | bytes) -> str:
    """A hash of the parts and of the program."""
    state = hashlib.sha256(program().encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big") + data)
    return state.hexdigest()


class Cache:
    """The strings rendered of one spec; `folder` None keeps nothing."""

    def __init__(self, folder: Path | None, key: str) -> None:
        self.key = key
        self.path = folder / f"{key[:32]}.json" if folder is not None else None
        self.entries: dict[str, list[str]] = self._read()
        self.changed = False

    def _read(self) -> dict[str, list[str]]:
        if self.path is None:
            return {}
        try:
            found = json.loads(self.path.read_bytes())
            entries = found["entries"]
            right = found["key"] == self.key and found["digest"] == _digest(entries)
            plain = all(isinstance(text, str) for texts in entries.values() for text in texts)
            return dict(entries) if right and plain else {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def get(self, what: str) -> list[str] | None:
        return self.entries.get(what)

    def put(self, what: str, texts: list[str]) -> None:
        self.entries[what] = texts
        self.changed = True

    def save(self) -> None:
        """Writes what was added; a folder that cannot be written is let be."""
        if self.path is None or not self.changed:
            return
        data = {"key": self.key, "digest": _digest(self.entries), "entries": self.entries}
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_bytes(self.path, json.dumps(data).encode())
            self.changed = False
            files = sorted(self.path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime)
            for file in files[:-KEPT]:
                file.unlink()


def _digest(entries: dict[str, list[str]]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
