"""Documents: their formulas parse and survive, their files are whole, their prose is escaped."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from networks import SAMPLES, example
from report_lint import available, lint

from gradproof.derivations.deriving import derive
from gradproof.reports.content import Display, Relation, Side
from gradproof.reports.markup import Github, Latex, Portable, _folded, visible
from gradproof.reports.pages.document import ReportData, build
from gradproof.reports.pages.drawn import svg
from gradproof.reports.pages.files import write_report
from gradproof.reports.pages.render import latex, markdown
from gradproof.reports.sections.comparison import CheckEntry, CheckRow, Comparison
from gradproof.reports.sections.in_general import EntryStep
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network

HOSTILE = r"_a*b_ [x](y) <b> $5$ & 50% #1 ~^{} \input `c` | 反向 δ⁽¹⁾ -1"
PROGRAM = "import numpy as np\n\n\ndef f(a_b):\n    '''$x$ ```` <i>'''\n    return {1: \"~^\\n\"}\n"


NETWORKS: dict[str, Callable[[], Network | Model]] = {
    "2-2-1": lambda: example("2-2-1"),
    "xor": lambda: example("xor"),
    "moons": lambda: example("moons"),
    "softmax": lambda: Network([2, 3, 4, 2], activation="relu", output="softmax",
                               loss="cross_entropy"),
    "columns": lambda: Network([2, 3, 1], activation="tanh", batch=False, output="softmax",
                               loss="mean_squared_error", convention="columns"),
    "formula": lambda: Network([2, 3, 1], activation="z/(1+exp(-z))",
                               loss="cross_entropy_from_logits"),
    "named sizes": lambda: Network(["n", "hidden_units", 2], activation="tanh",
                                   loss="mean_squared_error", convention="columns", delta="sample"),
    "worked softmax": lambda: Network([2, 3, 2], activation="leaky_relu", output="softmax",
                                      loss="cross_entropy", values=SAMPLES, learning_rate=0.1),
    "wide": lambda: Network([784, 256, 128, 10], activation="relu", output="softmax",
                            loss="cross_entropy"),
    "deep": lambda: Network([3] * 21, activation="z*sigmoid(z)"),
    "hostile": lambda: Network([2, 1], name=HOSTILE, source={"title": HOSTILE}),
    "gelu": lambda: Network([2, 3, 1], activation="gelu_tanh"),
    "cases": lambda: Model("T m 3", [{"type": "dense", "units": 2, "activation": "hard_tanh"}],
                           loss="multiclass_hinge"),
    "huber": lambda: Model("m 4", ["gelu_tanh", {"type": "dense", "units": 2}], loss="huber"),
}
CHECKS = [
    CheckRow("W1", "proved", "for all m, n", 1e-9, 0.0, 3e-11,
             [CheckEntry("[1,1]", 0.1, 0.1, 0.1000000001)]),
    CheckRow("b1", "refuted", "", None, 2.0, None, (), "a factor 2/m is too much", (HOSTILE,)),
]


def report_of(name: str) -> ReportData:
    network: Network | Model = NETWORKS[name]()
    derived = derive(network)
    return build(
        network, derived.chain, derived.writer, source_text=PROGRAM,
        hand_source="x = 1\n", comparison=Comparison(CHECKS, "first wrong: db1", "- a\n+ b_1"),
        general_rule=[("1 ≤ l < L", r"\delta^{(l)} = \delta^{(l+1)}", "by the chain rule")],
        entries=[EntryStep("Z1", r"\delta _{1} = x _{1}", "summed over units"),
                 EntryStep("Z1", r"\delta _{2} = x _{2}")],
    )


def plain_report(network: Network) -> ReportData:
    derived = derive(network)
    return build(network, derived.chain, derived.writer)


@pytest.fixture(scope="module", params=NETWORKS)
def report(request: pytest.FixtureRequest) -> ReportData:
    return report_of(request.param)


@pytest.mark.parametrize("flavor", ["github", "portable"])
def test_every_formula_parses_and_survives(report: ReportData, flavor: str) -> None:
    assert all(available().values()), "the test extra brings math-core and cmarkgfm"
    assert lint(markdown(report, flavor), flavor) == []


def test_portable_has_neither_fences_nor_rows(report: ReportData) -> None:
    text = markdown(report, "portable")
    assert "```math" not in text
    assert r"\begin{" not in text
    assert all(len(block.strip().splitlines()) == 1
               for block in re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.S | re.M))


def test_programs_stand_in_the_document_unchanged(report: ReportData) -> None:
    assert PROGRAM.strip() in markdown(report)
    assert PROGRAM.strip() in markdown(report, "portable")


def test_the_figure_is_wellformed_and_always_the_same(report: ReportData) -> None:
    if not report.drawings:
        pytest.skip("a model has no figure")
    drawing, = report.drawings
    root = ElementTree.fromstring(svg(drawing))
    assert root.get("width") == "640"
    for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 < float(circle.get("cx", "0")) < 640
        assert 0 < float(circle.get("cy", "0")) < float(root.get("height", "0"))
    assert svg(drawing) == svg(drawing)


def test_the_figure_of_one_sample_has_the_values_of_both_passes() -> None:
    shown = re.findall(r"<text [^>]*?(?:fill=\"(#\w+)\")?>([^<]+)</text>",
                       svg(report_of("2-2-1").drawings[0]))
    forward = [text for ink, text in shown if ink == "#1F5A96"]
    backward = [text for ink, text in shown if ink == "#A8322A"]
    assert forward == ["0.05", "0.1", "0.5945", "0.5963", "0.7514"]
    assert backward == ["δ = 0.01335", "δ = 0.01500", "δ = 0.1385"]
    assert "δ = " not in svg(report_of("xor").drawings[0])  # a unit has a value for each sample


def test_a_report_is_the_same_every_time() -> None:
    first, second = report_of("2-2-1"), report_of("2-2-1")
    assert markdown(first) == markdown(second)
    assert latex(first) == latex(second)
    assert list(map(svg, first.drawings)) == list(map(svg, second.drawings))


def test_2_2_1_follows_the_arithmetic_and_says_so() -> None:
    text = markdown(report_of("2-2-1"))
    assert "declares the convention `columns`" in text
    assert "This report follows the arithmetic." in text
    assert re.search(r"0\.3825\d* \| 0\.3775\d*", text)
    for figure in ("0.59447593074824", "0.138491211079855", "0.358835154196426"):
        assert figure in text
    assert r"\delta^{(2)} = (o - t) \odot o \odot (1 - o) \qquad (7)" in text


def test_the_derivation_names_rules_adjoints_and_assumptions() -> None:
    text = markdown(report_of("softmax"))
    for said in [
        r"The adjoint of $`\Lambda^{(3)}`$",
        "so the contributions are added",
        r"Inserting $`\partial L/\partial A^{(3)}`$ (9) and $`\partial L/\partial \Lambda^{(3)}`$",
        "Assuming that the entries of $`Y`$ sum to one for each sample:",
        r"\delta^{(3)} = \frac{A^{(3)} - Y}{m}",
        "has a kink where $`z = 0`$",
        "Assumed: the entries of $`Y`$ sum to one",
    ]:
        assert said in text


def test_slopes_are_named_where_they_are_used() -> None:
    text = markdown(report_of("moons"))
    assert r"with $`a = \tanh(z)`$, $`\tanh'(z) = 1 - a^{2}`$" in text
    assert "Kept per sample: multiplied by the batch size" in text


def test_checks_are_reported_with_their_diagnosis() -> None:
    text = markdown(report_of("columns"))
    assert "| `W1` | proved | for all m, n | 0 | 3e-11 | 1e-09 |" in text
    assert "`b1`: a factor 2/m is too much" in text
    assert "| `W1[1,1]` | 0.1 | 0.1 | 0.1000000001 |" in text


def test_large_networks_show_the_first_entries_and_say_how_many_are_left_out() -> None:
    text = markdown(report_of("worked softmax"))
    assert "The other 6 entries of $`Z^{(1)}`$ are left out." in text


# --- escaping -----------------------------------------------------------------------------------


def test_names_are_text_in_markdown() -> None:
    import html

    import cmarkgfm
    from cmarkgfm.cmark import Options

    page = cmarkgfm.github_flavored_markdown_to_html(
        markdown(report_of("hostile")), Options.CMARK_OPT_UNSAFE
    )
    title = re.search(r"<h1>(.*?)</h1>", page)
    assert title is not None
    shown = html.unescape(re.sub("</?span>", "", title[1]))
    assert shown == f"Backpropagation through the network {HOSTILE}"


@pytest.mark.parametrize("text", ["1. a", "- a", "+ a", "# a", "1) a", "===", "a\n\n# b", "> q"])
def test_text_opens_no_block(text: str) -> None:
    import cmarkgfm

    page = cmarkgfm.github_flavored_markdown_to_html(Github().text(text))
    assert page.startswith("<p>")
    assert page.count("<") == 2


def test_latex_text_has_no_active_characters() -> None:
    shown = Latex().text(HOSTILE)
    assert r"\otherscript{53CD}{反}" in shown
    assert not re.search(r"(?<!\\)[&#%_]", re.sub(r"\$[^$]*\$", "", shown))


def test_latex_braces_come_through_the_template() -> None:
    assert r"\frac{1}{1 + \exp(-z)}" in latex(report_of("2-2-1"))


# --- rows ---------------------------------------------------------------------------------------


def test_long_formulas_are_broken_between_their_parts() -> None:
    chunks = tuple(f" + {'x' * 20} _{{{i}}}" for i in range(8))
    long = Relation("y", (Side("=", ("0", *chunks)), Side(r"\approx", ("1",))))
    text = Github().display(Display((long,)))
    rows = text.splitlines()[2:-2]
    assert len(rows) > 2
    assert all(visible(row) < 100 for row in rows)
    assert Portable().display(Display((long,))).count("$$") == 2


# --- files --------------------------------------------------------------------------------------


def test_files_are_written_whole_and_only_their_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "report.md").write_text("old")
    target = tmp_path / "deeper" / "still"
    for directory in (tmp_path, target):
        paths = write_report(report_of("2-2-1"), directory)
        assert [path.name for path in paths] == ["report.md", "network.svg", "report.tex"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "report.md").read_text().startswith("# Backpropagation")
    assert sorted(p.name for p in target.iterdir()) == ["network.svg", "report.md", "report.tex"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.md").write_text("old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("gradproof.reports.replacing.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(report_of("columns"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "old"


def test_unknown_formats_and_flavors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected some of markdown, latex, .* got 'word'"):
        write_report(report_of("columns"), tmp_path / "x", formats=("word",))
    assert not (tmp_path / "x").exists()
    with pytest.raises(ValueError, match="flavor"):
        markdown(report_of("columns"), "myst")


@pytest.mark.parametrize(("loss", "symbols", "expected"), [
    ("half_squared_error", {"A1": "o"},
     r"$`\sum \frac{1}{2} (t - o)^{2}`$, over all entries; $`t`$ is the target, $`o`$ the output"),
    ("half_squared_error", {},
     r"$`\sum \frac{1}{2} (t - a)^{2}`$, over all entries; $`t`$ is the target, $`a`$ the output"),
    ("mean_squared_error", {"A1": "ŷ"}, r"$`(t - \hat{y})^{2}`$, mean over all entries; "
                                        r"$`t`$ is the target, $`\hat{y}`$ the output"),
    ("poisson", {"A1": "o"}, r"$`\exp(o) - t o`$, mean over all entries; $`t`$ is the target "
                             r"(a count), $`o`$ the output (the logarithm of the rate)"),
])
def test_the_loss_is_told_in_the_symbols_of_the_formulas(
    loss: str, symbols: dict[str, str], expected: str
) -> None:
    network = Network([2, 1], loss=loss, notation={"target": "t", "symbols": symbols})
    report = plain_report(network)
    assert expected in markdown(report)


# --- LaTeX --------------------------------------------------------------------------------------

SCRIPTS = {"loss": "É", "target": "τ",
           "symbols": {"A1": "Α", "A2": "größe", "b1": "β", "W1": "Ж", "W2": "ħ"}}
"""Greek, accents, what LaTeX's own fonts have not, and capitals that look like Latin ones."""


