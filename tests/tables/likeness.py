"""Whether two formulas are alike term for term, as a rule.

Both are trees of gradproof.symbolic.reread.  What one side names and the other has no name for is
put in.  Then numbers and other scalars are multiplied out, and transpositions are carried to the
arrays.  Alike are formulas with the same terms, each with the same number in front and the same
factors: those of a matrix product in their order, scalars and entrywise factors in any.  Nothing
else is done: no bracket around matrices is multiplied out, no fraction cancelled, no function
rewritten (1 - σ(z) is not σ(-z)), so that alike is less than equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

from gradproof.symbolic.reread.shapes import Convention, is_scalar, shape_of
from gradproof.symbolic.reread.trees import (
    At,
    Binary,
    Call,
    Cases,
    Comparison,
    Constant,
    Entry,
    Eye,
    Joined,
    Number,
    Ones,
    Power,
    Range,
    Sum,
    Tree,
    Unary,
)

Core: TypeAlias = tuple[Any, ...]
Key: TypeAlias = tuple[frozenset[tuple[Core, Fraction]], Core]
"""A term without its number: its scalars with their powers, and what is no scalar."""
Terms: TypeAlias = dict[Key, Fraction]
ONE: Core = ("one",)
COMPLEMENTS = {("<=",): ">", (">=",): "<"}
FLIPPED = {">": "<", ">=": "<="}


def put_in(tree: Tree, known: Mapping[str, Tree]) -> Tree:
    """The tree with definitions for the arrays that they are of."""
    if isinstance(tree, Entry):
        return put_in(known[tree.array], known) if tree.array in known and not tree.at else tree
    if isinstance(tree, Unary | At | Sum):
        return replace(tree, of=put_in(tree.of, known))
    if isinstance(tree, Binary):
        return replace(tree, left=put_in(tree.left, known), right=put_in(tree.right, known))
    if isinstance(tree, Power):
        return replace(tree, base=put_in(tree.base, known))
    if isinstance(tree, Call | Joined):
        return replace(tree, of=tuple(put_in(part, known) for part in tree.of))
    if isinstance(tree, Comparison):
        return replace(tree, sides=tuple(put_in(part, known) for part in tree.sides))
    if isinstance(tree, Cases):
        return Cases(tuple((put_in(value, known), None if where is None else put_in(where, known))
                           for value, where in tree.of))
    return tree


@dataclass(frozen=True)
class Likeness:
    """symmetric: the arrays that are their own transposes."""

    convention: Convention
    symmetric: Collection[str] = ()

    def alike(self, one: Tree, other: Tree) -> bool:
        return self.terms(one, {}) == self.terms(other, {})

    # --- terms ----------------------------------------------------------------------------------

    def terms(self, tree: Tree, bound: Mapping[str, str]) -> Terms:
        """The terms of a tree with their numbers; `bound`: names of the indices of Σ."""
        found: Terms = getattr(self, "_" + type(tree).__name__.lower())(tree, bound)
        return {key: number for key, number in found.items() if number}

    def _scalar(self, tree: Tree) -> bool:
        return is_scalar(shape_of(tree, self.convention))

    def _core(self, tree: Tree, bound: Mapping[str, str]) -> tuple[Fraction, Key]:
        """A tree as one term; a sum is one whose first term has the number 1."""
        return as_one(self.terms(tree, bound))

    def _number(self, tree: Number, bound: Mapping[str, str]) -> Terms:
        return {(frozenset(), ONE): tree.value}

    def _constant(self, tree: Constant, bound: Mapping[str, str]) -> Terms:
        return atom(("constant", bound.get(tree.name, tree.name)), True)

    def _ones(self, tree: Ones, bound: Mapping[str, str]) -> Terms:
        return atom(("ones",), False)

    def _eye(self, tree: Eye, bound: Mapping[str, str]) -> Terms:
        return atom(("eye",), False)

    def _entry(self, tree: Entry, bound: Mapping[str, str]) -> Terms:
        return atom(("array", tree.array, *self._places(tree.at, bound)), self._scalar(tree))

    def _places(self, at: Iterable[Tree | Range], bound: Mapping[str, str]) -> list[Any]:
        return [":" if isinstance(place, Range) else frozen(self.terms(place, bound))
                for place in at]

    def _at(self, tree: At, bound: Mapping[str, str]) -> Terms:
        inside = frozen(self.terms(tree.of, bound))
        return atom(("at", inside, *self._places(tree.at, bound)), self._scalar(tree))

    def _unary(self, tree: Unary, bound: Mapping[str, str]) -> Terms:
        if tree.sign == "-":
            return scaled(self.terms(tree.of, bound), Fraction(-1))
        if tree.sign == "T":
            return {(scalars, self._turned(core)): number
                    for (scalars, core), number in self.terms(tree.of, bound).items()}
        if tree.sign == "sqrt" or self._scalar(tree.of):
            return self._raised(tree.of, Fraction(1, 2) if tree.sign == "sqrt" else Fraction(-1),
                                bound)
        number, (scalars, core) = self._core(tree.of, bound)
        return {(powers(scalars, Fraction(-1)), ("inverse", core)): 1 / number}

    def _turned(self, core: Core) -> Core:
        match core:
            case ("one",) | ("eye",):
                return core
            case ("array", name) if name in self.symmetric:
                return core
            case ("turned", inner):
                return tuple(inner)
            case ("product", *factors):
                return ("product", *(self._turned(factor) for factor in reversed(factors)))
            case ("inverse", inner):
                return ("inverse", self._turned(inner))
            case ("entrywise", parts):
                return ("entrywise", frozenset((self._turned(part), power)
                                               for part, power in parts))
            case ("sum", terms):
                return ("sum", frozenset(((scalars, self._turned(inner)), number)
                                         for (scalars, inner), number in terms))
            case ("call", function, None, *parts) if function != "softmax":
                return ("call", function, None, *(frozenset(
                    ((scalars, self._turned(inner)), number) for (scalars, inner), number in part)
                    for part in parts))
        return ("turned", core)

    def _raised(self, tree: Tree, power: Fraction, bound: Mapping[str, str]) -> Terms:
        """An entrywise power."""
        number, (scalars, core) = self._core(tree, bound)
        front, raised = Fraction(1), powers(scalars, power)
        if power.denominator == 1:
            front = number ** int(power)
        elif number != 1:
            raised = times(raised, frozenset([(("number", number), power)]))
        if core == ONE:
            return {(raised, ONE): front}
        return {(raised, entrywise(core, power)): front}

    def _binary(self, tree: Binary, bound: Mapping[str, str]) -> Terms:
        if tree.sign in "+-":
            total: Counter[Key] = Counter()
            for side, sign in ((tree.left, 1), (tree.right, -1 if tree.sign == "-" else 1)):
                for key, number in self.terms(side, bound).items():
                    total[key] += number * sign  # type: ignore[assignment]
            return dict(total)  # type: ignore[arg-type]
        left, right = self._scalar(tree.left), self._scalar(tree.right)
        first = self.terms(tree.left, bound)
        second = self._raised(tree.right, Fraction(-1), bound) if tree.sign in "⊘/" \
            else self.terms(tree.right, bound)
        if left or right:
            return multiplied(first, second)
        one, (scalars, core) = as_one(first)
        other, (more, behind) = as_one(second)
        made = entrywise_product(core, behind) if tree.sign in "⊙⊘" else product(core, behind)
        if tree.sign == "·" and self._scalar(tree):
            made = min(made, self._turned(made), key=repr_of)  # xᵀ A y is yᵀ Aᵀ x
            return multiplied_out(
                times(times(scalars, more), frozenset([(made, Fraction(1))])), ONE, one * other)
        return multiplied_out(times(scalars, more), made, one * other)

    def _power(self, tree: Power, bound: Mapping[str, str]) -> Terms:
        exponent = self.terms(tree.exponent, bound)
        if exponent.keys() == {(frozenset(), ONE)}:
            return self._raised(tree.base, exponent[frozenset(), ONE], bound)
        parts = [frozen(self.terms(part, bound)) for part in (tree.base, tree.exponent)]
        return atom(("power", *parts), self._scalar(tree))

    def _call(self, tree: Call, bound: Mapping[str, str]) -> Terms:
        parts = [frozen(self.terms(part, bound)) for part in tree.of]
        return atom(("call", tree.function.replace("′", "'"), tree.axis, *parts),
                    self._scalar(tree))

    def _sum(self, tree: Sum, bound: Mapping[str, str]) -> Terms:
        """Σ term by term, with what does not depend on the index in front."""
        name = f"#{len(bound)}"
        total: Terms = {}
        for (scalars, core), number in self.terms(tree.of, {**bound, tree.index: name}).items():
            inside = frozenset(part for part in scalars if name in repr(part))
            key = ("Σ", name, inside, core)
            outside = scalars - inside
            made: Key = (times(outside, frozenset([(key, Fraction(1))])), ONE) \
                if core == ONE else (outside, key)
            total[made] = total.get(made, Fraction(0)) + number
        return total

    def _comparison(self, tree: Comparison, bound: Mapping[str, str]) -> Terms:
        sides = [frozen(self.terms(side, bound)) for side in tree.sides]
        signs = list(tree.signs)
        if len(signs) == 1 and signs[0] in FLIPPED:
            signs, sides = [FLIPPED[signs[0]]], sides[::-1]
        return atom(("compared", *signs, *sides), self._scalar(tree))

    def _joined(self, tree: Joined, bound: Mapping[str, str]) -> Terms:
        return atom((tree.word, *(frozen(self.terms(part, bound)) for part in tree.of)),
                    self._scalar(tree))

    def _cases(self, tree: Cases, bound: Mapping[str, str]) -> Terms:
        of = tree.of
        if len(of) == 2 and isinstance(of[0][1], Comparison) and of[0][1].signs in COMPLEMENTS:
            (first, where), (second, _) = of
            (sign,) = where.signs  # of two cases either may come first
            of = ((second, replace(where, signs=(COMPLEMENTS[sign,],))), (first, None))
        parts = [(frozen(self.terms(value, bound)),
                  None if where is None else frozen(self.terms(where, bound)))
                 for value, where in of]
        return atom(("cases", *parts), self._scalar(tree))


def atom(core: Core, scalar: bool) -> Terms:
    return {(frozenset([(core, Fraction(1))]), ONE) if scalar else (frozenset(), core):
            Fraction(1)}


def frozen(terms: Terms) -> Any:
    return frozenset(terms.items())


def scaled(terms: Terms, by: Fraction) -> Terms:
    return {key: number * by for key, number in terms.items()}


def powers(scalars: frozenset[tuple[Core, Fraction]], by: Fraction
           ) -> frozenset[tuple[Core, Fraction]]:
    return frozenset((core, power * by) for core, power in scalars)


def times(one: frozenset[tuple[Core, Fraction]], other: frozenset[tuple[Core, Fraction]]
          ) -> frozenset[tuple[Core, Fraction]]:
    found = dict(one)
    for core, power in other:
        found[core] = found.get(core, Fraction(0)) + power
    return frozenset((core, power) for core, power in found.items() if power)


def multiplied(first: Terms, second: Terms) -> Terms:
    """The product of two sums of which one is of scalars."""
    total: Terms = {}
    for (scalars, core), number in first.items():
        for (more, other), factor in second.items():
            key = (times(scalars, more), core if other == ONE else other)
            total[key] = total.get(key, Fraction(0)) + number * factor
    return total


def multiplied_out(
    scalars: frozenset[tuple[Core, Fraction]], core: Core, number: Fraction
) -> Terms:
    """A term with the sums of scalars in front of it multiplied out."""
    found: Terms = {(frozenset(part for part in scalars if not is_sum(part)), core): number}
    for part in scalars:
        if is_sum(part):
            found = multiplied(dict(part[0][1]), found)
    return found


def is_sum(part: tuple[Core, Fraction]) -> bool:
    return part[0][0] == "sum" and part[1] == 1


def as_one(terms: Terms) -> tuple[Fraction, Key]:
    """Terms as one: a sum in brackets, what all have in front outside of it."""
    if len(terms) == 1:
        ((key, number),) = terms.items()
        return number, key
    if not terms:
        return Fraction(0), (frozenset(), ONE)
    shared = frozenset.intersection(*(scalars for scalars, _ in terms))
    bare = {(scalars - shared, core): number for (scalars, core), number in terms.items()}
    first = bare[min(bare, key=repr_of)]
    inside = frozen(scaled(bare, 1 / first))
    cores = {core for _, core in terms}
    if len(cores) == 1:  # what differs is scalars alone
        front = frozen({(scalars, ONE): number / first for (scalars, _), number in bare.items()})
        return first, (times(shared, frozenset([(("sum", front), Fraction(1))])), *cores)
    return first, (shared, ("sum", inside))


def repr_of(key: Any) -> str:
    """A text that equal keys have in common, whatever the order in which sets are walked."""
    if isinstance(key, frozenset):
        return "{" + ",".join(sorted(map(repr_of, key))) + "}"
    if isinstance(key, tuple):
        return "(" + ",".join(map(repr_of, key)) + ")"
    return repr(key)


def product(one: Core, other: Core) -> Core:
    """A matrix product without brackets within."""
    left = one[1:] if one[0] == "product" else (one,)
    right = other[1:] if other[0] == "product" else (other,)
    factors = [factor for factor in (*left, *right) if factor != ("eye",)]
    if not factors:
        return ("eye",)
    return ("product", *factors) if len(factors) > 1 else factors[0]


def entrywise(core: Core, power: Fraction) -> Core:
    parts = core[1] if core[0] == "entrywise" else frozenset([(core, Fraction(1))])
    return ("entrywise", powers(parts, power)) if power != 1 else core


def entrywise_product(one: Core, other: Core) -> Core:
    left, right = ((part[1] if part[0] == "entrywise" else frozenset([(part, Fraction(1))]))
                   for part in (one, other))
    return ("entrywise", times(left, right))
