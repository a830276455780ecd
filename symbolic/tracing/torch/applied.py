"""``F.apply(...)`` in traced code: an autograd function by its values, and a record of the call.

What its backward pass makes of an upstream gradient is no value: who asks for gradients of a
program that applies one has to ask for its rule, too (:attr:`Trace.applied`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...equation import Size
from ..session import needed_for
from ..source import SESSION
from ..tracer import Tracer
from .tensor import Numpy, Tensor


@dataclass(frozen=True)
class Given:
    """An array that a function was applied to: its shape, its kind ("float", "int", "bool"), and
    the inputs of the trace that it is computed of; itself one where `name` says which."""

    shape: tuple[Size, ...]
    kind: str
    inputs: frozenset[str]
    name: str = ""


@dataclass(frozen=True)
class Applied:
    """A call of an autograd function; arguments: a :class:`Given`, or what is no array, each."""

    function: type
    arguments: tuple[Any, ...]


class Context:
    """What a forward pass saves, which nothing here reads again."""

    def __init__(self, inputs: tuple[Any, ...]) -> None:
        self.needs_input_grad = tuple(
            isinstance(one, Tensor) and isinstance(one.value, Tracer) and one.value.kind == "float"
            for one in inputs)
        self.saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        self.saved_tensors = tensors

    save_for_forward = save_for_backward

    def mark_non_differentiable(self, *tensors: Any) -> None:
        for one in tensors:
            if isinstance(one, Tensor) and isinstance(one.value, Tracer) and (
                    one.value.kind == "float"):
                Numpy(SESSION.get()).stops("an output is marked as not differentiable")

    def mark_dirty(self, *tensors: Any) -> None:
        """Says nothing of values."""

    set_materialize_grads = mark_dirty


def apply_of(function: type) -> Any:
    """The method `apply` of the copy of an autograd function for traced code."""

    def apply(cls: Any, *arguments: Any) -> Any:
        session = SESSION.get()
        session.applied.append(Applied(function, tuple(map(_given, arguments))))
        context = Context(arguments)
        if not hasattr(cls, "setup_context"):
            return cls.forward(context, *arguments)
        made = cls.forward(*arguments)
        cls.setup_context(context, arguments, made)
        return made

    return classmethod(apply)


def _given(value: Any) -> Any:
    traced = value.value if isinstance(value, Tensor) else None
    if not isinstance(traced, Tracer):
        return value
    name, session = traced.operand.name, SESSION.get()
    needed = needed_for({name}, session.builder.equations)
    read = {name, *(one.array for equation in needed for one in equation.reads)}
    inputs = frozenset(read & {array.name for array in session.builder.inputs})
    return Given(tuple(traced.operand.shape), traced.kind, inputs, name if name in inputs else "")


