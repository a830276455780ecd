"""What networks and models are told, checked: sizes, choices, activations, notation, numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import sympy as sp

from ..functions import Opaque
from ..layers import options
from ..layers.options import OptionError
from ..text.formula import parse_formula

T = TypeVar("T")


class NetworkError(ValueError):
    """A network or model that cannot be built; `key` names the setting at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key


def told(key: str, read: Callable[[Any], T], value: Any) -> T:
    """read(value); what it complains of is a NetworkError with the key."""
    try:
        return read(value)
    except OptionError as error:
        raise NetworkError(key + error.at, str(error)) from None
    except ValueError as error:
        raise NetworkError(key, str(error)) from None


def check_size(key: str, size: object) -> None:
    """A positive integer, or the name of a size."""
    told(key, options.size, size)


def check_name(key: str, name: str) -> None:
    """A name that Python source can use, too."""
    told(key, options.python_name, name)


def check_apart(key: str, name: object, taken: Mapping[str, str] | Collection[str]) -> None:
    """A name that means nothing else: `taken` has names, and what they mean."""
    if isinstance(name, str) and name in taken:
        what = taken[name] if isinstance(taken, Mapping) else "an array"
        raise NetworkError(key, f"{name!r} is {what} already; choose another name")


def choice(key: str, value: object, known: Iterable[str]) -> None:
    """One of the known words."""
    words = sorted(known)
    if not isinstance(value, str) or value not in words:
        near = get_close_matches(str(value), words, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise NetworkError(key, f"expected one of {words}, got {value!r}{hint}")


def number(key: str, value: object) -> sp.Rational:
    """A finite number as it is written: 0.1 is 1/10."""
    return told(key, options.number, value)


def activation_function(name: str, key: str = "activation") -> type[Opaque] | None:
    """The function of an activation: a name of ``ACTIVATIONS``, or a formula in ``z``.

    None is the identity.  Raises NetworkError with the nearest name for a word that is neither.

    >>> activation_function("z*tanh(z)").definition
    z*tanh(z)
    >>> activation_function("tahn")
    Traceback (most recent call last):
    gradproof.symbolic.specs.checks.NetworkError: activation: unknown activation 'tahn': ...
    """
    return told(key, lambda value: options.activation(value, parse_formula), name)


def check_notation(
    notation: Mapping[str, Any], letters: Mapping[str, str], sizes: Collection[str]
) -> None:
    """Symbols that are words, of arrays that are there, and each for one thing.

    `letters` has the letter that each array is written with where no symbol is asked for.
    """
    symbols = _asked_symbols(notation, letters)
    used = {**letters, "Y": notation.get("target", letters.get("Y", "y")), **symbols}
    loss, target = notation.get("loss", "L"), used["Y"]
    for name, symbol in (("loss", loss), ("target", target)):
        _check_word(f"notation.{name}", symbol)
    owners = _owners(used, symbols, sizes)
    if "loss" in notation and loss in owners:
        raise NetworkError("notation.loss", f"{loss!r} is the symbol of {owners[loss]} already; "
                           "choose another one")
    others = {letter for array, letter in letters.items() if array != "Y" and array not in symbols}
    if "target" in notation and target in others | {loss, *sizes, *ADJOINTS}:
        raise NetworkError("notation.target", f"{target!r} is the symbol of another array, a size "
                           "or the loss already; choose another one")


ADJOINTS = ("delta", "δ")
"""What adjoints are written with."""


def _asked_symbols(notation: Mapping[str, Any], letters: Mapping[str, str]) -> Mapping[str, str]:
    """The symbols asked for, of arrays that are there."""
    for key in notation:
        if key not in ("loss", "target", "symbols"):
            raise NetworkError(f"notation.{key}", "unknown key; expected loss, target or symbols")
    symbols: Any = notation.get("symbols", {})
    if not isinstance(symbols, Mapping):
        raise NetworkError("notation.symbols", "expected a table such as { A1 = \"h\" }, got "
                           f"{symbols!r}")
    for array, symbol in symbols.items():
        _check_word(f"notation.symbols.{array}", symbol)
        if array not in letters:
            near = get_close_matches(array, list(letters), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {list(letters)}"
            raise NetworkError(f"notation.symbols.{array}", f"there is no such array; {hint}")
    return symbols


def _check_word(key: str, symbol: object) -> None:
    if not isinstance(symbol, str) or not symbol.isalpha() or len(symbol) > 10:
        raise NetworkError(key, f"expected a letter or a word, got {symbol!r}")


def _owners(
    used: Mapping[str, str], symbols: Mapping[str, str], sizes: Collection[str]
) -> dict[str, str]:
    """What each symbol stands for, in upper and lower case; NetworkError where two claim one."""
    owners = dict.fromkeys(ADJOINTS, "the adjoints")
    owners |= dict.fromkeys(sizes, "a size")
    for array, symbol in used.items():
        if array not in symbols:
            owners |= dict.fromkeys(_cases(symbol), array)
    for array, symbol in symbols.items():
        taken = _cases(symbol) & owners.keys()
        if taken:
            raise NetworkError(f"notation.symbols.{array}", f"{symbol!r} is the symbol of "
                               f"{owners[min(taken)]} already; choose another one")
        owners |= dict.fromkeys(_cases(symbol), array)
    return owners


def _cases(symbol: str) -> set[str]:
    return {symbol, symbol.upper(), symbol.lower()}
