"""Options of layers: what each may be, and how it is read.

A check takes a plain value (a number, a word, true or false, a list of those), whichever door it
came through, and returns it as it is used; an :class:`OptionError` says what was expected, and the
door adds the key or the place in the text.

>>> whole(1)(2), number(0.1), between(0, 1)(0.75)
(2, 1/10, 3/4)
>>> between(0, 1)(2)
Traceback (most recent call last):
gradproof.symbolic.layers.options.OptionError: expected a number above 0 and at most 1, got 2
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeAlias

import sympy as sp

from ..equation import Size
from ..functions import ACTIVATIONS, Opaque, Z, scalar_function
from ..limits import LimitError
from ..limits import number as written
from ..shapes import parse_shape

Parse: TypeAlias = Callable[[str], sp.Expr]
"""Reads a formula in z; a door brings it, since the grammar of formulas lies above this room."""


class OptionError(ValueError):
    """A value that an option cannot have; `at` is the entry at fault of one that is a list."""

    def __init__(self, message: str, at: str = "") -> None:
        super().__init__(message)
        self.at = at


class Required:
    """Stands for the default of an option that has none."""


@dataclass(frozen=True)
class Option:
    """A check, which returns the value as it is used or raises OptionError, and a default."""

    check: Callable[[Any], Any]
    default: Any = Required

    def read(self, value: Any, parse: Parse) -> Any:
        """The value as it is used."""
        return self.check(value)


@dataclass(frozen=True)
class FunctionOption(Option):
    """An activation: its name, or a formula in z, for which a check needs the door's grammar."""

    check: Callable[[Any], Any] = str

    def read(self, value: Any, parse: Parse) -> type[Opaque] | None:
        """The function; None for the identity."""
        return activation(value, parse)


def whole(least: int) -> Callable[[Any], int]:
    """A whole number of at least `least`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"expected a whole number of {least} or more, got {value!r}")
        return value

    return check


def integer(value: Any) -> int:
    """Any whole number: an axis, counted from behind where it is negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise OptionError(f"expected a whole number, got {value!r}")
    return value


def number(value: Any) -> sp.Rational:
    """A finite number as it is written: 0.1 is 1/10."""
    if isinstance(value, sp.Rational):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise OptionError(f"expected a number, got {value!r}")
    try:
        exactly = written(value)
    except LimitError as error:
        raise OptionError(str(error)) from None
    except ValueError:
        raise OptionError(f"expected a finite number, got {value}") from None
    return sp.Rational(exactly.numerator, exactly.denominator)


def between(low: int, high: int | None) -> Callable[[Any], sp.Rational]:
    """A number above `low` and at most `high`."""

    def check(value: Any) -> sp.Rational:
        found = number(value)
        if found <= low or (high is not None and found > high):
            above = "" if high is None else f" and at most {high}"
            raise OptionError(f"expected a number above {low}{above}, got {value}")
        return found

    return check


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise OptionError(f"expected true or false, got {value!r}")
    return value


def python_name(value: str) -> str:
    """A name that Python source can use, too."""
    if not value.isidentifier():
        raise OptionError(f"expected a name such as 'n', got {value!r}")
    if keyword.iskeyword(value):
        raise OptionError(f"{value!r} is a word of Python; choose another name")
    return value


def size(value: Any) -> Size:
    """A positive integer, or the name of a size."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise OptionError(f"expected a positive integer or the name of a size, got {value!r}")
    if isinstance(value, int) and value < 1:
        raise OptionError(f"expected a positive integer, got {value}")
    return shape(python_name(value) if isinstance(value, str) else str(value))[0]


def shape(value: Any) -> tuple[Size, ...]:
    """A shape as text: "m 2*n"."""
    try:
        return parse_shape(value)
    except ValueError as error:
        raise OptionError(str(error)) from None


def kernel(value: Any) -> int | tuple[int, ...]:
    """One size for all axes, or one for each."""
    return _each(value) if _is_list(value) else whole(1)(value)


def sizes(value: Any) -> tuple[int, ...]:
    """Two sizes or more."""
    if not _is_list(value) or len(value) < 2:
        raise OptionError(f"expected a list of two or more sizes, got {value!r}")
    return _each(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _each(value: Sequence[Any]) -> tuple[int, ...]:
    found = []
    for place, part in enumerate(value):
        try:
            found.append(whole(1)(part))
        except OptionError as error:
            raise OptionError(str(error), f"[{place}]") from None
    return tuple(found)


def activation(value: Any, parse: Parse) -> type[Opaque] | None:
    """The function of an activation: a name of ``ACTIVATIONS``, or a formula in ``z``.

    None is the identity.  Raises OptionError with the nearest name for a word that is neither.
    """
    if not isinstance(value, str):
        raise OptionError(f"expected a name or a formula in z, got {value!r}")
    if value in ACTIVATIONS:
        return ACTIVATIONS[value]
    if value.strip().isidentifier() and value.strip() != "z":
        near = get_close_matches(value, [*ACTIVATIONS, "softmax"], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise OptionError(f"unknown activation {value!r}: expected one of {sorted(ACTIVATIONS)} or "
                          f"a formula in z such as 'z/(1 + exp(-z))'{hint}")
    try:
        definition = parse(value)
    except ValueError as error:
        raise OptionError(f"{value!r} is no formula in z: {error}") from None
    if definition == Z:
        return None
    if not definition.has(Z):
        raise OptionError(f"{value!r} does not depend on z")
    if isinstance(definition, Opaque) and definition.args[0] == Z:
        return type(definition)
    return scalar_function("f", definition, "f")
