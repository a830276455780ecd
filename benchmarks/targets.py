"""How fast derived gradients are beside good hand-written NumPy, JAX and PyTorch, in one run.

    python benchmarks/targets.py [--rows xor lstm] [--seconds 4] [--tables times memory first]

One thread.  Three tables: the smallest times as ratios to hand-written NumPy's (the peers take
turns, so that a noisy machine disturbs them alike), among them those of its matrix products alone,
and of these with its elementary functions; the memory of NumPy's arrays, results included, as
ratios to the hand-written one's; and the seconds to the first gradient, each in a process of its
own, imports not counted.  Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])

import numpy as np  # noqa: E402  # after the number of its threads
from target_rows import ROWS, Row, arrays_of  # noqa: E402

Run = Callable[[], Any]

COMPILED: dict[str, dict[str, Any]] = {
    "compile()": {}, "workspace": {"workspace": True}, "C": {"target": "c"},
    "Numba": {"target": "numba"},
}
KEPT = 31 * 2**17
"""Doubles, in an array of 31 MiB: from 32 MiB on, glibc gives each array back to the system."""

PRODUCTS, AT_LEAST = "products", "with exp, tanh, erf"
PEERS = ["JAX jit", "PyTorch"]


class Recorded(np.ndarray[Any, Any]):
    """An array whose products of matrices and elementary functions, and those of what is computed
    from it, are written down."""

    calls: ClassVar[list[tuple[np.ufunc, list[Any]]]] = []

    def __array_ufunc__(
        self, function: np.ufunc, method: str, *given: Any, out: Any = None, **words: Any
    ) -> Any:
        plain = [np.asarray(one) if isinstance(one, Recorded) else one for one in given]
        if function.__name__ in ("matmul", "exp", "log", "logaddexp", "tanh", "erf"):
            held = plain if function is np.matmul else [np.copy(one) for one in plain]
            Recorded.calls.append((function, held))  # a function may be done in place
        if out is not None:
            getattr(function, method)(
                *plain, out=tuple(np.asarray(one) for one in out), **words)
            return out[0]
        made = getattr(function, method)(*plain, **words)
        return made.view(Recorded) if isinstance(made, np.ndarray) else made


def floors(row: Row, values: dict[str, Any]) -> dict[str, Run]:
    """Parts of the hand-written gradient, into arrays that are there: its matrix products, of its
    arrays as they stand in memory; and these with its elementary functions."""
    Recorded.calls.clear()
    row.by_hand(**{name: one.view(Recorded) for name, one in values.items()})
    every = [(function, (*given, np.asarray(function(*given)))) for function, given
             in Recorded.calls]

    def of(calls: list[tuple[np.ufunc, Any]]) -> Run:
        def run() -> None:
            for function, arrays in calls:
                function(*arrays)

        return run

    return {PRODUCTS: of([call for call in every if call[0] is np.matmul]), AT_LEAST: of(every)}


def in_turn(functions: dict[str, Run], seconds: float) -> dict[str, tuple[float, float]]:
    """The smallest and the median time of each, measured in turn for some seconds in all."""
    loops = {}
    for name, function in functions.items():
        function()
        start = time.perf_counter()
        function()
        loops[name] = max(1, int(0.002 / (time.perf_counter() - start)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[name]) < 5:
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(loops[name]):
                function()
            times[name].append((time.perf_counter() - start) / loops[name])
    return {name: (min(found), float(np.median(found))) for name, found in times.items()}


def own(row: Row, derivation: Any, values: dict[str, Any]) -> dict[str, Run]:
    """NumPy's columns and the compiled ones; each gives the loss and the gradients."""
    by_hand = row.by_hand
    runs: dict[str, Run] = {"by hand": lambda: by_hand(**values)}
    for column in ("source", *COMPILED):
        try:
            made = of_column(column, derivation, values)
            made()
        except (ImportError, OSError, RuntimeError) as error:
            print(f"{row.title}, {column}: {error}", file=sys.stderr)
            continue
        runs[column] = made
    return runs


def of_column(column: str, derivation: Any, values: dict[str, Any]) -> Run:
    """One of the derivation's columns."""
    if column != "source":
        compiled = derivation.compile(**COMPILED[column])
        return lambda: compiled(**values)
    space: dict[str, Any] = {}
    exec(derivation.numpy_source(), space)
    return lambda: space["gradient"](**values)


def in_jax(row: Row, derivation: Any, values: dict[str, Any]) -> Run:
    """JAX's jit of its gradient."""
    import jax

    jax.config.update("jax_enable_x64", True)
    wrt = {name: jax.numpy.asarray(values[name]) for name in derivation.gradients}
    rest = {name: jax.numpy.asarray(v) for name, v in values.items() if name not in wrt}
    traced = jax.jit(jax.value_and_grad(lambda wrt, rest: row.loss(jax.numpy, {**wrt, **rest})))
    return lambda: jax.block_until_ready(traced(wrt, rest))


def peers(key: str, row: Row, derivation: Any, values: dict[str, Any]) -> dict[str, Run]:
    """JAX and PyTorch, where they are installed."""
    runs: dict[str, Run] = {}
    with suppress(ImportError):
        runs["JAX jit"] = in_jax(row, derivation, values)
    try:
        import target_torch
    except ImportError:
        return runs
    runs["PyTorch"] = target_torch.run(key, values, derivation.gradients)
    return runs


