"""Learning rates over the steps, as equations of the step number t (from 1) and the number of
steps T in all; `eta0` is the rate that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from .texts import run

SCHEDULES: Mapping[str, str] = {
    "constant": "eta = eta0",
    "linear": "eta = eta0*(1 - (t - 1)/T)",
    "exponential": "eta = eta0*0.01**((t - 1)/T)",
    "cosine": "eta = eta0*(1 + cos(pi*(t - 1)/T))/2",
    "inverse_time": "eta = eta0/(1 + 9*(t - 1)/T)",
    "warmup_cosine": "eta = eta0*min(t/(0.1*T), 1)*(1 + cos(pi*(t - 1)/T))/2",
}
"""cosine: Loshchilov & Hutter 2017, SGDR, equation 5 without restarts; warmup: Goyal et al. 2017,
Accurate, large minibatch SGD, section 2.2, over the first tenth of the steps."""


def rate(name: str, eta0: float, t: int, T: int) -> float:
    """The learning rate of step t of T.  Raises ValueError for a name that there is not."""
    if name not in SCHEDULES:
        raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, got {name!r}")
    found = run(SCHEDULES[name], ("eta",), {}, {"eta0": eta0, "t": float(t), "T": float(T)})
    return float(found[0])
