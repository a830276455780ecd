"""Makes the shared tables importable from every test file, and every run the same run.

Where each row of a table is a whole check or a command, the default run takes the first row
and the middle one; the others are marked slow, and run with the slow tests.
"""

import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "tables"), str(HERE / "fuzz")]
settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")

WHOLE_CHECKS = {"checks", "commands", "programs", "redteam"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    tables = defaultdict(list)
    for item in items:
        folder = item.path.relative_to(HERE).parts[0]
        if folder in WHOLE_CHECKS and item.get_closest_marker("slow") is None:
            tables[item.path, getattr(item, "originalname", item.name)].append(item)
    for rows in tables.values():
        for place, item in enumerate(rows):
            if place not in (0, len(rows) // 2):
                item.add_marker(pytest.mark.slow)
