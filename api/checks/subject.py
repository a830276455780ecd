"""What is to be judged: a loss and a hand-written gradient, as numbers and as equations.

Every door (functions, formulas, layers, hand-written passes for a spec) says what its two sides
are; here they are traced, differentiated and generalised, in the same way for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
import sympy as sp

from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, leaves, takes
from gradproof.checks.layer_objects.frameworks import NUMPY
from gradproof.checks.layer_objects.which_arrays import arrays_of, through
from gradproof.checks.returned import Asked, Keyed
from gradproof.limits.calls import ExitedError, called
from gradproof.limits.deadline import TimeLimitError, bounded, doing, left, now_doing
from gradproof.symbolic.assumptions import Assumption
from gradproof.symbolic.dependence import solved_for
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.derive.kinks import Kink
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.equation import Equation, Read, System, Term, fresh_name, slot
from gradproof.symbolic.one_hot_rows import without_places
from gradproof.symbolic.safeguards import Safeguard
from gradproof.symbolic.tracing.run import Trace, TraceError, trace
from gradproof.symbolic.tracing.source import SizeBranch

Values: TypeAlias = Mapping[str, Any]
"""Arrays by name."""

Declared: TypeAlias = Mapping[str, Any]
"""Inputs by parameter name, with an Array at each leaf."""

Gradient: TypeAlias = Callable[[Values], dict[str, Any]]

@dataclass(frozen=True)
class Witness:
    """A function whose gradient is what is claimed; `real`: it takes complex steps of its own."""

    loss: Callable[[Values], Any]
    real: bool = False


Safeguards: TypeAlias = tuple[Safeguard, ...]

Instead: TypeAlias = Callable[[Sequence[tuple[Values, Any, Any, Mapping[str, int]]]], str]
"""Of inputs, what was claimed, what is due, and sizes, at some points: what stands in its place, in
words; "" for nothing that is known."""


@dataclass(frozen=True)
class Rerun:
    """How another function is looked at in the place of the hand-written one.

    function: the hand-written one.  bound: what a function computes, by parameter.
    verdict: of the whole check on a function.
    loss: what the gradient is of, where it is a function.
    """

    function: Callable[..., Any]
    bound: Callable[[Callable[..., Any]], Gradient]
    verdict: Callable[[Callable[..., Any]], str]
    loss: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Subject:
    """What is to be judged.

    asked: the gradients that are judged.
    loss, gradient: functions of arrays by name.
    declared: the inputs as they were traced.
    derived: the system with the derived gradients, whose names `of` gives; None if there is none.
    chain: how it was derived.
    hand: the trace of the hand-written gradient; None where it could not be traced, for `reason`.
    loose_units: axes of length one that are too many or too few are noted, not refuted.
    columns: vectors that the hand-written code is handed with a second axis, of length one.
    assumed: what the derivation assumed of inputs; kinks: where the loss has no derivative.
    rerun: how an edited gradient function is looked at; without it no repair is searched.
    remarks: what a reader of any verdict should know.  keyed: what was returned beside.
    given: the dtypes of arrays that came as numbers.
    varied: names of the inputs that are differentiated by, where gradients are not keyed by them.
    witnesses: by name, what is differentiated by that name in the place of the loss.
    titles: by name, what is claimed, in words.
    instead: by name, what is said of what stands in its place.
    weights: inputs of the loss by which it weighs results that are no scalars.
    unguarded: how a derivation that is none of a loss is made without safeguards, for the declared
        inputs, with what they were; None where there are none.
    branch: the size whose values decide what was traced, where that ended the trace.
    search: where it is asked whether a search is near enough, where that did.
    """

    asked: Asked
    loss: Callable[[Values], Any]
    gradient: Gradient
    declared: Declared = field(default_factory=dict)
    derived: System | None = None
    chain: Chain | None = None
    of: Mapping[str, str] = field(default_factory=dict)
    hand: Trace | None = None
    reason: str = ""
    loose_units: bool = False
    columns: frozenset[str] = frozenset()
    assumed: tuple[Assumption, ...] = ()
    kinks: tuple[Kink, ...] = ()
    rerun: Rerun | None = None
    remarks: tuple[str, ...] = ()
    keyed: Keyed = field(default_factory=Keyed)
    given: Mapping[str, np.dtype[Any]] = field(default_factory=dict)
    varied: tuple[str, ...] = ()
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, Instead] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    unguarded: Callable[[Declared], tuple[Chain | None, Safeguards]] | None = None
    branch: SizeBranch | None = None
    search: str = ""

    @property
    def by(self) -> tuple[str, ...]:
        """The inputs that are differentiated by."""
        return self.varied or self.asked.names

    @property
    def searches(self) -> bool:
        """Whether a search for a solution is part of what is judged."""
        systems = (self.derived, self.hand.system if self.hand else None)
        return any(system is not None and bool(solved_for(system)) for system in systems)

    def title(self, name: str) -> str:
        return self.titles.get(name, "the gradient")

    @property
    def least(self) -> dict[str, int]:
        """The least values of sizes: those declared, and those that the two programs need."""
        found: dict[str, int] = {}
        traced = [made.least for made in (self.chain, self.hand) if made is not None]
        stated = [array.least for spec in self.declared.values() for array in leaves(spec)]
        for name, least in (*(pair for pairs in stated for pair in pairs),
                            *(pair for pairs in traced for pair in pairs.items())):
            found[name] = max(found.get(name, 1), least)
        return {name: least for name, least in found.items() if least > 1}

    @property
    def wrt(self) -> tuple[str, ...]:
        return self.asked.names


DERIVING = 0.4
"""The part of the time that is left which a derivation or a trace may take."""

# --- two sides ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sides:
    """A loss and a gradient for it, whatever their inputs are declared to be.

    plain: the two as functions of arrays, and what is known beforehand.
    chain: the loss differentiated.  trace: the hand-written gradient's equations, for the same
    inputs.  Both raise ValueError (TraceError) where there are none.
    """

    plain: Subject
    chain: Callable[[Declared], Chain]
    trace: Callable[[Declared, Chain], Trace]

    def subject(self, declared: Declared) -> Subject:
        """Both sides as equations for the declared inputs, as far as that goes."""
        made = replace(self.plain, declared=declared)
        try:
            doing("deriving")
            chain = bounded(DERIVING * left(), lambda: self.chain(declared))
            made = replace(made, derived=chain.system, chain=chain, of=chain.of,
                           assumed=(*made.assumed, *chain.assumptions), kinks=chain.kinks)
            doing("tracing")
            hand = bounded(DERIVING * left(), lambda: self.trace(declared, chain))
            return replace(made, hand=replace(hand, system=without_places(hand.system)))
        except (ValueError, ExitedError) as error:
            return replace(made, reason=f"not traced: {error}",
                           branch=getattr(error, "branch", None),
                           search=getattr(error, "search", ""))
        except TimeLimitError as error:
            return replace(made, reason=f"not traced: {now_doing()} {error}")
        except Exception as error:  # a fault of ours, over which the numbers need not be lost
            return replace(made, reason=f"not traced: {now_doing()} failed: "
                                        f"{type(error).__name__}: {error}")

    def general(self, general: General) -> Subject:
        """The subject for inputs as general as those for which both sides can be traced, and the
        gradients have a number of entries for the size that was given alone."""
        enough, given = left() / 2, general.dtypes
        traced: Subject | None = None
        for found in map(self.subject, general.declarations()):
            if found.hand is not None and not _is_narrower(found):
                return replace(found, given=given)
            traced = traced or (found if found.hand is not None else None)
            if found.declared is general.inputs.declared or left() < enough:
                break
        return replace(traced or found, given=given)

    def patterned(self, general: General, declared: Declared) -> Iterator[Subject]:
        """The subject under what the numbers of given arrays show, if they show anything."""
        for found, assumed in general.patterned(declared, self.plain.loss):
            plain = replace(self.plain, assumed=assumed, given=general.dtypes)
            yield replace(self, plain=plain).subject(found)


def _is_narrower(subject: Subject) -> bool:
    """Whether a hand-written gradient has a number of entries where its input has any number, as
    ``np.array([d_intercept, d_slope])`` has two."""
    assert subject.hand is not None
    assert subject.derived is not None
    try:
        found = subject.asked.present(subject.hand.result)
    except ValueError:
        return False
    for name, array in found.items():
        if not isinstance(array, str) or name not in subject.of:
            continue
        mine = subject.hand.system.shapes[array]
        due = subject.derived.shapes[subject.of[name]]
        if len(mine) == len(due) and any(
                own.is_Integer and own != 1 and asked.free_symbols
                for own, asked in zip(mine, due, strict=True)):
            return True
    return False


def loss_chain(traced: Trace, wrt: tuple[str, ...]) -> Chain:
    """The gradients of the one scalar that a trace returns; TraceError for one of anything else."""
    one = with_scalar(traced)
    assert isinstance(one.result, str)
    kinds = {array.name: array.kind for array in one.system.inputs}
    system = one.system
    if all(kinds.get(name) != "one_hot" for name in wrt):  # places have no slope, entries have
        system = without_places(system)
    return replace(differentiate(system, one.result, wrt, stepwise=True), least=traced.least)


def with_scalar(traced: Trace) -> Trace:
    """A trace whose result is the one scalar that the function returns, which may stand in axes of
    size 1; else TraceError."""
    if not isinstance(traced.result, str):
        raise TraceError(f"the loss returns {traced.result!r}, expected one scalar")
    shape = traced.system.shapes[traced.result]
    if any(size != 1 for size in shape):
        raise TraceError(f"the loss has shape {shape}, expected a scalar")
    if not shape:
        return traced
    name = fresh_name(f"{traced.result}_entry", traced.system.names)
    entry = Term(slot(0), (Read(traced.result, (sp.S.Zero,) * len(shape)),))
    return replace(traced, system=traced.system.extended([Equation(name, (), (entry,))]),
                   result=name)


# --- a side -------------------------------------------------------------------------------------


class Side(Protocol):
    """A loss or its gradients, as numbers and as equations."""

    def at(self, values: Values) -> Any:
        """What it returns for arrays by name."""

    def traced(self, declared: Declared) -> Trace:
        """Its equations; ValueError (TraceError) where there are none."""


@dataclass(frozen=True)
class FunctionSide:
    """A function of the inputs, which computes with NumPy, PyTorch or JAX."""

    function: Callable[..., Any]
    taken: Inputs

    @classmethod
    def of(cls, what: str, function: Any, taken: Inputs) -> FunctionSide:
        """ValueError for what cannot be called with the inputs."""
        if not callable(function):
            raise ValueError(f"{what}: expected a function or text, got {function!r:.60}")
        takes(what, function, taken.given)
        return cls(function, taken)

    def with_function(self, function: Callable[..., Any]) -> FunctionSide:
        return replace(self, function=function)

    def at(self, values: Values) -> Any:
        return called(partial(self._run, **self.taken.at(values)))

    def traced(self, declared: Declared) -> Trace:
        return called(partial(trace, self._run, declared))

    @property
    def _run(self) -> Callable[..., Any]:
        arrays = arrays_of(self.function)
        return self.function if arrays is NUMPY else partial(through, arrays, self.function)
