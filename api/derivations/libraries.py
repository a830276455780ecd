"""A derivation in the words of PyTorch and of JAX."""

from __future__ import annotations

from collections.abc import Iterable

from gradproof.codegen.frameworks.for_jax import jax_source
from gradproof.codegen.frameworks.for_torch import torch_source
from gradproof.codegen.frameworks.passes import Asked, Passes, passes
from gradproof.codegen.identifiers import identifier
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.display.writer import Writer


class InLibraries:
    """What a derivation prints for other libraries than NumPy."""

    chain: Chain
    writer: Writer

    def torch_source(self, name: str = "Derived") -> str:
        """Source of a ``torch.autograd.Function`` whose backward pass is the derived one; it keeps
        for it what that reads.  Its second derivative is not there (once_differentiable).

        EquationError for what PyTorch has no word for, naming it.
        """
        return torch_source(self._passes(), identifier(name), self._summary(self.chain.loss))

    def jax_source(self, name: str = "derived") -> str:
        """Source of a ``jax.custom_vjp`` function with the derived rule.

        EquationError for what JAX has no word for, and for a real input that is no constant and
        by which nothing was derived.
        """
        return jax_source(self._passes(), identifier(name), self._summary(self.chain.loss))

    def _passes(self, upstream: str = "", constants: Iterable[str] = ()) -> Passes:
        chain = self.chain
        constant = {array.name for array in chain.system.inputs if array.kind == "constant"}
        backward = {step.name for step in chain.steps if step.role != "forward"}
        return passes(Asked(
            chain.system, frozenset(backward), chain.loss, upstream,
            {name: chain.of[name] for name in chain.wrt},
            frozenset({*constant, *constants} - {upstream}), self.writer.row_vectors))

    def _summary(self, title: str) -> str:
        return f"The loss {title} and its gradients."
