"""``check_objective``: the gradient and second derivative per sample that boosting is handed.

Libraries call an objective in their own ways; it is told by its parameters which is meant:

    objective(preds, labels)             the arrays
    objective(y_true, y_pred, weight)    scikit-learn's order
    objective(preds, dtrain)             XGBoost's DMatrix and LightGBM's Dataset: a container
    calc_ders_range(approxes, targets, weights)     CatBoost's, of an object: of minus the loss
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.given_arrays import General
from gradproof.checks.inputs import by_name
from gradproof.checks.orders.calls import Arguments, Box, Call, arguments_of, total, whole
from gradproof.checks.orders.claims import Claim, Order
from gradproof.checks.orders.derivatives import inputs_of
from gradproof.checks.results import CheckResult, within
from gradproof.checks.returned import ReturnedError
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.repair.search import SECONDS

PREDICTIONS = ("preds", "pred", "predt", "prediction", "predictions", "y_pred", "ypred", "y_hat",
               "yhat", "raw", "raw_score", "raw_scores", "score", "scores", "margin", "margins",
               "logit", "logits", "approx", "approxes", "f", "z")
"""What the parameter is called that holds raw predictions."""

LABELS = ("labels", "label", "target", "targets", "y_true", "ytrue", "y", "t")

WEIGHTS = ("weight", "weights", "sample_weight", "w")

CONTAINERS = ("dtrain", "train_data", "dmatrix", "dataset", "data", "train_set", "d")

METHODS = ("calc_ders_range", "calc_ders_multi")


def check_objective(
    loss: Callable[..., Any],
    objective: Any,
    /,
    *,
    wrt: str | None = None,
    inputs: Any = None,
    constants: Mapping[str, Any] | None = None,
    maximised: bool = False,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    time_limit: float = TIME_LIMIT,
    **shapes: Any,
) -> CheckResult:
    """Holds a boosting objective's ``(grad, hess)`` against the loss that it is meant for.

    loss: a NumPy function of raw predictions (margins, before any link) and labels; the loss of
        each sample, or their sum.
    objective: returns ``(grad, hess)``, both of the shape of the predictions: the first and second
        derivative of the sum of the losses by each prediction, ∂L/∂f[i] and ∂²L/∂f[i]² (for several
        classes by each entry); or hess with the classes' axis once more, the block of each sample.
        It is called by the names of the loss's parameters, in the order that its own names tell
        (preds and labels, y_true and y_pred), or with a container that has ``get_label()``.  Of an
        object ``calc_ders_range`` is called, as CatBoost does.
    wrt: which parameter of the loss holds the predictions; by default the one so called.
    maximised: grad and hess are of minus the loss, as CatBoost has them.
    shapes (or `inputs`), constants, ...: as for :func:`check`, by the loss's parameters.

    The verdicts are keyed "grad" and "hess".

    >>> def loss(preds, labels): return np.log(1 + np.exp(preds)) - labels * preds
    >>> def objective(preds, labels):
    ...     p = 1 / (1 + np.exp(-preds))
    ...     return p - labels, p * (1 - p)
    >>> result = check_objective(loss, objective, preds="m", labels="m")
    >>> [(check.name, check.verdict) for check in result]
    [('grad', 'proved'), ('hess', 'proved')]

    Raises ValueError (TraceError) for inputs that do not fit the functions.
    """
    claim = _claim(loss, objective, by_name(inputs, shapes), constants or {}, wrt, maximised, seed)
    return within(time_limit, ("grad", "hess"), partial(claim.judged, seed, repair_seconds))


def _claim(
    loss: Callable[..., Any], objective: Any, given: Mapping[str, Any],
    constants: Mapping[str, Any], wrt: str | None, maximised: bool, seed: int,
) -> Claim:
    by = wrt or next((name for name in given if name in PREDICTIONS), None)
    if by is None and given:
        raise ValueError("wrt: which of the inputs holds the raw predictions? None of "
                         f"{', '.join(given)} is called {', '.join(PREDICTIONS[:6])} or the like")
    arguments = arguments_of("loss", loss, given, (), constants, by)
    general = General(inputs_of(arguments), varied=(arguments.by,))
    hand, maximises = _objective(objective, arguments)
    hand = replace(hand, pick=partial(_pair, maximised or maximises))
    orders: dict[str, Order] = {"grad": "gradient", "hess": _second(hand, arguments, general, seed)}
    return Claim(arguments.call("loss", loss, total), hand, arguments.by, orders, general)


def _second(hand: Call, arguments: Arguments, general: General, seed: int) -> Order:
    """Whether hess is a number for each prediction, or a block for each sample."""
    point = general.points(seed)[0]
    try:
        with np.errstate(all="ignore"):
            found = hand.at(point.values)
        shape, hess = np.shape(point.values[arguments.by]), np.shape(found[1])
    except Exception:  # it will fail again where that is the finding
        return "diagonal"
    return "blocks" if shape and hess == (*shape, *shape[-1:]) else "diagonal"


def _pair(minus: bool, found: Any) -> Any:
    """(grad, hess) of the loss, of what an objective returned."""
    if isinstance(found, list) and found and all(
            isinstance(pair, tuple) and len(pair) == 2 for pair in found):  # one a sample
        found = tuple(np.array([pair[place] for pair in found]) for place in (0, 1))
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ReturnedError("objective: expected a pair (grad, hess), one of each for every "
                            f"prediction, got {found!r:.60}")
    grad, hess = map(whole, found)
    return (-grad, -hess) if minus else (grad, hess)


# --- how it is called -----------------------------------------------------------------------------


def _objective(objective: Any, arguments: Arguments) -> tuple[Call, bool]:
    """The objective as a function of arrays by name, and whether it is of minus the loss."""
    for method in METHODS:
        if hasattr(objective, method):
            return _catboost(objective, method, arguments), True
    if not callable(objective):
        raise ValueError("objective: expected a function that returns (grad, hess), or an object "
                         f"with {METHODS[0]}, got {objective!r:.60}")
    try:
        parameters = [p for p in inspect.signature(objective).parameters.values()
                      if p.kind is not p.VAR_KEYWORD]
    except (ValueError, TypeError):
        return arguments.call("objective", objective, whole), False
    placed = [_meant(parameter, arguments) for parameter in parameters]
    needed = [p.name for p, meant in zip(parameters, placed, strict=True)
              if meant is None and p.default is p.empty]
    if needed:
        raise ValueError(f"objective: what is its parameter {needed[0]!r}? Expected names of the "
                         f"loss's parameters ({', '.join(arguments.names)}), or such as preds, "
                         "labels, weight, dtrain")
    given = [(p, meant) for p, meant in zip(parameters, placed, strict=True) if meant is not None]
    order = tuple(meant for p, meant in given if p.kind is not p.KEYWORD_ONLY)
    named = tuple((p.name, meant) for p, meant in given if p.kind is p.KEYWORD_ONLY)
    return Call(objective, order, named, arguments.fixed, whole), False


def _catboost(objective: Any, method: str, arguments: Arguments) -> Call:
    """CatBoost's objects: raw predictions, targets, and weights or None."""
    roles = arguments.by, _among(LABELS, arguments), _among(WEIGHTS, arguments)
    if roles[1] is None:
        raise ValueError(f"objective: {method} takes targets; none of the loss's parameters "
                         f"({', '.join(arguments.names)}) is called {', '.join(LABELS[:4])} or "
                         "the like")
    absent = "(none)"
    return Call(getattr(objective, method), tuple(name or absent for name in roles), (),
                {**arguments.fixed, absent: None}, whole)


def _meant(parameter: inspect.Parameter, arguments: Arguments) -> str | Box | None:
    """What an objective's parameter is: an input, a container of all, or None for neither."""
    name = parameter.name
    if name in arguments.names:
        return name
    if name in PREDICTIONS:
        return arguments.by
    for known in (LABELS, WEIGHTS):
        if name in known:
            return _among(known, arguments)
    if name not in CONTAINERS:
        return None
    contents = {other: other for other in arguments.names if other != arguments.by}
    for key, known in (("label", LABELS), ("weight", WEIGHTS)):
        found = _among(known, arguments)
        contents.update({} if found is None else {key: found})
    return Box(tuple(contents.items()))


def _among(known: Sequence[str], arguments: Arguments) -> str | None:
    return next((name for name in arguments.names
                 if name in known and name != arguments.by), None)
