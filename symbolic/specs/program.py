"""A program that is derived as it is, with what a report tells of it beside the equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .model import Model
from .network import Network
from .stated import Stated


@dataclass(frozen=True)
class Program:
    """A module or a function.

    paths: by the name that a parameter or a buffer has in formulas, what it is called in the
    module; buffers: the names of those that are not trained.  upstream: by output, the name of the
    input that is the gradient of a loss behind it.  taken: what its trace took for granted, in
    sentences.  rows: whether samples are rows.
    values, learning_rate, steps, source, claims: as of a network, which a program has none of.
    """

    name: str
    kind: Literal["module", "function"] = "function"
    paths: Mapping[str, str] = field(default_factory=dict)
    buffers: frozenset[str] = frozenset()
    upstream: Mapping[str, str] = field(default_factory=dict)
    taken: Sequence[str] = ()
    rows: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: Any = None
    steps: int = 0
    source: Mapping[str, Any] = field(default_factory=dict)
    claims: Sequence[Mapping[str, Any]] = ()


Spec: TypeAlias = Network | Model | Stated | Program
"""What a report may be of."""
