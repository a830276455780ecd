"""``gp.Array``: an input that is more than a shape."""

from __future__ import annotations

from typing import cast, get_args

import sympy as sp

from gradproof.symbolic.equation import Array as Declared
from gradproof.symbolic.equation import Kind, Size
from gradproof.symbolic.shapes import least_sizes, parse_shape


def Array(  # noqa: N802 - it reads as the class whose values it makes
    shape: str, sizes: tuple[Size, ...] | None = None, kind: str = "real",
    *, name: str = "", classes: str | int | Size | None = None, low: float | None = None,
    high: float | None = None, axis: int = -1,
) -> Declared:
    """An input of a shape and a kind; its name is that of the parameter it is given for.

    kind: "real", "positive" (entries > 0), "interval" (strictly between `low` and `high`, either of
        which may be left out), "probability" and "one_hot" (entries sum to one along `axis`, by
        default in rows, along the last one), "mask" (0 or 1), "sign" (1 or -1), "constant" (not to
        be differentiated by), "integer", or "labels k" (integers below k); of square matrices
        "symmetric", "orthogonal" and "invertible".

    >>> Array("m k", kind="one_hot").kind
    'one_hot'

    >>> Array("n", kind="interval", low=0, high=1).bounds
    (0, 1)

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
    if isinstance(classes, str | int):
        (classes,) = parse_shape(str(classes))
    least: tuple[tuple[str, int], ...] = ()
    if sizes is not None:
        name, made = shape, sizes
    else:
        made, least = parse_shape(shape), least_sizes(shape)
    ends = [None if end is None else sp.Rational(end) for end in (low, high)]
    if word != "interval" and ends != [None, None]:
        raise ValueError(f"low, high: expected kind \"interval\", got {kind!r}")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"low, high: expected low < high, got {low} and {high}")
    if not -max(len(made), 1) <= axis < max(len(made), 1):
        raise ValueError(f"axis: expected one of the {len(made)} axes of {shape!r}, got {axis}")
    return Declared(name, made, cast(Kind, word), classes=classes, low=ends[0], high=ends[1],
                    along=axis, least=least)
