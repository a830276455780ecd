"""Calls of functions: σ(z), f'(z^{(l)}), log p_k, softmax(z), tr(A B), J(θ)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sympy as sp

from ..elementwise import SCALARS, larger, smaller
from ..equation import slot
from ..functions import ABS, SIGMOID, Z
from .scripts import Scripts, layer_of
from .trees import Node, Source
from .values import COLUMN, ROW, Algebra, FitError, Val

if TYPE_CHECKING:
    from .choices import Choices
    from .names import Context, Store

WHOLE = ("tr", "Tr", "trace", "det", "diag", "softmax", "logsumexp", "sum", "mean")
PLAIN = {"ReLU": "relu", "Relu": "relu", "GELU": "gelu", "ELU": "elu", "SiLU": "silu",
         "sgn": "sign", "logit": "logit", "ReLu": "relu"}


class Calls:
    """Calls of a reading."""

    algebra: Algebra
    choices: Choices
    source: Source
    context: Context
    store: Store
    layers: dict[str, int]
    value: Callable[[Node], Val]
    all_summed: Callable[[Val], Val]
    raised: Callable[[Val, Scripts, Node], Val]
    lowered: Callable[[Val, list[Node], Node], Val]
    called_by_name: Callable[[str, Scripts, Scripts, Node], Val | None]

    def called(self, parts: list[Node], place: int) -> tuple[Val, int] | None:
        """A call that begins at a part, and where what is behind it begins; None for no call."""
        head = Scripts.of(parts[place])
        if head.base.kind != "name":
            return None
        stem = head.base.text
        behind = parts[place + 1] if place + 1 < len(parts) else None
        argument = Scripts.of(behind) if behind is not None else None
        grouped = argument is not None and argument.base.kind == "group" and \
            argument.base.text in ("round", "square", "curly")
        if self.context.depth and self._is_loss_of(stem, head, argument):
            return self.value(parts[place]), place + 2
        if behind is not None and argument is not None and grouped:
            known = self.called_by_name(stem, head, argument, parts[place])
            if known is not None:
                return self.raised(self.lowered(known, argument.downs, behind), argument,
                                   behind), place + 2
        if self._is_loss_of(stem, head, argument):
            return self.value(parts[place]), place + 2
        if not self._is_function(stem, head, grouped):
            return None
        if behind is None or behind.kind in ("op", "sign"):
            return None if stem not in SCALARS else self.source.fail(
                parts[place], f"{stem} is a function; what it is of is missing")
        assert argument is not None
        if grouped:
            inner = argument.base.parts[0]
            found = self._applied(stem, head, inner, parts[place])
            found = self.lowered(found, argument.downs, behind)
            argument.downs = []
            return self.raised(found, argument, behind), place + 2
        end = self._end(parts, place)
        inner = parts[place + 1] if end == place + 2 else Node(
            "product", "", parts[place + 1].start, parts[end - 1].end, tuple(parts[place + 1:end]))
        return self._applied(stem, head, inner, parts[place]), end

    def _end(self, parts: list[Node], place: int) -> int:
        """Where the argument of a function without brackets ends."""
        end = place + 2
        if parts[place + 1].kind == "name" and Scripts.of(parts[place + 1]).base.text in (
                "det", "tr", "softmax", "σ") and end < len(parts):
            end += 1
        rest = end
        while rest < len(parts) and parts[rest].kind not in ("op", "sign"):
            rest += 1
        if rest > end and self.choices.ask(
                f"{self.source.text[parts[place].start:parts[rest - 1].end]!r:.60}: what the "
                "function is of", ("the next factor", "all that stands behind it")):
            return rest
        return end

    def _is_loss_of(self, stem: str, head: Scripts, argument: Scripts | None) -> bool:
        """J(θ), L(W, b): the loss with what it depends on."""
        if argument is None or argument.base.kind != "group" or head.downs or head.primes:
            return False
        table = self.context.named.get(stem, {})
        if table.get("") != self.context.output or not self.context.output:
            return False
        names = [part for part in argument.base.parts[0].all() if part.kind == "name"]
        return bool(names) and all(part.kind in ("name", "list", "op", "scripts", "down", "up",
                                                 "group", "number")
                                   for part in argument.base.parts[0].all())

    def _is_function(self, stem: str, head: Scripts, grouped: bool) -> bool:
        declared = stem in self.context.named
        if self._has_layers(stem) and (head.primes or not declared):
            return not declared or grouped
        if declared:
            return False
        return stem in ("σ", "ln", *WHOLE, *PLAIN) or (stem in SCALARS and len(stem) > 1)

    def _applied(self, stem: str, head: Scripts, inner: Node, node: Node) -> Val:
        ups = [up for up in head.ups if layer_of(up, self.layers) is None or up.kind == "number"]
        if not self._has_layers(stem) and (head.downs or len(ups) < len(head.ups)):
            script = (*head.downs, *head.ups)[0]
            self.source.fail(script, f"{stem} is read without an index or a layer: a logarithm is "
                             "the natural one, and an entry is written behind the brackets, as in "
                             "softmax(z)_i")
        inverse = [up for up in head.ups if up.kind == "sum" and [
            part.text for part in up.parts] == ["-", "1"]]
        if inverse:
            self.source.fail(inverse[0], f"{stem}^{{-1}} may be the inverse function or one over "
                                         "the value; write which")
        if stem in ("max", "min") and inner.kind == "list":
            left, right = map(self.value, inner.parts)
            found = self.algebra.pointwise(larger if stem == "max" else smaller, left, right)
        else:
            argument = self.value(inner)
            if stem in WHOLE:
                found = self._whole(stem, argument, node)
            else:
                body = self._body(stem, head, argument, node)
                found = self.algebra.pointwise(_slope(body, head.primes), argument)
        return self.raised(found, Scripts(head.base, ups), node)

    def _has_layers(self, stem: str) -> bool:
        """Whether a name is of functions that each layer may have one of its own of."""
        return stem in self.context.functions or f"{stem}1" in self.context.functions

    def _body(
        self, stem: str, head: Scripts, argument: Val, node: Node
    ) -> Callable[[sp.Expr], sp.Expr]:
        functions = self.context.functions
        layer = next((found for script in (*head.ups, *head.downs)
                      if (found := layer_of(script, self.layers)) is not None), None)
        if layer is None:
            layer = next((int(array[1:]) for array, _ in argument.reads
                          if array[0] == "Z" and array[1:].isdigit()), None)
        own = functions.get(f"{stem}{layer}") or functions.get(stem)
        if own is not None:
            if stem == "σ" and not _is_logistic(own) and self.choices.ask(
                    "σ", ("the activation of its layer", "the logistic function")):
                return SIGMOID
            return own
        if stem == "σ":
            return SIGMOID
        name = PLAIN.get(stem, stem)
        if name in SCALARS and SCALARS[name].arity == 1:
            return SCALARS[name].body
        self.source.fail(node, f"which function {stem} is is not said: of which layer, or under "
                               "[functions]")

    def absolute(self, value: Val) -> Val:
        return self.algebra.pointwise(ABS, value)

    def _whole(self, stem: str, value: Val, node: Node) -> Val:
        """A function of a whole matrix or vector."""
        if stem in ("tr", "Tr", "trace"):
            if not value.matrix_axes:
                return value
            return self._trace(value, node)
        if stem == "det":
            return self.algebra.square_named(value, "det")
        if stem == "diag":
            (label,) = value.matrix_axes if len(value.matrix_axes) == 1 else (ROW,)
            if len(value.matrix_axes) != 1:
                raise FitError(self.source.located(node.start, "diag is read of a vector"))
            column = value if label == ROW else self.algebra.transposed(value)
            same = self.algebra.delta(ROW, COLUMN, column.axes[ROW])
            return self.algebra.pointwise(lambda x, y: x * y, column, same)
        if stem == "sum":
            return self.all_summed(value)
        if stem in ("softmax", "logsumexp"):
            return self._softmax(value, stem, node)
        self.source.fail(node, f"{stem} is not read here")

    def _trace(self, value: Val, node: Node) -> Val:
        if value.matrix_axes != {ROW, COLUMN} or value.axes[ROW] != value.axes[COLUMN]:
            raise FitError(self.source.located(
                node.start, f"the trace of a matrix that is not square: {value.shape}"))
        made = self.algebra.settle(value)
        diagonal = self.algebra.renamed(made, {COLUMN: ROW})
        return self.algebra.settle(Val(slot(0), diagonal.reads, {ROW: value.axes[ROW]}), (ROW,))

    def _softmax(self, value: Val, stem: str, node: Node) -> Val:
        # Of a matrix that is none of a network, each row is meant, as in the text of equations.
        rows = not self.context.columns or (ROW in value.axes and not self.context.layered)
        label = COLUMN if rows and COLUMN in value.axes else ROW
        if label not in value.axes:
            label = COLUMN
        if label not in value.axes:
            self.source.fail(node, f"{stem} is of a vector")
        made = self.algebra.settle(value)
        level = self.algebra.settle(made, (label,), "logsumexp")
        if stem == "logsumexp":
            return level
        reads = (*made.reads, *level.reads)
        return Val(sp.exp(slot(0) - slot(1)), reads, made.axes)


def _is_logistic(body: Callable[[sp.Expr], sp.Expr]) -> bool:
    return bool(body(Z) == SIGMOID(Z))


def _slope(body: Callable[[sp.Expr], sp.Expr], primes: int) -> Callable[[sp.Expr], sp.Expr]:
    """The function, or its derivative of an order."""
    found = body(Z)
    for _ in range(primes):
        found = sp.diff(found, Z)
    return lambda x: found.xreplace({Z: x}) if Z in found.free_symbols else found
