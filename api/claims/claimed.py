"""One claim of a file: a formula, a number, a shape, a table, or what a program prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from gradproof.claims import printed
from gradproof.claims.abouts import About, ClaimsError, as_texts
from gradproof.claims.diagnosis import diagnosed
from gradproof.claims.findings import Finding
from gradproof.claims.tables import TableError, column
from gradproof.limits.output import SECONDS
from gradproof.symbolic.limits import number as limited
from gradproof.symbolic.shapes import parse_shape

KINDS = ("formula", "number", "shape", "output", "table")
_CLAIM = {*KINDS, "spec", "where", "find", "in", "of", "answers", "program", "seconds",
          "tolerance", "column", "rows"}
_DECIMAL = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"


@dataclass(frozen=True)
class Around:
    """What a claim stands in.  folder: of the file.  run: whether programs may be run.  texts: what
    the claims are from, by name; None for one that is not there."""

    abouts: Mapping[str, About]
    folder: Path = Path()
    run: bool = False
    texts: Mapping[str, str | None] = field(default_factory=dict)


def claimed(claim: Any, around: Around, where: str) -> list[Finding]:
    """The findings on a claim.  ClaimsError, with its place, for one that cannot be used."""
    if not isinstance(claim, Mapping):
        raise ClaimsError(f"{where}: expected a table, got {claim!r:.60}")
    for key in claim:
        if key not in _CLAIM:
            raise ClaimsError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(_CLAIM))}")
    kinds = [kind for kind in KINDS if kind in claim]
    if len(kinds) != 1:
        raise ClaimsError(f"{where}: expected one of {', '.join(KINDS)}, got "
                          f"{' and '.join(kinds) or 'none'}")
    name = str(claim.get("spec", next(iter(around.abouts), "")))
    if name not in around.abouts and (kinds[0] != "output" or "spec" in claim):
        raise ClaimsError(f"{where}: no [specs.{name}]; there are {', '.join(around.abouts)}")
    stated = str(claim[kinds[0]])
    if kinds[0] == "output":
        found = [_output(claim, stated, around, where)]
    else:
        about = around.abouts[name]
        if "answers" in claim:
            answers = as_texts(claim["answers"], where)
            about = replace(about, subject=about.subject.answering(answers))
        found = _table(about, claim, stated, where) if kinds[0] == "table" else _stated(
            about, kinds[0], str(claim.get("of", "")), stated, where)
    place = str(claim.get("where", ""))
    line = _line(claim, stated, around, where)
    if line:
        place = f"{place}{', ' * bool(place)}line {line}"
    return [replace(finding, where=place) for finding in found]


def _stated(about: About, kind: str, of: str, stated: str, where: str) -> list[Finding]:
    if kind == "shape":
        return [_shape(about, of, stated, where)]
    if kind == "number":
        return _number(about, of, stated, where)
    found = judged(about, stated)
    if not found:
        raise ClaimsError(f"{where}: {stated!r:.60} states nothing; expected an equation")
    return found


def _line(claim: Mapping[str, Any], stated: str, around: Around, where: str) -> int:
    """The line of the text in which the claim stands; 0 where there is nothing to look it up in.

    Spaces and line breaks are no difference.  ClaimsError where the text does not hold it.
    """
    name, looked = str(claim.get("in", "")), str(claim.get("find", ""))
    if name not in around.texts:
        if name:
            raise ClaimsError(f"{where}: in: no text {name!r}; there are "
                              f"{', '.join(filter(None, around.texts)) or 'none'}")
        return 0
    text = around.texts[name]
    if text is None or not (looked or name):
        return 0
    wanted = looked or stated
    found = re.search(r"\s*".join(map(re.escape, "".join(wanted.split()))), text)
    if found is None:
        raise ClaimsError(f"{where}: the text does not hold {wanted!r:.80}")
    return text.count("\n", 0, found.start()) + 1


def _output(claim: Mapping[str, Any], stated: str, around: Around, where: str) -> Finding:
    """What a program prints; it is run where that is allowed, and stands beside the claims."""
    name = str(claim.get("program", ""))
    path = (around.folder / name).resolve()
    if not name or not path.is_file() or around.folder.resolve() not in path.parents:
        raise ClaimsError(f"{where}: program: expected a Python file in the folder of the claims, "
                          f"or below it, got {name!r}")
    seconds, tolerance = claim.get("seconds", SECONDS), claim.get("tolerance", "0")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 3600:
        raise ClaimsError(f"{where}: seconds: expected a number up to 3600, got {seconds!r}")
    if not isinstance(tolerance, str) or not re.fullmatch(_DECIMAL, tolerance):
        raise ClaimsError(f"{where}: tolerance: expected a decimal in quotes, got {tolerance!r}")
    if not around.run:
        return Finding(f"{name} prints {stated.strip().splitlines()[0] if stated.strip() else ''}",
                       "undecided", "programs are run where that is asked for: --run, or run=True",
                       kind="output")
    return printed.output(stated, path, float(seconds), Fraction(limited(tolerance)))


def _table(about: About, claim: Mapping[str, Any], stated: str, where: str) -> list[Finding]:
    """A column of a table: its cells are numbers or shapes of what each row is about, or
    formulas."""
    rows = claim.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise ClaimsError(f"{where}: rows: expected a list of texts, got {rows!r:.60}")
    name = claim.get("column", "")
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise ClaimsError(f"{where}: column: expected a header or a number, got {name!r}")
    found: list[Finding] = []
    try:
        for of, cell in column(stated, name, rows):
            kind = "formula" if not of else (
                "number" if re.fullmatch(_DECIMAL, cell) else "shape")
            found += _stated(about, kind, of, cell, where)
    except TableError as error:
        raise ClaimsError(f"{where}: table: {error}") from None
    return found


def judged(about: About, text: str) -> list[Finding]:
    return [diagnosed(finding, about.subject, about.network)
            for finding in about.subject.judge(text)]


def _number(about: About, of: str, stated: str, where: str) -> list[Finding]:
    """A number of a quantity: in LaTeX, or by the names that specs use, with subscripts."""
    if not re.fullmatch(_DECIMAL, stated):
        raise ClaimsError(f"{where}: number: expected a decimal in quotes, got {stated!r:.60}")
    if not of:
        raise ClaimsError(f"{where}: of: which quantity the number is of is missing")
    plain = stated.strip().lower()
    mantissa, _, exponent = plain.partition("e")
    written = f"{mantissa} \\times 10^{{{int(exponent)}}}" if exponent else mantissa
    found = about.subject.judge(f"{of} \\approx {written}")
    return [replace(finding, claim=f"{of} ≈ {stated}") for finding in found]


def _shape(about: About, of: str, stated: str, where: str) -> Finding:
    try:
        wanted = parse_shape(" ".join(re.findall(r"[^\s,()×x\[\]]+", stated)))
    except ValueError as error:
        raise ClaimsError(f"{where}: shape: {error}") from None
    claim = f"{of} has shape ({', '.join(map(str, wanted))})"
    return about.subject.shape(of, wanted, claim)
