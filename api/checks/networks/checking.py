"""`gp.check_layer` of a torch.nn.Module around autograd functions.

PyTorch makes the module's gradients of the backward passes of these functions and of its own.  So
the numbers are those of the whole, by inputs and parameters, against the derivative of its values;
and the proof is that of each function, for the shapes that it is applied to.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.circumstances.applied import quietly
from gradproof.checks.functions import Pair
from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import Inputs, leaves, takes
from gradproof.checks.networks.fitting import fitted, torch_call, with_numbers
from gradproof.checks.networks.sides import Side
from gradproof.checks.networks.values import converted, differentiable, nested, weighed_sum
from gradproof.checks.results import ORDER, Check, CheckResult, within
from gradproof.checks.returned import Asked, Keyed, LayerError
from gradproof.checks.subject import Declared, Values
from gradproof.limits.calls import called
from gradproof.symbolic.equation import Array, Kind, fresh_name, size_names, size_symbol
from gradproof.symbolic.tracing.run import Trace, TraceError, trace
from gradproof.symbolic.tracing.torch.applied import Applied, Given
from gradproof.symbolic.tracing.torch.networks import Plan, run_network

CheckLayer = Callable[..., CheckResult]
AROUND = "PyTorch's own derivatives of what the module does around its functions"


def check_module(
    module: Any, taken: Inputs, constants: Mapping[str, Any], wrt: Sequence[str] | None, seed: int,
    time_limit: float, check_layer: CheckLayer,
) -> CheckResult:
    """The check of a module's gradients by its inputs and its parameters, these by their paths.

    check_layer: checks one function; time_limit: in seconds, for all.  ValueError for inputs that
    do not fit, LayerError for a module that applies no function with a backward pass of its own.
    """
    names = tuple(wrt or [array.name for array in taken.arrays])
    with _one_thread():
        return within(time_limit, names, lambda: _checked(
            _Module.of(module, taken, constants), wrt, seed, check_layer))


@contextmanager
def _one_thread() -> Iterator[None]:
    """A thousand calls on small arrays wait for one another's threads on a busy machine."""
    torch = sys.modules["torch"]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _checked(
    made: _Module, wrt: Sequence[str] | None, seed: int, check_layer: CheckLayer
) -> CheckResult:
    traced = _attempted(partial(made.traced, loss=differentiable), made.declared)
    if isinstance(traced, Trace) and not traced.applied:
        raise LayerError(f"{made.title} is a torch.nn.Module that applies no function with a "
                         "backward pass of its own: its gradients are PyTorch's; gp.derive takes "
                         "modules")
    if isinstance(traced, Trace) and not traced.results:
        raise LayerError(f"{made.title} returns no real numbers, and what it returns has no "
                         "gradient")
    names = made.asked(wrt)
    judged = made.judged(names, traced if isinstance(traced, Trace) else None, seed)
    if not isinstance(traced, Trace):
        return made.told(replace(judged, checks=tuple(
            replace(one, reason=one.reason or f"{made.title} is not traced: {traced}")
            for one in judged)))
    ruled = [_Ruled.of(one, made, check_layer) for one in _each_once(traced.applied)]
    found = replace(judged, checks=tuple(
        _weighed(one, [rule for rule in ruled if rule is not None], traced, made)
        for one in judged))
    return made.told(_explained(found, [rule for rule in ruled if rule is not None]))


def _attempted(call: Callable[[Declared], Trace], declared: Declared) -> Trace | str:
    """A trace, or why there is none."""
    try:
        return called(partial(call, declared))
    except TraceError as error:
        return str(error)


