"""Random draws, and what a trace cannot hold.

A draw is an array that no formula gives.  A trace may hold it as long as no result reads it and
nothing is decided by it (the initial value of a weight that is then overwritten); the rest fails
where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...layers.builder import Operand
from ..session import Dtype, Session
from ..sizes import exact
from ..source import SESSION, fail

ADVICE = ("a trace holds for every input, and a random draw is none; hand it in as an argument (a "
          "dropout mask, say, with kind='mask')")


def drawn(what: str, shape: Any = None, kind: Dtype = "float") -> Any:
    """An array (or a number) of which nothing is known."""
    session: Session = SESSION.get()
    sizes = () if shape is None else shape if isinstance(shape, (tuple, list)) else (shape,)
    found = tuple(map(exact, sizes))
    if any(size is None or not size.is_positive for size in found):
        fail(f"{what} of shape {shape!r:.60}")
    why = f"{what}: {ADVICE}" if "random" in what else f"{what} differs from run to run"
    operand: Operand = session.unseen_array(
        found, why, "integer" if kind == "int" else "real")
    if kind == "int":
        session.integers.add(operand.name)
    return session.array(operand, kind)


_BY_SIZE = {
    "normal": 2, "uniform": 2, "standard_normal": 0, "random": 0, "random_sample": 0, "ranf": 0,
    "sample": 0, "randint": 2, "integers": 2, "laplace": 2, "exponential": 1, "gamma": 2,
    "beta": 2, "binomial": 2, "poisson": 1, "lognormal": 2, "choice": 1, "logistic": 2,
    "gumbel": 2, "chisquare": 1, "standard_gamma": 1, "rademacher": 0,
}  # fmt: skip
"""The place of `size` among the arguments of NumPy's distributions."""

_WHOLE = ("randint", "integers", "binomial", "poisson", "randrange", "multinomial")
_SCALARS = frozenset({
    "betavariate", "expovariate", "gammavariate", "gauss", "lognormvariate", "normalvariate",
    "paretovariate", "triangular", "vonmisesvariate", "weibullvariate", "getrandbits",
})
"""What the standard library's generators give."""

_MAKERS = ("RandomState", "Generator", "default_rng", "Random", "SystemRandom", "SeedSequence",
           "PCG64", "MT19937", "Philox")
_SETTINGS = ("seed", "set_state")


_OF_VECTORS = {"multivariate_normal": 2, "dirichlet": 1, "multinomial": 2}
"""Distributions of vectors, and the place of `size` among their arguments."""


def len_of(value: Any) -> Any:
    """The size of the first axis."""
    return value.shape[0] if hasattr(value, "shape") else len(value)


def _permuted(what: str, name: str, value: Any) -> Any:
    """An order that is drawn: of the places below a size, or of an array's rows."""
    if name == "shuffle" and not hasattr(value, "replace"):
        fail(f"{what} of an array of numbers: {ADVICE}")
    shape = value.shape if hasattr(value, "shape") else (
        len(value) if isinstance(value, (list, tuple)) else value,)
    made = drawn(what, shape, "float" if getattr(value, "kind", "int") == "float" else "int")
    if name == "shuffle":
        value.replace(made)
        return None
    return made


class Random:
    """np.random, random, or a generator: what it gives is drawn."""

    def __init__(self, name: str = "random") -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> Random:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _MAKERS:
            return Random(name)
        if name in _SETTINGS:
            return lambda *_, **__: None
        return lambda *args, **options: self._draw(name, args, options)

    def _draw(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        what = f"random.{name} in the function"
        kind: Dtype = "int" if name in _WHOLE else "float"
        if name in ("rand", "randn"):
            return drawn(what, args or None)
        if name in _SCALARS:
            return drawn(what)
        if name in ("permutation", "shuffle", "permuted"):
            return _permuted(what, name, args[0] if args else None)
        place = {**_BY_SIZE, **_OF_VECTORS}.get(name, len(args))
        size = options.get("size", args[place] if len(args) > place else None)
        if name in _OF_VECTORS and args:
            sizes = () if size is None else size if isinstance(size, (tuple, list)) else (size,)
            return drawn(what, (*sizes, len_of(args[1 if name == "multinomial" else 0])), kind)
        if name in _BY_SIZE:
            if size is None and name != "choice" and any(
                    getattr(x, "ndim", 0) or isinstance(x, (list, tuple))
                    for x in (*args, *options.values())):
                fail(f"{what}: {ADVICE}")
            return drawn(what, size, kind)
        fail(f"{what}: {ADVICE}")


class Unseen:
    """Something whose state a trace does not follow; any use of it fails."""

    def __init__(self, what: str) -> None:
        object.__setattr__(self, "_what", what)

    def _fail(self, *_: Any, **__: Any) -> Any:
        fail(f"{self._what} is used, which differs from run to run or from call to call")

    def __getattr__(self, name: str) -> Any:
        if name == "__dict__":
            raise AttributeError(name)
        self._fail()

    __call__ = __iter__ = __next__ = __len__ = __getitem__ = __setitem__ = __contains__ = _fail
    __enter__ = __bool__ = __setattr__ = __delitem__ = __eq__ = __lt__ = _fail
    __hash__ = None  # type: ignore[assignment]


def refused(what: str, why: str) -> Callable[..., Any]:
    """A function that cannot be a part of a trace."""
    def refuse(*_: Any, **__: Any) -> Any:
        fail(f"{what} in the function: {why}")

    return refuse
