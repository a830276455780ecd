"""A gradient that is right on one side of a condition: said in the user's own condition, at its
line, with the edit of that side."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.checks.causes.conditions import condition
from gradproof.numeric import watched_run


def huber(w, X, y):
    r = X @ w - y
    return np.sum(np.where(np.abs(r) <= 1, 0.5 * r**2, np.abs(r) - 0.5))


def huber_quadratic(w, X, y):
    r = X @ w - y
    return X.T @ np.where(np.abs(r) <= 1, r, r)


def huber_without_its_sign(w, X, y):
    r = X @ w - y
    return X.T @ np.where(np.abs(r) <= 1, r, 1.0)


def huber_by_a_mask(w, X, y):
    r = X @ w - y
    g = r.copy()
    large = np.abs(r) > 1
    g[large] = 0.5 * np.sign(r[large])
    return X.T @ g


def smooth_l1(p, t):
    d = p - t
    return np.mean(np.where(np.abs(d) < 1, 0.5 * d**2, np.abs(d) - 0.5))


def smooth_l1_gradient(p, t):
    d = p - t
    return np.where(np.abs(d) < 1, d, 1) / d.size


def relu6(x, c):
    return np.sum(c * np.minimum(np.maximum(x, 0), 6))


def relu6_gradient(x, c):
    return c * (x > 0)


def hinge(w, X, y):
    return np.mean(np.maximum(0, 1 - y * (X @ w)))


def hinge_gradient(w, X, y):
    margin = y * (X @ w)
    return -(X.T @ ((margin < 0) * y)) / len(y)


def clipped(x, c):
    return np.sum(c * np.clip(x, -2, 2) ** 2)


def clipped_gradient(x, c):
    return 2 * c * np.clip(x, -2, 2)


def leaky(x, c):
    return np.sum(c * np.where(x > 0, x, 0.01 * x))


def leaky_gradient(x, c):
    return c * np.where(x > 0, 1, 0.1)


def absolute(x, c):
    return np.sum(c * np.abs(x))


def absolute_gradient(x, c):
    return c * np.where(x > 0, 1, 0)


def network(W, V, X, Y):
    return np.sum((np.maximum(X @ W, 0) @ V - Y) ** 2) / 2


def network_gradient(W, V, X, Y):
    Z = X @ W
    H = np.maximum(Z, 0)
    d = H @ V - Y
    dH = d @ V.T
    dZ = np.where(Z > 0, dH, 0.1 * dH)
    return {"W": X.T @ dZ, "V": H.T @ d}


ROWS = {"w": "n", "X": "m n", "y": "m"}
ENTRIES = {"x": "n", "c": "n"}
CASES = [  # loss, gradient, what it is by, inputs, what is said, the wrong line, its edit
    (huber, huber_quadratic, ["w"], ROWS, "right where np.abs(r) <= 1, wrong where np.abs(r) > 1",
     "return X.T @ np.where(np.abs(r) <= 1, r, r)", "np.where(np.abs(r) <= 1, r, np.sign(r))"),
    (huber, huber_without_its_sign, ["w"], ROWS,
     "wrong where r < 0 and np.abs(r) > 1: there hand-written = −derived: change the sign; right "
     "elsewhere", "return X.T @ np.where(np.abs(r) <= 1, r, 1.0)", "np.sign(r)"),
    (huber, huber_by_a_mask, ["w"], ROWS, "right where np.abs(r) <= 1, wrong where np.abs(r) > 1: "
     "there hand-written = 1/2 × derived: multiply by 2",
     "g[large] = 0.5 * np.sign(r[large])", "g[large] = np.sign(r[large])"),
    (smooth_l1, smooth_l1_gradient, ["p"], {"p": "m n", "t": "m n"},
     "wrong where np.abs(d) >= 1 and d < 0",
     "return np.where(np.abs(d) < 1, d, 1) / d.size", "np.where(np.abs(d) < 1, d, np.sign(d))"),
    (relu6, relu6_gradient, ["x"], {"x": "m n", "c": "m n"},
     "wrong where np.maximum(x, 0) > 6: 0 is due there", "return c * (x > 0)",
     "c * (x > 0) * (x < 6)"),
    (hinge, hinge_gradient, ["w"], {**ROWS, "y": gp.Array("m", kind="sign")},
     "wrong where 1 - y * (X @ w) > 0 and margin >= 0: 0 is claimed there; right elsewhere",
     "return -(X.T @ ((margin < 0) * y)) / len(y)", "margin < 1"),
    (clipped, clipped_gradient, ["x"], ENTRIES, "right where x > -2 and x < 2, wrong elsewhere",
     "return 2 * c * np.clip(x, -2, 2)", "(np.abs(x) < 2)"),
    (leaky, leaky_gradient, ["x"], ENTRIES, "right where x > 0, wrong where x <= 0: there "
     "hand-written = 10 × derived: multiply by 0.1", "return c * np.where(x > 0, 1, 0.1)",
     "np.where(x > 0, 1, 0.01)"),
    (absolute, absolute_gradient, ["x"], ENTRIES,
     "right where x > 0, wrong where x < 0: 0 is claimed there", "return c * np.where(x > 0, 1, 0)",
     "np.where(x > 0, 1, -1)"),
    (network, network_gradient, ["W", "V"], {"W": "n h", "V": "h k", "X": "m n", "Y": "m k"},
     "right where X @ W > 0, wrong where X @ W < 0: 0 is due there",
     "dZ = np.where(Z > 0, dH, 0.1 * dH)", "dZ = np.where(Z > 0, dH, 0)"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1].__name__)
def test_a_wrong_side_is_told_in_the_users_condition(case):
    loss, gradient, wrt, inputs, said, line, edit = case
    result = gp.check(loss, gradient, wrt=wrt, **inputs)
    found = result[wrt[0]]
    assert found.verdict == "refuted"
    assert said in found.diagnosis, str(result)
    assert (result.place.text, edit in result.repair.new) == (line, True), str(result)


def test_what_is_wrong_on_both_sides_is_no_wrong_side():
    result = gp.check(leaky, lambda x, c: 2 * c * np.where(x > 0, 1, 0.01), wrt=["x"],
                      repair_seconds=0, **ENTRIES)
    assert result["x"].diagnosis.startswith("hand-written = 2 × derived"), str(result)


def test_a_hard_coded_size_beside_a_branch_is_still_one():
    def mean(x):
        return np.mean(np.maximum(x, 0))

    result = gp.check(mean, lambda x: (x > 0) / 6, wrt=["x"], x="n", repair_seconds=0)
    assert "where" not in result["x"].diagnosis
    assert "n" in result["x"].diagnosis


def two_on_a_line(x):
    return np.where(x > 1, x, 0) + np.where(x > 2, x, 0) + np.minimum(3, x) + np.abs(x - 1)


def test_conditions_are_those_of_their_lines():
    record = watched_run(lambda v: two_on_a_line(**v), {"x": np.array([0.5, 5.0])}, ("x",))
    told = {(condition(b, True, record.branches), condition(b, False, record.branches))
            for b in record.branches}
    assert told == {("x > 1", "x <= 1"), ("x > 2", "x <= 2"), ("x > 3", "x < 3"),
                    ("x - 1 > 0", "x - 1 < 0")}


def entropy(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def entropy_clipped(p, y):
    g = ((1 - y) / (1 - p) - y / p) / y.size
    return np.clip(g, -10, 10)


def entropy_bounded(p, y):
    g = ((1 - y) / (1 - p) - y / p) / y.size
    return np.maximum(np.minimum(g, 30.0), -30.0)


def reciprocals(x):
    return np.sum(1 / x)


def reciprocals_bounded(x):
    return np.maximum(-1 / x**2, -1e4)


def quartic(x):
    return np.sum(x**4)


def quartic_by_its_norm(x):
    g = 4 * x**3
    scale = np.minimum(1.0, 1e4 / np.linalg.norm(g))
    return g * scale


UNITS = {"p": gp.Array("n", kind="interval", low=0, high=1), "y": gp.Array("n", kind="mask")}
POSITIVE = {"x": gp.Array("n", kind="positive")}


@pytest.mark.parametrize(("loss", "gradient", "inputs", "line"), [
    (entropy, entropy_clipped, UNITS, "return np.clip(g, -10, 10)"),
    (entropy, entropy_bounded, UNITS, "return np.maximum(np.minimum(g, 30.0), -30.0)"),
    (reciprocals, reciprocals_bounded, POSITIVE, "return np.maximum(-1 / x**2, -1e4)"),
    (quartic, quartic_by_its_norm, {"x": "n"}, "scale = np.minimum(1.0, 1e4 / np.linalg.norm(g))"),
], ids=lambda case: getattr(case, "__name__", ""))
def test_a_bound_of_the_gradient_alone_is_seen_beside_it(loss, gradient, inputs, line):
    result = gp.check(loss, gradient, wrt=[next(iter(inputs))], repair_seconds=0, **inputs)
    assert result.verdict == "refuted", str(result)
    assert result.place is not None
    assert result.place.text == line, str(result)
    assert "a bound that the loss's gradient does not have" in str(result)


def clipped_squares(x):
    return np.sum(np.clip(x, -50, 50) ** 2)


def clipped_squares_without_its_mask(x):
    c = np.clip(x, -50, 50)
    return 2 * c


def test_a_bound_that_the_loss_has_too_is_no_bound_too_much():
    right = gp.check(clipped_squares, lambda x: 2 * np.clip(x, -50, 50) * (np.abs(x) <= 50),
                     wrt=["x"], x="n")
    wrong = gp.check(clipped_squares, clipped_squares_without_its_mask, wrt=["x"], x="n",
                     repair_seconds=0)
    assert right.verdict == "proved", str(right)
    assert wrong.verdict == "refuted", str(wrong)
    assert "does not have" not in str(wrong)


def poisson(w, X, y):
    return np.sum(np.exp(X @ w) - y * (X @ w))


def poisson_by_its_norm(w, X, y):
    g = X.T @ (np.exp(X @ w) - y)
    size = np.sqrt(np.sum(g * g))
    if size > 1e3:
        g = g * 1e3 / size
    return g


def test_no_edit_takes_an_order_for_an_equality():
    result = gp.check(poisson, poisson_by_its_norm, wrt=["w"], w="k", X="n k", y="n")
    assert result.verdict == "refuted"
    assert result.repair is None or "==" not in result.repair.new, str(result)
