"""Jacobians, Hessians and products with them, by the rule of :mod:`adjoint` once more.

    L = Σ_i z[i]² / 2, z = A x   ->   H[j, l] = Σ_i A[i, j] A[i, l];   Hv = Aᵀ (A v)

A Jacobian is the reverse rule with the output's axes in front; a Hessian is the Jacobian of a
gradient; a Hessian-vector product is the forward rule over a gradient (forward over reverse,
Pearlmutter 1994), which never holds the Hessian.  What comes out is a system like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import sympy as sp

from ..assumptions import Assumption
from ..dependence import arrays_read
from ..equation import (
    Array,
    Equal,
    Equation,
    EquationError,
    Index,
    Item,
    Read,
    System,
    Term,
    equations_of,
    fresh_name,
    index_symbol,
    slot,
)
from ..shapes import axis_names
from ..substitution import rename_arrays, rename_bound, substitute_term
from ..validation import validate
from . import adjoint
from .chain import differentiate
from .fuse import fuse_forward
from .recording import FreshNames
from .simplifier import Simplifier, final_items


@dataclass(frozen=True)
class Derivatives:
    """Derivatives and what is computed on the way.

    system: inputs and all equations; `new` names those that were added to the given ones, in
    order.  of: what was differentiated (or differentiated by) -> the array of its derivative.
    adjoints: arrays of the first gradient, where there is one -> what they are the adjoint of.
    output: what was differentiated last.
    seconds: derivatives of what was differentiated by arrays on the way -> by which.
    tangents, cotangents: derivatives along the direction -> of which; the directions themselves.
    leading: how many axes of a derivative are those of what was differentiated.
    assumptions: what was assumed of inputs on the way.
    """

    system: System
    of: Mapping[str, str]
    new: tuple[str, ...]
    adjoints: Mapping[str, str]
    leading: int = 0
    assumptions: tuple[Assumption, ...] = ()
    output: str = ""
    seconds: Mapping[str, str] = field(default_factory=dict)
    tangents: Mapping[str, str] = field(default_factory=dict)
    cotangents: Mapping[str, str] = field(default_factory=dict)


Layout: TypeAlias = Literal["numerator", "denominator"]
"""Whether a Jacobian has the axes of what is differentiated in front, or those of what by."""


def jacobian(
    system: System, output: str, wrt: Iterable[str], short: bool = True,
    layout: Layout = "numerator",
) -> Derivatives:
    """J[out, in] = ∂output[out]/∂input[in] for each of `wrt`, the output's axes in front; in
    denominator layout J[in, out], which is its transpose.

    short: whether it is made as short as a reader wants it, not only computed.

    Raises EquationError for an array that is not there.
    """
    wanted = tuple(wrt)
    _check(system, output, *wanted)
    system = fuse_forward(system, {output, *wanted})
    return _jacobian(_Slopes(system, output), wanted, "J", short, layout)


Symmetry: TypeAlias = Literal["paired", "projected"]
"""What a symmetric array's gradient is; see :func:`symmetric_gradient`."""


