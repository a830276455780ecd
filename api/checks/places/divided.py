"""What a proof takes to be no zero: what one side divides by, and the other does not show.

    loss x0 x1 x2, gradient (x0 x1 x2) / x   ->   "x[i] is not 0, which the hand-written gradient
                                                  divides by"
"""

from __future__ import annotations

from gradproof.checks.subject import Subject
from gradproof.symbolic.derive.divisors import divisors


def divided_by(subject: Subject, name: str, hand: str) -> tuple[str, ...]:
    """What is assumed of divisors by a proof that the array `hand` is the gradient by `name`.

    What both gradients divide by, and the loss and the hand-written gradient, is seen in them.
    """
    if subject.derived is None or subject.hand is None or subject.chain is None:
        return ()
    derived = divisors(subject.derived, [subject.of[name]])
    written = divisors(subject.hand.system, [hand])
    loss = divisors(subject.chain.source or subject.derived, [subject.chain.loss])
    own = [text for key, text in written.items() if key not in {*derived, *loss}]
    cancelled = [text for key, text in loss.items() if key not in {*derived, *written}]
    return (*(f"{text} is not 0, which the hand-written gradient divides by" for text in own),
            *(f"{text} is not 0, which the loss divides by" for text in cancelled))
