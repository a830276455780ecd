"""The gradients of a program's pass, held against the loss of the same pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.functions import Pair
from gradproof.checks.given_arrays import General
from gradproof.checks.hand_files import HandError
from gradproof.checks.inputs import Inputs
from gradproof.checks.results import ORDER, CheckResult, within
from gradproof.checks.returned import Asked, Keyed
from gradproof.checks.subject import FunctionSide
from gradproof.numeric.factors import Factor
from gradproof.programs.losses import Loss, find_loss
from gradproof.programs.options import Options
from gradproof.programs.parameters import Parameter, parameters
from gradproof.programs.replays import (
    Input,
    depends,
    differs,
    gradient_function,
    inputs_of,
    loss_function,
    needed,
    scaled,
)
from gradproof.programs.slices import Slice, Slicer
from gradproof.programs.texts import read_program
from gradproof.programs.watching import Pass, Watcher, main_module, run_watched
from gradproof.programs.wording import no_loss, no_parameters, no_pass, taken
from gradproof.repair.search import SECONDS
from gradproof.symbolic.places import said_place


@dataclass(frozen=True)
class Trained:
    """A pass with what is checked of it.  taken: what was taken for what, in words."""

    seen: Pass
    loss: Loss
    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    functions: tuple[Callable[..., Any], Callable[..., Any]]
    taken: tuple[str, ...]
    numbers: frozenset[int]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.parameters)

    def check(self, seconds: float, repair_seconds: float = SECONDS) -> CheckResult:
        """One verdict a gradient."""
        return within(seconds, self.names, partial(self._checked, repair_seconds))

    def _checked(self, repair_seconds: float) -> CheckResult:
        result = self._judged(repair_seconds)
        found = self._common(result)
        if found is None:
            return result
        number, powers = found
        if number < 0 or (number == 1 and not powers):
            return result
        loss = scaled(self.functions[0], self.inputs, number, powers)
        again = replace(self, functions=(loss, self.functions[1]))._judged(repair_seconds)
        said = str(Factor(number, {_size_name(size, self.inputs): power
                                   for size, power in powers.items()}))
        rates = {one.rate for one in self.parameters}
        rate = f"{rates.pop():g} × " if len(rates) == 1 and rates != {1.0} else ""
        note = (f"a step is {rate}{said} × the gradient of {self.loss.text}, for every parameter "
                "the same: the factor belongs to the learning rate")
        return replace(again, checks=tuple(
            replace(one, notes=(*one.notes, note)) if one.verdict in ("proved", "agrees") else one
            for one in again))

    def _common(self, result: CheckResult) -> tuple[Fraction, Mapping[int, int]] | None:
        """By what the steps are larger than the gradients, most of them alike.

        How long a step is belongs to the learning rate, so a factor that all have is no fault.
        """
        if not all(one.is_step for one in self.parameters):
            return None
        factors = [one.factor for one in result]
        found = max((one for one in factors if one is not None), key=factors.count, default=None)
        return found if found is not None and 2 * factors.count(found) >= len(factors) else None

    def _judged(self, repair_seconds: float) -> CheckResult:
        loss, gradient = self.functions
        taken = Inputs.of({one.name: np.asarray(one.start) for one in self.inputs})
        asked = Asked(self.names, tuple(array.name for array in taken.arrays))
        general = General(taken, kept=self.numbers, varied=self.names)
        pair = Pair(FunctionSide.of("loss", loss, taken), asked, Keyed(), general, 0,
                    loose_units=True)
        side = FunctionSide.of("gradient", gradient, taken)
        result = pair.judged(side, repair_seconds)
        if result.verdict in ("refuted", "undecided") and {*general.sizes} - self.numbers:
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
    names = main_module(file)
    watcher = run_watched(text, names, options.line, options.call, seconds)
    made = trained(watcher, file, options)
    left_out = tuple(f"left out, which is no Python: {line}" for line in text.left_out)
    return replace(made, taken=(*left_out, *made.taken))


def trained(watcher: Watcher, file: str, options: Options) -> Trained:
    """What is to be checked of a program that was run.

    Raises HandError with what was not found, and the option that says it.
    """
    seen, again = _chosen(watcher, file)
    wrt = options.wrt or None
    found = parameters(seen, again, wrt)
    if not found:
        raise HandError(no_parameters(seen, file))
    names = frozenset(str(path[0].key) for one in found for path in one.paths)
    slicer = Slicer(seen, names)
    loss = find_loss(seen, found, slicer, options.loss, watcher.tree)
    if loss is None:
        raise HandError(no_loss(seen, file))
    of_loss = slicer.sliced([loss.demand], loss.without)
    found = _dependent(found, of_loss, wrt is not None, loss, file)
    of_gradient = slicer.sliced([one.demand for one in found])
    inputs = inputs_of([of_loss, of_gradient], found)
    made = _functions(of_loss, of_gradient, inputs, found)
    inputs = needed(inputs, found, made)
    made = _functions(of_loss, of_gradient, inputs, found)
    said = differs(loss, made[0](**{one.name: one.start for one in inputs}), of_loss)
    if said:
        raise HandError(f"{said_place(file, seen.site.line)}: the pass cannot be run again by "
                        f"itself: {said}")
    return Trained(seen, loss, tuple(found), tuple(inputs), made,
                   tuple(taken(seen, loss, found, file)), _numbers(of_loss, of_gradient))


def _functions(
    of_loss: Slice, of_gradient: Slice, inputs: Sequence[Input], found: Sequence[Parameter]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return loss_function(of_loss, inputs), gradient_function(of_gradient, inputs, found)


def _chosen(watcher: Watcher, file: str) -> tuple[Pass, Pass | None]:
    """The pass that trains, and the one after it."""
    passes = watcher.passes
    if not passes:
        raise HandError(no_pass(watcher, file))
    for first, second in itertools.pairwise(passes):
        if first.site is second.site and {*first.stepped} & {*second.stepped}:
            return first, second
    return max(passes, key=lambda one: len(one.stepped)), None


def _dependent(
    found: list[Parameter], of_loss: Slice, are_asked: bool, loss: Loss, file: str
) -> list[Parameter]:
    """The parameters from which the loss follows; the others are what an optimiser keeps."""
    inputs = inputs_of([of_loss], found)
    function = loss_function(of_loss, inputs)
    kept = [one for one in found if any(_is_handed(of_loss, path) for path in one.paths)
            and depends(function, inputs, one.name)]
    if not kept or (are_asked and len(kept) < len(found)):
        other = next(one for one in found if one not in kept)
        raise HandError(f"{said_place(file, loss.line)}: the loss {loss.text} does not depend on "
                        f"{other.name}; say which loss of the pass is meant with --loss")
    return kept


def _is_handed(made: Slice, path: Any) -> bool:
    return str(path[0].key) in made.handed


def _numbers(*slices: Slice) -> frozenset[int]:
    """Whole numbers that are handed in, each of which may be a size that was asked for before."""
    return frozenset(
        int(value) for made in slices for name in made.handed
        if isinstance(value := made.value(name), int | np.integer)
        and not isinstance(value, bool) and value > 1)
