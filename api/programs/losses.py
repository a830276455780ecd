"""What a pass is the gradient of: the loss that the program computes, or says that it computes.

Looked for, in this order: what is asked for; a number that the pass assigns to such a name, or puts
into such a list; what it prints as one; a function of the program called so, on arrays that the
pass has.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from gradproof.checks.hand_files import HandError
from gradproof.programs.parameters import Parameter
from gradproof.programs.slices import Demand
from gradproof.programs.statements import base, effects, outside, words_of
from gradproof.programs.watching import Pass
from gradproof.repair.edits import function_name

_WORD = re.compile(r"(^|_)(loss|losses|cost|costs|objective|energy|nll|mse|sse|rmse|bce|ll|"
                   r"crossentropy|error|err|errors|log_?lik\w*|likelihood)(_|\d|$)|"
                   r"^(cross_entropy|(?-i:[JLEC])|cee|mae)\d*(_?hist\w*|s)?$|"
                   r"(loss|cost|error)(function|fn)?$|^(compute|calc\w*|get)(loss|cost)",
                   re.IGNORECASE)
_MAXIMISED = re.compile(r"(^|_)(ll|log_?lik\w*|likelihood)(_|\d|s|$)", re.IGNORECASE)
_WEAK = re.compile(r"^err|error$|err$", re.IGNORECASE)
_SAID = re.compile(r"loss|cost|error|mse|objective", re.IGNORECASE)


def is_said_loss(name: str) -> bool:
    """Whether a name is that of a loss: smooth_loss, J."""
    return bool(_WORD.search(name))


@dataclass(frozen=True)
class Loss:
    """A loss of a pass: the value that is demanded, as the program has it, and where.

    without: the statements that are left out of what it follows from: those that move the
    parameters.  sign: -1 for what is called a likelihood, which is maximised.
    is_asked: it was said that this is the loss.  is_sure: its name says so; an "error" is a guess.
    """

    demand: Demand
    text: str
    file: str
    line: int
    without: frozenset[int] = frozenset()
    note: str = ""
    sign: int = 1
    is_asked: bool = False
    is_sure: bool = True


def find_losses(
    seen: Pass, found: Sequence[Parameter], asked: str, trees: Sequence[ast.AST],
    used: Set[str] = frozenset(),
) -> list[Loss]:
    """The losses of a pass, the likeliest first.  Raises HandError for one that is no Python.

    used: the names from which the gradients follow.
    """
    first = min((one.first for one in found), default=len(seen.site.body))
    moving = frozenset(place for places in (
        seen.moved[path] for path in seen.moved if path in {p for one in found for p in one.paths}
    ) for place in places)
    finder = _Finder(seen, first, moving)
    if asked:
        return [finder.asked(asked)]
    candidates = [*finder.assigned(), *finder.listed(), *finder.printed()]
    # What gradients follow from is no loss, whatever it is called: error = y - output.
    likely = [replace(one, is_sure=one.is_sure and not _WEAK.search(one.text)) for _, one in sorted(
        candidates, key=lambda pair: pair[0], reverse=True) if "abs(" not in one.text and not (
            isinstance(one.demand.value, ast.Name) and one.demand.value.id in used)]
    return likely or [*finder.called(trees), *finder.functions(found), *finder.numbers(used)][:1]


@dataclass(frozen=True)
class _Finder:
    """first: the first statement that moves a parameter.  moving: all of these."""

    seen: Pass
    first: int
    moving: frozenset[int]

    def asked(self, text: str) -> Loss:
        try:
            value = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError) as error:
            raise HandError(f"--loss: expected a name or an expression of the program, got {text!r}"
                            f": {error}") from None
        for name in ("np", "numpy"):
            self.seen.names.setdefault(name, np)
        unknown = [name for name in sorted(_names(value)) if not self._is_known(name)]
        if unknown:
            raise HandError(f"--loss: the pass in line {self.seen.site.line} has no {unknown[0]!r};"
                            f" it has {', '.join(self._arrays()) or 'nothing'}")
        return replace(self._loss(value, self.seen.site.line, self._at(value)), is_asked=True)

    def assigned(self) -> Iterator[tuple[tuple[int, int], Loss]]:
        """Numbers that the pass assigns, the likeliest last."""
        for place, statement in enumerate(self.seen.site.body):
            for node in ast.walk(statement):
                if isinstance(node, ast.Assign | ast.AnnAssign):
                    yield from self._set(node, place)
                elif isinstance(node, ast.AugAssign):
                    yield from self._added(node, place)

    def _set(
        self, node: ast.Assign | ast.AnnAssign, place: int
    ) -> Iterator[tuple[tuple[int, int], Loss]]:
        now = self.seen.after.get(place, {})
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for part in chain.from_iterable(map(ast.walk, targets)):
            if isinstance(part, ast.Name) and _is_number(now.get(part.id)) and (
                    _WORD.search(part.id) or self._is_loss_call(node.value)):
                yield (_rank(part.id), place), self._number(part.id, node.lineno, place)

    def _added(
        self, node: ast.AugAssign, place: int
    ) -> Iterator[tuple[tuple[int, int], Loss]]:
        """``loss += ...``: what it is then; or what is added, where it goes on from pass to pass.
        """
        target, body = node.target, self.seen.site.body
        if not isinstance(target, ast.Name) or not isinstance(node.op, ast.Add | ast.Sub) \
                or not _WORD.search(target.id) \
                or not _is_number(self.seen.after.get(place, {}).get(target.id)):
            return
        values = self.seen.values
        if any(target.id in effects(statement, values).sets for statement in body):
            yield (_rank(target.id), place), self._number(target.id, node.lineno, place)
        elif node in body:
            rank = 4 if self._is_loss_call(node.value) else _rank(target.id) - 2
            value = node.value if isinstance(node.op, ast.Add) else \
                ast.copy_location(ast.UnaryOp(ast.USub(), node.value), node.value)
            yield (rank, place), self._loss(value, node.lineno, self._at(value, place))

    def _number(self, name: str, line: int, place: int) -> Loss:
        return self._loss(ast.Name(name, ast.Load()), line, self._last(name, place))

    def numbers(self, used: Set[str]) -> Iterator[Loss]:
        """The one number that a pass computes, whatever it is called, from which no gradient
        follows: ``grads, l = step(params, X, y)``."""
        found = {name: place for place, now in self.seen.after.items() if place < self.first
                 for name, value in now.items() if _is_number(value) and name not in used
                 and not hasattr(self.seen.start, name)}
        if len(found) == 1:
            (name, place), = found.items()
            line = self.seen.site.body[place].lineno
            yield replace(self._number(name, line, place), is_sure=False)

    def _is_loss_call(self, value: ast.expr | None) -> bool:
        return isinstance(value, ast.Call) and bool(_WORD.search(function_name(value))) \
            and self._is_users(value)

    def listed(self) -> Iterator[tuple[tuple[int, int], Loss]]:
        """``losses.append(...)``, ``history["loss"].append(...)``, ``self.costs.append(...)``."""
        for place, call in self._calls():
            if isinstance(call.func, ast.Attribute) and call.func.attr == "append" and call.args \
                    and any(map(_WORD.search, words_of(call.func.value))) and not isinstance(
                    call.args[0], ast.Constant):
                at = self._at(call.args[0], place)
                if not _is_array(self._value(call.args[0])):
                    yield (3, place), self._loss(call.args[0], call.lineno, at)

    def printed(self) -> Iterator[tuple[tuple[int, int], Loss]]:
        """``print("loss", np.mean(...))``."""
        for place, call in self._calls():
            if getattr(call.func, "id", "") != "print" or not _SAID.search(ast.unparse(call)):
                continue
            for node in ast.walk(call):
                if isinstance(node, ast.Call) and node is not call and _is_measure(node) \
                        and _names(node) and all(map(self._is_known, _names(node))):
                    made = self._loss(node, node.lineno, self._at(node, place))
                    yield (1, place), replace(made, is_sure=bool(_WORD.search(function_name(node))))
                    break

    def called(self, trees: Sequence[ast.AST]) -> Iterator[Loss]:
        """Calls of a loss elsewhere in the program, on names that the pass has."""
        for node in chain.from_iterable(map(ast.walk, trees)):
            if isinstance(node, ast.Call) and _WORD.search(function_name(node)) and node.args:
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                if all(map(self._is_known, names)) and self._is_users(node):
                    yield self._loss(node, node.lineno, self._at(node))

    def functions(self, found: Sequence[Parameter]) -> Iterator[Loss]:
        """Functions and methods of the program that are called a loss and take what there is."""
        seen = self.seen
        known = {**vars(seen.start), **{k: v for now in seen.after.values()
                                        for k, v in now.items()}}
        first = {name: value for name, value in known.items() if name in seen.site.names}
        for name, value in {**first, **seen.names, **known}.items():
            if inspect.isfunction(value) and _WORD.search(name):
                yield from self._call_of(name, value, known)
            elif hasattr(value, "__dict__") and not isinstance(value, type) and any(
                    path[0].key == name for one in found for path in one.paths):
                for attribute in dir(type(value)):
                    method = getattr(value, attribute, None)
                    if _WORD.search(attribute) and inspect.ismethod(method):
                        yield from self._call_of(f"{name}.{attribute}", method, known)

    def _call_of(self, text: str, function: Any, known: dict[str, Any]) -> Iterator[Loss]:
        needed = [p.name for p in inspect.signature(function).parameters.values()
                  if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        # y_true is the pass's y, where it has no y_true.
        names = [name if name in known else name.partition("_")[0] for name in needed]
        if names and all(name in known for name in names) and len({*names}) == len(names):
            call = ast.parse(f"{text}({', '.join(names)})", mode="eval").body
            code = function.__code__
            made = self._loss(call, code.co_firstlineno, self._at(call), code.co_filename)
            yield replace(made, is_sure=names == needed)

    # --- where ------------------------------------------------------------------------------------

    def _loss(self, value: ast.expr, line: int, at: int, file: str = "") -> Loss:
        late = at > self.first
        said = f"{ast.unparse(value)} {function_name(value) if isinstance(value, ast.Call) else ''}"
        up = any(_MAXIMISED.search(word) for word in (
            *re.findall(r"\w+", said)[:1], said.split()[-1]))
        without = self.moving if late else frozenset[int]()
        note = ("it is computed after the parameters have moved; taken at those before"
                if late else "")
        return Loss(Demand("loss", value, at), ast.unparse(value),
                    file or self.seen.site.file, line, without, note, -1 if up else 1)

    def _at(self, value: ast.expr, use: int | None = None) -> int:
        """The place at which all that an expression reads is there, before the parameters move.

        use: the statement that it stands in, if that comes before.
        """
        values = self.seen.values
        names = _names(value).union(*(outside(values.get(name)) for name in _names(value)))
        if use is not None and use <= self.first and not names & {*self.seen.after.get(use, {})}:
            return use
        at = 0
        for name in names:
            places = [place for place, statement in enumerate(self.seen.site.body)
                      if name in effects(statement, values).writes | set(
                          self.seen.after.get(place, {}))]
            before = [place for place in places if place < self.first]
            if places:
                at = max(at, before[-1] + 1 if before else places[0] + 1)
        return at

    def _last(self, name: str, place: int) -> int:
        """Behind the last statement that assigns a name before the parameters move, if there is
        one."""
        values = self.seen.values
        places = [at for at, statement in enumerate(self.seen.site.body)
                  if name in effects(statement, values).writes]
        before = [at for at in places if at < self.first]
        return (before or [place])[-1] + 1

    def _calls(self) -> Iterator[tuple[int, ast.Call]]:
        for place, statement in enumerate(self.seen.site.body):
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    yield place, node

    def _value(self, value: ast.expr) -> Any:
        if isinstance(value, ast.Name):
            for now in reversed(list(self.seen.after.values())):
                if value.id in now:
                    return now[value.id]
        return None

    def _is_known(self, name: str) -> bool:
        import builtins

        return (name in self.seen.names or name in vars(self.seen.start)
                or hasattr(builtins, name)
                or any(name in now for now in self.seen.after.values()))

    def _is_users(self, call: ast.Call) -> bool:
        function = self.seen.names.get(base(call.func), vars(self.seen.start).get(base(call.func)))
        return not inspect.ismodule(function) and not isinstance(function, np.ndarray) \
            and function is not None

    def _arrays(self) -> list[str]:
        known = {**vars(self.seen.start), **{k: v for now in self.seen.after.values()
                                             for k, v in now.items()}}
        return [name for name, value in known.items()
                if isinstance(value, np.ndarray | float | np.floating)][:30]


def _names(value: ast.AST) -> set[str]:
    bound = {node.id for part in ast.walk(value) if isinstance(part, ast.comprehension)
             for node in ast.walk(part.target) if isinstance(node, ast.Name)}
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)} - bound


def _is_measure(call: ast.Call) -> bool:
    name = function_name(call)
    takes = call.args or isinstance(call.func, ast.Attribute)
    return bool(_WORD.search(name) or (
        takes and name in ("mean", "sum", "average", "norm", "float")))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, float | np.floating):
        return True
    return isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "f"


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.size > 1


def _rank(name: str) -> int:
    """How likely a name is that of the loss."""
    if re.search(r"val|test|dev|best|prev|old|last", name, re.IGNORECASE):
        return -5
    if _WEAK.search(name):
        return 2
    return 5 if re.fullmatch(r"loss|cost|total_loss|J", name, re.IGNORECASE) else 4
