"""Files of claims: TOML tables that say what is claimed, of which spec, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradproof.claims.abouts import ClaimsError, about, as_texts
from gradproof.claims.claimed import Around, claimed, judged
from gradproof.claims.documents import formulas_of
from gradproof.claims.findings import Finding
from gradproof.claims.shown import Audit
from gradproof.claims.spec_figures import figures_of
from gradproof.derivations.examples import EXAMPLES
from gradproof.symbolic.limits import MAX_DOCUMENT, MAX_SPEC, read_file, toml
from gradproof.symbolic.specs.reader import read_table

MOST_CLAIMS = 2000
"""Claims of one file, and formulas of one document."""
_FILE = ("title", "text", "texts", "specs", "claims")


def audit(
    claims: str | Path | Mapping[str, Any], spec: str | Path | None = None, *,
    run: bool = False, texts: str | Path | None = None,
) -> Audit:
    """Holds claims against the derivation: a TOML file (or its tables), or a document.

    claims: a file of claims (docs/audit.md), a network's spec that states figures, or a document
    in Markdown or LaTeX, whose formulas are read as they stand.
    spec: what the formulas of a document are about: a network's spec, or the name of an example.
    run: whether programs are run whose output is claimed.  texts: the folder of the texts that
    the claims are from, by default that of the file.

    Raises ClaimsError (a ValueError) for a file that cannot be used, with the place.
    """
    if isinstance(claims, Mapping):
        return _audited(claims, Path(), "claims", run, Path(texts or "."))
    path = Path(claims)
    if not path.exists() and (EXAMPLES / f"{claims}.toml").is_file():
        path = EXAMPLES / f"{claims}.toml"
    if path.suffix == ".toml":
        try:
            table = toml(read_file(path, MAX_SPEC))
        except ValueError as error:
            raise ClaimsError(f"{path}: {error}") from None
        return _audited(table, path.parent, str(path), run, Path(texts or path.parent))
    if spec is None:
        raise ClaimsError(f"{path}: what its formulas are about is not said; give a network's spec "
                          "with --spec, such as --spec 2-2-1")
    subject = about({"file": str(spec)}, Path(), "--spec")
    text = _text(path)
    found: list[Finding] = []
    for line, formula in formulas_of(text, path.suffix):
        found += [replace(finding, where=f"line {line}") for finding in judged(subject, formula)]
        if len(found) > MOST_CLAIMS:
            raise ClaimsError(f"{path}: has more than {MOST_CLAIMS} formulas")
    return Audit(path.name, tuple(found))


def _text(path: Path) -> str:
    try:
        return read_file(path, MAX_DOCUMENT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClaimsError(f"{path}: is not UTF-8 text (byte {error.start})") from None


def _only_outputs(claims: Any) -> bool:
    """Whether claims are of programs alone, and need no spec."""
    return isinstance(claims, list) and bool(claims) and all(
        isinstance(claim, Mapping) and "output" in claim for claim in claims)


def _audited(
    table: Mapping[str, Any], folder: Path, where: str, run: bool, beside: Path
) -> Audit:
    if "network" in table or "model" in table:
        return figures_of(read_table(table, where, "network"))
    for key in table:
        if key not in _FILE:
            raise ClaimsError(f"{where}: unknown key {key!r}; known: {', '.join(_FILE)}")
    specs = table.get("specs", {})
    claims = table.get("claims", [])
    if not isinstance(specs, Mapping) or not (specs or _only_outputs(claims)):
        raise ClaimsError(f"{where}: specs: expected tables [specs.NAME] that say what the claims "
                          "are about")
    if not isinstance(claims, list) or len(claims) > MOST_CLAIMS:
        raise ClaimsError(f"{where}: claims: expected at most {MOST_CLAIMS} tables [[claims]]")
    named = as_texts(table.get("texts", {}), f"{where}: texts")
    held: dict[str, str | None] = {}
    if "text" in table:
        held[""] = _text(folder / str(table["text"]))
    held |= {name: _text(beside / file) if (beside / file).is_file() else None
             for name, file in named.items()}
    around = Around({name: about(spec, folder, f"{where}: specs.{name}")
                     for name, spec in specs.items()}, folder, run, held)
    found: list[Finding] = []
    for number, claim in enumerate(claims, 1):
        found += claimed(claim, around, f"{where}: claim {number}")
    missing = [named[name] for name, text in held.items() if text is None]
    notes = (f"not looked up, as the texts are not there: {', '.join(missing)}",) * bool(missing)
    return Audit(str(table.get("title", "")), tuple(found), notes)
