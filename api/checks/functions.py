"""A check: prover, generated code and numbers brought together into one verdict a gradient.

The hand-written gradient is traced and proven equal to the derived one where that can be done; it
is always run, too, and held against differences of the original loss.  The verdict is the weaker
of what the two allow, in the order refuted, undecided, agrees, proved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.causes.surrogates import Surrogates
from gradproof.checks.formulas import TextSide, text_gradient, text_loss
from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, by_default, by_name, meant, unseen
from gradproof.checks.judging import judge
from gradproof.checks.orders.calls import (
    Arguments,
    CallSide,
    Pick,
    arguments_of,
    as_it_is,
    first,
    floating,
    is_pair,
    second,
)
from gradproof.checks.places.size_cases import by_sizes
from gradproof.checks.points import Point, nearer_points
from gradproof.checks.results import CheckResult, within
from gradproof.checks.returned import Asked, Keyed
from gradproof.checks.subject import (
    Declared,
    FunctionSide,
    Gradient,
    Rerun,
    Side,
    Sides,
    Subject,
    Values,
    loss_chain,
)
from gradproof.limits.calls import NotReturnedError
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.repair.search import SECONDS
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.tracing.run import Trace


def check(
    loss: Callable[..., Any] | str,
    gradient: Callable[..., Any] | str | Mapping[str, str] | None = None,
    /,
    *,
    args: Sequence[Any] = (),
    wrt: Sequence[str] | None = None,
    inputs: Any = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    time_limit: float = TIME_LIMIT,
    **shapes: Any,
) -> CheckResult:
    """Holds a hand-written gradient against the loss it is meant for.

    loss: a NumPy function of the inputs that returns a scalar; or its formula as text.
    gradient: takes what `loss` takes; returns a dict keyed "W1", "dW1", "grad_W1" or "W1_grad", a
        tuple in the order of `wrt`, or one array.  Or formulas as text, by name:
        ``{"x": "2 * A.T @ (A @ x)"}``, or assignments: ``"r = A @ x; dx = 2 * A.T @ r"``.
        Left out where `loss` itself returns (value, gradients).
    shapes (or `inputs`, for names such as "wrt"): for each parameter of `loss` a shape ("m n"), a
        ``gp.Array``, an array of numbers, or a dict of these.
    args: what SciPy's solvers hand over behind x, in order; then the gradient is by x alone.
    wrt: the names to check by; by default all arrays of real numbers that gradients are returned
        for, or all of them.
    repair_seconds: how long a refutation may search for an edit that mends it; 0 for not at all.
    time_limit: seconds after which the check ends with what is known by then.  A thread other than
        the main one, or one whose alarm signal is taken, ends between two steps only.

    >>> def loss(x, A): return np.sum((A @ x) ** 2)
    >>> def gradient(x, A): return 2 * A.T @ (A @ x)
    >>> check(loss, gradient, A="m n", x="n", wrt=["x"]).verdict
    'proved'

    Raises ValueError (TraceError) for inputs that do not fit the functions, FormulaError with line
    and column for text that is no formula.
    """
    given = by_name(inputs, shapes)
    asked = _Asked.of(loss, given, args, wrt)

    def run(case: Mapping[str, Any]) -> CheckResult:
        made = asked if case is given else _Asked.of(loss, case, args, wrt)
        return _checked(*_paired(loss, gradient, made, seed), made.chosen, repair_seconds)

    return within(time_limit, asked.chosen, lambda: by_sizes(run, given))


@dataclass(frozen=True)
class _Asked:
    """The inputs, how a function is called with them, and the `chosen` names to check by.

    narrow: only those that there are gradients by.
    """

    arguments: Arguments
    taken: Inputs
    chosen: tuple[str, ...]
    narrow: bool

    @classmethod
    def of(cls, loss: Any, given: Mapping[str, Any], args: Sequence[Any],
           wrt: Sequence[str] | None) -> _Asked:
        arguments = Arguments(tuple(given), given, {}, next(iter(given), ""))
        if args:
            arguments = arguments_of("loss", loss, given, args, {}, None)
            wrt = (arguments.by,) if wrt is None else wrt
            arguments = replace(arguments, given={**arguments.given, arguments.by: floating(
                arguments.given[arguments.by])})
        taken = Inputs.of(arguments.given)
        real = [array.name for array in taken.arrays if not array.is_integer]
        chosen = tuple(taken.chosen(real if wrt is None else wrt))
        return cls(arguments, taken, chosen, wrt is None)

    def side(self, what: str, function: Any, pick: Pick = as_it_is) -> FunctionSide | CallSide:
        """A function by the names of the inputs; or in their order, where it has other names.

        ValueError where it cannot be called in either way.
        """
        if not self.arguments.fixed and pick is as_it_is:
            try:
                return FunctionSide.of(what, function, self.taken)
            except ValueError as unfit:
                try:
                    call = self.arguments.call(what, function, pick)
                except ValueError:
                    raise unfit from None
                if what == "loss" and call.is_partly_named:
                    raise unfit
                return CallSide(call, self.taken)
        return CallSide(self.arguments.call(what, function, pick), self.taken)


def _checked(
    pair: Pair, right: Side, chosen: Sequence[str], repair_seconds: float
) -> CheckResult:
    result = pair.judged(right, repair_seconds)
    if result.verdict == "refuted" and pair.general.sizes and (
            isinstance(pair.loss, TextSide) or isinstance(right, TextSide)):
        # A number in a formula may stand for the size of a given array, which has no name there.
        as_given = replace(pair, general=replace(pair.general, kept=frozenset(pair.general.sizes)))
        found = as_given.judged(right, 0)
        result = result if found.verdict == "refuted" else found
    unchecked = tuple(name for name in chosen if name not in pair.asked.names)
    return replace(result, unchecked=unchecked)


def _paired(
    loss: Callable[..., Any] | str, gradient: Callable[..., Any] | str | Mapping[str, str] | None,
    made: _Asked, seed: int,
) -> tuple[Pair, Side]:
    """The two sides; where that may narrow what is asked for, to what there is a gradient by."""
    taken, point = made.taken, General(made.taken).points(seed)[0]
    asked = Asked(made.chosen, tuple(array.name for array in taken.arrays))
    left: Side = text_loss(loss, taken) if isinstance(loss, str) else made.side("loss", loss)
    right: Side
    if not isinstance(loss, str) and _returns_pair(left, point):
        left = made.side("loss", loss, first)
    elif gradient is None:
        raise ValueError("gradient: expected a function, or formulas; it may be left out where the "
                         "loss returns a pair (value, gradients)")
    if isinstance(gradient, str | Mapping):
        _all_taken(taken.given, left, gradient)
        right, keyed = text_gradient(gradient, asked, not made.narrow, left, taken)
        asked = replace(asked, names=tuple(name for name in made.chosen if name in keyed.keys))
    else:
        right = made.side("gradient", gradient) if gradient is not None else \
            made.side("loss", loss, second)
        _all_taken(taken.given, left, right)
        asked, keyed = _first_look(right, asked, point, made.narrow)
    general = General(taken, _names_in(left, right), varied=asked.names)
    return Pair(left, asked, keyed, general, seed), right


def _all_taken(given: Mapping[str, Any], loss: Side, gradient: Any) -> None:
    """ValueError for an input that nothing takes, which may be an option that is misspelled."""
    for name in given:
        if not (_is_taken(name, loss) or _is_taken(name, gradient)):
            known = [one for one in given if one != name and _is_taken(one, loss)]
            raise ValueError(f"check: {name!r} is no parameter of the loss ({', '.join(known)}) or "
                             f"of the gradient, and no option{meant(name, known)}")


def _is_taken(name: str, side: Any) -> bool:
    """Whether a function is handed an input, or a text names it."""
    if isinstance(side, CallSide):
        return name in side.call.names
    text = side.text if isinstance(side, TextSide) else side
    if isinstance(text, str | Mapping):
        parts = [text] if isinstance(text, str) else [*text, *text.values()]
        return any(re.search(rf"\b{re.escape(name)}\b", part) for part in parts)
    return True  # a function that takes all that is given


def _first_look(
    gradient: FunctionSide | CallSide, asked: Asked, point: Point, narrow: bool
) -> tuple[Asked, Keyed]:
    """What the gradient function returns at one point, sorted out.

    narrow: only what it returns something for is asked.
    """
    try:
        with np.errstate(all="ignore"):
            returned = gradient.at(point.values)
    except NotReturnedError as error:  # nor will it at other points
        error.args = (f"{error} at {point}",)
        raise
    except Exception:  # it will fail again where its failure is the finding
        return asked, Keyed()
    if narrow:
        asked = replace(asked, names=asked.found(returned))
    return asked, asked.keyed(returned)


def _returns_pair(loss: Side, point: Point) -> bool:
    """Whether a loss returns its gradients beside its value."""
    try:
        with np.errstate(all="ignore"):
            return is_pair(loss.at(point.values))
    except Exception:  # it will fail again where that is the finding
        return False


def _names_in(*sides: Side) -> frozenset[str]:
    return frozenset[str]().union(*(s.names for s in sides if isinstance(s, TextSide)))


@dataclass(frozen=True)
class Pair:
    """A loss on inputs, against which gradients are held: the user's, and edits of it.

    loose_units: axes of length one that are too many or too few are noted, not refuted.
    """

    loss: Side
    asked: Asked
    keyed: Keyed
    general: General
    seed: int
    loose_units: bool = False

    def judged(self, gradient: Side, seconds: float) -> CheckResult:
        plain = Subject(self.asked, self.loss.at, partial(self._gradient_at, gradient),
                        keyed=self.keyed, rerun=self._rerun(gradient),
                        loose_units=self.loose_units)
        sides = Sides(plain, self._chain, partial(self._traced, gradient))
        subject = sides.general(self.general)
        points = self.general.points(
            self.seed, subject.declared if subject.hand is not None else None)
        if subject.derived is not None and subject.searches:
            points = nearer_points(points, subject.derived.inputs)
        remarks = (*_changed(subject), *self._defaults(gradient))
        subject = replace(subject, remarks=remarks, instead={
            name: Surrogates(None, {}, name, "gradient") for name in self.asked.names})
        result = judge(subject, points, sides.patterned(self.general, subject.declared), seconds)
        return replace(result, branch=subject.branch)


    def _defaults(self, gradient: Side) -> tuple[str, ...]:
        """What the two functions have by default."""
        given, functions = {*self.general.inputs.given}, []
        for side in (self.loss, gradient):
            if isinstance(side, CallSide):
                given |= side.call.filled
            if isinstance(side, FunctionSide | CallSide):
                functions.append(side.function)
        return *by_default(functions, given), *unseen(functions)

    def _gradient_at(self, gradient: Side, values: Values) -> dict[str, Any]:
        return self.asked.present(gradient.at(values))

    def _chain(self, declared: Declared) -> Chain:
        return loss_chain(self.loss.traced(declared), self.asked.names)

    @staticmethod
    def _traced(gradient: Side, declared: Declared, chain: Chain) -> Trace:
        return gradient.traced(declared)

    def _rerun(self, gradient: Side) -> Rerun | None:
        if not isinstance(gradient, FunctionSide | CallSide):
            return None
        loss = self.loss.function if isinstance(self.loss, FunctionSide | CallSide) else None

        def bound(function: Callable[..., Any]) -> Gradient:
            return partial(self._gradient_at, gradient.with_function(function))

        def verdict(function: Callable[..., Any]) -> str:
            return self.judged(gradient.with_function(function), 0).verdict

        return Rerun(gradient.function, bound, verdict, loss)


def _changed(subject: Subject) -> tuple[str, ...]:
    """What is to be said of inputs that the hand-written function writes into."""
    changed = subject.hand.mutated if subject.hand is not None else ()
    return (f"the gradient function changes its input {', '.join(changed)} in place",
            ) if changed else ()
