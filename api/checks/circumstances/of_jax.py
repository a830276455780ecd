"""A function with a rule of its own in the circumstances in which JAX may call it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.circumstances import transforms
from gradproof.checks.circumstances.precision import narrow
from gradproof.checks.circumstances.ruled import Ruled, pulled, quietly, taken
from gradproof.checks.circumstances.twice import held, weights_of
from gradproof.checks.circumstances.ways import Due, NotTakenError, Values, Way, Wrong, not_zero
from gradproof.checks.inputs import Inputs
from gradproof.checks.layer_objects.calling import LayerObject
from gradproof.checks.layer_objects.custom_rules import custom_of
from gradproof.checks.points import Point
from gradproof.numeric import Comparison
from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.tracing.run import Trace


@dataclass(frozen=True)
class OfJax:
    """A function, with values of inputs and of upstream gradients (`bars`).

    due: the gradients that its passes give.  empty: inputs with an axis without entries, by the
    size that is 0.  has_tangents: its rule is for tangents.  ends: what is differentiated ends
    somewhere in the rule, or another rule may stand there; None where it was not traced.
    """

    ruled: Ruled
    values: Values
    bars: Sequence[str]
    due: Due
    empty: Mapping[str, Values]
    at: str
    has_tangents: bool = False
    ends: bool = True

    def quietly(self) -> Any:
        return quietly()

    def ways(self) -> Iterator[Way]:
        yield from transforms.ways(self.ruled, self.values, self.bars, self.due)
        if self.has_tangents:
            yield from transforms.forward(self.ruled, self.values, self.bars, self.due)

    def line(self, way: Way) -> SourceLine | None:
        return None  # what JAX transforms is not run line by line

    def own(self, place: SourceLine | None) -> SourceLine | None:
        theirs = str(Path(sys.modules["jax"].__file__ or "").parent)
        return None if place is None or place.filename.startswith(theirs) else place

    def further(self) -> Iterator[tuple[Wrong, SourceLine | None]]:
        for size, values in self.empty.items():
            try:
                yield self._empty(size, values), None
            except Exception:  # a pass that needs entries says so
                continue
        yield narrow(self._at, self.values, self.ruled.wrt, self.due), None

    def _empty(self, size: str, values: Values) -> Wrong:
        outputs = self.ruled.outputs(self.ruled.entered(values, values))
        if any(out.size for out in outputs):
            return {}
        return not_zero(size, self.ruled.gradients(
            values, [np.zeros(out.shape) for out in outputs]))

    def _at(self, title: str, there: Values) -> Mapping[str, Any]:
        """The gradients in float32 or bfloat16, JAX being as it is by default; for a function that
        stays in it.

        TypeError where a gradient does not; in bfloat16 that is said beside a proof (`assumed`).
        """
        jax, jnp = sys.modules["jax"], sys.modules["jax.numpy"]
        dtype = getattr(jnp, title)
        with quietly(is_wide=False):
            inputs = self.ruled.entered(there, [n for n in there if n not in self.bars], dtype)
            outputs = taken(lambda: jax.jit(self.ruled.outputs)(inputs))
            if any(out.dtype != dtype or not jnp.isfinite(out).all() for out in outputs):
                raise NotTakenError
            found = self.ruled.gradients(
                there, [there[name] for name in self.bars], jax.jit, dtype=dtype)
            if others := [name for name, one in found.items() if one.dtype != dtype]:
                if title != "float32":
                    raise NotTakenError
                raise TypeError(f"the gradient by {others[0]} is {found[others[0]].dtype}")
            return {name: np.asarray(one.astype(jnp.float32), float)
                    for name, one in found.items()}

    def second(self) -> Mapping[str, Comparison] | None:
        """The derivative by each input and upstream gradient; None where JAX has none."""
        jax, jnp, names = sys.modules["jax"], sys.modules["jax.numpy"], self.ruled.wrt
        weights = {name: jnp.asarray(one)
                   for name, one in weights_of(self.values, names).items()}
        some, rest = self.ruled.split(self.values, names)

        def alone(some: Mapping[str, Any]) -> tuple[Any, ...]:
            return self.ruled.outputs({**some, **rest})

        def total(some: Mapping[str, Any], back: Sequence[Any]) -> Any:
            found = pulled(alone, some, tuple(back))
            return sum(jnp.sum(found[name] * weights[name]) for name in names)

        compiled = jax.jit(total)
        back = [jnp.asarray(self.values[name]) for name in self.bars]
        try:
            by_some, by_back = jax.jit(jax.grad(total, argnums=(0, 1)))(some, back)
        except Exception:  # a kernel, a loop of unknown length: JAX says so where it is asked
            return None

        def weighed(at: Mapping[str, Any]) -> float:
            return float(compiled({name: at[name] for name in names},
                                  [at[name] for name in self.bars]))

        found = {**by_some, **dict(zip(self.bars, by_back, strict=True))}
        return held(weighed, self.values, {name: np.asarray(one) for name, one in found.items()})

    def of_second(self, is_wrong: bool, is_proved: bool) -> str:
        """JAX differentiates the rule as it stands: where that is proved and holds nothing back,
        its derivative is that of a formula that is proved."""
        if is_wrong:
            return ("JAX differentiates the rule, and something in it is held back "
                    "(stop_gradient), or has another rule of its own that is wrong")
        if is_proved and not self.ends:
            return "JAX differentiates the rule, and nothing in it is held back"
        return ""

    def assumed(self) -> list[str]:
        """JAX takes a gradient of another type than its input's, and fails where it goes on."""
        jax, jnp = sys.modules["jax"], sys.modules["jax.numpy"]
        with quietly(is_wide=False):
            narrow = {name: jnp.bfloat16 if np.asarray(value).dtype.kind == "f" else None
                      for name, value in self.values.items()}
            inputs = {name: jnp.asarray(self.values[name], dtype=dtype)
                      for name, dtype in narrow.items() if name not in self.bars}
            some = {name: inputs[name] for name in self.ruled.wrt}
            outputs = jax.eval_shape(self.ruled.outputs, inputs)
            back = tuple(jnp.zeros(out.shape, out.dtype) for out in outputs)
            try:
                found = jax.eval_shape(partial(pulled, lambda some: self.ruled.outputs(
                    {**inputs, **some})), some, back)
            except Exception as error:
                return [f"it is not used in bfloat16, where its rule fails: {in_one_line(error)}"]
        others = [name for name, one in found.items() if one.dtype != jnp.bfloat16]
        if not others or any(out.dtype != jnp.bfloat16 for out in outputs):
            return []
        return [f"it is not used in bfloat16, where its output is bfloat16 and its gradient by "
                f"{', '.join(others)} {found[others[0]].dtype}: JAX fails where that goes on"]


def of_jax(
    source: Any, layer: LayerObject, taken: Inputs, point: Point, wrt: Sequence[str],
    bars: Sequence[str], due: Due, hand: Trace | None,
    empty: Mapping[str, Values],
) -> OfJax | None:
    """A function under custom_vjp or custom_jvp at a point; None where it is another's."""
    made = layer.made(point)
    names = [name for name in made.names if name in taken.given or name in layer.constants]
    if names != list(made.names)[:len(names)]:
        return None  # a default stands before what is given
    own = custom_of(source, "custom_vjp") or custom_of(source, "custom_jvp")
    ends = hand is None or bool(hand.stops) or any(one is not own for one in hand.ruled)
    ruled = Ruled(source, names, dict(layer.constants), taken.arguments, wrt)
    return OfJax(ruled, point.values, bars, due, empty, str(point), layer.plan.has_tangents, ends)
