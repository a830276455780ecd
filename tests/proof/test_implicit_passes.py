"""Hand-written gradients through what is solved for are proved, and wrong ones refuted at their
line."""

import inspect

import implicit_passes as table
import numpy as np
import pytest

import gradproof as gp


def named(rows):
    """The first row by default, the next one among the slow tests."""
    marks = ([], [pytest.mark.slow], [pytest.mark.rows])
    return [pytest.param(*row, id=row[1].__name__, marks=marks[min(place, 2)])
            for place, row in enumerate(rows)]


@pytest.mark.parametrize(("loss", "gradient", "shapes"), named(table.RIGHT))
def test_right_ones_are_proved(loss, gradient, shapes):
    result = gp.check(loss, gradient, inputs=shapes)
    assert result.verdict == "proved", str(result)
    assert "is the same solution, of several that there may be" in str(result)
    assert "is solved for has an inverse there" in str(result)


@pytest.mark.parametrize(("loss", "gradient", "shapes"), named(table.WRONG))
def test_wrong_ones_are_refuted_at_their_line(loss, gradient, shapes):
    result = gp.check(loss, gradient, inputs=shapes, repair_seconds=0)
    assert result.verdict == "refuted", str(result)
    lines, start = inspect.getsourcelines(gradient)
    wrong = [start + place for place, line in enumerate(lines) if "# wrong" in line]
    said = str(result).split("first wrong", 1)[1]
    if loss in (table.batch, table.logistic):  # found by the edit that would mend it alone
        said = str(gp.check(loss, gradient, inputs=shapes))
    assert any(f"implicit_passes.py:{line}:" in said for line in wrong), str(result)


@pytest.mark.slow
def test_a_layer_that_is_an_equilibrium_is_proved():
    result = gp.check_layer(table.layer, table.layer_right, x="m n", W="n n")
    assert result.verdict == "proved", str(result)


@pytest.mark.slow
def test_two_equations_with_other_solutions_are_not_one():
    def loss(b):
        return np.sum(gp.root(lambda x: x**3 + x - b, np.zeros(len(b)))**2)

    def gradient(b):
        x = gp.root(lambda x: x**3 + 2*x - b, np.zeros(len(b)))
        return {"b": 2*x/(3*x**2 + 1)}

    assert gp.check(loss, gradient, b="n").verdict == "refuted"


@pytest.mark.slow
def test_a_loop_that_comes_near_agrees_and_is_not_refuted():
    def loss(W, b):
        return np.sum(gp.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(len(b)))**2)

    def gradient(W, b):
        x = np.zeros(len(b))
        for _ in range(60):
            x = np.tanh(W @ x + b)
        d = 1 - x**2
        return {"b": np.linalg.solve(np.eye(len(b)) - W.T*d, 2*x)*d}

    result = gp.check(loss, gradient, W="n n", b="n", repair_seconds=0)
    assert result.verdict == "agrees", str(result)
    assert "is come near to in steps" in str(result)


def test_an_equation_that_everything_solves_proves_nothing():
    def loss(b):
        x = gp.fixed_point(lambda x: np.tanh(x/2 + b), b)
        return np.sum(x**2)

    def gradient(b):
        x = gp.fixed_point(lambda x: x + 0*b, b)
        return {"b": 2*x/(1 - (1 - x**2)/2)*(1 - x**2)}

    assert gp.check(loss, gradient, b="n").verdict != "proved"


@pytest.mark.parametrize("name", ["fixed_point", "fsolve", "newton", "root"])
def test_solvers_of_scipy_are_traced(name):
    optimize = pytest.importorskip("scipy.optimize")

    def loss(b, W):
        if name == "fixed_point":
            x = optimize.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(len(b)))
        elif name == "newton":
            x = optimize.newton(lambda x, b: x**3 + x - b, b, args=(b,))
        elif name == "fsolve":
            x = optimize.fsolve(lambda x: x - np.tanh(W @ x + b), np.zeros(len(b)))
        else:
            x = optimize.root(lambda x: x - np.tanh(W @ x + b), np.zeros(len(b))).x
        return np.sum(x**2)

    random = np.random.default_rng(0)
    values = {"b": random.normal(size=3), "W": random.normal(size=(3, 3))/4}
    traced = gp.derive(gp.trace(loss, b="n", W="n n"), ["b"]).compile()(**values)[0]
    assert np.isclose(traced, loss(**values), rtol=1e-6)


def test_values_of_functions():
    assert np.isclose(gp.fixed_point(np.cos, 1.0), 0.7390851332151607, rtol=1e-15)
    assert np.allclose(gp.root(lambda x: x**2 - np.array([4.0, 9.0]), np.ones(2)), [2, 3])
    assert np.allclose(gp.minimizer(lambda x: np.sum((x - 3)**4 + (x - 3)**2), np.zeros(2)), 3)
    assert np.isclose(gp.minimizer(lambda x: abs(x)**3 + (x - 1)**2, 0.5), (7**0.5 - 1)/3)
    with pytest.raises(ValueError, match="root: no solution was found in 100 steps"):
        gp.root(lambda x: x**2 + 1, 1.0)
    with pytest.raises(ValueError, match="expected as many entries as the start has"):
        gp.root(lambda x: np.ones(3), np.zeros(2))


