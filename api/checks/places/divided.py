"""What a proof takes to be no zero: what one side divides by, and the other does not show.

    loss x0 x1 x2, gradient (x0 x1 x2) / x   ->   "x[i] is not 0, which the hand-written gradient
                                                  divides by"
"""

from __future__ import annotations

from functools import cached_property

from gradproof.checks.subject import Subject
from gradproof.symbolic.derive.divisors import Entries, divisors


class Divisions:
    """The divisors of a subject's sides, whose signs are found once for all gradients."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @cached_property
    def _sides(self) -> tuple[Entries, Entries, dict[str, str]] | None:
        """The derived side, the hand-written one, and what the loss divides by."""
        subject = self.subject
        if subject.derived is None or subject.hand is None or subject.chain is None:
            return None
        loss = Entries(subject.chain.source or subject.derived)
        return (Entries(subject.derived), Entries(subject.hand.system),
                divisors(loss, [subject.chain.loss]))

    def divided_by(self, name: str, hand: str) -> tuple[str, ...]:
        """What is assumed of divisors by a proof that the array `hand` is the gradient by `name`.

        What both gradients divide by, and the loss and the hand-written gradient, is seen in them.
        """
        if self._sides is None:
            return ()
        on_derived, on_written, loss = self._sides
        derived = divisors(on_derived, [self.subject.of[name]])
        written = divisors(on_written, [hand])
        own = [text for key, text in written.items() if key not in {*derived, *loss}]
        cancelled = [text for key, text in loss.items() if key not in {*derived, *written}]
        return (*(f"{text} is not 0, which the hand-written gradient divides by" for text in own),
                *(f"{text} is not 0, which the loss divides by" for text in cancelled))
