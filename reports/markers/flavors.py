"""How embedded content is spelled where it stands: flavours of Markdown, LaTeX, rst, HTML, text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...symbolic import escaping
from ..content import Block, Bullets, Display, Listing, Paragraph, Picture, Prose, Table, plain
from ..markup import FLAVORS, Dollars, Latex, Markup, aligned
from ..mathml import MathmlError
from ..mathml import mathml as made_mathml
from .marker import MarkerError, near

FORMATS = ("markdown", "latex", "text")
MARKDOWN = ("github", "portable", "mkdocs", "myst")
"""Flavours of Markdown: fences for GitHub, dollars for the others, one row each for portable."""


@dataclass(frozen=True)
class Content:
    """What a quantity is: a run for the inside of a line, blocks for lines of their own.

    inline is None for what is a block only.
    """

    inline: Prose | None
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Figure:
    """A drawing in the ways it can be embedded; `path` is that of the SVG's file."""

    svg: str
    picture: Callable[[], str]
    path: str


def written(
    content: Content, block: bool, markup: Markup, figure: Figure | None = None
) -> str:
    """The text of an embedded quantity.  MarkerError for a block inside a line."""
    if not block:
        if content.inline is None:
            raise MarkerError("this is a block; put the two comments on lines of their own")
        return markup.prose(content.inline)
    return "\n\n".join(_block(part, markup, figure) for part in content.blocks)


def _block(block: Block, markup: Markup, figure: Figure | None) -> str:
    match block:
        case Paragraph():
            return markup.prose(block.prose)
        case Display():
            return markup.display(block)
        case Listing():
            return markup.listing(block)
        case Bullets():
            return _bullets(block, markup)
        case Table():
            return _table(block, markup)
        case Picture() if figure is not None:
            return _picture(block, markup, figure)
    raise MarkerError(f"no way to embed {block}")


def markup_of(syntax: str, form: str, flavor: str) -> Markup:
    """The markup for a kind of document, a format ("" is the document's own) and a flavour.

    MarkerError for an unknown format or flavour.
    """
    if form and form not in FORMATS:
        raise MarkerError(f"format: unknown format {form!r}; {near(form, FORMATS)}")
    if flavor not in MARKDOWN:
        raise MarkerError(f"flavor: unknown flavor {flavor!r}; {near(flavor, MARKDOWN)}")
    if form == "latex":
        return Bare()
    kind = "markdown" if form == "markdown" or syntax == "notebook" else syntax
    if kind == "markdown":
        return FLAVORS[flavor]() if flavor in FLAVORS else Dollars()
    return {"latex": Tex, "rst": Rst, "html": Html}[kind]()


class Tex(Latex):
    """LaTeX of a document whose preamble is the author's: amsmath alone."""

    def listing(self, listing: Listing) -> str:
        return (f"\\begin{{verbatim}}\n{escaping.latex_verbatim(listing.text).rstrip()}"
                "\n\\end{verbatim}")


class Bare(Tex):
    """LaTeX without delimiters, for the author's own."""

    name = "bare"

    def inline(self, latex: str) -> str:
        return latex

    def display(self, display: Display) -> str:
        return rows(display, self.row)


class Rst(Markup):
    """reStructuredText: the role and the directive math."""

    name = "rst"

    def text(self, text: str) -> str:
        return escaping.rst(text)

    def inline(self, latex: str) -> str:
        return f":math:`{latex}`"

    def code(self, text: str) -> str:
        return _rst_literal(text)

    def display(self, display: Display) -> str:
        return ".. math::\n\n" + _indented(rows(display, self.row))

    def listing(self, listing: Listing) -> str:
        shown = _indented(escaping.lines(listing.text).rstrip())
        return f".. code-block:: {listing.language}\n\n{shown}"


