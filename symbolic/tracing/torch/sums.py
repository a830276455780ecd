"""PyTorch's sums, norms, products and matrix functions, in NumPy's words.

A row takes NumPy first and then the parameters of PyTorch's function, by its names.
"""

from __future__ import annotations

from typing import Any

from ..source import fail
from .tensor import Extremes, Row, Tensor


def _axes(dim: Any) -> Any:
    """All axes for None and for an empty list, as PyTorch has it."""
    if isinstance(dim, (list, tuple)):
        return tuple(dim) or None
    return dim


# --- reductions ---------------------------------------------------------------------------------


def _reduction(name: str) -> Row:
    def reduce(
        xp: Any, input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
    ) -> Any:
        return getattr(xp, name)(cast(input, dtype), axis=_axes(dim), keepdims=keepdim)

    return reduce


def cast(input: Any, dtype: Any) -> Any:
    """As ``dtype=`` has it before a sum."""
    if dtype is None:
        return input
    wanted = Tensor.kinds.get(dtype)
    if wanted is None or wanted.kind != "f":
        fail(f"dtype={dtype} of a function of PyTorch's is not traced")
    return input.astype(wanted, copy=False)


def prod(xp: Any, input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    return xp.prod(cast(input, dtype), axis=dim, keepdims=keepdim)


def _variance(name: str) -> Row:
    def variance(
        xp: Any, input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
        correction: Any = 1,
    ) -> Any:
        if isinstance(dim, bool):  # var(unbiased), the older order
            dim, unbiased = None, dim
        less = correction if unbiased is None else int(unbiased)
        return getattr(xp, name)(input, axis=_axes(dim), ddof=less, keepdims=keepdim)

    return variance


def _both(first: str, second: str) -> Row:
    one, other = _variance(first), _reduction(second)

    def pair(xp: Any, input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False,
             *, correction: Any = 1) -> Any:
        return (one(xp, input, dim, unbiased, keepdim, correction=correction),
                other(xp, input, dim, keepdim))

    return pair


def _extreme(name: str) -> Row:
    entrywise = "maximum" if name == "max" else "minimum"

    def extreme(xp: Any, input: Any, dim: Any = None, keepdim: bool = False, other: Any = None
                ) -> Any:
        if other is not None or hasattr(dim, "shape"):
            return getattr(xp, entrywise)(input, dim if other is None else other)
        if dim is None:
            return getattr(xp, name)(input)
        places = getattr(xp, f"arg{name}")(input, axis=dim)
        if keepdim:
            places = xp.expand_dims(places, dim)
        return Extremes(getattr(xp, name)(input, axis=dim, keepdims=keepdim), places)

    return extreme


def _place(name: str) -> Row:
    def place(xp: Any, input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        found = getattr(xp, name)(input, axis=dim)
        return xp.expand_dims(found, dim) if keepdim and dim is not None else found

    return place


def logsumexp(xp: Any, input: Any, dim: Any, keepdim: bool = False) -> Any:
    return xp.special("logsumexp", input, axis=_axes(dim), keepdims=keepdim)


def softmax(xp: Any, input: Any, dim: Any = None, dtype: Any = None, _stacklevel: int = 3) -> Any:
    return xp.special("softmax", cast(input, dtype), axis=_given("softmax", dim))


def softmin(xp: Any, input: Any, dim: Any = None, dtype: Any = None, _stacklevel: int = 3) -> Any:
    return softmax(xp, -input, dim, dtype)


def log_softmax(
    xp: Any, input: Any, dim: Any = None, dtype: Any = None, _stacklevel: int = 3
) -> Any:
    return xp.special("log_softmax", cast(input, dtype), axis=_given("log_softmax", dim))


def _given(name: str, dim: Any) -> int:
    if dim is None:
        fail(f"{name} without dim= is along an axis that PyTorch chooses; give dim=-1")
    return int(dim)


def norm(xp: Any, input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False,
         dtype: Any = None) -> Any:
    """torch.norm: of all entries as a vector; p = 2 for "fro"."""
    return vector_norm(xp, cast(input, dtype), 2 if p == "fro" else p, dim, keepdim)


def vector_norm(xp: Any, x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *,
                dtype: Any = None) -> Any:
    axes, x = _axes(dim), cast(x, dtype)
    if ord == 2:
        return xp.sqrt(xp.sum(x * x, axis=axes, keepdims=keepdim))
    if ord == 1:
        return xp.sum(xp.abs(x), axis=axes, keepdims=keepdim)
    if ord in (float("inf"), "inf"):
        return xp.max(xp.abs(x), axis=axes, keepdims=keepdim)
    if not isinstance(ord, (int, float)) or ord <= 0:
        fail(f"a norm of order {ord!r} is not traced")
    return xp.sum(xp.abs(x) ** ord, axis=axes, keepdims=keepdim) ** (1 / ord)


def normalize(xp: Any, input: Any, p: Any = 2.0, dim: Any = 1, eps: Any = 1e-12) -> Any:
    return input / xp.maximum(vector_norm(xp, input, p, dim, True), eps)


def cumsum(xp: Any, input: Any, dim: Any, *, dtype: Any = None) -> Any:
    return xp.cumsum(cast(input, dtype), axis=dim)


def cumprod(xp: Any, input: Any, dim: Any, *, dtype: Any = None) -> Any:
    return xp.cumprod(cast(input, dtype), axis=dim)


# --- products -----------------------------------------------------------------------------------


def addmm(xp: Any, input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = mat1 @ mat2
    return (input if beta == 1 else beta * input) + (product if alpha == 1 else alpha * product)


def addbmm(xp: Any, input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * input + alpha * xp.sum(batch1 @ batch2, axis=0)


def addr(xp: Any, input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * input + alpha * xp.outer(vec1, vec2)


def einsum(xp: Any, equation: Any, *operands: Any) -> Any:
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    return xp.einsum(equation, *operands)


def tensordot(xp: Any, a: Any, b: Any, dims: Any = 2) -> Any:
    return xp.tensordot(a, b, axes=dims)


def _matmul(xp: Any, input: Any, other: Any) -> Any:
    return xp.matmul(input, other)


def _rows_dot(xp: Any, input: Any, other: Any, *, dim: Any = -1) -> Any:
    return xp.sum(input * other, axis=dim)


def linear(xp: Any, input: Any, weight: Any, bias: Any = None) -> Any:
    product = xp.matmul(input, xp.swapaxes(weight, -1, -2) if weight.ndim > 1 else weight)
    return product if bias is None else product + bias


def cdist(xp: Any, x1: Any, x2: Any, p: Any = 2.0, compute_mode: Any = None) -> Any:
    apart = xp.expand_dims(x1, -2) - xp.expand_dims(x2, -3)
    return vector_norm(xp, apart, p, -1)


def cosine_similarity(xp: Any, x1: Any, x2: Any, dim: Any = 1, eps: Any = 1e-8) -> Any:
    return xp.sum(x1 * x2, axis=dim) / (
        xp.maximum(vector_norm(xp, x1, 2, dim), eps) * xp.maximum(vector_norm(xp, x2, 2, dim), eps))


def matrix_or_vector_norm(xp: Any, A: Any, ord: Any = None, dim: Any = None,
                          keepdim: bool = False, *, dtype: Any = None) -> Any:
    """torch.linalg.norm: over two axes the norm of a matrix, of which only Frobenius' is traced."""
    pair = (isinstance(dim, (tuple, list)) and len(dim) == 2) or (dim is None and A.ndim == 2)
    if ord is not None and pair and ord != "fro":
        fail(f"the norm of order {ord!r} of a matrix is not traced")
    return vector_norm(xp, A, 2 if ord in (None, "fro") else ord, dim, keepdim, dtype=dtype)


def _matrices(name: str) -> Row:
    return lambda xp, *args: getattr(xp.linalg, name)(*args)


def logdet(xp: Any, input: Any) -> Any:
    xp.assume("a determinant that torch.logdet is taken of is positive")  # else it is no number
    return xp.linalg.slogdet(input)[1]


_MATRICES = ("inv", "det", "solve", "cholesky", "slogdet", "matrix_power", "eigh", "pinv", "svd")

LINALG: dict[str, Row] = {
    **{name: _matrices(name) for name in _MATRICES},
    "norm": matrix_or_vector_norm,
    "vector_norm": vector_norm, "multi_dot": lambda xp, tensors: xp.linalg.multi_dot(tensors),
    "matmul": _matmul, "diagonal": lambda xp, A, *, offset=0, dim1=-2, dim2=-1: xp.diagonal(
        A, offset, dim1, dim2),
    "vecdot": _rows_dot,
}

"""torch.linalg"""

SUMS: dict[str, Row] = {
    "sum": _reduction("sum"), "mean": _reduction("mean"), "prod": prod, "amax": _reduction("max"),
    "amin": _reduction("min"), "all": _reduction("all"), "any": _reduction("any"),
    "nansum": _reduction("nansum"), "nanmean": _reduction("nanmean"),
    "max": _extreme("max"), "min": _extreme("min"), "argmax": _place("argmax"),
    "argmin": _place("argmin"), "var": _variance("var"), "std": _variance("std"),
    "var_mean": _both("var", "mean"), "std_mean": _both("std", "mean"), "logsumexp": logsumexp,
    "softmax": softmax, "log_softmax": log_softmax, "norm": norm, "cumsum": cumsum,
    "cumprod": cumprod, "matmul": _matmul, "mm": _matmul, "bmm": _matmul, "mv": _matmul,
    "dot": _matmul, "vdot": _matmul, "inner": lambda xp, input, other: xp.inner(input, other),
    "outer": lambda xp, input, vec2: xp.outer(input, vec2),
    "ger": lambda xp, input, vec2: xp.outer(input, vec2), "addmm": addmm, "addmv": addmm,
    "baddbmm": addmm, "addbmm": addbmm, "addr": addr,
    "kron": lambda xp, input, other: xp.kron(input, other),
    "trace": lambda xp, input: xp.trace(input), "det": lambda xp, input: xp.linalg.det(input),
    "logdet": logdet,
    "slogdet": lambda xp, input: xp.linalg.slogdet(input),
    "count_nonzero": lambda xp, input, dim=None: xp.count_nonzero(input, axis=dim),
    "inverse": lambda xp, input: xp.linalg.inv(input),
}
"""Those that are functions and methods of tensors."""
