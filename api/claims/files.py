"""Files of claims: TOML tables that say what is claimed, of which spec, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gradproof.claims.diagnosis import diagnosed
from gradproof.claims.documents import formulas_of
from gradproof.claims.findings import Finding
from gradproof.claims.formulas import Subject
from gradproof.claims.shown import Audit
from gradproof.claims.spec_figures import figures_of
from gradproof.derivations.declare import Array
from gradproof.derivations.examples import EXAMPLES
from gradproof.derivations.sources import differentiating, load, stated_equations
from gradproof.symbolic.equation import Array as Declared
from gradproof.symbolic.latex.names import (
    Context,
    network_context,
    system_context,
    with_symbols,
)
from gradproof.symbolic.limits import MAX_DOCUMENT, MAX_SPEC, read_file, toml
from gradproof.symbolic.shapes import parse_shape
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.reader import read_table

MOST_CLAIMS = 2000
"""Claims of one file, and formulas of one document."""
_KINDS = ("formula", "number", "shape")
_CLAIM = {*_KINDS, "spec", "where", "find", "of", "answers"}
_SPEC = {"file", "network", "equations", "shapes", "values", "symbols", "functions", "layout",
         "vectors", "notation", "answers", "update", "name", "samples"}


class ClaimsError(ValueError):
    """A file of claims that cannot be used; the message says where and why."""


@dataclass(frozen=True)
class About:
    """What claims are about: a subject, and the network it is, where it is one."""

    subject: Subject
    network: Network | None = None


def audit(claims: str | Path | Mapping[str, Any], spec: str | Path | None = None) -> Audit:
    """Holds claims against the derivation: a TOML file (or its tables), or a document.

    claims: a file of claims (docs/audit.md), a network's spec that states figures, or a document
    in Markdown or LaTeX, whose formulas are read as they stand.
    spec: what the formulas of a document are about: a network's spec, or the name of an example.

    Raises ClaimsError (a ValueError) for a file that cannot be used, with the place.
    """
    if isinstance(claims, Mapping):
        return _audited(claims, Path(), "claims")
    path = Path(claims)
    if not path.exists() and (EXAMPLES / f"{claims}.toml").is_file():
        path = EXAMPLES / f"{claims}.toml"
    if path.suffix == ".toml":
        try:
            table = toml(read_file(path, MAX_SPEC))
        except ValueError as error:
            raise ClaimsError(f"{path}: {error}") from None
        return _audited(table, path.parent, str(path))
    if spec is None:
        raise ClaimsError(f"{path}: what its formulas are about is not said; give a network's spec "
                          "with --spec, such as --spec 2-2-1")
    about = _about({"file": str(spec)}, Path(), "--spec")
    try:
        text = read_file(path, MAX_DOCUMENT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClaimsError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    found: list[Finding] = []
    for line, formula in formulas_of(text, path.suffix):
        found += [replace(finding, where=f"line {line}") for finding in _judged(about, formula)]
        if len(found) > MOST_CLAIMS:
            raise ClaimsError(f"{path}: has more than {MOST_CLAIMS} formulas")
    return Audit(path.name, tuple(found))


def _audited(table: Mapping[str, Any], folder: Path, where: str) -> Audit:
    if "network" in table or "model" in table:
        return figures_of(read_table(table, where, "network"))
    for key in table:
        if key not in ("title", "text", "specs", "claims"):
            raise ClaimsError(f"{where}: unknown key {key!r}; known: title, text, specs, claims")
    specs = table.get("specs", {})
    claims = table.get("claims", [])
    if not isinstance(specs, Mapping) or not specs:
        raise ClaimsError(f"{where}: specs: expected tables [specs.NAME] that say what the claims "
                          "are about")
    if not isinstance(claims, list) or len(claims) > MOST_CLAIMS:
        raise ClaimsError(f"{where}: claims: expected at most {MOST_CLAIMS} tables [[claims]]")
    text = None
    if "text" in table:
        text = read_file(folder / str(table["text"]), MAX_DOCUMENT).decode("utf-8-sig")
    abouts = {name: _about(spec, folder, f"{where}: specs.{name}")
              for name, spec in specs.items()}
    found: list[Finding] = []
    for number, claim in enumerate(claims, 1):
        found += _claimed(claim, abouts, text, f"{where}: claim {number}")
    return Audit(str(table.get("title", "")), tuple(found))


def _claimed(
    claim: Any, abouts: Mapping[str, About], text: str | None, where: str
) -> list[Finding]:
    if not isinstance(claim, Mapping):
        raise ClaimsError(f"{where}: expected a table, got {claim!r:.60}")
    for key in claim:
        if key not in _CLAIM:
            raise ClaimsError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(_CLAIM))}")
    kinds = [kind for kind in _KINDS if kind in claim]
    if len(kinds) != 1:
        raise ClaimsError(f"{where}: expected one of {', '.join(_KINDS)}, got "
                          f"{' and '.join(kinds) or 'none'}")
    name = str(claim.get("spec", next(iter(abouts))))
    if name not in abouts:
        raise ClaimsError(f"{where}: no [specs.{name}]; there are {', '.join(abouts)}")
    about = abouts[name]
    stated = str(claim[kinds[0]])
    if "answers" in claim:
        about = replace(about, subject=about.subject.answering(_texts(claim["answers"], where)))
    if kinds[0] == "shape":
        found = [_shape(about, str(claim.get("of", "")), stated, where)]
    elif kinds[0] == "number":
        found = _number(about, str(claim.get("of", "")), stated, where)
    else:
        found = _judged(about, stated)
        if not found:
            raise ClaimsError(f"{where}: {stated!r:.60} states nothing; expected an equation")
    place = str(claim.get("where", ""))
    looked = str(claim.get("find", ""))
    if text is not None and looked:
        line = text[:text.find(looked)].count("\n") + 1 if looked in text else 0
        if not line:
            raise ClaimsError(f"{where}: the text does not hold {looked!r:.80}")
        place = f"{place}{', ' * bool(place)}line {line}"
    return [replace(finding, where=place) for finding in found]


def _judged(about: About, text: str) -> list[Finding]:
    return [diagnosed(finding, about.subject, about.network)
            for finding in about.subject.judge(text)]


def _texts(found: Any, where: str) -> dict[str, str]:
    if not isinstance(found, Mapping) or not all(isinstance(v, str) for v in found.values()):
        raise ClaimsError(f"{where}: expected a table of texts, got {found!r:.60}")
    return dict(found)


def _number(about: About, of: str, stated: str, where: str) -> list[Finding]:
    """A number of a quantity: in LaTeX, or by the names that specs use, with subscripts."""
    if not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", stated):
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


def _about(spec: Any, folder: Path, where: str) -> About:
    if not isinstance(spec, Mapping):
        raise ClaimsError(f"{where}: expected a table, got {spec!r:.60}")
    for key in spec:
        if key not in _SPEC:
            raise ClaimsError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(_SPEC))}")
    answers = _texts(spec.get("answers", {}), f"{where}.answers")
    layout = str(spec.get("layout", ""))
    if layout not in ("", "numerator", "denominator"):
        raise ClaimsError(f"{where}: layout: expected numerator or denominator, got {layout!r}")
    if "equations" in spec or "shapes" in spec:
        own = _named(_equations(spec, where), spec, where)
        return About(Subject(own, spec.get("values"), answers))
    network: Any
    if "file" in spec:
        beside = folder / str(spec["file"])
        network = load(beside if beside.is_file() else str(spec["file"]))
    elif "network" in spec:
        keys = ("network", "values", "notation", "update", "name")
        network = read_table({key: spec[key] for key in keys if key in spec}, where, "network")
    else:
        raise ClaimsError(f"{where}: expected file, network, equations or shapes")
    if not isinstance(network, Network):
        raise ClaimsError(f"{where}: claims are of dense networks and of equations; this is "
                          f"{type(network).__name__}")
    plain = network_context(network, differentiating, layout)  # type: ignore[arg-type]
    context = _named(plain, spec, where)
    values = dict(network.values)
    if network.learning_rate is not None:
        values["rate"] = network.learning_rate
    return About(Subject(context, values, answers), network)


def _named(context: Context, spec: Mapping[str, Any], where: str) -> Context:
    """The context with the text's own names, and what counts its samples."""
    found = spec.get("samples", [])
    samples = dict.fromkeys(found, 0) if isinstance(found, list) and all(
        isinstance(name, str) for name in found) else found
    if not isinstance(samples, Mapping) or not all(type(axis) is int for axis in samples.values()):
        raise ClaimsError(f"{where}.samples: expected a list of names of arrays whose first axis "
                          f"counts samples, or a table of names and axes, got {found!r:.60}")
    try:
        return with_symbols(context, _texts(spec.get("symbols", {}), f"{where}.symbols"), samples)
    except ValueError as error:
        raise ClaimsError(f"{where}.{error}") from None


