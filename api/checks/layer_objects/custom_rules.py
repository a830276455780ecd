"""JAX's custom_vjp functions as objects with two passes.

The first pass is the function; the second is what JAX calls for it, `bwd` of what `fwd` left.
Nothing of JAX is imported here, as an object of its has imported it already.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradproof.checks.layer_objects.contexts import own
from gradproof.checks.layer_objects.frameworks import Arrays
from gradproof.checks.returned import LayerError
from gradproof.symbolic.tracing.jax.array import plain, wrapped
from gradproof.symbolic.tracing.jax.control import tree_map
from gradproof.symbolic.tracing.same_equations import same_equations
from gradproof.symbolic.tracing.session import Holder
from gradproof.symbolic.tracing.source import fail
from gradproof.symbolic.tracing.tracer import Tracer


def _enter(value: Any) -> Any:
    def one(leaf: Any) -> Any:
        if isinstance(leaf, Tracer):
            return wrapped(leaf)
        if isinstance(leaf, np.ndarray | np.generic):
            return sys.modules["jax.numpy"].asarray(leaf)
        return leaf

    return tree_map(one, value)


def _leave(value: Any) -> Any:
    def one(leaf: Any) -> Any:
        if isinstance(leaf, Holder):
            return plain(leaf)
        return np.asarray(leaf) if isinstance(leaf, sys.modules["jax"].Array) else leaf

    return tree_map(one, value)


@contextmanager
def _in_doubles() -> Iterator[None]:
    """JAX computes in single precision if nothing is said, and compiles a loop at every call."""
    jax = sys.modules["jax"]
    wide = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with wide(True), jax.disable_jit():
        yield


JAX = Arrays(_enter, _leave, _in_doubles)


def custom_of(source: Any, kind: str) -> Any:
    """The custom_vjp or custom_jvp function that something is, under jax.jit too; else None."""
    jax = sys.modules.get("jax")
    while jax is not None and source is not None and hasattr(jax, kind):
        if isinstance(source, getattr(jax, kind)):
            return source
        if type(source).__name__ != "PjitFunction":
            return None
        source = getattr(source, "__wrapped__", None)
    return None


class _Rule:
    """A function and its rule; what `fwd` left is kept on the object."""

    arrays = JAX

    def _first(self, arguments: Any) -> Any:
        values = tuple(arguments[name] for name in self.names)  # type: ignore[attr-defined]
        made = self.primal(*values)  # type: ignore[attr-defined]
        told = self.ahead(*map(self.entering, values))  # type: ignore[attr-defined]
        if not isinstance(told, tuple) or len(told) != 2:
            raise LayerError("fwd returns no pair; expected its output and what bwd needs, as in "
                             "return y, (x, y)")
        self.fixed = tuple(arguments[name] for name in self.static)  # type: ignore[attr-defined]
        self.residuals, self.made = told[1], made
        flat, other = outputs_of(made), outputs_of(told[0])
        if len(flat) != len(other):
            raise LayerError(f"fwd returns {len(other)} outputs, and the function {len(flat)}")
        for one, two in zip(flat, other, strict=True):
            held_same(one, two)
        return flat

    def _second(self, cotangents: Any) -> Any:
        made = rebuilt(self.made, cotangents)
        return self.behind(*self.fixed, self.residuals, made)  # type: ignore[attr-defined]


def outputs_of(made: Any) -> tuple[Any, ...]:
    """The arrays that a function returns: one, or a tuple, list or dict of them."""
    if isinstance(made, dict):
        return tuple(made[key] for key in sorted(made))
    return tuple(made) if isinstance(made, tuple | list) else (made,)


def rebuilt(like: Any, values: Any) -> Any:
    """Cotangents as the function returns its outputs."""
    if isinstance(like, dict):
        return dict(zip(sorted(like), values, strict=True))
    if isinstance(like, tuple | list):
        return type(like)(*values) if hasattr(like, "_fields") else type(like)(values)
    return values[0]


def held_same(one: Any, other: Any, rule: str = "fwd") -> None:
    """A failure where the value that a rule (`fwd`, or that for tangents) returns is not that of
    the function, which a trace has to see."""
    if isinstance(one, Holder) or isinstance(other, Holder):
        one, other = plain(one), plain(other)
        if isinstance(one, Tracer) and isinstance(other, Tracer):
            system = one.session.builder.build()
            if one.operand.name == other.operand.name or same_equations(
                    system, system, [(one.operand.name, other.operand.name)], later=False):
                return
        fail(f"{rule} computes its output otherwise than the function, and whether the two are "
             f"equal is not proved; let {rule} call the function")
    if np.shape(one) != np.shape(other) or not _is_close(np.asarray(one), np.asarray(other)):
        raise LayerError(f"{rule} returns another value than the function itself, so that "
                         f"jax.value_and_grad gives another value; let {rule} call the function")


def _is_close(one: Any, other: Any) -> bool:
    """Whether two values are equal up to the rounding of the precision that they have."""
    finfo, issub = sys.modules["jax.numpy"].finfo, sys.modules["jax.numpy"].issubdtype
    eps = max((float(finfo(x.dtype).eps) for x in (one, other)
               if issub(x.dtype, np.floating)), default=0.0)
    one, other = (x if x.dtype.kind == "c" else x.astype(float) for x in (one, other))
    largest = float(np.max(np.abs(one), initial=0.0, where=np.isfinite(one)))
    return np.allclose(one, other, rtol=max(1e-6, 64 * eps), equal_nan=True,
                       atol=1e-9 if eps < 1e-9 else 64 * eps * largest)


def of_custom_vjp(source: Any, given: Sequence[str]) -> type[Any]:
    """A class whose objects run the function and then its rule.

    given: the names of the inputs.  LayerError for one without a rule.
    """
    title = source.fun.__name__
    if source.fwd is None or source.bwd is None:
        raise LayerError(f"{title}: expected a custom_vjp function with a rule, as by "
                         f"{title}.defvjp(fwd, bwd)")
    signature, names, static = named(title, source, given)
    entering = _Perturbed if source.symbolic_zeros else _itself

    def forward(self: Any, /, **arguments: Any) -> Any:
        bound = signature.bind(**arguments)
        bound.apply_defaults()
        return self._first(bound.arguments)

    def backward(self: Any, /, *cotangents: Any) -> Any:
        return self._second(cotangents)

    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first, *signature.parameters.values()])
    return type(title, (), {
        **own(_Rule), "forward": forward, "backward": backward, "names": names, "static": static,
        "primal": staticmethod(source.fun), "ahead": staticmethod(source.fwd),
        "behind": staticmethod(source.bwd), "entering": staticmethod(entering),
        "__module__": source.fun.__module__})


def named(
    title: str, source: Any, given: Sequence[str]
) -> tuple[inspect.Signature, tuple[str, ...], tuple[str, ...]]:
    """The signature of a function by keywords, its names in order, and those that are not
    differentiated by; of any number, those inputs that are no parameters, as they were given.

    LayerError for one that takes any keywords.
    """
    parameters = list(inspect.signature(source.fun).parameters.values())
    known, made = {one.name for one in parameters}, list[inspect.Parameter]()
    for one in parameters:
        if one.kind is one.VAR_KEYWORD or (one.kind is one.VAR_POSITIONAL and one.name in given):
            raise LayerError(f"{title} takes {one!s}: expected a name for each of them, as in "
                             'a="m n", b="m n"')
        if one.kind is one.VAR_POSITIONAL:
            made += [inspect.Parameter(name, one.KEYWORD_ONLY) for name in given
                     if name not in known]
        else:
            made.append(one.replace(kind=one.KEYWORD_ONLY))
    names = tuple(one.name for one in made)
    static = tuple(names[place] for place in sorted(source.nondiff_argnums))
    return inspect.Signature(made), names, static


class _Perturbed:
    """What `fwd` is handed for an input where a rule asks for symbolic zeros."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.perturbed = True


def _itself(value: Any) -> Any:
    return value


def due(
    returned: Any, names: tuple[str, ...], static: tuple[str, ...], real: Mapping[str, Any]
) -> dict[str, Any]:
    """Gradients by parameter; None is zero, as JAX has it, for the arrays `real`.

    LayerError where there are more or fewer, as JAX says too.
    """
    wanted = [name for name in names if name not in static]
    if not isinstance(returned, tuple | list) or len(returned) != len(wanted):
        have = f"{len(returned)} gradients" if isinstance(returned, tuple | list) else "no tuple"
        raise LayerError(f"bwd returns {have}, expected a tuple of {len(wanted)}, one for each "
                         f"of {', '.join(wanted)}")
    return {name: real[name] * 0.0 if value is None else value
            for name, value in zip(wanted, returned, strict=True)
            if value is not None or name in real}
