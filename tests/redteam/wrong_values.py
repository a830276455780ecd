"""Wrong at values that data have and drawn numbers never: zeros, ones, equal entries, extremes."""

from __future__ import annotations

import numpy as np
from redteam.case import row

R0 = np.array([[0.0, 2, 0], [1, 0, 3], [0, 0, 1], [2, 1, 0]])
RATINGS = {"U": "m k", "V": "n k", "R": "m n"}
rng = np.random.default_rng(5)

SEEN = [
    ("R != 0", lambda R: R != 0), ("np.not_equal", lambda R: np.not_equal(R, 0)),
    ("1 - (R == 0)", lambda R: 1 - (R == 0)), ("abs above 0", lambda R: np.abs(R) > 0),
    ("above or below", lambda R: (R > 0) | (R < 0)), ("astype(bool)", lambda R: R.astype(bool)),
    ("not isclose", lambda R: ~np.isclose(R, 0)), ("sign squared", lambda R: np.sign(R) ** 2),
    ("where R", lambda R: np.where(R != 0, 1.0, 0.0)), ("R*R above 0", lambda R: R * R > 0),
    ("sign of abs", lambda R: np.sign(np.abs(R))), ("np.equal turned", lambda R: ~np.equal(R, 0)),
    ("logical_not", lambda R: np.logical_not(R == 0)),
]
CASES = [row("values", f"values: rated by {name}", lambda U, V, R, seen=seen: np.sum(
    seen(R) * (R - U @ V.T) ** 2), lambda U, V, R: {"U": -2 * (R - U @ V.T) @ V}, "U",
    "unrated entries count", at={"R": R0}, special=True, **RATINGS) for name, seen in SEEN]

AT = {"x": [0.0, 1.0, 2.0, -1.0]}
POINTS = [
    ("0 where x is 0", lambda x: np.where(x == 0, 5.0, 3 * x**2)),
    ("1 where x is 1", lambda x: np.where(x == 1, 0.0, 3 * x**2)),
    ("not 2", lambda x: np.where(x != 2, 3 * x**2, 0.0)),
    ("below or above 1", lambda x: np.where((x < 1) | (x > 1), 3 * x**2, 7.0)),
    ("isclose to 2", lambda x: np.where(np.isclose(x, 2), 0.0, 3 * x**2)),
    ("x/x", lambda x: np.where(x == 0, 1.0, 3 * x**3 / np.where(x == 0, 1.0, x))),
    ("times x == 1", lambda x: 3 * x**2 + (x == 1)),
    ("an int inside", lambda x: 3 * x**2 + (np.floor(x) == x)),
    ("round", lambda x: 3 * x**2 + (np.round(x) == x)),
    ("at -1", lambda x: 3 * x**2 * (x != -1)),
]
CASES += [row("values", f"values: cubes, {name}", lambda x: np.sum(x**3), gradient, "x",
              "another slope at one value", at=AT, special=True, x="n")
          for name, gradient in POINTS]
