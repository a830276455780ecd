"""A stated bound holds, and is small enough to be of use."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.numeric import derivative_along
from gradproof.numeric.differences import unit
from gradproof.numeric.evaluation import Evaluator


def _table():
    spec = importlib.util.spec_from_file_location(
        "numeric_functions", Path(__file__).with_name("functions.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = _table()


def derivative(f, x, real):
    def loss(inputs):
        if real:
            return float(f(float(inputs["x"])))
        return f(inputs["x"])

    return partial_derivative(loss, {"x": np.array(x)}, "x", ())


def partial_derivative(loss, inputs, name, entry):
    evaluator = Evaluator(loss, inputs)
    return derivative_along(evaluator, name, unit(evaluator.array(name), entry))


def named(cases):
    return pytest.mark.parametrize(
        ("f", "x", "exact"), [pytest.param(*c[1:], id=c[0]) for c in cases]
    )


@named(TABLE.SMOOTH)
def test_central_differences_hold_their_bound_and_are_useful(f, x, exact):
    found = derivative(f, x, real=True)
    assert found.status == "smooth"
    assert found.method == "central differences"
    assert abs(found.value - exact) <= found.bound
    assert found.bound < 1e-6 * abs(exact)


@named(TABLE.SMOOTH)
def test_complex_step_holds_its_bound_and_is_exact(f, x, exact):
    found = derivative(f, x, real=False)
    assert found.status == "smooth"
    assert found.method == "complex step"
    assert abs(found.value - exact) <= found.bound
    # A unit in the last place of x moves the slope of sin(1000 x) by 1e-13 of its size, and more.
    assert found.bound < 1e-9 * abs(exact)


@pytest.mark.parametrize("real", [True, False])
@named(TABLE.HARD)
def test_bound_holds_where_little_is_known(f, x, exact, real):
    found = derivative(f, x, real)
    assert found.status == "smooth"
    assert abs(found.value - exact) <= found.bound
    assert np.isfinite(found.bound)


def test_hidden_float32_is_judged_at_float32_precision():
    found = derivative(lambda x: np.float64(np.float32(x)) ** 2, 1.3, real=True)
    assert 1e-8 < found.bound / 2.6 < 1e-4


def test_code_that_is_not_analytic_is_set_aside():
    found = derivative(lambda x: np.abs(x) * x, 2.0, real=False)
    assert found.method == "central differences"
    assert "not analytic" in found.note


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize(
    ("f", "x", "left", "right"),
    [
        (lambda x: np.maximum(x, 0) + x * x, 0.0, 0.0, 1.0),
        (np.abs, 0.0, -1.0, 1.0),
        (lambda x: np.maximum(x - 1, 0) * 1e-5 + x * x, 1.0, 2.0, 2 + 1e-5),
        (lambda x: np.maximum(np.sin(x), np.exp(x) - 1 - x) + 3, 0.0, 0.0, 1.0),
        (lambda x: np.where(x > 2, 5 * x, 3 * x + 4), 2.0, 3.0, 5.0),
    ],
)
def test_kink(f, x, left, right, real):
    found = derivative(f, x, real)
    assert found.status == "kink"
    assert abs(found.left - left) <= found.bound
    assert abs(found.right - right) <= found.bound
    assert found.bound < 1e-7


def test_no_kink_where_the_curvature_is_large():
    assert derivative(lambda x: 1e6 * x**2, 1e-3, real=True).status == "smooth"


def test_discontinuity_gives_no_informative_bound():
    found = derivative(lambda x: np.where(x >= 1, 1.0, 0.0) + x, 1.0, real=True)
    assert found.status == "kink"
    assert found.bound > abs(found.value)


@pytest.mark.parametrize("real", [True, False])
def test_tiny_parameter_in_a_loss_of_ordinary_scale(real):
    found = derivative(lambda x: (x - 0.5) ** 2, 1e-17, real)
    assert abs(found.value + 1) <= found.bound < 1e-10


@pytest.mark.parametrize("n", [1, 7, 300])
def test_direction(n):
    r = np.random.default_rng(n)
    x, v, w = r.standard_normal((3, n))

    def loss(inputs):
        return np.sum(w * inputs["x"] ** 2)

    found = derivative_along(Evaluator(loss, {"x": x}), "x", v)
    assert abs(found.value - 2 * np.sum(w * x * v)) <= found.bound + 1e-13 * np.sum(abs(w * x * v))


def test_not_finite():
    with np.errstate(all="ignore"):
        found = derivative(np.log, 0.0, real=False)
    assert found.status == "non_finite"
    assert found.bound == np.inf


def test_random_loss():
    r = np.random.default_rng(0)
    found = derivative(lambda x: x + r.standard_normal(), 1.0, real=True)
    assert found.status == "non_deterministic"
    assert "dropout" in found.note


def test_loss_that_changes_its_input():
    x = np.ones(3)

    def loss(inputs):
        inputs["x"][0] = 7
        return np.sum(inputs["x"])

    found = partial_derivative(loss, {"x": x}, "x", (0,))
    assert found.status == "mutated"
    assert "x" in found.note
    assert x[0] == 1


def test_edge_of_the_domain_is_no_obstacle():
    found = derivative(lambda x: np.sqrt(x - 1), 1 + 1e-6, real=True)
    assert abs(found.value - 500) <= found.bound + 500 * 1e-9


@pytest.mark.parametrize("period", [2.0, 0.3, 0.05, 0.02, 0.01, 0.001])
def test_the_slope_between_jumps_is_not_that_of_steps_across_them(period):
    for x in np.linspace(-1.7, 1.7, 23):
        if abs(x / period - round(x / period)) > 0.05:
            found = partial_derivative(lambda at: float(np.fmod(at["x"], period)),
                                       {"x": np.array(x)}, "x", ())
            assert abs(found.value - 1) <= found.bound


@pytest.mark.parametrize("coarse", [np.float32, np.float16])
def test_a_coarse_part_of_a_loss_is_no_jump_beside_an_exact_part(coarse):
    def loss(at):
        return float(coarse(3 * at["x"] ** 2)) + 0.1 * float(at["x"])

    for x in (0.3, 1.1, 2.7):
        found = partial_derivative(loss, {"x": np.array(x)}, "x", ())
        assert abs(found.value - (6 * x + 0.1)) <= found.bound


@pytest.mark.parametrize("error", [ValueError, RuntimeError, AssertionError, ZeroDivisionError])
def test_a_loss_that_raises_beside_the_point_has_no_value_there(error):
    def loss(inputs):
        if np.any(np.real(inputs["x"]) <= 0):
            raise error("all elements should be above 0")
        return float(np.sum(np.log(np.real(inputs["x"]))))

    found = partial_derivative(loss, {"x": np.array([1e-9, 2.0])}, "x", (1,))
    assert abs(found.value - 0.5) <= found.bound
    partial_derivative(loss, {"x": np.array([1e-9, 2.0])}, "x", (0,))  # no crash


@pytest.mark.parametrize(
    ("inputs", "name", "entry", "error", "words"),
    [
        ({"x": np.ones(2)}, "y", (0,), KeyError, "the inputs are x"),
        ({"x": np.ones(2, dtype=int)}, "x", (0,), TypeError, "astype"),
        ({"x": np.ones(2)}, "x", (0, 0), ValueError, "1 indices"),
    ],
)
def test_errors_say_what_came(inputs, name, entry, error, words):
    with pytest.raises(error, match=words):
        partial_derivative(lambda i: np.sum(i["x"]), inputs, name, entry)


def test_loss_must_be_one_number():
    with pytest.raises(TypeError, match="one number"):
        partial_derivative(lambda i: i["x"], {"x": np.ones(2)}, "x", (0,))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-3, 3), min_size=2, max_size=6),
    st.floats(-50, 50),
    st.sampled_from([1e-9, 1.0, 1e7]),
)
def test_polynomials_hold_their_bound(coefficients, x, scale):
    p = scale * np.polynomial.Polynomial(coefficients)
    exact = float(p.deriv()(x))
    magnitude = sum(abs(c * k) * abs(x) ** (k - 1) for k, c in enumerate(p.coef) if k)
    found = derivative(p, x, real=True)
    assert found.status == "smooth"
    assert abs(found.value - exact) <= found.bound + 1e-15 * magnitude
