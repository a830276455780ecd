"""Sphinx, Python-Markdown, notebooks, pre-commit: markers where documents are built."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from report_lint import lint, unparsable

import gradproof as gp
from gradproof.embedding.documents import embed

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def page(text, **settings):
    markdown = pytest.importorskip("markdown")
    return markdown.markdown(text, extensions=["tables", "admonition", "fenced_code",
                                               "gradproof.markdown_ext"],
                             extension_configs={"gradproof.markdown_ext": settings})


def test_a_markdown_page_is_filled_when_it_is_built():
    made = page("loss <!-- gradproof 2-2-1 L = .3f --><!-- /gradproof -->, "
                "`<!-- gradproof 2-2-1 L -->`\n\n"
                "<!-- gradproof 2-2-1 forward -->\nold\n<!-- /gradproof 1234abcd -->\n\n"
                "- item\n\n    <!-- gradproof 2-2-1 W1.gradient -->\n    <!-- /gradproof -->\n")
    assert "<p>loss 0.275, <code>&lt;!-- gradproof 2-2-1 L --&gt;</code></p>" in made
    assert made.count("<math") == 2
    assert "old" not in made
    assert "<!--" not in made
    item = made[made.index("<li>") : made.index("</li>")]
    assert "<math" in item


@pytest.mark.parametrize(("text", "part"), [
    ("x <!-- gradproof 2-2-1 K = .3f --><!-- /gradproof -->", "line 1: gradproof 2-2-1 K = .3f: "),
    ("\nx <!-- gradproof 2-2-1 L -->", "line 2: the marker is not closed"),
    ("x <!-- gradproof nowhere L --><!-- /gradproof -->", "no spec 'nowhere'"),
])
def test_an_unknown_name_fails_the_page(text, part):
    with pytest.raises(ValueError, match=part):
        page(text)


def sphinx(folder, out, *options):
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", *options, "-d",
         str(out / "trees"), str(folder), str(out / "html")], capture_output=True, text=True)


@pytest.mark.slow
def test_the_sample_site_of_sphinx(tmp_path):
    pytest.importorskip("sphinx")
    done = sphinx(EXAMPLES / "sphinx-site", tmp_path, "-j", "2")
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    assert "0.373228" in made
    assert made.count("<math") > 40
    assert "mathjax" not in made.lower()


@pytest.mark.slow
@pytest.mark.parametrize(("line", "part"), [
    (":gradproof:`xor.toml Q = .3f`", "no quantity 'Q'"),
    (":gradproof:`xor.tml L`", "did you mean 'xor.toml'?"),
    (".. gradproof:: xor.toml forwrd", "did you mean 'forward'?"),
    (":gradproof:`xor.toml forward`", "is a block"),
    (".. gradproof:: verify xor.toml L", "gradproof embed --check"),
])
def test_an_unknown_name_fails_the_build_of_sphinx(tmp_path, line, part):
    pytest.importorskip("sphinx")
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(EXAMPLES / "sphinx-site" / "xor.toml", folder)
    (folder / "conf.py").write_text('extensions = ["gradproof.sphinx_ext"]\n')
    (folder / "index.rst").write_text(f"Title\n=====\n\n{line}\n")
    done = sphinx(folder, tmp_path)
    assert done.returncode != 0
    assert part in done.stderr
    assert "index.rst:4" in done.stderr


@pytest.mark.slow
def test_the_sample_site_of_mkdocs(tmp_path):
    pytest.importorskip("mkdocs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-d", str(tmp_path / "site")],
        cwd=EXAMPLES / "mkdocs-site", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "0.373228" in made
    assert made.count("<math") > 40


@pytest.mark.parametrize("flavor", ["github", "portable"])
def test_what_is_embedded_survives_githubs_parser(tmp_path, flavor):
    pytest.importorskip("cmarkgfm")
    blocks = ["forward", "backward", "general", "definitions", "W1.steps", "table", "claims",
              "L.worked", "Z1.worked", "W2.updated[1]", "b2.gradient", "L ="]
    text = "".join(f"- item {name}\n\n  <!-- gradproof 2-2-1 {name} flavor={flavor} -->\n"
                   "  <!-- /gradproof -->\n\n" for name in blocks)
    text += "".join(f"x <!-- gradproof 2-2-1 {name} flavor={flavor} --><!-- /gradproof --> y\n"
                    for name in ("W1.gradient", "delta1", "E", "Z1[1]", "A1.symbol"))
    file = tmp_path / "page.md"
    file.write_text(text, encoding="utf-8")
    assert embed([file], cache=False)[0].problems == []
    made = "\n".join(line.removeprefix("  ") for line in
                     file.read_text(encoding="utf-8").split("\n"))
    assert lint(made, flavor) == []


@pytest.mark.parametrize(("flavor", "extension"), [("mkdocs", "arithmatex"), ("myst", "")])
def test_what_is_embedded_survives_the_parsers_of_mkdocs_and_myst(tmp_path, flavor, extension):
    markdown = pytest.importorskip("markdown")
    pytest.importorskip("pymdownx" if extension else "mdit_py_plugins")
    file = tmp_path / "page.md"
    file.write_text(f"x <!-- gradproof 2-2-1 Z1[1] flavor={flavor} --><!-- /gradproof --> y\n\n"
                    f"<!-- gradproof 2-2-1 backward flavor={flavor} -->\n<!-- /gradproof -->\n",
                    encoding="utf-8")
    assert embed([file], cache=False)[0].problems == []
    text = file.read_text(encoding="utf-8")
    (written,) = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.S | re.M)
    if extension:
        page = markdown.markdown(text, extensions=["pymdownx.arithmatex"], extension_configs={
            "pymdownx.arithmatex": {"generic": True}})
    else:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin

        page = MarkdownIt().use(dollarmath_plugin).render(text)
    page = html.unescape(page)
    assert written in page
    assert r"= 0.05 \cdot 0.15 + 0.1 \cdot 0.25 + 0.35 = 0.3825" in page
    assert "<em>" not in page


def test_both_sample_sites_tell_of_the_same_network():
    first = (EXAMPLES / "sphinx-site" / "xor.toml").read_text()
    assert first == (EXAMPLES / "mkdocs-site" / "docs" / "xor.toml").read_text()


def test_notebooks_show_formulas_as_mathematics():
    derivation = gp.derive(gp.load("2-2-1"))
    latex = derivation.gradients["W1"]._repr_latex_()
    assert latex.startswith("$")
    assert latex.endswith("$")
    assert r"\delta^{(1)}" in latex
    assert derivation.gradients["W1"]._repr_markdown_() == f"${latex}$"
    rows = derivation._repr_latex_().removeprefix("$\\displaystyle\\begin{aligned}\n")
    assert rows.count("&=") == len(derivation.all())
    assert list(unparsable([derivation._repr_latex_().strip("$")])) == []
    blocks = derivation._repr_markdown_().split("\n\n")
    assert len(blocks) == len(derivation.all())
    assert all(b.startswith("$$") and b.endswith("$$") and "\n" not in b for b in blocks)


def test_the_hooks_are_commands_of_the_program(capsys):
    from gradproof.cli import _parser

    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entries = [line.partition("entry: ")[2] for line in hooks.splitlines() if "entry: " in line]
    assert len(entries) == 2
    for entry in entries:
        program, *arguments = entry.split()
        assert program == "gradproof"
        assert _parser().parse_args(arguments).allow_none
