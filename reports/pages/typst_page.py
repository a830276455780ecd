"""A report in Typst: one file, the figure in it, that the compiler sets by itself."""

from __future__ import annotations

import json
import re

from jinja2 import Environment, StrictUndefined

from ...symbolic import escaping
from ...symbolic.display.typst import TypstError, typst
from ..content import Display, Listing, Table
from ..drawing import Drawing
from ..markup import Markup, tagged_rows
from .document import ReportData
from .drawn import svg
from .render import Kept, as_display, side_by_side, template_text
from .symbols import anchor

_SIGNS = re.compile(r"[\\#$*_`<>@\[\]~\"'/+=:{}|^-]|\.(?=\.)|(?<=\d)\.")


class Typst(Markup):
    """Typst's markup; what is code or a link ends with a semicolon, which it does not print."""

    name = "typst"
    row = 74
    code_row = 92

    def text(self, text: str) -> str:
        return _SIGNS.sub(lambda found: "\\" + found[0], escaping.one_line(text))

    def inline(self, latex: str) -> str:
        try:
            return f"${typst(latex)}$"
        except TypstError:
            return self.code(latex)

    def code(self, text: str) -> str:
        return f"#raw({_string(escaping.one_line(text))});"

    def reference(self, label: str) -> str:
        if label not in self.known:
            return self.text(label)
        return f"#link(<{anchor(label)}>)[{self.text(label)}];"

    def display(self, display: Display) -> str:
        """Equations one below the other; a numbered one and its further rows are one by itself."""
        blocks: list[tuple[str, list[str]]] = []
        for row, label in tagged_rows(display, self.row):
            continues = row.startswith(" &") and bool(blocks)
            if label or not (continues or (blocks and not blocks[-1][0])):
                blocks.append((label, []))
            blocks[-1][1].append(self._row(row))
        return "\n\n".join(self._equation(label, rows) for label, rows in blocks)

    @staticmethod
    def _row(row: str) -> str:
        left, _, right = row.partition("&")
        try:
            return f"{typst(left.strip())} & {typst(right.strip())}".strip()
        except TypstError:
            return _string(row.replace("&", "", 1))

    def _equation(self, label: str, rows: list[str]) -> str:
        body = "$ " + " \\\n  ".join(rows) + " $"
        if not label:
            return body
        marked = f" <{anchor(label)}>" if label in self.known else ""
        numbered = f"[{self.text(label)}]"
        return f"#math.equation(block: true, numbering: _ => {numbered}, {body}){marked}"

    def listing(self, listing: Listing) -> str:
        text = escaping.lines(listing.text).rstrip()
        return f'#raw({_string(text)}, block: true, lang: "{listing.language}")'


def _string(text: str) -> str:
    """A text as a literal of Typst's."""
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(r"\\u([0-9a-f]{4})", r"\\u{\1}", quoted.replace(r"\b", r"\u{8}").replace(
        r"\f", r"\u{c}"))


def typst_page(report: ReportData) -> str:
    """The report for Typst 0.13 or later."""
    markup = Typst()
    markup.known = report.printed_labels
    kept = Kept()

    def drawn(drawing: Drawing) -> str:
        return kept(_string(svg(drawing)))

    templates = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False,
        keep_trailing_newline=True, block_start_string="<%", block_end_string="%>",
        variable_start_string="<<", variable_end_string=">>", comment_start_string="<#",
        comment_end_string="#>")
    return kept.restored(kept.cleaned(templates.from_string(template_text("report.typ")).render(
        report=report, markup=markup, prose=markup.prose, kept=kept, as_display=as_display,
        drawn=drawn, table=lambda table: _table(table, markup))))


def _table(table: Table, markup: Typst) -> str:
    table = side_by_side(table)
    align = ", ".join("left" if side == "l" else "right" for side in table.align)
    head = ", ".join(f"[_{markup.prose(cell)}_]" if cell and cell != ("",) else "[]"
                   for cell in table.header)
    rows = [", ".join(f"[{markup.prose(cell)}]" for cell in row) + "," for row in table.rows]
    return "\n".join([
        f"#table(columns: {len(table.align)}, align: ({align},), stroke: none, inset: 4pt,",
        f"table.header({head}), table.hline(stroke: 0.5pt),", *rows, ")"])
