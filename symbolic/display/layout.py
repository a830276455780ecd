"""Laying out bodies and matrix operations as text: one walk, a style for each target.

    x1*(1 - x1)*2 over (Y, A)   ->   2 A ⊙ (1 - A)      2 A \\odot (1 - A)      2 * A * (1 - A)

SymPy's printers sort factors and terms; a reader expects the order in which things were written.
So the walk is ours: factors and terms come in the order of the arrays they read, numbers first,
a minus never first where a plus can be; brackets go where precedence asks for them.  The styles
(text, LaTeX, the generator's NumPy) say how each operation is spelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from ..equation import slot, slot_numbers
from ..functions import STEP, Opaque
from ..rationals import decimal
from ..relations import as_relations
from .cases import plain_cases

OR, AND, ADD, MUL, POW, ATOM = -1, 0, 1, 2, 3, 4
"""Precedences, loosest first."""


@dataclass(frozen=True)
class Piece:
    """Laid-out text, how tightly it holds together, and whether it stands for an array."""

    text: str
    level: int = ATOM
    array: bool = False


class Style:
    """How operations are spelled.  The default methods write plain one-line mathematics."""

    hadamard = " * "
    times = " * "
    minus = "-"
    behind_number = POW
    """How tightly one array has to hold together behind a number: 2 (A x), or 2 A x."""

    def bracket(self, text: str) -> str:
        return f"({text})"

    def number(self, value: sp.Expr) -> Piece:
        text = decimal(value) or str(value)
        return Piece(text, MUL if "/" in text else ATOM)

    def size(self, symbol: sp.Symbol) -> str:
        return str(symbol)

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        return Piece(f"{self.hold(numerator, MUL)}/{self.hold(denominator, POW)}", MUL,
                     numerator.array or denominator.array)

    def power(self, base: Piece, exponent: sp.Expr) -> Piece:
        return Piece(f"{self.hold(base, ATOM)}**{exponent}", POW, base.array)

    def general_power(self, base: Piece, exponent: Piece) -> Piece:
        """A power whose exponent is no number."""
        shown = f"{self.hold(base, ATOM)}**{self.hold(exponent, ATOM)}"
        return Piece(shown, POW, base.array or exponent.array)

    def root(self, base: Piece) -> Piece:
        return self.call("sqrt", [base])

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        return Piece(f"{name}({', '.join(a.text for a in arguments)})", ATOM,
                     any(a.array for a in arguments))

    def opaque(self, function: type[Opaque], argument: Piece) -> Piece:
        return self.call(function.title + "'" * function.order, [argument])

    def cases(self, pieces: Sequence[tuple[Piece, Piece | None]]) -> Piece:
        """Values with their conditions; the last has None: otherwise."""
        shown = ", ".join(
            value.text + (f" if {condition.text}" if condition else " otherwise")
            for value, condition in pieces
        )
        return Piece("{" + shown + "}", ATOM, any_array(pieces))

    def indicator(self, condition: Piece) -> Piece | None:
        """1 where a condition holds, else 0; None where that has no sign of its own."""
        return None

    def relation(self, left: Piece, sign: str, right: Piece) -> Piece:
        return Piece(f"{left.text} {sign} {right.text}", ADD, left.array or right.array)

    def between(self, low: Piece, above: str, of: Piece, below: str, high: Piece) -> Piece:
        """low < x < high."""
        return self.relation(low, above, self.relation(of, below, high))

    def joined(self, word: str, conditions: Sequence[Piece]) -> Piece:
        """Conditions of which all ("and") or some ("or") hold."""
        level = AND if word == "and" else OR
        shown = f" {word} ".join(self.hold(condition, level) for condition in conditions)
        return Piece(shown, level, any(condition.array for condition in conditions))

    def hold(self, piece: Piece, level: int) -> str:
        """The text, in brackets when it is looser than `level`."""
        return piece.text if piece.level >= level else self.bracket(piece.text)

    def negate(self, piece: Piece) -> Piece:
        return Piece(self.minus + self.hold(piece, MUL), ADD, piece.array)


def any_array(pieces: Sequence[tuple[Piece, Piece | None]]) -> bool:
    """Whether cases stand for an array: a value does or, as in {1 if x > 0}, a condition."""
    return any(piece.array for case in pieces for piece in case if piece is not None)


def body(expression: sp.Expr, leaves: Sequence[Piece], style: Style) -> Piece:
    """A scalar body with `leaves` in its slots."""
    by = {slot(place): leaf for place, leaf in enumerate(leaves)}
    return _Layout(by, style).write(expression)


_SIGNS = {sp.StrictGreaterThan: ">", sp.StrictLessThan: "<", sp.GreaterThan: ">=",
          sp.LessThan: "<=", sp.Equality: "==", sp.Unequality: "!="}


@dataclass(frozen=True)
class _Layout:
    """The walk over one body: what stands in its slots, and how operations are spelled."""

    leaves: Mapping[sp.Expr, Piece]
    style: Style

    def write(self, part: sp.Expr) -> Piece:
        known = self.leaves.get(part)
        if known is not None:
            return known
        if part.is_Symbol:
            return Piece(self.style.size(part))
        if part.is_Number or part.is_NumberSymbol:
            shown = self.style.number(abs(part))
            return self.style.negate(shown) if part.is_negative else shown
        if part.is_Add:
            return self._sum(part)
        if part.is_Mul:
            negative, shown = self._signed(part)
            return self.style.negate(shown) if negative else shown
        if part.is_Pow or isinstance(part, sp.exp):
            return self._power(part)
        return self._function(part)

    def _function(self, part: sp.Expr) -> Piece:
        if isinstance(part, Opaque):
            return self.style.opaque(type(part), self.write(part.args[0]))
        if isinstance(part, sp.Piecewise):
            part = plain_cases(part)
            if not isinstance(part, sp.Piecewise):
                return self.write(part)
            condition = _indicated(part)
            shown = self.style.indicator(self._relation(condition)) if condition is not None \
                else None
            return shown or self.style.cases([
                (self.write(value), None if condition is sp.true else self._relation(condition))
                for value, condition in part.args
            ])
        if part.is_Function:
            return self.style.call(part.func.__name__, [self.write(inner) for inner in part.args])
        raise NotImplementedError(f"no layout for {part}")

    def _relation(self, condition: sp.Expr) -> Piece:
        condition = _unequal(as_relations(condition))
        if isinstance(condition, sp.Or | sp.And):
            word = "or" if isinstance(condition, sp.Or) else "and"
            if (between := self._between(condition)) is not None:
                return between
            return self.style.joined(word, list(map(self._relation, condition.args)))
        if condition.func not in _SIGNS:
            raise NotImplementedError(f"no layout for the condition {condition}")
        left, right = _sides(condition)
        return self.style.relation(self.write(left), _SIGNS[condition.func], self.write(right))

    def _between(self, condition: sp.Basic) -> Piece | None:
        """low < x < high; None for other conditions."""
        if not isinstance(condition, sp.And) or len(condition.args) != 2 or any(
                one.func not in _SIGNS for one in condition.args):
            return None
        found = {_SIGNS[one.func][:1]: one for one in condition.args}
        if found.keys() != {"<", ">"}:
            return None
        of, high = _sides(found["<"])
        low = sp.expand(of - found[">"].lhs + found[">"].rhs)  # x + a > 0 is -a < x, too
        if not low.free_symbols.isdisjoint(of.free_symbols):
            return None
        above, below = (_SIGNS[found[sign].func] for sign in "><")
        return self.style.between(self.write(low), above.replace(">", "<"), self.write(of), below,
                                  self.write(high))

    def _power(self, part: sp.Expr) -> Piece:
        if isinstance(part, sp.exp):
            return self.style.call("exp", [self.write(part.args[0])])
        base, exponent = part.as_base_exp()
        if isinstance(base, sp.exp):
            return self.style.call("exp", [self.write(base.args[0] * exponent)])
        if exponent == sp.Rational(1, 2):  # before any style's own powers: √ is read everywhere
            return self.style.root(self.write(base))
        if exponent.is_number and exponent.is_negative:
            return self.style.fraction(self.style.number(sp.S.One), self.write(base**-exponent))
        if exponent.is_number and _is_indicator(base):
            return self.write(base)  # 1 or 0, and so is any power of it
        if slot_numbers(exponent):
            return self.style.general_power(self.write(base), self.write(exponent))
        return self.style.power(self.write(base), exponent)

    # --- sums -----------------------------------------------------------------------------------

    def _sum(self, part: sp.Expr) -> Piece:
        """Terms with their signs, a positive one first if there is one."""
        style = self.style
        content, rest = part.primitive()
        # SymPy multiplies 2 (a - y) out; a reader does not.
        if content != 1 and all(abs(t.as_coeff_Mul()[0]) == 1 for t in rest.args):
            inner = self.write(rest)
            front = style.times.join([style.number(content).text, style.hold(inner, POW)])
            return Piece(front, MUL, inner.array)
        terms = sorted(map(self._signed, _in_order(part.args)), key=lambda term: term[0])
        text = ""
        for negative, piece in terms:
            shown = style.hold(piece, MUL)
            if text:
                text += (" - " if negative else " + ") + shown
            else:
                text = style.minus + shown if negative else shown
        return Piece(text, ADD, any(piece.array for _, piece in terms))

    # --- products -------------------------------------------------------------------------------

    def _signed(self, part: sp.Expr) -> tuple[bool, Piece]:
        """(whether a minus stands in front, the rest) of a term of a sum."""
        style = self.style
        if part.is_Number:
            return bool(part.is_negative), style.number(abs(part))
        if not part.is_Mul:
            return False, self.write(part)
        number, rest = part.as_coeff_Mul()
        above, below = _fraction(rest)
        number, above = numbers_in_front(number, above)
        divisor, below = numbers_in_front(sp.S.One, below)
        number /= divisor
        for factor in [one for one in above if one.is_Pow and one.exp == sp.Rational(1, 2)]:
            if factor.base.is_Integer and number.q % factor.base == 0:  # ½ √2 x is x/√2
                number *= factor.base
                above.remove(factor)
                below.insert(0, factor)
        size = abs(number)
        if size.q != 1 and above and not below:  # ½ x rather than x/2
            product = self._product(1, above)
            front = style.times.join([style.number(size).text, style.hold(product, MUL)])
            return bool(number.is_negative), Piece(front, MUL, product.array)
        shown = self._product(size.p, above)
        if size.q != 1 or below:
            shown = style.fraction(shown, self._product(size.q, below))
        return bool(number.is_negative), shown

    def _product(self, number: int, factors: Sequence[sp.Expr]) -> Piece:
        """A number, then scalars, then arrays joined entry by entry."""
        style = self.style
        pieces = [self.write(factor) for factor in factors]
        scalars = [piece for piece in pieces if not piece.array]
        arrays = [piece for piece in pieces if piece.array]
        if number != 1 or not pieces:
            scalars.insert(0, style.number(sp.Integer(number)))
        if len(scalars) + len(arrays) == 1:
            return (scalars or arrays)[0]
        parts = []
        if scalars:
            parts.append(style.times.join(style.hold(piece, POW) for piece in scalars))
        if arrays:
            level = POW
            if len(arrays) == 1:  # 2 A x, but 2 (1ᵀ v)
                starts = arrays[0].text.lstrip("\\mathbf{")[:1]
                level = MUL if not scalars else style.behind_number if (
                    not starts.isdigit()) else POW
            parts.append(style.hadamard.join(style.hold(piece, level) for piece in arrays))
        return Piece(style.times.join(parts), MUL, bool(arrays))


def numbers_in_front(
    number: sp.Expr, factors: Iterable[sp.Expr]
) -> tuple[sp.Expr, list[sp.Expr]]:
    """A number and factors with the numbers that these have in common in front.

    >>> x, y, z = sp.symbols("x y z")
    >>> numbers_in_front(sp.Integer(3), [z, 2 * x - 2 * y, x + y / 2])
    (6, [z, x - y, x + y/2])
    >>> numbers_in_front(sp.S.One, [(x / 2 - y / 2)**2])
    (1/4, [(x - y)**2])
    """
    plain: list[sp.Expr] = []
    for factor in factors:
        whole, times = factor.as_base_exp() if factor.is_Pow and factor.exp.is_Integer else (
            factor, sp.S.One)
        content, rest = whole.primitive() if whole.is_Add else (sp.S.One, whole)
        if content == 1 or any(abs(t.as_coeff_Mul()[0]) != 1 for t in rest.args):
            plain.append(factor)
            continue
        number *= content**times
        plain.append(sp.Pow(rest, times, evaluate=times == 1))
    return number, plain


def _is_indicator(part: sp.Expr) -> bool:
    return isinstance(part, STEP) or (
        isinstance(part, sp.Piecewise) and _indicated(part) is not None)


def _indicated(part: sp.Piecewise) -> sp.Basic | None:
    """The condition under which a value is 1, and 0 otherwise; None for other values."""
    if len(part.args) != 2 or part.args[1][1] != sp.true:
        return None
    (value, condition), (other, _) = part.args
    if (value, other) == (1, 0):
        return condition
    return sp.Not(condition) if (value, other) == (0, 1) else None


def _fraction(product: sp.Expr) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """The factors of a product above and below the line, in the order they are read."""
    above: list[sp.Expr] = []
    below: list[sp.Expr] = []
    for factor in _in_order(sp.Mul.make_args(product)):
        base, exponent = factor.as_base_exp()
        if exponent.is_number and exponent.is_negative and not isinstance(factor, sp.exp):
            below.append(base**-exponent)
        elif factor != 1:
            above.append(factor)
    return above, below


def _sides(condition: sp.Basic) -> tuple[sp.Expr, sp.Expr]:
    """x and c of x - c > 0: what is subtracted stands on the other side."""
    left, right = condition.lhs, condition.rhs
    if right == 0 and left.is_Add:
        away = [part for part in left.args if part.as_coeff_Mul()[0].is_negative]
        if away and len(away) < len(left.args):
            return left - sp.Add(*away), -sp.Add(*away)
    return left, right


def _unequal(condition: sp.Basic) -> sp.Basic:
    """y != 1 of what is y > 1 or y < 1."""
    if isinstance(condition, sp.Or) and len(condition.args) == 2:
        one, other = condition.args
        if {one.func, other.func} == {sp.Gt, sp.Lt} and one.args == other.args:
            return sp.Ne(*one.args)
    return condition


def _in_order(parts: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Numbers, then sizes, then by the first array read, simple before composed."""

    def key(part: sp.Expr) -> tuple[int, int, int, str]:
        slots = slot_numbers(part)
        kind = 0 if part.is_number else 1 if not slots else 2
        return kind, min(slots, default=-1), int(sp.count_ops(part)), str(part)

    return sorted(parts, key=key)
