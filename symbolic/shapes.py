"""Shapes as text: "m n" is a matrix with m rows and n columns."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping

import sympy as sp

from .equation import Size, size_symbol


def axis_names(count: int, letters: str = "ijklpqrs") -> tuple[str, ...]:
    """Index names for the axes of an array that have none: i, j, k, ..., and numbered ones where
    letters run out."""
    return tuple(letters[place] if place < len(letters) else f"i{place}" for place in range(count))


class ShapeTextError(ValueError):
    """Text that is no shape; the message says what one looks like."""


def parse_shape(text: str) -> tuple[Size, ...]:
    """The sizes named in `text`, separated by spaces.

    >>> parse_shape("m 3"), parse_shape("n+1 2*n n-k")
    ((m, 3), (n + 1, 2*n, -k + n))

    A name is a symbolic size, the same wherever it stands; a number is a fixed size; 1 is an axis
    that broadcasts; empty text is the shape of a scalar.  A sum, a difference or a product such as
    2*n+1 (without spaces), or a group such as (h d), is one axis of so many entries.  A name may
    have a least value: n>=2.
    """
    return tuple(size for size, _ in _words(text))


def least_sizes(text: str) -> tuple[tuple[str, int], ...]:
    """The least values that a shape states for its names.

    >>> least_sizes("m n>=2")
    (('n', 2),)
    """
    return tuple((str(size), least) for size, least in _words(text) if least is not None)


def never_negative(
    value: sp.Expr, sizes: Iterable[Size] = (), least: Mapping[str, int] | None = None
) -> bool:
    """Whether a number made of sizes is >= 0 wherever `sizes` are positive, from `least` values on.

    >>> m, n, k = map(size_symbol, "mnk")
    >>> never_negative(n - 2), never_negative(n - 2, least={"n": 2})
    (False, True)
    >>> never_negative(n - k, sizes=[n - k])
    True
    """
    found = from_least(value, least or {})
    for size in sizes:  # n - k = p, so n is k + p
        size = from_least(size, least or {})
        leading = [symbol for symbol in sorted(size.free_symbols, key=str)
                   if size.coeff(symbol) == 1 and sp.diff(size, symbol) == 1]
        if size.is_positive is None and leading:
            rest = size_symbol(f"{leading[0]}_left") + leading[0] - size
            found = sp.expand(found.xreplace({leading[0]: rest}))
    return bool(found.is_nonnegative)


def from_least(value: sp.Expr, least: Mapping[str, int]) -> sp.Expr:
    """A number made of sizes that are `least` or more, in sizes that are 1 or more.

    >>> from_least(size_symbol("n") - 1, {"n": 2})
    n
    """
    by = {size_symbol(name): size_symbol(name) + number - 1 for name, number in least.items()}
    return sp.expand(value.xreplace(by))


def _words(text: str) -> list[tuple[Size, int | None]]:
    """Each size with its least value, if it states one."""
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
    if "".join(words).replace(" ", "") != text.replace(" ", ""):  # a bracket without its partner
        raise _misfit(text, text)
    return [_axis(word, text) for word in words]


_TUPLE = str.maketrans("(),", "   ")
_WORDS = re.compile(r"(?:\([^()]*\)|[^\s()])+")
_LEAST = re.compile(r"(\w+)>=(\d{1,9})")
_TOKENS = re.compile(r"[()+*-]|[^\s()+*-]+|\s+")


def _axis(word: str, text: str) -> tuple[Size, int | None]:
    least = _LEAST.fullmatch(word)
    if least is not None and not least[1].isdigit():
        if int(least[2]) == 0:
            raise ShapeTextError(f"shape {text!r:.60}: a size is at least 1, got {word}")
        return _size(least[1], text), int(least[2])
    found = _sum(word, text)
    if found.is_Integer and found < 1:
        raise ShapeTextError(f"shape {text!r:.60}: a size is at least 1, got {word}")
    return found, None


def _sum(word: str, text: str) -> Size:
    """A sum of products of names, numbers and groups; in a group, a space multiplies."""
    total, sign, factors = sp.S.Zero, 1, list[Size]()
    rest = word
    awaits = True  # a factor
    while rest:
        if rest[0] == "(":
            inside, _, rest = rest[1:].partition(")")
            factors.append(_sum(re.sub(r"\s*([+*-])\s*", r"\1", inside.strip()), text))
            awaits = False
            continue
        token = _TOKENS.match(rest)
        assert token is not None
        part, rest = token[0], rest[token.end():]
        if part in ("+", "-", "*") or part.isspace():
            if awaits:
                raise _misfit(word, text)
            awaits = True
            if part in ("+", "-"):
                total += sign * sp.Mul(*factors)
                sign, factors = (1 if part == "+" else -1), []
        else:
            factors.append(_size(part, text))
            awaits = False
    if awaits:
        raise _misfit(word, text)
    return sp.expand(total + sign * sp.Mul(*factors))


def _size(word: str, text: str) -> Size:
    if word.isascii() and word.isdigit() and len(word) < 10:
        if int(word) == 0:
            raise ShapeTextError(f"shape {text!r:.60}: a size is at least 1, got {word}")
        return sp.Integer(word)
    if word.isidentifier() and not word.startswith("_") and not keyword.iskeyword(word):
        return size_symbol(word)
    raise _misfit(word, text)


def _misfit(word: str, text: str) -> ShapeTextError:
    return ShapeTextError(
        f"shape {text!r:.60}: {word!r:.40} is neither a name such as m nor a number such as 3, "
        "nor made of sizes and groups of sizes, such as 2*n+1 or (h d)"
    )
