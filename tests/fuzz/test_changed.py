"""A short run of gradients with one change each."""

from __future__ import annotations

import pytest
from changed import some_changes


@pytest.mark.parametrize(("first", "count"), [
    (21_000_000, 2), pytest.param(21_000_000, 12, marks=pytest.mark.slow)])
def test_no_changed_gradient_is_proved(first, count):
    counts, found = some_changes(first, count)
    assert found == []
    assert counts["wrong"] >= count
