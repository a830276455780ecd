"""A run on disk: one .npz file, replaced whole, with all that the next step depends on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradproof.reports.replacing import replace_bytes
from gradproof.symbolic import escaping


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


def restored(path: Path, run: str) -> Standing:
    """Where the run stood that wrote the file.

    Raises CheckpointError for a file that is no checkpoint, or one of another run.
    """
    shown = escaping.path(str(path))
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
        known = json.loads(str(arrays["known"]))
        standing = Standing(
            known["run"], arrays["w"], _begun(arrays, "state_"), known["taken"],
            known["generator"], known["history"], _begun(arrays, "parameter_"))
        version = known["version"]
    except FileNotFoundError:
        raise CheckpointError(f"{shown}: there is no such checkpoint; leave out resume to begin one"
                              ) from None
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{shown}: no checkpoint that can be read: {error}") from None
    if version != VERSION:
        raise CheckpointError(f"{shown}: a checkpoint of another version ({version!r}; this one "
                              f"writes {VERSION})")
    if standing.run != run:
        raise CheckpointError(f"{shown}: a checkpoint of another run: the network, the data or the "
                              "settings are others; only the number of epochs may change, where "
                              "the learning rate is constant")
    return standing


def _begun(arrays: Mapping[str, Any], start: str) -> dict[str, NDArray[np.float64]]:
    return {name.removeprefix(start): array for name, array in arrays.items()
            if name.startswith(start)}
