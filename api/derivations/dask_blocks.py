"""The gradient of a batch that lies in Dask arrays: each block's part where the block is, the parts
added in a tree.

Nothing is kept on a worker that could not be made again: a task holds the equations and the
parameters, and compiles once in a process.  So the scheduler may give the work of a worker that is
lost to others, and since the tree is fixed by the blocks, not by who is done first, the sum is the
same to the last bit.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import isnan
from typing import Any, TypeAlias

import numpy as np

from gradproof.derivations.blocks import Blocks, Found, Made, summed

BRANCHES = 8
"""Parts that are added at once."""


class NoDaskError(RuntimeError):
    """Dask is not installed; the message says what to do."""


def dask_modules() -> tuple[Any, Any]:
    """`dask.delayed` and `dask.array`.  Raises NoDaskError."""
    try:
        import dask
        import dask.array
    except ImportError:
        raise NoDaskError("blocks on several processes need Dask, which is not installed: pip "
                          "install 'gradproof[dask]'") from None
    return dask.delayed, dask.array


def delayed_gradient(additive: Blocks, arrays: Mapping[str, Any]) -> Any:
    """A `dask.delayed.Delayed` of the loss and its gradients; see :meth:`Additive.delayed`."""
    delayed, _ = dask_modules()
    free = {name: np.asarray(value) for name, value in arrays.items() if name not in additive.along}
    missing = {*additive.block, *additive.once} - {*free, *additive.along, additive.whole}
    if missing:
        raise TypeError(f"missing arrays: {', '.join(sorted(missing))}")
    samples, found = of_blocks(additive, additive.of_block, arrays)
    if additive.of_once is not None:
        given = additive.given(additive.once, free, samples)
        found.append(applied(delayed, additive.of_once, given, None)({}))
    shapes = {name: free[name].shape for name in additive.wrt}
    return delayed(_complete)(tree(delayed, found), shapes)


Then: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""What a task makes of a function's values and the block that they are of."""


def of_blocks(
    additive: Blocks, made: Made, arrays: Mapping[str, Any], then: Then | None = None
) -> tuple[int, list[Any]]:
    """The number of samples, and the delayed values of a function for each block of them."""
    delayed, _ = dask_modules()
    blocks, samples = _blocks(additive, arrays)
    free = {name: value for name, value in arrays.items() if name not in additive.along}
    part = applied(delayed, made, additive.given(additive.block, free, samples), then)
    return samples, [part(dict(zip(additive.along, block, strict=True))) for block in blocks]


def applied(
    delayed: Any, made: Made, given: Mapping[str, Any], then: Then | None
) -> Callable[[Any], Any]:
    """Blocks -> the delayed values of a function of them and of what is given, the same for all."""
    program = delayed(pickle.dumps(made), traverse=False)
    known = delayed(dict(given), traverse=False)
    task = delayed(called, pure=False)
    return lambda block: task(program, known, block, then)


def tree(delayed: Any, found: Sequence[Any]) -> Any:
    """Delayed losses and gradients as their delayed sum."""
    add = delayed(summed, pure=False)
    level = list(found)
    while len(level) > 1:
        level = [add(level[start:start + BRANCHES]) for start in range(0, len(level), BRANCHES)]
    return level[0]


def called(
    program: bytes, known: Mapping[str, Any], block: Mapping[str, Any], then: Then | None
) -> Any:
    """What a task does."""
    values = compiled(program)(**known, **block)
    return values if then is None else then(values, block)


@lru_cache(maxsize=16)
def compiled(program: bytes) -> Callable[..., Any]:
    """The function of what was sent, compiled once in a process."""
    made: Made = pickle.loads(program)
    return made.compiled()


def _complete(total: Found, shapes: Mapping[str, tuple[int, ...]]) -> Found:
    loss, gradients = total
    return loss, {name: gradients[name] if name in gradients else np.zeros(shape)
                  for name, shape in shapes.items()}


def _blocks(additive: Blocks, arrays: Mapping[str, Any]) -> tuple[list[tuple[Any, ...]], int]:
    """The blocks of the arrays with samples, beside each other, and the number of samples."""
    _, array = dask_modules()
    absent = [name for name in additive.along if name not in arrays]
    if absent:
        raise TypeError(f"missing arrays: {', '.join(absent)}")
    split = {name: arrays[name] if isinstance(arrays[name], array.Array)
             else array.from_array(np.asarray(arrays[name]), chunks=-1) for name in additive.along}
    cuts: tuple[int, ...] | None = None
    for name, axis in additive.along.items():
        if axis >= split[name].ndim:
            raise ValueError(f"{name}: expected samples along axis {axis}, got an array of shape "
                             f"{split[name].shape}")
        if any(map(isnan, split[name].chunks[axis])):
            raise ValueError(f"{name}: how many samples its blocks have is not known; call "
                             "compute_chunk_sizes() on it before")
        here = tuple(split[name].chunks[axis])
        if cuts is not None and sum(here) != sum(cuts):
            raise ValueError(f"{name}: expected {sum(cuts)} samples along axis {axis}, as in "
                             f"{next(iter(additive.along))}, got {sum(here)}")
        cuts = here if cuts is None or len(here) > len(cuts) else cuts
    assert cuts is not None  # there is an array with samples
    cuts = tuple(n for n in cuts if n)
    if not cuts:
        raise ValueError("expected one sample or more, got none")
    columns = []
    for name, axis in additive.along.items():
        chunks = [cuts if place == axis else -1 for place in range(split[name].ndim)]
        columns.append(split[name].rechunk(dict(enumerate(chunks))).to_delayed().ravel())
    return list(zip(*columns, strict=True)), sum(cuts)
