"""What JAX does with a rule: jit, vmap, outputs not used, other precisions, second derivatives."""

from functools import partial

import numpy as np
import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402
from jax.custom_derivatives import SymbolicZero  # noqa: E402


def ruled(function, fwd, bwd, **options):
    made = jax.custom_vjp(function)
    made.defvjp(fwd, bwd, **options)
    return made


def one_in(number, cases):
    """The others run by ``pytest -m "peers or rows"``."""
    return [case if place % number == 0 else pytest.param(*(
        case if isinstance(case, tuple) else (case,)), marks=pytest.mark.rows)
        for place, case in enumerate(cases)]


def square(x):
    return x * x


def squared_by(bwd, fwd=lambda x: (x * x, x)):
    return ruled(square, fwd, bwd)


def product(x, w):
    return x * w


def sum_and_square(x):
    return jnp.sum(x, -1), x * x


def without_zeros(x, g):
    return (jnp.broadcast_to(g[0][:, None], x.shape) + 2 * x * g[1],)


def with_zeros(x, g):
    made = jnp.zeros_like(x)
    if not isinstance(g[0], SymbolicZero):
        made = made + g[0][:, None]
    return (made if isinstance(g[1], SymbolicZero) else made + 2 * x * g[1],)


KEPT = {}


def keeping(x):
    KEPT["x"] = x
    return x * x, None


def by_numpy(x, g):
    return (jnp.asarray(2 * np.asarray(x) * np.asarray(g)),)


def by_callback(x, g, **options):
    return (jax.pure_callback(lambda x, g: 2 * np.asarray(x) * np.asarray(g),
                              jax.ShapeDtypeStruct(x.shape, x.dtype), x, g, **options),)


@jax.custom_jvp
def of_a_pair(x, w):
    return x * w


def pair_jvp(primals, tangents):
    (x, w), (dx, dw) = primals, tangents
    if isinstance(dw, SymbolicZero):
        return x * w, dx * w * 3
    return x * w, (0.0 if isinstance(dx, SymbolicZero) else dx * w) + x * dw


of_a_pair.defjvp(pair_jvp, symbolic_zeros=True)


@pytest.mark.parametrize(("function", "inputs", "said"), one_in(4, [
    (squared_by(lambda x, g: (3 * x * g if (x > 1e6).any() else 2 * x * g,)), {}, "jax.jit"),
    (squared_by(by_numpy), {}, "jax.jit"),
    (squared_by(by_callback), {}, "jax.vmap"),
    (squared_by(lambda _, g: (2 * KEPT["x"] * g,), keeping), {}, "called a second time"),
    (ruled(sum_and_square, lambda x: (sum_and_square(x.value), x.value), without_zeros,
           symbolic_zeros=True), {}, "output 1 is not used"),
    (squared_by(lambda x, g: ((2 * x * g).astype(
        jnp.float32 if x.dtype == jnp.float64 else jnp.float16),)), {}, "float32"),
    (squared_by(lambda x, g: ((4 if g.dtype == jnp.bfloat16 else 2) * x * g,)), {},
     "wrong in bfloat16"),
    (of_a_pair, {"w": "m n"}, "not differentiated by w"),
    (ruled(product, lambda x, w: (x * w, (x, w)),
           lambda kept, g: (g * kept[1], jnp.sum(g * kept[0]) if g.size else kept[1] + 1)),
     {"w": ""}, "m = 0"),
]), ids=["a branch", "numpy", "a callback", "kept outside", "symbolic zeros", "float16 alone",
        "other in bfloat16", "a rule for both", "no entries"])
def test_what_is_right_in_algebra_alone_is_refuted_with_the_circumstance(function, inputs, said):
    result = gp.check_layer(function, repair_seconds=0, inputs={"x": "m n", **inputs})
    assert result.verdict == "refuted", str(result)
    assert said in str(result)


@pytest.mark.parametrize("function", one_in(2, [
    ruled(sum_and_square, lambda x: (sum_and_square(x.value), x.value), with_zeros,
          symbolic_zeros=True),
    jax.jit(squared_by(lambda x, g: (2 * x * g,))),
]), ids=["zeros", "jit"])
def test_what_is_right_is_proved(function):
    result = gp.check_layer(function, x="m n")
    assert result.verdict == "proved", str(result)


