"""Mutation test: is every wrong hand-written backward pass refuted, and is the slip named?

    python benchmarks/mutation.py [--sample N] [--seed S] [--jobs J] [--only NAME] [--list]

prints a Markdown table.  A mutant is *killed* when the check does not let it pass (refuted; or it
crashes, and the check says so); *equivalent* when it is proved equal for all values; else it
*survives*, and is listed.  A repair counts as *exact* when it undoes the very mutation, and as
*verified* when it is another edit that the whole check accepts.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import linecache
import random
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gradproof

sys.path.insert(0, str(Path(__file__).parent))

from mutants import Mutant, mutants
from passes import PASSES, Pass


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant."""

    name: str
    mutant: Mutant
    verdict: str
    repair: str = ""
    shown: str = ""
    reason: str = ""
    seconds: float = 0.0
    killed_as_crash: bool = False


def text_of(subject: Pass) -> str:
    """The functions of a pass as one file."""
    return "\n\n".join(
        ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))
        for function in subject.functions
    ) + "\n"


def outcome(name: str, mutant: Mutant, repair_seconds: float) -> Outcome:
    """Checks one mutant of a pass."""
    subject = next(made for made in PASSES if made.name == name)
    start = time.perf_counter()
    file = f"<{name}: {mutant.line}: {mutant.was} -> {mutant.now}>"
    text = mutant.text + "\n"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    namespace = {"np": np, "__name__": "mutated"}
    exec(compile(text, file, "exec"), namespace)
    gradient = namespace[subject.functions[-1].__name__]
    try:
        result = gradproof.check(subject.loss, gradient, wrt=subject.wrt, inputs=subject.shapes,
                                 repair_seconds=repair_seconds)
    except Exception as error:  # a crash of the check itself is a finding
        return Outcome(name, mutant, "error", reason=f"{type(error).__name__}: {error}",
                       seconds=time.perf_counter() - start)
    reasons = [made.reason for made in result if made.verdict == result.verdict]
    crashed = "the gradient function fails" in reasons[0]
    repair = ""
    if result.repair is not None:
        lines = text.splitlines()
        first = result.repair.line - 1
        old = result.repair.old.splitlines()
        indent = " " * (len(lines[first]) - len(lines[first].lstrip()))
        new = textwrap.indent(result.repair.new, indent).splitlines()
        mended = "\n".join([*lines[:first], *new, *lines[first + len(old):]])
        try:
            same = ast.dump(ast.parse(mended)) == ast.dump(ast.parse(text_of(subject)))
        except SyntaxError:
            same = False
        repair = "exact" if same else "verified"
    return Outcome(name, mutant, result.verdict, repair, str(result.repair or result.unrepaired),
                   reasons[0], time.perf_counter() - start, crashed)


def run(
    sample: int | None, seed: int = 0, jobs: int = 1, only: Sequence[str] = (),
    repair_seconds: float = 2.0,
) -> list[Outcome]:
    """The outcomes of all mutants, or of `sample` of them drawn at random."""
    work = [(subject.name, mutant) for subject in PASSES
            if not only or subject.name in only for mutant in mutants(text_of(subject))]
    if sample is not None and sample < len(work):
        work = random.Random(seed).sample(work, sample)
    arguments = zip(*[(name, mutant, repair_seconds) for name, mutant in work], strict=True)
    if jobs == 1:
        return list(_counted(map(outcome, *arguments), len(work)))
    with ProcessPoolExecutor(jobs) as pool:
        return list(_counted(pool.map(outcome, *arguments), len(work)))


def _counted(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    """The outcomes, with their number on a terminal's stderr."""
    for number, found in enumerate(outcomes, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {total}", end="", file=sys.stderr)
        yield found


def survivors(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The mutants that are neither killed nor proven equivalent."""
    return [o for o in outcomes if o.verdict in ("agrees", "error")
            or (o.verdict == "undecided" and not o.killed_as_crash)]


def table(outcomes: Sequence[Outcome], by: str) -> str:
    """The counts, by the name of the pass or by the kind of the mutation."""
    rows = ["| | mutants | refuted | crash, named | proved equal | survive | exact repair | "
            "other verified repair | none found |", "|---|" + "---:|" * 8]
    groups: dict[str, list[Outcome]] = {}
    for o in outcomes:
        groups.setdefault(o.name if by == "name" else o.mutant.kind, []).append(o)
    for title, group in [*groups.items(), ("**all**", list(outcomes))]:
        wrong = [o for o in group if o.verdict == "refuted" or o.killed_as_crash]
        repairs = Counter(o.repair for o in wrong)
        rows.append(
            f"| {title} | {len(group)} | {sum(o.verdict == 'refuted' for o in group)} | "
            f"{sum(o.killed_as_crash for o in group)} | "
            f"{sum(o.verdict == 'proved' for o in group)} | {len(survivors(group))} | "
            f"{repairs['exact']} | {repairs['verified']} | {repairs['']} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sample", type=int, help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], help="a pass, by name")
    parser.add_argument("--list", action="store_true", help="list the mutants without a repair")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each search of a repair")
    options = parser.parse_args()
    start = time.perf_counter()
    outcomes = run(options.sample, options.seed, options.jobs, options.only, options.seconds)
    print(table(outcomes, "name"), table(outcomes, "kind"), sep="\n\n")
    left = survivors(outcomes)
    wrong = [o for o in outcomes if o.verdict != "proved"]
    killed = len(wrong) - len(left)
    repaired = [o for o in wrong if o.repair]
    exact = [o for o in wrong if o.repair == "exact"]
    print(f"\nkilled {killed} of {len(wrong)} mutants that are not proved equal "
          f"({100 * killed / max(len(wrong), 1):.1f} %); a repair for {len(repaired)} "
          f"({100 * len(repaired) / max(len(wrong), 1):.1f} %), the very edit undone for "
          f"{len(exact)} ({100 * len(exact) / max(len(wrong), 1):.1f} %); "
          f"{time.perf_counter() - start:.0f} s")
    for o in left:
        print(f"- survives ({o.verdict}): {o.name}, line {o.mutant.line}: `{o.mutant.was}` -> "
              f"`{o.mutant.now}`: {o.reason}")
    if options.list:
        for o in wrong:
            if not o.repair:
                print(f"- no repair: {o.name}, {o.mutant.kind}, line {o.mutant.line}: "
                      f"`{o.mutant.was}` -> `{o.mutant.now}` ({o.seconds:.1f} s) {o.shown}")


if __name__ == "__main__":
    main()
