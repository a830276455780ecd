"""Raw derivative equations made short, form by form, in the order in which they are computed.

    chain rule   ∂L/∂z = (1 - tanh(z)²) ∂L/∂a
    insert       ∂L/∂z = 2 (1 - tanh(z)²) (a - y)
    named value  ∂L/∂z = 2 (1 - a²) (a - y)

What the rewrites are is in :mod:`rewrite` and :mod:`declared`; here is when each is tried, and
which adjoints are put into their readers rather than named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import sympy as sp

from ..assumptions import Assumption
from ..dependence import arrays_read, reached, slopes_solved
from ..equation import Equation, Item, Read, System
from ..matrices.leaves import Levels, softmaxes
from ..matrices.nodes import Einsum, walk
from ..matrices.recognise import matrix_form
from .declared import Declarations, use_declared
from .fuse import is_short
from .joined_guards import joined
from .named_sums import NamedSums, centred, named_sums
from .named_values import is_value, reuse_quotients, reuse_values, slopes_in_outputs
from .rewrite import cancelled, inline, sum_rows, tidy
from .steps import Form, Rule, Step
from .symmetries import symmetries, with_symmetry


def final_items(items: Iterable[Item], steps: Iterable[Step]) -> Iterator[Item]:
    """The raw items with the last form of each equation, without those that were put in."""
    final = {step.name: step.equation for step in steps}
    for item in items:
        if not isinstance(item, Equation):
            kept = tuple(final[e.name] for e in item.equations if e.name in final)
            if kept:
                yield replace(item, equations=kept)
        elif item.name in final:
            yield final[item.name]


MANY = 12
"""Terms of an adjoint, one for each place where the array is read, above which they are rewritten
one by one."""

LONG = 24
"""Arrays that a term may read when an adjoint is put into its only reader: the adjoint of the first
of a thousand layers is no product of a thousand slopes."""

_ORDER: tuple[Rule, ...] = ("chain rule", "solved", "centred", "insert", "named value",
                            "slope in output", "cancel", "row sums", "declared", "per sample")


class Simplifier:
    """Goes through raw derivative equations in order; see :meth:`run`.

    `forward` are the equations before them, `keep` the names that no other equation takes in,
    `hidden` those that a reader is not to see if it can be helped; `rows` says that vectors are
    written as rows, `stepwise` that row sums keep their names.
    """

    def __init__(
        self,
        forward: System,
        backward: System,
        keep: set[str],
        hidden: Iterable[str] = (),
        levels: Levels | None = None,
        rows: bool = False,
        stepwise: bool = False,
    ) -> None:
        self.hidden = set(hidden)
        self.levels = levels or {}
        self.backward = tuple(backward.equations)
        self._sums = NamedSums.of(forward.items)
        every = NamedSums.of(forward.items, every=True)  # what is 0 needs no name to be written
        self._centred = {e.name: centred(e, every) for e in self.backward}
        self.inputs = {array.name: array for array in forward.inputs}
        self._solved = slopes_solved(forward)
        self._shares = softmaxes(forward, levels or {})
        self.keep = keep
        self.stepwise = stepwise
        self.inlined: dict[str, Step] = {}
        self.assumed: set[str] = set()
        self._declared = Declarations.of(self.inputs, tuple(forward.equations), rows,
                                         symmetries(forward.equations, self.inputs))
        self._done: dict[str, Equation] = {}
        self._pointwise: dict[str, list[Equation]] = defaultdict(list)
        values = [e for e in forward.equations if is_value(e) and e.terms[0].reads]
        reading = Counter(name for e in values for name in dict.fromkeys(arrays_read(e)))
        for equation in values:
            arrays = [read.array for read in equation.terms[0].reads]
            # Who reuses a value reads all that it reads: of w, which every layer has, one that few
            # have is looked under.
            if reading[arrays[0]] > MANY:
                arrays.sort(key=reading.__getitem__)
            self._pointwise[arrays[0]].append(equation)
        # The adjoint of the output itself, 1 or the identity, is not worth a word where it is put
        # in.
        self._seeds = {e.name for e in self.backward if all(not t.reads for t in e.terms)}
        self._reader_count = Counter(
            name for e, _ in self._centred.values() for name in arrays_read(e)
        )

    def run(self) -> list[Step]:
        """The steps that keep their name; the others end in ``inlined``."""
        steps: dict[str, Step] = {}
        for raw in self.backward:
            via = tuple(dict.fromkeys(term.via for term in raw.terms if term.via))
            of = tuple(self._solved[name] for name in arrays_read(raw) if name in self._solved)
            forms = [Form(self._with_seeds(raw), "chain rule", via) if via or not of
                     else Form(self._with_seeds(raw), "solved", of)]
            shorter, names = self._centred[raw.name]
            if names:
                forms.append(Form(self._with_seeds(shorter), "centred", names))
            if len(raw.terms) > MANY:
                self._in_parts(forms)
            else:
                for rewrite in self._stages():
                    rewrite(forms)
            self._done[raw.name] = forms[-1].equation
            self._declared = with_symmetry(self._declared, forms[-1].equation)
            steps[raw.name] = Step(raw.name, "adjoint", raw.name, tuple(forms), (
                *self._declared.relied_on(forms[-1].equation),
                *(Assumption(name, "solved") for name in of)))
        needed = reached(
            (name for name in steps if name in self.keep),
            lambda name: (array for array in arrays_read(self._done[name]) if array in steps),
        )
        self.inlined = {name: step for name, step in steps.items() if name not in needed}
        return [step for name, step in steps.items() if name not in self.inlined]

    def _stages(self) -> tuple[Callable[[list[Form]], None], ...]:
        # What row sums made short may go in after them.
        return self._insert, self._rewrite, self._insert, self._cancel

    def _in_parts(self, forms: list[Form]) -> None:
        """The rewrites of an array that is read in very many places, place by place: each looks at
        all of what it is given, so that of the whole they would take the square of their number."""
        whole = forms[-1]
        parts = [[replace(whole, equation=replace(whole.equation, terms=(term,)))]
                 for term in whole.equation.terms]
        for rewrite in self._stages():
            latest = [part[-1] for part in parts]
            for part in parts:
                del part[:-1]
                rewrite(part)
            rules = dict.fromkeys(form.rule for part in parts for form in part[1:])
            for rule in sorted(rules, key=_ORDER.index):
                used, assumed = dict[str, None](), dict[Assumption, None]()
                for place, part in enumerate(parts):
                    for form in part[1:]:
                        if form.rule == rule:
                            latest[place] = form
                            used.update(dict.fromkeys(form.uses))
                            assumed.update(dict.fromkeys(form.assumes))
                forms.append(Form(_added(whole.equation, latest), rule, tuple(used),
                                  tuple(assumed)))
            latest = [part[-1] for part in parts]
        forms[-1] = replace(forms[-1], equation=_added(whole.equation, latest))

    def _with_seeds(self, equation: Equation) -> Equation:
        """The adjoint of the output is known: nobody is to read ∂L/∂L."""
        for read in equation.reads:
            if read.array in self._seeds - self.keep and read.array in self._done:
                equation = inline(equation, self._done[read.array]) or equation
        return equation

    def _insert(self, forms: list[Form]) -> None:
        """Puts adjoints into this equation where that loses nothing."""
        equation = forms[-1].equation
        used: list[str] = []
        changed = True
        while changed:
            changed = False
            for read in list(equation.reads):
                target = self._done.get(read.array)
                if target is None or read.array in self.keep:
                    continue
                put = inline(equation, target)
                # A hidden adjoint (of log Σ exp) goes in even at the price of a sum, and so does
                # a row sum that is given back to the row alone (of a mean, a variance).
                if put is None and (read.array in self.hidden or (
                        not self.stepwise and _is_given_back(equation, read))):
                    put = self._with_sum(equation, target)
                if put is not None and self._pays(equation, target, put):
                    equation, changed = put, True
                    if target.name not in self._seeds:
                        used.append(target.name)
                    break
        if used:
            forms.append(Form(equation, "insert", tuple(dict.fromkeys(used))))
        elif equation != forms[-1].equation:
            forms[-1] = replace(forms[-1], equation=equation)

    def _with_sum(self, equation: Equation, target: Equation) -> Equation | None:
        """A row sum put into its only reader, where the sum is still taken once for a row."""
        if self._reader_count[target.name] != 1:
            return None
        put = inline(equation, target, costly=True)
        form = None if put is None else matrix_form(put, levels=self.levels)
        return None if form is None or any(
            isinstance(node, Einsum) for node in walk(form)) else put

    def _pays(self, equation: Equation, target: Equation, put: Equation) -> bool:
        """An only reader takes its target in; several readers take in what makes them shorter."""
        if is_short(target) or not target.terms or target.name in self._seeds:
            return True
        if self._reader_count[target.name] == 1:
            return all(len(term.reads) <= LONG for term in put.terms)
        if not target.is_pointwise or not put.terms:
            return not put.terms  # zero is shorter than any name
        # What counts is the length after the rewrites that will follow, not before.
        named, _ = reuse_values(put, self._near(put))
        sloped, _ = slopes_in_outputs(named, self._near(named))
        return _length(tidy(cancelled(sloped))) <= _length(equation)

    def _rewrite(self, forms: list[Form]) -> None:
        """The rewrites in the order in which each finds most: names before slopes, since a slope
        is stated in a value that has one; what cancels before what is assumed, so that nothing is
        assumed without need."""
        equation = forms[-1].equation
        named, values = reuse_values(equation, self._near(equation))
        if values:
            forms.append(Form(named, "named value", values))
        sloped, outputs = slopes_in_outputs(named, self._near(named))
        if outputs:
            forms.append(Form(sloped, "slope in output", outputs))
        self._cancel(forms)
        summed, used = sum_rows(forms[-1].equation, self.inputs, self._shares)
        if used:
            names, declared = tuple(sorted(used)), sorted(used - self._shares.keys())
            self.assumed.update(declared)
            forms.append(Form(summed, "row sums", names,
                              tuple(Assumption(name, "row sums") for name in declared)))
        shorter, assumed = use_declared(forms[-1].equation, self._declared)
        if assumed or shorter != forms[-1].equation:
            forms.append(Form(shorter, "declared", assumes=assumed))
        named, values = named_sums(forms[-1].equation, self._sums)
        named, more = reuse_quotients(named, self._near(named))
        if values or more:
            forms.append(Form(named, "named value", tuple(dict.fromkeys((*values, *more)))))

    def _near(self, equation: Equation) -> list[Equation]:
        """The pointwise forward equations of arrays that an equation reads, in forward order.

        Twice over, since a value that is named first may be what another one reads.
        """
        arrays = dict.fromkeys(read.array for term in equation.terms for read in term.reads)
        near = [e for array in arrays for e in self._pointwise.get(array, ())]
        return near + [e for first in near for e in self._pointwise.get(first.name, ())]

    def _cancel(self, forms: list[Form]) -> None:
        """Like terms added and bodies shortened: a form of its own when that shortens anything."""
        before = forms[-1]
        after = cancelled(tidy(joined(before.equation)))
        if after == before.equation:
            return
        if _length(after) < _length(before.equation):
            forms.append(Form(after, "cancel"))
        else:
            forms[-1] = replace(before, equation=after)


def _is_given_back(reader: Equation, read: Read) -> bool:
    """Whether a read of an array with fewer axes is repeated along the others."""
    out = {index.symbol for index in reader.out}
    return len(read.at) < len(out) and set(read.at) <= out and len(reader.terms) <= MANY and all(
        read not in term.reads or not term.over for term in reader.terms)


def _added(equation: Equation, parts: Iterable[Form]) -> Equation:
    """The sum of forms that are parts of one equation."""
    return tidy(replace(
        equation, terms=tuple(term for part in parts for term in part.equation.terms)))


def _length(equation: Equation) -> int:
    """How long an equation reads: operations in its bodies, and one for each term and sum."""
    return sum(
        int(sp.count_ops(term.body, visual=False)) + 1 + len(term.over)
        for term in equation.terms
    )
