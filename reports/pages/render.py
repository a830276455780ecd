"""From a report's plain data to the text of its files."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from ..content import Table, plain
from ..markup import FLAVORS, Latex, Markup
from .document import ReportData
from .figure import latex_picture

FIGURE = "network.svg"
PAGE_ROWS = 32
"""Rows of a table that fit on a page of LaTeX; a longer one is continued in another."""


def markdown(report: ReportData, flavor: str = "github") -> str:
    """The report in Markdown; `flavor` is "github" or "portable"."""
    if flavor not in ("github", "portable"):
        raise ValueError(f"flavor: expected 'github' or 'portable', got {flavor!r}")
    markup = FLAVORS[flavor]()
    template = _markdown_templates().from_string(_template("report.md"))
    kept = _Kept()
    return kept.restored(kept.cleaned(template.render(
        report=report, markup=markup, prose=markup.prose, kept=kept,
        plain=lambda prose: markup.text(plain(prose)), figure=FIGURE,
    )))


def latex(report: ReportData) -> str:
    """The report in LaTeX, figure included: one file that needs amsmath alone."""
    markup = Latex()
    template = _latex_templates().from_string(_template("report.tex"))
    kept = _Kept()
    text = kept.cleaned(template.render(
        report=report, markup=markup, prose=markup.prose, kept=kept,
        picture=(latex_picture(report.drawing, markup.text, markup.inline)
                 if report.drawing else ""),
        table=lambda table: _latex_table(table, markup),
    ))
    # A blank line before a display would be a paragraph of its own.
    return kept.restored(re.sub(r"\n\n(?=\\begin\{(equation|align)\*\})", "\n", text))


def _latex_table(table: Table, markup: Markup) -> str:
    """As many tabulars as there are pages' worth of rows; text columns of many words wrap."""
    columns = "".join(_column(table, place) for place in range(len(table.align)))
    header = " & ".join(rf"\textit{{{markup.prose(cell)}}}" for cell in table.header)
    found = []
    for start in range(0, max(len(table.rows), 1), PAGE_ROWS):
        rows = [" & ".join(map(markup.prose, row)) + r" \\"
                for row in table.rows[start : start + PAGE_ROWS]]
        found.append("\n".join([
            r"\begin{center}\small\renewcommand{\arraystretch}{1.15}",
            rf"\begin{{tabular}}{{{columns}}}", rf"{header} \\ \hline", r"\rule{0pt}{2.6ex}%",
            *rows, r"\end{tabular}", r"\end{center}",
        ]))
    return "\n".join(found)


def _column(table: Table, place: int) -> str:
    """A column of fixed width for long text (no package wraps it otherwise), else its letter."""
    cells = [row[place] for row in table.rows]
    longest = max((len(plain(cell)) for cell in cells if not _is_math(cell)), default=0)
    head = len(plain(table.header[place]))
    if longest > 34:
        return r"p{48mm}"
    if head > 18 and longest < head:
        return r"p{24mm}"
    return table.align[place]


def _is_math(cell: object) -> bool:
    return isinstance(cell, tuple) and any(not isinstance(run, str) for run in cell)


@cache
def _template(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _markdown_templates() -> Environment:
    return Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                       autoescape=False, keep_trailing_newline=True)


@cache
def _latex_templates() -> Environment:
    # Jinja's own delimiters would eat the braces of \frac{{a}}{b} without a word.
    return Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False,
        keep_trailing_newline=True, block_start_string=r"\BLOCK{", block_end_string="}",
        variable_start_string=r"\VAR{", variable_end_string="}", comment_start_string=r"\#{",
        comment_end_string="}", line_comment_prefix="%%",
    )


class _Kept:
    """Cleans up after templates, and keeps programs as they are."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> str:
        self.texts.append(text)
        return f"\0{len(self.texts) - 1}\0"

    def cleaned(self, text: str) -> str:
        """At most one blank line in a row outside what was kept, one line end at the end."""
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"

    def restored(self, text: str) -> str:
        return re.sub("\0(\\d+)\0", lambda found: self.texts[int(found[1])], text)
