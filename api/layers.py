"""``check_layer``: the backward pass of a layer, which has no loss of its own.

The loss is the sum of the layer's outputs, each weighed by an array of its shape: the cotangents
that the backward pass is then handed.  Its derived gradient is the vector-Jacobian product that
the layer claims to compute, so everything that checks a gradient checks a layer.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof.checking import Check, CheckResult, Subject, judge, rows_assumed, scalar_result
from gradproof.inputs import Inputs
from gradproof.layer_calls import LayerFails, Run, failure, layer_object, two_functions
from gradproof.layer_gradients import LayerError
from gradproof.points import Point, flat
from gradproof.symbolic.derive import differentiate
from gradproof.symbolic.equation import Array, System
from gradproof.symbolic.trace import Trace, TraceError, trace

OPTIONAL = ("mask", "one_hot", "constant")
"""Kinds of inputs for which a gradient is checked only where there is one."""


def check_layer(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    /,
    *,
    wrt: Sequence[str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    seed: int = 0,
    **shapes: Any,
) -> CheckResult:
    """Holds a layer's backward pass against its forward pass.

    As two functions: `forward(x, w, b)` returns the output, or outputs and a cache, and
    `backward(dout, cache)` the gradients: a tuple in the order of forward's inputs, or a dict
    keyed "w" or "dw".  Backward's first parameter is handed the cotangent of the output; so are
    the following ones that begin with "d" or "grad", for further outputs.  What else forward
    returns goes to backward's other parameters in order, and the inputs go there by name.

    As an object: one argument, a class or function that makes the layer.  It takes the parameters
    (``Affine(W, b)``); the other inputs are those of ``layer.forward(x)``, and
    ``layer.backward(dout)`` returns their gradients.  Gradients of the parameters are looked for
    in what backward returns; in attributes ``dW``, ``grad_W``, ``W_grad`` and ``W.grad``; in dicts
    ``grads``, ``gradients``, ... keyed "W", "dW" or "grad_W"; and in such lists, in the order of
    ``params``.

    shapes (or `inputs`): as for :func:`check`.  A number, a bool or None is a constant (a stride);
        `constants` are those that are neither, such as ``mode="train"``.
    wrt: what to check by; by default all arrays of real numbers, among which "mask", "one_hot" and
        "constant" ones only where a gradient is returned for them.

    >>> def forward(x, w): return x @ w, (x, w)
    >>> def backward(dout, cache): return dout @ cache[1].T, cache[0].T @ dout
    >>> check_layer(forward, backward, x="m n", w="n h").verdict
    'proved'

    Raises ValueError for inputs that do not fit, and LayerError where no gradient is found.  What
    the layer's own code raises is a reason in the result.
    """
    given, fixed = _sorted_out({**(inputs or {}), **shapes}, constants or {})
    taken = Inputs.of(given)
    if not taken.arrays:
        raise LayerError('nothing to check: give the shapes of the inputs, as in x="m n"')
    points = taken.points(seed)
    if wrt is not None:
        wrt = taken.chosen(wrt)
    try:
        if backward is None:
            run = layer_object(forward, taken, fixed, points[0], wrt)
        else:
            run = two_functions(forward, backward, taken, fixed, wrt)
        layer = _Layer(run, taken, fixed)
        rehearsal = _rehearsed(layer, points, wrt, seed)
    except LayerFails as error:
        names = list(wrt) if wrt is not None else _expected(taken)
        return CheckResult(tuple(Check(name, "undecided", reason=str(error)) for name in names))
    return _judged(layer, rehearsal)


@dataclass(frozen=True)
class _Layer:
    """A layer with its inputs and constants, as functions of arrays by name."""

    run: Run
    taken: Inputs
    constants: Mapping[str, Any]

    def fresh_constants(self) -> dict[str, Any]:
        """Copies, as a layer may keep its state in one of them."""
        return copy.deepcopy(dict(self.constants))

    def outputs(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self.run.call(self.taken.at(values), self.fresh_constants(), None)
        return found

    def gradients(
        self, arguments: Mapping[str, Any], values: Mapping[str, Any], cotangents: Sequence[str]
    ) -> dict[str, Any]:
        """By name; `arguments` are in their containers, and the layer may write into them."""
        bars = [np.array(values[name]) for name in cotangents]
        found: dict[str, Any] = self.run.call(arguments, self.fresh_constants(), bars)
        return found


def _sorted_out(
    given: Mapping[str, Any], constants: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs, and what is handed on as it is."""
    fixed = {name: value for name, value in given.items() if _is_constant(value)}
    for name in constants:
        if name in given:
            raise ValueError(f"{name!r} is given as an input and as a constant")
    arrays = {name: value for name, value in given.items() if name not in fixed}
    return arrays, {**fixed, **constants}


