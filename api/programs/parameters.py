"""The parameters of a pass, and where the pass has the gradient by each.

A gradient is what the program calls one (``dW1`` for ``W1``, ``grads["dW1"]``, ``self.dW1``); where
it has no name, the step by which the parameter is moved stands for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from gradproof.checks.hand_files import HandError
from gradproof.checks.layer_objects.places import (
    Held,
    Path,
    gradient_places,
    is_real,
    name_of,
    reached,
)
from gradproof.programs.copies import held_by_names, shown
from gradproof.programs.slices import Demand
from gradproof.programs.statements import (
    assigned,
    base,
    effects,
    is_put_back,
    outside,
)
from gradproof.programs.watching import Pass
from gradproof.repair.edits import function_name

NEAR = 1e-6
"""How far a step may be from a multiple of the gradient, relative to its largest entry."""

RATES = re.compile(r"^(lr|l_rate|learn\w*|rate|alpha|eta|epsilon|step_?size|lrate|_lr|stepsize)$",
                   re.IGNORECASE)
"""Names of learning rates."""


@dataclass(frozen=True)
class Parameter:
    """An array by which the pass is differentiated.

    paths: where it stands.  start: its numbers.  demand: what is its gradient, or, for a step, what
    it is moved to.  text: that gradient as the program has it.  is_step: the step stands for it.
    sign: -1 where the program adds its gradient, so that it is that of minus the loss.
    rate: what a step is divided by.  first: the first statement that moves it.  step: by which the
    program moves it, where that is not its gradient times the rate.
    """

    name: str
    paths: tuple[Path, ...]
    start: Any = field(compare=False)  # of one path there are no others, and arrays have no one ==
    demand: Demand
    text: str
    is_step: bool = False
    sign: int = 1
    rate: float = 1.0
    first: int = 0
    step: Parameter | None = None


def expression(path: Path) -> ast.expr:
    return ast.parse(shown(path), mode="eval").body


def parameters(
    seen: Pass, again: Pass | None, wrt: Sequence[str] | None
) -> list[Parameter]:
    """What a pass is differentiated by: what it moves by a step, or what is asked for.

    again: the next pass.  Raises HandError for a name that is asked for and not there.
    """
    stepped = set(seen.stepped)
    roots = _roots(seen)
    found = []
    everything = held_by_names(seen.start)
    for one in everything:
        paths = tuple(sorted(one.paths, key=lambda path: str(path[0].key) not in roots))
        chosen = one.paths[0] in stepped if wrt is None else _is_asked(one, wrt)
        if str(paths[0][0].key) in roots and chosen and is_real(one.value):
            found.append(Held(paths, one.value))
    names = dict(zip(map(id, found), _names(found, wrt), strict=True))
    made = [_parameter(names[id(one)], one, seen, again) for one in found]
    if wrt is not None:
        missing = [name for name in wrt if name not in {one.name for one in made}]
        if missing:
            there = [shown(one.paths[0]) for one in everything if is_real(one.value)
                     and np.ndim(one.value)][:30]
            raise HandError(f"--wrt: {missing[0]!r} is no array at the start of the pass in line "
                            f"{seen.site.line}; there are {', '.join(there) or 'none'}")
    return made


def _roots(seen: Pass) -> set[str]:
    """The names that the pass, or a function that it calls, reads."""
    values = seen.values
    found: set[str] = set()
    for statement in seen.site.body:
        found |= effects(statement, values).reads
    for name in list(found):
        found |= outside(values.get(name))
    return found


def _is_asked(one: Held, wrt: Sequence[str]) -> bool:
    return any(shown(path) in wrt or name_of(path) in wrt or (
        len(path) > 1 and name_of(path, whole=True) in wrt) for path in one.paths)


def _names(found: Sequence[Held], wrt: Sequence[str] | None) -> Iterator[str]:
    short = [name_of(one.paths[0]) for one in found]
    used: set[str] = set()
    for one, name in zip(found, short, strict=True):
        asked = [text for path in one.paths for text in (shown(path), name_of(path, whole=True))
                 if wrt is not None and text in wrt]
        if asked:
            name = asked[0]
        elif short.count(name) > 1 or (len(one.paths[0]) > 1 and one.paths[0][-1].is_item \
                and isinstance(one.paths[0][-1].key, int)):
            words = [str(step.key) for step in one.paths[0]]
            name = "_".join(words[1:] if words[0] == "self" and len(words) > 2 else words)
            name = re.sub(r"\W+", "_", name)
        while name in used:
            name += "_"
        used.add(name)
        yield name


def _parameter(name: str, one: Held, seen: Pass, again: Pass | None) -> Parameter:
    moved = next((seen.moved[path] for path in seen.moved if path in one.paths), None)
    if moved is None:
        moved = next((places for path, places in seen.moved.items() if _same(
            seen.start, path, one)), [])
    while moved[1:] and _is_put_back(seen.site.body[moved[-1]], one):
        moved = moved[:-1]
    count = len(seen.site.body)
    first, last = (moved[0], moved[-1]) if moved else (count, count)
    path = one.paths[0]
    step = Parameter(name, one.paths, one.value, Demand(name, expression(path), last + 1),
                     f"the step of {shown(path)}", is_step=True, first=first,
                     rate=_rate(seen, first))
    for place in dict.fromkeys(place for p in one.paths for place in gradient_places(
            seen.end, p)):
        value = reached(seen.end, place)
        within = [reached(seen.end, place[:k]) for k in range(1, len(place))]
        if any(isinstance(owner, np.ndarray) for owner in within):
            continue  # a row of a gradient of something else
        if _fits(value, one.value) and (at := _when(seen, again, place, first)) is not None \
                and (not moved or any(_follows(seen, at, str(place[0].key)) for at in moved)):
            return _named(step, Demand(name, expression(place), at), place, seen, one)
    return step


def _is_put_back(statement: ast.stmt, one: Held) -> bool:
    """Whether a statement puts a parameter back into its bounds, which is no part of a step."""
    names = {str(path[0].key) for path in one.paths}
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, ast.Mult | ast.Div) and base(statement.target) in names
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call) and is_put_back(
            statement.value, base(statement.value.args[0]) if statement.value.args else "")
    return isinstance(statement, ast.Assign) and any(
        base(target) in names and is_put_back(value, base(target))
        for target, value in assigned(statement))


def _same(start: SimpleNamespace, path: Path, one: Held) -> bool:
    return reached(start, path) is one.value


def _fits(gradient: Any, value: Any) -> bool:
    """Whether what is there may be a gradient: numbers in the parameter's number, or so."""
    if not (isinstance(gradient, np.ndarray | np.generic | int | float)) \
            or isinstance(gradient, bool | str):
        return False
    return np.size(gradient) == np.size(value) or np.size(gradient) == np.size(value[:1] if np.ndim(
        value) else value)


