"""Models of layers: gradients that hold for every type of layer, specs, and clear errors."""

from dataclasses import replace

import numpy as np
import pytest
from gallery_cases import CASES as GALLERY
from models import CASES, values_for

import gradproof as gp
from gradproof.derivations.sources import load
from gradproof.symbolic.display.index_text import index_form
from gradproof.symbolic.display.pen import Pen
from gradproof.symbolic.display.text_and_latex import TEXT
from gradproof.symbolic.layers import table
from gradproof.symbolic.specs.checks import NetworkError
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.reader import SpecError, read_text


def test_every_type_of_layer_is_in_the_table():
    seen = {layer.type for model in CASES.values() for layer in model.summary}
    seen |= {layer.type for case in GALLERY for layer in case.model().summary}
    from gradproof.symbolic.functions import ACTIVATIONS

    elsewhere = {name for name, row in table.LAYERS.items() if row.example is not None}
    assert set(table.rows("spec")) - seen <= set(ACTIVATIONS) | elsewhere


TWICE = ("conv1d", "cross attention", "post-norm", "gru as published", "rms norm", "lenet")
"""What other cases or the comparisons with PyTorch hold as well."""


@pytest.mark.parametrize("model", [
    pytest.param(model, id=name, marks=[pytest.mark.slow] if name in TWICE else [])
    for name, model in CASES.items()
])
def test_gradients_agree_with_differences(model):
    """Along a random direction of all parameters; and the printed program, in either precision."""
    derivation = gp.derive(model)
    values = values_for(model)
    loss = derivation.loss_function()
    rng = np.random.default_rng(1)
    along = {name: rng.normal(size=values[name].shape) for name in model.parameters}

    def moved(step):
        return float(loss(**{**values, **{n: values[n] + step * d for n, d in along.items()}}))

    fine, coarse = ((moved(h) - moved(-h)) / (2 * h) for h in (1e-5, 2e-5))
    value, found = derivation.compile()(**values)
    assert set(found) == set(model.parameters)
    assert float(value) == pytest.approx(moved(0), rel=1e-12)
    slope = sum(np.sum(found[name] * d) for name, d in along.items())
    assert slope == pytest.approx((4 * fine - coarse) / 3, rel=1e-7, abs=1e-8)
    namespace = {}
    exec(derivation.numpy_source(), namespace)
    printed_value, printed = namespace["gradient"](**values)
    assert float(printed_value) == pytest.approx(float(value), rel=1e-12)
    for name, gradient in found.items():
        np.testing.assert_allclose(printed[name], gradient, rtol=1e-9, atol=1e-12)
    single = {name: array.astype(np.float32) if array.dtype == float else array
              for name, array in values.items()}
    for gradients in (namespace["gradient"](**single)[1], derivation.compile()(**single)[1]):
        assert all(gradient.dtype == np.float32 for gradient in gradients.values())


def test_a_model_of_dense_layers_is_the_network():
    """The same losses and gradients by two doors."""
    network = gp.Network([3, 4, 2], activation="tanh", loss="cross_entropy_from_logits")
    model = Model("m 3", [{"type": "dense", "units": 4, "activation": "tanh"},
                          {"type": "dense", "units": 2}], "cross_entropy_from_logits")
    assert model.shapes() == network.shapes()
    values = values_for(model)
    for one, other in zip(gp.derive(network).compile()(**values)[1].values(),
                          gp.derive(model).compile()(**values)[1].values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)
    assert [str(f) for f in gp.derive(model).gradients.values()] == [
        str(f) for f in gp.derive(network).gradients.values()]


def test_penalties_count_weights_and_no_biases():
    model = Model("m n", [{"type": "dense", "units": 2}, "layer_norm"], l2="lam")
    gradients = gp.derive(model).gradients
    assert "λ" in str(gradients["W1"])
    assert not any("λ" in str(gradients[name]) for name in ("b1", "gamma2", "beta2"))


def test_sizes_and_states_are_called_differently():
    """A size h beside the LSTM's state h: source names both."""
    model = Model("T m n", [{"type": "lstm", "units": "h"}, "last"])
    assert "h" not in model.system().names


