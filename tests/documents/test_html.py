"""The page: well formed, self-contained, its links lead somewhere, its numbers are right; and,
where there is a Chromium, as a reader sees it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import SAMPLES, example, random_networks, values_for

import gradproof as gp
from gradproof.cli import main
from gradproof.derivations.deriving import derive
from gradproof.reporting import report
from gradproof.reports.content import summands
from gradproof.reports.markup import factors, visible
from gradproof.reports.mathml import mathml
from gradproof.reports.pages.document import SECTIONS, ReportData, build
from gradproof.reports.pages.files import OthersError, write_report
from gradproof.reports.pages.html_page import NARROW, html_page
from gradproof.reports.sections.narration import all_functions
from gradproof.reports.worked.digits import show_all
from gradproof.reports.worked.reread import Reader
from gradproof.symbolic.specs.network import Network, NetworkError

VOID = {"meta", "br", "img", "link", "hr", "input"}
ASKING = {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "source", "form",
          "base"}
"""Elements that run something, or ask for something from elsewhere."""


class Page(HTMLParser):
    """A page read: its elements, its text, the TeX of its formulas; bad nesting is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.tex: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert tag != "a" or "a" not in self.open  # a link in a link ends it
        assert tag != "a" or "math" not in self.open
        if tag not in VOID:
            self.open.append(tag)
        if tag == "annotation":
            self.tex.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "annotation" in self.open:
            self.tex[-1] += data
        else:
            self.text.append(data)

    def values(self, name: str) -> list[str]:
        return [found for _, attributes in self.elements if (found := attributes.get(name))]


def report_of(network: Any, **more: Any) -> ReportData:
    derived = derive(network)
    return build(network, derived.chain, derived.writer, source_text="x = 1 < 2\n", **more)


NETWORKS = {
    "2-2-1": lambda: example("2-2-1"),
    "xor": lambda: example("xor"),
    "moons": lambda: example("moons"),
    "columns": lambda: Network([3, 5, 4, 1], activation="relu", output="sigmoid",
                               loss="binary_cross_entropy", convention="columns"),
    "worked softmax": lambda: Network([2, 3, 2], activation="leaky_relu", output="softmax",
                                      loss="cross_entropy", values=SAMPLES, learning_rate=0.1),
    "lstm": lambda: gp.load("lstm"),
    "transformer": lambda: gp.load("transformer"),
    "cases": lambda: gp.Model("m 4", ["gelu_tanh", {"type": "dense", "units": 2}], loss="huber"),
}


DEFAULT = ("2-2-1", "lstm", "cases")


@pytest.fixture(scope="module", params=[
    pytest.param(name, marks=[] if name in DEFAULT else [pytest.mark.slow]) for name in NETWORKS])
def data(request: pytest.FixtureRequest) -> ReportData:
    return report_of(NETWORKS[request.param]())


def test_a_page_needs_nothing_else_and_its_links_lead_somewhere(data: ReportData) -> None:
    page = Page(html_page(data))
    assert not {tag for tag, _ in page.elements} & ASKING
    assert not page.values("src")
    assert not [name for _, attributes in page.elements for name in attributes
                if name.startswith("on")]
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    assert page.values("href")
    assert {link[:1] for link in page.values("href")} == {"#"}
    assert {link[1:] for link in page.values("href")} <= set(ids)


def test_every_formula_of_a_page_is_mathml_with_its_tex(data: ReportData) -> None:
    text = html_page(data)
    page = Page(text)
    assert 'class="tex"' not in text  # what math-core does not know
    assert len(page.tex) == sum(tag == "math" for tag, _ in page.elements) > 20
    for whole in page.values("data-tex"):  # the formula in one piece, to be copied
        assert mathml(whole).startswith("<math")


def test_numbered_equations_are_those_of_the_report(data: ReportData) -> None:
    page = Page(html_page(data))
    assert {f"eq-{label.strip('()')}" for label in data.printed_labels} <= set(page.values("id"))
    assert data.printed_labels == set(data.labels.values())


def test_symbols_lead_to_their_definitions(tmp_path: Path) -> None:
    report(gp.load("2-2-1"), tmp_path, formats=["html"])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    forward = text[text.index('id="forward"'):text.index('id="derivation"')]
    assert ('<a class="define" href="#array-W1" title="W1: weights of layer 1">'
            "W1: weights of layer 1</a>") in forward
    assert '<a class="define" href="#eq-2" title="h = σ(z⁽¹⁾)">' in forward
    derivation = text[text.index('id="derivation"'):text.index('id="result"')]
    assert re.search(r'<a class="symbol" href="#eq-4" title="o = σ\(z⁽²⁾\)"><math>', derivation)
    rule = text[text.index('id="rule"'):text.index('id="entries"')]
    assert "#array" not in rule  # its W and L are of any network
    assert "#eq-" not in rule


