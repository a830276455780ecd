"""The columns of the pages of problems: how each is derived, measured and printed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import math_core
import numpy as np
from printed import Printed, arrays_of, fault, formulas, hessian_of, of_problem

from gradproof.symbolic.display.text_and_latex import plain
from problems.problem import Problem

PRECISION = 1e-9
"""What numbers may differ by, relative to the largest entry of their array."""

LONG = 600
"""Characters of a Hessian's formulas; longer ones are left out of the page."""


@dataclass(frozen=True)
class Cell:
    """What is found in a column: whether it holds, and the text."""

    holds: bool
    text: str


def cell(column: Callable[[], Cell]) -> Cell:
    """What a column says; one that fails says why."""
    try:
        return column()
    except Exception as error:
        lines = str(error).splitlines() or [""]
        return Cell(False, f"✗ {type(error).__name__}: {lines[0]:.120}")


def measured(problem: Problem) -> dict[str, Cell]:
    """The cells of a problem, by column."""
    from problems.pytorch import measured as in_pytorch

    values, by = problem.values(), problem.hessian_by
    loss, gradients, second = in_pytorch(problem, values, by)
    due = {"L": loss, **gradients}
    derivation = problem.derivation

    def first() -> Cell:
        value, found = derivation.compile()(**values)
        return _near({"L": value, **found}, due)

    def hessian() -> Cell:
        made = derivation.hessian(by)
        found = made.compile()(**{name: values[name] for name in made.inputs})
        near = _near({by: found}, {by: second}, *(problem.short or ()))
        return Cell(near.holds, f"{near.text} by {by}")

    def source() -> Cell:
        value, found = _run(derivation.numpy_source(), "gradient", values)
        near = _near({"L": value, **found}, due)
        made = derivation.hessian(by)
        again = _near({by: _run(made.numpy_source(), "derivative",
                                {name: values[name] for name in made.inputs})}, {by: second},
                      *(problem.short or ()))
        return near if not near.holds else again if not again.holds else Cell(
            True, f"{near.text}, {again.text}")

    return {"gradients": cell(first), "Hessian": cell(hessian), "source": cell(source),
            "read back": cell(lambda: read_back(problem)), "LaTeX": cell(lambda: math(problem))}


def _run(source: str, name: str, values: Mapping[str, Any]) -> Any:
    space: dict[str, Any] = {}
    exec(source, space)
    with np.errstate(all="ignore"):
        return space[name](**values)


def _near(found: Mapping[str, Any], due: Mapping[str, Any], within: float = PRECISION,
          why: str = "") -> Cell:
    """The largest difference, relative to the largest entry of its array."""
    worst = 0.0
    for name, right in due.items():
        one, other = np.asarray(found[name], float), np.asarray(right, float)
        if one.shape != other.shape:
            return Cell(False, f"✗ {name} has the shape {one.shape}, PyTorch's {other.shape}")
        top = float(np.abs(other).max(initial=0.0))
        gap = float(np.abs(one - other).max(initial=0.0)) / (top if top > PRECISION else 1.0)
        worst = max(worst, gap if gap == gap else np.inf)
    text = f"{worst:.0e}" if worst else "0"
    if worst > PRECISION:
        text = f"{text} ({why})" if worst <= within else f"✗ {text}"
    return Cell(worst <= within, text)


# --- what is printed ------------------------------------------------------------------------------


def all_printed(problem: Problem) -> list[Printed]:
    """Everything that is printed of a problem: forward, backward, the Hessian."""
    return [of_problem(problem), hessian_of(problem)]


def read_back(problem: Problem) -> Cell:
    """Whether each formula, read back from text and from LaTeX, has its shape and says its
    numbers."""
    count = unsaid = 0
    for found in all_printed(problem):
        arrays = arrays_of(found)
        for equation, text, is_latex in formulas(found):
            wrong = fault(found, equation, text, is_latex, arrays)
            if wrong and not wrong.startswith("unsaid"):
                return Cell(False, f"✗ `{text:.80}`: {wrong:.60}")
            count, unsaid = count + 1, unsaid + bool(wrong)
    return Cell(True, f"{count}" if not unsaid else f"{count}, {unsaid} by shape alone")


def latex_of(problem: Problem) -> list[str]:
    """The LaTeX of every formula, as `.latex()` gives it."""
    return [plain(text) for found in all_printed(problem)
            for _, text, is_latex in formulas(found) if is_latex]


def math(problem: Problem) -> Cell:
    """Whether all of it becomes MathML."""
    converter = math_core.LatexToMathML()
    for line in latex_of(problem):
        converter.convert_with_local_state(line, displaystyle=True)
    return Cell(True, "✓")


def compile_together(problems: Iterable[Problem]) -> dict[str, Cell]:
    """What TeX says of each problem that it does not compile; all at once where it compiles."""
    lines = {problem.name: latex_of(problem) for problem in problems}
    every = [line for each in lines.values() for line in each]
    if shutil.which("pdflatex") is None or not compiled(every):
        return {}
    found = {name: compiled(each) for name, each in lines.items()}
    return {name: Cell(False, f"✗ {error}") for name, error in found.items() if error}


def compiled(lines: list[str]) -> str:
    """The first error that TeX has with formulas, for amsmath alone; "" for none."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "all.tex").write_text(
            "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n"
            + "\n".join(rf"\[ {line} \]" for line in lines) + "\n\\end{document}\n",
            encoding="utf-8")
        run = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "all.tex"],
            cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return next((line for line in run.stdout.splitlines() if line.startswith("!")), "") \
        if run.returncode else ""


# --- the page -------------------------------------------------------------------------------------


def block(problem: Problem) -> str:
    """A problem on its page: the source, and what is printed of it."""
    language = "text" if isinstance(problem.source, str) else "python"
    shapes = ", ".join(f"{name} ({_shape(given)})" for name, given in problem.inputs.items())
    lines = [f"### {problem.name[0].upper()}{problem.name[1:]}", "", f"{shapes}", "",
             f"```{language}", problem.text, "```", "", "```text", *gradients(problem)]
    made = str(problem.derivation.hessian(problem.hessian_by))
    by = problem.hessian_by
    if len(made) <= LONG:
        lines += ["", f"∂²L/∂{by}∂{by}:", *made.splitlines()]
    else:
        count = len(made.splitlines())
        lines += ["", f"∂²L/∂{by}∂{by}: {count} formula{'s' * (count > 1)}, left out here"]
    return "\n".join([*lines, "```", ""])


def gradients(problem: Problem) -> list[str]:
    """The backward formulas as they are printed, with the definitions of all that the source does
    not name."""
    shown, title, named = [], "", {*re.findall(r"\w+", problem.text), "L"}
    known = {f"  {formula}" for formula in problem.derivation.shown()
             if formula.step.role == "forward"
             and formula.name in {*named, problem.derivation.chain.loss}}
    for line in str(problem.derivation).splitlines():
        if not line.startswith(" "):
            title = line
        elif title == "Backward" or (title == "Forward" and line not in known):
            shown.append(line[2:])
        elif title in ("Assumed", "Kinks"):
            shown.append(f"{title.lower()}: {line[2:]}")
    return [line for place, line in enumerate(shown) if line not in shown[place + 1:]]


def _shape(given: Any) -> str:
    if isinstance(given, str):
        return given or "a number"
    kind = given.kind if given.kind != "interval" else f"{given.low} to {given.high}"
    return f"{' '.join(map(str, given.shape)) or 'a number'}, {kind}"
