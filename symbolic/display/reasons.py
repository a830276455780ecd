"""Why an equation stands there: one sentence for each rule, said in a line or told in a report.

    insert   line: insert ∂L/∂A¹ = ...     report: Inserting ∂L/∂A¹ (3):

A sentence is a tuple of runs, so that whoever says it decides how an array, an equation or an
identity is written.  What a kink is and which slope is taken there is said here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..derive.kinks import Kink
from ..derive.steps import Chain, Form, Rule, Step
from ..functions import Opaque
from .definitions import slope_identity
from .writer import Writer


@dataclass(frozen=True)
class ArrayName:
    """An array, by its name."""

    array: str


@dataclass(frozen=True)
class LossName:
    """The loss that is differentiated; of an output, which is none, that behind it."""

    array: str


@dataclass(frozen=True)
class Stated:
    """An array's equation: written out in a line, by its number in a report."""

    array: str


@dataclass(frozen=True)
class Opened:
    """The equation of an array with what its written form hides: that softmax(Z) is
    exp(Z - Λ 1ᵀ), where Λ is spoken of.  Nothing where it hides no such array."""

    array: str
    hidden: str


@dataclass(frozen=True)
class Output:
    """a = the array that the `a` of an identity is."""

    array: str


@dataclass(frozen=True)
class Identity:
    """σ'(z) = a (1 - a)."""

    function: type[Opaque]


@dataclass(frozen=True)
class Symbols:
    """Mathematics without arrays, in LaTeX."""

    latex: str


Symbolic: TypeAlias = ArrayName | LossName | Output | Identity | Symbols
Run: TypeAlias = str | Stated | Opened | Symbolic
Sentence: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True)
class Wording:
    """A reason behind an equation in a line, and the sentence before it in a report."""

    line: Sentence
    report: Sentence


def wording(form: Form, step: Step, chain: Chain) -> Wording:
    """What one form of a step follows from."""
    return _WORDINGS[form.rule](form, step, chain)


def reason(form: Form, step: Step, chain: Chain, writer: Writer, latex: bool = False) -> str:
    """The sentence for one form of a step; formulas in it stand in `$` when `latex` is set."""
    sign = "$" if latex else ""
    return "".join(run if isinstance(run, str) else f"{sign}{run.latex}{sign}"
                   for run in reason_runs(form, step, chain, writer, latex))


def reason_runs(
    form: Form, step: Step, chain: Chain, writer: Writer, latex: bool = False
) -> Iterator[str | Symbols]:
    """The same in words and formulas, these in LaTeX or in Unicode."""
    for run in wording(form, step, chain).line:
        if isinstance(run, str):
            yield run
            continue
        if isinstance(run, Stated):
            found = (chain.inlined.get(run.array) or chain.step(run.array)).equation
            shown = str((writer.latex if latex else writer.text)(found))
        elif isinstance(run, Opened):
            shown = opened(run, chain, writer, latex)
            if not shown:
                continue
            yield ", which is "
        else:
            shown = formula(run, writer, latex)
        yield Symbols(shown)


def writer_of(form: Form, step: Step, chain: Chain, writer: Writer) -> Writer:
    """Who writes a form.  Where adjoints are kept per sample, the forms before are of derivatives,
    m times smaller: ∂L/∂Z, and not the δ or dZ that is kept."""
    if all(form.rule != "per sample" for one in chain.steps for form in one.forms):
        return writer
    if step.role == "forward" or (form is step.forms[-1] and step.name not in chain.inlined):
        return writer
    return replace(writer, notation=replace(writer.notation, bars="partial"))


def opened(run: Opened, chain: Chain, writer: Writer, latex: bool) -> str:
    """The equation that a run opens; empty where what is written has nothing to open."""
    found = (chain.inlined.get(run.array) or chain.step(run.array)).equation
    if run.hidden in writer.reads(found) or run.hidden not in {r.array for r in found.reads}:
        return ""
    bare = replace(writer, setting=replace(writer.setting, levels={}))
    return str((bare.latex if latex else bare.text)(found))


