"""Rows with a mistake in them: a line of the package's text is changed in a copy, for the time of
the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from . import networks, solvers, statistics
from .row import Edit, Row

EDITS = (
    # a row's package and name, the text as it stands, the text as it is put, which of its places
    ("statsmodels", "links.Logit.deriv2", Edit("(2 * p - 1) / v**2", "(2 * p - 1) / v")),
    ("statsmodels", "links.Logit.inverse_deriv", Edit("t / (1 + t) ** 2", "t / (1 + t)")),
    ("statsmodels", "links.CLogLog.deriv2", Edit("d2 *= 1 + 1 / fl", "d2 *= 1 - 1 / fl")),
    ("statsmodels", "links.InverseSquared.deriv2", Edit(
        "self.power * (self.power - 1) * np.power(p, self.power - 2)",
        "self.power * (self.power - 1) * np.power(p, self.power - 1)")),
    ("statsmodels", "varfuncs.NegativeBinomial.deriv", Edit(
        "return 1 + 2 * self.alpha * p", "return 1 + self.alpha * p")),
    ("statsmodels", "norms.RamsayE.psi_deriv", Edit(
        "dx = -a * x * np.sign(z)", "dx = -x * np.sign(z)")),
    ("statsmodels", "norms.StudentT.psi_deriv", Edit("- 2 * df * x**2", "- df * x**2")),
    ("statsmodels", "Logit.score", Edit(
        "return np.dot(y - fitted, X)", "return np.dot(fitted - y, X)")),
    ("statsmodels", "Logit.hessian", Edit(
        "return -np.dot(L * (1 - L) * X.T, X)", "return -np.dot(L * X.T, X)")),
    ("numpy-ml", "BatchNorm1D", Edit(
        "dIntercept = dLdy.sum(axis=0)", "dIntercept = dLdy.mean(axis=0)", nth=1)),
    ("numpy-ml", "FullyConnected", Edit(
        "dZ = dLdy * self.act_fn.grad(Z)", "dZ = dLdy * self.act_fn.grad(X @ W)")),
    ("numpy-ml", "SoftPlus.grad2", Edit(
        "return exp_x / ((exp_x + 1) ** 2)", "return exp_x / ((exp_x + 1))")),
    ("maji-nn", "Sigmoid", Edit(
        "dvalues * (1 - self.output) * self.output", "dvalues * (1 - self.output)")),
    ("mpneuralnetwork", "BatchNormalization", Edit(
        "- xp.sum(dx_norm, axis=0, keepdims=True, dtype=DTYPE)",
        "- xp.mean(dx_norm, axis=0, keepdims=True, dtype=DTYPE)")),
    ("neuralnetlib", "GELU.derivative", Edit("(1 + 3 * 0.044715 * x**2)",
                                             "(1 + 0.044715 * x**2)")),
    ("neuralnetlib", "KullbackLeiblerDivergence", Edit(
        "0.5 * (np.exp(log_var) - 1) / n", "0.5 * np.exp(log_var) / n")),
)


def rows() -> Iterator[Row]:
    right = {(row.package, row.what): row for table in (networks, solvers, statistics)
             for row in table.rows()}
    for package, what, edit in EDITS:
        yield replace(right[package, what], what=f"{what}, a mistake put in", edit=edit)
