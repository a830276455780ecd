"""Derived gradients of dense networks: right, stable, and the same in every spelling."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import CASES, random_networks, values_for

from gradproof.codegen.interpret import evaluate
from gradproof.derivations.deriving import derive
from gradproof.symbolic.derive.by_entries import disagreements
from gradproof.symbolic.functions import ACTIVATIONS, Z, without_opaque
from gradproof.symbolic.specs.network import Network, activation_function
from gradproof.symbolic.validation import validate

TABLE = pytest.mark.parametrize("network", CASES.values(), ids=CASES.keys())


def numeric_gradient(loss, values, name):
    """Central differences with one Richardson step: error of the order of step⁴."""
    result = np.zeros_like(values[name])
    for place in np.ndindex(result.shape):
        def side(step, place=place):
            moved = values[name].copy()
            moved[place] += step
            return float(loss(**{**values, name: moved}))

        coarse = (side(2e-3) - side(-2e-3)) / 4e-3
        fine = (side(1e-3) - side(-1e-3)) / 2e-3
        result[place] = (4 * fine - coarse) / 3
    return result


@TABLE
def test_gradients_agree_with_differences(network):
    derivation = derive(network)
    values = values_for(network)
    _, gradients = derivation.compile()(**values)
    loss = derivation.loss_function()
    for name, gradient in gradients.items():
        expected = numeric_gradient(loss, values, name)
        assert gradient.shape == values[name].shape
        np.testing.assert_allclose(gradient, expected, atol=1e-8 * max(1, abs(expected).max()))


@TABLE
def test_source_compiled_and_interpreted_agree(network):
    """Three spellings of one system: readable source, compiled steps, the reference evaluator."""
    derivation = derive(network)
    values = values_for(network, seed=1)
    loss, gradients = derivation.compile()(**values)
    namespace = {}
    exec(derivation.numpy_source(), namespace)
    printed_loss, printed = namespace["gradient"](**values)
    reference = evaluate(derivation.system, values)
    np.testing.assert_allclose(printed_loss, loss, rtol=1e-12)
    np.testing.assert_allclose(reference["L"], loss, rtol=1e-12)
    for name, gradient in gradients.items():
        array = derivation.gradients[name].array
        np.testing.assert_allclose(printed[name], gradient, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(reference[array], gradient, rtol=1e-10, atol=1e-13)
        assert printed[name].shape == values[name].shape


@given(random_networks(), st.integers(0, 3))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_network(network, seed):
    """The gradient along a random direction is the loss's derivative along it."""
    derivation = derive(network)
    validate(derivation.system)
    values = values_for(network, seed)
    _, gradients = derivation.compile()(**values)
    loss = derivation.loss_function()
    rng = np.random.default_rng(seed)
    directions = {name: rng.normal(size=values[name].shape) for name in gradients}

    def along(step):
        return loss(**{**values, **{n: values[n] + step * d for n, d in directions.items()}})

    slopes = [(along(h) - along(-h)) / (2 * h) for h in (1e-4, 1e-5, 1e-6)]
    claimed = sum(np.sum(gradients[name] * directions[name]) for name in gradients)
    scale = max(1.0, abs(claimed))
    assert min(abs(slope - claimed) for slope in slopes) < 1e-5 * scale


@TABLE
def test_nothing_overflows_at_a_thousand(network):
    if any("**2" in name or "exp(-z**2)" in name for name in network.activations):
        pytest.skip("the user's own formula is a square of z")
    derivation = derive(network)
    values = values_for(network, seed=2)
    for factor in (1e3, -1e3):
        scaled = {name: factor * array if name[0] in "Wb" else array
                  for name, array in values.items()}
        loss, gradients = derivation.compile()(**scaled)
        assert np.isfinite(loss)
        assert all(np.isfinite(gradient).all() for gradient in gradients.values())


def test_float32_stays_float32():
    network = CASES["relu softmax"]
    values = {k: v.astype(np.float32) for k, v in values_for(network).items()}
    _, gradients = derive(network).compile()(**values)
    assert {gradient.dtype for gradient in gradients.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("network", "delta"), [
    (CASES["binary"], "δ⁽²⁾ = (A⁽²⁾ - Y)/m"),
    (CASES["per sample"], "δ⁽²⁾ = A⁽²⁾ - Y"),
    (CASES["relu softmax"], "δ⁽³⁾ = (A⁽³⁾ - Y)/m"),
    (CASES["2-2-1"], "δ⁽²⁾ = (a⁽²⁾ - y) ⊙ a⁽²⁾ ⊙ (1 - a⁽²⁾)"),
    (Network([3, 2], loss="mean_squared_error", batch=False), "δ⁽¹⁾ = a⁽¹⁾ - y"),
])
def test_the_output_delta_comes_out_as_in_textbooks(network, delta):
    derivation = derive(network)
    assert str(derivation.deltas[f"Z{network.depth}"]) == delta


def test_cancellation_is_shown():
    """Sigmoid with its cross-entropy: the quotient is there before it cancels."""
    because = derive(CASES["binary"]).deltas["Z2"].because
    assert any("⊘ (m A⁽²⁾ ⊙ (1 - A⁽²⁾))" in line for line in because)
    assert because[-1].startswith("δ⁽²⁾ = (A⁽²⁾ - Y)/m")


