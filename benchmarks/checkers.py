"""Gradient checkers on one set of right and wrong passes: ``python benchmarks/checkers.py``.

Every tool gets the same functions and the same arrays, with its own defaults.  A bug is found if
the tool does not accept the gradient; a probe is a false alarm if it does not accept a right one.
The bug g (ReLU' at an exact 0) is a convention and is reported apart.  Peers that are not installed
are left out; the table is Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from checker_cases import (
    BUGS,
    PROBES,
    SCORED,
    SHAPES,
    WEIGHTS,
    Arrays,
    Case,
    case,
    fresh,
)

import gradproof as gp

Accepts = Callable[[Case, Arrays], bool]


class Unsupported(Exception):  # noqa: N818  (an outcome, not an error)
    """The tool cannot take this case at all."""


@dataclass
class Tool:
    """A checker: does it accept the gradient?  `widths` are those it is timed at."""

    name: str
    accepts: Accepts
    widths: tuple[int, ...] = (8, 32, 128)
    found: dict[tuple[str, str], bool | None] = field(default_factory=dict)


# --- the loss as functions of one vector, or of the weights in order --------------------------


def counted(function: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """The function, and a list whose one entry counts its calls."""
    calls = [0]

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        return function(*args, **kwargs)

    return counting, calls


def flat(arrays: Mapping[str, Any]) -> Any:
    return np.concatenate([np.ravel(arrays[name]) for name in WEIGHTS])


def parted(vector: Any, arrays: Arrays) -> dict[str, Any]:
    """The arrays with the weights taken from a vector."""
    found: dict[str, Any] = dict(fresh(arrays))
    start = 0
    for name in WEIGHTS:
        size = arrays[name].size
        found[name] = vector[start:start + size].reshape(arrays[name].shape)
        start += size
    return found


def hand(given: Case, arrays: Arrays) -> dict[str, Any]:
    result: dict[str, Any] = given.gradient(**fresh(arrays))
    return result


def of_vector(given: Case, arrays: Arrays) -> tuple[Callable[[Any], Any], Any, Any]:
    """The loss of a vector, the vector, and the hand-written gradient as one."""
    return (lambda v: given.loss(**parted(v, arrays))), flat(arrays), flat(hand(given, arrays))


# --- the tools ----------------------------------------------------------------------------------


def gradproof_arrays(given: Case, arrays: Arrays) -> bool:
    found = gp.check(given.loss, given.gradient, wrt=WEIGHTS, repair_seconds=0, **arrays)
    return found.verdict in ("proved", "agrees")


def gradproof_shapes(given: Case, arrays: Arrays) -> bool:
    if given.regime == "float32":
        shapes: dict[str, Any] = arrays  # a shape has no dtype
    else:
        shapes = SHAPES
    found = gp.check(given.loss, given.gradient, wrt=WEIGHTS, repair_seconds=0, **shapes)
    return found.verdict in ("proved", "agrees")


def torch_gradcheck(fast: bool) -> Accepts:
    import torch

    def accepts(given: Case, arrays: Arrays) -> bool:
        made = {name: torch.from_numpy(array) for name, array in fresh(arrays).items()}

        class Loss(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *weights: Any) -> Any:
                values = dict(arrays) | {n: w.detach().numpy()
                                         for n, w in zip(WEIGHTS, weights, strict=True)}
                ctx.save_for_backward(*weights)
                return torch.tensor(given.loss(**fresh(values)))

            @staticmethod
            def backward(ctx: Any, *grad: Any) -> Any:
                values = dict(arrays) | {n: w.detach().numpy() for n, w in
                                         zip(WEIGHTS, ctx.saved_tensors, strict=True)}
                found = hand(given, values)
                return tuple(grad[0] * torch.from_numpy(np.asarray(found[n])) for n in WEIGHTS)

        weights = tuple(made[name].requires_grad_() for name in WEIGHTS)
        return bool(torch.autograd.gradcheck(Loss.apply, weights, fast_mode=fast,
                                             raise_exception=False))

    return accepts


def jax_check_grads() -> Accepts:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def accepts(given: Case, arrays: Arrays) -> bool:
        @jax.custom_vjp  # type: ignore[untyped-decorator]
        def loss(*weights: Any) -> Any:
            return np.asarray(given.loss(**{**fresh(arrays), **_numpy(weights)}))

        def forward(*weights: Any) -> Any:
            return loss(*weights), weights

        def backward(weights: Any, cotangent: Any) -> Any:
            found = hand(given, {**arrays, **_numpy(weights)})
            return tuple(jax.numpy.asarray(cotangent * found[n]) for n in WEIGHTS)

        loss.defvjp(forward, backward)
        try:
            check_grads(loss, tuple(arrays[n] for n in WEIGHTS), order=1, modes=["rev"])
        except AssertionError:
            return False
        return True

    return accepts


def _numpy(weights: Any) -> dict[str, Any]:
    return {n: np.array(w) for n, w in zip(WEIGHTS, weights, strict=True)}


def autograd_check_grads() -> Accepts:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def accepts(given: Case, arrays: Arrays) -> bool:
        def plain(*weights: Any) -> Any:
            return given.loss(**{**fresh(arrays), **_numpy(weights)})

        loss = primitive(plain)
        defvjp(loss, *(
            (lambda ans, *weights, name=name: lambda g: g * np.asarray(
                hand(given, {**arrays, **_numpy(weights)})[name]))
            for name in WEIGHTS
        ))
        np.random.seed(0)  # it draws its direction from the global generator
        try:
            for place in range(len(WEIGHTS)):  # its default is argument 0 alone
                check_grads(loss, argnum=place, modes=["rev"], order=1)(
                    *(arrays[n] for n in WEIGHTS))
        except AssertionError:
            return False
        return True

    return accepts


def scipy_check_grad() -> Accepts:
    from scipy.optimize import check_grad

    def accepts(given: Case, arrays: Arrays) -> bool:
        loss, vector, claimed = of_vector(given, arrays)
        error = check_grad(loss, lambda v: claimed, vector)
        return bool(error <= 1e-5 * max(np.linalg.norm(claimed), 1.0))

    return accepts


def numdifftools_gradient() -> Accepts:
    import numdifftools

    def accepts(given: Case, arrays: Arrays) -> bool:
        loss, vector, claimed = of_vector(given, arrays)
        measured = numdifftools.Gradient(loss)(vector.astype(float))
        return bool(np.allclose(claimed, measured))

    return accepts


def cs231n_recipe() -> Accepts:
    def accepts(given: Case, arrays: Arrays) -> bool:
        loss, vector, claimed = of_vector(given, arrays)
        h, measured = 1e-5, np.zeros(vector.size)
        for place in range(vector.size):
            step = np.zeros_like(vector)
            step[place] = h
            measured[place] = (loss(vector + step) - loss(vector - step)) / (2 * h)
        error = np.abs(measured - claimed) / np.maximum(1e-8, np.abs(measured) + np.abs(claimed))
        return bool(np.max(error) < 1e-5)

    return accepts


def complex_step_recipe() -> Accepts:
    def accepts(given: Case, arrays: Arrays) -> bool:
        if given.regime == "float32":
            raise Unsupported
        loss, vector, claimed = of_vector(given, arrays)
        h, measured = 1e-30, np.zeros(vector.size)
        shifted = vector.astype(complex)
        for place in range(vector.size):
            shifted[place] += 1j * h
            measured[place] = loss(shifted).imag / h
            shifted[place] = vector[place]
        return bool(np.allclose(claimed, measured, rtol=1e-9, atol=1e-12 * np.abs(measured).max()))

    return accepts


def tools(full: bool) -> list[Tool]:
    slow = (8, 32, 128) if full else (8, 32)
    made = [Tool("gradproof, arrays", gradproof_arrays),
            Tool("gradproof, shapes", gradproof_shapes)]
    peers: list[tuple[str, Callable[[], Accepts], tuple[int, ...]]] = [
        ("torch gradcheck, slow", lambda: torch_gradcheck(False), slow),
        ("torch gradcheck, fast", lambda: torch_gradcheck(True), (8, 32, 128)),
        ("jax check_grads (rev)", jax_check_grads, (8, 32, 128)),
        ("autograd check_grads, each argument", autograd_check_grads, (8, 32, 128)),
        ("scipy check_grad, 1e-5 of the norm", scipy_check_grad, slow),
        ("numdifftools + allclose", numdifftools_gradient, (8, 32, 128) if full else (8,)),
        ("CS231n recipe, 1e-5", cs231n_recipe, slow),
        ("complex step, bare recipe", complex_step_recipe, slow),
    ]
    for name, make, widths in peers:
        try:
            made.append(Tool(name, make(), widths))
        except ImportError as error:
            print(f"{name}: left out ({error})", file=sys.stderr)
    return made


# --- running and the table ----------------------------------------------------------------------


def outcome(tool: Tool, letter: str, regime: str, n: int) -> bool | None:
    """Does the tool accept the gradient?  None if it cannot take the case; an exception about
    the numbers counts as not accepting."""
    given = case(letter, regime)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return tool.accepts(given, given.arrays(n))
    except Unsupported:
        return None
    except (ValueError, RuntimeError, FloatingPointError):
        return False


def seconds(tool: Tool, n: int) -> tuple[float, int]:
    """The processor time of one check of the right gradient (the least of three fast ones), and
    how often the loss was evaluated."""
    right = case("", "plain")
    arrays = right.arrays(n)
    loss, calls = counted(right.loss)
    times = []
    while not times or (len(times) < 3 and sum(times) < 5):
        begin = time.process_time()
        tool.accepts(right, arrays)
        times.append(time.process_time() - begin)
    if not tool.name.startswith("gradproof"):
        with contextlib.suppress(Exception):
            tool.accepts(Case("", "plain", loss, right.gradient), arrays)
    return min(times), calls[0]


def row(tool: Tool, n: int, timed: bool) -> str:
    """One line of the table."""
    missed, alarms, named = [], [], []
    for letter, regime in BUGS:
        accepted = outcome(tool, letter, regime, n)
        if (letter, regime) in SCORED and accepted is not False:
            missed.append(letter if regime in ("plain", "piecewise") else f"{letter} {regime}")
        if letter == "g":
            named.append("accepted" if accepted else "not accepted")
    for regime in PROBES:
        accepted = outcome(tool, "", regime, n)
        if accepted is False:
            alarms.append(regime)
        elif accepted is None:
            named.append(f"{regime} unsupported")
    score = len(SCORED) - len(missed)
    cells = [tool.name, f"{score} of {len(SCORED)}", ", ".join(missed) or "–",
             ", ".join(alarms) or "none", "; ".join(named)]
    if timed:
        measured = [seconds(tool, width) for width in tool.widths]
        cells.append(" / ".join(f"{spent:.2g}" for spent, _ in measured))
        counts = [calls for _, calls in measured]
        cells.append(" / ".join(map(str, counts)) if counts[0] else "")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true",
                        help="time the slow peers at n = 128 too (ten minutes)")
    parser.add_argument("--quick", action="store_true", help="scores alone, gradproof alone")
    parser.add_argument("-n", type=int, default=8, help="the width for the scores (8)")
    options = parser.parse_args()
    chosen = tools(options.full)
    if options.quick:
        chosen = chosen[:2]
    print(f"n = {options.n} for the scores; {os.cpu_count()} processors; NumPy {np.__version__}\n")
    print("| tool | found | missed | false alarms | g at the kink "
          "| processor s at n = 8 / 32 / 128 | evaluations |\n"
          "| --- | ---: | --- | --- | --- | ---: | ---: |")
    for tool in chosen:
        print(row(tool, options.n, not options.quick), flush=True)


if __name__ == "__main__":
    main()
