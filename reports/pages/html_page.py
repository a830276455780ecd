"""A report as one page of HTML that needs nothing else: no script, no file, no network."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, StrictUndefined

from ...symbolic import escaping
from ..content import Display, Listing, Prose, Relation, Section, Side, Table, plain, summands
from ..markup import Markup, factors, scripts_together, visible
from ..mathml import MathmlError, mathml
from .document import ReportData
from .drawn import svg
from .render import Kept, as_display, template_text
from .symbols import Symbols, Target, anchor, symbols_of

NARROW = 34
"""Characters of mathematics that fit beside a number on the narrowest screen; what is wider is
set in pieces, between which a line may end."""
FEW_LINES = 4
"""Worked lines that are unfolded from the beginning."""
MOST_PARTS = 12
"""Parts of a section that are listed in the contents."""


class Page(Markup):
    """HTML with MathML, in which symbols and numbers of equations are links."""

    name = "html"

    def __init__(self, report: ReportData) -> None:
        self.known = report.printed_labels
        self.language = report.language
        self.symbols = symbols_of(report)
        self.titles = _titles(report)

    def text(self, text: str) -> str:
        return escaping.html(escaping.one_line(text))

    def inline(self, latex: str) -> str:
        if visible(latex) > NARROW:  # between whose pieces a line may end
            first, *rest = [part for chunk in summands(latex) for part in factors(chunk, NARROW)]
            return " ".join(map(self._math, (first, *(f"{{}} {part.strip()}" for part in rest))))
        made = self._math(latex)
        target = None if made.startswith("<code") else self.symbols.alone(made)
        return made if target is None else self._link(target, made, "symbol")

    def _link(self, target: Target, shown: str, kind: str) -> str:
        return (f'<a class="{kind}" href="#{escaping.html(target.anchor)}" '
                f'title="{escaping.html(target.title)}">{shown}</a>')

    def code(self, text: str) -> str:
        return f"<code>{self.text(text)}</code>"

    def reference(self, label: str) -> str:
        if label not in self.known:
            return self.text(label)
        title = self.titles.get(label, "")
        said = f' title="{escaping.html(title)}"' if title else ""
        return f'<a class="ref" href="#{anchor(label)}"{said}>{self.text(label)}</a>'

    def listing(self, listing: Listing) -> str:
        return (f'<pre tabindex="0"><code class="language-{self.text(listing.language)}">'
                f"{escaping.html(escaping.lines(listing.text).rstrip())}\n</code></pre>")

    def display(self, display: Display) -> str:
        rows = "\n".join(self._row(formula, label) for formula, label in display.tagged)
        return f'<div class="display">\n{rows}\n</div>'

    def _row(self, formula: Relation, label: str) -> str:
        """A formula: its left side, its right sides, its number."""
        place = f' id="{anchor(label)}"' if label else ""
        number = (f'<a class="number" href="#{anchor(label)}">{self.text(label)}</a>'
                  if label else "")
        left = self._math(formula.left, block=True) if formula.left else ""
        sides = [self._side(side) for side in formula.sides]
        right = "".join(f'<span class="side">{"".join(side)}</span>' for side in sides)
        met = dict.fromkeys(target for made in (part for side in sides for part in side)
                            if made.startswith("<math") for target in self.symbols.met(made)
                            if target.anchor != anchor(label))
        where = "".join(self._link(target, self.text(target.title), "define") for target in met)
        card = f'<div class="where">{where}</div>' if where else ""
        return (f'<div class="formula"{place} data-tex="{escaping.html(formula.latex)}">'
                f'<div class="left">{left}</div><div class="right">{right}</div>'
                f'<div class="tag">{number}</div>{card}</div>')

    def _side(self, side: Side) -> list[str]:
        """Its pieces, between which a line may end."""
        if visible(side.latex) <= NARROW and not re.match(r"\s*[-+] ", side.latex):
            parts = [side.latex]
        else:
            parts = [part for chunk in side.chunks for part in factors(chunk, NARROW)]
        first, *rest = parts
        relation = f"{{}} {side.relation} " if side.relation else ""
        shown = [relation + first, *(f"{{}} {part.strip()}" for part in rest)]
        return [self._math(part, block=True) for part in shown]

    def _math(self, latex: str, block: bool = False) -> str:
        """MathML that keeps its TeX; the TeX itself where math-core does not know it."""
        try:
            made = mathml(scripts_together(latex), block)
        except MathmlError:
            _needed()
            return f'<code class="tex">{self.text(latex.removeprefix("{} "))}</code>'
        # Pieces of a display stand in a line; the {} before a sign only sets its distance.
        made = made.replace('<math display="block">', '<math displaystyle="true">', 1)
        return made.replace('x-tex">{} ', 'x-tex">', 1)


@cache
def _needed() -> None:
    """MathmlError where math-core is missing, rather than a page of TeX."""
    mathml("x")


def html_page(report: ReportData) -> str:
    """The report as a page.  Raises MathmlError where math-core is not installed."""
    _needed()
    markup, bare = Page(report), Page(report)
    bare.symbols = Symbols({})
    template = _templates().from_string(template_text("report.html"))
    kept = Kept()

    def of(section: Section) -> Page:
        return bare if section.name == "rule" else markup  # whose letters are its own

    text = template.render(
        report=report, markup=markup, of=of, prose=markup.prose, bare=bare.prose,
        title=markup.text(plain(report.title)),
        css=template_text("math_font.css") + template_text("report.css"),
        ids=_ids(report.sections), contents=_contents(report.sections),
        picture=lambda drawing: svg(drawing).strip(),
        table=_table, say=lambda text: markup.text(report.language.text(text)), few=FEW_LINES,
        kept=kept, as_display=as_display,
    )
    return kept.restored(
        "\n".join(line.rstrip() for line in text.split("\n") if line.strip()) + "\n")


def _titles(report: ReportData) -> dict[str, str]:
    """The equations in Unicode, by their numbers."""
    chain, writer = report.chain, report.writer
    if chain is None or writer is None:
        return {}
    return {label: str(writer.text(step.equation))
            for step in (*chain.inlined.values(), *chain.steps)
            if (label := report.labels.get(step.name))}


def _ids(sections: tuple[Section, ...]) -> list[str]:
    """Where each section stands: by its name, a part by its section's and a number."""
    found, name, part = [], "", 0
    for section in sections:
        name, part = (section.name, 0) if section.name else (name, part + 1)
        found.append(name if section.name else f"{name}-{part}")
    return found


