"""``check_jacobian`` and ``check_hessian``: derivatives as SciPy's solvers are handed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, by_name
from gradproof.checks.orders.calls import (
    Arguments,
    arguments_of,
    first,
    floating,
    is_pair,
    second,
    whole,
)
from gradproof.checks.orders.claims import Claim
from gradproof.checks.results import CheckResult, joined, within
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.repair.search import SECONDS
from gradproof.symbolic.equation import Array


def check_jacobian(
    function: Callable[..., Any],
    /,
    jac: Callable[..., Any],
    *,
    args: Sequence[Any] = (),
    wrt: str | Sequence[str] | None = None,
    inputs: Any = None,
    constants: Mapping[str, Any] | None = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    time_limit: float = TIME_LIMIT,
    **shapes: Any,
) -> CheckResult:
    """Holds a hand-written Jacobian against the function it is meant for.

    function: ``f(x, *args)`` in NumPy, which returns an array of numbers.  jac: ``jac(x, *args)``,
        J[i, j] = ∂f[i]/∂x[j], the axes of f in front; called by the names of f's parameters where
        it has these, else in their order.
    shapes (or `inputs`): of f's parameters, as for :func:`check`; "n+1" and "n>=2" are sizes too.
    args: the arguments after those, in order, as SciPy's solvers hand them over.  Arrays and floats
        may be any others of their kind; text, whole numbers, None and functions are constants, as
        are those in `constants`, by name.
    wrt: what to differentiate by; by default f's first parameter.  Several names are numbers, one
        for each column, as for ``curve_fit``.
    seed, repair_seconds, time_limit: as for :func:`check`.

    The one verdict is keyed "jac".

    >>> def residuals(x, t, y): return x[0] * np.exp(-x[1] * t) - y
    >>> def jac(x, t, y):
    ...     e = np.exp(-x[1] * t)
    ...     return np.stack([e, -x[0] * t * e], axis=1)
    >>> check_jacobian(residuals, jac, x="2", t="m", y="m").verdict
    'proved'

    Raises ValueError (TraceError) for inputs that do not fit the functions.
    """
    one, several = (wrt, ()) if wrt is None or isinstance(wrt, str) else (wrt[0], tuple(wrt))
    arguments = arguments_of("function", function, by_name(inputs, shapes), args,
                             constants or {}, one)
    if several:
        arguments = arguments.packed(several)
    (claim,) = claims_of(function, {"jac": jac}, arguments, seed)
    return within(time_limit, ("jac",), partial(claim.judged, seed, repair_seconds))


def check_hessian(
    function: Callable[..., Any],
    /,
    hess: Callable[..., Any] | None = None,
    *,
    grad: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    args: Sequence[Any] = (),
    wrt: str | None = None,
    inputs: Any = None,
    constants: Mapping[str, Any] | None = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    time_limit: float = TIME_LIMIT,
    **shapes: Any,
) -> CheckResult:
    """Holds hand-written second derivatives against the function they are meant for.

    function: ``f(x, *args)`` in NumPy, which returns a number, or a pair of it and its gradient
        (SciPy's ``jac=True``), which then is checked too.
    hess: ``hess(x, *args)``, H[i, j] = ∂²f/∂x[i]∂x[j].  grad: ``grad(x, *args)``, of the shape of
        x.  hessp: ``hessp(x, p, *args)``, Σ_j H[i, j] p[j].  One of hess and hessp is needed.
    args, wrt, shapes, ...: as for :func:`check_jacobian`.

    The verdicts are keyed "grad", "hess" and "hessp", each for the function alone: a right Hessian
    beside a wrong gradient is right.

    >>> def rosen(x): return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> def hessp(x, p):
    ...     out = np.zeros_like(x)
    ...     out[:-1] += (1200 * x[:-1]**2 - 400 * x[1:] + 2) * p[:-1] - 400 * x[:-1] * p[1:]
    ...     out[1:] += 200 * p[1:] - 400 * x[:-1] * p[:-1]
    ...     return out
    >>> check_hessian(rosen, hessp=hessp, x="n>=2")["hessp"].verdict
    'proved'

    Raises ValueError (TraceError) for inputs that do not fit the functions.
    """
    arguments = arguments_of("function", function, by_name(inputs, shapes), args,
                             constants or {}, wrt)
    if hess is None and hessp is None:
        raise ValueError("hess: expected a function hess(x, *args), or hessp=... of (x, p, *args); "
                         "a gradient alone is for gp.check")
    hands = {"grad": grad, "hess": hess, "hessp": hessp}
    claims = claims_of(function, hands, arguments, seed)
    names = [name for claim in claims for name in claim.orders]
    return within(time_limit, names, lambda: joined(
        [claim.judged(seed, repair_seconds) for claim in claims]))


def claims_of(
    function: Callable[..., Any], hands: Mapping[str, Any], arguments: Arguments, seed: int,
    pair: bool | None = None,
) -> list[Claim]:
    """What there is to check of a function's derivatives: its own, and those that `hands` has, by
    what they are ("jac", "grad", "hess", "hessp"; None for none).

    pair: whether the function returns its gradient beside its value; by default as it does.
    """
    by, general = arguments.by, General(inputs_of(arguments), varied=(arguments.by,))
    value = arguments.call("function", function, first)
    claims = []
    if hands.get("jac") is not None:
        claims.append(Claim(
            arguments.call("function", function, _values), arguments.call(
                "jac", hands["jac"], whole), by, {"jac": "jacobian"}, general))
    if hands.get("grad") is not None:
        grad = arguments.call("grad", hands["grad"], whole)
        claims.append(Claim(value, grad, by, {"grad": "gradient"}, general))
    elif "jac" not in hands and pair is not False and (
            pair or _returns_pair(function, arguments, general, seed)):
        grad = arguments.call("function", function, second)
        claims.append(Claim(value, grad, by, {"grad": "gradient"}, general))
    if hands.get("hess") is not None:
        hess = arguments.call("hess", hands["hess"], whole)
        claims.append(Claim(value, hess, by, {"hess": "hessian"}, general))
    if hands.get("hessp") is not None:
        claims.append(_product(value, hands["hessp"], arguments, seed))
    return claims


def _product(value: Any, hessp: Any, arguments: Arguments, seed: int) -> Claim:
    """A Hessian-vector product: its vector is one input more, like what it is differentiated by."""
    direction = next(name for name in ("p", "v", "direction", "direction_") if
                     name not in arguments.names)
    x = arguments.given[arguments.by]
    if isinstance(x, Array):
        vector: Any = replace(x, name=direction, kind="real")
    elif isinstance(x, str):
        vector = x
    else:
        vector = np.random.default_rng([seed, 5]).standard_normal(np.shape(x))
    wide = replace(arguments, given={**arguments.given, direction: vector})
    return Claim(value, arguments.call("hessp", hessp, whole, direction), arguments.by,
                 {"hessp": "product"}, General(inputs_of(wide), varied=(arguments.by,)), direction)


def inputs_of(arguments: Arguments) -> Inputs:
    """The inputs of a check; what is differentiated by is in floats."""
    given = {name: floating(value) if name == arguments.by else value
             for name, value in arguments.given.items()}
    return Inputs.of(given)


def _returns_pair(
    function: Callable[..., Any], arguments: Arguments, general: General, seed: int
) -> bool:
    """Whether the function returns its gradient as well."""
    call = arguments.call("function", function, lambda found: found)
    try:
        with np.errstate(all="ignore"):
            return is_pair(call.at(general.points(seed)[0].values))
    except Exception:  # it will fail again where that is the finding
        return False


def _values(found: Any) -> Any:
    """What a vector-valued function returns, without the Jacobian that may be beside it."""
    if isinstance(found, tuple) and len(found) == 2 and getattr(found[1], "ndim", 0) == 2 \
            and getattr(found[0], "ndim", 0) == 1:
        return found[0]
    return whole(found)
