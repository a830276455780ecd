"""A derivative by a matrix from its Kronecker factors: two small arrays and one outer product,
instead of a sum for each of its entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from ..symbolic.equation import Equation
from ..symbolic.matrices.kronecker import Kronecker, kronecker_form

Environment: TypeAlias = dict[str, Any]
Step: TypeAlias = Callable[[Environment, dict[sp.Symbol, int]], None]


def kronecker_step(equation: Equation, step: Callable[[Equation], Step]) -> Step | None:
    """What computes the equation, `step` making the functions for its factors; None where it is
    no sum of such products."""
    if len(equation.out) not in (3, 4):
        return None
    products = next(filter(None, (kronecker_form(equation, n) for n in (2, 1))), None)
    if products is None or any(product.way == "diagonal" for product in products):
        return None
    parts = [_part(equation, product, step) for product in products]

    def run(environment: Environment, sizes: dict[sp.Symbol, int]) -> None:
        environment[equation.name] = sum(part(environment, sizes) for part in parts)

    return run


def _part(
    equation: Equation, product: Kronecker, step: Callable[[Equation], Step]
) -> Callable[[Environment, dict[sp.Symbol, int]], Any]:
    left, right = (
        replace(side, name=f"{equation.name} {place}")
        for place, side in enumerate((product.left, product.right))
    )
    steps = step(left), step(right)
    order = [index.name for index in equation.out]
    at = [[order.index(index.name) for index in side.out] for side in (left, right)]
    places = list(range(len(order)))
    number = float(product.number)

    def run(environment: Environment, sizes: dict[sp.Symbol, int]) -> Any:
        inner = dict(environment)
        for one in steps:
            one(inner, sizes)
        value = np.einsum(inner[left.name], at[0], inner[right.name], at[1], places)
        return value if number == 1 else number * value

    return run

