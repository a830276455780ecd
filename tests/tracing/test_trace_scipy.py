"""SciPy's functions on traced arrays: values, and gradients with them."""

import numpy as np
import pytest
from traced_values import same_values

import gradproof as gp
from gradproof.symbolic.elementwise import SCALARS
from gradproof.symbolic.tracing.run import TraceError, trace

special = pytest.importorskip("scipy.special")
linalg = pytest.importorskip("scipy.linalg")
stats = pytest.importorskip("scipy.stats")
norm = stats.norm

POSITIVE = {"x": gp.Array("n", kind="positive"), "y": gp.Array("n", kind="positive")}
VECTOR, MATRIX, SQUARE = {"x": "n"}, {"x": "m n"}, {"x": "n n"}


def gaussian_process(x):
    K = x @ x.T + np.eye(x.shape[0])
    factor = linalg.cho_factor(K, lower=True)
    upper = linalg.cholesky(K)
    return linalg.cho_solve(factor, x) + linalg.solve_triangular(upper, x) + (
        linalg.solve_triangular(upper, x, trans="T"))


CASES = [
    (lambda x, y: special.gammaln(x) * special.digamma(y) + special.polygamma(2, x), POSITIVE),
    (lambda x, y: special.betaln(x, y) + special.psi(x) + special.loggamma(y), POSITIVE),
    (lambda x, y: special.rel_entr(x, y) + special.kl_div(x, y) + special.entr(x), POSITIVE),
    (lambda x, y: special.xlogy(x, y) + special.xlog1py(x, y), POSITIVE),
    (lambda x, y: special.boxcox(x, y) + special.inv_boxcox(x, y), POSITIVE),
    (lambda x, y: special.multigammaln(x + 2, 3), POSITIVE),
    (lambda x: special.erf(x) + special.erfc(x) * special.erfcx(x) + special.ndtr(x), VECTOR),
    (lambda x: special.log_ndtr(x) + special.exprel(x) + special.expit(x), VECTOR),
    (lambda x: special.log_expit(x) + special.logit(special.expit(x)), VECTOR),
    (lambda x: special.log1p(x**2) + special.expm1(x) + special.cbrt(x) + special.exp10(x), VECTOR),
    (lambda x: special.huber(1.0, 2 * x) + special.pseudo_huber(2.0, x), VECTOR),
    (lambda x: special.logsumexp(x) + special.logsumexp(x, axis=0), MATRIX),
    (lambda x: special.logsumexp(x, axis=1, keepdims=True, b=x**2), MATRIX),
    (lambda x: special.softmax(x, axis=1) + special.log_softmax(x, axis=0), MATRIX),
    (lambda x: special.softmax(x), MATRIX), (gaussian_process, SQUARE),
    (lambda x: linalg.solve(x + 9 * np.eye(len(x)), x) * linalg.det(x) + linalg.norm(x), SQUARE),
    (lambda x: linalg.block_diag(x, x.T), {"x": "2 3"}),
    (lambda x: norm.logpdf(x, 1, 2) + norm.pdf(x) + norm.cdf(x) * norm.sf(x, scale=3.0), VECTOR),
    (lambda x: norm.logcdf(x, loc=x[0]), VECTOR),
    # Its own standard functions, which packages call.
    (lambda x: norm._pdf(x) / norm._cdf(x) + norm._ppf(special.expit(x)) * norm._sf(x), VECTOR),
    (lambda x: norm.ppf(special.expit(x), 1.0, 2.0) + special.ndtri(special.expit(3 * x)), VECTOR),
    (lambda x: special.erfinv(np.tanh(x)) + special.erfcinv(1 + np.tanh(x)), VECTOR),
    *((lambda x, law=law: law.cdf(x, 0.5) * law.pdf(x, scale=2.0) + law.logpdf(x) + law.logcdf(x)
       + law.ppf(special.expit(x)), VECTOR)
      for law in (stats.norm, stats.cauchy, stats.logistic, stats.gumbel_r, stats.gumbel_l)),
]


@pytest.mark.parametrize(("function", "inputs"), CASES, ids=list(map(str, range(len(CASES)))))
def test_the_equations_compute_what_scipy_computes(function, inputs):
    same_values(function, inputs)


def mixture_gradient(x, y):
    return -norm.pdf(x) * y / norm.cdf(x)


