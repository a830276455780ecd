"""How large what comes from outside may be: text, numbers, files.  Every limit is here.

What is larger is refused with a message that has the limit in it, before any work whose cost grows
with it. Limits of work that a verdict depends on are counted where the work is done.
"""

from __future__ import annotations

import math
import os
import re
import stat
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

MAX_LENGTH = 50_000
"""Characters of the text of equations."""
MAX_DEPTH = 40
"""Parentheses, calls and powers within one another."""
MAX_DIGITS = 60
"""Digits of a number as it is written."""
MAX_EXPONENT = 400
"""Powers of ten of a number as it is written, and of what is computed from it."""
LARGEST = 10**308
"""Of the numbers that a formula is computed to have: NumPy's floats end there."""
MAX_FORMULA = 2000
"""Characters of an activation."""
MAX_PARTS = 3000
"""Nodes of a scalar expression."""
MAX_BRANCHES = 3
"""How deep maxima and conditions nest: SymPy orders the conditions of nested pieces by solving
inequalities, which takes seconds at a depth of five."""
MAX_QUANTITY = 1000
"""Characters of a quantity, of a claim and of a marker's comment."""
MAX_QUANTITY_PARTS = 200
"""Names, numbers and operations of a quantity."""
MAX_BITS = 4000
"""Bits of a fraction that is computed from a quantity's numbers."""
MAX_SPEC = 20_000_000
"""Bytes of a TOML file or a Python file."""
MAX_DOCUMENT = 50_000_000
"""Bytes of a document whose every character is looked at."""
MAX_NOTEBOOK = 200_000_000
"""Bytes of a notebook, most of which are outputs that are stepped over."""
MAX_MARKERS = 20_000
"""Markers of one document."""


class LimitError(ValueError):
    """Something larger than is borne; the message says how large it may be."""


def number(value: object) -> Fraction:
    """A finite number as it is written, of at most ``MAX_DIGITS`` digits and powers of ten within
    ``MAX_EXPONENT``: int, float (the shortest decimal that reads back), Decimal or text.

    Raises LimitError for a larger one, ValueError for what is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"expected a number, got {value!r:.60}")
    if isinstance(value, int):
        if value.bit_length() > 4 * MAX_EXPONENT:
            raise LimitError(f"a number is at most 1e{MAX_EXPONENT}")
        return Fraction(value)
    text = float.__repr__(value) if isinstance(value, float) else str(value)
    found = re.fullmatch(r"\s*[-+]?([0-9_]*\.?[0-9_]*)(?:[eE]([-+]?)0*([0-9]+))?\s*", text)
    if found is None or not found[1].strip("._"):
        raise ValueError(f"expected a finite number, got {shown(text)}")
    if len(found[1]) > MAX_DIGITS or len(found[3] or "") > 4:
        raise LimitError(f"a number has at most {MAX_DIGITS} digits and an exponent within "
                         f"{MAX_EXPONENT}, got {shown(text)}")
    exact = Decimal(text.strip())
    if exact and abs(exact.adjusted()) > MAX_EXPONENT:
        raise LimitError(f"a number has an exponent within {MAX_EXPONENT}, got {shown(text)}")
    return Fraction(exact if exact else 0)


def toml(data: bytes) -> dict[str, Any]:
    """A TOML file's tables, with numbers as they are written; a byte-order mark is let be.

    Raises ValueError for what is no TOML in UTF-8, is nested too deeply, or has a number that no
    limit lets through.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text (byte {error.start})") from None
    try:
        return tomllib.loads(text, parse_float=_decimal)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except LimitError:
        raise
    except ValueError as error:
        raise ValueError(f"is not valid TOML: {error}") from None


class _Written(Decimal):
    """A decimal that messages show as it is written."""

    def __repr__(self) -> str:
        return str(self)


def _decimal(text: str) -> Decimal:
    try:
        return _Written(text)
    except ArithmeticError:
        raise LimitError(f"a number has an exponent within {MAX_EXPONENT}, got "
                         f"{shown(text)}") from None


def shown(text: str) -> str:
    """A text in quotes, shortened, for a message."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def power_bits(base: Fraction, exponent: int) -> float:
    """About how many bits base**exponent has."""
    size = max(abs(base.numerator), base.denominator)
    return math.log2(size) * abs(exponent) if size else 0.0


def read_file(path: Path, most: int) -> bytes:
    """The bytes of a regular file.

    Raises LimitError for a file of more than `most` bytes, or for what is no file (a pipe, a
    device), which is not waited for; OSError for one that cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG((found := os.fstat(handle)).st_mode):
        os.close(handle)
        raise LimitError("is no regular file, but a folder, a pipe or a device")
    with os.fdopen(handle, "rb") as file:
        data = file.read(min(found.st_size, most) + 1)
    if len(data) > most:
        raise LimitError(f"is larger than {most:,} bytes")
    return data
