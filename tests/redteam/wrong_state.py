"""Right when first called: what a cache, a counter or a buffer remembers makes it wrong later."""
# ruff: noqa: B006 - mutable defaults are what some of these are about

from __future__ import annotations

import contextvars
import functools
import itertools
import os
import threading
from collections import defaultdict, deque

import numpy as np
from redteam.case import row
from redteam.wrong_sizes import squares

X0 = np.random.default_rng(3).normal(size=(4, 3))


def by_shape():
    kept = {}

    def gradient(X, w):
        if X.shape not in kept:
            kept[X.shape] = X @ w
        return 2 * X.T @ kept[X.shape]

    return gradient


def by_length():
    kept = defaultdict(dict)

    def gradient(X, w):
        return 2 * X.T @ kept[len(X)].setdefault(len(w), X @ w)

    return gradient


def by_identity():
    kept = {}

    def gradient(X, w):
        if id(X) not in kept:
            kept.clear()
            kept[id(X)] = X @ w
        return 2 * X.T @ kept[id(X)]

    return gradient


def by_first_entry():
    kept = {}

    def gradient(X, w):
        key = (X.shape, str(w.dtype))
        kept.setdefault(key, X @ w)
        return 2 * X.T @ kept[key]

    return gradient


def cached_shape():
    @functools.lru_cache
    def first(shape, box):
        return box[0]

    class Box(list):
        def __hash__(self):
            return 0

        def __eq__(self, other):
            return True

    def gradient(X, w):
        return 2 * X.T @ first(X.shape, Box([X @ w]))

    return gradient


def counted_default():
    def gradient(X, w, calls=[]):
        calls.append(1)
        return (2.0 if len(calls) < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def counted_attribute():
    def gradient(X, w):
        gradient.calls += 1
        return (2.0 if gradient.calls < 40 else 3.0) * X.T @ (X @ w)

    gradient.calls = 0
    return gradient


def counted_nonlocal():
    calls = 0

    def gradient(X, w):
        nonlocal calls
        calls += 1
        return (2.0 if calls < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def counted_global():
    globals()["calls"] = 0

    def gradient(X, w):
        globals()["calls"] += 1
        return (2.0 if globals()["calls"] < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def counted_object():
    class Gradient:
        calls = 0

        def __call__(self, X, w):
            self.calls += 1
            return (2.0 if self.calls < 40 else 3.0) * X.T @ (X @ w)

    return Gradient()


def counted_class():
    class Counter:
        calls = 0

    def gradient(X, w):
        Counter.calls += 1
        return (2.0 if Counter.calls < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def counted_array():
    calls = np.zeros(1)

    def gradient(X, w):
        calls[0] += 1
        return (2.0 if calls[0] < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def of_iterator():
    factors = itertools.chain([2.0] * 40, itertools.repeat(3.0))
    return lambda X, w: next(factors) * X.T @ (X @ w)


def of_spent_iterator():
    factors = iter([2.0] * 40)
    return lambda X, w: next(factors, 3.0) * X.T @ (X @ w)


def of_generator():
    def factors():
        yield from [2.0] * 40
        while True:
            yield 3.0

    made = factors()
    return lambda X, w: next(made) * X.T @ (X @ w)


def of_queue():
    queue = deque([2.0] * 40 + [3.0] * 40)

    def gradient(X, w):
        queue.rotate(-1)
        return queue[-1] * X.T @ (X @ w)

    return gradient


def of_counter():
    number = itertools.count()
    return lambda X, w: (2.0 if next(number) < 40 else 3.0) * X.T @ (X @ w)


def of_environment():
    os.environ.pop("REDTEAM_CALLS", None)

    def gradient(X, w):
        calls = int(os.environ.get("REDTEAM_CALLS", "0")) + 1
        os.environ["REDTEAM_CALLS"] = str(calls)
        return (2.0 if calls < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def of_thread():
    local = threading.local()
    local.calls = 0

    def gradient(X, w):
        local.calls += 1
        return (2.0 if local.calls < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def of_context():
    calls = contextvars.ContextVar("calls", default=0)

    def gradient(X, w):
        calls.set(calls.get() + 1)
        return (2.0 if calls.get() < 40 else 3.0) * X.T @ (X @ w)

    return gradient


def of_list_pop():
    factors = [3.0] * 40 + [2.0] * 40
    return lambda X, w: factors.pop() * X.T @ (X @ w)


def momentum():
    kept = {}

    def gradient(X, w):
        kept[X.shape] = 0.5 * kept.get(X.shape, 2 * X.T @ (X @ w)) + X.T @ (X @ w)
        return kept[X.shape]

    return gradient


def summed_default():
    def gradient(X, w, total={}):
        total[X.shape] = total.get(X.shape, 0) + 2 * X.T @ (X @ w)
        return {"w": total[X.shape]}

    return gradient


def summed_buffer():
    kept = {}

    def gradient(X, w):
        total = kept.setdefault(X.shape, np.zeros(X.shape[1]))
        total += 2 * X.T @ (X @ w)
        return total

    return gradient


def last_return():
    kept = {}

    def gradient(X, w):
        before = kept.get(X.shape, 2 * X.T @ (X @ w))
        kept[X.shape] = 2 * X.T @ (X @ w)
        return before

    return gradient


def first_scale():
    kept = []

    def gradient(X, w):
        if not kept:
            kept.append(2.0)
        else:
            kept[0] *= 1.01
        return kept[0] * X.T @ (X @ w)

    return gradient


AFTER_40 = ({"m": 2, "n": 2},) * 45
TWICE = ({"m": 4, "n": 3}, {"m": 4, "n": 3})
SAME = ({"X": X0, "w": [1.0, 2, 3]}, {"X": X0, "w": [0.0, -1, 1]})
MAKERS = [
    ("activations by shape", by_shape, TWICE, False),
    ("activations by length", by_length, TWICE, False),
    ("activations by identity", by_identity, SAME, True),
    ("activations by shape and dtype", by_first_entry, TWICE, False),
    ("a cache whose keys are all equal", cached_shape, TWICE, False),
    ("momentum", momentum, TWICE, False),
    ("a dict as default sums up", summed_default, TWICE, False),
    ("a buffer sums up", summed_buffer, TWICE, False),
    ("the gradient of the call before", last_return, TWICE, False),
    ("a scale that grows", first_scale, TWICE, False),
    ("a default counts", counted_default, AFTER_40, True),
    ("an attribute counts", counted_attribute, AFTER_40, True),
    ("a nonlocal counts", counted_nonlocal, AFTER_40, True),
    ("a global counts", counted_global, AFTER_40, True),
    ("an object counts", counted_object, AFTER_40, True),
    ("a class counts", counted_class, AFTER_40, True),
    ("an array counts", counted_array, AFTER_40, True),
    ("an iterator", of_iterator, AFTER_40, True),
    ("a spent iterator", of_spent_iterator, AFTER_40, True),
    ("a generator", of_generator, AFTER_40, True),
    ("a queue", of_queue, AFTER_40, True),
    ("itertools.count", of_counter, AFTER_40, True),
    ("the environment", of_environment, AFTER_40, True),
    ("a thread's own", of_thread, AFTER_40, True),
    ("a context variable", of_context, AFTER_40, True),
    ("a list that is used up", of_list_pop, AFTER_40, True),
]
CASES = [row("state", f"state: {name}", squares, make, "w", "later calls are wrong", at=at,
             special=special, fresh=True, X="m n", w="n") for name, make, at, special in MAKERS]
