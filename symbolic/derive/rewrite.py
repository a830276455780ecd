"""Small rewrites that make a derived equation readable; each is an equality.

    inline            dz = a da, da = 2 (a - y)          ->  dz = 2 a (a - y)
    sum_rows          Σ_k y[i, k] p[i, j]                ->  p[i, j], if rows of y sum to one
    cancelled         (a - y)/(a (1 - a)) a (1 - a)      ->  a - y

None of them knows where an equation came from.  Each takes an equation and returns an equal one,
or None (or the same one) where it does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import sympy as sp
from sympy.core.function import Application

from ..equation import (
    INDEX_VALUE,
    Array,
    Equation,
    Index,
    Read,
    Subscript,
    Term,
    guard_subscripts,
    slot,
    subscript_indices,
    term_reads,
)
from ..functions import upright
from ..rationals import decimal, factored
from ..relations import as_relations
from ..solving import drop_unused, prune, solve
from ..substitution import rename_bound, substitute_read, substitute_term


def tidy(equation: Equation) -> Equation:
    """Like terms added, unused and doubled reads gone, guards solved, zero terms left out."""
    groups: dict[object, list[Term]] = {}
    for term in equation.terms:
        solved = solve(term, equation.out, equation.reduction == "sum")
        if solved is None or (solved.body == 0 and equation.reduction == "sum"):
            continue
        body, reads = prune(solved.body, solved.reads)
        term = replace(solved, body=body, reads=reads)
        if equation.reduction != "sum":  # the one term of a maximum, which is added to nothing
            groups[len(groups)] = [term]
            continue
        key = (frozenset(term.over), frozenset(term.guards))  # only under the same Σ and guards
        before = groups.get(key)
        if before is None or not _addable(before[0], term):  # another Σ: a summand by itself
            groups[key if before is None else len(groups)] = [term]
            continue
        before.append(term)
    added = map(_sum, groups.values())
    return replace(equation, terms=tuple(
        term for term in added if term.body != 0 or equation.reduction != "sum"))


def _sum(terms: list[Term]) -> Term:
    """Terms under one Σ and the same guards as one."""
    if len(terms) == 1:
        return terms[0]
    bodies: list[sp.Expr] = []
    reads: list[Read] = []
    for term in terms:
        by = {slot(place): slot(place + len(reads)) for place in range(len(term.reads))}
        bodies.append(term.body.xreplace(by))
        reads += term.reads
    body, kept = prune(sp.Add(*bodies), tuple(reads))
    return replace(terms[0], body=body, reads=kept)


def _addable(one: Term, other: Term) -> bool:
    """Pointwise terms are added into one body; of sums, those that read the same are."""
    return not one.over or set(one.reads) == set(other.reads)


def inline(
    reader: Equation, target: Equation, costly: bool = False, gathers: bool = False
) -> Equation | None:
    """`reader` with every occurrence of `target` replaced by its right side; None if that cannot
    be said in one equation, or would cost more than it saves.

    A pointwise target goes into any body.  A target with sums goes where it occurs linearly, and
    (unless `costly`) only where no further free index would repeat the sum.  With `gathers`, a
    pointwise one goes where it is read at a place that an array holds, too.
    """
    if target.reduction != "sum" or any(
        read.array == target.name for term in reader.terms for read in _inner_reads(term)
    ):
        return None
    if any(read.array == target.name for read in target.reads):
        return None  # a recurrence: what is put in would have to be put in again
    terms: list[Term] = []
    waiting = list(reader.terms)
    while waiting:
        term = waiting.pop(0)
        place = next((p for p, r in enumerate(term.reads) if r.array == target.name), None)
        if place is None:
            terms.append(term)
            continue
        put = _put_once(term, place, target, reader, costly, gathers)
        if put is None:
            return None
        waiting = [*put, *waiting]  # a term may read the target more than once
    return tidy(replace(reader, terms=tuple(terms)))


def _put_once(
    term: Term, place: int, target: Equation, reader: Equation, costly: bool, gathers: bool
) -> list[Term] | None:
    """The terms that a term becomes with the target in the place of one of its reads."""
    occurrence = term.reads[place]
    if any(isinstance(entry, Read) for entry in occurrence.at) and not (
            gathers and target.is_pointwise and _reads_lone_indices(target)):
        return None
    if not target.terms or target.is_pointwise:
        return [_put_pointwise(term, place, target)]
    linear = _split_linear(term, place) if reader.reduction == "sum" else None
    if linear is None:
        return None
    free = {index.symbol for index in (*reader.out, *term.over)}
    inside = {symbol for entry in occurrence.at for symbol in subscript_indices(entry)}
    if not costly and free - inside and any(part.over for part in target.terms):
        return None  # the sum would be taken again for each value of a free index
    with_it, without = linear
    put = [_put_term(with_it, place, target, part, reader) for part in target.terms]
    return put if without is None else [*put, without]


def _inner_reads(term: Term) -> Iterable[Read]:
    """Occurrences inside subscripts and guards."""
    outer = set(map(id, term.reads))
    return (read for read in term_reads(term) if id(read) not in outer)


def _reads_lone_indices(target: Equation) -> bool:
    """Whether every subscript is an index or a number, for which a place of an array may stand."""
    return all(read.array != INDEX_VALUE and not isinstance(entry, Read)
               and (entry.is_Symbol or entry.is_number)
               for term in target.terms for read in term.reads for entry in read.at)


def _put_pointwise(term: Term, place: int, target: Equation) -> Term:
    occurrence = term.reads[place]
    by = {index.symbol: entry for index, entry in zip(target.out, occurrence.at, strict=True)}
    if not target.terms:
        body, reads = prune(term.body.xreplace({slot(place): sp.S.Zero}), term.reads)
        return replace(term, body=body, reads=reads)
    source = target.terms[0]
    shift = len(term.reads)
    value = source.body.xreplace({slot(p): slot(p + shift) for p in range(len(source.reads))})
    extra = tuple(substitute_read(read, by) for read in source.reads)
    # The new reads take the place of the old one, so that factors keep the order they had.
    order = [*range(place), *range(shift, shift + len(extra)), *range(place + 1, shift)]
    body = as_relations(term.body.xreplace({slot(place): value}))
    renumber = {slot(old): slot(new) for new, old in enumerate(order)}
    everything = (*term.reads, *extra)
    body, reads = prune(body.xreplace(renumber), tuple(everything[old] for old in order))
    return replace(term, body=body, reads=reads)


def _put_term(
    term: Term, place: int, target: Equation, source: Term, reader: Equation
) -> Term:
    taken = {index.name for index in (*reader.out, *term.over)}
    # Away from the target's own left side, too: its indices are substituted at the same time.
    renamed = rename_bound(source, taken | {index.name for index in target.out})
    occurrence = term.reads[place]
    by = {index.symbol: entry for index, entry in zip(target.out, occurrence.at, strict=True)}
    moved = substitute_term(renamed, by)
    pointwise = replace(target, terms=(replace(moved, over=(), guards=()),), out=())
    put = _put_pointwise(
        replace(term, reads=tuple(
            Read(read.array, ()) if position == place else read
            for position, read in enumerate(term.reads)
        )),
        place,
        pointwise,
    )
    return replace(put, over=(*term.over, *moved.over), guards=(*term.guards, *moved.guards))


def _split_linear(term: Term, place: int) -> tuple[Term, Term | None] | None:
    """(the part proportional to a read, the rest) of a term's body; None if it is not linear."""
    symbol = slot(place)
    if _is_decided_by(term.body, symbol):
        return None
    slope = sp.diff(term.body, symbol)
    if symbol in slope.free_symbols:
        return None
    rest = term.body.xreplace({symbol: sp.S.Zero})
    if rest.has(sp.zoo, sp.nan):
        return None  # no value at zero, so nothing to split it from
    body, reads = prune(rest, term.reads)
    remainder = None if rest == 0 else replace(term, body=body, reads=reads)
    return replace(term, body=slope * symbol), remainder


