"""From a report's plain data to the text of its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from ..content import (
    Block,
    Bullets,
    Code,
    Display,
    Listing,
    Math,
    Prose,
    Relation,
    Section,
    Table,
    plain,
)
from ..drawing import Drawing
from ..markup import FLAVORS, Dollars, Latex, Markup, visible
from .document import ReportData
from .drawn import tikz

PAGE_ROWS = 32
"""Rows of a table that fit on a page of LaTeX; where no table may go over pages, a longer one is
continued in another."""
HEAD_ROWS = 8
"""Rows of a program or of a long table that follow the sentence before it on the same page."""
LONG_ROWS = 12
"""Rows up to which a table stands on one page."""


def markdown(report: ReportData, flavor: str = "github") -> str:
    """The report in Markdown; `flavor` is "github" or "portable"."""
    if flavor not in ("github", "portable"):
        raise ValueError(f"flavor: expected 'github' or 'portable', got {flavor!r}")
    return _in_markdown(report.title, report.sections, FLAVORS[flavor](), figure_file)


def figure_file(drawing: Drawing) -> str:
    """The name of a drawing's file beside report.md."""
    return f"{drawing.name}.svg"


def markdown_section(section: Section) -> str:
    """One section in the Markdown of notebooks, to which drawings are attached; one without a title
    is its blocks alone."""
    return _in_markdown((), (section,), Dollars(),
                        lambda drawing: f"attachment:{figure_file(drawing)}")


def _in_markdown(
    title: Prose, sections: Sequence[Section], markup: Markup,
    figure: Callable[[Drawing], str],
) -> str:
    template = _markdown_templates().from_string(template_text("report.md"))
    kept = Kept()
    return kept.restored(kept.cleaned(template.render(
        title=title, sections=sections, markup=markup, prose=markup.prose, kept=kept,
        as_display=as_display, plain=lambda prose: markup.text(plain(prose)), figure=figure,
    )))


def latex(report: ReportData, body: bool = False) -> str:
    """The report in LaTeX, figure included: one file that needs amsmath and longtable.

    body: without preamble and title, to be read by ``\\input`` in another document.
    """
    markup = Latex()
    markup.known = report.printed_labels
    markup.with_han = report.language.code == "zh"
    template = _latex_templates().from_string(template_text("report.tex"))
    kept = Kept()
    text = kept.cleaned(template.render(
        report=report, markup=markup, prose=markup.prose, kept=kept, body=body,
        as_display=as_display,
        picture=lambda drawing: tikz(drawing, markup.text, markup.inline),
        table=lambda table: _latex_table(table, markup, body), room=_room,
    ))
    # A blank line before a display would be a paragraph of its own; after a heading it is one.
    text = re.sub(r"\n\n(?=\\begin\{(equation|align)\*\})", "\n", text)
    # That one is taken back; for its sake TeX would set an equation of one row too close.
    for kind, room in (("align", r"-\baselineskip"),
                       ("equation", r"\dimexpr\abovedisplayskip-\baselineskip\relax")):
        text = re.sub(rf"^(\\(?:sub)?section\{{.*\}}\n)(?=\\begin\{{{kind}\*\}})",
                      "\\1" + rf"\nobreak\vspace{{{room}}}".replace("\\", r"\\") + "\n", text,
                      flags=re.MULTILINE)
    return kept.restored(text)


def _room(blocks: Sequence[Block], lines: int) -> str:
    """Asks for so many lines and those of what a first sentence leads to: a program, a table or
    a list, of which no page is to have the first lines alone."""
    led = next((block for block in blocks[:2]
                if isinstance(block, Listing | Table | Bullets)), None)
    if led is None:
        return ""
    rows = led.text.count("\n") + 1 if isinstance(led, Listing) else (
        len(side_by_side(led).rows) if isinstance(led, Table) else 2)
    return rf"\roomfor{{{lines + 3 + round(1.2 * min(rows, HEAD_ROWS))}}}" + "\n"


def as_display(formula: Relation) -> Display:
    return Display((formula,))


