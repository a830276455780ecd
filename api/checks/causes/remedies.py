"""With which other values of what it reads a statement of a hand-written pass would be right.

    dW = A.T @ error,  due the gradient by W   ->   error, if it were the gradient by Z

The other values are the quantities of the derivation (:mod:`meanings`), as they are, transposed, or
times a number and sizes.  Values at points decide: this finds causes, it proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from gradproof.checks.causes.meanings import Meaning, Values, is_even, same, shaped
from gradproof.symbolic.dependence import arrays_read, descendants, needed_part
from gradproof.symbolic.equation import Array, Equation, System, is_unnamed
from gradproof.symbolic.proof.sampling import TOLERANCE, Evaluate, Sample, size_monomial


@dataclass(frozen=True)
class Due:
    """What an array has to be: `factor` times a quantity, or what it is where there is none."""

    values: Values
    meaning: Meaning | None = None
    factor: sp.Expr = sp.S.One

    @property
    def is_adjoint(self) -> bool:
        return self.meaning is not None and self.meaning.role == "adjoint"


class Remedy(NamedTuple):
    """Equations that are right if the arrays that they read from elsewhere are what is asked."""

    equations: Sequence[Equation]
    asked: Mapping[str, Due]


_RIGHT_IN_ITSELF, _SCALED, _SCALED_FORWARD, _FURTHER = 2, 1, 3, 1
"""What it costs to ask another value of an array that is a quantity of the derivation; to ask for
an adjoint, or for a quantity that is none, times a number; and to ask it of an array that is read
by way of others."""
_DEAR = 3
"""From this cost on it is worth while to look further back."""
_RUNS = 1000
"""Values that are tried for several arrays at once before a statement is given up: in a loop over a
few steps a hundred adjoints have one shape, times the parts of a sum."""


_MOVED = 60
"""Arrays of which another is put together, at most."""


@dataclass
class Remedies:
    """What may be asked of the arrays of a system, by its values at points."""

    system: System
    points: Sequence[Sample]
    evaluate: Evaluate
    known: Sequence[Meaning]
    found: dict[str, Meaning | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values: dict[str, Values] = {
            name: self.numbers("right", name) for name in self.system.shapes}
        self._inputs = {array.name: array for array in self.system.inputs}
        self._systems: dict[tuple[str, ...], System] = {}
        self._constant = {e.name for e in self.system.equations if not any(arrays_read(e))}

    def numbers(self, side: str, name: str) -> Values:
        """An array of either side at the points."""
        return tuple(np.asarray(getattr(point, side)[name], float) for point in self.points)

    def called(self, values: Values, names: Collection[str]) -> str:
        """The name, of those given, of an array that has these values; empty where none has."""
        return next((name for name in names if same(self.values[name], values)), "")

    def quantity(self, name: str) -> Meaning | None:
        """The quantity of the derivation that an array is, if it is any."""
        if name not in self.found:
            self.found[name] = next(
                (meaning for meaning in self.known for turned in self.turned(meaning, name)
                 if same(turned, self.values[name])), None)
        return self.found[name]

    def turned(self, meaning: Meaning, name: str) -> Iterator[Values]:
        """A quantity in the shape of an array, as it is and transposed, where it has that."""
        return shaped(meaning.values, self.values[name])

    def sources(self, cone: Sequence[Equation]) -> list[str]:
        """What equations read from elsewhere."""
        made = {name for e in cone for name in (e.name, *e.argmax)}
        return list(dict.fromkeys(a for e in cone for a in arrays_read(e)
                                  if a not in made and a in self.values))

    def depends(self, cone: Sequence[Equation], name: str, source: str) -> bool:
        """Whether an array is another one where one that is read is."""
        other = tuple(value + 1 + np.abs(value) for value in self.values[source])
        made = self._run(cone, name, {source: other})
        return made is None or not same(made, self.values[name])

    def remedy(
        self, statement: Sequence[Equation], name: str, due: Due, above: Sequence[Equation],
        is_gradient: bool = False,
    ) -> Remedy | None:
        """The least that would make an array of a statement what it has to be; None for nothing.

        above: the equations before the statement that may be looked at.  is_gradient: the array is
        one that is handed back; of a residual that it reads, no multiple is asked.
        """
        cone = _cone(statement, name)
        sources = [source for source in self.sources(cone) if source not in self._constant]
        found = [(self._cost(source, made), Remedy(cone, {source: made}))
                 for source in sources for made in self._single(cone, name, due, source)
                 if not (is_gradient and self._is_multiple(source, made))]
        least = min(found, key=lambda entry: entry[0], default=None)
        if least is None or least[0] >= _DEAR:
            further = self._further(sources, above, statement, name, due)
            least = min(filter(None, (least, further)), key=lambda entry: entry[0], default=None)
        if least is not None:
            return least[1]
        both = self._two(cone, name, due, sources) or self._behind_a_factor(name, due, sources)
        return None if both is None else Remedy(cone, both)

    def _behind_a_factor(
        self, name: str, due: Due, sources: Sequence[str]
    ) -> dict[str, Due] | None:
        """What the one array has to be that is handed on times sizes, as in `-n * h / 2`: where the
        result is no multiple of what is due, no other factor would mend it."""
        if len(sources) != 1:
            return None
        source, = sources
        factors = self._ratio(self.values[name], self.values[source])
        pairs = list(zip(due.values, self.values[source], strict=True))
        if not factors or self.quantity(source) is not None or self._ratio(
                self.values[name], due.values) or any(a.size != b.size for a, b in pairs):
            return None
        shaped_due = (value.reshape(own.shape) for value, own in pairs)
        return {source: self._scaled(Due(tuple(shaped_due)), 1 / factors[0])}

    # --- one array ------------------------------------------------------------------------------

    def _further(
        self, sources: Sequence[str], above: Sequence[Equation], statement: Sequence[Equation],
        name: str, due: Due,
    ) -> tuple[int, Remedy] | None:
        """An array further back from which several sources follow, the nearest."""
        lost = {source for source in sources if self.quantity(source) is None}
        needed = _cone([*above, *statement], name)
        for equation in reversed(above if lost else ()):
            after = descendants(needed, [equation.name])
            through = after.intersection(sources)
            if is_unnamed(equation.name) or equation.name in self._constant \
                    or len(through) < 2 or not through & lost:
                continue
            cone = [e for e in needed if e.name in after and e.name != equation.name]
            found = [(self._cost(equation.name, made) + _FURTHER, made)
                     for made in self._single(cone, name, due, equation.name)]
            if found:
                cost, made = min(found, key=lambda entry: entry[0])
                return cost, Remedy(cone, {equation.name: made})
        return None

    def _single(
        self, cone: Sequence[Equation], name: str, due: Due, source: str
    ) -> Iterator[Due]:
        is_renamed = same(self.values[name], self.values[source])
        for candidate in self._candidates(source):
            if not is_renamed and same(candidate.values, due.values):
                continue  # the result in the place of a part of it
            if same(candidate.values, self.values[source]):
                factors = [1 / f for f in self._ratio(self.values[name], due.values)]
            else:
                factors = self._ratio(self._run(cone, name, {source: candidate.values}, 1),
                                      due.values[:1], one=True)
            if not factors:
                continue
            if self._puts_right(cone, name, due, {source: candidate}):
                yield candidate
                continue
            made = self._run(cone, name, {source: candidate.values})
            for factor in self._ratio(made, due.values):
                scaled = self._scaled(candidate, 1 / factor)
                if self._puts_right(cone, name, due, {source: scaled}):
                    yield scaled

    def _candidates(self, source: str) -> Iterator[Due]:
        """Quantities of an array's shape; of a quantity of the derivation none whose entries are
        all the same, as the adjoint of what a mean is taken of: it is one factor too many."""
        for meaning in self.known:
            if is_even(meaning.values) and self.quantity(source) is not None:
                continue
            for values in self.turned(meaning, source):
                yield Due(values, meaning)

    def is_known(self, name: str) -> bool:
        """Whether an array is a quantity of the derivation, times sizes."""
        return self.quantity(name) is not None or any(
            self._ratio(self.values[name], values)
            for meaning in self.known for values in self.turned(meaning, name))

    def is_multiple(self, name: str, due: Due) -> bool:
        """Whether an array is what is due, times sizes."""
        return bool(self._ratio(self.values[name], due.values))

    def _is_multiple(self, source: str, due: Due) -> bool:
        """Whether what is asked of a quantity of the forward pass is itself, times a number."""
        found = self.quantity(source)
        return found is not None and found.role == "forward" and bool(
            self._ratio(due.values, self.values[source]))

    def _cost(self, source: str, due: Due) -> int:
        cost = _RIGHT_IN_ITSELF if self.quantity(source) is not None else 0
        if due.factor != 1:
            cost += _SCALED if due.is_adjoint else _SCALED_FORWARD
        return cost

    def solved(
        self, equation: Equation, due: Due, source: str
    ) -> Due | None:
        """What an array that an equation reads entry by entry, in a sum or a product, has to be for
        the equation's to be `due`; None where it is read otherwise."""
        cone, name, start = [equation], equation.name, self.values[source]
        runs = [self._run(cone, name, {source: tuple(v + step for v in start)})
                for step in (0.0, 1.0, 2.0)]
        found = []
        for number, values in enumerate(start):
            if any(run is None for run in runs):
                return None
            low, mid, high = (run[number] for run in runs)  # type: ignore[index]
            slope, wanted = mid - low, due.values[number]
            if wanted.shape != low.shape or not same((high - mid,), (slope,)) \
                    or not np.all(slope) or not _broadcasts(values.shape, low.shape):
                return None
            full = values + (wanted - low) / slope
            lead = tuple(range(full.ndim - values.ndim))
            full = full.mean(axis=lead) if lead else full
            wide = tuple(axis for axis, size in enumerate(values.shape) if size == 1)
            found.append(full.mean(axis=wide, keepdims=True).reshape(values.shape))
        made = Due(tuple(found))
        return made if self._puts_right(cone, name, due, {source: made}) else None

    def moved(
        self, statement: Sequence[Equation], name: str, due: Due
    ) -> Remedy | None:
        """What arrays have to be of whose entries, as they stand, another is made: rows that are
        stacked, or put one after the other into their place."""
        cone = _cone(statement, name)
        sources = [source for source in self.sources(cone) if source not in self._constant]
        if not 0 < len(sources) <= _MOVED:
            return None
        start = {source: self.values[source] for source in sources}
        none = {source: tuple(map(np.zeros_like, values)) for source, values in start.items()}
        given = self._run(cone, name, none)
        made = {source: tuple(map(np.array, values)) for source, values in start.items()}
        for source in sources:
            marks = tuple(np.arange(1.0, value.size + 1).reshape(value.shape)
                          for value in start[source])
            found = self._run(cone, name, {**none, source: marks})
            if given is None or found is None:
                return None
            for value, zero, mark, wanted in zip(
                    made[source], given, found, due.values, strict=True):
                at = mark - zero
                if at.shape != wanted.shape or not np.all(
                        (at == np.round(at)) & (at >= 0) & (at <= value.size)):
                    return None
                value.flat[at[at > 0].astype(int) - 1] = wanted[at > 0]
        put = {source: Due(values) for source, values in made.items()
               if not same(values, start[source])}
        return Remedy(cone, put) if put and self._puts_right(cone, name, due, put) else None

    # --- two arrays at once ---------------------------------------------------------------------

    def _two(
        self, cone: Sequence[Equation], name: str, due: Due, sources: Iterable[str]
    ) -> dict[str, Due] | None:
        """Other values for two sources, one of which is no quantity of the derivation."""
        lost = {source for source in sources if self.quantity(source) is None}
        pairs = [pair for pair in combinations(sources, 2) if lost.intersection(pair)]
        pairs.sort(key=lambda pair: -len(lost.intersection(pair)))
        runs = 0
        for pair in pairs:
            found = list[tuple[int, int, dict[str, Due]]]()
            for dues in product(*(list(self._candidates(source)) for source in pair)):
                runs += 1
                if runs > _RUNS:
                    break
                if any(same(one.values, due.values) for one in dues):
                    continue  # all of it, times nothing
                put = dict(zip(pair, dues, strict=True))
                if self._fits(cone, name, due, put):
                    found.append((sum(map(self._cost, put, put.values())), len(found), put))
            if found:
                return min(found)[2]
        return None

    def _fits(
        self, cone: Sequence[Equation], name: str, due: Due, put: dict[str, Due]
    ) -> bool:
        """Whether values for some sources make a statement right, up to a factor, which is put to
        one of them."""
        values = {source: made.values for source, made in put.items()}
        if not self._ratio(self._run(cone, name, values, 1), due.values[:1], one=True):
            return False
        for factor in self._ratio(self._run(cone, name, values), due.values):
            scaled = next((s for s in put if put[s].is_adjoint), next(iter(put)))
            put[scaled] = self._scaled(put[scaled], 1 / factor)
            return self._puts_right(cone, name, due, put)
        return False

    # --- values ---------------------------------------------------------------------------------

    def _scaled(self, due: Due, factor: sp.Expr) -> Due:
        numbers = [float(factor.xreplace({s: sp.Integer(n) for s, n in point.sizes.items()}))
                   for point in self.points]
        return Due(tuple(n * value for n, value in zip(numbers, due.values, strict=True)),
                   due.meaning, factor)

    def _ratio(self, made: Values | None, due: Values, one: bool = False) -> list[sp.Expr]:
        """made / due where that is a product of sizes, at all points or, to begin with, `one`."""
        if made is None:
            return []
        ratios = []
        for a, b in zip(made, due, strict=True):
            a, b = np.squeeze(a), np.squeeze(b)
            top = float(np.max(np.abs(b), initial=0.0))
            if a.shape != b.shape or top == 0 or not np.all(np.isfinite(a)):
                return []
            ratio = float(a.ravel() @ b.ravel() / (b.ravel() @ b.ravel()))
            if ratio == 0 or np.max(np.abs(a - ratio * b)) > TOLERANCE * abs(ratio) * top:
                return []
            ratios.append(ratio)
        if one:
            return [sp.S.One]
        found = size_monomial(list(self.points), ratios)
        return [] if found is None else [found]

    def _puts_right(
        self, cone: Sequence[Equation], name: str, due: Due, put: Mapping[str, Due]
    ) -> bool:
        changed = {source: made.values for source, made in put.items()}
        for count in (1, len(self.points)):
            made = self._run(cone, name, changed, count)
            if made is None or not same(made, due.values[:count]):
                return False
        return True

    def _run(
        self, cone: Sequence[Equation], name: str, put: Mapping[str, Values],
        count: int | None = None,
    ) -> Values | None:
        """An array at the points, with other values for some of what its equations read."""
        system = self._read_by(tuple(cone))
        sources = [array.name for array in system.inputs]
        found = []
        for number, point in enumerate(self.points[:count]):
            at: dict[str, Any] = {source: point.right[source] for source in sources}
            at.update({source: values[number] for source, values in put.items()})
            try:
                made = self.evaluate(system, at, {str(s): n for s, n in point.sizes.items()})
            except (ValueError, TypeError, KeyError, IndexError):
                return None
            found.append(np.asarray(made[name], float))
        return tuple(found)

    def _read_by(self, cone: tuple[Equation, ...]) -> System:
        """Equations as a system of their own, which takes what they read."""
        key = tuple(equation.name for equation in cone)
        if key not in self._systems:
            shapes = self.system.shapes
            self._systems[key] = System(tuple(
                self._inputs.get(s, Array(s, shapes[s])) for s in self.sources(cone)), cone)
        return self._systems[key]


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether arrays of a shape are stretched to another."""
    return len(shape) <= len(to) and all(
        one in (1, other) for one, other in zip(shape[::-1], to[::-1], strict=False))


def _cone(equations: Sequence[Equation], name: str) -> list[Equation]:
    return list(needed_part(System((), tuple(equations)), [name]).equations)
