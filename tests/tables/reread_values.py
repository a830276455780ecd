"""What a printed formula says, in numbers: the trees of gradproof.symbolic.reread evaluated."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial, reduce
from typing import Any

import mpmath
import numpy as np

from gradproof.codegen.spelling import scalar
from gradproof.symbolic.equation import System, slot
from gradproof.symbolic.functions import ACTIVATIONS, Opaque, derivative
from gradproof.symbolic.reread.shapes import free_indices
from gradproof.symbolic.reread.trees import (
    At,
    Binary,
    Call,
    Cases,
    Comparison,
    Constant,
    Entry,
    Eye,
    Joined,
    Length,
    Most,
    Number,
    Ones,
    Power,
    Range,
    ReadBackError,
    Statement,
    Sum,
    Tree,
    Unary,
)


def entrywise(function: Any) -> Any:
    """A function of one of mpmath's numbers, for arrays."""
    return np.vectorize(lambda x: float(function(float(x))), otypes=[float])


KNOWN = {"exp": np.exp, "log": np.log, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
         "abs": np.abs, "sign": np.sign, "max": np.maximum, "min": np.minimum,
         "sqrt": np.sqrt, "floor": np.floor, "cosh": np.cosh, "sinh": np.sinh, "tan": np.tan,
         "arccos": np.arccos, "arcsin": np.arcsin, "arctan": np.arctan, "arccosh": np.arccosh,
         "arcsinh": np.arcsinh, "arctanh": np.arctanh, "atan2": np.arctan2,
         **{name: entrywise(getattr(mpmath, name)) for name in ("erf", "erfc")},
         "Γ": entrywise(mpmath.gamma), "ψ": entrywise(mpmath.digamma),
         **{"ψ" + "'" * n: entrywise(partial(mpmath.psi, n)) for n in range(1, 6)}}
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
           "==": operator.eq, "!=": operator.ne}


ENTRIES = 8
"""Entries of an array that is written entry by entry to compute, at most."""


class UnsaidError(Exception):
    """What has no value by the text alone."""


