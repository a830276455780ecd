"""Source lines of what is more than one expression: sums over slices, and values at places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from string import ascii_letters

import sympy as sp

from ..symbolic.display.index_letters import lettered
from ..symbolic.display.layout import ATOM, POW
from ..symbolic.equation import Equation, EquationError, Read, Size
from ..symbolic.matrices.kronecker import Kronecker, kronecker_form
from ..symbolic.matrices.nodes import Total
from .axes import present
from .diagonals.writes import diagonal_writes
from .expressions import Expressions, conditions
from .gathers import Scatter, gathered, scatter
from .patches import Patch, Scope, patches, squeezed, windows
from .views import Window, flattened, in_digits, in_windows, is_view, reshaped


class Blocks:
    """Lines for the items of a system that are no single expression."""

    def __init__(self, expressions: Expressions, scope: Scope) -> None:
        self.expressions = expressions
        self.names = expressions.names
        self.scope = scope

    def equation(self, equation: Equation) -> list[str]:
        """An equation as a sum over slices.  Raises EquationError where it is none."""
        alike = reshaped(equation, self.names.shapes)
        if alike is not None:
            return [f"{equation.name} = {alike}.reshape({self.names.shape_text(equation.shape)})"]
        name = equation.name
        flat = flattened(equation, self.names.shapes)
        form = None if flat is None else self.scope.form(flat)
        if flat is not None and form is not None:
            value = self.expressions.shaped(form, tuple(i.name for i in flat.out), flat.shape)
            held = f"({value})"
            return [f"{name} = {held}.reshape({self.names.shape_text(equation.shape)})"]
        narrow = squeezed(equation)
        if narrow is not equation:
            shape = self.names.shape_text(equation.shape)
            return [*self.equation(narrow), f"{name} = np.reshape({name}, {shape})"]
        on_diagonals = self.diagonals(equation)
        if on_diagonals:
            return on_diagonals
        products = self._kronecker(equation)
        if products:
            return products
        in_shape = self._in_another_shape(equation)
        if in_shape:
            return in_shape
        equation, scattered = self._parted(self._gathered(equation))
        found = patches(equation, self.scope)
        if found is None:
            raise EquationError(f"{equation.name}: no source text, since it has no matrix form: "
                                f"{equation!r}; compile it instead")
        largest = equation.reduction == "max"
        lines = []
        first = found[0] if found else None
        if first is not None and first.is_everywhere and not largest:
            value = self.expressions.shaped(first.form, first.axes, equation.shape)
            copy = ".copy()" if equation.out else " + 0.0"  # what is added later is added in place
            lines.append(f"{name} = {value}{copy if is_view(value) else ''}")
            found = found[1:]
        else:
            lines.append(f"{name} = {self.empty(equation.shape, largest)}")
        for patch in found:
            lines += self.patch(patch, name, None, equation, largest)
        return lines + [line for one in scattered for line in self._scatter(name, one)]

    def diagonals(self, equation: Equation) -> list[str]:
        """An equation of three axes or more as writes into its diagonals; nothing for others."""
        if squeezed(equation) is not equation:
            return []
        return diagonal_writes(equation, self.expressions, self.scope, self._whole)

    def _whole(self, equation: Equation) -> list[str]:
        """An equation as one expression, which is an array of its own, or as a sum over slices."""
        form = self.scope.form(equation)
        if form is None:
            return self.equation(equation)
        axes = tuple(index.name for index in equation.out)
        value = self.expressions.shaped(form, axes, equation.shape)
        return [f"{equation.name} = {value}{'.copy()' if is_view(value) else ''}"]

    # --- products of matrices -------------------------------------------------------------------

    def _kronecker(self, equation: Equation) -> list[str]:
        """A derivative by a matrix from its Kronecker factors: two small arrays and one outer
        product, instead of a sum for each of its entries.  Nothing where it has none."""
        if len(equation.out) not in (3, 4):
            return []
        products = next(filter(None, (kronecker_form(equation, n) for n in (2, 1))), ())
        if any(product.way == "diagonal" for product in products):
            return []
        lines: list[str] = []
        total = ""
        for product in products:
            text = self._outer(equation, product, lines)
            number = product.number
            if not number.is_number:
                return []
            sign = "-" if number.is_negative else "+" if total else ""
            if abs(number) != 1:
                style = self.expressions.style
                text = f"{style.hold(style.number(abs(number)), POW)} * {text}"
            total += f" {sign} {text}" if total else f"{sign}{text}"
        return [*lines, f"{equation.name} = {total}"] if total else []

    def _outer(self, equation: Equation, product: Kronecker, lines: list[str]) -> str:
        """The product of two factors, whose own lines are put before it where they need some."""
        letters = {index.name: letter for index, letter in
                   zip(equation.out, ascii_letters[8:], strict=False)}  # i, j, k, ...
        texts, axes = [], []
        for side in (product.left, product.right):
            form = self.scope.form(side)
            own = tuple(index.name for index in side.out)
            if form is not None:
                texts.append(self.expressions.shaped(form, own, side.shape))
            else:
                name = self.names.new(f"{equation.name}_factor")
                lines += self.equation(replace(side, name=name))
                texts.append(name)
            axes.append("".join(letters[index] for index in own))
        whole = "".join(letters.values())
        return f'np.einsum("{axes[0]},{axes[1]}->{whole}", {texts[0]}, {texts[1]})'

    # --- other shapes ---------------------------------------------------------------------------

    def _in_another_shape(self, equation: Equation) -> list[str]:
        """The equation in arrays of other shapes; nothing where it has no form in them."""
        for apart in (self._in_digits(equation), self._in_windows(equation)):
            form = None if apart is None else self.scope.form(apart)
            if apart is not None and form is not None:
                axes = tuple(index.name for index in apart.out)
                return [f"{equation.name} = {self.expressions.shaped(form, axes, apart.shape)}"]
        return []

    def _in_digits(self, equation: Equation) -> Equation | None:
        """The equation with W[n i + j] as a read of an array that is written W.reshape((m, n));
        None where no read is such a one."""
        before = equation

        def plain(read: Read, sizes: Mapping[sp.Symbol, Size]) -> Read:
            shape = self.names.shapes.get(read.array)
            found = None if shape is None or len(shape) != len(read.at) else in_digits(
                read, sizes, shape)
            if found is None:
                return read
            text = f"{read.array}.reshape({self.names.shape_text(found[0])})"
            self.names.shapes[text] = found[0]
            return Read(text, found[1])

        equation = _with_reads(equation, plain)
        return None if equation == before else equation

    def _in_windows(self, equation: Equation) -> Equation | None:
        """The equation with x[2 i + u - 1] as a read of an array that is written windows(x, ...);
        None where no read is such a one."""
        if equation.reduction != "sum":
            return None
        terms, some = [], False
        for term in equation.terms:
            sizes = {index.symbol: index.size for index in (*equation.out, *term.over)}
            found = in_windows(term, sizes, self.names.shapes)
            if found is not None:
                plain, windows = found
                term = replace(plain, reads=tuple(
                    self._windows(read, windows[number]) if number in windows else read
                    for number, read in enumerate(term.reads)))
                some = True
            terms.append(term)
        if not some:
            return None
        self.expressions.functions.bring("windows")
        return replace(equation, terms=tuple(terms))

    def _windows(self, read: Read, windows: Sequence[Window]) -> Read:
        text, at, shape = read.array, list(read.at), list(self.names.shapes[read.array])
        for more, window in enumerate(windows):
            axis = window.axis + more
            text = (f"windows({text}, {axis}, {self.names.shape_text(window.sizes)}, "
                    f"{window.steps}, {self.names.size_text(window.shift)})")
            at[axis:axis + 1] = window.indices
            shape[axis:axis + 1] = window.sizes
        self.names.shapes[text] = tuple(shape)
        return Read(text, tuple(at))

    # --- integer arrays -------------------------------------------------------------------------

    def _gathered(self, equation: Equation) -> Equation:
        """The equation with x[s[i], j] as a read of an array that is written x[s]."""

        def plain(read: Read, sizes: Mapping[sp.Symbol, Size]) -> Read:
            texts = {symbol: f"np.arange({self.names.size_text(size)})"
                     for symbol, size in sizes.items()}
            found = gathered(read, sizes, self.names.shapes, texts)
            if found is None:
                return read
            self.names.shapes[found.text] = found.shape
            return Read(found.text, found.axes)

        return _with_reads(equation, plain)

    def _parted(self, equation: Equation) -> tuple[Equation, list[Scatter]]:
        """The terms that are sums over slices, and those that are added at places."""
        found = [(term, scatter(equation, term)) for term in equation.terms]
        rest = tuple(term for term, one in found if one is None)
        return replace(equation, terms=rest), [one for _, one in found if one is not None]

    def _scatter(self, name: str, one: Scatter) -> list[str]:
        form = self.scope.form(one.values)
        if form is None:
            raise EquationError(f"{name}: no source text for the values that are added at "
                                f"{one.labels}: {one.values!r}; compile it instead")
        axes = tuple(index.name for index in one.values.out)
        value = self.expressions.shaped(form, axes, one.values.shape)
        at = f"({', '.join(['slice(None)'] * one.axis + [one.labels])})" if one.axis else one.labels
        return [f"np.add.at({name}, {at}, {value})"]

    def maximum(self, equation: Equation) -> list[str]:
        """A maximum and the place of it, the first where there are several.

        Raises EquationError where it is taken over several axes that are no window.
        """
        narrow = squeezed(equation)
        if narrow is not equation:
            sized = self.names.shape_text(equation.shape)
            return [*self.maximum(narrow), *(f"{name} = np.reshape({name}, {sized})"
                                             for name in (equation.name, *equation.argmax))]
        name, shape = equation.name, equation.shape
        patch = windows(equation, self.scope)
        if patch is None:
            return self._whole_maximum(equation)
        lines, indent = self._opened(patch, equation)
        value, larger = self.names.fresh("value"), self.names.fresh("larger")
        places = ", ".join(self._places(patch, None, equation))
        at = f"[{places}]" if places else ""
        steps = [f"{value} = {self.expressions.added(patch.form, patch.axes).text}",
                 f"{larger} = {value} > {name}{at}"]
        # the patch's loops run over the indices as they are called in it
        over = lettered(equation).terms[0].over
        for place, index in zip(equation.argmax, over, strict=True):
            counter = self.names.variable(index.name)
            steps.append(f"{place}{at} = np.where({larger}, {counter}, {place}{at})")
        steps.append(f"{name}{at} = np.maximum({name}{at}, {value})")
        sized = self.names.shape_text(shape)
        return [f"{name} = {self.empty(shape, True)}",
                *(f"{place} = np.zeros({sized}, int)" for place in equation.argmax),
                *lines, *(indent + line for line in steps)]

    def _whole_maximum(self, equation: Equation) -> list[str]:
        """A maximum over whole axes and its place."""
        form = self.scope.form(replace(equation, argmax=()))
        if not isinstance(form, Total) or present(form.of) != form.of.axes:
            raise EquationError(f"{equation.name}: no source text for the place of a maximum: "
                                f"{equation!r}; compile it instead")
        lines = [f"{equation.name} = {self.expressions.node(form).text}"]
        if len(equation.argmax) == 1:
            return [*lines, f"{equation.argmax[0]} = {self.expressions.place_of(form).text}"]
        over = equation.terms[0].over  # several axes, as one that runs over them row by row
        if form.of.axes != tuple(index.name for index in (*equation.out, *over)):
            raise EquationError(f"{equation.name}: no source text for the places of a maximum over "
                                f"several axes: {equation!r}; compile it instead")
        values = self.expressions.style.hold(self.expressions.node(form.of), ATOM)
        flat = self.names.shape_text((*equation.shape, sp.Integer(-1)))
        sizes = self.names.shape_text([index.size for index in over])
        return [*lines, f"{', '.join(equation.argmax)} = np.unravel_index("
                        f"np.argmax({values}.reshape{flat}, axis=-1), {sizes})"]

    # --- patches --------------------------------------------------------------------------------

    def patch(
        self, patch: Patch, name: str, step: tuple[int, str] | None, equation: Equation,
        largest: bool, first: bool = False,
    ) -> list[str]:
        """The lines that add a patch to an array: at a `step`, the place of the loop's axis and
        the counter that stands there."""
        lines, indent = self._opened(patch, equation)
        places = self._places(patch, step, equation)
        target = f"{name}[{', '.join(places)}]" if places else name
        value = self.expressions.added(patch.form, patch.axes).text
        whole = first and patch.is_everywhere
        if largest:
            target = target if places else f"{name}[...]"
            return [*lines, f"{indent}{target} = np.maximum({target}, {value})"]
        return [*lines, f"{indent}{target if places else name} {'=' if whole else '+='} {value}"]

    def _opened(self, patch: Patch, equation: Equation) -> tuple[list[str], str]:
        """The loops and conditions of a patch, and how far in what they are about stands."""
        lines: list[str] = []
        indent = ""
        for index in patch.loops:
            count = self.names.size_text(index.size)
            lines.append(f"{indent}for {self.names.variable(index.name)} in range({count}):")
            indent += "    "
        for overlap in patch.overlaps:
            self.expressions.functions.bring("overlap")
            ends = [self.names.variable(str(end), end) for end in (overlap.first, overlap.last)]
            values = [self.names.size_text(sp.sympify(value)) for value in (
                overlap.count, overlap.step, overlap.shift, overlap.size)]
            lines.append(f"{indent}{', '.join(ends)} = overlap({', '.join(values)})")
        indices = [(index.symbol, index.size) for index in (*equation.out, *patch.loops)]
        tests = list(dict.fromkeys(
            text for guard in patch.conditions
            for text in conditions(guard, indices, self.names.size_text)
        ))
        if tests:
            lines.append(f"{indent}if {' and '.join(tests)}:")
            indent += "    "
        return lines, indent

    def _places(
        self, patch: Patch, step: tuple[int, str] | None, equation: Equation
    ) -> list[str]:
        """Where in an array a patch goes, without what is whole at the end."""
        own = [size for place, size in enumerate(equation.shape)
               if step is None or place != step[0]]
        places = [self.names.place_text(p, s) for p, s in zip(patch.region, own, strict=True)] \
            if patch.region else [":"] * len(own)
        if step is not None:
            places.insert(*step)
        while places and places[-1] == ":":
            places.pop()
        return places


    def empty(self, shape: Sequence[Size], largest: bool = False) -> str:
        """An array of zeros, or of the lowest of all numbers."""
        sized, kind = self.names.shape_text(shape), self.names.dtype()
        return f"np.full({sized}, -np.inf, {kind})" if largest else f"np.zeros({sized}, {kind})"


def _with_reads(
    equation: Equation, written: Callable[[Read, Mapping[sp.Symbol, Size]], Read]
) -> Equation:
    """The equation with its reads, given the sizes of the indices, as others."""
    terms = []
    for term in equation.terms:
        sizes = {index.symbol: index.size for index in (*equation.out, *term.over)}
        terms.append(replace(term, reads=tuple(written(read, sizes) for read in term.reads)))
    return replace(equation, terms=tuple(terms))
