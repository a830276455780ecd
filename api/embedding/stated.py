"""An author's own formula or number, held against the derivation.

A number holds when it is the exact one rounded to as many decimals.  A formula stands in a code
span, in the text that specs use (``dZ2 = (A2 - Y) * A2 * (1 - A2)``), or in dollars, in LaTeX; it
holds when it is proven equal for all values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from gradproof.claims.findings import worst
from gradproof.claims.formulas import Subject
from gradproof.codegen.interpret import evaluate
from gradproof.derivations.sources import differentiating
from gradproof.embedding.quantities import Quantities
from gradproof.reports.markers.marker import MarkerError, Request, near
from gradproof.reports.worked.digits import formatted
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.symbolic.equation import Array, Item, System, size_names
from gradproof.symbolic.latex.names import network_context, system_context, with_symbols
from gradproof.symbolic.limits import MAX_LENGTH, number
from gradproof.symbolic.proof.prover import Prover
from gradproof.symbolic.substitution import rename_arrays
from gradproof.symbolic.text.formula import CONSTANTS
from gradproof.symbolic.text.grammar import parse_statements
from gradproof.symbolic.text.statements import parse_equations

_SPAN = re.compile(r"(`+)(.+?)\1|<code>(.+?)</code>|\\texttt\{(.+?)\}|\\verb(.)(.+?)\5", re.S)
_MATH = re.compile(r"\$\$(.+?)\$\$|\$`?(.+?)`?\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.S)
_NUMBER = re.compile(r"([-+]?\d[\d,_]*\.?\d*|[-+]?\.\d+)(?:[eE]([-+]?\d+))?")
_POWER = re.compile(r"\s*(?:\\times|\\cdot|×|·)\s*10\s*(?:\^|\*\*)\s*\{?([-+]?\d+)\}?")
_IDENTIFIER = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\s*[(=])")
_OWN = "__stated"


def held(request: Request, text: str, quantities: Quantities) -> tuple[str, str]:
    """("", "") when the author's text holds; else "refuted" or "undecided", and why.

    Raises ValueError for a text that is neither a number nor a formula in a code span.
    """
    if len(text) > MAX_LENGTH:
        raise MarkerError(f"a stated text has at most {MAX_LENGTH} characters, got {len(text)}")
    stated = _stated_number(text)
    if stated is not None:
        return _number(request, stated, quantities)
    latex = _MATH.fullmatch(text.strip())
    if latex:
        return _latex(request, next(part for part in latex.groups() if part), quantities)
    found = _SPAN.search(text)
    formula = next((part for part in (found[2], found[3], found[4], found[6]) if part), "").strip(
        ) if found else ""
    if not formula:
        raise MarkerError("expected a number, or a formula in a code span such as "
                          f"`A2 - Y` or in dollars, got {' '.join(text.split())[:60]!r}")
    return _formula(request, _unescaped(formula), quantities)


def held_word(request: Request, text: str, quantities: Quantities) -> tuple[str, str]:
    """As :func:`held`, for a verdict: the author's word, such as "refuted", is the one found."""
    stated, found = text.strip(" \t\n`*_"), quantities.word(request)
    if stated == found:
        return "", ""
    _, why = quantities.unproved(request)
    return "refuted", f"{stated[:60]!r} is stated, the check says {found!r}{why and ': '}{why}"


def _unescaped(formula: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), (r"\_", "_")):
        formula = formula.replace(entity, character)
    return formula


# --- numbers ------------------------------------------------------------------------------------


def _stated_number(text: str) -> Decimal | None:
    """The number that a text is, behind its last = or ≈; None where it is none."""
    plain = re.sub(r"\\(?:approx|simeq)\b|≈", "=", re.sub(r"[`$]|\\[(),;!]|\*\*", "", text))
    plain = plain.rpartition("=")[2].replace("−", "-").replace("{,}", "").strip().rstrip(".")
    found = _NUMBER.match(plain)
    if found is None:
        return None
    exponent = found[2]
    rest = plain[found.end():]
    if power := _POWER.match(rest):
        exponent, rest = power[1], rest[power.end():]
    if rest.strip() and not re.fullmatch(r"\s*\\?%", rest):
        return None
    if rest.strip():
        number(f"1e{exponent or 0}")
        exponent = str(int(exponent or 0) - 2)
    written = f"{re.sub('[,_]', '', found[1])}e{exponent or 0}"
    number(written)
    return Decimal(written)


def _number(request: Request, stated: Decimal, quantities: Quantities) -> tuple[str, str]:
    exact = quantities.exactly(request.quantity)
    places = -int(stated.as_tuple().exponent)
    unit = Fraction(10) ** -places
    if abs(Fraction(stated) - exact) <= unit / 2:
        return "", ""
    if 0 <= places <= 40:
        rounded = formatted(exact, f".{places}f")
    else:
        rounded = formatted(exact, f".{max(len(stated.as_tuple().digits) - 1, 0)}e")
    return "refuted", f"{stated} is stated, the exact figure rounds to {rounded}"


