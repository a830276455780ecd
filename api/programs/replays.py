"""A pass as two functions of its arrays: its loss, and its gradients.

Both run the user's own lines.  The first replay, on what the pass began with, must give what the
pass itself has computed; what it does not is told.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from gradproof.checks.hand_files import HandError
from gradproof.checks.layer_objects.places import Path, is_real, name_of, put
from gradproof.programs.copies import copied, held_by_names
from gradproof.programs.losses import Loss
from gradproof.programs.parameters import Parameter
from gradproof.programs.slices import Slice
from gradproof.programs.watching import Pass
from gradproof.symbolic.places import said_place

MOST_INPUTS = 40


class OtherLoopError(HandError):
    """A loop that does not train, though it moves arrays: another one may."""


@dataclass(frozen=True)
class Input:
    """An array of the pass that varies: a parameter, or data.  paths: where it stands."""

    name: str
    paths: tuple[Path, ...]
    start: Any


def replayed(
    made: Slice, inputs: Sequence[Input]
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function of arrays by name, which runs the slice with them in their places."""
    function = made.function()
    taken = function.__code__.co_varnames[:function.__code__.co_argcount]
    values = {name: made.value(name) for name in made.handed}
    beside = tuple(sorted({*made.outside} & {*made.handed}))
    placed = tuple(replace(one, paths=tuple(path for path in one.paths if path[0].key in values))
                   for one in inputs)
    return _replay(function, values, placed, taken, beside)


