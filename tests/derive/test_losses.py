"""Losses and their options: gradients that hold, formulas that read well, clear errors."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.layers.losses import LOSSES
from gradproof.symbolic.specs.losses import Objective
from gradproof.symbolic.specs.network import Network, NetworkError

SHAPES = {"X": (5, 3), "Y": (5, 4), "W1": (3, 4), "b1": (4,), "sample_weights": (5,),
          "lam": (), "W2": (4, 4), "b2": (4,)}


def network(loss, **options):
    output = {"probability": "sigmoid", "distribution": "softmax"}.get(LOSSES[loss].output,
                                                                       "identity")
    return Network(["n", "k"], output=output, loss=loss, **options)


def values_for(network, seed=0):
    rng = np.random.default_rng(seed)
    columns = network.convention == "columns"
    values = {}
    for name in network.shapes():
        values[name] = rng.normal(size=SHAPES[name])
    loss = LOSSES[network.loss]
    if loss.target == "one_hot":
        values["Y"] = np.eye(4)[rng.integers(0, 4, 5)]
    elif loss.target == "probability":
        soft = rng.uniform(0, 1, (5, 4)) * (rng.uniform(size=(5, 4)) > 0.3)  # with zeros
        soft[:, 0] += 0.1
        values["Y"] = soft / soft.sum(axis=1, keepdims=True)
    elif loss.labels:
        values["Y"] = rng.choice(loss.labels, (5, 4)).astype(float)
    if columns:
        values |= {name: values[name].T for name in values if name[0] in "XYW"}
    return values


def assert_gradients_hold(network, values):
    """Compiled code and printed source, along a random direction of all parameters."""
    derivation = gp.derive(network)
    rng = np.random.default_rng(1)
    along = {name: rng.normal(size=values[name].shape) for name in network.parameters}
    loss = derivation.loss_function()

    def moved(step):
        return float(loss(**{**values, **{n: values[n] + step * d for n, d in along.items()}}))

    fine, coarse = ((moved(h) - moved(-h)) / (2 * h) for h in (1e-4, 2e-4))
    expected = (4 * fine - coarse) / 3
    namespace = {}
    exec(derivation.numpy_source(), namespace)
    for gradient in (derivation.compile(), namespace["gradient"]):
        value, found = gradient(**values)
        assert float(value) == pytest.approx(moved(0), rel=1e-12)
        slope = sum(np.sum(found[name] * d) for name, d in along.items())
        assert slope == pytest.approx(expected, rel=1e-7, abs=1e-8)
    return derivation


@pytest.mark.parametrize("convention", ["rows", "columns"])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_in_both_conventions(loss, convention):
    made = network(loss, convention=convention)
    assert_gradients_hold(made, values_for(made))


@pytest.mark.parametrize("options", [
    {"l2": 0.1}, {"l1": "lam", "l2": 0.3}, {"sample_weights": True},
    {"label_smoothing": 0.1}, {"label_smoothing": 0.2, "sample_weights": True, "l2": "lam"},
    {"sample_weights": True, "delta": "sample"},
], ids=str)
@pytest.mark.parametrize("loss", ["cross_entropy", "cross_entropy_from_logits"])
def test_options_of_a_loss(loss, options):
    made = network(loss, **options)
    assert_gradients_hold(made, values_for(made))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_text_calls_every_loss_as_a_spec_has_it(loss):
    """Value and gradient, of matrices and of sequences of them."""
    values = values_for(network(loss))
    rng = np.random.default_rng(2)
    given = rng.uniform(0.1, 0.9, (2, 5, 4))
    given /= given.sum(axis=-1, keepdims=True)  # probabilities serve every loss
    target = np.stack([values["Y"], values["Y"][::-1]])
    kind = gp.Array("T m k", kind=LOSSES[loss].target)
    text = gp.derive(gp.equations(f"L = {loss}(Y, A)", A="T m k", Y=kind), ["A"])
    spec = gp.derive(gp.Model("T m k", ["identity"], loss=loss), ["X"])
    value, found = text.compile()(A=given, Y=target)
    due, gradient = spec.compile()(X=given, Y=target)
    assert float(value) == pytest.approx(float(due), rel=1e-14)
    np.testing.assert_allclose(found["A"], gradient["X"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("loss", "kind", "divisor"), [
    ("binary_cross_entropy_from_logits", "real", 6), ("hinge", "real", 6),
    ("mean_squared_error", "real", 6), ("half_squared_error", "real", 1),
    ("cross_entropy_from_logits", "one_hot", 1), ("kl_divergence_from_logits", "one_hot", 1),
])
def test_a_vector_is_samples_or_the_classes_of_one(loss, kind, divisor):
    """As the functions of PyTorch and scikit-learn take it."""
    z = np.random.default_rng(3).normal(size=6)
    y = np.eye(6)[2] if kind == "one_hot" else np.where(z > 0.2, 1.0, -1.0)
    value = gp.derive(gp.equations(f"L = {loss}(y, z)", z="m", y=gp.Array("m", kind=kind)),
                      ["z"]).loss_function()(z=z, y=y)
    log_sum = np.log(np.sum(np.exp(z)))
    due = {
        "binary_cross_entropy_from_logits": np.logaddexp(0, z) - y * z,
        "hinge": np.maximum(0, 1 - y * z), "mean_squared_error": (y - z) ** 2,
        "half_squared_error": (y - z) ** 2 / 2, "cross_entropy_from_logits": -y * (z - log_sum),
        "kl_divergence_from_logits": -y * (z - log_sum),
    }[loss]
    assert float(value) == pytest.approx(np.sum(due) / divisor, rel=1e-13)


@pytest.mark.parametrize(("text", "message"), [
    ("L = cross_entropy(y, a)", "expected an array with an axis, got the scalar a"),
    ("L = mean_squared_error(Y, v)", r"the target Y of shape \(m, n\) needs the shape \(n\)"),
    ("L = huber(Y, Y, 2)", "one array too many; expected huber\\(target, output\\)"),
    ("L = sum(rms_norm(Y, v, 0.1))", "an option goes by its name; expected rms_norm"),
    ("L = sum(rms_norm(Y, v, epsilon=1))", r"no argument \(did you mean 'eps'\?\); expected"),
    ("L = sum(rms_norm(Y, gama=v))", r"no argument \(did you mean 'gamma'\?\); expected"),
])
def test_what_a_call_in_a_text_cannot_be_is_an_error(text, message):
    with pytest.raises(ValueError, match=message):
        gp.equations(text, a="", y="", Y="m n", v="n")


def test_options_mean_what_they_say():
    """Values against the formulas of the documentation, written by hand."""
    base = network("cross_entropy_from_logits")
    values = values_for(network("cross_entropy_from_logits", sample_weights=True, l1="lam"))
    z = values["X"] @ values["W1"] + values["b1"]
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    y, w, weights = values["Y"], values["W1"], values["sample_weights"]
    for options, expected in [
        ({}, -(y * log_p).sum() / 5),
        ({"sample_weights": True}, -(weights[:, None] * y * log_p).sum() / 5),
        ({"label_smoothing": 0.1}, -((0.9 * y + 0.1 / 4) * log_p).sum() / 5),
        ({"l2": 0.5}, -(y * log_p).sum() / 5 + 0.25 * (w**2).sum()),
        ({"l1": "lam"}, -(y * log_p).sum() / 5 + values["lam"] * abs(w).sum()),
    ]:
        made = network(base.loss, **options)
        given = {name: values[name] for name in made.shapes()}
        assert gp.derive(made).loss_function()(**given) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("settings", "name", "formula"), [
    ({"loss": "kl_divergence", "output": "softmax"}, "Z1", "δ⁽¹⁾ = (A⁽¹⁾ - Y)/m"),
    ({"loss": "kl_divergence_from_logits"}, "Z1", "δ⁽¹⁾ = (softmax(A⁽¹⁾) - Y)/m"),
    ({"loss": "poisson"}, "Z1", "δ⁽¹⁾ = (exp(A⁽¹⁾) - Y)/(2 m)"),
    ({"loss": "half_squared_error", "l2": "lam"}, "W1", "∂L/∂W⁽¹⁾ = λ W⁽¹⁾ + Xᵀ δ⁽¹⁾"),
    ({"loss": "half_squared_error", "l2": 0.5}, "W1", "∂L/∂W⁽¹⁾ = ½ W⁽¹⁾ + Xᵀ δ⁽¹⁾"),
    ({"loss": "cross_entropy", "output": "softmax", "label_smoothing": 0.1}, "Z1",
     "δ⁽¹⁾ = A⁽¹⁾/m - (1 + 18 Y)/(20 m)"),
])
def test_gradients_read_as_in_textbooks(settings, name, formula):
    derivation = gp.derive(Network([3, 2], **settings))
    found = {**derivation.deltas, **derivation.gradients}[name]
    assert str(found) == formula


@pytest.mark.parametrize(("settings", "message"), [
    ({"loss": "hubber"}, "loss: expected one of .*did you mean 'huber'"),
    ({"loss": 3}, "loss: expected one of"),
    ({"l2": -1}, "l2: expected zero, a positive number or a name"),
    ({"l2": float("nan")}, "l2: expected a finite number"),
    ({"l1": True}, "l1: expected a number"),
    ({"l1": "lambda"}, "l1: 'lambda' is a word of Python"),
    ({"l1": "W1"}, "l1: 'W1' is an array already"),
    ({"l1": "m"}, "l1: 'm' is an array already"),
    ({"label_smoothing": 0.1}, "label_smoothing: is for the losses .*'half_squared_error'"),
    ({"label_smoothing": 1, "loss": "cross_entropy_from_logits"}, "below 1, got 1"),
    ({"sample_weights": [1, 2]}, "sample_weights: expected true or false"),
    ({"sample_weights": True, "batch": False}, "sample_weights: need a batch"),
    ({"delta": "sample"}, "delta: .*half_squared_error is a sum"),
    ({"loss": "poisson", "output": "softplus"}, "output: poisson takes logits"),
    ({"loss": "kl_divergence"}, "output: kl_divergence needs outputs between 0 and 1"),
])
def test_each_wrong_option_is_one_error_with_its_key(settings, message):
    with pytest.raises(NetworkError, match=message):
        Network([3, 2], **settings)


def test_the_table_is_complete():
    """Each loss says what it is, and names are apart."""
    for name, loss in LOSSES.items():
        assert loss.meaning
        assert Objective(name).row is loss


@pytest.mark.parametrize("classes", [2, 3])
def test_smoothed_targets_of_a_known_number_of_classes(classes):
    """Σ (1 + 18 y) over a row is K + 18: a factor that is a sum has a part without y."""
    made = Network([3, classes], loss="cross_entropy", output="softmax", label_smoothing=0.1)
    rng = np.random.default_rng(0)
    values = {"X": rng.normal(size=(5, 3)), "W1": rng.normal(size=(3, classes)),
              "b1": np.zeros(classes), "Y": np.eye(classes)[rng.integers(0, classes, 5)]}
    assert_gradients_hold(made, values)
