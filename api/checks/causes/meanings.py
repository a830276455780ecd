"""What an array of a hand-written pass may be meant to be: the quantities of a derivation.

    loss Σ (tanh(X w) - y)²   ->   X w, tanh(X w), ...; the adjoint of each; the slope 1 - tanh²

The loss is differentiated as it was written, one operation an equation, since what a reader is
shown (:mod:`gradproof.symbolic.derive`) has most of them put into one another.  Where functions
work entry by entry, the slope of each array by the inputs, and of the result by each array, is one
of them.  Their values at the points of a prover are compared; nothing is proven here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradproof.symbolic.dependence import descendants
from gradproof.symbolic.derive.adjoint import reverse
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.derive.term_rule import partial
from gradproof.symbolic.equation import Equation, Read, System, Term, fresh_name, slot
from gradproof.symbolic.proof.sampling import TOLERANCE, Evaluate, Sample

Values = tuple[NDArray[Any], ...]
"""An array at each of the points."""

LONGEST = 60
"""Equations of a chain whose slopes by the inputs are computed."""


@dataclass(frozen=True)
class Meaning:
    """A quantity of the derivation: an array of the forward pass, the adjoint of the array `name`
    (or what one reader sends to it), or the slope of the function whose value `name` is."""

    name: str
    role: Literal["forward", "adjoint", "slope"]
    values: Values


def meanings(
    chain: Chain, points: Sequence[Sample], evaluate: Evaluate, weights: Collection[str] = ()
) -> list[Meaning]:
    """The quantities of a derivation, each once; EquationError where its source has no adjoints.

    weights: inputs by which the results are weighed, so that they have one gradient; what the
    loss makes of them is nobody's quantity.
    """
    if chain.source is None:
        return []
    derived = reverse(chain.source, chain.loss, chain.wrt)
    weighed = descendants(chain.source.equations, weights) - {*weights}
    found: list[Meaning] = []

    def add(meaning: Meaning) -> None:
        known = (other.values for other in found if other.role == meaning.role)
        if all(np.all(np.isfinite(value)) and np.any(value) for value in meaning.values) \
                and not any(same(values, meaning.values) for values in known):
            found.append(meaning)

    for system, of in ((derived.system, derived.of), (chain.system, chain.of)):
        primals = {bar: name for name, bar in of.items()}
        whole, slopes, parts = _with_slopes(system, set(primals), chain.wrt)
        computed = [evaluate(whole, {a.name: point.left[a.name] for a in whole.inputs},
                             {str(symbol): size for symbol, size in point.sizes.items()})
                    for point in points]
        for name in whole.shapes:
            values = tuple(np.asarray(at[name], float) for at in computed)
            if not (name in system.shapes or name in slopes or name in parts):
                continue  # a slope that is a number
            source = primals.get(parts.get(name, name))
            role: Literal["forward", "adjoint", "slope"] = (
                "adjoint" if source is not None else "slope" if name in slopes else "forward")
            if role != "forward" or name not in weighed:
                add(Meaning(source if source is not None else slopes.get(name, name), role, values))
    for one in _by_each(chain.source, weighed, weights, found, points):
        add(one)
    return found


def _by_each(
    source: System, weighed: Collection[str], weights: Collection[str],
    found: Sequence[Meaning], points: Sequence[Sample],
) -> list[Meaning]:
    """The slope of the one result by each array, where all is computed entry by entry: its adjoint
    without the weights."""
    if len(weights) != 1 or not all(
            e.is_pointwise for e in source.equations if e.name not in weighed):
        return []
    (weight,) = weights
    scale = [np.asarray(point.left[weight], float) for point in points]
    return [Meaning(one.name, "slope", tuple(
        value / by for value, by in zip(one.values, scale, strict=True)))
            for one in found if one.role == "adjoint" and all(
                value.shape == by.shape and np.all(by)
                for value, by in zip(one.values, scale, strict=True))]


def _with_slopes(
    system: System, bars: set[str], wrt: Collection[str]
) -> tuple[System, dict[str, str], dict[str, str]]:
    """The system with the slopes of its functions, and what comes together in adjoints with
    several terms: what each is the slope, or a part, of."""
    taken, extra = set(system.shapes), list[Equation]()
    slopes: dict[str, str] = {}
    parts: dict[str, str] = {}

    def add(equation: Equation, of: dict[str, str]) -> None:
        name = fresh_name("slope", taken)
        taken.add(name)
        of[name] = equation.name
        extra.append(replace(equation, name=name))

    for equation in system.equations:
        if equation.name in bars:
            for terms in _parts(equation.terms):
                add(replace(equation, terms=terms), parts)
        elif equation.is_pointwise:
            for slope in _slopes(equation):
                add(slope, slopes)
    forward = [equation for equation in system.equations if equation.name not in bars]
    for name in wrt if len(forward) <= LONGEST else ():
        for made, of in _along(forward, name, taken):
            extra.append(made)
            if not all(term.body.is_number for term in made.terms):
                slopes[made.name] = of
    return replace(system, items=(*system.items, *extra)), slopes, parts


def _parts(terms: tuple[Term, ...]) -> Iterator[tuple[Term, ...]]:
    """Each of several terms, and the sums of the first, and of the last, of them."""
    if len(terms) > 1:
        yield from ((term,) for term in terms)
        for count in range(2, len(terms)):
            yield from (terms[:count], terms[-count:])


def _slopes(equation: Equation) -> Iterator[Equation]:
    """Its derivatives by what it reads, where these are no constants."""
    term = equation.terms[0]
    for position in range(len(term.reads)):
        body = partial(term.body, position)
        if not body.is_number:
            yield replace(equation, terms=(replace(term, body=body),))


def _along(
    equations: Sequence[Equation], by: str, taken: set[str]
) -> Iterator[tuple[Equation, str]]:
    """The slope by an input of each array that is computed from it entry by entry, with the array;
    the inner slopes come first."""
    reached, slopes = descendants(equations, [by]), {by: ""}
    for equation in equations:
        at = tuple(index.symbol for index in equation.out)
        reads = equation.terms[0].reads if equation.is_pointwise else ()
        if not reads or any(read.array in reached and (read.array not in slopes or read.at != at)
                            for read in reads):
            continue
        body, terms = equation.terms[0].body, []
        for position, read in enumerate(reads):
            if read.array in slopes and (slope := partial(body, position)) != 0:
                inner = slopes[read.array]
                terms.append(Term(slope * slot(len(reads)), (*reads, Read(inner, at))) if inner
                             else Term(slope, reads))
        if terms:
            slopes[equation.name] = fresh_name("slope", taken)
            taken.add(slopes[equation.name])
            yield Equation(slopes[equation.name], equation.out, tuple(terms)), equation.name


def same(one: Values, other: Values) -> bool:
    """Whether two arrays are equal at all points, but for axes of length one."""
    return all(_near(a, b) for a, b in zip(one, other, strict=True))


def is_even(values: Values) -> bool:
    """Whether an array has several entries, and the same number in each."""
    return any(v.size > 1 for v in values) and all(bool(np.ptp(v) == 0) for v in values)


def _near(a: NDArray[Any], b: NDArray[Any]) -> bool:
    a, b = np.squeeze(a), np.squeeze(b)
    if a.shape != b.shape:
        return False
    scale = max(float(np.max(np.abs(a), initial=0.0)), float(np.max(np.abs(b), initial=0.0)))
    return bool(np.max(np.abs(a - b), initial=0.0) <= TOLERANCE * scale)


def shaped(values: Values, like: Values) -> Iterator[Values]:
    """The values, and their transposes, where these have the shapes of others up to axes of
    length one."""
    for turned in (values, tuple(value.T for value in values)):
        if all(np.squeeze(a).shape == np.squeeze(b).shape
               for a, b in zip(turned, like, strict=True)):
            yield tuple(a.reshape(b.shape) for a, b in zip(turned, like, strict=True))
        if values[0].ndim < 2:
            return
