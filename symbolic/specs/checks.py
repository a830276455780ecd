"""What networks and models are told, checked: sizes, choices, activations, notation, numbers."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import sympy as sp

from ..functions import ACTIVATIONS, Opaque, Z, scalar_function
from ..text.statements import parse_formula


class NetworkError(ValueError):
    """A network or model that cannot be built; `key` names the setting at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key


def check_size(key: str, size: object) -> None:
    """A positive integer, or the name of a size."""
    if isinstance(size, bool) or not isinstance(size, int | str):
        raise NetworkError(key, f"expected a positive integer or the name of a size, got {size!r}")
    if isinstance(size, int) and size < 1:
        raise NetworkError(key, f"expected a positive integer, got {size}")
    if isinstance(size, str):
        check_name(key, size)


def check_name(key: str, name: str) -> None:
    """A name that Python source can use, too."""
    if not name.isidentifier():
        raise NetworkError(key, f"expected a name such as 'n', got {name!r}")
    if keyword.iskeyword(name):
        raise NetworkError(key, f"{name!r} is a word of Python; choose another name")


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
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise NetworkError(key, f"expected a number, got {value!r}")
    if not Decimal(str(value)).is_finite():
        raise NetworkError(key, f"expected a finite number, got {value}")
    return sp.Rational(str(value))


def activation_function(name: str, key: str = "activation") -> type[Opaque] | None:
    """The function of an activation: a name of ``ACTIVATIONS``, or a formula in ``z``.

    Raises NetworkError with the nearest name for a word that is neither.
    """
    if not isinstance(name, str):
        raise NetworkError(key, f"expected a name or a formula in z, got {name!r}")
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if name.strip().isidentifier() and name.strip() != "z":
        near = get_close_matches(name, [*ACTIVATIONS, "softmax"], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise NetworkError(key, f"unknown activation {name!r}: expected one of "
                           f"{sorted(ACTIVATIONS)} or a formula in z such as "
                           f"'z/(1 + exp(-z))'{hint}")
    try:
        definition = parse_formula(name)
    except ValueError as error:
        raise NetworkError(key, f"{name!r} is no formula in z: {error}") from None
    if definition == Z:
        return None
    if not definition.has(Z):
        raise NetworkError(key, f"{name!r} does not depend on z")
    if isinstance(definition, Opaque) and definition.args[0] == Z:
        return type(definition)
    return scalar_function("f", definition, "f")


def check_notation(
    notation: Mapping[str, Any], letters: Mapping[str, str], sizes: Collection[str]
) -> None:
    """Symbols that are words, of arrays that are there, and each for one thing.

    `letters` has the letter that each array is written with where no symbol is asked for.
    """
    for key in notation:
        if key not in ("loss", "target", "symbols"):
            raise NetworkError(f"notation.{key}", "unknown key; expected loss, target or symbols")
    symbols = notation.get("symbols", {})
    if not isinstance(symbols, Mapping):
        raise NetworkError("notation.symbols", "expected a table such as { A1 = \"h\" }, got "
                           f"{symbols!r}")
    used = {**letters, "Y": notation.get("target", letters.get("Y", "y")), **symbols}
    asked = {"loss": notation.get("loss", "L"), "target": used["Y"]}
    for name, symbol in [*asked.items(), *((f"symbols.{n}", s) for n, s in symbols.items())]:
        if not isinstance(symbol, str) or not symbol.isalpha() or len(symbol) > 10:
            raise NetworkError(f"notation.{name}", f"expected a letter or a word, got {symbol!r}")
    for array in symbols:
        if array not in letters:
            near = get_close_matches(array, list(letters), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {list(letters)}"
            raise NetworkError(f"notation.symbols.{array}", f"there is no such array; {hint}")
    owners = dict.fromkeys(("delta", "δ"), "the adjoints")
    owners |= dict.fromkeys(sizes, "a size")
    for array, symbol in used.items():
        if array not in symbols:
            owners |= dict.fromkeys((symbol, symbol.upper(), symbol.lower()), array)
    for array, symbol in symbols.items():
        forms = {symbol, symbol.upper(), symbol.lower()} & owners.keys()
        if forms:
            raise NetworkError(f"notation.symbols.{array}", f"{symbol!r} is the symbol of "
                               f"{owners[min(forms)]} already; choose another one")
        owners |= dict.fromkeys((symbol, symbol.upper(), symbol.lower()), array)
    if "loss" in notation and asked["loss"] in owners:
        raise NetworkError("notation.loss", f"{asked['loss']!r} is the symbol of "
                           f"{owners[asked['loss']]} already; choose another one")
    if "target" in notation and asked["target"] in (
        {letter for array, letter in letters.items() if array != "Y" and array not in symbols}
        | {asked["loss"], *sizes, "delta", "δ"}
    ):
        raise NetworkError("notation.target", f"{asked['target']!r} is the symbol of another "
                           "array, a size or the loss already; choose another one")
