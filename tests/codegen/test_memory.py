"""Memory of compiled loops: what is read is still there, and there is no more than that takes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradproof as gp
from gradproof.codegen.loops import memory
from gradproof.codegen.loops.memory import Place, laid_out, places
from gradproof.codegen.loops.products import with_products
from gradproof.codegen.loops.writing import loops


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 99)), max_size=12))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_arrays_that_are_there_at_once_stand_apart(drawn):
    found = [Place((f"x{k}",), start, start + more) for k, (start, more, _) in enumerate(drawn)]
    counts = {f"x{k}": count for k, (*_, count) in enumerate(drawn)}
    where, total = laid_out(found, counts)
    assert where.keys() == counts.keys()
    assert {host for host, _ in where.values()} <= {""}
    starts = {name: start for name, (_, start) in where.items()}
    for one in found:
        low, high = starts[one.names[0]], starts[one.names[0]] + counts[one.names[0]]
        assert high <= total
        for other in found:
            if one is not other and one.start <= other.end and other.start <= one.end:
                there = starts[other.names[0]]
                assert there >= high or there + counts[other.names[0]] <= low
    most = max((sum(-(-counts[one.names[0]] // memory.APART) * memory.APART for one in found
                    if one.start <= at <= one.end) for at in range(15)), default=0)
    assert most <= total <= 2 * most or total <= memory.APART


def test_what_is_read_before_a_result_is_computed_may_have_its_memory():
    found = [Place(("a",), 0, 2), Place(("b",), 1, 3), Place(("c",), 0, 4), Place(("d",), 3, 3),
             Place(("r",), 4, 4, "r")]
    counts = {"a": 16, "b": 16, "c": 16, "d": 16, "r": 40}
    where, total = laid_out(found, counts, ["r"])
    assert where == {"a": ("r", 0), "b": ("r", 16), "c": ("", 0), "d": ("r", 0)}
    assert total == 16
    assert laid_out(found, counts)[1] == 48


def of_network() -> tuple[object, list[Place]]:
    derivation = gp.derive(gp.Network([9, 7, 5, 3], activation="tanh", output="softmax",
                                      loss="cross_entropy"))
    what = with_products(loops(derivation.system, [derivation.chain.loss, *(
        formula.array for formula in derivation.gradients.values())]))
    shapes = {**what.system.shapes, **what.further}
    inner = [item.name for item in what.items if item.name not in what.results]
    return what, places(what.items, inner, shapes, what.products)


def test_what_is_computed_entry_by_entry_takes_the_place_of_what_it_reads():
    what, found = of_network()
    joined = {name: one for one in found for name in one.names}
    assert joined["Z1_product"] is joined["Z1"]
    assert len(joined) > len(found)
    for one in found:  # each is read for the last time where the next one is computed
        assert len({*one.names}) == len(one.names)
        assert sum(name in what.results for name in one.names) == bool(one.result)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_large_results_are_the_callers_own(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    derivation = gp.derive(gp.equations("Y = 2*tanh(A) + A\nL = sum(Y**2)", A="m n"))
    run = derivation.compile(target="c")
    first = None
    for sizes in ((40, 50), (3, 4), (50, 40)):
        values = {"A": np.linspace(-2, 2, sizes[0] * sizes[1]).reshape(sizes)}
        due = derivation.compile()(**values)[1]["A"]
        found, again = run(**values)[1]["A"], run(**values)[1]["A"]
        assert not np.shares_memory(found, again)
        np.testing.assert_allclose(found, due, rtol=1e-12)
        np.testing.assert_array_equal(found, again)
        if first is not None:
            np.testing.assert_array_equal(first[0], first[1])
        first = found, found.copy()
