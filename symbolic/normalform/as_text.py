"""Normal forms as text, for the messages of a proof.

    {((x, (0,), 2),): 3}   ->   "3·(x[i1])^2"
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .indices import Sub
from .polynomial import Atoms, Crossing, Monomial, Number, Poly

LONGEST = 240

ARRAYS = ("input", "cut", "opaque")
"""Kinds of atoms that are entries of an array with a name."""

WRITTEN = {"step": "[{} > 0]", "zero": "[{} = 0]", "inverse": "({})^-1", "root": "({})"}


def shown(table: Atoms, poly: Poly) -> str:
    """The polynomial in names of arrays, shortened where it is long."""
    names: dict[int, str] = {}
    text = _poly(table, poly, names)
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def crossing(table: Atoms, poly: Poly, is_tie: bool = False) -> Crossing:
    """Where the polynomial is zero, or its maximum is attained twice."""
    arrays = _arrays(table, poly)
    return Crossing(shown(table, poly), arrays.pop() if len(arrays) == 1 else "", is_tie)


def _arrays(table: Atoms, poly: Poly) -> set[str]:
    """The arrays whose entries a polynomial has, in whatever atoms."""
    found: set[str] = set()
    for base in (table.bases[base] for mono in poly for base, _, _ in mono):
        if base.kind in ARRAYS:
            found.add(_name(base.data))
        elif isinstance(base.data, tuple) and base.data and isinstance(base.data[0], tuple):
            found |= _arrays(table, dict(base.data[0]))
    return found


def _name(data: Any) -> str:
    """Of an input, or of (side, name)."""
    data = data[1] if isinstance(data, tuple) else data
    return str(getattr(data, "name", data))


def _poly(table: Atoms, poly: Poly, names: dict[int, str]) -> str:
    parts = []
    for mono, c in sorted(poly.items(), key=lambda item: len(item[0])):
        body = _monomial(table, mono, names)
        size = abs(Fraction(c))
        text = body if size == 1 and body else f"{size}·{body}" if body else str(size)
        parts.append(("- " if c < 0 else "+ ") + text)
    text = " ".join(parts) or "0"
    return text[2:] if text.startswith("+ ") else text.replace("- ", "-", 1)


def _monomial(table: Atoms, mono: Monomial, names: dict[int, str]) -> str:
    return "·".join(_factor(table, base, args, e, names) for base, args, e in mono)


def _factor(
    table: Atoms, base: int, args: tuple[Sub, ...], exponent: Number, names: dict[int, str]
) -> str:
    known = table.bases[base]
    at = ", ".join(_sub(table, sub, names) for sub in args)
    if known.kind in ("equal", "range"):
        return f"[{at} {'=' if known.kind == 'equal' else '>='} 0]"
    if known.kind == "index":
        text = at
    elif known.kind in ("input", "cut", "opaque", "size", "prime", "constant", "place"):
        text = _name(known.data)
        text += f"[{at}]" if at else ""
    else:
        inner = dict(names)
        inner.update(
            {place: _sub(table, sub, names) for place, sub in zip(known.free, args, strict=True)}
        )
        inside = _poly(table, dict(known.data[0]), inner)
        if known.kind == "sum":
            bound = ",".join(_sub(table, index, inner) for index in known.data[1])
            text = f"Σ_{bound} {inside}"
        else:
            text = WRITTEN.get(known.kind, known.kind + "({})").format(inside)
    return text if exponent == 1 else f"({text})^{exponent}"


def _sub(table: Atoms, sub: Sub, names: dict[int, str]) -> str:
    if sub < 0:
        constant, terms = table.linear(sub)
        parts = [f"{'' if c == 1 else f'{c}*'}{_sub(table, i, names)}" for i, c in terms]
        return " + ".join([*parts, *([str(constant)] if constant != 0 or not parts else [])])
    gathered = table.gathered(sub)
    if gathered is not None:
        return _factor(table, gathered[0], gathered[1], 1, names)
    if sub not in names:
        names[sub] = f"i{len(names) + 1}"
    return names[sub]
