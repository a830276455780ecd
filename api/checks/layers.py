"""``check_layer``: the backward pass of a layer, which has no loss of its own.

The loss is the sum of the layer's outputs, each weighed by an array of its shape: the cotangents
that the backward pass is then handed.  Its derived gradient is the vector-Jacobian product that
the layer claims to compute, so everything that checks a gradient checks a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof.checks.functions import rows_assumed, scalar_result
from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs
from gradproof.checks.judging import judge
from gradproof.checks.layer_calls import LayerFails, layer_object, two_functions
from gradproof.checks.layer_rehearsal import Layer, Rehearsal, expected, rehearsed
from gradproof.checks.measuring import Subject
from gradproof.checks.repair_search import Rerun
from gradproof.checks.results import Check, CheckResult
from gradproof.checks.returned import LayerError
from gradproof.repair.search import SECONDS
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import Array
from gradproof.symbolic.tracing.run import Trace, TraceError, trace


def check_layer(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    /,
    *,
    wrt: Sequence[str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
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
    repair_seconds: as for :func:`check`; edits are of the backward pass alone.

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
    general = General(taken)
    points = general.points(seed)
    if wrt is not None:
        wrt = taken.chosen(wrt)
    try:
        if backward is None:
            run = layer_object(forward, taken, fixed, points[0], wrt)
        else:
            run = two_functions(forward, backward, taken, fixed, wrt)
        layer = Layer(run, taken, fixed, general)
        rehearsal = rehearsed(layer, points, wrt, seed)
    except LayerFails as error:
        names = list(wrt) if wrt is not None else expected(taken)
        return CheckResult(tuple(Check(name, "undecided", reason=str(error)) for name in names))
    return _judged(layer, rehearsal, repair_seconds)


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


def _judged(layer: Layer, rehearsal: Rehearsal, repair_seconds: float) -> CheckResult:
    bars, names = rehearsal.cotangents, rehearsal.names

    def loss_at(values: Mapping[str, Any]) -> Any:
        outputs = layer.outputs(values)
        if not bars:
            return outputs[0]
        return sum(np.sum(np.asarray(out) * values[bar])
                   for out, bar in zip(outputs, bars, strict=True))

    def bound(function: Callable[..., Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        edited = replace(layer, run=layer.run.with_backward(function))
        return lambda values: _gradients_at(edited, rehearsal, values)

    def edited_verdict(function: Callable[..., Any]) -> str:
        edited = replace(layer, run=layer.run.with_backward(function))
        return _judged(edited, rehearsal, 0).verdict

    def made(declared: Mapping[str, Any]) -> Subject:
        plain = Subject(None, {}, names, loss_at,
                        lambda values: _gradients_at(layer, rehearsal, values), None,
                        declared=declared)
        try:
            traced, declared = _forward_traced(layer, declared, bars)
            chain = differentiate(traced.system, scalar_result(traced), names)
            plain = replace(plain, derived=chain.system, of=chain.of, assumed=rows_assumed(chain))
            return replace(plain, hand=_backward_traced(layer, declared, bars, names))
        except ValueError as error:
            return replace(plain, reason=f"not traced: {error}")

    general = layer.general
    subject = next(found for found in map(made, general.declarations())
                   if found.hand is not None or found.declared is layer.taken.declared)
    patterned = (
        replace(found, assumed=tuple(dict.fromkeys((*general.assumptions, *found.assumed))))
        for found in map(made, general.patterned(subject.declared))
    )
    if layer.run.backward is not None:
        subject = replace(subject, rerun=Rerun(layer.run.backward, bound, edited_verdict))
    result = judge(subject, rehearsal.points, patterned, repair_seconds)
    if rehearsal.mutated:
        reason = (f"the layer changes its input {', '.join(rehearsal.mutated)} in place, and with "
                  "it what its caller goes on with; change a copy")
        result = replace(result, checks=tuple(_capped(check, reason) for check in result))
    return result


def _gradients_at(
    layer: Layer, rehearsal: Rehearsal, values: Mapping[str, Any]
) -> dict[str, Any]:
    found = layer.gradients(layer.taken.at(values), values, rehearsal.cotangents)
    missing = [name for name in rehearsal.names if name not in found]
    if missing:
        raise LayerError(f"no gradient for {', '.join(missing)}: {layer.run.seen['text']}")
    return {name: found[name] for name in rehearsal.names}


def _capped(made: Check, reason: str) -> Check:
    """A check that is no pass, for a reason outside of the gradient itself."""
    if made.verdict in ("refuted", "undecided"):
        return replace(made, notes=(*made.notes, reason))
    return replace(made, verdict="undecided", scope="", reason=reason)


def _forward_traced(
    layer: Layer, inputs: Mapping[str, Any], bars: Sequence[str]
) -> tuple[Trace, dict[str, Any]]:
    """The weighed sum of the outputs as equations, and the inputs with the cotangents declared."""
    call, constants = layer.run.call, layer.fresh_constants()

    def outputs(**arguments: Any) -> Any:
        return call(arguments, constants, None)

    def weighed(**arguments: Any) -> Any:
        back = [arguments.pop(name) for name in bars]
        found = call(arguments, constants, None)
        return sum(np.sum(out * bar) for out, bar in zip(found, back, strict=True))

    declared = dict(inputs)
    plain = trace(outputs, declared)
    if not isinstance(plain.result, tuple) or not all(isinstance(n, str) for n in plain.result):
        raise TraceError(f"forward returns {plain.result!r}, expected arrays")
    if not bars:
        return replace(plain, result=plain.result[0]), declared
    for name, out in zip(bars, plain.result, strict=True):
        declared[name] = Array(name, plain.system.shapes[str(out)])
    return trace(weighed, declared), declared


def _backward_traced(
    layer: Layer, declared: Mapping[str, Any], bars: Sequence[str], names: Sequence[str]
) -> Trace:
    """Both passes in one trace, so that what the first leaves for the second carries over."""
    call, constants = layer.run.call, layer.fresh_constants()

    def gradients(**arguments: Any) -> Any:
        back = [arguments.pop(name) for name in bars]
        found = call(arguments, constants, back)
        # Keyed by the gradient, not by the input, as the keys become names of arrays.
        return {f"d{name}": found[name] for name in names if name in found}

    return trace(gradients, declared)