@dataclass(frozen=True)
class _Module:
    """A module, in double precision, and what it is handed.

    declared: its inputs and then its parameters and buffers, by names that are Python's.
    paths: what these are called in the module.  hooks: what PyTorch calls with the gradient of a
    parameter, and takes another one from.
    """

    title: str
    original: Any
    module: Any
    inputs: tuple[str, ...]
    declared: dict[str, Any]
    paths: Mapping[str, str]
    trained: frozenset[str]
    constants: Mapping[str, Any]
    fixed: tuple[str, ...]
    hooks: Mapping[str, Sequence[Callable[[Any], Any]]]

    @classmethod
    def of(cls, module: Any, taken: Inputs, constants: Mapping[str, Any]) -> _Module:
        title = type(module).__name__
        takes(f"{title}.forward", module.forward, {**taken.given, **constants})
        try:
            own = copy.deepcopy(module).double()
        except Exception as error:
            raise LayerError(f"{title} cannot be copied: {error}") from error
        kept = {**dict(module.named_parameters()), **{
            path: one for path, one in module.named_buffers() if one.is_floating_point()}}
        sizes = {str(size) for spec in taken.declared.values()
                 for size in size_names(one.shape for one in leaves(spec))}
        used, paths = {*taken.given, *sizes}, dict[str, str]()
        for path in kept:
            name = fresh_name(path.replace(".", "_"), used)
            used.add(name)
            paths[name] = path
        plan = Plan(given={name: name for name in taken.given}, constants=constants)
        fixed = fitted(torch_call(module, None, plan), taken.declared,
                       [int(size) for one in kept.values() for size in one.shape], set(), title)
        declared = {name: with_numbers(spec, fixed) for name, spec in taken.declared.items()}
        for name, path in paths.items():
            kind: Kind = "positive" if path.endswith("running_var") else "real"
            declared[name] = Array(name, tuple(map(sp.Integer, kept[path].shape)), kind)
        trained = {name for name, path in paths.items() if kept[path].requires_grad}
        hooks = {name: [*(kept[path]._backward_hooks or {}).values()]
                 for name, path in paths.items()}
        return cls(title, module, own, tuple(taken.given), declared, paths, frozenset(trained),
                   constants, tuple(f"{name} = {number}, as the parameters have it"
                                    for name, number in fixed.items()), hooks)

    def asked(self, wrt: Sequence[str] | None) -> tuple[str, ...]:
        """What to check by: real inputs and trained parameters; ValueError for another."""
        real = [one.name for name in self.inputs for one in leaves(self.declared[name])
                if not one.is_integer and not one.truths and one.kind != "constant"]
        known = {name: name for name in real} | {
            self.paths[name]: name for name in self.paths if name in self.trained}
        for name in wrt or ():
            if name not in known:
                raise ValueError(f"wrt: {name!r} is no input or trained parameter; expected some "
                                 f"of {', '.join(known)}")
        return tuple(known[name] for name in (wrt or known))

    def hooked(self, name: str) -> str:
        """That the gradient of a parameter goes through code that is not traced, if it does."""
        return f"its gradient goes through a hook of {self.paths[name]}" if (
            self.hooks.get(name)) else ""

    def traced(self, declared: Declared, loss: Any = None, beside: Sequence[str] = ()) -> Trace:
        tensors = {**dict(self.original.named_parameters()),
                   **dict(self.original.named_buffers())}
        plan = Plan({name: id(tensors[path]) for name, path in self.paths.items()}, {},
                    {name: name for name in self.inputs}, {name: name for name in beside},
                    constants=self.constants)
        return trace(partial(run_network, plan, self.original, loss), declared)

    def judged(self, names: Sequence[str], traced: Trace | None, seed: int) -> CheckResult:
        """PyTorch's gradients of the module, against the derivative of its values."""
        declared, bars = dict(self.declared), tuple[str, ...]()
        if traced is not None:
            shapes = [traced.system.shapes[name] for name in traced.results.values()]
            bars = tuple(fresh_name(f"dout{place}", declared) for place in range(len(shapes)))
            declared |= {name: Array(name, shape, "constant")
                         for name, shape in zip(bars, shapes, strict=True)}
        taken = Inputs.of(declared)
        loss = Side(partial(self._loss, bars),
                     partial(self.traced, loss=weighed_sum, beside=bars))
        gradient = Side(partial(self._gradient, bars, tuple(names)), None)
        asked = Asked(tuple(names), tuple(one.name for one in taken.arrays))
        pair = Pair(loss, asked, Keyed(), General(taken, varied=tuple(names)), seed)
        return pair.judged(gradient, 0)

    def _run(self, bars: Sequence[str], values: Values, needed: Sequence[str]) -> tuple[Any, Any]:
        """The weighed sum of the outputs, and the tensors that ask for a gradient."""
        torch = sys.modules["torch"]
        tensors = {}
        drawn = [np.asarray(value) for value in values.values()]
        kind = complex if any(np.iscomplexobj(one) for one in drawn) else float
        for name in self.declared:
            for one in leaves(self.declared[name]):
                made = torch.from_numpy(converted(kind, values[one.name]))
                tensors[one.name] = made.requires_grad_(
                    one.name in self.trained if name in self.paths
                    else made.is_floating_point() or made.is_complex())
                for hook in self.hooks.get(one.name, ()) if one.name in needed else ():
                    made.register_hook(hook)
        given = {name: one.clone() for name, one in tensors.items()}  # changed in place, perhaps
        handed = inspect.signature(self.module.forward).bind(**{
            name: nested(self.declared[name], given) for name in self.inputs}, **self.constants)
        # by place where that can be: a module's hooks see these alone
        made = torch.func.functional_call(
            self.module, {path: tensors[name] for name, path in self.paths.items()}, handed.args,
            handed.kwargs)
        outputs = differentiable(made)
        weights = [torch.from_numpy(converted(kind, values[name])) for name in bars] or [
            torch.from_numpy(np.random.default_rng(place).normal(size=tuple(one.shape)))
            for place, one in enumerate(outputs)]
        total = sum((one * weight).sum() for one, weight in zip(outputs, weights, strict=True))
        return total, [tensors[name] for name in needed]

    def _loss(self, bars: Sequence[str], values: Values) -> Any:
        with quietly():  # with gradients: forward may put hooks on tensors
            return self._run(bars, values, ())[0].detach().numpy()

    def _gradient(self, bars: Sequence[str], names: Sequence[str], values: Values) -> Any:
        torch = sys.modules["torch"]
        with quietly():
            total, tensors = self._run(bars, values, names)
            found = torch.autograd.grad(total, tensors, allow_unused=True) if (
                total.requires_grad) else [None] * len(tensors)
            return {name: np.zeros(tuple(one.shape)) if by is None else by.detach().numpy()
                    for name, one, by in zip(names, tensors, found, strict=True)}

    def told(self, result: CheckResult) -> CheckResult:
        """With parameters by their paths; that PyTorch has no complex numbers for a function says
        nothing of the gradient."""
        return replace(result, checks=tuple(replace(
            one, name=self.paths.get(one.name, one.name), notes=(*(
                note for note in one.notes if "complex arrays" not in note), *(
                [self.hooked(one.name)] if self.hooked(one.name) and one.verdict == "refuted"
                else [])),
            assumptions=(*one.assumptions, *(self.fixed if one.verdict == "proved" else ())))
            for one in result))


