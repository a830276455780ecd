"""Settings of the process that a text of numbers or an error depends on.

They are no part of a function, and nobody says when it reads them.  So a second call runs under
others: what it computes must be the same.  Text of an array is seen where it is made.
"""

from __future__ import annotations

import decimal
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..source import fail, only_said, user_frames


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


@contextmanager
def watched() -> Iterator[None]:
    """Fails where an array of numbers becomes a text that is more than said."""
    with np.printoptions(formatter={"all": _spelled}):
        yield


def _spelled(entry: Any) -> str:
    frame = next(user_frames(), None)
    if frame is not None and not only_said(frame):
        fail("an array is spelled as text, which depends on how arrays are printed")
    return str(entry)


def drawn_from() -> Any:
    """The places of the global random generators, which code of others may draw from unseen."""
    name, keys, place, *rest = np.random.get_state(legacy=True)
    return random.getstate(), name, np.asarray(keys).tobytes(), place, *rest
