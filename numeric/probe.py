"""One claimed number against one measured derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .differences import Estimate
from .evaluation import EPS

Verdict = Literal["agrees", "refuted", "undecided"]

# A zero is a finding if the loss would show a derivative this small against its natural size.
_VISIBLE = 1e-8
# Nor can a loss that is zero throughout hide a derivative behind a bound that is underflow alone.
_UNDERFLOW = 1e-290


@dataclass(frozen=True)
class Probe:
    """A claimed derivative along one direction and what was measured there.

    entry      the index of the entry, None for a direction over `size` entries
    claimed    the claimed gradient in that direction
    estimate   the measured derivative
    allowance  the rounding error that the claimed number is granted
    """

    entry: tuple[int, ...] | None
    size: int
    claimed: float
    estimate: Estimate
    allowance: float

    @property
    def bound(self) -> float:
        """The largest difference that is not a contradiction.

        Below a rounding of the loss's natural slope nothing is one: a saturated unit has
        1 - tanh² = 0 where the exact value is 1e-20.
        """
        known = self.estimate.bound + self.allowance
        hidden = EPS * self.estimate.scale
        seen = max(abs(self.claimed), abs(self.estimate.left), abs(self.estimate.right))
        return known + hidden if seen <= hidden else known

    @property
    def gap(self) -> float:
        """How far the claim lies outside the derivative, or the interval at a kink; nan if none."""
        low, high = sorted((self.estimate.left, self.estimate.right))
        if not np.isfinite(self.claimed):
            return float("inf") if self.estimate.usable else float("nan")
        return max(low - self.claimed, self.claimed - high, 0.0)

    @property
    def verdict(self) -> Verdict:
        if not self.estimate.usable:
            return "undecided"
        return "agrees" if self.gap <= self.bound else "refuted"

    @property
    def informative(self) -> bool:
        """Would a claim of another sign or size have been noticed?"""
        if not self.estimate.usable:
            return False
        seen = max(abs(self.claimed), abs(self.estimate.left), abs(self.estimate.right))
        if seen > 2 * self.bound:
            return True
        # A claimed zero: the measurement must itself be zero, not only the allowance around it.
        is_zero = self.claimed == 0 and seen <= self.estimate.bound
        return is_zero and self.bound <= max(_VISIBLE * self.estimate.scale, _UNDERFLOW)

    @property
    def subgradient(self) -> bool:
        """Accepted at a kink: between, or at one of, two different one-sided derivatives."""
        return self.estimate.status == "kink" and self.verdict == "agrees"

    def __str__(self) -> str:
        where = (
            f"entry {list(self.entry)}"
            if self.entry is not None
            else (f"a direction over {self.size} entries")
        )
        if not self.estimate.usable:
            return f"{where}: {self.estimate.note}"
        true = f"{self.estimate.value:.10g} ± {self.bound:.1g}"
        if self.estimate.status == "kink":
            true = (
                f"{self.estimate.left:.10g} from the left and {self.estimate.right:.10g} "
                f"from the right (± {self.bound:.1g})"
            )
        return f"{where}: claimed {self.claimed:.10g}, measured {true}"
