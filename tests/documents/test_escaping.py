"""Hostile text in every field of specs, models, claims and documents, through every format of
output; each is read by a parser of its own, which finds no more than text in it."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from html.parser import HTMLParser
from importlib.util import find_spec
from xml.etree import ElementTree

import pytest

import gradproof as gp
from gradproof.cli import main
from gradproof.embedding.documents import embed
from gradproof.formats.github import annotation
from gradproof.reporting import report
from gradproof.symbolic import escaping
from gradproof.symbolic.specs.checks import NetworkError
from gradproof.symbolic.specs.reader import read_text

HOSTILE = [
    'x"""\n    return 0\nimport os; os.system("echo RAN")\ndef rest():\n    """',
    'a"""; import os #', "a\\", 'a\\"', "'''",
    "a\n\n.. raw:: html\n\n   <script>alert(1)</script>\n",
    "a\u2028.. raw:: html", "a\u0085b", "a\rb", "a\u2029b", "a\x00b", "a\x1b[2Jb", "a\x9b2Jb",
    "\u202etxt.\u2066x", "a\n\\end{verbatim}\\input{/etc/passwd}", "\\end{document}\\write18{x}",
    "}{\\input{x}$^_%&#~", "[x](javascript:alert(1))", "javascript:alert(1)",
    "<svg onload=alert(1)>",
    "`x`_ |y|_ :raw:`z` *e*", "]]><!--", "--><script>alert(1)</script>", "{{ 7*7 }}{% x %}",
    "\\VAR{7*7}", "\ud800", "::error file=x::y", "a\x0c\x1cb", "<a href='javascript:x'>y</a>",
    "http://x.y/`a <javascript:b>`_", "\0001\000", "- item", "1. item", "# title", "| a |",
]
SEEN = [text for text in HOSTILE if escaping.one_line(text) == text]
"""Those that are a line, and so may be names."""


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def addresses(tree):
    """Where the links of a document's tree lead to."""
    return [str(node["refuri"]) for node in tree.findall()
            if hasattr(node, "attributes") and "refuri" in node]


def assert_tex_is_text(text):
    """Braces are balanced, environments nested, and no command but those that are meant."""
    depth, environments = 0, []
    for found in re.finditer(r"\\(begin|end)\{(\w+\*?)\}|\\([A-Za-z]+|.)|([{}])", text):
        if found[1] == "begin":
            environments.append(found[2])
        elif found[1]:
            assert environments.pop() == found[2]
        elif found[3]:
            assert found[3] not in ("input", "write", "include", "openout", "catcode", "csname")
        else:
            depth += 1 if found[4] == "{" else -1
            assert depth >= 0
    assert not depth
    assert not environments


def assert_plain(text, allowed="\n"):
    """Nothing steers what shows the text."""
    assert not [c for c in text if c not in allowed and escaping._is_control(c)]


@pytest.mark.parametrize("text", HOSTILE)
def test_each_medium_holds_any_text(text):
    line = escaping.one_line(text)
    for made in (line, escaping.markdown(text), escaping.rst(text), escaping.latex(text),
                 escaping.path(text), escaping.workflow_data(text)):
        assert "\n" not in made
        assert_plain(made, "")
    assert ast.literal_eval(f'"{escaping.python(text)}"') == text
    assert ast.literal_eval(f'"""{escaping.python(text)}"""') == text
    list(tokenize.generate_tokens(io.StringIO(f"x = 1  # {escaping.python(text)}\n").readline))
    element = ElementTree.fromstring(f"<a b=\"{escaping.html(text)}\">{escaping.html(text)}</a>")
    assert not list(element)
    page = Tags(f"<p title='{escaping.html(text)}'>{escaping.html(text)}</p>")
    assert [tag for tag, _ in page.found] == ["p"]
    assert_tex_is_text(escaping.latex(text))
    assert_tex_is_text(r"\texttt{" + escaping.latex_typewriter(line) + "}")
    verbatim = escaping.latex_verbatim(text)
    assert r"\end{verbatim}" not in verbatim
    assert_plain(verbatim)
    assert_plain(escaping.terminal(text), "\n\t")
    assert not re.search(r"(?m)^\s*::|##\[", escaping.printed(text))
    assert json.loads(escaping.json_text([text])) == [text]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_and_rst_show_the_text_alone(text):
    shown = escaping.one_line(text).split()
    cmarkgfm = pytest.importorskip("cmarkgfm")
    from cmarkgfm.cmark import Options

    page = Tags(cmarkgfm.markdown_to_html(escaping.markdown(text), Options.CMARK_OPT_UNSAFE))
    assert {tag for tag, _ in page.found} <= {"p", "span"}
    assert "".join(page.text).split() == shown
    core = pytest.importorskip("docutils.core")
    tree = core.publish_doctree(escaping.rst(text), settings_overrides={
        "report_level": 5, "raw_enabled": True, "file_insertion_enabled": True})
    assert {type(node).__name__ for node in tree.findall()} <= {
        "document", "paragraph", "Text", "reference"}
    assert "script:" not in " ".join(addresses(tree))
    assert tree.astext().split() == shown


@pytest.mark.parametrize("text", [t for t in HOSTILE if t not in SEEN])
def test_a_name_is_a_line_that_is_seen(text):
    with pytest.raises(NetworkError, match="name: expected"):
        gp.Network([2, 1], name=text)
    with pytest.raises(NetworkError, match="name: expected"):
        gp.Model("m 2", [{"type": "dense", "units": 1}], name=text)


