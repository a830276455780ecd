"""The cases of the checker benchmark: one backward pass, the bugs put into it, and hard points.

The network is n-n-n-1 with a mean squared error over a batch of 16.  A bug is an edit of the text
of the backward pass, so that the file shows each of them as what a person would have typed.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

BATCH = 16
WEIGHTS = ("W1", "b1", "W2", "b2", "W3", "b3")
SHAPES = {"X": "m n", "Y": "m 1", "W1": "n n", "b1": "n", "W2": "n n", "b2": "n", "W3": "n 1",
          "b3": "1"}

LOSS = '''
def loss(X, Y, W1, b1, W2, b2, W3, b3):
    a1 = act(X @ W1 + b1)
    a2 = act(a1 @ W2 + b2)
    out = a2 @ W3 + b3
    return np.mean((out - Y) ** 2) * SCALE + OFFSET
'''

GRADIENT = '''
def gradient(X, Y, W1, b1, W2, b2, W3, b3):
    m = X.shape[0]
    z1 = X @ W1 + b1
    a1 = act(z1)
    z2 = a1 @ W2 + b2
    a2 = act(z2)
    out = a2 @ W3 + b3
    d3 = 2 * (out - Y) / m * SCALE
    dW3 = a2.T @ d3
    db3 = d3.sum(axis=0)
    d2 = d3 @ W3.T * slope(z2)
    dW2 = a1.T @ d2
    db2 = d2.sum(axis=0)
    d1 = d2 @ W2.T * slope(z1)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}
'''

ACTIVATIONS = {
    "sigmoid": '''
def act(z):
    return 1 / (1 + np.exp(-z))

def slope(z):
    a = act(z)
    return a * (1 - a)
''',
    "relu": '''
def act(z):
    return np.maximum(z, 0)

def slope(z):
    return (z > 0).astype(z.dtype)
''',
    "piecewise": '''
def act(z):
    return np.where(z > 0, z, np.where(z > -3, z / 4, z / 8 - 3 / 8))

def slope(z):
    return np.where(z > 0, 1.0, np.where(z > -3, 1 / 4, 1 / 8))
''',
}

EDITS = {
    "a": ("missing 1/m", "(out - Y) / m", "(out - Y)"),
    "b": ("sign flip", "2 * (out - Y)", "2 * (Y - out)"),
    "c": ("σ'(a) instead of σ'(z)", "slope(z2)", "slope(a2)"),
    "d": ("square W not transposed", "d2 @ W2.T", "d2 @ W2"),
    "e": ("one bias entry off by 1e-4", "d1.sum(axis=0)\n",
          "d1.sum(axis=0)\n    db1[1] *= 1 + 1e-4\n"),
    "f": ("one bias entry off by 1e-6", "d1.sum(axis=0)\n",
          "d1.sum(axis=0)\n    db1[1] *= 1 + 1e-6\n"),
    "g": ("ReLU' with >= at an exact 0", "(z > 0)", "(z >= 0)"),
    "h": ("right for one batch size only", "(out - Y) / m", f"(out - Y) / {BATCH}"),
    "i": ("W2 updated before it is used", "    d1 = d2",
          "    W2 -= 0.1 * dW2\n    d1 = d2"),
    "j": ("wrong in a branch not active at the point", "1 / 4, 1 / 8)", "1 / 4, 1 / 4)"),
    "k": ("db1 = 0", "db1 = d1.sum(axis=0)", "db1 = np.zeros_like(b1)"),
    "l": ("one weight's entry off by 10 %", "dW1 = X.T @ d1\n",
          "dW1 = X.T @ d1\n    dW1[0, 1] *= 1.1\n"),
    "n": ("dW2 transposed", "dW2 = a1.T @ d2", "dW2 = d2.T @ a1"),
}
"""Letter: what it is, the text, and the text put in its place."""


@dataclass(frozen=True)
class Regime:
    """Where the network is looked at; `values` makes the arrays for a width n."""

    activation: str
    values: Callable[[int], Arrays]
    scale: float = 1.0
    offset: float = 0.0


def values(n: int, gain: float = 1.0, dtype: Any = np.float64, seed: int = 0) -> Arrays:
    """Random arrays for the network; `gain` stretches the first layer's z."""
    rng = np.random.default_rng([seed, n])
    arrays = {
        "X": rng.normal(size=(BATCH, n)),
        "Y": rng.normal(size=(BATCH, 1)),
        "W1": gain * rng.normal(size=(n, n)) / np.sqrt(n),
        "b1": 0.1 * rng.normal(size=n),
        "W2": rng.normal(size=(n, n)) / np.sqrt(n),
        "b2": 0.1 * rng.normal(size=n),
        "W3": rng.normal(size=(n, 1)) / np.sqrt(n),
        "b3": 0.1 * rng.normal(size=1),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def at_a_kink(n: int) -> Arrays:
    """One sample's first z is exactly 0."""
    return {**values(n), "X": values(n)["X"] * (np.arange(BATCH) > 0)[:, None],
            "b1": values(n)["b1"] * (np.arange(n) > 0)}


def near_a_kink(n: int) -> Arrays:
    """The same z is 3e-7."""
    found = at_a_kink(n)
    return {**found, "b1": found["b1"] + 3e-7 * (np.arange(n) == 0)}


def inside(n: int) -> Arrays:
    """Every z is above -3."""
    return values(n, gain=0.5)


REGIMES = {
    "plain": Regime("sigmoid", values),
    "piecewise": Regime("piecewise", inside),
    "z30": Regime("sigmoid", lambda n: values(n, gain=30.0)),
    "loss1e8": Regime("sigmoid", values, offset=1e8),
    "grad1e-12": Regime("sigmoid", values, scale=1e-12),
    "float32": Regime("sigmoid", lambda n: values(n, dtype=np.float32)),
    "relu": Regime("relu", values),
    "near kink": Regime("relu", near_a_kink),
    "kink": Regime("relu", at_a_kink),
}

HARD = (("b", "z30"), ("b", "loss1e8"), ("e", "loss1e8"), ("b", "grad1e-12"), ("k", "grad1e-12"),
        ("b", "float32"))
PLACES = {"g": "kink", "j": "piecewise"}
BUGS = (*((letter, PLACES.get(letter, "plain")) for letter in EDITS), *HARD)
SCORED = tuple(bug for bug in BUGS if bug[0] != "g")
PROBES = ("plain", "piecewise", "z30", "loss1e8", "grad1e-12", "float32", "relu", "near kink")


@dataclass(frozen=True)
class Case:
    """A loss with a gradient, right (`letter` is "") or with the bug of that letter."""

    letter: str
    regime: str
    loss: Callable[..., Any]
    gradient: Callable[..., Any]

    @property
    def title(self) -> str:
        return f"{self.letter} {self.regime}".strip()

    def arrays(self, n: int) -> Arrays:
        return REGIMES[self.regime].values(n)


@cache
def case(letter: str, regime: str, library: Any = np) -> Case:
    """The functions of a case, compiled from their text with an array library as `np`."""
    where = REGIMES[regime]
    text = ACTIVATIONS[where.activation] + LOSS + GRADIENT
    if letter:
        _, old, new = EDITS[letter]
        head, tail = text.split(LOSS)
        # A slope is edited in its definition, everything else in the backward pass.
        if old in tail:
            tail = tail.replace(old, new, 1)
        else:
            assert old in head, (letter, regime)
            head = head.replace(old, new)
        text = head + LOSS + tail
    name = f"<{letter or 'right'} {regime}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"np": library, "SCALE": where.scale, "OFFSET": where.offset}
    exec(compile(text, name, "exec"), namespace)
    return Case(letter, regime, namespace["loss"], namespace["gradient"])


def fresh(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Copies, for functions that change their arguments."""
    return {name: array.copy() for name, array in arrays.items()}
