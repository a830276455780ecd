"""One derivation by every target: what they differ in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradproof.symbolic.equation import EquationError

BOUND = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-3}
"""Of the largest entry of an array, or a hundredth of the largest of all."""
LOOPS = ("c", "numba")
LESS = "no C for|no loops|no source text|has no word|no word for|lacks|no text"


def runs(derivation: Any, targets: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions of arrays by name; none for what a target says that it has no text for."""
    makers: dict[str, Callable[[], Callable[..., Any]]] = {
        "numpy": derivation.compile,
        "workspace": lambda: derivation.compile(workspace=True),
        "source": lambda: _of_text(derivation, derivation.numpy_source()),
        "xp": lambda: _of_text(derivation, derivation.array_api_source()),
        **{target: lambda target=target: derivation.compile(target=target) for target in LOOPS},
        "torch": lambda: _of_torch(derivation), "jax": lambda: _of_jax(derivation)}
    for target in targets:
        try:
            yield target, makers[target]()
        except EquationError as error:
            if target == "numpy":
                raise
            del error  # what it has no text for is said, and tested elsewhere


def _of_text(derivation: Any, text: str, make: Callable[[Any], Any] = np.asarray
             ) -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(text, space)
    names = [array.name for array in derivation.system.inputs]
    return lambda **arrays: space["gradient"](*[make(arrays[name]) for name in names])


def _of_torch(derivation: Any) -> Callable[..., Any]:
    import torch

    return _of_text(derivation, derivation.array_api_source(),
                    lambda array: torch.from_numpy(np.array(array)))


def _of_jax(derivation: Any) -> Callable[..., Any]:
    import jax

    run = _of_text(derivation, derivation.array_api_source(), jax.numpy.asarray)

    def call(**arrays: Any) -> Any:
        with jax.enable_x64(True):
            return run(**arrays)

    return call


def apart(
    derivation: Any, values: Mapping[str, Any], targets: tuple[str, ...], dtype: Any = np.float64
) -> list[str]:
    """Sentences on what the targets give otherwise than the first: values, shapes and types."""
    given = {name: np.asarray(one) if np.asarray(one).dtype.kind in "iub"
             else np.asarray(one, dtype) for name, one in values.items()}
    found: list[str] = []
    due: dict[str, Any] = {}
    for target, run in runs(derivation, targets):
        for call in range(1 if target in ("source", "xp", "torch", "jax") else 2):
            with np.errstate(all="ignore"):
                loss, gradients = run(**given)
            arrays = {"the loss": np.asarray(loss), **{
                f"d{name}": np.asarray(one) for name, one in gradients.items()}}
            if not due:
                due = {name: one.copy() for name, one in arrays.items()}
                largest = max(float(np.max(np.abs(one), initial=0)) for one in due.values())
            if not np.isfinite(largest):
                return []
            found += [f"{target}, call {call}: {name} {said}" for name, one in arrays.items()
                      if (said := _apart(one, due[name], largest, np.dtype(dtype)))]
    return found


def _apart(one: Any, due: Any, largest: float, dtype: Any) -> str:
    if one.dtype != dtype:
        return f"is {one.dtype}, expected {dtype}"
    if one.shape != due.shape:
        return f"has the shape {one.shape}, expected {due.shape}"
    scale = max(float(np.max(np.abs(due), initial=0)), largest / 100)
    gap = float(np.max(np.abs(one - due), initial=0))
    return "" if gap <= BOUND[dtype] * scale else f"is {gap / scale:.1e} off"
