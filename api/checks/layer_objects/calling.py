"""How a layer that is an object is made of its inputs, and which two methods are its passes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.inputs import Inputs, takes
from gradproof.checks.layer_calls import (
    Gathering,
    LayerFails,
    Run,
    Signature,
    all_used,
    in_order,
    orders,
    taken_constants,
)
from gradproof.checks.layer_objects.contexts import as_object, takes_context, with_context
from gradproof.checks.layer_objects.finding import NOTHING, Own, OwnParameter
from gradproof.checks.layer_objects.methods import Methods, Style, is_static, methods_of
from gradproof.checks.layer_objects.running import Plan, built, forward, made, passes, ran
from gradproof.checks.layer_objects.slopes import TARGETS, Of, settled, slope_of
from gradproof.checks.points import Point
from gradproof.checks.returned import LayerError
from gradproof.limits.calls import called


@dataclass(frozen=True)
class LayerObject:
    """A layer as an object with two passes, or what makes one of parameters.

    first: the inputs of its forward pass, in order.  methods: its two methods, where they are
    plain functions.  by: what it has gradients for, where that is said or its style says so.
    """

    make: Callable[..., Any]
    title: str
    taken: Inputs
    constants: Mapping[str, Any]
    plan: Plan
    first: tuple[str, ...] = ()
    methods: tuple[Callable[..., Any] | None, ...] = (None, None)
    by: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls, source: Any, taken: Inputs, constants: Mapping[str, Any], point: Point,
        wrt: Sequence[str] | None = None, of: Of | None = None,
    ) -> LayerObject:
        """wrt: what is asked for, if that is said.  of: what a derivative is a function of.

        LayerError for what is no layer, LayerFails where it cannot be made.
        """
        found = _found(source, taken, constants, point)
        plan = _plan(found, taken, constants)
        ahead = getattr(found.layer, plan.methods.ahead)
        first = tuple(name for name in _order(ahead, taken.given) if name in plan.entering)
        methods = (getattr(type(found.layer), name, None)
                   for name in (plan.methods.ahead, plan.methods.behind))
        made = cls(found.make, found.title, taken, constants, plan, first,
                   tuple(method if inspect.isfunction(method) else None for method in methods),
                   tuple(wrt) if wrt is not None else None)
        if plan.methods.style == "slope":
            return made._with_slope(found.layer, point, of)
        if plan.methods.style == "joint" and wrt is None:
            return made._with_returned(found.layer, point)
        return made

    def _with_slope(self, layer: Any, point: Point, of: Of | None) -> LayerObject:
        """With how its derivative is called, which numbers decide where names do not."""
        methods, known = self.plan.methods, {**self.taken.at(point.values), **self.constants}
        title = f"{self.title}.{methods.behind}" if methods.behind != "f_prime" else self.title
        derivative = getattr(layer, methods.behind)
        slope = slope_of(derivative, self.first, tuple(self.constants), title)
        real = [name for name in self.first if name in self.taken.real]
        by = self.by or [name for name in real if name.lower() not in TARGETS] or real
        slope = settled(
            slope, lambda arguments: forward(layer, self.plan, arguments, arguments)[0][0],
            derivative, known, by, of, title)
        return replace(self, plan=replace(self.plan, slope=slope), by=tuple(by))

    def _with_returned(self, layer: Any, point: Point) -> LayerObject:
        """With what the one method returns gradients for, where their shapes say so."""
        real = [name for name in self.first if name in self.taken.real]
        try:
            with np.errstate(all="ignore"):
                _, saved = self._forward(layer, point)
        except Exception:  # it will fail again where its failure is the finding
            return self
        arrays = [one for one in saved if one is not None]
        if len(arrays) == 1 and isinstance(arrays[0], tuple | list):
            arrays = list(arrays[0])
        if len(arrays) in (0, len(real)) or any(isinstance(one, Mapping) for one in arrays):
            return self
        fit = [names for names in combinations(real, len(arrays)) if all(
            np.shape(point.values[name]) == np.shape(one)
            for name, one in zip(names, arrays, strict=True))]
        likely = [names for names in fit if not any(name.lower() in TARGETS for name in names)]
        if len(found := likely or fit) != 1:
            raise LayerError(
                f"{self.title} returns {len(arrays)} gradients, and which of "
                f"{', '.join(real)} they are by cannot be told from their shapes; say it, as in "
                f"wrt={list(real[:len(arrays)])}")
        return replace(self, by=found[0]) if found else self

    def run(
        self, wrt: Sequence[str] | None, own: Own = NOTHING,
        instead: Callable[..., Any] | None = None,
    ) -> Run:
        """own: what it makes itself.  instead: is called in the place of its method `backward`."""
        plan, gathering = self.with_own(own).plan, self.gathering(wrt, own)
        return Run(
            partial(passes, self.make, instead, plan, gathering), plan.signature.needs_none,
            gathering.seen, self.methods[1], partial(self.run, wrt, own), self.methods[0],
            plan.slope.remarks if plan.slope is not None else (), plan.methods.style == "joint",
        )

    def with_own(self, own: Own) -> LayerObject:
        """The layer that is handed the parameters that it makes itself."""
        return replace(self, plan=replace(self.plan, inside=own.parameters, kept=own.kept,
                                          is_lazy=own.is_lazy))

    def gathering(self, wrt: Sequence[str] | None, own: Own) -> Gathering:
        """What takes its gradients from what backward returned and left."""
        left = {one.name: one.left for one in own.parameters if one.gradients}
        named = orders(self.taken, self.first, self.plan.own, wrt)
        return Gathering(_further(named, own.parameters), left=left)

    # What `own_parameters` asks for.

    def made(self, point: Point) -> Any:
        return built(self.make, self.plan, self.taken.at(point.values),
                      copy.deepcopy(dict(self.constants)))

    def original(self, point: Point) -> Any:
        if isinstance(self.make, partial) and self.make.func is _copied and not self.plan.is_lazy:
            return self.make.args[0]
        return self.made(point)

    def run_before(self) -> LayerObject:
        return replace(self, plan=replace(self.plan, is_lazy=True))

    def ahead(self, layer: Any, point: Point) -> tuple[Any, ...]:
        return tuple(map(np.asarray, self._forward(layer, point)[0]))

    def _forward(self, layer: Any, point: Point) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        found: tuple[tuple[Any, ...], tuple[Any, ...]] = called(partial(
            forward, layer, self.plan, self.taken.at(point.values),
            copy.deepcopy(dict(self.constants))))
        return found

    def behind(
        self, layer: Any, point: Point, weights: Sequence[Any], inside: Sequence[OwnParameter]
    ) -> Mapping[str, Any]:
        arguments = {**self.taken.at(point.values), **{one.name: one.start for one in inside}}
        scalar = all(np.ndim(weight) == 0 for weight in weights)
        back = () if self.plan.signature.needs_none and scalar else weights
        gathering = Gathering(_further(orders(self.taken, self.first, self.plan.own, self.by),
                                       inside),
                              left=dict.fromkeys((one.name for one in inside), _nothing))
        _, found = called(partial(ran, layer, None, self.plan, gathering, arguments,
                                  copy.deepcopy(dict(self.constants)), back))
        return {one.name: found[one.name] for one in inside if one.name in found}


def _nothing(_: Any) -> list[tuple[str, Any]]:
    return []


def _further(
    named: Sequence[Sequence[str]], inside: Sequence[OwnParameter]
) -> tuple[tuple[str, ...], ...]:
    """The orders of a tuple of gradients, with those by parameters that the layer makes itself."""
    every = tuple(one.name for one in inside)
    alone = tuple(one.name for one in inside if not one.gradients)
    further = [made for order in named for group in (every, alone)
               for made in ((*order, *group), (*group, *order))]
    return tuple(dict.fromkeys((*map(tuple, named), *further)))


def _copied(layer: Any) -> Any:
    return copy.deepcopy(layer)


# --- what was handed over ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """An object with two passes: how it is made, and one that was made.

    own, fixed: the inputs and constants that it is made of.
    """

    make: Callable[..., Any]
    title: str
    layer: Any
    methods: Methods
    own: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


def _found(
    source: Any, taken: Inputs, constants: Mapping[str, Any], point: Point
) -> _Found:
    """An object, a class, a function that makes one, or a function that returns value and
    gradients."""
    title = getattr(source, "__name__", type(source).__name__)
    if _is_object(source):
        return _unmade(source, title)
    if not callable(source):
        raise LayerError(f"expected a layer, a class or a function that makes one, got {title}")
    if isinstance(source, type) and (passes := _plain_passes(source, title)):
        if takes_context(getattr(source, passes.ahead), taken.given):
            source = with_context(source, {
                name: getattr(source, name) for name in (passes.ahead, passes.behind)})
        else:
            return _unmade(as_object(title, source.__module__, {
                name: getattr(source, name) for name in (passes.ahead, passes.behind)}), title)
    own, fixed = tuple(_order(source, taken.given)), taken_constants(source, constants)
    values = taken.at(point.values)
    try:
        layer = made(source, own, fixed, values, copy.deepcopy(dict(constants)))
    except Exception as error:
        raise LayerFails(f"{title} fails at {point}: {in_one_line(error)}") from error
    if not isinstance(source, type) and (style := _style_of(layer)):
        one = as_object(title, getattr(source, "__module__", ""), {"__call__": source})
        return replace(_unmade(one, title),
                       methods=Methods("__call__", "__call__", style, is_static=True))
    if isinstance(layer, np.ndarray | float | int | np.generic | tuple):
        raise LayerError(f"{title} returns {_said(layer)}; expected a layer, or a value with its "
                         f"gradients (loss, dx); a backward pass that is a function of its own is "
                         f"the second argument, as in gp.check_layer({title}, backward, ...)")
    return _Found(source, title, layer, methods_of(layer, title), own, fixed)


def _unmade(layer: Any, title: str) -> _Found:
    """Of an object that is there; each run begins with the object as it is now."""
    try:
        methods = methods_of(layer, title)
    except LayerError:
        methods = Methods("__call__", "__call__")
    return _Found(partial(_copied, layer), title, _copied(layer), methods)


def _is_object(source: Any) -> bool:
    """Whether it is a layer, and no class or function that makes one."""
    if isinstance(source, type | FunctionType | MethodType | BuiltinFunctionType | partial):
        return False
    try:
        return methods_of(source, "").style != "joint" or not callable(source)
    except LayerError:
        return False


def _plain_passes(owner: type, title: str) -> Methods | None:
    """The passes of a class that are plain functions."""
    try:
        found = methods_of(owner, title)
    except LayerError:
        return None
    return found if found.is_static and is_static(owner, found.ahead) else None


def _style_of(returned: Any) -> Style | None:
    """What a function returned that is no layer: a value with its gradients, or with a function
    of the cotangent."""
    if not isinstance(returned, tuple) or len(returned) < 2:
        return None
    if callable(returned[-1]):
        return "closure"
    return "joint" if np.ndim(returned[0]) == 0 and isinstance(
        returned[0], float | int | np.generic | np.ndarray) else None


def _said(value: Any) -> str:
    return f"{len(value)} values" if isinstance(value, tuple) else "an array or a number"


def _order(function: Callable[..., Any], given: Mapping[str, Any]) -> list[str]:
    """The given inputs that a function takes, in its order; all of them of a built-in."""
    return list(given) if isinstance(function, np.ufunc) else in_order(function, given)


def _plan(found: _Found, taken: Inputs, constants: Mapping[str, Any]) -> Plan:
    """How the layer is called.  LayerError for an input or a constant that nothing takes."""
    layer, methods, title = found.layer, found.methods, found.title
    entering = tuple(name for name in taken.given if name not in found.own)
    forward = getattr(layer, methods.ahead)
    built_in = isinstance(forward, np.ufunc)  # its parameters are its arrays, in their order
    parameters = list(entering if built_in else inspect.signature(forward).parameters)
    for name in entering:
        if name not in parameters and not _takes_any(forward):
            raise LayerError(f"{name!r} is a parameter neither of {title}({_listed(found.make)}) "
                             f"nor of its {methods.ahead}({', '.join(parameters)})")
    fixed_ahead = taken_constants(forward, constants)
    if not built_in:
        takes(methods.ahead, forward, dict.fromkeys((*entering, *fixed_ahead)))
    signature, used = Signature(), tuple(constants)
    if methods.style == "layer":
        signature = Signature.of(getattr(layer, methods.behind), entering, constants)
        used = signature.keywords
    elif methods.style == "closure":
        signature = Signature(("dout",))
    all_used(constants, (*found.fixed, *fixed_ahead, *used))
    return Plan(found.own, found.fixed, dict(taken.arguments), methods, entering, fixed_ahead,
                signature, is_built_in=built_in)


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def _listed(function: Callable[..., Any]) -> str:
    return ", ".join(inspect.signature(function).parameters)
