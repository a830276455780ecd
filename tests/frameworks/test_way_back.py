"""What is printed as a torch.autograd.Function and as a jax.custom_vjp computes what autograd and
the derivation have."""

import ast
import re

import numpy as np
import pytest
from hypothesis import given, settings

import gradproof as gp
from gradproof.codegen.called import SOURCES
from gradproof.codegen.frameworks.for_jax import _Jax
from gradproof.codegen.frameworks.for_torch import _helper, _Torch
from gradproof.codegen.frameworks.passes import _merged

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
import networks  # noqa: E402
from gallery_cases import CASES  # noqa: E402
from models import SIZES, values_for  # noqa: E402
from torch_modules import MODULES, by_autograd, values  # noqa: E402

QUICK = ("mlp", "cnn", "3-4-2", "mean pool", "cross-entropy", "swiglu")
LONG = ("lstm", "pre-norm encoder layer", "gru")
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
         for name in MODULES if name not in LONG]


def through_torch(derivation, arrays, upstream=None):
    names = {"__name__": "printed"}
    exec(derivation.torch_source(), names)
    given_to = {array.name: torch.from_numpy(np.array(arrays[array.name]))
                for array in derivation.system.inputs
                if array.name not in getattr(derivation, "upstream", {}).values()}
    for name in derivation.gradients:
        given_to[name].requires_grad_()
    made = names["Derived"].apply(*given_to.values())
    made.backward(None if upstream is None else torch.from_numpy(upstream))
    return made.detach().numpy(), {
        name: given_to[name].grad.numpy() for name in derivation.gradients}


def through_jax(derivation, arrays, upstream=None):
    names = {"__name__": "printed"}
    exec(derivation.jax_source(), names)
    with jax.enable_x64(True):
        given_to = {array.name: jnp.asarray(arrays[array.name])
                    for array in derivation.system.inputs
                    if array.name not in getattr(derivation, "upstream", {}).values()}
        made, back = jax.vjp(jax.jit(names["derived"]), *given_to.values())
        found = back(jnp.ones(()) if upstream is None else jnp.asarray(upstream))
        return np.asarray(made), {name: np.asarray(one) for name, one in zip(
            given_to, found, strict=True) if name in derivation.gradients}


def agree(found, due, within=1e-12):
    np.testing.assert_allclose(found[0], due[0], rtol=within, atol=within)
    assert found[1].keys() == due[1].keys()
    for name, one in found[1].items():
        np.testing.assert_allclose(one, due[1][name], rtol=within, atol=within * (
            1 + np.abs(due[1][name]).max()), err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_modules(name):
    module, shapes, loss = MODULES[name]
    every = gp.derive(module, loss=loss, **shapes)
    real = [array.name for array in every.system.inputs if not array.is_integer
            and (array.name in every.trained or array.name not in every.tensors)
            and array.name not in every.upstream.values()]
    derivation = every if [*every.gradients] == real else gp.derive(
        module, loss=loss, wrt=real, **shapes)
    arrays = values(derivation)
    due = by_autograd(derivation, module, shapes, loss, arrays)
    (up,) = derivation.upstream.values() or [None]
    upstream = None if up is None else arrays[up]
    agree(through_torch(derivation, arrays, upstream), due)
    agree(through_jax(derivation, arrays, upstream), due)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[::11] + [case for case in CASES if case.name in (
    "leaky_relu", "hinge", "embedding", "lstm", "batch_norm")], ids=lambda case: case.name)
def test_rows_of_the_gallery(case, monkeypatch):
    for size in "pcwedkfvbts":
        monkeypatch.setitem(SIZES, size, 4)
    model = case.model()
    derivation = gp.derive(model, wrt=[
        array.name for array in model.system().inputs if not array.is_integer])
    arrays = values_for(model)
    due = derivation.compile()(**arrays)
    agree(through_torch(derivation, arrays), due, 1e-11)
    agree(through_jax(derivation, arrays), due, 1e-11)


@pytest.mark.slow
@settings(max_examples=12)
@given(networks.random_networks())
def test_networks_made_at_random(network):
    derivation = gp.derive(network)
    arrays = networks.values_for(network)
    agree(through_torch(derivation, arrays), derivation.compile()(**arrays), 1e-10)
    own = {}
    exec(derivation.torch_source(), own)
    tensors = [torch.from_numpy(np.array(arrays[array.name], dtype=float)).requires_grad_(
        array.name in derivation.gradients) for array in derivation.system.inputs]
    assert torch.autograd.gradcheck(own["Derived"].apply, tensors, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("text", [
    "L = sum(relu(relu(x) - y)*x)", "L = sum(relu(y - relu(x))*y)",
    "L = sum(relu(relu(relu(x) - y) + x)*y)"])
def test_a_bound_of_a_bound_stays_the_bound_that_it_is(text):
    """maximum and minimum are both torch.clamp, and one may stand in the other."""
    derivation = gp.derive(gp.equations(text, x="n", y="n"))
    arrays = {"x": np.linspace(-3.0, 4.0, 9), "y": np.linspace(1.5, -1.0, 9)}
    due = derivation.compile()(**arrays)
    assert due[0] != 0
    agree(through_torch(derivation, arrays), due)
    agree(through_jax(derivation, arrays), due)


MORE = {"softmax": (1,), "log_softmax": (1,), "logsumexp": (1,),
        "windows": (1, (3, 2), (2, -1), 1)}


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "overlap"])
def test_every_function_that_a_text_brings_along(name):
    """Overlap is of numbers alone; the values are those that all of them are defined at."""
    x = np.linspace(0.04, 0.97, 24).reshape(4, 6)

    def run(head, body, given):
        names = {}
        exec(f"{head}\n" + "\n\n".join(body), names)
        return names[name](given, *MORE.get(name, ()))

    def helpers():
        return _merged(ast.parse(SOURCES[name]).body)

    due = run("import numpy as np", [SOURCES[name]], x)
    by_torch = run("import math, torch", map(_helper, helpers()), torch.from_numpy(x))
    by_jax = [ast.unparse(one) for one in _Jax("", set()).statements(helpers())]
    with jax.enable_x64(True):
        found = jax.jit(lambda given: run("import jax.numpy as jnp", by_jax, given))(jnp.asarray(x))
    assert isinstance(by_torch, torch.Tensor)
    np.testing.assert_allclose(by_torch, due, rtol=1e-9)
    np.testing.assert_allclose(found, due, rtol=1e-9)


