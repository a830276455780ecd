"""A right gradient passes in every regime, a wrong one is found, the rest is undecided."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from gradproof.numeric import (
    compare_gradient,
    measured_rounding,
    noise_bound,
    own_noise,
    rounding_bound,
)


def _networks():
    spec = importlib.util.spec_from_file_location(
        "numeric_network", Path(__file__).with_name("network.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


Network = _networks().Network

REGIMES = {
    "plain": (Network(), {}),
    "relu": (Network(relu=True), {}),
    "|z| of 30": (Network(), {"gain": 30.0}),
    "loss 1e8": (Network(scale=1e8), {}),
    "offset 1e8": (Network(offset=1e8), {}),
    "gradient 1e-12": (Network(scale=1e-12), {}),
    "float32": (Network(), {"dtype": np.float32}),
    "relu float32": (Network(relu=True), {"dtype": np.float32}),
}
regimes = pytest.mark.parametrize("regime", list(REGIMES))


def verdicts(results):
    return {name: c.verdict for name, c in results.items()}


@regimes
@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("n", [4, 24])
@pytest.mark.parametrize("measured", [False, True])
def test_right_gradient_agrees(regime, real, n, measured):
    network, options = REGIMES[regime]
    p = network.point(n=n, **options)
    rounding = measured_rounding(network.gradient, p) if measured else None
    loss = network.real_loss if real else network.loss
    found = compare_gradient(loss, p, network.gradient(p), rounding=rounding)
    assert set(verdicts(found).values()) == {"agrees"}, [str(c) for c in found.values()]


def test_relu_close_to_its_kink_agrees():
    network = Network(relu=True)
    p = network.point(n=6)
    p["b1"] -= (p["X"] @ p["W1"] + p["b1"])[0] - 3e-7  # the first sample's units at z = 3e-7
    for loss in (network.loss, network.real_loss):
        found = compare_gradient(loss, p, network.gradient(p))
        assert set(verdicts(found).values()) == {"agrees"}, [str(c) for c in found.values()]
        assert not any(c.subgradient for c in found.values())


def largest(array):
    return np.unravel_index(np.argmax(np.abs(array)), array.shape)


def scale_entry(name, factor):
    def wrong(g):
        g[name][largest(g[name])] *= factor

    return name, wrong


BUGS = {
    "a bias entry off by 1e-4": scale_entry("b1", 1 + 1e-4),
    "a bias entry off by 1e-6": scale_entry("b1", 1 + 1e-6),
    "a weight entry off by 10 %": scale_entry("W2", 1.1),
    "sign": ("W1", lambda g: g.update(W1=-g["W1"])),
    "without 1/m": ("W3", lambda g: g.update(W3=g["W3"] * 16)),
    "transposed": ("W2", lambda g: g.update(W2=g["W2"].T)),
    "zero": ("b1", lambda g: g.update(b1=0 * g["b1"])),
    "nan": ("W1", lambda g: g["W1"].__setitem__((0, 0), np.nan)),
}


@regimes
@pytest.mark.parametrize("bug", list(BUGS))
@pytest.mark.parametrize("n", [4, 24])
def test_wrong_gradient_is_refuted(regime, bug, n):
    network, options = REGIMES[regime]
    if bug.endswith("1e-6") and "float32" in regime:
        pytest.skip("below the precision of the claim")
    p = network.point(n=n, **options)
    rounding = measured_rounding(network.gradient, p)
    g = {name: array.copy() for name, array in network.gradient(p).items()}
    name, wrong = BUGS[bug]
    wrong(g)
    found = compare_gradient(network.loss, p, g, rounding=rounding)
    assert verdicts(found) == {k: "refuted" if k == name else "agrees" for k in g}
    worst = found[name].worst
    assert worst.entry is not None
    assert not abs(worst.claimed - worst.estimate.value) <= worst.bound


@pytest.mark.parametrize("factor", [1.1, 1 + 1e-6])
@pytest.mark.parametrize("real", [False, True])
def test_one_wrong_entry_among_many_is_located(factor, real):
    network = Network()
    p = network.point(n=64)
    g = {name: array.copy() for name, array in network.gradient(p).items()}
    entry = (17, 41)
    g["W2"][entry] *= factor
    calls = []

    def loss(values):
        calls.append(1)
        return (network.real_loss if real else network.loss)(values)

    found = compare_gradient(loss, p, g, wrt=["W2"])["W2"]
    assert found.verdict == "refuted"
    assert [probe.entry for probe in found.wrong] == [entry]
    assert not np.all(np.isfinite(found.witness))
    assert len(calls) < 4000


def test_sign_of_a_tiny_gradient_beside_a_large_loss():
    network = Network(scale=1e-12, offset=1.0)
    p = network.point(n=8)
    rounding = measured_rounding(network.gradient, p)
    g = network.gradient(p)
    assert set(verdicts(compare_gradient(network.loss, p, g, rounding=rounding)).values()) == {
        "agrees"
    }
    g["W1"] = -g["W1"]
    assert compare_gradient(network.loss, p, g, rounding=rounding)["W1"].verdict == "refuted"


def relu_sum(p):
    return np.sum(np.maximum(p["x"], 0))


@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [(0.0, "agrees"), (1.0, "agrees"), (0.5, "agrees"), (1.5, "refuted"), (-0.1, "refuted")],
)
@pytest.mark.parametrize("real", [False, True])
def test_subgradients_are_accepted_and_named(claimed, verdict, real):
    def loss(p):
        return float(relu_sum(p)) if real else relu_sum(p)

    p = {"x": np.array([0.0, 2.0, -3.0])}
    found = compare_gradient(loss, p, {"x": np.array([claimed, 1.0, 0.0])})["x"]
    assert found.verdict == verdict
    assert found.subgradient == (verdict == "agrees")
    assert ("subgradient" in found.reason) == (verdict == "agrees")


@pytest.mark.parametrize(
    ("claimed", "verdict"), [(0.0, "agrees"), (1.0, "agrees"), (1.5, "refuted")]
)
def test_kink_of_one_entry_among_many(claimed, verdict):
    x = np.random.default_rng(0).standard_normal(3000)
    x[77] = 0
    gradient = (x > 0).astype(float)
    gradient[77] = claimed
    found = compare_gradient(relu_sum, {"x": x}, {"x": gradient})["x"]
    assert found.verdict == verdict
    assert [p.entry for p in found.wrong] == ([] if verdict == "agrees" else [(77,)])


def test_shape_is_never_broadcast():
    p = {"b": np.arange(3.0)}
    found = compare_gradient(lambda p: np.sum(p["b"] ** 2), p, {"b": 2 * p["b"][None]})["b"]
    assert found.verdict == "refuted"
    assert "shape (1, 3) where (3,) is due" in found.reason


def test_undecided_says_why():
    p = {"x": np.ones(2)}
    r = np.random.default_rng(0)

    def changing(p):
        p["x"] *= 2
        return np.sum(p["x"])

    for loss, word in [
        (lambda p: np.sum(p["x"]) + r.random(), "one point"),
        (lambda p: np.log(np.sum(p["x"]) - 2), "-inf"),
        (changing, "changes its input x"),
        (lambda p: 1e30 + np.float64(np.sum(p["x"].real)), "ill-conditioned"),
    ]:
        found = compare_gradient(loss, p, {"x": np.ones(2)})["x"]
        assert found.verdict == "undecided"
        assert word in found.reason
    assert np.all(p["x"] == 1)


def test_a_true_zero_agrees_and_says_so():
    p = {"x": np.array([1.0, 2.0]), "y": np.array([3.0])}
    found = compare_gradient(lambda p: np.sum(p["x"] ** 2), p, {"y": np.zeros(1)})["y"]
    assert found.verdict == "agrees"
    assert "zero within" in found.reason


def test_same_seed_same_result():
    network = Network()
    p = network.point(n=24)
    first, second = (compare_gradient(network.loss, p, network.gradient(p)) for _ in range(2))
    assert all(first[k].bound == second[k].bound for k in first)


def test_unknown_name():
    with pytest.raises(KeyError, match="no gradient claimed"):
        compare_gradient(relu_sum, {"x": np.ones(1)}, {"x": np.ones(1)}, wrt=["y"])


def test_one_product_by_two_orders_of_summation_is_within_its_rounding():
    r = np.random.default_rng(0)
    a, b = r.standard_normal((50, 40)), r.standard_normal((40, 30))
    x, y = a @ b, np.einsum("ij,jk->ik", a, b)
    assert np.max(np.abs(x - y)) <= rounding_bound(x, y) < 1e-11
    assert rounding_bound(x.astype(np.float32), y) > 1e-6


def test_measured_rounding_bounds_the_real_one():
    network = Network()
    p = network.point(n=16, dtype=np.float32)
    measured = measured_rounding(network.gradient, p)
    exact = network.gradient({k: v.astype(float) for k, v in p.items()})
    for name, array in network.gradient(p).items():
        assert np.all(np.abs(array - exact[name]) <= measured[name])
        assert np.max(measured[name]) < 1e-4 * np.max(np.abs(array))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("seed", range(12))
def test_a_loss_that_loses_digits_refutes_nothing(scale, seed):
    """1 - s of a saturated s has few digits, and so has every derivative taken of it."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(20, 4)) * scale, (rng.random(20) > 0.5) * 1.0
    point = {"w": rng.normal(size=4)}

    def loss(p):
        s = sigmoid(x @ p["w"])
        return -np.mean(y * np.log(s) + (1 - y) * np.log(1 - s))

    gradient = x.T @ (sigmoid(x @ point["w"]) - y) / len(y)
    assert compare_gradient(loss, point, {"w": gradient})["w"].verdict != "refuted"
    wrong = gradient * np.array([1, 1, 1.001, 1])
    assert compare_gradient(loss, point, {"w": wrong})["w"].verdict == "refuted"


