"""What a hand-written function may be of another, each with the check that it goes through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradproof.checks.functions import check
from gradproof.checks.orders.boosting import check_objective
from gradproof.checks.orders.derivatives import check_hessian, check_jacobian
from gradproof.checks.results import CheckResult


def checked(
    order: str, function: Callable[..., Any], hand: Any, **options: Any
) -> CheckResult:
    """What is found of `hand` as the derivative of `function` that `order` says (``ORDERS`` of
    :mod:`hand_files`)."""
    if order == "jacobian":
        return check_jacobian(function, hand, **options)
    if order == "hessian":
        return check_hessian(function, hand, **options)
    if order == "product":
        return check_hessian(function, hessp=hand, **options)
    if order == "objective":
        return check_objective(function, hand, **options)
    return check(function, hand, **options)
