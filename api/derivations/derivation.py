"""A loss derived: formulas that print, and functions that compute.

The mathematics is in ``gradproof.symbolic``, the spelling of programs in ``gradproof.codegen``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, get_args

from gradproof.derivations.additive import Additive, additive
from gradproof.derivations.computed import Computed
from gradproof.derivations.derivatives import (
    Derivative,
    derivative,
    layout_line,
    symmetry_line,
)
from gradproof.derivations.formula import Formula
from gradproof.derivations.per_sample import PerSample, per_sample
from gradproof.derivations.scalars import ENTRIES, scalars
from gradproof.symbolic.dependence import restricted
from gradproof.symbolic.derive import higher_orders as orders
from gradproof.symbolic.derive.any_depth import LayerRule, layer_rules
from gradproof.symbolic.derive.by_entries import count_entries, entry_chain
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.display.definitions import function_definition, used_functions
from gradproof.symbolic.display.notation import general_notation, superscript
from gradproof.symbolic.display.reasons import kink_line
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import EquationError, System, size_names
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network


class Derivation(Computed):
    """Forward and backward equations of a loss, each with its reason.

    gradients: parameter -> formula of its gradient.
    deltas: pre-activation (Z1, ...) or other named intermediate -> formula of its adjoint.
    forward: array -> forward formula.
    assumptions: what is assumed of inputs and was used; kinks: where there is no derivative.
    """

    def __init__(self, chain: Chain, writer: Writer, network: Network | Model | None = None
                 ) -> None:
        self.chain = chain
        self.writer = writer
        self.network = network

    @property
    def system(self) -> System:
        """All equations, in the order in which they are computed."""
        return self.chain.system

    @cached_property
    def forward(self) -> Mapping[str, Formula]:
        return {s.name: Formula(s.name, s, self) for s in self.chain.steps if s.role == "forward"}

    @cached_property
    def deltas(self) -> Mapping[str, Formula]:
        return {s.of: Formula(s.of, s, self) for s in self.chain.steps if s.role == "adjoint"}

    @cached_property
    def gradients(self) -> Mapping[str, Formula]:
        found = {s.of: Formula(s.of, s, self) for s in self.chain.steps if s.role == "gradient"}
        return {name: found[name] for name in self.chain.wrt}

    def all(self) -> list[Formula]:
        """Every formula, in the order in which the values are computed."""
        return [Formula(step.name if step.role == "forward" else step.of, step, self)
                for step in self.chain.steps]

    def shown(self) -> list[Formula]:
        """The formulas without those that only a softmax hides in itself (log Σ exp), and without
        temporaries that are written where they are read and have no adjoint of their own."""
        hidden = self.writer.setting.levels.keys() | self.writer.inline.keys()
        if not hidden:
            return self.all()
        read = {name for step in self.chain.steps if step.name not in self.writer.inline
                for name in self.writer.reads(step.equation)}
        named = {self.chain.loss, *self.chain.wrt}
        kept = read | named
        kept |= {step.of for step in self.chain.steps if step.role == "adjoint"
                 and (step.name in read or step.name not in hidden)}
        gone = hidden - kept
        return [formula for formula in self.all() if formula.step.name not in gone]

    @cached_property
    def stepwise(self) -> Writer:  # of single steps, in which temporaries have their names
        return replace(self.writer, inline={})

    def _notes(self, formulas: Iterable[Formula]) -> list[str]:
        """What recurrences read beyond their ends, a line for each that is new."""
        notes = [note for f in formulas for note in self.writer.notes(f.step.equation)]
        return [f"  {note}" for note in dict.fromkeys(notes)]

    def entries(self, limit: int = ENTRIES) -> Derivation:
        """The same loss entry by entry: every scalar its own formula, derived on scalars.

        Every size must be a number, and there may be at most `limit` scalars in the forward
        pass; EquationError otherwise.
        """
        system = restricted(self.system, self.forward)
        unknown = size_names(system.shapes.values())
        if unknown:
            raise EquationError(f"the entry form needs every size as a number; {sorted(unknown)} "
                                "are symbols (a network takes batch = 3, or batch = false)")
        if count_entries(system, {}) > limit:
            raise EquationError(f"the entry form would have {count_entries(system, {})} scalars; "
                                f"it is for networks of up to {limit}")
        chain = entry_chain(system, self.chain.loss, self.chain.wrt)
        units = {name: [axis for axis, size in enumerate(shape) if size == 1]
                 for name, shape in self.system.shapes.items()}
        notation = replace(self.writer.notation, units=units, entries={},
                           adjoints={bar: name for name, bar in chain.of.items()})
        return Derivation(chain, Writer(notation, self.writer.row_vectors, chain.system.shapes))

    @property
    def expressions(self) -> Mapping[str, Any]:
        """Of an entry form: every scalar, ``dW1[0,1]``, as a SymPy expression in those before it.

        Raises EquationError for a derivation whose arrays have axes.
        """
        return {name: found.expression for name, found in scalars(self.system).items()}

    @property
    def functions(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """The same as NumPy functions of values by name, made by ``sympy.lambdify``."""
        return {name: found.function for name, found in scalars(self.system).items()}

    @property
    def has_general_rule(self) -> bool:
        """Whether the layer rule applies: a network whose activations all act entry by entry."""
        return isinstance(self.network, Network) and "softmax" not in self.network.activations

    @property
    def assumptions(self) -> tuple[str, ...]:
        return tuple(map(str, self.chain.assumptions))

    @cached_property
    def definitions(self) -> tuple[tuple[str, str], ...]:
        """What the named functions are, each with its slope: (LaTeX, Unicode); not those that are
        written as what they are, [z > 0]."""
        found = [(function_definition(function, True), function_definition(function, False))
                 for function in used_functions(self.system)]
        return tuple((latex, text) for latex, text in found if len({*text.split(" = ")}) > 1)

    @property
    def kinks(self) -> tuple[str, ...]:
        return tuple(map(kink_line, self.chain.kinks))

    @cached_property
    def general_rule(self) -> tuple[tuple[str, str, str], ...]:
        """The rule for a layer l of any depth: (LaTeX, where it holds, why with formulas in $)."""
        writer = self._general_writer()
        return tuple(
            (str(writer.latex(rule.equation)), self._scope(rule), rule.reason)
            for rule in layer_rules(columns=not writer.row_vectors)
        )

    def general_rule_text(self) -> tuple[str, ...]:
        """The same in Unicode, one line a rule."""
        writer = self._general_writer()
        return tuple(
            f"{writer.text(rule.equation)}    "
            f"({self._scope(rule)}; {rule.reason.replace('$', '')})"
            for rule in layer_rules(columns=not writer.row_vectors)
        )

    @property
    def general_symbols(self) -> str:
        """What the rule calls the input and the loss."""
        notation = self._general_writer().notation
        layer = superscript(f"({self.writer.notation.first - 1})")
        return f"a{layer} = x, {notation.loss} the loss"

    def _scope(self, rule: LayerRule) -> str:
        """Where a rule holds, with the number that the first layer has in this notation."""
        return rule.scope.replace("1 ≤", f"{self.writer.notation.first} ≤")

    def _general_writer(self) -> Writer:
        return Writer(general_notation(self.writer.notation), self.writer.row_vectors, {})

    @property
    def _title(self) -> str:
        return f"of {self.network.name}" if self.network else self.chain.loss

    def additive(self, size: str = "m") -> Additive:
        """The same loss and gradients from blocks of the batch whose samples `size` counts.

        NotAdditiveError where the loss is no sum over the samples, naming the equation.
        """
        forward = restricted(self.system, self.forward)
        return additive(forward, self.chain.loss, self.chain.wrt, size)

    def per_sample(self, size: str = "m") -> PerSample:
        """What each of the samples that `size` counts adds to the loss, and its gradients, for all
        samples at once.

        NotAdditiveError where the loss is no sum over the samples, naming the equation.
        """
        return per_sample(restricted(self.system, self.forward), self.chain, self.writer, size)

    def jacobian(
        self, output: str, wrt: str, layout: orders.Layout = "numerator"
    ) -> Derivative:
        """J[i, j] = ∂output[i]/∂wrt[j]: the output's axes, then those of `wrt`; in "denominator"
        layout the other way around, which is its transpose.  The result says it (`.layout`).

        Both are names of arrays of the forward pass; EquationError for one that is not there,
        ValueError for a layout that there is not.
        """
        layouts = get_args(orders.Layout)
        if layout not in layouts:
            raise ValueError(f"layout: expected one of {', '.join(layouts)}, got {layout!r}")
        made = self._derivative(partial(orders.jacobian, layout=layout), output, [wrt])
        return replace(made, layout=layout_line(self.writer, output, wrt, layout))

    def symmetric_gradient(self, name: str, kind: orders.Symmetry) -> Derivative:
        """The gradient by a symmetric matrix, from that of free entries, G = ∂L/∂S.

        kind: "paired", G + Gᵀ - I ⊙ G, by the entries on and below the diagonal, each of which
        stands for two; "projected", (G + Gᵀ)/2, the gradient among symmetric matrices, which a
        step may follow.  ValueError for another word, EquationError for an array that is not
        declared to be symmetric.
        """
        kinds = get_args(orders.Symmetry)
        if kind not in kinds:
            raise ValueError(f"kind: expected one of {', '.join(kinds)}, got {kind!r}")
        made = self._derivative(orders.symmetric_gradient, self.chain.loss, name, kind)
        return replace(made, layout=symmetry_line(self.writer, name, kind))

    def hessian(self, one: str, other: str | None = None) -> Derivative:
        """H[i, j] = ∂²loss/∂one[i]∂other[j], where `other` is `one` itself unless it is given.

        EquationError for an array that is not there.
        """
        return self._derivative(orders.hessian, self.chain.loss, one, other or one)

    def hvp(self, one: str, other: str | None = None) -> Derivative:
        """Σ_j H[i, j] v[j], of the shape of `one`, without the Hessian: forward over reverse.

        The direction v is a further input, called ``x_dot`` for `other` = ``x``.
        """
        return self._derivative(orders.hessian_product, self.chain.loss, one, other or one)

    def jvp(self, output: str, *wrt: str) -> Derivative:
        """The derivative of `output` in a direction: Jacobian times vector, of its shape.

        The direction is one further input for each of `wrt`, called ``x_dot`` for ``x``.
        """
        return self._derivative(orders.pushforward, output, wrt)

    def vjp(self, output: str, wrt: str) -> Derivative:
        """Vector times Jacobian, of the shape of `wrt`: what `output` sends back.

        The vector is a further input of the output's shape, called ``y_bar`` for ``y``.
        """
        return self._derivative(orders.pullback, output, [wrt])

    def _derivative(self, rule: Callable[..., orders.Derivatives], *of: Any) -> Derivative:
        known = restricted(self.system, self.forward)
        return derivative(rule(known, *of), known, self.writer)

    def __str__(self) -> str:
        shown = self.shown()
        forward = [formula for formula in shown if formula.step.role == "forward"]
        backward = [formula for formula in shown if formula.step.role != "forward"]
        lines = []
        for title, part in (("Forward", forward), ("Backward", backward)):
            lines += [title, *(f"  {formula}" for formula in part), *self._notes(part)]
        for title, items in (("With", [text for _, text in self.definitions]),
                             ("Assumed", self.assumptions), ("Kinks", self.kinks)):
            if items:
                lines += [title, *(f"  {item}" for item in items)]
        return "\n".join(lines)

    def _repr_latex_(self) -> str:
        rows = [formula.latex().replace(" = ", " &= ", 1) for formula in self.shown()]
        return "$\\displaystyle\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$"

    def _repr_markdown_(self) -> str:
        return "\n\n".join(f"$${formula.latex()}$$" for formula in self.shown())
