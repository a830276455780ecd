"""A run whose steps are spread over workers: where the loss is a sum over the samples, each takes
blocks of the batch.

The run is the same as on one machine, sample for sample: batches are drawn here, in the same order,
and so are the masks of dropout.  A batch becomes Dask arrays split along the axis of the samples.
What lies in a file is read by the workers, which open it themselves, a block at a time; what is
in memory is sent to them.  The blocks do not depend on the number of workers, so neither do the
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradproof.derivations.additive import Additive
from gradproof.derivations.blocks import Made
from gradproof.derivations.dask_blocks import dask_modules, of_blocks, tree
from gradproof.symbolic.specs.stated import Stated

from .cluster import ClusterError
from .fitting import Arrays
from .folders import OnDisk, is_on_disk
from .loop import Training, rightly

BLOCK_BYTES = 2**24
"""Bytes of data in a block, unless it is said how many samples."""


@dataclass
class Spread(Training):
    """A run on the workers of a `distributed.Client`.

    block: samples that are computed at once; by default as many as have 16 MiB of data.

    Raises NotAdditiveError for a loss that is no sum over the samples.
    """

    client: Any = None
    block: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block is not None and self.block < 1:
            raise ValueError(f"block: expected one sample or more, got {self.block}")
        self.additive: Additive = self.derivation.additive(str(self.fitted.batch_size))
        each = sum(array.size * 8 // len(self.fitted) for array in self.fitted.arrays.values())
        self.per_block = self.block or max(1, BLOCK_BYTES // max(each, 1))
        """Samples that are computed at once."""

    def found(self, places: NDArray[np.int64], masks: Arrays) -> tuple[float, Mapping[str, Any]]:
        arrays = self.arrays(places) | self._split(masks)
        loss, gradients = self._computed(self.additive.delayed(**arrays, **self.parameters))
        return loss, gradients

    def evaluated(self, places: NDArray[np.int64]) -> tuple[float | None, float | None]:
        if not len(places):
            return None, None
        _, array = dask_modules()
        masks = {name: array.full(self.fitted.shape(declared, len(places)), keep, chunks=-1)
                 for name, (declared, keep) in self.fitted.masks.items()}
        arrays = {**self.arrays(places), **self._split(masks), **self.parameters}
        told = self.told_by if len(self._judged_by.results) > 1 else None
        samples, parts = of_blocks(self.additive, self._judged_by, arrays, partial(judged, told))
        loss, counts = self._computed(tree(dask_modules()[0], parts))
        if self.additive.of_once is not None:
            given = self.additive.given(self.additive.once, self.parameters, samples)
            loss += self._once(**given)[0]
        return float(loss), None if told is None else float(counts["right"] / counts["of"])

    def arrays(self, places: NDArray[np.int64]) -> dict[str, Any]:
        """Some samples as Dask arrays, in blocks along their axis."""
        return {name: self._from_file(name, whole, places) if is_on_disk(whole)
                else self._in_blocks(np.take(whole, places, axis=self.fitted.along[name]),
                                     self.fitted.along[name])
                for name, whole in self.fitted.arrays.items()}

    def _from_file(self, name: str, whole: NDArray[Any], places: NDArray[np.int64]) -> Any:
        delayed, array = dask_modules()
        axis = self.fitted.along[name]
        read = delayed(OnDisk.of(whole, axis).read, pure=False)
        blocks = []
        for start in range(0, len(places), self.per_block):
            here = places[start:start + self.per_block]
            shape = (*whole.shape[:axis], len(here), *whole.shape[axis + 1:])
            blocks.append(array.from_delayed(read(here), shape, dtype=np.float64))
        return array.concatenate(blocks, axis=axis)

    def _split(self, masks: Mapping[str, Any]) -> dict[str, Any]:
        along = self.additive.along
        return {name: self._in_blocks(mask, along[name]) for name, mask in masks.items()
                if name in along}

    def _in_blocks(self, whole: Any, axis: int) -> Any:
        array = dask_modules()[1]
        chunks = {place: self.per_block if place == axis else -1 for place in range(whole.ndim)}
        if isinstance(whole, array.Array):
            return whole.rechunk(chunks)
        return array.from_array(whole, chunks=tuple(chunks.values()), name=False)

    @cached_property
    def _judged_by(self) -> Made:
        """The loss of a block, and its predictions where there are classes."""
        names = []
        if self.data.classes and not isinstance(self.network, Stated):
            names.append(self.network.prediction)
        return self.additive.values_of_block(names)

    @cached_property
    def _once(self) -> Any:
        assert self.additive.of_once is not None
        return self.additive.of_once.compiled()

    def _computed(self, delayed: Any) -> Any:
        """What workers make of it.  Raises ClusterError where there are none that can."""
        from distributed import CancelledError, KilledWorker

        try:
            return self.client.compute(delayed).result()
        except (KilledWorker, MemoryError):
            raise ClusterError(
                "dask: several workers, one after the other, ended in the middle of the same "
                f"block; where its memory does not last, take smaller blocks than {self.per_block} "
                "samples, or more memory") from None
        except (CancelledError, OSError, TimeoutError) as error:
            raise ClusterError(f"dask: the scheduler is gone: {error}") from None


def judged(
    told: tuple[int, float] | None, values: tuple[Any, ...], block: Mapping[str, Any]
) -> tuple[float, dict[str, Any]]:
    """A block's loss, how many of its samples are classified rightly, and how many there are."""
    loss, *outputs = values
    if told is None:
        return loss, {}
    right = rightly(np.asarray(outputs[0]), block["Y"], *told)
    return loss, {"right": np.asarray(right.sum()), "of": np.asarray(right.size)}
