"""Hand-written gradients: proved, refuted with the factor named, or honestly less."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.checks.hand_files import HandError, load_function
from gradproof.checks.hand_written import check_network
from gradproof.derivations.deriving import derive

DENSE = {"X": "m n", "y": "m o", "W1": "n h", "b1": "1 h", "W2": "h o", "b2": "1 o"}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def slope(x):
    return sigmoid(x) * (1 - sigmoid(x))


def half_squared(X, y, W1, b1, W2, b2):
    return 0.5 * np.sum((y - sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2)) ** 2)


def mean_squared(X, y, W1, b1, W2, b2):
    return np.mean((y - sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2)) ** 2)


def by_chain(X, y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    d_z2 = -(y - a2) * slope(z2)
    d_z1 = d_z2 @ W2.T * slope(z1)
    return {"dW1": X.T @ d_z1, "db1": np.sum(d_z1, axis=0, keepdims=True),
            "dW2": a1.T @ d_z2, "db2": np.sum(d_z2, axis=0, keepdims=True)}


def cross_entropy(X, Y, parameters):
    A1 = np.tanh(np.dot(X, parameters["W1"]) + parameters["b1"])
    A2 = sigmoid(np.dot(A1, parameters["W2"]) + parameters["b2"])
    return -np.sum(np.multiply(np.log(A2), Y) + np.multiply(1 - Y, np.log(1 - A2))) / Y.shape[0]


def by_lecture(X, Y, parameters):
    W1, b1, W2, b2 = (parameters[key] for key in ("W1", "b1", "W2", "b2"))
    m = X.shape[0]
    A1 = np.tanh(np.dot(X, W1) + b1)
    A2 = sigmoid(np.dot(A1, W2) + b2)
    dZ2 = A2 - Y
    dZ1 = np.dot(dZ2, W2.T) * (1 - np.power(A1, 2))
    return {"dW1": np.dot(X.T, dZ1) / m, "db1": np.sum(dZ1, axis=0, keepdims=True) / m,
            "dW2": np.dot(A1.T, dZ2) / m, "db2": np.sum(dZ2, axis=0, keepdims=True) / m}


def test_a_chain_of_sigmoids_is_proved_for_all_sizes():
    result = gp.check(half_squared, by_chain, **DENSE)
    assert result.verdict == "proved"
    assert all(check.scope == "for all h, m, n, o" for check in result)
    assert all(check.bound < 1e-9 for check in result)


def test_against_the_mean_that_is_printed_the_factor_is_named():
    result = gp.check(mean_squared, by_chain, **DENSE)
    assert result.verdict == "refuted"
    for check in result:
        assert "multiply by 2/(m·o)" in check.diagnosis
        assert check.derived == pytest.approx(check.witness, rel=1e-6)
        assert check.hand != pytest.approx(check.witness, rel=1e-3)


def test_dicts_of_parameters_and_cross_entropy_are_proved():
    result = gp.check(
        cross_entropy, by_lecture, X="m n", Y=gp.Array("Y", gp_shape("m o"), "mask"),
        parameters={"W1": "n h", "b1": "1 h", "W2": "h o", "b2": "1 o"},
        wrt=["W1", "b1", "W2", "b2"],
    )
    assert result.verdict == "proved", str(result)


def gp_shape(text):
    from gradproof.symbolic.shapes import parse_shape

    return parse_shape(text)


def edited(edit):
    """by_chain with one line of its source changed."""
    import inspect

    old, new = edit
    source = inspect.getsource(by_chain)
    assert old in source
    namespace = {"np": np, "sigmoid": sigmoid, "slope": slope}
    exec(source.replace(old, new), namespace)
    return namespace["by_chain"]


@pytest.mark.parametrize(("edit", "wrong", "fine"), [
    (("* slope(z1)", "* slope(a1)"), {"W1", "b1"}, {"W2", "b2"}),
    (("-(y - a2) * slope(z2)", "(y - a2) * slope(z2)"), {"W1", "b1", "W2", "b2"}, set()),
    (("-(y - a2) * slope(z2)", "-(y - a2)"), {"W1", "b1", "W2", "b2"}, set()),
    (("d_z2 @ W2.T * slope(z1)", "d_z2 @ W2.T"), {"W1", "b1"}, {"W2", "b2"}),
    (('"dW2": a1.T @ d_z2', '"dW2": z1.T @ d_z2'), {"W2"}, {"W1", "b1", "b2"}),
    (('"dW1": X.T @ d_z1', '"dW1": X.T @ d_z1 / 3'), {"W1"}, {"W2", "b1", "b2"}),
    (("np.sum(d_z2, axis=0, keepdims=True)", "np.zeros_like(b2)"), {"b2"}, {"W1", "b1", "W2"}),
    (('"dW1": X.T @ d_z1', '"dW1": X.T @ d_z1 * (1 + 1e-6)'), {"W1"}, {"W2", "b1", "b2"}),
])
def test_wrong_lines_are_refuted_and_right_ones_are_not(edit, wrong, fine):
    result = gp.check(half_squared, edited(edit), **DENSE)
    verdicts = {check.name: check.verdict for check in result}
    assert {name for name, verdict in verdicts.items() if verdict == "refuted"} == wrong
    assert {name for name, verdict in verdicts.items() if verdict == "proved"} == fine


@pytest.mark.parametrize(("edit", "expected"), [
    (("-(y - a2) * slope(z2)", "(y - a2) * slope(z2)"), "change the sign"),
    (('"dW1": X.T @ d_z1', '"dW1": X.T @ d_z1 / len(X)'), "multiply by m"),
    (('"dW2": a1.T @ d_z2', '"dW2": 2 * a1.T @ d_z2'), "multiply by ½"),
])
def test_the_factor_is_named(edit, expected):
    result = gp.check(half_squared, edited(edit), **DENSE)
    refuted = [check for check in result if check.verdict == "refuted"]
    assert refuted
    assert all(expected in check.diagnosis for check in refuted)


def test_a_missing_slope_is_named_at_its_line():
    result = gp.check(half_squared, edited(("-(y - a2) * slope(z2)", "-(y - a2)")), **DENSE)
    assert "multiply by a2·(1 - a2)" in result.first_wrong
    assert "d_z2" in result.first_wrong


def test_real_arrays_are_checked_there():
    rng = np.random.default_rng(0)
    A, x = rng.normal(size=(3, 2)), rng.normal(size=2)
    result = gp.check(lambda A, x: np.sum((A @ x) ** 2),
                      lambda A, x: {"x": 2 * A.T @ (A @ x)}, A=A, x=x)
    assert result.verdict == "proved"
    assert result["x"].scope == "for all m, n"  # in which sizes that were equal stay equal


def test_a_shape_with_an_axis_too_many_is_reported_and_not_broadcast():
    result = gp.check(lambda X, b: np.sum((X + b) ** 2),
                      lambda X, b: {"b": np.sum(2 * (X + b), axis=0, keepdims=True)},
                      X="m n", b="n")
    assert result.verdict == "refuted"
    assert "expected (" in result["b"].reason
    assert "keepdims" in result["b"].reason


def test_what_cannot_be_traced_agrees_by_numbers_and_says_why():
    def loss(x):
        return np.sum(np.sort(x) ** 2)

    result = gp.check(loss, lambda x: {"x": 2 * x}, x="n")
    assert result.verdict == "agrees"
    assert "not traced" in result["x"].reason
    assert gp.check(loss, lambda x: {"x": 2.01 * x}, x="n").verdict == "refuted"


def test_a_gradient_that_fails_is_undecided_not_passed():
    def gradient(x):
        raise RuntimeError("not today")

    result = gp.check(lambda x: np.sum(x**2), gradient, x="n", wrt=["x"])
    assert result.verdict == "undecided"
    assert "not today" in result["x"].reason


def test_right_for_one_batch_size_only_is_refuted():
    result = gp.check(lambda X, w: np.mean((X @ w) ** 2),
                      lambda X, w: {"w": 2 * X.T @ (X @ w) / 3}, X="m n", w="n")
    assert result.verdict == "refuted"


@pytest.mark.parametrize(("inputs", "message"), [
    ({"x": "n, m"}, "separated by spaces"),
    ({"y": "n", "z": "n"}, "parameter"),  # one would be x by its place
    ({"x": "n", "wrt": ["z"]}, "is no input"),
    ({"x": object()}, "expected a shape"),
])
def test_bad_input_is_a_clear_error(inputs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        gp.check(lambda x: np.sum(x**2), lambda x: 2 * x, **inputs)


# --- files, against a spec ----------------------------------------------------------------------

BACKWARD = '''
import numpy as np

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[0]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(A1.T, dZ2) / m
    db2 = np.sum(dZ2, axis=0, keepdims=True) / m
    dZ1 = np.dot(dZ2, parameters["W2"].T) * (1 - np.power(A1, 2))
    dW1 = np.dot(X.T, dZ1) / m
    db1 = np.sum(dZ1, axis=0, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
'''

MOONS = gp.Network([2, 4, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy")


def written(tmp_path, text):
    file = tmp_path / "backward.py"
    file.write_text(text)
    return file


def test_a_backward_pass_with_a_cache_is_proved_against_a_spec(tmp_path):
    function = load_function(written(tmp_path, BACKWARD))
    result = check_network(derive(MOONS), function)
    assert result.verdict == "proved", str(result)
    assert result["W1"].scope == "for all m"
    assert any("axis of length 1" in note for note in result["b1"].notes)


def test_a_planted_factor_is_named_with_its_line(tmp_path):
    text = BACKWARD.replace("dW2 = np.dot(A1.T, dZ2) / m", "dW2 = np.dot(A1.T, dZ2)")
    result = check_network(derive(MOONS), load_function(written(tmp_path, text)))
    assert result["W2"].verdict == "refuted"
    assert "multiply by 1/m" in result["W2"].diagnosis
    assert "dW2" in result.first_wrong
    assert {c.verdict for c in result if c.name != "W2"} == {"proved"}


def test_softmax_in_the_shifted_spelling_is_proved_under_its_assumption(tmp_path):
    text = '''
import numpy as np

def gradient(x, t, W1, b1, W2, b2):
    h = np.maximum(0, x @ W1 + b1)
    scores = h @ W2 + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d = (p - t) / len(x)
    dh = d @ W2.T
    dh[h <= 0] = 0
    return x.T @ dh, dh.sum(axis=0), h.T @ d, d.sum(axis=0)
'''
    net = gp.Network([3, 4, 3], activation="relu", output="softmax", loss="cross_entropy")
    result = check_network(derive(net), load_function(written(tmp_path, text)))
    assert result.verdict == "proved", str(result)
    assert "the rows of Y sum to one" in result["W2"].assumptions
    assert result["W1"].kinks


@pytest.mark.parametrize(("text", "message"), [
    ("def gradient(X, Y:\n", "backward.py:1"),
    ("x = 1\n", "expected a function called gradient"),
    ("import numpy as np\ndef gradient(X, Q):\n    return X\n", "takes 'Q'"),
    ("raise KeyError('q')\n", "backward.py:1: KeyError"),
])
def test_files_that_cannot_be_used_name_file_and_line(tmp_path, text, message):
    file = written(tmp_path, text)
    with pytest.raises(HandError, match=message):
        check_network(derive(MOONS), load_function(file), str(file))


def bernoulli(Z, Y):
    A = 1 / (1 + np.exp(-Z))
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def by_label(Z, Y):
    A = sigmoid(Z)
    return {"Z": np.where(Y == 1, A - 1, A)}


def test_right_for_labels_alone_is_refuted_and_said_to_be():
    result = gp.check(bernoulli, by_label, wrt=["Z"], Z="m n", Y="m n", repair_seconds=0)
    assert result.verdict == "refuted"
    assert 'right where Y is 0 or 1' in result["Z"].reason
    assert 'kind="mask"' in result["Z"].reason
    labels = gp.Array("m n", kind="mask")
    assert gp.check(bernoulli, by_label, wrt=["Z"], Z="m n", Y=labels).verdict == "proved"


def test_wrong_for_labels_too_is_only_refuted():
    result = gp.check(bernoulli, lambda Z, Y: {"Z": Y - sigmoid(Z)}, wrt=["Z"], Z="m n", Y="m n",
                      repair_seconds=0)
    assert result.verdict == "refuted"
    assert "right where" not in result["Z"].reason


def test_a_witness_is_called_what_it_is():
    smooth = gp.check(bernoulli, lambda Z, Y: {"Z": Y - sigmoid(Z)}, wrt=["Z"], Z="m", Y="m",
                      repair_seconds=0)
    assert "complex step" in str(smooth)
    rough = gp.check(lambda x: np.sum(np.abs(x) ** 3), lambda x: {"x": x * 0}, x="n",
                     repair_seconds=0)
    assert "finite difference" in str(rough)


def test_one_size_alone_is_not_taken_for_a_cause():
    def loss(X):
        return np.sum(X.sum(axis=0) ** 2)

    result = gp.check(loss, lambda X: {"X": 2 * X}, X="m n", repair_seconds=0)  # right at m = 1
    assert result.verdict == "refuted"
    assert "only at m = 1" in result["X"].diagnosis
    assert "hard-coded" not in result["X"].diagnosis


def test_a_factor_that_is_a_step_is_not_divided_by():
    def loss(Z, G):
        return np.sum(G * np.maximum(Z, 0))

    result = gp.check(loss, lambda Z, G: {"Z": G}, wrt=["Z"], Z="n", G="n", repair_seconds=0)
    assert result.verdict == "refuted"
    assert result["Z"].diagnosis == "right where Z > 0, wrong where Z < 0: 0 is due there"


def test_points_without_sizes_are_counted_and_not_listed():
    def gradient(x):
        np.linalg.norm(np.atleast_2d(x), 2)
        return {"x": 2 * x}

    assert gp.check(lambda x: np.sum(x**2), gradient, x="3")["x"].scope == "at 2 points"


def test_a_size_at_which_the_loss_has_no_value_is_left_out():
    def loss(X):
        return np.sum(np.var(X, axis=0, ddof=1))

    result = gp.check(loss, lambda X: {"X": 2 * (X - X.mean(axis=0)) / (len(X) - 1)}, X="m n")
    assert result.verdict == "proved", str(result)
    assert any("m = 1" in note and "left out" in note for note in result["X"].notes)


def test_a_kink_of_a_difference_is_spelled_out():
    def loss(x, y):
        return np.sum(np.maximum(0, x - y + 1))

    result = gp.check(loss, lambda x, y: {"x": 1.0 * (x - y + 1 > 0)}, wrt=["x"], x="n", y="n")
    assert result.verdict == "proved"
    assert any("y[" in kink and "1" in kink for kink in result["x"].kinks), result["x"].kinks


# --- what can be derived ------------------------------------------------------------------------


def test_a_trace_is_derived_down_to_what_it_returns():
    def loss(X, w):
        return np.sum((X @ w) ** 2)

    found = derive(gp.trace(loss, X="m n", w="n"), wrt=["w"])
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(4, 3)), rng.normal(size=3)
    value, gradients = found.compile()(X=X, w=w)
    assert float(value) == pytest.approx(loss(X, w))
    np.testing.assert_allclose(gradients["w"], 2 * X.T @ (X @ w), rtol=1e-12)


@pytest.mark.parametrize(("made", "error", "message"), [
    (lambda: "L = sum(x**2)", TypeError, "gradproof.equations"),
    (lambda: None, TypeError, "expected a network, a model, equations or a trace, got None"),
    (lambda: gp.trace(lambda x: x, x="n"), ValueError, "one of its inputs"),
    (lambda: gp.trace(lambda x: (np.sum(x), x), x="n"), ValueError, "returns one number"),
])
def test_what_has_no_loss_is_refused_with_the_way_in(made, error, message):
    with pytest.raises(error, match=message):
        derive(made())


def test_an_axis_that_is_a_group_is_split_and_joined_by_a_proof():
    def loss(X, W):
        H = X.reshape(len(X), *W.shape)
        return np.sum(np.tanh(H * W))

    def gradient(X, W):
        H = X.reshape(len(X), *W.shape)
        d = 1 - np.tanh(H * W) ** 2
        return {"X": (d * W).reshape(X.shape), "W": (d * H).sum(axis=0)}

    result = gp.check(loss, gradient, X="m (h d)", W="h d")
    assert result.verdict == "proved", result
    assert result["X"].scope == "for all d, h, m"


def test_what_is_not_checked_and_what_is_changed_is_said():
    def loss(X, w):
        return np.sum((X @ w) ** 2)

    def gradient(X, w):
        z = X @ w
        X *= 2
        return {"w": X.T @ z}

    result = gp.check(loss, gradient, X="m n", w="n")
    assert result.verdict == "proved"
    assert "the gradient function changes its input X in place" in result["w"].notes
    assert result.unchecked == ("X",)
    assert str(result).endswith("not checked: X (no gradient is returned)")
