"""A claimed gradient against the loss itself.

Few entries are measured one by one. Many are screened along random directions that weigh each
entry differently, so that no two errors cancel in all of them; a contradiction is halved down to an
entry. A refutation always rests on one entry, or at a kink on an entry's one-sided derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .differences import Estimate
from .evaluation import EPS, Array, Evaluator, Loss
from .probe import Probe, Verdict
from .rounding import largest, precision, rounding_bound
from .witness import Witness

BUDGET = 4000


@dataclass(frozen=True)
class Comparison:
    """The verdict on the claimed gradient of one input.

    verdict      'agrees': within `bound` at everything tested, and a wrong sign would have been
                 noticed; 'refuted'; 'undecided', for the named `reason`
    reason       one sentence; '' if it agrees with nothing to say
    bound        the largest bound among what was tested (of a whole direction, if screened)
    worst        the probe that decided: the refuted entry, else the closest to its bound
    wrong        the refuted entries found (the first few), most contradicted first
    witness      measured gradient, nan where no entry was measured; the shape of the input
    subgradient  at a kink the claim was accepted as lying between the one-sided derivatives
    notes        what a reader should know of what was measured
    set_aside    why complex steps were not believed, where real differences were taken instead
    measured     every probe, in order
    """

    name: str
    verdict: Verdict
    reason: str
    bound: float
    worst: Probe | None
    wrong: tuple[Probe, ...]
    witness: NDArray[np.float64]
    subgradient: bool
    probes: int
    notes: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    measured: tuple[Probe, ...] = ()

    def method_at(self, entry: tuple[int, ...]) -> str:
        """How an entry was measured: "complex step" or "finite difference"."""
        methods = (probe.estimate.method for probe in self.measured if probe.entry == entry)
        return "complex step" if next(methods, "") == "complex step" else "finite difference"

    def __str__(self) -> str:
        return f"{self.name}: {self.verdict}" + (f": {self.reason}" if self.reason else "")


def compare_gradient(
    loss: Loss,
    inputs: Mapping[str, Array],
    claimed: Mapping[str, Array],
    *,
    wrt: Sequence[str] | None = None,
    rounding: Mapping[str, Array | float] | None = None,
    suspects: Mapping[str, Sequence[int]] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    real: bool = False,
) -> dict[str, Comparison]:
    """Hold claimed gradients against the loss they claim to differentiate.

    loss      callable of a mapping of arrays, returning one real number
    inputs    the point; floating for what is differentiated, anything for the rest
    claimed   gradients by input name, each of its input's shape
    wrt       which to check, all claimed ones by default
    rounding  rounding error granted to the claims, by name (see `measured_rounding`); by default
              64 roundings of the claim's dtype at its largest entry and of the loss's noise over
              the input's size
    suspects  flat indices of entries to measure first, by name: where another source disagrees
    budget    evaluations of the loss to spend, about; a complex one counts four
    seed      of the random directions
    real      no complex steps: the loss takes its own

    Raises KeyError for a name without input or claim, TypeError for an input that is not floating.
    """
    names = list(claimed) if wrt is None else list(wrt)
    for name in names:
        if name not in claimed:
            raise KeyError(f"{name}: no gradient claimed; claimed are {', '.join(claimed)}")
    evaluator = Evaluator(loss, inputs)
    if real:
        evaluator.analytic = dict.fromkeys(names, False)
    results: dict[str, Comparison] = {}
    # Small inputs first: what they leave of the budget goes to the large ones.
    for done, name in enumerate(sorted(names, key=lambda n: evaluator.array(n).size)):
        share = (budget - evaluator.cost) // (len(names) - done)
        coarse = precision(np.asarray(inputs[name]))
        granted = None if rounding is None else rounding.get(name)
        results[name] = _compare_one(
            evaluator, name, np.asarray(claimed[name]), granted, coarse, share, seed + done,
            (suspects or {}).get(name, ()),
        )
    return {name: results[name] for name in names}


def _compare_one(
    evaluator: Evaluator,
    name: str,
    claimed: Array,
    granted: Array | float | None,
    coarse: float,
    budget: int,
    seed: int,
    suspects: Sequence[int],
) -> Comparison:
    shape = evaluator.array(name).shape
    if claimed.shape != shape:
        unknown = np.full(shape, np.nan)
        reason = f"shape {claimed.shape} where {shape} is due (never broadcast)"
        if claimed.size == unknown.size:
            reason += f"; .reshape({', '.join(map(str, shape))}) or .T would fit"
        return _report(name, "refuted", reason, [], [], unknown)
    if np.iscomplexobj(claimed):
        unknown = np.full(shape, np.nan)
        return _report(name, "refuted", "the claimed gradient is complex", [], [], unknown)
    if evaluator.defect is not None:
        unknown = np.full(shape, np.nan)
        return _report(name, "undecided", evaluator.defect.note, [], [], unknown)
    allowance = _allowance(evaluator, name, claimed, granted, coarse)
    witness = Witness(evaluator, name, claimed.astype(np.float64), allowance, seed, suspects)
    if claimed.size:
        witness.examine(budget)
    return _conclude(name, witness)


def _allowance(
    evaluator: Evaluator, name: str, claimed: Array, granted: Array | float | None, coarse: float
) -> NDArray[np.float64]:
    if granted is not None:
        # The measured side sums in another order: some roundings of the largest entry.
        own = np.asarray(granted, dtype=np.float64) + 16 * EPS * largest(claimed)
        return np.array(np.broadcast_to(own, claimed.shape))
    # Intermediates of the size of the loss are rounded too, and a saturated unit leaves a gradient
    # far smaller than its rounding: as much as moves the loss by a rounding over the input's size.
    size = largest(evaluator.array(name)) or 1.0
    fraction = max(coarse, precision(claimed)) / precision(claimed)
    hidden = 16 * max(coarse, evaluator.eps) * abs(evaluator.value) / size
    return np.full(claimed.shape, rounding_bound(claimed) * fraction + hidden)


def _conclude(name: str, witness: Witness) -> Comparison:
    probes = witness.probes
    wrong = sorted(
        (p for p in probes if p.entry is not None and p.verdict == "refuted"),
        key=lambda p: p.gap / p.bound if p.bound else np.inf,
        reverse=True,
    )
    if wrong:
        return _report(name, "refuted", str(wrong[0]), probes, wrong, witness.gradient)
    doubt = _doubt(probes)
    return _report(name, "undecided" if doubt else "agrees", doubt or _remark(witness), probes, [],
                   witness.gradient)


def _doubt(probes: Sequence[Probe]) -> str:
    """Why probes of which no entry contradicts decide nothing; "" where they agree."""
    unusable = next((p for p in probes if not p.estimate.usable), None)
    if unusable is not None:
        return str(unusable)
    direction = next((p for p in probes if p.verdict == "refuted"), None)
    if direction is not None:
        return f"{direction}: no single entry contradicts beyond its bound"
    if probes and not any(p.informative for p in probes):
        bound = max(p.bound for p in probes)
        return f"ill-conditioned: the error bound {bound:.1g} is as large as the gradient"
    return ""


def _remark(witness: Witness) -> str:
    """What is worth saying of a gradient that agrees."""
    probes = witness.probes
    if probes and not np.any(witness.claimed):
        return f"zero within {max(p.bound for p in probes):.1g}"
    kinks = sum(p.subgradient for p in probes)
    return f"a subgradient: {kinks} of {len(probes)} probes lie at a kink" if kinks else ""


def _report(
    name: str,
    verdict: Verdict,
    reason: str,
    probes: list[Probe],
    wrong: list[Probe],
    gradient: NDArray[np.float64],
) -> Comparison:
    def closeness(probe: Probe) -> float:
        return probe.gap / probe.bound if probe.bound else 0.0

    worst = wrong[0] if wrong else max(probes, key=closeness, default=None)
    return Comparison(
        name=name,
        verdict=verdict,
        reason=reason,
        bound=max((p.bound for p in probes), default=float("inf")),
        worst=worst,
        wrong=tuple(wrong),
        witness=gradient,
        subgradient=any(p.subgradient for p in probes) and verdict == "agrees",
        probes=len(probes),
        notes=_notes(p.estimate for p in probes if not p.estimate.is_real),
        set_aside=_notes(p.estimate for p in probes if p.estimate.is_real),
        measured=tuple(probes),
    )


def _notes(estimates: Iterable[Estimate]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(estimate.note for estimate in estimates if estimate.note))
