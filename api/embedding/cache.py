"""What was rendered before, in the user's cache folder, by the hash of all that it depends on.

JSON of strings: nothing in it is executed.  A file is believed when it is a regular file of this
user in folders of this user, and carries a code made with a secret that only this user reads and
that no cache folder holds: who can write into a cache (another job, a restored archive) cannot
forge it.  Any other is as good as none; a folder that cannot be written is no error.  Verdicts on
hand-written code are not kept at all: they depend on whatever that code reads.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import platform
import secrets
import stat
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from gradproof.reports.replacing import replace_bytes

ROOMS = ("gradproof", "gradproof.symbolic", "gradproof.codegen", "gradproof.numeric",
         "gradproof.reports")
DEPENDENCIES = ("gradproof", "sympy", "mpmath", "numpy", "jinja2", "lark")
KEPT = 200
"""Cache files that are kept, the latest."""
MOST = 20_000_000
"""Bytes of a cache file that is read."""


def cache_folder() -> Path:
    """The platform's folder for what can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = _absolute("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "gradproof" / "embed"


def _absolute(variable: str) -> str:
    """What the environment names; nothing where that is relative to wherever one happens to be,
    which the XDG base directory specification has ignored."""
    named = os.environ.get(variable, "")
    return named if os.path.isabs(named) else ""


def _secret_file() -> Path:
    """Where the secret is: among the user's state, which is not taken along with a cache."""
    if sys.platform == "win32":
        return cache_folder().parent / "state" / "cache-secret"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "gradproof" / "cache-secret"
    base = _absolute("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "gradproof" / "cache-secret"


def secret() -> bytes:
    """The user's secret, made at the first call; b"" where none can be kept."""
    file = _secret_file()
    with suppress(OSError, RuntimeError):
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = file.parent / f"{file.name}.{os.getpid()}"
            handle = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(secrets.token_bytes(32))
                with suppress(FileExistsError):  # the first of several runs says it
                    os.link(made, file)
            finally:
                made.unlink()
        found = _own(file, 32)
        return found if len(found) == 32 else b""
    return b""


def _own(file: Path, most: int) -> bytes:
    """The bytes of a regular file of this user, at most one more than `most`.

    OSError for any other, and for a link.
    """
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
                     | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as opened:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or not _is_own(os.fstat(handle)):
            raise PermissionError(f"{file} is no file of this user")
        return opened.read(most + 1)


def _is_own(found: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid()


def _is_safe(folder: Path) -> bool:
    """Whether the folder, and the one above it, are folders of this user, and no links."""
    return all(stat.S_ISDIR(found.st_mode) and _is_own(found)
               for found in (folder.lstat(), folder.parent.lstat()))


@cache
def program() -> str:
    """A hash of this program and of what it computes with; a changed line changes it."""
    versions = " ".join([*(version(name) for name in DEPENDENCIES), sys.version, sys.platform,
                         platform.machine()])
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
            if not _is_safe(self.path.parent):
                return {}
            data = _own(self.path, MOST)
            found = json.loads(data) if len(data) <= MOST else {}
            entries = found["entries"]
            right = found["key"] == self.key and hmac.compare_digest(
                str(found["code"]), self._code(entries))
            plain = all(isinstance(text, str) for texts in entries.values() for text in texts)
            pairs = all(isinstance(texts, list) and len(texts) == 2 for texts in entries.values())
            return dict(entries) if right and plain and pairs else {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def _code(self, entries: dict[str, list[str]]) -> str:
        """What only this user can say of the entries.  ValueError where there is no secret."""
        known = secret()
        if not known:
            raise ValueError("no secret is kept")
        text = json.dumps([self.key, entries], sort_keys=True).encode()
        return hmac.new(known, text, hashlib.sha256).hexdigest()

    def get(self, what: str) -> list[str] | None:
        return self.entries.get(what)

    def put(self, what: str, texts: list[str]) -> None:
        self.entries[what] = texts
        self.changed = True

    def save(self) -> None:
        """Writes what was added; a folder that cannot be written is let be."""
        if self.path is None or not self.changed:
            return
        with suppress(OSError, ValueError):
            for folder in (self.path.parent.parent, self.path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_safe(self.path.parent):
                return
            data = {"key": self.key, "code": self._code(self.entries), "entries": self.entries}
            replace_bytes(self.path, json.dumps(data).encode(), follow=False)
            self.path.chmod(0o600)
            self.changed = False
            files = sorted(self.path.parent.glob("*.json"), key=lambda file: file.lstat().st_mtime)
            for file in files[:-KEPT]:
                file.unlink()
