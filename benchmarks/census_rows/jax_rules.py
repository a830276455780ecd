"""Rows of JAX: the tangents of jax.lax's functions, and functions with a rule of their own.

A function that works entry by entry has the same number for its tangent and its gradient, so a rule
for the one is held against the function as the other.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax._src.interpreters import ad
from public_rows.row import Row

import gradproof as gp

REAL, POSITIVE = gp.Array("m n"), gp.Array("m n", kind="positive")
INSIDE = gp.Array("m n", kind="interval", low=-1, high=1)
UNIT = gp.Array("m n", kind="interval", low=0, high=1)
BEYOND_1 = gp.Array("m n", kind="interval", low=1)
BELOW_0 = gp.Array("m n", kind="interval", high=0)

LAX: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys((
        "exp", "exp2", "expm1", "tanh", "logistic", "sin", "cos", "tan", "atan", "sinh", "cosh",
        "asinh", "abs", "square", "erf", "erfc", "cbrt", "neg", "bessel_i0e", "bessel_i1e"),
        (REAL,)),
    **dict.fromkeys(("log", "log1p", "sqrt", "rsqrt", "lgamma", "digamma"), (POSITIVE,)),
    **dict.fromkeys(("asin", "acos", "atanh", "erf_inv"), (INSIDE,)), "acosh": (BEYOND_1,),
    **dict.fromkeys(("atan2", "mul", "max", "min"), (REAL, REAL)),
    "div": (REAL, POSITIVE), "pow": (POSITIVE, REAL), "rem": (REAL, BEYOND_1),
}
"""jax.lax: what the inputs are."""
PARAMETERS: dict[str, dict[str, Any]] = {name: {"accuracy": None} for name in (
    "exp", "exp2", "expm1", "tanh", "logistic", "sin", "cos", "tan", "log", "log1p", "sqrt",
    "rsqrt", "cbrt")}
"""What a rule is handed beside the arrays."""
SPECIAL, INNER = "jax.scipy.special", "jax._src.scipy.special"
CUSTOM: list[tuple[str, str, str, tuple[Any, ...]]] = [
    # the function, the module that has its rule, by which name, what the inputs are
    ("jax.nn.relu", "jax.nn", "relu", (REAL,)), ("jax.nn.relu6", "jax.nn", "relu6", (REAL,)),
    ("jax.nn.log1mexp", "jax.nn", "log1mexp", (POSITIVE,)),
    ("jax.nn.softmax", "jax._src.nn.functions", "_softmax", (REAL,)),
    ("jax.numpy.logaddexp", "jax._src.lax.other", "logaddexp", (REAL, REAL)),
    ("jax.numpy.logaddexp2", "jax._src.lax.other", "logaddexp2", (REAL, REAL)),
    ("jax.numpy.i0", "jax._src.numpy.lax_numpy", "_i0", (REAL,)),
    (f"{SPECIAL}.logit", INNER, "logit", (UNIT,)),
    (f"{SPECIAL}.xlogy", INNER, "xlogy", (POSITIVE, POSITIVE)),
    (f"{SPECIAL}.xlog1py", INNER, "xlog1py", (POSITIVE, POSITIVE)),
    (f"{SPECIAL}.erfcx", INNER, "_erfcx", (REAL,)),
]


def rows() -> Iterator[Row]:
    for name, kinds in LAX.items():
        for place in range(len(kinds)):
            what = f"lax.{name}" + (f" by {'xy'[place]}" if len(kinds) > 1 else "")
            yield Row("jax", what, "jax.lax", lambda lax, name=name, kinds=kinds, place=place:
                      checked(getattr(lax, name), _of_primitive(name, place), kinds, place))
    for power in (2, 3, -1):
        yield Row("jax", f"lax.integer_pow, {power}", "jax.lax",
                  lambda lax, power=power: checked(
                      lambda x: jax.lax.integer_pow(x, power),
                      _of_primitive("integer_pow", 0, y=power), (POSITIVE,), 0))
    for public, home, attribute, kinds in CUSTOM:
        for place in range(len(kinds)):
            what = public + (f" by {'xy'[place]}" if len(kinds) > 1 else "")
            yield Row("jax", what, home, lambda module, public=public, attribute=attribute,
                      kinds=kinds, place=place: checked(_public(public), _of_custom(
                          getattr(module, attribute), place), kinds, place))


def _public(name: str) -> Any:
    home, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(home), attribute)


Rule = Callable[..., Any]
"""Of the cotangent, the value and the inputs: what the input's is."""


def _of_primitive(name: str, place: int, **more: Any) -> Rule:
    """The rule in the table of JAX's, by one of the inputs."""
    home = next(module for module in map(importlib.import_module, (
        "jax._src.lax.lax", "jax._src.lax.special")) if hasattr(module, f"{name}_p"))
    primitive = getattr(home, f"{name}_p")
    if name == "neg":
        return lambda g, answer, *inputs: jax.lax.neg(g)
    made = ad.primitive_jvps[primitive]
    rule = made.args[0][place]
    options = {**PARAMETERS.get(name, {}), **more}
    if made.func is ad.standard_jvp2:
        return lambda g, answer, *inputs: rule(g, answer, *inputs, **options)
    return lambda g, answer, *inputs: rule(g, *inputs, **options)


def _of_custom(function: Any, place: int) -> Rule:
    """The rule of a `custom_jvp`: one for each input, or one for all."""
    told = inspect.getclosurevars(function.jvp).nonlocals.get("jvps")
    if told is not None:
        return lambda g, answer, *inputs: told[place](g, answer, *inputs)
    rule, is_softmax = function.jvp, bool(function.nondiff_argnums)

    def tangent(g: Any, answer: Any, *inputs: Any) -> Any:
        others = [jnp.zeros_like(one) for one in inputs]
        others[place] = g
        if is_softmax:  # whose other inputs are an axis, a mask, and a least value
            return rule(-1, (*inputs, None, -jnp.inf), (*others, None, None))[1]
        return rule(inputs, tuple(others))[1]

    return tangent


def checked(function: Callable[..., Any], rule: Rule, kinds: Sequence[Any], place: int) -> Any:
    def ahead(*inputs: Any) -> tuple[Any, Any]:
        answer = function(*inputs)
        return answer, (answer, inputs)

    def back(kept: Any, g: Any) -> tuple[Any, ...]:
        answer, inputs = kept
        found = rule(g, answer, *inputs)
        return tuple(found if k == place else None for k in range(len(kinds)))

    made = (lambda x: function(x)) if len(kinds) == 1 else (lambda x, y: function(x, y))
    ruled = jax.custom_vjp(made)
    ruled.defvjp((lambda x: ahead(x)) if len(kinds) == 1 else (lambda x, y: ahead(x, y)), back)
    return gp.check_layer(ruled, inputs=dict(zip("xy", kinds, strict=False)), wrt=["xy"[place]],
                          repair_seconds=0, time_limit=240)
