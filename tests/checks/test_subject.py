"""One subject behind every door: the same kinks, and given arrays generalised alike."""

import numpy as np
import pytest

import gradproof as gp

A, X, B = np.arange(12.0).reshape(4, 3) / 7, np.ones(3), np.ones(4)
GIVEN = {"A": A, "x": X, "b": B}


def loss(A, x, b):
    return np.mean((A @ x - b) ** 2)


def right(A, x, b):
    return {"x": 2 * A.T @ (A @ x - b) / len(b)}


def missing(A, x, b):
    return {"x": 2 * A.T @ (A @ x - b)}


TEXT = "L = mean((A @ x - b)**2)"


@pytest.mark.parametrize("left", [loss, TEXT])
@pytest.mark.parametrize("gradient", [right, {"x": "2*A.T @ (A @ x - b)/m"}])
def test_given_arrays_are_generalised_by_functions_and_by_text(left, gradient):
    given = {**GIVEN, "b": "m", "A": "m n", "x": "n"} if isinstance(gradient, dict) else GIVEN
    result = gp.check(left, gradient, **given, wrt=["x"])
    assert (result.verdict, result["x"].scope) == ("proved", "for all m, n")


@pytest.mark.parametrize("gradient", [
    lambda A, x, b: {"x": 2 * A.T @ (A @ x - b)}, {"x": "2*A.T @ (A @ x - b)"},
    "r = A @ x - b; dx = 2*A.T @ r",
])
def test_text_of_given_arrays_is_for_all_sizes(gradient):
    result = gp.check("L = sum((A @ x - b)**2)", gradient, **GIVEN, wrt=["x"])
    assert (result.verdict, result["x"].scope) == ("proved", "for all m, n")


def test_a_number_in_a_formula_may_be_the_size_of_a_given_array():
    formula = {"x": "2*A.T @ (A @ x - b)/4"}
    result = gp.check(TEXT, formula, **GIVEN)
    assert (result["x"].verdict, result["x"].scope) == (
        "proved", "for these sizes, with A 4 × 3, x 3, b 4")
    for wrong in ("2*A.T @ (A @ x - b)/3", "2*A.T @ (A @ x - b)"):
        assert gp.check(TEXT, {"x": wrong}, **GIVEN).verdict == "refuted"


def test_a_name_in_the_text_is_no_size():
    """`m` and `n` are taken, so the sizes are called otherwise, and nothing is mixed up."""
    result = gp.check("m = A @ x - b; n = m**2; L = sum(n)", {"x": "2*A.T @ m"}, **GIVEN)
    assert (result.verdict, result["x"].scope) == ("proved", "for all p, q")
    with pytest.raises(ValueError, match="m"):
        gp.check("L = sum(A @ x - b)/m", {"x": "A.T @ b"}, **GIVEN)


def test_text_of_given_labels_generalises_with_their_pattern():
    y = np.eye(3)[[0, 2, 1, 0]]
    given = {"z": np.arange(12.0).reshape(4, 3) / 9, "y": y}
    by_text = gp.check("L = -sum(y * log(softmax(z)))", {"z": "softmax(z) - y"}, **given)

    def cross_entropy(z, y):
        e = np.exp(z)
        return -np.sum(y * np.log(e / e.sum(axis=1, keepdims=True)))

    def gradient(z, y):
        e = np.exp(z)
        return {"z": e / e.sum(axis=1, keepdims=True) - y}

    by_function = gp.check(cross_entropy, gradient, **given)
    for result in (by_text, by_function):
        assert (result["z"].verdict, result["z"].scope) == ("proved", "for all m, n")
        assert any("one" in text for text in result["z"].assumptions)


def test_a_gradient_function_for_a_loss_in_text_is_repaired():
    result = gp.check(TEXT, missing, A="m n", x="n", b="m", wrt=["x"])
    assert result.verdict == "refuted"
    assert result.repair is not None
    assert result.repair.verified == "proved"


def relu_sum(x, w):
    return np.sum(np.maximum(0, x * w))


def relu_gradient(x, w):
    return {"x": (x * w > 0) * w}


def test_every_door_lists_the_same_kinks():
    formula = {"x": "where(x*w > 0, w, 0)"}
    shapes = {"x": "n", "w": "n"}
    found = [
        gp.check(relu_sum, relu_gradient, **shapes)["x"].kinks,
        gp.check("L = sum(max(0, x*w))", formula, **shapes)["x"].kinks,
        gp.check_layer(relu_sum, lambda dout, x, w: {"x": dout * (x * w > 0) * w},
                       wrt=["x"], **shapes)["x"].kinks,
    ]
    assert found[0]
    assert found[0] == found[1] == found[2]


def test_layers_list_the_kinks_that_a_proof_does_not_cross():
    """A maximum whose ties a proof of the gradient never meets is listed all the same."""
    def forward(x, w):
        return np.maximum(x, 0) + w

    result = gp.check_layer(forward, lambda dout, x: {"w": dout}, x="n", w="n", wrt=["w"])
    same = gp.check(lambda x, w: np.sum(np.maximum(x, 0) + w), lambda x, w: {"w": np.ones_like(w)},
                    x="n", w="n")
    assert result["w"].kinks == same["w"].kinks


def test_a_fact_that_both_the_derivation_and_the_proof_use_is_said_once():
    def cross_entropy(z, y):
        shifted = z - np.max(z, axis=1, keepdims=True)
        return -np.sum(y * (shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))))

    def gradient(z, y):
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        return {"z": e / np.sum(e, axis=1, keepdims=True) - y}

    result = gp.check(cross_entropy, gradient, z="m k", y=gp.Array("m k", kind="probability"))
    assert result.verdict == "proved"
    assert result["z"].assumptions == ("the rows of y sum to one",)


