"""What random programs have shown of printed formulas, each kind by a small system of its own; and
a short run of such programs, read back and evaluated."""

import exact_steps
import pytest
import sympy as sp
from printed import arrays_of, fault, formulas, of_derivation

import gradproof as gp
from gradproof.symbolic.equation import (
    INDEX_VALUE,
    Array,
    Equation,
    Index,
    Read,
    Recurrence,
    System,
    Term,
    Within,
    index_symbol,
    size_symbol,
    slot,
)
from gradproof.symbolic.functions import STEP

n, m, k = map(size_symbol, "nmk")
i, p, q, t, u = map(index_symbol, "ipqtu")
ONE, ZERO = sp.S.One, sp.S.Zero
x, y, z = map(slot, range(3))


def read(name, *at):
    return Read(name, tuple(map(sp.sympify, at)))


def total(name, *shape):
    """L = ½ Σ name²."""
    over = tuple(Index(letter, size) for letter, size in zip("ijp", shape, strict=False))
    return Equation("L", (), (Term(x**2 / 2, (Read(name, tuple(o.symbol for o in over)),), over),))


def derived(equations, **inputs):
    arrays = tuple(Array(name, *(found if isinstance(found, list) else [found]))
                   for name, found in inputs.items())
    labels = {"s": 1}
    arrays = tuple(Array(a.name, a.shape, "labels", classes=ONE) if a.name in labels else a
                   for a in arrays)
    return gp.derive(System(arrays, tuple(equations)), [a for a in inputs if a not in labels])


def held(derivation):
    made = of_derivation("program", derivation)
    arrays = arrays_of(made)
    wrong = [f"{text}: {found}" for equation, text, latex in formulas(made)
             if (found := fault(made, equation, text, latex, arrays))]
    assert not wrong, "\n".join(wrong)


def _one_class():
    """A maximum over k of a[s[k]], where a has one entry."""
    chosen = Read("a", (read("s", u),))
    return derived([
        Equation("y", (), (Term(x * y, (chosen, Read("c", ())), (Index("u", n),)),), "max"),
        total("y")], a=(ONE,), c=(), s=(n,))


def _number_along_an_axis():
    """A temporary that is one number all along 2 m places."""
    return derived([
        Equation("t2", (Index("p", 2 * m), Index("q", ONE)), (
            Term(x - y, (read("b", q), read("a", 0, i)), (Index("i", ONE),)),
            Term(-2 * x, (read("a", u, 0),), (Index("u", ONE),)))),
        Equation("L", (), (Term(x, (read("b", q),), (Index("q", ONE),)), Term(
            x**2, (read("t2", p, q),), (Index("p", 2 * m), Index("q", ONE))))),
    ], a=(ONE, ONE), b=(ONE,), w=(m,))


def _never():
    """A term whose guard no place of an axis of length 1 can hold, and one with one place left."""
    return derived([
        Equation("y", (Index("t", n), Index("q", ONE)), (
            Term(1 / (2 + x**2), (read("b", q - 1, t),), (), (Within(ZERO, q - 1, ONE),)),
            Term(x, (read("b", t + q - 1, t),), (), (Within(ZERO, t + q - 1, ONE),)),
            Term(x**2, (read("b", q, t),)))),
        total("y", n, ONE)], b=(ONE, n))


def _every_second():
    """Every second entry of a column, beside a matrix."""
    return derived([
        Equation("y", (), (Term(x * y, (read("a", 2 * p, 0), read("c", 0, p)), (Index("p", m),), (
            Within(ZERO, 2 * p, n),)),)), total("y")], a=(n, ONE), c=(n, m))


def _power_of_a_condition():
    return derived([
        Equation("t5", (Index("p", n), Index("q", n)), (
            Term(x * STEP(y), (read(INDEX_VALUE, p), read("y", 0))),)), total("t5", n, n)],
        y=(n,))


def _size_in_the_body():
    """log Σ exp over two axes, one of which nothing depends on, on an axis called as its size."""
    return derived([
        Equation("y", (Index("k", k),), (Term(x * y, (read("c", p), Read("b", ())), (
            Index("p", k), Index("q", k))),), "logsumexp"), total("y", k)], b=(), c=(k,))


