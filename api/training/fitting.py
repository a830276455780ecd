"""A network's declared arrays and sizes, filled from a table of samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite, prod
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from gradproof.codegen.arguments import bounds
from gradproof.symbolic.equation import Array, Size, System
from gradproof.symbolic.layers.losses import Loss
from gradproof.symbolic.specs.common import BATCH
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.stated import Stated

from .folders import is_on_disk, taken
from .initialisations import drawn
from .samples import Data, DataError

Arrays: TypeAlias = dict[str, NDArray[Any]]
Trained: TypeAlias = Network | Model | Stated
MASK = "mask"
SHARES = ("probability", "one_hot")
"""The kinds of targets that sum to one."""
MOST_PARAMETERS = 10**8
"""Of a network that is trained: ten vectors of them have 8 GB."""
MOST_CLASSES = 100_000
"""That numbers of classes are taken for in sequences."""
MOST_LABELS = 2**53
"""Up to here a float holds every whole number."""
ROUNDED = 1e-5
"""How far from one a sum of targets may be that were floats of single precision."""


@dataclass(frozen=True)
class Fitted:
    """Data as the inputs of a network, X and Y, or those of equations, and the sizes that follow.

    batch_size: the size that counts samples.
    sizes: the others by name.
    along: for each array, the axis that counts samples.
    masks: for each mask of a dropout its shape and the probability of a one.
    """

    network: Trained
    batch_size: Size
    arrays: Arrays
    sizes: Mapping[str, int]
    along: Mapping[str, int]
    masks: Mapping[str, tuple[Array, float]]

    def __len__(self) -> int:
        return next(int(array.shape[self.along[name]]) for name, array in self.arrays.items())

    def batch(self, places: NDArray[np.int64]) -> Arrays:
        """The arrays of some of the samples."""
        return {name: taken(array, places, self.along[name])
                for name, array in self.arrays.items()}

    def shape(self, array: Array, samples: int | None = None) -> tuple[int, ...]:
        """The shape of an input as numbers."""
        known = dict(self.sizes)
        if samples is not None:
            known[str(self.batch_size)] = samples
        return tuple(_number(size, known) for size in array.shape)

    def drawn_masks(self, samples: int, rng: np.random.Generator | None) -> Arrays:
        """Zeros and ones for each dropout; without a generator the mean, which leaves all as it
        is."""
        found = {}
        for name, (array, keep) in self.masks.items():
            shape = self.shape(array, samples)
            found[name] = (np.full(shape, keep) if rng is None
                           else (rng.random(shape) < keep).astype(float))
        return found

    def parameters(self, rule: str, rng: np.random.Generator) -> Arrays:
        """First values of the parameters, by a rule of `INITIALISATIONS`."""
        declared = {array.name: array for array in self.network.system().inputs}
        shapes = {name: self.shape(declared[name]) for name in self.network.parameters}
        if (count := sum(map(prod, shapes.values()))) > MOST_PARAMETERS:
            raise DataError(f"sizes: these make {count} parameters; at most {MOST_PARAMETERS} are "
                            "trained")
        first = _outputs_first(self.network)
        return {name: drawn(rule, rng, name, shape, outputs_first=name in first)
                for name, shape in shapes.items()}


def with_classes(network: Trained, data: Data) -> Data:
    """Data whose targets are the numbers of classes, from 0 in sequences, or 0 and 1 where the loss
    is of classes, with these as its classes; other data as it is."""
    if isinstance(network, Stated):
        return replace(data, classes=())
    row, found = network.objective.row, data.targets
    if data.classes or not np.array_equal(found, np.round(found)):
        return data
    entries = _entries_of_targets(network)
    if row.target == "probability" and 1 < found.ndim == len(entries) - 1:
        if found.min() < 0 or found.max() >= MOST_CLASSES:
            return data
        outputs = int(entries[-1]) if entries[-1].is_Integer else 0
        count = max(int(found.max()) + 1, outputs)
        return replace(data, targets=found.astype(np.int64), classes=tuple(map(str, range(count))))
    if found.size != len(data):
        return data
    values = np.unique(found)
    two = set(row.labels) or ({0, 1} if (row.low, row.high) == (0, 1) else set())
    if row.target != "probability" and not set(values) <= two:
        return data
    numbers = np.searchsorted(values, found.reshape(-1))
    return replace(data, targets=numbers, classes=tuple(f"{value:g}" for value in values))


def _entries_of_targets(network: Network | Model) -> tuple[Size, ...]:
    return next(array.shape for array in network.system().inputs if array.name == "Y")


def fitted(network: Network | Model, data: Data, sizes: Mapping[str, int]) -> Fitted:
    """The data as a network's arrays, with the sizes that it does not decide.

    Classes become rows of one 1 among zeros where a class is an entry, 0 and 1 (or -1 and 1, for
    the hinge) where there is one entry, and their numbers where labels are declared.

    Raises DataError where something does not fit, or a size is not known.
    """
    batch = network.batch_size
    if batch is None:
        raise DataError("this network has no batch; training takes samples from one: name its size "
                        '(batch = "m" in [network], or m in the input of [model])')
    if not batch.is_Symbol:
        raise DataError(f"the batch of this network is {batch}, a number; training takes batches of"
                        ' several sizes: call it by a letter, batch = "m"')
    declared = {array.name: array for array in network.system().inputs}
    known = {name: int(n) for name, n in sizes.items()}
    _expect_sizes(known, declared.values(), batch)
    along = {}
    for name in ("X", "Y"):
        if batch not in declared[name].shape:
            raise DataError(f"{name} has no axis of length {batch}")
        along[name] = declared[name].shape.index(batch)
    values = {"X": data.X, "Y": _targets(network, declared["Y"], along["Y"], data, known)}
    arrays = {name: _placed(declared[name], along[name], values[name], known) for name in values}
    _expect_assumed(network.objective.row, declared["Y"], arrays["Y"])
    _all_known(declared.values(), batch, known)
    _expect_labels(network.system(), arrays, known)
    masks = {array.name: (array, _keep(network, array.name)) for array in declared.values()
             if array.name.startswith(MASK)}
    other = set(declared) - {"X", "Y", *network.parameters, *masks}
    if other:
        raise DataError(f"training knows values for X, Y and the parameters; this network has also "
                        f"{', '.join(sorted(other))}")
    return Fitted(network, batch, arrays, known, along, masks)


def fitted_equations(stated: Stated, data: Data, sizes: Mapping[str, int]) -> Fitted:
    """Data as the inputs of equations that are no parameters, by their names: each a column of that
    name, X or Y, with a sample along its axis of length m.

    Raises DataError where something does not fit, or a size is not known.
    """
    declared = {array.name: array for array in stated.system().inputs}
    if not stated.parameters:
        raise DataError('parameters: equations that are trained say what is learned: parameters = '
                        f"[...] of {', '.join(declared)}")
    batch = next((size for array in declared.values() for size in array.shape
                  if str(size) == BATCH), None)
    counted = [name for name, array in declared.items() if batch in array.shape]
    given = [name for name in declared if name not in stated.parameters]
    if batch is None or counted != given:
        raise DataError(f"equations that are trained count samples by the size {BATCH}, which "
                        "every input but the parameters needs as an axis, and no parameter has; "
                        f"here {', '.join(counted) or 'no input'} has it, and "
                        f"{', '.join(given) or 'no input'} is no parameter")
    known = {name: int(n) for name, n in sizes.items()}
    _expect_sizes(known, declared.values(), batch)
    columns = {"X": data.X, "Y": data.targets, **data.columns}
    along = {name: declared[name].shape.index(batch) for name in given}
    for name in given:
        if name not in columns:
            raise DataError(f"{data.name} has no column {name}; it has {', '.join(columns)}")
    arrays = {name: _placed(declared[name], along[name], np.asarray(columns[name]), known)
              for name in given}
    _all_known(declared.values(), batch, known)
    _expect_labels(stated.system(), arrays, known)
    return Fitted(stated, batch, arrays, known, along, {})


def _expect_sizes(known: Mapping[str, int], arrays: Iterable[Array], batch: Size) -> None:
    """That sizes which are given are some of the arrays'."""
    there = {str(s) for a in arrays for size in a.shape for s in size.free_symbols} - {str(batch)}
    for name in known:
        if name not in there:
            raise DataError(f"sizes: this network has no size {name} to be given; it has "
                            f"{', '.join(sorted(there)) or 'none'}")


