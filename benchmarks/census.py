"""Hand-written derivatives of public packages, each held against its function where it lies.

    python benchmarks/census.py                    # every package, an hour; prints the totals
    python benchmarks/census.py hips statsmodels   # these tables alone
    python benchmarks/census.py --only tanh        # the rows whose name has that text
    python benchmarks/census.py --write docs/census.md   # puts the totals and the table there

The packages go into a folder of their own (`--folder`, by default one in the user's cache), never
into the environment and never into this repository; PyTorch, JAX and SciPy are the environment's
(extra `peers`) where it has them.  What is found is kept in that folder, table by table, so that a
run of some tables leaves the others as they were.  The rows are in `census_rows/` and
`public_rows/`.  Each runs in a process of its own that is ended after `LIMIT` seconds.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import json
import multiprocessing
import os
import re
import sys
import time
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from public import PACKAGES as SHARED
from public import install, older_names

TABLES = {
    "hips": "HIPS autograd", "statistics": "statsmodels", "networks": "small NumPy networks",
    "solvers": "SciPy, scikit-learn, statsmodels",
    "torch_formulas": "PyTorch: derivatives.yaml", "jax_rules": "JAX",
    "torch_decompositions": "PyTorch: torch._decomp",
    "mygrad_ops": "mygrad",
}
"""table: what it reads."""
PACKAGES = (*SHARED, "autograd==1.9.1", "pyyaml==6.0.3", "mygrad==2.5.0")
LIMIT = 300.0
"""Seconds after which a row's process is ended."""
START, END = "<!-- census -->", "<!-- /census -->"


class Found(NamedTuple):
    """One derivative: what was found of it.

    known: why it is not the derivative of the function beside it, where that is known.
    """

    package: str
    what: str
    verdict: str
    scope: str
    seconds: float
    known: str = ""


def rows_of(table: str) -> Iterator[Any]:
    for home in ("census_rows", "public_rows"):
        if (Path(__file__).parent / home / f"{table}.py").exists():
            yield from importlib.import_module(f"{home}.{table}").rows()


# --- the process that checks --------------------------------------------------------------------


def work(line: Connection, table: str, folder: str) -> None:
    """Answers each number of a row with what was found, and None with the names of all rows."""
    sys.path.append(folder)  # behind: NumPy and the frameworks are the environment's
    os.environ["JAX_ENABLE_X64"] = "1"
    warnings.simplefilter("ignore")
    older_names()
    import gradproof as gp

    gp.check(lambda x: x @ x, lambda x: 2 * x, wrt=["x"], x="n")  # first uses are no row's cost
    rows = list(rows_of(table))
    line.send([(row.package, row.what) for row in rows])
    while True:
        line.send(judged(rows[line.recv()]))


def judged(row: Any) -> list[tuple[Any, ...]]:
    """A row's derivatives; a layer has one for each of its arrays."""
    start = time.process_time()
    known = "; ".join(row.known)
    try:
        found = row.check(importlib.import_module(row.module))
    except Exception as error:  # a crash, which is counted as one
        said = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]
        return [(row.package, row.what, "crashed", said[:160], time.process_time() - start, known)]
    seconds = (time.process_time() - start) / max(len(found.checks), 1)
    said = []
    for one in found:
        what = row.what if len(found.checks) == 1 else f"{row.what}, by {one.name}"
        scope = one.scope if one.verdict == "proved" else one.diagnosis or one.reason or next(
            iter(one.notes), "")
        said.append((row.package, what, one.verdict, brief(scope), seconds, known))
    return said


