"""The exact evaluator: the values of the equations, in fractions while they are rational."""

from fractions import Fraction

import models
import networks
import numpy as np
import pytest
import sympy as sp

from gradproof.checks import exact_values
from gradproof.codegen.interpret import evaluate as in_floats
from gradproof.derivations.deriving import derive
from gradproof.symbolic.equation import (
    Array,
    Equal,
    Equation,
    Index,
    Read,
    Recurrence,
    System,
    Term,
    Within,
    index_symbol,
    size_symbol,
    slot,
)
from gradproof.symbolic.evaluator import NotComputableError
from gradproof.symbolic.exact.evaluation import Evaluation
from gradproof.symbolic.exact.numbers import Arithmetic, exact
from gradproof.symbolic.exact.scalars import value_of
from gradproof.symbolic.proof.recheck import second_opinion
from gradproof.symbolic.text.statements import parse_equations
from gradproof.symbolic.tracing.run import trace

n = size_symbol("n")
i, t = index_symbol("i"), index_symbol("t")


def exactly(system, values, digits=40):
    """All arrays; sizes are read off the inputs."""
    inputs, sizes = {}, {}
    for array in system.inputs:
        value = np.asarray(values[array.name])
        inputs[array.name] = np.asarray(np.frompyfunc(exact, 1, 1)(value), dtype=object)
        sizes |= {size: length for size, length in zip(array.shape, value.shape, strict=True)
                  if size.is_Symbol}
    found = Evaluation(Arithmetic(digits), sizes, inputs)
    found.run(system.items)
    return found.arrays


CASES = {f"network {name}": (case, networks.values_for) for name, case in networks.CASES.items()}
CASES |= {f"model {name}": (case, models.values_for) for name, case in models.CASES.items()}
LARGE = ("model lenet", "model transformer", "model post-norm", "model attention",
         "model cross attention", "model lstm", "model group norm")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in CASES
])
def test_values_and_gradients_are_those_of_the_interpreter(name):
    case, values_for = CASES[name]
    system, values = derive(case).system, values_for(case)
    floats = in_floats(system, values)
    found = exactly(system, values, 25)
    for equation in system.equations:
        real = np.asarray(found[equation.name]).astype(float)
        np.testing.assert_allclose(real, floats[equation.name], rtol=1e-8, atol=1e-10,
                                   err_msg=equation.name)


def test_what_is_rational_stays_a_fraction():
    system = parse_equations("y = (A @ x - b) / 3\nL = mean(y**2)", {"A": "m n", "x": "n",
                                                                      "b": "m"})
    found = exactly(system, {"A": [[0.1, 2], [3, 0.5]], "x": [1, 0.7], "b": [0.3, -1]})
    assert list(found["y"]) == [Fraction(4, 10), Fraction(87, 60)]
    assert found["L"][()] == Fraction(1, 2) * (Fraction(4, 10) ** 2 + Fraction(87, 60) ** 2)


x = slot(0)


@pytest.mark.parametrize(("body", "value"), [
    (x * sp.log(x), 0), (sp.Mul(x, 1 / x, evaluate=False), None), (sp.log(x - 1), None),
    (sp.log(x), None), (sp.sqrt(x), 0), (sp.sqrt(x - 1), None), (sp.asin(x + 2), None),
    (sp.Piecewise((1 / x, x > 0), (2, True)), 2), (sp.exp(x), 1), (sp.Abs(x - 2), 2),
    (sp.Max(x, -1), 0), (sp.Min(x, -1), -1), ((x - 2) ** 3, -8), (1 / x, None),
    (sp.sign(x - 3), -1), (sp.Heaviside(x, Fraction(1, 2)), Fraction(1, 2)),
])
def test_a_scalar_at_zero(body, value):
    """None: it has no value there, and says so by one that is not finite."""
    arithmetic = Arithmetic(40)
    found = value_of(body, arithmetic, {x: Fraction(0)})
    assert found == value if value is not None else not arithmetic.is_finite(found)


@pytest.mark.parametrize(("operation", "reference"), [
    ("inv", np.linalg.inv), ("cholesky", np.linalg.cholesky), ("det", np.linalg.det),
    ("logdet", lambda a: np.linalg.slogdet(a)[1]),
])
def test_operations_on_matrices(operation, reference):
    matrix = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])
    system = parse_equations(f"y = {operation}(A)", {"A": "n n"})
    found = exactly(system, {"A": matrix})["y"]
    np.testing.assert_allclose(found.astype(float), reference(matrix), rtol=1e-13, atol=1e-15)
    if operation in ("inv", "logdet"):
        singular = exactly(system, {"A": np.ones((2, 2))})["y"]
        assert not any(map(Arithmetic(40).is_finite, singular.flat))


