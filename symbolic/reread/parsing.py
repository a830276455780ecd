"""Tokens as trees: a Pratt parser of the printed dialect.

    Wᵀ δ ⊙ a - ½ Σ_i x[i]²   ->   (Wᵀ · δ) ⊙ a - (½ · Σ_i x[i]²)

From loose to tight: cases and conditions, + and -, ⊗, then all products from left to right (side by
side, ⊙, ⊘, /), √, and what is raised or lowered.  Σ takes the product behind it.  A 1 that stands
beside something is the column of ones; a number would be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from . import latex_tokens, text_tokens
from .text_tokens import Token
from .trees import (
    At,
    Binary,
    Call,
    Cases,
    Comparison,
    Constant,
    Entry,
    Eye,
    Joined,
    Most,
    Number,
    Ones,
    Power,
    Range,
    ReadBackError,
    Statement,
    Sum,
    Tree,
    Unary,
)

Sign: TypeAlias = tuple[str, str, str, str]
"""How an array is written: the ∂L/∂ before it, its stem, its layer, the number behind it."""

COMPARED = {"=": "==", "==": "==", "≠": "!=", "!=": "!=", "<": "<", ">": ">", "≤": "<=",
            "<=": "<=", "≥": ">=", ">=": ">="}
ADDED, KRONECKER, TIMES, ROOT, SCRIPT = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Names:
    """What is written how: sign -> arrays, and how many axes longer than 1 these have, which are
    those that subscripts stand for; other words are scalars."""

    arrays: Mapping[Sign, frozenset[str]]
    ranks: Mapping[str, int]

    @classmethod
    def of(
        cls, written: Mapping[str, Sequence[str]], ranks: Mapping[str, int], latex: bool = False
    ) -> Names:
        """`written`: array -> how it is written, and how its entries are at the place i (of those
        that have axes)."""
        signs: dict[Sign, frozenset[str]] = {}
        for array, texts in written.items():
            for text in texts:
                sign = _sign_of(_scanned(text, latex))
                signs[sign] = signs.get(sign, frozenset()) | {array}
        return cls(signs, ranks)


def _scanned(text: str, latex: bool) -> list[Token]:
    return latex_tokens.tokens(text) if latex else text_tokens.tokens(text)


def _sign_of(found: Sequence[Token]) -> Sign:
    """The sign of a name; what stands behind a number in its subscript is no part of it."""
    name, *rest = found
    number = ""
    if rest and rest[0].kind == "at":
        first = rest[0].places[0] if rest[0].places else rest[0].text
        number = first[:len(first) - len(first.lstrip("0123456789"))]
    return name.prefix, name.text, name.layer, number


def statement(text: str, names: Names, latex: bool = False) -> Statement:
    """A formula "left = right" as a tree.

    Raises ReadBackError where it cannot be read, or where a sign stands for two arrays.
    """
    left, _, right = text.partition(" = ")
    parser = _Parser(_scanned(left, latex), names, latex)
    entry = parser.expression(0)
    parser.expect("end")
    if not isinstance(entry, Entry):
        raise ReadBackError(f"{text!r}: an array is expected on the left")
    return Statement(entry, expression(right, names, latex))


def expression(text: str, names: Names, latex: bool = False) -> Tree:
    """The right side of a formula as a tree."""
    parser = _Parser(_scanned(text, latex), names, latex)
    found = parser.expression(0)
    parser.expect("end")
    return found


class _Parser:
    """One walk over tokens; `numeric`: subscripts and conditions, in which 1 is a number."""

    def __init__(self, found: Sequence[Token], names: Names, latex: bool) -> None:
        self.tokens = found
        self.names = names
        self.latex = latex
        self.place = 0

    # --- tokens ---------------------------------------------------------------------------------

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def sees(self, *signs: str) -> bool:
        return self.next.kind == "op" and self.next.text in signs

    def expect(self, sign: str) -> None:
        token = self.take()
        if token.text != sign and token.kind != sign:
            raise self.fail(f"expected {sign!r}, got {token.text!r}")

    def fail(self, what: str) -> ReadBackError:
        seen = " ".join(token.text or token.kind for token in self.tokens)
        return ReadBackError(f"{seen}: {what}")

    # --- sums and products ----------------------------------------------------------------------

    def expression(self, level: int) -> Tree:
        """What binds at least as tightly as `level`."""
        if level <= ADDED and self.sees("-"):
            self.take()
            left: Tree = Unary("-", self.expression(KRONECKER))
        else:
            left = self.first()
        while True:
            token = self.next
            if level <= ADDED and self.sees("+", "-"):
                self.take()
                left = Binary(token.text, left, self.expression(KRONECKER))
            elif level <= KRONECKER and self.sees("⊗"):
                self.take()
                left = Binary("⊗", left, self.expression(TIMES))
            elif level <= TIMES and self.sees("⊙", "⊘", "/", "·"):
                self.take()
                left = Binary(token.text, left, self.expression(ROOT))
            elif level <= TIMES and self.begins():
                left = Binary("·", self.beside(left), self.beside(self.expression(ROOT)))
            else:
                return left

    def begins(self) -> bool:
        """Whether a factor begins here."""
        return self.next.kind in ("number", "name", "call", "ones", "over") \
            or self.sees("(", "{", "√", "[") or (self.sees("|") and not self.in_bars)

    in_bars = False

    def beside(self, factor: Tree) -> Tree:
        return Ones() if factor == Number(Fraction(1)) and not self.latex else factor

    def first(self) -> Tree:
        """A factor: what begins an expression, with all that is raised or lowered behind it."""
        token = self.take()
        if token.kind == "over":
            return self.over(token)
        if token.kind == "op" and token.text == "√":
            return self.scripts(Unary("sqrt", self.first_without_scripts()))
        self.place -= 1
        if token.kind == "op" and token.text == "[":
            return self.scripts(self.guard())
        return self.scripts(self.atom())

    def first_without_scripts(self) -> Tree:
        found = self.atom()
        while self.next.kind == "at":  # √ takes an entry, and no power of it
            found = self.lowered(found, self.take())
        return found

    def atom(self) -> Tree:
        token = self.take()
        if token.kind == "number":
            return Number(Fraction(token.text))
        if token.kind == "ones":
            return Ones()
        if token.kind == "name":
            return self.name(token)
        if token.kind == "call":
            return self.call(token.text)
        if token.kind == "op" and token.text == "(":
            found = self.condition()
            self.expect(")")
            return found
        if token.kind == "op" and token.text == "{":
            return self.cases()
        if token.kind == "op" and token.text == "|":
            self.in_bars = True
            found = Call("abs", (self.expression(0),))
            self.in_bars = False
            self.expect("|")
            return found
        raise self.fail(f"nothing begins with {token.text or token.kind!r}")

    # --- names and what stands behind them ------------------------------------------------------

    def name(self, token: Token) -> Tree:
        at = self.take() if self.next.kind == "at" else None
        array, at = self.array(token, at)
        if array is not None:
            return self.lowered(Entry(array), at) if at else Entry(array)
        if at is not None or token.prefix or token.layer:
            raise self.fail(f"there is no array {token.prefix}{token.text}{token.layer}")
        if token.text == "log":
            return Call("log", (self.first(),))
        if token.text in ("I", "K", "𝒦"):
            return Eye(commutes=token.text != "I")
        return Constant(token.text)

    def array(self, token: Token, at: Token | None) -> tuple[str | None, Token | None]:
        """The array of a sign, and what is left of its subscript: a number may be of the name."""
        for number, rest in _numbered(at):
            found = self.names.arrays.get((token.prefix, token.text, token.layer, number))
            if found is None:
                continue
            if len(found) > 1:
                raise self.fail(f"{token.text} may be any of {', '.join(sorted(found))}")
            return next(iter(found)), rest
        return None, at

    def lowered(self, of: Tree, at: Token) -> Tree:
        """Something at a subscript; a run of signs is as many places as there are axes."""
        places: Sequence[str] = at.places or (
            [at.text] if {*"+-"} & {*at.text} and not isinstance(of, Entry) else list(at.text))
        if isinstance(of, Entry) and at.run and len(places) > 1:
            most = max(1, self.names.ranks[of.array])
            if len(places) > most or (not at.places and set(at.text) & set("+-")):
                places = [at.text]  # 2i + 1, one place, and not several
        found = tuple(map(self.place_of, places))
        return Entry(of.array, found) if isinstance(of, Entry) else At(of, found)

    def place_of(self, text: str) -> Tree | Range:
        if ":" in text:
            low, high, *step = text.split(":")
            ends = [expression(end, self.names, self.latex) if end else None
                    for end in (low, high)]
            return Range(ends[0], ends[1], int(step[0]) if step else 1)
        return expression(text, self.names, self.latex)

    def scripts(self, found: Tree) -> Tree:
        while self.next.kind in ("post", "at"):
            token = self.take()
            if token.kind == "at":
                found = self.lowered(found, token)
            elif token.text in ("T", "inv"):
                if found == Number(Fraction(1)):
                    found = Ones()
                found = Unary(token.text, found)
            else:
                found = self.power(found, token.text)
        return found

    def power(self, base: Tree, mark: str) -> Tree:
        entrywise = mark.startswith("∘")
        shown = mark.removeprefix("∘")
        if shown != "^":
            return Power(base, Number(Fraction(shown)), entrywise)
        if self.sees("-"):
            raise self.fail("a negative exponent stands in brackets")
        return Power(base, self.atom() if self.next.kind != "name" else self.name(self.take()),
                     entrywise)

    def call(self, function: str) -> Tree:
        self.expect("(")
        inner = [self.expression(0)]
        axis: int | None = None
        where: tuple[Tree, ...] = ()
        if self.sees(";"):
            self.take()
            where = tuple(self.several(self.condition))
        while self.sees(","):
            self.take()
            if self.next.text == "axis":
                self.take()
                self.expect("=")
                axis = int(self.take().text)
            else:
                inner.append(self.expression(0))
        self.expect(")")
        return Call(function, tuple(inner), axis, where)

    def several(self, one: Callable[[], Tree]) -> list[Tree]:
        found = [one()]
        while self.sees(","):
            self.take()
            found.append(one())
        return found

    # --- Σ, conditions --------------------------------------------------------------------------

    def over(self, token: Token) -> Tree:
        if token.text == "Σ":
            name, bound = self.bounded(token.places[0])
            return Sum(name, self.expression(TIMES), bound=bound)
        where = []
        if self.sees(":"):
            self.take()
            while self.sees("["):
                self.take()
                where.append(self.condition())
                self.expect("]")
        body = self.expression(TIMES)
        names, bounds = zip(*map(self.bounded, token.places), strict=True)
        return Most(names, tuple(where), body, token.text == "argmax", bounds=bounds)

    def bounded(self, below: str) -> tuple[str, Tree | None]:
        """The index below a sign, and what it stays below where that is said: u<2."""
        name, _, end = below.partition("<")
        return name, expression(end, self.names, self.latex) if end else None

    def guard(self) -> Tree:
        self.expect("[")
        found = self.condition()
        self.expect("]")
        return found

    def condition(self) -> Tree:
        """Comparisons, with "and" and "or" between them; an expression alone is one, too."""
        return self.joined("or", lambda: self.joined("and", self.comparison))

    def joined(self, word: str, one: Callable[[], Tree]) -> Tree:
        found = [one()]
        while self.sees(word):
            self.take()
            found.append(one())
        return Joined(word, tuple(found)) if len(found) > 1 else found[0]

    def comparison(self) -> Tree:
        sides, signs = [self.expression(0)], []
        while self.sees(*COMPARED):
            signs.append(COMPARED[self.take().text])
            sides.append(self.expression(0))
        return Comparison(tuple(signs), tuple(sides)) if signs else sides[0]

    def cases(self) -> Tree:
        found: list[tuple[Tree, Tree | None]] = []
        while not self.sees("}"):
            value = self.expression(0)
            word = self.take().text
            found.append((value, None if word == "otherwise" else self.condition()))
            if self.sees(","):
                self.take()
        self.expect("}")
        return Cases(tuple(found))


def _numbered(at: Token | None) -> list[tuple[str, Token | None]]:
    """(number of a name, what is left of the subscript), the longest number first."""
    if at is None:
        return [("", None)]
    found: list[tuple[str, Token | None]] = []
    if at.places and at.places[0].isdigit():  # LaTeX: t _{1 i}
        rest = at.places[1:]
        found.append((at.places[0], Token("at", " ".join(rest), places=rest, run=at.run)
                      if rest else None))
    elif not at.places:
        digits = len(at.text) - len(at.text.lstrip("0123456789"))
        for count in range(digits, 0, -1):
            rest_text = at.text[count:]
            found.append((at.text[:count],
                          Token("at", rest_text, run=True) if rest_text else None))
    return [*found, ("", at)]
