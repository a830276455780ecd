"""Derivatives that a program hands to SciPy's solvers: seen when it calls one.

    minimize(f, x0, args=(X, y), jac=g, hess=h)   ->   g and h held against f, at x0 and (X, y)

The solvers are SciPy's own, which run as they do; what they were called with is noted before.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from importlib import import_module
from typing import Any

import numpy as np

from gradproof.checks.orders.calls import arguments_of, whole
from gradproof.checks.orders.claims import Claim
from gradproof.checks.orders.derivatives import claims_of
from gradproof.checks.results import PASSES, CheckResult, joined, within
from gradproof.limits.deadline import TimeLimitError, bounded
from gradproof.programs.texts import ProgramText
from gradproof.repair.search import SECONDS

MODULE = "scipy.optimize"

MOST = 20
"""Calls of a program that are looked at."""


@dataclass(frozen=True)
class Solver:
    """What a solver calls its parameters: the function, where it starts, further arguments.

    hands: what it calls the derivatives, by what they are.
    plain: its function takes a number, not an array with one.
    """

    function: str
    start: str
    hands: Mapping[str, str]
    args: str = "args"
    plain: bool = False


_SLOPE = {"grad": "fprime"}
SOLVERS = {
    "minimize": Solver("fun", "x0", {"grad": "jac", "hess": "hess", "hessp": "hessp"}),
    "least_squares": Solver("fun", "x0", {"jac": "jac"}),
    "root": Solver("fun", "x0", {"jac": "jac"}),
    "fsolve": Solver("func", "x0", {"jac": "fprime"}),
    "leastsq": Solver("func", "x0", {"jac": "Dfun"}),
    "curve_fit": Solver("f", "p0", {"jac": "jac"}),
    "fmin_bfgs": Solver("f", "x0", _SLOPE),
    "fmin_cg": Solver("f", "x0", _SLOPE),
    "fmin_ncg": Solver("f", "x0", {"grad": "fprime", "hess": "fhess", "hessp": "fhess_p"}),
    "fmin_l_bfgs_b": Solver("func", "x0", _SLOPE),
    "fmin_tnc": Solver("func", "x0", _SLOPE),
    "fmin_slsqp": Solver("func", "x0", _SLOPE),
    "newton": Solver("func", "x0", {"grad": "fprime", "hess": "fprime2"}, plain=True),
    "root_scalar": Solver("f", "x0", {"grad": "fprime", "hess": "fprime2"}, plain=True),
    "check_grad": Solver("func", "x0", {"grad": "grad"}),
}


@dataclass(frozen=True)
class DerivativesOf:
    """Derivatives of a function, as a program has them: where that is, and what there is to check.

    title: the solver that they are handed to, or the function.  taken: what was taken for what.
    others: the same by other parameters, where nobody says by which: what is right of one of them
    is no wrong one of another.
    """

    title: str
    line: int
    claims: tuple[Claim, ...]
    taken: str
    others: tuple[tuple[Claim, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for claim in self.claims for name in claim.orders)

    def check(self, seconds: float, repair_seconds: float = SECONDS) -> CheckResult:
        """One verdict a derivative."""
        return within(seconds, self.names, partial(self._judged, repair_seconds))

    def _judged(self, repair_seconds: float) -> CheckResult:
        made = [partial(_joined, claims) for claims in (self.claims, *self.others)]
        if not self.others:
            return made[0](repair_seconds)
        return next((found for one in made if (found := one(0)).verdict in PASSES), None
                    ) or made[0](repair_seconds)


def _joined(claims: Sequence[Claim], repair_seconds: float) -> CheckResult:
    return joined([claim.judged(0, repair_seconds) for claim in claims])


@dataclass
class _Seen:
    """What solvers were called with, each call once."""

    file: str
    calls: list[DerivativesOf] = field(default_factory=list)
    known: set[tuple[Any, ...]] = field(default_factory=set)

    def note(self, name: str, original: Callable[..., Any], args: Any, options: Any) -> None:
        frame = sys._getframe(2)
        if frame.f_code.co_filename != self.file or len(self.calls) >= MOST:
            return
        try:
            call = inspect.signature(original).bind(*args, **options).arguments
            solver = SOLVERS[name]
            key = (frame.f_lineno, *(id(call.get(part)) for part in solver.hands.values()))
            claims = _claims(name, solver, call) if key not in self.known else []
        except (TypeError, ValueError, LookupError):  # the solver says what does not fit
            return
        self.known.add(key)
        if claims:
            self.calls.append(DerivativesOf(name, frame.f_lineno, tuple(claims), name))


def may_call_solvers(text: ProgramText) -> bool:
    """Whether a program names SciPy, and what a solver calls a derivative."""
    words = {word for solver in SOLVERS.values() for word in solver.hands.values()} | {"fmin_"}
    return "scipy" in text.text and any(word in text.text for word in words)


def solver_calls(text: ProgramText, names: dict[str, Any], seconds: float) -> list[DerivativesOf]:
    """Runs a program, and says which derivatives it handed to solvers; none without SciPy.

    names: the module's variables.  What the program raises after that does not matter here.
    """
    seen = _Seen(text.file)
    text.shown()
    try:
        with _watched(seen):
            bounded(seconds, lambda: exec(
                compile(text.tree, text.file, "exec", dont_inherit=True), names))
    except (Exception, SystemExit, TimeLimitError):
        pass
    return seen.calls


@contextmanager
def _watched(seen: _Seen) -> Iterator[None]:
    """SciPy's solvers note what they are called with."""
    try:
        module = import_module(MODULE)
    except ImportError:
        yield
        return
    kept = {name: getattr(module, name) for name in SOLVERS if hasattr(module, name)}
    for name, original in kept.items():
        setattr(module, name, _noting(name, original, seen))
    try:
        yield
    finally:
        for name, original in kept.items():
            setattr(module, name, original)


