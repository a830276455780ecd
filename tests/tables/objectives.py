"""Objectives as boosting libraries and SciPy's solvers are handed them, right and wrong.

Written after the formulas of textbooks and of the libraries' documentation.  A wrong one is wrong
in a way that people ask about; `cause` is a part of what is said of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gradproof as gp


@dataclass(frozen=True)
class Case:
    """An objective.  kind: "objective", "jacobian", "hessian" (with the options `right` and
    `wrong`, by name) or "gradient".  right, wrong: hand-written functions.  least: the least
    verdict that is due of the right one."""

    name: str
    kind: str
    function: Callable[..., Any]
    right: Any
    wrong: Any
    cause: str
    inputs: dict[str, Any]
    least: str = "proved"
    options: dict[str, Any] = field(default_factory=dict)


CASES: list[Case] = []


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def positive(shape="m"):
    return gp.Array(shape, kind="positive")


M = {"preds": "m", "labels": "m"}
COUNTS = {"preds": "m", "labels": positive()}


def objective(name, function, right, wrong, cause, inputs=None, least="proved", **options):
    CASES.append(Case(name, "objective", function, right, wrong, cause, inputs or M, least,
                      options))


# --- boosting -------------------------------------------------------------------------------------


def logloss(preds, labels):
    return np.log(1 + np.exp(preds)) - labels * preds


def logloss_right(preds, labels):
    p = sigmoid(preds)
    return p - labels, p * (1 - p)


def logloss_guarded(preds, labels):
    p = sigmoid(preds)
    return p - labels, np.maximum(p * (1 - p), 0.2)


objective("logistic", logloss, logloss_right, logloss_guarded, "bounded below")


class CatBoostLogistic:
    sign = 1

    def calc_ders_range(self, approxes, targets, weights):
        found = []
        for i in range(len(targets)):
            p = sigmoid(approxes[i])
            found.append((self.sign * (targets[i] - p), -self.sign * p * (1 - p)))
        return found


class WrongSign(CatBoostLogistic):
    sign = -1


objective("logistic, CatBoost's class", logloss, CatBoostLogistic(), WrongSign(), "minus the loss",
          least="agrees")


def weighted(preds, labels, weight):
    return weight * (np.log(1 + np.exp(preds)) - labels * preds)


def weighted_right(preds, dtrain):
    p, w = sigmoid(preds), dtrain.get_weight()
    return w * (p - dtrain.get_label()), w * p * (1 - p)


def weight_forgotten(preds, dtrain):
    p, w = sigmoid(preds), dtrain.get_weight()
    return w * (p - dtrain.get_label()), p * (1 - p)


objective("weighted logistic, of a data set", weighted, weighted_right, weight_forgotten,
          "multiply by weight", {**M, "weight": positive()})


def squared_log(preds, labels):
    return (np.log1p(preds) - np.log1p(labels)) ** 2 / 2


def squared_log_right(preds, dtrain):
    y = dtrain.get_label()
    return ((np.log1p(preds) - np.log1p(y)) / (preds + 1),
            (1 - np.log1p(preds) + np.log1p(y)) / (preds + 1) ** 2)


def squared_log_newton(preds, dtrain):
    y = dtrain.get_label()
    return (np.log1p(preds) - np.log1p(y)) / (preds + 1), 1 / (preds + 1) ** 2


objective("squared log error", squared_log, squared_log_right, squared_log_newton,
          "Gauss-Newton matrix", {"preds": positive(), "labels": positive()})


def poisson(preds, labels):
    return np.exp(preds) - labels * preds


objective("Poisson", poisson,
          lambda preds, labels: (np.exp(preds) - labels, np.exp(preds)),
          lambda preds, labels: (np.exp(preds) - labels, np.exp(preds + 0.7)),
          "2.01375", COUNTS)


def gamma(preds, labels):
    return labels * np.exp(-preds) + preds


objective("gamma", gamma,
          lambda preds, labels: (1 - labels * np.exp(-preds), labels * np.exp(-preds)),
          lambda preds, labels: (1 - labels * np.exp(-preds), np.ones_like(preds)),
          "the constant 1", COUNTS)


def tweedie(preds, labels):
    return -labels * np.exp(-0.5 * preds) / (-0.5) + np.exp(0.5 * preds) / 0.5


def tweedie_right(preds, labels):
    a, b = np.exp(-0.5 * preds), np.exp(0.5 * preds)
    return -labels * a + b, 0.5 * labels * a + 0.5 * b


def tweedie_by_mean(preds, labels):
    mu = np.exp(preds)
    return -labels * mu ** -1.5 + mu ** -0.5, tweedie_right(preds, labels)[1]


objective("Tweedie", tweedie, tweedie_right, tweedie_by_mean, "derivative by exp(preds)", COUNTS)


def pinball(preds, labels):
    e = labels - preds
    return np.where(e > 0, 0.8 * e, -0.2 * e)


def pinball_grad(preds, labels):
    return np.where(labels > preds, -0.8, 0.2)


objective("quantile", pinball,
          lambda preds, labels: (pinball_grad(preds, labels), np.zeros_like(preds)),
          lambda preds, labels: (pinball_grad(preds, labels), np.ones_like(preds)),
          "the constant 1")


def huber(preds, labels):
    r = preds - labels
    return np.where(np.abs(r) <= 1, r**2 / 2, np.abs(r) - 0.5)


def huber_right(preds, labels):
    r = preds - labels
    return np.clip(r, -1, 1), (np.abs(r) <= 1) * 1.0


objective("Huber", huber, huber_right,
          lambda preds, labels: (huber_right(preds, labels)[0], np.ones_like(preds)),
          "the constant 1")


def pseudo_huber(preds, labels):
    return np.sqrt(1 + (preds - labels) ** 2) - 1


def pseudo_huber_right(preds, labels):
    r = preds - labels
    s = 1 + r**2
    return r / np.sqrt(s), 1 / s**1.5


objective("pseudo-Huber", pseudo_huber, pseudo_huber_right,
          lambda preds, labels: (-pseudo_huber_right(preds, labels)[0],
                                 pseudo_huber_right(preds, labels)[1]), "change the sign")


def focal(preds, labels):
    p = sigmoid(preds)
    return -(labels * (1 - p) ** 2 * np.log(p) + (1 - labels) * p**2 * np.log(1 - p))


def focal_right(preds, labels):
    p = sigmoid(preds)
    q = 1 - p
    up = q**2 * (2 * p * np.log(p) - q)
    down = p**2 * (p - 2 * q * np.log(q))
    up2 = p * q**2 * (2 * q * np.log(p) - 4 * p * np.log(p) + 5 * q)
    down2 = q * p**2 * (2 * p * np.log(q) - 4 * q * np.log(q) + 5 * p)
    return labels * up + (1 - labels) * down, labels * up2 + (1 - labels) * down2


def focal_bounded(preds, labels):
    grad, hess = focal_right(preds, labels)
    return np.clip(grad, -0.1, None), hess


objective("focal", focal, focal_right, focal_bounded, "max(derived, -0.1)",
          {"preds": "m", "labels": gp.Array("m", kind="mask")})


def softmax(preds):
    e = np.exp(preds - preds.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def classes(preds, labels):
    Z = preds - preds.max(axis=1, keepdims=True)
    return (np.log(np.exp(Z).sum(axis=1, keepdims=True)) - Z)[np.arange(len(labels)), labels]


def classes_grad(preds, labels):
    grad = softmax(preds)
    grad[np.arange(len(labels)), labels] -= 1
    return grad


MULTI = {"preds": "m k", "labels": gp.Array("m", kind="labels k")}
objective("softmax", classes,
          lambda preds, labels: (classes_grad(preds, labels),
                                 softmax(preds) * (1 - softmax(preds))),
          lambda preds, labels: (classes_grad(preds, labels),
                                 2 * softmax(preds) * (1 - softmax(preds))),
          "multiply by ½", MULTI)


def softmax_blocks(preds, labels):
    p = softmax(preds)
    return classes_grad(preds, labels), np.eye(p.shape[1]) * p[:, :, None] - p[:, :, None] * \
        p[:, None, :]


objective("softmax, a block per sample", classes, softmax_blocks,
          lambda preds, labels: (classes_grad(preds, labels), -softmax_blocks(preds, labels)[1]),
          "change the sign", MULTI)


def ranking(preds, better):
    better = better * (1 - np.eye(len(preds)))
    return np.sum(better * np.log(1 + np.exp(preds[None, :] - preds[:, None])))


def ranking_right(preds, better):
    better = better * (1 - np.eye(len(preds)))
    s = sigmoid(preds[None, :] - preds[:, None])
    lam, rho = better * s, better * s * (1 - s)
    return lam.sum(axis=0) - lam.sum(axis=1), rho.sum(axis=0) + rho.sum(axis=1)


objective("pairwise ranking", ranking, ranking_right,
          lambda preds, better: tuple(2 * part for part in ranking_right(preds, better)),
          "2 × the loss", {"preds": "m", "better": gp.Array("m m", kind="mask")})


def cox(preds, event, risk):
    return event * (np.log(risk @ np.exp(preds)) - preds)


def cox_right(preds, event, risk):
    e = np.exp(preds)
    s = risk @ e
    one, two = e * (risk.T @ (event / s)), e**2 * ((risk**2).T @ (event / s**2))
    return one - event, one - two


def cox_half(preds, event, risk):
    grad, _ = cox_right(preds, event, risk)
    e = np.exp(preds)
    return grad, e * (risk.T @ (event / (risk @ e)))


objective("Cox", cox, cox_right, cox_half, "leaves out",
          {"preds": "m", "event": gp.Array("m", kind="mask"), "risk": positive("m m")})


def square(preds, labels):
    return (preds - labels) ** 2


objective("squared error", square,
          lambda y_true, y_pred: (2 * (y_pred - y_true), 2 + 0 * y_pred),
          lambda y_true, y_pred: (y_pred - y_true, 1 + 0 * y_pred), "½ × the loss")


# --- SciPy ----------------------------------------------------------------------------------------


def rosen(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosen_der(x):
    out = np.zeros_like(x)
    out[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    out[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return out


def rosen_hess(x):
    out = np.diag(-400 * x[:-1], 1) - np.diag(400 * x[:-1], -1)
    main = np.zeros_like(x)
    main[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    main[1:] += 200
    return out + np.diag(main)


def rosen_hess_prod(x, p):
    out = np.zeros_like(x)
    out[:-1] += (1200 * x[:-1] ** 2 - 400 * x[1:] + 2) * p[:-1] - 400 * x[:-1] * p[1:]
    out[1:] += 200 * p[1:] - 400 * x[:-1] * p[:-1]
    return out


def hessian(name, function, right, wrong, cause, inputs, least="proved", **options):
    CASES.append(Case(name, "hessian", function, right, wrong, cause, inputs, least, options))


def jacobian(name, function, right, wrong, cause, inputs, least="proved", **options):
    CASES.append(Case(name, "jacobian", function, right, wrong, cause, inputs, least, options))


hessian("Rosenbrock's Hessian", rosen, {"hess": rosen_hess, "grad": rosen_der},
        {"hess": lambda x: np.triu(rosen_hess(x))}, "the upper triangle", {"x": "n>=2"})
hessian("Rosenbrock's product", rosen, {"hessp": rosen_hess_prod},
        {"hessp": lambda x, p: np.diag(np.diag(rosen_hess(x))) @ p}, "the diagonal of the Hessian",
        {"x": "n>=2"})


def decay(x, t, y):
    return x[0] * np.exp(-x[1] * t) + x[2] - y


def decay_jac(x, t, y):
    e = np.exp(-x[1] * t)
    return np.stack([e, -x[0] * t * e, np.ones_like(t)], axis=1)


CURVE = {"x": "3", "t": "m", "y": "m"}
jacobian("least squares", decay, decay_jac, lambda x, t, y: decay_jac(x, t, y).T, "transpose",
         CURVE)
jacobian("least squares by logarithms", decay, decay_jac, lambda x, t, y: decay_jac(x, t, y) * x,
         "by log x", CURVE)


def peak(t, a, m, s):
    return a * np.exp(-((t - m) ** 2) / (2 * s**2))


def peak_jac(t, a, m, s):
    e = np.exp(-((t - m) ** 2) / (2 * s**2))
    return np.stack([e, a * e * (t - m) / s**2, a * e * (t - m) ** 2 / s**3], axis=1)


jacobian("curve_fit", peak, peak_jac, lambda t, a, m, s: peak_jac(t, a, m, s) * [1, -1, 1],
         "only column 1", {"t": "m", "a": "", "m": "", "s": ""}, wrt=["a", "m", "s"])


def decay_cost(x, t, y):
    r = decay(x, t, y)
    return r @ r / 2


def decay_newton(x, t, y):
    return decay_jac(x, t, y).T @ decay_jac(x, t, y)


def decay_hess(x, t, y):
    r, e = decay(x, t, y), np.exp(-x[1] * t)
    mixed, twice = -np.sum(r * t * e), np.sum(r * x[0] * t**2 * e)
    zero = 0 * mixed
    return decay_newton(x, t, y) + np.array([
        [zero, mixed, zero], [mixed, twice, zero], [zero, zero, zero]])


hessian("nonlinear least squares", decay_cost, {"hess": decay_hess}, {"hess": decay_newton},
        "Gauss-Newton matrix", CURVE)


def flat_logistic(theta, X, y):
    z = X @ theta[:-1] + theta[-1]
    p = sigmoid(z)
    grad = np.concatenate([X.T @ (p - y), np.array([np.sum(p - y)])])
    return np.sum(np.log(1 + np.exp(z)) - y * z), grad


def flat_logistic_hessp(theta, v, X, y):
    s = sigmoid(X @ theta[:-1] + theta[-1])
    u = s * (1 - s) * (X @ v[:-1] + v[-1])
    return np.concatenate([X.T @ u, np.array([np.sum(u)])])


def flat_bound(theta, v, X, y):
    u = (X @ v[:-1] + v[-1]) / 4
    return np.concatenate([X.T @ u, np.array([np.sum(u)])])


hessian("logistic regression, flat", flat_logistic, {"hessp": flat_logistic_hessp},
        {"hessp": flat_bound}, "upper bound", {"theta": "n+1", "X": "m n", "y": "m"})


def ridge_logistic(w, X, y, c):
    z = X @ w
    return np.mean(np.log(1 + np.exp(z)) - y * z) + c * w @ w / 2


def ridge_hess(w, X, y, c):
    s = sigmoid(X @ w)
    return X.T @ (X * (s * (1 - s))[:, None]) / len(y) + c * np.eye(len(w))


hessian("ridge logistic regression", ridge_logistic, {"hess": ridge_hess},
        {"hess": lambda w, X, y, c: X.T @ X / (4 * len(y)) + c * np.eye(len(w))}, "upper bound",
        {"w": "n", "X": "m n", "y": "m", "c": ""})


def roots(w, X, y):
    mu = (X @ w) ** 2
    return np.sum(mu - y * np.log(mu))


def roots_hess(w, X, y):
    z = X @ w
    return X.T @ (X * (2 + 2 * y / z**2)[:, None])


hessian("Poisson regression of a root", roots, {"hess": roots_hess},
        {"hess": lambda w, X, y: 4 * X.T @ X}, "Fisher's information",
        {"w": "n", "X": "m n", "y": positive()})


def factors(U, V, R):
    return np.sum((U @ V.T - R) ** 2) / 2


hessian("matrix factorisation", factors, {
    "grad": lambda U, V, R: (U @ V.T - R) @ V, "hessp": lambda U, P, V, R: P @ V.T @ V},
    {"hessp": lambda U, P, V, R: P @ V.T @ V / R.size}, "multiply by m·n",
    {"U": "m k", "V": "n k", "R": "m n"})


def evidence(theta, D, y):
    K = np.exp(2 * theta[1]) * np.exp(-D / (2 * np.exp(2 * theta[0]))) + np.eye(len(y)) / 10
    return y @ np.linalg.solve(K, y) / 2 + np.linalg.slogdet(K)[1] / 2


def evidence_grad(theta, D, y):
    k = np.exp(2 * theta[1]) * np.exp(-D / (2 * np.exp(2 * theta[0])))
    inverse = np.linalg.inv(k + np.eye(len(y)) / 10)
    a = inverse @ y
    W = inverse - np.outer(a, a)
    return np.array([np.sum(W * k * D) / (2 * np.exp(2 * theta[0])), np.sum(W * k)])


hessian("Gaussian process, by logarithms", evidence, evidence_grad,
        lambda theta, D, y: evidence_grad(theta, D, y) * np.exp(-theta), "by exp(theta)",
        {"theta": "2", "D": gp.Array("n n", kind="symmetric"), "y": "n"}, least="agrees")
CASES[-1] = Case(**{**vars(CASES[-1]), "kind": "gradient"})
