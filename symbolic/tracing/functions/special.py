"""SciPy's functions on traced arrays: scipy.special, and what scipy.linalg has of matrices.

SciPy itself is not needed: its functions are known by their modules and names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from ... import elementwise
from ...elementwise import SCALARS
from ...functions import ABS
from ...special import HIGHEST, log_gamma, ndtri
from ..session import Session
from ..sizes import Number, exact
from ..source import fail
from ..tracer import Tracer
from .sequences import as_array
from .ufuncs import apply, result
from .unknowns import SOLVERS

Body = Callable[..., sp.Expr]


def _huber(delta: sp.Expr, r: sp.Expr) -> sp.Expr:
    beyond = delta * (ABS(r) - delta / 2)
    return elementwise.where("<=", ABS(r), delta, r**2 / 2, beyond)


SPECIAL_BODIES: dict[str, Body] = {
    **{name: SCALARS[name].body for name in (
        "gammaln", "loggamma", "psi", "betaln", "erfcx", "ndtri", "erfinv", "erfcinv", "log_ndtr",
        "xlog1py", "rel_entr", "kl_div", "cbrt", "exp2", "exp10")},
    "huber": _huber,
    "pseudo_huber": lambda delta, r: delta**2 * (sp.sqrt(1 + (r / delta) ** 2) - 1),
    "boxcox": lambda x, y: (x**y - 1) / y,
    "inv_boxcox": lambda x, y: (x * y + 1) ** (1 / y),
    "exprel": lambda x: (sp.exp(x) - 1) / x,
    "cosdg": lambda x: sp.cos(x * sp.pi / 180),
    "sindg": lambda x: sp.sin(x * sp.pi / 180),
}
"""SciPy's ufuncs beside those of `ARITHMETIC`; a limit at a place where the formula has no value,
such as that of x log x at 0, is left out."""


def _body(name: str) -> Callable[..., Any]:
    def function(session: Session, *inputs: Any) -> Any:
        entries = [session.entry(x) for x in inputs]
        return result(session, session.pointwise(SPECIAL_BODIES[name], *entries))

    return function


def _polygamma(session: Session, n: Any, x: Any) -> Any:
    order = exact(n)
    if order is None or not order.is_Integer or not 0 <= order < HIGHEST - 2:
        fail("polygamma is traced with a number as its first argument")
    made = session.pointwise(lambda value: log_gamma(int(order) + 1)(value), session.entry(x))
    return result(session, made)


def _multigammaln(session: Session, a: Any, d: Any) -> Any:
    """π^(d(d-1)/4) Π_j Γ(a - j/2), its logarithm."""
    count = exact(d)
    if count is None or not count.is_Integer or count < 1 or count > 64:
        fail("multigammaln is traced with a number as its dimension")
    made: Any = Number(count * (count - 1) * sp.log(sp.pi) / 4)
    for j in range(int(count)):
        made = made + _body("gammaln")(session, a - Number(sp.Rational(j, 2)))
    return made


# --- of whole arrays ----------------------------------------------------------------------------


def _logsumexp(session: Session, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False,
               return_sign: Any = False) -> Any:
    if return_sign:
        fail("logsumexp with return_sign= is not traced")
    array = as_array(session, a)
    if b is None:
        return session.call("logsumexp", array, axis=axis, keepdims=keepdims)
    top = session.call("max", array, axis=axis, keepdims=True)
    total = session.call("sum", b * apply(session, "exp", (array - top,)), axis=axis, keepdims=True)
    found = apply(session, "log", (total,)) + top
    if keepdims:
        return found
    return session.call("squeeze", found, tuple(range(array.ndim)) if axis is None else axis)


def _log_softmax(session: Session, x: Any, axis: Any = None) -> Any:
    array = as_array(session, x)
    return array - session.call("logsumexp", array, axis=axis, keepdims=True)


def _softmax(session: Session, x: Any, axis: Any = None) -> Any:
    return apply(session, "exp", (_log_softmax(session, x, axis),))


# --- matrices -----------------------------------------------------------------------------------


def _factor(session: Session, a: Any, lower: Any = False, **_: Any) -> Any:
    return session.call("linalg.cholesky", a, upper=not lower)


def _cho_factor(session: Session, a: Any, lower: Any = False, **_: Any) -> tuple[Any, bool]:
    """SciPy leaves what it finds in the other triangle; here it is 0, and nothing may read it."""
    return _factor(session, a, lower), bool(lower)


def _cho_solve(session: Session, c_and_lower: Any, b: Any, **_: Any) -> Any:
    factor, lower = c_and_lower
    other = session.call("swapaxes", factor, -1, -2)
    product = session.call("matmul", factor, other) if lower else session.call(
        "matmul", other, factor)
    return session.call("linalg.solve", product, b)


def _solve_triangular(session: Session, a: Any, b: Any, trans: Any = 0, lower: Any = False,
                      unit_diagonal: Any = False, **_: Any) -> Any:
    """Of the triangle alone, as SciPy reads it."""
    if unit_diagonal:
        fail("solve_triangular with unit_diagonal= is not traced")
    half = session.call("tril" if lower else "triu", a)
    if trans in (1, 2, "T", "C"):
        half = session.call("swapaxes", half, -1, -2)
    return session.call("linalg.solve", half, b)


def _solve(session: Session, a: Any, b: Any, *_: Any, **options: Any) -> Any:
    _whole_matrix("solve", options)
    return session.call("linalg.solve", a, b)


def _inv(session: Session, a: Any, *_: Any, **options: Any) -> Any:
    _whole_matrix("inv", options)
    return session.call("linalg.inv", a)


def _whole_matrix(name: str, options: dict[str, Any]) -> None:
    """Of a matrix with a structure SciPy reads a triangle, or a band."""
    if options.get("transposed") or options.get("assume_a") not in (None, "gen", "general"):
        fail(f"scipy.linalg.{name} with transposed= or assume_a= is not traced")


SCIPY: dict[str, Callable[..., Any]] = {
    **{f"special.{name}": _body(name) for name in SPECIAL_BODIES},
    "special.digamma": _body("psi"),
    "special.polygamma": _polygamma,
    "special.multigammaln": _multigammaln,
    "special.logsumexp": _logsumexp,
    "special.softmax": _softmax,
    "special.log_softmax": _log_softmax,
    "linalg.inv": _inv,
    "linalg.det": lambda session, a, *_, **__: session.call("linalg.det", a),
    "linalg.solve": _solve,
    "linalg.cholesky": _factor,
    "linalg.cho_factor": _cho_factor,
    "linalg.cho_solve": _cho_solve,
    "linalg.solve_triangular": _solve_triangular,
    "linalg.norm": lambda session, a, ord=None, axis=None, keepdims=False, **_: session.call(
        "linalg.norm", a, ord, axis, keepdims),
    "linalg.block_diag": lambda session, *arrays: _block_diagonal(session, arrays),
}
"""By module and name."""


def _block_diagonal(session: Session, arrays: Any) -> Any:
    parts = [session.call("atleast_2d", as_array(session, array)) for array in arrays]
    return session.call("block", [
        [part if k == place else session.call("zeros", (other.shape[0], part.shape[1]))
         for k, part in enumerate(parts)] for place, other in enumerate(parts)])


def known(function: Any) -> str | None:
    """The row of a function of SciPy's, by the module that defines it and its name."""
    parts = str(getattr(function, "__module__", "")).split(".")
    key = f"{parts[1]}.{getattr(function, '__name__', '')}" if len(parts) > 1 else ""
    return key if parts[0] == "scipy" and key in {**SCIPY, **SOLVERS} else None


