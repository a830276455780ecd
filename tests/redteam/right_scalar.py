"""Right slopes, entry by entry: links, variance functions, activations, losses, over their domains.

The loss is Σ c f(x); the gradient c f′(x) is written out by hand, as libraries of statistics and of
neural networks write it.  Domains are those of given arrays.
"""

from __future__ import annotations

import math

import numpy as np
from redteam.case import row

rng = np.random.default_rng(11)
REAL = rng.normal(size=7)
UNIT = rng.uniform(0.04, 0.96, size=7)
ABOVE = rng.gamma(2.0, size=7) + 0.1
COUNTS = np.array([0.0, 3, 1, 7, 2, 1, 12])
SIGNS = np.array([1.0, -1, -1, 1, 1, -1, 1])
BINARY = np.array([0.0, 1, 1, 0, 1, 0, 0])
LARGE = 1e3 * rng.normal(size=7)
SMALL = 1e-3 * rng.normal(size=7)
YEARS = np.array([1950.0, 1962, 1975, 1999, 2004, 2011, 2024])
INNER = rng.uniform(-0.9, 0.9, size=7)
SINGLE = REAL.astype(np.float32)


def sig(z):
    return 1 / (1 + np.exp(-z))


def stable_sig(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z))
                    / (1 + np.exp(-np.abs(z))))


def gauss(x):
    return np.exp(-x**2 / 2) / np.sqrt(2 * np.pi)


