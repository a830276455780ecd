"""A size that is spelled, hashed, typed, rounded, or lost in an exception that is caught: no proof.

The wrong gradients here are right at every size that a check draws, or nearly; what keeps them from
being proved is that the trace sees what it cannot see through.
"""

import decimal
import functools
import json
import math
import operator
import pickle
from warnings import catch_warnings, simplefilter

import numpy as np
import pytest
from numpy import errstate, ndarray

import gradproof as gp
from gradproof.symbolic.tracing.run import TraceError, trace

CALLS = {"n": 0}


def lsq(X, w):
    return np.sum((X @ w) ** 2)


def verdict(gradient):
    return gp.check(lsq, gradient, X="m n", w="n", wrt=["w"], repair_seconds=0).verdict


def scaled(factor):
    """The right gradient times a factor of the sizes m and n, which is 1 at the sizes drawn."""
    def gradient(X, w):
        return factor(*X.shape) * (2 * X.T @ (X @ w))
    return gradient


@functools.cache
def spelled_in_a_cache(n):
    return 1.0 if str(n) != "77" else 2.0


def swallowing(operation, error):
    def factor(m, n):
        try:
            operation(m, n)
        except error:
            return 1
        return 1 if m < 77 else 2
    return factor


def suppressed(m, n):
    import contextlib
    found = 1
    with contextlib.suppress(TypeError, ValueError):
        found = 1 if decimal.Decimal(m) < 77 else 2
    return found


def bare(m, n):
    try:
        found = 1 if "%d" % m != "77" else 2  # noqa: UP031
    except:  # noqa: E722
        found = 1
    return found


def returned_in_finally(m, n):
    found = 1
    try:
        found = [1] * 70 + [2]
        found = found[m]
    finally:
        return 1  # noqa: B012


def matched(m, n):
    match m:
        case 77:
            return 2
    return 1


