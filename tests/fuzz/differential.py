"""Compiled, printed and interpreted, a program is one program: on random programs and models, the
same values, shapes and types come out, of gradients and of second derivatives.

    python tests/fuzz/differential.py programs 5000         seeds from 0, on all processors
    python tests/fuzz/differential.py models 1000 300       seeds from 300

The interpreter evaluates each equation on the grid of its indices, by SymPy's lambdify, and shares
nothing with the texts but the equations.  What has no text says so, and is counted.
"""

import os
import random
import re
import sys
import time
import warnings
from collections import Counter
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tables"))
from models import SIZES as MODEL_SIZES
from models import number, values_for
from random_models import drawn_model
from random_programs import SIZES, programs

import gradproof as gp
from gradproof.codegen.compile import compile_system
from gradproof.codegen.interpret import evaluate
from gradproof.codegen.source import array_source, gradient_source
from gradproof.symbolic.derive import higher_orders as orders
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import EquationError
from gradproof.symbolic.validation import validate

LARGE = 1e6
"""Of values beyond it rounding is all there is to see."""
ROUNDING = {np.dtype(float): 1e-9, np.dtype(np.float32): 3e-2}
"""What texts and interpreter may differ by, of the largest value on the way: some hundred
operations, in another order."""


def differences(system, wanted, values, sizes, key, ways=(True, False)):
    """What compile_system, the printed text and the interpreter do not agree in, as sentences.

    wanted: names of results; of a gradient the loss is the first.  key: the parameters whose
    gradients the others are; None where the one array is a derivative.  ways: of writing single
    rows, as rows or not.  Also says how many of the texts there were.
    """
    found, texts = [], 0
    with np.errstate(all="ignore"):
        every = evaluate(system, values, sizes)
        expected = [every[name] for name in wanted]
        peak = max((np.abs(one).max() for one in every.values()
                    if one.size and one.dtype.kind == "f"), default=0)
        if not peak < LARGE:
            return found, None
        made_by = {}
        for rows in ways:
            made_by[f"compiled, rows={rows}"] = list(compile_system(system, wanted, rows)(**values))
            try:
                if key is None:
                    source = array_source(system, wanted[0], name="f", row_vectors=rows)
                else:
                    source = gradient_source(system, wanted[0],
                                             dict(zip(key, wanted[1:], strict=True)),
                                             name="f", row_vectors=rows)
            except EquationError:  # it says which equation has no text
                continue
            texts += 1
            space = {}
            exec(source, space)
            made = space["f"](**values)
            made_by[f"printed, rows={rows}"] = [made] if key is None else [
                made[0], *(made[1][name] for name in key)]
    for way, results in made_by.items():
        for name, one, other in zip(wanted, results, expected, strict=True):
            one = np.asarray(one)
            if one.shape != other.shape or one.dtype != other.dtype:
                found.append(f"{way}: {name} has shape {one.shape} of {one.dtype}, interpreted "
                             f"{other.shape} of {other.dtype}")
            elif not np.all(np.abs(one - other) <= ROUNDING[other.dtype] * max(1, peak)):
                found.append(f"{way}: {name} differs by {np.abs(one - other).max()}")
    if found and jumps(system, wanted, values, sizes, ROUNDING[expected[0].dtype] * max(1, peak)):
        found = []
    return found, texts


def jumps(system, wanted, values, sizes, bound):
    """Whether the interpreter's own results jump where its inputs change by a rounding: |a| + a is
    0 there, or nearly, and is compared with 0.  Which side is taken is then nobody's mistake."""
    random = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        before = evaluate(system, values, sizes)
        for _ in range(20):
            moved = {name: one * (1 + 4 * np.finfo(one.dtype).eps * random.uniform(-1, 1, one.shape)
                                  ).astype(one.dtype) if one.dtype.kind == "f" else one
                     for name, one in ((name, np.asarray(one)) for name, one in values.items())}
            after = evaluate(system, moved, sizes)
            if any(np.any(np.abs(after[name] - before[name]) > bound) for name in wanted):
                return True
    return False


