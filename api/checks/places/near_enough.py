"""What differs by no more than a search does that ends where it is near enough.

    while np.max(np.abs(f(x) - x)) > 1e-8: x = f(x)     ->   x is off by 1e-8, too
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradproof.checks.observed import Observed
from gradproof.symbolic.proof.prover import NEARLY


def near_enough(search: str, differing: Sequence[Observed]) -> str:
    """Why nothing is decided by what differs; "" where it is too much, or nothing is searched.

    search: where a search that is not traced asks whether it is near enough.
    """
    if not search or not differing or any(
            not np.all(np.isfinite(found.claimed)) or not found.largest <= NEARLY * np.max(
                np.abs(found.true), initial=0) for found in differing):
        return ""
    off = max(found.largest / float(np.max(np.abs(found.true))) for found in differing)
    return (f"off by {off:.1g} of the largest entry, and what is searched for, at {search}, is as "
            "near as the search goes: a gradient that is right where it is found is off, too; "
            "search further, or say by gradproof.fixed_point, root or minimizer what is solved for")
