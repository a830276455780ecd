"""Reports in Chinese: no sentence of one is left in English, in no format, and nothing but words
differs from the English one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from gradproof.cli import main
from gradproof.derivations.deriving import derive
from gradproof.derivations.examples import EXAMPLES
from gradproof.derivations.notations import in_notation
from gradproof.report_runs import training_of
from gradproof.reporting import report
from gradproof.reports.content import Math, Prose, Ref
from gradproof.reports.language import LanguageError, catalogue, language
from gradproof.reports.pages.document import ReportData, build
from gradproof.reports.pages.html_page import html_page
from gradproof.reports.pages.json_form import json_form
from gradproof.reports.pages.notebook_page import notebook
from gradproof.reports.pages.render import latex, markdown
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.reader import load_any
from gradproof.symbolic.specs.stated import Stated

SPECS = {
    **{file.stem: load_any(file) for file in sorted(EXAMPLES.glob("*.toml"))},
    "one": Network([2, 2, 1], batch=False, convention="columns", loss="mean_absolute_error"),
    "hinge": Network([2, 3, 1], loss="hinge", name="and, of"),
}
NAMES = {
    "sigmoid", "tanh", "relu", "identity", "softmax", "abs", "logit", "xor", "moons", "lenet",
    "lstm", "transformer", "and", "of", "network", "dense", "flatten", "embedding", "layer", "norm",
    "block", "avg", "pool", "conv", "last", "NumPy", "Backpropagation", "worked", "example", "a",
    "columns", "regression", "gaussian", "process",
    *(word for name in SPECS for word in re.findall("[a-z]{2,}", name)),
}
"""What somebody called something, in the specs above and in their programs."""


def built(spec: Network | Model | Stated, notation: str = "") -> ReportData:
    layered = not isinstance(spec, Stated)
    derived = in_notation(derive(spec), notation) if notation and layered else derive(spec)
    rule = [(scope, formula, why) for formula, scope, why in derived.general_rule] \
        if derived.has_general_rule else []
    return build(spec, derived.chain, derived.stepwise, general_rule=rule,
                 training=training_of(derived, spec))


def proses(made: ReportData) -> Iterator[Prose]:
    yield made.title
    for section in made.sections:
        yield section.title
        for block in section.blocks:
            match block.kind:
                case "paragraph":
                    yield block.prose
                case "bullets":
                    yield from block.items
                case "worked":
                    yield block.left_out
                case "picture":
                    yield block.caption
                case "table":
                    yield from block.header
                    for row in block.rows:
                        yield from row


def english(text: str) -> set[str]:
    """The words of English in a text."""
    return {*re.findall(r"[A-Za-z]{2,}|\ba\b", text)} - NAMES


def english_term(chinese: str) -> str:
    """A glossary says the English term in brackets."""
    return re.sub(r"（[a-z -]+）：", "：", chinese)


@pytest.mark.parametrize("notation", ["", "ng", "nielsen"])
@pytest.mark.parametrize("name", SPECS)
def test_no_sentence_is_left_in_english(name: str, notation: str) -> None:
    spec = SPECS[name]
    if name != "moons" and notation == "ng":
        pytest.skip("what a notation adds is said of moons")
    made = built(spec, notation)
    told = made.translated(language("zh"))
    where = {str(claim.get("where", "")) for claim in spec.claims}
    for english_one, chinese in zip(proses(made), proses(told), strict=True):
        words = english_term("".join(run for run in chinese if isinstance(run, str)))
        assert words in where or not english(words), (english_one, chinese)
        runs = [[run for run in prose if not isinstance(run, str)]
                for prose in (english_one, chinese)]
        assert sorted(map(str, runs[0])) == sorted(map(str, runs[1]))
    data = json.loads(json_form(told))
    formulas = " ".join(str(form["text"]) for step in data["steps"] for form in step["forms"])
    names = " ".join(array["text"] for array in data["arrays"].values())
    for step in data["steps"]:
        for form in step["forms"]:
            assert english(form["because"]) <= english(f"{formulas} {names}")


def test_the_formulas_and_numbers_are_those_of_the_english_one() -> None:
    made = built(SPECS["2-2-1"])
    told = made.translated(language("zh"))
    for form in (markdown, latex, html_page, notebook):
        ours, theirs = form(made), form(told)
        numbers = [sorted(re.findall(r"\d+\.\d{3,}", text)) for text in (ours, theirs)]
        assert numbers[0] == numbers[1]
        assert "推导" in theirs
        assert "推导" not in ours
    assert '<html lang="zh">' in html_page(told)
    assert "ctexart" in latex(told)
    assert "otherscript{63A8}" not in latex(told)


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "json", "notebook"])
def test_a_file_in_chinese_is_known_as_a_report(form, tmp_path, capsys) -> None:
    for _ in range(2):
        assert main(["report", "xor", "-o", str(tmp_path), "--format", form, "--language", "zh",
                     "--sections", "forward,result"]) == 0
    capsys.readouterr()
    (made,) = (file for file in tmp_path.iterdir() if file.suffix != ".svg")
    assert "前向方程" in (json.loads(made.read_text("utf-8"))["sections"][0]["title"]
                      if form == "json" else made.read_text("utf-8"))


def test_names_in_chinese_stand_in_every_format(tmp_path) -> None:
    network = Network([2, 1], name="两层，and 一层")
    paths, _ = report(network, tmp_path, language="zh",
                      formats=["markdown", "latex", "html", "json", "notebook"])
    for path in paths:
        text = path.read_text("utf-8")
        said = text if path.suffix != ".ipynb" else json.dumps(json.loads(text), ensure_ascii=False)
        assert "两层" in said, path


@pytest.mark.parametrize(("english_one", "expected"), [
    (("Chain rule: ", Math("L"), " depends on ", Math("x"), " through ", Math("y"), ", equation ",
      Ref("(1)"), ", ", Math("z"), ", equation ", Ref("(2)"), " and ", Math("u"), ", equation ",
      Ref("(3)"), ", so the contributions are added:"),
     "链式法则：L 通过 y（式 (1)）、z（式 (2)）和 u（式 (3)）依赖于 x，故各项贡献相加："),
    (("hand-written = 3/2 × derived: multiply by 2/3 (exact, for all sizes)",),
     "手写的 = 3/2 × 推导的：应乘以 2/3（精确，对所有尺寸）"),
    (("First wrong: dZ1, bad.py:23: dZ1 = 1.5 * np.dot(a, b).",),
     "最先出错之处：dZ1, bad.py:23: dZ1 = 1.5 * np.dot(a, b)。"),
    (("a sentence that nobody knows",), "a sentence that nobody knows"),
    (("The network and, of, with layers of 2 and 1 units.",),
     "网络 and, of，各层单元数为 2 和 1。"),
])
def test_sentences(english_one: Prose, expected: str) -> None:
    said = language("zh").prose(english_one)
    shown = "".join(run if isinstance(run, str) else getattr(run, "latex", "")
                    or getattr(run, "label", "") for run in said)
    assert shown == expected


def test_a_message_says_what_stands_in_it_in_both_languages() -> None:
    from importlib.resources import files

    text = files("gradproof.reports").joinpath("locale", "zh.po").read_text(encoding="utf-8")
    messages = catalogue(text)
    assert len({(context, message) for context, message, _ in messages}) == len(messages) > 150
    for _, message, said in messages:
        assert sorted(re.findall(r"\{\w+\}", message)) == sorted(re.findall(r"\{\w+\}", said))


@pytest.mark.parametrize("text", ['msgid "a', "hello", '"a"'])
def test_a_catalogue_that_cannot_be_read_says_where(text: str) -> None:
    with pytest.raises(LanguageError, match="line 1: expected msgid or msgstr"):
        catalogue(text)


def test_a_language_that_there_is_not_is_named() -> None:
    with pytest.raises(LanguageError, match="expected one of en, zh, got 'de'"):
        language("de")
