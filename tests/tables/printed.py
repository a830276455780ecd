"""Everything that is printed of what the tests derive: formulas with what they are formulas of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import gallery_columns
import models
import networks
import numpy as np
import sympy as sp
from identities import IDENTITIES
from identity_proofs import derived
from problems import PROBLEMS, Problem
from reread_values import UnsaidError, Values, functions_of

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Equation, System, size_names, size_symbol
from gradproof.symbolic.reread.parsing import Names, expression, statement
from gradproof.symbolic.reread.shapes import Convention, check
from gradproof.symbolic.reread.trees import Entry, ReadBackError, Statement, Tree

NUMBERS = (3, 5, 2, 4, 6, 7, 8, 9)
WIDE = {"h": 10, "w": 11, "p": 2}  # of images, for kernels with gaps; the short side of Z
"""Sizes, in the order of their names: no two alike, so that what fits is meant to."""
CLOSE = 1e-9


@dataclass(eq=False)
class Printed:
    """A system with the writer of its formulas, and those of it that are shown; values of its
    inputs, with the sizes that they have, where not any values fit."""

    name: str
    system: System
    writer: Any
    equations: Sequence[Equation]
    values: Mapping[str, Any] | None = None
    given: Mapping[str, int] | None = None
    _read: dict[bool, Names] = field(default_factory=dict)

    @property
    def leading(self) -> Mapping[str, int]:
        return self.writer.leading

    @cache  # noqa: B019 - a few hundred, for one run
    def sizes(self) -> dict[str, int]:
        """A number for every size; small for networks, whose values are given."""
        if self.given is not None:
            return dict(self.given)
        names = sorted(size_names(self.system.shapes.values()))
        found = {name: NUMBERS[i % len(NUMBERS)] for i, name in enumerate(names)}
        return {**found, **{name: WIDE[name] for name in names if name in WIDE}}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        by = {size_symbol(name): sp.Integer(n) for name, n in self.sizes().items()}
        return {name: tuple(int(size.xreplace(by)) for size in shape)
                for name, shape in self.system.shapes.items()}

    def names(self, latex: bool) -> Names:
        """How each array is written, as a reader of the page knows it."""
        if latex not in self._read:
            shapes = self.system.shapes
            write, notation = self.writer.name, self.writer.notation
            written = {}
            for name, shape in shapes.items():
                if name in notation.entries:  # h at -1, called h0 where that is said
                    written[name] = [rf"\mathrm{{{name}}}" if latex else name]
                elif not self.is_place(name):
                    entry = ["i"] * max(1, sum(size != 1 for size in shape))
                    written[name] = [write(name, latex=latex)] + (
                        [write(name, entry, latex)] if shape else [])
            self._read[latex] = Names.of(
                written, {name: sum(size != 1 for size in shape)
                          for name, shape in shapes.items()}, latex)
        return self._read[latex]

    def is_place(self, name: str) -> bool:
        """Whether an array is the adjoint of one that is written as a place of another."""
        notation = self.writer.notation
        return notation.adjoints.get(name, name) in notation.entries

    def convention(self, flat: str = "") -> Convention:
        """`flat`: an array that is printed as the matrix of its derivative."""
        shapes = self.shapes()
        if flat:
            lead, shape = self.leading[flat], shapes[flat]
            shapes[flat] = (int(np.prod(shape[:lead])), int(np.prod(shape[lead:])))
        shapes.update({name: (*shapes[name], 1) for name in self.upright()})
        return Convention(shapes, self.writer.vectors, self.writer.repeated, self.sizes())

    def upright(self) -> set[str]:
        """What stands as a column by a convention of its own."""
        adjoints = self.writer.notation.adjoints
        return {name for name in self.system.shapes
                if adjoints.get(name, name) in self.writer.upright}


def formulas(found: Printed) -> Iterator[tuple[Equation, str, bool]]:
    """(equation, what is printed of it, whether that is LaTeX)."""
    for equation in found.equations:
        yield equation, str(found.writer.text(equation)), False
        yield equation, str(found.writer.latex(equation)), True


def fault(found: Printed, equation: Equation, text: str, latex: bool,
          arrays: Mapping[str, Any] | None) -> str:
    """Why a formula is none: it cannot be read, has no shape, or says other numbers; "" for none.

    "unsaid: ..." where the text alone does not say it all.
    """
    flat = equation.name if equation.name in found.leading and any(
        sign in text for sign in ("⊗", "otimes", "vec")) else ""
    try:
        said = Statement(
            Entry(equation.name), expression(text.partition(" = ")[2], found.names(latex), latex),
        ) if found.is_place(equation.name) else statement(text, found.names(latex), latex)
        check(said, found.convention(flat))
        if arrays is None:
            return ""
        gap = numbers(found, equation, latex, arrays, flat).differs(said, equation.name)
    except UnsaidError as error:
        return f"unsaid: {error}"
    except ReadBackError as error:
        return f"{type(error).__name__}: {error}"
    return "" if gap < CLOSE else f"Apart: by {gap:.2g}"


def numbers(found: Printed, equation: Equation, latex: bool, arrays: Mapping[str, Any],
            flat: str = "") -> Values:
    if flat:
        shape = found.convention(flat).shapes[flat]
        arrays = {**arrays, flat: np.reshape(arrays[flat], shape)}
    arrays = {**arrays, **{name: np.asarray(arrays[name])[..., None] for name in found.upright()}}
    values = Values(arrays, found.sizes(), found.writer.vectors,
                    functions_of(found.system, latex),
                    commuted=found.shapes()[equation.name][-2:])
    for note in found.writer.notes(equation, latex):
        if "vanish" in note:
            values.ends.update({(name, 1): np.zeros((1, 1)) for name in arrays})
        elif "max" not in note:
            said = statement(note, found.names(latex), latex)
            side = -1 if "-1" in note.partition("=")[0] or "₋" in note.partition("=")[0] else 1
            values.ends[said.left.array, side] = given(said.right, arrays)
    return values


def given(value: Tree, arrays: Mapping[str, Any]) -> Any:
    """What stands beyond an end of a loop: an input, or 0."""
    return arrays[value.array] if isinstance(value, Entry) else np.zeros(1)


def arrays_of(found: Printed, seed: int = 0) -> dict[str, Any]:
    """Numbers for every array of a system."""
    if found.values is not None:
        with np.errstate(all="ignore"):
            return {**found.values, **evaluate(found.system, found.values)}
    rng = np.random.default_rng(seed)
    given: dict[str, Any] = {}
    shapes = found.shapes()
    for array in found.system.inputs:
        shape = shapes[array.name]
        if array.classes is not None:
            by = {size_symbol(name): sp.Integer(n) for name, n in found.sizes().items()}
            given[array.name] = rng.integers(0, int(sp.sympify(array.classes).xreplace(by)), shape)
        elif array.kind in ("mask", "one_hot"):
            given[array.name] = (rng.uniform(size=shape) < 0.7).astype(float)
        else:
            given[array.name] = rng.uniform(0.2, 1, shape)
        if array.kind in ("probability", "one_hot"):
            given[array.name] = rng.dirichlet(np.ones(shape[array.along]), np.delete(
                shape, array.along)) if array.along in (-1, len(shape) - 1) \
                else np.moveaxis(rng.dirichlet(np.ones(shape[array.along]),
                                               np.delete(shape, array.along)), -1, array.along)
        if array.kind == "symmetric":
            given[array.name] += given[array.name].T
        if array.classes is None and len(shape) == 2 and shape[0] == shape[1]:
            given[array.name] = given[array.name] + 3 * np.eye(shape[0])
    with np.errstate(all="ignore"):
        return {**given, **evaluate(found.system, given)}


# --- what is printed ----------------------------------------------------------------------------


def of_derivation(name: str, made: gp.Derivation) -> Printed:
    return Printed(name, made.system, made.writer, [f.step.equation for f in made.all()])


def of_derivative(name: str, made: Any) -> Printed:
    return Printed(name, made.system, made.writer, made.steps)


def collections() -> dict[str, Callable[[], Iterator[Printed]]]:
    """Where formulas come from, by the name of the collection."""
    return {"gallery": _gallery, "networks": _networks, "models": _models,
            "identities": _identities, "problems": _problems, "hessians": _hessians}


def _gallery() -> Iterator[Printed]:
    for name in gallery_columns.by_name():
        yield of_derivation(name, gallery_columns.derived(name).derivation)


def _networks() -> Iterator[Printed]:
    for name, case in networks.CASES.items():
        yield of_derivation(name, gp.derive(case, [*case.parameters, "X"]))


def _models() -> Iterator[Printed]:
    for name, case in models.CASES.items():
        yield of_derivation(name, gp.derive(case))


def _identities() -> Iterator[Printed]:
    for row in IDENTITIES:
        made = derived(row)
        names = made.writer.mentioned(made.system, [made.result])
        yield Printed(row.id, made.system, made.writer,
                      [e for e in made.system.equations if e.name in names])


def _problems() -> Iterator[Printed]:
    for problem in some_problems():
        yield of_problem(problem)


def some_problems() -> Sequence[Problem]:
    """One in five; `benchmarks/problem_pages.py` reads all of them back."""
    return list(PROBLEMS.values())[::5]


def of_problem(problem: Problem) -> Printed:
    made = of_derivation(problem.name, problem.derivation)
    return replace(made, values=problem.values(), given=problem.numbers)


def hessian_of(problem: Problem) -> Printed:
    made = problem.derivation.hessian(problem.hessian_by)
    values = problem.values()
    return replace(of_derivative(f"{problem.name}, {problem.hessian_by}", made),
                   values={name: values[name] for name in made.inputs}, given=problem.numbers)


def problem(name: str) -> gp.Derivation:
    return PROBLEMS[name].derivation


def _hessians() -> Iterator[Printed]:
    for problem in some_problems():
        yield hessian_of(problem)


def read(found: Printed, equation: Equation, latex: bool = False) -> Statement:
    """A formula as a tree."""
    text = str(found.writer.latex(equation) if latex else found.writer.text(equation))
    return statement(text, found.names(latex), latex)
