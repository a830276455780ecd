"""The functions that a text calls: NumPy's own, and those it brings along above the gradient."""

from __future__ import annotations

import inspect
import textwrap

from ..symbolic.display.layout import ATOM, POW, Piece
from ..symbolic.equation import slot
from ..symbolic.functions import SIGMOID, STEP, A, Opaque, Z, in_output, in_sigmoid
from ..symbolic.rationals import factored
from ..symbolic.special import HIGHEST, log_gamma
from .identifiers import identifier
from .lean import error_functions
from .names import Names
from .numpy_style import NumPyStyle


def _source(*names: str) -> str:
    """Error functions of NumPy alone, as a text."""
    source = "\n\n".join(inspect.getsource(getattr(error_functions, name)) for name in names)
    return source.replace(": Any", "").replace(" -> Any", "").replace("\n\n\n", "\n\n")


def _or_without_scipy(name: str) -> str:
    """SciPy's error function, and one of NumPy alone where there is no SciPy."""
    own = _source("rational", "erf_below_half", "erfc_above_half", name)
    return (f"try:\n    from scipy.special import {name}\nexcept ImportError:\n"
            f"{textwrap.indent(own.rstrip(), '    ')}\n")


SOURCES: dict[str, str] = {
    "sigmoid": '''\
def sigmoid(z):
    """1/(1 + exp(-z)); exp is taken of -|z| alone, so nothing overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)
''',
    "softplus_ratio": '''\
def softplus_ratio(z):
    """log(1 + exp(z)) (1 + exp(-z)), and its limit 1 where z is far below 0."""
    return np.where(z < -37, 1, np.logaddexp(0, z) * (1 + np.exp(-np.maximum(z, -37))))
''',
    **{name: _or_without_scipy(name) for name in ("erf", "erfc")},
    **{name: _source("rational", "erf_below_half", "erfc_above_half", "erfc", "erfc_tail", name)
       for name in ("log_erfc", "erfc_ratio")},
    "xlogx": '''\
def xlogx(z):
    """z log z, and its limit 0 at z = 0."""
    return z * np.log(np.where(z > 0, z, 1))
''',
    "softmax": '''\
def softmax(z, axis=-1):
    """exp(z) / sum(exp(z)) along an axis; the largest entry is taken out first."""
    powers = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)
''',
    "log_softmax": '''\
def log_softmax(z, axis=-1):
    """The logarithm of softmax(z), finite where that underflows."""
    below = z - np.max(z, axis=axis, keepdims=True)
    return below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True))
''',
    "logsumexp": '''\
def logsumexp(z, axis):
    """log of the sum of exp(z) over an axis; the largest entry is taken out first."""
    top = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(z - top), axis=axis))
''',
    **{name: f"from scipy.special import {name}\n" for name in ("gammaln", "digamma", "ndtri")},
    **{log_gamma(order).__name__: f'''\
from scipy.special import polygamma


def {log_gamma(order).__name__}(z):
    """Derivative {order} of log |Γ|."""
    return polygamma({order - 1}, z)
''' for order in range(2, HIGHEST)},
    "windows": '''\
def windows(x, axis, lengths, steps, shift):
    """x[..., s*i + t*u + shift, ...] on two axes, of i and u, and 0 beyond the ends of x."""
    places = steps[0] * np.arange(lengths[0])[:, None] + steps[1] * np.arange(lengths[1]) + shift
    low = -places.min(initial=0)
    high = max(0, places.max(initial=0) + 1 - x.shape[axis])
    ends = [(low, high) if place == axis else (0, 0) for place in range(x.ndim)]
    x = np.pad(x, ends)[(slice(None),) * axis + (slice(shift + low, None),)]
    along = x.strides[axis]
    shape = x.shape[:axis] + lengths + x.shape[axis + 1:]
    strides = x.strides[:axis] + (along * steps[0], along * steps[1]) + x.strides[axis + 1:]
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
''',
    "overlap": '''\
def overlap(count, step, shift, size):
    """The i < count with 0 <= step * i + shift < size: (first, last + 1)."""
    first = max(0, -(shift // step))
    return first, max(first, min(count, (size - 1 - shift) // step + 1))
''',
}
"""Functions that a text brings along: each in a spelling that does not overflow."""


class Functions:
    """Named scalar functions as the text calls them, and the definitions that it needs."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.style = NumPyStyle(names, self)
        self._definitions: dict[str, str] = {}
        self._defined: dict[type[Opaque], str] = {}

    def apply(self, function: type[Opaque], argument: Piece) -> Piece:
        """A named function of an argument: NumPy's own, or one that is added to the text."""
        if function.numpy is not None and function.order == 0:
            if function.title in SOURCES:
                self.bring(function.title)
            return Piece(function.numpy.format(z=argument.text), ATOM, argument.array)
        if function.definition == STEP.definition:
            if self.style.lone_steps:
                return Piece(f"np.heaviside({argument.text}, 0)", ATOM, argument.array)
            return self.style.truth(f"{self.style.hold(argument, POW)} > 0", argument.array)
        return Piece(f"{self._definition(function)}({argument.text})", ATOM, argument.array)

    def bring(self, name: str) -> None:
        """Puts one of :data:`SOURCES` above the text."""
        self._definitions[name] = SOURCES[name]

    def definitions(self) -> list[str]:
        return list(self._definitions.values())

    def _definition(self, function: type[Opaque]) -> str:
        """The name of a function whose definition is written out above."""
        if function in self._defined:
            return self._defined[function]
        stem = identifier(function.title + "_prime" * function.order)
        taken = {*self.names.taken, *self.names.indices.values()}
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}{number}"
        self._defined[function] = name
        self.names.taken.add(name)  # a loop's variable of this name would hide it
        definition = function.definition
        polynomial = in_output(function) if function.order and function.base.numpy else None
        bounded = in_sigmoid(definition)
        if polynomial is not None:
            definition = polynomial.xreplace({A: function.base(Z)})
        elif bounded is not None:
            definition = factored(bounded[0]).xreplace({A: SIGMOID(bounded[1])})
        shown = self.style.of_argument(definition.xreplace({Z: slot(0)}), "z")
        self._definitions.pop(name, None)
        self._definitions[name] = f"def {name}(z):\n    return {shown}\n"
        return name