def brief(text: str) -> str:
    """The first line, without the folder that packages lie in."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return re.sub(r"(/[\w.+-]+)+/(?=[\w.-]+/[\w.-]+\.py)", "", first)[:160]


# --- the process that asks ----------------------------------------------------------------------


class Worker:
    """A process that checks the rows of one table."""

    def __init__(self, table: str, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(theirs, table, str(folder)), daemon=True)
        self._process.start()
        theirs.close()
        self.rows: list[tuple[str, str]] = self._line.recv()

    def found(self, place: int) -> list[Found] | None:
        """None where it has not answered in time, or its process has ended."""
        self._line.send(place)
        try:
            if self._line.poll(LIMIT):
                return [Found(*one) for one in self._line.recv()]
        except EOFError:
            pass
        self.end()
        return None

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def census(table: str, folder: Path, only: str) -> list[Found]:
    worker = Worker(table, folder)
    names, found = worker.rows, []
    for place, (package, what) in enumerate(names):
        if only.lower() not in f"{package} {what}".lower():
            continue
        some = worker.found(place)
        if some is None:
            some = [Found(package, what, "crashed", f"no answer within {LIMIT:.0f} s", LIMIT)]
            worker = Worker(table, folder)
        for one in some:
            print(row(one), file=sys.stderr)
        found += some
    worker.end()
    return found


# --- what is told -------------------------------------------------------------------------------


def row(one: Found) -> str:
    cells = (one.package, one.what, one.verdict, one.scope, f"{one.seconds:.1f}")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def totals(found: list[Found]) -> str:
    """How many of the right ones are proved, and what became of those that are known as wrong."""
    right = [one for one in found if not one.known]
    counts = collections.Counter(one.verdict for one in right)
    shown = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (
        "proved", "agrees", "undecided", "refuted", "crashed"))
    wrong = [one for one in found if one.known]
    lines = [f"- {len(found)} derivatives of {len({one.package for one in found})} packages; "
             f"longest {max((one.seconds for one in found), default=0):.1f} s",
             f"- {len(right)} of them right: {shown} "
             f"({100 * counts['proved'] / max(len(right), 1):.0f} % proved)"]
    if wrong:
        told = collections.Counter(one.verdict for one in wrong)
        lines.append(f"- {len(wrong)} known as no derivatives of the functions beside them: "
                     + ", ".join(f"{count} {verdict}" for verdict, count in told.items()))
    return "\n".join(lines)


def page(found: list[Found]) -> str:
    """By package: counts; then every row."""
    packages = dict.fromkeys(one.package for one in found)
    lines = [totals(found), "", "| package | derivatives | proved | agrees | undecided | refuted |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for package in packages:
        mine = [one for one in found if one.package == package]
        counts = collections.Counter(one.verdict for one in mine)
        cells = [package, str(len(mine)), *(str(counts[verdict]) for verdict in (
            "proved", "agrees", "undecided", "refuted"))]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| package | what | verdict | scope, or why not | s |",
              "| --- | --- | --- | --- | ---: |", *map(row, found)]
    return "\n".join(lines)


def written(path: Path, text: str) -> None:
    """Puts the text between the markers of a page."""
    old = path.read_text(encoding="utf-8")
    before, middle, rest = old.partition(START)
    _, end, after = rest.partition(END)
    if not middle or not end:
        raise SystemExit(f"{path}: expected the lines {START} and {END}")
    path.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tables", nargs="*", help=f"some of {', '.join(TABLES)}; by default all")
    parser.add_argument("--folder", type=Path, default=cache / "gradproof-census-packages")
    parser.add_argument("--only", default="", help="the rows whose package or name has this text")
    parser.add_argument("--write", type=Path, help="the page that what is kept is put into")
    given = parser.parse_args()
    if unknown := set(given.tables) - set(TABLES):
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    install(given.folder, PACKAGES)
    kept = given.folder / "found"
    kept.mkdir(exist_ok=True)
    if not given.write or given.tables:
        for table in given.tables or TABLES:
            found = census(table, given.folder, given.only)
            if not given.only:
                (kept / f"{table}.json").write_text(json.dumps(found))
            print(f"{table}:\n{totals(found)}")
    everything = [Found(*one) for table in TABLES if (kept / f"{table}.json").exists()
                  for one in json.loads((kept / f"{table}.json").read_text())]
    if given.write:
        written(given.write, page(everything))
    elif not given.only:
        print(f"all:\n{totals(everything)}")


if __name__ == "__main__":
    main()
