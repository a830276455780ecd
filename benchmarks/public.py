"""Gradients of public NumPy and SciPy code, checked where they lie.

    python benchmarks/public.py                  # installs the packages below, prints the table
    python benchmarks/public.py --only Logit     # the rows whose name has that text
    python benchmarks/public.py --verbose        # with the whole story of what is not proved

The packages go into a folder of their own (`--folder`, by default one in the user's cache), never
into the environment and never into this repository.  The rows are in `public_rows/`: each says how
a function and its derivative are got out of a package, and what its inputs are.  Seconds are of
processor time.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import gradproof as gp
from gradproof.checks.results import CheckResult

sys.path.insert(0, str(Path(__file__).parent))

from public_rows.row import Row

PACKAGES = (
    "scipy==1.17.1", "statsmodels==0.15.0", "scikit-learn==1.9.1", "pandas==3.1.1", "patsy==1.0.3",
    "joblib==1.6.0", "threadpoolctl==3.8.0", "python-dateutil==4.0.0", "six==1.17.0",
    "cloudpickle==3.1.3", "loky==3.7.0", "narwhals==2.29.0",
    "numpy-ml==0.1.2", "maji-nn==0.1.0", "mpneuralnetwork==1.1.1", "neuralnetlib==5.0.0",
    "nimblenet==0.2.1",
)
"""What is read, and what it cannot be imported without; each is installed alone."""
TABLES = ("statistics", "networks", "solvers", "wrong")
TITLES = ("package", "what", "verdict", "scope", "seconds")


def install(folder: Path, packages: tuple[str, ...] = PACKAGES) -> None:
    """Puts the packages into the folder, unless they are there."""
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == "\n".join(packages):
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade",
                    "--target", str(folder), *packages], check=True)
    done.write_text("\n".join(packages))


def older_names() -> None:
    """A name that Python had until 3.9, without which numpy-ml cannot be imported."""
    collections.Hashable = collections.abc.Hashable  # type: ignore[attr-defined]


def rows(only: str) -> Iterator[Row]:
    for table in TABLES:
        for row in importlib.import_module(f"public_rows.{table}").rows():
            if only.lower() in f"{row.package} {row.what}".lower():
                yield row


def judged(row: Row, edits: Path) -> tuple[CheckResult | Exception, float]:
    start = os.times()
    try:
        found: CheckResult | Exception = row.run(edits)
    except Exception as error:  # a row that cannot be run says why
        found = error
    return found, sum(now - then for now, then in zip(os.times()[:4], start[:4], strict=True))


def cells(row: Row, found: CheckResult | Exception) -> tuple[str, str]:
    """The verdict and the scope; of what is wrong, where and whether that is the line."""
    if isinstance(found, Exception):
        return "failed", f"{type(found).__name__}: {str(found).splitlines()[0]:.90}"
    if found.verdict == "proved":
        return "proved", "; ".join(dict.fromkeys(check.scope for check in found))
    weakest = next(check for check in found if check.verdict == found.verdict)
    if found.verdict == "refuted" and row.wrong:
        return "refuted", row.told(found)
    return found.verdict, (weakest.diagnosis or weakest.reason).splitlines()[0][:110]


def table(only: str, verbose: bool) -> None:
    lines: list[str] = []
    right: list[tuple[str, float]] = []
    wrong: list[tuple[str, bool, float]] = []
    gp.check(lambda x: x @ x, lambda x: 2 * x, wrt=["x"], x="n")  # first uses are no row's cost
    with tempfile.TemporaryDirectory() as edits:
        for row in rows(only):
            found, seconds = judged(row, Path(edits))
            verdict, scope = cells(row, found)
            if row.wrong:
                at = isinstance(found, CheckResult) and row.is_told(found)
                wrong.append((verdict, at, seconds))
            else:
                right.append((verdict, seconds))
            text = [row.package, row.what, verdict, scope, f"{seconds:.2f}"]
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in text)} |")
            print(lines[-1], file=sys.stderr)
            if verbose and verdict != "proved":
                print(found, file=sys.stderr)
    print(totals(right, wrong), f"| {' | '.join(TITLES)} |", "|" + " --- |" * 4 + " ---: |",
          *lines, sep="\n")


def totals(right: list[tuple[str, float]], wrong: list[tuple[str, bool, float]]) -> str:
    said = []
    if right:
        counts = {verdict: sum(found == verdict for found, _ in right)
                  for verdict in ("proved", "agrees", "undecided", "refuted", "failed")}
        share = 100 * counts["proved"] / len(right)
        said.append(f"- {len(right)} right gradients: " + ", ".join(
            f"{count} {verdict}" for verdict, count in counts.items() if count or
            verdict in ("proved", "refuted")) + f" ({share:.0f} % proved)")
    if wrong:
        refuted = sum(verdict == "refuted" for verdict, _, _ in wrong)
        placed = sum(at for _, at, _ in wrong)
        said.append(f"- {len(wrong)} wrong ones: {refuted} refuted, {placed} with the cause or the "
                    "line")
    times = [seconds for _, seconds in right] + [seconds for _, _, seconds in wrong]
    if times:
        said.append(f"- seconds: median {statistics.median(times):.2f}, longest {max(times):.1f}")
    return "\n".join([*said, ""])


def main() -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=cache / "gradproof-public-packages")
    parser.add_argument("--only", default="", help="the rows whose package or name has this text")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    install(given.folder)
    sys.path.append(str(given.folder))  # behind: NumPy is this environment's
    older_names()
    warnings.simplefilter("ignore")  # the packages' own, of NumPy's newer versions
    table(given.only, given.verbose)


if __name__ == "__main__":
    main()