def formula(run: Symbolic, writer: Writer, latex: bool) -> str:
    """What a run that is no word, and no equation, is written as."""
    match run:
        case ArrayName(array):
            return writer.name(array, latex=latex)
        case LossName(array):
            return writer.notation.loss if writer.shapes.get(array) else \
                writer.name(array, latex=latex)
        case Output(array):
            return f"a = {writer.name(array, latex=latex)}"
        case Identity(function):
            return slope_identity(function, "a", latex) or ""
        case Symbols(shown):
            return shown


def functions_of(chain: Chain, name: str) -> list[type[Opaque]]:
    """The named functions in the equation of `name`, without derivatives."""
    found: dict[type[Opaque], None] = {}
    for term in chain.system[name].terms:
        for applied in sorted(term.body.atoms(Opaque), key=str):
            found[type(applied).base] = None
    return list(found)


# --- a sentence for each rule -------------------------------------------------------------------


def _joined(parts: Iterable[Sequence[Run]], between: str = ", ", last: str | None = None
            ) -> Iterator[Run]:
    """Parts with commas between them, the last behind a word of its own if one is given."""
    parts = list(parts)
    for place, part in enumerate(parts):
        if place:
            yield between if last is None or place < len(parts) - 1 else last
        yield from part


def _listed(parts: Iterable[Sequence[Run]]) -> Iterator[Run]:
    """a, b and c."""
    return _joined(parts, last=" and ")


def _numbered(arrays: Iterable[str], hidden: str = "") -> Iterator[Run]:
    return _listed((ArrayName(array), ", equation ", Stated(array), Opened(array, hidden))
                   for array in arrays)


def _given(form: Form, step: Step, chain: Chain) -> Wording:
    return Wording(("given",), ("Given:",))


def _chain_rule(form: Form, step: Step, chain: Chain) -> Wording:
    of, via = ArrayName(step.of), form.uses
    if not via:
        return Wording((of, " does not reach the loss"), ("By definition:",))
    ways = _joined((("through ", Stated(array), Opened(array, step.of)) for array in via),
                   " and ")
    line = ("chain rule: ", of, " reaches the loss ", *ways)
    if via == (chain.loss,) and not chain.system.shapes[chain.loss]:
        return Wording(line, ("Differentiating the loss, equation ", Stated(chain.loss),
                              Opened(chain.loss, step.of), ", by ", of, ":"))
    both = "" if len(via) == 1 else ", so the contributions are added"
    return Wording(line, ("Chain rule: ", LossName(chain.loss), " depends on ", of, " through ",
                          *_numbered(via, step.of), both, ":"))


def _solved(form: Form, step: Step, chain: Chain) -> Wording:
    of = tuple(_listed((ArrayName(array),) for array in form.uses))
    return Wording(
        ("implicit function theorem, for the equation of ", *of),
        ("By the implicit function theorem, for what ", *of, " is solved for, where its slope has "
         "an inverse:"))


def _insert(form: Form, step: Step, chain: Chain) -> Wording:
    return Wording(
        ("insert ", *_joined((Stated(array),) for array in form.uses)),
        ("Inserting ",
         *_listed((ArrayName(array), " ", Stated(array)) for array in form.uses), ":"),
    )


def _named_value(form: Form, step: Step, chain: Chain) -> Wording:
    return Wording(
        (*_joined((ArrayName(array),) for array in form.uses), " has this value already"),
        ("That value has a name already, ", *_numbered(form.uses), ":"),
    )


def _slope_in_output(form: Form, step: Step, chain: Chain) -> Wording:
    line: list[Sequence[Run]] = []
    report: list[Run] = []
    for array in form.uses:
        for function in functions_of(chain, array):
            if slope_identity(function, "a", latex=True) is not None:
                line.append((Identity(function), " with ", Output(array)))
                report += [": with ", Symbols(rf"a = {function.latex_name}(z)"), ", ",
                           Identity(function)]
    return Wording(tuple(_joined(line)), ("The slope, stated in the output", *report, ":"))


