"""A PyTorch module with its loss as equations."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import sympy as sp

from gradproof.checks.inputs import leaves
from gradproof.checks.networks.fitting import fitted, torch_call, with_numbers
from gradproof.derivations.declare import Array
from gradproof.modules.derived import ProgramDerivation, derivation_of, held
from gradproof.modules.naming import Named, named, owners
from gradproof.symbolic.equation import Array as Declared
from gradproof.symbolic.equation import size_names
from gradproof.symbolic.tracing.run import trace
from gradproof.symbolic.tracing.torch.networks import Plan, run_network


def is_module(source: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.nn.Module)


def derive_module(
    module: Any, shapes: Mapping[str, Any], *, loss: Any = None,
    wrt: Iterable[str] | None = None, names: Mapping[str, str] | None = None, rows: bool = True,
) -> ProgramDerivation:
    """The derivation of a module for inputs of the given shapes.

    loss: a function or a module, of the module's outputs and of further inputs by name.
    wrt: names of parameters and inputs; by default the parameters that require a gradient, and the
        inputs of floats where there is no loss.
    names: by path, what parameters are called.

    TraceError for what cannot be traced, ValueError for inputs that do not fit.
    """
    asked, title = dict(names or {}), type(module).__name__
    _held_plain(module, title)
    found = _names(module, shapes, asked)
    own = {one.name for one in found}
    inputs = {name: _declared(spec) for name, spec in shapes.items() if name not in own}
    parameters = _parameters(found, {name: shapes[name] for name in own & set(shapes)})
    given, beside = _bound(module, loss, list(inputs))
    plan = Plan({one.name: id(one.tensor) for one in found},
                {id(owner.module): owner.mark for owner in owners(module)},
                given, beside, loss is None or _left(loss, beside) != 1)
    numbers = [int(size) for one in found for size in one.tensor.shape]
    fixed = fitted(torch_call(module, loss, plan), inputs, numbers,
                   set(map(str, size_names(array.shape for array in parameters.values()))), title)
    inputs = {name: with_numbers(spec, fixed) for name, spec in inputs.items()}
    traced = trace(partial(run_network, plan, module, loss), {**inputs, **parameters})
    held(traced, title, found)
    by_path = {one.path: one.name for one in found}
    wrt = None if wrt is None else [by_path.get(name, name) for name in wrt]
    return derivation_of(traced, found, wrt, rows, title=title, is_module=True,
                         has_loss=loss is not None, fixed=fixed)


def _held_plain(module: Any, title: str) -> None:
    """ValueError for parameters without values yet, or whose gradient is another one than that of
    the formulas."""
    lazy = sys.modules["torch"].nn.parameter.is_lazy
    for path, one in [*module.named_parameters(), *module.named_buffers()]:
        if lazy(one):
            raise ValueError(f"{title}: {path} has no shape yet; call the module once on an input, "
                             "which gives its lazy modules their shapes")
        if one._backward_hooks or getattr(one, "_post_accumulate_grad_hooks", None):
            raise ValueError(f"{title}: {path} has a hook on its gradient, and what hooks do is "
                             "not traced; remove it")


def _names(module: Any, shapes: Mapping[str, Any], asked: Mapping[str, str]) -> list[Named]:
    """The parameters and buffers: an input takes a name first, but where the name is that of a
    parameter, whose shape is given by it."""
    places = {name for name, one in inspect.signature(module.forward).parameters.items()}
    alone = {one.name for one in named(module, (), asked)}
    taken = [name for name in shapes if name in places or name not in alone]
    sizes = size_names(one.shape for name in taken for one in leaves(_declared(shapes[name])))
    return named(module, [*taken, *map(str, sizes)], asked)


def _left(loss: Any, beside: Mapping[str, str]) -> int:
    """How many outputs of the module a loss takes."""
    return sum(needed and name not in beside for name, needed in _places_of(loss).items())


def _declared(spec: Any) -> Any:
    if isinstance(spec, str):
        return Array(spec)
    if isinstance(spec, Mapping):
        return {key: _declared(one) for key, one in spec.items()}
    if isinstance(spec, list | tuple):
        return type(spec)(map(_declared, spec))
    if isinstance(spec, Declared):
        return spec
    raise ValueError(f"derive: expected the shape of an input, such as \"m n\", got {spec!r:.60}")


def _parameters(found: Sequence[Named], stated: Mapping[str, Any]) -> dict[str, Declared]:
    """The arrays of the module, each of its own shape, or of the one that the user states."""
    made = {}
    for one in found:
        shape = tuple(map(sp.Integer, one.tensor.shape))
        array = Declared(one.name, shape)
        if one.name in stated:
            array = replace(_declared(stated[one.name]), name=one.name)
            if len(array.shape) != len(shape):
                raise ValueError(f"{one.name}: expected {len(shape)} sizes, as {one.path} has the "
                                 f"shape {tuple(one.tensor.shape)}, got {stated[one.name]!r}")
        made[one.name] = array
    return made


# --- which input goes where ---------------------------------------------------------------------


def _bound(
    module: Any, loss: Any, inputs: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """By parameter of forward, and of the loss, the input that it is handed."""
    left = list(inputs)
    places = _places(module.forward)
    given = {name: name for name in places if name in left}
    left = [name for name in left if name not in given]
    beside: dict[str, str] = {}
    if loss is not None:
        beside = {name: name for name in list(_places_of(loss))[1:] if name in left}
        left = [name for name in left if name not in beside]
    missing = [name for name, needed in places.items() if needed and name not in given]
    given |= dict(zip(missing, left, strict=False))
    left, missing = left[len(missing):], missing[len(left):]
    title = type(module).__name__
    if missing:
        raise ValueError(f"{title} needs an input for {missing[0]!r} of its forward: give its "
                         f"shape, as in {missing[0]}=\"m n\"")
    if left:
        raise ValueError(f"{title}: {left[0]!r} is no input of its forward ({', '.join(places)})"
                         + ("" if loss is None else ", or of the loss"))
    return given, beside


def _places_of(loss: Any) -> dict[str, bool]:
    return _places(loss.forward if is_module(loss) else loss)


def _places(function: Callable[..., Any]) -> dict[str, bool]:
    """The parameters of a function, and whether each has to be given."""
    return {name: one.default is one.empty
            for name, one in inspect.signature(function).parameters.items()
            if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
