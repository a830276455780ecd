"""PyTorch's functions that work entry by entry, and those of torch.special, in NumPy's words.

A row takes NumPy first and then the parameters of PyTorch's function, by its names.
"""

from __future__ import annotations

from typing import Any

from ..source import fail
from .tensor import Row


def _ufunc(name: str) -> Row:
    return lambda xp, input: getattr(xp, name)(input)


def _binary(name: str) -> Row:
    return lambda xp, input, other: getattr(xp, name)(input, other)


def _special(name: str) -> Row:
    return lambda xp, input: xp.special(name, input)


def add(xp: Any, input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return input + (other if alpha == 1 else alpha * other)


def sub(xp: Any, input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return input - (other if alpha == 1 else alpha * other)


def rsub(xp: Any, input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return other - (input if alpha == 1 else alpha * input)


def div(xp: Any, input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode == "floor":
        return xp.floor_divide(input, other)
    if rounding_mode is not None:
        fail(f"torch.div with rounding_mode={rounding_mode!r} is not traced")
    return xp.divide(input, other)


def clamp(xp: Any, input: Any, min: Any = None, max: Any = None) -> Any:
    found = input
    if min is not None:
        found = xp.maximum(found, min)
    if max is not None:
        found = xp.minimum(found, max)
    return found


def where(xp: Any, condition: Any, input: Any = None, other: Any = None) -> Any:
    if input is None and other is None:
        return xp.nonzero(condition)
    return xp.where(condition, input, other)


def addcmul(xp: Any, input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    return input + value * tensor1 * tensor2


def addcdiv(xp: Any, input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    return input + value * tensor1 / tensor2


def lerp(xp: Any, input: Any, end: Any, weight: Any) -> Any:
    return input + weight * (end - input)


def masked_fill(xp: Any, input: Any, mask: Any, value: Any) -> Any:
    return xp.where(mask, value, input)


def logit(xp: Any, input: Any, eps: Any = None) -> Any:
    held = input if eps is None else clamp(xp, input, eps, 1 - eps)
    return xp.special("logit", held)


def polygamma(xp: Any, n: Any, input: Any) -> Any:
    return xp.special("polygamma", n, input)


def multigammaln(xp: Any, input: Any, p: Any) -> Any:
    return xp.special("multigammaln", input, p)


def _into_another(inplace: bool) -> None:
    if inplace:
        fail("inplace=True is not traced; write relu_(x), or x = relu(x)")


def relu(xp: Any, input: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    return xp.maximum(input, 0)


def threshold(xp: Any, input: Any, threshold: Any, value: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    return xp.where(input > threshold, input, value)


def leaky_relu(xp: Any, input: Any, negative_slope: Any = 0.01, inplace: bool = False) -> Any:
    _into_another(inplace)
    return xp.where(input > 0, input, negative_slope * input)


def prelu(xp: Any, input: Any, weight: Any) -> Any:
    slope = weight
    if weight.ndim == 1 and input.ndim > 2:
        slope = xp.reshape(weight, (-1,) + (1,) * (input.ndim - 2))
    return xp.where(input > 0, input, slope * input)


def elu(xp: Any, input: Any, alpha: Any = 1.0, inplace: bool = False) -> Any:
    _into_another(inplace)
    return xp.where(input > 0, input, alpha * (xp.exp(input) - 1))


_SELU = (1.0507009873554804934193349852946, 1.6732632423543772848170429916717)
"""Klambauer et al., Self-Normalizing Neural Networks (2017): scale and alpha."""


def selu(xp: Any, input: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    scale, alpha = _SELU
    return scale * xp.where(input > 0, input, alpha * (xp.exp(input) - 1))


def celu(xp: Any, input: Any, alpha: Any = 1.0, inplace: bool = False) -> Any:
    _into_another(inplace)
    return xp.maximum(input, 0) + xp.minimum(alpha * (xp.exp(input / alpha) - 1), 0)


def gelu(xp: Any, input: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        inner = xp.sqrt(2 / xp.pi) * (input + 0.044715 * input**3)
        return input * (1 + xp.tanh(inner)) / 2
    return input * (1 + xp.special("erf", input / xp.sqrt(2))) / 2


def silu(xp: Any, input: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    return input * xp.special("expit", input)


def mish(xp: Any, input: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    return input * xp.tanh(xp.logaddexp(0, input))


def softplus(xp: Any, input: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    made = xp.logaddexp(0, beta * input) / beta
    if threshold < 20:
        return xp.where(beta * input > threshold, input, made)
    xp.assume(f"softplus beyond its threshold {threshold} is taken as softplus, not as the "
              "identity that PyTorch puts there")
    return made


def hardtanh(
    xp: Any, input: Any, min_val: Any = -1, max_val: Any = 1, inplace: bool = False
) -> Any:
    _into_another(inplace)
    return clamp(xp, input, min_val, max_val)


def relu6(xp: Any, input: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    return clamp(xp, input, 0, 6)


def hardsigmoid(xp: Any, input: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    return clamp(xp, input + 3, 0, 6) / 6


def hardswish(xp: Any, input: Any, inplace: bool = False) -> Any:
    _into_another(inplace)
    return input * clamp(xp, input + 3, 0, 6) / 6


def softsign(xp: Any, input: Any) -> Any:
    return input / (1 + xp.abs(input))


def tanhshrink(xp: Any, input: Any) -> Any:
    return input - xp.tanh(input)


def softshrink(xp: Any, input: Any, lambd: Any = 0.5) -> Any:
    return xp.where(input > lambd, input - lambd, xp.where(input < -lambd, input + lambd, 0))


def hardshrink(xp: Any, input: Any, lambd: Any = 0.5) -> Any:
    return xp.where(xp.abs(input) > lambd, input, 0)


def nan_to_num(
    xp: Any, input: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    xp.assume("all entries are finite, so that nan_to_num changes none")
    return input


_BOTH: dict[str, Row] = {
    "exp": _ufunc("exp"), "expm1": _ufunc("expm1"), "exp2": _ufunc("exp2"),
    "log": _ufunc("log"), "log1p": _ufunc("log1p"), "log2": _ufunc("log2"),
    "log10": _ufunc("log10"), "sqrt": _ufunc("sqrt"), "square": _ufunc("square"),
    "abs": _ufunc("abs"), "absolute": _ufunc("abs"), "sign": _ufunc("sign"),
    "sgn": _ufunc("sign"), "sin": _ufunc("sin"), "cos": _ufunc("cos"), "tan": _ufunc("tan"),
    "asin": _ufunc("arcsin"), "arcsin": _ufunc("arcsin"), "acos": _ufunc("arccos"),
    "arccos": _ufunc("arccos"), "atan": _ufunc("arctan"), "arctan": _ufunc("arctan"),
    "sinh": _ufunc("sinh"), "cosh": _ufunc("cosh"), "tanh": _ufunc("tanh"),
    "asinh": _ufunc("arcsinh"), "arcsinh": _ufunc("arcsinh"), "acosh": _ufunc("arccosh"),
    "arccosh": _ufunc("arccosh"), "atanh": _ufunc("arctanh"), "arctanh": _ufunc("arctanh"),
    "reciprocal": lambda xp, input: 1 / input, "rsqrt": lambda xp, input: 1 / xp.sqrt(input),
    "neg": _ufunc("negative"), "negative": _ufunc("negative"),
    "positive": lambda xp, input: input, "conj": lambda xp, input: input,
    "conj_physical": lambda xp, input: input, "deg2rad": _ufunc("deg2rad"),
    "rad2deg": _ufunc("rad2deg"), "sinc": _ufunc("sinc"), "floor": _ufunc("floor"),
    "ceil": _ufunc("ceil"), "round": _ufunc("round"), "trunc": _ufunc("trunc"),
    "isnan": _ufunc("isnan"), "isinf": _ufunc("isinf"), "isfinite": _ufunc("isfinite"),
    "logical_not": _ufunc("logical_not"), "bitwise_not": _ufunc("invert"),
    "sigmoid": _special("expit"), "erf": _special("erf"), "erfc": _special("erfc"),
    "erfinv": _special("erfinv"), "lgamma": _special("gammaln"), "digamma": _special("digamma"),
    "logit": logit, "polygamma": polygamma, "mvlgamma": multigammaln,
    "add": add, "sub": sub, "subtract": sub, "rsub": rsub, "mul": _binary("multiply"),
    "multiply": _binary("multiply"), "div": div, "divide": div, "true_divide": div,
    "pow": lambda xp, input, exponent: xp.power(input, exponent),
    "float_power": lambda xp, input, exponent: xp.power(input, exponent),
    "remainder": _binary("remainder"), "floor_divide": _binary("floor_divide"),
    "maximum": _binary("maximum"), "minimum": _binary("minimum"), "fmax": _binary("fmax"),
    "fmin": _binary("fmin"), "atan2": _binary("arctan2"), "arctan2": _binary("arctan2"),
    "ldexp": lambda xp, input, other: input * xp.exp2(other),
    "hypot": _binary("hypot"), "logaddexp": _binary("logaddexp"),
    "logaddexp2": _binary("logaddexp2"), "copysign": _binary("copysign"),
    "heaviside": lambda xp, input, values: xp.heaviside(input, values),
    "xlogy": lambda xp, input, other: xp.special("xlogy", input, other),
    "eq": _binary("equal"), "ne": _binary("not_equal"), "not_equal": _binary("not_equal"),
    "lt": _binary("less"), "less": _binary("less"), "le": _binary("less_equal"),
    "less_equal": _binary("less_equal"), "gt": _binary("greater"), "greater": _binary("greater"),
    "ge": _binary("greater_equal"), "greater_equal": _binary("greater_equal"),
    "logical_and": _binary("logical_and"), "logical_or": _binary("logical_or"),
    "logical_xor": _binary("logical_xor"), "bitwise_and": _binary("bitwise_and"),
    "bitwise_or": _binary("bitwise_or"),
    "clamp": clamp, "clip": clamp,
    "clamp_min": lambda xp, input, min: xp.maximum(input, min),
    "clamp_max": lambda xp, input, max: xp.minimum(input, max),
    "addcmul": addcmul, "addcdiv": addcdiv, "lerp": lerp, "masked_fill": masked_fill,
    "relu": relu, "prelu": prelu, "nan_to_num": nan_to_num,
}

METHODS: dict[str, Row] = {
    **_BOTH, "where": lambda xp, self, condition, other: xp.where(condition, self, other),
}
"""Those that are methods of tensors; of most of them there is a function of that name too."""

FUNCTIONS: dict[str, Row] = {
    **_BOTH, "where": where, "selu": selu, "celu": celu, "threshold": threshold,
}

SPECIAL: dict[str, Row] = {
    **{name: _BOTH[name] for name in (
        "erf", "erfc", "erfinv", "digamma", "expm1", "exp2", "log1p", "logit", "polygamma",
        "xlogy", "sinc", "round")},
    "expit": _BOTH["sigmoid"], "gammaln": _BOTH["lgamma"], "psi": _BOTH["digamma"],
    "multigammaln": multigammaln, "erfcx": _special("erfcx"), "entr": _special("entr"),
    "ndtr": _special("ndtr"), "ndtri": _special("ndtri"), "log_ndtr": _special("log_ndtr"),
    "xlog1py": lambda xp, input, other: xp.special("xlog1py", input, other),
}
"""torch.special"""

ACTIVATIONS: dict[str, Row] = {
    "relu": relu, "leaky_relu": leaky_relu, "prelu": prelu, "elu": elu, "selu": selu, "celu": celu,
    "gelu": gelu, "silu": silu, "mish": mish, "softplus": softplus, "hardtanh": hardtanh,
    "relu6": relu6, "hardsigmoid": hardsigmoid, "hardswish": hardswish, "softsign": softsign,
    "tanhshrink": tanhshrink, "softshrink": softshrink, "hardshrink": hardshrink,
    "threshold": threshold, "sigmoid": _BOTH["sigmoid"], "tanh": _BOTH["tanh"],
    "logsigmoid": _special("log_expit"),
}
"""torch.nn.functional"""

