"""A check: prover, generated code and numbers brought together into one verdict a gradient.

The hand-written gradient is traced and proven equal to the derived one where that can be done; it
is always run, too, and held against differences of the original loss.  The verdict is the weaker
of what the two allow, in the order refuted, undecided, agrees, proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, takes
from gradproof.checks.judging import judge
from gradproof.checks.measuring import Subject
from gradproof.checks.points import Point, by_parameter
from gradproof.checks.repair_search import Rerun
from gradproof.checks.results import CheckResult
from gradproof.repair.search import SECONDS
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.tracing.run import Trace, TraceError, trace


def check(
    loss: Callable[..., Any] | str,
    gradient: Callable[..., Any] | str | Mapping[str, str],
    /,
    *,
    wrt: Sequence[str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    **shapes: Any,
) -> CheckResult:
    """Holds a hand-written gradient against the loss it is meant for.

    loss: a NumPy function of the inputs that returns a scalar; or its formula as text.
    gradient: takes what `loss` takes; returns a dict keyed "W1" or "dW1", a tuple in the order of
        `wrt`, or one array.  Or formulas as text, by name: ``{"x": "2 * A.T @ (A @ x)"}``, or
        assignments: ``"r = A @ x; dx = 2 * A.T @ r"``.
    shapes (or `inputs`, for names such as "wrt"): for each parameter of `loss` a shape ("m n"), a
        ``gp.Array``, an array of numbers, or a dict of these.
    wrt: the names to check by; by default all arrays of real numbers that gradients are returned
        for, or all of them.
    repair_seconds: how long a refutation may search for an edit that mends it; 0 for not at all.

    >>> def loss(x, A): return np.sum((A @ x) ** 2)
    >>> def gradient(x, A): return 2 * A.T @ (A @ x)
    >>> check(loss, gradient, A="m n", x="n", wrt=["x"]).verdict
    'proved'

    Raises ValueError (TraceError) for inputs that do not fit the functions.
    """
    given = {**(inputs or {}), **shapes}
    if isinstance(loss, str) or isinstance(gradient, str | Mapping):
        from gradproof.checks.formulas import check_formulas  # which uses this file

        return check_formulas(loss, gradient, wrt, given, seed)
    for what, function in (("loss", loss), ("gradient", gradient)):
        takes(what, function, given)
    taken = Inputs.of(given)
    real = [array.name for array in taken.arrays if not array.is_integer]
    names = taken.chosen(real if wrt is None else wrt)
    general = General(taken)

    def loss_at(values: Mapping[str, Any]) -> Any:
        return loss(**taken.at(values))

    def bound(function: Callable[..., Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return lambda values: by_parameter(function(**taken.at(values)), names, "gradient")

    def judged(function: Callable[..., Any], seconds: float) -> CheckResult:
        made = partial(_subject, loss, function, tuple(names), loss_at, bound(function))
        subject = next(found for found in map(made, general.declarations())
                       if found.hand is not None or found.declared is taken.declared)
        patterned = (
            replace(found, assumed=tuple(dict.fromkeys((*general.assumptions, *found.assumed))))
            for found in map(made, general.patterned(subject.declared))
        )
        rerun = Rerun(function, bound, lambda edited: judged(edited, 0).verdict, loss)
        where = general.points(seed, subject.declared if subject.hand is not None else None)
        subject = replace(subject, rerun=rerun, remarks=_changed(subject))
        return replace(judge(subject, where, patterned, seconds), unchecked=unchecked)

    unchecked: tuple[str, ...] = ()
    if wrt is None:
        every = names
        names = returned_names(gradient, taken, general.points(seed)[0], names)
        unchecked = tuple(name for name in every if name not in names)
    return judged(gradient, repair_seconds)


def _changed(subject: Subject) -> tuple[str, ...]:
    """What is to be said of inputs that the hand-written function writes into."""
    changed = subject.hand.mutated if subject.hand is not None else ()
    return (f"the gradient function changes its input {', '.join(changed)} in place",
            ) if changed else ()


def _subject(
    loss: Callable[..., Any], gradient: Callable[..., Any], names: tuple[str, ...],
    loss_at: Callable[..., Any], gradient_at: Callable[..., Any], declared: Mapping[str, Any],
) -> Subject:
    """Both functions traced for the declared inputs, as far as that goes."""
    plain = Subject(None, {}, names, loss_at, gradient_at, None, declared=declared)
    try:
        traced = trace(loss, declared)
        chain = differentiate(traced.system, scalar_result(traced), names)
        plain = replace(plain, derived=chain.system, of=chain.of, assumed=rows_assumed(chain),
                        kinks=kinks_listed(chain))
        return replace(plain, hand=trace(gradient, declared))
    except ValueError as error:
        return replace(plain, reason=f"not traced: {error}")


def rows_assumed(chain: Chain) -> tuple[str, ...]:
    """The assumptions on inputs that a derivation used, as sentences."""
    return chain.assumptions


def kinks_listed(chain: Chain) -> tuple[str, ...]:
    """The kinks of the loss's own equations: "Z1 = 0"."""
    return tuple(dict.fromkeys(
        f"{kink.argument or kink.array} = 0" if kink.where == "z" else
        f"{kink.array} at a tie of its maximum" if kink.function == "max" else
        f"{kink.array} where {kink.where} = 0 for z = {kink.argument or kink.array}"
        for kink in chain.kinks
    ))


def scalar_result(traced: Trace) -> str:
    """The name of the one scalar that a traced function returns; else TraceError."""
    if not isinstance(traced.result, str):
        raise TraceError(f"the loss returns {traced.result!r}, expected one scalar")
    shape = traced.system.shapes[traced.result]
    if shape:
        raise TraceError(f"the loss has shape {shape}, expected a scalar")
    return traced.result


def returned_names(
    gradient: Callable[..., Any], taken: Inputs, point: Point, names: list[str]
) -> list[str]:
    """The inputs for which the gradient function returns something; all, if it fails."""
    try:
        with np.errstate(all="ignore"):
            returned = gradient(**taken.at(point.values))
    except Exception:  # it will fail again where its failure is the finding
        return names
    if isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], Mapping):
        returned = returned[1]
    if isinstance(returned, Mapping):
        keyed = [n for n in names if n in returned or f"d{n}" in returned]
        if not keyed:
            raise ValueError(f"gradient: expected a dict keyed by inputs ({names[0]!r} or "
                             f"'d{names[0]}'), got the keys {sorted(map(str, returned))}")
        return keyed
    count = len(returned) if isinstance(returned, tuple | list) else 1
    if count != len(names):
        raise ValueError(f"gradient: returns {count} arrays for the {len(names)} inputs "
                         f"{', '.join(names)}; say which with wrt=[...]")
    return names


