"""A claimed derivative as a subject, judged as every gradient is.

Of the equations of f the rule gives the derivative once more (:mod:`higher_orders`); the trace of
the hand-written function is held against it, and its numbers against differences of f.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.causes.surrogates import Surrogates
from gradproof.checks.given_arrays import General
from gradproof.checks.judging import judge
from gradproof.checks.orders.calls import Call
from gradproof.checks.orders.displaced import (
    gradient_witness,
    hessian_witness,
    jacobian_witness,
    product_witness,
)
from gradproof.checks.points import Point
from gradproof.checks.results import Check, CheckResult
from gradproof.checks.returned import Asked
from gradproof.checks.subject import (
    Declared,
    Gradient,
    Rerun,
    Safeguards,
    Sides,
    Subject,
    Values,
    Witness,
    loss_chain,
    with_scalar,
)
from gradproof.limits.calls import NotReturnedError
from gradproof.symbolic.derive import higher_orders
from gradproof.symbolic.derive.kinks import find_kinks
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.equation import fresh_name
from gradproof.symbolic.safeguards import without_safeguards
from gradproof.symbolic.substitution import rename_arrays
from gradproof.symbolic.tracing.run import Trace, TraceError

Order: TypeAlias = Literal["gradient", "jacobian", "hessian", "product", "diagonal", "blocks"]

TITLES: dict[Order, str] = {
    "gradient": "the gradient", "jacobian": "the Jacobian", "hessian": "the Hessian",
    "product": "the Hessian-vector product", "diagonal": "the second derivative",
    "blocks": "the second derivative",
}


@dataclass(frozen=True)
class Claim:
    """A function that is held against derivatives of another.

    value: what is differentiated, by the input `by`.  hand: what claims to be its derivatives.
    orders: the names of what it returns, and which derivative each is.
    general: all inputs.  direction: the one that a Hessian is multiplied by.
    """

    value: Call
    hand: Call
    by: str
    orders: Mapping[str, Order]
    general: General
    direction: str = ""
    loose_units: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)

    def judged(self, seed: int, seconds: float) -> CheckResult:
        """The verdict on each derivative; undecided where f itself has no value."""
        titles = {name: TITLES[order] for name, order in self.orders.items()}
        plain = Subject(
            self._asked, self._number, self._claimed, varied=(self.by,), titles=titles,
            witnesses={name: self._witness(name) for name in self.orders},
            loose_units=self.loose_units, unguarded=self._unguarded,
            rerun=Rerun(self.hand.function, self._bound, self._verdict(seed), self.value.function))
        sides = Sides(plain, self._chain, self._traced)
        subject = sides.general(self.general)
        drawn = self.general.points(seed, subject.declared if subject.hand is not None else None)
        points, fault = self._displaced(drawn)
        if not points:
            return CheckResult(tuple(Check(name, "undecided", reason=fault)
                                     for name in self.orders))
        subject = replace(subject, instead={
            name: Surrogates(self.value, subject.declared, self.by, order, self.direction)
            for name, order in self.orders.items()})
        return judge(subject, points, sides.patterned(self.general, subject.declared), seconds)

    # --- as numbers -----------------------------------------------------------------------------

    @cached_property
    def _asked(self) -> Asked:
        inputs = tuple(array.name for array in self.general.inputs.arrays)
        return Asked(tuple(self.orders), inputs, "/".join(self.orders))

    def _number(self, values: Values) -> Any:
        found = self.value.at(self._without_claims(values))
        return np.sum(found) if "jacobian" in self.orders.values() and found is not None else found

    def _without_claims(self, values: Values) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in self.orders}

    def _claimed(self, values: Values) -> dict[str, Any]:
        found = self._asked.present(self.hand.at(self._without_claims(values)))
        return {name: np.asarray(array) for name, array in found.items()}

    def _witness(self, name: str) -> Witness:
        order = self.orders[name]
        if order == "jacobian":
            return jacobian_witness(self.value, self.by, name)
        if order == "gradient":
            return gradient_witness(self._number, self.by, name)
        if order == "product":
            return product_witness(self._number, self.by, name, self.direction)
        axes = len(self._shape_of_by)
        shared = {"hessian": 0, "diagonal": axes, "blocks": axes - 1}[order]
        return hessian_witness(self._number, self.by, name, shared)

    @property
    def _shape_of_by(self) -> Sequence[Any]:
        return next(array.shape for array in self.general.inputs.arrays if array.name == self.by)

    def _displaced(self, points: Sequence[Point]) -> tuple[list[Point], str]:
        """The points with a displacement of none for each claim; what is said where f fails."""
        found, faults = list[Point](), list[str]()
        for point in points:
            try:
                due = {name: self._due(order, point) for name, order in self.orders.items()}
            except NotReturnedError as error:
                return [], f"the function {error} at {point}"
            except Exception as error:  # whatever it raises, it has no value there
                faults.append(f"the function fails at {point}: {in_one_line(error)}")
                if not point.elsewhere and 1 not in point.sizes.values():
                    return [], faults[-1]
                continue
            found.append(replace(point, values={
                **point.values, **{name: np.zeros(shape) for name, shape in due.items()}}))
        return found, faults[-1] if faults else ""

    def _due(self, order: Order, point: Point) -> tuple[int, ...]:
        """The shape of a derivative."""
        x = np.shape(point.values[self.by])
        if order == "jacobian":
            found = np.asarray(self.value.at(point.values))
            if found.dtype.kind not in "fiub":
                raise ValueError(f"it returns {found!r:.60}, expected numbers")
            return (*found.shape, *x)
        return {"hessian": (*x, *x), "blocks": (*x, *x[-1:])}.get(order, x)

    # --- as equations ---------------------------------------------------------------------------

    def _traced(self, declared: Declared, chain: Chain) -> Trace:
        return self.hand.traced(declared)

    def _chain(self, declared: Declared) -> Chain:
        return self._derived(self._value_traced(declared))

    def _unguarded(self, declared: Declared) -> tuple[Chain | None, Safeguards]:
        """The chain without safeguards, and what they are; None where there are none."""
        traced = self._value_traced(declared)
        plain, taken = without_safeguards(traced.system)
        return self._derived(replace(traced, system=plain)) if taken else None, taken

    def _value_traced(self, declared: Declared) -> Trace:
        return self.value.traced({
            name: array for name, array in declared.items() if name != self.direction})

    def _derived(self, traced: Trace) -> Chain:
        if self.direction in traced.system.names:  # a variable of the function is called so
            traced = _renamed(traced, self.direction)
        if "jacobian" in self.orders.values():
            return self._jacobian_chain(traced)
        orders = [order for order in self.orders.values() if order != "gradient"]
        if not orders:
            chain = loss_chain(traced, (self.by,))
            return replace(chain, of=dict.fromkeys(self.orders, chain.of[self.by]), steps=(),
                           stated=chain.assumptions, source=None)
        traced = with_scalar(traced)
        loss = str(traced.result)
        found = self._second(traced, loss, orders[0])
        slope = next(bar for bar, name in found.adjoints.items() if name == self.by)
        second, = found.of.values()
        return self._as_chain(traced, loss, found, {
            name: slope if order == "gradient" else second for name, order in self.orders.items()})

    def _second(self, traced: Trace, loss: str, order: Order) -> higher_orders.Derivatives:
        system = traced.system
        if order == "hessian":
            return higher_orders.hessian(system, loss, self.by, self.by)
        if order == "product":
            return higher_orders.hessian_product(system, loss, self.by, self.by, self.direction)
        axes = len(system.shapes[self.by])
        return higher_orders.diagonal(system, loss, self.by, axes - (order == "blocks"))

    def _jacobian_chain(self, traced: Trace) -> Chain:
        if not isinstance(traced.result, str):
            raise TraceError(f"the function returns {traced.result!r}, expected one array")
        found = higher_orders.jacobian(traced.system, traced.result, [self.by])
        return self._as_chain(traced, traced.result, found,
                              dict.fromkeys(self.orders, found.of[self.by]))

    def _as_chain(
        self, traced: Trace, loss: str, found: higher_orders.Derivatives, of: Mapping[str, str]
    ) -> Chain:
        """A derivative as what is compared with a trace; it has no steps to be shown."""
        kinks = tuple(find_kinks(traced.system.equations, [self.by]))
        return Chain(found.system, loss, tuple(of), (), {}, of, (), kinks, None, traced.least,
                     found.assumptions)

    # --- edits ----------------------------------------------------------------------------------

    def _edited(self, function: Callable[..., Any]) -> Claim:
        return replace(self, hand=self.hand.with_function(function))

    def _bound(self, function: Callable[..., Any]) -> Gradient:
        return self._edited(function)._claimed

    def _verdict(self, seed: int) -> Callable[[Callable[..., Any]], str]:
        return lambda function: self._edited(function).judged(seed, 0).verdict



def _renamed(traced: Trace, name: str) -> Trace:
    """A trace in which the array of a name has another."""
    other = {name: fresh_name(name, traced.system.names)}
    system = traced.system.mapped(lambda equation: rename_arrays(equation, other))
    result = other.get(traced.result, traced.result) if isinstance(traced.result, str) else None
    return replace(traced, system=system, result=result)
