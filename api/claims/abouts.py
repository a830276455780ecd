"""What claims are about: a network, or equations, with the names that a text gives their arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradproof.claims.formulas import Subject
from gradproof.derivations.declare import Array
from gradproof.derivations.sources import differentiating, load, stated_equations
from gradproof.symbolic.equation import Array as Declared
from gradproof.symbolic.latex.names import (
    Context,
    network_context,
    system_context,
    with_symbols,
)
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.reader import read_table

_SPEC = {"file", "network", "equations", "shapes", "values", "symbols", "functions", "layout",
         "vectors", "notation", "answers", "update", "name", "samples"}


class ClaimsError(ValueError):
    """A file of claims that cannot be used; the message says where and why."""


@dataclass(frozen=True)
class About:
    """What claims are about: a subject, and the network it is, where it is one."""

    subject: Subject
    network: Network | None = None


def as_texts(found: Any, where: str) -> dict[str, str]:
    if not isinstance(found, Mapping) or not all(isinstance(v, str) for v in found.values()):
        raise ClaimsError(f"{where}: expected a table of texts, got {found!r:.60}")
    return dict(found)


def about(spec: Any, folder: Path, where: str) -> About:
    if not isinstance(spec, Mapping):
        raise ClaimsError(f"{where}: expected a table, got {spec!r:.60}")
    for key in spec:
        if key not in _SPEC:
            raise ClaimsError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(_SPEC))}")
    answers = as_texts(spec.get("answers", {}), f"{where}.answers")
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
        return with_symbols(context, as_texts(spec.get("symbols", {}), f"{where}.symbols"), samples)
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
        functions=as_texts(spec.get("functions", {}), f"{where}.functions"))
