"""Shapes as text: "m n" is a matrix with m rows and n columns."""

from __future__ import annotations

import keyword

import sympy as sp

from .equation import Size, size_symbol


class ShapeTextError(ValueError):
    """Text that is no shape; the message says what one looks like."""


def parse_shape(text: str) -> tuple[Size, ...]:
    """The sizes named in `text`, separated by spaces.

    >>> parse_shape("m 3")
    (m, 3)

    A name is a symbolic size, the same wherever it stands; a number is a fixed size; 1 is an axis
    that broadcasts; empty text is the shape of a scalar.
    """
    if not isinstance(text, str):
        raise ShapeTextError(
            f'a shape is text such as "m n", got {type(text).__name__}: {text!r:.60}'
        )
    if "(" in text or ")" in text:
        hint = ""
        if "," in text:
            hint = f'; write "{" ".join(text.translate(_TUPLE).split())}" without punctuation'
        raise ShapeTextError(f"shape {text!r:.60}: groups of axes such as (h d) are not supported "
                             f"yet; give each axis its own size{hint}")
    if "," in text:
        plain = " ".join(text.replace(",", " ").split())
        raise ShapeTextError(
            f'shape {text!r:.60}: sizes are separated by spaces; write "{plain:.60}"'
        )
    return tuple(_size(word, text) for word in text.split())


_TUPLE = str.maketrans("(),", "   ")


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