def test_a_tie_and_a_zero_of_one_array_are_two_kinks():
    from gradproof.checks.judging import kinks_said
    from gradproof.symbolic.derive.kinks import Kink
    from gradproof.symbolic.normalform.polynomial import Crossing

    zero = Kink("a", "relu", "Z", "z")
    tie = Kink("p", "max", "Z")
    product = Kink("b", "relu", "Z", "z", argument="Z[i]*w[i]")
    at_zero, at_tie = Crossing("Z[i1]", "Z"), Crossing("Z[i1]", "Z", is_tie=True)
    assert kinks_said([at_zero], [zero, tie, product]) == (
        "Z[i1] = 0", "Z at a tie of its maximum", "Z[i]*w[i] = 0")
    assert kinks_said([at_tie], [zero, tie]) == ("ties in the maximum of Z[i1]", "Z = 0")
    assert kinks_said([Crossing("Z[i1]·w[i1]")], [zero]) == ("Z[i1]·w[i1] = 0", "Z = 0")


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def slopes(x, factor=400):
    bend = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - factor * x[0] * bend, 200 * bend])


def line(X, p):
    return np.sum((X[:, 0] * p[0] + p[1] - X[:, 1]) ** 2)


def of_line(X, p, factor=2):
    r = X[:, 0] * p[0] + p[1] - X[:, 1]
    return np.array([2 * np.sum(r * X[:, 0]), factor * np.sum(r)])


def squares(X, w):
    return np.sum((X @ w) ** 2)


def entries(X, w, columns=(0, 1, 2)):
    return 2 * np.array([X[:, column] @ (X @ w) for column in columns])


ROWS = {"X": A, "w": X}
POINTS = {"X": A[:, :2], "p": np.array([0.3, -0.2])}


@pytest.mark.parametrize(("left", "gradient", "wrt", "given"), [
    (rosenbrock, slopes, "x", {"x": np.array([1.2, 0.7])}),
    (line, of_line, "p", POINTS), (squares, entries, "w", ROWS),
])
def test_a_gradient_written_entry_by_entry_is_for_the_size_that_was_given(
        left, gradient, wrt, given):
    result = gp.check(left, gradient, **given, wrt=[wrt])
    assert result.verdict == "proved", str(result)


@pytest.mark.parametrize(("left", "gradient", "wrt", "given"), [
    (rosenbrock, lambda x: slopes(x, 40), "x", {"x": np.array([1.2, 0.7])}),
    (line, lambda X, p: of_line(X, p, 1), "p", POINTS),
    (squares, lambda X, w: entries(X, w, (0, 1)), "w", ROWS),
    (squares, lambda X, w: entries(X, w, (0, 2, 1)), "w", ROWS),
])
def test_a_wrong_one_is_refuted(left, gradient, wrt, given):
    assert gp.check(left, gradient, **given, wrt=[wrt], repair_seconds=0).verdict == "refuted"


def soft(Z):
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def likelihood(Z, y):
    return -np.mean(np.log(soft(Z)[np.arange(len(y)), y]))


def one_hot(Z, y):
    return (soft(Z) - np.eye(Z.shape[1])[y]) / len(y)


def picked(Z, y):
    p = soft(Z)
    p[range(len(y)), y] -= 1
    return p / len(y)


def embedded(Z, y):
    return np.sum(Z[y] ** 2)


def rows_added(Z, y):
    made = np.zeros_like(Z)
    np.add.at(made, y, 2 * Z[y])
    return made


NORMAL = np.random.default_rng(4).normal


@pytest.mark.parametrize(("left", "right", "wrong"), [
    (likelihood, one_hot, lambda Z, y: soft(Z) / len(y) - np.eye(Z.shape[1])[y]),
    (likelihood, picked, lambda Z, y: picked(Z, 0 * y)),
    (embedded, rows_added, lambda Z, y: 2 * Z * (np.eye(len(Z))[y].sum(axis=0) > 0)[:, None]),
])
@pytest.mark.parametrize(("shape", "y"), [
    ((6, 4), [0, 1, 2, 3, 1, 0]), ((6, 4), [2, 1, 2, 2, 1, 0]), ((6, 2), [0, 1, 1, 0, 1, 0]),
    ((6, 3), [1, 1, 1, 1, 1, 1])])
def test_given_whole_numbers_may_be_places_along_an_axis(left, right, wrong, shape, y):
    """Z[arange, y] of given labels is proved for all sizes, and drawn within an axis at others."""
    if left is embedded:
        shape = shape[::-1]
    given = {"Z": NORMAL(size=shape), "y": np.array(y)}
    (found,) = gp.check(left, right, wrt=["Z"], **given)
    assert (found.verdict, found.scope) == ("proved", "for all m, n"), str(found)
    assert not any("fails" in note for note in found.notes)
    assert gp.check(left, wrong, wrt=["Z"], repair_seconds=0, **given).verdict == "refuted"


@pytest.mark.slow
def test_labels_of_a_network_are_places_along_its_last_axis():
    """There is a shorter axis that they fit, too."""
    def left(X, W, V, y):
        return likelihood(np.tanh(X @ W) @ V, y)

    def right(X, W, V, y):
        hidden = np.tanh(X @ W)
        out = one_hot(hidden @ V, y)
        return X.T @ ((out @ V.T) * (1 - hidden ** 2)), hidden.T @ out

    result = gp.check(left, right, wrt=["W", "V"], X=NORMAL(size=(7, 5)), W=NORMAL(size=(5, 3)),
                      V=NORMAL(size=(3, 4)), y=np.array([0, 1, 2, 1, 1, 0, 2]))
    assert result.verdict == "proved", str(result)
    assert "y is below q, as the given one" in result["W"].assumptions