def _targets(
    network: Network | Model, declared: Array, along: int, data: Data, known: dict[str, int]
) -> NDArray[Any]:
    """The targets with a sample along the first axis."""
    entries = [size for place, size in enumerate(declared.shape) if place != along]
    if not data.classes or not entries:
        return data.targets
    loss = network.objective.row
    width = entries[-1]
    number = int(width) if width.is_Integer else known.setdefault(str(width), len(data.classes))
    if number == 1:
        if len(data.classes) == 1:
            raise DataError(f"{data.name}: every sample is of one class, {data.classes[0]}; there "
                            "is nothing to be told apart")
        if len(data.classes) != 2:
            raise DataError(f"{data.name} has {len(data.classes)} classes, and the network one "
                            "output; give it an output for each")
        low = min(loss.labels, default=0)
        return np.where(data.targets == 1, 1.0, float(low))[:, None]
    if number != len(data.classes):
        raise DataError(f"{data.name} has {len(data.classes)} classes, and the network {number} "
                        "outputs; expected one for each")
    if data.targets.ndim != len(entries):
        raise DataError(f"Y has the shape {_spelled(declared.shape)}, a class for each of several "
                        f"places; {data.name} has classes of shape "
                        f"{_spelled(data.targets.shape)}, expected as many axes but for the last")
    low = min(loss.labels, default=0)
    return np.where(np.arange(number) == data.targets[..., None], 1.0, float(low))


