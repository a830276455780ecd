"""PyTorch modules that nobody wrote for it: derived, printed, and equal to autograd."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.tracing.source import TraceError

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch_modules import MODULES, by_autograd, half_squares, values  # noqa: E402

SLOW = ("gru", "lstm", "pre-norm encoder layer", "basic block", "causal attention")
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MODULES]


@cache
def derived(name):
    module, shapes, loss = MODULES[name]
    return gp.derive(module, loss=loss, **shapes)


def agree(found, due):
    value, gradients = found
    np.testing.assert_allclose(value, due[0], rtol=1e-12, atol=1e-12)
    assert gradients.keys() == due[1].keys()
    for key, gradient in gradients.items():
        np.testing.assert_allclose(gradient, due[1][key], rtol=1e-12, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_derived_as_autograd_has_it(name):
    derivation, (module, shapes, loss) = derived(name), MODULES[name]
    arrays = values(derivation)
    due = by_autograd(derivation, module, shapes, loss, arrays)
    agree(derivation.compile()(**arrays), due)
    names = {}
    exec(derivation.numpy_source(), names)
    agree(names["gradient"](**arrays), due)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_has_names_of_the_module(name):
    derivation = derived(name)
    text = str(derivation)
    assert not re.search(r"\bt[₀-₉0-9]+\b", text), text
    for parameter, path in derivation.parameters.items():
        assert derivation.writer.notation.text(parameter) in text
        assert path in text
    assert {*derivation.parameters.values()} == {
        *dict(MODULES[name][0].named_parameters()), *(
            path for path, one in MODULES[name][0].named_buffers() if one.is_floating_point())}


@pytest.mark.parametrize(("name", "line"), [
    ("mlp", "∂L/∂W₁ = (∂L/∂Z₁)ᵀ x"), ("3-4-2", "∂L/∂Z₂ = y ⊙ (1 - y) ⊙ (y - t)"),
    ("3-4-2", "n = 3, as the parameters have it"), ("lstm cell", "∂L/∂W_if = (∂L/∂a_f)ᵀ input"),
    ("encoder layer", "P = softmax(U)"), ("swiglu", "γ   norm.weight  4"),
])
def test_lines(name, line):
    assert line in str(derived(name))


# --- names and sizes ----------------------------------------------------------------------------


def test_names_are_asked_for_and_sizes_are_letters():
    net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2))
    names = {"0.weight": "U", "2.weight": "V"}
    derivation = gp.derive(net, x="m n", U="h n", b1="h", V="k h", b2="k", names=names, wrt=["U"])
    assert "∂L/∂U = (∂L/∂Z₁)ᵀ x" in str(derivation)
    assert derivation.parameters == {"U": "0.weight", "b1": "0.bias", "V": "2.weight",
                                     "b2": "2.bias"}
    rng = np.random.default_rng(0)
    arrays = {"x": (5, 6), "U": (7, 6), "b1": (7,), "V": (8, 7), "b2": (8,), "dy": (5, 8)}
    arrays = {name: rng.normal(size=shape) for name, shape in arrays.items()}
    (up,) = derivation.upstream.values()
    arrays[up] = arrays.pop("dy")
    _, gradients = derivation.compile()(**arrays)
    assert gradients["U"].shape == (7, 6)  # of other sizes than the module has


def test_a_parameter_that_is_shared_has_one_name():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = nn.Linear(4, 4, bias=False)
            self.decode = nn.Linear(4, 4, bias=False)
            self.decode.weight = self.encode.weight

        def forward(self, x):
            return self.decode(torch.tanh(self.encode(x)))

    module = Tied()
    derivation = gp.derive(module, x="m n")
    assert list(derivation.parameters.values()) == ["encode.weight"]
    arrays = values(derivation)
    agree(derivation.compile()(**arrays), by_autograd(
        derivation, module, {"x": "m n"}, None, arrays))


def test_a_frozen_parameter_is_not_differentiated_by():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    net[0].requires_grad_(False)
    assert list(gp.derive(net, x="m n").gradients) == ["x", "W2", "b2"]
    found = gp.derive(net, x="m n", t="m 2", loss=half_squares, wrt=["0.weight"])
    assert list(found.gradients) == ["W1"]


# --- what cannot be derived says so -------------------------------------------------------------


class Straight(nn.Module):
    def forward(self, x):
        return x + (torch.sign(x) - x).detach()


class Frozen(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            scale = x.abs().max()
        return x / scale


class Branching(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += 1
        return x * self.seen


class Averaging(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))

    def forward(self, x):
        self.mean.mul_(0.9).add_(0.1 * x.mean(0))
        return x - self.mean


class Two(nn.Module):
    def forward(self, x):
        return x + 1, x * 2


def hooked():
    net = nn.Linear(3, 2)
    net.register_forward_hook(lambda module, args, out: out * 2)
    return net


def with_a_gradient_hook():
    net = nn.Linear(3, 2)
    net.weight.register_hook(lambda gradient: 2 * gradient)
    return net


class Computed(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3, 3))
        self.twice = 2 * self.w  # whose gradient is w's, too

    def forward(self, x):
        return x @ self.twice


class Scaled(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x * self.scale(x)


REFUSED = [
    (with_a_gradient_hook(), "x", "weight has a hook on its gradient"),
    (nn.LazyLinear(2), "x", "weight has no shape yet; call the module once"),
    (Computed(), "x", "computed of others before the module is called"),
    (Scaled(lambda x: x.sum().item()), "x", r"item\(\) gives a number.*constant for its grad"),
    (Scaled(lambda x: x.requires_grad_(False)), "x", "makes a constant of it"),
    (nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), "x", r"dropout.*\.eval\(\)"),
    (Straight(), "x", "detach.*constant for its gradients"),
    (Frozen(), "x", "no_grad.*constant for its gradients"),
    (Branching(), "x", "depends on|truth|branch"),
    (Counting(), "x", "seen.*assigned|in place"), (Averaging(), "x", "mean in place"),
    (Two(), "x", "returns 2 arrays; give the loss"),
    (hooked(), "x", "forward hooks.*remove"),
    (nn.MultiheadAttention(4, 2, dropout=0.1), "query", r"dropout.*\.eval\(\)"),
    (nn.Sequential(nn.Conv2d(2, 2, 3), nn.MaxPool2d(2, ceil_mode=True)), "x", "ceil_mode"),
]


@pytest.mark.parametrize(("module", "name", "said"), REFUSED)
def test_what_is_not_derived_is_named(module, name, said):
    shapes = {"x": "m 2 5 5" if isinstance(getattr(module, "0", module), nn.Conv2d) else "m 3"}
    if name == "query":
        shapes = dict.fromkeys(("query", "key", "value"), "m b 4")
    with pytest.raises((TraceError, gp.EquationError, ValueError), match=f"(?s){said}"):
        gp.derive(module, **shapes)


def test_a_copy_of_values_is_a_constant():
    def scaled(x):
        return torch.relu(x) * x.new_tensor(x)

    with pytest.raises(TraceError, match=r"(?s)another one's values.*constant for its gradients"):
        gp.derive(scaled, x="m n")


def test_a_hook_on_all_modules_is_named():
    hook = nn.modules.module.register_module_forward_hook(lambda module, args, out: out * 2)
    try:
        with pytest.raises(TraceError, match="global forward hooks"):
            gp.derive(nn.Linear(3, 2), x="m 3")
    finally:
        hook.remove()


SHARED = nn.Linear(3, 3)
WEIGHT = SHARED.weight


class ByOtherNames(nn.Module):
    """Its weight is reached through the file, a list and itself."""

    def __init__(self):
        super().__init__()
        self.own = SHARED
        self.kept = [SHARED.weight]

    def forward(self, x):
        return self.own(x) @ WEIGHT @ self.kept[0]


def test_a_parameter_by_another_name_is_the_same_one():
    text = str(gp.derive(ByOtherNames(), x="m 3", loss=lambda y: y.sum(), wrt=["own.weight"]))
    assert "U = Z_own W_own" in text
    assert "y = U W_own" in text
    assert not re.search(r"[.]\d", text)  # its numbers


class Symmetric(nn.Module):
    def forward(self, w):
        return w.triu() + w.triu(1).T


def parametrized(layer, what):
    if what is Symmetric:
        nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
        return layer
    return what(layer)


@pytest.mark.parametrize(("module", "shape"), [
    (parametrized(nn.Linear(3, 3), Symmetric), "m 3"),
    (parametrized(nn.Linear(3, 2), nn.utils.parametrizations.weight_norm), "m 3"),
    (parametrized(nn.Linear(3, 2), nn.utils.parametrizations.spectral_norm).eval(), "m 3"),
    (nn.Sequential(nn.Dropout(inplace=True), nn.Linear(3, 2), nn.AlphaDropout()).eval(), "m 3"),
    (nn.Sequential(nn.Dropout2d(), nn.ReLU()).eval(), "m 2 3 3"),
], ids=["symmetric", "weight norm", "spectral norm", "dropout", "dropout2d"])
def test_a_parametrization_and_the_mode_are_the_modules(module, shape):
    derivation = gp.derive(module, x=shape)
    arrays = values(derivation)
    agree(derivation.compile()(**arrays), by_autograd(
        derivation, module, {"x": shape}, None, arrays))


@pytest.mark.parametrize(("change", "said"), [
    ({"x": "m 5"}, "does not take inputs of these shapes.*cannot be multiplied"),
    ({}, "needs an input for 'input'"), ({"x": "m n", "z": "m"}, "'z' is no input"),
    ({"x": "m n", "W": "h"}, "W: expected 2 sizes"), ({"x": "m n", "names": {"w": "V"}}, "no par"),
    ({"x": "m n", "names": {"weight": "2"}}, "expected a Python name"),
    ({"x": "m n", "wrt": ["Q"]}, "cannot differentiate by 'Q'"),
    ({"x": "m n", "loss": lambda y: y}, "a loss that returns one number"),
    ({"x": "m n", "t": "m 3", "loss": half_squares}, "the loss raises"),
])
def test_what_does_not_fit_is_said(change, said):
    with pytest.raises(ValueError, match=f"(?s){said}"):
        gp.derive(nn.Linear(3, 2), **change)


def test_nothing_is_left_in_the_module():
    module, shapes, _ = MODULES["batch norm"]
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.random.get_rng_state()
    gp.derive(module, **shapes)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    assert module.training


def test_the_page_runs_as_it_is_printed(capsys):
    text = (Path(__file__).parents[2] / "docs" / "modules.md").read_text()
    names = {"__name__": "page"}
    for program in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(program, names)
    assert capsys.readouterr().out == "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))
