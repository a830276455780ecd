"""Names that Python code can bear: whatever an array or a size is called, the text that computes
it is the same program, and nothing in a name is ever run.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import sympy as sp

from ..symbolic import escaping
from ..symbolic.equation import (
    Array,
    Equation,
    Index,
    Size,
    System,
    size_symbol,
    size_symbols,
)
from ..symbolic.special import SPELLED
from ..symbolic.substitution import rename_arrays, substitute_term

Thing = TypeVar("Thing", bound=Hashable)

BUNDLED = frozenset({
    "sigmoid", "erf", "xlogx", "softmax", "log_softmax", "logsumexp", "overlap", "polygamma",
    "softplus_ratio", "erfc", "rational", "erf_below_half", "erfc_above_half", "erfc_tail",
    "log_erfc", "erfc_ratio", "windows", *SPELLED,
})
"""Functions that a text may bring along."""

USED = BUNDLED | {"np", "math", "range", "reversed", "float", "int", "slice", "max", "min",
                  "__debug__"}
"""What printed code refers to; an array of such a name would hide it."""


def identifier(name: str, taken: Collection[str] = ()) -> str:
    """The name where Python takes it as it is, else one that is like it and not among `taken`.

    Python reads identifiers in Unicode's form NFKC, in which µ (micro) is μ (mu).

    >>> identifier("x"), identifier("2nd try"), identifier("range"), identifier("x", {"x"})
    ('x', '_2nd_try', 'range_', 'x_')
    """
    made = unicodedata.normalize("NFKC", name)
    if not made.isidentifier():
        made = "".join(c if f"_{c}".isidentifier() else "_" for c in made)
        made = made if made.isidentifier() else f"_{made}"
    slot_like = re.fullmatch(r"_x\d+", made)  # how bodies call what they read
    if slot_like or keyword.iskeyword(made) or made in USED:
        made += "_"
    while made in taken:
        made += "_"
    return made


def pronounceable(
    system: System, hidden: Collection[str] = ()
) -> tuple[System, Mapping[str, str]]:
    """The system with every array and every size under a name of its own that Python takes, and
    the arrays' names in it by their names in `system`.

    Inputs keep theirs before others do, arrays before sizes; what needs no change is not changed.
    hidden: further names that an array would hide.
    """
    taken: set[str] = {*hidden}
    names = _named(system.shapes, taken)
    bound = [(i.size,) for e in system.equations for t in e.terms for i in t.over]
    sizes = sorted(size_symbols([*system.shapes.values(), *bound]), key=str)
    arrays = {*names.values()}
    by = _named(sizes, taken, lambda name: f"{name}_size" if name in arrays else name)
    changed = {old: new for old, new in names.items() if old != new}
    moved = {old: size_symbol(new) for old, new in by.items() if str(old) != new}
    return (_renamed(system, changed, moved) if changed or moved else system), names


def _named(
    things: Iterable[Thing], taken: set[str], instead: Callable[[str], str] = str
) -> dict[Thing, str]:
    """A name for each that is not `taken`, and then is; one that Python does not bear is changed.
    """
    found: dict[Thing, str] = {}
    # In two rounds, so that a name which needs no change is not taken by one that is changed.
    for kept in (True, False):
        for thing in things:
            name = str(thing)
            if thing not in found and (identifier(name, taken) == name) == kept:
                found[thing] = identifier(name if kept else instead(name), taken)
                taken.add(found[thing])
    return found


def _renamed(
    system: System, names: Mapping[str, str], sizes: Mapping[sp.Symbol, sp.Symbol]
) -> System:
    """The system with arrays and sizes under other names."""

    def sized(size: Size) -> Size:
        return size.xreplace(sizes)

    def array(old: Array) -> Array:
        classes = None if old.classes is None else sized(old.classes)
        return replace(old, name=names.get(old.name, old.name),
                       shape=tuple(map(sized, old.shape)), classes=classes)

    def equation(old: Equation) -> Equation:
        return rename_arrays(replace(
            old, out=tuple(Index(index.name, sized(index.size)) for index in old.out),
            terms=tuple(substitute_term(term, sizes) for term in old.terms)), names)

    return replace(system.mapped(equation), inputs=tuple(map(array, system.inputs)))


def quoted(text: str) -> str:
    """A string literal."""
    return f'"{escaping.python(text)}"'