def _is_constant(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_constant, value.values()))
    return value is None or isinstance(value, bool | int | float)


def _expected(taken: Inputs) -> list[str]:
    return [array.name for array in taken.arrays
            if not array.is_integer and array.kind not in OPTIONAL]


# --- numbers ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rehearsal:
    """What was seen when the layer ran at each point.

    points: with values for the cotangents.  cotangents: their names, in the order of the outputs;
    none for a scalar output whose backward pass needs none.  names: what there are gradients for.
    mutated: the inputs into which the layer wrote.
    """

    points: tuple[Point, ...]
    cotangents: tuple[str, ...]
    names: tuple[str, ...]
    mutated: tuple[str, ...]


def _rehearsed(
    layer: _Layer, points: Sequence[Point], wrt: Sequence[str] | None, seed: int
) -> _Rehearsal:
    """Runs the layer twice at each point.  Raises LayerFails where it gives no one value."""
    names = list(wrt or ())
    made: list[Point] = []
    mutated: dict[str, None] = {}
    bars: tuple[str, ...] = ()
    for place, point in enumerate(points):
        outputs = _outputs(layer, point)
        scalar = all(out.ndim == 0 for out in outputs)
        if not (layer.run.needs_none and scalar):
            bars = _cotangent_names(len(outputs), {array.name for array in layer.taken.arrays})
        rng = np.random.default_rng([seed, len(points), place])
        weights = [rng.normal(size=out.shape) for out in outputs]
        values = {**point.values, **dict(zip(bars, weights, strict=False))}
        made.append(replace(point, values=values))
        found = []
        for _ in range(2):
            arguments = layer.taken.at(values)
            with _reasons(f"backward fails at {point}"):
                found.append(layer.gradients(arguments, values, bars))
            mutated.update(dict.fromkeys(_changed(layer.taken, arguments, values)))
        names = names or _found_names(found[0], layer)
        for name in names:
            if not _same(*(gradients.get(name, 0.0) for gradients in found)):
                raise LayerFails(f"backward gives two gradients of {name} at {point}: {_SEED}")
    return _Rehearsal(tuple(made), bars, tuple(names), tuple(mutated))


_SEED = "seed or switch off what is random, or hand a mask in as an input of kind 'mask'"


def _outputs(layer: _Layer, point: Point) -> list[Any]:
    """The outputs at a point, the same each time, as arrays of numbers."""
    with _reasons(f"forward fails at {point}"):
        outputs, again = (
            [np.asarray(out) for out in layer.outputs(point.values)] for _ in range(2)
        )
    for out, other in zip(outputs, again, strict=True):
        if out.dtype.kind not in "fiub":
            raise LayerError(f"forward returns {out!r:.60}, expected an array of numbers")
        if not _same(out, other):
            raise LayerFails(f"forward gives two results at {point}: {_SEED}")
    return outputs


@contextmanager
def _reasons(what: str) -> Iterator[None]:
    """What the user's code raises becomes a reason; a LayerError stays one."""
    try:
        with np.errstate(all="ignore"):
            yield
    except LayerError:
        raise
    except Exception as error:
        raise LayerFails(f"{what}: {failure(error)}") from error


def _cotangent_names(count: int, taken: set[str]) -> tuple[str, ...]:
    names = ["dout"] if count == 1 else [f"dout{place + 1}" for place in range(count)]
    return tuple(name if name not in taken else f"{name}_" for name in names)


def _changed(
    taken: Inputs, arguments: Mapping[str, Any], values: Mapping[str, Any]
) -> Iterator[str]:
    """The inputs that the layer wrote into."""
    for key, value in arguments.items():
        for name, array in flat(taken.arguments[key], value).items():
            if not _same(array, values[name]):
                yield name


def _same(left: Any, right: Any) -> bool:
    one, other = np.asarray(left), np.asarray(right)
    return one.shape == other.shape and bool(np.all((one == other) | (one != one)))


