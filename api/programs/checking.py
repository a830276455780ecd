"""The gradients of a program's pass, held against the loss of the same pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof.checks.hand_files import HandError
from gradproof.checks.layer_objects.places import reached
from gradproof.programs.carried import carried, with_carried
from gradproof.programs.losses import Loss, find_losses, is_said_loss
from gradproof.programs.options import Options
from gradproof.programs.parameters import Parameter, parameters
from gradproof.programs.proposing import (
    closer,
    goes_down,
    of_the_pass,
    proposals,
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
)
from gradproof.programs.running import main_module, run_watched
from gradproof.programs.sites import HOOK
from gradproof.programs.slices import Slice, Slicer
from gradproof.programs.texts import ProgramText, read_program
from gradproof.programs.trained import Nobody, Trained
from gradproof.programs.watching import Pass, Watcher, gone_on
from gradproof.programs.wording import (
    NoPassError,
    no_loss,
    no_parameters,
    no_pass,
    not_looked_at,
    taken,
)
from gradproof.symbolic.places import said_place


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
    except HandError as error:
        raise (refused or [error])[0] from None
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
    with redirect_stdout(Nobody()), np.errstate(all="ignore"):
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
    known = carried(slicer, _moving(seen, found))
    slicer = replace(slicer, varied=names | known.keys())
    named = [one.demand for one in found if not one.is_step]
    used = slicer.sliced(named or [one.demand for one in found]).used
    losses = find_losses(seen, found, options.loss, watcher.trees, used)
    if losses:
        def paired(loss: Loss, some: list[Parameter]) -> Trained:
            if some == found:
                return _paired(seen, again, some, (slicer, known), loss, wrt is not None)
            # Others may have moved before it is computed.
            loss = next((one for one in find_losses(
                seen, some, "", watcher.trees, used) if one.text == loss.text), loss)
            own = replace(slicer, fixed=_moving(seen, found) - _moving(seen, some))
            return _paired(seen, again, some, (own, known), loss, wrt is not None)

        made = _by_losses(paired, losses, found)
        if made.other_data and not made.loss.is_asked:
            made = _of_its_data(made, lambda loss: paired(loss, found))
        return replace(made, taken=(*made.taken, *not_looked_at(watcher)))
    text = _proposed(seen, again, found, (slicer, known))
    raise (HandError if text else OtherLoopError)(no_loss(seen, command, text))


def _proposed(
    seen: Pass, again: Pass | None, found: list[Parameter],
    lines: tuple[Slicer, Mapping[str, Slice]],
) -> str:
    """A loss that goes down with the gradients, as text; empty where none of the likely ones does.
    """
    for text in proposals(seen):
        with suppress(HandError, ValueError):
            asked, = find_losses(seen, found, text, ())
            if goes_down(_paired(seen, again, found, lines, asked, True).slopes):
                return text
    return ""


def _of_its_data(made: Trained, paired: Callable[[Loss], Trained]) -> Trained:
    """A pass whose loss is that of other data, with this loss of its own, if that is what a
    gradient is of."""
    for text in of_the_pass(made.seen, made.loss.demand.value, made.other_data):
        with suppress(HandError, ValueError):
            loss, = find_losses(made.seen, made.parameters, text, ())
            other = paired(replace(loss, line=made.loss.line, note=(
                f"of the data of a pass, where {made.loss.text} is of others")))
            if other.fitting:
                return other
    return made


def _moving(seen: Pass, found: Sequence[Parameter]) -> frozenset[int]:
    """The statements of a pass that move parameters."""
    return frozenset(place for one in found for path, places in seen.moved.items()
                     if path in one.paths for place in places)


def _by_losses(
    paired: Callable[[Loss, list[Parameter]], Trained], losses: Sequence[Loss],
    found: list[Parameter],
) -> Trained:
    """A pass with its likeliest loss, and with others for the parameters whose gradients are
    theirs: two networks that are trained against each other, say.

    A loss of which another is a part, or that is a part of it, is no other.
    """
    made = paired(losses[0], found)
    others = [*{one.text: one for one in reversed(losses) if one.is_sure}.values()][::-1]
    parts = _beside(paired, made, others, found, losses[0]) if len(others) > 1 else []
    if not parts:
        return made
    theirs = {name for _, names in parts for name in names}
    own = [one for one in found if one.name not in theirs]
    taken = {part.loss.text for part, _ in parts}
    if made.fitting:  # the likeliest is that of others, too
        taken.discard(losses[0].text)
    free = [one for one in others if one.text not in taken]
    first, *further = [*([paired((free or losses)[0], own)] if own else []),
                       *(part for part, _ in parts)]
    return replace(first, further=tuple(further))


def _beside(
    paired: Callable[[Loss, list[Parameter]], Trained], made: Trained, others: Sequence[Loss],
    found: list[Parameter], likeliest: Loss,
) -> list[tuple[Trained, list[str]]]:
    """Passes with other losses, each with the names of those whose gradients are of that loss, and
    not of the likeliest, with which the pass is `made`."""
    left = [one for one in found if one.name not in made.fitting]
    parts: list[tuple[Trained, list[str]]] = []
    for loss in others if left else ():
        # What has moved before a loss is computed belongs to another one.
        after = [one for one in found if one.first >= loss.demand.at]
        for some in (after, found):
            with suppress(HandError):
                other = paired(loss, some) if some else made
                names = [one.name for one in left if one.name in other.fitting]
                if names and (loss.text == likeliest.text or not other.shares(made)):
                    left = [one for one in left if one.name not in names]
                    parts.append((paired(loss, [one for one in some if one.name in names]), names))
    return parts


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
                   drawn_anew(of_gradient, of_loss, again), frozenset(of_loss.kept))


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
