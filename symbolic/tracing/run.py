"""A NumPy function as equations: it runs once, on arrays with symbolic sizes.

The trace follows what the function does, in exact arithmetic, for all sizes at once; the function
itself is not read.  What cannot be followed for all values and sizes is a TraceError with the
user's line.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from ..equation import Array, System, size_symbol
from ..places import SourceLine, said_place
from ..shapes import ShapeTextError, parse_shape
from .functions.array_functions import FUNCTIONS
from .functions.ufuncs import call
from .kept_state import State, shown
from .masked import Masked
from .outside import settings
from .outside.standard import check_handed
from .rebinding import Rebinder
from .same_equations import same_equations
from .session import Session
from .sizes import exact
from .source import (
    FAILURES,
    SESSION,
    UNDER_WAY,
    Place,
    TraceError,
    fail,
    is_users,
    place_of,
)
from .tracer import Tracer
from .unbounded import FUNCTIONS as BEYOND
from .unbounded import any_beyond

__all__ = ["SourceLine", "Trace", "TraceError", "trace"]

Spec: TypeAlias = "str | Array | Mapping[str, Spec] | Sequence[Spec]"
"""An input: a shape, an array, or a dict, list or tuple of inputs."""

Names: TypeAlias = "str | dict[Any, Names] | list[Names] | tuple[Names, ...] | None"
"""Names of arrays in the containers in which the function has them; None is no array."""


@dataclass(frozen=True)
class Trace:
    """What a function computes.

    `result` has the names of the arrays that the function returned, in its dicts and tuples, and
    `arguments` those that it was given, by parameter.  `lines` are the source lines of equations;
    `assumptions` say what was taken for granted; `mutated` are inputs that the function changes;
    `least` the least values of sizes that have to be larger than 1.  `stacks` are the lines of
    the calls, outermost first, in which each equation was made.  `stops`: where a library was told
    not to differentiate; `ruled`: functions with a rule of their own, of which the values are
    traced; `applied`: the calls of PyTorch's.
    """

    system: System
    result: Names
    arguments: dict[str, Names]
    lines: dict[str, SourceLine]
    assumptions: tuple[str, ...] = ()
    mutated: tuple[str, ...] = ()
    least: Mapping[str, int] = field(default_factory=dict)
    stacks: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    stops: tuple[str, ...] = ()
    ruled: tuple[Any, ...] = ()
    applied: tuple[Any, ...] = ()

    @property
    def results(self) -> dict[str, str]:
        """Each returned array by its key: of a dict the key, of a tuple the place, "" for one."""
        return dict(_leaves(self.result))


def _leaves(names: Names, key: str = "") -> list[tuple[str, str]]:
    if isinstance(names, str):
        return [(key, names)]
    if isinstance(names, dict):
        entries = list(names.items())
    elif isinstance(names, (list, tuple)):
        entries = list(enumerate(names))
    else:
        return []
    found = []
    for inner, value in entries:
        found += _leaves(value, f"{key}.{inner}" if key else str(inner))
    return found


def trace(
    function: Callable[..., Any],
    inputs: Mapping[str, Spec],
    *,
    constants: Mapping[str, Any] | None = None,
) -> Trace:
    """The equations of `function` for the `inputs`, which are bound by parameter name.

    >>> import numpy as np
    >>> def loss(x, A):
    ...     return np.sum((A @ x) ** 2)
    >>> print(trace(loss, {"A": "m n", "x": "n"}).system)
    t1[i<m] = Σ_j<n A[i, j]*x[j]
    t2[i<m] = t1[i]**2
    t3[] = Σ_i<m t2[i]

    An input is a shape ("m n"), an Array, or a dict, list or tuple of them; `constants` are handed
    to their parameters as they are.  Raises TraceError, with the line, for what has no equations.
    """
    session = Session(FUNCTIONS, call, Tracer)
    session.tracers = Tracer
    session.unbounded, session.any_beyond = BEYOND, any_beyond
    failures: list[TraceError] = []
    tokens = SESSION.set(session), FAILURES.set(failures)
    UNDER_WAY.append(failures)
    rebound = session.rebound = Rebinder(session)
    try:
        made, fixed = rebound(function), rebound(dict(constants or {}))
        once = partial(_call, session, rebound, made, inputs, fixed)
        drawn = settings.drawn_from()
        first = once()
        _same_again(first, once, session, rebound)
        if settings.drawn_from() != drawn:
            raise TraceError("numbers are drawn at random in code that is not traced; hand them in "
                             "as an argument")
        return first
    finally:
        rebound.watch.end()
        UNDER_WAY[:] = [one for one in UNDER_WAY if one is not failures]
        SESSION.reset(tokens[0])
        FAILURES.reset(tokens[1])


def _call(
    session: Session, rebound: Rebinder, function: Callable[..., Any],
    inputs: Mapping[str, Spec], constants: Mapping[str, Any],
) -> Trace:
    """One call of the function, on fresh inputs."""
    binder = _Binder(session, inputs)
    positional, keywords = binder.bind(function, constants)
    with settings.watched():
        returned = run_traced(function, positional, keywords)
    check_handed(session)
    for failure in (*(FAILURES.get() or ()), *rebound.watch.seen):
        raise failure  # the function caught it and went on another way
    try:
        return _finished(session, returned, binder.arguments)
    except TraceError as error:  # of what is returned, when no line of the function runs any more
        code = getattr(function, "__code__", None)
        where = f"{said_place(code.co_filename, code.co_firstlineno)}: " if code else ""
        raise TraceError(f"{where}{error}") from None


def _same_again(
    first: Trace, once: Callable[[], Trace], session: Session, rebound: Rebinder
) -> None:
    """Calls the function again on what the first call left; a TraceError where that matters."""
    before = State(rebound.roots())
    with settings.others():
        _compare(first, once, session)
    if session.unordered:  # once more, in yet another order
        _compare(first, once, session)
    after = State(rebound.roots())
    changed = after.changed(before)
    for path in after.shifted(before):
        raise TraceError(f"keeps state between calls: `{shown(path)}` is another object in every "
                         "call, and not all of them were seen")
    try:
        for path in dict.fromkeys([*changed, *after.moved(before, changed)]):
            if not after.hide(path):
                raise TraceError(f"keeps state between calls: `{shown(path)}` changes with every "
                                 "call, and what a later call makes of it was not seen")
        if changed:
            _compare(first, once, session, f": `{shown(changed[0])}` changes with every call")
    finally:
        after.restore()


def _compare(
    first: Trace, once: Callable[[], Trace], session: Session, why: str = ""
) -> None:
    session.begin_again()
    try:
        second = once()
    except ValueError as error:  # TraceErrors, and equations in what nobody may read
        raise TraceError(f"keeps state between calls{why}. A later call is not traced as the "
                         f"first was: {error}") from error
    if session.unordered:
        why += ", or rests on the order of a set, which differs from run to run"
    one, other = first.results, second.results
    if one.keys() != other.keys() or not same_equations(
            first.system, second.system, [(one[key], other[key]) for key in one]):
        raise TraceError(f"keeps state between calls{why}: a later call does not "
                         "compute what the first does")


def run_traced(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """function(*args, **kwargs); what it raises is a TraceError with the place."""
    try:
        return function(*args, **kwargs)
    except TraceError:
        raise
    except Exception as error:
        if failures := FAILURES.get():  # NumPy gives some of them other names
            raise failures[0] from error
        step = error.__traceback__
        at = None
        while step is not None:
            if is_users(step.tb_frame):
                at = place_of(step.tb_frame)._replace(line=step.tb_lineno)
            step = step.tb_next
        where = f"{said_place(at.filename, at.line)}: " if at else ""
        raise TraceError(f"{where}{type(error).__name__} while the function was traced: {error}"
                         ) from error


def _finished(session: Session, returned: Any, arguments: dict[str, Names]) -> Trace:
    found = _results(session, returned)
    system, names = session.finished({name for _, name in _leaves(found)})
    return Trace(
        system,
        _mapped(found, names),
        arguments,
        session.lines,
        (*session.assumptions, *_taken_as_decimals([*session.decimals])),
        tuple(session.mutated),
        session.least,
        session.stacks,
        tuple(session.stops),
        tuple(session.ruled.values()),
        tuple(session.applied),
    )


def _taken_as_decimals(constants: Sequence[str]) -> Iterator[str]:
    """What is assumed of constants of many digits: an array read from outside has one an entry."""
    some = ", ".join(constants[:2])
    if len(constants) == 1:
        yield f"the constant {some} is taken as exactly that decimal"
    elif constants:
        some += ", ..." if len(constants) > 2 else ""
        yield f"{len(constants)} constants ({some}) are taken as exactly their decimals"


def _mapped(result: Names, names: Mapping[str, str]) -> Names:
    if isinstance(result, str):
        return names.get(result, result)
    if isinstance(result, dict):
        return {key: _mapped(value, names) for key, value in result.items()}
    if isinstance(result, list):
        return [_mapped(value, names) for value in result]
    if isinstance(result, tuple):
        return tuple(_mapped(value, names) for value in result)
    return None


def _results(session: Session, value: Any, key: str = "") -> Names:
    """The names of the arrays in what the function returned; numbers become scalar arrays."""
    if isinstance(value, Tracer):
        operand = value.operand
        if key:  # what is returned for the input W is called dW
            given = any(array.name == key for array in session.builder.inputs)
            session.suggest(operand, f"d{key}" if given else key)
        return operand.name
    if isinstance(value, Masked):
        fail("the function returns x[mask], which has an unknown number of entries")
    if isinstance(value, dict):
        return {k: _results(session, v, str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_results(session, v) for v in value]
    if isinstance(value, tuple):
        return tuple(_results(session, v) for v in value)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return None
    if exact(value) is not None or hasattr(value, "__array__"):
        made = session.call("array", value)
        return _results(session, made, key)
    return None


# --- inputs -------------------------------------------------------------------------------------


class _Binder:
    """From the inputs by name to the arguments of a call."""

    def __init__(self, session: Session, inputs: Mapping[str, Spec]) -> None:
        self.session = session
        self.inputs = inputs
        self.arguments: dict[str, Names] = {}
        self._taken: set[str] = set()

    def bind(
        self, function: Callable[..., Any], constants: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The positional and the keyword arguments."""
        title = getattr(function, "__name__", repr(function))
        parameters = inspect.signature(function).parameters
        given = {**self.inputs, **constants}
        left = dict(given)
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for name, parameter in parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                keywords.update({key: self._argument(key) if key in self.inputs else constants[key]
                                 for key in list(left) if key not in parameters})
                left = {key: value for key, value in left.items() if key in parameters}
                continue
            if parameter.kind is parameter.VAR_POSITIONAL:
                continue
            if name not in given:
                if parameter.default is parameter.empty:
                    self._missing(title, name, left, parameters)
                continue
            left.pop(name)
            value = self._argument(name) if name in self.inputs else constants[name]
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                keywords[name] = value
        if left:
            raise TraceError(f"{title} has no parameter {next(iter(left))!r}; its parameters are "
                             f"{', '.join(parameters)}")
        return positional, keywords

    @staticmethod
    def _missing(
        title: str, name: str, left: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> None:
        near = difflib.get_close_matches(name, [key for key in left if key not in parameters], 1)
        hint = f"; did you mean it by {near[0]!r}?" if near else ""
        raise TraceError(f"{title} needs an input for its parameter {name!r}: give its shape, as "
                         f'in {name}="m n", or a dict of shapes{hint}')

    def _argument(self, name: str) -> Any:
        value, names = self._container(name, name, self.inputs[name])
        self.arguments[name] = names
        return value

    def _container(self, path: str, key: str, spec: Spec) -> tuple[Any, Names]:
        if isinstance(spec, (str, Array)):
            array = self._array(path, key, spec)
            tracer = Tracer(self.session, self.session.builder.input(array), "bool" if array.truths
                            else "int" if array.is_integer else "float")
            if tracer.kind == "int":
                self.session.integers.add(array.name)
            tracer.input_name = array.name
            return tracer, array.name
        if isinstance(spec, Mapping):
            made = {k: self._container(f"{path}_{k}", str(k), v) for k, v in spec.items()}
            return ({k: value for k, (value, _) in made.items()},
                    {k: names for k, (_, names) in made.items()})
        if isinstance(spec, (list, tuple)):
            parts = [self._container(f"{path}_{k}", f"{path}_{k}", v) for k, v in enumerate(spec)]
            kind = type(spec)
            return kind(value for value, _ in parts), kind(names for _, names in parts)
        raise TraceError(f"input {path}: expected a shape such as \"m n\", an Array, or a dict or "
                         f"tuple of them, got {type(spec).__name__}: {spec!r:.60}")

    def _array(self, path: str, key: str, spec: str | Array) -> Array:
        """The input array: named by its key where that is free, else by its path."""
        name = key if key.isidentifier() and key not in self._taken else path
        if isinstance(spec, Array):
            array = replace(spec, name=spec.name or name)
        else:
            try:
                array = Array(name, parse_shape(spec))
            except ShapeTextError as error:
                raise TraceError(f"input {path}: {error}") from error
        if array.name in self._taken:
            raise TraceError(f"two inputs are called {array.name!r}; give one another name")
        self._taken.add(array.name)
        self.session.stated.update({
            str(self.session.size(size_symbol(size))): least for size, least in array.least})
        classes = None if array.classes is None else self.session.size(array.classes)
        return replace(array, shape=tuple(map(self.session.size, array.shape)), classes=classes)
