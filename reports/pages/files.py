"""A report's files: written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ...symbolic.limits import MAX_DOCUMENT, read_file
from ..replacing import replace_all
from .document import ReportData
from .drawn import svg
from .html_page import html_page
from .json_form import json_form
from .marks import is_marked, marked
from .notebook_page import notebook
from .pdf import pdf
from .render import figure_file, latex, markdown
from .typst_page import typst_page

FORMATS: dict[str, str] = {
    "markdown": "report.md", "latex": "report.tex", "html": "report.html",
    "json": "report.json", "notebook": "report.ipynb", "typst": "report.typ", "pdf": "report.pdf",
}
"""Formats and the names of their files."""
DEFAULT = ("markdown", "latex")


class OthersError(ValueError):
    """A file that somebody else wrote stands where one of a report's would."""


def write_report(
    report: ReportData,
    directory: Path,
    formats: Iterable[str] = DEFAULT,
    flavor: str = "github",
    force: bool = True,
    body: bool = False,
) -> list[Path]:
    """Writes the report in the formats that are named, report.md with its drawings beside it;
    returns the paths written.

    body: LaTeX without preamble.  The directory is made if it is not there; nothing in it but these
    names is touched.  Every text is made before the first file is written, and the files replace
    older ones together.
    With `force` False, raises OthersError where one of them is no report's.
    """
    wanted = tuple(dict.fromkeys(formats))
    expect_room(directory, wanted, force=force)
    texts: dict[str, str | bytes] = {}
    for name in wanted:
        texts[FORMATS[name]] = _written(report, name, flavor, body)
        if name == "markdown":
            texts |= {figure_file(drawing): svg(drawing) for drawing in report.drawings}
    _expect_places(directory, texts)
    _expect_ours(directory, () if force else texts)
    directory.mkdir(parents=True, exist_ok=True)
    replace_all({directory / name: marked(name, text) for name, text in texts.items()})
    return [directory / name for name in texts]


def expect_room(
    directory: Path, formats: Iterable[str], *, drawings: Iterable[str] = (), force: bool = False
) -> None:
    """What can be said before a report is made: that there are such formats, and that their files
    may stand in a directory, and beside a report.md these drawings.

    Raises ValueError for a format that there is not, and OthersError for the directory.
    """
    wanted = tuple(formats)
    for name in wanted:
        if name not in FORMATS:
            raise ValueError(f"formats: expected some of {', '.join(FORMATS)}, got {name!r}")
    if not wanted:
        raise ValueError(f"formats: expected some of {', '.join(FORMATS)}, got none")
    for place in (directory, *directory.absolute().parents):
        _expect_end(place, "a folder for the report, or nothing")
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not there.is_dir():
        raise OthersError(f"{there}: expected a folder for the report, got a file")
    if not os.access(there, os.W_OK):
        raise OthersError(f"{there}: this folder for the report cannot be written to")
    names = [FORMATS[name] for name in wanted]
    names += [*drawings] if "markdown" in wanted else []
    _expect_places(directory, names)
    _expect_ours(directory, () if force else names)


def _expect_places(directory: Path, names: Iterable[str]) -> None:
    """Raises OthersError for what can be no file of a report, nor be replaced by one."""
    for place in (directory / name for name in names):
        _expect_end(place, "a file of the report, or nothing")
        if place.exists() and not place.is_file():
            what = "a folder" if place.is_dir() else "no regular file"
            raise OthersError(f"{place}: expected a file of the report, or nothing; {what} of this "
                              "name is there. Move it away, or write to another folder")


def _expect_end(place: Path, expected: str) -> None:
    """Raises OthersError for a symbolic link to what is not there."""
    if place.is_symlink() and not place.exists():
        raise OthersError(f"{place}: expected {expected}; a symbolic link to {place.readlink()}, "
                          "which is not there, stands in its place. Remove the link, or write to "
                          "another folder")


def _expect_ours(directory: Path, names: Iterable[str]) -> None:
    others = [name for name in names if not _is_ours(directory / name)]
    if others:
        raise OthersError(f"{directory / others[0]}: is no report that gradproof wrote, "
                          "or was changed since; --force replaces it, another "
                          "folder leaves it alone")


def _written(report: ReportData, form: str, flavor: str, body: bool) -> str | bytes:
    match form:
        case "pdf":
            return pdf(report)
        case "markdown":
            return markdown(report, flavor)
        case "latex":
            return latex(report, body)
        case "json":
            return json_form(report)
        case "notebook":
            return notebook(report)
        case "typst":
            return typst_page(report)
        case _:
            return html_page(report)


def _is_ours(file: Path) -> bool:
    """Whether there is no file, or one of a report as it was written."""
    try:
        return is_marked(read_file(file, MAX_DOCUMENT))
    except FileNotFoundError:
        return not file.is_symlink()
    except ValueError:
        return False
