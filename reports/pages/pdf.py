"""A report as PDF, made by what is there: a TeX, else a Chromium that prints the page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ..mathml import MathmlError
from .document import ReportData
from .html_page import html_page
from .render import latex

TEX = ("xelatex", "lualatex", "pdflatex", "tectonic")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 180
"""For one run of either."""
RUNS = 4
"""At most, of TeX: a long table asks for a third, which sets its head above its columns."""
_AGAIN = re.compile(r"Rerun (?:LaTeX|to get)")
_LACKS = re.compile(r"Missing character: [^!\n]*|Font shape `[^']*' undefined")


class PdfError(ValueError):
    """There is nothing that makes a PDF, or it failed; the message says what."""


def pdf(report: ReportData, find: Callable[[str], str | None] = shutil.which) -> bytes:
    """The report's PDF.  `find` says where a program is.

    Raises PdfError where there is neither a TeX nor a Chromium, or where it failed.
    """
    engines = [tex for tex in map(find, TEX) if tex is not None]
    chromium = next(filter(None, map(find, CHROMIUM)), None)
    if not engines and chromium is None:
        raise PdfError("a PDF is made by xelatex, lualatex, pdflatex or tectonic, or by Chromium, "
                       "and none of them is here: install one (Debian: texlive-xetex, or "
                       "chromium), or take --format latex or html")
    if report.language.code == "zh" and not _has_chinese(find("fc-list")):
        raise PdfError("a PDF in Chinese needs a Chinese font, and fc-list knows of none: install "
                       "one (Debian: fonts-noto-cjk), or take --format latex or html")
    failed: PdfError | None = None
    for program in [*engines, *([chromium] if chromium is not None else [])]:
        with TemporaryDirectory(prefix="gradproof-") as folder:
            place = Path(folder)
            try:
                if program is chromium:
                    _printed(program, _page(report), place)
                else:
                    _compiled(program, latex(report), place)
                return (place / "report.pdf").read_bytes()
            except FileNotFoundError:
                failed = failed or PdfError(f"{Path(program).name} wrote no PDF")
            except PdfError as error:  # the next one may do better
                failed = failed or error
    assert failed is not None
    raise failed


def _has_chinese(fc_list: str | None) -> bool:
    """Whether there is a font for Chinese; where nobody knows, it is taken that there is.  Without
    one Chromium prints blanks, and says nothing of it."""
    if fc_list is None:
        return True
    try:
        found = subprocess.run([fc_list, ":lang=zh", "file"], capture_output=True, timeout=SECONDS,
                               check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return True
    return found.returncode != 0 or bool(found.stdout.strip())


def _page(report: ReportData) -> str:
    try:
        return html_page(report)
    except MathmlError as error:
        raise PdfError(f"a PDF made by Chromium needs the page: {error}") from None


def _compiled(tex: str, text: str, place: Path) -> None:
    """Raises PdfError, for an engine that lacks fonts as well: what it sets in others is another
    text, z ¿= 0 for z >= 0."""
    (place / "report.tex").write_text(text, encoding="utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    if Path(tex).stem == "tectonic":
        _run([tex, "--untrusted", "report.tex"], place)
        return
    log = place / "report.log"
    for run in range(RUNS):  # the second knows the places that the first has found
        _run([tex, *options, "report.tex"], place)
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        if run and not _AGAIN.search(said):
            break
    if lacks := _LACKS.search(said):
        raise PdfError(f"{Path(tex).name} lacks a font of the report ({lacks[0]}); install it "
                       "(Debian: lmodern), or another of the engines")


def _printed(chromium: str, page: str, place: Path) -> None:
    (place / "report.html").write_text(page, encoding="utf-8")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    _run([chromium, "--headless", "--disable-gpu", *as_root, "--no-pdf-header-footer",
          f"--user-data-dir={place / 'profile'}", f"--print-to-pdf={place / 'report.pdf'}",
          (place / "report.html").as_uri()], place)


def _run(command: list[str], place: Path) -> None:
    name = Path(command[0]).name
    # with the date of nothing, so that equal reports are equal files
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, timeout=SECONDS, check=False,
                              stdin=subprocess.DEVNULL, env=environment)
    except subprocess.TimeoutExpired:
        raise PdfError(f"{name} took more than {SECONDS} seconds") from None
    except OSError as error:
        raise PdfError(f"{name}: {error}") from None
    if done.returncode:
        told = [line for line in done.stdout.decode("utf-8", "replace").splitlines()
                if line.startswith("!")] or done.stderr.decode("utf-8", "replace").splitlines()[-1:]
        raise PdfError(f"{name} failed: {(told or ['it said nothing'])[0]:.200}")