class Html(Markup):
    """HTML: MathML, which needs no script."""

    name = "html"
    row = 72

    def text(self, text: str) -> str:
        return escaping.html(escaping.one_line(text))

    def inline(self, latex: str) -> str:
        return mathml(latex)

    def code(self, text: str) -> str:
        return f"<code>{escaping.html(escaping.one_line(text))}</code>"

    def display(self, display: Display) -> str:
        return f'<div class="gradproof">{mathml(rows(display, self.row), block=True)}</div>'

    def listing(self, listing: Listing) -> str:
        return (f'<pre><code class="language-{listing.language}">'
                f"{escaping.html(escaping.lines(listing.text).rstrip())}\n</code></pre>")


def _rst_literal(text: str) -> str:
    """A literal; one that no pair of backquotes can hold is plain text."""
    shown = escaping.one_line(text)
    fits = shown.strip() == shown != "" and "``" not in shown and not shown.endswith(("`", "\\"))
    return f"``{shown}``" if fits else escaping.rst(text)


def mathml(latex: str, block: bool = False) -> str:
    """A formula as MathML.  MarkerError where math-core is not installed, or knows it not."""
    try:
        return made_mathml(latex, block)
    except MathmlError as error:
        raise MarkerError(f"{error}; format=text and format=latex need nothing") from None


def rows(display: Display, width: float) -> str:
    """One row as it is, several in an aligned environment."""
    lines = aligned(display.formulas, width)
    if len(lines) == 1:
        return lines[0].replace(" &", " ", 1).strip()
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" if line else "" for line in text.split("\n"))


# --- tables, lists, pictures --------------------------------------------------------------------


def _bullets(block: Bullets, markup: Markup) -> str:
    items = [markup.prose(item) for item in block.items]
    if isinstance(markup, Html):
        return "\n".join(["<ul>", *(f"<li>{item}</li>" for item in items), "</ul>"])
    if isinstance(markup, Latex):
        return "\n".join([r"\begin{itemize}", *(rf"\item {item}" for item in items),
                          r"\end{itemize}"])
    return "\n".join(f"- {item}" for item in items)


def _table(table: Table, markup: Markup) -> str:
    head = [markup.prose(cell) for cell in table.header]
    body = [[markup.prose(cell) for cell in row] for row in table.rows]
    if isinstance(markup, Html):
        return _html_table(head, body, table.align)
    if isinstance(markup, Latex):
        lines = [" & ".join(row) + r" \\" for row in body]
        return "\n".join([rf"\begin{{tabular}}{{{table.align.replace('d', 'r')}}}",
                          " & ".join(head) + r" \\ \hline", *lines, r"\end{tabular}"])
    if isinstance(markup, Rst):
        lines = [f"   {'* -' if not place else '  -'} {cell}".rstrip()
                 for row in (head, *body) for place, cell in enumerate(row)]
        return "\n".join([".. list-table::", "   :header-rows: 1", "", *lines])
    rules = [" --- " if side == "l" else " ---: " for side in table.align]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "|".join(rules) + "|",
                      *("| " + " | ".join(row) + " |" for row in body)])


def _html_table(head: Sequence[str], body: Sequence[Sequence[str]], align: str) -> str:
    styles = [' style="text-align: right"' if side != "l" else "" for side in align]

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}{style}>{cell}</{tag}>" for cell, style in
                                zip(cells, styles, strict=True)) + "</tr>"

    return "\n".join(["<table>", "<thead>", row(head, "th"), "</thead>", "<tbody>",
                      *(row(cells, "td") for cells in body), "</tbody>", "</table>"])


def _picture(picture: Picture, markup: Markup, figure: Figure) -> str:
    if isinstance(markup, Html):
        return figure.svg.strip()
    if isinstance(markup, Latex):
        return figure.picture()
    caption = escaping.one_line(plain(picture.caption))
    if isinstance(markup, Rst):
        return f".. image:: {figure.path}\n   :alt: {caption}"
    return f"![{markup.text(caption)}]({figure.path})"


