"""What an array of a hand-written pass may be meant to be: the quantities of a derivation.

    loss Σ (tanh(X w) - y)²   ->   X w, tanh(X w), ...; the adjoint of each; the slope 1 - tanh²

The loss is differentiated as it was written, one operation an equation, since what a reader is
shown (:mod:`gradproof.symbolic.derive`) has most of them put into one another.  Their values at
the points of a prover are compared; nothing is proven here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradproof.symbolic.derive.adjoint import partial, reverse
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.equation import Equation, System, Term, fresh_name
from gradproof.symbolic.proof.sampling import TOLERANCE, Evaluate, Sample

Values = tuple[NDArray[Any], ...]
"""An array at each of the points."""


@dataclass(frozen=True)
class Meaning:
    """A quantity of the derivation: an array of the forward pass, the adjoint of the array `name`
    (or what one reader sends to it), or the slope of the function whose value `name` is."""

    name: str
    role: Literal["forward", "adjoint", "slope"]
    values: Values


def meanings(chain: Chain, points: Sequence[Sample], evaluate: Evaluate) -> list[Meaning]:
    """The quantities of a derivation, each once; EquationError where its source has no adjoints."""
    if chain.source is None:
        return []
    derived = reverse(chain.source, chain.loss, chain.wrt)
    found: list[Meaning] = []
    for system, of in ((derived.system, derived.of), (chain.system, chain.of)):
        primals = {bar: name for name, bar in of.items()}
        whole, slopes, parts = _with_slopes(system, set(primals))
        computed = [evaluate(whole, {a.name: point.left[a.name] for a in whole.inputs},
                             {str(symbol): size for symbol, size in point.sizes.items()})
                    for point in points]
        for name in whole.shapes:
            values = tuple(np.asarray(at[name], float) for at in computed)
            if not all(np.all(np.isfinite(value)) and np.any(value) for value in values):
                continue
            source = primals.get(parts.get(name, name))
            role: Literal["forward", "adjoint", "slope"] = (
                "adjoint" if source is not None else "slope" if name in slopes else "forward")
            meant = source if source is not None else slopes.get(name, name)
            if not any(other.role == role and same(other.values, values) for other in found):
                found.append(Meaning(meant, role, values))
    return found


def _with_slopes(
    system: System, bars: set[str]
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
