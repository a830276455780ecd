"""Scalar bodies as NumPy functions, in spellings that are finite wherever the value is.

``sympy.lambdify`` does the translation; what it gets is chosen here: a named function keeps its
stable spelling, and a formula in exponentials becomes a polynomial in the sigmoid where it is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.numpy import NumPyPrinter

from ..symbolic import special
from ..symbolic.equation import slot
from ..symbolic.functions import STEP, A, Opaque, Z, in_sigmoid
from ..symbolic.relations import as_relations
from .lean import error_functions
from .stable import steadied

INTEGER_END = 2**63
"""Where NumPy's integers end."""


@lru_cache(maxsize=4096)
def scalar(body: sp.Expr, arity: int, sizes: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    """A body as a NumPy function of its slots and sizes, by ``sympy.lambdify``."""
    arguments = [slot(position) for position in range(arity)]
    names = {size: sp.Dummy(integer=True, positive=True) for size in sizes}  # one may be called exp
    made: Callable[..., Any] = sp.lambdify(
        [*arguments, *names.values()], stable(body).xreplace(names), modules=[SPELLED, NUMPY],
        printer=_PRINTER, cse=True,
    )
    return made


def stable(body: sp.Expr) -> sp.Expr:
    """The body with every opaque function in a spelling that lambdify knows and that is stable."""

    def spell(applied: sp.Expr) -> sp.Expr:
        definition = type(applied).definition
        argument = applied.args[0]
        if type(applied).order == 0 and type(applied).title in SPELLED:
            return sp.Function(type(applied).title)(argument)
        if definition == STEP.definition:
            return sp.Function("step")(argument)
        bounded = in_sigmoid(definition)
        if bounded is not None:
            polynomial, exponent = bounded
            value = sp.Function("sigmoid")(exponent.xreplace({Z: argument}))
            return polynomial.xreplace({A: value, Z: argument})
        return stable(bounded_branches(definition).xreplace({Z: argument}))

    spelled = near_zero(bounded_branches(steadied(body))).replace(
        lambda part: isinstance(part, Opaque), spell)
    chosen = spelled.replace(lambda part: isinstance(part, sp.Piecewise), _chosen)
    return plain_numbers(chosen).replace(_is_root_of_sizes, lambda part: sp.Function("root")(
        *part.as_base_exp()
    ))


def plain_numbers(body: sp.Expr) -> sp.Expr:
    """Numbers such as √2 as decimals: Python's floats, unlike NumPy's, widen no float32.  So are
    integers that NumPy has no type for."""
    body = body.replace(
        lambda part: isinstance(part, sp.Integer) and abs(part) >= INTEGER_END,
        lambda part: sp.Float(part, 17),
    )
    return body.replace(
        lambda part: isinstance(part, sp.Expr) and bool(part.is_number and part.is_finite)
        and not (part.is_Rational or part.is_Float or part in (sp.pi, sp.E)),
        lambda part: sp.N(part, 17),
    )


def _is_root_of_sizes(part: sp.Basic) -> bool:
    return (isinstance(part, sp.Pow) and not part.exp.is_integer and bool(part.free_symbols)
            and all(symbol.is_integer for symbol in part.free_symbols))


def bounded_branches(body: sp.Expr) -> sp.Expr:
    """The same values, where no branch with an exponential is asked for beyond where it holds.

    where(z > 0, z, exp(z) - 1) evaluates both: exp is taken of min(z, 0).
    """
    return body.replace(lambda part: isinstance(part, sp.Piecewise), _bounded)


def _bounded(pieces: sp.Piecewise) -> sp.Expr:
    made: list[tuple[sp.Expr, sp.Basic]] = []
    before: list[sp.Basic] = []
    for value, condition in pieces.args:
        holding = [*before] if condition == sp.true else [*before, condition]
        for held in holding if value.has(sp.exp) else ():
            for relation in sp.And.make_args(as_relations(held)):
                value = _within(value, relation)
        made.append((value, condition))
        if condition != sp.true:
            before.append(sp.Not(condition))
    return sp.Piecewise(*made)


def _within(value: sp.Expr, relation: sp.Basic) -> sp.Expr:
    """The value with a symbol bounded as a relation that holds, such as z <= 0, bounds it."""
    if not isinstance(relation, sp.Gt | sp.Ge | sp.Lt | sp.Le):
        return value
    symbol, bound = relation.lhs, relation.rhs
    if not symbol.is_Symbol or not bound.is_Rational:
        return value
    name = "maximum" if isinstance(relation, sp.Gt | sp.Ge) else "minimum"
    return value.xreplace({symbol: sp.Function(name)(symbol, bound)})


def _chosen(pieces: sp.Piecewise) -> sp.Expr:
    """Nested :func:`choose`, where the last piece is all the rest."""
    *cases, (result, last) = pieces.args
    if last != sp.true:
        return pieces
    choose = sp.Function("choose")
    for value, condition in reversed(cases):
        if isinstance(condition, sp.Ge | sp.Le):
            result = choose(condition.lts - condition.gts, result, value)
        elif isinstance(condition, sp.Gt | sp.Lt):
            result = choose(condition.gts - condition.lts, value, result)
        else:
            result = choose(_truth(as_relations(condition)), value, result)
    return result


def _truth(condition: sp.Basic) -> sp.Expr:
    """1 where a condition holds and 0 elsewhere, of complex values by their real parts."""
    if condition in (sp.true, sp.false):
        return sp.Integer(int(bool(condition)))
    if isinstance(condition, sp.And):
        return sp.Mul(*map(_truth, condition.args))
    if isinstance(condition, sp.Or):
        return 1 - sp.Mul(*(1 - _truth(part) for part in condition.args))
    gap = condition.lhs - condition.rhs
    above, below = sp.Function("step")(gap), sp.Function("step")(-gap)
    return {
        sp.Gt: above, sp.Lt: below, sp.Ge: 1 - below, sp.Le: 1 - above,
        sp.Ne: above + below, sp.Eq: 1 - above - below,
    }[condition.func]


def near_zero(body: sp.Expr) -> sp.Expr:
    """log(1 + t), exp(u) - 1 and 1 ± erf(u) as log1p(t), expm1(u) and erfc(∓u), which keep their
    digits where they are near zero.

    >>> x = sp.Symbol("x")
    >>> near_zero(2 - 2*sp.exp(x)), near_zero(sp.log(1 - x)), near_zero(sp.erf(x)/2 + sp.S.Half)
    (-2*expm1(x), log1p(-x), erfc(-x)/2)
    """
    if body.has(sp.erf):
        body = body.replace(lambda part: part.is_Mul and part.has(sp.erf), _apart)
    body = beyond_underflow(body.replace(_is_pair, _pair))
    return body.replace(
        lambda part: isinstance(part, sp.log) and part.args[0].is_Add and 1 in part.args[0].args,
        lambda part: sp.Function("log1p")(part.args[0] - 1))


ERFC, LOG_ERFC, ERFC_RATIO = (
    sp.Function(name) for name in ("erfc", "log_erfc", "erfc_ratio"))


def beyond_underflow(body: sp.Expr) -> sp.Expr:
    """log erfc(u) as a function of its own, and exp(-u²)/erfc(u), which is finite where both are 0.

    >>> x = sp.Symbol("x")
    >>> near_zero(sp.log(1 - sp.erf(x))), near_zero(sp.exp(-x**2)*x/(1 - sp.erf(x)))
    (log_erfc(x), x*erfc_ratio(x))
    """
    if not body.has(ERFC):
        return body
    body = body.replace(lambda part: isinstance(part, sp.log) and _lone(part.args[0]) is not None,
                        _logarithm_of)
    return body.replace(lambda part: part.is_Mul and part.has(ERFC) and part.has(sp.exp), _ratio)


def _lone(part: sp.Expr) -> sp.Expr | None:
    """The erfc(u) of c erfc(u), for a positive number c."""
    number, applied = part.as_coeff_Mul()
    return applied if number.is_positive and isinstance(applied, ERFC) else None


def _logarithm_of(part: sp.Expr) -> sp.Expr:
    number, applied = part.args[0].as_coeff_Mul()
    return sp.log(number) + LOG_ERFC(applied.args[0])


def _ratio(product: sp.Expr) -> sp.Expr:
    """A product with exp(-u²)/erfc(u), or exp(u²) erfc(u), as one function of u."""
    powers = product.as_powers_dict()
    for applied in [base for base in powers if isinstance(base, ERFC)]:
        (argument,), power = applied.args, powers[applied]
        for grown in product.atoms(sp.exp):
            rest = sp.expand(grown.args[0] - power * argument**2)
            if power.is_Integer and grown in product.args and all(
                    _degree(rest, s) < _degree(grown.args[0], s) for s in argument.free_symbols):
                return _ratio(product / grown / applied**power * sp.exp(rest)
                              * ERFC_RATIO(argument)**-power)
    return product


def _degree(exponent: sp.Expr, symbol: sp.Symbol) -> int:
    found = sp.expand(exponent)
    return int(sp.degree(found, symbol)) if found.is_polynomial(symbol) and found.has(symbol) else 0


def _apart(product: sp.Expr) -> sp.Expr:
    """What is divided by 1 - erf(u) and by 1 + erf(u), as a sum: at either end one of them is 0."""
    for applied in sorted(product.atoms(sp.erf), key=sp.default_sort_key):
        inside = [factor for factor in product.args if factor.has(applied)]
        value = sp.Dummy()
        quotient = sp.Mul(*inside).xreplace({applied: value})
        below = [f for f in inside if f.is_Pow and f.exp.is_negative]
        if len(below) > 1 and quotient.is_rational_function(value) and sp.count_ops(quotient) < 40:
            rest = sp.Mul(*(factor for factor in product.args if not factor.has(applied)))
            return sp.Add(*(rest * part.xreplace({value: applied})
                            for part in sp.Add.make_args(sp.apart(quotient, value))))
    return product


def _pair_of(part: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """The number and the term of a sum that are c and -c exp(u), or c and ± c erf(u)."""
    if not (part.is_Add and part.args[0].is_Rational):
        return None
    constant, *rest = part.args
    for term in rest:
        number, applied = term.as_coeff_Mul()
        if abs(number) == abs(constant) and (isinstance(applied, sp.erf) or (
                isinstance(applied, sp.exp) and number == -constant and len(rest) == 1)):
            return constant, term
    return None


def _is_pair(part: sp.Expr) -> bool:
    return _pair_of(part) is not None


def _pair(part: sp.Expr) -> sp.Expr:
    found = _pair_of(part)
    assert found is not None
    constant, (number, applied) = found[0], found[1].as_coeff_Mul()
    (argument,) = applied.args
    rest = sp.Add(*(term for term in part.args if term not in found))
    if isinstance(applied, sp.exp):
        return rest + number * sp.Function("expm1")(argument)
    return rest + constant * sp.Function("erfc")(-number / constant * argument)


def sigmoid(z: Any) -> Any:
    """1/(1 + exp(-z)) without overflow for any z: exp is taken of -|z| alone."""
    positive = np.real(z) >= 0  # of complex z, too, so that complex steps pass through
    small = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1.0, small) / (1.0 + small)


def step(z: Any) -> Any:
    """[z > 0] as 0 and 1 in the precision of z."""
    return np.greater(np.real(z), 0).astype(_precision(np.real(z)))


def choose(gap: Any, yes: Any, no: Any) -> Any:
    """`yes` where gap > 0 and `no` elsewhere; two numbers in the precision of the gap."""
    chosen = np.where(np.real(gap) > 0, yes, no)
    if isinstance(yes, int | float) and isinstance(no, int | float):
        return chosen.astype(_precision(np.real(gap)))
    return chosen


def _precision(z: Any) -> Any:
    """The floating-point type of z; float where it has none."""
    found = getattr(z, "dtype", None)
    return found if found is not None and found.kind == "f" else float


def softplus(z: Any) -> Any:
    """log(1 + exp z) without overflow; of complex z, too, which ``logaddexp`` does not take."""
    if not np.iscomplexobj(z):
        return np.logaddexp(0.0, z)
    positive = np.real(z) >= 0
    return np.where(positive, z, 0.0) + np.log1p(np.exp(np.where(positive, -z, z)))


def softplus_ratio(z: Any) -> Any:
    """softplus(z)/sigmoid(z), and its limit 1 where z is far below 0; of complex z, too."""
    near = np.where(np.real(z) < -37, -37, z)
    return np.where(np.real(z) < -37, 1, softplus(near) * (1 + np.exp(-near)))


def _special(name: str) -> Callable[..., Any]:
    values = special.values_of(name)
    assert values is not None
    vectorized = np.vectorize(_or_nan(values.of_float), otypes=[float])
    return lambda z: vectorized(z).astype(_precision(z))


def _or_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    def value(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):  # a pole
            return math.nan

    return value


SPELLED: dict[str, Callable[..., Any]] = {
    **{name: _special(name) for name in special.SPELLED},
    "sigmoid": sigmoid,
    "softplus": softplus,
    "softplus_ratio": softplus_ratio,
    "relu": lambda z: np.maximum(z, 0),
    "step": step,
    "abs": np.abs,
    "sign": np.sign,
    "tanh": np.tanh,
    "erf": error_functions.erf,
    "erfc": error_functions.erfc,
    "log_erfc": error_functions.log_erfc,
    "erfc_ratio": error_functions.erfc_ratio,
    "choose": choose,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "root": lambda size, exponent: float(np.float64(size) ** float(exponent)),
}

NUMPY = {"numpy": np, **{name: value for name, value in vars(np).items()
                         if not isinstance(value, ModuleType)}}
"""What lambdify's own namespace of NumPy has, but for the submodules, which it would import.
SymPy 1.13 spells some of its functions ``numpy.amax``."""

_PRINTER = NumPyPrinter({
    "fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True,
    "user_functions": {name: name for name in SPELLED},
})