def _two_loops():
    """A loop whose steps are read by another: the adjoint sums over these."""
    last = Term(x * y, (read("y", t + 1), read("z", i)), (Index("i", m),),
                (Within(ZERO, t + 1, sp.Integer(3)),))
    return derived([
        Recurrence("t", -1, (Equation("z", (Index("t", m),), (
            Term(x / 4, (read("z", t + 1),), (), (Within(ZERO, t + 1, m),)),
            Term(x, (read("c", t),)))),)),
        Recurrence("t", -1, (Equation("y", (Index("t", sp.Integer(3)),), (
            last, Term(x, (read("a", t),)))),)),
        total("y", sp.Integer(3))], a=(sp.Integer(3),), c=(m,))


def _entry_of_a_row():
    return derived([
        Equation("y", (), (Term(x * sp.exp(y), (Read("a", ()), read("c", 0, 2))),)),
        total("y")], a=(), c=(ONE, sp.Integer(3)))


def _beyond_two_arrays():
    """A step back, of an adjoint that is 0 before the first step and of an array that is none."""
    later = Term(y * sp.exp(x), (read("y", t + 1), read("z", t, 0)), (), (Within(ZERO, t + 1, n),))
    return derived([
        Recurrence("t", -1, (Equation("z", (Index("t", n), Index("p", k)), (
            Term(x / 4, (read("z", t + 1, p),), (), (Within(ZERO, t + 1, n),)),
            Term(x, (read("c", t, p),)))),)),
        Recurrence("t", -1, (Equation("y", (Index("t", n),), (
            later, Term(x, (read("a", t),)))),)),
        total("y", n)], a=(n,), c=(n, k))


def _slice_at_the_end_of_a_doubled_axis():
    return derived([
        Equation("y", (Index("i", n),), (Term(sp.exp(x), (read("b", i, 2 * m - 1),)),)),
        total("y", n)], b=(n, 2 * m))


def _place_of_one():
    """A maximum over one place alone, whose place is read: it is 0."""
    return derived([
        Equation("t2", (Index("u", n),), (Term(x * STEP(y), (read("a", p), read("b", m - 1, i)), (
            Index("p", ONE), Index("i", ONE))),), "max"),
        total("t2", n)], a=(ONE,), b=(m, ONE), w=(n,))


def _sigmoid_of_nothing():
    return derived([
        Equation("y", (Index("p", k),), (Term(x + 1 / (1 + sp.exp(y - z)), (
            read("b", p), Read("c", ()), Read("c", ()))),)), total("y", k)], b=(k,), c=())


KINDS = [
    (_place_of_one, "t2", None),
    (_sigmoid_of_nothing, "b", None),
    (_beyond_two_arrays, "y", None),
    (_slice_at_the_end_of_a_doubled_axis, "y", "y = exp(b[:,2m-1])"),
    (_one_class, "y", "y = max_u<n a c"),
    (_number_along_an_axis, "L", "L = b + Σ_p<2m (b - 3 a)²"),
    (_number_along_an_axis, "b", "∂L/∂b = 1 + 2 Σ_p<2m (b - 3 a)"),
    (_never, "y", "yₜ = [t = 1] bₜ + bₜ²"),
    (_every_second, "y", "y = Σ_p [0 ≤ 2p ≤ n - 1] a₂ₚ c₀ₚ"),
    (_power_of_a_condition, "L", "L = ½ n Σ_i<n i² [y₀ > 0]"),
    (_size_in_the_body, "y", "yᵢ = log(Σ_p exp(log(k) + cₚ b))"),
    (_two_loops, "z", None),
    (_entry_of_a_row, "y", "y = a exp(c₂)"),
]


@pytest.mark.parametrize(("made", "name", "expected"), KINDS)
def test_a_kind_that_was_printed_otherwise_than_it_is(made, name, expected):
    derivation = made()
    found = derivation.gradients.get(name) or derivation.forward[name]
    if expected is not None:
        assert str(found) == expected
    held(derivation)


@pytest.mark.slow
def test_some_programs_are_derived_and_printed_as_they_are(capsys):
    assert exact_steps.main(8, 7_000_000) == 0
    assert "'programs': 8" in capsys.readouterr().out
