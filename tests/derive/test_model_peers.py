"""An outside witness for models, activations and losses: PyTorch's autograd (extra `peers`)."""

import numpy as np
import pytest
from models import CASES, values_for

import gradproof as gp
from gradproof.symbolic.functions import ACTIVATIONS
from gradproof.symbolic.layers.losses import LOSSES
from gradproof.symbolic.specs.model import Model

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.peers


def assert_same(model, forward, seed=0, **changes):
    """`forward` maps tensors by name to the loss; gradients to 1e-12 of each one's largest."""
    values = {**values_for(model, seed), **changes}
    loss, gradients = gp.derive(model).compile()(**values)
    tensors = {name: torch.tensor(value, requires_grad=name in gradients)
               for name, value in values.items()}
    expected = forward(tensors)
    expected.backward()
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-12)
    for name, gradient in gradients.items():
        reference = tensors[name].grad.numpy()
        scale = np.abs(reference).max()
        np.testing.assert_allclose(gradient, reference, atol=1e-12 * scale, rtol=0)


def cross_entropy(logits, y):
    return -(y * torch.log_softmax(logits, -1)).sum(-1).mean()


def test_a_convolutional_network():
    model = gp.load("lenet")

    def forward(t):
        a = F.avg_pool2d(torch.tanh(F.conv2d(t["X"], t["W1"], t["b1"], padding=2)), 2)
        a = F.avg_pool2d(torch.tanh(F.conv2d(a, t["W3"], t["b3"])), 2).flatten(1)
        a = torch.tanh(a @ t["W6"] + t["b6"])
        a = torch.tanh(a @ t["W7"] + t["b7"])
        return cross_entropy(a @ t["W8"] + t["b8"], t["Y"])

    values = values_for(model)
    assert_same(model, forward, **{n: values[n] / np.sqrt(values[n][..., 0].size)
                                   for n in ("W6", "W7", "W8")})


def test_convolutions_with_maxima():
    def forward(t):
        a = F.max_pool2d(torch.relu(F.conv2d(t["X"], t["W1"], t["b1"], padding=1)), 2)
        a = F.avg_pool2d(torch.tanh(F.conv2d(a, t["W3"], t["b3"])), 2, 1).flatten(1)
        return cross_entropy(a @ t["W7"] + t["b7"], t["Y"])

    assert_same(CASES["lenet"], forward)


def test_strides_and_dilation():
    def forward(t):
        a = F.conv1d(t["X"], t["W1"], stride=2, dilation=2)
        a = F.avg_pool1d(F.max_pool1d(a, 2, 1), 2).flatten(1)
        return ((a @ t["W5"] + t["b5"] - t["Y"]) ** 2).sum() / 2

    assert_same(CASES["conv1d"], forward)


def heads(x, source, t, n, causal):
    q, k, v = (torch.einsum("bti,hik->bhtk", s, t[f"{w}{n}"])
               for s, w in ((x, "WQ"), (source, "WK"), (source, "WV")))
    made = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return torch.einsum("bhtk,hke->bte", made, t[f"WO{n}"])


def norm(x, t, name, n):
    return F.layer_norm(x, x.shape[-1:], t[f"gamma{name}{n}"], t[f"beta{name}{n}"], 1e-5)


def test_a_transformer_block():
    def forward(t):
        x = F.embedding(t["X"], t["E1"])
        inner = norm(x, t, "", 2)
        x = x + heads(inner, inner, t, 2, True)
        hidden = F.gelu(norm(x, t, "F", 2) @ t["WF2"] + t["bF2"])
        x = x + hidden @ t["WG2"] + t["bG2"]
        return cross_entropy(norm(x, t, "", 3) @ t["W4"] + t["b4"], t["Y"])

    assert_same(CASES["transformer"], forward)
    assert_same(gp.load("transformer"), forward)


def test_attention_to_a_memory():
    def forward(t):
        memory = t["X"] @ t["W1"] + t["b1"]
        return ((heads(t["X"], memory, t, 2, False) - t["Y"]) ** 2).sum() / 2

    assert_same(CASES["cross attention"], forward)


def recurrent(module, x, t, gates):
    """PyTorch's own cell with the weights of layer 1; its second bias is left at zero."""
    with torch.no_grad():
        made = module(x.shape[-1], t[f"U{gates[0]}1"].shape[0]).double()
    stacked = {
        "weight_ih_l0": torch.cat([t[f"W{g}1"].T for g in gates]),
        "weight_hh_l0": torch.cat([t[f"U{g}1"].T for g in gates]),
        "bias_ih_l0": torch.cat([t[f"b{g}1"] for g in gates]),
    }
    zero = torch.zeros_like(stacked["bias_ih_l0"])
    if "c1" in t:
        zero = torch.cat([zero[: 2 * len(t["c1"])], t["c1"]])
    stacked["bias_hh_l0"] = zero
    return torch.func.functional_call(made, stacked, (x,))[0]


