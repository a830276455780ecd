"""The quantities of one spec, by the names that markers use: formulas, numbers, figure, table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from gradproof.derivations.derivation import Derivation
from gradproof.derivations.deriving import derive
from gradproof.derivations.examples import EXAMPLES
from gradproof.reports.content import (
    Block,
    Bullets,
    Display,
    Listing,
    Math,
    Paragraph,
    Picture,
    Prose,
    Relation,
    Table,
    equation,
)
from gradproof.reports.drawing import Drawing
from gradproof.reports.markers.flavors import Content, Figure
from gradproof.reports.markers.marker import MarkerError, Request, near
from gradproof.reports.markup import Latex
from gradproof.reports.pages.drawn import svg, tikz
from gradproof.reports.sections.claims import claims_section, compare
from gradproof.reports.sections.figure import draw
from gradproof.reports.sections.in_general import raw
from gradproof.reports.sections.narration import all_functions
from gradproof.reports.worked.digits import formatted, fraction, show, tabled
from gradproof.reports.worked.figures import evaluate
from gradproof.reports.worked.lines import EntryNames, WorkedLine, Worker
from gradproof.reports.worked.quantities import UPDATED, quantity, updated_name, with_updates
from gradproof.symbolic.derive.steps import Step
from gradproof.symbolic.equation import System
from gradproof.symbolic.exact.numbers import exact
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network

_ENTRY = re.compile(r"([A-Za-z]\w*(?:\.updated)?)\s*(?:\[([\d\s,]+)\])?$")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\s*\()")


class Quantities:
    """A network, a model or a system of equations, derived when it is first needed.

    values: of its inputs.  hand: a file with a hand-written backward pass.
    """

    def __init__(
        self, source: Network | Model | System, values: Mapping[str, Any],
        hand: Path | None = None,
    ) -> None:
        self.source = source
        self.network = source if isinstance(source, Network) else None
        self.spec = source if isinstance(source, Network | Model) else None
        self.values = values
        self.hand = hand

    @cached_property
    def derivation(self) -> Derivation:
        return derive(self.source)

    @cached_property
    def steps(self) -> dict[str, Step]:
        """Every equation by the name of its array."""
        chain = self.derivation.chain
        return {step.name: step for step in (*chain.steps, *chain.inlined.values())}

    @cached_property
    def names(self) -> EntryNames:
        """Exact figures and what they are called.  MarkerError where there are no values."""
        chain = self.derivation.chain
        if not self.values:
            raise MarkerError("the spec has no [values], so it has no numbers")
        found = evaluate(chain.system, self.values, [s.equation for s in chain.inlined.values()])
        if self.rate is not None:
            with_updates(found, self.gradients, self.rate)
        return EntryNames(self.derivation.writer, found)

    @property
    def rate(self) -> Fraction | None:
        given = self.spec.learning_rate if self.spec else None
        return None if given is None else exact(given)

    @property
    def gradients(self) -> dict[str, str]:
        return {name: formula.array for name, formula in self.derivation.gradients.items()}

    # --- names ----------------------------------------------------------------------------------

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Other names of arrays: delta2, E, h, o, t."""
        found = {formula.array.replace("dZ", "delta"): formula.array
                 for formula in self.derivation.deltas.values() if formula.array[:2] == "dZ"}
        if self.spec:
            notation = self.spec.notation
            found |= {"x": "X", str(notation.get("target", "y")): "Y"}
            found[str(notation.get("loss", "L"))] = "L"
            found |= {str(symbol): name for name, symbol in notation.get("symbols", {}).items()}
        known = {*self.steps, *(array.name for array in self.derivation.system.inputs)}
        return {alias: name for alias, name in found.items() if alias not in known}

    def canonical(self, text: str) -> str:
        """With the names of arrays for their other names."""
        return _NAME.sub(lambda found: self.aliases.get(found[0], found[0]), text)

    def keys(self) -> list[str]:
        """The names of all quantities, for messages."""
        arrays = list(self.steps)
        return [*self._whole, *arrays, *self.aliases,
                *(f"{name}.gradient" for name in self.gradients),
                *(f"{array}.{part}" for array in arrays for part in ("steps", "worked")),
                "check.verdict", *(f"check.{name}.verdict" for name in self.gradients)]

    # --- content --------------------------------------------------------------------------------

    def content(self, request: Request, text: bool = False) -> Content:
        """What the request asks for, in LaTeX, or with `text` in Unicode.

        Raises MarkerError (or another ValueError) for what there is not.
        """
        name = request.quantity
        if request.number is not None:
            return _inline(self._number(name, request.number, text))
        if name in self._whole:
            return self._whole[name](self, text)
        if name.startswith("check."):
            return _inline((self._checked(name.split(".")[1:]),))
        stem, _, part = name.rpartition(".")
        if stem and part in ("steps", "worked", "symbol", "gradient", "adjoint"):
            return self._part(stem, part, text)
        found = _ENTRY.fullmatch(self.canonical(name))
        if found and found[2]:
            return _display(self._lines(found[1], found[2]), text)
        step = self.steps.get(self.canonical(name))
        if step is None:
            raise MarkerError(f"no quantity {name!r}; {near(name, self.keys())}")
        return self._formulas([step], text)

    def _part(self, name: str, part: str, text: bool) -> Content:
        array = self.canonical(name)
        if part == "worked":
            found = _ENTRY.fullmatch(array)
            if found is None:
                raise MarkerError(f"{name!r} has no worked numbers; {near(name, self.steps)}")
            return _display(self._lines(found[1], found[2]), text)
        if part in ("gradient", "adjoint"):
            bars = {formula.name: formula.array for formula in
                    (*self.derivation.deltas.values(), *self.derivation.gradients.values())}
            bars |= {step.of: step.name for step in self.derivation.chain.inlined.values()}
            if array not in bars:
                raise MarkerError(f"no {part} by {name!r}; {near(name, bars)}")
            return self._formulas([self.steps[bars[array]]], text)
        writer = self.derivation.writer
        if part == "symbol" and (array in self.steps or array in self.derivation.system.shapes):
            shown = writer.name(array, latex=not text)
            return _inline((shown if text else Math(shown),))
        array = self.gradients.get(array, array)
        if array not in self.steps:
            raise MarkerError(f"no quantity {name!r}; {near(name, self.steps)}")
        return self._forms(self.steps[array], text)

    def _formulas(self, steps: Iterable[Step], text: bool) -> Content:
        writer = self.derivation.writer
        chosen = list(steps)
        if text:
            lines = [str(writer.text(step.equation)) for step in chosen]
            return Content((lines[0],) if len(lines) == 1 else None,
                           (Listing("\n".join(lines), "text"),))
        shown = [writer.latex(step.equation) for step in chosen]
        formulas = tuple(equation(one.left, one.right) for one in shown)
        inline = (Math(formulas[0].latex),) if len(formulas) == 1 else None
        return Content(inline, (Display(formulas),))

    def _forms(self, step: Step, text: bool) -> Content:
        """Every form that an equation went through."""
        writer = self.derivation.writer
        if text:
            shown = dict.fromkeys(str(writer.text(form.equation)) for form in step.forms)
            return Content(None, (Listing("\n".join(shown), "text"),))
        forms = dict.fromkeys((w.left, w.right) for w in
                              (writer.latex(form.equation) for form in step.forms))
        return Content(None, (Display(tuple(equation(*form) for form in forms)),))

    # --- numbers --------------------------------------------------------------------------------

    def exactly(self, name: str) -> Fraction:
        """The value of an entry, or of arithmetic on entries."""
        return fraction(quantity(self.canonical(name), self.names).value)

    def _number(self, name: str, form: str, text: bool) -> Prose:
        value = self.exactly(name)
        if not form:
            shown = show(value)
            plain = r"\times" not in shown.latex
            return (shown.latex,) if plain else (formatted(value, ".5e") if text else
                                                 Math(shown.latex),)
        return (formatted(value, form),)

    def _worker(self) -> Worker:
        return Worker(self.names, all_functions(self.derivation.chain))

    def _lines(self, array: str, subscripts: str | None) -> list[WorkedLine]:
        figures = self.names.figures
        if array not in figures.entries or not (array in self.steps or array.endswith(UPDATED)):
            raise MarkerError(f"{array!r} has no worked numbers; {near(array, self.steps)}")
        places = list(figures[array])
        if subscripts:
            wanted = tuple(int(part) - 1 for part in subscripts.split(","))
            shape = figures.shapes[array]
            long = [axis for axis, size in enumerate(shape) if size != 1]
            places = [place for place in places if wanted in
                      (place, tuple(place[axis] for axis in long))]
            if not places:
                raise MarkerError(f"{array} has shape {shape}; there is no entry [{subscripts}]")
        worker = self._worker()
        if array.endswith(UPDATED):
            name = array.removesuffix(UPDATED)
            assert self.rate is not None
            return [worker.update(name, self.gradients[name], place, self.rate)
                    for place in places]
        return worker.lines(self.steps[array].equation, places)

    # --- what a marker names as a whole ---------------------------------------------------------

    def _forward(self, text: bool) -> Content:
        return self._formulas([f.step for f in self.derivation.forward.values()], text)

    def _backward(self, text: bool) -> Content:
        return self._formulas(
            [f.step for f in self.derivation.all() if f.step.role != "forward"], text)

    def _general(self, text: bool) -> Content:
        derivation = self.derivation
        if not derivation.has_general_rule:
            raise MarkerError("general: only a network has a rule for any depth")
        if text:
            return Content(None, (Listing("\n".join(derivation.general_rule_text()), "text"),))
        return Content(None, (Display(tuple(
            raw(latex) for latex, _, _ in derivation.general_rule)),))

    def _definitions(self, text: bool) -> Content:
        found = self.derivation.definitions
        if text:
            return Content(None, (Listing("\n".join(plain for _, plain in found), "text"),))
        return Content(None, (Display(tuple(raw(latex) for latex, _ in found)),))

    def _numpy(self, text: bool) -> Content:
        return Content(None, (Listing(self.derivation.numpy_source()),))

    def _figure(self, text: bool) -> Content:
        if self.network is None:
            raise MarkerError("figure: only a network has a figure")
        *sizes, last = map(str, self.network.sizes)
        caption = (f"The network {self.network.name}, with layers of {', '.join(sizes)} and {last} "
                   "units.")
        return Content(None, (Picture((caption,), self._drawn),))

    def drawing(self, path: str) -> Figure:
        """The network's figure, with its numbers where it has values."""
        return Figure(svg(self._drawn), lambda: tikz(self._drawn, Latex().text, Latex().inline),
                      path)

    @cached_property
    def _drawn(self) -> Drawing:
        assert self.network is not None
        figures = self.names.figures if self.values else None
        return draw(self.network, self.derivation.writer, figures)

    def _table(self, text: bool) -> Content:
        figures, writer = self.names.figures, self.derivation.writer
        rows: list[tuple[Prose, ...]] = []
        lines = []
        seed = self.derivation.chain.of.get(self.derivation.chain.loss)
        for array, entries in figures.entries.items():
            name = array.removesuffix(UPDATED)
            for place, value in entries.items() if array != seed else ():
                at = self.names.subscripts(array, place)
                shown = writer.name(name, at, latex=not text)
                if array != name:
                    shown = f"new {shown}" if text else updated_name(self.names, name, at)
                rows.append(((Math(shown),), (tabled(value),)))
                lines.append((shown, tabled(value)))
        if text:
            width = max(len(name) for name, _ in lines)
            return Content(None, (Listing("\n".join(f"{name:{width}}  {value:>20}" for name, value
                                                    in lines), "text"),))
        return Content(None, (Table((("quantity",), ("exact figure",)), tuple(rows), "lr"),))

    def _claims(self, text: bool) -> Content:
        if self.spec is None or not self.spec.claims:
            raise MarkerError("claims: the spec states no figures under [[claims]]")
        section = claims_section(compare(self.spec.claims, self.names), self.spec.source)
        return Content(None, section.blocks)

    def _assumptions(self, text: bool) -> Content:
        found = [f"assumed: {item}" for item in self.derivation.assumptions]
        found += [f"kink: {item}" for item in self.derivation.kinks]
        if not found:
            return Content(None, (Paragraph(("Nothing is assumed, and there are no kinks.",)),))
        return Content(None, (Bullets(tuple((item,) for item in found)),))

    _whole: dict[str, Callable[[Quantities, bool], Content]] = {  # noqa: RUF012
        "forward": _forward, "backward": _backward, "general": _general, "figure": _figure,
        "table": _table, "claims": _claims, "numpy": _numpy, "definitions": _definitions,
        "assumptions": _assumptions,
    }

    # --- the hand-written pass ------------------------------------------------------------------

    @cached_property
    def _check(self) -> Any:
        from gradproof.checks.hand_files import load_function
        from gradproof.checks.hand_written import check_network
        from gradproof.checks.own_process.parent import checked_pass

        if self.hand is None:
            raise MarkerError("check: the spec has no hand-written pass; pyproject.toml names one: "
                              "[tool.gradproof.specs] NAME = { file = \"...\", hand = \"...\" }")
        network = self.derivation.network
        if self.hand.parent == EXAMPLES or network is None:
            return check_network(self.derivation, load_function(self.hand), self.hand.name)
        return checked_pass(network, self.hand)

    def unproved(self, request: Request) -> tuple[str, str]:
        """("", "") where what a marker shows of the hand-written pass is right; else "refuted" or
        "undecided", and why."""
        path = request.quantity.split(".")[1:]
        bad = [check for check in self._check if check.verdict not in ("proved", "agrees")
               and (len(path) == 1 or check.name == path[0])]
        if not bad:
            return "", ""
        kinds = {check.verdict for check in bad}
        told = "; ".join(f"{check.name}: {check.verdict}{', ' if check.reason else ''}"
                         f"{check.reason}" for check in bad)
        return "refuted" if "refuted" in kinds else "undecided", told

    def word(self, request: Request) -> str:
        """What a marker shows of the hand-written pass."""
        return self._checked(request.quantity.split(".")[1:])

    def _checked(self, path: list[str]) -> str:
        if path == ["verdict"]:
            return str(self._check.verdict)
        if len(path) == 2 and path[1] in ("verdict", "scope"):
            known = [check.name for check in self._check]
            if path[0] not in known:
                raise MarkerError(f"check: no gradient {path[0]!r}; {near(path[0], known)}")
            return str(getattr(self._check[path[0]], path[1]))
        raise MarkerError("check: expected check.verdict, check.W1.verdict or check.W1.scope, got "
                          f"check.{'.'.join(path)}")


def _inline(prose: Prose) -> Content:
    return Content(prose, (Paragraph(prose),))


def _display(lines: list[WorkedLine], text: bool) -> Content:
    if text:
        raise MarkerError("worked numbers have no format text; leave format out")
    formulas: tuple[Relation, ...] = tuple(line.formula for line in lines)
    blocks: tuple[Block, ...] = (Display(formulas),)
    return Content((Math(formulas[0].latex),) if len(formulas) == 1 else None, blocks)
