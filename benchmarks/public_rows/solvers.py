"""Rows of likelihoods, objectives, penalties and kernels: SciPy, statsmodels, scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import gradproof as gp

from .row import Row

MASK = gp.Array("m", kind="mask")
POSITIVE = gp.Array("m", kind="positive")


def rows() -> Iterator[Row]:
    for table in (scipy, likelihoods, penalties, scikit_learn):
        yield from table()


def scipy() -> Iterator[Row]:
    def row(what: str, module: str, check: Callable[[Any], Any]) -> Row:
        return Row("scipy", what, module, check)

    optimize = "scipy.optimize"
    yield row("rosen_der", optimize,
              lambda s: gp.check(s.rosen, s.rosen_der, wrt=["x"], x="n>=3"))
    yield row("rosen_hess, rosen_hess_prod", optimize,
              lambda s: gp.check_hessian(s.rosen, s.rosen_hess, hessp=s.rosen_hess_prod, x="n>=3"))
    tests = f"{optimize}.tests"
    yield row("himmelblau_grad, _hess", f"{tests}.test_optimize",
              lambda t: gp.check_hessian(t.himmelblau, t.himmelblau_hess, grad=t.himmelblau_grad,
                                         p="2"))
    yield row("func2d", f"{tests}.test__basinhopping",
              lambda t: gp.check_layer(t.func2d, x="2"))
    yield row("func2d_easyderiv", f"{tests}.test__basinhopping",
              lambda t: gp.check_layer(t.func2d_easyderiv, x="2"))
    for name, shape in (("rosenbrock", "2"), ("rosenbrock_cropped", "2"), ("2d_trivial", "2")):
        yield row(f"jac_{name}", f"{tests}.test_least_squares",
                  lambda t, n=name, s=shape: gp.check_jacobian(
                      getattr(t, f"fun_{n}"), getattr(t, f"jac_{n}"), x=s))

    def fitting(t: Any) -> Any:
        problem = t.ExponentialFittingProblem(1.0, 2.0, 0.1, rng=0)
        return gp.check_jacobian(problem.fun, problem.jac, p="2")

    yield row("ExponentialFittingProblem.jac", f"{tests}.test_least_squares", fitting)
    for name, shape in (("Maratos", "2"), ("HyperbolicIneq", "2"), ("Rosenbrock", "n>=3")):
        def constrained(t: Any, n: str = name, s: str = shape) -> Any:
            problem = getattr(t, n)()
            return gp.check_hessian(problem.fun, problem.hess, grad=problem.grad, x=s)
        yield row(f"{name}.grad, .hess", f"{tests}.test_minimize_constrained", constrained)

    def entropy(t: Any) -> Any:
        problem = t.CheckOptimize()
        problem.setup_method()
        return gp.check(problem.func, problem.grad, wrt=["x"], x="3")

    yield row("CheckOptimize.grad", f"{tests}.test_optimize", entropy)
    yield row("odr: exponential, by B", "scipy.odr._models",
              lambda o: gp.check_jacobian(o._exp_fcn, lambda B, x: o._exp_fjb(B, x).T,
                                          B="2", x="m", wrt="B"))
    yield row("odr: multilinear, by B", "scipy.odr._models",
              lambda o: gp.check_jacobian(o._lin_fcn, lambda B, x: o._lin_fjb(B, x).T,
                                          B="3", x="2 m", wrt="B"))
    yield row("odr: exponential, by x", "scipy.odr._models",
              lambda o: gp.check_derivative(partial(_second, o._exp_fcn),
                                            partial(_second, o._exp_fjd), wrt=["x"],
                                            x="m", B=gp.Array("2", kind="constant")))


def _second(function: Callable[..., Any], x: Any, B: Any) -> Any:
    return function(B, x)


def bare(kind: Any, **attributes: Any) -> Any:
    """An object of a class without a call of its constructor, which would look at the values."""
    made = kind.__new__(kind)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def likelihoods() -> Iterator[Row]:
    discrete = "statsmodels.discrete.discrete_model"

    def method(kind: Any, name: str) -> Callable[..., Any]:
        def of_params(params: Any, exog: Any, endog: Any) -> Any:
            return getattr(bare(kind, exog=exog, endog=endog), name)(params)
        return of_params

    def score(module: Any, name: str, endog: Any) -> Any:
        kind = getattr(module, name)
        return gp.check(method(kind, "loglike"), method(kind, "score"), wrt=["params"],
                        params="n", exog="m n", endog=endog)

    def hessian(module: Any, name: str, endog: Any) -> Any:
        kind = getattr(module, name)
        return gp.check_hessian(method(kind, "loglike"), method(kind, "hessian"),
                                params="n", exog="m n", endog=endog)

    def each(module: Any, name: str, endog: Any) -> Any:
        kind = getattr(module, name)
        return gp.check_jacobian(method(kind, "loglikeobs"), method(kind, "score_obs"),
                                 params="n", exog="m n", endog=endog, wrt="params")

    for name, endog in (("Logit", MASK), ("Poisson", POSITIVE), ("Probit", MASK)):
        for what, check in (("score", score), ("hessian", hessian), ("score_obs", each)):
            yield Row("statsmodels", f"{name}.{what}", discrete,
                      partial(_called, check, name=name, endog=endog))

    def ols(kind: Any, name: str) -> Callable[..., Any]:
        def of_params(params: Any, exog: Any, endog: Any) -> Any:
            model = bare(kind, exog=exog, endog=endog, wexog=exog, wendog=endog,
                         nobs=exog.shape[0])
            return getattr(model, name)(params)
        return of_params

    yield Row("statsmodels", "OLS.score", "statsmodels.regression.linear_model",
              lambda module: gp.check(ols(module.OLS, "loglike"), ols(module.OLS, "score"),
                                      wrt=["params"], params="n", exog="m n", endog="m"))
    # half of what it should be in the first of its two terms
    yield Row("statsmodels", "OLS.hessian", "statsmodels.regression.linear_model",
              lambda module: gp.check_hessian(ols(module.OLS, "loglike"),
                                              ols(module.OLS, "hessian"),
                                              params="n", exog="m n", endog="m"),
              known=("hm = self",))


def _called(check: Callable[..., Any], module: Any, **given: Any) -> Any:
    return check(module, **given)


def penalties() -> Iterator[Row]:
    made: dict[str, dict[str, Any]] = {
        "L2": {}, "L2Univariate": {}, "PseudoHuber": {"dlt": 0.7}, "SCAD": {"tau": 0.5},
        "SCADSmoothed": {"tau": 0.5}}
    for name, options in made.items():
        def check(module: Any, n: str = name, o: dict[str, Any] = options) -> Any:
            penalty = getattr(module, n)(**o)
            def value(params: Any) -> Any:
                return np.sum(penalty.func(params))
            return gp.check(value, penalty.deriv, wrt=["params"], params="n")

        yield Row("statsmodels", f"penalties.{name}.deriv", "statsmodels.base._penalties", check)


def scikit_learn() -> Iterator[Row]:
    package, kernels = "scikit-learn", "sklearn.gaussian_process.kernels"
    yield Row(package, "HuberRegressor, loss and gradient", "sklearn.linear_model._huber",
              lambda s: gp.check_layer(
                  s._huber_loss_and_gradient, w=gp.Array("n+1", kind="positive"), X="m n", y="m",
                  epsilon=1.35, alpha=0.1, sample_weight=gp.Array("m", kind="positive"),
                  wrt=["w"]))

    def nca(module: Any) -> Any:
        model = module.NeighborhoodComponentsAnalysis()
        model.n_iter_ = 1
        return gp.check_layer(model._loss_grad_lbfgs, transformation="6", X="5 3",
                              same_class_mask=gp.Array("5 5", kind="mask"), sign=-1.0,
                              wrt=["transformation"])

    yield Row(package, "NeighborhoodComponentsAnalysis", "sklearn.neighbors._nca", nca)

    def activation(module: Any, name: str) -> Any:
        def forward(X: Any) -> Any:
            Z = X.copy()
            module.ACTIVATIONS[name](Z)
            return Z, Z

        def backward(dout: Any, Z: Any) -> Any:
            delta = dout.copy()
            module.DERIVATIVES[name](Z, delta)
            return delta

        return gp.check_layer(forward, backward, X="m n")

    for name in ("identity", "logistic", "tanh", "relu"):
        yield Row(package, f"MLP: {name}", "sklearn.neural_network._base",
                  partial(_called, activation, name=name))

    def kernel(make: Callable[[Any], Any], size: int) -> Callable[[Any], Any]:
        def check(module: Any) -> Any:
            made = make(module)
            return gp.check_jacobian(
                lambda theta, X: made.clone_with_theta(theta)(X),
                lambda theta, X: made.clone_with_theta(theta)(X, eval_gradient=True)[1],
                theta=str(size), X="4 3", wrt="theta")
        return check

    for what, make, size in (
            ("RBF", lambda k: k.RBF(), 1), ("ConstantKernel", lambda k: k.ConstantKernel(), 1),
            ("WhiteKernel", lambda k: k.WhiteKernel(), 1),
            ("DotProduct", lambda k: k.DotProduct(), 1),
            ("RationalQuadratic", lambda k: k.RationalQuadratic(), 2),
            ("ExpSineSquared", lambda k: k.ExpSineSquared(), 2),
            ("Constant * DotProduct + White",
             lambda k: k.ConstantKernel() * k.DotProduct() + k.WhiteKernel(), 3)):
        yield Row(package, f"kernels: {what}", kernels, kernel(make, size))
