"""Recurrences by their printed text: a loop over steps runs as often as there are steps, so what
stands between its operations counts."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from ..symbolic.equation import EquationError, Recurrence, System, size_symbol
from .evaluators import Environment
from .interpret import result_type
from .printing import Printing

Step = Callable[[Environment, dict[sp.Symbol, int]], None]


def loop_step(group: Recurrence, system: System, row_vectors: bool, otherwise: Step) -> Step:
    """What computes the group's arrays; `otherwise` where there is no text of it, or for complex
    numbers, whose modulus the text may take."""
    made = [equation.name for equation in group.equations]
    read = {read.array for equation in group.equations for read in equation.reads} - {*made, "#"}
    names = sorted(read)
    try:
        printing = Printing(system, row_vectors)
        lines = printing.lines(group)
        helpers = printing.helpers()
    except EquationError:
        return otherwise
    kind = printing.dtype()
    sizes = printing.size_names()
    given = [*names, *made, *sizes]  # names are all of the text that is not written here
    if len(set(given)) < len(given) or not all(
        name.isidentifier() and not keyword.iskeyword(name) for name in given
    ):
        return otherwise
    text = "\n".join([
        "import numpy as np", *helpers,
        f"def loop({', '.join([*names, *sizes, kind])}):",
        *(f"    {line}" for line in lines), f"    return {', '.join(made)},",
    ])
    namespace: dict[str, Any] = {}
    exec(compile(text, f"<recurrence over {group.loop}>", "exec"), namespace)
    loop = namespace["loop"]
    symbols = [size_symbol(name) for name in sizes]

    def run(environment: Environment, known: dict[sp.Symbol, int]) -> None:
        dtype = result_type(environment)
        if np.issubdtype(dtype, np.complexfloating):
            otherwise(environment, known)
            return
        arrays = [environment[name] for name in names]
        found = loop(*arrays, *(known[symbol] for symbol in symbols), dtype)
        environment.update(zip(made, found, strict=True))

    return run
