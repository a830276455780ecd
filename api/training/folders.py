"""Samples that stay on disk: a folder with X.npy and Y.npy, of which what is asked for is read.

The targets are read whole; X may be larger than the memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradproof.symbolic import escaping

from .samples import Data, DataError


def folder(path: Path) -> Data:
    """The samples of a folder.  Raises DataError, which names the file."""
    arrays = {name: _mapped(path / f"{name}.npy") for name in ("X", "Y")}
    X, Y = arrays["X"], arrays["Y"]
    shown = escaping.path(str(path))
    if len(X) != len(Y):
        raise DataError(f"{shown}: X has {len(X)} samples and Y {len(Y)}")
    if len(X) < 2:
        raise DataError(f"{shown}: expected two samples or more, got {len(X)}")
    targets = np.array(Y, dtype=np.float64)
    if not np.isfinite(targets).all():
        raise DataError(f"{shown}: Y: expected numbers that a float holds; some are not")
    return Data(path.name or "samples", X, targets)


def _mapped(path: Path) -> NDArray[Any]:
    shown = escaping.path(str(path))
    if not path.is_file():
        raise DataError(f"{shown}: there is no such file; a folder of samples holds X.npy and "
                        "Y.npy, with a sample along the first axis of each")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{shown}: expected an array of numbers as numpy.save writes it: {error}"
                        ) from None
    if not isinstance(array, np.memmap) or array.dtype.kind not in "biuf" or not array.ndim:
        raise DataError(f"{shown}: expected an array of numbers with a sample along its first "
                        f"axis, got one of type {array.dtype}, shape {array.shape}")
    if not array.flags.c_contiguous:
        raise DataError(f"{shown}: expected a sample's numbers beside each other, got an array in "
                        "Fortran's order; save numpy.ascontiguousarray of it")
    return array


def is_on_disk(array: NDArray[Any]) -> bool:
    """Whether an array is a view of a file, which is read as it is asked for."""
    return isinstance(array, np.memmap) and array.filename is not None


def taken(array: NDArray[Any], places: NDArray[np.int64], axis: int) -> NDArray[Any]:
    """Some places along an axis; of a file, these alone are read (:meth:`OnDisk.read`)."""
    if not is_on_disk(array):
        return np.take(array, places, axis=axis)
    return OnDisk.of(array, axis).read(places)


@dataclass(frozen=True)
class OnDisk:
    """A file's samples for another process, which opens the file itself.

    It is read row by row, not through a map of it, whose neighbouring pages would count as memory
    of the process that looks at them.

    size: of the file in bytes; offset: of its first number; shape: of the array as the network
    declares it, its samples along `axis`.
    """

    file: str
    size: int
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    axis: int

    @classmethod
    def of(cls, array: NDArray[Any], axis: int) -> OnDisk:
        """The file that an array is a view of, with the samples' axis put elsewhere."""
        assert isinstance(array, np.memmap)
        file = Path(str(array.filename)).resolve()
        return cls(str(file), array.offset + array.nbytes, array.offset, array.dtype, array.shape,
                   axis)

    def read(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """The samples at some places, as floats.

        Raises DataError where the file is not there any more, or another one, and for what is no
        finite number there.
        """
        shown = escaping.path(self.file)
        rest = [n for place, n in enumerate(self.shape) if place != self.axis]
        rows = np.empty((len(places), *rest), self.dtype)
        each = rows.nbytes // max(len(places), 1)
        raw = rows.reshape(len(places), -1).view(np.uint8)
        try:
            with open(self.file, "rb", buffering=0) as file:
                if os.fstat(file.fileno()).st_size != self.size:
                    raise DataError(f"{shown}: it is another file than when the run began")
                for row, place in zip(raw, places.tolist(), strict=True):
                    file.seek(self.offset + place * each)
                    file.readinto(row.data)
        except OSError as error:
            raise DataError(f"{shown}: {error.strerror or error}; every worker has to be able to "
                            "read it, by the same path") from None
        found = rows.astype(np.float64, copy=False)
        if not np.isfinite(found).all():
            place = int(places[~np.isfinite(found.reshape(len(found), -1)).all(axis=1)][0])
            raise DataError(f"{shown}: expected numbers that a float holds, got others in sample "
                            f"{place + 1}")
        return np.ascontiguousarray(np.moveaxis(found, 0, self.axis))
