"""Settings of the process that a text of numbers or an error depends on.

They are no part of a function, and nobody says when it reads them.  So a second call runs under
others: what it computes must be the same.
"""

from __future__ import annotations

import decimal
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def others() -> Iterator[None]:
    """Other settings: how arrays are printed, to how many digits decimals are computed, what is
    done where a float overflows."""
    kept = np.get_printoptions()
    errors: dict[str, Any] = {name: "ignore" if how == "warn" else "warn"
                              for name, how in np.geterr().items()}
    with decimal.localcontext() as context, np.errstate(**errors), np.printoptions(
            precision=kept["precision"] + 3, threshold=6, edgeitems=2, linewidth=41,
            suppress=not kept["suppress"]):
        context.prec += 9
        yield


def drawn_from() -> Any:
    """The places of the global random generators, which code of others may draw from unseen."""
    name, keys, place, *rest = np.random.get_state(legacy=True)
    return random.getstate(), name, np.asarray(keys).tobytes(), place, *rest
