"""Each row of the tables of JAX's functions is what JAX computes, on numbers."""

import inspect

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.tracing.jax.modules import HARMLESS, MODULES, computed

pytestmark = pytest.mark.peers
jax = pytest.importorskip("jax")
pytest.importorskip("jax.scipy.special")
special = pytest.importorskip("scipy.special")

import jax.numpy as jnp  # noqa: E402

RNG = np.random.default_rng(5)
X, Y = RNG.uniform(0.1, 0.9, size=(2, 3, 4))
SIGNED = RNG.normal(size=(3, 4)) * 3
ONE, OTHER = RNG.normal(size=(2, 4))
SQUARE = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
STACK = RNG.normal(size=(2, 3, 4))
TRUE = SIGNED > 0
PLACES = np.array([2, 0, 3])

AXES = [((SIGNED,), {}), ((SIGNED, 1), {}), ((SIGNED,), {"axis": 0, "keepdims": True})]
ONE_AXIS = [((SIGNED, 1), {}), ((SIGNED,), {"axis": 0})]
CALLS = {
    **dict.fromkeys(("sum", "mean", "prod", "max", "amax", "min", "amin"), AXES),
    **{name: [((TRUE,), {}), ((TRUE, 1), {})] for name in ("all", "any")},
    **{name: [*AXES, ((SIGNED,), {"ddof": 1}), ((SIGNED, 1), {"correction": 1})]
       for name in ("var", "std")},
    **dict.fromkeys(("argmax", "argmin", "cumsum", "cumprod", "flip"), ONE_AXIS),
    **{name: [((TRUE, SIGNED > 1), {})] for name in ("logical_and", "logical_or", "logical_xor")},
    "logical_not": [((TRUE,), {})], "reshape": [((X, (2, 6)), {}), ((X, -1), {})],
    "arccosh": [((X + 1,), {})], "acosh": [((X + 1,), {})], "_const": [((X, 2.0), {})],
    "polygamma": [((np.ones((3, 4)), X), {})],
    "where": [((TRUE, X, 0.0), {})], "matmul": [((X, Y.T), {}), ((STACK, SQUARE), {})],
    "dot": [((X, Y.T), {}), ((STACK, SQUARE), {})], "vdot": [((ONE, OTHER), {})],
    "inner": [((X, Y), {})], "outer": [((ONE, OTHER), {})], "kron": [((X, Y), {})],
    "tensordot": [((X, Y.T, 1), {}), ((X, Y), {"axes": 2})], "trace": [((SQUARE,), {})],
    "einsum": [(("ij,kj->ik", X, Y), {}), (("ij->j", X), {})],
    "transpose": [((STACK,), {}), ((STACK, (2, 0, 1)), {}), ((STACK,), {"axes": (1, 0, 2)}),
                  ((STACK, (1, 2, 0)), {})],
    "swapaxes": [((STACK, 0, 2), {})], "moveaxis": [((STACK, 0, -1), {})],
    "expand_dims": [((X, 1), {}), ((X,), {"axis": (0, 3)}), ((X, (0,)), {})],
    "squeeze": [((X[:, :1],), {}), ((X[:, :1], 1), {})],
    "broadcast_to": [((ONE, (3, 4)), {})], "concatenate": [(([X, Y],), {}), (([X, Y], 1), {})],
    "stack": [(([X, Y],), {}), (([X, Y],), {"axis": -1})], "hstack": [(([X, Y],), {})],
    "vstack": [(([X, Y],), {})], "split": [((X, 2, 1), {}), ((X, [1, 2]), {"axis": 0})],
    "roll": [((X, 1), {}), ((X, 1), {"axis": 1})], "tile": [((X, (2, 3)), {})],
    "repeat": [((X, 2), {}), ((X, 2, 1), {})], "tril": [((SQUARE,), {}), ((SQUARE, -1), {})],
    "triu": [((SQUARE,), {}), ((SQUARE,), {"k": 1})], "diag": [((ONE,), {}), ((SQUARE,), {})],
    "diagonal": [((SQUARE,), {})], "take": [((X, PLACES[:2], 0), {}), ((ONE, PLACES), {})],
    "take_along_axis": [((X, PLACES[:, None], 1), {}), ((X, PLACES[:, None]), {})],
    "zeros": [(((2, 3),), {})], "ones": [((3,), {})],
    "full": [(((2, 3), 1.5), {})], "full_like": [((X, 2.0), {})],
    "eye": [((3,), {}), ((3, 4), {})], "arange": [((4,), {}), ((1, 5), {}), ((1, 9, 2), {}),
                                                  ((5,), {"step": 2})],
    "linspace": [((0.0, 1.0, 5), {}), ((0.0, 1.0), {})],
    "clip": [((SIGNED, -1, 1), {}), ((SIGNED,), {"max": 0.5})],
    **{name: [((SQUARE,), {})] for name in ("inv", "det", "slogdet")},
    "cholesky": [((SQUARE @ SQUARE.T,), {})], "solve": [((SQUARE, X.T), {})],
    "norm": [((X,), {}), ((X, 2, 1), {}), ((X,), {"axis": 1, "keepdims": True})],
    "leaky_relu": [((SIGNED,), {}), ((SIGNED, 0.3), {})], "elu": [((SIGNED,), {}),
                                                                  ((SIGNED, 0.7), {})],
    "celu": [((SIGNED, 0.7), {})], "gelu": [((SIGNED,), {}), ((SIGNED, False), {})],
    **dict.fromkeys(("softmax", "log_softmax"), ONE_AXIS),
    "glu": [((SIGNED,), {}), ((SIGNED[:2], 0), {})],
    "logsumexp": [((SIGNED,), {}), ((SIGNED, 1), {}), ((SIGNED, (0, 1), None, True), {})],
    "one_hot": [((PLACES, 5), {})], "squareplus": [((SIGNED,), {}), ((SIGNED, 2.0), {})],
    "integer_pow": [((SIGNED, 3), {})], "select": [((TRUE, X, Y), {})],
    "clamp": [((-1.0, SIGNED, 1.0), {})], "batch_matmul": [((STACK, np.stack([SQUARE] * 2)), {})],
    "ndim": [((X,), {})], "shape": [((X,), {})], "array": [((X,), {}), (([1.0, 2.0],), {})],
}
BINARY = {"add", "subtract", "multiply", "divide", "true_divide", "power", "maximum", "minimum",
          "logaddexp", "hypot", "arctan2", "remainder", "equal", "not_equal", "less", "less_equal",
          "greater", "greater_equal", "sub", "mul", "div", "pow", "atan2", "eq", "ne", "lt", "le",
          "gt", "ge", "xlogy", "xlog1py", "logaddexp2"}
