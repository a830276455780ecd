"""What a derivation is, as data: a chain of steps, each with all the forms it went through.

    ∂L/∂z:  chain rule  a (1 - a) ∂L/∂a  ->  insert  a (1 - a) (a - y)/...  ->  cancel  a - y

Nothing is derived here: :mod:`chain` makes the chain, :mod:`simplifier` its forms; what is printed
of it is :mod:`gradproof.symbolic.display`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..assumptions import Assumption
from ..dependence import arrays_read, reached
from ..equation import Equation, System
from .kinks import Kink

Role: TypeAlias = Literal["forward", "adjoint", "gradient"]
Rule: TypeAlias = Literal["forward", "chain rule", "insert", "named value", "slope in output",
                          "row sums", "declared", "cancel", "per sample", "centred", "solved",
                          "share"]
"""What makes a form of the one before; :mod:`reasons` has a sentence for each."""


@dataclass(frozen=True)
class Form:
    """One form of an equation.

    `rule` says which rewrite made it of the form before.  `uses` names what that rewrite used
    (arrays inserted, equations passed through, inputs assumed of), and `assumes` what it took
    for granted of them.
    """

    equation: Equation
    rule: Rule
    uses: tuple[str, ...] = ()
    assumes: tuple[Assumption, ...] = ()


@dataclass(frozen=True)
class Step:
    """A named equation and all the forms it went through; the last is the one to use.

    `of` is the array whose adjoint this is (its own name for a forward equation).  `relies` are
    declarations without which what it reads need not exist (an inverse).
    """

    name: str
    role: Role
    of: str
    forms: tuple[Form, ...]
    relies: tuple[Assumption, ...] = ()

    @property
    def equation(self) -> Equation:
        return self.forms[-1].equation


@dataclass(frozen=True)
class Chain:
    """A loss differentiated: what :func:`chain.differentiate` returns.

    system: inputs, forward and backward equations in the order they are computed.
    steps: the same equations with their forms; `inlined` those that were put into others.
    of: array name -> name of its adjoint.
    assumed: inputs whose declaration (rows sum to one) a rewrite used.
    source: what was differentiated, as it was given.
    least: the least values of sizes for which its equations were made.
    stated: what was assumed of inputs beside what the steps say.
    """

    system: System
    loss: str
    wrt: tuple[str, ...]
    steps: tuple[Step, ...]
    inlined: Mapping[str, Step]
    of: Mapping[str, str]
    assumed: tuple[str, ...]
    kinks: tuple[Kink, ...]
    source: System | None = None
    least: Mapping[str, int] = field(default_factory=dict)
    stated: tuple[Assumption, ...] = ()

    @property
    def forward(self) -> tuple[str, ...]:
        """The names of the arrays of the forward pass, as they are shown."""
        return tuple(step.name for step in self.steps if step.role == "forward")

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """Everything that was assumed of the inputs and used."""
        return tuple(sorted({*self.stated, *self._assumed_by(self.steps)}, key=str))

    def assumed_by(self, step: Step) -> tuple[Assumption, ...]:
        """What a formula holds under: what its own forms used, and those of what it reads."""
        return self._assumed_by([step])

    def _assumed_by(self, formulas: Iterable[Step]) -> tuple[Assumption, ...]:
        steps = {**self.inlined, **{step.name: step for step in self.steps}}

        def sources(name: str) -> Iterable[str]:
            step = steps[name]
            put_in = (name for form in step.forms if form.rule == "insert" for name in form.uses)
            return (array for array in (*arrays_read(step.equation), *put_in)
                    if array in steps and steps[array].role != "forward")

        starts = (step.name for step in formulas if step.role != "forward")
        found: set[Assumption] = set()
        for name in reached(starts, sources):
            found |= {*steps[name].relies,
                      *(made for form in steps[name].forms for made in form.assumes)}
        return tuple(sorted(found, key=str))

    def step(self, name: str) -> Step:
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step {name!r}; there are {[step.name for step in self.steps]}")
