"""A row of the identities derived, proven, and measured: what the tests and the table share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from identities import SHAPES, Identity
from proofs import prove_all

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive import higher_orders as orders
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.display.notation import Notation
from gradproof.symbolic.display.pen import Setting
from gradproof.symbolic.display.temporaries import inlined
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import Array, System
from gradproof.symbolic.proof.prover import Proof
from gradproof.symbolic.text.statements import parse_equations


@dataclass(frozen=True)
class Derivation:
    """system: all equations; result: the derived array; output: what was differentiated."""

    system: System
    result: str
    output: str
    writer: Writer

    @property
    def shown(self) -> str:
        return self.writer.text(self.system[self.result]).right

    @property
    def where(self) -> list[str]:
        """What the derived array reads, each as an equation."""
        names = self.writer.mentioned(self.system, [self.result]) - {self.result}
        return [str(self.writer.text(e)) for e in self.system.equations if e.name in names]


def inputs_of(row: Identity) -> dict[str, str | Array]:
    """The inputs of a row, with their shapes."""
    named = set(re.findall(r"[A-Za-z]\w*", f"{row.expression} {row.published}"))
    assigned = set(re.findall(r"(\w+) =", f"{row.expression}; {row.published}"))
    return {name: shape for name, shape in SHAPES.items() if name in named - assigned}


def derived(row: Identity) -> Derivation:
    """The derivative of a row's expression, by the rule."""
    system = parse_equations(row.expression, inputs_of(row))
    output = list(system.equations)[-1].name
    if row.order == "gradient":
        chain = differentiate(system, output, [row.wrt])
        found, result = chain.system, chain.of[row.wrt]
        adjoints = {bar: name for name, bar in chain.of.items()}
    else:
        made = (
            orders.jacobian(system, output, [row.wrt])
            if row.order == "jacobian"
            else orders.hessian(system, output, row.wrt, row.also or row.wrt)
        )
        found, result, adjoints = made.system, next(iter(made.of.values())), dict(made.adjoints)
    leading = {} if row.order == "gradient" else {result: made.leading}
    notation = Notation(layers=False, loss=output, adjoints=adjoints)
    writer = Writer(notation, False, found.shapes, True, Setting.of(found), leading=leading)
    return Derivation(found, result, output,
                      inlined(writer, list(found.equations), [result, output]))


def proof(row: Identity) -> Proof:
    """Whether the derived array is the published one, for all sizes."""
    one = derived(row)
    other = parse_equations(row.published, inputs_of(row))
    last = list(other.equations)[-1].name
    return prove_all(one.system, other, {one.result: last}, evaluate)[one.result]


def measured(row: Identity, seed: int = 0) -> tuple[Any, Any]:
    """(derived, by central differences of the expression, or of its gradient) at a point."""
    random = np.random.default_rng(seed)
    numbers = {"n": 3, "m": 4, "p": 2, "h": 3}
    one = derived(row)
    values = {
        array.name: random.uniform(0.2, 1.0, [numbers[str(size)] for size in array.shape])
        for array in one.system.inputs
    }
    for array in one.system.inputs:
        if array.kind == "symmetric":
            values[array.name] += values[array.name].T.copy()
    for name in values.keys() & {"A", "X", "S", "Z", "u"}:  # well-conditioned, logarithms defined
        if values[name].ndim == 2:
            values[name] += 2*np.eye(*values[name].shape)
        elif "log(u" in row.expression:
            values[name] += 10
    base, output, by = parse_equations(row.expression, inputs_of(row)), one.output, row.wrt
    if row.order == "hessian":
        chain = differentiate(base, output, [row.wrt])
        base, output, by = chain.system, chain.of[row.wrt], row.also or row.wrt
    step = 1e-5

    def at(place: tuple[int, ...], sign: int) -> Any:
        moved = values[by].copy()
        moved[place] += sign*step
        return evaluate(base, {**values, by: moved})[output]

    slopes = [(at(place, 1) - at(place, -1))/(2*step) for place in np.ndindex(values[by].shape)]
    stacked = np.stack(slopes, axis=-1)
    found = evaluate(one.system, values)[one.result]
    return found, stacked.reshape(found.shape)
