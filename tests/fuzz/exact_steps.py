"""Random programs derived, and held against a complex step and against what is printed of them.

    python tests/fuzz/exact_steps.py 10000           seeds from 0, in this process
    python tests/fuzz/exact_steps.py 1000 5000       seeds from 5000

For each: the gradient in reverse, forward and simplified, compiled and as printed NumPy code, and
products with the Hessian, against a complex step (``holds`` of the tests); and every printed
formula, as text and as LaTeX, read back and evaluated against the derivation.  What is found where
the program itself jumps, such as at a tie of a comparison, is counted apart.  Hypothesis draws
some programs more than once; each is looked at once, and counted once.
"""

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from differential import ROUNDING, drawn_programs, jumps, told

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "codegen"), str(TESTS / "derive"), str(TESTS / "tables")]
from random_programs import SIZES  # noqa: E402
from test_formulas import of_random  # noqa: E402
from test_random_programs import holds  # noqa: E402

AT_ONCE = 50


def main(count, first=0):
    """Looks at `count` programs; returns how many were wrong."""
    counts, start, seen = Counter(), time.time(), set()
    for begin in range(first, first + count, AT_ONCE):
        for place, program in enumerate(drawn_programs(begin, min(AT_ONCE, first + count - begin))):
            if repr(program) in seen:
                continue
            seen.add(repr(program))
            counts["programs"] += 1
            for what, test in (("derived wrongly", holds), ("printed wrongly", of_random)):
                found = told(lambda program=program, place=place, test=test: test(
                    program, place % 10))
                if found and np.size(found):
                    at_jump = jumps(program.system, ["L"], program.values(place % 10), SIZES,
                                    ROUNDING[np.dtype(float)])
                    counts["at a jump" if at_jump else what] += 1
                    print(f"{begin}+{place} {'at a jump' if at_jump else what}: "
                          f"{found[0][-600:]}\n{program!r}"[:3000], flush=True)
        print(f"# {dict(counts)} {time.time() - start:.0f} s", flush=True)
    return counts["derived wrongly"] + counts["printed wrongly"]


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
