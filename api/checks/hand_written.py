"""Hand-written backward passes in files of their own, held against a network spec.

The file is run as the program it is; the function in it that computes gradients is found by name,
and its parameters are bound by name to the network's arrays, to dicts of them, or to forward
values (a cache).
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from gradproof.checks.functions import kinks_listed
from gradproof.checks.judging import judge
from gradproof.checks.measuring import Subject
from gradproof.checks.points import Point, by_parameter, nested, random_points
from gradproof.checks.repair_search import Rerun
from gradproof.checks.results import CheckResult
from gradproof.codegen.compile import compile_system
from gradproof.derivations.derivation import Derivation, values_of
from gradproof.repair.search import SECONDS
from gradproof.symbolic.dependence import ancestors
from gradproof.symbolic.equation import Array, Equation, Item, Recurrence, System
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.substitution import map_reads
from gradproof.symbolic.tracing.run import Trace, trace

NAMES = ("gradient", "gradients", "grad", "grads", "backward", "backward_pass", "backprop",
         "backpropagation", "backward_propagation", "compute_gradients")
PARAMETER_DICTS = ("parameters", "params", "weights", "theta", "model", "p")
CACHES = ("cache", "caches", "forward", "memory", "activations", "values")


class HandError(ValueError):
    """A hand-written file that cannot be used: the file, what was expected, what came."""


def load_function(path: str | Path, name: str | None = None) -> Callable[..., Any]:
    """The gradient function of a Python file, which is run.

    `name` says which; by default the one function whose name is in ``NAMES``, or the only one
    there is.  Raises HandError with the file, and the line where its code fails.
    """
    module = run_file(path)
    own = {
        key: value for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
        and not key.startswith("_")
    }
    if name is not None:
        if name not in own:
            raise HandError(f"{path}: has no function {name!r}; it has {sorted(own)}")
        return own[name]
    found = [own[key] for key in NAMES if key in own]
    if found:
        return found[0]
    if len(own) == 1:
        return next(iter(own.values()))
    raise HandError(f"{path}: expected a function called gradient or backward that returns the "
                    f"gradients; the file has {sorted(own) or 'no function'}")


def run_file(path: str | Path) -> ModuleType:
    """The file's module, run under a name of its own (so that its ``__main__`` part is not)."""
    file = Path(path)
    try:
        source = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HandError(f"{file}: there is no such file; expected a Python file with a gradient "
                        "function") from None
    except (OSError, UnicodeDecodeError) as error:
        raise HandError(f"{file}: cannot be read: {error}") from None
    module = ModuleType(f"gradproof_hand_{file.stem}")
    module.__file__ = str(file)
    # So that messages show the lines of a file that is not imported the usual way.
    linecache.cache[str(file)] = (len(source), None, source.splitlines(True), str(file))
    try:
        exec(compile(source, str(file), "exec"), vars(module))
    except SyntaxError as error:
        raise HandError(f"{file}:{error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        line = error.__traceback__
        number = 0
        while line is not None:
            if line.tb_frame.f_code.co_filename == str(file):
                number = line.tb_lineno
            line = line.tb_next
        raise HandError(f"{file}:{number}: {type(error).__name__} while the file was run: "
                        f"{error}") from error
    return module


@dataclass(frozen=True)
class Binding:
    """Which arrays each parameter of a function takes: a name, or a dict of names."""

    tree: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for inner in self.tree.values():
            for name in inner.values() if isinstance(inner, Mapping) else [inner]:
                found[name] = None
        return tuple(found)


def bind(function: Callable[..., Any], derivation: Derivation, where: str) -> Binding:
    """Parameters by name: X, Y, W1, ..., a dict of the parameters, a cache of forward values.

    Raises HandError for a parameter that is none of these and has no default.
    """
    network = derivation.network
    assert network is not None
    inputs = [array.name for array in derivation.system.inputs]
    forward = [name for name in derivation.forward if name != derivation.chain.loss]
    aliases = {"x": "X", "y": "Y", "t": "Y", "T": "Y", "target": "Y", "targets": "Y",
               "inputs": "X", "labels": "Y", "y_true": "Y"}
    exact = {name: name for name in (*inputs, *forward)}
    lower = {name.lower(): name for name in reversed((*inputs, *forward))}
    last = network.prediction
    aliases.update({"y_hat": last, "y_pred": last, "output": last, "o": last, "AL": last})
    tree: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in exact:
            tree[name] = name
        elif name in PARAMETER_DICTS:
            tree[name] = {key: key for key in network.parameters}
        elif name in CACHES:
            tree[name] = {"X": "X", "A0": "X", **{key: key for key in forward}}
        elif name in aliases:
            tree[name] = aliases[name]
        elif name in lower:
            tree[name] = lower[name]
        elif parameter.default is parameter.empty:
            raise HandError(
                f"{where}: {function.__name__} takes {name!r}, which {network.name!r} "
                f"does not have; expected {', '.join(inputs)}, a forward value "
                f"({', '.join(forward)}), 'parameters' for a dict of weights, or 'cache' for a "
                "dict of forward values"
            )
    return Binding(tree)


def check_network(
    derivation: Derivation, function: Callable[..., Any], where: str = "", seed: int = 0,
    repair_seconds: float = SECONDS,
) -> CheckResult:
    """Holds a hand-written backward pass against a network's or model's derived gradients.

    The loss whose differences are the third witness is the network's own forward pass.  Raises
    HandError when the function's parameters cannot be bound.
    """
    network = derivation.network
    if network is None:
        raise HandError("only a network's or model's backward pass can be checked against a spec")
    where = where or function.__code__.co_filename
    binding = bind(function, derivation, where)
    system = derivation.system
    inputs = list(system.inputs)
    forward_names = [name for name in binding.names if name in derivation.forward]
    cache = compile_system(system, forward_names, derivation.writer.row_vectors)
    loss = derivation.loss_function()

    def bound(made: Callable[..., Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        def gradient_at(values: Mapping[str, Any]) -> dict[str, Any]:
            arrays = dict(values)
            if forward_names:
                found = cache(**{array.name: values[array.name] for array in inputs})
                arrays.update(zip(forward_names, found, strict=True))

            def call(given: Mapping[str, Any]) -> Any:
                return made(**{key: nested(tree, given) for key, tree in binding.tree.items()})

            try:
                returned = call(arrays)
            except (ValueError, IndexError) as error:
                wrong = _column_biases(call, arrays, network)
                if not wrong:
                    raise
                raise HandError(f"{str(error).strip()}; {wrong}") from error
            return by_parameter(returned, network.parameters, f"{where}: {function.__name__}")

        return gradient_at

    points = random_points(_ranged(inputs, network), seed)
    given = values_of(network)
    if {array.name for array in inputs} <= set(given):
        points.append(Point({}, {array.name: given[array.name] for array in inputs}, given=True))

    def judged(made: Callable[..., Any], seconds: float) -> CheckResult:
        hand: Trace | None = None
        reason = ""
        try:
            hand = _traced(made, binding, derivation)
        except ValueError as error:
            reason = f"not traced: {error}"
        subject = Subject(
            system, derivation.chain.of, network.parameters,
            lambda values: loss(**{array.name: values[array.name] for array in inputs}),
            bound(made), hand, reason, loose_units=True, assumed=derivation.assumptions,
            kinks=kinks_listed(derivation.chain),
            rerun=Rerun(made, bound, lambda edited: judged(edited, 0).verdict),
        )
        return judge(subject, points, repair_seconds=seconds)

    return judged(function, repair_seconds)


def _column_biases(
    call: Callable[[Mapping[str, Any]], Any], arrays: Mapping[str, Any], network: Network | Model
) -> str:
    """What to do about a function that works once biases are columns; empty where it does not."""
    biases = {name: arrays[name] for name in network.parameters if np.ndim(arrays[name]) == 1}
    if not biases:
        return ""
    try:
        call({**arrays, **{name: bias[:, None] for name, bias in biases.items()}})
    except Exception:  # whatever it raises, the shape of the biases is not what is wrong
        return ""
    name, bias = next(iter(biases.items()))
    n = len(bias)
    return (f"{name} has shape ({n},) here, and the function works with ({n}, 1): "
            f"write {name}.reshape(-1, 1) where it is added")


def _ranged(inputs: list[Array], network: Network | Model) -> list[Array]:
    """Targets of a binary cross-entropy are drawn between 0 and 1."""
    if not network.loss.startswith("binary"):
        return inputs
    return [replace(a, kind="mask") if a.name == "Y" else a for a in inputs]


def _traced(
    function: Callable[..., Any], binding: Binding, derivation: Derivation
) -> Trace:
    """The hand-written function's equations behind the forward equations whose values it takes."""
    shapes = derivation.system.shapes
    declared = {array.name: array for array in derivation.system.inputs}

    def spec(name: str) -> Array:
        return declared.get(name) or Array(name, shapes[name])

    arguments: dict[str, Any] = {}
    seen: set[str] = set()
    for key, tree in binding.tree.items():
        if isinstance(tree, Mapping):
            arguments[key] = {
                inner: replace(spec(name), name=_once(name, seen)) for inner, name in tree.items()
            }
        else:
            arguments[key] = replace(spec(tree), name=_once(tree, seen))
    traced = trace(function, arguments)
    taken = [array.name for array in traced.system.inputs]
    before = derivation.system
    needed = ancestors(before, [
        name.partition(_AGAIN)[0] for name in taken if name.partition(_AGAIN)[0] not in declared
    ])
    given = {name: f"{name}_given" for name in needed}
    rename = {name: given.get(name.partition(_AGAIN)[0], name.partition(_AGAIN)[0])
              for name in taken}
    items: list[Item] = [_renamed(before[name], given) for name in needed]
    for item in traced.system.items:
        assert not isinstance(item, Recurrence)
        items.append(_renamed(item, rename))
    return replace(traced, system=System(before.inputs, tuple(items)))


_AGAIN = "__again"


def _once(name: str, seen: set[str]) -> str:
    """A name of its own for an array that the function is handed twice (X, and X in a cache)."""
    made = name
    while made in seen:
        made = f"{name}{_AGAIN}{len(seen)}"
    seen.add(made)
    return made


def _renamed(equation: Equation, names: Mapping[str, str]) -> Equation:
    terms = tuple(
        map_reads(term, lambda read: replace(read, array=names.get(read.array, read.array)))
        for term in equation.terms
    )
    return replace(equation, name=names.get(equation.name, equation.name), terms=terms)
