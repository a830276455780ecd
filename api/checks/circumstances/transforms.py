"""What JAX does with a function that has a rule of its own: jit, vmap, outputs not used."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.circumstances.ruled import Ruled, pulled, taken
from gradproof.checks.circumstances.ways import Due, Values, Way


def ways(ruled: Ruled, values: Values, bars: Sequence[str], due: Due) -> Iterator[Way]:
    """values: of inputs and of the upstream gradients, which are called `bars`."""
    jax, usual = sys.modules["jax"], due(values)
    back = [values[name] for name in bars]
    yield Way("JAX itself calls it", partial(ruled.gradients, values, back), usual)
    yield Way("it runs under jax.jit", partial(ruled.gradients, values, back, jax.jit), usual)
    other = {name: np.flip(value).copy() if name in (*ruled.wrt, *bars) else value
             for name, value in values.items()}
    there = due(other)
    yield Way("it is mapped over a further axis (jax.vmap)",
              partial(_mapped, ruled, values, other, bars),
              {name: np.stack([usual[name], there[name]]) for name in usual})
    for name in ruled.wrt if len(ruled.wrt) > 1 else ():
        yield Way(f"it is mapped by jax.vmap, over {name} alone",
                  partial(_mapped, ruled, values, {**values, name: other[name]}, bars, name),
                  _both(usual, due({**values, name: other[name]})))
    for place, name in enumerate(bars if len(bars) > 1 else ()):
        unused = {**values, name: np.zeros_like(values[name])}
        yield Way(f"output {place + 1} is not used", partial(
            ruled.gradients, values, [None if one == name else values[one] for one in bars]),
            due(unused))
    for name in ruled.wrt if len(ruled.wrt) > 1 else ():
        others = [one for one in ruled.wrt if one != name]
        yield Way(f"it is not differentiated by {name}",
                  partial(ruled.gradients, values, back, by=others), usual)
    yield Way("it is called a second time before the first is pulled back",
              partial(_twice, ruled, values, other, bars), usual)
    yield Way("it is pulled back a second time", partial(_again, ruled, values, bars), usual)


def forward(ruled: Ruled, values: Values, bars: Sequence[str], due: Due) -> Iterator[Way]:
    """Of a rule for tangents: what jax.jvp gives, weighed by the upstream gradients."""
    usual, rng = due(values), np.random.default_rng(15)
    moves = {name: rng.normal(size=np.shape(values[name])) for name in ruled.wrt}
    for names in (tuple(ruled.wrt), *(((one,) for one in ruled.wrt) if len(ruled.wrt) > 1 else ())):
        meant = sum(float(np.sum(usual[name] * moves[name])) for name in names)
        yield Way(f"jax.jvp moves {', '.join(names)}",
                  partial(_moved, ruled, values, bars, {name: moves[name] for name in names}),
                  {name: np.asarray(meant) for name in names})


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.stack([one[name], other[name]]) for name in one}


def _mapped(
    ruled: Ruled, values: Values, other: Values, bars: Sequence[str], only: str | None = None
) -> Mapping[str, Any]:
    """The gradients of two samples at once; only: the one input that they differ in."""
    jax, jnp = sys.modules["jax"], sys.modules["jax.numpy"]
    one, rest = ruled.split(values, ruled.wrt)
    two, _ = ruled.split(other, ruled.wrt)
    varied = [name for name in one if only in (None, name)]
    some = {**one, **{name: jnp.stack([one[name], two[name]]) for name in varied}}
    axes = {name: 0 if name in varied else None for name in one}

    def alone(some: Mapping[str, Any]) -> tuple[Any, ...]:
        return ruled.outputs({**some, **rest})

    # under jit, where one program is compiled, and not one for each operation
    taken(lambda: jax.jit(jax.vmap(alone, in_axes=(axes,)))(some))
    back = tuple(jnp.stack([jnp.asarray(values[name]), jnp.asarray(other[name])]) for name in bars)
    found: Mapping[str, Any] = jax.jit(
        jax.vmap(partial(pulled, alone), in_axes=(axes, 0)))(some, back)
    return found


def _pullback(ruled: Ruled, values: Values) -> tuple[Any, Any]:
    some, rest = ruled.split(values, ruled.wrt)
    made: tuple[Any, Any] = sys.modules["jax"].vjp(
        lambda some: ruled.outputs({**some, **rest}), some)
    return made


def _upstream(outputs: Sequence[Any], values: Values, bars: Sequence[str]) -> tuple[Any, ...]:
    return tuple(sys.modules["jax.numpy"].asarray(values[name], dtype=out.dtype)
                 for name, out in zip(bars, outputs, strict=True))


def _twice(
    ruled: Ruled, values: Values, other: Values, bars: Sequence[str]
) -> Mapping[str, Any]:
    """The first call's gradients, where a second one has other numbers."""
    outputs, back = _pullback(ruled, values)
    _pullback(ruled, other)
    found: Mapping[str, Any] = back(_upstream(outputs, values, bars))[0]
    return found


def _again(ruled: Ruled, values: Values, bars: Sequence[str]) -> Mapping[str, Any]:
    outputs, back = _pullback(ruled, values)
    back(_upstream(outputs, values, bars))
    found: Mapping[str, Any] = back(_upstream(outputs, values, bars))[0]
    return found


def _moved(
    ruled: Ruled, values: Values, bars: Sequence[str], moves: Mapping[str, Any]
) -> Mapping[str, Any]:
    jax, jnp = sys.modules["jax"], sys.modules["jax.numpy"]
    some, rest = ruled.split(values, tuple(moves))
    made = jax.jvp(lambda some: ruled.outputs({**some, **rest}), (some,),
                   ({name: jnp.asarray(one) for name, one in moves.items()},))[1]
    came = sum(float(jnp.sum(one * jnp.asarray(values[name])))
               for name, one in zip(bars, made, strict=True))
    return dict.fromkeys(moves, np.asarray(came))
