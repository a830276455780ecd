"""A forward pass as a reader wants it: what an operation at a time gave is put together.

A trace or a parsed text has one equation an operation; a reader wants Z = X W + b.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from .equation import Equation, Read, System, map_reads, substitute_term, validate
from .rewrite import inline, readers


def fuse_forward(system: System, keep: set[str]) -> System:
    """The forward pass with unnamed intermediates (t1, t2, ...) put into what reads them.

    A trace or a parsed text has one equation an operation; a reader wants Z = X W + b.
    """
    flat = [item for item in system.items if isinstance(item, Equation)]
    if len(flat) < len(system.items):  # recurrences are left as they are
        return system
    flat = _without_units(flat, keep)
    for name in [equation.name for equation in flat]:
        if not is_unnamed(name) or name in keep:
            continue
        target = next(equation for equation in flat if equation.name == name)
        reading = readers(target.name, flat)
        if not reading or (len(reading) > 1 and not is_short(target)):
            continue
        put = [inline(reader, target) for reader in reading]
        if any(result is None for result in put):
            continue
        changed = {e.name: e for e in put if e is not None}
        flat = [changed.get(e.name, e) for e in flat if e.name != target.name]
    return validate(replace(system, items=tuple(flat)))


def _without_units(equations: list[Equation], keep: set[str]) -> list[Equation]:
    """Unnamed arrays lose the axes of length 1 that keepdims gave them."""
    for place in range(len(equations)):
        equation = equations[place]  # as the ones before have left it
        name = equation.name
        axes = [axis for axis, index in enumerate(equation.out) if index.size == 1]
        if not axes or not is_unnamed(name) or name in keep or equation.argmax:
            continue

        def shorter(read: Read, name: str = name, axes: Sequence[int] = axes) -> Read:
            if read.array != name:
                return read
            return Read(name, tuple(e for axis, e in enumerate(read.at) if axis not in axes))

        zeros = {equation.out[axis].symbol: sp.S.Zero for axis in axes}
        out = tuple(index for axis, index in enumerate(equation.out) if axis not in axes)
        terms = tuple(substitute_term(term, zeros) for term in equation.terms)
        equations = [
            replace(e, out=out, terms=terms) if e.name == name
            else replace(e, terms=tuple(map_reads(term, shorter) for term in e.terms))
            for e in equations
        ]
    return equations


def is_unnamed(name: str) -> bool:
    return name.startswith("t") and name[1:].isdigit()


def is_short(equation: Equation) -> bool:
    """A copy, a constant, or a constant multiple: nothing is lost by writing it out again."""
    return equation.is_pointwise and sp.count_ops(equation.terms[0].body) <= 1
