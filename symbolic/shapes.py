"""Shapes as text: "m n" is a matrix with m rows and n columns."""

from __future__ import annotations

import keyword
import re

import sympy as sp

from .equation import Size, size_symbol


class ShapeTextError(ValueError):
    """Text that is no shape; the message says what one looks like."""


def parse_shape(text: str) -> tuple[Size, ...]:
    """The sizes named in `text`, separated by spaces.

    >>> parse_shape("m 3")
    (m, 3)

    A name is a symbolic size, the same wherever it stands; a number is a fixed size; 1 is an axis
    that broadcasts; empty text is the shape of a scalar.  A product such as 2*n, or a group such as
    (h d), is one axis of so many entries.
    """
    if not isinstance(text, str):
        raise ShapeTextError(
            f'a shape is text such as "m n", got {type(text).__name__}: {text!r:.60}'
        )
    if "," in text:
        plain = " ".join(text.translate(_TUPLE).split())
        raise ShapeTextError(
            f'shape {text!r:.60}: sizes are separated by spaces; write "{plain:.60}"'
        )
    words = _WORDS.findall(text)
    if "".join(words).replace(" ", "") != text.replace(" ", ""):
        raise ShapeTextError(f"shape {text!r:.60}: expected sizes and groups of sizes, such as "
                             '"m 3", "m 2*n" or "m (h d)", one axis of h*d entries')
    return tuple(
        sp.Mul(*(_size(part, text) for part in re.split(r"[\s*]+", word.strip("() "))))
        for word in words
    )


_TUPLE = str.maketrans("(),", "   ")
_WORDS = re.compile(r"\([^()*]+\)|[^\s()*]+(?:\*[^\s()*]+)*")


def _size(word: str, text: str) -> Size:
    if word.isascii() and word.isdigit() and len(word) < 10:
        if int(word) == 0:
            raise ShapeTextError(f"shape {text!r:.60}: a size is at least 1, got {word}")
        return sp.Integer(word)
    if word.isidentifier() and not word.startswith("_") and not keyword.iskeyword(word):
        return size_symbol(word)
    raise ShapeTextError(
        f"shape {text!r:.60}: {word!r:.40} is neither a name such as m nor a number such as 3"
    )
