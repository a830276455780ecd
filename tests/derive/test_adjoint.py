"""The rule on everything the equation type can say, once and twice, against differences.

The systems are ones that no layer table would know: a trace, a gather, a strided window, a tie in
a maximum, a two-gate recurrence.
"""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive.adjoint import forward, jacobian, reverse
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import (
    Array,
    Equal,
    Equation,
    EquationError,
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
from gradproof.symbolic.functions import SIGMOID, TANH
from gradproof.symbolic.solving import drop_idle
from gradproof.symbolic.validation import validate

m, n, h = map(size_symbol, "mnh")
i, j, k, t, u = map(index_symbol, "ijktu")
x0, x1, x2, x3 = map(slot, range(4))
ROW, COLUMN = Index("i", n), Index("j", n)


def scalar_loss(name, out, reads, body):
    return Equation(name, (), (Term(body, reads, out),))


def trace_of_matrix():
    """L = Σ_i X[i,i]³: two subscripts of one array run with the same index."""
    return System(
        (Array("X", (n, n)),),
        (Equation("y", (), (Term(x0**3, (Read("X", (i, i)),), (ROW,)),)),
         Equation("L", (), (Term(sp.exp(x0 / 5), (Read("y", ()),)),))),
    ), ["X"], {"n": 4}


def gather():
    """L = Σ_s tanh(E[c[s], j])²: rows of an embedding picked by an integer array."""
    s = Index("s", m)
    at = Read("E", (Read("c", (s.symbol,)), j))
    return System(
        (Array("E", (n, h)), Array("c", (m,), "labels", classes=n)),
        (Equation("A", (s, Index("j", h)), (Term(TANH(x0), (at,)),)),
         Equation("L", (), (Term(x0**2, (Read("A", (s.symbol, j)),), (s, Index("j", h))),))),
    ), ["E"], {"n": 3, "m": 5, "h": 2}


def strided_window():
    """y[i] = Σ_u w[u] x[2i + u - 1], zero padding, stride 2: a convolution that nobody listed."""
    out, inside = Index("i", sp.Integer(4)), Index("u", sp.Integer(3))
    at = 2 * i + u - 1
    return System(
        (Array("x", (sp.Integer(7),)), Array("w", (sp.Integer(3),))),
        (Equation("y", (out,), (Term(x0 * x1, (Read("w", (u,)), Read("x", (at,))), (inside,),
                                     (Within(sp.S.Zero, at, sp.Integer(7)),)),)),
         Equation("L", (), (Term(SIGMOID(x0) * x0, (Read("y", (i,)),), (out,)),))),
    ), ["x", "w"], {}


def pooled_maximum():
    """The maximum over windows of two, its place recorded, then a nonlinear loss."""
    out, inside = Index("i", sp.Integer(3)), Index("u", sp.Integer(2))
    return System(
        (Array("x", (sp.Integer(6),)),),
        (Equation("y", (out,), (Term(x0**2 - x0, (Read("x", (2 * i + u,)),), (inside,)),), "max"),
         Equation("L", (), (Term(sp.exp(x0), (Read("y", (i,)),), (out,)),))),
    ), ["x"], {}


def two_gates():
    """h[t] = g[t] h[t-1] + (1 - g[t]) c[t] over a symbolic T, both gates reading h[t-1]."""
    size = size_symbol("T")
    loop, state = Index("t", size), Index("j", h)
    inner = Index("k", h)
    first, later = (Within(sp.S.Zero, t, sp.S.One),), (Within(sp.S.One, t, size),)

    def gate(name, weight):
        return Equation(f"p{name}", (loop, state), (
            Term(x0, (Read("X", (t, j)),)),
            Term(x0 * x1, (Read(weight, (j, k)), Read("H", (t - 1, k))), (inner,), later),
            Term(x0 * x1, (Read(weight, (j, k)), Read("h0", (k,))), (inner,), first),
        ))

    g, c = Read("pg", (t, j)), Read("pc", (t, j))
    state_eq = Equation("H", (loop, state), (
        Term((1 - SIGMOID(x0)) * TANH(x1), (g, c)),
        Term(SIGMOID(x0) * x1, (g, Read("H", (t - 1, j))), (), later),
        Term(SIGMOID(x0) * x1, (g, Read("h0", (j,))), (), first),
    ))
    return System(
        (Array("X", (size, h)), Array("U", (h, h)), Array("V", (h, h)), Array("h0", (h,))),
        (Recurrence("t", 1, (gate("g", "U"), gate("c", "V"), state_eq)),
         Equation("L", (), (Term(x0**2, (Read("H", (t, j)),), (loop, state)),))),
    ), ["X", "U", "V", "h0"], {"T": 3, "h": 2}


def smooth_maximum():
    """L = Σ_i (log Σ_j exp(X[i,j] y[j]))²."""
    return System(
        (Array("X", (m, n)), Array("y", (n,))),
        (Equation("S", (Index("i", m),),
                  (Term(x0 * x1, (Read("X", (i, j)), Read("y", (j,))), (COLUMN,)),), "logsumexp"),
         Equation("L", (), (Term(x0**2, (Read("S", (i,)),), (Index("i", m),)),))),
    ), ["X", "y"], {"m": 3, "n": 4}


def shifted_difference():
    """L = Σ_i (x[i+1] - x[i])⁴ x[n-1-i]: shifts and a reversed axis."""
    shorter = Index("i", n - 1)
    reads = (Read("x", (i + 1,)), Read("x", (i,)), Read("x", (n - 1 - i,)))
    return System(
        (Array("x", (n,)),),
        (Equation("L", (), (Term((x0 - x1) ** 4 * x2, reads, (shorter,)),)),),
    ), ["x"], {"n": 5}


CASES = [trace_of_matrix, gather, strided_window, pooled_maximum, two_gates, smooth_maximum,
         shifted_difference]


def sample(system, sizes, seed=0):
    rng = np.random.default_rng(seed)
    known = {size_symbol(name): value for name, value in sizes.items()}
    values = {}
    for array in system.inputs:
        shape = tuple(int(size.xreplace({s: sp.Integer(v) for s, v in known.items()}))
                      for size in array.shape)
        if array.is_integer:
            top = int(array.classes.xreplace({s: sp.Integer(v) for s, v in known.items()}))
            values[array.name] = rng.integers(top, size=shape)
        else:
            values[array.name] = rng.normal(size=shape)
    return values


def differences(function, values, name, step=1e-6):
    """Central differences of an array-valued function by the array `name`, in the last axes."""
    base = values[name]
    columns = []
    for place in np.ndindex(base.shape):
        sides = []
        for sign in (1, -1):
            moved = base.copy()
            moved[place] += sign * step
            sides.append(function({**values, name: moved}))
        columns.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *base.shape)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_rule_holds_once_and_twice(case):
    system, wrt, sizes = case()
    validate(system)
    values = sample(system, sizes)
    derived = reverse(system, "L", wrt)
    found = evaluate(derived.system, values, sizes)
    for name in wrt:
        expected = differences(lambda v: evaluate(system, v, sizes)["L"], values, name)
        np.testing.assert_allclose(found[derived.of[name]], expected, rtol=2e-7, atol=2e-8)
    # The gradient is a list of equations like any other: its Jacobian is the same rule again.
    for name in wrt:
        again = jacobian(derived.system, derived.of[name], wrt)
        second = evaluate(again.system, values, sizes)
        for other in wrt:
            expected = differences(
                lambda v: evaluate(derived.system, v, sizes)[derived.of[name]],  # noqa: B023
                values, other,
            )
            np.testing.assert_allclose(second[again.of[other]], expected, rtol=2e-7, atol=2e-8)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_forward_mode_is_the_same_rule(case):
    """⟨gradient, direction⟩ is the tangent of the loss, to rounding."""
    system, wrt, sizes = case()
    values = sample(system, sizes)
    rng = np.random.default_rng(1)
    extended = System(
        (*system.inputs, *(Array(f"v_{name}", system.input(name).shape) for name in wrt)),
        system.items,
    )
    directions = {f"v_{name}": rng.normal(size=values[name].shape) for name in wrt}
    tangent = forward(extended, {name: f"v_{name}" for name in wrt})
    derived = reverse(system, "L", wrt)
    gradient = evaluate(derived.system, values, sizes)
    pushed = evaluate(tangent.system, {**values, **directions}, sizes)[tangent.of["L"]]
    expected = sum(np.sum(gradient[derived.of[w]] * directions[f"v_{w}"]) for w in wrt)
    np.testing.assert_allclose(pushed, expected, rtol=1e-12)