def _is_decided_by(body: sp.Expr, symbol: sp.Symbol) -> bool:
    """Whether the symbol stands in a condition or in a function's argument.

    There a slope of zero does not mean that nothing depends on it: [x > 0], sign(x) and the
    choice of a branch have slope zero wherever they have one, and take two values.
    """
    if symbol not in body.free_symbols:
        return False
    if isinstance(body, sp.Piecewise):
        return any(symbol in condition.free_symbols or _is_decided_by(branch, symbol)
                   for branch, condition in body.args)
    if isinstance(body, Application):
        return True
    return any(_is_decided_by(part, symbol) for part in body.args)


# --- algebra ------------------------------------------------------------------------------------


def cancelled(equation: Equation) -> Equation:
    """Every body in its shortest of a few equal forms: as it is, cancelled, factored."""
    return replace(
        equation, terms=tuple(replace(t, body=shortest(t.body)) for t in equation.terms)
    )


_POWER = sp.Dummy("E", positive=True)


SYMBOLS, TERMS = 8, 1000
"""Symbols, and summands when multiplied out, up to which a body is cancelled and factored: SymPy
does that with dense polynomials, which grow with the power of their number of symbols."""


def _is_large(body: sp.Expr) -> bool:
    return len(body.free_symbols) > SYMBOLS or _summands(body) > TERMS


