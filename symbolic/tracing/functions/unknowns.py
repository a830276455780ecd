"""What is solved for, in traced code: x = f(x) of a function of the user's; gradients, and what
none passes.

The function is called once, on an array that stands for the unknown; how SciPy, or whoever calls
it, would find the values does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from ...equation import EquationError, System, slot
from ...functions import STOP_GRADIENT
from ...layers.builder import Operand, ShapeError
from ...layers.unknowns import Unknown
from ...substitution import rename_arrays
from ..session import Session, needed_for
from ..source import fail, user_frames

Kind: TypeAlias = Literal["fixed point", "root", "minimum"]
Rule: TypeAlias = Callable[[System, str, str], tuple[System, str]]
"""Extends a system by the derivative of one of its arrays by another, and names it."""


def solved_for(
    session: Session, function: Callable[..., Any], start: Any, kind: Kind,
    rule: Rule | None = None, args: tuple[Any, ...] = (),
) -> Any:
    """The unknown of f(x) = x, of f(x) = 0, or where the number f(x) is smallest, as an array."""
    begin = session.entry(session.call("asarray", start))
    assert isinstance(begin, Operand)
    place = len(session.builder.equations)
    unknown = Unknown(session.builder, session.builder.fresh("t1"), begin)
    made = session.entry(session.call("asarray", function(session.array(unknown.operand), *args)))
    assert isinstance(made, Operand)
    try:
        if kind == "minimum":
            made = _slope(session, made, unknown.operand, rule)
        unknown.close(slot(0), made, root=kind != "fixed point")
    except (ShapeError, EquationError) as error:
        fail(str(error).replace(unknown.operand.name, "what is solved for"))
    _renumbered(session, place, begin)
    return session.array(unknown.operand)


def _renumbered(session: Session, place: int, start: Operand) -> None:
    """Equations from a place on were put in another order: their lines are those of here, and
    neither they nor the start of this statement are what it assigns to, but the last."""
    session.rows.clear()
    session.noted = min(session.noted, place)
    frame = next(user_frames(), None)
    here = (id(frame), frame.f_lineno) if frame else None
    inside = {equation.name for equation in session.builder.equations[place:]}
    session.statements = [
        (name, at, None if at == here and name == start.name else target)
        for name, at, target in session.statements if name not in inside]


def _slope(session: Session, made: Operand, by: Operand, rule: Rule | None) -> Operand:
    if rule is None:
        fail("where a number is smallest is not traced here; give its gradient to "
             "gradproof.root, or use gradproof.minimizer")
    if made.ndim:
        fail(f"the gradient is that of a number, got {session.shown(made)}")
    system, name = rule(session.builder.build(), made.name, by.name)
    session.builder.adopt(system)
    return Operand(name, system.shapes[name])


def gradient_at(session: Session, function: Callable[..., Any], x: Any, rule: Rule) -> Any:
    """The gradient of the number that the function gives of an array, at x, as an array."""
    at = session.entry(session.call("asarray", x))
    assert isinstance(at, Operand)
    builder, place = session.builder, len(session.builder.equations)
    own = builder.pointwise(slot(0), at)  # by which nothing else is computed
    made = session.entry(session.call("asarray", function(session.array(own))))
    assert isinstance(made, Operand)
    try:
        found = _slope(session, made, own, rule)
    except EquationError as error:
        fail(str(error))
    if all(rows.stop <= place for rows, _ in builder.recurrences):  # it is x that is read
        after = [rename_arrays(e, {own.name: at.name}) for e in builder.equations[place + 1:]]
        gone = {e.name for e in (*builder.equations[place:], *after)}
        needed = {e.name for e in needed_for({found.name}, after)}
        builder.equations[place:] = [e for e in after if e.name in needed]
        for name in gone - needed:  # which another array may get
            session.said_names.pop(name, None)
        _renumbered(session, place, at)
    return session.array(found)


def stopped(session: Session, x: Any) -> Any:
    """An array with the values of x, whose derivative by whatever x depends on is 0."""
    at = session.entry(session.call("asarray", x))
    assert isinstance(at, Operand)
    return session.array(session.builder.pointwise(STOP_GRADIENT(slot(0)), at))


class Found:
    """What scipy.optimize.root gives, as far as it is known: x."""

    def __init__(self, x: Any) -> None:
        self.x = x
        self.success = True

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __getattr__(self, name: str) -> Any:
        fail(f"{name} of what scipy.optimize.root gives is not traced; its x is")


def _fixed_point(session: Session, func: Any, x0: Any, args: Any = (), **_: Any) -> Any:
    return solved_for(session, func, x0, "fixed point", args=_several(args))


def _fsolve(session: Session, func: Any, x0: Any, args: Any = (), fprime: Any = None,
            full_output: Any = False, **_: Any) -> Any:
    if full_output:
        fail("scipy.optimize.fsolve with full_output= is not traced")
    return solved_for(session, func, x0, "root", args=_several(args))


def _newton(session: Session, func: Any, x0: Any, fprime: Any = None, args: Any = (),
            **options: Any) -> Any:
    if options.get("full_output"):
        fail("scipy.optimize.newton with full_output= is not traced")
    return solved_for(session, func, x0, "root", args=_several(args))


def _root(session: Session, fun: Any, x0: Any, args: Any = (), **options: Any) -> Found:
    if options.get("jac") is True:
        fail("scipy.optimize.root of a function that gives its slope, too, is not traced")
    return Found(solved_for(session, fun, x0, "root", args=_several(args)))


def _several(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


SOLVERS: dict[str, Callable[..., Any]] = {
    "optimize.fixed_point": _fixed_point,
    "optimize.fsolve": _fsolve,
    "optimize.newton": _newton,
    "optimize.root": _root,
}
"""Of SciPy, by module and name."""
