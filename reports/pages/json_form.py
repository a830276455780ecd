"""The whole derivation as JSON, as docs/report.schema.json says; numbers are decimals in texts,
since a float would lose their digits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any

from ...symbolic import escaping
from ...symbolic.derive.steps import Chain, Form, Step
from ...symbolic.display.reasons import kink_line, reason_runs, writer_of
from ...symbolic.display.writer import Writer
from ...symbolic.equation import Equation
from ...symbolic.exact.numbers import Value
from ..content import Code, plain
from ..language import Language
from ..sections.comparison import CheckRow
from ..worked.digits import fraction, rounded
from ..worked.figures import DIGITS, Figures, Place
from .document import ReportData
from .marks import BLANK

VERSION = 1


def json_form(report: ReportData) -> str:
    """The report as a JSON object; the document is not in it, but what it is made of."""
    chain, writer = report.chain, report.writer
    assert chain is not None
    assert writer is not None
    language = report.language
    return escaping.json_text({
        "gradproof report": VERSION,
        "written": BLANK,
        "name": report.name,
        "language": language.code,
        "title": plain(report.title),
        "loss": chain.loss,
        "parameters": list(chain.wrt),
        "arrays": _arrays(chain, writer),
        "steps": [_step(step, chain, writer, report)
                  for step in (*chain.inlined.values(), *chain.steps)],
        "assumptions": [language.text(str(made))
                        for made in (*chain.assumptions, *report.taken)],
        "kinks": [language.text(kink_line(kink)) for kink in chain.kinks],
        "sections": [{"name": section.name, "title": plain(section.title)}
                     for section in report.sections if section.name],
        "numbers": _numbers(report, chain),
        "training": _training(report),
        "comparison": [_check(check, language) for check in report.checks] or None,
        "program": report.program,
    }) + "\n"


def _arrays(chain: Chain, writer: Writer) -> dict[str, Any]:
    steps = {step.name: step for step in chain.steps}
    found = {}
    for name, shape in chain.system.shapes.items():
        step = steps.get(name)
        found[name] = {
            "role": step.role if step else "input",
            "of": step.of if step and step.role != "forward" else None,
            "shape": [int(size) if size.is_Integer else str(size) for size in shape],
            "text": writer.name(name), "latex": writer.name(name, latex=True),
        }
    return found


def _step(step: Step, chain: Chain, writer: Writer, report: ReportData) -> dict[str, Any]:
    return {
        "array": step.name, "role": step.role, "of": step.of,
        "number": report.labels.get(step.name),
        "inlined": step.name in chain.inlined,
        **_equation(step.equation, writer),
        "forms": [_form(form, step, chain, writer, report.language) for form in step.forms],
    }


def _form(
    form: Form, step: Step, chain: Chain, writer: Writer, language: Language
) -> dict[str, Any]:
    writer = writer_of(form, step, chain, writer)
    because = language.prose(tuple(run if isinstance(run, str) else Code(run.latex)
                                   for run in reason_runs(form, step, chain, writer)))
    return {
        "rule": form.rule, "because": plain(because), "uses": list(form.uses),
        "assumes": [language.text(str(made)) for made in form.assumes],
        **_equation(form.equation, writer),
    }


def _equation(equation: Equation, writer: Writer) -> dict[str, str]:
    return {"text": str(writer.text(equation)), "latex": str(writer.latex(equation))}


def _numbers(report: ReportData, chain: Chain) -> dict[str, Any] | None:
    figures = report.figures
    if figures is None:
        return None
    return {
        "digits": DIGITS,
        "sizes": {str(size): number for size, number in figures.sizes.items()},
        "arrays": {name: _nested(figures, name) for name in figures.entries},
        "lines": [{"array": line.array, "place": list(line.place), "latex": line.formula.latex,
                   "value": decimal(line.value), "checked": line.checked}
                  for line in report.lines],
        "claims": [{"latex": claim.latex, "stated": claim.stated, "exact": decimal(claim.exact),
                    "difference": decimal(claim.difference), "rounds": claim.rounds,
                    "rounded": claim.rounded, "where": claim.where}
                   for claim in report.claims],
    }


def _training(report: ReportData) -> dict[str, Any] | None:
    """Losses and norms in floats, as the generated program computed them; null for none that is
    finite."""
    training = report.training
    if training is None:
        return None
    return {key: [value if isfinite(value) else None for value in values]
            for key, values in (("losses", training.losses), ("norms", training.norms))}


def _nested(figures: Figures, name: str) -> Any:
    """An array's numbers as nested lists."""
    def part(place: Place, shape: Sequence[int]) -> Any:
        if not shape:
            return decimal(figures[name][place])
        return [part((*place, at), shape[1:]) for at in range(shape[0])]

    return part((), figures.shapes[name])


def decimal(value: Value) -> str:
    """A number with fifty significant digits, or with all it has.

    >>> decimal(Fraction(1, 8)), decimal(Fraction(-3)), decimal(Fraction(1, 3))[:6]
    ('0.125', '-3', '0.3333')
    """
    number = fraction(value)
    shown = rounded(number, DIGITS)
    return format(shown if Fraction(shown) != number else _shortest(shown), "f" if
                  -20 < shown.adjusted() < 60 else "e")


def _shortest(number: Decimal) -> Decimal:
    found = number.normalize()
    exponent = found.as_tuple().exponent
    return found.quantize(Decimal(1)) if isinstance(exponent, int) and 0 < exponent < 40 else found


def _check(check: CheckRow, language: Language) -> dict[str, Any]:
    return {
        "gradient": check.name, "verdict": check.verdict, "scope": language.text(check.scope),
        "method": check.method, "bound": check.bound, "hand_differs": check.worst_hand,
        "witness_differs": check.worst_numeric, "diagnosis": language.text(check.diagnosis),
        "notes": list(map(language.text, check.notes)),
        "entries": [{"at": entry.at, "derived": entry.derived, "hand": entry.hand,
                     "witness": entry.difference} for entry in check.entries],
    }
