"""Formulas and numbers in documents: specs, cache and documents brought together.

Nothing of a document is executed; SymPy is imported when a quantity is not in the cache.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gradproof.embedding.cache import Cache, cache_folder, key_of
from gradproof.embedding.specs import Settings, Spec, find_spec, settings_of
from gradproof.reports.content import Picture
from gradproof.reports.markers.document import SYNTAXES, decoded, embedded, syntax_of
from gradproof.reports.markers.drawings import is_generated, signed
from gradproof.reports.markers.flavors import Content, Figure, markup_of, written
from gradproof.reports.markers.marker import MarkerError, Problem, Request
from gradproof.reports.markers.notebook import embedded_notebook
from gradproof.reports.markup import Markup
from gradproof.reports.replacing import refuse_cut_off, replace_all
from gradproof.symbolic import escaping
from gradproof.symbolic.limits import MAX_DOCUMENT, MAX_NOTEBOOK, read_file

if TYPE_CHECKING:
    from gradproof.embedding.quantities import Quantities


MADE = ("node_modules", "venv", "build", "dist", "_build", "site", "__pycache__")
"""Folders of a folder whose documents are made by programs."""
AGAIN = 10
"""Times that a document is read which other programs keep writing."""


class Embedder:
    """Resolves requests; a spec is derived once in each notation that is asked for.

    cache: whether what was rendered is read from and kept in the user's cache folder.
    """

    def __init__(self, cache: bool = True) -> None:
        self.folder = cache_folder() if cache else None
        self._settings: dict[Path, Settings] = {}
        self._found: dict[tuple[str, Path, tuple[tuple[str, str], ...]], tuple[Spec, Cache]] = {}
        self._caches: dict[str, Cache] = {}
        self._derived: dict[str, Quantities] = {}

    def settings(self, folder: Path) -> Settings:
        """The settings for documents in a folder."""
        if folder not in self._settings:
            self._settings[folder] = settings_of(folder)
        return self._settings[folder]

    def spec(self, request: Request, folder: Path) -> Spec:
        """The spec that a request in `folder` means.  MarkerError where there is none."""
        return self._spec(request, folder)[0]

    def save(self) -> None:
        """Keeps what is new in the cache folder."""
        for cache in self._caches.values():
            cache.save()

    def resolve(
        self, request: Request, block: bool, syntax: str, folder: Path
    ) -> tuple[str, str, str]:
        """A quantity's text for a kind of document; the path and the SVG of the figure in it.

        Path and SVG are "" for a text that refers to no figure.  Raises ValueError for an unknown
        spec, quantity or setting, with the nearest valid name.
        """
        flavor = request.setting("flavor") or (
            "myst" if syntax == "notebook" else self.settings(folder).flavor)
        form = request.setting("format")
        alias = request.setting("as")
        if alias and not re.fullmatch(r"\w(?:[\w .+-]*\w)?", alias):
            raise MarkerError(f"as: expected the name of a substitution, got {alias!r}")
        if alias and syntax != "rst":
            raise MarkerError("as: only reStructuredText has substitutions")
        markup = markup_of(syntax, "" if form == "text" else form, flavor)
        spec, cache = self._spec(request, folder)
        path = _figure_path(request, spec)
        block = block and not alias
        what = json.dumps([markup.name, request.quantity, request.number, form, path, block])
        kept = not request.is_verdict  # which is of code that may read anything
        found = cache.get(what) if kept else None
        if found is None:
            found = _rendered(self._quantities(spec, cache, request), request, block, markup, path)
            if kept:
                cache.put(what, found)
        text, drawing = found
        if alias:
            text = f".. |{alias}| replace:: {text}"
        return text, path if drawing else "", drawing

    def content(self, request: Request, folder: Path) -> tuple[Content, Figure | None]:
        """A quantity as plain data, and the figure in it; for hosts with nodes of their own."""
        spec, cache = self._spec(request, folder)
        quantities = self._quantities(spec, cache, request)
        content = quantities.content(request, text=request.setting("format") == "text")
        drawn = any(isinstance(part, Picture) for part in content.blocks)
        return content, quantities.drawing(_figure_path(request, spec)) if drawn else None

    def verify(self, request: Request, text: str, folder: Path) -> tuple[str, str]:
        """("", "") when an author's text holds; else the kind of problem, and what is wrong.

        Of a generated verdict: what is wrong with the pass that it is of.
        """
        spec, cache = self._spec(request, folder)
        if request.is_verdict:
            from gradproof.embedding.stated import held_word

            quantities = self._quantities(spec, cache, request)
            return held_word(request, text, quantities) if request.verify else (
                quantities.unproved(request))
        what = json.dumps(["verify", request.quantity, text])
        found = cache.get(what)
        if found is None:
            from gradproof.embedding.stated import held

            found = [*held(request, text, self._quantities(spec, cache, request))]
            cache.put(what, found)
        kind, message = found
        return kind, message

    def _spec(self, request: Request, folder: Path) -> tuple[Spec, Cache]:
        place = request.spec, folder, request.notation
        if place not in self._found:
            spec = find_spec(request.spec, folder, self.settings(folder))
            key = key_of(json.dumps(request.notation), *spec.content)
            if key not in self._caches:
                self._caches[key] = Cache(self.folder, key)
            self._found[place] = spec, self._caches[key]
        return self._found[place]

    def _quantities(self, spec: Spec, cache: Cache, request: Request) -> Quantities:
        if spec.refused and request.is_verdict:
            raise MarkerError(spec.refused)
        if cache.key not in self._derived:
            from gradproof.embedding.quantities import Quantities

            self._derived[cache.key] = Quantities(*spec.read(request.notation), spec.hand)
        return self._derived[cache.key]


def _rendered(
    quantities: Quantities, request: Request, block: bool, markup: Markup, path: str
) -> list[str]:
    """The text of a quantity, and the SVG it refers to by `path`."""
    content = quantities.content(request, text=request.setting("format") == "text")
    drawn = any(isinstance(part, Picture) for part in content.blocks)
    figure = quantities.drawing(path) if drawn else None
    text = written(content, block, markup, figure)
    return [text, signed(figure.svg) if figure is not None and path in text else ""]


def _figure_path(request: Request, spec: Spec) -> str:
    """Where a figure is put, seen from the document: beside it or below."""
    path = request.setting("file") or f"{spec.name}.svg"
    parts = PurePosixPath(path)
    if (parts.is_absolute() or ".." in parts.parts or parts.suffix != ".svg"
            or not re.fullmatch(r"[\w./+-]+(?: [\w./+-]+)*", path)):
        raise MarkerError("file: expected a path below the document such as figures/net.svg, of "
                          f"letters, digits and . - _ + only, got {path!r}; file=NAME.svg says one")
    return path


# --- documents ----------------------------------------------------------------------------------


@dataclass
class Document:
    """One document after a run.

    changed: whether it is not what it should be (with `check`), or was written.
    files: the figures of which the same holds.
    """

    path: Path
    markers: int = 0
    problems: list[Problem] = field(default_factory=list)
    changed: bool = False
    diff: str = ""
    files: list[Path] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether it was left as it was for an error."""
        return any(problem.kind == "error" for problem in self.problems)