# --- what is kept, and what is not said ---------------------------------------------------------


def test_only_what_backward_reads_is_kept():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 2))
    text = gp.derive(net, x="m n", t="m k", loss=lambda y, t: ((y - t) ** 2).sum()).torch_source()
    (kept,) = re.findall(r"save_for_backward\((.*)\)", text)
    assert kept == "x, t, W2, A1, y"
    assert "once_differentiable" in text


def test_a_size_is_read_off_what_is_there():
    def total(x):
        return torch.sum(x, 1)

    text = gp.derive(total, x="m n").torch_source()
    assert "n = x.shape[1]" in text  # of which nothing else knows
    assert "m = dy.shape[0]" in text


def hiding(ctx, torch, jnp, kept, dtype):
    return np.tanh(ctx * torch) @ jnp + kept * dtype


def strided(x, w):
    return torch.nn.functional.conv1d(x, w, padding=1)


@pytest.mark.parametrize(("function", "shapes"), [
    (hiding, {"ctx": "m n", "torch": "m n", "jnp": "n d", "kept": "m d", "dtype": "d"}),
    (strided, {"x": "m 2 5", "w": "3 2 3"}),
], ids=["names that hide the library", "windows without strides"])
def test_what_the_libraries_have_otherwise(function, shapes):
    derivation = gp.derive(function, **shapes)
    arrays = values(derivation)
    due = derivation.compile()(**arrays)
    (up,) = derivation.upstream.values()
    agree(through_torch(derivation, arrays, arrays[up]), due)
    agree(through_jax(derivation, arrays, arrays[up]), due)


@jax.custom_vjp
def straight(x):
    return jnp.sign(x) * x


straight.defvjp(lambda x: (straight(x), None), lambda kept, g: (g,))


def test_a_rule_is_not_what_is_derived_and_that_is_said():
    for function in (straight, jax.jit(straight), lambda x: 2 * straight(x)):
        (said,) = (one for one in gp.derive(function, x="m n").assumptions if "values" in one)
        assert said.startswith("straight (custom_vjp) is derived by its values, not by its own")
    assert not gp.derive(lambda x: jax.nn.relu(x), x="m n").assumptions


def loss(x, w):
    return torch.sum(torch.tanh(x @ w) ** 2)


def test_a_gradient_that_was_not_derived_is_asked_for():
    names = {"__name__": "printed"}
    exec(gp.derive(loss, ["w"], x="m n", w="n k").torch_source("Loss"), names)
    x, w = torch.ones(2, 3), torch.ones(3, 4, requires_grad=True)
    names["Loss"].apply(x, w).backward()
    with pytest.raises(NotImplementedError, match="x: its gradient was not derived"):
        names["Loss"].apply(x.requires_grad_(), w).backward()
    with pytest.raises(gp.EquationError, match=r"by x was not derived.*wrt="):
        gp.derive(loss, ["w"], x="m n", w="n k").jax_source()


def test_single_precision_stays_what_it_is():
    names = {"__name__": "printed"}
    exec(gp.derive(loss, x="m n", w="n k").torch_source(), names)
    x, w = torch.rand(2, 3, requires_grad=True), torch.rand(3, 4, requires_grad=True)
    names["Derived"].apply(x, w).backward()
    assert x.grad.dtype == w.grad.dtype == torch.float32


@pytest.mark.parametrize(("line", "named"), [
    ("y = np.lexsort(x)", "np.lexsort"), ("y = x[::-1]", "goes backwards"),
    ("y = x.searchsorted(2)", "searchsorted"), ("np.add.at(y, (i, slice(3)), x)", "at slices"),
    ("y = np.random.default_rng", "np.random")])
def test_what_pytorch_has_no_word_for_is_named(line, named):
    with pytest.raises(gp.EquationError, match=f"{named}.*PyTorch; print numpy_source"):
        _Torch("x", set()).statements(ast.parse(line).body)


def test_the_printed_function_is_proved_in_turn():
    """By the door for functions that others wrote."""
    names = {"__name__": "printed"}
    source = gp.derive(loss, x="m n", w="n k").torch_source()
    exec(source, names)
    assert gp.check_layer(names["Derived"], x="m n", w="n k", repair_seconds=0).verdict == "proved"
