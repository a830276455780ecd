"""What a check found: one verdict a gradient, and the whole story as text."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from gradproof.checks.shown.html import result_html
from gradproof.limits.calls import NotReturnedError
from gradproof.limits.deadline import (
    TimeLimitError,
    bounded,
    doing,
    known,
    known_by_now,
    now_doing,
)
from gradproof.symbolic.places import SourceLine

if TYPE_CHECKING:
    from gradproof.repair.search import Repair
    from gradproof.symbolic.tracing.source import SizeBranch

Verdict = Literal["proved", "agrees", "undecided", "refuted"]
ORDER: tuple[Verdict, ...] = ("refuted", "undecided", "agrees", "proved")
PASSES: tuple[Verdict, ...] = ("proved", "agrees")


@dataclass(frozen=True)
class Check:
    """What is known of one gradient.

    verdict: "proved", "agrees", "undecided" or "refuted".
    scope: what the verdict holds for ("for all m, n, h", or the points that were looked at).
    reason: why it is not a stronger verdict; for a refutation, what differs.
    diagnosis: the smallest edit found that makes it right, verified; empty where none was.
    bound: the largest error that the numbers would not have seen, absolute.
    difference: the largest |hand-written - derived| at the points; nan where shapes differ.
    entry, hand, derived, witness: the worst entry with its three values, where there is one.
    method: how the witness was measured: "complex step" or "finite difference".
    witness_difference: the largest |finite difference - derived|, where it was measured.
    sample: a few entries, (place, derived, hand-written, finite difference), at one point.
    assumptions, kinks: what a proof rests on.  notes: what else was seen.
    factor: hand-written / derived, where that is a number times powers of sizes, which are named by
        what they are at the first point: (1/2, {4: 1}) for m/2 at m = 4.
    """

    name: str
    verdict: Verdict
    scope: str = ""
    reason: str = ""
    diagnosis: str = ""
    bound: float = float("nan")
    difference: float = float("nan")
    entry: tuple[int, ...] | None = None
    hand: float = float("nan")
    derived: float = float("nan")
    witness: float = float("nan")
    method: str = "finite difference"
    witness_difference: float = float("nan")
    sample: tuple[tuple[tuple[int, ...], float, float, float], ...] = ()
    assumptions: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    factor: tuple[Fraction, Mapping[int, int]] | None = None

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.verdict}" + (f", {self.scope}" if self.scope else "")]
        if self.reason:
            lines.append(f"    {self.reason}")
        if self.verdict == "refuted" and self.entry is not None:
            hand, derived = told_apart(self.hand, self.derived)
            lines.append(f"    entry {list(self.entry)}: hand-written {hand}, derived "
                         f"{derived}, {self.method} {self.witness:.12g}")
            if is_close(self.hand, self.derived):
                lines[-1] += f", a difference of {self.hand - self.derived:.2g}"
        if self.diagnosis:
            lines.append(f"    {self.diagnosis}")
        if self.verdict in PASSES and self.bound == self.bound:
            lines.append(f"    numbers agree within {self.bound:.1e}")
        if self.assumptions:
            lines.append(f"    assumed: {'; '.join(self.assumptions)}")
        if self.kinks:
            lines.append(f"    away from the kinks {'; '.join(self.kinks)}")
        lines += [f"    note: {note}" for note in self.notes]
        return "\n".join(lines)


@dataclass(frozen=True)
class CheckResult:
    """The checks of all gradients; ``result["W1"]`` is one of them, ``str`` the whole story.

    `first_wrong` says what the hand-written code first computes wrong, and `place` on which line.
    `common` says what factor all gradients have in common.
    `unchecked` are the inputs for which the function returns no gradient and none was asked for,
    `unasked` the keys that it returns beside, which are no gradient that was asked for;
    `why_unchecked` says of arrays that a layer makes itself where their gradients were looked for.
    `branch` is the size whose values decide what the code does, where that left it unproved.
    """

    checks: tuple[Check, ...]
    first_wrong: str = ""
    common: str = ""
    place: SourceLine | None = None
    repair: Repair | None = None
    unrepaired: str = ""
    unchecked: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    why_unchecked: tuple[str, ...] = ()
    branch: SizeBranch | None = None

    @property
    def verdict(self) -> Verdict:
        """The weakest verdict among the gradients."""
        return min((check.verdict for check in self.checks), key=ORDER.index)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return result_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython shows."""
        printer.text(str(self))

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"no gradient {name!r} was checked; there are "
                       f"{[check.name for check in self.checks]}")

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __str__(self) -> str:
        lines = list(_each_said_once(self.checks))
        if self.common:
            lines.append(self.common)
        if self.first_wrong:
            lines.append(self.first_wrong)
        if self.repair is not None or self.unrepaired:
            lines.append(f"repair: {self.repair or self.unrepaired}")
        if self.why_unchecked:
            lines += [f"not checked: {why}" for why in self.why_unchecked]
        elif self.unchecked:
            lines.append(f"not checked: {', '.join(self.unchecked)} (no gradient is returned)")
        if self.unasked:
            lines.append(f"not asked for: {', '.join(self.unasked)} (returned beside, and not "
                         "checked)")
        return "\n".join(lines)


