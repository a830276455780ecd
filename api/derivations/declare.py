"""``gp.Array``: an input that is more than a shape."""

from __future__ import annotations

from typing import cast, get_args

from gradproof.symbolic.equation import Array as Declared
from gradproof.symbolic.equation import Kind, Size
from gradproof.symbolic.shapes import parse_shape


def Array(  # noqa: N802 - it reads as the class whose values it makes
    shape: str, sizes: tuple[Size, ...] | None = None, kind: str = "real",
    *, name: str = "", classes: str | Size | None = None,
) -> Declared:
    """An input of a shape and a kind; its name is that of the parameter it is given for.

    kind: "real", "positive" (entries > 0), "probability" and "one_hot" (rows, along the last axis,
        sum to one), "mask" (0 or 1), "constant" (not to be differentiated by), "integer", or
        "labels k" (integers below k); of square matrices "symmetric", "orthogonal" and
        "invertible".

    >>> Array("m k", kind="one_hot").kind
    'one_hot'

    With `sizes` given, the first argument is the name: ``Array("X", (m, n))``.  Raises ValueError
    for a kind that there is not, ShapeTextError for text that is no shape.
    """
    word, _, below = kind.partition(" ")
    kinds = get_args(Kind)
    if word not in kinds or (below and word != "labels"):
        raise ValueError(f"kind: expected one of {', '.join(kinds)} (or \"labels k\"), got "
                         f"{kind!r}")
    if below:
        classes = below
    if isinstance(classes, str):
        (classes,) = parse_shape(classes)
    if sizes is not None:
        name, made = shape, sizes
    else:
        made = parse_shape(shape)
    return Declared(name, made, cast(Kind, word), classes=classes)
