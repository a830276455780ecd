"""One attempt on the checker's word: a loss, a hand-written gradient, its inputs, the truth of it.

Nothing here uses the project but its public interface: shapes are read, arrays drawn and slopes
measured by code of this file alone, so that a table of cases can be held against the numbers before
it is held against a verdict.
"""

from __future__ import annotations

import inspect
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradproof as gp

SIZES = ({"m": 4, "n": 3, "k": 2, "h": 5, "d": 6, "T": 3}, {"m": 2, "n": 5, "k": 3, "h": 2, "d": 4},
         {"m": 4, "n": 3, "k": 2, "h": 5, "d": 6, "T": 3}, {"m": 3, "n": 3, "k": 3, "h": 3, "d": 3})
"""Sizes of the points that are looked at where a case names none; the first is there twice."""
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A row of a table.

    inputs: name -> "m n" or "m k|one_hot" (shape and kind), an array, a number, or a dict of these.
    gradient: of `loss`; with `fresh` a function that makes it, with its state new; with `layer` a
        class, or a pair (forward, backward), and `loss` is None.
    fault: what is wrong with it; a right one has none.
    at: the points that show it, each sizes and arrays by name; drawn ones where it is empty.
    special: drawn numbers do not show the fault, so no refutation is asked for.
    words: a proof is granted where one of them stands in its scope, assumptions or notes.
    checked: the functions or texts to hand to the checker instead of `loss` and `gradient`.
    """

    name: str
    family: str
    loss: Any
    gradient: Any
    inputs: dict[str, Any]
    wrt: tuple[str, ...]
    fault: str = ""
    at: tuple[dict[str, Any], ...] = ()
    special: bool = False
    words: tuple[str, ...] = ()
    fresh: bool = False
    layer: bool = False
    checked: tuple[Any, Any] | None = None
    digits: float = 1e-6


def row(family: str, name: str, loss: Any, gradient: Any, wrt: str, fault: str = "", *,
        at: Any = (), **rest: Any) -> Case:
    """A case, its inputs by keyword: ``row("draws", "noise", loss, g, "w", "...", X="m n")``."""
    own = {key: rest.pop(key) for key in ("special", "words", "fresh", "layer", "checked", "digits")
           if key in rest}
    points = (at,) if isinstance(at, dict) else tuple(at)
    return Case(name, family, loss, gradient, rest, tuple(wrt.split()), fault, points, **own)


# --- inputs -------------------------------------------------------------------------------------


def declared(given: Any) -> Any:
    """What the checker is told of an input."""
    if isinstance(given, dict):
        return {name: declared(part) for name, part in given.items()}
    if isinstance(given, str) and "|" in given:
        shape, _, kind = given.partition("|")
        return gp.Array(shape, kind=kind)
    return given


def length(text: str, sizes: dict[str, int]) -> int:
    """A size: a number, a name, "2*n", "n+1" or "n-1"."""
    found = re.fullmatch(r"(?:(\d+)\*)?([A-Za-z]\w*|\d+)([+-]\d+)?", text)
    assert found, text
    times, name, plus = found.groups()
    base = int(name) if name.isdigit() else sizes.get(name, 4)
    return int(times or 1) * base + int(plus or 0)


def drawn(given: Any, sizes: dict[str, int], rng: np.random.Generator) -> Any:
    """Values for an input of a case."""
    if isinstance(given, dict):
        return {name: drawn(part, sizes, rng) for name, part in given.items()}
    if not isinstance(given, str):
        return given.copy() if isinstance(given, np.ndarray) else given
    text, _, kind = given.partition("|")
    shape = tuple(length(part, sizes) for part in text.split())
    word, _, below = kind.partition(" ")
    normal = rng.normal(size=shape)
    if word == "positive":
        return np.exp(normal / 2)
    if word == "probability":
        weights = np.exp(normal)
        return weights / weights.sum(axis=-1, keepdims=True)
    if word == "one_hot":
        return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
    if word == "mask":
        return (normal > 0) * 1.0
    if word == "integer":
        return rng.integers(-3, 4, size=shape)
    if word == "labels":
        return rng.integers(length(below, sizes), size=shape)
    if word == "symmetric":
        return normal + normal.T
    return normal


def points(case: Case) -> list[dict[str, Any]]:
    """Values of all inputs at the points of a case, one after the other."""
    rng = np.random.default_rng(7)
    found = []
    for point in case.at or SIZES:
        sizes = {**SIZES[0], **{key: value for key, value in point.items()
                                if isinstance(value, int) and key not in case.inputs}}
        found.append({name: drawn(given, sizes, rng) if isinstance(point.get(name, 0), int)
                      else np.asarray(point[name]) for name, given in case.inputs.items()})
    return found


# --- the truth ----------------------------------------------------------------------------------


def slopes(loss: Any, values: dict[str, Any], name: str) -> np.ndarray:
    """Differences of fourth order of a loss by each entry of one input."""
    box = next((key for key, part in values.items() if isinstance(part, dict) and name in part), "")
    x = np.array(values[box][name] if box else values[name], dtype=float)
    found = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = 2e-4 * min(1.0, abs(x[place]) or 1.0)

        def moved(by: float, place: Any = place, step: float = step) -> float:
            there = x.copy()
            there[place] += by * step
            now = {box: {**values[box], name: there}} if box else {name: there}
            return float(np.squeeze(loss(**{**values, **now})))

        found[place] = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step)
    return found


def by_name(returned: Any, wrt: tuple[str, ...]) -> dict[str, Any]:
    """The gradients that a function returned."""
    if isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], dict):
        returned = returned[1]
    if isinstance(returned, dict):
        return {name: returned.get(f"d{name}", returned.get(name)) for name in wrt}
    return dict(zip(wrt, returned if isinstance(returned, tuple | list) else (returned,),
                    strict=True))


def copied(values: dict[str, Any]) -> dict[str, Any]:
    """Arrays that a function may write into."""
    return {name: {key: np.array(part) for key, part in value.items()} if isinstance(value, dict)
            else value.copy() if isinstance(value, np.ndarray) else value
            for name, value in values.items()}


def of_layer(layer: Any, inputs: dict[str, Any]) -> tuple[Any, Any]:
    """The loss Σ out·C of a layer, and its gradient by its own backward."""
    def weight(out: Any) -> Any:
        return np.random.default_rng(1).normal(size=np.shape(out))

    if isinstance(layer, tuple):
        forward, backward = layer

        def loss(**values: Any) -> Any:
            out = forward(**values)
            out = out[0] if isinstance(out, tuple) else out
            return np.sum(out * weight(out))

        def gradient(**values: Any) -> Any:
            out, cache = forward(**values)
            return backward(weight(out), cache)

        return loss, gradient

    takes = [name for name in inspect.signature(layer).parameters if name in inputs]

    def made(values: dict[str, Any]) -> tuple[Any, Any]:
        one = layer(**{name: values[name] for name in takes})
        return one, one.forward(**{k: v for k, v in values.items() if k not in takes})

    def loss_of(**values: Any) -> Any:
        out = made(values)[1]
        return np.sum(out * weight(out))

    def gradient_of(**values: Any) -> Any:
        one, out = made(values)
        returned = one.backward(weight(out))
        found = returned if isinstance(returned, dict) else {next(
            name for name in inputs if name not in takes): returned}
        return {**found, **{name: getattr(one, f"d{name}") for name in takes
                            if hasattr(one, f"d{name}")}}

    return loss_of, gradient_of


def errors(case: Case) -> list[float]:
    """The largest error of each gradient at each point, relative to the slopes there."""
    loss, gradient = case.loss, case.gradient() if case.fresh else case.gradient
    if case.layer:
        loss, gradient = of_layer(gradient, case.inputs)
    found = []
    with np.errstate(all="ignore"):
        for values in points(case):
            own = values if case.fresh else copied(values)  # a state may hang on who is asked
            hand = by_name(gradient(**own), case.wrt)
            for name in case.wrt:
                true = slopes(lambda **v: loss(**copied(v)), values, name)
                mine = np.asarray(hand[name], dtype=float)
                fits = mine.shape == true.shape
                error = np.max(np.abs(mine - true), initial=0) if fits else np.inf
                found.append(float(error) / (np.max(np.abs(true), initial=0) + 1e-3))
    return found


# --- the verdict --------------------------------------------------------------------------------


def checked(case: Case) -> gp.CheckResult:
    """What the checker says of a case."""
    inputs = {name: declared(given) for name, given in case.inputs.items()}
    gradient = case.gradient() if case.fresh else case.gradient
    if case.layer:
        pair = gradient if isinstance(gradient, tuple) else (gradient,)
        return gp.check_layer(*pair, wrt=case.wrt, repair_seconds=0, **inputs)
    loss, gradient = case.checked or (case.loss, gradient)
    if isinstance(loss, str):
        return gp.check(loss, gradient, inputs=inputs, repair_seconds=0)
    return gp.check(loss, gradient, wrt=case.wrt, inputs=inputs, repair_seconds=0)


def granted(case: Case, result: gp.CheckResult) -> bool:
    """Whether a proof of a wrong gradient says what it does not hold for."""
    said = " ".join(" ".join((check.scope, *check.assumptions, *check.notes)) for check in result)
    return any(word in said for word in case.words) or bool(
        set(case.wrt) & set(result.unchecked))


# --- what is due --------------------------------------------------------------------------------


def due(suite: str) -> dict[str, str]:
    """The cases of a suite that fail so far, with how: lines "suite | name | how" of due.txt."""
    lines = (line.split(" | ") for line in (HERE / "due.txt").read_text("utf-8").splitlines()
             if line and not line.startswith("#"))
    return {name: how.strip() for which, name, how in lines if which == suite}


def titled(suite: str, cases: list[Case], share: int) -> list[Any]:
    """The cases as parameters of a test: one of `share` of each family by default, all when slow.

    Those that are due are expected to fail; what has no end so far is not run.
    """
    waiting = due(suite)
    chance = random.Random(10)
    quick: set[str] = set()
    for family in dict.fromkeys(case.family for case in cases):
        names = [case.name for case in cases if case.family == family
                 and waiting.get(case.name, "").split(":")[0] not in ("no end", "slow")]
        quick |= set(chance.sample(names, min(len(names), max(1, len(names) // share))))
    found = []
    for case in cases:
        how = waiting.get(case.name)
        marks = [] if case.name in quick else [pytest.mark.slow]
        if how is not None:
            marks.append(pytest.mark.xfail(reason=how, strict=False,
                                           run=not how.startswith("no end")))
        found.append(pytest.param(case, id=case.name, marks=marks))
    return found
