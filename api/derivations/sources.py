"""The ways in: a spec file, equations as text, a NumPy function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.derivations.examples import EXAMPLES
from gradproof.symbolic.dependence import until
from gradproof.symbolic.derive.adjoint import jacobian, reverse
from gradproof.symbolic.equation import Array, EquationError, System, fresh_name
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.reader import load_any, load_spec
from gradproof.symbolic.specs.stated import Stated
from gradproof.symbolic.substitution import rename_arrays
from gradproof.symbolic.text.statements import parse_equations
from gradproof.symbolic.tracing.run import Trace
from gradproof.symbolic.tracing.run import trace as trace_function

WAYS_IN = ("text becomes equations by gradproof.equations(text, x=\"n\", ...), a spec by "
           "gradproof.load(path), a NumPy function by gradproof.trace(function, x=\"n\", ...)")


def load(path: str | Path) -> Network | Model:
    """The network or model of a TOML spec, or the example of that name ("2-2-1", "lenet").

    Raises SpecError, which names the file and the key.
    """
    return load_spec(_file(path))


def load_source(path: str | Path) -> Network | Model | Stated:
    """The same, or the equations of a spec ("gaussian-process")."""
    return load_any(_file(path))


def _file(path: str | Path) -> str | Path:
    """The file of a spec, or of the example of that name."""
    name = str(path)
    example = EXAMPLES / f"{name}.toml"
    return example if not Path(path).exists() and "/" not in name and example.is_file() else path


def equations(text: str, /, **shapes: str | Array) -> System:
    """Equations as text, for inputs of the given shapes.

    >>> equations("L = sum((A @ x - b)**2)", A="m n", x="n", b="m").names >= {"A", "L"}
    True

    Raises FormulaError with line and column.
    """
    return stated_equations(text, shapes)


def stated_equations(text: str, shapes: Mapping[str, str | Array]) -> System:
    """Equations as text, in which derivatives may stand."""
    return parse_equations(text, shapes, differentiating)


def differentiating(system: System, output: str, by: str) -> tuple[System, str]:
    """The derivative of an array by another, beside the equations that there are."""
    made = (jacobian if system.shapes[output] else reverse)(system, output, [by])
    known = {name for each in system.equations for name in (each.name, *each.argmax)}
    known |= {array.name for array in system.inputs}
    taken, names = set(made.system.names), {}
    for equation in made.system.equations:
        for name in (equation.name, *equation.argmax):
            if name not in known:  # as what else a text does not name
                names[name] = fresh_name("t1", taken)
                taken.add(names[name])
    return made.system.mapped(lambda each: rename_arrays(each, names)), names[made.of[by]]


def trace(function: Callable[..., Any], /, **shapes: Any) -> Trace:
    """A NumPy function as equations, for symbolic sizes; see :func:`check` for the shapes.

    Raises TraceError with the user's line for what has no equations.
    """
    return trace_function(function, shapes)


def traced_loss(traced: Trace) -> System:
    """The traced equations down to the one array that the function returned, which is called L
    where the function has no name for it.

    Raises EquationError where it returned several, or an input.
    """
    if not isinstance(traced.result, str):
        raise EquationError("derive: expected the trace of a function that returns one number, "
                            f"the loss; this one returns {traced.result!r}")
    system = traced.system
    names = [equation.name for equation in system.equations]
    if traced.result not in names:
        raise EquationError(f"derive: the traced function returns {traced.result!r}, one of its "
                            "inputs, unchanged; there is nothing to differentiate")
    down_to, by = until(system, traced.result), {traced.result: "L"}
    if re.fullmatch(r"t\d+", traced.result) and "L" not in down_to.names:
        return down_to.mapped(lambda each: rename_arrays(each, by))
    return down_to


def values_of(network: Network | Model | Stated) -> dict[str, Any]:
    """The values of a spec as arrays of floats; of integers where an input is declared to be so, as
    labels are, which programs index by."""
    labels = {array.name for array in network.system().inputs if array.is_integer}
    found = {name: np.asarray(value, dtype=float) for name, value in network.values.items()}
    return {name: value.astype(int) if name in labels and np.array_equal(value, np.rint(value))
            else value for name, value in found.items()}


def rows_asked(vectors: str | None, source: object) -> bool:
    """Whether formulas of a source were asked for with vectors as rows.

    Raises ValueError for another word, and for a source that has a convention of its own.
    """
    if vectors not in (None, "columns", "rows"):
        raise ValueError(f'vectors: expected "columns" or "rows", got {vectors!r}')
    if vectors is not None and isinstance(source, Network | Model):
        raise ValueError('vectors: a network says it itself, Network(..., convention="columns"); '
                         "in a model's batch they are rows")
    return vectors == "rows"
