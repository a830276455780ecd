"""A function of PyTorch's as PyTorch itself runs it, by its own autograd."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.checks.circumstances.ways import Values
from gradproof.checks.layer_objects.frameworks import by_default


def as_it_is(tensor: Any) -> Any:
    return tensor


@dataclass(frozen=True)
class Applied:
    """A function, and how it is called.

    call: of tensors in order.  names: of its parameters, in order; fixed: those that are no arrays,
    by name.  wrt: the inputs that gradients are checked by.  materializes: an output that is not
    used has an upstream gradient of zeros, and not None.  changed: the inputs that it says that it
    writes into.
    """

    call: Callable[..., Any]
    names: Sequence[str]
    fixed: Mapping[str, Any]
    wrt: Sequence[str]
    materializes: bool = True
    changed: Sequence[str] = ()

    def tensors(
        self, values: Values, requiring: Collection[str], lay: Callable[[Any], Any] = as_it_is,
        dtype: Any = None,
    ) -> dict[str, Any]:
        """Inputs as tensors, laid out by `lay`; those of `requiring` ask for a gradient."""
        torch = sys.modules["torch"]
        made = {}
        for name in self.names:
            if name not in values:
                continue
            one = torch.from_numpy(np.array(values[name]))
            if one.is_floating_point() and dtype is not None:
                one = one.to(dtype)
            one = lay(one)
            made[name] = one.requires_grad_() if name in requiring else one
        return made

    def outputs(self, tensors: Mapping[str, Any]) -> list[Any]:
        """The outputs that have a gradient; what it writes into is none of the caller's leaves."""
        arguments = []
        for name in self.names:
            value = tensors.get(name, self.fixed.get(name))
            arguments.append(value.clone() if name in self.changed else value)
        made = self.call(*arguments)
        return [one for one in (made if isinstance(made, tuple | list) else (made,))
                if getattr(one, "requires_grad", False)]

    def gradients(
        self, tensors: Mapping[str, Any], outputs: Sequence[Any], back: Sequence[Any],
        again: bool = False,
    ) -> dict[str, Any]:
        """By name; back: the upstream gradient of each output, None for one that is not used."""
        torch = sys.modules["torch"]
        used = [(out, one) for out, one in zip(outputs, back, strict=True) if one is not None]
        by = [name for name in self.wrt if tensors[name].requires_grad]
        found = torch.autograd.grad([out for out, _ in used], [tensors[name] for name in by],
                                    [one for _, one in used], retain_graph=again, allow_unused=True)
        return {name: torch.zeros_like(tensors[name], device="cpu") if one is None
                else one.detach().cpu().clone() for name, one in zip(by, found, strict=True)}


@contextmanager
def quietly(dtype: Any = None) -> Iterator[None]:
    """PyTorch with its autograd, what it makes from nothing being of `dtype` (float64)."""
    torch = sys.modules["torch"]
    with by_default(dtype or torch.float64), warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        yield
