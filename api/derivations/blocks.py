"""The gradient of a batch from blocks of it: where its loss is a sum over the samples.

    >>> import gradproof as gp
    >>> network = gp.Network([2, 1], loss="mean_squared_error", l2=0.1)
    >>> blocks = gp.derive(network).additive()
    >>> blocks.block
    ('X', 'Y', 'W1', 'b1', 'M')
    >>> blocks.once
    ('W1',)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradproof.codegen.compile import compile_system
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import System
from gradproof.symbolic.splitting.additive import NotAdditiveError
from gradproof.symbolic.splitting.parts import Parts

Found: TypeAlias = tuple[float, dict[str, NDArray[Any]]]
"""A loss and its gradients by name."""


@dataclass(frozen=True)
class Made:
    """What a function is compiled of: it can be sent to another process as it stands."""

    system: System
    results: tuple[str, ...]
    keys: tuple[str, ...] | None

    def compiled(self) -> Callable[..., Any]:
        return compile_system(self.system, self.results, keys=self.keys, fit=True)


@dataclass(frozen=True)
class Blocks:
    """A loss that is a sum over the samples of a batch, and its gradients, from blocks of these.

    along: the inputs that are split, with the axis of their samples.
    whole: the input of each part that is the number of all samples.
    """

    parts: Parts
    wrt: tuple[str, ...]
    along: Mapping[str, int] = field(init=False)
    whole: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "along", self.parts.along)
        object.__setattr__(self, "whole", self.parts.whole)
        for name in self.wrt:
            if name in self.along:
                raise NotAdditiveError(f"the gradient by {name} has a place for each sample; a "
                                       "block adds nothing to that of another")

    @property
    def block(self) -> tuple[str, ...]:
        """The inputs that a block's part is computed from."""
        return tuple(array.name for array in self.parts.block.inputs)

    @property
    def once(self) -> tuple[str, ...]:
        """Those of the part that is added once; none where there is no such part."""
        system = self.parts.once
        return () if system is None else tuple(array.name for array in system.inputs)

    @cached_property
    def of_block(self) -> Made:
        """The loss and the gradients of a block."""
        return self._made(self.parts.block)

    @cached_property
    def of_once(self) -> Made | None:
        """The same of what is added once."""
        return None if self.parts.once is None else self._made(self.parts.once)

    def values_of_block(self, names: Sequence[str]) -> Made:
        """The loss of a block, and arrays of its forward pass."""
        return Made(self.parts.block, (self.parts.loss, *names), None)

    def gradient(self, blocks: Iterable[Mapping[str, Any]], samples: int, **arrays: Any) -> Found:
        """The loss and gradients of a batch, a block at a time.

        blocks: the arrays with samples by name, some samples of each; an empty block adds nothing.
        samples: how many there are in all; arrays: the other inputs.

        Raises ValueError where the blocks have another number of samples in all, TypeError for a
        missing array.
        """
        compiled, found, seen = self.of_block.compiled(), [], 0
        for block in blocks:
            n = next(int(np.shape(block[name])[axis]) for name, axis in self.along.items())
            seen += n
            if n:
                found.append(compiled(**self.given(self.block, {**arrays, **block}, samples)))
        if seen != samples:
            raise ValueError(f"samples: expected {samples} in all blocks, got {seen}")
        return self.finished(summed(found), arrays, samples)

    def finished(self, total: Found, arrays: Mapping[str, Any], samples: int) -> Found:
        """The sum of the blocks with what is added once, and zeros for what neither reaches."""
        if self.of_once is not None:
            more = self.of_once.compiled()(**self.given(self.once, arrays, samples))
            total = summed([total, more])
        loss, gradients = total
        return loss, {name: gradients[name] if name in gradients
                      else np.zeros(np.shape(arrays[name])) for name in self.wrt}

    def given(self, names: Sequence[str], arrays: Mapping[str, Any], samples: int
              ) -> dict[str, Any]:
        """Those of the arrays that a part reads, with the number of all samples, in the precision
        that they have."""
        kinds = [kind for kind in (getattr(value, "dtype", None) for value in arrays.values())
                 if kind is not None and kind.kind == "f"]
        number = np.asarray(samples, np.result_type(*kinds) if kinds else np.float64)
        known = {**arrays, self.whole: number}
        return {name: known[name] for name in names if name in known}

    def _made(self, system: System) -> Made:
        loss = self.parts.loss
        reached = {array.name for array in system.inputs}
        wrt = tuple(name for name in self.wrt if name in reached)
        chain = differentiate(system, loss, wrt)
        return Made(chain.system, (loss, *(chain.of[name] for name in wrt)), wrt)


def summed(found: Sequence[Found]) -> Found:
    """Losses and gradients added, in their order."""
    loss: Any = 0.0
    total: dict[str, NDArray[Any]] = {}
    for one, gradients in found:
        loss = loss + one
        for name, value in gradients.items():
            total[name] = total[name] + value if name in total else np.asarray(value)
    return loss, total
