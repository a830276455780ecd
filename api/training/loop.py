"""The loop: mini-batches, the generated gradient, a step, and what each epoch gave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import ceil, isfinite
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradproof.codegen.compile import compile_system
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.deriving import derive
from gradproof.symbolic.specs.stated import Stated

from .checkpoint import Standing, expect_free, restored, save
from .fitting import Arrays, Fitted, Trained, fitted, fitted_equations, with_classes
from .optimisers import OPTIMISERS, Steps, steps
from .samples import Data, DataError
from .schedules import rate

HASHED = 4096
"""Entries along the first axis that are read at once for a fingerprint."""


class DivergedError(ArithmeticError):
    """A loss that is no finite number: the step, and what may help."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    batch: samples a step; None for all of them.
    learning_rate: None for what is usual for the optimiser.
    settings: of the optimiser, by the names in its equations.
    clip: the length that a gradient is shortened to, None for none.
    test: the part of the samples that is set aside, from 0 to below 1.
    sizes: the sizes of the network that the data does not decide.
    """

    epochs: int = 20
    batch: int | None = 32
    optimiser: str = "adam"
    learning_rate: float | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    schedule: str = "constant"
    clip: float | None = None
    init: str = "xavier"
    test: float = 0.2
    seed: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _whole("epochs", self.epochs, 1, 10**9)
        if self.batch is not None:
            _whole("batch", self.batch, 1)
        _whole("seed", self.seed, 0)
        if not 0 <= self.test < 1:
            raise ValueError(f"test: expected a part from 0 to below 1, got {self.test!r}")
        for name, value in (("learning rate", self.learning_rate), ("clip", self.clip)):
            if value is not None and not (isfinite(value) and value > 0):
                raise ValueError(f"{name}: expected a positive number, got {value!r}")
        for name, n in self.sizes.items():
            _whole(f"size {name}", n, 1)
        steps(self.optimiser, 0, self.settings)  # for its complaints
        rate(self.schedule, 1.0, 1, 1)

    @property
    def eta(self) -> float:
        """The learning rate that the schedule begins with."""
        if self.learning_rate is not None:
            return self.learning_rate
        return OPTIMISERS[self.optimiser].rate


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave: the mean loss of its batches as they were met, and of the samples that
    were set aside the loss and the part that is classified rightly (None where there are none)."""

    number: int
    loss: float
    gradient_norm: float
    test_loss: float | None
    accuracy: float | None


