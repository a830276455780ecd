"""The examples that train: each is as it says, and its page is there in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradproof.cli import main
from gradproof.reports.content import Prose, plain
from gradproof.reports.language import language
from gradproof.reports.pages.document import ReportData
from gradproof.training.comparison import example_page
from gradproof.training.examples import Example, Seen, chosen, example, names
from gradproof.training.loop import DivergedError, Training

TRAINED = [name for name in names() if isinstance(chosen(name), Example)]
QUICK = ("batches", "clipping", "collapse", "optimisers")
"""By default; the others are slow."""
NAMES = ("adam", "rmsprop", "LSTM", "RNN", "ReLU", "tanh", "sigmoid", "xavier", "small", "zeros",
         "normal", "λ = 0.05", "η = 0.1", "η = 0.001", "η = 3", "leaky ReLU", "identity")
"""What is called the same in every language."""


def finished(name: str) -> dict[str, Training]:
    runs = {}
    for variant in example(name).variants:
        training = replace(example(name), seeds=min(example(name).seeds, 60)).begun(variant)
        runs[variant.label] = training
        try:
            for _ in training.run():
                pass
        except DivergedError:
            assert name in ("clipping", "learning-rates")
    return runs


def told(made: ReportData) -> list[Prose]:
    """The sentences of a page's first section and of its step, and all titles."""
    found = [made.title]
    for section in made.sections:
        found.append(section.title)
        for block in section.blocks:
            match block.kind:
                case "paragraph":
                    found.append(block.prose)
                case "picture":
                    found.append(block.caption)
                case "table":
                    found += [cell for cell in block.header if any(map(str.isalpha, plain(cell)))]
    return found


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
             for name in TRAINED])
def test_an_example_is_as_it_says(name):
    one = example(name)
    if one.data == "digits":
        pytest.importorskip("sklearn")
    runs, findings = finished(name), []
    assert one.findings(runs) == []
    made = example_page(one, runs, findings=findings)
    assert findings == []
    spoken = language("zh", "training")
    english, chinese = told(made), told(made.translated(spoken))
    for label in runs:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in spoken.text(label)) or (
            label in NAMES), label
    assert any(block.kind == "picture" for block in made.sections[0].blocks)
    for said, other in zip(english, chinese, strict=True):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in plain(other)) or said == other == (
            ("Dropout",)), plain(other)


def test_what_an_example_says_can_fail():
    """Turned round, nothing that is seen holds; and a figure that is not reached is said."""
    runs = finished("batches")
    (seen,) = example("batches").seen
    assert not Seen(seen.of, seen.other, seen.one).holds(runs)
    assert not Seen(seen.of, seen.one, seen.other, within=0.01).holds(runs)
    failed = replace(example("batches"), due={"accuracy": 1.1}).findings(runs)
    assert len(failed) == 1
    assert failed[0].startswith("accuracy: 0.9")


def test_the_commands(tmp_path, capsys):
    assert main(["examples"]) == 0
    assert capsys.readouterr().out.count("\n") == len(names())
    assert main(["run", "optimisers", "-o", str(tmp_path), "--format", "markdown"]) == 0
    assert "gradient descent: loss" in capsys.readouterr().out
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "The loss of the last epoch is" in text
    assert main(["run", "optimizers"]) == 2
    assert "did you mean 'optimisers'?" in capsys.readouterr().err