@pytest.mark.parametrize("steps", [1, 4])
def test_an_lstm_classifier(steps):
    def forward(t):
        h = recurrent(torch.nn.LSTM, t["X"], t, "ifgo")
        return cross_entropy(h[-1] @ t["W3"] + t["b3"], t["Y"])

    rng = np.random.default_rng(3)
    assert_same(CASES["lstm"], forward, X=rng.normal(size=(steps, 4, 5)))


def test_a_gru_and_weights_of_samples():
    def forward(t):
        z = recurrent(torch.nn.GRU, t["X"], t, "rzn") @ t["W2"] + t["b2"]
        losses = -(t["Y"] * torch.log_softmax(z, -1)).sum(-1)
        return (t["sample_weights"] * losses).mean()

    assert_same(CASES["gru"], forward)


NORMS = {
    "batch norm": lambda t: torch.relu(F.batch_norm(
        t["X"] @ t["W1"], None, None, t["gamma2"], t["beta2"], True)) @ t["W4"] + t["b4"],
    "layer norm": lambda t: F.gelu(norm(t["X"] @ t["W1"] + t["b1"], t, "", 2)) @ t["W4"] + t["b4"],
    "rms norm": lambda t: F.silu(
        F.rms_norm(t["X"], t["X"].shape[-1:], t["gamma1"], 1e-5) @ t["W2"] + t["b2"]),
    "group norm": lambda t: F.group_norm(
        t["X"], 2, t["gamma1"], t["beta1"]).flatten(1) @ t["W3"] + t["b3"],
}


@pytest.mark.parametrize("name", NORMS)
def test_norms(name):
    assert_same(CASES[name], lambda t: ((NORMS[name](t) - t["Y"]) ** 2).sum() / 2)


TORCH = {
    "identity": lambda z: z, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
    "leaky_relu": F.leaky_relu, "softplus": F.softplus, "elu": F.elu, "selu": F.selu,
    "gelu": F.gelu, "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"), "silu": F.silu,
    "swish": F.silu, "mish": F.mish, "softsign": F.softsign, "hard_tanh": F.hardtanh,
    "hard_sigmoid": lambda z: F.relu6(z + 3) / 6,  # the slope of F.hardsigmoid is 1/6 in float32
}


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name in TORCH])
def test_activations(name):
    model = Model("m n", [{"type": "dense", "units": 4, "activation": name}])

    def forward(t):
        return ((TORCH[name](t["X"] @ t["W1"] + t["b1"]) - t["Y"]) ** 2).sum() / 2

    assert_same(model, forward)


ONE_HOT = np.eye(4)[[0, 2, 1, 2]]
SIGNS = np.where(np.arange(16).reshape(4, 4) % 3, 1.0, -1.0)
REFERENCES = {
    "half_squared_error": lambda z, y: ((z - y) ** 2).sum() / 2,
    "mean_squared_error": F.mse_loss,
    "mean_absolute_error": F.l1_loss,
    "huber": F.huber_loss,
    "binary_cross_entropy": lambda a, y: F.binary_cross_entropy(a, y, reduction="sum") / 4,
    "binary_cross_entropy_from_logits": lambda z, y: F.binary_cross_entropy_with_logits(
        z, y, reduction="sum") / 4,
    "cross_entropy": lambda p, y: -(y * torch.log(p)).sum() / 4,
    "cross_entropy_from_logits": F.cross_entropy,
    "kl_divergence": lambda p, y: F.kl_div(torch.log(p), y, reduction="batchmean"),
    "kl_divergence_from_logits": lambda z, y: F.kl_div(
        torch.log_softmax(z, -1), y, reduction="batchmean"),
    "hinge": lambda z, y: torch.relu(1 - y * z).sum() / 4,
    "multiclass_hinge": lambda z, y: 4 * F.multi_margin_loss(z, y.argmax(-1)),
    "poisson": lambda z, y: F.poisson_nll_loss(z, y),
}


@pytest.mark.parametrize("name", [name for name in LOSSES if name in REFERENCES])
def test_losses(name):
    """Definitions, too: PyTorch's where it has the loss (its multi-class hinge divides by K)."""
    loss = LOSSES[name]
    output = {"probability": "sigmoid", "distribution": "softmax"}.get(loss.output, "identity")
    model = Model("m n", [{"type": "dense", "units": 4}, output], name)
    changes = {"Y": SIGNS} if loss.labels else {"Y": ONE_HOT} if loss.target != "real" else (
        {"Y": np.random.default_rng(1).uniform(size=(4, 4))} if "binary" in name else {})
    act = {"sigmoid": torch.sigmoid, "softmax": lambda z: torch.softmax(z, -1)}.get(
        output, lambda z: z)
    assert_same(model, lambda t: REFERENCES[name](act(t["X"] @ t["W1"] + t["b1"]), t["Y"]),
                **changes)


def test_label_smoothing():
    model = Model("m n", [{"type": "dense", "units": 4}], "cross_entropy_from_logits",
                  label_smoothing=0.1)
    assert_same(model, lambda t: F.cross_entropy(
        t["X"] @ t["W1"] + t["b1"], t["Y"], label_smoothing=0.1), Y=ONE_HOT)
