"""Processor time to derive and to compile, by depth: `python benchmarks/depth.py [most layers]`.

Dense layers, pointwise chains, residual chains with a shared gain and unrolled recurrences.  The
last column is the time per layer against that of the depth before: 1 where the cost is linear, 2
where it is quadratic and the depth is twice as large.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

import gradproof as gp

DEPTHS = (10, 50, 100, 200, 400, 1000)


def chain(step: str, **shapes: str) -> Callable[[int], gp.System]:
    """`step` as often as there are layers, and a sum of squares."""

    def made(depth: int) -> gp.System:
        lines = [step.format(before=layer, after=layer + 1) for layer in range(depth)]
        text = "\n".join(["a0 = x", *lines, f"L = sum(a{depth}**2)"])
        return gp.equations(text, **shapes)

    return made


FORMS: dict[str, Callable[[int], gp.Network | gp.System]] = {
    "dense layers": lambda depth: gp.Network([2] * (depth + 1)),
    "a = tanh(a)": chain("a{after} = tanh(a{before})", x="n"),
    "a = tanh(w*a)": chain("a{after} = tanh(w*a{before})", x="n", w="n"),
    "a = a + g*tanh(a)": chain("a{after} = a{before} + g*tanh(a{before})", x="n", g="n"),
    "a = tanh(a @ W + x)": chain("a{after} = tanh(a{before} @ W + x)", x="m n", W="n n"),
}


def measured(make: Callable[[int], gp.Network | gp.System], depth: int) -> tuple[float, float]:
    """Seconds to read and derive, and to compile and run once."""
    start = time.process_time()
    derivation = gp.derive(make(depth))
    derived = time.process_time()
    values = {array.name: np.full([2] * len(array.shape), 0.1)
              for array in derivation.system.inputs}
    derivation.compile()(**values)
    return derived - start, time.process_time() - derived


def main(most: int) -> None:
    measured(FORMS["dense layers"], 2)  # what is imported and cached once is not counted
    print("| form | layers | derive, s | compile, s | per layer, against the row above |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for form, make in FORMS.items():
        before = 0.0
        for depth in (depth for depth in DEPTHS if depth <= most):
            derived, compiled = measured(make, depth)
            each = (derived + compiled) / depth
            ratio = f"{each / before:.1f}" if before else ""
            before = each
            print(f"| {form} | {depth} | {derived:.2f} | {compiled:.2f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DEPTHS[-1])