def _found_names(found: Mapping[str, Any], layer: _Layer) -> list[str]:
    """What is checked where `wrt` does not say; LayerError for what has no gradient."""
    seen = layer.run.seen["text"]
    missing = [name for name in _expected(layer.taken) if name not in found]
    if missing:
        raise LayerError(f"no gradient for {', '.join(missing)}: {seen}. Say what to check with "
                         "wrt=[...], or give what needs no gradient kind='constant'")
    names = [array.name for array in layer.taken.arrays
             if array.name in found and not array.is_integer]
    if not names:
        raise LayerError(f"nothing to check: {seen}")
    return names


# --- proof --------------------------------------------------------------------------------------


def _judged(layer: _Layer, rehearsal: _Rehearsal) -> CheckResult:
    bars, names = rehearsal.cotangents, rehearsal.names

    def loss_at(values: Mapping[str, Any]) -> Any:
        outputs = layer.outputs(values)
        if not bars:
            return outputs[0]
        return sum(np.sum(np.asarray(out) * values[bar])
                   for out, bar in zip(outputs, bars, strict=True))

    def gradient_at(values: Mapping[str, Any]) -> dict[str, Any]:
        found = layer.gradients(layer.taken.at(values), values, bars)
        missing = [name for name in names if name not in found]
        if missing:
            raise LayerError(f"no gradient for {', '.join(missing)}: {layer.run.seen['text']}")
        return {name: found[name] for name in names}

    derived: System | None = None
    of: Mapping[str, str] = {}
    assumed: tuple[str, ...] = ()
    hand: Trace | None = None
    reason = ""
    try:
        traced, declared = _forward_traced(layer, bars)
        chain = differentiate(traced.system, scalar_result(traced), names)
        derived, of, assumed = chain.system, chain.of, rows_assumed(chain)
        hand = _backward_traced(layer, declared, bars, names)
    except ValueError as error:
        reason = f"not traced: {error}"
    result = judge(
        Subject(derived, of, names, loss_at, gradient_at, hand, reason, assumed=assumed),
        rehearsal.points,
    )
    if rehearsal.mutated:
        reason = (f"the layer changes its input {', '.join(rehearsal.mutated)} in place, and with "
                  "it what its caller goes on with; change a copy")
        result = replace(result, checks=tuple(_capped(made, reason) for made in result))
    return result


def _capped(made: Check, reason: str) -> Check:
    """A check that is no pass, for a reason outside of the gradient itself."""
    if made.verdict in ("refuted", "undecided"):
        return replace(made, notes=(*made.notes, reason))
    return replace(made, verdict="undecided", scope="", reason=reason)


def _forward_traced(layer: _Layer, bars: Sequence[str]) -> tuple[Trace, dict[str, Any]]:
    """The weighed sum of the outputs as equations, and the inputs with the cotangents declared."""
    call, constants = layer.run.call, layer.fresh_constants()

    def outputs(**arguments: Any) -> Any:
        return call(arguments, constants, None)

    def weighed(**arguments: Any) -> Any:
        back = [arguments.pop(name) for name in bars]
        found = call(arguments, constants, None)
        return sum(np.sum(out * bar) for out, bar in zip(found, back, strict=True))

    declared = dict(layer.taken.declared)
    plain = trace(outputs, declared)
    if not isinstance(plain.result, tuple) or not all(isinstance(n, str) for n in plain.result):
        raise TraceError(f"forward returns {plain.result!r}, expected arrays")
    if not bars:
        return replace(plain, result=plain.result[0]), declared
    for name, out in zip(bars, plain.result, strict=True):
        declared[name] = Array(name, plain.system.shapes[str(out)])
    return trace(weighed, declared), declared


def _backward_traced(
    layer: _Layer, declared: Mapping[str, Any], bars: Sequence[str], names: Sequence[str]
) -> Trace:
    """Both passes in one trace, so that what the first leaves for the second carries over."""
    call, constants = layer.run.call, layer.fresh_constants()

    def gradients(**arguments: Any) -> Any:
        back = [arguments.pop(name) for name in bars]
        found = call(arguments, constants, back)
        # Keyed by the gradient, not by the input, as the keys become names of arrays.
        return {f"d{name}": found[name] for name in names if name in found}

    return trace(gradients, declared)