class Distribution:
    """A continuous distribution of scipy.stats with a place and a scale."""

    def __init__(self, session: Session, plain: Any) -> None:
        self._session = session
        self._plain = plain
        # Not by names that SciPy's own have, which are asked for as `norm._cdf`.
        self._below, self._quantile = DISTRIBUTIONS[type(plain).__name__]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        name = name.removeprefix("_")
        body = self._body(name)
        if body is None:
            return found

        def method(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
            if not any(isinstance(y, (Tracer, Number)) for y in (x, loc, scale)):
                return found(x, loc, scale)
            session = self._session
            array = as_array(session, x)
            if name == "ppf":
                return result(session, session.pointwise(body, array.operand)) * scale + loc
            standard = (array - loc) / scale
            made = result(session, session.pointwise(body, standard.operand))
            if name == "pdf":
                return made / scale
            return made - apply(session, "log", (scale,)) if name == "logpdf" else made

        return method

    def _body(self, name: str) -> Body | None:
        """Of the standard distribution; a density is the slope of what is below."""
        z = sp.Symbol("z", real=True)
        below = self._below(z)
        density = sp.diff(below, z)
        bodies = {
            "cdf": below, "sf": 1 - below, "logcdf": sp.log(below), "logsf": sp.log(1 - below),
            "pdf": density, "logpdf": sp.expand_log(sp.log(density), force=True),
            "ppf": self._quantile(z),
        }
        found = bodies.get(name)
        return None if found is None else lambda x: found.xreplace({z: x})


DISTRIBUTIONS: dict[str, tuple[Body, Body]] = {
    "norm_gen": (elementwise.normal, ndtri),
    "cauchy_gen": (lambda z: sp.Rational(1, 2) + sp.atan(z) / sp.pi,
                   lambda p: -1 / sp.tan(sp.pi * p)),
    "logistic_gen": (lambda z: 1 / (1 + sp.exp(-z)), lambda p: sp.log(p / (1 - p))),
    "gumbel_r_gen": (lambda z: sp.exp(-sp.exp(-z)), lambda p: -sp.log(-sp.log(p))),
    "gumbel_l_gen": (lambda z: 1 - sp.exp(-sp.exp(z)), lambda p: sp.log(-sp.log(1 - p))),
}
"""By the class of SciPy's: the distribution function and the quantile of the standard one."""