RIGHT = {
    "gamma likelihood, by its shape": (
        lambda x, y: np.sum(special.gammaln(x) - (x - 1) * np.log(y) + y),
        lambda x, y: special.digamma(x) - np.log(y), POSITIVE),
    "negative binomial, by its size": (
        lambda x, y: -np.sum(special.gammaln(x + y) - special.gammaln(x) + x * np.log(x / (x + 1))),
        lambda x, y: -special.digamma(x + y) + special.digamma(x) - np.log(x / (x + 1)) - 1 / (
            x + 1), POSITIVE),
    "digamma": (lambda x, y: np.sum(special.digamma(x) * y),
                lambda x, y: special.polygamma(1, x) * y, POSITIVE),
    "probit": (lambda x, y: -np.sum(y * np.log(special.ndtr(x))),
               lambda x, y: -y * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) / special.ndtr(x),
               {"x": "n", "y": "n"}),
    "relative entropy": (lambda x, y: np.sum(special.rel_entr(x, y)),
                         lambda x, y: np.log(x / y) + 1, POSITIVE),
    "log sum exp": (lambda x, y: np.sum(special.logsumexp(x, axis=1) * y),
                    lambda x, y: special.softmax(x, axis=1) * y[:, None], {"x": "m k", "y": "m"}),
    "log softmax": (lambda x, y: -np.sum(special.log_softmax(x, axis=1) * y),
                    lambda x, y: special.softmax(x, axis=1) * y.sum(axis=1, keepdims=True) - y,
                    {"x": "m k", "y": "m k"}),
    "normal density": (lambda x, y: -np.sum(norm.logpdf(x, y, 2.0)), lambda x, y: (x - y) / 4,
                       {"x": "n", "y": "n"}),
    "probit link": (
        lambda x, y: np.sum(norm.ppf(x) * y), lambda x, y: y / norm.pdf(norm.ppf(x)),
        {"x": gp.Array("n", kind="interval", low=0, high=1), "y": "n"}),
    "cauchy density": (lambda x, y: np.sum(stats.cauchy.cdf(x) * y),
                       lambda x, y: stats.cauchy.pdf(x) * y, {"x": "n", "y": "n"}),
    "arcsine": (lambda x, y: np.sum(np.arcsin(x) * y), lambda x, y: y / np.sqrt(1 - x**2),
                {"x": gp.Array("n", kind="interval", low=-1, high=1), "y": "n"}),
}


@pytest.mark.parametrize(("loss", "gradient", "inputs"), RIGHT.values(), ids=RIGHT)
def test_right_gradients_are_proved(loss, gradient, inputs):
    result = gp.check(loss, gradient, wrt=["x"], inputs=inputs, repair_seconds=0)
    assert result.verdict == "proved", str(result)


@pytest.mark.parametrize(("loss", "gradient", "inputs"), RIGHT.values(), ids=RIGHT)
def test_with_a_wrong_factor_they_are_refuted(loss, gradient, inputs):
    def wrong(x, y):
        return gradient(x, y) * (1 + y.mean() ** 2)

    assert gp.check(loss, wrong, wrt=["x"], inputs=inputs, repair_seconds=0).verdict == "refuted"


@pytest.mark.parametrize(("function", "message"), [
    (special.i1, "scipy.special.i1 is not traced"),
    (lambda x: linalg.expm(x), "needed here|not traced|loop over"),
    (lambda x: special.polygamma(x, x), "a number as its first"),
    (lambda x: stats.gamma.cdf(x, 2.0), "needed here"),
    (lambda x: special.logsumexp(x, return_sign=True), "return_sign"),
])
def test_what_is_not_traced_is_explained(function, message):
    with pytest.raises(TraceError, match=message):
        trace(lambda x: function(x), {"x": "n n"})


def test_texts_know_the_gamma_function_too():
    derivation = gp.derive(gp.equations("L = sum(gammaln(x))", x="n"), ["x"])
    x = np.array([0.5, 2.0, 7.5])
    loss, gradients = derivation.compile()(x=x)
    np.testing.assert_allclose(loss, special.gammaln(x).sum(), 1e-12)
    np.testing.assert_allclose(gradients["x"], special.digamma(x), 1e-12)
    source: dict = {}
    exec(derivation.numpy_source(), source)
    np.testing.assert_allclose(source["gradient"](x)[1]["x"], special.digamma(x), 1e-12)
    assert {"gammaln", "digamma", "erfc", "arcsin"} <= SCALARS.keys()


def test_methods_of_distributions_take_numbers():
    def loss(x):
        return np.sum(x ** 2) * stats.cauchy.cdf(1.0)

    assert gp.check(loss, lambda x: 1.5 * x, wrt=["x"], x="n").verdict == "proved"


PROGRAM = """
def residuals(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])

def jac(x):
    return np.array([[-20 * x[0], 10], [-1, 0]])
"""


@pytest.mark.parametrize(("module", "verdict"), [
    ("scipy.optimize.tests.test_made", "proved"), ("scipy.optimize._made", "agrees")])
def test_tests_that_a_package_ships_are_programs_that_use_it(module, verdict):
    names = {"np": np, "__name__": module}
    exec(PROGRAM, names)
    assert gp.check_jacobian(names["residuals"], names["jac"], x="2").verdict == verdict


def valley(x):
    """As SciPy has its own test functions: in a module of its own, of whole arrays."""
    return np.sum((x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_a_function_of_scipys_that_computes_with_arrays_is_traced_as_it_stands(monkeypatch):
    monkeypatch.setattr(valley, "__module__", "scipy.optimize._valley")
    same_values(lambda x: valley(x) * 2, {"x": "5"})


def test_a_right_gradient_is_not_refuted_by_differences_across_a_bound():
    """The slope of the normal quantile's slope, at the bound that keeps it finite: no difference of
    the loss has digits there."""
    tiny = np.finfo(float).eps

    def loss(p):
        z = special.ndtri(np.clip(p, tiny, 1 - tiny))
        return np.sum(np.sqrt(2 * np.pi) * np.exp(z**2 / 2))

    def gradient(p):
        z = special.ndtri(np.clip(p, tiny, 1 - tiny))
        return 2 * np.pi * z * np.exp(z**2)

    p = gp.Array("m", kind="interval", low=0, high=1)
    assert gp.check(loss, gradient, p=p).verdict in ("proved", "undecided")
    assert gp.check(loss, lambda p: gradient(p) * (1 + 1e-6), p=p,
                    repair_seconds=0).verdict == "refuted"