@dataclass
class Values:
    """arrays: by name, with the axes that they are declared with.  ends: (array, side) -> what
    stands beyond the first or the last step.  commuted: the matrix whose vec K turns."""

    arrays: Mapping[str, Any]
    sizes: Mapping[str, int]
    vectors: str
    functions: Mapping[str, Any]
    ends: Mapping[tuple[str, int], Any] = field(default_factory=dict)
    commuted: tuple[int, ...] = ()
    indices: dict[str, int] = field(default_factory=dict)

    def of(self, tree: Tree) -> Any:
        return getattr(self, "_" + type(tree).__name__.lower())(tree)

    def differs(self, said: Statement, name: str) -> float:
        """The largest difference of the right side from the array `name`, the left one, relative
        to its largest entry."""
        names = free_indices(said.left)
        whole = np.asarray(self.arrays[name], float)
        places = said.left.at
        if len(places) == sum(size != 1 for size in whole.shape) and not any(
                isinstance(place, Range) for place in places):
            whole = whole.squeeze()
        axes = [axis for axis, place in enumerate(places) if isinstance(place, Constant)]
        scale, worst = max(1e-4, float(np.max(np.abs(whole), initial=0.0))), 0.0
        points = list(np.ndindex(*(whole.shape[axis] for axis in axes)))
        if len(points) > ENTRIES:
            points = random.Random(0).sample(points, ENTRIES)
        for at in points:
            self.indices.update(zip(names, at, strict=True))
            entry: list[Any] = [slice(None)] * whole.ndim
            for axis, place in zip(axes, at, strict=True):
                entry[axis] = place
            left, right = self._matrix(whole[tuple(entry)]), self.of(said.right)
            if np.shape(right) != np.shape(left) and np.size(right) != 1:
                return np.inf
            gap = np.max(np.abs(left - right), initial=0.0)
            if gap != gap and np.isfinite(left).all() and self._overflows(said.right):
                raise UnsaidError("what 0 times a value is that is too large for a float")
            worst = max(worst, float(gap) / scale if gap == gap else np.inf)
        return worst

    def _overflows(self, tree: Tree) -> bool:
        """Whether a part of a formula is too large for a float, where all it reads is finite."""
        try:
            with np.errstate(over="raise"):
                self.of(tree)
        except FloatingPointError:
            return True
        return False

    # --- leaves ---------------------------------------------------------------------------------

    def _number(self, tree: Number) -> Any:
        return np.full((1, 1), float(tree.value))

    def _constant(self, tree: Constant) -> Any:
        known = {"π": np.pi, "e": np.e, **self.sizes, **self.indices}
        return np.full((1, 1), float(known[tree.name]))

    def _ones(self, tree: Ones) -> Any:
        return np.ones((_length(tree.length), 1))

    def _eye(self, tree: Eye) -> Any:
        if not tree.commutes:
            return np.eye(_length(tree.size))
        rows, columns = self.commuted
        order = np.arange(rows * columns).reshape(rows, columns).T.ravel()
        return np.eye(rows * columns)[order]

    def _entry(self, tree: Entry) -> Any:
        return self._matrix(self._read(tree, self.arrays[tree.array], tree.at))

    def _matrix(self, found: Any) -> Any:
        found = np.asarray(found, float)
        if found.ndim == 1:
            return found[:, None] if self.vectors == "column" else found[None]
        return found if found.ndim else found.reshape(1, 1)

    def _read(self, tree: Any, array: Any, at: Any) -> Any:
        array = np.asarray(array)
        if len(at) != array.ndim and len(at) == sum(size != 1 for size in array.shape):
            array = array.squeeze()
        name = getattr(tree, "array", "what is read")
        places: list[Any] = []
        for axis, place in enumerate(at):
            size = array.shape[axis]
            if isinstance(place, Range):
                low = 0 if place.low is None else self.place(place.low)
                high = size if place.high is None else self.place(place.high)
                if low < 0 or high > size + place.step - 1:
                    raise ReadBackError(f"{name} has no part {low}:{high}")
                places.append(slice(low, high, place.step))
                continue
            where = self.place(place)
            if not 0 <= where < size:
                side = -1 if where < 0 else 1
                if (name, side) not in self.ends:
                    raise ReadBackError(f"{name} has no place {where}")
                beyond = self.ends[name, side]
                inside = [self.place(other) for other in at[axis + 1:]]
                zero = [min(max(at, 0), array.shape[axis + 1 + place] - 1) if
                        (name, 1 if at > 0 else -1) in self.ends else at
                        for place, at in enumerate(inside)]  # it may be beyond both of its ends
                left = np.zeros(array.shape)[(*places, 0, *zero)]
                return left if np.size(beyond) == 1 and not np.any(beyond) \
                    else np.asarray(beyond)[(*places, *inside)]
            places.append(where)
        return array[tuple(places)]

    def place(self, tree: Tree) -> int:
        found = float(self.of(tree).item())
        assert found == int(found), "a place is a whole number"
        return int(found)

    def _at(self, tree: At) -> Any:
        found = self.of(tree.of)
        if len(tree.at) == 1 and found.ndim == 2 and 1 in found.shape:
            found = found.ravel()
        return self._matrix(self._read(tree, found, tree.at))

    # --- operations -----------------------------------------------------------------------------

    def _unary(self, tree: Unary) -> Any:
        found = self.of(tree.of)
        return {"-": operator.neg, "T": lambda a: np.swapaxes(a, -1, -2), "inv": np.linalg.inv,
                "sqrt": np.sqrt}[tree.sign](found) if found.size > 1 or tree.sign != "inv" \
            else 1 / found

    def _binary(self, tree: Binary) -> Any:
        left = self.of(tree.left)
        if tree.sign in "·⊙/⊘" and _guarded(tree.left) and not np.any(left):
            return np.zeros((1, 1))  # what is not there need not have a value
        right = self.of(tree.right)
        if tree.sign == "·":
            return left * right if left.size == 1 or right.size == 1 else left @ right
        if tree.sign == "⊗":
            return np.kron(left, right)
        return {"+": operator.add, "-": operator.sub, "⊙": operator.mul, "⊘": operator.truediv,
                "/": operator.truediv}[tree.sign](left, right)

    def _power(self, tree: Power) -> Any:
        return self.of(tree.base) ** self.of(tree.exponent)

    def _call(self, tree: Call) -> Any:
        if tree.where:
            raise UnsaidError(f"along which axes the conditions of {tree.function} run")
        parts = [self.of(part) for part in tree.of]
        (first, *_), name = parts, tree.function
        if name == "softmax":
            axis = -1 if tree.axis is None else tree.axis
            if tree.axis is None and first.ndim == 2 and first.shape[1] == 1:
                axis = 0
            found = np.exp(first - first.max(axis, keepdims=True))
            return found / found.sum(axis, keepdims=True)
        if name == "log" and isinstance(tree.of[0], Call) and tree.of[0].function == "softmax":
            with np.errstate(divide="ignore"):
                rough = np.log(first)
            return rough if np.isfinite(rough).all() else self._log_softmax(tree.of[0])
        if name in KNOWN:
            return reduce(KNOWN[name], parts) if len(parts) > 1 else KNOWN[name](first)
        if name == "tr":
            return np.reshape(np.trace(first), (1, 1))
        if name in ("diag", "vec", "det", "chol"):
            made = {"diag": lambda a: np.diag(a.ravel()), "vec": lambda a: a.reshape(-1, 1),
                    "det": np.linalg.det, "chol": np.linalg.cholesky}[name](first)
            return np.reshape(made, (1, 1)) if name == "det" else made
        with np.errstate(all="ignore"):
            return np.asarray(self.functions[name](first), float) + 0 * first

    def _log_softmax(self, tree: Call) -> Any:
        """Of rows, where a softmax is too small for a float."""
        found = self.of(tree.of[0])
        top = found.max(-1, keepdims=True)
        return found - top - np.log(np.exp(found - top).sum(-1, keepdims=True))

    # --- Σ and conditions -----------------------------------------------------------------------

    def _sum(self, tree: Sum) -> Any:
        total = np.zeros((1, 1))
        for place in range(min(map(_length, tree.ranges))):
            outer = self.indices.get(tree.index)
            self.indices[tree.index] = place
            total = total + self.of(tree.of)
            del self.indices[tree.index]
            if outer is not None:
                self.indices[tree.index] = outer
        return total

    def _most(self, tree: Most) -> Any:
        if tree.place:
            raise UnsaidError("a place of a maximum")
        found: Any = None
        lengths = [min(map(_length, tree.ranges[name])) for name in tree.indices]
        for places in np.ndindex(*lengths):
            outer = dict(self.indices)
            self.indices.update(zip(tree.indices, places, strict=True))
            if all(np.all(self.of(condition)) for condition in tree.where):
                value = self.of(tree.of)
                found = value if found is None else np.maximum(found, value)
            self.indices = outer
        return np.full((1, 1), -np.inf) if found is None else found

    def _comparison(self, tree: Comparison) -> Any:
        sides = list(map(self.of, tree.sides))
        held = [COMPARE[sign](one, other)
                for sign, one, other in zip(tree.signs, sides, sides[1:], strict=False)]
        return reduce(np.logical_and, held).astype(float)

    def _joined(self, tree: Joined) -> Any:
        word = np.logical_and if tree.word == "and" else np.logical_or
        return reduce(word, map(self.of, tree.of)).astype(float)

    def _cases(self, tree: Cases) -> Any:
        found: Any = np.zeros((1, 1))
        for value, condition in reversed(tree.of):
            if condition is None:
                found = self.of(value)
            else:
                found = np.where(self.of(condition) != 0, self.of(value), found)
        return found


