"""Layouts of Jacobians, and the gradients by a symmetric matrix, as formulas, code and numbers."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.equation import EquationError

SIZES = {"m": 3, "n": 4, "k": 2, "p": 5}
JACOBIANS = [
    ("y = A @ x", {"A": "m n", "x": "n"}, "y", "x", "J = A", "J = Aᵀ"),
    ("y = sigmoid(A @ x)", {"A": "m n", "x": "n"}, "y", "x",
     "J = diag(y ⊙ (1 - y)) A", "J = Aᵀ diag(y ⊙ (1 - y))"),
    ("y = A @ X @ B", {"A": "m n", "X": "n k", "B": "k p"}, "y", "X", "J = A ⊗ Bᵀ",
     "J = Aᵀ ⊗ B"),
    ("y = x @ x", {"x": "n"}, "y", "x", "J = 2 x", "J = 2 x"),
    ("y = c*x", {"x": "n", "c": ""}, "y", "c", "J = x", "J = x"),
    ("y = softmax(x)", {"x": "n"}, "y", "x", "J = diag(y) - y yᵀ", "J = diag(y) - y yᵀ"),
]


def values(shapes, seed=0):
    rng = np.random.default_rng(seed)
    found = {name: rng.uniform(0.2, 1.0, [SIZES[s] for s in str(getattr(shape, "shape", shape))
                                          .replace("(", "").replace(")", "").replace(",", " ")
                                          .split()]) for name, shape in shapes.items()}
    for name, shape in shapes.items():
        if getattr(shape, "kind", "") == "symmetric":
            found[name] = found[name] @ found[name].T + 2 * np.eye(len(found[name]))
    return found


@pytest.mark.parametrize(("text", "shapes", "output", "wrt", "numerator", "denominator"), JACOBIANS)
def test_one_layout_is_the_transpose_of_the_other(text, shapes, output, wrt, numerator,
                                                  denominator):
    derivation = gp.derive(gp.equations(f"{text}\nL = sum(y)", **shapes))
    one = derivation.jacobian(output, wrt)
    other = derivation.jacobian(output, wrt, layout="denominator")
    assert one.layout == f"numerator layout: ∂{output}/∂{wrt} with the axes of {output} in front"
    assert other.layout == f"denominator layout: ∂{output}/∂{wrt} with the axes of {wrt} in front"
    assert str(one) == numerator
    assert str(other).split("\n") == [denominator, other.layout]
    point = values(shapes)
    first, second = one.compile()(**point), other.compile()(**point)
    lead = len(derivation.system.shapes[output])
    turned = np.moveaxis(first, range(lead), range(first.ndim - lead, first.ndim))
    np.testing.assert_allclose(second, turned, rtol=1e-12)
    for made, expected in ((one, first), (other, second)):
        source = made.numpy_source()
        assert made.layout in source
        space: dict = {}
        exec(source, space)
        found = space["derivative"](**{name: point[name] for name in made.inputs})
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_jacobians_are_pytorchs():
    torch = pytest.importorskip("torch")
    shapes = {"A": "m n", "x": "n"}
    point = values(shapes)
    derivation = gp.derive(gp.equations("y = tanh(A @ x)\nL = sum(y)", **shapes))
    given = {name: torch.tensor(value) for name, value in point.items()}
    expected = torch.autograd.functional.jacobian(
        lambda x: torch.tanh(given["A"] @ x), given["x"]).numpy()
    found = derivation.jacobian("y", "x", layout="denominator").compile()(**point)
    np.testing.assert_allclose(found, expected.T, rtol=1e-12)


def test_a_layout_that_there_is_not_is_refused():
    derivation = gp.derive(gp.equations("L = sum(A @ x)", A="m n", x="n"))
    with pytest.raises(ValueError, match="layout: expected one of numerator, denominator, got 'r"):
        derivation.jacobian("L", "x", layout="rows")


# --- symmetric matrices -------------------------------------------------------------------------

S = gp.Array("n n", kind="symmetric")
SYMMETRIC = [
    ("L = a @ S @ b", {"a": "n", "b": "n"}, "a bᵀ + b aᵀ - diag(a ⊙ b)", "½ (a bᵀ + b aᵀ)",
     lambda t, S, v: v["a"] @ S @ v["b"]),
    ("L = sum(A*S)", {"A": "n n"}, "A + Aᵀ - A ⊙ I", "½ (A + Aᵀ)",
     lambda t, S, v: (v["A"] * S).sum()),
    ("L = tr(S @ S)", {}, "4 S - 2 S ⊙ I", "2 S", lambda t, S, v: t.trace(S @ S)),
    ("L = logdet(S) + tr(A @ inv(S))", {"A": "n n"}, None, None,
     lambda t, S, v: t.logdet(S) + t.trace(v["A"] @ t.linalg.inv(S))),
    ("L = sum(exp(S @ X))", {"X": "n k"}, None, "½ (exp(S X) Xᵀ + X exp(S X)ᵀ)",
     lambda t, S, v: t.exp(S @ v["X"]).sum()),
]


@pytest.mark.parametrize(("text", "shapes", "paired", "projected", "loss"), SYMMETRIC)
def test_gradients_by_a_symmetric_matrix_are_what_they_say(text, shapes, paired, projected, loss):
    """Formulas and code, and the numbers by differences along the entries that move together."""
    derivation = gp.derive(gp.equations(text, S=S, **shapes), ["S"])
    point, step = values({"S": S, **shapes}), 1e-6
    compute = derivation.loss_function()
    n = SIZES["n"]
    for kind, formula in (("paired", paired), ("projected", projected)):
        made = derivation.symmetric_gradient("S", kind)
        assert made.layout.startswith(f"{kind}: ")
        assert str(made).endswith(f"\n{made.layout}")
        assert formula is None or str(made).split("\n")[0] == f"G = {formula}"
        found = made.compile()(**point)
        space: dict = {}
        exec(made.numpy_source(), space)
        np.testing.assert_allclose(
            space["derivative"](**{name: point[name] for name in made.inputs}), found, 1e-12)
        np.testing.assert_allclose(found, found.T, rtol=1e-9)
        for i, j in np.ndindex(n, n):
            direction = np.zeros((n, n))
            direction[i, j] = direction[j, i] = 1
            ends = [compute(**{**point, "S": point["S"] + sign * step * direction})
                    for sign in (1, -1)]
            slope = (ends[0] - ends[1]) / (2 * step)
            stated = found[i, j] if kind == "paired" else np.sum(found * direction)
            np.testing.assert_allclose(stated, slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("text", "shapes", "paired", "projected", "loss"), SYMMETRIC)
def test_gradients_by_a_symmetric_matrix_are_pytorchs_by_its_parametrizations(
    text, shapes, paired, projected, loss,
):
    """paired: by the entries below the diagonal; projected: by X, of which S is (X + Xᵀ)/2."""
    torch = pytest.importorskip("torch")
    derivation = gp.derive(gp.equations(text, S=S, **shapes), ["S"])
    point = values({"S": S, **shapes})
    given = {name: torch.tensor(value) for name, value in point.items()}
    n = SIZES["n"]
    below = torch.tril_indices(n, n)
    entries = given["S"][below[0], below[1]].clone().requires_grad_()
    whole = torch.zeros(n, n, dtype=torch.float64).index_put((below[0], below[1]), entries)
    loss(torch, whole + torch.tril(whole, -1).T, given).backward()
    by_pairs = np.zeros((n, n))
    by_pairs[below[0], below[1]] = entries.grad.numpy()
    by_pairs += np.tril(by_pairs, -1).T
    free = given["S"].clone().requires_grad_()
    loss(torch, (free + free.T) / 2, given).backward()
    for kind, expected in (("paired", by_pairs), ("projected", free.grad.numpy())):
        found = derivation.symmetric_gradient("S", kind).compile()(**point)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_neither_convention_is_guessed():
    derivation = gp.derive(gp.equations("L = a @ S @ a + a @ T @ a", S=S, T="n n", a="n"))
    with pytest.raises(ValueError, match="kind: expected one of paired, projected, got 'both'"):
        derivation.symmetric_gradient("S", "both")
    with pytest.raises(EquationError, match="T is not declared to be symmetric"):
        derivation.symmetric_gradient("T", "paired")
    with pytest.raises(EquationError, match="there is no array"):
        derivation.symmetric_gradient("U", "paired")