def test_the_row_sum_assumption_is_stated_only_where_it_is_used():
    assert derive(CASES["relu softmax"]).assumptions == ("the rows of Y sum to one",)
    assert derive(CASES["softmax squared"]).assumptions == ()
    assert derive(CASES["binary"]).assumptions == ()


def test_hidden_deltas_and_gradients_read_like_the_textbook():
    formulas = derive(Network([3, 4, 2], convention="columns", activation="tanh"))
    assert str(formulas.deltas["Z1"]) == "δ⁽¹⁾ = (W⁽²⁾ᵀ δ⁽²⁾) ⊙ (1 - A⁽¹⁾∘²)"
    assert str(formulas.gradients["W2"]) == "∂L/∂W⁽²⁾ = δ⁽²⁾ A⁽¹⁾ᵀ"
    assert str(formulas.gradients["b1"]) == "∂L/∂b⁽¹⁾ = δ⁽¹⁾ 1"
    rows = derive(CASES["2-2-1"])
    assert str(rows.deltas["Z1"]) == "δ⁽¹⁾ = (δ⁽²⁾ W⁽²⁾ᵀ) ⊙ a⁽¹⁾ ⊙ (1 - a⁽¹⁾)"
    assert str(rows.gradients["W1"]) == "∂L/∂W⁽¹⁾ = xᵀ δ⁽¹⁾"
    assert rows.gradients["W1"].latex() == (
        r"\frac{\partial L}{\partial W^{(1)}} = x^{\top} \delta^{(1)}"
    )


def test_the_four_equations_for_any_depth_are_derived():
    """Nielsen (2015), eqs. BP1-BP4, from the rule on a recurrence over layers."""
    columns = derive(Network([2, 3, 1], convention="columns")).general_rule_text()
    assert [line.split("    ")[0] for line in columns] == [
        "δ⁽ᴸ⁾ = ∂C/∂a⁽ᴸ⁾ ⊙ f′(z⁽ᴸ⁾)",
        "δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾ᵀ δ⁽ˡ⁺¹⁾) ⊙ f′(z⁽ˡ⁾)",
        "∂C/∂W⁽ˡ⁾ = δ⁽ˡ⁾ a⁽ˡ⁻¹⁾ᵀ",
        "∂C/∂b⁽ˡ⁾ = δ⁽ˡ⁾",
    ]
    rows = derive(Network([2, 3, 1])).general_rule_text()
    assert rows[1].startswith("δ⁽ˡ⁾ = (δ⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾ᵀ) ⊙ f′(z⁽ˡ⁾)")


@pytest.mark.parametrize("network", [
    CASES["2-2-1"],
    Network([2, 2], activation="tanh", output="softmax", loss="cross_entropy", batch=2),
    Network([2, 2], output="softmax", loss="mean_squared_error", batch=False),
    Network([2, 2, 2], convention="columns", batch=2, loss="binary_cross_entropy",
            output="sigmoid"),
    Network([3, 2, 1], activation="relu", batch=False),
], ids=str)
def test_entries_and_matrices_are_the_same_derivation(network):
    derivation = derive(network)
    entries = derivation.entries()
    assert disagreements(entries.chain, derivation.chain) == []
    # The comparison can fail: a gradient with a wrong sign is named.
    wrong = derive(network)
    first = wrong.chain.wrt[0]
    array = wrong.chain.of[first]
    items = tuple(
        item if item.name != array else
        type(item)(item.name, item.out,
                   tuple(type(t)(-t.body, t.reads, t.over, t.guards) for t in item.terms))
        for item in wrong.chain.system.items
    )
    flipped = type(wrong.chain)(**{
        **vars(wrong.chain), "system": type(wrong.chain.system)(wrong.system.inputs, items)
    })
    assert disagreements(entries.chain, flipped)


def test_entries_of_the_textbook_network():
    shown = [str(f) for f in derive(CASES["2-2-1"]).entries().all()]
    assert "z⁽¹⁾₁ = x₁ w⁽¹⁾₁₁ + x₂ w⁽¹⁾₂₁ + b⁽¹⁾₁" in shown
    assert "δ⁽¹⁾₁ = δ⁽²⁾ w⁽²⁾₁ a⁽¹⁾₁ (1 - a⁽¹⁾₁)" in shown
    assert "∂L/∂w⁽¹⁾₂₁ = δ⁽¹⁾₁ x₂" in shown


def test_depth_and_user_activation():
    """Twenty layers with a formula nobody listed: one derivative, twenty times used."""
    network = Network([3] * 21, activation="z*tanh(log(1+exp(z)))", loss="mean_squared_error")
    derivation = derive(network)
    values = values_for(network)
    _, gradients = derivation.compile()(**values)
    expected = numeric_gradient(derivation.loss_function(), values, "W1")
    np.testing.assert_allclose(gradients["W1"], expected, atol=1e-9)




