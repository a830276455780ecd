"""Problems that practitioners differentiate, a file for each field.

problem        what a problem is; values that fit its inputs
pytorch        the same losses in PyTorch
"""

from __future__ import annotations

from problems import (
    bounds,
    contrastive,
    control,
    graphical,
    graphs,
    kernels,
    layers,
    physics,
    reinforcement,
    retrieval,
    robust,
    sequences,
    statistics,
    steps,
    survival,
    topics,
    transport,
    vision,
)
from problems.problem import Field, Problem

__all__ = ["FIELDS", "PROBLEMS", "Field", "Problem"]

FIELDS: tuple[Field, ...] = tuple(module.field for module in (
    statistics, robust, survival, bounds, contrastive, retrieval, kernels, graphical, topics,
    transport, reinforcement, control, steps, physics, graphs, sequences, vision, layers))

PROBLEMS: dict[str, Problem] = {problem.name: problem for each in FIELDS for problem in each}
"""Arrays are as in the literature of each field; vectors of samples are 1-D."""

assert len(PROBLEMS) == sum(len(each.problems) for each in FIELDS)
