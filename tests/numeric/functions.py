"""Functions of one number with known derivatives: (name, f, x, exact derivative).

Each is written so that it also takes a complex number.
"""

import numpy as np

E30 = float(np.exp(-30.0))

SMOOTH = [
    ("square", lambda x: x**2, 1.5, 3.0),
    ("exp", np.exp, 1.0, float(np.e)),
    ("exp 30x", lambda x: np.exp(30 * x), 1.0, 30 * float(np.exp(30.0))),
    ("sine, fast", lambda x: np.sin(1000 * x), 0.5, 1000 * float(np.cos(500.0))),
    ("log near its edge", np.log, 2.0**-10, 1024.0),
    ("root near its edge", np.sqrt, 1e-6, 500.0),
    ("reciprocal", lambda x: 1 / x, 2.0**-27, -(2.0**54)),
    ("loss 1e8", lambda x: 1e8 * x**2, 1.0, 2e8),
    ("gradient 1e-12", lambda x: 1e-12 * x**2, 1.0, 2e-12),
    ("bump", lambda x: np.exp(-1e6 * (x - 1) ** 2), 1 + 2.0**-12, None),
    ("ripple", lambda x: x**3 + 1e-3 * np.cos(1e4 * x), 1.0, 3 - 10 * float(np.sin(1e4))),
    ("cubic at 0", lambda x: x**3 + x, 0.0, 1.0),
    ("large argument", lambda x: np.sin(x / 1e6), 1e6, float(np.cos(1.0)) / 1e6),
    ("ReLU 3e-7 above", lambda x: np.maximum(x - 1, 0) + x, 1 + 3e-7, 2.0),
    ("ReLU 3e-7 below", lambda x: np.maximum(x - 1, 0) + x, 1 - 3e-7, 1.0),
    ("leaky, 1e-5 off", lambda x: np.where(x > 1, x, 0.01 * x), 1 - 1e-5, 0.01),
]
_BUMP = -2e6 * 2.0**-12 * float(np.exp(-1e6 * 2.0**-24))
SMOOTH = [(n, f, x, _BUMP if d is None else d) for n, f, x, d in SMOOTH]

# Right answers of which less is known: the bound must hold, and says how much.
HARD = [
    ("saturated", lambda x: 1 / (1 + np.exp(-x)), 30.0, E30 / (1 + E30) ** 2),
    ("cancelled", lambda x: -np.log(1 - 1 / (1 + np.exp(-x))), 30.0, 1 / (1 + E30)),
    ("offset 1e8", lambda x: 1e8 + x**2, 1.0, 2.0),
    ("1 + 1e-12 x²", lambda x: 1 + 1e-12 * x**2, 1.0, 2e-12),
    ("hidden float32", lambda x: np.float64(np.float32(x)) ** 2, 1.3, 2.6),
    (
        "float32 in the middle",
        lambda x: float(np.exp(np.float32(x)) * np.float32(3)) + 1e-3 * x,
        1.3,
        3 * float(np.exp(1.3)) + 1e-3,
    ),
    ("staircase", lambda x: np.floor(x * 1e5) / 1e5, 1.2345678, 1.0),
    ("absolute value", lambda x: np.abs(x) * x, 2.0, 4.0),
    ("dead ReLU 3e-7 off", lambda x: np.maximum(x - 1, 0), 1 - 3e-7, 0.0),
    ("constant", lambda x: 0 * x + 3, 1.0, 0.0),
    ("minimum", lambda x: x**2, 0.0, 0.0),
]