HASHED = {
    "get": lambda m, n: {77: 2}.get(n, 1),
    "in a set": lambda m, n: 2 if n in {77, 78} else 1,
    "shape in a dict": lambda m, n: {(77, 77): 2}.get((m, n), 1),
    "in a frozenset": lambda m, n: 1 + (m in frozenset({77})),
    "hash": lambda m, n: 1 + (hash(m) == 77),
    "a set of sizes": lambda m, n: 1 + (len({m, 77}) == 1),
    "Counter": lambda m, n: 1 + __import__("collections").Counter([77])[m],
    "a half": lambda m, n: {38.5: 2}.get(m / 2, 1),
    "fromkeys": lambda m, n: 1 + (77 in dict.fromkeys([m])),
}
SPELLED = {
    "str": lambda m, n: 2 if str(m) == "77" else 1,
    "f-string": lambda m, n: 2 if f"{m}x" == "77x" else 1,
    "format": lambda m, n: 2 if format(m) == "77" else 1,
    "str.format": lambda m, n: 2 if "{}".format(m) == "77" else 1,  # noqa: UP032
    "percent": lambda m, n: 2 if "%s" % m == "77" else 1,  # noqa: UP031
    "percent d": lambda m, n: 2 if "%d" % m == "77" else 1,  # noqa: UP031
    "repr of a shape": lambda m, n: 2 if repr((m, n)) == "(77, 77)" else 1,
    "join": lambda m, n: 2 if "-".join(map(str, (m, n))) == "77-77" else 1,
    "json": lambda m, n: 2 if json.dumps([m]) == "[77]" else 1,
    "pickle": lambda m, n: 2 if pickle.dumps(m) == pickle.dumps(77) else 1,
    "endswith": lambda m, n: 2 if str(m).endswith("77") else 1,
    "cached": lambda m, n: spelled_in_a_cache(m),
    "array2string": lambda m, n: 2 if np.array_str(np.array(m)) == "77" else 1,
}
TYPED = {
    "type": lambda m, n: 2 if type(m) is int and m > 76 else 1,
    "type of a power": lambda m, n: 2 if isinstance(np.square(m), int) else 1,
    "class": lambda m, n: 2 if m.__class__ is int and m > 76 else 1,
    "isinstance": lambda m, n: 2 if isinstance(m, int) and m > 76 else 1,
    "isinstance float": lambda m, n: 1 if not isinstance(m / 1, int) and m < 77 else 2,
    "match": matched,
    "name": lambda m, n: 2 if type(m).__name__ == "int" and m > 76 else 1,
    "class name": lambda m, n: 2 if m.__class__.__name__ == "int" and m > 76 else 1,
    "table of types": lambda m, n: {int: 2}.get(type(m), 1) if m > 76 else 1,
}
ROUNDED = {
    "round": lambda m, n: 1 + round(m / 100),
    "shift": lambda m, n: 1 + (m >> 6),
    "and": lambda m, n: 1 + ((m & 64) > 0),
    "xor": lambda m, n: 1 + ((m ^ 64) < m),
    "divmod": lambda m, n: 1 + divmod(m, 77)[0],
    "floor": lambda m, n: 1 + math.floor(m / 77),
    "ceil": lambda m, n: math.ceil(m / 77),
    "np.floor": lambda m, n: 1 + np.floor(m / 77),
    "gcd": lambda m, n: 1 + (math.gcd(m, 77) == 77),
    "isqrt": lambda m, n: 1 + (math.isqrt(m) == 8),
    "bit_length": lambda m, n: 1 + (m.bit_length() > 6),
    "is_integer": lambda m, n: 1 + (m / 77).is_integer(),
    "pow": lambda m, n: 1 + (pow(m, 1, 77) == 0),
    "complex": lambda m, n: 2 if complex(m) == 77 + 0j else 1,
    "equal to a complex": lambda m, n: 2 if m == 77 + 0j else 1,
    "equal to a Decimal": lambda m, n: 2 if m == decimal.Decimal(77) else 1,
    "index": lambda m, n: 1 + (operator.index(m) == 77),
    "as_integer_ratio": lambda m, n: 1 + (m.as_integer_ratio() == (77, 1)),
    "min": lambda m, n: max(1, m - 75),
    "string times size": lambda m, n: 1 + (len("x" * m) == 77),
    "lcm": lambda m, n: 1 + (np.lcm(m, 77) == 77),
}
SWALLOWED = {
    "TypeError of round": swallowing(lambda m, n: round(m / 100), TypeError),
    "Decimal": swallowing(lambda m, n: decimal.Decimal(m), TypeError),
    "bytes": swallowing(lambda m, n: bytes(m), Exception),
    "chr": swallowing(lambda m, n: chr(m), Exception),
    "factorial": swallowing(lambda m, n: math.factorial(m), Exception),
    "json": swallowing(lambda m, n: json.dumps(m), TypeError),
    "branch": swallowing(lambda m, n: 1 if m == 3 else 2, ValueError),
    "lookup": swallowing(lambda m, n: {}[m], Exception),
    "bits": swallowing(lambda m, n: m.bit_count(), AttributeError),
    "suppress": suppressed,
    "bare": bare,
    "finally": returned_in_finally,
}
FACTORS = {f"{kind}: {name}": factor for kind, table in {
    "hashed": HASHED, "spelled": SPELLED, "typed": TYPED, "rounded": ROUNDED,
    "swallowed": SWALLOWED}.items() for name, factor in table.items()}


@pytest.mark.parametrize("factor", FACTORS.values(), ids=FACTORS)
def test_a_size_that_decides_by_another_way_is_not_proved(factor):
    assert verdict(scaled(factor)) != "proved"


def overflowing(X, w):
    with np.errstate(over="raise"):
        try:
            found = np.exp(X @ w)
        except FloatingPointError:
            return 0 * w
    return 2 * X.T @ (X @ w) + 0 * np.sum(found)


def overflowing_by_name(X, w):
    with errstate(over="raise"):
        try:
            np.exp(X @ w)
        except FloatingPointError:
            return 0 * w
    return 2 * X.T @ (X @ w)


def warned_by_name(X, w):
    with catch_warnings():
        simplefilter("error")
        try:
            np.exp(X @ w)
        except RuntimeWarning:
            return 0 * w
    return 2 * X.T @ (X @ w)


