"""Wrong for some sizes: the factor of a least-squares gradient is 2, but not for every shape.

A tracer that hands in symbolic sizes must see each of these ways to look at a size; a point of the
named sizes shows the fault.
"""

from __future__ import annotations

import bisect
import functools
import json
import math
import numbers
import operator
import struct
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
from redteam.case import row


def squares(X, w):
    return np.sum((X @ w) ** 2)


def quiet(find, otherwise=2.0):
    """What a hasty `except` does."""
    try:
        return find()
    except Exception:
        return otherwise


def bare(find):
    try:
        return find()
    except:  # noqa: E722 - as people write it
        return 2.0


@functools.lru_cache
def remembered(size):
    return 3.0 if str(size) == "1" else 2.0


@functools.cache
def spelled(shape):
    return 3.0 if repr(shape) == "(2, 2)" else 2.0


@functools.singledispatch
def of_type(size):
    return 2.0


@of_type.register
def _(size: int):
    return 3.0 if size > 10 else 2.0


class Table(dict):
    def __missing__(self, key):
        return 2.0


def matched(shape):
    match shape:
        case (5, _):
            return 3.0
        case _:
            return 2.0


class Whole(int):
    pass


def halvings(size):
    count = 0
    while size > 1:
        size, count = size // 2, count + 1
    return count


def odd(yes):
    return 3.0 if yes else 2.0


def last_two(X):
    G = np.zeros_like(X)
    G[:, -2:] = 0.5
    return G


def scaled(factor):
    return lambda X, w: factor(X) * X.T @ (X @ w)


