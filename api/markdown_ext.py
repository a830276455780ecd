"""A Python-Markdown extension, which serves MkDocs: markers are filled when a page is built.

    markdown_extensions:                # in mkdocs.yml
      - gradproof.markdown_ext

    The loss is <!-- gradproof 2-2-1 L = .6f --><!-- /gradproof -->.

A text that ``gradproof embed`` wrote between the comments is shown anew, with formulas as MathML
(math-core), which needs no script.  An unknown spec, quantity or setting fails the build.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from gradproof.embedding.documents import Embedder
from gradproof.reports.markers.markdown import markdown_comments
from gradproof.reports.markers.marker import MarkerError, paired, parse_request


class GradproofExtension(Extension):
    """root: the folder of specs (and of pyproject.toml, or below it); by default the current."""

    def __init__(self, **settings: Any) -> None:
        self.config = {"root": [".", "the folder in which specs are looked for"]}
        super().__init__(**settings)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Before fences (25) and HTML (20) are taken out, after lines are normal (30)."""
        root = Path(str(self.getConfig("root")))
        md.preprocessors.register(_Markers(md, root.resolve()), "gradproof", 28)


class _Markers(Preprocessor):
    """Puts HTML in the place of markers."""

    def __init__(self, md: Markdown, root: Path) -> None:
        super().__init__(md)
        self.root = root
        self.embedder = Embedder()

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        markers, problems = paired(markdown_comments(text), text)
        if problems:
            raise MarkerError(f"line {problems[0].line}: {problems[0].message}")
        parts = []
        place = 0
        for marker in markers:
            try:
                request = parse_request(marker.opening.text)
                if request.verify:
                    continue
                html, _, _ = self.embedder.resolve(request, marker.block, "html", self.root)
            except ValueError as error:
                raise MarkerError(f"line {marker.line}: gradproof {marker.opening.text.strip()}: "
                                  f"{error}") from None
            shown = self.md.htmlStash.store(html)
            if marker.block:
                shown = f"\n\n{marker.opening.prefix}{shown}\n"
            parts += [text[place : marker.opening.start], shown]
            place = marker.closing.end
        if parts:
            self.embedder.save()
        return "".join([*parts, text[place:]]).split("\n")


def makeExtension(**settings: Any) -> GradproofExtension:  # noqa: N802
    """Called by Python-Markdown."""
    return GradproofExtension(**settings)
