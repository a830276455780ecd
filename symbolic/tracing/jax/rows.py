"""What JAX's functions are, in NumPy's words.

A row takes NumPy first and then parameters of JAX's function, by its names; an option that a row
does not name is refused where it is not as JAX has it by default.  A text names the parameters of
a function that is NumPy's own.
"""

from __future__ import annotations

from typing import Any

from ..source import fail
from ..torch import elementwise as of_torch
from ..torch.tensor import Row
from .array import cast

Rows = dict[str, "Row | str"]


def _ufunc(name: str) -> Row:
    return lambda xp, x: getattr(xp, name)(x)


def _binary(name: str) -> Row:
    return lambda xp, x, y: getattr(xp, name)(x, y)


def _special(name: str) -> Row:
    return lambda xp, x: xp.special(name, x)


UFUNCS = ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "square", "abs",
          "absolute", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
          "arcsinh", "arccosh", "arctanh", "negative", "positive", "reciprocal", "sign", "floor",
          "ceil", "isnan", "isinf", "isfinite", "logical_not", "deg2rad", "rad2deg")
BINARY = ("add", "subtract", "multiply", "divide", "true_divide", "power", "maximum", "minimum",
          "logaddexp", "logaddexp2", "hypot", "arctan2", "remainder", "equal", "not_equal", "less",
          "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor")


def _variance(name: str) -> Row:
    def variance(xp: Any, a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False,
                 correction: Any = None) -> Any:
        return getattr(xp, name)(a, axis=axis, ddof=ddof if correction is None else correction,
                                 keepdims=keepdims)

    return variance


def _reduction(name: str) -> Row:
    def reduction(xp: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False,
                  where: Any = None, initial: Any = None) -> Any:
        if where is not None or initial is not None:
            fail(f"jnp.{name} with where= or initial= is not traced")
        if dtype is not None and getattr(a, "kind", "float") != "float":
            fail(f"jnp.{name} of integers as another type is not traced")
        return getattr(xp, name)(_held(a, dtype), axis=axis, keepdims=keepdims)

    return reduction


def _held(value: Any, dtype: Any) -> Any:
    return value if dtype is None else cast(value, dtype)


def clip(xp: Any, arr: Any, min: Any = None, max: Any = None) -> Any:
    return of_torch.clamp(xp, arr, min, max)


def array(xp: Any, object: Any, dtype: Any = None) -> Any:
    return _held(xp.array(object), dtype)


def asarray(xp: Any, a: Any, dtype: Any = None) -> Any:
    return _held(xp.array(a), dtype)


def _made(name: str) -> Row:
    return lambda xp, shape, dtype=None: _held(getattr(xp, name)(shape), dtype)


def _like(name: str) -> Row:
    return lambda xp, a, dtype=None: getattr(xp, name)(
        a.shape, dtype=a.dtype if dtype is None else dtype)


def arange(xp: Any, start: Any, stop: Any = None, step: Any = None) -> Any:
    ends = (start,) if stop is None else (start, stop)
    return xp.arange(*ends) if step is None else xp.arange(*(ends if stop is not None else
                                                             (0, start)), step)


