"""Names: which array they are, of which layer, and what their indices count."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import sympy as sp

from ..equation import slot
from .names import ADJOINT, RATES
from .scripts import Scripts, index_letter, layer_of
from .trees import GrownError, Node, NoLayerError, Source
from .values import COLUMN, ROW, Algebra, FitError, Val, number

if TYPE_CHECKING:
    from .choices import Choices
    from .names import Context, Store


class Naming:
    """Names of a reading."""

    algebra: Algebra
    choices: Choices
    source: Source
    context: Context
    store: Store
    layers: dict[str, int]
    sizes: dict[str, sp.Expr]
    known: frozenset[str]
    unsized: bool

    def named(self, stem: str, found: Scripts, node: Node) -> Val:
        """A name with its layer and its indices, which are taken off `found`."""
        table = self.context.named
        for symbol in self.context.scripted:
            if symbol.taken_off(stem, found):
                sample = self._sample(symbol.array, found)
                downs, found.downs = found.downs, []
                return self.array(symbol.array, downs, node, sample)
        new = [down for down in found.downs if down.text == "new"]
        if new and stem in table:
            found.downs.remove(new[0])
            return self._updated(self.named(stem, found, node), node)
        for full in self._with_words(stem, found):
            if full in table and "" in table[full]:
                found.downs.clear()
                return self.array(table[full][""], [], node)
        if stem == "δ" and len(found.downs) == 2 and not self._has_layer(found):
            return self._deltas(found)
        if stem not in table and stem != "δ" and stem in ("I", "bold 1", "bb 1", "𝟏", "1"):
            if len(found.downs) == 2:
                return self._deltas(found)
            return self._constant(stem, found)
        if stem not in table:
            return self._unknown(stem, node)
        target = self._target(table[stem], stem, found)
        sample = self._sample(target, found)
        downs, found.downs = found.downs, []
        return self.array(target, downs, node, sample)

    def _sample(self, target: str, found: Scripts) -> Node | None:
        """The sample that an array stands with, x^{(i)} or x_i, taken off its scripts."""
        of = target.removeprefix(ADJOINT)
        listed = of in self.context.samples
        rank = len(self.store.system.shapes.get(of, ()))
        for place, up in enumerate(found.ups):
            inner = up.parts[0] if up.kind == "group" and up.text == "round" else None
            if inner is not None and (listed or self.context.features is not None) and (
                    inner.kind == "number" or (inner.kind == "name" and len(inner.text) == 1)):
                del found.ups[place]
                return inner
        return found.downs.pop(0) if listed and rank == 2 and len(found.downs) == 1 else None

    def _updated(self, value: Val, node: Node) -> Val:
        """An array after a step of gradient descent."""
        if "rate" not in self.known:
            self.store.with_inputs("rate")
            raise GrownError
        (array, places), = value.reads
        bar = self.array(f"{ADJOINT}{array}", [], node)
        slope = Val(bar.body, ((bar.reads[0][0], places),), value.axes)
        rate = Val(slot(0), (("rate", ()),))
        return self.algebra.pointwise(lambda w, r, g: w - r * g, value, rate, slope)

    @staticmethod
    def _with_words(stem: str, found: Scripts) -> list[str]:
        """W_xh and Wxh of W_{xh}; W of no subscript is found by its layer."""
        if not found.downs or (found.ups and found.ups[0].kind == "group"):
            return []
        low = "".join(down.text for down in found.downs)
        return [f"{stem}_{low}", f"{stem}{low}"] if low and not low.isdigit() else [f"{stem}_{low}"]

    def _has_layer(self, found: Scripts) -> bool:
        return any(layer_of(up, self.layers) is not None for up in found.ups)

    def _deltas(self, found: Scripts) -> Val:
        downs, found.downs = found.downs, []
        return self.kronecker(downs)

    def kronecker(self, pair: list[Node]) -> Val:
        """δ_ij."""
        left, right = (index_letter(down, self.source) for down in pair)
        size = self.sizes.get(str(left)) or self.sizes.get(str(right))
        if size is None:
            self.unsized = True
            return number(sp.S.One)
        return self.algebra.delta(str(left), str(right), size)

    def _constant(self, stem: str, found: Scripts) -> Val:
        """The identity or the column of ones: of the size that stands below it, or any."""
        sizes = [self._size(down) for down in found.downs]
        found.downs.clear()
        if not sizes or sizes[0] is None:
            return Val(sp.S.One, special="eye" if stem == "I" else "ones")
        return self.algebra.eye(sizes[0]) if stem == "I" else self.algebra.settle(
            Val(sp.S.One, (), {ROW: sizes[0]}))

    def _size(self, node: Node) -> sp.Expr | None:
        """A size that has a name here, or is a number; None for one of the text's own."""
        if node.kind == "number" and node.text.isdigit():
            return sp.Integer(node.text)
        return self.context.sizes.get(node.text) if node.kind == "name" else None

    def _unknown(self, stem: str, node: Node) -> Val:
        if stem in ("e", "π"):
            return number(sp.E if stem == "e" else sp.pi)
        if stem in self.context.sizes:
            return number(self.context.sizes[stem])
        if stem in RATES:
            if "rate" in self.store.system.names:
                return Val(slot(0), (("rate", ()),))
            self.source.fail(node, f"{stem} is a number that is not declared here")
        near = difflib.get_close_matches(stem, self.context.known(), 3, 0.4)
        hint = f"did you mean {', '.join(near)}?" if near else \
            f"known: {', '.join(self.context.known())}"
        self.source.fail(node, f"the name {stem!r} is not known here; {hint}")

    def _target(self, table: Mapping[str, str], stem: str, found: Scripts) -> str:
        """The array of a name's layer; the script that says it is taken off."""
        for place, up in enumerate(found.ups):
            if up.kind == "number" and len(up.text) == 2 and up.text[0] in table and \
                    "" not in table:  # A¹², the square of A¹
                found.ups[place] = Node("number", up.text[1], up.start, up.end)
                return table[up.text[0]]
            layer = layer_of(up, self.layers, bracketed=up.kind == "group")
            if up.kind == "number" and up.text in table and "" not in table and not (
                    self._is_power(table, stem, found)):
                layer = int(up.text)
            if layer is not None and (str(layer) in table):
                del found.ups[place]
                return table[str(layer)]
            if layer is not None and up.kind in ("group", "sum", "name") and len(table) > 1:
                raise NoLayerError(f"there is no {stem} of layer {layer}")
        if "" in table:
            return table[""]
        return self._unnumbered(table, stem, found)

    def _is_power(self, table: Mapping[str, str], stem: str, found: Scripts) -> bool:
        """Whether a 2 above a name is its square, where what stands below may be its layer."""
        below = found.downs[0].text if found.downs else ""
        if len(found.downs) != 1 or below not in table:
            return False
        return not self.context.layered or bool(self.choices.ask(
            f"{stem}_{below} with a number above it", ("an entry, and its layer above",
                                                       "a layer, and a power above")))

    def _unnumbered(self, table: Mapping[str, str], stem: str, found: Scripts) -> str:
        """The array of a name whose layer stands below it, W_1, or nowhere."""
        layer = layer_of(found.downs[0], self.layers) if found.downs else None
        if layer is not None and str(layer) in table:
            del found.downs[0]
            return table[str(layer)]
        if layer is not None:
            raise NoLayerError(f"there is no {stem} of layer {layer}")
        depth = self.context.depth
        asked = self.choices.ask("of which layer names are that say none", (
            *(f"layer {place}" for place in range(depth, 0, -1)), "of none: numbers"))
        if asked < depth:
            return table[str(depth - asked)]
        if found.downs:
            raise FitError(f"{stem} is a number, and has no index")
        return f"own_{stem}"

    def array(
        self, target: str, downs: list[Node], node: Node, sample: Node | None = None
    ) -> Val:
        """An array, or the loss's derivative by it, with its axes labelled."""
        if target.startswith("own_") and target not in self.known:
            self.store.with_inputs(target)
            raise GrownError
        if target.startswith(ADJOINT):
            of = target.removeprefix(ADJOINT)
            name = self.store.derivative(of)
            if name not in self.known:
                raise GrownError
            value = self._indexed(name, of, downs, node, sample)
            factor = self.context.per_sample if of.startswith("Z") else sp.S.One
            return Val(value.body * factor, value.reads, value.axes)
        return self._indexed(target, target, downs, node, sample)

    def _indexed(
        self, name: str, like: str, downs: list[Node], node: Node, sample: Node | None
    ) -> Val:
        if sample is None:
            return self._labelled(name, like, downs, node)
        letters = [index_letter(down, self.source) for down in downs]
        return self._of_sample(name, like, letters, node, sample)

    def _labelled(self, name: str, like: str, downs: list[Node], node: Node) -> Val:
        shape = self.store.system.shapes[name]
        long = [axis for axis, size in enumerate(shape) if size != 1]
        if len(shape) > 2:
            self.source.fail(node, f"{like} has {len(shape)} axes; matrices are read here")
        usual = (ROW, COLUMN) if len(shape) == 2 or self.context.columns else (COLUMN,)
        places: list[str | int] = [usual[axis] if axis in long else 0
                                   for axis in range(len(shape))]
        letters = [index_letter(down, self.source) for down in downs]
        axes = list(range(len(shape))) if len(letters) == len(shape) else long
        if letters and len(letters) == 1 and len(axes) == 2:
            axes = [self._which(like, axes, node)]
        if letters and len(letters) != len(axes):
            self.source.fail(node, f"{like} has {len(axes)} axes, got {len(letters)} indices")
        for axis, letter in zip(axes, letters, strict=False):
            if isinstance(letter, int):
                self._check_entry(like, letter, shape[axis], node)
                places[axis] = letter - self.context.first
            elif shape[axis] != 1:
                places[axis] = letter
                self.sizes[letter] = shape[axis]
            else:
                self.sizes.setdefault(letter, sp.S.One)
        labels = {at: shape[axis] for axis, at in enumerate(places) if isinstance(at, str)}
        return Val(slot(0), ((name, tuple(places)),), labels)

    def _of_sample(
        self, name: str, like: str, letters: list[str | int], node: Node, sample: Node
    ) -> Val:
        """One sample of an array that has one in each row (or column): a column, or its entry."""
        shape, which = self.store.system.shapes[name], index_letter(sample, self.source)
        first = self.context.samples.get(like, 1 - (self.context.features or 0))
        batch = self.store.system.shapes["X"][first] if self.context.features is not None else None
        if first >= len(shape) or (batch is not None and shape[first] != batch):
            self.source.fail(sample, f"{like} has no samples")
        rest = [axis for axis in range(len(shape)) if axis != first]
        if len(letters) > len(rest):
            self.source.fail(node, f"a sample of {like} has {len(rest)} axes, got {len(letters)} "
                                   "indices")
        usual: list[str | int] = [ROW if self.context.columns else COLUMN]
        places: list[str | int] = [0] * len(shape)
        for axis, letter in ((first, which), *zip(rest, letters or usual, strict=False)):
            if isinstance(letter, int):
                self._check_entry(like, letter, shape[axis], node)
                places[axis] = letter - self.context.first
            elif shape[axis] != 1:
                places[axis] = letter
                if letter not in (ROW, COLUMN):
                    self.sizes[letter] = shape[axis]
        labels = {at: shape[axis] for axis, at in enumerate(places) if isinstance(at, str)}
        return Val(slot(0), ((name, tuple(places)),), labels)

    def _check_entry(self, like: str, entry: int, size: sp.Expr, node: Node) -> None:
        if entry < self.context.first or (
                size.is_Integer and entry - self.context.first >= int(size)):
            raise FitError(self.source.located(
                node.start, f"{like} has {size} entries there; there is no entry {entry}"))

    def _which(self, like: str, axes: list[int], node: Node) -> int:
        """Which axis of a matrix a single index counts."""
        if self.context.features is None or like.startswith(("W", "w")):
            return axes[self.choices.ask(f"one index at {like}, which has two axes: which one",
                                         ("the first", "the second"))]
        feature = self.context.features
        return (feature, 1 - feature)[self.choices.ask(
            f"the index at {like}", ("counts the units", "counts the samples"))]
