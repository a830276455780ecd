"""gradproof: derive backpropagation by machine, and prove hand-written gradients right or wrong.

    >>> import gradproof as gp
    >>> net = gp.Network(sizes=[2, 2, 1], output="sigmoid", batch=False)
    >>> print(gp.derive(net).gradients["W2"])
    ∂L/∂W⁽²⁾ = a⁽¹⁾ᵀ δ⁽²⁾

The names below are the whole public interface.  They are imported when they are first used, so
that ``import gradproof`` does not wait for SymPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradproof.arrays import Array
    from gradproof.asserting import assert_gradient, assert_layer
    from gradproof.checking import check
    from gradproof.derivation import Derivation, Formula, derive
    from gradproof.doors import equations, load, trace
    from gradproof.embedding import embed
    from gradproof.layer_gradients import LayerError
    from gradproof.layers import check_layer
    from gradproof.marks import gradient_of
    from gradproof.results import Check, CheckResult
    from gradproof.symbolic.equation import EquationError
    from gradproof.symbolic.model import Model
    from gradproof.symbolic.network import Network, NetworkError
    from gradproof.symbolic.spec import SpecError

__version__ = "0.1.0"

_HOMES = {
    "Array": "gradproof.arrays",
    "Check": "gradproof.results",
    "CheckResult": "gradproof.results",
    "Derivation": "gradproof.derivation",
    "EquationError": "gradproof.symbolic.equation",
    "Formula": "gradproof.derivation",
    "LayerError": "gradproof.layer_gradients",
    "Model": "gradproof.symbolic.model",
    "Network": "gradproof.symbolic.network",
    "NetworkError": "gradproof.symbolic.network",
    "SpecError": "gradproof.symbolic.spec",
    "assert_gradient": "gradproof.asserting",
    "assert_layer": "gradproof.asserting",
    "check": "gradproof.checking",
    "check_layer": "gradproof.layers",
    "derive": "gradproof.derivation",
    "embed": "gradproof.embedding",
    "equations": "gradproof.doors",
    "gradient_of": "gradproof.marks",
    "load": "gradproof.doors",
    "trace": "gradproof.doors",
}

__all__ = [
    "Array",
    "Check",
    "CheckResult",
    "Derivation",
    "EquationError",
    "Formula",
    "LayerError",
    "Model",
    "Network",
    "NetworkError",
    "SpecError",
    "__version__",
    "assert_gradient",
    "assert_layer",
    "check",
    "check_layer",
    "derive",
    "embed",
    "equations",
    "gradient_of",
    "load",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gradproof' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