def _expect_assumed(loss: Loss, declared: Array, values: NDArray[Any]) -> None:
    """That the targets are what the loss, and with it the derived gradient, assumes of them."""
    if loss.labels and not np.isin(values, loss.labels).all():
        raise DataError(f"Y: the loss needs the labels {' and '.join(map(str, loss.labels))}, got "
                        f"{values[~np.isin(values, loss.labels)][0]:g}")
    low, high = (0.0, 1.0) if declared.kind in SHARES else (loss.low, loss.high)
    outside = values[(values < low) | (values > high)]
    if outside.size:
        span = f"from {low:g} to {high:g}" if isfinite(high) else f"of {low:g} or more"
        raise DataError(f"Y: the loss needs targets {span}, got {outside[0]:g}")
    if declared.kind in SHARES:
        sums = values.sum(axis=declared.along).reshape(-1)
        wrong = sums[abs(sums - 1) > ROUNDED]
        if wrong.size:
            raise DataError("Y: the loss needs targets that sum to one for each sample, got some "
                            f"that sum to {wrong[0]:g}")
    if declared.kind == "one_hot" and not np.isin(values, (0, 1)).all():
        raise DataError("Y: the loss needs one 1 among zeros for each sample, got "
                        f"{values[~np.isin(values, (0, 1))][0]:g}")


def _placed(
    declared: Array, along: int, values: NDArray[Any], known: dict[str, int]
) -> NDArray[Any]:
    """An array of samples, its others axes as declared, its samples along the axis they have."""
    rest = [size for place, size in enumerate(declared.shape) if place != along]
    own = values.shape[1:]
    if len(own) == len(rest):
        for size, n in zip(rest, own, strict=True):
            if size.is_Symbol:
                known.setdefault(str(size), n)
    shape = tuple(_known(size, known) for size in rest)
    if None in shape:
        raise DataError(f"{declared.name}: expected samples of shape {_spelled(rest)}, got "
                        f"{_spelled(own)}")
    numbers = tuple(n for n in shape if n is not None)
    if prod(numbers) != prod(own):
        raise DataError(f"{declared.name}: expected samples of shape {_spelled(numbers)}, "
                        f"{prod(numbers)} numbers, got {_spelled(own)}, {prod(own)} numbers")
    found = np.moveaxis(values.reshape(len(values), *numbers), 0, along)
    if declared.is_integer:
        return np.ascontiguousarray(_whole(declared, np.array(found)))
    return found if is_on_disk(found) else np.ascontiguousarray(found)


def _whole(declared: Array, values: NDArray[Any]) -> NDArray[np.int64]:
    """Labels as integers."""
    wrong = values[(values != np.round(values)) | (values < 0) | (values > MOST_LABELS)]
    if wrong.size:
        raise DataError(f"{declared.name}: expected whole numbers, from 0 on, got {wrong[0]:g}; "
                        f"it is declared as {declared.kind!r}")
    return values.astype(np.int64)


def _expect_labels(system: System, arrays: Arrays, known: Mapping[str, int]) -> None:
    """That labels are below their number of classes, and the lengths of what they pick from."""
    for name, below in bounds(system).items():
        for size in below:
            most = _known(size, known)
            if name in arrays and most is not None and arrays[name].max(initial=0) >= most:
                raise DataError(f"{name}: expected whole numbers below {size}"
                                f"{'' if size.is_Integer else f' = {most}'}, got "
                                f"{arrays[name].max()}; number them from 0")


def _known(size: Size, known: Mapping[str, int]) -> int | None:
    try:
        return _number(size, known)
    except KeyError:
        return None


def _number(size: Size, known: Mapping[str, int]) -> int:
    """An expression in sizes as a number; KeyError for a size that is not known."""
    return int(size.xreplace({s: sp.Integer(known[str(s)]) for s in size.free_symbols}))


def _all_known(arrays: Any, batch: Size, known: Mapping[str, int]) -> None:
    missing = sorted({str(s) for array in arrays for size in array.shape
                      for s in size.free_symbols if s != batch} - set(known))
    if missing:
        raise DataError(f"sizes: the data does not decide {', '.join(missing)}; give "
                        f"{'it' if len(missing) == 1 else 'them'}: --size {missing[0]}=16")


def _keep(network: Network | Model, mask: str) -> float:
    place = int(mask.removeprefix(MASK))
    layers = network.layers if isinstance(network, Model) else ()
    options = layers[place - 1] if place <= len(layers) else ""
    if isinstance(options, str):
        raise DataError(f"{mask}: there is no dropout that it belongs to")
    return float(options["keep"])


def _outputs_first(network: Trained) -> frozenset[str]:
    """Parameters whose first axis counts outputs."""
    if isinstance(network, Stated):
        return frozenset()
    if isinstance(network, Network):
        return frozenset(network.parameters if network.convention == "columns" else ())
    return frozenset(array.name for layer in network.summary for array in layer.parameters
                     if "conv" in layer.type)


def _spelled(shape: Any) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
