"""The gallery of layers, activations and losses, docs/gallery.md: each row derived and measured.

    python benchmarks/gallery.py > docs/gallery.md

needs PyTorch (extra `peers`).  The rows and the columns are the tests' own
(tests/tables/gallery_cases.py, gallery_columns.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "tables"))

import gallery_columns as columns
import numpy as np
import sympy as sp
from gallery_cases import CASES, Case

HEAD = """\
# Gallery

Measured with PyTorch {torch}, NumPy {numpy} and SymPy {sympy} by `python benchmarks/gallery.py`; do
not edit.

Every layer, activation and loss, in a model that is little more than itself, differentiated by its
input X (where that is real) and by all its parameters. Where the row is no loss, the loss is ½ Σ
(Y − output)². {passed} of {all} cells hold; each of the others says why it does not.

- **derives**: seconds from the model to all formulas, with the sizes that are named left symbolic
  (kernels, strides, heads and groups are numbers); all rows in one process, in this order.
- **Σ**: whether formulas, other than the loss itself, are printed with a Σ: *none*; or, where it is
  in arrays of which the published forms have one as well, over what (channels and kernels of a
  convolution, samples of a sequence, heads, steps); or a formula that a textbook has without.
- **gradient**: the largest difference from PyTorch's float64 autograd, of the loss and of every
  gradient relative to its largest entry, on random sizes; it holds up to {precision:.0e}.
- **second**: the same for H v, the Hessian of the loss by all of these arrays times a random vector
  (the gradient of the derivative in that direction, and `hvp` of the first array), against double
  backward.
- **differences**: the largest error bound of the differences that agree with the gradients, a
  refutation if one does not; by complex steps (*i*), exact to rounding, or central differences
  (*c*) where code is not analytic (erf, | · |).

PyTorch's own layers and losses are what is compared with, but for a few that are written out in its
elementary functions: binary cross-entropy (its second derivative adds 1e-12 to denominators),
multi-class hinge (it has none), cross-entropy of probabilities and the published GRU (there is
none), hard sigmoid (its slope of 1/6 is in float32), projections of heads.
"""

TITLES = ("", "sizes", "derives", "Σ", "gradient", "second", "differences")

Column = Callable[[columns.Derived], tuple[bool, str]]


def document(torch: Any) -> str:
    """The whole document, measured now."""
    parts, held, count = [], 0, 0
    for group, rows in groupby(CASES, key=lambda case: case.group):
        lines = [f"| {' | '.join(TITLES)} |", "|" + " --- |" * len(TITLES)]
        for case in rows:
            cells = measured(case, torch)
            held += sum(fine for fine, _ in cells)
            count += len(cells)
            texts = [case.name, _sizes(case), *(text for _, text in cells)]
            lines.append(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |")
            print(lines[-1], file=sys.stderr)
        parts.append(f"## {group[0].upper()}{group[1:]}\n\n" + "\n".join(lines) + "\n")
    head = HEAD.format(torch=torch.__version__.partition("+")[0], numpy=np.__version__,
                       sympy=sp.__version__, passed=held, all=count,
                       precision=columns.PRECISION)
    return "\n".join([head, *parts])


def measured(case: Case, torch: Any) -> list[tuple[bool, str]]:
    """A row's cells: whether each holds, and its text."""
    def first(found: columns.Derived) -> tuple[bool, str]:
        return _near(columns.gradient_error(found, torch))

    def second(found: columns.Derived) -> tuple[bool, str]:
        return _near(columns.product_error(found, torch))

    cells = []
    for column in (_derives, _sums, first, second, _differences):
        try:
            cells.append(column(columns.derived(case.name)))
        except Exception as error:  # a cell that fails says why
            cells.append((False, f"✗ {type(error).__name__}: {str(error).splitlines()[0]:.90}"))
    return cells


def _sizes(case: Case) -> str:
    numbers = [f"{key} {value}".replace("[", "").replace("]", "").replace(", ", "×")
               for row in case.layers if isinstance(row, dict)
               for key, value in row.items() if key in ("kernel", "heads", "groups", "keep")]
    return ", ".join([f"X ({case.input.replace(' ', ', ')})", *dict.fromkeys(numbers)])


def _derives(found: columns.Derived) -> tuple[bool, str]:
    return True, f"{found.seconds:.2f}"


def _sums(found: columns.Derived) -> tuple[bool, str]:
    over, beyond = columns.sums(found)
    if beyond:
        return False, f"✗ {found.case.flaw}: `{beyond[0]}`"
    return True, ", ".join(over) or "none"


def _near(error: float) -> tuple[bool, str]:
    text = f"{error:.0e}" if error else "0"
    return error <= columns.PRECISION, text if error <= columns.PRECISION else f"✗ {text}"


def _differences(found: columns.Derived) -> tuple[bool, str]:
    results = columns.differences(found).values()
    bad = next((r for r in results if r.verdict != "agrees"), None)
    if bad is not None:
        return False, f"✗ {bad.name}: {bad.verdict}, {bad.reason}"
    probes = [probe for result in results for probe in result.measured]
    analytic = all(probe.estimate.method == "complex step" for probe in probes)
    return True, f"{max(r.bound for r in results):.0e} {'i' if analytic else 'c'}"


if __name__ == "__main__":
    import torch as _torch

    print(document(_torch), end="")
