"""The BLAS that SciPy brings along, by the pointers that it has for other compiled code."""

from __future__ import annotations

import ctypes
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np


def has_blas() -> bool:
    """Whether SciPy is installed."""
    return find_spec("scipy") is not None


def gemm(real: np.dtype[Any]) -> int:
    """Where sgemm or dgemm is, in Fortran's convention."""
    name = "sgemm" if real == np.float32 else "dgemm"
    capsule = import_module("scipy.linalg.cython_blas").__pyx_capi__[name]
    told, found = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    told.restype, told.argtypes = ctypes.c_char_p, [ctypes.py_object]
    found.restype, found.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    place: int = found(capsule, told(capsule))
    return place
