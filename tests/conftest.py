"""Makes the shared tables importable from every test file, and every run the same run.

Of the rows of a long table the default run takes some, the slow run as many others, and the rest
has the mark `rows`; ``pytest -m "slow or rows"`` runs all that the default run leaves out.  Where
each row is a whole check or a command, the default run takes the first row of every other table
(a test without a table is a table of one row), and the slow run takes the first rows of the others,
the middle ones and every fourth (of those that try to fool the checker, every other one).  Of the
house itself the default run takes all.
``--every 3`` takes every third of the tests that are chosen: for a machine that is slow.
"""

import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "tables"), str(HERE / "fuzz")]
settings.register_profile(
    "seeded", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("seeded")

APART = {60: 8, 30: 6, 8: 3, 3: 2}
"""rows: in tables of more than so many the default run takes each row that is so far from the
last."""
WHOLE_CHECKS = {"checks", "commands", "programs", "redteam"}


def pytest_addoption(parser):
    parser.addoption("--every", type=int, default=1, metavar="N",
                     help="of the tests that are chosen, every N-th")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config, items):
    tables = defaultdict(list)
    for item in items:
        folder, marks = item.path.relative_to(HERE).parts[0], {m.name for m in item.iter_markers()}
        if not {"slow", "rows", "peers", "tex", "browser"} & marks:
            tables[folder, item.path, getattr(item, "originalname", item.name)].append(item)
    before = Counter()
    for (folder, path, _), rows in tables.items():
        for place, item in enumerate(rows):
            mark = mark_of(folder, place, len(rows), before[path])
            if mark:
                item.add_marker(mark)
        before[path] += 1
    result = yield
    every = config.option.every
    left_out = [item for place, item in enumerate(items) if place % every]
    items[:] = items[::every]
    config.hook.pytest_deselected(items=left_out)
    return result


def mark_of(folder, place, count, before):
    """Which run a row of a table belongs to, by its place and the tables before it in its file; ""
    for the default run."""
    if folder in WHOLE_CHECKS:
        often = place % (2 if folder == "redteam" else 4) == 1 or place == count // 2
        return "" if not place and not before % 2 else "slow" if often or not place else "rows"
    if folder == "house":
        return ""
    apart = next((step for most, step in APART.items() if count > most), 1)
    return "" if not place % apart else "slow" if place % apart == apart // 2 else "rows"
