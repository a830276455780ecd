"""What is said of a refuted gradient beside the verdict: a failure, the wrong line, the repair."""

import runpy

import numpy as np
import pytest

import gradproof as gp
from gradproof.checks.observed import Observed
from gradproof.checks.points import Point
from gradproof.numeric import Comparison


def loss(x, A):
    return np.sum((A @ x) ** 2)


SHAPES = {"A": "m n", "x": "n"}


def test_a_gradient_that_fails_where_the_loss_works_is_refuted_at_its_line():
    def gradient(x, A):
        r = A @ x
        return 2 * A @ r

    result = gp.check(loss, gradient, wrt=["x"], **SHAPES)
    assert result.verdict == "refuted"
    assert "ValueError" in result["x"].reason
    assert result.place is not None
    assert result.place.text == "return 2 * A @ r"


@pytest.mark.parametrize("kind", ["refuses", "asserts", "machine"])
def test_what_says_nothing_of_the_gradient_is_no_refutation(kind):
    def gradient(x, A):
        if kind == "refuses":
            raise ValueError("not for me")
        assert kind != "asserts"
        with open("/no/such/file") as file:
            return file

    result = gp.check(loss, gradient, wrt=["x"], repair_seconds=0, **SHAPES)
    assert result.verdict == "undecided"


def test_a_size_that_the_gradient_needs_is_in_its_scope():
    def gradient(x, A):
        row = A[1] if A.shape[0] > 0 else A[0]  # fails for one row
        return 2 * A.T @ (A @ x) + 0 * row

    result = gp.check(loss, gradient, wrt=["x"], **SHAPES)
    assert result.verdict == "proved"
    assert "m >= 2" in result["x"].scope


def test_a_failure_at_the_given_arrays_is_a_fact_and_at_others_is_not():
    A = np.arange(6.0).reshape(2, 3)

    def hard_coded(x, A):
        return 2 * A.T @ (A @ x) * np.ones(3)

    def failing(x, A):
        return 2 * A @ (A @ x)

    given = {"A": A, "x": np.ones(3)}
    assert gp.check(loss, hard_coded, wrt=["x"], **given).verdict != "refuted"
    assert gp.check(loss, failing, wrt=["x"], **given).verdict == "refuted"


def test_a_missing_gradient_is_refuted_and_the_others_are_judged():
    def gradient(x, A):
        return {"dx": 2 * A.T @ (A @ x)}

    result = gp.check(loss, gradient, wrt=["x", "A"], **SHAPES)
    assert result["x"].verdict == "proved"
    assert result["A"].verdict == "refuted"
    assert "not returned" in result["A"].reason


def test_a_backward_pass_that_fails_where_the_forward_pass_works_is_refuted():
    def forward(x, w):
        return x @ w, (x, w)

    def backward(dout, cache):
        x, w = cache
        return dout @ w, x.T @ dout

    result = gp.check_layer(forward, backward, x="m n", w="n h")
    assert result.verdict == "refuted"
    assert result.place.text == "return dout @ w, x.T @ dout"


def two(x, y, A):
    return np.sum((A @ x - y) ** 2) / 2


TWO = {"A": "m n", "x": "n", "y": "m"}


@pytest.mark.parametrize(("factor", "said"), [
    ("2 * r", "all gradients are wrong by the same factor: they are those of 2 × the loss"),
    ("r / len(y)", "they are those of 1/m × the loss"),
    ("-r", "they are those of minus the loss"),
])
def test_a_factor_of_all_gradients_is_said_in_one_sentence(factor, said):
    def gradient(x, y, A):
        r = A @ x - y
        e = 2 * r if factor == "2 * r" else r / len(y) if "len" in factor else -r
        return {"x": A.T @ e, "A": np.outer(e, x)}

    result = gp.check(two, gradient, wrt=["x", "A"], repair_seconds=0, **TWO)
    assert said in result.common
    assert str(result).count(said) == 1


