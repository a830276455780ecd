"""Jacobians, Hessians, products with them, and boosting's second derivatives per sample."""

import numpy as np
import pytest

import gradproof as gp

RNG = np.random.default_rng(4)


def residuals(x, t, y):
    return x[0] * np.exp(-x[1] * t) - y


def slopes(x, t, y):
    e = np.exp(-x[1] * t)
    return np.stack([e, -x[0] * t * e], axis=1)


CURVE = {"x": "2", "t": "m", "y": "m"}
GIVEN = {"x": np.array([1.3, 0.4]), "t": np.linspace(0, 3, 7), "y": RNG.normal(size=7)}


@pytest.mark.parametrize("inputs", [CURVE, GIVEN])
def test_a_right_jacobian_is_proved(inputs):
    assert gp.check_jacobian(residuals, slopes, **inputs).verdict == "proved"


def test_arguments_may_stand_in_args_as_scipy_has_them():
    def jac(theta, times, data):  # other names: it is called by position
        return slopes(theta, times, data)

    x, t, y = GIVEN.values()
    found = gp.check_jacobian(residuals, jac, x=x, args=(t, y))
    assert found["jac"].scope.startswith("for all")
    with pytest.raises(ValueError, match="args has 3 entries"):
        gp.check_jacobian(residuals, jac, x=x, args=(t, y, 1.0))


@pytest.mark.parametrize(("jac", "said"), [
    (lambda x, t, y: slopes(x, t, y).T, "transpose"),
    (lambda x, t, y: -slopes(x, t, y), "change the sign"),
    (lambda x, t, y: slopes(x, t, y) * x, "derivative by log x"),
])
def test_a_wrong_jacobian_is_refuted_and_named(jac, said):
    (found,) = gp.check_jacobian(residuals, jac, repair_seconds=0, **CURVE)
    assert (found.verdict, said in str(found)) == ("refuted", True), str(found)


def test_a_list_of_rows_and_a_pair_are_arrays():
    def f(x):
        return [x[0] * x[1], x[0] ** 2 + x[1]]

    def jac(x):
        return [[x[1], x[0]], [2 * x[0], 1.0]]

    assert gp.check_jacobian(f, jac, x="2").verdict == "proved"
    assert gp.check_jacobian(lambda x: (np.array(f(x)), np.array(jac(x))), jac, x="2",
                             ).verdict == "proved"


def logistic(w, X, y):
    z = X @ w
    return np.sum(np.log(1 + np.exp(z)) - y * z)


def weights(w, X):
    p = 1 / (1 + np.exp(-(X @ w)))
    return p * (1 - p)


def hessian(w, X, y):
    return X.T @ (X * weights(w, X)[:, None])


DATA = {"w": "n", "X": "m n", "y": "m"}


def test_a_right_hessian_and_its_product_are_proved_beside_the_gradient():
    found = gp.check_hessian(
        logistic, hessian, grad=lambda w, X, y: X.T @ (1 / (1 + np.exp(-(X @ w))) - y),
        hessp=lambda w, v, X, y: X.T @ (weights(w, X) * (X @ v)), **DATA)
    assert [(check.name, check.verdict, check.scope) for check in found] == [
        (name, "proved", "for all m, n") for name in ("grad", "hess", "hessp")]


def test_a_right_hessian_beside_a_wrong_gradient_is_right():
    found = gp.check_hessian(logistic, hessian, grad=lambda w, X, y: X.T @ y, repair_seconds=0,
                             **DATA)
    assert (found["grad"].verdict, found["hess"].verdict) == ("refuted", "proved")


@pytest.mark.parametrize(("hess", "said"), [
    (lambda w, X, y: -hessian(w, X, y), "change the sign"),
    (lambda w, X, y: hessian(w, X, y) / len(y), "multiply by m"),
    (lambda w, X, y: X.T @ X / 4, "upper bound"),
    (lambda w, X, y: X.T @ X, "constant 1 for the second derivative by z"),
    (lambda w, X, y: np.diag(np.diag(hessian(w, X, y))), "the diagonal of derived alone"),
    (lambda w, X, y: np.diag(hessian(w, X, y)), "the diagonal of derived alone, as a vector"),
    (lambda w, X, y: np.triu(hessian(w, X, y)), "the upper triangle"),
    (lambda w, X, y: hessian(w, X, y) + 0.01 * np.eye(len(w)), "it is damped"),
    (lambda w, X, y: hessian(w, X, y) * w[:, None] * w, "log w"),
])
def test_what_stands_in_place_of_a_hessian_is_named(hess, said):
    if said == "log w":  # ∂²/∂log w∂log w has the gradient on its diagonal, too
        def hess(w, X, y):
            g = X.T @ (1 / (1 + np.exp(-(X @ w))) - y)
            return hessian(w, X, y) * w[:, None] * w + np.diag(w * g)
    (found,) = gp.check_hessian(logistic, hess, repair_seconds=0, **DATA)
    assert (found.verdict, said in str(found)) == ("refuted", True), str(found)


