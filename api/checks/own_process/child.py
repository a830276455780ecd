"""In the child: a file is run, and its gradients are checked one after the other."""

from __future__ import annotations

import inspect
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradproof.checks.own_process.parent import Checked
from gradproof.limits.process import Send, ready

if TYPE_CHECKING:
    from gradproof.checks import hand_files
    from gradproof.checks.results import CheckResult
    from gradproof.symbolic.specs.model import Model
    from gradproof.symbolic.specs.network import Network

EARLIER = 0.1
"""The part of its time that a child leaves to say itself what is known."""


def serve_checks(arguments: list[str], send: Send) -> None:
    """Runs a file and checks its gradients from a place on.

    What they are held against is named, or comes pickled by stdin, or is marked in the file.
    """
    from gradproof.checks import hand_written  # noqa: F401
    from gradproof.derivations.sources import load

    file, spec, function, first, seconds = arguments
    given = sys.stdin.buffer.read()
    network = pickle.loads(given) if given else None
    ready(send)  # what is imported is no part of what the file takes
    try:
        if spec:
            network = load(spec)
        waiting = _of_network(file, network, function) if network is not None else marked(file)
    except ValueError as error:
        send("error", str(error))
        return
    serve(file, waiting, int(first), float(seconds), send)


def serve(file: str, waiting: Waiting, first: int, seconds: float, send: Send) -> None:
    """Checks one gradient after the other, from a place on, within seconds each."""
    from gradproof.limits.deadline import told

    send("count", len(waiting))
    for told_of, check in waiting[first:]:
        send("about", told_of)
        with told(send):
            try:
                answer = replace(told_of, result=check(seconds * (1 - EARLIER)))
            except Exception as error:
                kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
                answer = replace(told_of, error=f"{file}: {told_of.name}: {kind}{error}")
        send("answer", answer)


One = tuple[Checked, Callable[[float], "CheckResult"]]
"""A gradient to be checked, with its check, which takes seconds."""

Waiting = list[One]


def _of_network(file: str, network: Network | Model, function: str) -> Waiting:
    from gradproof.checks.hand_files import load_function
    from gradproof.checks.hand_written import check_network
    from gradproof.derivations.deriving import derive

    derivation = derive(network)
    gradient = load_function(file, function or None)
    names = derivation.network.parameters if derivation.network is not None else ()
    return [(about(gradient, names, file), lambda seconds: check_network(
        derivation, gradient, file, time_limit=seconds))]


def marked(file: str) -> Waiting:
    """The gradients that are marked in a file, which is run."""
    from gradproof.checks import hand_files

    before = len(hand_files.MARKED)
    names = {id(value): name for name, value in vars(hand_files.run_file(file)).items()}
    return [of_mark(mark, file, called=names.get(id(mark.gradient), ""))
            for mark in hand_files.MARKED[before:]]


def of_mark(
    mark: hand_files.Mark, file: str, taken: tuple[str, ...] = (), called: str = ""
) -> One:
    """A marked gradient, waiting to be checked.  taken: what was taken for what, in words; called:
    by what name the file has it."""
    from gradproof.checks.orders.kinds import checked

    made = replace(about(mark.gradient, _names(mark), file, called), taken=taken)
    return made, lambda seconds: checked(mark.order, mark.loss, mark.gradient, wrt=mark.wrt,
                                         inputs=mark.shapes, time_limit=seconds)


def _names(mark: hand_files.Mark) -> tuple[str, ...]:
    """By what it is checked, as far as that is known before."""
    if mark.order in ("gradient", "layer", "derivative"):
        return tuple(mark.wrt or mark.shapes)
    return {"jacobian": ("jac",), "hessian": ("hess",), "product": ("hessp",)}.get(
        mark.order, ("grad", "hess"))


def about(function: Any, names: Sequence[str], file: str, called: str = "") -> Checked:
    """A function of a file, before it is checked for gradients by names; an object without a name
    of its own, such as a module, is called as the file has it."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        owner = function if isinstance(function, type) else type(function)
        codes = [one.__code__ for one in map(inspect.unwrap, map(_plain, vars(owner).values()))
                 if inspect.isfunction(one) and (
                     owner is function or one.__code__.co_filename == str(Path(file)))]
        code = min(codes, key=lambda one: one.co_firstlineno, default=None)
    own = getattr(function, "__name__", "") or called or type(function).__name__
    return Checked(own, code.co_filename if code is not None else str(Path(file)),
                   code.co_firstlineno if code is not None else 1, tuple(names))


def _plain(method: Any) -> Any:
    return method.__func__ if isinstance(method, staticmethod | classmethod) else method
