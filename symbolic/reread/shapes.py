"""The shape of a tree: whether a formula is matrix algebra, and which.

    X w - y   X (m, n), w (n,), y (m,)   ->   (m, 1), where vectors are columns
    X + g     g (n,), columns            ->   ShapeError

Every shape has two axes or more: a scalar is (1, 1), a vector (n, 1) or (1, n) by the convention,
and leading axes are a stack of matrices, which products and sums take one by one, as NumPy does.
Entry by entry only equal shapes meet, or anything and a scalar; by a convention for biases, a row
is added to every row of a matrix (or a column to every column).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .trees import (
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

Dim: TypeAlias = Length | int
Dims: TypeAlias = tuple[Dim, ...]
Way: TypeAlias = Literal["column", "row"]
SCALAR: Dims = (1, 1)


class ShapeError(ReadBackError):
    """Shapes that do not fit."""


@dataclass(frozen=True)
class Convention:
    """shapes: of the arrays, in numbers that are equal only where the sizes are.
    vectors: what an array with one axis is.  repeated: which vectors stand beside a matrix, entry
    by entry, for one with equal rows (or columns); None where that is always written out.
    sizes: the names of sizes.
    """

    shapes: Mapping[str, tuple[int, ...]]
    vectors: Way = "column"
    repeated: Way | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


def check(statement: Statement, convention: Convention) -> None:
    """Raises ReadBackError unless both sides of a formula have the same shape."""
    walk = _Shapes(convention)
    walk.ranges.update({name: [] for name in free_indices(statement.left)})
    left = walk.of(statement.left)
    right = walk.of(statement.right)
    if right == SCALAR and left != SCALAR:
        return  # a constant for every entry
    if len(left) != len(right) or not all(map(unify, left, right)):
        raise ShapeError(f"an array of shape {shown(left)} is given {shown(right)}")


def shape_of(tree: Tree, convention: Convention) -> Dims:
    """The shape of a part of a formula whose indices have been given their ranges.

    Raises ReadBackError where it has none.
    """
    walk = _Shapes(convention)
    walk.ranges = _Anything()
    return walk.of(tree)


class _Anything(dict[str, list[Dim]]):
    """The ranges of indices that stand outside of a part: each is known, none is asked for."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> list[Dim]:
        return []


def free_indices(left: Entry) -> list[str]:
    """The indices that the left side of a formula is an entry at."""
    return [place.name for place in left.at if isinstance(place, Constant)]


def unify(one: Dim, other: Dim) -> bool:
    """Whether two lengths are or can be the same; a length that is not known is set to it."""
    one, other = (d.found if isinstance(d, Length) else d for d in (one, other))
    if isinstance(one, Length):
        if one is not other:
            one.same = other
        return True
    if isinstance(other, Length):
        other.same = one
        return True
    return one == other


def shown(dims: Dims) -> str:
    found = [d.found if isinstance(d, Length) else d for d in dims]
    return "(" + ", ".join("?" if isinstance(d, Length) else str(d) for d in found) + ")"