# --- the functions that it applies ----------------------------------------------------------------


@dataclass(frozen=True)
class _Ruled:
    """A function with what is known of its backward pass.

    through: by parameter, the inputs of the module that its array is computed of.
    why: what keeps it from being checked, where there is no result.
    """

    title: str
    through: Mapping[str, frozenset[str]]
    result: CheckResult | None
    why: str = ""

    @classmethod
    def of(cls, call: Applied, module: _Module, check_layer: CheckLayer) -> _Ruled | None:
        """None where no gradient goes through the call."""
        names = _parameters(call)
        given = {name: one for name, one in zip(names, call.arguments, strict=False)
                 if isinstance(one, Given)}
        asking = {*module.trained, *(one for name in module.inputs for one in [
            leaf.name for leaf in leaves(module.declared[name])])}
        through = {name: one.inputs for name, one in given.items()
                   if one.kind == "float" and one.inputs & asking}
        if not through:
            return None
        title = call.function.__name__
        constants = {name: one for name, one in zip(names, call.arguments, strict=False)
                     if name not in given}
        letters: dict[Any, str] = {}
        arrays = {name: _declared(name, one, module, letters) for name, one in given.items()}
        try:
            result = check_layer(call.function, inputs=arrays, constants=constants,
                                 wrt=list(through))
        except ValueError as error:
            return cls(title, through, None, f"{title} is not checked: {error}")
        return cls(title, through, result)

    def of_name(self, name: str) -> list[Check | None]:
        """What is known of the gradients through which that by a name goes; None for nothing."""
        due = [parameter for parameter, inputs in self.through.items() if name in inputs]
        if self.result is None:
            return [None] * len(due)
        found = {check.name: check for check in self.result}
        return [found.get(parameter) for parameter in due]


def _each_once(calls: Sequence[Applied]) -> list[Applied]:
    found: dict[str, Applied] = {}
    for call in calls:
        found.setdefault(f"{id(call.function)} {call.arguments!r}", call)
    return list(found.values())