def test_numbers_that_differ_are_never_printed_alike():
    def gradient(x, A):
        return 2 * A.T @ (A @ x) * (1 + 1e-13 * 200)

    result = gp.check(loss, gradient, wrt=["x"], repair_seconds=0, **SHAPES)
    assert result.verdict == "refuted"
    line = next(line for line in str(result).split("\n") if "entry" in line)
    hand, derived = line.split("hand-written ")[1].split(", ")[:2]
    assert hand != derived.removeprefix("derived ")
    assert "a difference of" in line


def test_two_slips_in_two_gradients_are_mended_each_by_itself():
    def gradient(x, y, A):
        r = A @ x - y
        dx = 2 * A.T @ r
        dA = np.outer(r, x) / len(y)
        return {"x": dx, "A": dA}

    result = gp.check(two, gradient, wrt=["x", "A"], **TWO)
    assert result.repair is not None
    edits = [result.repair, *result.repair.further]
    assert [edit.new for edit in edits] == ["dx = A.T @ r", "dA = np.outer(r, x)"]
    assert str(result).count("with these edits every gradient is proved") == 1


ROWS = """import numpy as np

def loss(X, Y, V, W):
    A = np.tanh(X @ V)
    return np.sum((A @ W - Y) ** 2) / 2

def gradient(X, Y, V, W):
    Z = X @ V
    A = np.tanh(Z)
    delta = A @ W - Y
    dW = A.T @ delta
    dA = delta @ W.T
    dZ = dA * (1 - A ** 2)
    dV = X.T @ dZ
    return {"V": dV, "W": dW}
"""
NAMED = [
    # old, new; the line that is named, if not the new one; what is said of it
    ("dZ = dA * (1 - A ** 2)", "dZ = dA * (1 - Z ** 2)", "", "A is due where it reads Z"),
    ("dZ = dA * (1 - A ** 2)", "dZ = dA", "",
     "it should be the loss's gradient by Z: multiply by 1 - A²"),
    ("dV = X.T @ dZ", "dV = X.T @ dA", "", "dZ is due where it reads dA"),
    ("dW = A.T @ delta", "dW = Z.T @ delta", "", "A is due where it reads Z"),
    ("A = np.tanh(Z)", "A = Z", "", ""),
    ("delta = A @ W - Y", "delta = A @ W", "", ""),
    ("delta = A @ W - Y", "delta = 3 * (A @ W - Y)", "", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), NAMED)
def test_the_wrong_line_is_named_and_what_is_due_there(old, new, line, said, tmp_path):
    source = ROWS.replace(old, new) if old != "A = np.tanh(Z)" else ROWS.replace(
        f"Z = X @ V\n    {old}", f"Z = X @ V\n    {new}")
    file = tmp_path / "hand_pass.py"
    file.write_text(source)
    module = runpy.run_path(str(file))
    result = gp.check(module["loss"], module["gradient"], wrt=["V", "W"], repair_seconds=0,
                      X="m n", Y="m k", V="n h", W="h k")
    assert result.verdict == "refuted"
    assert result.place.text == (line or new)
    assert said in result.first_wrong
    assert ("\n" in result.first_wrong) == bool(said)


def test_a_factor_too_many_is_not_an_array_that_should_be_a_constant():
    """The adjoint of l is 1/m in each entry, but l is right: it is read where nothing is due."""
    def loss(x, w, y):
        return np.mean((x @ w - y) ** 2)

    def gradient(x, w, y):
        r = x @ w - y
        l = r ** 2  # noqa: E741
        dr = 2 * r * l
        return {"w": x.T @ dr}

    result = gp.check(loss, gradient, wrt=["w"], repair_seconds=0, x="m n", w="n", y="m")
    assert result.place.text == "dr = 2 * r * l"
    assert "reads l" not in result.first_wrong


