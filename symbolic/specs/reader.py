"""Specs: TOML files read into a :class:`Network` or :class:`Model`; complaints name file and key.

    name = "moons"
    [network]
    sizes = [2, 4, 1]
    activation = "tanh"           # or a formula in z, or a list with one a hidden layer
    output = "sigmoid"
    loss = "binary_cross_entropy"
    [values]                      # optional: X, Y, W1, b1, ... as nested lists
    [update]                      # optional: learning_rate, steps
    [notation]                    # optional: loss, target, symbols

A model has ``[model]`` and ``[[layers]]`` in the place of ``[network]``:

    [model]
    input = "m 1 28 28"
    loss = "cross_entropy_from_logits"
    [[layers]]
    type = "conv2d"
    channels = 6
    kernel = 5

Equations stand in the place of either, with a shape for each input:

    equations = "p = sigmoid(X @ w); L = -sum(y*log(p) + (1 - y)*log(1 - p))"
    parameters = ["w"]            # what is learned; without it all real inputs
    [shapes]
    X = "m n"
    w = "n"
    y = { shape = "m", kind = "mask" }

A spec is data: nothing in it is executed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .. import escaping
from ..equation import Array, EquationError, Size
from ..layers.losses import Loss
from ..limits import MAX_SPEC, LimitError, number, read_file, toml
from ..shapes import least_sizes, parse_shape
from ..text.trees import FormulaError
from .common import Described, keys_of
from .model import Model
from .network import Network, NetworkError
from .stated import Stated

TABLES = {
    "network": keys_of(Network),
    "model": keys_of(Model),
    "values": None,
    "update": ("learning_rate", "steps"),
    "notation": ("loss", "target", "symbols"),
    "source": ("title", "text", "declared_convention"),
    "shapes": None,
}
MOST_STEPS = 10_000
"""Of the training that a report shows."""
KINDS = ("real", "positive", "probability", "one_hot", "mask", "sign", "constant", "integer",
         "symmetric", "orthogonal", "invertible")
"""What an input of equations may be said to be."""
CLAIM_KEYS = ("quantity", "stated", "where")


class SpecError(ValueError):
    """A spec that cannot be used: file, key, what was expected, what came."""


def load_spec(path: str | Path) -> Network | Model:
    """The network or model of a TOML file.

    Numbers keep the decimals they are written with (0.1 is 1/10 in exact arithmetic).
    Raises SpecError, which names the file and the key.
    """
    return _layered(load_any(path), str(path))


def load_any(path: str | Path) -> Network | Model | Stated:
    """The network, model or equations of a TOML file, as :func:`load_spec`."""
    file = Path(path)
    try:
        data = read_file(file, MAX_SPEC)
    except FileNotFoundError:
        raise SpecError(f"{file}: there is no such file; expected a TOML network spec") from None
    except OSError as error:
        raise SpecError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SpecError(f"{file}: {error}") from None
    return any_of(_document(data, str(file)), str(file), file.stem)


def read_text(text: str | bytes, where: str, name: str = "network") -> Network | Model:
    """The network or model of a spec's text; `where` is what messages call it.

    Raises SpecError.
    """
    return read_table(_document(text, where), where, name)


def _document(text: str | bytes, where: str) -> dict[str, Any]:
    try:
        return toml(text if isinstance(text, bytes) else text.encode())
    except ValueError as error:
        raise SpecError(f"{where}: {error}") from None


def read_table(
    document: Mapping[str, Any], where: str, name: str = "network"
) -> Network | Model:
    """The same of a spec's tables, in which numbers are integers and Decimals."""
    return _layered(any_of(document, where, name), where)


def _layered(found: Network | Model | Stated, where: str) -> Network | Model:
    if isinstance(found, Stated):
        raise SpecError(f"{where}: equations: expected a [network] or a [model] here; equations "
                        "are for derive, codegen, report and train")
    return found


def any_of(document: Mapping[str, Any], where: str, name: str) -> Network | Model | Stated:
    """The network, model or equations of a spec's tables, as :func:`read_table`."""
    _check_tables(document, where)
    settings: dict[str, Any] = {
        table: document.get(table, {}) for table in ("values", "notation", "source")
    }
    update = document.get("update", {})
    settings["learning_rate"] = _rate(where, update.get("learning_rate"))
    settings["steps"] = _steps(where, update.get("steps", Described.steps))
    settings["claims"] = _claims(where, document.get("claims", []))
    settings["name"] = document.get("name", escaping.one_line(name)[:100])
    _check_source(where, settings["source"])
    table = "model" if "model" in document else "network"
    if "equations" in document:
        return _stated(document, where, settings)
    settings |= document[table]
    if table == "model":
        if "layers" not in document:
            raise SpecError(f"{where}: layers: are missing; a model needs tables [[layers]], each "
                            "with a type")
        settings["layers"] = document["layers"]
    try:
        made = Model(**settings) if table == "model" else Network(**settings)
        shapes = made.shapes()
    except NetworkError as error:
        prefix = f"{table}." if error.key.split("[")[0] in (TABLES[table] or ()) else ""
        raise SpecError(f"{where}: {prefix}{error}") from None
    _check_values(where, settings["values"], shapes)
    convention = made.convention if isinstance(made, Network) else "rows"
    check_targets(where, made.objective.row, settings["values"].get("Y"), convention)
    _check_claims(where, made.claims, settings["values"], shapes)
    return made