def _parameters(call: Applied) -> list[str]:
    """What the arguments of apply are called: the parameters of forward, without its context."""
    torch = sys.modules["torch"]
    own = call.function.setup_context is not torch.autograd.Function.setup_context  # type: ignore[attr-defined]
    parameters = list(inspect.signature(call.function.forward).parameters.values())  # type: ignore[attr-defined]
    names: list[str] = []
    for one in parameters[not own:]:
        if one.kind is one.VAR_POSITIONAL:
            rest = len(call.arguments) - len(names)
            names += [f"{one.name}{place}" for place in range(rest)]
        elif one.kind is not one.VAR_KEYWORD:
            names.append(one.name)
    return names


def _declared(name: str, given: Given, module: _Module, letters: dict[Any, str]) -> Array:
    """An argument as an input of a check; a size that is no letter is one of its own."""
    def size(one: Any) -> Any:
        if one.is_Integer or one.is_Symbol:
            return one
        return size_symbol(letters.setdefault(one, f"s{len(letters) + 1}"))

    shape = tuple(size(one) for one in given.shape)
    known = {leaf.name: leaf for spec in module.declared.values() for leaf in leaves(spec)}
    if given.name in known:
        return replace(known[given.name], name=name, shape=shape)
    if given.kind == "bool":
        return Array(name, shape, "mask", truths=True)
    return Array(name, shape, "integer" if given.kind == "int" else "real")


def _weighed(
    check: Check, ruled: Sequence[_Ruled], traced: Trace, module: _Module
) -> Check:
    """What is known of one gradient of the whole, by what is known of the functions in it."""
    through = [(rule, one) for rule in ruled for one in rule.of_name(check.name)]
    if check.verdict == "refuted":
        return check
    held = [one for _, one in through if one is not None]
    wrong = next(((rule, one) for rule, one in through
                  if one is not None and one.verdict == "refuted"), None)
    if wrong is not None:
        said = wrong[1].reason.splitlines()[0] if wrong[1].reason else wrong[1].diagnosis
        return replace(check, verdict="undecided", scope="", reason=(
            f"the numbers of the whole agree, and {wrong[0].title} alone is refuted by "
            f"{wrong[1].name}: {said}"))
    if check.verdict != "agrees":
        return check
    why = module.hooked(check.name) or _doubt(
        [rule.why for rule, one in through if one is None], held, traced, module)
    if why is not None:
        return replace(check, reason=why)
    return _proved(check, held, dict.fromkeys(rule.title for rule, _ in through), traced, module)


def _doubt(
    whys: Sequence[str], held: Sequence[Check], traced: Trace, module: _Module
) -> str | None:
    """What keeps a gradient of the whole from being proved; None where nothing does."""
    stops = (*traced.stops, *(f"{module.title} changes {name} in place" for name in traced.mutated))
    if whys or stops:
        return (*whys, *stops)[0]
    weak = next((one for one in held if one.verdict != "proved"), None)
    return None if weak is None else (
        f"by {weak.name} of a function that it applies: {weak.reason}")


def _proved(
    check: Check, held: Sequence[Check], rules: Mapping[str, None], traced: Trace, module: _Module
) -> Check:
    """A gradient of the whole that is proved, by the functions that it goes through."""
    letters = list(dict.fromkeys(
        str(size) for name in module.inputs for one in leaves(module.declared[name])
        for part in one.shape for size in sorted(part.free_symbols, key=str)))
    by = f"the backward pass of {', '.join(rules)} is proved" if rules else \
        "its gradient goes through no function with a backward pass of its own"
    assumed = dict.fromkeys((*(text for one in held for text in one.assumptions),
                             *traced.assumptions, AROUND))
    kinks = dict.fromkeys(text for one in held for text in one.kinks)
    return replace(
        check, verdict="proved", reason="", notes=(*check.notes, by),
        scope=f"for all {', '.join(letters)}" if letters else "for all values",
        assumptions=tuple(assumed), kinks=tuple(kinks))


def _explained(result: CheckResult, ruled: Sequence[_Ruled]) -> CheckResult:
    """With the line and the edit of the function that is wrong."""
    wrong = next((rule.result for rule in ruled if rule.result is not None
                  and rule.result.verdict == "refuted"), None)
    weakest = min((check.verdict for check in result), key=ORDER.index)
    if wrong is None or ORDER.index(weakest) >= ORDER.index("agrees"):
        return result
    return replace(result, first_wrong=wrong.first_wrong, place=wrong.place, repair=wrong.repair,
                   unrepaired=wrong.unrepaired)
