"""Arguments that would be written over: those with memory of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def apart_from(kept: Sequence[NDArray[Any]]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """A function of an argument that returns it, or a copy where it has memory of the arrays that
    are kept, which are written to before all of it is read."""

    own = {id(one) for one in kept}

    def apart(given: NDArray[Any]) -> NDArray[Any]:
        if id(given) in own or (given.base is not None and any(
                np.may_share_memory(given, one) for one in kept)):
            return given.copy()
        return given

    return apart