def _latex_table(table: Table, markup: Markup, body: bool) -> str:
    """A tabular; a long one goes over pages by itself, and in a body, whose preamble is another's,
    in pieces.  Columns of text wrap where the table would be wider than the page."""
    table = side_by_side(table)
    widths = _columns(table)
    columns = "".join(widths)
    header = " & ".join(
        (_UNBROKEN if width.startswith("p") else "")
        + _latex_cell(rf"\textit{{{markup.prose(cell)}}}", align, head=True)
        for cell, align, width in zip(table.header, table.align, widths, strict=True))
    rows = [" & ".join(_latex_cell(markup.prose(cell), align)
                       for cell, align in zip(row, table.align, strict=True)) + r" \\"
            for row in table.rows]
    if len(rows) > LONG_ROWS and not body:
        return "\n".join([
            r"{\small\renewcommand{\arraystretch}{1.15}", rf"\begin{{longtable}}{{{columns}}}",
            rf"{header} \\ \hline", r"\noalign{\vskip 2pt}", r"\endhead",
            *(row + "*" if place in (0, 1, len(rows) - 3, len(rows) - 2) else row
              for place, row in enumerate(rows)),  # so that no row is alone on a page
            r"\end{longtable}}",
        ])
    found = []
    for start in range(0, max(len(rows), 1), PAGE_ROWS):
        found.append("\n".join([
            r"\begin{center}\small\renewcommand{\arraystretch}{1.15}",
            rf"\begin{{tabular}}{{{columns}}}", rf"{header} \\ \hline", r"\rule{0pt}{2.6ex}%",
            *rows[start : start + PAGE_ROWS], r"\end{tabular}", r"\end{center}",
        ]))
    return "\n".join(found)


_UNBROKEN = r"\hyphenpenalty10000\rightskip0pt plus 3em\relax "
"""Before a heading that wraps: between its words alone."""


def side_by_side(table: Table) -> Table:
    """A long table of numbers that is narrow, as one of a third or a half of the rows with its
    columns two or three times."""
    shown = [max(map(_width, column))
             for column in zip(table.header, *table.rows, strict=True)]
    times = min(3, (PAGE_COLUMNS + 6) // (sum(shown) + 3 * len(shown) + 6))
    if len(table.rows) <= LONG_ROWS or "d" not in table.align or times < 2:
        return table
    height = -(-len(table.rows) // times)
    empty: tuple[Prose, ...] = ((),) * len(table.header)
    parts = [table.rows[start : start + height] for start in range(0, times * height, height)]
    rows = [tuple(cell for part in parts for cell in (part[at] if at < len(part) else empty))
            for at in range(height)]
    return Table(table.header * times, tuple(rows), table.align * times)


def _latex_cell(text: str, align: str, head: bool = False) -> str:
    """A cell; a number of a column that is aligned at the point is two."""
    if align != "d":
        return text
    if head:
        return rf"\multicolumn{{2}}{{r}}{{{text}}}"
    if not re.fullmatch(r"(\$-\$|-)?\d+(\.\d+)?([e-].*)?", text):
        return rf"\multicolumn{{2}}{{r}}{{{text}}}"
    whole, point, rest = text.partition(".")
    return f"{whole}&{point}{rest}"


PAGE_COLUMNS = 95
"""Characters of \\small text that fit on a line of the page, beside the gaps between columns."""


def _columns(table: Table) -> list[str]:
    """The letter of each column; of one that has to give way its width."""
    shown = [[_width(cell) for cell in column]
             for column in zip(table.header, *table.rows, strict=True)]
    widths = [max(column) for column in shown]
    spare = PAGE_COLUMNS - 3 * len(widths)
    limit = spare
    while sum(min(width, limit) for width in widths) > spare and limit > 8:
        limit -= 1
    return [{"d": "r@{}l"}.get(align, align) if width <= limit else
            rf"p{{{1.59 * limit:.0f}mm}}" if align != "d" else "r@{}l"
            for align, width in zip(table.align, widths, strict=True)]


def _width(cell: Prose) -> int:
    """About how many characters wide a cell is."""
    return round(sum(visible(run.latex) if isinstance(run, Math) else 1.15 * len(plain((run,)))
                     if isinstance(run, Code) else len(plain((run,))) for run in cell))


@cache
def template_text(name: str) -> str:
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


class Kept:
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
