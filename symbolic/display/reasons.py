"""Why an equation stands there: one sentence for each form it went through."""

from __future__ import annotations

from collections.abc import Sequence

from ..derive.steps import Chain, Form, Step
from ..functions import Opaque
from .definitions import slope_identity
from .writer import Writer


def reason(form: Form, step: Step, chain: Chain, writer: Writer, latex: bool = False) -> str:
    """The sentence for one form of a step; formulas in it stand in `$` when `latex` is set."""

    def name(array: str) -> str:
        shown = writer.name(array, latex=latex)
        return f"${shown}$" if latex else shown

    def whole(array: str) -> str:
        found = chain.inlined.get(array) or chain.step(array)
        written = (writer.latex if latex else writer.text)(found.equation)
        return f"${written}$" if latex else str(written)

    match form.rule:
        case "forward":
            return "given"
        case "chain rule":
            if not form.uses:
                return f"{name(step.of)} does not reach the loss"
            ways = " and ".join(f"through {whole(array)}" for array in form.uses)
            return f"chain rule: {name(step.of)} reaches the loss {ways}"
        case "insert":
            return "insert " + ", ".join(whole(array) for array in form.uses)
        case "named value":
            return ", ".join(name(array) for array in form.uses) + " has this value already"
        case "slope in output":
            return ", ".join(_slopes(form.uses, chain, writer, latex))
        case "row sums":
            return f"the rows of {', '.join(map(name, form.uses))} sum to one (assumed)"
        case "declared":
            return f"{', '.join(map(str, form.assumes))} (assumed)"
        case "cancel":
            return "cancel and collect"
        case "per sample":
            return f"written per sample: multiplied by {form.uses[0]}"
    raise ValueError(f"no sentence for the rule {form.rule!r}")


def _slopes(
    outputs: Sequence[str], chain: Chain, writer: Writer, latex: bool
) -> list[str]:
    """σ′(z) = a (1 - a), once for each function among the outputs."""
    found = []
    for output in outputs:
        applied = chain.system[output].terms[0].body
        if not isinstance(applied, Opaque):
            continue
        identity = slope_identity(type(applied), "a", latex)
        if identity is not None:
            shown = writer.name(output, latex=latex)
            text = f"${identity}$ with $a = {shown}$" if latex else f"{identity} with a = {shown}"
            found.append(text)
    return list(dict.fromkeys(found))