@pytest.mark.parametrize("seed", range(10))
def test_a_deep_network_is_as_exact_as_its_forward_pass(seed):
    """Twelve tanh layers: the derivative by a weight far from the loss carries their roundings."""
    rng = np.random.default_rng(seed)
    point = {f"W{i}": rng.normal(size=(4, 4)) / 2 for i in range(12)}
    x = rng.normal(size=(3, 4))

    def loss(p):
        a = x
        for i in range(12):
            a = np.tanh(a @ p[f"W{i}"])
        return np.sum(a**2) / 2

    layers = [x]
    for i in range(12):
        layers.append(np.tanh(layers[-1] @ point[f"W{i}"]))
    gradient, delta = {}, layers[-1]
    for i in reversed(range(12)):
        delta = delta * (1 - layers[i + 1] ** 2)
        gradient[f"W{i}"] = layers[i].T @ delta
        delta = delta @ point[f"W{i}"].T
    assert not {name for name, found in compare_gradient(loss, point, gradient).items()
                if found.verdict == "refuted"}


def test_a_programs_own_noise_is_that_of_its_arithmetic_and_no_wrong_formula():
    p = {"x": np.linspace(0.5, 2.0, 7)}
    right = np.exp(p["x"])

    def narrow(at):
        return {"x": np.exp(at["x"].astype(np.float32)).astype(float)}

    def wrong(at):
        return {"x": np.exp(at["x"]) * (1 + 1e-6)}

    rounding = np.finfo(np.float32).eps * right
    noise = own_noise(narrow, p, ["x"])["x"]
    assert np.all((rounding / 20 < noise) & (noise < 3 * rounding))
    assert np.all(own_noise(wrong, p, ["x"])["x"] < 1e-10)
    for gradient, explained in ((narrow, True), (wrong, False)):
        claimed = gradient(p)["x"]
        allowed = noise_bound(gradient, p, "x", claimed, right)
        assert np.all(np.abs(claimed - right) <= allowed) is np.bool_(explained)
