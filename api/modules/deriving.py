"""`gp.derive`: from whatever computes a loss, or what a loss is computed of, to its derivation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal

from gradproof.checks.inputs import takes
from gradproof.checks.layer_objects.frameworks import NUMPY
from gradproof.checks.layer_objects.which_arrays import arrays_of, rules_of, through
from gradproof.derivations import deriving
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.sources import rows_asked
from gradproof.modules.derived import ProgramDerivation, by_values, derivation_of, held
from gradproof.modules.network import derive_module, is_module
from gradproof.symbolic.equation import System
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.stated import Stated
from gradproof.symbolic.tracing.run import Trace, trace


def derive(
    source: Network | Model | Stated | System | Trace | Callable[..., Any],
    wrt: Iterable[str] | None = None, *, vectors: Literal["columns", "rows"] | None = None,
    loss: Any = None, names: Mapping[str, str] | None = None, **shapes: Any,
) -> Derivation:
    """The gradients of a network's or model's loss, of the last equation of a system or trace, or
    of what a PyTorch module, or a function of PyTorch, JAX or NumPy, returns.

    shapes: of a module or a function, its inputs by name, as for :func:`check`.  Letters are sizes
    of any value; of a module's inputs those that its parameters have as numbers become these, and a
    parameter may be given by its name with letters of its own: ``W1="h n"``.

    loss: of a module, a function or a module of its outputs that returns one number; further inputs
    of it are given by name.  Where a module or a function returns an array and there is no loss,
    the gradients are those of a loss behind it, whose gradient by the array is a further input.

    names: what a module's parameters are called: ``{"layers.0.weight": "V"}``.

    wrt: names to differentiate by; by default all parameters of a network, a model or a module
    with a loss, and all real inputs (and parameters) of others.

    vectors: what an array with one axis is in formulas.  "columns", the default of equations and
    traces: A x, and X W + 1 bᵀ, nothing is repeated without a word.  "rows", the default of modules
    and functions, for batches with a sample in each row, as networks and models have them: x W, and
    X W + b, where a row beside a matrix stands for one with equal rows; what is computed for each
    sample is a column.

    Raises EquationError for an unknown name or a last equation that is no scalar, TraceError with
    the line for a program that has no equations, ValueError for inputs that do not fit and for
    `vectors` of something that has a convention of its own, TypeError for what holds no equations.
    """
    if isinstance(source, Network | Model | Stated | System | Trace) or not callable(source):
        for given, what in ((loss, "loss"), (names, "names")):
            if given is not None:
                raise TypeError(f"derive: {what}= is for PyTorch's modules")
        if shapes:
            raise TypeError(f"derive: {next(iter(shapes))}= is a shape, for modules and functions; "
                            "what was given has its own")
        return deriving.derive(source, wrt, vectors=vectors)
    rows = rows_asked(vectors or "rows", source)
    if is_module(source):
        return derive_module(source, shapes, loss=loss, wrt=wrt, names=names, rows=rows)
    if loss is not None or names is not None:
        raise TypeError("derive: loss= and names= are for PyTorch's modules; let the function "
                        "return the loss")
    return _derive_function(source, shapes, wrt, rows)


def _derive_function(
    function: Callable[..., Any], shapes: Mapping[str, Any], wrt: Iterable[str] | None, rows: bool,
) -> ProgramDerivation:
    arrays, title = arrays_of(function), getattr(function, "__name__", "function")
    takes(title, function, shapes)
    run = function if arrays is NUMPY else partial(through, arrays, function)
    traced = trace(run, shapes)
    held(traced, title)
    made = derivation_of(traced, (), wrt, rows, title="function" if "<" in title else title)
    made.taken += tuple(by_values(rules_of(function)))
    return made
