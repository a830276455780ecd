"""What texts for Numba call: functions of one number that LLVM computes for several at once, where
it calls those of the C library for one after another.

They have no branches, tables or calls: a number is reduced to a short range, where a polynomial has
the function to a tenth of a rounding, and powers of 2 are made of their bits.  The polynomials are
interpolations at Chebyshev's points.  Largest errors found, in units in the last place: exp 1.1,
expm1 2, log 0.8, log1p 1.5, tanh 2.5, sigmoid 2, softplus 2, erf 2, erfc 6.  What is not a number,
infinite, subnormal, too large or too small comes out as of the C library.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence

JIT = '@njit(error_model="numpy")'
INLINE = '@njit(error_model="numpy", forceinline=True, fastmath={"contract"})'
"""Of the functions; a product and a sum of theirs may be one operation with one rounding."""
ANY_ORDER = '@njit(error_model="numpy", forceinline=True, fastmath={"reassoc"})'
"""Of a sum whose steps may be taken several at once."""

SHIFT = 6755399441055744.0
"""1.5*2**52: where it is added to a number, that is rounded to a whole one, which the last bits
hold."""

DOUBLE = {
    "exp": (
        0.5000000000000001, 0.16666666666666669, 0.041666666666623824, 0.008333333333330039,
        0.0013888888917367081, 0.00019841269863171557, 2.4801521057868204e-05,
        2.7557268276905696e-06, 2.7620201591031547e-07, 2.5100472505694996e-08),
    "erf": (
        1.1283791670955126, -0.37612638903183476, 0.11283791670925353, -0.026866170632887928,
        0.00522397737302147, -0.0008548297753674966, 0.00012053335124353741,
        -1.4845849259707869e-05, 1.4725865480556744e-06),
    "erfc": (
        1.2329951186255526, -0.13962111684056255, 0.015379652102606133, 0.06809705425470212,
        -0.10103906603558063, 0.09373283499798463, -0.06633036582729279, 0.03716751554242076,
        -0.016197733895959854, 0.005031969952329153, -0.0007577743061693371,
        -0.00019925669640425623, 0.00015062567141369432, -2.4398609353512906e-05,
        -1.1232086023404734e-05, 5.706827475068264e-06, 3.0994402010831546e-07,
        -8.187662562915786e-07, 5.883230632914435e-08, 1.0181247475149971e-07,
        -9.456271524915692e-09, -8.906208663934622e-09),
    "log": (
        0.666666666666667, 0.3999999999989889, 0.28571428626253836, 0.22222211089379496,
        0.1818289243253687, 0.15331611722055008, 0.14617807153417325),
}
"""Polynomials, from the lowest coefficient.

exp: (exp(r) - 1 - r)/r² for |r| <= log(2)/2, to 2e-17 of exp(r).
erf: erf(z)/z as a function of z² for |z| <= 1/2, to 2e-17.
erfc: (1 + 2x) exp(x²) erfc(x) as a function of (x - 4)/(x + 4) for 0 <= x <= 28, to 7e-17: the form
of M. M. Shepherd and J. G. Laframboise, Chebyshev approximation of (1 + 2x) exp(x²) erfc x in
0 <= x < ∞, Mathematics of Computation 36, 1981.
log: (log((1 + s)/(1 - s)) - 2s)/s³ as a function of s², for quotients from 1/√2 to √2, to 5e-18 of
the logarithm.
"""

SINGLE = {
    "exp": (0.500000001353873, 0.16666666681704215, 0.04166646419740569, 0.008333310844647862,
            0.0013933730715792083, 0.00019891080463998843),
    "erf": (1.1283791656017914, -0.37612609007469805, 0.11282831428465862, -0.026757732735015517,
            0.004719082567218814),
    "erfc": (1.2329951182947814, -0.13962111471056546, 0.015379686522711258, 0.0680969334199073,
             -0.10103965465809889, 0.0937345252213466, -0.06632647735230077, 0.037157866461937014,
             -0.016210684182979693, 0.0050587365561790805, -0.0007336660474310245,
             -0.00023671902844100095, 0.00012590638737705191),
    "log": (0.6666666655404201, 0.4000012221181065, 0.28550778633191964, 0.23331614471843498),
}
"""The same to 2e-9, which is a sixtieth of a rounding in single precision: what is computed of
such numbers is computed in double precision, as there nothing overflows that does not in the end,
by shorter polynomials."""


def _horner(name: str, x: str, coefficients: Sequence[float]) -> str:
    """A line, or several ones, that give a polynomial a name."""
    *rest, last = coefficients
    text = "("*len(rest) + repr(last) + "".join(
        f"*{x} {'+' if one > 0 else '-'} {abs(one)!r})" for one in reversed(rest))
    held = textwrap.wrap(text[1:-1], 84, break_long_words=False)
    return "\n         ".join([f"    {name} = ({held[0]}", *held[1:]]) + ")\n"


_REDUCED = f"""\
    shifted = x*1.4426950408889634 + {SHIFT}
    k = shifted - {SHIFT}
    r = (x - k*0.693145751953125) - k*1.4286068203094172e-06
