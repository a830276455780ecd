"""Numbers: finite differences, their error bounds, comparison, and diagnosis by numbers.

This room sees callables and arrays, never equations: it is the witness that shares nothing with the
derivation it is to check. It needs NumPy alone. What it does not do: it proves nothing (it says at
which points, and within which bound), it knows no network, and it writes no reports.

    compare_gradient        a claimed gradient against differences of the loss
    derivative_along        one derivative of a loss with an error bound
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
from .differences import Estimate, derivative_along
from .factors import Factor, name_ratios
from .probe import Probe
from .rounding import measured_rounding, own_noise, rounding_bound

__all__ = [
    "BUDGET",
    "Comparison",
    "Diagnosis",
    "Estimate",
    "Factor",
    "Probe",
    "Reaching",
    "Record",
    "compare_gradient",
    "derivative_along",
    "diagnose",
    "measured_rounding",
    "missing",
    "name_ratios",
    "own_noise",
    "rounding_bound",
    "said",
    "watched_run",
]
