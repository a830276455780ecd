"""How long gradients take to derive, beside other tools: ``python benchmarks/derivation.py``.

Every cell is the processor time from nothing to the gradients by all parameters, in a process that
has only imported the tool and made one small derivation (so that first-use costs are not counted,
and nothing is remembered); the median of several, the tools in turn.  A tool that takes longer than
a minute is stopped, and is not asked for anything larger of that kind.  Tools that are not
installed are left out, with a line that says so.  The tasks are in ``derivation_tasks.py``; the
tables are Markdown.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from derivation_tasks import STEPS, TOOLS

LIMIT = 60.0
"""Seconds of processor time after which a tool is stopped."""
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
    depths = (1, 10) if quick else (1, 2, 3, 4, 5, 10, 20, 50, 100)
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
    return [blocks, wide, lstm, deep]


SYMPY_FORMS = [
    Cell(f"sympy_{door}", (activation,))
    for activation in (False, True) for door in ("matrices", "arrays")
]
"""SymPy's own derivatives of a two-layer network, without and with an activation."""


# --- one measurement ----------------------------------------------------------------------------


def serve(tool: str) -> None:
    """Measures the cells on standard input, each in a process forked from one that is warm."""
    smallest, arguments = SMALLEST[tool]
    TOOLS[smallest](*arguments)
    for line in sys.stdin:
        function, limit, *arguments = json.loads(line)
        child = os.fork()
        if not child:
            signal.setitimer(signal.ITIMER_PROF, limit)  # ends the process: no tool can catch it
            print(json.dumps(measured_once(Cell(function, tuple(arguments)))), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"error": f"> {limit:.0f} s"}), flush=True)


def measured_once(cell: Cell) -> dict[str, object]:
    """Seconds, and where SymPy's own forms are asked for, what came out."""
    start = time.process_time()
    try:
        found = TOOLS[cell.function](*cell.arguments)
    except Exception as error:
        return {"error": type(error).__name__}
    seconds = time.process_time() - start
    printed = str(found[0]) if cell in SYMPY_FORMS else ""  # type: ignore[index]
    return {"seconds": seconds, "printed": printed}


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


class Servers:
    """A process for each tool, started when it is first asked."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.running: dict[str, subprocess.Popen[str]] = {}

    def run(self, cell: Cell, outcome: Outcome) -> None:
        if cell.tool not in self.running:
            self.running[cell.tool] = subprocess.Popen(
                [sys.executable, __file__, "--serve", cell.tool], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )
        server = self.running[cell.tool]
        assert server.stdin is not None
        assert server.stdout is not None
        print(json.dumps([cell.function, self.limit, *cell.arguments]), file=server.stdin,
              flush=True)
        found = json.loads(server.stdout.readline())
        outcome.error, outcome.printed = found.get("error", ""), found.get("printed", "")
        outcome.seconds += [found["seconds"]] if "seconds" in found else []


def measured(
    servers: Servers, table: Table, rounds: int, missing: set[str]
) -> dict[Cell, Outcome]:
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
                servers.run(cell, outcome)
                if outcome.error:
                    failed.add(cell.function)
    return outcomes


# --- printing -----------------------------------------------------------------------------------


def show(servers: Servers, table: Table, rounds: int, missing: set[str]) -> None:
    outcomes = measured(servers, table, rounds, missing)
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


def show_sympy(servers: Servers) -> None:
    """What SymPy's matrix and array derivatives return, for the first weights of two layers."""
    print("**SymPy's own derivatives of ½‖W₂ f(W₁ x + b₁) + b₂ - y‖², all four parameters**\n")
    print("| derivative | f | time | ∂/∂W₁ is |\n| --- | --- | ---: | --- |")
    for cell in SYMPY_FORMS:
        outcome = Outcome()
        servers.run(cell, outcome)
        door = "`MatrixExpr.diff`" if cell.function == "sympy_matrices" else "`array_derive`"
        printed = outcome.printed or outcome.error
        start = printed if len(printed) < 60 else f"{printed[:60]}…"
        print(f"| {door} | {'tanh' if cell.arguments[0] else 'identity'} | {outcome} | "
              f"`{start}` ({len(printed)} characters) |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest sizes, once")
    parser.add_argument("--rounds", type=int, default=3, help="measurements a cell (default: 3)")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS",
                        help="of processor time a cell (default: %(default)g)")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    servers = Servers(options.limit)
    missing = {tool for tool in ("jax", "tensorgrad") if importlib.util.find_spec(tool) is None}
    for tool in sorted(missing):
        print(f"{tool} is not installed (pip install {tool}); left out\n")
    for table in tables(options.quick):
        show(servers, table, 1 if options.quick else options.rounds, missing)
    show_sympy(servers)


if __name__ == "__main__":
    main()
