"""How a layer is called: what goes into its two passes, what comes out, and whose gradient it is.

The calls are partials that hold the user's functions, so that a trace can run them with its
stand-ins; what is known beforehand (names, orders) is plain data.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from gradproof.checks.causes.failures import Failure, in_one_line
from gradproof.checks.inputs import Inputs, takes
from gradproof.checks.points import Point, flat
from gradproof.checks.returned import LayerError, Seen, collected

FORWARD = ("forward", "__call__")
BACKWARD = ("backward", "backprop")
OUTPUT_NAMES = ("out", "output", "y")
"""Names by which backward may ask for the output itself, where forward returns less than it takes.
"""


class LayerFails(Exception):  # noqa: N818 - it is a finding, not an error of the caller's
    """The layer's own code fails, or gives no one value; says where and how.

    raised: what the backward pass raised where the forward pass works.
    """

    def __init__(self, text: str, raised: Failure | None = None) -> None:
        super().__init__(text)
        self.raised = raised


Call: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], Sequence[Any] | None], Any]
"""Of arguments, constants and cotangents."""


@dataclass(frozen=True)
class Gathering:
    """Takes gradients by name out of what backward returned, or left on the layer.

    orders: that a tuple of them may have.  seen: is told what there was.
    """

    orders: Sequence[Sequence[str]]
    seen: Seen = field(default_factory=Seen)

    def __call__(self, returned: Any, layer: Any, own: Mapping[str, Any]) -> dict[str, Any]:
        return collected(returned, layer, own, self.orders, self.seen)


@dataclass(frozen=True)
class Run:
    """A layer as one function of arguments, constants and cotangents.

    call: returns the tuple of outputs where the cotangents are None, else gradients by name.
    needs_none: backward can do without a cotangent, as a loss can.
    seen: what backward left behind when it last ran, for messages.
    backward: the hand-written function; None where it is no plain function.
    with_backward: the layer with another function in its place.
    """

    call: Call
    needs_none: bool
    seen: Seen
    backward: Callable[..., Any] | None
    with_backward: Callable[[Callable[..., Any]], Run]


@dataclass(frozen=True)
class Signature:
    """A backward pass's parameters: those for cotangents, and the others.

    `every` is set where it takes any number of arguments.
    """

    bars: tuple[str, ...]
    rest: tuple[str, ...]
    keywords: tuple[str, ...]
    defaults: frozenset[str]
    positional: bool
    every: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any], inputs: Sequence[str],
           constants: Mapping[str, Any]) -> Signature:
        parameters = inspect.signature(function).parameters
        named = [p for p in parameters.values()
                 if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name not in constants]
        bars: list[str] = []
        for parameter in named:
            name = parameter.name
            if bars and (not name.startswith(("d", "grad")) or name in inputs):
                break
            bars.append(name)
        rest = tuple(p.name for p in named[len(bars):])
        return cls(
            tuple(bars), rest, tuple(name for name in constants if name in parameters),
            frozenset(p.name for p in named if p.default is not p.empty),
            any(p.kind is p.POSITIONAL_ONLY for p in named),
            any(p.kind is p.VAR_POSITIONAL for p in parameters.values()),
        )

    @property
    def needs_none(self) -> bool:
        return not self.every and set(self.bars) <= self.defaults

    def split(self, returned: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """What forward returns, as outputs and what else it hands to backward."""
        values = returned if isinstance(returned, tuple) else (returned,)
        count = 0
        for value in values[:max(len(self.bars), 1)]:
            if not _is_output(value):
                break
            count += 1
        if count == 0:
            raise LayerError(f"forward returns {type(values[0]).__name__}, expected an array, or "
                             "a tuple that begins with one")
        return values[:count], values[count:]

    def arguments(
        self, back: Sequence[Any], outputs: Sequence[Any], saved: Sequence[Any],
        known: Mapping[str, Any],
    ) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of a call of backward."""
        if self.every:
            return [*back, *saved], {}
        named: dict[str, Any] = dict(zip(self.bars, back, strict=False))
        rest = list(self.rest)
        if len(rest) != len(saved):
            for name in [name for name in rest if name in known]:
                named[name] = known[name]
                rest.remove(name)
            for name in [name for name in rest if name in OUTPUT_NAMES]:
                named[name] = outputs[0]
                rest.remove(name)
        needed = [name for name in rest if name not in self.defaults]
        if len(saved) < len(needed):
            raise LayerError(
                f"backward needs {', '.join(needed)}, and forward returns {len(outputs)} output(s) "
                f"and {len(saved)} value(s) beside; a parameter of backward is a cotangent (the "
                "first, and the next that begin with d or grad), a value that forward returns, "
                "or an input by its name"
            )
        named.update(zip(rest, saved, strict=False))
        named.update({name: known[name] for name in self.keywords})
        if self.positional:
            return [named[name] for name in (*self.bars, *self.rest) if name in named], {
                name: named[name] for name in self.keywords}
        return [], named


