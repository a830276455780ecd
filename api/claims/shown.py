"""An audit: its findings, as data, text, Markdown and HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from gradproof.claims.findings import FINE, ORDER, Finding, worst
from gradproof.reports.language import Language, language
from gradproof.reports.mathml import MathmlError, mathml
from gradproof.reports.pages.render import template_text
from gradproof.symbolic import escaping

_MARKS = {"right": "✓", "rounded": "≈", "depends": "?", "undecided": "?", "unread": "–",
          "wrong": "✗"}
ENGLISH = language("en")
in_language = language


@dataclass(frozen=True)
class Audit:
    """The findings on the claims of a document, in their order."""

    title: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """How many claims have which verdict."""
        found = {verdict: sum(f.verdict == verdict for f in self.findings) for verdict in ORDER}
        return {verdict: number for verdict, number in found.items() if number}

    @property
    def verdict(self) -> str:
        """The worst verdict; "nothing" where there is no claim."""
        return worst(self.findings).verdict if self.findings else "nothing"

    def as_data(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {"title": self.title, "verdict": self.verdict, "counts": self.counts,
                "claims": [asdict(finding) for finding in self.findings],
                "notes": list(self.notes)}

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self, whole=False)

    def report(self, form: str = "html", language: str = "en") -> str:
        """The audit as text, markdown, html (a page), or json, in English or Chinese ("zh")."""
        if form not in FORMATS:
            raise ValueError(f"form: expected one of {', '.join(FORMATS)}, got {form!r}")
        return FORMATS[form](self, in_language(language, "audit"))


def as_text(audit: Audit, said: Language = ENGLISH) -> str:
    """A few lines a claim, and how many have which verdict."""
    lines = [audit.title] if audit.title else []
    for number, finding in enumerate(audit, 1):
        where = f"  [{said.text(finding.where)}]" if finding.where else ""
        lines.append(f"{number:3} {_MARKS[finding.verdict]} {said.text(finding.verdict)}: "
                     f"{_claim(finding, said)}{where}")
        lines += [f"      {line}" for line in details(finding, said)]
    lines.append(summary(audit, said))
    lines += map(said.text, audit.notes)
    return "\n".join(lines)


def details(finding: Finding, said: Language = ENGLISH) -> list[str]:
    """What is said of a claim beside its verdict."""
    lines = finding.why.split("\n") if finding.why else []
    if finding.exact:
        lines.append(f"exact: {finding.exact}" + (f", stated - exact: {finding.error}"
                                                  if finding.error else ""))
    elif finding.error:
        lines.append(f"the largest difference, claimed - printed: {finding.error}")
    lines += [f"it would be right as: {text}" for text in finding.diagnosis]
    lines += [f"which is meant? {text}" for text in finding.questions]
    return [line if line.startswith("  ") else said.text(line) for line in lines]


def summary(audit: Audit, said: Language = ENGLISH) -> str:
    """"12 claims: 10 right, 2 wrong"."""
    counts = ", ".join(f"{number} {said.text(verdict)}" for verdict, number in audit.counts.items())
    return said.text(f"{len(audit)} claim{'s' * (len(audit) != 1)}: "
                     f"{counts or 'nothing was checked'}")


def _claim(finding: Finding, said: Language) -> str:
    """The claim itself, whose words are ours for what is no formula."""
    return said.text(finding.claim) if finding.kind in ("output", "shape") else finding.claim


_HEADER = ("claim", "where", "verdict", "found")


def as_markdown(audit: Audit, said: Language = ENGLISH) -> str:
    """A table, in GitHub's Markdown."""
    def cell(text: str) -> str:
        return escaping.one_line(text).replace("|", "\\|")

    header = " | ".join(map(said.text, _HEADER))
    rows = [f"# {audit.title}", ""] if audit.title else []
    rows += [summary(audit, said), "", f"| | {header} |", "|---|---|---|---|---|"]
    for number, finding in enumerate(audit, 1):
        code = "``" if "`" in finding.claim else "`"
        told = "; ".join(_without_places(finding, said))
        rows.append(f"| {number} | {code}{cell(_claim(finding, said))}{code} | "
                    f"{cell(said.text(finding.where))} | {said.text(finding.verdict)} "
                    f"| {cell(told)} |")
    return "\n".join([*rows, "", *map(said.text, audit.notes)]).rstrip() + "\n"


def _without_places(finding: Finding, said: Language) -> list[str]:
    """The details without the lines that point into a text."""
    return [line for line in details(finding, said)
            if line.strip("^ ") and not line.startswith("  ")]