def test_a_tie_passes_the_adjoint_to_one_place_only():
    system, _, _ = pooled_maximum()
    derived = reverse(system, "L", ["x"])
    found = evaluate(derived.system, {"x": np.array([2.0, 2.0, 3.0, 1.0, -1.0, 2.0])})
    gradient = found[derived.of["x"]].reshape(3, 2)
    assert gradient[0, 1] == 0
    assert gradient[0, 0] == pytest.approx(3 * np.exp(2.0))
    assert np.count_nonzero(gradient) == 3  # -1 and 2 tie in x² - x, too


def test_backpropagation_through_time_is_a_recurrence_that_runs_backwards():
    system, wrt, _ = two_gates()
    derived = reverse(system, "L", wrt)
    groups = [item for item in derived.system.items if isinstance(item, Recurrence)]
    assert [group.direction for group in groups] == [1, -1]
    state = next(e for e in groups[1].equations if e.name == derived.of["H"])
    later = [r for r in state.reads if r.array in {e.name for e in groups[1].equations}]
    assert later
    assert all(sp.expand(r.at[0] - t) == 1 for r in later)


def test_a_solved_guard_leaves_no_bound_index():
    """The gradient of tr X is written without a sum: guards are solved, not carried along."""
    system = System((Array("X", (n, n)),),
                    (Equation("L", (), (Term(x0, (Read("X", (i, i)),), (ROW,)),)),))
    gradient = reverse(system, "L", ["X"])
    (term,) = gradient.system[gradient.of["X"]].terms
    assert not term.over
    assert len(term.guards) == 1
    assert isinstance(term.guards[0], Equal)


