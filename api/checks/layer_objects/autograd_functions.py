"""PyTorch's functions with a backward pass of their own, as objects with two passes.

A subclass of torch.autograd.Function, and an operator that `register_autograd` gave one.  What
PyTorch does around the passes is done here: which outputs have a gradient, and what backward is
handed for those that have none.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gradproof.checks.layer_objects.contexts import Context, own
from gradproof.checks.layer_objects.frameworks import TORCH
from gradproof.checks.returned import LayerError
from gradproof.symbolic.tracing.masked import Masked
from gradproof.symbolic.tracing.session import Holder
from gradproof.symbolic.tracing.tracer import Tracer


def is_autograd_function(source: Any) -> bool:
    """Whether it is a subclass of torch.autograd.Function."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, type) and issubclass(
        source, torch.autograd.Function)


def no_module(source: Any) -> None:
    """LayerError for a torch.nn.Module that is not handed over by itself."""
    torch = sys.modules.get("torch")
    cls = source if isinstance(source, type) else type(source)
    if torch is not None and hasattr(torch, "nn") and issubclass(cls, torch.nn.Module):
        raise LayerError(f"{cls.__name__} is a class of torch.nn.Modules: hand over one of them, "
                         f"{cls.__name__}(...), alone; a reference= is for the autograd function "
                         "that its forward applies")


def custom_op_of(source: Any) -> Any:
    """The operator that torch.library.custom_op made, also by its name in torch.ops; else None."""
    made = sys.modules.get("torch._library.custom_ops")
    if made is None or isinstance(source, made.CustomOpDef):
        return source if made is not None else None
    name = getattr(source, "_qualified_op_name", None)  # of torch.ops.space.name
    found = getattr(source, "_schema", None)
    if isinstance(found, sys.modules["torch"].FunctionSchema):  # of torch.ops.space.name.default
        name = found.name
    return made.OPDEFS.get(name) if isinstance(name, str) else None


class _OwnContext:
    """The context of an autograd function."""

    arrays = TORCH
    is_once = False
    """Whether backward is not to be differentiated."""

    def __init__(self) -> None:
        self.saved_tensors: tuple[Any, ...] = ()
        self.needs_input_grad = (True,) * 64
        self.materialize_grads = True
        self.made: tuple[Any, ...] = ()
        self._without: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self.changed: tuple[str, ...] = ()
        self._versions: list[int] = []
        self.writes_what_it_saved = False
        self.keeps_others = False

    def save_for_backward(self, *arrays: Any) -> None:
        torch = sys.modules["torch"]
        for one in arrays:
            if one is not None and not isinstance(one, Holder | torch.Tensor):
                raise TypeError("save_for_backward can only save variables, but argument is of "
                                f"type {type(one).__name__}")
        self.saved_tensors = arrays
        self._versions = [getattr(one, "_version", 0) for one in arrays]

    save_for_forward = save_for_backward

    def set_materialize_grads(self, value: bool) -> None:
        self.materialize_grads = value

    def mark_non_differentiable(self, *arrays: Any) -> None:
        self._without = arrays

    def mark_dirty(self, *arrays: Any) -> None:
        self._dirty = arrays

    # What PyTorch does around the passes.

    def finished(self, returned: Any, arguments: dict[str, Any]) -> tuple[Any, ...]:
        """The outputs that have a gradient, of what forward returned.

        Remembers the others, and which inputs it said that it changes.  LayerError for none.
        """
        self.made = tuple(returned) if isinstance(returned, tuple | list) else (returned,)
        self.changed = tuple(name for name, value in arguments.items()
                             if any(value is one for one in self._dirty))
        self.writes_what_it_saved = any(
            getattr(one, "_version", 0) != version and not any(one is out for out in self._dirty)
            for one, version in zip(self.saved_tensors, self._versions, strict=True))
        self.keeps_others = any(
            self._has_gradient(one) and not any(
                one is other for other in (*arguments.values(), *self.made))
            for one in self._saved())
        kept = tuple(one for one in self.made if self._has_gradient(one))
        if not kept:
            raise LayerError("forward returns no output that has a gradient; expected a tensor of "
                             "floats that is not marked as not differentiable")
        return kept

    def _saved(self) -> Iterator[Any]:
        """What was saved, also as an attribute, or in a list of them."""
        yield from self.saved_tensors
        for name, value in vars(self).items():
            if name not in _OWN:
                yield from value if isinstance(value, tuple | list) else [value]

    def _has_gradient(self, value: Any) -> bool:
        if any(value is one for one in self._without):
            return False
        traced = value.value if isinstance(value, Holder) else value
        if isinstance(traced, Tracer | Masked):
            return traced.kind == "float"
        return isinstance(value, sys.modules["torch"].Tensor) and (
            value.is_floating_point() or value.is_complex())

    def filled(self, cotangents: Sequence[Any]) -> list[Any]:
        """What backward is handed for each of the outputs: zeros, or None, for one that has no
        gradient."""
        there = iter(cotangents)
        return [next(there) if self._has_gradient(one) else self._nothing_for(one)
                for one in self.made]

    def _nothing_for(self, output: Any) -> Any:
        if not self.materialize_grads or not hasattr(output, "new_zeros"):
            return None
        return output.new_zeros(tuple(output.shape))


