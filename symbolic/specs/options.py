"""Options of layers: a check for each kind, which returns the value as it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..equation import Size
from ..functions import Opaque
from ..shapes import parse_shape
from .checks import NetworkError, activation_function, check_size, number


class Required:
    """Stands for the default of an option that has none."""


@dataclass(frozen=True)
class Option:
    """A check, which returns the value as it is used or raises NetworkError, and a default."""

    check: Callable[[str, Any], Any]
    default: Any = Required


def whole(least: int) -> Callable[[str, Any], int]:
    """A whole number of at least `least`."""

    def check(key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise NetworkError(key, f"expected a whole number of {least} or more, got {value!r}")
        return value

    return check


def integer(key: str, value: Any) -> int:
    """Any whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise NetworkError(key, f"expected a whole number, got {value!r}")
    return value


def size(key: str, value: Any) -> Size:
    """A number, or the name of a size."""
    check_size(key, value)
    return parse_shape(str(value))[0]


def flag(key: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise NetworkError(key, f"expected true or false, got {value!r}")
    return value


def between(low: int, high: int | None) -> Callable[[str, Any], sp.Rational]:
    """A number above `low` and at most `high`."""

    def check(key: str, value: Any) -> sp.Rational:
        found = number(key, value)
        if found <= low or (high is not None and found > high):
            above = "" if high is None else f" and at most {high}"
            raise NetworkError(key, f"expected a number above {low}{above}, got {value}")
        return found

    return check


def shape(key: str, value: Any) -> tuple[Size, ...]:
    """A shape as text."""
    try:
        return parse_shape(value)
    except ValueError as error:
        raise NetworkError(key, str(error)) from None


def kernel(key: str, value: Any) -> int | tuple[int, ...]:
    """One size for all axes, or one for each."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(whole(1)(f"{key}[{place}]", size) for place, size in enumerate(value))
    return whole(1)(key, value)


def sizes(key: str, value: Any) -> tuple[int, ...]:
    """Two sizes or more."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) < 2:
        raise NetworkError(key, f"expected a list of two or more sizes, got {value!r}")
    return tuple(whole(1)(f"{key}[{place}]", size) for place, size in enumerate(value))


def function(key: str, value: Any) -> type[Opaque] | None:
    """A name or a formula of an activation; None for the identity."""
    return activation_function(value, key)
