"""The command ``gradproof embed``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import glob
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gradproof.symbolic import escaping
from gradproof.terminal import FAILED, FINDINGS, FINE, say

if TYPE_CHECKING:
    from gradproof.embedding.documents import Document
    from gradproof.reports.markers.marker import Problem


def add_options(command: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    command.add_argument("documents", nargs="*", metavar="DOCS",
                         help="Markdown, HTML, LaTeX, reStructuredText, notebooks, or folders; by "
                              "default those of pyproject.toml's [tool.gradproof] documents, "
                              "else the current folder")
    command.add_argument("--check", action="store_true",
                         help="write nothing; exit code 1 when something is not up to date")
    command.add_argument("--diff", action="store_true",
                         help="write nothing; print what would change")
    command.add_argument("--force", action="store_true",
                         help="replace generated texts that were changed by hand")
    command.add_argument("--no-cache", action="store_true",
                         help="derive everything anew; do not use the user's cache folder")
    command.add_argument("--allow-none", action="store_true",
                         help="documents without any marker are fine (for pre-commit)")
    command.add_argument("--output-format", choices=("text", "json", "github"), default="text",
                         help="what to print; github: annotations for the lines of a pull request "
                              "(default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Runs the command.  Raises ValueError for documents that are not there."""
    from gradproof.embedding.documents import embed

    given = list(options.documents) or list(_configured())
    reading = options.check or options.diff
    documents = embed(given, check=reading, force=options.force, cache=not options.no_cache)
    markers = sum(document.markers for document in documents)
    failed = any(document.failed for document in documents)
    if not markers and not failed and not options.allow_none:
        raise ValueError(f"no marker in {', '.join(map(str, given))}; one looks like "
                         "<!-- gradproof 2-2-1 L = .6f --><!-- /gradproof -->")
    if options.output_format == "json":
        print(escaping.json_text([_as_json(document) for document in documents]))
    else:
        for document in documents:
            _tell(document, options, reading)
        _summary(documents, markers, reading)
    if failed:
        return FAILED
    return FINDINGS if any(document.problems for document in documents) else FINE


def _configured() -> Iterator[str]:
    from gradproof.embedding.specs import settings_of

    settings = settings_of(Path.cwd())
    if not settings.documents:
        yield "."
    for pattern in settings.documents:
        found = sorted(glob.glob(str(settings.folder / pattern), recursive=True))
        if not found:
            raise ValueError(f"documents: {pattern!r} is no file of {settings.folder}")
        here = Path.cwd()
        yield from (str(Path(f).relative_to(here)) if Path(f).is_relative_to(here) else f
                    for f in found)


def _tell(document: Document, options: argparse.Namespace, reading: bool) -> None:
    """What is found in one document, and what was done with it."""
    for problem in document.problems:
        if options.output_format == "github":
            print(_annotation(document.path, problem))
        else:
            say(_line(document.path, problem))
    if options.diff and document.diff:
        say(document.diff)
    if document.changed and not reading and not document.failed:
        say(f"{escaping.path(document.path)}: written")


def _line(path: Path, problem: Problem) -> str:
    return f"{escaping.path(path)}:{problem.line}: {problem.kind}: {problem.message}"


def _annotation(path: Path, problem: Problem) -> str:
    from gradproof.formats.github import annotation

    level = "warning" if problem.kind == "undecided" else "error"
    return annotation(level, path.as_posix(), problem.line, f"gradproof embed: {problem.kind}",
                      problem.message)


def _summary(documents: list[Document], markers: int, reading: bool) -> None:
    """How many there are, and the command that repairs what can be repaired by one."""
    out = sys.stderr
    stale = [document for document in documents
             if any(problem.kind == "stale" for problem in document.problems)]
    edited = any(p.kind == "edited" for document in documents for p in document.problems)
    if reading and stale:
        names = " ".join(shlex.quote(escaping.path(document.path)) for document in stale)
        force = " --force" if edited else ""
        say(f"repair with: gradproof embed{force} {names}", out)
    bad = sum(len(document.problems) for document in documents)
    state = "all up to date" if not bad else f"{bad} problem{'s' if bad != 1 else ''}"
    print(f"{markers} marker{'s' if markers != 1 else ''} in {len(documents)} "
          f"document{'s' if len(documents) != 1 else ''}: {state}", file=out)


def _as_json(document: Document) -> dict[str, object]:
    return {
        "file": str(document.path), "markers": document.markers, "changed": document.changed,
        "problems": [{"line": p.line, "kind": p.kind, "message": p.message}
                     for p in document.problems],
        "figures": [str(file) for file in document.files], "diff": document.diff,
    }