def test_a_file_that_was_changed_and_loaded_again_is_read_again(tmp_path):
    file, shapes = tmp_path / "loaded_again.py", {"X": "m n", "Y": "m k", "V": "n h", "W": "h k"}
    for factor in (3, 57):
        wrong = f"delta = {factor} * (A @ W - Y)"
        file.write_text("# changed\n" * factor + ROWS.replace("delta = A @ W - Y", wrong))
        module = runpy.run_path(str(file))
        result = gp.check(module["loss"], module["gradient"], wrt=["V", "W"], repair_seconds=0,
                          **shapes)
        assert result.place.text == wrong


@pytest.mark.parametrize(("hand", "is_so"), [
    ([1.0, 2.0], True), ([1.0, 2.0 + 1e-12], True), ([1.0, 2.0 + 1e-6], False),
    ([1.0, np.nan], False), ([1.0, np.inf], False),
])
def test_what_is_the_derived_gradient_to_nine_digits(hand, is_so):
    def seen(true, measured):
        comparison = Comparison("x", "refuted", "", 0.0, None, (), measured, False, 0)
        return Observed(Point({}, {}), comparison, np.array(hand), true)

    derived = np.array([1.0, 2.0])
    assert seen(derived, derived + 1).is_as_derived == is_so
    assert not seen(derived, derived).is_as_derived  # measured alone: nothing was derived
    assert not seen(np.array([1.0, np.inf]), derived).is_as_derived
    assert not seen(np.array([1.0, np.nan]), derived).is_as_derived


def line_loss(X, y, w, b):
    return np.mean((X @ w + b - y) ** 2)


def no_two(X, y, w, b):
    r = X @ w + b - y
    dw = X.T @ r / len(y)
    db = 2 * np.sum(r) / len(y)
    return {"w": dw, "b": db}


def sign(X, y, w, b):
    r = X @ w + b - y
    dw = -2 * X.T @ r / len(y)
    db = 2 * np.sum(r) / len(y)
    return {"w": dw, "b": db}


def no_mean(X, y, w, b):
    r = X @ w + b - y
    dw = 2 * X.T @ r
    db = 2 * np.sum(r) / len(y)
    return {"w": dw, "b": db}


@pytest.mark.parametrize(("gradient", "mended"), [
    (no_two, "dw = X.T @ r / len(y) * 2"), (sign, "dw = 2 * X.T @ r / len(y)"),
    (no_mean, "dw = 2 * X.T @ r / len(y)")])
def test_a_factor_is_missing_where_it_is_not_at_a_right_residual(gradient, mended):
    """The edit spells sizes and signs as the author does."""
    result = gp.check(line_loss, gradient, wrt=["w", "b"], X="m n", y="m", w="n", b="")
    assert result.place.text.startswith("dw = ")
    assert result.repair.new == mended
    plain = gp.check(line_loss, gradient, wrt=["w", "b"], X="m n", y="m", w="n", b="",
                     repair_seconds=0)
    assert plain.place.text.startswith("dw = ")


def cached(first: bool):
    """A loss with its gradient, which is remembered: of the call before, or of the first one."""
    kept: dict[tuple[int, ...], np.ndarray] = {}

    def joint(W, X, Y):
        d = X @ W - Y
        new = X.T @ d
        old = kept.get(W.shape, new)
        kept[W.shape] = old if first else new
        return np.sum(d**2) / 2, {"W": old}

    return joint


@pytest.mark.parametrize("inputs", [
    {"W": "n k", "X": "m n", "Y": "m k"},
    {"W": np.ones((3, 2)), "X": np.arange(12.0).reshape(4, 3) / 5, "Y": np.eye(4)[:, :2]},
], ids=["shapes", "arrays"])
@pytest.mark.parametrize("first", [True, False])
def test_a_gradient_that_is_remembered_from_another_call_does_not_pass(first, inputs):
    result = gp.check(cached(first), None, wrt=["W"], repair_seconds=0, **inputs)
    assert result.verdict in ("undecided", "refuted"), str(result)
    assert result.place is None  # no line of the code around it
    layer = gp.check_layer(cached(first), wrt=["W"], repair_seconds=0, **inputs)
    assert layer.verdict in ("undecided", "refuted"), str(layer)


