"""JAX's functions with rules of their own: right ones are proved, wrong ones' lines named."""

import linecache

import numpy as np
import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402
from tables import custom_vjps as table  # noqa: E402

EXPLAINED = 0.8
"""Of the wrong ones, so many are explained: the line is named, or the cause said."""
ELSEWHERE = {
    "swish_wrong": "", "softmax_wrong": "", "logsumexp_wrong": "",
    "embedding_wrong": "names a place more than once",
    "pair_wrong": "dout2 is not used",
    "straight_through": "a straight-through estimator",
}
"""Wrong ones of which another line is named, or none, with the cause that is said."""


def answer(case):
    return gp.check_layer(case.function, repair_seconds=0, **case.inputs)


def test_there_are_enough():
    assert len(table.RIGHT) >= 25
    assert len(table.WRONG) >= 15
    assert not any(case.agrees for case in table.RIGHT)
    names = [case.name for case in (*table.RIGHT, *table.WRONG)]
    assert len(set(names)) == len(names)
    unexplained = [name for name, cause in ELSEWHERE.items() if not cause]
    assert len(unexplained) <= (1 - EXPLAINED) * len(table.WRONG)


def one_in_nine(cases):
    """All of them run by ``pytest -m "peers or rows"``."""
    return [case if place % 9 == 0 else pytest.param(case, marks=pytest.mark.rows)
            for place, case in enumerate(cases)]


@pytest.mark.parametrize("case", one_in_nine(table.RIGHT), ids=lambda case: case.name)
def test_a_right_rule_is_proved(case):
    result = answer(case)
    assert result.verdict == "proved", str(result)


@pytest.mark.parametrize("case", one_in_nine(table.WRONG), ids=lambda case: case.name)
def test_a_wrong_rule_is_refuted_and_its_line_named_or_the_cause_said(case):
    result = answer(case)
    assert result.verdict == "refuted", str(result)
    if case.name == "reversed":
        assert "a gradient reversal" in str(result)
    if case.name in ELSEWHERE:
        assert ELSEWHERE[case.name] in str(result)
    else:
        line = linecache.getline(table.__file__, result.place.line)
        assert line.rstrip().endswith("# planted"), str(result)


def numbers(case, rng):
    """Arguments for a case: of sizes that differ."""
    sizes = dict(zip("mnkhdtes", (3, 4, 2, 5, 2, 4, 3, 2), strict=True))
    for name, given in case.inputs.items():
        if isinstance(given, str):
            shape = [int(np.prod([sizes.get(one) or int(one) for one in part.split("*")]))
                     for part in given.split()]
            yield name, rng.normal(size=shape)
        else:
            yield name, given if isinstance(given, int) else rng.integers(0, 3, size=3)