def _when(seen: Pass, again: Pass | None, place: Path, first: int) -> int | None:
    """Before which statement a gradient stands there; None where the pass does not assign it."""
    root = str(place[0].key)
    values = seen.values
    changed = {*seen.changed.get(root, ()), *(
        number for path, numbers in seen.moved.items() if path == place[:1] for number in numbers)}
    writing = [number for number, statement in enumerate(seen.site.body)
               if number in changed or root in effects(statement, values).writes]
    if not writing:
        return None
    if len(place) > 1 and again is not None:
        moved = next((numbers for path, numbers in again.moved.items() if path == place or (
            reached(again.start, path) is reached(again.start, place))), None)
        if moved:
            writing = moved
    before = [number for number in writing if number < first]
    if not before:
        return min(writing[0] + 1, len(seen.site.body))
    at = first
    while before[1:] and _clips(seen, before[-1], root):
        at = before.pop()
    return at


def _clips(seen: Pass, place: int, name: str) -> bool:
    """Whether a statement makes a gradient shorter, which is the optimiser's: by what is called so,
    or where it is long.
    """
    statement = seen.site.body[place]
    if isinstance(statement, ast.If):
        return _follows(seen, place, name, statement.test)
    reads = any(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
                for node in ast.walk(statement))
    return reads and any(isinstance(node, ast.Call) and "clip" in function_name(node).lower()
                         for node in ast.walk(statement))


def _follows(seen: Pass, place: int, name: str, part: ast.expr | None = None) -> bool:
    """Whether what a statement of the pass does, or a part of it, follows from a name's value."""
    values = seen.values
    needed = ({node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
              if part is not None else set(effects(seen.site.body[place], values).reads))
    for before in reversed(seen.site.body[:place]):
        effect = effects(before, values)
        if name in needed:
            return True
        if effect.writes & needed:
            needed |= effect.reads
    return name in needed


def _named(
    step: Parameter, demand: Demand, place: Path, seen: Pass, one: Held
) -> Parameter:
    """A gradient that has a name: whether the program goes against it, along it, or by it."""
    text = shown(place)
    instead = replace(step, text=f"{step.text} (which is not {text} times the rate)")
    made = replace(step, demand=demand, text=text, is_step=False, step=instead)
    end = next((value for path in one.paths if is_real(value := reached(seen.end, path))), None)
    gradient = reached(seen.end, place)
    if end is None:
        return made
    taken = np.asarray(end, dtype=float) - np.asarray(one.value, dtype=float)
    try:
        grad = np.broadcast_to(np.asarray(gradient, dtype=float), taken.shape)
    except ValueError:
        return made
    scale = float(np.sum(grad * grad))
    if not scale or not np.all(np.isfinite(taken)) or not np.any(taken):
        return made
    factor = float(np.sum(taken * grad)) / scale
    if np.max(np.abs(taken - factor * grad)) > NEAR * np.max(np.abs(taken)):
        return made
    made = replace(made, sign=1 if factor < 0 else -1)
    if abs(abs(factor) - 1) < NEAR:  # the rate is in it
        return replace(step, text=f"{text}, the step itself")
    if abs(abs(factor) - step.rate) < NEAR * step.rate:
        return replace(made, step=None)
    return made


def _rate(seen: Pass, statement: int) -> float:
    """The learning rate of a step, as far as one is named; else 1."""
    found: dict[str, float] = {}
    for name, value in vars(seen.start).items():
        if RATES.match(name) and isinstance(value, float) and value > 0:
            found[name] = value
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            found.update(_attributes(value))
    body = seen.site.body
    if statement < len(body):
        here = {node.id if isinstance(node, ast.Name) else node.attr
                for node in ast.walk(body[statement])
                if isinstance(node, ast.Name | ast.Attribute)}
        for name in here & found.keys():
            return found[name]
        for node in ast.walk(body[statement]):
            if isinstance(node, ast.Constant) and isinstance(node.value, float) and (
                    0 < node.value < 1) and base(getattr(body[statement], "target", node)) == "":
                return float(node.value)
    return next(iter(found.values()), 1.0)


def _attributes(value: Any) -> Iterator[tuple[str, float]]:
    for key, inner in list(getattr(value, "__dict__", {}).items())[:100]:
        if RATES.match(str(key)) and isinstance(inner, float) and inner > 0:
            yield str(key), inner
