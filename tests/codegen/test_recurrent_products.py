"""Products of matrices in the steps of recurrences, whatever stands where: what a BLAS computes is
what the equations say, and what no step needs of another is computed before the loop."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_programs import SIZES, Program, over_programs

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.codegen.loops import bound
from gradproof.codegen.loops.c_library import compile_c
from gradproof.codegen.loops.numba_source import numba_of
from gradproof.codegen.loops.products import with_products
from gradproof.codegen.loops.steps import kept_for_a_step
from gradproof.codegen.loops.writing import Loops, loops
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import (
    Array,
    Equation,
    EquationError,
    Index,
    Read,
    Recurrence,
    System,
    Term,
    Within,
    size_symbol,
    slot,
)
from gradproof.symbolic.functions import SIGMOID, TANH
from gradproof.symbolic.validation import validate

x, y, z = map(slot, range(3))
STEPS, ROWS, UNITS, FEATURES = map(size_symbol, "Tmdn")


def matrices_first(system: System, results: list[str]) -> Loops:
    return with_products(loops(system, results))


def interpreted(what: Loops, values: dict[str, Any]) -> dict[str, Any]:
    """The loops, and NumPy's products where a BLAS's are, run by Python."""
    text = numba_of(what).text
    space: dict[str, Any] = {}
    exec(text.replace("from numba import njit", "def njit(**options): return lambda f: f"), space)
    with np.errstate(all="ignore"):
        return dict(zip(what.results, space["gradient"](
            *(values[a.name] for a in what.system.inputs)), strict=True))


def same(found: Any, due: Any, close: float = 1e-12) -> None:
    scale = 1 + np.max(np.abs(due), initial=0)
    np.testing.assert_allclose(found, due, rtol=0, atol=close * scale)


def random_holds(program: Program, seed: int) -> None:
    values = program.values(seed)
    chain = differentiate(validate(program.system), "L", program.wrt)
    names = list(dict.fromkeys(["L", *(chain.of[name] for name in program.wrt)]))
    with np.errstate(all="ignore"):
        due = evaluate(chain.system, values, SIZES)
    if not all(np.all(np.abs(array) < 1e4) for array in due.values()):
        return
    try:
        found = interpreted(matrices_first(chain.system, names), values)
    except EquationError:  # what has no loops, and says so
        return
    for name in names:
        same(found[name], due[name])


@over_programs(6)
def test_random_programs(program: Program, seed: int) -> None:
    random_holds(program, seed)


@pytest.mark.slow
@over_programs(150)
def test_many_random_programs(program: Program, seed: int) -> None:
    random_holds(program, seed)


@st.composite
def recurrences(draw: st.DrawFn) -> tuple[System, tuple[str, ...]]:
    """h[t, s, j] = f(X[t] W + h[t ± 1] U + b), its axes in any order, the first step with or
    without a start of its own, with a gate or without, and what is read of it."""
    t, s, j, i, k = (Index(name, size) for name, size in (
        ("t", STEPS), ("s", ROWS), ("j", UNITS), ("i", FEATURES), ("k", UNITS)))
    direction = draw(st.sampled_from([1, -1]))
    before = t.symbol - direction
    inside = (Within(sp.S.Zero, before, STEPS),)

    def ordered(*axes: Any) -> tuple[Any, ...]:
        return tuple(draw(st.permutations(axes)))

    out, given_to = ordered(t, s, j), ordered(t, s, i)
    past = tuple(before if one is t else k.symbol if one is j else one.symbol for one in out)
    weights = (k.symbol, j.symbol)[::draw(st.sampled_from([1, -1]))]

    def step(name: str, kind: Any, extra: tuple[Term, ...] = ()) -> Equation:
        terms = [Term(x * y, (Read("X", tuple(one.symbol for one in given_to)),
                              Read(f"W{name}", (i.symbol, j.symbol))), (i,)),
                 Term(x * y, (Read("h", past), Read(f"U{name}", weights)), (k,), inside)]
        if draw(st.booleans()):
            terms.append(Term(x, (Read(f"b{name}", (j.symbol,)),)))
        if draw(st.booleans()):  # what no product is
            terms.append(Term(kind(x) * y, (Read("h", past), Read(f"U{name}", weights)),
                              (k,), inside))
        return Equation(f"a{name}", out, (*terms, *extra))

    place = tuple(one.symbol for one in out)
    own = tuple(before if one is t else one.symbol for one in out)
    group = [step("", TANH)]
    state = Term(TANH(x), (Read("a", place),))
    if draw(st.booleans()):
        group.append(step("g", SIGMOID))
        state = Term(TANH(x) * SIGMOID(y), (Read("a", place), Read("ag", place)))
    kept = (Term(x / 2, (Read("h", own),), (), inside),) if draw(st.booleans()) else ()
    group.append(Equation("h", out, (state, *kept)))
    body = draw(st.sampled_from([x, x**2, TANH(x)]))
    last = draw(st.booleans())
    ends = tuple(STEPS - 1 if one is t and last else one.symbol for one in out)
    total = Equation("L", (), (Term(body * y, (Read("h", ends), Read("v", (j.symbol,))),
                                    (s, j) if last else (t, s, j)),))
    sizes = {"X": tuple(one.size for one in given_to), "v": (UNITS,)}
    for gate in ("", "g")[:len(group) - 1]:
        sizes |= {f"W{gate}": (FEATURES, UNITS), f"U{gate}": (UNITS, UNITS), f"b{gate}": (UNITS,)}
    inputs = tuple(Array(name, shape) for name, shape in sizes.items())
    return validate(System(inputs, (Recurrence("t", direction, tuple(group)), total))), tuple(
        name for name in sizes if name[0] in "XWU")


def drawn(system: System, sizes: dict[str, int], seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {a.name: rng.normal(size=[sizes[str(n)] for n in a.shape]) / 2 for a in system.inputs}


@settings(max_examples=5, derandomize=True, deadline=None,
          suppress_health_check=list(HealthCheck))
@given(recurrences())
def test_random_recurrences(made):
    system, wrt = made
    chain = differentiate(system, "L", wrt)
    names = ["L", *(chain.of[name] for name in wrt)]
    what = matrices_first(chain.system, names)
    steps = [item for item in what.items if isinstance(item, Recurrence)]
    assert len(steps) == 2
    for item in steps:
        assert any(e.name in what.products for e in item.equations)
    assert any("_before" in name for name in what.products)
    for sizes in ({"T": 4, "m": 3, "d": 2, "n": 5}, {"T": 1, "m": 1, "d": 3, "n": 1}):
        values = drawn(chain.system, sizes)
        due = evaluate(chain.system, values, sizes)
        found = interpreted(what, values)
        for name in names:
            same(found[name], due[name])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@settings(max_examples=2, derandomize=True, deadline=None,
          suppress_health_check=list(HealthCheck))
@given(made=recurrences())
def test_random_recurrences_in_c(tmp_path_factory, made):
    pytest.importorskip("scipy")
    system, wrt = made
    chain = differentiate(system, "L", wrt)
    names = ["L", *(chain.of[name] for name in wrt)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        run = compile_c(chain.system, names, wrt)
        for least in (2**14, 0):  # as loops, and by a BLAS
            patch.setattr(bound, "LARGE", least)
            for number, sizes in enumerate(({"T": 4, "m": 3, "d": 2, "n": 5},
                                            {"T": 2, "m": 1, "d": 4, "n": 3}) * 2):
                values = drawn(chain.system, {**sizes, "T": sizes["T"] + least % 7}, number)
                numbers = {str(size): n for a in chain.system.inputs for size, n in zip(
                    a.shape, values[a.name].shape, strict=True)}
                due = evaluate(chain.system, values, numbers)
                loss, found = run(**values)
                same(loss, due["L"])
                for name in wrt:
                    same(found[name], due[chain.of[name]])


def model(kind: str, **options: Any) -> Any:
    return gp.derive(gp.Model("T m n", [{"type": kind, "units": "d", **options}, "last"],
                              loss="mean_squared_error"))


@pytest.mark.parametrize("kind", [
    "rnn", *(pytest.param(kind, marks=pytest.mark.rows) for kind in ("gru", "lstm"))])
def test_layers_by_a_blas_at_each_step(kind):
    derivation = model(kind)
    names = [derivation.chain.loss, *(f.array for f in derivation.gradients.values())]
    what = matrices_first(derivation.system, names)
    inside = [e for item in what.items if isinstance(item, Recurrence) for e in item.equations]
    sums = [e for e in inside for term in e.terms if term.over]
    assert sums  # no sum in a step but one that a BLAS does
    assert all(e.name in what.products for e in sums)
    values = drawn(derivation.system, {"T": 5, "m": 3, "d": 4, "n": 2})
    loss, due = derivation.compile()(**values)
    found = interpreted(what, values)
    same(found[names[0]], loss)
    for key, formula in derivation.gradients.items():
        same(found[formula.array], due[key])


def test_what_a_step_alone_reads_has_one_step_of_memory():
    what = loops(*(lambda d: (d.system, [d.chain.loss, *(
        f.array for f in d.gradients.values())]))(model("lstm")))
    kept = kept_for_a_step(what.items, what.results)
    assert {"a_i", "a_f", "a_g", "a_o", "dh"} <= kept.keys()
    assert not {"h", "c", "dc", "da_i"} & kept.keys()
    assert "double" not in numba_of(what).text
    assert "a_i = np.empty((m, d)" in numba_of(what).text


def test_a_factor_that_may_be_0_is_not_divided_by():
    """A case of cases that is 0 stood outside the sum, and 0/0 within it."""
    shown = gp.derive(gp.equations("L = sum(where(a > 2, a, 0*a)*x)", a="", x="n"))
    source = shown.numba_source()
    space: dict[str, Any] = {}
    exec(source.replace("from numba import njit", "def njit(**options): return lambda f: f"), space)
    with np.errstate(all="ignore"):
        loss, *_ = space["gradient"](np.array(1.0), np.ones(3))
    assert loss == 0


def test_a_step_that_is_not_there_is_not_multiplied():
    """X[t - 1] is read where k < t alone: a matrix that starts there would be in front of X."""
    t, s, i, k = (Index(name, size) for name, size in (
        ("t", STEPS), ("s", ROWS), ("i", FEATURES), ("k", UNITS)))
    at = (t.symbol, s.symbol, k.symbol)
    group = Recurrence("t", 1, (Equation("h", (t, s, k), (
        Term(x / 2, (Read("h", (t.symbol - 1, *at[1:])),), (),
             (Within(sp.S.Zero, t.symbol - 1, STEPS),)),
        Term(x * y, (Read("X", (t.symbol - 1, s.symbol, i.symbol)),
                     Read("W", (i.symbol, k.symbol))), (i,),
             (Within(sp.S.Zero, t.symbol - 1 - k.symbol, STEPS),)))),))
    total = Equation("L", (), (Term(x**2, (Read("h", at),), (t, s, k)),))
    system = validate(System((Array("X", (STEPS, ROWS, FEATURES)), Array("W", (FEATURES, UNITS))),
                             (group, total)))
    names = ["L", "dX", "dW"]
    chain = differentiate(system, "L", ("X", "W"))
    values = drawn(system, {"T": 4, "m": 2, "d": 3, "n": 2})
    due = evaluate(chain.system, values)
    found = interpreted(matrices_first(chain.system, names), values)
    for name in names:
        same(found[name], due[name])
    assert not any(read.at[0] == t.symbol - 1 for product in matrices_first(
        chain.system, names).products.values()
        for read in (product.left.first, product.right.first) if read.array == "X")
