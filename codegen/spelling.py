"""Scalar bodies as NumPy functions, in spellings that are finite wherever the value is.

``sympy.lambdify`` does the translation; what it gets is chosen here: a named function keeps its
stable spelling, and a formula in exponentials becomes a polynomial in the sigmoid where it is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ..symbolic.equation import Equation, slot
from ..symbolic.functions import SIGMOID, SOFTPLUS, STEP, A, Opaque, Z, in_sigmoid
from ..symbolic.rewrite import inline, tidy


@lru_cache(maxsize=4096)
def scalar(body: sp.Expr, arity: int, sizes: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    """A body as a NumPy function of its slots and sizes."""
    arguments = [slot(position) for position in range(arity)]
    made: Callable[..., Any] = sp.lambdify(
        [*arguments, *sizes], stable(body), modules=[SPELLED, "numpy"], cse=True
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
        return stable(definition.xreplace({Z: argument}))

    return body.replace(lambda part: isinstance(part, Opaque), spell)


def sigmoid(z: Any) -> Any:
    """1/(1 + exp(-z)) without overflow for any z: exp is taken of -|z| alone."""
    positive = np.real(z) >= 0  # of complex z, too, so that complex steps pass through
    small = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1.0, small) / (1.0 + small)


def step(z: Any) -> Any:
    """[z > 0] as 0 and 1, in the integer type that widens no float and has a minus."""
    return np.greater(np.real(z), 0).view(np.int8)


def softplus(z: Any) -> Any:
    """log(1 + exp z) without overflow; of complex z, too, which ``logaddexp`` does not take."""
    if not np.iscomplexobj(z):
        return np.logaddexp(0.0, z)
    positive = np.real(z) >= 0
    return np.where(positive, z, 0.0) + np.log1p(np.exp(np.where(positive, -z, z)))


erf = np.vectorize(math.erf, otypes=[float])
"""The error function; NumPy has none."""


SPELLED: dict[str, Callable[..., Any]] = {
    "sigmoid": sigmoid,
    "softplus": softplus,
    "relu": lambda z: np.maximum(z, 0),
    "step": step,
    "abs": np.abs,
    "sign": np.sign,
    "tanh": np.tanh,
    "erf": erf,
}


# --- logarithms of probabilities ----------------------------------------------------------------


def stable_logs(equation: Equation, forward: Iterable[Equation]) -> Equation:
    """log A with A = exp(u) or A = sigmoid(u) in terms of u, which neither over- nor underflows.

    log exp u = u, log sigmoid(u) = -softplus(-u), log(1 - sigmoid(u)) = -softplus(u).
    The equation itself where none of these applies.
    """
    inside = {
        term.reads[place].array
        for term in equation.terms
        for log in term.body.atoms(sp.log)
        for place in range(len(term.reads))
        if log.has(slot(place))
    }
    for source in forward:
        if source.name not in inside or not source.is_pointwise:
            continue
        put = inline(equation, source)
        if put is None:
            continue
        terms = tuple(replace(term, body=_without_logs(term.body)) for term in put.terms)
        if not any(log.has(Opaque, sp.exp) for term in terms for log in term.body.atoms(sp.log)):
            equation = tidy(replace(put, terms=terms))
    return equation


def _without_logs(body: sp.Expr) -> sp.Expr:
    def spell(log: sp.Expr) -> sp.Expr:
        inner = log.args[0]
        if isinstance(inner, SIGMOID):
            return -SOFTPLUS(-inner.args[0])
        rest = sp.expand(1 - inner)
        if isinstance(rest, SIGMOID):
            return -SOFTPLUS(rest.args[0])
        return log

    return body.replace(lambda part: isinstance(part, sp.log), spell)