def _stated(document: Mapping[str, Any], where: str, settings: dict[str, Any]) -> Stated:
    """Equations with the shapes of their inputs."""
    shapes = {name: _input(f"{where}: shapes.{name}", name, said)
              for name, said in document.get("shapes", {}).items()}
    parameters = document.get("parameters", [])
    if not isinstance(parameters, list) or not all(isinstance(p, str) for p in parameters):
        raise SpecError(f"{where}: parameters: expected a list of names, got {parameters!r}")
    del settings["notation"]
    try:
        made = Stated(_text(where, "equations", document["equations"]), shapes, tuple(parameters),
                      **settings)
        expected = made.shapes()
    except NetworkError as error:
        raise SpecError(f"{where}: {error}") from None
    except (FormulaError, EquationError) as error:
        raise SpecError(f"{where}: equations: {error}") from None
    _check_values(where, made.values, expected)
    _check_claims(where, made.claims, made.values, expected)
    return made


def _input(where: str, name: str, said: object) -> Array:
    """An input by its shape as text, or by a table with a shape and a kind."""
    table = {"shape": said} if isinstance(said, str) else said
    if not isinstance(table, dict) or not isinstance(table.get("shape"), str):
        raise SpecError(f"{where}: expected a shape such as \"m n\", or a table such as "
                        f"{{ shape = \"m\", kind = \"positive\" }}, got {said!r}")
    _known(where, "", table, ("shape", "kind"))
    kind = table.get("kind", "real")
    if kind not in KINDS:
        raise SpecError(f"{where}.kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    try:
        return Array(name, parse_shape(table["shape"]), kind, least=least_sizes(table["shape"]))
    except ValueError as error:
        raise SpecError(f"{where}: {error}") from None


def _check_claims(
    where: str, claims: Sequence[object], values: Mapping[str, Any], shapes: Mapping[str, object]
) -> None:
    missing = [array for array in shapes if array not in values]
    if claims and missing:
        raise SpecError(f"{where}: claims: there is nothing to hold them against; [values] lacks "
                        f"{', '.join(missing)}")


def _check_tables(document: Mapping[str, Any], where: str) -> None:
    """Tables with known keys, and either a network or a model."""
    _known(where, "", document, ("name", "claims", "layers", "equations", "parameters", *TABLES))
    for table, keys in TABLES.items():
        content = document.get(table, {})
        if not isinstance(content, dict):
            raise SpecError(f"{where}: {table}: expected a table [{table}], got {content!r}")
        if keys is not None:
            _known(where, f"{table}.", content, keys)
    _check_equations(document, where)
    if "network" in document and ("model" in document or "layers" in document):
        raise SpecError(f"{where}: model: a spec has a [network], or a [model] with [[layers]], "
                        "not both")
    if "layers" in document and "model" not in document:
        raise SpecError(f"{where}: model: the table [model] is missing; it needs at least "
                        'input = "m n", the shape of X')
    if not {"model", "network", "equations"} & document.keys():
        raise SpecError(f"{where}: network: the table [network] is missing; it needs at least "
                        "sizes = [inputs, ..., outputs]")
    for table, key, example in (("network", "sizes", "layer widths from input to output, such as "
                                 "sizes = [2, 3, 1]"),
                                ("model", "input", 'the shape of X, such as "m 1 28 28"')):
        if table in document and key not in document[table]:
            raise SpecError(f"{where}: {table}.{key}: is missing; expected {example}")


def _check_equations(document: Mapping[str, Any], where: str) -> None:
    """Equations stand alone, and what belongs to them does not stand without them."""
    if "equations" in document:
        for table in ("network", "model", "layers", "notation"):
            if table in document:
                raise SpecError(f"{where}: {table}: does not go with equations")
        return
    for key in ("shapes", "parameters"):
        if key in document:
            raise SpecError(f"{where}: {key}: goes with equations, which are missing")


def _known(where: str, prefix: str, table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {list(keys)}"
            raise SpecError(f"{where}: {prefix}{key}: unknown key{hint}")


def _text(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SpecError(f"{where}: {key}: expected a text, got {value!r}")
    return value


def _rate(where: str, value: object) -> Decimal | None:
    if value is None:
        return None
    rate = _number(where, "update.learning_rate", value)
    if rate <= 0:
        raise SpecError(f"{where}: update.learning_rate: expected a positive number, got {rate}")
    return rate


def _steps(where: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= MOST_STEPS:
        raise SpecError(f"{where}: update.steps: expected a whole number from 0 to {MOST_STEPS}, "
                        f"got {value!r}")
    return value


def _claims(where: str, claims: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise SpecError(f"{where}: claims: expected tables [[claims]] with quantity and stated")
    for place, claim in enumerate(claims):
        key = f"claims[{place}]"
        _known(where, f"{key}.", claim, CLAIM_KEYS)
        for needed in ("quantity", "stated"):
            if needed not in claim:
                raise SpecError(f"{where}: {key}.{needed}: is missing")
            _text(where, f"{key}.{needed}", claim[needed])
    return tuple(claims)


def _check_source(where: str, source: Mapping[str, Any]) -> None:
    for key in source:
        _text(where, f"source.{key}", source[key])
    declared = source.get("declared_convention", "rows")
    if declared not in ("rows", "columns"):
        raise SpecError(f"{where}: source.declared_convention: expected 'rows' or 'columns', got "
                        f"{declared!r}")


# --- values -------------------------------------------------------------------------------------


def _number(where: str, key: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise SpecError(f"{where}: {key}: expected a number, got {value!r}")
    try:
        number(value)
    except LimitError as error:
        raise SpecError(f"{where}: {key}: {error}") from None
    except ValueError:
        raise SpecError(f"{where}: {key}: expected a finite number, got {value}") from None
    return Decimal(value)


def _check_values(
    where: str, values: Mapping[str, Any], shapes: Mapping[str, tuple[Size, ...]]
) -> None:
    """Shapes fit one another and the network; entries are finite numbers."""
    known: dict[Size, int] = {}
    for name, value in values.items():
        if name not in shapes:
            near = get_close_matches(name, list(shapes), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {list(shapes)}"
            raise SpecError(f"{where}: values.{name}: the network has no such array{hint}")
        found = _shape(where, f"values.{name}", value)
        expected = shapes[name]
        fits = len(found) == len(expected) and all(
            number == (known.setdefault(size, number) if size.is_Symbol else size)
            for number, size in zip(found, expected, strict=True)
        )
        if not fits:
            wanted = ", ".join(
                f"{size} = {known[size]}" if size in known else str(size) for size in expected
            )
            hint = f" Did you mean {name} transposed?" if (
                len(found) == 2 and found[::-1] == tuple(known.get(s, s) for s in expected)
            ) else ""
            raise SpecError(f"{where}: values.{name}: expected shape ({wanted}), got "
                            f"({', '.join(map(str, found))}).{hint}")
        for place, entry in _entries(value):
            _number(where, f"values.{name}{place}", entry)


def check_targets(where: str, loss: Loss, values: Any, convention: str = "rows") -> None:
    """That the targets are what the loss assumes of them; `values` are nested lists, or None."""
    if not isinstance(values, list):
        return
    numbers = [Decimal(entry) for _, entry in _entries(values)]
    if loss.labels and not set(numbers) <= set(map(Decimal, loss.labels)):
        raise SpecError(f"{where}: values.Y: expected the labels {list(loss.labels)}, got "
                        f"{min(set(numbers) - set(map(Decimal, loss.labels)))}")
    outside = [number for number in numbers if not loss.low <= number <= loss.high]
    if outside:
        span = f"between {loss.low} and {loss.high}" if loss.high < math.inf else \
            f"of at least {loss.low}"
        raise SpecError(f"{where}: values.Y: the loss needs targets {span}, got {outside[0]}")
    if loss.target in ("probability", "one_hot"):
        for row in _samples(values, convention):
            _check_row(where, loss, row)


def _samples(values: list[Any], convention: str) -> Iterator[list[Decimal]]:
    """The targets of each sample; a flat list is that of a single one."""
    rows = values if isinstance(values[0], list) else [values]
    while isinstance(rows[0][0], list):
        rows = [row for block in rows for row in block]
    if isinstance(values[0], list) and convention == "columns":
        rows = [list(column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield [Decimal(entry) for entry in row]


def _check_row(where: str, loss: Loss, entries: list[Decimal]) -> None:
    """Entries of one sample that sum to one, and are one-hot where the loss needs that."""
    shown = [str(entry) for entry in entries]
    if abs(sum(entries, Decimal(0)) - 1) > Decimal("1e-9") or min(entries) < 0:
        raise SpecError(f"{where}: values.Y: the loss needs non-negative targets that sum to one "
                        f"for each sample, got {shown}")
    if loss.target == "one_hot" and any(entry not in (0, 1) for entry in entries):
        raise SpecError(f"{where}: values.Y: the loss needs one-hot targets, got {shown}")


def _shape(where: str, key: str, value: object) -> tuple[int, ...]:
    """The shape of nested lists; SpecError when they are ragged."""
    if not isinstance(value, list):
        return ()
    inner = {_shape(where, key, entry) for entry in value}
    if len(inner) > 1:
        raise SpecError(f"{where}: {key}: the rows have different lengths: {sorted(inner)}")
    return (len(value), *(inner.pop() if inner else ()))


def _entries(value: object, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _entries(entry, f"{place}[{number}]")
    else:
        yield place, value