def embed(
    documents: Iterable[str | Path],
    *,
    check: bool = False,
    force: bool = False,
    cache: bool = True,
) -> list[Document]:
    """Brings the generated texts between the markers of documents up to date.

    documents: files, or folders whose documents are taken.  check: write nothing.
    force: replace generated texts that were changed by hand.  cache: use the user's cache folder.

    A document with an error is left as it is; each is replaced whole.  Returns what was found in
    each.  Raises ValueError for a document that is not there.
    """
    embedder = Embedder(cache)
    try:
        return [_document(path, embedder, check, force) for path in _paths(documents)]
    finally:
        embedder.save()


def _paths(documents: Iterable[str | Path]) -> Iterator[Path]:
    for given in documents:
        path = Path(given)
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(name for name in folders
                                    if not name.startswith(".") and name not in MADE)
                for name in sorted(names):
                    if Path(name).suffix.lower() in SYNTAXES and Path(folder, name).is_file():
                        yield Path(folder, name)
        elif path.is_file():
            yield path
        else:
            raise ValueError(f"{path}: there is no such document")


class _Changed(ValueError):  # noqa: N818
    """A document that another program wrote between reading and writing."""

    def __str__(self) -> str:
        return "was changed by other programs again and again; run again"


def _document(path: Path, embedder: Embedder, check: bool, force: bool) -> Document:
    """A document brought up to date; one that another run writes meanwhile is read anew."""
    for _ in range(AGAIN):
        with suppress(_Changed):
            return _once(path, embedder, check, force)
    return Document(path, problems=[Problem("error", 1, str(_Changed()))])