def _row_sums(form: Form, step: Step, chain: Chain) -> Wording:
    names = [(ArrayName(array),) for array in form.uses]
    if not form.assumes:
        return Wording(("the rows of ", *_joined(names), " sum to one, as a softmax's do"),
                       ("The entries of the softmax ", *_listed(names), " sum to one:"))
    return Wording(
        ("the rows of ", *_joined(names), " sum to one (assumed)"),
        ("Assuming that the entries of ", *_listed(names), " sum to one for each sample:"),
    )


def _centred(form: Form, step: Step, chain: Chain) -> Wording:
    return Wording(
        ("a sum is 0 by what ", *_listed((ArrayName(array),) for array in form.uses), " is"),
        ("A sum cancels with ", *_numbered(form.uses), ":"),
    )


def _declared(form: Form, step: Step, chain: Chain) -> Wording:
    sentences = [(str(assumed),) for assumed in form.assumes]
    if not sentences:
        return Wording(("what is symmetric by its equation is its transpose",),
                       ("A matrix that is symmetric by its equation is its transpose:",))
    return Wording((*_joined(sentences), " (assumed)"),
                   ("Assuming that ", *_listed(sentences), ":"))


def _cancel(form: Form, step: Step, chain: Chain) -> Wording:
    return Wording(("cancel and collect",),
                   ("Adding like terms and cancelling common factors:",))


def _share(form: Form, step: Step, chain: Chain) -> Wording:
    return Wording(("of each sample's share of the loss: without the sum over the samples",),
                   ("Of each sample's share of the loss, without the sum over the samples:",))


def _per_sample(form: Form, step: Step, chain: Chain) -> Wording:
    (size,) = form.uses
    line = (f"written per sample: multiplied by {size}",)
    if step.role == "gradient":
        return Wording(line, ("The adjoints are kept per sample, so the factor stands here:",))
    return Wording(line, ("Kept per sample: multiplied by the batch size ", Symbols(size),
                          ", which the gradients are divided by instead:"))


_WORDINGS: dict[Rule, Callable[[Form, Step, Chain], Wording]] = {
    "forward": _given,
    "chain rule": _chain_rule,
    "solved": _solved,
    "insert": _insert,
    "named value": _named_value,
    "slope in output": _slope_in_output,
    "row sums": _row_sums,
    "declared": _declared,
    "cancel": _cancel,
    "per sample": _per_sample,
    "centred": _centred,
    "share": _share,
}


# --- kinks --------------------------------------------------------------------------------------


def kink_wording(kink: Kink) -> Wording:
    """Where an equation has no derivative, and which slope is taken there."""
    number = ("Equation ", Stated(kink.equation), " has a kink where ")
    if kink.is_tie:
        return Wording(
            (f"max in {kink.equation} at a tie: {kink.slope}",),
            (*number, "a maximum over entries of ", ArrayName(kink.array), " is attained twice: "
             f"it has no derivative there. What takes part is {kink.slope}."),
        )
    if kink.slope == "undefined":
        return Wording((f"{kink.function} in {kink.equation} where {kink.place}: no slope",), (
            *number, f"{kink.place}: {kink.function} has no derivative there, and none is taken."))
    line = (f"{kink.function} in {kink.equation} where {kink.array} has {kink.where} = 0: "
            f"slope {kink.slope} is taken")
    root: Run = Symbols(f"{kink.where} = 0") if len(kink.where) < 20 else kink.where
    return Wording((line,), (
        *number, root, " for an entry ", Symbols("z"), " of ", ArrayName(kink.array),
        f": {kink.function} has no derivative there. The slope taken is {kink.slope}.",
    ))


def kink_line(kink: Kink) -> str:
    """The same in a line: relu in A1 where Z1 has z = 0: slope 0 is taken."""
    return "".join(run for run in kink_wording(kink).line if isinstance(run, str))
