"""Functions of a file that are named as derivatives of one another.

    rosen, rosen_der, rosen_hess; or f, jac, hessp   ->   held against rosen, f, at x0, X, y there
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from gradproof.checks.layer_objects.methods import plain
from gradproof.checks.layer_objects.slopes import TARGETS
from gradproof.checks.orders.calls import arguments_of
from gradproof.checks.orders.claims import Claim
from gradproof.checks.orders.derivatives import claims_of

FUNCTIONS = ("f", "fun", "func", "loss", "cost", "objective", "residuals", "residual", "model",
             "energy", "nll")
"""What a function is called whose derivative is called by its kind alone."""

KINDS = {
    "hessp": ("hessp", "hess_prod", "hessian_product", "hvp"),
    "hess": ("hess", "hessian"),
    "jac": ("jac", "jacobian"),
    "grad": ("grad", "gradient", "der", "deriv", "derivative", "prime"),
}
"""What a derivative is, and the words for it: alone, or before or behind the function's name."""

STARTS = ("{}", "{}0", "{}_0", "{}_init", "initial_{}", "x0", "theta0", "w0", "p0", "beta0")
"""Names of a file's arrays that a function's first parameter may have the values of."""


@dataclass(frozen=True)
class NamedPair:
    """A function of a file and those that are named as its derivatives, by what they are."""

    function: str
    hands: Mapping[str, str]
    line: int

    def claims(self, names: Mapping[str, Any]) -> list[tuple[Claim, ...]]:
        """What there is to check at arrays of the file, by each parameter that it may be by.

        None where it has no such arrays, or where what the functions return there is no derivative
        by its shape: the arrays are others then, or the derivative is of another kind.
        """
        function = names.get(self.function)
        hands = {what: hand for what, name in self.hands.items()
                 if callable(hand := names.get(name))}
        if not callable(function) or not hands:
            return []
        given = _arrays(function, names)
        try:
            with np.errstate(all="ignore"):
                value = function(**given)
                shapes = {what: np.shape(hand(**given)) for what, hand in hands.items()
                          if what != "hessp"}
        except Exception:  # these are not what it is called with
            return []
        hands = _as_they_are(hands, np.ndim(value))
        shapes = _as_they_are(shapes, np.ndim(value))
        found = []
        for name in _by(given, np.shape(value), shapes):
            by = {name: np.asarray(given[name], dtype=float)}
            try:
                arguments = arguments_of("function", function, {**given, **by}, (), {}, name)
                found.append(tuple(claims_of(function, hands, arguments, 0)))
            except ValueError:
                continue
        return found


Part = TypeVar("Part")


def _as_they_are(hands: Mapping[str, Part], axes: int) -> dict[str, Part]:
    """What is called a gradient is a Jacobian where the function returns an array, and the other
    way round."""
    called, meant = ("grad", "jac") if axes else ("jac", "grad")
    if called in hands and meant not in hands:
        return {(meant if what == called else what): hand for what, hand in hands.items()}
    return dict(hands)


def _by(
    given: Mapping[str, Any], value: tuple[int, ...], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[str]:
    """The parameters by which derivatives of these shapes may be, targets last.

    A slope entry by entry is no Jacobian, and fits none.
    """
    for name in sorted(given, key=lambda name: plain(name) in map(plain, TARGETS)):
        shape = np.shape(given[name])
        due = {"grad": shape, "jac": (*value, *shape), "hess": (*shape, *shape)}
        if all(due[what] == found for what, found in shapes.items()):
            yield name


def named_pairs(tree: ast.Module) -> list[NamedPair]:
    """The functions of a file that have derivatives by their names."""
    lines = {node.name: node.lineno for node in tree.body if isinstance(node, ast.FunctionDef)}
    hands: dict[str, dict[str, str]] = {name: {} for name in lines}
    for name in lines:
        for what in KINDS:
            other = _of(name, what, lines)
            if other is not None:
                hands[other].setdefault(what, name)
    derivatives = {hand for found in hands.values() for hand in found.values()}
    return [NamedPair(name, found, lines[name]) for name, found in hands.items()
            if found and name not in derivatives]


def _of(name: str, what: str, lines: Mapping[str, int]) -> str | None:
    """The function whose derivative one is by its name.

    What is called by its kind alone is of the nearest function before it, or else behind it.
    """
    for other in lines:
        if other != name and name in _spelled(other, what):
            return other
    near = [other for other in FUNCTIONS if other in lines] if name in KINDS[what] else []
    return min(near, default=None, key=lambda other: (
        lines[other] > lines[name], abs(lines[other] - lines[name])))


def _spelled(function: str, what: str) -> Iterator[str]:
    for word in KINDS[what]:
        yield from (f"{function}_{word}", f"{word}_{function}", f"{word}{function}")
    if what == "grad":
        yield from (f"d{function}", f"d_{function}")


def _arrays(function: Callable[..., Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The file's arrays for a function's parameters; none where one is missing, or fixed."""
    found: dict[str, Any] = {}
    for place, parameter in enumerate(inspect.signature(function).parameters.values()):
        spellings = STARTS if place == 0 else STARTS[:1]
        value = next((names[name] for name in (s.format(parameter.name) for s in spellings)
                      if _is_numbers(names.get(name))), None)
        if value is None and (place == 0 or parameter.default is parameter.empty):
            return {}
        if value is not None:
            found[parameter.name] = np.asarray(value) if isinstance(value, list) else value
    return found


def _is_numbers(value: Any) -> bool:
    if isinstance(value, bool | str) or value is None or callable(value):
        return False
    try:
        return np.asarray(value).dtype.kind in "fiu"
    except ValueError:  # lists of several lengths
        return False