def _is_output(value: Any) -> bool:
    return not isinstance(value, Mapping | list | tuple | str | bool) and value is not None and (
        hasattr(value, "shape") or isinstance(value, int | float))


# --- two functions ------------------------------------------------------------------------------


def two_functions(
    forward: Callable[..., Any], backward: Callable[..., Any], taken: Inputs,
    constants: Mapping[str, Any], wrt: Sequence[str] | None,
) -> Run:
    """A layer as `forward(...)` and `backward(dout, ...)`."""
    for what, function in (("forward", forward), ("backward", backward)):
        if not callable(function):
            raise LayerError(f"{what}: expected a function, got {type(function).__name__}")
    own = _taken_constants(forward, constants)
    takes("forward", forward, {**taken.given, **dict.fromkeys(own)})
    signature = Signature.of(backward, tuple(taken.given), constants)
    _all_used(constants, (*own, *signature.keywords))
    gathering = Gathering(_orders(taken, _in_order(forward, taken.given), (), wrt))
    return Run(partial(_both, forward, backward, own, signature, gathering), signature.needs_none,
               gathering.seen, backward,
               lambda other: two_functions(forward, other, taken, constants, wrt))


def _both(
    forward: Callable[..., Any], backward: Callable[..., Any], own: Sequence[str],
    signature: Signature, gathering: Gathering, arguments: Mapping[str, Any],
    fixed: Mapping[str, Any], back: Sequence[Any] | None,
) -> Any:
    """Forward, and backward where there are cotangents."""
    handed = dict(arguments)
    outputs, saved = signature.split(forward(**handed, **{name: fixed[name] for name in own}))
    if back is None:
        return outputs
    positional, keywords = signature.arguments(back, outputs, saved, {**handed, **fixed})
    return gathering(backward(*positional, **keywords), None, {})


# --- an object ----------------------------------------------------------------------------------


def layer_object(
    make: Any, taken: Inputs, constants: Mapping[str, Any], point: Point,
    wrt: Sequence[str] | None, instead: Callable[..., Any] | None = None,
) -> Run:
    """A layer as an object with `forward` and `backward`, or what makes one of parameters.

    `instead` is called in the place of its method `backward`.
    """
    title = getattr(make, "__name__", type(make).__name__)
    if not isinstance(make, type) and any(hasattr(make, name) for name in BACKWARD):
        make = partial(_copied, make)  # so that each run begins with the layer as it is now
    if not callable(make):
        raise LayerError(f"expected a layer, a class or a function that makes one, got {title}")
    own, fixed = tuple(_in_order(make, taken.given)), _taken_constants(make, constants)
    layer = _made(make, title, own, fixed, taken, constants, point)
    plan = _plan(layer, make, title, own, fixed, taken, constants)
    first = [name for name in _in_order(getattr(layer, plan.ahead), taken.given)
             if name in plan.entering]
    gathering = Gathering(_orders(taken, first, own, wrt))
    method = getattr(type(layer), plan.behind, None)
    return Run(
        partial(_passes, make, instead, plan, gathering), plan.signature.needs_none,
        gathering.seen, method if inspect.isfunction(method) else None,
        lambda other: layer_object(make, taken, constants, point, wrt, other),
    )


def _copied(layer: Any) -> Any:
    return copy.deepcopy(layer)


@dataclass(frozen=True)
class _Plan:
    """What goes where when a layer is made and run.

    own, fixed: the inputs and constants that it is made of; named: the arrays in each input.
    ahead, behind: its two methods; entering, constants: the inputs and constants of the first.
    """

    own: tuple[str, ...]
    fixed: tuple[str, ...]
    named: Mapping[str, Any]
    ahead: str
    behind: str
    entering: tuple[str, ...]
    constants: tuple[str, ...]
    signature: Signature


def _made(
    make: Callable[..., Any], title: str, own: Sequence[str], fixed: Sequence[str], taken: Inputs,
    constants: Mapping[str, Any], point: Point,
) -> Any:
    """The layer at a point.  LayerFails where it cannot be made."""
    values = taken.at(point.values)
    try:
        return make(**{name: values[name] for name in own},
                    **{name: copy.deepcopy(constants[name]) for name in fixed})
    except Exception as error:
        raise LayerFails(f"{title} fails at {point}: {in_one_line(error)}") from error