def _guarded(tree: Tree) -> bool:
    """Whether a product begins with a condition."""
    while isinstance(tree, Binary):
        tree = tree.left
    return isinstance(tree, Comparison | Joined)


def _length(length: Any) -> int:
    found = length.found if isinstance(length, Length) else length
    if isinstance(found, Length):
        raise UnsaidError("how long a column of ones is")
    return int(found)


def functions_of(system: System, latex: bool) -> Mapping[str, Any]:
    """Every named function that a system applies, as it is written, with its slopes, each made
    when it is asked for."""
    bases = {type(part).base for equation in system.equations for term in equation.terms
             for part in term.body.atoms(Opaque)} | {
        f for f in ACTIVATIONS.values() if hasattr(f, "base")}
    found = _Functions()
    for base in bases:
        name = base.latex_name if latex else {"sigmoid": "σ", "relu": "ReLU"}.get(
            base.title, base.title)
        for sign, letter in {r"\sigma": "σ", r"\log\sigma": "logσ"}.items():
            name = name.replace(sign, letter)
        found.bases[re.sub(r"\\mathrm|[{}\\]", "", name)] = base
    return found


class _Functions(dict[str, Any]):
    """Functions and, behind f', f'', their slopes; `bases` by the name they are written with."""

    def __init__(self) -> None:
        super().__init__()
        self.bases: dict[str, Any] = {}

    def __missing__(self, name: str) -> Any:
        stem = name.rstrip("'")
        self[name] = _applied(self.bases[stem], len(name) - len(stem))
        return self[name]


@cache
def _applied(base: Any, order: int) -> Any:
    function: Any = base
    for _ in range(order):
        if not hasattr(function, "definition"):
            raise KeyError(f"the {order}th slope of {base.title}")
        function = derivative(function)
    made = function(slot(0))
    return scalar(made, 1, ()) if made.has(slot(0)) else lambda z: float(made) + 0 * z
