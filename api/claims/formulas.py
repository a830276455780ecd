"""Formulas held against the derivation: every reading, every layer, each pair of sides proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import sympy as sp

from gradproof.claims.comparing import Comparing, Outcome
from gradproof.claims.findings import ORDER, Finding
from gradproof.symbolic.equation import slot
from gradproof.symbolic.latex.choices import Choices, readings
from gradproof.symbolic.latex.grammar import read
from gradproof.symbolic.latex.masking import masked, parted
from gradproof.symbolic.latex.meaning import Meaning
from gradproof.symbolic.latex.names import ADJOINT, RATES, Context, Store
from gradproof.symbolic.latex.scripts import layer_letters
from gradproof.symbolic.latex.trees import (
    GrownError,
    LatexError,
    Node,
    NoLayerError,
    Source,
)
from gradproof.symbolic.latex.values import COLUMN, ROW, FitError, Val

MOST_SIDES = 40
UPDATES = ("←", ":=")


class Subject:
    """What formulas are about: names, equations, and values for them."""

    def __init__(
        self, context: Context, values: Mapping[str, Any] | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> None:
        self.context = context
        self.store = Store(context)
        self.comparing = Comparing(values or {})
        self.answers = answers or {}

    def answering(self, answers: Mapping[str, str]) -> Subject:
        """The same with answers to questions."""
        return Subject(self.context, self.comparing.values, {**self.answers, **answers})

    def shape(self, text: str, wanted: Sequence[sp.Expr], claim: str) -> Finding:
        """Whether what a formula writes has a shape; a number and a 1 × 1 matrix are the same."""
        try:
            (node,) = read(text)
            while True:
                with suppress(GrownError):
                    meaning = Meaning(self.store, Source(text), Choices({}), {}, {})
                    value = meaning.value(node)
                    break
        except (LatexError, FitError, NoLayerError, ValueError) as error:
            return Finding(claim, "unread", str(error), kind="shape")
        rows, columns = value.axes.get(ROW, sp.S.One), value.axes.get(COLUMN, sp.S.One)
        asked = list(wanted) + [sp.S.One] * (2 - len(wanted))
        if len(wanted) == 1 and rows == 1:
            asked.reverse()
        right = len(asked) == 2 and sp.expand(asked[0] - rows) == 0 == sp.expand(
            asked[1] - columns)
        return Finding(claim, "right" if right else "wrong",
                       f"its shape is ({rows}, {columns})", kind="shape")

    def judge(self, text: str) -> list[Finding]:
        """A finding for every formula of a text that states something."""
        found: list[Finding] = []
        for _, row in parted(text):
            shown = " ".join(row.split())
            if not masked(row).strip():
                continue
            try:
                nodes = read(row)
            except LatexError as error:
                found.append(Finding(shown, "unread", str(error)))
                continue
            for node in nodes:
                if node.kind == "chain":
                    found.append(self.formula(row, node))
        return found

    def formula(self, text: str, node: Node) -> Finding:
        """The finding on one chain of sides."""
        source = Source(text)
        script = _two_fonts(node)
        if script is not None:
            return Finding(source.of(node), "unread", source.located(
                script.start, f"{source.of(script)} and {script.text} may be two things; of which "
                              "array each is, is not said"))
        last = self.context.depth
        letters = layer_letters(node) if last else set()
        running = sorted(letters - {"L"})
        layers = range(1, last + 1) if running else [last]
        outcomes: list[tuple[int, Choices, Outcome]] = []
        try:
            for layer in layers:
                known = {**dict.fromkeys(running, layer), **({"L": last} if last else {})}
                outcomes += [(layer, *each) for each in self._readings(source, node, known)]
        except (LatexError, ValueError, ArithmeticError) as error:
            return Finding(source.of(node), "unread", str(error))
        if not outcomes:
            return Finding(source.of(node), "unread", "there is no layer for which all its arrays "
                                                      "are there")
        by_layer: dict[int, list[tuple[Choices, Outcome]]] = {}
        for layer, choices, outcome in outcomes:
            by_layer.setdefault(layer, []).append((choices, outcome))
        found = [_weighed(source.of(node), each) for each in by_layer.values()]
        chosen = max(found, key=lambda each: ORDER.index(each.verdict))
        if running and chosen.verdict == "right":
            shown = ", ".join(map(str, by_layer))
            chosen = replace(chosen, why=f"{chosen.why} (layer {shown})")
        return chosen

    def _readings(
        self, source: Source, node: Node, layers: Mapping[str, int]
    ) -> list[tuple[Choices, Outcome]]:
        sizes: dict[str, sp.Expr] = {}
        for _ in range(2):  # the first finds what indices run over
            try:
                made = list(readings(lambda choices: self._grown(
                    source, node, layers, sizes, choices), self.answers))
            except NoLayerError:
                return []
            found = [(choices, outcome) for choices, (outcome, _) in made]
            unsized = any(open_ for _, (_, open_) in made)
            if not unsized:
                return found
        source.fail(node, "over what the indices of a δ run is not said")

    def _grown(
        self, source: Source, node: Node, layers: Mapping[str, int],
        sizes: dict[str, sp.Expr], choices: Choices,
    ) -> tuple[Outcome, bool]:
        while True:  # as often as there are arrays whose derivatives it reads
            with suppress(GrownError):
                return self._reading(source, node, layers, sizes, choices)

    def _reading(
        self, source: Source, node: Node, layers: Mapping[str, int],
        sizes: dict[str, sp.Expr], choices: Choices,
    ) -> tuple[Outcome, bool]:
        if any(part.kind == "name" and part.text in RATES for part in node.all()):
            self.store.with_inputs("rate")
        meaning = Meaning(self.store, source, choices, layers, sizes)
        sides = [part for part in node.parts if part.kind != "relation"]
        if len(sides) > MOST_SIDES:
            source.fail(sides[MOST_SIDES], f"a formula has at most {MOST_SIDES} sides")
        relations = [part.text for part in node.parts if part.kind == "relation"]
        odd = [text for text in relations if text not in ("=", "≈", *UPDATES)]
        if odd:
            source.fail(node, f"{odd[0]} states no equality; = and ≈ are read here")
        try:
            if self._is_update(meaning, sides, relations[0]):
                return self._update(meaning, sides), meaning.unsized
            named = self._naming(sides)
            if named is not None:
                sides = [side for side in sides if side is not named]
            values = [meaning.value(side) for side in sides]
            outcome = self.comparing.sides(meaning, sides, values, relations[named is not None:])
            return (outcome if named is None else replace(outcome, why=(
                f"{outcome.why}; {source.of(named)} is not known here, it is taken as a name for "
                "the rest")), meaning.unsized)
        except FitError as error:
            return Outcome("wrong", f"the shapes do not fit: {error}", fits=False), False

    def _naming(self, sides: Sequence[Node]) -> Node | None:
        """H of H = ∂²L/∂w∂wᵀ = …: a first side that gives the rest a name that nothing else has."""
        first = sides[0]
        context = self.context
        if len(sides) < 3 or first.kind != "name" or first.parts or first.text in {
                *context.named, *context.functions, *context.sizes, *RATES, "e", "π", "I", "δ",
                "bold 1", "bb 1", "𝟏", *(symbol.stem for symbol in context.scripted)}:
            return None
        again = any(part.kind == "name" and part.text == first.text
                    for side in sides[1:] for part in side.all())
        return None if again else first

    # --- updates --------------------------------------------------------------------------------

    def _is_update(self, meaning: Meaning, sides: Sequence[Node], relation: str) -> bool:
        """θ = θ - η ∇L: as an equation it would say that the gradient is zero; δ := ∂L/∂z defines,
        which is an equation."""
        if relation in UPDATES and len(sides) == 2 and any(
                meaning.source.of(part) == meaning.source.of(sides[0]) for part in sides[1].all()):
            return True
        if relation == "←":
            return True
        if len(sides) != 2 or sides[1].kind != "sum" or len(sides[1].parts) < 3:
            return False
        first = next(part for part in sides[1].parts if part.kind != "sign")
        spelled = ["".join(meaning.source.of(side).split()) for side in (sides[0], first)]
        return spelled[0] == spelled[1]

    def _update(self, meaning: Meaning, sides: Sequence[Node]) -> Outcome:
        left = meaning.value(sides[0])
        if left.body != slot(0) or len(left.reads) != 1 or len(sides) != 2:
            meaning.source.fail(sides[0], "an update is of one array that has a name")
        array, _ = left.reads[0]
        if "rate" not in self.store.system.names:
            meaning.source.fail(sides[1], "an update has a learning rate, such as η")
        bar = meaning.array(f"{ADJOINT}{array}", [], sides[0])
        if bar.axes.keys() != left.axes.keys():
            bar = Val(bar.body, ((bar.reads[0][0], left.reads[0][1]),), left.axes)
        rate = Val(slot(0), (("rate", ()),))
        wanted = meaning.algebra.pointwise(lambda w, r, g: w - r * g, left, rate, bar)
        outcome = self.comparing.equal(meaning, wanted, meaning.value(sides[1]))
        if outcome.verdict == "right":
            return replace(outcome, why="a step of gradient descent, proved for all values")
        return replace(outcome, why=f"as a step of gradient descent: {outcome.why}")


def _two_fonts(node: Node) -> Node | None:
    """A script letter that stands beside the same letter without that font: N and 𝒩."""
    names = [part for part in node.all() if part.kind == "name" and part.text not in ("L", "1")]
    plain = {part.text for part in names if part.font not in ("cal", "bb")}
    return next((part for part in names if part.font == "cal" and part.text in plain), None)


def _weighed(claim: str, readings_: Sequence[tuple[Choices, Outcome]]) -> Finding:
    """What readings come to together: those whose shapes do not fit are none, where another's
    do."""
    fitting = [each for each in readings_ if each[1].fits] or list(readings_)
    verdicts = {outcome.verdict for _, outcome in fitting}
    first = fitting[0][1]
    if len(verdicts) == 1:
        why = first.why
        if len(fitting) < len(readings_) and first.fits:  # what the shapes alone decided
            why += f" ({', '.join(fitting[0][0].answers.values())})"
        return Finding(claim, first.verdict, why, first.exact, first.error, kind=first.kind)
    asked = []
    for choices, outcome in fitting:
        said = "; ".join(f"{text}? {answer}" for text, answer in choices.answers.items())
        asked.append(f"{said}: {outcome.verdict}")
    return Finding(claim, "depends", "it is right in one reading and not in another: the text does "
                   "not say which is meant", questions=tuple(dict.fromkeys(asked)),
                   kind=first.kind)
