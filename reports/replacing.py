"""Files replaced whole: a reader, or a run that is killed, leaves the old one or the new one."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_bytes(path: Path, data: bytes) -> None:
    """Writes beside `path` and renames; the mode is kept, a symbolic link is followed.

    The temporary file is removed when writing fails.  Raises OSError.
    """
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else _new_mode())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _new_mode() -> int:
    """The mode of a new file; there is no way to ask for the umask without setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
