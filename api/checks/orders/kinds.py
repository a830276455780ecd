"""What a hand-written function may be of another, each with the check that it goes through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradproof.checks.functions import check
from gradproof.checks.layers import check_derivative, check_layer
from gradproof.checks.orders.boosting import check_objective
from gradproof.checks.orders.derivatives import check_hessian, check_jacobian
from gradproof.checks.results import CheckResult


def checked(
    order: str, function: Callable[..., Any] | None, hand: Any, **options: Any
) -> CheckResult:
    """What is found of `hand` as the derivative of `function` that `order` says (``ORDERS`` of
    :mod:`hand_files`); without a function, as a layer that has both passes."""
    if function is None:
        return check_layer(hand, **options)
    if order == "layer":
        return check_layer(function, hand, **options)
    if order == "derivative":
        return check_derivative(function, hand, **options)
    if order == "jacobian":
        return check_jacobian(function, hand, **options)
    if order == "hessian":
        return check_hessian(function, hand, **options)
    if order == "product":
        return check_hessian(function, hessp=hand, **options)
    if order == "objective":
        return check_objective(function, hand, **options)
    return check(function, hand, **options)
