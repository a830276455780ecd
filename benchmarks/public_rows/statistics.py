"""Rows of statsmodels: link functions, variances, robust norms."""

from __future__ import annotations

from collections.abc import Iterator

import gradproof as gp

from .row import Row

REAL = gp.Array("m")
POSITIVE = gp.Array("m", kind="positive")
BELOW_0 = gp.Array("m", kind="interval", high=0)
UNIT = gp.Array("m", kind="interval", low=0, high=1)

LINKS = {
    # link: what p is, what z is (the link's values)
    "Logit": (UNIT, REAL), "Probit": (UNIT, REAL), "Cauchy": (UNIT, REAL), "CLogLog": (UNIT, REAL),
    "LogLog": (UNIT, REAL), "LogC": (UNIT, REAL), "Log": (POSITIVE, REAL),
    "InversePower": (POSITIVE, POSITIVE), "InverseSquared": (POSITIVE, POSITIVE),
    "Sqrt": (POSITIVE, POSITIVE), "NegativeBinomial": (POSITIVE, BELOW_0),
}
METHODS = (("__call__", "deriv"), ("deriv", "deriv2"),
           ("inverse", "inverse_deriv"), ("inverse_deriv", "inverse_deriv2"))
FAMILIES = "statsmodels.genmod.families"


def rows() -> Iterator[Row]:
    for name, kinds in LINKS.items():
        for of, derivative in METHODS:
            kind = {"z" if "inverse" in of else "p": kinds["inverse" in of]}
            yield Row("statsmodels", f"links.{name}.{derivative}", f"{FAMILIES}.links",
                      lambda links, n=name, f=of, g=derivative, k=kind: gp.check_derivative(
                          getattr(getattr(links, n)(), f), getattr(getattr(links, n)(), g), **k))
    for name, kind in (("Power", POSITIVE), ("Binomial", UNIT), ("NegativeBinomial", POSITIVE)):
        yield Row("statsmodels", f"varfuncs.{name}.deriv", f"{FAMILIES}.varfuncs",
                  lambda module, n=name, k=kind: gp.check_derivative(
                      getattr(module, n)().__call__, getattr(module, n)().deriv, mu=k))
    for name in ("LeastSquares", "HuberT", "RamsayE", "AndrewWave", "TrimmedMean", "Hampel",
                 "TukeyBiweight", "TukeyQuartic", "StudentT"):
        for of, derivative in (("rho", "psi"), ("psi", "psi_deriv")):
            yield Row("statsmodels", f"norms.{name}.{derivative}", "statsmodels.robust.norms",
                      lambda norms, n=name, f=of, g=derivative: gp.check_derivative(
                          getattr(getattr(norms, n)(), f), getattr(getattr(norms, n)(), g),
                          z=REAL))