def test_vector_jacobian_product_takes_a_cotangent():
    system = System(
        (Array("A", (m, n)), Array("x", (n,)), Array("v", (m,))),
        (Equation("y", (Index("i", m),),
                  (Term(x0 * x1, (Read("A", (i, j)), Read("x", (j,))), (COLUMN,)),)),),
    )
    derived = reverse(system, "y", ["x", "A"], cotangent="v")
    values = sample(system, {"m": 3, "n": 2})
    found = evaluate(derived.system, values)
    np.testing.assert_allclose(found[derived.of["x"]], values["A"].T @ values["v"])
    np.testing.assert_allclose(found[derived.of["A"]], np.outer(values["v"], values["x"]))


def test_an_input_without_influence_has_gradient_zero():
    system = System((Array("x", (n,)), Array("y", (m,))),
                    (Equation("L", (), (Term(x0, (Read("x", (i,)),), (ROW,)),)),))
    derived = reverse(system, "L", ["y"])
    values = {"x": np.ones(3), "y": np.ones(2)}
    assert np.array_equal(evaluate(derived.system, values)[derived.of["y"]], np.zeros(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output": "y"}, "not a scalar"),
        ({"output": "nothing"}, "no array 'nothing'"),
        ({"wrt": ["q"]}, "no array 'q'"),
    ],
)
def test_what_cannot_be_differentiated_is_named(change, message):
    system = System(
        (Array("x", (n,)),),
        (Equation("y", (ROW,), (Term(x0**2, (Read("x", (i,)),)),)),
         Equation("L", (), (Term(x0, (Read("y", (i,)),), (ROW,)),))),
    )
    with pytest.raises(EquationError, match=message):
        reverse(system, **{"output": "L", "wrt": ["x"], **change})


# --- what validate refuses ----------------------------------------------------------------------

BROKEN = [
    ("assigned twice", [Equation("y", (ROW,), (Term(x0, (Read("x", (i,)),)),))] * 2),
    ("nothing before it defines", [Equation("y", (ROW,), (Term(x0, (Read("q", (i,)),)),))]),
    ("subscripts", [Equation("y", (ROW,), (Term(x0, (Read("x", (i, i)),)),))]),
    ("not bound", [Equation("y", (ROW,), (Term(x0, (Read("x", (j,)),)),))]),
    ("bound twice", [Equation("y", (ROW,), (Term(x0, (Read("x", (i,)),), (ROW,)),))]),
    ("has 1 reads", [Equation("y", (ROW,), (Term(x0 * x1, (Read("x", (i,)),)),))]),
    ("holds no integers",
     [Equation("y", (ROW,), (Term(x0, (Read("x", (Read("x", (i,)),)),)),))]),
    ("one term", [Equation("y", (ROW,), (Term(x0, (Read("x", (i,)),)),) * 2, "max")]),
    ("before it is computed",
     [Recurrence("i", 1, (Equation("y", (ROW,), (Term(x0, (Read("y", (i + 1,)),)),)),))]),
]


