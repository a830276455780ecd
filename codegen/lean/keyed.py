"""What a compiled or printed function returns: a loss and the others by their keys, or these alone.

    keys of all results but the first: loss, {"W": dW}        of all of them: {"W": dW}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WIDE = 98
"""Characters of a line, above which a dict is written a row a line."""


def keyed(values: Sequence[Any], keys: Sequence[str] | None) -> Any:
    """The values as they are returned: those with keys as a dict, behind the one without."""
    if keys is None:
        return values
    alone = len(values) - len(keys)
    found = dict(zip(keys, values[alone:], strict=True))
    return (values[0], found) if alone else found


def keyed_text(values: Sequence[str], keys: Sequence[str] | None) -> str:
    """The same of expressions, the keys among them, as one expression."""
    if keys is None:
        return "".join(f"{value}, " for value in values)
    alone = len(values) - len(keys)
    pairs = map("{}: {}".format, keys, values[alone:])
    return "".join(f"{value}, " for value in values[:alone]) + f"{{{', '.join(pairs)}}}"


def returned_lines(values: Sequence[str], keys: Sequence[str]) -> list[str]:
    """The statement that returns them, in a function, by rows where it is long."""
    line = f"    return {keyed_text(values, keys)}"
    if len(line) <= WIDE:
        return [line]
    alone = len(values) - len(keys)
    rows = map("        {}: {},".format, keys, values[alone:])
    return [f"    return {''.join(f'{value}, ' for value in values[:alone])}{{", *rows, "    }"]
