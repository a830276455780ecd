"""How fast derived Hessians are beside good hand-written NumPy and jax.hessian, in one run.

    python benchmarks/hessians.py [--rows logistic gaussian] [--seconds 2] [--precision float32]

As in `targets.py`: one thread, the peers take turns, ratios of the smallest times to hand-written
NumPy's.  All give the same numbers, to 1e-9 (1e-3 in float32) of the largest entry, or it fails.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from targets import Run, in_turn  # sets the number of threads, before NumPy is there

# isort: split
import numpy as np

import gradproof as gp

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A Hessian that is timed: by one array, and by another or itself.

    by_hand: of all inputs, by name.  loss: of JAX's numpy and arrays.
    """

    title: str
    made: Callable[[], Any]
    of: tuple[str, str]
    values: Callable[[Any], dict[str, Any]]
    by_hand: Callable[..., Any]
    loss: Callable[[Any, Arrays], Any]


# --- logistic regression -------------------------------------------------------------------------


def logistic() -> Any:
    return gp.derive(gp.equations("z = X @ w; L = sum(softplus(z) - y*z)/m",
                                  X="m n", w="n", y="m"))


def logistic_values(random: Any) -> dict[str, Any]:
    return {"X": random.normal(size=(1000, 50)), "w": random.normal(size=50) / 5,
            "y": random.integers(2, size=1000).astype(float)}


def logistic_by_hand(X: Any, w: Any, y: Any) -> Any:
    e = np.exp(-(X @ w))
    weight = e / (1 + e) ** 2 / len(X)
    return X.T @ (weight[:, None] * X)


def logistic_loss(jnp: Any, v: Arrays) -> Any:
    z = v["X"] @ v["w"]
    return (jnp.logaddexp(0, z) - v["y"] * z).sum() / len(z)


# --- a matrix factorisation ----------------------------------------------------------------------


def factorisation() -> Any:
    return gp.derive(gp.equations("L = sum((A - U @ V)**2)/2", A="m n", U="m p", V="p n"))


def factorisation_values(random: Any) -> dict[str, Any]:
    return {"A": random.normal(size=(60, 80)), "U": random.normal(size=(60, 8)),
            "V": random.normal(size=(8, 80))}


def factor_by_hand(A: Any, U: Any, V: Any) -> Any:
    m, p = U.shape
    H = np.zeros((m, p, m, p), U.dtype)
    i = np.arange(m)
    H[i, :, i, :] = V @ V.T
    return H


def factors_by_hand(A: Any, U: Any, V: Any) -> Any:
    H = U[:, None, :, None] * V[None, :, None, :]
    error = U @ V
    error -= A
    for k in range(len(V)):
        H[:, k, k, :] += error
    return H


def factorisation_loss(jnp: Any, v: Arrays) -> Any:
    return ((v["A"] - v["U"] @ v["V"]) ** 2).sum() / 2


# --- a network of one hidden layer ---------------------------------------------------------------


def network(*units: int) -> Callable[[], Any]:
    return lambda: gp.derive(gp.Network(
        list(units), activation="tanh", output="sigmoid", loss="binary_cross_entropy"))


def network_values(m: int, n: int, units: int) -> Callable[[Any], dict[str, Any]]:
    return lambda random: {
        "X": random.normal(size=(m, n)), "Y": random.integers(2, size=(m, 1)).astype(float),
        "W1": random.normal(size=(n, units)) / np.sqrt(n), "b1": random.normal(size=units),
        "W2": random.normal(size=(units, 1)) / np.sqrt(units), "b2": random.normal(size=1)}


def _forward(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    a = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(a @ W2 + b2)))
    return a, p, 1 - a * a


