"""A run on disk: one .npz file, replaced whole, with all that the next step depends on."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradproof.reports.replacing import replace_bytes
from gradproof.symbolic import escaping

from .npz import arrays_of


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from: the file, and why."""


VERSION = 1


@dataclass(frozen=True)
class Standing:
    """Where a run stands between two epochs.

    run: of all that decides its numbers; w: the parameters as one vector, of which `parameters`
    are the parts, for whoever reads the file; state: of the optimiser; taken: steps so far;
    generator: of the random numbers; history: what each epoch gave, as plain data.
    """

    run: str
    w: NDArray[np.float64]
    state: Mapping[str, NDArray[np.float64]]
    taken: int
    generator: Mapping[str, Any]
    history: list[dict[str, Any]]
    parameters: Mapping[str, NDArray[np.float64]]


def save(standing: Standing, path: Path) -> None:
    """Writes where a run stands.  Raises OSError."""
    known = {"version": VERSION, "run": standing.run, "taken": standing.taken,
             "generator": standing.generator, "history": standing.history}
    arrays = {f"state_{name}": array for name, array in standing.state.items()}
    arrays |= {f"parameter_{name}": array for name, array in standing.parameters.items()}
    buffer = io.BytesIO()
    np.savez(buffer, known=np.array(json.dumps(known)), w=standing.w, **arrays)  # type: ignore[arg-type]
    replace_bytes(path, buffer.getvalue())


def expect_free(path: Path, *, force: bool = False) -> None:
    """That a run which begins may write its checkpoint there, and takes nothing of anybody's.

    Raises CheckpointError for a folder that cannot be written to, and for a file that is there;
    with `force` one that is no checkpoint.
    """
    shown, folder = escaping.path(str(path)), path.resolve().parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise CheckpointError(f"{shown}: a checkpoint needs a folder that is there and can be "
                              "written to")
    if path.is_dir():
        raise CheckpointError(f"{shown}: expected a file for the checkpoint, got a folder")
    if path.exists() and not (force and _is_checkpoint(path)):
        raise CheckpointError(f"{shown}: there is such a file; " + (
            "resume goes on from it, force replaces it, another name leaves it alone"
            if _is_checkpoint(path) else "it is no checkpoint; take another name"))


def _is_checkpoint(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return {"known.npy", "w.npy"} <= set(file.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def restored(path: Path, like: Standing) -> Standing:
    """Where the run stood that wrote the file.

    like: the run that goes on from it, before its first step.

    Raises CheckpointError for a file that is no checkpoint, or one of another run.
    """
    shown = escaping.path(str(path))
    try:
        arrays = arrays_of(path)
        known = json.loads(str(arrays["known"]))
        version = known["version"]
    except FileNotFoundError:
        raise CheckpointError(f"{shown}: there is no such checkpoint; leave out resume to begin one"
                              ) from None
    except (ValueError, LookupError, TypeError, OSError, RecursionError) as error:
        raise CheckpointError(f"{shown}: no checkpoint that can be read: {error}") from None
    if version != VERSION:
        raise CheckpointError(f"{shown}: a checkpoint of another version ({version!r:.40}; this one"
                              f" writes {VERSION})")
    if known.get("run") != like.run:
        raise CheckpointError(f"{shown}: a checkpoint of another run: the network, the data or the "
                              "settings are others; only the number of epochs may change, where "
                              "the learning rate is constant")
    try:
        standing = Standing(
            known["run"], arrays["w"], _begun(arrays, "state_"), known["taken"],
            known["generator"], known["history"], _begun(arrays, "parameter_"))
        if _looks(standing) != _looks(like):
            raise ValueError("its arrays are not those of this run")
        np.random.default_rng().bit_generator.state = standing.generator
        numbers = [epoch["number"] for epoch in standing.history]
        if numbers != [*range(1, len(numbers) + 1)]:
            raise ValueError("its epochs do not follow each other")
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise CheckpointError(f"{shown}: no checkpoint that can be gone on from: {error}"
                              ) from None
    return standing


def _looks(standing: Standing) -> dict[str, object]:
    """What is the same wherever a run stands."""
    arrays = {"w": standing.w, **standing.state}
    return {"taken": type(standing.taken),
            **{name: (array.shape, array.dtype) for name, array in arrays.items()}}


def _begun(arrays: Mapping[str, Any], start: str) -> dict[str, NDArray[np.float64]]:
    return {name.removeprefix(start): array for name, array in arrays.items()
            if name.startswith(start)}
