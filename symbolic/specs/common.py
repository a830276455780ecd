"""What networks and models have in common: a loss with its options, numbers, notation, claims."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from .. import escaping
from ..equation import Size, System
from .checks import told
from .losses import Objective

STEPS = 100
"""Of the training that a report shows, unless a spec says otherwise."""
BATCH = "m"
"""The size that counts samples, unless a network or model says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Described(ABC):
    """What describes a network or a model beside its layers.

    name: what messages and reports call it.
    values: numbers for X, Y, W1, b1, ... as nested lists, where there are any.
    learning_rate: of the worked update, and of the training that a report shows `steps` of.
    notation: symbols of the loss, the target and single arrays.
    source: title, text and convention of where the numbers are from; claims: figures stated there.
    l1, l2, label_smoothing, sample_weights: options of the loss, see :class:`Objective`.
    """

    name: str = "network"
    values: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: Any = None
    steps: int = STEPS
    notation: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    claims: Sequence[Mapping[str, Any]] = ()
    l1: Any = 0
    l2: Any = 0
    label_smoothing: Any = 0
    sample_weights: bool = False

    @property
    @abstractmethod
    def loss(self) -> str:
        """A key of ``LOSSES``; a field of either, which may be given without its name."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[str, ...]:
        """The names of the arrays that are learned."""

    @property
    @abstractmethod
    def prediction(self) -> str:
        """The array that the loss compares with Y."""

    @property
    @abstractmethod
    def batch_size(self) -> Size | None:
        """The size that counts samples; None where nothing is called so."""

    @abstractmethod
    def system(self) -> System:
        """The forward equations, down to the scalar loss ``L``."""

    @property
    def objective(self) -> Objective:
        """The loss with its options."""
        return Objective(self.loss, self.l1, self.l2, self.label_smoothing, self.sample_weights)

    def check_name(self) -> None:
        """The name in its normal form.  Raises NetworkError for one that no page can bear."""
        object.__setattr__(self, "name", told("name", escaping.checked_name, self.name))

    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shape of every input array: X, Y, W1, b1, ..."""
        return {array.name: array.shape for array in self.system().inputs}


TABLES = ("values", "notation", "source", "claims", "layers")
"""Fields that a spec states in tables of their own."""

NAMED = ("name", "learning_rate", "steps")
"""Fields that a spec states elsewhere: at its top, and in ``[update]``."""


def keys_of(described: type[Described]) -> tuple[str, ...]:
    """The keys of ``[network]`` or ``[model]``, its own first: fields that stand nowhere else.

    >>> from .model import Model
    >>> keys_of(Model)
    ('input', 'loss', 'kind', 'l1', 'l2', 'label_smoothing', 'sample_weights')
    """
    names = [f.name for f in fields(described) if f.name not in (*TABLES, *NAMED)]
    return tuple(sorted(names, key={f.name for f in fields(Described)}.__contains__))
