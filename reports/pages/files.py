"""A report's files: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .document import ReportData
from .figure import svg
from .render import FIGURE, latex, markdown

FORMATS = ("markdown", "latex")


def write_report(
    report: ReportData,
    directory: Path,
    formats: Iterable[str] = FORMATS,
    flavor: str = "github",
) -> list[Path]:
    """Writes report.md with network.svg, and report.tex; returns the paths written.

    The directory is made if it is not there; nothing in it but these names is touched.  Every
    text is made before the first file is written, and each file replaces an older one at once.
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
    directory.mkdir(parents=True, exist_ok=True)
    return [_replace(directory / name, text) for name, text in texts.items()]


def _replace(path: Path, text: str) -> Path:
    """Writes to a temporary file beside `path` and renames it: a reader never sees a half."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return path


def _umask() -> int:
    """The mode bits that new files lack; there is no way to ask without setting."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