@pytest.mark.parametrize(("layers", "message"), [
    ([], r"layers: expected a list of layers"),
    (["dnse"], r"layers\[0\].type: unknown type of layer 'dnse'; did you mean 'dense'"),
    ([3], r"layers\[0\]: expected a layer's type"),
    (["dense"], r"layers\[0\].units: is missing; a layer of type 'dense' needs it"),
    ([{"type": "dense", "units": 0}], r"layers\[0\].units: expected a positive integer, got 0"),
    ([{"type": "dense", "unit": 3}], r"layers\[0\].unit: .*no such option; did you mean 'units'"),
    ([{"type": "dense", "units": "W1"}], "'W1' is an array of the model already"),
    ([{"type": "dense", "units": 3, "bias": 1}], r"bias: expected true or false, got 1"),
    ([{"type": "dense", "units": 3, "activation": "rlu"}], r"activation: unknown activation"),
    ([{"type": "conv2d", "channels": 2, "kernel": 3}], r"layers\[0\] \(conv2d\): .*4 axes; got X"),
    ([{"type": "max_pool1d", "kernel": 2}], r"layers\[0\] \(max_pool1d\): expected an input with"),
    ([{"type": "dropout", "keep": 0}], r"layers\[0\].keep: expected a number above 0 and at most"),
    ([{"type": "embedding", "units": 3}], r"layers\[0\] \(embedding\): .*kind = \"labels 50\""),
    (["add"], r"layers\[0\].inputs: a layer of type 'add' takes at least 2 inputs, got 1"),
    ([{"type": "add", "inputs": ["input", "x"]}], r"no layer before is named 'x'; named so far"),
    ([{"type": "add", "inputs": "input"}], r"inputs: expected a list of names"),
    ([{"type": "relu", "name": "a"}, {"type": "relu", "name": "a"}], "names another layer already"),
    ([{"type": "relu", "name": "a b"}], r"layers\[0\].name: expected a name"),
    ([{"type": "reshape", "shape": "m 7"}], r"layers\[0\] \(reshape\): .*cannot be reshaped"),
    ([{"type": "split", "sizes": [1, 1], "axis": 1}], r"\(split\): the sizes .* do not add up"),
    ([{"type": "split", "sizes": [1, 3]}], "the last layer needs one output"),
    ([{"type": "group_norm", "groups": 3}], r"\(group_norm\): the 4 channels .* 3 groups"),
    ([{"type": "multi_head_attention", "heads": 3}], "does not fall into 3 heads"),
    ([{"type": "rnn", "units": 2, "activation": "relu("}], "is no formula in z"),
])
def test_each_mistake_is_one_error_with_its_key(layers, message):
    with pytest.raises(NetworkError, match=message):
        Model("m 4", layers)


@pytest.mark.parametrize(("settings", "message"), [
    ({"input": ""}, "input: expected the shape of X"),
    ({"input": "m, 4"}, "input: .*separated by spaces"),
    ({"kind": "label"}, "kind: expected .real., or .labels 50."),
    ({"loss": "cross"}, "loss: expected one of"),
    ({"l2": "W1"}, "l2: 'W1' is an array already"),
    ({"notation": {"symbols": {"A9": "h"}}}, "notation.symbols.A9: there is no such array"),
])
def test_each_wrong_setting_is_one_error(settings, message):
    with pytest.raises(NetworkError, match=message):
        Model(**{"input": "m 4", "layers": [{"type": "dense", "units": 2}], **settings})


SPEC = """
[model]
input = "m 4"
loss = "cross_entropy_from_logits"
l2 = 0.5
[[layers]]
type = "dense"
units = 3
[values]
W1 = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
"""


def test_a_spec_is_a_model():
    model = read_text(SPEC, "s.toml", "mine")
    assert isinstance(model, Model)
    assert model.name == "mine"
    assert model.parameters == ("W1", "b1")


@pytest.mark.parametrize(("old", "new", "message"), [
    ("[[layers]]", "[[layer]]", "s.toml: layer: unknown key; did you mean 'layers'"),
    ('input = "m 4"', "", "s.toml: model.input: is missing"),
    ('input = "m 4"', "input = 3", "s.toml: model.input: a shape is text"),
    ("[model]", '[network]\nsizes = [1, 2]\n[model]', "not both"),
    ("units = 3", "units = -3", r"s.toml: layers\[0\].units: expected a positive"),
    ("units = 3", "units = 2", r"values.W1: expected shape \(4, 2\), got \(4, 3\)"),
    ("l2 = 0.5", "l2 = -1", "s.toml: model.l2: expected zero"),
    ("l2 = 0.5", "sizes = [1]", "s.toml: model.sizes: unknown key"),
])
def test_each_mistake_in_a_spec_names_file_and_key(old, new, message):
    assert old in SPEC
    with pytest.raises(SpecError, match=message):
        read_text(SPEC.replace(old, new), "s.toml")