def test_a_gate_s_weight_is_a_letter_with_its_gate() -> None:
    text = html_page(report_of(gp.load("lstm")))
    gate = r"{a^{i}} _{t} = x _{t} {W _{i}}^{(1)} + h _{t-1} {U _{i}}^{(1)} + {b _{i}}^{(1)}"
    assert f'data-tex="{gate}"' in text
    assert re.search(r'<a class="symbol" href="#array-Wi1" [^>]*><math>', text)


@pytest.mark.slow
def test_two_arrays_of_one_letter_lead_nowhere() -> None:
    text = html_page(report_of(gp.load("transformer")))
    assert not re.search(r'<a class="symbol"[^>]*><math><semantics><msub><mi>t</mi>', text)


# --- numbers ------------------------------------------------------------------------------------


def wrong_lines(found: ReportData) -> list[str]:
    """The worked lines of a report that are not on its page, or whose printed operands do not give
    the printed result."""
    assert found.chain is not None
    shown = set(Page(html_page(found)).values("data-tex"))
    reader = Reader(all_functions(found.chain))
    wrong = [line.formula.latex for line in found.lines if line.formula.latex not in shown]
    for line in found.lines:
        *others, result = (side.latex for side in line.formula.sides)
        if not line.checked or len(others) < 2:  # the number put in is the result
            continue
        low, high = reader.ends(reader.read(others[1], {}))
        value = reader.ends(reader.read(result, {}))[0]
        decimals = len(re.sub(r" \\times.*", "", result).partition(".")[2])
        power = re.search(r"10\^\{(-?\d+)\}", result)
        unit = Fraction(10) ** ((int(power[1]) if power else 0) - decimals)
        if not low - unit / 2 <= value <= high + unit / 2:
            wrong.append(line.formula.latex)
    return wrong


@pytest.mark.parametrize("digits", [None, 3, 9])
@pytest.mark.parametrize("name", ["2-2-1", "worked softmax"])
def test_every_line_of_a_page_calculates_to_what_it_says(name: str, digits: int | None) -> None:
    found = report_of(NETWORKS[name](), digits=digits)
    assert sum(line.checked for line in found.lines) > 10
    assert wrong_lines(found) == []


@pytest.mark.slow
@given(random_networks(), st.integers(0, 1000), st.sampled_from([None, 2, 4, 12]))
@settings(max_examples=15)
def test_every_line_of_any_network(network: Network, seed: int, digits: int | None) -> None:
    values = {name: np.round(array, 2).tolist()
              for name, array in values_for(network, seed).items()}
    try:
        found = report_of(replace(network, values=values, learning_rate=0.1), digits=digits)
    except NetworkError:  # rows of a target that do not sum to one, rounded
        assume(False)
    assert wrong_lines(found) == []


@pytest.mark.parametrize("name", ["2-2-1", "worked softmax"])
def test_matrices_of_a_page_are_the_exact_figures_rounded(name: str) -> None:
    found = report_of(NETWORKS[name]())
    assert found.figures is not None
    wholes = [block.whole for section in found.sections for block in section.blocks
              if block.kind == "worked" and block.whole is not None]
    assert len(wholes) > 3
    page = set(Page(html_page(found)).values("data-tex"))
    exact = [found.figures.arithmetic.real(value) for entries in found.figures.entries.values()
             for value in entries.values()]
    for whole in wholes:
        assert whole.latex in page
        body = re.search(r"\\begin\{array\}\{r+\} (.*) \\end", whole.latex)
        assert body is not None
        for number in re.split(r" & | \\\\ ", body[1]):
            half = Fraction(10) ** -len(number.partition(".")[2]) / 2
            assert any(abs(Fraction(str(value)) - Fraction(number)) <= half for value in exact)


@pytest.mark.parametrize(("values", "texts", "exact"), [
    (["0.3825", "0.39"], ["0.3825", "0.3900"], True),
    (["1/3", "-2/3"], ["0.333333", "-0.666667"], False),
    (["0.000667733431215459", "0.00150025228370706"], ["0.000667733", "0.00150025"], False),
    (["1", "-2", "30"], ["1", "-2", "30"], True),
    (["0", "0"], ["0", "0"], True),
    (["1/3", "1/3000000"], None, False),
])
def test_numbers_of_an_array_stand_below_one_another(
    values: list[str], texts: list[str] | None, exact: bool
) -> None:
    shown, is_exact = show_all([Fraction(value) for value in values], 6)
    assert is_exact is exact
    if texts is None:
        assert shown[0] == "0.333333"
        return
    assert len({len(text.partition(".")[2]) for text in shown}) == 1
    for text, value in zip(shown, values, strict=True):
        unit = Fraction(10) ** -len(text.partition(".")[2])
        assert abs(Fraction(text) - Fraction(value)) <= unit / 2
        assert not exact or Fraction(text) == Fraction(value)


