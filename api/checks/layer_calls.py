"""How a layer is called: what goes into its two passes, what comes out, and whose gradient it is.

The calls are partials that hold the user's functions, so that a trace can run them with its
stand-ins; what is known beforehand (names, orders) is plain data.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from gradproof.checks.causes.failures import Failure
from gradproof.checks.hand_files import read_outside
from gradproof.checks.inputs import Inputs, meant, takes
from gradproof.checks.layer_objects.frameworks import NUMPY, Arrays
from gradproof.checks.layer_objects.which_arrays import arrays_of, has_names, through
from gradproof.checks.points import Point, flat
from gradproof.checks.results import Check, CheckResult
from gradproof.checks.returned import LayerError, Left, Seen, collected

OUTPUT_NAMES = ("out", "output", "y")
"""Names by which backward may ask for the output itself, where forward returns less than it takes.
"""


CACHES = ("cache", "res", "residual", "residuals", "saved", "ctx", "memory")
"""Names of what forward saved, where backward takes it before the cotangent."""


class LayerFails(Exception):  # noqa: N818 - it is a finding, not an error of the caller's
    """The layer's own code fails, or gives no one value; says where and how.

    raised: what the backward pass raised where the forward pass works.
    """

    def __init__(self, text: str, raised: Failure | None = None) -> None:
        super().__init__(text)
        self.raised = raised


def failed(error: LayerFails, names: Sequence[str]) -> CheckResult:
    """What a layer raises is a fact where its own code is to blame."""
    raised = error.raised
    is_fact = raised is not None and raised.is_fact
    checks = tuple(Check(name, "refuted" if is_fact else "undecided", reason=str(error))
                   for name in names)
    return CheckResult(checks, place=raised.place if is_fact and raised else None)


Call: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], Sequence[Any] | None], Any]
"""Of arguments, constants and cotangents."""


@dataclass(frozen=True)
class Gathering:
    """Takes gradients by name out of what backward returned, or left on the layer.

    orders: that a tuple of them may have.  seen: is told what there was.
    left: by name, how to get what backward left for a parameter that the layer makes itself.
    """

    orders: Sequence[Sequence[str]]
    seen: Seen = field(default_factory=Seen)
    left: Mapping[str, Left] = field(default_factory=dict)

    def __call__(
        self, returned: Any, layer: Any, own: Mapping[str, Any], inputs: Mapping[str, Any],
        used_up: Mapping[str, Any],
    ) -> dict[str, Any]:
        """own: the arrays that the layer has; inputs: all there are, by name.

        used_up: gradients that backward handed to an optimiser or stepped along.
        """
        return collected(returned, layer, own, self.orders, self.seen, self.left, inputs, used_up)


@dataclass(frozen=True)
class Run:
    """A layer as one function of arguments, constants and cotangents.

    call: returns the tuple of outputs where the cotangents are None, else gradients by name.
    needs_none: backward can do without a cotangent, as a loss can.
    seen: what backward left behind when it last ran, for messages.
    forward, backward: the hand-written functions; None where they are no plain functions.
    with_backward: the layer with another function in its place.
    remarks: what a reader of any verdict should know.
    is_partial: it need not have gradients for all its inputs.
    is_shared: its cotangents may be read by others, so that it may not write into them.
    moved: of arguments, constants and tangents by name, the tangents of the outputs, where the
    backward pass is the transpose of a rule for these.
    """

    call: Call
    needs_none: bool
    seen: Seen
    backward: Callable[..., Any] | None
    with_backward: Callable[[Callable[..., Any]], Run]
    forward: Callable[..., Any] | None = None
    remarks: tuple[str, ...] = ()
    is_partial: bool = False
    is_shared: bool = False
    moved: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Signature:
    """A backward pass's parameters: those for cotangents, and the others.

    every: it takes any number of arguments.  order: of all parameters that are not constants.
    inputs: the names of what the forward pass takes.
    whole: all that forward returns is outputs, and backward takes their cotangents alone.
    """

    bars: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    defaults: frozenset[str] = frozenset()
    positional: bool = False
    every: bool = False
    order: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    whole: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any], inputs: Sequence[str],
           constants: Mapping[str, Any]) -> Signature:
        parameters = inspect.signature(function).parameters
        named = [p for p in parameters.values()
                 if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name not in constants]
        kept = [p for p in named[:1] if p.name in CACHES and len(named) > 1]
        bars: list[str] = []
        for parameter in named[len(kept):]:
            name = parameter.name
            if bars and (not name.startswith(("d", "grad")) or name in inputs):
                break
            bars.append(name)
        rest = tuple(p.name for p in named if p.name not in bars)
        order = tuple(p.name for p in named)
        return cls(
            tuple(bars), rest, tuple(name for name in constants if name in parameters),
            frozenset(p.name for p in named if p.default is not p.empty),
            any(p.kind is p.POSITIONAL_ONLY for p in named),
            any(p.kind is p.VAR_POSITIONAL for p in parameters.values()), order, tuple(inputs),
        )

    @property
    def needs_none(self) -> bool:
        return not self.every and not self.whole and set(self.bars) <= self.defaults

    def split(self, returned: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """What forward returns, as outputs and what else it hands to backward."""
        values = returned if isinstance(returned, tuple) else (returned,)
        count = 0
        for value in values[:len(values) if self.whole else max(len(self.bars), 1)]:
            if not _is_output(value):
                break
            count += 1
        if count == 0:
            raise LayerError(f"forward returns {type(values[0]).__name__}, expected an array, or "
                             "a tuple that begins with one")
        return values[:count], values[count:]

    def beside(self, outputs: Sequence[Any], saved: Sequence[Any]) -> tuple[str, ...]:
        """What is to be said of arrays that forward returns behind its outputs."""
        if self.every or self.whole or not any(
                _is_output(value) and np.ndim(value) for value in saved):
            return ()
        handed = [name for name in self.rest if name not in self.inputs][:len(saved)]
        if handed and all(any(word in name for word in CACHES) for name in handed):
            return ()
        taken = (f"the first {len(outputs)} are taken for outputs" if len(outputs) > 1 else
                 "the first is taken for the output")
        given = f", and handed to backward as {', '.join(handed)}" if handed else ""
        return (f"of what forward returns, {taken}; the rest is not weighed{given}: backward has "
                "no parameter for its gradient, one that begins with d or grad",)

    def arguments(
        self, back: Sequence[Any], outputs: Sequence[Any], saved: Sequence[Any],
        known: Mapping[str, Any],
    ) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of a call of backward."""
        if self.every or self.whole:
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
            return [named[name] for name in self.order if name in named], {
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
    own = taken_constants(forward, constants)
    takes("forward", forward, {**taken.given, **dict.fromkeys(own)})
    signature = Signature.of(backward, tuple(taken.given), constants)
    all_used(constants, (*own, *signature.keywords))
    gathering = Gathering(orders(taken, in_order(forward, taken.given), (), wrt))
    return Run(partial(_both, forward, backward, own, signature, gathering), signature.needs_none,
               gathering.seen, backward,
               lambda other: two_functions(forward, other, taken, constants, wrt), forward)


def _both(
    forward: Callable[..., Any], backward: Callable[..., Any], own: Sequence[str],
    signature: Signature, gathering: Gathering, arguments: Mapping[str, Any],
    fixed: Mapping[str, Any], back: Sequence[Any] | None,
) -> Any:
    """Forward, and backward where there are cotangents."""
    handed = dict(arguments)
    outputs, saved = signature.split(forward(**handed, **{name: fixed[name] for name in own}))
    gathering.seen.beside = signature.beside(outputs, saved)
    if back is None:
        return outputs
    positional, keywords = signature.arguments(back, outputs, saved, {**handed, **fixed})
    return gathering(backward(*positional, **keywords), None, {}, {}, {})


# --- parameters ---------------------------------------------------------------------------------


def taken_constants(
    function: Callable[..., Any], constants: Mapping[str, Any]
) -> tuple[str, ...]:
    names = inspect.signature(function).parameters
    return tuple(name for name in constants if name in names)


def in_order(function: Callable[..., Any], given: Mapping[str, Any]) -> list[str]:
    """The given inputs that a function takes, in its order."""
    return [name for name in inspect.signature(function).parameters if name in given]


def all_used(constants: Mapping[str, Any], used: Sequence[str]) -> None:
    for name in constants:
        if name not in used:
            raise LayerError(f"the constant {name!r} is a parameter of no pass; a shape is text, "
                             f'as in {name}="m n"{meant(name)}')


def orders(
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


# --- a reference --------------------------------------------------------------------------------

AS_REFERENCE = 1e-5
"""Relative to the largest entry: how far compiled code may be from what it stands for."""
DIGITS = 300.0
"""By how much more its gradients may be."""


def reference_run(
    function: Callable[..., Any], run: Run, taken: Inputs, constants: Mapping[str, Any]
) -> Run:
    """A layer's run with the outputs of another function.  ValueError where it cannot be called."""
    if not has_names(function):
        raise LayerError("reference: expected a function with named parameters, as in def f(x)")
    own = taken_constants(function, constants)
    takes("reference", function, {**taken.given, **dict.fromkeys(own)})
    return replace(run, call=partial(_reference, function, arrays_of(function), own))


def _reference(
    function: Callable[..., Any], arrays: Arrays, own: Sequence[str],
    arguments: Mapping[str, Any], fixed: Mapping[str, Any], back: Any,
) -> tuple[Any, ...]:
    known = {**arguments, **{name: fixed[name] for name in own}}
    made = function(**known) if arrays is NUMPY else through(arrays, function, **known)
    return tuple(made) if isinstance(made, tuple | list) else (made,)


def distance(
    ours: Callable[[Mapping[str, Any]], Sequence[Any]],
    theirs: Callable[[Mapping[str, Any]], Sequence[Any]], points: Sequence[Point],
) -> float:
    """How far a layer's outputs are from those of its reference, relative to the largest entry.

    LayerFails where they are others.
    """
    largest = 0.0
    for point in points:
        one, other = ours(point.values), theirs(point.values)
        mine, got = ([np.shape(array) for array in arrays] for arrays in (one, other))
        if mine != got:
            raise LayerError(f"reference: expected arrays of shapes {mine}, got {got}")
        for left, right in zip(one, other, strict=True):
            gap = float(np.max(np.abs(np.asarray(left) - right), initial=0.0))
            scale = float(np.max(np.abs(right), initial=0.0))
            if not gap <= AS_REFERENCE * max(1.0, scale):
                text = f"forward differs from its reference by {gap:.2g} at {point}"
                raise LayerFails(text, Failure(text, is_fact=True))
            largest = max(largest, gap / scale if scale else 0.0)
    return largest


# --- what is traced ------------------------------------------------------------------------------

# A trace runs what a partial holds with its stand-ins for NumPy; the fields of a class it leaves.


def traced_outputs(
    call: Call, constants: Mapping[str, Any], cotangents: Sequence[str], /, **arguments: Any
) -> Any:
    """A layer's forward pass, to be traced: its outputs, or their sum weighed by cotangents."""
    back = [arguments.pop(name) for name in cotangents]
    found = call(arguments, constants, None)
    return weighed(found, back) if cotangents else found


def traced_gradients(
    call: Call, constants: Mapping[str, Any], cotangents: Sequence[str], names: Sequence[str], /,
    **arguments: Any,
) -> dict[str, Any]:
    """A layer's two passes, to be traced.

    What they return is keyed by gradient, not by input, as the keys become names of arrays.
    """
    back = [arguments.pop(name) for name in cotangents]
    found = call(arguments, constants, back)
    return {f"d{name}": found[name] for name in names if name in found}


def traced_tangents(
    moved: Callable[..., Any], constants: Mapping[str, Any], cotangents: Sequence[str],
    keys: Mapping[str, str], /, **arguments: Any,
) -> Any:
    """The weighed sum of the tangents of a layer's outputs, to be traced."""
    back = [arguments.pop(name) for name in cotangents]
    tangents = {name: arguments.pop(key) for name, key in keys.items()}
    return weighed(moved(arguments, constants, tangents), back)


def weighed(outputs: Sequence[Any], weights: Sequence[Any]) -> Any:
    return sum(np.sum(out * weight) for out, weight in zip(outputs, weights, strict=True))


# --- what a layer reads -------------------------------------------------------------------------


def arrays_outside(forward: Callable[..., Any] | None) -> tuple[tuple[str, str], ...]:
    """Arrays that a forward pass reads from its file or the function around it, and what to do."""
    read = read_outside(forward) if forward is not None else {}
    return tuple(
        (name, f"{name} is read by forward from outside of the layer; to have its gradient "
               f"checked, hand it in as an input, or let the layer hold it")
        for name, value in read.items()
        if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind == "f")