def of_program(program, at, counts):
    """Sentences for one random program: its gradient, and one of its second derivatives."""
    system = validate(program.system)
    values = program.values(at)
    wrt = program.wrt
    if at % 4 == 3:
        values = {name: one.astype(np.float32) if one.dtype.kind == "f" else one
                  for name, one in values.items()}
    chain = differentiate(system, "L", wrt)
    found, texts = differences(chain.system, ["L", *(chain.of[n] for n in wrt)], values, SIZES, wrt,
                               [at % 2 == 0])
    counts["texts of gradients"] += texts or 0
    if texts is None:
        counts["too large to compare"] += 1
        return []
    return found + _second(system, "L", wrt[at % len(wrt)], wrt[(at // 3) % len(wrt)], values,
                           SIZES, at, counts)


def _second(system, loss, one, other, values, sizes, at, counts):
    """Sentences for a product with the Hessian in a random direction, and for the Hessian itself,
    which is derived another way, where it is small."""
    dot = np.random.default_rng(at).normal(size=values[other].shape).astype(values[other].dtype)
    wide = {**values, f"{other}_dot": dot}
    product = orders.hessian_product(system, loss, one, other)
    found = []
    if at % 3 or values[one].size * values[other].size > 400:
        made, given_ = product, wide
    else:
        made, given_ = orders.hessian(system, loss, one, other), values
        found = _unequal(made, product, values, wide, sizes, dot)
    (name,) = made.of.values()
    more, texts = differences(made.system, [name], given_, sizes, None, [at % 2 == 0])
    counts["second derivatives"] += texts is not None
    counts["texts of second derivatives"] += texts or 0
    return [f"{name} by {one}, {other}: {text}" for text in (*found, *more)]


def _unequal(whole, product, values, wide, sizes, dot):
    """A sentence where the Hessian times the direction is not the product with it."""
    with np.errstate(all="ignore"):
        every = evaluate(whole.system, values, sizes), evaluate(product.system, wide, sizes)
    matrix, vector = (arrays[name] for arrays, made in zip(every, (whole, product), strict=True)
                      for name in made.of.values())
    times = np.tensordot(matrix, dot, dot.ndim)
    gap = np.abs(times - vector).max(initial=0)
    largest = 1 + np.abs(matrix).max(initial=0) * np.abs(dot).sum()
    return [] if not gap > ROUNDING[vector.dtype] * largest else [
        f"times a direction it differs by {gap} from the product"]


def of_model(case, at, counts):
    """Sentences for one model, or None where it cannot be built."""
    try:
        model = gp.Model(case["input"], case["layers"],
                         **{k: v for k, v in case.items() if k not in ("input", "layers")})
    except ValueError:
        return None
    if any(number(size) < 1 for array in model.system().inputs for size in array.shape):
        return None  # a window that does not fit at these sizes
    values = values_for(model, at)
    derivation = gp.derive(model)
    wrt = list(derivation.gradients)
    if not wrt:
        return None
    if at % 4 == 3:
        values = {name: one.astype(np.float32) if one.dtype.kind == "f" else one
                  for name, one in values.items()}
    arrays = [derivation.gradients[name].array for name in wrt]
    found, texts = differences(derivation.system, ["L", *arrays], values, MODEL_SIZES, wrt,
                               [at % 2 == 0])
    counts["texts of gradients"] += texts or 0
    if texts is None:
        counts["too large to compare"] += 1
        return []
    return found + _second(model.system(), "L", wrt[at % len(wrt)], wrt[at // 3 % len(wrt)],
                           values, MODEL_SIZES, at, counts)


# --- many of them -------------------------------------------------------------------------------


def told(call):
    """What call() says; a sentence for what it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def drawn_programs(first, count):
    """`count` random programs, the same for the same `first`."""
    kept = []

    @seed(first)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(programs())
    def draw(program):
        kept.append(program)

    draw()
    return kept[:count]


def some_programs(first, count):
    """How many were looked at, and what was found: (seed, sentence)."""
    counts, found = Counter(), []
    for place, program in enumerate(drawn_programs(first, count)):
        counts["programs"] += 1
        at = first + place
        for text in told(lambda program=program, at=at: of_program(program, at, counts)):
            found.append((f"programs {first}+{place}", text, repr(program)))
    return counts, found


def some_models(first, count):
    """As :func:`some_programs`; a seed whose model cannot be built gives way to another."""
    counts, found = Counter(), []
    for at in range(first, first + count):
        for again in range(20):
            case = drawn_model(random.Random(f"model {at} {again}"))
            texts = told(lambda case=case, at=at: of_model(case, at, counts))
            if texts is not None:
                counts["models"] += 1
                found += [(f"models {at}", text, repr(case)) for text in texts]
                break
    return counts, found


KINDS = {"programs": (some_programs, 50), "models": (some_models, 20)}


def _called(run, part):
    return run(*part)


def main(kind, count, first=0):
    """Compares `count` programs or models; returns how many differences there were."""
    run, at_once = KINDS[kind]
    starts = list(range(first, first + count, at_once))
    each = [min(at_once, first + count - start) for start in starts]
    counts, wrong, start = Counter(), 0, time.time()
    with get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=10) as pool:
        for some, found in pool.imap(partial(_called, run), zip(starts, each, strict=True)):
            counts += some
            for where, text, shown in found:
                wrong += 1
                print(f"{where}: {text[:300]}\n{re.sub('^', '    ', shown, flags=re.M)[:2000]}",
                      flush=True)
    print(", ".join(f"{n} {what}" for what, n in counts.items())
          + f"; {wrong} differences; {time.time() - start:.0f} s", flush=True)
    return wrong


if __name__ == "__main__":
    KIND, COUNT, *FIRST = sys.argv[1:]
    sys.exit(bool(main(KIND, int(COUNT), *map(int, FIRST))))
