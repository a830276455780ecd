"""Specs: what is read, and one clear error for each thing that cannot be."""

from decimal import Decimal

import numpy as np
import pytest

import gradproof as gp
from gradproof.derivations.examples import EXAMPLES
from gradproof.derivations.sources import load_source
from gradproof.symbolic.specs.network import Network, NetworkError
from gradproof.symbolic.specs.reader import SpecError, read_text

GOOD = """
name = "moons"
[network]
sizes = [2, 3, 1]
activation = "tanh"
output = "sigmoid"
loss = "binary_cross_entropy"
[values]
W1 = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
[update]
learning_rate = 0.5
"""


def test_a_spec_is_a_network_with_exact_decimals():
    network = read_text(GOOD, "moons.toml")
    assert network.name == "moons"
    assert network.depth == 2
    assert network.learning_rate == Decimal("0.5")
    assert network.values["W1"][0][0] == Decimal("0.1")
    assert gp.derive(network).gradients["W1"].array == "dW1"


def test_a_file_and_an_example_are_loaded_by_name(tmp_path, monkeypatch):
    (tmp_path / "moons.toml").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert gp.load("moons.toml").name == "moons"
    for name in sorted(file.stem for file in EXAMPLES.glob("*.toml")):
        gp.derive(load_source(name))


@pytest.mark.parametrize(("old", "new", "message"), [
    ("[network]", "[netwrok]", "moons.toml: netwrok: unknown key; did you mean 'network'"),
    ("sizes = [2, 3, 1]", "", "network.sizes: is missing"),
    ("sizes = [2, 3, 1]", "sizes = [2]", "network.sizes: expected a list of at least two"),
    ("sizes = [2, 3, 1]", "sizes = [2, 0, 1]", r"network.sizes\[1\]: expected a positive"),
    ("sizes = [2, 3, 1]", "sizes = [2, 4, 1]",
     r"values.W1: expected shape \(2, 4\), got \(2, 3\)"),
    ("sizes = [2, 3, 1]", "sizes = [3, 2, 1]", "Did you mean W1 transposed"),
    ('"tanh"', '"tanhh"', "network.activation: unknown activation 'tanhh'.*did you mean 'tanh'"),
    ('"tanh"', '"z*__import__(1)"', "network.activation: .*is no formula in z"),
    ('"tanh"', '"z.real"', "network.activation: .*is no formula in z"),
    ('"tanh"', '"3"', "does not depend on z"),
    ('"tanh"', '["tanh", "relu"]', "network.activation: .*list of 1, got 2"),
    ('"tanh"', '"softmax"', "softmax is for the output layer"),
    ('"binary_cross_entropy"', '"cross_entrpy"',
     "network.loss: expected one of .*did you mean 'cross_entropy'"),
    ('"binary_cross_entropy"', '"binary_cross_entropy_from_logits"', "takes logits"),
    ('output = "sigmoid"', 'output = "relu"', "needs outputs between 0 and 1"),
    ("0.1, 0.2", "nan, 0.2", r"values.W1\[0\]\[0\]: expected a finite number"),
    ("0.1, 0.2", "inf, 0.2", r"values.W1\[0\]\[0\]: expected a finite number"),
    ("0.1, 0.2", '"0.1", 0.2', r"values.W1\[0\]\[0\]: expected a number"),
    ("0.1, 0.2, 0.3", "0.1, 0.2", "rows have different lengths"),
    ("W1 =", "W3 =", "values.W3: the network has no such array; expected one of"),
    ("learning_rate = 0.5", "learning_rate = -1", "update.learning_rate: expected a positive"),
    ("learning_rate = 0.5", "rate = 1", "update.rate: unknown key"),
    ("[network]", "[network", "is not valid TOML"),
    ('name = "moons"', "name = 3", "name: expected a text"),
    ('"tanh"', "3", "network.activation: expected a name, a formula in z, or a list"),
    ('"tanh"', "[3]", "network.activation: expected a name or a formula in z, got 3"),
    ("sizes = [2, 3, 1]", 'sizes = ["m", 3, 1]', r"network.sizes\[0\]: 'm' is the batch size"),
    ("sizes = [2, 3, 1]", 'sizes = ["W1", 3, 1]', r"network.sizes\[0\]: 'W1' is an array"),
    ("sizes = [2, 3, 1]", 'sizes = ["in", 3, 1]', r"network.sizes\[0\]: 'in' is a word of"),
    ("[update]", '[notation]\nloss = "W"\n[update]', "notation.loss: 'W' is the symbol of W"),
    ("[update]", '[notation]\nlos = "W"\n[update]', "notation.los: unknown key"),
    ("[update]", '[notation.symbols]\nA3 = "h"\n[update]', "notation.symbols.A3: there is no"),
    ("[update]", '[notation.symbols]\nA1 = "h"\nA2 = "h"\n[update]',
     "notation.symbols.A2: 'h' is the symbol of A1 already"),
    ("[update]", '[notation.symbols]\nA1 = "h2"\n[update]', "notation.symbols.A1: expected a"),
    ("[update]", '[source]\ndeclared_convention = "row"\n[update]',
     "source.declared_convention: expected 'rows' or 'columns'"),
    ("[update]", '[source]\ntitle = 3\n[update]', "source.title: expected a text"),
    ("[update]", '[[claims]]\nquantity = "L"\nstated = "0.3"\n[update]',
     "claims: there is nothing to hold them against; .values. lacks X, Y, b1, W2, b2"),
    ('loss = "binary_cross_entropy"', 'loss = "mean_squared_error"\nl2 = "x"\nl3 = 1',
     "network.l3: unknown key; expected one of"),
    ('loss = "binary_cross_entropy"', 'loss = "mean_squared_error"\nl2 = -0.5',
     "network.l2: expected zero, a positive number or a name"),
])
def test_each_mistake_is_one_error_with_file_and_key(old, new, message):
    assert old in GOOD
    with pytest.raises(SpecError, match=message) as error:
        read_text(GOOD.replace(old, new), "moons.toml")
    assert str(error.value).startswith("moons.toml: ")
    assert "\n" not in str(error.value) or "formula" in str(error.value)


