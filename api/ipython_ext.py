"""``%load_ext gradproof``: the cell magic ``%%gradproof``, which checks a cell that trains.

    %%gradproof --loss "np.mean((a - y)**2)" --wrt W1,b1
    for epoch in range(1000):
        ...

The cell runs with the notebook's variables until its loop has been seen to train (two passes, or
three), and its gradients are held against its loss, as ``gradproof check`` does for a file.  The
cell without the magic trains as ever.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from gradproof.checks.shown.html import result_html
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.programs.options import Options
from gradproof.symbolic.places import NUMBERED, told_by_cell

if TYPE_CHECKING:
    from gradproof.checks.results import CheckResult

RUNNING = 0.5
"""The part of the time in which a cell has to be seen to train."""


@dataclass(frozen=True)
class CellResult:
    """What was found of a cell: the checks, and what was taken for what."""

    result: CheckResult
    taken: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return self.result.verdict

    def __str__(self) -> str:
        return "\n".join((*self.taken, str(self.result)))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return result_html(self.result, self.taken)


class _Arguments(argparse.ArgumentParser):
    """Arguments of a magic, whose errors end the cell and not the kernel."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}\n{self.format_usage().strip()}")


def check_cell(shell: Any, line: str, cell: str) -> CellResult:
    """Runs a cell until it has been seen to train, and checks its gradients.

    Raises ValueError with what is wrong or missing, and what to add to the magic.
    """
    from gradproof.programs.checking import program_in
    from gradproof.programs.texts import ProgramText, python_alone

    asked = _parser().parse_args(shlex.split(line))
    options = Options(asked.loss, tuple(filter(None, asked.wrt.split(","))), asked.line)
    number = max(len(shell.user_ns.get("In", ())) - 1, 0)
    lines, without = python_alone(cell)
    before = "".join(f"{code}\n" for typed in dict.fromkeys(shell.user_ns.get("In", ())[:-1])
                     for code in python_alone(typed)[0] if not typed.startswith("%%"))
    text = ProgramText(f"<cell {number}>", "".join(f"{code}\n" for code in ("", *lines)),
                       tuple(f"line {at + 1}: {code}" for at, code in without), before)
    told_by_cell(text.file, [(1, f"cell [{number}]")], alone=True)
    made = program_in(text, shell.user_ns, options, RUNNING * asked.time_limit, "%%gradproof")
    return CellResult(made.check(asked.time_limit), made.taken)


def _parser() -> argparse.ArgumentParser:
    parser = _Arguments("%%gradproof", add_help=False, allow_abbrev=False)
    parser.add_argument("--loss", default="")
    parser.add_argument("--wrt", default="")
    parser.add_argument("--line", type=int, default=0)
    parser.add_argument("--time-limit", type=float, default=TIME_LIMIT)
    return parser


def load(shell: Any) -> None:
    """Registers the magic with an IPython shell."""
    from IPython.core.error import UsageError

    def magic(line: str, cell: str) -> CellResult:
        try:
            return check_cell(shell, line, cell)
        except ValueError as error:
            raise UsageError(str(error)) from None

    shell.register_magic_function(magic, "cell", "gradproof")
    NUMBERED.append(lambda file: getattr(shell.compile, "_filename_map", {}).get(file))
