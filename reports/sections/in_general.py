"""The rule for a layer l of any depth, and the derivation entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ...symbolic.display.notation import Notation, general_notation
from ..content import (
    Block,
    Bullets,
    Display,
    Math,
    Paragraph,
    Relation,
    Section,
    Side,
    sentence,
    summands,
)


@dataclass(frozen=True)
class EntryStep:
    """One scalar of the derivation entry by entry: of which array, its formula in LaTeX, and why
    it holds, with formulas between dollars."""

    array: str
    latex: str
    reason: str = ""


def general_section(rule: Sequence[tuple[str, str, str]], notation: Notation) -> Section:
    """rule: (where it holds, LaTeX formula, reason), formulas in words between dollars.

    notation: the report's; the rule has another letter for the loss where that is L, the last
    layer.
    """
    general = general_notation(notation)
    output = general.latex("A(l)")
    renamed = () if general.loss == notation.loss else (
        " The loss is written ", Math(general.loss), " here, since ", Math("L"),
        " counts the layers.")
    blocks: list[Block] = [Paragraph((
        "The same for layer ", Math("l"), " of a network whose last layer is ", Math("L"),
        ", derived from the recurrence of the forward equations, for one sample and its own loss; "
        "over a batch the gradients are the sums of these over the samples, or the means where the "
        "loss is a mean; a penalty adds its own. ", Math(output), " is the output of a layer, ",
        Math("f"), " its activation.", *renamed,
    ))]
    for where, latex, reason in rule:
        scope = where.replace("≤", r"\le").replace("<", r"\lt")
        text = ": ".join(part for part in (f"For ${scope}$" if where else "", reason) if part)
        blocks += [Paragraph(sentence(text)), Display((raw(latex),))]
    return Section(("The general rule",), (*blocks, *_said_of(general)), name="rule")


def _said_of(general: Notation) -> tuple[Block, ...]:
    """What the four equations tell, in words."""
    adjoint = Math(general.latex("dZ(l)"))
    return (Paragraph(("What the four say:",)), Bullets((
        (adjoint, " is how fast the loss changes with a unit's net input. At the last layer it is "
         "how fast the loss changes with the output, times the slope of the activation: a unit "
         "whose slope is near zero is saturated, and what leads to it learns slowly.",),
        ("It goes back through the same weights that the forward pass took, transposed, and meets "
         "a slope in every layer: small slopes and weights make it vanish, large ones explode.",),
        ("The gradient of a weight is the output of the unit that it comes from, times the "
         "adjoint of the unit that it leads to: a weight from a unit whose output is near zero "
         "learns slowly.",),
        ("The gradient of a bias is the adjoint itself: a bias is a weight from a unit whose "
         "output is always one.",),
    )))


def entries_section(entries: Sequence[EntryStep]) -> Section:
    """Entries of one array together, in the order of their subscripts; the reason of the first is
    that of the others with their subscripts."""
    blocks: list[Block] = []
    for _, group in groupby(entries, lambda step: step.array):
        first, *others = group
        if first.reason:
            blocks.append(Paragraph(sentence(first.reason)))
        blocks.append(Display((raw(first.latex),)))
        if others:
            blocks += [Paragraph(("Likewise:",)), Display(tuple(raw(s.latex) for s in others))]
    return Section(("Entry by entry",), tuple(blocks), name="entries")


def raw(latex: str) -> Relation:
    """A formula that was handed in as one string."""
    left, equals, right = latex.partition(" = ")
    return (Relation(left, (Side("=", summands(right)),)) if equals
            else Relation("", (Side("", (latex,)),)))
