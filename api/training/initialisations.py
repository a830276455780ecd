"""The values that parameters begin with.

Gains (gamma) begin at 1, whatever else has one axis (biases, shifts) at 0, and matrices and kernels
by the rule that was asked for, of their numbers of inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

Rule = Callable[[np.random.Generator, tuple[int, ...], int, int], NDArray[np.float64]]
"""Of a generator, a shape, the number of inputs and that of outputs of a unit."""


def _orthogonal(
    rng: np.random.Generator, shape: tuple[int, ...], inputs: int, outputs: int
) -> NDArray[np.float64]:
    drawn = rng.standard_normal((max(inputs, outputs), min(inputs, outputs)))
    q, r = np.linalg.qr(drawn)
    q = q * np.sign(np.diag(r))  # else not uniform over the rotations (Mezzadri 2007, section 5)
    return np.asarray((q if inputs >= outputs else q.T).reshape(shape))


INITIALISATIONS: Mapping[str, Rule] = {
    "zeros": lambda rng, shape, inputs, outputs: np.zeros(shape),
    "normal": lambda rng, shape, inputs, outputs: rng.standard_normal(shape),
    "small": lambda rng, shape, inputs, outputs: 0.01 * rng.standard_normal(shape),
    "xavier": lambda rng, shape, inputs, outputs:
        rng.uniform(-1, 1, shape) * sqrt(6 / (inputs + outputs)),
    "he": lambda rng, shape, inputs, outputs: rng.standard_normal(shape) * sqrt(2 / inputs),
    "lecun": lambda rng, shape, inputs, outputs: rng.standard_normal(shape) * sqrt(1 / inputs),
    "orthogonal": _orthogonal,
}
"""xavier: Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural
networks, equation 16; he: He et al. 2015, Delving deep into rectifiers, equation 10; lecun: LeCun
et al. 1998, Efficient backprop, section 4.6; orthogonal: Saxe, McClelland & Ganguli 2014, Exact
solutions to the nonlinear dynamics of learning in deep linear neural networks."""


def drawn(
    name: str, rng: np.random.Generator, array: str, shape: tuple[int, ...], *,
    outputs_first: bool = False,
) -> NDArray[np.float64]:
    """The first value of a parameter.

    outputs_first: whether its first axis counts outputs, and what follows the inputs (kernels of
        convolutions, matrices of samples in columns); else its last two are inputs and outputs.

    Raises ValueError for a rule that there is not.
    """
    rule = INITIALISATIONS.get(name)
    if rule is None:
        raise ValueError(f"init: expected one of {', '.join(INITIALISATIONS)}, got {name!r}")
    if array.startswith("gamma"):
        return np.ones(shape)
    if len(shape) < 2:
        return np.zeros(shape)
    if outputs_first:
        return rule(rng, shape, prod(shape[1:]), shape[0])
    own = shape[-2:]
    found = [rule(rng, own, *own) for _ in range(prod(shape[:-2]))]
    return np.stack(found).reshape(shape)
