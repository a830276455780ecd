"""Hand-written passes held against a spec: the shapes they take and return, and what they read."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.checks.hand_files import HandError, load_function
from gradproof.checks.hand_written import check_network
from gradproof.repair.fits import differ_by_units
from gradproof.symbolic.specs.reader import SpecError, read_text

MOONS = gp.Network([2, 4, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy")
COLUMNS = gp.Network([2, 4, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy",
                     convention="columns")


def checked(network, function):
    return check_network(gp.derive(network), function, repair_seconds=0)


# --- rows ---------------------------------------------------------------------------------------


def rows(second):
    """A right pass but for the gradient by W2, which is what `second` makes of A1 and d2."""

    def backward(X, Y, W1, b1, W2, b2):
        A1 = np.tanh(X @ W1 + b1)
        d2 = (1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y) / len(X)
        d1 = d2 @ W2.T * (1 - A1**2)
        return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": second(A1, d2), "b2": d2.sum(axis=0)}

    return backward


def test_a_transposed_gradient_of_a_width_of_one_is_refuted():
    result = checked(MOONS, rows(lambda A1, d2: d2.T @ A1))
    assert result["W2"].verdict == "refuted"
    assert "shape (1, 4), expected (4, 1); did you mean its transpose?" in result["W2"].reason
    assert {made.verdict for made in result if made.name != "W2"} == {"proved"}


@pytest.mark.parametrize("second", [
    lambda A1, d2: (A1.T @ d2)[:, 0], lambda A1, d2: (A1.T @ d2)[None],
])
def test_an_axis_of_length_one_more_or_less_is_said(second):
    result = checked(MOONS, rows(second))
    assert result["W2"].verdict == "proved"
    assert "axis of length 1" in " ".join(result["W2"].notes)


@pytest.mark.parametrize(("one", "other", "so"), [
    ((4,), (4, 1), True), ((1, 4), (4,), True), ((1, 4), (4, 1), False), ((), (1, 1), True),
    ((4, 1), (1, 4, 1), True), ((1, 4, 2), (4, 1, 2), False), ((4, 2), (2, 4), False),
    ((4, 1, 2), (4, 2), True), ((2,), (4,), False), ((1,), (), True), ((3, 1, 1), (1, 3), False),
])
def test_no_axis_is_moved(one, other, so):
    assert differ_by_units(one, other) is differ_by_units(other, one) is so


def test_functions_and_layers_take_no_transpose_either():
    def loss(X, w, y):
        return np.sum((X @ w - y) ** 2) / 2

    made = gp.check(loss, lambda X, w, y: {"w": (X @ w - y).T @ X}, X="m n", w="n 1", y="m 1",
                    repair_seconds=0)
    assert made["w"].verdict == "refuted"
    assert "did you mean its transpose?" in made["w"].reason

    layer = gp.check_layer(lambda x, w: (x @ w, (x, w)),
                           lambda d, cache: (d @ cache[1].T, d.T @ cache[0]),
                           x="m n", w="n 1", repair_seconds=0)
    assert layer["w"].verdict == "refuted"
    assert "did you mean its transpose?" in layer["w"].reason


# --- what is read from elsewhere ----------------------------------------------------------------

HEAD = """import numpy as np
W1, b1, W2, b2 = np.ones((2, 4)), np.zeros(4), np.ones((4, 1)), np.zeros(1)
parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
"""
BODY = """    A1 = np.tanh(X @ W1 + b1)
    d2 = (1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y) / len(X)
    d1 = d2 @ W2.T * (1 - A1**2)
    return X.T @ d1, d1.sum(axis=0), A1.T @ d2, d2.sum(axis=0)
