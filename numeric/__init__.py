"""Numbers: finite differences, their error bounds, comparison, and diagnosis by numbers.

This room sees callables and arrays, never equations: it is the witness that shares nothing with the
derivation it is to check. It needs NumPy alone. What it does not do: it proves nothing (it says at
which points, and within which bound), it knows no network, and it writes no reports.

    compare_gradient        a claimed gradient against differences of the loss
    directional_derivative  one derivative of a loss with an error bound
    partial_derivative      the same for one entry
    compare_arrays          two computed arrays up to rounding
    measured_rounding       the rounding error of a gradient function, by extended precision
"""

from .compare import Comparison, compare_gradient
from .differences import Estimate, directional_derivative, partial_derivative
from .judgement import Probe
from .rounding import ArrayComparison, compare_arrays, measured_rounding, rounding_bound

__all__ = [
    "ArrayComparison",
    "Comparison",
    "Estimate",
    "Probe",
    "compare_arrays",
    "compare_gradient",
    "directional_derivative",
    "measured_rounding",
    "partial_derivative",
    "rounding_bound",
]
