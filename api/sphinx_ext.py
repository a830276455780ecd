"""A Sphinx extension: formulas and numbers by a directive and a role, made when a site is built.

    extensions = ["gradproof.sphinx_ext"]           # in conf.py

    .. gradproof:: 2-2-1 backward                   in reStructuredText

    The loss is :gradproof:`2-2-1 L = .6f`.

What they take is what a marker takes; in MyST they are ``{gradproof}`` likewise.  An unknown spec,
quantity or setting fails the build.  Formulas are MathML in HTML (``gradproof_math = "mathml"``,
needs math-core, no script), or Sphinx's own (``"sphinx"``), as they are for every other builder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from gradproof import __version__
from gradproof.embedding.documents import Embedder
from gradproof.reports.content import (
    Block,
    Bullets,
    Code,
    Display,
    Listing,
    Math,
    Paragraph,
    Picture,
    Prose,
    Table,
)
from gradproof.reports.markers.flavors import Content, Figure, mathml, rows
from gradproof.reports.markers.marker import MarkerError, parse_request
from gradproof.reports.markup import in_line

ROW = 84
"""How many characters of mathematics stand on a row of a display."""


class FormulaInline(nodes.math):
    """Inline mathematics; MathML in HTML."""


class FormulaBlock(nodes.math_block):
    """Displayed mathematics; MathML in HTML."""


class GradproofDirective(SphinxDirective):
    """``.. gradproof:: SPEC QUANTITY [key=value ...]``."""

    required_arguments = 1
    optional_arguments = 0
    final_argument_whitespace = True
    has_content = False

    def run(self) -> list[nodes.Node]:
        content, figure = _content(self.arguments[0], self.env, self.get_location())
        try:
            return [_block(block, figure, self.config.gradproof_math) for block in content.blocks]
        except ValueError as error:
            raise ExtensionError(f"{self.get_location()}: gradproof: {error}") from None


class GradproofRole(SphinxRole):
    """``:gradproof:`SPEC QUANTITY```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        content, _ = _content(self.text, self.env, self.get_location())
        if content.inline is None:
            raise ExtensionError(f"{self.get_location()}: gradproof: {self.text!r} is a block; use "
                                 "the directive")
        return _runs(content.inline, self.config.gradproof_math), []


class _Shared:
    """The derivations of one build (of one process of it)."""

    embedder = Embedder(cache=False)


def _content(text: str, env: Any, where: str) -> tuple[Content, Figure | None]:
    folder = Path(env.doc2path(env.docname)).resolve().parent
    try:
        request = parse_request(text)
        if request.verify:
            raise MarkerError("'verify' is for markers in files: gradproof embed --check")
        content, figure = _Shared.embedder.content(request, folder)
        for file in _Shared.embedder.spec(request, folder).files:
            env.note_dependency(str(file))
    except ValueError as error:
        raise ExtensionError(f"{where}: gradproof: {error}") from None
    return content, figure


# --- content as nodes ---------------------------------------------------------------------------


def _runs(prose: Prose, math: str) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    for run in prose:
        if isinstance(run, Math):
            latex = in_line(run.latex)
            made = FormulaInline if math == "mathml" else nodes.math
            found.append(made(latex, latex))
        elif isinstance(run, Code):
            found.append(nodes.literal(run.text, run.text))
        else:
            found.append(nodes.Text(run))
    return found


def _block(block: Block, figure: Figure | None, math: str) -> nodes.Node:
    match block:
        case Paragraph():
            return nodes.paragraph("", "", *_runs(block.prose, math))
        case Display():
            latex = rows(block, ROW)
            made = FormulaBlock if math == "mathml" else nodes.math_block
            return made(latex, latex, number=None, label=None, nowrap=False)
        case Listing():
            return nodes.literal_block(block.text.rstrip(), block.text.rstrip(),
                                       language=block.language)
        case Bullets():
            items = [nodes.list_item("", nodes.paragraph("", "", *_runs(item, math)))
                     for item in block.items]
            return nodes.bullet_list("", *items)
        case Table():
            return _table(block, math)
        case Picture() if figure is not None:
            return nodes.container(
                "", nodes.raw("", figure.svg, format="html"),
                nodes.raw("", figure.picture(), format="latex"), classes=["gradproof-figure"])
    raise MarkerError(f"no way to show {block}")


def _table(table: Table, math: str) -> nodes.Node:
    group = nodes.tgroup("", cols=len(table.align))
    for _ in table.align:
        group += nodes.colspec("", colwidth=1)

    def row(cells: Sequence[Prose]) -> nodes.row:
        return nodes.row("", *(
            nodes.entry("", nodes.paragraph("", "", *_runs(cell, math)),
                        classes=["text-right"] if side == "r" else [])
            for cell, side in zip(cells, table.align, strict=True)))

    group += nodes.thead("", row(table.header))
    group += nodes.tbody("", *map(row, table.rows))
    made = nodes.table("", group)
    made["classes"] += ["colwidths-auto"]
    return made


# --- builders -----------------------------------------------------------------------------------


def _html_inline(translator: Any, node: nodes.Element) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _html_block(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<div class="gradproof">{mathml(node.astext(), block=True)}</div>\n')
    raise nodes.SkipNode


def _as(name: str) -> tuple[Callable[[Any, nodes.Element], None],
                            Callable[[Any, nodes.Element], None]]:
    """What the builder does with Sphinx's own node of that name."""
    def visit(translator: Any, node: nodes.Element) -> None:
        getattr(translator, f"visit_{name}")(node)

    def depart(translator: Any, node: nodes.Element) -> None:
        getattr(translator, f"depart_{name}")(node)

    return visit, depart


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_config_value("gradproof_math", "mathml", "env", [str])
    app.add_directive("gradproof", GradproofDirective)
    app.add_role("gradproof", GradproofRole())
    for node, name, html in ((FormulaInline, "math", _html_inline),
                             (FormulaBlock, "math_block", _html_block)):
        others: Any = {builder: _as(name) for builder in ("latex", "text", "man", "texinfo")}
        app.add_node(node, html=(html, None), **others)
    app.connect("builder-inited", _start)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}


def _start(app: Sphinx) -> None:
    if app.config.gradproof_math not in ("mathml", "sphinx"):
        raise ExtensionError("gradproof_math: expected 'mathml' or 'sphinx', got "
                             f"{app.config.gradproof_math!r}")
    _Shared.embedder = Embedder(cache=False)