# --- what is asked for --------------------------------------------------------------------------


def test_sections_are_chosen_and_ordered_by_name(tmp_path: Path) -> None:
    report(example("2-2-1"), tmp_path, formats=["html", "markdown"],
           sections=["result", "forward", "numbers"])
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    heads = [attributes["id"] for tag, attributes in page.elements if tag == "h2"]
    assert heads == ["result", "forward", "numbers"]
    titles = re.findall(r"(?m)^## (.*)$", (tmp_path / "report.md").read_text(encoding="utf-8"))
    assert titles == ["Result", "Forward equations", "Worked numbers"]
    assert not (tmp_path / "network.svg").exists()
    with pytest.raises(ValueError, match=r"expected some of network, .*, got 'outlook'"):
        report(example("2-2-1"), tmp_path, sections=["outlook"])
    with pytest.raises(ValueError, match="this report has no section claims; it has network"):
        report(Network([2, 1]), tmp_path, sections=["claims"])


def test_a_full_report_of_the_textbook_network_has_every_section(tmp_path: Path) -> None:
    report(gp.load("2-2-1"), tmp_path, formats=["html"])
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [a["id"] for tag, a in page.elements if tag == "h2"] == list(SECTIONS)


def test_short_is_the_formulas_and_the_verdicts(tmp_path: Path) -> None:
    assert main(["report", "2-2-1", "-o", str(tmp_path), "--format", "html,latex", "--length",
                 "short"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.tex"]
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [a["id"] for tag, a in page.elements if tag == "h2"] == [
        "network", "forward", "result", "assumptions", "comparison"]


def test_digits_are_those_asked_for(tmp_path: Path) -> None:
    report(example("2-2-1"), tmp_path, formats=["markdown"], digits=3)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert r"\sigma(0.382) \approx 0.594" in text
    assert "| $`o`$ | 0.751 |" in text
    assert "| $`x _{1}`$ | 0.05 |" in text
    for digits in (1, 41):
        with pytest.raises(ValueError, match="digits: expected a number from 2 to 40"):
            report(example("2-2-1"), tmp_path, digits=digits)


def test_a_page_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<!doctype html><title>mine</title>")
    found = report_of(example("2-2-1"))
    with pytest.raises(OthersError, match="is no report"):
        write_report(found, tmp_path, ["html"], force=False)
    assert "mine" in (tmp_path / "report.html").read_text()
    write_report(found, tmp_path, ["html"], force=True)
    write_report(found, tmp_path, ["html"], force=False)


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script> {{ 7*7 }} & \"x\" 'y' ]]> <!-- \\(x\\)"
    network = Network([2, 1], name=name, source={"title": name})
    text = html_page(report_of(network))
    page = Page(text)
    assert not {tag for tag, _ in page.elements} & ASKING
    (title,) = re.findall("<h1>(.*?)</h1>", text)
    assert html.unescape(title) == f"Backpropagation through the network {name}"


@pytest.mark.parametrize(("latex", "parts"), [
    (r"a + (b + c) - \frac{d + e}{f}", ["a", " + (b + c)", r" - \frac{d + e}{f}"]),
    (r"\left\lbrace z - 1 \text{ if } z \lt - 1 \right\rbrace + b",
     [r"\left\lbrace z - 1 \text{ if } z \lt - 1 \right\rbrace", " + b"]),
    (r"\left( a + b \right) + c", [r"\left( a + b \right)", " + c"]),
    (r"\lvert a - b \rvert - c", [r"\lvert a - b \rvert", " - c"]),
    (r"-x _{t + 1} + y", ["-x _{t + 1}", " + y"]), ("0", ["0"]),
])
def test_sums_are_parted_where_nothing_is_torn(latex: str, parts: list[str]) -> None:
    assert [*summands(latex)] == parts
    assert "".join(parts) == latex


def test_long_products_are_parted_at_their_signs() -> None:
    latex = (r"(\delta^{(2)} (W^{(2)})^{\top}) \odot \mathrm{first} \odot (1 - \mathrm{first}) "
             r"\odot \left( \frac{a + b}{c} \odot d \right) \odot e")
    parts = factors(latex, NARROW)
    assert "".join(parts) == latex
    assert [part[:5] for part in parts[1:]] == [r"\odot"] * 4
    assert factors(r"a \odot b", NARROW) == [r"a \odot b"]
    wide = " + ".join(rf"\frac{{a + b}}{{c}} \mathrm{{factor}}_{i}" for i in range(5))
    inside = factors(rf"\sum_{{i = 1}} \left( {wide} \right)", NARROW)
    assert len(inside) == 5
    assert inside[-1].endswith(r"\Bigr)")
    for part in inside:
        mathml("{} " + part)


@pytest.mark.slow
def test_a_deep_network_has_a_page_of_moderate_size() -> None:
    network = Network([4] * 51, activation="tanh")
    text = html_page(report_of(network))
    assert len(text) < 2_000_000
    assert text.count("Chain rule: ") < 20  # each kind of step is told once
    assert text.count("By the same steps as ") > 40


# --- as it is seen ------------------------------------------------------------------------------

LOOK = """
<script>
addEventListener("load", () => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const cut = [...document.querySelectorAll(".right")].filter(
    e => e.scrollWidth > e.clientWidth + 1);
  const flat = [...document.querySelectorAll("math")].filter(
    e => e.checkVisibility() && !e.getBoundingClientRect().height);
  parent.postMessage({width: innerWidth, wide, cut: cut.map(e => e.parentNode.dataset.tex),
    flat: flat.length, asked: performance.getEntriesByType("resource").map(e => e.name),
    math: document.querySelectorAll("math").length}, "*");
});
</script>
</body>"""
FRAMES = """<!doctype html><body><pre id="found"></pre><script>
addEventListener("message", e => found.textContent += JSON.stringify(e.data) + "\\n");
</script>
"""  # a window of Chromium is at least 500 wide, a frame is not


@pytest.mark.browser
@pytest.mark.parametrize("name", NETWORKS)
def test_a_page_in_a_browser(name: str, tmp_path: Path) -> None:
    """No word on the console, no request, nothing wider than the screen, every formula set."""
    data = report_of(NETWORKS[name]())
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium")
    text = re.sub("<meta http-equiv[^>]*>", "", html_page(data))  # which forbids the script
    (tmp_path / "report.html").write_text(text.replace("</body>", LOOK), encoding="utf-8")
    frames = [f'<iframe src="report.html" style="width:{width}px;height:900px;border:0"></iframe>'
              for width in (400, 1400)]
    (tmp_path / "frames.html").write_text(FRAMES + "\n".join(frames))
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         "--allow-file-access-from-files", "--virtual-time-budget=5000",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1500,1000", "--dump-dom",
         (tmp_path / "frames.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    (found,) = re.findall('<pre id="found">(.*?)</pre>', done.stdout, re.S)
    seen = [json.loads(line) for line in html.unescape(found).splitlines()]
    assert sorted(one["width"] for one in seen) == [400, 1400]
    for one in seen:
        assert one["math"] > 20
        assert one["wide"] <= 0
        # What scrolls by itself is what cannot be parted: a fraction wider than the narrow screen.
        assert one["width"] == 400 or one["cut"] == []
        for tex in one["cut"]:
            parts = [part for chunk in summands(tex.partition(" = ")[2])
                     for part in factors(chunk, NARROW)]
            assert max(map(visible, parts)) > 1.2 * NARROW
        assert one["flat"] == 0
        assert one["asked"] == []


def test_a_page_says_of_each_formula_link_and_program_what_is_due() -> None:
    """Beside how it is set: no left side, listing or figure is lost, no link leads elsewhere."""
    report = report_of(example("2-2-1"))
    text = html_page(report)
    assert text.count("<svg") == 1
    listings = [html.unescape(found).strip() for found in re.findall(
        r"<pre[^>]*><code[^>]*>(.*?)</code></pre>", text, re.DOTALL)]
    assert "x = 1 < 2" in listings
    for formula, inside in re.findall(
            r'<div class="formula"[^>]*data-tex="([^"]*)">(.*?)<div class="tag">', text, re.DOTALL):
        left, _, _ = inside.partition('<div class="right">')
        due, *right = re.split(r" (?:=|\\leftarrow|\\approx) ", html.unescape(formula), maxsplit=1)
        shown = [html.unescape(one) for one in re.findall(
            r'encoding="application/x-tex">(.*?)</annotation>', left)]
        assert shown == ([due] if right else [])
    numbers = dict(re.findall(r'id="(eq-[^"]*)" .*?<a class="number" href="#\1">(.*?)</a>', text,
                              re.DOTALL))
    links = re.findall(r'<a class="ref" href="#(eq-[^"]*)"[^>]*>(.*?)</a>', text)
    assert links
    assert {numbers[place] == shown for place, shown in links} == {True}
