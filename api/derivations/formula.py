"""One derived equation: its texts, the way to it, and what it holds under."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gradproof.symbolic.derive.steps import Chain, Form, Step
from gradproof.symbolic.display.reasons import reason, writer_of
from gradproof.symbolic.display.temporaries import put_inside
from gradproof.symbolic.display.text_and_latex import plain
from gradproof.symbolic.display.typst import typst
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import System


class Derived(Protocol):
    """What a formula is of."""

    @property
    def chain(self) -> Chain: ...

    @property
    def writer(self) -> Writer: ...

    @property
    def system(self) -> System: ...

    @property
    def stepwise(self) -> Writer: ...

    def numpy_source(self, only: Iterable[str] | None = None) -> str: ...


@dataclass(frozen=True)
class Formula:
    """One derived equation: ``str`` is Unicode mathematics.

    name: the array it is the adjoint of (``"W1"``), or its own name for a forward equation.
    array: the name its value has in code (``"dW1"``).
    """

    name: str
    step: Step
    derivation: Derived

    @property
    def array(self) -> str:
        return self.step.name

    def __str__(self) -> str:
        return str(self.derivation.writer.text(self.step.equation))

    def __repr__(self) -> str:
        return f"<Formula {self}>"

    def latex(self) -> str:
        """The equation in LaTeX (amsmath, KaTeX, MathJax), without delimiters."""
        return plain(str(self.derivation.writer.latex(self.step.equation)))

    def typst(self) -> str:
        """The equation in Typst's mathematics, without the signs $ around it."""
        return typst(self.latex())

    @property
    def because(self) -> tuple[str, ...]:
        """Every form it went through with its reason, from the chain rule to the last."""
        told = [f"{self._writer(form).text(form.equation)}    ({self._reason(form)})"
                for form in self.step.forms]
        inside = put_inside(self.derivation.writer, self.derivation.system, self.step.name)
        return (*told, f"{self}    (with {', '.join(inside)})") if inside else tuple(told)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed of inputs and used in this formula, or in one that it reads."""
        return tuple(map(str, self.derivation.chain.assumed_by(self.step)))

    def latex_forms(self) -> list[str]:
        """Every form it went through, in LaTeX."""
        told = [self._writer(form).latex(form.equation) for form in self.step.forms]
        last = self.derivation.writer.latex(self.step.equation)
        return list(dict.fromkeys(map(str, [*told, last])))

    def _writer(self, form: Form) -> Writer:
        return writer_of(form, self.step, self.derivation.chain, self.derivation.stepwise)

    def _reason(self, form: Form) -> str:
        return reason(form, self.step, self.derivation.chain, self._writer(form))

    def numpy_source(self) -> str:
        """Source of a function that returns the loss and this gradient alone."""
        return self.derivation.numpy_source(only=[self.name])

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def _repr_markdown_(self) -> str:
        return f"${self._repr_latex_()}$"
