"""What is handed in in the place of a derivative: another matrix, which is known by its name.

    Σ (∂L/∂r) ∂²r/∂x² left out   ->   the Gauss-Newton matrix through r
    Xᵀ X / 4 for Xᵀ diag(p (1 - p)) X   ->   a constant for ∂²L/∂z², which bounds it
    h(y = μ)   ->   Fisher's expected information
    θ ∂f/∂θ   ->   the derivative by log θ

Each is made of the equations of the function; one is named only where it is what was claimed, at
every point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy as sp

from gradproof.codegen.compile import compile_system
from gradproof.limits.deadline import TimeLimitError, bounded, left
from gradproof.numeric import diagnose
from gradproof.numeric.factors import Factor
from gradproof.symbolic.dependence import between
from gradproof.symbolic.derive import higher_orders
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import (
    Array,
    Equation,
    Read,
    System,
    Term,
    fresh_name,
    is_unnamed,
    slot,
)
from gradproof.symbolic.tracing.run import Trace

CLOSE = 1e-7
"""Relative: what is claimed is another matrix where it differs by no more from it."""

MOST = 10
"""Intermediate arrays to look at."""

SHARE = 0.5
"""The part of the time that is left which one of them may take."""

SECONDS, BUSY = 3.0, 4.0
"""Processor time of all of them together, after which none is begun; and how many times that it
may be by the clock. A name for what was handed in is worth no longer a wait."""

Values = Mapping[str, Any]
Seen = Sequence[tuple[Values, Any, Any, Mapping[str, int]]]


@dataclass(frozen=True)
class Surrogates:
    """Of the derivatives of a function, those that stand in one another's place.

    value: traces the function for declared inputs.  by: what is differentiated by.
    order: "gradient", "jacobian", "hessian", "product", "diagonal" or "blocks".
    direction: what a Hessian is multiplied by.
    """

    value: Any
    declared: Mapping[str, Any]
    by: str
    order: str
    direction: str = ""
    _began: list[float] = field(default_factory=list)

    def _has_time(self) -> bool:
        return time.process_time() - self._began[-1] < SECONDS

    def __call__(self, seen: Seen) -> str:
        """What was claimed at some points, in words; "" where it is nothing that is known."""
        seen = [(values, np.asarray(claimed), np.asarray(due), sizes)
                for values, claimed, due, sizes in seen]
        if not seen:
            return ""
        self._began.append(time.process_time())
        try:
            return bounded(BUSY * SECONDS, lambda: self._told(seen))
        except TimeLimitError:
            return ""

    def _told(self, seen: Seen) -> str:
        if told := self._by_another_scale(seen):
            return told
        if self.order in ("gradient", "jacobian") or seen[0][0][self.by].size > 60:
            return ""
        for rule in (self._gauss_newton, self._outer, self._expected, self._constant):
            if self._has_time() and (told := rule(seen)):
                return told
        return ""

    # --- another parameter ----------------------------------------------------------------------

    def _by_another_scale(self, seen: Seen) -> str:
        """By log θ where θ is meant, or the other way round."""
        by = self.by
        scales: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
            (f"the derivative by log {by} in place of the one by {by}: divide by {by}",
             lambda x: x, lambda x: np.ones_like(x)),
            (f"the derivative by exp({by}) in place of the one by {by}: multiply by exp({by})",
             lambda x: np.exp(-x), lambda x: -np.exp(-x)),
        )
        for text, slope, curve in scales:
            if all(_same(self._rescaled(values, due, slope, curve), claimed)
                   for values, claimed, due, _ in seen):
                return f"this is {text}"
        return ""

    def _rescaled(
        self, values: Values, due: Any, slope: Callable[[Any], Any], curve: Callable[[Any], Any]
    ) -> Any:
        """A derivative by u where du = dx/slope(x), of which `curve` is slope′."""
        x = np.asarray(values[self.by], dtype=float)
        with np.errstate(all="ignore"):
            if self.order in ("gradient", "jacobian"):
                return due * slope(x)
            g, s = self._curvature.gradient(values), slope(x)
            if self.order == "diagonal":
                return due * s ** 2 + g * curve(x) * s
            hessian = due if self.order == "hessian" else self._curvature.hessian(values)
            matrix = hessian.reshape(x.size, x.size) * np.outer(s, s)
            return self._shown(matrix + np.diag(np.ravel(g * curve(x) * s)), values)

    # --- other matrices -------------------------------------------------------------------------

    @cached_property
    def _curvature(self) -> _Curvature:
        inputs = {name: array for name, array in self.declared.items() if name != self.direction}
        return _Curvature(self.value.traced(inputs), self.by)

    def _shown(self, matrix: Any, values: Values) -> Any:
        """What a matrix looks like as a derivative of the order that is claimed."""
        x = np.asarray(values[self.by])
        if self.order == "product":
            return (matrix @ np.ravel(values[self.direction])).reshape(x.shape)
        if self.order == "diagonal":
            return np.diag(matrix).reshape(x.shape)
        whole = matrix.reshape(*x.shape, *x.shape)
        if self.order == "blocks":
            n = x.shape[0]
            return whole[np.arange(n), :, np.arange(n), :]
        return whole

    def _gauss_newton(self, seen: Seen) -> str:
        if self.order == "product" and self._all(seen, lambda v: np.diag(np.diag(
                self._curvature.hessian(v)))):
            return "this is the diagonal of the Hessian times the vector, not the Hessian"
        through = [(name,) for name in self._curvature.inner]
        for names in dict.fromkeys((*through, self._curvature.nearest)):
            if self._all(seen, partial(self._curvature.without_curvature_of, names)):
                said = " and ".join(map(self._curvature.said, names))
                if all(self._is_linear(seen, name) for name in names):
                    return f"this leaves out the second derivative of {said}"
                return (f"this is the Gauss-Newton matrix through {said}: it leaves out "
                        "Σ (∂L/∂r) ∂²r/∂x², so it is the Hessian only where that vanishes")
        return ""

    def _is_linear(self, seen: Seen, name: str) -> bool:
        """Whether the loss is linear in an array, at the points."""
        return not any(np.any(self._curvature.bend_by(values, name)) for values, *_ in seen)

    def _outer(self, seen: Seen) -> str:
        """What is left where a loss is taken for linear in an intermediate array."""
        curvature = self._curvature

        def linear(values: Values, name: str) -> Any:
            j = curvature.slope_of(values, name)
            return curvature.hessian(values) - j.T @ curvature.bend_by(values, name) @ j

        for name in curvature.inner:
            if self._all(seen, partial(linear, name=name)):
                return (f"this leaves out Jᵀ (∂²L/∂r²) J for {curvature.said(name)}, J = ∂r/∂x: "
                        "the loss is taken for linear in it")
        return ""

    def _expected(self, seen: Seen) -> str:
        curvature = self._curvature
        data = [name for name, array in seen[0][0].items() if name not in (
            self.by, self.direction) and np.asarray(array).dtype.kind == "f" and name in
            curvature.names]
        for name in data:
            for inner in curvature.inner:
                def expected(values: Values, name: str = name, inner: str = inner) -> Any:
                    mean = curvature.value(values, inner)
                    if np.shape(mean) != np.shape(values[name]):
                        raise ValueError(inner)
                    return curvature.hessian({**values, name: mean})

                if self._all(seen, expected):
                    return (f"this is the Hessian with {curvature.said(inner)} in place of {name}: "
                            "the expected one (Fisher's information), not the one at the data")
        return ""

    def _constant(self, seen: Seen) -> str:
        """A constant for the second derivative by an intermediate array."""
        curvature = self._curvature
        for name in curvature.inner:
            found = []
            try:
                for values, claimed, _, sizes in seen:
                    j = curvature.slope_of(values, name)
                    bend = curvature.bend_by(values, name)
                    rest = curvature.hessian(values) - j.T @ bend @ j
                    found.append((claimed - self._shown(rest, values),
                                  self._shown(j.T @ j, values), sizes, bend))
            except (ValueError, KeyError, TimeLimitError):
                continue
            told = diagnose([(a, b, s) for a, b, s, _ in found])
            if told is None or told.kind not in ("factor", "equal") or told.coefficient is None:
                continue
            factor = Factor(told.coefficient, dict(told.exponents))
            bends = [np.diag(bend) for *_, bend in found]
            if all(np.ptp(bend) <= CLOSE * np.max(np.abs(bend)) for bend in bends):
                continue  # a factor says it all
            above = all(np.all(bend <= float(factor.at(s)) * (1 + CLOSE))
                        for bend, (_, _, s, _) in zip(bends, found, strict=True))
            said = "an upper bound of the Hessian, not the Hessian" if above else "not the Hessian"
            low = min(float(np.min(bend)) for bend in bends)
            high = max(float(np.max(bend)) for bend in bends)
            return (f"this has the constant {factor} for the second derivative by "
                    f"{curvature.said(name)}, which lies between {low:.3g} and {high:.3g} at the "
                    f"points looked at: {said}")
        return ""

    def _all(self, seen: Seen, matrix: Callable[[Values], Any]) -> bool:
        """Whether a matrix in place of the Hessian is what was claimed at every point."""
        if not self._has_time():
            return False
        try:
            return bounded(SHARE * left(), lambda: all(
                _same(self._shown(matrix(values), values), claimed)
                for values, claimed, _, _ in seen))
        except (ValueError, KeyError, TimeLimitError):
            return False


def _same(one: Any, other: Any) -> bool:
    if np.shape(one) != np.shape(other):
        return False
    scale = float(np.max(np.abs(other), initial=0.0))
    return bool(np.all(np.abs(one - other) <= CLOSE * scale))


class _Curvature:
    """A traced loss with its derivatives of first and second order, as numbers where asked for."""

    def __init__(self, traced: Trace, by: str) -> None:
        assert isinstance(traced.result, str)
        self._traced = traced
        self._system = traced.system
        self._loss = traced.result
        self._by = by
        self._made: dict[tuple[str, str], Callable[..., Any]] = {}
        self.names = frozenset(array.name for array in traced.system.inputs)

    @cached_property
    def _active(self) -> tuple[str, ...]:
        """Arrays between what is differentiated by and the loss, the nearest to the loss last."""
        active = between(self._system, self._loss, [self._by])
        return tuple(e.name for e in self._system.equations
                     if e.name in active and e.name != self._loss)

    @property
    def inner(self) -> tuple[str, ...]:
        """Those of them that are looked at."""
        return self._active[-MOST:]

    def said(self, name: str) -> str:
        """An array in words: by its name, and the line that makes it."""
        line = self._traced.lines.get(name)
        shown = "" if is_unnamed(name) and line is not None else name
        return " ".join(part for part in (shown, f"({line})" if line is not None else "") if part)

    def value(self, values: Values, name: str) -> Any:
        return self._run("value", name, values, lambda: (self._system, name))

    def gradient(self, values: Values) -> Any:
        return self.adjoint(values, self._by)

    def adjoint(self, values: Values, name: str) -> Any:
        def made() -> tuple[System, str]:
            chain = differentiate(self._system, self._loss, [name])
            return chain.system, chain.of[name]

        return self._run("adjoint", name, values, made)

    def hessian(self, values: Values) -> Any:
        return self._square(values, self._run("hessian", self._by, values, lambda: _found(
            higher_orders.hessian(self._system, self._loss, self._by, self._by, short=False))))

    def slope_of(self, values: Values, name: str) -> Any:
        """∂r/∂x as a matrix."""
        found = self._run("slope", name, values, lambda: _found(
            higher_orders.jacobian(self._system, name, [self._by], short=False)))
        return found.reshape(-1, np.size(values[self._by]))

    def bend_by(self, values: Values, name: str) -> Any:
        """∂²L/∂r² as a matrix, where r is free."""
        def made() -> tuple[System, str]:
            equation = self._system[name]
            shape = self._system.shapes[name]
            free = replace(self._system, inputs=(*self._system.inputs, Array(name, shape)),
                           items=tuple(i for i in self._system.items if i is not equation))
            return _found(higher_orders.hessian(free, self._loss, name, name, short=False))

        at = self.value(values, name)
        return self._run("bend", name, {**values, name: at}, made).reshape(np.size(at), -1)

    @cached_property
    def nearest(self) -> tuple[str, ...]:
        """The arrays of which the loss is a sum of functions: what its last sums are curved in."""
        linear, found = {self._loss}, list[str]()
        for equation in reversed(list(self._system.equations)):
            if equation.name not in linear:
                continue
            reads = [read.array for read in equation.reads if read.array in self._active]
            if _is_linear(equation):
                linear.update(reads)
            else:
                found += reads
        return tuple(dict.fromkeys(found))

    def without_curvature_of(self, names: Sequence[str], values: Values) -> Any:
        """H - Σ (∂L/∂r) ∂²r/∂x², for some arrays r none of which follows from another."""
        return self.hessian(values) - sum(
            self._square(values, self._curve(name, values)) for name in names)

    def _curve(self, name: str, values: Values) -> Any:
        """Σ (∂L/∂r) ∂²r/∂x²."""
        weight = fresh_name("weight", self._system.names)
        total = fresh_name("total", {*self._system.names, weight})

        def made() -> tuple[System, str]:
            shape, out = self._system.shapes[name], self._system[name].out
            places = tuple(index.symbol for index in out)
            sum_ = Equation(total, (), (Term(
                slot(0) * slot(1), (Read(weight, places), Read(name, places)), out),))
            wide = replace(self._system, inputs=(*self._system.inputs, Array(weight, shape)))
            return _found(higher_orders.hessian(
                wide.extended([sum_]), total, self._by, self._by, short=False))

        return self._run("curve", name, {**values, weight: self.adjoint(values, name)}, made)

    def _square(self, values: Values, array: Any) -> Any:
        return array.reshape(np.size(values[self._by]), -1)

    def _run(
        self, kind: str, name: str, values: Values, made: Callable[[], tuple[System, str]]
    ) -> Any:
        if (kind, name) not in self._made:
            system, array = made()
            inputs = [a.name for a in system.inputs]
            run = compile_system(system, [array])
            self._made[kind, name] = lambda at: run(**{n: at[n] for n in inputs})[0]
        with np.errstate(all="ignore"):
            return np.asarray(self._made[kind, name](values))


def _is_linear(equation: Equation) -> bool:
    """Whether an array is a sum of its reads, each times a number."""
    return equation.reduction == "sum" and all(
        sp.diff(term.body, slot(one), slot(other)) == 0
        for term in equation.terms for one, other in combinations_with_replacement(
            range(len(term.reads)), 2))


def _found(derivatives: higher_orders.Derivatives) -> tuple[System, str]:
    (name,) = derivatives.of.values()
    return derivatives.system, name


