"""The gallery: every layer, activation and loss has a row, and the rows hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import gallery_columns as columns
import numpy as np
import pytest
from gallery_cases import CASES, PEERED, WITHOUT_PEER, Case

from gradproof.symbolic.functions import ACTIVATIONS
from gradproof.symbolic.layers import table
from gradproof.symbolic.layers.losses import LOSSES

DOCUMENT = Path(__file__).parents[2] / "docs" / "gallery.md"
CHEAP = [
    "hard_tanh", "gelu", "dense", "embedding", "conv1d", "max_pool1d, stride, padding",
    "softmax, axis 1 of 3", "concat, first axis", "attention, causal", "rnn, relu",
    "cross_entropy_from_logits, weights per sample", "multiclass_hinge",
    "poisson, L1 and L2 penalties",
]


def named(case: Case) -> str:
    return case.name


def used(case: Case) -> set[str]:
    return {row if isinstance(row, str) else row["type"] for row in case.layers}


def test_every_layer_activation_and_loss_has_a_row():
    every = [*CASES, *WITHOUT_PEER]
    rows = {case.name for case in every}
    assert Counter(case.name for case in every).most_common(1)[0][1] == 1
    assert rows >= set(ACTIVATIONS)
    assert rows >= set(LOSSES)
    assert set().union(*map(used, every)) == set(table.rows("spec"))
    assert {case.loss for case in every} == set(LOSSES)
    for option in ("l1", "l2", "sample_weights"):
        assert {case.loss for case in CASES if option in case.options} == set(PEERED)


def test_the_document_lists_every_row_and_fails_where_a_row_says_so():
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
             if line.startswith("| ") and " derives " not in line and "---" not in line]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert [row[0] for row in cells] == [case.name for case in CASES], (
        "run python benchmarks/gallery.py")
    assert {len(row) for row in cells} == {7}
    failing = {row[0] for row in cells if any(cell.startswith("✗") for cell in row)}
    assert failing == {case.name for case in CASES if case.flaw}


@pytest.mark.parametrize("name", [*CHEAP, *map(named, WITHOUT_PEER)])
def test_a_row_derives_prints_and_agrees_with_differences(name):
    found = columns.derived(name)
    assert columns.symbols(found), "no size is symbolic"
    assert columns.sums(found)[1] == []
    assert {c.verdict for c in columns.differences(found).values()} == {"agrees"}


@pytest.mark.parametrize("case", [case for case in CASES if case.flaw], ids=named)
def test_a_flaw_is_one(case):
    assert columns.sums(columns.derived(case.name))[1]


def test_reshapes_read_places_that_are_always_there():
    """Row-major places need no guard, and equal last axes take no part in them."""
    assert "[0 ≤" not in str(columns.derived("flatten").derivation.gradients["X"])
    assert "Σ" not in str(columns.derived("reshape, an axis into two").derivation.forward["A1"])


def test_the_measure_of_errors_finds_them():
    """The measure itself sees an error, a value that is none, and another shape."""
    one = {"W": np.ones((2, 3))}
    assert columns.largest_error({"W": one["W"] * (1 + 1e-8)}, one) > columns.PRECISION
    assert columns.largest_error({"W": one["W"] * np.nan}, one) == np.inf
    assert columns.largest_error({"W": one["W"].T}, one) == np.inf


@pytest.mark.peers
@pytest.mark.parametrize("case", CASES, ids=named)
def test_first_and_second_derivatives_are_those_of_pytorch(case):
    torch = pytest.importorskip("torch")
    found = columns.derived(case.name)
    assert columns.gradient_error(found, torch, seed=2) <= columns.PRECISION
    assert columns.product_error(found, torch, seed=2) <= columns.PRECISION