def symmetric_gradient(system: System, loss: str, one: str, kind: Symmetry) -> Derivatives:
    """The gradient by a symmetric matrix S, from that of free entries, G[i, j] = ∂loss/∂S[i, j].

    paired: G + Gᵀ - I ⊙ G, the derivatives by the entries on and below the diagonal, each of which
    stands for two (Petersen & Pedersen 2012, The Matrix Cookbook, eq. 138).
    projected: (G + Gᵀ)/2, the gradient among symmetric matrices: dL = Σ_ij P[i, j] dS[i, j] for
    every symmetric dS, and P is one itself (Srinivasan & Panda 2023, Linear and Multilinear
    Algebra 71).

    Raises EquationError for an array that is not there or is not declared to be symmetric.
    """
    _check(system, loss, one)
    if not any(array.name == one and array.kind == "symmetric" for array in system.inputs):
        raise EquationError(f"{one} is not declared to be symmetric; declare it, "
                            f'{one}=gp.Array("n n", kind="symmetric")')
    chain = differentiate(system, loss, [one])
    gradient = chain.of[one]
    row, column = FreshNames(chain.system).out(gradient)
    here, there = (Read(gradient, (a.symbol, b.symbol)) for a, b in ((row, column), (column, row)))
    weight = sp.S.One if kind == "paired" else sp.S.Half
    terms = [Term(weight * slot(0), (read,)) for read in (here, there)]
    if kind == "paired":
        terms.append(Term(-slot(0), (here,), guards=(Equal(row.symbol, column.symbol),)))
    name = fresh_name("symmetric", chain.system.names)
    wide = chain.system.extended([Equation(name, (row, column), tuple(terms))])
    forward = {*chain.forward}
    count = sum(not {e.name for e in equations_of(item)} - forward for item in wide.items)
    made = _titled(*_simplified(wide, count, {name}), {one: name}, "G",
                   _Slopes(replace(wide, items=wide.items[:count]), gradient,
                           {bar: of for of, bar in chain.of.items()}, chain.assumptions))
    return made


def hessian(
    system: System, loss: str, one: str, other: str, short: bool = True
) -> Derivatives:
    """H[i, j] = ∂²loss/∂one[i]∂other[j], the axes of `one` in front.

    short: as for :func:`jacobian`.

    Raises EquationError for an array that is not there or a loss that is no scalar.
    """
    return _jacobian(_slopes(system, loss, one, other), (other,), "H", short)


