"""Readable NumPy source of a gradient: what a person would write, from the same matrix form.

The text depends on NumPy alone; functions that it calls (sigmoid, a user's formula and its slope)
are written out above the gradient, each in a spelling that does not overflow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..symbolic import escaping
from ..symbolic.dependence import ancestors, descendants
from ..symbolic.equation import (
    Equation,
    EquationError,
    Implicit,
    Item,
    Recurrence,
    System,
    equations_of,
)
from ..symbolic.matrices.leaves import levels_of
from ..symbolic.matrices.nodes import Einsum, Node, aligned, walk
from ..symbolic.matrices.recognise import matrix_form
from .blocks import Blocks
from .called import Functions
from .diagonals.compressed import compressed
from .expressions import Expressions
from .identifiers import identifier, pronounceable, quoted
from .interpret import ROUNDINGS, STEPS, computes, unsolved
from .lean.calls_once import named_calls
from .lean.keyed import returned_lines
from .names import Names
from .patches import Scope, decided, squeezed
from .recurrences import LoopLines, solved_text
from .saturated import needed, prepared, shown_axes
from .views import Copies


def gradient_source(
    system: System,
    loss: str | None,
    gradients: Mapping[str, str],
    *,
    name: str = "gradient",
    row_vectors: bool = True,
    comments: Mapping[str, str] | None = None,
    summary: str = "",
    hidden: Sequence[str] = (),
) -> str:
    """Source text of ``name(inputs) -> (loss, {parameter: gradient})``, for arrays of floats; of
    the dict alone, and what that needs, where there is no `loss`.

    `gradients` maps parameters to the arrays that hold their gradients; `comments` may give a
    formula to be set behind an array's line.  An input whose name Python does not take, or that
    would hide what the text refers to, or is `hidden`, is called by a name like it.  Raises
    EquationError for an equation with a function that NumPy lacks, or a size that no input shows,
    naming it.
    """
    spoken, names = pronounceable(prepared(system), hidden)
    results = [names[array] for array in gradients.values()]
    notes = {names[array]: note for array, note in (comments or {}).items() if array in names}
    wanted = [*([] if loss is None else [names[loss]]), *results]
    return function_text(
        spoken, needed(spoken, wanted), wanted, returned_lines(wanted, [*map(quoted, gradients)]),
        name=identifier(name), row_vectors=row_vectors, comments=notes, summary=summary, once=True)


def array_source(
    system: System, array: str, *, name: str, row_vectors: bool = True, summary: str = ""
) -> str:
    """Source text of ``name(inputs) -> array``.  Raises as :func:`gradient_source` does."""
    spoken, names = pronounceable(compressed(prepared(system), [array]))
    wanted = [names[array]]
    return function_text(spoken, needed(spoken, wanted), wanted, [f"    return {wanted[0]}"],
                         name=identifier(name), row_vectors=row_vectors, summary=summary, once=True)


def function_text(
    system: System,
    items: Sequence[Item],
    results: Sequence[str],
    returned: Sequence[str],
    *,
    name: str,
    row_vectors: bool,
    known: Sequence[str] = (),
    comments: Mapping[str, str] | None = None,
    summary: str = "",
    once: bool = False,
) -> str:
    """A function of the system's inputs, and of the arrays that are `known` before, that computes
    `items` and ends in `returned`; all names are identifiers.

    once: calls that are made more than once on the same values get a name.
    """
    printer = Printing(system, row_vectors)
    printer.names.taken.add(name)  # a function above it by this name would be hidden
    own = Copies(system, results)
    written = [(item, [*map(own, printer.lines(item))]) for item in items]
    lines: list[str] = []
    for item, statements in _read(written, results):
        note = (comments or {}).get(item.name, "") if isinstance(item, Equation) else ""
        for line in statements:
            fits = note and len(line) + len(note) < 94
            lines.append(f"    {line}  # {escaping.python(note)}" if fits else f"    {line}")
            note = ""
    if once:
        functions = [node.name for text in printer.functions.definitions()
                     for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        lines = [f"    {line}" for line in named_calls(
            [line[4:] for line in lines], [array.name for array in system.inputs],
            functions, printer.names.new)]
    arguments = ", ".join([*(array.name for array in system.inputs), *known])
    head = [f"def {name}({arguments}):"]
    if summary:
        head.append(f'    """{escaping.python(summary)}"""')
    parts = ["import numpy as np\n", *printer.functions.definitions(),
             "\n".join([*head, *printer.names.lines(), *lines, *returned]) + "\n"]
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def _read(
    written: Sequence[tuple[Item, list[str]]], results: Sequence[str]
) -> Iterator[tuple[Item, list[str]]]:
    """The items with their statements, but for a level, log Σ exp, that these read in a softmax of
    their own alone."""
    for place, (item, statements) in enumerate(written):
        if (isinstance(item, Equation) and item.reduction == "logsumexp" and len(statements) == 1
                and item.name not in results and not any(
                    re.search(rf"\b{re.escape(item.name)}\b", line)
                    for _, lines in written[place + 1:] for line in lines)):
            continue
        yield item, statements


class Printing:
    """The statements of a text, and what they ask for above them.

    The system's names must be identifiers: :func:`identifiers.pronounceable` makes them so.
    """

    def __init__(self, system: System, row_vectors: bool) -> None:
        self.names = Names(system)
        self.functions = Functions(self.names)
        self.expressions = Expressions(self.names, self.functions)
        self.scope = Scope(row_vectors, self.names.shapes, levels_of(system))
        self.blocks = Blocks(self.expressions, self.scope)
        self.loops = LoopLines(self.blocks, system)

    def lines(self, item: Item) -> list[str]:
        """The statements that compute an item, without indentation.

        Raises EquationError for one that has no text, naming it.
        """
        before = self.loops.grids.uses
        lines = self._written(item)
        if self.loops.grids.uses > before and not computes(
                item, lines, self.names.shapes, self.expressions.integers,
                self.functions.definitions()):
            what = item.loop if isinstance(item, Recurrence) else equations_of(item)[-1].name
            raise EquationError(f"{what}: no "
                                "source text that computes it; compile it instead")
        return lines

    def _written(self, item: Item) -> list[str]:
        if isinstance(item, Recurrence):
            return self.loops.recurrence(item)
        if isinstance(item, Implicit):
            return self._solved(item)
        try:
            return self._lines(item)
        except EquationError:
            return self.loops.grids.lines(decided(item))

    def _solved(self, item: Implicit) -> list[str]:
        """A group that is solved for its unknown: Newton's method from its start."""
        start, *between, unknown = item.equations
        names, name, system = self.names, unknown.name, self.names.system
        inside = {equation.name for equation in item.equations}
        behind = [e.name for e in system.equations]
        behind = behind[behind.index(name) + 1:]
        moving = descendants(system.equations, inside - {start.name})
        slopes = [array for array in ancestors(system, [item.slope]) if array in behind]
        step, gap, search = names.new("step"), names.new("gap"), names.new("_")
        value, nearest, small = (
            names.new(wish) for wish in (f"{name}_next", "nearest", "small"))
        names.shapes[value] = unknown.shape
        on_the_way = self._all_written(between)
        lines = [*on_the_way, *self._written(replace(unknown, name=value)),
                 f"{gap} = np.max(np.abs({value} - {name}), initial=0.0)",
                 f"if not {gap} <= {nearest}:",
                 f"    if {nearest} <= {small}:  # as near as rounding lets it", "        break",
                 "    # Too far: half the step.", f"    {step} = {step} / 2",
                 f"    {name} = {name} - {step}", "    continue",
                 *self._all_written(system[array] for array in slopes if array in moving),
                 f"{step} = {solved_text(item, f'{value} - {name}')}",
                 f"{small} = {ROUNDINGS} * np.finfo({names.dtype()}).eps * "
                 f"(1 + np.max(np.abs({name}), initial=0.0))",
                 f"{name}, {nearest} = {name} + {step}, {gap}",
                 f"if np.max(np.abs({step}), initial=0.0) <= {small} < np.inf:", "    break"]
        read = {r.array for item in system.items for e in equations_of(item) for r in e.reads
                if e.name not in inside and e.name not in slopes}
        again = on_the_way if not read.isdisjoint(e.name for e in between) else []
        begun = self._all_written([replace(start, name=name), *(
            system[array] for array in slopes if array not in moving)])
        return [*begun, f"{step}, {nearest}, {small} = 0.0 * {name}, np.inf, 0.0",
                f"for {search} in range({STEPS}):", *(f"    {line}" for line in lines),
                "else:", f"    raise ValueError({quoted(unsolved(name))})", *again]

    def _all_written(self, equations: Iterable[Equation]) -> list[str]:
        return [line for equation in equations for line in self._written(equation)]

    def _lines(self, item: Equation) -> list[str]:
        """As expressions and sums over slices."""
        if item.argmax:
            return self.blocks.maximum(item)
        item = decided(item)
        on_diagonals = self.blocks.diagonals(item)
        if on_diagonals:
            return on_diagonals
        form = matrix_form(item, self.scope.row_vectors, self.names.shapes,
                           levels=self.scope.levels)
        if form is None:
            return self.blocks.equation(item)
        if not item.terms:
            return [f"{item.name} = {self.blocks.empty(item.shape)}"]
        narrow = squeezed(item)
        if narrow is not item and narrow.out and _has_einsum(form):
            plain = self.scope.form(narrow)
            if plain is not None and not _has_einsum(plain):
                value = self.expressions.shaped(
                    plain, tuple(index.name for index in narrow.out), narrow.shape)
                return [f"{item.name} = ({value}).reshape({self.names.shape_text(item.shape)})"]
        out, units = shown_axes(item)
        value = self.expressions.shaped(aligned(form, out), out, item.shape, units)
        return [f"{item.name} = {value}"]


def _has_einsum(form: Node) -> bool:
    """Whether a form contracts three arrays or more at once: plans for it take longer than small
    products."""
    return any(isinstance(node, Einsum) and len(node.operands) > 2 for node in walk(form))