@pytest.mark.parametrize("text", SEEN)
def test_a_name_that_looks_like_code_is_a_name(text, tmp_path):
    network = gp.Network([2, 2, 1], name=text)
    source = gp.derive(network).numpy_source()
    (function,) = [node for node in ast.parse(source).body if getattr(node, "name", "") ==
                   "gradient"]
    assert text in ast.get_docstring(function, clean=False)
    assert {type(node).__name__ for node in ast.parse(source).body} <= {"Import", "FunctionDef"}
    report(network, tmp_path)
    assert_tex_is_text((tmp_path / "report.tex").read_text(encoding="utf-8"))
    drawing = ElementTree.parse(tmp_path / "network.svg")
    assert {e.tag.rpartition("}")[2] for e in drawing.iter()} <= {
        "svg", "title", "rect", "g", "line", "circle", "text", "tspan"}
    assert "49" not in (tmp_path / "report.md").read_text(encoding="utf-8").split("\n")[0]


SPEC = """
name = {seen}
[network]
sizes = [1, 1]
batch = false
[values]
X = [1]
Y = [0]
W1 = [[2]]
b1 = [0]
[source]
title = {any}
text = {any}
[[claims]]
quantity = "L"
stated = "2"
where = {any}
"""


@pytest.mark.parametrize("text", [
    text if place % 4 == 0 else pytest.param(text, marks=pytest.mark.slow)
    for place, text in enumerate(t for t in HOSTILE if t != "\ud800")])
def test_every_field_in_every_document(text, tmp_path):
    """The source's texts and the claims' places may be of any form; the name is a line."""
    field = json.dumps(text).replace("\x7f", "\\u007f")
    seen = json.dumps(text if text in SEEN else "net")
    spec = SPEC.replace("{seen}", seen).replace("{any}", field)
    (tmp_path / "s.toml").write_text(spec, encoding="utf-8")
    report(read_text(spec, "s.toml"), tmp_path / "r",
           formats=["markdown", "latex", "html", "json", "notebook"])
    for name in ("report.md", "report.tex", "report.html", "report.json", "report.ipynb"):
        assert_plain((tmp_path / "r" / name).read_text(encoding="utf-8"))
    page = Tags((tmp_path / "r" / "report.html").read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.found}
    assert not [name for _, names in page.found for name in names if name.startswith("on")]
    assert {names["href"][0] for tag, names in page.found if tag == "a"} == {"#"}
    for name in ("report.json", "report.ipynb"):
        json.loads((tmp_path / "r" / name).read_text(encoding="utf-8"))
    assert_tex_is_text((tmp_path / "r" / "report.tex").read_text(encoding="utf-8"))
    forms = {"md": ("<!-- gradproof {} -->\n<!-- /gradproof -->\n"),
             "rst": ".. gradproof: {}\n.. /gradproof\n", "tex": "% gradproof: {}\n% /gradproof\n"}
    for suffix, marker in forms.items():
        page = tmp_path / f"page.{suffix}"
        page.write_text("\n".join(marker.format(f"s {what}") for what in
                                  ("claims", "figure", "numpy", "forward format=text")))
        (document,) = embed([page], cache=False)
        assert document.problems == []
        assert_plain(page.read_text(encoding="utf-8"))
        assert embed([page], cache=False, check=True)[0].problems == []
    assert_tex_is_text(re.sub(r"(?s)\\begin\{verbatim\}.*?\\end\{verbatim\}|%[^\n]*", "",
                              (tmp_path / "page.tex").read_text(encoding="utf-8")))
    if find_spec("docutils") is None:
        return
    from docutils import core

    tree = core.publish_doctree((tmp_path / "page.rst").read_text(encoding="utf-8"),
                                settings_overrides={"report_level": 5})
    assert "raw" not in {type(node).__name__ for node in tree.findall()}
    assert "javascript:" not in " ".join(addresses(tree))


def test_a_figure_goes_where_its_name_says_and_nowhere_else(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.gradproof.specs]\n"a)[x](javascript:alert(1))" = { network = { sizes = [1, 1] } }\n')
    page = tmp_path / "page.md"
    for request in ("a)[x](javascript:alert(1)) figure", '2-2-1 figure file="a](b).svg"',
                    '2-2-1 figure file=a:b.svg', '2-2-1 L as="x| replace:: y"'):
        page.write_text(f"<!-- gradproof {request} -->\n<!-- /gradproof -->\n")
        (document,) = embed([page], cache=False)
        assert document.failed


def test_file_names_and_findings_are_no_commands(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a\n::error file=x::y.md", "::warning::z.md", "\x1b[2J##[error]q.md"):
        (tmp_path / name).write_text("x <!-- gradproof 2-2-1 Q --><!-- /gradproof -->")
    for form in ("text", "json", "github"):
        assert main(["embed", "--output-format", form, "."]) == 2
        out, err = capsys.readouterr()
        assert_plain(out + err)
        commands = re.findall(r"(?m)^\s*::.*$", out)
        assert len(commands) == (3 if form == "github" else 0)
        assert all(command.startswith("::error file=") for command in commands)
        assert "##[" not in err
    assert main(["derive", "x\n::error::y.toml"]) == 2
    assert not re.search(r"(?m)^::", capsys.readouterr().err)
    assert "\n" not in annotation("error", "a\nb", 1, "t\r", "x\u2028\x1b[2J\n::error::")


@pytest.mark.parametrize("encoding", [
    "ascii", *(pytest.param(one, marks=pytest.mark.slow)
               for one in ("cp437", "latin-1", "cp1252"))])
def test_output_in_any_encoding(encoding, tmp_path):
    for command in (["derive", "2-2-1"], ["codegen", "2-2-1"]):
        done = subprocess.run([sys.executable, "-m", "gradproof", *command], capture_output=True,
                              env={"PYTHONIOENCODING": encoding, "PATH": ""}, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        if command[0] == "codegen":
            compile(done.stdout, "gradient.py", "exec")
