"""The problems in PyTorch: a text of equations as Python reads it, a NumPy function on tensors.

Python's own grammar and PyTorch's functions share nothing with what reads and derives the texts.
"""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from problems.problem import Problem

Tensor = torch.Tensor
special = torch.special


def loss_of(problem: Problem) -> Callable[..., Any]:
    """The loss as a function of tensors by name."""
    if problem.peer is not None:
        return problem.peer
    if isinstance(problem.source, str):
        return lambda **tensors: run(problem.text, {**problem.numbers, **tensors})
    function = types.FunctionType(
        problem.source.__code__, {**problem.source.__globals__, "np": NUMPY, "special": NUMPY})
    return lambda **tensors: function(**tensors)


def measured(problem: Problem, values: Mapping[str, Any], by: str = ""
             ) -> tuple[float, dict[str, Any], Any]:
    """Loss, gradients, and the Hessian by the array `by`, in float64."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        wrt = problem.derivation.gradients
        tensors = {name: torch.tensor(value, requires_grad=value.dtype.kind == "f")
                   for name, value in values.items()}
        loss = torch.as_tensor(loss_of(problem)(**tensors))
        found = torch.autograd.grad(loss, [tensors[name] for name in wrt], create_graph=bool(by),
                                    allow_unused=True)
        gradients = {name: _array(g, tensors[name]) for name, g in zip(wrt, found, strict=True)}
        second = None
        if by:
            slope = dict(zip(wrt, found, strict=True))[by]
            second = _rows(slope, tensors[by])
        return float(loss.detach()), gradients, second
    finally:
        torch.set_default_dtype(default)


def _array(found: Tensor | None, like: Tensor) -> Any:
    return np.zeros(like.shape) if found is None else found.detach().numpy()


def _rows(slope: Tensor | None, x: Tensor) -> Any:
    """The Jacobian of a gradient, an entry at a time."""
    if slope is None or not slope.requires_grad:
        return np.zeros((*x.shape, *x.shape))
    rows = [_array(torch.autograd.grad(entry, x, retain_graph=True, allow_unused=True)[0], x)
            for entry in slope.reshape(-1)]
    return np.reshape(np.stack(rows), (*x.shape, *x.shape))


# --- functions ------------------------------------------------------------------------------------


def tensor(x: Any) -> Tensor:
    return x.to(torch.float64) if isinstance(x, Tensor) else torch.as_tensor(x, dtype=torch.float64)


def entrywise(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: function(*map(tensor, xs))


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduced(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = tensor(x)
        axes = tuple(range(x.ndim)) if axis is None else axis
        return function(x, dim=axes, keepdim=keepdims)
    return reduced


def along(function: Callable[..., Any], default: int = -1) -> Callable[..., Any]:
    return lambda x, axis=default: function(tensor(x), dim=axis)


def variance(x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    return torch.var(x, dim=dim, keepdim=keepdim, correction=0)


def deviation(x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    return variance(x, dim, keepdim).sqrt()


def diag(x: Tensor) -> Tensor:
    return torch.diag(x) if x.ndim < 2 else torch.diagonal(x)


def derivative(f: Tensor, x: Tensor) -> Tensor:
    found = torch.autograd.grad(f, x, create_graph=True, allow_unused=True)[0]
    return torch.zeros_like(x) if found is None else found


def jacobian(y: Tensor, x: Tensor) -> Tensor:
    rows = [derivative(entry, x) for entry in y.reshape(-1)]
    return torch.stack(rows).reshape(*y.shape, *x.shape)


def transposed(x: Tensor, *axes: Any) -> Tensor:
    axes = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else axes
    return x.permute(*(axes or reversed(range(x.ndim))))


WORDS: dict[str, Any] = {
    **{name: entrywise(getattr(torch, name)) for name in (
        "exp", "log", "log1p", "expm1", "sqrt", "square", "reciprocal", "sin", "cos", "tan",
        "arcsin", "arccos", "arctan", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "erf",
        "erfc", "lgamma", "digamma", "sigmoid", "tanh", "relu", "abs", "sign", "maximum",
        "minimum", "logaddexp", "arctan2", "hypot", "floor")},
    "ndtr": entrywise(special.ndtr), "log_ndtr": entrywise(special.log_ndtr),
    "xlogy": entrywise(special.xlogy), "softplus": entrywise(torch.nn.functional.softplus),
    "log_sigmoid": entrywise(torch.nn.functional.logsigmoid),
    "trigamma": entrywise(lambda x: special.polygamma(1, x)), "logit": entrywise(torch.logit),
    "gelu": entrywise(torch.nn.functional.gelu), "silu": entrywise(torch.nn.functional.silu),
    "leaky_relu": entrywise(torch.nn.functional.leaky_relu),
    "step": entrywise(lambda x: (x > 0).to(x.dtype)), "power": entrywise(torch.pow),
    "sum": reduction(torch.sum), "mean": reduction(torch.mean), "max": reduction(torch.amax),
    "min": reduction(torch.amin), "var": reduction(variance), "std": reduction(deviation),
    "norm": reduction(torch.linalg.vector_norm), "logsumexp": reduction(torch.logsumexp),
    "prod": lambda x, axis=None: torch.prod(x) if axis is None else torch.prod(x, dim=axis),
    "softmax": along(torch.softmax), "log_softmax": along(torch.log_softmax),
    "cumsum": along(torch.cumsum, 0), "cumprod": along(torch.cumprod, 0),
    "diag": diag, "eye": torch.eye, "tr": torch.trace, "trace": torch.trace,
    "inv": torch.linalg.inv, "det": torch.linalg.det, "logdet": torch.logdet,
    "cholesky": torch.linalg.cholesky, "solve": torch.linalg.solve, "slogdet": torch.linalg.slogdet,
    "dot": torch.matmul, "matmul": torch.matmul, "outer": torch.outer, "einsum": torch.einsum,
    "transpose": transposed, "swapaxes": torch.swapaxes, "reshape": lambda x, *s: x.reshape(*s),
    "tril": torch.tril, "triu": torch.triu, "arange": torch.arange,
    "zeros": lambda *s: torch.zeros(*s), "ones": lambda *s: torch.ones(*s),
    "where": lambda c, a, b: torch.where(c != 0, tensor(a), tensor(b)), "number": tensor,
    "clip": lambda x, a, b: torch.clamp(x, a, b),
    "stack": lambda xs, axis=0: torch.stack(list(map(tensor, xs)), axis),
    "concatenate": lambda xs, axis=0: torch.cat(list(xs), axis),
    "one_hot": lambda y, k: torch.nn.functional.one_hot(y, k).to(torch.float64),
    "grad": derivative, "jacobian": jacobian, "stop_gradient": lambda x: x.detach(),
    "diff": lambda x, axis=-1: torch.diff(x, dim=axis), "roll": torch.roll,
    "conv1d": torch.nn.functional.conv1d, "conv2d": torch.nn.functional.conv2d,
    "pi": np.pi, "e": np.e,
}

NUMPY = types.SimpleNamespace(
    **WORDS,
    linalg=types.SimpleNamespace(**{name: WORDS[name] for name in (
        "inv", "det", "slogdet", "cholesky", "solve", "norm")}),
    gammaln=WORDS["lgamma"], expit=WORDS["sigmoid"], psi=WORDS["digamma"], newaxis=None,
    power_=None, zeros_like=torch.zeros_like, ones_like=torch.ones_like, float64=torch.float64,
)
"""What functions of the table read of NumPy and of scipy.special."""


# --- texts ----------------------------------------------------------------------------------------

COUNTED = re.compile(r" for (\w+) in range\((\w+)\)$", re.M)


class Numbers(ast.NodeTransformer):
    """NumPy computes with truth values as with numbers, PyTorch does not subtract them."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return ast.Call(ast.Name("number", ast.Load()), [node], [])


