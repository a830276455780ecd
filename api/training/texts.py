"""Equations as text, as functions: what update rules and learning rates are written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from gradproof.codegen.compile import compile_system
from gradproof.symbolic.equation import System
from gradproof.symbolic.text.statements import parse_equations


def stated(text: str, vectors: tuple[str, ...], scalars: tuple[str, ...]) -> System:
    """The equations of a text, of those of the vectors (of one length n) and scalars it names."""
    named = set(re.findall(r"[A-Za-z]\w*", text))
    shapes = dict.fromkeys(vectors, "n") | dict.fromkeys(scalars, "")
    return parse_equations(text, {name: shapes[name] for name in shapes if name in named})


def run(
    text: str, results: tuple[str, ...], vectors: Mapping[str, Any], scalars: Mapping[str, float]
) -> tuple[Any, ...]:
    """The arrays called `results` in the equations of a text, computed by the NumPy generated of
    them."""
    function, inputs = _compiled(text, results, tuple(vectors), tuple(scalars))
    known = {**vectors, **{name: np.array(value) for name, value in scalars.items()}}
    return function(**{name: known[name] for name in inputs})  # type: ignore[no-any-return]


@cache
def _compiled(
    text: str, results: tuple[str, ...], vectors: tuple[str, ...], scalars: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]]:
    system = stated(text, vectors, scalars)
    return compile_system(system, results, fit=True), tuple(one.name for one in system.inputs)
