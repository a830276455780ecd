"""Right gradients as programs have them: with logs, checks, settings, sets of names, classes.

What such a program does beside its arrays decides nothing, and a proof is due.
"""
# As people write it:
# ruff: noqa: PTH, PYI024, SIM118

from __future__ import annotations

import abc
import argparse
import collections
import contextlib
import copy
import dataclasses
import datetime
import enum
import fractions
import functools
import inspect
import itertools
import json
import logging
import math
import numbers
import operator
import os
import random
import re
import sys
import textwrap
import threading
import time
import types
import typing
import warnings

import numpy as np
from redteam.case import row
from redteam.wrong_sizes import squares

LOG = logging.getLogger(__name__)
KINDS = {"relu", "tanh", "identity"}
NAMES = frozenset({"W", "w", "b"})
OPTIONS = argparse.Namespace(factor=2.0, kind="identity")
LOCK = threading.Lock()
STARTED = time.time()
Pair = collections.namedtuple("Pair", "X w")


class Kind(enum.Enum):
    SUM = "sum"
    MEAN = "mean"


class Triple(typing.NamedTuple):
    X: object
    w: object
    factor: float = 2.0


@dataclasses.dataclass
class Settings:
    factor: float = 2.0
    names: set = dataclasses.field(default_factory=lambda: {"w"})


class Model(abc.ABC):
    known = {"w", "b"}  # noqa: RUF012

    @abc.abstractmethod
    def gradient(self, X, w): ...


class Squares(Model):
    __slots__ = ("count", "factor")

    def __init__(self, factor=2.0):
        self.factor = factor
        self.count = 0

    def __repr__(self):
        return f"{type(self).__name__}({self.factor})"

    @property
    def double(self):
        return self.factor

    @staticmethod
    def residual(X, w):
        return X @ w

    @classmethod
    def made(cls):
        return cls(2.0)

    def gradient(self, X, w):
        self.count += 1
        return self.double * X.T @ self.residual(X, w)


def right(X, w):
    return 2 * X.T @ (X @ w)


def logged(X, w):
    LOG.debug("gradient of %s by %s", X.shape, w.shape)
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("the numbers: %r", X)
    logging.info("called")
    return right(X, w)


def a_logger_of_its_own(X, w):
    log = logging.getLogger(__name__)
    log.setLevel(logging.WARNING)
    log.info("in %s", "gradient")
    return right(X, w)


def printed(X, w):
    print("gradient", X.shape, file=sys.stderr)
    print(f"shapes {X.shape}, {w.shape}")
    return right(X, w)


def timed(X, w):
    start = time.perf_counter()
    made = right(X, w)
    took = time.perf_counter() - start
    print("took", took)
    return made


def one_of_known(X, w, kind="identity"):
    if kind not in {"relu", "tanh", "identity"}:
        raise ValueError(f"unknown kind {kind}")
    return right(X, w)


def one_of_a_set(X, w, kind="identity"):
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind}: {sorted(KINDS)}")
    return right(X, w)


def by_a_set_of_names(X, w):
    values, grads = {"w": w}, {}
    for name in {"w"}:
        grads[name] = 2 * X.T @ (X @ values[name])
    return grads["w"]


def by_sorted_names(X, w):
    values = {"w": w, "b": 0.0}
    return [2 * X.T @ (X @ values[name]) for name in sorted(NAMES) if name == "w"][0]  # noqa: RUF015


def by_common_keys(X, w):
    values, wanted = {"w": w, "b": 0.0}, {"w": True}
    return {name: 2 * X.T @ (X @ values[name]) for name in values.keys() & wanted.keys()}["w"]


def by_a_set_in_any_order(X, w):
    values = {"w": w, "v": 2 * w}
    grads = {name: 2 * X.T @ (X @ value) for name, value in values.items()}
    made = {name: grads[name] for name in {"v", "w"}}
    return made["w"]


def seen_once(X, w):
    seen = set()
    for name in ("w", "w", "b"):
        if name in seen:
            continue
        seen.add(name)
    assert len(seen) == 2
    return right(X, w)


def same_names(X, w):
    if set({"w": w}) != {"w"} or not set() <= {"w"}:
        raise KeyError("w")
    return right(X, w)


def by_steps_of_sets(X, w):
    return sum(part * right(X, w) for part in {0.25, 0.75})


def quiet(X, w):
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return right(X, w)


def warned(X, w):
    warnings.warn("this is the gradient", stacklevel=2)
    return right(X, w)


def printing(X, w):
    np.set_printoptions(precision=4, suppress=True)
    return right(X, w)


def settings_back(X, w):
    old = np.seterr(all="ignore")
    made = right(X, w)
    np.seterr(**old)
    return made


def at_a_path(X, w):
    os.makedirs(os.path.join("/dev", "shm"), exist_ok=True)
    return right(X, w)


def by_signature(X, w):
    names = list(inspect.signature(right).parameters)
    return right(**dict(zip(names, (X, w), strict=True)))


def by_loop(X, w):
    made = np.zeros_like(w)
    for k in range(4):
        made += 2 * X[k] * (X[k] @ w)
    return made


def by_types(X, w):
    if not isinstance(X, np.ndarray) or isinstance(w, (list, tuple)):
        X, w = np.asarray(X), np.asarray(w)
    assert isinstance(X.shape[0], numbers.Integral)
    return right(X, w)


def by_attributes(X, w):
    factor = getattr(OPTIONS, "factor", 1.0)
    return (factor if hasattr(X, "shape") else 1.0) * X.T @ (X @ w)


def by_a_copy(X, w):
    settings = copy.deepcopy({"factor": 2.0, "names": {"w", "b"}})
    X, w = X.copy(), copy.deepcopy(w)
    return settings["factor"] * X.T @ (X @ w)