class _Shapes:
    def __init__(self, convention: Convention) -> None:
        self.convention = convention
        self.ranges: dict[str, list[Dim]] = {}

    def of(self, tree: Tree) -> Dims:
        """The shape of a tree; ShapeError where there is none."""
        method = getattr(self, "_" + type(tree).__name__.lower())
        found: Dims = method(tree)
        return found

    def _scalar(self, tree: Tree, what: str) -> None:
        found = self.of(tree)
        if not is_scalar(found):
            raise ShapeError(f"{what} of shape {shown(found)}, where a number is due")

    # --- leaves ---------------------------------------------------------------------------------

    def _number(self, tree: Number) -> Dims:
        return SCALAR

    def _constant(self, tree: Constant) -> Dims:
        if tree.name not in {*self.convention.sizes, *self.ranges, "π", "e"}:
            raise ReadBackError(f"there is no {tree.name}")
        return SCALAR

    def _ones(self, tree: Ones) -> Dims:
        return tree.length, 1

    def _eye(self, tree: Eye) -> Dims:
        return tree.size, tree.size

    def _entry(self, tree: Entry) -> Dims:
        shape = self.convention.shapes[tree.array]
        return self._matrix(self._read(tree.at, shape))

    def _matrix(self, shape: Dims) -> Dims:
        if len(shape) == 1:
            return (*shape, 1) if self.convention.vectors == "column" else (1, *shape)
        return shape or SCALAR

    def _read(self, at: Sequence[Tree | Range], shape: Dims) -> Dims:
        """What is left of a shape at the places `at`; axes of length 1 need none."""
        axes = list(range(len(shape)))
        if len(at) != len(shape):
            long = [axis for axis in axes if shape[axis] != 1]
            axes = long if len(at) == len(long) else axes
        if len(at) > len(axes):
            raise ShapeError(f"{len(at)} places in a shape of {len(shape)} axes")
        left: list[Dim] = []
        for axis, place in zip(axes, at, strict=False):
            if isinstance(place, Range):
                left.append(self._length(place, shape[axis]))
            elif isinstance(place, Constant) and place.name in self.ranges:
                self.ranges[place.name].append(shape[axis])
            else:
                self._scalar(place, "a place")
        if len(at) < len(axes):
            left += [shape[axis] for axis in axes[len(at):]]
        elif any(isinstance(place, Range) for place in at):
            return tuple(left)
        return tuple(left)

    def _length(self, part: Range, whole: Dim) -> Dim:
        if part.low is None and part.high is None:
            return whole
        low = 0 if part.low is None else number(part.low, self.convention.sizes)
        high = number(part.high, self.convention.sizes) if part.high is not None else whole
        if isinstance(high, Length):
            raise ShapeError("a part of an axis whose length is not known")
        return len(range(low, high, part.step))

    def _at(self, tree: At) -> Dims:
        shape = self.of(tree.of)
        if len(tree.at) == 1 and 1 in shape[-2:] and len(shape) == 2:
            shape = (shape[0] if shape[1] == 1 else shape[1],)
        return self._matrix(self._read(tree.at, shape))

    # --- operations -----------------------------------------------------------------------------

    def _unary(self, tree: Unary) -> Dims:
        shape = self.of(tree.of)
        if tree.sign == "T":
            return (*shape[:-2], shape[-1], shape[-2])
        if tree.sign == "inv" and not unify(shape[-1], shape[-2]):
            raise ShapeError(f"the inverse of a matrix of shape {shown(shape)}")
        return shape

    def _binary(self, tree: Binary) -> Dims:
        left, right = self.of(tree.left), self.of(tree.right)
        if tree.sign == "⊗":
            return self._kronecker(left, right)
        if is_scalar(right):
            return left
        if tree.sign == "/":
            raise ShapeError(f"division by what has the shape {shown(right)}")
        if is_scalar(left):
            return right
        return self._product(left, right) if tree.sign == "·" else self.together(left, right)

    def _product(self, left: Dims, right: Dims) -> Dims:
        if not unify(left[-1], right[-2]):
            raise ShapeError(f"a product of shapes {shown(left)} and {shown(right)}")
        return (*self._stacks(left[:-2], right[:-2]), left[-2], right[-1])

    def _stacks(self, left: Dims, right: Dims) -> Dims:
        """Stacks of matrices go along; one matrix goes with each of a stack."""
        short, long = sorted((left, right), key=len)
        if short and not all(map(unify, short, long[len(long) - len(short):])):
            raise ShapeError(f"stacks of {shown(left)} and of {shown(right)} matrices")
        return long

    def together(self, left: Dims, right: Dims) -> Dims:
        """The shape of what is combined entry by entry."""
        if is_scalar(left) or is_scalar(right):
            return right if is_scalar(left) else left
        stack = self._stacks(left[:-2], right[:-2])
        pair = left[-2:], right[-2:]
        for one, other in (pair, pair[::-1]):
            if self._repeats(one, other):
                return (*stack, *other)
        if not all(map(unify, *pair)):
            raise ShapeError(f"shapes {shown(left)} and {shown(right)}, entry by entry")
        return (*stack, *left[-2:])

    def _repeats(self, vector: Dims, matrix: Dims) -> bool:
        """Whether a vector stands for a matrix with equal rows, or columns, by the convention."""
        if self.convention.repeated is None:
            return False
        short, along = (0, 1) if self.convention.repeated == "row" else (1, 0)
        return vector[short] == 1 and matrix[short] != 1 and unify(vector[along], matrix[along])

    def _kronecker(self, left: Dims, right: Dims) -> Dims:
        sizes = [(one.found if isinstance(one, Length) else one,
                  other.found if isinstance(other, Length) else other)
                 for one, other in zip(left, right, strict=True)]
        return tuple(one * other if isinstance(one, int) and isinstance(other, int) else Length()
                     for one, other in sizes)

    def _power(self, tree: Power) -> Dims:
        base = self.of(tree.base)
        exponent = self.of(tree.exponent)
        if not tree.entrywise and is_scalar(exponent) and not is_scalar(base):
            raise ShapeError(f"a power of an array of shape {shown(base)} that is not ∘")
        return self.together(base, exponent)

    def _call(self, tree: Call) -> Dims:
        shapes = [self.of(part) for part in tree.of]
        first = shapes[0]
        if tree.function == "diag":
            if 1 not in first[-2:]:
                raise ShapeError(f"diag of an array of shape {shown(first)}")
            size = first[-2] if first[-1] == 1 else first[-1]
            return size, size
        if tree.function == "vec":
            sizes = [d.found if isinstance(d, Length) else d for d in first]
            return (sizes[0] * sizes[1] if isinstance(sizes[0], int) and isinstance(sizes[1], int)
                    else Length()), 1
        if tree.function in ("det", "tr"):
            if not unify(first[-2], first[-1]):
                raise ShapeError(f"{tree.function} of a matrix of shape {shown(first)}")
            return SCALAR
        for other in shapes[1:]:
            first = self.together(first, other)
        return first

    # --- Σ and conditions -----------------------------------------------------------------------

    def _sum(self, tree: Sum) -> Dims:
        shape, ranges = self._bound((tree.index,), (tree.bound,), tree.of)
        tree.ranges[:] = ranges[tree.index]
        return shape

    def _most(self, tree: Most) -> Dims:
        shape, ranges = self._bound(tree.indices, tree.bounds, tree.of)
        tree.ranges.update(ranges)
        return shape

    def _bound(
        self, names: Sequence[str], bounds: Sequence[Tree | None], of: Tree
    ) -> tuple[Dims, dict[str, list[Dim]]]:
        outer = {name: self.ranges.get(name) for name in names}
        self.ranges.update({name: [] for name in names})
        shape = self.of(of)
        found = {name: self.ranges.pop(name) for name in names}
        self.ranges.update({name: was for name, was in outer.items() if was is not None})
        for (name, lengths), bound in zip(found.items(), bounds, strict=True):
            if bound is not None:
                lengths[:] = [number(bound, self.convention.sizes)]
            if not lengths:
                raise ReadBackError(f"over what {name} runs is not said")
        return shape, found

    def _comparison(self, tree: Comparison) -> Dims:
        shape = self.of(tree.sides[0])
        for side in tree.sides[1:]:
            shape = self.together(shape, self.of(side))
        return shape

    def _joined(self, tree: Joined) -> Dims:
        shape = self.of(tree.of[0])
        for part in tree.of[1:]:
            shape = self.together(shape, self.of(part))
        return shape

    def _cases(self, tree: Cases) -> Dims:
        shape = SCALAR
        for value, condition in tree.of:
            shape = self.together(shape, self.of(value))
            if condition is not None:
                shape = self.together(shape, self.of(condition))
        return shape


def is_scalar(dims: Dims) -> bool:
    return all(dim == 1 for dim in dims)


def number(tree: Tree, known: Mapping[str, int]) -> int:
    """A place as a number; ReadBackError where a name in it has none."""
    if isinstance(tree, Number) and tree.value.denominator == 1:
        return int(tree.value)
    if isinstance(tree, Constant) and tree.name in known:
        return known[tree.name]
    if isinstance(tree, Unary) and tree.sign == "-":
        return -number(tree.of, known)
    if isinstance(tree, Binary) and tree.sign in "+-·/":
        left, right = number(tree.left, known), number(tree.right, known)
        if tree.sign == "/":
            return left // right
        return {"+": left + right, "-": left - right, "·": left * right}[tree.sign]
    raise ReadBackError(f"no place: {tree}")