@pytest.mark.parametrize("case", table.RIGHT, ids=lambda case: case.name)
def test_the_rules_called_right_are_what_jax_derives(case):
    with jax.enable_x64(True), jax.disable_jit():
        given = dict(numbers(case, np.random.default_rng(3)))
        real = [name for name, value in given.items()
                if isinstance(value, np.ndarray) and value.dtype.kind == "f"]

        def of(function):
            made, back = jax.vjp(lambda *some: function(*{
                **given, **dict(zip(real, some, strict=True))}.values()), *(
                    jnp.asarray(given[name]) for name in real))
            return back(jax.tree.map(lambda one: jnp.cos(jnp.arange(one.size)).reshape(one.shape),
                                     made))

        for ours, theirs in zip(of(case.function), of(case.function.fun), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


# --- what hides from a trace --------------------------------------------------------------------

CALLS = [0]


def counting(x, g):
    CALLS[0] += 1
    return (2 * x * g * (1 if CALLS[0] < 1000 else 2),)


HIDDEN = {
    "a counter": counting,
    "a branch on values": lambda x, g: (3 * x * g if (x > 1e6).any() else 2 * x * g,),
    "a branch of lax": lambda x, g: (
        lax.cond(x.sum() > 1e9, lambda: 3 * x * g, lambda: 2 * x * g),),
    "far away": lambda x, g: (jnp.where(x > 1e7, 3 * x, 2 * x) * g,),
    "a branch on sizes": lambda x, g: (2 * x * g if x.shape[0] < 50 else 3 * x * g,),
    "a narrow type": lambda x, g: ((2 * x * g).astype(jnp.bfloat16).astype(float),),
    "whole numbers": lambda x, g: ((2 * x * g).astype(jnp.int32) * 1.0,),
    "an option": lambda x, g: (2 * x * g * jnp.mean(jnp.ones_like(x), where=x < 1e7),),
    "places that are named twice": lambda x, g: (
        2 * x * g.at[jnp.array([0, 0])].multiply(1.0),),
    "draws": lambda x, g: (
        2 * x * g + 1e-30 * jax.random.normal(jax.random.key(0), (1, 1)),),
    "maps": lambda x, g: (jax.vmap(lambda a, b: 2 * a * b)(x, g),),
}


def square(x):
    return x * x


@pytest.mark.parametrize("name", HIDDEN)
def test_what_hides_is_not_proved(name):
    rule = table.ruled(square, lambda x: (x * x, x), HIDDEN[name])
    assert gp.check_layer(rule, x="m n", repair_seconds=0).verdict != "proved"


def test_an_array_is_not_changed_in_place():
    def bwd(x, g):
        h = g
        h += 1
        return (2 * x * g,)

    assert gp.check_layer(table.ruled(square, lambda x: (x * x, x), bwd), x="m n"
                          ).verdict == "proved"


def test_a_type_that_is_asked_for_is_said():
    rule = table.ruled(square, lambda x: (x * x, x),
                       lambda x, g: (2 * x * g if x.dtype == jnp.float64 else 3 * x * g,))
    assert "float64" in str(gp.check_layer(rule, x="m n"))


def test_the_value_of_fwd_is_that_of_the_function():
    other = table.ruled(square, lambda x: (x * x + 1, x), lambda x, g: (2 * x * g,))
    with pytest.raises(gp.LayerError, match="another value"):
        gp.check_layer(other, x="m n")
    far = table.ruled(square, lambda x: (jnp.where(x > 1e8, 0.0, x * x), x),
                      lambda x, g: (2 * x * g,))
    assert gp.check_layer(far, x="m n", repair_seconds=0).verdict == "agrees"


@pytest.mark.parametrize(("rule", "said"), [
    (jax.custom_vjp(square), "expected a custom_vjp function with a rule"),
    (table.ruled(square, lambda x: (x * x, x), lambda x, g: 2 * x * g), "no tuple"),
    (table.ruled(square, lambda x: (x * x, x), lambda x, g: (g, g)), "2 gradients"),
    (table.ruled(square, lambda x: x * x, lambda x, g: (g,)), "no pair"),
])
def test_what_is_no_rule_is_said(rule, said):
    with pytest.raises(gp.LayerError, match=said):
        gp.check_layer(rule, x="m n")


def test_no_gradient_is_one_of_zero():
    """As JAX has it; for labels and constants none is due."""
    @jax.custom_vjp
    def product(x, w):
        return x * w

    product.defvjp(lambda x, w: (x * w, w), lambda w, g: (g * w, None))
    found = {one.name: one.verdict for one in gp.check_layer(product, x="m n", w="m n")}
    assert found == {"x": "proved", "w": "refuted"}
    for more in ({"w": "m n", "wrt": ["x"]}, {"w": gp.Array("m n", kind="constant")}):
        found = {one.name: one.verdict for one in gp.check_layer(product, x="m n", **more)}
        assert found == {"x": "proved"}


# --- rules for tangents, and what rules are handed ---------------------------------------------


@jax.custom_jvp
def softplus(x):
    return jnp.log1p(jnp.exp(x))


@softplus.defjvp
def softplus_jvp(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return softplus(x), jax.nn.sigmoid(x) * x_dot


@jax.custom_jvp
def sine_times(x, y):
    return jnp.sin(x) * y


sine_times.defjvps(lambda x_dot, made, x, y: jnp.cos(x) * x_dot * y,
                   lambda y_dot, made, x, y: jnp.sin(x) * y_dot)


@jax.jit
@jax.custom_jvp
def both(x, w):
    return x @ w, jnp.sum(x * x)


@jax.custom_jvp
def turned(x):
    return jnp.log1p(jnp.exp(x))


@turned.defjvp
def turned_jvp(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return turned(x), (1 - jax.nn.sigmoid(x)) * x_dot  # planted


@jax.custom_jvp
def squared(x):
    return x * x


@squared.defjvp
def squared_jvp(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return squared(x), 2 * x * x_dot * x_dot


@both.__wrapped__.defjvp
def both_jvp(primals, tangents):
    (x, w), (x_dot, w_dot) = primals, tangents
    return both(x, w), (x_dot @ w + x @ w_dot, 2 * jnp.sum(x * x_dot))


@jax.custom_vjp
def with_zeros(x, y):
    return x * y


def with_zeros_bwd(saved, g):
    x, y = saved
    if isinstance(g, jax.custom_derivatives.SymbolicZero):
        return jnp.zeros_like(x), jnp.zeros_like(y)
    return g * y, g * x


with_zeros.defvjp(lambda x, y: (x.value * y.value, (x.value, y.value)), with_zeros_bwd,
                  symbolic_zeros=True)


@jax.custom_vjp
def add_all(*terms):
    return sum(terms)


add_all.defvjp(lambda *terms: (add_all(*terms), len(terms)), lambda n, g: (g,) * n)


@pytest.mark.parametrize(("function", "shapes"), [
    (softplus, {"x": "m n"}), (sine_times, {"x": "m n", "y": "m n"}),
    (both, {"x": "m n", "w": "n k"}), (with_zeros, {"x": "m n", "y": "m n"}),
    (add_all, {"a": "m", "b": "m", "c": "m"}),
], ids=lambda value: getattr(value, "__name__", ""))
def test_rules_for_tangents_and_of_any_number_are_proved(function, shapes):
    result = gp.check_layer(function, **shapes)
    assert result.verdict == "proved", str(result)


def test_a_wrong_rule_for_tangents_is_refuted_in_its_line():
    result = gp.check_layer(turned, x="m n")
    assert result.verdict == "refuted"
    line = linecache.getline(result.place.filename, result.place.line)
    assert line.rstrip().endswith("# planted"), str(result)


def test_a_rule_that_is_not_linear_in_tangents_does_not_pass():
    assert gp.check_layer(squared, x="m n").verdict in ("undecided", "refuted")


@pytest.mark.parametrize("factor", [1.01, 1 + 1e-5])
def test_a_rule_for_tangents_whose_value_is_not_the_functions_is_told_as_that(factor):
    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    sine.defjvp(lambda primals, tangents: (
        factor * jnp.sin(primals[0]), jnp.cos(primals[0]) * tangents[0]))
    with pytest.raises(gp.LayerError, match="the rule returns another value than the function"):
        gp.check_layer(sine, x="m n")


def test_a_rule_for_tangents_whose_value_is_rounded_otherwise_passes():
    @jax.custom_jvp
    def soft(x):
        return jnp.log(1 + jnp.exp(x))

    soft.defjvp(lambda primals, tangents: (
        jnp.logaddexp(primals[0], 0.0), tangents[0] / (1 + jnp.exp(-primals[0]))))
    assert gp.check_layer(soft, x="m n").verdict in ("proved", "agrees")