def _noting(name: str, original: Callable[..., Any], seen: _Seen) -> Callable[..., Any]:
    @wraps(original)
    def solver(*args: Any, **options: Any) -> Any:
        seen.note(name, original, args, options)
        return original(*args, **options)

    return solver


def _claims(name: str, solver: Solver, call: Mapping[str, Any]) -> list[Claim]:
    """What a call claims of derivatives; none where it hands over no function for one."""
    function, start = call[solver.function], call.get(solver.start)
    hands = {what: call.get(part) for what, part in solver.hands.items()}
    pair = hands.get("grad") is True or (name in ("fmin_l_bfgs_b", "fmin_tnc")
                                         and hands["grad"] is None and not call.get("approx_grad"))
    hands = {what: hand if callable(hand) else None for what, hand in hands.items()}
    if not pair and not any(hands.values()):
        return []
    further = call.get(solver.args, ())
    args = further if isinstance(further, tuple) else (further,)
    if name == "curve_fit":
        return _fitted(function, call, hands)
    x = np.asarray(start, dtype=float)
    first = _first_parameter(function)
    arguments = arguments_of("function", function, {first: x if solver.plain else np.atleast_1d(x)},
                             args, call.get("kwargs") or {}, first)
    claims = claims_of(function, hands, arguments, 0, pair)
    if call.get("col_deriv"):
        claims = [replace(one, hand=replace(one.hand, pick=_transposed)) for one in claims]
    return claims


def _fitted(
    function: Callable[..., Any], call: Mapping[str, Any], hands: Mapping[str, Any]
) -> list[Claim]:
    data, *parameters = inspect.signature(function).parameters
    start = call.get("p0")
    values = np.ones(len(parameters)) if start is None else np.asarray(start, dtype=float)
    given = {data: np.asarray(call["xdata"], dtype=float),
             **dict(zip(parameters, map(float, values), strict=True))}
    arguments = arguments_of("function", function, given, (), {}, parameters[0])
    return claims_of(function, hands, arguments.packed(parameters), 0, False)


def _first_parameter(function: Callable[..., Any]) -> str:
    try:
        return next(iter(inspect.signature(function).parameters))
    except (ValueError, StopIteration):
        return "x"


def _transposed(found: Any) -> Any:
    return np.transpose(whole(found))

