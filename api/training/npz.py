"""Arrays from NumPy's .npz files, whoever wrote them: nothing in them is run, or unpacked without
end."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 2**31
"""Bytes of a file that is read, and of what it unpacks to."""


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name.

    Raises OSError, and ValueError for a file that is none, a damaged one, one with pickled objects,
    and one that unpacks to more than `MOST` bytes.
    """
    with path.open("rb") as raw:
        if not zipfile.is_zipfile(raw):
            raise ValueError("it is no .npz file, or a part of one")
        try:
            with zipfile.ZipFile(raw) as packed:  # which reads no member beyond the size it states
                size = sum(member.file_size for member in packed.infolist())
            if size > MOST:
                raise ValueError(f"it unpacks to {size} bytes; {MOST} are read at most")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                return {name: np.asarray(file[name]) for name in file.files}
        except (OSError, ValueError):
            raise
        except Exception as error:  # zipfile, zlib and NumPy's headers name no end of others
            raise ValueError(f"it is damaged: {type(error).__name__}: {error}") from None
