"""What would make a wrong formula right: a transpose, another order, another sign, another loss.

Candidates are found by numbers at random points, and told only when the changed formula is proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, permutations, product

from gradproof.claims.findings import Finding
from gradproof.claims.formulas import Subject
from gradproof.symbolic.latex.grammar import read
from gradproof.symbolic.latex.names import network_context
from gradproof.symbolic.latex.trees import LatexError, Node, Source
from gradproof.symbolic.specs.network import Network

MOST = 100
"""Changed formulas that are tried."""
MOST_SHAPES = 400
"""The same where shapes do not fit, as they do not in most of the changes, which is soon seen."""
_CALLED = re.compile(r"(?:'|\\sigma|\\tanh|\\exp|\\log|[fgh])$")
_LOSSES = ("half_squared_error", "mean_squared_error", "binary_cross_entropy", "cross_entropy")


def diagnosed(finding: Finding, subject: Subject, network: Network | None) -> Finding:
    """The finding with what would make it right, where something does."""
    if finding.verdict != "wrong" or finding.kind != "formula":
        return finding
    try:
        (node,) = read(finding.claim)
    except (LatexError, ValueError):
        return finding
    told = []
    most = MOST_SHAPES if "shapes do not fit" in finding.why else MOST
    for text in chain(_mended(finding.claim, node, most), _missing(finding.claim, node, network)):
        (changed,) = subject.judge(text)
        if changed.verdict == "right" and "no ⊙" not in changed.why:
            told.append(" ".join(text.split()))
            break
    if network is not None and not told:
        told += _elsewhere(finding.claim, subject, network)
    return replace(finding, diagnosis=tuple(told))


def _mended(text: str, node: Node, most: int = MOST) -> Iterator[str]:
    """The formula with its last side changed, from small changes to large ones."""
    if node.kind != "chain":
        return
    sides = [part for part in node.parts if part.kind != "relation"]
    if len(sides) < 2:
        return
    first, last = sides[0], sides[-1]
    source = Source(text)
    left = text[first.start:first.end]
    inner = last
    right = text[last.start:last.end]
    yield f"{left} = -{right}" if last.kind == "group" else f"{left} = -({right})"
    if inner.kind != "product":
        return
    factors = _factors(inner, source)
    if not 2 <= len(factors) <= 4:
        return
    for shown in _rearranged(factors, most if len(factors) < 4 else MOST):
        yield f"{left} = {shown}"


def _rearranged(factors: Sequence[str], most: int) -> Iterator[str]:
    """The factors in other orders, transposed, with other signs: small changes first."""
    changes = sorted(_changes(len(factors)), key=lambda change: change[0])
    for _, order, turned, signs in changes[:most]:
        parts = [_turned(factors[place]) if turned[place] else factors[place] for place in order]
        yield _from_left(parts, signs)
        if len(parts) > 2 and signs[1] and not signs[0]:  # W^T (a ⊙ b): the inner ones first
            within = f"{parts[0]} ({parts[1]} {signs[1]} {parts[2]})"
            yield _from_left([within, *parts[3:]], signs[2:])


def _from_left(parts: Sequence[str], signs: Sequence[str]) -> str:
    """Factors with the signs between them, each taken with all before it."""
    shown = parts[0]
    for sign, part in zip(signs, parts[1:], strict=True):
        shown = f"({shown}) {sign} {part}" if sign else f"{shown} {part}"
    return shown


def _missing(text: str, node: Node, network: Network | None) -> Iterator[str]:
    """The formula with an activation transposed beside its first factor, or beside all: what the
    gradient by a weight reads."""
    if network is None or node.kind != "chain":
        return
    sides = [part for part in node.parts if part.kind != "relation"]
    left, last = text[sides[0].start:sides[0].end], sides[-1]
    whole = text[last.start:last.end]
    first = _factors(last, Source(text))[0] if last.kind == "product" else whole
    for name in ("x", *(f"a^{{({layer})}}" for layer in range(1, network.depth))):
        for part in dict.fromkeys((whole, first)):
            yield rf"{left} = {part} ({name})^\top"
            yield rf"{left} = ({name})^\top {part}"


def _factors(node: Node, source: Source) -> list[str]:
    """The factors as text, a function with its argument as one."""
    found: list[str] = []
    for part in node.parts:
        if part.kind in ("op", "sign"):
            continue
        text = source.text[part.start:part.end]
        before = found[-1] if found else ""
        if before == "d" or (part.kind == "group" and _CALLED.search(before)):
            found[-1] = before + text
        else:
            found.append(text)
    return found


def _turned(text: str) -> str:
    return rf"{text}^\top" if re.fullmatch(r"\\?\w+|\([^()]*\)", text) else rf"({text})^\top"


def _changes(
    count: int,
) -> Iterator[tuple[int, tuple[int, ...], tuple[bool, ...], tuple[str, ...]]]:
    """Orders, transposes and signs, with how much of a change they are."""
    plain = tuple(range(count))
    for order in permutations(plain):
        for turned in product((False, True), repeat=count):
            for signs in product(("", r"\odot"), repeat=count - 1):
                size = sum(turned) + (order != plain) + sum(map(bool, signs))
                if size <= 4:
                    yield size, order, turned, signs


def _elsewhere(text: str, subject: Subject, network: Network) -> list[str]:
    """Under which other loss, or convention, the formula is right."""
    found = []
    other = "columns" if network.convention == "rows" else "rows"
    changes: list[tuple[str, dict[str, str]]] = [
        (f"with samples in {other} (convention {other})", {"convention": other}),
        *((f"for the loss {loss}", {"loss": loss}) for loss in _LOSSES if loss != network.loss),
        *(((f"per sample, without the loss's 1/{network.batch} in δ", {"delta": "sample"}),)
          if network.delta == "loss" else ())]
    for told, change in changes:
        try:
            changed = replace(network, **change, values={})  # type: ignore[arg-type]
            about = Subject(network_context(changed, subject.context.rule), {}, subject.answers)
        except ValueError:
            continue
        (finding,) = about.judge(text)
        if finding.verdict == "right":
            found.append(f"{text} {told}")
    return found
