"""What stands only inside a condition decides values and slopes: it is never taken for zero.

A product or a sum has slope zero where it is compared, and two values; an equation that is put
into a condition, a sign or a step is put in whole, or not at all.
"""

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.numeric import derivative_along
from gradproof.numeric.evaluation import Evaluator
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.derive.rewrite import inline
from gradproof.symbolic.equation import Equation, Index, Read, Term, index_symbol, size_symbol, slot
from gradproof.symbolic.functions import SIGN, STEP

SHAPES = {"X": "m n", "w": "n", "v": "n", "y": "m"}

TEXTS = {
    "a product in a condition": "L = sum(where(X @ v > 0, (X @ w)**2, X @ w))",
    "nothing in the other branch": "L = sum(where(X @ v > 0, (X @ w)**2, 0))",
    "an array of the user's called t1": """
        t1 = X @ v
        L = sum(where(t1 > 0.5, (X @ w)**2, (X @ w)**3))""",
    "a sum over one axis in a condition":
        "L = sum(where(sum(X, axis=1) > 0, (X @ w)**2, y * (X @ w)))",
    "a sign of a product": "L = sum(sign(X @ v) * y * tanh(X @ w))",
    "pinball, with the residual in place":
        "L = sum(where(y - X @ w > 0, 0.9*(y - X @ w), -0.1*(y - X @ w)))",
    "in a condition and beside it": "L = sum(where(X @ w > 0, X @ w * y, X @ v))",
    "a condition in a condition":
        "L = sum(where(X @ v > 0, where(X @ w > 0, (X @ w)**2, 0), y * (X @ w)))",
    "compared with a product": "L = sum(where(X @ v > X @ w, (X @ w)**2, y * (X @ w)))",
    "a modulus inside a product": "L = sum(abs(X @ w) * y) + sum(relu(X @ w - y) * (X @ v))",
}


@pytest.mark.parametrize("what", TEXTS)
def test_value_and_slope_are_those_of_the_equations(what):
    text = "\n".join(map(str.strip, TEXTS[what].strip().split("\n")))
    system = gp.equations(text, **{k: v for k, v in SHAPES.items() if k in text})
    random = np.random.default_rng(3)
    sizes = {"m": 4, "n": 3}
    values = {array.name: random.normal(size=[sizes[str(s)] for s in array.shape])
              for array in system.inputs}
    expected = evaluate(system, values, sizes)
    chain = differentiate(system, "L", ["w"])
    found = evaluate(chain.system, values, sizes)
    np.testing.assert_allclose(found["L"], expected["L"], rtol=1e-12)
    along = random.normal(size=3)
    estimate = derivative_along(Evaluator(
        lambda moved: float(evaluate(system, moved, sizes)["L"]), values), "w", along)
    assert estimate.status == "smooth"
    assert abs(found[chain.of["w"]] @ along - estimate.value) <= estimate.bound


@pytest.mark.parametrize("body", [STEP(slot(0)) * slot(1), SIGN(slot(0)) + slot(1),
                                  slot(1) * (1 + STEP(slot(0) - slot(1)))])
def test_a_sum_is_not_put_where_it_is_compared(body):
    i, j = index_symbol("i"), index_symbol("j")
    n = size_symbol("n")
    total = Equation("s", (Index("i", n),), (
        Term(slot(0), (Read("A", (i, j)),), (Index("j", n),)),))
    reader = Equation("y", (Index("i", n),), (Term(body, (Read("s", (i,)), Read("b", (i,)))),))
    assert inline(reader, total) is None


def masked(X, w, v):
    return np.sum((X @ v < 50) * (X @ w) ** 2) / 2


def branched(X, w, v):
    return np.sum(np.where(X @ v > 20, (X @ w) ** 2, X @ w))


def diagonal(X, w):
    inside = np.where(np.eye(len(w)) == 1, 0, np.outer(w, w))
    return np.sum(inside) + np.sum(X @ w)


RIGHT = {
    masked: lambda X, w, v: X.T @ ((X @ v < 50) * (X @ w)),
    branched: lambda X, w, v: X.T @ np.where(X @ v > 20, 2 * (X @ w), 1.0),
    diagonal: lambda X, w: 2 * (np.sum(w) - w) + X.sum(axis=0),
}
WRONG = {
    masked: lambda X, w, v: X.T @ (X @ w),
    branched: lambda X, w, v: X.T @ np.ones(len(X)),
    diagonal: lambda X, w: 2 * np.sum(w) + X.sum(axis=0),
}


def judged(loss, gradient):
    names = loss.__code__.co_varnames[: loss.__code__.co_argcount]
    return gp.check(loss, gradient, wrt=["w"], repair_seconds=0,
                    **{name: SHAPES[name] for name in names}).verdict


