"""How fast the gradients of all samples are beside einsum by hand and vmap(grad), in one run.

    python benchmarks/per_sample.py [--rows tiny digits] [--seconds 3] [--precision float32]

As in `targets.py`: one thread, the peers take turns, ratios of the smallest times to hand-written
NumPy's.  All give the same numbers, to 1e-9 (1e-3 in float32) of the largest entry, or it fails.
The network has tanh layers and a softmax with cross-entropy.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import Any

from targets import Run, in_turn  # sets the number of threads, before NumPy is there

# isort: split
import numpy as np

import gradproof as gp

ROWS: dict[str, tuple[tuple[int, ...], int]] = {
    "tiny": ((2, 4, 2), 32), "small": ((20, 32, 16, 5), 64), "digits": ((784, 64, 10), 64),
    "wide": ((256, 256, 10), 128),
}
"""row: the units of the layers, and the samples."""


def drawn(units: tuple[int, ...], samples: int, precision: str) -> dict[str, Any]:
    random = np.random.default_rng(0)
    values = {"X": random.normal(size=(samples, units[0])),
              "Y": np.eye(units[-1])[random.integers(units[-1], size=samples)]}
    for layer, (n, k) in enumerate(pairwise(units), 1):
        values[f"W{layer}"] = random.normal(size=(n, k)) / np.sqrt(n)
        values[f"b{layer}"] = random.normal(size=k) / 10
    return {name: value.astype(precision) for name, value in values.items()}


def by_hand(values: dict[str, Any], depth: int) -> dict[str, Any]:
    """Backpropagation with an einsum for each layer's outer products."""
    outputs = [values["X"]]
    for layer in range(1, depth + 1):
        z = outputs[-1] @ values[f"W{layer}"]
        z += values[f"b{layer}"]
        outputs.append(np.tanh(z) if layer < depth else z)
    z = outputs.pop()
    z -= z.max(axis=1, keepdims=True)
    delta = np.exp(z)
    delta /= delta.sum(axis=1, keepdims=True)
    delta -= values["Y"]
    delta /= len(z)
    found: dict[str, Any] = {}
    for layer in range(depth, 0, -1):
        a = outputs[layer - 1]
        found[f"W{layer}"] = np.einsum("si,sj->sij", a, delta)
        found[f"b{layer}"] = delta
        if layer > 1:
            delta = (delta @ values[f"W{layer}"].T) * (1 - a * a)
    return found


def share(xp: Any, log_softmax: Any, depth: int, samples: int) -> Any:
    """One sample's share of the loss, in the words of a library."""

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        for layer in range(1, depth + 1):
            x = x @ parameters[f"W{layer}"] + parameters[f"b{layer}"]
            x = xp.tanh(x) if layer < depth else x
        return -(y * log_softmax(x, -1)).sum() / samples

    return loss


def peers(units: tuple[int, ...], values: dict[str, Any]) -> dict[str, Run]:
    """What is timed, by its column; each gives the gradients by name."""
    depth, samples = len(units) - 1, len(values["X"])
    each = gp.derive(gp.Network(list(units), activation="tanh", output="softmax",
                                loss="cross_entropy")).per_sample()
    space: dict[str, Any] = {}
    exec(each.numpy_source(loss=False), space)
    runs: dict[str, Run] = {"by hand": lambda: by_hand(values, depth),
                            "source": lambda: space["gradient"](**values)}
    ways: dict[str, dict[str, Any]] = {
        "compile()": {}, "workspace": {"workspace": True}, "C": {"target": "c"}}
    for column, way in ways.items():
        compiled = each.compile(loss=False, **way)
        runs[column] = lambda compiled=compiled: compiled(**values)
    parameters = [name for name in values if name not in "XY"]
    try:
        import jax
    except ImportError:
        return runs
    jax.config.update("jax_enable_x64", True)
    loss = share(jax.numpy, jax.nn.log_softmax, depth, samples)
    mapped = jax.jit(jax.vmap(jax.grad(loss), in_axes=(None, 0, 0)))
    given = {name: jax.numpy.asarray(one) for name, one in values.items()}
    trained = {name: given[name] for name in parameters}
    runs["JAX"] = lambda: jax.block_until_ready(mapped(trained, given["X"], given["Y"]))
    try:
        import torch
    except ImportError:
        return runs
    torch.set_num_threads(1)
    in_torch = torch.func.vmap(torch.func.grad(share(torch, torch.log_softmax, depth, samples)),
                               in_dims=(None, 0, 0))
    tensors = {name: torch.tensor(one) for name, one in values.items()}
    of_torch = {name: tensors[name] for name in parameters}
    runs["PyTorch"] = lambda: in_torch(of_torch, tensors["X"], tensors["Y"])
    return runs


def agree(runs: dict[str, Run], precision: str) -> None:
    """Raises AssertionError for a column whose numbers are not those of the hand-written one."""
    due = runs["by hand"]()
    close = 1e-9 if precision == "float64" else 1e-3
    for column, run in runs.items():
        found = run()
        for name, expected in due.items():
            one = np.asarray(found[name])
            assert one.dtype == precision, (column, name, one.dtype)
            np.testing.assert_allclose(one, expected, rtol=0, atol=close * np.abs(expected).max(),
                                       err_msg=f"{column}, {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--precision", default="float64", choices=["float64", "float32"])
    options = parser.parse_args()
    columns = ["source", "compile()", "workspace", "C", "JAX", "PyTorch"]
    print("| | by hand | " + " | ".join(columns) + " |")
    print("| --- | ---: |" + " ---: |" * len(columns))
    for key in options.rows:
        units, samples = ROWS[key]
        values = drawn(units, samples, options.precision)
        runs = peers(units, values)
        agree(runs, options.precision)
        found = in_turn(runs, options.seconds)
        least = found["by hand"][0]
        shown = [f"{found[c][0] / least:.2f}" if c in found else "" for c in columns]
        print(f"| {'-'.join(map(str, units))}, batch {samples} | {1e6 * least:.0f} µs | "
              + " | ".join(shown) + " |", flush=True)


if __name__ == "__main__":
    main()
