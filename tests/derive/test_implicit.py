"""What is solved for: values, gradients, second derivatives and text against differences."""

import implicit as table
import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.interpret import evaluate

SIZES = {"m": 3, "n": 4, "k": 2, "n>=2": 4}


def drawn(shapes, seed):
    random = np.random.default_rng(seed)
    values = {}
    for name, said in shapes.items():
        word, *sizes = said.split() if said[:1] in ("p", "d") else ("", *said.split())
        found = np.asarray(random.normal(size=[SIZES[size] for size in sizes]) / 3)
        values[name] = (found @ found.T + np.eye(len(found)) if word == "definite"
                        else np.asarray(np.exp(found)) if word == "positive" else found)
    return values


def stated(name):
    text, said, wrt = table.LOSSES[name]
    shapes = {k: v.removeprefix("positive").removeprefix("definite").strip()
              for k, v in said.items()}
    return gp.equations(text, **shapes), said, list(wrt)


def differences(function, value, step=1e-5):
    found = np.zeros((*np.shape(function(value)), *value.shape))
    for place in np.ndindex(*value.shape):
        moved = [value.copy(), value.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        found[(..., *place)] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return found


@pytest.mark.parametrize("name", [n for n, row in table.LOSSES.items() if row[2]])
def test_gradients_agree_with_differences(name):
    system, said, wrt = stated(name)
    derived = gp.derive(system, wrt)
    values = drawn(said, 1)
    loss, gradients = derived.compile()(**values)
    space = {}
    exec(derived.numpy_source(), space)
    by_text = space["gradient"](**values)[1]
    assert np.isclose(loss, evaluate(system, values)["L"], atol=1e-12)
    single = derived.compile()(**{k: np.asarray(v, np.float32) for k, v in values.items()})[0]
    assert single.dtype == np.float32
    assert np.isclose(single, loss, rtol=1e-4, atol=1e-6)
    for one in wrt:
        due = differences(lambda x, one=one: evaluate(system, {**values, one: x})["L"], values[one])
        np.testing.assert_allclose(gradients[one], due, atol=1e-7)
        np.testing.assert_allclose(by_text[one], gradients[one], atol=1e-11)


@pytest.mark.parametrize("name", ["deep equilibrium", "Kepler's equation", "named on the way",
                                  "two in a row", "the matrix of a Lyapunov equation"])
def test_second_derivatives_agree_with_differences(name):
    system, said, wrt = stated(name)
    derived, values = gp.derive(system, wrt), drawn(said, 2)
    one = wrt[-1]
    gradient = gp.derive(system, [one]).compile()
    due = differences(lambda x: gradient(**{**values, one: x})[1][one], values[one])
    np.testing.assert_allclose(derived.hessian(one).compile()(**values), due, atol=1e-6)
    way = np.random.default_rng(3).normal(size=values[one].shape)
    np.testing.assert_allclose(derived.hvp(one).compile()(**values, **{f"{one}_dot": way}),
                               np.tensordot(due, way, way.ndim), atol=1e-6)


@pytest.mark.parametrize(("name", "unknown"), [
    ("deep equilibrium", "x"), ("mean field", "u"), ("Kepler's equation", "E"),
    ("a matrix between two", "Z")])
def test_jacobians_agree_with_differences(name, unknown):
    system, said, wrt = stated(name)
    values = drawn(said, 4)
    one = wrt[-1]
    due = differences(lambda x: evaluate(system, {**values, one: x})[unknown], values[one])
    found = gp.derive(system, wrt).jacobian(unknown, one).compile()(**values)
    np.testing.assert_allclose(found, due, atol=1e-7)


def test_a_ridge_gradient_is_that_of_the_normal_equations():
    shapes = {"X": "m k", "y": "m", "l": "", "V": "n k", "v": "n"}
    closed = gp.equations("w = inv(X.T @ X + l*eye(k)) @ X.T @ y; L = sum((V @ w - v)**2)/2",
                          **shapes)
    values = drawn({**shapes, "l": "positive"}, 5)
    due = gp.derive(closed, ["l", "X", "y"]).compile()(**values)[1]
    found = gp.derive(stated("ridge regression")[0], ["l", "X", "y"]).compile()(**values)[1]
    for name, gradient in due.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-9)


