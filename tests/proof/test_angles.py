"""Sines, cosines and tangents, and roots of polynomials whose factors are positive."""

import numpy as np
import pytest

import gradproof as gp

REAL = gp.Array("m n")
BEYOND_1 = gp.Array("m n", kind="interval", low=1)
ACUTE = gp.Array("m n", kind="interval", low=0, high=1)

CASES = [  # function, derivative, what z is, verdict
    (np.tan, lambda z: 1 / np.cos(z) ** 2, REAL, "proved"),
    (np.tan, lambda z: 1 + np.tan(z) ** 2, REAL, "proved"),
    (np.tan, lambda z: 1 / np.sin(z) ** 2, REAL, "refuted"),
    (lambda z: np.sin(z) * np.cos(z), lambda z: 1 - 2 * np.sin(z) ** 2, REAL, "proved"),
    (lambda z: np.sin(z) * np.cos(z), lambda z: 2 * np.cos(z) ** 2 - 1, REAL, "proved"),
    (lambda z: np.sin(z) * np.cos(z), lambda z: 2 * np.sin(z) ** 2 - 1, REAL, "refuted"),
    (lambda z: np.cos(z) / np.sin(z), lambda z: -1 / np.sin(z) ** 2, ACUTE, "proved"),
    (lambda z: np.sin(z) ** 3, lambda z: 3 * np.cos(z) * np.sin(z) ** 2, REAL, "proved"),
    (lambda z: np.sin(z) ** 3, lambda z: 3 * np.cos(z) - 3 * np.cos(z) ** 3, REAL, "proved"),
    (lambda z: 1 / np.cos(z), lambda z: np.tan(z) / np.cos(z), ACUTE, "proved"),
    (np.arccosh, lambda z: 1 / np.sqrt(z**2 - 1), BEYOND_1, "proved"),
    (np.arccosh, lambda z: 1 / (np.sqrt(z - 1) * np.sqrt(z + 1)), BEYOND_1, "proved"),
    (np.arccosh, lambda z: 1 / np.sqrt(z**2 + 1), BEYOND_1, "refuted"),
    (lambda z: np.sqrt(z**2 - 2 * z + 1), np.ones_like, BEYOND_1, "proved"),
    (lambda z: np.sqrt(z**2 - 2 * z + 1), lambda z: -np.ones_like(z), ACUTE, "proved"),
]


@pytest.mark.parametrize(("function", "derivative", "z", "verdict"), CASES)
def test_a_derivative_with_angles_or_roots(function, derivative, z, verdict):
    found = gp.check_derivative(function, derivative, repair_seconds=0, z=z)
    assert found.verdict == verdict, str(found)
