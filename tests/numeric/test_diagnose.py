"""A diagnosis names the mistake, and never one that the data contradict."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.numeric import Factor, diagnose, name_ratios

SIZES = [{"m": 4, "n": 3, "h": 5, "o": 2}, {"m": 7, "n": 6, "h": 3, "o": 5}]


def observe(wrong, shape=("n", "h"), sizes=SIZES, seed=0):
    r = np.random.default_rng(seed)
    data = []
    for s in sizes:
        true = r.standard_normal([s[axis] for axis in shape])
        noise = 1 + 1e-15 * r.standard_normal(true.shape)
        data.append((wrong(true * noise, s), true, s))
    return data


def put(index, factor):
    def wrong(t, s):
        t[index] *= factor
        return t

    return wrong


@pytest.mark.parametrize(
    ("wrong", "kind", "coefficient", "exponents", "words"),
    [
        (lambda t, s: t, "equal", Fraction(1), {}, "hand-written = derived"),
        (lambda t, s: -t, "sign", Fraction(-1), {}, "change the sign"),
        (lambda t, s: 0 * t, "zero", None, {}, "0 everywhere"),
        (
            lambda t, s: t * s["m"] * s["o"] / 2,
            "factor",
            Fraction(1, 2),
            {"m": 1, "o": 1},
            "hand-written = 1/2 · m · o × derived: multiply by 2/(m·o)",
        ),
        (lambda t, s: t / s["m"], "factor", Fraction(1), {"m": -1}, "multiply by m"),
        (lambda t, s: -2 * t, "factor", Fraction(-2), {}, "multiply by −1/2"),
        (lambda t, s: 3 * t * s["n"] ** 2, "factor", Fraction(3), {"n": 2}, "1/(3·n²)"),
        (lambda t, s: 1.2345 * t, "factor", None, {}, "1.2345 × derived"),
        (lambda t, s: t * s["m"] / 4, "one_size", Fraction(1, 4), {"m": 1},
         "right only at m = 4: as with 4 in the place of m; multiply by 4/m"),
        (lambda t, s: t if s["m"] == 4 else t**2, "one_size", None, {}, "only at m = 4"),
        (lambda t, s: t.T, "transpose", Fraction(1), {}, "transpose it"),
        (
            lambda t, s: t.T / s["m"],
            "transpose",
            Fraction(1),
            {"m": -1},
            "transpose it and multiply by m",
        ),
        (lambda t, s: t[::-1], "permuted", None, {}, "reversed along axis 0"),
        (lambda t, s: np.roll(t, 1), "permuted", None, {}, "another order"),
        (lambda t, s: t[None], "reshaped", None, {}, "reshape"),
        (lambda t, s: t + 0.25, "constant_added", None, {}, "derived + 0.25"),
        (put((1, 2), 1.1), "entry", None, {}, "only entry [1, 2]"),
        (put((-1, -1), 0.0), "entry", None, {}, "only entry [-1, -1]"),
        (put(1, 2.0), "slice", None, {}, "only row 1"),
        (put((slice(None), 0), 0.0), "slice", None, {}, "only column 0"),
    ],
)
def test_kind(wrong, kind, coefficient, exponents, words):
    found = diagnose(observe(wrong))
    assert found.kind == kind
    assert found.coefficient == coefficient
    assert dict(found.exponents) == exponents
    assert words in found.text


def test_an_axis_of_length_1_is_a_case_of_its_own():
    data = [(claimed * np.ones(n), 2.0 * np.ones(n), {"n": n, "k": 2})
            for n, claimed in ((3, 2.0), (6, 2.0), (1, 3.0))]
    data[2][0][0] = 0.0
    assert diagnose(data).text == (
        "right at n = 3, k = 2 and n = 6, k = 2, and wrong at n = 1: an axis of length 1 is a case "
        "of its own")
    data.append((5 * np.ones(4), 2 * np.ones(4), {"n": 4, "k": 2}))
    assert "of length 1" not in diagnose(data).text


def test_nothing_is_said_of_noise():
    r = np.random.default_rng(1)
    assert diagnose(observe(lambda t, s: t + r.standard_normal(t.shape))) is None


def test_one_contradicting_entry_forbids_a_factor():
    def wrong(t, s):
        t = 2 * t
        t[0, 0] *= 1 + 1e-6
        t[1, 1] *= 1 + 1e-6
        return t

    assert diagnose(observe(wrong)) is None


def test_one_assignment_leaves_other_names():
    found = diagnose(observe(lambda t, s: t * 4, sizes=SIZES[:1]))
    assert dict(found.exponents) == {"m": 1}
    assert "4" in found.alternatives


def test_unknown_entries_are_no_contradiction():
    data = observe(lambda t, s: t / s["m"])
    for _, true, _ in data:
        true[0] = np.nan
    assert dict(diagnose(data).exponents) == {"m": -1}


def test_tiny_gradients():
    data = [(c * 1e-200, t * 1e-200, s) for c, t, s in observe(lambda t, s: t * s["h"])]
    assert dict(diagnose(data).exponents) == {"h": 1}


def test_no_observation():
    with pytest.raises(ValueError, match="at least one"):
        diagnose([])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.fractions(-4, 4, max_denominator=4).filter(lambda c: c and abs(c.numerator) <= 4),
    st.dictionaries(st.sampled_from(["m", "n", "o"]), st.sampled_from([-2, -1, 1, 2])),
)
def test_every_factor_is_named(coefficient, exponents):
    sizes = [{"m": 17, "n": 5, "o": 11}, {"m": 13, "n": 7, "o": 3}]
    factor = Factor(coefficient, exponents)
    found = name_ratios([factor.at(s) for s in sizes], sizes, 1e-9)
    assert found[0] == factor


@pytest.mark.parametrize(
    ("factor", "text", "fraction"),
    [
        (Factor(Fraction(1)), "1", "1"),
        (Factor(Fraction(-1, 2), {"m": 1}), "−1/2 · m", "−m/2"),
        (Factor(Fraction(2), {"m": -1, "o": -1}), "2 / (m·o)", "2/(m·o)"),
        (Factor(Fraction(1), {"n": -2}), "1 / n²", "1/n²"),
    ],
)
def test_factor_text(factor, text, fraction):
    assert str(factor) == text
    assert factor.as_fraction == fraction
