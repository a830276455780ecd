"""A loss and its gradient that compute with PyTorch or with JAX."""

import numpy as np
import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

SHAPES = {"x": "m n", "w": "n k"}


def torch_loss(x, w):
    return torch.sum(torch.sigmoid(x @ w) ** 2)


def torch_gradient(x, w):
    a = torch.sigmoid(x @ w)
    return x.T @ (2 * a * a * (1 - a))


def torch_wrong(x, w):
    a = torch.sigmoid(x @ w)
    return x.T @ (2 * a * (1 - a))


def jax_loss(x, w):
    return jnp.sum(jax.nn.sigmoid(x @ w) ** 2)


@jax.jit
def jax_gradient(x, w):
    a = jax.nn.sigmoid(x @ w)
    return x.T @ (2 * a * a * (1 - a))


def jax_wrong(x, w):
    a = jax.nn.sigmoid(x @ w)
    return x.T @ (2 * a * (1 - a))


def by_autograd(x, w):
    w = w.clone().requires_grad_()
    return torch.autograd.grad(torch_loss(x, w), w)[0]


def through_numpy(x, w):
    """Which takes NumPy's arrays, although it computes with PyTorch."""
    return torch_gradient(torch.from_numpy(x), torch.from_numpy(w)).numpy()


def numpy_loss(x, w):
    return np.sum((1 / (1 + np.exp(-x @ w))) ** 2)


@pytest.mark.parametrize(("loss", "gradient", "verdict"), [
    (torch_loss, torch_gradient, "proved"), (torch_loss, torch_wrong, "refuted"),
    (jax_loss, jax_gradient, "proved"), (jax_loss, jax_wrong, "refuted"),
    (torch_loss, jax_gradient, "proved"), (numpy_loss, torch_gradient, "proved"),
    (torch_loss, by_autograd, "agrees"), (jax_loss, jax.grad(jax_loss, 1), "agrees"),
    (torch_loss, through_numpy, "agrees"),
])
def test_two_functions(loss, gradient, verdict):
    result = gp.check(loss, gradient, wrt=["w"], repair_seconds=0, **SHAPES)
    assert result.verdict == verdict, str(result)
