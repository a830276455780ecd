"""How long gradients take to derive, beside other tools: ``python benchmarks/derivation.py``.

Every cell is the time from nothing to the gradients by all parameters, in a fresh process, after
the tool's import and one small derivation (so that first-use costs are not counted); the median of
several processes, the tools in turn.  A tool that takes longer than a minute is stopped, and is not
asked for anything larger of that kind.  Tools that are not installed are left out, with a line
that says so.  The tasks are in ``derivation_tasks.py``; the tables are Markdown.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from derivation_tasks import STEPS, TOOLS

LIMIT = 60.0
"""Seconds after which a tool is stopped."""
SLOW = 5.0
"""What takes longer than this is measured once."""

SMALLEST: dict[str, tuple[str, tuple[object, ...]]] = {
    "gradproof": ("gradproof_dense", (1, 2)),
    "jax": ("jax_dense", (1, 2)),
    "tensorgrad": ("tensorgrad_dense", (1,)),
    "sympy": ("sympy_scalars", (1, 1)),
}
"""The small derivation that each process starts with."""


@dataclass(frozen=True)
class Cell:
    """A tool's function and its arguments."""

    function: str
    arguments: tuple[object, ...] = ()

    @property
    def tool(self) -> str:
        return self.function.partition("_")[0]


@dataclass
class Table:
    """Rows of cells; an empty one where a tool is not asked.  Ratios are to the first column."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, tuple[Cell | None, ...]]] = field(default_factory=list)


def tables(quick: bool) -> list[Table]:
    depths = (1, 10) if quick else (1, 2, 3, 4, 5, 6, 10, 20, 50, 100)
    deep = Table(
        "Depth: tanh layers of width 50 (JAX: batch 8; tensorgrad: width n; scalar SymPy: width 2, "
        "one sample)",
        ("layers", "gradproof", "JAX", "tensorgrad", "scalar SymPy"),
        [(str(depth), (Cell("gradproof_dense", (depth, 50)), Cell("jax_dense", (depth, 50)),
                       Cell("tensorgrad_dense", (depth,)), Cell("sympy_scalars", (depth, 2))))
         for depth in depths],
    )
    wide = Table(
        "Width: three tanh layers of one width",
        ("width", "gradproof", "JAX", "tensorgrad", "scalar SymPy"),
        [(str(width), (Cell("gradproof_dense", (3, width)), Cell("jax_dense", (3, width)), None,
                       Cell("sympy_scalars", (3, width))))
         for width in ((4,) if quick else (4, 8, 16, 64, 256, 1024))],
    )
    wide.rows.append(("n", (Cell("gradproof_dense", (3, "n")), None,
                            Cell("tensorgrad_dense", (3,)), None)))
    blocks = Table(
        "Transformer blocks: causal, four heads, layer norms first, GELU; symbolic m, T and inner "
        "width (JAX: 8, 16, 64)",
        ("blocks", "gradproof", "JAX"),
        [(str(count), (Cell("gradproof_transformer", (count,)), Cell("jax_transformer", (count,))))
         for count in ((1,) if quick else (1, 2, 4, 8, 12))],
    )
    lstm = Table(
        "LSTM, loss at the last step", ("steps", "gradproof", "JAX", "tensorgrad"),
        [("symbolic T", (Cell("gradproof_lstm"), None, None)),
         (f"a loop over {STEPS}", (None, Cell("jax_lstm", (STEPS, True)), None))],
    )
    for steps in (1,) if quick else (1, 2, 3):
        lstm.rows.append((f"{steps} written out", (
            Cell("gradproof_lstm_unrolled", (steps,)), Cell("jax_lstm", (steps, False)),
            Cell("tensorgrad_lstm_unrolled", (steps,)))))
    return [deep, wide, blocks, lstm]


SYMPY_FORMS = [
    Cell(f"sympy_{door}", (activation,))
    for activation in (False, True) for door in ("matrices", "arrays")
]
"""SymPy's own derivatives of a two-layer network, without and with an activation."""


# --- one measurement ----------------------------------------------------------------------------


def measure(cell: Cell) -> None:
    """In a process of its own: seconds and the length of what came out, as JSON."""
    smallest, arguments = SMALLEST[cell.tool]
    TOOLS[smallest](*arguments)
    signal.alarm(round(LIMIT))  # ends the process, which no tool can catch
    start = time.perf_counter()
    try:
        found = TOOLS[cell.function](*cell.arguments)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}".splitlines()[0][:90]}))
        return
    seconds = time.perf_counter() - start
    signal.alarm(0)
    printed = str(found[0]) if cell in SYMPY_FORMS else ""  # type: ignore[index]
    print(json.dumps({"seconds": seconds, "printed": printed}))