_OWN = frozenset(vars(_OwnContext()))
"""What a context has before a function saves anything."""


def of_autograd_function(source: Any, given: Sequence[str], fixed: Sequence[str]) -> type[Any]:
    """A class whose objects are contexts and whose methods are the function's two passes.

    given, fixed: the names of inputs and of constants.  LayerError for one that has no passes of
    its own.
    """
    found, as_written = {}, {}
    for name in ("forward", "backward", "setup_context", "vjp"):
        for owner in source.__mro__:
            if owner.__module__.split(".")[0] != "torch" and name in vars(owner):
                as_written[name] = vars(owner)[name]
                found[name] = _plain(as_written[name])
                break
    behind = found.get("backward") or found.get("vjp")
    if "forward" not in found or behind is None:
        raise LayerError(f"{source.__name__}: expected an autograd function with a forward and a "
                         f"backward of its own, and it has {', '.join(found) or 'neither'}")
    made = _passes(source.__name__, source.__module__, found["forward"], behind,
                   found.get("setup_context"), given, fixed)
    plain = as_written.get("backward") or as_written["vjp"]
    made.is_once = getattr(plain, "__func__", plain) is not behind
    return made


def of_custom_op(source: Any, given: Sequence[str], fixed: Sequence[str]) -> type[Any]:
    """The same of an operator.  LayerError for one without a backward pass."""
    title = source._init_fn.__name__
    if source._backward_fn is None:
        raise LayerError(f"{title}: expected an operator with a backward pass, as by "
                         f"{title}.register_autograd(backward, setup_context=...)")
    return _passes(title, source._init_fn.__module__, source._init_fn, source._backward_fn,
                   source._setup_context_fn or _saves_nothing, given, fixed)


def _saves_nothing(ctx: Any, inputs: Any, output: Any) -> None:
    """The setup_context of an operator that has none."""


def _passes(
    title: str, module: str, ahead: Callable[..., Any], behind: Callable[..., Any],
    setup: Callable[..., Any] | None, given: Sequence[str], fixed: Sequence[str],
) -> type[Any]:
    """setup: what fills the context after a forward pass that takes none."""
    parameters = list(inspect.signature(ahead).parameters.values())
    names, parameters = _named(title, parameters[setup is None:], given, fixed)
    methods = {"ahead": staticmethod(ahead), "backward": behind,
               "forward": _whole(names, parameters)}
    if setup is not None:
        methods["setup"] = staticmethod(setup)
    return type(title, (), {**own(Context), **own(_OwnContext), **methods, "names": names,
                            "sets_up": setup is not None, "__module__": module})


def _named(
    title: str, parameters: Sequence[inspect.Parameter], given: Sequence[str],
    fixed: Sequence[str],
) -> tuple[tuple[str, ...], list[inspect.Parameter]]:
    """The names of what forward takes, in order, and parameters for them: of any number, those
    inputs that are no parameters, in the order in which they were given.

    LayerError for constants among these, which no order is known of.
    """
    named = {one.name for one in parameters}
    made: list[inspect.Parameter] = []
    for one in parameters:
        if one.kind is not one.VAR_POSITIONAL:
            made.append(one)
            continue
        loose = [name for name in fixed if name not in named]
        if loose:
            raise LayerError(f"{title} takes *{one.name}, and where {', '.join(loose)} stands "
                             "among them is not known; check a function with named parameters that "
                             "calls it")
        if one.name in given:
            raise LayerError(f"{title} takes *{one.name}: expected a name for each of them, as in "
                             'a="m n", b="m n"')
        made += [one.replace(name=name, kind=one.POSITIONAL_OR_KEYWORD)
                 for name in given if name not in named]
    return tuple(one.name for one in made if one.kind is not one.VAR_KEYWORD), made


def _plain(method: Any) -> Any:
    """The user's function, without the decorators that PyTorch has for it."""
    function = method.__func__ if isinstance(method, staticmethod | classmethod) else method
    while function.__globals__["__name__"].split(".")[0] == "torch" and hasattr(
            function, "__wrapped__"):  # functools.wraps gives a wrapper the module of the wrapped
        function = function.__wrapped__
    return function


def _whole(names: Sequence[str], parameters: Sequence[inspect.Parameter]) -> Callable[..., Any]:
    """A forward pass that also fills the context, as PyTorch calls the two, and returns the outputs
    that have a gradient."""
    given = [one.replace(kind=one.KEYWORD_ONLY) for one in parameters]
    signature = inspect.Signature(given)

    def forward(self: Any, /, **arguments: Any) -> Any:
        bound = signature.bind(**arguments)
        bound.apply_defaults()
        inputs = tuple(bound.arguments[name] for name in names)
        if not self.sets_up:
            return self.finished(self.ahead(self, *inputs), bound.arguments)
        output = self.ahead(*inputs)
        self.setup(self, inputs, output)
        return self.finished(output, bound.arguments)

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    forward.__signature__ = inspect.Signature([own, *given])  # type: ignore[attr-defined]
    return forward
