"""An outside witness: PyTorch's autograd on the same networks (extra `peers`)."""

import numpy as np
import pytest
from networks import CASES, values_for

from gradproof.derivations.deriving import derive
from gradproof.symbolic.specs.network import Network

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

FUNCTIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
    "softplus": torch.nn.functional.softplus,
    "z/(1+exp(-z))": torch.nn.functional.silu,
    "where(z > 1, z**2, 2*z - 1)": lambda z: torch.where(z > 1, z**2, 2 * z - 1),
    "log(1+z**2)": lambda z: torch.log(1 + z**2),
}


def torch_gradients(network, values):
    arrays = {k: torch.tensor(v, dtype=torch.float64, requires_grad=k[0] in "Wb")
              for k, v in values.items()}
    rows = network.convention == "rows"
    feature = -1 if rows else 0
    a = arrays["X"]
    for layer, name in enumerate(network.activations, 1):
        weight, bias = arrays[f"W{layer}"], arrays[f"b{layer}"]
        if not rows and a.ndim == 2:
            bias = bias[:, None]
        z = (a @ weight if rows else weight @ a) + bias
        a = torch.softmax(z, feature) if name == "softmax" else FUNCTIONS[name](z)
    y = arrays["Y"]
    samples = 1 if network.batch is False else y.shape[0 if rows else 1]
    functional = torch.nn.functional
    loss = {
        "half_squared_error": lambda: ((y - a) ** 2).sum() / 2,
        "mean_squared_error": lambda: ((y - a) ** 2).mean(),
        "binary_cross_entropy": lambda: functional.binary_cross_entropy(
            a, y, reduction="sum") / samples,
        "binary_cross_entropy_from_logits": lambda: functional.binary_cross_entropy_with_logits(
            a, y, reduction="sum") / samples,
        "cross_entropy": lambda: -(y * torch.log(a)).sum() / samples,
        "cross_entropy_from_logits": lambda: -(
            y * torch.log_softmax(a, feature)).sum() / samples,
    }[network.loss]()
    loss.backward()
    return float(loss.detach()), {k: t.grad.numpy() for k, t in arrays.items() if t.requires_grad}


def assert_same(network, values):
    loss, gradients = derive(network).compile()(**values)
    expected_loss, expected = torch_gradients(network, values)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for name, gradient in gradients.items():
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(gradient, expected[name], atol=1e-12 * scale, rtol=0)


@pytest.mark.parametrize("network", CASES.values(), ids=CASES.keys())
def test_the_table_of_networks(network):
    values = values_for(network)
    assert_same(network, values)


def test_a_network_of_the_size_of_mnist():
    network = Network([784, 256, 128, 10], activation="relu", output="softmax",
                      loss="cross_entropy")
    values = values_for(network)
    for name in values:
        if name[0] == "W":
            values[name] /= np.sqrt(values[name].shape[0])
    assert_same(network, values)


def test_twenty_layers_with_a_formula_of_ones_own():
    network = Network([6] * 21, activation="z/(1+exp(-z))", loss="mean_squared_error")
    assert_same(network, values_for(network))