def run(text: str, names: dict[str, Any]) -> Any:
    """The last value of a text of equations, run as Python with PyTorch's functions."""
    scope: dict[str, Any] = {**WORDS, "__builtins__": {"__import__": __import__}, **names}
    counted = dict(COUNTED.findall(text))
    statements = ast.parse(COUNTED.sub("", text)).body
    last: Any = None
    while statements:
        first = statements.pop(0)
        if index := _step_of(first, scope):
            block = [first]
            while statements and _step_of(statements[0], scope) == index:
                block.append(statements.pop(0))
            steps = counted.get(index)
            _loop(block, index, scope, steps and int(scope.get(steps, steps)))
            continue
        if isinstance(first, ast.Expr):
            return _value(first.value, scope)
        assert isinstance(first, ast.Assign)
        last = _value(first.value, scope)
        _store(first.targets[0], last, scope)
    return last


def _store(target: ast.expr, value: Any, scope: dict[str, Any]) -> None:
    if isinstance(target, ast.Name):
        scope[target.id] = value
    elif isinstance(target, ast.Tuple):
        for part, each in zip(target.elts, value, strict=True):
            _store(part, each, scope)
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        given = scope.get(target.value.id)  # what stands before the first step
        steps = given if isinstance(given, Steps) else Steps(
            enumerate(given) if isinstance(given, Tensor) else {})
        steps[int(_value(target.slice, scope))] = value
        scope[target.value.id] = steps


class Steps(dict[int, Any]):
    """The values of a recurrence by step."""

    def whole(self, steps: int) -> Tensor:
        return torch.stack([tensor(self[t]) for t in range(steps)])


def _step_of(node: ast.stmt, scope: dict[str, Any]) -> str:
    """t for a statement `h[t] = ...`, else ""."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        at = node.targets[0].slice
        if isinstance(at, ast.Name) and at.id not in scope:
            return at.id
    return ""


def _value(node: ast.expr, scope: dict[str, Any]) -> Any:
    tree = ast.fix_missing_locations(Numbers().visit(ast.Expression(node)))
    return eval(compile(tree, "<text>", "eval"), scope)


def _loop(block: list[Any], index: str, scope: dict[str, Any], steps: int | None) -> None:
    """`h[t] = ...` for every step, upwards, or downwards where h[t+1] is read."""
    made = [statement.targets[0].value.id for statement in block]
    reads: list[Any] = [part for statement in block for part in ast.walk(statement.value)
                        if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)]
    if steps is None:
        steps = next(len(scope[part.value.id]) for part in reads if part.value.id not in made
                     and index in (getattr(part.slice, "id", ""),
                                   getattr(getattr(part.slice, "left", None), "id", "")))
    down = any(part.value.id in made and isinstance(part.slice, ast.BinOp)
               and isinstance(part.slice.op, ast.Add) for part in reads)
    for name in made:
        if not isinstance(scope.get(name), Steps):
            scope[name] = Steps()
    first = 0 if down else max(max(scope[name], default=-1) + 1 for name in made)
    for t in reversed(range(steps)) if down else range(first, steps):
        scope[index] = t
        for statement, name in zip(block, made, strict=True):
            scope[name][t] = _value(statement.value, scope)
    for name in made:
        scope[name] = scope[name].whole(steps)
    del scope[index]
