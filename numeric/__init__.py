"""Numbers: finite differences, their error bounds, comparison, and diagnosis by numbers.

This room sees callables and arrays, never equations: it is the witness that shares nothing with the
derivation it is to check. It needs NumPy alone. What it does not do: it proves nothing (it says at
which points, and within which bound), it knows no network, and it writes no reports.

    compare          a claimed gradient against differences: `compare_gradient`
    witness          its entries measured within a budget: one by one, or screened and bisected
    partials         derivatives that may be differentiated again: `Slopes`
    differences      one derivative of a loss with an error bound: `derivative_along`
    complex_step     Im f(x + i h v)/h, where the code of f is analytic
    central          the derivative along a line from real evaluations alone
    extrapolation    from quotients at shrinking steps to one value and a bound
    noise            how irregular a loss is: rounding as it is found, jumps
    held             values through which nothing is differentiated
    rounding         two computed arrays up to rounding, and how much a gradient may carry
    evaluation       a loss evaluated: private copies, a count, the defects it can have
    probe            one claimed number against one measured derivative
    diagnose         what turned the true numbers into the claimed ones
    solving          an equation solved by Newton's method
    bounded          a bound, a constant, a diagonal in place of the derivatives
    diagnosis_data   what it is given: both gradients at one or several sizes
    factors          a measured ratio as a small rational times sizes: m/2
    branch_watch     which sides of its branches a program takes: `watched_run`
    branch_search    inputs that take the sides no input took: `Reaching`
"""

from .branch_search import Bounds, Reaching, missing, said
from .branch_watch import Branch, Record, watched_run
from .compare import BUDGET, Comparison, compare_gradient
from .diagnose import diagnose
from .diagnosis_data import Diagnosis
from .differences import Estimate, derivative_along
from .factors import Factor, name_ratios
from .partials import Slopes
from .probe import Probe
from .rounding import measured_rounding, noise_bound, own_noise, rounding_bound

__all__ = [
    "BUDGET",
    "Bounds",
    "Branch",
    "Comparison",
    "Diagnosis",
    "Estimate",
    "Factor",
    "Probe",
    "Reaching",
    "Record",
    "Slopes",
    "compare_gradient",
    "derivative_along",
    "diagnose",
    "measured_rounding",
    "missing",
    "name_ratios",
    "noise_bound",
    "own_noise",
    "rounding_bound",
    "said",
    "watched_run",
]
