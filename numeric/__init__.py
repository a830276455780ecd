"""Numbers: finite differences, their error bounds, comparison, and diagnosis by numbers.

This room sees callables and arrays, never equations: it is the witness that shares nothing with the
derivation it is to check. It needs NumPy alone. What it does not do: it proves nothing (it says at
which points, and within which bound), it knows no network, and it writes no reports.

    compare_gradient        a claimed gradient against differences of the loss
    directional_derivative  one derivative of a loss with an error bound
    partial_derivative      the same for one entry
    compare_arrays          two computed arrays up to rounding
    measured_rounding       the rounding error of a gradient function, by extended precision
    own_noise               how irregular a gradient function is: its lost digits
    diagnose                what turned the true numbers into the claimed ones
    watched_run             which sides of its branches a program takes
    Reaching                a search for inputs that take the others
"""

from .branch_search import Reaching, missing, said
from .branch_watch import Record, watched_run
from .compare import BUDGET, Comparison, compare_gradient
from .diagnose import diagnose
from .diagnosis_data import Diagnosis
from .differences import Estimate, directional_derivative, partial_derivative
from .factors import Factor, name_ratios
from .probe import Probe
from .rounding import ArrayComparison, compare_arrays, measured_rounding, own_noise, rounding_bound

__all__ = [
    "BUDGET",
    "ArrayComparison",
    "Comparison",
    "Diagnosis",
    "Estimate",
    "Factor",
    "Probe",
    "Reaching",
    "Record",
    "compare_arrays",
    "compare_gradient",
    "diagnose",
    "directional_derivative",
    "measured_rounding",
    "missing",
    "name_ratios",
    "own_noise",
    "partial_derivative",
    "rounding_bound",
    "said",
    "watched_run",
]
