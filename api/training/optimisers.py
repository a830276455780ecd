"""Update rules as equations: each is read by the parser of texts, and runs as the NumPy that is
generated of it, over all parameters as one vector w and their gradient as one vector g.

A name with a trailing 0 is the value before the step: `m = beta1*m0 + (1 - beta1)*g` makes m from
the m of the step before, which is 0 before the first.  `eta` is the learning rate of the step and
`t` its number, from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from gradproof.symbolic.equation import System

from .texts import run, stated

Vector = NDArray[np.float64]

CLIPPED = "clipped = min(1, clip/max(norm(g0), 1e-300))*g0"
"""The gradient, shortened to the length `clip` where it is longer (Pascanu, Mikolov & Bengio 2013,
"On the difficulty of training recurrent neural networks", algorithm 1)."""


@dataclass(frozen=True)
class Optimiser:
    """A row of `OPTIMISERS`.

    text: the equations of a step, of w from w0.
    settings: what the equations name beside eta and t, with its usual value.
    state: the vectors that a step hands to the next, beside w.
    source: where the rule is from.
    rate: the usual learning rate.
    """

    text: str
    source: str
    rate: float
    settings: Mapping[str, float]
    state: tuple[str, ...] = ()

    @property
    def system(self) -> System:
        """The equations of a step, of vectors of length n."""
        vectors = ("w0", "g", *(f"{name}0" for name in self.state))
        return stated(self.text, vectors, (*self.settings, "eta", "t"))


_MOMENTS = """\
m = beta1*m0 + (1 - beta1)*g
v = beta2*v0 + (1 - beta2)*g**2
"""

OPTIMISERS: dict[str, Optimiser] = {
    "gradient_descent": Optimiser(
        "w = w0 - eta*g", "Cauchy 1847, Méthode générale pour la résolution des systèmes "
        "d'équations simultanées", 0.1, {}),
    "momentum": Optimiser(
        "v = mu*v0 + g\nw = w0 - eta*v", "Polyak 1964, Some methods of speeding up the "
        "convergence of iteration methods", 0.1, {"mu": 0.9}, ("v",)),
    "nesterov": Optimiser(
        "v = mu*v0 + g\nw = w0 - eta*(g + mu*v)", "Nesterov 1983, in the form of Sutskever et "
        "al. 2013, On the importance of initialization and momentum in deep learning",
        0.1, {"mu": 0.9}, ("v",)),
    "adagrad": Optimiser(
        "s = s0 + g**2\nw = w0 - eta*g/(sqrt(s) + eps)", "Duchi, Hazan & Singer 2011, Adaptive "
        "subgradient methods for online learning and stochastic optimization",
        0.01, {"eps": 1e-8}, ("s",)),
    "rmsprop": Optimiser(
        "s = rho*s0 + (1 - rho)*g**2\nw = w0 - eta*g/(sqrt(s) + eps)", "Tieleman & Hinton 2012, "
        "Lecture 6.5 of Neural Networks for Machine Learning",
        0.001, {"rho": 0.9, "eps": 1e-8}, ("s",)),
    "adam": Optimiser(
        _MOMENTS + "w = w0 - eta*(m/(1 - beta1**t))/(sqrt(v/(1 - beta2**t)) + eps)",
        "Kingma & Ba 2015, Adam: a method for stochastic optimization, algorithm 1",
        0.001, {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}, ("m", "v")),
    "adamw": Optimiser(
        _MOMENTS + "w = (1 - eta*lam)*w0"
        " - eta*(m/(1 - beta1**t))/(sqrt(v/(1 - beta2**t)) + eps)",
        "Loshchilov & Hutter 2019, Decoupled weight decay regularization, algorithm 2",
        0.001, {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "lam": 0.01}, ("m", "v")),
}


@dataclass
class Steps:
    """An optimiser with its settings and what it remembers, on a vector of parameters."""

    optimiser: Optimiser
    settings: Mapping[str, float]
    clip: float | None
    state: dict[str, Vector]

    def step(self, w: Vector, g: Vector, eta: float, t: int) -> Vector:
        """The parameters after the step number t (from 1) with the gradient g."""
        if self.clip is not None:
            (g,) = run(CLIPPED, ("clipped",), {"g0": g}, {"clip": self.clip})
        before = {"w0": w, "g": g, **{f"{name}0": found for name, found in self.state.items()}}
        new, *state = run(self.optimiser.text, ("w", *self.optimiser.state), before,
                          {**self.settings, "eta": eta, "t": float(t)})
        self.state = dict(zip(self.optimiser.state, state, strict=True))
        return np.asarray(new)


def steps(name: str, n: int, settings: Mapping[str, float] | None = None, *,
          clip: float | None = None) -> Steps:
    """An optimiser for n parameters before its first step.

    Raises ValueError for a name that there is not, and for a setting that its equations lack.
    """
    row, settings = OPTIMISERS.get(name), settings or {}
    if row is None:
        near = get_close_matches(name, OPTIMISERS, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"optimiser: expected one of {', '.join(OPTIMISERS)}, got {name!r}{meant}")
    for key in settings:
        if key not in row.settings:
            raise ValueError(f"optimiser: {name} has no setting {key!r}; it has "
                             f"{', '.join(row.settings) or 'none but the learning rate'}")
    return Steps(row, {**row.settings, **settings}, clip, {s: np.zeros(n) for s in row.state})