def _replay(
    function: FunctionType, values: dict[str, Any], inputs: tuple[Input, ...],
    taken: tuple[str, ...], beside: tuple[str, ...],
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def run(arrays: Mapping[str, Any]) -> dict[str, Any]:
        known: dict[int, Any] = {}
        space = SimpleNamespace(**{name: copied(value, known) for name, value in values.items()})
        for one in inputs:
            value = _as_start(arrays[one.name], one.start)
            for path in one.paths:
                put(space, path, value)
        for name in beside:
            function.__globals__[name] = getattr(space, name)
        found: dict[str, Any] = function(**{name: getattr(space, name) for name in taken})
        return found

    return run


def _as_start(value: Any, start: Any) -> Any:
    """A value to be put where the start was: a copy of an array, a number for a number."""
    if isinstance(start, np.ndarray):
        return value.copy()
    return value[()] if isinstance(value, np.ndarray) else value


def loss_function(made: Slice, inputs: Sequence[Input], sign: int = 1) -> Callable[..., Any]:
    """The loss of the pass, as a function of the inputs by name; sign: -1 for what is maximised."""
    run = replayed(made, inputs)

    def loss(**arrays: Any) -> Any:
        value = np.sum(run(arrays)["loss"])
        return value if sign > 0 else -value

    return loss


def scaled(
    loss: Callable[..., Any], inputs: Sequence[Input], number: Fraction, powers: Mapping[int, int]
) -> Callable[..., Any]:
    """A multiple of a loss.  powers: of sizes, which are named by what they are at the start.

    Raises KeyError for a size that no input has.
    """
    above, below = number.numerator, number.denominator
    axes = {size: (one.name, axis) for one in inputs for axis, size in enumerate(
        np.shape(one.start))}
    sizes = tuple((*axes[size], power) for size, power in powers.items())

    def made(**arrays: Any) -> Any:
        value = loss(**arrays) * above / below
        for name, axis, power in sizes:
            size = arrays[name].shape[axis]
            value = value * size ** power if power > 0 else value / size ** -power
        return value

    return made


def gradient_function(
    made: Slice, inputs: Sequence[Input], parameters: Sequence[Parameter]
) -> Callable[..., Any]:
    """The gradients of the pass by name; a step is the gradient times the learning rate."""
    run = replayed(made, inputs)
    ways = tuple((one.name, one.is_step, one.sign, one.rate) for one in parameters)

    def gradient(**arrays: Any) -> dict[str, Any]:
        found = run(arrays)
        made: dict[str, Any] = {}
        for name, is_step, sign, rate in ways:
            value = found[name]
            if is_step:
                value = (arrays[name] - value) / rate if rate != 1 else arrays[name] - value
            made[name] = value if sign > 0 else -value
        return made

    return gradient


def inputs_of(
    slices: Sequence[Slice], parameters: Sequence[Parameter]
) -> list[Input]:
    """The parameters, and the other arrays that are handed in."""
    space = SimpleNamespace(**{name: made.value(name) for made in slices for name in made.handed})
    mine = {path for one in parameters for path in one.paths}
    found = [Input(one.name, one.paths, one.start) for one in parameters]
    used = {one.name for one in found}
    for one in held_by_names(space):
        if not isinstance(one.value, np.ndarray) or mine & {*one.paths} or len(
                found) >= MOST_INPUTS or one.value.dtype.kind not in "fiu" or not one.value.ndim:
            continue
        name = name_of(one.paths[0], whole=len(one.paths[0]) > 1)
        while name in used:
            name += "_"
        used.add(name)
        found.append(Input(name, one.paths, one.value))
    return found[len(parameters):] + found[:len(parameters)]  # the data's sizes are named first


def needed(
    inputs: Sequence[Input], parameters: Sequence[Parameter],
    functions: Sequence[Callable[..., Any]],
) -> list[Input]:
    """The parameters, and of the other inputs those on which something depends."""
    start = {one.name: one.start for one in inputs}
    names = {one.name for one in parameters}
    plain = [_outcome(function, start) for function in functions]
    found = []
    for one in inputs:
        deep = all(len(path) > 1 for path in one.paths)
        if one.name in names or not deep or one.start.dtype.kind != "f":
            found.append(one)
            continue
        spoilt = {**start, one.name: np.full_like(one.start, np.nan)}
        if any(not _same(_outcome(function, spoilt), known)
               for function, known in zip(functions, plain, strict=True)):
            found.append(one)
    return found


def left_over(
    gradient: Callable[..., Any], loss: Callable[..., Any], inputs: Sequence[Input],
    parameters: Sequence[Parameter], moved: Collection[Path],
) -> dict[str, Input]:
    """By parameter, what its gradient follows from that the pass itself leaves for the next one.

    moved: where the pass changes arrays.  What the loss follows from, too, is a state of the model.
    """
    start = {one.name: one.start for one in inputs}
    names = {one.name for one in parameters}
    rng = np.random.default_rng(6)
    plain, of_loss = _outcome(gradient, start), _outcome(loss, start)
    found: dict[str, Input] = {}
    for one in inputs:
        if one.name in names or one.start.dtype.kind != "f" or not {*one.paths} & {*moved}:
            continue
        other = {**start, one.name: one.start + rng.normal(size=one.start.shape)}
        changed = _outcome(gradient, other)
        if _same(_outcome(loss, other), of_loss) and isinstance(plain, dict) and isinstance(
                changed, dict):
            found.update((name, one) for name in names if not np.allclose(
                plain[name], changed[name], equal_nan=True))
    return found


def drawn_anew(gradient: Slice, loss: Slice, again: Pass | None) -> tuple[str, ...]:
    """The data that each pass has anew, a batch or the place of one, from which the gradients
    follow and the loss does not.

    again: another pass; None where there was but one, of which this is not known.
    """
    if again is None:
        return ()
    def was_and_is(made: Slice, name: str) -> tuple[Any, Any]:
        if name in made.frozen:
            now = again.after.get(made.frozen[name], {}).get(made.renamed.get(name, name))
        else:
            now = getattr(again.start, name, None) if name not in moved else None
        return made.value(name), now

    def is_anew(was: Any, now: Any) -> bool:
        return now is not None and not np.array_equal(was, now, equal_nan=True)

    seen = gradient.seen
    body = [seen.site.body[place] for place in gradient.kept]
    places = {node.id for statement in body for part in ast.walk(statement)
              if isinstance(part, ast.Subscript) for node in ast.walk(part.slice)
              if isinstance(node, ast.Name)}
    moved = {path[0].key for path in seen.moved}
    if any(isinstance(loss.value(name), np.ndarray) and is_anew(*was_and_is(loss, name))
           for name in {*gradient.handed} & {*loss.handed}):
        return ()  # they follow from the same batch
    found = []
    for name in {*gradient.handed} - {*loss.handed}:
        was, now = was_and_is(gradient, name)
        is_data = isinstance(was, np.ndarray | np.floating) or (
            name in places and isinstance(was, int | np.integer))
        if is_data and is_anew(was, now):
            found.append(name)
    return tuple(sorted(found))


def depends(loss: Callable[..., Any], inputs: Sequence[Input], name: str) -> bool:
    """Whether the loss follows from an array at all."""
    start = {one.name: one.start for one in inputs}
    value = np.asarray(start[name], dtype=float)
    rng = np.random.default_rng(4)
    plain = _outcome(loss, start)
    for other in (np.full(value.shape, np.nan), value + rng.normal(size=value.shape)):
        if not _same(_outcome(loss, {**start, name: other[()] if not value.ndim else other}),
                     plain):
            return True
    return False


def _outcome(function: Callable[..., Any], arrays: Mapping[str, Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return function(**arrays)
    except Exception as error:  # other values than it can take: it depends on them
        return f"{type(error).__name__}: {error}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, str) or isinstance(other, str):
        return bool(isinstance(one, str) and one == other)
    return bool(np.array_equal(np.asarray(one, dtype=float), np.asarray(other, dtype=float),
                               equal_nan=True))


def differs(loss: Loss, value: Any, made: Slice) -> str:
    """How a replayed loss is not what the pass computed; empty where it is, or is not known."""
    name = getattr(loss.demand.value, "id", "")
    place = loss.demand.at - 1
    if not name or loss.without or name not in made.seen.after.get(place, {}):
        return ""
    was = made.seen.after[place][name]
    if not (is_real(was) or isinstance(was, np.ndarray)):
        return ""
    value = loss.sign * value
    if np.allclose(np.sum(was), value, rtol=1e-9, atol=0, equal_nan=True):
        return ""
    return f"run again, the pass gives a {name} of {float(value):.6g}, and not {np.sum(was):.6g}"


def dependent(
    found: list[Parameter], of_loss: Slice, are_asked: bool, loss: Loss
) -> list[Parameter]:
    """The parameters from which the loss follows; the others are what an optimiser keeps."""
    inputs = inputs_of([of_loss], found)
    function = loss_function(of_loss, inputs)
    kept = [one for one in found if any(str(path[0].key) in of_loss.handed for path in one.paths)
            and depends(function, inputs, one.name)]
    if not kept or (are_asked and len(kept) < len(found)):
        other = next(one for one in found if one not in kept)
        kind = HandError if loss.is_asked else OtherLoopError
        value = _outcome(function, {one.name: one.start for one in inputs})
        where, does = said_place(loss.file, loss.line), f"does not depend on {other.name}"
        if not isinstance(value, str) and not np.all(np.isfinite(value)):
            does = f"is {float(value)} in the pass"
        raise kind(f"{where}: the loss {loss.text} {does}; say which loss of the pass is meant "
                   "with --loss")
    return kept


def numbers(*slices: Slice) -> frozenset[int]:
    """Whole numbers that are handed in, or written down where the pass cuts arrays, each of which
    may be a size that was asked for before."""
    handed = (made.value(name) for made in slices for name in made.handed)
    written = (node.value for statement in slices[0].seen.site.body for cut in ast.walk(statement)
               if isinstance(cut, ast.Slice) for node in ast.walk(cut)
               if isinstance(node, ast.Constant))
    return frozenset(int(value) for value in (*handed, *written) if isinstance(
        value, int | np.integer) and not isinstance(value, bool) and value > 1)