def _once(path: Path, embedder: Embedder, check: bool, force: bool) -> Document:
    document = Document(path)
    folder = path.resolve().parent
    figures: dict[str, str] = {}

    def resolve(request: Request, block: bool, syntax: str) -> str:
        text, name, drawing = embedder.resolve(request, block, syntax, folder)
        if drawing and figures.setdefault(name, drawing) != drawing:
            raise MarkerError(f"file: {name} is the figure of another marker already")
        return text

    def verify(request: Request, text: str, syntax: str) -> tuple[str, str]:
        return embedder.verify(request, text, folder)

    try:
        syntax = syntax_of(path)
        refuse_cut_off(path)
        data = read_file(path, MAX_NOTEBOOK if syntax == "notebook" else MAX_DOCUMENT)
        if not any("gradproof".encode(codec) in data for codec in ("utf-8", "utf-16-le")):
            return document
        text, encode = decoded(data, embedder.settings(folder).encoding)
        run = embedded_notebook if syntax == "notebook" else partial(embedded, syntax=syntax)
        found = run(text, resolve=resolve, verify=verify, force=force)
        document.markers, document.problems = found.markers, found.problems
        new = encode(found.text)
        stale = [] if found.failed else _stale(folder, figures, force)
    except (ValueError, OSError) as error:
        document.problems.append(Problem("error", 1, str(error)))
        return document
    document.changed = new != data
    document.files = [folder / name for name in stale]
    document.problems += [Problem("stale", 1, f"figure {name} is not up to date")
                          for name in stale]
    if document.changed:
        document.diff = _diff(path, text, found.text)
    if not check:
        try:
            if document.changed and read_file(path, MAX_NOTEBOOK) != data:
                raise _Changed
            for name in stale:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
            replace_all({**{folder / name: figures[name].encode() for name in stale},
                         **({path: new} if document.changed else {})})
        except _Changed:
            raise
        except (ValueError, OSError) as error:
            document.problems = [Problem("error", 1, str(error))]
            return document
        document.problems = [p for p in document.problems if p.kind != "stale"]
    return document


def _stale(folder: Path, figures: dict[str, str], force: bool) -> list[str]:
    """Figures to write.  MarkerError for a file there that gradproof did not make."""
    found = []
    for name, drawing in figures.items():
        file = folder / name
        old = (read_file(file, MAX_DOCUMENT).decode("utf-8", "replace")
               if file.exists() or file.is_symlink() else None)
        if old is not None and old.replace("\r\n", "\n") == drawing:
            continue
        if old is not None and not force and not is_generated(old.replace("\r\n", "\n")):
            raise MarkerError(f"{name} was not made by gradproof embed, or changed by hand; "
                              "--force replaces it, file=OTHER.svg takes another name")
        found.append(name)
    return found


def _diff(path: Path, old: str, new: str) -> str:
    name = escaping.path(path.as_posix())
    lines = unified_diff(
        old.replace("\r\n", "\n").split("\n"), new.replace("\r\n", "\n").split("\n"),
        f"{name} (as it is)", f"{name} (as it should be)", lineterm="",
    )
    return "\n".join(lines)
