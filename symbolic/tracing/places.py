"""Integer arrays that name places: labels, aranges, what is computed of them, and constants.

A subscript of the equations is affine in indices, or the entry of an integer array.  So an array
of places is what its entry is at given indices: of ``np.arange(m)[:, None] + 1`` it is i + 1.
Where an axis is a flattened one (labels made flat, the index trick of im2col) its index is written
in digits: of ``np.repeat(np.arange(3), 4)`` the entry is the higher digit of 4 a + b.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy as sp

from ..equation import (
    INDEX_VALUE,
    Equal,
    Guard,
    Index,
    Read,
    Size,
    Subscript,
    Within,
    index_symbol,
    slot,
)
from ..layers.builder import Operand
from .session import Session
from .sizes import SizeRange

Digits: TypeAlias = tuple[sp.Expr, ...]


@dataclass(frozen=True)
class Places:
    """An array of places.

    splits: of each axis the sizes of the digits, the highest first, that its index is made of.
    entry: the subscript, of the digits of each axis.  fixes: the axes, counted from the last as -1,
    whose index the places tell: nothing stands twice along them.
    """

    shape: tuple[Size, ...]
    splits: tuple[tuple[Size, ...], ...]
    entry: Callable[[Sequence[Digits]], Subscript]
    fixes: frozenset[int] = frozenset()


def places_of(session: Session, value: Any) -> Places | None:
    """The places that an arange or a traced array of integers names; None for what is none."""
    if isinstance(value, (SizeRange, range)):
        size = value.size if isinstance(value, SizeRange) else sp.Integer(len(value))
        if isinstance(value, range) and value != range(len(value)):
            return None
        return Places((size,), ((size,),), lambda digits: digits[0][0], frozenset({-1}))
    operand: Operand = value.operand
    source = session.flattened.get(operand.name)
    if source is not None and source.name in session.integers:
        return _flattened(operand.shape, source)
    at = tuple(index_symbol(f"axis{k}") for k in range(operand.ndim))
    found = integer_entry(session, operand, at)
    if found is None:
        return None
    moving = [k - operand.ndim for k, size in enumerate(operand.shape) if size != 1]
    told = not isinstance(found, Read) and len(moving) == 1 and (
        found.coeff(at[moving[0]]).is_nonzero)
    return Places(
        operand.shape, tuple((size,) for size in operand.shape),
        lambda digits: moved(found, dict(zip(at, (d for d, in digits), strict=True))),
        frozenset(moving if told else ()))


def _flattened(shape: tuple[Size, ...], source: Operand) -> Places:
    """Labels of several axes made one, between axes of size one."""
    wide = tuple(size for size in source.shape if size != 1)

    def entry(digits: Sequence[Digits]) -> Subscript:
        left = iter(next(digits[k] for k, size in enumerate(shape) if size != 1))
        return Read(source.name, tuple(
            sp.S.Zero if size == 1 else next(left) for size in source.shape))

    return Places(shape, tuple((size,) if size == 1 else wide for size in shape), entry)


def integer_entry(
    session: Session, operand: Operand, at: tuple[Subscript, ...]
) -> Subscript | None:
    """What an array's entry at `at` is, where that is an expression in indices or the entry of an
    integer input; None where it is neither."""
    if operand.name in session.integers:
        return Read(operand.name, at)
    made = session.equation(operand.name)
    if made is None or not made.is_pointwise:
        return None
    (term,) = made.terms
    by = {index.symbol: entry for index, entry in zip(made.out, at, strict=True)}
    entries: list[Subscript] = []
    for read in term.reads:
        places = tuple(moved(entry, by) for entry in read.at)
        found = None if None in places else places[0] if read.array == INDEX_VALUE else (
            integer_entry(session, Operand(read.array, (sp.S.One,) * len(places)), places))
        if found is None:
            return None
        entries.append(found)
    if term.body == slot(0):
        return entries[0]
    if any(isinstance(entry, Read) for entry in entries):
        return None
    value = sp.expand(term.body.xreplace({slot(k): entry for k, entry in enumerate(entries)}))
    return value if value.is_integer and _is_affine(value, at) else None


def _is_affine(value: sp.Expr, at: Sequence[Subscript]) -> bool:
    """Whether a value is of the first degree in the indices of the subscripts."""
    indices = [symbol for entry in at if isinstance(entry, sp.Expr)
               for symbol in entry.free_symbols if not symbol.is_positive]
    return all(sp.diff(value, one, other) == 0 for one in indices for other in indices)


def moved(entry: Subscript, by: dict[sp.Symbol, Any]) -> Any:
    """The subscript with other indices; None where one of them is an entry of an array, and what
    is computed of that has no form."""
    if isinstance(entry, Read):
        inner = [moved(place, by) for place in entry.at]
        return None if any(place is None for place in inner) else Read(entry.array, tuple(inner))
    if entry in by:
        return by[entry]
    if any(isinstance(by[symbol], Read) for symbol in entry.free_symbols & by.keys()):
        return None
    return sp.expand(entry.xreplace(by))


def comparing(operator: str, left: Subscript, right: Subscript, out: Sequence[Index]) -> Guard:
    """The guard [left operator right], where `operator` is ==, <, <=, > or >=."""
    if operator == "==":
        return Equal(left, right)
    assert not isinstance(left, Read)
    assert not isinstance(right, Read)
    small, large = (left, right) if operator in ("<", "<=") else (right, left)
    beyond = {index.symbol: index.size - 1 if large.coeff(index.symbol).is_positive else sp.S.Zero
              for index in out}
    low = small if operator in ("<=", ">=") else small + 1
    return Within(low, large, sp.expand(large.xreplace(beyond)) + 1)