@pytest.mark.slow
def test_the_gauss_newton_matrix_is_named_with_the_line_it_goes_through():
    def cost(x, t, y):
        r = residuals(x, t, y)
        return np.sum(r**2) / 2

    def gauss_newton(x, t, y):
        return slopes(x, t, y).T @ slopes(x, t, y)

    for hands in ({"hess": gauss_newton}, {"hessp": lambda x, p, t, y: gauss_newton(x, t, y) @ p}):
        (found,) = gp.check_hessian(cost, repair_seconds=0, **hands, **CURVE)
        assert found.verdict == "refuted"
        assert "Gauss-Newton matrix through" in found.diagnosis


@pytest.mark.slow
def test_numbers_alone_agree_where_nothing_is_traced():
    def f(x):
        return float(np.sum(np.abs(x) ** 3)) if x.dtype.kind == "f" else np.sum(x**3)

    found = gp.check_hessian(f, lambda x: np.diag([6 * abs(v) for v in x.tolist()]), x="n")
    assert found.verdict == "agrees"
    wrong = gp.check_hessian(f, lambda x: np.diag([3 * abs(v) for v in x.tolist()]), x="n",
                             repair_seconds=0)
    assert wrong.verdict == "refuted"


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match="hess: expected a function"):
        gp.check_hessian(logistic, **DATA)
    with pytest.raises(ValueError, match="give its parameter 'X' a shape"):
        gp.check_hessian(logistic, hessian, w="n")
    with pytest.raises(ValueError, match="has no parameter 'u'"):
        gp.check_hessian(logistic, hessian, u="n", **DATA)
    with pytest.raises(ValueError, match="it is called with w, X, y"):
        gp.check_hessian(logistic, lambda a: a, **DATA)
    with pytest.raises(ValueError, match="None of a, b is called"):
        gp.check_objective(lambda a, b: a * b, lambda a, b: (b, 0 * b), a="m", b="m")
    (found,) = gp.check_jacobian(logistic, hessian, repair_seconds=0, **DATA)
    assert (found.verdict, "gp.check_hessian is for that" in found.reason) == ("undecided", True)
    (found,) = gp.check_hessian(lambda x: x**2, lambda x: np.diag(2 + 0 * x), x="n",
                                repair_seconds=0)
    assert (found.verdict, "expected one real number" in found.reason) == ("undecided", True)


def test_residuals_one_by_one_and_a_term_that_is_missing():
    def himmelblau(x):
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2

    def gauss_newton(x):
        J = np.array([[2 * x[0], 1], [1, 2 * x[1]]])
        return 2 * J.T @ J

    (found,) = gp.check_hessian(himmelblau, gauss_newton, x="2", repair_seconds=0)
    assert (found.verdict, "Gauss-Newton" in found.diagnosis) == ("refuted", True), str(found)

    def ridge(w, X, y, c):
        return np.sum((X @ w - y) ** 2) / 2 + c * (w @ w) / 2

    (found,) = gp.check_hessian(ridge, lambda w, X, y, c: X.T @ X, repair_seconds=0, c="", **DATA)
    assert "leaves out the second derivative of" in found.diagnosis, str(found)


def test_the_gradient_by_a_logarithm_is_named():
    def kernel(s, D, y):
        return y @ np.exp(-D / (2 * s**2)) @ y

    def by_log(s, D, y):
        return y @ (np.exp(-D / (2 * s**2)) * D) @ y / s**2

    (found,) = gp.check(kernel, by_log, s=gp.Array("", kind="positive"), wrt=["s"], y="n",
                        D=gp.Array("n n", kind="positive"), repair_seconds=0)
    assert (found.verdict, "derivative by log s" in found.diagnosis) == ("refuted", True)