def _shapes(found: Any, where: str) -> dict[str, str | Declared]:
    """Shapes as text, or tables with a shape and the kind of the entries."""
    if not isinstance(found, Mapping):
        raise ClaimsError(f"{where}: expected a table of shapes, got {found!r:.60}")
    made: dict[str, str | Declared] = {}
    for name, shape in found.items():
        if isinstance(shape, str):
            made[name] = shape
            continue
        if not isinstance(shape, Mapping) or not {"shape"} <= set(shape) <= {"shape", "kind"}:
            raise ClaimsError(f'{where}.{name}: expected a shape such as "m n", or a table such '
                              f'as {{ shape = "m k", kind = "one_hot" }}, got {shape!r:.60}')
        try:
            made[name] = Array(str(shape["shape"]), kind=str(shape.get("kind", "real")), name=name)
        except ValueError as error:
            raise ClaimsError(f"{where}.{name}: {error}") from None
    return made


def _equations(spec: Mapping[str, Any], where: str) -> Context:
    shapes = _shapes(spec.get("shapes", {}), f"{where}.shapes")
    text = str(spec.get("equations", "")) or "nothing__ = 0"
    vectors = str(spec.get("vectors", "columns"))
    if vectors not in ("rows", "columns"):
        raise ClaimsError(f"{where}: vectors: expected rows or columns, got {vectors!r}")
    try:
        system = stated_equations(text, shapes)
    except ValueError as error:
        raise ClaimsError(f"{where}: {error}") from None
    return system_context(
        system, differentiating, rows=vectors == "rows",
        layout=spec.get("layout", ""),
        functions=_texts(spec.get("functions", {}), f"{where}.functions"))