"""

_TEXTS = {
    "added": "def added(sum, value):  # in any order\n    return sum + value\n",
    "two_to": (
        "def two_to(k):  # a whole number from -1022 to 1023, by the bits of an exponent\n"
        f"    bits = np.float64(k + {SHIFT}).view(np.int64)\n"
        "    return np.int64((bits + 1023) << 52).view(np.float64)\n"),
    "exp": (
        "def exp(x):  # 2**k exp(r), the power in two parts, as it may be none that is a float\n"
        "    x = np.float64(-746 if x < -746 else 710 if x > 710 else x)\n"
        f"{_REDUCED}    q = <exp>(r)\n"
        f"    half = (k*0.5 + {SHIFT}) - {SHIFT}\n"
        "    return (1 + (r + r*r*q))*two_to(half)*two_to(k - half)\n"),
    "expm1": (
        "def expm1(z):  # exp(z) - 1\n"
        "    x = np.float64(-40 if z < -40 else 710 if z > 710 else z)\n"
        f"{_REDUCED}    q = <exp>(r)\n"
        f"    half = (k*0.5 + {SHIFT}) - {SHIFT}\n"
        "    low, high = two_to(half), two_to(k - half)\n"
        "    return z if z == 0 else ((r + r*r*q)*low + (low - two_to(half - k)))*high\n"),
    "log": (
        "def log(x):  # k log 2 + log m, where x = 2**k m, and s = (m - 1)/(m + 1)\n"
        "    scaled = np.float64(x*18014398509481984.0 if x < 2.2250738585072014e-308 else x)\n"
        "    bits = scaled.view(np.int64)\n"
        "    k = np.int64(((bits >> 52) & 2047) | 0x4330000000000000).view(np.float64)\n"
        "    m = np.int64((bits & 0xfffffffffffff) | 0x3ff0000000000000).view(np.float64)\n"
        "    f = (0.5*m if m > 1.4142135623730951 else m) - 1\n"
        "    k += (1.0 if m > 1.4142135623730951 else 0.0) - (\n"
        "        4503599627371573.0 if x < 2.2250738585072014e-308 else 4503599627371519.0)\n"
        "    s = f/(2 + f)\n    u = s*s\n"
        "    q = <log>(u)\n"
        "    square = 0.5*f*f\n"
        "    found = k*0.693145751953125 + (\n"
        "        f - (square - (s*(square + u*q) + k*1.4286068203094172e-06)))\n"
        "    return found if 0 < x < np.inf else (\n"
        "        -np.inf if x == 0 else np.nan if x < 0 else x)\n"),
    "log1p": (
        "def log1p(z):  # log(1 + z)\n"
        "    u = 1 + np.float64(z)\n"
        "    lost = (1 - (u - (u - 1))) + (z - (u - 1))  # by rounding\n"
        "    found = log(u)\n"
        "    return z if z == 0 else found if abs(found) == np.inf else found + lost/u\n"),
    "tanh": (
        "def tanh(z):\n"
        "    t = expm1(2*(-22 if z < -22 else 22 if z > 22 else z))\n"
        "    return z if z == 0 else t/(t + 2)\n"),
    "erfc_above": (
        "def erfc_above(x):  # erfc(x) from 0 to 28: a polynomial times exp(-x**2)/(1 + 2x)\n"
        "    t = (x - 4)/(x + 4)\n"
        "    q = <erfc>(t)\n"
        "    cut = np.int64(np.float64(x).view(np.int64) & -134217728).view(np.float64)\n"
        "    rest = (cut - x)*(cut + x)  # cut**2 has no rounding\n"
        "    near = cut < 24  # beyond, an exponential may be too small where the product is not\n"
        "    e = exp((0 if near else 100) - cut*cut)*(1 + rest*(1 + rest*(0.5 + rest/6)))\n"
        "    return e*q/(1 + 2*x)*(1 if near else 3.720075976020836e-44)\n"),
    "erfc": (
        "def erfc(z):\n"
        "    far = erfc_above(np.float64(28 if abs(z) > 28 else abs(z)))\n"
        "    return 2 - far if z < 0 else far\n"),
    "erf": (
        "def erf(z):\n"
        "    x = np.float64(28 if abs(z) > 28 else abs(z))\n"
        "    u, far = x*x, 1 - erfc_above(x)\n"
        "    q = <erf>(u)\n"
        "    return z*q if x <= 0.5 else -far if z < 0 else far\n"),
    "sigmoid": (
        "def sigmoid(z):\n    e = exp(-abs(z))\n"
        "    return (1 if z >= 0 else e)/(1 + e)\n"),
    "softplus": (
        "def softplus(z):\n    return max(z, 0) + log1p(exp(-abs(z)))\n"),
    "softplus_ratio": (
        "def softplus_ratio(z):\n    e = exp(-max(z, -37))\n"
        "    return 1 if z < -37 else (max(z, 0) + log1p(exp(-abs(z))))*(1 + e)\n"),
    "relu": "def relu(z):\n    return z if z > 0 or z != z else 0.0\n",
    "step": "def step(z):\n    return 1.0 if z > 0 else 0.0\n",
    "sign_of": "def sign_of(z):\n    return 1.0 if z > 0 else -1.0 if z < 0 else z\n",
    "choose": "def choose(gap, yes, no):\n    return yes if gap > 0 else no\n",
    "maximum": "def maximum(a, b):\n    return a if a != a or a > b else b\n",
    "minimum": "def minimum(a, b):\n    return a if a != a or a < b else b\n",
}
"""Functions, each of which calls earlier ones alone; polynomials by their names."""

_SHORTER = {
    "erfc_above": (
        "def erfc_above(x):  # erfc(x) from 0 to 28: a polynomial times exp(-x**2)/(1 + 2x)\n"
        "    t = (x - 4)/(x + 4)\n"
        "    q = <erfc>(t)\n"
        "    return exp(-x*x)*q/(1 + 2*x)\n"),
}
"""What is enough for single precision."""


def _filled(text: str, polynomials: Mapping[str, Sequence[float]]) -> str:
    return re.sub(r" {4}(\w+) = <(\w+)>\((\w+)\)\n", lambda found: _horner(
        found[1], found[3], polynomials[found[2]]), text)


FUNCTIONS = {name: _filled(text, DOUBLE) for name, text in _TEXTS.items()}
"""Functions that a text brings along."""

FOR_SINGLE = {name: _filled(text, SINGLE) for name, text in {**_TEXTS, **_SHORTER}.items()}
"""The same where arrays are of single precision."""


def brought(names: Collection[str], single: bool = False) -> list[str]:
    """The texts of functions, and of those that they call, in an order in which each is there
    before it is called.  single: for arrays of single precision."""
    needed, texts = set(names), FOR_SINGLE if single else FUNCTIONS
    for name in reversed(texts):
        if name in needed:
            needed |= texts.keys() & set(
                re.findall(r"\b(\w+)\(", re.sub("#.*", "", texts[name])))
    return [f"{ANY_ORDER if name == 'added' else INLINE}\n{text}".rstrip()
            for name, text in texts.items() if name in needed]
