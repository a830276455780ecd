"""Where the spec that a marker names is found, and what the settings of documents are.

A marker names a spec of pyproject.toml's ``[tool.gradproof.specs]``, a TOML file beside the
document, or an example network, in this order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradproof.derivations.examples import EXAMPLES
from gradproof.reports.markers.marker import MarkerError, near
from gradproof.symbolic.limits import MAX_SPEC, read_file, toml

if TYPE_CHECKING:
    from gradproof.symbolic.equation import System
    from gradproof.symbolic.specs.model import Model
    from gradproof.symbolic.specs.network import Network

REPOSITORIES = (".git", ".hg")
"""What the root of a repository has."""
KEYS = ("specs", "flavor", "encoding", "documents")
SPEC_KEYS = ("file", "hand", "name", "network", "values", "update", "notation", "equations",
             "shapes")


@dataclass(frozen=True)
class Settings:
    """``[tool.gradproof]`` of the nearest pyproject.toml above a document.

    specs: by name, a path or a table.  documents: patterns, for a run that names none.
    runs: whether a hand-written file that it names may be run: it lies in the document's
    repository; or where there is none, in the document's folder or in one that the command is run
    in, or below that.
    """

    folder: Path
    specs: Mapping[str, Any] = field(default_factory=dict)
    flavor: str = "github"
    encoding: str = "utf-8"
    documents: tuple[str, ...] = ()
    runs: bool = True


def settings_of(folder: Path) -> Settings:
    """The settings for documents in a folder, looked for up to the root of its repository.

    Raises ValueError with the file and the key.
    """
    root, folders = _searched(folder)
    for above in folders:
        file = above / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            document = toml(read_file(file, MAX_SPEC))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
        tool = document.get("tool", {})
        if not isinstance(tool, dict):
            raise ValueError(f"{file}: tool: expected tables [tool.NAME], got {tool!r:.60}")
        if "gradproof" in tool:
            here = Path.cwd()
            runs = root is not None or above == folder or above.is_relative_to(here)
            return replace(_settings(file, tool["gradproof"]), runs=runs)
    return Settings(folder)


def _searched(folder: Path) -> tuple[Path | None, list[Path]]:
    """The root of the repository that a folder lies in, and the folders up to there."""
    folders = [folder, *folder.parents]
    for place, above in enumerate(folders):
        if any((above / name).exists() for name in REPOSITORIES):
            return above, folders[: place + 1]
    return None, folders


def _settings(file: Path, found: object) -> Settings:
    where = f"{file}: tool.gradproof"
    if not isinstance(found, dict):
        raise ValueError(f"{where}: expected a table [tool.gradproof], got {found!r:.60}")
    for key in found:
        if key not in KEYS:
            raise ValueError(f"{where}.{key}: unknown key; {near(key, KEYS)}")
    for key in ("flavor", "encoding"):
        if not isinstance(found.get(key, ""), str):
            raise ValueError(f"{where}.{key}: expected a text, got {found[key]!r}")
    documents = found.get("documents", [])
    if not isinstance(documents, list) or not all(isinstance(d, str) for d in documents):
        raise ValueError(f"{where}.documents: expected a list of paths, got {documents!r}")
    specs = found.get("specs", {})
    if not isinstance(specs, dict):
        raise ValueError(f"{where}.specs: expected a table of names, got {specs!r}")
    for name, spec in specs.items():
        if not isinstance(spec, str | dict):
            raise ValueError(f"{where}.specs.{name}: expected a path or a table, got {spec!r}")
        for key in spec if isinstance(spec, dict) else ():
            if key not in SPEC_KEYS:
                raise ValueError(f"{where}.specs.{name}.{key}: unknown key; {near(key, SPEC_KEYS)}")
    return Settings(file.parent, specs, found.get("flavor", "github"),
                    found.get("encoding", "utf-8"), tuple(documents))


@dataclass(frozen=True)
class Spec:
    """A spec that was found, not yet read.

    name: for the file of a figure.  where: what messages call it.
    text: the TOML of a network or model; or `table`, the tables themselves, which with a key
    `equations` describe a system.  hand: a file with a hand-written backward pass.
    refused: why there is none, though the settings name one.
    """

    name: str
    where: str
    text: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)
    hand: Path | None = None
    files: tuple[Path, ...] = ()
    refused: str = ""

    @property
    def content(self) -> tuple[bytes, ...]:
        """All that a result can depend on, beside the program, a marker's settings and what a
        hand-written pass does."""
        table = json.dumps(self.table, sort_keys=True, default=repr)
        return self.name.encode(), self.text.encode(), table.encode(), str(self.hand).encode()

    def read(
        self, notation: tuple[tuple[str, str], ...] = ()
    ) -> tuple[Network | Model | System, Mapping[str, Any]]:
        """What the spec describes, in a marker's notation, and its values.  Raises ValueError."""
        from gradproof.symbolic.specs.network import Network
        from gradproof.symbolic.specs.reader import read_table, read_text
        from gradproof.symbolic.text.statements import parse_equations

        found: Network | Model | System
        if "equations" in self.table:
            found = parse_equations(self.table["equations"], self.table.get("shapes", {}))
            values = self.table.get("values", {})
        else:
            found = (read_table(self.table, self.where, self.name) if self.table else
                     read_text(self.text, self.where, self.name))
            values = found.values
        if notation:
            if not isinstance(found, Network):
                raise MarkerError(f"{notation[0][0]}: only a network's notation can be changed")
            found = renamed(found, notation)
        return found, values


