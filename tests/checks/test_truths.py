"""Given arrays of True and False: NumPy adds, inverts and indexes by them as such."""

import numpy as np
import pytest

import gradproof as gp

S = np.sum
GIVEN = {"x": np.array([0.3, -1.2, 0.8, 0.1, -0.4]),
         "m": np.array([True, False, True, True, False])}


def written(places, values):
    made = np.zeros(len(places))
    made[places] = values
    return made


RIGHT = [
    (lambda x, m: S((m + m) * x), lambda x, m: (m + m) * 1.0),
    (lambda x, m: S((m + m) * x), lambda x, m: 1.0 * m),
    (lambda x, m: S((m * 1 + m) * x), lambda x, m: 2.0 * m),
    (lambda x, m: S(np.where(~m, x, 0) ** 2), lambda x, m: np.where(~m, 2 * x, 0)),
    (lambda x, m: S(np.where(m, x**2, x)), lambda x, m: np.where(m, 2 * x, 1)),
    (lambda x, m: S((m & (x > 0)) * x**2), lambda x, m: 2 * x * (m & (x > 0))),
    (lambda x, m: S((m ^ True) * x**2), lambda x, m: 2 * x * ~m),
    (lambda x, m: S((m == False) * x**2), lambda x, m: 2 * x * (1 - m)),  # noqa: E712
    (lambda x, m: S(x * m) / S(m), lambda x, m: m / m.sum()),
    (lambda x, m: S(x[m] ** 2), lambda x, m: np.where(m, 2 * x, 0)),
    (lambda x, m: S(x[m] ** 2), lambda x, m: written(m, 2 * x[m])),
    (lambda x, m: S(x[m]) - S(x[~m]), lambda x, m: np.where(m, 1.0, -1.0)),
    (lambda x, m: np.mean(m.astype(float) * x**3), lambda x, m: 3 * m * x**2 / len(x)),
    (lambda x, m: S(m * m * x), lambda x, m: 1.0 * m),
    ("L = sum(m*x**2)", {"x": "2*m*x"}),
]
WRONG = [
    (lambda x, m: S((m + m) * x), lambda x, m: 2.0 * m),
    (lambda x, m: S((m * 1 + m) * x), lambda x, m: 1.0 * m),
    (lambda x, m: S(np.where(~m, x, 0) ** 2), lambda x, m: np.where(~m.astype(int), 2 * x, 0)),
    (lambda x, m: S((m == False) * x**2), lambda x, m: 2 * x * m),  # noqa: E712
    (lambda x, m: S(x * m) / S(m), lambda x, m: m / len(m)),
    (lambda x, m: S(x[m] ** 2), lambda x, m: written(m.astype(int), 2 * x[m.astype(int)])),
    (lambda x, m: S(x[m]) - S(x[~m]), lambda x, m: np.where(m, 1.0, 0.0)),
    ("L = sum(m*x**2)", {"x": "2*x"}),
]


@pytest.mark.parametrize(("loss", "gradient"), RIGHT)
def test_right_ones_are_proved(loss, gradient):
    (found,) = gp.check(loss, gradient, **GIVEN, wrt=["x"])
    assert found.verdict == "proved", str(found)


@pytest.mark.parametrize(("loss", "gradient"), WRONG)
def test_wrong_ones_are_refuted(loss, gradient):
    (found,) = gp.check(loss, gradient, **GIVEN, wrt=["x"], repair_seconds=0)
    assert found.verdict == "refuted", str(found)


def test_they_are_not_differentiated_by():
    result = gp.check(lambda x, m: S(m * x), lambda x, m: 1.0 * m, **GIVEN)
    assert [check.name for check in result] == ["x"]


def soft(Z):
    e = np.exp(Z)
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", [bool, int, float])
def test_codes_of_any_dtype_are_drawn_as_codes(dtype):
    """One-hot rows stay one-hot at other sizes, and a symmetric relation is one."""
    Z, Y = np.arange(12.0).reshape(4, 3) / 9, np.eye(3, dtype=dtype)[[0, 2, 1, 1]]
    (found,) = gp.check(lambda Z, Y: -S(Y * np.log(soft(Z))), lambda Z, Y: soft(Z) - Y, Z=Z, Y=Y,
                        wrt=["Z"])
    assert (found.verdict, found.scope) == ("proved", "for all m, n"), str(found)
    assert not found.notes
    A = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=dtype)
    given = {"x": np.array([0.2, -0.4, 1.1]), "A": A, "wrt": ["x"]}
    (found,) = gp.check(lambda x, A: x @ A @ x, lambda x, A: 2 * A @ x, **given)
    assert found.verdict == "proved", str(found)
    (found,) = gp.check(lambda x, A: x @ A @ x, lambda x, A: A @ x, repair_seconds=0, **given)
    assert found.verdict == "refuted"
