"""`d.per_sample()`: the gradients of each sample's share of a loss, all samples at once.

    >>> import gradproof as gp
    >>> each = gp.derive(gp.Network([2, 1], loss="mean_squared_error")).per_sample()
    >>> print(each.gradients["W1"].array, each.system.shapes["dW1"])
    dW1 (m, 2, 1)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from gradproof.derivations.computed import Computed
from gradproof.derivations.formula import Formula
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.display.notation import Notation
from gradproof.symbolic.display.pen import Setting
from gradproof.symbolic.display.temporaries import inlined
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import EquationError, System, size_symbol
from gradproof.symbolic.splitting.additive import roles
from gradproof.symbolic.splitting.samples import shares


@dataclass(frozen=True)
class PerSample(Computed):
    """What each sample adds to a loss, and its gradients, with an axis of samples in front.

    ``compile()`` gives ``f(**arrays) -> (losses, {"W1": ...})``: losses of shape (m,), gradients
    of shape (m, *that of the parameter).  Their sums over the samples are the loss and the
    gradients of the batch, but for `apart`; of a mean, a share carries its 1/m.

    size: the name of the number of samples.  own: arrays with a place for each sample, whose
    gradients are those of the batch.  apart: what the loss has that no sample has a share in, a
    penalty on the weights: the names of the arrays whose terms were left out.
    """

    chain: Chain
    writer: Writer
    size: str
    own: frozenset[str]
    apart: tuple[str, ...]

    @property
    def system(self) -> System:
        """All equations, in the order in which they are computed."""
        return self.chain.system

    @cached_property
    def losses(self) -> Formula:
        """What each sample adds to the loss."""
        return Formula(self.chain.loss, self.chain.step(self.chain.loss), self)

    @cached_property
    def gradients(self) -> Mapping[str, Formula]:
        found = {s.of: Formula(s.of, s, self) for s in self.chain.steps if s.role == "gradient"}
        return {name: found[name] for name in self.chain.wrt}

    @property
    def stepwise(self) -> Writer:
        return self.writer

    def __str__(self) -> str:
        """The shares and their gradients; what they read is as in the derivation."""
        lines = [*map(str, self._changed)]
        if self.apart:
            lines.append("Left out, since no sample has a share in it: what is free of the samples "
                         f"in {', '.join(map(self.writer.name, self.apart))}")
        return "\n".join(lines)

    def _repr_latex_(self) -> str:
        rows = [formula.latex().replace(" = ", " &= ", 1) for formula in self._changed]
        return "$\\displaystyle\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$"

    @property
    def _changed(self) -> list[Formula]:
        return [self.losses, *self.gradients.values()]

    def torch_source(self, name: str = "Derived") -> str:
        raise EquationError("gradients of samples are no autograd function; compile them, or take "
                            "array_api_source()")

    def jax_source(self, name: str = "derived") -> str:
        raise EquationError("gradients of samples are no custom_vjp function; compile them, or take"
                            " array_api_source()")

    def _summary(self, title: str, loss: bool = True) -> str:
        shares = f"What each sample adds to the loss {title}"
        return f"{shares}, and its gradients." if loss else f"{shares}: its gradients."


def per_sample(forward: System, chain: Chain, writer: Writer, size: str) -> PerSample:
    """The gradients of each sample's share, written as a derivation of the loss is.

    forward: the forward pass as it is shown.  Raises NotAdditiveError where the loss is no sum over
    the samples, naming one of its equations.
    """
    roles(forward, chain.loss, size_symbol(size))
    system = chain.source or forward  # where Σ_s b is not yet m b, which is of no sample
    found = shares(
        system, chain.loss, chain.wrt, size_symbol(size),
        named=[step.of for step in chain.steps if step.role == "adjoint"], rows=writer.row_vectors)
    made = found.chain
    bars = {bar: name for name, bar in made.of.items()}
    notation: Notation = replace(writer.notation, adjoints=bars)
    own = replace(writer, notation=notation, shapes=made.system.shapes,
                  setting=Setting.of(made.system), leading={}, inline={})
    kept = [made.loss, *(made.of[name] for name in made.wrt)]
    added = {*made.forward} - system.names
    own = inlined(own, [step.equation for step in made.steps], kept, added)
    return PerSample(made, own, size, found.own, found.apart)
