"""gradproof: derive backpropagation by machine, and prove hand-written gradients right or wrong.

    >>> import gradproof as gp
    >>> net = gp.Network(sizes=[2, 2, 1], output="sigmoid", batch=False)
    >>> print(gp.derive(net).gradients["W2"])
    ∂L/∂W⁽²⁾ = a⁽¹⁾ᵀ δ⁽²⁾

The names below are the whole public interface.  They are imported when they are first used, so
that ``import gradproof`` does not wait for SymPy.  Where they live, and the other ways in:

    derivations/   what is derived, and from what: equations as text, a traced function, a spec
    modules/       `derive`: those, and PyTorch's modules and functions as they are
    checks/        `check`, `check_layer`, the assertions
    repair/        edits of a hand-written program that make it right
    limits/        time and memory: calls that are ended, processes of their own
    claims/        claims of a text, held against the derivation
    embedding/     `embed`: markers in documents
    formats/       findings as JSON, JUnit, SARIF, Gradescope's results, annotations
    programs/      scripts, classes and notebooks that train
    training/      training with generated code
    cli            the command line
    audit_command  ``gradproof audit``: what it prints, and its exit code
    check_command  ``gradproof check``: what it prints, and its exit code
    codegen_command  ``gradproof codegen``, likewise
    embed_command  ``gradproof embed``, likewise
    train_command  ``gradproof train``, likewise
    run_command    ``gradproof run`` and ``gradproof examples``, likewise
    checking_runs  what is checked before an example is trained
    studying       examples that are worked
    reporting      ``gradproof report``: derivation, program and check handed to `reports`
    report_runs    what a report shows of running the generated program
    terminal       exit codes, and what somebody at a terminal is told
    pytest_plugin  gradients as tests
    ipython_ext    the cell magic %%gradproof
    sphinx_ext     formulas and numbers in a Sphinx site
    markdown_ext   formulas and numbers in Python-Markdown and MkDocs
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradproof.checks.asserting import assert_gradient as assert_gradient
    from gradproof.checks.asserting import assert_hessian as assert_hessian
    from gradproof.checks.asserting import assert_jacobian as assert_jacobian
    from gradproof.checks.asserting import assert_layer as assert_layer
    from gradproof.checks.asserting import assert_objective as assert_objective
    from gradproof.checks.functions import check as check
    from gradproof.checks.hand_files import backward_of as backward_of
    from gradproof.checks.hand_files import derivative_of as derivative_of
    from gradproof.checks.hand_files import gradient_of as gradient_of
    from gradproof.checks.hand_files import layer as layer
    from gradproof.checks.layers import check_derivative as check_derivative
    from gradproof.checks.layers import check_layer as check_layer
    from gradproof.checks.orders.boosting import check_objective as check_objective
    from gradproof.checks.orders.derivatives import check_hessian as check_hessian
    from gradproof.checks.orders.derivatives import check_jacobian as check_jacobian
    from gradproof.checks.results import Check as Check
    from gradproof.checks.results import CheckResult as CheckResult
    from gradproof.checks.returned import LayerError as LayerError
    from gradproof.claims.files import audit as audit
    from gradproof.derivations.declare import Array as Array
    from gradproof.derivations.derivation import Derivation as Derivation
    from gradproof.derivations.formula import Formula as Formula
    from gradproof.derivations.solving import fixed_point as fixed_point
    from gradproof.derivations.solving import grad as grad
    from gradproof.derivations.solving import minimizer as minimizer
    from gradproof.derivations.solving import root as root
    from gradproof.derivations.solving import stop_gradient as stop_gradient
    from gradproof.derivations.sources import equations as equations
    from gradproof.derivations.sources import load as load
    from gradproof.derivations.sources import trace as trace
    from gradproof.embedding.documents import embed as embed
    from gradproof.modules.deriving import derive as derive
    from gradproof.symbolic.equation import EquationError as EquationError
    from gradproof.symbolic.specs.model import Model as Model
    from gradproof.symbolic.specs.network import Network as Network
    from gradproof.symbolic.specs.network import NetworkError as NetworkError
    from gradproof.symbolic.specs.reader import SpecError as SpecError

__version__ = "0.1.0"

_HOMES = {
    "Array": "gradproof.derivations.declare",
    "Check": "gradproof.checks.results",
    "CheckResult": "gradproof.checks.results",
    "Derivation": "gradproof.derivations.derivation",
    "EquationError": "gradproof.symbolic.equation",
    "Formula": "gradproof.derivations.formula",
    "LayerError": "gradproof.checks.returned",
    "Model": "gradproof.symbolic.specs.model",
    "Network": "gradproof.symbolic.specs.network",
    "NetworkError": "gradproof.symbolic.specs.network",
    "SpecError": "gradproof.symbolic.specs.reader",
    "assert_gradient": "gradproof.checks.asserting",
    "assert_hessian": "gradproof.checks.asserting",
    "assert_jacobian": "gradproof.checks.asserting",
    "assert_layer": "gradproof.checks.asserting",
    "assert_objective": "gradproof.checks.asserting",
    "audit": "gradproof.claims.files",
    "backward_of": "gradproof.checks.hand_files",
    "check": "gradproof.checks.functions",
    "check_derivative": "gradproof.checks.layers",
    "check_hessian": "gradproof.checks.orders.derivatives",
    "check_jacobian": "gradproof.checks.orders.derivatives",
    "check_layer": "gradproof.checks.layers",
    "check_objective": "gradproof.checks.orders.boosting",
    "derivative_of": "gradproof.checks.hand_files",
    "derive": "gradproof.modules.deriving",
    "embed": "gradproof.embedding.documents",
    "equations": "gradproof.derivations.sources",
    "fixed_point": "gradproof.derivations.solving",
    "grad": "gradproof.derivations.solving",
    "gradient_of": "gradproof.checks.hand_files",
    "layer": "gradproof.checks.hand_files",
    "load": "gradproof.derivations.sources",
    "minimizer": "gradproof.derivations.solving",
    "root": "gradproof.derivations.solving",
    "stop_gradient": "gradproof.derivations.solving",
    "trace": "gradproof.derivations.sources",
}

__all__ = ["__version__", *_HOMES]


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext gradproof`` in a notebook."""
    from gradproof.ipython_ext import load

    load(shell)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gradproof' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
