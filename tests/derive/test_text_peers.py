"""Convolutions of a text in PyTorch, values and gradients, on sizes that leave something over."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.equation import size_symbol
from gradproof.symbolic.shapes import parse_shape

SIZES = {size_symbol(name): number for name, number in zip("mcfhkt", (2, 3, 2, 7, 6, 5),
                                                           strict=True)}
CONVOLUTIONS = {
    "in groups": ("conv2d(x, w, b, groups=2, stride=2, padding=1)", "conv2d",
                  {"groups": 2, "stride": 2, "padding": 1}, "m 2*c h k", "4 c 3 2", "4"),
    "in groups of a symbolic size": ("conv1d(x, w, b, groups=2)", "conv1d", {"groups": 2},
                                     "m 2*c t", "2*f c 3", "2*f"),
    "depthwise": ("depthwise_conv2d(x, reshape(w, c, 3, 3), b, padding=1, dilation=2)", "conv2d",
                  {"groups": 3, "padding": 1, "dilation": 2}, "m c h k", "c 1 3 3", "c"),
    "depthwise, stride": ("depthwise_conv1d(x, reshape(w, c, 2), b, stride=2)", "conv1d",
                          {"groups": 3, "stride": 2}, "m c t", "c 1 2", "c"),
    "transposed": ("conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1)",
                   "conv_transpose2d", {"stride": 2, "padding": 1, "output_padding": 1},
                   "m c h k", "c f 3 3", "f"),
    "transposed, dilated": ("conv_transpose1d(x, w, b, stride=3, dilation=2)", "conv_transpose1d",
                            {"stride": 3, "dilation": 2}, "m c t", "c f 3", "f"),
    "transposed, plain": ("conv_transpose1d(x, w, b)", "conv_transpose1d", {}, "m c t", "c f 2",
                          "f"),
    "three axes": ("conv3d(x, w, b, padding=1, stride=2)", "conv3d", {"padding": 1, "stride": 2},
                   "m c h k t", "f c 3 2 3", "f"),
    "transposed, three axes": ("conv_transpose3d(x, w, b, stride=2)", "conv_transpose3d",
                               {"stride": 2}, "m c 3 2 t", "c f 2 2 3", "f"),
}


@pytest.mark.peers
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    text, peer, options, *shapes = CONVOLUTIONS[name]
    rng = np.random.default_rng(5)
    arrays = {key: rng.normal(size=[int(size.subs(SIZES)) for size in parse_shape(shape)])
              for key, shape in zip("xwb", shapes, strict=True)}
    given = {key: torch.tensor(array, requires_grad=True) for key, array in arrays.items()}
    made = getattr(torch.nn.functional, peer)(given["x"], given["w"], given["b"], **options)
    (loss := made.sin().sum() + (made**3).sum()).backward()
    derived = gp.derive(gp.equations(f"Z = {text}; L = sum(sin(Z) + Z**3)",
                                     **dict(zip("xwb", shapes, strict=True))), ["x", "w", "b"])
    value, found = derived.compile()(**arrays)
    np.testing.assert_allclose(value, loss.item(), 1e-11)
    for key in "xwb":
        np.testing.assert_allclose(found[key], given[key].grad.numpy(), 1e-9, 1e-10)