def test_values_of_a_matrix_that_hangs_together():
    system, said, _ = stated("the matrix of a Riccati equation")
    values = drawn(said, 6)
    found = evaluate(system, values)["P"]
    inverse = np.linalg.inv
    again = values["Q"] + values["A"].T @ inverse(
        inverse(found) + values["B"] @ values["B"].T) @ values["A"]
    np.testing.assert_allclose(found, again, rtol=1e-12)


def test_a_lyapunov_gradient_solves_the_transposed_equation():
    system, said, _ = stated("the matrix of a Lyapunov equation")
    values = drawn(said, 8)
    found = gp.derive(system, ["Q"]).compile()(**values)[1]["Q"]
    A, P = values["A"], evaluate(system, values)["P"]
    np.testing.assert_allclose(found - A.T @ found @ A, P, atol=1e-12)


def test_formulas_read_as_in_a_book():
    written = {name: str(gp.derive(stated(name)[0], list(table.LOSSES[name][2])))
               for name in ("deep equilibrium", "ridge regression", "Kepler's equation")}
    assert "  x = tanh(U u + W x + b)\n" in written["deep equilibrium"]
    assert "  u₁ = ((I - diag(1 - x∘²) W)⁻¹)ᵀ (x - y)\n" in written["deep equilibrium"]
    assert "  0 = l w + Xᵀ (X w - y)\n" in written["ridge regression"]
    assert "  u = (l I + Xᵀ X)⁻¹ ∂L/∂w\n" in written["ridge regression"]
    lyapunov = str(gp.derive(stated("the matrix of a Lyapunov equation")[0], ["A"]))
    assert "  0 = A P Aᵀ + Q - P\n" in lyapunov
    assert "the slope of what E is solved for has an inverse there" in written["Kepler's equation"]


def test_a_complex_step_goes_through_what_is_solved_for():
    system, said, wrt = stated("logistic regression")
    derived, values = gp.derive(system, wrt), drawn(said, 7)
    gradients = derived.compile()(**values)[1]
    step = 1e-20
    moved = derived.compile()(**{**values, "l": values["l"] + 1j * step})[0]
    assert np.isclose(moved.imag / step, gradients["l"], rtol=1e-9)


@pytest.mark.parametrize(("text", "message"), [
    ("x = fixed_point(tanh(W @ x + b)); L = sum(x)", "takes one expression in x and start="),
    ("x = fixed_point(tanh(W @ x + b), start=0); L = x", "needs arrays"),
    ("x = fixed_point(x + W, start=b); L = sum(x)", "x starts with the shape"),
    ("L = sum(fixed_point(b, start=b))", "stands by itself behind the name"),
    ("x = root(b - 3, start=b); L = sum(x)", "x does not stand in what it is solved for"),
    ("x = minimizer(W @ x, start=b); L = sum(x)", "what is smallest is a number"),
    ("x = root(x - b, start=b, tol=3); L = sum(x)", "has no argument 'tol'"),
    ("x = fixed_point(tanh(x), start=b); y = fixed_point(h[1], start=b); L = sum(x)", "h"),
])
def test_what_cannot_be_solved_for_is_said(text, message):
    with pytest.raises(ValueError, match=message):
        gp.equations(text, W="n n", b="n")


@pytest.mark.parametrize("text", ["x = root(x**2 + b**2, start=b)",
                                  "x = root(x**3 + b, start=0*b)"])
def test_what_is_not_found_is_an_error(text):
    run = gp.derive(gp.equations(f"{text}; L = sum(x)", b="n")).compile()
    with pytest.raises(ValueError, match="x was not found in 100 steps of Newton's method"):
        run(b=np.array([1.0, 2.0]))


@pytest.mark.parametrize("ends", ["qi,li,l->pi", "iq,li,l->ip", "qi,li,i,l->pi"])
def test_a_chain_does_not_run_through_an_axis_that_stays(ends):
    inputs = ends.split("->")[0].split(",")
    names = "BCuv"[:len(inputs)]
    text = f'Y = einsum("pq,{ends}", A, {", ".join(names)}); L = sum(Y**2)'
    system = gp.equations(text, A="m n", **{
        name: " ".join("n" for _ in axes)
        for name, axes in zip(names, inputs, strict=True)})
    random = np.random.default_rng(0)
    values = {"A": random.normal(size=(3, 4)), **{
        name: random.normal(size=(4,) * len(axes))
        for name, axes in zip(names, inputs, strict=True)}}
    found = gp.derive(system, ["A"]).compile()(**values)[0]
    assert np.isclose(found, evaluate(system, values)["L"])
