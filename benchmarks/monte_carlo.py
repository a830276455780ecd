"""Right gradients of common losses at thousands of given arrays, and the same with one entry off.

    python benchmarks/monte_carlo.py             # 5,000 checks of each; --quick: 200
    python benchmarks/monte_carlo.py --jobs 4 --list

A right one may not be refuted, whatever the scale and the kind of the data.  A wrong one has a
relative error of 1e-6 in one entry, and passes only where that is below the bound which the check
states.  Prints a table, a row for each kind of data; exits with 1 where one of these is broken.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradproof as gp

OFF = 1e-6
SEEDS = 25
Arrays = dict[str, Any]
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(scale: float) -> Draw:
    return lambda rng, shape: rng.normal(size=shape) * scale


def sparse(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=shape) * (rng.random(shape) > 0.7)


def mixed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Columns of very different scales, as measured data have before they are standardised."""
    return rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4, size=shape[-1])


def repeated(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Equal rows, as in data with duplicates."""
    return np.broadcast_to(rng.normal(size=shape[-1:]), shape).copy()


DATA: dict[str, Draw] = {
    **{f"normal · {scale:g}": normal(scale)
       for scale in (1e-6, 1e-3, 0.1, 1.0, 3.0, 30.0, 1e3, 1e6)},
    "uniform (0, 1)": lambda rng, shape: rng.random(shape),
    "positive": lambda rng, shape: rng.gamma(2.0, size=shape) + 0.01,
    "whole numbers": lambda rng, shape: rng.integers(-3, 4, size=shape).astype(float),
    "integers": lambda rng, shape: rng.integers(-3, 4, size=shape),
    "0 and 1": lambda rng, shape: (rng.random(shape) > 0.5) * 1.0,
    "-1 and 1": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "sparse": sparse,
    "pixels": lambda rng, shape: rng.integers(0, 256, size=shape).astype(float),
    "years": lambda rng, shape: rng.integers(1950, 2025, size=shape).astype(float),
    "mixed columns": mixed,
    "equal rows": repeated,
    "float32": lambda rng, shape: rng.normal(size=shape).astype(np.float32),
}


@dataclass(frozen=True)
class Model:
    """A loss with its gradient by one input, and what is drawn beside the data X."""

    name: str
    loss: Callable[..., Any]
    gradient: Callable[..., Any]
    wrt: str
    others: Callable[[np.random.Generator, np.ndarray], Arrays]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(Z: Any) -> Any:
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def line(rng: np.random.Generator, X: np.ndarray) -> Arrays:
    return {"w": rng.normal(size=X.shape[1]), "y": rng.normal(size=len(X))}


def binary(rng: np.random.Generator, X: np.ndarray) -> Arrays:
    return {"w": rng.normal(size=X.shape[1]), "y": (rng.random(len(X)) > 0.5) * 1.0}


def classes(rng: np.random.Generator, X: np.ndarray) -> Arrays:
    return {"W": rng.normal(size=(X.shape[1], 3)), "Y": np.eye(3)[rng.integers(3, size=len(X))]}


def hidden(rng: np.random.Generator, X: np.ndarray) -> Arrays:
    return {"W": rng.normal(size=(X.shape[1], 3)), "V": rng.normal(size=(3, 1)),
            "Y": rng.normal(size=(len(X), 1))}


def factors(rng: np.random.Generator, X: np.ndarray) -> Arrays:
    return {"U": rng.normal(size=(len(X), 2)), "V": rng.normal(size=(X.shape[1], 2))}


def weights(rng: np.random.Generator, X: np.ndarray) -> Arrays:
    return {"C": rng.normal(size=X.shape)}


def cross_entropy(X: Any, w: Any, y: Any) -> Any:
    p = sigmoid(X @ w)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def cross_entropy_gradient(X: Any, w: Any, y: Any) -> Any:
    return X.T @ (sigmoid(X @ w) - y) / len(y)


def net_gradient(X: Any, W: Any, V: Any, Y: Any) -> Any:
    A = np.tanh(X @ W)
    return X.T @ (2 * (A @ V - Y) @ V.T * (1 - A**2)) / len(Y)


def layer_norm_gradient(X: Any, C: Any) -> Any:
    s = np.sqrt(X.var(axis=1, keepdims=True) + 1e-5)
    h = (X - X.mean(axis=1, keepdims=True)) / s
    return (C - C.mean(axis=1, keepdims=True)
            - h * (C * h).mean(axis=1, keepdims=True)) / s


MODELS = [
    Model("mean squares", lambda X, w, y: np.mean((X @ w - y) ** 2),
          lambda X, w, y: 2 * X.T @ (X @ w - y) / len(y), "w", line),
    Model("ridge", lambda X, w, y: np.sum((X @ w - y) ** 2) / 2 + 0.05 * w @ w,
          lambda X, w, y: X.T @ (X @ w - y) + 0.1 * w, "w", line),
    Model("Huber", lambda X, w, y: np.sum(np.where(
        np.abs(X @ w - y) < 1, (X @ w - y) ** 2 / 2, np.abs(X @ w - y) - 0.5)),
          lambda X, w, y: X.T @ np.clip(X @ w - y, -1, 1), "w", line),
    Model("cross-entropy", cross_entropy, cross_entropy_gradient, "w", binary),
    Model("cross-entropy of logits",
          lambda X, w, y: np.mean(np.logaddexp(0, X @ w) - y * (X @ w)), cross_entropy_gradient,
          "w", binary),
    Model("softmax", lambda X, W, Y: -np.sum(Y * np.log(softmax(X @ W))) / len(Y),
          lambda X, W, Y: X.T @ (softmax(X @ W) - Y) / len(Y), "W", classes),
    Model("Poisson", lambda X, w, y: np.mean(np.exp(X @ w) - y * (X @ w)),
          lambda X, w, y: X.T @ (np.exp(X @ w) - y) / len(y), "w", binary),
    Model("tanh net", lambda X, W, V, Y: np.mean((np.tanh(X @ W) @ V - Y) ** 2), net_gradient, "W",
          hidden),
    Model("factorisation", lambda X, U, V: np.sum((X - U @ V.T) ** 2),
          lambda X, U, V: -2 * (X - U @ V.T) @ V, "U", factors),
    Model("layer norm", lambda X, C: np.sum(C * (X - X.mean(axis=1, keepdims=True))
                                            / np.sqrt(X.var(axis=1, keepdims=True) + 1e-5)),
          layer_norm_gradient, "X", weights),
]


def off(gradient: Callable[..., Any], place: int) -> Callable[..., Any]:
    """The gradient with a relative error in its first or its last entry."""
    def wrong(**arrays: Any) -> Any:
        g = gradient(**arrays) * 1.0
        at = (place,) * len(np.shape(g))
        g[at] = g[at] * (1 + OFF)
        return g

    return wrong


def trial(job: tuple[str, int, int]) -> tuple[str, str, int, str, str]:
    """The verdicts on one loss at one draw: of the right gradient, and of the one that is off."""
    data, number, seed = job
    model = MODELS[number]
    rng = np.random.default_rng([seed, number, list(DATA).index(data)])
    X = DATA[data](rng, (6, 3))
    arrays = {"X": X, **model.others(rng, X)}
    if data == "float32":
        arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    if model.name == "layer norm" and data == "integers":
        arrays["X"] = X.astype(float)  # whole numbers are no input to be differentiated by
    found = []
    for right in (True, False):
        gradient = model.gradient if right else off(model.gradient, -(seed % 2))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                check = gp.check(model.loss, _named(model, gradient), wrt=[model.wrt],
                                 repair_seconds=0, **arrays).checks[0]
            verdict: str = check.verdict
            if not right and verdict in ("proved", "agrees"):
                with np.errstate(all="ignore"):
                    g = np.asarray(model.gradient(**arrays), dtype=float)
                error = abs(g[(-(seed % 2),) * g.ndim]) * OFF
                verdict = "passed" if error > check.bound else "below the bound"
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1].name
            verdict = f"{type(error).__name__} in {where}"
        found.append(verdict)
    return data, model.name, seed, found[0], found[1]


def _named(model: Model, gradient: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the parameters of the loss by name, as a checker asks for them."""
    if gradient is model.gradient:
        return gradient
    if model.others is hidden:
        return lambda X, W, V, Y: gradient(X=X, W=W, V=V, Y=Y)
    if model.others is classes:
        return lambda X, W, Y: gradient(X=X, W=W, Y=Y)
    if model.others is factors:
        return lambda X, U, V: gradient(X=X, U=U, V=V)
    if model.others is weights:
        return lambda X, C: gradient(X=X, C=C)
    return lambda X, w, y: gradient(X=X, w=w, y=y)


def run(seeds: int, jobs: int) -> list[tuple[str, str, int, str, str]]:
    every = [(data, number, seed) for data in DATA for number in range(len(MODELS))
             for seed in range(seeds)]
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        return list(pool.imap_unordered(trial, every, chunksize=5))


VERDICTS = ("proved", "agrees", "undecided", "refuted")
WRONG = ("refuted", "undecided", "below the bound", "passed")


def table(found: list[tuple[str, str, int, str, str]], column: int) -> str:
    """Verdicts on right and on wrong gradients, counted by kind of data or by loss."""
    rows = ["| data | " + " | ".join(f"right: {v}" for v in VERDICTS) + " | "
            + " | ".join(f"off: {v}" for v in WRONG) + " | raised |",
            "| --- |" + " ---: |" * (len(VERDICTS) + len(WRONG) + 1)]
    for name in dict.fromkeys(row[column] for row in sorted(
            found, key=lambda row: (list(DATA).index(row[0]), row[1]))):
        right = Counter(row[3] for row in found if row[column] == name)
        wrong = Counter(row[4] for row in found if row[column] == name)
        raised = sum(count for verdict, count in (right + wrong).items() if " in " in verdict)
        cells = [right[v] for v in VERDICTS] + [wrong[v] for v in WRONG] + [raised]
        rows.append(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="one seed of each, not 25")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="draws of each (25)")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--list", action="store_true", help="name every line that is not kept")
    options = parser.parse_args()
    began = time.perf_counter()
    found = run(1 if options.quick else options.seeds, options.jobs)
    print(table(found, 0), table(found, 1), sep="\n\n")
    broken = [row for row in found if row[3] == "refuted" or row[4] == "passed"
              or " in " in row[3] + row[4]]
    print(f"\n{len(found)} right gradients, {len(found)} that are off by {OFF:g} in one entry; "
          f"{len(broken)} answers that may not be; {time.perf_counter() - began:.0f} s")
    if options.list:
        print(*broken, sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