@dataclass
class Outcome:
    seconds: list[float] = field(default_factory=list)
    error: str = ""
    printed: str = ""

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def is_final(self) -> bool:
        return bool(self.error) or any(seconds > SLOW for seconds in self.seconds)

    def __str__(self) -> str:
        if self.median is None:
            return self.error
        return f"{self.median:.1f} s" if self.median >= 1 else f"{1000 * self.median:.0f} ms"


def run_once(cell: Cell, outcome: Outcome) -> None:
    command = [sys.executable, __file__, "--cell", json.dumps([cell.function, *cell.arguments])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == -signal.SIGALRM:
        outcome.error = f"> {LIMIT:.0f} s"
    elif done.returncode:
        outcome.error = done.stderr.strip().splitlines()[-1][:90]
    else:
        found = json.loads(done.stdout.splitlines()[-1])
        outcome.error, outcome.printed = found.get("error", ""), found.get("printed", "")
        outcome.seconds += [found["seconds"]] if "seconds" in found else []



def measured(table: Table, rounds: int, missing: set[str]) -> dict[Cell, Outcome]:
    """Every cell in turn, round by round; none larger than one that failed."""
    outcomes: dict[Cell, Outcome] = {}
    failed: set[str] = set()
    for _ in range(rounds):
        for _, cells in table.rows:
            for cell in cells:
                if cell is None or cell.tool in missing:
                    continue
                known = cell in outcomes
                if not known and cell.function in failed:
                    continue
                outcome = outcomes.setdefault(cell, Outcome())
                if outcome.is_final:
                    continue
                run_once(cell, outcome)
                if outcome.error:
                    failed.add(cell.function)
    return outcomes


# --- printing -----------------------------------------------------------------------------------


def show(table: Table, rounds: int, missing: set[str]) -> None:
    outcomes = measured(table, rounds, missing)
    columns = [
        place for place in range(len(table.header) - 1)
        if any(cells[place] in outcomes for _, cells in table.rows)
    ]
    names = [table.header[place + 1] for place in columns]
    print(f"**{table.title}**\n")
    print(f"| {' | '.join([table.header[0], *names])} |")
    print(f"| --- |{' ---: |' * len(names)}")
    for name, cells in table.rows:
        first = cells[0] and outcomes.get(cells[0])
        shown = []
        for place in columns:
            outcome = outcomes.get(cells[place]) if cells[place] else None
            text = str(outcome) if outcome else "–"
            if place and outcome and outcome.median and first and first.median:
                text += f" ({outcome.median / first.median:.2g}×)"
            shown.append(text)
        print(f"| {' | '.join([name, *shown])} |", flush=True)
    print()


def show_sympy() -> None:
    """What SymPy's matrix and array derivatives return, for the first weights of two layers."""
    print("**SymPy's own derivatives of ½‖W₂ f(W₁ x + b₁) + b₂ - y‖², all four parameters**\n")
    print("| derivative | f | time | ∂/∂W₁ is |\n| --- | --- | ---: | --- |")
    for cell in SYMPY_FORMS:
        outcome = Outcome()
        run_once(cell, outcome)
        door = "`MatrixExpr.diff`" if cell.function == "sympy_matrices" else "`array_derive`"
        printed = outcome.printed or outcome.error
        start = printed if len(printed) < 60 else f"{printed[:60]}…"
        print(f"| {door} | {'tanh' if cell.arguments[0] else 'identity'} | {outcome} | "
              f"`{start}` ({len(printed)} characters) |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest sizes, once")
    parser.add_argument("--rounds", type=int, default=3, help="processes a cell (default: 3)")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        function, *arguments = json.loads(options.cell)
        measure(Cell(function, tuple(arguments)))
        return
    missing = {tool for tool in ("jax", "tensorgrad") if importlib.util.find_spec(tool) is None}
    for tool in sorted(missing):
        print(f"{tool} is not installed (pip install {tool}); left out\n")
    for table in tables(options.quick):
        show(table, 1 if options.quick else options.rounds, missing)
    show_sympy()


if __name__ == "__main__":
    main()