@pytest.mark.parametrize("formula", ["0.5*z*(1+erf(z/sqrt(2)))", "2**z", "3**(-z)", "z*abs(z)"])
def test_source_of_unusual_formulas_runs(formula):
    """Functions that NumPy lacks, and powers whose exponent is no number."""
    derivation = derive(Network([2, 3, 1], activation=formula))
    values = values_for(derivation.network)
    namespace = {}
    exec(derivation.numpy_source(), namespace)
    _, printed = namespace["gradient"](**values)
    _, compiled = derivation.compile()(**values)
    for name, gradient in compiled.items():
        np.testing.assert_allclose(printed[name], gradient, rtol=1e-10, atol=1e-13)


def test_the_layer_rule_is_not_claimed_for_softmax():
    assert derive(CASES["2-2-1"]).has_general_rule
    assert not derive(CASES["relu softmax"]).has_general_rule


def test_axes_kept_by_keepdims_in_a_row_are_dropped_one_after_the_other():
    import gradproof as gp

    text = ("c = X - mean(X, axis=1, keepdims=True); "
            "L = sum(c*T/sqrt(mean(c**2, axis=1, keepdims=True) + 0.001))")
    derivation = derive(gp.equations(text, X="m n", T="m n"))
    rng = np.random.default_rng(0)
    values = {"X": rng.normal(size=(3, 4)), "T": rng.normal(size=(3, 4))}
    _, gradients = derivation.compile()(**values)
    expected = numeric_gradient(derivation.loss_function(), values, "X")
    np.testing.assert_allclose(gradients["X"], expected, atol=1e-8)


PLACES = [-1e4, -800, -100, -30, -5.5, -3.5, -1.5, -0.5, 0.25, 0.75, 2.5, 3.5, 50, 800, 1e4]


@pytest.mark.parametrize("name", [
    *(name for name, function in ACTIVATIONS.items() if function is not None),
    "where(z > 0, z, exp(z) - 1)", "step(z)*z + step(-z)", "where(z >= 1, 0.25*z, 2)",
])
def test_activations_are_exact_and_keep_their_precision_at_any_size(name):
    """Value and slope of source and compiled code against the definition in 40 digits; no
    warning of an overflow in source (pytest makes it an error), and no float32 widened."""
    derivation = derive(Network([1, 1], output=name, batch="m"))
    namespace = {}
    exec(derivation.numpy_source(), namespace)
    value = without_opaque(activation_function(name).definition)
    exact = [sp.lambdify(Z, e, "mpmath") for e in (value, sp.diff(value, Z))]
    with mpmath.workdps(40):
        points = [(z, *(function(mpmath.mpf(z)) for function in exact)) for z in PLACES]
        expected = [float(sum(a**2 for _, a, _ in points) / 2),
                    float(sum(a * slope * z for z, a, slope in points))]
    for dtype in (np.float64, np.float32):
        z = np.array(PLACES, dtype)[:, None]
        arrays = {"X": z, "Y": np.zeros_like(z), "W1": np.ones((1, 1), dtype),
                  "b1": np.zeros(1, dtype)}
        for gradient in (namespace["gradient"], derivation.compile()):
            loss, found = gradient(**arrays)
            assert found["W1"].dtype == found["b1"].dtype == dtype
            assert [float(loss), found["W1"].item()] == pytest.approx(
                expected, rel=64 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize(("name", "where"), [
    ("elu", []), ("softsign", []), ("silu", []), ("gelu", []), ("z*abs(z)", []),
    ("hard_tanh", ["z - 1", "z + 1"]), ("selu", ["z"]), ("abs(z - 2)", ["z - 2"]),
    ("relu(z)**2", []), ("max(z, 2*z) + abs(z)", ["z"]),
])
def test_kinks_are_where_the_slopes_differ(name, where):
    derivation = derive(Network([2, 1], output=name))
    assert [kink.where for kink in derivation.chain.kinks] == where


def test_a_lone_step_is_a_number():
    """NumPy's bools have no minus and no sum."""
    import gradproof as gp

    x = np.array([-1.0, 0, 2])
    for text, expected in [("L = sum(relu(x))", [0, 0, 1]),
                           ("L = -sum(relu(x)) - sum(relu(-x))", [1, 0, -1])]:
        derivation = derive(gp.equations(text, x="n"))
        namespace = {}
        exec(derivation.numpy_source(), namespace)
        for gradient in (namespace["gradient"], derivation.compile()):
            found = gradient(x=x)[1]["x"]
            assert found.dtype == float
            assert found.tolist() == expected


def test_data_has_no_kinks():
    import gradproof as gp

    derivation = derive(gp.equations("L = sum(abs(Y) * x)", x="n", Y="n"), wrt=["x"])
    assert derivation.kinks == ()


@pytest.mark.parametrize(("activation", "slope"), [
    ("max(z, 0.1*z)", "0.1"), ("max(z, 1)*exp(z)", "2.71828"), ("max(z, 1)/3", "0"),
    ("abs(z)*z + abs(z - 1)*z", "2"),
])
def test_slopes_at_kinks_are_numbers(activation, slope):
    derivation = derive(Network([2, 2, 1], activation=activation))
    assert [kink.slope for kink in derivation.chain.kinks] == [slope]
