"""The wrong line where it lies in a method, an object that is handed on, a statement over several
lines, a function that is made anew, a function that is handed the wrong thing."""

import importlib

import numpy as np
import pytest

import gradproof as gp


class Gelu:
    def value(self, x):
        return 0.5 * x * (1 + np.tanh(0.8 * (x + 0.045 * x**3)))

    def slope(self, x):
        u = 0.8 * (x + 0.045 * x**3)
        t = np.tanh(u)
        g = 0.8 * (1 + 0.045 * x**2)
        return 0.5 * (1 + t + x * (1 - t**2) * g)

    def right(self, x):
        u = 0.8 * (x + 0.045 * x**3)
        t = np.tanh(u)
        g = 0.8 * (1 + 3 * 0.045 * x**2)
        return 0.5 * (1 + t + x * (1 - t**2) * g)


class Logit:
    def value(self, p):
        return 1 / (p * (1 - p))

    def slope(self, p):
        v = p * (1 - p)
        return (2 * p - 1) / v

    def right(self, p):
        v = p * (1 - p)
        return (2 * p - 1) / v**2


SLOPES = [(Gelu, {"x": "m n"}, "g = 0.8 * (1 + 0.045 * x**2)"),
          (Logit, {"p": gp.Array("m", kind="interval", low=0, high=1)},
           "return (2 * p - 1) / v")]


@pytest.mark.parametrize(("kind", "shapes", "line"), SLOPES)
@pytest.mark.parametrize("seconds", [0, 2])
def test_the_line_of_a_derivative_that_is_a_method(kind, shapes, line, seconds):
    made = kind()
    right = gp.check_derivative(made.value, made.right, **shapes)
    assert right.verdict == "proved", str(right)
    found = gp.check_derivative(made.value, made.slope, repair_seconds=seconds, **shapes)
    assert found.verdict == "refuted"
    assert found.place.text == line, str(found)
    if seconds:
        assert getattr(found.repair, "verified", "") == "proved", str(found)


class Sigmoid:
    def __init__(self):
        self.curve = lambda s: s * (1 + s)

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def short(self, dout):
        self.dx = dout * (1 - self.out)

    def curved(self, dout):
        self.dx = dout * self.curve(self.out)


def ahead(x):
    made = Sigmoid()
    return made.forward(x), made


def back(dout, made):
    made.short(dout)
    return made.dx


def back_by_curve(dout, made):
    made.curved(dout)
    return made.dx


@pytest.mark.parametrize(("second", "line"), [
    (back, "self.dx = dout * (1 - self.out)"),
    (back_by_curve, "self.curve = lambda s: s * (1 + s)")])
def test_the_line_in_an_object_that_is_handed_on(second, line):
    codes = [f.__code__ for f in (Sigmoid.__init__, Sigmoid.short, Sigmoid.curved)]
    found = gp.check_layer(ahead, second, x="m n")
    assert found.place.text == line, str(found)
    assert codes == [f.__code__ for f in (Sigmoid.__init__, Sigmoid.short, Sigmoid.curved)]
    assert gp.check_layer(ahead, second, x="m n").verdict == "refuted"  # as it was


def normed(x):
    s = np.sqrt(np.var(x, axis=0) + 1e-5)
    y = (x - np.mean(x, axis=0)) / s
    return y, (y, s)


def normed_back(dout, cache):
    y, s = cache
    n = len(dout)
    return (1 / n) / s * (
        n * dout
        - np.mean(dout, axis=0)
        - y * np.sum(dout * y, axis=0)
    )


def test_the_line_of_a_statement_over_several():
    found = gp.check_layer(normed, normed_back, x="m n", repair_seconds=0)
    assert found.place.text == "- np.mean(dout, axis=0)", str(found)


def tanh_slope(z):
    return 1 - np.tanh(z) ** 2


def dense(x, w, b):
    z = x @ w + b
    return np.tanh(z), (x, w, z)


def dense_back(dout, cache):
    x, w, _ = cache
    dz = dout * tanh_slope(x @ w)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def test_the_line_that_hands_a_right_function_the_wrong_thing():
    found = gp.check_layer(dense, dense_back, x="m n", w="n h", b="h", repair_seconds=0)
    assert found.place.text == "dz = dout * tanh_slope(x @ w)", str(found)


def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    s = e / np.sum(e, axis=1, keepdims=True)
    return s, s


def softmax_back(dout, s):
    dx = np.zeros(s.shape)
    for i in range(2):
        dx[i] = s[i] * (dout[i] + np.sum(s[i] * dout[i]))
    return dx


def test_the_line_of_a_row_that_is_put_into_its_place():
    found = gp.check_layer(softmax, softmax_back, x="2 3", repair_seconds=0)
    assert found.place.text == "dx[i] = s[i] * (dout[i] + np.sum(s[i] * dout[i]))", str(found)


def likelihood(w, x, q):
    return np.sum(np.log(np.clip(1 / (1 + np.exp(-q * (x @ w))), 2.2e-16, 1)))


def curvature(w, x, q):
    p = 1 / (1 + np.exp(-q * (x @ w)))
    return -np.dot(q**2 * p * (1 - p) * x.T, x)


def curvature_without_a_factor(w, x, q):
    p = 1 / (1 + np.exp(-q * (x @ w)))
    return -np.dot(q**2 * p * x.T, x)


@pytest.mark.slow
def test_a_hessian_beside_a_clip_is_looked_at_without_it():
    shapes = {"w": "n", "x": "m n", "q": "m"}
    right = gp.check_hessian(likelihood, curvature, **shapes)
    assert right.verdict == "proved", str(right)
    assert "do not act" in right["hess"].scope
    wrong = gp.check_hessian(likelihood, curvature_without_a_factor, repair_seconds=0, **shapes)
    assert wrong.verdict == "refuted"


class Scaled:
    def __init__(self):
        self.w = np.array(2.0)
        self.runs = 0

    def back(self, x):
        self.runs = self.runs + 1
        w = self.w
        self.w = w * 1.0
        return w * x * 1.5


SCALED = Scaled()


def test_no_trial_of_an_edit_changes_an_object_that_a_function_reaches():
    found = gp.check(lambda x: np.sum(x**2), lambda x: {"x": SCALED.back(x)}, x="n")
    assert found.verdict == "refuted"
    assert SCALED.w == 2.0


PACKAGE = '''\
import numpy as np


class Absolute:
    def backward(self, p, y):
        self.dinputs = np.sign(y - p) / p.size
'''


def test_an_edit_where_something_is_used_does_not_move_the_wrong_line(tmp_path, monkeypatch):
    (tmp_path / "a_package_of_losses.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("a_package_of_losses")

    def gradient(p, y):
        made = getattr(package, "Absolute" + "")()  # by a name that no source text says
        made.backward(p, y)
        return made.dinputs

    found = gp.check(lambda p, y: np.mean(np.abs(p - y)), gradient, wrt=["p"], p="n", y="n")
    assert found.verdict == "refuted"
    assert found.place.text == "self.dinputs = np.sign(y - p) / p.size", str(found)
