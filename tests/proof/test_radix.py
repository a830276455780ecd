"""Guards on flattened places say the same digit by digit."""

from itertools import product

import numpy as np
import pytest
import sympy as sp

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Array, Equal, Equation, Index, Read, System, Term, slot
from gradproof.symbolic.mixed_radix import by_digits
from gradproof.symbolic.shapes import parse_shape
from gradproof.symbolic.tracing.run import trace

h, k = sp.symbols("h k", integer=True, positive=True)
a, b, c, d, e, f = sp.symbols("a b c d e f", integer=True)
SIZES = {a: h, b: k, c: h, d: k, e: sp.Integer(2), f: sp.Integer(3)}

GUARDS = [
    (k * a + b, k * c + d, 2), (b + k * a, d + k * (h - 1 - c), 2), (k * a, k * c, 1),
    (h * k * e + k * a + b, h * k * f + k * c + d, 3),
    (h * k * e + k * a + b, h * k + k * c + d, 3),
    (k * a + b, k * c + 2 * d, 1),  # 2 d may reach beyond k
    (k * a + b, h * c + d, 1), (a + b, c + d, 1), (a, c, 1),
    (k * a + b, k * c + d + 1, 1),  # a carry
    (2 * a + e, 2 * c, 2), (6 * a + 3 * e + f, 6 * c, 3), (2 * a + f, 2 * c, 1),
    (2 * a + e, 2 * c + 1, 2), (6 * k * a + 3 * b + f, 6 * k * c + 3 * d, 3),
]


@pytest.mark.parametrize(("left", "right", "count"), GUARDS)
def test_a_split_guard_holds_where_the_guard_does(left, right, count):
    indices = tuple(Index(str(s), size) for s, size in SIZES.items())
    names = {str(s): index.symbol for s, index in zip(SIZES, indices, strict=True)}
    sizes = dict(zip(("h", "k"), (sp.Symbol(n, integer=True, positive=True) for n in "hk"),
                     strict=True))
    by = {s: names[str(s)] for s in SIZES} | {h: sizes["h"], k: sizes["k"]}
    shape = tuple(size.xreplace({h: sizes["h"], k: sizes["k"]}) for size in SIZES.values())
    indices = tuple(Index(i.name, s) for i, s in zip(indices, shape, strict=True))
    term = Term(slot(0), (Read("x", (sp.S.Zero,)),), (),
                (Equal(left.xreplace(by), right.xreplace(by)),))
    system = System((Array("x", (sp.S.One,)), Array("y", shape)),
                    (Equation("z", indices, (term,)),))
    split = by_digits(system)
    assert len(split["z"].terms[0].guards) == count
    for rows, columns in product((1, 2, 3), (1, 2, 4)):
        y = np.zeros((rows, columns, rows, columns, 2, 3))
        values = {"x": np.ones(1), "y": y}
        np.testing.assert_array_equal(evaluate(split, values)["z"], evaluate(system, values)["z"])


@pytest.mark.parametrize(("shape", "function"), [
    ("m 4 h k", lambda x: x.reshape(x.shape[0], 2, 2, x.shape[2], x.shape[3])),
    ("m h k", lambda x: x.reshape(x.shape[0] * x.shape[1], x.shape[2]).reshape(x.shape)),
    ("m h k", lambda x: x.reshape(x.shape[0], -1)),
    ("m 4 6", lambda x: x.reshape(-1, 2, 2, 3, 2)),
])
def test_traced_reshapes_are_numpys(shape, function):
    made = trace(function, {"x": shape})
    sizes = {"m": 2, "h": 3, "k": 4}
    x = np.random.default_rng(0).normal(size=[sizes.get(str(s)) or int(s)
                                              for s in parse_shape(shape)])
    np.testing.assert_array_equal(evaluate(made.system, {"x": x})[made.result], function(x))
