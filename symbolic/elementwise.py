"""Scalar functions by the names that formulas and NumPy code call them.

Each row says how many arguments a name takes and which body it stands for; both the text of
formulas and traced NumPy code read this one table, so a name means the same in either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne

import sympy as sp

from .functions import (
    ABS,
    ACTIVATIONS,
    RELU,
    SIGMOID,
    SIGN,
    SOFTPLUS,
    STEP,
    TANH,
    Opaque,
    leaky_relu,
    maximum,
    positive_part,
)
from .special import Special, log_gamma, ndtri

Body = Callable[..., sp.Expr]


@dataclass(frozen=True)
class Scalar:
    """A function of `arity` scalars; `branches` when its body repeats its arguments."""

    arity: int
    body: Body
    branches: bool = False


def larger(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """max(left, right), as relu where one side is zero."""
    if left == 0:
        return RELU(right)
    if right == 0:
        return RELU(left)
    if left.has(sp.Piecewise) or right.has(sp.Piecewise):
        return right + RELU(left - right)  # no condition with conditions in it
    return maximum(left, right)


def smaller(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """min(left, right); at a tie the derivative is the right one's."""
    if left.has(sp.Piecewise) or right.has(sp.Piecewise):
        return right - RELU(right - left)
    return positive_part(right - left, left, right)


