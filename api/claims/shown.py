"""An audit: its findings, as data, text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from gradproof.claims.findings import ORDER, Finding, worst
from gradproof.reports.language import Language, language
from gradproof.reports.mathml import MathmlError, mathml
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
        told = "<br>".join(map(escape, _without_places(finding, said)))
        rows.append(f'<tr class="{finding.verdict}"><td>{number}</td>'
                    f"<td>{_set(finding, said) if whole else ''}"
                    f"<code>{escape(_claim(finding, said))}</code></td>"
                    f"<td>{escape(said.text(finding.where))}</td>"
                    f"<td>{_MARKS[finding.verdict]} {escape(said.text(finding.verdict))}</td>"
                    f"<td>{told}</td></tr>")
    header = "".join(f"<th>{escape(said.text(head))}</th>" for head in ("#", *_HEADER))
    table = (f"<p>{escape(summary(audit, said))}</p>\n<div class=\"wide\"><table>\n<thead><tr>"
             f"{header}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table></div>\n")
    table += "".join(f"<p>{escape(said.text(note))}</p>\n" for note in audit.notes)
    if not whole:
        return table
    title = escape(audit.title or said.text("Audit"))
    return (f'<!doctype html>\n<html lang="{said.code}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
            f'content="light dark"><title>{title}</title>\n<style>{_STYLE}</style></head>\n<body>'
            f"<main><h1>{title}</h1>\n{table}</main></body></html>\n")


def _set(finding: Finding, said: Language) -> str:
    """A formula as mathematics, its TeX below it; nothing for what cannot be set."""
    if finding.kind in ("output", "shape"):
        return ""
    try:
        return f"{mathml(finding.claim)}<br>"
    except MathmlError:
        return ""


_STYLE = ("body{font:1rem/1.5 serif;margin:1rem}.wide{overflow-x:auto}"
          "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3em;"
          "text-align:left;vertical-align:top;overflow-wrap:anywhere}code{font-size:.8em}"
          ".wrong td:nth-child(4){font-weight:bold}")

FORMATS: dict[str, Callable[[Audit, Language], str]] = {
    "text": as_text, "markdown": as_markdown, "html": as_html,
    "json": lambda audit, _: escaping.json_text(audit.as_data()),
}
"""How an audit is written, by the name of the format; data stays in English."""
