"""A report as a Jupyter notebook: its text as Markdown cells, its programs as cells that run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from ...symbolic import escaping
from ..content import Listing, Picture, Section, plain
from ..worked.digits import fraction
from .document import ReportData
from .drawn import svg
from .marks import BLANK
from .render import figure_file, markdown_section


def notebook(report: ReportData) -> str:
    """The notebook's text, format 4.5.

    Where there are values, a cell behind the generated program calls it with them.
    """
    cells = [_text(f"# {escaping.markdown(plain(report.title))}")]
    for section in report.sections:
        cells += _section(section, report)
    for place, cell in enumerate(cells):
        cell["id"] = hashlib.sha256(f"{place} {cell['source']}".encode()).hexdigest()[:12]
    return escaping.json_text({
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "generator": BLANK,
        },
        "nbformat": 4, "nbformat_minor": 5,
    }) + "\n"


def _section(section: Section, report: ReportData) -> Iterator[dict[str, Any]]:
    """Its text, and each program of it in a cell of its own."""
    text = [block for block in section.blocks if not isinstance(block, Listing)]
    shown = Section(section.title, tuple(text), section.level)
    cell = _text(markdown_section(shown))
    pictures = {figure_file(block.drawing): svg(block.drawing) for block in text
                if isinstance(block, Picture)}
    if pictures:
        cell["attachments"] = {
            name: {"image/svg+xml": base64.b64encode(drawn.encode("utf-8")).decode("ascii")}
            for name, drawn in pictures.items()}
    yield cell
    for block in section.blocks:
        if not isinstance(block, Listing):
            continue
        if block.language != "python":
            yield _text(markdown_section(Section((), (block,))))
            continue
        yield _code(escaping.lines(block.text).rstrip())
        if section.name == "program" and report.figures is not None:
            yield _code(_call(report))


def _call(report: ReportData) -> str:
    """Lines that call the generated program with the report's values."""
    assert report.chain is not None
    assert report.figures is not None
    lines, names = [], []
    for array in report.chain.system.inputs:
        shape = report.figures.shapes[array.name]
        as_given = int if array.is_integer else float
        entries = [repr(as_given(fraction(report.figures[array.name][place])))
                   for place in sorted(report.figures[array.name])]
        body = f"np.array([{', '.join(entries)}])"
        lines.append(f"{array.name} = {body}.reshape({shape})" if len(shape) != 1
                     else f"{array.name} = {body}")
        names.append(array.name)
    return "\n".join([*lines, f"loss, gradients = gradient({', '.join(names)})", "loss, gradients"])


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.strip()}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [],
            "source": source}
