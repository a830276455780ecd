"""Two functions as the passes of an autograd function, whose parameters have names of their own.

run: takes the inputs as one tuple.  back: takes that, the value, and the cotangent, and returns a
tuple of gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Run = Callable[..., Any]


def _of_one(run: Run, back: Run) -> Any:
    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            ctx.given = (a,)
            ctx.result = run(ctx.given)
            return ctx.result

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return back(ctx.given, ctx.result, grad)

    return Rule


def _of_two(run: Run, back: Run) -> Any:
    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.given = (a, b)
            ctx.result = run(ctx.given)
            return ctx.result

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return back(ctx.given, ctx.result, grad)

    return Rule


def _of_three(run: Run, back: Run) -> Any:
    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any, c: Any) -> Any:
            ctx.given = (a, b, c)
            ctx.result = run(ctx.given)
            return ctx.result

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return back(ctx.given, ctx.result, grad)

    return Rule


def rule(count: int, run: Run, back: Run) -> Any:
    """An autograd function of one array to three, which are called a, b and c."""
    return {1: _of_one, 2: _of_two, 3: _of_three}[count](run, back)
