"""Gradients with one change each, held against the prover: none that is wrong is proved.

    python tests/fuzz/changed.py 500 60      60 random programs from seed 500

A random program is derived; in one equation of its gradients a factor, a sign, an exponent, a read,
a subscript, a guard or a term is changed.  Where the numbers differ the prover must not say equal,
and neither must the normal forms alone, without the numbers that propose and the two second looks.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import sympy as sp
from differential import SIZES, drawn_programs

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import EquationError, Read, Within, slot
from gradproof.symbolic.proof import prover
from gradproof.symbolic.validation import validate

TINY = sp.Rational(1, 10**12)
"""A relative change that no comparison of floating-point numbers sees."""


def _number(term, chance):
    numbers = sorted(term.body.atoms(sp.Number), key=str)
    old = chance.choice(numbers)
    return replace(term, body=term.body.xreplace({old: old + chance.choice([1, -1])}))


def _power(term, chance):
    old = chance.choice(sorted(term.body.atoms(sp.Pow), key=str))
    return replace(term, body=term.body.xreplace({old: old.base ** (old.exp + 1)}))


def _function(term, chance):
    old = chance.choice(sorted((f for f in term.body.atoms(sp.Function) if len(f.args) == 1),
                               key=str))
    new = chance.choice([old**2, -old, old.args[0], old.func(-old.args[0])])
    return replace(term, body=term.body.xreplace({old: new}))


def _value(term, chance):
    at = slot(chance.randrange(len(term.reads)))
    return replace(term, body=term.body.xreplace({at: chance.choice([at**2, -at, at + 1])}))


def _exchanged(term, chance):
    one, other = map(slot, chance.sample(range(len(term.reads)), 2))
    return replace(term, body=term.body.xreplace({one: other, other: one}))


def _subscript(term, chance):
    reads = list(term.reads)
    place = chance.choice([k for k, read in enumerate(reads) if read.at])
    at = list(reads[place].at)
    free = sorted({s for read in reads for sub in read.at if isinstance(sub, sp.Expr)
                   for s in sub.free_symbols if not s.is_positive}, key=str)
    axis = chance.randrange(len(at))
    at[axis] = chance.choice([*free, sp.S.Zero])
    reads[place] = Read(reads[place].array, tuple(at))
    return replace(term, reads=tuple(reads))


def _guard(term, chance):
    guards = list(term.guards)
    old = chance.choice([guard for guard in guards if isinstance(guard, Within)])
    new = chance.choice([Within(old.low + 1, old.value, old.high),
                         Within(old.low, old.value, old.high - 1)])
    return replace(term, guards=tuple(new if guard is old else guard for guard in guards))


CHANGES = {
    "factor": lambda term, chance: replace(
        term, body=term.body * chance.choice([2, sp.Rational(1, 2), 3])),
    "sign": lambda term, chance: replace(term, body=-term.body),
    "tiny": lambda term, chance: replace(term, body=term.body * (1 + TINY)),
    "number": _number, "power": _power, "function": _function, "value": _value,
    "exchanged": _exchanged, "subscript": _subscript, "guard": _guard,
    "no guard": lambda term, chance: replace(term, guards=term.guards[1:]),
}


def changed(equation, chance):
    """What is changed, and the equation with it; None where there is nothing of that kind."""
    kind = chance.choice([*CHANGES, "term"])
    terms = list(equation.terms)
    place = chance.randrange(len(terms))
    if kind == "term" and len(terms) > 1:
        del terms[place]
    elif kind != "term":
        try:
            terms[place] = CHANGES[kind](terms[place], chance)
        except (IndexError, ValueError):
            return None
    made = replace(equation, terms=tuple(terms))
    return None if made == equation else (kind, made)


def wrong_ones(system, names, values, chance, count):
    """Systems with one change, each with its kind and a name whose array differs by it.

    A tiny change counts where the same change by a half is seen.
    """
    before = [evaluate(system, point, SIZES) for point in values]
    back = [equation for equation in system.equations if equation.terms]
    found = 0
    for _ in range(20 * count):
        equation = chance.choice(back)
        made = changed(equation, chance)
        if made is None or found == count:
            continue
        kind, other = made
        seen = other
        if kind == "tiny":
            seen = replace(other, terms=tuple(
                replace(new, body=sp.Rational(3, 2) * old.body) if new != old else old
                for new, old in zip(other.terms, equation.terms, strict=True)))
        try:
            whole, looked = (validate(replace(system, items=tuple(
                one if item is equation else item for item in system.items)))
                for one in (other, seen))
            after = [evaluate(looked, point, SIZES) for point in values]
        except (EquationError, ValueError, IndexError, KeyError, TypeError):
            continue
        differing = [name for name in names if any(
            not np.allclose(one[name], two[name], rtol=1e-8, atol=1e-12, equal_nan=True)
            for one, two in zip(before, after, strict=True))]
        if differing:
            found += 1
            yield kind, whole, differing[0]


def proofs(system, other, name):
    """What the prover says of an array, and what the normal forms alone do."""
    said = _said(system, other, name)
    with ExitStack() as alone:
        for what, answer in (("agreement", True), ("second_opinion", {}), ("contradicted", {})):
            alone.enter_context(patch.object(prover, what, lambda *_, answer=answer: answer))
        return said, _said(system, other, name)


def _said(system, other, name):
    """Whether an array is proved equal; None where a recurrence is read through without end."""
    try:
        return prover.Prover(system, other, evaluate).prove({name: name})[name].equal
    except RecursionError:
        return None


def some_changes(first, count, each=3):
    """How many were looked at, and what was proved though it is wrong, or refuted though right."""
    counts, found = Counter(), []
    for place, program in enumerate(drawn_programs(first, count)):
        chain = differentiate(validate(program.system), "L", program.wrt)
        names = [chain.of[name] for name in program.wrt]
        right = prover.Prover(chain.system, chain.system, evaluate).prove({n: n for n in names})
        counts.update(f"right: {proof.equal}" for proof in right.values())
        found += [(place, "right", name) for name, proof in right.items() if proof.equal is False]
        values = [program.values(at) for at in range(2)]
        chance = random.Random(f"{first} {place}")
        for kind, other, name in wrong_ones(chain.system, names, values, chance, each):
            counts[kind] += 1
            counts["wrong"] += 1
            if True in proofs(chain.system, other, name):
                found.append((place, kind, name))
    return counts, found


if __name__ == "__main__":
    print(*some_changes(int(sys.argv[1]), int(sys.argv[2])), sep="\n")