def suppressed(X, w):
    with contextlib.suppress(ImportError):
        import there_is_no_such_module  # noqa: F401
    return right(X, w)


def optional(X, w):
    try:
        import there_is_no_such_module as xp
    except ImportError:
        xp = np
    return 2 * xp.dot(X.T, xp.dot(X, w))


def locked(X, w):
    with LOCK:
        return right(X, w)


def closing(X, w):
    try:
        return right(X, w)
    finally:
        LOG.debug("done")


@contextlib.contextmanager
def scope(name):
    yield name


def in_a_scope(X, w):
    with scope("gradient"):
        return right(X, w)


def traced_by(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        LOG.debug("%s", function.__name__)
        return function(*args, **kwargs)

    return wrapper


@functools.cache
def factor_of(kind):
    return {"sum": 2.0, "mean": 1.0}[kind]


def matched(X, w):
    match Kind.SUM:
        case Kind.SUM:
            return right(X, w)
        case _:
            raise NotImplementedError


def by_version(X, w):
    if sys.version_info >= (3, 8) and tuple(map(int, np.__version__.split(".")[:2])) >= (1, 20):
        return right(X, w)
    return np.dot(X.T, 2 * np.dot(X, w))


def random_start(X, w):
    rng = np.random.default_rng(0)
    start = rng.normal(size=w.shape)
    start[...] = w
    return right(X, start)


def by_entry(X, w):
    r = X @ w
    return np.array([2 * np.sum(r * X[:, k]) for k in range(3)])


def nested(X, w):
    cache = {}

    def forward():
        cache["r"] = X @ w
        return cache["r"]

    def backward(d):
        return X.T @ d

    return backward(2 * forward())


STYLES = {
    "logged": logged, "a logger of its own": a_logger_of_its_own, "printed": printed,
    "timed": timed, "one of known": one_of_known, "one of a set": one_of_a_set,
    "by a set of names": by_a_set_of_names, "by sorted names": by_sorted_names,
    "by common keys": by_common_keys, "by a set in any order": by_a_set_in_any_order,
    "seen once": seen_once, "same names": same_names, "steps of a set": by_steps_of_sets,
    "quiet": quiet, "warned": warned, "printing": printing, "settings put back": settings_back,
    "at a path": at_a_path, "by signature": by_signature, "by types": by_types,
    "by attributes": by_attributes, "by a copy": by_a_copy, "suppressed": suppressed,
    "optional": optional, "locked": locked, "closing": closing, "in a scope": in_a_scope,
    "decorated": traced_by(right), "matched": matched, "by version": by_version,
    "a random start": random_start, "nested": nested,
    "cached": lambda X, w: factor_of("sum") * X.T @ (X @ w),
    "an enum": lambda X, w: factor_of(Kind.SUM.value) * X.T @ (X @ w),
    "an object": Squares().gradient,
    "an object of a class method": lambda X, w: Squares.made().gradient(X, w),
    "an object in a text": lambda X, w: Squares(len(f"{Squares()}") - 10.0).gradient(X, w),
    "settings": lambda X, w: Settings().factor * X.T @ (X @ w),
    "settings of a parser": lambda X, w: OPTIONS.factor * X.T @ (X @ w),
    "settings as JSON": lambda X, w: json.loads('{"factor": 2.0}')["factor"] * X.T @ (X @ w),
    "settings changed": lambda X, w: dataclasses.replace(Settings(3.0), factor=2.0).factor
    * X.T @ (X @ w),
    "a named tuple": lambda X, w: right(*Pair(X, w)),
    "a typed tuple": lambda X, w: Triple(X, w).factor * X.T @ (X @ w),
    "a namespace": lambda X, w: types.SimpleNamespace(f=2.0).f * X.T @ (X @ w),
    "partial": functools.partial(lambda factor, X, w: factor * X.T @ (X @ w), 2.0),
    "reduced": lambda X, w: functools.reduce(operator.matmul, [2 * X.T, X, w]),
    "an operator": lambda X, w: operator.mul(2, operator.matmul(X.T, X @ w)),
    "chained": lambda X, w: sum(itertools.chain([right(X, w)], [0.0])),
    "counted": lambda X, w: sum(collections.Counter("aab").values()) / 1.5 * X.T @ (X @ w),
    "ordered": lambda X, w: collections.OrderedDict(a=2.0)["a"] * X.T @ (X @ w),
    "a default dict": lambda X, w: collections.defaultdict(lambda: 2.0)["x"] * X.T @ (X @ w),
    "math": lambda X, w: math.sqrt(4) * math.pi / math.pi * X.T @ (X @ w),
    "a fraction": lambda X, w: float(fractions.Fraction(4, 2)) * X.T @ (X @ w),
    "a text matched": lambda X, w: float(re.match(r"f=(\d)", "f=2").group(1)) * X.T @ (X @ w),
    "a text cut": lambda X, w: len(textwrap.dedent("  ab").split("b")[0]) * 2 * X.T @ (X @ w),
    "a time span": lambda X, w: datetime.timedelta(seconds=2).total_seconds() * X.T @ (X @ w),
    "seeded beside": lambda X, w: (random.seed(0), right(X, w))[1],
    "einsum": lambda X, w: 2 * np.einsum("ij,ik,k->j", X, X, w),
    "in place": lambda X, w: np.multiply(right(X, w), 1.0, out=np.empty_like(w)),
}
CASES = [row("styles", f"styles: {name}", squares, gradient, "w", X="m n", w="n")
         for name, gradient in STYLES.items()] + [
    row("styles", "styles: by a loop", squares, by_loop, "w", X="4 3", w="3"),
    row("styles", "styles: by entry", squares, by_entry, "w", X="m 3", w="3"),
]