def _summands(e: sp.Expr) -> int:
    """About how many summands an expression has when it is multiplied out."""
    if e.is_Add:
        return sum(map(_summands, e.args))
    if e.is_Mul:
        return min(math.prod(map(_summands, e.args)), TERMS + 1)
    if e.is_Pow and e.exp.is_Integer:
        power, inside = min(abs(int(e.exp)), 10 * TERMS), _summands(e.base)
        return min(math.comb(inside + power - 1, power), TERMS + 1) if inside > 1 else \
            max(power // 8, 1)
    if isinstance(e, sp.exp):  # exp(1000 + z) is taken for the thousandth power of e
        number = e.args[0].as_coeff_Add()[0]
        return max(int(number**2) // 50, 1) if number.is_Rational else 1
    return 1


def _gathered(body: sp.Expr) -> sp.Expr:
    """A large body, the shorter of as it is and with common factors taken out."""
    forms = [body, sp.gcd_terms(body)] if body.is_Add else [body]
    return upright(min(forms, key=lambda form: sp.count_ops(form, visual=False)))


@lru_cache(maxsize=4096)
def shortest(body: sp.Expr) -> sp.Expr:
    """The shortest of: the expression, its cancelled form, the factors of that."""
    if body.is_Symbol or body.is_number:
        return body
    powers = body.atoms(sp.exp)
    if len(powers) == 1:  # a lone exponential is a value like any other, not to be taken apart
        (power,) = powers
        return shortest(body.xreplace({power: _POWER})).xreplace({_POWER: power})
    if _is_large(body):
        return _gathered(body)
    if (whole := _with_differences_whole(body)) is not None:
        return whole
    try:
        plain = sp.cancel(body)
    except (sp.PolynomialError, NotImplementedError):  # Piecewise beyond what cancel handles
        return body
    forms = [body, plain]
    # Over one denominator, what has roots grows beyond what its factors could save.
    if sp.count_ops(plain) <= 2 * sp.count_ops(body):
        forms.append(factored(plain))
    found = upright(min(forms, key=lambda form: sp.count_ops(form, visual=False)))
    if (decimals := _decimals(body)) and not decimals <= found.atoms(sp.Rational):
        # x + 0.00001 is not to become (100000 x + 1)/100000
        marks = {number: sp.Dummy("r", positive=True) for number in decimals}
        found = shortest(body.xreplace(marks)).xreplace(
            {mark: number for number, mark in marks.items()})
    # Cancelling makes exp(a) exp(b) of exp(a + b), which overflows where that does not.
    return sp.powsimp(found, combine="exp", deep=True) if len(found.atoms(sp.exp)) > 1 else found


def _decimals(body: sp.Expr) -> set[sp.Expr]:
    """The numbers in sums that are written as decimals: 0.00001."""
    return {number for total in body.atoms(sp.Add) for number in total.args
            if number.is_Rational and decimal(abs(number))}


def _with_differences_whole(body: sp.Expr) -> sp.Expr | None:
    """The shortest form in which a difference whose square it has stays one; None where it is no
    shorter than the body: 1 + (y - t)² is not to be multiplied out."""
    squared = [power.base for power in body.atoms(sp.Pow)
               if power.base.is_Add and power.exp.is_Integer and power.exp > 1]
    for total in sorted(squared, key=sp.default_sort_key):
        mark = sp.Dummy("D", real=True)
        content, plain = total.primitive()
        multiples = {plain: mark / content, sp.expand(-plain): -mark / content}

        def whole(part: sp.Expr, multiples: Mapping[sp.Expr, sp.Expr] = multiples) -> sp.Expr:
            number, inner = part.primitive()
            return number * multiples.get(inner, inner)

        put = body.replace(lambda part: part.is_Add, whole)
        if put.free_symbols & total.free_symbols:
            continue  # what it is of stands elsewhere, too, and may cancel with it
        forms = [form.xreplace({mark: total}) for form in (shortest(put), factored(put))]
        found = min(forms, key=lambda form: sp.count_ops(form))
        if sp.count_ops(found) < sp.count_ops(body):
            return upright(found)
    return None


ROWS_SUM_TO_ONE = ("one_hot", "probability")


def sum_rows(
    equation: Equation, inputs: Mapping[str, Array], shares: Mapping[str, int] | None = None
) -> tuple[Equation, frozenset[str]]:
    """Σ_k Y[i, k] becomes 1 where the rows of Y are declared to sum to one, or Y is a softmax.

    shares: softmaxes -> the axis along which they sum to one.
    Returns the equation and the names of the arrays that do.
    """
    along = {**{name: array.along for name, array in inputs.items()
                if array.kind in ROWS_SUM_TO_ONE}, **(shares or {})}
    used: set[str] = set()
    terms = []
    for term in equation.terms:
        while (found := _with_row_summed(term, along)) is not None:
            term, rest, name = found
            terms += rest
            used.add(name)
        terms.append(term)
    return tidy(replace(equation, terms=tuple(terms))), frozenset(used)


def _with_row_summed(
    term: Term, shares: Mapping[str, int]
) -> tuple[Term, list[Term], str] | None:
    """The term with one such sum made 1, what of its body does not hold the rows, and whose rows
    they are; None where there is none."""
    for index in term.over:
        # Σ_k y[i, k] w[k], or a sum over some places, is not 1: nothing else may depend on k.
        holders = [place for place, read in enumerate(term.reads) if _reads_at(index, read.at)]
        if len(holders) != 1 or any(
                _reads_at(index, guard_subscripts(guard)) for guard in term.guards):
            continue
        place, read = holders[0], term.reads[holders[0]]
        if read.array not in shares:
            continue
        along = shares[read.array] % len(read.at)
        others = (*read.at[:along], *read.at[along + 1:])
        if read.at[along] != index.symbol or _reads_at(index, others):
            continue
        split = _split_linear(term, place)
        if split is None:
            continue
        rest = [drop_unused(split[1])] if split[1] is not None else []
        body, reads = prune(split[0].body.xreplace({slot(place): sp.S.One}), term.reads)
        over = tuple(other for other in term.over if other is not index)
        return drop_unused(replace(term, body=body, reads=reads, over=over)), rest, read.array
    return None


def _reads_at(index: Index, at: Iterable[Subscript]) -> bool:
    return any(index.symbol in subscript_indices(entry) for entry in at)
