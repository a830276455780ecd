"""The published identities of matrix calculus: derived, proven for all sizes, and measured."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from identities import IDENTITIES, UNDECIDED, Identity
from identity_proofs import measured, proof

DECIDED = [row for row in IDENTITIES if row.id not in UNDECIDED]


def named(row: Identity) -> str:
    return row.id


def test_there_are_as_many_as_are_claimed():
    assert len(DECIDED) >= 60
    assert Counter(row.id for row in IDENTITIES).most_common(1)[0][1] == 1
    assert all(row.source for row in IDENTITIES)


@pytest.mark.parametrize("row", DECIDED, ids=named)
def test_the_derived_form_is_the_published_one_for_all_sizes(row):
    found = proof(row)
    assert found.equal is True, f"{found.reason}: {found.difference}"


@pytest.mark.parametrize("row", DECIDED, ids=named)
def test_the_derived_form_is_the_slope_of_the_expression(row):
    derived, differences = measured(row)
    scale = 1 + np.max(np.abs(differences))
    # Central differences of step h are off by h² f‴/6, here some 1e-10, and by rounding/h, 1e-11.
    assert np.max(np.abs(derived - differences)) <= 1e-7 * scale


@pytest.mark.parametrize("row", DECIDED[::7], ids=named)
def test_another_form_is_not_proven(row):
    wrong = Identity(row.id, row.group, row.expression, row.wrt, row.published + " + 1",
                     row.source, row.order, row.also)
    assert proof(wrong).equal is False


def test_the_document_is_what_the_program_derives():
    root = Path(__file__).parents[2]
    found = runpy.run_path(str(root / "benchmarks" / "identity_table.py"))
    stated = (root / "docs" / "identities.md").read_text(encoding="utf-8")
    assert found["document"]() == stated, "run python benchmarks/identity_table.py"
