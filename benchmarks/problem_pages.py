"""Problems that practitioners differentiate, docs/problems/: each derived, printed and measured.

    python benchmarks/problem_pages.py              # all pages, seven minutes
    python benchmarks/problem_pages.py survival     # those of some fields
    python benchmarks/problem_pages.py --printed    # what is printed alone, no table

needs PyTorch (extra `peers`) and math-core (extra `test`); LaTeX is compiled where pdflatex is.
The problems and the columns are the tests' own (tests/tables/problems).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "tables"))

import numpy as np
import sympy as sp
from problems import FIELDS, Field
from problems.columns import PRECISION, Cell, block, compile_together, measured

PAGES = Path(__file__).parent.parent / "docs" / "problems"
COLUMNS = ("gradients", "Hessian", "source", "read back", "LaTeX")

INDEX = """\
# Problems, by field

{count} losses that practitioners differentiate, as they write them: as text of
[equations](../equations.md) or as a NumPy function that is [traced](../tracing.md). Each page shows
the source, the gradients as they are printed, and the Hessian by one of the arrays where it is not
long. Measured with PyTorch {torch}, NumPy {numpy} and SymPy {sympy} by
`python benchmarks/problem_pages.py`; do not edit.

{passed} of {all} cells hold; one that did not would say why.

- **gradients**: the largest difference of the loss and of every gradient from PyTorch's float64
  autograd on the same source (or on PyTorch's own loss), relative to the array's largest entry; it
  holds up to {precision:.0e}.
- **Hessian**: the same of the second derivative by the array that is named.
- **source**: the same of the generated NumPy source, of the gradients and of the Hessian, run as
  it is printed.
- **read back**: how many formulas (forward, backward and of the Hessian, as text and as LaTeX) were
  read back by a parser that knows the text alone, found to have the shape of their left sides, and
  evaluated to the derived numbers; *by shape alone* where the text does not say every length.
- **LaTeX**: all of it becomes MathML (math-core), and compiles with amsmath alone.

| field | problems | {columns} |
| --- | ---: |{marks}
{rows}
| all | {count} | {totals} |
{failing}"""


def main(asked: list[str]) -> None:
    """Writes the pages of the fields whose file or title is asked for, or all and the index."""
    PAGES.mkdir(exist_ok=True)
    if "--printed" in asked:
        for field in FIELDS:
            path = PAGES / file_of(field)
            head, _, _ = path.read_text(encoding="utf-8").partition("\n\n### ")
            path.write_text("\n".join([head, "", *map(block, field)]), encoding="utf-8")
        return
    for field in FIELDS:
        if asked and not any(word in file_of(field) for word in asked):
            continue
        cells = {problem.name: measured(problem) for problem in field}
        for name, cell in compile_together(field).items():
            cells[name]["LaTeX"] = cell
        (PAGES / file_of(field)).write_text(page(field, cells), encoding="utf-8")
    found = {field.title: table(field) for field in FIELDS}
    (PAGES / "README.md").write_text(index(found), encoding="utf-8")
    for line in failing(found):
        print(line, file=sys.stderr)


def file_of(field: Field) -> str:
    """The name of a field's page."""
    return field.title.lower().replace(",", "").replace(" ", "-") + ".md"


def page(field: Field, cells: dict[str, dict[str, Cell]]) -> str:
    """A field's page."""
    head = [f"# {field.title}", "", "What the columns mean is in the [index](README.md).", "",
            f"| | {' | '.join(COLUMNS)} |", "|" + " --- |" * (len(COLUMNS) + 1)]
    rows = [f"| {name} | " + " | ".join(_escaped(row[column].text) for column in COLUMNS) + " |"
            for name, row in cells.items()]
    return "\n".join([*head, *rows, "", *(block(problem) for problem in field)])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def table(field: Field) -> dict[str, dict[str, str]]:
    """The cells of a field's page, by problem and column."""
    rows = (PAGES / file_of(field)).read_text(encoding="utf-8").partition("\n\n### ")[0]
    found = {}
    for line in rows.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == len(COLUMNS) + 1 and cells[0] in field.problems:
            found[cells[0]] = dict(zip(COLUMNS, cells[1:], strict=True))
    return found


def failing(found: dict[str, dict[str, dict[str, str]]]) -> list[str]:
    """A line for each cell that does not hold."""
    return [f"- {field}: {name}, {column}: {text}" for field, rows in found.items()
            for name, row in rows.items() for column, text in row.items() if text.startswith("✗")]


def index(found: dict[str, dict[str, dict[str, str]]]) -> str:
    """The index of the pages, with what holds of each column."""
    import torch

    rows = [row for cells in found.values() for row in cells.values()]
    wrong = failing(found)

    def counts(of: list[dict[str, str]]) -> str:
        return " | ".join(str(sum(not row[column].startswith("✗") for row in of))
                          for column in COLUMNS)

    return INDEX.format(
        count=len(rows), torch=torch.__version__.partition("+")[0], numpy=np.__version__,
        sympy=sp.__version__, all=len(rows) * len(COLUMNS), precision=PRECISION,
        passed=len(rows) * len(COLUMNS) - len(wrong), columns=" | ".join(COLUMNS),
        marks=" ---: |" * len(COLUMNS), totals=counts(rows),
        rows="\n".join(f"| [{field.title}]({file_of(field)}) | {len(found[field.title])} | "
                       f"{counts(list(found[field.title].values()))} |" for field in FIELDS),
        failing="\n## Cells that do not hold\n\n" + "\n".join(wrong) + "\n" if wrong else "")


if __name__ == "__main__":
    main(sys.argv[1:])
