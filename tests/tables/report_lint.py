"""A report's own formulas, parsed, and its Markdown, put through GitHub's parser and compared.

Both checkers are optional: math-core parses LaTeX, cmarkgfm is GitHub's Markdown.  Where one is
not installed its check finds nothing and :func:`available` says so.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from importlib.util import find_spec

_FENCE = re.compile(r"^```math\n(.*?)\n```$", re.S | re.M)
_TICKED = re.compile(r"\$`([^`]+)`\$")
_BLOCK = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.S | re.M)
_DOLLARS = re.compile(r"(?<![\\$])\$(?!\$|`)([^$`]+?)(?<!\\)\$")
_LISTING = re.compile(r"^(`{3,})(?!math$)[a-z]+\n.*?\n\1$", re.S | re.M)
_CODE = re.compile(r"(?<![$`])(`+)(?!`)[^\n]*?(?<!`)\1(?![$`])")


def available() -> dict[str, bool]:
    """Which of the two checkers are installed."""
    return {name: find_spec(name) is not None for name in ("math_core", "cmarkgfm")}


def formulas(markdown: str, flavor: str = "github") -> list[str]:
    """The formulas of a document, displays first, as they were written."""
    text = _LISTING.sub("", markdown)
    patterns = (_FENCE, _TICKED)
    if flavor != "github":
        text = re.sub(r"<span>\$</span>|!\[.*?\]\(\S+\)", "", _CODE.sub("", text))
        patterns = (_BLOCK, _DOLLARS)
    return [found[1] for pattern in patterns for found in pattern.finditer(text)]


def unparsable(latex: list[str]) -> Iterator[str]:
    """A message for each formula that math-core rejects."""
    if not available()["math_core"]:
        return
    import math_core

    converter = math_core.LatexToMathML()
    for formula in latex:
        try:
            converter.convert_with_local_state(formula, displaystyle=True)
        except math_core.LatexError as error:
            yield f"{formula}: " + re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()


def damaged(markdown: str, flavor: str = "github") -> Iterator[str]:
    """A message for each formula that does not come out of GitHub's parser as it went in."""
    if not available()["cmarkgfm"]:
        return
    import cmarkgfm
    from cmarkgfm.cmark import Options

    # GitHub lets <span> through, which is how a dollar that is no formula is written.
    page = cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    if flavor == "github":
        shown = re.findall(r'<pre lang="math"><code>(.*?)\n</code></pre>', page, re.S)
        shown += re.findall(r"\$<code>(.*?)</code>\$", page, re.S)
    else:
        page = re.sub(r"<pre.*?</pre>|<code>.*?</code>|<span>\$</span>|<img [^>]*>", "", page,
                      flags=re.S)
        shown = re.findall(r"\$\$\n(.*?)\n\$\$", page, re.S)
        shown += re.findall(r"(?<!\$)\$([^$]+)\$(?!\$)", page)
    survived = [html.unescape(formula) for formula in shown]
    written = formulas(markdown, flavor)
    for formula in written:
        if formula not in survived:
            yield f"does not survive GitHub's Markdown: {formula}"
    if len(survived) != len(written):
        yield f"{len(written)} formulas were written, {len(survived)} came out"


def lint(markdown: str, flavor: str = "github") -> list[str]:
    """Everything that is wrong with a document's formulas; [] when nothing is."""
    return [*unparsable(formulas(markdown, flavor)), *damaged(markdown, flavor)]
