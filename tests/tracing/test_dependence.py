"""What follows from what: one walk over a system, recurrences and places of maxima included."""

import pytest

import gradproof as gp
from gradproof.symbolic.dependence import (
    ancestors,
    between,
    descendants,
    needed_items,
    needed_part,
    operands,
    reached,
    restricted,
    until,
)
from gradproof.symbolic.derive.by_entries import disagreements, unroll
from gradproof.symbolic.derive.recording import record_argmax
from gradproof.symbolic.equation import Recurrence

RECURRENT = """
h[-1] = h0
h[t] = tanh(U @ h[t-1] + x[t])
L = sum(h**2)
"""


def recurrent():
    return gp.equations(RECURRENT, U="2 2", x="3 2", h0="2")


def test_a_walk_meets_each_point_once_the_nearest_first():
    graph = {1: [2, 3], 2: [4], 3: [4, 1], 4: [2]}
    assert list(reached([1], graph.__getitem__)) == [1, 2, 3, 4]
    assert list(reached([1], graph.__getitem__, depth=1)) == [1, 2, 3]
    assert list(reached([1], graph.__getitem__, depth=0)) == [1]
    assert list(reached([], graph.__getitem__)) == []


def test_equations_of_a_recurrence_follow_from_those_that_stand_below_them():
    system = recurrent()
    (loop,) = [item for item in system.items if isinstance(item, Recurrence)]
    inside = [equation.name for equation in loop.equations]
    # The first equation of the loop reads the last one, at the step before.
    assert ancestors(system, [inside[0]]) == inside
    assert descendants(system.equations, ["U"]) == {"U", *inside, "L"}
    assert descendants(system.equations, [inside[-1]]) == {*inside, "L"}
    assert between(system, "L", ["h0"]) == {"h0", *inside, "L"}


def test_what_is_not_needed_is_left_out():
    system = gp.equations("a = A @ x\nb = exp(x)\nL = sum(a**2)\nc = L + sum(b)", A="m n", x="n")
    assert ancestors(system, ["L"]) == ["a", "L"]
    assert [item.name for item in needed_items(system, ["L"])] == ["a", "L"]
    part = needed_part(system, ["b"])
    assert [array.name for array in part.inputs] == ["x"]
    assert [equation.name for equation in part.equations] == ["b"]
    assert [equation.name for equation in until(system, "L").equations] == ["a", "b", "L"]
    assert operands(system, "L", 1) == ["a"]
    assert operands(system, "c", 1)[:1] == ["L"]
    assert {"a", "b"} <= {*operands(system, "c", 2)}
    assert [e.name for e in restricted(system, {"a", "b"}).equations] == ["a", "b"]
    with pytest.raises(KeyError):
        until(system, "A")


def test_a_part_that_needs_one_equation_of_a_recurrence_has_all_of_it():
    system = recurrent()
    names = [equation.name for equation in needed_part(system, ["h"]).equations]
    assert names == [e.name for e in system.equations if e.name != "L"]
    assert restricted(system, {"h"}).items == ()  # a recurrence is kept whole or not at all
    assert restricted(system, {*names}).items == needed_part(system, ["h"]).items


def test_places_of_maxima_are_needed_but_pass_no_derivative_on():
    system = record_argmax(gp.equations("m = max(X, axis=1)\nL = sum(m)", X="a b"))
    (place,) = system["m"].argmax
    assert ancestors(system, [place]) == ["m"]
    assert place not in descendants(system.equations, ["X"])


def test_the_entry_form_of_a_recurrence_is_the_same_derivation():
    derivation = gp.derive(recurrent())
    entries = derivation.entries()
    assert disagreements(entries.chain, derivation.chain) == []
    shown = str(entries)
    assert "h₂₁ = tanh(t₂₂₁)" in shown  # after the first step, from the first step
    assert shown.index("h₁₁ = tanh") < shown.index("h₂₁ = tanh")
    assert "[-1" not in shown


def test_the_entry_form_of_a_recurrence_that_runs_down():
    """The adjoint pass of a recurrence, taken for a system of its own, runs from the last step."""
    derivation = gp.derive(recurrent())
    names = [equation.name for equation in unroll(derivation.system).equations]
    loops = [item for item in derivation.system.items if isinstance(item, Recurrence)]
    assert {loop.direction for loop in loops} == {1, -1}
    (down,) = [loop.equations[0].name for loop in loops if loop.direction == -1]
    assert names.index(f"{down}[2,0]") < names.index(f"{down}[0,0]")
