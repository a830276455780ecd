"""Pictures of our report beside pages that people hold up, for docs/comparisons.md.

    python examples/beside/beside.py SOURCES OUT

SOURCES holds clones of mnielsen/nnadl_site, cs231n/cs231n.github.io, d2l-ai/d2l-en and
exacity/deeplearningbook-chinese, a folder node_modules with MathJax 3, and is left as it is; what
is missing is passed over.  handcalcs and markdown are asked for where they are used.  Chromium sets
both pages and takes the picture.  Only what its licence lets one keep is kept in docs/: the others
are for looking at.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from inspect import getsource
from math import exp
from pathlib import Path
from tempfile import TemporaryDirectory

from gradproof.derivations.sources import load_source
from gradproof.reporting import report_data
from gradproof.reports.language import language
from gradproof.reports.pages.html_page import html_page

MATHJAX = """<script>MathJax = {{tex: {{inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]], tags: "ams"}},
startup: {{pageReady: () => MathJax.startup.defaultPageReady().then(() =>
document.querySelector("{to}")?.scrollIntoView())}}}}</script>
<script src="{folder}/mathjax/es5/tex-chtml-full.js"></script>"""
STYLE = """<style>body{max-width:42em;margin:1em auto;font:16px/1.55 Georgia,serif;padding:0 1em}
pre{background:#f4f4f4;padding:.5em;font-size:13px}img{max-width:100%}</style>"""


def numbers() -> dict[str, float]:
    """The first lines of 2-2-1."""
    x_1 = 0.05
    x_2 = 0.1
    w_11 = 0.15
    w_21 = 0.25
    b_1 = 0.35
    z_1 = x_1*w_11 + x_2*w_21 + b_1
    h_1 = 1/(1 + exp(-z_1))
    h_2 = 0.596283
    z_2 = h_1*0.4 + h_2*0.45 + 0.6
    o = 1/(1 + exp(-z_2))
    t = 0.01
    delta_2 = (o - t)*o*(1 - o)
    delta_1 = delta_2*0.4*h_1*(1 - h_1)
    return locals()


def written(text: str, math: str) -> str:
    """A page in Markdown with its formulas left for MathJax."""
    import markdown

    text = re.sub(r"^---.*?---\n", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|:\w+:`[^`]*`|\{\{.*?\}\}", "", text)
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(re.sub(r"\\\\([()\[\]_])", r"\\\1", found[0]).replace(r"\_", "_"))
        return f"@@{len(held) - 1}@@"

    text = re.sub(r"\$\$.*?\$\$|\\\\\(.*?\\\\\)|(?<!\\)\$[^$]+\$", hold, text, flags=re.DOTALL)
    made = markdown.markdown(text, extensions=["fenced_code", "tables", "toc"])
    made = re.sub(r"@@(\d+)@@", lambda at: html.escape(held[int(at[1])], quote=False), made)
    return f"<!doctype html><meta charset=utf-8>{math}{STYLE}{made}"


def from_latex(text: str) -> str:
    """Markdown with environments of LaTeX in it, with what a browser can set in their place:
    equations as formulas, algorithms in lines with their steps set in, figures as their captions
    (the translation's repository has no figures)."""
    def lines(found: re.Match[str]) -> str:
        deep, made = 0, []
        for line in re.split(r"\n(?=\s*\\[A-Z])", found[1].strip()):
            words = re.match(r"\s*\\([A-Z]+)\s*(.*)", line.rstrip(), re.DOTALL)
            kind, rest = words.groups() if words else ("STATE", line)
            deep -= kind.startswith("END")
            said = {"STATE": "", "REQUIRE": "<b>Require</b> ", "FOR": "<b>for</b> ",
                    "IF": "<b>if</b> "}.get(kind, f"<b>{kind.lower()}</b> ")
            rest = rest[1:-1] if rest.startswith("{") and rest.endswith("}") else rest
            made.append(f'<div style="margin-left:{2 * deep}em">{said}{rest}</div>')
            deep += kind in ("FOR", "IF")
        return "\n".join(made)

    text = re.sub(r"\\begin\{(equation|align)\}(.*?)\\end\{\1\}",
                  r"$$\\begin{\1}\2\\end{\1}$$", text, flags=re.DOTALL)
    text = re.sub(r"\\caption(?:\[.*?\])?\{(.*?)\}\s*(?=\\begin\{algorithmic\}|\\end\{figure\})",
                  r"<p><i>\1</i></p>\n", text, flags=re.DOTALL)
    text = re.sub(r"\\begin\{algorithmic\}(.*?)\\end\{algorithmic\}", lines, text, flags=re.DOTALL)
    text = re.sub(r"\\begin\{(algorithm|figure)\}.*?\n(?:\\if.*?\\fi|\\captionsetup.*?\n|\s)*",
                  r'<div style="border:solid #999;border-width:1px 0;margin:1em 0">', text,
                  flags=re.DOTALL)
    parts = re.split(r"(\$\$.*?\$\$|\$[^$]+\$)", text, flags=re.DOTALL)  # formulas at odd places
    for at, part in enumerate(parts):
        shown, line = (r"\mathtt{%s}", r"\unicode{x5F}") if at % 2 else ("<code>%s</code>", "_")
        part = re.sub(r"\{\\tt (.*?)\}|~?\\verb\|(.*?)\|", lambda found, shown=shown, line=line:
                      shown % re.sub(r"\\?_", lambda _: line, found[1] or found[2]), part)
        parts[at] = re.sub(r"\{\\bf (.*?)\}|\\emph\{(.*?)\}", r"<b>\1\2</b>", part)
    text = "".join(parts)
    for name, word in {"alg": "算法", "fig": "图", "eqn": "式", "sec": "节", "chap": "章"}.items():
        text = text.replace(rf"\{name}?", word)  # whose numbers the repository's pages lack
    return re.sub(r"\\end\{(algorithm|figure)\}", "</div>\n", text)


def worked(math: str) -> str:
    """The numbers of 2-2-1 as handcalcs prints them."""
    from handcalcs.handcalcs import LatexRenderer

    lines = [line.strip() for line in getsource(numbers).splitlines() if " = " in line]
    options = {"override": "", "precision": 6, "sci_not": None}
    shown = LatexRenderer("\n".join(lines) + "\n", numbers(), options).render()
    return f"<!doctype html><meta charset=utf-8>{math}{STYLE}{shown}"


def pages(sources: Path) -> dict[str, tuple[str, str, str, str]]:
    """By name: their page, its language, our example and the section that is put beside it."""
    folder = (sources / "node_modules").resolve().as_uri()

    def math(to: str) -> str:
        return MATHJAX.format(to=to, folder=folder)

    found = {}
    nielsen = sources / "nnadl_site" / "chap2.html"
    if nielsen.exists():
        to = "a[name=the_four_fundamental_equations_behind_backpropagation]"
        text = re.sub(r"<script.*?</script>", "", nielsen.read_text(encoding="utf-8"),
                      flags=re.DOTALL)
        base = f'<base href="{nielsen.parent.resolve().as_uri()}/">'
        found["nielsen"] = (text.replace("<head>", f"<head>{base}{math(to)}", 1), "en", "xor",
                            "rule")
    notes = sources / "cs231n.github.io" / "optimization-2.md"
    if notes.exists():
        found["cs231n"] = (written(notes.read_text(encoding="utf-8"), math("a[name=intuitive]")),
                           "en", "2-2-1", "network")
    dive = sources / "d2l-en" / "chapter_multilayer-perceptrons" / "backprop.md"
    if dive.exists():
        found["d2l"] = (written(dive.read_text(encoding="utf-8"), math("#backpropagation")),
                        "en", "3-4-2", "gradient")
    book = sources / "deeplearningbook-chinese" / "docs"
    for chapter in book.glob("_posts/*-Chapter6_*.md"):
        text = chapter.read_text(encoding="utf-8").partition("# 反向传播和其他的微分算法")
        letters = (book / "_includes" / "math_symbol.html").read_text(encoding="utf-8")
        made = written(from_latex("".join(text[1:])), math("#mlp"))
        found["goodfellow"] = (made.replace(STYLE, STYLE + letters, 1), "zh", "xor", "rule")
    try:
        found["handcalcs"] = worked(math("body")), "en", "2-2-1", "numbers"
    except ImportError:
        print("no handcalcs; passed over")
    return found


def main(sources: Path, out: Path) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))))
    out.mkdir(parents=True, exist_ok=True)
    for name, (theirs, spoken, example, section) in pages(sources).items():
        with TemporaryDirectory() as made_there:
            there = Path(made_there)
            (there / "theirs.html").write_text(theirs, encoding="utf-8")
            data, _ = report_data(load_source(example))
            at = "derivation-3" if section == "gradient" else section
            ours = html_page(data.translated(language(spoken)))
            ours = ours.replace("</head>", "<style>html{scroll-behavior:auto}</style></head>", 1)
            (there / "ours.html").write_text(ours, encoding="utf-8")
            (there / "both.html").write_text(
                '<body style="margin:0;display:flex;background:#888;gap:6px">'
                + "".join(f'<iframe src="{page}" style="width:700px;height:1000px;border:0;'
                          f'background:white" onload="{then}"></iframe>' for page, then in (
                              ("theirs.html", ""),
                              (f"ours.html#{at}", "setTimeout(() => this.src += '', 2000)"))),
                encoding="utf-8")
            subprocess.run(
                [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                 "--allow-file-access-from-files", "--virtual-time-budget=30000",
                 f"--user-data-dir={there / 'profile'}", "--window-size=1406,1000",
                 f"--screenshot={out.resolve() / name}.png", (there / "both.html").as_uri()],
                check=True, capture_output=True, timeout=120)
        print(f"{out / name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
