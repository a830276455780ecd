"""An audit: its findings, as data, text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from gradproof.claims.findings import ORDER, Finding, worst
from gradproof.symbolic import escaping

_MARKS = {"right": "✓", "rounded": "≈", "depends": "?", "undecided": "?", "unread": "–",
          "wrong": "✗"}


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


def as_text(audit: Audit) -> str:
    """A few lines a claim, and how many have which verdict."""
    lines = [audit.title] if audit.title else []
    for number, finding in enumerate(audit, 1):
        where = f"  [{finding.where}]" if finding.where else ""
        lines.append(f"{number:3} {_MARKS[finding.verdict]} {finding.verdict}: {finding.claim}"
                     f"{where}")
        lines += [f"      {line}" for line in details(finding)]
    lines.append(summary(audit))
    lines += audit.notes
    return "\n".join(lines)


def details(finding: Finding) -> list[str]:
    """What is said of a claim beside its verdict."""
    lines = finding.why.split("\n") if finding.why else []
    if finding.exact:
        lines.append(f"exact: {finding.exact}" + (f", stated - exact: {finding.error}"
                                                  if finding.error else ""))
    lines += [f"it would be right as: {text}" for text in finding.diagnosis]
    lines += [f"which is meant? {text}" for text in finding.questions]
    return lines


def summary(audit: Audit) -> str:
    """"12 claims: 10 right, 2 wrong"."""
    counts = ", ".join(f"{number} {verdict}" for verdict, number in audit.counts.items())
    return f"{len(audit)} claim{'s' * (len(audit) != 1)}: {counts or 'nothing was checked'}"


def as_markdown(audit: Audit) -> str:
    """A table, in GitHub's Markdown."""
    def cell(text: str) -> str:
        return escaping.one_line(text).replace("|", "\\|")

    rows = [f"# {audit.title}", ""] if audit.title else []
    rows += [summary(audit), "", "| | claim | where | verdict | found |", "|---|---|---|---|---|"]
    for number, finding in enumerate(audit, 1):
        code = "``" if "`" in finding.claim else "`"
        told = "; ".join(_without_places(finding))
        rows.append(f"| {number} | {code}{cell(finding.claim)}{code} | {cell(finding.where)} "
                    f"| {finding.verdict} | {cell(told)} |")
    return "\n".join([*rows, "", *audit.notes]).rstrip() + "\n"


def _without_places(finding: Finding) -> list[str]:
    """The details without the lines that point into a text."""
    return [line for line in details(finding) if line.strip("^ ") and not line.startswith("  ")]


def as_html(audit: Audit, whole: bool = True) -> str:
    """A table that needs nothing else; `whole`: as a page."""
    rows = []
    for number, finding in enumerate(audit, 1):
        told = "<br>".join(map(escape, _without_places(finding)))
        rows.append(f'<tr class="{finding.verdict}"><td>{number}</td>'
                    f"<td><code>{escape(finding.claim)}</code></td>"
                    f"<td>{escape(finding.where)}</td><td>{finding.verdict}</td>"
                    f"<td>{told}</td></tr>")
    table = (f"<p>{escape(summary(audit))}</p>\n<table>\n<thead><tr><th>#</th><th>claim</th>"
             "<th>where</th><th>verdict</th><th>found</th></tr></thead>\n<tbody>\n"
             + "\n".join(rows) + "\n</tbody>\n</table>\n")
    if not whole:
        return table
    title = escape(audit.title or "Audit")
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
            f"<style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>\n{table}</main></body>"
            "</html>\n")


_STYLE = ("body{font:1rem/1.5 serif;margin:1rem}table{border-collapse:collapse}"
          "td,th{border:1px solid #999;padding:.3em;text-align:left;overflow-wrap:anywhere}"
          ".wrong td:nth-child(4){font-weight:bold}")

FORMATS: dict[str, Callable[[Audit], str]] = {
    "text": as_text, "markdown": as_markdown, "html": as_html,
    "json": lambda audit: escaping.json_text(audit.as_data()),
}
"""How an audit is written, by the name of the format."""
