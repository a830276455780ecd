"""The gradients of a program's pass, held against the loss of the same pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from io import TextIOBase
from typing import Any

import numpy as np

from gradproof.checks.functions import Pair
from gradproof.checks.given_arrays import General
from gradproof.checks.hand_files import HandError
from gradproof.checks.inputs import Inputs
from gradproof.checks.layer_objects.places import reached
from gradproof.checks.results import ORDER, PASSES, Check, CheckResult, within
from gradproof.checks.returned import Asked, Keyed
from gradproof.checks.subject import FunctionSide
from gradproof.programs.carried import carried, with_carried
from gradproof.programs.losses import Loss, find_loss, is_said_loss
from gradproof.programs.options import Options
from gradproof.programs.parameters import Parameter, parameters, shown
from gradproof.programs.proposing import (
    as_numbers,
    closer,
    goes_down,
    proposals,
    slopes,
    with_decay,
)
from gradproof.programs.replays import (
    Input,
    OtherLoopError,
    dependent,
    differs,
    drawn_anew,
    gradient_function,
    inputs_of,
    left_over,
    loss_function,
    needed,
    numbers,
    scaled,
)
from gradproof.programs.running import main_module, run_watched
from gradproof.programs.sites import HOOK
from gradproof.programs.slices import Slice, Slicer
from gradproof.programs.texts import ProgramText, read_program
from gradproof.programs.watching import Pass, Watcher, gone_on
from gradproof.programs.wording import NoPassError, no_loss, no_parameters, no_pass, taken
from gradproof.repair.search import SECONDS
from gradproof.symbolic.places import said_place


class _Nobody(TextIOBase):
    """Who hears what the lines of a pass print when they are run again."""

    def write(self, text: str) -> int:
        return len(text)


@dataclass(frozen=True)
class Trained:
    """A pass with what is checked of it.

    functions: its loss and its gradients.  taken: what was taken for what, in words.  numbers:
    whole numbers that may be sizes.  left: by parameter, what an earlier pass leaves in its
    gradient.  other_data: what each pass has anew and its gradients follow from, but not its loss.
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

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.parameters)

    @property
    def slopes(self) -> np.ndarray:
        """Slopes of the loss by those that the gradients claim, along a few directions."""
        return slopes(*self.functions, self.inputs, self.parameters)

    def check(self, seconds: float, repair_seconds: float = SECONDS) -> CheckResult:
        """One verdict a gradient."""
        with redirect_stdout(_Nobody()):
            result = within(seconds, self.names, partial(self._checked, repair_seconds))
        return replace(result, checks=tuple(
            self._with_left(one, by) for one, by in zip(result, self.parameters, strict=True)))

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


def program_of(file: str, options: Options, seconds: float) -> Trained:
    """Runs a program until it has been seen to train, and says what is to be checked of it.

    Raises HandError with what is wrong or missing, and what to do.
    """
    text = read_program(file)
    return program_in(text, main_module(file), options, seconds, f"gradproof check {file}")


def program_in(
    text: ProgramText, names: dict[str, Any], options: Options, seconds: float, command: str
) -> Trained:
    """The same for a text that is run with variables that are there.

    command: what is written to have it checked, for messages.
    """
    found: list[Trained] = []
    refused: list[HandError] = []

    def accept(watcher: Watcher) -> bool:
        try:
            found.append(trained(watcher, command, options))
        except OtherLoopError as error:
            refused.append(error)
        return bool(found)

    try:
        watcher = run_watched(text, names, options, seconds, accept)
    finally:
        names.pop(HOOK, None)
    if refused and not (found or watcher.passes):
        raise refused[0]
    made = found[0] if found else trained(watcher, command, options)
    left_out = tuple(f"left out, which is no Python: {line}" for line in text.left_out)
    return replace(made, taken=(*left_out, *made.taken))


def trained(watcher: Watcher, command: str, options: Options) -> Trained:
    """What is to be checked of a program that was run.  What its lines print now nobody hears.

    Raises HandError with what was not found, and the option that says it.
    """
    with redirect_stdout(_Nobody()), np.errstate(all="ignore"):
        return _trained(watcher, command, options)


