"""Problems that practitioners differentiate, docs/problems/: each derived, printed and measured.

    python benchmarks/problems.py              # all pages, seven minutes
    python benchmarks/problems.py survival     # those of some fields, without the index
    python benchmarks/problems.py --printed    # what is printed alone; the tables stay as they are

needs PyTorch (extra `peers`) and math-core (extra `test`); LaTeX is compiled where pdflatex is.
The problems and the columns are the tests' own (tests/tables/problems).
"""

from __future__ import annotations

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
`python benchmarks/problems.py`; do not edit.

{passed} of {all} cells hold; each of the others says why it does not.

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
    found: dict[str, dict[str, dict[str, Cell]]] = {}
    for field in FIELDS:
        if asked and not any(word in file_of(field) for word in asked):
            continue
        cells = {problem.name: measured(problem) for problem in field}
        for name, cell in compile_together(field).items():
            cells[name]["LaTeX"] = cell
        found[field.title] = cells
        (PAGES / file_of(field)).write_text(page(field, cells), encoding="utf-8")
        for name, row in cells.items():
            for column, cell in row.items():
                if not cell.holds:
                    print(f"{field.title}: {name}: {column}: {cell.text}", file=sys.stderr)
    if not asked:
        (PAGES / "README.md").write_text(index(found), encoding="utf-8")


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


def index(found: dict[str, dict[str, dict[str, Cell]]]) -> str:
    """The index of the pages, with what holds of each column."""
    every = [cell for field in found.values() for row in field.values() for cell in row.values()]
    failing = [f"- {field}: {name}, {column}: {_escaped(cell.text)}"
               for field, cells in found.items() for name, row in cells.items()
               for column, cell in row.items() if not cell.holds]
    rows = []
    for field in FIELDS:
        cells = found[field.title].values()
        counts = [sum(row[column].holds for row in cells) for column in COLUMNS]
        rows.append(f"| [{field.title}]({file_of(field)}) | {len(cells)} | "
                    + " | ".join(map(str, counts)) + " |")
    import torch

    totals = [sum(row[column].holds for field in found.values() for row in field.values())
              for column in COLUMNS]
    return INDEX.format(
        count=sum(map(len, found.values())), torch=torch.__version__.partition("+")[0],
        numpy=np.__version__, sympy=sp.__version__, passed=sum(cell.holds for cell in every),
        all=len(every), precision=PRECISION, columns=" | ".join(COLUMNS),
        marks=" ---: |" * len(COLUMNS), rows="\n".join(rows), totals=" | ".join(map(str, totals)),
        failing="\n## Cells that do not hold\n\n" + "\n".join(failing) + "\n" if failing else "")


if __name__ == "__main__":
    main(sys.argv[1:])
