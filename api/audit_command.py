"""The command ``gradproof audit``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import sys

from gradproof.reports.language import LANGUAGES
from gradproof.symbolic import escaping
from gradproof.terminal import FAILED, FINDINGS, FINE, say


def add_options(command: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    command.add_argument("claims", help="a TOML file of claims, a network's spec that states "
                                        "figures, or a document in Markdown or LaTeX")
    command.add_argument("--spec", help="what a document's formulas are about: a network's spec "
                                        "(TOML), or the name of an example: 2-2-1")
    command.add_argument("--texts", help="the folder of the texts that the claims are from "
                                         "(default: that of the file of claims)")
    command.add_argument("--run", action="store_true", dest="run_programs",
                         help="run the programs whose output is claimed: Python files beside the "
                              "claims, each in a process of its own with limits")
    command.add_argument("--language", choices=LANGUAGES, default="en",
                         help="of what is said (default: %(default)s); JSON stays in English")
    command.add_argument("--format", choices=("text", "markdown", "html", "json"), default="text",
                         help="what to print (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Prints the audit; 0 where every claim is right, or what rounded figures give."""
    from gradproof.claims.files import audit
    from gradproof.claims.findings import FINE as GOOD
    from gradproof.claims.shown import FORMATS
    from gradproof.reports.language import language

    found = audit(options.claims, options.spec, run=options.run_programs, texts=options.texts)
    text = FORMATS[options.format](found, language(options.language, "audit"))
    if options.format == "json":
        print(text)
    else:
        say(text.rstrip("\n"))
    if not found.findings:
        say(f"gradproof: error: {escaping.path(options.claims)}: nothing to audit: it states no "
            "formula and no number", sys.stderr)
        return FAILED
    return FINE if all(finding.verdict in GOOD for finding in found) else FINDINGS