def test_documents_state_the_formulas_of_models(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("<!-- gradproof lstm W3.gradient format=text --><!-- /gradproof -->\n",
                    encoding="utf-8")
    gp.embed([file], cache=False)
    assert "∂L/∂W⁽³⁾ = A⁽²⁾ᵀ δ⁽³⁾" in file.read_text(encoding="utf-8")


def test_examples_are_derived_and_reported(tmp_path):
    from gradproof.reporting import report

    assert isinstance(load("transformer"), Model)
    written, result = report(load("lstm"), tmp_path)
    assert result is None
    text = written[0].read_text(encoding="utf-8")
    for heading in ("The model", "Forward equations", "Derivation", "Result", "Generated program"):
        assert f"## {heading}" in text
    assert sorted(path.name for path in written) == ["report.md", "report.tex"]


WORKED = """
[model]
input = "3 1 1"
[[layers]]
type = "rnn"
units = 1
[[layers]]
type = "last"
[values]
X = [[[1]], [[0.5]], [[2]]]
Y = [[1]]
W1 = [[0.5]]
U1 = [[0.25]]
b1 = [0.1]
"""


def test_a_model_with_values_is_worked_out(tmp_path):
    """The exact figures are those of the compiled program; a recurrence has them, too."""
    from gradproof.reporting import report
    from gradproof.reports.pages.document import build

    model = read_text(WORKED, "s.toml")
    derivation = gp.derive(model)
    data = build(model, derivation.chain, derivation.writer)
    assert data.figures is not None
    values = {name: np.array(value, float) for name, value in model.values.items()}
    _, gradients = derivation.compile()(**values)
    for name, gradient in gradients.items():
        exact = data.figures[derivation.gradients[name].array]
        for place, figure in exact.items():
            assert gradient[place] == pytest.approx(float(figure), rel=1e-13)
    text = report(model, tmp_path)[0][0].read_text(encoding="utf-8")
    assert "## Worked numbers" in text


@pytest.mark.parametrize("name", ["conv1d", "reshape"])
def test_models_are_worked_out_whatever_guards_read_and_without_parameters(name, tmp_path):
    from gradproof.reporting import report

    values = {key: np.round(value, 3).tolist() for key, value in values_for(CASES[name]).items()}
    (markdown, *_), _ = report(replace(CASES[name], values=values), tmp_path)
    text = markdown.read_text(encoding="utf-8")
    assert "## Worked numbers" in text
    assert ("There are no parameters" in text) == (name == "reshape")


def test_places_that_take_no_part_are_written_outside_of_exp_and_beside_max():
    """A mask inside would count them with exp(0), and with 0 in a maximum."""
    block = Model("m T 2", [{"type": "attention", "causal": True}])
    level = next(e for e in block.system().equations if e.reduction == "logsumexp")
    text = str(index_form(level, Pen(gp.derive(block, wrt=["X"]).writer, TEXT)))
    assert "Σ_j [0 ≤ j ≤ t] exp(S" in text
    pool = Model("m 2 6", [{"type": "max_pool1d", "kernel": 2, "padding": 1}])
    text = str(gp.derive(pool, wrt=["X"]).forward["A1"])
    assert "= max_u<2: [0 ≤ 2i + u - 1 ≤ 5] x" in text


BACKWARD = """
import numpy as np

def backward(X, Y, parameters, cache):
    dZ2 = (cache["Z2"] - Y) * FACTOR
    dZ1 = (dZ2 @ parameters["W2"].T) * (1 - cache["A1"] ** 2)
    dW2 = cache["A1"].T @ dZ2
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(axis=0), "W2": dW2, "b2": dZ2.sum(axis=0)}
"""


@pytest.mark.parametrize(("factor", "verdict"), [("1", "proved"), ("2", "refuted")])
def test_a_hand_written_pass_is_held_against_a_model(tmp_path, factor, verdict):
    from gradproof.checks.hand_files import load_function
    from gradproof.checks.hand_written import check_network

    file = tmp_path / "backward.py"
    file.write_text(BACKWARD.replace("FACTOR", factor), encoding="utf-8")
    model = Model("m 3", [{"type": "dense", "units": 4, "activation": "tanh"},
                          {"type": "dense", "units": 2}])
    result = check_network(gp.derive(model), load_function(str(file), None), "backward.py",
                           repair_seconds=0)
    assert result.verdict == verdict
