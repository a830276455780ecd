"""Normal forms as text, for the messages of a proof."""

from __future__ import annotations

from fractions import Fraction

from .indices import Sub
from .polynomial import Atoms, Monomial, Number, Poly

LONGEST = 240

WRITTEN = {"step": "[{} > 0]", "zero": "[{} = 0]", "inverse": "({})^-1", "root": "({})"}


def shown(table: Atoms, poly: Poly) -> str:
    """The polynomial in names of arrays, shortened where it is long."""
    names: dict[int, str] = {}
    text = _poly(table, poly, names)
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


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
        data = known.data[1] if isinstance(known.data, tuple) else known.data  # (side, name)
        text = str(getattr(data, "name", data))
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
