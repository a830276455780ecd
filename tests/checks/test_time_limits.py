"""Every check has an answer: whatever a user's code does, and however long a proof would take."""

import contextlib
import json
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import gradproof as gp
from gradproof.limits.calls import ExitedError, NotReturnedError, called
from gradproof.limits.deadline import TimeLimitError, attempted, bounded, left


def for_ever(x=None):
    while True:
        pass


def in_spite_of_everything():
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


# --- calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [for_ever, in_spite_of_everything, lambda: time.sleep(60)])
def test_a_call_ends_with_its_time(call):
    began = time.monotonic()
    with pytest.raises(TimeLimitError):
        bounded(0.2, call)
    assert time.monotonic() - began < 5
    assert left() == float("inf")


def test_the_sooner_of_two_limits_ends_both_and_the_later_one_holds_on():
    with pytest.raises(TimeLimitError) as caught:
        bounded(0.2, lambda: bounded(30, for_ever))
    assert caught.value.seconds == 0.2

    def inner_then_outer():
        with pytest.raises(TimeLimitError):
            bounded(0.1, for_ever)
        for_ever()

    with pytest.raises(TimeLimitError) as caught:
        bounded(0.4, inner_then_outer)
    assert caught.value.seconds == 0.4


def test_what_explains_a_verdict_may_fail_or_be_late():
    assert bounded(0.4, lambda: attempted(for_ever, "kept", share=0.5)) == "kept"
    assert attempted(lambda: 1 // 0, "kept") == "kept"


def test_in_a_thread_limits_are_looked_at_between_steps():
    found = []

    def two_steps():
        try:
            bounded(0.05, lambda: [bounded(10, lambda: time.sleep(0.2)), bounded(10, list)])
        except TimeLimitError as error:
            found.append(error)

    thread = threading.Thread(target=two_steps)
    thread.start()
    thread.join()
    assert len(found) == 1


@pytest.mark.parametrize("error", [SystemExit(0), GeneratorExit(), KeyboardInterrupt()])
def test_what_ends_a_program_ends_a_call_alone(error):
    def raises():
        raise error

    with pytest.raises(ExitedError):
        called(raises)
    with pytest.raises(NotReturnedError):
        called(for_ever, 0.1)


# --- checks -------------------------------------------------------------------------------------


def loss(x):
    return np.sum(x**2)


def exits(x):
    sys.exit(0)


def recurs(x):
    return recurs(x)


HOPELESS = {"did not return within": for_ever, "ends the program": exits, "RecursionError": recurs}


@pytest.mark.parametrize("said", HOPELESS)
def test_a_gradient_that_gives_nothing_is_undecided(said):
    found = gp.check(loss, HOPELESS[said], x="n", time_limit=2, repair_seconds=0)
    assert found.verdict == "undecided"
    assert said in found["x"].reason
    assert "n = 3" in found["x"].reason


def test_a_gradient_that_hangs_at_some_sizes_says_at_which():
    def gradient(x):
        while len(x) == 6:
            pass
        return 2 * x

    found = gp.check(loss, gradient, x="n", time_limit=3)
    assert found.verdict == "undecided"
    assert "did not return" in found["x"].reason
    assert "n = 6" in found["x"].reason


NO_LOSS = {
    "returns None": lambda x: None,
    "an array of shape (3,)": lambda x: x**2,
    "a complex number": lambda x: 1j * np.sum(x),
    "without entries": lambda x: x[:0],
    "returns 'abc'": lambda x: "abc",
    "returns [[1], [1, 2]]": lambda x: [[1], [1, 2]],
    "ZeroDivisionError": lambda x: 1 // 0,
    "ends the program": exits,
    "the loss did not return": for_ever,
}


@pytest.mark.parametrize("said", NO_LOSS)
def test_a_loss_that_is_none_says_what_it_returned_and_what_was_expected(said):
    found = gp.check(NO_LOSS[said], lambda x: 2 * x, x="n", time_limit=2)
    assert found.verdict == "undecided"
    assert said in found["x"].reason


def test_one_array_that_is_written_again_with_every_call_is_copied():
    kept = np.empty(400)

    def gradient(x):
        out = kept[:x.size]
        out[...] = 2 * x
        return out

    def wrong(x):
        out = kept[:x.size]
        out[...] = 2.001 * x
        return out

    values = np.random.default_rng(0).normal(size=4)
    assert gp.check(loss, gradient, x=values).verdict in ("agrees", "proved")
    assert gp.check(loss, wrong, x=values, repair_seconds=0).verdict == "refuted"


def test_an_array_without_entries_decides_nothing():
    assert gp.check(loss, lambda x: 3 * x, x=np.zeros(0)).verdict == "undecided"


def test_a_fault_of_the_prover_or_the_explanation_costs_no_verdict(monkeypatch):
    from gradproof.checks import judging, proofs

    def broken(*_, **__):
        raise RecursionError("ours")

    for name in ("right_for", "find_repair", "factor_text"):
        monkeypatch.setattr(judging, name, broken, raising=False)
    assert gp.check(loss, lambda x: 3 * x, x="n").verdict == "refuted"
    monkeypatch.setattr(proofs.Prover, "prove", broken)
    assert gp.check(loss, lambda x: 3 * x, x="n").verdict == "refuted"
    found = gp.check(loss, lambda x: 2 * x, x="n")
    assert found.verdict == "agrees"
    assert "deeper than the proof follows" in found["x"].reason


def test_a_proof_without_end_leaves_the_numbers(monkeypatch):
    from gradproof.checks import proofs

    monkeypatch.setattr(proofs.Prover, "prove", lambda *_: for_ever())
    found = gp.check(loss, lambda x: 2 * x, x="n", time_limit=2)
    assert found.verdict == "agrees"
    assert "the proof did not end" in found["x"].reason
    with pytest.raises(ValueError, match="time_limit"):
        gp.check(loss, lambda x: 2 * x, x="n", time_limit=0)


# --- files, in a process of their own -----------------------------------------------------------


FILE = """
import os, sys
import numpy as np
import gradproof as gp
from beside import square
print("printed by the file")

def loss(x):
    return square(x)

def stubborn(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

@gp.gradient_of(loss, x="n")
def loops(x):
    stubborn(x)

@gp.gradient_of(loss, x="n")
def exits(x):
    sys.exit(0)

@gp.gradient_of(loss, x="n")
def dies(x):
    os._exit(0)

@gp.gradient_of(loss, x="n")
def raises(x):
    raise RuntimeError("no")

@gp.gradient_of(loss, x="n", y="n")
def declared(x):
    return 2 * x

@gp.gradient_of(loss, x="n")
def wrong(x):
    print("printed by a gradient")
    return 3 * x

@gp.gradient_of(loss, x="n")
def right(x):
    from beside import two
    return two * x
"""
BESIDE = "import numpy as np\ntwo = 2\ndef square(x): return np.sum(x**2)\n"


def check(folder, *options):
    return subprocess.run([sys.executable, "-m", "gradproof", "check", *options], cwd=folder,
                          capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "hand.py").write_text(FILE, encoding="utf-8")
    (tmp_path / "code" / "beside.py").write_text(BESIDE, encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_one_function_does_not_touch_the_answers_for_the_others(folder):
    done = check(folder, "code/hand.py", "--format", "json", "--time-limit", "5")
    assert done.returncode == 2  # one is declared so that it cannot be checked
    answers = {found["function"]: found for found in json.loads(done.stdout)}
    assert {name: found["verdict"] for name, found in answers.items()} == {
        "loops": "undecided", "exits": "undecided", "dies": "undecided", "raises": "undecided",
        "wrong": "refuted", "right": "proved", "declared": "error"}
    reasons = {name: found["checks"][0]["reason"] for name, found in answers.items()
               if "checks" in found}
    assert "did not return" in reasons["loops"] or "no answer within 5 s" in reasons["loops"]
    assert "ends the program" in reasons["exits"]
    assert "exit code 0" in reasons["dies"]
    assert "RuntimeError: no" in reasons["raises"]
    assert "hand.py: declared: " in done.stderr
    assert "printed by a gradient" in done.stderr


@pytest.mark.parametrize(("line", "said"), [
    ("import os; os._exit(0)", "exit code 0 while the file was run"),
    ("import sys; sys.exit(0)", "SystemExit while the file was run"),
    ("while True: pass", "did not end within 2 s when the file was run"),
    ("import ctypes; ctypes.string_at(0)", "SIGSEGV while the file was run"),
])
def test_a_file_that_does_not_run_through_is_exit_code_2(tmp_path, line, said):
    (tmp_path / "hand.py").write_text(f"import gradproof as gp\n{line}\n", encoding="utf-8")
    done = check(tmp_path, "hand.py", "--time-limit", "2")
    assert done.returncode == 2
    assert said in done.stderr
    assert not done.stdout


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_does_not_make_it_fine(tmp_path):
    (tmp_path / "hand.py").write_text(
        "import gradproof as gp\ndef loss(x): return (x**2).sum()\n"
        "@gp.gradient_of(loss, x='n')\ndef right(x): return 2*x\n"
        "@gp.gradient_of(loss, x='n')\ndef wrong(x): return 3*x\n", encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-m", "gradproof", "check", "hand.py"],
                               cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 1


# --- declarations -------------------------------------------------------------------------------


def picked(W, y):
    return -np.sum(W[np.arange(len(y)), y])


def picked_slope(W, y):
    slope = np.zeros_like(W)
    slope[np.arange(len(y)), y] = -1
    return {"W": slope}


def test_classes_may_be_a_number():
    y = gp.Array("m", kind="labels", classes=4)
    assert y.classes == 4
    assert gp.check(picked, picked_slope, W="m 4", y=y).verdict == "proved"
    assert gp.check(picked, lambda W, y: {"W": 2 * picked_slope(W, y)["W"]}, W="m 4", y=y,
                    repair_seconds=0).verdict == "refuted"


def test_labels_beyond_every_axis_are_an_undecided_answer():
    y = gp.Array("m", kind="labels", classes="k")
    found = gp.check(picked, picked_slope, W="m n", y=y, repair_seconds=0)
    assert found.verdict == "undecided"
    assert "IndexError" in found["W"].reason


def test_a_parameter_may_be_called_inputs():
    def forward(inputs, w):
        return inputs @ w, (inputs, w)

    def backward(dout, cache):
        return dout @ cache[1].T, cache[0].T @ dout

    found = gp.check_layer(forward, backward, inputs="m n", w="n h")
    assert {check.name: check.verdict for check in found} == {"inputs": "proved", "w": "proved"}
    assert gp.check(lambda inputs: np.sum(inputs**2), lambda inputs: 2 * inputs,
                    inputs="n").verdict == "proved"


def test_arrays_beyond_all_memory_are_said():
    with pytest.raises(ValueError, match=r"x: arrays of shape .* too large"):
        gp.check(loss, lambda x: 2 * x, x="10000000 10000000")


def test_no_warning_of_the_tools_own_arithmetic_leaks():
    """They are errors in this test run; entries that nobody wrote, and values beyond float64."""
    def unwritten(x):
        out = np.empty(x.shape)
        out[...] = np.inf
        return out

    assert gp.check(loss, unwritten, x="n", repair_seconds=0).verdict != "proved"
    huge = {"x": np.array([400.0, -300.0, 709.0])}
    found = gp.check(lambda x: np.sum(np.exp(2 * x)), lambda x: 2 * np.exp(2 * x), **huge)
    assert found.verdict in ("proved", "undecided", "agrees")