@pytest.mark.parametrize(("message", "items"), BROKEN, ids=[message for message, _ in BROKEN])
def test_validate_names_the_equation(message, items):
    with pytest.raises(EquationError, match=message) as error:
        validate(System((Array("x", (n,)),), tuple(items)))
    assert "y" in str(error.value)


# --- programs that nobody wrote -----------------------------------------------------------------

BODIES = [x0 * x1, x0 + 2 * x1, TANH(x0) * x1, SIGMOID(x0 - x1), sp.exp(x0 / 3) - x1**2,
          x0 / (2 + x1**2)]


@st.composite
def random_systems(draw):
    """Equations over two vectors of five: shifts with guards, reductions, products, maxima."""
    size = sp.Integer(5)
    row, inner = Index("i", size), Index("j", size)
    names, items = ["a", "b"], []
    for place in range(draw(st.integers(1, 4))):
        terms = []
        for _ in range(draw(st.integers(1, 2))):
            body = draw(st.sampled_from(BODIES))
            shift = draw(st.integers(-1, 1))
            summed = draw(st.booleans())
            first = draw(st.sampled_from(names))
            second = draw(st.sampled_from(names))
            at = i + shift
            reads = (Read(first, (at,)), Read(second, (j if summed else i,)))
            guards = (Within(sp.S.Zero, at, size),) if shift else ()
            terms.append(Term(body / 5 if summed else body, reads, (inner,) if summed else (),
                              guards))
        kind = draw(st.sampled_from(["sum", "sum", "logsumexp"]))
        if kind == "logsumexp":
            first = Read(draw(st.sampled_from(names)), (j,))
            second = Read(draw(st.sampled_from(names)), (i,))
            terms = [Term(draw(st.sampled_from(BODIES)), (first, second), (inner,))]
        items.append(Equation(f"y{place}", (row,), tuple(terms), kind))
        names.append(f"y{place}")
    total = tuple(Term(TANH(x0), (Read(name, (i,)),), (row,)) for name in names)
    items.append(Equation("L", (), total))
    return validate(System((Array("a", (size,)), Array("b", (size,))), tuple(items)))


@given(random_systems(), st.integers(0, 10))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_rule_holds_on_random_programs(system, seed):
    values = sample(system, {}, seed)
    derived = reverse(system, "L", ["a", "b"])
    found = evaluate(derived.system, values)
    for name in ("a", "b"):
        step = 1e-25
        expected = np.zeros(5)
        for place in range(5):
            moved = values[name].astype(complex)
            moved[place] += 1j * step
            expected[place] = evaluate(system, {**values, name: moved})["L"].imag / step
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(found[derived.of[name]], expected, atol=1e-9 * scale)


def test_a_recurrence_is_not_put_into_its_readers():
    """Its adjoint occurs in itself: put into a reader, it would have to be put in without end."""
    size, later = size_symbol("T"), Within(sp.S.Zero, t - 1, size_symbol("T"))
    loop = Index("t", size)
    system = System((Array("a", (size,)), Array("w", ())), (
        Equation("u", (loop,), (Term(TANH(x0) * x1, (Read("a", (t,)), Read("w", ()))),)),
        Recurrence("t", 1, (Equation("y", (loop,), (
            Term(x0, (Read("u", (t,)),)),
            Term(x0 * x1, (Read("y", (t - 1,)), Read("w", ())), (), (later,)),
        )),)),
        scalar_loss("L", (loop,), (Read("y", (t,)),), x0 * SIGMOID(x0)),
    ))
    chain = differentiate(system, "L", ["a", "w"])
    raw = reverse(system, "L", ["a", "w"])
    values = sample(system, {"T": 4})
    simple, derived = evaluate(chain.system, values), evaluate(raw.system, values)
    for name in ("a", "w"):
        np.testing.assert_allclose(simple[chain.of[name]], derived[raw.of[name]], 1e-12)


def test_an_index_that_nothing_depends_on_is_dropped_from_any_reduction():
    read = Read("x", (j,))
    terms = {kind: drop_idle(Equation("y", (), (Term(x0, (read,), (ROW, COLUMN)),), kind))
             for kind in ("sum", "max", "logsumexp")}
    bodies = {kind: equation.terms[0].body for kind, equation in terms.items()}
    assert bodies == {"sum": n * x0, "max": x0, "logsumexp": x0 + sp.log(n)}
    assert all(equation.terms[0].over == (COLUMN,) for equation in terms.values())
