"""Proofs end: their work is counted in operations, not in seconds, and roots do not go round."""

import random
import time
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from proofs import prove_equal
from sympy.polys.groebnertools import groebner
from sympy.polys.orderings import grlex
from sympy.polys.rings import ring

import gradproof as gp
from gradproof.symbolic.normalform.groebner import Division, TooMuchWorkError
from gradproof.symbolic.normalform.nonlinear import prime_factors

S = np.sum


def some_polynomials(draw, unknowns):
    return [{tuple(draw.choice([0, 0, 1, 2]) for _ in range(unknowns)):
             Fraction(draw.randint(-3, 3) or 1, draw.randint(1, 3))
             for _ in range(draw.randint(1, 4))} for _ in range(draw.randint(1, 3))]


def test_a_basis_is_the_one_that_sympy_finds():
    draw = random.Random(4)
    for _ in range(60):
        unknowns = draw.randint(2, 3)
        space = ring([f"v{place}" for place in range(unknowns)], sp.QQ, grlex)[0]
        polys = some_polynomials(draw, unknowns)
        mine = [poly for _, poly in Division(work=10**7).basis(polys)]
        theirs = groebner([space.from_dict({e: sp.QQ(c.numerator, c.denominator)
                                            for e, c in poly.items()}) for poly in polys], space)
        expected = [{e: Fraction(int(c.numerator), int(c.denominator)) for e, c in poly.items()}
                    for poly in theirs]
        assert sorted(map(sorted, map(dict.items, mine))) == sorted(
            map(sorted, map(dict.items, expected)))


def test_a_basis_that_takes_too_much_is_given_up():
    """Cyclic equations in seven unknowns, a well-known hard case."""
    count = 7
    polys = []
    for length in range(1, count):
        polys.append({tuple(int((place - start) % count < length) for place in range(count)):
                      Fraction(1) for start in range(count)})
    polys.append({(1,) * count: Fraction(1), (0,) * count: Fraction(-1)})
    began = time.process_time()
    with pytest.raises(TooMuchWorkError):
        Division().basis(polys)
    assert time.process_time() - began < 20


def test_large_primes_are_not_looked_for():
    big = (2**61 - 1) * (2**89 - 1)
    assert prime_factors(12 * big) == ((2, 2), (3, 1), (big, 1))


def std_gradient(eps):
    def gradient(x, U):
        spread = x.std(0)
        below = spread + eps
        inward = -(U * x / below**2).sum(0)
        return U / below + inward * (x - x.mean(0)) / (len(x) * spread)
    return gradient


@pytest.mark.parametrize("eps", [1e-8, 1, 0.5])
def test_a_root_beside_a_number_in_a_denominator(eps):
    def loss(x, U):
        return S(U * (x / (x.std(0) + eps)))

    found = gp.check(loss, std_gradient(eps), x="m n", U="m n", wrt=["x"], repair_seconds=0)
    assert found.verdict == "proved" or "proved equal" in found.checks[0].reason
    wrong = gp.check(loss, lambda x, U: U / (x.std(0) + eps), x="m n", U="m n", wrt=["x"],
                     repair_seconds=0)
    assert wrong.verdict == "refuted"


@pytest.mark.parametrize(("text", "first", "second"), [
    ("r = sqrt(x**2 + 1)\ns = x/(r + 1) + 1/(r + 1)\nt = (x + 1)/(1 + r)", "s", "t"),
    ("r = sqrt(x + y)\ns = 1/((r + 1)*(r + 2))\nt = 1/(r + 1) - 1/(r + 2)", "s", "t"),
    ("r = sqrt(x + y)\nq = sqrt(r + y)\ns = (q - 1)/(q**2 - 1)\nt = 1/(q + 1)", "s", "t"),
])
def test_nested_roots_and_partial_fractions(text, first, second):
    system = gp.equations(text + "\nL = sum(s) + sum(t)", **{
        name: gp.Array("n", kind="positive") for name in "xy" if name in text})
    assert prove_equal(system, first, second).equal is True


def test_labels_below_a_size_that_no_shape_has():
    def loss(Z, y):
        return S(Z * y[:, None])

    found = gp.check(loss, lambda Z, y: 2 * y[:, None] * np.ones_like(Z), Z="m c",
                     y=gp.Array("m", kind="labels k"), wrt=["Z"], repair_seconds=0)
    assert found.verdict == "refuted"


def test_a_bias_of_one_filter_is_no_array_of_its_own():
    def forward(x, w, b):
        out = np.zeros((len(x), 1, 2))
        for i in range(2):
            out[:, 0, i] = (x[:, i:i + 2] * w).sum(axis=1) + b[0]
        return out, (x, w)

    def backward(dout, cache):
        x, w = cache
        dx, dw = np.zeros(x.shape), np.zeros(w.shape)
        for i in range(2):
            dx[:, i:i + 2] += dout[:, 0, i][:, None] * w
            dw += (dout[:, 0, i][:, None] * x[:, i:i + 2]).sum(axis=0)
        return dx, dw, dout.sum(axis=(0, 2))

    found = gp.check_layer(forward, backward, x="m 3", w="2", b="1")
    assert [made.verdict for made in found.checks] == ["proved"] * 3


@pytest.mark.parametrize(("text", "arrays"), [
    ("\n".join(["x0 = v*1", *(f"x{i + 1} = x{i} + h*(a*x{i} - b*x{i}**3)" for i in range(10)),
                "L = sum((x10 - y)**2)"]), {"v": "n", "y": "n", "a": "n", "b": "n", "h": ""}),
    ("\n".join(["x0 = v*1", *(f"x{i + 1} = tanh(x{i}*w + x{max(0, i - 1)})" for i in range(16)),
                "L = sum((x16 - y)**2)"]), {"v": "n", "y": "n", "w": "n"}),
    ("L = sum(" + "*".join(f"(v + {i})" for i in range(1, 40)) + ")", {"v": "n"}),
    ("u = swish(v)\nL = sum(sinh(1000 + u))", {"v": "n"}),
    ("L = sum((v + y + 1)**300 / (v**2 + 1))", {"v": "n", "y": "n"}),
], ids=["an array used in many places", "two steps back", "many factors", "large exponents",
        "a large power"])
def test_a_derivation_does_not_multiply_out_what_is_large(text, arrays):
    began = time.process_time()
    chain = gp.derive(gp.equations(text, **arrays), ["v"])
    assert "∂L/∂v" in str(chain)
    assert time.process_time() - began < 30
