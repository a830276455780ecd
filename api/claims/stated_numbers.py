"""Stated numbers beside exact ones: roundings, and chains of rounded steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import sympy as sp

from gradproof.claims.findings import Verdict
from gradproof.reports.worked.digits import formatted
from gradproof.symbolic.latex.trees import Node

_SPREAD = 2
"""Units of the last place by which a figure may be off that comes of rounded ones."""

_SEEN = Fraction(1, 10**36)
"""Of a figure that is computed to 40 digits, what is seen of a difference."""


@dataclass(frozen=True)
class Stated:
    """A side that is a number, or arithmetic on numbers: its value, the unit of its last place
    where it is one number as written, and by how much it moves with the figures put in."""

    text: str
    value: Fraction
    unit: Fraction | None
    spread: Fraction


def stated(node: Node, text: str, body: sp.Expr) -> Stated:
    """A side without names."""
    leaves = [part for part in node.all() if part.kind == "number"]
    bare = node.kind == "number" or (node.kind == "sum" and [p.kind for p in node.parts] == [
        "sign", "number"])
    decimals = [leaf.text for leaf in leaves if "." in leaf.text]
    unit = _unit(leaves[0].text) if bare and "/" not in leaves[0].text else None
    value = as_fraction(body)
    relative = sum((_unit(text) / max(abs(Fraction(text)), _unit(text)) for text in decimals),
                   Fraction(0))
    size = max([abs(value), *(abs(Fraction(text)) for text in decimals)])
    return Stated(text, value, unit, _SPREAD * relative * size)


def as_fraction(body: sp.Expr) -> Fraction:
    """A number to 40 digits.  ValueError for what is none."""
    if body.is_Rational:
        return Fraction(int(body.p), int(body.q))
    found = sp.N(body, 40)
    if not found.is_Float:
        raise ValueError("is no real number")
    return Fraction(str(found))


def _unit(text: str) -> Fraction:
    return Fraction(10) ** int(Decimal(text).as_tuple().exponent)


def shown(value: Fraction, unit: Fraction | None = None, more: int = 4) -> str:
    """With some digits more than the unit of what is stated."""
    if unit is not None and unit <= 1:
        places = len(str(unit.denominator)) - 1
        return formatted(value, f".{min(places + more, 40)}f")
    return formatted(value, ".10g") if value else "0"


def is_rounding(of: Fraction, found: Stated) -> bool:
    """Whether a number is another one rounded to as many digits."""
    if found.unit is None:
        return abs(of - found.value) <= found.spread
    return abs(of - found.value) <= found.unit / 2


def judge(exact: Fraction | None, sides: Sequence[Stated]) -> tuple[Verdict, str, str, str]:
    """The verdict on numbers that are said to be equal, or to be about `exact`, in a row: verdict,
    why, exact figure, error of the last."""
    for before, side in pairwise(sides):
        slack = side.spread + (before.unit or 0) if side.unit is None else Fraction(0)
        if not is_rounding(before.value, side) and abs(before.value - side.value) > slack:
            was = shown(before.value, side.unit)
            return ("wrong", f"{before.text} is {was}, not {side.text}"
                    + (f"; it rounds to {shown(before.value, side.unit, 0)}" if side.unit else ""),
                    was, error(side.value - before.value, before.value))
    if exact is None:
        return "right", "the arithmetic holds, to the digits stated", "", ""
    last = sides[-1]
    figure, off = shown(exact, last.unit, 8), error(last.value - exact, exact)
    if is_rounding(exact, last):
        return "right", "the rounding of the exact figure", figure, off
    told = f"the exact figure is {shown(exact, last.unit)}" + (
        f", which rounds to {shown(exact, last.unit, 0)}" if last.unit else "")
    if len(sides) > 1 and abs(sides[0].value - exact) <= sides[0].spread:
        return "rounded", f"follows from the rounded figures put in; {told}", figure, off
    return "wrong", f"{last.text} is stated, {told}", figure, off


def error(value: Fraction, of: Fraction = Fraction(0)) -> str:
    """A difference with three digits; `of`: the figure, where it is computed, whose digits do not
    show a difference that is smaller still."""
    return formatted(value, ".2e") if abs(value) > _SEEN * abs(of) else "0"
