"""How fast derived gradients are beside good hand-written NumPy, JAX and PyTorch, in one run.

    python benchmarks/targets.py [--rows xor lstm] [--seconds 4]

One thread; the peers take turns, so that a noisy machine disturbs them alike, and what is printed
is the ratio of the smallest times to hand-written NumPy's.  Peers that are not installed are left
out.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])

import numpy as np  # noqa: E402  # after the number of its threads
from target_rows import ROWS, Row, arrays_of  # noqa: E402

Run = Callable[[], Any]


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


def peers(row: Row, derivation: Any, values: dict[str, Any]) -> dict[str, Run]:
    """What is timed, by its column; each gives the loss and the gradients."""
    by_hand = row.by_hand
    runs: dict[str, Run] = {"by hand": lambda: by_hand(**values)}
    by_hand(**values)
    start = time.perf_counter()
    by_hand(**values)
    is_small = time.perf_counter() - start < 5e-4  # C has no BLAS: it is for small networks
    for column, arguments in COMPILED.items():
        if column == "C" and not is_small:
            continue
        try:
            compiled = derivation.compile(**arguments)
        except (ImportError, OSError, TypeError):
            continue
        runs[column] = lambda made=compiled: made(**values)
    space: dict[str, Any] = {}
    exec(derivation.numpy_source(), space)
    runs["source"] = lambda: space["gradient"](**values)
    try:
        import jax
    except ImportError:
        return runs
    jax.config.update("jax_enable_x64", True)
    wrt = {name: jax.numpy.asarray(values[name]) for name in derivation.gradients}
    rest = {name: jax.numpy.asarray(v) for name, v in values.items() if name not in wrt}
    traced = jax.jit(jax.value_and_grad(lambda wrt, rest: row.loss(jax.numpy, {**wrt, **rest})))
    runs["JAX jit"] = lambda: jax.block_until_ready(traced(wrt, rest))
    return runs


COMPILED: dict[str, dict[str, Any]] = {
    "compile()": {}, "workspace": {"workspace": True}, "C": {"target": "c"},
}


def agree(runs: dict[str, Run], precision: str) -> None:
    """Raises AssertionError for a column whose numbers are not those of the hand-written one."""
    loss, gradients = runs["by hand"]()
    close = 1e-9 if precision == "float64" else 1e-3
    for name, run in runs.items():
        other, found = run()
        np.testing.assert_allclose(other, loss, rtol=close, err_msg=name)
        for key, expected in gradients.items():
            np.testing.assert_allclose(
                np.asarray(found[key]), expected, atol=close * np.abs(expected).max(),
                err_msg=f"{name}: {key}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    columns = ["source", *COMPILED, "JAX jit"]
    print("| | by hand | " + " | ".join(columns) + " |")
    print("| --- | ---: |" + " ---: |" * len(columns))
    for key in options.rows:
        row = ROWS[key]
        derivation = row.made()
        values = arrays_of(row, derivation)
        runs = peers(row, derivation, values)
        agree(runs, row.precision)
        found = in_turn(runs, options.seconds)
        least = found["by hand"][0]
        shown = [f"{found[c][0] / least:.2f}" if c in found else "" for c in columns]
        print(f"| {row.title} | {1e6 * least:.0f} µs | " + " | ".join(shown) + " |", flush=True)


if __name__ == "__main__":
    main()
