"""Classes of functions that are made as they are needed, which pickles find by what made them."""

from __future__ import annotations

import copyreg
from typing import Any

import sympy as sp


class Made(type(sp.Function)):  # type: ignore[misc]  # SymPy has no types
    """The class of such a class; its `made_by` is a function and the arguments that give it."""


def _as_made(function: Any) -> str | tuple[Any, ...]:
    return function.__dict__.get("made_by") or str(function.__name__)


copyreg.pickle(Made, _as_made)
