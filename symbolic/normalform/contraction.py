"""Sums over indices: linear contractions inlined through each other, then named canonically.

    Σ_j X[i, j] Σ_k U[j, k] V[k, l]   ->   the atom Σ_jk X[1, j] U[j, k] V[k, 2] at (i, l)

Σ over bound indices of a monomial is split into what does not depend on them, sizes of indices
that do not occur, and connected components.  A component is an atom "sum" keyed by its body.
Where a factor of the body depends on a bound index, contractions in it are opened first, so
X (W1 W2) and (X W1) W2 have one body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from ..assumptions import Assumption
from .canonical_names import atom, canonical
from .denominators import argument, leading_monomial
from .guards import size_poly, solve
from .indices import Sub, is_nonnegative
from .inverse_pairs import cancel_inverse
from .polynomial import (
    NONNEGATIVE,
    POSITIVE,
    UNKNOWN,
    Atoms,
    Base,
    Factor,
    Factors,
    Number,
    Poly,
    Unfold,
    add_to,
    connected,
    factors_of,
    monomial,
)


def register(table: Atoms) -> None:
    table.rebuild["sum"] = rebuild_sum


def rebuild_sum(table: Atoms, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
    (body, _), = base.data[0]
    fresh = {index: table.fresh(table.size(index)) for index in base.data[1]}
    moved = table.rewrite({body: 1}, {**at, **fresh}, unfold)
    return contract(table, moved, fresh.values())


def contract(table: Atoms, poly: Poly, bound: Iterable[int]) -> Poly:
    """The sum of a polynomial over the indices `bound`."""
    indices = frozenset(bound)
    unit = {index: table.zero for index in indices if table.size(index) == 1}
    if unit:
        poly = table.substitute(poly, unit)
        indices -= unit.keys()
    total: Poly = {}
    for mono, coefficient in poly.items():
        factors = factors_of(mono)
        add_to(total, _sum(table, factors, indices), coefficient)
    return total


def _sum(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly:
    table.spend(len(factors) + 1)
    for rewrite in (_open, _solve_guard, _narrow):
        done = rewrite(table, factors, bound)
        if done is not None:
            return done
    cancelled = cancel_inverse(table, factors, bound)
    if cancelled is not None:
        return contract(table, *cancelled)
    touched = {key: table.deps_of(key[1]) & bound for key in factors}
    total: Poly = {monomial({key: factors[key] for key in factors if not touched[key]}): 1}
    for index in bound.difference(*touched.values()):  # Σ_j c = n c
        size = table.size(index)
        assert size is not None
        total = table.times(total, size_poly(table, size))
    # Factors without a common index are sums of their own: Σ_ij a_i b_j = (Σ_i a_i) (Σ_j b_j).
    for part in connected({key: touched[key] for key in factors if touched[key]}):
        indices = frozenset().union(*(touched[key] for key in part))
        closed = _component(table, {key: factors[key] for key in part}, indices)
        total = table.times(total, closed)
    return total


# --- rewrites of a body before it is named ------------------------------------------------------


def _open(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly | None:
    """Contractions that depend on a bound index, with their own indices bound here as well."""
    opened = {
        key: e
        for key, e in factors.items()
        if table.bases[key[0]].kind == "sum"
        and isinstance(e, int) and e > 0
        and not table.deps_of(key[1]).isdisjoint(bound)
    }
    if not opened:
        return None
    poly: Poly = {monomial({key: e for key, e in factors.items() if key not in opened}): 1}
    for (base, args), exponent in opened.items():
        known = table.bases[base]
        (body, _), = known.data[0]
        for _ in range(int(exponent)):  # (Σ_j x_j)² = Σ_jk x_j x_k
            fresh = {index: table.fresh(table.size(index)) for index in known.data[1]}
            by = {**dict(zip(known.free, args, strict=True)), **fresh}
            poly = table.times(poly, table.substitute({body: 1}, by))
            bound |= frozenset(fresh.values())
    return contract(table, poly, bound)


def _solve_guard(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly | None:
    for key in factors:
        if key[0] != table.equal:
            continue
        sub = key[1][0]
        for index, _ in table.linear(sub)[1]:
            by = solve(table, sub, index) if index in bound else None
            size = table.size(index)
            if by is None or size is None:
                continue
            # Σ_j [j = i + c] x_j is x_{i+c}, where that is a place of the axis.
            rest = monomial({other: e for other, e in factors.items() if other != key})
            moved = table.substitute({rest: 1}, {index: by})
            inside = table.times(
                table.entry(table.range, (by,)),
                table.entry(
                    table.range, (table.combine(size - 1, [(by, sp.S.NegativeOne)]),)
                ),
            )
            return contract(table, table.times(moved, inside), bound - {index})
    return None


def _narrow(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly | None:
    """A guard low <= i or i <= high on a bound index alone moves into the range of the index."""
    for key in factors:
        if key[0] != table.range:
            continue
        shift, terms = table.linear(key[1][0])
        if len(terms) != 1 or terms[0][0] not in bound or terms[0][1] not in (1, -1):
            continue
        index, sign = terms[0]
        size = table.size(index)
        assert size is not None
        # 0 <= shift - i leaves the first shift + 1 places, 0 <= shift + i the last size + shift.
        kept = sp.expand(shift + 1 if sign == -1 else size + shift)
        if not is_nonnegative(kept - 1) or not is_nonnegative(size - kept):
            continue
        fresh = table.fresh(kept)
        start = sp.S.Zero if sign == -1 else -shift
        rest = monomial({other: e for other, e in factors.items() if other != key})
        by = {index: table.combine(start, [(fresh, sp.S.One)])}
        return contract(
            table, table.substitute({rest: 1}, by), (bound - {index}) | {fresh}
        )
    return None


# --- components ---------------------------------------------------------------------------------


def _component(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly:
    for rewrite in (_row_sum, _partial_sum):
        done = rewrite(table, factors, bound)
        if done is not None:
            return done
    return close(table, factors, bound)


def close(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly:
    """A connected component as an entry of the atom that its body names."""
    found = canonical(table, [(monomial(factors), 1)], bound)
    bases = [(table.bases[base], e) for (base, _), e in factors.items()]
    signs = [  # a sum is as positive as the least of its factors
        POSITIVE if base.sign == POSITIVE else NONNEGATIVE
        if base.sign == NONNEGATIVE or (isinstance(e, int) and e % 2 == 0) else UNKNOWN
        for base, e in bases
    ]
    return atom(table, "sum", found, found.bound, sign=min(signs),
                thin=all(base.thin for base, _ in bases))


def _row_sum(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly | None:
    """Σ over the last axis of an input whose rows sum to one, where nothing else has the index."""
    for key, exponent in factors.items():
        base, args = key
        data = table.bases[base].data
        if table.bases[base].kind != "input" or data.kind not in ("one_hot", "probability"):
            continue
        last, beside = args[data.along], [a for a in args if a != args[data.along]]
        whole = last in bound and table.size(last) == data.shape[data.along]
        if not whole or exponent != 1 or args.count(last) > 1 or last in table.deps_of(beside):
            continue
        rest = {other: e for other, e in factors.items() if other != key}
        if last in table.deps_of(sub for _, subs in rest for sub in subs):
            continue
        table.assumptions.add(Assumption(
            data.name, "row sums" if data.along in (-1, len(args) - 1) else "column sums"))
        return contract(table, {monomial(rest): 1}, bound - {last})
    return None


@dataclass(frozen=True)
class _Target:
    """A product of factors that simplifies a body once it is complete."""

    fixed: frozenset[int]
    product: dict[Factor, Number]


def _targets(table: Atoms, factors: Factors) -> list[_Target]:
    found = []
    for (base, args), exponent in factors.items():
        known = table.bases[base]
        if known.kind == "sum" and exponent < 0:
            found.append(_Target(table.deps_of(args), {(base, args): 1}))
        elif known.kind == "inverse" and exponent > 0:
            leading = leading_monomial(table, argument(table, base, args))
            if any(table.bases[other].kind == "sum" for other, _, _ in leading):
                found.append(_Target(table.deps_of(args), factors_of(leading)))
    return found


def _partial_sum(table: Atoms, factors: Factors, bound: frozenset[int]) -> Poly | None:
    """Σ_k E[i,k] / S[i] inside a sum over i, where S[i] = Σ_k E[i,k]: the inner sum first."""
    for target in _targets(table, factors):
        inner = bound - target.fixed
        touched = {key: table.deps_of(key[1]) & inner for key in factors}
        for part in connected({key: some for key, some in touched.items() if some}):
            indices = frozenset().union(*(touched[key] for key in part))
            closed = close(table, {key: factors[key] for key in part}, indices)
            outside = {key: e for key, e in factors.items() if key not in part}
            (mono,) = closed
            named = factors_of(mono)
            # Only where the product then simplifies: elsewhere sums stay open, so that one body has
            # one name.
            if named.keys() & target.product.keys() and all(
                named.get(key, 0) + max(outside.get(key, 0), 0) >= e
                for key, e in target.product.items()
            ):
                product = table.times({monomial(outside): 1}, closed)
                return contract(table, product, bound - indices)
    return None