def test_a_missing_file_and_a_binary_one_are_named(tmp_path):
    with pytest.raises(SpecError, match="no such file"):
        gp.load(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8"):
        gp.load(tmp_path / "binary.toml")


@pytest.mark.parametrize(("settings", "key"), [
    ({"sizes": [2, 1], "convention": "row"}, "convention"),
    ({"sizes": [2, 1], "batch": True}, "batch"),
    ({"sizes": [2, 1], "batch": "a b"}, "batch"),
    ({"sizes": [2, 1], "batch": False, "delta": "sample"}, "delta"),
    ({"sizes": "2, 1"}, "sizes"),
])
def test_the_python_door_names_the_same_keys(settings, key):
    with pytest.raises(NetworkError) as error:
        Network(**settings)
    assert error.value.key == key


def test_compiled_gradients_name_a_wrong_shape_and_a_missing_input():
    gradient = gp.derive(Network([2, 3, 1])).compile()
    arrays = {"X": np.ones((4, 2)), "Y": np.ones((4, 1)), "W1": np.ones((3, 2)),
              "b1": np.ones(3), "W2": np.ones((3, 1)), "b2": np.ones(1)}
    with pytest.raises(ValueError, match=r"W1: expected shape \(2, 3\).*got \(3, 2\)"):
        gradient(**arrays)
    with pytest.raises(TypeError, match="missing \\['b2'\\]"):
        gradient(**{name: array for name, array in arrays.items() if name != "b2"})


@pytest.mark.parametrize(("loss", "targets", "message"), [
    ("cross_entropy", "[[0.5, 0.25]]", "values.Y: .* sum to one"),
    ("cross_entropy", "[[1.5, -0.5]]", "values.Y: .*non-negative"),
    ("multiclass_hinge", "[[0.5, 0.5]]", "values.Y: .*one-hot"),
    ("hinge", "[[0, 1]]", r"values.Y: expected the labels \[1, -1\], got 0"),
])
def test_targets_are_what_the_loss_assumes(loss, targets, message):
    """The derivation uses the assumption, so numbers that break it would be wrong."""
    output = "softmax" if loss == "cross_entropy" else "identity"
    text = f'[network]\nsizes = [2, 2]\noutput = "{output}"\nloss = "{loss}"\n[values]\nY = '
    with pytest.raises(SpecError, match=message):
        read_text(text + targets, "s.toml")
    read_text(text + ("[[1, -1]]" if loss == "hinge" else "[[0, 1]]"), "s.toml")


def test_options_of_the_loss_are_keys_of_the_network():
    text = ('[network]\nsizes = [2, 2]\nloss = "cross_entropy_from_logits"\nl1 = 0.01\n'
            'l2 = "lam"\nlabel_smoothing = 0.1\nsample_weights = true\n')
    network = read_text(text, "s.toml")
    assert list(network.shapes()) == ["X", "Y", "W1", "b1", "lam", "sample_weights"]