def take_along_axis(xp: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    return xp.take_along_axis(arr, indices, axis=axis)


def einsum(xp: Any, subscripts: Any, *operands: Any) -> Any:
    return xp.einsum(subscripts, *operands)


NUMPY: Rows = {
    **dict.fromkeys(UFUNCS, ""), **dict.fromkeys(BINARY, ""),
    **{name: _reduction(name) for name in ("sum", "mean", "prod")},
    "max": "a axis keepdims", "amax": "a axis keepdims", "min": "a axis keepdims",
    "amin": "a axis keepdims", "all": "a axis keepdims", "any": "a axis keepdims",
    "var": _variance("var"), "std": _variance("std"), "argmax": "a axis", "argmin": "a axis",
    "cumsum": "a axis", "cumprod": "a axis", "clip": clip, "where": "condition x y",
    "matmul": "a b", "dot": "a b", "vdot": "a b", "inner": "a b", "outer": "a b",
    "tensordot": "a b axes", "einsum": einsum, "kron": "a b", "trace": "a",
    "transpose": "a axes", "swapaxes": "a axis1 axis2", "moveaxis": "a source destination",
    "reshape": "a shape", "ravel": "a", "expand_dims": "a axis", "squeeze": "a axis",
    "broadcast_to": "array shape", "concatenate": "arrays axis", "stack": "arrays axis",
    "hstack": "tup", "vstack": "tup", "split": "ary indices_or_sections axis", "flip": "m axis",
    "roll": "a shift axis", "tile": "A reps", "repeat": "a repeats axis", "tril": "m k",
    "triu": "m k", "diag": "v k", "diagonal": "a", "take": "a indices axis",
    "take_along_axis": take_along_axis, "array": array, "asarray": asarray,
    "zeros": _made("zeros"), "ones": _made("ones"), "zeros_like": _like("zeros"),
    "ones_like": _like("ones"), "arange": arange,
    "full": lambda xp, shape, fill_value, dtype=None: _held(xp.full(shape, fill_value), dtype),
    "full_like": lambda xp, a, fill_value: xp.full(a.shape, fill_value, dtype=a.dtype),
    "eye": lambda xp, N, M=None, dtype=None: _held(xp.eye(N, M), dtype),
    "linspace": lambda xp, start, stop, num=50: xp.linspace(start, stop, num),
    "shape": "a", "ndim": "a",
}
LINALG: Rows = {
    "inv": "a", "solve": "a b", "det": "a", "slogdet": "a", "cholesky": "a",
    "matrix_transpose": "x",
    "norm": lambda xp, x, ord=None, axis=None, keepdims=False: xp.linalg.norm(
        x, ord, axis, keepdims),
}


# --- jax.nn -------------------------------------------------------------------------------------


def gelu(xp: Any, x: Any, approximate: Any = True) -> Any:
    return of_torch.gelu(xp, x, approximate="tanh" if approximate else "none")


def leaky_relu(xp: Any, x: Any, negative_slope: Any = 0.01) -> Any:
    return xp.where(x >= 0, x, negative_slope * x)


def elu(xp: Any, x: Any, alpha: Any = 1.0) -> Any:
    return of_torch.elu(xp, x, alpha)


def celu(xp: Any, x: Any, alpha: Any = 1.0) -> Any:
    return of_torch.celu(xp, x, alpha)


def softmax(xp: Any, x: Any, axis: Any = -1) -> Any:
    return xp.special("softmax", x, axis=axis)


def log_softmax(xp: Any, x: Any, axis: Any = -1) -> Any:
    return xp.special("log_softmax", x, axis=axis)


def logsumexp(xp: Any, a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return xp.special("logsumexp", a, axis=axis, keepdims=keepdims)


def _over_all(name: str) -> Row:
    """Over all axes if none is given, as SciPy has it."""
    return lambda xp, x, axis=None: xp.special(name, x, axis=axis)


def glu(xp: Any, x: Any, axis: Any = -1) -> Any:
    half, gate = xp.split(x, 2, axis=axis)
    return half * xp.special("expit", gate)


def one_hot(xp: Any, x: Any, num_classes: Any) -> Any:
    return (xp.expand_dims(x, -1) == xp.arange(num_classes)) * 1.0


def softplus(xp: Any, x: Any) -> Any:
    return xp.logaddexp(x, 0.0)


def _torch(name: str) -> Row:
    row = of_torch.ACTIVATIONS[name]
    return lambda xp, x: row(xp, x)


NN: Rows = {
    **{name: _torch(name) for name in ("relu", "relu6", "sigmoid", "silu", "mish", "selu")},
    "swish": _torch("silu"), "soft_sign": _torch("softsign"), "hard_tanh": _torch("hardtanh"),
    "hard_sigmoid": _torch("hardsigmoid"), "hard_silu": _torch("hardswish"),
    "hard_swish": _torch("hardswish"), "log_sigmoid": _torch("logsigmoid"), "softplus": softplus,
    "tanh": _ufunc("tanh"), "gelu": gelu, "leaky_relu": leaky_relu, "elu": elu, "celu": celu,
    "softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp, "glu": glu,
    "one_hot": one_hot,
    "squareplus": lambda xp, x, b=4: (x + xp.sqrt(x * x + b)) / 2,
}
SPECIAL: Rows = {
    **{name: _special(name) for name in (
        "expit", "erf", "erfc", "gammaln", "digamma", "entr", "ndtr", "log_ndtr", "logit",
        "erfcx")},
    "xlog1py": lambda xp, x, y: xp.special("xlog1py", x, y),
    "logsumexp": logsumexp,
    **{name: _over_all(name) for name in ("softmax", "log_softmax")},
    "xlogy": lambda xp, x, y: xp.special("xlogy", x, y),
}


# --- jax.lax ------------------------------------------------------------------------------------


def div(xp: Any, x: Any, y: Any) -> Any:
    if all(isinstance(one, int) or getattr(getattr(one, "dtype", None), "kind", "f") != "f"
           for one in (x, y)):
        fail("lax.div of integers is not traced")
    return xp.divide(x, y)


def integer_pow(xp: Any, x: Any, y: Any) -> Any:
    return xp.power(x, y)


def select(xp: Any, pred: Any, on_true: Any, on_false: Any) -> Any:
    return xp.where(pred, on_true, on_false)


def clamp(xp: Any, min: Any, x: Any, max: Any) -> Any:
    return of_torch.clamp(xp, x, min, max)


def stop_gradient(xp: Any, x: Any) -> Any:
    xp.stops("stop_gradient ends what is differentiated")
    xp.assume("stop_gradient(x) is x: what it holds back is differentiated as well")
    return x


LAX: Rows = {
    **{name: _ufunc(name) for name in (
        "exp", "exp2", "expm1", "log", "log1p", "sqrt", "cbrt", "square", "abs", "sin", "cos",
        "tan", "sinh", "cosh", "tanh", "sign", "floor", "ceil")},
    "asin": _ufunc("arcsin"), "acos": _ufunc("arccos"), "atan": _ufunc("arctan"),
    "asinh": _ufunc("arcsinh"), "acosh": _ufunc("arccosh"), "atanh": _ufunc("arctanh"),
    "erf_inv": _special("erfinv"), "full_like": lambda xp, x, fill_value: xp.full(
        x.shape, fill_value), "polygamma": lambda xp, m, x: xp.special("polygamma", m, x),
    "neg": _ufunc("negative"), "reciprocal": _ufunc("reciprocal"),
    "rsqrt": lambda xp, x: 1 / xp.sqrt(x), "logistic": _special("expit"), "erf": _special("erf"),
    "erfc": _special("erfc"), "lgamma": _special("gammaln"), "digamma": _special("digamma"),
    **{name: _binary(of) for name, of in (
        ("add", "add"), ("sub", "subtract"), ("mul", "multiply"),
        ("max", "maximum"), ("min", "minimum"), ("pow", "power"), ("atan2", "arctan2"),
        ("eq", "equal"), ("ne", "not_equal"), ("lt", "less"), ("le", "less_equal"),
        ("gt", "greater"), ("ge", "greater_equal"))},
    "div": div, "integer_pow": integer_pow, "select": select, "clamp": clamp,
    "stop_gradient": stop_gradient,
    "transpose": lambda xp, operand, permutation: xp.transpose(operand, permutation),
    "expand_dims": lambda xp, array, dimensions: xp.expand_dims(array, tuple(dimensions)),
    "batch_matmul": lambda xp, lhs, rhs: xp.matmul(lhs, rhs),
}

HELPERS: Rows = {
    "_const": lambda xp, example, val: val, "_one": lambda xp, x: 1.0,
    "_zero": lambda xp, x: 0.0, "_iscomplex": lambda xp, x: False,
}
"""What the rules of jax.lax call beside, by the names that they have in there."""