# --- formulas -----------------------------------------------------------------------------------


def _formula(request: Request, formula: str, quantities: Quantities) -> tuple[str, str]:
    derivation = quantities.derivation
    stem, _, part = request.quantity.rpartition(".")
    array = quantities.canonical(request.quantity)
    if stem and part in ("gradient", "adjoint"):
        bars = {found.name: found.array for found in
                (*derivation.deltas.values(), *derivation.gradients.values())}
        array = bars.get(quantities.canonical(stem), "")
    if array not in derivation.system.shapes:
        raise MarkerError(f"no quantity {request.quantity!r}; "
                          f"{near(request.quantity, quantities.keys())}")
    text = quantities.canonical(formula.replace("·", "*").replace("−", "-"))
    system, name = _parsed(text, derivation.system, quantities.aliases)
    prover = Prover(derivation.system, system, evaluate)
    proof = prover.prove({array: name})[array]
    if proof.equal:
        return "", ""
    if proof.equal is None:
        return "undecided", f"{formula!r} could not be proven equal: {proof.reason}"
    mended = ""
    if proof.ratio is not None:
        mended = f"; multiply it by {factor_text(proof.ratio)} (exact, for all values)"
    shown = f"; derived: {derivation.writer.text(derivation.system[array])}"
    return "refuted", f"{formula!r} is not equal: {proof.reason}{mended}{shown}"


_QUANTITY = r"\mathrm{quantity}"
"""What a formula is held against, where its array has no name in LaTeX that is read back."""


def _latex(request: Request, formula: str, quantities: Quantities) -> tuple[str, str]:
    """A formula in LaTeX, beside the quantity unless it states a left side of its own."""
    name = quantities.canonical(request.quantity)
    stem, _, part = name.rpartition(".")
    if stem and part in ("gradient", "adjoint"):
        name = quantities.gradients.get(stem, f"d{stem}")
    if name not in quantities.derivation.system.shapes:
        raise MarkerError(f"no quantity {request.quantity!r}; "
                          f"{near(request.quantity, quantities.keys())}")
    written = quantities.derivation.writer.latex(quantities.derivation.system[name])
    left = "" if "=" in formula else f"{written.left} = "
    if quantities.network is not None:
        context = network_context(quantities.network, differentiating)
    else:
        system = quantities.source if isinstance(quantities.source, System) else (
            quantities.source.system())
        known = name in system.shapes
        if not known and (name[:1] != "d" or name[1:] not in system.shapes):
            raise MarkerError(f"{request.quantity!r}: a formula in LaTeX is held against an array "
                              "of the spec, or the derivative by one")
        context = with_symbols(system_context(system, differentiating), {_QUANTITY: name})
        left = left and f"{_QUANTITY} = "
    subject = Subject(context, quantities.values)
    findings = subject.judge(left + formula)
    if not findings:
        raise MarkerError(f"{formula!r:.60} states no formula")
    found = worst(findings)
    if found.verdict == "unread":
        raise MarkerError(found.why)
    if found.verdict == "right":
        return "", ""
    told = "; ".join((found.why, *found.questions))
    return ("refuted" if found.verdict == "wrong" else "undecided"), (
        f"{formula!r}: {told}; derived: {written}")


def _parsed(
    formula: str, derived: System, others: Iterable[str]
) -> tuple[System, str]:
    """The derived system with the formula's equations behind it, and the name of the last.

    others: other names of arrays, for messages.
    """
    statements = parse_statements(formula)
    if not statements:
        raise MarkerError(f"{formula!r} is no formula")
    last = statements[-1]
    lines = formula.split("\n")
    line = lines[last.line - 1]
    start = last.column - 1
    behind = line[start:]
    if last.name:
        behind = behind.partition("=")[2]
    lines[last.line - 1] = f"{line[:start]}stated = {behind.strip()}"
    text = "\n".join(lines)
    own = {statement.name for statement in statements[:-1]}
    sizes = size_names(derived.shapes.values())
    known = {*derived.shapes, *own, *sizes, *CONSTANTS}
    for name in _IDENTIFIER.findall(text.replace("stated =", "", 1)):
        if name not in known:
            raise MarkerError(f"{formula!r}: no quantity {name!r}; "
                              f"{near(name, [*others, *sorted(known)])}")
    declared = {array.name: array for array in derived.inputs}
    shapes: dict[str, str | Array] = {
        name: declared.get(name) or Array(name, shape)
        for name, shape in derived.shapes.items()
        if name not in own and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    }
    parsed = parse_equations(text, shapes)
    items: list[Item] = [*derived.items]
    names = {made.name for made in parsed.equations}
    names |= {name for made in parsed.equations for name in made.argmax}
    for equation in parsed.equations:
        items.append(rename_arrays(equation, {name: name + _OWN for name in names}))
    return System(derived.inputs, tuple(items)), "stated" + _OWN
