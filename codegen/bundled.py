"""Functions that a source text brings along, as text: each in a spelling that does not overflow."""

from __future__ import annotations

SIGMOID_SOURCE = '''\
def sigmoid(z):
    """1/(1 + exp(-z)); exp is taken of -|z| alone, so nothing overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)
'''

ERF_SOURCE = '''\
import math


def erf(z):
    """The error function, which NumPy lacks, in the precision of z."""
    return np.vectorize(math.erf, otypes=[float])(z).astype(np.result_type(z, 1.0))
'''

XLOGX_SOURCE = '''\
def xlogx(z):
    """z log z, and its limit 0 at z = 0."""
    return z * np.log(np.where(z > 0, z, 1))
'''

SOFTMAX_SOURCE = '''\
def softmax(z, axis=-1):
    """exp(z) / sum(exp(z)) along an axis; the largest entry is taken out first."""
    powers = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)
'''

LOG_SOFTMAX_SOURCE = '''\
def log_softmax(z, axis=-1):
    """The logarithm of softmax(z), finite where that underflows."""
    below = z - np.max(z, axis=axis, keepdims=True)
    return below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True))
'''

LOGSUMEXP_SOURCE = '''\
def logsumexp(z, axis):
    """log of the sum of exp(z) over an axis; the largest entry is taken out first."""
    top = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(z - top), axis=axis))
'''
