"""Published gradients held against the derived ones: proved equal, and alike or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import sympy as sp
from likeness import Likeness, put_in
from published import Published
from reread_equations import Sayer

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.display.fits import FIRST
from gradproof.symbolic.equation import System, is_unnamed, size_names, size_symbol
from gradproof.symbolic.proof.prover import Prover
from gradproof.symbolic.reread.parsing import Names, statement
from gradproof.symbolic.reread.shapes import Convention, check, shape_of
from gradproof.symbolic.reread.trees import Length, Statement, Tree


@dataclass(frozen=True)
class Compared:
    """verdict: "proved", "refuted", or "undecided" of the published formula.  derived: what is
    printed, the gradient last.  alike: term for term, by the rule of likeness.py."""

    verdict: str
    derived: tuple[str, ...]
    alike: bool


@dataclass(frozen=True)
class _Derived:
    """A gradient or Hessian with what is printed on the way to it."""

    system: System
    writer: object
    result: str
    steps: tuple[str, ...]

    def text(self, name: str) -> str:
        return str(self.writer.text(self.system[name]))  # type: ignore[attr-defined]


@cache
def _derivation(text: str, shapes: tuple[tuple[str, object], ...], by: str) -> gp.Derivation:
    return gp.derive(gp.equations(text, **dict(shapes)), [by])


def derived_of(case: Published) -> _Derived:
    made = _derivation(case.text, tuple(case.shapes.items()), case.by)
    if case.hessian:
        second = made.hessian(case.by)
        return _Derived(second.system, second.writer, second.name,
                        tuple(step.name for step in second.steps))
    result = made.gradients[case.by].array
    read = made.writer.mentioned(made.system, [result])
    shown = [f.array for f in made.shown() if f.array in read
             and (f.step.role != "forward" or is_unnamed(f.array))]
    return _Derived(made.system, made.writer, result, tuple(shown))


def compared(case: Published, lines: Sequence[str] | None = None) -> Compared:
    """A published gradient beside the derived one; `lines` in the place of those published."""
    found = derived_of(case)
    said = list(lines or case.lines)
    reader = _Reader(case, found, said)
    published = [reader.published(line) for line in said]
    sayer = Sayer(found.system, reader.convention, reader.symbols)
    for line in published:
        name = sayer.state(line, line.left.array)
    prover = Prover(found.system, sayer.system, evaluate)
    proof = prover.prove({found.result: name})[found.result]
    verdict = {True: "proved", False: "refuted", None: "undecided"}[proof.equal]
    return Compared(verdict, tuple(found.text(step) for step in found.steps),
                    reader.alike(published))


class _Reader:
    """Reads both sides of a case: each under its own names, into trees of the same arrays."""

    def __init__(self, case: Published, found: _Derived, lines: Sequence[str]) -> None:
        self.case, self.found = case, found
        shapes = found.system.shapes
        self.sizes = {name: FIRST + place
                      for place, name in enumerate(sorted(size_names(shapes.values())))}
        by = {size_symbol(name): sp.Integer(number) for name, number in self.sizes.items()}
        numbers = {name: tuple(int(size.xreplace(by)) for size in shape)
                   for name, shape in shapes.items()}
        self.symbols = {number: size_symbol(name) for name, number in self.sizes.items()}
        self.ranks = {name: len(shape) for name, shape in shapes.items()}
        signs: dict[str, list[str]] = {}
        for sign, array in case.signs.items():
            signs[array] = [sign]
        for name in shapes:
            plain = found.writer.name(name)  # type: ignore[attr-defined]
            if name not in signs and plain not in case.signs:
                signs[name] = [plain]
        self.helpers = [line.partition(" = ")[0] for line in lines[:-1]]
        for helper in self.helpers:
            for array, written in list(signs.items()):
                if written == [helper]:
                    del signs[array]
            signs[f"published {helper}"] = [helper]
        result = lines[-1].partition(" = ")[0]
        signs.pop(found.result, None)
        plain = result if result[-1] not in "ᵢⱼₖ" else result.rstrip("ᵢⱼₖ")
        signs[f"published {plain}"] = [plain]
        numbers[f"published {plain}"] = numbers[found.result]
        self.plain = plain
        self.signs, self.numbers = signs, numbers
        self.convention = Convention(self.numbers, "column", None, self.sizes)

    def published(self, line: str) -> Statement:
        """A line of the source as a tree; what it defines is known from then on."""
        said = statement(line, self._names(self.signs))
        if said.left.array not in self.numbers:
            self._shape(said)
        return said

    def _shape(self, said: Statement) -> None:
        """The shape of what a line defines: that of its right side."""
        trial = Convention(self.numbers, "column", None, self.sizes)
        dims = [dim.found if isinstance(dim, Length) else dim
                for dim in shape_of(said.right, trial)]
        if dims[1] == 1:
            dims = dims[:1] if dims[0] != 1 else []
        self.numbers[said.left.array] = tuple(int(dim) for dim in dims)  # type: ignore[arg-type]
        self.ranks[said.left.array] = len(dims)

    def _names(self, signs: Mapping[str, Sequence[str]]) -> Names:
        written = {name: [*texts, *(f"{text}ᵢ" for text in texts)] if self.ranks.get(name, 2)
                   else list(texts) for name, texts in signs.items()}
        return Names.of(written, {name: self.ranks.get(name, 2) for name in written})

    def _is_by_entries(self, name: str) -> bool:
        """Whether a forward temporary is written entry by entry, so that no name stands for it."""
        return self.found.text(name).partition(" = ")[0] != self.found.writer.name(name)  # type: ignore[attr-defined]

    def alike(self, published: Sequence[Statement]) -> bool:
        system, writer = self.found.system, self.found.writer
        printed = {name: [writer.name(name)] for name in system.shapes}  # type: ignore[attr-defined]
        own: dict[str, Tree] = {}
        for name in self.found.steps:
            if is_unnamed(name) and self._is_by_entries(name):
                continue
            said = statement(self.found.text(name), self._names(printed))
            check(said, self.convention)
            own[name] = said.right
        mapped = {*self.case.signs.values()}
        gradient = own[self.found.result]
        helpers = {line.left.array: line.right for line in published[:-1]}
        for line in published:
            check(line, self.convention)
        symmetric = {array.name for array in system.inputs if array.kind == "symmetric"}
        rule = Likeness(self.convention, symmetric)
        return rule.alike(
            put_in(gradient, {name: tree for name, tree in own.items() if name not in mapped}),
            put_in(published[-1].right, helpers))
