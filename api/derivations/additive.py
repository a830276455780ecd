"""`d.additive()`: a loss that is a sum over the samples, from blocks of these, where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gradproof.derivations.blocks import Blocks
from gradproof.derivations.dask_blocks import delayed_gradient
from gradproof.symbolic.equation import System, size_symbol
from gradproof.symbolic.splitting.parts import parts


@dataclass(frozen=True)
class Additive(Blocks):
    """The same from blocks one after the other (`gradient`), or as they lie in Dask arrays."""

    def delayed(self, **arrays: Any) -> Any:
        """The loss and gradients as a `dask.delayed.Delayed`: `.compute()` runs it, on threads or
        on the workers of a `distributed.Client`.

        arrays: those with samples as Dask arrays, which are split as the one with most blocks
        is (other axes are put together), or of NumPy, one block; all others of NumPy.

        Raises NoDaskError, ValueError for arrays that do not fit each other, TypeError for a
        missing one.
        """
        return delayed_gradient(self, arrays)


def additive(system: System, loss: str, wrt: Sequence[str], size: str) -> Additive:
    """A loss and its gradients in blocks.  Raises NotAdditiveError."""
    return Additive(parts(system, loss, size_symbol(size)), tuple(wrt))