def _contents(sections: tuple[Section, ...]) -> list[tuple[int, list[int]]]:
    """The places of the sections, each with those of its parts where these are few."""
    found: list[tuple[int, list[int]]] = []
    for place, section in enumerate(sections):
        if section.level == 2 or not found:
            found.append((place, []))
        else:
            found[-1][1].append(place)
    return [(place, parts if len(parts) <= MOST_PARTS else []) for place, parts in found]


def _table(table: Table, markup: Page) -> str:
    """A table that scrolls by itself where it is wider than the screen."""
    padded = [_column(table, place, markup) for place in range(len(table.align))]
    head = "".join(f'<th scope="col" class="{side}">{markup.prose(cell)}</th>'
                   for cell, side in zip(table.header, table.align, strict=True))
    rows = []
    for place, _ in enumerate(table.rows):
        names = table.about[place] if place < len(table.about) else ()
        marks = "".join(f'<span id="array-{escaping.html(name)}"></span>' for name in names)
        cells = [column[place] for column in padded]
        rows.append("<tr>" + "".join(
            f'<td class="{side}">{marks if not at else ""}{cell}</td>'
            for at, (cell, side) in enumerate(zip(cells, table.align, strict=True))) + "</tr>")
    body = "\n".join(rows)
    return ('<div class="table" tabindex="0" role="group" aria-label="'
            f'{markup.text(markup.language.text("table"))}"><table>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table></div>")


_NUMBER = re.compile(r"[-−]?\d+(?:\.(\d+))?")


def _column(table: Table, place: int, markup: Page) -> list[str]:
    """The cells of a column; numbers to be aligned get blanks as wide as the digits they lack."""
    cells: list[Prose] = [row[place] for row in table.rows]
    shown = [markup.prose(cell) for cell in cells]
    if table.align[place] != "d":
        return shown
    found = [_NUMBER.fullmatch(plain(cell)) for cell in cells]
    longest = max((len(number[1] or "") for number in found if number), default=0)
    return [text if number is None else text + _blank(len(number[1] or ""), longest)
            for text, number in zip(shown, found, strict=True)]


def _blank(digits: int, longest: int) -> str:
    """As wide as the digits, and the point, that a number lacks."""
    point = "\u2008" if longest and not digits else ""
    return point + "\u2007" * (longest - digits)


@cache
def _templates() -> Environment:
    return Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                       autoescape=False, keep_trailing_newline=True)


