"""Layers in a file that does not train: pairs of functions, classes, tables of functions.

They are found by their names and by what they take, and nothing is checked that was not said.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Literal

from gradproof.checks.hand_files import Mark
from gradproof.checks.layer_calls import CACHES
from gradproof.checks.layer_objects.methods import Methods, methods_of
from gradproof.checks.orders.kinds import checked
from gradproof.checks.results import PASSES, CheckResult
from gradproof.checks.returned import LayerError
from gradproof.programs.untrained.guesses import guessed, proposed, said

AHEAD = ("forward_propagation", "forward_propagate", "forward_pass", "forward_prop", "forward",
         "fprop", "fwd")
BEHIND = ("backward_propagation", "back_propagation", "backward_propagate", "backpropagation",
          "backward_pass", "backward_prop", "backprop", "back_prop", "backward", "bprop", "bwd")
"""Words in the names of the two passes, the longer before those that they begin with."""

SLOPES = (r"(?:d|deriv|derivative|der|grad|gradient|diff)_?(?P<f>\w+)",
          r"(?P<f>\w+?)_?(?:prime|derivative|derivate|deriv|der|gradient|grad|diff|slope|dx|dz|d)")
"""Names of derivatives, by that of the function."""

COTANGENT = re.compile(r"(?i)d|g|gy|up.*|.*(?:grad|delta|err|dout|cotangent).*|d[a-z]\w{0,9}|_?bar")
"""Names of what a backward pass is handed first."""

LOSS = re.compile(r"(?i)loss|cost|objective|energy|criterion|nll|cross_?entropy|mse")


@dataclass(frozen=True)
class Found:
    """A pair: what is checked against what, as a user would mark it.

    target: what a mark stands above.  against: the pass or function beside it; None for a class and
    for a function that returns both.  first: the pass whose parameters want shapes; makes: what
    takes the parameters of a class.
    """

    title: str
    kind: Literal["layer", "derivative"]
    target: Callable[..., Any]
    against: Callable[..., Any] | None
    first: Callable[..., Any]
    makes: Callable[..., Any] | None = None

    def marked(self) -> list[Mark]:
        """The marks, one for each of the inputs on which both passes run; none where none is
        found."""
        forward, backward = self._parts()
        return [Mark(self.target, self.against, inputs, None, self.kind)
                for inputs in guessed(forward, backward, self.makes, self.first)]

    def _parts(self) -> tuple[Any, Any]:
        if self.kind == "derivative":
            from gradproof.checks.layer_objects.contexts import as_object

            return as_object(self.title, self.first.__module__, {
                "f": self.first, "f_prime": self.target}), None
        return (self.target, None) if self.against is None else (self.against, self.target)

    def line(self) -> str:
        """The line to add, where nothing is known of the shapes."""
        shapes = proposed(self.makes, self.first)
        word = {"derivative": "derivative_of", "layer": "backward_of"}[self.kind]
        mark = f"gp.layer({shapes})" if self.against is None else (
            f"gp.{word}({self.against.__name__}, {shapes})")
        return f"above {self.target.__name__} (import gradproof as gp):\n    @{mark}"


def check_marks(marks: Sequence[Mark], time_limit: float) -> CheckResult:
    """What is found of the first of the marks; where that is no pass, of the first that is one.

    They differ in what targets are, which nobody said: a gradient that is right of one-hot rows
    alone is no wrong one.
    """
    first = _checked(marks[0], time_limit=time_limit)
    if first.verdict in PASSES:
        return first
    for other in marks[1:]:
        found = _checked(other, time_limit=time_limit, repair_seconds=0)
        if found.verdict in PASSES:
            note = f"with {said(other.shapes)}"
            return replace(found, checks=tuple(
                replace(check, notes=(*check.notes, note)) for check in found))
    return first


def _checked(mark: Mark, **options: Any) -> CheckResult:
    return checked(mark.order, mark.loss, mark.gradient, wrt=mark.wrt, inputs=mark.shapes,
                   **options)


def pairs_in(module: ModuleType) -> list[Found]:
    """What a file has, in its order; what belongs to other modules is left out."""
    own = {name: value for name, value in vars(module).items()
           if (inspect.isfunction(value) and value.__globals__ is vars(module))
           or (isinstance(value, type) and value.__module__ == module.__name__)}
    functions = {name: value for name, value in own.items() if inspect.isfunction(value)}
    found = [*_passes(functions), *_slopes(functions), *_joint(functions), *_tables(module)]
    found += [made for value in own.values() if isinstance(value, type)
              for made in _class(value)]
    seen = set[Any]()
    kept = []
    for one in found:
        if one.target not in seen:
            seen.add(one.target)
            kept.append(one)
    return sorted(kept, key=lambda one: _line(one.target))


def _line(target: Any) -> int:
    code = getattr(target, "__code__", None)
    if code is None:
        code = next((one.__code__ for one in vars(target).values() if inspect.isfunction(one)),
                    None)
    return code.co_firstlineno if code is not None else 0


def _passes(functions: Mapping[str, Callable[..., Any]]) -> Iterator[Found]:
    """affine_forward and affine_backward; relu and relu_backward."""
    ahead = {base: name for name in functions if (base := _without(name, AHEAD)) is not None}
    for name, backward in functions.items():
        base = _without(name, BEHIND)
        if base is None or not _takes_cotangent(backward):
            continue
        near = [other for other in ahead if other and base.startswith(other)]
        other = ahead.get(base) or next(
            (key for key in functions if key.lower().strip("_") == base and key != name), "") or (
            ahead[max(near, key=len)] if near else "")
        if other:
            yield Found(f"{other} and {name}", "layer", backward, functions[other],
                        functions[other])


def _without(name: str, words: Sequence[str]) -> str | None:
    """A name without the word for its pass; None where it has none."""
    low = name.lower()
    for word in words:
        for spelled in (word, word.replace("_", "")):
            if spelled in low:
                return re.sub("_+", "_", low.replace(spelled, "", 1)).strip("_")
    return None


def _takes_cotangent(backward: Callable[..., Any]) -> bool:
    names = [name for name in inspect.signature(backward).parameters if name not in CACHES]
    return bool(names) and COTANGENT.fullmatch(names[0]) is not None


def _slopes(functions: Mapping[str, Callable[..., Any]]) -> Iterator[Found]:
    """sigmoid and sigmoid_prime, d_sigmoid, sigmoid_derivative."""
    low = {name.lower(): name for name in functions}
    for name, derivative in functions.items():
        for pattern in SLOPES:
            match = re.fullmatch(pattern, name.lower())
            other = low.get(match["f"]) if match else None
            if other and other != name and _few(functions[other]) and _few(derivative):
                yield Found(f"{other} and its derivative {name}", "derivative", derivative,
                            functions[other], functions[other])
                break


def _few(function: Callable[..., Any]) -> bool:
    needed = [p for p in inspect.signature(function).parameters.values()
              if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return 1 <= len(needed) <= 2


def _joint(functions: Mapping[str, Callable[..., Any]]) -> Iterator[Found]:
    """softmax_loss, which returns (loss, dx)."""
    for name, function in functions.items():
        if LOSS.search(name) and _returns_gradients(function):
            yield Found(f"{name}, which returns its value and gradients", "layer", function, None,
                        function)


def _returns_gradients(function: Callable[..., Any]) -> bool:
    """Whether it ends in ``return loss, dx``, or grads."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return False
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    pairs = [value for value in returned if isinstance(value, ast.Tuple) and len(value.elts) > 1]
    return any(all(re.match(r"(?i)d|g", ast.unparse(one)) for one in pair.elts[1:])
               for pair in pairs)


