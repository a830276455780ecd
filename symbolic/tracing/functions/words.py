"""NumPy's functions and subscripts for a door that has no program to run: a text.

What a function of NumPy's is as equations stands once, in `functions`; a text calls it by its name
on arrays of its own builder.  There is no run in which something could be taken for granted, so
what holds for some sizes only is a failure, unless the sizes are known to be such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from ...layers.builder import Builder, Operand
from ..run import run_traced
from ..session import Dtype, Session
from ..sizes import Number, exact
from ..source import fail
from ..tracer import Tracer
from ..unbounded import FUNCTIONS as BEYOND
from ..unbounded import any_beyond
from .array_functions import FUNCTIONS
from .special import SPECIAL_BODIES
from .ufuncs import ARITHMETIC, COMPARISONS, apply, call

PREFIXES = ("", "linalg.", "scipy.special.")
"""Where a plain word is looked for: `solve` is np.linalg's, `softmax` SciPy's."""
WITHOUT_VALUE = frozenset((
    "empty", "empty_like", "copyto", "fill_diagonal", "place", "putmask", "put_along_axis",
    "accumulate", "frombuffer", "shape", "ndim", "size", "isscalar", "nan_to_num",
))
"""Those that write into an array, which a text does not, or give no array."""


class Words:
    """The functions, on the arrays of a builder; `holds` says whether a number that is made of
    sizes is never negative."""

    def __init__(self, builder: Builder, holds: Callable[[sp.Expr], bool]) -> None:
        self._session = _Session(holds)
        self._session.builder = builder

    def known(self) -> set[str]:
        """The words that there are."""
        plain = {name.rpartition(".")[2] for name in FUNCTIONS
                 if name.rpartition(".")[0] in ("", "linalg", "scipy.special")}
        return (plain | ARITHMETIC.keys() | SPECIAL_BODIES.keys()) - WITHOUT_VALUE

    def array(self, operand: Operand, dtype: Dtype = "float") -> Any:
        """An array of the builder, as an argument."""
        return Tracer(self._session, operand, dtype)

    def integers(self, name: str) -> None:
        """Says that an array of that name holds integers."""
        self._session.integers.add(name)

    def compared(self, operator: str, left: Any, right: Any) -> Any:
        """The comparison of two arrays as truth values; `operator` is one of < <= > >= == !=."""
        name = next(name for name, text in COMPARISONS.items() if text == operator)
        return run_traced(apply, [self._session, name, (left, right)], {})

    def call(self, word: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """The function called; TraceError where it has no equations."""
        return run_traced(self._called, [word, args], dict(options))

    def pick(self, array: Any, key: tuple[Any, ...]) -> Any:
        """``array[key]``"""
        return run_traced(array.__getitem__, [key], {})

    def _called(self, word: str, args: Sequence[Any], **options: Any) -> Any:
        session = self._session
        name = next((p + word for p in PREFIXES if p + word in FUNCTIONS), None)
        if name is None:
            if options:
                fail(f"{word} has no argument {next(iter(options))!r}")
            return apply(session, word, args)
        made = session.call(name, *args, **options)
        return session.call("array", made) if isinstance(made, np.ndarray) else made


def value_of(made: Any) -> tuple[Operand, Dtype] | sp.Expr | None:
    """What a call gave: an array with its type, a number, or None for anything else."""
    if type(made) is Tracer:
        return made.operand, made.kind
    return exact(made) if isinstance(made, (Number, int, float)) else None


class _Session(Session):
    """Equations that hold for all sizes that are stated."""

    def __init__(self, holds: Callable[[sp.Expr], bool]) -> None:
        super().__init__(FUNCTIONS, call, Tracer)
        self.tracers, self.unbounded, self.any_beyond = Tracer, BEYOND, any_beyond
        self._holds = holds

    def occupied(self, count: sp.Expr, what: str) -> None:
        """A part of an axis without entries is one, too."""
        self.assume(what, count)

    def assume(self, assumption: str, nonnegative: sp.Expr | None = None) -> None:
        if nonnegative is None:
            fail(f"this is so only if {assumption}, and a text does not say so")
        if nonnegative.is_negative:
            fail(f"this would need {assumption}")
        if not self._holds(nonnegative):
            fail(f"this needs {_least(nonnegative)}, and the shapes do not state it")


def _least(nonnegative: sp.Expr) -> str:
    """How a shape states that n - 2, or n - k, is never negative."""
    rest, sized = sp.expand(nonnegative).as_coeff_Add()
    stated = f"{sized}>={-rest}" if sized.is_Symbol else str(sized).replace(" ", "")
    return f'{sized} >= {-rest}, as an axis "{stated}" does'
