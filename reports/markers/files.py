"""Files replaced whole: a reader, or a run that is killed, leaves the old one or the new one."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from .marker import digest

_SIGNED = re.compile(r"<!-- gradproof ([0-9a-f]{8}) -->\n?\Z")


def replace_bytes(path: Path, data: bytes) -> None:
    """Writes beside `path` and renames; the mode is kept, a symbolic link is followed.

    The temporary file is removed when writing fails.
    """
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else 0o644)
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def signed(svg: str) -> str:
    """A drawing with the checksum that says it was generated."""
    return f"{svg.rstrip()}\n<!-- gradproof {digest(svg.rstrip())} -->\n"


def is_generated(svg: str) -> bool:
    """Whether a drawing carries its own checksum, so that replacing it loses nobody's work."""
    found = _SIGNED.search(svg)
    return found is not None and digest(svg[: found.start()].rstrip()) == found[1]