def _trained(watcher: Watcher, command: str, options: Options) -> Trained:
    seen, again = _chosen(watcher, command)
    wrt = options.wrt or None
    found = [one for one in parameters(seen, again, wrt)
             if wrt is not None or np.ndim(one.start) or not is_said_loss(one.name)]
    if not found:
        raise OtherLoopError(no_parameters(seen))
    names = frozenset(str(path[0].key) for one in found for path in one.paths)
    slicer = Slicer(seen, names)
    known = carried(slicer, frozenset(
        place for one in found for path, places in seen.moved.items() if path in one.paths
        for place in places))
    slicer = replace(slicer, varied=names | known.keys())
    named = [one.demand for one in found if not one.is_step]
    used = slicer.sliced(named or [one.demand for one in found]).used
    loss = find_loss(seen, found, options.loss, watcher.trees, used)
    if loss is not None:
        return _paired(seen, again, found, (slicer, known), loss, wrt is not None)
    for text in proposals(seen):
        with suppress(HandError, ValueError):
            asked = find_loss(seen, found, text, ())
            assert asked is not None
            made = _paired(seen, again, found, (slicer, known), asked, True)
            if goes_down(made.slopes):
                break
    else:
        text = ""
    raise HandError(no_loss(seen, command, text))


def _paired(
    seen: Pass, again: Pass | None, found: list[Parameter],
    lines: tuple[Slicer, Mapping[str, Slice]], loss: Loss, are_asked: bool,
) -> Trained:
    """A pass with its loss.  again: another pass.

    Raises HandError where they do not belong together.
    """
    slicer, known = lines
    of_loss = with_carried(slicer.sliced([loss.demand], loss.without), known)
    found = dependent(found, of_loss, are_asked, loss)
    made = _held(seen, again, found, lines, loss, of_loss)
    steps = [one.step or one for one in found]
    if steps == found:
        return made
    by_steps = _held(seen, again, steps, lines, loss, of_loss)
    are_steps = closer(by_steps.slopes, made.slopes) or [False] * len(found)
    chosen = [step if is_step else one for step, one, is_step in zip(
        steps, found, are_steps, strict=True)]
    return made if chosen == found else by_steps if chosen == steps else _held(
        seen, again, chosen, lines, loss, of_loss)


def _held(
    seen: Pass, again: Pass | None, found: Sequence[Parameter],
    lines: tuple[Slicer, Mapping[str, Slice]], loss: Loss, of_loss: Slice,
) -> Trained:
    """A pass with its loss and gradients as functions."""
    slicer, known = lines
    of_gradient = with_carried(slicer.sliced([one.demand for one in found]), known)
    inputs = inputs_of([of_loss, of_gradient], found)
    made = _functions(loss, of_loss, of_gradient, inputs, found)
    inputs = needed(inputs, found, made)
    made = _functions(loss, of_loss, of_gradient, inputs, found)
    said = differs(loss, made[0](**{one.name: one.start for one in inputs}), of_loss)
    if said:
        raise HandError(f"{said_place(seen.site.file, seen.site.line)}: the pass cannot be run "
                        f"again by itself: {said}")
    return Trained(seen, loss, tuple(found), tuple(inputs), made,
                   tuple(taken(seen, loss, found)), numbers(of_loss, of_gradient),
                   left_over(made[1], made[0], inputs, found, seen.moved),
                   drawn_anew(of_gradient, of_loss, again))


def _functions(
    loss: Loss, of_loss: Slice, of_gradient: Slice, inputs: Sequence[Input],
    found: Sequence[Parameter],
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return (loss_function(of_loss, inputs, loss.sign),
            gradient_function(of_gradient, inputs, found))


def _chosen(watcher: Watcher, command: str) -> tuple[Pass, Pass | None]:
    """The pass that trains, and the one after it."""
    passes = watcher.passes
    if not passes:
        raise NoPassError(no_pass(watcher, command))
    if watcher.both is None:
        return max(passes, key=lambda one: len(one.stepped)), None
    first, second = watcher.both
    common = gone_on(first, second)
    # What stays in the first pass, for want of a slope there, or begins as a whole number.
    further = tuple(path for path in second.stepped if path not in common and isinstance(
        reached(first.start, path), np.ndarray | np.number | int | float))
    if further:
        return replace(second, stepped=(*common, *further)), first
    return replace(first, stepped=common), second
