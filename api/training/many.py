"""One network from many first values at once: every parameter has a first axis that counts them.

    Z1[s, j] = Σ_i X[s, i]*W1[i, j] + b1[j]   ->   Z1[r, s, j] = Σ_i X[s, i]*W1[r, i, j] + b1[r, j]

The equations are those of the network with one more index; the loss is the sum over it, so that the
gradient of each copy is its own, and one generated program takes the steps of all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradproof.codegen.compile import compile_system
from gradproof.codegen.loops.c_library import NoCompilerError
from gradproof.derivations.deriving import derive
from gradproof.symbolic.equation import (
    Equation,
    EquationError,
    Index,
    Read,
    System,
    Term,
    as_size,
    fresh_name,
    slot,
)
from gradproof.symbolic.specs.stated import Stated

from .fitting import Arrays
from .loop import Training

COPIES = "copies"


def copied(system: System, parameters: Collection[str], loss: str) -> System:
    """A system in which the parameters, and all that follows from them, have a first axis of
    length `copies`, and whose last equation is the sum of the losses.

    Raises EquationError for what is not stated equation by equation (a recurrence).
    """
    index = Index(fresh_name("r", {i.name for e in system.equations for i in _indices(e)}),
                  as_size(COPIES))
    inputs = tuple(replace(a, shape=(index.size, *a.shape), axes=(index.name, *a.axes))
                   if a.name in parameters and a.axes else
                   replace(a, shape=(index.size, *a.shape)) if a.name in parameters else a
                   for a in system.inputs)
    lifted, items = set(parameters), []
    for item in system.items:
        if not isinstance(item, Equation):
            raise EquationError("many at once: expected equations one after the other; this "
                                "network has some that read each other, such as a recurrence's")
        if any(read.array in lifted for read in item.reads):
            lifted |= {item.name, *item.argmax}
            item = replace(item, out=(index, *item.out),
                           terms=tuple(_lifted(term, lifted, index) for term in item.terms))
        items.append(item)
    total = Equation(fresh_name("total", system.names), (),
                     (Term(slot(0), (Read(loss, (index.symbol,)),), (index,)),))
    return System(inputs, (*items, total))


def _lifted(term: Term, lifted: Collection[str], index: Index) -> Term:
    return replace(term, reads=tuple(
        Read(read.array, (index.symbol, *read.at)) if read.array in lifted else read
        for read in term.reads))


def _indices(equation: Equation) -> tuple[Index, ...]:
    return (*equation.out, *(index for term in equation.terms for index in term.over))


@dataclass
class Many(Training):
    """A run of many copies of a network, each from first values of its own, with the whole batch.

    The loss that an epoch tells is the mean of all copies; its accuracy, in the last epoch, the
    part of them that classifies every sample rightly.
    """

    seeds: int = 1000

    def __post_init__(self) -> None:
        if self.plan.clip is not None or self.plan.batch is not None or self.plan.test:
            raise ValueError("many at once: expected the whole batch, no clip (which would be of "
                             "all copies together) and no samples set aside")
        if isinstance(self.network, Stated):
            raise ValueError("many at once: expected a network or a model, got equations")
        super().__post_init__()

    def first_values(self) -> Arrays:
        drawn = [self.fitted.parameters(self.plan.init, self.rng) for _ in range(self.seeds)]
        return {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}

    @cached_property
    def _copies(self) -> System:
        return copied(self.network.system(), self.network.parameters, self.derivation.chain.loss)

    @cached_property
    def gradient(self) -> Callable[..., tuple[float, dict[str, Any]]]:
        """The mean of the losses, and the gradient of each copy's own; in C where there is a
        compiler, since NumPy's loops over axes of two entries take four times as long."""
        derivation = derive(self._copies, wrt=self.network.parameters)
        try:
            compiled = derivation.compile(workspace=True, target="c")
            compiled(**self.fitted.arrays, **self.parameters)  # the first call builds it
        except (NoCompilerError, EquationError):
            compiled = derivation.compile()

        def mean(**arrays: Any) -> tuple[float, dict[str, Any]]:
            total, found = compiled(**arrays)
            return total / self.seeds, found

        return mean

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """Of each copy, at its end."""
        return np.asarray(self._ends[0])

    @cached_property
    def learned(self) -> NDArray[np.bool_]:
        """Which copies classify every sample rightly, at their ends."""
        output, targets = self._ends[1], self.fitted.arrays["Y"]
        right = self.right(output, np.broadcast_to(targets, output.shape))
        return np.asarray(right.reshape(self.seeds, -1).all(axis=1))

    @cached_property
    def _ends(self) -> tuple[Any, ...]:
        assert not isinstance(self.network, Stated)
        run = compile_system(self._copies, [self.derivation.chain.loss, self.network.prediction])
        losses, outputs = run(**self.fitted.arrays, **self.parameters)
        return losses, outputs

    def evaluated(self, places: NDArray[np.int64]) -> tuple[float | None, float | None]:
        if len(self.history) + 1 < self.plan.epochs or not self.data.classes:
            return None, None
        return None, float(self.learned.mean())


def quartiles(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)

