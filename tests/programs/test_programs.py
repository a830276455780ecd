"""Programs that train are checked as they stand: what is taken for what, and the verdict."""

import ast
from dataclasses import replace

import numpy as np
import pytest
from tables import program_networks, program_styles, programs

from gradproof.checks.hand_files import HandError
from gradproof.programs.checking import program_of
from gradproof.programs.options import Options
from gradproof.programs.parameters import Parameter
from gradproof.programs.slices import Demand


@pytest.fixture
def checked(tmp_path, alone):
    """Checks a program's text, in a file of its own, as the command does in its process."""
    def check(text, repair_seconds=0, name="program.py", **options):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        made = program_of(str(file), Options(**options), 30)
        return made, made.check(60, repair_seconds)

    return check


PASSES = ("proved", "agrees")


CASES = (*programs.CASES, *program_styles.CASES, *program_networks.CASES)

QUICK = {"loop", "class", "factor", "never_zeroed", "clipped_by_norm", "longer_in_a_branch",
         "loss_of_other_data", "loss_of_all_samples_wrong", "table_slope", "rivals"}


@pytest.mark.parametrize("case", [
    pytest.param(case, marks=() if case.name in QUICK else pytest.mark.slow, id=case.name)
    for case in CASES])
def test_a_program_has_the_verdicts_that_are_true_of_it(case, checked):
    _, result = checked(case.text)
    for one in result:
        due = case.verdicts if isinstance(case.verdicts, str) else case.verdicts[one.name]
        assert one.verdict == due or (due == "not a pass" and one.verdict not in PASSES), \
            f"{one.name}\n{result}"
    assert len(result.checks) == (len(case.verdicts) if isinstance(case.verdicts, dict)
                                  else len(result.checks))


TWO_LOOPS = programs.LOOP.replace("range(10000)", "range(3)") + """
for epoch in range(10):
    p = sigmoid(a1 @ W2)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dW2 = a1.T @ (p - y)
    W2 -= lr * dW2
"""


@pytest.mark.slow
def test_other_loops_that_take_steps_are_told_and_can_be_asked_for(checked):
    made, result = checked(TWO_LOOPS)
    line = TWO_LOOPS[:TWO_LOOPS.index("for epoch in range(10):")].count("\n") + 1
    assert result.verdict == "proved"
    assert made.taken[-1] == (
        f"not looked at: the loop in line {line}, which takes steps, too (--line {line})")
    assert checked(TWO_LOOPS, line=line)[1].verdict == "refuted"


def test_a_loss_that_is_no_number_is_told(checked):
    with pytest.raises(HandError, match="the loss loss is nan in the pass"):
        checked(programs.LOOP.replace("loss = -np.mean(", "loss = -np.mean(np.nan * "))


def test_parameters_are_compared_without_their_numbers():
    """From Python 3.13 on, a dataclass asks each pair of fields for ==, which an array has none
    of: a program that trains ended in an error there."""
    demand = Demand("dW", ast.parse("dW", mode="eval").body, 2)
    one = Parameter("W", (), np.ones(3), demand, "dW")
    assert one == replace(one, start=np.ones(3))
    assert one != replace(one, is_step=True)
