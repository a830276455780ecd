"""``check_layer``: the backward pass of a layer, which has no loss of its own.

The loss is the sum of the layer's outputs, each weighed by an array of its shape: the cotangents
that the backward pass is then handed.  Its derived gradient is the vector-Jacobian product that
the layer claims to compute, so everything that checks a gradient checks a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.causes.upstream import misuses
from gradproof.checks.circumstances.looking import looked
from gradproof.checks.circumstances.verdicts import in_circumstances
from gradproof.checks.circumstances.ways import Framework
from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, by_name
from gradproof.checks.judging import judge
from gradproof.checks.layer_calls import (
    DIGITS,
    Call,
    LayerFails,
    arrays_outside,
    distance,
    failed,
    reference_run,
    traced_gradients,
    traced_outputs,
    traced_tangents,
    two_functions,
    weighed,
)
from gradproof.checks.layer_objects.calling import LayerObject
from gradproof.checks.layer_objects.contexts import as_object, takes_context, with_context
from gradproof.checks.layer_objects.custom_jvps import transposed
from gradproof.checks.layer_objects.finding import NOTHING, Own, own_parameters
from gradproof.checks.layer_objects.reuse import FIRST_USE, Reuse, used, used_again
from gradproof.checks.layer_objects.settings import sorted_out, with_reference
from gradproof.checks.layer_objects.slopes import Of
from gradproof.checks.layer_rehearsal import CheckedLayer, Rehearsal, expected, rehearsed, suited
from gradproof.checks.networks.checking import check_module
from gradproof.checks.places.size_cases import by_sizes
from gradproof.checks.results import CheckResult, at_best_agreeing, capped, within
from gradproof.checks.returned import Asked, LayerError
from gradproof.checks.subject import (
    Declared,
    Gradient,
    Rerun,
    Sides,
    Subject,
    Values,
    loss_chain,
)
from gradproof.limits.calls import NotReturnedError, called
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.repair.search import SECONDS
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.equation import Array, fresh_name
from gradproof.symbolic.tracing.run import Trace, TraceError, trace
from gradproof.symbolic.tracing.torch.networks import is_module_class


def check_layer(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    /,
    *,
    reference: Callable[..., Any] | None = None,
    wrt: Sequence[str] | None = None,
    inputs: Any = None,
    constants: Mapping[str, Any] | None = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    time_limit: float = TIME_LIMIT,
    **shapes: Any,
) -> CheckResult:
    """Holds a layer's backward pass against its forward pass.

    As two functions: `forward(x, w, b)` returns the output, or outputs and a cache, and
    `backward(dout, cache)` the gradients: a tuple in the order of forward's inputs, or a dict
    keyed "dw", "grad_w", "w_grad" or "w".  Backward's first parameter is handed the cotangent of
    the output, following ones that begin with "d" or "grad" those of further outputs, its others
    what else forward returns, in order, and the inputs by name.

    As an object: one argument, a class or function that makes the layer of its parameters
    (``Affine(W, b)``); the other inputs are those of ``layer.forward(x)``.  What ``layer.backward``
    does not return is looked for in attributes ``dW``, ``grad_W``, ``W_grad`` and ``W.grad``, in
    dicts ``grads``, ``gradients``, ... and in such lists, in the order of ``params``.  Parameters
    that it makes itself, as a torch.nn.Module does, are found; `unchecked` are without gradient.

    shapes (or `inputs`): as for :func:`check`.  A number, a bool or None is a constant (a stride);
        `constants` are those that are neither, such as ``mode="train"``.
    reference: a function alike, by whose derivative compiled code is judged; at best `agrees`.
    wrt: by what; by default all real arrays, "mask", "one_hot", "constant" where one is returned.
    repair_seconds, time_limit: as for :func:`check`; what the layer's own code raises is a reason.

    >>> def forward(x, w): return x @ w, (x, w)
    >>> def backward(dout, cache): return dout @ cache[1].T, cache[0].T @ dout
    >>> check_layer(forward, backward, x="m n", w="n h").verdict
    'proved'

    Raises ValueError for inputs that do not fit, LayerError where no gradient is found.
    """
    given, fixed = sorted_out(by_name(inputs, with_reference(reference, shapes)), constants or {})
    taken = _some(given)
    if backward is None and reference is None and is_module_class(type(forward)):
        return check_module(forward, taken, fixed, wrt, seed, time_limit, partial(
            check_layer, seed=seed, repair_seconds=repair_seconds))
    wrt = taken.chosen(wrt) if wrt is not None and (backward or not wrt) else wrt
    run = partial(_referred, forward, backward, reference, constants=fixed, wrt=wrt, seed=seed)
    names = tuple(wrt or expected(taken))
    return within(time_limit, names, partial(_cases, run, given, names, repair_seconds))


def check_derivative(
    function: Callable[..., Any],
    derivative: Callable[..., Any],
    /,
    *,
    of: Of | None = None,
    wrt: Sequence[str] | None = None,
    inputs: Any = None,
    constants: Mapping[str, Any] | None = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    time_limit: float = TIME_LIMIT,
    **shapes: Any,
) -> CheckResult:
    """Holds a function that works entry by entry against its derivative, written as another.

    `function(z)` returns an array of z's shape, `derivative(z)` the derivative of each entry, of
    the same shape (or one number).  A function of more inputs, or with one value for each sample,
    is a loss: `derivative` returns its gradient, by the inputs that are no targets (y, t, ...).

    of: "input" or "output", what the derivative is a function of: ``a * (1 - a)`` is sigmoid's by
        its output.  By default what it is right of is taken, and said where that is the output.
    wrt, inputs, constants, seed, repair_seconds, time_limit, shapes: as for :func:`check_layer`.

    >>> def sigmoid(z): return 1 / (1 + np.exp(-z))
    >>> def sigmoid_prime(z): return sigmoid(z) * (1 - sigmoid(z))
    >>> check_derivative(sigmoid, sigmoid_prime, z="m n").verdict
    'proved'

    Raises as :func:`check_layer` does.
    """
    if of not in (None, "input", "output"):
        raise ValueError(f'of: expected "input" or "output", got {of!r}')
    for what, one in (("function", function), ("derivative", derivative)):
        if not callable(one):
            raise LayerError(f"{what}: expected a function, got {type(one).__name__}")
    title = getattr(derivative, "__name__", "derivative")
    module = getattr(derivative, "__module__", None) or __name__
    pair = as_object(title, module, {"f": function, "f_prime": derivative})
    given, fixed = sorted_out(by_name(inputs, shapes), constants or {})
    names = tuple(wrt or expected(_some(given)))
    rehearsal = partial(_rehearsed, pair, None, constants=fixed, wrt=wrt, seed=seed, of=of)
    return within(time_limit, names, partial(_cases, rehearsal, given, names, repair_seconds))


def fits(forward: Any, backward: Any, inputs: Mapping[str, Any]) -> str:
    """Why a layer does not run on inputs, or has gradients of other shapes; else empty.

    forward, backward, inputs: as for :func:`check_layer`.
    """
    try:
        given, fixed = sorted_out(inputs, {})
        passes = _rehearsed(forward, backward, _some(given), fixed, None, 0)
        point, layer = passes.rehearsal.points[0], passes.layer
        found = layer.gradients(layer.taken.at(point.values), point.values,
                                passes.rehearsal.cotangents)
        other = [name for name in passes.rehearsal.names
                 if np.shape(found[name]) != np.shape(point.values[name])]
        outputs = layer.outputs(point.values)
    except (ValueError, LayerFails, NotReturnedError) as error:
        return str(error)
    if other:
        return f"the gradient by {other[0]} has another shape"
    return "" if all(np.all(np.isfinite(out)) for out in outputs) else "not finite"


def _some(given: Mapping[str, Any]) -> Inputs:
    taken = Inputs.of(given)
    if not taken.arrays:
        raise LayerError('nothing to check: give the shapes of the inputs, as in x="m n"')
    return taken


def _cases(
    rehearsal: Callable[..., _Passes], given: Mapping[str, Any], names: Sequence[str],
    repair_seconds: float,
) -> CheckResult:
    return by_sizes(lambda case: _judged(
        partial(rehearsal, taken=Inputs.of(case)), names, repair_seconds), given)


def _referred(
    forward: Callable[..., Any], backward: Callable[..., Any] | None, reference: Any, **given: Any
) -> _Passes:
    passes = _rehearsed(forward, backward, **given)
    return passes.referred(reference) if callable(reference) else passes


def _judged(
    rehearsal: Callable[[], _Passes], names: Sequence[str], repair_seconds: float
) -> CheckResult:
    try:
        return rehearsal().judged(repair_seconds)
    except LayerFails as error:
        return failed(error, names)


def _rehearsed(
    forward: Callable[..., Any], backward: Callable[..., Any] | None, taken: Inputs,
    constants: Mapping[str, Any], wrt: Sequence[str] | None, seed: int, of: Of | None = None,
) -> _Passes:
    """The layer after it has run at every point.  Raises LayerFails."""
    general = General(taken)
    points = general.points(seed)
    source = forward
    if backward is not None and takes_context(forward, taken.given):
        source, backward = with_context(forward, {"forward": forward, "backward": backward}), None
    if backward is not None:
        run, own = two_functions(forward, backward, taken, constants, wrt), NOTHING
    else:
        made = LayerObject.of(source, taken, constants, points[0], wrt, of)
        wrt, constants = made.by if wrt is None else wrt, made.constants
        sizes = list(points[0].sizes)
        own = own_parameters(made, [point for point in points if not point.elsewhere],
                             [*(array.name for array in taken.arrays), *sizes], sizes, wrt)
        run = made.run(wrt, own)
        taken = Inputs.of({**taken.given, **{array.name: array for array in own.arrays}})
        general = General(taken)
        points = general.points(seed)
    layer = CheckedLayer(run, taken, constants, general)
    points = [suited(point, layer.outputs, own.parameters) for point in points]
    outside = arrays_outside(run.forward) if wrt is None else ()
    passes = _Passes(layer, rehearsed(layer, points, wrt, seed), own, outside)
    if backward is not None:
        return passes
    rehearsal, again = passes.rehearsal, replace(made.with_own(own), taken=taken)
    return replace(passes, source=source, made=again, reuse=used_again(
        again, made.gathering(wrt, own), rehearsal.points[0], rehearsal.cotangents))


@dataclass(frozen=True)
class _Passes:
    """A layer's two passes, whose second is held against its first: the user's, and edits of it."""

    layer: CheckedLayer
    rehearsal: Rehearsal
    own: Own = NOTHING
    outside: tuple[tuple[str, str], ...] = ()
    reuse: Reuse = FIRST_USE
    source: Any = None
    made: LayerObject | None = None
    reference: CheckedLayer | None = None
    digits: float = 0.0

    def referred(self, function: Callable[..., Any]) -> _Passes:
        """The same, held against another function's derivative."""
        layer, points = self.layer, self.rehearsal.points
        run = reference_run(function, layer.run, layer.taken, layer.constants)
        reference = replace(layer, run=run)
        apart = distance(layer.outputs, reference.outputs, points)
        return replace(self, reference=reference, digits=DIGITS * apart)

    def judged(self, seconds: float) -> CheckResult:
        layer, rehearsal = self.layer, self.rehearsal
        backward = layer.run.backward
        rerun = Rerun(backward, self.bound, self.verdict) if backward is not None else None
        asked = Asked(rehearsal.names, tuple(array.name for array in layer.taken.arrays),
                      "backward")
        bars = rehearsal.cotangents
        plain = Subject(asked, self._loss_at, self._gradients_at, rerun=rerun, weights=bars,
                        keyed=rehearsal.keyed, assumed=self.own.assumptions,
                        remarks=(*layer.run.remarks, *layer.run.seen.beside,
                                 *layer.defaults(self.source)),
                        instead=misuses(self._gradients_at, bars, asked.names))
        sides = Sides(plain, self._chain, self._backward_traced)
        subject = sides.general(layer.general)
        other = sides.patterned(layer.general, subject.declared)
        result = judge(subject, rehearsal.points, other, seconds)
        result = self._as_its_reference(replace(result, branch=subject.branch))
        result = in_circumstances(result, partial(self._framework, subject.hand))
        if rehearsal.mutated:
            reason = (f"the layer changes its input {', '.join(rehearsal.mutated)} in place, and "
                      "with it what its caller goes on with; change a copy")
            result = replace(result, checks=tuple(capped(check, reason) for check in result))
        result = replace(result, checks=tuple(used(check, self.reuse) for check in result))
        if rehearsal.written:
            note = f"backward changes {', '.join(rehearsal.written)}, which it is handed, in place"
            shared = f"{note}, and others may read it; change a clone"
            result = replace(result, checks=tuple(
                capped(check, shared) if layer.run.is_shared else
                replace(check, notes=(*check.notes, note)) for check in result))
        passed_over = [*self.own.unchecked, *self.outside, *self._without()]
        return replace(result, unchecked=tuple(name for name, _ in passed_over),
                       why_unchecked=tuple(why for _, why in passed_over))

    def _as_its_reference(self, result: CheckResult) -> CheckResult:
        if self.reference is None:
            return result
        found = self._gradients_at(self.rehearsal.points[0].values)
        return replace(result, checks=tuple(at_best_agreeing(
            check, self.digits * float(np.max(np.abs(found[check.name]), initial=0.0)))
            for check in result.checks))

    def _framework(self, hand: Trace | None) -> Framework | None:
        """What its framework may do around it."""
        seen = self.rehearsal
        return None if self.made is None else looked(
            self.source, self.made, self.layer.taken, seen.points[0], seen.names, seen.cotangents,
            self._gradients_at, hand)

    def _without(self) -> list[tuple[str, str]]:
        """Inputs for which a function that returns value and gradients returns none."""
        return [(name, f"no gradient for {name} is returned")
                for name in expected(self.layer.taken)
                if self.layer.run.is_partial and name not in self.rehearsal.names]

    def edited(self, function: Callable[..., Any]) -> _Passes:
        """The same layer with another backward pass."""
        return replace(self, layer=replace(self.layer, run=self.layer.run.with_backward(function)))

    def bound(self, function: Callable[..., Any]) -> Gradient:
        return self.edited(function)._gradients_at

    def verdict(self, function: Callable[..., Any]) -> str:
        return self.edited(function).judged(0).verdict

    def _loss_at(self, values: Values) -> Any:
        outputs = (self.reference or self.layer).outputs(values)
        if not self.rehearsal.cotangents:
            return outputs[0]
        return weighed(outputs, [values[name] for name in self.rehearsal.cotangents])

    def _gradients_at(self, values: Values) -> dict[str, Any]:
        layer, rehearsal = self.layer, self.rehearsal
        found = layer.gradients(layer.taken.at(values), values, rehearsal.cotangents)
        missing = [name for name in rehearsal.names if name not in found]
        if missing:
            raise LayerError(f"no gradient for {', '.join(missing)}: {layer.run.seen.text}")
        return {name: found[name] for name in rehearsal.names}

    def _chain(self, inputs: Declared) -> Chain:
        """The weighed sum of the outputs, whose weights are the cotangents, differentiated."""
        bars = self.rehearsal.cotangents
        call = (self.reference or self.layer).run.call
        plain = self._trace(traced_outputs, call, inputs, ())
        outputs = plain.result
        if not isinstance(outputs, tuple) or not all(isinstance(n, str) for n in outputs):
            raise TraceError(f"forward returns {outputs!r}, expected arrays")
        if not bars:
            return loss_chain(replace(plain, result=outputs[0]), self.rehearsal.names)
        declared = dict(inputs)
        for name, out in zip(bars, outputs, strict=True):
            real = np.ndim(self.rehearsal.points[0].values[name])
            if real != len(plain.system.shapes[str(out)]):
                raise TraceError(f"forward returns an array of {real} axes, and what was traced "
                                 f"of it has {len(plain.system.shapes[str(out)])}")
            declared[name] = Array(name, plain.system.shapes[str(out)])
        return loss_chain(self._trace(traced_outputs, call, declared, bars), self.rehearsal.names)

    def _backward_traced(self, inputs: Declared, chain: Chain) -> Trace:
        """Both passes in one trace, so that what the first leaves for the second carries over."""
        names, cotangents = self.rehearsal.names, self.rehearsal.cotangents
        bars = {a.name: a for a in chain.system.inputs if a.name in cotangents}
        if moved := self.layer.run.moved:
            return self._rule_traced(moved, {**inputs, **bars}, chain)
        return self._trace(traced_gradients, self.layer.run.call, {**inputs, **bars}, cotangents,
                           names)

    def _rule_traced(
        self, moved: Callable[..., Any], inputs: Declared, chain: Chain
    ) -> Trace:
        """A rule for tangents, transposed: weighed by the cotangents, differentiated by these."""
        names = self.rehearsal.names
        if not set(names) <= set(inputs):
            raise TraceError("a rule for tangents of containers is not traced")
        keys = {name: fresh_name(f"{name}_dot", chain.system.names) for name in names}
        moves = {key: replace(inputs[name], name=key) for name, key in keys.items()}
        run = partial(traced_tangents, moved, self.layer.fresh_constants(),
                      self.rehearsal.cotangents, keys)
        found = called(partial(trace, run, {**inputs, **moves}))
        return transposed(found, {f"d{name}": key for name, key in keys.items()})

    def _trace(
        self, function: Callable[..., Any], call: Call, inputs: Declared, *more: Sequence[str]
    ) -> Trace:
        run = partial(function, call, self.layer.fresh_constants(), *more)
        return called(partial(trace, run, inputs))
