"""From a system and its loss to named gradient equations, each with the way it came about.

    z = X w, L = Σ (z - y)²   ->   dz = 2 (z - y), dw = Xᵀ dz

The rule (:mod:`adjoint`) says what is true; the :mod:`simplifier` decides what a reader is shown:
which adjoints keep a name (δ), which are put into their only reader, and in what order the
rewrites are applied.  Every form an equation went through is kept (:mod:`steps`), with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..equation import Equation, EquationError, Implicit, Size, System, slot
from ..matrices.leaves import levels_of
from ..matrices.orientation import prefers_rows
from ..substitution import rename_arrays
from ..validation import validate
from .adjoint import recorded, reverse
from .fuse import fuse_forward
from .kinks import find_kinks
from .rewrite import cancelled, tidy
from .simplifier import Simplifier, final_items
from .steps import Chain, Form, Role, Step


def differentiate(
    system: System,
    loss: str,
    wrt: Iterable[str],
    *,
    cotangent: str | None = None, named: Iterable[str] = (),
    per_sample: Size | None = None, stepwise: bool = False, rows: bool | None = None,
) -> Chain:
    """The gradients of `loss` by `wrt`, with every adjoint on the way, simplified step by step.

    `cotangent` names an input that stands for the loss's adjoint, for an output that is no
    scalar.  The adjoints of `named` keep their name however short they are.  `per_sample` is the
    batch size by which adjoints that are not gradients are multiplied, so that they are per
    sample and the 1/m stands in the gradients.  `stepwise`: adjoints of means keep their names.
    `rows`: whether the formulas will have vectors as rows; None where no one knows.
    """
    wanted = tuple(wrt)
    _check_known(system, wanted)
    given = system
    rows = _as_rows(system) if rows is None else rows
    system, _ = recorded(fuse_forward(system, {loss, *wanted}), wanted)
    derived = reverse(system, loss, wanted, cotangent=cotangent)
    forward, backward = (replace(derived.system, items=derived.system.items[part]) for part in (
        slice(len(system.items)), slice(len(system.items), None)))
    of, backward = _without_copy(derived.of, backward, loss, wanted, cotangent)
    gradients = {of[name] for name in wanted}
    levels = levels_of(system)  # log Σ exp: a reader of a softmax is not to see their adjoints
    simplifier = Simplifier(
        forward, backward, rows=rows, stepwise=stepwise,
        keep={*gradients, *derived.solved,
              *(of[name] for name in named if name in of)},
        levels=levels,
        hidden={of[name] for name in levels if name in of},
    )
    steps = simplifier.run()
    if per_sample is not None:
        steps = _per_sample(steps, gradients, per_sample)
    source = {bar: name for name, bar in of.items()}
    whole = forward.extended(final_items(backward.items, steps))
    return Chain(
        validate(whole),
        loss,
        wanted,
        (*_given(forward), *_derived(steps, gradients, source)),
        {step.name: _of(step, source) for step in simplifier.inlined.values()},
        of,
        tuple(sorted(simplifier.assumed)),
        tuple(find_kinks(forward.equations, wanted, system.inputs)),
        given,
    )


def _without_copy(
    of: Mapping[str, str], backward: System, loss: str, wanted: Sequence[str],
    cotangent: str | None,
) -> tuple[Mapping[str, str], System]:
    """Where nothing but the loss behind it reads an output, its adjoint is what is given: a copy
    with a name of its own would be told as a step."""
    bar = of.get(loss, "")
    made = next((one for one in backward.items if isinstance(one, Equation) and one.name == bar),
                None)
    if cotangent is None or loss in wanted or made is None or len(made.terms) != 1 or (
            made.terms[0].body != slot(0) or [one.array for one in made.reads] != [cotangent]):
        return of, backward
    items = tuple(item for item in backward.items if item is not made)
    renamed = replace(backward, items=items).mapped(
        lambda each: rename_arrays(each, {bar: cotangent}))
    return {**of, loss: cotangent}, renamed


def _as_rows(system: System) -> bool:
    """Whether vectors read better as rows, where that matters: A x and x A are the same product
    of a symmetric A."""
    return any(array.kind == "symmetric" for array in system.inputs) and prefers_rows(system)


def _check_known(system: System, wanted: Sequence[str]) -> None:
    known = system.shapes
    for name in wanted:
        if name not in known:
            raise EquationError(f"cannot differentiate by {name!r}: there is no such array; "
                                f"expected some of {sorted(known)}")


def _of(step: Step, source: Mapping[str, str]) -> Step:
    """The step with what it is the adjoint of; what is solved for is of itself."""
    return replace(step, of=source.get(step.name, step.name))


def _derived(
    steps: Iterable[Step], gradients: set[str], source: Mapping[str, str]
) -> Iterator[Step]:
    """The backward steps, with what each is the adjoint of and whether it was asked for."""
    for step in steps:
        role: Role = "gradient" if step.name in gradients else "adjoint"
        yield replace(_of(step, source), role=role)


def _given(forward: System) -> Iterator[Step]:
    """The equations that were given, as steps of one form."""
    starts = {item.equations[0].name for item in forward.items if isinstance(item, Implicit)}
    for equation in forward.equations:
        if equation.name not in starts:
            yield Step(equation.name, "forward", equation.name, (Form(equation, "forward"),))


def _per_sample(steps: Sequence[Step], gradients: set[str], size: Size) -> list[Step]:
    """Every adjoint that is no gradient multiplied by the batch size, its readers divided."""
    scaled = {step.name for step in steps if step.name not in gradients}

    def rescale(equation: Equation) -> Equation:
        factor = size if equation.name in scaled else sp.S.One
        terms = []
        for term in equation.terms:
            by = {
                slot(place): slot(place) / size
                for place, read in enumerate(term.reads)
                if read.array in scaled
            }
            terms.append(replace(term, body=factor * term.body.xreplace(by)))
        return cancelled(tidy(replace(equation, terms=tuple(terms))))

    result = []
    for step in steps:
        after = rescale(step.equation)
        forms = step.forms
        if after != step.equation or step.name in scaled:
            forms = (*forms, Form(after, "per sample", (str(size),)))
        result.append(replace(step, forms=forms))
    return result
