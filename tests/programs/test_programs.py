"""Programs that train are checked as they stand: what is taken for what, and the verdict."""

import pytest
from tables import program_styles, programs

from gradproof.programs.checking import program_of
from gradproof.programs.options import Options


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


CASES = (*programs.CASES, *program_styles.CASES)

QUICK = {"loop", "class", "factor", "never_zeroed", "clipped_by_norm", "longer_in_a_branch",
         "loss_of_other_data"}


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