def _tables(module: ModuleType) -> Iterator[Found]:
    """{"sigmoid": (f, df)}, and pairs by themselves."""
    for name, value in vars(module).items():
        if name.startswith("__"):
            continue
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for key, entry in entries:
            parts = list(entry.values()) if isinstance(entry, dict) else entry
            if isinstance(parts, list | tuple) and len(parts) == 2 and all(
                    inspect.isfunction(one) and _few(one) for one in parts):
                title = f"{name}[{key!r}]" if key else name
                yield Found(f"{title}: a function and its derivative", "derivative", parts[1],
                            parts[0], parts[0])


def _class(cls: type) -> Iterator[Found]:
    """A class with two passes, or with a derivative; a base class that has only their names is
    none."""
    try:
        methods = methods_of(cls, cls.__name__)
    except LayerError:
        return
    ahead = getattr(cls, methods.ahead)
    if inspect.isabstract(cls) or any(
            _is_empty(getattr(cls, name)) for name in (methods.ahead, methods.behind)):
        return
    if methods.style == "joint" and not _returns_gradients(ahead):
        return
    makes = cls if inspect.signature(cls).parameters else None
    yield Found(f"the class {cls.__name__}, {_said(methods)}", "layer", cls, None, ahead, makes)


def _said(methods: Methods) -> str:
    if methods.style == "joint":
        return f"whose {methods.ahead} returns value and gradients"
    word = "the derivative" if methods.style == "slope" else "the backward pass"
    return f"{methods.ahead} and {word} {methods.behind}"


def _is_empty(function: Any) -> bool:
    """Whether a method is there to be overridden."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return False
    body = getattr(tree.body[0], "body", [])
    body = [one for one in body if not (
        isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    raises = [one for one in body if "NotImplemented" in ast.unparse(one)]
    return not body or bool(raises) or all(isinstance(one, ast.Pass) for one in body)