def test_containers_are_handed_over_as_they_are():
    def layer(p, x):
        return x @ p["w"] + p["b"]

    def bwd(kept, g):
        p, x = kept
        return {"w": x.T @ g, "b": g.sum(0)}, g @ p["w"].T

    right = ruled(layer, lambda p, x: (layer(p, x), (p, x)), bwd)
    result = gp.check_layer(right, p={"w": "n k", "b": "k"}, x="m n")
    assert result.verdict == "proved", str(result)
    assert all("is proved as well" in str(check.notes) for check in result)


def test_a_gradient_of_another_type_is_said_of_bfloat16():
    """JAX hands it on, and fails at the next sum."""
    rule = squared_by(lambda x, g: (jnp.asarray(2, jnp.float32) * x * g,))
    (check,) = gp.check_layer(rule, x="m n").checks
    assert check.verdict == "proved"
    assert any("not used in bfloat16" in one for one in check.assumptions)
    (check,) = gp.check_layer(squared_by(lambda x, g: (2 * x * g,)), x="m n").checks
    assert not check.assumptions


# --- a second derivative ------------------------------------------------------------------------


def wrong_inside(x):
    return x


INNER = ruled(wrong_inside, lambda x: (x, None), lambda _, g: (3 * g,))
INSIDE = {"rule": INNER}


@jax.custom_jvp
def cube(x):
    return x**3


cube.defjvps(lambda dx, made, x: 3 * x * x * dx)


@jax.custom_jvp
def held_cube(x):
    return x**3


held_cube.defjvps(lambda dx, made, x: 3 * lax.stop_gradient(x) * x * dx)


@pytest.mark.parametrize(("function", "said"), one_in(3, [
    (squared_by(lambda x, g: (2 * x * g,)), "is proved as well"),
    (cube, "is proved as well"), (held_cube, "is wrong at"),
    (squared_by(lambda x, g: (2 * lax.stop_gradient(x) * g,)), "is wrong at"),
    (squared_by(lambda x, g: (2 * INNER(x) * g,)), "is wrong at"),
    (squared_by(lambda x, g: (2 * jnp.where(x > 1e6, lax.stop_gradient(x), x) * g,)),
     "agrees with differences"),
    (squared_by(lambda x, g: (2 * jnp.where(x > 1e6, INSIDE["rule"](x), x) * g,)),
     "agrees with differences"),
    (squared_by(partial(by_callback, vmap_method="broadcast_all")), ""),
]), ids=["proved", "of tangents", "held back in tangents", "held back", "another rule",
        "held back far away", "another rule far away", "a callback"])
def test_the_derivative_of_a_rule_is_looked_at(function, said):
    (check,) = gp.check_layer(function, x="m n", repair_seconds=0).checks
    assert check.verdict == ("proved" if said else "agrees"), str(check)
    told = [note for note in check.notes if "second derivative" in note]
    assert len(told) == bool(said)
    assert all(said in note for note in told), told


# --- kernels ------------------------------------------------------------------------------------


def kernel(function):
    """As compiled code: nothing of it can be traced."""
    def called(*arrays):
        like = jax.ShapeDtypeStruct((arrays[0].shape[0], arrays[1].shape[-1]), arrays[0].dtype)
        return jax.pure_callback(function, like, *arrays, vmap_method="sequential")
    return called


def dense(x, w):
    return kernel(lambda x, w: np.tanh(np.asarray(x) @ np.asarray(w)))(x, w)


def backward_of(slope):
    def bwd(kept, g):
        x, w = kept
        delta = kernel(lambda x, w, g: np.asarray(g) * slope(np.tanh(
            np.asarray(x) @ np.asarray(w))))(x, w, g)
        return delta @ w.T, x.T @ delta
    return bwd


def by_jax(x, w):
    return jnp.tanh(x @ w)


def in_numpy(x, w):
    return np.tanh(x @ w)


def in_sine(x, w):
    return jnp.sin(x @ w)


@pytest.mark.parametrize(("slope", "reference", "verdict"), one_in(4, [
    (lambda y: 1 - y * y, by_jax, "agrees"), (lambda y: 1 - y * y, in_numpy, "agrees"),
    (lambda y: 1 - y, by_jax, "refuted"), (lambda y: 1 - y * y, in_sine, "refuted"),
]), ids=["jax", "numpy", "wrong", "another"])
def test_a_kernel_is_held_against_the_derivative_of_its_reference(slope, reference, verdict):
    rule = ruled(dense, lambda x, w: (dense(x, w), (x, w)), backward_of(slope))
    result = gp.check_layer(rule, reference=reference, x="m n", w="n k", repair_seconds=0)
    assert result.verdict == verdict, str(result)