def test_of_a_gradient_that_is_remembered_no_edit_is_shown():
    result = gp.check(cached(False), None, wrt=["W"], W="n k", X="m n", Y="m k")
    assert "keeps state from call to call" in result["W"].reason
    assert (result.repair, result.first_wrong) == (None, "")


def test_a_factor_that_is_1_at_a_size_of_1_is_a_factor():
    def plain(x):
        return sum(float(v) ** 2 for v in x)

    result = gp.check(plain, lambda x: 2 * np.array([float(v) for v in x]) * len(x), wrt=["x"],
                      x="n", repair_seconds=0)
    assert result["x"].diagnosis == "hand-written = n × derived: multiply by 1/n"


def squares(W, X, Y):
    return np.mean((X @ W - Y) ** 2) + 0.0005 * np.sum(W**2)


def without_its_mean(W, X, Y):
    return X.T @ (X @ W - Y) + 0.001 * W


def with_half_the_decay(W, X, Y):
    return 2 * X.T @ (X @ W - Y) / Y.size + 0.0005 * W


def product_of_numbers(x):
    return np.sum(x**2)


def two_numbers(x):
    return 2 * x * 4


def divided(x):
    return x / 500


MATRICES = {"W": "n k", "X": "m n", "Y": "m k"}


@pytest.mark.parametrize(("loss", "gradient", "inputs", "line"), [
    (squares, without_its_mean, MATRICES, "return X.T @ (X @ W - Y) * 2 / Y.size + 0.001 * W"),
    (squares, with_half_the_decay, MATRICES,
     "return 2 * X.T @ (X @ W - Y) / Y.size + 0.001 * W"),
    (product_of_numbers, two_numbers, {"x": "n"}, "return 2 * x"),
    (product_of_numbers, divided, {"x": "n"}, "return 2 * x"),
])
def test_an_edit_is_one_that_somebody_would_write(loss, gradient, inputs, line):
    result = gp.check(loss, gradient, wrt=[next(iter(inputs))], **inputs)
    assert result.verdict == "refuted"
    assert result.repair.new.strip() == line, str(result)


def least_squares(w, X, y):
    return -len(y) / 2 * np.log(np.sum((y - X @ w) ** 2))


def least_squares_curvature(w, X, y):
    r = y - X @ w
    ssr = np.sum(r**2)
    slope = -2 * X.T @ r
    both = X.T @ X / ssr - np.outer(slope, slope) / ssr**2
    return -len(y) * both / 2


def least_squares_turned(w, X, y):
    r = y - X @ w
    ssr = np.sum(r**2)
    slope = -2 * X.T @ r
    both = 2 * X.T @ X / ssr + np.outer(slope, slope) / ssr**2
    return -len(y) * both / 2


def least_squares_scaled(w, X, y):
    r = y - X @ w
    ssr = np.sum(r**2)
    slope = -2 * X.T @ r
    both = 2 * X.T @ X / ssr - np.outer(slope, slope) / ssr**2
    return -len(y) * both


@pytest.mark.parametrize(("hessian", "line"), [
    (least_squares_curvature, "both = X.T @ X / ssr - np.outer(slope, slope) / ssr**2"),
    (least_squares_turned, "both = 2 * X.T @ X / ssr + np.outer(slope, slope) / ssr**2"),
    (least_squares_scaled, "return -len(y) * both"),
])
def test_what_is_handed_back_times_sizes_is_not_the_wrong_line(hessian, line):
    result = gp.check_hessian(least_squares, hessian, repair_seconds=0, w="n", X="m n", y="m")
    assert result.verdict == "refuted"
    assert result.place.text == line, str(result)