def renamed(network: Network, notation: Iterable[tuple[str, str]]) -> Network:
    """The network with a marker's own notation: loss, target, delta, symbols.NAME."""
    asked = dict(network.notation)
    symbols = dict(asked.get("symbols", {}))
    delta: Any = network.delta
    for key, value in notation:
        if key == "delta":
            delta = value
            continue
        if not value.isalpha() or len(value) > 10:
            raise MarkerError(f"{key}: expected a letter or a word, got {value!r}")
        if key.startswith("symbols."):
            symbols[key.removeprefix("symbols.")] = value
        else:
            asked[key] = value
    return replace(network, notation={**asked, "symbols": symbols}, delta=delta)


def find_spec(name: str, folder: Path, settings: Settings) -> Spec:
    """The spec that a marker in a document of `folder` means by `name`.

    Raises MarkerError, with the nearest name, where there is none.
    """
    if name in settings.specs:
        return _named(name, settings)
    beside = [folder / name] if name.endswith(".toml") else [folder / f"{name}.toml"]
    for file in beside:
        if file.is_file():
            return _file(file, None)
    example = EXAMPLES / f"{name}.toml"
    if "/" not in name and example.is_file():
        hand = EXAMPLES / f"{name}_backward.py"
        return _file(example, hand if hand.is_file() else None)
    known = [*settings.specs, *sorted(file.name for file in folder.glob("*.toml")
                                      if file.name != "pyproject.toml"),
             *sorted(file.stem for file in EXAMPLES.glob("*.toml"))]
    raise MarkerError(f"no spec {name!r}: it is no key of [tool.gradproof.specs], no TOML file "
                      f"beside the document and no example; {near(name, known)}")


def _file(file: Path, hand: Path | None) -> Spec:
    try:
        text = read_file(file, MAX_SPEC).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise MarkerError(f"{file}: cannot be read: {error}") from None
    return Spec(file.stem, str(file), text, hand=hand,
                files=(file,) if hand is None else (file, hand))


def _named(name: str, settings: Settings) -> Spec:
    where = f"{settings.folder / 'pyproject.toml'}: tool.gradproof.specs.{name}"
    table = settings.specs[name]
    if isinstance(table, str):
        table = {"file": table}
    hand = None
    refused = ""
    if "hand" in table and not settings.runs:
        refused = (f"{where}.hand is not run: the file lies above the document, which is in no "
                   f"repository; run the command in {settings.folder} if that is yours")
    elif "hand" in table:
        hand = settings.folder / str(table["hand"])
        if not hand.is_file():
            raise MarkerError(f"{where}.hand: there is no file {hand}")
    if "file" in table:
        file = settings.folder / str(table["file"])
        if not file.is_file():
            raise MarkerError(f"{where}.file: there is no file {file}")
        return replace(_file(file, hand), refused=refused)
    project = (settings.folder / "pyproject.toml",)
    if "equations" in table:
        hand = None  # only a network has a pass to be checked
        if not isinstance(table.get("shapes", {}), dict):
            raise MarkerError(f"{where}.shapes: expected a table such as {{ X = \"m n\" }}")
    described = {key: value for key, value in table.items() if key != "hand"}
    return Spec(name, where, table=described, hand=hand, files=project, refused=refused)
