"""The derivation told step by step: every form of every equation, and why it follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ...symbolic.dependence import arrays_read
from ...symbolic.derive.steps import Chain, Form, Role, Step
from ...symbolic.display.in_indices import in_indices
from ...symbolic.display.reasons import (
    LossName,
    Opened,
    Run,
    Sentence,
    Stated,
    formula,
    kink_wording,
    opened,
    wording,
    writer_of,
)
from ...symbolic.display.writer import Writer
from ...symbolic.functions import Opaque, Z
from ..content import (
    Block,
    Bullets,
    Display,
    Math,
    Paragraph,
    Prose,
    Ref,
    Relation,
    Section,
    Side,
    equation,
    summands,
)
from .kinds import Kind, kind_of

Item = TypeVar("Item", Math, Ref)

SIDE_BY_SIDE = ", where a transpose brings the subscripts that are summed over side by side"


@dataclass
class Narrator:
    """Tells one chain in one notation; numbers its equations as it goes."""

    chain: Chain
    writer: Writer
    _labels: dict[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> Mapping[str, str]:
        """The numbers given so far, by the array whose equation has them."""
        return self._labels

    def forward(self) -> Section:
        """The forward equations, numbered, and what they read beyond the ends of loops."""
        steps = [step for step in self.chain.steps if step.role == "forward"]
        blocks: list[Block] = [
            Paragraph(("In this order the loss is computed from the inputs:",)),
            Display(tuple(self.formula(step.forms[-1]) for step in steps),
                    labels=tuple(self.label(step.name) for step in steps))]
        notes = dict.fromkeys(note for step in steps
                              for note in self.writer.notes(step.equation, latex=True))
        if notes:
            blocks += [Paragraph(("Beyond the ends:",)),
                       Display(tuple(equation(*note.split(" = ", 1)) if " = " in note
                                     else equation("", note, "") for note in notes))]
        return Section(("Forward equations",), tuple(blocks), name="forward")

    def derivation(self) -> list[Section]:
        """A section that says what is done, and one for each adjoint and gradient in order; steps
        that are those of an earlier one but for the names in them are told together, by its
        number."""
        loss = Math(formula(LossName(self.chain.loss), self.writer, latex=True))
        sections = [Section(("Derivation",), (Paragraph((
            "The forward equations are gone through backwards. Each array's adjoint, the "
            "derivative of ", loss, " by it, is the sum over the equations that read the array; "
            "each form below follows from the one before by the rule that is named. Steps that "
            "were told once are not told again.",
        )),), name="derivation")]
        first: dict[Kind, Step] = {}
        place: dict[str, int] = {}
        shapes: set[object] = set()
        again: list[tuple[Step, Step]] = []
        for step in self._in_order():
            kind = kind_of(step, self.chain)
            place[step.name] = len(place)
            told = first.setdefault(kind, step)
            back = bool(again) and place[told.name] <= place[again[-1][1].name]
            if again and (told is step or back):
                sections.append(self._again(again, shapes))
                again = []
            if told is step:
                title = (self._what(step.role, 1), self._name(step.of))
                sections.append(Section(title, tuple(self._told(step, shapes)), level=3))
            else:
                again.append((step, told))
        if again:
            sections.append(self._again(again, shapes))
        return sections

    @staticmethod
    def _what(role: Role, count: int) -> str:
        if role == "gradient":
            return "The gradient by " if count == 1 else "The gradients by "
        return "The adjoint of " if count == 1 else "The adjoints of "

    def _again(self, steps: Sequence[tuple[Step, Step]], shapes: set[object]) -> Section:
        """Steps that are told by the numbers of those which they repeat."""
        title: list[str | Math] = []
        for role in dict.fromkeys(step.role for step, _ in steps):
            names = [self._name(step.of) for step, _ in steps if step.role == role]
            what = self._what(role, len(names))
            title += [", t" + what[1:] if title else what, *listed(names)]
        models = [Ref(self.label(told.name)) for _, told in steps]
        rows = [(self.formula(step.forms[-1], step), self.label(step.name)) for step, _ in steps]
        blocks: list[Block] = [
            Paragraph(("By the same steps as ", *listed(models),
                       ":" if len(steps) == 1 else ", in turn:")),
            Display(tuple(row for row, _ in rows), labels=tuple(label for _, label in rows)),
        ]
        for step, _ in steps:
            shown = self._in_indices(step, shapes)
            if shown is not None:
                blocks += [Paragraph(("Entry by entry, ", Ref(self.label(step.name)), " is:")),
                           Display((shown,))]
        return Section(tuple(title), tuple(blocks), level=3)

    def result(self) -> Section:
        """The last forms alone: the recurrence of the adjoints, and the gradients."""
        backward = backward_steps(self.chain)
        named = [step for step in backward if step.role == "adjoint"]
        gradients = [step for step in backward if step.role == "gradient"]
        blocks: list[Block] = []
        if named:
            back = "from the last layer to the first" if self.writer.notation.layers else \
                "from the loss back"
            blocks += [Paragraph((f"The adjoints, {back}:",)),
                       Display(tuple(self.formula(step.forms[-1]) for step in named))]
        if gradients:
            blocks += [Paragraph(("The gradients:",)),
                       Display(tuple(self.formula(step.forms[-1]) for step in gradients))]
        else:
            blocks.append(Paragraph(("There are no parameters, so that there is no gradient.",)))
        kept = self._kept(backward)
        if kept:
            blocks.append(Paragraph(("Of the forward pass the backward pass reads ",
                                     *listed([self._name(name) for name in kept]),
                                     ", which are kept until then." if len(kept) > 1 else
                                     ", which is kept until then.")))
        return Section(("Result",), tuple(blocks), name="result")

    def _kept(self, backward: Sequence[Step]) -> list[str]:
        """What the forward pass computes and the backward formulas read: the memory it takes."""
        read = {name for step in backward for name in self.writer.reads(step.equation)}
        return [step.name for step in self.chain.steps
                if step.role == "forward" and step.name in read]

    def assumptions(self, taken: Sequence[str] = ()) -> Section:
        """Kinks of the forward pass, and what was assumed of the inputs; `taken` is what was taken
        for granted before there were equations."""
        items: list[Prose] = []
        for name in self.chain.assumed:
            items.append(("Assumed: the entries of ", self._name(name), " sum to one for each "
                          "sample. The row sums in the derivation use it; for other targets the "
                          "simplified formulas do not hold."))
        items += [(f"Assumed: {made}.",) for made in self.chain.assumptions
                  if made.fact != "row sums"]
        items += [(f"Assumed: {made}.",) for made in taken]
        items += [self._said(kink_wording(kink).report, self.writer) for kink in self.chain.kinks]
        if not items:
            items.append(("None: every function in the forward equations is differentiable "
                          "wherever it is defined, and nothing was assumed of the inputs.",))
        return Section(("Kinks and assumptions",), (Bullets(tuple(items)),), name="assumptions")

    def formula(self, form: Form, step: Step | None = None) -> Relation:
        """A form, as one of a step where that is given."""
        writer = self.writer if step is None else writer_of(form, step, self.chain, self.writer)
        written = writer.latex(form.equation)
        return Relation(written.left, (Side("=", summands(written.right)),))

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

        for step in backward_steps(self.chain):
            yield from before(step)
            yield step

    def _told(self, step: Step, shapes: set[object]) -> Iterator[Block]:
        shown = ""
        label = self.label(step.name)
        last = len(step.forms) - 1
        for place, form in enumerate(step.forms):
            formula = self.formula(form, step)
            if formula.latex == shown:
                continue
            shown = formula.latex
            writer = writer_of(form, step, self.chain, self.writer)
            because = self._said(wording(form, step, self.chain).report, writer)
            entries = self._in_indices(step, shapes) if not place else None
            if entries is not None:
                yield Paragraph((*because[:-1], ", entry by entry:"))
                yield Display((entries,))
                summed = r"\sum" in entries.latex and r"\top" in shown
                new = summed and SIDE_BY_SIDE not in shapes
                because = (f"All entries at once{SIDE_BY_SIDE if new else ''}:",)
                shapes |= {SIDE_BY_SIDE} if new else set()
            yield Paragraph(because)
            yield Display((formula,), label if place == last or self._same(step, place) else "")

    def _in_indices(self, step: Step, shapes: set[object]) -> Relation | None:
        """The chain rule entry by entry, where its matrix form has a transpose or a sum of rows;
        once for what reads the same with the same subscripts."""
        form = step.forms[0]
        writer = writer_of(form, step, self.chain, self.writer)
        whole = writer.latex(form.equation).right
        if r"\top" not in whole and r"\mathbf{1}" not in whole:
            return None
        found = in_indices(form, step, self.chain, writer)
        if found is None:
            return None
        shape = (kind_of(step, self.chain), found.left.count("_"), found.through.count("_"))
        if shape in shapes:
            return None
        shapes.add(shape)
        sides = [Side("=", summands(found.through)), Side("=", summands(found.inserted))]
        return Relation(found.left, tuple(sides))

    def _same(self, step: Step, place: int) -> bool:
        """Whether all forms after this one print the same."""
        here = self.formula(step.forms[place], step).latex
        return all(self.formula(form, step).latex == here for form in step.forms[place:])

    def _said(self, sentence: Sentence, writer: Writer) -> Prose:
        """A sentence with arrays and identities in formulas, and equations by their numbers."""
        return tuple(part for run in sentence for part in self._run(run, writer))

    def _run(self, run: Run, writer: Writer) -> tuple[str | Math | Ref, ...]:
        if isinstance(run, Stated):
            return (Ref(self.label(run.array)),)
        if isinstance(run, Opened):
            shown = opened(run, self.chain, writer, latex=True)
            return (", which is ", Math(shown)) if shown else ()
        return (run if isinstance(run, str) else Math(formula(run, writer, latex=True)),)

    def _name(self, name: str) -> Math:
        return Math(self.writer.name(name, latex=True))


def backward_steps(chain: Chain) -> list[Step]:
    """Adjoints and gradients, each gradient as soon as what it reads is there: from the loss
    backwards, layer by layer."""
    adjoints = [step for step in chain.steps if step.role == "adjoint"]
    waiting = [step for step in chain.steps if step.role == "gradient"]
    names = {step.name for step in adjoints}
    reads = {step.name: {name for form in step.forms for name in arrays_read(form.equation)}
             for step in waiting}
    done: set[str] = set()
    found: list[Step] = []
    for step in (None, *adjoints):
        if step is not None:
            found.append(step)
            done.add(step.name)
        ready = [gradient for gradient in waiting if reads[gradient.name] & names <= done]
        waiting = [gradient for gradient in waiting if gradient not in ready]
        found += ready
    return [*found, *waiting]


def listed(runs: Sequence[Item]) -> Iterator[Item | str]:
    """a, b and c."""
    for place, run in enumerate(runs):
        if place:
            yield " and " if place == len(runs) - 1 else ", "
        yield run


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