def diagonal(system: System, loss: str, one: str, shared: int | None = None) -> Derivatives:
    """h[i] = ∂²loss/∂one[i]², of the shape of `one`, without the Hessian where its other entries
    do not matter.

    shared: of the axes of `one`, how many stand for both sides; by default all.  With fewer these
    are the blocks ∂²loss/∂one[i, c]∂one[i, d], of the shape of `one` and the axes left.
    """
    slopes = _slopes(system, loss, one, one)
    known, _ = adjoint.recorded(slopes.system, (one,))
    found = adjoint.jacobian(known, slopes.output, (one,))
    out = found.system[found.of[one]].out
    first, second = out[:len(out) // 2], out[len(out) // 2:]
    both = len(first) if shared is None else shared
    symbols = [index.symbol for index in (*first, *first[:both], *second[both:])]
    name = fresh_name("diagonal", found.system.names)
    wide = found.system.extended([Equation(
        name, (*first, *second[both:]), (Term(slot(0), (Read(found.of[one], tuple(symbols)),)),))])
    return _titled(*_simplified(wide, len(known.items), {name}), {one: name}, "h", slopes)


def pushforward(system: System, output: str, wrt: Iterable[str]) -> Derivatives:
    """The tangent of `output` for tangents of `wrt`, new inputs called x_dot for x."""
    wanted = tuple(wrt)
    _check(system, output, *wanted)
    return _pushed(_Slopes(fuse_forward(system, {output, *wanted}), output), wanted, "Jv")


def pullback(system: System, output: str, wrt: Iterable[str]) -> Derivatives:
    """The adjoints of `wrt` for an adjoint of `output`, a new input called y_bar for y."""
    wanted = tuple(wrt)
    _check(system, output, *wanted)
    bar = fresh_name(f"{output}_bar", system.names)
    seed = Array(bar, system.shapes[output], axes=_axes(system, output))
    system = fuse_forward(replace(system, inputs=(*system.inputs, seed)), {output, *wanted})
    chain = differentiate(system, output, wanted, cotangent=bar)
    made = _titled(chain.system, chain.assumptions, {name: chain.of[name] for name in wanted}, "vJ",
                   _Slopes(system, output))
    return replace(made, cotangents={bar: output, **{
        array: name for name, array in chain.of.items() if name not in wanted}})


def hessian_product(
    system: System, loss: str, one: str, other: str, direction: str = ""
) -> Derivatives:
    """Σ_j H[i, j] v[j] for a direction v of `other`, a new input: `direction`, or x_dot for x.

    Forward over reverse: as cheap as a few gradients, whatever the size of the Hessian.
    """
    return _pushed(_slopes(system, loss, one, other), (other,), "Hv", direction)


@dataclass(frozen=True)
class _Slopes:
    """What is to be differentiated: an output, or a gradient with what it is the adjoint of."""

    system: System
    output: str
    adjoints: Mapping[str, str] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()


def _slopes(system: System, loss: str, one: str, other: str) -> _Slopes:
    """The gradient of a loss by `one`, to be differentiated by `other`."""
    _check(system, loss, one, other)
    fused = fuse_forward(system, {loss, one, other})
    free = _varied(fused, other)
    made = [i for i in fused.items if isinstance(i, Equation) and i.name == other]
    if made and one == other:  # what it is computed as holds at the point, not on the way
        free = replace(free, inputs=(*free.inputs, Array(other, made[0].shape)),
                       items=tuple(i for i in free.items if i is not made[0]))
    chain = differentiate(free, loss, [one])
    adjoints = {bar: name for name, bar in chain.of.items()}
    known = replace(chain.system, inputs=system.inputs)  # at the point, declarations hold again
    if len(free.inputs) > len(fused.inputs):  # and so does what an array is computed as
        known = replace(known, items=_in_order(known, fused))
    return _Slopes(known, chain.of[one], adjoints, chain.assumptions)


def _in_order(known: System, forward: System) -> tuple[Item, ...]:
    """The items of a system, and those of the forward pass that it lacks, each behind what it
    reads."""
    there = {name for item in known.items for name in _made_by(item)}
    left = [*(item for item in forward.items if not there & _made_by(item)), *known.items]
    defined, found = {array.name for array in known.inputs}, list[Item]()
    while left:
        place = next(place for place, item in enumerate(left) if {
            name for one in equations_of(item) for name in arrays_read(one)
        } <= defined | _made_by(item))
        found.append(left.pop(place))
        defined |= _made_by(found[-1])
    return tuple(found)


def _made_by(item: Item) -> set[str]:
    return {name for one in equations_of(item) for name in (one.name, *one.argmax)}


def _varied(system: System, name: str) -> System:
    """The system with nothing declared of a real input: what is assumed of it holds at the point,
    not on the way there, so a gradient that is to be differentiated by it must not have used it.
    """
    return replace(system, inputs=tuple(
        replace(array, kind="real") if array.name == name and not array.is_integer else array
        for array in system.inputs
    ))


def _jacobian(
    slopes: _Slopes, wrt: tuple[str, ...], title: str, short: bool,
    layout: Layout = "numerator",
) -> Derivatives:
    system, _ = adjoint.recorded(slopes.system, wrt)
    found = adjoint.jacobian(system, slopes.output, wrt)
    leading = len(system.shapes[slopes.output])
    wide, wanted = found.system, {name: found.of[name] for name in wrt}
    if layout == "denominator":
        wide, wanted = _transposed(wide, wanted, leading)
    simple = (_simplified(wide, len(system.items), {*wanted.values()}) if short else (wide, ()))
    made = _titled(*simple, wanted, title, replace(slopes, system=system))
    if layout == "denominator":
        leading = len(made.system.shapes[next(iter(made.of.values()))]) - leading
    return replace(made, leading=leading, seconds={
        array: name for name, array in found.of.items() if name not in wrt})


def _transposed(
    system: System, of: Mapping[str, str], leading: int
) -> tuple[System, dict[str, str]]:
    """The system with each of the derivatives once more, the first `leading` axes behind the
    others."""
    found = {}
    for name, array in of.items():
        out = FreshNames(system).out(array)
        at = tuple(index.symbol for index in out)
        found[name] = fresh_name(f"{array}_transposed", system.names)
        system = system.extended([Equation(
            found[name], (*out[leading:], *out[:leading]), (Term(slot(0), (Read(array, at),)),))])
    return system, found


def _pushed(
    slopes: _Slopes, wrt: tuple[str, ...], title: str, direction: str = ""
) -> Derivatives:
    system, _ = adjoint.recorded(slopes.system, wrt)
    output = slopes.output
    dots = {name: direction or fresh_name(f"{name}_dot", system.names) for name in wrt}
    directions = tuple(
        Array(dot, system.shapes[name], axes=_axes(system, name)) for name, dot in dots.items()
    )
    wide = replace(system, inputs=(*system.inputs, *directions))
    found = adjoint.forward(wide, dots)
    tangent = found.of.get(output)
    if tangent is None or tangent in dots.values():  # of an input: zero, or the direction itself
        shape = system.shapes[output]
        out = tuple(map(Index, axis_names(len(shape)), shape))
        here = tuple(index.symbol for index in out)
        terms = () if tangent is None else (Term(slot(0), (Read(tangent, here),)),)
        tangent = fresh_name(f"{output}_dot", found.system.names)
        found = adjoint.Derived(found.system.extended([Equation(tangent, out, terms)]), found.of)
    simple = _simplified(found.system, len(system.items), {tangent})
    made = _titled(*simple, {output: tangent}, title, replace(slopes, system=wide))
    return replace(made, tangents={
        array: name for name, array in {**found.of, **dots}.items() if array != tangent})


def _check(system: System, *names: str) -> None:
    for name in names:
        if name not in system.shapes:
            raise EquationError(f"cannot differentiate: there is no array {name!r}; there are "
                                f"{sorted(system.names)}")


def _axes(system: System, name: str) -> tuple[str, ...]:
    """The index names of an array's axes."""
    for array in system.inputs:
        if array.name == name:
            return array.axes
    return tuple(index.name for index in system[name].out)


def _simplified(
    system: System, count: int, keep: set[str]
) -> tuple[System, tuple[Assumption, ...]]:
    """The system with the items after the first `count` shortened, where `keep` stays named; and
    what that assumed."""
    given, added = (replace(system, items=items)
                    for items in (system.items[:count], system.items[count:]))
    simplifier = Simplifier(given, added, keep)
    steps = simplifier.run()
    assumed = {found for step in (*steps, *simplifier.inlined.values())
               for found in (*step.relies, *(a for form in step.forms for a in form.assumes))}
    made = validate(replace(system, items=(*given.items, *final_items(added.items, steps))))
    return made, tuple(assumed)


def _titled(
    system: System,
    assumed: Iterable[Assumption],
    of: Mapping[str, str],
    title: str,
    before: _Slopes,
) -> Derivatives:
    """The derivatives under the name a reader expects (J, H), with numbers where there are more."""
    taken = set(system.names)
    names: dict[str, str] = {}
    for name, array in of.items():
        wish = title if len(of) == 1 else f"{title}_{name}"
        names[array] = fresh_name(wish, taken)
        taken.add(names[array])

    renamed = system.mapped(lambda equation: rename_arrays(equation, names))
    titled = validate(replace(system, items=tuple(
        _lettered(item) if isinstance(item, Equation) and item.name in names.values() else item
        for item in renamed.items)))
    known = set(before.system.names)
    new = tuple(e.name for e in titled.equations if e.name not in known)
    return Derivatives(titled, {name: names[array] for name, array in of.items()}, new,
                       before.adjoints, output=before.output,
                       assumptions=tuple(sorted({*before.assumptions, *assumed}, key=str)))


def _lettered(equation: Equation) -> Equation:
    """The equation with i, j, k, ... for the axes of its left side."""
    if len(equation.out) > len(LETTERS):
        return equation
    letters = LETTERS[: len(equation.out)]
    by = {
        index.symbol: index_symbol(letter)
        for index, letter in zip(equation.out, letters, strict=True)
    }
    taken = {*letters, *(index.name for index in equation.out)}
    terms = tuple(substitute_term(rename_bound(term, taken), by) for term in equation.terms)
    out = tuple(Index(letter, index.size)
                for index, letter in zip(equation.out, letters, strict=True))
    return replace(equation, out=out, terms=terms)


LETTERS = "ijklpqrs"
"""The names of the axes of a derivative."""
