"""What is no gradient of a scalar, or does not fit what was declared, is never a wrong gradient."""

import numpy as np
import pytest

import gradproof as gp

S = np.sum
RNG = np.random.default_rng(9)
X, W = RNG.normal(size=(6, 3)), RNG.normal(size=3)
GIVEN = {"X": X, "w": W, "y": RNG.normal(size=6), "wrt": ["w"]}
SHAPES = {"X": "m n", "w": "n", "y": "m", "wrt": ["w"]}


def half_squares(X, w, y):
    return S((X @ w - y) ** 2) / 2


UNFIT = [  # loss, gradient, inputs, what is said
    (lambda X, w, y: X @ w - y, lambda X, w, y: X, GIVEN, "expected one real number"),
    (lambda X, w, y: X @ w - y, lambda X, w, y: X, SHAPES, "expected one real number"),
    (lambda X, w, y: (X @ w - y) ** 2, lambda X, w, y: X.T @ (X @ w - y), SHAPES,
     "expected one real number"),
    (half_squares, lambda X, w, y: X.T @ X, GIVEN, "second derivatives"),
    (half_squares, lambda X, w, y: X.T @ X, SHAPES, "second derivatives"),
    (lambda w: S(w**3), lambda w: np.diag(6 * w), {"w": W}, "second derivatives"),
    (half_squares, lambda X, w, y: X.T @ (X @ w - y), {**SHAPES, "w": "m"}, "fit"),
    (lambda w: 1j * S(w), lambda w: w, {"w": "n"}, "a complex number"),
    (lambda w: None, lambda w: w, {"w": "n"}, "None"),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs", "said"), UNFIT)
def test_it_is_undecided_and_says_what_was_expected(loss, gradient, inputs, said):
    (found,) = gp.check(loss, gradient, repair_seconds=0, **inputs)
    assert (found.verdict, said in found.reason) == ("undecided", True), str(found)


def test_a_gradient_of_another_shape_is_refuted_all_the_same():
    for wrong in (lambda X, w, y: X, lambda X, w, y: 2 * X.T @ X, lambda X, w, y: w[:-1]):
        assert gp.check(half_squares, wrong, repair_seconds=0, **GIVEN).verdict == "refuted"


def softmax(Z):
    e = np.exp(Z - Z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def columns(X, Y, W, b):
    return -S(Y * np.log(softmax(W @ X + b))) / Y.shape[1]


def columns_back(X, Y, W, b):
    d = (softmax(W @ X + b) - Y) / Y.shape[1]
    return {"dW": d @ X.T, "db": d.sum(axis=1, keepdims=True)}


@pytest.mark.slow
def test_one_hot_columns():
    given = {"X": RNG.normal(size=(4, 5)), "Y": np.eye(3)[[0, 2, 1, 1, 0]].T,
             "W": RNG.normal(size=(3, 4)), "b": np.zeros((3, 1))}
    shapes = {"X": "n m", "W": "k n", "b": "k 1", "Y": gp.Array("k m", kind="one_hot", axis=0)}
    for inputs in (given, shapes):
        assert gp.check(columns, columns_back, repair_seconds=0, **inputs).verdict == "proved"
    for other in ("k m", gp.Array("k m", kind="one_hot")):
        found = gp.check(columns, columns_back, repair_seconds=0, wrt=["W"],
                         **{**shapes, "Y": other})
        assert "axis=0" in found.checks[0].reason


def test_a_network_in_columns_has_one_hot_columns():
    system = gp.Network([3, 4, 2], output="softmax", loss="cross_entropy",
                        convention="columns").system()
    assert system.input("Y").along == 0


def squares(x):
    return S(x**2)


def twice(x):
    return 2 * x


def product(x, weight):
    return x @ weight, (x, weight)


def product_backward(dout, cache):
    return dout @ cache[1].T, cache[0].T @ dout


class Squares:
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dout):
        return 2 * self.x * dout


UNKNOWN = [  # a check with a keyword that nothing takes, what is said
    (lambda: gp.check(squares, twice, x="n", seconds=40), "'seconds' .* mean repair_seconds=?"),
    (lambda: gp.check(squares, twice, x="n", timelimit=4.0), "'timelimit' .* mean time_limit=?"),
    (lambda: gp.check(squares, twice, x="n", z="m n"), "'z' is no parameter of the loss"),
    (lambda: gp.check(lambda x, c=1: c * S(x**2), lambda x: 2 * x, x="n", seconds=40), "'seconds'"),
    (lambda: gp.check("L = sum(x**2)", {"x": "2*x"}, x="n", seconds=40), "mean repair_seconds=?"),
    (lambda: gp.check(lambda x, weight: S(x @ weight), lambda x, weight: x, x="n", weigth="n"),
     "'weight'; .* mean weight=?"),
    (lambda: gp.assert_gradient(squares, twice, x="n", requires="proved"), "mean require=?"),
    (lambda: gp.check(squares, twice, x="n", require="proved"), "an option of the assertions"),
    (lambda: gp.check_layer(product, product_backward, x="m n", weight="n k", seconds=40),
     "mean repair_seconds=?"),
    (lambda: gp.check_layer(product, product_backward, x="m n", weigth="n k"), "mean weight=?"),
    (lambda: gp.check_layer(Squares, x="m n", seconds=40), "mean repair_seconds=?"),
    (lambda: gp.check_layer(Squares(), x="m n", z="m n"), "'z' is a parameter neither"),
    (lambda: gp.check_layer(lambda x: (S(x**2), 2 * x), x="n", seconds=40), "repair_seconds=?"),
    (lambda: gp.check_derivative(np.tanh, lambda z: 1 - np.tanh(z) ** 2, z="n", seconds=40),
     "mean repair_seconds=?"),
    (lambda: gp.check_hessian(squares, lambda x: 2 * np.eye(x.size), x="n", seconds=40),
     "mean repair_seconds=?"),
]


@pytest.mark.parametrize(("check", "said"), UNKNOWN)
def test_a_keyword_that_nothing_takes_is_an_error_with_the_one_that_is_meant(check, said):
    with pytest.raises(ValueError, match=said):
        check()


@pytest.mark.parametrize("check", [
    lambda: gp.check(squares, twice, x="n", repair_seconds=4, time_limit=40),
    lambda: gp.check(lambda a, b: S(a @ b), lambda a, b: a, x="n", y="n", wrt=["y"]),
    lambda: gp.check(lambda x, **options: S(x**2), lambda x, **options: 2 * x, x="n", c=2.0,
                     wrt=["x"]),
    lambda: gp.check(squares, lambda x, steps: 2 * x + 0 * steps, x="n", steps=3.0, wrt=["x"]),
    lambda: gp.check("L = sum(x**2)", {"x": "2*x + 0*c"}, x="n", c=2.0, wrt=["x"]),
])
def test_what_the_loss_or_the_gradient_takes_is_an_input(check):
    assert check().verdict == "proved"