def _plan(
    layer: Any, make: Callable[..., Any], title: str, own: tuple[str, ...],
    fixed: tuple[str, ...], taken: Inputs, constants: Mapping[str, Any],
) -> _Plan:
    """How the layer is called.  LayerError for an input or a constant that nothing takes."""
    ahead, behind = _method(layer, FORWARD, title), _method(layer, BACKWARD, title)
    entering = tuple(name for name in taken.given if name not in own)
    forward = getattr(layer, ahead)
    parameters = inspect.signature(forward).parameters
    for name in entering:
        if name not in parameters and not _takes_any(forward):
            raise LayerError(f"{name!r} is a parameter neither of {title}({_listed(make)}) nor of "
                             f"its {ahead}({', '.join(parameters)})")
    fixed_ahead = _taken_constants(forward, constants)
    takes(ahead, forward, dict.fromkeys((*entering, *fixed_ahead)))
    signature = Signature.of(getattr(layer, behind), entering, constants)
    _all_used(constants, (*fixed, *fixed_ahead, *signature.keywords))
    return _Plan(own, fixed, dict(taken.arguments), ahead, behind, entering, fixed_ahead,
                 signature)


def _passes(
    make: Callable[..., Any], instead: Callable[..., Any] | None, plan: _Plan,
    gathering: Gathering, arguments: Mapping[str, Any], fixed: Mapping[str, Any],
    back: Sequence[Any] | None,
) -> Any:
    """A new layer's forward pass, and its backward pass where there are cotangents."""
    built = make(**{name: arguments[name] for name in plan.own},
                 **{name: fixed[name] for name in plan.fixed})
    returned = getattr(built, plan.ahead)(**{name: arguments[name] for name in plan.entering},
                                          **{name: fixed[name] for name in plan.constants})
    outputs, saved = plan.signature.split(returned)
    if back is None:
        return outputs
    positional, keywords = plan.signature.arguments(
        back, outputs, saved, {**arguments, **fixed})
    backward = partial(instead, built) if instead else getattr(built, plan.behind)
    owned = flat({name: plan.named[name] for name in plan.own}, arguments)
    return gathering(backward(*positional, **keywords), built, owned)


def _method(layer: Any, names: Sequence[str], title: str) -> str:
    for name in names:
        if callable(getattr(layer, name, None)):
            return name
    public = [name for name in dir(layer) if not name.startswith("_")]
    raise LayerError(f"{title}: expected an object with a method {names[0]}; it has "
                     f"{', '.join(public) or 'nothing'}")


# --- parameters ---------------------------------------------------------------------------------


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def _listed(function: Callable[..., Any]) -> str:
    return ", ".join(inspect.signature(function).parameters)


def _taken_constants(
    function: Callable[..., Any], constants: Mapping[str, Any]
) -> tuple[str, ...]:
    names = inspect.signature(function).parameters
    return tuple(name for name in constants if name in names)


def _in_order(function: Callable[..., Any], given: Mapping[str, Any]) -> list[str]:
    """The given inputs that a function takes, in its order."""
    return [name for name in inspect.signature(function).parameters if name in given]


def _all_used(constants: Mapping[str, Any], used: Sequence[str]) -> None:
    for name in constants:
        if name not in used:
            raise LayerError(f"the constant {name!r} is a parameter of no pass; a shape is text, "
                             f'as in {name}="m n"')


def _orders(
    taken: Inputs, first: Sequence[str], then: Sequence[str], wrt: Sequence[str] | None
) -> tuple[tuple[str, ...], ...]:
    """The orders that a tuple of gradients may have; the one of its length is meant."""
    kinds = {array.name: array for array in taken.arrays}

    def names(keys: Sequence[str]) -> list[str]:
        return [name for key in keys
                for name in flat(taken.arguments[key], taken.declared[key])]

    ahead, own = names(first), names(then)
    real = [n for n in ahead if not kinds[n].is_integer]
    varied = [n for n in real if kinds[n].kind not in ("mask", "one_hot", "constant")]
    real_own = [n for n in own if not kinds[n].is_integer]
    found = [varied, real, ahead, [*varied, *real_own], [*real, *real_own], [*ahead, *own]]
    if wrt is not None:
        found.append(list(wrt))
    return tuple(dict.fromkeys(map(tuple, found)))