@pytest.mark.parametrize(("extra", "equal"), [(0, True), (1e-14, False)])
def test_an_equation_is_not_used_to_prove_that_it_holds(extra, equal, monkeypatch):
    """A sum so long that it is an array of its own; what looks at proofs once more is away."""
    def long(x, W, b, c, more=0):
        return (W @ x + b + c + b*c + b**2 + c**2 + b**3 + c**3 + b**2*c + b*c**2 + b**4 + c**4
                + b**3*c + more*b)

    def loss(W, b, c):
        return np.sum(gp.fixed_point(lambda x: np.tanh(long(x, W, b, c)), 0*b)**2)

    def gradient(W, b, c):
        x = gp.fixed_point(lambda x: np.tanh(long(x, W, b, c, extra)), 0*b)
        d = 1 - x**2
        u = np.linalg.solve((np.eye(len(b)) - d[:, None]*W).T, 2*x)
        return {"W": np.outer(u*d, x)}

    for name in ("second_opinion", "contradicted"):
        monkeypatch.setattr(f"gradproof.symbolic.proof.prover.{name}", lambda *_: {})
    result = gp.check(loss, gradient, W="n n", b="n", c="n", wrt=["W"], repair_seconds=0)
    assert (result.verdict == "proved") == equal, str(result)


def test_a_number_is_solved_for_in_exact_arithmetic():
    """Where the slope of the logarithm's equation is off, 60 digits say which of the two is."""
    def loss(c):
        return gp.root(lambda x: x*np.exp(x) - c, 1.0)

    def gradient(c):
        w = gp.root(lambda x: x + np.log(x) - np.log(c), 1.0)
        return {"c": 1/(c*(1 + w))}

    result = gp.check(loss, gradient, c=gp.Array("", kind="positive"), repair_seconds=0)
    assert result.verdict == "refuted", str(result)


def stepped(b, near):
    x = 0*b
    for _ in range(200):
        last, x = x, np.tanh(x/2 + b)
        if np.max(np.abs(x - last)) < near:
            break
    return x


def whiled(b, near):
    x, last = np.tanh(b), 0*b
    while np.linalg.norm(x - last) > near:
        last, x = x, np.tanh(x/2 + b)
    return x


@pytest.mark.parametrize(("search", "near", "factor", "verdict"), [
    (stepped, 1e-9, 1, "undecided"), (whiled, 1e-6, 1, "undecided"),
    (stepped, 1e-9, 1.01, "refuted"),
])
def test_a_search_that_ends_near_enough_refutes_no_more_than_it_is_off(
        search, near, factor, verdict):
    def loss(b):
        return np.sum(search(b, near)**2)

    def gradient(b):
        x = search(b, near)
        return {"b": factor*2*x*(1 - x**2)/(1 - (1 - x**2)/2)}

    result = gp.check(loss, gradient, b="n", repair_seconds=0)
    assert result.verdict == verdict, str(result)
    assert ("is as near as the search goes" in str(result)) == (verdict == "undecided")
    assert "test_implicit_passes.py:" in str(result) or verdict == "refuted"


def test_of_many_solutions_none_is_found():
    X, y = np.random.default_rng(0).normal(size=(2, 4)), np.ones(2)
    for find in (lambda: gp.root(lambda w: X.T @ (X @ w - y), np.zeros(4)),
                 lambda: gp.minimizer(lambda w: np.sum((X @ w - y)**2), np.zeros(4))):
        with pytest.raises(ValueError, match="the slope is not singular"):
            find()
    units = np.array([1e-6, 1.0, 1e6])  # no more than units of their own
    found = gp.root(lambda x: (x/units)**3 + x/units - 2, np.zeros(3))
    assert np.allclose(found/units, 1)

    def loss(X, y):
        return np.sum(gp.minimizer(lambda w: np.sum((X @ w - y)**2)/2, np.zeros(X.shape[1])))

    def gradient(X, y):
        return {"y": X @ np.linalg.solve(X.T @ X, np.ones(X.shape[1]))}

    result = gp.check(loss, gradient, X="m n", y="m", wrt=["y"], repair_seconds=0)
    assert result.verdict != "refuted", str(result)  # drawn with m < n


@pytest.mark.slow
def test_where_a_search_starts_is_a_branch_that_no_proof_covers():
    def loss(a):
        return np.sum(gp.root(lambda x: x**2 - a**2 - 1, np.ones(len(a))))

    def gradient(a):
        x = gp.root(lambda x: x**2 - a**2 - 1, np.where(a > 3, -1.0, 1.0))
        return {"a": a/x}

    result = gp.check(loss, gradient, a="n", repair_seconds=0)
    assert result.verdict == "refuted", str(result)
    assert "elsewhere the formulas are proved equal" in str(result)
