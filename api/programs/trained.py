"""A pass of a program with its loss and its gradients, and the verdicts on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from io import TextIOBase
from typing import Any

import numpy as np

from gradproof.checks.functions import Pair
from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs
from gradproof.checks.results import ORDER, PASSES, Check, CheckResult, within
from gradproof.checks.returned import Asked, Keyed
from gradproof.checks.subject import FunctionSide
from gradproof.programs.copies import shown
from gradproof.programs.losses import Loss
from gradproof.programs.parameters import Parameter
from gradproof.programs.proposing import (
    FITS,
    as_numbers,
    by_parameter,
    goes_down,
    slopes,
    with_decay,
)
from gradproof.programs.replays import Input, scaled
from gradproof.programs.watching import Pass
from gradproof.repair.search import SECONDS


class Nobody(TextIOBase):
    """Who hears what the lines of a pass print when they are run again."""

    def write(self, text: str) -> int:
        return len(text)


@dataclass(frozen=True)
class Trained:
    """A pass with what is checked of it.

    functions: its loss and its gradients.  taken: what was taken for what, in words.  numbers:
    whole numbers that may be sizes.  left: by parameter, what an earlier pass leaves in its
    gradient.  other_data: what each pass has anew and its gradients follow from, but not its loss.
    places: of the statements that its loss follows from.  further: other losses of the pass, with
    the parameters whose gradients are theirs.
    """

    seen: Pass
    loss: Loss
    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    functions: tuple[Callable[..., Any], Callable[..., Any]]
    taken: tuple[str, ...]
    numbers: frozenset[int]
    left: Mapping[str, Input]
    other_data: tuple[str, ...] = ()
    places: frozenset[int] = frozenset()
    further: tuple[Trained, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.parameters)

    @property
    def slopes(self) -> np.ndarray:
        """Slopes of the loss by those that the gradients claim, along a few directions."""
        return slopes(*self.functions, self.inputs, self.parameters)

    def check(self, seconds: float, repair_seconds: float = SECONDS) -> CheckResult:
        """One verdict a gradient."""
        with redirect_stdout(Nobody()):
            result = within(seconds, self.names, partial(self._checked, repair_seconds))
        result = replace(result, checks=tuple(
            self._with_left(one, by) for one, by in zip(result, self.parameters, strict=True)))
        for part in self.further:
            beside = part.check(seconds, repair_seconds)
            result = replace(
                result, checks=(*result.checks, *beside.checks), place=result.place or beside.place,
                first_wrong=result.first_wrong or beside.first_wrong,
                repair=result.repair or beside.repair,
                unrepaired=result.unrepaired or beside.unrepaired)
        return result

    def _with_left(self, check: Check, by: Parameter) -> Check:
        """A check with what the pass before leaves in a gradient."""
        if by.name not in self.left or check.verdict == "refuted":
            return check
        left = shown(self.left[by.name].paths[0])
        if left == by.text:
            return replace(check, verdict="refuted", scope="", reason=(
                f"{left} still has what the pass before has left in it: it is right in the first "
                "pass alone; set it to zero at the start of each"))
        return replace(check, verdict="undecided", scope="", reason=(
            f"{by.text} follows from {left}, too, which each pass changes (a momentum, say); give "
            "the gradient a name of its own"))

    def _checked(self, repair_seconds: float) -> CheckResult:
        result = self._judged(0)
        found = self._common(result)
        if found is not None:
            scaled_loss = scaled(self.functions[0], self.inputs, *found)
            made = replace(self, functions=(scaled_loss, self.functions[1]))
            factor = self._said(*found)
            result = made._judged(0)
            if result.verdict == "refuted":
                result = made._judged(repair_seconds)
            if not self.loss.is_asked:
                scale = float(found[0]) * math.prod(float(n) ** k for n, k in found[1].items())
                result = with_decay(result, self.parameters, self.loss.text, scale)
            return replace(result, checks=tuple(
                self._scaled(one, by, factor)
                for one, by in zip(result, self.parameters, strict=True)))
        if result.verdict in ("refuted", "undecided") and self._is_explained(result):
            result = self._judged(repair_seconds)
        if not self.loss.is_asked:
            result = with_decay(result, self.parameters, self.loss.text)
        return self._ascending(self._guessed(result))

    @property
    def fitting(self) -> frozenset[str]:
        """The parameters whose gradients have the slopes of the loss, up to a factor."""
        return frozenset(one.name for one, ratios in zip(
            self.parameters, by_parameter(self.slopes), strict=False) if goes_down(ratios, FITS))

    def shares(self, other: Trained) -> bool:
        """Whether one of two losses is a part of the other."""
        return self.places <= other.places or other.places <= self.places

    @property
    def _is_sure(self) -> bool:
        """Whether the loss is what is minimised: one of other data need not be."""
        return self.loss.is_asked or (self.loss.is_sure and not self.other_data)

    def _is_explained(self, result: CheckResult) -> bool:
        """Whether a repair is looked for: not where another loss may be meant."""
        return self._is_sure or not all(one.verdict == "refuted" for one in result)

    def _guessed(self, result: CheckResult) -> CheckResult:
        """Where nothing is right for a loss that is a guess, another may be meant."""
        if self._is_sure or not all(one.verdict == "refuted" for one in result):
            return result
        reason = (
            f"{self.loss.text} is the loss of other data than the gradients, which follow from "
            f"{', '.join(self.other_data)}; say that of the pass, as an expression of what it has, "
            "with --loss" if self.other_data else
            f"not the gradient of {self.loss.text}, which may not be what is minimised; if it is: "
            f"--loss=\"{self.loss.text}\"")
        return replace(result, first_wrong="", place=None, checks=tuple(
            replace(one, verdict="undecided", reason=reason, diagnosis="") for one in result))

    def _scaled(self, check: Check, by: Parameter, factor: str) -> Check:
        """What holds of a multiple of the loss, said of the loss."""
        if check.verdict not in PASSES:
            return check
        if by.is_step:
            rate = f"{by.rate:g} × " if by.rate != 1 else ""
            return replace(check, notes=(*check.notes, (
                f"a step is {rate}{factor} × the gradient of {self.loss.text}, for every parameter "
                "the same: the factor belongs to the learning rate")))
        return replace(check, verdict="undecided", scope="", reason=(
            f"all gradients are those of {factor} × {self.loss.text} ({check.verdict}), which is "
            f"right if the factor is left to the learning rate, and else wrong: --loss="
            f"\"{self.loss.text}\" or --loss=\"({factor}) * {self.loss.text}\" says which"))

    def _said(self, number: Fraction, powers: Mapping[int, int]) -> str:
        """A factor as the program can compute it."""
        sizes = [(_size_name(size, self.inputs), power) for size, power in powers.items()]
        above = [str(number.numerator)] * (number.numerator != 1) + [
            name for name, power in sizes for _ in range(max(power, 0))]
        below = [str(number.denominator)] * (number.denominator != 1) + [
            name for name, power in sizes for _ in range(max(-power, 0))]
        return "/".join([" * ".join(above) or "1", *below])

    def _common(self, result: CheckResult) -> tuple[Fraction, Mapping[int, int]] | None:
        """By what the gradients are larger than those of the loss: of steps that of most of them,
        else that of all.

        How long a step is belongs to the learning rate, so a factor that all have is no fault of
        theirs; and the loss that a program prints need not be the one that it goes down.
        """
        factors = [(Fraction(1), {}) if one.verdict in ("proved", "agrees")
                   else one.factor or as_numbers(one) for one in result]
        are_steps = all(one.is_step for one in self.parameters)
        found = max((one for one in factors if one is not None), key=factors.count, default=None)
        if found is None or found[0] < 0 or (found[0] == 1 and not found[1]):
            return None
        if are_steps:
            others = {one[0] for one in factors if one is not None}
            return found if factors.count(found) > 1 or len(others) == 1 else None
        return found if len(factors) > 1 and factors.count(found) == len(factors) \
            and not self.loss.is_asked else None

    def _ascending(self, result: CheckResult) -> CheckResult:
        """With what is to be said where every step goes up the loss."""
        factors = [one.factor for one in result]
        if not all(factor is not None and factor[0] < 0 for factor in factors):
            return result
        text = (f"every step goes up {self.loss.text}; if that is to be maximised: "
                f"--loss=\"-({self.loss.text})\"")
        return replace(result, common="\n".join(filter(None, (result.common, text))))

    def _judged(self, repair_seconds: float) -> CheckResult:
        loss, gradient = self.functions
        taken = Inputs.of({one.name: np.asarray(one.start) for one in self.inputs})
        asked = Asked(self.names, tuple(array.name for array in taken.arrays))
        general = General(taken, kept=self.numbers, varied=self.names)
        pair = Pair(FunctionSide.of("loss", loss, taken), asked, Keyed(), general, 0,
                    loose_units=True)
        side = FunctionSide.of("gradient", gradient, taken)
        result = pair.judged(side, repair_seconds)
        if any(one.verdict == "undecided" or (one.verdict == "refuted" and one.factor is None)
               for one in result) and {*general.sizes} - self.numbers:
            # A number that the program made of a size outside of the pass stays what it was.
            as_given = replace(pair, general=replace(general, kept=frozenset(general.sizes)))
            found = as_given.judged(side, 0)
            if ORDER.index(found.verdict) > ORDER.index(result.verdict):
                return found
        return result


def _size_name(size: int, inputs: Sequence[Input]) -> str:
    """A size as the program can ask for it."""
    return next(f"{one.name}.shape[{axis}]" for one in inputs for axis, number in enumerate(
        np.shape(one.start)) if number == size)