def joined(results: Sequence[CheckResult]) -> CheckResult:
    """Checks of several functions as one: what is wrong is told of the first that is wrong."""
    wrong = [found for found in results if found.verdict == "refuted"] or [*results]
    first = next((found for found in wrong if found.repair is not None), wrong[0])
    return replace(
        first, checks=tuple(check for found in results for check in found),
        unasked=tuple(name for found in results for name in found.unasked))


# --- text ---------------------------------------------------------------------------------------


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with twelve digits, or as many as tell them apart.

    >>> told_apart(1.0, 1.00000000000012)
    ('1', '1.0000000000001')
    """
    for digits in range(12, 18):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1] or one == other:
            break
    return texts


def is_close(one: float, other: float) -> bool:
    """Whether two different numbers share so many digits that their difference says more."""
    return one != other and abs(one - other) <= 1e-4 * max(abs(one), abs(other))


def _each_said_once(checks: Sequence[Check]) -> Iterator[str]:
    """The checks as text, where what was said of an earlier one is not said again."""
    said: dict[str, str] = {}
    for check in checks:
        first, *lines = str(check).split("\n")
        known = [line for line in lines if line in said]
        yield "\n".join([first, *(line for line in lines if line not in said)])
        if known:
            names = dict.fromkeys(said[line] for line in known)
            yield f"    as for {', '.join(names)}"
        said.update((line, check.name) for line in lines if line not in said)


# --- within a time --------------------------------------------------------------------------------


def within(
    seconds: float, names: Sequence[str], call: Callable[[], CheckResult]
) -> CheckResult:
    """What call() finds, which is a check of the named gradients; undecided after some seconds."""
    if not seconds > 0:
        raise ValueError(f"time_limit: expected a number of seconds > 0, got {seconds!r}")
    import numpy as np

    linecache.checkcache()  # a file that was changed and loaded again is shown as it is now
    doing("running the functions")
    known(None)
    try:
        with np.errstate(all="ignore"):  # what overflows at points of our choice is no news
            return bounded(seconds, call)
    except NotReturnedError as error:
        reason = f"the gradient function {error}"
    except TimeLimitError as error:
        if isinstance(found := known_by_now(), CheckResult):
            return found
        reason = f"the check {error}; it was {now_doing()}"
    return CheckResult(tuple(Check(name, "undecided", reason=reason) for name in names))


def capped(made: Check, reason: str) -> Check:
    """A check that is no pass, for a reason outside of the gradient itself."""
    if made.verdict in ("refuted", "undecided"):
        return replace(made, notes=(*made.notes, reason))
    return replace(made, verdict="undecided", scope="", reason=reason)


def at_best_agreeing(made: Check, allowed: float) -> Check:
    """A check of a layer that is what its reference is in numbers alone.

    allowed: how far its gradient may be from the derived one, where its values have fewer digits.
    """
    if made.verdict == "refuted" and made.difference <= allowed:
        return replace(made, verdict="agrees", scope="at the points that were looked at",
                       diagnosis="", entry=None, bound=allowed,
                       reason="not proved: forward and backward have fewer digits than their "
                              "reference, and agree with it within these")
    if made.verdict != "proved":
        return made
    return replace(made, verdict="agrees", scope="at the points that were looked at",
                   reason="not proved: forward is its reference in numbers alone")
