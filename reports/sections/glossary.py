"""The terms that a page uses, each in a sentence; those that it does not use are not told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..content import (
    Block,
    Bullets,
    Paragraph,
    Picture,
    Prose,
    Section,
    Table,
    Worked,
)

TERMS: tuple[tuple[str, str, str], ...] = (
    ("activation", r"activations?", "the function that a layer applies to each entry of its "
     "net input"),
    ("adjoint", r"adjoints?", "the derivative of the loss by an array, in the array's own shape; "
     "many texts write it δ or a bar"),
    ("backward pass", r"[Bb]ackward pass", "the adjoints and gradients, computed from the loss "
     "back to the inputs"),
    ("batch", r"batch", "the samples that one pass takes together"),
    ("bias", r"bias(es)?", "a number that is added to a unit's weighted inputs"),
    ("chain rule", r"[Cc]hain rule", "the derivative of a composition: the sum over all ways in "
     "which one quantity depends on another of the product of the derivatives along the way"),
    ("complex step", r"complex step", "a derivative measured as the imaginary part of f(x + ih), "
     "divided by h; nothing cancels in it"),
    ("entry by entry", r"entry by entry", "with each entry of an array taken by itself, not as a "
     "product of matrices"),
    ("error bound", r"error bound", "what a measured number may be off by at most"),
    ("exploding gradient", r"explod(es|ing)", "one that grows with each layer it is sent back "
     "through"),
    ("finite difference", r"difference quotient|finite difference|forward difference",
     "a derivative measured as the change of a function over a small step, divided by the step"),
    ("forward pass", r"[Ff]orward (pass|equations)", "the outputs of all layers and the loss, "
     "computed from the inputs on"),
    ("gradient", r"[Gg]radients?", "the derivative of the loss by the parameters, entry by entry: "
     "the direction in which the loss grows fastest"),
    ("gradient descent", r"gradient descent", "moving every parameter a little against its "
     "gradient, again and again"),
    ("kink", r"[Kk]inks?", "a place where a function has no derivative, since its slope "
     "jumps"),
    ("learning rate", r"learning rate", "how much of its gradient a parameter is moved by in "
     "a step"),
    ("logits", r"logits", "scores of any size, which softmax or a sigmoid makes "
     "probabilities of"),
    ("loss", r"loss", "the number that says how far outputs are from targets; it is made small"),
    ("net input", r"net inputs?", "what a layer computes before its activation: weighted "
     "inputs and a bias, summed"),
    ("norm", r"norms?", "the root of the sum of squares of all entries"),
    ("one-hot", r"one-hot", "one entry is 1 and all others are 0"),
    ("sample", r"samples?", "one input with its target"),
    ("slope", r"slopes?", "the derivative of a function of one number"),
    ("softmax", r"softmax", "exponentials of scores, divided by their sum: positive, and "
     "one in sum"),
    ("target", r"targets?", "what an output should be"),
    ("transpose", r"transposes?", "a matrix with its rows and columns exchanged"),
    ("vanishing gradient", r"vanish(es|ing)", "one that shrinks with each layer it is sent back "
     "through"),
    ("weight", r"weights", "a number that an input of a unit is multiplied by"),
)
"""(term, pattern of what stands for it in English text, meaning)."""


def glossary_section(sections: Sequence[Section]) -> Section | None:
    """The terms in the sections' sentences, in the order of the alphabet; None where there are
    none."""
    text = " ".join(piece for section in sections for piece in _said(section))
    items: list[Prose] = [(f"{term}: {meaning}.",) for term, pattern, meaning in TERMS
                          if re.search(rf"\b(?:{pattern})\b", text)]
    return Section(("Glossary",), (Bullets(tuple(items)),), name="glossary") if items else None


def _said(section: Section) -> Iterator[str]:
    """The words of a section; formulas and code are none."""
    yield _words(section.title)
    for block in section.blocks:
        for prose in _proses(block):
            yield _words(prose)


def _proses(block: Block) -> Iterator[Prose]:
    match block:
        case Paragraph():
            yield block.prose
        case Bullets():
            yield from block.items
        case Picture():
            yield block.caption
        case Worked():
            yield block.left_out
        case Table():
            yield from block.header
            for row in block.rows:
                yield from row
        case _:
            return


def _words(prose: Prose) -> str:
    return " ".join(run for run in prose if isinstance(run, str))
