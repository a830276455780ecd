"""What a formula says, as a tree.

    ∂L/∂W = Xᵀ δ   ->   Statement(Entry("dW"), Binary("·", Transpose(Entry("X")), Entry("d")))

Lengths that a text does not state (of 1 and of I) are :class:`Length` objects, which
:mod:`shapes` finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias


class ReadBackError(ValueError):
    """A formula that cannot be read, or is no matrix algebra under its convention."""


class Length:
    """A length that is not known yet; one that was set to another is the same as that."""

    def __init__(self) -> None:
        self.same: Length | int | None = None

    @property
    def found(self) -> Length | int:
        here: Length | int = self
        while isinstance(here, Length) and here.same is not None:
            here = here.same
        return here


@dataclass(frozen=True)
class Number:
    value: Fraction


@dataclass(frozen=True)
class Constant:
    """A scalar that is known by its name: a size, an index, π, e."""

    name: str


@dataclass(frozen=True)
class Ones:
    """The column of ones; `length` is that of its only long axis."""

    length: Length = field(default_factory=Length, compare=False)


@dataclass(frozen=True)
class Eye:
    """The identity; with `commutes`, the commutation matrix of vec."""

    size: Length = field(default_factory=Length, compare=False)
    commutes: bool = False


@dataclass(frozen=True)
class Range:
    """low:high:step, the whole axis where both ends are None."""

    low: Tree | None
    high: Tree | None
    step: int = 1


@dataclass(frozen=True)
class Entry:
    """An array, or what it holds at `at`, the places along its first axes."""

    array: str
    at: tuple[Tree | Range, ...] = ()


@dataclass(frozen=True)
class At:
    """An entry of something that is not an array's name: (log softmax(Z))ᵢⱼ."""

    of: Tree
    at: tuple[Tree | Range, ...]


@dataclass(frozen=True)
class Unary:
    """-, T (transposed), inv, sqrt."""

    sign: str
    of: Tree


@dataclass(frozen=True)
class Binary:
    """+, -, · (written side by side), ⊙, ⊘, / (by a scalar), ⊗."""

    sign: str
    left: Tree
    right: Tree


@dataclass(frozen=True)
class Power:
    """A power; of every entry where `entrywise`."""

    base: Tree
    exponent: Tree
    entrywise: bool


@dataclass(frozen=True)
class Call:
    """A function of what stands in brackets; softmax may name an axis and the places it is of."""

    function: str
    of: tuple[Tree, ...]
    axis: int | None = None
    where: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Sum:
    """Σ over an index, below `bound` where that is said; `ranges` are the lengths of the axes that
    are read at it."""

    index: str
    of: Tree
    bound: Tree | None = None
    ranges: list[Length | int] = field(default_factory=list, compare=False)


@dataclass(frozen=True)
class Most:
    """The maximum over indices of a body where conditions hold; `place`: where it is attained."""

    indices: tuple[str, ...]
    where: tuple[Tree, ...]
    of: Tree
    place: bool
    bounds: tuple[Tree | None, ...] = ()
    ranges: dict[str, list[Length | int]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Comparison:
    """a < b <= c ..., 1 where it holds."""

    signs: tuple[str, ...]
    sides: tuple[Tree, ...]


@dataclass(frozen=True)
class Joined:
    """Comparisons of which all ("and") or some ("or") hold."""

    word: str
    of: tuple[Tree, ...]


@dataclass(frozen=True)
class Cases:
    """Values with their conditions, the first that holds; None is "otherwise"."""

    of: tuple[tuple[Tree, Tree | None], ...]


Tree: TypeAlias = (
    Number | Constant | Ones | Eye | Entry | At | Unary | Binary | Power | Call | Sum | Most
    | Comparison | Joined | Cases
)


@dataclass(frozen=True)
class Statement:
    """left = right; `left` is an array, or an entry of it at free indices."""

    left: Entry
    right: Tree
