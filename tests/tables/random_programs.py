"""Lists of equations that nobody wrote: a strategy over what the equation type can say.

Shifts, strides and reversals with the guards they need, broadcasts, gathers by integer inputs,
diagonals and one-hot guards, sums over several indices, maxima, log Σ exp, inverses, recurrences
that run up or down, with and without boundary terms; unnamed intermediates, which fusion puts
into their readers; index names that clash between equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradproof.symbolic.equation import (
    INDEX_VALUE,
    Array,
    Equal,
    Equation,
    Guard,
    Index,
    Item,
    Read,
    Recurrence,
    Size,
    Subscript,
    System,
    Term,
    Within,
    size_symbol,
    slot,
)
from gradproof.symbolic.functions import (
    ABS,
    HARD_TANH,
    RELU,
    SIGMOID,
    SIGN,
    SOFTPLUS,
    STEP,
    TANH,
    maximum,
)
from gradproof.symbolic.mixed_radix import flat_place
from gradproof.symbolic.relations import as_relations
from gradproof.symbolic.validation import validate

SIZES = {"n": 3, "m": 2, "k": 4}
"""What the symbolic sizes are where a program is evaluated."""

AXES: tuple[Size, ...] = (
    size_symbol("n"), size_symbol("m"), size_symbol("k"), sp.Integer(3), sp.Integer(1),
    size_symbol("n") + 1, size_symbol("m") * 2,
)
LETTERS = "ijklpqu"

x, y, z = map(slot, range(3))
HALF = sp.Rational(1, 2)
BODIES: Mapping[int, tuple[sp.Expr, ...]] = {
    1: (x, -2 * x, x**2, x**3 / 3 - x, TANH(x), SIGMOID(x), SOFTPLUS(x), RELU(x), ABS(x),
        as_relations(maximum(-maximum(-x, -sp.S.One), -HALF) ** 2),
        sp.exp(x / 4), sp.log(2 + x**2), 1 / (1 + x**2), sp.sin(x), sp.sqrt(1 + x**2),
        x * SIGMOID(x), sp.S.One, STEP(x), SIGN(x), HARD_TANH(x), -HALF * STEP(x - HALF)),
    2: (x * y, x + 2 * y, x - y, TANH(x) * y, SIGMOID(x - y), x / (2 + y**2), x**2 * y - y,
        sp.exp(x / 4) * y, maximum(x, y), sp.log(1 + x**2 + y**2), RELU(x) * y, (x - y) ** 2 / 2,
        SIGMOID(x) * (1 - SIGMOID(x)) * y, (1 - x) * y + x, STEP(x) * y, SIGN(x - y) * y**2,
        sp.Piecewise((y, x > HALF), (y**2 / 3, True)), sp.Piecewise((x, x * y > 0), (0, True)),
        x * (HALF - STEP(-x)) + y, as_relations(maximum(-maximum(-x, -y), -HALF) * x),
        sp.Piecewise((sp.Piecewise((x * y, y > 0), (x, True)), x > -1), (y, True))),
    3: (x * y * z, x * y + z, TANH(x + y) * z, (x - y) * z, x * SIGMOID(y) + (1 - SIGMOID(y)) * z,
        x * y / (2 + z**2), sp.Piecewise((y, x > 0), (z, True)), STEP(x) * y + z,
        sp.Piecewise((y * z, x > y), (x - z, z > HALF), (z, True)),
        sp.Piecewise((x, x + y > 0), (x * z, True))),
}
"""Scalar bodies by their number of reads; none has a pole."""


@dataclass(frozen=True)
class Program:
    """A system whose last equation is the scalar L, and the real inputs to differentiate by."""

    system: System
    wrt: tuple[str, ...]

    @property
    def is_analytic(self) -> bool:
        """Whether a complex step passes through: no modulus, and no sign (z/|z| to NumPy)."""
        return not any(t.body.has(ABS, SIGN) for e in self.system.equations for t in e.terms)

    def values(self, seed: int) -> dict[str, np.ndarray]:
        """Random inputs."""
        random = np.random.default_rng(seed)
        found = {}
        for array in self.system.inputs:
            shape = tuple(map(number, array.shape))
            found[array.name] = (
                random.integers(number(array.classes), size=shape) if array.classes is not None
                else random.normal(size=shape)
            )
        return found

    def __repr__(self) -> str:
        shown = ", ".join(f"{a.name}{list(a.shape)}" + (f" < {a.classes}" if a.classes else "")
                          for a in self.system.inputs)
        return f"inputs {shown}\n{self.system!r}"


def number(size: Size) -> int:
    """A size where the programs are evaluated."""
    return int(size.xreplace({size_symbol(name): sp.Integer(n) for name, n in SIZES.items()}))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Some inputs, a few equations and recurrences that read them, and a scalar of it all."""
    made = _Drawing(draw)
    made.declare()
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["sum"] * 5 + ["recurrence"] * 2 + [
            "max", "logsumexp", "inv", "flat"]))
        if kind == "recurrence":
            made.recurrence()
        elif kind == "inv":
            made.inverse()
        elif kind == "flat":
            made.flattened()
        else:
            made.equation(kind)
    return made.program()


