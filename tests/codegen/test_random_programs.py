"""Programs that nobody wrote: every derivative of theirs, in every spelling, is the same number.

The reference is a complex step of the loss as it stands, exact to rounding; where a modulus
forbids that, central differences, within their own error bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from random_programs import SIZES, Program, over_programs

from gradproof.codegen.compile import compile_system
from gradproof.codegen.interpret import evaluate
from gradproof.codegen.source import gradient_source
from gradproof.numeric import derivative_along
from gradproof.numeric.evaluation import Evaluator
from gradproof.symbolic.derive import higher_orders as orders
from gradproof.symbolic.derive.adjoint import forward, reverse
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import (
    Array,
    Equal,
    Equation,
    EquationError,
    Index,
    Read,
    Recurrence,
    Size,
    System,
    Term,
    Within,
    index_symbol,
    size_symbol,
    slot,
)
from gradproof.symbolic.validation import validate

STEP = 1e-30
LARGE = 1e4


def slope(system: System, output: str, values: dict, direction: dict) -> Any:
    """The derivative of an array in a direction, by a step through `system` as it stands."""
    moved = dict(values)
    for name, along in direction.items():
        moved[name] = values[name] + 1j * STEP * along
    return evaluate(system, moved, SIZES)[output].imag / STEP


def agree(found: Any, expected: Any, what: str) -> None:
    scale = 1 + np.max(np.abs(expected), initial=0)
    assert np.shape(found) == np.shape(expected), what
    # Both sides round as often as there are operations, some hundreds, on numbers below 1e4.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale, err_msg=what)


def spelled(system: System, gradients: dict, values: dict, expected: dict) -> None:
    """Compiled, and printed where there is a text for it, the arrays are what they are."""
    names = ["L", *gradients.values()] if gradients else list(expected)
    for rows in (True, False):
        for name, array in zip(names, compile_system(system, names, rows)(**values), strict=True):
            agree(array, expected[name], f"compiled {name}")
    if not gradients:
        return
    try:
        source = gradient_source(system, "L", gradients)
    except EquationError:  # no text for this one, and it says so
        return
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    loss, written = namespace["gradient"](**values)
    agree(loss, expected["L"], source)
    for name, array in gradients.items():
        agree(written[name], expected[array], f"written {name}\n{source}")


def steps_agree(
    program: Program, system: System, values: dict, directions: dict, gradient: dict
) -> None:
    """A gradient along a direction is what a step of the loss says; AssertionError if not."""
    for name, direction in directions.items():
        along = np.sum(gradient[name] * direction)
        if program.is_analytic:
            expected = slope(system, "L", values, {name: direction})
            agree(along, expected, f"by {name}")
            continue
        estimate = derivative_along(Evaluator(
            lambda moved: float(evaluate(system, moved, SIZES)["L"]), values), name, direction)
        if estimate.status == "smooth":
            assert abs(estimate.value - along) <= estimate.bound, f"by {name}"


def holds(program: Program, seed: int) -> None:
    """Every derivative of the program at a random point; AssertionError for one that is wrong."""
    system, wrt = validate(program.system), program.wrt
    values = program.values(seed)
    sizes = SIZES
    every = evaluate(system, values, sizes)
    if not all(np.all(np.abs(array) < LARGE) for array in every.values()):
        return  # rounding would be all there is to see
    random = np.random.default_rng([seed, 1])
    directions = {name: random.normal(size=values[name].shape) for name in wrt}

    raw = reverse(system, "L", wrt)
    found = evaluate(raw.system, values, sizes)
    gradient = {name: found[raw.of[name]] for name in wrt}
    along = sum(np.sum(gradient[name] * directions[name]) for name in wrt)
    steps_agree(program, system, values, directions, gradient)

    chain = differentiate(system, "L", wrt)
    validate(chain.system)
    simple = evaluate(chain.system, values, sizes)
    for name in wrt:
        agree(simple[chain.of[name]], gradient[name], f"simplified, by {name}")
    spelled(chain.system, {name: chain.of[name] for name in wrt}, values, simple)

    dots = {name: f"{name}_v" for name in wrt}
    wide = System((*system.inputs, *(Array(dots[n], system.shapes[n]) for n in wrt)), system.items)
    tangents = {dots[name]: directions[name] for name in wrt}
    pushed = forward(wide, dots)
    if "L" in pushed.of:
        agree(evaluate(pushed.system, {**values, **tangents}, sizes)[pushed.of["L"]], along,
              "forward mode")
    jvp = orders.pushforward(system, "L", wrt)
    named = {f"{name}_dot": directions[name] for name in wrt}
    agree(evaluate(jvp.system, {**values, **named}, sizes)[jvp.of["L"]], along, "pushforward")

    for one, other in [(wrt[0], wrt[-1]), (wrt[0], wrt[0])]:
        product = orders.hessian_product(system, "L", one, other)
        given_ = {**values, f"{other}_dot": directions[other]}
        second = evaluate(product.system, given_, sizes)[product.of[chain.of[one]]]
        if program.is_analytic:
            expected = slope(raw.system, raw.of[one], values, {other: directions[other]})
            agree(second, expected, f"Hessian product {one}, {other}")
        spelled(product.system, {}, given_, dict.fromkeys(product.of.values(), second))


@over_programs(2)
def test_every_derivative_of_a_random_program_holds(program: Program, seed: int) -> None:
    holds(program, seed)


@pytest.mark.slow
@over_programs(18)
def test_every_derivative_of_many_random_programs_holds(program: Program, seed: int) -> None:
    holds(program, seed)


n, m, T = map(size_symbol, "nmk")
t, i, j, k = map(index_symbol, "tijk")
x, y = slot(0), slot(1)


def _step(*terms: Term, more: tuple[Equation, ...] = (), width: Size = n) -> System:
    """A recurrence y[t, i] of these terms (and `more` equations), and the sum of its squares."""
    step, entry = Index("t", T), Index("i", width)
    group = (Equation("y", (step, entry), terms), *more)
    total = Equation("L", (), tuple(
        Term(x**2, (Read(e.name, (step.symbol, entry.symbol)),), (step, entry)) for e in group))
    return validate(System((Array("a", (width,)), Array("b", (T,))),
                           (Recurrence("t", 1, group), total)))


LATER = (Within(sp.S.Zero, t - 1, T),)
BEFORE = Term(sp.sin(x), (Read("y", (t - 1, i)),), (), LATER)
ENTRIES = (Read("a", (i,)), Read("b", (t,)))
FOUND = {
    "a guard whose bound is an index": _step(
        BEFORE, Term(x * y, ENTRIES, (), (Within(sp.S.Zero, t, 2 * i + 1),)), width=sp.Integer(2)),
    "a guard whose bound is an index of length 1": _step(
        BEFORE, Term(x * y, ENTRIES, (), (Within(sp.S.Zero, t - 1, i + 1),)), width=sp.Integer(1)),
    "a guard that always holds, and one that never does": _step(
        BEFORE, Term(x * y, ENTRIES, (), (Equal(i, i),)), Term(x, ENTRIES, (), (Equal(t, t + 1),))),
    "the number of the step before": _step(
        Term(sp.sin(x - y), (Read("y", (t - 1, i)), Read("#", (t - 1,))), (), LATER),
        Term(x, ENTRIES[:1])),
    "an array of a loop that another reads only through a diagonal": _step(
        BEFORE, Term(x, ENTRIES[:1]), more=(Equation("z", (Index("t", T), Index("i", n)), (
            Term(sp.sin(x), (Read("y", (t, i)),), (), (Equal(i, t + 1),)),)),)),
    "an array of a loop that reads one below it": _step(
        BEFORE, Term(x, (Read("z", (t - 1, i)),), (), LATER), Term(x, ENTRIES[:1]),
        more=(Equation("z", (Index("t", T), Index("i", n)), (
            Term(sp.sin(x) * y, (Read("z", (t - 1, i)), Read("a", (i,))), (), LATER),
            Term(x * y, ENTRIES))),)),
    "a difference of an array and itself": validate(System(
        (Array("a", (n,)), Array("b", ())),
        (Equation("y", (), (Term((x - y) * slot(2), (
            Read("a", (i,)), Read("a", (i,)), Read("b", ())), (Index("i", n),)),), "logsumexp"),
         Equation("L", (), (Term(x**2 * y, (Read("y", ()), Read("b", ()))),))))),
    "a value that does not depend on all its axes": validate(System(
        (Array("a", (n,)), Array("b", (T,)), Array("c", (n, m))),
        (Equation("y", (Index("t", T), Index("i", sp.Integer(1))), (
            Term(x * y, (Read("b", (sp.S.Zero,)), Read("c", (j, sp.S.Zero))), (Index("j", n),)),
        ), "logsumexp"),
         Equation("z", (Index("i", n),), (Term(sp.Integer(2)),)),
         Equation("L", (), (
             Term(x * y, (Read("y", (t, sp.S.Zero)), Read("b", (t,))), (Index("t", T),)),
             Term(x * y, (Read("z", (i,)), Read("a", (i,))), (Index("i", n),)),
             Term(x, (Read("c", (i, k)),), (Index("i", n), Index("k", m))),
         ))))),
}


@pytest.mark.parametrize("what", FOUND)
def test_programs_that_were_wrong_once_hold(what):
    system = FOUND[what]
    holds(Program(system, tuple(array.name for array in system.inputs)), 0)
