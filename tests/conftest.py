"""Makes the shared tables importable from every test file, and every run the same run.

Where each row of a table is a whole check or a command, the default run takes the first row, the
slow run the middle one and every third (of those that try to fool the checker, all);
``pytest -m "slow or rows"`` runs every one.  Of other tables of more than `LONG` rows the default
run takes every other row, the slow run the rest; of four times as many each takes every fourth.
"""

import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "tables"), str(HERE / "fuzz")]
settings.register_profile(
    "seeded", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("seeded")

LONG = 10
WHOLE_CHECKS = {"checks", "commands", "programs", "redteam"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    tables = defaultdict(list)
    for item in items:
        folder, marks = item.path.relative_to(HERE).parts[0], {m.name for m in item.iter_markers()}
        if not {"slow", "rows", "peers", "tex", "browser"} & marks:
            tables[folder, item.path, getattr(item, "originalname", item.name)].append(item)
    for (folder, *_), rows in tables.items():
        for place, item in enumerate(rows):
            if folder not in WHOLE_CHECKS:
                apart = 4 if len(rows) > 4*LONG else 2 if len(rows) > LONG else 1
                if place % apart:
                    item.add_marker(
                        pytest.mark.slow if place % apart == apart // 2 else pytest.mark.rows)
            elif place:
                is_slow = folder == "redteam" or place % 3 == 1 or place == len(rows) // 2
                item.add_marker(pytest.mark.slow if is_slow else pytest.mark.rows)
