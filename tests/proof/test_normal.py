"""Normal forms: canonical whatever the indices are called and however sums are nested."""

from __future__ import annotations

import itertools
import random
import time

import pytest
import sympy as sp

from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.normalform.canonical_names import canonical
from gradproof.symbolic.normalform.contraction import contract
from gradproof.symbolic.normalform.forms import new_atoms
from gradproof.symbolic.normalform.indices import is_nonnegative
from gradproof.symbolic.normalform.nonlinear import exponential, inverse, logarithm, power
from gradproof.symbolic.normalform.polynomial import Atoms, BudgetError, Poly, plus, scaled
from gradproof.symbolic.normalform.signs import sign

n = size_symbol("n")


def matrix(table: Atoms, name: str) -> int:
    return table.base("input", Array(name, (n, n)))


def contracted(table: Atoms, edges: list[tuple[str, int, int]], count: int, free: int) -> Poly:
    """Σ over all but the first `free` of `count` indices of Π A[i, j] over the edges (A, i, j)."""
    open_ = [table.placeholder(place, n) for place in range(free)]
    bound = [table.fresh(n) for _ in range(count - free)]
    random.Random(count).shuffle(bound)
    at = [*open_, *bound]
    product = table.product(
        table.entry(matrix(table, name), (at[i], at[j])) for name, i, j in edges
    )
    return contract(table, product, bound)


@pytest.mark.parametrize("free", [0, 1, 2])
def test_bound_names_do_not_matter(free: int) -> None:
    edges = [("A", 0, 2), ("A", 2, 3), ("B", 3, 1), ("A", 3, 4), ("B", 4, 4)]
    table = new_atoms(10**6)
    first = contracted(table, edges, 5, free)
    for order in itertools.permutations(range(free, 5)):
        name = [*range(free), *order]
        moved = [(a, name[i], name[j]) for a, i, j in edges]
        assert contracted(table, moved, 5, free) == first


def test_different_graphs_differ() -> None:
    """A cycle of six and two cycles of three: colour refinement alone does not tell them apart."""
    table = new_atoms(10**6)
    six = [("A", i, (i + 1) % 6) for i in range(6)]
    threes = [("A", i, (i + 1) % 3) for i in range(3)]
    threes += [("A", 3 + i, 3 + (i + 1) % 3) for i in range(3)]
    assert contracted(table, six, 6, 0) != contracted(table, threes, 6, 0)


def test_symmetric_body_of_many_indices_is_named_fast() -> None:
    """Twelve leaves around a hub are interchangeable: tried once, not 12! times."""
    table = new_atoms(10**6)
    star = [("A", 0, leaf) for leaf in range(1, 13)] + [("B", 0, 0)]
    start = time.perf_counter()
    contracted(table, star, 13, 0)
    chain = [("A", i, i + 1) for i in range(14)]
    assert contracted(table, chain, 15, 0) == contracted(table, chain[::-1], 15, 0)
    assert time.perf_counter() - start < 5


def test_size_of_an_index_that_does_not_occur() -> None:
    table = new_atoms(10**6)
    bound = [table.fresh(n), table.fresh(size_symbol("m"))]
    sizes = table.times(
        contract(table, {(): 1}, bound[:1]), contract(table, {(): 1}, bound[1:])
    )
    assert contract(table, {(): 1}, bound) == sizes


def test_gram_matrix_knows_its_symmetry() -> None:
    table = new_atoms(10**6)
    i, j = table.placeholder(0, n), table.placeholder(1, n)
    k = table.fresh(n)
    x = matrix(table, "X")
    gram = contract(table, table.times(table.entry(x, (i, k)), table.entry(x, (j, k))), [k])
    assert table.substitute(gram, {i: j, j: i}) == gram
    (mono,) = gram
    assert table.bases[mono[0][0]].symmetries == ((1, 0),)


def test_antisymmetric_denominator_keeps_its_sign() -> None:
    table = new_atoms(10**6)
    i, j = table.placeholder(0, n), table.placeholder(1, n)
    x = table.base("input", Array("x", (n,)))
    gap = plus(table.entry(x, (i,)), table.entry(x, (j,)), -1)
    swapped = table.substitute(inverse(table, gap), {i: j, j: i})
    assert swapped == scaled(inverse(table, gap), -1)
    assert table.times(gap, inverse(table, gap)) == {(): 1}


def test_exp_and_log_are_inverse() -> None:
    table = new_atoms(10**6)
    x = table.entry(table.base("input", Array("x", (n,))), (table.placeholder(0, n),))
    both = plus(x, {(): 1})
    assert logarithm(table, exponential(table, both)) == both
    assert exponential(table, logarithm(table, plus(exponential(table, x), {(): 1}))) == plus(
        exponential(table, x), {(): 1}
    )
    assert exponential(table, logarithm(table, x)) != x  # log|x| alone does not say x > 0


def test_powers_of_numbers() -> None:
    table = new_atoms(10**6)
    root = power(table, {(): 12}, sp.Rational(1, 2).p / 2)
    assert table.times(root, root) == {(): 12}


def test_sign_of_sums() -> None:
    table = new_atoms(10**6)
    x = table.entry(table.base("input", Array("x", (n,))), (table.placeholder(0, n),))
    assert sign(table, plus(exponential(table, x), {(): 1}))
    assert sign(table, plus(table.times(x, x), {(): 1}))
    assert not sign(table, plus(x, {(): 1}))
    assert not sign(table, plus(table.times(x, x), {(): -1}))


def test_budget_is_kept() -> None:
    table = new_atoms(500)
    x = table.base("input", Array("x", (n,)))
    many = {}
    for _ in range(30):
        many = plus(many, table.entry(x, (table.fresh(n),)))
    with pytest.raises(BudgetError):
        table.power(many, 6)


def test_labels_of_single_factors() -> None:
    table = new_atoms(10**6)
    a = matrix(table, "A")
    i, j = table.fresh(n), table.fresh(n)
    one = canonical(table, [(((a, (i, j), 1),), 1)])
    two = canonical(table, [(((a, (j, i), 1),), 1)])
    assert one.items == two.items
    assert one.args == two.args[::-1]


@pytest.mark.parametrize(
    ("size", "known"), [("n - 1", True), ("n - 2", False), ("m*n - 1", True), ("m - n", False)]
)
def test_sizes_are_at_least_one(size: str, known: bool) -> None:
    symbols = {name: size_symbol(name) for name in "mn"}
    assert is_nonnegative(sp.expand(sp.sympify(size, locals=symbols))) is known
