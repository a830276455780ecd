"""Checks as assertions, for tests: they raise with the whole story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from gradproof.checks.functions import check
from gradproof.checks.layers import check_layer
from gradproof.checks.orders.boosting import check_objective
from gradproof.checks.orders.derivatives import check_hessian, check_jacobian
from gradproof.checks.orders.kinds import checked
from gradproof.checks.results import ORDER, CheckResult

Required = Literal["agrees", "proved"]


def assert_gradient(
    loss: Callable[..., Any] | str,
    gradient: Callable[..., Any] | str | Mapping[str, str],
    /,
    *,
    require: Required = "agrees",
    **options: Any,
) -> CheckResult:
    """:func:`check`, with an AssertionError unless every gradient is at least as `require` says.

    >>> import numpy as np
    >>> result = assert_gradient(lambda x: np.sum(x**2), lambda x: 2 * x, x="n", require="proved")
    >>> assert_gradient(lambda x: np.sum(x**2), lambda x: x, x="n")
    Traceback (most recent call last):
        ...
    AssertionError: x: refuted
    ...

    Raises ValueError as :func:`check` does; an input called `require` goes in `inputs`.
    """
    __tracebackhide__ = True  # so that pytest shows the line of the test
    return _required(check(loss, gradient, **options), require)


def assert_layer(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    /,
    *,
    require: Required = "agrees",
    **options: Any,
) -> CheckResult:
    """:func:`check_layer`, with an AssertionError as :func:`assert_gradient` has it."""
    __tracebackhide__ = True
    return _required(check_layer(forward, backward, **options), require)


def assert_jacobian(
    function: Callable[..., Any], /, jac: Callable[..., Any], *, require: Required = "agrees",
    **options: Any,
) -> CheckResult:
    """:func:`check_jacobian`, with an AssertionError as :func:`assert_gradient` has it."""
    __tracebackhide__ = True
    return _required(check_jacobian(function, jac, **options), require)


def assert_hessian(
    function: Callable[..., Any], /, hess: Callable[..., Any] | None = None, *,
    require: Required = "agrees", **options: Any,
) -> CheckResult:
    """:func:`check_hessian`, with an AssertionError as :func:`assert_gradient` has it."""
    __tracebackhide__ = True
    return _required(check_hessian(function, hess, **options), require)


def assert_objective(
    loss: Callable[..., Any], objective: Any, /, *, require: Required = "agrees", **options: Any
) -> CheckResult:
    """:func:`check_objective`, with an AssertionError as :func:`assert_gradient` has it."""
    __tracebackhide__ = True
    return _required(check_objective(loss, objective, **options), require)


def assert_marked(
    order: str, function: Callable[..., Any], hand: Any, /, *, require: Required = "agrees",
    **options: Any,
) -> CheckResult:
    """The check of a marked function, with an AssertionError as :func:`assert_gradient` has it."""
    __tracebackhide__ = True
    return _required(checked(order, function, hand, **options), require)


def _required(result: CheckResult, require: Required) -> CheckResult:
    __tracebackhide__ = True
    if require not in ("agrees", "proved"):
        raise ValueError(f'require: expected "agrees" or "proved", got {require!r}')
    held = ORDER.index(result.verdict) >= ORDER.index(require)
    passed_over = require == "proved" and bool(result.why_unchecked)
    if held and not passed_over:
        return result
    note = ""
    if held:
        note = (f"\nrequired: proved; nothing checks the gradient by "
                f"{', '.join(result.unchecked)}; what else is meant, say with wrt=[...]")
    elif result.verdict == "agrees":
        note = '\nrequired: proved; where numbers are enough, use require="agrees"'
    raise AssertionError(f"{result}{note}")