def agree(runs: dict[str, Run], precision: str) -> None:
    """Raises AssertionError for a column whose numbers are not those of the hand-written one."""
    loss, gradients = runs["by hand"]()
    close = 1e-9 if precision == "float64" else 1e-3
    for name, run in runs.items():
        other, found = run()
        np.testing.assert_allclose(np.asarray(other), loss, rtol=close, err_msg=name)
        for key, expected in gradients.items():
            np.testing.assert_allclose(
                np.asarray(found[key]), expected, atol=close * np.abs(expected).max(),
                err_msg=f"{name}: {key}")


def memory(made: Callable[[], Run]) -> int:
    """The most bytes of NumPy's arrays that a function holds, between calls and in one."""
    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    tracemalloc.start()
    try:
        run = made()
        run()
        kept = tracemalloc.take_snapshot().filter_traces([arrays])
        held = sum(one.size for one in kept.statistics("filename"))
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        found = run()
        peak: int = held + tracemalloc.get_traced_memory()[1] - before
        del found
    finally:
        tracemalloc.stop()
    return peak


def first_of_jax(key: str) -> float:
    """The seconds to the first gradient, from nothing but the imports and a first small one."""
    small = ROWS["xor"].made()
    in_jax(ROWS["xor"], small, arrays_of(ROWS["xor"], small))()
    row = ROWS[key]
    known = row.made()
    values = arrays_of(row, known)
    start = time.perf_counter()
    in_jax(row, known, values)()
    return time.perf_counter() - start


def first_of_ours(key: str, column: str) -> float:
    """The same of a derivation."""
    import gradproof as gp

    small = gp.derive(gp.Network([2, 2], activation="sigmoid", batch=3))
    inputs = {a.name: np.ones([int(n) for n in a.shape]) for a in small.system.inputs}
    small.compile()(**inputs)  # what is imported when it is used
    row = ROWS[key]
    start = time.perf_counter()
    derivation = row.made()
    derived = time.perf_counter() - start
    values = arrays_of(row, derivation)
    start = time.perf_counter()
    of_column(column, derivation, values)()
    return derived + time.perf_counter() - start


def in_a_process(key: str, column: str, times: int = 3) -> float | None:
    """The least of some first times, each in a process of its own; None where it fails."""
    found = []
    for _ in range(times):
        done = subprocess.run([sys.executable, __file__, "--first-of", key, column],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        found.append(float(done.stdout))
    return min(found)


def table(columns: list[str], rows: list[str], cells: Callable[[str], list[str]], head: str
          ) -> None:
    print(f"| | {head} | " + " | ".join(columns) + " |")
    print("| --- | ---: |" + " ---: |" * len(columns))
    for key in rows:
        print(f"| {ROWS[key].title} | {' | '.join(cells(key))} |", flush=True)
    print()


def cells_of_times(seconds: float, columns: list[str]) -> Callable[[str], list[str]]:
    def cells(key: str) -> list[str]:
        row = ROWS[key]
        derivation = row.made()
        values = arrays_of(row, derivation)
        runs = own(row, derivation, values) | peers(key, row, derivation, values)
        agree(runs, row.precision)
        # glibc keeps as much memory as has been given back at once: without this, the pages of
        # large arrays would be new ones at each call of whichever column makes them last
        np.ones(KEPT)
        found = in_turn(runs | floors(row, values), seconds)
        least = found["by hand"][0]
        return [f"{1e6 * least:.0f} µs", *(
            f"{found[c][0] / least:.2f}" if c in found else "" for c in columns)]

    return cells


def cells_of_memory(columns: list[str]) -> Callable[[str], list[str]]:
    def cells(key: str) -> list[str]:
        row = ROWS[key]
        derivation = row.made()
        values = arrays_of(row, derivation)
        least = memory(lambda: lambda: row.by_hand(**values))
        shown = []
        for column in columns:
            try:
                found = memory(lambda column=column: of_column(column, derivation, values))
                shown.append(f"{found / least:.2f}")
            except (ImportError, OSError, RuntimeError):
                shown.append("")
        return [f"{least / 1e6:.2f} MB", *shown]

    return cells


def cells_of_first(key: str) -> list[str]:
    found = {c: in_a_process(key, c) for c in ("JAX jit", "source", *COMPILED)
             if c != "workspace"}
    return ["" if one is None else f"{one:.2f} s" for one in found.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--tables", nargs="*", default=["times", "memory", "first"],
                        choices=["times", "memory", "first"])
    parser.add_argument("--first-of", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first_of:
        key, column = options.first_of
        print(first_of_jax(key) if column == "JAX jit" else first_of_ours(key, column))
        return
    mine = ["source", *COMPILED]
    if "times" in options.tables:
        columns = [PRODUCTS, AT_LEAST, *mine, *PEERS]
        table(columns, options.rows, cells_of_times(options.seconds, columns), "by hand")
    if "memory" in options.tables:
        table(mine, options.rows, cells_of_memory(mine), "by hand")
    if "first" in options.tables:
        columns = ["source", *(c for c in COMPILED if c != "workspace")]
        table(columns, options.rows, cells_of_first, "JAX jit")


if __name__ == "__main__":
    main()
