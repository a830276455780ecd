"""Random programs derived, and held against a complex step and against what is printed of them.

    python tests/fuzz/exact_steps.py 10000           seeds from 0, in this process
    python tests/fuzz/exact_steps.py 1000 5000       seeds from 5000
    python tests/fuzz/exact_steps.py 1000 5000 1     and all that is below of every program

For each: the derived gradient, against a complex step, and every printed formula, as text and as
LaTeX, read back and evaluated against the derivation.  Of every tenth: reverse and forward mode,
compiled and printed NumPy code, and products with the Hessian, against the same (``holds`` of the
tests).  What is found where the program itself jumps, such as at a tie of a comparison, is counted
apart.  Hypothesis draws some programs more than once; each is looked at once, and counted once.
"""

import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from differential import ROUNDING, drawn_programs, jumps, told

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "codegen"), str(TESTS / "derive"), str(TESTS / "tables")]
from random_programs import SIZES  # noqa: E402
from test_formulas import as_it_is  # noqa: E402
from test_random_programs import LARGE, agree, holds, slope  # noqa: E402

import gradproof as gp  # noqa: E402
from gradproof.codegen.interpret import evaluate  # noqa: E402
from gradproof.symbolic.equation import Recurrence, System  # noqa: E402
from gradproof.symbolic.functions import ABS, SIGN, STEP  # noqa: E402
from gradproof.symbolic.validation import validate  # noqa: E402

AT_ONCE = 50


def smooth(item):
    """An equation or a loop with sign u as [u > 0] - [-u > 0], and |u| as u times that, which are
    the same: a complex step goes through these."""
    if isinstance(item, Recurrence):
        return replace(item, equations=tuple(map(smooth, item.equations)))
    return replace(item, terms=tuple(replace(term, body=term.body.replace(
        ABS, lambda u: u * (STEP(u) - STEP(-u))).replace(SIGN, lambda u: STEP(u) - STEP(-u)))
        for term in item.terms))


def gradient_holds(program, seed, derivation):
    """The derived gradient at a random point is what a step says; AssertionError if not."""
    values = program.values(seed)
    every = evaluate(derivation.system, values, SIZES)
    if not all(np.all(np.abs(array) < LARGE) for array in every.values()):
        return  # rounding would be all there is to see
    system = validate(System(program.system.inputs, tuple(map(smooth, program.system.items))))
    random = np.random.default_rng([seed, 1])
    for name, made in derivation.gradients.items():
        direction = random.normal(size=values[name].shape)
        agree(np.sum(every[made.array] * direction),
              slope(system, "L", values, {name: direction}), f"by {name}")


def looked_at(program, seed, whole):
    """(what, the first of what was found) of one program, for each of the two."""
    derivation = []

    def derived():
        derivation.append(gp.derive(program.system, program.wrt))
        gradient_holds(program, seed, derivation[0])

    for what, test in (("derived wrongly", derived),
                       ("derived wrongly", lambda: whole and holds(program, seed)),
                       ("printed wrongly", lambda: as_it_is(program, derivation[0]))):
        found = told(lambda test=test: (test(), None)[1])
        if found:
            yield what, found[0][-600:]


def main(count, first=0, whole=10):
    """Looks at `count` programs, at one in `whole` in every spelling; returns how many were
    wrong."""
    counts, start, seen = Counter(), time.time(), set()
    for begin in range(first, first + count, AT_ONCE):
        for place, program in enumerate(drawn_programs(begin, min(AT_ONCE, first + count - begin))):
            if repr(program) in seen:
                continue
            seen.add(repr(program))
            counts["programs"] += 1
            seed = place % 10
            for what, found in looked_at(program, seed, counts["programs"] % whole == 0):
                if jumps(program.system, ["L"], program.values(seed), SIZES,
                         ROUNDING[np.dtype(float)]):
                    what = "at a jump"
                counts[what] += 1
                print(f"{begin}+{place} {what}: {found}\n{program!r}"[:3000], flush=True)
        print(f"# {dict(counts)} {time.time() - start:.0f} s", flush=True)
    return counts["derived wrongly"] + counts["printed wrongly"]


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