def log_add_exp(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """log(exp(left) + exp(right)), with no exponential that overflows."""
    return SOFTPLUS(right) if left == 0 else left + SOFTPLUS(right - left)


def normal(x: sp.Expr) -> sp.Expr:
    """The distribution function of the standard normal distribution."""
    return (1 + sp.erf(x / sp.sqrt(2))) / 2


def log_sigmoid(x: sp.Expr) -> sp.Expr:
    """log σ(x), with no exponential that overflows."""
    return -SOFTPLUS(-x)


SCALARS: dict[str, Scalar] = {
    "exp": Scalar(1, sp.exp),
    "log": Scalar(1, sp.log),
    "ln": Scalar(1, sp.log),
    "log1p": Scalar(1, lambda x: sp.log(1 + x)),
    "expm1": Scalar(1, lambda x: sp.exp(x) - 1),
    "log2": Scalar(1, lambda x: sp.log(x) / sp.log(2)),
    "log10": Scalar(1, lambda x: sp.log(x) / sp.log(10)),
    "sqrt": Scalar(1, sp.sqrt),
    "square": Scalar(1, lambda x: x**2),
    "reciprocal": Scalar(1, lambda x: 1 / x),
    "tanh": Scalar(1, TANH),
    "sigmoid": Scalar(1, SIGMOID),
    "softplus": Scalar(1, SOFTPLUS),
    "relu": Scalar(1, RELU),
    "leaky_relu": Scalar(1, leaky_relu(sp.Rational(1, 100))),
    "step": Scalar(1, STEP),
    "abs": Scalar(1, ABS),
    "sign": Scalar(1, SIGN),
    "erf": Scalar(1, sp.erf),
    "erfc": Scalar(1, lambda x: 1 - sp.erf(x)),
    "erfcx": Scalar(1, lambda x: sp.exp(x**2) * (1 - sp.erf(x))),
    "erfinv": Scalar(1, lambda x: ndtri((x + 1) / 2) / sp.sqrt(2)),
    "erfcinv": Scalar(1, lambda x: -ndtri(x / 2) / sp.sqrt(2)),
    "ndtr": Scalar(1, normal),
    "log_ndtr": Scalar(1, lambda x: sp.log(normal(x))),
    "ndtri": Scalar(1, ndtri),
    "gammaln": Scalar(1, log_gamma()),
    "loggamma": Scalar(1, log_gamma()),
    "lgamma": Scalar(1, log_gamma()),
    "digamma": Scalar(1, log_gamma(1)),
    "psi": Scalar(1, log_gamma(1)),
    "trigamma": Scalar(1, log_gamma(2)),
    "betaln": Scalar(2, lambda x, y: log_gamma()(x) + log_gamma()(y) - log_gamma()(x + y)),
    "exp2": Scalar(1, lambda x: sp.Integer(2) ** x),
    "exp10": Scalar(1, lambda x: sp.Integer(10) ** x),
    "cbrt": Scalar(1, lambda x: SIGN(x) * ABS(x) ** sp.Rational(1, 3)),
    "hypot": Scalar(2, lambda x, y: sp.sqrt(x**2 + y**2)),
    "expit": Scalar(1, SIGMOID),
    "log_sigmoid": Scalar(1, log_sigmoid),
    "log_expit": Scalar(1, log_sigmoid),
    "logit": Scalar(1, lambda x: sp.log(x / (1 - x))),
    "xlogy": Scalar(2, lambda x, y: x * sp.log(y)),
    "xlog1py": Scalar(2, lambda x, y: x * sp.log(1 + y)),
    "entr": Scalar(1, lambda x: -x * sp.log(x)),
    "rel_entr": Scalar(2, lambda x, y: x * sp.log(x / y)),
    "kl_div": Scalar(2, lambda x, y: x * sp.log(x / y) - x + y),
    "sin": Scalar(1, sp.sin),
    "cos": Scalar(1, sp.cos),
    "tan": Scalar(1, sp.tan),
    "arctan": Scalar(1, sp.atan),
    "arctan2": Scalar(2, lambda y, x: 2 * sp.atan(y / (sp.sqrt(x**2 + y**2) + x))),
    "arcsin": Scalar(1, sp.asin),
    "arccos": Scalar(1, sp.acos),
    "arcsinh": Scalar(1, sp.asinh),
    "arccosh": Scalar(1, sp.acosh),
    "arctanh": Scalar(1, sp.atanh),
    "sinh": Scalar(1, lambda x: (sp.exp(x) - sp.exp(-x)) / 2),
    "cosh": Scalar(1, lambda x: (sp.exp(x) + sp.exp(-x)) / 2),
    "power": Scalar(2, lambda x, y: x**y),
    "pow": Scalar(2, lambda x, y: x**y),
    "maximum": Scalar(2, larger, True),
    "max": Scalar(2, larger, True),
    "minimum": Scalar(2, smaller, True),
    "min": Scalar(2, smaller, True),
    "logaddexp": Scalar(2, log_add_exp, True),
    **{name: Scalar(1, made) for name, made in ACTIVATIONS.items()
       if made is not None and name not in ("sigmoid", "tanh", "softplus", "relu", "leaky_relu")},
}


def comparison(operator: str, left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """1 where the comparison holds and 0 elsewhere, by steps, whose derivative is zero."""
    difference = left - right
    decided, steps = _COMPARED[operator]
    return sp.Integer(int(decided(difference, 0))) if difference.is_Rational else steps(difference)


_COMPARED: dict[str, tuple[Callable[[sp.Expr, int], bool], Body]] = {
    ">": (gt, STEP),
    "<": (lt, lambda d: STEP(-d)),
    ">=": (ge, lambda d: 1 - STEP(-d)),
    "<=": (le, lambda d: 1 - STEP(d)),
    "==": (eq, lambda d: 1 - STEP(d) - STEP(-d)),
    "!=": (ne, lambda d: STEP(d) + STEP(-d)),
}
"""Of a difference: whether a number compares so with 0, and the steps that say so of any other."""


def where(
    operator: str, left: sp.Expr, right: sp.Expr, yes: sp.Expr, no: sp.Expr
) -> sp.Expr:
    """`yes` where the comparison of left and right holds, `no` elsewhere.

    A piecewise body keeps a branch that is not taken out of the value, however large it is, and
    differentiates branch by branch.
    """
    difference = left - right
    if difference.is_Rational:
        return yes if _COMPARED[operator][0](difference, 0) else no
    if operator in (">", "<="):
        return positive_part(difference, *((yes, no) if operator == ">" else (no, yes)))
    if operator in ("<", ">="):
        return positive_part(-difference, *((yes, no) if operator == "<" else (no, yes)))
    apart, equal = (no, yes) if operator == "==" else (yes, no)
    return sp.Piecewise((apart, difference > 0), (apart, difference < 0), (equal, True))


class NotRealError(ArithmeticError):
    """A body without a real value: a division by zero, a logarithm of a negative number."""


def real_body(body: sp.Expr) -> sp.Expr:
    """The body with SymPy's own Abs and sign replaced, which it makes of sqrt(x**2).

    Raises NotRealError where the body is undefined or not real for every argument.
    """
    if body.has(sp.Abs, sp.sign):
        body = body.replace(sp.Abs, ABS).replace(sp.sign, SIGN)
    if body.has(sp.zoo, sp.nan, sp.oo, -sp.oo):
        raise NotRealError("divides by zero or takes the logarithm of zero")
    if body.has(sp.I):
        raise NotRealError("is not a real number: a root or logarithm of a negative number")
    foreign = {
        type(part).__name__
        for part in body.atoms(sp.Function)
        if not isinstance(part, (Opaque, Special, sp.Piecewise, *_ELEMENTARY))
    }
    if foreign:
        raise NotRealError(f"cannot be written without {', '.join(sorted(foreign))}")
    return body


_ELEMENTARY = (sp.exp, sp.log, sp.erf, sp.sin, sp.cos, sp.tan, sp.atan, sp.asin, sp.acos, sp.asinh,
               sp.acosh, sp.atanh)


def power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """base ** exponent; a power of numbers that would be too long to write is a NotRealError."""
    if base.is_number and exponent.is_Rational:
        digits = max(abs(int(base.p)), int(base.q)).bit_length() if base.is_Rational else 64
        if digits * abs(exponent.p) > 4096 or exponent.q > 1000:
            raise NotRealError("is a power of numbers that is too large to be exact")
    elif exponent.is_Rational and exponent.q > 1_000_000:
        raise NotRealError(f"has the exponent {float(exponent)}, a decimal that is no short "
                           "fraction; write a root as x**(1/3) in a formula, where 1/3 is exact")
    elif exponent.is_Rational and abs(exponent.p) > 1_000_000:
        raise NotRealError("has an exponent beyond a million")
    return base**exponent
