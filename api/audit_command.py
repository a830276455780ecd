"""The command ``gradproof audit``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import sys

from gradproof.symbolic import escaping
from gradproof.terminal import FAILED, FINDINGS, FINE, say


def add_options(command: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    command.add_argument("claims", help="a TOML file of claims, a network's spec that states "
                                        "figures, or a document in Markdown or LaTeX")
    command.add_argument("--spec", help="what a document's formulas are about: a network's spec "
                                        "(TOML), or the name of an example: 2-2-1")
    command.add_argument("--format", choices=("text", "markdown", "html", "json"), default="text",
                         help="what to print (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Prints the audit; 0 where every claim is right, or what rounded figures give."""
    from gradproof.claims.files import audit
    from gradproof.claims.findings import FINE as GOOD
    from gradproof.claims.shown import FORMATS

    found = audit(options.claims, options.spec)
    text = FORMATS[options.format](found)
    if options.format == "json":
        print(text)
    else:
        say(text.rstrip("\n"))
    if not found.findings:
        say(f"gradproof: error: {escaping.path(options.claims)}: nothing to audit: it states no "
            "formula and no number", sys.stderr)
        return FAILED
    return FINE if all(finding.verdict in GOOD for finding in found) else FINDINGS
