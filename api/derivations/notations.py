"""How a derivation is written, as books do: presets, each a small TOML file.

A preset says how things are written, not what they are: whether samples are rows or columns is the
spec's own convention.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from gradproof.derivations.derivation import Derivation
from gradproof.symbolic.display.notation import Bars
from gradproof.symbolic.equation import size_names
from gradproof.symbolic.limits import MAX_DOCUMENT, read_file
from gradproof.symbolic.specs.network import Network

HERE = Path(__file__).resolve().parent.parent / "notations"
PRESETS = ("bishop", "cs231n", "d2l", "derivatives", "mitchell", "ng", "nielsen")


class PresetError(ValueError):
    """A preset that is not there, or says what none can; the message says where and what."""


@dataclass(frozen=True)
class Preset:
    """loss, target, output: symbols; `output` of the last layer's, "" for that of its layer.

    brackets: "()", "[]" or "", what a layer's number is raised in; "_" for a subscript.
    symbols: of single arrays, where a network has them.  adjoints: "delta", "partial" or
    "d".  first_layer: the number of the first layer with weights.
    """

    loss: str = "L"
    target: str = "y"
    output: str = ""
    brackets: str = "()"
    adjoints: str = "delta"
    first_layer: int = 1
    symbols: Mapping[str, str] = field(default_factory=dict)


def preset(name: str) -> Preset:
    """A preset by its name, or by the path of a TOML file.  Raises PresetError."""
    file = HERE / f"{name}.toml" if name in PRESETS else Path(name)
    if name not in PRESETS and file.suffix != ".toml":
        near = get_close_matches(name, PRESETS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "or the path of a TOML file"
        raise PresetError(f"notation: expected one of {', '.join(PRESETS)}, got {name!r}; {hint}")
    try:
        table = tomllib.loads(read_file(file, MAX_DOCUMENT).decode("utf-8"))
    except OSError as error:
        raise PresetError(f"notation: {file.name}: {error.strerror}") from None
    except ValueError as error:
        raise PresetError(f"notation: {file.name}: {error}") from None
    return _checked(table, file.name)


def _checked(table: Mapping[str, Any], where: str) -> Preset:
    def wrong(key: str, expected: str) -> PresetError:
        return PresetError(f"{where}: {key}: expected {expected}, got {table.get(key)!r:.60}")

    known = Preset.__dataclass_fields__
    for key in table:
        if key not in known:
            raise PresetError(f"{where}: unknown key {key!r}; expected {', '.join(known)}")
    for key in ("loss", "target", "output"):
        if not _is_symbol(table.get(key, "x")):
            raise wrong(key, "a letter or a word of letters")
    if table.get("brackets", "") not in ("()", "[]", "", "_"):
        raise wrong("brackets", '"()", "[]", "" or "_"')
    symbols_of = table.get("symbols", {})
    if not isinstance(symbols_of, dict) or not all(map(_is_symbol, symbols_of.values())):
        raise wrong("symbols", "a table such as { A1 = \"h\" }")
    if table.get("adjoints", "d") not in ("delta", "partial", "d"):
        raise wrong("adjoints", '"delta", "partial" or "d"')
    first = table.get("first_layer", 1)
    if type(first) is not int or not 0 <= first <= 9:
        raise wrong("first_layer", "a whole number from 0 to 9")
    made = Preset(**table)
    symbols = [symbol for symbol in (made.loss, made.target, made.output) if symbol]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise PresetError(f"{where}: {symbol!r} is written for two of loss, target and output")
    return made


def _is_symbol(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= 20 and text.isalpha()


def in_notation(derivation: Derivation, name: str) -> Derivation:
    """The same derivation of a network or a model, written as a preset says.

    Raises PresetError for a preset that is not there or does not fit.
    """
    network = derivation.network
    if network is None:
        raise PresetError("notation: a preset is for networks and models, whose layers it writes")
    chosen = preset(name)
    per_sample = isinstance(network, Network) and network.delta == "sample"
    if per_sample and chosen.adjoints == "partial":
        raise PresetError(f"notation: {name} writes adjoints as derivatives, but this network "
                          "keeps them per sample (delta = \"sample\"), which is m times those")
    last = f"A{network.depth}" if isinstance(network, Network) else ""
    writer = derivation.writer
    notation = replace(
        writer.notation, loss=chosen.loss, target=chosen.target,
        symbols={name: symbol for name, symbol in chosen.symbols.items()
                 if name in derivation.chain.system.shapes and name != last}
        | ({last: chosen.output} if last and chosen.output else {}),
        brackets=chosen.brackets, bars=cast(Bars, chosen.adjoints), first=chosen.first_layer)
    system = derivation.chain.system
    owners = {str(size): "a size" for size in size_names(system.shapes.values())}
    for array in system.shapes:
        shown = notation.latex(array)
        if shown in owners:
            raise PresetError(f"notation: {name} writes {array} as {notation.text(array)}, which "
                              f"is {owners[shown]} here")
        owners[shown] = array
    letters = {shown.partition("^")[0]: array for shown, array in owners.items() if "^" in shown}
    for symbol in filter(None, (chosen.loss, chosen.target, chosen.output)):
        if symbol in letters:
            raise PresetError(f"notation: {name} writes {symbol}, which is the letter of "
                              f"{notation.text(letters[symbol])} here")
    return Derivation(derivation.chain, replace(writer, notation=notation), network)