"""


@pytest.mark.parametrize(("text", "said"), [
    ("def backward(X, Y):\n" + BODY, "reads W1, b1, W2, b2 from the names of its file"),
    ("def backward(X, Y, W2, b2):\n" + BODY, "reads W1, b1 from the names of its file"),
    ("def backward(X, Y):\n    W1, b1, W2, b2 = parameters.values()\n" + BODY,
     "reads parameters from the names of its file"),
    ("def helper(X):\n    return np.tanh(X @ W1 + b1)\n\ndef backward(X, Y, W2, b2):\n"
     "    A1 = helper(X)\n" + BODY[BODY.index("    d2"):], "reads W1, b1 from the names"),
])
def test_weights_from_the_file_are_named(text, said, tmp_path):
    file = tmp_path / "hand.py"
    file.write_text(HEAD + text)
    with pytest.raises(HandError, match=said) as error:
        checked(MOONS, load_function(file, "backward"))
    assert "take them as parameters: def backward(X, Y" in str(error.value)


def test_a_name_of_the_file_that_is_not_read_does_not_matter(tmp_path):
    file = tmp_path / "hand.py"
    file.write_text(HEAD + "def backward(X, Y, W1, b1, W2, b2):\n" + BODY)
    assert checked(MOONS, load_function(file)).verdict == "proved"


# --- columns ------------------------------------------------------------------------------------


def columns(biases):
    """The pass of a well-known course, whose sums over a layer are what `biases` makes of them."""

    def gradient(X, Y, parameters):
        p, m = parameters, X.shape[1]
        A1 = np.tanh(p["W1"] @ X + p["b1"])
        d2 = 1 / (1 + np.exp(-(p["W2"] @ A1 + p["b2"]))) - Y
        d1 = p["W2"].T @ d2 * (1 - A1**2)
        return {"dW1": d1 @ X.T / m, "db1": biases(d1) / m, "dW2": d2 @ A1.T / m,
                "db2": biases(d2) / m}

    return gradient


def test_biases_are_columns_where_the_code_needs_them_so():
    result = checked(COLUMNS, columns(lambda d: d.sum(axis=1, keepdims=True)))
    assert result.verdict == "proved", str(result)
    assert any("as a column" in note for note in result["b1"].notes)


@pytest.mark.parametrize(("biases", "said"), [
    (lambda d: d.sum(axis=1, keepdims=True).T, "shape (1, 4), expected (4, 1)"),
    (lambda d: 2 * d.sum(axis=1, keepdims=True), "multiply by ½"),
    (lambda d: d.sum(keepdims=True), "shape (1, 1), expected (4, 1)"),
])
def test_a_wrong_gradient_of_a_column_is_refuted(biases, said):
    result = checked(COLUMNS, columns(biases))
    assert result["b1"].verdict == "refuted"
    assert said in str(result["b1"])
    assert result["W1"].verdict == "proved"


def test_a_pass_that_takes_vectors_is_handed_vectors():
    def backward(X, Y, W1, b1):
        error = W1 @ X + b1[:, None] - Y
        return {"W1": error @ X.T, "b1": error.sum(axis=1, keepdims=True)}

    result = checked(gp.Network([2, 3], convention="columns"), backward)
    assert result.verdict == "proved"
    assert not any("as a column" in note for note in result["b1"].notes)


# --- targets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "output", "target", "message"), [
    ("binary_cross_entropy", "sigmoid", "3.0", "needs targets between 0 and 1, got 3.0"),
    ("binary_cross_entropy", "sigmoid", "-0.5", "needs targets between 0 and 1, got -0.5"),
    ("binary_cross_entropy_from_logits", "identity", "2", "needs targets between 0 and 1, got 2"),
    ("poisson", "identity", "-1", "needs targets of at least 0, got -1"),
    ("hinge", "identity", "0", "expected the labels"),
])
def test_targets_outside_of_what_a_loss_takes_are_an_error(loss, output, target, message):
    text = (f'[network]\nsizes = [1, 1]\noutput = "{output}"\nloss = "{loss}"\n[values]\n'
            f"X = [[1.0]]\nY = [[{target}]]\nW1 = [[0.5]]\nb1 = [0.1]\n")
    with pytest.raises(SpecError, match=message):
        read_text(text, "net.toml")
    read_text(text.replace(f"Y = [[{target}]]", "Y = [[1]]"), "net.toml")


def looked_up(X, Y, E1, W2, b2):
    Z1 = E1[X]
    scores = Z1 @ W2 + b2
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    d = (p - Y) / len(X)
    table = np.zeros_like(E1)
    np.add.at(table, X, d @ W2.T)
    return {"E1": table, "W2": Z1.T @ d, "b2": d.sum(axis=0)}


def doubled(X, Y, E1, W2, b2):
    found = looked_up(X, Y, E1, W2, b2)
    return {**found, "W2": 2 * found["W2"]}


@pytest.mark.parametrize(("function", "wrong"), [(looked_up, set()), (doubled, {"W2"})])
def test_labels_among_the_given_values_are_integers(function, wrong):
    """A pass that indexes by them is no failing one."""
    layers = [{"type": "embedding", "units": 2}, {"type": "dense", "units": 2}]
    values = {"X": [0, 2], "Y": [[1, 0], [0, 1]], "E1": [[1, 2], [0, 1], [3, -1]],
              "W2": [[0.5, 0.25], [-1, 0]], "b2": [0, 1]}
    model = gp.Model("m", layers, loss="cross_entropy_from_logits", kind="labels 3", values=values)
    found = check_network(gp.derive(model), function, repair_seconds=0)
    assert {check.name for check in found if check.verdict == "refuted"} == wrong
    assert {check.verdict for check in found if check.name not in wrong} <= {"proved", "agrees"}
