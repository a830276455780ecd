"""A derivation as functions and as source: NumPy, C, Numba, and texts for other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gradproof.codegen.compile import compile_system
from gradproof.codegen.loops.c_library import compile_c
from gradproof.codegen.loops.c_source import CSource, c_source
from gradproof.codegen.loops.numba_library import compile_numba
from gradproof.codegen.source import gradient_source
from gradproof.derivations.derivatives import Target, check_target
from gradproof.derivations.libraries import InLibraries


class Computed(InLibraries):
    """What computes a loss and its gradients.

    only: names of the gradients that are asked for, by default all; EquationError for one that
    was not derived.  loss: whether the loss is returned, too.  What only others need is not
    computed.
    """

    def compile(
        self, workspace: bool = False, target: Target = "numpy", *,
        only: Iterable[str] | None = None, loss: bool = True,
    ) -> Callable[..., Any]:
        """``grad(**arrays) -> (loss, {"W1": ..., "b1": ...})``.

        Arrays are given by input name; a missing one is a TypeError, a wrong shape or a label
        outside its range a ValueError.  Integers given for a real input are taken as floats.

        workspace: every call with the same types and shapes returns the same arrays, with new
        values in them, and allocates no other array: for a loop that is done with a gradient
        before it asks for the next one.  Not for several threads at once.
        target: "numpy", or loops for small networks, whose time is that of calls: "c", compiled by
        the machine's compiler, or "numba".  EquationError for what has no loops, NoCompilerError
        or NoNumbaError where what compiles is not there, ValueError for another target.
        only: the gradients that are asked for, by default all; EquationError for one that was not
        derived.  loss: without it the function returns the dict alone.  Nothing is computed that
        none of what is returned needs.
        """
        check_target(target)
        keys, names = self._wanted(only, loss)
        if target != "numpy":
            compiled = compile_c if target == "c" else compile_numba
            return compiled(self.chain.system, names, keys, workspace)
        return compile_system(
            self.chain.system, names, self.writer.row_vectors, keys, fit=True,
            workspace=workspace)

    def loss_function(self) -> Callable[..., Any]:
        """``loss(**arrays)`` in NumPy: the forward pass alone."""
        run = compile_system(self.chain.system, [self.chain.loss], self.writer.row_vectors)
        return lambda **arrays: run(**arrays)[0]

    def numpy_source(
        self, only: Iterable[str] | None = None, name: str = "gradient", loss: bool = True
    ) -> str:
        """Readable source of ``gradient(X, Y, W1, ...) -> (loss, {"W1": ...})``, NumPy alone.

        The text takes arrays of floats (labels are integers) and converts none; what
        :meth:`compile` returns converts integers.  only, loss: as there.
        """
        keys, _ = self._wanted(only, loss)
        return gradient_source(
            self.chain.system, self.chain.loss if loss else None,
            {one: self.chain.of[one] for one in keys}, name=name,
            row_vectors=self.writer.row_vectors, summary=self._summary(self._title, loss))

    def c_source(
        self, name: str = "gradient", *, only: Iterable[str] | None = None, loss: bool = True
    ) -> CSource:
        """The gradient as a C function that stands alone (`.text`), and its header (`.header`).

        only, loss: as for :meth:`compile`.  EquationError for what has no C, ValueError for a name
        that is no C identifier.
        """
        return c_source(self.chain.system, self._wanted(only, loss)[1], name=name)

    @property
    def _title(self) -> str:
        return self.chain.loss
