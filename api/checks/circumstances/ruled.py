"""A function with a rule of its own as JAX itself runs it, by its own differentiation."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.checks.circumstances.ways import NotTakenError, Values
from gradproof.checks.layer_objects.custom_rules import outputs_of
from gradproof.checks.points import each_of

Transform = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Such as jax.jit."""


def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


@contextmanager
def quietly(is_wide: bool = True) -> Iterator[None]:
    """JAX in doubles, or as it is by default."""
    jax = sys.modules["jax"]
    wide = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with wide(is_wide), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Ruled:
    """A function, and how it is called.

    call: of arrays, or containers of them, in order.  names: of its parameters, in order; fixed:
    those that are no arrays, by name; arguments: the names of the arrays in each of the others.
    wrt: the arrays that gradients are checked by.
    """

    call: Callable[..., Any]
    names: Sequence[str]
    fixed: Mapping[str, Any]
    arguments: Mapping[str, Any]
    wrt: Sequence[str]

    def outputs(self, arrays: Mapping[str, Any]) -> tuple[Any, ...]:
        return outputs_of(self.call(*(
            self.fixed[name] if name in self.fixed else each_of(self.arguments[name], arrays)
            for name in self.names)))

    def entered(self, values: Values, names: Collection[str], dtype: Any = None) -> dict[str, Any]:
        """Arrays of JAX's; those of floats of a type."""
        jnp = sys.modules["jax.numpy"]
        return {name: jnp.asarray(values[name], dtype=dtype
                                  if np.asarray(values[name]).dtype.kind == "f" else None)
                for name in names}

    def split(self, values: Values, by: Sequence[str], dtype: Any = None) -> tuple[Any, Any]:
        """What is differentiated by, and the other inputs."""
        rest = [name for name in _names(self.arguments) if name not in by]
        return self.entered(values, by, dtype), self.entered(values, rest, dtype)

    def gradients(
        self, values: Values, back: Sequence[Any], transform: Transform = as_it_is,
        by: Sequence[str] | None = None, dtype: Any = None,
    ) -> dict[str, Any]:
        """By name.  back: the upstream gradient of each output, None for one that is not used.

        NotTakenError where the function itself does not run so.
        """
        some, rest = self.split(values, self.wrt if by is None else by, dtype)
        used = [one is not None for one in back]

        def alone(some: Mapping[str, Any]) -> tuple[Any, ...]:
            made = self.outputs({**some, **rest})
            return tuple(one for one, is_used in zip(made, used, strict=True) if is_used)

        outputs = taken(lambda: transform(alone)(some))
        cotangents = tuple(sys.modules["jax.numpy"].asarray(one, dtype=out.dtype) for one, out in
                           zip((one for one in back if one is not None), outputs, strict=True))
        found: dict[str, Any] = transform(lambda some, cotangents: pulled(
            alone, some, cotangents))(some, cotangents)
        return found


def pulled(alone: Callable[..., Any], some: Any, cotangents: Any) -> Any:
    """What jax.vjp gives."""
    return sys.modules["jax"].vjp(alone, some)[1](cotangents)[0]


def taken(run: Callable[[], Any]) -> Any:
    """NotTakenError where it raises."""
    try:
        return run()
    except Exception as error:
        raise NotTakenError from error


def _names(arguments: Any) -> list[str]:
    """The names of all arrays in containers."""
    if isinstance(arguments, str):
        return [arguments]
    inner = arguments.values() if isinstance(arguments, Mapping) else arguments
    return [name for one in inner for name in _names(one)]