def as_html(audit: Audit, said: Language = ENGLISH, whole: bool = True) -> str:
    """A table that needs nothing else; `whole`: as a page, on which formulas are set."""
    rows = []
    for number, finding in enumerate(audit, 1):
        told = "<br>".join(_lines(finding, said, whole))
        rows.append(f'<tr class="{finding.verdict}" id="claim{number}"><td>{number}</td>'
                    f"<td>{_set(finding.claim) if whole and _is_formula(finding) else ''}"
                    f"<code>{escape(_claim(finding, said))}</code></td>"
                    f"<td>{escape(said.text(finding.where))}</td>"
                    f"<td>{_MARKS[finding.verdict]} {escape(said.text(finding.verdict))}</td>"
                    f"<td>{told}</td></tr>")
    header = "".join(f"<th>{escape(said.text(head))}</th>" for head in ("#", *_HEADER))
    table = f"<p>{escape(summary(audit, said))}</p>\n{_open(audit, said) if whole else ''}"
    table += (f"<table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n" + "\n".join(rows)
              + "\n</tbody>\n</table>\n")
    table += "".join(f"<p>{escape(said.text(note))}</p>\n" for note in audit.notes)
    if not whole:
        return table
    title = escape(audit.title or said.text("Audit"))
    return (f'<!doctype html>\n<html lang="{said.code}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
            f'content="light dark"><title>{title}</title>\n'
            f"<style>{template_text('math_font.css')}{_STYLE}</style></head>\n<body>"
            f"<main><h1>{title}</h1>\n{table}</main></body></html>\n")


def _open(audit: Audit, said: Language) -> str:
    """Links to the claims that are not fine, by verdict."""
    found = []
    for verdict in reversed(ORDER):
        links = [f'<a href="#claim{number}">{number}</a>' for number, finding in enumerate(audit, 1)
                 if finding.verdict == verdict and verdict not in FINE]
        if links:
            found.append(f"<p>{_MARKS[verdict]} {escape(said.text(verdict))}: "
                         f"{', '.join(links)}</p>\n")
    return "".join(found)


def _is_formula(finding: Finding) -> bool:
    return finding.kind not in ("output", "shape")


def _lines(finding: Finding, said: Language, whole: bool) -> list[str]:
    """The details as HTML; the formula that would be right is set, too."""
    found = []
    for line in _without_places(finding, said):
        text = escape(line)
        own = [finding.claim] if any(each.startswith(f"{finding.claim} ")
                                     for each in finding.diagnosis) else []
        for formula in (*finding.diagnosis, *own, *_SIDE.findall(finding.why)) if whole else ():
            made = _set(formula) if escape(formula) in text else ""
            if made:
                text = text.replace(escape(formula), made)
        found.append(text)
    return found


_OF_PROGRAM = re.compile(r"[*@]|[A-Za-z]{3}|[A-Za-z]\.[A-Za-z]|[A-Za-z]{2}\w*_\w|[A-Za-z]\[\w")
_SIDE = re.compile(r"^(.*[\\{].*?) is [-\d]", re.MULTILINE)
"""A side of a claim with something of LaTeX in it, of which a figure is told."""


def _set(formula: str) -> str:
    """A formula as mathematics; nothing for what cannot be set, nor for what is written as in a
    program, whose names would be products of letters."""
    if "\\" not in formula and _OF_PROGRAM.search(formula):
        return ""
    try:
        return f'<span class="set">{mathml(formula)}</span> '
    except MathmlError:
        return ""


_STYLE = """
math{font-family:"Gradproof Math",math}
body{font:1rem/1.5 serif;margin:1rem}main{max-width:80rem;margin:auto}
table{border-collapse:collapse;width:100%;table-layout:fixed}th:nth-child(1){width:1.8em}
th:nth-child(3){width:7em}th:nth-child(4){width:7em}th:nth-child(5){width:34%}
td,th{border:1px solid #8888;padding:.3em .5em;text-align:left;vertical-align:top}
td:nth-child(1),td:nth-child(4){white-space:nowrap}td{overflow-wrap:anywhere}
code{font-size:.75em;overflow-wrap:anywhere;display:block}
.set{display:block;overflow:auto hidden;padding-bottom:.2em}
td:last-child .set{display:inline-block;vertical-align:middle;max-width:100%}
.wrong td:nth-child(4),.unread td:nth-child(4){font-weight:bold}
.wrong,.unread{background:#d0202018}.rounded,.depends,.undecided{background:#d0a02018}
@media (max-width:50rem){thead{display:none}table,tbody,tr,td{display:block}
td{border:0;padding:.1em 0}tr{border-top:1px solid #8888;padding:.5em}
td:nth-child(1){float:right}}
"""

FORMATS: dict[str, Callable[[Audit, Language], str]] = {
    "text": as_text, "markdown": as_markdown, "html": as_html,
    "json": lambda audit, _: escaping.json_text(audit.as_data()),
}
"""How an audit is written, by the name of the format; data stays in English."""
