"""Reports in Typst: its own compiler takes every one, and nothing of what they say is lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gradproof.cli import main
from gradproof.derivations.deriving import derive
from gradproof.derivations.examples import EXAMPLES
from gradproof.reports.content import Code, Display, Listing, Math, Ref
from gradproof.reports.language import language
from gradproof.reports.pages.document import ReportData, build
from gradproof.reports.pages.typst_page import Typst, typst_page
from gradproof.symbolic.display.typst import typst
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.reader import load_spec


def report_of(spec: Any) -> ReportData:
    derived = derive(spec)
    return build(spec, derived.chain, derived.writer, source_text='x = "#1\\t\\\\n"  # `z`\n')


def compiled(text: str, tmp_path: Path) -> bytes:
    compiler = pytest.importorskip("typst")
    (tmp_path / "report.typ").write_text(text, encoding="utf-8")
    return bytes(compiler.compile(str(tmp_path / "report.typ")))


@pytest.mark.parametrize("name", ["2-2-1", *(pytest.param(name, marks=pytest.mark.slow)
                                             for name in ("xor", "lenet", "transformer"))])
def test_every_report_compiles(name: str, tmp_path: Path) -> None:
    made = report_of(load_spec(EXAMPLES / f"{name}.toml"))
    for one in (made, made.translated(language("zh"))):
        text = typst_page(one)
        assert compiled(text, tmp_path).startswith(b"%PDF")
        # Every formula is mathematics, none is printed as the LaTeX that it was.
        assert not re.search(r'#raw\("[^"]*\\\\[a-z]', text.split("Generated program")[0])
        shown = [label for section in one.sections for block in section.blocks
                 if isinstance(block, Display) for _, label in block.tagged if label]
        assert [f"<eq-{label.strip('()')}>" in text for label in shown] == [True] * len(shown)


@pytest.mark.parametrize("text", [
    "1. a", "= a", "- a", "+ a", "/ a: b", "a_b*c*", "#let x = 1", "$x$", "a@b <c>", "`x`", "[a] ]",
    "// a", "/* a", "a ~ b -- c ... d", "https://example.org/a", "\\ a \\u{41}", "it's \"so\"",
    "中文",
])
def test_text_is_printed_as_it_is(text: str, tmp_path: Path) -> None:
    """By the compiler itself: what it makes of the markup is what it makes of the bare string."""
    compiler = pytest.importorskip("typst")
    (tmp_path / "a.typ").write_text(Typst().text(text), encoding="utf-8")
    string = Typst().code(text).removeprefix("#raw(").removesuffix(");")
    (tmp_path / "b.typ").write_text(f"#text({string})", encoding="utf-8")
    pages = [compiler.compile(str(tmp_path / f"{one}.typ"), format="svg") for one in "ab"]
    assert pages[0] == pages[1]


def test_what_stands_behind_code_and_links_is_no_part_of_them(tmp_path: Path) -> None:
    markup = Typst()
    markup.known = ("(1)",)
    said = markup.prose((Code("x"), "(y)", Ref("(1)"), "[z].w ", Math("a"), "(b)", Ref("(2)")))
    assert said == r'#raw("x");(y)#link(<eq-1>)[(1)];\[z\].w $a$(b)(2)'
    assert compiled(f"#math.equation(block: true, $ x $) <eq-1>\n\n{said}", tmp_path)


def test_programs_are_printed_as_they_are(tmp_path: Path) -> None:
    text = Typst().listing(Listing('a = "\\n#"\t# x\x0c\n'))
    assert compiled(text, tmp_path)
    assert text.startswith('#raw("a = \\"\\\\n#\\"')


@pytest.mark.parametrize(("latex", "expected"), [
    (r"{\gamma _{F}}^{(2)} _{j}", 'class("normal", γ_(F))^((2))_(j)'),
    (r"{x _{1,j}}^{2}", 'class("normal", x_(1 comma j))^(2)'),
    (r"{a b} c", "a b c"),
    (r"\left[\begin{array}{rr} 1 & -0.5 \\ 2 & f(x, y) \end{array}\right]",
     "[mat(delim: #none, align: #right, 1, - 0.5; 2, f (x comma y))]"),
])
def test_groups_and_arrays(latex: str, expected: str, tmp_path: Path) -> None:
    assert typst(latex) == expected
    assert compiled(f"$ {expected} $", tmp_path)


@pytest.mark.slow
def test_the_command_writes_it_and_knows_it_again(tmp_path: Path, capsys: Any) -> None:
    for _ in range(2):
        assert main(["report", "xor", "--format", "typst", "--sections", "network",
                     "-o", str(tmp_path)]) == 0
    capsys.readouterr()
    assert "format: \"svg\"" in (tmp_path / "report.typ").read_text("utf-8")


def test_names_of_users_are_text(tmp_path: Path) -> None:
    made = report_of(Network([2, 1], name='#panic("a") $x ]'))
    assert compiled(typst_page(made), tmp_path)