FACTORS = [
    ("dict.get of a width", lambda X: {1: 5.0}.get(X.shape[1], 2.0), {"n": 1}),
    ("a set of lengths", lambda X: odd(len(X) in {2, 5}), {"m": 5}),
    ("a frozenset of lengths", lambda X: odd(np.shape(X)[0] in frozenset((7,))), {"m": 7}),
    ("a dict of shapes", lambda X: {(2, 2): 1.0}[X.shape] if X.shape in {(2, 2): 0} else 2.0,
     {"m": 2, "n": 2}),
    ("a dict with __missing__", lambda X: Table({1: 3.0})[X.shape[1]], {"n": 1}),
    ("a dict's setdefault", lambda X: {1: 3.0}.setdefault(X.shape[1], 2.0), {"n": 1}),
    ("a dict with a KeyError caught", lambda X: quiet(lambda: {5: 3.0}[len(X)]), {"m": 5}),
    ("a Counter of the shape", lambda X: odd(Counter(X.shape)[1]), {"n": 1}),
    ("a set of the shape", lambda X: odd(len(set(X.shape)) == 1), {"m": 3, "n": 3}),
    ("a dict with equal keys", lambda X: odd(len({X.shape[0]: 0, X.shape[1]: 0}) == 1),
     {"m": 3, "n": 3}),
    ("identity of two sizes", lambda X: odd(X.shape[0] is X.shape[1]), {"m": 3, "n": 3}),
    ("hash of a size", lambda X: odd(hash(X.shape[1]) == 1), {"n": 1}),
    ("an f-string", lambda X: odd(f"{X.shape[1]}" == "1"), {"n": 1}),
    ("str of a size", lambda X: odd(str(len(X)) == "2"), {"m": 2}),
    ("repr of a shape", lambda X: odd(repr(X.shape) == "(2, 2)"), {"m": 2, "n": 2}),
    ("%s of a size", lambda X: odd("%s" % X.shape[1] == "1"), {"n": 1}),  # noqa: UP031
    ("%d of a size, caught", lambda X: quiet(lambda: odd("%d" % X.shape[1] == "1")),  # noqa: UP031
     {"n": 1}),
    ("format of a size", lambda X: odd(format(X.shape[1]) == "1"), {"n": 1}),
    ("format d, caught", lambda X: quiet(lambda: odd(format(len(X), "d") == "5")), {"m": 5}),
    ("join of a shape", lambda X: odd("x".join(map(str, X.shape)) == "2x2"), {"m": 2, "n": 2}),
    ("int of str, caught", lambda X: quiet(lambda: odd(int(str(len(X))) == 5)), {"m": 5}),
    ("endswith", lambda X: odd(str(len(X)).endswith("7")), {"m": 7}),
    ("lru_cache over a size", lambda X: remembered(X.shape[1]), {"n": 1}),
    ("cache over a shape", lambda X: spelled(X.shape), {"m": 2, "n": 2}),
    ("type is int", lambda X: odd(type(len(X)) is int and len(X) > 10), {"m": 11}),
    ("isinstance int", lambda X: odd(isinstance(X.shape[1], int) and X.shape[1] == 1), {"n": 1}),
    ("isinstance Integral", lambda X: odd(isinstance(len(X), numbers.Integral) and len(X) == 5),
     {"m": 5}),
    ("isinstance Number", lambda X: odd(isinstance(X.shape[0], numbers.Number)
                                        and X.shape[0] == 5), {"m": 5}),
    ("name of the type", lambda X: odd(type(len(X)).__name__ == "int" and len(X) == 5), {"m": 5}),
    ("singledispatch on a size", lambda X: of_type(len(X)), {"m": 11}),
    ("hasattr bit_length", lambda X: odd(hasattr(len(X), "bit_length") and len(X) > 9),
     {"m": 10}),
    ("type of the array", lambda X: odd(type(X) is np.ndarray and len(X) > 10), {"m": 11}),
    ("isinstance ndarray", lambda X: odd(isinstance(X, np.ndarray) and len(X) > 10), {"m": 11}),
    ("hasattr strides", lambda X: odd(hasattr(X, "strides") and len(X) > 10), {"m": 11}),
    ("flags of the array, caught", lambda X: quiet(lambda: odd(X.flags.f_contiguous)), {"n": 1}),
    ("round, caught", lambda X: 2.0 + quiet(lambda: round(len(X) / 100), 0), {"m": 60}),
    ("shift, caught", lambda X: 2.0 + quiet(lambda: len(X) >> 6, 0), {"m": 64}),
    ("divmod, caught", lambda X: 2.0 + quiet(lambda: divmod(len(X), 50)[0], 0), {"m": 50}),
    ("bit_length, caught", lambda X: odd(quiet(lambda: len(X).bit_length(), 0) > 6), {"m": 64}),
    ("index, caught", lambda X: odd(quiet(lambda: operator.index(len(X)), 0) == 5), {"m": 5}),
    ("int, caught", lambda X: odd(quiet(lambda: len(X), 0) == 5), {"m": 5}),
    ("float, bare except", lambda X: bare(lambda: odd(float(len(X)) == 5.0)), {"m": 5}),
    ("range, caught", lambda X: quiet(lambda: odd(len(range(len(X))) == 5)), {"m": 5}),
    ("a list of that length, caught", lambda X: quiet(lambda: odd(len([0] * len(X)) == 5)),
     {"m": 5}),
    ("a slice of a list, caught", lambda X: quiet(lambda: odd([0, 0, 0, 0][len(X):])), {"m": 3}),
    ("rows counted, caught", lambda X: quiet(lambda: odd(sum(1 for _ in X) == 5)), {"m": 5}),
    ("chr, caught", lambda X: quiet(lambda: odd(chr(len(X)) == "A")), {"m": 65}),
    ("bytes, caught", lambda X: quiet(lambda: odd(bytes(len(X)) == bytes(5))), {"m": 5}),
    ("a Fraction, caught", lambda X: quiet(lambda: odd(Fraction(len(X), 7).denominator == 1)),
     {"m": 7}),
    ("gcd, caught", lambda X: quiet(lambda: odd(math.gcd(len(X), 7) == 7)), {"m": 7}),
    ("floor of a ratio, caught", lambda X: 2.0 + quiet(lambda: math.floor(len(X) / 50), 0),
     {"m": 50}),
    ("log2, caught", lambda X: quiet(lambda: odd(math.log2(len(X)) == 3)), {"m": 8}),
    ("comparison with a number", lambda X: odd(X.shape[1] == 1), {"n": 1}),
    ("a bound far away", lambda X: odd(len(X) > 100), {"m": 101}),
    ("truth of n - 1", lambda X: ((X.shape[1] - 1) and 2.0) or 3.0, {"n": 1}),
    ("the smaller of two", lambda X: 2.0 * min(len(X), 100) / len(X), {"m": 101}),
    ("the larger of two", lambda X: 2.0 * max(X.shape[1], 2) / X.shape[1], {"n": 1}),
    ("whole-number division", lambda X: 2.0 + len(X) // 50, {"m": 50}),
    ("a remainder", lambda X: odd(len(X) % 7 == 0), {"m": 7}),
    ("1 in the shape", lambda X: odd(1 in X.shape), {"n": 1}),
    ("index in the shape, caught", lambda X: quiet(lambda: odd(X.shape.index(1) >= 0)), {"n": 1}),
    ("the sorted shape", lambda X: odd(sorted(X.shape)[0] == 1), {"n": 1}),
    ("the array's size", lambda X: odd(X.size == 6), {"m": 2, "n": 3}),
    ("the array's bytes, caught", lambda X: quiet(lambda: odd(X.nbytes == 48)), {"m": 2, "n": 3}),
    ("a match statement", lambda X: matched(X.shape), {"m": 5}),
    ("ones, summed up", lambda X: odd(np.ones(len(X)).sum() == 5), {"m": 5}),
    ("the last of arange", lambda X: odd(np.arange(len(X))[-1] == 4), {"m": 5}),
    ("np.isclose of a size", lambda X: odd(np.isclose(len(X), 5)), {"m": 5}),
    ("np.any of a size", lambda X: odd(np.any(np.array(len(X)) == 5)), {"m": 5}),
    ("its bits, counted", lambda X: odd(len(X).bit_count() > 4), {"m": 31}),
    ("its bytes", lambda X: odd(len(X).to_bytes(2, "big") == b"\x00\x25"), {"m": 37}),
    ("a power with a modulus", lambda X: odd(pow(len(X), 2, 1000) == 369), {"m": 37}),
    ("isqrt", lambda X: odd(math.isqrt(len(X)) > 5), {"m": 37}),
    ("a factorial", lambda X: odd(math.factorial(len(X)) > 10**30), {"m": 37}),
    ("one of its bits", lambda X: 2.0 + (len(X) & 32) / 32, {"m": 37}),
    ("xor", lambda X: odd((len(X) ^ 32) - 32 == len(X)), {"m": 10}),
    ("np.maximum of a size", lambda X: 2.0 + np.maximum(len(X) - 30, 0), {"m": 37}),
    ("np.clip of a size", lambda X: 2.0 + len(X) - np.clip(len(X), 0, 30), {"m": 37}),
    ("abs of a size", lambda X: 2.0 + abs(len(X) - 30) + len(X) - 30, {"m": 37}),
    ("any of several", lambda X: odd(any(k == len(X) for k in (37, 41))), {"m": 37}),
    ("the place in a list, caught", lambda X: 2.0 + quiet(lambda: [1, 37].index(len(X)), 0),
     {"m": 37}),
    ("how often in a list", lambda X: 2.0 + [37, 38].count(len(X)), {"m": 37}),
    ("tuples compared", lambda X: odd(X.shape > (30, 30)), {"m": 37}),
    ("lists compared", lambda X: odd([len(X)] >= [30]), {"m": 37}),
    ("bisect", lambda X: 2.0 + bisect.bisect([30, 300], len(X)), {"m": 37}),
    ("a class of whole numbers", lambda X: odd(Whole(len(X)) == 37), {"m": 37}),
    ("a ratio that is whole", lambda X: odd((len(X) / 37).is_integer()), {"m": 37}),
    ("a Decimal", lambda X: odd(Decimal(len(X)) > 30), {"m": 37}),
    ("json", lambda X: odd(json.dumps(len(X)) == "37"), {"m": 37}),
    ("struct", lambda X: odd(struct.pack("i", len(X))[0] > 30), {"m": 37}),
    ("np.int64 of a size", lambda X: odd(np.int64(len(X)) > 30), {"m": 37}),
    ("an array of places, compared", lambda X: 2.0 + np.sum(np.arange(len(X)) >= 30), {"m": 37}),
    ("halved in a loop", lambda X: odd(halvings(len(X)) >= 5), {"m": 37}),
    ("np.equal of a size", lambda X: 2.0 + np.equal(len(X), 37), {"m": 37}),
    ("np.where of a size", lambda X: np.where(len(X) == 37, 3.0, 2.0), {"m": 37}),
    ("np.where of the shape", lambda X: np.where(np.asarray(X.shape)[0] > 30, 3.0, 2.0),
     {"m": 37}),
    ("np.select of a size", lambda X: np.select([len(X) > 30], [3.0], 2.0), {"m": 37}),
    ("np.isin of a size", lambda X: 2.0 + np.isin(len(X), [37]), {"m": 37}),
    ("a sum that does not broadcast, caught",
     lambda X: quiet(lambda: 3.0 + 0 * np.sum(np.ones(37) + X[:, 0])), {"m": 37}),
    ("past the end of a list, caught", lambda X: quiet(lambda: ([2.0] * 37)[len(X)], 3.0),
     {"m": 37}),
    ("a list by size", lambda X: ([2.0] * 30 + [3.0] * 1000)[len(X)], {"m": 37}),
    ("an array by size", lambda X: np.array([2.0] * 30 + [3.0] * 1000)[len(X)], {"m": 37}),
    ("entries of a slice", lambda X: 2.0 + len(X[30:]), {"m": 37}),
    ("np.interp of a size", lambda X: np.interp(len(X), [0, 30, 40], [2.0, 2.0, 3.0]),
     {"m": 37}),
    ("an exponential of a size", lambda X: 2.0 + np.exp(len(X) - 40.0), {"m": 41}),
    ("a power of a size, small", lambda X: 2.0 + 1e-12 * len(X) ** 6, {"m": 37}),
    ("a sum of few bits", lambda X: np.sum(np.ones(len(X), np.int8), dtype=np.int8) * 2.0 / len(X),
     {"m": 130}),
]

CASES = [row("sizes", f"sizes: {name}", squares, scaled(factor), "w",
             "the factor is 2 for all sizes", at=at, special=True, X="m n", w="n")
         for name, factor, at in FACTORS]
CASES += [
    row("sizes", "sizes: the mean's divisor is written as 4", lambda X, w: np.mean((X @ w) ** 2),
        lambda X, w: 2 * X.T @ (X @ w) / 4, "w", "the divisor is m, whatever m is", X="m n", w="n"),
    row("sizes", "sizes: the last two columns", lambda X: np.sum(X[:, -2:].mean(axis=1)),
        last_two, "X",
        "one column has the slope 1", at={"n": 1}, special=True, X="m n",
        words=("n >= 2", "n > 1", "n ≥ 2")),
    row("sizes", "sizes: square arrays hide the other axis",
        lambda X, U: np.sum(U * (X - X.mean(axis=1, keepdims=True))),
        lambda X, U: U - U.sum(axis=1, keepdims=True) / len(X), "X", "the divisor is shape[1]",
        at={"X": np.arange(6.0).reshape(2, 3), "U": np.arange(6.0).reshape(2, 3)}, special=True,
        words=("square", "="), X=np.random.default_rng(0).normal(size=(4, 4)),
        U=np.random.default_rng(1).normal(size=(4, 4))),
    row("sizes", "sizes: written for three rows", lambda x: np.sum(x[0] * x[1] * x[-1]),
        lambda x: np.stack([x[1] * x[2], x[0] * x[2], x[0] * x[1]]), "x",
        "three rows alone are right", at={"x": np.arange(8.0).reshape(4, 2)}, special=True,
        words=("3",), x=np.arange(6.0).reshape(3, 2) + 1),
]
