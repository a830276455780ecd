"""Networks that several test files read, and random ones; values that fit them."""

import tomllib
from importlib.resources import files
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradproof.symbolic.specs.network import Network

CASES: dict[str, Network] = {
    "2-2-1": Network([2, 2, 1], output="sigmoid", batch=False),
    "relu softmax": Network([3, 5, 4, 3], activation="relu", output="softmax",
                            loss="cross_entropy"),
    "logits": Network([3, 4, 3], activation="tanh", loss="cross_entropy_from_logits"),
    "binary": Network([2, 4, 1], activation="tanh", output="sigmoid",
                      loss="binary_cross_entropy"),
    "binary logits": Network([2, 3, 2], loss="binary_cross_entropy_from_logits"),
    "columns": Network([3, 4, 2], activation="leaky_relu", output="sigmoid",
                       convention="columns"),
    "columns single": Network([3, 4, 2], activation="softplus", output="tanh", batch=False,
                              convention="columns", loss="mean_squared_error"),
    "softmax squared": Network([2, 3, 3], output="softmax", loss="mean_squared_error"),
    "user formula": Network([3, 4, 2], activation="z/(1+exp(-z))", loss="mean_squared_error"),
    "user pieces": Network([3, 4, 2], activation="where(z > 1, z**2, 2*z - 1)"),
    "per sample": Network([3, 4, 1], activation="tanh", output="sigmoid",
                          loss="binary_cross_entropy", delta="sample"),
    "symbolic widths": Network(["n", "h", "k"], activation="tanh", output="softmax",
                               loss="cross_entropy", convention="columns"),
    "one layer": Network([4, 3], output="softmax", loss="cross_entropy"),
    "mixed": Network([3, 4, 5, 2], activation=["relu", "log(1+z**2)"], output="softplus"),
}

SAMPLES = {
    "X": [[0.5, -1], [2, 0.25], [-0.3, -0.4]],
    "Y": [[1, 0], [0, 1], [1, 0]],
    "W1": [[0.1, -0.2, 0.3], [-0.4, 0.5, 0.6]],
    "b1": [0.1, -0.1, 0],
    "W2": [[0.3, -0.1], [0.2, 0.2], [-0.5, 0.7]],
    "b2": [0.05, -0.05],
}
"""Numbers for a network of the sizes 2, 3 and 2, and for three samples."""

BATCH = 5


def example(name: str) -> Network:
    """One of the example networks, read from its TOML as it is in the package."""
    text = files("gradproof").joinpath("networks", f"{name}.toml").read_text(encoding="utf-8")
    spec = tomllib.loads(text)
    return Network(
        **spec["network"], name=spec["name"], values=spec.get("values", {}),
        learning_rate=spec.get("update", {}).get("learning_rate"),
        notation=spec.get("notation", {}), source=spec.get("source", {}),
        claims=spec.get("claims", ()),
    )


def values_for(network: Network, seed: int = 0) -> dict[str, Any]:
    """Random arrays for a network; symbolic sizes become 5, 6, 7, ... in order of appearance."""
    rng = np.random.default_rng(seed)
    numbers: dict[Any, int] = {}
    values: dict[str, Any] = {}
    for array in network.system().inputs:
        shape = tuple(
            numbers.setdefault(size, BATCH + len(numbers)) if size.is_Symbol else int(size)
            for size in array.shape
        )
        values[array.name] = rng.normal(size=shape)
    if "cross_entropy" in network.loss:
        positive = rng.uniform(0.1, 0.9, size=values["Y"].shape)
        if not network.loss.startswith("binary"):
            axis = -1 if network.convention == "rows" else 0
            positive /= positive.sum(axis=axis, keepdims=True)
        values["Y"] = positive
    return values


@st.composite
def random_networks(draw: Any) -> Network:
    """Depths 1 to 4, widths 1 to 5, any activation, both conventions, any batch."""
    depth = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.integers(1, 5), min_size=depth + 1, max_size=depth + 1))
    hidden = draw(st.lists(
        st.sampled_from(["sigmoid", "tanh", "relu", "leaky_relu", "softplus", "identity",
                         "z*tanh(z)", "z/(1+exp(-z))", "max(0.2*z, z)", "exp(-z**2)"]),
        min_size=depth - 1, max_size=depth - 1,
    ))
    loss, output = draw(st.sampled_from([
        ("half_squared_error", "identity"), ("half_squared_error", "sigmoid"),
        ("mean_squared_error", "tanh"), ("mean_squared_error", "softmax"),
        ("binary_cross_entropy", "sigmoid"), ("binary_cross_entropy_from_logits", "identity"),
        ("cross_entropy", "softmax"), ("cross_entropy_from_logits", "identity"),
    ]))
    batch = draw(st.sampled_from(["m", "m", False, 3]))
    delta = draw(st.sampled_from(["loss", "sample"])) if (
        batch == "m" and loss != "half_squared_error") else "loss"
    return Network(sizes, hidden, output, loss, draw(st.sampled_from(["rows", "columns"])),
                   batch, delta)
