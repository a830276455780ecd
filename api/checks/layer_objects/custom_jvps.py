"""JAX's custom_jvp functions as objects with two passes.

JAX makes a gradient of the rule by transposing it: where the rule maps tangents t to J t, jax.grad
gives Jᵀ w.  So does the second pass here, with numbers by jax.vjp; in a trace the rule is traced,
weighed and differentiated by its tangents, in which it is linear.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradproof.checks.layer_objects.contexts import own
from gradproof.checks.layer_objects.custom_rules import JAX, held_same, named, outputs_of
from gradproof.checks.returned import LayerError
from gradproof.checks.subject import loss_chain
from gradproof.symbolic.dependence import arrays_read, reached
from gradproof.symbolic.tracing.jax.control import tree_map
from gradproof.symbolic.tracing.run import Names, Trace, TraceError
from gradproof.symbolic.tracing.source import fail


class _Rule:
    """A function and the rule for its tangents."""

    arrays = JAX

    def _first(self, arguments: Any) -> Any:
        self.values = [arguments[name] for name in self.names]  # type: ignore[attr-defined]
        self.made = outputs_of(self.primal(*self.values))  # type: ignore[attr-defined]
        return self.made

    def _second(self, cotangents: Any) -> Any:
        """What jax.vjp gives, by the parameters that a gradient is due for."""
        jax, names = sys.modules["jax"], self.names  # type: ignore[attr-defined]
        due = [place for place, name in enumerate(names)
               if name not in self.static]  # type: ignore[attr-defined]
        real = [place for place in due if all(
            jax.numpy.issubdtype(jax.numpy.asarray(leaf).dtype, jax.numpy.floating)
            for leaf in jax.tree.leaves(self.values[place]))]

        def of(*some: Any) -> Any:
            values = list(self.values)
            for place, value in zip(real, some, strict=True):
                values[place] = value
            return outputs_of(self.whole(*values))  # type: ignore[attr-defined]

        told, back = jax.vjp(of, *(self.values[place] for place in real))
        for one, other in zip(self.made, told, strict=True):
            held_same(one, other, "the rule")
        found = dict(zip(real, back(tuple(map(jax.numpy.asarray, cotangents))), strict=True))
        return tuple(found.get(place) for place in due)

    def moved(self, arguments: Mapping[str, Any], moves: Mapping[str, Any]) -> tuple[Any, ...]:
        """The tangents of the outputs, as the rule has them; for a trace."""
        values = {name: arguments[name] for name in self.names}  # type: ignore[attr-defined]
        static = [values.pop(name) for name in self.static]  # type: ignore[attr-defined]
        tangents = tuple(moves[name] if name in moves else _nothing(value)
                         for name, value in values.items())
        primals = tuple(values.values())
        made = self.primal(*arguments.values())  # type: ignore[attr-defined]
        if self.each is not None:  # type: ignore[attr-defined]
            parts = [one(tangent, made, *primals) for one, tangent in zip(
                self.each, tangents, strict=True)  # type: ignore[attr-defined]
                if one is not None]
            return outputs_of(_sum(parts))
        told = self.rule(*static, primals, tangents)  # type: ignore[attr-defined]
        if not isinstance(told, tuple) or len(told) != 2:
            raise LayerError("the rule returns no pair; expected the output and its tangent, as in "
                             "return y, y_dot")
        for one, other in zip(outputs_of(made), outputs_of(told[0]), strict=True):
            held_same(one, other, "the rule")
        return outputs_of(told[1])


def _nothing(value: Any) -> Any:
    """The tangent of what does not move; of whole numbers JAX has one that nothing computes with.
    """
    def one(leaf: Any) -> Any:
        return leaf * 0.0 if getattr(getattr(leaf, "value", None), "kind", "") == "float" else None

    return tree_map(one, value)


def _sum(parts: Sequence[Any]) -> Any:
    if not parts:
        fail("no rule gives a tangent")
    if isinstance(parts[0], tuple | list):
        return tuple(map(_sum, zip(*parts, strict=True)))
    return sum(parts[1:], start=parts[0])


def of_custom_jvp(source: Any, given: Sequence[str]) -> type[Any]:
    """A class whose objects run the function and then its rule, transposed.

    given: the names of the inputs.  LayerError for one without a rule.
    """
    title = source.__name__
    if source.jvp is None:
        raise LayerError(f"{title}: expected a custom_jvp function with a rule, as by "
                         f"@{title}.defjvp")
    inner = inspect.getclosurevars(source.jvp).nonlocals if str(getattr(
        source.jvp, "__module__", "")).startswith("jax") else {}
    signature, names, static = named(title, source, given)

    def forward(self: Any, /, **arguments: Any) -> Any:
        bound = signature.bind(**arguments)
        bound.apply_defaults()
        return self._first(bound.arguments)

    def backward(self: Any, /, *cotangents: Any) -> Any:
        return self._second(cotangents)

    def tangents(self: Any, arguments: Mapping[str, Any], moves: Mapping[str, Any]) -> Any:
        bound = signature.bind(**arguments)
        bound.apply_defaults()
        return self.moved(bound.arguments, moves)

    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first, *signature.parameters.values()])
    each = inner.get("jvps")
    return type(title, (), {
        **own(_Rule), "forward": forward, "backward": backward, "tangents": tangents,
        "names": names, "static": static, "primal": staticmethod(source.fun), "whole": source,
        "rule": staticmethod(source.jvp), "each": None if each is None else tuple(each),
        "__module__": source.fun.__module__})


def transposed(traced: Trace, moves: Mapping[str, str]) -> Trace:
    """Of a trace of <w, J t>, which is linear in the tangents, one of Jᵀ w.

    moves: the tangents by the names of their gradients.  TraceError where the rule is not linear.
    """
    chain = loss_chain(traced, tuple(moves.values()))
    equations = {equation.name: equation for equation in chain.system.equations}

    def read(name: str) -> Iterable[str]:
        return list(arrays_read(equations[name])) if name in equations else []

    result: dict[Any, Names] = {key: chain.of[move] for key, move in moves.items()}
    starts = [str(name) for name in result.values()]
    found: dict[str, None] = reached(starts, read)
    if any(move in found for move in moves.values()):
        raise TraceError("the rule is not linear in the tangents")
    lines = dict(traced.lines)
    for name, equation in equations.items():
        if name not in lines:
            above = [lines[one] for one in _readers(chain.of, name, traced) if one in lines]
            lines.update({equation.name: above[0]} if above else {})
    return replace(traced, system=chain.system, result=result, lines=lines)


def _readers(of: Mapping[str, str], name: str, traced: Trace) -> Sequence[str]:
    """What reads the array whose adjoint this is: in whose line the adjoint is made."""
    arrays = {array for array, adjoint in of.items() if adjoint == name}
    return [equation.name for equation in traced.system.equations
            if arrays & set(arrays_read(equation))]
