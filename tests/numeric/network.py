"""A three-layer network with a hand-written gradient, in the regimes that checkers get wrong."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Network:
    """loss = scale · mean((out − Y)²) + offset; all functions of a dict of arrays."""

    relu: bool = False
    scale: float = 1.0
    offset: float = 0.0

    def point(self, n=8, m=16, gain=1.0, dtype=np.float64, seed=0):
        r = np.random.default_rng(seed)
        arrays = {
            "X": r.standard_normal((m, n)),
            "Y": r.standard_normal((m, 1)),
            "W1": gain * r.standard_normal((n, n)) / np.sqrt(n),
            "b1": 0.1 * r.standard_normal(n),
            "W2": gain * r.standard_normal((n, n)) / np.sqrt(n),
            "b2": 0.1 * r.standard_normal(n),
            "W3": r.standard_normal((n, 1)) / np.sqrt(n),
            "b3": np.zeros(1),
        }
        return {name: array.astype(dtype) for name, array in arrays.items()}

    def _act(self, z):
        return np.maximum(z, 0) if self.relu else 1 / (1 + np.exp(-z))

    def _slope(self, z, a):
        return (z > 0).astype(z.dtype) if self.relu else a * (1 - a)

    def loss(self, p):
        a1 = self._act(p["X"] @ p["W1"] + p["b1"])
        a2 = self._act(a1 @ p["W2"] + p["b2"])
        out = a2 @ p["W3"] + p["b3"]
        return self.scale * np.mean((out - p["Y"]) ** 2) + self.offset

    def real_loss(self, p):
        return float(self.loss(p))

    def gradient(self, p):
        z1 = p["X"] @ p["W1"] + p["b1"]
        a1 = self._act(z1)
        z2 = a1 @ p["W2"] + p["b2"]
        a2 = self._act(z2)
        out = a2 @ p["W3"] + p["b3"]
        d3 = p["X"].dtype.type(2 * self.scale / len(p["X"])) * (out - p["Y"])
        d2 = (d3 @ p["W3"].T) * self._slope(z2, a2)
        d1 = (d2 @ p["W2"].T) * self._slope(z1, a1)
        return {
            "W1": p["X"].T @ d1,
            "b1": d1.sum(0),
            "W2": a1.T @ d2,
            "b2": d2.sum(0),
            "W3": a2.T @ d3,
            "b3": d3.sum(0),
        }