@pytest.mark.parametrize("loss", RIGHT)
def test_the_right_gradient_is_proved_and_the_other_refuted(loss):
    assert judged(loss, RIGHT[loss]) == "proved"
    assert judged(loss, WRONG[loss]) == "refuted"


CONDITIONS = {
    "equal": "L = sum(where(y == 1, x**2, x**3))",
    "unequal": "L = sum(where(y != 1, x**2, x**3))",
    "two at once": "L = sum(where((x > 0)*(x < 1), x**2, x**3))",
    "one of two, none": "L = sum(where((x > 0) + (y < 0) > 0, x**2, where(y >= 2, x, -x)))",
    "a clip": "L = sum(minimum(maximum(x, -1), 1)**2)",
    "the logarithm of a clip": "L = sum(log(minimum(maximum(x, 0.1), 0.9)))",
    "a sigmoid of a clip": "L = sum(1/(1 + exp(-minimum(maximum(2*x, -3), 3))))",
    "clips compared": """c = minimum(maximum(x, -1), 1); d = maximum(minimum(y, 2), 0)
                         L = sum(where(c > d, c*x**2, d*x**3))""",
    "bounds that are arrays": "L = sum(minimum(x*y, minimum(maximum(x, 1 - e), 1 + e)*y))",
}


@pytest.mark.parametrize("what", CONDITIONS)
def test_conditions_are_printed_generated_and_right(what):
    """Text and LaTeX say them, the source and the compiled function are the slope of the loss."""
    x, y = np.array([-2.0, -0.5, 0.2, 0.7, 1.3, 3.0]), np.array([1.0, 0.0, 2.5, 1.0, 0.1, -3.0])
    given = {"x": x, "y": y, "e": 0.35}
    shapes = {"x": "n", "y": "n", "e": ""}
    text = CONDITIONS[what]
    used = {name: shape for name, shape in shapes.items() if f"{name}" in text.replace("exp", "")
            .replace("where", "").replace("maximum", "").replace("minimum", "")}
    derivation = gp.derive(gp.equations(text, **used), ["x"])
    for shown in (str(derivation.gradients["x"]), derivation.gradients["x"].latex()):
        assert shown.strip()
        assert "ITE" not in shown
    values = {name: given[name] for name in used}
    loss, found = derivation.compile()(**values)
    step = 1e-6
    slopes = [(derivation.compile()(**{**values, "x": x + step * unit})[0]
               - derivation.compile()(**{**values, "x": x - step * unit})[0]) / (2 * step)
              for unit in np.eye(6)]
    np.testing.assert_allclose(found["x"], slopes, rtol=1e-6, atol=1e-7)
    names: dict[str, object] = {}
    exec(derivation.numpy_source(), names)
    said_loss, said = names["gradient"](**values)
    np.testing.assert_allclose(said["x"], found["x"], rtol=1e-14)
    assert said_loss == pytest.approx(loss, rel=1e-14)


def logistic(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def surrogate(ratio, gain, eps):
    r = np.exp(ratio)
    return np.mean(np.minimum(r * gain, np.clip(r, 1 - eps, 1 + eps) * gain))


def surrogate_slope(ratio, gain, eps):
    r = np.exp(ratio)
    acts = r * gain <= np.clip(r, 1 - eps, 1 + eps) * gain
    return {"ratio": acts * gain * r / ratio.size}


def wrong_surrogate_slope(ratio, gain, eps):
    return {"ratio": gain * np.exp(ratio) / ratio.size}


CLIPPED = {
    "a square": (lambda x: np.sum(np.clip(x, -1, 1)**2), lambda x: 2 * x * (np.abs(x) < 1),
                 lambda x: 2 * x, {"x": "n"}),
    "a logarithm": (lambda x: np.sum(np.log(np.clip(x, 0.1, 0.9))),
                    lambda x: np.where((x > 0.1) & (x < 0.9), 1 / x, 0),
                    lambda x: 1 / x, {"x": "n"}),
    "a sigmoid": (lambda x: np.sum(logistic(x)),
                  lambda x: logistic(x) * (1 - logistic(x)) * (np.abs(x) < 500),
                  lambda x: logistic(x), {"x": "n"}),
    "proximal policy": (surrogate, surrogate_slope, wrong_surrogate_slope,
                        {"ratio": "n", "gain": "n", "eps": gp.Array("", kind="positive")}),
}


@pytest.mark.parametrize("what", CLIPPED)
def test_clips_of_both_sides_are_proved_or_refuted(what):
    loss, right, wrong, shapes = CLIPPED[what]
    assert gp.check(loss, right, **shapes).verdict == "proved"
    assert gp.check(loss, wrong, repair_seconds=0, **shapes).verdict == "refuted"
