"""NumPy's warnings off and on again: what `np.errstate` sets, in a tenth of its time and memory."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import cache
from typing import Any, TypeAlias

import numpy as np

Switches: TypeAlias = tuple[Callable[[], Any], Callable[[Any], None]]
"""Warnings off, and what was before it, given what the first one returned."""


@cache
def switches() -> Switches:
    """How to have no warnings.  NumPy 2 keeps the state of them in a variable of the context, whose
    value for none is seen once; where there is no such variable, it is `np.errstate`."""
    before = copy_context()
    with np.errstate(all="ignore"):
        inside = copy_context()
    with np.errstate(all="warn"):
        changed = [variable for variable in inside if variable not in before
                   or before[variable] is not inside[variable]]
        if len(changed) == 1:
            (variable,) = changed
            none = inside[variable]
            token = variable.set(none)
            found = {*np.geterr().values()}
            variable.reset(token)
            if found == {"ignore"} and {*np.geterr().values()} == {"warn"}:
                return lambda: variable.set(none), variable.reset
    return _entered, lambda state: state.__exit__(None, None, None)


def _entered() -> np.errstate:
    state = np.errstate(all="ignore")
    state.__enter__()
    return state