def hidden_by_hand(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    (m, n), units = X.shape, len(b1)
    a, p, slope = _forward(X, Y, W1, b1, W2, b2)
    first = (X[:, :, None] * (slope * W2[:, 0])[:, None, :]).reshape(m, n * units)
    H = (first.T @ (first * (p * (1 - p) / m))).reshape(n, units, n, units)
    curved = (Y - p) * (2 / m) * W2[:, 0] * a * slope
    pairs = (X[:, :, None] * X[:, None, :]).reshape(m, n * n)
    blocks = (curved.T @ pairs).reshape(units, n, n)
    j = np.arange(units)
    H[:, j, :, j] += blocks
    return H


def mixed_by_hand(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    (m, n), units = X.shape, len(b1)
    a, p, slope = _forward(X, Y, W1, b1, W2, b2)
    first = (X[:, :, None] * (slope * W2[:, 0])[:, None, :]).reshape(m, n * units)
    H = (first.T @ (a * (p * (1 - p) / m))).reshape(n, units, units, 1)
    j = np.arange(units)
    H[:, j, j, 0] += X.T @ (slope * ((p - Y) / m))
    return H


def output_by_hand(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    a, p, _ = _forward(X, Y, W1, b1, W2, b2)
    return (a.T @ (a * (p * (1 - p) / len(X))))[:, None, :, None]


def network_loss(jnp: Any, v: Arrays) -> Any:
    z = jnp.tanh(v["X"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]
    return (jnp.logaddexp(0, z) - v["Y"] * z).sum() / len(z)


# --- a Gaussian process --------------------------------------------------------------------------


def gaussian() -> Any:
    return gp.derive(gp.equations(
        "K = s**2*exp(-D/(2*l**2)) + t**2*eye(n); L = y @ inv(K) @ y/2 + logdet(K)/2",
        D="n n", y="n", s="", l="", t=""))


def gaussian_values(random: Any) -> dict[str, Any]:
    x = random.normal(size=(200, 2))
    return {"D": ((x[:, None] - x) ** 2).sum(-1), "y": random.normal(size=200),
            "s": np.array(1.2), "l": np.array(0.8), "t": np.array(0.5)}


def _covariance(D: Any, y: Any, s: Any, l: Any, t: Any) -> Any:  # noqa: E741  # the length scale
    E = np.exp(-D / (2 * l * l))
    E *= s * s
    K = E.copy()
    K.flat[::len(K) + 1] += t * t
    inverse = np.linalg.inv(K)
    return E, inverse, inverse @ y


def _second(inverse: Any, a: Any, first: Any, other: Any, both: Any) -> Any:
    """∂²L/∂u∂v of L = y K⁻¹ y/2 + log det(K)/2 from ∂K/∂u, ∂K/∂v and ∂²K/∂u∂v; a = K⁻¹ y."""
    left = inverse @ first
    right = left if other is first else inverse @ other
    quadratic = (first @ a) @ inverse @ (other @ a) - a @ both @ a / 2
    return quadratic + np.vdot(inverse, both) / 2 - (left * right.T).sum() / 2


def length_by_hand(D: Any, y: Any, s: Any, l: Any, t: Any) -> Any:  # noqa: E741
    E, inverse, a = _covariance(D, y, s, l, t)
    first = E * D
    both = first * (D - 3 * l * l)
    first /= l**3
    both /= l**6
    return _second(inverse, a, first, first, both)


def scale_by_hand(D: Any, y: Any, s: Any, l: Any, t: Any) -> Any:  # noqa: E741
    E, inverse, a = _covariance(D, y, s, l, t)
    other = E * D
    other /= l**3
    E *= 2 / s
    return _second(inverse, a, E, other, other * (2 / s))


def noise_by_hand(D: Any, y: Any, s: Any, l: Any, t: Any) -> Any:  # noqa: E741
    _, inverse, a = _covariance(D, y, s, l, t)
    square = np.vdot(inverse, inverse.T)
    return (4 * t * t * (a @ inverse @ a) - a @ a + np.trace(inverse) - 2 * t * t * square)


def gaussian_loss(jnp: Any, v: Arrays) -> Any:
    n = len(v["y"])
    K = v["s"] ** 2 * jnp.exp(-v["D"] / (2 * v["l"] ** 2)) + v["t"] ** 2 * jnp.eye(
        n, dtype=v["D"].dtype)
    half = jnp.linalg.cholesky(K)
    a = jnp.linalg.solve(K, v["y"])
    return v["y"] @ a / 2 + jnp.log(jnp.diag(half)).sum()


ROWS = {
    "logistic": Row("logistic regression, 1000 × 50", logistic, ("w", "w"), logistic_values,
                    logistic_by_hand, logistic_loss),
    "factor": Row("matrix factorisation 60 × 80 × 8, U", factorisation, ("U", "U"),
                  factorisation_values, factor_by_hand, factorisation_loss),
    "factors": Row("the same, U by V", factorisation, ("U", "V"), factorisation_values,
                   factors_by_hand, factorisation_loss),
    "hidden": Row("2-4-1 tanh, batch 32, W1", network(2, 4, 1), ("W1", "W1"),
                  network_values(32, 2, 4), hidden_by_hand, network_loss),
    "mixed": Row("the same, W1 by W2", network(2, 4, 1), ("W1", "W2"), network_values(32, 2, 4),
                 mixed_by_hand, network_loss),
    "output": Row("the same, W2", network(2, 4, 1), ("W2", "W2"), network_values(32, 2, 4),
                  output_by_hand, network_loss),
    "wide": Row("10-20-1 tanh, batch 200, W1", network(10, 20, 1), ("W1", "W1"),
                network_values(200, 10, 20), hidden_by_hand, network_loss),
    "length": Row("Gaussian process, n = 200, length scale", gaussian, ("l", "l"), gaussian_values,
                  length_by_hand, gaussian_loss),
    "scale": Row("the same, amplitude by length scale", gaussian, ("s", "l"), gaussian_values,
                 scale_by_hand, gaussian_loss),
    "noise": Row("the same, noise", gaussian, ("t", "t"), gaussian_values, noise_by_hand,
                 gaussian_loss),
}


def peers(row: Row, derived: Any, values: dict[str, Any]) -> dict[str, Run]:
    """What is timed, by its column; each gives the Hessian."""
    runs: dict[str, Run] = {"by hand": lambda: row.by_hand(**values)}
    space: dict[str, Any] = {}
    exec(derived.numpy_source(), space)
    wanted = {name: values[name] for name in derived.inputs}
    runs["source"] = lambda: space["derivative"](**wanted)
    compiled = derived.compile()
    runs["compile()"] = lambda: compiled(**wanted)
    try:
        in_c = derived.compile(target="c")
        in_c(**wanted)
        runs["C"] = lambda: in_c(**wanted)
    except (gp.EquationError, RuntimeError) as why:  # an inverse, or no compiler
        print(f"<!-- C: {why} -->")
    try:
        import jax
    except ImportError:
        return runs
    jax.config.update("jax_enable_x64", True)
    one, other = row.of
    arrays = {name: jax.numpy.asarray(value) for name, value in values.items()}

    def loss(first: Any, second: Any, rest: Any) -> Any:
        return row.loss(jax.numpy, {**rest, other: second, one: first})

    if one == other:
        second = jax.jit(jax.hessian(lambda first, rest: loss(first, first, rest)))
        runs["jax.hessian"] = lambda: jax.block_until_ready(second(arrays[one], arrays))
    else:
        mixed = jax.jit(jax.jacfwd(jax.grad(loss), 1))
        runs["jax.hessian"] = lambda: jax.block_until_ready(
            mixed(arrays[one], arrays[other], arrays))
    return runs


def agree(runs: dict[str, Run], precision: str) -> None:
    """Raises AssertionError for a column whose numbers are not those of the hand-written one."""
    due = np.asarray(runs["by hand"]())
    close = 1e-9 if precision == "float64" else 1e-3
    for name, run in runs.items():
        found = np.asarray(run())
        assert found.dtype == due.dtype == precision, (name, found.dtype, due.dtype)
        np.testing.assert_allclose(found, due, rtol=0, atol=close * np.abs(due).max(),
                                   err_msg=name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--precision", default="float64", choices=["float64", "float32"])
    options = parser.parse_args()
    columns = ["source", "compile()", "C", "jax.hessian"]
    print("| | by hand | " + " | ".join(columns) + " |")
    print("| --- | ---: |" + " ---: |" * len(columns))
    for key in options.rows:
        row = ROWS[key]
        derived = row.made().hessian(*row.of)
        values = {name: value.astype(options.precision)
                  for name, value in row.values(np.random.default_rng(0)).items()}
        runs = peers(row, derived, values)
        agree(runs, options.precision)
        found = in_turn(runs, options.seconds)
        least = found["by hand"][0]
        shown = [f"{found[c][0] / least:.2f}" if c in found else "" for c in columns]
        print(f"| {row.title} | {1e6 * least:.0f} µs | " + " | ".join(shown) + " |", flush=True)


if __name__ == "__main__":
    main()