SIGNED_ONES = {"relu", "relu6", "selu", "silu", "swish", "mish", "softplus", "soft_sign",
               "hard_tanh", "hard_sigmoid", "hard_silu", "hard_swish", "log_sigmoid", "abs", "sign",
               "floor", "ceil"}


class Numpy:
    """What a row computes with, here NumPy itself and SciPy."""

    def __getattr__(self, name):
        return getattr(np, name)

    def special(self, name, *args, **options):
        return getattr(special, name)(*args, **options)

    def assume(self, said):
        pass

    stops = assume


def calls(module, name):
    if name == "transpose" and module == "jax.lax":
        return [((STACK, (2, 0, 1)), {})]
    if name == "expand_dims" and module == "jax.lax":
        return [((X, (0,)), {})]
    if name in ("softmax", "log_softmax") and module == "jax.scipy.special":
        return [((SIGNED,), {}), ((SIGNED,), {"axis": 0})]
    if name in CALLS:
        return CALLS[name]
    if name in ("max", "min") and module == "jax.lax":
        return [((SIGNED, Y), {})]
    if name in BINARY or (module == "jax.lax" and name in BINARY):
        return [((X, Y), {})]
    return [((SIGNED if name in SIGNED_ONES else X,), {})]


def owner_of(module):
    owner = jax
    for part in module.split(".")[1:]:
        owner = getattr(owner, part)
    return owner


@pytest.mark.parametrize(("module", "name"), [
    (module, name) for module, rows in MODULES.items() for name in rows])
def test_a_row_computes_what_jax_computes(module, name):
    found = getattr(owner_of(module), name)
    given = [((SIGNED, Y), {})] if module == "jax.lax" and name in ("max", "min") else calls(
        module, name)
    with jax.enable_x64(True):
        for args, options in given:
            theirs = found(*[jax.tree.map(jnp.asarray, one) if isinstance(
                one, (np.ndarray, list)) and not (name == "split" and isinstance(one, list))
                else one for one in args], **options)
            ours = computed(Numpy(), MODULES[module][name], found, name, args, options)
            for one, other in zip(parts(ours), parts(theirs), strict=True):
                assert np.shape(one) == np.shape(other)
                np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("module", MODULES)
def test_what_is_left_out_is_as_jax_has_it(module):
    for name, row in MODULES[module].items():
        if not callable(row):
            continue
        theirs = inspect.signature(getattr(owner_of(module), name)).parameters
        for key, ours in list(inspect.signature(row).parameters.items())[1:]:
            if ours.default is not ours.empty and key in theirs:
                assert ours.default == theirs[key].default, (name, key)


def parts(value):
    return list(value) if isinstance(value, (tuple, list)) else [value]


def test_an_option_that_a_row_does_not_know_is_refused():
    def rule(**options):
        made = jax.custom_vjp(lambda x: x * x)
        made.defvjp(lambda x: (x * x, x), lambda x, g: (
            2 * x * g * jnp.sum(jnp.ones((1,)), **options),))
        return made

    assert gp.check_layer(rule(), x="m n").verdict == "proved"
    for options in ({"where": np.ones(1, bool)}, {"initial": 0.0}, {"dtype": jnp.bfloat16}):
        assert gp.check_layer(rule(**options), x="m n", repair_seconds=0).verdict == "agrees"


def test_what_is_called_harmless_is_no_parameter_of_values():
    assert {"where", "dtype", "axis", "mode", "initial"}.isdisjoint(HARMLESS)
