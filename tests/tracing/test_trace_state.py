"""State that a function keeps between its calls, draws, and arrays without values: no proof."""

import array
import builtins
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import itertools
import logging
import math
import os
import pathlib
import random
import re
import secrets
import subprocess
import sys
import threading
import time
import types
import uuid
from os import getenv
from random import Random as Generator
from random import random as draw
from time import perf_counter
from uuid import uuid4

import numpy as np
import pytest
import sympy as sp
from numpy.random import default_rng, rand
from sympy.core.cache import clear_cache

import gradproof as gp
from gradproof.symbolic.tracing.run import TraceError, trace

CACHE: dict = {}
BY_NAME = collections.defaultdict(list)
Pair = collections.namedtuple("Pair", "first second")
COUNT = 0
HERE = pathlib.Path(__file__)
COUNTS = [0]
TICKS = itertools.count()
LOCAL = threading.local()
SPACE = types.SimpleNamespace(calls=0)
RECENT = collections.deque(maxlen=3)
BUFFER = np.zeros(1)
SETTINGS = types.ModuleType("settings_of_the_user")
SETTINGS.calls = 0
exec("def tick():\n    global calls\n    calls += 1\n    return calls", vars(SETTINGS))
sys.modules["settings_of_the_user"] = SETTINGS
GENERATOR = np.random.default_rng(0)


def lsq(X, w):
    return np.sum((X @ w) ** 2)


def check(gradient, **shapes):
    shapes = shapes or {"X": "m n", "w": "n"}
    return gp.check(lsq, gradient, wrt=["w"], repair_seconds=0, **shapes)


def right(X, w):
    return 2 * X.T @ (X @ w)


# --- state --------------------------------------------------------------------------------------


def by_shape(X, w):
    if X.shape not in CACHE:
        CACHE[X.shape] = X @ w
    return 2 * X.T @ CACHE[X.shape]


def by_id(X, w):
    return 2 * X.T @ CACHE.setdefault(id(X), X @ w)


def by_name(X, w):
    if "product" not in CACHE:
        CACHE["product"] = X @ w
    return 2 * X.T @ CACHE["product"]


def eafp(X, w):
    try:
        found = CACHE["found"]
    except KeyError:
        found = CACHE["found"] = X @ w
    return 2 * X.T @ found


def kept_size(X, w):
    CACHE.setdefault("m", X.shape[0])
    return right(X, w) * CACHE["m"] / X.shape[0]


def default_argument(X, w, calls=[]):  # noqa: B006
    calls.append(1)
    return (1 if len(calls) < 40 else 2) * right(X, w)


def keyword_default(X, w, *, calls={"n": 0}):  # noqa: B006
    calls["n"] += 1
    return right(X, w) + (calls["n"] > 40)


def global_counter(X, w):
    global COUNT
    COUNT += 1
    return (1 if COUNT < 40 else 2) * right(X, w)