def foreign_report() -> ReportData:
    network = Network([2, 2, 1], notation=SCRIPTS, name="Größe «Þ» Ω ς Ж", batch=False)
    return plain_report(network)


def test_symbols_of_any_script_are_latex_of_ascii_and_common_letters() -> None:
    text = latex(foreign_report())
    assert r"\ensuremath{\beta}" in text
    assert r"\text{\otherscript{0416}{Ж}}" in text
    unknown = re.sub(r"\\otherscript\{[0-9A-F]+\}\{.\}", "", text)
    assert set(re.findall(r"[^\x00-\x7f]", unknown)) <= set("öéÉß")


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_latex_with_symbols_of_any_script_compiles(tmp_path: Path, engine: str) -> None:
    test_latex_compiles(foreign_report(), tmp_path, engine)


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_latex_compiles(report: ReportData, tmp_path: Path, engine: str) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"no {engine}")
    (tmp_path / "report.tex").write_text(latex(report), encoding="utf-8")
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
        cwd=tmp_path, capture_output=True, check=False,
    )
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(wide, default=0) < 25, log


def test_a_body_has_labels_and_no_preamble(report: ReportData) -> None:
    text = latex(report, body=True)
    assert r"\begin{document}" not in text
    assert r"\usepackage{" not in re.sub("(?m)^%.*", "", text)
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels)) == len(report.printed_labels)
    assert set(re.findall(r"\\hyperref\[(.*?)\]", text)) <= set(labels)


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_a_body_compiles_in_another_document(tmp_path: Path, engine: str) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"no {engine}")
    for name in ("2-2-1", "softmax"):
        (tmp_path / f"{name}.tex").write_text(
            latex(report_of(name), body=True).replace("gradproof:", f"{name}:"), encoding="utf-8")
    (tmp_path / "book.tex").write_text(
        "\\documentclass{book}\\usepackage{amsmath}\\begin{document}\\chapter{One}\n"
        "\\input{2-2-1}\\input{softmax}\nSee (\\ref{2-2-1:eq3}).\\end{document}\n")
    for _ in range(2):
        done = subprocess.run([engine, "-interaction=nonstopmode", "-halt-on-error", "book.tex"],
                              cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]


@pytest.mark.parametrize(("line", "parts"), [
    ("short = 1", ["short = 1"]),
    ("    a = first + second + third", ["    a = first +", "          second +",
                                        "          third"]),
    ("x" * 45, ["x" * 20, "        xxxxxxxxxxxx", "        xxxxxxxxxxxx", "        x"]),
])
def test_long_lines_of_code_are_folded(line: str, parts: list[str]) -> None:
    assert _folded(line, 20) == parts
    assert all(len(part) <= 20 for part in parts)
