"""A derivation in the words of PyTorch, of JAX, of the array API standard and of Numba."""

from __future__ import annotations

from collections.abc import Iterable

from gradproof.codegen.frameworks.for_arrays import USED, array_api_text
from gradproof.codegen.frameworks.for_jax import jax_source
from gradproof.codegen.frameworks.for_torch import torch_source
from gradproof.codegen.frameworks.passes import Asked, Passes, passes
from gradproof.codegen.identifiers import identifier, pronounceable
from gradproof.codegen.loops.numba_source import numba_source
from gradproof.codegen.saturated import prepared
from gradproof.codegen.source import gradient_source
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import EquationError


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

    def array_api_source(
        self, name: str = "gradient", *, only: Iterable[str] | None = None, loss: bool = True
    ) -> str:
        """Source of ``gradient(X, Y, W1, ...) -> (loss, {"W1": ...})`` over the array API standard:
        it runs unchanged on arrays of NumPy, PyTorch, JAX (also under ``jit``), CuPy and Dask, and
        its results are arrays of the same library, type and device.

        only, loss: as for :meth:`compile`.
        The text needs array-api-compat and, where entries are set, array-api-extra.
        EquationError for what the standard has no word for, naming it; ValueError for a name that
        the text has for something else.
        """
        if name in USED:
            raise ValueError(f"name: {name} is what the text calls something else")
        chain = self.chain
        keys, _ = self._wanted(only, loss)
        text = gradient_source(
            chain.system, chain.loss if loss else None, {one: chain.of[one] for one in keys},
            name=name, row_vectors=self.writer.row_vectors,
            summary=self._summary(chain.loss, loss), hidden=USED)
        spoken, _ = pronounceable(prepared(chain.system), USED)
        reals = [array.name for array in spoken.inputs if not array.is_integer]
        return array_api_text(text, reals, spoken.shapes)

    def numba_source(
        self, name: str = "gradient", *, only: Iterable[str] | None = None, loss: bool = True
    ) -> str:
        """Source of ``gradient(X, Y, W1, ...) -> (loss, dW1, ...)`` in loops over the indices, for
        Numba (``@njit`` stands above it); arrays are of one floating-point type.
        only, loss: as for :meth:`compile`.

        EquationError for what has no loops, ValueError for a name that the text uses itself.
        """
        chain = self.chain
        return numba_source(
            chain.system, self._wanted(only, loss)[1], name=name,
            summary=self._summary(chain.loss, loss)).text

    def _wanted(
        self, only: Iterable[str] | None, loss: bool
    ) -> tuple[tuple[str, ...], list[str]]:
        """The names that gradients are asked for, and the arrays of what is returned."""
        chain = self.chain
        keys = chain.wrt if only is None else tuple(only)
        for name in keys:
            if name not in chain.wrt:
                raise EquationError(f"only: there is no gradient by {name!r}; expected some of "
                                    f"{', '.join(chain.wrt)}")
        if not keys and not loss:
            raise EquationError("only: expected a name, where the loss is left out, too")
        return keys, [*([chain.loss] if loss else []), *(chain.of[one] for one in keys)]

    def _passes(self, upstream: str = "", constants: Iterable[str] = ()) -> Passes:
        chain = self.chain
        constant = {array.name for array in chain.system.inputs if array.kind == "constant"}
        backward = {step.name for step in chain.steps if step.role != "forward"}
        return passes(Asked(
            chain.system, frozenset(backward), chain.loss, upstream,
            {name: chain.of[name] for name in chain.wrt},
            frozenset({*constant, *constants} - {upstream}), self.writer.row_vectors))

    def _summary(self, title: str, loss: bool = True) -> str:
        return f"The loss {title} and its gradients." if loss else f"The gradients of {title}."
