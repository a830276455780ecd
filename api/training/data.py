"""Tables of samples: CSV files, NumPy's .npz files, and the sets that have a name (:mod:`sets`)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradproof.symbolic import escaping

from .folders import folder
from .npz import MOST, arrays_of
from .samples import Data, DataError
from .sets import SETS


def load(source: str, *, targets: Sequence[str] = (), seed: int = 0) -> Data:
    """The data of a name in `SETS`, of a .csv file with a header, of an .npz file, or of a folder
    with X.npy and Y.npy, whose X stays on disk.

    targets: the columns of a CSV file that are predicted; the last if there are none.  One whose
        cells are no numbers holds the names of classes.

    Raises DataError, which names the file and the place.
    """
    if source in SETS:
        if targets:
            raise DataError(f"data: {source} has no columns with names; leave the target out")
        return SETS[source](seed)
    path = Path(source)
    if path.is_dir():
        if targets:
            raise DataError(f"{escaping.path(source)}: a folder has no columns with names; its "
                            "targets are the array Y")
        return folder(path)
    readers = {".csv": _csv, ".npz": _npz}
    if path.suffix.lower() not in readers:
        raise DataError(f"data: expected one of {', '.join(SETS)}, or a file ending in .csv or "
                        f".npz, or a folder with X.npy and Y.npy; got {source!r}")
    if not path.is_file():
        raise DataError(f"{escaping.path(source)}: there is no such file; expected a .csv or .npz "
                        "file of samples")
    if path.stat().st_size > MOST:
        raise DataError(f"{escaping.path(source)}: larger than {MOST} bytes; give a part of it")
    found = readers[path.suffix.lower()](path, targets)
    if len(found) < 2:
        raise DataError(f"{escaping.path(source)}: expected two samples or more, got {len(found)}")
    return found


# --- files ----------------------------------------------------------------------------------------


def _csv(path: Path, targets: Sequence[str]) -> Data:
    shown = escaping.path(str(path))
    columns = _columns(path, shown)
    wanted = list(dict.fromkeys(targets)) or list(columns)[-1:]
    for name in wanted:
        if name not in columns:
            raise DataError(f"{shown}: there is no column {name!r}; there are {', '.join(columns)}")
    features = [name for name in columns if name not in wanted]
    if not features:
        other = next((mark for mark in ";\t|" if mark in wanted[0]), None)
        hint = f"; columns are parted by commas here, not by {other!r}" if other else ""
        raise DataError(f"{shown}: every column is a target; expected one or more of what they are "
                        f"predicted from{hint}")
    X = np.stack([_numbers(shown, name, columns[name]) for name in features], axis=1)
    cells = columns[wanted[0]]
    if len(wanted) == 1 and not any(map(_is_number, cells)):
        if "" in cells:
            raise DataError(f"{shown}: sample {cells.index('') + 1}, column {wanted[0]!r}: expected"
                            " the name of a class, got an empty cell")
        classes = tuple(sorted(set(cells)))
        return Data(path.stem, X, np.array([classes.index(cell) for cell in cells]), classes,
                    columns=dict(zip(features, X.T, strict=True)))
    Y = np.stack([_numbers(shown, name, columns[name]) for name in wanted], axis=1)
    named = dict(zip([*features, *wanted], [*X.T, *Y.T], strict=True))
    return Data(path.stem, X, Y, columns=named)


def _columns(path: Path, shown: str) -> dict[str, list[str]]:
    """The cells below each name of the first line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{shown}: expected a table of comma-separated values in UTF-8: {error}"
                        ) from None
    if len(rows) < 2:
        raise DataError(f"{shown}: expected a line of column names and lines of samples below it")
    header, *body = ([cell.strip() for cell in row] for row in rows)
    if len(set(header)) < len(header):
        raise DataError(f"{shown}: expected columns of different names, got {', '.join(header)}")
    if all(map(_is_number, header)):
        raise DataError(f"{shown}: expected the names of the columns in the first line, got the "
                        f"numbers {', '.join(header)}; put a line of names above them")
    for place, row in enumerate(body, 1):
        if len(row) != len(header):
            raise DataError(f"{shown}: sample {place}: expected {len(header)} cells, as in the "
                            f"first line, got {len(row)}")
    return {name: [row[place] for row in body] for place, name in enumerate(header)}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # which Python takes, and nobody means


def _numbers(shown: str, name: str, cells: Sequence[str]) -> NDArray[np.float64]:
    found = np.empty(len(cells))
    for place, cell in enumerate(cells):
        if not _is_number(cell) or not np.isfinite(float(cell)):
            raise DataError(f"{shown}: sample {place + 1}, column {name!r}: expected a number, got "
                            f"{cell!r}; leave the column out, or fill it")
        found[place] = float(cell)
    return found


def _npz(path: Path, targets: Sequence[str]) -> Data:
    shown = escaping.path(str(path))
    if targets:
        raise DataError(f"{shown}: an .npz file has no columns with names; its targets are the "
                        "array Y")
    try:
        arrays = arrays_of(path)
    except (ValueError, OSError) as error:
        raise DataError(f"{shown}: expected an .npz file of arrays of numbers: {error}") from None
    if set(arrays) != {"X", "Y"}:
        raise DataError(f"{shown}: expected the arrays X and Y, with a sample along the first axis "
                        f"of each; got {', '.join(sorted(arrays)) or 'none'}")
    X, Y = arrays["X"], arrays["Y"]
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf" or array.ndim == 0:
            raise DataError(f"{shown}: {name}: expected an array of numbers with a sample along its"
                            f" first axis, got one of type {array.dtype}, shape {array.shape}")
        with np.errstate(over="ignore"):
            arrays[name] = array.astype(np.float64)
        if not np.isfinite(arrays[name]).all():
            raise DataError(f"{shown}: {name}: expected numbers that a float holds; some are not")
    if len(X) != len(Y):
        raise DataError(f"{shown}: X has {len(X)} samples and Y {len(Y)}")
    return Data(path.stem, arrays["X"], arrays["Y"])
