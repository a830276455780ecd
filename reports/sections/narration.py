"""The derivation told step by step: every form of every equation, and why it follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ...symbolic.derive.steps import Chain, Form, Step
from ...symbolic.display.reasons import Run, Sentence, Stated, formula, kink_wording, wording
from ...symbolic.display.writer import Writer
from ...symbolic.functions import Opaque, Z
from ..content import Block, Bullets, Display, Math, Paragraph, Prose, Relation, Section, equation


@dataclass
class Narrator:
    """Tells one chain in one notation; numbers its equations as it goes."""

    chain: Chain
    writer: Writer
    _labels: dict[str, str] = field(default_factory=dict)

    def forward(self) -> Section:
        """The forward equations, numbered."""
        blocks: list[Block] = []
        for step in self.chain.steps:
            if step.role == "forward":
                blocks.append(Display((self.formula(step.forms[-1]),), self.label(step.name)))
                blocks += [Display((equation(*note.split(" = ", 1)),))
                           for note in self.writer.notes(step.equation, latex=True)]
        return Section(("Forward equations",), tuple(blocks))

    def derivation(self) -> list[Section]:
        """A section that says what is done, and one for each adjoint and gradient in order."""
        loss = Math(self.writer.name(self.chain.loss, latex=True))
        sections = [Section(("Derivation",), (Paragraph((
            "The forward equations are gone through backwards. Each array's adjoint, the "
            "derivative of ", loss, " by it, is the sum over the equations that read the array; "
            "each form below follows from the one before by the rule that is named.",
        )),))]
        for step in self._in_order():
            what = "The gradient by " if step.role == "gradient" else "The adjoint of "
            primal = Math(self.writer.name(step.of, latex=True))
            sections.append(Section((what, primal), tuple(self._told(step)), level=3))
        return sections

    def result(self) -> Section:
        """The last forms alone: the recurrence of the adjoints, and the gradients."""
        backward = [step for step in self.chain.steps if step.role != "forward"]
        named = [step for step in backward if step.role == "adjoint"]
        gradients = [step for step in backward if step.role == "gradient"]
        blocks: list[Block] = []
        if named:
            blocks += [Paragraph(("The adjoints, from the last layer to the first:",)),
                       Display(tuple(self.formula(step.forms[-1]) for step in named))]
        if gradients:
            blocks += [Paragraph(("The gradients:",)),
                       Display(tuple(self.formula(step.forms[-1]) for step in gradients))]
        else:
            blocks.append(Paragraph(("There are no parameters, so that there is no gradient.",)))
        return Section(("Result",), tuple(blocks))

    def assumptions(self) -> Section:
        """Kinks of the forward pass, and what was assumed of the inputs."""
        items: list[Prose] = []
        for name in self.chain.assumed:
            items.append(("Assumed: the entries of ", self._name(name), " sum to one for each "
                          "sample. The row sums in the derivation use it; for other targets the "
                          "simplified formulas do not hold."))
        items += [(f"Assumed: {made}.",) for made in self.chain.assumptions
                  if made.fact != "row sums"]
        items += [self._said(kink_wording(kink).report) for kink in self.chain.kinks]
        if not items:
            items.append(("None: every function in the forward equations is differentiable "
                          "wherever it is defined, and nothing was assumed of the inputs.",))
        return Section(("Kinks and assumptions",), (Bullets(tuple(items)),))

    def formula(self, form: Form) -> Relation:
        written = self.writer.latex(form.equation)
        return equation(written.left, written.right)

    def label(self, name: str) -> str:
        """The number of an equation, "(3)"; a new one is given where it has none."""
        return self._labels.setdefault(name, f"({len(self._labels) + 1})")

    # --- one step -------------------------------------------------------------------------------

    def _in_order(self) -> Iterator[Step]:
        """Backward steps, each after the steps that were put into it."""
        told: set[str] = set()

        def before(step: Step) -> Iterator[Step]:
            for form in step.forms:
                if form.rule != "insert":
                    continue
                for name in form.uses:
                    if name in self.chain.inlined and name not in told:
                        told.add(name)
                        yield from before(self.chain.inlined[name])
                        yield self.chain.inlined[name]

        for step in self.chain.steps:
            if step.role != "forward":
                yield from before(step)
                yield step

    def _told(self, step: Step) -> Iterator[Block]:
        shown = ""
        label = self.label(step.name)
        last = len(step.forms) - 1
        for place, form in enumerate(step.forms):
            formula = self.formula(form)
            if formula.latex == shown:
                continue
            shown = formula.latex
            yield Paragraph(self._said(wording(form, step, self.chain).report))
            yield Display((formula,), label if place == last or self._same(step, place) else "")

    def _same(self, step: Step, place: int) -> bool:
        """Whether all forms after this one print the same."""
        here = self.formula(step.forms[place]).latex
        return all(self.formula(form).latex == here for form in step.forms[place:])

    def _said(self, sentence: Sentence) -> Prose:
        """A sentence with arrays and identities in formulas, and equations by their numbers."""
        return tuple(map(self._run, sentence))

    def _run(self, run: Run) -> str | Math:
        if isinstance(run, Stated):
            return self.label(run.array)
        return run if isinstance(run, str) else Math(formula(run, self.writer, latex=True))

    def _name(self, name: str) -> Math:
        return Math(self.writer.name(name, latex=True))


def all_functions(chain: Chain) -> dict[str, type[Opaque]]:
    """Every named function and slope in a chain's equations, by what is printed for it."""
    found: dict[str, type[Opaque]] = {}
    steps = (*chain.steps, *chain.inlined.values())
    for term in (term for step in steps for form in step.forms for term in form.equation.terms):
        for applied in term.body.atoms(Opaque):
            function = type(applied)
            if function.definition.free_symbols <= {Z}:
                found[function.latex_name + "'" * function.order] = function
    return dict(sorted(found.items()))
