"""A report's files: written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...symbolic.limits import MAX_DOCUMENT, read_file
from ..replacing import replace_all
from .document import ReportData
from .figure import svg
from .render import FIGURE, latex, markdown

FORMATS = ("markdown", "latex")


class OthersError(ValueError):
    """A file that somebody else wrote stands where one of a report's would."""


def write_report(
    report: ReportData,
    directory: Path,
    formats: Iterable[str] = FORMATS,
    flavor: str = "github",
    force: bool = True,
) -> list[Path]:
    """Writes report.md with network.svg, and report.tex; returns the paths written.

    The directory is made if it is not there; nothing in it but these names is touched.  Every
    text is made before the first file is written, and the files replace older ones together.
    With `force` False, raises OthersError where one of them is no report's.
    """
    wanted = tuple(formats)
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        raise ValueError(f"formats: expected some of {', '.join(FORMATS)}, got {unknown[0]!r}")
    texts: dict[str, str] = {}
    if "markdown" in wanted:
        texts["report.md"] = markdown(report, flavor)
        if report.drawing is not None:
            texts[FIGURE] = svg(report.drawing)
    if "latex" in wanted:
        texts["report.tex"] = latex(report)
    others = [] if force else [name for name in texts if not _is_ours(directory / name)]
    if others:
        raise OthersError(f"{directory / others[0]}: is no report that gradproof wrote; --force "
                          "replaces it, another folder leaves it alone")
    if directory.exists() and not directory.is_dir():
        raise OthersError(f"{directory}: expected a folder for the report, got a file")
    directory.mkdir(parents=True, exist_ok=True)
    replace_all({directory / name: text.encode("utf-8") for name, text in texts.items()})
    return [directory / name for name in texts]


def _is_ours(file: Path) -> bool:
    """Whether there is no file, or one of a report."""
    try:
        head = read_file(file, MAX_DOCUMENT)[:4000].decode("utf-8", "replace")
    except FileNotFoundError:
        return not file.is_symlink()
    except ValueError:
        return False
    if file.name == FIGURE:
        return head.startswith("<svg ") and 'role="img">\n<title>' in head
    return "Backpropagation through the " in head and head.startswith(("# ", "\\documentclass"))
