"""What a traced function computes, beside what NumPy computes, at drawn arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.shapes import parse_shape
from gradproof.symbolic.tracing.run import trace

SIZES = ({"m": 5, "n": 4, "t": 3, "k": 6}, {"m": 2, "n": 3, "t": 2, "k": 4},
         {"m": 1, "n": 6, "t": 4, "k": 2})


def drawn(spec: Any, sizes: dict[str, int], rng: np.random.Generator) -> np.ndarray:
    """Normal numbers for a shape; for an Array labels below its classes, or positive numbers."""
    by = {size_symbol(name): number for name, number in sizes.items()}
    shape = parse_shape(spec) if isinstance(spec, str) else spec.shape
    numbers = tuple(int(size.xreplace(by)) for size in shape)
    if isinstance(spec, Array) and spec.kind == "labels":
        return rng.integers(int(spec.classes.xreplace(by)), size=numbers)
    values = rng.normal(size=numbers)
    return np.exp(values) if isinstance(spec, Array) and spec.kind == "positive" else values


def both(function: Any, inputs: dict[str, Any], sizes: dict[str, int], seed: int) -> tuple:
    """The value of the traced equations, and the function's own."""
    traced = trace(function, inputs)
    rng = np.random.default_rng(seed)
    arrays = {name: drawn(spec, sizes, rng) for name, spec in inputs.items()}
    found = evaluate(traced.system, arrays, sizes)[traced.result]
    copies = {name: value.copy() for name, value in arrays.items()}
    return np.asarray(found), np.asarray(function(**copies), dtype=float)


def same_values(function: Any, inputs: dict[str, Any], sizes: Any = SIZES) -> None:
    """Asserts that they agree, shapes included."""
    for seed, known in enumerate(sizes):
        found, expected = both(function, inputs, known, seed)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