@dataclass
class Training:
    """A run: what it trains, where it stands, what it gave so far."""

    network: Trained
    data: Data
    plan: Plan
    checkpoint_file: Path | None = None
    history: list[Epoch] = field(default_factory=list)
    ended: str = ""
    """Why a run ended before its last epoch."""

    def __post_init__(self) -> None:
        self.data = with_classes(self.network, self.data)
        self.fitted: Fitted = (
            fitted_equations(self.network, self.data, self.plan.sizes)
            if isinstance(self.network, Stated)
            else fitted(self.network, self.data, self.plan.sizes))
        self.rng = np.random.default_rng(self.plan.seed)
        order = self.rng.permutation(len(self.data))
        kept = len(order) - round(self.plan.test * len(order))
        if kept < 1:
            raise DataError(f"test: {self.plan.test} of {len(order)} samples leaves none to train "
                            "with")
        self.train_places, self.test_places = order[:kept], order[kept:]
        first = self.first_values()
        ends = np.cumsum([array.size for array in first.values()]).tolist()
        self.parts = {name: (slice(end - array.size, end), array.shape)
                      for (name, array), end in zip(first.items(), ends, strict=True)}
        self.w = np.concatenate([array.reshape(-1) for array in first.values()])
        self.steps: Steps = steps(self.plan.optimiser, len(self.w), self.plan.settings,
                                  clip=self.plan.clip)
        self.taken = 0

    def first_values(self) -> Arrays:
        """The parameters before the first step."""
        return self.fitted.parameters(self.plan.init, self.rng)

    # --- what is generated ---

    @cached_property
    def derivation(self) -> Derivation:
        return derive(self.network)

    @cached_property
    def gradient(self) -> Callable[..., tuple[float, dict[str, Any]]]:
        return self.derivation.compile()

    @cached_property
    def forward(self) -> Callable[..., tuple[Any, ...]]:
        """The loss, and the predictions where there are classes."""
        names = [self.derivation.chain.loss]
        if self.data.classes and not isinstance(self.network, Stated):
            names.append(self.network.prediction)
        return compile_system(self.derivation.system, names)

    # --- between two epochs ---

    @property
    def standing(self) -> Standing:
        """All that the next step depends on."""
        return Standing(
            self.fingerprint, self.w, self.steps.state, self.taken, self.rng.bit_generator.state,
            [asdict(epoch) for epoch in self.history], self.parameters)

    def go_on_from(self, standing: Standing) -> None:
        """Puts this run where another stood, which had its network, data and plan."""
        self.w, self.steps.state, self.taken = standing.w, {**standing.state}, standing.taken
        self.history = [Epoch(**epoch) for epoch in standing.history]
        self.rng.bit_generator.state = standing.generator

    @property
    def fingerprint(self) -> str:
        """Of all that decides a run's numbers; the number of epochs does where the learning rate
        depends on it."""
        plan = asdict(self.plan)
        if self.plan.schedule == "constant":
            del plan["epochs"]
        made = hashlib.sha256(json.dumps(plan, sort_keys=True).encode())
        made.update(str(self.network.system()).encode())
        for array in self.fitted.arrays.values():
            made.update(str(array.shape).encode())
            for part in range(0, len(array), HASHED):  # which need not fit into the memory at once
                made.update(array[part:part + HASHED].tobytes())
        return made.hexdigest()

    # --- the loop ---

    @property
    def parameters(self) -> Arrays:
        """The parameters by name: views of the one vector."""
        return {name: self.w[part].reshape(shape) for name, (part, shape) in self.parts.items()}

    @property
    def batch(self) -> int:
        """Samples a step."""
        return min(self.plan.batch or len(self.train_places), len(self.train_places))

    @property
    def steps_in_all(self) -> int:
        return self.plan.epochs * ceil(len(self.train_places) / self.batch)

    def run(self) -> Iterator[Epoch]:
        """Trains to the end, epoch by epoch, after each of which the checkpoint is written.

        Raises DivergedError where the loss is no finite number any more.
        """
        while len(self.history) < self.plan.epochs:
            try:
                epoch = self._epoch(len(self.history) + 1)
            except DivergedError as error:
                self.ended = str(error)
                raise
            self.history.append(epoch)
            if self.checkpoint_file is not None:
                save(self.standing, self.checkpoint_file)
            yield self.history[-1]

    def _epoch(self, number: int) -> Epoch:
        order = self.rng.permutation(self.train_places)
        total, norms = 0.0, []
        for start in range(0, len(order), self.batch):
            places = order[start : start + self.batch]
            loss, norm = self._step(places, number)
            total += loss * len(places)
            norms.append(norm)
        test_loss, accuracy = self.evaluated(self.test_places)
        return Epoch(number, total / len(order), float(np.mean(norms)), test_loss, accuracy)

    def _step(self, places: NDArray[np.int64], epoch: int) -> tuple[float, float]:
        loss, found = self.found(places, self.fitted.drawn_masks(len(places), self.rng))
        g = np.concatenate([np.reshape(found[name], -1) for name in self.parts])
        self.taken += 1
        if not (isfinite(loss) and np.isfinite(g).all()):
            raise DivergedError(
                f"epoch {epoch}, step {self.taken}: the loss is {float(loss)!r}, or its gradient "
                f"is no finite number; a smaller learning rate than {self.plan.eta:g}, or a clip, "
                "may help")
        eta = rate(self.plan.schedule, self.plan.eta, self.taken, self.steps_in_all)
        self.w = self.steps.step(self.w, g, eta, self.taken)
        with np.errstate(over="ignore"):
            return float(loss), float(np.linalg.norm(g))

    def found(self, places: NDArray[np.int64], masks: Arrays) -> tuple[float, Mapping[str, Any]]:
        """The loss of some samples and its gradients."""
        return self.gradient(**self.fitted.batch(places), **masks, **self.parameters)

    def evaluated(self, places: NDArray[np.int64]) -> tuple[float | None, float | None]:
        """The loss of some samples, without dropout, and the part of them that is classified
        rightly; None where there are no samples or no classes."""
        if not len(places):
            return None, None
        arrays = self.fitted.batch(places)
        loss, *outputs = self.forward(**arrays, **self.fitted.drawn_masks(len(places), None),
                                      **self.parameters)
        rights = [float(np.mean(self.right(np.asarray(output), arrays["Y"])))
                  for output in outputs]
        return float(loss), (rights[0] if rights else None)

    def right(self, output: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.bool_]:
        """Which samples are classified rightly.

        The largest output is the class; where there is one, what is nearer to its 0 or 1, and of
        logits and scores the sign.
        """
        return rightly(output, targets, *self.told_by)

    @property
    def told_by(self) -> tuple[int, float]:
        """The axis of the entries, from behind, and what a single one is compared with."""
        assert not isinstance(self.network, Stated)
        row = self.network.objective.row
        signed = row.output == "logits" or bool(row.labels)
        return self._entries - self.fitted.arrays["Y"].ndim, 0.0 if signed else 0.5

    @property
    def _entries(self) -> int:
        """The axis of Y along which its entries are."""
        Y = self.fitted.arrays["Y"]
        return 1 - self.fitted.along["Y"] if Y.ndim == 2 else Y.ndim - 1


Run = TypeVar("Run", bound=Training)


def train(
    network: Trained, data: Data, plan: Plan, *,
    checkpoint_file: Path | None = None, resume: bool = False, force: bool = False,
) -> Training:
    """A run that is ready to go: see :meth:`Training.run`.

    checkpoint_file: an .npz file, replaced whole after each epoch; with `resume` the run goes on
        from it, with the numbers that it would have had.  Without, there must be no such file, or
        with `force` a checkpoint, which is replaced.

    Raises DataError where the data does not fit the network, and CheckpointError for a file that
    is another run's.
    """
    return begun(Training(network, data, plan, checkpoint_file), resume=resume, force=force)


def begun(training: Run, *, resume: bool = False, force: bool = False) -> Run:
    """A run at its first step, or where its checkpoint stands; raises as `train` does."""
    if resume:
        if training.checkpoint_file is None:
            raise ValueError("resume: expected the checkpoint's file, too")
        training.go_on_from(restored(training.checkpoint_file, training.standing))
    elif training.checkpoint_file is not None:
        expect_free(training.checkpoint_file, force=force)
    return training


def rightly(
    output: NDArray[Any], targets: NDArray[Any], entries: int, middle: float
) -> NDArray[np.bool_]:
    """Which samples are classified rightly; the entries of each are along an axis."""
    if output.shape[entries] > 1:
        return np.asarray(np.argmax(output, entries) == np.argmax(targets, entries))
    return np.asarray((output > middle) == (targets > 0))


def _whole(name: str, n: object, least: int, most: int | None = None) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < least:
        raise ValueError(f"{name}: expected a whole number of {least} or more, got {n!r}")
    if most is not None and n > most:
        raise ValueError(f"{name}: expected a whole number of at most {most}, got a larger one")
