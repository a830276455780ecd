"""The command line: each command is a few lines around the Python function of the same name.

Exit codes: 0 all fine; 1 findings (refuted, undecided); 2 usage, configuration or crash, or nothing
to check.  SymPy is imported when a command needs it, so that --help does not wait for it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradproof import __version__
from gradproof.audit_command import add_options as add_audit_options
from gradproof.check_command import add_limits
from gradproof.check_command import add_options as add_check_options
from gradproof.codegen_command import add_options as add_codegen_options
from gradproof.embed_command import add_options as add_embed_options
from gradproof.run_command import add_options as add_run_options
from gradproof.symbolic import escaping
from gradproof.terminal import FAILED, FINDINGS, FINE, bear_any_text, progress, say
from gradproof.train_command import add_options as add_train_options

if TYPE_CHECKING:
    from gradproof.derivations.derivation import Derivation

EXAMPLES = """\
examples:
  gradproof report 2-2-1                      the textbook network, into gradproof-report/
  gradproof derive moons.toml                 the formulas, in the terminal
  gradproof codegen moons.toml > gradient.py  the gradient as NumPy source
  gradproof check backward.py --spec moons.toml
  gradproof report moons.toml --hand backward.py -o report
  gradproof embed --check --diff README.md    formulas and numbers between markers
  gradproof audit notes.md --spec 2-2-1       formulas of a text, held against the derivation
  gradproof train moons --data moons -o run   train with the generated gradient
  gradproof run optimisers                    an example, and the page that it teaches by
