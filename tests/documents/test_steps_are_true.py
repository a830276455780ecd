"""Every form of every step of the ten reports, evaluated: it has the value of what it derives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp

from gradproof.checks.hand_written import ranged
from gradproof.checks.points import random_points
from gradproof.codegen.compile import compile_system
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.deriving import derive
from gradproof.derivations.examples import EXAMPLES
from gradproof.derivations.sources import load_source, values_of
from gradproof.reports.worked.figures import ordered
from gradproof.symbolic.dependence import arrays_read
from gradproof.symbolic.equation import Array, System
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.stated import Stated

NAMES = sorted(file.stem for file in EXAMPLES.glob("*.toml"))


def values_for(name: str) -> tuple[Derivation, dict[str, Any]]:
    """The spec's values, or random ones of the right kind; labels stay integers."""
    spec = load_source(name)
    derived = derive(spec)
    inputs = list(derived.system.inputs)
    given = values_of(spec)
    if {array.name for array in inputs} <= given.keys():
        return derived, given
    assert not isinstance(spec, Stated)
    return derived, dict(random_points(ranged(inputs, spec))[0].values)


def arrays_of(derived: Derivation, values: dict[str, Any]) -> dict[str, Any]:
    """Every array of a derivation, those that were put into others as well."""
    chain = derived.chain
    items = (*chain.system.items, *ordered([step.equation for step in chain.inlined.values()]))
    names = [name for equation in System(chain.system.inputs, items).equations
             for name in (equation.name, *equation.argmax)]
    found = compile_system(System(chain.system.inputs, items), names)(**values)
    return {**values, **dict(zip(names, found if len(names) > 1 else [found], strict=True))}


def wrong_forms(derived: Derivation, values: dict[str, Any]) -> list[str]:
    """The forms whose value is another than that of the array they are of.

    Where adjoints are kept per sample, all but the last forms are told of derivatives: they are
    held against those of the same network with adjoints that carry the loss's 1/m.
    """
    chain, network = derived.chain, derived.network
    kept = known = arrays_of(derived, values)
    if isinstance(network, Network) and network.delta == "sample":
        known = arrays_of(derive(replace(network, delta="loss")), values)
    declared = {array.name: array for array in chain.system.inputs}
    places = {name for equation in chain.system.equations for name in equation.argmax}
    shapes = {**chain.system.shapes, **{name: tuple(map(sp.Integer, np.shape(value)))
                                        for name, value in known.items()}}
    wrong = []
    for step in (*chain.inlined.values(), *chain.steps):
        for place, form in enumerate(step.forms):
            last = form is step.forms[-1] and step.name not in chain.inlined
            given = kept if last else known
            reads = dict.fromkeys(name for name in arrays_read(form.equation) if name in given)
            inputs = tuple(declared.get(name) or Array(
                name, shapes[name], "integer" if name in places else "real") for name in reads)
            probe = replace(form.equation, name="probe", argmax=tuple(
                f"probe_{axis}" for axis, _ in enumerate(form.equation.argmax)))
            sizes = tuple(array for array in chain.system.inputs if array.name not in reads)
            found = compile_system(System((*inputs, *sizes), (probe,)), ["probe"])(
                **{array.name: given[array.name] for array in (*inputs, *sizes)})
            if not np.allclose(found, given[step.name], rtol=1e-9, atol=1e-12):
                wrong.append(f"{step.name}, form {place}, {form.rule}")
    return wrong


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in (
    "lenet", "transformer", "lstm") else ()) for name in NAMES])
def test_every_form_of_every_step_has_one_value(name: str) -> None:
    derived, values = values_for(name)
    assert wrong_forms(derived, values) == []


def test_a_wrong_form_is_found() -> None:
    derived, values = values_for("xor")
    step = derived.chain.step("dW1")
    other = derived.chain.step("dW2")
    first = replace(step.forms[0], equation=replace(step.equation, terms=tuple(
        replace(term, body=2 * term.body) for term in step.equation.terms)))
    chain = replace(derived.chain, steps=tuple(
        replace(one, forms=(first, *one.forms)) if one is step else one
        for one in derived.chain.steps))
    assert other in chain.steps
    (found,) = wrong_forms(Derivation(chain, derived.writer, derived.network), values)
    assert found.startswith("dW1, form 0, ")
