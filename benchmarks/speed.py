"""How long derivations take, and how fast the derived gradients are beside hand-written code.

    python benchmarks/speed.py            # prints Markdown tables: medians over several rounds

Peers in one run, in turn, so that a noisy machine disturbs them alike: hand-written NumPy and
(where it is installed) PyTorch's autograd on the CPU.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gradproof as gp

ROUNDS = 15


def seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turn(functions: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median time of each, measured in turn after a warm-up."""
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return {name: statistics.median(found) for name, found in times.items()}


def derivations() -> None:
    print("| network | derive |\n| --- | ---: |")
    gp.derive(gp.Network([2, 2, 1]))  # SymPy's own first-use costs are not the derivation's
    cases = {
        "2-2-1": lambda: gp.Network([2, 2, 1], output="sigmoid", batch=False),
        "784-256-128-10, ReLU, softmax": lambda: gp.Network(
            [784, 256, 128, 10], activation="relu", output="softmax", loss="cross_entropy"),
        "20 layers, a formula of the user's": lambda: gp.Network(
            [50] * 21, activation="z*tanh(log(1 + exp(z)))", loss="mean_squared_error"),
        "25 layers, tanh": lambda: gp.Network([50] * 26, activation="tanh"),
        "50 layers, tanh": lambda: gp.Network([50] * 51, activation="tanh"),
        "100 layers, tanh": lambda: gp.Network([50] * 101, activation="tanh"),
    }
    for name, network in cases.items():
        found = statistics.median(seconds(lambda made=network: gp.derive(made()))
                                  for _ in range(5))
        print(f"| {name} | {1000 * found:.0f} ms |")


def by_hand(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    """What one writes: ReLU, ReLU, softmax with cross-entropy, mean over the batch."""
    m = len(X)
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    a2 = np.maximum(z2, 0)
    z3 = a2 @ W3 + b3
    z3 -= z3.max(axis=1, keepdims=True)
    e = np.exp(z3)
    total = e.sum(axis=1, keepdims=True)
    p = e / total
    loss = -np.sum(Y * (z3 - np.log(total))) / m
    d3 = (p - Y) / m
    d2 = (d3 @ W3.T) * (z2 > 0)
    d1 = (d2 @ W2.T) * (z1 > 0)
    return loss, {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": a1.T @ d2, "b2": d2.sum(axis=0),
                  "W3": a2.T @ d3, "b3": d3.sum(axis=0)}


def gradients() -> None:
    try:
        import torch
    except ImportError:
        torch = None
    print("| sizes, batch | hand-written | compiled | printed source | PyTorch | compiled / hand |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for sizes, batch in (([8, 8, 8, 4], 8), ([64, 64, 64, 10], 64), ([784, 256, 128, 10], 64),
                         ([784, 256, 128, 10], 512)):
        network = gp.Network(sizes, activation="relu", output="softmax", loss="cross_entropy")
        derivation = gp.derive(network)
        rng = np.random.default_rng(0)
        values = {"X": rng.normal(size=(batch, sizes[0])),
                  "Y": np.eye(sizes[-1])[rng.integers(sizes[-1], size=batch)]}
        for layer in range(1, 4):
            shape = sizes[layer - 1], sizes[layer]
            values[f"W{layer}"] = rng.normal(size=shape) / np.sqrt(shape[0])
            values[f"b{layer}"] = np.zeros(shape[1])
        compiled = derivation.compile()
        namespace: dict[str, Any] = {}
        exec(derivation.numpy_source(), namespace)
        source = namespace["gradient"]
        expected = by_hand(**values)[1]
        for name, found in compiled(**values)[1].items():
            np.testing.assert_allclose(found, expected[name], atol=1e-10)
        runs: dict[str, Callable[[], Any]] = {
            "hand": lambda v=values: by_hand(**v),
            "compiled": lambda f=compiled, v=values: f(**v),
            "source": lambda f=source, v=values: f(**v),
        }
        if torch is not None:
            tensors = {k: torch.tensor(v, requires_grad=k[0] in "Wb") for k, v in values.items()}

            def autograd(t: Any = tensors) -> None:
                a = torch.relu(t["X"] @ t["W1"] + t["b1"])
                a = torch.relu(a @ t["W2"] + t["b2"])
                z = a @ t["W3"] + t["b3"]
                loss = -(t["Y"] * torch.log_softmax(z, 1)).sum() / len(t["X"])
                for tensor in t.values():
                    tensor.grad = None
                loss.backward()

            runs["torch"] = autograd
        found = in_turn(runs, ROUNDS if batch > 8 else 200)
        shown = {k: f"{1e3 * v:.3f} ms" for k, v in found.items()}
        print(f"| {'-'.join(map(str, sizes))}, {batch} | {shown['hand']} | {shown['compiled']} | "
              f"{shown['source']} | {shown.get('torch', '')} | "
              f"{found['compiled'] / found['hand']:.2f} |")


def commands() -> None:
    print("| command, cold | median |\n| --- | ---: |")
    folder = tempfile.mkdtemp()
    moons = str(Path(gp.__file__).parent / "networks" / "moons_backward.py")
    for arguments in (["--help"], ["derive", "2-2-1"], ["report", "2-2-1", "-o", folder],
                      ["check", moons, "--spec", "moons"]):
        command = [sys.executable, "-m", "gradproof", *arguments]
        found = statistics.median(
            seconds(lambda c=command: subprocess.run(c, capture_output=True, check=True))
            for _ in range(5)
        )
        shown = [arguments[0], *(Path(one).name for one in arguments[1:2])]
        print(f"| gradproof {' '.join(shown)} | {found:.2f} s |")


if __name__ == "__main__":
    for part in (derivations, gradients, commands):
        part()
        print()
