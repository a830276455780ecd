"""Gradients that ignore a numerical safeguard of their loss are proved beside it, and say so."""

import numpy as np
import pytest

import gradproof as gp

S = np.sum
RNG = np.random.default_rng(6)


def sig(z):
    return 1 / (1 + np.exp(-z))


def soft(Z):
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def entropy(guard, other=None):
    def loss(X, w, y):
        p = guard(sig(X @ w))
        q = 1 - p if other is None else other(1 - sig(X @ w))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(q))

    return loss


def textbook(X, w, y):
    return X.T @ (sig(X @ w) - y) / len(y)


def clipped(X, w, y):
    return X.T @ (np.clip(sig(X @ w), 1e-7, 1 - 1e-7) - y) / len(y)


def of_p(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def of_p_back(p, y):
    return (p - y) / (p * (1 - p)) / len(p)


def length(x):
    return np.sqrt(S(x**2))


BETWEEN = {"p": gp.Array("n", kind="interval", low=0, high=1), "y": "n", "wrt": ["p"]}
XWY = {"X": "m n", "w": "n", "y": "m", "wrt": ["w"]}
GIVEN = {"X": 40 * RNG.normal(size=(8, 3)), "w": RNG.normal(size=3), "wrt": ["w"],
         "y": (RNG.random(8) > 0.5) * 1.0}
ROWS = {"Z": "m k", "Y": gp.Array("m k", kind="one_hot"), "wrt": ["Z"]}
RIGHT = [  # loss, gradient, inputs, what the scope says
    (entropy(lambda p: np.clip(p, 1e-7, 1 - 1e-7)), textbook, XWY, "where 1e-07 < p < 1 - 1e-07"),
    (entropy(lambda p: np.clip(p, 1e-7, 1 - 1e-7)), clipped, XWY, "where 1e-07 < p < 1 - 1e-07"),
    (entropy(lambda p: np.clip(p, 1e-15, 1 - 1e-15)), textbook, GIVEN, "where 1e-15 < p"),
    (entropy(lambda p: np.maximum(p, 1e-10), lambda q: np.maximum(q, 1e-10)), textbook, XWY,
     "where 1e-10 < p"),
    (entropy(lambda p: np.minimum(np.maximum(p, 1e-9), 1 - 1e-9)), textbook, XWY,
     "where 1e-09 < p < 1 - 1e-09"),
    (entropy(lambda p: np.where(p < 1e-8, 1e-8, p)), textbook, XWY, "where 1e-08 < p"),
    (entropy(lambda p: p + 1e-8, lambda q: q + 1e-8), textbook, XWY, "up to the added 1e-08"),
    (lambda X, w, y: -np.mean(y * np.log(sig(X @ w) + 1e-12)
                              + (1 - y) * np.log(1 - sig(X @ w) + 1e-12)), textbook, XWY,
     "up to the added 1e-12"),
    (lambda z: S(1 / (1 + np.exp(-np.clip(z, -500, 500)))), lambda z: sig(z) * (1 - sig(z)),
     {"z": "n"}, "where -500 < z < 500"),
    (lambda Z, Y: -S(Y * np.log(np.clip(soft(Z), 1e-12, 1.0))), lambda Z, Y: soft(Z) - Y, ROWS,
     "where the bounds 1e-12, 1 do not act"),
    (lambda Z, Y: -S(Y * np.log(soft(Z) + 1e-9)), lambda Z, Y: soft(Z) - Y, ROWS,
     "up to the added 1e-09"),
    (lambda x: np.sqrt(S(x**2) + 1e-12), lambda x: x / np.sqrt(S(x**2)), {"x": "n"},
     "up to the added 1e-12"),
    (lambda x, y: S(x / (y**2 + 1e-8)), lambda x, y: np.ones_like(x) / y**2,
     {"x": "n", "y": "n", "wrt": ["x"]}, "up to the added 1e-08"),
    # in the gradient alone
    (of_p, lambda p, y: -(y / (p + 1e-8) - (1 - y) / (1 - p + 1e-8)) / len(p), BETWEEN,
     "up to the added 1e-08"),
    (of_p, lambda p, y: (p - y) / (p * (1 - p) + 1e-8) / len(p), BETWEEN, "up to the added 1e-08"),
    (of_p, lambda p, y: of_p_back(np.clip(p, 1e-7, 1 - 1e-7), y), BETWEEN,
     "where 1e-07 < p < 1 - 1e-07"),
    (length, lambda x: x / (np.sqrt(S(x**2)) + 1e-8), {"x": "n"}, "up to the added 1e-08"),
    (length, lambda x: x / np.maximum(length(x), 1e-8), {"x": "n"},
     "where the bound 1e-08 does not act"),
    (lambda a, b: a @ b / (length(a) * length(b)), lambda a, b: b / (length(a) * length(b) + 1e-8)
     - a * (a @ b) / (length(a)**3 * length(b) + 1e-8), {"a": "n", "b": "n", "wrt": ["a"]},
     "up to the added 1e-08"),
    (lambda z: S(np.log(1 + np.exp(z))), lambda z: sig(np.clip(z, -30, 30)), {"z": "n"},
     "where -30 < z < 30"),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs", "said"), RIGHT)
def test_a_textbook_gradient_is_proved_away_from_the_guard(loss, gradient, inputs, said):
    (found,) = gp.check(loss, gradient, repair_seconds=0, **inputs)
    assert found.verdict == "proved", str(found)
    assert said in found.scope


def test_a_gradient_that_has_the_guard_needs_no_word_of_it():
    (found,) = gp.check(lambda x: S(np.log(x**2 + 1e-8)), lambda x: 2 * x / (x**2 + 1e-8), x="n")
    assert (found.verdict, found.scope) == ("proved", "for all n")


WRONG = [
    (entropy(lambda p: np.clip(p, 1e-7, 1 - 1e-7)), lambda X, w, y: 1.01 * textbook(X, w, y), XWY),
    (entropy(lambda p: p + 1e-8, lambda q: q + 1e-8), lambda X, w, y: X.T @ (sig(X @ w) - y), XWY),
    (lambda x: S(np.clip(x, -0.5, 0.5) ** 2), lambda x: 2 * x, {"x": "n"}),
    (lambda x: S(np.maximum(x, 0.01)), lambda x: np.ones_like(x), {"x": "n"}),
    (lambda x: S(np.log(x**2 + 0.01)), lambda x: 2 / x, {"x": "n"}),
    (lambda x: S(np.minimum(x, 20) ** 2), lambda x: 2 * x, {"x": "n"}),
    (lambda x: S(x**2) + 1e-9 * S(x), lambda x: 2.001 * x, {"x": "n"}),
    (lambda x: S(x**2), lambda x: 2 * x + 1e-8, {"x": "n"}),
    (lambda x: S(x**2), lambda x: 2 * x * (1 + 1e-8), {"x": "n"}),
    (lambda x: S(x**2), lambda x: 2 * np.clip(x, -30, 30), {"x": "n"}),
    (of_p, lambda p, y: -(y / (p + 1e-3) - (1 - y) / (1 - p + 1e-3)) / len(p), BETWEEN),
    (of_p, lambda p, y: -(y / (p + 1e-8) - (1 - y) / (1 + p + 1e-8)) / len(p), BETWEEN),
    (length, lambda x: x / (S(x**2) + 1e-8), {"x": "n"}),
    (lambda z: S(np.log(1 + np.exp(z))), lambda z: sig(np.clip(z, -3, 3)), {"z": "n"}),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs"), WRONG)
def test_no_other_difference_hides_behind_a_guard(loss, gradient, inputs):
    found = gp.check(loss, gradient, repair_seconds=0, **inputs)
    assert found.verdict == "refuted", str(found)


def test_what_the_guard_does_is_measured():
    (found,) = gp.check(entropy(lambda p: p + 1e-8, lambda q: q + 1e-8), textbook,
                        repair_seconds=0, **XWY)
    assert any("relative difference by the guard <= " in note for note in found.notes)


def test_a_program_that_is_not_what_was_traced_of_it_is_refuted():
    def gradient(X, w, y):  # no branch on a value, and none that a trace could take
        return textbook(X, w, y) + (3.0 if type(X) is np.ndarray else 0.0)

    found = gp.check(entropy(lambda p: np.clip(p, 1e-7, 1 - 1e-7)), gradient, repair_seconds=0,
                     **XWY)
    assert found.verdict == "refuted", str(found)


def test_a_gradient_below_the_rounding_of_its_program_is_proved():
    Z, Y = np.array([[50.0, 0, -50], [0, 30, 3]]), np.array([[1.0, 0, 0], [0, 1, 0]])
    found = gp.check(lambda Z, Y: -S(Y * np.log(soft(Z))), lambda Z, Y: soft(Z) - Y, wrt=["Z"],
                     repair_seconds=0, Z=Z, Y=Y)
    assert found.verdict == "proved", str(found)


def within(p):
    return np.clip(p, 1e-9, 1 - 1e-9)


# tan' = 1/cos² is no identity of the normal forms: what agrees is not proved.
PART = gp.Array("m", kind="interval", low=0, high=1)


def test_what_agrees_is_not_refuted_where_the_guard_alone_acts():
    (found,) = gp.check(lambda p: S(np.tan(within(p))), lambda p: 1 / np.cos(within(p)) ** 2,
                        p=PART, repair_seconds=0)
    assert found.verdict in ("agrees", "proved"), str(found)
    assert "where 1e-09 < p < 1 - 1e-09" in found.scope


@pytest.mark.parametrize("gradient", [
    lambda p: 1 / np.cos(within(p)), lambda p: (1 + 0.01 * p) / np.cos(within(p)) ** 2,
    lambda p: np.where(p > 0.5, 1.0, 1 / np.cos(within(p)) ** 2)])
def test_what_is_wrong_beside_a_guard_is_refuted_without_a_proof(gradient):
    found = gp.check(lambda p: S(np.tan(within(p))), gradient, p=PART, repair_seconds=0)
    assert found.verdict == "refuted", str(found)


def test_a_bound_that_is_no_guard_counts_without_a_proof():
    found = gp.check(lambda p: S(np.tan(np.clip(p, 0.2, 0.9))),
                     lambda p: 1 / np.cos(np.clip(p, 0.2, 0.9)) ** 2, p=PART, repair_seconds=0)
    assert found.verdict == "refuted", str(found)