class _Drawing:
    """A program on its way; `shapes` are of the real arrays there are, `labels` of the others."""

    def __init__(self, draw: Callable) -> None:
        self.draw = draw
        self.inputs: list[Array] = []
        self.items: list[Item] = []
        self.shapes: dict[str, tuple[Size, ...]] = {}
        self.labels: dict[str, Array] = {}

    def choose(self, options: Sequence) -> object:
        return self.draw(st.sampled_from(list(options)))

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in

    # --- inputs ---------------------------------------------------------------------------------

    def declare(self) -> None:
        for name in "ab" + "c" * self.chance(2):
            shape = self.sizes(0, 3)
            self.inputs.append(Array(name, shape))
            self.shapes[name] = shape
        for name in ("s", "r")[: self.draw(st.integers(0, 2))]:
            labels = Array(name, self.sizes(0, 2), "labels", classes=self.choose(AXES))
            self.inputs.append(labels)
            self.labels[name] = labels

    def sizes(self, low: int, high: int) -> tuple[Size, ...]:
        return tuple(self.draw(st.lists(st.sampled_from(AXES), min_size=low, max_size=high)))

    def fresh(self) -> str:
        """A name: "t3" is put into its reader by fusion, "y3" keeps its own equation."""
        number = len(self.shapes)
        return f"{self.choose('ty')}{number}"

    def indices(self, shape: Sequence[Size], taken: Sequence[Index] = ()) -> tuple[Index, ...]:
        letters = [letter for letter in LETTERS if letter not in {i.name for i in taken}]
        names = self.draw(st.permutations(letters))[: len(shape)]
        return tuple(map(Index, names, shape))

    # --- equations ------------------------------------------------------------------------------

    def equation(self, kind: str) -> None:
        out = self.indices(self.sizes(0, 2))
        count = self.draw(st.integers(1, 3)) if kind == "sum" else 1
        terms = [self.term(out, whole=kind != "sum") for _ in range(count)]
        if kind != "sum" and not terms[0].over:
            kind = "sum"
        self.add(Equation(self.fresh(), out, tuple(terms), kind))

    def add(self, equation: Equation) -> None:
        self.items.append(equation)
        self.shapes[equation.name] = equation.shape

    def flattened(self) -> None:
        """A reshape: the first axes of an array, or the others, or both, each as one axis."""
        name = self.choose(list(self.shapes))
        bound = self.indices(self.shapes[name])
        if len(bound) < 2:
            return
        split = self.draw(st.integers(0, len(bound)))
        parts = [part for part in (bound[:split], bound[split:]) if part]
        sizes = [sp.expand(sp.Mul(*(index.size for index in part))) for part in parts]
        out = tuple(map(Index, "fg", sizes))
        guards = tuple(Equal(index.symbol, flat_place(part))
                       for index, part in zip(out, parts, strict=False))
        read = Read(name, tuple(index.symbol for index in bound))
        self.add(Equation(self.fresh(), out, (Term(x, (read,), bound, guards),)))

    def inverse(self) -> None:
        """(3 I + tanh(matrix)/5)⁻¹, or the determinant of that."""
        square = [name for name, shape in self.shapes.items()
                  if len(shape) == 2 and shape[0] == shape[1]]
        if not square:
            return
        name = self.choose(square)
        row, column = self.indices(self.shapes[name])
        read = Read(name, (row.symbol, column.symbol))
        made = f"y{len(self.shapes)}"
        self.add(Equation(made, (row, column), (
            Term(TANH(x) / 5, (read,)),
            Term(sp.Integer(3), (), (), (Equal(row.symbol, column.symbol),)),
        )))
        over = self.indices(self.shapes[name])
        term = Term(x, (Read(made, tuple(index.symbol for index in over)),))
        if self.chance(2):
            self.add(Equation(f"y{len(self.shapes)}", over, (term,), "inv"))
        else:
            self.add(Equation(f"y{len(self.shapes)}", (), (
                Term(x / 9, term.reads, over),), "det"))

    def term(
        self,
        out: Sequence[Index],
        whole: bool = False,
        guards: Sequence[Guard] = (),
        reads: Sequence[Read] = (),
        over: Sequence[Index] = (),
    ) -> Term:
        """A random term; with `whole`, every place is read, so that no maximum is empty.

        `reads` come first in the body; the arrays that a term may read are in ``shapes``.
        """
        over = list(over)
        scope = [*out, *over]
        made: list[Read] = list(reads)
        more: list[Guard] = list(guards)
        if whole or self.chance(3):  # a sum that is there whatever is read
            (index,) = self.indices([self.choose(AXES)], scope)
            over.append(index)
            scope.append(index)
        for _ in range(self.draw(st.integers(0 if reads else 1, 3 - len(reads)))):
            name = self.choose(self.shapes)
            at = []
            for size in self.shapes[name]:
                entry, needs = self.subscript(size, scope, over, whole)
                at.append(entry)
                more += needs
            made.append(Read(name, tuple(at)))
        if self.chance(8) and scope and len(made) < 3:
            made.append(Read(INDEX_VALUE, (self.choose(scope).symbol,)))
        if not whole and self.chance(5):
            more += self.extra_guard(scope)
        body = self.choose(BODIES[len(made)])
        summands = np.prod([number(index.size) for index in over], dtype=int)
        if summands > 1 and not whole:
            body = body / int(summands)
        return Term(body, tuple(made), tuple(over), tuple(dict.fromkeys(more)))

    def subscript(
        self, size: Size, scope: list[Index], over: list[Index], whole: bool
    ) -> tuple[Subscript, list[Guard]]:
        """A subscript for an axis, and the guards that keep it inside; `scope` may grow."""
        fitting = [index for index in scope if index.size == size]
        kinds = ["new"] * (len(over) < 2 and len(scope) < 4) + ["zero", "last"]
        kinds += ["plain"] * 4 + ["reversed"] if fitting else []
        gathers = self.gathers(size, scope)
        kinds += ["gather"] * 3 if gathers else []
        if not whole and scope:
            kinds += ["shift"] * 2 + ["stride", "window"]
        kind = self.choose(kinds)
        if kind == "new":
            (index,) = self.indices([size], scope)
            scope.append(index)
            over.append(index)
            return index.symbol, []
        if kind == "zero":
            return sp.S.Zero, []
        if kind == "last":
            return sp.expand(size - 1), []
        if kind == "plain":
            return self.choose(fitting).symbol, []
        if kind == "reversed":
            return sp.expand(size - 1 - self.choose(fitting).symbol), []
        if kind == "gather":
            return self.choose(gathers), []
        entry = self.choose(scope).symbol
        if kind == "shift":
            entry = entry + self.choose([-2, -1, 1])
        elif kind == "stride":
            entry = 2 * entry + self.choose([-1, 0, 1])
        else:
            entry = self.choose([1, 2]) * entry + self.choose(scope).symbol - 1
        return entry, [Within(sp.S.Zero, entry, size)]

    def gathers(self, size: Size, scope: Sequence[Index]) -> list[Read]:
        """Integer inputs whose entries are places along an axis of the size."""
        found = []
        for name, labels in self.labels.items():
            fitting = [[i.symbol for i in scope if i.size == s] or [sp.S.Zero]
                       for s in labels.shape]
            if labels.classes == size:
                found.append(Read(name, tuple(self.choose(options) for options in fitting)))
        return found

    def extra_guard(self, scope: Sequence[Index]) -> list[Guard]:
        """A diagonal, a one-hot condition, a triangle."""
        if not scope:
            return []
        one = self.choose(scope)
        kind = self.choose(["diagonal", "one-hot", "triangle", "shifted"])
        other = self.choose(scope)
        if kind == "diagonal":
            return [Equal(one.symbol, other.symbol)]
        if kind == "shifted":
            return [Equal(one.symbol, other.symbol + 1)]
        if kind == "triangle":
            return [Within(sp.S.Zero, one.symbol, other.symbol + 1)]
        found = self.gathers(one.size, scope)
        return [Equal(one.symbol, self.choose(found))] if found else []

    # --- recurrences ----------------------------------------------------------------------------

    def recurrence(self) -> None:
        """One or two arrays over a loop, up or down, with and without a term at the boundary."""
        direction = self.choose([1, -1])
        length, width = self.choose(AXES[:4]), self.sizes(0, 1)
        loop = Index(self.choose("tl"), length)
        names = [f"y{len(self.shapes)}", f"y{len(self.shapes) + 1}"]
        names = names[: self.draw(st.integers(1, 2))]
        made = []
        outs: dict[str, tuple[Index, ...]] = {
            name: tuple(self.draw(st.permutations([loop, *self.indices(width, [loop])])))
            for name in names
        }
        for place, name in enumerate(names):
            out = outs[name]
            back = self.choose([1, 1, 2])
            at = loop.symbol - direction * back
            inside = Within(sp.S.Zero, at, length)
            terms = [self.term(out)] if self.chance(2) or not width else []
            for other in dict.fromkeys([name, self.choose(names)]):
                carried, over = self.state(other, outs[other], loop, at, out)
                terms.append(self.term(out, guards=(inside,), reads=(carried,), over=over))
            if place and self.chance(2):  # what this step has computed already
                now, over = self.state(names[0], outs[names[0]], loop, loop.symbol, out)
                terms.append(self.term(out, reads=(now,), over=over))
            if self.chance(2):  # the boundary
                first = (Within(sp.S.Zero, loop.symbol, sp.Integer(back)) if direction > 0
                         else Within(length - back, loop.symbol, length))
                terms.append(self.term(out, guards=(first,)))
            made.append(Equation(name, out, tuple(terms)))
        self.items.append(Recurrence(loop.name, direction, tuple(made)))
        self.shapes.update({equation.name: equation.shape for equation in made})

    def state(
        self, name: str, of: Sequence[Index], loop: Index, at: sp.Expr, out: Sequence[Index]
    ) -> tuple[Read, tuple[Index, ...]]:
        """A read of an array of the loop, and what it is summed over beside `out`."""
        sizes = [index.size for index in of if index != loop]
        over = self.indices(sizes, out) if self.chance(2) else ()
        rest = iter(over or [index for index in out if index.name != loop.name])
        return Read(name, tuple(at if index == loop else next(rest).symbol for index in of)), over

    # --- the end --------------------------------------------------------------------------------

    def program(self) -> Program:
        """Everything there is, in one number."""
        terms = []
        for name, shape in self.shapes.items():
            over = self.indices(shape)
            read = Read(name, tuple(index.symbol for index in over))
            body = self.choose([TANH(x), x**2 / 2, x, SIGMOID(x) * x])
            terms.append(Term(body, (read,), over))
        self.items.append(Equation("L", (), tuple(terms)))
        shown = set().union(*({*map(str, array.shape)} for array in self.inputs))
        hidden = tuple(size_symbol(name) for name in SIZES if name not in shown)
        if hidden:  # a size is known by an input's shape
            self.inputs.append(Array("w", hidden))
        system = validate(System(tuple(self.inputs), tuple(self.items)))
        return Program(system, tuple(a.name for a in self.inputs if not a.is_integer))


def over_programs(count: int) -> Callable[[Callable[..., None]], Any]:
    """A test of a program and a seed, for so many of them: the same ones each time."""
    def made(test: Callable[..., None]) -> Any:
        return settings(max_examples=count, deadline=None, derandomize=True,
                        suppress_health_check=list(HealthCheck))(
            given(programs(), st.integers(0, 9))(test))

    return made