CASES += [
    row("values", "values: labels one, cube left out",
        lambda p, y: np.sum(np.where(y == 1, p**2, p**3)), lambda p, y: 3 * p**2, "p",
        "2 p where y is 1", at={"p": [1.5, 2, 3], "y": [1.0, 0, 1]}, special=True, p="m", y="m"),
    row("values", "values: padding", lambda x, b: np.sum(np.where(x == 0, 0, x * b**2 + b)),
        lambda x, b: 2 * x * b + 1, "b", "0 at padding",
        at={"x": [0.0, 1, 0, 2], "b": [1.0, 2, 3, 4]}, special=True, x="n", b="n"),
    row("values", "values: a probability is above 0", lambda Z, P: np.sum((P > 0) * Z),
        lambda Z, P: np.ones_like(Z), "Z", "one-hot rows are probabilities, too",
        at={"Z": np.ones((2, 2)), "P": np.eye(2)}, special=True, words=("> 0", "positive"),
        Z="m k", P="m k|probability"),
    row("values", "values: a probability's mask as ones", lambda Z, P: np.sum(Z),
        lambda Z, P: (P > 0) * 1.0, "Z", "one-hot rows are probabilities, too",
        at={"Z": np.ones((2, 2)), "P": np.eye(2)}, special=True, words=("> 0", "positive"),
        Z="m k", P="m k|probability"),
    row("values", "values: a probability is below 1", lambda Z, P: np.sum((P < 1) * Z),
        lambda Z, P: np.ones_like(Z), "Z", "one-hot rows are probabilities, too",
        at={"Z": np.ones((2, 2)), "P": np.eye(2)}, special=True, words=("< 1",),
        Z="m k", P="m k|probability"),
    row("values", "values: sums to one along the other axis",
        lambda Z, P: np.sum(P * Z.sum(axis=0)), lambda Z, P: np.ones_like(Z), "Z",
        "columns of P do not sum to one", Z="m k", P="m k|probability"),
    row("values", "values: a mask taken as ones", lambda x, M: np.sum(M * x**2),
        lambda x, M: 2 * x, "x", "0 where the mask is", x="n", M="n|mask"),
    row("values", "values: a positive number is above one", lambda x, p: np.sum(x * (p > 1)),
        lambda x, p: np.ones_like(x), "x", "p may be below 1", x="n", p="n|positive"),
    row("values", "values: one-hot columns", lambda Z, Y: np.sum(Z * Y.sum(axis=0)),
        lambda Z, Y: np.ones_like(Z), "Z", "rows sum to one, columns do not", Z="m k",
        Y="m k|one_hot"),
    row("values", "values: integers are even", lambda x, c: np.sum(x * (-1.0) ** c),
        lambda x, c: np.ones_like(x), "x", "-1 for odd ones", x="n", c="n|integer"),
    row("values", "values: where the label is 1", lambda z, y: np.sum((z - y) ** 2) / 2,
        lambda z, y: np.where(y == 1, z - 1, z), "z", "right for labels 0 and 1 alone",
        z="m", y="m"),
    row("values", "values: targets above a half", lambda z, y: np.sum((z - y) ** 2) / 2,
        lambda z, y: z - (y > 0.5), "z", "right for labels 0 and 1 alone", z="m", y="m"),
    row("values", "values: y squared is one", lambda w, y: np.sum((1 - y * w) ** 2),
        lambda w, y: 2 * (w - y), "w", "right for y = 1 and -1 alone", w="n", y="n"),
    row("values", "values: a symmetric kernel", lambda x, K: x @ K @ x, lambda x, K: 2 * K @ x,
        "x", "right for symmetric K alone", x="n", K="n n"),
    row("values", "values: an orthogonal matrix is its inverse",
        lambda x, Q: np.sum((Q @ x) ** 2), lambda x, Q: 2 * Q @ Q @ x, "x", "QᵀQ is 1, not QQ",
        at={"x": [1.0, 2], "Q": [[0.6, 0.8], [-0.8, 0.6]]}, x="n", Q="n n|orthogonal"),
    row("values", "values: zeros as given bias", lambda X, W, b: np.sum(np.tanh(X @ W + b)),
        lambda X, W, b: X.T @ (1 - np.tanh(X @ W) ** 2), "W", "the bias is left out",
        at={"X": [[1.0, 2]], "W": [[0.5], [-1]], "b": [0.7]}, special=True, words=("b = 0", "zero"),
        X=rng.normal(size=(4, 3)), W=rng.normal(size=(3, 2)), b=np.zeros(2)),
    row("values", "values: ones as given weights", lambda x, c: np.sum(c * x**2),
        lambda x, c: 2 * x, "x", "the weights are left out",
        at={"x": [1.0, 2], "c": [3.0, 4]}, special=True, words=("c = 1", "one"),
        x=rng.normal(size=4), c=np.ones(4)),
    row("values", "values: a zero start hides the power", lambda x: np.sum(x**3),
        lambda x: 2 * x, "x", "both are 0 at 0 alone", at={"x": [1.0, 2]}, special=True,
        words=("x = 0", "zero"), x=np.zeros(3)),
    row("values", "values: an identity hides a factor", lambda x, A: np.sum((A @ x) ** 2),
        lambda x, A: 2 * A @ x, "x", "Aᵀ is left out", at={"x": [1.0, 2], "A": [[1.0, 2], [3, 4]]},
        special=True, words=("A ", "identity"), x=rng.normal(size=3), A=np.eye(3)),
    row("values", "values: one row hides a sum", lambda X, b: np.sum((X + b) ** 2),
        lambda X, b: 2 * (X + b)[0], "b", "rows are to be summed",
        at={"X": np.ones((2, 3)), "b": np.ones(3)}, special=True, words=("1", "row"),
        X=rng.normal(size=(1, 3)), b=rng.normal(size=3)),
    row("values", "values: saturated", lambda z: np.sum(np.tanh(z) ** 2),
        lambda z: 2 * np.tanh(z) * (1 - np.tanh(z)), "z", "1 - t² is due",
        z=np.array([0.3, -0.4, 25.0])),
    row("values", "values: equal entries", lambda x: np.sum(x.max() * x),
        lambda x: np.full(x.shape, x.max()), "x", "the maximum moves, too", x="n"),
    row("values", "values: a tie at given entries", lambda x: np.max(x) ** 2,
        lambda x: 2 * np.max(x) * (x > 1) / 1.0, "x", "the largest alone",
        at={"x": [1.5, 2.0, 0.5]}, special=True, words=("x",), x=np.array([0.5, 2.0, 0.25])),
]