"""

FILE_HELP = ("; or FILE.py:NAME, a PyTorch module or a function of a Python file, which is run "
             "(docs/modules.md)")

SPEC_HELP = ("a spec (TOML), or the name of an example: 2-2-1, xor, columns, moons, "
             "3-4-2, softmax-regression, lenet, lstm, transformer or gaussian-process")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = _parser()
    bear_any_text()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help(sys.stderr)
        return FAILED
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except OSError as error:
        named = f"{escaping.path(error.filename)}: " if error.filename else ""
        say(f"gradproof: error: {named}{error.strerror or error}", sys.stderr)
        return FAILED
    except (ValueError, TypeError, NotImplementedError) as error:
        say(f"gradproof: error: {error}", sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("gradproof: interrupted", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradproof",
        description="Derive backpropagation by machine, generate it as NumPy, and prove "
                    "hand-written gradients right or say which factor is wrong.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gradproof {__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_add_derive, _add_codegen, _add_check, _add_report, _add_embed, _add_audit,
                _add_train, _add_run, _add_examples):
        add(commands)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str,
    example: str, description: str = "",
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {description}",
        epilog=f"examples:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(run=run)
    return made


def _later(module: str, name: str = "run") -> Callable[[argparse.Namespace], int]:
    """A function of a module that is imported when the command is given."""
    return lambda options: getattr(import_module(module), name)(options)


# --- derive -------------------------------------------------------------------------------------


NOTATION_HELP = ("how formulas are written: a preset (ng, nielsen, bishop, ...), or a TOML file "
                 "(docs/reports.md)")


def _add_derive(commands: Any) -> None:
    command = _command(commands, "derive", _derive, "print the formulas of a network's gradient",
                       "gradproof derive 2-2-1\n  gradproof derive moons.toml --format latex")
    _add_source(command)
    command.add_argument("--format", choices=("text", "markdown", "latex", "typst", "json"),
                         default="text", help="what to print (default: %(default)s)")
    command.add_argument("--notation", metavar="NAME", help=NOTATION_HELP)
    command.add_argument("--steps", action="store_true",
                         help="every form of every equation, with its reason")
    command.add_argument("--entries", action="store_true",
                         help="entry by entry, for a network whose sizes are all small numbers")


def _derive(options: argparse.Namespace) -> int:
    with progress("deriving"):
        derivation = _derived(options)
    if options.notation is not None:
        from gradproof.derivations.notations import in_notation

        derivation = in_notation(derivation, options.notation)
    if options.entries:
        derivation = derivation.entries()
    if options.format == "json":
        print(escaping.json_text(_as_json(derivation)))
    elif options.format == "text":
        say(_as_text(derivation, options.steps))
    else:
        say(_as_document(derivation, options.format, options.steps))
    return FINE


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("spec", help=SPEC_HELP + FILE_HELP)
    command.add_argument("--shape", action="append", default=[], metavar="NAME=SIZES",
                         help='an input of FILE.py:NAME, as x="m n", or t="m: labels k"')
    command.add_argument("--size", action="append", default=[], metavar="NAME=N", dest="sizes",
                         help="a letter of these shapes that is a number, as m=4")
    command.add_argument("--loss", metavar="NAME",
                         help="the loss of a module's outputs, by its name in that file")


def _derived(options: argparse.Namespace) -> Derivation:
    from gradproof.modules.files import derived

    return derived(options.spec, options.shape, options.loss, options.sizes)


def _as_text(derivation: Derivation, steps: bool) -> str:
    if not steps:
        lines = [str(derivation)]
    else:
        lines = []
        for formula in derivation.all():
            first, *rest = formula.because
            lines += [first, *(f"    {line}" for line in rest)]
        lines += [f"assumed: {text}" for text in derivation.assumptions]
        lines += [f"kink: {text}" for text in derivation.kinks]
    if derivation.has_general_rule:
        lines.append(f"For any last layer L, one sample, {derivation.general_symbols}")
        lines += [f"  {line}" for line in derivation.general_rule_text()]
    return "\n".join(lines)


def _as_document(derivation: Derivation, form: str, steps: bool) -> str:
    from gradproof.symbolic.display.text_and_latex import plain
    from gradproof.symbolic.display.typst import typst

    blocks = []
    writer = derivation.writer
    formulas = derivation.all() if steps else derivation.shown()
    for formula in formulas:
        blocks += formula.latex_forms() if steps else [str(writer.latex(formula.step.equation))]
    blocks += dict.fromkeys(
        note for formula in formulas for note in writer.notes(formula.step.equation, latex=True)
    )
    shown = {"latex": lambda latex: rf"\[ {plain(latex)} \]",
             "typst": lambda latex: f"$ {typst(latex)} $",
             "markdown": lambda latex: f"$$\n{latex}\n$$"}[form]
    return "\n\n".join(map(shown, blocks))


def _as_json(derivation: Derivation) -> dict[str, Any]:
    return {
        "equations": [
            {
                "name": formula.name,
                "array": formula.array,
                "role": formula.step.role,
                "text": str(formula),
                "latex": formula.latex(),
                "because": list(formula.because),
            }
            for formula in derivation.all()
        ],
        "assumptions": list(derivation.assumptions),
        "kinks": list(derivation.kinks),
    }


# --- codegen ------------------------------------------------------------------------------------


def _add_codegen(commands: Any) -> None:
    command = _command(commands, "codegen", _later("gradproof.codegen_command"),
                       "print NumPy or C source of the gradient",
                       "gradproof codegen 2-2-1 > gradient.py\n"
                       "  gradproof codegen 2-2-1 --target c > gradient.c")
    _add_source(command)
    add_codegen_options(command)


# --- check --------------------------------------------------------------------------------------


def _add_check(commands: Any) -> None:
    command = _command(
        commands, "check", _later("gradproof.check_command"),
        "hold hand-written gradients against the derived ones",
        "gradproof check backward.py --spec moons.toml\n"
        "  gradproof check gradients.py      (functions marked @gp.gradient_of(loss, X=\"m n\"))\n"
        "  gradproof check train.py          (a program that trains, as it is)",
        "The file is run, as python would run it; a program that trains, until it is seen to.",
    )
    add_check_options(command, SPEC_HELP)


# --- embed --------------------------------------------------------------------------------------


def _add_embed(commands: Any) -> None:
    command = _command(
        commands, "embed", _embed,
        "write formulas and numbers between the markers of documents",
        "gradproof embed README.md\n  gradproof embed --check --diff docs/*.md",
        "A marker is a pair of comments: <!-- gradproof 2-2-1 L = .6f --><!-- /gradproof -->. "
        "Exit code 1 when something is stale, changed by hand, refuted or undecided; a document "
        "with an error stays as it was.",
    )
    add_embed_options(command)


def _embed(options: argparse.Namespace) -> int:
    from gradproof.embed_command import run

    with progress("embedding"):
        return run(options)


# --- audit --------------------------------------------------------------------------------------


def _add_audit(commands: Any) -> None:
    command = _command(
        commands, "audit", _audit, "hold claims somebody made against the derivation",
        "gradproof audit claims.toml\n  gradproof audit notes.md --spec 2-2-1 --format markdown",
        "Claims stand in a TOML file (docs/audit.md), or are the formulas of a document. Exit code "
        "1 when one is wrong, undecided, unread, or depends on what is meant.",
    )
    add_audit_options(command)


def _audit(options: argparse.Namespace) -> int:
    from gradproof.audit_command import run

    with progress("auditing"):
        return run(options)


# --- train --------------------------------------------------------------------------------------


def _add_train(commands: Any) -> None:
    command = _command(
        commands, "train", _later("gradproof.train_command"),
        "train a network with its generated gradient",
        "gradproof train moons --data moons --epochs 50 -o run\n"
        "  gradproof train net.toml --data iris.csv --target species --size h=16 "
        "--optimiser adam\n"
        "  gradproof train net.toml --data digits --checkpoint run.npz --resume",
        "A demonstration of what is generated, no framework: mini-batches, optimisers as "
        "equations, a checkpoint after each epoch.",
    )
    add_train_options(command, SPEC_HELP)


# --- examples -----------------------------------------------------------------------------------


def _add_examples(commands: Any) -> None:
    _command(commands, "examples", _later("gradproof.run_command", "listed"),
             "list the examples that train",
             "gradproof examples\n  gradproof run moons")


def _add_run(commands: Any) -> None:
    command = _command(
        commands, "run", _later("gradproof.run_command"),
        "train an example, and write the page that it teaches by",
        "gradproof run moons\n  gradproof run optimisers --language zh -o optimisers",
        "Exit code 1 when something is not as the example says.",
    )
    add_run_options(command)


# --- report -------------------------------------------------------------------------------------


def _add_report(commands: Any) -> None:
    command = _command(
        commands, "report", _report, "write the whole derivation as a document",
        "gradproof report 2-2-1\n  gradproof report moons.toml --hand backward.py -o report",
        "Exit code 1 when --hand's backward pass is refuted or undecided.",
    )
    _add_source(command)
    command.add_argument("--hand", metavar="FILE.py",
                         help="a hand-written backward pass for the three-way comparison; it is "
                              "run")
    command.add_argument("--function", help="which function of that file")
    command.add_argument("-o", "--output", default="gradproof-report", metavar="DIR",
                         help="where the report goes (default: %(default)s)")
    command.add_argument("--format", action="append", metavar="FORMAT", dest="formats",
                         help="markdown, latex, html, pdf, json, notebook or typst; several with "
                              "commas, or the option again (default: markdown,latex)")
    command.add_argument("--notation", metavar="NAME", help=NOTATION_HELP)
    command.add_argument("--language", metavar="CODE", default="en",
                         help="en (the default) or zh")
    command.add_argument("--body", action="store_true",
                         help="LaTeX without preamble, to be read by \\input")
    command.add_argument("--length", choices=("short", "full"), default="full",
                         help="short: the formulas without derivation and numbers")
    command.add_argument("--sections", metavar="NAMES",
                         help="which sections, in which order, with commas: network, forward, "
                              "derivation, result, rule, entries, assumptions, numbers, figures, "
                              "flow, claims, comparison, program, hand")
    command.add_argument("--digits", type=int, metavar="N",
                         help="significant digits of all results (default: 6 in worked lines, 15 "
                              "in tables)")
    command.add_argument("--force", action="store_true",
                         help="replace files of these names that are no report's")
    command.add_argument("--flavor", choices=("github", "portable"), default="github",
                         help="of the Markdown: GitHub's, or one that renders everywhere")
    add_limits(command)


def _report(options: argparse.Namespace) -> int:
    from gradproof.checks.own_process.parent import Limits
    from gradproof.modules.files import source_in
    from gradproof.reporting import report
    from gradproof.reports.pages.files import DEFAULT

    def named(text: str) -> list[str]:
        return [part.strip() for part in text.split(",") if part.strip()]

    with progress("deriving, checking, writing"):
        found = source_in(options.spec, options.shape, options.loss, options.sizes)
        written, result = report(
            found, options.output, hand=options.hand, function=options.function,
            flavor=options.flavor, force=options.force, body=options.body,
            notation=options.notation, language=options.language,
            length=options.length, digits=options.digits,
            formats=named(",".join(options.formats)) if options.formats else DEFAULT,
            sections=None if options.sections is None else named(options.sections),
            limits=Limits(options.time_limit, options.memory_limit),
        )
    for path in written:
        say(escaping.path(path))
    if result is not None:
        source = Path(options.hand).name if options.hand else "hand-written backward pass"
        say(f"{escaping.path(source)}: {result.verdict}")
        say("\n".join(f"  {line}" for line in str(result).splitlines()))
        if result.verdict not in ("proved", "agrees"):
            return FINDINGS
    return FINE