def test_the_determinant_in_a_logarithm_is_taken_without_its_sign():
    found = exactly(parse_equations("y = logdet(A)", {"A": "n n"}), {"A": [[0, 2], [1, 0]]})
    assert float(found["y"][()]) == pytest.approx(np.log(2))


def test_a_maximum_is_attained_at_its_first_place():
    traced = trace(lambda X: X.argmax(axis=1) * 1, {"X": "m n"})
    found = exactly(traced.system, {"X": [[1, 2, 2], [3, 3, 0]]})[traced.result]
    assert list(found) == [1, 0]


def copied(guards, at=i - 1):
    """y[i] = x[at] where the guards hold."""
    term = Term(slot(0), (Read("x", (at,)),), (), guards)
    return System((Array("x", (n,)),), (Equation("y", (Index("i", n),), (term,)),))


def test_a_place_that_is_not_there_is_an_error_where_it_is_read_and_none_beside_a_guard():
    found = exactly(copied((Within(sp.Integer(1), i, n),)), {"x": [1, 2, 3]})
    assert list(found["y"]) == [0, 1, 2]
    with pytest.raises(NotComputableError, match="outside of x"):
        exactly(copied(()), {"x": [1, 2, 3]})


def test_a_guard_may_read_what_another_guard_keeps_inside():
    """[p[i - 1] = 1][1 <= i]: as the gradient of a maximum over a window has them."""
    guards = Equal(Read("p", (i - 1,)), sp.Integer(1)), Within(sp.Integer(1), i, n)
    term = Term(slot(0), (Read("x", (i,)),), (), guards)
    system = System((Array("x", (n,)), Array("p", (n,), "integer")),
                    (Equation("y", (Index("i", n),), (term,)),))
    assert list(exactly(system, {"x": [5, 6, 7], "p": [1, 0, 1]})["y"]) == [0, 6, 0]


def test_subscripts_of_reshaped_arrays_are_quotients_and_remainders():
    traced = trace(lambda x: x.reshape(3, 2) * 1, {"x": "2 3"})
    found = exactly(traced.system, {"x": [[1, 2, 3], [4, 5, 6]]})[traced.result]
    assert found.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_number_without_a_value_says_what_is_missing():
    with pytest.raises(NotComputableError, match="no value for q"):
        value_of(size_symbol("q") + 1, Arithmetic(30), {})


def summed(factor):
    """h[t] = h[t - 1] / 2 + factor x[t]: a recurrence whose first value is x's."""
    before = Term(slot(0) / 2, (Read("h", (t - 1,)),), (), (Within(sp.Integer(1), t, n),))
    new = Term(factor * slot(0), (Read("x", (t,)),))
    return System((Array("x", (n,)),),
                  (Recurrence("t", 1, (Equation("h", (Index("t", n),), (before, new)),)),))


def test_a_recurrence_is_looked_at_once_more():
    assert exactly(summed(1), {"x": [8, 4, 2]})["h"].tolist() == [8, 8, 6]
    assert second_opinion(summed(1), summed(1), {"h": "h"}) == {}
    against = second_opinion(summed(1), summed(1 + Fraction(1, 10**12)), {"h": "h"})
    assert "the two sides differ by" in against["h"]


# --- the derived gradients at a point ------------------------------------------------------------


def at_a_point(x, shape="n", function=lambda x: np.sum(x**2)):
    traced = trace(function, {"x": shape})
    return exact_values.exact_arrays(traced.system, [traced.result], {"x": np.asarray(x)})


def test_an_array_is_rounded_once_from_its_exact_value():
    (found,) = at_a_point([1e8, 1.0, -1e8], function=lambda x: np.sum(x)).values()
    assert found == 1.0
    (found,) = at_a_point([0.1, 0.2]).values()
    assert found == float(Fraction(0.1) ** 2 + Fraction(0.2) ** 2)


def test_arrays_of_another_size_than_the_equations_have_no_value_in_them():
    assert at_a_point([1.0, 2.0, 3.0], "3") != {}
    assert at_a_point([1.0, 2.0, 3.0, 4.0], "3") == {}
    assert at_a_point([1.0], "3") == {}


@pytest.mark.parametrize("x", [[np.inf, 1.0], [np.nan, 1.0], [0.0, 1.0]])
def test_what_has_no_value_or_takes_too_long_is_left_to_the_floats(x, monkeypatch):
    with np.errstate(invalid="ignore"):  # an older NumPy warns of a cast
        assert at_a_point(x, function=lambda x: np.sum(1 / x)) == {}
    monkeypatch.setattr(exact_values, "BUDGET", 1)
    assert at_a_point([1.0, 2.0]) == {}
