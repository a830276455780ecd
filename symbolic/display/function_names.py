"""What functions are called in formulas: ψ for digamma, arccos for acos, σ for the slope of
softplus."""

from __future__ import annotations

from ..functions import ACTIVATIONS, SIGMOID, Opaque
from ..special import HIGHEST, log_gamma

_PSI = {log_gamma(order).__name__: order - 1 for order in range(1, HIGHEST + 1)}
_ARCS = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
_SPELLED = {"gammaln": ("log Γ", r"\log\Gamma"), "ndtri": ("Φ⁻¹", r"\Phi^{-1}"),
            **{f"a{name}": (f"arc{name}", rf"\mathrm{{arc{name}}}") for name in _ARCS},
            **{f"a{name}": (f"arc{name}", rf"\arc{name}") for name in _ARCS[:3]}}
_PLAIN = frozenset({"exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "max", "min"})
"""Functions that LaTeX has a command for."""


def function_name(name: str, latex: bool) -> str:
    """How a function of SymPy's, or of the special ones, is called.

    >>> function_name("digamma", False), function_name("trigamma", True)
    ('ψ', "\\\\psi'")
    """
    if name in _PSI:
        return r"\psi" + "'" * _PSI[name] if latex else "ψ" + "′" * _PSI[name]
    if name in _SPELLED:
        return _SPELLED[name][latex]
    return name if not latex else f"\\{name}" if name in _PLAIN else rf"\mathrm{{{name}}}"


def known_slope(function: type[Opaque]) -> tuple[type[Opaque], int]:
    """A named function and how often it is differentiated: σ for the slope of softplus.

    >>> from ..functions import derivative
    >>> known_slope(derivative(ACTIVATIONS["softplus"]))[0].title
    'sigmoid'
    """
    if function.base is ACTIVATIONS["softplus"] and function.order:
        return SIGMOID, function.order - 1
    return function.base, function.order
