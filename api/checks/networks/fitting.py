"""The sizes that a module takes: it is called on random numbers, and what it raises is looked at.

A letter for which the module takes one number alone, as its parameters have it, becomes that
number; the others stay letters.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from gradproof.symbolic.equation import Array, size_names, size_symbol
from gradproof.symbolic.tracing.torch.networks import Plan

FREE = (7, 11, 13, 17, 19, 23)
"""What a letter is tried as that may be any number: none that a module has often."""
MOST = 600
"""Calls of a module."""


class FitError(ValueError):
    """Inputs of shapes that a module does not take."""


def fitted(
    call: Callable[[Mapping[str, Any]], Any], inputs: Mapping[str, Any], numbers: Sequence[int],
    symbolic: set[str], title: str,
) -> dict[str, int]:
    """The letters that have to be numbers, for a call on arrays by input name.

    inputs: an Array, or a container of them, each.  numbers: sizes of the module's parameters.
    symbolic: letters that stay.  FitError where no numbers do.
    """
    names = _letters(inputs)
    free = [name for name in names if name not in symbolic]
    if symbolic & set(names):
        return {}  # of parameters, too: whether they fit is seen in the trace
    ways = _ways(len(free), [n for n in dict.fromkeys(numbers) if n > 0])
    rng = np.random.default_rng(0)
    first: Exception | None = None
    for count, way in enumerate(ways):
        sizes = {name: FREE[place % len(FREE)] if number is None else number
                 for place, (name, number) in enumerate(zip(free, way, strict=True))}
        try:
            call({name: _drawn(one, sizes, rng) for name, one in inputs.items()})
        except Exception as error:  # of the user's module, about sizes as a rule
            if first is None or (isinstance(error, _OfLossError) and not isinstance(
                    first, _OfLossError)):
                first = error
            if count >= MOST or not free:
                break
            continue
        return {name: number for name, number in zip(free, way, strict=True) if number is not None}
    said = str(first) if isinstance(first, _OfLossError) else f"{type(first).__name__}: {first}"
    raise FitError(f"{title} does not take inputs of these shapes: {said}") from first


def with_numbers(spec: Any, fixed: Mapping[str, int]) -> Any:
    """Declared inputs with numbers in the place of letters."""
    if isinstance(spec, Mapping):
        return {key: with_numbers(one, fixed) for key, one in spec.items()}
    if isinstance(spec, list | tuple):
        return type(spec)(with_numbers(one, fixed) for one in spec)
    by = {size_symbol(name): sp.Integer(number) for name, number in fixed.items()}
    classes = None if spec.classes is None else sp.sympify(spec.classes).xreplace(by)
    return replace(spec, classes=classes, shape=tuple(
        sp.sympify(size).xreplace(by) for size in spec.shape))


def _letters(inputs: Any) -> list[str]:
    found: dict[str, None] = {}
    for array in _leaves(inputs):
        for size in (*array.shape, *([] if array.classes is None else [array.classes])):
            found.update(dict.fromkeys(sorted(map(str, size_names([(size,)])))))
    return list(found)


def _leaves(spec: Any) -> Iterator[Array]:
    if isinstance(spec, Array):
        yield spec
    else:
        for one in spec.values() if isinstance(spec, Mapping) else spec:
            yield from _leaves(one)


def _ways(count: int, numbers: Sequence[int]) -> Iterator[tuple[int | None, ...]]:
    """Choices for the letters: those that leave most of them free first."""
    every = list(product([None, *numbers], repeat=count)) if (
        (len(numbers) + 1) ** count <= 50 * MOST) else [(None,) * count]
    yield from sorted(every, key=lambda way: sum(one is not None for one in way))


def _drawn(spec: Any, sizes: Mapping[str, int], rng: np.random.Generator) -> Any:
    if isinstance(spec, Mapping):
        return {key: _drawn(one, sizes, rng) for key, one in spec.items()}
    if not isinstance(spec, Array):
        return type(spec)(_drawn(one, sizes, rng) for one in spec)
    shape = tuple(int(sp.sympify(size).subs(_symbols(size, sizes))) for size in spec.shape)
    if spec.truths:
        return rng.uniform(size=shape) < 0.5
    if spec.is_integer:
        below = 2 if spec.classes is None else int(
            sp.sympify(spec.classes).subs(_symbols(spec.classes, sizes)))
        return rng.integers(0, max(below, 1), size=shape)
    if spec.kind in ("one_hot", "probability"):
        found = rng.uniform(0.1, 1, size=shape)
        return found / found.sum(axis=spec.along, keepdims=True)
    return rng.uniform(0.1, 0.9, size=shape)


def _symbols(size: Any, sizes: Mapping[str, int]) -> dict[Any, int]:
    return {symbol: sizes[str(symbol)] for symbol in sp.sympify(size).free_symbols}


class _OfLossError(Exception):
    """What the loss raises, of outputs that the module returned."""


def torch_call(module: Any, loss: Any, plan: Plan) -> Callable[[Mapping[str, Any]], Any]:
    """A copy of the module as a function of NumPy's arrays, in its own precision: what else it
    calls is no copy."""
    torch = sys.modules["torch"]
    try:
        own, of = copy.deepcopy(module), copy.deepcopy(loss)
    except Exception:  # what cannot be copied: it is told by the trace alone
        return lambda arrays: None

    kind = next((one.dtype for one in module.parameters()), torch.get_default_dtype())

    def tensor(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: tensor(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(tensor, value))
        made = torch.from_numpy(np.asarray(value))
        return made.to(kind).requires_grad_().clone() if made.is_floating_point() else made

    def call(arrays: Mapping[str, Any]) -> Any:
        state = torch.random.get_rng_state()
        try:
            with torch.enable_grad():  # forward may put hooks on tensors
                made = own(**{name: tensor(arrays[key]) for name, key in plan.given.items()},
                           **plan.constants)
                if of is None:
                    return
                values = made if isinstance(made, tuple) and plan.is_unpacked else (made,)
                try:
                    of(*values, **{name: tensor(arrays[key]) for name, key in plan.beside.items()})
                except Exception as error:
                    raise _OfLossError(f"the loss raises {type(error).__name__}: {error}"
                                       ) from error
        finally:
            torch.random.set_rng_state(state)

    return call