LINKS = [
    ("logit", lambda p: np.log(p / (1 - p)), lambda p: 1 / (p * (1 - p)), UNIT),
    ("logit by two logs", lambda p: np.log(p) - np.log(1 - p), lambda p: 1 / p + 1 / (1 - p), UNIT),
    ("cloglog", lambda p: np.log(-np.log(1 - p)), lambda p: 1 / ((p - 1) * np.log(1 - p)), UNIT),
    ("loglog", lambda p: -np.log(-np.log(p)), lambda p: -1 / (p * np.log(p)), UNIT),
    ("log complement", lambda p: np.log(1 - p), lambda p: -1 / (1 - p), UNIT),
    ("log", lambda m: np.log(m), lambda m: 1 / m, ABOVE),
    ("inverse", lambda m: 1 / m, lambda m: -1 / m**2, ABOVE),
    ("inverse squared", lambda m: 1 / m**2, lambda m: -2 / m**3, ABOVE),
    ("root", lambda m: np.sqrt(m), lambda m: 0.5 / np.sqrt(m), ABOVE),
    ("power 0.3", lambda m: m**0.3, lambda m: 0.3 * m ** (-0.7), ABOVE),
    ("power -1.5", lambda m: m**-1.5, lambda m: -1.5 * m**-2.5, ABOVE),
    ("negative binomial", lambda m: np.log(m / (m + 1 / 0.7)),
     lambda m: 1 / (m + 0.7 * m**2), ABOVE),
    ("odds", lambda p: p / (1 - p), lambda p: 1 / (1 - p) ** 2, UNIT),
    ("cauchit", lambda p: np.tan(np.pi * (p - 0.5)),
     lambda p: np.pi / np.sin(np.pi * p) ** 2, UNIT),
    ("inverse logit", sig, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2, REAL),
    ("inverse logit by products", sig, lambda z: sig(z) * (1 - sig(z)), REAL),
    ("inverse cloglog", lambda z: 1 - np.exp(-np.exp(z)), lambda z: np.exp(z - np.exp(z)), REAL),
    ("inverse of power", lambda z: z ** (1 / 0.3), lambda z: z ** (1 / 0.3 - 1) / 0.3, ABOVE),
    ("inverse of cauchit", lambda z: np.arctan(z) / np.pi + 0.5,
     lambda z: 1 / (np.pi * (1 + z**2)), REAL),
    ("inverse loglog", lambda z: np.exp(-np.exp(-z)), lambda z: np.exp(-z - np.exp(-z)), REAL),
]
VARIANCES = [
    ("binomial", lambda p: p * (1 - p), lambda p: 1 - 2 * p, UNIT),
    ("binomial of 10", lambda m: m * (1 - m / 10), lambda m: 1 - m / 5, ABOVE),
    ("power 1.5", lambda m: m**1.5, lambda m: 1.5 * np.sqrt(m), ABOVE),
    ("power of abs", lambda m: np.abs(m) ** 3, lambda m: 3 * np.abs(m) ** 2 * np.sign(m), ABOVE),
    ("power of abs, any", lambda m: np.abs(m) ** 3, lambda m: 3 * m * np.abs(m), REAL),
    ("negative binomial variance", lambda m: m + 0.7 * m**2, lambda m: 1 + 1.4 * m, ABOVE),
    ("squared", lambda m: (m * (1 - m)) ** 2, lambda m: 2 * m * (1 - m) * (1 - 2 * m), UNIT),
    ("poisson deviance", lambda m: 2 * (m - 3 * np.log(m)), lambda m: 2 * (1 - 3 / m), ABOVE),
    ("gamma deviance", lambda m: 2 * (1.7 / m + np.log(m / 1.7) - 1),
     lambda m: 2 * (m - 1.7) / m**2, ABOVE),
    ("inverse gaussian", lambda m: (1.7 - m) ** 2 / (1.7 * m**2),
     lambda m: 2 * (m - 1.7) / m**3, ABOVE),
    ("tweedie", lambda m: m**0.5 / 0.5 + 2 * m**-0.5, lambda m: m**-0.5 - m**-1.5, ABOVE),
    ("bernoulli deviance", lambda p: -2 * (0.3 * np.log(p) + 0.7 * np.log(1 - p)),
     lambda p: -2 * (0.3 - p) / (p * (1 - p)), UNIT),
    ("entropy", lambda p: -p * np.log(p) - (1 - p) * np.log(1 - p),
     lambda p: np.log(1 - p) - np.log(p), UNIT),
    ("Gini", lambda p: 2 * p * (1 - p), lambda p: 2 - 4 * p, UNIT),
    ("information", lambda p: p * np.log(p), lambda p: np.log(p) + 1, UNIT),
    ("KL to a half", lambda p: p * np.log(2 * p) + (1 - p) * np.log(2 * (1 - p)),
     lambda p: np.log(p / (1 - p)), UNIT),
    ("Box-Cox", lambda y: (y**0.4 - 1) / 0.4, lambda y: y ** (0.4 - 1), ABOVE),
    ("arcsine root", lambda p: np.arcsin(np.sqrt(p)), lambda p: 0.5 / np.sqrt(p * (1 - p)), UNIT),
    ("Fisher's z", lambda r: 0.5 * np.log((1 + r) / (1 - r)), lambda r: 1 / (1 - r**2), INNER),
    ("arctanh", np.arctanh, lambda r: 1 / (1 - r**2), INNER),
    ("arcsine", np.arcsin, lambda r: 1 / np.sqrt(1 - r**2), INNER),
    ("arc cosine", np.arccos, lambda r: -1 / np.sqrt(1 - r**2), INNER),
]
ACTIVATIONS = [
    ("sigmoid", sig, lambda z: sig(z) * (1 - sig(z)), "n"),
    ("a stable sigmoid", stable_sig, lambda z: stable_sig(z) * (1 - stable_sig(z)), "n"),
    ("a stable sigmoid, large", stable_sig, lambda z: stable_sig(z) * (1 - stable_sig(z)), LARGE),
    ("sigmoid by tanh", lambda z: 0.5 * (np.tanh(0.5 * z) + 1),
     lambda z: 0.25 * (1 - np.tanh(0.5 * z) ** 2), "n"),
    ("sigmoid by two exponentials", lambda z: np.exp(z) / (np.exp(z) + 1),
     lambda z: np.exp(z) / (1 + np.exp(z)) ** 2, "n"),
    ("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2, "n"),
    ("tanh by cosh", np.tanh, lambda z: 1 / np.cosh(z) ** 2, "n"),
    ("tanh by exponentials", lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
     lambda z: 1 - np.tanh(z) ** 2, "n"),
    ("LeCun's tanh", lambda z: 1.7159 * np.tanh(2 * z / 3),
     lambda z: 1.7159 * 2 / 3 * (1 - np.tanh(2 * z / 3) ** 2), "n"),
    ("relu", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, "n"),
    ("relu by product", lambda z: z * (z > 0), lambda z: (z > 0).astype(float), "n"),
    ("relu by where", lambda z: np.where(z > 0, z, 0), lambda z: np.where(z > 0, 1, 0), "n"),
    ("relu by abs", lambda z: (np.abs(z) + z) / 2, lambda z: np.heaviside(z, 0.5), "n"),
    ("relu, halved at the kink", lambda z: np.maximum(0, z), lambda z: (np.sign(z) + 1) / 2, "n"),
    ("leaky relu", lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01), "n"),
    ("leaky relu by maximum", lambda z: np.maximum(0.2 * z, z),
     lambda z: 0.2 + 0.8 * (z > 0), "n"),
    ("relu6", lambda z: np.minimum(np.maximum(z, 0), 6), lambda z: ((z > 0) & (z < 6)) * 1.0, "n"),
    ("elu", lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1),
     lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0))), "n"),
    ("elu by expm1", lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
     lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0))), "n"),
    ("selu", lambda z: 1.0507 * np.where(z > 0, z, 1.6733 * (np.exp(np.minimum(z, 0)) - 1)),
     lambda z: 1.0507 * np.where(z > 0, 1, 1.6733 * np.exp(np.minimum(z, 0))), "n"),
    ("softplus", lambda z: np.log(1 + np.exp(z)), sig, "n"),
    ("softplus by log1p", lambda z: np.log1p(np.exp(z)), lambda z: 1 / (1 + np.exp(-z)), "n"),
    ("softplus by logaddexp", lambda z: np.logaddexp(0, z), sig, "n"),
    ("softplus, stable", lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), sig, "n"),
    ("softplus, stable, large", lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))),
     stable_sig, LARGE),
    ("softsign", lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2, "n"),
    ("swish", lambda z: z * sig(z), lambda z: sig(z) * (1 + z * (1 - sig(z))), "n"),
    ("swish by its value", lambda z: z * sig(z),
     lambda z: z * sig(z) + sig(z) * (1 - z * sig(z)), "n"),
    ("mish", lambda z: z * np.tanh(np.log1p(np.exp(z))),
     lambda z: np.tanh(np.log1p(np.exp(z))) + z * sig(z)
     * (1 - np.tanh(np.log1p(np.exp(z))) ** 2), "n"),
    ("gelu, tanh", lambda z: 0.5 * z * (1 + np.tanh(0.7978845608 * (z + 0.044715 * z**3))),
     lambda z: 0.5 * (1 + np.tanh(0.7978845608 * (z + 0.044715 * z**3))) + 0.5 * z
     * (1 - np.tanh(0.7978845608 * (z + 0.044715 * z**3)) ** 2) * 0.7978845608
     * (1 + 3 * 0.044715 * z**2), "n"),
    ("gelu, sigmoid", lambda z: z * sig(1.702 * z),
     lambda z: sig(1.702 * z) * (1 + 1.702 * z * (1 - sig(1.702 * z))), "n"),
    ("hard sigmoid", lambda z: np.clip(0.2 * z + 0.5, 0, 1),
     lambda z: 0.2 * ((z > -2.5) & (z < 2.5)), "n"),
    ("hard tanh", lambda z: np.clip(z, -1, 1), lambda z: (np.abs(z) < 1) * 1.0, "n"),
    ("hard swish", lambda z: z * np.clip(z + 3, 0, 6) / 6,
     lambda z: np.where(z <= -3, 0, np.where(z >= 3, 1, (2 * z + 3) / 6)), "n"),
    ("bent identity", lambda z: (np.sqrt(z**2 + 1) - 1) / 2 + z,
     lambda z: z / (2 * np.sqrt(z**2 + 1)) + 1, "n"),
    ("gaussian", lambda z: np.exp(-(z**2)), lambda z: -2 * z * np.exp(-(z**2)), "n"),
    ("sinc-free sine", np.sin, np.cos, "n"),
    ("arctan", np.arctan, lambda z: 1 / (1 + z**2), "n"),
    ("tanh shrink", lambda z: z - np.tanh(z), lambda z: np.tanh(z) ** 2, "n"),
    ("soft shrink", lambda z: np.sign(z) * np.maximum(np.abs(z) - 0.5, 0),
     lambda z: (np.abs(z) > 0.5) * 1.0, "n"),
    ("squared relu", lambda z: np.maximum(z, 0) ** 2, lambda z: 2 * np.maximum(z, 0), "n"),
    ("log of cosh", lambda z: np.log(np.cosh(z)), np.tanh, "n"),
    ("log sigmoid", lambda z: -np.log(1 + np.exp(-z)), lambda z: 1 - sig(z), "n"),
    ("log sigmoid, other form", lambda z: np.log(sig(z)), lambda z: sig(-z), "n"),
    ("isru", lambda z: z / np.sqrt(1 + 0.5 * z**2),
     lambda z: (1 + 0.5 * z**2) ** -1.5, "n"),
    ("erf-free normal density", gauss, lambda x: -x * gauss(x), "n"),
    ("cube root of cubes", lambda z: (z**2 + 1) ** (1 / 3),
     lambda z: 2 * z / 3 * (z**2 + 1) ** (-2 / 3), "n"),
    ("sigmoid, float32", sig, lambda z: sig(z) * (1 - sig(z)), SINGLE),
    ("tanh, float32", np.tanh, lambda z: 1 - np.tanh(z) ** 2, SINGLE),
    ("relu, float32", lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype), SINGLE),
    ("relu of counts", lambda z: np.maximum(z - 1.5, 0), lambda z: (z > 1.5) * 1.0, COUNTS),
    ("sigmoid, tiny", sig, lambda z: sig(z) * (1 - sig(z)), SMALL),
    ("tanh, large", np.tanh, lambda z: 1 - np.tanh(z) ** 2, LARGE),
    ("arctan of years", lambda z: np.arctan((z - 1980) / 20),
     lambda z: 1 / (20 * (1 + ((z - 1980) / 20) ** 2)), YEARS),
]
T = rng.normal(size=7)
LOSSES = [  # f(x, y), its slope by x, x, y
    ("squared", lambda x, y: (x - y) ** 2 / 2, lambda x, y: x - y, "n", "n"),
    ("absolute", lambda x, y: np.abs(x - y), lambda x, y: np.sign(x - y), "n", "n"),
    ("huber", lambda x, y: np.where(np.abs(x - y) <= 1, (x - y) ** 2 / 2, np.abs(x - y) - 0.5),
     lambda x, y: np.clip(x - y, -1, 1), "n", "n"),
    ("huber by where", lambda x, y: np.where(np.abs(x - y) < 1.5, (x - y) ** 2 / 2,
                                             1.5 * (np.abs(x - y) - 0.75)),
     lambda x, y: np.where(np.abs(x - y) < 1.5, x - y, 1.5 * np.sign(x - y)), "n", "n"),
    ("pseudo-huber", lambda x, y: np.sqrt(1 + (x - y) ** 2) - 1,
     lambda x, y: (x - y) / np.sqrt(1 + (x - y) ** 2), "n", "n"),
    ("log cosh", lambda x, y: np.log(np.cosh(x - y)), lambda x, y: np.tanh(x - y), "n", "n"),
    ("pinball", lambda x, y: np.maximum(0.8 * (y - x), -0.2 * (y - x)),
     lambda x, y: np.where(y > x, -0.8, 0.2), "n", "n"),
    ("expectile", lambda x, y: np.where(y > x, 0.8, 0.2) * (y - x) ** 2,
     lambda x, y: -2 * np.where(y > x, 0.8, 0.2) * (y - x), "n", "n"),
    ("epsilon-insensitive", lambda x, y: np.maximum(0, np.abs(x - y) - 0.1),
     lambda x, y: np.sign(x - y) * (np.abs(x - y) > 0.1), "n", "n"),
    ("cauchy", lambda x, y: np.log(1 + (x - y) ** 2),
     lambda x, y: 2 * (x - y) / (1 + (x - y) ** 2), "n", "n"),
    ("Geman-McClure", lambda x, y: (x - y) ** 2 / (1 + (x - y) ** 2),
     lambda x, y: 2 * (x - y) / (1 + (x - y) ** 2) ** 2, "n", "n"),
    ("Welsch", lambda x, y: 1 - np.exp(-((x - y) ** 2) / 2),
     lambda x, y: (x - y) * np.exp(-((x - y) ** 2) / 2), "n", "n"),
    ("Tukey", lambda x, y: np.where(np.abs(x - y) < 2, 1 - (1 - (x - y) ** 2 / 4) ** 3, 1),
     lambda x, y: 1.5 * (x - y) * (1 - (x - y) ** 2 / 4) ** 2 * (np.abs(x - y) < 2), "n", "n"),
    ("hinge", lambda x, y: np.maximum(0, 1 - y * x), lambda x, y: -y * (y * x < 1), REAL, SIGNS),
    ("squared hinge", lambda x, y: np.maximum(0, 1 - y * x) ** 2,
     lambda x, y: -2 * y * np.maximum(0, 1 - y * x), REAL, SIGNS),
    ("smooth hinge", lambda x, y: np.where(y * x >= 1, 0, np.where(
        y * x <= 0, 0.5 - y * x, (1 - y * x) ** 2 / 2)),
     lambda x, y: y * np.where(y * x >= 1, 0, np.where(y * x <= 0, -1, y * x - 1)), REAL, SIGNS),
    ("modified huber", lambda x, y: np.where(y * x >= -1, np.maximum(0, 1 - y * x) ** 2,
                                             -4 * y * x),
     lambda x, y: np.where(y * x >= -1, -2 * y * np.maximum(0, 1 - y * x), -4 * y), REAL, SIGNS),
    ("logistic, signs", lambda x, y: np.log(1 + np.exp(-y * x)), lambda x, y: -y * sig(-y * x),
     REAL, SIGNS),
    ("logistic, signs, free", lambda x, y: np.log1p(np.exp(-y * x)),
     lambda x, y: -y / (1 + np.exp(y * x)), "n", "n"),
    ("logistic, y² = 1", lambda x, y: (1 - y * x) ** 2, lambda x, y: 2 * (x - y), REAL, SIGNS),
    ("exponential", lambda x, y: np.exp(-y * x), lambda x, y: -y * np.exp(-y * x), REAL, SIGNS),
    ("logits, zero and one", lambda x, y: np.log(1 + np.exp(x)) - y * x,
     lambda x, y: sig(x) - y, REAL, BINARY),
    ("logits, stable", lambda x, y: np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))),
     lambda x, y: sig(x) - y, REAL, BINARY),
    ("logits, stable, large", lambda x, y: np.maximum(x, 0) - x * y
     + np.log1p(np.exp(-np.abs(x))), lambda x, y: stable_sig(x) - y, LARGE, BINARY),
    ("logits by two logs", lambda x, y: -y * np.log(sig(x)) - (1 - y) * np.log(1 - sig(x)),
     lambda x, y: sig(x) - y, "n", "n"),
    ("logits by two logs, given", lambda x, y: -y * np.log(sig(x)) - (1 - y) * np.log(1 - sig(x)),
     lambda x, y: sig(x) - y, 4 * REAL, BINARY),
    ("cross-entropy of p", lambda p, y: -y * np.log(p) - (1 - y) * np.log(1 - p),
     lambda p, y: (p - y) / (p * (1 - p)), UNIT, BINARY),
    ("cross-entropy of p, in two", lambda p, y: -y * np.log(p) - (1 - y) * np.log(1 - p),
     lambda p, y: -y / p + (1 - y) / (1 - p), UNIT, BINARY),
    ("focal", lambda p, y: -((1 - p) ** 2) * y * np.log(p),
     lambda p, y: y * (2 * (1 - p) * np.log(p) - (1 - p) ** 2 / p), UNIT, BINARY),
    ("focal of logits", lambda x, y: -y * (1 - sig(x)) ** 2 * np.log(sig(x)),
     lambda x, y: y * (1 - sig(x)) ** 2 * (2 * sig(x) * np.log(sig(x)) + sig(x) - 1), REAL, BINARY),
    ("poisson", lambda x, y: np.exp(x) - y * x, lambda x, y: np.exp(x) - y, REAL, COUNTS),
    ("poisson of rates", lambda r, y: r - y * np.log(r), lambda r, y: 1 - y / r, ABOVE, COUNTS),
    ("squared log", lambda x, y: (np.log1p(x) - np.log1p(y)) ** 2,
     lambda x, y: 2 * (np.log1p(x) - np.log1p(y)) / (1 + x), ABOVE, COUNTS),
    ("relative", lambda x, y: ((x - y) / y) ** 2, lambda x, y: 2 * (x - y) / y**2, REAL, ABOVE),
    ("MAPE", lambda x, y: np.abs((x - y) / y), lambda x, y: np.sign(x - y) / y, REAL, ABOVE),
    ("SMAPE", lambda x, y: np.abs(x - y) / (x + y),
     lambda x, y: np.sign(x - y) * 2 * y / (x + y) ** 2, ABOVE, np.roll(ABOVE, 1) + 1),
    ("gaussian, mean", lambda x, y: 0.5 * np.log(2 * np.pi) + (y - x) ** 2 / 2,
     lambda x, y: x - y, "n", "n"),
    ("gaussian, deviation", lambda s, y: np.log(s) + y**2 / (2 * s**2),
     lambda s, y: 1 / s - y**2 / s**3, ABOVE, T),
    ("gaussian, log variance", lambda v, y: 0.5 * (v + y**2 * np.exp(-v)),
     lambda v, y: 0.5 * (1 - y**2 * np.exp(-v)), "n", "n"),
    ("laplace, scale", lambda b, y: np.log(2 * b) + np.abs(y) / b,
     lambda b, y: 1 / b - np.abs(y) / b**2, ABOVE, T),
    ("student", lambda x, y: 2.5 * np.log(1 + (y - x) ** 2 / 4),
     lambda x, y: -5 * (y - x) / (4 + (y - x) ** 2), "n", "n"),
    ("weibull", lambda k, t: t**k - np.log(k) - (k - 1) * np.log(t),
     lambda k, t: t**k * np.log(t) - 1 / k - np.log(t), ABOVE, np.roll(ABOVE, 2)),
    ("exponential rate", lambda r, t: r * t - np.log(r), lambda r, t: t - 1 / r, ABOVE,
     np.roll(ABOVE, 2)),
    ("discriminator", lambda d, g: -np.log(d) - np.log(1 - g), lambda d, g: -1 / d, UNIT,
     np.roll(UNIT, 1)),
    ("generator", lambda x, y: -np.log(sig(x)) + 0 * y, lambda x, y: sig(x) - 1, "n", "n"),
    ("generator, minimax", lambda x, y: np.log(1 - sig(x)) + 0 * y, lambda x, y: -sig(x), "n", "n"),
    ("least-squares GAN", lambda x, y: (x - 1) ** 2 / 2 + y**2 / 2, lambda x, y: x - 1, "n", "n"),
    ("hinge GAN", lambda x, y: np.maximum(0, 1 - x) + np.maximum(0, 1 + y),
     lambda x, y: -1.0 * (x < 1), "n", "n"),
    ("BPR", lambda x, y: -np.log(sig(x - y)), lambda x, y: sig(x - y) - 1, "n", "n"),
    ("RankNet", lambda x, y: np.log(1 + np.exp(y - x)), lambda x, y: -sig(y - x), "n", "n"),
    ("margin", lambda x, y: np.maximum(0, 0.3 - x + y), lambda x, y: -1.0 * (x - y < 0.3), "n",
     "n"),
    ("quantile huber", lambda x, y: np.where(y > x, 0.7, 0.3) * np.where(
        np.abs(y - x) < 1, (y - x) ** 2 / 2, np.abs(y - x) - 0.5),
     lambda x, y: -np.where(y > x, 0.7, 0.3) * np.clip(y - x, -1, 1), "n", "n"),
    ("Q-learning target", lambda q, y: (q - (1 + 0.9 * y)) ** 2, lambda q, y: 2 * (q - 1 - 0.9 * y),
     "n", "n"),
    ("float32 squared", lambda x, y: (x - y) ** 2, lambda x, y: 2 * (x - y), SINGLE,
     np.roll(SINGLE, 1)),
    ("squared of years", lambda x, y: (x - y) ** 2, lambda x, y: 2 * (x - y), YEARS,
     np.roll(YEARS, 1)),
    ("squared, large", lambda x, y: (x - y) ** 2, lambda x, y: 2 * (x - y), 1e3 * REAL, 1e3 * T),
    ("squared, tiny", lambda x, y: (x - y) ** 2, lambda x, y: 2 * (x - y), SMALL, SMALL[::-1]),
]
POSITIVE = [("log", np.log, lambda x: 1 / x), ("root", np.sqrt, lambda x: 1 / (2 * np.sqrt(x))),
            ("power", lambda x: x**2.5, lambda x: 2.5 * x**1.5),
            ("x log x", lambda x: x * np.log(x), lambda x: 1 + np.log(x)),
            ("log of log1p", lambda x: np.log(np.log1p(x)),
             lambda x: 1 / (np.log1p(x) * (1 + x))),
            ("Stirling", lambda x: (x - 0.5) * np.log(x) - x + 0.5 * math.log(2 * math.pi),
             lambda x: np.log(x) - 0.5 / x),
            ("hill", lambda x: x**2 / (1 + x**2), lambda x: 2 * x / (1 + x**2) ** 2),
            ("Michaelis-Menten", lambda x: 3 * x / (0.5 + x), lambda x: 1.5 / (0.5 + x) ** 2),
            ("Gompertz", lambda x: np.exp(-2 * np.exp(-x)),
             lambda x: 2 * np.exp(-x) * np.exp(-2 * np.exp(-x))),
            ("Lennard-Jones", lambda r: 4 * (r**-12 - r**-6),
             lambda r: 4 * (-12 * r**-13 + 6 * r**-7))]


def one(family, name, f, slope, x, digits=1e-6):
    c = "n" if isinstance(x, str) else np.random.default_rng(2).normal(size=7)
    return row(family, f"{family}: {name}", lambda x, c: np.sum(c * f(x)),
               lambda x, c: c * slope(x), "x", x=x, c=c, digits=digits)


def loose(x):
    """Single precision has seven digits, and what is far from 0 loses some to the differences."""
    return 3e-3 if not isinstance(x, str) and x.dtype == np.float32 else 1e-6


CASES = [one("links", *parts) for parts in LINKS]
CASES += [one("variances", *parts) for parts in VARIANCES]
CASES += [one("activations", *parts, digits=loose(parts[3])) for parts in ACTIVATIONS]
CASES += [one("positive", name, f, slope, "n|positive") for name, f, slope in POSITIVE]
CASES += [one("positive", f"{name}, given", f, slope, ABOVE) for name, f, slope in POSITIVE]
CASES += [row("losses", f"losses: {name}", lambda x, y, f=f: np.mean(f(x, y)),
              lambda x, y, slope=slope: slope(x, y) / len(x), "x", x=x, y=y, digits=loose(x))
          for name, f, slope, x, y in LOSSES]
