"""Sets of samples that have a name: made of a seed, or of what a package ships."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from .samples import Data, DataError


def _xor(seed: int) -> Data:
    return Data("xor", np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0]),
                ("0", "1"), "The four pairs of bits and their exclusive or.")


def _moons(seed: int, samples: int = 1000, noise: float = 0.2) -> Data:
    """Two half circles that reach into each other, half of the samples on each, with noise of that
    standard deviation."""
    rng = np.random.default_rng(seed)
    half = samples // 2
    angle = np.pi * rng.random(samples)
    upper = np.arange(samples) < half
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([x, y], axis=1) + noise * rng.standard_normal((samples, 2))
    return Data("moons", points, (~upper).astype(np.int64), ("upper", "lower"),
                f"Two half moons, {samples} points with noise of standard deviation {noise}.")


def _digits(seed: int) -> Data:
    """8 x 8 pictures of handwritten digits, grey values from 0 to 1."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError("data: digits come with scikit-learn, which is not installed: pip install "
                        "scikit-learn") from None
    found = load_digits()
    return Data("digits", found.data / 16.0, found.target.astype(np.int64),
                tuple(map(str, range(10))), "1,797 handwritten digits of 8 × 8 grey values "
                "(Alpaydin & Kaynak 1998, UCI repository), as scikit-learn ships them.")


def _noise(seed: int, samples: int = 100) -> Data:
    """Samples of three numbers, and labels that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return Data("noise", rng.standard_normal((samples, 3)), rng.integers(0, 2, samples),
                ("0", "1"), f"{samples} samples of three normal numbers, with labels drawn at "
                "random.")


def _normal(seed: int, samples: int = 100) -> Data:
    """Samples of three numbers, and two numbers that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return Data("normal", rng.standard_normal((samples, 3)), rng.standard_normal((samples, 2)),
                description=f"{samples} samples of three normal numbers, with two normal numbers "
                "each as targets.")


def _echo(seed: int, samples: int = 400, steps: int = 30) -> Data:
    """Sequences whose first number says the class."""
    rng = np.random.default_rng(seed)
    sequences = rng.standard_normal((samples, steps, 1))
    return Data("echo", sequences, (sequences[:, 0, 0] > 0).astype(np.int64), ("below", "above"),
                f"{samples} sequences of {steps} normal numbers; the class is the sign of the "
                "first.")


LETTERS = "abcdefghijklmnopqrstuvwxyz ."
"""The letters of a text; whatever else stands there is a point."""


def _text(seed: int, length: int = 16, most: int = 16_000) -> Data:
    """Pieces of a text: each letter's number, behind them the numbers of the places from 28 on;
    the target of a place is the letter that follows."""
    try:
        from pydoc_data.topics import topics

        text = topics["compound"]
    except (ImportError, KeyError):
        raise DataError("data: text is a page of the documentation that comes with Python "
                        "(pydoc_data.topics), which is missing here") from None
    plain = re.sub("[^a-z ]+", ".", re.sub(r"\s+", " ", text.lower()))[:most]
    numbers = np.array([LETTERS.index(letter) for letter in plain])
    pieces = (len(numbers) - 1) // length
    letters = numbers[:pieces * length].reshape(pieces, length)
    places = np.broadcast_to(len(LETTERS) + np.arange(length), letters.shape)
    return Data("text", np.concatenate([letters, places], axis=1),
                numbers[1:pieces * length + 1].reshape(pieces, length), tuple(LETTERS),
                f"{pieces} pieces of {length} letters of the page on compound statements in the "
                "documentation that comes with Python; the target of each letter is the next.")


def _ratings(seed: int, users: int = 60, items: int = 40, tastes: int = 3) -> Data:
    """Half of a matrix of ratings: products of tastes and of what there is of each, with noise."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((users, tastes)) @ rng.standard_normal((tastes, items))
    places = rng.permutation(users * items)[:users * items // 2]
    user, item = places // items, places % items
    rating = matrix[user, item] / np.sqrt(tastes) + 0.1 * rng.standard_normal(len(places))
    return Data("ratings", np.stack([user, item], axis=1), rating[:, None],
                description=f"{len(places)} of the {users * items} ratings that {users} users give "
                f"{items} items, drawn as products of {tastes} tastes with noise of standard "
                "deviation 0.1.", columns={"user": user, "item": item, "rating": rating})


SETS: Mapping[str, Callable[[int], Data]] = {
    "xor": _xor, "moons": _moons, "digits": _digits, "noise": _noise, "normal": _normal,
    "echo": _echo,
    "text": _text, "ratings": _ratings}
"""Sets by name, each made of a seed."""
