"""A report's files: written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..replacing import replace_bytes
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
    for name, text in texts.items():
        replace_bytes(directory / name, text.encode("utf-8"))
    return [directory / name for name in texts]
