"""Convolutions, transposed ones and pooling of PyTorch's modules: every setting, derived, against
autograd."""

import re

import numpy as np
import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

MODULES = [  # a module, the shape of its input
    (lambda: nn.Conv1d(2, 3, 3, dilation=2, padding=2), "b 2 9"),
    (lambda: nn.Conv1d(2, 3, 3, padding="same", dilation=2), "b 2 6"),
    (lambda: nn.Conv2d(2, 3, (3, 2), padding="valid"), "b 2 4 5"),
    (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), "b 4 6 6"),
    (lambda: nn.ConvTranspose1d(2, 3, 3, stride=2, padding=1, output_padding=1), "b 2 4"),
    (lambda: nn.ConvTranspose1d(4, 2, 3, groups=2, dilation=2, bias=False), "b 4 4"),
    (lambda: nn.ConvTranspose2d(2, 3, 2, stride=2), "b 2 3 3"),
    (lambda: nn.MaxPool1d(2, 1, dilation=2), "b 2 6"),
    (lambda: nn.MaxPool2d(3, 2, 1), "b 2 6 6"),
    (lambda: nn.MaxPool2d((3, 2), (2, 1), (1, 0)), "b 2 6 5"),
    (lambda: nn.AvgPool1d(3, 2, 1, count_include_pad=False), "b 2 6"),
    (lambda: nn.AvgPool2d(3, 2, 1), "b 2 6 6"),
]


@pytest.mark.parametrize(("make", "shape"), MODULES)
def test_it_agrees_with_autograd(make, shape):
    torch.manual_seed(0)
    module, rng = make(), np.random.default_rng(0)
    made = gp.derive(module, input=shape)
    assert not re.search(r"\bt_?\d+\b", str(made)), "a machine name"
    module = module.double()
    x = rng.normal(size=[3 if size == "b" else int(size) for size in shape.split()])
    tensor = torch.tensor(x, requires_grad=True)
    out = module(tensor)
    weights = rng.normal(size=tuple(out.shape))
    (out * torch.tensor(weights)).sum().backward()
    value, gradients = made.compile()(
        input=x, **{made.upstream[name]: weights for name in made.upstream}, **made.arrays())
    np.testing.assert_allclose(value, out.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradients["input"], tensor.grad.numpy(), rtol=1e-12, atol=1e-13)
    for name, path in made.parameters.items():
        np.testing.assert_allclose(gradients[name], module.get_parameter(path).grad.numpy(),
                                   rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("make", "shape", "said"), [
    (lambda: nn.MaxPool1d(2, 1, 1, dilation=2), "b 2 6", "a padding and a dilation"),
    (lambda: nn.MaxPool1d(2, ceil_mode=True), "b 2 5", "ceil_mode"),
    (lambda: nn.AvgPool1d(2, ceil_mode=True), "b 2 5", "ceil_mode"),
    (lambda: nn.ConvTranspose1d(1, 1, 1, padding=1), "b 1 6", "larger than its kernel"),
])
def test_what_is_not_traced_is_said(make, shape, said):
    with pytest.raises(ValueError, match=said):
        gp.derive(make(), input=shape)