def counter_in_a_list(X, w):
    COUNTS[0] += 1
    return right(X, w) * (1 + COUNTS[0] // 40)


def made_closure():
    calls = 0

    def gradient(X, w):
        nonlocal calls
        calls += 1
        return right(X, w) if calls < 40 else w
    return gradient


def attribute(X, w):
    attribute.calls = getattr(attribute, "calls", 0) + 1
    return right(X, w) if attribute.calls < 40 else w


def iterator(X, w):
    return right(X, w) if next(TICKS) < 40 else w


def generated():
    def numbers():
        yield from range(1000)
    source = numbers()
    return lambda X, w: right(X, w) if next(source) < 40 else w


def thread_local(X, w):
    if not hasattr(LOCAL, "found"):
        LOCAL.found = X @ w
    return 2 * X.T @ LOCAL.found


def namespace(X, w):
    SPACE.calls += 1
    return right(X, w) if SPACE.calls < 40 else w


def deque_of_products(X, w):
    RECENT.append(X @ w)
    return 2 * X.T @ RECENT[0]


def default_dict(X, w):
    BY_NAME["products"].append(X @ w)
    return 2 * X.T @ BY_NAME["products"][0]


def buffer(X, w):
    BUFFER[0] += 1
    return right(X, w) if BUFFER[0] < 40 else w


def sum_of_earlier(X, w):
    CACHE["sum"] = CACHE.get("sum", 0) + right(X, w)
    return CACHE["sum"]


def of_a_module(X, w):
    SETTINGS.calls += 1
    return right(X, w) if SETTINGS.calls < 40 else w


def of_a_module_imported_inside(X, w):
    import settings_of_the_user
    settings_of_the_user.calls += 1
    return right(X, w) if settings_of_the_user.calls < 40 else w


def tick_of_a_module(X, w):
    from settings_of_the_user import tick
    return right(X, w) if tick() < 40 else w


def through_globals(X, w):
    globals()["COUNT"] = globals()["COUNT"] + 1
    return right(X, w) if COUNT < 40 else w


ELSEWHERE = {
    "array": array.array("i", [0]), "chain": collections.ChainMap({0: 0}),
    "user dict": collections.UserDict({0: 0}), "of a tuple": Pair([0], 1).first,
}


class Counting(type):
    def __call__(cls):
        cls.calls = getattr(cls, "calls", 0) + 1
        return super().__call__()


class Counted(metaclass=Counting):
    pass


class Way(enum.Enum):
    ROWS = 1


def by_metaclass(X, w):
    Counted()
    return right(X, w) if Counted.calls < 40 else w


def on_a_member(X, w):
    Way.ROWS.calls = getattr(Way.ROWS, "calls", 0) + 1
    return right(X, w) if Way.ROWS.calls < 40 else w


def on_math(X, w):
    math.calls = getattr(math, "calls", 0) + 1
    return right(X, w) if math.calls < 40 else w


def on_builtins(X, w):
    builtins.calls = getattr(builtins, "calls", 0) + 1
    return right(X, w) if builtins.calls < 40 else w


PAIR = Pair([0], 1)


def in_a_named_tuple(X, w):
    PAIR.first[0] += 1
    return right(X, w) if PAIR.first[0] < 40 else w


def in_a_container(kept):
    def gradient(X, w):
        kept[0] += 1
        return right(X, w) if kept[0] < 40 else w
    return gradient


@functools.lru_cache
def remembered(key):
    return {}


def in_an_lru_cache(X, w):
    return 2 * X.T @ remembered("product").setdefault(1, X @ w)


@functools.lru_cache
def product_by_size(m, n):
    return CACHE["X"] @ CACHE["w"]


@functools.lru_cache
def rows_by_columns(n):
    return CACHE["X"].shape[0]


def lru_cache_by_size(X, w):
    CACHE.update(X=X, w=w)
    return 2 * X.T @ product_by_size(*X.shape)


def size_in_an_lru_cache(X, w):
    CACHE.update(X=X, w=w)
    return right(X, w) * rows_by_columns(X.shape[1]) / X.shape[0]


class Momentum:
    velocity = 0.0
    steps = 0

    def __call__(self, X, w):
        self.steps += 1
        return right(X, w) if self.steps < 40 else w

    def moving(self, X, w):
        self.velocity = 0.9 * self.velocity + right(X, w)
        return self.velocity

    @functools.cached_property
    def table(self):
        return {}

    def cached(self, X, w):
        return 2 * X.T @ self.table.setdefault("product", X @ w)

    @classmethod
    def of_class(cls, X, w):
        cls.steps = cls.steps + 1
        return right(X, w) if cls.steps < 40 else w


@dataclasses.dataclass(slots=True)
class Slotted:
    product: object = None

    def __call__(self, X, w):
        if self.product is None:
            self.product = X @ w
        return 2 * X.T @ self.product


class SlottedCount:
    __slots__ = ("calls",)

    def __init__(self):
        self.calls = 0

    def __call__(self, X, w):
        self.calls += 1
        return right(X, w) if self.calls < 40 else w


def counted(count, X, w):
    count[0] += 1
    return right(X, w) if count[0] < 40 else w


PARTIAL = functools.partial(counted, [0])


def in_a_partial(X, w):
    return PARTIAL(X, w)


class Cache(dict):
    def product(self, X, w):
        if "product" not in self:
            self["product"] = X @ w
        return self["product"]


STORE = Cache()


def subclass_of_dict(X, w):
    return 2 * X.T @ STORE.product(X, w)


KEEPING = [of_a_module_imported_inside, tick_of_a_module,
           by_metaclass, on_a_member, on_math, on_builtins, in_a_named_tuple,
           *map(in_a_container, ELSEWHERE.values()),
           lru_cache_by_size, size_in_an_lru_cache, of_a_module, through_globals,
           by_shape, by_id,
           by_name, eafp, kept_size,
           default_argument, keyword_default,
           global_counter, counter_in_a_list, made_closure(), attribute, iterator, generated(),
           thread_local, namespace, deque_of_products, default_dict, buffer, sum_of_earlier,
           in_an_lru_cache, Momentum(), Momentum().moving, Momentum().cached, Momentum.of_class,
           Slotted(), SlottedCount(), in_a_partial, subclass_of_dict]


@pytest.mark.parametrize("sizes", ["symbolic", "numbers"])
@pytest.mark.parametrize("gradient", KEEPING, ids=lambda f: getattr(f, "__name__", "object"))
def test_what_keeps_state_is_not_traced(gradient, sizes):
    if gradient in (kept_size, size_in_an_lru_cache) and sizes == "numbers":
        pytest.skip("a size that is a number is the same in every call")
    shapes = {"X": "m n", "w": "n"} if sizes == "symbolic" else {"X": "3 2", "w": "2"}
    with pytest.raises(TraceError):
        trace(gradient, shapes)
    assert [CACHE, list(RECENT), COUNT, STORE, BUFFER[0], PAIR.first] == [{}, [], 0, {}, 0, [0]]
    builtins.__dict__.pop("calls", None)


def test_the_state_is_named():
    with pytest.raises(TraceError, match=r"keeps state between calls.*`COUNT`"):
        trace(global_counter, {"X": "m n", "w": "n"})


@pytest.mark.parametrize("gradient", [by_shape, default_argument, Momentum()],
                         ids=["by shape", "default", "object"])
def test_it_is_not_proved(gradient):
    assert check(gradient).verdict != "proved"
    CACHE.clear()


class Shared:
    """A layer whose class remembers the first input of each shape."""

    seen = {}  # noqa: RUF012

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = self.seen.setdefault(x.shape[1:], x.copy())
        return x @ self.W

    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T


def test_a_layer_that_remembers_its_first_input_is_not_proved():
    assert gp.check_layer(Shared, x="m 3", W="3 h", repair_seconds=0).verdict != "proved"
    Shared.seen.clear()


# --- right, and proved --------------------------------------------------------------------------


class Layer:
    """Leaves things in itself, counts its calls, and keeps a running mean that only tests read."""

    made = 0

    def __init__(self, W):
        self.W, self.calls, self.history = W, 0, []
        self.mean = 0.0
        Layer.made += 1

    def forward(self, x):
        self.calls += 1
        self.x = x
        self.mean = 0.9 * self.mean + 0.1 * x.mean()
        self.history.append(x)
        return x @ self.W

    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T


ONE = {}


def one_layer(W):
    """The same object for every call, as code that builds its network once has it."""
    layer = ONE.setdefault("layer", Layer(W))
    layer.W = W
    return layer


@pytest.mark.parametrize("make", [Layer, one_layer])
def test_layers_that_leave_things_in_themselves_stay_proved(make):
    result = gp.check_layer(make, x="m n", W="n h", repair_seconds=0)
    assert result.verdict == "proved", str(result)
    ONE.clear()


def only_counts(X, w, history=[]):  # noqa: B006
    global COUNT
    COUNT += 1
    history.append(np.sum(w))
    attribute.seen = True
    return right(X, w)


def overwritten(X, w):
    CACHE["product"] = X @ w
    return 2 * X.T @ CACHE["product"]


@functools.lru_cache
def triangle(n):
    return np.eye(n) * 2


def constant_from_a_cache(X, w):
    return X.T @ (X @ (triangle(3) @ w))


@pytest.mark.parametrize(("gradient", "n"), [(only_counts, "n"), (overwritten, "n"),
                                             (constant_from_a_cache, "3")])
def test_state_that_decides_nothing_stays_proved(gradient, n):
    result = check(gradient, X=f"m {n}", w=n)
    assert result.verdict == "proved", str(result)
    CACHE.clear()


# --- draws --------------------------------------------------------------------------------------


def drawn(value):
    return lambda X, w: right(X, w) * (1 if value() < 2 else 3)


DRAWS = {
    "random": draw, "module": random.random, "numpy": rand, "default_rng": lambda: default_rng(
        ).random(), "generator": GENERATOR.normal, "uniform": functools.partial(
        random.uniform, 0, 1), "secrets": lambda: secrets.randbelow(2), "clock": time.time,
    "perf_counter": perf_counter, "urandom": lambda: os.urandom(1)[0], "uuid": lambda: (
        uuid.uuid4().int & 1), "environment": lambda: len(os.environ.get("HOME", "")) * 0,
    "getenv": lambda: len(os.getenv("HOME") or "") * 0, "pid": lambda: os.getpid() * 0,
    "now": lambda: datetime.datetime.now().second * 0, "id": lambda: id([]) * 0,
    "hash": lambda: hash("x") * 0, "file": lambda: len(open(__file__).readline()) * 0,  # noqa: SIM115
    "instance": random.Random(3).random, "state": np.random.RandomState(1).rand,
    "class": lambda: Generator(3).random(), "generator class": lambda: np.random.Generator(
        np.random.PCG64(1)).normal(), "path": lambda: len(HERE.read_text()) * 0,
    "another path": lambda: len(pathlib.Path(__file__).read_text()) * 0,
    "references": lambda: sys.getrefcount(CACHE) * 0, "process": lambda: len(
        subprocess.run(["true"], check=False).args) * 0,
    "getenv by name": lambda: len(getenv("HOME") or "") * 0, "uuid by name": lambda: (
        uuid4().int & 1),
    "shuffled": lambda: random.sample([0, 1], 1)[0], "choice": lambda: random.choice([0, 1]),
}


@pytest.mark.parametrize("value", DRAWS.values(), ids=DRAWS)
def test_a_draw_that_decides_is_not_traced(value):
    with pytest.raises(TraceError):
        trace(drawn(value), {"X": "m n", "w": "n"})


@pytest.mark.parametrize("value", [DRAWS["random"], DRAWS["numpy"], DRAWS["clock"]],
                         ids=["random", "numpy", "clock"])
def test_a_draw_in_the_result_is_not_traced(value):
    with pytest.raises(TraceError, match=r"test_trace_state.py:\d+"):
        trace(lambda X, w: right(X, w) + 0.001 * value(), {"X": "m n", "w": "n"})


class Dense:
    """A random start that is overwritten before it is used, as nearly every layer class has."""

    def __init__(self, sizes):
        rng = np.random.default_rng(0)
        self.w = np.random.randn(*sizes) * 0.01
        self.v = rng.normal(0, 0.1, size=sizes)
        self.started = time.time()
        self.name = None

    def gradient(self, X, w):
        self.w = w
        return 2 * X.T @ (X @ self.w)


def test_a_draw_that_reaches_no_result_stays_proved():
    def gradient(X, w):
        return Dense((X.shape[1],)).gradient(X, w)

    result = check(gradient)
    assert result.verdict == "proved", str(result)


# --- arrays without values ----------------------------------------------------------------------


def filled(fill, make=np.empty_like):
    def gradient(x):
        made = make(x)
        fill(made, x)
        return made
    return gradient


def set_but(start, stop):
    def fill(g, x):
        g[start:stop] = 2 * x[start:stop]
    return fill


def each_entry(g, x):
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            g[i][j] = 2 * x[i, j]


def all_but_one_entry(g, x):
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            if (i, j) != (1, 1):
                g[i, j] = 2 * x[i, j]


def by_columns(g, x):
    for j in range(x.shape[1]):
        g[:, j] = 2 * x[:, j]


def by_masks(g, x):
    chosen = x > 0
    g[chosen] = 2 * x[chosen]
    g[~chosen] = 2 * x[~chosen]


def one_mask(g, x):
    g[x > 0] = 2 * x[x > 0]


def two_masks(g, x):
    g[x > 0] = 2 * x[x > 0]
    g[x < 0] = 2 * x[x < 0]


def transposed(g, x):
    g.T[...] = 2 * x.T


def added(g, x):
    g += 2 * x


def zeroed_by_a_factor(g, x):
    g *= 0
    g += 2 * x


def written_from_itself(g, x):
    g[0] = g[1]
    g[1:] = 2 * x[1:]


def head_and_tail(g, x):
    g[0], g[1:-1], g[-1] = 2 * x[0], 2 * x[1:-1], 2 * x[-1]


def part_of_a_part(g, x):
    part = np.empty_like(x[1:])
    part[:1] = x[1:2]
    g[0] = 0
    g[1:] = part
    g[:2] = 2 * x[:2]  # the blank entries of the part begin at 2


def whole_but_for_a_part(g, x):
    part_of_a_part(g, x)
    g[2:] = 2 * x[2:]


@pytest.mark.parametrize(("fill", "shape"), [
    (set_but(1, None), "n"), (set_but(None, -1), "m n"), (one_mask, "n"), (two_masks, "n"),
    (part_of_a_part, "6"), (added, "n"), (zeroed_by_a_factor, "n"), (written_from_itself, "n"),
    (all_but_one_entry, "2 3"), (set_but(0, 2), "4 n"),
], ids=lambda x: getattr(x, "__name__", x))
@pytest.mark.parametrize("make", [np.empty_like, lambda x: np.empty(x.shape),
                                  lambda x: np.ndarray(x.shape)], ids=["like", "empty", "ndarray"])
def test_entries_nobody_writes_end_the_trace(fill, shape, make):
    with pytest.raises(TraceError, match="before they are written"):
        trace(filled(fill, make), {"x": shape})


@pytest.mark.parametrize(("fill", "shape"), [
    (set_but(None, None), "m n"), (each_entry, "2 3"), (by_columns, "m 3"), (by_masks, "m n"),
    (transposed, "m n"), (head_and_tail, "6"), (whole_but_for_a_part, "6"),
    (lambda g, x: np.multiply(2, x, out=g), "m n"), (lambda g, x: g.fill(0), "n"),
    (lambda g, x: (g.__setitem__(..., 0), g.__iadd__(2 * x)), "n"),
], ids=lambda x: getattr(x, "__name__", x))
def test_arrays_that_are_written_whole_are_traced(fill, shape):
    assert trace(filled(fill), {"x": shape}).result is not None


def below_the_written(g, x, y):
    g[0] = 2 * x[0]
    g[1, y[0]] += 1


def in_a_written_row(g, x, y):
    for row in range(len(x)):
        g[row] = 2 * x[row]
        g[row, y[row]] -= 1


@pytest.mark.parametrize(("fill", "is_written"), [
    (below_the_written, False), (in_a_written_row, True)])
def test_an_entry_at_a_label_is_one_of_its_row(fill, is_written):
    shapes = {"x": "3 4", "y": gp.Array("3", kind="labels", classes=4)}

    def function(x, y):
        g = np.empty_like(x)
        fill(g, x, y)
        return g

    if is_written:
        assert trace(function, shapes).result is not None
    else:
        with pytest.raises(TraceError, match="before they are written"):
            trace(function, shapes)


# --- what goes round ----------------------------------------------------------------------------


def rotated_queue():
    queue = collections.deque([2.0] * 40 + [3.0] * 40)

    def gradient(X, w):
        queue.rotate(-1)
        return queue[-1] * X.T @ (X @ w)

    return gradient


def shifted_list():
    factors = [2.0] * 40 + [3.0] * 40

    def gradient(X, w):
        factors[:] = factors[1:] + factors[:1]
        return factors[0] * X.T @ (X @ w)

    return gradient


def shifted_entries():
    factors = {place: 2.0 if place < 40 else 3.0 for place in range(80)}

    def gradient(X, w):
        first = factors[0]
        for place in range(79):
            factors[place] = factors[place + 1]
        factors[79] = first
        return first * X.T @ (X @ w)

    return gradient


def ring(kind):
    """Objects that take one another's place: lists, namespaces, or functions."""
    if kind == "lists":
        made = [[2.0] for _ in range(40)] + [[3.0]]
    elif kind == "objects":
        made = [types.SimpleNamespace(factor=2.0) for _ in range(40)]
        made.append(types.SimpleNamespace(factor=3.0))
    else:
        made = [lambda: 2.0] * 40 + [lambda: 3.0]

    def gradient(X, w):
        made.append(made.pop(0))
        first = made[0]
        factor = (first[0] if kind == "lists" else first.factor if kind == "objects" else first())
        return factor * X.T @ (X @ w)

    return gradient


def linked():
    nodes = [types.SimpleNamespace(factor=2.0 if place < 40 else 3.0) for place in range(50)]
    for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        node.next = following
    at = [nodes[0]]

    def gradient(X, w):
        at[0] = at[0].next
        return at[0].factor * X.T @ (X @ w)

    return gradient


@pytest.mark.parametrize("make", [
    rotated_queue, shifted_list, shifted_entries, linked, functools.partial(ring, "lists"),
    functools.partial(ring, "objects"), functools.partial(ring, "functions")])
def test_what_goes_round_is_state(make):
    """Nothing is wrong in the first forty calls, and more are not looked at."""
    with pytest.raises(TraceError, match="keeps state between calls"):
        trace(make(), {"X": "m n", "w": "n"})


def test_a_count_beside_a_factor_and_a_cache_made_anew_decide_nothing():
    kept = {"calls": 0, "factor": 2.0, "cache": None}

    def gradient(X, w):
        kept["calls"] += 1
        kept["cache"] = {"z": X @ w, "sizes": [1, 2]}
        return kept["factor"] * X.T @ kept["cache"]["z"]

    result = gp.check(lambda X, w: np.sum((X @ w) ** 2), gradient, X="m n", w="n", wrt=["w"])
    assert result.verdict == "proved"


class Form(enum.Enum):
    SQUARE = 2.0

    def factor(self):
        return self.value


class Scale(float):
    """A number with a name."""


@dataclasses.dataclass(frozen=True)
class Options:
    factor: float = 2.0


LOGGER, LOCK, SCALE = logging.getLogger(__name__), threading.Lock(), Scale(2.0)
SCALE.unit = "m"
TABLE = types.MappingProxyType({"factor": 2.0})


def locked(X, w):
    with LOCK:
        return right(X, w)


def logged(X, w):
    LOGGER.debug("a call of %s, %r", "this", Options())
    return right(X, w)


def matched(X, w):
    return (2 if re.match("a", "abc") else 3) * X.T @ (X @ w)


def in_text(X, w):
    return eval("2 * X.T @ (X @ w)")


@pytest.mark.parametrize("gradient", [
    locked, logged, matched, in_text,
    lambda X, w: TABLE["factor"] * X.T @ (X @ w),
    lambda X, w: Form.SQUARE.factor() * X.T @ (X @ w),
    lambda X, w: SCALE * X.T @ (X @ w),
    lambda X, w: Options().factor * X.T @ (X @ w),
    lambda X, w: float(decimal.Decimal("2")) * X.T @ (X @ w),
    lambda X, w: dict(zip("ab", (2, 3), strict=True))["a"] * X.T @ (X @ w),
])
def test_what_is_outside_and_decides_nothing_stays_proved(gradient):
    result = check(gradient)
    assert result.verdict == "proved", str(result)


def test_what_is_no_copy_is_left_as_it_was():
    """A trace makes unreadable what it saw change; the numbers that follow need it."""
    class Counted(float):
        pass

    scale = Counted(2.0)
    scale.calls = 0

    def gradient(X, w):
        scale.calls += 1
        return (2.0 if scale.calls < 400 else 3.0) * X.T @ (X @ w)

    result = check(gradient)
    assert result.verdict == "agrees", str(result)
    assert type(scale.calls) is int


@pytest.mark.slow
def test_a_large_state_is_looked_through_in_time():
    kept = {"places": list(range(20_000)), "calls": 0}

    def gradient(X, w):
        kept["places"] = [place + 1 for place in kept["places"]]
        return right(X, w)

    start = time.process_time()
    trace(gradient, {"X": "m n", "w": "n"})  # what is only written decides nothing
    assert time.process_time() - start < 20


# --- exceptions that SymPy catches ----------------------------------------------------------------


def optional_import():
    try:  # noqa: SIM105 - it is what is tested
        import there_is_no_such_module  # noqa: F401
    except ImportError:
        pass


def huber(x, y):
    optional_import()
    e = x - y
    return np.mean(np.where(np.abs(e) <= 1, 0.5 * np.square(e), np.abs(e) - 0.5))


def huber_gradient(x, y):
    optional_import()
    e = x - y
    return np.where(np.abs(e) <= 1, e, np.sign(e)) / x.size


def test_what_sympy_catches_at_the_tracers_work_is_not_the_functions():
    clear_cache()  # what SymPy looks up first, it looks for by an exception
    check = gp.check(huber, huber_gradient, wrt=["x"], x="m n", y="m n")["x"]
    assert check.verdict == "proved", check


def test_what_sympy_catches_at_the_functions_own_work_is():
    def loss(x, y):
        optional_import()
        return np.sum(x ** 2) * (2.0 if sp.sympify(x, strict=False) == y else 1.0)

    with pytest.raises(TraceError):
        gp.trace(loss, x="m 3", y="m")