def asked_by_name(X, w):
    return (2 if isinstance(X, ndarray) else 3) * X.T @ (X @ w)


def warned(X, w):
    import warnings
    with warnings.catch_warnings(record=True) as seen:
        found = 2 * X.T @ (X @ w)
    return found if not seen else 2 * found


def spelled_value(X, w):
    return (2 if f"{np.sum(w):.1f}" != "77.0" else 3) * X.T @ (X @ w)


def type_of_a_sum(X, w):
    return (2 if isinstance(np.sum(w), np.floating) else 3) * X.T @ (X @ w)


def whether_a_sum_is_a_scalar(X, w):
    return (2 if np.isscalar(np.sum(w)) else 3) * X.T @ (X @ w)


@pytest.mark.parametrize("gradient", [overflowing_by_name, warned_by_name, overflowing, warned,
                                      spelled_value, type_of_a_sum,
                                      whether_a_sum_is_a_scalar])
def test_a_value_that_decides_by_an_exception_or_a_text_is_not_proved(gradient):
    assert verdict(gradient) != "proved"


# --- right, and proved --------------------------------------------------------------------------


def says_its_sizes(X, w):
    m, n = X.shape
    print("shapes", X.shape, w.shape)
    print(f"{m} samples of {n}, norm {np.sum(w):.3f}")
    if X.shape[1] != w.shape[0]:
        raise ValueError(f"{n} columns for {w.shape}")
    return 2 * X.T @ (X @ w)


def asks_for_types(X, w):
    m = X.shape[0]
    assert type(m) is int
    assert isinstance(m, int)
    assert not isinstance(m, float)
    assert isinstance(m / 2, float)
    assert m.__class__ is int
    assert type(X) is np.ndarray
    assert isinstance(X, np.ndarray)
    assert np.issubdtype(X.dtype, np.floating)
    assert type(X).__name__ == "ndarray"
    assert not isinstance(m, np.integer)
    return 2 * X.T @ (X @ w)


def rounds_whole_sizes(X, w):
    m = X.shape[0]
    assert round(m) == m
    assert math.floor(m) == int(m)
    assert (2 * m / 2).is_integer()
    return 2 * X.T @ (X @ w) * round(m) / math.ceil(m) * (m << 1) / divmod(2 * m, 1)[0]


def catches_what_any_run_raises(X, w):
    try:
        import no_such_package_anywhere as np_again
    except ImportError:
        np_again = np
    steps = iter([1])
    next(steps)
    try:
        factor = next(steps)
    except StopIteration:
        factor = 1
    try:
        factor *= {"a": 1}["b"]
    except KeyError:
        factor *= 2
    with np_again.errstate(over="ignore"):
        return factor * X.T @ (X @ w)


@functools.cache
def halved(m):
    return 1 / (2 * m)


def caches_a_function_of_sizes(X, w):
    return 4 * X.shape[0] * halved(X.shape[0]) * X.T @ (X @ w)


RIGHT = [asked_by_name, says_its_sizes, asks_for_types, rounds_whole_sizes,
         catches_what_any_run_raises, caches_a_function_of_sizes]


@pytest.mark.parametrize("gradient", RIGHT, ids=lambda f: f.__name__)
def test_right_ones_stay_proved(gradient):
    result = gp.check(lsq, gradient, X="m n", w="n", wrt=["w"], repair_seconds=0)
    assert result.verdict == "proved", str(result)


def test_sizes_that_are_numbers_are_numbers():
    def function(x):
        n = x.shape[0]
        return x * {4: 2.0}[n] * (n >> 1) * (n & 6) * len(str({4: "four"}[n])) + round(n / 3)

    assert trace(function, {"x": "4"}).result is not None


def test_the_failure_names_the_line():
    with pytest.raises(TraceError, match=r"test_trace_sizes.py:\d+: .*spelled"):
        trace(lambda x: x if str(len(x)) == "3" else -x, {"x": "n"})


def test_errors_that_numpy_is_set_to_raise_may_be_caught():
    with np.errstate(over="raise"), pytest.raises(TraceError):
        trace(catches_what_any_run_raises, {"X": "m n", "w": "n"})
