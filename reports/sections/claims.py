"""Figures that a source text states, held against the exact ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from ...symbolic.exact.numbers import Value
from ...symbolic.limits import MAX_DIGITS, MAX_EXPONENT, LimitError, number
from ..content import Block, Math, Paragraph, Prose, Section, Table
from ..worked.digits import fraction, show, tabled
from ..worked.lines import EntryNames
from ..worked.quantities import QuantityError, quantity


@dataclass(frozen=True)
class ComparedClaim:
    """A stated figure beside the exact one.

    difference: stated - exact.  rounds: whether the stated figure is the exact one rounded to as
    many decimals; `rounded` is what that rounding gives.
    """

    latex: str
    stated: str
    exact: Value
    difference: Fraction
    rounds: bool
    rounded: str
    where: str


def compare(claims: Sequence[Mapping[str, Any]], names: EntryNames) -> list[ComparedClaim]:
    """Each claim beside the exact value of what it is about.

    Raises QuantityError, with the claim's position, for one that names nothing.
    """
    found = []
    for place, claim in enumerate(claims, 1):
        try:
            found.append(_compared(claim, names))
        except (QuantityError, KeyError) as error:
            raise QuantityError(f"claim {place}: {error}") from None
    return found


def _compared(claim: Mapping[str, Any], names: EntryNames) -> ComparedClaim:
    about = quantity(str(claim["quantity"]), names)
    text = str(claim["stated"]).strip()
    try:
        stated, decimal = number(text), Decimal(text)
    except LimitError as error:
        raise QuantityError(f"stated: {error}") from None
    except (ValueError, ArithmeticError):
        raise QuantityError(f"stated: expected a decimal number, got {text!r}") from None
    exponent = decimal.as_tuple().exponent
    unit = Fraction(10) ** int(exponent)
    exactly = fraction(about.value)
    nearest = round(exactly / unit) * unit  # half to even
    decimals = max(0, -int(exponent))
    return ComparedClaim(
        about.latex, text, about.value, stated - exactly,
        abs(stated - exactly) <= unit / 2,
        _decimal(nearest, decimals),
        str(claim.get("where", "")),
    )


def _decimal(value: Fraction, decimals: int) -> str:
    with localcontext() as context:
        context.prec = 2 * MAX_EXPONENT + MAX_DIGITS
        return f"{Decimal(value.numerator) / Decimal(value.denominator):.{decimals}f}"


def claims_section(claims: Sequence[ComparedClaim], source: Mapping[str, Any]) -> Section:
    """The table of stated and exact figures."""
    right = sum(claim.rounds for claim in claims)
    title = str(source.get("title", "")).strip()
    of: Prose = (" of ", f"“{title}”") if title else ("",)
    blocks: list[Block] = [
        Paragraph((
            f"{len(claims)} figures", *of, " beside the exact ones. The difference is stated "
            f"minus exact. {right} of them are the exact figure rounded to the digits stated; "
            "for each of the others the last column has the exact figure so rounded.",
        )),
    ]
    where = any(claim.where for claim in claims)
    header: list[Prose] = [("quantity",), ("stated",), ("exact",), ("difference",),
                           ("rounded rightly",)]
    rows: list[tuple[Prose, ...]] = []
    for claim in claims:
        verdict = "yes" if claim.rounds else f"no: {claim.rounded}"
        row: list[Prose] = [
            (Math(claim.latex),), (claim.stated,), (tabled(claim.exact),),
            (Math(show(claim.difference, 3).latex),), (verdict,),
        ]
        rows.append(tuple([*row, (claim.where,)] if where else row))
    if where:
        header.append(("where",))
    blocks.append(Table(tuple(header), tuple(rows), "lddrl" + "l" * where))
    return Section(("Stated figures and exact ones",), tuple(blocks), name="claims")