# --- dtypes ---------------------------------------------------------------------------------------

WHOLE = np.array([-180, 3, 77, 140, -5, 199])
SMALL = np.array([0, 2, 1, 3], dtype=np.uint8)


def weighted(c, x):
    return np.sum(1.0 * c * x)


def into(buffer, values):
    buffer[:] = values
    return 1.0 * buffer


CASES += [row("dtypes", f"dtypes: {name}", weighted, gradient, "x", fault, c="n", x="n")
          for name, gradient, fault in [
    ("whole numbers", lambda c, x: 1.0 * c.astype(int), "the fractions are cut off"),
    ("a buffer of whole numbers", lambda c, x: into(np.zeros(len(c), int), c), "cut off"),
    ("a buffer like places", lambda c, x: into(np.zeros_like(np.arange(len(c))), c), "cut off"),
    ("a buffer of truths", lambda c, x: into(np.zeros_like(c > 0), c), "1 for all but 0"),
    ("a list of zeros", lambda c, x: into(np.array([0] * len(c)), c), "cut off"),
    ("a sum of whole numbers", lambda c, x: 1.0 * np.sum(c[None], axis=0, dtype=int), "cut off"),
    ("cut off after five digits", lambda c, x: np.trunc(c * 1e5) / 1e5, "cut off"),
    ("the parts before the point", lambda c, x: np.modf(c)[1], "without the fractions"),
    ("half precision in between", lambda c, x: c.astype(np.float16).astype(float), "1e-4"),
    ("bits", lambda c, x: (c.view(np.int64) & -(2**36)).view(np.float64), "the last 36 are lost"),
]]
CASES += [
    row("dtypes", "dtypes: eight bits of whole numbers", weighted,
        lambda c, x: 1.0 * c.astype(np.int8), "x", "beyond 127 it wraps", c=WHOLE, x=WHOLE / 100),
    row("dtypes", "dtypes: one less than no sign allows", weighted,
        lambda c, x: (c - np.uint8(1)) + 1.0, "x", "0 - 1 is 255", special=True,
        words=("taken as exact",), at={"c": SMALL}, c=SMALL, x=SMALL / 4),
    row("dtypes", "dtypes: twice a hundred in eight bits", weighted,
        lambda c, x: c * np.int8(100) / 100, "x", "it wraps", special=True,
        words=("taken as exact",), at={"c": np.array([1, 2, 3], np.int8)},
        c=np.array([1, 2, 3], np.int8), x=np.array([0.5, 1, 2])),
]
