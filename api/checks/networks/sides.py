"""The two sides of a check that runs PyTorch: a module's values, and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gradproof.checks.subject import Declared, Values
from gradproof.limits.calls import called
from gradproof.symbolic.tracing.run import Trace, TraceError


@dataclass(frozen=True)
class Side:
    """One of the two sides: what it is at a point, and its equations."""

    run: Callable[[Values], Any]
    equations: Callable[[Declared], Trace] | None
    names = frozenset[str]()

    def at(self, values: Values) -> Any:
        return called(partial(self.run, values))

    def traced(self, declared: Declared) -> Trace:
        if self.equations is None:
            raise TraceError("PyTorch's own backward pass is run, and not traced")
        return called(partial(self.equations, declared))
